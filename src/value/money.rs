//! Amounts.

use std::str::FromStr;

use rust_decimal::Decimal;

use super::{Invalid, text};

/// The greatest amount that is taken for one: a bank account number is none, and sums never overflow.
const MOST_AMOUNT: u64 = 1_000_000_000_000_000;

/// The amount as a decimal with a point and no thousands mark, and its currency code or empty.
///
/// Reads `1 234,56 €`, `1,234.56`, `1.234,56`, `1'234.50`, and negative ones as `-1`, `1-` and `(1)`. Where both marks
/// stand, the last is the decimal one; a point alone is always one, as programs write it.
pub fn normalize(text: &str) -> Result<(String, String), Invalid> {
    let cleaned = text::clean(text);
    let invalid = || Invalid::new("bad_amount", "it is not an amount", "");
    let (number, currency) = without_currency(&cleaned);
    let (number, negative) = without_sign(&number);
    if !number.bytes().any(|b| b.is_ascii_digit()) {
        return Err(invalid());
    }
    let plain = with_decimal_point(&number).ok_or_else(invalid)?;
    let amount = if plain.contains('e') {
        Decimal::from_scientific(&plain).map_err(|_| invalid())?
    } else {
        Decimal::from_str(&plain).map_err(|_| invalid())?
    };
    if amount > Decimal::from(MOST_AMOUNT) {
        return Err(invalid());
    }
    let amount = if negative { -amount } else { amount };
    // `-0` is zero.
    let amount = if amount.is_zero() { Decimal::ZERO } else { amount.normalize() };
    Ok((amount.to_string(), currency))
}

const SYMBOLS: [(&str, &str); 5] =
    [("€", "EUR"), ("$", "USD"), ("£", "GBP"), ("¥", "JPY"), ("euros", "EUR")];
const CODES: [&str; 18] = [
    "EUR", "USD", "GBP", "CHF", "CAD", "JPY", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON",
    "MAD", "TND", "XOF", "XAF", "XPF",
];

fn without_currency(text: &str) -> (String, String) {
    let lower = text.to_lowercase();
    for (symbol, code) in SYMBOLS {
        if lower.contains(symbol) {
            return (lower.replace(symbol, " "), code.to_owned());
        }
    }
    let upper = text.to_uppercase();
    for code in CODES {
        if let Some(at) = upper.find(code) {
            return (format!("{} {}", &upper[..at], &upper[at + code.len()..]), code.to_owned());
        }
    }
    (text.to_owned(), String::new())
}

fn without_sign(text: &str) -> (String, bool) {
    let text = text.trim().replace(['−', '–'], "-");
    if let Some(inside) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        return (inside.trim().to_owned(), true);
    }
    if let Some(rest) = text.strip_prefix('-').or_else(|| text.strip_suffix('-')) {
        return (rest.trim().to_owned(), true);
    }
    (text.strip_prefix('+').unwrap_or(&text).trim().to_owned(), false)
}

fn with_decimal_point(text: &str) -> Option<String> {
    let joined: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '\'' | '’'))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let (mantissa, exponent) =
        joined.split_once('e').map_or((joined.as_str(), None), |(m, e)| (m, Some(e)));
    if !mantissa.bytes().all(|b| b.is_ascii_digit() || b == b',' || b == b'.') {
        return None;
    }
    let decimal_mark = match (mantissa.rfind(','), mantissa.rfind('.')) {
        (Some(comma), Some(point)) => Some(comma.max(point)),
        (Some(comma), None) => {
            (!groups_thousands(mantissa, ',') || mantissa.starts_with('0')).then_some(comma)
        }
        (None, Some(point)) => (mantissa.matches('.').count() == 1
            || !groups_thousands(mantissa, '.'))
        .then_some(point),
        (None, None) => None,
    };
    let mut plain = String::new();
    for (at, c) in mantissa.char_indices() {
        if c.is_ascii_digit() {
            plain.push(c);
        } else if decimal_mark == Some(at) {
            plain.push('.');
        } else if decimal_mark.is_some_and(|mark| mantissa.as_bytes()[mark] == c as u8) {
            // Two decimal marks: `1,2,3`.
            return None;
        }
    }
    if plain.starts_with('.') {
        plain.insert(0, '0');
    }
    let plain = plain.trim_end_matches('.').to_owned();
    match exponent {
        Some(exponent) => {
            let exponent: i32 = exponent.parse().ok()?;
            (exponent.abs() <= 20).then(|| format!("{plain}e{exponent}"))
        }
        None => Some(plain),
    }
}

/// Whether the mark stands only before groups of three digits: `1,234`, `1.234.567`.
fn groups_thousands(text: &str, mark: char) -> bool {
    let mut groups = text.split(mark);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3)
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
