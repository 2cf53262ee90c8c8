//! Organisations by their names and people.

use super::{Comparison, Level, MISSING, Outcome, Shared, compare_sets, level, same};
use crate::score::{
    values::{Phrases, Values},
    words::Word,
};

/// Organisation names by their words, the rare ones weighing most.
pub(crate) struct OrganisationNames {
    pub(crate) name: &'static str,
    /// The words of each name joined by spaces, one text per name.
    pub(crate) names: Values,
    /// Their words.
    pub(crate) phrases: Phrases,
    pub(crate) shared: Shared,
    /// For persons: the cluster of the organisation they are linked to, if it was resolved.
    pub(crate) clusters: Option<Values>,
}

const ORGANISATION_LEVELS: &[Level] = &[
    level("same organisation or same words", 0.62, 0.002),
    level("nearly the same words", 0.10, 0.001),
    level("one name within the other", 0.10, 0.005),
    level("one is the acronym of the other", 0.02, 0.0005),
    level("half of the words", 0.04, 0.004),
    level("some words", 0.03, 0.03),
    level("different", 0.09, 0.9575),
];

impl Comparison for OrganisationNames {
    fn name(&self) -> &str {
        self.name
    }

    fn levels(&self) -> &'static [Level] {
        ORGANISATION_LEVELS
    }

    fn shared(&self) -> Shared {
        self.shared
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        if let Some(clusters) = &self.clusters
            && let Some(code) = clusters.shared(a, b)
        {
            return same(clusters, code);
        }
        if self.names.of(a).is_empty() || self.names.of(b).is_empty() {
            return MISSING;
        }
        if let Some(code) = self.names.shared(a, b) {
            return same(&self.names, code);
        }
        let mut best = (7, 0.0);
        for &x in self.names.of(a) {
            for &y in self.names.of(b) {
                let found = self.compare_two(x, y);
                if found.0 < best.0 {
                    best = found;
                }
            }
        }
        Outcome { level: best.0, rarity_bits: best.1 }
    }
}

impl OrganisationNames {
    /// The bits that an agreement on usual words carries; a rarer agreement says more.
    const USUAL_BITS: f64 = 12.0;

    fn compare_two(&self, x: u32, y: u32) -> (u8, f32) {
        let phrases = &self.phrases;
        let words = |code| phrases.wording.words.of(code).len();
        let nearly =
            |one: Word<'_>, other: Word<'_>| one.word_slip(other) || cut(one.text, other.text);
        let found = phrases.agreement(x, y, nearly);
        let rarity = (found.bits - Self::USUAL_BITS).clamp(-6.0, 3.0) as f32;
        if phrases.wording.joined(x).text == phrases.wording.joined(y).text {
            (1, (found.of[0] - Self::USUAL_BITS).clamp(-6.0, 3.0) as f32)
        } else if found.jaccard() >= 0.8 {
            (2, rarity)
        } else if found.within() >= 0.8 && found.words == words(x).min(words(y)) {
            (3, rarity)
        } else if self.is_acronym(x, y) || self.is_acronym(y, x) {
            (4, 0.0)
        } else if found.jaccard() >= 0.45 {
            (5, rarity)
        } else if found.jaccard() >= 0.15 {
            (6, rarity.min(0.0))
        } else {
            (7, 0.0)
        }
    }

    fn is_acronym(&self, short: u32, long: u32) -> bool {
        let wording = &self.phrases.wording;
        let joined = wording.joined(short).text;
        wording.words.of(short).len() == 1
            && joined.len() >= 3
            && joined == self.phrases.initials[long as usize]
    }
}

/// Whether one word is the other cut off: `constr` of `construction`.
fn cut(x: &str, y: &str) -> bool {
    let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
    short.len() >= 3 && long.len() >= 5 && long.starts_with(short)
}

/// People named beside an organisation: it has many, so that other ones say next to nothing.
pub(crate) struct People {
    pub(crate) values: Values,
}

const PEOPLE_LEVELS: &[Level] =
    &[level("one in common", 0.25, 0.002), level("none in common", 0.75, 0.998)];

impl Comparison for People {
    fn name(&self) -> &str {
        "people"
    }

    fn levels(&self) -> &'static [Level] {
        PEOPLE_LEVELS
    }

    fn fixed(&self) -> bool {
        true
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        compare_sets(&self.values, a, b)
    }
}
