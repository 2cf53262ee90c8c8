//! Excel's XML of 2003 (SpreadsheetML), often saved as `.xls` by other programs.
//!
//! A sheet says only where its cells leave a gap (`ss:Index`), so that positions are counted. Dates
//! are written as dates, whichever calendar the workbook has.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufReader, Seek, SeekFrom},
};

use calamine::Dimensions;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    bytes::{Bytes, Cursor},
    cell::{Value, padded_digits, plain_moment},
    markup::{attribute, push_text, tolerant},
    sheet::{Facts, MOST_COLUMNS, MOST_ROWS, RowBuilder, Sheet},
};

/// An open workbook.
pub(super) struct SpreadsheetMl {
    /// The document, in UTF-8.
    document: Bytes,
    sheets: Vec<Worksheet>,
    /// How many digits the number format of a style always shows; styles that show none left out.
    digits: BTreeMap<String, usize>,
}

#[derive(Debug, Default)]
struct Worksheet {
    sheet: Sheet,
    /// Where its content starts in the document.
    start: u64,
    facts: Facts,
    /// The styles of whole columns: from one on, up to another.
    column_styles: BTreeMap<u32, (u32, String)>,
}

impl Worksheet {
    fn column_style(&self, column: u32) -> Option<String> {
        let (_, (end, style)) = self.column_styles.range(..=column).next_back()?;
        (column < *end).then(|| style.clone())
    }
}

impl SpreadsheetMl {
    /// Finds the sheets of a document. What follows a damaged place is found by [`Self::each_row`].
    pub(super) fn open(document: Bytes) -> Result<SpreadsheetMl, String> {
        let mut reader = reader_from(&document, 0)?;
        let mut survey = Survey::default();
        let mut failed = None;
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer) {
                Ok(Event::Eof) => break,
                Ok(event) => survey.event(&event, reader.buffer_position()),
                Err(why) => {
                    failed = Some(why.to_string());
                    break;
                }
            }
        }
        match failed {
            Some(why) if survey.sheets.is_empty() => Err(why),
            _ => Ok(SpreadsheetMl { document, digits: survey.digits(), sheets: survey.sheets }),
        }
    }

    /// The sheets, in order.
    pub(super) fn sheets(&self) -> Vec<Sheet> {
        self.sheets.iter().map(|sheet| sheet.sheet.clone()).collect()
    }

    /// What else the document says of a sheet.
    pub(super) fn facts(&self, sheet: &Sheet) -> Facts {
        self.sheets.get(sheet.position).map_or_else(Facts::default, |sheet| sheet.facts.clone())
    }

    /// Hands all cells of a sheet to `rows`.
    pub(super) fn each_row(&self, sheet: &Sheet, rows: &mut RowBuilder<'_>) -> Result<(), String> {
        let Some(sheet) = self.sheets.get(sheet.position) else { return Ok(()) };
        let mut reader = reader_from(&self.document, sheet.start)?;
        let mut buffer = Vec::new();
        let mut place = Place::default();
        let mut row_style = None;
        let mut cell: Option<OpenCell> = None;
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer).map_err(|why| why.to_string())?;
            match &event {
                Event::Eof => return Err("it ends within a sheet".into()),
                Event::Start(start) => match (start.local_name().as_ref(), &mut cell) {
                    ("Row", None) => {
                        place.row(start);
                        row_style = attribute(start, "StyleID");
                    }
                    ("Cell", None) => {
                        let (at, _) = place.cell(start);
                        let style = attribute(start, "StyleID")
                            .or_else(|| row_style.clone())
                            .or_else(|| sheet.column_style(at.1));
                        let digits = style.and_then(|style| self.digits.get(&style).copied());
                        cell = Some(OpenCell::new(at, digits.unwrap_or(0)));
                    }
                    ("Data", Some(cell)) => cell.data(start),
                    ("Comment", Some(cell)) => cell.in_comment = true,
                    _ => {}
                },
                Event::End(end) => match (end.local_name().as_ref(), &mut cell) {
                    ("Cell", Some(done)) => {
                        let wanted = done.hand_over(rows);
                        cell = None;
                        if !wanted {
                            return Ok(());
                        }
                    }
                    ("Data", Some(cell)) => cell.in_data = false,
                    ("Comment", Some(cell)) => cell.in_comment = false,
                    ("Worksheet", _) => {
                        rows.end();
                        return Ok(());
                    }
                    _ => {}
                },
                event => {
                    if let Some(cell) = cell.as_mut().filter(|cell| cell.in_data) {
                        push_text(event, &mut cell.text);
                    }
                }
            }
        }
    }
}

/// Reads a document from a place on.
fn reader_from(document: &Bytes, start: u64) -> Result<Reader<BufReader<Cursor>>, String> {
    let mut cursor = document.cursor();
    cursor.seek(SeekFrom::Start(start)).map_err(|why| why.to_string())?;
    Ok(tolerant(Reader::from_reader(BufReader::with_capacity(1 << 16, cursor))))
}

/// Where in a sheet the reading is, from 0.
#[derive(Debug, Default)]
struct Place {
    /// The row after the last one.
    next_row: u32,
    /// The column after the last one.
    next_column: u32,
    row: u32,
}

impl Place {
    /// The row that starts.
    fn row(&mut self, element: &BytesStart<'_>) -> u32 {
        self.row = index(element).unwrap_or(self.next_row).min(MOST_ROWS);
        // A span stands for as many blank rows below.
        let span = number(element, "Span").unwrap_or(0);
        self.next_row = self.row.saturating_add(1).saturating_add(span).min(MOST_ROWS);
        self.next_column = 0;
        self.row
    }

    /// The place of the cell that starts, and the last place that it covers.
    fn cell(&mut self, element: &BytesStart<'_>) -> ((u32, u32), (u32, u32)) {
        let column = index(element).unwrap_or(self.next_column).min(MOST_COLUMNS);
        let across = number(element, "MergeAcross").unwrap_or(0).min(MOST_COLUMNS);
        let down = number(element, "MergeDown").unwrap_or(0).min(MOST_ROWS);
        self.next_column = column + 1 + across;
        ((self.row, column), (self.row + down, column + across))
    }
}

/// `ss:Index`, from 0.
fn index(element: &BytesStart<'_>) -> Option<u32> {
    number(element, "Index")?.checked_sub(1)
}

fn number(element: &BytesStart<'_>, name: &str) -> Option<u32> {
    attribute(element, name)?.trim().parse().ok()
}

fn is_set(element: &BytesStart<'_>, name: &str) -> bool {
    attribute(element, name).is_some_and(|value| value.trim() == "1")
}

/// What the first pass over a document gathers.
#[derive(Default)]
struct Survey {
    sheets: Vec<Worksheet>,
    place: Place,
    next_column: u32,
    /// Styles: the one they refine, and their number format.
    styles: BTreeMap<String, (Option<String>, Option<String>)>,
    style: Option<String>,
    /// Text of the element `Visible` while it is read.
    visible: Option<String>,
    /// Whether the cell has a formula and no value yet.
    formula: bool,
}

impl Survey {
    fn event(&mut self, event: &Event<'_>, position: u64) {
        match event {
            Event::Start(start) => self.start(start, position),
            Event::End(end) => match end.local_name().as_ref() {
                "Style" => self.style = None,
                "Visible" => {
                    let state = self.visible.take().unwrap_or_default();
                    if let Some(sheet) = self.sheets.last_mut() {
                        sheet.sheet.hidden = state.trim() != "SheetVisible";
                    }
                }
                "Cell" => {
                    if let Some(sheet) = self.sheets.last_mut() {
                        sheet.facts.valueless += u64::from(std::mem::take(&mut self.formula));
                    }
                }
                _ => {}
            },
            event => {
                if let Some(visible) = &mut self.visible {
                    push_text(event, visible);
                }
            }
        }
    }

    fn start(&mut self, element: &BytesStart<'_>, position: u64) {
        match element.local_name().as_ref() {
            "Style" => {
                self.style = attribute(element, "ID");
                if let Some(id) = &self.style {
                    self.styles.insert(id.clone(), (attribute(element, "Parent"), None));
                }
            }
            "NumberFormat" => {
                let style = self.style.as_ref().and_then(|id| self.styles.get_mut(id));
                if let (Some(style), Some(format)) = (style, attribute(element, "Format")) {
                    style.1 = Some(format);
                }
            }
            "Worksheet" => {
                let sheet = Sheet {
                    name: attribute(element, "Name").unwrap_or_default(),
                    hidden: false,
                    position: self.sheets.len(),
                };
                self.sheets.push(Worksheet { sheet, start: position, ..Worksheet::default() });
                (self.place, self.next_column) = (Place::default(), 0);
            }
            "Visible" => self.visible = Some(String::new()),
            "Data" => self.formula = false,
            name => {
                if let Some(sheet) = self.sheets.last_mut() {
                    match name {
                        "Column" => column(element, &mut self.next_column, sheet),
                        "Row" => {
                            let row = self.place.row(element);
                            if is_set(element, "Hidden") {
                                sheet.facts.hidden_rows.hide(row..row + 1);
                            }
                        }
                        "Cell" => {
                            let (start, end) = self.place.cell(element);
                            if start != end {
                                sheet.facts.merges.push(Dimensions::new(start, end));
                            }
                            self.formula = attribute(element, "Formula").is_some();
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    fn digits(&self) -> BTreeMap<String, usize> {
        let digits_of = |id: &str| {
            let mut id = id;
            // Styles refine each other in a chain; a circle of them is no reason to go round forever.
            let mut seen = BTreeSet::new();
            while seen.insert(id) {
                match self.styles.get(id)? {
                    (_, Some(format)) => return Some(padded_digits(format)),
                    (Some(parent), None) => id = parent,
                    (None, None) => return None,
                }
            }
            None
        };
        let styles = self.styles.keys();
        styles
            .filter_map(|id| Some((id.clone(), digits_of(id).filter(|&digits| digits > 0)?)))
            .collect()
    }
}

/// A column, or several that are alike.
fn column(element: &BytesStart<'_>, next: &mut u32, sheet: &mut Worksheet) {
    let first = index(element).unwrap_or(*next).min(MOST_COLUMNS);
    let span = number(element, "Span").unwrap_or(0).min(MOST_COLUMNS);
    *next = first + 1 + span;
    let columns = first..(*next).min(MOST_COLUMNS);
    if is_set(element, "Hidden") {
        sheet.facts.hidden_columns.hide(columns.clone());
    }
    if let Some(style) = attribute(element, "StyleID") {
        sheet.column_styles.insert(columns.start, (columns.end, style));
    }
}

/// A cell while it is read.
struct OpenCell {
    at: (u32, u32),
    digits: usize,
    /// `ss:Type` of its data.
    kind: String,
    text: String,
    in_data: bool,
    /// Comments hold data too, which is none of the cell's.
    in_comment: bool,
}

impl OpenCell {
    fn new(at: (u32, u32), digits: usize) -> OpenCell {
        let (kind, text) = (String::new(), String::new());
        OpenCell { at, digits, kind, text, in_data: false, in_comment: false }
    }

    fn data(&mut self, element: &BytesStart<'_>) {
        if !self.in_comment {
            self.in_data = true;
            self.kind = attribute(element, "Type").unwrap_or_default();
        }
    }

    /// Adds the cell to its row; `false` when no more are wanted.
    fn hand_over(&self, rows: &mut RowBuilder<'_>) -> bool {
        let text = self.text.as_str();
        let moment;
        let value = match self.kind.as_str() {
            "Number" => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Number(number),
                _ => Value::Text(text),
            },
            "Boolean" => match text.trim() {
                "1" => Value::Truth(true),
                "0" => Value::Truth(false),
                _ => Value::Text(text),
            },
            "DateTime" => {
                moment = plain_moment(text);
                Value::Text(&moment)
            }
            "Error" => Value::Error(text),
            _ if text.is_empty() => return true,
            _ => Value::Text(text),
        };
        rows.cell(self.at.0, self.at.1, value, self.digits)
    }
}
