//! The folder of the exports: which files lie in it, and which of them are left out on purpose.
//!
//! `init`, `check`, `run` and `profile` walk it in the same way, so that none can overlook a file that another
//! sees. A file that no source names is a reject, one that `ignore` names is a line of `skipped.csv`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use glob::{MatchOptions, Pattern};
use serde::Deserialize;

use crate::{
    error::{Error, Result},
    ingest::{
        self, Source, UnreadSheet,
        read::{self, Content, Row},
    },
    run::files_below,
    table::{Ingested, LeftOut, Reject, Severity, Skipped},
    value::dictionary,
};

/// The name of the settings file of a project.
pub const SETTINGS: &str = "orpailleur.toml";

/// A file and the name that outputs give it.
pub type NamedFile = (PathBuf, String);

/// Files that systems and programs leave among exports, as patterns with the reason to leave them out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ignored {
    file: Vec<IgnoredFiles>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IgnoredFiles {
    patterns: Vec<String>,
    why: String,
}

static IGNORED: LazyLock<Ignored> =
    LazyLock::new(|| dictionary::read(include_str!("../mappings/dictionaries/ignored_files.toml")));

/// The patterns that `ignore` has unless told otherwise, each with its reason.
pub fn usually_ignored() -> impl Iterator<Item = (&'static str, &'static str)> {
    let each = |files: &'static IgnoredFiles| {
        files.patterns.iter().map(|pattern| (pattern.as_str(), files.why.as_str()))
    };
    IGNORED.file.iter().flat_map(each)
}

/// The pattern of one file or sheet and no other.
pub fn pattern_of(name: &str) -> String {
    Pattern::escape(name)
}

/// How a sheet of a file is named where files are: `clients.xlsx!Params`.
pub fn sheet_name(file: &str, sheet: &str) -> String {
    if sheet.is_empty() { file.to_owned() } else { format!("{file}!{sheet}") }
}

/// What is left out on purpose: the `ignore` of the `[project]` section.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

impl Ignore {
    /// The patterns, and of each that makes no sense its position and what is wrong.
    pub fn new(globs: &[String]) -> (Ignore, Vec<(usize, String)>) {
        let (mut patterns, mut wrong) = (Vec::new(), Vec::new());
        for (at, written) in globs.iter().enumerate() {
            match Pattern::new(written) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => {
                    wrong.push((at, format!("`{written}` is no pattern: {}", error.msg)));
                }
            }
        }
        (Ignore { patterns }, wrong)
    }

    /// What is left out when settings say nothing of it.
    pub fn usual() -> Ignore {
        let globs: Vec<String> = usually_ignored().map(|(glob, _)| glob.to_owned()).collect();
        Ignore::new(&globs).0
    }

    /// What of the file or sheet called `name` is left out: itself, or the outermost folder it lies in, with `/`
    /// at its end. None when it is not.
    pub fn covers<'n>(&self, name: &'n str) -> Option<&'n str> {
        let options = MatchOptions {
            case_sensitive: false,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        let fits = |name: &str| self.patterns.iter().any(|p| p.matches_with(name, options));
        let folders = name.match_indices('/').filter(|(at, _)| !name[..*at].ends_with('!'));
        let mut folders = folders.map(|(at, _)| at);
        match folders.find(|at| fits(&name[..*at])) {
            Some(at) => Some(&name[..=at]),
            None => fits(name).then_some(name),
        }
    }
}

/// The files below the folder of the exports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Those that may be exports, in the order of their names: path, and name relative to the folder, with `/`.
    pub candidates: Vec<NamedFile>,
    /// The names of files and, with `/` at their end, folders that are left out on purpose, in order.
    pub ignored: Vec<String>,
}

/// The files below `folder`; those of the project itself, which lies in `project`, are none.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn files(folder: &Path, project: &Path, ignore: &Ignore) -> Result<Files> {
    let mut found = Files::default();
    let mut ignored: BTreeSet<String> = BTreeSet::new();
    for (path, name) in all_files(folder, project)? {
        match ignore.covers(&name) {
            Some(left_out) => drop(ignored.insert(left_out.to_owned())),
            None => found.candidates.push((path, name)),
        }
    }
    found.ignored = ignored.into_iter().collect();
    Ok(found)
}

/// All files below `folder` but those of the project in `project`, in the order of their names.
fn all_files(folder: &Path, project: &Path) -> Result<Vec<NamedFile>> {
    let own = project.canonicalize().ok();
    let whole = folder.canonicalize().map_err(Error::io("read", folder))?;
    let mut found = files_below(&whole)?;
    let is_here = own.as_ref() == Some(&whole);
    found.retain(|(path, name)| {
        let within =
            |own: &PathBuf| *own != whole && own.starts_with(&whole) && path.starts_with(own);
        !own.as_ref().is_some_and(within) && !is_of_project(name, is_here)
    });
    Ok(found)
}

/// Whether a file is one that a project has of its own; `is_here` tells that the project lies in the folder of the
/// exports itself.
fn is_of_project(name: &str, is_here: bool) -> bool {
    const FOLDERS: [&str; 3] = ["mappings/", "registry/", "runs/"];
    const FILES: [&str; 3] = [".gitignore", "model.json", "decisions.jsonl"];
    let in_folder = || FOLDERS.iter().any(|folder| name.starts_with(folder));
    name == SETTINGS || is_here && (FILES.contains(&name) || in_folder())
}

/// What becomes of the files and sheets that no source reads.
#[derive(Debug, Clone, Default)]
pub struct Unread {
    /// Those that nobody has said anything about.
    pub rejects: Vec<Reject>,
    /// Those that are left out on purpose.
    pub skipped: Vec<Skipped>,
    /// Those of them that hold rows.
    pub left_out: Vec<LeftOut>,
}

impl Unread {
    /// Adds them to what has become of the rows of all others.
    pub fn add_to(self, ingested: &mut Ingested) {
        ingested.rejects.extend(self.rejects);
        ingested.rejects.sort();
        ingested.skipped.extend(self.skipped);
        ingested.skipped.sort();
        ingested.left_out.extend(self.left_out);
        ingested.left_out.sort();
    }

    /// Notes that a file is left out on purpose, with the rows it holds.
    fn leave_out(&mut self, path: &Path, name: &str) {
        self.skipped.push(left_out(name, ""));
        // What is no table holds none.
        let rows = if path.is_dir() { 0 } else { count_rows(path).unwrap_or(0) };
        if rows > 0 {
            self.left_out.push(LeftOut { file: name.to_owned(), sheet: String::new(), rows });
        }
    }
}

/// Says what becomes of each file below `folder` that none of `sources` names, and of each of `sheets` (file and
/// name) that has rows and that none of them reads.
///
/// Of an archive that a source names every file is read; of any other each file that no source names is told.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn unread(
    folder: &Path,
    project: &Path,
    ignore: &Ignore,
    sources: &[Source],
    sheets: &[UnreadSheet],
) -> Result<Unread> {
    let mut unread = Unread::default();
    if !folder.is_dir() {
        return Ok(unread);
    }
    let named: BTreeSet<&str> =
        sources.iter().flat_map(|s| &s.files).map(|(_, name)| name.as_str()).collect();
    let opened: BTreeSet<String> = sources
        .iter()
        .flat_map(|s| &s.files)
        .map(|(path, name)| read::holder(path, name).1)
        .collect();
    let files = files(folder, project, ignore)?;
    for (path, name) in &files.candidates {
        if named.contains(name.as_str()) {
            continue;
        }
        for (path, member) in read::files(path, name) {
            match ignore.covers(&member) {
                _ if named.contains(member.as_str()) => {}
                Some(_) => unread.leave_out(&path, &member),
                None => unread.rejects.push(of_file(&path, &member)),
            }
        }
    }
    // What a source names is read, whatever `ignore` says: of a folder that holds such a file the others are left
    // out one by one.
    let holds_named =
        |folder: &str| folder.ends_with('/') && named.iter().any(|name| name.starts_with(folder));
    let (open, closed): (Vec<&String>, Vec<&String>) =
        files.ignored.iter().partition(|name| holds_named(name));
    let mut ignored: Vec<String> = closed.into_iter().cloned().collect();
    if !open.is_empty() {
        let below = |name: &String| open.iter().any(|folder| name.starts_with(*folder));
        let all = all_files(folder, project)?.into_iter().map(|(_, name)| name);
        ignored.extend(all.filter(below));
    }
    for name in ignored.iter().filter(|name| !named.contains(name.as_str())) {
        if !opened.contains(name) {
            unread.leave_out(&folder.join(name), name);
            continue;
        }
        let members = read::files(&folder.join(name), name).into_iter();
        for (path, member) in members.filter(|(_, member)| !named.contains(member.as_str())) {
            unread.leave_out(&path, &member);
        }
    }
    for UnreadSheet { file, sheet, rows } in sheets {
        match ignore.covers(&sheet_name(file, sheet)) {
            Some(_) => {
                unread.skipped.push(left_out(file, sheet));
                let (file, sheet) = (file.clone(), sheet.clone());
                unread.left_out.push(LeftOut { file, sheet, rows: *rows });
            }
            None => unread.rejects.push(no_source(file, sheet, *rows)),
        }
    }
    Ok(unread)
}

/// Rows that are counted of what is left out: a program that writes a copy of all it has need not be read whole.
const MOST_COUNTED: usize = 1_000_000;

/// How many rows of data a file holds, [`MOST_COUNTED`] at most.
fn count_rows(path: &Path) -> Result<u64> {
    let rows = read::open(path)?.into_iter().flat_map(|table| {
        table.tally.count_only();
        table.rows
    });
    Ok(rows.filter(is_data).take(MOST_COUNTED).count() as u64)
}

fn is_data(row: &Row) -> bool {
    matches!(row.content, Content::Data(_))
}

fn left_out(file: &str, sheet: &str) -> Skipped {
    Skipped {
        source: String::new(),
        file: file.to_owned(),
        sheet: sheet.to_owned(),
        row: None,
        reason: "ignored".into(),
    }
}

/// What is told of a file that no source names: that it cannot be read, holds nothing, or waits for somebody to
/// say what it is.
fn of_file(path: &Path, name: &str) -> Reject {
    if fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        return ingest::no_rows("", name);
    }
    match nameable(path, name).and_then(|()| count_rows(path)) {
        Ok(0) => ingest::no_rows("", name),
        Ok(rows) => no_source(name, "", rows),
        Err(error) => ingest::unreadable_file("", name, &error),
    }
}

/// Refuses a file below the folder of the exports whose name there settings cannot write: by `name` nobody would
/// find it again.
///
/// # Errors
///
/// When the name is not what the path ends in, being no UTF-8, or holds what settings take for something else.
pub fn nameable(path: &Path, name: &str) -> Result<()> {
    let is_odd = |c: char| c.is_control() || c == '\\';
    if path.ends_with(name) && !name.contains(is_odd) {
        return Ok(());
    }
    Err(Error::Format {
        path: path.to_owned(),
        message: "its name is not in UTF-8, or holds a backslash or a control character".into(),
        hint: Some("rename it".into()),
    })
}

fn no_source(file: &str, sheet: &str, rows: u64) -> Reject {
    let what = if sheet.is_empty() { "it" } else { "this sheet" };
    let lost = match rows {
        1 => "its row is".to_owned(),
        // Counting ended there.
        n if n >= MOST_COUNTED as u64 => format!("its {n} rows and more are"),
        n => format!("its {n} rows are"),
    };
    Reject {
        source: String::new(),
        file: file.to_owned(),
        sheet: sheet.to_owned(),
        row: None,
        column: String::new(),
        code: "no_source".into(),
        severity: Severity::Row,
        message: format!(
            "no source of `{SETTINGS}` names {what}, and `ignore` does not either: {lost} not read"
        ),
        suggestion:
            "run `orpailleur init` again, write a `[[source]]` for it, or add it to `ignore`".into(),
        raw: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary folder");
        for file in files {
            crate::store::write(&root.path().join(file), "name;city\nAnn;Paris\n")
                .expect("written");
        }
        root
    }

    fn candidates(root: &Path, folder: &str, project: &str) -> Vec<String> {
        let found = files(&root.join(folder), &root.join(project), &Ignore::usual());
        found.expect("readable").candidates.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn exports_may_lie_in_the_project_and_the_project_among_the_exports() {
        let files =
            ["legacy/a.csv", "legacy/~$a.xlsx", "runs/latest/crosswalk.csv", "orpailleur.toml"];
        let root = folder(&files);
        assert_eq!(candidates(root.path(), "legacy", ""), ["a.csv"]);
        assert_eq!(candidates(root.path(), "", ""), ["legacy/a.csv"]);
        assert_eq!(candidates(root.path(), "", "runs"), ["legacy/a.csv"]);
    }

    #[test]
    fn a_pattern_leaves_out_files_wherever_they_lie_and_folders_whole() {
        let (ignore, wrong) =
            Ignore::new(&["**/~$*".into(), "old".into(), "a[[]1].csv".into(), "***".into()]);
        assert_eq!(wrong.len(), 1);
        let covered = |name: &'static str| ignore.covers(name);
        assert_eq!(covered("~$a.xlsx"), Some("~$a.xlsx"));
        assert_eq!(covered("sales/~$A.xlsx"), Some("sales/~$A.xlsx"));
        assert_eq!(covered("OLD/2009/a.csv"), Some("OLD/"));
        assert_eq!(covered("new/old/a.csv"), None);
        assert_eq!(covered("a[1].csv"), Some("a[1].csv"));
        assert_eq!(covered("a.csv"), None);
    }

    #[test]
    fn the_pattern_of_one_file_fits_it_and_nothing_else() {
        for name in ["a[1]*?.csv", "ça va/{é}.txt", "b.xlsx!Feuil [2]", "c.zip!/d/e.md"] {
            let (ignore, wrong) = Ignore::new(&[pattern_of(name)]);
            assert_eq!((wrong.len(), ignore.covers(name)), (0, Some(name)));
            assert_eq!(ignore.covers("a1xy.csv"), None);
        }
    }

    #[test]
    fn the_usual_patterns_leave_out_what_systems_add_and_no_export() {
        let ignore = Ignore::usual();
        for name in [
            ".DS_Store",
            "a/.~lock.b.ods#",
            "THUMBS.DB",
            "a/Desktop.ini",
            "__MACOSX/a",
            "x/logo.PNG",
        ] {
            assert!(ignore.covers(name).is_some(), "{name}");
        }
        for name in ["a.csv", "a/b.XLSX", "contacts~1.csv", "tmp/a.vcf", "export.2024.txt"] {
            assert_eq!(ignore.covers(name), None, "{name}");
        }
    }

    fn source_of(root: &Path, file: &str) -> Source {
        Source {
            name: "s".into(),
            files: vec![(root.join(file), file.into())],
            sheets: Vec::new(),
            mapping: Default::default(),
            key_space: String::new(),
            legal_entity: None,
            country: String::new(),
            rank: 0,
            dated: String::new(),
        }
    }

    #[test]
    fn every_file_that_no_source_names_is_told_or_left_out_on_purpose() {
        let root = folder(&["a.csv", "b.csv", "sub/c.csv", ".DS_Store", "notes.txt"]);
        store_bytes(root.path(), "empty.csv", b"");
        store_bytes(root.path(), "locked.xlsx", b"PK\x03\x04 damaged");
        let source = source_of(root.path(), "a.csv");
        let globs: Vec<String> = usually_ignored().map(|(glob, _)| glob.to_owned()).collect();
        let ignore = Ignore::new(&[globs, vec!["notes.txt".into()]].concat()).0;
        let sheets = [UnreadSheet { file: "a.csv".into(), sheet: "Hidden".into(), rows: 3 }];
        let project = tempfile::tempdir().expect("a temporary folder");
        let unread = unread(root.path(), project.path(), &ignore, &[source], &sheets);
        let unread = unread.expect("readable");
        let rejects: Vec<String> = unread
            .rejects
            .iter()
            .map(|r| format!("{} {}", sheet_name(&r.file, &r.sheet), r.code))
            .collect();
        assert_eq!(
            rejects,
            [
                "b.csv no_source",
                "empty.csv no_rows",
                "locked.xlsx unreadable_file",
                "sub/c.csv no_source",
                "a.csv!Hidden no_source"
            ]
        );
        let skipped: Vec<&str> = unread.skipped.iter().map(|s| s.file.as_str()).collect();
        assert_eq!(skipped, [".DS_Store", "notes.txt"]);
        let rows: Vec<(&str, u64)> =
            unread.left_out.iter().map(|l| (l.file.as_str(), l.rows)).collect();
        assert_eq!(rows, [(".DS_Store", 1), ("notes.txt", 1)]);
        let sheet = unread.rejects.iter().find(|r| !r.sheet.is_empty()).expect("the sheet");
        assert!(sheet.message.ends_with(": its 3 rows are not read"), "{}", sheet.message);
        assert!(unread.skipped.iter().all(|s| s.reason == "ignored" && s.row.is_none()));
    }

    #[test]
    fn of_a_folder_left_out_the_file_that_a_source_names_is_read() {
        let root = folder(&["old/a.csv", "old/b.csv", "older/c.csv"]);
        let source = source_of(root.path(), "old/a.csv");
        let ignore = Ignore::new(&["old".into(), "older".into()]).0;
        let project = tempfile::tempdir().expect("a temporary folder");
        let unread =
            unread(root.path(), project.path(), &ignore, &[source], &[]).expect("readable");
        let skipped: Vec<&str> = unread.skipped.iter().map(|s| s.file.as_str()).collect();
        assert_eq!((skipped, unread.rejects.len()), (vec!["older/", "old/b.csv"], 0));
    }

    #[test]
    fn each_file_of_an_archive_that_no_source_names_is_told() {
        let root = folder(&[]);
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in [("a.csv", "name;city\nAnn;Paris\n"), ("b.csv", "name;city\n")] {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(name, options).expect("a name");
            std::io::Write::write_all(&mut writer, content.as_bytes()).expect("memory");
        }
        let archive = writer.finish().expect("memory").into_inner();
        store_bytes(root.path(), "x.zip", &archive);
        let project = tempfile::tempdir().expect("a temporary folder");
        let unread = unread(root.path(), project.path(), &Ignore::usual(), &[], &[]);
        let rejects = unread.expect("readable").rejects;
        let told: Vec<String> = rejects.iter().map(|r| format!("{} {}", r.file, r.code)).collect();
        assert_eq!(told, ["x.zip!/a.csv no_source", "x.zip!/b.csv no_rows"]);
    }

    #[test]
    fn a_file_that_settings_cannot_name_is_refused() {
        let folder = Path::new("/exports");
        for name in ["a\nb.csv", "a\\b.csv", "\u{fffd}.csv"] {
            let path = if name.starts_with('\u{fffd}') {
                "/exports/x.csv".into()
            } else {
                folder.join(name)
            };
            assert!(nameable(&path, name).is_err(), "{name}");
        }
        for name in ["a.zip!/b/c.csv", "a b/é.csv", "a.zip!/../c.csv"] {
            assert!(nameable(&folder.join(name), name).is_ok(), "{name}");
        }
    }

    fn store_bytes(root: &Path, name: &str, bytes: &[u8]) {
        crate::store::write(&root.join(name), bytes).expect("written");
    }
}
