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
        let mut values = Values { starts: vec![0], counts: vec![0; texts.len()], ..Values::default() };
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
        (self.usual_count / f64::from(self.counts[code as usize].max(1))).log2().clamp(-9.0, 6.0) as f32
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
