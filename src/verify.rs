//! Whether a finished run is still what it was: its files, the sums that must hold between them, and the chain of the
//! runs of its project.
//!
//! Digests tell that a file was changed. Who changes the manifest along with it is found by what the files say of each
//! other, and by the run behind, whose manifest holds the digest of this one.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
};

use arrow::array::{Array, StringArray};
use parquet::arrow::{ProjectionMask, arrow_reader::ParquetRecordBatchReaderBuilder};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::{
    error::{Error, Result},
    run::{self, Manifest},
    store,
    table::Lineage,
};

/// Problems that are told one by one; of more the number.
const MOST_PROBLEMS: usize = 10;

/// One thing that must hold, and where it does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `files`, `rows`, `records`, `golden`, `references`, `redirects`, `lineage`, `money` or `chain`.
    pub name: &'static str,
    /// What was looked at, for people.
    pub checked: String,
    /// What does not hold; empty when all is well.
    pub problems: Vec<String>,
}

/// Checks the complete run in `folder`: each check once, in a fixed order.
///
/// # Errors
///
/// When its manifest cannot be read. A file that cannot be read is a problem of the checks that need it.
pub fn run(folder: &Path) -> Result<Vec<Check>> {
    let run = Verified { folder: folder.to_owned(), manifest: run::manifest(folder)? };
    let identities: [Identity; 7] = [
        ("rows", Verified::rows),
        ("records", Verified::records),
        ("golden", Verified::golden),
        ("references", Verified::references),
        ("redirects", Verified::redirects),
        ("lineage", Verified::lineage),
        ("money", Verified::money),
    ];
    let mut problems = Problems::default();
    run::differences(folder, &run.manifest)?.into_iter().for_each(|told| problems.add(told));
    let checked = format!("{} files as the manifest says", run.manifest.outputs.len());
    let mut checks = vec![problems.check("files", checked)];
    for (name, holds) in identities {
        let mut problems = Problems::default();
        match holds(&run, &mut problems) {
            Ok(checked) if checked.is_empty() => {}
            Ok(checked) => checks.push(problems.check(name, checked)),
            Err(error) => {
                problems.add(error.to_string());
                checks.push(problems.check(name, String::new()));
            }
        }
    }
    let mut problems = Problems::default();
    if let Some(checked) = chain(folder, &run.manifest, &mut problems)? {
        checks.push(problems.check("chain", checked));
    }
    Ok(checks)
}

/// What must hold between the files of a run, by name: it says what was looked at, or nothing where a run that was cut
/// short has none of it.
type Identity = (&'static str, fn(&Verified, &mut Problems) -> Result<String>);

/// What was found not to hold.
#[derive(Debug, Default)]
struct Problems {
    told: Vec<String>,
    more: usize,
}

impl Problems {
    fn add(&mut self, problem: String) {
        if self.told.len() < MOST_PROBLEMS {
            self.told.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Two numbers that must be the same.
    fn same<T: PartialEq + std::fmt::Display>(&mut self, what: &str, expected: T, found: T) {
        if expected != found {
            self.add(format!("{what}: {found} in place of {expected}"));
        }
    }

    fn check(mut self, name: &'static str, checked: String) -> Check {
        if self.more > 0 {
            self.told.push(format!("{} more", self.more));
        }
        Check { name, checked, problems: self.told }
    }
}

/// The line of a CSV file, by column.
type Line = HashMap<String, String>;

/// A complete run.
struct Verified {
    folder: PathBuf,
    manifest: Manifest,
}

impl Verified {
    fn count(&self, name: &str) -> u64 {
        self.manifest.counts.get(name).copied().unwrap_or_default()
    }

    /// Whether the run wrote this file: `--until` leaves later ones out.
    fn wrote(&self, file: &str) -> bool {
        self.manifest.outputs.iter().any(|output| output.file == file)
    }

    /// Calls `see` with each line of a file; nothing of a file that the run did not write.
    fn lines(&self, file: &str, mut see: impl FnMut(&Line)) -> Result<()> {
        if !self.wrote(file) {
            return Ok(());
        }
        let path = self.folder.join(file);
        let mut reader = csv::Reader::from_reader(store::open(&path)?);
        for line in reader.deserialize::<Line>() {
            see(&line.map_err(|error| damaged(&path, error))?);
        }
        Ok(())
    }

    /// Every physical row has one fate.
    fn rows(&self, problems: &mut Problems) -> Result<String> {
        if !self.wrote("crosswalk.csv") {
            return Ok(String::new());
        }
        let fates = ["record_rows", "history_rows", "skipped_rows", "rejected_rows"];
        let sum = fates.into_iter().map(|name| self.count(name)).sum();
        problems.same("rows with a fate", self.count("rows"), sum);
        let distinct = |file: &str, counts: &dyn Fn(&Line) -> bool| -> Result<u64> {
            let mut rows = HashSet::new();
            self.lines(file, |line| {
                if counts(line) && !cell(line, "row").is_empty() {
                    rows.insert(digest(&[
                        cell(line, "file"),
                        cell(line, "sheet"),
                        cell(line, "row"),
                    ]));
                }
            })?;
            Ok(rows.len() as u64)
        };
        let of_records = distinct("crosswalk.csv", &|_| true)?;
        problems.same("rows in `crosswalk.csv`", self.count("record_rows"), of_records);
        let skipped = distinct("skipped.csv", &|_| true)?;
        problems.same("rows in `skipped.csv`", self.count("skipped_rows"), skipped);
        let rejected = distinct("rejects.csv", &|line| cell(line, "severity") == "row")?;
        problems.same("rows in `rejects.csv`", self.count("rejected_rows"), rejected);
        Ok(format!("{} rows, each with one fate", self.count("rows")))
    }

    /// The crosswalk is a function on the records: one line for each.
    fn records(&self, problems: &mut Problems) -> Result<String> {
        if !self.wrote("crosswalk.csv") {
            return Ok(String::new());
        }
        let mut records: BTreeMap<String, bool> = BTreeMap::new();
        for id in texts(&self.folder.join("tables/records.parquet"), "record_id")? {
            records.insert(id, false);
        }
        let mut lines = 0;
        self.lines("crosswalk.csv", |line| {
            lines += 1;
            match records.get_mut(cell(line, "record_id")) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => problems.add(format!("record {}: twice", cell(line, "record_id"))),
                None => problems.add(format!("record {}: not there", cell(line, "record_id"))),
            }
        })?;
        for (id, _) in records.iter().filter(|(_, seen)| !**seen) {
            problems.add(format!("record {id}: not in `crosswalk.csv`"));
        }
        problems.same("lines of `crosswalk.csv`", self.count("records"), lines);
        Ok(format!("{} records, each with one golden id", self.count("records")))
    }

    /// Every golden record is made of records, and all records are in golden ones.
    fn golden(&self, problems: &mut Problems) -> Result<String> {
        if !self.wrote("golden/lineage.parquet") {
            return Ok(String::new());
        }
        let living = self.living(problems)?;
        let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
        self.lines("crosswalk.csv", |line| {
            *sizes.entry(cell(line, "golden_id").to_owned()).or_default() += 1;
        })?;
        for id in living.iter().filter(|id| !sizes.contains_key(*id)) {
            problems.add(format!("golden record {id}: no record is in it"));
        }
        for id in sizes.keys().filter(|id| !living.contains(*id)) {
            problems.add(format!("golden record {id}: in `crosswalk.csv` alone"));
        }
        problems.same("records in golden records", self.count("records"), sizes.values().sum());
        Ok(format!("{} golden records, {} records in them", living.len(), self.count("records")))
    }

    /// The ids of all golden records.
    fn living(&self, problems: &mut Problems) -> Result<BTreeSet<String>> {
        let mut living = BTreeSet::new();
        for (name, file) in TABLES {
            let mut lines = 0;
            self.lines(file, |line| {
                lines += 1;
                let id = cell(line, "golden_id");
                if !living.insert(id.to_owned()) {
                    problems.add(format!("golden record {id}: twice"));
                }
            })?;
            problems.same(&format!("golden records in `{file}`"), self.count(name), lines);
        }
        Ok(living)
    }

    /// Whatever names a golden record names one that is there.
    fn references(&self, problems: &mut Problems) -> Result<String> {
        const NAMED: [(&str, &[&str]); 10] = [
            ("golden/links.csv", &["person_id", "organisation_id"]),
            ("golden/organisation_links.csv", &["child_id", "parent_id"]),
            ("golden/organisations.csv", &["parent_id"]),
            ("golden/households.csv", &["golden_id"]),
            ("golden/keys.csv", &["golden_id"]),
            ("golden/consents.csv", &["golden_id"]),
            ("golden/consent_reviews.csv", &["golden_id"]),
            ("golden/retention.csv", &["golden_id"]),
            ("golden/left_out.csv", &["golden_id"]),
            ("golden/history.csv", &["golden_id"]),
        ];
        if !self.wrote("golden/lineage.parquet") {
            return Ok(String::new());
        }
        let living = self.living(&mut Problems::default())?;
        let mut named = 0;
        for (file, columns) in NAMED {
            self.lines(file, |line| {
                for id in columns.iter().map(|column| cell(line, column)) {
                    named += u64::from(!id.is_empty());
                    if !id.is_empty() && !living.contains(id) {
                        problems.add(format!("{file}: golden record {id} is not there"));
                    }
                }
            })?;
        }
        Ok(format!("{named} references to golden records that are there"))
    }

    /// Every golden id that lives no more ends at one that lives, or at none, in one step.
    fn redirects(&self, problems: &mut Problems) -> Result<String> {
        if !self.wrote("golden/redirects.csv") {
            return Ok(String::new());
        }
        let living = self.living(&mut Problems::default())?;
        let mut seen = BTreeSet::new();
        self.lines("golden/redirects.csv", |line| {
            let (id, now) = (cell(line, "golden_id"), cell(line, "now"));
            if living.contains(id) {
                problems.add(format!("redirect of {id}: it lives"));
            }
            if !now.is_empty() && !living.contains(now) {
                problems.add(format!("redirect of {id}: {now} does not live"));
            }
            if !seen.insert(id.to_owned()) {
                problems.add(format!("redirect of {id}: twice"));
            }
        })?;
        Ok(format!("{} redirects, each to a living golden id or none", seen.len()))
    }

    /// No golden cell without a record of that golden record it was taken from, and none that is not there.
    fn lineage(&self, problems: &mut Problems) -> Result<String> {
        if !self.wrote("golden/lineage.parquet") {
            return Ok(String::new());
        }
        let mut golden_of = HashMap::new();
        self.lines("crosswalk.csv", |line| {
            golden_of
                .insert(cell(line, "record_id").to_owned(), cell(line, "golden_id").to_owned());
        })?;
        let path = self.folder.join("golden/lineage.parquet");
        let lineage = store::read_parquet(&path)?;
        let mut traced = HashSet::new();
        for line in Lineage::of_batch(&lineage)? {
            traced.insert(digest(&[line.golden_id, line.attribute, line.value]));
            if golden_of.get(line.record_id).is_none_or(|golden| golden != line.golden_id) {
                let (id, attribute, record) = (line.golden_id, line.attribute, line.record_id);
                problems.add(format!("{id} {attribute}: record {record} is not in it"));
            }
        }
        let mut found = HashSet::new();
        for (_, file) in TABLES {
            self.lines(file, |line| {
                for (column, cells) in golden_cells(line) {
                    let id = cell(line, "golden_id");
                    let mut names =
                        cells.iter().map(|(attribute, value)| digest(&[id, attribute, value]));
                    let is_traced = names.clone().any(|name| traced.contains(&name));
                    found.extend(&mut names);
                    if !is_traced {
                        problems.add(format!("{file}: {column} of {id} has no lineage"));
                    }
                }
            })?;
        }
        // What records say of their roles is told by the column `roles`.
        for line in Lineage::of_batch(&lineage)?.filter(|line| line.attribute != "role") {
            if !found.contains(&digest(&[line.golden_id, line.attribute, line.value])) {
                let (id, attribute) = (line.golden_id, line.attribute);
                problems.add(format!("{id} {attribute}: its lineage tells of another value"));
            }
        }
        Ok(format!("{} golden cells, each taken from a record of its own", lineage.num_rows()))
    }

    /// The sums of the history are those of its rows, to the cent.
    fn money(&self, problems: &mut Problems) -> Result<String> {
        if !self.wrote("golden/history/sums.csv") {
            return Ok(String::new());
        }
        let mut sums: BTreeMap<(String, String), [Decimal; 6]> = BTreeMap::new();
        self.lines("golden/history.csv", |line| {
            let key = (cell(line, "kind").to_owned(), cell(line, "currency").to_owned());
            let amount: Decimal = cell(line, "amount").parse().unwrap_or_default();
            let at = if cell(line, "golden_id").is_empty() { 4 } else { 2 };
            let sum = sums.entry(key).or_default();
            for at in [0, at] {
                sum[at] += Decimal::ONE;
                sum[at + 1] += amount;
            }
        })?;
        let rows: Decimal = sums.values().map(|sum| sum[0]).sum();
        problems.same("rows in `golden/history.csv`", self.count("history").into(), rows);
        self.lines("golden/history/sums.csv", |line| {
            let key = (cell(line, "kind").to_owned(), cell(line, "currency").to_owned());
            let found = sums.remove(&key).unwrap_or_default();
            for (name, found) in SUMS.into_iter().zip(found) {
                let told: Decimal = cell(line, name).parse().unwrap_or_default();
                problems.same(&format!("{} {}: {name}", key.0, key.1), found, told);
            }
        })?;
        for (kind, currency) in sums.keys() {
            problems.add(format!("{kind} {currency}: not in `golden/history/sums.csv`"));
        }
        Ok(format!("{rows} rows of history, their sums to the cent"))
    }
}

/// The golden tables, by the name under which a manifest counts them.
const TABLES: [(&str, &str); 3] = [
    ("persons", "golden/persons.csv"),
    ("organisations", "golden/organisations.csv"),
    ("others", "golden/records.csv"),
];

/// The columns of `golden/history/sums.csv` that `golden/history.csv` proves.
const SUMS: [&str; 6] =
    ["rows", "amount", "attached_rows", "attached_amount", "orphan_rows", "orphan_amount"];

/// Columns of golden tables that consolidation finds out: no record says them.
const FOUND_OUT: [&str; 7] =
    ["golden_id", "household_id", "lifecycle", "roles", "level", "parent_id", "crm_user"];

/// The parts of an address, in the order in which the lineage has them; postcode and town stand together.
const ADDRESS: [&str; 6] = ["street", "complement", "postcode", "city", "state", "country"];

/// The filled cells of a golden record: the column, and as which attributes and values the lineage may have it.
fn golden_cells(line: &Line) -> Vec<(String, Vec<(String, String)>)> {
    let is_address = line.contains_key("street") && line.contains_key("postcode");
    let mut cells = Vec::new();
    let mut addresses: BTreeSet<&str> = BTreeSet::new();
    for (column, value) in line.iter().collect::<BTreeMap<_, _>>() {
        let (attribute, nth) = numbered(column);
        if value.is_empty() || FOUND_OUT.contains(&column.as_str()) {
            continue;
        }
        if is_address && ADDRESS.contains(&attribute) {
            addresses.insert(nth);
            continue;
        }
        // A plain table may have a column called as one of ours, or as a second value.
        let names = BTreeSet::from([column.as_str(), attribute, column.trim_end_matches('_')]);
        let told = names.into_iter().map(|name| (name.to_owned(), value.clone())).collect();
        cells.push((column.clone(), told));
    }
    for nth in addresses {
        let part = |name: &str| cell(line, &format!("{name}{nth}"));
        let town = format!("{} {}", part("postcode"), part("city"));
        let parts =
            [part("street"), part("complement"), town.trim(), part("state"), part("country")];
        let whole =
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        cells.push((format!("address{nth}"), vec![("address".to_owned(), whole)]));
    }
    cells
}

/// The attribute of a column and its number: `email`, `_2` of `email_2`.
fn numbered(column: &str) -> (&str, &str) {
    let at = column.rfind('_').filter(|&at| {
        let number = &column[at + 1..];
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    column.split_at(at.unwrap_or(column.len()))
}

fn cell<'l>(line: &'l Line, column: &str) -> &'l str {
    line.get(column).map_or("", String::as_str)
}

/// A short digest of some texts: of sets of a million of them.
fn digest(texts: &[&str]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    let mut short = [0; 16];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(short)
}

/// One column of texts of a Parquet file.
fn texts(path: &Path, column: &str) -> Result<Vec<String>> {
    let name = || path.display().to_string();
    let file = store::open(path)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(Error::table(name()))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), [column]);
    let mut texts = Vec::new();
    for batch in builder.with_projection(mask).build().map_err(Error::table(name()))? {
        let batch = batch.map_err(Error::table(name()))?;
        let array = batch.columns().first().and_then(|c| c.as_any().downcast_ref::<StringArray>());
        let values = array.map(|array| array.iter().flatten().map(str::to_owned));
        texts.extend(values.into_iter().flatten());
    }
    Ok(texts)
}

fn damaged(path: &Path, error: csv::Error) -> Error {
    let line = error.position().map(csv::Position::line);
    let message = match line {
        Some(line) => format!("line {line} is not as it was written"),
        None => "it is not as it was written".to_owned(),
    };
    Error::Format { path: path.to_owned(), message, hint: None }
}

/// The runs beside this one, each of which names the run before it and the digest of its manifest; none where the
/// folder is no run of a project. The chain begins once: older runs may have been deleted, none between two others.
fn chain(folder: &Path, manifest: &Manifest, problems: &mut Problems) -> Result<Option<String>> {
    let Ok(folder) = folder.canonicalize() else { return Ok(None) };
    let is_of_project = folder.file_name().is_some_and(|name| *name == *manifest.run);
    let Some(runs) = folder.parent().filter(|_| is_of_project) else { return Ok(None) };
    let mut beginnings = Vec::new();
    let complete = complete_runs(runs)?;
    for (name, folder) in &complete {
        let found = match run::manifest(folder) {
            Ok(found) => found,
            Err(error) => {
                problems.add(format!("{name}: {error}"));
                continue;
            }
        };
        problems.same(&format!("name of the run in {name}"), name.as_str(), &found.run);
        match found.previous {
            Some(previous) if complete.contains_key(&previous.run) => {
                let manifest = run::manifest_digest(&complete[&previous.run]);
                if manifest.as_deref() != Some(previous.sha256.as_str()) {
                    let before = &previous.run;
                    problems
                        .add(format!("{before}: its manifest is not the one that {name} followed"));
                }
            }
            Some(previous) => {
                beginnings.push(format!("{name}: {}, the run before it, is missing", previous.run))
            }
            None => beginnings.push(format!("{name}: it names no run before it")),
        }
    }
    beginnings.into_iter().skip(1).for_each(|problem| problems.add(problem));
    Ok(Some(match complete.len() {
        1 => "this run is the only one".to_owned(),
        runs => format!("{runs} runs, each the next of the one before"),
    }))
}

/// The complete runs in a folder, by name.
fn complete_runs(runs: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let entries = std::fs::read_dir(runs).map_err(Error::io("read", runs))?;
    let folder = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.ok()?;
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let path = entry.path();
        let is_complete = is_folder && path.join(run::MANIFEST).is_file();
        Some((entry.file_name().into_string().ok()?, path)).filter(|_| is_complete)
    };
    Ok(entries.filter_map(folder).collect())
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.problems.is_empty() {
            return write!(f, "ok      {:<11} {}", self.name, self.checked);
        }
        let lines =
            self.problems.iter().map(|problem| format!("FAILED  {:<11} {problem}", self.name));
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}
