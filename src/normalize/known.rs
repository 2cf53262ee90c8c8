//! What the cells of all records tell, each different one worked out once.
//!
//! A cell gets a code: that of what it tells, or one that says it is in its canonical form already. Putting
//! a record together then takes no look at its texts. This is the only place that remembers.

use std::{hash::BuildHasher, sync::Arc};

use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;

use super::{
    address::{Different, Halves},
    cell::{Around, Plainly, Told},
    record::Plan,
};
use crate::{
    error::Result,
    progress::Progress,
    table::{Column, ValueIssue},
    value::Invalid,
};

/// The code of a cell that is its own clean value.
pub(super) const AS_WRITTEN: u32 = u32::MAX;

/// The code of a cell that is a plain number to call.
pub(super) const NUMBER: u32 = u32::MAX - 1;

/// How many different cells one task reads.
const PIECE: usize = 4096;

/// How many records one task looks through for addresses.
const CHUNK: usize = 65_536;

/// What was worked out.
pub(super) struct Known<'a> {
    /// By position of the attribute.
    pub(super) cells: Vec<Cells>,
    pub(super) halves: Halves<'a>,
}

/// What the cells of one attribute tell.
#[derive(Default)]
pub(super) struct Cells {
    /// For each value of the column, in its order.
    codes: Vec<u32>,
    /// What the codes stand for, [`PIECE`] in each.
    pieces: Vec<Piece>,
}

impl<'a> Known<'a> {
    pub(super) fn new(plan: &Plan<'a>, progress: &Progress) -> Result<Known<'a>> {
        let encoded: Vec<Encoded> = (0..plan.attributes.len())
            .into_par_iter()
            .map(|at| {
                progress.check()?;
                Ok(plan
                    .column_read_alone(at)
                    .map_or_else(Encoded::default, |c| encode(plan, at, c)))
            })
            .collect::<Result<_>>()?;
        let cells = encoded
            .into_par_iter()
            .enumerate()
            .map(|(at, encoded)| {
                let Some(column) = encoded.column else { return Ok(Cells::default()) };
                let pieces = encoded.different.par_chunks(PIECE).map(|different| {
                    progress.check()?;
                    Ok(Piece::of(plan, at, different, column))
                });
                Ok(Cells { codes: encoded.codes, pieces: pieces.collect::<Result<_>>()? })
            })
            .collect::<Result<_>>()?;
        Ok(Known { cells, halves: halves(plan) })
    }
}

impl Cells {
    /// The code of the value at this position of the column.
    pub(super) fn code(&self, at: usize) -> u32 {
        self.codes[at]
    }

    /// What the cells of a code tell, in order.
    pub(super) fn told(&self, code: u32) -> impl Iterator<Item = Told<&str>> {
        self.pieces[code as usize / PIECE].told(code as usize % PIECE)
    }
}

fn halves<'a>(plan: &Plan<'a>) -> Halves<'a> {
    let starts: Vec<usize> = (0..plan.records()).step_by(CHUNK).collect();
    let different = starts.into_par_iter().map(|start| {
        let mut different = Different::default();
        let mut groups = Vec::new();
        for record in start..plan.records().min(start + CHUNK) {
            plan.addresses(record, &mut groups);
            let country = plan.home_of(record);
            groups.iter().for_each(|group| different.add(&group.parts, country));
        }
        different
    });
    different.reduce(Different::default, Different::and).read()
}

/// A cell unlike those before it, in what surrounds it or in its text.
#[derive(Clone, Copy)]
struct OneOf {
    /// Where it stands in the column first.
    at: u32,
    around: Around,
    hash: u64,
}

#[derive(Default)]
struct Encoded<'a> {
    column: Option<&'a Column>,
    codes: Vec<u32>,
    different: Vec<OneOf>,
}

/// The codes of the cells of an attribute.
fn encode<'a>(plan: &Plan<'a>, at: usize, column: &'a Column) -> Encoded<'a> {
    let hasher = DefaultHashBuilder::default();
    let mut table: HashTable<u32> = HashTable::new();
    let mut codes = Vec::with_capacity(column.entry_count());
    let mut different: Vec<OneOf> = Vec::new();
    for record in 0..column.len() {
        for entry in column.range(record) {
            let (cell, origin) = column.entry(entry);
            let around = plan.around(at, record, origin);
            match plan.plainly(at, cell, around) {
                Some(Plainly::AsWritten) => {
                    codes.push(AS_WRITTEN);
                    continue;
                }
                Some(Plainly::Number(..)) => {
                    codes.push(NUMBER);
                    continue;
                }
                None => {}
            }
            let hash = hasher.hash_one((cell, around));
            let known = |code: &u32| {
                let one = &different[*code as usize];
                one.hash == hash && one.around == around && column.entry(one.at as usize).0 == cell
            };
            let code = match table.find(hash, known) {
                Some(&code) => code,
                None => {
                    let code = different.len() as u32;
                    different.push(OneOf { at: entry as u32, around, hash });
                    table.insert_unique(hash, code, |&code| different[code as usize].hash);
                    code
                }
            };
            codes.push(code);
        }
    }
    Encoded { column: Some(column), codes, different }
}

/// What a number of different cells tell: their texts end to end, which costs no allocation for each.
#[derive(Default)]
struct Piece {
    texts: String,
    told: Vec<Packed>,
    /// For each cell the position after the last thing it tells.
    ends: Vec<u32>,
    invalid: Vec<Invalid>,
    issues: Vec<Arc<ValueIssue>>,
}

/// One thing told.
struct Packed {
    what: What,
    /// The attribute it goes to; of an invalid cell and of an issue the position of what is wrong.
    to: u32,
    /// Where its text ends, and that of the next begins.
    end: u32,
}

#[derive(Clone, Copy)]
enum What {
    Value,
    ChangedValue,
    Beside,
    Placeholder,
    Invalid,
    Unmapped,
    Issue,
}

impl Piece {
    fn of(plan: &Plan<'_>, at: usize, different: &[OneOf], column: &Column) -> Piece {
        let mut piece = Piece::default();
        for one in different {
            let (cell, _) = column.entry(one.at as usize);
            plan.tell(at, cell, one.around).into_iter().for_each(|told| piece.add(told));
            piece.ends.push(piece.told.len() as u32);
        }
        piece
    }

    fn add(&mut self, told: Told<String>) {
        let (what, to, text) = match told {
            Told::Value { to, value, changed: false } => (What::Value, to, value),
            Told::Value { to, value, changed: true } => (What::ChangedValue, to, value),
            Told::Beside { to, value } => (What::Beside, to, value),
            Told::Placeholder => (What::Placeholder, 0, String::new()),
            Told::Unmapped(value) => (What::Unmapped, 0, value),
            Told::Invalid(invalid) => {
                self.invalid.push(invalid);
                (What::Invalid, self.invalid.len() - 1, String::new())
            }
            Told::Issue(issue) => {
                self.issues.push(issue);
                (What::Issue, self.issues.len() - 1, String::new())
            }
        };
        self.texts.push_str(&text);
        let end = u32::try_from(self.texts.len()).expect("a piece is some thousand cells");
        self.told.push(Packed { what, to: to as u32, end });
    }

    /// What the cell at `nth` tells.
    fn told(&self, nth: usize) -> impl Iterator<Item = Told<&str>> {
        let end_of = |at: usize| self.told[at].end as usize;
        let first = nth.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        (first..self.ends[nth] as usize).map(move |at| {
            let text = &self.texts[at.checked_sub(1).map_or(0, end_of)..end_of(at)];
            let to = self.told[at].to as usize;
            match self.told[at].what {
                What::Value => Told::Value { to, value: text, changed: false },
                What::ChangedValue => Told::Value { to, value: text, changed: true },
                What::Beside => Told::Beside { to, value: text },
                What::Placeholder => Told::Placeholder,
                What::Unmapped => Told::Unmapped(text),
                What::Invalid => Told::Invalid(self.invalid[to].clone()),
                What::Issue => Told::Issue(self.issues[to].clone()),
            }
        })
    }
}
