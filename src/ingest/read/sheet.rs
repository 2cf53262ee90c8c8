//! From the rows of a sheet to its tables, whichever format the sheet came from.

use std::{collections::BTreeMap, ops::Range};

use calamine::Dimensions;
use csv::StringRecord;

use super::{
    Classified, Content, Format, RawRow, Row, Table, Tally,
    cell::Value,
    header::{self, Layout, Merge},
    side,
};

/// Columns that a sheet can have, and a table of any other kind.
pub(super) const MOST_COLUMNS: u32 = 16_384;

/// Rows that a sheet can have.
pub(super) const MOST_ROWS: u32 = 1_048_576;

/// A sheet of cells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sheet {
    pub(super) name: String,
    pub(super) hidden: bool,
    /// Its place in the workbook, from 0.
    pub(super) position: usize,
}

/// Row from 0, and its cells from column A.
pub(super) type SheetRow = (u32, StringRecord);

/// What a file says of a sheet beside its cells. All numbers count from 0.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Cells that span several columns or rows.
    pub(super) merges: Vec<Dimensions>,
    /// Rows that are not shown, by hand or by a filter.
    pub(super) hidden_rows: Hidden,
    /// Columns that are not shown.
    pub(super) hidden_columns: Hidden,
    /// Formulas whose value was never stored.
    pub(super) valueless: u64,
    /// Digits that the number formats of cells always show, where that is not told with the cell.
    pub(super) digits: Digits,
}

/// How many digits the number formats of cells always show, by column, from a row on: a column is formatted
/// as a whole, or nearly so.
#[derive(Debug, Clone, Default)]
pub(super) struct Digits {
    columns: BTreeMap<u32, BTreeMap<u32, usize>>,
    runs: usize,
}

/// Runs that are kept of a sheet; only a file made to fill the memory has more.
const MOST_RUNS: usize = 4_000_000;

impl Digits {
    /// Notes those of a cell below all noted before it.
    pub(super) fn set(&mut self, row: u32, column: u32, digits: usize) {
        let runs = self.columns.get(&column);
        let last = runs.and_then(|runs| runs.last_key_value()).map_or(0, |(_, &digits)| digits);
        if last != digits && self.runs < MOST_RUNS {
            self.columns.entry(column).or_default().insert(row, digits);
            self.runs += 1;
        }
    }

    /// Those of a cell; 0 where its format shows none.
    pub(super) fn at(&self, row: u32, column: u32) -> usize {
        let run = self.columns.get(&column).and_then(|runs| runs.range(..=row).next_back());
        run.map_or(0, |(_, &digits)| digits)
    }
}

/// Rows or columns that are not shown, as ranges: a few bytes of a file can hide all there are.
#[derive(Debug, Clone, Default)]
pub(super) struct Hidden(BTreeMap<u32, u32>);

impl Hidden {
    /// Adds a range; it becomes one with those that it meets.
    pub(super) fn hide(&mut self, Range { mut start, mut end }: Range<u32>) {
        if start >= end {
            return;
        }
        let last_met = |ranges: &BTreeMap<u32, u32>, start: u32, end: u32| {
            let last = ranges.range(..=end).next_back();
            last.map(|(&from, &to)| (from, to)).filter(|&(_, to)| to >= start)
        };
        while let Some((from, to)) = last_met(&self.0, start, end) {
            self.0.remove(&from);
            (start, end) = (start.min(from), end.max(to));
        }
        self.0.insert(start, end);
    }

    pub(super) fn contains(&self, at: u32) -> bool {
        self.0.range(..=at).next_back().is_some_and(|(_, &end)| at < end)
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|(&start, &end)| start..end)
    }
}

impl Facts {
    /// What is worth saying of a sheet that fills so many columns.
    fn remarks(&self, columns: usize) -> Vec<String> {
        let hidden: Vec<String> = (self.hidden_columns.iter())
            .take_while(|&column| (column as usize) < columns)
            .map(|column| column_letters(column as usize))
            .collect();
        let columns = match hidden.as_slice() {
            [] => None,
            [one] => Some(format!("column {one} is hidden in the sheet and was read")),
            many => {
                Some(format!("columns {} are hidden in the sheet and were read", many.join(", ")))
            }
        };
        let formulas = match self.valueless {
            0 => None,
            1 => Some("one formula has no stored value and counts as blank".to_owned()),
            many => Some(format!("{many} formulas have no stored value and count as blank")),
        };
        columns.into_iter().chain(formulas).collect()
    }
}

/// The letters of a column of a sheet, from 0: `A` for 0, `AA` for 26.
pub fn column_letters(column: usize) -> String {
    let last = char::from(b'A' + (column % 26) as u8);
    match column / 26 {
        0 => last.into(),
        more => column_letters(more - 1) + &last.to_string(),
    }
}

/// Gathers cells into rows.
pub(super) struct RowBuilder<'a> {
    row: u32,
    cells: StringRecord,
    /// Cells that came behind one further to the right, or a second time: the last counts.
    late: Vec<(usize, String)>,
    tally: &'a Tally,
    facts: &'a Facts,
    visit: &'a mut dyn FnMut(SheetRow) -> bool,
    /// What made the reading end before the sheet does.
    beyond: Option<&'static str>,
}

impl<'a> RowBuilder<'a> {
    /// Calls `visit` with each row that has a filled cell, until it says `false`.
    pub(super) fn new(
        tally: &'a Tally,
        facts: &'a Facts,
        visit: &'a mut dyn FnMut(SheetRow) -> bool,
    ) -> RowBuilder<'a> {
        RowBuilder {
            row: 0,
            cells: StringRecord::new(),
            late: Vec::new(),
            tally,
            facts,
            visit,
            beyond: None,
        }
    }

    /// Adds a cell; `false` when no more are wanted. `digits` is how many its number format always
    /// shows.
    pub(super) fn cell(&mut self, row: u32, column: u32, value: Value<'_>, digits: usize) -> bool {
        if row < self.row {
            // Its row was handed over already: only a damaged file goes back.
            self.end();
            self.beyond = Some("its rows are not in their order");
            return false;
        }
        if row != self.row && !self.end() {
            return false;
        }
        self.row = row;
        let text = value.text(digits, (row + 1, column as usize), self.tally);
        let at = column as usize;
        if !text.is_empty() {
            self.beyond = match () {
                () if row >= MOST_ROWS => Some("it has more rows than a sheet can have"),
                () if column >= MOST_COLUMNS => Some("it has more columns than a sheet can have"),
                () => None,
            };
            if self.beyond.is_some() {
                self.cells.clear();
                self.late.clear();
                return false;
            }
            self.put(at, &text);
        }
        true
    }

    fn put(&mut self, at: usize, text: &str) {
        if at < self.cells.len() {
            self.late.push((at, text.to_owned()));
            return;
        }
        while self.cells.len() < at {
            self.cells.push_field("");
        }
        self.cells.push_field(text);
    }

    /// Whether all cells fitted into a sheet, in the order of its rows.
    pub(super) fn checked(&self) -> Result<(), String> {
        self.beyond.map_or(Ok(()), |why| Err(why.to_owned()))
    }

    /// Hands over the current row unless it is empty; `false` when no more are wanted.
    pub(super) fn end(&mut self) -> bool {
        if self.cells.is_empty() {
            return true;
        }
        let most = (self.cells.as_slice().len() + 16, self.cells.len() + 1);
        let next = StringRecord::with_capacity(most.0, most.1);
        let mut cells = std::mem::replace(&mut self.cells, next);
        if !self.late.is_empty() {
            let late = std::mem::take(&mut self.late);
            let mut texts: Vec<&str> = cells.iter().collect();
            late.iter().for_each(|(at, text)| texts[*at] = text);
            cells = StringRecord::from(texts);
        }
        if header::is_blank(&cells) {
            return true;
        }
        if self.facts.hidden_rows.contains(self.row) {
            self.tally.count(|c| &c.hidden_rows);
        }
        (self.visit)((self.row, cells))
    }
}

/// The tables on a sheet that is held whole. `rows` are those that hold anything, in order; the first
/// table begins at row `base` from 0.
pub(super) fn tables(part: &Part<'_>, rows: Vec<RawRow>, facts: &Facts, base: u32) -> Vec<Table> {
    let starts = table_starts(&rows, base);
    let mut part = part.clone();
    if starts.len() > 1 {
        part.remarks.push(format!("the sheet holds {} tables, read one by one", starts.len()));
    }
    let mut rest = rows.into_iter();
    // What is told of the sheet is told once.
    let further = Facts { merges: facts.merges.clone(), ..Facts::default() };
    let mut first = base;
    let mut tables: Vec<Table> = Vec::new();
    for (at, &start) in starts.iter().enumerate() {
        let length = starts.get(at + 1).map_or(usize::MAX, |&next| next - start);
        let rows: Vec<RawRow> = rest.by_ref().take(length).collect();
        let filled = rows.last().map_or(first, number_of);
        // The blank rows between two tables belong to the upper one.
        let end = rest.as_slice().first().map_or(filled, |next| number_of(next) - 1);
        let facts = if at == 0 { facts } else { &further };
        let sides = side::columns(&rows);
        if sides.is_empty() {
            tables.push(part.clone().rows(rows, facts, first, end));
            first = end;
            continue;
        }
        for (nth, columns) in sides.into_iter().enumerate() {
            let own = side::rows(&rows, &columns);
            // What is told of the sheet, and the blank rows below, belong to the first of them.
            let facts = side::facts(if nth == 0 { facts } else { &further }, &columns);
            let end = if nth == 0 { end } else { first };
            let part = Part { columns: Some(columns), ..part.clone() };
            tables.push(part.rows(own, &facts, first, end));
        }
        first = end;
    }
    tables
}

/// Positions of the rows where tables start: 0, and behind a blank row where other columns are named.
fn table_starts(rows: &[RawRow], base: u32) -> Vec<usize> {
    let cells = |at: usize| match rows.get(at) {
        Some(RawRow::Cells(_, cells)) => Some(cells),
        _ => None,
    };
    // Whether the row stands right below the one before it.
    let adjoins =
        |at: usize| rows.get(at).is_some_and(|row| number_of(row) == number_of(&rows[at - 1]) + 1);
    let header = Layout::find(&preview_of(rows, base), &[]).last_line();
    let mut named = header
        .and_then(|line| rows.iter().position(|row| number_of(row) == base + line as u32 + 1));
    let mut starts = vec![0];
    for at in 1..rows.len() {
        if adjoins(at) || named.is_none_or(|named| at <= named) {
            continue;
        }
        // One title may stand above the names, and rows stand below them.
        let names =
            (at..=at + 1).take_while(|&names| names == at || adjoins(names)).find(|&names| {
                adjoins(names + 1) && cells(names).is_some_and(header::surely_names_columns)
            });
        let differs = |names: usize| named.and_then(cells) != cells(names);
        if let Some(names) = names.filter(|&names| differs(names)) {
            starts.push(at);
            named = Some(names);
        }
    }
    starts
}

/// The first rows of a table, blank ones included.
pub(super) fn preview_of(rows: &[RawRow], first: u32) -> Vec<StringRecord> {
    let filled = rows.iter().take(header::PREVIEW_ROWS).cloned().map(Ok);
    dense(filled, first)
        .take(header::PREVIEW_ROWS)
        .map(|row| match row {
            RawRow::Cells(_, cells) => cells,
            RawRow::Known(_) => StringRecord::new(),
        })
        .collect()
}

/// What the tables of a sheet share.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    pub(super) container: &'static str,
    /// Of text: what it is written in.
    pub(super) encoding: &'a str,
    pub(super) sheet: &'a Sheet,
    pub(super) remarks: Vec<String>,
    pub(super) tally: Tally,
    /// The columns of one of several tables side by side.
    pub(super) columns: Option<Range<usize>>,
}

impl Part<'_> {
    /// What the table is called: as its sheet, and where that holds several side by side by its columns too.
    fn name(&self) -> String {
        let Some(columns) = &self.columns else { return self.sheet.name.clone() };
        let letters = [columns.start, columns.end - 1].map(column_letters);
        format!("{} ({}:{})", self.sheet.name, letters[0], letters[1]).trim_start().to_owned()
    }

    /// The table of rows that are held, the first of which is row `first` from 0; up to row `end` blank
    /// ones follow.
    fn rows(self, rows: Vec<RawRow>, facts: &Facts, first: u32, end: u32) -> Table {
        let filled = rows.last().map_or(first, number_of);
        let preview = preview_of(&rows, first);
        let rows = dense(rows.into_iter().map(Ok), first).chain((filled..end).map(blank_row));
        self.table(&preview, facts, first, rows)
    }

    /// The table whose raw rows, the first of which is row `first` from 0, are `raw`.
    pub(super) fn table(
        self,
        preview: &[StringRecord],
        facts: &Facts,
        first: u32,
        raw: impl Iterator<Item = RawRow> + Send + 'static,
    ) -> Table {
        let mut layout = Layout::find(preview, &merges_from(&facts.merges, first));
        layout.sparse = true;
        let name = self.name();
        let mut remarks = self.remarks;
        remarks.extend(facts.remarks(preview.iter().map(header::span).max().unwrap_or(0)));
        let tally = self.tally.within(self.columns.clone());
        let below = layout.last_line().map_or(0, |at| at + 1);
        if !layout.has_header() {
            remarks.push("no header was found: the columns are numbered".into());
        } else if preview.iter().skip(below).all(header::is_blank) {
            remarks.push("there are no rows below the header".into());
        }
        Table {
            sheet: name,
            hidden: self.sheet.hidden,
            format: Format {
                container: self.container.into(),
                encoding: self.encoding.into(),
                delimiter: None,
                remarks,
                first_column: self.columns.map_or(0, |columns| columns.start),
            },
            header: layout.header.clone(),
            groups: layout.groups.clone(),
            header_row: layout.last_line().map_or(0, |at| first + at as u32 + 1),
            rows: Box::new(Classified { raw, position: 0, layout, tally: tally.clone() }),
            tally,
        }
    }
}

fn merges_from(merges: &[Dimensions], first: u32) -> Vec<Merge> {
    merges
        .iter()
        .filter_map(|merge| {
            Some(Merge {
                row: merge.start.0.checked_sub(first)? as usize,
                columns: merge.start.1 as usize..=merge.end.1 as usize,
            })
        })
        .collect()
}

/// Tells that a sheet cannot be read beyond the row before `number`.
pub(super) fn damaged_row(number: u32, why: &str) -> RawRow {
    RawRow::Known(Row {
        number,
        content: Content::Bad {
            code: "damaged",
            message: format!("the sheet cannot be read from here on: {why}"),
            raw: String::new(),
        },
    })
}

pub(super) fn number_of(row: &RawRow) -> u32 {
    match row {
        RawRow::Cells(number, _) => *number,
        RawRow::Known(row) => row.number,
    }
}

/// The blank row at `row` from 0.
fn blank_row(row: u32) -> RawRow {
    RawRow::Cells(row + 1, StringRecord::new())
}

/// All rows from row `first`, from 0, to the last filled one: those that the file leaves out are blank.
pub(super) fn dense(
    rows: impl Iterator<Item = Result<RawRow, String>>,
    first: u32,
) -> impl Iterator<Item = RawRow> {
    let mut next = first;
    rows.flat_map(move |row| {
        let row = row.unwrap_or_else(|why| damaged_row(next + 1, &why));
        let gap = next.min(number_of(&row) - 1)..number_of(&row) - 1;
        next = next.max(number_of(&row));
        gap.map(blank_row).chain([row])
    })
}

/// The rows of a sheet too long to be looked through for further tables. Where one begins all the
/// same, its rows are told rather than read under the names of the first.
pub(super) struct FirstTable<I> {
    rows: I,
    /// The lines above the first row of data.
    above: Vec<StringRecord>,
    /// Filled rows since the last blank one.
    since_blank: u32,
    /// The row on which another table begins.
    other: Option<u32>,
}

impl<I: Iterator<Item = RawRow>> FirstTable<I> {
    /// `preview` holds the first rows.
    pub(super) fn of(rows: I, preview: &[StringRecord]) -> FirstTable<I> {
        let lines = Layout::find(preview, &[]).last_line().map_or(0, |line| line + 1);
        let above = preview.iter().take(lines).cloned().collect();
        FirstTable { rows, above, since_blank: 2, other: None }
    }

    fn begins_another(&mut self, number: u32, cells: &StringRecord) -> bool {
        // One title may stand above the names.
        let apart = self.since_blank < 2 && number as usize > self.above.len();
        self.since_blank = self.since_blank.saturating_add(1);
        apart && header::surely_names_columns(cells) && !self.above.contains(cells)
    }
}

impl<I: Iterator<Item = RawRow>> Iterator for FirstTable<I> {
    type Item = RawRow;

    fn next(&mut self) -> Option<RawRow> {
        let row = self.rows.next()?;
        let RawRow::Cells(number, cells) = &row else { return Some(row) };
        if header::is_blank(cells) {
            self.since_blank = 0;
            return Some(row);
        }
        if self.other.is_none() && self.begins_another(*number, cells) {
            self.other = Some(*number);
        }
        let Some(start) = self.other else { return Some(row) };
        let content = Content::Bad {
            code: "another_table",
            message: format!(
                "another table begins on row {start}: of a sheet this long only the first is read"
            ),
            raw: cells.iter().collect::<Vec<_>>().join("\t"),
        };
        Some(RawRow::Known(Row { number: *number, content }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_a_row_above_ends_the_sheet() {
        let (tally, facts) = (Tally::default(), Facts::default());
        let mut numbers = Vec::new();
        let mut visit = |(row, _): SheetRow| {
            numbers.push(row);
            true
        };
        let mut rows = RowBuilder::new(&tally, &facts, &mut visit);
        let mut cell = |row| rows.cell(row, 0, Value::Text("a"), 0);
        assert_eq!([0, 2, 3, 2].map(&mut cell), [true, true, true, false]);
        assert!(rows.checked().is_err());
        assert_eq!(numbers, [0, 2, 3]);
    }

    #[test]
    fn rows_left_out_of_the_file_are_blank() {
        let row = |number| Ok(RawRow::Cells(number, StringRecord::from(vec!["a"])));
        let numbers: Vec<u32> =
            dense([row(2), row(4)].into_iter(), 0).map(|row| number_of(&row)).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
    }

    #[test]
    fn a_further_table_of_a_long_sheet_is_told_and_not_misread() {
        let lines =
            ["Nom|Ville", "Roy|Lyon", "", "Nom|Ville", "Petit|Paris", "", "Code|Montant", "1|2"];
        let cells: Vec<StringRecord> =
            lines.iter().map(|line| line.split('|').collect::<Vec<_>>().into()).collect();
        let rows =
            cells.iter().zip(1..).map(|(cells, number)| RawRow::Cells(number, cells.clone()));
        let kinds: String = FirstTable::of(rows, &cells[..2])
            .map(|row| match row {
                RawRow::Cells(..) => '.',
                RawRow::Known(_) => '!',
            })
            .collect();
        assert_eq!(kinds, "......!!");
    }

    #[test]
    fn columns_are_named_as_spreadsheets_do() {
        assert_eq!([0, 25, 26, 701, 702].map(column_letters), ["A", "Z", "AA", "ZZ", "AAA"]);
    }

    #[test]
    fn hidden_ranges_that_meet_are_one() {
        let mut hidden = Hidden::default();
        for range in [5..6, 10..20, 6..8, 3..3, 0..6, 15..17] {
            hidden.hide(range);
        }
        assert_eq!(hidden.0, BTreeMap::from([(0, 8), (10, 20)]));
        assert_eq!([7, 8, 19, 20].map(|at| hidden.contains(at)), [true, false, true, false]);
    }

    #[test]
    fn cells_beyond_the_end_of_a_sheet_end_the_reading_and_are_told() {
        for (row, column) in [(MOST_ROWS, 0), (1, MOST_COLUMNS)] {
            let (tally, facts, mut rows) = (Tally::default(), Facts::default(), 0);
            let mut visit = |_| {
                rows += 1;
                true
            };
            let mut builder = RowBuilder::new(&tally, &facts, &mut visit);
            assert!(builder.cell(0, 0, Value::Text("a"), 0));
            assert!(builder.cell(row, column, Value::Text(""), 0), "nothing stands there");
            assert!(!builder.cell(row, column, Value::Text("b"), 0));
            assert!(builder.checked().is_err());
            assert_eq!(rows, 1);
        }
    }
}
