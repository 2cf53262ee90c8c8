//! What a person calls a record -> the records.

use std::{collections::BTreeSet, path::Path};

use super::Tables;
use crate::{
    document::nearest,
    error::{Error, Result},
    store,
    table::RecordId,
};

/// The records that a name stands for.
pub(crate) enum Named {
    /// Those of a golden record.
    Golden(Vec<u32>),
    /// Those of one row; or one record by its id.
    Row(Vec<u32>),
}

impl Named {
    pub(crate) fn records(&self) -> &[u32] {
        match self {
            Named::Golden(records) | Named::Row(records) => records,
        }
    }
}

/// Rows listed when a name stands for several.
const MOST_LISTED: usize = 10;
/// Characters of an id from which its beginning will do.
const SHORTEST_ID: usize = 4;

/// The records that `name` stands for: by golden id, record id, place, key, row number, or the
/// beginning of an id, whichever it is first.
pub(crate) fn named(tables: &Tables, name: &str) -> Result<Named> {
    let records = &tables.records;
    let all = |wanted: &dyn Fn(usize) -> bool| -> Vec<u32> {
        (0..records.len()).filter(|&r| wanted(r)).map(|r| r as u32).collect()
    };
    let members = all(&|r| tables.golden[r] == name);
    if !members.is_empty() {
        return Ok(Named::Golden(members));
    }
    if let Some(record) = RecordId::parse(name).and_then(|id| records.find(id)) {
        return Ok(Named::Row(vec![record as u32]));
    }
    if let Some((file, row)) = place(name) {
        let found = all(&|r| records.row[r] == row && is_place(tables, r, file));
        if !found.is_empty() {
            return one_row(tables, name, found);
        }
    }
    let found = all(&|r| !name.is_empty() && records.keys[r] == name);
    if !found.is_empty() {
        return one_row(tables, name, found);
    }
    if let Ok(row) = name.parse::<u32>() {
        let found = all(&|r| records.row[r] == row);
        if !found.is_empty() {
            return one_row(tables, name, found);
        }
    }
    if name.len() >= SHORTEST_ID {
        let members = all(&|r| tables.golden[r].starts_with(name));
        let ids: BTreeSet<&String> = members.iter().map(|&r| &tables.golden[r as usize]).collect();
        if ids.len() == 1 {
            return Ok(Named::Golden(members));
        }
        let found = all(&|r| records.ids[r].to_string().starts_with(name));
        if !found.is_empty() {
            return one_row(tables, name, found);
        }
    }
    Err(unknown(tables, name))
}

/// `file:12` or `file!sheet:12`, taken apart.
fn place(name: &str) -> Option<(&str, u32)> {
    let (file, row) = name.rsplit_once(':')?;
    Some((file, row.trim().parse().ok()?))
}

/// Whether record `r` stands in `file`.
fn is_place(tables: &Tables, r: usize, file: &str) -> bool {
    let place = tables.records.place_of(r);
    is_table(&place.file, &place.sheet, file)
}

/// Whether `name` is that of a table: its file with or without folders, with or without the sheet.
fn is_table(file: &str, sheet: &str, name: &str) -> bool {
    let ends = |whole: &str| {
        whole.strip_suffix(name).is_some_and(|folders| folders.is_empty() || folders.ends_with('/'))
    };
    ends(file) || (!sheet.is_empty() && ends(&format!("{file}!{sheet}")))
}

/// Records of one row; those of several are listed.
fn one_row(tables: &Tables, name: &str, found: Vec<u32>) -> Result<Named> {
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut places = BTreeSet::new();
    for &record in &found {
        let at = record as usize;
        if places.insert((tables.records.place[at], tables.records.row[at])) {
            let mention = tables.mention(record);
            rows.push((mention.place(), mention.name));
        }
    }
    if rows.len() == 1 {
        return Ok(Named::Row(found));
    }
    rows.sort();
    let more = rows.len().saturating_sub(MOST_LISTED);
    let mut lines: Vec<String> =
        rows.iter().take(MOST_LISTED).map(|(place, name)| format!("  {place}  {name}")).collect();
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    Err(Error::NotFound {
        what: "single row",
        name: name.to_owned(),
        hint: Some(format!("it may be\n{}", lines.join("\n"))),
    })
}

fn unknown(tables: &Tables, name: &str) -> Error {
    let records = &tables.records;
    let hint = match place(name) {
        Some((file, row)) => fate(&tables.folder, file, row).or_else(|| {
            let places = || records.places.iter();
            let known = places().any(|place| is_table(&place.file, &place.sheet, file));
            if known { None } else { nearest_file(file, places().map(|place| place.file.as_str())) }
        }),
        None => {
            let ids: Vec<String> = records.ids.iter().map(ToString::to_string).collect();
            let known =
                ids.iter().chain(&tables.golden).map(String::as_str).collect::<BTreeSet<_>>();
            let typed = name.len() >= 12;
            typed.then(|| nearest(name, known)).flatten()
        }
    };
    let hint = redirect(&tables.folder, name).or(hint);
    let listed = "`crosswalk.csv` of the run lists every record with its place, its `record_id` and its \
                  `golden_id`";
    let hint = hint.unwrap_or_else(|| listed.to_owned());
    Error::NotFound { what: "record or golden record", name: name.to_owned(), hint: Some(hint) }
}

/// What became of a golden record of an earlier run, where `name` is the id of one.
fn redirect(folder: &Path, name: &str) -> Option<String> {
    let mut reader =
        csv::Reader::from_reader(store::open(&folder.join("golden/redirects.csv")).ok()?);
    let mut lines = reader.records().filter_map(|line| line.ok());
    let now =
        lines.find_map(|line| (line.get(0)? == name).then(|| line.get(1).map(str::to_owned))?)?;
    Some(match now.as_str() {
        "" => {
            "it was a golden record of an earlier run, and none of its records is here".to_owned()
        }
        now => format!("it was a golden record of an earlier run, and is now part of `{now}`"),
    })
}

/// A file that may be meant by `name`, which may lack its folders.
fn nearest_file<'f>(name: &str, files: impl Iterator<Item = &'f str>) -> Option<String> {
    let short = |file: &'f str| match name.contains('/') {
        true => file,
        false => file.rsplit('/').next().unwrap_or(file),
    };
    nearest(name.split('!').next().unwrap_or(name), files.map(short).collect::<BTreeSet<_>>())
}

/// What became of a row that is no record, where the run says it.
fn fate(folder: &Path, file: &str, row: u32) -> Option<String> {
    let find = |list: &str, column: &str, is_meant: &dyn Fn(&str) -> bool| {
        let mut reader = csv::Reader::from_reader(store::open(&folder.join(list)).ok()?);
        let header = reader.headers().ok()?.clone();
        let at = |name: &str| header.iter().position(|h| h == name);
        let (files, sheets, rows, told) = (at("file")?, at("sheet")?, at("row")?, at(column)?);
        let severity = at("severity");
        let row = row.to_string();
        reader.records().filter_map(|line| line.ok()).find_map(|line| {
            let here = line[rows] == row && is_table(&line[files], &line[sheets], file);
            let severity = severity.map_or("", |at| &line[at]);
            (here && is_meant(severity)).then(|| line[told].to_owned())
        })
    };
    let any = |_: &str| true;
    // What is told of a cell is no fate: its row was used.
    let of_cell = || find("rejects.csv", "message", &|severity| severity == "cell");
    find("skipped.csv", "reason", &any)
        .map(|reason| format!("that row was skipped: {reason}"))
        .or_else(|| {
            let why = find("rejects.csv", "message", &|severity| severity == "row");
            why.map(|why| format!("that row was rejected: {why}"))
        })
        .or_else(|| {
            let kind = find("golden/history.csv", "kind", &any)?;
            let told = of_cell().map_or(String::new(), |told| format!("; {told}"));
            Some(format!("that row is history: {kind}{told}"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_ends_with_its_row() {
        assert_eq!(place("a.xlsx!Q1: sales:12"), Some(("a.xlsx!Q1: sales", 12)));
        assert_eq!(place("a.csv"), None);
        assert_eq!(place("a.csv:x"), None);
    }

    #[test]
    fn a_row_of_history_with_a_bad_cell_is_history_and_not_rejected() {
        let run = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, text: &str| {
            store::write(&run.path().join(name), text).expect("written");
        };
        let place = "file,sheet,row";
        write("skipped.csv", &format!("{place},reason\na.csv,,1,header\n"));
        write(
            "rejects.csv",
            &format!(
                "{place},severity,message\na.csv,,3,cell,no customer has it\na.csv,,4,row,it is cut\n"
            ),
        );
        write("golden/history.csv", &format!("{place},kind\na.csv,,2,invoice\na.csv,,3,invoice\n"));
        let told: Vec<_> = (1..=5).filter_map(|row| fate(run.path(), "a.csv", row)).collect();
        let expected = [
            "that row was skipped: header",
            "that row is history: invoice",
            "that row is history: invoice; no customer has it",
            "that row was rejected: it is cut",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_table_is_known_without_its_folders_and_its_sheet() {
        for name in ["x/a.xlsx", "a.xlsx", "a.xlsx!S", "x/a.xlsx!S"] {
            assert!(is_table("x/a.xlsx", "S", name), "{name}");
        }
        for name in ["S", ".xlsx", "a.xlsx!T", "y/a.xlsx"] {
            assert!(!is_table("x/a.xlsx", "S", name), "{name}");
        }
    }
}
