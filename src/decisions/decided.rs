//! The decisions of a project as they bear on the records of a run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Decision, RowName, Values, Verdict, contradiction::contradictions};
use crate::{
    registry,
    table::{IdKey, RecordId, Records},
};

/// What became of a decision in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Applied,
    /// Some of its rows are gone; it holds for the others.
    Stale,
    /// The key of a row that was edited stands on several rows now: it holds for the others.
    Ambiguous,
    /// So many of its rows are gone that it says nothing.
    Orphan,
    /// Others say the contrary.
    Contradicted,
    /// A later one takes it back.
    Withdrawn,
}

impl Status {
    /// Every status, in the order in which they are told.
    pub const ALL: [Status; 6] = [
        Status::Applied,
        Status::Stale,
        Status::Ambiguous,
        Status::Orphan,
        Status::Contradicted,
        Status::Withdrawn,
    ];

    /// The word for it in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Applied => "applied",
            Status::Stale => "stale",
            Status::Ambiguous => "ambiguous",
            Status::Orphan => "orphan",
            Status::Contradicted => "contradicted",
            Status::Withdrawn => "withdrawn",
        }
    }
}

/// What became of one decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// What became of it.
    pub status: Status,
    /// Why, or what else there is to say; empty where there is nothing.
    pub why: String,
    /// Its records that are there, by part: positions, ascending.
    pub parts: Vec<Vec<u32>>,
    /// Whether it broke a bound: two legal numbers are one, say.
    pub overrules: bool,
    /// Whether too few of its records are there for it to say anything.
    pub(super) is_silent: bool,
}

impl Fate {
    /// Its records that are there.
    pub fn records(&self) -> impl Iterator<Item = u32> {
        self.parts.iter().flatten().copied()
    }

    /// Whether a steward has to look at it again.
    pub fn is_open(&self) -> bool {
        !matches!(self.status, Status::Applied | Status::Withdrawn)
    }

    /// Whether it says something of the records that are there.
    pub(super) fn holds(&self) -> bool {
        match self.status {
            Status::Applied | Status::Stale | Status::Ambiguous => !self.is_silent,
            Status::Orphan | Status::Contradicted | Status::Withdrawn => false,
        }
    }

    pub(super) fn to(&mut self, status: Status, why: &str) {
        self.status = status;
        self.add(why);
    }

    pub(super) fn add(&mut self, why: &str) {
        if !self.why.is_empty() {
            self.why.push_str("; ");
        }
        self.why.push_str(why);
    }
}

/// Two records that are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joined {
    /// The decision, by its position in the file.
    pub decision: usize,
    /// The one: position.
    pub left: u32,
    /// The other.
    pub right: u32,
}

/// The decisions of a project as they bear on the records of a run.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    /// Records that are one.
    pub same: Vec<Joined>,
    /// Parts of which no record is one with a record of another: positions.
    pub apart: Vec<Vec<Vec<u32>>>,
    /// What is said of values; empty until they are [settled](Decided::settle).
    pub values: Values,
    /// What became of each decision, in the order of the file.
    pub fates: Vec<Fate>,
}

impl Decided {
    /// Looks the rows of the decisions up among the records of a run. Of decisions that contradict each other those
    /// alone hold that keep records apart.
    pub fn new(decisions: &[Decision], records: &Records, key: &IdKey) -> Decided {
        let mut decided = Decided::default();
        if decisions.is_empty() {
            return decided;
        }
        let finder = Finder::new(decisions, records, key);
        let withdrawn = withdrawn(decisions);
        decided.fates = (decisions.iter().enumerate())
            .map(|(at, decision)| match withdrawn[at] {
                Some(by) => withdrawn_by(by),
                None => finder.fate(&decision.verdict),
            })
            .collect();
        decided.refuse_kinds(decisions, records);
        decided.refuse_contradictions(decisions);
        decided.apply(decisions);
        decided
    }

    /// Persons are never one with organisations.
    fn refuse_kinds(&mut self, decisions: &[Decision], records: &Records) {
        for (decision, fate) in decisions.iter().zip(&mut self.fates) {
            let kinds: BTreeSet<_> = fate.records().map(|r| records.kinds[r as usize]).collect();
            if matches!(decision.verdict, Verdict::Same { .. }) && kinds.len() > 1 {
                fate.to(Status::Contradicted, "a person and an organisation are never one");
            }
        }
    }

    fn refuse_contradictions(&mut self, decisions: &[Decision]) {
        let mut same = Vec::new();
        let mut apart = Vec::new();
        for (at, (decision, fate)) in decisions.iter().zip(&self.fates).enumerate() {
            match decision.verdict {
                _ if !fate.holds() => {}
                Verdict::Same { .. } => same.push((at, fate.records().collect())),
                Verdict::NotSame { .. } | Verdict::Split { .. } => {
                    apart.push((at, fate.parts.clone()));
                }
                _ => {}
            }
        }
        for (at, with) in contradictions(&same, &apart) {
            let others = with.iter().filter(|other| **other != at);
            let others: Vec<String> = others
                .map(|&other| format!("{} (line {})", decisions[other].id(), other + 1))
                .collect();
            let why = match others.as_slice() {
                [] => "it has a row on both sides".to_owned(),
                others => format!("with {}", others.join(", ")),
            };
            self.fates[at].to(Status::Contradicted, &why);
        }
    }

    /// Takes from each decision what it says of the records that are there.
    fn apply(&mut self, decisions: &[Decision]) {
        for (at, (decision, fate)) in decisions.iter().zip(&self.fates).enumerate() {
            match decision.verdict {
                Verdict::Same { .. } if fate.holds() => {
                    let records: Vec<u32> = fate.records().collect();
                    let pair = |w: &[u32]| Joined { decision: at, left: w[0], right: w[1] };
                    self.same.extend(records.windows(2).map(pair));
                }
                // What keeps apart holds even if another decision contradicts it: a merge too many is the graver
                // mistake.
                Verdict::NotSame { .. } | Verdict::Split { .. }
                    if fate.holds() || fate.status == Status::Contradicted =>
                {
                    self.apart.push(fate.parts.clone());
                }
                _ => {}
            }
        }
    }

    /// Tells of each decision the bounds that it broke: `overruled` has positions in [`Decided::same`].
    pub fn tell_overruled(&mut self, overruled: &[(usize, String)]) {
        let told: BTreeSet<(usize, &str)> = overruled
            .iter()
            .map(|(at, reason)| (self.same[*at].decision, reason.as_str()))
            .collect();
        for (decision, reason) in told {
            let why = match reason {
                "legal_unit" => "it joins two legal numbers (SIREN)",
                "establishment" => "it joins two establishments",
                "birth_dates" => "it joins two dates of birth",
                "couple" => "it joins two persons of one row",
                "one_to_one" => "it joins two records of one source",
                other => other,
            };
            self.fates[decision].add(why);
            self.fates[decision].overrules = true;
        }
    }

    /// The decisions that hold, as reasons of what becomes of golden ids.
    pub fn reasons(&self, decisions: &[Decision]) -> Vec<registry::Reason> {
        let reason = |(decision, fate): (&Decision, &Fate)| {
            let joins = match decision.verdict {
                Verdict::Same { .. } => true,
                Verdict::NotSame { .. } | Verdict::Split { .. } => false,
                _ => return None,
            };
            let decision = decision.id();
            fate.holds().then(|| registry::Reason { decision, joins, parts: fate.parts.clone() })
        };
        decisions.iter().zip(&self.fates).filter_map(reason).collect()
    }

    /// How many decisions broke a bound.
    pub fn overruling(&self) -> u64 {
        self.fates.iter().filter(|fate| fate.overrules).count() as u64
    }

    /// How many decisions have this status.
    pub fn count(&self, status: Status) -> u64 {
        self.fates.iter().filter(|fate| fate.status == status).count() as u64
    }
}

/// For each decision the line that withdraws it.
fn withdrawn(decisions: &[Decision]) -> Vec<Option<usize>> {
    let ids: Vec<String> = decisions.iter().map(Decision::id).collect();
    let mut withdrawn = vec![None; decisions.len()];
    for (at, decision) in decisions.iter().enumerate() {
        if let Verdict::Withdraw { id } = &decision.verdict {
            for earlier in (0..at).filter(|&earlier| ids[earlier] == *id) {
                withdrawn[earlier].get_or_insert(at);
            }
        }
    }
    withdrawn
}

fn withdrawn_by(line: usize) -> Fate {
    let why = format!("by line {}", line + 1);
    Fate { status: Status::Withdrawn, why, parts: Vec::new(), overrules: false, is_silent: false }
}

/// Finds the rows that decisions name.
struct Finder<'r> {
    records: &'r Records,
    /// The records of a key that a decision names.
    by_key: BTreeMap<RecordId, Vec<u32>>,
    /// What is there to be withdrawn.
    ids: BTreeSet<String>,
}

/// Where a row is now.
enum Found {
    Unchanged(u32),
    Edited(u32),
    Several,
    Nowhere,
}

impl<'r> Finder<'r> {
    fn new(decisions: &[Decision], records: &'r Records, key: &IdKey) -> Finder<'r> {
        let missing = |name: &&RowName| {
            RecordId::parse(&name.record).and_then(|id| records.find(id)).is_none()
        };
        let names = decisions.iter().flat_map(|decision| decision.verdict.rows());
        let sought: BTreeSet<RecordId> =
            names.filter(missing).filter_map(|name| RecordId::parse(name.key.as_ref()?)).collect();
        let ids = decisions.iter().map(Decision::id).collect();
        Finder { records, by_key: registry::records_with(&sought, records, key), ids }
    }

    fn find(&self, name: &RowName) -> Found {
        let by_id = RecordId::parse(&name.record).and_then(|id| self.records.find(id));
        if let Some(at) = by_id {
            return Found::Unchanged(at as u32);
        }
        let key = name.key.as_ref().and_then(|key| RecordId::parse(key));
        match key.and_then(|key| self.by_key.get(&key)).map(Vec::as_slice) {
            Some([at]) => Found::Edited(*at),
            Some([_, ..]) => Found::Several,
            _ => Found::Nowhere,
        }
    }

    fn fate(&self, verdict: &Verdict) -> Fate {
        if let Verdict::Withdraw { id } = verdict {
            let (status, why) = match self.ids.contains(id) {
                true => (Status::Applied, String::new()),
                false => (Status::Orphan, format!("there is no decision {id}")),
            };
            return Fate { status, why, parts: Vec::new(), overrules: false, is_silent: false };
        }
        let (mut edited, mut several, mut gone) = (0u32, 0u32, 0u32);
        let mut parts = Vec::new();
        for part in verdict.parts() {
            let mut there = BTreeSet::new();
            for name in part {
                match self.find(name) {
                    Found::Unchanged(at) => drop(there.insert(at)),
                    Found::Edited(at) => {
                        edited += 1;
                        there.insert(at);
                    }
                    Found::Several => several += 1,
                    Found::Nowhere => gone += 1,
                }
            }
            parts.push(there.into_iter().collect());
        }
        let mut fate = Fate {
            status: Status::Applied,
            why: String::new(),
            parts,
            overrules: false,
            is_silent: false,
        };
        let filled = fate.parts.iter().filter(|part| !part.is_empty()).count();
        fate.is_silent = filled < verdict.least_parts();
        fate.status = match (several, gone) {
            (1.., _) => Status::Ambiguous,
            _ if fate.is_silent => Status::Orphan,
            (0, 1..) => Status::Stale,
            (0, 0) => Status::Applied,
        };
        for (n, what) in [
            (edited, "edited since, and known by their key"),
            (several, "edited since, and their key stands on several rows"),
            (gone, "not there"),
        ] {
            if n > 0 {
                fate.add(&format!("{n} of its rows: {what}"));
            }
        }
        fate
    }
}

impl Verdict {
    /// The rows it names, in the parts that it speaks of.
    fn parts(&self) -> Vec<&[RowName]> {
        match self {
            Verdict::Same { records } | Verdict::NotSame { records } => {
                records.iter().map(std::slice::from_ref).collect()
            }
            Verdict::Split { parts } => parts.iter().map(Vec::as_slice).collect(),
            Verdict::Pin { records, .. } | Verdict::Ignore { records, .. } => vec![records],
            Verdict::Block { .. } | Verdict::Withdraw { .. } => Vec::new(),
        }
    }

    /// Of how many parts there must be a record for it to say anything.
    fn least_parts(&self) -> usize {
        match self {
            Verdict::Same { .. } | Verdict::NotSame { .. } | Verdict::Split { .. } => 2,
            Verdict::Pin { .. } | Verdict::Ignore { .. } => 1,
            Verdict::Block { .. } | Verdict::Withdraw { .. } => 0,
        }
    }

    /// The rows it names.
    pub fn rows(&self) -> impl Iterator<Item = &RowName> {
        self.parts().into_iter().flatten()
    }
}
