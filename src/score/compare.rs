//! Two values -> an agreement level: the comparisons, by value kind.
//!
//! Level 0 is "one side has no value" and says nothing. The others stand best first, and each has
//! the share of matching pairs that an expert would expect there: the prior of `m`.

mod code;
mod contact;
mod organisation;
mod other;
mod person;
mod place;

use super::values::Values;
pub(super) use code::{Codes, Dates, KeySpaceCodes, LegalNumbers};
pub(super) use contact::{Emails, Phones};
pub(super) use organisation::{OrganisationNames, People};
pub(super) use other::{Categories, Sets, Texts};
pub(super) use person::{Genders, Generations, PersonNamePart};
pub(super) use place::{Streets, Towns};

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
    /// The family has it not in common, but its members lie nearer to each other than strangers do.
    pub near: bool,
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

/// Whether the two have a value in common, and which; nothing if one has none.
fn compare_sets(values: &Values, a: u32, b: u32) -> Outcome {
    if values.of(a).is_empty() || values.of(b).is_empty() {
        return MISSING;
    }
    match values.shared(a, b) {
        Some(code) => same(values, code),
        None => at(2),
    }
}

/// The best level for a value that both have.
fn same(values: &Values, code: u32) -> Outcome {
    Outcome { level: 1, rarity_bits: values.rarity_bits(code) }
}
