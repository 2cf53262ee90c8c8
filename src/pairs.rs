//! Candidate pairs: what `block` chooses and `score` compares, streamed and never all in memory.
//!
//! A blocking rule puts each record into blocks; two records that share a block are a candidate
//! pair. Blocks of all rules are numbered in one row, the smallest first, and a pair belongs to the first block
//! that its records share: the one that tells most, and the pair is seen once without a set of all pairs.

use std::ops::Range;

use rayon::prelude::*;

use crate::lists::Lists;

/// The blocks of one rule.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// What its records have in common, in words: `same email`.
    pub name: String,
    /// What it needs to be right: `name`, `contact`... Rules of one facet miss the same pairs.
    pub facet: String,
    /// Records of blocks that were too large and could not be refined.
    pub uncovered: u64,
    /// The records of each block, ascending.
    blocks: Lists,
}

impl Rule {
    /// The rule whose blocks are the records of equal key. `keys` are (key, record) in any order;
    /// blocks of one record are left out.
    pub fn new(name: impl Into<String>, mut keys: Vec<(u64, u32)>) -> Rule {
        keys.par_sort_unstable();
        keys.dedup();
        let mut rule = Rule { name: name.into(), ..Rule::default() };
        for block in keys.chunk_by(|a, b| a.0 == b.0) {
            rule.push(block);
        }
        rule
    }

    /// Adds a block: a run of one key in sorted keys without repeats. One of a single record is left out.
    pub fn push(&mut self, block: &[(u64, u32)]) {
        if block.len() > 1 {
            self.blocks.push(block.iter().map(|&(_, record)| record));
        }
    }

    /// How many pairs the rule's blocks hold, those of other rules included.
    pub fn pairs(&self) -> u64 {
        self.blocks.iter().map(|block| pairs_of(block.len() as u64)).sum()
    }
}

/// The number of pairs among `n` records.
pub fn pairs_of(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

/// A rule as it was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// What its records have in common, in words.
    pub name: String,
    /// What it needs to be right.
    pub facet: String,
    /// How many pairs its blocks hold, those of other rules included.
    pub pairs: u64,
    /// Records of blocks that were too large and could not be refined.
    pub uncovered: u64,
}

/// All candidate pairs of records numbered from 0.
#[derive(Debug, Clone, Default)]
pub struct CandidatePairs {
    /// The rules.
    pub rules: Vec<Applied>,
    /// With link-only: the source of each record; pairs of one source are no candidates.
    source: Option<Vec<u32>>,
    /// The other way round: only pairs of one source are candidates.
    within: bool,
    /// For each rule which classes of pairs are no candidates; empty where all are.
    left_out: Vec<LeftOut>,
    /// For each block its rule.
    rule_of: Vec<u16>,
    /// For each block its records, ascending.
    records_of: Lists,
    /// For each record its blocks, ascending.
    blocks_of: Lists,
}

/// The numbers that stand in both ascending lists.
fn shared<'a>(mut xs: &'a [u32], mut ys: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
    std::iter::from_fn(move || {
        while let (Some(&x), Some(&y)) = (xs.first(), ys.first()) {
            if x <= y {
                xs = &xs[1..];
            }
            if y <= x {
                ys = &ys[1..];
            }
            if x == y {
                return Some(x);
            }
        }
        None
    })
}

/// How little the records of a pair have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    /// Position in [`CandidatePairs::rules`] of the rule of the smallest block that they share.
    pub rule: usize,
    /// How many records that block has, in powers of two.
    pub size: usize,
    /// Whether they share no other block.
    pub alone: bool,
}

/// No block has 2^32 records.
pub const SIZES: usize = 32;

/// Of one rule by size and whether the pair shares no other block.
type LeftOut = [[bool; 2]; SIZES];

/// Where one piece of work ends and the next begins: before this record of this block.
#[derive(Debug, Clone, Copy)]
struct Cut {
    block: u32,
    at: u32,
}

/// Pairs that one piece of work holds, about, so that a huge block keeps all threads busy.
const PAIRS_PER_PIECE: u64 = 1 << 16;

impl CandidatePairs {
    /// The pairs that `rules` produce among `records` records; of those of two sources only, where the
    /// source of each record is given.
    pub fn new(records: usize, rules: Vec<Rule>, source: Option<Vec<u32>>) -> CandidatePairs {
        let blocks = rules.iter().enumerate().flat_map(|(at, rule)| {
            let sizes = rule.blocks.iter().map(<[u32]>::len);
            sizes.enumerate().map(move |(block, size)| (size as u32, at as u16, block as u32))
        });
        let mut blocks: Vec<(u32, u16, u32)> = blocks.collect();
        blocks.par_sort_unstable();
        let mut pairs = CandidatePairs { source, ..CandidatePairs::default() };
        for (_, rule, block) in blocks {
            let records = rules[usize::from(rule)].blocks.of(block);
            pairs.records_of.push(records.iter().copied());
            pairs.rule_of.push(rule);
        }
        pairs.blocks_of = pairs.records_of.turned(records);
        let applied = rules.into_iter().map(|rule| Applied {
            pairs: rule.pairs(),
            name: rule.name,
            facet: rule.facet,
            uncovered: rule.uncovered,
        });
        pairs.rules = applied.collect();
        pairs
    }

    /// Leaves out the pairs of these classes: they are candidates no longer.
    pub fn leave_out(&mut self, classes: impl IntoIterator<Item = Class>) {
        self.left_out.resize(self.rules.len(), LeftOut::default());
        for class in classes {
            self.left_out[class.rule][class.size][usize::from(class.alone)] = true;
        }
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        self.blocks_of.len() as usize
    }

    /// Whether the pair may be compared at all.
    pub fn allowed(&self, a: u32, b: u32) -> bool {
        self.source.as_ref().is_none_or(|s| (s[a as usize] == s[b as usize]) == self.within)
    }

    /// The pairs that link-only leaves out: those of one source.
    pub fn within_sources(&self) -> CandidatePairs {
        // What is left out was chosen by looking at the others.
        CandidatePairs { within: true, left_out: Vec::new(), ..self.clone() }
    }

    /// How many records are in no block at all.
    pub fn alone(&self) -> u64 {
        (0..self.blocks_of.len()).filter(|&record| self.blocks_of.of(record).is_empty()).count()
            as u64
    }

    /// Of true pairs the share that no rule produces, estimated from those in `found`; none where all
    /// pairs are compared or too few are found to tell.
    ///
    /// Capture and recapture: of the pairs that other facets find, the share that the most productive facet
    /// misses is taken for the share it misses of all. Where facets fail together, as for records that lack
    /// most values, the loss is greater than that: [`CandidatePairs::chained_only`] sees part of it.
    pub fn lost(&self, found: impl Iterator<Item = (u32, u32)>) -> Option<f64> {
        let mut facets: Vec<&str> = self.rules.iter().map(|rule| rule.facet.as_str()).collect();
        facets.sort_unstable();
        facets.dedup();
        if facets.len() < 2 {
            return None;
        }
        // How many pairs are found by which facets, one bit each.
        let mut counts = std::collections::BTreeMap::<u64, u64>::new();
        for (a, b) in found {
            let found = shared(self.blocks_of.of(a), self.blocks_of.of(b)).map(|block| {
                facets.binary_search(&self.rules[self.rule_of(block)].facet.as_str()).unwrap_or(64)
            });
            let bits = found.filter(|&facet| facet < 64).fold(0, |all, bit| all | 1 << bit);
            *counts.entry(bits).or_default() += 1;
        }
        let found_by = |bit: usize| -> u64 {
            counts.iter().filter(|(bits, _)| *bits >> bit & 1 == 1).map(|(_, n)| n).sum()
        };
        let first =
            (0..facets.len().min(64)).max_by_key(|&bit| (found_by(bit), facets.len() - bit))?;
        let (mut alone, mut others, mut both) = (0, 0, 0);
        for (bits, count) in counts {
            match (bits >> first & 1 == 1, bits & !(1 << first) != 0) {
                (true, true) => both += count,
                (true, false) => alone += count,
                _ => others += count,
            }
        }
        const ENOUGH: u64 = 20;
        let lost = (alone * others) as f64 / (both + 1) as f64;
        (both >= ENOUGH).then(|| lost / (lost + (alone + others + both) as f64))
    }

    /// Of the pairs within clusters the share that no rule produces: what only chains of other records
    /// brought together. `first` gives for each record the first of its cluster.
    pub fn chained_only(&self, first: &[u32]) -> f64 {
        let mut clusters = std::collections::BTreeMap::<u32, Vec<u32>>::new();
        for (record, &first) in first.iter().enumerate() {
            clusters.entry(first).or_default().push(record as u32);
        }
        // Of a huge cluster some records tell as much as all.
        const ASKED: usize = 100;
        let clusters: Vec<Vec<u32>> = clusters.into_values().filter(|c| c.len() > 1).collect();
        let counts = clusters.par_iter().map(|cluster| {
            let (mut all, mut missed) = (0u64, 0u64);
            let asked = &cluster[..cluster.len().min(ASKED)];
            for (at, &a) in asked.iter().enumerate() {
                for &b in asked[at + 1..].iter().filter(|&&b| self.allowed(a, b)) {
                    all += 1;
                    missed += u64::from(!self.contains(a, b));
                }
            }
            (all, missed)
        });
        let (all, missed) = counts.reduce(|| (0, 0), |x, y| (x.0 + y.0, x.1 + y.1));
        missed as f64 / all.max(1) as f64
    }

    /// Whether some rule produces the pair.
    pub fn contains(&self, a: u32, b: u32) -> bool {
        let mut blocks = self.shared(a, b);
        let Some(first) = blocks.next().filter(|_| self.allowed(a, b)) else { return false };
        !self.leaves_out(self.class(first, blocks))
    }

    /// The blocks that the two share, ascending.
    fn shared(&self, a: u32, b: u32) -> impl Iterator<Item = u32> {
        shared(self.blocks_of.of(a), self.blocks_of.of(b))
    }

    /// The class of a pair whose first block in common is `block`, and that shares the `others` as well.
    fn class(&self, block: u32, mut others: impl Iterator<Item = u32>) -> Class {
        let size = self.records_of.of(block).len().ilog2() as usize;
        Class { rule: self.rule_of(block), size, alone: others.next().is_none() }
    }

    fn leaves_out(&self, class: Class) -> bool {
        let of_rule = self.left_out.get(class.rule);
        of_rule.is_some_and(|left_out| left_out[class.size][usize::from(class.alone)])
    }

    /// How many pairs could be compared without blocking.
    pub fn possible(&self) -> u64 {
        let all = pairs_of(self.records() as u64);
        let Some(source) = &self.source else { return all };
        let mut sizes = std::collections::BTreeMap::new();
        for s in source {
            *sizes.entry(s).or_insert(0u64) += 1;
        }
        let within = sizes.values().map(|&n| pairs_of(n)).sum::<u64>();
        if self.within { within } else { all - within }
    }

    /// Visits every candidate pair once, in parallel: `visit(state, a, b)` with `a < b`, where `state` is made by
    /// `start` for each piece of work. Gives the states in a fixed order.
    pub fn visit<S: Send>(
        &self,
        start: impl Fn() -> S + Sync,
        visit: impl Fn(&mut S, u32, u32) + Sync,
    ) -> Vec<S> {
        self.visit_of(|_| true, start, |state, _, a, b| visit(state, a, b))
    }

    /// Visits the candidate pairs whose first record is `chosen`, likewise, with their class.
    pub fn visit_of<S: Send>(
        &self,
        chosen: impl Fn(u32) -> bool + Sync,
        start: impl Fn() -> S + Sync,
        visit: impl Fn(&mut S, Class, u32, u32) + Sync,
    ) -> Vec<S> {
        let cuts = self.cuts();
        cuts.par_windows(2)
            .map(|cuts| {
                let mut state = start();
                for (block, rows) in self.blocks_between(cuts[0], cuts[1]) {
                    let records = self.records_of.of(block);
                    for at in rows.filter(|&at| chosen(records[at])) {
                        let (a, later) = (records[at], &records[at + 1..]);
                        for (b, class) in self.of_block(block, a, later) {
                            visit(&mut state, class, a, b);
                        }
                    }
                }
                state
            })
            .collect()
    }

    /// Those of `later` that `a` is a candidate pair of the block with.
    fn of_block(&self, block: u32, a: u32, later: &[u32]) -> impl Iterator<Item = (u32, Class)> {
        later.iter().filter_map(move |&b| {
            let mut blocks = self.shared(a, b);
            blocks.next().filter(|&first| first == block && self.allowed(a, b))?;
            let class = self.class(block, blocks);
            (!self.leaves_out(class)).then_some((b, class))
        })
    }

    /// The blocks of a piece of work, and of each which records are to be compared with all later ones.
    fn blocks_between(
        &self,
        from: Cut,
        to: Cut,
    ) -> impl Iterator<Item = (u32, Range<usize>)> + use<'_> {
        (from.block..(to.block + 1).min(self.records_of.len())).map(move |block| {
            let start = if block == from.block { from.at as usize } else { 0 };
            let size = self.records_of.of(block).len();
            (block, start..if block == to.block { to.at as usize } else { size })
        })
    }

    /// The rule of a block.
    fn rule_of(&self, block: u32) -> usize {
        usize::from(self.rule_of[block as usize])
    }

    fn cuts(&self) -> Vec<Cut> {
        let mut cuts = vec![Cut { block: 0, at: 0 }];
        let mut pairs = 0;
        for (block, records) in (0..).zip(self.records_of.iter()) {
            let all = pairs_of(records.len() as u64);
            if pairs + all < PAIRS_PER_PIECE {
                pairs += all;
                continue;
            }
            for at in 1..=records.len() as u32 {
                pairs += records.len() as u64 - u64::from(at);
                if pairs >= PAIRS_PER_PIECE {
                    cuts.push(Cut { block, at });
                    pairs = 0;
                }
            }
        }
        cuts.push(Cut { block: self.records_of.len(), at: 0 });
        cuts
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn visited(pairs: &CandidatePairs) -> Vec<(u32, u32)> {
        let states = pairs.visit(Vec::new, |seen, a, b| seen.push((a, b)));
        states.into_iter().flatten().collect()
    }

    proptest! {
        #[test]
        fn every_pair_that_shares_a_key_is_visited_exactly_once(
            keys in proptest::collection::vec((0usize..3, 0u64..6, 0u32..12), 0..80),
        ) {
            let of_rule = |r| keys.iter().filter(|k| k.0 == r).map(|k| (k.1, k.2)).collect::<Vec<_>>();
            let rules = (0..3).map(|r| Rule::new("", of_rule(r))).collect();
            let candidates = CandidatePairs::new(12, rules, None);
            let mut expected = BTreeSet::new();
            for x in &keys {
                for y in &keys {
                    if x.0 == y.0 && x.1 == y.1 && x.2 < y.2 {
                        expected.insert((x.2, y.2));
                    }
                }
            }
            let seen = visited(&candidates);
            prop_assert_eq!(seen.len(), expected.len());
            prop_assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected);
        }
    }

    #[test]
    fn a_huge_block_is_cut_and_each_of_its_pairs_is_visited_once() {
        let keys = |key, records: std::ops::Range<u32>| records.map(move |record| (key, record));
        let huge = Rule::new("", keys(1, 0..700).chain(keys(2, 700..702)).collect());
        let candidates = CandidatePairs::new(702, vec![huge], None);
        assert!(candidates.cuts().len() > 4, "{:?}", candidates.cuts());
        let seen = visited(&candidates);
        assert_eq!(seen.len() as u64, pairs_of(700) + 1);
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>().len() as u64, pairs_of(700) + 1);
    }

    #[test]
    fn what_two_facets_miss_is_estimated_from_what_each_misses() {
        // Of 100 pairs one facet finds 80 and the other 50, independently: 10 are found by neither.
        let pair = |n: u32| (2 * n, 2 * n + 1);
        let keys = |of: &dyn Fn(u32) -> bool| -> Vec<(u64, u32)> {
            let found = (0..100).filter(|&n| of(n));
            found.flat_map(|n| [(u64::from(n), 2 * n), (u64::from(n), 2 * n + 1)]).collect()
        };
        let rule = |facet: &str, keys| Rule { facet: facet.into(), ..Rule::new("", keys) };
        let rules =
            vec![rule("name", keys(&|n| n % 10 < 8)), rule("contact", keys(&|n| n / 10 % 2 == 0))];
        let candidates = CandidatePairs::new(200, rules, None);
        let found = (0..100).map(pair).filter(|&(a, b)| candidates.contains(a, b));
        let lost = candidates.lost(found).expect("enough pairs are found by both");
        assert!((lost - 0.10).abs() < 0.01, "{lost}");
    }

    #[test]
    fn what_only_a_chain_brings_together_was_missed_by_blocking() {
        let rule = Rule::new("", vec![(1, 0), (1, 1), (2, 1), (2, 2)]);
        let candidates = CandidatePairs::new(4, vec![rule], None);
        let share = candidates.chained_only(&[0, 0, 0, 3]);
        assert!((share - 1.0 / 3.0).abs() < 1e-9, "{share}");
    }

    #[test]
    fn a_pair_is_of_the_smallest_block_it_shares_and_is_left_out_with_its_class() {
        let rule = |keys: &[(u64, u32)]| Rule::new("", keys.to_vec());
        let rules =
            vec![rule(&[(1, 0), (1, 1), (1, 2), (1, 4)]), rule(&[(1, 2), (1, 3), (2, 0), (2, 1)])];
        let mut candidates = CandidatePairs::new(5, rules, None);
        let found = candidates.visit_of(
            |_| true,
            Vec::new,
            |seen, class, a, b| {
                seen.push((a, b, class.rule, class.size, class.alone));
            },
        );
        let found: BTreeSet<_> = found.into_iter().flatten().collect();
        assert!(found.contains(&(0, 1, 1, 1, false)), "{found:?}");
        assert!(found.contains(&(0, 2, 0, 2, true)), "{found:?}");
        assert!(found.contains(&(2, 3, 1, 1, true)), "{found:?}");
        assert_eq!(found.len(), 7);
        candidates.leave_out([Class { rule: 0, size: 2, alone: true }]);
        let mut seen = visited(&candidates);
        seen.sort_unstable();
        assert_eq!(seen, [(0, 1), (2, 3)], "they share something else or something rarer");
        assert!(!candidates.contains(0, 2));
    }

    #[test]
    fn link_only_leaves_out_pairs_of_one_source() {
        let rule = Rule::new("", (0..4).map(|r| (1, r)).collect());
        let candidates = CandidatePairs::new(4, vec![rule], Some(vec![0, 0, 1, 1]));
        assert_eq!(candidates.possible(), 4);
        let mut seen = visited(&candidates);
        seen.sort_unstable();
        assert_eq!(seen, [(0, 2), (0, 3), (1, 2), (1, 3)]);
    }
}
