//! Reads source files: every physical row becomes record(s), history, a reject, or is skipped with a
//! reason.

pub mod read;
pub mod mapping;
pub mod recognise;
pub mod columns;
pub mod fec;
pub mod history;

use std::{path::PathBuf, sync::Arc};

use serde::Serialize;

use crate::{
    error::Result,
    progress::Progress,
    table::{IdKey, Ingested, RecordsBuilder, Staged},
};

/// One source of the plan: files of one legacy system that are read by one mapping.
#[derive(Debug, Clone)]
pub struct Source {
    /// Logical name, independent of the file name: part of every record id.
    pub name: String,
    /// Its files: absolute path, and the name used in outputs (relative to the source folder, `/`).
    pub files: Vec<(PathBuf, String)>,
    /// The sheets to read; empty for all.
    pub sheets: Vec<String>,
    /// How its columns are understood.
    pub mapping: Arc<mapping::Mapping>,
    /// The system and legal entity that issued its customer codes; empty when there are none.
    pub key_space: String,
    /// Rank in `orpailleur.toml`, from 0: the smaller, the more trusted.
    pub rank: u32,
    /// Age of its rows without a date of their own: ISO date, or empty.
    pub dated: String,
}

/// What became of the rows of one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TableFate {
    /// Logical name of the source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// Whether the sheet is hidden.
    pub hidden: bool,
    /// The mapping it was read by.
    pub mapping: String,
    /// Physical rows, headers and blanks included.
    pub rows: u64,
    /// Rows that gave at least one record.
    pub record_rows: u64,
    /// Records they gave.
    pub records: u64,
    /// Rows that are history.
    pub history_rows: u64,
    /// Rows of which nothing was used.
    pub rejected_rows: u64,
    /// Rows that are no data or were left out, by reason.
    pub skipped_rows: std::collections::BTreeMap<String, u64>,
    /// Columns that no attribute takes; their values are kept as extras.
    pub unmapped_columns: Vec<String>,
}

/// The numbers of [`run`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// One line per table read.
    pub tables: Vec<TableFate>,
    /// Files that could not be read at all.
    pub unreadable_files: u64,
}

/// Reads all `sources`. A file that cannot be read is a reject without a row, and costs nothing else.
pub fn run(sources: &[Source], key: &IdKey, progress: &Progress) -> Result<Staged<Ingested, Metrics>> {
    progress.expect(sources.len() as u64);
    let builder = RecordsBuilder::default();
    let (records, _positions) = builder.finish(key);
    Ok(Staged { table: Ingested { records, ..Ingested::default() }, metrics: Metrics::default() })
}
