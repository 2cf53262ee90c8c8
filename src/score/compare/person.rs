//! What tells persons apart by their names.

use std::{collections::HashMap, sync::Arc};

use super::{Comparison, Level, MISSING, Outcome, Shared, at, level, same};
use crate::{
    score::{values::Values, words::Word},
    value::person,
};

/// First or last names, compared with an eye to the other one: they may have changed places.
pub(crate) struct PersonNamePart {
    name: &'static str,
    family: bool,
    own: Arc<Values>,
    other: Arc<Values>,
    /// For each own code that of the same text among the other names.
    as_other: Vec<Option<u32>>,
    /// For each own code whether it is a common first name.
    is_first_name: Vec<bool>,
}

impl PersonNamePart {
    /// First names, `other` being the last names; or last names when `family`.
    pub(crate) fn new(
        name: &'static str,
        family: bool,
        own: Arc<Values>,
        other: Arc<Values>,
    ) -> PersonNamePart {
        let code_of: HashMap<&str, u32> =
            other.texts().iter().enumerate().map(|(code, text)| (text, code as u32)).collect();
        let as_other = own.texts().iter().map(|text| code_of.get(text).copied()).collect();
        let is_first_name = own.texts().iter().map(person::is_first_name).collect();
        PersonNamePart { name, family, as_other, is_first_name, own, other }
    }
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
            return same(&self.own, code);
        }
        if self.swapped(a, b) {
            // One mistake swaps both names: only one of the two comparisons may count it.
            return if self.family { self.swapped_outcome(a) } else { MISSING };
        }
        let mut best = 7;
        for &x in mine {
            for &y in yours {
                best = best.min(self.level(x, y));
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
        match (self.is_other(a, b), self.is_other(b, a)) {
            (true, true) => true,
            (true, false) => self.is_nearly_other(b, a),
            (false, true) => self.is_nearly_other(a, b),
            (false, false) => false,
        }
    }

    /// Whether an own name of `x` is the other name of `y`.
    fn is_other(&self, x: u32, y: u32) -> bool {
        let others = self.other.of(y);
        let mut mine = self.own.of(x).iter().filter_map(|&code| self.as_other[code as usize]);
        mine.any(|code| others.contains(&code))
    }

    /// Whether an own name of `x` is nearly the other name of `y`.
    fn is_nearly_other(&self, x: u32, y: u32) -> bool {
        let nearly = |mine: u32, theirs: u32| {
            let (mine, theirs) = (self.own.word(mine), self.other.word(theirs));
            person::may_be_same_first_name(mine.text, theirs.text) || mine.one_slip(theirs)
        };
        let mut mine = self.own.of(x).iter();
        mine.any(|&mine| self.other.of(y).iter().any(|&theirs| nearly(mine, theirs)))
    }

    /// The level of two names that are not the same.
    fn level(&self, x: u32, y: u32) -> u8 {
        let (one, two) = (self.own.word(x), self.own.word(y));
        let (short, long) = if one.text.len() <= two.text.len() { (one, two) } else { (two, one) };
        let given = !self.family;
        // "Jean" is no short "Jeanne": two names that people bear are two names.
        let two_names = given && self.is_first_name[x as usize] && self.is_first_name[y as usize];
        if (!two_names || long.is_spaced()) && is_part(short, long) {
            3
        } else if given && person::may_be_same_first_name(one.text, two.text) {
            4
        } else if one.one_slip(two) {
            5
        } else if one.alike_in_letters(two, 8, 0.86) {
            6
        } else {
            7
        }
    }
}

/// Whether a name is a part of another, its start, its initial or its initials.
fn is_part(short: Word<'_>, long: Word<'_>) -> bool {
    let without_blanks = |text: &str| text.bytes().filter(|&b| b != b' ').collect::<Vec<u8>>();
    let (spaced, long_spaced) = (short.is_spaced(), long.is_spaced());
    let (short, long) = (short.text, long.text);
    if short.len() == 1 || short.len() >= 3 {
        if long.starts_with(short) {
            return true;
        }
        if !long_spaced {
            return spaced && without_blanks(short) == long.as_bytes();
        }
    }
    let initials = long.split(' ').filter_map(|word| word.bytes().next());
    short.split(' ').all(|word| long.split(' ').any(|other| other == word))
        || without_blanks(short) == without_blanks(long)
        || (short.len() > 1 && short.bytes().filter(|&b| b != b' ').eq(initials))
}

/// Man or woman: what is left to tell husband from wife where a first name is missing.
pub(crate) struct Genders {
    pub(crate) values: Values,
    /// Of each record whether it has a first name.
    pub(crate) is_named: Vec<bool>,
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
        if self.is_named[a as usize] && self.is_named[b as usize] {
            return MISSING;
        }
        match (self.values.of(a), self.values.of(b)) {
            ([x], [y]) => at(if x == y { 1 } else { 2 }),
            _ => MISSING,
        }
    }
}

/// Father or son: `Sr` and `Jr`, `père` and `fils`. Mostly nothing tells, which is neutral.
pub(crate) struct Generations {
    pub(crate) values: Values,
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
