//! How often each text occurs, in memory that does not grow with the number of rows.

use std::collections::HashMap;

use crate::ingest::columns::hash;

/// Texts with their counts.
///
/// Up to `bound` different ones all are kept and every number is exact. Beyond it only those whose hash
/// ends on more and more zeros stay, each with its exact count, which makes the number of different ones an
/// estimate whatever the order of the rows. Texts named beforehand, those of a sample, are counted
/// in any case: what is frequent stands among them.
#[derive(Debug)]
pub(super) struct Frequencies {
    seen: HashMap<Box<str>, Seen>,
    bound: usize,
    /// How many zeros the hash of a kept text ends on.
    level: u32,
    /// Kept texts whose hash does.
    passing: usize,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    count: u64,
    /// What was found out about the text; [`UNKNOWN`] until it occurs.
    note: u16,
    /// Whether it is counted whatever its hash.
    followed: bool,
}

/// No note yet.
const UNKNOWN: u16 = u16::MAX;

impl Frequencies {
    /// Counts nothing yet; `followed` are counted in any case.
    pub(super) fn new<'t>(bound: usize, followed: impl IntoIterator<Item = &'t str>) -> Self {
        let mut frequencies =
            Frequencies { seen: HashMap::new(), bound: bound.max(1), level: 0, passing: 0 };
        for text in followed {
            if !frequencies.seen.contains_key(text) {
                let seen = Seen { count: 0, note: UNKNOWN, followed: true };
                frequencies.seen.insert(text.into(), seen);
            }
        }
        frequencies
    }

    /// Counts a text that is kept and gives its note; `None` for one that still needs [`Self::note`].
    pub(super) fn count(&mut self, text: &str) -> Option<u16> {
        let seen = self.seen.get_mut(text)?;
        if seen.note == UNKNOWN {
            return None;
        }
        seen.count += 1;
        Some(seen.note)
    }

    /// Counts a text that [`Self::count`] did not know, with what was found out about it.
    pub(super) fn note(&mut self, text: &str, note: u16) {
        let passes = self.passes(text);
        match self.seen.get_mut(text) {
            Some(seen) => (seen.count, seen.note) = (seen.count + 1, note),
            None if passes => {
                self.seen.insert(text.into(), Seen { count: 1, note, followed: false });
            }
            None => return,
        }
        self.passing += usize::from(passes);
        while self.passing > self.bound {
            self.thin_out();
        }
    }

    fn passes(&self, text: &str) -> bool {
        // The usual case needs no hash.
        self.level == 0 || hash(text).trailing_zeros() >= self.level
    }

    fn thin_out(&mut self) {
        self.level += 1;
        let level = self.level;
        let mut passing = 0;
        self.seen.retain(|text, seen| {
            let passes = hash(text).trailing_zeros() >= level;
            passing += usize::from(passes && seen.count > 0);
            passes || seen.followed
        });
        self.passing = passing;
    }

    /// Whether every different text is counted.
    pub(super) fn is_exact(&self) -> bool {
        self.level == 0
    }

    /// How many different texts there were; an estimate unless [`Self::is_exact`].
    pub(super) fn distinct(&self) -> u64 {
        (self.passing as u64) << self.level
    }

    /// The most frequent texts, the most frequent first, equals by their text.
    pub(super) fn top(&self, most: usize) -> Vec<(&str, u64)> {
        let mut all: Vec<(&str, u64)> = (self.seen.iter())
            .filter(|(_, seen)| seen.count > 0 && (self.is_exact() || seen.followed))
            .map(|(text, seen)| (&**text, seen.count))
            .collect();
        let order = |a: &(&str, u64), b: &(&str, u64)| b.1.cmp(&a.1).then(a.0.cmp(b.0));
        if all.len() > most {
            all.select_nth_unstable_by(most, order);
            all.truncate(most);
        }
        all.sort_by(order);
        all
    }
}

/// Which of many keys occur again, and where each stood first.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    first: HashMap<u64, u32>,
    level: u32,
    again: u64,
}

/// Keys that are remembered; beyond them a share is, and the count is an estimate. A key takes about
/// 30 bytes, so that this is 125 MB at the most.
const MOST_KEYS: usize = 1 << 22;

impl Repeats {
    /// Takes a key into account; the row it stood on first when it is known already.
    pub(super) fn add(&mut self, key: u64, row: u32) -> Option<u32> {
        if key.trailing_zeros() < self.level {
            return None;
        }
        if let Some(&first) = self.first.get(&key) {
            self.again += 1;
            return Some(first);
        }
        self.first.insert(key, row);
        while self.first.len() > MOST_KEYS {
            self.level += 1;
            let level = self.level;
            self.first.retain(|key, _| key.trailing_zeros() >= level);
            // What was counted of all keys now stands for a half of them.
            self.again /= 2;
        }
        None
    }

    /// How often a key came again; an estimate unless [`Self::is_exact`].
    pub(super) fn again(&self) -> u64 {
        self.again << self.level
    }

    /// Whether every key was remembered.
    pub(super) fn is_exact(&self) -> bool {
        self.level == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(bound: usize, texts: impl IntoIterator<Item = String>) -> Frequencies {
        let mut frequencies = Frequencies::new(bound, ["often"]);
        for text in texts {
            if frequencies.count(&text).is_none() {
                frequencies.note(&text, 7);
            }
        }
        frequencies
    }

    #[test]
    fn up_to_the_bound_every_number_is_exact() {
        let texts = (0..100).flat_map(|n| vec![format!("text {n}"); n % 3 + 1]);
        let frequencies = counted(100, texts);
        assert!(frequencies.is_exact());
        assert_eq!(frequencies.distinct(), 100);
        assert_eq!(frequencies.top(2), [("text 11", 3), ("text 14", 3)]);
    }

    #[test]
    fn a_followed_text_that_never_occurs_is_not_counted() {
        let frequencies = counted(10, ["a".to_owned()]);
        assert_eq!((frequencies.distinct(), frequencies.top(9)), (1, vec![("a", 1)]));
    }

    #[test]
    fn beyond_the_bound_the_number_is_near_and_what_is_frequent_is_exact() {
        let texts: Vec<String> = (0..40_000)
            .map(|n| if n % 4 == 0 { "often".into() } else { format!("t{n}") })
            .collect();
        let frequencies = counted(2_000, texts.clone());
        assert!(!frequencies.is_exact());
        let error = frequencies.distinct().abs_diff(30_001) as f64 / 30_001.0;
        assert!(error < 0.1, "{error}");
        assert_eq!(frequencies.top(1), [("often", 10_000)]);
        let reversed = counted(2_000, texts.into_iter().rev());
        assert_eq!(reversed.distinct(), frequencies.distinct(), "whatever the order");
    }

    #[test]
    fn a_key_that_comes_again_names_its_first_row() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.add(42, 2), None);
        assert_eq!(repeats.add(43, 3), None);
        assert_eq!(repeats.add(42, 4), Some(2));
        assert_eq!((repeats.again(), repeats.is_exact()), (1, true));
    }
}
