//! Chooses which pairs of records are worth comparing: clean records -> candidate pairs.
//!
//! Each rule of the pool ([`keys`]) puts records that have something in common into blocks. A block
//! that is too large for the pair budget is refined by a second key, never dropped in silence.

mod keys;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    coded::CodedRecords,
    error::Result,
    model::Kind,
    pairs::{CandidatePairs, Rule, pairs_of},
    progress::Progress,
    table::Staged,
};

/// The `[block]` section of `orpailleur.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Settings {
    /// Pairs that one rule may produce, per record, and as many again by refining its largest blocks.
    /// Default: 4.
    pub pairs_per_record: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { pairs_per_record: 4 }
    }
}

/// The numbers of [`run`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Each rule and the pairs its blocks hold, those of earlier rules included.
    pub rules: Vec<(String, u64)>,
    /// Rules of which pairs were left out in the end, and about how many: a sample shows that next to none of those
    /// that have no more in common match.
    pub left_out: Vec<(String, u64)>,
    /// Records that are in no block of any rule: nothing is like them.
    pub alone: u64,
    /// Records, summed over the rules, of blocks that stayed too large even when refined: what they have
    /// in common with so many others was not compared.
    pub uncovered: u64,
    /// Pairs that could be compared without blocking.
    pub possible_pairs: u64,
}

/// Up to this many pairs, all are compared and nothing can be lost by blocking.
const COMPARE_ALL: u64 = 500_000;

/// Chooses the candidate pairs among `records` of `kind`; pairs are in positions of its members. `people` holds for
/// each member the names of persons that its row names beside it. `source` is each member's source when only
/// pairs across sources count.
pub fn run(
    records: &CodedRecords<'_>,
    kind: Kind,
    people: &[Vec<String>],
    source: Option<Vec<u32>>,
    settings: &Settings,
    progress: &Progress,
) -> Result<Staged<CandidatePairs, Metrics>> {
    let count = records.len();
    let mut rules = Vec::new();
    if pairs_of(count as u64) <= COMPARE_ALL {
        let keys = (0..count as u32).map(|record| (0, record)).collect();
        rules.push(Rule::new("all pairs", keys));
    } else {
        let facets = keys::Facets::new(records, people);
        let pool = keys::pool(kind, &facets);
        progress.expect(pool.len() as u64);
        for rule in pool {
            progress.check()?;
            let keys = rule.sorted_keys(count);
            let mut blocks = within_budget(keys, &facets, settings.pairs_per_record * count as u64);
            if blocks.pairs() > 0 {
                (blocks.name, blocks.facet) = (rule.name, rule.facet);
                rules.push(blocks);
            }
            progress.advance(1);
        }
    }
    let candidates = CandidatePairs::new(count, rules, source);
    let metrics = Metrics {
        rules: candidates.rules.iter().map(|r| (r.name.clone(), r.pairs)).collect(),
        left_out: Vec::new(),
        alone: candidates.alone(),
        uncovered: candidates.rules.iter().map(|r| r.uncovered).sum(),
        possible_pairs: candidates.possible(),
    };
    Ok(Staged { table: candidates, metrics })
}

/// The blocks of sorted keys up to the size that the budget allows; the records of larger blocks are
/// grouped again by that key and a second one.
fn within_budget(keys: Vec<(u64, u32)>, facets: &keys::Facets, budget: u64) -> Rule {
    let limit = largest_block(&keys, budget);
    let mut rule = Rule::default();
    let (mut refined, mut second) = (Vec::new(), Vec::new());
    for block in keys.chunk_by(|a, b| a.0 == b.0) {
        if block.len() as u64 <= limit {
            rule.push(block);
            continue;
        }
        for &(key, record) in block {
            second.clear();
            keys::refinements(facets, record, &mut second);
            refined.extend(second.iter().map(|second| (key.rotate_left(17) ^ second, record)));
        }
    }
    refined.par_sort_unstable();
    refined.dedup();
    let limit = largest_block(&refined, budget);
    let mut left_out = vec![false; facets.records()];
    for block in refined.chunk_by(|a, b| a.0 == b.0) {
        if block.len() as u64 <= limit {
            rule.push(block);
        } else {
            block.iter().for_each(|&(_, record)| left_out[record as usize] = true);
        }
    }
    rule.uncovered = left_out.into_iter().filter(|&left_out| left_out).count() as u64;
    rule
}

/// The largest block size such that all blocks up to it hold at most `budget` pairs.
fn largest_block(sorted_keys: &[(u64, u32)], budget: u64) -> u64 {
    let mut sizes: Vec<u64> =
        sorted_keys.chunk_by(|a, b| a.0 == b.0).map(|block| block.len() as u64).collect();
    sizes.sort_unstable();
    let mut pairs = 0;
    for sizes in sizes.chunk_by(|a, b| a == b) {
        pairs += sizes.len() as u64 * pairs_of(sizes[0]);
        if pairs > budget {
            return sizes[0] - 1;
        }
    }
    u64::MAX
}
