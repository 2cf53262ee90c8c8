//! Categories: which spellings in a company's data are one value, and what to call it.
//!
//! Only proposals are made here, for a steward to correct. Spellings are one value when they differ in case,
//! accents, dots or plural; when a dictionary says so; when one abbreviates the other and nothing else; or when one
//! letter tells them apart in a long word.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use serde::Deserialize;
use strsim::osa_distance;

use super::{dictionary, identifier, organisation, terms, text};
use crate::model::Lang;

/// The attributes whose values a company agrees on: for each a file `mappings/values/<attribute>.csv`.
pub const ATTRIBUTES: [&str; 8] =
    ["segment", "origin", "sector", "naf", "legal_form", "job_title", "payment_terms", "language"];

/// What a project calls the values of its categories from now on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vocabulary {
    /// By attribute, from a value to its common value; a value without one is not in it.
    exact: BTreeMap<String, HashMap<String, String>>,
    /// The same by folded value, so that another case or accent needs no line of its own.
    folded: BTreeMap<String, HashMap<String, String>>,
}

impl Vocabulary {
    /// Says that the attribute is part of the vocabulary, even if nothing is decided of it yet.
    pub fn know(&mut self, attribute: &str) {
        self.exact.entry(attribute.to_owned()).or_default();
    }

    /// Says what a value is called; of two that differ in case or accents alone the first speaks for others.
    pub fn add(&mut self, attribute: &str, value: &str, common: &str) {
        let value = text::clean(value);
        if value.is_empty() || common.is_empty() {
            return;
        }
        let folded = self.folded.entry(attribute.to_owned()).or_default();
        folded.entry(text::fold(&value)).or_insert_with(|| common.to_owned());
        let exact = self.exact.entry(attribute.to_owned()).or_default();
        exact.insert(value, common.to_owned());
    }

    /// What a value is called, if it was decided.
    pub fn common(&self, attribute: &str, value: &str) -> Option<&str> {
        let Some(exact) = self.exact.get(attribute) else {
            // A legal form has a common name in every project.
            return organisation::legal_form(value).filter(|_| attribute == "legal_form");
        };
        let known = exact.get(value).or_else(|| {
            let value = text::clean(value);
            exact.get(&value).or_else(|| self.folded.get(attribute)?.get(&text::fold(&value)))
        });
        known.map(String::as_str)
    }

    /// Whether values of the attribute should have a common value: the project has a vocabulary, and it is one
    /// of its attributes or of those that every project agrees on.
    pub fn wants(&self, attribute: &str) -> bool {
        !self.exact.is_empty()
            && (self.exact.contains_key(attribute) || ATTRIBUTES.contains(&attribute))
    }
}

/// One thing that many companies have a name for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Concept {
    fr: String,
    en: String,
    words: Vec<String>,
}

struct Dictionary {
    fillers: Vec<String>,
    small: Vec<String>,
    /// By attribute and name.
    concepts: BTreeMap<String, BTreeMap<String, Concept>>,
    /// By attribute, from a squashed word to the name of its concept.
    by_word: BTreeMap<String, HashMap<String, String>>,
    languages: HashMap<String, String>,
}

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        fillers: Vec<String>,
        small: Vec<String>,
        #[serde(flatten)]
        concepts: BTreeMap<String, BTreeMap<String, Concept>>,
    }
    let file: File = dictionary::read(include_str!("../../mappings/dictionaries/categories.toml"));
    let languages: BTreeMap<String, Vec<String>> =
        dictionary::read(include_str!("../../mappings/dictionaries/languages.toml"));
    let by_word = |concepts: &BTreeMap<String, Concept>| {
        let mut words = HashMap::new();
        for (name, concept) in concepts {
            let labels = [&concept.fr, &concept.en];
            for word in concept.words.iter().chain(labels) {
                words.insert(singular(&squashed(word)), name.clone());
            }
        }
        words
    };
    Dictionary {
        fillers: file.fillers,
        small: file.small,
        by_word: file.concepts.iter().map(|(a, concepts)| (a.clone(), by_word(concepts))).collect(),
        concepts: file.concepts,
        languages: languages
            .into_iter()
            .flat_map(|(code, words)| words.into_iter().map(move |word| (word, code.clone())))
            .collect(),
    }
});

/// For each value, with how often it stands there, the common value proposed; none where nothing tells one.
///
/// A value that is the only spelling of something no dictionary knows gets none, but for job titles: of
/// those there are too many to decide one by one, and each is proposed as it is.
pub fn propose(attribute: &str, values: &[(String, u64)], lang: Lang) -> Vec<Option<String>> {
    match attribute {
        "language" => values.iter().map(|(value, _)| language(value)).collect(),
        "payment_terms" => {
            let label = |(value, _): &(String, u64)| Some(terms::read(value)?.label(lang));
            gathered(attribute, values, lang, values.iter().map(label).collect())
        }
        "naf" => values.iter().map(|(v, _)| identifier::normalize("naf", v).ok()).collect(),
        "legal_form" => {
            let form =
                |(value, _): &(String, u64)| organisation::legal_form(value).map(str::to_owned);
            gathered(attribute, values, lang, values.iter().map(form).collect())
        }
        _ => gathered(attribute, values, lang, vec![None; values.len()]),
    }
}

/// In which language the values use the labels of the dictionary; none when they use none of them, or both alike.
pub fn spoken<'v>(values: impl IntoIterator<Item = (&'v str, &'v str, u64)>) -> Option<Lang> {
    let (mut french, mut english) = (0, 0);
    for (attribute, value, count) in values {
        let Some(concepts) = DICTIONARY.concepts.get(attribute) else { continue };
        let Some(concept) = concept(attribute, value).and_then(|name| concepts.get(name)) else {
            continue;
        };
        let folded = text::fold(value);
        french += if folded == text::fold(&concept.fr) { count } else { 0 };
        english += if folded == text::fold(&concept.en) { count } else { 0 };
    }
    match french.cmp(&english) {
        std::cmp::Ordering::Greater => Some(Lang::Fr),
        std::cmp::Ordering::Less => Some(Lang::En),
        std::cmp::Ordering::Equal => None,
    }
}

/// The ISO code of a language written in one of the ways the dictionary knows.
pub fn language(value: &str) -> Option<String> {
    DICTIONARY.languages.get(&text::fold(value)).cloned()
}

/// Folded, with letters that stand alone put together: `B.T.P.` is `btp`.
fn squashed(value: &str) -> String {
    let folded = text::fold(value);
    let mut squashed = String::with_capacity(folded.len());
    let mut single_before = false;
    for word in folded.split(' ').filter(|w| !w.is_empty()) {
        let single = word.len() == 1 && word.bytes().all(|b| b.is_ascii_alphabetic());
        let initials = single && single_before;
        if !squashed.is_empty() && !initials {
            squashed.push(' ');
        }
        squashed.push_str(word);
        single_before = single;
    }
    squashed
}

/// Each long word without the mark of its plural.
fn singular(squashed: &str) -> String {
    let word = |word: &str| match word.strip_suffix(['s', 'x']) {
        Some(stem) if stem.len() >= 3 && !stem.ends_with('s') => stem.to_owned(),
        _ => word.to_owned(),
    };
    squashed.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The concept of a whole value, else the only one that its parts name.
fn concept(attribute: &str, value: &str) -> Option<&'static str> {
    let by_word = DICTIONARY.by_word.get(attribute)?;
    let known = |text: &str| by_word.get(&singular(&squashed(text))).map(String::as_str);
    if let Some(whole) = known(value) {
        return Some(whole);
    }
    let spoken = text::fold(value);
    let telling: Vec<&str> =
        spoken.split(' ').filter(|w| !DICTIONARY.fillers.iter().any(|f| f == w)).collect();
    if telling.len() < spoken.split(' ').count()
        && let Some(found) = known(&telling.join(" "))
    {
        return Some(found);
    }
    let parts: Vec<&str> = value
        .split(['/', ',', '+', '&', '(', ')', '|'])
        .flat_map(|part| part.split(" - "))
        .filter(|part| !part.trim().is_empty())
        .collect();
    if parts.len() < 2 {
        return None;
    }
    let mut named = parts.iter().filter_map(|part| known(part));
    let first = named.next()?;
    named.all(|other| other == first).then_some(first)
}

/// A spelling's key, with all values spelled so.
struct Spelling {
    key: String,
    values: Vec<usize>,
    concept: Option<&'static str>,
    fixed: Option<String>,
    /// The group it is in: the position of its first spelling.
    group: usize,
}

/// Gathers values into groups, each with its common value; `fixed` are already decided.
fn gathered(
    attribute: &str,
    values: &[(String, u64)],
    lang: Lang,
    fixed: Vec<Option<String>>,
) -> Vec<Option<String>> {
    let mut spellings: Vec<Spelling> = Vec::new();
    let mut at_key: HashMap<String, usize> = HashMap::new();
    for (at, ((value, _), fixed)) in values.iter().zip(&fixed).enumerate() {
        let key = singular(&squashed(value));
        let group = spellings.len();
        let spelling = *at_key.entry(key.clone()).or_insert_with(|| {
            spellings.push(Spelling {
                key,
                values: Vec::new(),
                concept: concept(attribute, value),
                fixed: fixed.clone(),
                group,
            });
            group
        });
        spellings[spelling].values.push(at);
    }
    join(&mut spellings, attribute == "job_title");
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, spelling) in spellings.iter().enumerate() {
        groups.entry(spelling.group).or_default().push(at);
    }
    let mut proposals = vec![None; values.len()];
    for members in groups.values() {
        let members: Vec<&Spelling> = members.iter().map(|&at| &spellings[at]).collect();
        let common = common(attribute, &members, values, lang);
        for member in &members {
            let changed = |common: &String| {
                attribute == "job_title"
                    && differs_in_gender(&member.key, &singular(&squashed(common)))
            };
            for &at in &member.values {
                proposals[at] = match &common {
                    Some(common) if changed(common) => Some(values[at].0.clone()),
                    common => common.clone(),
                };
            }
        }
    }
    proposals
}

/// Joins the spellings of one value; what is `said_of_people` stays apart where it differs in gender.
fn join(spellings: &mut [Spelling], said_of_people: bool) {
    let apart = |a: &Spelling, b: &Spelling| said_of_people && differs_in_gender(&a.key, &b.key);
    let mut of_concept: HashMap<&str, usize> = HashMap::new();
    let mut of_fixed: HashMap<String, usize> = HashMap::new();
    for (at, spelling) in spellings.iter_mut().enumerate() {
        if let Some(fixed) = &spelling.fixed {
            spelling.group = *of_fixed.entry(fixed.clone()).or_insert(at);
        } else if let Some(concept) = spelling.concept {
            spelling.group = *of_concept.entry(concept).or_insert(at);
        }
    }
    // What a dictionary does not know may abbreviate or misspell what stands beside it; but only one thing.
    let mut blocks: BTreeMap<char, Vec<usize>> = BTreeMap::new();
    for (at, spelling) in spellings.iter().enumerate() {
        blocks.entry(spelling.key.chars().next().unwrap_or(' ')).or_default().push(at);
    }
    for block in blocks.values() {
        for &at in block {
            let open = |s: &Spelling| s.fixed.is_none() && s.concept.is_none();
            if !open(&spellings[at]) {
                continue;
            }
            let key = spellings[at].key.clone();
            let full: Vec<usize> = block
                .iter()
                .copied()
                .filter(|&other| other != at && spellings[other].fixed.is_none())
                .filter(|&other| !apart(&spellings[at], &spellings[other]))
                .filter(|&other| abbreviates(&key, &spellings[other].key))
                .map(|other| spellings[other].group)
                .collect();
            let similar = || -> Vec<usize> {
                block
                    .iter()
                    .copied()
                    .filter(|&other| other != at && spellings[other].fixed.is_none())
                    .filter(|&other| !apart(&spellings[at], &spellings[other]))
                    .filter(|&other| is_typo(&key, &spellings[other].key))
                    .map(|other| spellings[other].group)
                    .collect()
            };
            let found = match only(&full) {
                None if full.is_empty() => only(&similar()),
                found => found,
            };
            let Some(group) = found.filter(|group| *group != spellings[at].group) else { continue };
            let own = spellings[at].group;
            spellings.iter_mut().filter(|s| s.group == own).for_each(|s| s.group = group);
        }
    }
}

fn only(groups: &[usize]) -> Option<usize> {
    let first = *groups.first()?;
    groups.iter().all(|group| *group == first).then_some(first)
}

/// Whether `short` is a way to write `long` with less: word by word a beginning or a contraction, or the
/// initials of all words.
fn abbreviates(short: &str, long: &str) -> bool {
    if short.len() >= long.len() {
        return false;
    }
    let telling = |key: &str| -> Vec<String> {
        let words = key.split(' ').filter(|w| !DICTIONARY.small.iter().any(|s| s == w));
        words.map(str::to_owned).collect()
    };
    let (short_words, long_words) = (telling(short), telling(long));
    let initials: String = long_words.iter().filter_map(|w| w.chars().next()).collect();
    if long_words.len() >= 2 && short == initials {
        return true;
    }
    short_words.len() == long_words.len()
        && !short_words.is_empty()
        && short_words.iter().zip(&long_words).all(|(short, long)| shortens(short, long))
        // A number tells two values apart: `Lot 1`, `Lot 12`.
        && !short.bytes().any(|b| b.is_ascii_digit())
}

/// Whether a word is another one, its beginning, or a contraction of it: `resp`, `gal`.
fn shortens(short: &str, long: &str) -> bool {
    const SHORTEST_BEGINNING: usize = 3;
    if short == long || long.starts_with(short) && short.len() >= SHORTEST_BEGINNING {
        return true;
    }
    let ends = short.chars().next() == long.chars().next()
        && short.chars().next_back() == long.chars().next_back();
    let mut rest = long.chars();
    ends && short.len() >= 2
        && short.len() < long.len()
        && short.chars().all(|c| rest.any(|l| l == c))
}

/// Whether one letter tells two long spellings apart.
fn is_typo(left: &str, right: &str) -> bool {
    const LONG: usize = 6;
    left.len() >= LONG
        && right.len() >= LONG
        && left.len().abs_diff(right.len()) <= 1
        && !left.bytes().chain(right.bytes()).any(|b| b.is_ascii_digit())
        && osa_distance(left, right) == 1
}

/// Whether two spellings say the same of a man and of a woman: `président`, `présidente`. That is no slip, and a
/// common value must not change it.
fn differs_in_gender(left: &str, right: &str) -> bool {
    let (left, right): (Vec<&str>, Vec<&str>) =
        (left.split(' ').collect(), right.split(' ').collect());
    let mut different = left.iter().zip(&right).filter(|(a, b)| a != b).peekable();
    left.len() == right.len()
        && different.peek().is_some()
        && different.all(|(a, b)| is_feminine_of(a, b) || is_feminine_of(b, a))
}

/// Whether a folded word is the feminine of another one, by its ending.
fn is_feminine_of(feminine: &str, masculine: &str) -> bool {
    let has = |(f, m): &(&str, &str)| {
        feminine
            .strip_suffix(f)
            .is_some_and(|stem| stem.len() > 2 && masculine.strip_suffix(m) == Some(stem))
    };
    FEMININE_ENDINGS.iter().any(has)
}

/// Endings of the feminine and the masculine of a function in French, German, Spanish, Italian and Dutch.
const FEMININE_ENDINGS: [(&str, &str); 11] = [
    ("e", ""),
    ("euse", "eur"),
    ("rice", "eur"),
    ("ere", "er"),
    ("ienne", "ien"),
    ("onne", "on"),
    ("ive", "if"),
    ("in", ""),
    ("a", "o"),
    ("a", ""),
    ("trice", "tore"),
];

/// What a group of spellings is called.
fn common(
    attribute: &str,
    members: &[&Spelling],
    values: &[(String, u64)],
    lang: Lang,
) -> Option<String> {
    if let Some(fixed) = members.iter().find_map(|member| member.fixed.clone()) {
        return Some(fixed);
    }
    let written = || members.iter().flat_map(|member| &member.values).map(|&at| &values[at]);
    if let Some(name) = members.iter().find_map(|member| member.concept) {
        let concept = &DICTIONARY.concepts[attribute][name];
        let own = match lang {
            Lang::Fr => &concept.fr,
            Lang::En => &concept.en,
        };
        // The label that the company uses itself, in whichever language.
        let used = |label: &str| {
            let folded = text::fold(label);
            written().filter(|(value, _)| text::fold(value) == folded).map(|(_, n)| n).sum::<u64>()
        };
        let labels = [own, &concept.fr, &concept.en];
        let best = labels.iter().rev().max_by_key(|label| (used(label), **label == own));
        return best.map(|label| (*label).clone());
    }
    let known = written().count() > 1 || attribute == "job_title";
    known.then(|| best_spelling(members, values))
}

/// The spelling to keep: of the fullest form, with both cases and accents, and most often used.
fn best_spelling(members: &[&Spelling], values: &[(String, u64)]) -> String {
    let is_abbreviation =
        |member: &Spelling| members.iter().any(|other| abbreviates(&member.key, &other.key));
    let full = members.iter().filter(|member| !is_abbreviation(member));
    let uses = |member: &Spelling| member.values.iter().map(|&at| values[at].1).sum::<u64>();
    // Of a right spelling and a typo the one that is used more.
    let most = full.max_by(|a, b| uses(a).cmp(&uses(b)).then(b.key.cmp(&a.key)));
    let member = most.unwrap_or(&members[0]);
    let rank = |value: &str, count: u64| {
        let mixed = value.chars().any(char::is_lowercase) && value.chars().any(char::is_uppercase);
        let accents = value.chars().filter(|c| !c.is_ascii()).count();
        // A short word in capitals is an acronym and is written so.
        let acronym = value.len() <= 4 && value.chars().all(char::is_uppercase);
        (mixed || acronym, accents, count)
    };
    let best = member
        .values
        .iter()
        .map(|&at| &values[at])
        .max_by(|(a, n), (b, m)| rank(a, *n).cmp(&rank(b, *m)).then_with(|| b.cmp(a)));
    let best = best.map(|(value, _)| value.as_str()).unwrap_or_default();
    let others = member.values.iter().map(|&at| values[at].0.as_str());
    in_small_letters(&with_accents_of(best, others))
}

/// The value with the accents that another spelling of it has: `Responsable qualite` beside `RESPONSABLE QUALITÉ`.
fn with_accents_of<'v>(value: &str, others: impl Iterator<Item = &'v str>) -> String {
    let accents = |text: &str| text.chars().filter(|c| !c.is_ascii()).count();
    let is_like = |other: &&str| {
        other.chars().count() == value.chars().count() && text::fold(other) == text::fold(value)
    };
    let Some(accented) = others.filter(is_like).max_by_key(|other| accents(other)) else {
        return value.to_owned();
    };
    let letters = value.chars().zip(accented.chars());
    let joined = letters.map(|(own, other)| match (other.is_ascii(), own.is_lowercase()) {
        (true, _) => own.to_string(),
        (false, true) => other.to_lowercase().to_string(),
        (false, false) => other.to_uppercase().to_string(),
    });
    joined.collect()
}

/// A text of several words in capitals as a sentence is written: `Chef de chantier`, `Responsable SAV`.
fn in_small_letters(value: &str) -> String {
    /// A word so short is an acronym.
    const ACRONYM: usize = 3;
    if value.chars().any(char::is_lowercase) || !value.trim().contains(' ') {
        return value.to_owned();
    }
    let words = value.split(' ').enumerate().map(|(at, word)| {
        let is_small = || DICTIONARY.small.contains(&text::fold(word));
        if word.chars().count() <= ACRONYM && !is_small() {
            return word.to_owned();
        }
        let small = word.to_lowercase();
        let mut letters = small.chars();
        match letters.next().filter(|_| at == 0) {
            Some(first) => first.to_uppercase().chain(letters).collect(),
            None => small,
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `value, value > common; ...`: what is proposed for values used once each, `-` for nothing.
    fn told(attribute: &str, values: &[&str], lang: Lang) -> String {
        let counted: Vec<(String, u64)> = values.iter().map(|v| ((*v).to_owned(), 1)).collect();
        let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (value, common) in values.iter().zip(propose(attribute, &counted, lang)) {
            groups.entry(common.unwrap_or_else(|| "-".into())).or_default().push(value);
        }
        let group =
            |(common, values): (&String, &Vec<&str>)| format!("{} > {common}", values.join(", "));
        groups.iter().map(group).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn spellings_of_one_value_are_gathered() {
        assert_eq!(
            told(
                "category",
                &["Boulanger", "BOULANGER", "boulangers", "Boulnager", "Fleuriste"],
                Lang::Fr
            ),
            "Fleuriste > -; Boulanger, BOULANGER, boulangers, Boulnager > Boulanger"
        );
        assert_eq!(
            told("sector", &["B.T.P.", "btp", "Bâtiment / TP", "Négoce, commerce"], Lang::Fr),
            "B.T.P., btp, Bâtiment / TP > BTP; Négoce, commerce > Commerce"
        );
        assert_eq!(told("segment", &["SME", "KMU"], Lang::En), "SME, KMU > SME");
    }

    #[test]
    fn a_common_title_keeps_accents_and_no_capitals() {
        assert_eq!(
            told("job_title", &["RESPONSABLE QUALITÉ", "Responsable qualite"], Lang::Fr),
            "RESPONSABLE QUALITÉ, Responsable qualite > Responsable qualité"
        );
        assert_eq!(
            told("job_title", &["CHEF DE CHANTIER"], Lang::Fr),
            "CHEF DE CHANTIER > Chef de chantier"
        );
        assert_eq!(
            told("job_title", &["RESPONSABLE SAV"], Lang::Fr),
            "RESPONSABLE SAV > Responsable SAV"
        );
    }

    #[test]
    fn a_manager_is_no_director() {
        assert_eq!(
            told(
                "job_title",
                &["Responsable informatique", "DSI", "Technico-commercial"],
                Lang::Fr
            ),
            "DSI > Directeur des systèmes d'information; Responsable informatique > Responsable informatique; \
             Technico-commercial > Technico-commercial"
        );
    }

    #[test]
    fn a_common_title_never_makes_a_woman_of_a_man() {
        assert_eq!(
            told("job_title", &["PRÉSIDENT", "Présidente", "présidente", "Président"], Lang::Fr),
            "PRÉSIDENT, Président > Président; Présidente, présidente > Présidente"
        );
        assert_eq!(
            told("job_title", &["Directrice commerciale", "Directeur commercial"], Lang::Fr),
            "Directeur commercial > Directeur commercial; Directrice commerciale > Directrice commerciale"
        );
        assert_eq!(
            told("job_title", &["Gérant", "Gérante", "GERANTE"], Lang::Fr),
            "Gérant > Gérant; Gérante, GERANTE > Gérante"
        );
    }

    #[test]
    fn an_abbreviation_of_one_thing_is_that_thing() {
        assert_eq!(
            told("job_title", &["Resp. qualité", "Responsable de la qualité", "RQ"], Lang::Fr),
            "Resp. qualité, Responsable de la qualité, RQ > Responsable de la qualité"
        );
        // `Dir.` may be either, and so stays what it is.
        assert_eq!(
            told("job_title", &["Dir. export", "Directeur export", "Direction export"], Lang::Fr),
            "Dir. export > Dir. export; Directeur export > Directeur export; Direction export > Direction export"
        );
    }

    #[test]
    fn numbers_and_short_words_tell_values_apart() {
        assert_eq!(
            told("category", &["Zone 1", "Zone 12", "Zone 2"], Lang::Fr),
            "Zone 1, Zone 12, Zone 2 > -"
        );
        assert_eq!(told("category", &["Lyon", "Lyan"], Lang::Fr), "Lyon, Lyan > -");
        assert_eq!(
            told("job_title", &["Directrice commerciale", "Directeur commercial"], Lang::Fr),
            "Directeur commercial > Directeur commercial; Directrice commerciale > Directrice commerciale"
        );
    }

    #[test]
    fn languages_terms_and_forms_have_their_own_ways() {
        assert_eq!(
            told("language", &["FR", "Français", "GB", "Deutsch", "xx"], Lang::Fr),
            "xx > -; Deutsch > de; GB > en; FR, Français > fr"
        );
        assert_eq!(
            told("payment_terms", &["30j FDM", "30 jours fin de mois", "Selon devis"], Lang::Fr),
            "Selon devis > -; 30j FDM, 30 jours fin de mois > 30 jours fin de mois"
        );
        assert_eq!(told("naf", &["69.20Z", "6920z"], Lang::Fr), "69.20Z, 6920z > 6920Z");
        assert_eq!(told("legal_form", &["S.A.R.L.", "sarl"], Lang::Fr), "S.A.R.L., sarl > SARL");
    }

    #[test]
    fn the_language_of_the_labels_is_that_of_the_data() {
        let values = |values: &[&'static str]| spoken(values.iter().map(|v| ("origin", *v, 1)));
        assert_eq!(values(&["Salon", "reco", "Referral", "Annuaire"]), Some(Lang::Fr));
        assert_eq!(values(&["Trade show", "web"]), Some(Lang::En));
        assert_eq!(values(&["web"]), None);
    }

    #[test]
    fn no_word_of_the_dictionary_has_two_meanings() {
        for (attribute, concepts) in &DICTIONARY.concepts {
            let mut seen: HashMap<String, &str> = HashMap::new();
            for (name, concept) in concepts {
                for word in &concept.words {
                    let other = seen.insert(squashed(word), name);
                    assert!(
                        other.is_none_or(|o| o == name),
                        "{attribute}: {word} is {other:?} and {name}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_proposed_is_proposed_for_itself(values in proptest::collection::vec("[A-Za-z.é]{1,8}( [a-z]{2,8})?", 1..12)) {
            // A common value that is a value of the data is its own common value.
            let counted: Vec<(String, u64)> = values.iter().map(|v| (v.clone(), 1)).collect();
            let proposed = propose("category", &counted, Lang::En);
            for common in proposed.iter().flatten() {
                if let Some(at) = values.iter().position(|v| v == common) {
                    prop_assert_eq!(proposed[at].as_ref(), Some(common));
                }
            }
        }
    }
}
