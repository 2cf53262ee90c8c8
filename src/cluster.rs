//! Gathers matching records into entities: scored pairs -> one cluster per record.
//!
//! Pairs merge from the strongest down. A merge is refused when the two clusters hold values that
//! one entity cannot have both, or when their records contradict each other more than they agree:
//! no chain of pairs brings together what must stay apart. What is refused waits for a human.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::table::{Pair, Review};

/// A value that bounds clusters, for each record.
#[derive(Debug, Clone)]
pub enum Bound {
    /// A cluster holds at most one of these values; records without one go anywhere.
    AtMostOne {
        /// Why a merge is refused: the review's reason.
        reason: &'static str,
        /// For each record its value.
        values: Vec<Option<u32>>,
    },
    /// A cluster holds at most one value that two witnesses give: one alone may be a mistake.
    AtMostOneConfirmed {
        /// Why a merge is refused: the review's reason.
        reason: &'static str,
        /// For each record its value and who gives it.
        values: Vec<Option<(u32, u32)>>,
    },
    /// A cluster holds each of these values at most once.
    NoRepeat {
        /// Why a merge is refused: the review's reason.
        reason: &'static str,
        /// For each record its value.
        values: Vec<Option<u32>>,
    },
}

/// The numbers of [`run`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Records.
    pub records: u64,
    /// Clusters.
    pub clusters: u64,
    /// Number of clusters by size.
    pub sizes: BTreeMap<u64, u64>,
    /// Pairs that wait for a human, by reason.
    pub review: BTreeMap<String, u64>,
}

/// What clustering gives: for each record the first record of its cluster, and what waits.
#[derive(Debug, Clone, Default)]
pub struct Clustered {
    /// For each record the smallest record of its cluster.
    pub first: Vec<u32>,
    /// Pairs that a human should look at, sorted.
    pub review: Vec<Review>,
}

/// Evidence in hundredths of a bit from which a pair of records speaks for or against its cluster.
pub const SPEAKS_CENTIBITS: i32 = 500;
/// Records of each side that are asked before two clusters merge.
const ASKED: usize = 24;

/// Gives each of `records` records exactly one cluster. `pairs` are all pairs worth a thought; those
/// from `merge_centibits` on merge if `bounds` and the other records of their clusters allow it.
/// `evidence` gives what two records say by themselves, in hundredths of a bit.
pub fn run(
    records: usize,
    mut pairs: Vec<Pair>,
    merge_centibits: i32,
    bounds: &[Bound],
    evidence: impl Fn(u32, u32) -> i32,
) -> (Clustered, Metrics) {
    pairs.sort_unstable_by_key(|p| (-p.weight_centibits, p.left, p.right));
    let mut forest = Forest::new(records, bounds);
    let mut review = Vec::new();
    for pair in &pairs {
        let (a, b) = (forest.root(pair.left), forest.root(pair.right));
        if a == b {
            continue;
        }
        let waits = if pair.weight_centibits < merge_centibits {
            Some("doubtful")
        } else if let Some(reason) = forest.forbidden(a, b) {
            Some(reason)
        } else if contradicts(&forest.members[a as usize], &forest.members[b as usize], &evidence) {
            Some("contradiction")
        } else {
            forest.merge(a, b);
            None
        };
        if let Some(reason) = waits {
            review.push(Review {
                left: pair.left,
                right: pair.right,
                weight_centibits: pair.weight_centibits,
                reason: reason.to_owned(),
            });
        }
    }
    // Merges that came later may have settled what waited; and of all pairs between two clusters a
    // human need look at one only, the strongest, which came first.
    let mut asked = BTreeSet::new();
    review.retain(|r: &Review| {
        let (a, b) = (forest.root(r.left), forest.root(r.right));
        a != b && asked.insert((a.min(b), a.max(b)))
    });
    review.sort_unstable();
    let clustered = Clustered { first: forest.firsts(), review };
    let metrics = Metrics::of(&clustered);
    (clustered, metrics)
}

/// Whether the records of two clusters speak against each other more often than for each other.
fn contradicts(a: &[u32], b: &[u32], evidence: &impl Fn(u32, u32) -> i32) -> bool {
    if a.len() == 1 && b.len() == 1 {
        return false;
    }
    let (mut against, mut in_favour) = (0, 0);
    for &x in a.iter().take(ASKED) {
        for &y in b.iter().take(ASKED) {
            match evidence(x.min(y), x.max(y)) {
                e if e <= -SPEAKS_CENTIBITS => against += 1,
                e if e >= SPEAKS_CENTIBITS => in_favour += 1,
                _ => {}
            }
        }
    }
    against > in_favour
}

/// Disjoint sets that know their members and their bounded values.
struct Forest<'a> {
    parent: Vec<u32>,
    members: Vec<Vec<u32>>,
    bounds: &'a [Bound],
    /// For each bound, the sorted values of each root's cluster; a value with its witness is one number.
    held: Vec<Vec<Vec<u64>>>,
}

impl<'a> Forest<'a> {
    fn new(records: usize, bounds: &'a [Bound]) -> Forest<'a> {
        let held = bounds.iter().map(|bound| match bound {
            Bound::AtMostOne { values, .. } | Bound::NoRepeat { values, .. } => {
                values.iter().map(|v| v.iter().map(|&v| v.into()).collect()).collect()
            }
            Bound::AtMostOneConfirmed { values, .. } => {
                let number =
                    |&(value, witness): &(u32, u32)| u64::from(value) << 32 | u64::from(witness);
                values.iter().map(|v| v.iter().map(number).collect()).collect()
            }
        });
        Forest {
            parent: (0..records as u32).collect(),
            members: (0..records as u32).map(|r| vec![r]).collect(),
            bounds,
            held: held.collect(),
        }
    }

    fn root(&mut self, record: u32) -> u32 {
        let mut at = record;
        while self.parent[at as usize] != at {
            let above = self.parent[self.parent[at as usize] as usize];
            self.parent[at as usize] = above;
            at = above;
        }
        at
    }

    fn forbidden(&self, a: u32, b: u32) -> Option<&'static str> {
        self.bounds.iter().zip(&self.held).find_map(|(bound, held)| {
            let (mine, yours) = (&held[a as usize], &held[b as usize]);
            match bound {
                Bound::AtMostOne { reason, .. } => {
                    (!mine.is_empty() && !yours.is_empty() && mine != yours).then_some(*reason)
                }
                Bound::AtMostOneConfirmed { reason, .. } => {
                    (!mine.is_empty() && !yours.is_empty() && confirmed(mine, yours) > 1)
                        .then_some(*reason)
                }
                Bound::NoRepeat { reason, .. } => {
                    mine.iter().any(|v| yours.binary_search(v).is_ok()).then_some(*reason)
                }
            }
        })
    }

    fn merge(&mut self, a: u32, b: u32) {
        let (small, large) = if self.members[a as usize].len() < self.members[b as usize].len() {
            (a, b)
        } else {
            (b, a)
        };
        self.parent[small as usize] = large;
        let moved = std::mem::take(&mut self.members[small as usize]);
        let members = &mut self.members[large as usize];
        members.extend(moved);
        members.sort_unstable();
        for held in &mut self.held {
            let moved = std::mem::take(&mut held[small as usize]);
            let values = &mut held[large as usize];
            values.extend(moved);
            values.sort_unstable();
            values.dedup();
        }
    }

    fn firsts(&self) -> Vec<u32> {
        let mut firsts = vec![0; self.parent.len()];
        for members in &self.members {
            for &member in members {
                firsts[member as usize] = members[0];
            }
        }
        firsts
    }
}

/// How many values have two witnesses or more in two clusters together.
fn confirmed(mine: &[u64], yours: &[u64]) -> usize {
    let mut all = [mine, yours].concat();
    all.sort_unstable();
    all.dedup();
    all.chunk_by(|a, b| a >> 32 == b >> 32).filter(|witnesses| witnesses.len() > 1).count()
}

impl Metrics {
    fn of(clustered: &Clustered) -> Metrics {
        let mut size_of: BTreeMap<u32, u64> = BTreeMap::new();
        for &first in &clustered.first {
            *size_of.entry(first).or_default() += 1;
        }
        let mut metrics = Metrics {
            records: clustered.first.len() as u64,
            clusters: size_of.len() as u64,
            ..Metrics::default()
        };
        for size in size_of.into_values() {
            *metrics.sizes.entry(size).or_default() += 1;
        }
        for review in &clustered.review {
            *metrics.review.entry(review.reason.clone()).or_default() += 1;
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(left: u32, right: u32, bits: i32) -> Pair {
        Pair { left, right, weight_centibits: bits * 100 }
    }

    fn clustered(pairs: &[(u32, u32, i32)], bounds: &[Bound]) -> Vec<u32> {
        let pairs = pairs.iter().map(|&(a, b, bits)| pair(a, b, bits)).collect();
        run(5, pairs, 300, bounds, |_, _| 0).0.first
    }

    #[test]
    fn a_chain_of_accepted_pairs_is_one_cluster() {
        assert_eq!(clustered(&[(0, 1, 12), (1, 2, 9), (3, 4, 1)], &[]), [0, 0, 0, 3, 4]);
    }

    #[test]
    fn no_chain_joins_two_different_legal_numbers() {
        let bound = Bound::AtMostOne {
            reason: "legal_number",
            values: vec![Some(1), None, Some(2), None, None],
        };
        let (found, metrics) = run(5, vec![pair(0, 1, 12), pair(1, 2, 9)], 300, &[bound], |_, _| 0);
        assert_eq!(found.first, [0, 0, 2, 3, 4]);
        assert_eq!(metrics.review["legal_number"], 1);
    }

    #[test]
    fn two_birth_dates_of_two_witnesses_each_are_of_two_persons() {
        let given = |values| [Bound::AtMostOneConfirmed { reason: "birth_dates", values }];
        let chain = [(0, 1, 12), (2, 3, 11), (1, 2, 9)];
        let sure = given(vec![Some((1, 1)), Some((1, 2)), Some((2, 1)), Some((2, 2)), None]);
        assert_eq!(clustered(&chain, &sure), [0, 0, 2, 2, 4]);
        let doubtful = given(vec![Some((1, 1)), Some((1, 2)), Some((2, 1)), Some((2, 1)), None]);
        assert_eq!(clustered(&chain, &doubtful), [0, 0, 0, 0, 4]);
    }

    #[test]
    fn with_one_to_one_a_cluster_takes_one_record_of_each_source() {
        let bound = Bound::NoRepeat {
            reason: "one_to_one",
            values: vec![Some(1), Some(2), Some(1), None, None],
        };
        assert_eq!(clustered(&[(0, 1, 12), (1, 2, 9)], &[bound]), [0, 0, 2, 3, 4]);
    }

    #[test]
    fn a_chain_whose_ends_contradict_is_cut() {
        let evidence = |a, b| if (a, b) == (0, 2) || (a, b) == (0, 3) { -900 } else { 100 };
        let pairs = vec![pair(0, 1, 12), pair(2, 3, 11), pair(1, 2, 5)];
        let (found, metrics) = run(4, pairs, 300, &[], evidence);
        assert_eq!(found.first, [0, 0, 2, 2]);
        assert_eq!(metrics.review["contradiction"], 1);
    }

    proptest! {
        #[test]
        fn the_order_of_pairs_never_matters(
            pairs in proptest::collection::vec((0u32..12, 0u32..12, -5i32..20), 0..40),
        ) {
            let pairs: Vec<Pair> = pairs.iter().filter(|p| p.0 < p.1).map(|p| pair(p.0, p.1, p.2)).collect();
            let reversed: Vec<Pair> = pairs.iter().rev().copied().collect();
            let values = (0..12).map(|r| (r % 3 == 0).then_some(r / 6)).collect();
            let bounds = [Bound::AtMostOne { reason: "x", values }];
            let evidence = |a: u32, b: u32| if (a + b).is_multiple_of(5) { -700 } else { 700 };
            let (one, other) = (
                run(12, pairs, 300, &bounds, evidence).0,
                run(12, reversed, 300, &bounds, evidence).0,
            );
            prop_assert_eq!(one.first, other.first);
        }
    }
}
