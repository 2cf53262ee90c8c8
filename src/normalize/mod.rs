//! Brings every value to the one canonical form of its value kind; the raw value is kept in the raw
//! records.
//!
//! A clean table has the lines of the raw one. What is written in one cell is taken apart (a full name, several
//! addresses), what is spread over several is joined (a postal address), and what follows from another value
//! is added (the SIREN within a SIRET). A value that cannot be used is a reject of its cell; one that stands
//! for "no value" is only counted.

mod address;
mod cell;
mod country;
mod cut;
mod known;
mod legal;
mod record;

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    model::{self, Kind, ValueKind},
    progress::Progress,
    table::{
        CellIssue, Channel, Clean, Column, ConsentEvent, Ingested, NO_COUNTRY, Records, Reject,
        Staged,
    },
    value::{
        address::Parts,
        category::Vocabulary,
        date::{self, Order},
        email,
        money::{self, DecimalMark},
        text,
    },
};
use country::Countries;
use known::Known;
use record::{Chunk, Plan, Tally};

/// The `[normalize]` section of `orpailleur.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Settings {
    /// ISO code of the country that addresses and phone numbers without one are in, or `none`: then they are kept
    /// as written. Default: `FR`.
    pub country: String,
    /// What the project calls the values of its categories: `mappings/values/`, no setting.
    #[serde(skip)]
    pub vocabulary: Vocabulary,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { country: "FR".into(), vocabulary: Vocabulary::default() }
    }
}

/// What became of the values of one attribute of one source.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Fill {
    /// Logical name of the source.
    pub source: String,
    /// The kind of record.
    pub kind: String,
    /// The attribute.
    pub attribute: String,
    /// Records of that source and kind.
    pub records: u64,
    /// Of them, with a raw value, or one that another attribute's raw value gave.
    pub filled: u64,
    /// Of them, with a clean value.
    pub valid: u64,
    /// Values changed by normalizing.
    pub changed: u64,
    /// Values that stood for "no value".
    pub placeholders: u64,
    /// Values that could not be used.
    pub invalid: u64,
}

/// The numbers of [`run`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// One line per source, kind and attribute.
    pub fills: Vec<Fill>,
    /// Values of categories that the project's vocabulary has no common value for, by attribute, the most
    /// frequent first.
    pub unmapped: Vec<Unmapped>,
}

/// A value that stays as it is until somebody says what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmapped {
    /// The attribute.
    pub attribute: String,
    /// The value as written, but for blanks.
    pub value: String,
    /// Records that hold it.
    pub records: u64,
}

/// How many records one task puts together.
const CHUNK: usize = 16_384;

/// Normalizes the values of all records and the contact points of all consent events.
pub fn run(
    ingested: &Ingested,
    settings: &Settings,
    progress: &Progress,
) -> Result<Staged<Clean, Metrics>> {
    let raw = &ingested.records;
    let home = match ingested.home.as_str() {
        "" => settings.country.as_str(),
        told => told,
    };
    let home = if home == NO_COUNTRY { "" } else { home };
    let plan = Plan::new(raw, home, &settings.vocabulary, habits(raw));
    // Each attribute is looked through once, then the records are put together.
    progress.expect((raw.len() * (plan.read_alone() + 1)) as u64);
    let known = Known::new(&plan, progress)?;
    let starts: Vec<usize> = (0..raw.len()).step_by(CHUNK).collect();
    let mut chunks: Vec<Chunk> = starts
        .into_par_iter()
        .map(|start| {
            progress.check()?;
            let end = raw.len().min(start + CHUNK);
            let chunk = plan.clean(&known, start..end);
            progress.advance((end - start) as u64);
            Ok(chunk)
        })
        .collect::<Result<_>>()?;
    drop(known);

    let mut columns = joined(&plan, &mut chunks);
    let mut rejects: Vec<Reject> = Vec::new();
    let mut tallies: BTreeMap<(u32, Kind), Vec<Tally>> = BTreeMap::new();
    let mut unmapped: BTreeMap<(usize, String), u64> = BTreeMap::new();
    let mut issues: Vec<CellIssue> = Vec::new();
    for chunk in chunks {
        rejects.extend(chunk.rejects);
        issues.extend(chunk.issues);
        for (group, more) in chunk.tallies {
            let sums = tallies.entry(group).or_insert_with(|| vec![Tally::default(); more.len()]);
            sums.iter_mut().zip(more).for_each(|(sum, more)| sum.add(&more));
        }
        for (value, records) in chunk.unmapped {
            *unmapped.entry(value).or_default() += records;
        }
    }
    rejects.extend(legal::withdraw(&mut columns, raw));
    // A row that names a person and an organisation shows its cells to both.
    rejects.sort_unstable();
    rejects.dedup();

    issues.extend(cut::issues(raw));
    let issues = in_order(issues, raw);
    let clean = |event| clean_event(event, raw, home, &plan.countries);
    let events = ingested.events.iter().flat_map(clean).collect();

    let clean = Clean { records: raw.with_columns(columns), events, rejects, issues };
    let metrics =
        Metrics { fills: fills(&plan, raw, tallies), unmapped: by_frequency(&plan, unmapped) };
    Ok(Staged { table: clean, metrics })
}

/// The issues in the order of their lines, each line once. Where a line stands is told by three numbers, which
/// costs less to compare than its texts: they are looked at only where one cell has several issues.
fn in_order(issues: Vec<CellIssue>, raw: &Records) -> Vec<CellIssue> {
    let places = ranks(raw.places.iter().map(|p| (&p.source, &p.file, &p.sheet)).collect());
    // The last one is of what has no column.
    let columns = raw.origins.iter().map(|origin| origin.column.as_str()).chain([""]);
    let columns = ranks(columns.collect());
    let placed = |issue: CellIssue| {
        let record = issue.record as usize;
        let column = (issue.origin as usize).min(columns.len() - 1);
        ((places[raw.place[record] as usize], raw.row[record], columns[column]), issue)
    };
    let mut placed: Vec<_> = issues.into_par_iter().map(placed).collect();
    // A row that gives two records shows its cells to both.
    let compared = |a: &CellIssue, b: &CellIssue| match Arc::ptr_eq(&a.of, &b.of) {
        true => Ordering::Equal,
        false => a.line(raw).cmp(&b.line(raw)),
    };
    placed.par_sort_by(|(at, a), (other_at, b)| at.cmp(other_at).then_with(|| compared(a, b)));
    placed.dedup_by(|(at, a), (last_at, last)| at == last_at && compared(a, last).is_eq());
    placed.into_iter().map(|(_, issue)| issue).collect()
}

/// For each value its rank among all, from 0; equal values have one rank.
fn ranks<T: Ord + Copy>(values: Vec<T>) -> Vec<u32> {
    let mut sorted = values.clone();
    sorted.sort_unstable();
    sorted.dedup();
    values.iter().map(|value| sorted.partition_point(|other| other < value) as u32).collect()
}

/// The columns of all chunks, one after the other. Those of the chunks go as each is put together.
fn joined(plan: &Plan<'_>, chunks: &mut [Chunk]) -> BTreeMap<String, Column> {
    let mut parts: Vec<Vec<(Option<Column>, usize)>> = Vec::new();
    parts.resize_with(plan.attributes.len(), Vec::new);
    for chunk in chunks {
        let columns = std::mem::take(&mut chunk.columns);
        parts.iter_mut().zip(columns).for_each(|(parts, column)| parts.push((column, chunk.len)));
    }
    let join = |(at, parts): (usize, Vec<(Option<Column>, usize)>)| {
        let lent: Vec<(Option<&Column>, usize)> =
            parts.iter().map(|(column, records)| (column.as_ref(), *records)).collect();
        let is_filled = lent.iter().any(|(column, _)| column.is_some());
        is_filled.then(|| (plan.attributes[at].name.to_owned(), Column::joined(&lent)))
    };
    parts.into_par_iter().enumerate().filter_map(join).collect()
}

fn by_frequency(plan: &Plan<'_>, counts: BTreeMap<(usize, String), u64>) -> Vec<Unmapped> {
    let value = |((at, value), records): ((usize, String), u64)| {
        let attribute = plan.attributes[at].name.to_owned();
        Unmapped { attribute, value, records }
    };
    let mut unmapped: Vec<Unmapped> = counts.into_iter().map(value).collect();
    unmapped.sort_by(|a, b| {
        a.attribute.cmp(&b.attribute).then(b.records.cmp(&a.records)).then(a.value.cmp(&b.value))
    });
    unmapped
}

/// The tallies with their names and the number of records they are of.
fn fills(plan: &Plan<'_>, raw: &Records, tallies: BTreeMap<(u32, Kind), Vec<Tally>>) -> Vec<Fill> {
    let mut records: BTreeMap<(u32, Kind), u64> = BTreeMap::new();
    for (place, kind) in raw.place.iter().zip(&raw.kinds) {
        *records.entry((*place, *kind)).or_default() += 1;
    }
    let source = |place: u32| raw.places[place as usize].source.as_str();
    let mut records_of: BTreeMap<(&str, Kind), u64> = BTreeMap::new();
    for ((place, kind), count) in records {
        *records_of.entry((source(place), kind)).or_default() += count;
    }
    let mut summed: BTreeMap<(&str, Kind, &str), Tally> = BTreeMap::new();
    for ((place, kind), tallies) in tallies {
        for (attribute, tally) in plan.attributes.iter().zip(tallies) {
            if tally != Tally::default() {
                summed.entry((source(place), kind, attribute.name)).or_default().add(&tally);
            }
        }
    }
    let named = summed.into_iter().map(|((source, kind, attribute), tally)| Fill {
        source: source.to_owned(),
        kind: kind.as_str().to_owned(),
        records: records_of.get(&(source, kind)).copied().unwrap_or(0),
        attribute: attribute.to_owned(),
        filled: tally.filled,
        valid: tally.valid,
        changed: tally.changed,
        placeholders: tally.placeholders,
        invalid: tally.invalid,
    });
    named.collect()
}

/// How the values of one column are written, as far as they tell.
#[derive(Debug, Clone, Copy, Default)]
struct Habits {
    /// The order of day and month.
    order: Option<Order>,
    /// The mark before the decimals.
    mark: Option<DecimalMark>,
}

/// The habits of each origin.
fn habits(raw: &Records) -> Vec<Habits> {
    let mut dates: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    let mut amounts: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for (attribute, column) in &raw.columns {
        let of_kind = match model::value_kind(attribute) {
            ValueKind::Date => &mut dates,
            ValueKind::Money => &mut amounts,
            _ => continue,
        };
        for i in 0..column.len() {
            for (value, origin) in column.entries(i) {
                of_kind.entry(origin).or_default().push(value);
            }
        }
    }
    let mut habits = vec![Habits::default(); raw.origins.len()];
    for (origin, values) in dates {
        habits[origin as usize].order = date::shown_order(values);
    }
    for (origin, values) in amounts {
        habits[origin as usize].mark = money::mark_of(values);
    }
    habits
}

/// The event for each contact point that its cell holds, in the form that the clean values of its
/// record have.
fn clean_event(
    event: &ConsentEvent,
    raw: &Records,
    home: &str,
    countries: &Countries<'_>,
) -> Vec<ConsentEvent> {
    let cell = event.contact_point.as_str();
    let of_place = country::home_of(raw, event.place, home);
    let points: Vec<String> = match event.channel {
        _ if cell.is_empty() => Vec::new(),
        Channel::Email => email::normalize(cell).into_iter().flatten().collect(),
        Channel::Sms | Channel::Phone => {
            let country =
                event.record.map_or(of_place, |r| countries.name(countries.of(r as usize)));
            cell::phones(cell, country, home)
                .into_iter()
                .flatten()
                .map(|(number, _)| number)
                .collect()
        }
        Channel::Post => {
            let parts = Parts { address: cell, ..Parts::default() };
            let country = event.record.map_or(of_place, |r| countries.of_address(r as usize));
            vec![crate::value::address::normalize(&parts, country).encode()]
        }
    };
    if points.is_empty() {
        // An objection to what cannot be read still stands for its record.
        return vec![ConsentEvent { contact_point: text::clean(cell), ..event.clone() }];
    }
    points
        .into_iter()
        .map(|contact_point| ConsentEvent { contact_point, ..event.clone() })
        .collect()
}

#[cfg(test)]
mod tests;
