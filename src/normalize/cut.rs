//! Names that a system cut at the width of its field: `STE DES TRANSPORTS ET ENTREPOSA`.
//!
//! The lengths of names thin out towards the longest. Where many of a column's names are exactly as long as the
//! longest of them, that is the width of the field, and most of those were longer.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    table::{CellIssue, Column, Records, ValueIssue},
    value::Issue,
};

/// The attributes whose values are looked at.
const NAMES: [&str; 7] =
    ["name", "alias", "company", "full_name", "last_name", "street", "street_2"];

/// The narrowest field that is called one, in characters: shorter names pile up by chance.
const NARROWEST: usize = 16;

/// The fewest names of the greatest length that are a pile, and by how many times they outnumber those of the
/// three lengths below, on average: by judgement.
const PILE: u32 = 5;
const TIMES: u32 = 3;

/// An issue for each value that was probably cut.
pub(super) fn issues(raw: &Records) -> Vec<CellIssue> {
    NAMES.iter().filter_map(|name| raw.columns.get(*name)).flat_map(of_column).collect()
}

fn of_column(column: &Column) -> Vec<CellIssue> {
    let mut lengths: BTreeMap<u32, BTreeMap<usize, u32>> = BTreeMap::new();
    for (_, value, origin) in entries(column) {
        *lengths.entry(origin).or_default().entry(length(value)).or_default() += 1;
    }
    let widths: BTreeMap<u32, usize> =
        lengths.iter().filter_map(|(origin, counts)| Some((*origin, width(counts)?))).collect();
    if widths.is_empty() {
        return Vec::new();
    }
    let cut = entries(column)
        .filter(|(_, value, origin)| widths.get(origin).is_some_and(|w| *w == length(value)));
    let issue = |(record, value, origin): (u32, &str, u32)| {
        let issue = Issue::doubtful(
            "probably_cut",
            "it is as long as the field is wide, as many of its column are: its end may be lost",
        );
        let of = ValueIssue { issue, raw: value.to_owned(), value: value.to_owned() };
        CellIssue { record, origin, of: Arc::new(of) }
    };
    cut.map(issue).collect()
}

fn entries(column: &Column) -> impl Iterator<Item = (u32, &str, u32)> {
    (0..column.len()).flat_map(move |record| {
        column.entries(record).map(move |(value, origin)| (record as u32, value, origin))
    })
}

/// In characters, with the blanks at its end that a cut may leave.
fn length(value: &str) -> usize {
    value.chars().count()
}

/// The width of a field that cut the values of these lengths; none where the longest are as rare as they should be.
fn width(counts: &BTreeMap<usize, u32>) -> Option<usize> {
    let (&longest, &pile) = counts.last_key_value()?;
    let below: u32 = (1..=3).filter_map(|less| counts.get(&longest.checked_sub(less)?)).sum();
    (longest >= NARROWEST && pile >= PILE && pile * 3 > below * TIMES).then_some(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lengths: &[(usize, u32)]) -> Option<usize> {
        width(&lengths.iter().copied().collect())
    }

    #[test]
    fn names_that_pile_up_at_the_greatest_length_were_cut() {
        assert_eq!(told(&[(12, 40), (20, 9), (28, 3), (29, 2), (30, 25)]), Some(30));
        assert_eq!(told(&[(12, 40), (20, 9), (28, 3), (29, 2), (30, 2)]), None);
        assert_eq!(told(&[(27, 9), (28, 8), (29, 7), (30, 6)]), None);
        assert_eq!(told(&[(5, 40), (9, 60)]), None);
        assert_eq!(told(&[]), None);
    }
}
