//! Amounts.

use std::{cmp::Ordering, collections::BTreeMap, str::FromStr, sync::LazyLock};

use rust_decimal::Decimal;
use serde::Deserialize;

use super::{
    Invalid, Issue,
    dictionary::{self, Words},
    text,
};

/// The greatest amount that is taken for one: a bank account number is none, and sums never overflow.
const MOST_AMOUNT: u64 = 1_000_000_000_000_000;

/// The mark before the decimals of the amounts of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum DecimalMark {
    Comma,
    Point,
}

impl DecimalMark {
    fn char(self) -> char {
        match self {
            DecimalMark::Comma => ',',
            DecimalMark::Point => '.',
        }
    }
}

/// The amount as a decimal with a point and no thousands mark, and its currency code or empty.
///
/// Reads `1 234,56 €`, `1,234.56`, `1.234,56`, `1'234.50`, `12,5 k€`, and negative ones as `-1`, `1-`, `(1)` and `1 CR`.
/// Where both marks stand, the last is the decimal one; a point alone is always one, as programs write it.
pub fn normalize(text: &str) -> Result<(String, String), Invalid> {
    normalize_in(text, None)
}

/// The same for an amount of a column whose decimal mark is known: `1.234` is more than a thousand where the
/// others are written `12,50`.
pub fn normalize_in(text: &str, mark: Option<DecimalMark>) -> Result<(String, String), Invalid> {
    let cleaned = text::clean(text);
    let invalid = || Invalid::new("bad_amount", "it is not an amount", "");
    let written = taken_apart(&cleaned).ok_or_else(invalid)?;
    let plain = with_decimal_point(&written.number, mark).ok_or_else(invalid)?;
    let amount = if plain.contains('e') {
        Decimal::from_scientific(&plain).map_err(|_| invalid())?
    } else {
        Decimal::from_str(&plain).map_err(|_| invalid())?
    };
    let amount = amount.checked_mul(Decimal::from(written.times)).ok_or_else(invalid)?;
    if amount > Decimal::from(MOST_AMOUNT) {
        return Err(invalid());
    }
    let amount = if written.is_negative { -amount } else { amount };
    // `-0` is zero.
    let amount = if amount.is_zero() { Decimal::ZERO } else { amount.normalize() };
    Ok((amount.to_string(), written.currency))
}

/// The decimal mark that the amounts of one column show: by those that leave no doubt.
pub fn mark_of<'a>(column: impl IntoIterator<Item = &'a str>) -> Option<DecimalMark> {
    let (mut commas, mut points) = (0u64, 0u64);
    for text in column {
        let digits = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
        let (comma, point) = (text.rfind(','), text.rfind('.'));
        match (comma, point) {
            (Some(comma), Some(point)) if comma > point => commas += 1,
            (Some(_), Some(_)) => points += 1,
            (Some(at), None) => commas += u64::from(matches!(digits(&text[at + 1..]), 1 | 2 | 4..)),
            (None, Some(at)) => points += u64::from(matches!(digits(&text[at + 1..]), 1 | 2 | 4..)),
            (None, None) => {}
        }
    }
    match commas.cmp(&points) {
        Ordering::Greater => Some(DecimalMark::Comma),
        Ordering::Less => Some(DecimalMark::Point),
        Ordering::Equal => None,
    }
}

/// What a steward should know of an amount that was read: that its only mark may be of thousands or of
/// decimals, and the column does not tell.
pub fn issues(text: &str, mark: Option<DecimalMark>) -> Vec<Issue> {
    if mark.is_some() {
        return Vec::new();
    }
    let digits = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit());
    let number: String =
        text.chars().filter(|c| c.is_ascii_digit() || matches!(c, ',' | '.')).collect();
    let alone = number.split_once([',', '.']).is_some_and(|(whole, decimals)| {
        (1..=3).contains(&whole.len()) && !whole.starts_with('0') && digits(decimals)
    });
    if alone {
        return vec![Issue::doubtful(
            "decimal_mark_doubt",
            "its mark may be of thousands or of decimals",
        )];
    }
    Vec::new()
}

/// An amount as written, what stands around its number taken off.
struct Written {
    number: String,
    is_negative: bool,
    currency: String,
    /// 1000 for `k€`.
    times: u32,
}

fn taken_apart(text: &str) -> Option<Written> {
    let lower = text.to_lowercase().replace(['−', '–', '—'], "-");
    let (inside, in_brackets) = match lower.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inside) => (inside, true),
        None => (lower.as_str(), false),
    };
    let mut written = Written {
        number: inside.trim().to_owned(),
        is_negative: in_brackets,
        currency: String::new(),
        times: 1,
    };
    // Each step takes one thing off an end; an amount has few of them.
    const MOST_STEPS: usize = 8;
    for _ in 0..MOST_STEPS {
        let number = written.number.as_str();
        if number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b',' | b'.')) {
            break;
        }
        let Some((rest, mark)) = off_an_end(number) else { break };
        match mark {
            Mark::Nothing => {}
            Mark::Minus if written.is_negative => return None,
            Mark::Minus => written.is_negative = true,
            Mark::Times(times) if written.times == 1 => written.times = times,
            Mark::Times(_) => return None,
            Mark::Currency(code) => code.clone_into(&mut written.currency),
        }
        written.number = rest;
    }
    let number = &written.number;
    (number.bytes().any(|b| b.is_ascii_digit())
        && number.starts_with(|c: char| c.is_ascii_digit() || matches!(c, ',' | '.')))
    .then_some(written)
}

enum Mark {
    Nothing,
    Minus,
    Times(u32),
    Currency(&'static str),
}

/// The number without the sign, word or currency that stands at one of its ends, and what that was.
fn off_an_end(number: &str) -> Option<(String, Mark)> {
    let bare = |rest: &str| rest.trim().to_owned();
    // `12.-`, `12.--`: no cents.
    if let Some(rest) = number.strip_suffix('-').map(|rest| rest.trim_end_matches('-'))
        && rest.ends_with(['.', ','])
    {
        return Some((bare(&rest[..rest.len() - 1]), Mark::Nothing));
    }
    if let Some(rest) = number.strip_prefix('-').or_else(|| number.strip_suffix('-')) {
        return Some((bare(rest), Mark::Minus));
    }
    if let Some(rest) = number.strip_prefix('+') {
        return Some((bare(rest), Mark::Nothing));
    }
    for (sign, code) in &SIGNS.currencies {
        if let Some(rest) = without_word(number, sign) {
            return Some((rest, Mark::Currency(code)));
        }
        // `12€50`
        if let Some((whole, cents)) = number.split_once(sign.as_str()).filter(|_| sign == "€")
            && !whole.is_empty()
            && cents.trim().len() == 2
            && cents.trim().bytes().all(|b| b.is_ascii_digit())
        {
            return Some((format!("{},{}", whole.trim(), cents.trim()), Mark::Currency(code)));
        }
    }
    let listed = |words: &[String]| words.iter().find_map(|word| without_word(number, word));
    if let Some(rest) = listed(&SIGNS.beside) {
        return Some((rest, Mark::Nothing));
    }
    if let Some(rest) = listed(&SIGNS.credit) {
        return Some((rest, Mark::Minus));
    }
    let times = |word: &str, times: u32| {
        let rest = number.strip_suffix(word)?;
        rest.trim_end()
            .ends_with(|c: char| c.is_ascii_digit())
            .then(|| (bare(rest), Mark::Times(times)))
    };
    times("k", 1000).or_else(|| times("m", 1_000_000))
}

/// The number without the word at its start or end, where the word stands apart: no letter touches it, but `k`
/// and `m`, which count thousands and millions (`k€`).
fn without_word(number: &str, word: &str) -> Option<String> {
    let letters = word.ends_with(char::is_alphabetic);
    if let Some(rest) = number.strip_suffix(word) {
        let apart = !word.starts_with(char::is_alphabetic) || !rest.ends_with(char::is_alphabetic);
        if apart && !rest.trim().is_empty() {
            return Some(rest.trim().to_owned());
        }
    }
    let rest = number.strip_prefix(word)?;
    (!letters || !rest.starts_with(char::is_alphabetic)).then(|| rest.trim().to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Currencies {
    signs: BTreeMap<String, Words>,
    beside: Listed,
    credit: Listed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    words: Words,
}

struct Signs {
    /// Signs with their codes, the longest first.
    currencies: Vec<(String, String)>,
    beside: Vec<String>,
    credit: Vec<String>,
}

static SIGNS: LazyLock<Signs> = LazyLock::new(|| {
    let lists: Currencies =
        dictionary::read(include_str!("../../mappings/dictionaries/currencies.toml"));
    let mut currencies: Vec<(String, String)> = lists
        .signs
        .iter()
        .flat_map(|(code, signs)| signs.to_vec().into_iter().map(move |sign| (sign, code.clone())))
        .collect();
    currencies.sort_by_key(|(sign, _)| (std::cmp::Reverse(sign.chars().count()), sign.clone()));
    Signs { currencies, beside: lists.beside.words.to_vec(), credit: lists.credit.words.to_vec() }
});

fn with_decimal_point(text: &str, mark: Option<DecimalMark>) -> Option<String> {
    let (mantissa, exponent) = text.split_once('e').map_or((text, None), |(m, e)| (m, Some(e)));
    if !has_even_groups(mantissa) {
        return None;
    }
    let mantissa: String = mantissa.chars().filter(|c| !matches!(c, ' ' | '\'' | '’')).collect();
    if !mantissa.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'.') {
        return None;
    }
    let decimal_mark = match (mantissa.rfind(','), mantissa.rfind('.')) {
        (Some(comma), Some(point)) => Some(comma.max(point)),
        (Some(comma), None) => is_decimal(&mantissa, ',', mark, false).then_some(comma),
        (None, Some(point)) => is_decimal(&mantissa, '.', mark, true).then_some(point),
        (None, None) => None,
    };
    let whole = &mantissa[..decimal_mark.unwrap_or(mantissa.len())];
    let grouping = whole.find([',', '.']).map(|at| whole.as_bytes()[at] as char);
    if let Some(grouping) = grouping
        && (!groups_thousands(whole, grouping)
            || decimal_mark.is_some_and(|at| mantissa.as_bytes()[at] == grouping as u8))
    {
        return None;
    }
    let mut plain: String = whole.chars().filter(char::is_ascii_digit).collect();
    if plain.is_empty() {
        plain.push('0');
    }
    if let Some(decimals) = decimal_mark.map(|at| &mantissa[at + 1..]).filter(|d| !d.is_empty()) {
        plain = format!("{plain}.{decimals}");
    }
    match exponent {
        Some(exponent) => {
            let exponent: i32 = exponent.trim().parse().ok()?;
            (exponent.abs() <= 20).then(|| format!("{plain}e{exponent}"))
        }
        None => Some(plain),
    }
}

/// Whether the only kind of mark in the text is the decimal one. `by_default` says so where neither the text nor
/// the column tells.
fn is_decimal(text: &str, written: char, column: Option<DecimalMark>, by_default: bool) -> bool {
    if !groups_thousands(text, written) || text.starts_with('0') {
        return true;
    }
    match column {
        _ if text.matches(written).count() > 1 => false,
        Some(mark) => mark.char() == written,
        None => by_default,
    }
}

/// Whether blanks and apostrophes stand only between groups of three digits.
fn has_even_groups(text: &str) -> bool {
    let whole = text.trim().split([',', '.']).next().unwrap_or_default();
    let mut groups = whole.split([' ', '\'', '’']);
    let first = groups.next().unwrap_or_default();
    let mut rest = groups.peekable();
    rest.peek().is_none() || (1..=3).contains(&first.len()) && rest.all(|group| group.len() == 3)
}

/// Whether the mark stands only before groups of three digits: `1,234`, `1.234.567`.
pub(crate) fn groups_thousands(text: &str, mark: char) -> bool {
    let of_digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    let mut groups = text.split(mark);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len())
        && of_digits(first)
        && groups.all(|group| group.len() == 3 && of_digits(group))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        normalize(text)
            .map_or_else(|_| "!".to_owned(), |(amount, currency)| format!("{amount}{currency}"))
    }

    #[test]
    fn amounts_are_read_in_french_and_english() {
        let cases = [
            ("1 234,56", "1234.56"),
            ("1\u{202f}234,56 €", "1234.56EUR"),
            ("1,234.56", "1234.56"),
            ("1.234,56", "1234.56"),
            ("1234.56", "1234.56"),
            ("(88,00)", "-88"),
            ("88,00-", "-88"),
            ("-45,98", "-45.98"),
            ("1'234.50 CHF", "1234.5CHF"),
            ("$1,234", "1234USD"),
            ("0", "0"),
            ("-0,00", "0"),
            ("1.234.567", "1234567"),
            ("0,125", "0.125"),
            (",5", "0.5"),
            ("1E3", "1000"),
            ("12.345", "12.345"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
        for bad in ["", "abc", "1,2,3", "12/03/2019"] {
            assert_eq!(read(bad), "!", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_normalized_twice_is_the_same(text in "-?[0-9]{1,3}([ .,]?[0-9]{1,3}){0,3}|\\PC{0,8}") {
            if let Ok((once, _)) = normalize(&text) {
                prop_assert_eq!(normalize(&once).map(|(amount, _)| amount), Ok(once));
            }
        }
    }
}
