//! A model made ready for millions of pairs: the bits of every level, computed once.

use super::{
    compare::Outcome,
    model::{Model, OUT_OF_SIGHT, RELATIONS},
};

/// The bits of each level of each comparison.
pub(super) struct Weights {
    /// For each comparison its levels, from 1.
    levels: Vec<Vec<LevelBits>>,
    /// Bits of the share of pairs that match at all.
    prior: f64,
    strangers: f64,
    /// The share of all pairs that are so related, for each relation.
    related: Vec<f64>,
}

/// What one level says.
#[derive(Clone, Copy)]
struct LevelBits {
    /// For a match, against strangers.
    of_match: f64,
    /// For each relation, against strangers; none where related records are as strangers to each other.
    of_relations: [Option<f64>; RELATIONS.len()],
}

/// How likely each explanation of what two records have in common is, against strangers who agree by
/// chance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Explanations {
    match_bits: f64,
    strangers: f64,
    related: f64,
}

impl Explanations {
    /// The match weight in bits, prior included: the logarithm of the odds that the pair matches.
    /// `in_sight` says whether other records are related to either of the two.
    pub(super) fn weight_bits(self, in_sight: bool) -> f64 {
        let related = if in_sight { self.related } else { self.related * OUT_OF_SIGHT };
        self.match_bits - (self.strangers + related).log2()
    }

    /// Whether the two are related rather than the same or strangers.
    pub(super) fn is_related(self) -> bool {
        self.related > self.strangers + self.match_bits.exp2()
    }
}

impl Weights {
    pub(super) fn of(model: &Model) -> Weights {
        let related: Vec<f64> = model.relations.iter().map(|relation| relation.share).collect();
        let levels = model.comparisons.iter().enumerate().map(|(at, comparison)| {
            let bits = comparison.odds.iter().enumerate().map(|(level, odds)| {
                let mut of_relations = [None; RELATIONS.len()];
                for (bits, relation) in of_relations.iter_mut().zip(&model.relations) {
                    *bits = relation.levels[at].get(level).map(|share| (share / odds.u).log2());
                }
                LevelBits { of_match: odds.bits(), of_relations }
            });
            bits.collect()
        });
        Weights {
            levels: levels.collect(),
            prior: model.match_share.log2() + model.shift_bits,
            strangers: (1.0 - model.match_share - related.iter().sum::<f64>()).max(1e-12),
            related,
        }
    }

    /// How likely each explanation of the outcomes is.
    pub(super) fn explanations(&self, outcomes: &[Outcome]) -> Explanations {
        let mut match_bits = 0.0;
        let mut related_bits = [0.0; RELATIONS.len()];
        for (outcome, bits) in self.seen(outcomes) {
            let rarity = f64::from(outcome.rarity_bits);
            match_bits += bits.of_match + rarity;
            for (sum, bits) in related_bits.iter_mut().zip(bits.of_relations) {
                *sum += bits.map_or(0.0, |bits| bits + rarity);
            }
        }
        let of_relations = self.related.iter().zip(related_bits);
        Explanations {
            match_bits: self.prior + match_bits,
            strangers: self.strangers,
            related: of_relations.map(|(share, bits)| share * bits.exp2()).sum(),
        }
    }

    /// What the comparisons say by themselves, in bits, prior and relations left out.
    pub(super) fn evidence_bits(&self, outcomes: &[Outcome]) -> f64 {
        self.seen(outcomes).map(|(o, bits)| bits.of_match + f64::from(o.rarity_bits)).sum()
    }

    fn seen<'a>(
        &'a self,
        outcomes: &'a [Outcome],
    ) -> impl Iterator<Item = (&'a Outcome, LevelBits)> + 'a {
        let seen = outcomes.iter().zip(&self.levels).filter(|(outcome, _)| outcome.level > 0);
        seen.map(|(outcome, levels)| (outcome, levels[outcome.level as usize - 1]))
    }
}
