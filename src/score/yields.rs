//! Which candidate pairs have too little in common to be worth comparing.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{Scorer, billionths, centibits, compare::Outcome, is_sampled};
use crate::pairs::{CandidatePairs, Class};

/// Of all matches the share that leaving out pairs may cost at most.
const MOST_LOST: f64 = 0.001;
/// Matches in the sample that stand for that share: so many that chance cannot make much less of them.
const LOST_IN_SAMPLE: f64 = 10.0;

/// What a sample shows of the pairs of one class.
#[derive(Debug, Clone, Copy, Default)]
struct Yield {
    /// How many there are.
    pairs: u64,
    /// Matches expected among them, in billionths.
    matches: u64,
}

impl Scorer {
    /// The classes of `candidates` whose pairs are not worth comparing, and about how many these are: a sample
    /// shows that next to none of them match. `number` gives each member's number for the sample.
    pub fn idle_classes(
        &self,
        candidates: &CandidatePairs,
        number: impl Fn(u32) -> u64 + Sync,
    ) -> Vec<(Class, u64)> {
        let matches = self.model.match_share * candidates.possible() as f64;
        let one_in = (matches * MOST_LOST / LOST_IN_SAMPLE) as u64;
        // Of a smaller table all pairs are compared in less time than it takes to choose.
        if one_in < 2 {
            return Vec::new();
        }
        let mut yields: Vec<_> = self.yields(candidates, one_in, number).into_iter().collect();
        yields.sort_unstable_by(|(of_x, x), (of_y, y)| x.cmp_density(y).then(of_x.cmp(of_y)));
        let mut lost = 0;
        let is_idle = |&(_, found): &(Class, Yield)| {
            lost += found.matches;
            more_at_worst(lost as f64 / 1e9) <= LOST_IN_SAMPLE
        };
        let idle = yields.into_iter().take_while(is_idle);
        idle.map(|(class, found)| (class, found.pairs * one_in)).collect()
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
                found.pairs += 1;
                found.matches += billionths(centibits(explanations.weight_bits(false)));
            },
        );
        let mut all = BTreeMap::<Class, Yield>::new();
        for (class, part) in parts.into_iter().flat_map(|(yields, _)| yields) {
            let sum = all.entry(class).or_default();
            sum.pairs += part.pairs;
            sum.matches += part.matches;
        }
        all
    }
}

impl Yield {
    /// Those with the fewest matches per pair first.
    fn cmp_density(&self, other: &Yield) -> Ordering {
        let across = |x: &Yield, y: &Yield| u128::from(x.matches) * u128::from(y.pairs);
        across(self, other).cmp(&across(other, self))
    }
}

/// How many there may be at worst where a sample shows so many, in nineteen samples of twenty.
fn more_at_worst(seen: f64) -> f64 {
    // The bound of Poisson's distribution, which is three where none is seen.
    seen + 3.0 + 1.5 * seen.sqrt()
}
