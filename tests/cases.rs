//! Each folder of `tests/cases/` is a test: its files, its `commands`, and what is `expected`.
//!
//! The files are copied to a temporary folder and the commands called there, one per line. Each file
//! below `expected/` must then be equal to the one of that name; `expected/said` is what the commands
//! printed, with their exit status. `BLESS=1 cargo tests` writes what is there now.

use std::{fs, path::Path};

use crate::program::{copy, files, orpailleur};

#[test]
fn every_case_gives_what_it_expects() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut names: Vec<_> =
        fs::read_dir(&cases).expect("there").map(|e| e.expect("readable").path()).collect();
    names.sort();
    let wrong: Vec<String> = names.iter().flat_map(|case| differences(case)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn differences(case: &Path) -> Vec<String> {
    let parent = tempfile::tempdir().expect("a temporary folder");
    // Of one name for all: projects are called after their folder.
    let folder = &parent.path().join("project");
    copy(case, folder);
    fs::remove_dir_all(folder.join("expected")).unwrap_or_default();
    let commands = fs::read_to_string(case.join("commands")).expect("a case has commands");
    let mut said = String::new();
    for line in commands.lines().filter(|l| !l.trim().is_empty()) {
        let arguments: Vec<&str> = line.split(' ').collect();
        let call = orpailleur(folder, &arguments);
        said += &format!("$ {line}\n{}{}exit status {}\n", call.stdout, call.stderr, call.status);
    }
    fs::write(folder.join("said"), masked(&said, folder)).expect("written");
    let expected = case.join("expected");
    let bless = std::env::var_os("BLESS").is_some();
    if bless && !expected.join("said").exists() {
        fs::create_dir_all(&expected).expect("made");
        fs::write(expected.join("said"), "").expect("written");
    }
    let mut wrong = Vec::new();
    for (name, wanted) in files(&expected) {
        let found = fs::read(folder.join(&name)).unwrap_or_default();
        if bless {
            fs::write(expected.join(&name), &found).expect("written");
        } else if found != wanted {
            wrong.push(format!(
                "{}: `{name}` should be\n{}\nand is\n{}",
                case.file_name().expect("named").to_string_lossy(),
                String::from_utf8_lossy(&wanted),
                String::from_utf8_lossy(&found)
            ));
        }
    }
    wrong
}

/// The text without what differs from machine to machine: folders, times, memory.
fn masked(text: &str, folder: &Path) -> String {
    let whole = folder.canonicalize().expect("there");
    let text = text
        .replace(&*whole.to_string_lossy(), "[folder]")
        .replace(&*folder.to_string_lossy(), "[folder]");
    let mut kept = String::new();
    for line in text.lines() {
        let line = if line.contains("seconds") { "[time]" } else { line };
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}
