//! Values of one column in the form comparisons work on: coded, with their frequencies.

use std::sync::Arc;

use super::words::{Word, Wording, Words};
use crate::coded::{CodeLists, Coded, Texts};

/// For each record a list of values; equal texts have equal codes.
#[derive(Debug, Default)]
pub(crate) struct Values {
    codes: Arc<CodeLists>,
    /// The text of each code.
    texts: Words,
    /// How many records hold each code.
    counts: Vec<u32>,
    /// For each code by how many bits agreeing on it says more than agreeing on a usual one.
    rarity: Vec<f32>,
}

impl Values {
    /// The values with what agreeing on each of them tells.
    pub(crate) fn new(coded: Coded) -> Values {
        let mut counts = vec![0; coded.texts.len() as usize];
        for record in 0..coded.codes.len() {
            coded.codes.of(record).iter().for_each(|&code| counts[code as usize] += 1);
        }
        let usual = usual_count(&counts);
        let bits = |&count: &u32| (usual / f64::from(count.max(1))).log2().clamp(-9.0, 6.0) as f32;
        Values {
            rarity: counts.iter().map(bits).collect(),
            counts,
            texts: Words::new(coded.texts),
            codes: coded.codes,
        }
    }

    /// The codes of one record.
    #[inline]
    pub(crate) fn of(&self, record: u32) -> &[u32] {
        self.codes.of(record)
    }

    /// How many records there are.
    pub(crate) fn records(&self) -> u32 {
        self.codes.len()
    }

    /// The text of a code, ready to be compared.
    #[inline]
    pub(crate) fn word(&self, code: u32) -> Word<'_> {
        self.texts.get(code)
    }

    /// The texts of all codes.
    pub(crate) fn texts(&self) -> &Texts {
        self.texts.texts()
    }

    /// The rarest code that both records hold.
    #[inline]
    pub(crate) fn shared(&self, a: u32, b: u32) -> Option<u32> {
        match (self.of(a), self.of(b)) {
            ([x], [y]) => (x == y).then_some(*x),
            (mine, theirs) => {
                let shared = mine.iter().filter(|code| theirs.contains(code));
                shared.copied().min_by_key(|&code| (self.counts[code as usize], code))
            }
        }
    }

    /// How many records hold the code.
    pub(crate) fn count(&self, code: u32) -> u32 {
        self.counts[code as usize]
    }

    /// By how many bits agreeing on this code says more than agreeing on a usual one.
    #[inline]
    pub(crate) fn rarity_bits(&self, code: u32) -> f32 {
        self.rarity[code as usize]
    }

    /// Share of the records that hold a value.
    pub(crate) fn fill(&self) -> f64 {
        self.codes.filled() as f64 / f64::from(self.records().max(1))
    }

    /// How many different values there are.
    pub(crate) fn distinct(&self) -> usize {
        self.texts.len()
    }
}

/// What a random pair that agrees finds on average: the mean count, weighted by pairs.
fn usual_count(counts: &[u32]) -> f64 {
    // Integers: the sum does not depend on the order of the codes.
    let (mut pairs, mut weighted) = (0u128, 0u128);
    for count in counts.iter().map(|&count| u128::from(count)).filter(|&count| count > 1) {
        pairs += count * (count - 1);
        weighted += count * count * (count - 1);
    }
    if pairs > 0 { weighted as f64 / pairs as f64 } else { 2.0 }
}

/// The words of each text of [`Values`], with what each word tells.
#[derive(Debug, Default)]
pub(crate) struct Phrases {
    /// For each code of the values its words.
    pub(crate) wording: Wording,
    /// For each code the initials of its words.
    pub(crate) initials: Vec<String>,
    /// Bits of information of each word: `log2(records / records with it)`.
    bits: Vec<f64>,
    /// For each code the bits of its words.
    whole_bits: Vec<f64>,
}

/// How much of two phrases agrees.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Agreement {
    /// Bits of the words in common, slips taken for a little less.
    pub(crate) bits: f64,
    /// Bits of each phrase.
    pub(crate) of: [f64; 2],
    /// Words in common.
    pub(crate) words: usize,
}

impl Agreement {
    /// Bits in common by bits in either.
    pub(crate) fn jaccard(self) -> f64 {
        self.bits / (self.of[0] + self.of[1] - self.bits).max(1e-9)
    }

    /// Bits in common by bits of the shorter one.
    pub(crate) fn within(self) -> f64 {
        self.bits / self.of[0].min(self.of[1]).max(1e-9)
    }
}

/// What a word that is nearly the other counts, of its bits.
const NEARLY: f64 = 0.85;

impl Phrases {
    /// The phrases of `values` among `records` records.
    pub(crate) fn new(values: &Values, records: usize) -> Phrases {
        let wording = Wording::new(values.texts());
        let codes = 0..values.distinct() as u32;
        let mut counts = vec![0u32; wording.vocabulary.len()];
        for code in codes.clone() {
            for &word in wording.words.of(code) {
                counts[word as usize] += values.count(code);
            }
        }
        let bits = |&count: &u32| (records as f64 / f64::from(count)).max(1.0).log2() + 0.5;
        let bits: Vec<f64> = counts.iter().map(bits).collect();
        let whole = |code| wording.words.of(code).iter().map(|&w| bits[w as usize]).sum();
        let initial = |text: &str| text.split(' ').filter_map(|w| w.chars().next()).collect();
        Phrases {
            whole_bits: codes.map(whole).collect(),
            initials: values.texts().iter().map(initial).collect(),
            wording,
            bits,
        }
    }

    /// Compares two phrases by their words; `nearly` says whether two words are one with a slip.
    pub(crate) fn agreement(
        &self,
        x: u32,
        y: u32,
        nearly: impl Fn(Word<'_>, Word<'_>) -> bool,
    ) -> Agreement {
        let (xs, ys) = (self.wording.words.of(x), self.wording.words.of(y));
        let bits = |word: u32| self.bits[word as usize];
        let mut found = Agreement {
            of: [x, y].map(|code| self.whole_bits[code as usize]),
            ..Agreement::default()
        };
        // Sixty-four words are more than any name has.
        let (mut left, mut taken) = (0u64, 0u64);
        for (i, word) in xs.iter().enumerate().take(64) {
            match (0..ys.len().min(64)).find(|&j| taken >> j & 1 == 0 && ys[j] == *word) {
                Some(j) => {
                    taken |= 1 << j;
                    found.bits += bits(*word);
                    found.words += 1;
                }
                None => left |= 1 << i,
            }
        }
        for (_, word) in xs.iter().enumerate().take(64).filter(|(i, _)| left >> i & 1 == 1) {
            let text = self.wording.vocabulary.get(*word);
            let near = (0..ys.len().min(64))
                .find(|&j| taken >> j & 1 == 0 && nearly(text, self.wording.vocabulary.get(ys[j])));
            if let Some(j) = near {
                taken |= 1 << j;
                found.bits += NEARLY * bits(*word).min(bits(ys[j]));
                found.words += 1;
            }
        }
        found
    }
}
