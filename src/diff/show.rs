//! What changed, as text for people.

use std::{collections::BTreeMap, fmt};

use super::{Cause, Change, Class, Diff, Reason};

/// Changes shown one by one; `--json` and `--out` have all.
const MOST_SHOWN: usize = 20;
/// Values shown of one change.
const MOST_VALUES: usize = 6;

impl Class {
    /// The word for it in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Class::Merged => "merged",
            Class::Split => "split",
            Class::Vanished => "vanished",
            Class::Created => "created",
            Class::Grew => "grew",
            Class::Shrank => "shrank",
            Class::ValueChanged => "value_changed",
            Class::Unchanged => "unchanged",
        }
    }
}

impl Reason {
    fn name(self) -> &'static str {
        match self {
            Reason::Row => "row",
            Reason::Decision => "decision",
            Reason::Mapping => "mapping",
            Reason::Settings => "settings",
            Reason::Model => "model",
            Reason::AsOf => "as of",
            Reason::Program => "program",
            Reason::Others => "other records",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.which.as_str() {
            "" => f.write_str(self.what.name()),
            which => write!(f, "{}: {which}", self.what.name()),
        }
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = &self.records;
        writeln!(f, "{} → {}\n", self.before, self.after)?;
        write!(f, "records  {} → {}: ", rows.before, rows.after)?;
        writeln!(f, "{} added, {} removed, {} edited", rows.added, rows.removed, rows.edited)?;
        for rule in &self.changed {
            writeln!(f, "changed  {rule}")?;
        }
        self.write_counts(f)?;
        self.write_causes(f)?;
        for change in self.changes.iter().take(MOST_SHOWN) {
            write!(f, "\n{change}")?;
        }
        match self.changes.len().checked_sub(MOST_SHOWN) {
            Some(left) if left > 0 => write!(f, "\nand {left} more: `--out FILE` writes all"),
            _ => Ok(()),
        }
    }
}

impl Diff {
    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{:16}", "golden records")?;
        for kind in self.golden.keys() {
            write!(f, "{kind:>14}")?;
        }
        for class in Class::ALL {
            let counts = self.golden.values().map(|of_kind| of_kind.get(&class).copied());
            let counts: Vec<u64> = counts.map(Option::unwrap_or_default).collect();
            if counts.iter().all(|n| *n == 0) {
                continue;
            }
            write!(f, "\n  {:14}", class.name().replace('_', " "))?;
            for count in counts {
                write!(f, "{count:>14}")?;
            }
        }
        write!(f, "\n  {:14}", "churn")?;
        for kind in self.golden.keys() {
            let churn = 100.0 * self.churn.get(kind).copied().unwrap_or_default();
            write!(f, "{:>14}", format!("{churn:.1} %"))?;
        }
        writeln!(f)
    }

    fn write_causes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons: BTreeMap<Reason, u64> = BTreeMap::new();
        for change in &self.changes {
            let of_this: std::collections::BTreeSet<Reason> =
                change.causes.iter().map(|cause| cause.what).collect();
            for reason in of_this {
                *reasons.entry(reason).or_default() += 1;
            }
        }
        if reasons.is_empty() {
            return Ok(());
        }
        writeln!(f, "\nchanged because of")?;
        for (reason, count) in reasons {
            writeln!(f, "  {:14}{count:>14}", reason.name())?;
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (self.before.join(", "), self.after.join(", "));
        let class = self.class.name().replace('_', " ");
        match self.class {
            Class::Merged | Class::Split => writeln!(f, "{class}: {before} → {after}")?,
            Class::Vanished => writeln!(f, "{class}: {before}")?,
            _ if before == after || before.is_empty() => writeln!(f, "{class}: {after}")?,
            _ => writeln!(f, "{class}: {before} → {after}")?,
        }
        for cause in &self.causes {
            writeln!(f, "  {cause}")?;
        }
        for value in self.values.iter().take(MOST_VALUES) {
            let shown =
                |text: &str| if text.is_empty() { "nothing".into() } else { format!("`{text}`") };
            writeln!(f, "  {}: {} → {}", value.name, shown(&value.before), shown(&value.after))?;
        }
        match self.values.len().checked_sub(MOST_VALUES) {
            Some(1) => writeln!(f, "  and another value"),
            Some(left) if left > 0 => writeln!(f, "  and {left} more values"),
            _ => Ok(()),
        }
    }
}
