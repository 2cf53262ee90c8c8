//! The commands `decide` and `unmerge`: what a steward says of a run's records -> lines of `decisions.jsonl`.
//!
//! Names are those that `explain` takes. A decision that contradicts one that is there is refused, and nothing of what
//! was asked is written: the earlier one is to be withdrawn first.

mod review;
mod unmerge;
mod values;

use std::{
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    config::{Overrides, Plan},
    decisions::{self, DECISIONS, Decided, Decision, RowName, Status, Verdict},
    error::{Error, Result},
    explain::{
        Tables,
        find::{Named, named},
    },
    model::Kind,
    run,
    table::IdKey,
};

pub use unmerge::{Attribute, Unmerge};

/// Who decides, when and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct By {
    pub who: String,
    pub when: String,
    pub comment: String,
    pub evidence: String,
}

impl By {
    fn decision(&self, verdict: Verdict) -> Decision {
        let By { who, when, comment, evidence } = self.clone();
        Decision { verdict, who, when, comment, evidence }
    }
}

/// A run and the decisions of its project, and what is asked of them.
pub struct Desk {
    folder: PathBuf,
    plan: Plan,
    tables: Tables,
    key: IdKey,
    as_of: String,
    decisions: Vec<Decision>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The new decisions.
    pub decisions: Vec<Line>,
    /// How many were there already.
    pub known: usize,
    /// The file they stand in.
    pub file: PathBuf,
}

/// One decision that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What messages and events call it.
    pub decision_id: String,
    /// `same`, `not_same`...
    pub decision: String,
    /// The records it names.
    pub records: usize,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Line { decision_id, decision, records } in &self.decisions {
            write!(f, "{decision_id}: {}", decision.replace('_', " "))?;
            match records {
                0 => writeln!(f)?,
                1 => writeln!(f, ", 1 record")?,
                n => writeln!(f, ", {n} records")?,
            }
        }
        match self.known {
            0 => {}
            1 => writeln!(f, "1 was decided before")?,
            n => writeln!(f, "{n} were decided before")?,
        }
        match self.decisions.is_empty() {
            true => write!(f, "nothing new is written"),
            false => write!(
                f,
                "written to {}; the next `orpailleur run` applies it",
                self.file.display()
            ),
        }
    }
}

impl Desk {
    /// Reads the run in `folder` and the decisions of `project`.
    ///
    /// # Errors
    ///
    /// When either cannot be read.
    pub fn open(project: &Path, folder: &Path) -> Result<Desk> {
        let plan = Plan::load(project, &Overrides::default())?;
        let key = plan.key.expect("every project has a key or gets one of its data");
        let tables = Tables::read(folder)?;
        let decisions = decisions::read(project)?;
        let as_of = run::manifest(folder)?.as_of;
        Ok(Desk { folder: project.to_owned(), plan, tables, key, as_of, decisions })
    }

    /// What was named is one entity: all records of a golden record, the one record of a row.
    ///
    /// # Errors
    ///
    /// When a name stands for nothing or for several records, or when they are no two records of one kind.
    pub fn same(&self, names: &[String], kind: Option<Kind>) -> Result<Verdict> {
        let records: BTreeSet<u32> = self.chosen(names, kind)?.into_iter().flatten().collect();
        let records: Vec<u32> = records.into_iter().collect();
        if records.len() < 2 {
            return Err(refused("one record is always one with itself", "name two"));
        }
        Ok(Verdict::Same { records: self.rows(&records) })
    }

    /// No two of what was named are one entity.
    ///
    /// # Errors
    ///
    /// As [`Desk::same`], and when one record is named twice.
    pub fn not_same(&self, names: &[String], kind: Option<Kind>) -> Result<Verdict> {
        let parts = self.chosen(names, kind)?;
        let all: Vec<u32> = parts.iter().flatten().copied().collect();
        let each: BTreeSet<u32> = all.iter().copied().collect();
        if each.len() < all.len() || parts.len() < 2 {
            return Err(refused("a record cannot be kept apart from itself", "name each once"));
        }
        Ok(match parts.iter().all(|part| part.len() == 1) {
            true => Verdict::NotSame { records: self.rows(&all) },
            false => Verdict::Split { parts: parts.iter().map(|part| self.rows(part)).collect() },
        })
    }

    /// The decision that `id` names, or the beginning of it, holds no more.
    ///
    /// # Errors
    ///
    /// When no decision, or more than one, is called so.
    pub fn withdraw(&self, id: &str) -> Result<Verdict> {
        let called = |decision: &&Decision| {
            !matches!(decision.verdict, Verdict::Withdraw { .. }) && decision.id().starts_with(id)
        };
        let ids: BTreeSet<String> =
            self.decisions.iter().filter(called).map(Decision::id).collect();
        match (ids.len(), ids.into_iter().next()) {
            (1, Some(id)) => Ok(Verdict::Withdraw { id }),
            _ => Err(Error::NotFound {
                what: "single decision",
                name: id.to_owned(),
                hint: Some(format!("`{}` of a run lists them", decisions::TOLD)),
            }),
        }
    }

    /// Writes decisions, those that are there already left out.
    ///
    /// # Errors
    ///
    /// When one would contradict another: then none is written.
    pub fn write(&self, new: &[(Verdict, By)]) -> Result<Written> {
        let mut all = self.decisions.clone();
        let mut known = 0;
        for (verdict, by) in new {
            let decision = by.decision(verdict.clone());
            match holds_already(&all, &decision) {
                true => known += 1,
                false => all.push(decision),
            }
        }
        let added = &all[self.decisions.len()..];
        self.refuse_contradictions(&all)?;
        if !added.is_empty() {
            decisions::append(&self.folder, added)?;
        }
        let line = |decision: &Decision| Line {
            decision_id: decision.id(),
            decision: decision.verdict.name().to_owned(),
            records: decision.verdict.rows().count(),
        };
        let file = self.folder.join(DECISIONS);
        Ok(Written { decisions: added.iter().map(line).collect(), known, file })
    }

    /// Only what is new is refused: an old contradiction is no reason not to go on.
    fn refuse_contradictions(&self, all: &[Decision]) -> Result<()> {
        let mut decided = Decided::new(all, &self.tables.records, &self.key);
        decided.settle(all, &self.tables.records, &self.tables.clusters(), &self.key);
        let added = (all.iter().zip(&decided.fates)).skip(self.decisions.len());
        for (decision, fate) in added {
            if fate.status == Status::Contradicted {
                let what = decision.verdict.name().replace('_', " ");
                return Err(refused(
                    &format!("`{what}` is contradicted: {}", fate.why),
                    "`orpailleur decide withdraw ID` takes a decision back",
                ));
            }
        }
        Ok(())
    }

    fn rows(&self, records: &[u32]) -> Vec<RowName> {
        RowName::of(&self.tables.records, &self.key, records)
    }

    /// The records of each name, all of the kind that they have in common.
    fn chosen(&self, names: &[String], kind: Option<Kind>) -> Result<Vec<Vec<u32>>> {
        let found: Vec<Named> =
            names.iter().map(|name| named(&self.tables, name)).collect::<Result<_>>()?;
        let kind = self.common_kind(&found, kind)?;
        found.iter().zip(names).map(|(found, name)| self.of_kind(found, name, kind)).collect()
    }

    fn common_kind(&self, found: &[Named], asked: Option<Kind>) -> Result<Kind> {
        let kinds = |named: &Named| -> BTreeSet<Kind> {
            let records = named.records().iter();
            records.map(|&record| self.tables.records.kinds[record as usize]).collect()
        };
        let mut common = found.iter().map(kinds);
        let first = common.next().unwrap_or_default();
        let common = common.fold(first, |all, kinds| &all & &kinds);
        let common: Vec<Kind> =
            common.into_iter().filter(|kind| asked.is_none_or(|asked| asked == *kind)).collect();
        match common.as_slice() {
            [kind] => Ok(*kind),
            [] => Err(refused(
                "what was named has no kind in common",
                "a person and an organisation are never one; `orpailleur explain NAME` says what a name stands for",
            )),
            _ => Err(refused(
                "each row holds a person and an organisation",
                "`--kind person` or `--kind organisation` says which is meant",
            )),
        }
    }

    /// The records of one name; several of one row are two persons.
    fn of_kind(&self, found: &Named, name: &str, kind: Kind) -> Result<Vec<u32>> {
        let records = found.records().iter().copied();
        let records: Vec<u32> =
            records.filter(|&record| self.tables.records.kinds[record as usize] == kind).collect();
        match (found, records.as_slice()) {
            (Named::Row(_), [_, _, ..]) => {
                let listed = records.iter().map(|&record| {
                    let mention = self.tables.mention(record);
                    format!("  {}  {}", mention.record_id, mention.name)
                });
                Err(Error::NotFound {
                    what: "single record",
                    name: name.to_owned(),
                    hint: Some(format!("it may be\n{}", listed.collect::<Vec<_>>().join("\n"))),
                })
            }
            _ => Ok(records),
        }
    }
}

/// Whether the same was decided before and not withdrawn since.
fn holds_already(all: &[Decision], new: &Decision) -> bool {
    let id = new.id();
    let last = all.iter().rev().find(|decision| match &decision.verdict {
        Verdict::Withdraw { id: withdrawn } => *withdrawn == id || decision.id() == id,
        _ => decision.id() == id,
    });
    last.is_some_and(|decision| decision.id() == id)
}

fn refused(message: &str, hint: &str) -> Error {
    Error::Refused { message: message.to_owned(), hint: hint.to_owned() }
}
