//! The folder of one run: written under another name, complete once its manifest stands in it.
//!
//! All files of a run but `manifest.json` depend on its inputs alone. What depends on the day or the
//! machine (times, memory, the run's id) stands in the manifest and nowhere else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    progress::Progress,
    store,
    timing::{Stopwatch, Timing},
};

/// The name of the file that makes a folder a complete run.
pub const MANIFEST: &str = "manifest.json";
/// The name of the file that says what was learned about each kind of record.
pub const MODEL: &str = "model.json";
/// The name of the table of the pairs that came into question.
pub const PAIRS: &str = "tables/pairs.parquet";
const LATEST: &str = "latest";
const PARTIAL: &str = ".partial";
/// The name of the file that says what an unfinished run has done.
const DONE: &str = "done.json";

/// A stage by name, for `--until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
#[allow(missing_docs, reason = "the names say it; lib.rs tells what each does")]
pub enum Stage {
    Ingest,
    Normalize,
    Block,
    Score,
    Cluster,
    Consolidate,
    Emit,
    Report,
}

/// One file and what it held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileDigest {
    /// Its name, with `/`.
    pub file: String,
    /// Its size; none when it could not be read.
    pub bytes: Option<u64>,
    /// SHA-256 of its content, in hexadecimal; none when it could not be read.
    pub sha256: Option<String>,
}

/// What `manifest.json` says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file's layout.
    pub format: u32,
    /// The program and its version.
    pub program: String,
    /// An ordinal and the first eight digits of the digest of the inputs.
    pub run: String,
    /// Name of the project, or of the file in `dedupe`.
    pub project: String,
    /// The date that "now" was.
    pub as_of: String,
    /// The target CRM, or empty.
    pub target: String,
    /// When the run started: UTC.
    pub started: String,
    /// The last stage of a run that was cut short by `--until`; none of a whole one.
    pub until: Option<String>,
    /// The files read.
    pub inputs: Vec<FileDigest>,
    /// Settings and mappings, model, decisions: whatever else decides on the result.
    pub rules: Vec<FileDigest>,
    /// The files written.
    pub outputs: Vec<FileDigest>,
    /// What was counted, by name.
    pub counts: BTreeMap<String, u64>,
    /// Time and memory, stage by stage.
    pub stages: Vec<Timing>,
    /// For each result that a later run may take over, the digest of all that it depends on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<String, String>,
    /// The stages that were not run again, each with the run whose result was taken over.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reused: BTreeMap<String, String>,
    /// The run before it in the same folder; none of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// What a run has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The digests of what its results depend on, by name.
    pub fingerprints: BTreeMap<String, String>,
    /// Files that are written and will not change.
    pub outputs: Vec<FileDigest>,
}

/// The run before another one, as it was: what makes the runs of a project a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// Its id.
    pub run: String,
    /// SHA-256 of its manifest, in hexadecimal.
    pub sha256: String,
}

/// One line of the summary.
struct Count {
    /// The name under which stages count it.
    name: &'static str,
    /// What it is, for people: for one, and behind `|` for several where that differs.
    label: &'static str,
    /// Whether it is a part of the nearest line above that is none, which all its parts add up to.
    is_part: bool,
    /// Whether it is something that a steward has to look at.
    is_open: bool,
}

impl Count {
    const fn whole(name: &'static str, label: &'static str) -> Count {
        Count { name, label, is_part: false, is_open: false }
    }

    const fn part(name: &'static str, label: &'static str) -> Count {
        Count { is_part: true, ..Count::whole(name, label) }
    }

    const fn open(self) -> Count {
        Count { is_open: true, ..self }
    }

    /// The form of the label that goes with the number.
    fn label(&self, number: u64) -> &'static str {
        match self.label.split_once('|') {
            Some((one, _)) if number == 1 => one,
            Some((_, many)) => many,
            None => self.label,
        }
    }
}

/// What the stages count, in the order of the summary.
///
/// Stages may count more, which stands in the manifest and nowhere else.
const COUNTS: &[Count] = &[
    Count::whole("files", "file|files"),
    Count::part("read_files", "read"),
    Count::part("ignored_files", "left out on purpose"),
    Count::part("files_without_source", "that no source names").open(),
    Count::part("unreadable_files", "that could not be read").open(),
    Count::whole("rows", "row read|rows read"),
    Count::part("record_rows", "row that gave records|rows that gave records"),
    Count::part("history_rows", "row of history|rows of history"),
    Count::part(
        "skipped_rows",
        "row that is no data or was left out|rows that are no data or were left out",
    ),
    Count::part("rejected_rows", "rejected row|rejected rows").open(),
    Count::whole("records", "record|records"),
    Count::part("person_records", "of persons"),
    Count::part("organisation_records", "of organisations"),
    Count::part("other_records", "of another kind"),
    Count::whole(
        "couple_rows",
        "row that names a couple: a record of each, one household|rows that name couples: a record of each, one \
         household",
    ),
    Count::whole("history", "line of history|lines of history"),
    Count::part("history_alone", "of a row that is nothing else|of rows that are nothing else"),
    Count::part(
        "history_of_records",
        "of a row that gave a record too|of rows that gave records too",
    ),
    Count::whole("golden", "golden record|golden records"),
    Count::part("persons", "golden person|golden persons"),
    Count::part("organisations", "golden organisation|golden organisations"),
    Count::part("others", "golden record of another kind|golden records of another kind"),
    Count::whole(
        "past_retention",
        "prospect or customer past its period|prospects and customers past their period",
    ),
    Count::whole(
        "without_evidence",
        "of whom no act of their own is known|of whom no act of their own is known",
    ),
    Count::whole(
        "withheld",
        "golden record left out of the load|golden records left out of the load",
    ),
    Count::whole(
        "brought_in",
        "organisation brought in by a person of the scope|organisations brought in by persons of the scope",
    ),
    Count::whole(
        "re_parented",
        "person without an organisation that is left out|persons without an organisation that is left out",
    ),
    Count::whole(
        "withheld_history",
        "row of history on golden records that are left out|rows of history on golden records that are left out",
    ),
    Count::whole(
        "fixes",
        "thing to put right in systems that live on|things to put right in systems that live on",
    ),
    Count::whole("load_rows", "row to load|rows to load"),
    Count::whole("sheets_without_source", "sheet that no source names|sheets that no source names")
        .open(),
    Count::whole(
        "left_out_rows",
        "row in files and sheets left out on purpose|rows in files and sheets left out on purpose",
    ),
    Count::whole(
        "cut_files",
        "file that was cut: its end is missing|files that were cut: their end is missing",
    )
    .open(),
    Count::whole("files_without_rows", "file without a row of data|files without a row of data")
        .open(),
    Count::whole(
        "missing_columns",
        "column that a mapping names and its files have not|columns that a mapping names and its files have not",
    )
    .open(),
    Count::whole(
        "possible_objections",
        "column that may hold objections and that no mapping takes|columns that may hold objections and that no \
         mapping takes",
    )
    .open(),
    Count::whole("rejected_cells", "rejected cell|rejected cells").open(),
    Count::whole("issues", "value used with an issue|values used with an issue"),
    Count::whole("decisions", "decision of a steward|decisions of stewards"),
    Count::part("applied_decisions", "applied"),
    Count::part("withdrawn_decisions", "withdrawn"),
    Count::part("stale_decisions", "stale: rows of it are gone").open(),
    Count::part("ambiguous_decisions", "ambiguous: its key stands on several rows").open(),
    Count::part("orphan_decisions", "orphan: its rows are gone").open(),
    Count::part("contradicted_decisions", "contradicted").open(),
    Count::whole(
        "overruling_decisions",
        "decision that joins two legal numbers, or breaks another bound|decisions that join two legal numbers, or \
         break another bound",
    ),
    Count::whole(
        "cells_for_review",
        "value that records disagree on, for review|values that records disagree on, for review",
    )
    .open(),
    Count::whole(
        "consents_for_review",
        "proved opt-in after an objection, for review|proved opt-ins after objections, for review",
    )
    .open(),
    Count::whole("review_pairs", "pair for review|pairs for review").open(),
];

impl Manifest {
    /// What was counted, one line each, for people: the parts of a sum stand below it, the first behind `=`, the
    /// others behind `+`.
    pub fn summary(&self) -> String {
        let counted = |count: &Count| self.counts.get(count.name).copied().filter(|n| *n > 0);
        let mut lines: Vec<String> = Vec::new();
        for of_sum in COUNTS.chunk_by(|_, next| next.is_part) {
            let Some((whole, number)) = of_sum.first().and_then(|c| Some((c, counted(c)?))) else {
                continue;
            };
            let parts = of_sum[1..].iter().filter_map(|part| Some((part, counted(part)?)));
            let parts: Vec<(&Count, u64)> = parts.collect();
            let line = format!("{:>12}  {}", grouped(number), whole.label(number));
            match parts.as_slice() {
                [(only, n)] if *n == number => {
                    lines.push(format!(
                        "{line}, {}{}",
                        if number > 1 { "all " } else { "" },
                        only.label(number)
                    ));
                }
                parts => {
                    lines.push(line);
                    lines.extend(parts.iter().enumerate().map(|(at, (part, n))| {
                        let sign = if at == 0 { '=' } else { '+' };
                        format!("{sign:>4}{:>10}  {}", grouped(*n), part.label(*n))
                    }));
                }
            }
        }
        let reused = self.reused.iter();
        lines.extend(reused.map(|(stage, run)| format!("{stage:>12}  taken over from {run}")));
        lines.extend(self.stages.last().map(|total| match total.peak_mib {
            Some(mib) => format!("{:>12}  seconds, {mib} MiB at most", total.wall_s),
            None => format!("{:>12}  seconds", total.wall_s),
        }));
        lines.join("\n")
    }

    /// Whether rejects or reviews remain.
    pub fn remains(&self) -> bool {
        let has_some = |count: &&Count| self.counts.get(count.name).is_some_and(|n| *n > 0);
        COUNTS.iter().filter(|count| count.is_open).any(|count| has_some(&count))
    }
}

/// A number with its thousands apart: `12 345`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A run that is being written. Dropped before [`Run::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct Run {
    partial: PathBuf,
    finished_folder: PathBuf,
    latest: Option<PathBuf>,
    quiet: bool,
    finished: bool,
    watch: Stopwatch,
    /// What the manifest will say; stages add to its counts and rules.
    pub manifest: Manifest,
}

impl Run {
    /// Starts the next run of a project: `<runs>/<ordinal>-<8 digits of the inputs' digest>`.
    ///
    /// `inputs` are paths with the names that outputs give them.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written. An input that cannot be read is no error here.
    pub fn start(runs: &Path, inputs: &[(PathBuf, String)], quiet: bool) -> Result<Run> {
        let inputs = digests(inputs);
        store::create_folder(runs)?;
        let digits = inputs_digest(&inputs);
        let mut ordinal = last_ordinal(runs)? + 1;
        // Of two runs started at once, one takes the next number.
        let (id, partial) = loop {
            let id = format!("{ordinal:04}-{}", &digits[..8]);
            let partial = runs.join(format!("{id}{PARTIAL}"));
            match fs::create_dir(&partial) {
                Ok(()) => break (id, partial),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => ordinal += 1,
                Err(e) => return Err(Error::io("create", partial)(e)),
            }
        };
        own(&partial, 0o700)?;
        let (folder, latest) = (runs.join(&id), Some(runs.join(LATEST)));
        Ok(Run::new(id, partial, folder, latest, inputs, quiet))
    }

    /// Starts a run whose result will be the folder `out`, which must be new, empty or an earlier
    /// result.
    pub fn start_at(out: &Path, inputs: &[(PathBuf, String)], quiet: bool) -> Result<Run> {
        let refused = if out.exists() && !out.is_dir() {
            Some("it is no folder")
        } else if is_filled(out) && !out.join(MANIFEST).exists() {
            Some("it is not empty and holds no earlier result")
        } else {
            None
        };
        if let Some(message) = refused {
            return Err(Error::Format {
                path: out.to_owned(),
                message: message.into(),
                hint: Some("choose another folder with `--out`".into()),
            });
        }
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(PARTIAL);
        let partial = out.with_file_name(name);
        store::remove_folder(&partial)?;
        store::create_folder(&partial)?;
        let inputs = digests(inputs);
        let id = format!("0001-{}", &inputs_digest(&inputs)[..8]);
        Ok(Run::new(id, partial, out.to_owned(), None, inputs, quiet))
    }

    fn new(
        id: String,
        partial: PathBuf,
        finished_folder: PathBuf,
        latest: Option<PathBuf>,
        inputs: Vec<FileDigest>,
        quiet: bool,
    ) -> Run {
        let manifest = Manifest {
            format: 1,
            program: format!("{} {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")),
            run: id,
            started: now(),
            inputs,
            ..Manifest::default()
        };
        let watch = Stopwatch::start();
        Run { partial, finished_folder, latest, quiet, finished: false, watch, manifest }
    }

    /// The folder to write into, until [`Run::finish`] gives it its name.
    pub fn folder(&self) -> &Path {
        &self.partial
    }

    /// The latest complete run of the project, with its manifest.
    pub fn last(&self) -> Option<(PathBuf, Manifest)> {
        let latest = self.latest.as_deref()?;
        Some((latest.canonicalize().ok()?, manifest(latest).ok()?))
    }

    /// What the runs beside this one have done, with their names and folders: the latest complete one, then those that
    /// were not finished, the youngest first.
    pub fn others(&self) -> Result<Vec<(String, PathBuf, Done)>> {
        let Some(runs) = self.latest.as_deref().and_then(Path::parent) else {
            return Ok(Vec::new());
        };
        let entries = fs::read_dir(runs).map_err(Error::io("read", runs))?;
        let unfinished = entries.filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?.to_owned();
            let done = serde_json::from_str(&store::read_text(&path.join(DONE)).ok()?).ok()?;
            (name.ends_with(PARTIAL) && path != self.partial).then_some((name, path, done))
        });
        let mut unfinished: Vec<(String, PathBuf, Done)> = unfinished.collect();
        unfinished.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        let last = self.last().map(|(folder, manifest)| {
            let Manifest { run, fingerprints, outputs, .. } = manifest;
            (run, folder, Done { fingerprints, outputs })
        });
        Ok(last.into_iter().chain(unfinished).collect())
    }

    /// Notes beside the tables what is done so far, for the run after one that is killed; a finished run has its
    /// manifest instead.
    pub fn note(&self, done: Done) -> Result<()> {
        let json = serde_json::to_string(&done).map_err(Error::table(DONE))?;
        store::write_atomically(&self.path(DONE), json)
    }

    /// Where a file of the run is written.
    pub fn path(&self, file: &str) -> PathBuf {
        self.partial.join(file)
    }

    /// Does the work of one stage: with a progress bar, timed, and not at all once interrupted.
    pub fn stage<T>(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&Progress) -> Result<T>,
    ) -> Result<T> {
        let progress = Progress::new(name, self.quiet);
        progress.check()?;
        let watch = Stopwatch::start();
        let done = work(&progress);
        progress.finish();
        self.timed(watch.spent(name).of(progress.items()));
        for part in progress.parts() {
            self.timed(Timing { part_of: Some(name.into()), ..part });
        }
        let done = done?;
        progress.check()?;
        Ok(done)
    }

    fn timed(&mut self, timing: Timing) {
        let Timing { stage, part_of, wall_s, cpu_s, items, items_per_s, peak_mib } = &timing;
        tracing::info!(stage, part_of, wall_s, cpu_s, items, items_per_s, peak_mib, "done");
        self.manifest.stages.push(timing);
    }

    /// Notes a number for the manifest.
    pub fn count(&mut self, name: &str, number: u64) {
        self.manifest.counts.insert(name.to_owned(), number);
    }

    /// Notes a file that decides on the result: settings, a mapping, the model, decisions.
    pub fn rule(&mut self, path: &Path, name: &str) {
        self.manifest.rules.push(digest(path, name));
    }

    /// Completes the run: hashes what was written, writes the manifest last, gives the folder its
    /// name and makes it the latest. Returns the folder.
    pub fn finish(mut self) -> Result<PathBuf> {
        Progress::hidden().check()?;
        self.manifest.stages.push(self.watch.spent("total"));
        self.manifest.rules.sort();
        match fs::remove_file(self.path(DONE)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("remove", self.path(DONE))(e));
            }
            _ => {}
        }
        let mut files = files_below(&self.partial)?;
        files.retain(|(_, name)| name != MANIFEST);
        for (path, _) in &files {
            own(path, 0o600)?;
        }
        self.manifest.outputs = digests(&files);
        self.manifest.previous = self.latest.as_deref().and_then(previous);
        let mut json =
            serde_json::to_string_pretty(&self.manifest).map_err(Error::table(MANIFEST))?;
        json.push('\n');
        store::write_atomically(&self.path(MANIFEST), json)?;
        replace(&self.partial, &self.finished_folder)?;
        self.finished = true;
        if let Some(latest) = &self.latest {
            point(latest, &self.manifest.run)?;
        }
        Ok(self.finished_folder.clone())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = store::remove_folder(&self.partial)
        {
            tracing::warn!(%error, "the unfinished run is still there");
        }
    }
}

/// The complete run that `--run` means: a folder, the id of a run in `runs`, or else the latest.
pub fn find(runs: &Path, asked: Option<&Path>) -> Result<PathBuf> {
    let candidates = match asked {
        Some(path) => vec![path.to_owned(), runs.join(path)],
        None => vec![runs.join(LATEST)],
    };
    candidates.into_iter().find(|folder| folder.join(MANIFEST).is_file()).ok_or_else(|| {
        let name = asked.map_or_else(|| runs.join(LATEST), Path::to_owned);
        Error::NotFound {
            what: "complete run",
            name: name.display().to_string(),
            hint: Some("`orpailleur run` makes one; `--run DIR` names another".into()),
        }
    })
}

/// The manifest of the run in `folder`.
pub fn manifest(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    serde_json::from_str(&store::read_text(&path)?).map_err(|error| Error::Format {
        path,
        message: error.to_string(),
        hint: Some("it was written by another version or changed by hand".into()),
    })
}

/// The files and sheets of which the run in `folder` used nothing, and why: one line each.
///
/// The lines come from its rejects, so that what is said and what is written agree.
pub fn unused(folder: &Path) -> Result<Vec<String>> {
    const CODES: [&str; 3] = ["unreadable_file", "no_source", "no_rows"];
    const COUNTED: [&str; 4] =
        ["unreadable_files", "files_without_source", "sheets_without_source", "files_without_rows"];
    let counts = manifest(folder)?.counts;
    if COUNTED.iter().all(|name| counts.get(*name).is_none_or(|n| *n == 0)) {
        return Ok(Vec::new());
    }
    let path = folder.join("rejects.csv");
    let mut reader = csv::Reader::from_reader(store::open(&path)?);
    let rejects = reader.deserialize::<BTreeMap<String, String>>();
    let rejects = rejects.collect::<Result<Vec<_>, _>>().map_err(Error::table("rejects"))?;
    let told = rejects.iter().filter(|reject| CODES.contains(&reject["code"].as_str()));
    let line = |reject: &BTreeMap<String, String>| {
        let place = match reject["sheet"].as_str() {
            "" => format!("`{}`", reject["file"]),
            sheet => format!("`{}`, sheet `{sheet}`", reject["file"]),
        };
        let fate = match reject["code"].as_str() {
            "unreadable_file" => "was not read",
            _ => "was not used",
        };
        match reject["suggestion"].as_str() {
            "" => format!("{place} {fate}: {}", reject["message"]),
            hint => format!("{place} {fate}: {} (hint: {hint})", reject["message"]),
        }
    };
    Ok(told.map(line).collect())
}

/// The run that `latest` points to, with the digest of its manifest; none where there is none.
fn previous(latest: &Path) -> Option<Previous> {
    Some(Previous { run: manifest(latest).ok()?.run, sha256: manifest_digest(latest)? })
}

/// SHA-256 of the manifest of the run in `folder`, in hexadecimal; none where it cannot be read.
pub fn manifest_digest(folder: &Path) -> Option<String> {
    digest(&folder.join(MANIFEST), MANIFEST).sha256
}

/// What the files of the run in `folder` no longer are: `golden/links.csv: changed`. Empty when all
/// is as its `manifest` says.
pub fn differences(folder: &Path, manifest: &Manifest) -> Result<Vec<String>> {
    let mut found: BTreeMap<String, FileDigest> = BTreeMap::new();
    for digest in digests(&files_below(folder)?) {
        found.insert(digest.file.clone(), digest);
    }
    found.remove(MANIFEST);
    let mut differences = Vec::new();
    for expected in &manifest.outputs {
        match found.remove(&expected.file) {
            None => differences.push(format!("{}: missing", expected.file)),
            Some(now) if now != *expected => {
                differences.push(format!("{}: changed", expected.file));
            }
            Some(_) => {}
        }
    }
    differences.extend(found.into_keys().map(|file| format!("{file}: not part of the run")));
    Ok(differences)
}

/// All files below `folder`: path, and name relative to it with `/`, sorted by name. A folder below it that cannot
/// be read stands for what lies in it.
pub fn files_below(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    // A link to a folder above would lead round in circles.
    let mut seen = BTreeSet::new();
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        let entries = match entries_of(&folder, &mut seen) {
            Ok(entries) => entries,
            // What lies in it cannot be named one by one.
            Err(_) if !prefix.is_empty() => {
                files.push((folder, prefix.trim_end_matches('/').to_owned()));
                continue;
            }
            Err(error) => return Err(Error::io("read", &folder)(error)),
        };
        for entry in entries {
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if path.is_dir() {
                open.push((path, name + "/"));
            } else {
                files.push((path, name));
            }
        }
    }
    files.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(files)
}

/// What lies in a folder; nothing if it was `seen` already.
fn entries_of(folder: &Path, seen: &mut BTreeSet<PathBuf>) -> io::Result<Vec<fs::DirEntry>> {
    if !seen.insert(folder.canonicalize()?) {
        return Ok(Vec::new());
    }
    fs::read_dir(folder)?.collect()
}

/// The digests of `files`, in their order.
pub fn digests(files: &[(PathBuf, String)]) -> Vec<FileDigest> {
    files.par_iter().map(|(path, name)| digest(path, name)).collect()
}

fn digest(path: &Path, name: &str) -> FileDigest {
    let hashed = || -> io::Result<(u64, String)> {
        let mut file = fs::File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        let mut bytes = 0;
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok((bytes, hexadecimal(&hasher.finalize()))),
                read => {
                    bytes += read as u64;
                    hasher.update(&buffer[..read]);
                }
            }
        }
    };
    let (bytes, sha256) = hashed().ok().unzip();
    FileDigest { file: name.to_owned(), bytes, sha256 }
}

/// The digest of what the inputs hold, whatever their names and order.
fn inputs_digest(inputs: &[FileDigest]) -> String {
    let mut contents: Vec<&str> = inputs.iter().filter_map(|i| i.sha256.as_deref()).collect();
    contents.sort_unstable();
    let mut hasher = Sha256::new();
    for content in contents {
        hasher.update(content);
    }
    hexadecimal(&hasher.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn last_ordinal(runs: &Path) -> Result<u32> {
    let entries = fs::read_dir(runs).map_err(Error::io("read", runs))?;
    let ordinals = entries.filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.split_once('-')?.0.parse().ok()
    });
    Ok(ordinals.max().unwrap_or(0))
}

fn is_filled(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

/// Puts the finished folder in the place of an earlier one, which is gone only once it can.
fn replace(partial: &Path, folder: &Path) -> Result<()> {
    // A name that nobody gives a folder of their own: whatever bears it is removed.
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let old = folder.with_file_name(format!(".{name}.replaced"));
    if folder.exists() {
        store::remove_folder(&old)?;
        fs::rename(folder, &old).map_err(Error::io("replace", folder))?;
    }
    fs::rename(partial, folder).map_err(Error::io("write", folder))?;
    store::remove_folder(&old)
}

/// Makes `latest` a relative symbolic link to `run`, in one step.
#[cfg(unix)]
fn point(latest: &Path, run: &str) -> Result<()> {
    let next = latest.with_file_name(format!("{LATEST}{PARTIAL}"));
    let _ = fs::remove_file(&next);
    std::os::unix::fs::symlink(run, &next).map_err(Error::io("write", &next))?;
    fs::rename(&next, latest).map_err(Error::io("write", latest))
}

#[cfg(windows)]
fn point(latest: &Path, run: &str) -> Result<()> {
    let _ = fs::remove_dir(latest);
    std::os::windows::fs::symlink_dir(run, latest).map_err(Error::io("write", latest))
}

/// The time of day, for the manifest alone.
fn now() -> String {
    #[expect(clippy::disallowed_methods, reason = "only the manifest tells the time")]
    let now = jiff::Timestamp::now();
    now.strftime("%FT%TZ").to_string()
}

/// Sets the permissions of what other libraries have created.
fn own(path: &Path, mode: u32) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(path, permissions).map_err(Error::io("protect", path))?;
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Vec<(PathBuf, String)>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let input = folder.path().join("a.csv");
        fs::write(&input, "name\nAnn\n").expect("written");
        let inputs = vec![(input, "a.csv".to_owned())];
        (folder, inputs)
    }

    fn complete(runs: &Path, inputs: &[(PathBuf, String)]) -> PathBuf {
        let run = Run::start(runs, inputs, true).expect("started");
        store::write(&run.path("golden/links.csv"), "person_id\n").expect("written");
        run.finish().expect("finished")
    }

    #[test]
    fn a_finished_run_is_the_latest_and_verifies() {
        let (project, inputs) = project();
        let runs = project.path().join("runs");
        let first = complete(&runs, &inputs);
        let second = complete(&runs, &inputs);
        assert_ne!(first, second);
        let latest = find(&runs, None).expect("a latest run");
        assert_eq!(
            manifest(&latest).expect("readable").run,
            second.file_name().expect("named").to_string_lossy()
        );
        let differences = || {
            let manifest = manifest(&latest).expect("readable");
            differences(&latest, &manifest).expect("readable")
        };
        assert_eq!(differences(), Vec::<String>::new());
        fs::write(latest.join("golden/links.csv"), "other").expect("written");
        fs::write(latest.join("extra"), "").expect("written");
        assert_eq!(differences(), ["golden/links.csv: changed", "extra: not part of the run"]);
        #[cfg(unix)]
        assert!(fs::read_link(runs.join(LATEST)).expect("a link").is_relative());
    }

    #[test]
    fn each_run_names_the_one_before_it_and_what_its_manifest_was() {
        let (project, inputs) = project();
        let runs = project.path().join("runs");
        let first = complete(&runs, &inputs);
        assert_eq!(manifest(&first).expect("readable").previous, None);
        let second = complete(&runs, &inputs);
        let previous = manifest(&second).expect("readable").previous.expect("the first");
        assert_eq!(Some(previous.sha256), manifest_digest(&first));
        assert!(first.ends_with(&previous.run), "{}", previous.run);
    }

    #[test]
    fn the_summary_is_for_people() {
        let mut manifest = Manifest::default();
        manifest.counts.insert("records".into(), 1_234_567);
        manifest.counts.insert("person_records".into(), 1_234_560);
        manifest.counts.insert("organisation_records".into(), 7);
        let expected =
            "   1 234 567  records\n   = 1 234 560  of persons\n   +         7  of organisations";
        assert_eq!(manifest.summary(), expected);
        manifest.counts = BTreeMap::from([("files".into(), 1), ("read_files".into(), 1)]);
        assert_eq!(manifest.summary(), "           1  file, read");
        assert!(!manifest.remains());
        manifest.counts.insert("rejected_cells".into(), 1);
        assert!(manifest.remains());
    }

    #[test]
    fn an_unfinished_run_leaves_nothing() {
        let (project, inputs) = project();
        let runs = project.path().join("runs");
        let run = Run::start(&runs, &inputs, true).expect("started");
        store::write(&run.path("crosswalk.csv"), "x").expect("written");
        drop(run);
        assert_eq!(fs::read_dir(&runs).expect("there").count(), 0);
        assert!(matches!(find(&runs, None), Err(Error::NotFound { .. })));
    }

    #[test]
    fn a_folder_with_other_things_is_never_replaced() {
        let (project, inputs) = project();
        let error = Run::start_at(project.path(), &inputs, true).expect_err("it holds a.csv");
        assert!(error.to_string().contains("not empty"), "{error}");
        assert!(project.path().join("a.csv").exists());
    }

    #[test]
    fn a_file_is_no_place_for_a_result() {
        let (_project, inputs) = project();
        let file = &inputs[0].0;
        let error = Run::start_at(file, &inputs, true).expect_err("it is a file");
        assert!(error.to_string().contains("no folder"), "{error}");
        assert_eq!(fs::read_to_string(file).expect("still there"), "name\nAnn\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_above_is_followed_once() {
        let (project, _) = project();
        std::os::unix::fs::symlink(".", project.path().join("again")).expect("linked");
        let names: Vec<_> =
            files_below(project.path()).expect("readable").into_iter().map(|f| f.1).collect();
        assert_eq!(names, ["a.csv"]);
    }

    #[test]
    fn an_earlier_result_is_replaced_whole() {
        let (project, inputs) = project();
        let out = project.path().join("out");
        for name in ["one", "two"] {
            let run = Run::start_at(&out, &inputs, true).expect("started");
            store::write(&run.path(name), "").expect("written");
            run.finish().expect("finished");
            store::write(&project.path().join("out.old/mine"), "").expect("written");
        }
        assert!(out.join("two").exists() && !out.join("one").exists());
        assert!(project.path().join("out.old/mine").exists());
    }

    #[test]
    fn an_input_that_is_not_there_is_noted_without_a_digest() {
        let (project, _) = project();
        let missing = vec![(project.path().join("none.csv"), "none.csv".to_owned())];
        assert_eq!(digests(&missing)[0].sha256, None);
    }
}
