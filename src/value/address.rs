//! Postal addresses.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{
    dictionary::{self, HashMap, HashSet, Words},
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

    /// Number and street on one line, as on an envelope of the country: `12 rue de la Paix`, `Hauptstraße 12a`,
    /// `Calle Mayor, 5`.
    pub fn street_line(&self) -> String {
        let (number, street) = (self.number.as_str(), self.street.as_str());
        let country = self.country.as_str();
        if number.is_empty() || street.is_empty() || !NUMBER_BEHIND.contains(&country) {
            return [number, street].join(" ").trim().to_owned();
        }
        let between = if matches!(country, "ES" | "IT" | "PT") { ", " } else { " " };
        format!("{street}{between}{}", closed_up(number, country))
    }

    /// The words that name the street, folded, without its type and small words: `rue de la Paix` has
    /// `paix`, `West Third Street` has `w 3rd`.
    pub fn street_core(&self) -> String {
        let folded = text::fold(&self.street);
        let words: Vec<&str> = folded.split(' ').collect();
        let typed = words.len() > 1 && LEXICON.types.contains_key(words[0]);
        let named = if typed { words[1..].to_vec() } else { english_core(words) };
        let core: Vec<&str> =
            named.into_iter().filter(|w| !LEXICON.particles.contains(*w)).collect();
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
    if is_swapped(parts) {
        let right = Parts { postcode: parts.city, city: parts.postcode, ..parts.clone() };
        return normalize(&right, country);
    }
    let mut lines = lines_of(parts);
    let mut address = Address {
        country: iso_country(parts.country).unwrap_or_default().to_owned(),
        ..Address::default()
    };
    take_country(&mut lines, &mut address.country);
    join_number(&mut lines);
    let (mut postcode, mut city) = written_place(parts);
    if postcode.is_empty() && city.is_empty() {
        take_place(&mut lines, &mut postcode, &mut city, &mut address, country);
    } else {
        drop_place(&mut lines, &postcode, &city);
    }
    if text::is_placeholder(&city) {
        city.clear();
    }
    if address.country.is_empty() {
        address.country = told_country(&postcode, &city).unwrap_or_default().to_owned();
    }
    set_city(&mut address, &city, &mut postcode, country);
    set_postcode(&mut address, &postcode, country);
    let state = text::clean(parts.state);
    if !text::is_placeholder(&state) {
        address.state = state;
    }
    let no_postcode = postcode.is_empty() || text::is_postcode_placeholder(&postcode);
    let assumed = no_postcode || fits(country, &address.postcode);
    let spoken = match address.country.as_str() {
        "" if assumed => country.to_owned(),
        named => named.to_owned(),
    };
    set_lines(&mut address, &lines, &text::clean(parts.po_box), &spoken);

    let blank = Address { country: String::new(), ..address.clone() }.is_empty();
    if !blank {
        address.country = spoken;
    }
    address
}

/// The filled lines of the cells that hold some.
fn lines_of(parts: &Parts<'_>) -> Vec<String> {
    [parts.address, parts.street, parts.street_2, parts.street_3]
        .iter()
        .flat_map(|cell| cell.split(['\n', '\r', '\u{b}']))
        .map(text::clean)
        .filter(|line| !text::is_placeholder(line))
        .collect()
}

/// Postcode and town of the cells that are theirs; each may hold both.
fn written_place(parts: &Parts<'_>) -> (String, String) {
    let (mut postcode, mut city) = (text::clean(parts.postcode), text::clean(parts.city));
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
    (postcode, city)
}

/// The country that a postcode tells which only one writes so; of one with four digits the town tells it, that no
/// French one that lost its zero has.
fn told_country(postcode: &str, city: &str) -> Option<&'static str> {
    match postcode.len() {
        4 => LEXICON.foreign_towns.get(&text::fold(city)).map(String::as_str),
        _ => super::country::of_postcode(postcode),
    }
}

/// Whether postcode and town stand each in the cell of the other: `Lyon` beside `69003`.
pub fn is_swapped(parts: &Parts<'_>) -> bool {
    let (postcode, city) = (parts.postcode.trim(), parts.city.trim());
    let is_town = postcode.chars().filter(|c| c.is_alphabetic()).count() > 2
        && !postcode.bytes().any(|b| b.is_ascii_digit())
        && !text::is_postcode_placeholder(postcode)
        && !text::is_placeholder(postcode);
    is_town && (4..=5).contains(&city.len()) && city.bytes().all(|b| b.is_ascii_digit())
}

/// A French address in plain cells: one street line that starts with its number, a postcode and a town.
///
/// What becomes of street and town does not depend on each other, nor on which number it is. So each can be
/// read once for many addresses: [`Plain::encode`] writes what [`normalize`] gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain<'a> {
    number: Number<'a>,
    /// What follows the number, as written.
    pub street: &'a str,
    /// Five digits.
    pub postcode: &'a str,
    /// As written.
    pub city: &'a str,
}

impl<'a> Plain<'a> {
    /// The cells when they are plain; most other addresses are none.
    pub fn of(parts: &Parts<'a>, country: &str) -> Option<Plain<'a>> {
        let Parts { address, street, street_2, street_3, po_box, .. } = *parts;
        let Parts { postcode, city, postcode_city, state, country: named, .. } = *parts;
        let others = [address, street_2, street_3, po_box, postcode_city, state, named];
        if country != "FR" || others.iter().any(|cell| !cell.is_empty()) {
            return None;
        }
        let (number, street) = Number::opening(street)?;
        let marked = |b: u8| matches!(b, b',' | b';' | b'|' | b'(' | b')' | b'\n' | b'\r' | 0x0b);
        let plain = street.starts_with(char::is_alphabetic)
            && !street.bytes().any(marked)
            && street.bytes().filter(u8::is_ascii_digit).count() < 5
            && postcode.len() == 5
            && postcode.bytes().all(|b| b.is_ascii_digit())
            && city.starts_with(char::is_alphabetic);
        plain.then_some(Plain { number, street, postcode, city })
    }

    /// Its street with the number 1; none where that does not open a street.
    ///
    /// One line without commas holds neither country nor town: only the street is read of it.
    pub fn read_street(&self) -> Option<Address> {
        let first = self.street.split(' ').next().unwrap_or_default();
        let opens = LEXICON.types.contains_key(&text::fold(first));
        let dashed = [" - ", " – "].iter().any(|dash| self.street.contains(dash));
        if !opens || dashed {
            return None;
        }
        let mut read = Address::default();
        set_lines(&mut read, &[text::clean(&format!("1 {}", self.street))], "", "FR");
        (read.number == "1" && !read.street.is_empty()).then_some(read)
    }

    /// Its postcode and town; none where they name a country.
    pub fn read_place(&self) -> Option<Address> {
        let parts = Parts { postcode: self.postcode, city: self.city, ..Parts::default() };
        let read = normalize(&parts, "FR");
        let named = without_country(&text::clean(self.city)).1.is_some();
        (!named && read.country == "FR" && !read.city.is_empty()).then_some(read)
    }

    /// Writes the address of a street and a place that were read apart, as [`Address::encode`] does.
    pub fn encode(&self, street: &Address, place: &Address, onto: &mut String) {
        self.number.write(onto);
        for field in [
            &street.street,
            &street.complement,
            &place.postcode,
            &place.city,
            &place.cedex,
            &place.state,
            &place.country,
        ] {
            onto.push(SEPARATOR);
            onto.push_str(field);
        }
    }
}

/// The number that opens a plain street line: `12`, `12B`, `12 bis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number<'a> {
    digits: &'a str,
    /// A capital letter or one of [`SUFFIXES`], or empty.
    suffix: &'static str,
}

impl<'a> Number<'a> {
    /// The number of a line and what follows it; none where that is not sure to be the street. [`street_number`]
    /// takes the same, with or without a comma behind it.
    fn opening(line: &'a str) -> Option<(Number<'a>, &'a str)> {
        let (first, rest) = line.split_once(' ')?;
        let (digits, glued) = first.split_at(first.bytes().take_while(u8::is_ascii_digit).count());
        if !(1..=4).contains(&digits.len()) || digits.starts_with('0') {
            return None;
        }
        let (suffix, street, before) = match (glued, rest.split_once(' ')) {
            ("", Some((word, street))) => match suffix_of(word.trim_end_matches(',')) {
                // `12 B rue Foch`, but `12 R Foch`.
                Some(suffix) if suffix.len() > 1 || opens_typed(street) => (suffix, street, word),
                _ => ("", rest, first),
            },
            ("" | ",", _) => ("", rest, first),
            (glued, _) => (suffix_of(glued.trim_end_matches(','))?, rest, first),
        };
        // What stands behind a comma may be a country: `12, Côte d'Ivoire`.
        let is_place = before.ends_with(',') && iso_country(street.trim()).is_some();
        let has_one_comma = !before.ends_with(",,");
        (has_one_comma && !is_place).then_some((Number { digits, suffix }, street))
    }

    fn write(self, onto: &mut String) {
        onto.push_str(self.digits);
        if !self.suffix.is_empty() {
            onto.push(' ');
            onto.push_str(self.suffix);
        }
    }
}

/// The letter or word behind a number in its canonical form.
fn suffix_of(written: &str) -> Option<&'static str> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if let [letter] = written.as_bytes() {
        let at = LETTERS.find(char::from(letter.to_ascii_uppercase()))?;
        return Some(&LETTERS[at..at + 1]);
    }
    let known = SUFFIXES.iter().find(|suffix| suffix.eq_ignore_ascii_case(written))?;
    Some(if *known == "qua" { "quater" } else { known })
}

/// Whether a street begins with a word for its type, and goes on.
fn opens_typed(street: &str) -> bool {
    let (first, rest) = street.split_once(' ').unwrap_or_default();
    !rest.trim().is_empty() && street_type(first).is_some()
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

/// Takes the country off the end of the lines: the last line of an envelope, or what follows the last comma.
fn take_country(lines: &mut Vec<String>, country: &mut String) {
    let Some(last) = lines.last() else { return };
    // `Grande-Bretagne` and `rue de l'Île-de-France` hold a hyphen, not a separation.
    let marks = [",", " - ", " – "].iter().filter_map(|mark| Some((last.rfind(mark)?, mark.len())));
    let (before, named) = marks
        .max()
        .map_or(("", last.as_str()), |(at, length)| (&last[..at], last[at + length..].trim()));
    // Short ones are words of their own only in capitals: `UK`.
    let fits = match named.len() {
        0..=1 => false,
        // `RDC` after a street is the ground floor.
        2..=3 => {
            !before.is_empty()
                && named.bytes().all(|b| b.is_ascii_uppercase())
                && !LEXICON.complement.contains_key(&key(named))
        }
        _ => !before.is_empty() || lines.len() > 1,
    };
    let Some(code) = iso_country(named).filter(|_| fits) else { return };
    if country.is_empty() {
        code.clone_into(country);
    } else if country != code {
        return;
    }
    let before = before.trim_end_matches([' ', ',', '-', '–']).to_owned();
    lines.pop();
    if !before.is_empty() {
        lines.push(before);
    }
}

/// Puts a number that has a line of its own before its street.
fn join_number(lines: &mut Vec<String>) {
    let found = (1..lines.len()).find(|&at| {
        is_number(&lines[at - 1])
            && lines[at].starts_with(|c: char| c.is_alphabetic())
            && complement(&words_of(&lines[at])).is_none()
    });
    if let Some(at) = found {
        let street = lines.remove(at);
        lines[at - 1] = format!("{} {street}", lines[at - 1]);
    }
}

/// Drops from the lines the postcode and town that have cells of their own.
fn drop_place(lines: &mut Vec<String>, postcode: &str, city: &str) {
    let town = text::fold(city);
    if postcode.is_empty() || town.is_empty() {
        return;
    }
    for at in (0..lines.len()).rev() {
        let Some(start) = lines[at].find(postcode) else { continue };
        if text::fold(&lines[at][start + postcode.len()..]) == town {
            let before = lines[at][..start].trim_end_matches(SEPARATES).to_owned();
            lines[at] = before;
        }
    }
    lines.retain(|line| !line.is_empty());
}

/// What may stand between the parts of an address.
const SEPARATES: [char; 7] = [' ', ',', '-', '–', ';', '/', '|'];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StreetTypes {
    types: BTreeMap<String, Words>,
    of_country: BTreeMap<String, BTreeMap<String, String>>,
    adjectives: Listed,
    english_ends: BTreeMap<String, Words>,
    whereabouts: Listed,
    compass: BTreeMap<String, Words>,
    ordinals: BTreeMap<String, Words>,
    numbered_names: Listed,
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
struct ForeignTowns {
    towns: BTreeMap<String, Words>,
}

#[derive(Deserialize)]
struct Particles {
    places: Words,
}

struct Lexicon {
    types: HashMap<String, String>,
    of_country: BTreeMap<String, BTreeMap<String, String>>,
    adjectives: HashSet<String>,
    english_ends: HashMap<String, String>,
    whereabouts: HashSet<String>,
    compass: HashMap<String, String>,
    ordinals: HashMap<String, String>,
    numbered_names: HashSet<String>,
    /// From a folded town to its country.
    foreign_towns: HashMap<String, String>,
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
    let foreign: ForeignTowns =
        dictionary::read(include_str!("../../mappings/dictionaries/foreign_towns.toml"));
    Lexicon {
        types: dictionary::inverted(&streets.types),
        of_country: streets.of_country,
        adjectives: streets.adjectives.words.to_set(),
        english_ends: dictionary::inverted(&streets.english_ends),
        whereabouts: streets.whereabouts.words.to_set(),
        compass: dictionary::inverted(&streets.compass),
        ordinals: dictionary::inverted(&streets.ordinals),
        numbered_names: streets.numbered_names.words.to_set(),
        foreign_towns: dictionary::inverted(&foreign.towns),
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
pub(crate) fn fits(country: &str, postcode: &str) -> bool {
    let digits =
        |count: usize| postcode.len() == count && postcode.bytes().all(|b| b.is_ascii_digit());
    match country {
        "FR" | "DE" | "IT" | "ES" | "MC" => digits(5),
        "BE" | "CH" | "LU" | "AT" | "DK" => digits(4),
        _ => !postcode.is_empty(),
    }
}

/// The countries whose form of postcodes [`has_form`] knows.
pub(crate) const KNOWN_FORMS: [&str; 15] =
    ["AT", "BE", "CA", "CH", "DE", "ES", "FR", "GB", "IE", "IT", "LU", "NL", "PL", "PT", "US"];

/// Whether a postcode as written has the form of the country's and lies in its range; only of countries whose
/// form we know.
pub(crate) fn has_form(country: &str, written: &str) -> bool {
    let form: String =
        written.trim().chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let first_two = || written.trim().get(..2).and_then(|two| two.parse::<u32>().ok());
    let within = |range: std::ops::RangeInclusive<u32>| {
        form == "99999" && first_two().is_some_and(|two| range.contains(&two))
    };
    match country {
        "FR" => within(1..=98),
        "DE" => within(1..=99),
        "IT" => within(0..=98),
        "ES" => within(1..=52),
        "US" => within(0..=99) || form == "99999-9999",
        "BE" | "CH" | "LU" | "AT" => form == "9999" && !written.trim().starts_with('0'),
        "PT" => form == "9999-999",
        "PL" => form == "99-999",
        "IE" => is_irish(written.trim()),
        "CA" => {
            let joined: Vec<u8> = form.bytes().filter(|b| *b != b' ').collect();
            let is_letter = |at: usize| joined[at].is_ascii_uppercase();
            joined.len() == 6 && (0..6).all(|at| (at % 2 == 0) == is_letter(at))
        }
        "NL" => form.strip_prefix("9999").is_some_and(|letters| {
            let letters = letters.trim();
            letters.len() == 2 && letters.bytes().all(|b| b.is_ascii_uppercase())
        }),
        "GB" => {
            let written = written.trim();
            let glued = || written.split_at_checked(written.len().saturating_sub(3));
            let halves = written.split_once(' ').or_else(glued);
            halves.is_some_and(|(outward, inward)| is_british(outward, inward))
        }
        _ => false,
    }
}

/// Whether the text is an Irish Eircode: the key of a district, `D02`, then four letters and digits.
fn is_irish(written: &str) -> bool {
    let Some((key, own)) = written.split_at_checked(3) else { return false };
    let own = own.trim_start();
    let is_key = matches!(key.as_bytes(), [letter, tens, ones]
        if letter.is_ascii_uppercase() && tens.is_ascii_digit() && ones.is_ascii_digit());
    (is_key || key == "D6W")
        && own.len() == 4
        && own.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && own.bytes().any(|b| b.is_ascii_uppercase())
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
    // Polish ones: `00-590 Warszawa`.
    let is_polish = text[first..].get(..6).is_some_and(|code| has_form("PL", code));
    if !(4..=5).contains(&digits) && !is_polish {
        return None;
    }
    let mut end = first + if is_polish { 6 } else { digits };
    // Portuguese ones: `1100-053 Lisboa`.
    let route = text[end..].strip_prefix('-').filter(|_| digits == 4).and_then(|r| r.get(..3));
    if route.is_some_and(|route| route.bytes().all(|b| b.is_ascii_digit())) {
        end += 4;
    }
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
    if digits == 4 && after.len() == 2 && after.bytes().all(|b| b.is_ascii_uppercase()) {
        // The letters are the code's, and no town follows.
        return None;
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
    address: &mut Address,
    country: &str,
) {
    let (found_country, state) = (&mut address.country, &mut address.state);
    let assumed =
        if found_country.is_empty() { country } else { found_country.as_str() }.to_owned();
    let american = if assumed == "US" { american_place(lines) } else { None };
    if let Some((from, before)) = american {
        (*city, *state, *postcode) = before;
        keep_before(lines, lines.len() - 1, from);
        return;
    }
    if let Some(told) = take_place_before_code(lines, postcode, city) {
        if told == "CA" {
            take_state(city, state);
        }
        if found_country.is_empty() {
            told.clone_into(found_country);
        }
        return;
    }
    for at in (0..lines.len()).rev() {
        let line = lines[at].clone();
        let Some(from) = place_in(&line, &assumed) else { continue };
        let Some((code, town)) = postcode_then_city(&line[from..]) else { continue };
        let opens = at == 0 && from == 0;
        if opens && is_house_number(code, town, &assumed) {
            continue;
        }
        let (town, named) = without_country(town);
        code.clone_into(postcode);
        town.clone_into(city);
        if let Some(named) = named.filter(|_| found_country.is_empty()) {
            named.clone_into(found_country);
        }
        keep_before(lines, at, from);
        return;
    }
    // `Paris 75002` at the end, or nothing but a postcode.
    let Some(at) = lines.len().checked_sub(1) else { return };
    let line = lines[at].clone();
    let start = line.rmatch_indices([',', ';', '–']).next().map_or(0, |(at, mark)| at + mark.len());
    let last = line[start..].trim();
    let (town, code) = last.rsplit_once(' ').unwrap_or(("", last));
    let is_code = code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit());
    let is_town = !town.bytes().any(|b| b.is_ascii_digit()) && typed(&words_of(town)).is_none();
    if is_code && is_town && (start > 0 || lines.len() > 1 || town.is_empty()) {
        code.clone_into(postcode);
        town.clone_into(city);
        keep_before(lines, at, start);
    }
}

/// Where in the last line an American place starts, with its town, state and postcode: `New York, NY 10118`.
fn american_place(lines: &[String]) -> Option<(usize, (String, String, String))> {
    let line = lines.last()?;
    let (before, code) = line.rsplit_once(' ').filter(|(_, code)| has_form("US", code))?;
    let mut town = before.trim_end_matches(SEPARATES).to_owned();
    let mut state = String::new();
    take_state(&mut town, &mut state);
    let from = town.rfind(',').map_or(0, |mark| mark + 1);
    let is_told = !state.is_empty() && (from > 0 || lines.len() > 1);
    let town = town[from..].trim().to_owned();
    (is_told && !town.is_empty()).then(|| (from, (town, state, code.to_owned())))
}

/// Takes the two letters of a state or province off the end of a town: `Ottawa ON`.
fn take_state(town: &mut String, state: &mut String) {
    let Some((before, last)) = town.rsplit_once([' ', ',']) else { return };
    let is_code = last.len() == 2 && last.bytes().all(|b| b.is_ascii_uppercase());
    if is_code && super::country::of_state(last).next().is_some() {
        last.clone_into(state);
        *town = before.trim_end_matches(SEPARATES).to_owned();
    }
}

/// Whether the digits that open an address are the house's: `1539 S Springfield Ave`.
///
/// Where postcodes have five digits, one that lost its zero was a number, and no number has a town in
/// its cell.
fn is_house_number(digits: &str, rest: &str, country: &str) -> bool {
    let five = matches!(country, "FR" | "DE" | "IT" | "ES");
    opens_english_street(&words_of(rest))
        || five && digits.len() == 4 && !LEXICON.foreign_towns.contains_key(&text::fold(rest))
}

/// Whether the words are a street as English ones are written: `S Springfield`, `19th St`.
fn opens_english_street(words: &[String]) -> bool {
    words.len() > 1
        && (compass(&key(&words[0])).is_some() || is_english_end(&key(&words[words.len() - 1])))
}

/// The words of an English street without its type, its point of the compass first, numbers as digits,
/// and without what tells where on it: `Seventh Ave. between 54th and 55th Sts.` is `7th`.
fn english_core(mut words: Vec<&str>) -> Vec<&str> {
    let whereabouts = words.iter().skip(1).position(|w| LEXICON.whereabouts.contains(*w));
    words.truncate(whereabouts.map_or(words.len(), |at| at + 1));
    let mut point = None;
    if words.len() > 1 {
        if let Some(first) = compass(words[0]) {
            point = Some(first);
            words.remove(0);
        } else if let Some(last) = compass(words[words.len() - 1]) {
            point = Some(last);
            words.pop();
        }
    }
    if words.len() > 1 && is_english_end(words[words.len() - 1]) {
        words.pop();
    }
    let digits = |word| LEXICON.ordinals.get(word).map_or(word, String::as_str);
    point.into_iter().chain(words.into_iter().map(digits)).collect()
}

/// The letters of a point of the compass, as they stand before English streets.
fn compass(folded: &str) -> Option<&'static str> {
    LEXICON.compass.get(folded).map(String::as_str)
}

/// Whether the folded word is what English streets end with, in full or shortened.
fn is_english_end(folded: &str) -> bool {
    LEXICON.english_ends.contains_key(folded)
}

/// Cuts a line where its place starts; an empty one goes.
fn keep_before(lines: &mut Vec<String>, at: usize, from: usize) {
    let before = lines[at][..from].trim_end_matches(SEPARATES).to_owned();
    if before.is_empty() {
        lines.remove(at);
    } else {
        lines[at] = before;
    }
}

/// Takes off a postcode that stands last, as in Britain, Ireland and Canada, and the town before it or on the line
/// above; gives their country.
fn take_place_before_code(
    lines: &mut Vec<String>,
    postcode: &mut String,
    city: &mut String,
) -> Option<&'static str> {
    let at = lines.len().checked_sub(1)?;
    let line = lines[at].clone();
    let mut words = line.rsplitn(3, ' ');
    let (inward, outward) = (words.next()?, words.next()?);
    let code = format!("{outward} {inward}");
    let told = ["GB", "IE", "CA"].into_iter().find(|country| has_form(country, &code))?;
    *postcode = code;
    let before = line[..line.len() - postcode.len()].trim_end_matches(SEPARATES);
    if before.is_empty() {
        lines.remove(at);
        if lines.len() > 1 {
            *city = lines.pop().unwrap_or_default();
        }
        return Some(told);
    }
    let start = before.rfind(',').map_or(0, |mark| mark + 1);
    before[start..].trim().clone_into(city);
    keep_before(lines, at, start);
    Some(told)
}

/// Whether the words are the two halves of a British postcode: `SW1A 2AA`.
fn is_british(outward: &str, inward: &str) -> bool {
    let letters = outward.bytes().take_while(u8::is_ascii_uppercase).count();
    let shaped = (1..=2).contains(&letters)
        && (letters + 1..=4).contains(&outward.len())
        && outward.as_bytes()[letters].is_ascii_digit()
        && outward.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let end = inward.as_bytes();
    shaped
        && matches!(end, [a, b, c] if a.is_ascii_digit() && b.is_ascii_uppercase() && c.is_ascii_uppercase())
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
        let digits = match digits.split_once('-') {
            // `1100-053 Lisboa`
            Some((area, route)) if area.len() == 4 && route.len() == 3 => area,
            _ if country == "PL" && has_form("PL", digits) => "00000",
            _ => digits,
        };
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
            || digits.len() == 4
                && (separated
                    || bare.contains('-')
                    || !matches!(country, "FR" | "DE" | "IT" | "ES"));
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
            && (code[..at].ends_with('-') || !code[at..].bytes().any(|b| b.is_ascii_alphabetic()))
            && let Some(named) = iso_country(&prefix).filter(|named| *named != "GB")
        {
            if address.country.is_empty() {
                named.clone_into(&mut address.country);
            }
            code.drain(..at);
        }
    }
    let code = [".00", ",00", ".0", ",0"]
        .iter()
        .find_map(|decimals| code.strip_suffix(decimals))
        .unwrap_or(&code)
        .to_owned();
    let assumed = if address.country.is_empty() { country } else { address.country.as_str() };
    let joined: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let digits = !joined.is_empty() && joined.bytes().all(|b| b.is_ascii_digit());
    address.postcode = match assumed {
        "FR" | "MC" | "GP" | "MQ" | "GF" | "RE" | "YT" | "DE" | "IT" | "ES" if digits => {
            match joined.len() {
                5 => joined,
                // Departments 01 to 09: a spreadsheet dropped the zero.
                4 => format!("0{joined}"),
                // Rome: two zeros.
                3 if assumed == "IT" => format!("00{joined}"),
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
            match joined.len() {
                4 => joined,
                // A neighbour's, in an address that does not name its country.
                5 if address.country.is_empty() => joined,
                _ => String::new(),
            }
        }
        "NL" if joined.len() == 6 => format!("{} {}", &joined[..4], &joined[4..]),
        "IE" if joined.len() == 7 => format!("{} {}", &joined[..3], &joined[3..]),
        "GB" | "IE" => foreign(&joined),
        "CA" if joined.len() == 6 => format!("{} {}", &joined[..3], &joined[3..]),
        "PL" if digits && joined.len() == 5 => format!("{}-{}", &joined[..2], &joined[2..]),
        "PT" if digits && joined.len() == 7 => format!("{}-{}", &joined[..4], &joined[4..]),
        "US" if digits && joined.len() == 9 => format!("{}-{}", &joined[..5], &joined[5..]),
        _ => code,
    };
    // Monaco's have the form of French ones.
    if address.country.is_empty()
        && address.postcode.starts_with("980")
        && matches!(country, "FR" | "MC")
    {
        "MC".clone_into(&mut address.country);
    }
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

fn set_city(address: &mut Address, written: &str, postcode: &mut String, country: &str) {
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
    let spoken = if address.country.is_empty() { country } else { address.country.as_str() };
    let french = speaks_french(spoken);
    if spoken == "IT"
        && words.len() > 1
        && let Some(province) =
            words.pop_if(|w| w.len() == 2 && w.bytes().all(|b| b.is_ascii_uppercase()))
    {
        province.clone_into(&mut address.state);
    }
    let words = elided(&words, true);
    let spelled: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| match french {
            true => spelled_town_word(word, at + 1 < words.len()),
            false => word.clone(),
        })
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

/// Whether addresses of the country may be written in French; so are those of an unknown one.
fn speaks_french(country: &str) -> bool {
    matches!(
        country,
        "" | "FR"
            | "MC"
            | "BE"
            | "LU"
            | "CH"
            | "CA"
            | "GP"
            | "MQ"
            | "GF"
            | "RE"
            | "YT"
            | "NC"
            | "PF"
    )
}

/// The words with the apostrophes that files in capitals leave out: `L HAY`, `D ASCQ`. A lone `L` that opens
/// nothing may be the initial of a name.
fn elided<W: AsRef<str>>(words: &[W], opens: bool) -> Vec<String> {
    let mut joined: Vec<String> = Vec::with_capacity(words.len());
    let mut at = 0;
    while at < words.len() {
        let word = words[at].as_ref();
        let before = joined.last().map(|w| text::fold(w));
        let may_open = match word {
            "L" | "l" => before.map_or(opens, |before| LEXICON.particles.contains(&before)),
            "D" | "d" => before.is_some() || !opens,
            _ => false,
        };
        let next = words.get(at + 1).map(AsRef::as_ref).filter(|_| may_open);
        let vowel = next.is_some_and(|next| {
            next.chars().count() > 1
                && text::fold(next).starts_with(['a', 'e', 'i', 'o', 'u', 'y', 'h'])
        });
        if let Some(next) = next.filter(|_| vowel) {
            joined.push(format!("{word}'{next}"));
            at += 2;
        } else {
            joined.push(word.to_owned());
            at += 1;
        }
    }
    joined
}

/// `St` is `Saint` before another word or part, `s/` is `sur`.
fn spelled_town_word(word: &str, follows: bool) -> String {
    // `Chalon/Saône`
    if let Some((town, river)) =
        word.split_once('/').filter(|(town, river)| town.len() > 2 && river.len() > 2)
    {
        return format!("{town} sur {river}");
    }
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
        return format!("{before}'{}", cased_place_part(after, !small, all_lower));
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

fn set_lines(address: &mut Address, lines: &[String], po_box: &str, country: &str) {
    let mut complements: Vec<String> = Vec::new();
    // Where the street would stand among the complements.
    let mut street_at = 0;
    let mut unknown: Option<usize> = None;
    for segment in lines.iter().flat_map(|line| segments(line)) {
        for piece in pieces(&words_of(&segment), country) {
            match piece {
                Piece::Street { number, street } if address.street.is_empty() => {
                    address.number = number;
                    address.street = street;
                    street_at = complements.len();
                }
                // Only what has a number is a street: `Villa Mon Repos, 12 rue Foch`.
                Piece::Street { number, street }
                    if address.number.is_empty() && !number.is_empty() =>
                {
                    address.number = number;
                    complements.insert(street_at, std::mem::replace(&mut address.street, street));
                }
                Piece::Street { number, street }
                    if number == address.number
                        && text::fold(&street) == text::fold(&address.street) => {}
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

/// The parts of a line between commas, dashes and brackets; a comma between the number and its street is none.
fn segments(line: &str) -> Vec<String> {
    let mut segments: Vec<String> = Vec::new();
    let line = joined_range(line).replace(" - ", ",").replace(" – ", ",");
    for piece in line.split([',', ';', '|', '(', ')']) {
        let piece = piece.trim().trim_matches(['-', '.', '/']).trim();
        if piece.is_empty() {
            continue;
        }
        match segments.last_mut() {
            Some(last)
                if is_number(last)
                    || ends_in_number(last) && opens_street(piece)
                    // `Rue de la Loi, 16`
                    || is_number(piece) && may_lack_number(last) =>
            {
                last.push(' ');
                last.push_str(piece);
            }
            _ => segments.push(piece.to_owned()),
        }
    }
    segments
}

/// The line with the two ends of a range together: `12 - 14 rue Foch`, `12 / 14 rue Foch`.
fn joined_range(line: &str) -> String {
    let words: Vec<&str> = line.splitn(4, ' ').collect();
    let is_end =
        |word: &str| (1..=4).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit());
    match words.as_slice() {
        [first, "-" | "/" | "–", second, rest]
            if is_end(first) && is_end(second) && typed(&words_of(rest)).is_some() =>
        {
            format!("{first}-{second} {rest}")
        }
        _ => line.to_owned(),
    }
}

/// Whether the text may be a street whose number follows after a comma.
fn may_lack_number(text: &str) -> bool {
    let words = words_of(text);
    !text.bytes().any(|b| b.is_ascii_digit())
        && words.len() > 1
        && (complement(&words).is_none() || typed(&words).is_some())
}

/// `Buro Club 31` before `av. Foch`: the number is the street's.
fn ends_in_number(text: &str) -> bool {
    let mut words = text.rsplit(' ');
    let number =
        words.next().is_some_and(|w| w.len() <= 4 && w.bytes().all(|b| b.is_ascii_digit()));
    let before = words.next().map(key).unwrap_or_default();
    number
        && before != "n"
        && !LEXICON.complement.get(&before).is_some_and(|c| LEXICON.numbered.contains(c))
}

fn opens_street(text: &str) -> bool {
    text.contains(' ') && typed(&words_of(text)).is_some()
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
    let written: Vec<&str> = segment.split(' ').filter(|w| !w.is_empty()).collect();
    for (at, word) in written.iter().copied().enumerate() {
        let next_is_number =
            written.get(at + 1).is_some_and(|w| w.starts_with(|c: char| c.is_ascii_digit()));
        // `n° 12`, `no 12`, `n°12`: the mark says nothing.
        let is_mark =
            |lower: &str| matches!(lower, "n°" | "nº") || at == 0 && matches!(lower, "no" | "n");
        if next_is_number && is_mark(&word.to_lowercase()) {
            continue;
        }
        let word = match word.split_once(['°', 'º']) {
            Some(("n" | "N", number)) if number.starts_with(|c: char| c.is_ascii_digit()) => number,
            _ => word,
        };
        // `C/ Mayor`
        if let Some(rest) = word
            .strip_prefix("C/")
            .or_else(|| word.strip_prefix("c/"))
            .filter(|rest| key(rest) != "o")
        {
            words.push("calle".to_owned());
            if !rest.is_empty() {
                words.push(rest.to_owned());
            }
            continue;
        }
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let is_glued = |rest: &str| {
            SUFFIXES.contains(&rest) || rest.len() > 2 && LEXICON.types.contains_key(rest)
        };
        if (1..word.len()).contains(&digits) && is_glued(&text::fold(&word[digits..])) {
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
        if (2..word.len()).contains(&letters)
            && word[letters..].bytes().all(|b| b.is_ascii_digit())
            && matches!(text::fold(&word[..letters]).as_str(), "bp" | "cs" | "tsa" | "rn" | "rd")
        {
            words.push(word[..letters].to_owned());
            words.push(word[letters..].to_owned());
            continue;
        }
        words.push(word.to_owned());
    }
    with_floors(words)
}

/// The words with floors as `étage 2`, where `2e étage` is written.
fn with_floors(words: Vec<String>) -> Vec<String> {
    let mut spelled: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let is_floor = LEXICON.complement.get(&key(&word)).is_some_and(|c| c == "étage");
        let before = spelled.last().filter(|_| is_floor);
        let ordinal = before.map(|w| text::fold(w)).and_then(|folded| {
            let digits = folded.bytes().take_while(u8::is_ascii_digit).count();
            let ending =
                matches!(&folded[digits..], "er" | "e" | "eme" | "ieme" | "nd" | "nde" | "");
            ((1..=2).contains(&digits) && ending).then(|| folded[..digits].to_owned())
        });
        match ordinal {
            Some(number) => {
                spelled.pop();
                spelled.extend([word, number]);
            }
            None => spelled.push(word),
        }
    }
    spelled
}

const SUFFIXES: [&str; 5] = ["bis", "ter", "quater", "quinquies", "qua"];

fn key(word: &str) -> String {
    match word.as_bytes().contains(&b'.') {
        true => text::fold(&word.replace('.', "")),
        false => text::fold(word),
    }
}

fn street_type(word: &str) -> Option<&'static str> {
    LEXICON.types.get(&key(word)).map(String::as_str)
}

/// The type of street that the words open with, and how many of them it takes: `Rond point des Champs`.
fn typed(words: &[String]) -> Option<(&'static str, usize)> {
    let [first, rest @ ..] = words else { return None };
    let first = key(first);
    let two = rest.first().and_then(|second| {
        LEXICON.types.get(&format!("{first} {}", key(second))).map(|t| (t.as_str(), 2))
    });
    two.or_else(|| LEXICON.types.get(&first).map(|spelled| (spelled.as_str(), 1)))
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
    let long = |w: &str| w.len() == 5 && w.bytes().all(|b| b.is_ascii_digit());
    let opens = |w: &&String| starts_number(w) || long(w) && opens_english_street(&words[1..]);
    let Some(first) = words.first().filter(opens) else { return (0, String::new()) };
    let bare = first.trim_end_matches([',', '.', '°', '-', '/']);
    let digits =
        bare.bytes().take_while(|b| b.is_ascii_digit() || *b == b'-' || *b == b'/').count();
    let (head, letter) = bare.split_at(digits);
    let mut number = head.trim_end_matches(['-', '/']).replace('/', "-");
    if let Some(bare) =
        number.strip_prefix('0').filter(|bare| bare.bytes().all(|b| b.is_ascii_digit()))
    {
        number = bare.trim_start_matches('0').to_owned();
        if number.is_empty() {
            return (0, number);
        }
    }
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
        && matches!(key(link).as_str(), "a" | "et" | "au")
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
        let after = &rest[taken..];
        // `Grande Rue`, `Petite rue de la Poste`
        let qualified = after.len() > 1
            && LEXICON.adjectives.contains(&key(&after[0]))
            && PLAIN_TYPES.contains(&key(&after[1]).as_str());
        let types = qualified || after.len() > 1 && typed(after).is_some();
        if taken > 0 {
            return types;
        }
        let after_particle = at > 0 && LEXICON.particles.contains(&key(&words[at - 1]));
        types
            && (at == 0 || qualified || PLAIN_TYPES.contains(&key(&words[at]).as_str()))
            && !after_particle
    })
}

fn pieces(words: &[String], country: &str) -> Vec<Piece> {
    if words.is_empty() {
        return Vec::new();
    }
    let start = street_start(words);
    if let Some(at) = start.filter(|at| *at > 0) {
        let mut found = pieces(&words[..at], country);
        found.extend(pieces(&words[at..], country));
        return found;
    }
    if let Some(at) = next_complement(words, start.is_some()) {
        let mut found = pieces(&words[..at], country);
        found.extend(pieces(&words[at..], country));
        return found;
    }
    let opening = complement(words);
    let (taken, number) = street_number(words);
    // `lot 4` is a part, `lotissement les Acacias` a street.
    let is_street = opening.is_none()
        || taken > 0
        || typed(words).is_some() && !(words.len() == 2 && is_numbered(words));
    if start == Some(0) && is_street {
        return vec![street_piece(words, country)];
    }
    if let Some(complement) = opening {
        return vec![Piece::Complement(complement)];
    }
    if taken > 0
        && taken < words.len()
        && words[taken..].iter().any(|w| w.chars().any(char::is_alphabetic))
    {
        return vec![Piece::Street { number, street: street(&words[taken..], country) }];
    }
    if let Some((number, rest)) = number_at_end(words, country) {
        return vec![Piece::Street { number, street: street(rest, country) }];
    }
    vec![Piece::Unknown(cased_place(&words.join(" ")))]
}

/// Where in the words another part of an address begins without a mark: `12 rue Foch BP 34`, `Rés. X Bât 3 Esc B`.
fn next_complement(words: &[String], in_street: bool) -> Option<usize> {
    let least = street_number(words).0 + if in_street { 2 } else { 1 };
    (least..words.len().saturating_sub(1)).find(|&at| {
        let rest = &words[at..];
        LEXICON.after_street.contains(&key(&rest[0]))
            // `rue de la Tour`, but `Bât A Esc 2`.
            && (!LEXICON.particles.contains(&key(&words[at - 1]))
                || at >= 2 && is_numbered(&words[at - 2..at]))
            && (is_numbered(rest) || !opens_numbered(rest))
    })
}

/// Whether the words open with a part of an address that a number or letter completes.
fn opens_numbered(words: &[String]) -> bool {
    LEXICON.complement.get(&key(&words[0])).is_some_and(|c| LEXICON.numbered.contains(c))
}

/// The same, and the number or letter follows: `Bât. B`, `étage 2`.
fn is_numbered(words: &[String]) -> bool {
    opens_numbered(words)
        && words.get(1).is_some_and(|next| {
            let length = next.chars().count();
            length <= 2 || length <= 6 && next.bytes().any(|b| b.is_ascii_digit())
        })
}

/// Countries that write the house number behind the street. Source: the Universal Postal Union's pages on
/// addressing, country by country.
const NUMBER_BEHIND: [&str; 28] = [
    "AT", "BE", "BG", "CH", "CZ", "DE", "DK", "EE", "ES", "FI", "GR", "HR", "HU", "IS", "IT", "LI",
    "LT", "LV", "NL", "NO", "PL", "PT", "RO", "RS", "SE", "SI", "SK", "TR",
];

/// A number behind its street: its letter stands close to it, small where German or Danish is written.
fn closed_up(number: &str, country: &str) -> String {
    match number.rsplit_once(' ') {
        Some((digits, letter)) if letter.len() == 1 => {
            let small = matches!(country, "AT" | "CH" | "DE" | "DK" | "LI" | "NO");
            let letter = if small { letter.to_lowercase() } else { letter.to_owned() };
            format!("{digits}{letter}")
        }
        _ => number.to_owned(),
    }
}

/// The number at the end of a street and the words before it: `Hauptstraße 12`, as most countries write it.
///
/// In France only a street that opens with its type and whose name takes no number has one there.
fn number_at_end<'w>(words: &'w [String], country: &str) -> Option<(String, &'w [String])> {
    let english = matches!(country, "GB" | "US" | "CA" | "IE");
    let french = matches!(country, "" | "FR" | "MC" | "GP" | "MQ" | "GF" | "RE" | "YT");
    let with_suffix = words.len() > 2 && {
        let last = &words[words.len() - 1];
        SUFFIXES.contains(&key(last).as_str())
            || last.len() == 1 && last.bytes().all(|b| b.is_ascii_alphabetic())
    };
    let (before, end) = words.split_at(words.len() - if with_suffix { 2 } else { 1 });
    let first = end.first()?;
    if english || before.is_empty() {
        return None;
    }
    // Without a number, as Spaniards say.
    if first.eq_ignore_ascii_case("s/n") {
        return Some(("s/n".to_owned(), before));
    }
    let digits = first.bytes().take_while(u8::is_ascii_digit).count();
    // Four digits are mostly a year: `rue du 8 mai 1945`.
    let is_year = first.len() == 4
        && first.bytes().all(|b| b.is_ascii_digit())
        && ("1700"..="2030").contains(&first.as_str());
    if digits == 0 || digits > 4 || is_year {
        return None;
    }
    if french {
        let name = before.get(typed(before)?.1..)?;
        let numbered = name.iter().any(|w| LEXICON.numbered_names.contains(&key(w)));
        if name.is_empty() || numbered || digits > 3 || !starts_number(first) {
            return None;
        }
    }
    // Box and stairs stand behind a stroke: `54/10`, `123-II`.
    let stroke = first[digits..].starts_with(['/', '-']) && !french;
    let letter = first[digits..].trim_start_matches('/');
    if stroke && (letter.len() != 1 || letter.bytes().any(|b| b.is_ascii_digit())) {
        return Some((first.clone(), before));
    }
    let (taken, number) = street_number(end);
    if taken == end.len() {
        return Some((number, before));
    }
    let letter = end.get(1)?;
    (taken == 1).then(|| (format!("{number} {}", letter.to_uppercase()), before))
}

fn street_piece(words: &[String], country: &str) -> Piece {
    let (taken, number) = street_number(words);
    if taken == 0
        && words.len() > 2
        && let Some((number, rest)) = number_at_end(words, country)
    {
        return Piece::Street { number, street: street(rest, country) };
    }
    Piece::Street { number, street: street(&words[taken..], country) }
}

/// The street with its type spelled out.
fn street(words: &[String], country: &str) -> String {
    // English names end in their type: `R Avenue` is no rue.
    let english = matches!(country, "AU" | "GB" | "IE" | "NZ" | "US");
    let opens = typed(words).filter(|(_, taken)| words.len() > *taken && !english);
    if let Some((spelled, taken)) = opens {
        let own = LEXICON.of_country.get(country).and_then(|types| types.get(spelled));
        return format!(
            "{} {}",
            own.map_or(spelled, String::as_str),
            cased_street(&words[taken..], true)
        );
    }
    // `24 ZA des Prés`
    if let Some(zone) = LEXICON
        .complement
        .get(&key(&words[0]))
        .filter(|c| words.len() > 1 && c.chars().all(char::is_uppercase))
    {
        return format!("{zone} {}", cased_street(&words[1..], true));
    }
    let french = speaks_french(country) && !matches!(country, "BE" | "CH" | "LU");
    let name = cased_street(words, french);
    match country {
        "DE" | "AT" | "LU" => with_german_end(&name, "straße", "Straße"),
        "CH" | "LI" => with_german_end(&name, "strasse", "Strasse"),
        "GB" | "IE" | "US" => with_english_end(&name),
        _ => name,
    }
}

/// `Hauptstr.` in full.
fn with_german_end(name: &str, end: &str, word: &str) -> String {
    let stem = |short: &str| name.strip_suffix(short).filter(|stem| !stem.is_empty());
    if let Some(stem) = stem(" Str.").or_else(|| stem(" Str")) {
        return format!("{stem} {word}");
    }
    match stem("str.").or_else(|| stem("str")) {
        Some(stem) => format!("{stem}{end}"),
        None => name.to_owned(),
    }
}

/// `Baker St` in full.
fn with_english_end(name: &str) -> String {
    let Some((before, last)) = name.rsplit_once(' ') else { return name.to_owned() };
    match LEXICON.english_ends.get(&key(last)) {
        Some(full) => format!("{before} {full}"),
        None => name.to_owned(),
    }
}

/// The words of a street's name in the case of places; French titles are spelled out.
fn cased_street(words: &[String], french: bool) -> String {
    if !french {
        return cased_words(&words.join(" "), false).trim_matches([',', ';', ' ']).to_owned();
    }
    let words = elided(words, false);
    let spelled: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            let next = words.get(at + 1).map(|w| key(w));
            let before_name = next.as_deref().is_some_and(|w| {
                !LEXICON.particles.contains(w)
                    || w == "de"
                        && matches!(
                            key(word).as_str(),
                            "mal" | "gal" | "gl" | "marechal" | "general"
                        )
            });
            match LEXICON.before.get(&key(word)) {
                Some(spelled) if spelled == "Notre-Dame" && next.is_some() => spelled.clone(),
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
    // The keys of the first words end to end, and where each ends.
    let mut keys = String::new();
    let ends = words.iter().take(4).enumerate().map(|(at, word)| {
        if at > 0 {
            keys.push(' ');
        }
        keys.push_str(&key(word));
        keys.len()
    });
    let ends: Vec<usize> = ends.collect();
    let (taken, spelled) = (1..=ends.len())
        .rev()
        .find_map(|n| Some((n, LEXICON.complement.get(&keys[..ends[n - 1]])?)))?;
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
        LEXICON.numbered.contains(spelled) && rest.len() == 1 && rest[0].chars().count() <= 6;
    // `BP 50 123`
    let all_digits = rest.iter().all(|w| w.bytes().all(|b| b.is_ascii_digit()));
    let tail = if numbered {
        rest[0].trim_matches(['.', ':', '°']).to_uppercase()
    } else if all_digits && spelled.chars().all(char::is_uppercase) {
        rest.concat()
    } else {
        let tail = cased_street(rest, true);
        let article = ["La ", "Le ", "Les ", "L'"].iter().any(|article| tail.starts_with(article));
        if article { format!("l{}", &tail[1..]) } else { tail }
    };
    Some(format!("{opening} {tail}").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
            ("1539 S Springfield Ave", "1539|S Springfield Ave|||||FR"),
            ("11411 W. 19th St.", "11411|W. 19th St|||||FR"),
            ("4540 Hamlin", "4540|Hamlin|||||FR"),
            ("75001 PARIS", "|||75001|Paris||FR"),
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
            (("SW1A1AA", "London", ""), "SW1A 1AA|London||GB"),
            (("1015cn", "Amsterdam", ""), "1015 CN|Amsterdam||NL"),
            (("NL-1015 CN", "Amsterdam", ""), "1015 CN|Amsterdam||NL"),
            (("D02X285", "Dublin 2", ""), "D02 X285|Dublin 2||IE"),
            (("K1A0B1", "Ottawa", ""), "K1A 0B1|Ottawa||CA"),
            (("00-950", "Warszawa", ""), "00-950|Warszawa||PL"),
            (("00000", "Lens", ""), "|Lens||FR"),
            (("", "", "France"), "|||FR"),
            (("", "", ""), "|||"),
        ];
        for ((postcode, city, country), expected) in cases {
            assert_eq!(place(postcode, city, country), expected, "{postcode} {city}");
        }
    }

    #[test]
    fn an_address_that_names_no_country_is_read_as_its_own_writes_them() {
        let cases = [
            ("BE", "Rue Royale 12, 4900 Spa", "12|rue Royale||4900|Spa||BE"),
            ("BE", "Rue Royale 12\n4900 SPA", "12|rue Royale||4900|Spa||BE"),
            ("CH", "Bahnhofstr. 12, 8001 Zürich", "12|Bahnhofstrasse||8001|Zürich||CH"),
            ("CH", "Route de Lully 5, 1131 Tolochenaz", "5|route de Lully||1131|Tolochenaz||CH"),
            ("DE", "Hauptstr. 5, 10115 Berlin", "5|Hauptstraße||10115|Berlin||DE"),
            ("DE", "Hauptstr. 5, 1067 Dresden", "5|Hauptstraße||01067|Dresden||DE"),
            ("ES", "Calle Mayor 5, 28013 Madrid", "5|calle Mayor||28013|Madrid||ES"),
            ("IT", "Via Garibaldi 1, 20121 Milano MI", "1|via Garibaldi||20121|Milano||IT"),
            ("LU", "12, rue Haute, 4210 Esch", "12|rue Haute||4210|Esch||LU"),
            ("NL", "Dorpsweg 123, 1015 CJ Amsterdam", "123|Dorpsweg||1015 CJ|Amsterdam||NL"),
            ("BE", "12 rue Haute, 59000 Lille", "12|rue Haute||59000|Lille||"),
            ("BE", "12 rue Haute, 75001 Paris, France", "12|rue Haute||75001|Paris||FR"),
            ("", "12 rue Haute, 4900 Spa", "12|rue Haute||4900|Spa||"),
        ];
        for (country, address, expected) in cases {
            let read = normalize(&Parts { address, ..Parts::default() }, country);
            assert_eq!(shown(&read), expected, "{country} {address}");
        }
    }

    #[test]
    fn a_postcode_and_a_town_in_each_others_cells_are_put_right() {
        assert_eq!(place("Lyon", "69003", ""), "69003|Lyon||FR");
        assert_eq!(place("BOURG EN BRESSE", "1000", ""), "01000|Bourg en Bresse||FR");
        for (postcode, city) in [("69003", "Lyon"), ("", "69003"), ("inconnu", "69003")] {
            let parts = Parts { postcode, city, ..Parts::default() };
            assert!(!is_swapped(&parts), "{postcode} {city}");
        }
    }

    #[test]
    fn the_number_stands_where_the_country_writes_it() {
        let line = |number: &str, street: &str, country: &str| {
            let [number, street, country] = [number, street, country].map(str::to_owned);
            Address { number, street, country, ..Address::default() }.street_line()
        };
        assert_eq!(line("12 BIS", "rue de la Paix", "FR"), "12 BIS rue de la Paix");
        assert_eq!(line("12 A", "Hauptstraße", "DE"), "Hauptstraße 12a");
        assert_eq!(line("7", "Kerkstraat", "BE"), "Kerkstraat 7");
        assert_eq!(line("5", "Calle Mayor", "ES"), "Calle Mayor, 5");
        assert_eq!(line("5", "High Street", "IE"), "5 High Street");
        assert_eq!(line("", "Bahnhofstrasse", "CH"), "Bahnhofstrasse");
        assert_eq!(line("12", "rue du Bac", ""), "12 rue du Bac");
    }

    #[test]
    fn english_streets_end_in_their_type() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(street(&words("R Ave"), "US"), "R Avenue");
        assert_eq!(street(&words("R de la Paix"), "FR"), "rue de la Paix");
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
        let core = |street: &str| {
            Address { street: street.to_owned(), ..Address::default() }.street_core()
        };
        for (one, other) in [
            ("W. 19th St.", "West 19th Street"),
            ("S Springfield", "S. Springfield Ave"),
            ("Ogden Boulevard", "OGDEN BLVD"),
            ("Seventh Ave.", "7th ave. between 54th and 55th sts."),
            ("Peachtree Rd. NE", "NE Peachtree Road"),
        ] {
            assert_eq!(core(one), core(other), "{one}");
        }
        assert_eq!(core("W Street"), "w street");
        let a = normalize(&Parts { street: "12 bis rue de la Paix", ..Parts::default() }, "FR");
        assert_eq!((a.street_core().as_str(), a.number_digits()), ("paix", "12"));
    }

    #[test]
    fn the_addresses_of_a_town_are_plain() {
        let line = "12 rue de la République";
        let parts = Parts { street: line, postcode: "69002", city: "LYON", ..Parts::default() };
        let plain = Plain::of(&parts, "FR").expect("plain cells");
        assert!(plain.read_street().is_some() && plain.read_place().is_some());
    }

    proptest! {
        #[test]
        fn no_cell_is_too_odd(
            street in "\\PC{0,30}|[0-9]{0,5}[a-zA-Z ]{0,3}[ ,/°-]{0,3}(rue|R\\.|BP|Bât|étage|ZI|C/)[ .,]?[A-Za-zé' ]{0,12}[ ,-]{0,2}[0-9a-zA-Z/º]{0,6}",
            place in "\\PC{0,20}|([A-Z]{1,3}-?)?[0-9 ]{3,7}[A-Z]{0,2} ?[A-Za-zé' -]{0,14}( CEDEX ?[0-9]{0,2})?",
            country in "|France|BE|ES|GB|IT|NL|Deutschland|CH",
        ) {
            let whole = format!("{street}\n{place}");
            let cells = [
                Parts { street: &street, postcode_city: &place, country: &country, ..Parts::default() },
                Parts { street: &street, postcode: &place, city: &place, country: &country, ..Parts::default() },
                Parts { address: &whole, country: &country, ..Parts::default() },
            ];
            for parts in cells {
                let address = normalize(&parts, "FR");
                let encoded = address.encode();
                prop_assert_eq!(normalize(&Parts { address: &encoded, ..Parts::default() }, "FR"), address);
            }
        }

        #[test]
        fn the_halves_of_a_plain_address_make_the_whole(
            number in "[1-9][0-9]{0,4}(,| ?(bis|TER|quater|qua|b|B|R|n),?|,,|[abz]| a)?",
            street in "(rue|RUE|R\\.|av|Bd|chemin|impasse|ZA|place|allée|cours|résidence|Bât|étage|bis|ter|B|route|quai) ?(du|de la|des|d'|D |L )? ?([A-Za-zéÉ'.°/-]{1,12}|8 mai 1945|11 Novembre|Bât B|BP 12|n° 3|12|- |étage|cedex|2e étage)( [A-Za-zé0-9 -]{0,8}( bis| 75001 Paris| Belgique|  rue Foch)?)?|\\PC{1,20}",
            postcode in "[0-9]{5}|75001|98000|00000|99999",
            city in "[A-Za-zé' -]{1,14}|Paris( 8e)?|LYON 03|Lens \\(62\\)|St Denis CEDEX ?[0-9]{0,2}|Chalon/Saône|Bruxelles Belgique|Paris France|75001 Paris|Anvers|L HAY|x|nc|\\PC{1,12}",
        ) {
            let line = format!("{number} {street}");
            let parts = Parts { street: &line, postcode: &postcode, city: &city, ..Parts::default() };
            if let Some(plain) = Plain::of(&parts, "FR")
                && let (Some(street), Some(place)) = (plain.read_street(), plain.read_place())
            {
                let mut encoded = String::new();
                plain.encode(&street, &place, &mut encoded);
                prop_assert_eq!(encoded, normalize(&parts, "FR").encode());
            }
        }

        #[test]
        fn all_ways_of_writing_a_street_are_one(
            number in 1u32..999,
            (suffix, suffixes) in prop_oneof![
                Just(("", ["", "", ""])),
                Just((" bis", [" bis", "bis", " BIS"])),
                Just((" B", [" B", "b", "B"])),
            ],
            (kind, kinds) in prop_oneof![
                Just(("rue", ["rue", "R.", "RUE"])),
                Just(("avenue", ["av", "AVE", "Av."])),
                Just(("boulevard", ["bd", "Bld.", "BLVD"])),
                Just(("chemin", ["che", "ch.", "CHEMIN"])),
            ],
            (name, names) in prop_oneof![
                Just(("de la Paix", ["de la Paix", "DE LA PAIX", "de  la Paix"])),
                Just(("du Général Leclerc", ["du Gal Leclerc", "du Général LECLERC", "du Gal. Leclerc"])),
                Just(("de l'Hermitage", ["de l'Hermitage", "DE L HERMITAGE", "de l’Hermitage"])),
            ],
            (part, parts) in prop_oneof![
                Just(("", ["", "", ""])),
                Just(("Bâtiment A", [" Bât A", ", bat. A", " - BATIMENT A"])),
                Just(("BP 12", [" BP12", ", B.P. 12", " - BP n° 12"])),
                Just(("Étage 2", [" 2e étage", ", 2ème étage", " - étage 2"])),
            ],
            way in 0usize..3,
        ) {
            for comma in ["", ","] {
                let written = format!("{number}{}{comma} {} {}{}", suffixes[way], kinds[way], names[way], parts[way]);
                let expected = format!("{number}{suffix}|{kind} {name}|{part}");
                prop_assert_eq!(street_of(&written), expected, "{}", written);
            }
        }
    }

    #[test]
    fn a_long_dash_separates_the_last_part_of_an_address() {
        for address in ["12 rue de la Paix – Bâtiment B", "12 –ue de", "–", "ZI Nord – Paris 75002"]
        {
            let parts = Parts { address, ..Parts::default() };
            assert!(!normalize(&parts, "FR").encode().is_empty(), "{address}");
        }
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
