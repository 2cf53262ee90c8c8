//! The model: agreement levels -> bits.
//!
//! A pair of records is one of three: a match; related (one household or company, one group or
//! address, one name: some comparisons agree as in a match, the others as between strangers); or strangers.
//! The weight of a pair is the logarithm of the odds of the first against the other two.

use serde::{Deserialize, Serialize};

use super::compare::{Comparison, Outcome, Shared};

/// Most comparisons that a pattern can hold: four bits each in 128.
pub const MOST_COMPARISONS: usize = 32;

/// The agreement levels of one pair, four bits for each comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Pattern(pub(super) u128);

impl Pattern {
    pub(super) fn of(outcomes: &[Outcome]) -> Pattern {
        Pattern(
            outcomes
                .iter()
                .enumerate()
                .fold(0, |bits, (i, o)| bits | u128::from(o.level) << (4 * i)),
        )
    }

    pub(super) fn level(self, comparison: usize) -> usize {
        (self.0 >> (4 * comparison)) as usize & 15
    }
}

/// Probabilities on disk: text of seven digits, which reads back exactly as it was.
mod probability {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn rounded(p: f64) -> f64 {
        format!("{p:.6e}").parse().expect("a formatted number is a number")
    }

    pub(super) fn serialize<S: Serializer>(p: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{p:.6e}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let text = String::deserialize(deserializer)?;
        let p: f64 = text.parse().map_err(D::Error::custom)?;
        if p > 0.0 && p <= 1.0 {
            Ok(p)
        } else {
            Err(D::Error::custom("a probability is above 0 and at most 1"))
        }
    }

    /// The same for lists of lists.
    pub(super) mod nested {
        use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

        pub(crate) fn serialize<S: Serializer>(
            lists: &[Vec<f64>],
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            let texts: Vec<Vec<String>> =
                lists.iter().map(|l| l.iter().map(|p| format!("{p:.6e}")).collect()).collect();
            texts.serialize(serializer)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Vec<Vec<f64>>, D::Error> {
            let texts = Vec::<Vec<String>>::deserialize(deserializer)?;
            let number = |text: String| text.parse().map_err(D::Error::custom);
            texts.into_iter().map(|l| l.into_iter().map(number).collect()).collect()
        }
    }
}

/// How often a level occurs among matches, and among strangers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Odds {
    /// Probability of the level in a match, in `(0, 1]`.
    #[serde(with = "probability")]
    pub m: f64,
    /// Probability of the level between strangers, in `(0, 1]`.
    #[serde(with = "probability")]
    pub u: f64,
}

impl Odds {
    /// `log2(m / u)`.
    pub fn bits(self) -> f64 {
        (self.m / self.u).log2()
    }
}

/// The learned odds of one comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonModel {
    /// The comparison's name.
    pub name: String,
    /// The names of its levels, best first.
    pub levels: Vec<String>,
    /// Their odds.
    pub odds: Vec<Odds>,
}

/// A relation other than identity that makes some comparisons agree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelationModel {
    /// `family` (household, group of companies), `place` (colleagues, one address) or `namesake`.
    pub name: String,
    /// Share of all pairs that are so related.
    #[serde(with = "probability")]
    pub share: f64,
    /// For each comparison, the probability of each of its levels between related records; empty
    /// where they are to each other as strangers are.
    #[serde(with = "probability::nested")]
    pub levels: Vec<Vec<f64>>,
}

/// A relation other than identity, as training knows it before it sees data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relation {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether it makes a comparison agree.
    pub(super) shares: fn(Shared) -> bool,
    /// Whether a comparison that it does not make agree may still be nearer to agreement than between strangers.
    pub(super) near: fn(Shared) -> bool,
    /// Related pairs for a match, at most.
    pub(super) most: f64,
}

/// The relations other than identity.
///
/// The sites of one group lie nearer to each other than strangers do, in one town or one street; how near,
/// training finds out. A chain of sites has more related pairs than matches. Namesakes are rare; without a
/// bound, people who change employer, phone and mailbox at once would all count as two.
pub(super) const RELATIONS: [Relation; 3] = [
    Relation { name: "family", shares: |s| s.family, near: |s| s.near || s.unknown, most: 3.0 },
    Relation { name: "place", shares: |s| s.place, near: |s| s.unknown, most: 3.0 },
    Relation { name: "namesake", shares: |s| s.namesake, near: |_| false, most: 0.02 },
];

/// Share of the relations that stays where no relative is in sight: one may still be hidden behind records
/// that say too little.
pub(super) const OUT_OF_SIGHT: f64 = 0.1;

/// What was learned from the data of one kind of record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The kind of record.
    pub kind: String,
    /// Share of all pairs that match.
    #[serde(with = "probability")]
    pub match_share: f64,
    /// What pairs that people looked at add to every weight, in bits.
    #[serde(default)]
    pub shift_bits: f64,
    /// The comparisons.
    pub comparisons: Vec<ComparisonModel>,
    /// The relations.
    pub relations: Vec<RelationModel>,
}

impl Model {
    /// What every weight starts from, in bits: the odds that a pair matches at all, and what people taught.
    pub(super) fn prior_bits(&self) -> f64 {
        (self.match_share / (1.0 - self.match_share)).log2() + self.shift_bits
    }

    /// The model as it reads back from disk, so that a trained model and a kept one score alike.
    pub(super) fn rounded(mut self) -> Model {
        let round = |p: &mut f64| *p = probability::rounded(*p);
        round(&mut self.match_share);
        for odds in self.comparisons.iter_mut().flat_map(|c| &mut c.odds) {
            round(&mut odds.m);
            round(&mut odds.u);
        }
        for relation in &mut self.relations {
            round(&mut relation.share);
            relation.levels.iter_mut().flatten().for_each(round);
        }
        self
    }

    /// Whether the model was made for these comparisons.
    pub(super) fn fits(&self, comparisons: &[Box<dyn Comparison>]) -> bool {
        self.comparisons.len() == comparisons.len()
            && self.comparisons.iter().zip(comparisons).all(|(model, comparison)| {
                model.name == comparison.name()
                    && model
                        .levels
                        .iter()
                        .map(String::as_str)
                        .eq(comparison.levels().iter().map(|l| l.name))
            })
    }
}
