//! Tables that stand side by side on a sheet.
//!
//! Two lists next to each other share their physical rows and nothing else: read as one, the third customer
//! would become the third supplier too. But a blank column also parts the blocks of one table (the customer
//! here, his delivery address there), so that two tables are seen only where that is proved.

use std::ops::Range;

use calamine::Dimensions;
use csv::StringRecord;

use super::{RawRow, header, sheet::Facts};
use crate::{ingest::columns, value::text::fold};

/// Rows that must be filled on both sides, and then on one side alone, to tell that one list is shorter.
const ROWS_OF_PROOF: usize = 3;

/// Of this many rows at most one begins alike on both sides, where one list goes on beside itself.
const MOST_SAME: usize = 5;

/// The columns, from 0, of the tables side by side in `rows`; none when there is but one table.
pub(super) fn columns(rows: &[RawRow]) -> Vec<Range<usize>> {
    let names = |row: &RawRow| cells(row).is_some_and(header::surely_names_columns);
    let Some(named) = rows.iter().take(header::PREVIEW_ROWS).position(names) else {
        return Vec::new();
    };
    let table: Vec<&StringRecord> = rows[named..].iter().filter_map(cells).collect();
    let above = named.checked_sub(1).and_then(|at| cells(&rows[at]));
    let is_address =
        |block: &Range<usize>| above.is_some_and(|above| names_address(&part(above, block)));
    let mut sides: Vec<Range<usize>> = Vec::new();
    for block in blocks(&table) {
        match sides.last_mut() {
            Some(last) if is_address(&block) || !are_two(&table, last, &block) => {
                last.end = block.end;
            }
            _ => sides.push(block),
        }
    }
    if sides.len() > 1 { sides } else { Vec::new() }
}

fn cells(row: &RawRow) -> Option<&StringRecord> {
    match row {
        RawRow::Cells(_, cells) => Some(cells),
        RawRow::Known(_) => None,
    }
}

/// The columns between those that are blank in all rows.
fn blocks(table: &[&StringRecord]) -> Vec<Range<usize>> {
    let width = table.iter().map(|row| header::span(row)).max().unwrap_or(0);
    let mut filled = vec![false; width];
    for row in table {
        for (at, cell) in row.iter().enumerate().take(width) {
            filled[at] = filled[at] || !cell.trim().is_empty();
        }
    }
    let mut blocks: Vec<Range<usize>> = Vec::new();
    for at in (0..width).filter(|&at| filled[at]) {
        match blocks.last_mut() {
            Some(block) if block.end == at => block.end = at + 1,
            _ => blocks.push(at..at + 1),
        }
    }
    blocks
}

/// Whether the line above a block says that it holds one more address of the customers beside it.
fn names_address(above: &StringRecord) -> bool {
    above.iter().any(columns::names_billing_or_delivery)
}

/// Whether two blocks of columns, below a header in the first row, are proved to be two tables: both name
/// their columns, and they have the same names and other rows, as one list goes on beside itself; or all rows
/// of one stand beside the first rows of the other, which goes on alone.
fn are_two(table: &[&StringRecord], left: &Range<usize>, right: &Range<usize>) -> bool {
    let Some((header, rows)) = table.split_first() else { return false };
    let names = |columns: &Range<usize>| part(header, columns);
    let (left_names, right_names) = (names(left), names(right));
    if ![&left_names, &right_names].into_iter().all(header::surely_names_columns) {
        return false;
    }
    let folded = |names: &StringRecord| names.iter().map(fold).collect::<Vec<String>>();
    let (left_names, right_names) = (folded(&left_names), folded(&right_names));
    let within = |some: &[String], all: &[String]| some.iter().all(|name| all.contains(name));
    let repeats = left_names[0] == right_names[0]
        && left_names.len().min(right_names.len()) >= 2
        && (within(&right_names, &left_names) || within(&left_names, &right_names));
    let filled = |columns: &Range<usize>| {
        let is_filled = |row: &&StringRecord| !header::is_blank(&part(row, columns));
        rows.iter().map(is_filled).collect::<Vec<bool>>()
    };
    let first = |row: &StringRecord, columns: &Range<usize>| {
        row.get(columns.start).map(fold).unwrap_or_default()
    };
    let same = rows
        .iter()
        .filter(|row| !first(row, left).is_empty() && first(row, left) == first(row, right));
    let same = same.count();
    let (left, right) = (filled(left), filled(right));
    let length = |side: &[bool]| side.iter().rposition(|&filled| filled).map_or(0, |at| at + 1);
    // A delivery address is missing now and then, and often the customer's own.
    let without_gap = |side: &[bool]| side[..length(side)].iter().all(|&filled| filled);
    if repeats {
        return without_gap(&left) && without_gap(&right) && same * MOST_SAME <= length(&right);
    }
    let (shorter, longer) = match (length(&left), length(&right)) {
        (l, r) if l < r => (&left[..l], &right[..r]),
        (l, r) => (&right[..r], &left[..l]),
    };
    shorter.len() >= ROWS_OF_PROOF
        && longer.len() - shorter.len() >= ROWS_OF_PROOF
        && shorter.iter().chain(longer).all(|&filled| filled)
}

fn part(row: &StringRecord, columns: &Range<usize>) -> StringRecord {
    columns.clone().map(|at| row.get(at).unwrap_or("")).collect()
}

/// What the rows hold in some columns, where they hold anything there.
pub(super) fn rows(rows: &[RawRow], columns: &Range<usize>) -> Vec<RawRow> {
    let own = |row: &RawRow| match row {
        RawRow::Cells(number, cells) => {
            let own = part(cells, columns);
            (!header::is_blank(&own)).then_some(RawRow::Cells(*number, own))
        }
        known => Some(known.clone()),
    };
    rows.iter().filter_map(own).collect()
}

/// What a file says of the sheet, with the merged cells of some columns alone.
pub(super) fn facts(facts: &Facts, columns: &Range<usize>) -> Facts {
    let own = |merge: &Dimensions| {
        let (start, end) = (merge.start.1 as usize, merge.end.1 as usize);
        let within = start >= columns.start && end < columns.end;
        let at = |(row, column): (u32, u32)| (row, column - columns.start as u32);
        within.then(|| Dimensions::new(at(merge.start), at(merge.end)))
    };
    Facts { merges: facts.merges.iter().filter_map(own).collect(), ..facts.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of the tables in a sheet, as letters.
    fn found(sheet: &str) -> String {
        let row = |(line, number): (&str, u32)| {
            RawRow::Cells(number, line.split('|').map(str::trim).collect::<Vec<_>>().into())
        };
        let rows: Vec<RawRow> = sheet.lines().zip(1..).map(row).collect();
        let letters =
            |side: &Range<usize>| side.clone().map(super::super::column_letters).collect();
        let sides: Vec<String> = columns(&rows).iter().map(letters).collect();
        if sides.is_empty() { "all".into() } else { sides.join(" ") }
    }

    #[test]
    fn a_list_that_goes_on_beside_itself_is_two_tables() {
        assert_eq!(
            found(
                "Clients||||\nNom|Ville||Nom|Ville\nRoy|Lyon||Petit|Paris\nDupont|Lille||Morel|Nice"
            ),
            "AB DE"
        );
    }

    #[test]
    fn lists_of_other_lengths_are_two_tables() {
        let long = |n: usize| (0..n).map(|n| format!("Roy|L{n}||F{n}|Lyon\n")).collect::<String>();
        let alone = |n: usize| (0..n).map(|n| format!("Petit|P{n}\n")).collect::<String>();
        let header = "Nom|Ville||Fournisseur|Adresse\n";
        assert_eq!(found(&format!("{header}{}{}", long(4), alone(3))), "AB DE");
        assert_eq!(found(&format!("{header}{}{}", long(4), alone(1))), "all");
        assert_eq!(found(&format!("{header}{}{}{}", long(2), alone(3), long(2))), "all");
    }

    #[test]
    fn blocks_of_one_table_stay_together() {
        for sheet in [
            "Nom|Adresse|Ville||Adresse|Ville\nRoy|Rue A|Lyon||Rue B|Paris\nPetit|Rue C|Lille||Rue D|Nice",
            "Nom|Ville||Email|Tél\nRoy|Lyon||a@b.fr|01\nPetit|Paris||c@d.fr|02",
            "Nom|Ville||x|y\nRoy|Lyon||1|2\nPetit|Paris||3|4",
            "Nom|Ville\nRoy|Lyon",
        ] {
            assert_eq!(found(sheet), "all", "{sheet}");
        }
    }

    #[test]
    fn billing_and_delivery_of_the_same_customers_are_one_table() {
        let names = "Nom|Adresse|Ville||Nom|Adresse|Ville";
        let own = "Roy|Rue A|Lyon||Roy SAV|Rue B|Paris\nPetit|Rue C|Lille||Petit|Rue D|Nice\n\
                   Morel|Rue E|Metz||Morel|Rue F|Brest";
        let other = "Roy|Rue A|Lyon||Dupont|Rue B|Paris\nPetit|Rue C|Lille||Durand|Rue D|Nice";
        assert_eq!(found(&format!("{names}\n{own}")), "all");
        for groups in ["Facturation||||Livraison||", "Client||||Adresse de livraison||"] {
            assert_eq!(found(&format!("{groups}\n{names}\n{other}")), "all", "{groups}");
        }
        // A delivery address is missing in the middle.
        let gap = "Roy|Rue A|Lyon||||\nPetit|Rue C|Lille||Durand|Rue D|Nice";
        assert_eq!(found(&format!("{names}\n{gap}")), "all");
        assert_eq!(found(&format!("{names}\n{other}")), "ABC EFG");
        assert_eq!(found(&format!("Clients||||Suite||\n{names}\n{other}")), "ABC EFG");
    }

    #[test]
    fn a_cell_between_them_makes_one_table() {
        assert_eq!(found("Nom|Ville||Nom|Ville\nRoy|Lyon|x|Petit|Paris\nDupont|Lille||A|B"), "all");
    }
}
