//! Real exports and what each of them holds: `samples/<folder>.toml` lists every file of the collection.
//!
//! The collection is not part of the project (some of its licences do not allow that): where the folder
//! `../shared/samples` is not there, this test says so and is skipped. `BLESS=1` adds the files that the
//! tables do not know yet, as they are read today; whether that is right, a person has to look.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use orpailleur::ingest::read::{self, Content};
use serde::{Deserialize, Serialize};

/// One file of the collection.
#[derive(Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Sample {
    file: String,
    /// Of a file that cannot be read: words of the message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    refused: String,
    /// What is known to be read wrongly, and how it should be. Such an entry is not compared.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    wrong: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    table: Vec<Expected>,
}

/// One table of a file.
#[derive(Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sheet: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
    /// The columns; of a table without header `column 1`, `column 2`...
    header: Vec<String>,
    /// Rows of data.
    rows: usize,
    /// Rows that are no data, by reason, and rows that cannot be used, by code.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    other: BTreeMap<String, usize>,
    /// The first row of data, without blank cells at its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    first: Vec<String>,
}

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Folder {
    #[serde(default)]
    sample: Vec<Sample>,
}

/// Longer first cells are cut: photos, notes.
const MOST_CHARACTERS: usize = 60;

#[test]
fn every_sample_is_read_rightly_or_refused_for_the_right_reason() {
    let Some(collection) = collection() else {
        eprintln!("skipped: there is no folder `../shared/samples`");
        return;
    };
    let bless = std::env::var_os("BLESS").is_some();
    let mut faults = String::new();
    for folder in names_in(&collection) {
        let table = tables_folder().join(format!("{folder}.toml"));
        let mut known = fs::read_to_string(&table)
            .map(|text| toml::from_str::<Folder>(&text).unwrap_or_else(|e| panic!("{folder}: {e}")))
            .unwrap_or_default();
        let files = names_in(&collection.join(&folder));
        for file in files.iter().filter(|name| *name != "PROVENANCE.md") {
            let found = look_at(&collection.join(&folder).join(file), file);
            match known.sample.iter().find(|sample| sample.file == *file) {
                Some(sample) if !sample.wrong.is_empty() => {
                    if (&sample.refused, &sample.table) != (&found.refused, &found.table) {
                        continue;
                    }
                    let _ = writeln!(faults, "{folder}/{file} is right now: remove `wrong`");
                }
                Some(sample) if agrees(sample, &found) => {}
                Some(sample) => {
                    let _ = writeln!(faults, "{folder}/{file}\n  {sample:?}\n  {found:?}");
                }
                None if bless => known.sample.push(found),
                None => {
                    let _ = writeln!(faults, "{folder}/{file} is not in {}", table.display());
                }
            }
        }
        for sample in known.sample.iter().filter(|s| !files.contains(&s.file)) {
            let _ = writeln!(faults, "{folder}/{} is in the table and nowhere else", sample.file);
        }
        if bless {
            known.sample.sort_by(|a, b| a.file.cmp(&b.file));
            let text = toml::to_string(&known).expect("plain values");
            fs::write(&table, text).expect("written");
        }
    }
    assert!(faults.is_empty(), "expected, then found:\n{faults}");
}

/// Whether a file is as expected: refused in these words, or of these tables.
fn agrees(expected: &Sample, found: &Sample) -> bool {
    if expected.refused.is_empty() {
        found.refused.is_empty() && expected.table == found.table
    } else {
        found.refused.contains(&expected.refused)
    }
}

fn look_at(path: &Path, file: &str) -> Sample {
    let (refused, table) = match read::open(path) {
        Ok(tables) => (String::new(), tables.into_iter().map(count).collect()),
        Err(error) => (error.to_string(), Vec::new()),
    };
    let refused = refused.rsplit_once("`: ").map_or(refused.clone(), |(_, why)| why.to_owned());
    Sample { file: file.to_owned(), refused, wrong: String::new(), table }
}

fn count(table: read::Table) -> Expected {
    let mut found = Expected {
        sheet: table.sheet,
        hidden: table.hidden,
        header: table.header,
        rows: 0,
        other: BTreeMap::new(),
        first: Vec::new(),
    };
    for row in table.rows {
        match row.content {
            Content::Data(cells) => {
                if found.rows == 0 {
                    found.first =
                        cells.iter().map(|c| c.chars().take(MOST_CHARACTERS).collect()).collect();
                    while found.first.last().is_some_and(String::is_empty) {
                        found.first.pop();
                    }
                }
                found.rows += 1;
            }
            Content::Skipped(reason) => *found.other.entry(reason.to_owned()).or_default() += 1,
            Content::Bad { code, .. } => *found.other.entry(code.to_owned()).or_default() += 1,
        }
    }
    found
}

fn collection() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    folder.is_dir().then_some(folder)
}

fn tables_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
