//! Values of one column in the form comparisons work on: dictionary-encoded, with their frequencies.

use std::collections::HashMap;

use rayon::prelude::*;

/// For each record a list of values; equal texts have equal codes.
#[derive(Debug, Default)]
pub(super) struct Values {
    starts: Vec<u32>,
    codes: Vec<u32>,
    /// The text of each code. Codes follow the order of the texts.
    pub(super) texts: Vec<String>,
    /// How many records hold each code.
    counts: Vec<u32>,
    /// What a random pair that agrees finds on average: the mean count, weighted by pairs.
    usual_count: f64,
}

impl Values {
    /// Encodes the values that `of` gives for each of `records`; duplicates within a record and empty
    /// texts are dropped.
    pub(super) fn new(records: usize, of: impl Fn(usize) -> Vec<String> + Sync) -> Values {
        let lists: Vec<Vec<String>> = (0..records)
            .into_par_iter()
            .map(|i| {
                let mut list = of(i);
                list.retain(|text| !text.is_empty());
                let mut seen = std::collections::HashSet::new();
                list.retain(|text| seen.insert(text.clone()));
                list
            })
            .collect();
        let mut texts: Vec<&String> = lists.iter().flatten().collect();
        texts.par_sort_unstable();
        texts.dedup();
        let code_of: HashMap<&str, u32> =
            texts.iter().enumerate().map(|(code, text)| (text.as_str(), code as u32)).collect();
        let mut values =
            Values { starts: vec![0], counts: vec![0; texts.len()], ..Values::default() };
        for list in &lists {
            for text in list {
                let code = code_of[text.as_str()];
                values.codes.push(code);
                values.counts[code as usize] += 1;
            }
            values.starts.push(values.codes.len() as u32);
        }
        values.texts = texts.into_iter().cloned().collect();
        let (mut pairs, mut weighted) = (0.0, 0.0);
        for &count in values.counts.iter().filter(|&&c| c > 1) {
            let count = f64::from(count);
            pairs += count * (count - 1.0);
            weighted += count * count * (count - 1.0);
        }
        values.usual_count = if pairs > 0.0 { weighted / pairs } else { 2.0 };
        values
    }

    /// The codes of one record.
    pub(super) fn of(&self, record: u32) -> &[u32] {
        let at = record as usize;
        &self.codes[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// The texts of one record.
    pub(super) fn texts_of(&self, record: u32) -> impl Iterator<Item = &str> + Clone {
        self.of(record).iter().map(|&code| self.texts[code as usize].as_str())
    }

    /// The first text of one record.
    pub(super) fn text(&self, record: u32) -> Option<&str> {
        self.of(record).first().map(|&code| self.texts[code as usize].as_str())
    }

    /// The rarest code that both records hold.
    pub(super) fn shared(&self, a: u32, b: u32) -> Option<u32> {
        let theirs = self.of(b);
        let shared = self.of(a).iter().filter(|code| theirs.contains(code));
        shared.copied().min_by_key(|&code| (self.counts[code as usize], code))
    }

    /// How many records hold the code.
    pub(super) fn count(&self, code: u32) -> u32 {
        self.counts[code as usize]
    }

    /// By how many bits agreeing on this code says more than agreeing on a usual one.
    pub(super) fn rarity_bits(&self, code: u32) -> f32 {
        (self.usual_count / f64::from(self.counts[code as usize].max(1))).log2().clamp(-9.0, 6.0)
            as f32
    }

    /// Share of the records that hold a value.
    pub(super) fn fill(&self) -> f64 {
        let filled = self.starts.windows(2).filter(|w| w[0] < w[1]).count();
        filled as f64 / (self.starts.len() - 1).max(1) as f64
    }

    /// How many different values there are.
    pub(super) fn distinct(&self) -> usize {
        self.texts.len()
    }
}

/// The words of each text of [`Values`], numbered, with what each word tells.
#[derive(Debug, Default)]
pub(super) struct Phrases {
    /// For each code of the values its words, in order.
    pub(super) words: Vec<Vec<u32>>,
    /// For each code its text without blanks.
    pub(super) joined: Vec<String>,
    /// For each code the initials of its words.
    pub(super) initials: Vec<String>,
    /// The text of each word.
    pub(super) texts: Vec<String>,
    /// Bits of information of each word: `log2(records / records with it)`.
    pub(super) bits: Vec<f64>,
}

/// How much of two phrases agrees.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Agreement {
    /// Bits of the words in common, slips taken for a little less.
    pub(super) bits: f64,
    /// Bits of each phrase.
    pub(super) of: [f64; 2],
    /// Words in common.
    pub(super) words: usize,
}

impl Agreement {
    /// Bits in common by bits in either.
    pub(super) fn jaccard(self) -> f64 {
        self.bits / (self.of[0] + self.of[1] - self.bits).max(1e-9)
    }

    /// Bits in common by bits of the shorter one.
    pub(super) fn within(self) -> f64 {
        self.bits / self.of[0].min(self.of[1]).max(1e-9)
    }
}

/// What a word that is nearly the other counts, of its bits.
const NEARLY: f64 = 0.85;

impl Phrases {
    /// The phrases of `values` among `records` records.
    pub(super) fn new(values: &Values, records: usize) -> Phrases {
        let mut texts: Vec<&str> = values.texts.iter().flat_map(|t| t.split(' ')).collect();
        texts.sort_unstable();
        texts.dedup();
        let number: HashMap<&str, u32> =
            texts.iter().enumerate().map(|(n, word)| (*word, n as u32)).collect();
        let words: Vec<Vec<u32>> =
            values.texts.iter().map(|t| t.split(' ').map(|word| number[word]).collect()).collect();
        let mut counts = vec![0u32; texts.len()];
        for (code, words) in words.iter().enumerate() {
            for &word in words {
                counts[word as usize] += values.count(code as u32);
            }
        }
        let bits = |&count: &u32| (records as f64 / f64::from(count)).max(1.0).log2() + 0.5;
        Phrases {
            joined: values.texts.iter().map(|t| t.replace(' ', "")).collect(),
            initials: values
                .texts
                .iter()
                .map(|t| t.split(' ').filter_map(|w| w.chars().next()).collect())
                .collect(),
            bits: counts.iter().map(bits).collect(),
            texts: texts.into_iter().map(str::to_owned).collect(),
            words,
        }
    }

    /// Compares two phrases by their words; `nearly` says whether two words are one with a slip.
    pub(super) fn agreement(
        &self,
        x: u32,
        y: u32,
        nearly: impl Fn(&str, &str) -> bool,
    ) -> Agreement {
        let (xs, ys) = (&self.words[x as usize], &self.words[y as usize]);
        let bits = |word: u32| self.bits[word as usize];
        let mut found = Agreement {
            of: [xs, ys].map(|words| words.iter().map(|&w| bits(w)).sum()),
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
        for (i, word) in xs.iter().enumerate().take(64).filter(|(i, _)| left >> i & 1 == 1) {
            let _ = i;
            let text = &self.texts[*word as usize];
            let near = (0..ys.len().min(64))
                .find(|&j| taken >> j & 1 == 0 && nearly(text, &self.texts[ys[j] as usize]));
            if let Some(j) = near {
                taken |= 1 << j;
                found.bits += NEARLY * bits(*word).min(bits(ys[j]));
                found.words += 1;
            }
        }
        found
    }
}
