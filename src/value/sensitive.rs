//! Sensitive text: what people write into notes though it must not stand there.
//!
//! Numbers are told by their check digits and shape, access codes and passwords by the words before them, health
//! by phrases. Where a number proves little by itself (thirteen digits, nine digits) the words before it
//! must say what it is.

use std::{
    borrow::Cow,
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::LazyLock,
};

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{
    dictionary::{self, HashSet},
    identifier::{self, luhn},
    phrase::{self, Phrases, Word},
};

/// What is sensitive in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitive {
    /// A number of the social security: French, Belgian, German, Italian, Spanish, Dutch, Swiss, British or
    /// American.
    SocialSecurity,
    /// A payment card's number.
    CardNumber,
    /// An account number of a bank: IBAN or French RIB.
    Iban,
    /// The code of a door, a gate, an alarm or a key safe.
    DoorCode,
    /// A password or a PIN.
    Password,
    /// Something about somebody's health.
    Health,
}

impl Sensitive {
    /// All of them, in the order of reports.
    pub const ALL: [Sensitive; 6] = [
        Sensitive::SocialSecurity,
        Sensitive::CardNumber,
        Sensitive::Iban,
        Sensitive::DoorCode,
        Sensitive::Password,
        Sensitive::Health,
    ];

    /// The word used in files and settings: `card_number`.
    pub fn as_str(self) -> &'static str {
        match self {
            Sensitive::SocialSecurity => "social_security",
            Sensitive::CardNumber => "card_number",
            Sensitive::Iban => "iban",
            Sensitive::DoorCode => "door_code",
            Sensitive::Password => "password",
            Sensitive::Health => "health",
        }
    }

    /// What stands in its place: `[withheld: card number]`.
    pub fn marker(self) -> &'static str {
        match self {
            Sensitive::SocialSecurity => "[withheld: social security number]",
            Sensitive::CardNumber => "[withheld: card number]",
            Sensitive::Iban => "[withheld: IBAN]",
            Sensitive::DoorCode => "[withheld: door code]",
            Sensitive::Password => "[withheld: password]",
            Sensitive::Health => "[withheld: health]",
        }
    }
}

/// What is looked for in a cell, by what its column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Free text: everything, a marker in its place.
    Prose,
    /// Free text of a bank's columns: an IBAN is in its place there.
    Bank,
    /// Free text that says more than what is sensitive: of health the words alone, not the rest of the clause.
    Words,
    /// A name, an address, a number: all but health, and nothing in its place, so that the rest can be used.
    Field,
}

/// Where a text holds something sensitive, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Sensitive,
    /// Where it stands.
    pub at: Range<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    stems: Vec<String>,
    door_code: BTreeMap<String, Vec<String>>,
    password: BTreeMap<String, Vec<String>>,
    health: BTreeMap<String, Vec<String>>,
    words: Lists,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    not_passwords: HashSet<String>,
    about_passwords: HashSet<String>,
    doubtful: HashSet<String>,
    complements: HashSet<String>,
    links: HashSet<String>,
    card: HashSet<String>,
    card_after: HashSet<String>,
    social_security: HashSet<String>,
    bank_columns: HashSet<String>,
}

struct Dictionary {
    phrases: Phrases<Sensitive>,
    health: Phrases<Sensitive>,
    stems: Regex,
    words: Lists,
}

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let file: File = dictionary::read(include_str!("../../mappings/dictionaries/sensitive.toml"));
    let all = |lists, kind| phrase::of_languages(lists).map(move |phrase| (phrase, kind));
    let codes = all(&file.door_code, Sensitive::DoorCode);
    let stems = format!("(?i){}", file.stems.join("|"));
    Dictionary {
        phrases: Phrases::new(codes.chain(all(&file.password, Sensitive::Password))),
        health: Phrases::new(all(&file.health, Sensitive::Health)),
        stems: Regex::new(&stems).expect("a test reads the built-in stems"),
        words: file.words,
    }
});

static MARKER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[withheld: [A-Za-z ]+\]").expect("a fixed pattern"));

/// The text with everything sensitive withheld but what is `released`, and all that was found, released or
/// not. A text without findings comes back as it is; withholding twice changes nothing.
///
/// # Example
///
/// ```
/// # use std::collections::BTreeSet;
/// # use orpailleur::value::sensitive::{Scope, withhold};
/// let (text, found) = withhold("VIP, digicode 12A34", Scope::Prose, &BTreeSet::new());
/// assert_eq!(text, "VIP, digicode [withheld: door code]");
/// assert_eq!(found[0].as_str(), "door_code");
/// ```
pub fn withhold<'t>(
    text: &'t str,
    scope: Scope,
    released: &BTreeSet<Sensitive>,
) -> (Cow<'t, str>, Vec<Sensitive>) {
    let mut text = Cow::Borrowed(text);
    let mut kinds: BTreeSet<Sensitive> = BTreeSet::new();
    // What is left once something is cut out may be sensitive in turn; each pass leaves less.
    loop {
        let mut found = all(&text, scope);
        kinds.extend(found.iter().map(|f| f.kind));
        found.retain(|f| !released.contains(&f.kind));
        if found.is_empty() {
            break;
        }
        text = Cow::Owned(without(&text, &disjoint(found), scope));
    }
    (text, kinds.into_iter().collect())
}

fn without(text: &str, findings: &[Finding], scope: Scope) -> String {
    let mut left = String::with_capacity(text.len());
    let mut from = 0;
    for finding in findings {
        left.push_str(&text[from..finding.at.start]);
        left.push_str(if scope == Scope::Field { " " } else { finding.kind.marker() });
        from = finding.at.end;
    }
    left.push_str(&text[from..]);
    left
}

/// What is sensitive in a text, in its order and disjoint. Markers of what is withheld are no text.
pub fn find(text: &str, scope: Scope) -> Vec<Finding> {
    disjoint(all(text, scope))
}

fn all(text: &str, scope: Scope) -> Vec<Finding> {
    if !is_worth_a_look(text, scope) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut from = 0;
    for marker in MARKER.find_iter(text) {
        find_between(&text[from..marker.start()], from, scope, &mut found);
        from = marker.end();
    }
    find_between(&text[from..], from, scope, &mut found);
    found
}

/// The shortest text that holds anything: `pin 1234`.
const SHORTEST: usize = 8;
/// The fewest digits of a number that is told by its digits: nine of the Netherlands, but six of Great
/// Britain and seven of Italy, which have letters besides.
const FEWEST_DIGITS: usize = 6;

fn is_worth_a_look(text: &str, scope: Scope) -> bool {
    if text.len() < SHORTEST {
        return false;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if scope != Scope::Field {
        // A date, an amount, a short number.
        return digits > 8 || text.bytes().any(|b| b.is_ascii_alphabetic() || !b.is_ascii());
    }
    let named = text.bytes().any(|b| matches!(b, b':' | b'=')) || digits > 1;
    let has_letter = || text.bytes().any(|b| b.is_ascii_alphabetic());
    digits >= 2 * FEWEST_DIGITS
        || has_letter() && (digits >= FEWEST_DIGITS || named && DICTIONARY.stems.is_match(text))
}

/// Whether a column of this header is a bank's, where an IBAN is in its place.
pub fn is_bank_column(header: &str) -> bool {
    let words = phrase::words(header);
    words.iter().any(|w| DICTIONARY.words.bank_columns.contains(&w.folded))
}

fn find_between(text: &str, offset: usize, scope: Scope, found: &mut Vec<Finding>) {
    if text.len() < SHORTEST {
        return;
    }
    let context = Context { text, words: OnceCell::new() };
    let mut add = |kind, at: Range<usize>| {
        found.push(Finding { kind, at: at.start + offset..at.end + offset });
    };
    let room = Room::of(text);
    if text.bytes().filter(u8::is_ascii_digit).count() >= FEWEST_DIGITS {
        social_security(&context, room, &mut |at| add(Sensitive::SocialSecurity, at));
        if room.holds(CARD) {
            cards(&context, &mut |at| add(Sensitive::CardNumber, at));
        }
        if scope != Scope::Bank {
            ibans(text, room, &mut |at| add(Sensitive::Iban, at));
        }
    }
    if scope == Scope::Field && text.is_ascii() && !DICTIONARY.stems.is_match(text) {
        return;
    }
    let words = context.words();
    for at in 0..words.len() {
        let named = DICTIONARY.phrases.longest_at(words, at);
        if let Some((taken, &kind)) = named {
            let label = &words[at + taken - 1];
            let value = match kind {
                Sensitive::Password => passwords(text, label, scope),
                _ => door_codes(text, label.at.end),
            };
            value.into_iter().for_each(|value| add(kind, value));
        }
        if scope == Scope::Field {
            continue;
        }
        if let Some((taken, _)) = DICTIONARY.health.longest_at(words, at) {
            let phrase = words[at].at.start..words[at + taken - 1].at.end;
            let whole = scope != Scope::Words;
            add(Sensitive::Health, if whole { clause(text, &phrase) } else { phrase });
        }
    }
}

/// Findings in order; of two that overlap the first kind, over both.
fn disjoint(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|f| (f.at.start, f.kind));
    let mut apart: Vec<Finding> = Vec::with_capacity(found.len());
    for finding in found {
        match apart.last_mut() {
            Some(last) if finding.at.start < last.at.end => {
                last.at.end = last.at.end.max(finding.at.end);
                last.kind = last.kind.min(finding.kind);
            }
            _ => apart.push(finding),
        }
    }
    apart
}

/// A text with its words, to ask what stands before a number. Few texts are asked.
struct Context<'t> {
    text: &'t str,
    words: OnceCell<Vec<Word>>,
}

/// What a text has room for: its digits, and its longest row of letters and digits with no more than one blank,
/// dot, dash or slash between them. A number that has more of either cannot stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Room {
    digits: usize,
    row: usize,
}

impl Room {
    /// The room of a text. One with other letters than ASCII has room for all: they may stand for digits.
    fn of(text: &str) -> Room {
        if !text.is_ascii() {
            return Room { digits: usize::MAX, row: usize::MAX };
        }
        let (mut room, mut row, mut is_apart) = (Room { digits: 0, row: 0 }, 0, true);
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    room.digits += usize::from(byte.is_ascii_digit());
                    row += 1;
                    is_apart = false;
                    room.row = room.row.max(row);
                }
                b' ' | b'\t'..=b'\r' | b'.' | b'-' | b'/' if !is_apart => is_apart = true,
                _ => row = 0,
            }
        }
        room
    }

    fn holds(self, number: Room) -> bool {
        self.digits >= number.digits && self.row >= number.row
    }
}

/// Words before a number that say what it is: `n° de sécu de Mme Dupont :`.
const CONTEXT_REACH: usize = 5;

impl Context<'_> {
    fn words(&self) -> &[Word] {
        self.words.get_or_init(|| phrase::words(self.text))
    }

    fn is_named(&self, at: usize, names: &HashSet<String>) -> bool {
        let words = self.words();
        let end = words.partition_point(|w| w.at.start < at);
        words[end.saturating_sub(CONTEXT_REACH)..end].iter().any(|w| names.contains(&w.folded))
    }
}

// ---- numbers of the social security --------------------------------------------------------------------------

/// How a country writes its number. Between its parts may stand a blank, a dot, a dash or a slash.
struct Format {
    pattern: Regex,
    /// The fewest digits, and letters and digits, that it has.
    needs: Room,
    /// Whether the number is one, from its letters and digits alone.
    is_valid: fn(&str) -> bool,
    /// Whether the words before it must say what it is.
    must_be_named: bool,
}

static FORMATS: LazyLock<Vec<Format>> = LazyLock::new(|| {
    let format = |(digits, row), pattern: &str, is_valid, must_be_named| Format {
        needs: Room { digits, row },
        // `_` is what may stand between the parts.
        pattern: Regex::new(&format!(r"(?i)\b{}\b", pattern.replace('_', r"[\s.\-/\u{a0}]?")))
            .expect("a fixed pattern"),
        is_valid,
        must_be_named,
    };
    vec![
        // France: sex, year, month, department (2A and 2B in Corsica), commune, order, key.
        format((14, 15), r"[1-478]_\d\d_\d\d_(?:\d\d|2[AB])_\d{3}_\d{3}_\d\d", is_french, false),
        // Where it is named, a key that does not fit is one that was mistyped.
        format(
            (12, 13),
            r"[1-478]_\d\d_\d\d_(?:\d\d|2[AB])_\d{3}_\d{3}(?:_\d\d)?",
            has_french_month,
            true,
        ),
        // Belgium: date of birth, order, key.
        format((11, 11), r"\d\d\.\d\d\.\d\d[\s-]\d{3}[.\s-]\d\d", is_belgian, false),
        format((11, 11), r"\d\d_\d\d_\d\d_\d{3}_\d\d", is_belgian, true),
        // Germany: area, date of birth, initial, order, key.
        format((11, 12), r"\d\d_\d{6}_[A-Z]_\d{3}", is_german, false),
        // Italy: codice fiscale; letters stand for digits where two persons would have the same.
        format(
            (0, 16),
            r"[A-Z]{3}_?[A-Z]{3}_[\dLMNP-V]{2}[A-EHLMPRST][\dLMNP-V]{2}_[A-Z][\dLMNP-V]{3}[A-Z]",
            is_italian,
            false,
        ),
        // Switzerland: 756, nine digits, an EAN's check digit.
        format((13, 13), r"756_\d{4}_\d{4}_\d\d", is_swiss, false),
        format((12, 12), r"\d\d_\d{8}_\d\d", is_spanish, true),
        format((9, 9), r"\d{3}_\d{3}_\d{3}", is_dutch, true),
        format((6, 9), r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]_\d\d_\d\d_\d\d_[A-D]", |_| true, true),
        format((9, 9), r"\d{3}-\d\d-\d{4}", |_| true, true),
    ]
});

fn social_security(context: &Context<'_>, room: Room, add: &mut impl FnMut(Range<usize>)) {
    for format in FORMATS.iter().filter(|format| room.holds(format.needs)) {
        let mut from = 0;
        while let Some(found) = format.pattern.find_at(context.text, from) {
            let compact = compact(found.as_str());
            let named = || context.is_named(found.start(), &DICTIONARY.words.social_security);
            if (format.is_valid)(&compact) && (!format.must_be_named || named()) {
                add(found.range());
                from = found.end();
            } else {
                // Another may begin inside what was none.
                from = found.start() + 1;
            }
        }
    }
}

/// Letters in capitals and digits.
fn compact(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

fn number(digits: &str) -> Option<u64> {
    digits.parse().ok()
}

fn has_french_month(compact: &str) -> bool {
    // 20 to 42 and 50 to 99 stand for a month that is not known.
    let month = compact.get(3..5).and_then(number);
    month.is_some_and(|month| matches!(month, 1..=12 | 20..=42 | 50..=99))
}

fn is_french(compact: &str) -> bool {
    let key = || {
        let (body, key) = compact.split_at_checked(13)?;
        // Corsica counts as 19 and 18.
        let body = number(&body.replacen("2A", "19", 1).replacen("2B", "18", 1))?;
        Some(97 - body % 97 == number(key)?)
    };
    compact.len() == 15 && has_french_month(compact) && key() == Some(true)
}

fn is_belgian(compact: &str) -> bool {
    let fits = || {
        let (body, key) = compact.split_at_checked(9)?;
        let (month, day) = (number(body.get(2..4)?)?, number(body.get(4..6)?)?);
        let (body, key) = (number(body)?, number(key)?);
        // From 2000 on a 2 is put before it.
        let checked = [body, 2_000_000_000 + body].iter().any(|n| 97 - n % 97 == key);
        Some(month <= 12 && day <= 31 && checked)
    };
    fits() == Some(true)
}

fn is_german(compact: &str) -> bool {
    let fits = || {
        let (day, month) = (number(compact.get(2..4)?)?, number(compact.get(4..6)?)?);
        let letter = compact.as_bytes().get(8)?.checked_sub(b'A')? + 1;
        let digits = format!("{}{letter:02}{}", compact.get(..8)?, compact.get(9..11)?);
        const WEIGHTS: [u32; 12] = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
        let sum: u32 = digits
            .bytes()
            .zip(WEIGHTS)
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .map(|product| product / 10 + product % 10)
            .sum();
        let key: u32 = compact.get(11..)?.parse().ok()?;
        Some((1..=31).contains(&day) && (1..=12).contains(&month) && sum % 10 == key)
    };
    fits() == Some(true)
}

fn is_italian(compact: &str) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let bytes = compact.as_bytes();
    if bytes.len() != 16 {
        return false;
    }
    let sum: u32 = bytes[..15]
        .iter()
        .enumerate()
        .map(|(at, &byte)| {
            let value = if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' };
            if at % 2 == 0 { ODD[usize::from(value)] } else { u32::from(value) }
        })
        .sum();
    u32::from(bytes[15].saturating_sub(b'A')) == sum % 26
}

fn is_swiss(compact: &str) -> bool {
    let digits = compact.bytes().map(|b| u32::from(b - b'0'));
    let sum: u32 = digits.enumerate().map(|(at, d)| if at % 2 == 0 { d } else { 3 * d }).sum();
    sum.is_multiple_of(10)
}

fn is_spanish(compact: &str) -> bool {
    let fits = || Some(number(compact.get(..10)?)? % 97 == number(compact.get(10..)?)?);
    fits() == Some(true)
}

fn is_dutch(compact: &str) -> bool {
    let digits = compact.bytes().map(|b| i64::from(b - b'0'));
    let weights = [9, 8, 7, 6, 5, 4, 3, 2, -1];
    digits.zip(weights).map(|(digit, weight)| digit * weight).sum::<i64>() % 11 == 0
}

// ---- payment cards ------------------------------------------------------------------------------------------------

/// Rows of digits, in groups or not: where each group stands.
fn digit_runs(text: &str) -> Vec<Vec<Range<usize>>> {
    static GROUP: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[0-9]+").expect("a fixed pattern"));
    let mut runs: Vec<Vec<Range<usize>>> = Vec::new();
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    for group in GROUP.find_iter(text) {
        let (before, behind) = (&text[..group.start()], &text[group.end()..]);
        if letter(before.chars().next_back()) || letter(behind.chars().next()) {
            continue;
        }
        let goes_on = |run: &Vec<Range<usize>>| {
            let between = run.last().and_then(|last| text.get(last.end..group.start()));
            matches!(between, Some(" " | "\u{a0}" | "\u{202f}" | "-" | "."))
        };
        match runs.last_mut() {
            Some(run) if goes_on(run) => run.push(group.range()),
            _ => runs.push(vec![group.range()]),
        }
    }
    runs
}

/// The fewest digits of a card.
const CARD: Room = Room { digits: 13, row: 13 };

/// The most digits of a card.
const MOST_CARD_DIGITS: usize = 19;

/// The groups in which cards bear their numbers.
const CARD_GROUPS: [&[usize]; 4] = [&[4, 4, 4, 4], &[4, 4, 4, 4, 3], &[4, 6, 5], &[4, 6, 4]];

fn cards(context: &Context<'_>, add: &mut impl FnMut(Range<usize>)) {
    for run in digit_runs(context.text) {
        let mut first = 0;
        while first < run.len() {
            let mut digits = 0;
            let short_enough = run[first..].iter().take_while(|group| {
                digits += group.len();
                digits <= MOST_CARD_DIGITS
            });
            let ends = first + 1..=first + short_enough.count();
            match ends.rev().find(|&end| is_card(context, &run[first..end])) {
                Some(end) => {
                    let at = run[first].start..run[end - 1].end;
                    add(at.start..card_end(context.text, at.end));
                    first = end;
                }
                None => first += 1,
            }
        }
    }
}

fn is_card(context: &Context<'_>, groups: &[Range<usize>]) -> bool {
    let digits: String = groups.iter().map(|group| &context.text[group.clone()]).collect();
    if !(CARD.digits..=MOST_CARD_DIGITS).contains(&digits.len())
        || !luhn(&digits)
        || digits.bytes().all(|b| b == b'0')
    {
        return false;
    }
    let lengths: Vec<usize> = groups.iter().map(ExactSizeIterator::len).collect();
    let grouped = lengths.len() == 1 || CARD_GROUPS.contains(&lengths.as_slice());
    let proven = grouped && issuer_fits(&digits);
    // A SIRET of fourteen digits has the same check digit.
    let named = || {
        context.is_named(groups[0].start, &DICTIONARY.words.card)
            && digits.starts_with(['2', '3', '4', '5', '6'])
    };
    proven || named()
}

/// Whether length and first digits are those of a large network: then the check digit is proof enough.
fn issuer_fits(digits: &str) -> bool {
    let prefix = |length: usize| digits[..length].parse::<u32>().unwrap_or(0);
    match digits.len() {
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            let (two, four) = (prefix(2), prefix(4));
            digits.starts_with('4')
                || matches!(two, 51..=55 | 65)
                || matches!(four, 2221..=2720 | 3528..=3589 | 6011 | 6440..=6499)
        }
        _ => false,
    }
}

/// Where a card ends with its date of expiry and its cryptogram, written behind the number.
fn card_end(text: &str, from: usize) -> usize {
    static BEHIND: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"^[\s,;:(\-]*([\p{L}0-9]*)[\s.:=à]*([0-9]{3,4}\b|[0-9]{2}[/\-.][0-9]{2,4}\b)\)?",
        )
        .expect("a fixed pattern")
    });
    let mut end = from;
    while let Some(found) = BEHIND.captures(&text[end..]) {
        let word = super::text::fold(&found[1]);
        let is_date = found[2].contains(['/', '-', '.']);
        if !(DICTIONARY.words.card_after.contains(&word) || word.is_empty() && is_date) {
            break;
        }
        end += found[0].len();
    }
    end
}

// ---- bank accounts -----------------------------------------------------------------------------------------------

/// The fewest letters and digits of an IBAN and of a French account number.
const IBAN: Room = Room { digits: 2, row: 15 };
const RIB: Room = Room { digits: 12, row: 23 };

fn ibans(text: &str, room: Room, add: &mut impl FnMut(Range<usize>)) {
    static START: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?i)\b[A-Z]{2}\s?[0-9]{2}").expect("a fixed pattern"));
    static FRENCH: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)\b\d{5}[\s-]?\d{5}[\s-]?[0-9A-Z]{11}[\s-]?\d\d\b")
            .expect("a fixed pattern")
    });
    if room.holds(IBAN) {
        for start in START.find_iter(text) {
            if let Some(end) = iban_end(text, start.start()) {
                add(start.start()..end);
            }
        }
    }
    if room.holds(RIB) {
        for rib in FRENCH.find_iter(text).filter(|rib| is_rib(&compact(rib.as_str()))) {
            add(rib.range());
        }
    }
}

/// Where the IBAN that begins at `from` ends.
fn iban_end(text: &str, from: usize) -> Option<usize> {
    const SHORTEST: usize = 15;
    const LONGEST: usize = 34;
    let mut compact = String::new();
    let mut chars = text[from..].char_indices().peekable();
    let mut separated = false;
    while let Some((at, c)) = chars.next() {
        if !c.is_ascii_alphanumeric() {
            if separated || !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '-' | '.') {
                return None;
            }
            separated = true;
            continue;
        }
        separated = false;
        compact.push(c.to_ascii_uppercase());
        let whole = chars.peek().is_none_or(|(_, next)| !next.is_alphanumeric());
        if compact.len() > LONGEST {
            return None;
        }
        if compact.len() >= SHORTEST && whole && identifier::normalize("iban", &compact).is_ok() {
            return Some(from + at + 1);
        }
    }
    None
}

/// Whether the key of a French account number fits.
fn is_rib(compact: &str) -> bool {
    let fits = || {
        let digit = |c: char| match c {
            'A' | 'J' => '1',
            'B' | 'K' | 'S' => '2',
            'C' | 'L' | 'T' => '3',
            'D' | 'M' | 'U' => '4',
            'E' | 'N' | 'V' => '5',
            'F' | 'O' | 'W' => '6',
            'G' | 'P' | 'X' => '7',
            'H' | 'Q' | 'Y' => '8',
            'I' | 'R' | 'Z' => '9',
            digit => digit,
        };
        let digits: String = compact.chars().map(digit).collect();
        let part = |range: Range<usize>| number(digits.get(range)?);
        let (bank, desk) = (part(0..5)?, part(5..10)?);
        let (account, key) = (part(10..21)?, part(21..23)?);
        Some(bank > 0 && (89 * bank + 15 * desk + 3 * account + key) % 97 == 0)
    };
    fits() == Some(true)
}

// ---- what words name --------------------------------------------------------------------------------------------

/// The codes behind words that name one: `12A34`, `B 1234 puis 5678#`.
fn door_codes(text: &str, from: usize) -> Vec<Range<usize>> {
    static FIRST: LazyLock<Regex> = LazyLock::new(|| {
        // Up to two small words and a mark, then the code.
        Regex::new(r"^[\s:=.\-°(]*(?:(\p{L}+)[\s:=.\-°']+){0,2}?([A-Za-z]?[ ]?[0-9#*]{1,10}[A-Za-z0-9#*\-]{0,8})")
            .expect("a fixed pattern")
    });
    static NEXT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\s*(?:puis|et|ou|then|and|or|und|oder|y|o|e|en|of|dan|[/,+&>-])\s*([A-Za-z]?[ ]?[0-9#*]{1,10}[A-Za-z0-9#*]{0,8})\b")
            .expect("a fixed pattern")
    });
    let Some(first) = FIRST.captures(&text[from..]) else { return Vec::new() };
    let small = first
        .get(1)
        .is_none_or(|word| DICTIONARY.words.links.contains(&super::text::fold(word.as_str())));
    let code = first.get(2).expect("the group is no part of a choice");
    if !small || digits_in(code.as_str()) < 2 {
        return Vec::new();
    }
    let mut codes: Vec<_> = std::iter::once(from + code.start()..from + code.end()).collect();
    let mut end = from + code.end();
    while let Some(next) = NEXT.captures(&text[end..]) {
        let code = next.get(1).expect("the group is no part of a choice");
        if digits_in(code.as_str()) < 3 {
            break;
        }
        codes.push(end + code.start()..end + code.end());
        end += code.end();
    }
    codes
}

fn digits_in(code: &str) -> usize {
    code.bytes().filter(u8::is_ascii_digit).count()
}

/// The passwords behind words that name one, the last of which is `label`.
fn passwords(text: &str, label: &Word, scope: Scope) -> Vec<Range<usize>> {
    static NEXT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\s*(?:ou|puis|et|or|then|and|oder|und|o|y|e|of|en|[/,])\s*(\S+)")
            .expect("a fixed pattern")
    });
    let mut passwords: Vec<_> = password(text, label, scope).into_iter().collect();
    // `Rex2019 ou Rex2020`
    while let Some(last) = passwords.last()
        && let Some(next) = NEXT.captures(&text[last.end..])
    {
        let token = next.get(1).expect("the group is no part of a choice");
        let bare = bare(token.as_str());
        let letters = bare.chars().any(char::is_alphabetic);
        if bare.chars().count() < 4 || digits_in(bare) == 0 || !letters {
            break;
        }
        let start = last.end + token.start();
        passwords.push(start..start + bare.len());
    }
    passwords
}

/// A word without the marks behind it.
fn bare(token: &str) -> &str {
    token.trim_end_matches([',', ';', '.', ')', '"', '»'])
}

/// The password behind words that name one: in quotes, a word that looks like one, or where it is announced
/// by a mark all words up to the end of the clause.
fn password(text: &str, label: &Word, scope: Scope) -> Option<Range<usize>> {
    static VALUE: LazyLock<Regex> = LazyLock::new(|| {
        // Named by a mark: `mdp wifi : Rex2019`; or at once: `mdp Rex2019`.
        Regex::new(r"^(?:[^:=.;\n]{0,25}[:=]\s*|\s+(?:(?:est|is|ist|es|è)\s)?\s*)(\S+)")
            .expect("a fixed pattern")
    });
    let value = VALUE.captures(&text[label.at.end..])?;
    let marked = value[0][..value[0].len() - value[1].len()].contains([':', '=']);
    let token = value.get(1).expect("the group is no part of a choice");
    let start = label.at.end + token.start();
    let said = match quoted(&text[start..]) {
        Some(quoted) => quoted,
        None => {
            let first = bare(token.as_str());
            // Of a name or an address the rest is to be used.
            let whole = marked && scope == Scope::Prose;
            match whole {
                true => words_said(&text[start..], first, label),
                false => first,
            }
        }
    };
    let quoted = said.starts_with(QUOTES);
    let mixed = said.chars().any(|c| !c.is_alphabetic() && !matches!(c, '\'' | '-' | '’' | '/'));
    let is_one = said.chars().count() >= if quoted { 6 } else { 4 }
        && (marked || quoted || mixed && digits_in(said) > 0)
        && !says_that_there_is_none(said)
        && !said.starts_with('[');
    is_one.then(|| start..start + said.len())
}

const QUOTES: [char; 3] = ['"', '«', '“'];

/// What stands in quotes at the start of a text, the quotes with it.
fn quoted(text: &str) -> Option<&str> {
    let opening = text.chars().next()?;
    let closing = match opening {
        '"' => '"',
        '«' => '»',
        '“' => '”',
        _ => return None,
    };
    let inside = &text[opening.len_utf8()..];
    let end = inside.find(closing).filter(|&end| !inside[..end].contains('\n'))?;
    Some(&text[..opening.len_utf8() + end + closing.len_utf8()])
}

/// A password announced by a mark: its first word where that looks like one, else all words up to the end of
/// the clause, or to the next word that announces something.
fn words_said<'t>(text: &'t str, first: &'t str, label: &Word) -> &'t str {
    static GROUPS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^\d{1,3}(?: \d{1,3}){1,5}\b").expect("a fixed pattern"));
    static NEXT_LABEL: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\s+\S+\s*[:=]").expect("a fixed pattern"));
    if let Some(groups) = GROUPS.find(text) {
        return groups.as_str();
    }
    let is_word = first.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '’'));
    let doubtful = first.chars().count() < 4 && DICTIONARY.words.doubtful.contains(&label.folded);
    if !is_word || first.is_empty() || doubtful {
        return first;
    }
    let clause = &text[..end_of_clause(text)];
    let end = NEXT_LABEL.find(clause).map_or(clause.len(), |next| next.start());
    clause[..end].trim_end()
}

/// `oublié`, `le client l'a perdu`: what is said of a password that is not given. Behind any other word it is
/// said of something else: `soleil, appeler avant`. `à` says it where it comes first: `à définir`.
fn says_that_there_is_none(said: &str) -> bool {
    let Lists { not_passwords, about_passwords, .. } = &DICTIONARY.words;
    let words = phrase::words(said);
    let said = words.iter().find(|word| !about_passwords.contains(&word.folded));
    let none = |word: &Word| not_passwords.contains(&word.folded);
    words.first().is_some_and(none) || said.is_some_and(none)
}

/// Marks that end a clause, and marks between blanks that do.
const ENDS: [char; 9] = ['.', ';', ',', '\n', '|', '!', '?', '(', ')'];
const ENDS_BETWEEN_BLANKS: [&str; 2] = [" - ", " / "];

/// Where the clause ends that a text begins with.
fn end_of_clause(text: &str) -> usize {
    let between = ENDS_BETWEEN_BLANKS.iter().filter_map(|mark| text.find(mark));
    between.chain(text.find(ENDS)).min().unwrap_or(text.len())
}

/// The part of a sentence around a phrase.
fn clause(text: &str, phrase: &Range<usize>) -> Range<usize> {
    let before = &text[..phrase.start];
    let start = before.rfind(ENDS).map_or(0, |at| at + 1);
    let between =
        ENDS_BETWEEN_BLANKS.iter().filter_map(|mark| Some(before.rfind(mark)? + mark.len()));
    let label = before.rfind(": ").map(|at| at + 2);
    let start = between.chain(label).fold(start, usize::max);
    let end = match before[..start].ends_with('(') {
        // What is said aside is said of the same.
        true => text[phrase.end..].find([')', '\n']).map(|end| phrase.end + end),
        false => None,
    };
    let end = end.unwrap_or_else(|| end_of_illness(text, phrase));
    let trimmed = text[start..end].trim_start();
    let start = end - trimmed.len();
    start..start + trimmed.trim_end().len()
}

/// Where the clause ends behind a phrase: `souffre de diabète, d'hypertension` goes on behind the comma.
fn end_of_illness(text: &str, phrase: &Range<usize>) -> usize {
    let is_complement = |word: Option<&Word>| {
        word.is_some_and(|word| DICTIONARY.words.complements.contains(&word.folded))
    };
    let mut end = phrase.end + end_of_clause(&text[phrase.end..]);
    let open = is_complement(phrase::words(&text[phrase.clone()]).last());
    while open && text[end..].starts_with(',') {
        let behind = &text[end + 1..];
        if !is_complement(phrase::words(&behind[..end_of_clause(behind)]).first()) {
            break;
        }
        end += 1 + end_of_clause(behind);
    }
    end
}

/// The text with passwords and the words about somebody's health withheld, and what follows them in their clause
/// word by word, as long as `keeps` says that nothing is lost of what is left.
pub fn withhold_words(
    text: &str,
    released: &BTreeSet<Sensitive>,
    keeps: impl Fn(&str) -> bool,
) -> String {
    let mut found = find(text, Scope::Words);
    found.retain(|finding| !released.contains(&finding.kind));
    for at in 0..found.len() {
        let own = found[at].at.clone();
        if !matches!(found[at].kind, Sensitive::Health | Sensitive::Password) {
            continue;
        }
        let next = found.get(at + 1).map_or(text.len(), |next| next.at.start);
        let rest = &text[own.end..clause(text, &own).end.clamp(own.end, next)];
        for word in phrase::words(rest) {
            let before = found[at].at.end;
            found[at].at.end = own.end + word.at.end;
            if !keeps(&without(text, &found, Scope::Words)) {
                found[at].at.end = before;
                break;
            }
        }
    }
    found.dedup_by(|next, last| {
        let joins = next.kind == last.kind && text[last.at.end..next.at.start].trim().is_empty();
        if joins {
            last.at.end = next.at.end;
        }
        joins
    });
    let text = without(text, &found, Scope::Words);
    withhold(&text, Scope::Words, released).0.into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn left(text: &str) -> String {
        withhold(text, Scope::Prose, &BTreeSet::new()).0.into_owned()
    }

    fn kinds(text: &str) -> Vec<&'static str> {
        find(text, Scope::Prose).iter().map(|f| f.kind.as_str()).collect()
    }

    #[test]
    fn a_named_number_is_withheld_with_a_key_that_does_not_fit() {
        let rest = left("NIR 1 84 12 76 451 089 36, rappeler");
        assert!(rest.ends_with("], rappeler"), "{rest}");
    }

    #[test]
    fn numbers_of_the_social_security_are_told_by_their_key() {
        for text in [
            "n° sécu 1 84 12 76 451 089 46",
            "NIR:184127645108946",
            "NIR 1 84 12 76 451 089 36",
            "2.69.05.49.588.157.80",
            "n° sécurité sociale 1841276451089",
            "corse 1 99 05 2A 004 123 49",
            "NISS 85.07.30-033.28",
            "Rentenversicherung 15 070649 C 103",
            "CF RSSMRA85T10A562S",
            "AHV 756.9217.0769.85",
            "NSS 28 12345678 40",
            "BSN 111222333",
            "NINO AB123456C",
            "SSN 123-45-6789",
        ] {
            assert_eq!(kinds(text), ["social_security"], "{text}");
        }
        for text in [
            "184127645108947",
            "1841276451089",
            "SIRET 732 829 320 00074",
            "tél 01 40 50 60 70 puis 06 12 34 56 78",
            "commande 111222333",
            "85.07.30-033.29",
            "ref AB123456C",
        ] {
            assert_eq!(kinds(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_note_full_of_short_numbers_is_looked_through_once() {
        let counted = "1 2 3 4 5 6 7 8 ".repeat(2_000);
        assert_eq!(left(&counted), counted);
        let card = format!("{counted}x 4111 1111 1111 1111");
        assert_eq!(left(&card), format!("{counted}x [withheld: card number]"));
    }

    #[test]
    fn cards_are_told_by_check_digit_and_issuer() {
        assert_eq!(
            left("CB 4111 1111 1111 1111 exp 12/25 cvv 123, ok"),
            "CB [withheld: card number], ok"
        );
        assert_eq!(left("5500-0000-0000-0004"), "[withheld: card number]");
        assert_eq!(left("amex 3782 822463 10005."), "amex [withheld: card number].");
        assert_eq!(
            left("carte : 36700102000000 et 4222222222222"),
            "carte : [withheld: card number] et [withheld: card number]"
        );
        for text in [
            "4111 1111 1111 1112",
            "SIRET 36252187900034",
            "EAN 4006381333931",
            "GTIN 04006381333931",
            "tel 33 4 11 11 11 11 11",
            "réf. 4111-1111-11111111-11",
        ] {
            assert_eq!(kinds(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn accounts_are_told_by_their_key_and_country() {
        assert_eq!(
            left("IBAN FR14 2004 1010 0505 0001 3M02 606 merci"),
            "IBAN [withheld: IBAN] merci"
        );
        assert_eq!(left("virement de89370400440532013000"), "virement [withheld: IBAN]");
        assert_eq!(left("RIB 20041 01005 0500013M026 06"), "RIB [withheld: IBAN]");
        assert_eq!(kinds("FR15 2004 1010 0505 0001 3M02 606"), [""; 0]);
        assert!(find("FR14 2004 1010 0505 0001 3M02 606", Scope::Bank).is_empty());
        assert!(is_bank_column("Compte IBAN") && is_bank_column("Bankverbindung"));
        assert!(!is_bank_column("Notes"));
    }

    #[test]
    fn codes_and_passwords_are_told_by_the_words_before_them() {
        for (text, expected) in [
            ("digicode 12A34", "digicode [withheld: door code]"),
            ("Code portail : 4589B, 3e étage", "Code portail : [withheld: door code], 3e étage"),
            ("code de la porte est 1234#", "code de la porte est [withheld: door code]"),
            (
                "codes immeuble A1234 puis 5678",
                "codes immeuble [withheld: door code] puis [withheld: door code]",
            ),
            ("gate code 9876*", "gate code [withheld: door code]"),
            ("Türcode: 4711", "Türcode: [withheld: door code]"),
            ("código del portal 2580", "código del portal [withheld: door code]"),
            ("codice cancello 1357", "codice cancello [withheld: door code]"),
            ("deurcode 2468", "deurcode [withheld: door code]"),
            ("mdp : Toto2019!", "mdp : [withheld: password]"),
            ("Mot de passe wifi = azerty", "Mot de passe wifi = [withheld: password]"),
            ("password hunter2", "password [withheld: password]"),
            ("Kennwort: Sommer", "Kennwort: [withheld: password]"),
            ("code PIN 4321", "code PIN [withheld: password]"),
            ("mdp : mon chat noir, rappeler", "mdp : [withheld: password], rappeler"),
            ("mot de passe = le chat botté - VIP", "mot de passe = [withheld: password] - VIP"),
            ("mdp: azerty login: jean", "mdp: [withheld: password] login: jean"),
            ("mdp : Rex2019 ou Rex2020", "mdp : [withheld: password] ou [withheld: password]"),
            ("password \"blue horse\" ok", "password [withheld: password] ok"),
            ("Code PIN : 12 34 merci", "Code PIN : [withheld: password] merci"),
            ("mot de passe : soleil appeler avant", "mot de passe : [withheld: password]"),
            ("mdp : Rex2019 rappeler lundi", "mdp : [withheld: password] rappeler lundi"),
        ] {
            assert_eq!(left(text), expected, "{text}");
        }
        for text in [
            "code postal 75001",
            "code client 12345",
            "code porte à demander au gardien",
            "Mot de passe oublié",
            "mot de passe : oublié",
            "mot de passe : le client l'a perdu",
            "mdp : voir avec Julie",
            "mot de passe : il faut le réinitialiser",
            "Pass : le 3 mai",
            "mot de passe \"à changer\"",
            "Code APE 4711B",
            "pins parasols",
            "Passage 12",
            "code NAF 6920Z",
        ] {
            assert_eq!(kinds(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn the_clause_about_health_is_withheld() {
        assert_eq!(
            left("Client depuis 2009, est diabétique ; rappeler en mai"),
            "Client depuis 2009, [withheld: health] ; rappeler en mai"
        );
        assert_eq!(left("en arrêt maladie jusqu'en juin"), "[withheld: health]");
        assert_eq!(
            left("VIP (cancer du sein, stade 3), souffre de diabète, d'asthme, rappeler"),
            "VIP ([withheld: health]), [withheld: health], rappeler"
        );
        assert_eq!(
            left("est hospitalisée, de bonne humeur"),
            "[withheld: health], de bonne humeur"
        );
        for text in [
            "Institut Gustave Roussy, centre de lutte contre les maladies",
            "matériel médical",
            "fournit les hôpitaux",
            "Santé - social",
        ] {
            assert_eq!(kinds(text), [""; 0], "{text}");
        }
        assert!(find("Institut du cancer du sein", Scope::Field).is_empty());
    }

    #[test]
    fn of_a_name_or_an_address_the_rest_stays() {
        let (text, found) =
            withhold("12 rue Haute, digicode 12A34", Scope::Field, &BTreeSet::new());
        assert_eq!((text.as_ref(), found.len()), ("12 rue Haute, digicode  ", 1));
    }

    #[test]
    fn what_is_released_stays_and_is_found_all_the_same() {
        let released = BTreeSet::from([Sensitive::DoorCode]);
        let (text, found) = withhold("digicode 12A34, mdp: Rex2019", Scope::Prose, &released);
        assert_eq!(text, "digicode 12A34, mdp: [withheld: password]");
        assert_eq!(found, [Sensitive::DoorCode, Sensitive::Password]);
    }

    #[test]
    fn every_phrase_has_a_stem() {
        let file: File =
            dictionary::read(include_str!("../../mappings/dictionaries/sensitive.toml"));
        for phrase in
            phrase::of_languages(&file.door_code).chain(phrase::of_languages(&file.password))
        {
            assert!(DICTIONARY.stems.is_match(phrase), "{phrase}");
        }
    }

    fn some_text() -> impl Strategy<Value = String> {
        let piece = "digicode|code porte |mdp ?[:=] ?|12A34|4111 ?1111 ?1111 ?1111|184127645108946|FR1420041010050500013M02606|est diabétique|[a-zé]{1,6}|[0-9]{1,6}|[ ,.;:/-]|\\[withheld: door code\\]|exp 12/25|puis";
        proptest::collection::vec(proptest::string::string_regex(piece).expect("a pattern"), 0..12)
            .prop_map(|pieces| pieces.join(" "))
    }

    #[test]
    fn the_room_of_a_text_is_its_digits_and_its_longest_row() {
        for (text, digits, row) in
            [("", 0, 0), ("12 34", 4, 4), ("-- ab1/2--c", 2, 4), ("a@b1 2_3", 3, 3)]
        {
            assert_eq!(Room::of(text), Room { digits, row }, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_text_has_room_for_what_it_holds(text in "([A-Z0-9]{1,6}[ ./-]{0,2}|[0-9]{2,4} ?){1,12}|[1-478] ?[0-9]{2} ?(0[1-9]) ?2A ?[0-9]{3} ?[0-9]{3}|[0-9]{3}-[0-9]{2}-[0-9]{4}|AB ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?C|[A-Z]{6}[0-9]{2}A[0-9]{2}H[0-9]{3}Z") {
            let room = Room::of(&text);
            for format in FORMATS.iter().filter(|format| format.pattern.is_match(&text)) {
                prop_assert!(room.holds(format.needs), "{}", format.pattern);
            }
            let all = Room { digits: usize::MAX, row: usize::MAX };
            let accounts = |room| {
                let mut found = Vec::new();
                ibans(&text, room, &mut |at| found.push(at));
                found
            };
            prop_assert_eq!(accounts(room), accounts(all));
        }

        #[test]
        fn withholding_twice_changes_nothing(text in some_text(), field in proptest::bool::ANY) {
            let scope = if field { Scope::Field } else { Scope::Prose };
            let once = withhold(&text, scope, &BTreeSet::new()).0.into_owned();
            let (twice, found) = withhold(&once, scope, &BTreeSet::new());
            prop_assert_eq!(twice.as_ref(), once.as_str());
            prop_assert!(found.is_empty());
        }

        #[test]
        fn a_text_without_findings_is_unchanged(text in "\\PC{0,60}|[0-9 .-]{0,40}") {
            let (kept, found) = withhold(&text, Scope::Prose, &BTreeSet::new());
            if found.is_empty() {
                prop_assert_eq!(kept.as_ref(), text.as_str());
            }
        }

        #[test]
        fn findings_lie_in_the_text(text in "\\PC*") {
            for found in find(&text, Scope::Prose) {
                prop_assert!(text.get(found.at).is_some());
            }
        }
    }
}
