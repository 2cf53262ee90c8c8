//! Phone numbers.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType, Region};

use super::{Invalid, Issue, identifier, text};

/// What a number is for, as far as its plan tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Line {
    Fixed,
    Mobile,
    Unknown,
}

/// The fewest digits that a number has; fewer are an extension, or the other end of `.. 12 34/35`.
const FEWEST_DIGITS: usize = 6;

/// The most digits of an international number (E.164).
const MOST_DIGITS: usize = 15;

/// What people write before an extension, folded; `#` is one too.
const EXTENSION_WORDS: [&str; 10] =
    ["poste", "post", "pos", "po", "p", "ext", "extension", "x", "anschluss", "durchwahl"];

/// The numbers of one cell in E.164, extension as `;ext=12`; `country` is the ISO 3166 code for
/// numbers written without one.
///
/// A French number that lost its leading zero gets it back. Numbers are separated by words, line
/// breaks, `/`, ` - `, `;` or `,`. A French number counts as valid when it has the right length: its
/// plan is opened further every few years.
pub fn normalize(cell: &str, country: &str) -> Vec<Result<(String, Line), Invalid>> {
    let cleaned = text::clean(cell);
    if cleaned.is_empty() {
        return Vec::new();
    }
    if country == "FR"
        && let Some(national) = national_digits(&cleaned)
    {
        let national = std::str::from_utf8(&national).expect("digits are ASCII");
        return vec![Ok(french(national))];
    }
    if let Some((mantissa, exponent)) = identifier::scientific(&cleaned) {
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        if digits.len() != exponent + 1 {
            return vec![Err(Invalid::new(
                "lost_digits",
                "a spreadsheet wrote it in powers of ten and its last digits are lost",
                "export the column again, formatted as text",
            ))];
        }
        return normalize(&digits, country);
    }
    if cleaned.contains('@') {
        return vec![Err(bad("it is an email address", "move it to the email column"))];
    }
    let mut numbers: Vec<Result<(String, Line), Invalid>> = Vec::new();
    for written in split(cell) {
        match parse(&written.number, country) {
            Ok((number, line)) => {
                let number = match written.extension.as_str() {
                    "" => number,
                    extension => format!("{number};ext={extension}"),
                };
                if !numbers.iter().flatten().any(|(known, _)| *known == number) {
                    numbers.push(Ok((number, line)));
                }
            }
            Err(invalid) => {
                if !numbers.contains(&Err(invalid.clone())) {
                    numbers.push(Err(invalid));
                }
            }
        }
    }
    if numbers.is_empty() {
        numbers.push(Err(bad("there is no number in it", "")));
    }
    numbers
}

/// The number without its extension.
pub fn without_extension(number: &str) -> &str {
    number.split(';').next().unwrap_or(number)
}

fn bad(message: &str, suggestion: &str) -> Invalid {
    Invalid::new("bad_phone", message, suggestion)
}

/// A number of metropolitan France in E.164, from a cell that holds nothing else and is plainly written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct French([u8; 12]);

impl French {
    /// The fast path: nine in ten of the numbers of a French file are written so. What it gives is all that
    /// [`normalize`] gives for the cell in France; none where the number may be of an overseas department.
    pub fn plainly(cell: &str) -> Option<French> {
        let national = national_digits(cell)?;
        if !overseas(&national).is_empty() {
            return None;
        }
        let mut number = *b"+33.........";
        number[3..].copy_from_slice(&national);
        Some(French(number))
    }

    /// As `+33612345678`.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are ASCII")
    }

    /// What it is for.
    pub fn line(&self) -> Line {
        french_line(self.0[3])
    }
}

/// The nine digits after the zero of a French number that is written with digits, blanks, points and hyphens.
fn national_digits(cell: &str) -> Option<[u8; 9]> {
    let mut digits = [0u8; 13];
    let mut len = 0;
    for (at, byte) in cell.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                *digits.get_mut(len)? = byte;
                len += 1;
            }
            b'+' if at == 0 => {}
            b' ' | b'.' | b'-' => {}
            _ => return None,
        }
    }
    let with_plus = cell.starts_with('+');
    let national = match &digits[..len] {
        [b'0', b'0', b'3', b'3', rest @ ..] if rest.len() == 9 && !with_plus => rest,
        [b'3', b'3', rest @ ..] if rest.len() == 9 && with_plus => rest,
        [b'0', rest @ ..] if !with_plus => rest,
        _ => return None,
    };
    <[u8; 9]>::try_from(national).ok().filter(|national| national[0] != b'0')
}

/// A French number from its nine national digits.
///
/// Those of the overseas departments are dialled like the others, but have country codes of their own: one number
/// has one form, whether its zero or the code of France is written before it.
fn french(national: &str) -> (String, Line) {
    let number = overseas_number(national).unwrap_or_else(|| format!("+33{national}"));
    (number, french_line(national.as_bytes()[0]))
}

/// The number of an overseas department that nine digits are of, if metropolitan France has no such number.
fn overseas_number(national: &str) -> Option<String> {
    let code = overseas(national.as_bytes());
    let exists = |number: &str| international(number, None).is_ok();
    let number = format!("+{code}{national}");
    let is_overseas = !code.is_empty() && !exists(&format!("+33{national}")) && exists(&number);
    is_overseas.then_some(number)
}

/// The ISO code of the country whose code a cell's number begins with; none where it has no country code, or
/// is no number.
pub fn dialled_country(cell: &str) -> Option<String> {
    // Nobody dials within this plan: what is read all the same has a country code.
    const NOWHERE: &str = "ZZ";
    let number = normalize(cell, NOWHERE).into_iter().next()?.ok()?.0;
    let number: PhoneNumber = PHONE_NUMBER_UTIL.parse(without_extension(&number), None).ok()?;
    number.get_region_code().map(|region| region.to_string())
}

/// Whether a cell is one number of a mobile as it stands: with a country code, or as the French dial it.
pub fn is_mobile(cell: &str) -> bool {
    let is_french = |national: &[u8; 9]| matches!(national[0], b'6' | b'7');
    let cell = cell.trim();
    if let Some(national) = national_digits(cell) {
        return is_french(&national);
    }
    let digits: String = cell.chars().filter(char::is_ascii_digit).collect();
    let numbers = match (cell.starts_with('+') || digits.starts_with("00"), digits.as_bytes()) {
        (true, _) => normalize(cell, "ZZ"),
        // The zero was lost, or the number stands among other marks.
        (false, [b'6' | b'7', ..] | [b'0', b'6' | b'7', ..]) => normalize(cell, "FR"),
        _ => return false,
    };
    matches!(numbers[..], [Ok((_, Line::Mobile))])
}

/// The numbers of a cell that holds mobiles beside others, as written: the others, then the mobiles. None where it
/// holds one number, or numbers of one sort.
pub fn apart(cell: &str) -> Option<[String; 2]> {
    if digits_in(cell) < 2 * FEWEST_DIGITS {
        return None;
    }
    let (mobiles, others): (Vec<_>, Vec<_>) =
        split(cell).into_iter().partition(|written| is_mobile(&written.number));
    let joined = |numbers: &[Written]| {
        let whole = |w: &Written| match w.extension.as_str() {
            "" => w.number.trim().to_owned(),
            extension => format!("{} ext {extension}", w.number.trim()),
        };
        numbers.iter().map(whole).collect::<Vec<_>>().join(" / ")
    };
    (!mobiles.is_empty() && !others.is_empty()).then(|| [joined(&others), joined(&mobiles)])
}

/// Whether a cell without a country code holds numbers of the country rather than of the `other`, which may be
/// unknown: only the French write five pairs of digits, and what exists in one plan alone is of that.
pub fn is_national(cell: &str, country: &str, other: &str) -> bool {
    let pairs: Vec<&str> = cell.trim().split([' ', '.', '-', '/', '\u{a0}', '\u{202f}']).collect();
    let is_pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_digit());
    if pairs.len() == 5 && pairs.iter().all(is_pair) && pairs[0].starts_with('0') {
        return country == "FR";
    }
    let numbers = split(cell);
    let exist = |region: Region| {
        let exists = |number: &Written| international(&number.number, Some(region)).is_ok();
        !numbers.is_empty() && numbers.iter().all(exists)
    };
    match (Region::from_code(country), Region::from_code(other)) {
        (Ok(country), Ok(other)) => exist(country) && !exist(other),
        _ => false,
    }
}

/// The country code of the overseas department that national digits may be of, or nothing.
fn overseas(national: &[u8]) -> &'static str {
    match &national[..3] {
        b"262" | b"263" | b"269" | b"639" | b"692" | b"693" => "262",
        b"590" | b"690" | b"691" => "590",
        b"594" | b"694" => "594",
        b"596" | b"696" | b"697" => "596",
        _ => "",
    }
}

/// What a number is for by the first digit after its zero.
fn french_line(digit: u8) -> Line {
    match digit {
        b'6' | b'7' => Line::Mobile,
        b'8' => Line::Unknown,
        _ => Line::Fixed,
    }
}

fn parse(written: &str, country: &str) -> Result<(String, Line), Invalid> {
    // `+33 (0)6`: the zero is dialled within the country only.
    let opened = written.replace("(0)", " ");
    let is_international = opened.trim_start_matches(['(', ' ']).starts_with('+');
    let mut digits: String = opened.chars().filter(char::is_ascii_digit).collect();
    let mut with_code = is_international;
    if !with_code && digits.starts_with("00") && !digits.starts_with("000") && digits.len() > 10 {
        digits.drain(..2);
        with_code = true;
    }
    if digits.len() > MOST_DIGITS {
        return Err(bad("it has too many digits", ""));
    }
    if country == "FR"
        && !with_code
        && digits.len() == 11
        && digits.starts_with("33")
        && !digits.starts_with("330")
    {
        with_code = true;
    }
    if with_code {
        if let Some(rest) = digits.strip_prefix("33") {
            let national = rest.strip_prefix('0').unwrap_or(rest);
            return if national.len() == 9 && !national.starts_with('0') {
                Ok(french(national))
            } else {
                Err(wrong_length(national.len()))
            };
        }
        return international(&format!("+{digits}"), None);
    }
    if country == "FR" {
        let national = digits.strip_prefix('0').unwrap_or(&digits);
        return if national.len() == 9 && !national.starts_with('0') {
            Ok(french(national))
        } else {
            Err(wrong_length(national.len()))
        };
    }
    let written = written.replace("(0)", "0");
    international(&written, Region::from_code(country).ok())
}

/// The codes of France and of its overseas departments, whose numbers have nine digits behind a zero.
const FRENCH_CODES: [&str; 5] = ["+33", "+262", "+590", "+594", "+596"];

/// What a steward should know of a number that was read from a cell: that the zero before it was lost, or that it has
/// the code of France before it and is of an overseas department.
pub fn issues(cell: &str, number: &str) -> Vec<Issue> {
    let digits = || cell.bytes().filter(u8::is_ascii_digit);
    let number = without_extension(number);
    let national = FRENCH_CODES.iter().find_map(|code| number.strip_prefix(code));
    let has_code_of_france = |national: &str| {
        let cell: String = digits().map(char::from).collect();
        ["33", "330"].iter().any(|code| cell.contains(&format!("{code}{national}")))
    };
    if !number.starts_with("+33") && national.is_some_and(has_code_of_france) {
        let message =
            "the code of France is written; its digits are those of an overseas department";
        return vec![Issue::likely("overseas_code", message)];
    }
    let is_lost = |national: &str| {
        !cell.contains('+') && digits().count() == 9 && digits().eq(national.bytes())
    };
    match national {
        Some(national) if is_lost(national) => {
            vec![Issue::likely("zero_restored", "the zero at its start was lost")]
        }
        _ => Vec::new(),
    }
}

fn wrong_length(national_digits: usize) -> Invalid {
    match national_digits {
        8 => bad("it has 8 digits, as numbers had before 1996", "ask for the number again"),
        0..=5 => bad("it is too short for a number one can call from anywhere", ""),
        _ => bad(
            "a French number has 10 digits",
            "count its digits; write `+` and the country code if it is not French",
        ),
    }
}

fn international(written: &str, region: Option<Region>) -> Result<(String, Line), Invalid> {
    let number: PhoneNumber = PHONE_NUMBER_UTIL
        .parse(written, region)
        .map_err(|_| bad("it is not written as a number of any country", ""))?;
    if !number.is_valid() {
        return Err(bad(
            "no such number exists in its country's plan",
            if region.is_none() { "" } else { "write `+` and the country code" },
        ));
    }
    let line = match number.get_type() {
        PhoneNumberType::Mobile => Line::Mobile,
        PhoneNumberType::FixedLine | PhoneNumberType::VoIP => Line::Fixed,
        _ => Line::Unknown,
    };
    Ok((number.format_as(PhoneNumberFormat::E164).into_owned(), line))
}

/// One number of a cell, as written.
#[derive(Debug, Clone, Default, PartialEq)]
struct Written {
    number: String,
    extension: String,
}

/// Cuts a cell into numbers with their extensions.
fn split(cell: &str) -> Vec<Written> {
    let mut numbers: Vec<Written> = Vec::new();
    let mut word = String::new();
    let mut run = String::new();
    for c in cell.chars().chain(['\n']) {
        let in_number = c.is_ascii_digit()
            || "+().-/ \t\u{a0}\u{202f}".contains(c)
            || c.is_whitespace() && c != '\n' && c != '\r';
        if in_number {
            run.push(if c.is_whitespace() { ' ' } else { c });
            continue;
        }
        if run.bytes().any(|b| b.is_ascii_digit()) {
            end_run(&mut numbers, &run, &word);
            word.clear();
        }
        run.clear();
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        } else if c == '#' {
            word = "ext".into();
        } else if !matches!(c, '=' | ':') {
            word.clear();
        }
    }
    numbers
}

/// Adds what a run of digits and marks says, `word` being what stands before it.
fn end_run(numbers: &mut Vec<Written>, run: &str, word: &str) {
    let count = digits_in(run);
    if EXTENSION_WORDS.contains(&text::fold(word).as_str())
        && count <= FEWEST_DIGITS
        && let Some(last) = numbers.last_mut()
    {
        last.extension = run.chars().filter(char::is_ascii_digit).collect();
        return;
    }
    if count <= MOST_DIGITS {
        // `03 20 11 22 33/34`: two lines that differ in their end.
        if let Some((head, tail)) = other_ending(run) {
            numbers.push(Written { number: head.to_owned(), ..Written::default() });
            let digits: String = head.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
            let stem = &digits[..digits.len() - tail.len()];
            numbers.push(Written { number: format!("{stem}{tail}"), ..Written::default() });
            return;
        }
        numbers.push(Written { number: run.to_owned(), ..Written::default() });
        return;
    }
    for separator in [" / ", "/", " - ", "  ", " +", " 0"] {
        let pieces: Vec<&str> = run.split(separator).filter(|p| digits_in(p) > 0).collect();
        let whole = |piece: &&str| (FEWEST_DIGITS..=MOST_DIGITS).contains(&digits_in(piece));
        if pieces.len() > 1 && pieces.iter().all(whole) {
            let lost = separator.trim();
            for (at, piece) in pieces.iter().enumerate() {
                let restored = if at > 0 && matches!(lost, "+" | "0") { lost } else { "" };
                numbers
                    .push(Written { number: format!("{restored}{piece}"), ..Written::default() });
            }
            return;
        }
    }
    let digits: String = run.chars().filter(char::is_ascii_digit).collect();
    if digits.len() == 20 && digits.starts_with('0') && &digits[10..11] == "0" {
        numbers.push(Written { number: digits[..10].to_owned(), ..Written::default() });
        numbers.push(Written { number: digits[10..].to_owned(), ..Written::default() });
        return;
    }
    numbers.push(Written { number: run.to_owned(), ..Written::default() });
}

fn other_ending(run: &str) -> Option<(&str, &str)> {
    let (head, tail) = run.trim().rsplit_once('/')?;
    let tail = tail.trim();
    let fits = tail.len() == 2 && digits_in(tail) == 2 && digits_in(head) >= 10;
    fits.then_some((head, tail))
}

fn digits_in(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod apart_tests {
    use super::apart;

    #[test]
    fn mobiles_are_told_apart_from_the_other_numbers_of_a_cell() {
        let told =
            |cell: &str| apart(cell).map(|[others, mobiles]| format!("{others} | {mobiles}"));
        let both = Some("01 40 50 60 70 | 06 12 34 56 78".to_owned());
        assert_eq!(told("01 40 50 60 70 / 06 12 34 56 78"), both);
        assert_eq!(told("06 12 34 56 78 ou 01 40 50 60 70"), both);
        for one_sort in
            ["01 40 50 60 70", "06 12 34 56 78", "01 40 50 60 70/71", "", "+33 (0)6 12 34 56 78"]
        {
            assert_eq!(told(one_sort), None, "{one_sort}");
        }
    }
}

#[cfg(test)]
mod country_tests {
    use super::dialled_country;

    #[test]
    fn only_a_country_code_tells_the_country() {
        let told = |cell: &str| dialled_country(cell).unwrap_or_default();
        assert_eq!(
            ["+32 2 513 89 40", "0033 2 40 11 12 13", "02 40 11 12 13", "n/a"].map(told),
            ["BE", "FR", "", ""]
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(cell: &str, country: &str) -> String {
        let shown = normalize(cell, country)
            .into_iter()
            .map(|r| r.map_or_else(|bad| format!("!{}", bad.code), |(number, _)| number));
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn all_ways_of_writing_a_french_number_are_one() {
        for cell in [
            "0612345678",
            "06 12 34 56 78",
            "06.12.34.56.78",
            "06-12-34-56-78",
            "06/12/34/56/78",
            "(06) 12 34 56 78",
            "+33612345678",
            "+33 6 12 34 56 78",
            "+33 (0)6 12 34 56 78",
            "+33(0)612345678",
            "0033612345678",
            "00 33 6 12 34 56 78",
            "612345678",
            "33612345678",
            "+330612345678",
            "Tél : 06 12 34 56 78",
            "06\u{a0}12\u{a0}34\u{a0}56\u{a0}78",
            "tel:+33612345678",
        ] {
            assert_eq!(read(cell, "FR"), "+33612345678", "{cell}");
        }
    }

    #[test]
    fn extensions_are_kept() {
        for cell in [
            "01 42 00 00 12 poste 34",
            "0142000012 ext. 34",
            "01 42 00 00 12 p. 34",
            "01 42 00 00 12 # 34",
            "0142000012x34",
        ] {
            assert_eq!(read(cell, "FR"), "+33142000012;ext=34", "{cell}");
        }
    }

    #[test]
    fn several_numbers_of_a_cell_are_read() {
        for cell in [
            "01 42 00 00 12 / 06 12 34 56 78",
            "01.42.00.00.12/06.12.34.56.78",
            "01 42 00 00 12 - 06 12 34 56 78",
            "0142000012 ou 0612345678",
            "01 42 00 00 12\n06 12 34 56 78",
            "01 42 00 00 12;06 12 34 56 78",
            "01 42 00 00 12 06 12 34 56 78",
            "01 42 00 00 12 (bureau) 06 12 34 56 78",
            "0142000012 +33612345678",
        ] {
            assert_eq!(read(cell, "FR"), "+33142000012 +33612345678", "{cell}");
        }
        assert_eq!(read("03 20 11 22 33/34", "FR"), "+33320112233 +33320112234");
    }

    #[test]
    fn what_nobody_can_call_is_said() {
        for cell in [
            "38 12 34 56",
            "3631",
            "06 12 34 56",
            "06 12 34 56 78 9",
            "+33 6 12",
            "jean@dupont.fr",
            "voir Marie",
            "+999 12345678",
        ] {
            assert_eq!(read(cell, "FR"), "!bad_phone", "{cell}");
        }
    }

    #[test]
    fn digits_lost_to_powers_of_ten_are_not_invented() {
        assert_eq!(read("6,12346E+08", "FR"), "!lost_digits");
        assert_eq!(read("3.3612345678E+10", "FR"), "+33612345678");
    }

    #[test]
    fn other_countries_and_departments_have_their_codes() {
        assert_eq!(read("+41 22 730 51 11", "FR"), "+41227305111");
        assert_eq!(read("0032 2 548 26 11", "FR"), "+3225482611");
        assert_eq!(read("020 7946 0018", "GB"), "+442079460018");
        assert_eq!(read("030 9018200", "DE"), "+49309018200");
        assert_eq!(read("0692 85 12 34", "FR"), "+262692851234");
        // One number has one form, and that another code was written is told.
        for cell in ["+33 692 85 12 34", "00 33 6 92 85 12 34"] {
            assert_eq!(read(cell, "FR"), "+262692851234");
            assert_eq!(issues(cell, "+262692851234")[0].code, "overseas_code");
        }
        assert_eq!(issues("+33 (0)692 85 12 34 poste 3", "+262692851234;ext=3").len(), 1);
        assert!(issues("0692 85 12 34", "+262692851234").is_empty());
        assert!(issues("+33 1 42 68 53 00 / +44 20 7946 0018", "+442079460018").is_empty());
    }

    #[test]
    fn a_mobile_is_told_without_its_country() {
        for cell in [
            "06 12 34 56 78",
            "+33 6 12 34 56 78",
            "07.91.65.76.57",
            "612345678",
            "+44 7911 123456",
        ] {
            assert!(is_mobile(cell), "{cell}");
        }
        for cell in
            ["01 42 00 00 12", "+32 2 513 89 40", "06 12 34 56 78 / 01 42 00 00 12", "n/a", ""]
        {
            assert!(!is_mobile(cell), "{cell}");
        }
    }

    #[test]
    fn the_line_is_told() {
        let line = |cell: &str| normalize(cell, "FR").remove(0).expect("a number").1;
        assert_eq!(line("0612345678"), Line::Mobile);
        assert_eq!(line("0142000012"), Line::Fixed);
        assert_eq!(line("0800123456"), Line::Unknown);
        assert_eq!(line("+49 1512 3456789"), Line::Mobile);
    }

    proptest! {
        #[test]
        fn a_number_normalized_twice_is_the_same(cell in "[0-9+() ./-]{0,26}(poste [0-9]{1,4})?|0[1-9][0-9]{8}|\\+[1-9][0-9]{8,12}") {
            for (number, line) in normalize(&cell, "FR").into_iter().flatten() {
                prop_assert_eq!(normalize(&number, "FR"), vec![Ok((number, line))]);
            }
        }

        #[test]
        fn a_plain_french_number_is_what_the_long_way_gives(
            cell in "(\\+33|0033|0|)[ .-]?[0-9]([ .-]?[0-9]){7,9}|[0-9+ .-]{0,16}"
        ) {
            if let Some(number) = French::plainly(&cell) {
                let read: Vec<_> = split(&cell).iter().map(|w| parse(&w.number, "FR")).collect();
                prop_assert_eq!(read, vec![Ok((number.as_str().to_owned(), number.line()))]);
                let given = vec![Ok((number.as_str().to_owned(), number.line()))];
                prop_assert_eq!(normalize(&cell, "FR"), given);
            }
        }

        #[test]
        fn where_the_french_plan_knows_a_number_the_fast_path_agrees(national in "[1-9][0-9]{8}") {
            let (fast, line) = normalize(&format!("0{national}"), "FR").remove(0).expect("ten digits");
            if let Ok((known, known_line)) = international(&format!("+33{national}"), None) {
                prop_assert_eq!(fast, known);
                prop_assert!(known_line == Line::Unknown || known_line == line);
            }
        }
    }
}
