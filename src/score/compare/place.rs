//! Addresses by their parts.

use super::{Comparison, Level, MISSING, Outcome, Shared, at, level, same};
use crate::score::{
    values::Values,
    words::{Wording, Words},
};

/// Number and street of any address of one record with any of the other.
pub(crate) struct Streets {
    shared: Shared,
    values: Values,
    /// Of each code its number, if it has one, and its street.
    parts: Vec<(Option<u32>, u32)>,
    streets: Words,
    wording: Wording,
}

/// The different parts before and behind the separator, and of each text which two it is made of.
fn halves(values: &Values) -> [(Words, Vec<u32>); 2] {
    fn split(text: &str) -> (&str, &str) {
        text.split_once('\u{1f}').unwrap_or((text, ""))
    }
    [
        Words::numbered(values.texts().iter().map(|text| split(text).0)),
        Words::numbered(values.texts().iter().map(|text| split(text).1)),
    ]
}

/// The number of a text; none if it is empty.
fn known(words: &Words, number: u32) -> Option<u32> {
    (!words.get(number).text.is_empty()).then_some(number)
}

/// Whether both are known and the same.
fn agree(x: Option<u32>, y: Option<u32>) -> bool {
    x.is_some() && x == y
}

impl Streets {
    /// `values` are `number\u{1f}street`, folded, one per address; whole for their frequency.
    pub(crate) fn new(shared: Shared, values: Values) -> Streets {
        let [(numbers, number_of), (streets, street_of)] = halves(&values);
        let numbers = number_of.into_iter().map(|number| known(&numbers, number));
        let parts = numbers.zip(street_of).collect();
        Streets { shared, parts, wording: Wording::new(streets.texts()), streets, values }
    }

    /// The level of two streets with their numbers.
    fn level(&self, x: u32, y: u32) -> u8 {
        let (number_x, street_x) = self.parts[x as usize];
        let (number_y, street_y) = self.parts[y as usize];
        let same_number = number_x == number_y;
        let missing = number_x.is_none() || number_y.is_none();
        let same_street = street_x == street_y;
        let alike = same_street || self.wording.alike(street_x, street_y) >= 0.75;
        let start_alike = || self.streets.get(street_x).alike(self.streets.get(street_y), 0.8);
        match (same_street, alike) {
            (true, _) if same_number => 1,
            (_, true) if same_number && !missing => 2,
            (true, _) if missing => 3,
            (true, _) => 4,
            (_, true) => 5,
            _ if same_number && !missing && start_alike() => 5,
            _ => 6,
        }
    }
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
        let (mine, yours) = (self.values.of(a), self.values.of(b));
        if let Some(code) = self.values.shared(a, b) {
            return same(&self.values, code);
        }
        let pairs = mine.iter().flat_map(|&x| yours.iter().map(move |&y| (x, y)));
        pairs.map(|(x, y)| self.level(x, y)).min().map_or(MISSING, at)
    }
}

/// Postcode and city of any address of one record with any of the other.
pub(crate) struct Towns {
    shared: Shared,
    values: Values,
    /// Of each code its postcode and its city.
    parts: Vec<[Option<u32>; 2]>,
    postcodes: Words,
    cities: Wording,
}

impl Towns {
    /// `values` are `postcode\u{1f}city`, folded.
    pub(crate) fn new(shared: Shared, values: Values) -> Towns {
        let [(postcodes, postcode_of), (cities, city_of)] = halves(&values);
        let parts = postcode_of.into_iter().zip(city_of);
        let parts = parts.map(|(p, c)| [known(&postcodes, p), known(&cities, c)]).collect();
        Towns { shared, parts, postcodes, cities: Wording::new(cities.texts()), values }
    }

    /// The level of two towns.
    fn level(&self, x: u32, y: u32) -> u8 {
        let [code_x, city_x] = self.parts[x as usize];
        let [code_y, city_y] = self.parts[y as usize];
        let (postcodes, cities) = (code_x.zip(code_y), city_x.zip(city_y));
        let (same_code, same_city) = (agree(code_x, code_y), agree(city_x, city_y));
        let city_alike = || cities.is_some_and(|(p, q)| self.cities.alike(p, q) >= 0.6);
        let words = |(p, q)| (self.postcodes.get(p), self.postcodes.get(q));
        let code_near_or_missing =
            || postcodes.is_none_or(|codes| words(codes).0.one_apart(words(codes).1));
        let same_region = || {
            postcodes
                .map(words)
                .is_some_and(|(p, q)| p.text.len() > 2 && p.text.get(..2) == q.text.get(..2))
        };
        match (same_code, same_city) {
            (true, true) => 1,
            (true, false) if cities.is_none() || city_alike() => 2,
            (false, true) if postcodes.is_none() => 2,
            (false, true) => 3,
            (true, false) => 4,
            _ if code_near_or_missing() && city_alike() => 5,
            _ if same_region() => 6,
            _ => 7,
        }
    }
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
        let (mine, yours) = (self.values.of(a), self.values.of(b));
        if let Some(code) = self.values.shared(a, b) {
            return same(&self.values, code);
        }
        let pairs = mine.iter().flat_map(|&x| yours.iter().map(move |&y| (x, y)));
        // Of two towns that agree as well, the rarer tells more.
        let commoner = |x, y| self.values.count(x).max(self.values.count(y));
        let best = pairs.map(|(x, y)| (self.level(x, y), commoner(x, y), x, y)).min();
        best.map_or(MISSING, |(level, _, x, y)| {
            let rarity = self.values.rarity_bits(x).min(self.values.rarity_bits(y)).min(0.0);
            Outcome { level, rarity_bits: if level >= 6 { 0.0 } else { rarity } }
        })
    }
}
