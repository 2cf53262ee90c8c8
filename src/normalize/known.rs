//! What the cells of all records tell, each different one worked out once.
//!
//! A cell gets a code: that of what it tells, or one that says it is in its canonical form already. Putting
//! a record together then takes no look at its texts. This is the only place that remembers.

use std::{hash::BuildHasher, ops::Range, sync::Arc};

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

/// How many records one task looks through.
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
            .map(|at| match plan.column_read_alone(at) {
                Some(column) => encode(plan, at, column, progress),
                None => Ok(Encoded::default()),
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
        Ok(Known { cells, halves: halves(plan, progress)? })
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

fn halves<'a>(plan: &Plan<'a>, progress: &Progress) -> Result<Halves<'a>> {
    let starts: Vec<usize> = (0..plan.records()).step_by(CHUNK).collect();
    let different = starts.into_par_iter().map(|start| {
        progress.check()?;
        let mut different = Different::default();
        let mut groups = Vec::new();
        for record in start..plan.records().min(start + CHUNK) {
            plan.addresses(record, &mut groups);
            let country = plan.home_of(record);
            groups.iter().for_each(|group| different.add(&group.parts, country));
        }
        Ok(different)
    });
    let different = different.try_reduce(Different::default, |a, b| Ok(a.and(b)))?;
    progress.check()?;
    Ok(different.read())
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

impl OneOf {
    fn is(&self, other: &OneOf, column: &Column) -> bool {
        self.hash == other.hash
            && self.around == other.around
            && column.entry(self.at as usize).0 == column.entry(other.at as usize).0
    }
}

/// The codes of the cells of an attribute: those of many records at once, then put together.
fn encode<'a>(
    plan: &Plan<'a>,
    at: usize,
    column: &'a Column,
    progress: &Progress,
) -> Result<Encoded<'a>> {
    let hasher = DefaultHashBuilder::default();
    let starts: Vec<usize> = (0..column.len()).step_by(CHUNK).collect();
    let parts: Vec<Encoded> = starts
        .into_par_iter()
        .map(|start| {
            progress.check()?;
            let records = start..column.len().min(start + CHUNK);
            progress.advance(records.len() as u64);
            Ok(encode_part(plan, at, column, records, &hasher))
        })
        .collect::<Result<_>>()?;
    let mut different = DifferentCells::new(column);
    let mut codes = Vec::with_capacity(column.entry_count());
    for part in parts {
        let known: Vec<u32> = part.different.into_iter().map(|one| different.code(one)).collect();
        codes.extend(part.codes.into_iter().map(|code| match code {
            AS_WRITTEN | NUMBER => code,
            code => known[code as usize],
        }));
    }
    Ok(Encoded { column: Some(column), codes, different: different.cells })
}

fn encode_part<'a>(
    plan: &Plan<'a>,
    at: usize,
    column: &'a Column,
    records: Range<usize>,
    hasher: &DefaultHashBuilder,
) -> Encoded<'a> {
    let mut different = DifferentCells::new(column);
    let mut codes = Vec::new();
    for record in records {
        for entry in column.range(record) {
            let (cell, origin) = column.entry(entry);
            let around = plan.around(at, record, origin);
            codes.push(match plan.plainly(at, cell, around) {
                Some(Plainly::AsWritten) => AS_WRITTEN,
                Some(Plainly::Number(..)) => NUMBER,
                None => {
                    let hash = hasher.hash_one((cell, around));
                    different.code(OneOf { at: entry as u32, around, hash })
                }
            });
        }
    }
    Encoded { column: Some(column), codes, different: different.cells }
}

/// The different cells of a column, in the order in which they were met.
struct DifferentCells<'a> {
    column: &'a Column,
    cells: Vec<OneOf>,
    codes: HashTable<u32>,
}

impl<'a> DifferentCells<'a> {
    fn new(column: &'a Column) -> DifferentCells<'a> {
        DifferentCells { column, cells: Vec::new(), codes: HashTable::new() }
    }

    /// The code of a cell: that of the first like it.
    fn code(&mut self, one: OneOf) -> u32 {
        let cells = &self.cells;
        let is_known = |code: &u32| cells[*code as usize].is(&one, self.column);
        if let Some(&code) = self.codes.find(one.hash, is_known) {
            return code;
        }
        let code = cells.len() as u32;
        self.codes.insert_unique(one.hash, code, |&code| cells[code as usize].hash);
        self.cells.push(one);
        code
    }
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
