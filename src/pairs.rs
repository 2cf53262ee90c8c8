//! Candidate pairs: what `block` chooses and `score` compares, streamed and never all in memory.
//!
//! A blocking rule puts each record into blocks; two records that share a block are a candidate
//! pair. Blocks of all rules are numbered in one row, and a pair belongs to the first block that its
//! records share, so that it is seen once without a set of all pairs.

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
    /// The number behind its last block.
    end: u32,
}

/// All candidate pairs of records numbered from 0.
#[derive(Debug, Clone, Default)]
pub struct CandidatePairs {
    /// The rules, in the order in which they claim their pairs.
    pub rules: Vec<Applied>,
    /// With link-only: the source of each record; pairs of one source are no candidates.
    source: Option<Vec<u32>>,
    /// The other way round: only pairs of one source are candidates.
    within: bool,
    /// For each block its records, ascending.
    records_of: Lists,
    /// For each record its blocks, ascending.
    blocks_of: Lists,
}

/// The first number that stands in both ascending lists.
fn first_shared(xs: &[u32], ys: &[u32]) -> Option<u32> {
    shared(xs, ys).next()
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

/// A piece of one block: its records from `from` on, up to `to`, each with all later ones.
#[derive(Debug, Clone, Copy)]
struct Piece {
    block: u32,
    from: u32,
    to: u32,
}

/// Pairs that one piece of work holds at most, so that a huge block keeps all threads busy.
const PAIRS_PER_PIECE: u64 = 1 << 16;

impl CandidatePairs {
    /// The pairs that `rules` produce among `records` records; of those of two sources only, where the
    /// source of each record is given.
    pub fn new(records: usize, rules: Vec<Rule>, source: Option<Vec<u32>>) -> CandidatePairs {
        let mut pairs = CandidatePairs { source, ..CandidatePairs::default() };
        for rule in rules {
            pairs.records_of.append(&rule.blocks);
            pairs.rules.push(Applied {
                pairs: rule.pairs(),
                name: rule.name,
                facet: rule.facet,
                uncovered: rule.uncovered,
                end: pairs.records_of.len(),
            });
        }
        pairs.blocks_of = pairs.records_of.turned(records);
        pairs
    }

    /// The same without the rules that `leave_out` names, one by one in their order.
    pub fn without(mut self, leave_out: &[bool]) -> CandidatePairs {
        let mut kept = Lists::default();
        let mut blocks = 0..0;
        for (rule, leave_out) in self.rules.iter_mut().zip(leave_out) {
            blocks = blocks.end..rule.end;
            for block in blocks.clone().filter(|_| !leave_out) {
                kept.push(self.records_of.of(block).iter().copied());
            }
            rule.end = kept.len();
        }
        let mut left_out = leave_out.iter();
        self.rules.retain(|_| left_out.next() != Some(&true));
        self.blocks_of = kept.turned(self.records());
        self.records_of = kept;
        self
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
        CandidatePairs { within: true, ..self.clone() }
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
        self.allowed(a, b) && first_shared(self.blocks_of.of(a), self.blocks_of.of(b)).is_some()
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

    /// Visits every candidate pair once, in parallel: `visit(state, rule, a, b)` with `a < b`, where
    /// `state` is made by `start` for each piece of work. Gives the states in a fixed order.
    pub fn visit<S: Send>(
        &self,
        start: impl Fn() -> S + Sync,
        visit: impl Fn(&mut S, usize, u32, u32) + Sync,
    ) -> Vec<S> {
        let pieces = self.pieces();
        pieces
            .par_chunks(64)
            .map(|pieces| {
                let mut state = start();
                for piece in pieces {
                    let rule = self.rule_of(piece.block);
                    self.visit_piece(*piece, |a, b| visit(&mut state, rule, a, b));
                }
                state
            })
            .collect()
    }

    /// The rule of a block.
    fn rule_of(&self, block: u32) -> usize {
        self.rules.partition_point(|rule| rule.end <= block)
    }

    fn visit_piece(&self, piece: Piece, mut visit: impl FnMut(u32, u32)) {
        let block = self.records_of.of(piece.block);
        for i in piece.from as usize..piece.to as usize {
            let a = block[i];
            let blocks = self.blocks_of.of(a);
            for &b in &block[i + 1..] {
                if self.allowed(a, b)
                    && first_shared(blocks, self.blocks_of.of(b)) == Some(piece.block)
                {
                    visit(a, b);
                }
            }
        }
    }

    fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for block in 0..self.records_of.len() {
            let size = self.records_of.of(block).len() as u32;
            let (mut from, mut pairs) = (0, 0);
            for at in 0..size {
                pairs += u64::from(size - at - 1);
                if pairs >= PAIRS_PER_PIECE || at + 1 == size {
                    pieces.push(Piece { block, from, to: at + 1 });
                    (from, pairs) = (at + 1, 0);
                }
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn visited(pairs: &CandidatePairs) -> Vec<(u32, u32)> {
        let states = pairs.visit(Vec::new, |seen, _, a, b| seen.push((a, b)));
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
    fn a_rule_left_out_takes_the_pairs_along_that_it_alone_has() {
        let rule = |keys: &[(u64, u32)]| Rule::new("", keys.to_vec());
        let rules =
            vec![rule(&[(1, 0), (1, 1)]), rule(&[(1, 1), (1, 2), (1, 3)]), rule(&[(1, 2), (1, 3)])];
        let candidates = CandidatePairs::new(4, rules, None).without(&[false, true, false]);
        assert_eq!(candidates.rules.len(), 2);
        let mut seen = visited(&candidates);
        seen.sort_unstable();
        assert_eq!(seen, [(0, 1), (2, 3)]);
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
