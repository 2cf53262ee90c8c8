//! How many different values each source has, counted by polars over the tables on disk.
//!
//! The tables are those that the run keeps (`tables/records.parquet`, `tables/clean.parquet`): one line
//! per record, and for each attribute a list of `{value, origin}`. Only whole numbers are taken from
//! polars, and where a table was not kept there are none.

use std::{collections::BTreeMap, path::Path};

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
    let positions: Vec<u32> = (0..records.places.len() as u32).collect();
    let sources: Vec<&str> = records.places.iter().map(|p| p.source.as_str()).collect();
    let places = df!("place" => positions, "source" => sources)?;
    let table =
        LazyFrame::scan_parquet(path.to_string_lossy().as_ref().into(), Default::default())?;
    let without_nulls = ExplodeOptions { empty_as_null: false, keep_nulls: false };
    let mut counts = Counts::new();
    // Polars reads a star and what stands between ^ and $ as patterns for names.
    let is_name = |name: &&String| *name != "*" && !name.starts_with('^');
    for attribute in records.columns.keys().filter(is_name) {
        // One attribute at a time: memory holds the values of one column only.
        let values = table
            .clone()
            .select([col("place"), col("kind"), col(attribute)])
            .explode(by_name([attribute.as_str()], true, false), without_nulls)
            .select([
                col("place"),
                col("kind"),
                col(attribute).struct_().field_by_name("value").alias("value"),
            ])
            .filter(col("value").is_not_null())
            .join(
                places.clone().lazy(),
                [col("place")],
                [col("place")],
                JoinArgs::new(JoinType::Left),
            );
        let distinct = || [col("value").n_unique().alias("distinct")];
        let by_source =
            values.clone().group_by([col("source"), col("kind")]).agg(distinct()).collect()?;
        let of_all = values.group_by([col("kind")]).agg(distinct()).collect()?;
        for (frame, has_source) in [(by_source, true), (of_all, false)] {
            let kinds = frame.column("kind")?.str()?.clone();
            let distinct = frame.column("distinct")?.cast(&DataType::UInt64)?;
            for at in 0..frame.height() {
                let source = match has_source {
                    true => frame.column("source")?.str()?.get(at).map(str::to_owned),
                    false => None,
                };
                if let (Some(kind), Some(n)) = (kinds.get(at), distinct.u64()?.get(at)) {
                    counts.insert((source, kind.to_owned(), attribute.clone()), n);
                }
            }
        }
    }
    Ok(counts)
}
