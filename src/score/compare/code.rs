//! Dates, numbers and codes.

use std::collections::BTreeMap;

use super::{Comparison, Level, MISSING, Outcome, Shared, at, level, same};
use crate::score::{values::Values, words::Words};

/// Dates: ISO, perhaps partial.
pub(crate) struct Dates {
    name: String,
    values: Values,
    /// For each code its year, month and day as numbers of texts; 0 where one is missing.
    parts: Vec<[u32; 3]>,
}

impl Dates {
    pub(crate) fn new(name: String, values: Values) -> Dates {
        let mut numbers = BTreeMap::from([("", 0)]);
        let mut number = |part| {
            let next = numbers.len() as u32;
            *numbers.entry(part).or_insert(next)
        };
        let parts = values.texts().iter().map(|text| {
            let mut parts = text.splitn(3, '-');
            [0, 1, 2].map(|_| number(parts.next().unwrap_or_default()))
        });
        Dates { name, parts: parts.collect(), values }
    }

    /// The level of two dates that are not the same.
    fn level(&self, x: u32, y: u32) -> u8 {
        let (of_x, of_y) = (self.parts[x as usize], self.parts[y as usize]);
        let swapped = of_x[0] == of_y[0] && of_x[1] == of_y[2] && of_x[2] == of_y[1];
        let same = (0..3).filter(|&i| of_x[i] != 0 && of_x[i] == of_y[i]).count();
        if swapped || self.values.word(x).one_apart(self.values.word(y)) {
            2
        } else if same == 2 {
            3
        } else {
            4
        }
    }
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
        let ([x, ..], [y, ..]) = (self.values.of(a), self.values.of(b)) else { return MISSING };
        match self.values.shared(a, b) {
            Some(code) => same(&self.values, code),
            None => at(self.level(*x, *y)),
        }
    }
}

/// Numbers and codes that are right or wrong as a whole.
pub(crate) struct Codes {
    pub(crate) name: String,
    pub(crate) values: Values,
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
        let ([x, ..], [y, ..]) = (self.values.of(a), self.values.of(b)) else { return MISSING };
        if let Some(code) = self.values.shared(a, b) {
            return same(&self.values, code);
        }
        let (x, y) = (self.values.word(*x), self.values.word(*y));
        at(if x.text.len() > 3 && x.one_apart(y) { 2 } else { 3 })
    }
}

/// Customer codes, compared within one key space only: `key space\u{1f}code`.
pub(crate) struct KeySpaceCodes {
    values: Values,
    /// For each code of the values the number of its key space.
    spaces: Vec<u32>,
}

impl KeySpaceCodes {
    pub(crate) fn new(values: Values) -> KeySpaceCodes {
        let space = |text: &'_ str| text.split('\u{1f}').next().unwrap_or("").to_owned();
        let texts: Vec<String> = values.texts().iter().map(space).collect();
        let (_, spaces) = Words::numbered(texts.iter().map(String::as_str));
        KeySpaceCodes { values, spaces }
    }
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
            return same(&self.values, code);
        }
        let space = |code: &u32| self.spaces[*code as usize];
        let theirs = self.values.of(b);
        let mut mine = self.values.of(a).iter();
        let conflict = mine.any(|x| theirs.iter().any(|y| space(x) == space(y)));
        at(if conflict { 2 } else { 0 })
    }
}

/// SIRET, SIREN and VAT numbers together.
pub(crate) struct LegalNumbers {
    pub(crate) siret: Values,
    pub(crate) siren: Values,
    /// Of each code of `siren`: whether several of its establishments are known.
    pub(crate) several: Vec<bool>,
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
            return same(&self.siret, code);
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
