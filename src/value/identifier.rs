//! Identifiers with check digits: SIREN, SIRET, VAT, IBAN; codes that are only compared.

use super::{Invalid, text};

/// Whether nine digits are a SIREN: check digit right, no placeholder.
pub fn is_siren(digits: &str) -> bool {
    is_digits(digits, 9) && luhn(digits) && !is_one_digit(digits)
}

/// Whether fourteen digits are a SIRET: those of its SIREN and of the whole are right.
///
/// La Poste has more establishments than the rule allows: theirs have a sum of digits divisible by 5.
pub fn is_siret(digits: &str) -> bool {
    if !is_digits(digits, 14) || !is_siren(&digits[..9]) {
        return false;
    }
    let sum: u32 = digits.bytes().map(|b| u32::from(b - b'0')).sum();
    luhn(digits) || digits.starts_with("356000000") && sum.is_multiple_of(5)
}

fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_one_digit(digits: &str) -> bool {
    digits.bytes().all(|b| b == digits.as_bytes()[0])
}

/// Whether the last digit is right by the rule of Luhn: from the right every second digit counts double.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, b)| {
            let digit = u32::from(b - b'0');
            let weighted = if at % 2 == 1 { digit * 2 } else { digit };
            if weighted > 9 { weighted - 9 } else { weighted }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The canonical form of the identifier `attribute` (`siren`, `siret`, `vat`, `iban`, `bic`,
/// `customer_code`, `account_code`...).
///
/// A zero that a spreadsheet dropped from the start is put back only where the check digit proves it.
pub fn normalize(attribute: &str, text: &str) -> Result<String, Invalid> {
    let cleaned = text::clean(text);
    match attribute {
        "siren" => siren(&cleaned),
        "siret" => siret(&cleaned),
        "vat" => vat(&compact(&cleaned)),
        "iban" => iban(&compact(&cleaned)),
        "bic" => bic(&compact(&cleaned)),
        "naf" => naf(&compact(&cleaned)),
        _ => Ok(code(&cleaned)),
    }
}

/// Letters and digits in capitals, without anything between them.
fn compact(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// A code of a customer file: capitals, no blanks; zeros at its start are part of it.
fn code(text: &str) -> String {
    let joined: String = text.split(' ').collect::<String>().to_uppercase();
    // What a typed number may leave behind.
    match joined.strip_suffix(".0").or_else(|| joined.strip_suffix(",0")) {
        Some(whole) if !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit()) => {
            whole.to_owned()
        }
        _ => joined,
    }
}

/// The digits of a number cell; an error when a spreadsheet wrote it in powers of ten and lost some.
fn digits_of(text: &str, count: usize) -> Result<String, Invalid> {
    let upper = text.to_uppercase().replace(',', ".");
    if let Some((mantissa, exponent)) =
        upper.split_once('E').filter(|(m, _)| m.starts_with(|c: char| c.is_ascii_digit()))
    {
        let decimals = mantissa.split_once('.').map_or("", |(_, decimals)| decimals);
        let exponent: Option<usize> = exponent.trim_start_matches('+').parse().ok();
        if let Some(exponent) = exponent {
            let mut digits = mantissa.replace('.', "");
            if !digits.bytes().all(|b| b.is_ascii_digit())
                || decimals.len() < exponent
                || exponent + 1 > count
            {
                return Err(Invalid::new(
                    "lost_digits",
                    "a spreadsheet wrote it in powers of ten and its last digits are lost",
                    "export the column again, formatted as text",
                ));
            }
            digits.truncate(exponent + 1);
            return Ok(digits);
        }
    }
    let whole = text.strip_suffix(".0").unwrap_or(text);
    Ok(whole.chars().filter(char::is_ascii_digit).collect())
}

fn siren(text: &str) -> Result<String, Invalid> {
    let digits = digits_of(text, 9)?;
    let padded = format!("0{digits}");
    let found = match digits.len() {
        9 => is_siren(&digits).then_some(digits),
        8 => is_siren(&padded).then_some(padded),
        13 => is_siret(&padded).then(|| padded[..9].to_owned()),
        14 => is_siret(&digits).then(|| digits[..9].to_owned()),
        11 => (siren_of(&format!("FR{digits}")).is_some() && french_key_fits(&digits))
            .then(|| digits[2..].to_owned()),
        _ => {
            return Err(Invalid::new(
                "bad_siren",
                "a SIREN has nine digits",
                "look it up in the Sirene register",
            ));
        }
    };
    found.ok_or_else(|| {
        Invalid::new("bad_siren", "its check digit is wrong", "look it up in the Sirene register")
    })
}

fn siret(text: &str) -> Result<String, Invalid> {
    let digits = digits_of(text, 14)?;
    let padded = format!("0{digits}");
    let found = match digits.len() {
        14 => is_siret(&digits).then_some(digits),
        13 => is_siret(&padded).then_some(padded),
        9 if is_siren(&digits) => {
            return Err(Invalid::new(
                "siren_only",
                "it is a SIREN, without the number of the establishment",
                "",
            ));
        }
        _ => {
            return Err(Invalid::new(
                "bad_siret",
                "a SIRET has fourteen digits",
                "look it up in the Sirene register",
            ));
        }
    };
    found.ok_or_else(|| {
        Invalid::new("bad_siret", "its check digit is wrong", "look it up in the Sirene register")
    })
}

/// The seller's SIREN that the name of a FEC file gives: `<SIREN or SIRET>FEC<closing date>`, whatever
/// stands around it.
pub fn seller_siren(file: &str) -> Option<String> {
    fec_name(file).map(|(siren, _)| siren)
}

/// The seller's SIREN and the eight digits of the closing date in the name of a FEC file.
pub fn fec_name(file: &str) -> Option<(String, String)> {
    let name = file.rsplit(['/', '\\']).next()?.to_ascii_uppercase();
    name.match_indices("FEC").find_map(|(at, _)| {
        let digits = name.as_bytes()[..at].iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let start = match digits {
            9 | 14 => at - digits,
            _ => return None,
        };
        let closing =
            name.get(at + 3..at + 11).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
        Some((name[start..start + 9].to_owned(), closing.to_owned()))
    })
}

/// The SIREN within a SIRET or a French VAT number.
pub fn siren_of(siret_or_vat: &str) -> Option<&str> {
    let siren =
        siret_or_vat.strip_prefix("FR").map_or_else(|| siret_or_vat.get(..9), |v| v.get(2..11))?;
    is_siren(siren).then_some(siren)
}

/// Whether the two digits before the SIREN of a French VAT number are its key.
fn french_key_fits(key_and_siren: &str) -> bool {
    let (key, siren) = key_and_siren.split_at(2);
    let (Ok(key), Ok(siren)) = (key.parse::<u64>(), siren.parse::<u64>()) else {
        // Newer keys hold letters; they have no public rule of thumb, so the SIREN alone decides.
        return key.bytes().all(|b| b.is_ascii_alphanumeric());
    };
    (12 + 3 * (siren % 97)) % 97 == key
}

fn vat(compact: &str) -> Result<String, Invalid> {
    let invalid =
        |message: &str| Invalid::new("bad_vat", message, "check it with the VIES service");
    let bare =
        compact.strip_prefix("TVA").or_else(|| compact.strip_prefix("VAT")).unwrap_or(compact);
    // Without its country, a French number is one when both of its keys say so.
    if is_digits(bare, 11) && french_key_fits(bare) && is_siren(&bare[2..]) {
        return Ok(format!("FR{bare}"));
    }
    if bare.len() < 4 || !bare.is_ascii() {
        return Err(invalid("it is too short"));
    }
    let (country, rest) = bare.split_at(2);
    let digits = |count: usize| is_digits(rest, count);
    let fits = match country {
        "FR" => rest.len() == 11 && is_siren(&rest[2..]) && french_key_fits(rest),
        "BE" if digits(9) => return vat(&format!("BE0{rest}")),
        "BE" => digits(10) && 97 - number(&rest[..8]) % 97 == number(&rest[8..]),
        "LU" => digits(8) && number(&rest[..6]) % 89 == number(&rest[6..]),
        "DE" => digits(9) && iso_7064_mod_11_10(rest),
        "IT" => digits(11) && luhn(rest),
        "PT" => digits(9) && portuguese(rest),
        "PL" => {
            digits(10) && weighted(rest, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == number(&rest[9..])
        }
        "ES" => rest.len() == 9 && rest[1..8].bytes().all(|b| b.is_ascii_digit()),
        "NL" => {
            rest.len() == 12
                && is_digits(&rest[..9], 9)
                && &rest[9..10] == "B"
                && is_digits(&rest[10..], 2)
        }
        "AT" => rest.len() == 9 && rest.starts_with('U') && is_digits(&rest[1..], 8),
        "GB" | "XI" => {
            digits(9)
                || digits(12)
                || rest.len() == 5 && (rest.starts_with("GD") || rest.starts_with("HA"))
        }
        "CH" => {
            rest.starts_with('E')
                && rest.len() >= 10
                && is_digits(&rest[1..10], 9)
                && matches!(&rest[10..], "" | "MWST" | "TVA" | "IVA")
        }
        "IE" => (8..=9).contains(&rest.len()) && is_digits(&rest[..1], 1),
        "BG" => digits(9) || digits(10),
        "CZ" => (8..=10).contains(&rest.len()) && digits(rest.len()),
        "RO" => (2..=10).contains(&rest.len()) && digits(rest.len()),
        "SE" => digits(12),
        "EL" | "EE" | "LT" if digits(9) => true,
        "LT" => digits(12),
        "HR" | "LV" => digits(11),
        "DK" | "FI" | "HU" | "MT" | "SI" => digits(8),
        "SK" => digits(10),
        "CY" => rest.len() == 9 && is_digits(&rest[..8], 8),
        "MC" => return Err(invalid("Monaco's numbers start with FR")),
        _ => return Err(invalid("it does not start with the code of a country that has one")),
    };
    if fits {
        Ok(bare.to_owned())
    } else {
        Err(invalid("it is not a number of its country: a digit is wrong"))
    }
}

fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or(u64::MAX)
}

fn weighted(digits: &str, weights: &[u64]) -> u64 {
    digits.bytes().zip(weights).map(|(b, weight)| u64::from(b - b'0') * weight).sum()
}

fn portuguese(digits: &str) -> bool {
    let rest = 11 - weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    number(&digits[8..]) == if rest > 9 { 0 } else { rest }
}

fn iso_7064_mod_11_10(digits: &str) -> bool {
    let mut product = 10;
    for b in digits.bytes().take(digits.len() - 1) {
        let mut sum = (u64::from(b - b'0') + product) % 10;
        if sum == 0 {
            sum = 10;
        }
        product = 2 * sum % 11;
    }
    (11 - product) % 10 == number(&digits[digits.len() - 1..])
}

fn iban(compact: &str) -> Result<String, Invalid> {
    let bare = compact.strip_prefix("IBAN").unwrap_or(compact);
    match bare.parse::<iban::Iban>() {
        Ok(_) => Ok(bare.to_owned()),
        Err(_) => Err(Invalid::new(
            "bad_iban",
            "its check digits or its length are wrong",
            "ask the customer for it again",
        )),
    }
}

fn bic(compact: &str) -> Result<String, Invalid> {
    let fits = matches!(compact.len(), 8 | 11)
        && compact.is_ascii()
        && compact[..6].bytes().all(|b| b.is_ascii_uppercase());
    if !fits {
        return Err(Invalid::new("bad_bic", "a BIC has eight or eleven letters and digits", ""));
    }
    // `XXX` is the head office, as when nothing is written.
    Ok(if compact.len() == 11 { compact.strip_suffix("XXX").unwrap_or(compact) } else { compact }
        .to_owned())
}

fn naf(compact: &str) -> Result<String, Invalid> {
    let bytes = compact.as_bytes();
    let shaped = |count: usize| {
        compact.len() > count
            && bytes[..count].iter().all(u8::is_ascii_digit)
            && bytes[count].is_ascii_uppercase()
            // A label may follow: `6920Z Activités comptables`.
            && (compact.len() == count + 1 || bytes[count + 1].is_ascii_uppercase() || !bytes[count + 1].is_ascii())
    };
    // Since 2008 four digits and a letter, before that three; a lost zero comes first.
    if shaped(4) {
        Ok(compact[..5].to_owned())
    } else if shaped(3) {
        Ok(compact[..4].to_owned())
    } else {
        Err(Invalid::new("bad_naf", "a NAF code has four digits and a letter", ""))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(attribute: &str, text: &str) -> String {
        normalize(attribute, text).unwrap_or_else(|bad| format!("!{}", bad.code))
    }

    #[test]
    fn a_siren_is_proved_by_its_check_digit() {
        assert!(is_siren("732829320") && is_siren("552100554") && is_siren("356000000"));
        assert!(
            !is_siren("732829321")
                && !is_siren("000000000")
                && !is_siren("123456789")
                && !is_siren("12345678")
        );
        assert_eq!(read("siren", "732 829 320"), "732829320");
        assert_eq!(read("siren", "RCS Paris B 732 829 320"), "732829320");
        assert_eq!(read("siren", "73282932000074"), "732829320");
        assert_eq!(read("siren", "732829321"), "!bad_siren");
    }

    #[test]
    fn a_siret_is_proved_by_its_check_digits() {
        assert_eq!(read("siret", "732 829 320 00074"), "73282932000074");
        assert_eq!(read("siret", "73282932000075"), "!bad_siret");
        assert_eq!(read("siret", "732829320"), "!siren_only");
        // La Poste: head office by the rule, others by the sum of digits.
        assert!(
            is_siret("35600000000048") && is_siret("35600000049837") && !is_siret("35600000049838")
        );
    }

    #[test]
    fn a_lost_zero_comes_back_only_where_it_is_proved() {
        assert_eq!(read("siren", "05550123"), "!bad_siren");
        assert_eq!(read("siren", "5520135"), "!bad_siren");
        let siren = (0..10)
            .map(|d| format!("05520135{d}"))
            .find(|s| is_siren(s))
            .expect("one of ten is right");
        assert_eq!(read("siren", &siren[1..]), siren);
    }

    #[test]
    fn digits_lost_to_powers_of_ten_are_not_invented() {
        assert_eq!(read("siret", "1,33218E+13"), "!lost_digits");
        assert_eq!(read("siret", "7.3282932000074E13"), "73282932000074");
    }

    #[test]
    fn vat_numbers_follow_their_country() {
        for vat in [
            "FR44732829320",
            "DE136695976",
            "BE0428759497",
            "IT00743110157",
            "LU15027442",
            "NL004495445B01",
            "PT501964843",
            "ATU13585627",
            "PL8567346215",
        ] {
            assert_eq!(read("vat", vat), vat);
        }
        assert_eq!(read("vat", "FR 44 732 829 320"), "FR44732829320");
        assert_eq!(read("vat", "44732829320"), "FR44732829320");
        assert_eq!(read("vat", "BE 428.759.497"), "BE0428759497");
        for bad in ["FR45732829320", "DE136695977", "BE0428759498", "XX123", "FR"] {
            assert_eq!(read("vat", bad), "!bad_vat", "{bad}");
        }
    }

    #[test]
    fn bank_and_activity_codes_are_read() {
        assert_eq!(
            read("iban", "FR14 2004 1010 0505 0001 3M02 606"),
            "FR1420041010050500013M02606"
        );
        assert_eq!(read("iban", "FR15 2004 1010 0505 0001 3M02 606"), "!bad_iban");
        assert_eq!(read("bic", "psstfrppXXX"), "PSSTFRPP");
        assert_eq!(read("bic", "PSST"), "!bad_bic");
        assert_eq!(read("naf", "69.20Z"), "6920Z");
        assert_eq!(read("naf", "741A"), "741A");
        assert_eq!(read("naf", "activités"), "!bad_naf");
    }

    #[test]
    fn codes_keep_their_zeros() {
        assert_eq!(read("customer_code", " c 00012 "), "C00012");
        assert_eq!(read("account_code", "41100012.0"), "41100012");
        assert_eq!(read("customer_code", "0012"), "0012");
    }

    #[test]
    fn the_siren_is_found_in_longer_numbers() {
        assert_eq!(siren_of("73282932000074"), Some("732829320"));
        assert_eq!(siren_of("FR44732829320"), Some("732829320"));
        assert_eq!(siren_of("DE136695976"), None);
    }

    proptest! {
        #[test]
        fn an_identifier_normalized_twice_is_the_same(
            attribute in "siren|siret|vat|iban|bic|naf|customer_code",
            text in "[0-9]{8,14}|FR ?[0-9]{11}|(BE|DE|IT|LU)[0-9]{8,11}|[A-Za-z0-9 .,-]{0,14}|[0-9]{4}[A-Z]",
        ) {
            if let Ok(once) = normalize(&attribute, &text) {
                prop_assert_eq!(normalize(&attribute, &once), Ok(once));
            }
        }
    }
}
