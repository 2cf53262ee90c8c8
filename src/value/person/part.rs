//! One part of a name, a first or a last name: blanks, marks and case.

use super::{
    super::{Invalid, text},
    LEXICON,
};

/// One name part (first or last name) with its case and blanks set right.
///
/// What is written in capitals or in lower case alone gets the case of a name; what mixes them is
/// left as its writer knows it. Letters are never changed.
pub fn normalize(part: &str) -> String {
    let mut name = once(part);
    // Marks taken off the start or end may have hidden others, and these others.
    for _ in 0..=part.len() {
        let again = once(&name);
        if again == name {
            break;
        }
        name = again;
    }
    name
}

/// One name part, or what is wrong with it: see [`fault`].
pub fn check(part: &str) -> Result<String, Invalid> {
    fault(part).map_or_else(|| Ok(normalize(part)), Err)
}

/// What is wrong with a name part: no letter at all, an address, a number. None where nothing is.
pub fn fault(part: &str) -> Option<Invalid> {
    let invalid = |message: &str| {
        Some(Invalid::new("bad_name", message, "look whether the columns are shifted in this row"))
    };
    if part.contains('@') {
        return invalid("it is an email address");
    }
    let letters = part.chars().filter(|c| c.is_alphabetic()).count();
    let digits = part.chars().filter(char::is_ascii_digit).count();
    if letters == 0 {
        return invalid("there is no letter in it");
    }
    // `Dupont 2` tells two cards apart, `8riquet` was misread; `12 rue de la Paix` is in the wrong column.
    let numbered = part
        .split_whitespace()
        .next()
        .is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit() || b == b','));
    if digits > 2 || digits >= letters || numbered {
        return invalid("it is a number or an address rather than a name");
    }
    None
}

/// The text with one apostrophe, one hyphen, one sort of quotation mark, and blanks collapsed.
pub(super) fn straight(text: &str) -> String {
    const MARKS: [char; 14] =
        ['’', '‘', '`', '´', 'ʼ', '′', '‐', '‑', '–', '“', '”', '„', '«', '»'];
    let clean = text::clean(text);
    if !clean.contains(MARKS) {
        return clean;
    }
    clean
        .replace(['’', '‘', '`', '´', 'ʼ', '′'], "'")
        .replace(['‐', '‑', '–'], "-")
        .replace(['“', '”', '„', '«', '»'], "\"")
}

fn once(part: &str) -> String {
    let cleaned = straight(part);
    let trimmed = cleaned.trim_matches(|c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ',' | ';'
                    | ':'
                    | '/'
                    | '"'
                    | '*'
                    | '_'
                    | '-'
                    | '('
                    | ')'
                    | '<'
                    | '>'
                    | '|'
                    | '='
                    | '+'
                    | '?'
                    | '!'
            )
    });
    let trimmed = trimmed.trim_start_matches('.');
    let spaced = tight(&tight(&dutch_article(trimmed), '-'), '\'');
    let words: Vec<&str> = spaced.split(' ').filter(|w| !w.is_empty()).collect();
    let words = elisions(&words);
    let last = words.len().saturating_sub(1);
    let mixed = !is_upper(&spaced) && !is_lower(&spaced);
    let cased = words.iter().enumerate().map(|(at, word)| {
        let beside = |at: Option<usize>| {
            at.and_then(|at| words.get(at)).is_some_and(|w| is_particle(&text::fold(w)))
        };
        let place = Place {
            opens: at == 0,
            follows: at < last,
            beside_particle: beside(at.checked_sub(1)) || beside(Some(at + 1)),
            small: mixed && beside(at.checked_sub(1)),
            language: if mixed { None } else { Language::of(word, words.get(at + 1)) },
        };
        cased_word(word, place)
    });
    cased.collect::<Vec<_>>().join(" ").replace(ARTICLE, "'")
}

/// Stands for the apostrophe of the Dutch article `'t` while others are joined to their words.
const ARTICLE: char = '\u{1}';

fn dutch_article(text: &str) -> String {
    if !text.contains('\'') {
        return text.to_owned();
    }
    let words = text.split(' ').map(|word| match word {
        "'t" | "'T" => format!("{ARTICLE}t"),
        "'s" | "'S" => format!("{ARTICLE}s"),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The text without the blanks around a mark: `Jean - Pierre` is `Jean-Pierre`.
fn tight(text: &str, mark: char) -> String {
    if !text.contains(mark) {
        return text.to_owned();
    }
    let pieces = text.split(mark).map(str::trim).filter(|piece| !piece.is_empty());
    pieces.collect::<Vec<_>>().join(&mark.to_string())
}

/// The words with an apostrophe where a blank took its place: `D ARTAGNAN`, `O NEILL`, `MC DONALD`.
fn elisions(words: &[&str]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        let Some((next, beyond)) = after.split_first() else {
            joined.push((*word).to_owned());
            break;
        };
        let folded = text::fold(next);
        let one_case = is_upper(word) == is_upper(next) || is_lower(word) && is_lower(next);
        let vowel = folded.starts_with(['a', 'e', 'i', 'o', 'u', 'y', 'h']) && folded.len() > 2;
        let together = match *word {
            "D" | "d" if one_case && vowel => Some(format!("d'{next}")),
            "L" | "l" if one_case && vowel => Some(format!("L'{next}")),
            "O" | "o" if LEXICON.irish.contains(&folded) => Some(format!("O'{next}")),
            "Mc" | "MC" | "mc" if folded.len() > 2 => Some(format!(
                "Mc{}",
                if is_upper(next) || is_lower(next) { titled(next) } else { (*next).to_owned() }
            )),
            _ => None,
        };
        match together {
            Some(together) => {
                joined.push(together);
                rest = beyond;
            }
            None => {
                joined.push((*word).to_owned());
                rest = after;
            }
        }
    }
    joined
}

/// Where a word stands in its name.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// It is the first one.
    opens: bool,
    /// Another comes after it.
    follows: bool,
    /// The word before or after it is a particle.
    beside_particle: bool,
    /// It follows a particle in a name whose writer used both cases: `de la Fuente`.
    small: bool,
    /// In a name of one case, whose particle it is where the name after it tells.
    language: Option<Language>,
}

/// A language that writes a particle otherwise than French does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    /// `De Luca`.
    Italian,
    /// `de la Fuente`.
    Spanish,
}

impl Language {
    /// Of a particle, by the name that follows.
    fn of(word: &str, next: Option<&String>) -> Option<Language> {
        let next = text::fold(next?);
        match text::fold(word).as_str() {
            "la" if LEXICON.spanish.contains(&next) => Some(Language::Spanish),
            word @ ("de" | "del") if LEXICON.italian.contains(&format!("{word} {next}")) => {
                Some(Language::Italian)
            }
            _ => None,
        }
    }
}

fn cased_word(word: &str, place: Place) -> String {
    let parts = word.split('-').count();
    let hyphenated = word.split('-').enumerate().map(|(at, part)| {
        let place = Place {
            opens: place.opens && at == 0,
            follows: place.follows || at + 1 < parts,
            ..place
        };
        cased_around_apostrophe(part, place)
    });
    hyphenated.collect::<Vec<_>>().join("-")
}

fn cased_around_apostrophe(part: &str, place: Place) -> String {
    let Some((before, after)) = part.split_once('\'') else {
        return cased_plain(part, place);
    };
    let uniform = is_upper(part) || is_lower(part);
    let prefix = match before {
        "d" | "D" if uniform || before == "d" => "d".to_owned(),
        _ if uniform || is_lower(before) => titled(before),
        _ => before.to_owned(),
    };
    let rest = after.split('\'').map(|piece| {
        if is_upper(piece) || is_lower(piece) { titled(piece) } else { piece.to_owned() }
    });
    format!("{prefix}'{}", rest.collect::<Vec<_>>().join("'"))
}

fn cased_plain(part: &str, place: Place) -> String {
    let (upper, lower) = (is_upper(part), is_lower(part));
    if part.starts_with(ARTICLE) {
        return part.to_lowercase();
    }
    if !upper && !lower {
        return if is_inverted(part) { titled(part) } else { part.to_owned() };
    }
    let folded = text::fold(part);
    let letters = part.chars().filter(|c| c.is_alphabetic()).count();
    if letters == 1 && part.chars().count() == 1 {
        // An initial, or the `y` and `e` of Iberian names.
        let link = (lower || folded == "y") && is_particle(&folded);
        return if link && place.follows && !place.opens {
            part.to_lowercase()
        } else {
            format!("{}.", one_upper(part))
        };
    }
    if part.contains('.') && letters <= 3 {
        // `J.P.`, `Ph.`
        return if upper && part.ends_with('.') && letters > 1 && part.matches('.').count() == 1 {
            titled(part)
        } else {
            part.split('.').map(titled).collect::<Vec<_>>().join(".")
        };
    }
    if matches!(folded.as_str(), "ii" | "iii" | "iv") && !place.opens {
        return part.to_uppercase();
    }
    // `JP`, `NTH`: initials or letters of a name, no word.
    if upper && letters <= 3 && !folded.contains(['a', 'e', 'i', 'o', 'u', 'y']) {
        return part.to_owned();
    }
    match place.language {
        Some(Language::Italian) => return titled(part),
        Some(Language::Spanish) if place.beside_particle => return part.to_lowercase(),
        _ => {}
    }
    if place.follows && is_particle(&folded) && !LEXICON.capitals.contains(&folded) {
        let inner = LEXICON.inner.contains(&folded);
        return if !inner || place.beside_particle { part.to_lowercase() } else { titled(part) };
    }
    // French writes `de La Tour`, Spanish `de la Fuente`: the writer knows.
    if lower && place.follows && place.small && folded == "la" {
        return part.to_owned();
    }
    // `MCDONALD`: no French name begins so.
    if folded.len() >= 5 && folded.starts_with("mc") {
        return with_two_capitals(part, 2);
    }
    if LEXICON.mac.contains(&folded) {
        return with_two_capitals(part, 3);
    }
    titled(part)
}

/// `Mc` or `Mac` and the rest, each with a capital.
fn with_two_capitals(word: &str, at: usize) -> String {
    let (head, tail): (String, String) =
        (word.chars().take(at).collect(), word.chars().skip(at).collect());
    format!("{}{}", titled(&head), titled(&tail))
}

pub(super) fn is_particle(folded: &str) -> bool {
    LEXICON.particles.contains(folded)
}

/// Written with the capitals lock on: `dUPONT`.
fn is_inverted(word: &str) -> bool {
    let mut letters = word.chars();
    let first = letters.next().is_some_and(char::is_lowercase);
    let rest = letters.as_str();
    first && rest.chars().count() > 2 && rest.chars().all(char::is_uppercase)
}

/// Whether all letters are capitals; `ß` has none.
pub(super) fn is_upper(word: &str) -> bool {
    let mut letters = word.chars().filter(|c| c.is_alphabetic() && *c != 'ß').peekable();
    letters.peek().is_some() && letters.all(|c| !c.is_lowercase())
}

pub(super) fn is_lower(word: &str) -> bool {
    let mut letters = word.chars().filter(|c| c.is_alphabetic()).peekable();
    letters.peek().is_some() && letters.all(|c| !c.is_uppercase())
}

/// First letter in upper case, the others in lower case.
pub(crate) fn titled(word: &str) -> String {
    let mut cased = String::with_capacity(word.len());
    let mut begun = false;
    for c in word.chars() {
        if begun || !c.is_alphabetic() {
            cased.extend(c.to_lowercase());
        } else {
            begun = true;
            cased.push(upper_letter(c));
        }
    }
    cased
}

fn one_upper(letter: &str) -> String {
    letter.chars().map(upper_letter).collect()
}

/// The upper case of a letter where that is one letter: `ß` stays.
fn upper_letter(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_case_of_a_part_is_that_of_names() {
        let cases = [
            ("DE LA TOUR", "de La Tour"),
            ("MCDONALD", "McDonald"),
            ("MC DONALD", "McDonald"),
            ("MACDONALD", "MacDonald"),
            ("MACHADO", "Machado"),
            ("jean-pierre", "Jean-Pierre"),
            ("Jean - Pierre", "Jean-Pierre"),
            ("O'BRIEN", "O'Brien"),
            ("O NEILL", "O'Neill"),
            ("D ARTAGNAN", "d'Artagnan"),
            ("d'ESTAING", "d'Estaing"),
            ("D’ESTAING", "d'Estaing"),
            ("DeVito", "DeVito"),
            ("dUPONT", "Dupont"),
            ("HELENE", "Helene"),
            ("ÉLODIE", "Élodie"),
            ("MACRON", "Macron"),
            ("STRAUß", "Strauß"),
            ("JP", "JP"),
            ("j", "J."),
            ("J.P.", "J.P."),
            (" dupont ,", "Dupont"),
            ("'-'-'-'-'.", ""),
            ("Le Goff", "Le Goff"),
            ("LE GOFF", "Le Goff"),
            ("VAN DER BERG", "van der Berg"),
            ("VAN 'T HOFF", "van 't Hoff"),
            ("IN 'T VELD", "in 't Veld"),
            ("VON UND ZU GUTTENBERG", "von und zu Guttenberg"),
            ("DI STEFANO", "Di Stefano"),
            ("garcía y lópez", "García y López"),
            ("ORTEGA Y GASSET", "Ortega y Gasset"),
            ("L'HERMITE", "L'Hermite"),
            ("De Smet", "De Smet"),
            ("e\u{301}tienne", "Étienne"),
        ];
        for (written, expected) in cases {
            assert_eq!(normalize(written), expected, "{written}");
        }
    }

    #[test]
    fn what_is_no_name_is_said() {
        for part in ["12 rue de la Paix 75001", "0612345678", "a@b.fr", "12-34"] {
            assert!(check(part).is_err(), "{part}");
        }
        assert_eq!(check("DUPONT"), Ok("Dupont".into()));
        assert!(check("8riquet").is_ok() && check("Dupont 2").is_ok());
    }

    proptest! {
        #[test]
        fn a_name_normalized_twice_is_the_same(part in "\\PC{0,24}|[a-zA-Zéèàç' .,()-]{0,24}|[A-Z' -]{0,24}|[a-z'. -]{0,24}") {
            let once = normalize(&part);
            prop_assert_eq!(normalize(&once), once);
        }

        #[test]
        fn particles_hyphens_and_capitals_are_set_once(
            part in "((DE|de|La|LE|van|VAN|der|'t|von|und|zu|D'|d’|O'|o|MC|Mac|mac|y|E|Jean|PIERRE|brien|MACDONALD|e\u{301}lodie|ÉLODIE|dUPONT|ß|SAINT|St\\.|J\\.|jp)( |-| - |'|)){1,6}"
        ) {
            let once = normalize(&part);
            prop_assert_eq!(normalize(&once), once);
        }
    }
}
