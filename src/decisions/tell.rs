//! What became of each decision, as the file `decisions.csv` of a run.

use std::{collections::BTreeSet, path::Path};

use serde::{Deserialize, Serialize};

use super::{Decided, Decision, Fate, TOLD};
use crate::{
    error::{Error, Result},
    store,
    table::{RecordId, Records},
};

/// The columns of the file.
pub const COLUMNS: [&str; 11] = [
    "decision_id",
    "line",
    "decision",
    "status",
    "why",
    "records",
    "golden_ids",
    "who",
    "when",
    "comment",
    "evidence",
];

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Told {
    /// What messages and events call it: see [`Decision::id`].
    pub decision_id: String,
    /// Its line in `decisions.jsonl`, from 1.
    pub line: usize,
    /// `same`, `not_same`, `split`...
    pub decision: String,
    /// What became of it: see [`super::Status`].
    pub status: String,
    /// Why, or what else there is to say.
    pub why: String,
    /// The ids of its records that are there, apart by blanks; those of different parts by ` | `.
    pub records: String,
    /// The golden records that these are in, apart by blanks.
    pub golden_ids: String,
    /// Who decided.
    pub who: String,
    /// When.
    pub when: String,
    /// Why it was decided.
    pub comment: String,
    /// What shows it.
    pub evidence: String,
}

impl Told {
    fn of(
        line: usize,
        decision: &Decision,
        fate: &Fate,
        records: &Records,
        golden_of: &[String],
    ) -> Told {
        let id = |record: &u32| records.ids[*record as usize].to_string();
        let part = |part: &Vec<u32>| part.iter().map(id).collect::<Vec<_>>().join(" ");
        let parts = fate.parts.iter().filter(|part| !part.is_empty());
        let golden: BTreeSet<&str> =
            fate.records().map(|record| golden_of[record as usize].as_str()).collect();
        Told {
            decision_id: decision.id(),
            line,
            decision: decision.verdict.name().to_owned(),
            status: fate.status.as_str().to_owned(),
            why: fate.why.clone(),
            records: parts.map(part).collect::<Vec<_>>().join(" | "),
            golden_ids: golden.into_iter().collect::<Vec<_>>().join(" "),
            who: decision.who.clone(),
            when: decision.when.clone(),
            comment: decision.comment.clone(),
            evidence: decision.evidence.clone(),
        }
    }

    /// The ids of its records that are there.
    pub fn record_ids(&self) -> impl Iterator<Item = RecordId> {
        self.records.split([' ', '|']).filter_map(RecordId::parse)
    }

    /// The ids of its records that are there, part by part.
    pub fn parts(&self) -> Vec<BTreeSet<RecordId>> {
        let part = |part: &str| part.split(' ').filter_map(RecordId::parse).collect();
        self.records.split('|').map(part).collect()
    }

    fn holds(&self) -> bool {
        ["applied", "stale", "ambiguous"].contains(&self.status.as_str())
    }

    /// Whether the run obeyed it: what keeps apart holds even if another decision contradicts it.
    pub fn bears(&self) -> bool {
        let keeps_apart = ["not_same", "split"].contains(&self.decision.as_str());
        self.holds() || (keeps_apart && self.status == "contradicted")
    }

    /// What became of it, for people: `applied`, `stale, 1 of its rows: not there`.
    pub fn outcome(&self) -> String {
        match self.why.is_empty() {
            true => self.status.clone(),
            false => format!("{}, {}", self.status, self.why),
        }
    }

    /// The decision as a person tells it: `D7f3a91c2: same (marie, 2024-03-12: one firm, two sites)`.
    pub fn sentence(&self) -> String {
        let by = [self.who.as_str(), self.when.as_str()];
        let by = by.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let because = [by.as_str(), self.comment.as_str()];
        let because = because.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        let said = format!("{}: {}", self.decision_id, self.decision.replace('_', " "));
        match because.is_empty() {
            true => said,
            false => format!("{said} ({})", because.join(": ")),
        }
    }
}

/// Writes what became of the decisions; no file where there is none.
pub fn write(
    path: &Path,
    decisions: &[Decision],
    decided: &Decided,
    records: &Records,
    golden_of: &[String],
) -> Result<()> {
    if decisions.is_empty() {
        return Ok(());
    }
    let told = (1..).zip(decisions).zip(&decided.fates);
    let told =
        told.map(|((line, decision), fate)| Told::of(line, decision, fate, records, golden_of));
    store::write_csv(path, &COLUMNS, told)
}

/// What became of the decisions in the run in `folder`; none where it knew of none.
pub fn read_told(folder: &Path) -> Result<Vec<Told>> {
    let path = folder.join(TOLD);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let lines = csv::Reader::from_reader(store::open(&path)?).into_deserialize();
    lines.collect::<Result<_, _>>().map_err(Error::table(TOLD))
}
