//! Compares a run with labels: which records are one entity, according to the run and in truth, and whether the
//! probabilities that it gave to pairs hold.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use arrow::array::{Array, Int32Array, StringArray, UInt32Array};
use serde::Serialize;

use crate::{
    error::{Error, Result},
    run::PAIRS,
    store,
};

/// How well the records of one kind are resolved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// `person`, `organisation`; `record` where the labels do not tell kinds apart.
    pub kind: String,
    /// Labelled records.
    pub records: u64,
    /// Of them, those the crosswalk does not have: each counts as an entity of its own.
    pub missing: u64,
    /// Over pairs of records.
    pub pairwise: Scores,
    /// Averaged over records: how much of its golden record is right, and how much of its entity is
    /// there.
    pub bcubed: Scores,
    /// Whether the probabilities of its pairs hold; none of a run without a table of pairs.
    pub reliability: Option<Reliability>,
}

/// What was said of pairs beside what is true of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    /// The pairs by the probability that they were given, from 0 up; bands without a pair are left out.
    pub bands: Vec<Band>,
    /// How far expected and true share lie apart, averaged over pairs.
    pub expected_calibration_error: f64,
}

/// Pairs that were given about one probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Band {
    /// Lowest probability.
    pub from: f64,
    /// Highest probability.
    pub to: f64,
    /// Pairs of which both records are labelled.
    pub pairs: u64,
    /// The mean of the probabilities they were given.
    pub expected: f64,
    /// The share of them that are matches in truth.
    pub matches: f64,
    /// The interval in which that share lies, 95 times of 100, were there more pairs of the kind.
    pub interval: [f64; 2],
}

/// Where bands begin and end.
const BANDS: [f64; 10] = [0.0, 0.2, 0.5, 0.67, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0];

/// Precision, recall and their harmonic mean, from 0 to 1. Where nothing was to be found and nothing
/// was claimed they are 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Scores {
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { kind, records, missing, pairwise, bcubed, reliability } = self;
        writeln!(f, "{kind}: {records} labelled, {missing} not in the crosswalk")?;
        writeln!(f, "              precision  recall  F1")?;
        for (name, s) in [("pairwise", pairwise), ("B-cubed", bcubed)] {
            writeln!(f, "  {name:<10}  {:9.4}  {:.4}  {:.4}", s.precision, s.recall, s.f1)?;
        }
        reliability.as_ref().map_or(Ok(()), |reliability| reliability.fmt(f))
    }
}

impl fmt::Display for Reliability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  said to match      pairs  expected  true    (95 % interval)")?;
        for band in &self.bands {
            let Band { from, to, pairs, expected, matches, interval: [low, high] } = band;
            let said = format!("{}-{} %", percent(*from), percent(*to));
            writeln!(
                f,
                "  {said:<13}  {pairs:>8}  {expected:8.4}  {matches:.4}  ({low:.3}-{high:.3})"
            )?;
        }
        writeln!(f, "  expected calibration error  {:.4}", self.expected_calibration_error)
    }
}

fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}

impl Reliability {
    /// Of `pairs`, each with the weight it was given in hundredths of a bit, and whether it is a match.
    fn of(pairs: &[(i32, bool)]) -> Reliability {
        let mut bands: BTreeMap<usize, Vec<(f64, bool)>> = BTreeMap::new();
        for &(centibits, matches) in pairs {
            let said = 1.0 / (1.0 + (-f64::from(centibits) / 100.0).exp2());
            let band = BANDS[1..BANDS.len() - 1].iter().filter(|&&edge| said >= edge).count();
            bands.entry(band).or_default().push((said, matches));
        }
        let bands: Vec<Band> = bands
            .into_iter()
            .map(|(at, said)| Band::of([BANDS[at], BANDS[at + 1]], &said))
            .collect();
        let apart = |band: &Band| band.pairs as f64 * (band.expected - band.matches).abs();
        let error = bands.iter().map(apart).sum::<f64>() / pairs.len().max(1) as f64;
        Reliability { bands, expected_calibration_error: error }
    }
}

impl Band {
    fn of([from, to]: [f64; 2], said: &[(f64, bool)]) -> Band {
        let n = said.len() as f64;
        let matches = said.iter().filter(|(_, matches)| *matches).count() as f64 / n;
        let expected = said.iter().map(|(said, _)| said).sum::<f64>() / n;
        Band { from, to, pairs: said.len() as u64, expected, matches, interval: wilson(matches, n) }
    }
}

/// The interval of a share seen in `n` cases, 95 times of 100.
///
/// Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22 (1927), 209-212.
fn wilson(share: f64, n: f64) -> [f64; 2] {
    const DEVIATIONS: f64 = 1.96;
    let square = DEVIATIONS * DEVIATIONS / n;
    let middle = (share + square / 2.0) / (1.0 + square);
    let half = (share * (1.0 - share) * square + square * square / 4.0).sqrt() / (1.0 + square);
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

/// Compares the run in `folder` with the labels in `truth`, kind by kind.
///
/// # Errors
///
/// When a file cannot be read or lacks a column it needs.
pub fn run(folder: &Path, truth: &Path) -> Result<Vec<Figures>> {
    let labels = Csv::read(truth)?;
    let found = Csv::read(&folder.join("crosswalk.csv"))?;
    let (golden, record) = (found.column("golden_id")?, found.column("record_id")?);
    let by_key = labels.has("rec_id");
    let (label_names, crosswalk_names): (&[&str], &[&str]) = if by_key {
        (&["rec_id"], &["record_key"])
    } else {
        (&["kind", "file", "sheet", "row"], &["kind", "file", "sheet", "row"])
    };
    let entity = labels.column("entity_id")?;
    let mut clusters: BTreeMap<Vec<&str>, Vec<&csv::StringRecord>> = BTreeMap::new();
    let columns = found.columns(crosswalk_names)?;
    for row in found.rows.iter().rev() {
        clusters.entry(pick(row, &columns)).or_default().push(row);
    }
    let columns = labels.columns(label_names)?;
    let mut kinds: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    let mut missing: BTreeMap<&str, u64> = BTreeMap::new();
    let mut labelled: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (line, row) in labels.rows.iter().enumerate() {
        let name = pick(row, &columns);
        let kind = if by_key { "record" } else { name[0] };
        // Of a row that names two persons, each label takes one.
        let cluster = match clusters.get_mut(&name).and_then(Vec::pop) {
            Some(found) => {
                labelled.insert(&found[record], (kind, &row[entity]));
                found[golden].to_owned()
            }
            None => {
                *missing.entry(kind).or_default() += 1;
                format!("\0{line}")
            }
        };
        kinds.entry(kind).or_default().push((&row[entity], cluster));
    }
    let mut reliability = reliability(folder, &labelled)?;
    Ok(kinds
        .into_iter()
        .map(|(kind, pairs)| {
            let (pairwise, bcubed) = score(&pairs);
            Figures {
                kind: kind.to_owned(),
                records: pairs.len() as u64,
                missing: missing.get(kind).copied().unwrap_or(0),
                pairwise,
                bcubed,
                reliability: reliability.remove(kind),
            }
        })
        .collect())
}

/// For each kind how reliable what was said of its pairs is. `labelled` gives kind and entity of a record id.
fn reliability(
    folder: &Path,
    labelled: &BTreeMap<&str, (&str, &str)>,
) -> Result<BTreeMap<String, Reliability>> {
    let (clean, pairs) = (folder.join("tables/clean.parquet"), folder.join(PAIRS));
    if !clean.is_file() || !pairs.is_file() {
        return Ok(BTreeMap::new());
    }
    let wrong = || Error::Format {
        path: pairs.clone(),
        message: "it is not a table of pairs of this version".into(),
        hint: Some("run the project again".into()),
    };
    let records = store::read_parquet(&clean)?;
    let said = store::read_parquet(&pairs)?;
    let ids = records.column_by_name("record_id").and_then(|c| c.as_any().downcast_ref());
    let ids: &StringArray = ids.ok_or_else(wrong)?;
    let of =
        |name| said.column_by_name(name).and_then(|c| c.as_any().downcast_ref::<UInt32Array>());
    let (left, right) = (of("left").ok_or_else(wrong)?, of("right").ok_or_else(wrong)?);
    let weights = said.column_by_name("weight_centibits").and_then(|c| c.as_any().downcast_ref());
    let weights: &Int32Array = weights.ok_or_else(wrong)?;
    let label = |record: u32| {
        let at = record as usize;
        (at < ids.len()).then(|| labelled.get(ids.value(at))).flatten()
    };
    let mut kinds: BTreeMap<String, Vec<(i32, bool)>> = BTreeMap::new();
    for at in 0..said.num_rows() {
        let (Some((kind, one)), Some((_, other))) = (label(left.value(at)), label(right.value(at)))
        else {
            continue;
        };
        kinds.entry((*kind).to_owned()).or_default().push((weights.value(at), one == other));
    }
    Ok(kinds.into_iter().map(|(kind, pairs)| (kind, Reliability::of(&pairs))).collect())
}

/// Pairwise and B-cubed scores of records given as (entity, cluster).
fn score(records: &[(&str, String)]) -> (Scores, Scores) {
    let mut entities: BTreeMap<&str, u64> = BTreeMap::new();
    let mut clusters: BTreeMap<&str, u64> = BTreeMap::new();
    let mut cells: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for (entity, cluster) in records {
        *entities.entry(entity).or_default() += 1;
        *clusters.entry(cluster).or_default() += 1;
        *cells.entry((entity, cluster)).or_default() += 1;
    }
    let pairs = |sizes: &mut dyn Iterator<Item = &u64>| sizes.map(|n| n * (n - 1) / 2).sum::<u64>();
    let claimed = pairs(&mut clusters.values());
    let real = pairs(&mut entities.values());
    let right = pairs(&mut cells.values());
    let share = |part: u64, whole: u64| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    let (mut precision, mut recall) = (0.0, 0.0);
    for ((entity, cluster), n) in &cells {
        let square = (n * n) as f64;
        precision += square / clusters[cluster] as f64;
        recall += square / entities[entity] as f64;
    }
    let n = records.len().max(1) as f64;
    (Scores::of(share(right, claimed), share(right, real)), Scores::of(precision / n, recall / n))
}

impl Scores {
    fn of(precision: f64, recall: f64) -> Scores {
        let sum = precision + recall;
        Scores {
            precision,
            recall,
            f1: if sum == 0.0 { 0.0 } else { 2.0 * precision * recall / sum },
        }
    }
}

struct Csv {
    path: PathBuf,
    header: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
}

impl Csv {
    fn read(path: &Path) -> Result<Csv> {
        let wrong = |error: csv::Error| Error::Format {
            path: path.to_owned(),
            message: error.to_string(),
            hint: None,
        };
        let mut reader = csv::Reader::from_reader(store::open(path)?);
        let header = reader.headers().map_err(wrong)?.clone();
        let rows = reader.records().collect::<Result<_, _>>().map_err(wrong)?;
        Ok(Csv { path: path.to_owned(), header, rows })
    }

    fn has(&self, name: &str) -> bool {
        self.header.iter().any(|h| h == name)
    }

    fn column(&self, name: &str) -> Result<usize> {
        self.header.iter().position(|h| h == name).ok_or_else(|| Error::Format {
            path: self.path.clone(),
            message: format!("it has no column `{name}`"),
            hint: Some("labels have `rec_id,entity_id` or `file,sheet,row,kind,entity_id`".into()),
        })
    }

    fn columns(&self, names: &[&str]) -> Result<Vec<usize>> {
        names.iter().map(|name| self.column(name)).collect()
    }
}

fn pick<'r>(row: &'r csv::StringRecord, columns: &[usize]) -> Vec<&'r str> {
    columns.iter().map(|&at| &row[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a1 a1 b2`: letters are entities, digits clusters.
    fn scores(notation: &str) -> (Scores, Scores) {
        let records: Vec<_> =
            notation.split(' ').map(|word| (&word[..1], word[1..].to_owned())).collect();
        score(&records)
    }

    #[test]
    fn a_perfect_result_scores_one() {
        let (pairwise, bcubed) = scores("a1 a1 b2 c3");
        assert_eq!((pairwise.f1, bcubed.f1), (1.0, 1.0));
    }

    #[test]
    fn a_wrong_merge_costs_precision_and_a_missed_one_recall() {
        let (pairwise, bcubed) = scores("a1 a1 b1");
        assert_eq!((pairwise.precision, pairwise.recall), (1.0 / 3.0, 1.0));
        assert!((bcubed.precision - 5.0 / 9.0).abs() < 1e-9);
        assert_eq!(bcubed.recall, 1.0);
        let (pairwise, _) = scores("a1 a2 a2");
        assert_eq!((pairwise.precision, pairwise.recall), (1.0, 1.0 / 3.0));
    }

    #[test]
    fn what_was_said_of_pairs_is_counted_in_bands() {
        // Of four pairs of 97 % three are matches, and of one of 50 % none.
        let said = [(500, true), (500, true), (500, true), (500, false), (0, false)];
        let found = Reliability::of(&said);
        let [low, high] = &found.bands[..] else { panic!("two bands: {found:?}") };
        assert_eq!((low.from, low.to, low.pairs, low.matches), (0.5, 0.67, 1, 0.0));
        assert_eq!((high.from, high.to, high.pairs, high.matches), (0.95, 0.99, 4, 0.75));
        assert!((high.expected - 0.9697).abs() < 1e-4);
        assert!(high.interval[0] < 0.75 && 0.75 < high.interval[1]);
        let error = (0.5 + 4.0 * (high.expected - 0.75)) / 5.0;
        assert!((found.expected_calibration_error - error).abs() < 1e-9);
    }

    #[test]
    fn labels_by_place_are_scored_kind_by_kind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        write(
            "crosswalk.csv",
            "source,file,sheet,row,kind,record_key,record_id,golden_id\n\
             s,a.csv,,2,person,,r1,g1\ns,a.csv,,2,organisation,,r2,g2\ns,a.csv,,3,person,,r3,g1\n",
        );
        let truth = write(
            "truth.csv",
            "file,sheet,row,kind,entity_id\na.csv,,2,person,P1\na.csv,,3,person,P1\n\
             a.csv,,2,organisation,O1\na.csv,,9,organisation,O1\n",
        );
        let figures = run(folder.path(), &truth).expect("readable");
        assert_eq!(figures[0].kind, "organisation");
        assert_eq!((figures[0].missing, figures[0].pairwise.recall), (1, 0.0));
        assert_eq!(figures[1].pairwise.f1, 1.0);
    }
}
