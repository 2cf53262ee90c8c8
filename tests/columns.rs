//! What `init` takes the columns of a generated estate for, against what its generator puts into them: `columns.toml`.
//! Where `../shared/corpus` or its Python packages are not there, this test says so and is skipped.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde::Deserialize;
use serde_json::Value;

use crate::program::orpailleur;

/// Columns of a hundred that are to be understood.
const AIM: usize = 97;

#[derive(Deserialize)]
struct Truth {
    table: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    /// A name may end in `*` and an ending: `a/*.csv`.
    files: Vec<String>,
    #[serde(default)]
    sheet: String,
    columns: BTreeMap<String, String>,
}

impl Table {
    fn is(&self, file: &str, sheet: &str) -> bool {
        let fits = |name: &String| match name.split_once('*') {
            Some((start, end)) => file.starts_with(start) && file.ends_with(end),
            None => name == file,
        };
        self.sheet == sheet && self.files.iter().any(fits)
    }
}

/// A filled column that was taken for something else, or for something and holds nothing of use.
fn mistaken(table: &Value, truth: &Truth) -> (usize, Vec<String>) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (file, sheet) = (text(&table["file"]), text(&table["sheet"]));
    let known = truth.table.iter().find(|known| known.is(&file, &sheet));
    let known = known.unwrap_or_else(|| panic!("`columns.toml` lacks {file} {sheet}"));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let (mut all, mut wrong) = (0, Vec::new());
    for column in table["columns"].as_array().expect("columns") {
        let header = text(&column["column"]);
        let nth = seen.entry(header.clone()).or_default();
        *nth += 1;
        let name = if *nth == 1 { header.clone() } else { format!("{header} {nth}") };
        if column["filled"] == 0 {
            continue;
        }
        all += 1;
        let wanted = known.columns.get(&name).map_or("-", String::as_str);
        let taken = text(&column["attribute"]);
        let taken = if taken.is_empty() { "-" } else { &taken };
        if !wanted.split('|').any(|one| one == taken) {
            wrong.push(format!("{file} {sheet} `{name}` is {wanted}, not {taken}"));
        }
    }
    (all, wrong)
}

#[test]
fn init_understands_the_columns_of_an_estate() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let truth = std::fs::read_to_string(here.join("tests/columns.toml")).expect("it is there");
    let truth: Truth = toml::from_str(&truth).expect("TOML");
    for (profile, seed) in [("easy", "31"), ("harsh", "32"), ("full", "33")] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = Command::new("python3")
            .arg(here.join("../shared/corpus/make_corpus.py"))
            .arg(folder.path().join("legacy"))
            .args(["--entities", "300", "--seed", seed, "--profile", profile])
            .output();
        if !made.is_ok_and(|made| made.status.success()) {
            eprintln!("skipped: `../shared/corpus/make_corpus.py` is not there or cannot run");
            return;
        }
        std::fs::remove_dir_all(folder.path().join("legacy/truth")).expect("it is there");
        let said = orpailleur(folder.path(), &["init", "legacy", "--project", "project"]);
        assert_eq!(said.status, 0, "{}", said.stderr);
        let said = orpailleur(folder.path(), &["profile", "project", "--json"]);
        let profiled: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let tables = profiled["tables"].as_array().expect("tables").iter();
        let found: Vec<_> = tables.map(|table| mistaken(table, &truth)).collect();
        let all: usize = found.iter().map(|(all, _)| all).sum();
        let wrong: Vec<&String> = found.iter().flat_map(|(_, wrong)| wrong).collect();
        assert!(all > 250 && wrong.len() * 100 <= all * (100 - AIM), "{profile}: {wrong:#?}");
    }
}
