//! Compares a crosswalk with labels: which records are one entity, according to the run and in truth.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    error::{Error, Result},
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
}

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
        let Figures { kind, records, missing, pairwise, bcubed } = self;
        writeln!(f, "{kind}: {records} labelled, {missing} not in the crosswalk")?;
        writeln!(f, "              precision  recall  F1")?;
        for (name, s) in [("pairwise", pairwise), ("B-cubed", bcubed)] {
            writeln!(f, "  {name:<10}  {:9.4}  {:.4}  {:.4}", s.precision, s.recall, s.f1)?;
        }
        Ok(())
    }
}

/// Compares the file `crosswalk` with the labels in `truth`, kind by kind.
///
/// # Errors
///
/// When a file cannot be read or lacks a column it needs.
pub fn run(crosswalk: &Path, truth: &Path) -> Result<Vec<Figures>> {
    let labels = Csv::read(truth)?;
    let found = Csv::read(crosswalk)?;
    let golden = found.column("golden_id")?;
    let by_key = labels.has("rec_id");
    let (label_names, crosswalk_names): (&[&str], &[&str]) = if by_key {
        (&["rec_id"], &["record_key"])
    } else {
        (&["kind", "file", "sheet", "row"], &["kind", "file", "sheet", "row"])
    };
    let entity = labels.column("entity_id")?;
    let mut clusters: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
    let columns = found.columns(crosswalk_names)?;
    for row in found.rows.iter().rev() {
        clusters.entry(pick(row, &columns)).or_default().push(&row[golden]);
    }
    let columns = labels.columns(label_names)?;
    let mut kinds: BTreeMap<&str, Vec<(&str, String)>> = BTreeMap::new();
    let mut missing: BTreeMap<&str, u64> = BTreeMap::new();
    for (line, row) in labels.rows.iter().enumerate() {
        let name = pick(row, &columns);
        let kind = if by_key { "record" } else { name[0] };
        // Of a row that names two persons, each label takes one.
        let cluster = clusters.get_mut(&name).and_then(Vec::pop).map(str::to_owned);
        let cluster = cluster.unwrap_or_else(|| {
            *missing.entry(kind).or_default() += 1;
            format!("\0{line}")
        });
        kinds.entry(kind).or_default().push((&row[entity], cluster));
    }
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
            }
        })
        .collect())
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
    fn labels_by_place_are_scored_kind_by_kind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let crosswalk = write(
            "crosswalk.csv",
            "source,file,sheet,row,kind,record_key,record_id,golden_id\n\
             s,a.csv,,2,person,,r1,g1\ns,a.csv,,2,organisation,,r2,g2\ns,a.csv,,3,person,,r3,g1\n",
        );
        let truth = write(
            "truth.csv",
            "file,sheet,row,kind,entity_id\na.csv,,2,person,P1\na.csv,,3,person,P1\n\
             a.csv,,2,organisation,O1\na.csv,,9,organisation,O1\n",
        );
        let figures = run(&crosswalk, &truth).expect("readable");
        assert_eq!(figures[0].kind, "organisation");
        assert_eq!((figures[0].missing, figures[0].pairwise.recall), (1, 0.0));
        assert_eq!(figures[1].pairwise.f1, 1.0);
    }
}
