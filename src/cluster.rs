//! Gathers matching records into entities.

use serde::Serialize;

/// The numbers of the stage, per kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Records.
    pub records: u64,
    /// Clusters.
    pub clusters: u64,
    /// Number of clusters by size.
    pub sizes: std::collections::BTreeMap<u64, u64>,
    /// Pairs that wait for a human, by reason.
    pub review: std::collections::BTreeMap<String, u64>,
}
