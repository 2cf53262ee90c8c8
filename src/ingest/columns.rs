//! What the columns of an unknown table are, by what they are called and by what their cells hold.
//!
//! A header is looked up in `mappings/dictionaries/columns.toml`; the cells then confirm or refute
//! it. A column without a known name is told by its cells alone. Every guess says how sure it is,
//! and why. Only the content of the rows counts, never their order.

use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet},
    sync::LazyLock,
};

use csv::StringRecord;
use serde::Deserialize;

use super::{
    consent, headless, kind,
    mapping::{self, ColumnRule, ConsentRule, Label, Mapping, Rows},
    privacy,
};
use crate::{
    model::{self, Kind},
    table::{Channel, ConsentState},
    value::{
        boolean, dictionary, identifier, person,
        role::{self, Role},
        text::fold,
    },
};

/// Rows that are looked at: enough that a share of one percent shows, few enough to cost nothing.
pub const SAMPLE_ROWS: usize = 2_000;

/// One column, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// The header as written.
    pub header: String,
    /// Position in the table, from 0.
    pub index: usize,
    /// The attribute of the model, or one of those that the dictionary lists beside it; empty for a
    /// column that is neither: then `content` says what it holds.
    pub attribute: String,
    /// `work`, `home`, `billing`... or empty.
    pub label: String,
    /// The kind of record it speaks of, where name or table tell.
    pub on: Option<Kind>,
    /// What its cells are.
    pub content: Content,
    /// Among columns of one name, its number as written (`Tel 2`), or 0.
    pub number: u32,
    /// How sure, from 0 to 100.
    pub confidence: u8,
    /// Why: a lower-case phrase.
    pub reason: String,
}

/// What the cells of a column mostly are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// No cell is filled.
    Empty,
    /// Email addresses.
    Email,
    /// Web addresses.
    Url,
    /// SIRET with a right check digit.
    Siret,
    /// SIREN with a right check digit.
    Siren,
    /// Phone numbers.
    Phone,
    /// Dates.
    Date,
    /// Yes or no.
    Boolean,
    /// Few values, often repeated.
    Category,
    /// Codes: letters with digits, or digits of one length.
    Code,
    /// Other numbers.
    Number,
    /// Anything else.
    Text,
}

impl Class {
    /// The word used in attribute names of unknown columns: `x.<word>.<header>`.
    pub fn word(self) -> &'static str {
        match self {
            Class::Date => "date",
            Class::Boolean | Class::Category => "category",
            Class::Code | Class::Siren | Class::Siret => "code",
            Class::Number => "number",
            _ => "text",
        }
    }
}

/// What a look at the cells of a column tells; counts are of the sampled rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "each is the number of filled cells that are so")]
pub struct Content {
    pub rows: u32,
    pub filled: u32,
    pub distinct: u32,
    pub email: u32,
    pub url: u32,
    pub phone: u32,
    pub date: u32,
    pub siren: u32,
    pub siret: u32,
    pub boolean: u32,
    /// Yes, no, a word of consent or objection, or a date.
    pub answer: u32,
    pub civility: u32,
    /// Words that say person or organisation.
    pub kind: u32,
    /// Words that say customer, supplier...
    pub role: u32,
    /// Digits alone, with a decimal mark or a currency perhaps.
    pub number: u32,
    /// Digits alone.
    pub integer: u32,
    /// Integers from 1850 to 2100.
    pub year: u32,
    /// Integers from 1 to 31.
    pub up_to_31: u32,
    /// Integers from 1 to 12.
    pub up_to_12: u32,
    /// One word with a digit, no blank.
    pub code: u32,
    /// More letters than anything else.
    pub letters: u32,
    /// At least one digit.
    pub digits: u32,
    /// At least seven digits.
    pub seven_digits: u32,
    /// A postcode followed by a town.
    pub postcode_city: u32,
    /// A street and, after it, postcode and town.
    pub whole_address: u32,
    /// More than six words, or several lines.
    pub long: u32,
    /// All filled cells have this length, in characters; 0 when they differ.
    pub one_length: u32,
    /// The least and the greatest of the integers; 0 without any.
    pub least: u64,
    pub greatest: u64,
}

impl Content {
    /// Whether at least `percent` of the filled cells are counted in `count`.
    fn mostly(&self, count: u32, percent: u32) -> bool {
        self.filled > 0 && u64::from(count) * 100 >= u64::from(self.filled) * u64::from(percent)
    }

    /// Share of the rows whose cell is filled, in percent.
    pub fn fill(&self) -> u32 {
        if self.rows == 0 {
            0
        } else {
            (u64::from(self.filled) * 100 / u64::from(self.rows)) as u32
        }
    }

    /// What the cells mostly are.
    pub fn class(&self) -> Class {
        const MOST: u32 = 80;
        // A category comes back: each value three times on average, and there are not too many.
        let few = self.filled >= 3 && self.distinct * 3 <= self.filled && self.distinct <= 200;
        if self.filled == 0 {
            Class::Empty
        } else if self.mostly(self.email, MOST) {
            Class::Email
        } else if self.mostly(self.siret, MOST) {
            Class::Siret
        } else if self.mostly(self.siren, MOST) && self.distinct * 2 > self.filled {
            Class::Siren
        } else if self.mostly(self.date, MOST) {
            Class::Date
        } else if self.mostly(self.url, MOST) {
            Class::Url
        } else if self.mostly(self.phone, MOST) {
            Class::Phone
        } else if self.mostly(self.boolean, 95) && self.distinct <= 6 {
            Class::Boolean
        } else if few && !self.mostly(self.long, 30) {
            Class::Category
        } else if self.mostly(self.code, MOST) && !self.mostly(self.number, 50)
            || self.mostly(self.integer, 95) && self.one_length >= 5
        {
            Class::Code
        } else if self.mostly(self.number, MOST) {
            Class::Number
        } else {
            Class::Text
        }
    }

    fn of<'a>(cells: impl Iterator<Item = &'a str>) -> Content {
        let mut content = Content::default();
        let mut distinct: HashSet<&str> = HashSet::new();
        let mut lengths: BTreeSet<usize> = BTreeSet::new();
        for cell in cells {
            content.rows += 1;
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            content.filled += 1;
            distinct.insert(cell);
            if lengths.len() < 2 {
                lengths.insert(cell.chars().count());
            }
            content.look(cell);
        }
        content.distinct = distinct.len() as u32;
        if let (1, Some(&length)) = (lengths.len(), lengths.first()) {
            content.one_length = length as u32;
        }
        content
    }

    fn look(&mut self, cell: &str) {
        if let Ok(value) = cell.parse::<u64>() {
            self.least = if self.integer == 0 { value } else { self.least.min(value) };
            self.greatest = self.greatest.max(value);
        }
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
        let blanks = cell.chars().filter(|c| c.is_whitespace()).count();
        let characters = cell.chars().count();
        let mut count =
            |is: bool, counter: fn(&mut Content) -> &mut u32| *counter(self) += u32::from(is);
        count(digits > 0, |c| &mut c.digits);
        count(digits >= 7, |c| &mut c.seven_digits);
        count(letters * 2 > characters - blanks, |c| &mut c.letters);
        count(is_email(cell), |c| &mut c.email);
        count(is_url(cell), |c| &mut c.url);
        count(is_phone(cell, digits, letters), |c| &mut c.phone);
        count(is_date(cell, digits), |c| &mut c.date);
        if letters == 0 && (9..=14).contains(&digits) {
            let bare: String = cell.chars().filter(char::is_ascii_digit).collect();
            count(identifier::is_siren(&bare), |c| &mut c.siren);
            let siret = bare.len() == 14 && identifier::is_siren(&bare[..9]);
            count(siret, |c| &mut c.siret);
        }
        count(characters <= 8 && is_boolean(cell), |c| &mut c.boolean);
        count(characters <= 40 && consent::answer(cell).is_some(), |c| &mut c.answer);
        let civil = || person::civility(cell).is_some() || person::two_civilities(cell).is_some();
        count(characters <= 24 && civil(), |c| &mut c.civility);
        count(characters <= 24 && !role::of_word(cell).is_empty(), |c| &mut c.role);
        count(characters <= 24 && kind::of_word(cell).is_some(), |c| &mut c.kind);
        count(is_number(cell, digits), |c| &mut c.number);
        if digits > 0 && digits == characters {
            let value = cell.parse::<u64>().unwrap_or(u64::MAX);
            count(true, |c| &mut c.integer);
            count((1850..=2100).contains(&value), |c| &mut c.year);
            count((1..=31).contains(&value), |c| &mut c.up_to_31);
            count((1..=12).contains(&value), |c| &mut c.up_to_12);
        }
        count(digits > 0 && blanks == 0 && characters <= 30, |c| &mut c.code);
        let at = postcode_town(cell);
        count(at == Some(0), |c| &mut c.postcode_city);
        count(at.is_some_and(|at| at > 5), |c| &mut c.whole_address);
        count(blanks > 5 || cell.contains('\n'), |c| &mut c.long);
    }
}

fn is_email(cell: &str) -> bool {
    let Some((local, domain)) = cell.split_once('@') else { return false };
    !local.is_empty() && domain.contains('.')
}

fn is_url(cell: &str) -> bool {
    let lower = cell.to_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") || lower.starts_with("www.") {
        return true;
    }
    let host = lower.split('/').next().unwrap_or("");
    let Some((name, end)) = host.rsplit_once('.') else { return false };
    !host.contains([' ', '@', ','])
        && name.len() > 1
        && end.len() >= 2
        && end.bytes().all(|b| b.is_ascii_lowercase())
}

/// A number as people write it for dialling: seven digits at least, and a mark, a plus or a leading
/// zero, or a length that counts and codes seldom have.
fn is_phone(cell: &str, digits: usize, letters: usize) -> bool {
    let dialled = cell.chars().all(|c| c.is_ascii_digit() || " +().-/\u{a0}\u{202f}".contains(c));
    let extension =
        (1..=6).contains(&letters) && digits >= 9 && !cell.starts_with(char::is_alphabetic);
    let is_other = is_date(cell, digits) || is_ip_address(cell);
    if !(7..=30).contains(&digits) || !(dialled || extension) || is_other {
        return false;
    }
    let punctuated = cell.chars().filter(|c| !c.is_ascii_digit()).count() > 0;
    let bare = cell.len() == digits;
    let decimal = bare
        || matches!(cell.rsplit_once(['.', ',']), Some((_, cents)) if cents.len() <= 2
        && cell.chars().filter(|c| ".,".contains(*c)).count() == 1);
    cell.starts_with(['+', '0', '(']) || (punctuated && !decimal) || (bare && digits == 10)
}

/// Whether the text is an address of the Internet Protocol, as emailing tools keep beside a consent: four numbers up
/// to 255. Four pairs of digits are a phone number.
fn is_ip_address(cell: &str) -> bool {
    let parts: Vec<&str> = cell.split('.').collect();
    parts.len() == 4
        && parts.iter().all(|part| part.parse::<u8>().is_ok())
        && parts.iter().any(|part| part.len() != 2)
}

/// Whether the text is a date, or stands for one that is missing (`0/0/00`).
fn is_date(cell: &str, digits: usize) -> bool {
    if digits < 3 || cell.len() > 40 {
        return false;
    }
    let date = cell.split(['T', ' ']).next().unwrap_or(cell);
    for separator in ['/', '-', '.'] {
        let parts: Vec<&str> = date.split(separator).collect();
        if parts.len() == 3 {
            let numeric = parts
                .iter()
                .filter(|p| (1..=4).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
                .count();
            let month = parts[1].len() >= 3 && parts[1].chars().all(char::is_alphabetic);
            let small = |p: &str| p.parse::<u32>().is_ok_and(|n| n <= 31);
            let plausible = (small(parts[0]) || parts[0].len() == 4)
                && (small(parts[2]) || matches!(parts[2].len(), 2 | 4));
            return plausible && (numeric == 3 && small(parts[1]) || numeric == 2 && month);
        }
    }
    if cell.len() == 8 && digits == 8 {
        let part = |at: std::ops::Range<usize>| cell[at].parse::<u32>().unwrap_or(0);
        return (1850..=2100).contains(&part(0..4)) && part(4..6) <= 12 && part(6..8) <= 31;
    }
    // `12 mars 2018`, `March 5, 2018`
    let words = fold(cell);
    let words: Vec<&str> = words.split(' ').collect();
    const MONTHS: [&str; 24] = [
        "jan", "fev", "feb", "mar", "avr", "apr", "mai", "may", "jui", "jun", "jul", "aou", "aug",
        "sep", "oct", "okt", "nov", "dec", "dez", "maa", "mrz", "ene", "abr", "ago",
    ];
    (2..=3).contains(&words.len())
        && words
            .iter()
            .any(|w| w.len() == 4 && w.parse::<u32>().is_ok_and(|y| (1850..=2100).contains(&y)))
        && words.iter().any(|w| {
            w.len() >= 3 && MONTHS.contains(&&w[..3]) && w.bytes().all(|b| b.is_ascii_alphabetic())
        })
}

fn is_boolean(cell: &str) -> bool {
    boolean::parse(cell).is_some()
        || matches!(fold(cell).as_str(), "o" | "n" | "y" | "x" | "vrai" | "faux" | "true" | "false")
}

fn is_number(cell: &str, digits: usize) -> bool {
    digits > 0
        && cell.chars().all(|c| c.is_ascii_digit() || " ,.-+()€$£%\u{a0}\u{202f}".contains(c))
        && !is_date(cell, digits)
}

/// Where a postcode followed by a town starts, in bytes.
fn postcode_town(cell: &str) -> Option<usize> {
    let bytes = cell.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() || (at > 0 && bytes[at - 1].is_ascii_alphanumeric()) {
            at += 1;
            continue;
        }
        let length = bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        let rest = &cell[at + length..];
        let town = rest.trim_start_matches([' ', '\u{a0}', '-', ',']);
        // `1012 AB` is a Dutch postcode and no more.
        let dutch = length == 4 && town.len() == 2 && town.bytes().all(|b| b.is_ascii_uppercase());
        if (4..=5).contains(&length)
            && town.len() < rest.len()
            && town.starts_with(char::is_alphabetic)
            && !dutch
            && (length == 5 || at == 0)
        {
            return Some(at);
        }
        at += length;
    }
    None
}

// --- names ---------------------------------------------------------------------------------------

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    attribute: BTreeMap<String, Names>,
    label: BTreeMap<String, Vec<String>>,
    party: BTreeMap<Kind, Vec<String>>,
    bare_number: Filler,
    filler: Filler,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filler {
    words: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Names {
    on: Option<Kind>,
    fr: Vec<String>,
    en: Vec<String>,
    de: Vec<String>,
    es: Vec<String>,
    it: Vec<String>,
    nl: Vec<String>,
    weak: Vec<String>,
}

impl Names {
    fn by_language(&self) -> [(&'static str, &[String]); 6] {
        [
            ("fr", &self.fr),
            ("en", &self.en),
            ("de", &self.de),
            ("es", &self.es),
            ("it", &self.it),
            ("nl", &self.nl),
        ]
    }
}

/// Names are found by their letters alone: `E-mail`, `e_mail` and `email` are one.
struct Dictionary {
    names: HashMap<String, (String, bool)>,
    /// The languages that a name is in.
    languages: HashMap<String, Vec<&'static str>>,
    on: HashMap<String, Kind>,
    labels: HashMap<String, String>,
    party: HashMap<String, Kind>,
    filler: HashSet<String>,
    bare_number: HashSet<String>,
}

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let file: File = dictionary::read(include_str!("../../mappings/dictionaries/columns.toml"));
    let mut dictionary = Dictionary {
        names: HashMap::new(),
        languages: HashMap::new(),
        on: HashMap::new(),
        labels: HashMap::new(),
        party: HashMap::new(),
        filler: file.filler.words.into_iter().collect(),
        bare_number: file.bare_number.words.into_iter().collect(),
    };
    for (attribute, names) in file.attribute {
        if let Some(kind) = names.on {
            dictionary.on.insert(attribute.clone(), kind);
        }
        let strong = names.by_language();
        for (language, name) in strong.iter().flat_map(|(l, names)| names.iter().map(|n| (*l, n))) {
            dictionary.languages.entry(name.replace(' ', "")).or_default().push(language);
        }
        let strong = strong.into_iter().flat_map(|(_, names)| names).map(|n| (n, false));
        for (name, weak) in strong.chain(names.weak.iter().map(|n| (n, true))) {
            dictionary.names.entry(name.replace(' ', "")).or_insert((attribute.clone(), weak));
        }
    }
    for (label, words) in file.label {
        for word in words {
            dictionary.labels.insert(word.replace(' ', ""), label.clone());
        }
    }
    for (kind, words) in file.party {
        for word in words {
            dictionary.party.insert(word.replace(' ', ""), kind);
        }
    }
    dictionary
});

/// The ISO code of the language that the headers of a table are in: more of them, and two at least, are names in it
/// than in any other.
pub fn language(header: &[String]) -> Option<&'static str> {
    let mut names: BTreeMap<&'static str, u32> = BTreeMap::new();
    for header in header {
        let words = header_words(header).concat();
        let name = words.trim_end_matches(|c: char| c.is_ascii_digit());
        let known = DICTIONARY.languages.get(name).into_iter().flatten();
        for language in known.copied().collect::<BTreeSet<&'static str>>() {
            *names.entry(language).or_default() += 1;
        }
    }
    let most = names.values().max().copied().filter(|most| *most > 1)?;
    let mut first = names.into_iter().filter(|(_, count)| *count == most).map(|(l, _)| l);
    first.next().filter(|_| first.next().is_none())
}

/// What a header alone tells.
#[derive(Debug, Clone, Default, PartialEq)]
struct Named {
    attribute: String,
    label: String,
    party: Option<Kind>,
    number: u32,
    confidence: u8,
}

/// The words of a header: `FirstName` and `first_name` are two words, `Tel1` is `tel` and `1`.
fn header_words(header: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(header.len() + 8);
    let mut before = ' ';
    let mut rest = header.chars();
    while let Some(c) = rest.next() {
        let after = rest.clone().next().unwrap_or(' ');
        let camel = c.is_uppercase()
            && (before.is_lowercase() || before.is_uppercase() && after.is_lowercase());
        let digit = before.is_alphabetic() && c.is_ascii_digit();
        if camel || digit {
            spaced.push(' ');
        }
        spaced.push(if matches!(c, '°' | 'º' | 'ª') { ' ' } else { c });
        before = c;
    }
    fold(&spaced).split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

fn named(header: &str) -> Named {
    let dictionary = &*DICTIONARY;
    let words = header_words(header);
    let mut out = Named::default();
    if words.is_empty() {
        return out;
    }
    let lookup = |words: &[&str]| dictionary.names.get(&words.concat());
    let all: Vec<&str> = words.iter().map(String::as_str).collect();
    // A label or a party is a word beside the name of the column, not the name itself.
    if all.len() > 1 {
        for word in &all {
            if let Some(label) = dictionary.labels.get(*word) {
                out.label.clone_from(label);
            }
            out.party = out.party.or(dictionary.party.get(*word).copied());
        }
    }
    let take = |out: &mut Named, found: &(String, bool), confidence: u8| {
        out.attribute.clone_from(&found.0);
        out.confidence = if found.1 { confidence.min(45) } else { confidence };
    };
    let number =
        all.iter().rev().find_map(|w| w.parse::<u32>().ok().filter(|n| (1..=20).contains(n)));
    if let Some(found) = lookup(&all) {
        take(&mut out, found, 95);
        out.number = number.unwrap_or(0);
        // In `Dernier contact` the contact is no party; in `E-mail contact` it is.
        if !is_contact_point(&out.attribute) {
            out.party = None;
        }
        return out;
    }
    // Two-line headers and slashes: the last part that is a name counts, the others qualify it.
    let parts: Vec<&str> =
        header.split(['/', '(', ')', ':', '|', '\n']).filter(|p| !p.trim().is_empty()).collect();
    if parts.len() > 1 {
        for part in parts.iter().rev() {
            let own = header_words(part);
            let own: Vec<&str> = own.iter().map(String::as_str).collect();
            if own.iter().all(|w| dictionary.labels.contains_key(*w) || w.parse::<u32>().is_ok()) {
                continue;
            }
            if let Some(found) = lookup(&own) {
                take(&mut out, found, 88);
                out.number = number.unwrap_or(0);
                return out;
            }
        }
    }
    // Then without what qualifies: numbers, labels, parties, fillers.
    let component =
        |at: usize| all[at].len() == 1 && all.get(at + 1).is_some_and(|w| w.parse::<u32>().is_ok());
    let mut rest: Vec<&str> = (0..all.len())
        .filter(|&at| all[at].parse::<u32>().is_err() && !(at > 0 && component(at)))
        .map(|at| all[at])
        .collect();
    out.number = number.unwrap_or(0);
    type IsNoise<'d> = &'d dyn Fn(&str) -> bool;
    let steps: [(IsNoise<'_>, u8); 3] = [
        (&|w| dictionary.labels.contains_key(w), 85),
        (&|w| dictionary.party.contains_key(w), 80),
        (&|w| dictionary.filler.contains(w), 75),
    ];
    if let Some(found) = lookup(&rest).filter(|_| !rest.is_empty()) {
        take(&mut out, found, 90);
        return out;
    }
    let mut numbered = all.clone();
    for (drop, confidence) in steps {
        let kept: Vec<&str> = rest.iter().copied().filter(|w| !drop(w)).collect();
        if kept.is_empty() {
            continue;
        }
        rest = kept;
        numbered.retain(|w| !drop(w));
        // `Billing Address 2` is the second line of an address, `Tel 2 bureau` another telephone.
        if let Some(found) = lookup(&numbered).or_else(|| lookup(&rest)) {
            take(&mut out, found, confidence);
            return out;
        }
    }
    // The head of the phrase: as many of the last words as are a name in English (`Default Address
    // Country Code`), of the first ones in French.
    let telling =
        |found: &&(String, bool)| !found.1 && (is_contact_point(&found.0) || is_name(&found.0));
    let long = |words: &[&str]| words.iter().map(|w| w.len()).sum::<usize>() > 2;
    let behind = (1..all.len()).map(|at| &all[at..]);
    let before = (1..rest.len()).rev().map(|end| &rest[..end]);
    let head =
        behind.chain(before).filter(|words| long(words)).find_map(|w| lookup(w).filter(telling));
    if let Some(found) = head {
        take(&mut out, found, HEAD_OF_PHRASE);
    }
    out
}

/// How sure the first or last words of a longer header are, in percent.
const HEAD_OF_PHRASE: u8 = 40;

// --- names and cells together --------------------------------------------------------------------

/// Whether the cells can be values of `attribute`; `None` when they do not tell.
fn cells_agree(attribute: &str, c: &Content) -> Option<bool> {
    if c.filled == 0 {
        return None;
    }
    let by = |count: u32, yes: u32| Some(c.mostly(count, yes));
    match attribute {
        "email" => by(c.email, 30),
        "phone" | "mobile" | "fax" => {
            let dialled = c.mostly(c.phone, 20)
                || c.mostly(c.digits, 60) && !c.mostly(c.letters, 40) && !c.mostly(c.date, 50);
            Some(dialled)
        }
        "website" => by(c.url, 30),
        "postcode" => {
            Some(c.mostly(c.digits, 50) && !c.mostly(c.long, 10) && !c.mostly(c.email, 10))
        }
        "siren" | "siret" | "iban" | "vat" => by(c.seven_digits, 50),
        "birth_date" | "date" | "due_date" | "created_at" | "updated_at" | "last_sale"
        | "last_contact" | "last_response" => Some(
            c.mostly(c.date, 30)
                || c.mostly(c.year, 80)
                || c.mostly(c.digits, 60)
                    && !c.mostly(c.letters, 60)
                    && !c.mostly(c.phone, 50)
                    && !c.mostly(c.up_to_31, 90),
        ),
        "birth_year" => by(c.year, 80),
        "birth_month" => by(c.up_to_12, 80),
        "birth_day" => by(c.up_to_31, 80),
        "whole_name" | "name" | "full_name" | "first_name" | "last_name" | "city" | "job_title"
        | "alias" | "middle_name" | "maiden_name" | "company" => Some(
            c.mostly(c.letters, 40)
                && !c.mostly(c.email, 50)
                && !c.mostly(c.date, 50)
                && !c.mostly(c.url, 90),
        ),
        "street" | "address" | "street_2" | "street_3" => Some(
            (c.mostly(c.letters, 20) || c.mostly(c.digits, 20))
                && !c.mostly(c.email, 50)
                && !c.mostly(c.date, 50),
        ),
        "postcode_city" => by(c.letters.min(c.digits), 30),
        "street_number" => Some(c.mostly(c.digits, 50) && !c.mostly(c.long, 20)),
        "amount" | "amount_excl_tax" | "balance" | "credit_limit" | "sales_excl_tax"
        | "sales_incl_tax" => by(c.number, 50),
        "customer_code" | "account_code" | "supplier_code" if c.class() == Class::Boolean => {
            Some(false)
        }
        "customer_code" | "account_code" | "supplier_code" => Some(
            c.mostly(c.code, 50)
                || c.distinct * 2 > c.filled && !c.mostly(c.long, 20) && !c.mostly(c.letters, 95),
        ),
        "gender" => Some(c.distinct <= 12),
        "active" | "inactive" => Some(c.distinct <= 12),
        _ if attribute.starts_with("consent_") => by(c.answer, 30),
        _ => None,
    }
}

/// What one cell is by itself.
pub fn class_of(cell: &str) -> Class {
    Content::of(std::iter::once(cell)).class()
}

/// Whether the dictionary knows a name, given as its letters alone: any table may have such a column.
pub(super) fn is_plain(letters: &str) -> bool {
    DICTIONARY.names.contains_key(letters)
}

/// Whether a word of a caption speaks of the address where bills go, or goods: `Adresse de livraison`.
pub(super) fn names_billing_or_delivery(caption: &str) -> bool {
    let label = |word: &String| DICTIONARY.labels.get(word).map(String::as_str);
    header_words(caption).iter().any(|word| matches!(label(word), Some("billing" | "delivery")))
}

/// Whether a column so called numbers the rows, or claims to: whether it does, its cells tell.
pub fn numbers_rows(header: &str) -> bool {
    header.trim().is_empty() || named(header).attribute == "row_id"
}

/// What every column of a table is, in their order.
///
/// `rows` is a sample of the rows, in any order; see [`Sample`].
pub fn understand(header: &[String], rows: &[StringRecord]) -> Vec<Understood> {
    let mut columns: Vec<Understood> = header
        .iter()
        .enumerate()
        .map(|(index, header)| {
            let content = Content::of(rows.iter().map(|row| row.get(index).unwrap_or("")));
            one(index, header, content)
        })
        .collect();
    if headless::is_headless(header) {
        headless::settle(&mut columns, rows);
    }
    settle_table(&mut columns);
    columns
}

/// One column by itself.
fn one(index: usize, header: &str, content: Content) -> Understood {
    let named = named(header);
    let mut column = Understood {
        header: header.to_owned(),
        index,
        attribute: named.attribute,
        label: named.label,
        on: named.party,
        content,
        number: named.number,
        confidence: named.confidence,
        reason: String::new(),
    };
    let c = &content;
    // Names that mean two things are told apart by the cells.
    let codes = c.mostly(c.code, 80)
        && !c.mostly(c.letters, 80)
        && !matches!(c.class(), Class::Boolean | Class::Category);
    let said = role::of_word(header);
    let settled = match column.attribute.as_str() {
        "title" if c.mostly(c.civility, 50) => Some("civility"),
        "title" if c.filled > 0 => Some("job_title"),
        "civility" if c.filled > 0 && c.distinct > 40 && !c.mostly(c.civility, 20) => {
            Some("job_title")
        }
        "job_title" if c.mostly(c.civility, 80) => Some("civility"),
        // `Fournisseur: oui, non`, and a table whose names stand below `Fournisseur`.
        "" | "name" | "whole_name" if c.class() == Class::Boolean && said == [Role::Supplier] => {
            Some("is_supplier")
        }
        "" | "name" | "whole_name" if c.class() == Class::Boolean && said == [Role::Customer] => {
            Some("is_customer")
        }
        "" | "name" if said == [Role::Supplier] && codes => Some("supplier_code"),
        "" if said == [Role::Supplier] && c.mostly(c.letters, 60) => Some("whole_name"),
        "whole_name" if codes => {
            Some(if named_compact(header) == "compte" { "account_code" } else { "customer_code" })
        }
        // `Type: Société, Particulier` is neither a legal form nor a category.
        "" | "legal_form" if c.filled > 1 && c.mostly(c.kind, 80) => Some("kind"),
        "" if c.filled > 1 && c.mostly(c.role, 80) => Some("role"),
        "street" if c.mostly(c.whole_address, 50) => Some("address"),
        "city" | "postcode" if c.mostly(c.postcode_city, 50) => Some("postcode_city"),
        // `birth_day` and `birthday` are one word.
        "birth_date" if c.mostly(c.up_to_31, 90) => Some("birth_day"),
        "provenance" if c.filled > 10 && c.distinct * 2 > c.filled => Some(""),
        _ => None,
    };
    if let Some(settled) = settled {
        settled.clone_into(&mut column.attribute);
    }
    // Of `Ne pas autoriser les envois en nombre` the last words would be a name: what the whole says comes first.
    let answers = c.filled == 0 || c.mostly(c.answer, 80);
    let is_guess = column.confidence <= HEAD_OF_PHRASE;
    let consent = consent_of_words(header).filter(|_| is_guess && settled.is_none());
    if consent.is_some() {
        column.attribute.clear();
    }
    match (column.attribute.is_empty(), cells_agree(&column.attribute, c)) {
        (true, _) if answers && consent.is_some() => {
            column.attribute = consent.unwrap_or_default();
            column.confidence = 60;
            column.reason = "the words of its name say it and its cells agree".into();
        }
        (false, Some(true)) => {
            column.confidence = column.confidence.max(60).saturating_add(4).min(99);
            column.reason = "its name says it and its cells agree".into();
        }
        (false, None) if matches!(column.attribute.as_str(), "kind" | "role") => {
            column.confidence = column.confidence.max(70);
            column.reason = "its cells say it".into();
        }
        (false, None) => column.reason = "its name says it".into(),
        (false, Some(false)) => {
            column.reason =
                format!("it is named like `{}`, but its cells are not", column.attribute);
            column.attribute.clear();
            column.confidence = 30;
            by_cells(&mut column);
        }
        (true, _) => {
            column.reason = "its name is not known".into();
            column.confidence = 30;
            by_cells(&mut column);
        }
    }
    if c.filled == 0 && column.confidence <= 45 {
        column.attribute.clear();
    }
    if !is_contact_point(&column.attribute) {
        column.label.clear();
    }
    if c.filled == 0 && !column.attribute.is_empty() {
        column.confidence = column.confidence.min(50);
        column.reason = "its name says it; no cell is filled".into();
    }
    column.on = column.on.or(DICTIONARY.on.get(&column.attribute).copied());
    column
}

fn named_compact(header: &str) -> String {
    header_words(header).concat()
}

/// The attribute that the cells alone tell, if they tell one.
fn by_cells(column: &mut Understood) {
    let attribute = match column.content.class() {
        Class::Email => "email",
        Class::Url => "website",
        Class::Siret => "siret",
        Class::Siren => "siren",
        Class::Phone => "phone",
        _ if column.content.mostly(column.content.whole_address, 70) => "address",
        _ if column.content.mostly(column.content.postcode_city, 70) => "postcode_city",
        _ if column.content.mostly(column.content.civility, 80) => "civility",
        _ => return,
    };
    attribute.clone_into(&mut column.attribute);
    column.confidence = if attribute == "email" { 85 } else { 60 };
    column.reason.push_str("; its cells say it");
}

/// What only the whole table tells: which of several columns is the name, what `Nom` means beside
/// `Prénom`, which address parts belong together.
fn settle_table(columns: &mut [Understood]) {
    let has =
        |columns: &[Understood], attribute: &str| columns.iter().any(|c| c.attribute == attribute);
    // `Nom` beside `Prénom` is the last name.
    let first_name = has(columns, "first_name");
    let last_name = has(columns, "last_name");
    let full_name = has(columns, "full_name");
    let company = has(columns, "name");
    for column in columns.iter_mut().filter(|c| c.attribute == "whole_name") {
        let person = column.on == Some(Kind::Person);
        let organisation = column.on == Some(Kind::Organisation);
        let meant = if first_name && !last_name && !organisation {
            "last_name"
        } else if organisation || (first_name || last_name) && !person && !company {
            "name"
        } else if person || company {
            // `Nom` beside `Société`: the person, unless another column names that one already.
            if full_name { continue } else { "full_name" }
        } else {
            continue;
        };
        meant.clone_into(&mut column.attribute);
        column.on = DICTIONARY.on.get(meant).copied();
        column.reason.push_str("; the other columns tell which name");
    }
    // `Contact` beside `Prénom` and without a last name is the last name.
    if has(columns, "first_name") && !has(columns, "last_name") {
        let mut names = columns.iter_mut().filter(|c| c.attribute == "full_name");
        if let (Some(column), None) = (names.next(), names.next()) {
            column.attribute = "last_name".into();
            column.reason.push_str("; the first name stands in another column");
        }
    }
    // A weak name holds only where nothing better claims the attribute.
    for at in 0..columns.len() {
        let column = &columns[at];
        if column.confidence > 64 || column.attribute.is_empty() {
            continue;
        }
        let better = columns.iter().enumerate().any(|(other, c)| {
            other != at
                && c.attribute == column.attribute
                && (c.confidence, c.content.filled, c.content.distinct, usize::MAX - other)
                    > (
                        column.confidence,
                        column.content.filled,
                        column.content.distinct,
                        usize::MAX - at,
                    )
        });
        if better && !many(&column.attribute) {
            columns[at].attribute.clear();
            columns[at].reason.push_str("; another column is surer");
        }
    }
    number_of_customers(columns);
    keep_one(columns, "name", "alias");
    keep_one(columns, "whole_name", "");
    keep_one(columns, "birth_date", "");
    keep_one(columns, "city", "");
    join_number_to_street(columns);
    gather_birth_date(columns);
    label_addresses(columns);
}

/// `N°` beside a name is the customer's number where its values are codes that hardly come back, and do not
/// count the rows; unless another column is the code.
fn number_of_customers(columns: &mut [Understood]) {
    let has = |wanted: &[&str]| columns.iter().any(|c| wanted.contains(&c.attribute.as_str()));
    let named = has(&["whole_name", "name", "full_name", "last_name"]);
    if !named || has(&["customer_code", "account_code"]) {
        return;
    }
    let is_bare = |header: &str| {
        let last = header.rsplit(['/', '|', '\n']).next().unwrap_or(header);
        matches!(header_words(last).as_slice(), [word] if DICTIONARY.bare_number.contains(word))
    };
    let is_code = |c: &Content| {
        // As many numbers as rows, one after the other, number the rows.
        let counts = c.mostly(c.integer, 95) && c.greatest - c.least < 2 * u64::from(c.filled);
        c.filled >= 5
            && c.fill() >= 80
            && c.mostly(c.distinct, 95)
            && c.mostly(c.code, 95)
            && !counts
    };
    let found = columns.iter_mut().find(|column| {
        column.attribute == "row_id" && is_bare(&column.header) && is_code(&column.content)
    });
    if let Some(column) = found {
        column.attribute = "customer_code".into();
        column.confidence = DOUBTFUL_CODE;
        column.reason = "it does not say what it numbers; its values are codes that hardly come back, beside a name".into();
    }
}

/// How sure it is that a number without a name of its own is the customer's.
const DOUBTFUL_CODE: u8 = 45;

/// Whether a column is surely one of codes: not a number that does not say what it numbers.
pub fn is_sure_code(column: &Understood) -> bool {
    matches!(column.attribute.as_str(), "customer_code" | "account_code")
        && column.confidence > DOUBTFUL_CODE
}

/// Whether a record may have several values of the attribute, or several columns of it.
pub(super) fn many(attribute: &str) -> bool {
    matches!(
        attribute,
        "email" | "phone" | "mobile" | "fax" | "notes" | "category" | "alias" | "iban"
    ) || is_address_part(attribute)
        || attribute.starts_with("consent_")
}

/// Of several unnumbered columns with a single-valued attribute the surest keeps it.
fn keep_one(columns: &mut [Understood], attribute: &str, instead: &str) {
    let mut claims: Vec<usize> = (0..columns.len())
        .filter(|&at| {
            columns[at].attribute == attribute
                && columns[at].number == 0
                && columns[at].label.is_empty()
        })
        .collect();
    claims.sort_by_key(|&at| {
        let c = &columns[at];
        std::cmp::Reverse((c.confidence, c.content.filled, c.content.distinct, usize::MAX - at))
    });
    for &at in claims.iter().skip(1) {
        instead.clone_into(&mut columns[at].attribute);
        columns[at].reason.push_str("; another column is surer");
    }
}

/// A house number belongs to the street; where no street is, it is the street.
fn join_number_to_street(columns: &mut [Understood]) {
    let street = columns.iter().any(|c| c.attribute == "street");
    if !street {
        for column in columns.iter_mut().filter(|c| c.attribute == "street_number") {
            column.attribute = "street".into();
        }
    }
}

/// Year, month and day in three columns are one date only together.
fn gather_birth_date(columns: &mut [Understood]) {
    let at = |columns: &[Understood], a: &str| columns.iter().position(|c| c.attribute == a);
    // `year`, `month`, `day` are named so in many ways; the cells and a common stem tell the rest.
    if at(columns, "birth_year").is_none() {
        for column in columns
            .iter_mut()
            .filter(|c| c.attribute == "birth_month" || c.attribute == "birth_day")
        {
            column.attribute.clear();
            column.on = None;
        }
    }
}

fn is_name(attribute: &str) -> bool {
    matches!(
        attribute,
        "whole_name"
            | "name"
            | "full_name"
            | "first_name"
            | "last_name"
            | "siren"
            | "siret"
            | "vat"
            | "iban"
    )
}

fn is_contact_point(attribute: &str) -> bool {
    is_address_part(attribute)
        || matches!(attribute, "email" | "phone" | "mobile" | "fax" | "website")
}

fn is_address_part(attribute: &str) -> bool {
    matches!(
        attribute,
        "address"
            | "street"
            | "street_2"
            | "street_3"
            | "po_box"
            | "postcode"
            | "city"
            | "postcode_city"
            | "state"
            | "country"
            | "street_number"
    )
}

/// Parts without a label take that of the street before them, unless an unlabelled street is there;
/// a second set of the same parts is another address.
fn label_addresses(columns: &mut [Understood]) {
    let anchor = |c: &Understood| matches!(c.attribute.as_str(), "street" | "address");
    let plain_anchor = columns.iter().any(|c| anchor(c) && c.label.is_empty());
    let mut last = String::new();
    if !plain_anchor {
        for column in columns.iter_mut().filter(|c| is_address_part(&c.attribute)) {
            if anchor(column) {
                last.clone_from(&column.label);
            } else if column.label.is_empty() {
                column.label.clone_from(&last);
            }
        }
    }
    let mut seen: BTreeMap<(String, String, Option<Kind>), u32> = BTreeMap::new();
    for column in columns.iter_mut().filter(|c| is_address_part(&c.attribute)) {
        let times =
            seen.entry((column.attribute.clone(), column.label.clone(), column.on)).or_default();
        *times += 1;
        if *times > 1 {
            column.label = if *times == 2 { "other".into() } else { format!("other {times}") };
        }
    }
}

// --- as a mapping -------------------------------------------------------------------------------

/// What a table lacks to be one of customers; none of one that is.
pub fn lacking(columns: &[Understood]) -> Option<&'static str> {
    const REACHED: [&str; 13] = [
        "email",
        "phone",
        "mobile",
        "address",
        "street",
        "postcode_city",
        "city",
        "postcode",
        "customer_code",
        "account_code",
        "supplier_code",
        "siren",
        "siret",
    ];
    let has = |wanted: &[&str]| columns.iter().any(|c| wanted.contains(&c.attribute.as_str()));
    let named = has(&PERSON_NAMES) || has(&["whole_name", "name"]);
    match (named, has(&REACHED)) {
        _ if has(&["email"]) => None,
        (true, true) => None,
        (true, false) => {
            Some("a column names somebody, and none tells a code or how to reach them")
        }
        (false, true) => Some("no column names anybody"),
        (false, false) => Some("no column names anybody or tells how to reach them"),
    }
}

/// Attributes that name a person.
const PERSON_NAMES: [&str; 3] = ["first_name", "last_name", "full_name"];

/// How a customer table that fits no known layout is read; `None` when it is no customer table.
///
/// A customer table has a name column and one of email, phone, address or code; or emails alone.
pub fn mapping(columns: &[Understood]) -> Option<Mapping> {
    if lacking(columns).is_some() {
        return None;
    }
    let has = |wanted: &[&str]| columns.iter().any(|c| wanted.contains(&c.attribute.as_str()));
    let person = has(&PERSON_NAMES);
    let rows = if has(&["whole_name"]) {
        Rows::Decide
    } else if has(&["name"]) && !person {
        Rows::Organisation
    } else if has(&["name"]) || !person {
        Rows::Both
    } else {
        Rows::Person
    };
    let mut mapping = Mapping {
        name: "generic".into(),
        label: Label { en: "Customer table".into(), fr: "Fichier clients".into() },
        rows,
        ..Mapping::default()
    };
    let id = |wanted: &str| columns.iter().find(|c| c.attribute == wanted);
    if let Some(column) = id("customer_code").or_else(|| id("account_code")) {
        mapping.codes = true;
        mapping.id = vec![column.header.clone()];
    } else if let Some(column) = id("supplier_code").or_else(|| id("row_id")) {
        mapping.id = vec![column.header.clone()];
    }
    for column in columns {
        let consents = consent_rules(column);
        if consents.is_empty() {
            mapping.columns.extend(rule(column, columns));
        } else {
            mapping.consents.extend(consents);
        }
        if column.attribute.is_empty() {
            mapping.private.extend(privacy::rules(&column.header));
        }
    }
    Some(mapping)
}

/// The rule of a mapping for one of the columns of a table; none when no attribute takes it.
pub(super) fn rule(column: &Understood, columns: &[Understood]) -> Option<ColumnRule> {
    let own = mapping::key(&column.header);
    let attribute = match column.attribute.as_str() {
        "whole_name" => "name",
        known if model::attribute(known).is_some() || mapping::COMPOSED.contains(&known) => known,
        _ => return None,
    };
    if own.is_empty() {
        return None;
    }
    let same = |c: &&Understood| mapping::key(&c.header) == own;
    let repeated = columns.iter().filter(same).count() > 1;
    let before = columns.iter().filter(same).filter(|c| c.index <= column.index).count();
    // Of what both kinds have, the table's own words say whose it is.
    let has = |wanted: &[&str]| columns.iter().any(|c| wanted.contains(&c.attribute.as_str()));
    let both = model::attribute(attribute).is_some_and(|a| a.on.len() > 1);
    let two = has(&["first_name", "last_name", "full_name"]) && has(&["name", "whole_name"]);
    let on = column.on.filter(|_| both && two);
    Some(ColumnRule {
        header: vec![column.header.clone()],
        nth: if repeated { before } else { 0 },
        attribute: attribute.to_owned(),
        on: on.into_iter().collect(),
        label: column.label.clone(),
        ..ColumnRule::default()
    })
}

/// What a column that is a permission or an objection says; empty for any other column.
pub(super) fn consent_rules(column: &Understood) -> Vec<ConsentRule> {
    use ConsentState::{HardBounce, OptIn, OptOut};
    let Some((means, sense)) =
        column.attribute.strip_prefix("consent_").and_then(|c| c.split_once('_'))
    else {
        return Vec::new();
    };
    let allows: &[_] = &[("yes", OptIn), ("permission", OptIn), ("date", OptIn)];
    let forbids: &[_] = &[("no", OptOut), ("objection", OptOut)];
    let rule = |channels: &[Channel], words: &[&[(&str, ConsentState)]]| ConsentRule {
        column: vec![column.header.clone()],
        channels: channels.to_vec(),
        words: words.concat().into_iter().map(|(word, state)| (word.to_owned(), state)).collect(),
        ..ConsentRule::default()
    };
    let all = Channel::ALL;
    let one = all.iter().position(|channel| channel.as_str() == means).map(|at| &all[at..=at]);
    let channels = one.unwrap_or(&all);
    match sense {
        "in" if one.is_none() => {
            vec![rule(&[Channel::Email], &[allows]), rule(channels, &[forbids])]
        }
        "in" => vec![rule(channels, &[allows, forbids])],
        "may" => vec![rule(channels, &[forbids])],
        "out" => {
            vec![rule(channels, &[&[("yes", OptOut), ("objection", OptOut), ("date", OptOut)]])]
        }
        "bounce" => vec![rule(channels, &[&[("yes", HardBounce), ("date", HardBounce)]])],
        _ => Vec::new(),
    }
}

/// What a column says about consent by its name alone; none when the name does not tell.
pub(super) fn consent_named(header: &str) -> Option<Vec<ConsentRule>> {
    let rules = consent_rules(&one(0, header, Content::default()));
    (!rules.is_empty()).then_some(rules)
}

/// Whether a column is known as one of consent by its name alone.
pub fn is_consent(header: &str) -> bool {
    consent_named(header).is_some()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentWords {
    telling: Telling,
    means: BTreeMap<String, Vec<String>>,
    purpose: Beginnings,
    sense: Sense,
    no_means: Filler,
    counts: Filler,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Telling {
    beginnings: Vec<String>,
    whole: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beginnings {
    beginnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sense {
    objects: Vec<String>,
    allows: Vec<String>,
}

static CONSENT_WORDS: LazyLock<ConsentWords> = LazyLock::new(|| {
    dictionary::read(include_str!("../../mappings/dictionaries/consent_columns.toml"))
});

/// Whether a column that no attribute takes seems to say who may be contacted: its name says by which means and in
/// which sense, or it has a word of consent and its cells answer yes or no. One that the sample leaves blank seems so
/// too: marks may stand further down.
pub fn looks_like_consent(column: &Understood) -> bool {
    let Telling { beginnings, whole } = &CONSENT_WORDS.telling;
    let is_telling =
        |word: &String| whole.contains(word) || beginnings.iter().any(|b| word.starts_with(b));
    let answers = column.content.filled == 0 || column.content.mostly(column.content.answer, 50);
    let words = header_words(&column.header);
    let is_told = || answers && words.iter().any(is_telling) && !counts(&words);
    column.attribute.is_empty()
        && !is_of_no_means(&words)
        && (is_told() || consent_of_words(&column.header).is_some())
}

/// Whether the column at this position seems to say who may be contacted, by its name and its cells in these rows.
pub(super) fn may_be_consent<'r>(
    at: usize,
    header: &str,
    rows: impl Iterator<Item = &'r StringRecord>,
) -> bool {
    let content = Content::of(rows.map(|row| row.get(at).unwrap_or("")));
    looks_like_consent(&one(at, header, content))
}

/// Whether the words of a name say that its column counts something; `en nombre` says how much is sent.
fn counts(words: &[String]) -> bool {
    let is_bulk = |at: usize| at > 0 && words[at - 1] == "en";
    let is_count = |at: usize| CONSENT_WORDS.counts.words.contains(&words[at]) && !is_bulk(at);
    (0..words.len()).any(is_count)
}

/// Whether a name speaks of a means by which nobody is contacted here, and of no other: `Do not allow Faxes`.
fn is_of_no_means(words: &[String]) -> bool {
    let begins = |word: &String| CONSENT_WORDS.no_means.words.iter().any(|w| word.starts_with(w));
    words.iter().any(begins) && means_of(words).is_empty()
}

/// The means that a name speaks of. Longer words come first: `courrier électronique` is no letter.
fn means_of(words: &[String]) -> BTreeSet<&'static str> {
    let means = CONSENT_WORDS.means.iter();
    let mut stems: Vec<(&str, &str)> = means
        .flat_map(|(means, stems)| stems.iter().map(|stem| (stem.as_str(), means.as_str())))
        .collect();
    stems.sort_by_key(|(stem, means)| (std::cmp::Reverse(stem.len()), *means));
    let mut text = format!(" {} ", words.join(" "));
    let mut found = BTreeSet::new();
    for (stem, means) in stems {
        let word = format!(" {stem}");
        if text.contains(&word) {
            text = text.replace(&word, " ");
            found.insert(means);
        }
    }
    found
}

/// The consent that the words of an unknown name tell where they say both the means or purpose and the
/// sense: `Refus des appels commerciaux`.
fn consent_of_words(header: &str) -> Option<String> {
    let dictionary = &*CONSENT_WORDS;
    let words = header_words(header);
    if counts(&words) {
        return None;
    }
    let text = format!(" {} ", words.join(" "));
    let any = |stems: &[String]| stems.iter().any(|stem| text.contains(&format!(" {stem}")));
    let named = means_of(&words);
    let mut named = named.into_iter();
    let means = match (named.next(), named.next()) {
        (Some(one), None) => one,
        (None, _) if !any(&dictionary.purpose.beginnings) => return None,
        _ => "all",
    };
    let sense = match (any(&dictionary.sense.objects), any(&dictionary.sense.allows)) {
        (true, _) => "out",
        (false, true) if means == "all" => return Some("consent_all_may".into()),
        (false, true) => "in",
        _ => return None,
    };
    Some(format!("consent_{means}_{sense}"))
}

/// A sample of rows that does not depend on their order: those whose content has the smallest hashes.
#[derive(Debug, Default)]
pub struct Sample {
    heap: BinaryHeap<Sampled>,
    seen: u64,
}

#[derive(Debug)]
struct Sampled {
    hash: u64,
    row: StringRecord,
}

impl PartialEq for Sampled {
    fn eq(&self, other: &Sampled) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Sampled {}
impl PartialOrd for Sampled {
    fn partial_cmp(&self, other: &Sampled) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Sampled {
    fn cmp(&self, other: &Sampled) -> std::cmp::Ordering {
        self.hash.cmp(&other.hash).then_with(|| self.row.iter().cmp(other.row.iter()))
    }
}

impl Sample {
    /// Takes a row into account.
    pub fn add(&mut self, row: &StringRecord) {
        self.seen += 1;
        let hash = hash(row.as_slice());
        if self.heap.len() == SAMPLE_ROWS {
            if self.heap.peek().is_some_and(|worst| worst.hash < hash) {
                return;
            }
            self.heap.push(Sampled { hash, row: row.clone() });
            self.heap.pop();
        } else {
            self.heap.push(Sampled { hash, row: row.clone() });
        }
    }

    /// How many rows were seen.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The rows, in an order of their own.
    pub fn rows(self) -> Vec<StringRecord> {
        self.heap.into_sorted_vec().into_iter().map(|s| s.row).collect()
    }
}

/// A hash of a text that is the same on every machine and with every version (FNV-1a).
pub fn hash(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    // The low bits of FNV mix well, the high ones, which order the sample, less so.
    hash ^ hash.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_internet_are_no_phone_numbers() {
        let columns =
            read(&["Valeur: 88.124.3.201; 92.184.110.7", "Telefon: 22.33.44.55; 21.30.40.50"]);
        assert_eq!(columns[0].attribute, "");
        assert_eq!(columns[1].attribute, "phone");
    }

    #[test]
    fn what_may_not_be_sent_is_told_in_every_language() {
        for (column, expected) in [
            ("Do not allow Emails: Do Not Allow; Allow", "consent_email_out"),
            ("Do not allow Bulk Emails: Allow; Allow", "consent_email_out"),
            ("Do not allow Phone Calls: Allow; Do Not Allow", "consent_phone_out"),
            ("Do not allow Mails: Allow; Do Not Allow", "consent_post_out"),
            ("Ne pas autoriser les e-mails: Ne pas autoriser; Autoriser", "consent_email_out"),
            (
                "Ne pas autoriser les courriers électroniques: Autoriser; Autoriser",
                "consent_email_out",
            ),
            (
                "Ne pas autoriser les envois en nombre: Autoriser; Ne pas autoriser",
                "consent_all_out",
            ),
            (
                "Ne pas autoriser les appels téléphoniques: Autoriser; Autoriser",
                "consent_phone_out",
            ),
            ("Ne pas autoriser le courrier: Autoriser; Ne pas autoriser", "consent_post_out"),
            ("E-Mails nicht zulassen: Nicht zulassen; Zulassen", "consent_email_out"),
            ("Telefonanrufe nicht zulassen: Zulassen; Zulassen", "consent_phone_out"),
            ("No permitir correos electrónicos: Permitir; No permitir", "consent_email_out"),
            ("No permitir llamadas telefónicas: Permitir; Permitir", "consent_phone_out"),
            ("Non consentire e-mail: Consentire; Non consentire", "consent_email_out"),
            ("Geen e-mails toestaan: Toestaan; Niet toestaan", "consent_email_out"),
            ("donotbulkemail: 0; 1", "consent_email_out"),
            ("Send Marketing Materials: Send; Do Not Send", "consent_all_may"),
            ("Autoriser les e-mails: oui; non", "consent_email_in"),
        ] {
            assert_eq!(
                attributes(&["Nom: Roux; Petit", column]).split_once(" | ").map(|c| c.1),
                Some(expected),
                "{column}"
            );
        }
        // Without cells too: a run asks the name alone.
        for header in ["Do not allow Emails", "Ne pas autoriser les envois en nombre"] {
            assert!(is_consent(header), "{header}");
        }
        for header in
            ["(Do Not Modify) Contact", "Do not allow Faxes", "Prénom usuel", "Nombre de contacts"]
        {
            assert!(!is_consent(header), "{header}");
        }
    }

    #[test]
    fn a_column_that_speaks_of_contacting_is_no_name_and_is_told() {
        let odd = "Ne pas autoriser les envois en nombre: voir dossier; au cas par cas";
        let columns = read(&["Nom: Roux; Petit", odd]);
        assert_eq!(columns[1].attribute, "");
        assert!(looks_like_consent(&columns[1]));
        let columns = read(&[
            "Nom: Roux; Petit",
            "Do not allow Faxes: Allow; Do Not Allow",
            "(Do Not Modify) Contact: a1; b2",
        ]);
        assert!(!columns.iter().any(looks_like_consent));
    }

    #[test]
    fn a_column_that_counts_refusals_is_no_refusal_and_a_blank_one_may_be_consent() {
        let columns =
            read(&["Nom: A; B; C", "Nb appels refusés: 1; 0; 3", "Appels refusés: oui; non; oui"]);
        assert_eq!(columns[1].attribute, "");
        assert!(!looks_like_consent(&columns[1]));
        assert_eq!(columns[2].attribute, "consent_phone_out");
        let blank = read(&["Nom: A; B", "Groupe RGPD B:", "Option:"]);
        assert_eq!(blank.iter().map(looks_like_consent).collect::<Vec<_>>(), [false, true, false]);
    }

    /// Columns written `header: cell, cell, ...`, read as `header=attribute[ label]`.
    fn read(columns: &[&str]) -> Vec<Understood> {
        let split: Vec<(&str, Vec<&str>)> = columns
            .iter()
            .map(|c| c.split_once(": ").unwrap_or((c.trim_end_matches(':'), "")))
            .map(|(h, cells)| (h, cells.split("; ").collect()))
            .collect();
        let header: Vec<String> = split.iter().map(|(h, _)| (*h).to_owned()).collect();
        let height = split.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
        let rows: Vec<StringRecord> = (0..height)
            .map(|r| split.iter().map(|(_, cells)| cells.get(r).copied().unwrap_or("")).collect())
            .collect();
        understand(&header, &rows)
    }

    fn attributes(columns: &[&str]) -> String {
        let told = read(columns).into_iter().map(|c| match c.label.as_str() {
            "" => c.attribute,
            label => format!("{} {label}", c.attribute),
        });
        told.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn the_dictionary_parses_and_no_name_means_two_things() {
        let file: File = dictionary::read(include_str!("../../mappings/dictionaries/columns.toml"));
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        let mut twice = Vec::new();
        for (attribute, names) in &file.attribute {
            let all =
                [&names.fr, &names.en, &names.de, &names.es, &names.it, &names.nl, &names.weak];
            for name in all.into_iter().flatten() {
                assert_eq!(*name, header_words(name).join(" "), "names are written folded");
                if let Some(other) = seen.insert(name.replace(' ', ""), attribute.clone())
                    && other != *attribute
                {
                    twice.push(format!("`{name}`: {other}, {attribute}"));
                }
            }
        }
        assert!(twice.is_empty(), "{twice:#?}");
    }

    #[test]
    fn headers_are_in_the_language_that_most_of_them_are_in() {
        for (headers, expected) in [
            ("Nom;Prénom;Téléphone 2;Email", Some("fr")),
            ("Name;Vorname;PLZ", Some("de")),
            ("first_name;last_name;phone", Some("en")),
            ("Email;x", None),
            ("Nom;x", None),
            ("", None),
        ] {
            let header: Vec<String> = headers.split(';').map(str::to_owned).collect();
            assert_eq!(language(&header), expected, "{headers}");
        }
    }

    #[test]
    fn french_sales_files_are_understood() {
        assert_eq!(
            attributes(&[
                "Société: SARL Dupont; Durand SA",
                "Nom: Martin; Petit",
                "Prénom: Luc; Anne",
                "CP: 75001; 33000",
                "Tél. mobile: 06 12 34 56 78; 0612345679",
                "E-mail: a@b.fr; c@d.fr",
            ]),
            "name | last_name | first_name | postcode | mobile | email"
        );
        assert_eq!(
            attributes(&[
                "Client: SARL Dupont; Luc Petit",
                "Interlocuteur: Luc Martin; ",
                "Adresse complète: 3 rue Haute 75001 Paris; 4 rue Basse, 33000 Bordeaux",
                "Tel 1: 0145454545; 0512121212",
                "Tel 2: ; 0612345678",
                "Obs.: rappeler; ",
            ]),
            "whole_name | full_name | address | phone | phone | notes"
        );
        assert_eq!(
            attributes(&["Nom: Dupont SA; Luc Petit", "CP Ville: 75001 PARIS; 33000 BORDEAUX"]),
            "whole_name | postcode_city"
        );
    }

    #[test]
    fn the_upper_line_of_a_header_says_whose_the_column_is() {
        let columns = read(&[
            "SOCIÉTÉ / Raison sociale: Dupont SA",
            "SOCIÉTÉ / Téléphone: 0145454545",
            "CONTACT / Nom: Martin",
            "CONTACT / Prénom: Luc",
            "CONTACT / E-mail: l@d.fr",
        ]);
        let told: Vec<_> = columns.iter().map(|c| (c.attribute.as_str(), c.on)).collect();
        assert_eq!(
            told,
            [
                ("name", Some(Kind::Organisation)),
                ("phone", Some(Kind::Organisation)),
                ("last_name", Some(Kind::Person)),
                ("first_name", Some(Kind::Person)),
                ("email", Some(Kind::Person)),
            ]
        );
    }

    #[test]
    fn parts_of_two_addresses_are_told_apart() {
        assert_eq!(
            attributes(&[
                "Adresse facturation: 3 rue Haute",
                "Ville facturation: Paris",
                "Code postal: 75001",
                "Adresse livraison: 4 rue Basse",
                "Code postal (livraison): 33000",
            ]),
            "street billing | city billing | postcode billing | street delivery | postcode delivery"
        );
    }

    #[test]
    fn machine_names_and_english_ones_are_understood() {
        assert_eq!(
            attributes(&[
                "given_name: luc",
                "surname: petit",
                "street_number: 12",
                "address_1: high street",
                "suburb: perth",
                "date_of_birth: 19800203",
                "soc_sec_id: 1234567",
            ]),
            "first_name | last_name | street_number | street | city | birth_date | "
        );
        assert_eq!(
            attributes(&[
                "fname_c1: ANNA; KARL",
                "fname_c2: ; UWE",
                "lname_c1: WEISS; KUHN",
                "by: 1971; 1980",
                "bm: 2; 12",
                "bd: 31; 4",
            ]),
            "first_name | first_name | last_name | birth_year | birth_month | birth_day"
        );
        assert_eq!(
            attributes(&[
                "FirstName: Ann",
                "LastName: Lee",
                "EmailAddress: a@b.org",
                "ZIP Code: 60622"
            ]),
            "first_name | last_name | email | postcode"
        );
    }

    #[test]
    fn a_bare_number_beside_a_name_is_a_code_where_it_does_not_count_the_rows() {
        let told = |number: &str| {
            attributes(&["Nom: A; B; C; D; E; F", number, "Ville: X; X; Y; Z; Z; Z"])
        };
        assert_eq!(
            told("N°: 8253; 9303; 1122; 40; 777; 5120"),
            "whole_name | customer_code | city"
        );
        assert_eq!(told("Nr.: A12; B7; C9; D1; E5; F3"), "whole_name | customer_code | city");
        for rows in ["No: 1; 2; 3; 4; 5; 6", "N°: 11; 12; 13; 14; 15; 17", "N°: 1; 1; 1; 2; 2; 2"]
        {
            assert!(!told(rows).contains("customer_code"), "{rows}: {}", told(rows));
        }
        let beside = attributes(&[
            "Code client: C1; C2; C3; C4; C5",
            "N°: 900; 20; 77; 5; 3000",
            "Nom: A; B; C; D; E",
        ]);
        assert_eq!(beside, "customer_code |  | whole_name".replace("|  |", "| row_id |"));
    }

    #[test]
    fn cells_refute_a_name_and_tell_a_column_without_one() {
        assert_eq!(
            attributes(&["Mail: rappeler lundi; relance", "Nom: Petit; Roux"]),
            " | whole_name"
        );
        assert_eq!(
            attributes(&["colonne 1: a@b.fr; c@d.fr", "colonne 2: 06 12 34 56 78; +33612345678"]),
            "email | phone"
        );
        assert_eq!(attributes(&["Titre: M.; Mme; Mme"]), "civility");
        assert_eq!(attributes(&["Titre: Directeur; Acheteur; DAF"]), "job_title");
    }

    #[test]
    fn the_order_of_rows_never_matters() {
        let row = |n: u32| StringRecord::from(vec![format!("name {n}"), format!("{}@b.fr", n % 7)]);
        let forth: Vec<u32> = (0..5_000).collect();
        let gather = |order: &mut dyn Iterator<Item = &u32>| {
            let mut sample = Sample::default();
            order.for_each(|&n| sample.add(&row(n)));
            sample.rows()
        };
        assert_eq!(gather(&mut forth.iter()), gather(&mut forth.iter().rev()));
        assert_eq!(gather(&mut forth.iter()).len(), SAMPLE_ROWS);
    }

    #[test]
    fn a_customer_table_becomes_a_mapping_and_another_one_does_not() {
        let columns = read(&[
            "Code client: C1; C2",
            "Nom: Petit; Roux SA",
            "Newsletter: Oui; Non",
            "Truc: a; b",
        ]);
        let mapping = mapping(&columns).expect("a customer table");
        assert_eq!(
            (mapping.rows, mapping.codes, mapping.id.as_slice()),
            (Rows::Decide, true, &["Code client".to_owned()][..])
        );
        assert_eq!(
            mapping.columns.iter().map(|c| c.attribute.as_str()).collect::<Vec<_>>(),
            ["customer_code", "name"]
        );
        assert_eq!(mapping.consents[0].words["no"], ConsentState::OptOut);
        assert!(super::mapping(&read(&["Article: vis", "Prix: 3,20"])).is_none());
    }
}
