//! Which blocking rules bring too few matches for their pairs.

use super::{Scorer, Settings, centibits, compare::Outcome};
use crate::pairs::CandidatePairs;

/// Of all matches the share that leaving out one rule may cost at most.
const MOST_LOST: f64 = 0.001;
/// Of all candidate pairs the share from which leaving out a rule pays.
const LEAST_PAIRS: f64 = 0.05;
/// Kept pairs that go unseen at worst when none is seen, in nineteen samples of twenty.
const UNSEEN: u64 = 3;

/// What one rule brings that no earlier rule does.
#[derive(Debug, Clone, Copy, Default)]
struct Yield {
    /// Pairs.
    pairs: u64,
    /// Of a sample of them those that may reach the review line.
    kept: u64,
}

impl Scorer {
    /// For each rule of `candidates` whether its pairs are not worth comparing: a sample shows that next to
    /// none of those that it alone brings may match. `number` gives each member's number for the sample.
    pub fn idle_rules(
        &self,
        candidates: &CandidatePairs,
        settings: &Settings,
        number: impl Fn(u32) -> u64 + Sync,
    ) -> Vec<bool> {
        let matches = self.model.match_share * candidates.possible() as f64;
        // So thin that a rule without a hit in the sample is sure to cost less than may be lost.
        let one_in = (matches * MOST_LOST / (2 * UNSEEN) as f64) as u64;
        if one_in < 2 {
            return vec![false; candidates.rules.len()];
        }
        let yields = self.yields(candidates, settings.review_centibits(), one_in, number);
        let all: u64 = yields.iter().map(|rule| rule.pairs).sum();
        let is_idle = |rule: &Yield| {
            let lost = ((rule.kept + UNSEEN) * one_in) as f64;
            rule.pairs as f64 >= all as f64 * LEAST_PAIRS && lost <= matches * MOST_LOST
        };
        yields.iter().map(is_idle).collect()
    }

    fn yields(
        &self,
        candidates: &CandidatePairs,
        review: i32,
        one_in: u64,
        number: impl Fn(u32) -> u64 + Sync,
    ) -> Vec<Yield> {
        let empty = || vec![Yield::default(); candidates.rules.len()];
        let parts = candidates.visit(
            || (empty(), Vec::<Outcome>::new()),
            |(yields, outcomes), rule, a, b| {
                yields[rule].pairs += 1;
                if !super::is_sampled(number(a), number(b), one_in) {
                    return;
                }
                self.outcomes(a, b, outcomes);
                let explanations = self.weights.explanations(outcomes);
                let may_match = centibits(explanations.weight_bits(false)) >= review;
                yields[rule].kept += u64::from(may_match);
            },
        );
        let mut all = empty();
        for (part, _) in parts {
            for (sum, part) in all.iter_mut().zip(part) {
                sum.pairs += part.pairs;
                sum.kept += part.kept;
            }
        }
        all
    }
}
