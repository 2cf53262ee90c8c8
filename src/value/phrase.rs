//! Phrases in free text: what people write in notes, found by folded words (no case, no accents, no
//! punctuation), with the place where each stands.
//!
//! A phrase of a dictionary is a list of words: `a|b` is one of them, `abc*` a word that begins so, `..` up
//! to three words of any kind.

use std::{collections::BTreeMap, ops::Range};

use super::{date, dictionary::HashMap, text};

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Without case and accents.
    pub(crate) folded: String,
    /// Where it stands, in bytes.
    pub(crate) at: Range<usize>,
}

/// The words of a text, in order.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    // An accent written after its letter is part of the word.
    let is_inside = |c: char| c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c);
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_inside(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let folded = text::fold(&text[from..at]);
                if !folded.is_empty() {
                    words.push(Word { folded, at: from..at });
                }
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Most words that `..` stands for.
const LONGEST_GAP: usize = 3;

#[derive(Debug)]
enum Token {
    /// One of these words; one that ends in `*` stands for all that begin so.
    Words(Vec<String>),
    Gap,
}

/// Phrases, each of which means a `T`.
#[derive(Debug)]
pub(crate) struct Phrases<T> {
    phrases: Vec<(Vec<Token>, T)>,
    /// Phrases by the first two letters of their first word: texts are long, and most say nothing.
    by_start: HashMap<Start, Vec<usize>>,
}

/// The first two letters of a word; zero where it has but one.
type Start = [u8; 2];

fn start(word: &str) -> Start {
    let mut letters = word.trim_end_matches('*').bytes();
    [letters.next().unwrap_or(0), letters.next().unwrap_or(0)]
}

impl<T> Phrases<T> {
    /// Phrases in the notation of the dictionaries, with what each means.
    pub(crate) fn new<'a>(written: impl IntoIterator<Item = (&'a str, T)>) -> Phrases<T> {
        let mut all = Phrases { phrases: Vec::new(), by_start: HashMap::default() };
        for (phrase, meaning) in written {
            let token = |word: &str| match word {
                ".." => Token::Gap,
                words => Token::Words(words.split('|').map(str::to_owned).collect()),
            };
            let tokens: Vec<Token> = phrase.split_whitespace().map(token).collect();
            if let Some(Token::Words(words)) = tokens.first() {
                let starts: std::collections::BTreeSet<Start> =
                    words.iter().map(|w| start(w)).collect();
                for start in starts {
                    all.by_start.entry(start).or_default().push(all.phrases.len());
                }
            }
            all.phrases.push((tokens, meaning));
        }
        all
    }

    /// The longest phrase that begins with the word at `at`: how many words it takes, and what it means. Of
    /// two as long the first written counts.
    pub(crate) fn longest_at(&self, words: &[Word], at: usize) -> Option<(usize, &T)> {
        let mut best: Option<(usize, &T)> = None;
        for (taken, meaning) in self.all_at(words, at) {
            if taken > best.map_or(0, |(most, _)| most) {
                best = Some((taken, meaning));
            }
        }
        best
    }

    /// All phrases that begin with the word at `at`, in the order written: how many words each takes, and
    /// what it means.
    pub(crate) fn all_at<'p>(
        &'p self,
        words: &[Word],
        at: usize,
    ) -> impl Iterator<Item = (usize, &'p T)> {
        let candidates = self.by_start.get(&start(&words[at].folded));
        candidates.into_iter().flatten().filter_map(move |&candidate| {
            let (tokens, meaning) = &self.phrases[candidate];
            Some((matched(tokens, &words[at..])?, meaning))
        })
    }
}

/// How many words the tokens take from the start; none when they do not fit.
fn matched(tokens: &[Token], words: &[Word]) -> Option<usize> {
    match tokens.split_first() {
        None => Some(0),
        Some((Token::Gap, rest)) => (0..=LONGEST_GAP.min(words.len()))
            .find_map(|n| matched(rest, &words[n..]).map(|taken| n + taken)),
        Some((Token::Words(any), rest)) => {
            let (word, after) = words.split_first()?;
            let fits = any.iter().any(|w| match w.strip_suffix('*') {
                Some(stem) => word.folded.starts_with(stem),
                None => *w == word.folded,
            });
            if fits { matched(rest, after).map(|taken| taken + 1) } else { None }
        }
    }
}

/// Whether only blanks and the given marks stand between two neighbouring words.
pub(crate) fn joined_by(text: &str, left: &Word, right: &Word, marks: &[char]) -> bool {
    text[left.at.end..right.at.start].chars().all(|c| c.is_whitespace() || marks.contains(&c))
}

/// The date that begins with the word at `at`, with the number of its words: `12/03/2019`, `2019-03-12`,
/// `12 mars 2019`, `mars 2019`, `03/2019`, `2019`.
pub(crate) fn date_at(text: &str, words: &[Word], at: usize) -> Option<(usize, String)> {
    date_at_in(text, words, at, date::Order::default())
}

/// The same in a column whose order of day and month is known.
pub(crate) fn date_at_in(
    text: &str,
    words: &[Word],
    at: usize,
    order: date::Order,
) -> Option<(usize, String)> {
    let is_number = |at: usize| {
        words.get(at).is_some_and(|w: &Word| w.folded.bytes().all(|b| b.is_ascii_digit()))
    };
    for taken in (1..=3).rev() {
        let Some(run) = words.get(at..at + taken) else { continue };
        let glued = run.windows(2).all(|w| joined_by(text, &w[0], &w[1], &['/', '-', '.']));
        let numbers = (at..at + taken).filter(|&n| is_number(n)).count();
        let last = &run[taken - 1].folded;
        let year =
            |word: &str| word.len() == 4 && (word.starts_with("19") || word.starts_with("20"));
        // A part of a longer row of numbers is no date: a phone number, a reference.
        let goes_on = is_number(at + taken)
            && joined_by(text, &run[taken - 1], &words[at + taken], &['/', '-', '.']);
        let went_before = at > 0
            && is_number(at - 1)
            && joined_by(text, &words[at - 1], &run[0], &['/', '-', '.']);
        let alone = !goes_on && !went_before;
        let shaped = match (taken, numbers) {
            (1, 1) => year(last),
            (2, 1) => is_number(at + 1) && year(last),
            (2, 2) => run[0].folded.len() <= 2 && year(last),
            (3, 2) => is_number(at) && !is_number(at + 1) && year(last),
            (3, 3) => {
                year(&run[0].folded) && last.len() <= 2
                    || run[0].folded.len() <= 2 && (year(last) || last.len() == 2)
            }
            _ => false,
        };
        if !(glued && alone && shaped) {
            continue;
        }
        let written = &text[run[0].at.start..run[taken - 1].at.end];
        if let Ok(date) = date::normalize(written, order)
            && !date.starts_with('-')
        {
            return Some((taken, date));
        }
    }
    None
}

/// Phrases of a dictionary by language, in one list.
pub(crate) fn of_languages(lists: &BTreeMap<String, Vec<String>>) -> impl Iterator<Item = &str> {
    lists.values().flatten().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_where_they_stand() {
        let text = "N'est  pas DÉCÉDÉ.";
        let found = words(text);
        let folded: Vec<&str> = found.iter().map(|w| w.folded.as_str()).collect();
        assert_eq!(folded, ["n", "est", "pas", "decede"]);
        assert_eq!(&text[found[3].at.clone()], "DÉCÉDÉ");
    }

    #[test]
    fn a_phrase_has_choices_stems_and_gaps() {
        let phrases = Phrases::new([("ne plus|pas .. appel*", 1), ("ne", 2)]);
        let taken =
            |text: &str| phrases.longest_at(&words(text), 0).map(|(taken, &what)| (taken, what));
        assert_eq!(taken("ne plus jamais nous appeler svp"), Some((5, 1)));
        assert_eq!(taken("ne pas appeler"), Some((3, 1)));
        assert_eq!(taken("ne jamais appeler"), Some((1, 2)));
    }

    #[test]
    fn dates_stand_in_words() {
        let date = |text: &str| date_at(text, &words(text), 0).map(|(_, date)| date);
        assert_eq!(date("12/03/2019."), Some("2019-03-12".into()));
        assert_eq!(date("12 mars 2019"), Some("2019-03-12".into()));
        assert_eq!(date("03/2019"), Some("2019-03".into()));
        assert_eq!(date("2019"), Some("2019".into()));
        assert_eq!(date("06 12 10 11 12"), None);
        assert_eq!(date("12/03/2019/44"), None);
        assert_eq!(date("1234"), None);
    }
}
