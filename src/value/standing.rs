//! The end of a customer as notes and state columns tell it: deceased, in liquidation, ceased.

use std::{collections::BTreeMap, ops::Range, sync::LazyLock};

use serde::Deserialize;

use super::{
    dictionary::{self, HashSet},
    phrase::{self, Phrases, Word},
};

/// What has become of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// The person is dead.
    Deceased,
    /// The firm is being wound up.
    InLiquidation,
    /// The firm has stopped or is dissolved.
    Ceased,
}

impl Standing {
    /// All of them.
    pub const ALL: [Standing; 3] = [Standing::Deceased, Standing::InLiquidation, Standing::Ceased];

    /// The word used in files: `deceased`, `in_liquidation`, `ceased`.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Deceased => "deceased",
            Standing::InLiquidation => "in_liquidation",
            Standing::Ceased => "ceased",
        }
    }

    /// Reads what [`Standing::as_str`] gives.
    pub fn parse(word: &str) -> Option<Standing> {
        Standing::ALL.into_iter().find(|standing| standing.as_str() == word)
    }
}

/// One thing that a text says of a customer's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What has happened.
    pub standing: Standing,
    /// Since when, as precise as it is written: `2019-03-12`, `2019`; or empty.
    pub since: String,
    /// Where the text says it, its date included, in bytes.
    pub at: Range<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    negations: Vec<String>,
    fillers: Vec<String>,
    reporters: Vec<String>,
    others: Vec<String>,
    not_after: Vec<String>,
    deceased: BTreeMap<String, Vec<String>>,
    in_liquidation: BTreeMap<String, Vec<String>>,
    ceased: BTreeMap<String, Vec<String>>,
}

struct Dictionary {
    negations: HashSet<String>,
    fillers: HashSet<String>,
    reporters: HashSet<String>,
    others: HashSet<String>,
    not_after: HashSet<String>,
    phrases: Phrases<Standing>,
}

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let file: File =
        dictionary::read(include_str!("../../mappings/dictionaries/state_phrases.toml"));
    let lists = [
        (&file.deceased, Standing::Deceased),
        (&file.in_liquidation, Standing::InLiquidation),
        (&file.ceased, Standing::Ceased),
    ];
    let phrases = lists.into_iter().flat_map(|(lists, standing)| {
        phrase::of_languages(lists).map(move |phrase| (phrase, standing))
    });
    Dictionary {
        phrases: Phrases::new(phrases),
        negations: file.negations.into_iter().collect(),
        fillers: file.fillers.into_iter().collect(),
        reporters: file.reporters.into_iter().collect(),
        others: file.others.into_iter().collect(),
        not_after: file.not_after.into_iter().collect(),
    }
});

/// Words before and behind a phrase among which somebody else is named: `son mari est décédé`.
const OTHERS_REACH: usize = 3;
/// Words behind a phrase among which its date stands: `décédé à l'hôpital le 12/03/2019`.
const DATE_REACH: usize = 4;

/// What a text says of a customer's end, each thing once, in order of the text; of two of a kind the first
/// with a date.
///
/// # Example
///
/// ```
/// # use orpailleur::value::standing::{Standing, find};
/// let said = find("client depuis 2004, décédé le 12/03/2019");
/// assert_eq!((said[0].standing, said[0].since.as_str()), (Standing::Deceased, "2019-03-12"));
/// assert!(find("n'est pas en liquidation").is_empty());
/// ```
pub fn find(text: &str) -> Vec<Said> {
    if let Some(standing) = Standing::parse(text) {
        return vec![Said { standing, since: String::new(), at: 0..text.len() }];
    }
    let words = phrase::words(text);
    let dictionary = &*DICTIONARY;
    let mut found: Vec<Said> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let Some((taken, &standing)) = dictionary.phrases.longest_at(&words, at) else {
            at += 1;
            continue;
        };
        let end = at + taken;
        if counts(text, &words, at..end, standing) {
            add(&mut found, said(text, &words, at..end, standing));
        }
        at = end;
    }
    found
}

/// Whether a phrase is neither denied nor said of somebody else.
fn counts(text: &str, words: &[Word], phrase: Range<usize>, standing: Standing) -> bool {
    let dictionary = &*DICTIONARY;
    let before = || sentence_before(text, words, phrase.start);
    let behind = || sentence_behind(text, words, phrase.end);
    let denied = before()
        .find(|w| !dictionary.fillers.contains(&w.folded))
        .is_some_and(|w| dictionary.negations.contains(&w.folded));
    let else_meant = behind().take(2).any(|w| dictionary.not_after.contains(&w.folded));
    let told_of = behind().take_while(|w| !dictionary.reporters.contains(&w.folded));
    let of_another = standing == Standing::Deceased
        && before()
            .take(OTHERS_REACH)
            .chain(told_of.take(OTHERS_REACH))
            .any(|w| dictionary.others.contains(&w.folded));
    !denied && !else_meant && !of_another
}

/// The words of the same sentence before position `at`, the nearest first.
fn sentence_before<'w>(
    text: &'w str,
    words: &'w [Word],
    at: usize,
) -> impl Iterator<Item = &'w Word> {
    let joined = move |n: &usize| phrase_goes_on(text, &words[*n], &words[*n + 1]);
    (0..at).rev().take_while(joined).map(|n| &words[n])
}

/// The words of the same sentence from position `at` on.
fn sentence_behind<'w>(
    text: &'w str,
    words: &'w [Word],
    at: usize,
) -> impl Iterator<Item = &'w Word> {
    let joined = move |n: &usize| *n > 0 && phrase_goes_on(text, &words[*n - 1], &words[*n]);
    (at..words.len()).take_while(joined).map(|n| &words[n])
}

/// Whether no mark that ends a sentence or a part of it stands between two words.
fn phrase_goes_on(text: &str, left: &Word, right: &Word) -> bool {
    let between = &text[left.at.end..right.at.start];
    !between.contains(['.', ',', ';', ':', '(', ')', '\n', '/', '|', '!', '?', '•', '–', '—'])
        && !between.contains(" - ")
}

fn said(text: &str, words: &[Word], phrase: Range<usize>, standing: Standing) -> Said {
    let mut at = words[phrase.start].at.start..words[phrase.end - 1].at.end;
    let mut since = String::new();
    // A date inside the phrase counts too: the gap of `a cessé en 2019 son activité`.
    let behind = (phrase.start..words.len().min(phrase.end + DATE_REACH))
        .take_while(|&n| n < phrase.end || phrase_goes_on(text, &words[n - 1], &words[n]))
        .find_map(|n| phrase::date_at(text, words, n).map(|(taken, date)| (n, taken, date)));
    let before = || {
        (1..=3).find_map(|taken| {
            let start = phrase.start.checked_sub(taken)?;
            let (read, date) = phrase::date_at(text, words, start)?;
            let joined = phrase::joined_by(
                text,
                &words[phrase.start - 1],
                &words[phrase.start],
                &[':', ',', '-', '('],
            );
            (read == taken && joined).then_some((start, taken, date))
        })
    };
    if let Some((start, taken, date)) = behind.or_else(before) {
        since = date;
        at.start = at.start.min(words[start].at.start);
        at.end = at.end.max(words[start + taken - 1].at.end);
    }
    Said { standing, since, at }
}

fn add(found: &mut Vec<Said>, new: Said) {
    match found.iter_mut().find(|said| said.standing == new.standing) {
        Some(known) if known.since.is_empty() && !new.since.is_empty() => *known = new,
        Some(_) => {}
        None => found.push(new),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `deceased 2019-03-12, ceased`.
    fn told(text: &str) -> String {
        let one =
            |said: &Said| format!("{} {}", said.standing.as_str(), said.since).trim().to_owned();
        find(text).iter().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_end_of_a_customer_is_told_in_six_languages() {
        for (text, expected) in [
            ("décédé", "deceased"),
            ("DCD 03/2019", "deceased 2019-03"),
            ("Client fidèle. Décédée en 2018 (courrier du fils)", "deceased 2018"),
            ("en liquidation judiciaire depuis le 4 mai 2020", "in_liquidation 2020-05-04"),
            ("LJ 12/05/2021 - ne plus livrer", "in_liquidation 2021-05-12"),
            ("a cessé définitivement son activité en 2019", "ceased 2019"),
            ("fermeture définitive, radiée le 01/02/2022", "ceased 2022-02-01"),
            ("passed away in March 2019", "deceased 2019-03"),
            ("Company dissolved 2017-06-30", "ceased 2017-06-30"),
            ("Kunde verstorben am 3.4.2019", "deceased 2019-04-03"),
            ("Insolvenzverfahren eröffnet 2021", "in_liquidation 2021"),
            ("Geschäft aufgegeben", "ceased"),
            ("fallecido el 12/03/2019", "deceased 2019-03-12"),
            ("concurso de acreedores", "in_liquidation"),
            ("cese de actividad 2020", "ceased 2020"),
            ("deceduto nel 2015", "deceased 2015"),
            ("società in liquidazione", "in_liquidation"),
            ("overleden op 12-03-2019", "deceased 2019-03-12"),
            ("failliet 2019", "in_liquidation 2019"),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_denied_or_said_of_another_is_no_end() {
        for text in [
            "pas décédé",
            "n'est pas en liquidation",
            "n'a jamais été en liquidation",
            "jamais en liquidation judiciaire",
            "not deceased",
            "ist nicht verstorben",
            "mari décédé en 2012",
            "veuve, époux décédé",
            "décès de son père le 12/03/2019",
            "liquidation de stock jusqu'au 31/08",
            "liquidation totale avant travaux",
            "fermé le lundi",
            "rappeler après fermeture",
            "boulevard de la Liquidité",
            "her husband passed away",
        ] {
            assert_eq!(told(text), "", "{text}");
        }
    }

    #[test]
    fn another_sentence_denies_nothing() {
        assert_eq!(told("Ne pas appeler. Décédé le 12/03/2019"), "deceased 2019-03-12");
        assert_eq!(told("ne plus appeler - en liquidation judiciaire"), "in_liquidation");
        assert_eq!(told("Mère de Luc ; décédée"), "deceased");
        assert_eq!(told("ne plus relancer DCD"), "deceased");
        assert_eq!(told("décès signalé par son fils"), "deceased");
    }

    #[test]
    fn the_place_is_that_of_phrase_and_date() {
        let text = "VIP - décédé le 12/03/2019 - NPAI";
        assert_eq!(&text[find(text)[0].at.clone()], "décédé le 12/03/2019");
    }

    #[test]
    fn the_words_of_files_are_read_back() {
        for standing in Standing::ALL {
            assert_eq!(told(standing.as_str()), standing.as_str());
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_out_says_the_same(text in "(le |[a-z]{1,6} |12/03/2019 |décédé |LJ |n'est pas |\\. |fermeture définitive |2019 ){0,8}") {
            for said in find(&text) {
                let again = find(&text[said.at.clone()]);
                prop_assert_eq!(again.first().map(|s| (s.standing, s.since.clone())), Some((said.standing, said.since)));
            }
        }
    }
}
