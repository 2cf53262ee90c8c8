//! Values of one column in the form comparisons work on: dictionary-encoded, with their frequencies.

use std::collections::HashMap;

use rayon::prelude::*;

use super::words::{Word, Wording, Words};
use crate::lists::Lists;

/// For each record a list of values; equal texts have equal codes.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// For each record its code; where it has none or several, [`NONE`], or
    /// [`SEVERAL`] and the number of its list.
    heads: Vec<u32>,
    /// The codes of records that have several.
    lists: Lists,
    /// The text of each code. Codes follow the order of the texts.
    texts: Words,
    /// How many records hold each code.
    counts: Vec<u32>,
    /// For each code by how many bits agreeing on it says more than agreeing on a usual one.
    rarity: Vec<f32>,
}

/// The head of a record that has no value.
const NONE: u32 = u32::MAX;
/// The head of the first record that has several values.
const SEVERAL: u32 = 1 << 31;

impl Values {
    /// Encodes the values that `of` gives for each of `records`; duplicates within a record and empty
    /// texts are dropped.
    pub(crate) fn new(records: usize, of: impl Fn(usize) -> Vec<String> + Sync) -> Values {
        let lists: Vec<Vec<String>> =
            (0..records).into_par_iter().map(|i| without_repeats(of(i))).collect();
        let mut texts: Vec<&String> = lists.iter().flatten().collect();
        texts.par_sort_unstable();
        texts.dedup();
        let code_of: HashMap<&str, u32> =
            texts.iter().enumerate().map(|(code, text)| (text.as_str(), code as u32)).collect();
        let mut values = Values { counts: vec![0; texts.len()], ..Values::default() };
        for list in &lists {
            let codes: Vec<u32> = list.iter().map(|text| code_of[text.as_str()]).collect();
            codes.iter().for_each(|&code| values.counts[code as usize] += 1);
            values.push(&codes);
        }
        values.texts = Words::new(texts.into_iter().cloned().collect());
        let usual = usual_count(&values.counts);
        let bits = |&count: &u32| (usual / f64::from(count.max(1))).log2().clamp(-9.0, 6.0) as f32;
        values.rarity = values.counts.iter().map(bits).collect();
        values
    }

    /// Adds a record.
    fn push(&mut self, codes: &[u32]) {
        self.heads.push(match codes {
            [] => NONE,
            [code] => *code,
            several => {
                self.lists.push(several.iter().copied());
                SEVERAL + self.lists.len() - 1
            }
        });
    }

    /// The codes of one record.
    #[inline]
    pub(crate) fn of(&self, record: u32) -> &[u32] {
        let head = &self.heads[record as usize];
        match *head {
            code if code < SEVERAL => std::slice::from_ref(head),
            NONE => &[],
            several => self.lists.of(several - SEVERAL),
        }
    }

    /// How many records there are.
    pub(crate) fn records(&self) -> u32 {
        self.heads.len() as u32
    }

    /// The texts of one record.
    pub(crate) fn texts_of(&self, record: u32) -> impl Iterator<Item = &str> + Clone {
        self.of(record).iter().map(|&code| self.text(code))
    }

    /// The text of a code.
    #[inline]
    pub(crate) fn text(&self, code: u32) -> &str {
        self.texts.get(code).text
    }

    /// The text of a code, ready to be compared.
    #[inline]
    pub(crate) fn word(&self, code: u32) -> Word<'_> {
        self.texts.get(code)
    }

    /// The texts of all codes, in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.texts.len() as u32).map(|code| self.text(code))
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
        let filled = self.heads.iter().filter(|&&head| head != NONE).count();
        filled as f64 / self.heads.len().max(1) as f64
    }

    /// How many different values there are.
    pub(crate) fn distinct(&self) -> usize {
        self.texts.len()
    }
}

fn without_repeats(mut list: Vec<String>) -> Vec<String> {
    list.retain(|text| !text.is_empty());
    if list.len() > 1 {
        let mut seen = std::collections::HashSet::new();
        list.retain(|text| seen.insert(text.clone()));
    }
    list
}

/// What a random pair that agrees finds on average: the mean count, weighted by pairs.
fn usual_count(counts: &[u32]) -> f64 {
    let (mut pairs, mut weighted) = (0.0, 0.0);
    for &count in counts.iter().filter(|&&c| c > 1) {
        let count = f64::from(count);
        pairs += count * (count - 1.0);
        weighted += count * count * (count - 1.0);
    }
    if pairs > 0.0 { weighted / pairs } else { 2.0 }
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
            initials: values.texts().map(initial).collect(),
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
