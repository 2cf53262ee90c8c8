//! What stands in the two boxes that many systems have for a name: first and last name, or a whole name in one of
//! them, or a firm.

use super::kind;
use crate::value::{organisation, person, text::fold};

/// What the boxes for first and last name hold together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// What they are for.
    AsNamed,
    /// First and last name in the box of the first.
    WholeName,
    /// The last name in the box of the first, and in its own what stands before a last name.
    Swapped(Before),
    /// The name of a firm.
    Firm(String),
}

/// What stands before a last name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Civility,
    Initial,
}

/// What the boxes `first` and `last` hold, in a row with these email addresses.
///
/// A firm is told by a legal form, or by a word such as `garage` where nothing is a first name. Two words in
/// the first box are a whole name unless both may be first names (`Marie Laure`): then the capitals of one or
/// the mailbox must say so.
pub(super) fn held(first: &str, last: &str, emails: &[&str]) -> Held {
    let (first, last) = (first.trim(), last.trim());
    match (first.is_empty(), last.is_empty()) {
        (true, true) => Held::AsNamed,
        (false, false) if is_no_last_name(last) && may_be_last_name(first) => {
            Held::Swapped(before_last_name(last, first, emails))
        }
        (false, false) => {
            let both = format!("{first} {last}");
            let is_form = is_form(first) || is_form(last);
            let firm = (is_form || is_firm_word(first)) && !names_person(&both);
            if firm { Held::Firm(both) } else { Held::AsNamed }
        }
        (_, alone) => {
            let text = if alone { first } else { last };
            if is_firm(text) {
                Held::Firm(text.to_owned())
            } else if alone && is_whole_name(text, emails) {
                Held::WholeName
            } else {
                Held::AsNamed
            }
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// How many words are known as first names; of `Jean-Pierre` both parts must be.
fn first_names(text: &str) -> usize {
    let known = |word: &&&str| fold(word).split(' ').all(kind::is_first_name);
    words(text).iter().filter(known).count()
}

/// Whether the box of a last name holds a civility or an initial alone: `M.`, `Mme`, `J`.
pub(super) fn is_no_last_name(text: &str) -> bool {
    is_initial(text) || person::civility(text).is_some()
}

fn is_initial(word: &str) -> bool {
    word.chars().filter(|c| c.is_alphanumeric()).count() == 1
}

/// Whether what stands in the box of a first name may be a last name: it is whole, and nothing in it is a first name.
fn may_be_last_name(text: &str) -> bool {
    !is_no_last_name(text) && first_names(text) == 0 && !words(text).into_iter().any(is_initial)
}

/// `M.` is an initial where the mailbox has a first name of that letter beside the last name: `marc.queval@`.
fn before_last_name(before: &str, last: &str, emails: &[&str]) -> Before {
    let (before_folded, last) = (fold(before), fold(last));
    let is_spelled = |email: &&str| {
        let mailbox = email.split('@').next().unwrap_or("");
        let parts: Vec<String> = mailbox.split(['.', '_', '-']).map(fold).collect();
        let others = || parts.iter().filter(|part| **part != last);
        others().count() < parts.len() && others().any(|part| part.starts_with(&before_folded))
    };
    let is_spelled = is_initial(before) && emails.iter().any(is_spelled);
    match person::civility(before).is_some() && !is_spelled {
        true => Before::Civility,
        false => Before::Initial,
    }
}

/// Whether a civility, a first name or an initial says that somebody is named.
fn names_person(text: &str) -> bool {
    let civil = |word: &&str| person::civility(word).is_some();
    let words = words(text);
    first_names(text) > 0 || words.iter().any(|word| civil(word) || is_initial(word))
}

/// Whether a box holds a legal form. `Sa` and `Ag` are last names too: short ones count in capitals alone.
pub(super) fn is_form(cell: &str) -> bool {
    organisation::legal_form(cell).is_some()
        && (cell.chars().count() > 2 || cell.chars().all(char::is_uppercase))
}

/// Whether a box holds one word that firms are called by: `Boulangerie`.
pub(super) fn is_firm_word(cell: &str) -> bool {
    !fold(cell).contains(' ') && organisation::looks_like_organisation(cell)
}

fn is_firm(text: &str) -> bool {
    let (bare, form) = organisation::split_legal_form(text);
    if words(text).len() < 2 || person::two_civilities(text).is_some() {
        return false;
    }
    // `Sa` and `Ag` are last names too: `MARIA SA`.
    let long = form.chars().filter(|c| c.is_alphanumeric()).count() > 2;
    let has_form = !form.is_empty() && !bare.trim().is_empty();
    has_form && (long || !names_person(&bare))
        || organisation::looks_like_organisation(text) && !names_person(text)
}

fn is_whole_name(text: &str, emails: &[&str]) -> bool {
    let words = words(text);
    let split = person::split(text);
    if !(2..=4).contains(&words.len()) || split.first.is_empty() || split.last.is_empty() {
        return false;
    }
    let upper = |word: &&&str| !is_initial(word) && !word.chars().any(char::is_lowercase);
    let capitals = words.iter().filter(upper).count();
    let one_in_capitals = capitals > 0 && capitals < words.len();
    let known = first_names(text);
    let says_mailbox = || {
        emails.iter().any(|email| {
            let mailbox = email.split('@').next().unwrap_or("");
            let parts: Vec<String> = mailbox.split(['.', '_', '-']).map(fold).collect();
            parts.len() > 1 && words.iter().all(|word| parts.contains(&fold(word)))
                || known < words.len() && kind::is_mailbox_of(email, text)
        })
    };
    // `Y. Barbier`: what an initial stands beside is the last name, unless it is a first name.
    let initials = words.iter().filter(|word| is_initial(word)).count();
    let has_initial = known == 0 && initials > 0;
    (1..words.len() - initials).contains(&known)
        || known > 0 && one_in_capitals
        || has_initial
        || says_mailbox()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(first: &str, last: &str, email: &str) -> String {
        match held(first, last, &[email]) {
            Held::AsNamed => "as named".into(),
            Held::WholeName => "whole name".into(),
            Held::Swapped(before) => format!("{before:?} before the last name"),
            Held::Firm(name) => name,
        }
    }

    #[test]
    fn a_last_name_in_the_first_box_is_told_by_what_stands_in_its_own() {
        let initial = "Initial before the last name";
        let civility = "Civility before the last name";
        assert_eq!(told("Queval", "M.", "mamadou.queval@x.fr"), initial);
        assert_eq!(told("Queval", "M.", "queval@x.fr"), civility);
        assert_eq!(told("Queval", "Mme", ""), civility);
        assert_eq!(told("Queval", "J.", ""), initial);
        assert_eq!(told("Marie", "M.", ""), "as named");
        assert_eq!(told("P.", "M.", ""), "as named");
    }

    #[test]
    fn a_whole_name_in_the_first_box_is_told_from_two_first_names() {
        for name in [
            "Jean Kerivel",
            "KERIVEL Jean",
            "Jean-Pierre Kerivel",
            "Jean MARTIN",
            "Mme Anne Kerivel",
            "Y. Kerivel",
            "I. de Saint-Exupéry",
            "Kerivel Y.",
        ] {
            assert_eq!(told(name, "", ""), "whole name", "{name}");
        }
        assert_eq!(told("Jean Martin", "", "jean.martin@x.fr"), "whole name");
        assert_eq!(told("Zoltan Kerivel", "", "z.kerivel@x.fr"), "whole name");
        for name in ["Marie Laure", "Jean Pierre", "Jean", "MARIE LAURE", "J. Pierre", ""] {
            assert_eq!(told(name, "", "ml@x.fr"), "as named", "{name}");
        }
        assert_eq!(told("Marie Laure", "Kerivel", ""), "as named");
    }

    #[test]
    fn a_firm_in_the_boxes_of_a_name_is_a_firm() {
        assert_eq!(told("SARL Kerivel", "", ""), "SARL Kerivel");
        assert_eq!(told("", "Garage du Centre", ""), "Garage du Centre");
        assert_eq!(told("Kerivel", "SARL", ""), "Kerivel SARL");
        assert_eq!(told("Boulangerie", "Kerivel", ""), "Boulangerie Kerivel");
    }

    #[test]
    fn names_that_are_words_of_firms_too_are_names() {
        for (first, last) in [
            ("Jean", "Moulin"),
            ("", "Moulin"),
            ("Ana", "Sa"),
            ("", "MARIA SA"),
            ("", "Sa Maria"),
            ("Paul", "Garage"),
            ("M. et Mme", "Garage"),
            ("Roux", "Marie-France"),
            ("P.", "CARRIÈRE"),
            ("Carrière", "Paul"),
        ] {
            assert_eq!(told(first, last, ""), "as named", "{first} {last}");
        }
    }
}
