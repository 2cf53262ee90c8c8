//! The `explain` command: why two records are together or apart, and where a golden value comes from.
//!
//! Everything is read from a finished run, and compared with the model that the run used.

mod compare;
pub(crate) mod find;
mod show;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use serde::Serialize;

use self::{compare::pairs, find::Named};
use crate::{
    consolidate,
    decisions::{self, Told as Decision},
    error::{Error, Result},
    model::Kind,
    run::MODEL,
    score::Explanation,
    store,
    table::{Lineage, Place, RecordId, Records},
};
pub(crate) use compare::Comparer;

/// What there is to say of one or two names.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Explained {
    /// A golden record.
    Golden(Golden),
    /// A record.
    Record(Box<Record>),
    /// Two records.
    Pair(Box<Pair>),
}

/// A record, where it stands, and what it became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mention {
    /// Its id.
    pub record_id: String,
    /// The golden record it is in.
    pub golden_id: String,
    /// The source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// The row, from 1.
    pub row: u32,
    /// What a person would call it.
    pub name: String,
}

/// A golden record: its records, and where its values come from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Golden {
    /// Its id.
    pub golden_id: String,
    /// Its records.
    pub records: Vec<Mention>,
    /// What stewards decided about them, with what became of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<String>,
    /// Its values; none where the run ended before they were chosen.
    pub values: Vec<GoldenValue>,
    /// What its records do not agree on, so that nothing survives or a steward must look.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Disagreement>,
}

/// What the records of a golden record do not agree on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disagreement {
    /// The attribute.
    pub attribute: String,
    /// The rule that wants them to.
    pub rule: String,
    /// What is said: `value` and the records that say it, one line for each record.
    pub said: Vec<Loser>,
}

/// A golden value and its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GoldenValue {
    /// The attribute.
    pub attribute: String,
    /// The surviving value.
    pub value: String,
    /// The record it comes from.
    pub record_id: String,
    /// Where that record stands: none for a value that no record has.
    pub place: Option<String>,
    /// The rule that chose it.
    pub rule: String,
    /// `decided`, `tied` or `defaulted`.
    pub outcome: String,
    /// The values that lost.
    pub losers: Vec<Loser>,
}

/// A value that did not become golden.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loser {
    /// The value.
    pub value: String,
    /// The record it comes from.
    pub record_id: String,
    /// Where that record stands.
    pub place: Option<String>,
}

/// One record: what it says, and what is most like it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// The record.
    pub record: Mention,
    /// Its values by attribute, as written and as understood.
    pub values: Vec<Cell>,
    /// The weights from which a pair is merged or reviewed.
    pub lines: Lines,
    /// The records that are most like it, best first.
    pub candidates: Vec<Candidate>,
}

/// What a record says of one attribute.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// The attribute.
    pub attribute: String,
    /// The columns that say it.
    pub columns: Vec<String>,
    /// The values as written.
    pub raw: Vec<String>,
    /// The values as understood.
    pub clean: Vec<String>,
    /// The codes of what was rejected in these columns.
    pub rejected: Vec<String>,
    /// What a steward should know of values of these columns that were used: code and certainty.
    pub issues: Vec<String>,
}

/// A record that is like another one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// The record.
    pub record: Mention,
    /// The match weight.
    pub weight_bits: f64,
    /// What the weight alone calls for.
    pub verdict: Verdict,
    /// Whether both are in one golden record.
    pub together: bool,
}

/// Two records, why they are together or apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The first.
    pub left: Mention,
    /// The second.
    pub right: Mention,
    /// How many pairs this one is the strongest of: above 1 between golden records.
    pub strongest_of: usize,
    /// The values of both, by attribute.
    pub values: Vec<Sides>,
    /// Bits per comparison.
    pub explanation: Explanation,
    /// The weights from which a pair is merged or reviewed.
    pub lines: Lines,
    /// What the weight alone calls for.
    pub verdict: Verdict,
    /// Whether both are in one golden record.
    pub together: bool,
    /// Of a weak pair in one golden record: the strongest pairs that join the two, in order.
    pub chain: Vec<Step>,
    /// The decisions that made their golden record one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub joined_by: Vec<String>,
    /// Of a strong pair that is apart: what keeps it so.
    pub held_apart: Option<String>,
}

/// What two records say of one attribute.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sides {
    pub attribute: String,
    pub left: Vec<String>,
    pub right: Vec<String>,
}

/// One pair of a chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Step {
    pub left: Mention,
    pub right: Mention,
    pub weight_bits: f64,
}

/// The weights that decide.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lines {
    /// Bits from which a pair is merged.
    pub merge_bits: f64,
    /// Bits from which a pair waits for review.
    pub review_bits: f64,
    /// Whether the run says so: a run that ended before its report does not, and the defaults stand
    /// here.
    pub known: bool,
}

/// What a weight calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Verdict {
    Merge,
    Review,
    Separate,
}

/// Explains what `name` stands for in the run in `folder`, or, with `other`, the two.
///
/// A name is a golden id, a record id, a place as `file:row` or `file!sheet:row`, a key of a legacy
/// system or a row number. A row may hold several records: each is explained. Of golden records, the
/// pair of their records that is most alike is.
///
/// # Errors
///
/// When a name stands for nothing in the run or for several rows, or when two are of different kinds.
pub fn run(folder: &Path, name: &str, other: Option<&str>) -> Result<Vec<Explained>> {
    let tables = Tables::read(folder)?;
    let left = find::named(&tables, name)?;
    match (left, other) {
        (left, Some(other)) => pairs(&tables, &left, &find::named(&tables, other)?),
        (Named::Golden(members), None) => Ok(vec![Explained::Golden(golden(&tables, &members)?)]),
        (Named::Row(found), None) => records(&tables, &found),
    }
}

/// The records of a run, and what became of them.
pub(crate) struct Tables {
    folder: PathBuf,
    /// Clean.
    pub(crate) records: Records,
    /// For each record its golden id.
    pub(crate) golden: Vec<String>,
    /// What stewards decided.
    decisions: Vec<Decision>,
}

impl Tables {
    pub(crate) fn read(folder: &Path) -> Result<Tables> {
        let needed = ["tables/clean.parquet", "tables/records.parquet", "crosswalk.csv", MODEL];
        if let Some(missing) = needed.iter().find(|file| !folder.join(file).is_file()) {
            return Err(Error::NotFound {
                what: "file",
                name: folder.join(missing).display().to_string(),
                hint: Some("the run ended before its clusters: run again without `--until`".into()),
            });
        }
        let records = Records::from_batch(&store::read_parquet(&folder.join(needed[0]))?)?;
        let golden = consolidate::read_golden_ids(folder, &records)?;
        let decisions = decisions::read_told(folder)?;
        Ok(Tables { folder: folder.to_owned(), records, golden, decisions })
    }

    pub(crate) fn mention(&self, record: u32) -> Mention {
        let at = record as usize;
        let Place { source, file, sheet, .. } = self.records.place_of(at).clone();
        Mention {
            record_id: self.records.ids[at].to_string(),
            golden_id: self.golden[at].clone(),
            source,
            file,
            sheet,
            row: self.records.row[at],
            name: self.name(at),
        }
    }

    /// What a person would call a record.
    fn name(&self, at: usize) -> String {
        let first = |attribute| self.records.first(attribute, at);
        let parts = [first("first_name"), first("last_name")];
        let person = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let named = match self.records.kinds[at] {
            Kind::Organisation => first("name").unwrap_or_default().to_owned(),
            _ if person.is_empty() => {
                first("name").or(first("title")).unwrap_or_default().to_owned()
            }
            _ => person,
        };
        if named.is_empty() { first("email").unwrap_or_default().to_owned() } else { named }
    }

    /// Where the record with this id stands, as a name that `explain` takes.
    fn place(&self, id: &str) -> Option<String> {
        let at = self.records.find(RecordId::parse(id)?)?;
        Some(self.mention(at as u32).place())
    }

    /// For each record the first record of its golden record.
    pub(crate) fn clusters(&self) -> Vec<u32> {
        compare::clusters(&self.golden)
    }

    /// The records of the golden record that `record` is in.
    pub(crate) fn beside(&self, record: u32) -> Vec<u32> {
        let id = &self.golden[record as usize];
        (0..self.records.len() as u32).filter(|&r| self.golden[r as usize] == *id).collect()
    }

    /// What a record says of an attribute, identifiers that nobody needs to see in full masked.
    pub(crate) fn values(&self, attribute: &str, record: u32) -> Vec<String> {
        let values = self.records.values(attribute, record as usize);
        values.map(|value| consolidate::masked(attribute, value).into_owned()).collect()
    }

    /// The decisions that name one of these records.
    fn decisions_about(&self, members: &[u32]) -> impl Iterator<Item = &Decision> {
        let ids: BTreeSet<RecordId> =
            members.iter().map(|&member| self.records.ids[member as usize]).collect();
        self.decisions.iter().filter(move |told| told.record_ids().any(|id| ids.contains(&id)))
    }

    /// The decision that keeps a record of the one group from one of the other.
    fn kept_apart(&self, mine: &[u32], yours: &[u32]) -> Option<&Decision> {
        let ids = |members: &[u32]| -> BTreeSet<RecordId> {
            members.iter().map(|&member| self.records.ids[member as usize]).collect()
        };
        let (mine, yours) = (ids(mine), ids(yours));
        let keeps_apart = |told: &&Decision| told.decision != "same" && told.bears();
        self.decisions.iter().filter(keeps_apart).find(|told| {
            let meets = |part: &BTreeSet<RecordId>, ids| !part.is_disjoint(ids);
            let parts = told.parts();
            let mut pairs = parts.iter().enumerate().filter(|(_, part)| meets(part, &mine));
            pairs.any(|(at, _)| {
                let mut others = parts.iter().enumerate();
                others.any(|(other, part)| other != at && meets(part, &yours))
            })
        })
    }

    /// For each decision that the run obeyed the records that it names.
    pub(crate) fn decided_records(&self) -> Vec<BTreeSet<u32>> {
        let bearing = self.decisions.iter().filter(|told| told.bears());
        let position = |id| self.records.find(id).map(|at| at as u32);
        bearing.map(|told| told.record_ids().filter_map(position).collect()).collect()
    }

    pub(crate) fn together(&self, a: u32, b: u32) -> bool {
        self.golden[a as usize] == self.golden[b as usize]
    }
}

fn golden(tables: &Tables, members: &[u32]) -> Result<Golden> {
    let golden_id = tables.golden[members[0] as usize].clone();
    let path = tables.folder.join("golden/lineage.parquet");
    let values = if path.is_file() { lineage(tables, &path, &golden_id)? } else { Vec::new() };
    let decisions = tables.decisions_about(members);
    let decisions =
        decisions.map(|told| format!("{}: {}", told.sentence(), told.outcome())).collect();
    let records = members.iter().map(|&r| tables.mention(r)).collect();
    let conflicts = conflicts(tables, &golden_id)?;
    Ok(Golden { golden_id, records, decisions, values, conflicts })
}

/// What the run lists in `golden/conflicts.csv` of a golden record.
fn conflicts(tables: &Tables, golden_id: &str) -> Result<Vec<Disagreement>> {
    let path = tables.folder.join("golden/conflicts.csv");
    let mut conflicts: Vec<Disagreement> = Vec::new();
    if !path.is_file() {
        return Ok(conflicts);
    }
    let mut lines = csv::Reader::from_reader(store::open(&path)?);
    for line in lines.deserialize::<HashMap<String, String>>() {
        let line = line.map_err(Error::table("golden/conflicts.csv"))?;
        let cell = |name: &str| line.get(name).map(String::as_str).unwrap_or_default();
        if cell("golden_id") != golden_id {
            continue;
        }
        let (attribute, rule) = (cell("attribute").to_owned(), cell("rule").to_owned());
        let said = cell("records").split(' ').map(|id| Loser {
            value: cell("value").to_owned(),
            record_id: id.to_owned(),
            place: tables.place(id),
        });
        match conflicts.iter_mut().find(|known| known.attribute == attribute) {
            Some(known) => known.said.extend(said),
            None => conflicts.push(Disagreement { attribute, rule, said: said.collect() }),
        }
    }
    Ok(conflicts)
}

fn lineage(tables: &Tables, path: &Path, golden_id: &str) -> Result<Vec<GoldenValue>> {
    let batch = store::read_parquet(path)?;
    let of_this = Lineage::of_batch(&batch)?.filter(|line| line.golden_id == golden_id);
    let values = of_this.map(|line| GoldenValue {
        attribute: line.attribute.to_owned(),
        value: consolidate::masked(line.attribute, line.value).into_owned(),
        record_id: line.record_id.to_owned(),
        place: tables.place(line.record_id),
        rule: line.rule.to_owned(),
        outcome: line.outcome.to_owned(),
        losers: losers(line.losers)
            .into_iter()
            .map(|(value, id)| Loser {
                value: consolidate::masked(line.attribute, &value).into_owned(),
                place: tables.place(&id),
                record_id: id,
            })
            .collect(),
    });
    Ok(values.collect())
}

/// Takes `value (record_id) | value (record_id)` apart; a value may itself hold ` | `.
fn losers(text: &str) -> Vec<(String, String)> {
    let mut losers = Vec::new();
    let mut open = String::new();
    for piece in text.split(" | ") {
        if !open.is_empty() {
            open.push_str(" | ");
        }
        open.push_str(piece);
        let ended = open.strip_suffix(')').and_then(|open| open.rsplit_once(" ("));
        if let Some((value, id)) = ended.filter(|(_, id)| RecordId::parse(id).is_some()) {
            losers.push((value.to_owned(), id.to_owned()));
            open.clear();
        }
    }
    losers
}

fn records(tables: &Tables, found: &[u32]) -> Result<Vec<Explained>> {
    let raw = store::read_parquet(&tables.folder.join("tables/records.parquet"))?;
    let raw = Records::from_batch(&raw)?;
    // All records found stand on one row.
    let rejected = told(tables, found[0], "rejects.csv")?;
    let issues = told(tables, found[0], "issues.csv")?;
    let kinds: BTreeSet<Kind> = found.iter().map(|&r| tables.records.kinds[r as usize]).collect();
    let comparers: BTreeMap<Kind, Comparer<'_>> = kinds
        .into_iter()
        .map(|kind| Ok((kind, Comparer::new(tables, kind)?)))
        .collect::<Result<_>>()?;
    let explain = |&record: &u32| {
        let comparer = &comparers[&tables.records.kinds[record as usize]];
        Explained::Record(Box::new(Record {
            record: tables.mention(record),
            values: cells(tables, &raw, (&rejected, &issues), record),
            lines: comparer.lines,
            candidates: comparer.candidates(record),
        }))
    };
    Ok(found.iter().map(explain).collect())
}

/// What a list of the run tells of a row: column, and code with its certainty where there is one.
type Told = Vec<(String, String)>;

/// What `list`, a file of the run, tells of the row of `record`; nothing where an older run has no such list.
fn told(tables: &Tables, record: u32, list: &str) -> Result<Told> {
    let mention = tables.mention(record);
    let row = mention.row.to_string();
    let place = [mention.file.as_str(), &mention.sheet, &row];
    let path = tables.folder.join(list);
    let mut told = Vec::new();
    if !path.is_file() {
        return Ok(told);
    }
    for line in
        csv::Reader::from_reader(store::open(&path)?).deserialize::<HashMap<String, String>>()
    {
        let line = line.map_err(Error::table(list))?;
        let cell = |name: &str| line.get(name).map(String::as_str).unwrap_or_default();
        if [cell("file"), cell("sheet"), cell("row")] == place {
            let code = [cell("code"), cell("certainty")];
            let code = code.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>();
            told.push((cell("column").to_owned(), code.join(", ")));
        }
    }
    Ok(told)
}

/// A value as written, of an IBAN its ends alone.
fn masked(attribute: &str, written: &str) -> String {
    match attribute {
        "iban" => consolidate::masked(attribute, written).into_owned(),
        _ => written.to_owned(),
    }
}

fn cells(
    tables: &Tables,
    raw: &Records,
    (rejected, issues): (&Told, &Told),
    record: u32,
) -> Vec<Cell> {
    let attributes: BTreeSet<&String> =
        raw.columns.keys().chain(tables.records.columns.keys()).collect();
    let cell = |attribute: &String| {
        let column = raw.columns.get(attribute);
        let entries = column.into_iter().flat_map(|c| c.entries(record as usize));
        let (written, origins): (Vec<String>, BTreeSet<u32>) =
            entries.map(|(value, origin)| (masked(attribute, value), origin)).unzip();
        let header = |&origin: &u32| raw.origins.get(origin as usize).map(|o| o.column.clone());
        let columns: Vec<String> = origins.iter().filter_map(header).collect();
        let of_columns = |told: &Told| -> Vec<String> {
            let of_columns = told.iter().filter(|(column, _)| columns.contains(column));
            of_columns.map(|(_, code)| code.clone()).collect()
        };
        Cell {
            attribute: attribute.clone(),
            rejected: of_columns(rejected),
            issues: of_columns(issues),
            columns,
            raw: written,
            clean: tables.values(attribute, record),
        }
    };
    let filled = |cell: &Cell| !cell.raw.is_empty() || !cell.clean.is_empty();
    attributes.into_iter().map(cell).filter(filled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_lost_may_hold_the_separator() {
        let id = RecordId([7; 10]).to_string();
        let text = format!("a | b ({id}) | c (d) ({id})");
        assert_eq!(losers(&text), [("a | b".to_owned(), id.clone()), ("c (d)".to_owned(), id)]);
        assert_eq!(losers(""), []);
    }
}
