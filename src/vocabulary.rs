//! The common vocabulary of a project: `mappings/values/<attribute>.csv`, which say what each value of a
//! category is called from now on.
//!
//! `init` fills them with proposals, a steward corrects them, and `run` follows. Their columns are the source
//! value, how often it stands in the sources, and the common value; a value without one stays as it is and is
//! reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    error::{Problem, Result},
    filled_in::FilledIn,
    ingest::values::Counts,
    model::{self, Lang, ValueKind},
    store,
    table::{Column, Records},
    value::{
        category::{self, Vocabulary},
        text,
    },
};

/// The folder of the files, from the project's folder.
const FOLDER: &str = "mappings/values";

const HEADER: [&str; 3] = ["value", "count", "common"];

/// A file of the project.
#[derive(Debug, Clone, Default)]
struct Sheet {
    /// What a steward has called columns of his own.
    others: Vec<String>,
    lines: Vec<Line>,
}

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// Where it stands in the file, from 1; 0 for one that is new.
    at: u64,
    value: String,
    count: u64,
    common: String,
    /// The cells of the steward's own columns.
    others: Vec<String>,
}

/// The vocabulary of the project in `folder`, with its files and the names that outputs give them; what is wrong
/// with them is added to `problems`.
pub fn load(folder: &Path, problems: &mut Vec<Problem>) -> (Vocabulary, Vec<(PathBuf, String)>) {
    let mut vocabulary = Vocabulary::default();
    let mut files = Vec::new();
    for (attribute, path) in present(folder) {
        let name = format!("{FOLDER}/{attribute}.csv");
        let problem = |line: Option<u64>, message: String, hint: Option<String>| Problem {
            place: line.map_or(name.clone(), |line| format!("{name}:{line}")),
            message,
            hint,
        };
        if !is_category(&attribute) {
            let names = model::attributes().keys().map(String::as_str).filter(|a| is_category(a));
            let hint = crate::document::nearest(&attribute, names);
            problems.push(problem(None, format!("there is no category `{attribute}`"), hint));
            continue;
        }
        match read(&path) {
            Ok(Sheet { lines, .. }) => {
                let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
                for line in &lines {
                    let before = seen.insert(&line.value, &line.common);
                    if before.is_some_and(|common| common != line.common) {
                        let message = format!("`{}` has two common values", line.value);
                        problems.push(problem(Some(line.at), message, Some("leave one".into())));
                    }
                    vocabulary.add(&attribute, &line.value, &line.common);
                }
                vocabulary.know(&attribute);
            }
            Err(error) => problems.push(problem(None, error.reason(), error.hint())),
        }
        files.push((path, name));
    }
    (vocabulary, files)
}

/// By attribute, how many different values of the records have no common value in the vocabulary; not
/// those where all have one.
pub fn unmapped(records: &Records, vocabulary: &Vocabulary) -> BTreeMap<String, usize> {
    let of_attribute = |(attribute, column): (&String, &Column)| {
        let values = (0..column.len()).flat_map(|i| column.values(i));
        let open = values
            .filter(|value| !text::is_placeholder(value))
            .filter(|value| vocabulary.common(attribute, value).is_none())
            .map(text::clean);
        (attribute.clone(), open.collect::<BTreeSet<_>>().len())
    };
    let wanted = records.columns.iter().filter(|(attribute, _)| vocabulary.wants(attribute));
    wanted.map(of_attribute).filter(|(_, open)| *open > 0).collect()
}

/// Proposals for the values that were counted, to be written into a project.
#[derive(Debug, Clone, Default)]
pub struct Proposals(BTreeMap<String, Sheet>);

/// Proposes a common value for each value counted. What a file of the project says already stays.
///
/// # Errors
///
/// When a file of the project cannot be read: what a steward decided in it would be lost.
pub fn propose(counts: &Counts, project: &Path, lang: Lang) -> Result<Proposals> {
    let all = counts
        .iter()
        .flat_map(|(a, values)| values.iter().map(|(v, n)| (a.as_str(), v.as_str(), *n)));
    // A report may be in another language than the company's words.
    let lang = category::spoken(all).unwrap_or(lang);
    let mut proposals: BTreeMap<String, Sheet> = BTreeMap::new();
    for (attribute, values) in counts {
        let path = project.join(FOLDER).join(format!("{attribute}.csv"));
        let decided = if path.exists() { read(&path)? } else { Sheet::default() };
        let known: BTreeSet<&str> = decided.lines.iter().map(|line| line.value.as_str()).collect();
        let values: Vec<(String, u64)> = values.iter().map(|(v, n)| (v.clone(), *n)).collect();
        let common = category::propose(attribute, &values, lang);
        let new =
            values.iter().zip(common).filter(|((value, _), _)| !known.contains(value.as_str()));
        let new = new.map(|((value, count), common)| Line {
            at: 0,
            value: value.clone(),
            count: *count,
            common: common.unwrap_or_default(),
            others: vec![String::new(); decided.others.len()],
        });
        let recounted = decided.lines.iter().map(|line| {
            let count = values.iter().find(|(v, _)| *v == line.value).map_or(0, |(_, n)| *n);
            Line { count, ..line.clone() }
        });
        let mut lines: Vec<Line> = recounted.chain(new).collect();
        // What is called the same stands together, the most frequent first.
        let mut uses: BTreeMap<String, u64> = BTreeMap::new();
        for line in &lines {
            *uses.entry(line.common.clone()).or_default() += line.count;
        }
        lines.sort_by(|a, b| {
            let group = |l: &Line| (l.common.is_empty(), std::cmp::Reverse(uses[&l.common]));
            (group(a), &a.common, std::cmp::Reverse(a.count), &a.value).cmp(&(
                group(b),
                &b.common,
                std::cmp::Reverse(b.count),
                &b.value,
            ))
        });
        proposals.insert(attribute.clone(), Sheet { others: decided.others, lines });
    }
    Ok(Proposals(proposals))
}

impl Proposals {
    /// For each attribute how many values have no common value yet, and how many there are.
    pub fn open(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.0.iter().map(|(attribute, Sheet { lines, .. })| {
            let open = lines.iter().filter(|line| line.common.is_empty()).count();
            (attribute.as_str(), open, lines.len())
        })
    }

    /// Writes the files of the project.
    pub fn write(&self, project: &Path) -> Result<()> {
        for (attribute, Sheet { others, lines }) in &self.0 {
            let path = project.join(FOLDER).join(format!("{attribute}.csv"));
            let others = others.iter().map(String::as_str);
            let mut file = store::CsvFile::create(&path, HEADER.into_iter().chain(others))?;
            for line in lines {
                let count = line.count.to_string();
                let own = [&line.value, &count, &line.common];
                file.row(own.into_iter().chain(&line.others))?;
            }
            file.finish()?;
        }
        Ok(())
    }
}

/// The files of a project with the attribute each is of, by name.
fn present(project: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(project.join(FOLDER)) else { return Vec::new() };
    let mut files: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            let attribute = name.strip_suffix(".csv").filter(|a| !a.starts_with('.'))?.to_owned();
            Some((attribute, path))
        })
        .collect();
    files.sort();
    files
}

fn is_category(attribute: &str) -> bool {
    category::ATTRIBUTES.contains(&attribute)
        || model::value_kind(attribute) == ValueKind::Category
            && model::attribute(attribute).is_some()
}

fn read(path: &Path) -> Result<Sheet> {
    let file = FilledIn::read(path, &HEADER, &["value", "common"])?;
    let [value, common, count] = ["value", "common", "count"].map(|name| file.column(name));
    let is_other = |at: &usize| ![value, common, count].contains(&Some(*at));
    let others: Vec<usize> = (0..file.header().len()).filter(is_other).collect();
    let rows = file.rows().filter(|(_, row)| !row.cell(value).is_empty());
    let lines = rows.map(|(at, row)| Line {
        at,
        value: row.cell(value).to_owned(),
        count: row.cell(count).parse().unwrap_or(0),
        common: row.cell(common).to_owned(),
        others: others.iter().map(|at| row.cell(Some(*at)).to_owned()).collect(),
    });
    let lines = lines.collect();
    Ok(Sheet { others: others.iter().map(|at| file.header()[*at].to_owned()).collect(), lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(attribute: &str, values: &[(&str, u64)]) -> Counts {
        let values = values.iter().map(|(v, n)| ((*v).to_owned(), *n)).collect();
        Counts::from([(attribute.to_owned(), values)])
    }

    fn file(project: &Path, attribute: &str) -> String {
        let path = project.join(FOLDER).join(format!("{attribute}.csv"));
        store::read_text(&path).expect("written")
    }

    #[test]
    fn proposals_are_written_by_group_and_read_back() {
        let project = tempfile::tempdir().expect("a temporary folder");
        let counts = counts("segment", &[("PME", 9), ("P.M.E.", 2), ("Zone bleue", 5), ("B2C", 1)]);
        let proposals = propose(&counts, project.path(), Lang::Fr).expect("nothing is there");
        assert_eq!(proposals.open().collect::<Vec<_>>(), [("segment", 1, 4)]);
        proposals.write(project.path()).expect("written");
        assert_eq!(
            file(project.path(), "segment"),
            "value,count,common\nPME,9,PME\nP.M.E.,2,PME\nB2C,1,Particulier\nZone bleue,5,\n"
        );
        let mut problems = Vec::new();
        let (vocabulary, files) = load(project.path(), &mut problems);
        assert!(problems.is_empty());
        assert_eq!(files[0].1, "mappings/values/segment.csv");
        assert_eq!(vocabulary.common("segment", "P.M.E."), Some("PME"));
        assert_eq!(vocabulary.common("segment", "p.m.e."), Some("PME"));
        assert_eq!(vocabulary.common("segment", "Zone bleue"), None);
    }

    #[test]
    fn what_a_steward_decided_stays() {
        let project = tempfile::tempdir().expect("a temporary folder");
        let path = project.path().join("mappings/values/segment.csv");
        store::write(&path, "value;count;common;note\nPME;1;Petites;ok\nGone;3;Old;\n")
            .expect("written");
        let counts = counts("segment", &[("PME", 9), ("TPE", 2)]);
        let write = || propose(&counts, project.path(), Lang::Fr)?.write(project.path());
        write().expect("written");
        let kept = "value,count,common,note\nPME,9,Petites,ok\nTPE,2,TPE,\nGone,0,Old,\n";
        assert_eq!(file(project.path(), "segment"), kept);
        // Excel saves in the code page of the country.
        std::fs::write(&path, b"value;count;common\r\nPME;1;Soci\xe9t\xe9s priv\xe9es\r\n")
            .expect("written");
        write().expect("written");
        let kept = "value,count,common\nPME,9,Sociétés privées\nTPE,2,TPE\n";
        assert_eq!(file(project.path(), "segment"), kept);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_replaced() {
        let project = tempfile::tempdir().expect("a temporary folder");
        let path = project.path().join("mappings/values/segment.csv");
        let decided = "valeur;count;common\nPME;1;Petites\n";
        store::write(&path, decided).expect("written");
        let counts = counts("segment", &[("PME", 9)]);
        let error = propose(&counts, project.path(), Lang::Fr).expect_err("a column is renamed");
        assert!(error.hint().is_some_and(|hint| hint.contains("`value`")), "{error}");
        assert_eq!(file(project.path(), "segment"), decided);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        let project = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            store::write(&project.path().join(FOLDER).join(name), text).expect("written");
        };
        write("segmnt.csv", "value,common\n");
        write("origin.csv", "from,to\na,b\n");
        write("sector.csv", "value,common\na,b\n\n,\na,c\n");
        let mut problems = Vec::new();
        load(project.path(), &mut problems);
        let told: Vec<&str> = problems.iter().map(|p| p.place.as_str()).collect();
        assert_eq!(
            told,
            [
                "mappings/values/origin.csv",
                "mappings/values/sector.csv:5",
                "mappings/values/segmnt.csv"
            ]
        );
    }
}
