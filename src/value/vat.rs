//! VAT numbers of the member states of the European Union and their neighbours, with their check digits.
//!
//! Sources: the VIES page on the structure of VAT numbers, and each tax office's rule for its check digit.

use jiff::civil;

use super::identifier::{is_digits, is_siren, luhn};

/// The one written form of the number `rest` of a country, without the country's letters; none when it
/// cannot be a number of that country, or of a country without such numbers.
///
/// `rest` holds digits and capitals only. What a Swiss or Norwegian number ends with (`MWST`, `TVA`, `MVA`)
/// only says in which language it was written.
pub(super) fn canonical(country: &str, rest: &str) -> Option<String> {
    if !rest.is_ascii() {
        return None;
    }
    let rest = match country {
        // Until 2005 Belgian numbers had nine digits.
        "BE" if is_digits(rest, 9) => format!("0{rest}"),
        "CHE" => ["MWST", "TVA", "IVA", "TPV", "VAT"]
            .iter()
            .find_map(|ending| rest.strip_suffix(ending))
            .unwrap_or(rest)
            .to_owned(),
        "NO" => rest.strip_suffix("MVA").unwrap_or(rest).to_owned(),
        _ => rest.to_owned(),
    };
    fits(country, &rest).then_some(rest)
}

fn fits(country: &str, rest: &str) -> bool {
    match country {
        "AT" => rest.strip_prefix('U').is_some_and(austrian),
        "BE" => {
            is_digits(rest, 10) && rest < "2" && 97 - number(&rest[..8]) % 97 == number(&rest[8..])
        }
        "BG" => bulgarian(rest),
        "CHE" => {
            is_digits(rest, 9)
                && (11 - weighted(rest, &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11 == digit(rest, 8)
        }
        "CY" => cypriot(rest),
        "CZ" => czech(rest),
        "DE" => is_digits(rest, 9) && !rest.starts_with('0') && iso_7064_mod_11_10(rest),
        "DK" => {
            is_digits(rest, 8)
                && !rest.starts_with('0')
                && sum_is(rest, &[2, 7, 6, 5, 4, 3, 2, 1], 11)
        }
        "EE" => is_digits(rest, 9) && sum_is(rest, &[3, 7, 1, 3, 7, 1, 3, 7, 1], 10),
        "EL" => {
            is_digits(rest, 9)
                && weighted(rest, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == digit(rest, 8)
        }
        "ES" => spanish(rest),
        "FI" => is_digits(rest, 8) && sum_is(rest, &[7, 9, 10, 5, 8, 4, 2, 1], 11),
        "FR" => french(rest),
        "GB" | "XI" => british(rest),
        "HR" => is_digits(rest, 11) && iso_7064_mod_11_10(rest),
        "HU" => is_digits(rest, 8) && sum_is(rest, &[9, 7, 3, 1, 9, 7, 3, 1], 10),
        "IE" => irish(rest),
        "IT" => italian(rest),
        "LT" => lithuanian(rest),
        "LU" => is_digits(rest, 8) && number(&rest[..6]) % 89 == number(&rest[6..]),
        "LV" => latvian(rest),
        "MT" => {
            is_digits(rest, 8)
                && !rest.starts_with('0')
                && sum_is(rest, &[3, 4, 6, 7, 8, 9, 10, 1], 37)
        }
        "NL" => dutch(rest),
        "NO" => is_digits(rest, 9) && sum_is(rest, &[3, 2, 7, 6, 5, 4, 3, 2, 1], 11),
        "PL" => {
            is_digits(rest, 10)
                && weighted(rest, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == digit(rest, 9)
        }
        "PT" => {
            is_digits(rest, 9)
                && !rest.starts_with('0')
                && (11 - weighted(rest, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 % 10 == digit(rest, 8)
        }
        "RO" => romanian(rest),
        "SE" => is_digits(rest, 12) && rest.ends_with("01") && luhn(&rest[..10]),
        "SI" => {
            is_digits(rest, 8)
                && !rest.starts_with('0')
                && match 11 - weighted(rest, &[8, 7, 6, 5, 4, 3, 2]) % 11 {
                    10 => digit(rest, 7) == 0,
                    check => check == digit(rest, 7),
                }
        }
        "SK" => slovak(rest),
        _ => false,
    }
}

fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or(u64::MAX)
}

fn digit(digits: &str, at: usize) -> u64 {
    u64::from(digits.as_bytes()[at] - b'0')
}

/// The sum of as many digits as there are weights, each times its own.
fn weighted(digits: &str, weights: &[u64]) -> u64 {
    digits.bytes().zip(weights).map(|(b, weight)| u64::from(b - b'0') * weight).sum()
}

fn sum_is(digits: &str, weights: &[u64], modulus: u64) -> bool {
    weighted(digits, weights).is_multiple_of(modulus)
}

fn iso_7064_mod_11_10(digits: &str) -> bool {
    let mut product = 10;
    for b in digits.bytes().take(digits.len() - 1) {
        let sum = (u64::from(b - b'0') + product) % 10;
        product = 2 * if sum == 0 { 10 } else { sum } % 11;
    }
    (11 - product) % 10 == digit(digits, digits.len() - 1)
}

fn is_day(year: u64, month: u64, day: u64) -> bool {
    let (Ok(year), Ok(month), Ok(day)) = (year.try_into(), month.try_into(), day.try_into()) else {
        return false;
    };
    civil::Date::new(year, month, day).is_ok()
}

fn austrian(rest: &str) -> bool {
    if !is_digits(rest, 8) {
        return false;
    }
    let sum: u64 = (0..7)
        .map(|at| match at % 2 {
            0 => digit(rest, at),
            _ => digit(rest, at) / 5 + digit(rest, at) * 2 % 10,
        })
        .sum();
    (10 - (sum + 4) % 10) % 10 == digit(rest, 7)
}

fn bulgarian(rest: &str) -> bool {
    if is_digits(rest, 9) {
        let check = match weighted(rest, &[1, 2, 3, 4, 5, 6, 7, 8]) % 11 {
            10 => weighted(rest, &[3, 4, 5, 6, 7, 8, 9, 10]) % 11 % 10,
            check => check,
        };
        return check == digit(rest, 8);
    }
    if !is_digits(rest, 10) {
        return false;
    }
    let last = digit(rest, 9);
    // A citizen's number holds the birth date, with 20 or 40 added to the month by century.
    let (year, month, day) = (number(&rest[..2]), number(&rest[2..4]), number(&rest[4..6]));
    let born = match month {
        41..=52 => is_day(2000 + year, month - 40, day),
        21..=32 => is_day(1800 + year, month - 20, day),
        _ => is_day(1900 + year, month, day),
    };
    let citizen = born && weighted(rest, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == last;
    let foreigner = weighted(rest, &[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 == last;
    let other = (11 - weighted(rest, &[4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 == last;
    citizen || foreigner || other
}

fn cypriot(rest: &str) -> bool {
    const EVEN: [u64; 10] = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21];
    if rest.len() != 9 || !is_digits(&rest[..8], 8) || rest.starts_with("12") {
        return false;
    }
    let sum: u64 = (0..8)
        .map(|at| match at % 2 {
            0 => EVEN[digit(rest, at) as usize],
            _ => digit(rest, at),
        })
        .sum();
    rest.as_bytes()[8] == b'A' + (sum % 26) as u8
}

fn czech(rest: &str) -> bool {
    match rest.len() {
        8 if is_digits(rest, 8) && !rest.starts_with('9') => {
            let check = match (11 - weighted(rest, &[8, 7, 6, 5, 4, 3, 2]) % 11) % 11 {
                0 => 1,
                check => check % 10,
            };
            check == digit(rest, 7)
        }
        // Natural persons without a birth number.
        9 if is_digits(rest, 9) && rest.starts_with('6') => {
            let check = weighted(&rest[1..], &[8, 7, 6, 5, 4, 3, 2]) % 11;
            (18 - (21 - check) % 11) % 10 == digit(rest, 8) || birth_number(rest)
        }
        _ => birth_number(rest),
    }
}

/// The birth number of a Czech or Slovak citizen: date of birth, ordinal, and since 1954 a check digit.
fn birth_number(rest: &str) -> bool {
    let count = rest.len();
    if !(9..=10).contains(&count) || !is_digits(rest, count) {
        return false;
    }
    let mut year = 1900 + number(&rest[..2]);
    // Women have 50 more in the month, later births 20 more.
    let (month, day) = (number(&rest[2..4]) % 50 % 20, number(&rest[4..6]));
    if count == 9 {
        if year >= 1980 {
            year -= 100;
        }
        return year < 1954 && is_day(year, month, day);
    }
    if year < 1954 {
        year += 100;
    }
    is_day(year, month, day) && number(&rest[..9]) % 11 % 10 == digit(rest, 9)
}

fn spanish(rest: &str) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    if rest.len() != 9 || !is_digits(&rest[1..8], 7) {
        return false;
    }
    let (first, last) = (rest.as_bytes()[0], rest.as_bytes()[8]);
    let letter_of = |digits: &str| LETTERS[(number(digits) % 23) as usize];
    match first {
        b'0'..=b'9' => letter_of(&rest[..8]) == last,
        // Foreigners: X, Y and Z stand for 0, 1 and 2.
        b'X' | b'Y' | b'Z' => letter_of(&format!("{}{}", first - b'X', &rest[1..8])) == last,
        b'K' | b'L' | b'M' => letter_of(&rest[1..8]) == last,
        b'A'..=b'H' | b'J' | b'N' | b'P'..=b'S' | b'U' | b'V' | b'W' => {
            let check = (0..10).find(|c| luhn(&format!("{}{c}", &rest[1..8])));
            let Some(check) = check else { return false };
            let (as_digit, as_letter) = (b'0' + check, b"JABCDEFGHI"[usize::from(check)]);
            match first {
                b'A' | b'B' | b'E' | b'H' => last == as_digit,
                b'N' | b'P' | b'Q' | b'R' | b'S' | b'W' => last == as_letter,
                _ => last == as_digit || last == as_letter,
            }
        }
        _ => false,
    }
}

/// Whether a French number's SIREN and key are right. Monaco's numbers are French ones whose nine digits
/// start with `000` and are no SIREN.
fn french(rest: &str) -> bool {
    rest.len() == 11
        && (is_siren(&rest[2..]) || rest[2..].starts_with("000") && is_digits(&rest[2..], 9))
        && french_key_fits(rest)
}

/// Whether the two characters before the nine digits of a French VAT number are their key.
pub(super) fn french_key_fits(key_and_siren: &str) -> bool {
    // Letters but O and I, which look like digits.
    const DIGITS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let (key, siren) = key_and_siren.split_at(2);
    let (Ok(siren), [first, second]) = (siren.parse::<u64>(), key.as_bytes()) else { return false };
    if let Ok(key) = key.parse::<u64>() {
        return (12 + 3 * (siren % 97)) % 97 == key;
    }
    let place = |c: &u8| DIGITS.iter().position(|d| d == c).map(|at| at as u64);
    let (Some(high), Some(low)) = (place(first), place(second)) else { return false };
    let value = if first.is_ascii_digit() { high * 24 + low - 10 } else { high * 34 + low - 100 };
    (siren + 1 + value / 11) % 11 == value % 11
}

fn british(rest: &str) -> bool {
    if is_digits(rest, 9) || is_digits(rest, 12) {
        let sum = weighted(rest, &[8, 7, 6, 5, 4, 3, 2, 10, 1]) % 97;
        // Numbers from 100 000 000 on are made with 55 added, or counted otherwise.
        return sum == 0 || rest >= "100" && matches!(sum, 42 | 55);
    }
    // Government departments and health authorities.
    rest.len() == 5
        && is_digits(&rest[2..], 3)
        && match &rest[..2] {
            "GD" => number(&rest[2..]) < 500,
            "HA" => number(&rest[2..]) >= 500,
            _ => false,
        }
}

fn irish(rest: &str) -> bool {
    const LETTERS: &[u8] = b"WABCDEFGHIJKLMNOPQRSTUV";
    let bytes = rest.as_bytes();
    let place = |letter: u8| LETTERS.iter().position(|l| *l == letter).map(|at| at as u64);
    let (digits, check, second) = match bytes {
        // The oldest have a letter in second place.
        [_, b'A'..=b'Z', .., check] if bytes.len() == 8 => {
            (format!("0{}{}", &rest[2..7], &rest[..1]), *check, 0)
        }
        [.., check] if bytes.len() == 8 => (rest[..7].to_owned(), *check, 0),
        [.., check, more] if bytes.len() == 9 => match place(*more) {
            Some(second) => (rest[..7].to_owned(), *check, second),
            None => return false,
        },
        _ => return false,
    };
    is_digits(&digits, 7)
        && place(check) == Some((weighted(&digits, &[8, 7, 6, 5, 4, 3, 2]) + 9 * second) % 23)
}

fn italian(rest: &str) -> bool {
    is_digits(rest, 11)
        && !rest.starts_with("0000000")
        && matches!(number(&rest[7..10]), 1..=100 | 120 | 121 | 888 | 999)
        && luhn(rest)
}

fn lithuanian(rest: &str) -> bool {
    let count = rest.len();
    if !matches!(count, 9 | 12) || !is_digits(rest, count) || digit(rest, count - 2) != 1 {
        return false;
    }
    let sum = |from: u64| -> u64 {
        (0..count - 1).map(|at| (1 + (at as u64 + from) % 9) * digit(rest, at)).sum::<u64>() % 11
    };
    let check = if sum(0) == 10 { sum(2) % 10 } else { sum(0) };
    check == digit(rest, count - 1)
}

fn latvian(rest: &str) -> bool {
    if !is_digits(rest, 11) {
        return false;
    }
    if rest.as_bytes()[0] > b'3' {
        return weighted(rest, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3;
    }
    // A person: day, month, year and century of birth. Newer numbers start with 32 and tell nothing.
    let year = 1800 + 100 * digit(rest, 6) + number(&rest[4..6]);
    let born = rest.starts_with("32") || is_day(year, number(&rest[2..4]), number(&rest[..2]));
    let check = (1 + weighted(rest, &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9])) % 11 % 10;
    born && check == digit(rest, 10)
}

fn dutch(rest: &str) -> bool {
    if rest.len() != 12
        || !is_digits(&rest[..9], 9)
        || &rest[9..10] != "B"
        || !is_digits(&rest[10..], 2)
        || &rest[10..] == "00"
    {
        return false;
    }
    let citizen =
        weighted(rest, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == digit(rest, 8) && number(&rest[..9]) > 0;
    // Sole traders have numbers since 2020 that do not show their citizen's number.
    citizen || mod_97(&format!("NL{rest}")) == Some(1)
}

/// The remainder by 97 of a text of digits and capitals, `A` counting 10 and `Z` 35 (ISO 7064).
pub(super) fn mod_97(text: &str) -> Option<u64> {
    text.chars().try_fold(0, |rest, c| {
        let value = u64::from(c.to_digit(36)?);
        Some(if value < 10 { rest * 10 + value } else { rest * 100 + value } % 97)
    })
}

fn romanian(rest: &str) -> bool {
    let count = rest.len();
    if !(2..=10).contains(&count) || !is_digits(rest, count) || rest.starts_with('0') {
        return false;
    }
    let padded = format!("{rest:0>10}");
    weighted(&padded, &[7, 5, 3, 2, 1, 7, 5, 3, 2]) * 10 % 11 % 10 == digit(&padded, 9)
}

fn slovak(rest: &str) -> bool {
    let company = is_digits(rest, 10)
        && !rest.starts_with('0')
        && matches!(digit(rest, 2), 2 | 3 | 4 | 7 | 8 | 9)
        && number(rest).is_multiple_of(11);
    company || rest.len() == 10 && birth_number(rest)
}
