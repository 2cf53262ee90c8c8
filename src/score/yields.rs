//! Which candidate pairs have too little in common to be worth comparing.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{Scorer, billionths, centibits, compare::Outcome, is_sampled};
use crate::pairs::{CandidatePairs, Class};

/// Of all matches the share that leaving out pairs may cost at most.
const MOST_LOST: f64 = 0.001;
/// Matches in half of the sample that stand for that share: so many that chance cannot make much less of them.
const LOST_IN_SAMPLE: f64 = 10.0;

/// What a sample shows of the pairs of one class. The sample has two halves: which classes hold the fewest matches is
/// seen in the first, and how many these are in the second, which did not choose them.
#[derive(Debug, Clone, Copy, Default)]
struct Yield {
    /// How many there are, in each half.
    pairs: [u64; 2],
    /// Matches expected among them, in billionths.
    matches: [u64; 2],
}

/// Candidate pairs that are not worth comparing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IdlePairs {
    /// Their classes, with about how many pairs each has.
    pub classes: Vec<(Class, u64)>,
    /// Matches expected among them.
    pub matches: f64,
}

impl Scorer {
    /// The pairs of `candidates` that are not worth comparing: a sample shows that next to none of their classes
    /// match. `number` gives each member's number for the sample.
    pub fn idle_pairs(
        &self,
        candidates: &CandidatePairs,
        number: impl Fn(u32) -> u64 + Sync,
    ) -> IdlePairs {
        let matches = self.model.match_share * candidates.possible() as f64;
        let one_in = (matches * MOST_LOST / (2.0 * LOST_IN_SAMPLE)) as u64;
        // Of a smaller table all pairs are compared in less time than it takes to choose.
        if one_in < 2 {
            return IdlePairs::default();
        }
        idle(self.yields(candidates, one_in, number), one_in)
    }

    fn yields(
        &self,
        candidates: &CandidatePairs,
        one_in: u64,
        number: impl Fn(u32) -> u64 + Sync,
    ) -> BTreeMap<Class, Yield> {
        let parts = candidates.visit_of(
            |record| is_sampled(number(record), one_in),
            || (BTreeMap::<Class, Yield>::new(), Vec::<Outcome>::new()),
            |(yields, outcomes), class, a, b| {
                self.outcomes(a, b, outcomes);
                let explanations = self.weights.explanations(outcomes);
                let found = yields.entry(class).or_default();
                let half = usize::from(is_sampled(number(a).rotate_left(32), 2));
                found.pairs[half] += 1;
                found.matches[half] += billionths(centibits(explanations.weight_bits(false)));
            },
        );
        let mut all = BTreeMap::<Class, Yield>::new();
        for (class, part) in parts.into_iter().flat_map(|(yields, _)| yields) {
            let sum = all.entry(class).or_default();
            for half in 0..2 {
                sum.pairs[half] += part.pairs[half];
                sum.matches[half] += part.matches[half];
            }
        }
        all
    }
}

/// The classes with the fewest matches per pair, up to those that may cost too many of all.
fn idle(yields: BTreeMap<Class, Yield>, one_in: u64) -> IdlePairs {
    let seen: u64 = yields.values().map(|found| found.matches[1]).sum();
    let most = seen as f64 / 1e9 * MOST_LOST;
    let mut yields: Vec<(Class, Yield)> = yields.into_iter().collect();
    yields.sort_unstable_by(|(of_x, x), (of_y, y)| x.cmp_density(y).then(of_x.cmp(of_y)));
    let mut idle = IdlePairs::default();
    let mut lost = 0;
    for (class, found) in yields {
        lost += found.matches[1];
        if more_at_worst(lost as f64 / 1e9) > most {
            break;
        }
        idle.classes.push((class, (found.pairs[0] + found.pairs[1]) * one_in));
        idle.matches = (lost * 2 * one_in) as f64 / 1e9;
    }
    idle
}

impl Yield {
    /// Those with the fewest matches per pair first; last those of which the first half shows no pair, so that nothing
    /// is known of them.
    fn cmp_density(&self, other: &Yield) -> Ordering {
        let across = |x: &Yield, y: &Yield| u128::from(x.matches[0]) * u128::from(y.pairs[0]);
        let is_unseen = |x: &Yield| x.pairs[0] == 0;
        is_unseen(self)
            .cmp(&is_unseen(other))
            .then_with(|| across(self, other).cmp(&across(other, self)))
    }
}

/// How many there may be at worst where a sample shows so many, in nineteen samples of twenty.
fn more_at_worst(seen: f64) -> f64 {
    // The bound of Poisson's distribution, which is three where none is seen.
    seen + 3.0 + 1.5 * seen.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(rule: usize) -> Class {
        Class { rule, size: 1, alone: true }
    }

    fn found(pairs: u64, matches: u64) -> Yield {
        Yield { pairs: [pairs; 2], matches: [matches * 1_000_000_000; 2] }
    }

    #[test]
    fn classes_without_matches_are_left_out_and_what_they_may_cost_is_told() {
        let yields = [(class(0), found(100, 9_990)), (class(1), found(5_000, 0))];
        let yields = yields.into_iter().chain([(class(2), found(9_000, 2))]);
        let idle = idle(yields.collect(), 7);
        assert_eq!(idle.classes, [(class(1), 70_000), (class(2), 126_000)]);
        assert_eq!(idle.matches, 28.0);
    }

    #[test]
    fn a_thin_sample_leaves_nothing_out() {
        let yields = [(class(0), found(100, 900)), (class(1), found(5_000, 0))];
        assert_eq!(idle(yields.into(), 7), IdlePairs::default());
    }

    #[test]
    fn classes_of_which_the_first_half_shows_nothing_come_last_in_one_order() {
        let unseen = Yield { pairs: [0, 40], matches: [0, 0] };
        let yields = (0..60).map(|rule| match rule % 3 {
            0 => (class(rule), unseen),
            1 => (class(rule), found(10, 9)),
            _ => (class(rule), found(1_000 + rule as u64, 1)),
        });
        let mut sorted: Vec<(Class, Yield)> = yields.collect();
        sorted.sort_unstable_by(|(of_x, x), (of_y, y)| x.cmp_density(y).then(of_x.cmp(of_y)));
        let order: Vec<usize> = sorted.iter().map(|(class, _)| class.rule % 3).collect();
        assert_eq!(order, [[2; 20], [1; 20], [0; 20]].concat());
    }

    #[test]
    fn what_chose_the_classes_does_not_say_what_they_cost() {
        let lucky = Yield { pairs: [500, 500], matches: [0, 8_000_000_000] };
        let yields = [(class(0), found(100, 9_990)), (class(1), lucky)];
        assert!(idle(yields.into(), 7).classes.is_empty());
    }
}
