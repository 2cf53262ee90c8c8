//! How many different values each source has, counted by polars over the tables on disk.
//!
//! The tables are those that the run keeps (`tables/records.parquet`, `tables/clean.parquet`): one line
//! per record, and for each attribute a list of `{value, origin}`. Only whole numbers are taken from
//! polars, and where a table was not kept there are none.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

#[cfg(feature = "polars")]
use polars::prelude::*;

use super::figures::Quality;
use crate::table::Records;

/// Different values by source, kind and attribute; the source is `None` for all sources together.
type Counts = BTreeMap<(Option<String>, String, String), u64>;

/// The numbers of values that only a look at all of them gives.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    raw: Counts,
    clean: Counts,
}

impl Profile {
    /// Scans the tables in `folder` that are there.
    pub(super) fn scan(folder: &Path, raw: &Records, clean: &Records) -> Profile {
        Profile {
            raw: scan_if_kept(&folder.join("records.parquet"), raw),
            clean: scan_if_kept(&folder.join("clean.parquet"), clean),
        }
    }

    /// Different values of one source.
    pub(super) fn of(&self, source: &str, kind: &str, attribute: &str) -> Quality {
        self.look_up(Some(source.to_owned()), kind, attribute)
    }

    /// Different values of all sources together.
    pub(super) fn of_all(&self, kind: &str, attribute: &str) -> Quality {
        self.look_up(None, kind, attribute)
    }

    fn look_up(&self, source: Option<String>, kind: &str, attribute: &str) -> Quality {
        let key = (source, kind.to_owned(), attribute.to_owned());
        Quality {
            distinct_raw: self.raw.get(&key).copied(),
            distinct_clean: self.clean.get(&key).copied(),
            ..Quality::default()
        }
    }
}

/// Built without polars, the program counts nothing here.
#[cfg(not(feature = "polars"))]
fn scan_if_kept(_: &Path, _: &Records) -> Counts {
    Counts::new()
}

/// A report without these counts is better than none, so that a failure is only told.
#[cfg(feature = "polars")]
fn scan_if_kept(path: &Path, records: &Records) -> Counts {
    if !path.is_file() {
        return Counts::new();
    }
    scan(path, records).unwrap_or_else(|error| {
        tracing::warn!(path = %path.display(), %error, "different values were not counted");
        Counts::new()
    })
}

#[cfg(feature = "polars")]
fn scan(path: &Path, records: &Records) -> PolarsResult<Counts> {
    let names: BTreeSet<&str> = records.places.iter().map(|p| p.source.as_str()).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let number = |source: &str| names.binary_search(&source).map_or(u32::MAX, |at| at as u32);
    let sources: Vec<u32> = records.places.iter().map(|place| number(&place.source)).collect();
    let mut counts = Counts::new();
    for attribute in records.columns.keys() {
        // One attribute at a time: memory holds the values of one column only.
        let of_each =
            different(&values_of(path, attribute, &sources)?, &["source", "kind", "value"])?;
        for (source, kind) in of_each.column("source")?.u32()?.iter().zip(kinds(&of_each)?.iter()) {
            let source =
                source.and_then(|at| names.get(at as usize).map(|name| (*name).to_owned()));
            let key = (source, kind.unwrap_or_default().to_owned(), attribute.clone());
            *counts.entry(key).or_default() += 1;
        }
        let of_all = different(&of_each, &["kind", "value"])?;
        for kind in kinds(&of_all)?.iter() {
            let key = (None, kind.unwrap_or_default().to_owned(), attribute.clone());
            *counts.entry(key).or_default() += 1;
        }
    }
    Ok(counts)
}

/// One line for each different group of cells in these columns.
#[cfg(feature = "polars")]
fn different(values: &DataFrame, columns: &[&str]) -> PolarsResult<DataFrame> {
    let columns: Vec<PlSmallStr> = columns.iter().map(|&name| name.into()).collect();
    values.unique_impl(false, Some(columns), UniqueKeepStrategy::Any, None)
}

#[cfg(feature = "polars")]
fn kinds(values: &DataFrame) -> PolarsResult<&StringChunked> {
    values.column("kind")?.str()
}

/// One line per value of an attribute: `source` (its number, by place in `sources`), `kind` and `value`.
#[cfg(feature = "polars")]
fn values_of(path: &Path, attribute: &str, sources: &[u32]) -> PolarsResult<DataFrame> {
    let columns = ["place", "kind", attribute].map(str::to_owned).to_vec();
    let table =
        ParquetReader::new(std::fs::File::open(path)?).with_columns(Some(columns)).finish()?;
    let without_nulls = ExplodeOptions { empty_as_null: false, keep_nulls: false };
    let table = table.explode([attribute], without_nulls)?;
    let source: UInt32Chunked = table
        .column("place")?
        .u32()?
        .iter()
        .map(|place| place.and_then(|place| sources.get(place as usize).copied()))
        .collect();
    let value = table.column(attribute)?.struct_()?.field_by_name("value")?;
    DataFrame::new(
        table.height(),
        vec![
            source.with_name("source".into()).into_column(),
            table.column("kind")?.clone(),
            value.with_name("value".into()).into_column(),
        ],
    )
}
