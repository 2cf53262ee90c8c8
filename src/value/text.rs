//! Plain text: blanks, comparison form, placeholders.

use std::{borrow::Cow, sync::LazyLock};

use serde::Deserialize;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use super::dictionary::{self, HashSet, Words};
use crate::model::ValueKind;

/// Trims, and makes every run of blanks (no-break and zero-width ones and control characters too) one
/// space; letters and their accents are composed.
pub fn clean(text: &str) -> String {
    if is_tidy(text) {
        return text.to_owned();
    }
    // How a workbook writes a carriage return in its XML.
    let text = if text.contains("_x000") {
        Cow::Owned(text.replace("_x000D_", " ").replace("_x000A_", " "))
    } else {
        Cow::Borrowed(text)
    };
    let mut clean = String::with_capacity(text.len());
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(word);
    }
    if is_nfc_quick(clean.chars()) == IsNormalized::Yes { clean } else { clean.nfc().collect() }
}

/// The same line by line, as a note has them: line breaks stay, no more than one blank line between two.
pub fn clean_lines(text: &str) -> String {
    if is_tidy(text) {
        return text.to_owned();
    }
    let text = text.replace("_x000D_\n", "\n").replace("\r\n", "\n").replace(['\r', '\u{b}'], "\n");
    let mut lines = String::with_capacity(text.len());
    let mut breaks = 0;
    for line in text.split('\n').map(clean) {
        if !line.is_empty() && !lines.is_empty() {
            lines.push_str(if breaks > 1 { "\n\n" } else { "\n" });
        }
        breaks = if line.is_empty() { breaks + 1 } else { 1 };
        lines.push_str(&line);
    }
    lines
}

/// Whether [`clean`] surely leaves the text as it is: printable ASCII and the composed letters of western
/// languages (U+00C0 to U+017F), with single blanks within.
pub(crate) fn is_tidy(text: &str) -> bool {
    let (mut before, mut may_be_escaped) = (b' ', false);
    for byte in text.bytes() {
        let fits = match byte {
            b' ' => before != b' ',
            b'!'..=b'~' => true,
            // The bytes that open those letters, and those that end them.
            0xc3..=0xc5 | 0x80..=0xbf => true,
            _ => false,
        };
        if !fits {
            return false;
        }
        may_be_escaped |= byte == b'_';
        before = byte;
    }
    (before != b' ' || text.is_empty()) && !(may_be_escaped && text.contains("_x000"))
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// The form in which texts are compared: ASCII lower case letters and digits in words separated by
/// one space. `Hélène d'Œuvre` becomes `helene d oeuvre`.
pub fn fold(text: &str) -> String {
    let mut folded = Vec::with_capacity(text.len());
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => push_folded(&mut folded, byte),
            _ => push_foreign(&mut folded, c),
        }
    }
    folded.truncate(folded.trim_ascii_end().len());
    String::from_utf8(folded).expect("what is folded is ASCII")
}

/// What `look` says of the folded form of a text; short ASCII texts are folded without a new text being made.
fn with_folded<T>(text: &str, look: impl FnOnce(&str) -> T) -> T {
    let mut folded = [0; LONGEST_PLACEHOLDER];
    if text.len() > folded.len() || !text.is_ascii() {
        return look(&fold(text));
    }
    let mut len = 0;
    for byte in text.bytes() {
        let plain = FOLDED[usize::from(byte)];
        if plain != b' ' || len > 0 && folded[len - 1] != b' ' {
            folded[len] = plain;
            len += 1;
        }
    }
    let folded = folded[..len].trim_ascii_end();
    look(std::str::from_utf8(folded).expect("what is folded is ASCII"))
}

/// What becomes of each ASCII byte: a small letter, the digit itself, or a blank.
const FOLDED: [u8; 128] = {
    let (mut folded, mut at) = ([b' '; 128], 0);
    while at < 128 {
        if (at as u8).is_ascii_alphanumeric() {
            folded[at] = (at as u8).to_ascii_lowercase();
        }
        at += 1;
    }
    folded
};

#[inline]
fn push_folded(folded: &mut Vec<u8>, byte: u8) {
    match FOLDED[usize::from(byte)] {
        b' ' if matches!(folded.last(), None | Some(b' ')) => {}
        plain => folded.push(plain),
    }
}

fn push_foreign(folded: &mut Vec<u8>, c: char) {
    let plain = match c {
        'à' | 'â' | 'ä' | 'á' | 'ã' | 'å' | 'À' | 'Â' | 'Ä' | 'Á' | 'Ã' | 'Å' => "a",
        'é' | 'è' | 'ê' | 'ë' | 'É' | 'È' | 'Ê' | 'Ë' => "e",
        'î' | 'ï' | 'í' | 'ì' | 'Î' | 'Ï' | 'Í' | 'Ì' => "i",
        'ô' | 'ö' | 'ó' | 'ò' | 'õ' | 'ø' | 'Ô' | 'Ö' | 'Ó' | 'Ò' | 'Õ' | 'Ø' => "o",
        'û' | 'ü' | 'ú' | 'ù' | 'Û' | 'Ü' | 'Ú' | 'Ù' => "u",
        'ç' | 'Ç' => "c",
        'ñ' | 'Ñ' => "n",
        'œ' | 'Œ' => "oe",
        'æ' | 'Æ' => "ae",
        'ß' => "ss",
        // An accent written after its letter says nothing here.
        '\u{300}'..='\u{36f}' => return,
        // `N° 12` is `n 12`: what is raised is a mark of abbreviation.
        '°' | 'º' | 'ª' => " ",
        _ if !c.is_alphanumeric() => " ",
        _ => deunicode::deunicode_char(c).unwrap_or(" "),
    };
    plain.bytes().for_each(|byte| push_folded(folded, byte));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Placeholders {
    any: Words,
    errors: Words,
    name: Words,
    last_names: Words,
    phone: Words,
    email: Words,
    mailbox: Words,
    domains: Words,
    date: Words,
    postcode: Words,
    identifier: Words,
    example_identifiers: Words,
}

struct PlaceholderSets {
    any: HashSet<String>,
    errors: HashSet<String>,
    name: HashSet<String>,
    last_names: HashSet<String>,
    phone: HashSet<String>,
    email: HashSet<String>,
    mailbox: HashSet<String>,
    domains: HashSet<String>,
    date: HashSet<String>,
    postcode: HashSet<String>,
    identifier: HashSet<String>,
    example_identifiers: HashSet<String>,
}

static PLACEHOLDERS: LazyLock<PlaceholderSets> = LazyLock::new(|| {
    let lists: Placeholders =
        dictionary::read(include_str!("../../mappings/dictionaries/placeholders.toml"));
    PlaceholderSets {
        any: lists.any.to_set(),
        errors: lists.errors.to_set(),
        name: lists.name.to_set(),
        last_names: lists.last_names.to_set(),
        phone: lists.phone.to_set(),
        email: lists.email.to_set(),
        mailbox: lists.mailbox.to_set(),
        domains: lists.domains.to_set(),
        date: lists.date.to_set(),
        postcode: lists.postcode.to_set(),
        identifier: lists.identifier.to_set(),
        example_identifiers: lists.example_identifiers.to_set(),
    }
});

/// The longest text that can be a placeholder, in bytes: longer ones need not be looked up.
const LONGEST_PLACEHOLDER: usize = 40;

/// Whether the text stands for "no value" whatever its kind: `N/A`, `xxx`, `néant`, `-`, `?`...
pub fn is_placeholder(text: &str) -> bool {
    // None of the words has a digit in it, and all that spreadsheets show for an error begins with a `#`.
    let has_digit = text.bytes().any(|b| b.is_ascii_digit());
    (!has_digit || may_be_error(text)) && is_placeholder_or(text, |_| false)
}

fn may_be_error(text: &str) -> bool {
    text.trim_start().starts_with('#')
}

/// Whether the text stands for "no value" whatever its kind, or is one of those that `listed` knows folded.
fn is_placeholder_or(text: &str, listed: impl FnOnce(&str) -> bool) -> bool {
    if text.len() > LONGEST_PLACEHOLDER {
        return text.chars().all(|c| !c.is_alphanumeric());
    }
    with_folded(text, |folded| is_folded_placeholder(folded) || listed(folded))
        || may_be_error(text) && PLACEHOLDERS.errors.contains(text.trim())
}

fn is_folded_placeholder(folded: &str) -> bool {
    let crossed_out = folded.len() > 1 && folded.bytes().all(|b| b == b'x' || b == b' ');
    folded.is_empty() || crossed_out || PLACEHOLDERS.any.contains(folded)
}

/// Whether a value of this kind stands for "no value": besides what [`is_placeholder`] knows,
/// `0000000000` as a phone number, `01/01/1900` as a date, `noemail@...` as an address.
///
/// Dates are looked up as written when ISO; others once they are normalized.
pub fn is_placeholder_of(kind: ValueKind, text: &str) -> bool {
    match kind {
        // A cross says yes, a dash says nothing.
        ValueKind::Boolean => fold(text).is_empty(),
        ValueKind::Money => !text.bytes().any(|b| b.is_ascii_digit()) && is_placeholder(text),
        ValueKind::Email => is_placeholder(text) || is_email_placeholder(text),
        ValueKind::Phone => is_placeholder(text) || is_phone_placeholder(text),
        ValueKind::Date => is_placeholder(text) || is_date_placeholder(text),
        ValueKind::PersonName | ValueKind::OrganisationName => {
            is_placeholder_or(text, |folded| PLACEHOLDERS.name.contains(folded))
        }
        ValueKind::Identifier => {
            is_placeholder_or(text, |folded| PLACEHOLDERS.identifier.contains(folded))
                || is_all_zero(text)
        }
        ValueKind::Address | ValueKind::Url => {
            is_placeholder(text) || with_folded(text, |folded| matches!(folded, "x" | "0"))
        }
        ValueKind::Text | ValueKind::Category => is_placeholder(text),
    }
}

/// Whether a placeholder may be somebody's last name all the same: `Test`, `Toto`.
pub fn may_be_last_name(text: &str) -> bool {
    short_listed(&PLACEHOLDERS.last_names, text)
}

/// Whether a postcode stands for "no value": `00000`, `99999`.
pub fn is_postcode_placeholder(text: &str) -> bool {
    is_placeholder_or(text, |folded| PLACEHOLDERS.postcode.contains(folded))
}

/// Whether the digits are those of an identifier that forms show as an example.
pub(super) fn is_example_identifier(digits: &str) -> bool {
    PLACEHOLDERS.example_identifiers.contains(digits)
}

fn short_listed(list: &HashSet<String>, text: &str) -> bool {
    text.len() <= LONGEST_PLACEHOLDER && with_folded(text, |folded| list.contains(folded))
}

fn is_all_zero(text: &str) -> bool {
    let mut digits = text.bytes().filter(|b| !b.is_ascii_whitespace()).peekable();
    digits.peek().is_some() && digits.all(|b| b == b'0')
}

fn is_email_placeholder(text: &str) -> bool {
    let trimmed = text.trim();
    let is_lower = trimmed.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    let lower = if is_lower { trimmed.into() } else { Cow::Owned(trimmed.to_lowercase()) };
    let Some((mailbox, domain)) = lower.split_once('@') else {
        return short_listed(&PLACEHOLDERS.email, text);
    };
    PLACEHOLDERS.domains.contains(domain)
        || PLACEHOLDERS.mailbox.contains(mailbox)
        || is_one_key(mailbox, domain)
}

/// Whether one key was pressed until the form was content: `a@a.fr`, `xx@xxx.com`.
fn is_one_key(mailbox: &str, domain: &str) -> bool {
    let name = domain.split('.').next().unwrap_or("");
    let first = mailbox.as_bytes().first();
    let is_first = |key: u8| first == Some(&key);
    !name.is_empty() && mailbox.bytes().chain(name.bytes()).all(is_first)
}

fn is_phone_placeholder(text: &str) -> bool {
    if text.bytes().any(|b| b.is_ascii_alphabetic()) {
        return short_listed(&PLACEHOLDERS.phone, text);
    }
    let (mut few, many);
    let digits: &[u8] = if text.len() <= LONGEST_PLACEHOLDER {
        few = [0; LONGEST_PLACEHOLDER];
        let written = few.iter_mut().zip(text.bytes().filter(u8::is_ascii_digit));
        let len = written.map(|(digit, byte)| *digit = byte).count();
        &few[..len]
    } else {
        many = text.bytes().filter(u8::is_ascii_digit).collect::<Vec<u8>>();
        &many
    };
    let country_code = digits.iter().rev().skip(6).any(|&d| d != b'0');
    // `0000000000`, `9999999999`, `+33000000000`; and the numbers under a typist's fingers.
    let same = digits.windows(2).all(|pair| pair[0] == pair[1]);
    let zeros = digits.len() >= 9 && digits.ends_with(b"00000000") && country_code;
    let typed = matches!(digits, b"0123456789" | b"1234567890" | b"123456789" | b"0102030405");
    digits.is_empty() || same || zeros && !digits.ends_with(b"1000000000") || typed
}

fn is_date_placeholder(text: &str) -> bool {
    let text = text.trim();
    let zeros = text.bytes().any(|b| b == b'0')
        && text.bytes().all(|b| matches!(b, b'0' | b'/' | b'-' | b'.' | b' ' | b':'));
    let day = text.get(..10).filter(|_| {
        text.len() == 10
            || text.as_bytes().get(10) == Some(&b'T')
            || text.as_bytes().get(10) == Some(&b' ')
    });
    zeros || day.is_some_and(|day| PLACEHOLDERS.date.contains(day))
}

/// The word of `known` that `word` was most likely meant to be, without regard to case and accents; of
/// equally likely ones the first in the order of the alphabet.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Below this likeness two short words of different meaning begin to look alike.
    const LEAST: f64 = 0.75;
    let folded = fold(word);
    known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(&folded, &fold(k)), k))
        .filter(|(likeness, _)| *likeness >= LEAST)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blanks_of_all_sorts_are_one_space() {
        assert_eq!(clean("  a\u{a0}\u{202f}b\u{200b} c\r\n_x000D_d "), "a b c d");
        assert_eq!(clean("e\u{301}te\u{301}"), "été");
    }

    #[test]
    fn no_placeholder_of_any_kind_has_a_digit_and_every_error_begins_with_a_mark() {
        assert!(!PLACEHOLDERS.any.iter().any(|word| word.contains(|c: char| c.is_ascii_digit())));
        assert!(PLACEHOLDERS.errors.iter().all(|error| may_be_error(error)));
    }

    #[test]
    fn folding_leaves_ascii_words() {
        assert_eq!(fold("Hélène d'Œuvre"), "helene d oeuvre");
        assert_eq!(fold("N° SIRET"), "n siret");
        assert_eq!(fold("  Straße — 12 "), "strasse 12");
        assert_eq!(fold("Łódź"), "lodz");
    }

    #[test]
    fn what_stands_for_nothing_is_known() {
        for text in [
            "N/A", "nc", "N.C.", "néant", "Inconnu", "XXX", "xx xx", "-", "--", "?", "NULL",
            "#N/A", "...", "test",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["Xavier", "X", "0", "Nathalie", "Nul Part"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn what_stands_for_nothing_depends_on_the_kind() {
        use ValueKind::*;
        let nothing = [
            (Email, "a@a.fr"),
            (Email, "XX@xxxx.com"),
            (Email, "1@1.fr"),
            (Phone, "00 00 00 00 00"),
            (Phone, "0"),
            (Phone, "+33000000000"),
            (Phone, "99.99.99.99.99"),
            (Date, "0/0/00"),
            (Date, "00/00/0000"),
            (Date, "1900-01-01"),
            (Date, "1899-12-30T00:00:00"),
            (Email, "noemail@noemail.com"),
            (Email, "nomail@dupont.fr"),
            (Email, "0"),
            (PersonName, "X"),
            (Identifier, "00000000000000"),
        ];
        for (kind, text) in nothing {
            assert!(is_placeholder_of(kind, text), "{kind:?} {text}");
        }
        let values = [
            (Boolean, "x"),
            (Boolean, "0"),
            (Phone, "0600000001"),
            (Phone, "3631"),
            (Money, "0"),
            (Money, "-12"),
            (Date, "2000-01-01"),
            (Email, "contact@nomail-systems.fr"),
            (Email, "a@b.fr"),
            (Email, "aa@ab.fr"),
            (Email, "@a.fr"),
            (Phone, "01 00 00 00 12"),
        ];
        for (kind, text) in values {
            assert!(!is_placeholder_of(kind, text), "{kind:?} {text}");
        }
    }

    #[test]
    fn the_lines_of_a_note_stay() {
        for (note, clean) in [
            ("rappeler  lundi\r\n devis  12\r\n\r\n\r\nvu", "rappeler lundi\ndevis 12\n\nvu"),
            ("\n\n vu \n", "vu"),
            ("a_x000D_\nb", "a\nb"),
            ("un  seul", "un seul"),
            (" \n ", ""),
        ] {
            assert_eq!(clean_lines(note), clean);
            assert_eq!(clean_lines(clean), clean);
        }
    }

    #[test]
    fn tidy_texts_are_those_that_cleaning_leaves_alone() {
        for c in '\u{1}'..'\u{3000}' {
            for text in [format!("a{c}b"), c.to_string()] {
                assert!(!is_tidy(&text) || clean(&text) == text, "{c:?}");
            }
        }
        assert!(is_tidy("Hélène d'Œuvre (12)"));
    }

    proptest! {
        #[test]
        fn a_tidy_text_stays_as_it_is(text in "[ -~éèœŒñ\u{a0}\u{ad}\u{301}\u{200b}]{0,12}|(a|_x000D_| |é){1,4}") {
            if is_tidy(&text) {
                prop_assert_eq!(&clean(&text), &text);
            }
        }

        #[test]
        fn a_text_looked_at_is_folded(text in "\\PC*|[ -~éèœ\u{a0}\u{301}\u{200b}]{0,50}") {
            prop_assert_eq!(with_folded(&text, str::to_owned), fold(&text));
        }

        #[test]
        fn cleaning_and_folding_twice_change_nothing(text in "\\PC*|[ -~éèœ\u{a0}\u{301}\u{200b}]*") {
            let cleaned = clean(&text);
            prop_assert_eq!(clean(&cleaned), cleaned.clone());
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }

        #[test]
        fn the_lines_of_a_note_cleaned_twice_are_the_same(text in "([ -~é]{0,6}(\r\n|\n|\r| |\t|_x000D_|_x000A_)?){0,8}|\\PC*") {
            let cleaned = clean_lines(&text);
            prop_assert_eq!(clean_lines(&cleaned), cleaned);
        }
    }
}
