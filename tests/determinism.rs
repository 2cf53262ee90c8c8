//! The same inputs give the same bytes, whatever the threads and the order of rows and files.

use std::{collections::BTreeMap, fs};

use crate::program::{Project, assert_same, demo, rows};

fn run_of_demo(more: &[&str]) -> Project {
    let project = Project::of(&demo().join("legacy"));
    run(&project, more);
    project
}

fn run(project: &Project, more: &[&str]) {
    let said = project.call(&[&["run"], more].concat());
    assert!(said.status < 2, "{}", said.stderr);
}

#[test]
fn two_runs_give_the_same_bytes_with_one_thread_or_two() {
    let project = run_of_demo(&["--threads", "1"]);
    let first = project.results();
    run(&project, &["--threads", "2"]);
    assert_same(&first, &project.results());
    let other = run_of_demo(&["--threads", "2"]);
    assert_same(&first, &other.results());
}

/// A copy of a project where nothing has been run yet: its key is all it knows.
fn again(project: &Project) -> Project {
    let other = Project::new();
    crate::program::copy(&project.folder(), &other.folder());
    fs::remove_dir_all(other.path("runs")).expect("removed");
    for learned in ["registry/golden_ids.csv", "model.json"] {
        fs::remove_file(other.path(learned)).expect("removed");
    }
    other
}

/// The lines of a text file but for its header, in another order.
fn shuffled(bytes: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let body = &mut lines[1..];
    body.reverse();
    let middle = body.len() / 3;
    body.rotate_left(middle);
    lines.concat()
}

#[test]
fn shuffled_rows_and_a_new_file_name_change_no_result() {
    let project = run_of_demo(&[]);
    // Another name and other rows first, and nothing but that.
    let (old, new) = ("accounting/sage_tiers.csv", "accounting/Tiers du 12 mars.csv");
    let text = fs::read(project.path("legacy").join(old)).expect("there");
    let other = again(&project);
    fs::remove_file(other.path("legacy").join(old)).expect("removed");
    let settings = fs::read_to_string(other.path("orpailleur.toml")).expect("there");
    other
        .write(&format!("legacy/{new}"), shuffled(&text))
        .write("orpailleur.toml", settings.replace(old, new));
    run(&other, &[]);

    let (mut before, mut after) = (project.results(), other.results());
    // Files that name rows, or the report that names files, are equal but for these.
    let naming = |name: &String| {
        name.starts_with("tables/")
            || name.starts_with("report/")
            || ["crosswalk.csv", "rejects.csv", "issues.csv", "skipped.csv"]
                .contains(&name.as_str())
            || ["golden/consents.csv", "golden/history.csv"].contains(&name.as_str())
    };
    for file in ["crosswalk.csv", "golden/consents.csv", "rejects.csv", "issues.csv"] {
        assert_eq!(without_place(&before[file]), without_place(&after[file]), "{file}");
    }
    before.retain(|name, _| !naming(name));
    after.retain(|name, _| !naming(name));
    assert_same(&before, &after);
}

/// A workbook of one sheet: a header and `rows`, the first column a number.
fn workbook(rows: &[[&str; 6]]) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    let header = ["N° client", "Nom", "Prénom", "E-mail", "Code postal", "Ville"];
    for (row, cells) in [&header].into_iter().chain(rows).enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            let at = (row as u32, column as u16);
            let written = match cell.parse::<f64>() {
                Ok(number) => sheet.write(at.0, at.1, number),
                Err(_) => sheet.write(at.0, at.1, *cell),
            };
            written.expect("it fits");
        }
    }
    workbook.save_to_buffer().expect("written")
}

#[test]
fn shuffled_rows_of_a_workbook_change_no_result() {
    let mut rows = [
        ["1001", "Durand", "Hélène", "h.durand@example.com", "75008", "Paris"],
        ["1002", "DURAND", "Helene", "h.durand@example.com", "75008", "PARIS"],
        ["1003", "Petit", "Jean", "jean.petit@example.org", "69002", "Lyon"],
        ["1004", "Petit", "J.", "jean.petit@example.org", "69002", "Lyon"],
        ["1005", "Moreau", "Louise", "louise@example.net", "", "Nantes"],
        ["1006", "Le Gall", "Yann", "pas d'adresse", "29200", "Brest"],
    ];
    let project = Project::new();
    project.write("legacy/clients.xlsx", workbook(&rows));
    assert_eq!(project.call(&["init", "legacy"]).status, 0);
    run(&project, &[]);
    let other = again(&project);
    rows.rotate_left(2);
    rows.swap(0, 4);
    other.write("legacy/clients.xlsx", workbook(&rows));
    run(&other, &[]);

    let (before, after) = (project.results(), other.results());
    for file in ["crosswalk.csv", "rejects.csv"] {
        assert!(!without_place(&before[file]).is_empty(), "{file}");
        assert_eq!(without_place(&before[file]), without_place(&after[file]), "{file}");
    }
    for file in ["golden/persons.csv", "golden/keys.csv", "load/salesforce/Contact.csv"] {
        assert_eq!(before.get(file), after.get(file), "{file}");
    }
}

/// The rows of a CSV file without file and row, sorted.
fn without_place(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut rows = rows(std::str::from_utf8(bytes).expect("UTF-8"));
    for row in &mut rows {
        row.remove("file");
        row.remove("row");
    }
    rows.sort();
    rows
}
