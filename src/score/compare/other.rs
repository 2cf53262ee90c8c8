//! Values that the model does not know.

use super::{Comparison, Level, MISSING, Outcome, Shared, at, compare_sets, level, same};
use crate::score::values::{Phrases, Values};

/// Sets of which one shared member is telling: people named beside an organisation, web domains.
pub(crate) struct Sets {
    pub(crate) name: &'static str,
    pub(crate) values: Values,
    pub(crate) shared: Shared,
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

/// Text of a column that the model does not know.
pub(crate) struct Texts {
    pub(crate) name: String,
    pub(crate) values: Values,
    pub(crate) phrases: Phrases,
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
        let ([x, ..], [y, ..]) = (self.values.of(a), self.values.of(b)) else { return MISSING };
        if let Some(code) = self.values.shared(a, b) {
            return same(&self.values, code);
        }
        let found = self.phrases.agreement(*x, *y, |one, other| one.word_slip(other));
        let (x, y) = (self.values.word(*x), self.values.word(*y));
        let alike = 2.0 * found.bits / (found.of[0] + found.of[1]).max(1e-9);
        at(if alike >= 0.85 || x.one_slip(y) {
            2
        } else if alike >= 0.6 || x.alike(y, 0.93) {
            3
        } else if alike >= 0.3 {
            4
        } else {
            5
        })
    }
}

/// Values of which there are few: a category, a gender, a number that is one of a few.
pub(crate) struct Categories {
    pub(crate) name: String,
    pub(crate) values: Values,
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
