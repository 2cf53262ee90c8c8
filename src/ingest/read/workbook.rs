//! Workbooks: `.xlsx .xlsb .xls .ods` through calamine, every sheet, cells as text.
//!
//! Sheets of usual size are held; from a long one only the first rows are, to find its header, and
//! the rest is read by a thread of its own while the rows are asked for. (The cells reader borrows
//! from its workbook, so that no iterator can own both.)

use std::{
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use calamine::{
    Cell, Data, DataRef, Dimensions, ExcelDateTime, Ods, OdsError, Range, Reader, SheetType,
    SheetVisible, Xls, XlsError, Xlsb, XlsbError, Xlsx, XlsxError,
};
use csv::StringRecord;

use super::{
    Classified, Content, Format, RawRow, Refusal, Row, Table, Tally,
    container::{self, Workbook},
    header::{self, Layout, Merge},
};

/// Rows up to which a sheet is held in memory.
const HELD_ROWS: usize = 10_000;

/// Rows handed over by the reading thread at a time, and how many such batches may wait.
const BATCH_ROWS: usize = 256;
const BATCHES_WAITING: usize = 16;

/// Cells that a sheet of a format without streaming may span.
const MOST_RANGE_CELLS: usize = 100_000_000;

type Source = Cursor<Arc<[u8]>>;

/// Every table of every sheet, in the order of the workbook.
pub(super) fn tables(kind: Workbook, bytes: Vec<u8>) -> Result<Vec<Table>, Refusal> {
    if kind == Workbook::Xls && has_filepass(&bytes) {
        return Err(container::password());
    }
    let bytes: Arc<[u8]> = bytes.into();
    let mut book = Book::open(kind, bytes.clone())?;
    let mut tables = Vec::new();
    let mut broken = Vec::new();
    for sheet in book.sheets() {
        let (held, tally) = hold(&mut book, &sheet.name);
        if held.rows.is_empty() {
            broken.extend(held.broken.map(|why| (sheet, why)));
            continue;
        }
        if held.complete {
            let merges = book.merges(&sheet.name);
            tables.extend(held_tables(kind, &sheet, held, &merges, tally));
        } else {
            tables.push(streamed_table(kind, &sheet, held.rows, bytes.clone()));
        }
    }
    match broken.first() {
        Some((_, why)) if tables.is_empty() => return Err(container::damaged(why)),
        None if tables.is_empty() => {
            return Err(Refusal::new(
                "no sheet of it holds anything",
                "export it again, or remove it",
            ));
        }
        _ => {}
    }
    // A sheet of which nothing can be read is told beside the good ones.
    tables.extend(broken.into_iter().map(|(sheet, why)| {
        let part = Part { kind, sheet: &sheet, remarks: Vec::new(), tally: Tally::default() };
        part.table(&[], &[], 0, std::iter::once(damaged_row(1, &why)))
    }));
    Ok(tables)
}

/// A sheet of cells.
#[derive(Debug, Clone)]
struct Sheet {
    name: String,
    hidden: bool,
}

/// An open workbook.
enum Book {
    Xlsx(Box<Xlsx<Source>>),
    Xlsb(Box<Xlsb<Source>>),
    Xls(Box<Xls<Source>>),
    Ods(Box<Ods<Source>>),
}

/// Row from 0, and its cells from column A.
type SheetRow = (u32, StringRecord);

impl Book {
    fn open(kind: Workbook, bytes: Arc<[u8]>) -> Result<Book, Refusal> {
        let source = Cursor::new(bytes);
        guarded(|| {
            Ok(match kind {
                Workbook::Xlsx => Book::Xlsx(Box::new(Xlsx::new(source).map_err(|e| match e {
                    XlsxError::Password => container::password(),
                    e => container::damaged(e),
                })?)),
                Workbook::Xlsb => Book::Xlsb(Box::new(Xlsb::new(source).map_err(|e| match e {
                    XlsbError::Password => container::password(),
                    e => container::damaged(e),
                })?)),
                Workbook::Xls => Book::Xls(Box::new(Xls::new(source).map_err(|e| match e {
                    XlsError::Password => container::password(),
                    XlsError::Cfb(e) if e.to_string().contains("Codepage") => Refusal::new(
                        "its text is in a code page that is not read",
                        "open it in a spreadsheet and save it as .xlsx",
                    ),
                    e => container::damaged(e),
                })?)),
                Workbook::Ods => Book::Ods(Box::new(Ods::new(source).map_err(|e| match e {
                    OdsError::Password => container::password(),
                    e => container::damaged(e),
                })?)),
            })
        })
        .unwrap_or_else(|why| Err(container::damaged(why)))
    }

    /// The sheets that hold cells, charts and macros left out.
    fn sheets(&self) -> Vec<Sheet> {
        let all = match self {
            Book::Xlsx(book) => book.sheets_metadata(),
            Book::Xlsb(book) => book.sheets_metadata(),
            Book::Xls(book) => book.sheets_metadata(),
            Book::Ods(book) => book.sheets_metadata(),
        };
        all.iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| Sheet {
                name: sheet.name.clone(),
                hidden: sheet.visible != SheetVisible::Visible,
            })
            .collect()
    }

    /// Cells that span several columns, as `(row, columns)` from 0. Not known of every format.
    fn merges(&mut self, sheet: &str) -> Vec<Dimensions> {
        match self {
            Book::Xlsx(book) => {
                guarded(|| book.merge_cells_by_sheet_name(sheet)).ok().and_then(Result::ok)
            }
            Book::Xls(book) => book.merge_cells_by_sheet_name(sheet).ok(),
            Book::Xlsb(_) | Book::Ods(_) => None,
        }
        .unwrap_or_default()
    }

    /// Calls `visit` with each row that has a filled cell, in the order of the sheet, until it says
    /// `false`.
    fn each_row(
        &mut self,
        sheet: &str,
        tally: &Tally,
        visit: &mut dyn FnMut(SheetRow) -> bool,
    ) -> Result<(), String> {
        let mut rows = RowBuilder { row: 0, cells: Vec::new(), tally, visit };
        let read = guarded(|| match self {
            Book::Xlsx(book) => read_xlsx(book, sheet, &mut rows).map_err(|e| e.to_string()),
            Book::Xlsb(book) => read_xlsb(book, sheet, &mut rows).map_err(|e| e.to_string()),
            Book::Xls(book) => {
                let range = book.worksheet_range(sheet).map_err(|e| e.to_string())?;
                read_range(&range, &mut rows)
            }
            Book::Ods(book) => {
                let range = book.worksheet_range(sheet).map_err(|e| e.to_string())?;
                read_range(&range, &mut rows)
            }
        });
        read.unwrap_or_else(Err)
    }
}

/// The reader libraries index into what they read; a damaged file may make them panic.
fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).map_err(|_| "its parts do not fit together".to_owned())
}

fn read_xlsx(book: &mut Xlsx<Source>, sheet: &str, rows: &mut RowBuilder) -> Result<(), XlsxError> {
    let mut reader = book.worksheet_cells_reader(sheet)?;
    let digits: Vec<usize> = reader
        .styles()
        .iter()
        .map(|style| {
            style.number_format.as_ref().map_or(0, |format| padded_digits(&format.format_code))
        })
        .collect();
    while let Some((cell, style)) = reader.next_cell_with_style_id()? {
        let (row, column) = cell.get_position();
        let value = Value::from(cell.get_value());
        if !rows.cell(row, column, value, digits.get(style).copied().unwrap_or(0)) {
            return Ok(());
        }
    }
    rows.end();
    Ok(())
}

fn read_xlsb(book: &mut Xlsb<Source>, sheet: &str, rows: &mut RowBuilder) -> Result<(), XlsbError> {
    let mut reader = book.worksheet_cells_reader(sheet)?;
    while let Some(cell) = reader.next_cell()? {
        let cell: Cell<DataRef<'_>> = cell;
        let (row, column) = cell.get_position();
        if !rows.cell(row, column, Value::from(cell.get_value()), 0) {
            return Ok(());
        }
    }
    rows.end();
    Ok(())
}

fn read_range(range: &Range<Data>, rows: &mut RowBuilder) -> Result<(), String> {
    let (height, width) = range.get_size();
    if height.saturating_mul(width) > MOST_RANGE_CELLS {
        return Err(format!("it spans {height} rows and {width} columns, more than can be held"));
    }
    let (top, left) = range.start().unwrap_or((0, 0));
    for (down, row) in range.rows().enumerate() {
        for (right, cell) in row.iter().enumerate() {
            let (row, column) = (top + down as u32, left + right as u32);
            if !matches!(cell, Data::Empty) && !rows.cell(row, column, Value::from(cell), 0) {
                return Ok(());
            }
        }
    }
    rows.end();
    Ok(())
}

/// Gathers cells into rows.
struct RowBuilder<'a> {
    row: u32,
    cells: Vec<String>,
    tally: &'a Tally,
    visit: &'a mut dyn FnMut(SheetRow) -> bool,
}

impl RowBuilder<'_> {
    /// Adds a cell; `false` when no more are wanted.
    fn cell(&mut self, row: u32, column: u32, value: Value<'_>, digits: usize) -> bool {
        if row != self.row && !self.end() {
            return false;
        }
        self.row = row;
        let text = value.text(digits, self.tally);
        let column = column as usize;
        if !text.is_empty() && column < 16_384 {
            if self.cells.len() <= column {
                self.cells.resize(column + 1, String::new());
            }
            self.cells[column] = text;
        }
        true
    }

    /// Hands over the current row unless it is empty; `false` when no more are wanted.
    fn end(&mut self) -> bool {
        if self.cells.is_empty() {
            return true;
        }
        let cells = StringRecord::from(std::mem::take(&mut self.cells));
        header::is_blank(&cells) || (self.visit)((self.row, cells))
    }
}

/// What a cell holds, whichever format it came from.
enum Value<'a> {
    Nothing,
    Text(&'a str),
    Whole(i64),
    Number(f64),
    Truth(bool),
    Moment(ExcelDateTime),
    Error,
}

impl<'a> From<&'a DataRef<'_>> for Value<'a> {
    fn from(cell: &'a DataRef<'_>) -> Value<'a> {
        match cell {
            DataRef::Empty => Value::Nothing,
            DataRef::Int(number) => Value::Whole(*number),
            DataRef::Float(number) => Value::Number(*number),
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                Value::Text(text)
            }
            DataRef::SharedString(text) => Value::Text(text),
            DataRef::Bool(truth) => Value::Truth(*truth),
            DataRef::DateTime(moment) => Value::Moment(*moment),
            DataRef::Error(_) => Value::Error,
        }
    }
}

impl<'a> From<&'a Data> for Value<'a> {
    fn from(cell: &'a Data) -> Value<'a> {
        match cell {
            Data::Empty => Value::Nothing,
            Data::Int(number) => Value::Whole(*number),
            Data::Float(number) => Value::Number(*number),
            Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
                Value::Text(text)
            }
            Data::Bool(truth) => Value::Truth(*truth),
            Data::DateTime(moment) => Value::Moment(*moment),
            Data::Error(_) => Value::Error,
        }
    }
}

impl Value<'_> {
    /// The cell as text; `digits` is how many its number format always shows.
    fn text(&self, digits: usize, tally: &Tally) -> String {
        match self {
            Value::Nothing => String::new(),
            Value::Text(text) => {
                let text = text.strip_suffix("T00:00:00").unwrap_or(text);
                header::unwrapped(text, tally).unwrap_or_else(|| text.to_owned())
            }
            Value::Whole(number) => padded(number.to_string(), digits),
            Value::Number(number) => padded(number_text(*number), digits),
            Value::Truth(truth) => truth.to_string(),
            Value::Moment(moment) => moment_text(*moment),
            Value::Error => {
                tally.count(|c| &c.error_cells);
                String::new()
            }
        }
    }
}

/// A number as people read it: no exponent, no `.0`, and the 15 digits that spreadsheets show, which
/// drops the noise of sums (`0.1 + 0.2`).
pub(super) fn number_text(number: f64) -> String {
    let shown: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    // Whole numbers up to 2^53 are exact, and identifiers may need all their digits.
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    let text = if exact { number.to_string() } else { shown.to_string() };
    if text == "-0" { "0".into() } else { text }
}

fn padded(digits: String, width: usize) -> String {
    if digits.len() < width && digits.bytes().all(|b| b.is_ascii_digit()) {
        format!("{digits:0>width$}")
    } else {
        digits
    }
}

/// How many digits a number format always shows, for formats that are nothing but digits and signs
/// between them: 5 for `00000`, 10 for `0#" "##" "##" "##" "##`, 0 for all others.
fn padded_digits(format: &str) -> usize {
    let mut digits = 0;
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => break,
            '"' => {
                chars.by_ref().find(|&c| c == '"');
            }
            '[' => {
                chars.by_ref().find(|&c| c == ']');
            }
            '\\' | '_' | '*' => {
                chars.next();
            }
            '0' => digits += 1,
            // Behind the first 0 all places are shown.
            '#' | '?' if digits > 0 => digits += 1,
            '#' | '?' | ' ' | '-' | '\u{a0}' | '\u{202f}' | '(' | ')' | '+' => {}
            _ => return 0,
        }
    }
    if digits >= 2 { digits } else { 0 }
}

/// ISO: `2019-03-12`, `2019-03-12T08:30:00`, `08:30:00`; a span of time as `26:30:00`.
fn moment_text(moment: ExcelDateTime) -> String {
    let value = moment.as_f64();
    // Beyond the year 9999 or before the calendar: no date, whatever the cell's format says.
    if !(0.0..2_958_466.0).contains(&value) {
        return number_text(value);
    }
    if moment.is_duration() {
        let seconds = (value * 86_400.0).round() as u64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    match () {
        () if value > 0.0 && value < 1.0 => time,
        () if (hour, minute, second) == (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        () => format!("{year:04}-{month:02}-{day:02}T{time}"),
    }
}

/// The first rows of a sheet.
struct Held {
    rows: Vec<SheetRow>,
    /// Whether these are all.
    complete: bool,
    /// Why the sheet could not be read to its end.
    broken: Option<String>,
}

fn hold(book: &mut Book, sheet: &str) -> (Held, Tally) {
    let tally = Tally::default();
    let mut rows = Vec::new();
    let mut complete = true;
    let read = book.each_row(sheet, &tally, &mut |row| {
        complete = rows.len() < HELD_ROWS;
        if complete {
            rows.push(row);
        }
        complete
    });
    (Held { rows, complete, broken: read.err() }, tally)
}

/// The tables of a sheet that is held whole.
fn held_tables(
    kind: Workbook,
    sheet: &Sheet,
    held: Held,
    merges: &[Dimensions],
    tally: Tally,
) -> Vec<Table> {
    let broken =
        held.broken.map(|why| damaged_row(held.rows.last().map_or(1, |row| row.0 + 2), &why));
    let rows: Vec<RawRow> = dense(held.rows.into_iter().map(Ok)).collect();
    let starts = table_starts(&rows);
    let mut remarks = Vec::new();
    if starts.len() > 1 {
        remarks.push(format!("the sheet holds {} tables, read one by one", starts.len()));
    }
    let mut rest = rows.into_iter();
    let mut tables: Vec<Table> = Vec::new();
    for (at, &start) in starts.iter().enumerate() {
        let length = starts.get(at + 1).map_or(usize::MAX, |&next| next - start);
        let mut rows: Vec<RawRow> = rest.by_ref().take(length).collect();
        if at + 1 == starts.len() {
            rows.extend(broken.clone());
        }
        let merges = merges_from(merges, start);
        let part = Part { kind, sheet, remarks: remarks.clone(), tally: tally.clone() };
        let preview = preview_of(&rows);
        tables.push(part.table(&preview, &merges, start, rows.into_iter()));
    }
    tables
}

fn merges_from(merges: &[Dimensions], start: usize) -> Vec<Merge> {
    merges
        .iter()
        .filter_map(|merge| {
            Some(Merge {
                row: (merge.start.0 as usize).checked_sub(start)?,
                columns: merge.start.1 as usize..=merge.end.1 as usize,
            })
        })
        .collect()
}

/// Positions of the rows where tables start: 0, and behind a blank row where other columns are named.
fn table_starts(rows: &[RawRow]) -> Vec<usize> {
    let cells = |at: usize| match rows.get(at) {
        Some(RawRow::Cells(_, cells)) => Some(cells),
        _ => None,
    };
    let blank = |at: usize| cells(at).is_none_or(header::is_blank);
    let mut starts = vec![0];
    let mut named: Option<usize> = header::Layout::find(&preview_of(rows), &[]).last_line();
    for at in 1..rows.len() {
        if !blank(at - 1) || blank(at) || named.is_none_or(|named| at <= named) {
            continue;
        }
        // One title may stand above the names.
        let names = (at..(at + 2).min(rows.len())).find(|&names| {
            !blank(names)
                && !blank(names + 1)
                && names + 1 < rows.len()
                && cells(names).is_some_and(header::surely_names_columns)
        });
        let differs = |names: usize| named.and_then(cells) != cells(names);
        if let Some(names) = names.filter(|&names| differs(names)) {
            starts.push(at);
            named = Some(names);
        }
    }
    starts
}

fn preview_of(rows: &[RawRow]) -> Vec<StringRecord> {
    rows.iter()
        .take(header::PREVIEW_ROWS)
        .map(|row| match row {
            RawRow::Cells(_, cells) => cells.clone(),
            RawRow::Known(_) => StringRecord::new(),
        })
        .collect()
}

/// A sheet too long to be held: its rows are read again, from the start, as they are asked for.
fn streamed_table(kind: Workbook, sheet: &Sheet, head: Vec<SheetRow>, bytes: Arc<[u8]>) -> Table {
    let head: Vec<RawRow> = dense(head.into_iter().map(Ok)).take(header::PREVIEW_ROWS).collect();
    let tally = Tally::default();
    let part = Part { kind, sheet, remarks: Vec::new(), tally: tally.clone() };
    let name = sheet.name.clone();
    let stream = Stream::new(move || start_reading(kind, bytes, name, tally));
    part.table(&preview_of(&head), &[], 0, dense(stream))
}

/// What the tables of a sheet share.
struct Part<'a> {
    kind: Workbook,
    sheet: &'a Sheet,
    remarks: Vec<String>,
    tally: Tally,
}

impl Part<'_> {
    /// The table whose raw rows, the first of which is row `start` from 0, are `raw`.
    fn table(
        self,
        preview: &[StringRecord],
        merges: &[Merge],
        start: usize,
        raw: impl Iterator<Item = RawRow> + Send + 'static,
    ) -> Table {
        let mut layout = Layout::find(preview, merges);
        layout.sparse = true;
        let mut remarks = self.remarks;
        if !layout.has_header() {
            remarks.push("no header was found: the columns are numbered".into());
        } else if preview
            .iter()
            .skip(layout.last_line().map_or(0, |at| at + 1))
            .all(header::is_blank)
        {
            remarks.push("there are no rows below the header".into());
        }
        Table {
            sheet: self.sheet.name.clone(),
            hidden: self.sheet.hidden,
            format: Format {
                container: self.kind.name().into(),
                encoding: String::new(),
                delimiter: None,
                remarks,
            },
            header: layout.header.clone(),
            groups: layout.groups.clone(),
            header_row: layout.last_line().map_or(0, |at| (start + at) as u32 + 1),
            rows: Box::new(Classified { raw, position: 0, layout, tally: self.tally.clone() }),
            tally: self.tally,
        }
    }
}

fn damaged_row(number: u32, why: &str) -> RawRow {
    RawRow::Known(Row {
        number,
        content: Content::Bad {
            code: "damaged",
            message: format!("the sheet cannot be read from here on: {why}"),
            raw: String::new(),
        },
    })
}

/// All rows from row 1 to the last filled one: those that the file leaves out are blank.
fn dense(rows: impl Iterator<Item = Result<SheetRow, String>>) -> impl Iterator<Item = RawRow> {
    let mut next = 0u32;
    rows.flat_map(move |row| {
        let (gap, last) = match row {
            Ok((row, cells)) => {
                let gap = next.min(row)..row;
                next = next.max(row + 1);
                (gap, RawRow::Cells(row + 1, cells))
            }
            Err(why) => (next..next, damaged_row(next + 1, &why)),
        };
        gap.map(|row| RawRow::Cells(row + 1, StringRecord::new())).chain([last])
    })
}

/// Rows sent by a reading thread, which is started when the first is asked for and ends when no more
/// are wanted.
struct Stream {
    start: Option<Box<dyn FnOnce() -> Receiver<Batch> + Send>>,
    batches: Option<Receiver<Batch>>,
    current: std::vec::IntoIter<SheetRow>,
}

type Batch = Result<Vec<SheetRow>, String>;

impl Stream {
    fn new(start: impl FnOnce() -> Receiver<Batch> + Send + 'static) -> Stream {
        Stream { start: Some(Box::new(start)), batches: None, current: Vec::new().into_iter() }
    }
}

impl Iterator for Stream {
    type Item = Result<SheetRow, String>;

    fn next(&mut self) -> Option<Result<SheetRow, String>> {
        if let Some(start) = self.start.take() {
            self.batches = Some(start());
        }
        loop {
            if let Some(row) = self.current.next() {
                return Some(Ok(row));
            }
            match self.batches.as_ref()?.recv() {
                Ok(Ok(batch)) => self.current = batch.into_iter(),
                Ok(Err(why)) => return Some(Err(why)),
                Err(_) => {
                    self.batches = None;
                    return None;
                }
            }
        }
    }
}

fn start_reading(kind: Workbook, bytes: Arc<[u8]>, sheet: String, tally: Tally) -> Receiver<Batch> {
    let (sender, receiver) = sync_channel::<Batch>(BATCHES_WAITING);
    thread::spawn(move || {
        let mut batch = Vec::with_capacity(BATCH_ROWS);
        let read =
            Book::open(kind, bytes).map_err(|refusal| refusal.message).and_then(|mut book| {
                book.each_row(&sheet, &tally, &mut |row| {
                    batch.push(row);
                    batch.len() < BATCH_ROWS
                        || sender
                            .send(Ok(std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS))))
                            .is_ok()
                })
            });
        // A receiver that is gone wants neither the last rows nor the reason.
        let _ = sender.send(Ok(batch));
        if let Err(why) = read {
            let _ = sender.send(Err(why));
        }
    });
    receiver
}

/// Whether a BIFF workbook is encrypted: a FILEPASS record soon after its first BOF. calamine knows
/// only one of the two ways.
fn has_filepass(bytes: &[u8]) -> bool {
    const BOF: u16 = 0x0809;
    const FILEPASS: u16 = 0x002F;
    const WORKBOOK_GLOBALS: u16 = 0x0005;
    bytes.chunks(512).any(|sector| {
        let u16_at = |at: usize| Some(u16::from_le_bytes([*sector.get(at)?, *sector.get(at + 1)?]));
        if u16_at(0) != Some(BOF) || u16_at(6) != Some(WORKBOOK_GLOBALS) {
            return false;
        }
        let mut at = 0;
        for _ in 0..12 {
            let (Some(record), Some(length)) = (u16_at(at), u16_at(at + 2)) else { return false };
            if record == FILEPASS {
                return true;
            }
            at += 4 + length as usize;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let cases = [
            (12345678900011.0, "12345678900011"),
            (1.0, "1"),
            (75756.44, "75756.44"),
            (0.1 + 0.2, "0.3"),
            (-0.0, "0"),
            (1e21, "1000000000000000000000"),
            (4378945.920000001, "4378945.92"),
        ];
        for (number, text) in cases {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn formats_of_digits_carry_leading_zeros() {
        assert_eq!(padded_digits("00000"), 5);
        assert_eq!(padded_digits("0#\" \"##\" \"##\" \"##\" \"##"), 10);
        assert_eq!(padded_digits("00\\ 00\\ 00\\ 00\\ 00"), 10);
        for other in ["General", "0", "0.00", "#,##0", "0%", "dd/mm/yyyy", "@", "0E+00"] {
            assert_eq!(padded_digits(other), 0, "{other}");
        }
        assert_eq!(padded("1600".into(), 5), "01600");
    }

    #[test]
    fn rows_left_out_of_the_file_are_blank() {
        let rows = [(1u32, StringRecord::from(vec!["a"])), (3, StringRecord::from(vec!["b"]))];
        let numbers: Vec<u32> = dense(rows.into_iter().map(Ok))
            .map(|row| match row {
                RawRow::Cells(number, _) => number,
                RawRow::Known(row) => row.number,
            })
            .collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
    }
}
