//! The `diff` command: what changed between two runs, golden record by golden record, and why.
//!
//! Both runs are read from disk. Rows are followed from the one to the other ([`rows`]); each golden record is
//! then classed by what became of its rows, and each change given the causes that the runs themselves prove:
//! a row, a setting, a mapping, the model, the program, the date, or else what other records say.

mod cause;
mod rows;
mod show;
mod side;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::Serialize;

use self::{cause::Changed, rows::Rows, side::Side};
use crate::{consolidate, error::Result, model::Kind, store};

/// What became of a golden record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Rows of several golden records are one now.
    Merged,
    /// Some of the rows it was with are elsewhere now.
    Split,
    /// All of its rows are gone.
    Vanished,
    /// All of its rows are new.
    Created,
    /// It has more rows.
    Grew,
    /// It has fewer rows.
    Shrank,
    /// It has as many rows, and other values.
    ValueChanged,
    /// Nothing of it changed.
    Unchanged,
}

impl Class {
    const ALL: [Class; 8] = [
        Class::Merged,
        Class::Split,
        Class::Vanished,
        Class::Created,
        Class::Grew,
        Class::Shrank,
        Class::ValueChanged,
        Class::Unchanged,
    ];
}

/// Why a golden record changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Cause {
    /// What it was.
    pub what: Reason,
    /// The row, the file of settings, the version: whatever names it. Empty for [`Reason::Others`].
    pub which: String,
}

/// What can change a golden record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// One of its rows is new, gone or edited.
    Row,
    /// A steward decided.
    Decision,
    /// A mapping understands its rows otherwise.
    Mapping,
    /// The settings of the project.
    Settings,
    /// What was learned about matching.
    Model,
    /// The date that "now" is.
    AsOf,
    /// The version of the program.
    Program,
    /// Nothing of its own: what other records say.
    Others,
}

/// One golden record that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// What became of it.
    pub class: Class,
    /// What it speaks of.
    pub kind: Kind,
    /// The golden ids that its rows had.
    pub before: Vec<String>,
    /// The golden ids that its rows have.
    pub after: Vec<String>,
    /// Why; at least one.
    pub causes: Vec<Cause>,
    /// The values that differ, of a golden record with one id before and one after.
    pub values: Vec<ValueChange>,
}

/// A golden value that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueChange {
    /// Its column, or the consent or link it tells.
    pub name: String,
    /// What it was; empty where it had none.
    pub before: String,
    /// What it is; empty where it has none.
    pub after: String,
}

/// The rows of two runs, followed from the one to the other.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RowCounts {
    /// Records of the earlier run.
    pub before: u64,
    /// Records of the later run.
    pub after: u64,
    /// Records of rows that are new.
    pub added: u64,
    /// Records of rows that are gone.
    pub removed: u64,
    /// Records of rows that say something else.
    pub edited: u64,
}

/// What differs between two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// The id of the earlier run.
    pub before: String,
    /// The id of the later run.
    pub after: String,
    /// Files that decide on the result and are not the same, and the program and the date where they differ.
    pub changed: Vec<String>,
    /// The records.
    pub records: RowCounts,
    /// How many golden records became what, by kind and class.
    pub golden: BTreeMap<&'static str, BTreeMap<Class, u64>>,
    /// By kind, the share of the earlier golden records of which something changed, from 0 to 1.
    pub churn: BTreeMap<&'static str, f64>,
    /// Every golden record that is not as it was: the gravest first.
    pub changes: Vec<Change>,
}

/// Compares the runs in two folders.
///
/// # Errors
///
/// When one of them cannot be read, or ended before its records were clean.
pub fn run(before: &Path, after: &Path) -> Result<Diff> {
    let (before, after) = (Side::read(before)?, Side::read(after)?);
    let rows = Rows::of(&before, &after);
    let comparison = Comparison::new(&before, &after, &rows);
    let changed = Changed::between(&before.manifest, &after.manifest);
    let (mut changes, mut golden) = (Vec::new(), BTreeMap::<_, BTreeMap<Class, u64>>::new());
    for found in comparison.all() {
        *golden.entry(found.kind.as_str()).or_default().entry(found.class).or_default() += 1;
        if found.class != Class::Unchanged {
            changes.push(comparison.explained(found, &changed));
        }
    }
    changes.sort_by(|a, b| {
        let order = |c: &Change| (c.class, c.kind, c.after.clone(), c.before.clone());
        order(a).cmp(&order(b))
    });
    Ok(Diff {
        before: before.manifest.run.clone(),
        after: after.manifest.run.clone(),
        changed: changed.told(),
        records: counts(&rows),
        churn: churn(&before, &changes),
        golden,
        changes,
    })
}

fn counts(rows: &Rows) -> RowCounts {
    let missing = |of: &[Option<usize>]| of.iter().filter(|other| other.is_none()).count() as u64;
    RowCounts {
        before: rows.after.len() as u64,
        after: rows.before.len() as u64,
        added: missing(&rows.before),
        removed: missing(&rows.after),
        edited: rows.edited.iter().filter(|edited| **edited).count() as u64,
    }
}

fn churn(before: &Side, changes: &[Change]) -> BTreeMap<&'static str, f64> {
    let touched: BTreeSet<&String> = changes.iter().flat_map(|change| &change.before).collect();
    let mut counts: BTreeMap<&'static str, (u32, u32)> = BTreeMap::new();
    for (id, golden) in &before.golden {
        if let Some(kind) = golden.kind {
            let count = counts.entry(kind.as_str()).or_default();
            count.0 += u32::from(touched.contains(id));
            count.1 += 1;
        }
    }
    counts.into_iter().map(|(kind, (some, all))| (kind, f64::from(some) / f64::from(all))).collect()
}

/// A golden record and what became of it.
struct Found {
    class: Class,
    kind: Kind,
    before: BTreeSet<String>,
    after: BTreeSet<String>,
    values: Vec<ValueChange>,
}

/// Two runs, golden record against golden record.
struct Comparison<'r> {
    before: &'r Side,
    after: &'r Side,
    rows: &'r Rows,
    /// For each golden record of the later run those that its rows come from.
    comes_from: BTreeMap<&'r str, BTreeSet<&'r str>>,
    /// For each golden record of the earlier run those that its rows went to.
    goes_to: BTreeMap<&'r str, BTreeSet<&'r str>>,
}

impl<'r> Comparison<'r> {
    fn new(before: &'r Side, after: &'r Side, rows: &'r Rows) -> Comparison<'r> {
        let mut comparison = Comparison {
            before,
            after,
            rows,
            comes_from: BTreeMap::new(),
            goes_to: BTreeMap::new(),
        };
        for (now, then) in rows.before.iter().enumerate() {
            let Some(then) = then else { continue };
            let (then, now) = (&*before.golden_of[*then], &*after.golden_of[now]);
            comparison.comes_from.entry(now).or_default().insert(then);
            comparison.goes_to.entry(then).or_default().insert(now);
        }
        comparison
    }

    /// Every golden record of the later run, then those of the earlier one of which nothing is left.
    fn all(&self) -> impl Iterator<Item = Found> {
        let living = self.after.golden.iter();
        let living = living.filter_map(|(id, golden)| self.found(id, golden.kind?));
        let is_gone = |id: &&String| !self.goes_to.contains_key(id.as_str());
        let gone = self.before.golden.keys().filter(is_gone).filter_map(|id| {
            Some(Found {
                class: Class::Vanished,
                kind: self.before.golden[id].kind?,
                before: BTreeSet::from([id.clone()]),
                after: BTreeSet::new(),
                values: Vec::new(),
            })
        });
        living.chain(gone)
    }

    /// What became of a golden record of the later run; none where another part of a split tells it.
    fn found(&self, id: &str, kind: Kind) -> Option<Found> {
        let none = BTreeSet::new();
        let sources = self.comes_from.get(id).unwrap_or(&none);
        let targets: BTreeSet<&str> =
            sources.iter().flat_map(|source| &self.goes_to[source]).copied().collect();
        let is_part = |target: &&&str| self.comes_from[**target].len() == 1;
        if sources.len() == 1 && targets.iter().find(is_part).is_some_and(|first| *first != id) {
            return None;
        }
        let mut values = Vec::new();
        let class = match (sources.len(), targets.len()) {
            (0, _) => Class::Created,
            (2.., _) => Class::Merged,
            (1, 2..) => Class::Split,
            _ => {
                let source = sources.first().copied().unwrap_or_default();
                values = self.value_changes(source, id);
                self.class_of_one(source, id, !values.is_empty())
            }
        };
        Some(Found {
            class,
            kind,
            before: sources.iter().map(|id| (*id).to_owned()).collect(),
            after: match class {
                Class::Split => targets.iter().map(|id| (*id).to_owned()).collect(),
                _ => BTreeSet::from([id.to_owned()]),
            },
            values,
        })
    }

    /// What became of a golden record whose rows stayed together.
    fn class_of_one(&self, before: &str, after: &str, has_other_values: bool) -> Class {
        let (then, now) = (&self.before.golden[before].members, &self.after.golden[after].members);
        match now.len().cmp(&then.len()) {
            std::cmp::Ordering::Greater => Class::Grew,
            std::cmp::Ordering::Less => Class::Shrank,
            std::cmp::Ordering::Equal if has_other_values || before != after => Class::ValueChanged,
            std::cmp::Ordering::Equal => Class::Unchanged,
        }
    }

    fn value_changes(&self, before: &str, after: &str) -> Vec<ValueChange> {
        let (then, now) = (&self.before.golden[before].values, &self.after.golden[after].values);
        let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        let told = |values: &BTreeMap<String, String>, name: &String| {
            let value = values.get(name).map_or("", String::as_str);
            consolidate::masked(name, value).into_owned()
        };
        let changed = names.into_iter().filter(|name| then.get(*name) != now.get(*name));
        let change = |name: &String| ValueChange {
            name: name.clone(),
            before: told(then, name),
            after: told(now, name),
        };
        changed.map(change).collect()
    }

    fn explained(&self, found: Found, changed: &Changed) -> Change {
        let causes = self.causes(&found, changed);
        Change {
            class: found.class,
            kind: found.kind,
            before: found.before.into_iter().collect(),
            after: found.after.into_iter().collect(),
            causes,
            values: found.values,
        }
    }
}

impl Diff {
    /// Writes every change as a CSV file: one line per value that differs, and one for each golden record of
    /// which none does.
    pub fn write(&self, path: &Path) -> Result<()> {
        let header =
            ["class", "kind", "before", "after", "causes", "value", "value_before", "value_after"];
        let mut file = store::CsvFile::create(path, header)?;
        for change in &self.changes {
            let causes: Vec<String> = change.causes.iter().map(ToString::to_string).collect();
            let (before, after) = (change.before.join(" "), change.after.join(" "));
            let head = [change.class.name(), change.kind.as_str(), &before, &after];
            let mut line = |value: [&str; 3]| {
                file.row(head.iter().copied().chain([causes.join("; ").as_str()]).chain(value))
            };
            if change.values.is_empty() {
                line(["", "", ""])?;
            }
            for value in &change.values {
                line([&value.name, &value.before, &value.after])?;
            }
        }
        file.finish()
    }
}
