//! Two values -> an agreement level: the comparisons, by value kind.
//!
//! Level 0 is "one side has no value" and says nothing. The others stand best first, and each has
//! the share of matching pairs that an expert would expect there: the prior of `m`.

use super::values::{Phrases, Values};
use crate::value::{email, person};

/// One agreement level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// What agrees, in words.
    pub name: &'static str,
    /// Expected share of the matching pairs that have both values: the prior of `m`.
    pub expected: f64,
    /// Expected share of the pairs of strangers that have both values: the prior of `u`.
    pub by_chance: f64,
}

const fn level(name: &'static str, expected: f64, by_chance: f64) -> Level {
    Level { name, expected, by_chance }
}

/// What comparing two records gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// 0: a value is missing; else the position in the comparison's levels, from 1.
    pub level: u8,
    /// Bits to add because the shared value is rarer (or, below zero, more common) than usual.
    pub rarity_bits: f32,
}

pub(super) const MISSING: Outcome = Outcome { level: 0, rarity_bits: 0.0 };

fn at(level: u8) -> Outcome {
    Outcome { level, rarity_bits: 0.0 }
}

/// What a pair of records that is no match may still have in common, by its relation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shared {
    /// Persons of one household; organisations of one group.
    pub family: bool,
    /// Persons of one company; organisations at one address.
    pub place: bool,
    /// Two persons of one name.
    pub namesake: bool,
    /// Nobody knows: training finds out, starting from what strangers have in common.
    pub unknown: bool,
}

/// A comparison of two records, numbered as in the tables it was made from.
pub trait Comparison: Send + Sync {
    /// Its name: mostly an attribute's.
    fn name(&self) -> &str;
    /// Its levels from 1, best first.
    fn levels(&self) -> &'static [Level];
    /// The share of each level that an expert would expect between records of a relation that are no match.
    fn related(&self, _relation: &str) -> Vec<f64> {
        self.levels().iter().map(|level| level.expected).collect()
    }
    /// Compares two records.
    fn compare(&self, a: u32, b: u32) -> Outcome;
    /// Whether `m` stays as expected: for evidence of which only the agreement can be learned.
    fn fixed(&self) -> bool {
        false
    }
    /// Whether an entity has one true value, so that of several records what most say counts; of other
    /// comparisons, as of its phones, any that agrees.
    fn single(&self) -> bool {
        false
    }
    /// Which relations other than identity make it agree.
    fn shared(&self) -> Shared {
        Shared::default()
    }
}

/// Whether two words are one letter apart (typing, transposition), or two in long ones.
fn one_slip(a: &str, b: &str) -> bool {
    let longest = a.len().max(b.len());
    let allowed = if longest >= 9 { 2 } else { 1 };
    longest >= 4
        && a.len().abs_diff(b.len()) <= allowed
        && letters_apart(a, b) <= 2 * allowed as u32
        && strsim::osa_distance(a, b) <= allowed
}

/// The same for words of which some are numbers: `18th` is no slip of `19th`.
fn word_slip(a: &str, b: &str) -> bool {
    let numbered = |word: &str| word.bytes().any(|byte| byte.is_ascii_digit());
    !numbered(a) && !numbered(b) && one_slip(a, b)
}

/// In how many letters of the alphabet two words differ: a bound on their distance that costs little.
/// Each insertion or deletion changes one, each substitution two at most, a transposition none.
fn letters_apart(a: &str, b: &str) -> u32 {
    let set = |text: &str| text.bytes().fold(0u64, |set, byte| set | 1 << (byte & 63));
    (set(a) ^ set(b)).count_ones()
}

/// First or last names, compared with an eye to the other one: they may have changed places.
pub(super) struct PersonNamePart {
    pub(super) name: &'static str,
    pub(super) family: bool,
    pub(super) own: std::sync::Arc<Values>,
    pub(super) other: std::sync::Arc<Values>,
}

const NAME_LEVELS: &[Level] = &[
    level("same", 0.80, 0.01),
    level("same with first and last name swapped", 0.02, 0.0005),
    level("one is part of the other or an initial", 0.05, 0.01),
    level("one is a short form of the other", 0.01, 0.002),
    level("one slip apart", 0.05, 0.004),
    level("alike", 0.03, 0.03),
    level("different", 0.04, 0.9435),
];

impl Comparison for PersonNamePart {
    fn name(&self) -> &str {
        self.name
    }

    fn levels(&self) -> &'static [Level] {
        NAME_LEVELS
    }

    fn shared(&self) -> Shared {
        Shared { family: self.family, namesake: true, ..Shared::default() }
    }

    fn single(&self) -> bool {
        true
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        let (mine, yours) = (self.own.of(a), self.own.of(b));
        if mine.is_empty() || yours.is_empty() {
            return MISSING;
        }
        if let Some(code) = self.own.shared(a, b) {
            return Outcome { level: 1, rarity_bits: self.own.rarity_bits(code) };
        }
        if self.swapped(a, b) {
            // One mistake swaps both names: only one of the two comparisons may count it.
            return if self.family { self.swapped_outcome(a) } else { MISSING };
        }
        let mut best = 7;
        for x in self.own.texts_of(a) {
            for y in self.own.texts_of(b) {
                best = best.min(name_level(x, y, !self.family));
            }
        }
        // A common name has more look-alikes than a rare one.
        let rarity = |code: &u32| self.own.rarity_bits(*code).min(0.0);
        let common = mine.iter().chain(yours).map(rarity).fold(0.0, f32::min);
        Outcome { level: best, rarity_bits: if best == 7 { 0.0 } else { common } }
    }
}

impl PersonNamePart {
    fn swapped_outcome(&self, a: u32) -> Outcome {
        let commonest = |values: &Values| {
            values.of(a).iter().map(|&c| values.rarity_bits(c)).fold(0.0, f32::min)
        };
        Outcome { level: 2, rarity_bits: commonest(&self.own) + commonest(&self.other) }
    }

    /// Whether first and last name have changed places: one is the same, the other too or nearly.
    fn swapped(&self, a: u32, b: u32) -> bool {
        let meets = |x: u32, y: u32, alike: &dyn Fn(&str, &str) -> bool| {
            let mut mine = self.own.texts_of(x);
            mine.any(|mine| self.other.texts_of(y).any(|theirs| alike(mine, theirs)))
        };
        let same = |x: &str, y: &str| x == y;
        let nearly = |x: &str, y: &str| person::may_be_same_first_name(x, y) || one_slip(x, y);
        match (meets(a, b, &same), meets(b, a, &same)) {
            (true, true) => true,
            (true, false) => meets(b, a, &nearly),
            (false, true) => meets(a, b, &nearly),
            (false, false) => false,
        }
    }
}

fn name_level(x: &str, y: &str, given: bool) -> u8 {
    let (short, long) = if x.len() <= y.len() { (x, y) } else { (y, x) };
    // "Jean" is no short "Jeanne": two names that people bear are two names.
    let two_names = given && person::is_first_name(short) && person::is_first_name(long);
    if (!two_names || long.contains(' ')) && is_part(short, long) {
        3
    } else if given && person::may_be_same_first_name(x, y) {
        4
    } else if one_slip(x, y) {
        5
    } else if letters_apart(x, y) <= 8 && strsim::jaro_winkler(x, y) >= 0.86 {
        6
    } else {
        7
    }
}

/// Whether a name is a part of another, its start, its initial or its initials.
fn is_part(short: &str, long: &str) -> bool {
    let without_blanks = |text: &'_ str| text.bytes().filter(|&b| b != b' ').collect::<Vec<u8>>();
    if short.len() == 1 || short.len() >= 3 {
        if long.starts_with(short) {
            return true;
        }
        if !long.contains(' ') {
            return short.contains(' ') && without_blanks(short) == long.as_bytes();
        }
    }
    let initials = long.split(' ').filter_map(|word| word.bytes().next());
    short.split(' ').all(|word| long.split(' ').any(|other| other == word))
        || without_blanks(short) == without_blanks(long)
        || (short.len() > 1 && short.bytes().filter(|&b| b != b' ').eq(initials))
}

/// Email addresses: any of one record with any of the other.
pub(super) struct Emails {
    pub(super) shared: Shared,
    pub(super) values: Values,
    /// Of each code: whether the local part is made of its holder's name, so that a homonym has it too.
    pub(super) from_name: Vec<bool>,
    /// Whether the family of a record is a household, not a group of companies.
    pub(super) household: bool,
}

const EMAIL_LEVELS: &[Level] = &[
    level("same address", 0.60, 0.0005),
    level("same shared mailbox", 0.02, 0.001),
    level("same local part, other host", 0.04, 0.001),
    level("one slip apart", 0.06, 0.0005),
    level("same host of a company", 0.08, 0.01),
    level("different", 0.20, 0.987),
];

impl Comparison for Emails {
    fn name(&self) -> &str {
        "email"
    }

    fn levels(&self) -> &'static [Level] {
        EMAIL_LEVELS
    }

    /// Colleagues and group companies have the host in common, rarely an address; some couples have one
    /// address for both.
    fn related(&self, relation: &str) -> Vec<f64> {
        if self.household && relation == "family" {
            return vec![0.15, 0.01, 0.01, 0.02, 0.03, 0.78];
        }
        vec![0.01, 0.10, 0.01, 0.01, 0.55, 0.32]
    }

    fn shared(&self) -> Shared {
        self.shared
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        let (mine, yours) = (self.values.of(a), self.values.of(b));
        if mine.is_empty() || yours.is_empty() {
            return MISSING;
        }
        if let Some(code) = self.values.shared(a, b) {
            let role = email::is_role_mailbox(&self.values.texts[code as usize]);
            let level = if role { 2 } else { 1 };
            return Outcome { level, rarity_bits: self.values.rarity_bits(code) };
        }
        let mut best = MISSING;
        for &x in mine {
            for &y in yours {
                let found = self.compare_two(x, y);
                if best.level == 0 || (found.level != 0 && found.level < best.level) {
                    best = found;
                }
            }
        }
        best
    }
}

impl Emails {
    fn compare_two(&self, x: u32, y: u32) -> Outcome {
        let texts = [x, y].map(|code| self.values.texts[code as usize].as_str());
        let [(local_x, host_x), (local_y, host_y)] =
            texts.map(|text| text.split_once('@').unwrap_or((text, "")));
        if local_x == local_y && host_x != host_y {
            if one_slip(host_x, host_y) {
                return at(4);
            }
            // Two addresses made of one name say no more than the name does.
            let named = self.from_name[x as usize] || self.from_name[y as usize];
            return if named || email::is_role_mailbox(texts[0]) || local_x.len() < 4 {
                MISSING
            } else {
                at(3)
            };
        }
        if host_x == host_y {
            if one_slip(local_x, local_y) && local_x.len() > 4 {
                return at(4);
            }
            if !email::is_freemail(texts[0]) {
                return at(5);
            }
        }
        at(6)
    }
}

/// Phone numbers: any of one record with any of the other.
pub(super) struct Phones {
    pub(super) shared: Shared,
    pub(super) values: Values,
    /// Of each code: whether it is a mobile number, which people rarely share.
    pub(super) mobile: Vec<bool>,
}

const PHONE_LEVELS: &[Level] = &[
    level("same mobile number", 0.35, 0.0005),
    level("same number", 0.30, 0.001),
    level("one digit apart", 0.03, 0.001),
    level("different", 0.32, 0.9975),
];

impl Comparison for Phones {
    fn name(&self) -> &str {
        "phone"
    }

    fn levels(&self) -> &'static [Level] {
        PHONE_LEVELS
    }

    /// Households and colleagues share a landline, rarely a mobile.
    fn related(&self, _relation: &str) -> Vec<f64> {
        vec![0.03, 0.50, 0.02, 0.45]
    }

    fn shared(&self) -> Shared {
        self.shared
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        let (mine, yours) = (self.values.of(a), self.values.of(b));
        if mine.is_empty() || yours.is_empty() {
            return MISSING;
        }
        let mobile = |code: &&u32| self.mobile[**code as usize];
        let shared_mobile =
            mine.iter().filter(mobile).filter(|code| yours.contains(code)).min().copied();
        if let Some(code) = shared_mobile {
            return Outcome { level: 1, rarity_bits: self.values.rarity_bits(code) };
        }
        if let Some(code) = self.values.shared(a, b) {
            return Outcome { level: 2, rarity_bits: self.values.rarity_bits(code) };
        }
        let near = self.values.texts_of(a).any(|x| {
            self.values.texts_of(b).any(|y| x.len() == y.len() && x.len() > 6 && digits_apart(x, y))
        });
        at(if near { 3 } else { 4 })
    }
}

/// Whether two numbers of one length differ in one digit, or in two neighbours that changed places.
fn digits_apart(x: &str, y: &str) -> bool {
    let (x, y) = (x.as_bytes(), y.as_bytes());
    let mut differ = (0..x.len()).filter(|&i| x[i] != y[i]);
    match (differ.next(), differ.next(), differ.next()) {
        (Some(_), None, _) => true,
        (Some(i), Some(j), None) => j == i + 1 && x[i] == y[j] && x[j] == y[i],
        _ => false,
    }
}

/// Number and street of any address of one record with any of the other.
pub(super) struct Streets {
    pub(super) shared: Shared,
    /// `number\u{1f}street`, folded, one per address; the whole values for their frequency.
    pub(super) values: Values,
}

const STREET_LEVELS: &[Level] = &[
    level("same number and street", 0.60, 0.0005),
    level("same number, street alike", 0.12, 0.0005),
    level("same street, a number is missing", 0.06, 0.002),
    level("same street, other number", 0.06, 0.003),
    level("street alike", 0.05, 0.01),
    level("different", 0.11, 0.984),
];

impl Comparison for Streets {
    fn name(&self) -> &str {
        "street"
    }

    fn levels(&self) -> &'static [Level] {
        STREET_LEVELS
    }

    fn shared(&self) -> Shared {
        self.shared
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        if self.values.of(a).is_empty() || self.values.of(b).is_empty() {
            return MISSING;
        }
        if let Some(code) = self.values.shared(a, b) {
            return Outcome { level: 1, rarity_bits: self.values.rarity_bits(code) };
        }
        let pairs =
            self.values.texts_of(a).flat_map(|x| self.values.texts_of(b).map(move |y| (x, y)));
        at(pairs.map(|(x, y)| street_level(x, y)).min().unwrap_or(6))
    }
}

fn street_level(x: &str, y: &str) -> u8 {
    let (number_x, street_x) = x.split_once('\u{1f}').unwrap_or(("", x));
    let (number_y, street_y) = y.split_once('\u{1f}').unwrap_or(("", y));
    let same_number = number_x == number_y;
    let missing = number_x.is_empty() || number_y.is_empty();
    let same_street = street_x == street_y;
    let alike = same_street || words_alike(street_x, street_y) >= 0.75;
    match (same_street, alike) {
        (true, _) if same_number => 1,
        (_, true) if same_number && !missing => 2,
        (true, _) if missing => 3,
        (true, _) => 4,
        (_, true) => 5,
        _ if same_number && !missing && strsim::jaro_winkler(street_x, street_y) >= 0.8 => 5,
        _ => 6,
    }
}

/// How much of the words of two short texts agree, slips allowed: 0 none, 1 all.
fn words_alike(x: &str, y: &str) -> f64 {
    let letters = |text: &str| text.bytes().filter(|&b| b != b' ').count();
    let total = letters(x) + letters(y);
    let (mut agreed, mut taken) = (0, 0u64);
    for word in x.split(' ').filter(|w| !w.is_empty()) {
        let mut others = y.split(' ').enumerate().take(64);
        let found = others
            .find(|(n, other)| taken >> n & 1 == 0 && (*other == word || word_slip(word, other)));
        if let Some((n, other)) = found {
            taken |= 1 << n;
            agreed += word.len() + other.len();
        }
    }
    // A blank put in or left out changes all words and next to nothing.
    if agreed == 0 && letters(x).abs_diff(letters(y)) <= 1 && x.contains(' ') != y.contains(' ') {
        return if one_slip(&x.replace(' ', ""), &y.replace(' ', "")) { 1.0 } else { 0.0 };
    }
    agreed as f64 / total.max(1) as f64
}

/// Postcode and city of any address of one record with any of the other.
pub(super) struct Towns {
    pub(super) shared: Shared,
    /// `postcode\u{1f}city`, folded.
    pub(super) values: Values,
}

const TOWN_LEVELS: &[Level] = &[
    level("same postcode and city", 0.66, 0.01),
    level("same postcode or same city, the other missing or alike", 0.14, 0.01),
    level("same city, other postcode", 0.05, 0.003),
    level("same postcode, other city", 0.03, 0.005),
    level("both nearly the same", 0.03, 0.005),
    level("same region of postcodes", 0.03, 0.03),
    level("different", 0.06, 0.937),
];

impl Comparison for Towns {
    fn name(&self) -> &str {
        "town"
    }

    fn levels(&self) -> &'static [Level] {
        TOWN_LEVELS
    }

    fn shared(&self) -> Shared {
        self.shared
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        if self.values.of(a).is_empty() || self.values.of(b).is_empty() {
            return MISSING;
        }
        if let Some(code) = self.values.shared(a, b) {
            return Outcome { level: 1, rarity_bits: self.values.rarity_bits(code) };
        }
        let pairs =
            self.values.of(a).iter().flat_map(|x| self.values.of(b).iter().map(move |y| (*x, *y)));
        let best = pairs.map(|(x, y)| (self.level(x, y), x, y)).min();
        best.map_or(MISSING, |(level, x, y)| {
            let rarity = self.values.rarity_bits(x).min(self.values.rarity_bits(y)).min(0.0);
            Outcome { level, rarity_bits: if level >= 6 { 0.0 } else { rarity } }
        })
    }
}

impl Towns {
    fn level(&self, x: u32, y: u32) -> u8 {
        let split = |code: u32| {
            let text = &self.values.texts[code as usize];
            text.split_once('\u{1f}').unwrap_or((text, ""))
        };
        let ((code_x, city_x), (code_y, city_y)) = (split(x), split(y));
        let known = |p: &str, q: &str| !p.is_empty() && !q.is_empty();
        let same_code = known(code_x, code_y) && code_x == code_y;
        let same_city = known(city_x, city_y) && city_x == city_y;
        let city_alike = known(city_x, city_y) && words_alike(city_x, city_y) >= 0.6;
        let code_near = known(code_x, code_y) && strsim::osa_distance(code_x, code_y) == 1;
        if same_code && same_city {
            1
        } else if same_code && (!known(city_x, city_y) || city_alike)
            || same_city && !known(code_x, code_y)
        {
            2
        } else if same_city {
            3
        } else if same_code {
            4
        } else if city_alike && (code_near || !known(code_x, code_y)) {
            5
        } else if known(code_x, code_y) && code_x.len() > 2 && code_x.get(..2) == code_y.get(..2) {
            6
        } else {
            7
        }
    }
}

/// Dates: ISO, perhaps partial.
pub(super) struct Dates {
    pub(super) name: String,
    pub(super) values: Values,
}

const DATE_LEVELS: &[Level] = &[
    level("same", 0.80, 0.0005),
    level("one slip apart, or day and month swapped", 0.12, 0.005),
    level("two of day, month and year the same", 0.03, 0.02),
    level("different", 0.05, 0.9745),
];

impl Comparison for Dates {
    fn name(&self) -> &str {
        &self.name
    }

    fn levels(&self) -> &'static [Level] {
        DATE_LEVELS
    }

    fn single(&self) -> bool {
        true
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        let (Some(x), Some(y)) = (self.values.text(a), self.values.text(b)) else { return MISSING };
        if let Some(code) = self.values.shared(a, b) {
            return Outcome { level: 1, rarity_bits: self.values.rarity_bits(code) };
        }
        at(date_level(x, y))
    }
}

fn date_level(x: &str, y: &str) -> u8 {
    let parts = |text: &str| -> [String; 3] {
        let mut parts = text.splitn(3, '-').map(str::to_owned);
        [0, 1, 2].map(|_| parts.next().unwrap_or_default())
    };
    let (px, py) = (parts(x), parts(y));
    let swapped = px[0] == py[0] && px[1] == py[2] && px[2] == py[1];
    let same = (0..3).filter(|&i| !px[i].is_empty() && px[i] == py[i]).count();
    if swapped || strsim::osa_distance(x, y) == 1 {
        2
    } else if same == 2 {
        3
    } else {
        4
    }
}

/// Numbers and codes that are right or wrong as a whole.
pub(super) struct Codes {
    pub(super) name: String,
    pub(super) values: Values,
}

const CODE_LEVELS: &[Level] = &[
    level("same", 0.85, 0.001),
    level("one character apart", 0.08, 0.002),
    level("different", 0.07, 0.997),
];

impl Comparison for Codes {
    fn name(&self) -> &str {
        &self.name
    }

    fn levels(&self) -> &'static [Level] {
        CODE_LEVELS
    }

    fn single(&self) -> bool {
        true
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        let (Some(x), Some(y)) = (self.values.text(a), self.values.text(b)) else { return MISSING };
        if let Some(code) = self.values.shared(a, b) {
            return Outcome { level: 1, rarity_bits: self.values.rarity_bits(code) };
        }
        at(if x.len() > 3 && strsim::osa_distance(x, y) == 1 { 2 } else { 3 })
    }
}

/// Customer codes, compared within one key space only: `key space\u{1f}code`.
pub(super) struct KeySpaceCodes {
    pub(super) values: Values,
}

const KEY_LEVELS: &[Level] =
    &[level("same code", 0.85, 0.0005), level("other code of the same key space", 0.15, 0.9995)];

impl Comparison for KeySpaceCodes {
    fn name(&self) -> &str {
        "code"
    }

    fn levels(&self) -> &'static [Level] {
        KEY_LEVELS
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        if let Some(code) = self.values.shared(a, b) {
            return Outcome { level: 1, rarity_bits: self.values.rarity_bits(code) };
        }
        let space = |text: &str| text.split('\u{1f}').next().unwrap_or("").to_owned();
        let spaces: Vec<String> = self.values.texts_of(a).map(space).collect();
        let conflict = self.values.texts_of(b).any(|text| spaces.contains(&space(text)));
        at(if conflict { 2 } else { 0 })
    }
}

/// SIRET, SIREN and VAT numbers together.
pub(super) struct LegalNumbers {
    pub(super) siret: Values,
    pub(super) siren: Values,
    /// Of each code of `siren`: whether several of its establishments are known.
    pub(super) several: Vec<bool>,
}

const LEGAL_LEVELS: &[Level] = &[
    level("same establishment, or the only one known", 0.70, 0.0005),
    level("same legal unit, an establishment unknown", 0.15, 0.0005),
    level("same legal unit, other establishment", 0.05, 0.001),
    level("different legal units", 0.10, 0.998),
];

impl Comparison for LegalNumbers {
    fn name(&self) -> &str {
        "legal number"
    }

    fn levels(&self) -> &'static [Level] {
        LEGAL_LEVELS
    }

    /// Branches have one SIREN and several SIRETs, subsidiaries a SIREN of their own.
    fn related(&self, _relation: &str) -> Vec<f64> {
        vec![0.001, 0.15, 0.45, 0.399]
    }

    fn shared(&self) -> Shared {
        Shared { family: true, ..Shared::default() }
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        if let Some(code) = self.siret.shared(a, b) {
            return Outcome { level: 1, rarity_bits: self.siret.rarity_bits(code) };
        }
        if self.siren.of(a).is_empty() || self.siren.of(b).is_empty() {
            return MISSING;
        }
        let both = !self.siret.of(a).is_empty() && !self.siret.of(b).is_empty();
        match self.siren.shared(a, b) {
            Some(code) if both => Outcome { level: 3, rarity_bits: self.siren.rarity_bits(code) },
            // Where one establishment is known, it is the one that is meant.
            Some(code) => {
                let level = if self.several[code as usize] { 2 } else { 1 };
                Outcome { level, rarity_bits: self.siren.rarity_bits(code) }
            }
            None => at(4),
        }
    }
}

/// Organisation names by their words, the rare ones weighing most.
pub(super) struct OrganisationNames {
    pub(super) name: &'static str,
    /// The words of each name joined by spaces, one text per name.
    pub(super) names: Values,
    /// Their words.
    pub(super) phrases: Phrases,
    pub(super) shared: Shared,
    /// For persons: the cluster of the organisation they are linked to, if it was resolved.
    pub(super) clusters: Option<Values>,
}

const ORGANISATION_LEVELS: &[Level] = &[
    level("same organisation or same words", 0.62, 0.002),
    level("nearly the same words", 0.10, 0.001),
    level("one name within the other", 0.10, 0.005),
    level("one is the acronym of the other", 0.02, 0.0005),
    level("half of the words", 0.04, 0.004),
    level("some words", 0.03, 0.03),
    level("different", 0.09, 0.9575),
];

impl Comparison for OrganisationNames {
    fn name(&self) -> &str {
        self.name
    }

    fn levels(&self) -> &'static [Level] {
        ORGANISATION_LEVELS
    }

    fn shared(&self) -> Shared {
        self.shared
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        if let Some(clusters) = &self.clusters
            && let Some(code) = clusters.shared(a, b)
        {
            return Outcome { level: 1, rarity_bits: clusters.rarity_bits(code) };
        }
        if self.names.of(a).is_empty() || self.names.of(b).is_empty() {
            return MISSING;
        }
        if let Some(code) = self.names.shared(a, b) {
            return Outcome { level: 1, rarity_bits: self.names.rarity_bits(code) };
        }
        let mut best = (7, 0.0);
        for &x in self.names.of(a) {
            for &y in self.names.of(b) {
                let found = self.compare_two(x, y);
                if found.0 < best.0 {
                    best = found;
                }
            }
        }
        Outcome { level: best.0, rarity_bits: best.1 }
    }
}

impl OrganisationNames {
    /// The bits that an agreement on usual words carries; a rarer agreement says more.
    const USUAL_BITS: f64 = 12.0;

    fn compare_two(&self, x: u32, y: u32) -> (u8, f32) {
        let phrases = &self.phrases;
        let [words_x, words_y] = [x, y].map(|code| phrases.words[code as usize].len());
        let nearly = |one: &str, other: &str| word_slip(one, other) || cut(one, other);
        let found = phrases.agreement(x, y, nearly);
        let rarity = (found.bits - Self::USUAL_BITS).clamp(-6.0, 3.0) as f32;
        if phrases.joined[x as usize] == phrases.joined[y as usize] {
            (1, (found.of[0] - Self::USUAL_BITS).clamp(-6.0, 3.0) as f32)
        } else if found.jaccard() >= 0.8 {
            (2, rarity)
        } else if found.within() >= 0.8 && found.words == words_x.min(words_y) {
            (3, rarity)
        } else if self.is_acronym(x, y) || self.is_acronym(y, x) {
            (4, 0.0)
        } else if found.jaccard() >= 0.45 {
            (5, rarity)
        } else if found.jaccard() >= 0.15 {
            (6, rarity.min(0.0))
        } else {
            (7, 0.0)
        }
    }

    fn is_acronym(&self, short: u32, long: u32) -> bool {
        let (short, long) = (short as usize, long as usize);
        self.phrases.words[short].len() == 1
            && self.phrases.joined[short].len() >= 3
            && self.phrases.joined[short] == self.phrases.initials[long]
    }
}

/// Whether one word is the other cut off: `constr` of `construction`.
fn cut(x: &str, y: &str) -> bool {
    let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
    short.len() >= 3 && long.len() >= 5 && long.starts_with(short)
}

/// Sets of which one shared member is telling: people named beside an organisation, web domains.
pub(super) struct Sets {
    pub(super) name: &'static str,
    pub(super) values: Values,
    pub(super) shared: Shared,
}

const SET_LEVELS: &[Level] =
    &[level("one in common", 0.45, 0.005), level("none in common", 0.55, 0.995)];

impl Comparison for Sets {
    fn name(&self) -> &str {
        self.name
    }

    fn levels(&self) -> &'static [Level] {
        SET_LEVELS
    }

    fn shared(&self) -> Shared {
        self.shared
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        compare_sets(&self.values, a, b)
    }
}

fn compare_sets(values: &Values, a: u32, b: u32) -> Outcome {
    if values.of(a).is_empty() || values.of(b).is_empty() {
        return MISSING;
    }
    match values.shared(a, b) {
        Some(code) => Outcome { level: 1, rarity_bits: values.rarity_bits(code) },
        None => at(2),
    }
}

/// People named beside an organisation: it has many, so that other ones say next to nothing.
pub(super) struct People {
    pub(super) values: Values,
}

const PEOPLE_LEVELS: &[Level] =
    &[level("one in common", 0.25, 0.002), level("none in common", 0.75, 0.998)];

impl Comparison for People {
    fn name(&self) -> &str {
        "people"
    }

    fn levels(&self) -> &'static [Level] {
        PEOPLE_LEVELS
    }

    fn fixed(&self) -> bool {
        true
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        compare_sets(&self.values, a, b)
    }
}

/// Text of a column that the model does not know.
pub(super) struct Texts {
    pub(super) name: String,
    pub(super) values: Values,
    pub(super) phrases: Phrases,
}

const TEXT_LEVELS: &[Level] = &[
    level("same", 0.60, 0.01),
    level("nearly the same", 0.15, 0.005),
    level("much in common", 0.08, 0.01),
    level("something in common", 0.05, 0.03),
    level("different", 0.12, 0.945),
];

impl Comparison for Texts {
    fn name(&self) -> &str {
        &self.name
    }

    fn levels(&self) -> &'static [Level] {
        TEXT_LEVELS
    }

    fn shared(&self) -> Shared {
        Shared { unknown: true, ..Shared::default() }
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        let (Some(x), Some(y)) = (self.values.text(a), self.values.text(b)) else { return MISSING };
        if let Some(code) = self.values.shared(a, b) {
            return Outcome { level: 1, rarity_bits: self.values.rarity_bits(code) };
        }
        let found = self.phrases.agreement(self.values.of(a)[0], self.values.of(b)[0], word_slip);
        let alike = 2.0 * found.bits / (found.of[0] + found.of[1]).max(1e-9);
        at(if alike >= 0.85 || one_slip(x, y) {
            2
        } else if alike >= 0.6 || strsim::jaro_winkler(x, y) >= 0.93 {
            3
        } else if alike >= 0.3 {
            4
        } else {
            5
        })
    }
}

/// Values of which there are few: a category, a gender, a number that is one of a few.
pub(super) struct Categories {
    pub(super) name: String,
    pub(super) values: Values,
}

const CATEGORY_LEVELS: &[Level] = &[level("same", 0.85, 0.25), level("different", 0.15, 0.75)];

impl Comparison for Categories {
    fn name(&self) -> &str {
        &self.name
    }

    fn levels(&self) -> &'static [Level] {
        CATEGORY_LEVELS
    }

    fn shared(&self) -> Shared {
        Shared { unknown: true, ..Shared::default() }
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        compare_sets(&self.values, a, b)
    }
}

/// Man or woman: what is left to tell husband from wife where a first name is missing.
pub(super) struct Genders {
    pub(super) values: Values,
    pub(super) first: std::sync::Arc<Values>,
}

const GENDER_LEVELS: &[Level] = &[level("same", 0.97, 0.5), level("different", 0.03, 0.5)];

impl Comparison for Genders {
    fn name(&self) -> &str {
        "gender"
    }

    fn levels(&self) -> &'static [Level] {
        GENDER_LEVELS
    }

    fn single(&self) -> bool {
        true
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        // Two first names say it already, whether they agree or not.
        let named = |record| self.first.texts_of(record).any(|name| name.len() > 1);
        if named(a) && named(b) {
            return MISSING;
        }
        match (self.values.of(a), self.values.of(b)) {
            ([x], [y]) => at(if x == y { 1 } else { 2 }),
            _ => MISSING,
        }
    }
}

/// Father or son: `Sr` and `Jr`, `père` and `fils`. Mostly nothing tells, which is neutral.
pub(super) struct Generations {
    pub(super) values: Values,
}

const GENERATION_LEVELS: &[Level] = &[level("same", 0.97, 0.5), level("different", 0.03, 0.5)];

impl Comparison for Generations {
    fn name(&self) -> &str {
        "generation"
    }

    fn levels(&self) -> &'static [Level] {
        GENERATION_LEVELS
    }

    fn single(&self) -> bool {
        true
    }

    fn compare(&self, a: u32, b: u32) -> Outcome {
        match (self.values.of(a), self.values.of(b)) {
            ([x], [y]) => at(if x == y { 1 } else { 2 }),
            _ => MISSING,
        }
    }
}
