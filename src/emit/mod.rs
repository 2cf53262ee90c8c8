//! Writes the load package of the target CRM: its files in order, within its limits, and `LOAD.md`.
//!
//! What is special about a CRM stands in its mapping file ([`mapping::Target`]); this module knows none
//! by name. Nothing is dropped in silence: a value that does not fit, a required value that is missing,
//! a reference that leads nowhere are lines of `misfits.csv`, and whoever is in no file is counted.
//! Whom nothing is known to have agreed is written as not to be contacted.

pub mod mapping;

mod cell;
mod consent;
mod guide;
mod object;
mod parts;
mod path;
mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::Serialize;

use self::{
    consent::Verdict,
    mapping::{EmptyColumns, Object, Orphans, RowsOf, Target},
    object::{Built, Sheet, Written},
    parts::Parts,
    source::{Row, Source},
};
use crate::{
    error::{Error, Problem, Result},
    model::Kind,
    progress::Progress,
    store,
    table::{Channel, Golden, Origin},
};

/// What one load file holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FileMetrics {
    /// The file's name in `load/<target>/`.
    pub file: String,
    /// The object it loads.
    pub object: String,
    /// Rows, header excluded.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A golden value that did not fit the target.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Misfit {
    /// Golden id.
    pub golden_id: String,
    /// The target's object.
    pub object: String,
    /// The target's column; empty where the value has none.
    pub column: String,
    /// `cut`, `too_long`, `moved`, `missing_required`, `not_in_pick_list`, `partial_date`, `not_a_number`,
    /// `not_a_boolean`, `forbidden_character`, `reserved_value`, `dangling_reference`, `shared_value`, `no_room`,
    /// `left_out`.
    pub problem: String,
    /// What was done.
    pub message: String,
}

/// The numbers of [`run`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// The target's name.
    pub target: String,
    /// The load files, in load order.
    pub files: Vec<FileMetrics>,
    /// Golden persons and organisations that stand in a load file, counted as they are written.
    pub loaded: u64,
    /// Golden persons and organisations that are in no load file, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// Contact points whose unknown consent was written as do-not-contact, by channel.
    pub unknown_as_no: BTreeMap<String, u64>,
    /// Golden persons who are deceased and in a load file: none of them may be contacted.
    pub deceased: u64,
    /// Values that did not fit.
    pub misfits: Vec<Misfit>,
    /// Persons without a present organisation.
    pub orphans: u64,
    /// Cells that the target demands and that hold a marked placeholder, by `Object.Column`.
    pub placeholders: BTreeMap<String, u64>,
    /// Attributes that the target has no column for, with the golden records that have a value.
    pub unmapped: BTreeMap<String, u64>,
    /// Columns of the sources that no attribute takes, of which the target knows nothing either.
    pub unknown_columns: BTreeSet<String>,
    /// Contact points of no golden record, in `suppression.csv`.
    pub suppressed: u64,
    /// Rows of history, which no load file takes, by kind.
    pub history: BTreeMap<String, HistoryRows>,
}

/// How many rows of history there are of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct HistoryRows {
    /// In all.
    pub rows: u64,
    /// With the golden record that they hang on.
    pub attached: u64,
}

/// Writes the load package of `target` into `folder`.
///
/// `origins` are those of the records the golden values came from ([`crate::table::Records::origins`]):
/// they say which address is for billing and which number is at home. Fails when the target makes no
/// sense ([`Target::check`]) or the folder cannot be written.
pub fn run(
    golden: &Golden,
    origins: &[Origin],
    target: &Target,
    unknown_columns: BTreeSet<String>,
    folder: &Path,
    progress: &Progress,
) -> Result<Metrics> {
    let problems = target.check();
    if !problems.is_empty() {
        return Err(Error::Settings { problems });
    }
    store::create_folder(folder)?;

    let orphans_account =
        (target.orphans == Orphans::Placeholder).then_some(target.orphans_account.as_str());
    let source = Source::new(golden, origins, orphans_account);
    let mut package = Package {
        target,
        folder,
        progress,
        metrics: Metrics {
            target: target.name.clone(),
            history: history_rows(golden),
            unknown_columns,
            ..Metrics::default()
        },
        digests: Vec::new(),
        written: Written::new(),
        refused: BTreeMap::new(),
        unknown: BTreeSet::new(),
        deceased: BTreeSet::new(),
        mapped: BTreeSet::new(),
        loaded: BTreeSet::new(),
    };
    for object in &target.objects {
        package.object(object, &source)?;
    }
    package.finish(&source)
}

fn history_rows(golden: &Golden) -> BTreeMap<String, HistoryRows> {
    let mut kinds: BTreeMap<String, HistoryRows> = BTreeMap::new();
    for row in &golden.history {
        let of = kinds.entry(row.kind.clone()).or_default();
        of.rows += 1;
        of.attached += u64::from(!row.golden_id.is_empty());
    }
    kinds
}

/// A load package being written.
struct Package<'a> {
    target: &'a Target,
    folder: &'a Path,
    progress: &'a Progress,
    metrics: Metrics,
    /// SHA-256 of each of `metrics.files`.
    digests: Vec<String>,
    written: Written,
    /// Why a golden record was left out of a file.
    refused: BTreeMap<String, String>,
    /// Contact points that were refused because nothing is known.
    unknown: BTreeSet<(Channel, String)>,
    /// Golden ids of persons who are deceased, and in some file.
    deceased: BTreeSet<String>,
    /// Attributes that some column writes.
    mapped: BTreeSet<(Kind, String)>,
    /// Golden ids that stand in some file.
    loaded: BTreeSet<String>,
}

/// Which rows share a value of which the target makes one row.
struct Shared<'t> {
    /// Position among the headers, and header, of the columns that must not repeat.
    columns: Vec<(usize, &'t str)>,
    /// By column and value in small letters the golden ids of the rows.
    rows: BTreeMap<(usize, String), Vec<String>>,
}

impl<'t> Shared<'t> {
    fn of(object: &'t Object) -> Shared<'t> {
        let is_unique = |header: &str| {
            object.columns.iter().any(|column| column.unique && column.header.get_ref() == header)
        };
        let columns = object.headers().enumerate().filter(|(_, header)| is_unique(header));
        Shared { columns: columns.collect(), rows: BTreeMap::new() }
    }

    fn note(&mut self, cells: &[String], golden_id: &str) {
        for &(at, _) in &self.columns {
            if let Some(cell) = cells.get(at).filter(|cell| !cell.is_empty()) {
                let rows = self.rows.entry((at, cell.to_lowercase())).or_default();
                rows.push(golden_id.to_owned());
            }
        }
    }

    /// A line for each row that shares a value with others.
    fn misfits(self, object: &Object) -> Vec<Misfit> {
        let header = |at: usize| self.columns.iter().find(|(column, _)| *column == at);
        let repeated = self.rows.iter().filter(|(_, ids)| ids.len() > 1);
        let lines = repeated.flat_map(|((at, _), ids)| {
            ids.iter().map(|id| Misfit {
                golden_id: id.clone(),
                object: object.object.clone(),
                column: header(*at).map_or("", |(_, header)| header).to_owned(),
                problem: "shared_value".to_owned(),
                message: format!("{} rows have it: the target makes one of them", ids.len()),
            })
        });
        lines.collect()
    }
}

impl Package<'_> {
    /// Writes the files of one object.
    fn object(&mut self, object: &Object, source: &Source<'_>) -> Result<()> {
        let sheet = Sheet::new(object, self.target).map_err(|bad| {
            let place = self.target.path.display().to_string();
            let problem = Problem { place, message: bad.message, hint: bad.hint };
            Error::Settings { problems: vec![problem] }
        })?;
        if let Some(kind) = kind_of(object.rows) {
            self.mapped.extend(sheet.attributes().into_iter().map(|name| (kind, name.to_owned())));
        }
        let points = match object.channel {
            Some(channel) => consent::contact_points(source.golden, &source.consents, channel),
            None => Vec::new(),
        };
        let rows = sheet.rows(source, &points);
        self.progress.expect(rows.len() as u64);

        let keep = self.columns_to_write(&sheet, source, &rows);
        let rules = &self.target.file;
        let limits = (object.max_rows.or(rules.max_rows), object.max_bytes.or(rules.max_bytes));
        let headers =
            object.headers().zip(&keep).filter(|(_, keep)| **keep).map(|(header, _)| header);
        let mut parts = Parts::new(self.folder, &object.file, rules, limits, headers);
        let mut shared = Shared::of(object);
        for (at, row) in rows.iter().enumerate() {
            if at % 1024 == 0 {
                self.progress.check()?;
            }
            self.progress.advance(1);
            let built = sheet.build(source, *row, &self.written);
            let cells = built.cells.iter().zip(&keep).filter(|(_, keep)| **keep);
            if built.left_out.is_none() {
                parts.row(cells.map(|(cell, _)| cell.as_str()))?;
                shared.note(&built.cells, source.id_of(*row));
                self.note_written(&sheet, source, *row);
            }
            self.note_misfits(object, source.id_of(*row), built);
        }
        self.metrics.misfits.extend(shared.misfits(object));
        for part in parts.finish()? {
            self.metrics.files.push(FileMetrics {
                file: part.file,
                object: object.object.clone(),
                rows: part.rows,
                bytes: part.bytes,
            });
            self.digests.push(part.sha256);
        }
        Ok(())
    }

    /// Which columns are written: all, or those that hold a value in some row.
    fn columns_to_write<'s>(
        &mut self,
        sheet: &Sheet<'_>,
        source: &Source<'s>,
        rows: &[Row<'s>],
    ) -> Vec<bool> {
        let headers = sheet.object.headers().count();
        if self.target.file.empty_columns == EmptyColumns::Keep {
            return vec![true; headers];
        }
        let mut filled = vec![false; headers];
        let name = sheet.object.name.get_ref();
        for row in rows {
            let built = sheet.build(source, *row, &self.written);
            if built.left_out.is_none() {
                filled
                    .iter_mut()
                    .zip(&built.cells)
                    .for_each(|(filled, cell)| *filled |= !cell.is_empty());
                self.written.entry(name.clone()).or_default().insert(source.id_of(*row).to_owned());
            }
        }
        // They are written in the second pass, and may then be referred to one after the other.
        self.written.remove(name);
        // The key stays even where there is no row.
        let is_key = |header: &str| sheet.object.key.as_deref() == Some(header);
        sheet
            .object
            .headers()
            .zip(filled)
            .map(|(header, filled)| filled || is_key(header))
            .collect()
    }

    /// Notes that a row is in a file: it may be referred to, and what it says of consent counts.
    fn note_written<'s>(&mut self, sheet: &Sheet<'_>, source: &Source<'s>, row: Row<'s>) {
        if let Row::Golden(..) | Row::OrphansAccount = row {
            let ids = self.written.entry(sheet.object.name.get_ref().clone()).or_default();
            ids.insert(source.id_of(row).to_owned());
        }
        match row {
            Row::Golden(kind, i) => {
                self.metrics.loaded += u64::from(self.loaded.insert(source.id_of(row).to_owned()));
                let records = source.records(kind);
                if source.consents.is_deceased(source.id_of(row)) {
                    self.deceased.insert(source.id_of(row).to_owned());
                }
                for channel in sheet.flags() {
                    if source.consents.verdict(records, i, channel) == Verdict::Unknown {
                        let points = source.consents.unknown_points(records, i, channel);
                        self.unknown
                            .extend(points.into_iter().map(|point| (channel, point.to_owned())));
                    }
                }
            }
            Row::ContactPoint(point) if point.state.is_none() && !point.deceased => {
                self.unknown.insert((point.channel, point.value.to_owned()));
            }
            _ => {}
        }
    }

    fn note_misfits(&mut self, object: &Object, golden_id: &str, built: Built) {
        let misfit = |column: String, problem: &str, message: String| Misfit {
            golden_id: golden_id.to_owned(),
            object: object.object.clone(),
            column,
            problem: problem.to_owned(),
            message,
        };
        if let Some(reason) = built.left_out {
            let reason = format!("{}: {reason}", object.object);
            self.metrics.misfits.push(misfit(String::new(), "left_out", reason.clone()));
            if kind_of(object.rows).is_some() {
                self.refused.entry(golden_id.to_owned()).or_insert(reason);
            }
            return;
        }
        for (column, problem, message) in built.misfits {
            if problem == "missing_required" {
                *self
                    .metrics
                    .placeholders
                    .entry(format!("{}.{column}", object.object))
                    .or_default() += 1;
            }
            self.metrics.misfits.push(misfit(column, problem, message));
        }
    }

    /// Counts what is in no file, and writes the files that go with every package.
    fn finish(mut self, source: &Source<'_>) -> Result<Metrics> {
        let golden = source.golden;
        for (kind, records) in
            [(Kind::Organisation, &golden.organisations), (Kind::Person, &golden.persons)]
        {
            let mut files = self.target.objects.iter().filter(|o| kind_of(o.rows) == Some(kind));
            let names: Vec<&str> = files.by_ref().map(|o| o.name.get_ref().as_str()).collect();
            let is_written = |id: &String| {
                names.iter().any(|name| self.written.get(*name).is_some_and(|ids| ids.contains(id)))
            };
            for id in records.ids.iter().filter(|id| !is_written(id)) {
                let reason = self.refused.get(id).cloned();
                let reason =
                    reason.unwrap_or_else(|| format!("no object takes the kind {}", kind.as_str()));
                *self.metrics.left_out.entry(reason).or_default() += 1;
            }
        }
        for reason in golden.withheld.values() {
            *self.metrics.left_out.entry((*reason).to_owned()).or_default() += 1;
        }
        self.metrics.deceased = self.deceased.len() as u64;
        for (channel, _) in &self.unknown {
            *self.metrics.unknown_as_no.entry(channel.as_str().to_owned()).or_default() += 1;
        }
        let persons = golden.persons.ids.iter();
        self.metrics.orphans = persons.filter(|id| source.current(id).is_none()).count() as u64;
        for ((kind, attribute), count) in source.filled() {
            if count > 0 && !self.mapped.contains(&(kind, attribute.to_owned())) {
                let name = format!("{} {attribute}", kind.as_str());
                *self.metrics.unmapped.entry(name).or_default() += count;
            }
        }
        self.write_lists(golden)?;
        store::write(&self.folder.join("LOAD.md"), guide::write(self.target, &self.metrics))?;
        Ok(self.metrics)
    }

    fn write_lists(&mut self, golden: &Golden) -> Result<()> {
        let mut suppressed = golden.suppressed.clone();
        suppressed.sort();
        self.metrics.suppressed = suppressed.len() as u64;
        let lines = suppressed
            .iter()
            .map(|(hash, channel, state)| (channel.as_str(), state.as_str(), hash));
        let path = self.folder.join("suppression.csv");
        store::write_csv(&path, &["channel", "state", "hash"], lines)?;

        let path = self.folder.join("misfits.csv");
        let header = ["golden_id", "object", "column", "problem", "message"];
        store::write_csv(&path, &header, &self.metrics.misfits)?;

        let files = self.metrics.files.iter().zip(&self.digests).enumerate();
        let lines =
            files.map(|(at, (f, sha256))| (at + 1, &f.file, &f.object, f.rows, f.bytes, sha256));
        let path = self.folder.join("files.csv");
        store::write_csv(&path, &["order", "file", "object", "rows", "bytes", "sha256"], lines)
    }
}

/// The kind of golden record that the rows are, if they are golden records.
fn kind_of(rows: RowsOf) -> Option<Kind> {
    match rows {
        RowsOf::Organisation => Some(Kind::Organisation),
        RowsOf::Person => Some(Kind::Person),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
