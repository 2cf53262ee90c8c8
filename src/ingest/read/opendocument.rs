//! OpenDocument spreadsheets, packed (`.ods`) or in one XML file (`.fods`), read as a stream.
//!
//! A file says of a cell or row how often it comes again, up to the end of the sheet. What is blank is
//! never laid out, and what is filled only up to a bound.

use std::{collections::BTreeMap, io::BufReader};

use calamine::Dimensions;
use quick_xml::events::{BytesStart, Event};

use super::{
    Refusal,
    bytes::Bytes,
    cell::{Value, plain_moment},
    container,
    markup::{attribute, each_event, each_event_of, push_text},
    sheet::{Facts, MOST_COLUMNS, MOST_ROWS, RowBuilder, Sheet},
};

/// Filled cells that repetition may make in one sheet.
const MOST_REPEATED_CELLS: u64 = 100_000_000;

/// Blanks that one `text:s` may stand for.
const MOST_BLANKS: u32 = 1000;

/// Where the content of a workbook lies.
#[derive(Debug, Clone)]
pub(super) enum Document {
    /// In parts of a zip archive.
    Packed(Bytes),
    /// All in one text of XML, in UTF-8.
    Flat(Bytes),
}

impl Document {
    fn each_event(
        &self,
        visit: &mut dyn FnMut(&Event<'_>) -> Result<bool, String>,
    ) -> Result<(), String> {
        match self {
            Document::Packed(archive) => each_event(archive, "content.xml", visit),
            Document::Flat(text) => each_event_of(BufReader::new(text.cursor()), visit),
        }
    }
}

/// An open workbook.
pub(super) struct OpenDocument {
    document: Document,
    sheets: Vec<(Sheet, Facts)>,
    /// How many digits a cell style always shows; styles that show none left out.
    digits: BTreeMap<String, usize>,
}

impl OpenDocument {
    /// Finds the sheets.
    pub(super) fn open(document: Document) -> Result<OpenDocument, Refusal> {
        let mut survey = Survey::default();
        if let Document::Packed(archive) = &document {
            if is_encrypted(archive) {
                return Err(container::password());
            }
            // Styles that cells share stand in a part of their own.
            let _ = each_event(archive, "styles.xml", &mut |event| {
                survey.style_event(event);
                Ok(true)
            });
        }
        let read = document.each_event(&mut |event| {
            survey.style_event(event);
            survey.sheet_event(event);
            Ok(true)
        });
        match read {
            Err(why) if survey.sheets.is_empty() => Err(container::damaged(why)),
            _ => Ok(OpenDocument { document, digits: survey.digits(), sheets: survey.sheets }),
        }
    }

    /// The sheets, in order.
    pub(super) fn sheets(&self) -> Vec<Sheet> {
        self.sheets.iter().map(|(sheet, _)| sheet.clone()).collect()
    }

    /// What else the document says of a sheet.
    pub(super) fn facts(&self, sheet: &Sheet) -> Facts {
        self.sheets.get(sheet.position).map_or_else(Facts::default, |(_, facts)| facts.clone())
    }

    /// Hands all cells of a sheet to `rows`.
    pub(super) fn each_row(&self, sheet: &Sheet, rows: &mut RowBuilder<'_>) -> Result<(), String> {
        let mut reading = Reading {
            digits: &self.digits,
            wanted: sheet.position,
            walk: Walk::default(),
            columns: BTreeMap::new(),
            row_digits: None,
            cell: None,
            row: Vec::new(),
            repeated: 0,
        };
        let mut done = false;
        self.document.each_event(&mut |event| {
            let goes_on = reading.event(event, rows)?;
            done |= !goes_on;
            Ok(goes_on)
        })?;
        if done { Ok(()) } else { Err("it ends within a sheet".into()) }
    }
}

fn is_encrypted(archive: &Bytes) -> bool {
    let mut encrypted = false;
    let _ = each_event(archive, "META-INF/manifest.xml", &mut |event| {
        if let Event::Start(start) = event {
            encrypted |= start.local_name().as_ref() == "encryption-data";
        }
        Ok(!encrypted)
    });
    encrypted
}

/// Where in the document the reading is; numbers count from 0. What stands beyond the end of a sheet
/// is taken to stand in the first row or column there, which [`RowBuilder`] refuses.
#[derive(Debug, Default)]
struct Walk {
    /// Sheets begun so far.
    sheets: usize,
    in_sheet: bool,
    in_cell: bool,
    /// Depth within an element that holds no cells of the sheet: comments, drawings, old versions.
    aside: u32,
    row: u32,
    row_times: u32,
    next_row: u32,
    column: u32,
    column_times: u32,
    next_column: u32,
}

/// What an element begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Sheet,
    Column,
    Row,
    Cell,
    CellEnd,
    RowEnd,
    SheetEnd,
    /// Something within a cell.
    Within,
    Nothing,
}

impl Walk {
    fn step(&mut self, event: &Event<'_>) -> Step {
        match event {
            Event::Start(start) => self.start(start),
            Event::End(end) => self.end(end.local_name().as_ref()),
            _ if self.in_cell && self.aside == 0 => Step::Within,
            _ => Step::Nothing,
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Step {
        const ASIDE: &[&str] = &[
            "annotation",
            "shapes",
            "frame",
            "custom-shape",
            "tracked-changes",
            "dde-links",
            "forms",
            "named-expressions",
        ];
        let name = element.local_name();
        let name = name.as_ref();
        if self.aside > 0 || ASIDE.contains(&name) {
            self.aside += 1;
            return Step::Nothing;
        }
        match name {
            _ if self.in_cell => Step::Within,
            "table" => {
                *self = Walk { sheets: self.sheets + 1, in_sheet: true, ..Walk::default() };
                Step::Sheet
            }
            "table-column" if self.in_sheet => {
                self.column_times = times(element, "number-columns-repeated");
                self.column = self.next_column.min(MOST_COLUMNS);
                self.next_column = (self.column + self.column_times).min(MOST_COLUMNS + 1);
                Step::Column
            }
            "table-row" if self.in_sheet => {
                self.row_times = times(element, "number-rows-repeated");
                self.row = self.next_row.min(MOST_ROWS);
                self.next_row = (self.row + self.row_times).min(MOST_ROWS + 1);
                self.next_column = 0;
                Step::Row
            }
            "table-cell" | "covered-table-cell" if self.in_sheet => {
                self.in_cell = true;
                self.column_times = times(element, "number-columns-repeated");
                self.column = self.next_column.min(MOST_COLUMNS);
                self.next_column = (self.column + self.column_times).min(MOST_COLUMNS + 1);
                Step::Cell
            }
            _ => Step::Nothing,
        }
    }

    fn end(&mut self, name: &str) -> Step {
        if self.aside > 0 {
            self.aside -= 1;
            return Step::Nothing;
        }
        match name {
            "table-cell" | "covered-table-cell" if self.in_cell => {
                self.in_cell = false;
                Step::CellEnd
            }
            _ if self.in_cell => Step::Within,
            "table-row" if self.in_sheet => Step::RowEnd,
            "table" if self.in_sheet => {
                self.in_sheet = false;
                Step::SheetEnd
            }
            _ => Step::Nothing,
        }
    }
}

fn number(element: &BytesStart<'_>, name: &str) -> Option<u32> {
    attribute(element, name)?.trim().parse().ok()
}

fn times(element: &BytesStart<'_>, name: &str) -> u32 {
    number(element, name).unwrap_or(1).clamp(1, MOST_ROWS)
}

/// What the first pass gathers.
#[derive(Default)]
struct Survey {
    walk: Walk,
    sheets: Vec<(Sheet, Facts)>,
    /// The style that is being described.
    style: String,
    /// Tables that are not displayed, by style.
    hidden_tables: BTreeMap<String, bool>,
    /// The data style of a cell style.
    data_styles: BTreeMap<String, String>,
    /// Digits that a data style always shows; 0 where it shows more than digits.
    shown_digits: BTreeMap<String, usize>,
    /// Whether the cell that is being read has a formula and no value.
    valueless: bool,
}

impl Survey {
    fn style_event(&mut self, event: &Event<'_>) {
        let Event::Start(start) = event else { return };
        let name = start.local_name();
        match name.as_ref() {
            "style" => {
                self.style = attribute(start, "name").unwrap_or_default();
                let data = attribute(start, "data-style-name").or_else(|| {
                    let parent = attribute(start, "parent-style-name")?;
                    self.data_styles.get(&parent).cloned()
                });
                if let Some(data) = data {
                    self.data_styles.insert(self.style.clone(), data);
                }
            }
            "table-properties" => {
                let hidden = attribute(start, "display").is_some_and(|shown| shown == "false");
                self.hidden_tables.insert(self.style.clone(), hidden);
            }
            "number-style" => {
                self.style = attribute(start, "name").unwrap_or_default();
                self.shown_digits.insert(self.style.clone(), 0);
            }
            "number" => {
                let whole = number(start, "decimal-places").unwrap_or(0) == 0;
                let digits = number(start, "min-integer-digits").unwrap_or(0) as usize;
                if let Some(shown) = self.shown_digits.get_mut(&self.style) {
                    *shown = if whole && (2..=64).contains(&digits) { digits } else { 0 };
                }
            }
            _ => {}
        }
    }

    fn digits(&self) -> BTreeMap<String, usize> {
        let digits = |data: &String| self.shown_digits.get(data).copied().filter(|&n| n > 0);
        let styles = self.data_styles.iter();
        styles.filter_map(|(style, data)| Some((style.clone(), digits(data)?))).collect()
    }

    fn sheet_event(&mut self, event: &Event<'_>) {
        let step = self.walk.step(event);
        match (step, event, self.sheets.last_mut()) {
            (Step::Sheet, Event::Start(start), _) => {
                let style = attribute(start, "style-name").unwrap_or_default();
                let sheet = Sheet {
                    name: attribute(start, "name").unwrap_or_default(),
                    hidden: self.hidden_tables.get(&style).copied().unwrap_or(false),
                    position: self.sheets.len(),
                };
                self.sheets.push((sheet, Facts::default()));
            }
            (Step::Column, Event::Start(start), Some((_, facts))) if is_hidden(start) => {
                facts.hidden_columns.hide(self.walk.column..self.walk.next_column);
            }
            (Step::Row, Event::Start(start), Some((_, facts))) if is_hidden(start) => {
                facts.hidden_rows.hide(self.walk.row..self.walk.next_row);
            }
            (Step::Cell, Event::Start(start), Some((_, facts))) => {
                let across = times(start, "number-columns-spanned").min(MOST_COLUMNS);
                let down = times(start, "number-rows-spanned");
                let (row, column) = (self.walk.row, self.walk.column);
                if across > 1 || down > 1 {
                    let end = (row + down - 1, column + across - 1);
                    facts.merges.push(Dimensions::new((row, column), end));
                }
                self.valueless = attribute(start, "formula").is_some()
                    && attribute(start, "value-type").is_none();
            }
            (Step::Within, Event::Text(_), _) => self.valueless = false,
            (Step::CellEnd, _, Some((_, facts))) => {
                facts.valueless += u64::from(std::mem::take(&mut self.valueless));
            }
            _ => {}
        }
    }
}

fn is_hidden(element: &BytesStart<'_>) -> bool {
    attribute(element, "visibility").is_some_and(|shown| shown == "collapse" || shown == "filter")
}

/// What the second pass keeps while it reads one sheet.
struct Reading<'a> {
    digits: &'a BTreeMap<String, usize>,
    /// The sheet's place among all.
    wanted: usize,
    walk: Walk,
    /// The digits that cells without a style of their own show: from the first of some columns on.
    columns: BTreeMap<u32, usize>,
    /// The same of the row.
    row_digits: Option<usize>,
    cell: Option<OpenCell>,
    /// The filled cells of the row.
    row: Vec<OpenCell>,
    /// Cells handed over beyond those that the file writes out.
    repeated: u64,
}

/// A cell, from `column` on as often as it is repeated.
struct OpenCell {
    column: u32,
    times: u32,
    kind: String,
    /// The value beside the text, where there is one.
    stored: Option<String>,
    text: String,
    paragraphs: u32,
    digits: usize,
}

impl Reading<'_> {
    /// Takes in an event; `false` when the sheet is read or no more rows are wanted.
    fn event(&mut self, event: &Event<'_>, rows: &mut RowBuilder<'_>) -> Result<bool, String> {
        let step = self.walk.step(event);
        if self.walk.sheets != self.wanted + 1 {
            return Ok(true);
        }
        match (step, event) {
            (Step::Column, Event::Start(start)) => {
                let digits = self.digits_of(start, "default-cell-style-name").unwrap_or(0);
                self.columns.insert(self.walk.column, digits);
            }
            (Step::Row, Event::Start(start)) => {
                self.row_digits = self.digits_of(start, "default-cell-style-name");
            }
            (Step::Cell, Event::Start(start)) => {
                let of_column = || self.columns.range(..=self.walk.column).next_back();
                let digits = (self.digits_of(start, "style-name"))
                    .or(self.row_digits)
                    .or_else(|| of_column().map(|(_, &digits)| digits));
                self.cell = Some(OpenCell::of(start, &self.walk, digits.unwrap_or(0)));
            }
            (Step::Within, event) => {
                if let Some(cell) = &mut self.cell {
                    cell.content(event);
                }
            }
            (Step::CellEnd, _) => self.row.extend(self.cell.take().filter(OpenCell::is_filled)),
            (Step::RowEnd, _) => return self.end_row(rows),
            (Step::SheetEnd, _) => {
                rows.end();
                return Ok(false);
            }
            _ => {}
        }
        Ok(true)
    }

    /// The digits of the style that an attribute names; `None` when it names none.
    fn digits_of(&self, element: &BytesStart<'_>, name: &str) -> Option<usize> {
        let style = attribute(element, name)?;
        Some(self.digits.get(&style).copied().unwrap_or(0))
    }

    fn end_row(&mut self, rows: &mut RowBuilder<'_>) -> Result<bool, String> {
        let cells = std::mem::take(&mut self.row);
        if cells.is_empty() {
            return Ok(true);
        }
        let width: u64 = cells.iter().map(|cell| u64::from(cell.times)).sum();
        let times = u64::from(self.walk.next_row - self.walk.row);
        self.repeated += (width * times).saturating_sub(cells.len() as u64);
        if self.repeated > MOST_REPEATED_CELLS {
            return Err("its rows are repeated beyond what any table holds".into());
        }
        for row in self.walk.row..self.walk.next_row {
            for cell in &cells {
                for column in cell.column..cell.column + cell.times {
                    if !cell.hand_over(row, column, rows) {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }
}

impl OpenCell {
    fn of(element: &BytesStart<'_>, walk: &Walk, digits: usize) -> OpenCell {
        // LibreOffice tells errors in an attribute of the same name with a prefix of its own.
        let kind = attribute(element, "value-type").unwrap_or_default();
        let error = (element.attributes().with_checks(false).flatten())
            .any(|given| given.key.as_ref() == "calcext:value-type" && &*given.value == "error");
        let stored = match kind.as_str() {
            "float" | "percentage" | "currency" => attribute(element, "value"),
            "date" => attribute(element, "date-value"),
            "time" => attribute(element, "time-value"),
            "boolean" => attribute(element, "boolean-value"),
            _ => attribute(element, "string-value"),
        };
        OpenCell {
            column: walk.column,
            times: walk.next_column - walk.column,
            kind: if error { "error".into() } else { kind },
            stored,
            text: String::new(),
            paragraphs: 0,
            digits,
        }
    }

    fn content(&mut self, event: &Event<'_>) {
        let Event::Start(start) = event else {
            if self.paragraphs > 0 {
                push_text(event, &mut self.text);
            }
            return;
        };
        let name = start.local_name();
        match name.as_ref() {
            "p" => {
                if self.paragraphs > 0 {
                    self.text.push('\n');
                }
                self.paragraphs += 1;
            }
            "s" => {
                let blanks = number(start, "c").unwrap_or(1).min(MOST_BLANKS);
                self.text.extend(std::iter::repeat_n(' ', blanks as usize));
            }
            "tab" => self.text.push('\t'),
            "line-break" => self.text.push('\n'),
            _ => {}
        }
    }

    fn is_filled(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| !stored.is_empty()) || !self.text.is_empty()
    }

    /// Adds the cell to its row; `false` when no more are wanted.
    fn hand_over(&self, row: u32, column: u32, rows: &mut RowBuilder<'_>) -> bool {
        let moment;
        let stored = self.stored.as_deref();
        let value = match (self.kind.as_str(), stored) {
            ("error", _) => Value::Error(&self.text),
            ("float" | "percentage" | "currency", Some(stored)) => match stored.trim().parse() {
                Ok(number) => Value::Number(number),
                Err(_) => Value::Text(&self.text),
            },
            ("boolean", Some(stored)) => Value::Truth(stored == "true"),
            ("date", Some(stored)) => {
                moment = plain_moment(stored);
                Value::Text(&moment)
            }
            ("time", Some(stored)) => {
                moment = clock_time(stored);
                Value::Text(&moment)
            }
            (_, Some(stored)) if !stored.is_empty() => Value::Text(stored),
            _ => Value::Text(&self.text),
        };
        rows.cell(row, column, value, self.digits)
    }
}

/// `08:30:00` of `PT08H30M00S`; anything else stays as it is.
fn clock_time(span: &str) -> String {
    let parts = || {
        let (hours, rest) = span.strip_prefix("PT")?.split_once('H')?;
        let (minutes, rest) = rest.split_once('M')?;
        let seconds = rest.strip_suffix('S')?;
        let seconds = seconds.split(['.', ',']).next()?;
        let number = |text: &str| text.parse::<u32>().ok();
        Some((number(hours)?, number(minutes)?, number(seconds)?))
    };
    match parts() {
        Some((hours, minutes, seconds)) => format!("{hours:02}:{minutes:02}:{seconds:02}"),
        None => span.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;
    use crate::ingest::read::Tally;

    fn content(body: &str) -> String {
        format!(
            "<office:document-content><office:automatic-styles>\
             <number:number-style style:name=\"N5\">\
             <number:number number:min-integer-digits=\"5\" number:decimal-places=\"0\"/>\
             </number:number-style><style:style style:name=\"ce1\" style:data-style-name=\"N5\"/>\
             <style:style style:name=\"ta2\"><style:table-properties table:display=\"false\"/>\
             </style:style></office:automatic-styles><office:body>{body}</office:body>\
             </office:document-content>"
        )
    }

    fn packed(content: &str) -> Document {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file("content.xml", options).expect("a part");
        zip.write_all(content.as_bytes()).expect("written");
        Document::Packed(Bytes::from(zip.finish().expect("an archive").into_inner()))
    }

    /// What is read of a document, which is the same packed and flat.
    fn read(body: &str) -> (Vec<String>, Result<(), String>) {
        let content = content(body);
        let flat = Document::Flat(Bytes::from(content.clone().into_bytes()));
        let read = read_document(packed(&content));
        assert_eq!(read_document(flat), read);
        read
    }

    fn read_document(document: Document) -> (Vec<String>, Result<(), String>) {
        let book = OpenDocument::open(document).expect("a workbook");
        let (tally, mut said) = (Tally::default(), Vec::new());
        let mut result = Ok(());
        for sheet in book.sheets() {
            said.push(format!("{}{}", sheet.name, if sheet.hidden { " hidden" } else { "" }));
            let facts = book.facts(&sheet);
            let mut visit = |(row, cells): (u32, csv::StringRecord)| {
                said.push(format!("{row}:{}", cells.iter().collect::<Vec<_>>().join("|")));
                true
            };
            let mut rows = RowBuilder::new(&tally, &facts, &mut visit);
            result = book.each_row(&sheet, &mut rows).and(rows.checked());
        }
        (said, result)
    }

    #[test]
    fn cells_of_all_kinds_are_text() {
        let body = "<table:table table:name=\"A\"><table:table-column/>\
            <table:table-column table:default-cell-style-name=\"ce1\"/><table:table-column/>\
            <table:table-row><table:table-cell office:value-type=\"string\"><text:p>a<text:s text:c=\"2\"/>b</text:p>\
            <text:p>c</text:p><office:annotation><text:p>no</text:p></office:annotation>\
            </table:table-cell>\
            <table:table-cell office:value-type=\"float\" office:value=\"1600\">\
            <text:p>01600</text:p></table:table-cell>\
            <table:table-cell office:value-type=\"date\" office:date-value=\"2019-03-12\"/>\
            <table:table-cell office:value-type=\"time\" office:time-value=\"PT08H30M00S\"/>\
            <table:table-cell office:value-type=\"boolean\" office:boolean-value=\"true\"/>\
            </table:table-row></table:table><table:table table:name=\"B\" table:style-name=\"ta2\"/>";
        let (said, result) = read(body);
        assert_eq!(said, ["A", "0:a  b\nc|01600|2019-03-12|08:30:00|true", "B hidden"]);
        assert_eq!(result, Ok(()));
    }

    #[test]
    fn what_is_repeated_is_laid_out_only_where_it_is_filled() {
        let body = "<table:table table:name=\"A\">\
            <table:table-row table:number-rows-repeated=\"2\"><table:table-cell/>\
            <table:table-cell table:number-columns-repeated=\"2\"><text:p>x</text:p></table:table-cell>\
            <table:table-cell table:number-columns-repeated=\"16381\"/></table:table-row>\
            <table:table-row table:number-rows-repeated=\"1048574\"><table:table-cell/>\
            </table:table-row></table:table>";
        assert_eq!(read(body).0, ["A", "0:|x|x", "1:|x|x"]);
    }

    #[test]
    fn a_sheet_that_would_fill_the_memory_is_told_of() {
        let body = "<table:table table:name=\"A\">\
            <table:table-row table:number-rows-repeated=\"1048576\">\
            <table:table-cell table:number-columns-repeated=\"16384\"><text:p>x</text:p></table:table-cell>\
            </table:table-row></table:table>";
        assert!(read(body).1.is_err());
    }

    #[test]
    fn times_are_read_as_a_clock_shows_them() {
        assert_eq!(clock_time("PT08H05M00S"), "08:05:00");
        assert_eq!(clock_time("PT26H00M00.5S"), "26:00:00");
        assert_eq!(clock_time("P1D"), "P1D");
    }

    #[test]
    fn what_stands_beyond_the_end_of_a_sheet_is_told() {
        let row = |text: &str| {
            format!(
                "<table:table-row><table:table-cell><text:p>{text}</text:p></table:table-cell>\
                 </table:table-row>"
            )
        };
        let gap = "<table:table-row table:number-rows-repeated=\"1048575\"/>";
        let body = format!(
            "<table:table table:name=\"A\">{}{gap}{}{}</table:table>",
            row("a"),
            row("b"),
            row("c")
        );
        let (said, result) = read(&body);
        assert_eq!(said, ["A", "0:a"]);
        assert_eq!(result, Err("it has more rows than a sheet can have".into()));
        let body = "<table:table table:name=\"A\"><table:table-row>\
            <table:table-cell table:number-columns-repeated=\"16384\"/>\
            <table:table-cell><text:p>x</text:p></table:table-cell></table:table-row></table:table>";
        assert_eq!(read(body).1, Err("it has more columns than a sheet can have".into()));
    }
}
