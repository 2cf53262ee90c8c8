//! The `explain` command: why two records are together or apart, and where a golden value comes from.
//!
//! Everything is read from a finished run, and compared with the model that the run used.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::Path,
};

use arrow::array::{Array, StringArray, UInt32Array};
use serde::Serialize;

use crate::{
    error::{Error, Result},
    matching,
    progress::Progress,
    run::MODEL,
    score::{Explanation, Model},
    store,
    table::{Lineages, Link, Place, RecordId, Records},
};

/// What there is to say of one or two ids.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Explained {
    /// A golden record: its records, and where its values come from.
    Golden {
        /// Its id.
        golden_id: String,
        /// Its records.
        records: Vec<Mention>,
        /// Its values.
        values: Vec<Value>,
    },
    /// Two records.
    Pair {
        /// The first.
        left: Mention,
        /// The second.
        right: Mention,
        /// Why they are together or apart: bits per comparison.
        explanation: Box<Explanation>,
    },
}

/// A record, where it stands, and what it became.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Mention {
    pub record_id: String,
    pub golden_id: String,
    pub source: String,
    pub file: String,
    pub sheet: String,
    pub row: u32,
}

/// A golden value and its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Value {
    /// The attribute.
    pub attribute: String,
    /// The surviving value.
    pub value: String,
    /// The record it comes from.
    pub record_id: String,
    /// The rule that chose it, and whether it decided.
    pub rule: String,
    /// The values that lost.
    pub losers: String,
}

/// Explains a golden record or a record by its id; or two, in the run in `folder`.
///
/// Of golden records, the pair of their records that is most alike is explained.
///
/// # Errors
///
/// When an id is not in the run, or when the two are of different kinds.
pub fn run(folder: &Path, id: &str, other: Option<&str>) -> Result<Explained> {
    let records = Records::from_batch(&store::read_parquet(&folder.join("tables/clean.parquet"))?)?;
    let golden = golden_ids(folder, &records)?;
    let left = positions(&records, &golden, id)?;
    let Some(other) = other else {
        return golden_record(folder, &records, &golden, &golden[left[0] as usize]);
    };
    let right = positions(&records, &golden, other)?;
    pair(folder, &records, &golden, &left, &right)
}

fn golden_record(
    folder: &Path,
    records: &Records,
    golden: &[String],
    golden_id: &str,
) -> Result<Explained> {
    let members = (0..records.len()).filter(|&r| golden[r] == golden_id);
    let path = folder.join("golden/lineage.parquet");
    let values = match path.is_file() {
        true => lineage(&path, golden_id)?,
        false => Vec::new(),
    };
    Ok(Explained::Golden {
        golden_id: golden_id.to_owned(),
        records: members.map(|r| mention(records, golden, r as u32)).collect(),
        values,
    })
}

fn lineage(path: &Path, golden_id: &str) -> Result<Vec<Value>> {
    let lines = Lineages::from_batch(store::read_parquet(path)?)?;
    let of_this = lines.iter().filter(|line| line.golden_id == golden_id);
    Ok(of_this
        .map(|line| Value {
            attribute: line.attribute.to_string(),
            value: line.value.to_string(),
            record_id: line.record_id.to_string(),
            rule: format!("{}, {}", line.rule, line.outcome),
            losers: line.losers.to_string(),
        })
        .collect())
}

fn pair(
    folder: &Path,
    records: &Records,
    golden: &[String],
    left: &[u32],
    right: &[u32],
) -> Result<Explained> {
    let kind = records.kinds[left[0] as usize];
    if records.kinds[right[0] as usize] != kind {
        return Err(Error::NotFound {
            what: "comparison of",
            name: "a person and an organisation".into(),
            hint: Some("`golden/links.csv` says which person is in which organisation".into()),
        });
    }
    let models: Vec<Model> = read_json(&folder.join(MODEL))?;
    let links = links(&folder.join("tables/links.parquet"))?;
    let (settings, quiet) = (matching::Settings::default(), Progress::hidden());
    let clusters = clusters(golden);
    let prepared = matching::prepare(records, &links, kind, &clusters, &models, &settings, &quiet)?;
    let local = |record: u32| {
        let at = prepared.members.binary_search(&record);
        at.expect("members are all records of the kind") as u32
    };
    let pairs =
        left.iter().flat_map(|&l| right.iter().map(move |&r| (l, r))).filter(|(l, r)| l != r);
    let best = pairs
        .map(|(l, r)| {
            (prepared.scorer.weight_centibits(local(l), local(r)), std::cmp::Reverse((l, r)))
        })
        .max()
        .ok_or_else(|| Error::NotFound {
            what: "second record beside",
            name: records.ids[left[0] as usize].to_string(),
            hint: Some("name two different ids".into()),
        })?;
    let (_, std::cmp::Reverse((l, r))) = best;
    Ok(Explained::Pair {
        left: mention(records, golden, l),
        right: mention(records, golden, r),
        explanation: Box::new(prepared.scorer.explain(local(l), local(r))),
    })
}

/// For each record its golden id, as the crosswalk says.
fn golden_ids(folder: &Path, records: &Records) -> Result<Vec<String>> {
    let path = folder.join("crosswalk.csv");
    let wrong = |error: csv::Error| Error::Format {
        path: path.clone(),
        message: error.to_string(),
        hint: None,
    };
    let mut golden = vec![String::new(); records.len()];
    let mut reader = csv::Reader::from_reader(store::open(&path)?);
    for row in reader.deserialize::<HashMap<String, String>>() {
        let row = row.map_err(wrong)?;
        let id = row.get("record_id").and_then(|id| RecordId::parse(id));
        if let (Some(at), Some(golden_id)) =
            (id.and_then(|id| records.find(id)), row.get("golden_id"))
        {
            golden[at] = golden_id.clone();
        }
    }
    Ok(golden)
}

/// The records that `id` names: one, or those of a golden record.
fn positions(records: &Records, golden: &[String], id: &str) -> Result<Vec<u32>> {
    if let Some(record) = RecordId::parse(id).and_then(|id| records.find(id)) {
        return Ok(vec![record as u32]);
    }
    let members: Vec<u32> =
        (0..records.len() as u32).filter(|&r| golden[r as usize] == id).collect();
    if members.is_empty() {
        return Err(Error::NotFound {
            what: "record or golden record",
            name: id.to_owned(),
            hint: Some("`crosswalk.csv` of the run lists all `record_id` and `golden_id`".into()),
        });
    }
    Ok(members)
}

/// For each record the first record of its golden record.
fn clusters(golden: &[String]) -> Vec<u32> {
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

fn mention(records: &Records, golden: &[String], record: u32) -> Mention {
    let at = record as usize;
    let Place { source, file, sheet, .. } = records.place_of(at).clone();
    let record_id = records.ids[at].to_string();
    Mention { record_id, golden_id: golden[at].clone(), source, file, sheet, row: records.row[at] }
}

impl fmt::Display for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mention { record_id, file, sheet, row, .. } = self;
        match sheet.as_str() {
            "" => write!(f, "{record_id}  {file}, row {row}"),
            sheet => write!(f, "{record_id}  {file}, sheet {sheet}, row {row}"),
        }
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Explained::Golden { golden_id, records, values } => {
                write!(f, "{golden_id} is made of")?;
                for record in records {
                    write!(f, "\n  {record}")?;
                }
                for Value { attribute, value, record_id, rule, losers } in values {
                    write!(f, "\n\n{attribute}: {value}\n  from {record_id} ({rule})")?;
                    if !losers.is_empty() {
                        write!(f, "\n  instead of {losers}")?;
                    }
                }
                Ok(())
            }
            Explained::Pair { left, right, explanation } => {
                writeln!(f, "{left}\n{right}")?;
                if left.golden_id == right.golden_id {
                    writeln!(f, "are together in {}.\n", left.golden_id)?;
                } else {
                    writeln!(f, "are apart, in {} and {}.\n", left.golden_id, right.golden_id)?;
                }
                writeln!(f, "   bits")?;
                writeln!(f, "{:>7.1}  before any comparison", explanation.prior_bits)?;
                for reason in &explanation.reasons {
                    write!(f, "{:>7.1}  {}: {}", reason.bits, reason.comparison, reason.level)?;
                    if reason.rarity_bits.abs() >= 0.05 {
                        write!(f, " ({:+.1} for how rare the value is)", reason.rarity_bits)?;
                    }
                    writeln!(f)?;
                }
                if explanation.relation_bits.abs() >= 0.05 {
                    let relation = "since they may be related instead";
                    writeln!(f, "{:>7.1}  {relation}", explanation.relation_bits)?;
                }
                write!(
                    f,
                    "{:>7.1}  in all: above zero, one entity is likelier",
                    explanation.weight_bits
                )
            }
        }
    }
}
