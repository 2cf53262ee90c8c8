//! Records taken out of a golden record: what would change, and the decision that keeps them out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;

use super::{Desk, refused};
use crate::{
    consolidate,
    decisions::Verdict,
    error::Result,
    explain::{
        Mention,
        find::{Named, named},
    },
};

/// What taking records out of a golden record changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmerge {
    /// The golden record.
    pub golden_id: String,
    /// Whether what leaves takes the golden id along: it holds the row that the id was minted from.
    pub id_leaves: bool,
    /// The records that stay.
    pub stay: Vec<Mention>,
    /// The records that leave.
    pub leave: Vec<Mention>,
    /// The attributes that are not the same in all three.
    pub attributes: Vec<Attribute>,
    #[serde(skip)]
    pub(super) verdict: Verdict,
}

/// What becomes of one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// The attribute.
    pub name: String,
    /// Its golden values now.
    pub now: Vec<String>,
    /// Those of the records that stay.
    pub stays: Vec<String>,
    /// Those of the records that leave.
    pub leaves: Vec<String>,
}

impl Unmerge {
    /// The decision that keeps the two apart.
    pub fn verdict(&self) -> Verdict {
        self.verdict.clone()
    }
}

impl Desk {
    /// What changes when the records that `names` stand for leave the golden record `golden`.
    ///
    /// # Errors
    ///
    /// When `golden` is no golden record of the run, a name is none of its records, or all or none would leave.
    pub fn unmerge(&self, golden: &str, names: &[String]) -> Result<Unmerge> {
        let tables = &self.tables;
        let members = match named(tables, golden)? {
            Named::Golden(members) => members,
            Named::Row(records) => tables.beside(records[0]),
        };
        let golden_id = tables.golden[members[0] as usize].clone();
        let leave = self.leaving(&members, &golden_id, names)?;
        let stay: Vec<u32> = members.iter().copied().filter(|r| !leave.contains(r)).collect();
        let leave: Vec<u32> = leave.into_iter().collect();
        if stay.is_empty() {
            let hint = "name those that are another one";
            return Err(refused("all of its records would leave", hint));
        }
        let minted =
            |&record: &u32| golden_id[1..] == tables.records.ids[record as usize].to_string();
        let groups = [members, stay.clone(), leave.clone()];
        let told = |records: &[u32]| records.iter().map(|&r| tables.mention(r)).collect();
        Ok(Unmerge {
            id_leaves: leave.iter().any(minted),
            golden_id,
            attributes: self.attributes(&groups)?,
            verdict: Verdict::Split { parts: vec![self.rows(&leave), self.rows(&stay)] },
            stay: told(&stay),
            leave: told(&leave),
        })
    }

    /// The records of `members` that `names` stand for.
    fn leaving(&self, members: &[u32], golden_id: &str, names: &[String]) -> Result<BTreeSet<u32>> {
        let mut leave = BTreeSet::new();
        for name in names {
            let found = named(&self.tables, name)?;
            let inside: Vec<u32> =
                found.records().iter().copied().filter(|record| members.contains(record)).collect();
            if inside.is_empty() {
                let message = format!("`{name}` is not in {golden_id}");
                return Err(refused(&message, "`orpailleur explain` lists what is in it"));
            }
            leave.extend(inside);
        }
        Ok(leave)
    }

    /// The golden values of each of the three groups where they are not all the same.
    fn attributes(&self, groups: &[Vec<u32>; 3]) -> Result<Vec<Attribute>> {
        let settings = &self.plan.survivorship;
        let values = consolidate::outlook(&self.tables.records, groups, &self.as_of, settings)?;
        let names: BTreeSet<&String> = values.iter().flat_map(BTreeMap::keys).collect();
        let attribute = |name: &String| {
            let of = |group: usize| values[group].get(name).cloned().unwrap_or_default();
            Attribute { name: name.clone(), now: of(0), stays: of(1), leaves: of(2) }
        };
        let differs = |a: &Attribute| a.now != a.stays || a.now != a.leaves;
        Ok(names.into_iter().map(attribute).filter(differs).collect())
    }
}

impl fmt::Display for Unmerge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, records: &[Mention]| {
            records.iter().try_for_each(|record| {
                writeln!(f, "  {}  {}  {}", record.record_id, record.place(), record.name)
            })
        };
        writeln!(f, "of {} would leave", self.golden_id)?;
        list(f, &self.leave)?;
        writeln!(f, "and stay")?;
        list(f, &self.stay)?;
        for Attribute { name, now, stays, leaves } in &self.attributes {
            writeln!(f, "\n{name}: {}", shown(now))?;
            writeln!(f, "  what stays: {}", shown(stays))?;
            writeln!(f, "  what leaves: {}", shown(leaves))?;
        }
        match self.id_leaves {
            true => writeln!(f, "\nThe golden id goes with what leaves: it was minted from it."),
            false => writeln!(f, "\nThe golden id stays with what stays."),
        }
    }
}

fn shown(values: &[String]) -> String {
    match values.is_empty() {
        true => "nothing".into(),
        false => values.join(" | "),
    }
}
