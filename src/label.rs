//! The command `label`: the pairs of a run that are worth a human's minute -> a list to fill in, which
//! `decide review` reads again.
//!
//! A pair is worth asking about when the model cannot tell, and more so the more pairs are like it: what a person
//! says of one teaches something of all that show the same pattern of agreement.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use arrow::array::{Int32Array, UInt32Array};
use serde::Serialize;

use crate::{
    error::{Error, Result},
    explain::{Comparer, Mention, Tables},
    model::{Kind, Lang},
    report::{harmless, label_columns, label_of, side_by_side},
    run::PAIRS,
    store,
};

/// How doubtful a pair is held to be at least: what the model is sure of may still be wrong, once in a hundred times, and of
/// the many sure pairs some are worth a look.
const LEAST_DOUBT: f64 = 0.01;

/// The pairs worth asking about, the most telling first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Questions {
    /// The pairs.
    pub pairs: Vec<Question>,
}

/// One pair, with what a person needs to tell whether it is one entity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Question {
    /// `person`, `organisation` or `other`.
    pub kind: Kind,
    /// The one record.
    pub left: Mention,
    /// The other.
    pub right: Mention,
    /// What the run says: the probability of a match.
    pub probability: f64,
    /// Whether both are in one golden record.
    pub together: bool,
    /// How many pairs show the same pattern of agreement, this one included.
    pub alike: u64,
    /// By attribute what both say, where either says something.
    pub values: Vec<(String, [String; 2])>,
}

/// A pair that may be asked about.
struct Pair {
    left: u32,
    right: u32,
    centibits: i32,
}

impl Pair {
    fn probability(&self) -> f64 {
        1.0 / (1.0 + (-f64::from(self.centibits) / 100.0).exp2())
    }

    /// The variance of the answer.
    fn doubt(&self) -> f64 {
        let p = self.probability();
        (p * (1.0 - p)).max(LEAST_DOUBT)
    }
}

/// Pairs of one kind that show one pattern of agreement.
struct Alike {
    kind: Kind,
    count: u64,
    doubt: f64,
    /// Those that were not asked about yet, the most even last.
    pairs: Vec<Pair>,
    asked: u32,
}

impl Alike {
    fn of(kind: Kind, mut pairs: Vec<Pair>) -> Alike {
        pairs.sort_unstable_by_key(|p| Reverse((p.centibits.abs(), p.left, p.right)));
        let doubt = pairs.iter().map(Pair::doubt).sum();
        Alike { kind, count: pairs.len() as u64, doubt, pairs, asked: 0 }
    }

    /// What one more answer is worth: the answers before it have settled part of the doubt.
    fn worth(&self) -> f64 {
        self.doubt / f64::from(self.asked + 1)
    }
}

/// The `count` pairs of the run in `folder` that are most worth asking about, without those that are decided.
///
/// # Errors
///
/// When the run cannot be read or ended before its clusters.
pub fn run(folder: &Path, count: usize) -> Result<Questions> {
    let tables = Tables::read(folder)?;
    let decided = tables.decided_records();
    let mut asked: BTreeSet<(&str, &str)> =
        decided.iter().flat_map(|records| answered(&tables, records)).collect();
    let mut classes = classes(&tables, undecided(said(folder)?, &decided))?;
    let mut pairs = Vec::new();
    while pairs.len() < count {
        let best = classes.iter_mut().filter(|class| !class.pairs.is_empty());
        // Of equals the first: classes stand in the order of their patterns.
        let best =
            best.reduce(|best, class| if class.worth() > best.worth() { class } else { best });
        let Some(class) = best else { break };
        let pair = class.pairs.pop().expect("classes without pairs are left out");
        // One answer settles all pairs between two golden records.
        if asked.insert(between(&tables, pair.left, pair.right)) {
            class.asked += 1;
            pairs.push(question(&tables, class, &pair));
        }
    }
    Ok(Questions { pairs })
}

fn question(tables: &Tables, class: &Alike, pair: &Pair) -> Question {
    let Pair { left, right, .. } = *pair;
    Question {
        kind: class.kind,
        left: tables.mention(left),
        right: tables.mention(right),
        probability: pair.probability(),
        together: tables.together(left, right),
        alike: class.count,
        values: side_by_side(&tables.records, left, right),
    }
}

/// The golden records that two records are in, in the order of their ids.
fn between(tables: &Tables, left: u32, right: u32) -> (&str, &str) {
    let golden = |record: u32| tables.golden[record as usize].as_str();
    let (a, b) = (golden(left), golden(right));
    (a.min(b), a.max(b))
}

/// The golden records that a decision about `records` keeps apart, two by two.
fn answered<'t>(tables: &'t Tables, records: &BTreeSet<u32>) -> Vec<(&'t str, &'t str)> {
    let others = |&left: &u32| records.range(left + 1..).map(move |&right| (left, right));
    let pairs = records.iter().flat_map(others);
    let golden = pairs.map(|(left, right)| between(tables, left, right));
    golden.filter(|(a, b)| a != b).collect()
}

/// The pairs of which no decision names both records.
fn undecided(mut said: Vec<Pair>, decided: &[BTreeSet<u32>]) -> Vec<Pair> {
    let touched: BTreeSet<u32> = decided.iter().flatten().copied().collect();
    let names_both = |pair: &Pair, records: &BTreeSet<u32>| {
        records.contains(&pair.left) && records.contains(&pair.right)
    };
    said.retain(|pair| {
        !touched.contains(&pair.left) || !decided.iter().any(|records| names_both(pair, records))
    });
    said
}

/// The pairs by kind and pattern.
fn classes(tables: &Tables, pairs: Vec<Pair>) -> Result<Vec<Alike>> {
    let mut by_kind: BTreeMap<Kind, Vec<Pair>> = BTreeMap::new();
    for pair in pairs {
        by_kind.entry(tables.records.kinds[pair.left as usize]).or_default().push(pair);
    }
    let mut classes = Vec::new();
    for (kind, pairs) in by_kind {
        let comparer = Comparer::new(tables, kind)?;
        let mut alike: BTreeMap<Vec<u8>, Vec<Pair>> = BTreeMap::new();
        for pair in pairs {
            alike.entry(comparer.levels(pair.left, pair.right)).or_default().push(pair);
        }
        classes.extend(alike.into_values().map(|pairs| Alike::of(kind, pairs)));
    }
    Ok(classes)
}

/// What the run says of pairs, in the order of their records.
fn said(folder: &Path) -> Result<Vec<Pair>> {
    let path = folder.join(PAIRS);
    let wrong = || Error::Format {
        path: path.clone(),
        message: "it is not a table of pairs of this version".into(),
        hint: Some("run the project again".into()),
    };
    let table = store::read_parquet(&path)?;
    let column = |name| table.column_by_name(name).map(|column| column.as_any());
    let records = |name| column(name).and_then(|c| c.downcast_ref::<UInt32Array>());
    let (left, right) = (records("left").ok_or_else(wrong)?, records("right").ok_or_else(wrong)?);
    let weights = column("weight_centibits").and_then(|c| c.downcast_ref::<Int32Array>());
    let weights = weights.ok_or_else(wrong)?;
    let pair =
        |at| Pair { left: left.value(at), right: right.value(at), centibits: weights.value(at) };
    Ok((0..table.num_rows()).map(pair).collect())
}

impl Questions {
    /// Writes the list into a CSV file in the words of `lang`: a column for the decision, empty, then what is known.
    ///
    /// # Errors
    ///
    /// When the file is there already, for it may be filled in, or cannot be written.
    pub fn write(&self, path: &Path, lang: Lang) -> Result<()> {
        if path.exists() {
            return Err(Error::Refused {
                message: format!("`{}` is there already", path.display()),
                hint: "read it with `orpailleur decide review`, or name another with `--out`"
                    .into(),
            });
        }
        let names: BTreeSet<&str> = self.pairs.iter().flat_map(Question::attributes).collect();
        let mut writer = csv::Writer::from_writer(store::create(path)?);
        let mut header = label_columns(lang);
        for name in &names {
            let label = label_of(name, lang);
            header.extend([format!("{label} A"), format!("{label} B")]);
        }
        writer.write_record(&header).map_err(Error::table("labels"))?;
        for question in &self.pairs {
            writer.write_record(question.cells(&names)).map_err(Error::table("labels"))?;
        }
        writer.flush().map_err(Error::io("write", path))
    }
}

impl Question {
    fn attributes(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| name.as_str())
    }

    fn cells(&self, names: &BTreeSet<&str>) -> Vec<String> {
        let Question { left, right, .. } = self;
        let known: BTreeMap<&str, &[String; 2]> =
            self.values.iter().map(|(name, both)| (name.as_str(), both)).collect();
        let mut cells = vec![
            String::new(),
            String::new(),
            self.kind.as_str().to_owned(),
            format!("{:.0}", self.probability * 100.0),
            self.alike.to_string(),
            harmless(&left.place()),
            harmless(&right.place()),
            left.record_id.clone(),
            right.record_id.clone(),
        ];
        for name in names {
            let both = known.get(name).map_or(["", ""], |both| [&both[0], &both[1]]);
            cells.extend(both.map(harmless));
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(centibits: &[i32]) -> Alike {
        let pairs = centibits.iter().map(|&centibits| Pair { left: 0, right: 1, centibits });
        Alike::of(Kind::Person, pairs.collect())
    }

    #[test]
    fn doubt_is_worth_more_than_sureness_and_many_pairs_more_than_one() {
        assert!(class(&[0]).worth() > class(&[600]).worth());
        assert!(class(&[300, 300]).worth() > class(&[300]).worth());
        assert!(
            class(&[2000; 100]).worth() > class(&[0]).worth(),
            "many sure pairs are worth a look"
        );
    }

    #[test]
    fn the_most_even_pair_of_a_pattern_is_asked_first_and_each_answer_makes_the_next_worth_less() {
        let mut found = class(&[700, -50, 300]);
        let worth = found.worth();
        assert_eq!(found.pairs.pop().map(|pair| pair.centibits), Some(-50));
        found.asked += 1;
        assert_eq!(found.worth(), worth / 2.0);
        assert_eq!(found.pairs.pop().map(|pair| pair.centibits), Some(300));
    }
}
