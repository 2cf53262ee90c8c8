//! Postal addresses.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::LazyLock,
};

use serde::Deserialize;

use super::{
    dictionary::{self, Words},
    person::titled,
    text,
};

const SEPARATOR: char = '\u{1f}';

/// One postal address, each part in canonical form, empty when absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Number in the street with its suffix: `12 bis`.
    pub number: String,
    /// Street with its type spelled out: `rue de la Paix`.
    pub street: String,
    /// Building, floor, PO box (`BP 12`), zone (`ZI Nord`)...; several parts separated by `, `.
    pub complement: String,
    /// Postcode.
    pub postcode: String,
    /// City, without CEDEX.
    pub city: String,
    /// `CEDEX 9`, or empty.
    pub cedex: String,
    /// State or region, where the country needs one.
    pub state: String,
    /// ISO 3166-1 alpha-2, or empty when unknown.
    pub country: String,
}

/// The cells an address is read from, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the model's attributes")]
pub struct Parts<'a> {
    pub address: &'a str,
    pub street: &'a str,
    pub street_2: &'a str,
    pub street_3: &'a str,
    pub po_box: &'a str,
    pub postcode: &'a str,
    pub city: &'a str,
    pub postcode_city: &'a str,
    pub state: &'a str,
    pub country: &'a str,
}

impl Address {
    /// The canonical text: the fields in order, joined by U+001F.
    pub fn encode(&self) -> String {
        let fields = [
            &self.number,
            &self.street,
            &self.complement,
            &self.postcode,
            &self.city,
            &self.cedex,
            &self.state,
            &self.country,
        ];
        fields.map(String::as_str).join(&SEPARATOR.to_string())
    }

    /// The form in which two spellings of one address are equal: number, street, postcode and city,
    /// without case, accents and punctuation.
    pub fn key(&self) -> String {
        let parts = [&self.number, &self.street, &self.postcode, &self.city];
        text::fold(&parts.map(String::as_str).join(" "))
    }

    /// Reads what [`Address::encode`] writes; missing fields are empty.
    pub fn decode(text: &str) -> Address {
        let mut fields = text.split(SEPARATOR).map(str::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        Address {
            number: next(),
            street: next(),
            complement: next(),
            postcode: next(),
            city: next(),
            cedex: next(),
            state: next(),
            country: next(),
        }
    }

    /// Number and street on one line, as on an envelope.
    pub fn street_line(&self) -> String {
        [self.number.as_str(), self.street.as_str()].join(" ").trim().to_owned()
    }

    /// The words that name the street, folded, without its type and small words: `rue de la Paix` has `paix`.
    pub fn street_core(&self) -> String {
        let folded = text::fold(&self.street);
        let words: Vec<&str> = folded.split(' ').collect();
        let skip = usize::from(words.len() > 1 && LEXICON.types.contains_key(words[0]));
        let core: Vec<&str> =
            words[skip..].iter().copied().filter(|w| !LEXICON.particles.contains(*w)).collect();
        if core.is_empty() { folded } else { core.join(" ") }
    }

    /// The digits of the number in the street: `12 bis` has `12`. Empty without one.
    pub fn number_digits(&self) -> &str {
        let end = self.number.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.number.len());
        &self.number[..end]
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Address::default()
    }
}

/// One address from the cells of a row; `country` is the ISO code to assume where none is written.
///
/// A cell that holds a whole address (`7 rue du Vignoble - 80080 AMIENS`) is taken apart. A French postcode
/// of four digits gets its zero back. An address that is already encoded is only decoded.
pub fn normalize(parts: &Parts<'_>, country: &str) -> Address {
    if parts.address.contains(SEPARATOR) {
        return Address::decode(parts.address);
    }
    if let Some(fields) = spaced_fields(parts) {
        return normalize(&fields, country);
    }
    let mut lines: Vec<String> = [parts.address, parts.street, parts.street_2, parts.street_3]
        .iter()
        .flat_map(|cell| cell.split(['\n', '\r', '\u{b}']))
        .map(text::clean)
        .filter(|line| !text::is_placeholder(line))
        .collect();
    let mut address = Address {
        country: iso_country(parts.country).unwrap_or_default().to_owned(),
        ..Address::default()
    };
    if address.country.is_empty() && lines.len() > 1 {
        // The last line of an envelope.
        if let Some(code) =
            lines.last().filter(|line| line.len() > 3).and_then(|line| iso_country(line))
        {
            code.clone_into(&mut address.country);
            lines.pop();
        }
    }

    let mut postcode = text::clean(parts.postcode);
    let mut city = text::clean(parts.city);
    for cell in [parts.postcode_city, parts.city, parts.postcode] {
        let cell = text::clean(cell);
        let Some((code, town)) = postcode_then_city(&cell) else {
            if cell == text::clean(parts.postcode_city) && !cell.is_empty() && city.is_empty() {
                city = cell;
            }
            continue;
        };
        let (code, town) = (code.to_owned(), town.to_owned());
        if postcode.is_empty() || postcode == cell {
            postcode = code;
        }
        if city.is_empty() || city == cell {
            city = town;
        }
    }
    if postcode.is_empty() && city.is_empty() {
        take_place(&mut lines, &mut postcode, &mut city, &mut address.country, country);
    }
    if text::is_placeholder(&city) {
        city.clear();
    }

    set_city(&mut address, &city, &mut postcode);
    set_postcode(&mut address, &postcode, country);
    address.state = text::clean(parts.state);
    if text::is_placeholder(&address.state) {
        address.state.clear();
    }
    set_lines(&mut address, &lines, &text::clean(parts.po_box));

    let blank = Address { country: String::new(), ..address.clone() }.is_empty();
    let no_postcode = postcode.is_empty() || text::is_postcode_placeholder(&postcode);
    if address.country.is_empty() && !blank && (no_postcode || fits(country, &address.postcode)) {
        country.clone_into(&mut address.country);
    }
    address
}

/// The parts of an address that an emailing tool wrote as fields with two blanks between:
/// `18 rue Foch  Marseille  13010 FR`.
fn spaced_fields<'a>(parts: &Parts<'a>) -> Option<Parts<'a>> {
    if !(Parts { address: "", ..parts.clone() } == Parts::default()) || parts.address.contains('\n')
    {
        return None;
    }
    let fields: Vec<&str> =
        parts.address.split("  ").map(str::trim).filter(|f| !f.is_empty()).collect();
    let [lines @ .., city, last] = fields.as_slice() else { return None };
    let (code, country) = last.rsplit_once(' ')?;
    let named = country.len() == 2
        && country.bytes().all(|b| b.is_ascii_uppercase())
        && iso_country(country).is_some();
    if !named
        || lines.len() > 3
        || !code.bytes().any(|b| b.is_ascii_digit())
        || city.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    let (state, postcode) = match code.split_once(' ') {
        Some((state, postcode)) if state.bytes().all(|b| b.is_ascii_alphabetic()) => {
            (state, postcode)
        }
        _ => ("", code),
    };
    let line = |at: usize| lines.get(at).copied().unwrap_or("");
    Some(Parts {
        street: line(0),
        street_2: line(1),
        street_3: line(2),
        city,
        state,
        postcode,
        country,
        ..Parts::default()
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StreetTypes {
    types: BTreeMap<String, Words>,
    before: BTreeMap<String, Words>,
    complement: BTreeMap<String, Words>,
    numbered: Listed,
    after_street: Listed,
}

#[derive(Deserialize)]
struct Listed {
    words: Words,
}

#[derive(Deserialize)]
struct Countries {
    names: BTreeMap<String, Words>,
}

#[derive(Deserialize)]
struct Particles {
    places: Words,
}

struct Lexicon {
    types: HashMap<String, String>,
    before: HashMap<String, String>,
    complement: HashMap<String, String>,
    numbered: HashSet<String>,
    after_street: HashSet<String>,
    countries: HashMap<String, String>,
    particles: HashSet<String>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let streets: StreetTypes =
        dictionary::read(include_str!("../../mappings/dictionaries/street_types.toml"));
    let countries: Countries =
        dictionary::read(include_str!("../../mappings/dictionaries/countries.toml"));
    let particles: Particles =
        dictionary::read(include_str!("../../mappings/dictionaries/particles.toml"));
    Lexicon {
        types: dictionary::inverted(&streets.types),
        before: dictionary::inverted(&streets.before),
        complement: dictionary::inverted(&streets.complement),
        numbered: streets.numbered.words.to_set(),
        after_street: streets.after_street.words.to_set(),
        countries: dictionary::inverted(&countries.names),
        particles: particles.places.to_set(),
    }
});

/// The ISO code of the country that the text names: `Belgique`, `BEL`, `B`.
pub fn iso_country(text: &str) -> Option<&'static str> {
    if text.is_empty() || text.len() > 40 {
        return None;
    }
    LEXICON.countries.get(&text::fold(text)).map(String::as_str)
}

/// Whether the canonical postcode has the form of its country's.
fn fits(country: &str, postcode: &str) -> bool {
    let digits =
        |count: usize| postcode.len() == count && postcode.bytes().all(|b| b.is_ascii_digit());
    match country {
        "FR" | "DE" | "IT" | "ES" | "MC" => digits(5),
        "BE" | "CH" | "LU" | "AT" | "DK" => digits(4),
        _ => !postcode.is_empty(),
    }
}

/// A postcode at the start of a text and the town after it: `75001 PARIS`, `F-75001 Paris`, `75001, Paris`.
fn postcode_then_city(text: &str) -> Option<(&str, &str)> {
    let first = text.find(|c: char| c.is_ascii_digit())?;
    let prefix = text[..first].trim_end_matches(['-', ' ']);
    if !prefix.is_empty() && (prefix.len() > 3 || !prefix.bytes().all(|b| b.is_ascii_alphabetic()))
    {
        return None;
    }
    let digits = text[first..].find(|c: char| !c.is_ascii_digit())?;
    if !(4..=5).contains(&digits) {
        return None;
    }
    let mut end = first + digits;
    // The letters of a Dutch one: `1012 AB Amsterdam`.
    let after = text[end..].trim_start();
    let word = after.split(' ').next().unwrap_or_default();
    if digits == 4
        && word.len() == 2
        && word.bytes().all(|b| b.is_ascii_uppercase())
        && after.len() > 3
        && !matches!(word, "LE" | "LA" | "ST")
    {
        end = text.len() - after.len() + 2;
    }
    let town = text[end..].trim_matches([' ', ',', '-', '/']);
    let separated = text[end..].starts_with([' ', ',', '-', '/']);
    (separated && town.chars().any(char::is_alphabetic)).then(|| (&text[..end], town))
}

/// Takes postcode and town off the end of the lines of a whole address.
fn take_place(
    lines: &mut Vec<String>,
    postcode: &mut String,
    city: &mut String,
    found_country: &mut String,
    country: &str,
) {
    let assumed =
        if found_country.is_empty() { country } else { found_country.as_str() }.to_owned();
    for at in (0..lines.len()).rev() {
        let line = lines[at].clone();
        let Some(from) = place_in(&line, &assumed) else { continue };
        let Some((code, town)) = postcode_then_city(&line[from..]) else { continue };
        let (town, named) = without_country(town);
        code.clone_into(postcode);
        town.clone_into(city);
        if let Some(named) = named.filter(|_| found_country.is_empty()) {
            named.clone_into(found_country);
        }
        let before = line[..from].trim_end_matches([' ', ',', '-', '–', ';', '/', '|']).to_owned();
        if before.is_empty() {
            lines.remove(at);
        } else {
            lines[at] = before;
        }
        return;
    }
}

/// Where in a line the postcode starts that its town follows: the last number of five digits, or of four
/// after a mark of separation.
fn place_in(line: &str, country: &str) -> Option<usize> {
    let mut found = None;
    let mut start = 0;
    for word in line.split(' ') {
        let bare = word.split_once('-').map_or(word, |(prefix, rest)| {
            if prefix.len() <= 3 && prefix.bytes().all(|b| b.is_ascii_alphabetic()) {
                rest
            } else {
                word
            }
        });
        let digits = bare.trim_end_matches([',', '-']);
        let number = digits.bytes().all(|b| b.is_ascii_digit());
        let before = line[..start].trim_end();
        let boxed = before.rsplit(' ').next().is_some_and(|w| {
            matches!(text::fold(&w.replace('.', "")).as_str(), "bp" | "cs" | "tsa" | "rd" | "rn")
        });
        let separated = before.is_empty() || before.ends_with([',', '-', ';', '/']);
        let follows = line[start + word.len()..]
            .trim_matches([' ', ',', '-'])
            .starts_with(char::is_alphabetic);
        let long = digits.len() == 5
            || digits.len() == 4 && (separated || !matches!(country, "FR" | "DE" | "IT" | "ES"));
        if number && long && follows && !boxed {
            found = Some(start);
        }
        start += word.len() + 1;
    }
    found
}

fn without_country(town: &str) -> (&str, Option<&'static str>) {
    let cut = town.rfind([',', ' ', '(']).filter(|&at| at > 0);
    let Some(at) = cut else { return (town, None) };
    let last = town[at + 1..].trim_matches(['(', ')', ' ']);
    match iso_country(last).filter(|_| last.len() > 3) {
        Some(code) => (town[..at].trim_end_matches([' ', ',', '-', '(']), Some(code)),
        None => (town, None),
    }
}

fn set_postcode(address: &mut Address, written: &str, country: &str) {
    let mut code = text::clean(written).to_uppercase();
    if text::is_postcode_placeholder(&code) {
        return;
    }
    // `F-75001`, `CH-1201`
    if let Some(at) = code.find(|c: char| c.is_ascii_digit()) {
        let prefix = code[..at].trim_end_matches(['-', ' ']).to_owned();
        if !prefix.is_empty()
            && prefix.len() <= 3
            && let Some(named) = iso_country(&prefix).filter(|named| *named != "GB")
        {
            if address.country.is_empty() {
                named.clone_into(&mut address.country);
            }
            code.drain(..at);
        }
    }
    let code =
        code.strip_suffix(".0").or_else(|| code.strip_suffix(",0")).unwrap_or(&code).to_owned();
    let assumed = if address.country.is_empty() { country } else { address.country.as_str() };
    let joined: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let digits = !joined.is_empty() && joined.bytes().all(|b| b.is_ascii_digit());
    address.postcode = match assumed {
        "FR" | "MC" | "GP" | "MQ" | "GF" | "RE" | "YT" | "DE" | "IT" | "ES" if digits => {
            match joined.len() {
                5 => joined,
                // Departments 01 to 09: a spreadsheet dropped the zero.
                4 => format!("0{joined}"),
                _ => String::new(),
            }
        }
        "FR" | "MC" => {
            if address.country.is_empty() {
                foreign(&joined)
            } else {
                String::new()
            }
        }
        "BE" | "CH" | "LU" | "AT" | "DK" | "NO" if digits => {
            if joined.len() == 4 {
                joined
            } else {
                String::new()
            }
        }
        "NL" if joined.len() == 6 => format!("{} {}", &joined[..4], &joined[4..]),
        "GB" | "IE" => foreign(&joined),
        "PT" if digits && joined.len() == 7 => format!("{}-{}", &joined[..4], &joined[4..]),
        "US" if digits && joined.len() == 9 => format!("{}-{}", &joined[..5], &joined[5..]),
        _ => code,
    };
}

/// The postcode of a country that uses letters: British ones have a blank before their last three.
fn foreign(joined: &str) -> String {
    let british = (5..=7).contains(&joined.len())
        && joined.starts_with(|c: char| c.is_ascii_alphabetic())
        && joined.as_bytes()[joined.len() - 3].is_ascii_digit();
    if british {
        format!("{} {}", &joined[..joined.len() - 3], &joined[joined.len() - 3..])
    } else if joined.bytes().any(|b| b.is_ascii_alphabetic())
        && joined.bytes().any(|b| b.is_ascii_digit())
    {
        joined.to_owned()
    } else {
        String::new()
    }
}

fn set_city(address: &mut Address, written: &str, postcode: &mut String) {
    let (town, named) = without_country(written);
    if let Some(named) = named.filter(|_| address.country.is_empty()) {
        named.clone_into(&mut address.country);
    }
    // `Lens (62)`
    let town = town.split(" (").next().unwrap_or(town);
    let mut words: Vec<&str> = town.split(' ').filter(|w| !w.is_empty()).collect();
    if let Some(at) =
        words.iter().position(|w| matches!(text::fold(w).as_str(), "cedex" | "cdx" | "cedx"))
    {
        let number: String =
            words[at + 1..].concat().chars().filter(char::is_ascii_digit).collect();
        let number = number.trim_start_matches('0');
        address.cedex = if number.is_empty() || number.len() > 2 {
            "CEDEX".to_owned()
        } else {
            format!("CEDEX {number}")
        };
        words.truncate(at);
    }
    if let Some(last) = words
        .last()
        .filter(|w| words.len() > 1 && w.len() == 5 && w.bytes().all(|b| b.is_ascii_digit()))
    {
        if postcode.is_empty() {
            (*last).clone_into(postcode);
        }
        words.pop();
    }
    without_district(&mut words, postcode);
    let spelled: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| spelled_town_word(word, at + 1 < words.len()))
        .collect();
    let spelled = spelled.join(" ").trim_matches([',', '-', '.', ' ', ';']).to_owned();
    if spelled.chars().any(char::is_alphabetic) {
        address.city = cased_place(&spelled);
    }
}

/// Takes the district off `Paris 8e`, `Lyon 03`, `Marseille 1er arrondissement`; without a postcode it gives it.
fn without_district(words: &mut Vec<&str>, postcode: &mut String) {
    let Some(first) = words.first().map(|w| text::fold(w)) else { return };
    let (base, districts) = match first.as_str() {
        "paris" => (75000, 20),
        "lyon" => (69000, 9),
        "marseille" => (13000, 16),
        _ => return,
    };
    if words.len() < 2 || words.len() > 3 {
        return;
    }
    let last_is_word = words.len() == 3;
    if last_is_word && !text::fold(words[2]).starts_with("arr") {
        return;
    }
    let second = text::fold(words[1]);
    let digits = second.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ending = &second[digits.len()..];
    let Ok(district) = digits.parse::<u32>() else { return };
    if !(1..=districts).contains(&district)
        || !matches!(ending, "" | "e" | "er" | "eme" | "ere" | "ieme")
    {
        return;
    }
    if postcode.is_empty() {
        *postcode = (base + district).to_string();
    }
    words.truncate(1);
}

/// `St` is `Saint` before another word or part, `s/` is `sur`.
fn spelled_town_word(word: &str, follows: bool) -> String {
    if let Some(rest) = word.strip_prefix("s/").or_else(|| word.strip_prefix("S/")) {
        return if rest.is_empty() { "sur".to_owned() } else { format!("sur {rest}") };
    }
    let parts: Vec<&str> = word.split('-').collect();
    let spelled = parts.iter().enumerate().map(|(at, part)| {
        let before_another = follows || at + 1 < parts.len();
        match text::fold(part).as_str() {
            "st" if before_another => "Saint".to_owned(),
            "ste" if before_another => "Sainte".to_owned(),
            _ => (*part).to_owned(),
        }
    });
    spelled.collect::<Vec<_>>().join("-")
}

/// The case of places: what is all in capitals or all in lower case gets capitals at the start of
/// its words, small words none; of a mixed text only words in capitals are touched.
fn cased_place(place: &str) -> String {
    cased_words(place, true)
}

/// The same; `opens` tells that the first word stands at the start.
fn cased_words(place: &str, opens: bool) -> String {
    let letters = || place.chars().filter(|c| c.is_alphabetic());
    let lower = letters().all(|c| !c.is_uppercase());
    let words = place.split(' ').enumerate().map(|(at, word)| {
        let parts = word
            .split('-')
            .enumerate()
            .map(|(part_at, part)| cased_place_part(part, opens && at == 0 && part_at == 0, lower));
        parts.collect::<Vec<_>>().join("-")
    });
    words.collect::<Vec<_>>().join(" ")
}

fn cased_place_part(part: &str, opens: bool, all_lower: bool) -> String {
    if let Some((before, after)) = part.split_once(['\'', '’']) {
        let small = !opens && before.len() <= 2 && LEXICON.particles.contains(&text::fold(before));
        let upper = before.chars().all(|c| !c.is_lowercase());
        let before = if small && upper {
            before.to_lowercase()
        } else if upper || all_lower {
            titled(before)
        } else {
            before.to_owned()
        };
        return format!("{before}'{}", cased_place_part(after, true, all_lower));
    }
    let letters = part.chars().filter(|c| c.is_alphabetic()).count();
    let upper = letters > 0 && part.chars().all(|c| !c.is_lowercase());
    if letters == 0 || !(upper || all_lower) {
        return part.to_owned();
    }
    let folded = text::fold(part);
    if part.starts_with(|c: char| c.is_ascii_digit()) {
        return if matches!(
            folded.trim_start_matches(|c: char| c.is_ascii_digit()),
            "er" | "ere" | "e" | "eme" | "nd" | "bis" | "ter"
        ) {
            part.to_lowercase()
        } else {
            part.to_owned()
        };
    }
    if !opens && LEXICON.particles.contains(&folded) {
        return part.to_lowercase();
    }
    let roman = folded.len() > 1 && folded.bytes().all(|b| matches!(b, b'i' | b'v' | b'x'))
        || matches!(folded.as_str(), "xl" | "xc");
    let initials = letters <= 4
        && folded.bytes().all(|b| !b"aeiouy".contains(&b))
        && !matches!(folded.as_str(), "st" | "ste");
    if letters == 1 || upper && (roman || initials) {
        return part.to_uppercase();
    }
    titled(part)
}

/// One piece of the lines of an address.
enum Piece {
    Street { number: String, street: String },
    Complement(String),
    Unknown(String),
}

fn set_lines(address: &mut Address, lines: &[String], po_box: &str) {
    let mut complements: Vec<String> = Vec::new();
    let mut unknown: Option<usize> = None;
    for line in lines {
        for segment in segments(line) {
            for piece in pieces(&segment, &address.country) {
                match piece {
                    Piece::Street { number, street } if address.street.is_empty() => {
                        address.number = number;
                        address.street = street;
                    }
                    Piece::Street { number, street } => {
                        complements.push(format!("{number} {street}").trim().to_owned())
                    }
                    Piece::Complement(complement) => complements.push(complement),
                    Piece::Unknown(place) => {
                        unknown.get_or_insert(complements.len());
                        complements.push(place);
                    }
                }
            }
        }
    }
    if address.street.is_empty()
        && let Some(at) = unknown
    {
        address.street = complements.remove(at);
    }
    if !text::is_placeholder(po_box) {
        let boxed = if po_box.bytes().all(|b| b.is_ascii_digit()) {
            format!("BP {po_box}")
        } else {
            po_box.to_owned()
        };
        complements.push(complement(&words_of(&boxed)).unwrap_or(boxed));
    }
    let mut kept: Vec<String> = Vec::new();
    for complement in complements {
        if !complement.is_empty() && !kept.contains(&complement) {
            kept.push(complement);
        }
    }
    address.complement = kept.join(", ");
}

/// The parts of a line between commas and dashes; a comma after the number of a street is none.
fn segments(line: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    for piece in line.replace(" - ", ",").replace(" – ", ",").split([',', ';', '|']) {
        let piece = piece.trim().trim_matches(['-', '.', '/']).trim();
        if piece.is_empty() {
            continue;
        }
        match segments.last_mut() {
            Some(last) if is_number(last) || ends_in_number(last) && opens_street(piece) => {
                last.push(' ');
                last.push_str(piece);
            }
            _ => segments.push(piece.to_owned()),
        }
    }
    segments
}

/// `Buro Club 31` before `av. Foch`: the number is the street's.
fn ends_in_number(text: &str) -> bool {
    let mut words = text.rsplit(' ');
    let number =
        words.next().is_some_and(|w| w.len() <= 4 && w.bytes().all(|b| b.is_ascii_digit()));
    let before = words.next().map(key).unwrap_or_default();
    number && !LEXICON.complement.get(&before).is_some_and(|c| LEXICON.numbered.contains(c))
}

fn opens_street(text: &str) -> bool {
    text.split(' ').next().is_some_and(|word| street_type(word).is_some()) && text.contains(' ')
}

/// `12`, `12 bis`, `12B`, `12-14`.
fn is_number(text: &str) -> bool {
    let words = words_of(text);
    let (taken, _) = street_number(&words);
    taken > 0 && taken == words.len()
        || words.len() == 2 && starts_number(&words[0]) && words[1].len() == 1
}

/// The words of a segment, those that were written together taken apart: `153RUE`, `Av.Foch`, `BP12`.
fn words_of(segment: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in segment.split(' ').filter(|w| !w.is_empty()) {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let rest = text::fold(&word[digits..]);
        if digits > 0
            && (SUFFIXES.contains(&rest.as_str())
                || rest.len() > 2 && LEXICON.types.contains_key(&rest))
        {
            words.push(word[..digits].to_owned());
            words.push(word[digits..].to_owned());
            continue;
        }
        if let Some((before, after)) = word.split_once('.').filter(|(_, after)| after.len() > 2)
            && LEXICON.types.contains_key(&text::fold(before))
            && !after.contains('.')
        {
            words.push(format!("{before}."));
            words.push(after.to_owned());
            continue;
        }
        let letters = word.bytes().take_while(u8::is_ascii_alphabetic).count();
        if letters > 1
            && matches!(text::fold(&word[..letters]).as_str(), "bp" | "cs" | "tsa")
            && word[letters..].bytes().all(|b| b.is_ascii_digit())
            && letters < word.len()
        {
            words.push(word[..letters].to_owned());
            words.push(word[letters..].to_owned());
            continue;
        }
        words.push(word.to_owned());
    }
    words
}

const SUFFIXES: [&str; 5] = ["bis", "ter", "quater", "quinquies", "qua"];

fn key(word: &str) -> String {
    text::fold(&word.replace('.', ""))
}

fn street_type(word: &str) -> Option<&'static str> {
    LEXICON.types.get(&key(word)).map(String::as_str)
}

fn starts_number(word: &str) -> bool {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    (1..=4).contains(&digits)
        && word[digits..].chars().all(|c| {
            matches!(c, '-' | '/' | ',' | '°') || c.is_ascii_digit() || c.is_ascii_alphabetic()
        })
        && word[digits..].chars().filter(|c| c.is_ascii_alphabetic()).count() <= 1
}

/// How many words the number of a street takes, and its canonical form.
fn street_number(words: &[String]) -> (usize, String) {
    let Some(first) = words.first().filter(|w| starts_number(w)) else { return (0, String::new()) };
    let bare = first.trim_end_matches([',', '.', '°', '-', '/']);
    let digits =
        bare.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-' || *b == b'/').count();
    let (head, letter) = bare.split_at(digits);
    let mut number = head.trim_end_matches(['-', '/']).replace('/', "-");
    let mut taken = 1;
    if !letter.is_empty() {
        return if letter.len() == 1 {
            (taken, format!("{number} {}", letter.to_uppercase()))
        } else {
            (0, String::new())
        };
    }
    // `12 à 14`
    if let [_, link, second, ..] = words
        && matches!(key(link).as_str(), "a" | "et")
        && second.bytes().all(|b| b.is_ascii_digit())
        && second.len() <= 4
        && link.chars().count() <= 2
        && *link != "A"
    {
        number = format!("{number}-{second}");
        taken = 3;
    }
    if let Some(next) = words.get(taken) {
        let suffix = key(next);
        let after = words.get(taken + 1);
        if SUFFIXES.contains(&suffix.as_str()) {
            let suffix = if suffix == "qua" { "quater" } else { &suffix };
            return (taken + 1, format!("{number} {suffix}"));
        }
        let single = suffix.len() == 1 && suffix.bytes().all(|b| b.is_ascii_alphabetic());
        let before_type =
            after.is_some_and(|w| street_type(w).is_some()) && words.len() > taken + 2;
        let sure = matches!(suffix.as_str(), "a" | "b" | "c" | "d")
            && after.is_some_and(|w| {
                !LEXICON.particles.contains(&key(w))
                    && w.chars().count() > 3
                    && !w.contains(['\'', '’'])
            });
        if single && (before_type || sure) {
            return (taken + 1, format!("{number} {}", suffix.to_uppercase()));
        }
    }
    (taken, number)
}

/// Street types that may follow other words without a number.
const PLAIN_TYPES: [&str; 8] =
    ["rue", "avenue", "boulevard", "chemin", "impasse", "allee", "route", "quai"];

/// Where in the words the street begins.
fn street_start(words: &[String]) -> Option<usize> {
    (0..words.len()).find(|&at| {
        let rest = &words[at..];
        let (taken, _) = street_number(rest);
        let types =
            rest.get(taken).is_some_and(|w| street_type(w).is_some()) && rest.len() > taken + 1;
        if taken > 0 {
            return types;
        }
        let after_particle = at > 0 && LEXICON.particles.contains(&key(&words[at - 1]));
        types && (at == 0 || PLAIN_TYPES.contains(&key(&words[at]).as_str())) && !after_particle
    })
}

fn pieces(segment: &str, country: &str) -> Vec<Piece> {
    let words = words_of(segment);
    if words.is_empty() {
        return Vec::new();
    }
    let opening = complement(&words);
    match street_start(&words) {
        Some(0)
            if opening.is_none()
                || street_number(&words).0 > 0
                || street_type(&words[0]).is_some() =>
        {
            street_pieces(&words, country)
        }
        Some(at) if at > 0 => {
            let mut found = pieces(&words[..at].join(" "), country);
            found.extend(street_pieces(&words[at..], country));
            found
        }
        _ => {
            if let Some(complement) = opening {
                return vec![Piece::Complement(complement)];
            }
            let (taken, number) = street_number(&words);
            if taken > 0
                && taken < words.len()
                && words[taken..].iter().any(|w| w.chars().any(char::is_alphabetic))
            {
                return vec![Piece::Street { number, street: cased_street(&words[taken..]) }];
            }
            if let Some((number, rest)) = number_at_end(&words, country) {
                return vec![Piece::Street { number, street: cased_street(rest) }];
            }
            vec![Piece::Unknown(cased_place(&words.join(" ")))]
        }
    }
}

/// The number at the end of a street and the words before it: `Hauptstraße 12`, as most countries write it.
fn number_at_end<'w>(words: &'w [String], country: &str) -> Option<(String, &'w [String])> {
    let (last, before) = words.split_last()?;
    let elsewhere = !matches!(country, "" | "FR" | "GB" | "US" | "CA" | "IE");
    // Four digits are a year: `rue du 8 mai 1945`.
    let fits = elsewhere
        && !before.is_empty()
        && starts_number(last)
        && !last.bytes().take(4).all(|b| b.is_ascii_digit() && last.len() > 3);
    fits.then(|| (street_number(std::slice::from_ref(last)).1, before))
}

/// A street, and what follows it without a mark: `12 rue Foch BP 34`.
fn street_pieces(words: &[String], country: &str) -> Vec<Piece> {
    let (taken, number) = street_number(words);
    if taken == 0
        && words.len() > 2
        && let Some((number, rest)) = number_at_end(words, country)
    {
        return vec![Piece::Street { number, street: street(rest) }];
    }
    let least = taken + 2;
    let tail = (least..words.len()).find(|&at| {
        LEXICON.after_street.contains(&key(&words[at]))
            && !LEXICON.particles.contains(&key(&words[at - 1]))
            && at + 1 < words.len()
    });
    let end = tail.unwrap_or(words.len());
    let mut found = vec![Piece::Street { number, street: street(&words[taken..end]) }];
    if end < words.len() {
        let rest = &words[end..];
        found.push(Piece::Complement(
            complement(rest).unwrap_or_else(|| cased_place(&rest.join(" "))),
        ));
    }
    found
}

/// The street with its type spelled out.
fn street(words: &[String]) -> String {
    match street_type(&words[0]) {
        Some(spelled) if words.len() > 1 => format!("{spelled} {}", cased_street(&words[1..])),
        _ => cased_street(words),
    }
}

/// The words of a street's name, titles spelled out, in the case of places.
fn cased_street(words: &[String]) -> String {
    let spelled: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            let next = words.get(at + 1).map(|w| key(w));
            let before_name = next.as_deref().is_some_and(|w| {
                !LEXICON.particles.contains(w)
                    || words.get(at + 2).is_some_and(|w| key(w) == "gaulle")
            });
            match LEXICON.before.get(&key(word)) {
                Some(spelled) if before_name && !word.starts_with(|c: char| c.is_ascii_digit()) => {
                    spelled.clone()
                }
                _ => spelled_town_word(word, false),
            }
        })
        .collect();
    let name = spelled.join(" ");
    // `de la Paix` follows its type: its first word is small too.
    cased_words(&name, false).trim_matches([',', ';', ' ']).to_owned()
}

/// The words as a part of an address besides the street, in its usual writing, if they open as one.
fn complement(words: &[String]) -> Option<String> {
    let (taken, spelled) = (1..=4.min(words.len())).rev().find_map(|n| {
        let key = words[..n].iter().map(|w| key(w)).collect::<Vec<_>>().join(" ");
        Some((n, LEXICON.complement.get(&key)?))
    })?;
    let rest = &words[taken..];
    if rest.is_empty() && taken == 1 && !spelled.chars().all(|c| c.is_uppercase()) {
        return None;
    }
    let mut opening = spelled.clone();
    if let Some(first) = spelled.chars().next().filter(|_| spelled != "c/o") {
        opening = format!("{}{}", first.to_uppercase(), &spelled[first.len_utf8()..]);
    }
    if rest.is_empty() {
        return Some(opening);
    }
    let numbered =
        LEXICON.numbered.contains(spelled) && rest.len() == 1 && rest[0].chars().count() <= 5;
    let tail = if numbered {
        rest[0].trim_matches(['.', ':', '°']).to_uppercase()
    } else {
        let tail = cased_street(rest);
        if LEXICON.numbered.contains(spelled) {
            tail.trim_start_matches("N° ").to_owned()
        } else {
            tail
        }
    };
    Some(format!("{opening} {tail}").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `number|street|complement|postcode|city|cedex|country`
    fn shown(a: &Address) -> String {
        [&a.number, &a.street, &a.complement, &a.postcode, &a.city, &a.cedex, &a.country]
            .map(String::as_str)
            .join("|")
    }

    fn street_of(street: &str) -> String {
        let a = normalize(
            &Parts { street, postcode: "75001", city: "Paris", ..Parts::default() },
            "FR",
        );
        format!("{}|{}|{}", a.number, a.street, a.complement)
    }

    fn whole(address: &str) -> String {
        shown(&normalize(&Parts { address, ..Parts::default() }, "FR"))
    }

    #[test]
    fn a_street_line_is_read() {
        let cases = [
            ("24 RUE des Métiers", "24|rue des Métiers|"),
            ("35, BOULEVARD SAINT-MICHEL", "35|boulevard Saint-Michel|"),
            ("30 B RUE d'Alsace", "30 B|rue d'Alsace|"),
            ("8, B R. DIDEROT", "8 B|rue Diderot|"),
            ("8, BIS RUE SAINT-VINCENT-DE-PAUL", "8 bis|rue Saint-Vincent-de-Paul|"),
            ("33BIS RTE PIERRE ET MARIE CURIE", "33 bis|route Pierre et Marie Curie|"),
            ("153RUE GUSTAVE FLAUBERT", "153|rue Gustave Flaubert|"),
            ("12 R. du Midi", "12|rue du Midi|"),
            ("10, r St Jean", "10|rue Saint Jean|"),
            ("183 av du Gal de Gaulle", "183|avenue du Général de Gaulle|"),
            ("18 che du Mal Joffre - Bâtiment 2", "18|chemin du Maréchal Joffre|Bâtiment 2"),
            ("ZI DE L'AEROPORT", "||ZI de l'Aeroport"),
            ("PA du Pré - 10 rue de l'Hôpital", "10|rue de l'Hôpital|PA du Pré"),
            (
                "19, faubourg de Lorraine - Résidence les Tilleuls",
                "19|faubourg de Lorraine|Résidence les Tilleuls",
            ),
            ("Hall A 205 r de Normandie", "205|rue de Normandie|Hall A"),
            ("39 ROUTE DU MARÉCHAL FOCH PA NORD", "39|route du Maréchal Foch|PA Nord"),
            ("12 rue du 8 Mai 1945", "12|rue du 8 Mai 1945|"),
            ("12 rue de la Paix BP 123", "12|rue de la Paix|BP 123"),
            ("12-14 rue Foch", "12-14|rue Foch|"),
            ("Le Bourg", "|Le Bourg|"),
            ("5 Grande Rue", "5|Grande Rue|"),
            ("RUE DES TILLEULS", "|rue des Tilleuls|"),
            ("144 ALL de l'Aéropostale", "144|allée de l'Aéropostale|"),
            ("chez Martin, 3 imp. des Lilas", "3|impasse des Lilas|Chez Martin"),
        ];
        for (street, expected) in cases {
            assert_eq!(street_of(street), expected, "{street}");
        }
    }

    #[test]
    fn a_whole_address_in_a_cell_is_taken_apart() {
        let cases = [
            ("7 rue du Vignoble - 80080 AMIENS", "7|rue du Vignoble||80080|Amiens||FR"),
            ("30 B RUE d'Alsace 33400 Pessac", "30 B|rue d'Alsace||33400|Pessac||FR"),
            (
                "ZA DU BOIS ROND, 33560 LIBOURNE CEDEX 02",
                "||ZA du Bois Rond|33560|Libourne|CEDEX 2|FR",
            ),
            ("12 rue de la Paix\n75002 Paris\nFrance", "12|rue de la Paix||75002|Paris||FR"),
            (
                "Buro Club 31,\u{a0}av. Duguesclin 71960 Vergisson",
                "31|avenue Duguesclin|Buro Club|71960|Vergisson||FR",
            ),
            ("Rue de la Loi 16, 1000 Bruxelles, Belgique", "16|rue de la Loi||1000|Bruxelles||BE"),
            (
                "11 rue du 19 Mars 1962 62500 SAINT-OMER",
                "11|rue du 19 Mars 1962||62500|Saint-Omer||FR",
            ),
            (
                "18 rue Saint-Pierre  Marseille  13010 FR",
                "18|rue Saint-Pierre||13010|Marseille||FR",
            ),
            ("12 rue X BP 12345 75001 Paris", "12|rue X|BP 12345|75001|Paris||FR"),
        ];
        for (address, expected) in cases {
            assert_eq!(whole(address), expected, "{address}");
        }
    }

    fn place(postcode: &str, city: &str, country: &str) -> String {
        let a = normalize(&Parts { postcode, city, country, ..Parts::default() }, "FR");
        format!("{}|{}|{}|{}", a.postcode, a.city, a.cedex, a.country)
    }

    #[test]
    fn places_have_one_form() {
        let cases = [
            (("1600", "SAINT-DIDIER-DE-FORMANS", ""), "01600|Saint-Didier-de-Formans||FR"),
            (("87 130", "SUSSAC", "France"), "87130|Sussac||FR"),
            (("F-75001", "Paris", ""), "75001|Paris||FR"),
            (("75001.0", "paris", ""), "75001|Paris||FR"),
            (("", "Paris 8e", ""), "75008|Paris||FR"),
            (("69003", "Lyon 03", ""), "69003|Lyon||FR"),
            (("45099", "ORLÉANS CEDEX 1", ""), "45099|Orléans|CEDEX 1|FR"),
            (("", "75001 PARIS", ""), "75001|Paris||FR"),
            (("42000", "ST ETIENNE", ""), "42000|Saint Etienne||FR"),
            (("85100", "LES SABLES-D'OLONNE", ""), "85100|Les Sables-d'Olonne||FR"),
            (("1201", "Genève", "Suisse"), "1201|Genève||CH"),
            (("CH-1201", "Genève", ""), "1201|Genève||CH"),
            (("SW1A1AA", "London", ""), "SW1A 1AA|London||"),
            (("00000", "Lens", ""), "|Lens||FR"),
            (("", "", "France"), "|||FR"),
            (("", "", ""), "|||"),
        ];
        for ((postcode, city, country), expected) in cases {
            assert_eq!(place(postcode, city, country), expected, "{postcode} {city}");
        }
    }

    #[test]
    fn elsewhere_the_number_may_come_last() {
        let a = normalize(
            &Parts {
                street: "Hauptstraße 12a",
                postcode: "10115",
                city: "Berlin",
                country: "Deutschland",
                ..Parts::default()
            },
            "FR",
        );
        assert_eq!(shown(&a), "12 A|Hauptstraße||10115|Berlin||DE");
    }

    #[test]
    fn the_core_of_a_street_is_its_name() {
        let a = normalize(&Parts { street: "12 bis rue de la Paix", ..Parts::default() }, "FR");
        assert_eq!((a.street_core().as_str(), a.number_digits()), ("paix", "12"));
    }

    #[test]
    fn an_encoded_address_is_left_as_it_is() {
        let a = normalize(
            &Parts { street: "12 rue Foch", postcode: "75001", city: "Paris", ..Parts::default() },
            "FR",
        );
        assert_eq!(normalize(&Parts { address: &a.encode(), ..Parts::default() }, "FR"), a);
    }
}
