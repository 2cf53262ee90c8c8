//! Words beside their letters: bounds that cost a few instructions decide most pairs of words before a
//! distance has to be computed.

use std::sync::Arc;

use crate::{
    coded::{Interner, Texts},
    lists::Lists,
};

/// What is known of a text before any other is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sign {
    /// One bit for each letter that occurs; some letters share a bit.
    letters: u64,
    ascii: bool,
    numbered: bool,
    spaced: bool,
}

impl Sign {
    fn of(text: &str) -> Sign {
        Sign {
            letters: text.bytes().fold(0, |letters, byte| letters | 1 << (byte & 63)),
            ascii: text.is_ascii(),
            numbered: text.bytes().any(|byte| byte.is_ascii_digit()),
            spaced: text.contains(' '),
        }
    }
}

/// A text and what is known of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    sign: Sign,
}

impl<'a> Word<'a> {
    #[cfg(test)]
    pub(crate) fn new(text: &'a str) -> Word<'a> {
        Word { text, sign: Sign::of(text) }
    }

    /// Whether it has a blank.
    pub(crate) fn is_spaced(self) -> bool {
        self.sign.spaced
    }

    /// Whether two words are one letter apart (typing, transposition), or two in long ones.
    #[inline]
    pub(crate) fn one_slip(self, other: Word<'_>) -> bool {
        let (a, b) = (self.text.len(), other.text.len());
        let longest = a.max(b);
        let allowed = if longest >= 9 { 2 } else { 1 };
        longest >= 4
            && a.abs_diff(b) <= allowed
            && self.letters_apart(other) <= 2 * allowed as u32
            && self.within(other, allowed)
    }

    /// The same for words of which some are numbers: `18th` is no slip of `19th`.
    #[inline]
    pub(crate) fn word_slip(self, other: Word<'_>) -> bool {
        !self.sign.numbered && !other.sign.numbered && self.one_slip(other)
    }

    /// Whether one character is put in, left out or replaced, or two neighbours have changed places.
    pub(crate) fn one_apart(self, other: Word<'_>) -> bool {
        self.text != other.text
            && self.text.len().abs_diff(other.text.len()) <= 4
            && self.within(other, 1)
    }

    /// In how many letters of the alphabet two words differ: a bound on their distance. Each insertion or
    /// deletion changes one, each substitution two at most, a transposition none.
    #[inline]
    fn letters_apart(self, other: Word<'_>) -> u32 {
        (self.sign.letters ^ other.sign.letters).count_ones()
    }

    /// Whether the distance of optimal string alignment is at most `most`.
    fn within(self, other: Word<'_>, most: usize) -> bool {
        if !(self.sign.ascii && other.sign.ascii) {
            return strsim::osa_distance(self.text, other.text) <= most;
        }
        let (a, b) = differing(self.text, other.text);
        match (a.as_bytes(), b.as_bytes()) {
            ([], rest) | (rest, []) => rest.len() <= most,
            ([_], [_]) => most >= 1,
            ([p, q], [r, s]) if p == s && q == r => most >= 1,
            _ if most < 2 || a.len().abs_diff(b.len()) > most => false,
            _ => strsim::osa_distance(a, b) <= most,
        }
    }

    /// Whether the two start and sound enough alike: the similarity of Jaro and Winkler is at least `least`.
    pub(crate) fn alike(self, other: Word<'_>, least: f64) -> bool {
        if self.text == other.text {
            return least <= 1.0;
        }
        if self.sign.ascii && other.sign.ascii && self.most_alike(other) < least - 1e-9 {
            return false;
        }
        strsim::jaro_winkler(self.text, other.text) >= least
    }

    /// The same where the words differ in few letters of the alphabet.
    pub(crate) fn alike_in_letters(self, other: Word<'_>, letters: u32, least: f64) -> bool {
        self.letters_apart(other) <= letters && self.alike(other, least)
    }

    /// A bound on the similarity of Jaro and Winkler: letters that the other one lacks match nothing.
    #[inline]
    fn most_alike(self, other: Word<'_>) -> f64 {
        let (a, b) = (self.text.as_bytes(), other.text.as_bytes());
        let lacking = |x: u64, y: u64| (x & !y).count_ones() as usize;
        let of_a = a.len() - lacking(self.sign.letters, other.sign.letters).min(a.len());
        let of_b = b.len() - lacking(other.sign.letters, self.sign.letters).min(b.len());
        let matching = of_a.min(of_b) as f64;
        if matching == 0.0 {
            return 0.0;
        }
        let jaro = (matching / a.len() as f64 + matching / b.len() as f64 + 1.0) / 3.0;
        let prefix = a.iter().zip(b).take(4).take_while(|(x, y)| x == y).count() as f64;
        jaro + 0.1 * prefix * (1.0 - jaro)
    }
}

/// What is left of two ASCII texts without what they start and end with in common: an alignment leaves that in
/// place.
fn differing<'a, 'b>(a: &'a str, b: &'b str) -> (&'a str, &'b str) {
    let start = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
    (&a[..a.len() - end], &b[..b.len() - end])
}

/// Texts, each with its number and what is known of it.
#[derive(Debug, Default)]
pub(crate) struct Words {
    texts: Arc<Texts>,
    signs: Vec<Sign>,
}

impl Words {
    pub(crate) fn new(texts: impl Into<Arc<Texts>>) -> Words {
        let texts = texts.into();
        Words { signs: texts.par_map(Sign::of), texts }
    }

    /// The different ones of `texts`, and for each of `texts` its number.
    pub(crate) fn numbered<'a>(texts: impl Iterator<Item = &'a str>) -> (Words, Vec<u32>) {
        let mut interner = Interner::default();
        let numbers = texts.map(|text| interner.number(text)).collect();
        (Words::new(interner.finish()), numbers)
    }

    #[inline]
    pub(crate) fn get(&self, number: u32) -> Word<'_> {
        Word { text: self.texts.get(number), sign: self.signs[number as usize] }
    }

    pub(crate) fn len(&self) -> usize {
        self.signs.len()
    }

    pub(crate) fn texts(&self) -> &Texts {
        &self.texts
    }
}

/// Texts as lists of words.
#[derive(Debug, Default)]
pub(crate) struct Wording {
    /// For each text its words, in order.
    pub(crate) words: Lists,
    /// The words.
    pub(crate) vocabulary: Words,
    /// For each text its words run together.
    joined: Words,
    /// For each text whether it has several words.
    spaced: Vec<bool>,
}

impl Wording {
    pub(crate) fn new(texts: &Texts) -> Wording {
        let mut interner = Interner::default();
        let mut words = Lists::default();
        for text in texts.iter() {
            words.push(text.split(' ').map(|word| interner.number(word)));
        }
        let joined: Texts = texts.iter().map(|text| text.replace(' ', "")).collect();
        Wording {
            words,
            vocabulary: Words::new(interner.finish()),
            joined: Words::new(joined),
            spaced: texts.iter().map(|text| text.contains(' ')).collect(),
        }
    }

    /// The words of a text run together.
    #[inline]
    pub(crate) fn joined(&self, text: u32) -> Word<'_> {
        self.joined.get(text)
    }

    /// How much of the words of two short texts agree, slips allowed: 0 none, 1 all.
    pub(crate) fn alike(&self, x: u32, y: u32) -> f64 {
        let (joined_x, joined_y) = (self.joined(x), self.joined(y));
        let total = joined_x.text.len() + joined_y.text.len();
        let others = self.words.of(y);
        let (mut agreed, mut taken) = (0, 0u64);
        for &number in self.words.of(x) {
            let word = self.vocabulary.get(number);
            if word.text.is_empty() {
                continue;
            }
            let same = |other: u32| other == number || word.word_slip(self.vocabulary.get(other));
            let mut free = others.iter().enumerate().take(64).filter(|(n, _)| taken >> n & 1 == 0);
            if let Some((n, &other)) = free.find(|(_, other)| same(**other)) {
                taken |= 1 << n;
                agreed += word.text.len() + self.vocabulary.get(other).text.len();
            }
        }
        // A blank put in or left out changes all words and next to nothing.
        let apart = joined_x.text.len().abs_diff(joined_y.text.len());
        if agreed == 0 && apart <= 1 && self.spaced[x as usize] != self.spaced[y as usize] {
            return if joined_x.one_slip(joined_y) { 1.0 } else { 0.0 };
        }
        agreed as f64 / total.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_bounds_change_no_answer(a in "[abcdeé]{0,10}", b in "[abcdeé]{0,10}") {
            let (x, y) = (Word::new(&a), Word::new(&b));
            let distance = strsim::osa_distance(&a, &b);
            prop_assert_eq!(x.within(y, 1), distance <= 1);
            prop_assert_eq!(x.within(y, 2), distance <= 2);
            prop_assert_eq!(x.one_apart(y), distance == 1);
            for least in [0.8, 0.86, 0.93] {
                prop_assert_eq!(x.alike(y, least), strsim::jaro_winkler(&a, &b) >= least);
            }
        }

        #[test]
        fn a_slip_is_one_edit_or_two_in_long_words(a in "[ab]{9,11}", b in "[ab]{9,11}") {
            let slip = Word::new(&a).one_slip(Word::new(&b));
            prop_assert_eq!(slip, strsim::osa_distance(&a, &b) <= 2);
        }
    }

    #[test]
    fn a_number_has_no_slips() {
        let slip = |a, b| Word::new(a).word_slip(Word::new(b));
        assert!(slip("dupont", "dupond"));
        assert!(!slip("18th", "19th"));
        assert!(!slip("lea", "leo"), "too short to tell");
    }

    #[test]
    fn words_agree_in_any_order_and_with_a_blank_left_out() {
        let texts: Texts =
            ["rue du bac", "bac rue du", "ruedu bac", "ruedubac"].into_iter().collect();
        let wording = Wording::new(&texts);
        assert_eq!(wording.alike(0, 1), 1.0);
        assert_eq!(wording.alike(0, 3), 1.0);
        assert!(wording.alike(0, 2) < 0.5);
    }
}
