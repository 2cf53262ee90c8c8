//! `owners.csv` of a project: what the legacy systems call owners, for the integrator to name the user of the CRM.
//!
//! A run counts the labels that columns, mailboxes and file names give; what is filled in stays, and the next run loads
//! it.

use std::{collections::BTreeMap, path::Path};

use crate::{
    consolidate::{OwnerLabel, Owners},
    error::{Problem, Result},
    filled_in::FilledIn,
    store,
};

/// The file, from the project's folder.
pub const OWNERS: &str = "owners.csv";

/// The owners of the project in `folder`; none where there is no file. What is wrong with it is added to `problems`.
pub fn load(folder: &Path, problems: &mut Vec<Problem>) -> Owners {
    let path = folder.join(OWNERS);
    if !path.is_file() {
        return Owners::default();
    }
    match read(&path, problems) {
        Ok(owners) => owners,
        Err(error) => {
            let place = OWNERS.to_owned();
            problems.push(Problem { place, message: error.reason(), hint: error.hint() });
            Owners::default()
        }
    }
}

fn read(path: &Path, problems: &mut Vec<Problem>) -> Result<Owners> {
    let file = FilledIn::read(path, &Owners::COLUMNS, &["label", "crm_user"])?;
    let columns = Owners::COLUMNS.map(|name| file.column(name));
    let mut owners = Owners::default();
    let mut users: Vec<String> = Vec::new();
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    for (at, row) in file.rows() {
        let [label, count, crm_user, active, default] = columns.map(|column| row.cell(column));
        if label.is_empty() {
            continue;
        }
        let mut problem = |message: String, hint: &str| {
            let place = format!("{OWNERS}:{at}");
            problems.push(Problem { place, message, hint: Some(hint.into()) });
        };
        let mut yes = |name: &str, cell: &str, blank: bool| match yes_or_no(cell) {
            Some(answer) => answer.unwrap_or(blank),
            None => {
                problem(format!("`{name}` is neither yes nor no"), "write `yes`, `no`, or nothing");
                blank
            }
        };
        let line = OwnerLabel {
            label: label.to_owned(),
            count: count.parse().unwrap_or_default(),
            crm_user: crm_user.to_owned(),
            active: yes("active", active, true),
            default: yes("default", default, false),
        };
        if line.default && line.crm_user.is_empty() {
            problem("the default owner has no `crm_user`".into(), "write the user of the CRM");
        } else if line.default && !line.active {
            problem("the default owner is not active".into(), "leave one who is `default`");
        } else if line.default && !users.contains(&line.crm_user) {
            users.push(line.crm_user.clone());
            if users.len() > 1 {
                problem("there are two default owners".into(), "leave one `default`");
            }
        }
        // A label may be somebody's name: its lines tell which one it is.
        let first = *lines.entry(line.label.clone()).or_insert(at);
        if let Some(before) = owners.0.insert(line.label.clone(), line.clone())
            && before.crm_user != line.crm_user
        {
            problem(
                format!("the label of line {first} stands here with another user"),
                "leave one",
            );
        }
    }
    Ok(owners)
}

/// `yes`, `no` or nothing, in French too; none for any other word.
fn yes_or_no(cell: &str) -> Option<Option<bool>> {
    match cell.to_lowercase().as_str() {
        "" => Some(None),
        "yes" | "y" | "oui" | "o" | "x" | "1" | "true" | "vrai" => Some(Some(true)),
        "no" | "n" | "non" | "0" | "false" | "faux" => Some(Some(false)),
        _ => None,
    }
}

/// Writes the file with these owners, whole or not at all: what an integrator filled in is nowhere else.
pub fn write(path: &Path, owners: &Owners) -> Result<()> {
    let word = |yes: bool| if yes { "yes" } else { "no" };
    let lines = owners.lines().into_iter().map(|line| {
        let default = if line.default { "yes" } else { "" };
        (&line.label, line.count, &line.crm_user, word(line.active), default)
    });
    store::write_csv_atomically(path, &Owners::COLUMNS, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &[u8]) -> (Owners, Vec<String>) {
        let project = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(project.path().join(OWNERS), text).expect("written");
        let mut problems = Vec::new();
        let owners = load(project.path(), &mut problems);
        (owners, problems.into_iter().map(|p| format!("{} {}", p.place, p.message)).collect())
    }

    #[test]
    fn a_file_is_read_as_excel_leaves_it_and_reads_back() {
        let text = b"label;count;crm_user;active;default\r\nH\xe9l\xe8ne;3;h@x.fr;non;\r\nCL;5;c@x.fr;;oui\r\n";
        let (owners, problems) = loaded(text);
        assert!(problems.is_empty(), "{problems:?}");
        assert!(!owners.0["Hélène"].active && owners.0["CL"].active && owners.0["CL"].default);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(OWNERS);
        write(&path, &owners).expect("written");
        let text = store::read_text(&path).expect("there");
        assert_eq!(
            text,
            "label,count,crm_user,active,default\nCL,5,c@x.fr,yes,yes\nHélène,3,h@x.fr,no,\n"
        );
        assert_eq!(loaded(text.as_bytes()).0, owners);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_at_its_line() {
        let text = b"label,crm_user,active,default\nA,a,perhaps,\nB,b,,yes\nC,c,,yes\nD,,,yes\n";
        assert_eq!(
            loaded(text).1,
            [
                "owners.csv:2 `active` is neither yes nor no",
                "owners.csv:4 there are two default owners",
                "owners.csv:5 the default owner has no `crm_user`",
            ]
        );
        let text = b"label,crm_user,active,default\nA,a,,\nA,b,,\nB,b,no,yes\n";
        assert_eq!(
            loaded(text).1,
            [
                "owners.csv:3 the label of line 2 stands here with another user",
                "owners.csv:4 the default owner is not active",
            ]
        );
        assert_eq!(loaded(b"name,user\nA,a\n").1, ["owners.csv it lacks a column"]);
    }
}
