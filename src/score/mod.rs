//! Gives each candidate pair its match weight: candidate pairs -> pairs above the review line.
//!
//! Comparisons turn two values into an agreement level ([`compare`]); the model turns levels into
//! bits ([`model`]); training learns the model from the data ([`train`]).

pub mod compare;
pub mod model;
mod features;
mod train;
mod values;
mod weights;
mod words;
mod yields;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use compare::{Comparison, MISSING, Outcome};
pub use features::Evidence;
pub use model::Model;
use model::Pattern;
use weights::{Explanations, Weights};

use crate::{
    coded::CodedRecords,
    error::Result,
    model::Kind,
    pairs::CandidatePairs,
    progress::Progress,
    table::{Pair, Records, Staged},
};

/// The `[match]` section of `orpailleur.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Settings {
    /// Least probability with which a pair must be a match to be merged: the merge line is its weight. Of all merged pairs far more are right, and
    /// clusters that contradict each other as wholes do not merge whatever a pair says. Default: 0.67.
    pub precision: f64,
    /// Probability from which a pair that is not merged waits for a human. Default: 0.2.
    pub review: f64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { precision: 0.67, review: 0.2 }
    }
}

impl Settings {
    /// Weight in hundredths of a bit from which a pair is merged.
    pub fn merge_centibits(&self) -> i32 {
        centibits(log_odds(self.precision))
    }

    /// Weight in hundredths of a bit from which a pair waits for review.
    pub fn review_centibits(&self) -> i32 {
        centibits(log_odds(self.review.min(self.precision)))
    }
}

fn log_odds(probability: f64) -> f64 {
    let p = probability.clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).log2()
}

fn centibits(bits: f64) -> i32 {
    (bits.clamp(-1000.0, 1000.0) * 100.0).round() as i32
}

/// The numbers of [`Scorer::run`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Candidate pairs scored.
    pub candidate_pairs: u64,
    /// How many by match weight in whole bits.
    pub weights: BTreeMap<i64, u64>,
    /// Matches among those below the review line, by their own probabilities.
    pub expected_missed: f64,
}

/// How many matches are to be expected among pairs of these weights, in hundredths of a bit.
pub fn expected_matches(weights: impl Iterator<Item = i32>) -> f64 {
    weights.map(billionths).sum::<u64>() as f64 / 1e9
}

fn whole_bits(centibits: i32) -> i64 {
    i64::from(centibits.div_euclid(100)).clamp(-60, 60)
}

/// Of several outcomes the level that most have, the stronger of two, and its strongest outcome.
fn usual(
    outcomes: impl Iterator<Item = Outcome>,
    bits: impl Fn(&Outcome) -> i32,
) -> Option<Outcome> {
    let mut levels: BTreeMap<u8, (usize, i32, Outcome)> = BTreeMap::new();
    for outcome in outcomes {
        let level = levels.entry(outcome.level).or_insert((0, i32::MIN, outcome));
        level.0 += 1;
        if bits(&outcome) > level.1 {
            (level.1, level.2) = (bits(&outcome), outcome);
        }
    }
    levels.into_values().max_by_key(|level| (level.0, level.1)).map(|level| level.2)
}

/// The probabilities of a match at whole hundredths of a bit, in billionths: sums of integers do not
/// depend on the order of threads.
static BILLIONTHS: std::sync::LazyLock<Vec<u64>> = std::sync::LazyLock::new(|| {
    let probability = |centibits: i32| 1.0 / (1.0 + (-f64::from(centibits) / 100.0).exp2());
    (-FARTHEST_CENTIBITS..=FARTHEST_CENTIBITS)
        .map(|centibits| (probability(centibits) * 1e9).round() as u64)
        .collect()
});
/// From thirty bits on a probability is one in a billion from none or one.
const FARTHEST_CENTIBITS: i32 = 3000;

fn billionths(centibits: i32) -> u64 {
    let bounded = centibits.clamp(-FARTHEST_CENTIBITS, FARTHEST_CENTIBITS);
    BILLIONTHS[(bounded + FARTHEST_CENTIBITS) as usize]
}

/// Pairs drawn to learn how strangers compare.
const SAMPLED_PAIRS: usize = 1_000_000;
/// Candidate pairs counted for training, about; of more, an even sample is taken.
const TRAINING_PAIRS: u64 = 1_000_000;

/// What scoring keeps of the candidate pairs.
#[derive(Debug, Clone, Default)]
pub struct Scored {
    /// Pairs that may match, sorted.
    pub pairs: Vec<Pair>,
    /// Pairs that are related rather than the same or strangers, sorted.
    pub related: Vec<(u32, u32)>,
}

/// What a person said of a pair of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The one.
    pub left: u32,
    /// The other.
    pub right: u32,
    /// Whether they are one entity.
    pub matches: bool,
}

/// The comparisons and the model of one kind of record.
pub struct Scorer {
    comparisons: Vec<Box<dyn Comparison>>,
    /// What was learned.
    pub model: Model,
    weights: Weights,
}

/// One line of an explanation: a comparison, the level found, and its bits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reason {
    /// The comparison.
    pub comparison: String,
    /// The level, or `a value is missing`.
    pub level: String,
    /// Bits for a match of the level itself.
    pub bits: f64,
    /// Bits added because the shared value is rare, or taken because it is common.
    pub rarity_bits: f64,
}

/// Why two records are together or apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The bits of the share of pairs that match at all, and what people taught of doubtful pairs.
    pub prior_bits: f64,
    /// One line per comparison.
    pub reasons: Vec<Reason>,
    /// What was taken off because the two may be related instead: household, company, group.
    pub relation_bits: f64,
    /// The sum: the logarithm of the odds of a match.
    pub weight_bits: f64,
}

impl Scorer {
    /// Prepares the comparisons for `records` and learns the model from `candidates` and the `labels` of people, or takes
    /// `known` if it was made for the same comparisons.
    pub fn new(
        records: &CodedRecords<'_>,
        kind: Kind,
        evidence: &Evidence,
        candidates: &CandidatePairs,
        labels: &[Label],
        known: Option<&Model>,
        progress: &Progress,
    ) -> Result<Scorer> {
        let comparisons = progress.part(
            "encode",
            |_| records.members.len() as u64,
            || features::comparisons(records, kind, evidence),
        );
        progress.check()?;
        let learn = || {
            let mut counts = count(records.records, records.members, &comparisons, candidates);
            counts.labels = patterns_of(labels, &comparisons);
            train::train(kind.as_str(), &comparisons, &counts)
        };
        let model = match known.filter(|model| model.fits(&comparisons)) {
            Some(model) => model.clone(),
            None => progress.part("train", |_| 0, learn),
        };
        Ok(Scorer::of(comparisons, model))
    }

    /// The comparisons for `records` with a model that is known; none if it was made for other comparisons.
    pub fn known(
        records: &CodedRecords<'_>,
        kind: Kind,
        evidence: &Evidence,
        model: &Model,
    ) -> Option<Scorer> {
        let comparisons = features::comparisons(records, kind, evidence);
        model.fits(&comparisons).then(|| Scorer::of(comparisons, model.clone()))
    }

    fn of(comparisons: Vec<Box<dyn Comparison>>, model: Model) -> Scorer {
        Scorer { comparisons, weights: Weights::of(&model), model }
    }

    fn outcomes(&self, a: u32, b: u32, into: &mut Vec<Outcome>) {
        into.clear();
        into.extend(self.comparisons.iter().map(|c| c.compare(a, b)));
    }

    /// The agreement level of each comparison of two members, from 1, the best; 0 where a value is missing.
    pub fn levels(&self, a: u32, b: u32) -> Vec<u8> {
        self.comparisons.iter().map(|comparison| comparison.compare(a, b).level).collect()
    }

    /// The match weight of two members in hundredths of a bit; `in_sight` says whether other members are
    /// related to either.
    pub fn weight_centibits(&self, a: u32, b: u32, in_sight: bool) -> i32 {
        centibits(self.explanations(a, b).weight_bits(in_sight))
    }

    /// Whether two members are related rather than the same or strangers.
    pub fn are_related(&self, a: u32, b: u32) -> bool {
        self.explanations(a, b).is_related()
    }

    fn explanations(&self, a: u32, b: u32) -> Explanations {
        let mut outcomes = Vec::with_capacity(self.comparisons.len());
        self.outcomes(a, b, &mut outcomes);
        self.weights.explanations(&outcomes)
    }

    /// The match weight of two groups of members in hundredths of a bit, each group taken for one record
    /// that has the values of all.
    pub fn group_centibits(&self, left: &[u32], right: &[u32], in_sight: bool) -> i32 {
        let comparisons = self.comparisons.iter().zip(&self.model.comparisons);
        let outcomes: Vec<Outcome> = comparisons
            .map(|(comparison, model)| {
                let pairs = left.iter().flat_map(|&a| right.iter().map(move |&b| (a, b)));
                let outcomes = pairs.map(|(a, b)| comparison.compare(a.min(b), a.max(b)));
                let seen = outcomes.filter(|outcome| outcome.level > 0);
                let bits = |outcome: &Outcome| {
                    let odds = model.odds[outcome.level as usize - 1];
                    centibits(odds.bits() + f64::from(outcome.rarity_bits))
                };
                let found =
                    if comparison.single() { usual(seen, bits) } else { seen.max_by_key(bits) };
                found.unwrap_or(MISSING)
            })
            .collect();
        centibits(self.weights.explanations(&outcomes).weight_bits(in_sight))
    }

    /// Weighs again those of `scored` whose members have no relatives in sight, now that this is known.
    pub fn weigh_again(&self, scored: &mut Staged<Scored, Metrics>, in_sight: &[bool]) {
        use rayon::prelude::*;
        let Staged { table, metrics } = scored;
        let weights: Vec<i32> = table
            .pairs
            .par_iter()
            .map(|pair| {
                let in_sight = in_sight[pair.left as usize] || in_sight[pair.right as usize];
                match in_sight {
                    true => pair.weight_centibits,
                    false => self.weight_centibits(pair.left, pair.right, false),
                }
            })
            .collect();
        for (pair, weight) in table.pairs.iter_mut().zip(weights) {
            *metrics.weights.entry(whole_bits(pair.weight_centibits)).or_default() -= 1;
            *metrics.weights.entry(whole_bits(weight)).or_default() += 1;
            pair.weight_centibits = weight;
        }
        metrics.weights.retain(|_, count| *count > 0);
    }

    /// What the comparisons of two members say by themselves, in hundredths of a bit: below zero they
    /// speak against a match whatever the prior.
    pub fn evidence_centibits(&self, a: u32, b: u32) -> i32 {
        let mut outcomes = Vec::with_capacity(self.comparisons.len());
        self.outcomes(a, b, &mut outcomes);
        centibits(self.weights.evidence_bits(&outcomes))
    }

    /// Scores all candidate pairs, relatives taken to be in sight, and keeps those that may reach the review
    /// line of `settings`, as positions of the members.
    pub fn run(
        &self,
        candidates: &CandidatePairs,
        settings: &Settings,
        progress: &Progress,
    ) -> Result<Staged<Scored, Metrics>> {
        #[derive(Default)]
        struct Found {
            pairs: Vec<Pair>,
            related: Vec<(u32, u32)>,
            weights: BTreeMap<i64, u64>,
            count: u64,
            outcomes: Vec<Outcome>,
            /// Billionths of missed matches.
            missed: u64,
        }
        let review = settings.review_centibits();
        let found = candidates.visit(Found::default, |found, left, right| {
            self.outcomes(left, right, &mut found.outcomes);
            let explanations = self.weights.explanations(&found.outcomes);
            let weight_centibits = centibits(explanations.weight_bits(true));
            if explanations.is_related() {
                found.related.push((left, right));
            }
            *found.weights.entry(whole_bits(weight_centibits)).or_default() += 1;
            found.count += 1;
            // Without relatives in sight it may still rise above the line.
            if centibits(explanations.weight_bits(false)) >= review {
                found.pairs.push(Pair { left, right, weight_centibits });
            } else {
                found.missed += billionths(weight_centibits);
            }
        });
        progress.check()?;
        let mut pairs = Vec::new();
        let mut related = Vec::new();
        let mut metrics = Metrics::default();
        let mut missed = 0;
        for part in found {
            pairs.extend(part.pairs);
            related.extend(part.related);
            missed += part.missed;
            metrics.candidate_pairs += part.count;
            for (bits, count) in part.weights {
                *metrics.weights.entry(bits).or_default() += count;
            }
        }
        metrics.expected_missed = missed as f64 / 1e9;
        pairs.sort_unstable();
        related.sort_unstable();
        Ok(Staged { table: Scored { pairs, related }, metrics })
    }

    /// Why two members are together or apart; `in_sight` as in [`Scorer::weight_centibits`].
    pub fn explain(&self, a: u32, b: u32, in_sight: bool) -> Explanation {
        let mut outcomes = Vec::new();
        self.outcomes(a, b, &mut outcomes);
        let reasons: Vec<Reason> = outcomes
            .iter()
            .zip(&self.model.comparisons)
            .map(|(outcome, comparison)| match (outcome.level as usize).checked_sub(1) {
                None => Reason {
                    comparison: comparison.name.clone(),
                    level: "a value is missing".into(),
                    bits: 0.0,
                    rarity_bits: 0.0,
                },
                Some(level) => Reason {
                    comparison: comparison.name.clone(),
                    level: comparison.levels[level].clone(),
                    bits: comparison.odds[level].bits(),
                    rarity_bits: outcome.rarity_bits.into(),
                },
            })
            .collect();
        let prior_bits = self.model.prior_bits();
        let weight_bits = self.weights.explanations(&outcomes).weight_bits(in_sight);
        let relation_bits =
            weight_bits - prior_bits - reasons.iter().map(|r| r.bits + r.rarity_bits).sum::<f64>();
        Explanation { prior_bits, reasons, relation_bits, weight_bits }
    }
}

/// Counts the patterns of the candidates and, by a sample, the levels of all other pairs.
fn count(
    records: &Records,
    members: &[u32],
    comparisons: &[Box<dyn Comparison>],
    candidates: &CandidatePairs,
) -> train::Counts {
    let produced: u64 = candidates.rules.iter().map(|rule| rule.pairs).sum();
    let one_in = produced.div_ceil(TRAINING_PAIRS).max(1);
    // Integers only: sums do not depend on the order of threads.
    let parts = candidates.visit_of(
        |record| is_sampled(number_of(records, members[record as usize]), one_in),
        || (HashMap::<Pattern, u64>::new(), Vec::new()),
        |(patterns, outcomes), _, a, b| {
            outcomes.clear();
            outcomes.extend(comparisons.iter().map(|c| c.compare(a, b)));
            *patterns.entry(Pattern::of(outcomes)).or_default() += one_in;
        },
    );
    let mut patterns = BTreeMap::new();
    for (part, _) in parts {
        #[expect(clippy::iter_over_hash_type, reason = "sums of integers go into an ordered map")]
        for (pattern, count) in part {
            *patterns.entry(pattern).or_default() += count;
        }
    }
    let possible = candidates.possible();
    let others = possible.saturating_sub(patterns.values().sum());
    let others = sample_others(records, members, comparisons, candidates, others);
    train::Counts {
        patterns,
        others,
        possible: possible as f64,
        records: members.len() as f64,
        labels: BTreeMap::new(),
    }
}

/// How many labelled pairs show each pattern: those that match, and those that do not.
fn patterns_of(
    labels: &[Label],
    comparisons: &[Box<dyn Comparison>],
) -> BTreeMap<Pattern, train::Labelled> {
    let mut patterns = BTreeMap::<Pattern, train::Labelled>::new();
    for &Label { left, right, matches } in labels {
        let outcomes: Vec<Outcome> =
            comparisons.iter().map(|c| c.compare(left.min(right), left.max(right))).collect();
        let found = patterns.entry(Pattern::of(&outcomes)).or_default();
        match matches {
            true => found.matches += 1,
            false => found.others += 1,
        }
    }
    patterns
}

/// Whether a record is in a sample of one in so many, by its number.
fn is_sampled(number: u64, one_in: u64) -> bool {
    mixed(number, u64::MAX).is_multiple_of(one_in)
}

/// A record's id as a number: ids are hashes, so any eight bytes do.
pub fn number_of(records: &Records, record: u32) -> u64 {
    let id = records.ids[record as usize].0;
    u64::from_le_bytes([id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9]])
}

/// A number that looks like chance for each draw of an id, and is always the same.
fn mixed(id: u64, draw: u64) -> u64 {
    let mut mixed = id.wrapping_add(draw.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for multiplier in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(multiplier);
    }
    mixed ^ (mixed >> 31)
}

/// For each comparison and level the estimated number of pairs among the `others` pairs that are no
/// candidates. A record's partners are drawn by its id among all records in the order of their ids, so that
/// the sample depends on ids alone.
fn sample_others(
    records: &Records,
    members: &[u32],
    comparisons: &[Box<dyn Comparison>],
    candidates: &CandidatePairs,
    others: u64,
) -> Vec<Vec<f64>> {
    use rayon::prelude::*;
    let empty = || comparisons.iter().map(|c| vec![0u64; c.levels().len() + 1]).collect::<Vec<_>>();
    let per_record = (SAMPLED_PAIRS / members.len().max(1)).clamp(1, 200);
    let count = members.len() as u64;
    let counted = (0..members.len() as u32)
        .into_par_iter()
        .chunks(1024)
        .map(|chunk| {
            let mut counts = (empty(), 0u64);
            for a in chunk {
                for draw in 0..per_record as u64 {
                    let b = (mixed(number_of(records, members[a as usize]), draw) % count) as u32;
                    if a == b
                        || !candidates.allowed(a, b)
                        || candidates.contains(a.min(b), a.max(b))
                    {
                        continue;
                    }
                    counts.1 += 1;
                    for (levels, comparison) in counts.0.iter_mut().zip(comparisons) {
                        levels[comparison.compare(a.min(b), a.max(b)).level as usize] += 1;
                    }
                }
            }
            counts
        })
        .reduce(
            || (empty(), 0),
            |mut all, part| {
                all.1 += part.1;
                for (all, part) in all.0.iter_mut().flatten().zip(part.0.iter().flatten()) {
                    *all += part;
                }
                all
            },
        );
    let scale = others as f64 / counted.1.max(1) as f64;
    counted.0.iter().map(|levels| levels[1..].iter().map(|&n| n as f64 * scale).collect()).collect()
}
