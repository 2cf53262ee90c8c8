//! Identifiers with check digits: SIREN, SIRET, VAT, IBAN; codes that are only compared.

use std::cmp::Ordering;

use super::{Invalid, Issue, text, vat};

/// Whether the text stands for "no value" as the identifier `attribute`: one digit repeated, or what forms
/// show as an example. Some of these pass the check digit.
pub fn is_placeholder(attribute: &str, text: &str) -> bool {
    let digits: String = match attribute {
        "siren" | "siret" | "vat" => text.chars().filter(char::is_ascii_digit).collect(),
        _ => return false,
    };
    let repeated = digits.len() >= 8 && is_one_digit(&digits);
    repeated || text::is_example_identifier(&digits)
}

/// Whether nine digits are a SIREN: check digit right, no placeholder.
pub fn is_siren(digits: &str) -> bool {
    is_digits(digits, 9) && luhn(digits) && !is_one_digit(digits)
}

/// Whether fourteen digits are a SIRET: those of its SIREN and of the whole are right.
///
/// La Poste has more establishments than the rule allows: but for its head office, theirs have a sum of digits
/// divisible by 5.
pub fn is_siret(digits: &str) -> bool {
    if !is_digits(digits, 14) || !is_siren(&digits[..9]) {
        return false;
    }
    if digits.starts_with("356000000") && digits != "35600000000048" {
        let sum: u32 = digits.bytes().map(|b| u32::from(b - b'0')).sum();
        return sum.is_multiple_of(5);
    }
    luhn(digits)
}

pub(super) fn is_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_one_digit(digits: &str) -> bool {
    digits.bytes().all(|b| b == digits.as_bytes()[0])
}

/// Whether the last digit is right by the rule of Luhn: from the right every second digit counts double.
pub(super) fn luhn(digits: &str) -> bool {
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
        "lei" => lei(&compact(&cleaned)),
        "eori" => eori(&compact(&cleaned)),
        "rna" => rna(&compact(&cleaned)),
        _ => Ok(code(&cleaned)),
    }
}

/// What a steward should know of a number that was read: what the check digit had to prove.
pub fn issues(attribute: &str, text: &str, code: &str) -> Vec<Issue> {
    if !matches!(attribute, "siren" | "siret") {
        return Vec::new();
    }
    let written = text.bytes().filter(u8::is_ascii_digit).count();
    if scientific(text.trim()).is_some() {
        let message = "a spreadsheet wrote it in powers of ten; its check digit proves the digits";
        return vec![Issue::known("digits_restored", message)];
    }
    match written.cmp(&code.len()) {
        Ordering::Less => {
            vec![Issue::known("zero_restored", "the zero at its start was lost")]
        }
        Ordering::Greater if attribute == "siren" => {
            vec![Issue::known("siren_within", "the SIREN within a longer number was taken")]
        }
        _ => Vec::new(),
    }
}

/// The fast path: whether the text surely is its own canonical form, and no placeholder of the attribute's.
pub(crate) fn is_plain(attribute: &str, text: &str) -> bool {
    match attribute {
        "siren" => is_siren(text) && !text::is_example_identifier(text),
        "siret" => is_siret(text) && !text::is_example_identifier(text),
        "vat" | "iban" | "bic" | "naf" | "lei" | "eori" | "rna" => false,
        _ => text.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'/')),
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
///
/// A program leaves out only zeros at the end; a spreadsheet shows six digits and forgets the others. So zeros
/// are put back where more digits are written than a spreadsheet shows and `is_proved` says that they fit.
fn digits_of(text: &str, is_proved: fn(&str) -> bool) -> Result<String, Invalid> {
    const DIGITS_SHOWN: usize = 6;
    const MOST_DIGITS: usize = 14;
    if let Some((mantissa, exponent)) = scientific(text) {
        let whole: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let padded = format!("{whole:0<width$}", width = exponent + 1);
        let exact = whole.len() > exponent;
        let (kept, decimals) = padded.split_at(exponent + 1);
        let fits = exponent < MOST_DIGITS && decimals.bytes().all(|b| b == b'0');
        if fits && (exact || whole.len() > DIGITS_SHOWN && is_proved(kept)) {
            return Ok(kept.to_owned());
        }
        return Err(Invalid::new(
            "lost_digits",
            "a spreadsheet wrote it in powers of ten and its last digits are lost",
            "export the column again, formatted as text",
        ));
    }
    let whole = text.strip_suffix(".0").unwrap_or(text);
    Ok(whole.chars().filter(char::is_ascii_digit).collect())
}

/// The mantissa and the exponent of `1,33218E+13`.
pub(super) fn scientific(text: &str) -> Option<(&str, usize)> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let exponent: usize = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, decimals) = mantissa.split_once([',', '.']).unwrap_or((mantissa, ""));
    let fits = whole.len() == 1
        && whole.bytes().chain(decimals.bytes()).all(|b| b.is_ascii_digit())
        && (4..=20).contains(&exponent);
    fits.then_some((mantissa, exponent))
}

/// Whether eleven digits are those of a French VAT number: a key and the SIREN that it fits.
fn is_french_vat(digits: &str) -> bool {
    is_digits(digits, 11) && vat::french_key_fits(digits) && is_siren(&digits[2..])
}

fn siren(text: &str) -> Result<String, Invalid> {
    let digits = digits_of(text, |digits| is_siren(digits) || is_siret(digits))?;
    let padded = format!("0{digits}");
    let found = match digits.len() {
        9 => is_siren(&digits).then_some(digits),
        8 => is_siren(&padded).then_some(padded),
        13 => is_siret(&padded).then(|| padded[..9].to_owned()),
        14 => is_siret(&digits).then(|| digits[..9].to_owned()),
        11 => is_french_vat(&digits).then(|| digits[2..].to_owned()),
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
    let digits = digits_of(text, is_siret)?;
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
        11 if is_french_vat(&digits) => {
            return Err(Invalid::new(
                "vat_only",
                "it is a VAT number, without the establishment",
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
///
/// Nine digits that start with `000` are of Monaco, whose companies have no SIREN.
pub fn siren_of(siret_or_vat: &str) -> Option<&str> {
    let siren =
        siret_or_vat.strip_prefix("FR").map_or_else(|| siret_or_vat.get(..9), |v| v.get(2..11))?;
    (is_siren(siren) && !siren.starts_with("000")).then_some(siren)
}

fn vat(compact: &str) -> Result<String, Invalid> {
    let invalid =
        |message: &str| Invalid::new("bad_vat", message, "check it with the VIES service");
    let bare = ["TVA", "VAT", "UST", "IVA", "BTW", "NIF", "CIF"]
        .iter()
        .find_map(|word| compact.strip_prefix(word))
        .unwrap_or(compact);
    // Without its country, a French number is one when both of its keys say so.
    if is_french_vat(bare) {
        return Ok(format!("FR{bare}"));
    }
    let siren = bare.strip_prefix("FR").unwrap_or(bare);
    if is_siren(siren) {
        return Err(Invalid::new("siren_only", "it is a SIREN, without the key before it", ""));
    }
    if bare.len() < 4 || !bare.is_ascii() {
        return Err(invalid("it is too short"));
    }
    // Greeks write the country's own code too; Swiss ones start with the register's.
    let (country, rest) = match &bare[..2] {
        "GR" => ("EL", &bare[2..]),
        "CH" if bare.starts_with("CHE") => ("CHE", &bare[3..]),
        country => (country, &bare[2..]),
    };
    if let Some(rest) = vat::canonical(country, rest) {
        return Ok(format!("{country}{rest}"));
    }
    Err(invalid(match country {
        "MC" => "Monaco's numbers start with FR",
        _ if country.bytes().all(|b| b.is_ascii_uppercase()) => {
            "it is not a number of its country: a digit is wrong"
        }
        _ => "it does not start with the code of a country that has one",
    }))
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

/// The identifier of a legal entity on financial markets (ISO 17442): eighteen characters and two check digits.
fn lei(compact: &str) -> Result<String, Invalid> {
    let fits = compact.len() == 20
        && compact.is_ascii()
        && is_digits(&compact[18..], 2)
        && vat::mod_97(compact) == Some(1);
    if fits {
        Ok(compact.to_owned())
    } else {
        Err(Invalid::new(
            "bad_lei",
            "its check digits or its length are wrong",
            "look it up in the GLEIF register",
        ))
    }
}

/// The number of a trader at the customs of the Union: a country and up to fifteen characters; the French
/// one is the SIRET.
fn eori(compact: &str) -> Result<String, Invalid> {
    let shaped = (4..=17).contains(&compact.len())
        && compact.is_ascii()
        && compact[..2].bytes().all(|b| b.is_ascii_uppercase());
    let fits = match compact.strip_prefix("FR") {
        Some(siret) if shaped => is_siret(siret),
        _ => shaped,
    };
    if fits {
        Ok(compact.to_owned())
    } else {
        Err(Invalid::new(
            "bad_eori",
            "it has no country, or its country numbers differently",
            "check it with the EORI service",
        ))
    }
}

/// The number of an association: `W`, three characters of its prefecture, six digits.
fn rna(compact: &str) -> Result<String, Invalid> {
    let bytes = compact.as_bytes();
    let fits = bytes.len() == 10
        && bytes[0] == b'W'
        && bytes[1].is_ascii_digit()
        && bytes[2].is_ascii_alphanumeric()
        && bytes[3..].iter().all(u8::is_ascii_digit);
    if fits {
        Ok(compact.to_owned())
    } else {
        Err(Invalid::new(
            "bad_rna",
            "the number of an association has a W and nine digits",
            "look it up in the register of associations",
        ))
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
        fn a_plain_identifier_is_its_own_canonical_form(
            attribute in "siren|siret|vat|iban|bic|naf|lei|eori|rna|customer_code|x\\.code\\.a",
            text in "[0-9]{9}|[0-9]{14}|732829320|73282932000074|12345678200010|[A-Z0-9/_-]{1,14}|[A-Za-z0-9 .,]{1,9}",
        ) {
            if is_plain(&attribute, &text) {
                prop_assert!(!is_placeholder(&attribute, &text));
                prop_assert_eq!(normalize(&attribute, &text), Ok(text));
            }
        }

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
