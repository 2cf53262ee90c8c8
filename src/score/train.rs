//! Learns the model from counted agreement patterns, without labels.
//!
//! Expectation–maximisation over the patterns of the candidate pairs, in which each pair is a match,
//! related, or between strangers. Pairs that blocking did not choose are counted among strangers, by
//! a sample of them, so that `u` is that of random pairs although candidates were chosen for
//! agreeing. Priors keep small tables sensible: each comparison starts from what an expert expects,
//! and a few pairs do not overturn it. What people said of pairs speaks for all pairs of the same pattern, and moves the
//! weights where those that were doubtful turn out to be matches more or less often than expected.
//!
//! Source: Fellegi and Sunter, "A Theory for Record Linkage", JASA 64 (1969), pp. 1183-1210; Winkler,
//! "Using the EM Algorithm for Weight Computation in the Fellegi-Sunter Model" (2000).

use std::collections::BTreeMap;

use super::{
    compare::{Comparison, Shared},
    model::{ComparisonModel, Model, Odds, Pattern, RELATIONS, Relation, RelationModel},
};

/// Matches that the prior of `m` counts as.
const MATCH_PRIOR_PAIRS: f64 = 20.0;
/// Related pairs that the prior of a relation's levels counts as, at least. It counts as many as there are: a
/// relation left free becomes whatever else is frequent in a table, as pairs of one list.
const RELATION_PRIOR_PAIRS: f64 = 20.0;
/// Pairs of strangers that the prior of `u` counts as: it matters in tables of a few dozen rows.
const STRANGER_PRIOR_PAIRS: f64 = 50.0;
/// Matching pairs per record that training starts from: at least, and at most.
const FEWEST_PER_RECORD: f64 = 0.02;
const MOST_PER_RECORD: f64 = 10.0;
/// Rounds of EM at most, and the change of the match share below which it ends.
const ROUNDS: usize = 200;
const SMALL_CHANGE: f64 = 1e-7;

/// Everything there is to learn from.
pub(super) struct Counts {
    /// How many candidate pairs show each pattern.
    pub(super) patterns: BTreeMap<Pattern, u64>,
    /// For each comparison and level, the estimated number of pairs that are no candidates.
    pub(super) others: Vec<Vec<f64>>,
    /// All pairs that could be compared.
    pub(super) possible: f64,
    /// Records.
    pub(super) records: f64,
    /// What people said of pairs, by pattern.
    pub(super) labels: BTreeMap<Pattern, Labelled>,
}

/// Pairs of one pattern that people looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Labelled {
    /// Those that match.
    pub(super) matches: u64,
    /// Those that do not.
    pub(super) others: u64,
}

/// Labels that the model's own opinion of a pattern counts as.
const OPINION_LABELS: f64 = 2.0;
/// How far the model may be off for all pairs alike, in bits: the deviation expected before any label is seen.
const LIKELY_SHIFT_BITS: f64 = 2.0;
/// Labels of surer pairs do not move the weights of all: people tell of mistakes they happen to see, and never of the many
/// sure pairs that are right.
const DOUBTFUL_BITS: f64 = 6.63;

/// The model that explains `counts` best.
pub(super) fn train(kind: &str, comparisons: &[Box<dyn Comparison>], counts: &Counts) -> Model {
    let mut model = start(kind, comparisons, counts);
    for _ in 0..ROUNDS {
        let next = step(&model, comparisons, counts);
        let change = (next.match_share - model.match_share).abs() / model.match_share.max(1e-12);
        model = next;
        if change < SMALL_CHANGE {
            break;
        }
    }
    model.shift_bits = shift_bits(&model, &counts.labels);
    model.rounded()
}

/// What is to be added to all weights so that of the doubtful labelled pairs as many are expected to match as do: a
/// logistic regression with the weight for offset and nothing but an intercept, held to zero.
fn shift_bits(model: &Model, labels: &BTreeMap<Pattern, Labelled>) -> f64 {
    let weights = labels.iter().map(|(&pattern, &found)| {
        let (of_match, _, _) = posterior(model, pattern);
        ((of_match / (1.0 - of_match).max(1e-12)).log2(), found)
    });
    let doubtful: Vec<(f64, Labelled)> =
        weights.filter(|(bits, _)| bits.abs() <= DOUBTFUL_BITS).collect();
    let variance = LIKELY_SHIFT_BITS * LIKELY_SHIFT_BITS;
    let mut shift = 0.0;
    // Newton's method on a concave function: a handful of steps is exact to the hundredth of a bit.
    for _ in 0..50 {
        let (mut slope, mut bend) = (-shift / variance, 1.0 / variance);
        for &(bits, Labelled { matches, others }) in &doubtful {
            let expected = 1.0 / (1.0 + (-(bits + shift)).exp2());
            let all = (matches + others) as f64;
            slope += std::f64::consts::LN_2 * (matches as f64 - all * expected);
            bend += std::f64::consts::LN_2.powi(2) * all * expected * (1.0 - expected);
        }
        shift += (slope / bend).clamp(-1.0, 1.0);
    }
    (shift * 100.0).round() / 100.0
}

/// What a pattern is, with what people said of pairs that show it.
fn taught(
    (of_match, of_relation, of_strangers): (f64, Vec<f64>, f64),
    labelled: Option<&Labelled>,
) -> (f64, Vec<f64>, f64) {
    let Some(&Labelled { matches, others }) = labelled else {
        return (of_match, of_relation, of_strangers);
    };
    let labels = (matches + others) as f64;
    let learned = (OPINION_LABELS * of_match + matches as f64) / (OPINION_LABELS + labels);
    let rest = 1.0 - of_match;
    if rest < 1e-9 {
        return (learned, of_relation, 1.0 - learned);
    }
    let scale = (1.0 - learned) / rest;
    (learned, of_relation.iter().map(|r| r * scale).collect(), of_strangers * scale)
}

/// Where EM starts: `m` as expected, `u` as if all pairs were of strangers.
fn start(kind: &str, comparisons: &[Box<dyn Comparison>], counts: &Counts) -> Model {
    let mut totals = counts.others.clone();
    for (&pattern, &count) in &counts.patterns {
        for (at, levels) in totals.iter_mut().enumerate() {
            if let Some(level) = pattern.level(at).checked_sub(1) {
                levels[level] += count as f64;
            }
        }
    }
    let match_share = first_match_share(comparisons, &totals, counts);
    let models = comparisons.iter().zip(&totals).map(|(comparison, totals)| {
        let m = expected(comparison.as_ref());
        let all = shares(totals, &by_chance(comparison.as_ref()), STRANGER_PRIOR_PAIRS);
        // Of the pairs that agree on a rare value most match: they must not count among strangers.
        let u: Vec<f64> =
            all.iter().zip(&m).map(|(all, m)| (all - match_share * m).max(all * 0.1)).collect();
        ComparisonModel {
            name: comparison.name().to_owned(),
            levels: comparison.levels().iter().map(|l| l.name.to_owned()).collect(),
            odds: m.iter().zip(u).map(|(&m, u)| Odds { m, u }).collect(),
        }
    });
    let models: Vec<ComparisonModel> = models.collect();
    let relations = RELATIONS.into_iter().filter_map(|relation| {
        let levels: Vec<Vec<f64>> = comparisons
            .iter()
            .zip(&models)
            .map(|(comparison, model)| {
                expected_of(&relation, comparison.as_ref(), model).unwrap_or_default()
            })
            .collect();
        // One comparison alone is no relation: that is what rarity is for.
        let several = comparisons.iter().filter(|c| (relation.shares)(c.shared())).count() > 1;
        let open = |shared: Shared| shared.unknown && (relation.near)(shared);
        let apart = comparisons.iter().any(|c| !(relation.shares)(c.shared()) && !open(c.shared()));
        (several && apart).then(|| RelationModel {
            name: relation.name.to_owned(),
            share: match_share * relation.most.min(0.2),
            levels,
        })
    });
    Model {
        kind: kind.to_owned(),
        match_share,
        shift_bits: 0.0,
        relations: relations.collect(),
        comparisons: models,
    }
}

/// What is expected of the levels between related records; none where they are as strangers.
fn expected_of(
    relation: &Relation,
    comparison: &dyn Comparison,
    model: &ComparisonModel,
) -> Option<Vec<f64>> {
    let shared = comparison.shared();
    if (relation.shares)(shared) {
        Some(comparison.related(relation.name))
    } else if !(relation.near)(shared) {
        None
    } else if shared.unknown {
        Some(halfway(model))
    } else {
        Some(model.odds.iter().map(|odds| odds.u).collect())
    }
}

fn relation_of(model: &RelationModel) -> &'static Relation {
    let of_name = RELATIONS.iter().find(|relation| relation.name == model.name);
    of_name.expect("relations are made from RELATIONS")
}

/// What related records have in common where nobody knows: something between a match and strangers.
fn halfway(model: &ComparisonModel) -> Vec<f64> {
    model.odds.iter().map(|odds| (odds.m + odds.u) / 2.0).collect()
}

fn expected(comparison: &dyn Comparison) -> Vec<f64> {
    comparison.levels().iter().map(|level| level.expected).collect()
}

fn by_chance(comparison: &dyn Comparison) -> Vec<f64> {
    comparison.levels().iter().map(|level| level.by_chance).collect()
}

/// The share of matches to start from: what the most telling comparison leaves room for.
///
/// Of all pairs with both values, a share `R` agrees best; matches are at most `R / m` of them,
/// whatever the comparison, and nearly all of them for one that strangers never agree on.
fn first_match_share(
    comparisons: &[Box<dyn Comparison>],
    totals: &[Vec<f64>],
    counts: &Counts,
) -> f64 {
    let per_record = counts.records / counts.possible.max(1.0);
    let enough = counts.possible * 0.01;
    let room = comparisons.iter().zip(totals).filter_map(|(comparison, totals)| {
        let both: f64 = totals.iter().sum();
        let best = totals.first()? / both;
        (both >= enough && !comparison.fixed()).then(|| best / comparison.levels()[0].expected)
    });
    let least = room.fold(f64::INFINITY, f64::min);
    least.clamp(FEWEST_PER_RECORD * per_record, MOST_PER_RECORD * per_record).min(0.5)
}

/// The share of each level, a prior counted as `prior_pairs` pairs.
fn shares(counts: &[f64], prior: &[f64], prior_pairs: f64) -> Vec<f64> {
    let total: f64 = counts.iter().sum::<f64>() + prior_pairs;
    counts.iter().zip(prior).map(|(count, prior)| (count + prior * prior_pairs) / total).collect()
}

/// One round: what each pattern is under `model`, and the model that follows from it.
fn step(model: &Model, comparisons: &[Box<dyn Comparison>], counts: &Counts) -> Model {
    let empty = || comparisons.iter().map(|c| vec![0.0; c.levels().len()]).collect::<Vec<_>>();
    let mut matched = empty();
    let mut strangers = counts.others.clone();
    let mut related = vec![empty(); model.relations.len()];
    let mut matches = 0.0;
    let mut relations = vec![0.0; model.relations.len()];
    for (&pattern, &count) in &counts.patterns {
        let (of_match, of_relation, of_strangers) =
            taught(decided(posterior(model, pattern)), counts.labels.get(&pattern));
        let count = count as f64;
        matches += count * of_match;
        for (sum, share) in relations.iter_mut().zip(&of_relation) {
            *sum += count * share;
        }
        for at in 0..comparisons.len() {
            let Some(level) = pattern.level(at).checked_sub(1) else { continue };
            matched[at][level] += count * of_match;
            strangers[at][level] += count * of_strangers;
            for ((related, share), relation) in
                related.iter_mut().zip(&of_relation).zip(&model.relations)
            {
                if relation.levels[at].is_empty() {
                    strangers[at][level] += count * share;
                } else {
                    related[at][level] += count * share;
                }
            }
        }
    }
    let models = model.comparisons.iter().enumerate().map(|(at, old)| {
        let prior = expected(comparisons[at].as_ref());
        let learned = if comparisons[at].fixed() { 0.0 } else { 1.0 };
        let matched: Vec<f64> = matched[at].iter().map(|n| n * learned).collect();
        let m = shares(&matched, &prior, MATCH_PRIOR_PAIRS);
        let u = shares(&strangers[at], &by_chance(comparisons[at].as_ref()), STRANGER_PRIOR_PAIRS);
        ComparisonModel {
            odds: m.into_iter().zip(u).map(|(m, u)| Odds { m, u }).collect(),
            ..old.clone()
        }
    });
    let match_share = ((matches + 1.0) / (counts.possible + 2.0)).min(0.9);
    // One record alone makes no pair; of few pairs those that match are none of the related ones.
    let related_share = |pairs: f64, relation: &Relation| {
        let share = (pairs + 0.1) / counts.possible.max(1.0);
        share.min(match_share * relation.most).min(1.0 - match_share)
    };
    let new_relations = model.relations.iter().enumerate().map(|(r, old)| RelationModel {
        name: old.name.clone(),
        share: related_share(relations[r], relation_of(old)),
        levels: (0..comparisons.len())
            .map(|at| {
                let comparison = comparisons[at].as_ref();
                let prior = expected_of(relation_of(old), comparison, &model.comparisons[at]);
                let Some(prior) = prior else { return Vec::new() };
                let found: f64 = related[r][at].iter().sum();
                let held = if comparison.shared().unknown { 0.0 } else { found };
                shares(&related[r][at], &prior, held.max(RELATION_PRIOR_PAIRS))
            })
            .collect(),
    });
    Model {
        kind: model.kind.clone(),
        match_share,
        shift_bits: 0.0,
        relations: new_relations.collect(),
        comparisons: models.collect(),
    }
}

/// The same probabilities with that of a match taken for none when it is below one half.
///
/// Pairs of strangers are so many that a thousandth of each would outweigh the true matches, and EM
/// would slide into calling a match what merely is the same category in the same town.
fn decided((of_match, of_relation, of_strangers): (f64, Vec<f64>, f64)) -> (f64, Vec<f64>, f64) {
    if of_match >= 0.5 {
        (of_match, of_relation, of_strangers)
    } else {
        let rest = 1.0 - of_match;
        (0.0, of_relation.iter().map(|r| r / rest).collect(), of_strangers / rest)
    }
}

/// The probability that a pair of this pattern is a match, of each relation, and between strangers.
fn posterior(model: &Model, pattern: Pattern) -> (f64, Vec<f64>, f64) {
    let mut matched = model.match_share;
    let mut related: Vec<f64> = model.relations.iter().map(|r| r.share).collect();
    let mut strangers = (1.0 - matched - related.iter().sum::<f64>()).max(1e-12);
    for (at, comparison) in model.comparisons.iter().enumerate() {
        let Some(level) = pattern.level(at).checked_sub(1) else { continue };
        let Odds { m, u } = comparison.odds[level];
        matched *= m;
        strangers *= u;
        for (product, relation) in related.iter_mut().zip(&model.relations) {
            *product *= relation.levels[at].get(level).copied().unwrap_or(u);
        }
        // Many comparisons of small probabilities would underflow.
        let scale = matched.max(strangers).max(related.iter().copied().fold(0.0, f64::max));
        if scale < 1e-200 {
            matched *= 1e200;
            strangers *= 1e200;
            related.iter_mut().for_each(|r| *r *= 1e200);
        }
    }
    let total = matched + strangers + related.iter().sum::<f64>();
    (matched / total, related.iter().map(|r| r / total).collect(), strangers / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{compare::Outcome, model::Odds};

    /// One comparison, of which the two levels stand for `bits` and their negative with a prior of even odds.
    fn model(bits: f64) -> Model {
        let m = bits.exp2() / (1.0 + bits.exp2());
        let odds = vec![Odds { m, u: 1.0 - m }, Odds { m: 1.0 - m, u: m }];
        Model {
            kind: "person".into(),
            match_share: 0.5,
            shift_bits: 0.0,
            comparisons: vec![ComparisonModel {
                name: "x".into(),
                levels: vec!["same".into(), "different".into()],
                odds,
            }],
            relations: Vec::new(),
        }
    }

    fn shift(bits: f64, matches: u64, others: u64) -> f64 {
        let pattern = Pattern::of(&[Outcome { level: 1, rarity_bits: 0.0 }]);
        shift_bits(&model(bits), &[(pattern, Labelled { matches, others })].into())
    }

    #[test]
    fn labels_move_weights_to_where_as_many_match_as_expected() {
        assert_eq!(shift(0.0, 0, 0), 0.0);
        assert_eq!(shift(0.0, 50, 50), 0.0);
        // Held to be 8 in 9, and half of very many match.
        assert!((shift(3.0, 5000, 5000) + 3.0).abs() < 0.05, "{}", shift(3.0, 5000, 5000));
        let few = shift(3.0, 2, 2);
        assert!(-2.0 < few && few < -0.5, "a few labels move them part of the way: {few}");
    }

    #[test]
    fn mistakes_among_sure_pairs_move_nothing_else() {
        assert_eq!(shift(9.0, 0, 20), 0.0);
    }

    #[test]
    fn labels_of_a_pattern_outvote_the_model_as_they_add_up() {
        let of = |matches, others| {
            let labelled = Labelled { matches, others };
            taught((0.9, vec![0.06], 0.04), Some(&labelled))
        };
        let (learned, relations, strangers) = of(0, 7);
        assert!((learned - 0.2).abs() < 1e-9);
        assert!((learned + relations[0] + strangers - 1.0).abs() < 1e-9);
        assert!((relations[0] / strangers - 1.5).abs() < 1e-9);
        assert!(of(5, 0).0 > 0.97);
        assert_eq!(taught((0.9, vec![0.1], 0.0), None).0, 0.9);
    }
}
