//! Workbooks, every sheet of them: `.xlsx .xlsb .xls` through calamine, what calamine does not read
//! through readers of our own.
//!
//! Sheets of usual size are held; from a long one only the first rows are, to find its header, and
//! the rest is read by a thread of its own while the rows are asked for. (The cells reader borrows
//! from its workbook, so that no iterator can own both.)

use std::{
    cell::Cell,
    io::BufReader,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, Once, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use calamine::{
    Data, DataRef, Range, Reader, SheetType, SheetVisible, Xls, XlsError, XlsOptions, Xlsb,
    XlsbError, Xlsx, XlsxError,
};

pub(super) use super::cell::number_text;
use super::{
    RawRow, Refusal, Table, Tally, biff,
    bytes::{Bytes, Cursor},
    cell::{Value, padded_digits},
    container::{self, Workbook},
    header, markup,
    opendocument::{Document, OpenDocument},
    sheet::{self, Digits, Facts, Part, RowBuilder, Sheet, SheetRow},
    spreadsheetml::SpreadsheetMl,
    xlsb, xlsx,
};

/// Rows up to which a sheet is held in memory.
const HELD_ROWS: usize = 10_000;

/// Cells up to which the sheets of a workbook are, blank ones included: one cell in the last column
/// makes a row of 16,384.
pub(super) const HELD_CELLS: usize = 20_000_000;

/// Rows and cells handed over by the reading thread at a time, and how many such batches may wait.
const BATCH_ROWS: usize = 256;
const BATCH_CELLS: usize = 1 << 16;
const BATCHES_WAITING: usize = 16;

type Source = BufReader<Cursor>;

/// Every table of every sheet, in the order of the workbook.
pub(super) fn tables(kind: Workbook, mut bytes: Bytes) -> Result<Vec<Table>, Refusal> {
    if matches!(kind, Workbook::SpreadsheetMl | Workbook::Fods) {
        bytes = markup::in_utf8(bytes).map_err(container::damaged)?;
    }
    let mut book = Book::open(kind, &bytes)?;
    let kept = Kept { kind, bytes, book: Arc::default() };
    let mut tables = Vec::new();
    let mut broken = Vec::new();
    let mut errors = 0;
    let mut room = HELD_CELLS;
    for sheet in book.sheets() {
        let facts = book.facts(&sheet);
        let (held, tally) = hold(&mut book, &sheet, &facts, &mut room);
        if held.rows.is_empty() {
            errors += tally.error_cells();
            broken.extend(held.broken.map(|why| (sheet, why)));
            continue;
        }
        if held.complete {
            tables.extend(held_tables(part(kind, &sheet, &tally), held, &facts));
        } else {
            tables.push(streamed_table(kept.clone(), &sheet, held.rows, facts));
        }
    }
    match broken.first() {
        Some((_, why)) if tables.is_empty() => return Err(container::damaged(why)),
        None if tables.is_empty() => {
            let nothing = match errors {
                0 => "no sheet of it holds anything",
                _ => "its cells hold nothing but spreadsheet errors",
            };
            return Err(Refusal::new(nothing, "export it again, or remove it"));
        }
        _ => {}
    }
    kept.put(book);
    // A sheet of which nothing can be read is told beside the good ones.
    tables.extend(broken.into_iter().map(|(sheet, why)| {
        let part = part(kind, &sheet, &Tally::default());
        part.table(&[], &Facts::default(), 0, std::iter::once(sheet::damaged_row(1, &why)))
    }));
    Ok(tables)
}

fn part<'a>(kind: Workbook, sheet: &'a Sheet, tally: &Tally) -> Part<'a> {
    let (container, encoding) = (kind.name(), "");
    Part { container, encoding, sheet, remarks: Vec::new(), tally: tally.clone(), columns: None }
}

/// A workbook whose long sheets are still to be read.
#[derive(Clone)]
struct Kept {
    kind: Workbook,
    bytes: Bytes,
    /// As it was opened: whoever reads first takes it, for its strings are read already.
    book: Arc<Mutex<Option<Book>>>,
}

impl Kept {
    fn put(&self, book: Book) {
        *self.book.lock().unwrap_or_else(PoisonError::into_inner) = Some(book);
    }

    fn take(self) -> Result<Book, Refusal> {
        let opened = self.book.lock().unwrap_or_else(PoisonError::into_inner).take();
        opened.map_or_else(|| Book::open(self.kind, &self.bytes), Ok)
    }
}

/// An open workbook.
enum Book {
    Xlsx(Box<Xlsx<Source>>, xlsx::Parts),
    Xlsb(Box<Xlsb<Source>>, xlsb::Parts),
    Xls(Box<Xls<Source>>, biff::Survey),
    Ods(OpenDocument),
    SpreadsheetMl(SpreadsheetMl),
}

impl Book {
    fn open(kind: Workbook, bytes: &Bytes) -> Result<Book, Refusal> {
        let source = BufReader::new(bytes.cursor());
        guarded(|| {
            Ok(match kind {
                Workbook::Xlsx => {
                    let parts = xlsx::Parts::of(bytes)?;
                    let book = Xlsx::new(source).map_err(|e| match e {
                        XlsxError::Password => container::password(),
                        e => container::damaged(e),
                    })?;
                    Book::Xlsx(Box::new(book), parts)
                }
                Workbook::Xlsb => {
                    let parts = xlsb::Parts::of(bytes)?;
                    let book = Xlsb::new(source).map_err(|e| match e {
                        XlsbError::Password => container::password(),
                        e => container::damaged(e),
                    })?;
                    Book::Xlsb(Box::new(book), parts)
                }
                Workbook::Xls => {
                    let survey = biff::survey(&bytes.whole().map_err(container::damaged)?)?;
                    let mut options = XlsOptions::default();
                    options.force_codepage = survey.code_page;
                    let book = Xls::new_with_options(source, options).map_err(|e| match e {
                        XlsError::Password => container::password(),
                        XlsError::Cfb(e) if e.to_string().contains("Codepage") => Refusal::new(
                            "its text is in a code page that is not read",
                            "open it in a spreadsheet and save it as .xlsx",
                        ),
                        e => container::damaged(e),
                    })?;
                    Book::Xls(Box::new(book), survey)
                }
                Workbook::Ods => Book::Ods(OpenDocument::open(Document::Packed(bytes.clone()))?),
                Workbook::Fods => Book::Ods(OpenDocument::open(Document::Flat(bytes.clone()))?),
                Workbook::SpreadsheetMl => Book::SpreadsheetMl(
                    SpreadsheetMl::open(bytes.clone()).map_err(container::damaged)?,
                ),
            })
        })
        .unwrap_or_else(|why| Err(container::damaged(why)))
    }

    /// The sheets that hold cells, charts and macros left out.
    fn sheets(&self) -> Vec<Sheet> {
        let all = match self {
            Book::Xlsx(book, _) => book.sheets_metadata(),
            Book::Xlsb(book, _) => book.sheets_metadata(),
            Book::Xls(book, _) => book.sheets_metadata(),
            Book::Ods(book) => return book.sheets(),
            Book::SpreadsheetMl(book) => return book.sheets(),
        };
        all.iter()
            .enumerate()
            .filter(|(_, sheet)| sheet.typ == SheetType::WorkSheet)
            .map(|(position, sheet)| Sheet {
                name: match self {
                    Book::Xls(_, survey) => survey.read(&sheet.name).into_owned(),
                    _ => sheet.name.clone(),
                },
                hidden: sheet.visible != SheetVisible::Visible,
                position,
            })
            .collect()
    }

    /// What else the file says of a sheet.
    fn facts(&mut self, sheet: &Sheet) -> Facts {
        let name = sheet.name.as_str();
        match self {
            Book::Xlsx(_, parts) => parts.facts(name),
            Book::Xls(book, survey) => {
                let merges = book.merge_cells_by_sheet_id(sheet.position).unwrap_or_default();
                let facts = survey.sheets.get(sheet.position).cloned();
                Facts { merges, ..facts.unwrap_or_default() }
            }
            Book::Xlsb(_, parts) => parts.facts(name),
            Book::Ods(book) => book.facts(sheet),
            Book::SpreadsheetMl(book) => book.facts(sheet),
        }
    }

    /// Calls `visit` with each row that has a filled cell, in the order of the sheet, until it says
    /// `false`.
    fn each_row(
        &mut self,
        sheet: &Sheet,
        facts: &Facts,
        tally: &Tally,
        visit: &mut dyn FnMut(SheetRow) -> bool,
    ) -> Result<(), String> {
        let name = sheet.name.as_str();
        let mut rows = RowBuilder::new(tally, facts, visit);
        let read = guarded(|| match self {
            Book::Xlsx(book, _) => read_xlsx(book, name, &mut rows).map_err(|e| e.to_string()),
            Book::Xlsb(book, _) => {
                read_xlsb(book, name, &facts.digits, &mut rows).map_err(|e| e.to_string())
            }
            Book::Xls(book, survey) => {
                let named = book.sheets_metadata().get(sheet.position);
                let name = named.map(|sheet| sheet.name.clone()).unwrap_or_default();
                let range = book.worksheet_range(&name).map_err(|e| e.to_string())?;
                read_range(&range, survey, &facts.digits, &mut rows);
                Ok(())
            }
            Book::Ods(book) => book.each_row(sheet, &mut rows),
            Book::SpreadsheetMl(book) => book.each_row(sheet, &mut rows),
        });
        let beyond = rows.checked();
        read.unwrap_or_else(Err).and(beyond)
    }
}

thread_local! {
    /// Whether a panic of this thread is one of a reader library, and is caught.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// The reader libraries index into what they read; a damaged file may make them panic. The user is told that the
/// file is damaged, and not where in a library that was found.
fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, String> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |told| {
            if !GUARDED.get() {
                usual(told);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let read = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(outer);
    read.map_err(|_| "its parts do not fit together".to_owned())
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

fn read_xlsb(
    book: &mut Xlsb<Source>,
    sheet: &str,
    digits: &Digits,
    rows: &mut RowBuilder<'_>,
) -> Result<(), XlsbError> {
    let mut reader = book.worksheet_cells_reader(sheet)?;
    while let Some(cell) = reader.next_cell()? {
        let cell: calamine::Cell<DataRef<'_>> = cell;
        let (row, column) = cell.get_position();
        let value = Value::from(cell.get_value());
        if !rows.cell(row, column, value, digits.at(row, column)) {
            return Ok(());
        }
    }
    rows.end();
    Ok(())
}

fn read_range(
    range: &Range<Data>,
    survey: &biff::Survey,
    digits: &Digits,
    rows: &mut RowBuilder<'_>,
) {
    let (top, left) = range.start().unwrap_or((0, 0));
    for (down, right, cell) in range.used_cells() {
        let at = (top + down as u32, left + right as u32);
        let digits = digits.at(at.0, at.1);
        let text;
        let value = match cell {
            Data::String(said) => {
                text = survey.read(said);
                Value::Text(&text)
            }
            cell => Value::from(cell),
        };
        if !rows.cell(at.0, at.1, value, digits) {
            return;
        }
    }
    rows.end();
}

/// The first rows of a sheet.
struct Held {
    rows: Vec<SheetRow>,
    /// Whether these are all.
    complete: bool,
    /// Why the sheet could not be read to its end.
    broken: Option<String>,
}

/// Holds a sheet of at most `room` cells, which it takes.
fn hold(book: &mut Book, sheet: &Sheet, facts: &Facts, room: &mut usize) -> (Held, Tally) {
    let tally = Tally::default();
    let mut rows = Vec::new();
    let mut complete = true;
    let mut cells = 0;
    let read = book.each_row(sheet, facts, &tally, &mut |row| {
        cells += row.1.len();
        complete = rows.len() < HELD_ROWS && cells <= *room;
        // To find the header some are needed all the same.
        if complete || rows.len() < header::PREVIEW_ROWS {
            rows.push(row);
        }
        complete || rows.len() < header::PREVIEW_ROWS
    });
    if complete {
        *room -= cells;
    }
    (Held { rows, complete, broken: read.err() }, tally)
}

fn raw_row((row, cells): SheetRow) -> RawRow {
    RawRow::Cells(row + 1, cells)
}

/// The tables of a sheet that is held whole.
fn held_tables(part: Part<'_>, held: Held, facts: &Facts) -> Vec<Table> {
    let below = held.rows.last().map_or(1, |row| row.0 + 2);
    let broken = held.broken.map(|why| sheet::damaged_row(below, &why));
    let rows = held.rows.into_iter().map(raw_row).chain(broken).collect();
    sheet::tables(&part, rows, facts, 0)
}

/// A sheet too long to be held: its rows are read again, from the start, as they are asked for.
fn streamed_table(kept: Kept, sheet: &Sheet, mut head: Vec<SheetRow>, facts: Facts) -> Table {
    head.truncate(header::PREVIEW_ROWS);
    let head: Vec<RawRow> = head.into_iter().map(raw_row).collect();
    let tally = Tally::default();
    let (read, told) = (sheet.clone(), tally.clone());
    let facts = Arc::new(facts);
    let known = facts.clone();
    let kind = kept.kind;
    let stream = Stream::new(move || start_reading(kept, read, known, told));
    let preview = sheet::preview_of(&head, 0);
    let rows = sheet::dense(stream.map(|row| row.map(raw_row)), 0);
    let rows = sheet::FirstTable::of(rows, &preview);
    part(kind, sheet, &tally).table(&preview, &facts, 0, rows)
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

fn start_reading(kept: Kept, sheet: Sheet, facts: Arc<Facts>, tally: Tally) -> Receiver<Batch> {
    let (sender, receiver) = sync_channel::<Batch>(BATCHES_WAITING);
    thread::spawn(move || {
        let mut batch = Vec::with_capacity(BATCH_ROWS);
        let mut cells = 0;
        let mut take = |row: SheetRow| {
            cells += row.1.len();
            batch.push(row);
            if batch.len() < BATCH_ROWS && cells < BATCH_CELLS {
                return true;
            }
            cells = 0;
            sender.send(Ok(std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS)))).is_ok()
        };
        let read = kept
            .take()
            .map_err(|refusal| refusal.message)
            .and_then(|mut book| book.each_row(&sheet, &facts, &tally, &mut take));
        // A receiver that is gone wants neither the last rows nor the reason.
        let _ = sender.send(Ok(batch));
        if let Err(why) = read {
            let _ = sender.send(Err(why));
        }
    });
    receiver
}
