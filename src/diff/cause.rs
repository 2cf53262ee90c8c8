//! Why a golden record changed: what the two runs prove, and nothing that is only likely.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cause, Class, Comparison, Found, Reason, side::Side};
use crate::{
    decisions::{DECISIONS, Told},
    run::{MODEL, Manifest},
};

/// Rows named as causes of one change; of more the number is told.
const MOST_ROWS: usize = 5;

/// What decides on a result and differs between two runs.
#[derive(Debug, Default)]
pub(super) struct Changed {
    /// Files, by what kind of cause they are.
    files: BTreeMap<Reason, Vec<String>>,
}

impl Changed {
    /// Compares what two manifests say of their rules, their date and their program.
    pub(super) fn between(before: &Manifest, after: &Manifest) -> Changed {
        let mut changed = Changed::default();
        let digests = |manifest: &Manifest| -> BTreeMap<String, Option<String>> {
            manifest.rules.iter().map(|rule| (rule.file.clone(), rule.sha256.clone())).collect()
        };
        let (then, now) = (digests(before), digests(after));
        let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        for name in names {
            if then.get(name) != now.get(name)
                && let Some(reason) = reason_of(name)
            {
                changed.add(reason, name.clone());
            }
        }
        if before.as_of != after.as_of {
            changed.add(Reason::AsOf, format!("{} → {}", before.as_of, after.as_of));
        }
        if before.program != after.program {
            changed.add(Reason::Program, format!("{} → {}", before.program, after.program));
        }
        changed
    }

    fn add(&mut self, reason: Reason, which: String) {
        self.files.entry(reason).or_default().push(which);
    }

    /// What differs, for people.
    pub(super) fn told(&self) -> Vec<String> {
        self.files.values().flatten().cloned().collect()
    }

    /// The causes of these kinds that there are.
    fn causes(&self, reasons: &[Reason]) -> Vec<Cause> {
        let of_reason = |reason: &Reason| {
            let files = self.files.get(reason).into_iter().flatten();
            let what = *reason;
            files.map(move |which| Cause { what, which: which.clone() })
        };
        reasons.iter().flat_map(of_reason).collect()
    }
}

/// The kind of cause that a rule's file is; none for the registry, which every run changes and which only
/// keeps ids.
fn reason_of(file: &str) -> Option<Reason> {
    match file {
        MODEL => Some(Reason::Model),
        DECISIONS => Some(Reason::Decision),
        _ if file.starts_with("registry/") => None,
        _ if file.starts_with("mappings/") => Some(Reason::Mapping),
        _ => Some(Reason::Settings),
    }
}

impl Comparison<'_> {
    /// The causes of a change: its own rows before all else; where they did not change, what reads, joins and
    /// chooses; where none of that did either, other records.
    pub(super) fn causes(&self, found: &Found, changed: &Changed) -> Vec<Cause> {
        let mut causes = self.changed_rows(found);
        if causes.is_empty() && self.is_understood_otherwise(found) {
            causes = changed.causes(&[Reason::Mapping, Reason::Settings, Reason::Program]);
        }
        if causes.is_empty() {
            let together = [Reason::Settings, Reason::Model, Reason::Program];
            let chosen = [Reason::Settings, Reason::AsOf, Reason::Program];
            causes = self.changed_decisions(found);
            causes.extend(changed.causes(match found.class {
                Class::ValueChanged => &chosen,
                _ => &together,
            }));
        }
        if causes.is_empty() {
            causes.push(Cause { what: Reason::Others, which: String::new() });
        }
        causes
    }

    /// Its rows that are new, gone or edited, the first of them by name.
    fn changed_rows(&self, found: &Found) -> Vec<Cause> {
        let then = found.before.iter().flat_map(|id| &self.before.golden[id].members);
        let gone = then.filter(|&&record| self.rows.after[record].is_none());
        let gone =
            gone.map(|&record| format!("{} removed", self.before.records.address_of(record)));
        let now: Vec<usize> =
            found.after.iter().flat_map(|id| &self.after.golden[id].members).copied().collect();
        let new = now.iter().filter(|&&record| self.rows.before[record].is_none());
        let new = new.map(|&record| format!("{} added", self.after.records.address_of(record)));
        let edited = now.iter().filter(|&&record| self.rows.edited[record]);
        let edited =
            edited.map(|&record| format!("{} edited", self.after.records.address_of(record)));
        let mut rows: Vec<String> = new.chain(edited).chain(gone).collect();
        if rows.len() > MOST_ROWS {
            let left = rows.len() - (MOST_ROWS - 1);
            rows.truncate(MOST_ROWS - 1);
            rows.push(format!("{left} more rows"));
        }
        rows.into_iter().map(|which| Cause { what: Reason::Row, which }).collect()
    }

    /// The decisions about its records that hold in one of the two runs alone.
    fn changed_decisions(&self, found: &Found) -> Vec<Cause> {
        let about = |side: &Side, ids: &BTreeSet<String>, other: &Side| -> BTreeSet<String> {
            let members = ids.iter().flat_map(|id| &side.golden[id].members);
            let decisions = members.flat_map(|&record| side.decisions_of(record));
            let changed = decisions.filter(|told| !other.held.contains(&told.decision_id));
            changed.map(Told::sentence).collect()
        };
        let new = about(self.after, &found.after, self.before);
        let gone = about(self.before, &found.before, self.after).into_iter();
        let gone = gone.map(|sentence| format!("{sentence}, which holds no more"));
        let what = Reason::Decision;
        new.into_iter().chain(gone).map(|which| Cause { what, which }).collect()
    }

    /// Whether a row of it that did not change says something else than it did.
    fn is_understood_otherwise(&self, found: &Found) -> bool {
        let now = found.after.iter().flat_map(|id| &self.after.golden[id].members);
        let mut kept = now.filter_map(|&record| Some((self.rows.before[record]?, record)));
        kept.any(|(then, now)| self.before.values(then) != self.after.values(now))
    }
}
