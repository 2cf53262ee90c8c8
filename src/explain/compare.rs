//! Two records of one kind -> why they are together or apart.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use arrow::array::{Array, StringArray, UInt32Array};
use rayon::prelude::*;
use serde::Deserialize;

use super::{Candidate, Explained, Lines, Pair, Sides, Step, Tables, Verdict, find::Named, golden};
use crate::{
    cluster::{SPEAKS_CENTIBITS, asked},
    decisions::Told,
    error::{Error, Result},
    matching,
    model::Kind,
    run::MODEL,
    score::{self, Model, Scorer},
    store,
    table::Link,
};

/// How many of the records most like one are told.
const CANDIDATES: usize = 5;

/// Explains the pairs between two names: all of two rows, the strongest of golden records.
pub(super) fn pairs(tables: &Tables, left: &Named, right: &Named) -> Result<Vec<Explained>> {
    if let (Named::Golden(a), Named::Golden(b)) = (left, right)
        && a == b
    {
        return Ok(vec![Explained::Golden(golden(tables, a)?)]);
    }
    let kind = |record: u32| tables.records.kinds[record as usize];
    let mut by_kind: BTreeMap<Kind, BTreeSet<(u32, u32)>> = BTreeMap::new();
    for &l in left.records() {
        for &r in right.records() {
            if l != r && kind(l) == kind(r) {
                by_kind.entry(kind(l)).or_default().insert((l, r));
            }
        }
    }
    if by_kind.is_empty() {
        return Err(no_pair(tables, left, right));
    }
    let mut explained = Vec::new();
    for (kind, pairs) in by_kind {
        let comparer = Comparer::new(tables, kind)?;
        if let (Named::Row(_), Named::Row(_)) = (left, right) {
            let pair = |&(l, r): &(u32, u32)| Explained::Pair(Box::new(comparer.pair(l, r, 1)));
            explained.extend(pairs.iter().map(pair));
            continue;
        }
        let in_sight = pairs.first().is_some_and(|&(l, r)| comparer.in_sight(l, r));
        let weighed = pairs
            .iter()
            .map(|&(l, r)| (comparer.weight(l, r, in_sight), std::cmp::Reverse((l, r))));
        if let Some((_, std::cmp::Reverse((l, r)))) = weighed.max() {
            explained.push(Explained::Pair(Box::new(comparer.pair(l, r, pairs.len()))));
        }
    }
    Ok(explained)
}

fn no_pair(tables: &Tables, left: &Named, right: &Named) -> Error {
    if left.records() == right.records() {
        let id = tables.records.ids[left.records()[0] as usize].to_string();
        let hint = Some("name two different records".into());
        return Error::NotFound { what: "second record beside", name: id, hint };
    }
    Error::NotFound {
        what: "comparison of",
        name: "a person and an organisation".into(),
        hint: Some("`golden/links.csv` says which person is in which organisation".into()),
    }
}

/// Compares any two records of one kind as the run did.
pub(crate) struct Comparer<'t> {
    tables: &'t Tables,
    kind: Kind,
    members: Vec<u32>,
    scorer: Scorer,
    pub(super) lines: Lines,
    one_to_one: bool,
}

/// What `report.json` says of matching.
#[derive(Deserialize)]
struct Report {
    matching: Vec<ReportedMatching>,
}

#[derive(Deserialize)]
struct ReportedMatching {
    kind: String,
    merge_bits: f64,
    review_bits: f64,
    cluster: crate::cluster::Metrics,
}

impl<'t> Comparer<'t> {
    pub(crate) fn new(tables: &'t Tables, kind: Kind) -> Result<Comparer<'t>> {
        let path = tables.folder.join(MODEL);
        let models: Vec<Model> = read_json(&path)?;
        let links = links(&tables.folder.join("tables/links.parquet"))?;
        let clusters = clusters(&tables.golden);
        let made = matching::comparer(&tables.records, &links, kind, &clusters, &models);
        let (members, scorer) = made.ok_or_else(|| Error::Format {
            path,
            message: format!("its model of each {} was made by another version", kind.as_str()),
            hint: Some("run the project again".into()),
        })?;
        let report = tables.folder.join("report/report.json");
        let reported: Option<Report> = report.is_file().then(|| read_json(&report)).transpose()?;
        let of_kind = reported
            .and_then(|report| report.matching.into_iter().find(|m| m.kind == kind.as_str()));
        let defaults = score::Settings::default();
        let lines = match &of_kind {
            Some(m) => Lines { merge_bits: m.merge_bits, review_bits: m.review_bits, known: true },
            None => Lines {
                merge_bits: bits(defaults.merge_centibits()),
                review_bits: bits(defaults.review_centibits()),
                known: false,
            },
        };
        let one_to_one = of_kind.is_some_and(|m| m.cluster.review.contains_key("one_to_one"));
        Ok(Comparer { tables, kind, members, scorer, lines, one_to_one })
    }

    fn local(&self, record: u32) -> u32 {
        self.members.binary_search(&record).expect("members are all records of the kind") as u32
    }

    /// The agreement level of each comparison; 0 where a value is missing.
    pub(crate) fn levels(&self, left: u32, right: u32) -> Vec<u8> {
        let (a, b) = (self.local(left), self.local(right));
        self.scorer.levels(a.min(b), a.max(b))
    }

    /// In hundredths of a bit.
    fn weight(&self, a: u32, b: u32, in_sight: bool) -> i32 {
        let (a, b) = (self.local(a), self.local(b));
        self.scorer.weight_centibits(a.min(b), a.max(b), in_sight)
    }

    /// Whether a record of another golden record is related to one of either's.
    fn in_sight(&self, left: u32, right: u32) -> bool {
        [left, right].into_iter().any(|record| {
            let own = self.tables.beside(record);
            asked(&own).iter().any(|&mine| {
                self.members.par_iter().any(|&other| {
                    let (a, b) = (self.local(mine), self.local(other));
                    !own.contains(&other) && self.scorer.are_related(a.min(b), a.max(b))
                })
            })
        })
    }

    fn verdict(&self, weight_bits: f64) -> Verdict {
        if weight_bits >= self.lines.merge_bits {
            Verdict::Merge
        } else if weight_bits >= self.lines.review_bits {
            Verdict::Review
        } else {
            Verdict::Separate
        }
    }

    fn pair(&self, left: u32, right: u32, strongest_of: usize) -> Pair {
        let tables = self.tables;
        let in_sight = self.in_sight(left, right);
        let weight_bits = bits(self.weight(left, right, in_sight));
        let (verdict, together) = (self.verdict(weight_bits), tables.together(left, right));
        let (a, b) = (self.local(left), self.local(right));
        let weak = together && verdict != Verdict::Merge;
        let sides = |attribute: &String| {
            let of = |record| tables.values(attribute, record);
            Sides { attribute: attribute.clone(), left: of(left), right: of(right) }
        };
        let values = tables.records.columns.keys().filter(|name| !name.starts_with("extra."));
        Pair {
            left: tables.mention(left),
            right: tables.mention(right),
            strongest_of,
            values: values
                .map(sides)
                .filter(|s| !s.left.is_empty() || !s.right.is_empty())
                .collect(),
            explanation: self.scorer.explain(a.min(b), a.max(b), in_sight),
            lines: self.lines,
            verdict,
            together,
            joined_by: if together { self.joined_by(left) } else { Vec::new() },
            chain: if weak { self.chain(left, right, in_sight) } else { Vec::new() },
            held_apart: if together {
                None
            } else {
                self.held_apart(left, right, verdict, in_sight)
            },
        }
    }

    /// The path between two records of one golden record whose weakest pair is the strongest: grown
    /// from `left` by the strongest pair at its rim until it meets `right`.
    fn chain(&self, left: u32, right: u32, in_sight: bool) -> Vec<Step> {
        let mut outside: Vec<u32> =
            self.tables.beside(left).into_iter().filter(|&r| r != left).collect();
        let mut nearest: HashMap<u32, (i32, u32)> = HashMap::new();
        let mut joined = left;
        let mut from: HashMap<u32, (i32, u32)> = HashMap::new();
        while joined != right {
            let weights: Vec<i32> =
                outside.par_iter().map(|&r| self.weight(joined, r, in_sight)).collect();
            for (&record, weight) in outside.iter().zip(weights) {
                let best = nearest.entry(record).or_insert((weight, joined));
                if weight > best.0 {
                    *best = (weight, joined);
                }
            }
            let strongest = outside.iter().enumerate();
            let strongest = strongest.max_by_key(|(at, r)| (nearest[*r].0, std::cmp::Reverse(*at)));
            let Some((at, &next)) = strongest else { return Vec::new() };
            outside.remove(at);
            from.insert(next, nearest[&next]);
            joined = next;
        }
        let mut chain = Vec::new();
        let mut at = right;
        while let Some(&(weight, before)) = from.get(&at) {
            chain.push(Step {
                left: self.tables.mention(before),
                right: self.tables.mention(at),
                weight_bits: bits(weight),
            });
            at = before;
        }
        chain.reverse();
        chain
    }

    /// The decisions that made the golden record of a record one.
    fn joined_by(&self, record: u32) -> Vec<String> {
        let members = self.tables.beside(record);
        let about = self.tables.decisions_about(&members).filter(|told| told.decision == "same");
        about.filter(|told| told.bears()).map(Told::sentence).collect()
    }

    /// What keeps two records apart that their weight would bring together, or up for review.
    fn held_apart(
        &self,
        left: u32,
        right: u32,
        verdict: Verdict,
        in_sight: bool,
    ) -> Option<String> {
        let (mine, yours) = (self.tables.beside(left), self.tables.beside(right));
        if let Some(told) = self.tables.kept_apart(&mine, &yours) {
            return Some(format!("by decision, {}", told.sentence()));
        }
        if verdict == Verdict::Separate {
            return None;
        }
        if let Some(reason) = self.two_legal_numbers(&mine, &yours) {
            return Some(reason);
        }
        if verdict == Verdict::Review {
            return None;
        }
        let sources = |members: &[u32]| -> BTreeSet<&str> {
            members
                .iter()
                .map(|&r| self.tables.records.place_of(r as usize).source.as_str())
                .collect()
        };
        if self.one_to_one
            && let Some(source) = sources(&mine).intersection(&sources(&yours)).next()
        {
            return Some(format!(
                "a golden record takes one record of `{source}`, and both have one"
            ));
        }
        let local = |members: &[u32]| -> Vec<u32> {
            asked(members).iter().map(|&record| self.local(record)).collect()
        };
        let together = self.scorer.group_centibits(&local(&mine), &local(&yours), in_sight);
        if bits(together) < self.lines.merge_bits {
            return Some(format!(
                "taken as wholes, all records of the one and all of the other, they reach {:.1} bits",
                bits(together)
            ));
        }
        let (against, in_favour) = self.speaking(&mine, &yours);
        if against > in_favour {
            return Some(format!(
                "of the pairs between the records of both, {against} speak against it and {in_favour} for it"
            ));
        }
        Some(
            "the run did not compare the two: no blocking rule brings them together, or pairs of one \
             source did not count (`--link-only`)"
                .into(),
        )
    }

    fn two_legal_numbers(&self, mine: &[u32], yours: &[u32]) -> Option<String> {
        if self.kind != Kind::Organisation {
            return None;
        }
        let records = &self.tables.records;
        let held = |members: &[u32], number: &dyn Fn(usize) -> Option<&'t str>| -> Vec<&'t str> {
            let numbers: BTreeSet<&str> =
                members.iter().filter_map(|&r| number(r as usize)).collect();
            numbers.into_iter().collect()
        };
        let differ = |number: &dyn Fn(usize) -> Option<&'t str>| {
            let (a, b) = (held(mine, number), held(yours, number));
            (!a.is_empty() && !b.is_empty() && a != b).then(|| (a.join(", "), b.join(", ")))
        };
        if let Some((a, b)) = differ(&|r| records.first("siren", r)) {
            let numbers = format!("they have two legal numbers, SIREN {a} and {b}");
            return Some(format!("{numbers}, and an organisation has one"));
        }
        let (a, b) = differ(&matching::establishments(records, &self.members))?;
        Some(format!(
            "they are two establishments, or a legal unit and one of several: {a} and {b}"
        ))
    }

    /// How many pairs between two golden records speak clearly against them, and for them.
    fn speaking(&self, mine: &[u32], yours: &[u32]) -> (usize, usize) {
        let (mut against, mut in_favour) = (0, 0);
        for &a in mine {
            for &b in yours {
                let (a, b) = (self.local(a), self.local(b));
                let evidence = self.scorer.evidence_centibits(a.min(b), a.max(b));
                against += usize::from(evidence <= -SPEAKS_CENTIBITS);
                in_favour += usize::from(evidence >= SPEAKS_CENTIBITS);
            }
        }
        (against, in_favour)
    }

    /// The records that are most like `record`, best first.
    pub(super) fn candidates(&self, record: u32) -> Vec<Candidate> {
        let in_sight = self.in_sight(record, record);
        let others = self.members.par_iter().filter(|&&other| other != record);
        let mut weights: Vec<(i32, u32)> =
            others.map(|&other| (-self.weight(record, other, in_sight), other)).collect();
        weights.sort_unstable();
        weights.truncate(CANDIDATES);
        let candidate = |(weight, other): (i32, u32)| Candidate {
            record: self.tables.mention(other),
            weight_bits: bits(-weight),
            verdict: self.verdict(bits(-weight)),
            together: self.tables.together(record, other),
        };
        weights.into_iter().map(candidate).collect()
    }
}

fn bits(centibits: i32) -> f64 {
    f64::from(centibits) / 100.0
}

/// For each record the first record of its golden record.
pub(super) fn clusters(golden: &[String]) -> Vec<u32> {
    let mut first: BTreeMap<&str, u32> = BTreeMap::new();
    let at = golden.iter().enumerate();
    at.map(|(record, id)| *first.entry(id).or_insert(record as u32)).collect()
}

fn links(path: &Path) -> Result<Vec<Link>> {
    let batch = store::read_parquet(path)?;
    let wrong = || Error::Format {
        path: path.to_owned(),
        message: "it is not a table of links of this version".into(),
        hint: Some("run the project again".into()),
    };
    let column = |name| batch.column_by_name(name).map(|column| column.as_any());
    let numbers =
        |name| column(name).and_then(|c| c.downcast_ref::<UInt32Array>()).ok_or_else(wrong);
    let (person, organisation) = (numbers("person")?, numbers("organisation")?);
    let role = column("role").and_then(|c| c.downcast_ref::<StringArray>()).ok_or_else(wrong)?;
    Ok((0..person.len())
        .map(|at| Link {
            person: person.value(at),
            organisation: organisation.value(at),
            role: role.value(at).to_owned(),
        })
        .collect())
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&store::read_text(path)?).map_err(|error| Error::Format {
        path: path.to_owned(),
        message: error.to_string(),
        hint: Some("it was written by another version or changed by hand".into()),
    })
}
