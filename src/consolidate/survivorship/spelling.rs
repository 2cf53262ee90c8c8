//! Which spelling of a value is the better one.

use std::cmp::{Ordering, Reverse};

use super::{choice::Spelling, place::address_parts};
use crate::{
    model::ValueKind,
    value::{address::Address, organisation},
};

/// Orders two spellings of one value: `Greater` when `a` is the better one.
pub(super) fn better_written(kind: ValueKind, a: &Spelling<'_>, b: &Spelling<'_>) -> Ordering {
    let (x, y) = (a.holder.value, b.holder.value);
    match kind {
        ValueKind::Address => {
            let (p, q) = (address_parts(&Address::decode(x)), address_parts(&Address::decode(y)));
            // A slip of the keyboard does not survive for the building that is told with it.
            (p.0.cmp(&q.0))
                .then(a.support.cmp(&b.support))
                .then(p.1.cmp(&q.1))
                .then(a.votes.cmp(&b.votes))
                .then(casing(kind, x).cmp(&casing(kind, y)))
        }
        _ => casing(kind, x).cmp(&casing(kind, y)).then(a.votes.cmp(&b.votes)),
    }
}

/// How well a value is written: mixed case before capitals, words spelled out before those written
/// short in an organisation's name, fewer words in capitals, accents before none.
pub(super) fn casing(kind: ValueKind, value: &str) -> (bool, Reverse<usize>, u8, bool) {
    let short_words = match kind {
        ValueKind::OrganisationName => organisation::short_words(value),
        _ => 0,
    };
    let lower = value.chars().any(char::is_lowercase);
    let upper = value.chars().any(char::is_uppercase);
    let case = match (lower, upper) {
        (true, true) if value.split([' ', '-', '\'']).any(is_shouted) => 1,
        (true, true) => 2,
        // A job title may well be in lower case; a name is in neither.
        (true, false) if kind == ValueKind::Text => 1,
        _ => 0,
    };
    (
        case > 0,
        Reverse(short_words),
        case,
        value.chars().any(|c| !c.is_ascii() && c.is_alphabetic()),
    )
}

/// A word in capitals that is too long for an acronym.
fn is_shouted(word: &str) -> bool {
    /// `URSSAF` is an acronym.
    const LONGEST_ACRONYM: usize = 6;
    word.chars().count() > LONGEST_ACRONYM && !word.chars().any(char::is_lowercase)
}
