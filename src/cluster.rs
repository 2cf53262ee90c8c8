//! Gathers matching records into entities: scored pairs -> one cluster per record.
//!
//! What a steward found to be one merges first, whatever it weighs and whatever bound it breaks; the broken
//! bound is told. Then pairs merge from the strongest down. A merge is refused when the two clusters hold values
//! that one entity cannot have both, when as wholes they are no match, or when their records contradict each
//! other more than they agree: no chain of pairs brings together what must stay apart. What is refused
//! waits for a human, unless one has decided already.

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
    /// Two clusters whose values contradict each other merge only if the rest of two records that have them
    /// outweighs it: no chain of others brings them together.
    NoContradiction {
        /// Why a merge is refused: the review's reason.
        reason: &'static str,
        /// For each record its value.
        values: Vec<Option<u32>>,
        /// Whether two values contradict each other rather than one being the other with a slip.
        contradict: fn(u32, u32) -> bool,
    },
    /// A cluster holds each of these values at most once.
    NoRepeat {
        /// Why a merge is refused: the review's reason.
        reason: &'static str,
        /// For each record its value.
        values: Vec<Option<u32>>,
    },
}

/// What clusters obey, whatever the pairs say.
#[derive(Debug, Clone, Default)]
pub struct Constraints {
    /// Values that bound clusters.
    pub bounds: Vec<Bound>,
    /// Records that a steward found to be one: they merge before all pairs, and past all bounds.
    pub same: Vec<(u32, u32)>,
    /// Records that a steward found not to be one: each decision has parts, and no record of one part is in a
    /// cluster with one of another. Stronger than `same`.
    pub apart: Vec<Vec<Vec<u32>>>,
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
    /// The pairs again, sorted, with what is known of them in the end.
    pub said: Vec<Said>,
    /// Which of the records that are the [same](Constraints::same) broke which bound when they merged.
    pub overruled: Vec<(usize, &'static str)>,
}

/// What is said of a pair once its clusters are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// The pair; its weight is that of all records of its clusters, not of its own two alone.
    pub pair: Pair,
    /// Whether its records are together.
    pub zone: Zone,
}

/// Where a pair stands in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zone {
    /// Its records are in two clusters.
    Separate,
    /// In two clusters that a human should look at.
    Review,
    /// In one.
    Merged,
}

/// What two records say of each other, and two groups of them.
pub trait Judge {
    /// The match weight of two groups in hundredths of a bit, each taken for one record with the values of all.
    fn together(&self, left: &[u32], right: &[u32]) -> i32;
    /// What two records say by themselves, in hundredths of a bit, whatever the prior.
    fn evidence(&self, left: u32, right: u32) -> i32;
}

/// Evidence in hundredths of a bit from which a pair of records speaks for or against its cluster.
pub const SPEAKS_CENTIBITS: i32 = 500;
/// What is said of two records that a bound keeps apart, in hundredths of a bit: a match is one in a thousand, since
/// a value may be wrong.
const BARRED_CENTIBITS: i32 = -1000;
/// What is said of two records that a steward found to be one: a steward may err, once in a million.
const DECIDED_CENTIBITS: i32 = 2000;
/// Records of each side that are asked before two clusters merge.
const ASKED: usize = 24;

/// The records of a cluster that are asked.
pub fn asked(members: &[u32]) -> &[u32] {
    &members[..members.len().min(ASKED)]
}

/// Gives each of `records` records exactly one cluster. `pairs` are all pairs worth a thought; those
/// from `merge_centibits` on merge if `constraints` and the other records of their clusters allow it.
pub fn run(
    records: usize,
    mut pairs: Vec<Pair>,
    merge_centibits: i32,
    constraints: &Constraints,
    judge: &impl Judge,
) -> (Clustered, Metrics) {
    pairs.sort_unstable_by_key(|p| (-p.weight_centibits, p.left, p.right));
    let mut forest = Forest::new(records, constraints);
    let overruled = forest.merge_same(&constraints.same);
    let mut review = Vec::new();
    for pair in &pairs {
        let (a, b) = (forest.root(pair.left), forest.root(pair.right));
        if a == b || forest.are_kept_apart(a, b) {
            continue;
        }
        let together = if pair.weight_centibits < merge_centibits {
            Err("doubtful")
        } else {
            match forest.forbidden(a, b) {
                Some(reason) => Err(reason),
                None => forest.together(a, b, pair, merge_centibits, judge),
            }
        };
        match together {
            Ok(weight_centibits) => forest.merge(a, b, weight_centibits),
            Err(reason) => review.push(Review {
                left: pair.left,
                right: pair.right,
                weight_centibits: pair.weight_centibits,
                reason: reason.to_owned(),
            }),
        }
    }
    // Merges that came later may have settled what waited, or brought a decision with them; and of all pairs between two clusters a
    // human need look at one only, the strongest, which came first.
    let mut asked = BTreeSet::new();
    review.retain(|r: &Review| {
        let (a, b) = (forest.root(r.left), forest.root(r.right));
        a != b && !forest.are_kept_apart(a, b) && asked.insert((a.min(b), a.max(b)))
    });
    review.sort_unstable();
    let said = forest.said(&pairs, &asked, judge);
    let clustered = Clustered { first: forest.firsts(), review, said, overruled };
    let metrics = Metrics::of(&clustered);
    (clustered, metrics)
}

/// Whether the records of two clusters speak against each other more often than for each other.
fn outvoted(a: &[u32], b: &[u32], judge: &impl Judge) -> bool {
    let (mut against, mut in_favour) = (0, 0);
    for &x in a {
        for &y in b {
            match judge.evidence(x.min(y), x.max(y)) {
                e if e <= -SPEAKS_CENTIBITS => against += 1,
                e if e >= SPEAKS_CENTIBITS => in_favour += 1,
                _ => {}
            }
        }
    }
    against > in_favour
}

/// The mean weight of the pairs between two clusters.
///
/// All of them are about one question, and the strongest was chosen for being strong: the more pairs there are, the
/// likelier one looks like a match by chance. The mean has no such luck. No pair speaks against with more than
/// [`SPEAKS_CENTIBITS`]: a record may have a wrong value or two.
fn on_average(mine: &[u32], yours: &[u32], judge: &impl Judge) -> i32 {
    let pairs = mine.iter().flat_map(|&x| yours.iter().map(move |&y| (x.min(y), x.max(y))));
    let weights = pairs.map(|(x, y)| judge.together(&[x], &[y]).max(-SPEAKS_CENTIBITS));
    let sum: i64 = weights.map(i64::from).sum();
    (sum / (mine.len() * yours.len()).max(1) as i64) as i32
}

/// Disjoint sets that know their members and their bounded values.
struct Forest<'a> {
    parent: Vec<u32>,
    members: Vec<Vec<u32>>,
    bounds: &'a [Bound],
    /// For each bound, the sorted values of each root's cluster.
    held: Vec<Vec<Vec<u32>>>,
    /// For each record that is no root, the one it was put under and by which merge.
    under: Vec<Option<(u32, usize)>>,
    /// The weight of each merge.
    merges: Vec<i32>,
    /// For each root that a decision keeps apart from others, its parts: decision and part, sorted.
    parts: BTreeMap<u32, Vec<(u32, u32)>>,
}

impl<'a> Forest<'a> {
    fn new(records: usize, constraints: &'a Constraints) -> Forest<'a> {
        let Constraints { bounds, apart, .. } = constraints;
        let held = bounds.iter().map(|bound| match bound {
            Bound::AtMostOne { values, .. }
            | Bound::NoRepeat { values, .. }
            | Bound::NoContradiction { values, .. } => {
                values.iter().map(|v| v.iter().copied().collect()).collect()
            }
        });
        Forest {
            parent: (0..records as u32).collect(),
            members: (0..records as u32).map(|r| vec![r]).collect(),
            bounds,
            held: held.collect(),
            under: vec![None; records],
            merges: Vec::new(),
            parts: parts_of_records(apart),
        }
    }

    /// Merges what a steward found to be one; gives the bounds that this broke.
    fn merge_same(&mut self, same: &[(u32, u32)]) -> Vec<(usize, &'static str)> {
        let mut overruled = Vec::new();
        for (at, &(left, right)) in same.iter().enumerate() {
            let (a, b) = (self.root(left), self.root(right));
            if a == b || self.are_kept_apart(a, b) {
                continue;
            }
            let broken = self.forbidden(a, b).or_else(|| self.bound_against(a, b, |_, _| false));
            overruled.extend(broken.map(|reason| (at, reason)));
            self.merge(a, b, DECIDED_CENTIBITS);
        }
        overruled
    }

    /// Whether a steward found a record of one cluster not to be one with a record of the other.
    fn are_kept_apart(&self, a: u32, b: u32) -> bool {
        let (Some(mine), Some(yours)) = (self.parts.get(&a), self.parts.get(&b)) else {
            return false;
        };
        let differ = |x: &(u32, u32), y: &(u32, u32)| x.0 == y.0 && x.1 != y.1;
        mine.iter().any(|x| yours.iter().any(|y| differ(x, y)))
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
                // Several values of one cluster are one by decision.
                Bound::AtMostOne { reason, .. } => {
                    let within =
                        |a: &[u32], b: &[u32]| a.iter().all(|v| b.binary_search(v).is_ok());
                    (!within(mine, yours) && !within(yours, mine)).then_some(*reason)
                }
                // Whether something outweighs it takes more than the values.
                Bound::NoContradiction { .. } => None,
                Bound::NoRepeat { reason, .. } => {
                    mine.iter().any(|v| yours.binary_search(v).is_ok()).then_some(*reason)
                }
            }
        })
    }

    /// The weight with which two clusters are one since `pair` is, or why they are not. It may be less than the merge
    /// line, since it decides nothing: it is what is said of their pairs in the end.
    ///
    /// A pair of records that say little may be strong only because what would speak against it is
    /// missing there: another record of each cluster may know it. So the clusters as wholes must be strong enough too.
    fn together(
        &self,
        a: u32,
        b: u32,
        pair: &Pair,
        merge_centibits: i32,
        judge: &impl Judge,
    ) -> std::result::Result<i32, &'static str> {
        let (mine, yours) = (asked(&self.members[a as usize]), asked(&self.members[b as usize]));
        if mine.len() == 1 && yours.len() == 1 {
            return Ok(pair.weight_centibits);
        }
        let outweighed =
            |x: u32, y: u32| judge.together(&[x.min(y)], &[x.max(y)]) >= merge_centibits;
        if let Some(reason) = self.bound_against(a, b, outweighed) {
            return Err(reason);
        }
        let wholes = judge.together(mine, yours);
        if wholes < merge_centibits || outvoted(mine, yours, judge) {
            return Err("contradiction");
        }
        Ok(wholes.min(pair.weight_centibits).min(on_average(mine, yours, judge)))
    }

    /// The values of two clusters that contradict each other, unless the rest of two records outweighs that.
    fn bound_against(
        &self,
        a: u32,
        b: u32,
        outweighed: impl Fn(u32, u32) -> bool + Copy,
    ) -> Option<&'static str> {
        let (mine, yours) = (asked(&self.members[a as usize]), asked(&self.members[b as usize]));
        self.bounds.iter().find_map(|bound| match bound {
            Bound::NoContradiction { reason, values, contradict } => {
                all_contradict(mine, yours, values, *contradict, outweighed).then_some(*reason)
            }
            _ => None,
        })
    }

    fn merge(&mut self, a: u32, b: u32, weight_centibits: i32) {
        let (small, large) = if self.members[a as usize].len() < self.members[b as usize].len() {
            (a, b)
        } else {
            (b, a)
        };
        self.parent[small as usize] = large;
        self.under[small as usize] = Some((large, self.merges.len()));
        self.merges.push(weight_centibits);
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
        if let Some(moved) = self.parts.remove(&small) {
            let parts = self.parts.entry(large).or_default();
            parts.extend(moved);
            parts.sort_unstable();
            parts.dedup();
        }
    }

    /// The weight of the merge that brought two records of one cluster together.
    fn joined_by(&self, a: u32, b: u32) -> i32 {
        let (mut a, mut b, mut last) = (a, b, 0);
        while a != b {
            // The one that was put under another first goes up; a root was never.
            let at = |record: u32| self.under[record as usize].map_or(usize::MAX, |(_, at)| at);
            let lower = if at(a) < at(b) { &mut a } else { &mut b };
            let Some((above, merge)) = self.under[*lower as usize] else { break };
            (*lower, last) = (above, merge);
        }
        self.merges.get(last).copied().unwrap_or(0)
    }

    /// What is said of each pair in the end. `waiting` are the clusters that wait for a human, two by two.
    fn said(
        &mut self,
        pairs: &[Pair],
        waiting: &BTreeSet<(u32, u32)>,
        judge: &impl Judge,
    ) -> Vec<Said> {
        let mut known = BTreeMap::new();
        let mut said: Vec<Said> = pairs
            .iter()
            .map(|&pair| {
                let (a, b) = (self.root(pair.left), self.root(pair.right));
                let between = (a.min(b), a.max(b));
                let (weight_centibits, zone) = if a == b {
                    (self.joined_by(pair.left, pair.right), Zone::Merged)
                } else {
                    let wholes = *known
                        .entry(between)
                        .or_insert_with(|| self.wholes(between.0, between.1, judge));
                    let waits = waiting.contains(&between);
                    let zone = if waits { Zone::Review } else { Zone::Separate };
                    (wholes.map_or(pair.weight_centibits, |w| w.min(pair.weight_centibits)), zone)
                };
                Said { pair: Pair { weight_centibits, ..pair }, zone }
            })
            .collect();
        said.sort_unstable();
        said
    }

    /// The weight of two clusters as wholes; none of two records.
    fn wholes(&self, a: u32, b: u32, judge: &impl Judge) -> Option<i32> {
        if self.are_kept_apart(a, b) || self.forbidden(a, b).is_some() {
            return Some(BARRED_CENTIBITS);
        }
        let (mine, yours) = (asked(&self.members[a as usize]), asked(&self.members[b as usize]));
        (mine.len() + yours.len() > 2).then(|| judge.together(mine, yours))
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

/// For each record that a decision keeps apart from others, decision and part.
fn parts_of_records(apart: &[Vec<Vec<u32>>]) -> BTreeMap<u32, Vec<(u32, u32)>> {
    let mut parts: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    for (decision, of_decision) in (0..).zip(apart) {
        for (part, records) in (0..).zip(of_decision) {
            for &record in records {
                parts.entry(record).or_default().push((decision, part));
            }
        }
    }
    parts
}

/// Whether records of two clusters have values, all of one contradict all of the other, and nothing else of
/// two records outweighs that.
fn all_contradict(
    mine: &[u32],
    yours: &[u32],
    values: &[Option<u32>],
    contradict: fn(u32, u32) -> bool,
    outweighed: impl Fn(u32, u32) -> bool,
) -> bool {
    let known = |&record: &u32| Some((record, values[record as usize]?));
    let mut pairs = mine
        .iter()
        .filter_map(known)
        .flat_map(|one| yours.iter().filter_map(known).map(move |other| (one, other)))
        .peekable();
    pairs.peek().is_some()
        && pairs.all(|((x, one), (y, other))| contradict(one, other) && !outweighed(x, y))
}

impl Zone {
    /// `separate`, `review` or `merged`.
    pub fn as_str(self) -> &'static str {
        match self {
            Zone::Separate => "separate",
            Zone::Review => "review",
            Zone::Merged => "merged",
        }
    }
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

    /// What any two records say, and so groups of them: the strongest.
    struct Says<F>(F);

    impl<F: Fn(u32, u32) -> i32> Judge for Says<F> {
        fn together(&self, left: &[u32], right: &[u32]) -> i32 {
            let pairs = left.iter().flat_map(|&a| right.iter().map(move |&b| (a, b)));
            pairs.map(|(a, b)| self.evidence(a.min(b), a.max(b))).max().unwrap_or(0)
        }

        fn evidence(&self, left: u32, right: u32) -> i32 {
            self.0(left, right)
        }
    }

    fn pair(left: u32, right: u32, bits: i32) -> Pair {
        Pair { left, right, weight_centibits: bits * 100 }
    }

    fn clustered(pairs: &[(u32, u32, i32)], constraints: &Constraints) -> Clustered {
        let pairs = pairs.iter().map(|&(a, b, bits)| pair(a, b, bits)).collect();
        run(5, pairs, 300, constraints, &Says(|_, _| 500)).0
    }

    fn bounded(bound: Bound) -> Constraints {
        Constraints { bounds: vec![bound], ..Constraints::default() }
    }

    fn legal_numbers(values: [Option<u32>; 5]) -> Bound {
        Bound::AtMostOne { reason: "legal_number", values: values.to_vec() }
    }

    #[test]
    fn a_chain_of_accepted_pairs_is_one_cluster() {
        let found = clustered(&[(0, 1, 12), (1, 2, 9), (3, 4, 1)], &Constraints::default());
        assert_eq!(found.first, [0, 0, 0, 3, 4]);
    }

    #[test]
    fn what_was_decided_to_be_one_is_one_whatever_it_weighs() {
        let constraints = Constraints { same: vec![(0, 3)], ..Constraints::default() };
        let found = clustered(&[(0, 1, 12), (0, 3, -20)], &constraints);
        assert_eq!(found.first, [0, 0, 2, 0, 4]);
        assert_eq!((found.review, found.overruled), (vec![], vec![]));
    }

    #[test]
    fn a_decision_breaks_a_bound_and_it_is_told() {
        let bounds = vec![legal_numbers([Some(1), Some(2), None, Some(2), Some(3)])];
        let constraints =
            Constraints { bounds, same: vec![(0, 2), (0, 1)], ..Constraints::default() };
        // The two numbers are one now: what has either of them may join, and what has a third one may not.
        let found = clustered(&[(0, 3, 12), (0, 4, 12)], &constraints);
        assert_eq!(found.first, [0, 0, 0, 0, 4]);
        assert_eq!(found.overruled, [(1, "legal_number")]);
        assert_eq!(found.review.len(), 1);
    }

    #[test]
    fn no_chain_joins_what_was_decided_to_be_apart_and_nobody_is_asked_again() {
        let apart = vec![vec![vec![0, 3], vec![2]]];
        let constraints = Constraints { apart, ..Constraints::default() };
        let found =
            clustered(&[(0, 1, 12), (1, 2, 11), (2, 3, 10), (2, 4, 9), (0, 2, 1)], &constraints);
        assert_eq!(found.first, [0, 0, 2, 3, 2]);
        assert_eq!(found.review, []);
    }

    #[test]
    fn no_chain_joins_two_different_legal_numbers() {
        let bound = bounded(legal_numbers([Some(1), None, Some(2), None, None]));
        let pairs = vec![pair(0, 1, 12), pair(1, 2, 9)];
        let (found, metrics) = run(5, pairs, 300, &bound, &Says(|_, _| 500));
        assert_eq!(found.first, [0, 0, 2, 3, 4]);
        assert_eq!(metrics.review["legal_number"], 1);
    }

    #[test]
    fn no_chain_joins_contradicting_values_but_what_outweighs_them_does() {
        let bounds = bounded(Bound::NoContradiction {
            reason: "birth_dates",
            values: vec![Some(10), None, Some(20), None, None],
            contradict: |x, y| x != y,
        });
        let chain = vec![pair(0, 1, 12), pair(1, 2, 9)];
        let ends = |weight: i32| {
            let judge = Says(move |a, b| if (a, b) == (0, 2) { weight } else { 900 });
            run(5, chain.clone(), 300, &bounds, &judge).0.first
        };
        assert_eq!(ends(200), [0, 0, 2, 3, 4]);
        assert_eq!(ends(400), [0, 0, 0, 3, 4]);
    }

    #[test]
    fn two_clusters_that_as_wholes_are_too_weak_stay_apart() {
        let judge = Says(|a, b| if (a, b) == (0, 1) { 900 } else { 200 });
        let pairs = vec![pair(0, 1, 12), pair(1, 2, 9)];
        assert_eq!(run(3, pairs, 300, &Constraints::default(), &judge).0.first, [0, 0, 2]);
    }

    #[test]
    fn what_is_said_of_two_clusters_that_merge_is_what_their_pairs_say_on_average() {
        // 0 and 1 are one, and 2 is like 0 only.
        let judge = Says(|a, b| match (a, b) {
            (0, 1) => 1200,
            (0, 2) => 900,
            _ => -2000,
        });
        let pairs = vec![pair(0, 1, 12), pair(0, 2, 9)];
        let found = run(3, pairs, 300, &Constraints::default(), &judge).0;
        assert_eq!(found.first, [0, 0, 0]);
        let said: Vec<i32> = found.said.iter().map(|said| said.pair.weight_centibits).collect();
        assert_eq!(said, [1200, (900 - SPEAKS_CENTIBITS) / 2]);
    }

    #[test]
    fn with_one_to_one_a_cluster_takes_one_record_of_each_source() {
        let bound = Bound::NoRepeat {
            reason: "one_to_one",
            values: vec![Some(1), Some(2), Some(1), None, None],
        };
        let found = clustered(&[(0, 1, 12), (1, 2, 9)], &bounded(bound));
        assert_eq!(found.first, [0, 0, 2, 3, 4]);
    }

    #[test]
    fn a_chain_whose_ends_contradict_is_cut() {
        let judge = Says(|a, b| if a == 0 && b > 1 { -900 } else { 450 });
        let pairs = vec![pair(0, 1, 12), pair(2, 3, 11), pair(1, 2, 5)];
        let (found, metrics) = run(4, pairs, 300, &Constraints::default(), &judge);
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
            let bounds = bounded(Bound::AtMostOne { reason: "x", values });
            let judge = Says(|a: u32, b: u32| if (a + b).is_multiple_of(5) { -700 } else { 700 });
            let (one, other) = (
                run(12, pairs, 300, &bounds, &judge).0,
                run(12, reversed, 300, &bounds, &judge).0,
            );
            prop_assert_eq!(one.first, other.first);
        }
    }
}
