//! Containers: from a file's bytes to tables of text cells, whatever its extension says.
//!
//! [`open`] looks at the first bytes, then one reader per family takes over: text with delimiters,
//! workbooks, vCards, JSON. All of them find the header under title rows in
//! the same way, and tell rows of data from blank, total and repeated rows by the same rules.

mod alphabet;
mod archive;
mod biff;
mod bytes;
mod cell;
mod container;
mod encoding;
mod fault;
mod fec_xml;
pub mod fixed;
mod header;
mod html;
mod iif;
mod json;
mod markup;
mod mojibake;
mod ole;
mod opendocument;
mod sage;
mod sheet;
mod side;
mod spreadsheetml;
mod sylk;
mod text;
mod vcard;
mod vcard_lines;
mod workbook;
mod xlsb;
mod xlsx;

use std::{
    ops::Range,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use csv::StringRecord;

pub use self::{
    archive::{SEPARATOR, files, holder},
    fault::{Fault, Odd, SURPLUS_CELLS},
    header::{GROUP_SEPARATOR, has_known_word, normal_header},
    sheet::column_letters,
};
use self::{
    bytes::Bytes,
    container::{Container, Page},
    encoding::Text,
    fixed::FixedWidth,
};
use crate::error::{Error, Result};

/// One table of a file: a text file, a sheet (or a part of one), the cards of a vCard file.
pub struct Table {
    /// The sheet's name, within an archive too; empty for what has no sheets. Of two tables side by side each with
    /// its columns: `Clients (A:D)`, for the rows of the sheet are rows of both.
    pub sheet: String,
    /// Whether the sheet is hidden in its workbook.
    pub hidden: bool,
    /// What was found out: container, encoding, delimiter... for `init` and the report.
    pub format: Format,
    /// The columns as written; ragged rows may be longer. A header of two lines is joined:
    /// `CONTACT / Nom`, see [`GROUP_SEPARATOR`]. A table without header has `column 1`, `column 2`...
    pub header: Vec<String>,
    /// For each column the upper line of a header of two lines (`CONTACT`), else empty.
    pub groups: Vec<String>,
    /// The row the header ends on, from 1; 0 when the table has none.
    pub header_row: u32,
    /// Rows from the first to the last of the table, header and what stands above it included, in
    /// order, each exactly once.
    pub rows: Box<dyn Iterator<Item = Row> + Send>,
    /// What the reading of the rows finds; complete when `rows` is exhausted.
    pub tally: Tally,
}

impl Table {
    /// The table of a file that is no grid: no line of it is a header, and its rows have been put together.
    fn of_records(
        format: Format,
        header: Vec<String>,
        rows: impl IntoIterator<Item = Row, IntoIter: Send + 'static>,
        tally: Tally,
    ) -> Table {
        Table {
            sheet: String::new(),
            hidden: false,
            format,
            groups: vec![String::new(); header.len()],
            header,
            header_row: 0,
            rows: Box::new(rows.into_iter()),
            tally,
        }
    }
}

/// One physical row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Row as a person would look it up, from 1.
    pub number: u32,
    /// What it is.
    pub content: Content,
}

/// What a physical row is.
#[derive(Debug, Clone)]
pub enum Content {
    /// Cells in the order of the header, as text; dates ISO, numbers without exponent. Never fewer
    /// than the header has; more when the row is too long by cells that are not blank.
    Data(StringRecord),
    /// No data: `header`, `title`, `blank`, `total`, `repeat`, `structure`; a card of `group`s of vCards, and
    /// of accounting exports `supplier` and `other_ledger`.
    Skipped(&'static str),
    /// Cannot be used.
    Bad {
        /// The reject's code: `ragged_row`, `bad_json`, `damaged`...
        code: &'static str,
        /// What is wrong.
        message: String,
        /// The row as read.
        raw: String,
    },
}

/// What was found out about a file.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Format {
    /// `text`, `xlsx`, `xls`, `xlsb`, `ods`, `fods`, `xml` (SpreadsheetML), `html`, `sylk`, `dif`, `vcard`,
    /// `json`, `sage`, `iif`, `fixed_width`, `fec_xml`.
    pub container: String,
    /// Of text: `UTF-8`, `windows-1252`...
    pub encoding: String,
    /// Of delimited text: the delimiter.
    pub delimiter: Option<char>,
    /// What is worth saying: `invalid UTF-8 on 2 lines was read as windows-1252`.
    pub remarks: Vec<String>,
    /// Of a table that does not begin in the sheet's first column: which one it begins in, from 0.
    #[serde(skip)]
    pub first_column: usize,
}

impl Format {
    /// What is told of a text that is no grid.
    fn of(container: &str, encoding: String, remarks: Vec<String>) -> Format {
        Format { container: container.into(), encoding, remarks, ..Format::default() }
    }
}

/// What is only known once the rows are read: counts and faults, shared by the table and its row iterator, and
/// by the tables of one sheet.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    counts: Arc<Counts>,
    /// The columns of the sheet that the table has, where others stand beside it.
    columns: Option<Range<usize>>,
}

#[derive(Debug, Default)]
struct Counts {
    mojibake_cells: AtomicU64,
    error_cells: AtomicU64,
    long_rows: AtomicU64,
    short_rows: AtomicU64,
    stray_quotes: AtomicU64,
    lost_cells: AtomicU64,
    realigned_rows: AtomicU64,
    hidden_rows: AtomicU64,
    shortened_numbers: AtomicU64,
    cut_rows: AtomicU64,
    /// The row with which the text ends, and no end of line.
    open_end: AtomicU64,
    /// Whether faults are counted and not kept.
    are_counted_only: AtomicBool,
    /// In the order found.
    faults: Mutex<Vec<Fault>>,
}

impl Counts {
    fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// Cells whose mangled accents (`Ã©`) were repaired.
    pub fn mojibake_cells(&self) -> u64 {
        self.counts.mojibake_cells.load(Ordering::Relaxed)
    }

    /// Cells that held a spreadsheet error (`#N/A`) and are blank now.
    pub fn error_cells(&self) -> u64 {
        self.counts.error_cells.load(Ordering::Relaxed)
    }

    /// Cells of text with `?` or U+FFFD in place of letters that were lost before.
    pub fn lost_cells(&self) -> u64 {
        self.counts.lost_cells.load(Ordering::Relaxed)
    }

    /// What is worth saying of the rows read so far, for a person.
    pub fn remarks(&self) -> Vec<String> {
        let said = |count: &AtomicU64, one: &str, many: &str| match count.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(format!("one {one}")),
            n => Some(format!("{n} {many}")),
        };
        let counts = &self.counts;
        [
            said(
                &counts.mojibake_cells,
                "cell with mangled accents was repaired",
                "cells with mangled accents were repaired",
            ),
            said(
                &counts.error_cells,
                "cell held a spreadsheet error and counts as blank",
                "cells held a spreadsheet error and count as blank",
            ),
            said(
                &counts.long_rows,
                "row has more cells than the header",
                "rows have more cells than the header",
            ),
            said(
                &counts.short_rows,
                "row has fewer cells than the header",
                "rows have fewer cells than the header",
            ),
            said(
                &counts.cut_rows,
                "row is cut off: the file ends within it, and what followed is missing",
                "rows are cut off: the file ends within them, and what followed is missing",
            ),
            said(
                &counts.stray_quotes,
                "line has a quote that is never closed, taken literally",
                "lines have a quote that is never closed, taken literally",
            ),
            said(
                &counts.lost_cells,
                "cell has `?` or U+FFFD where letters were lost before it came here",
                "cells have `?` or U+FFFD where letters were lost before they came here",
            ),
            said(
                &counts.realigned_rows,
                "line had a delimiter within a label and was realigned",
                "lines had a delimiter within a label and were realigned",
            ),
            said(
                &counts.hidden_rows,
                "row is hidden in the sheet and was read",
                "rows are hidden in the sheet and were read",
            ),
            said(
                &counts.shortened_numbers,
                "cell holds a number cut to its first digits (`1,23E+13`): the others are lost",
                "cells hold a number cut to its first digits (`1,23E+13`): the others are lost",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Keeps no faults: for a look at rows that are read again, or that nobody is told of one by one.
    pub fn count_only(&self) {
        self.counts.are_counted_only.store(true, Ordering::Relaxed);
        self.counts.faults().clear();
    }

    /// Takes the faults of the rows up to `last`: those of the table's columns, by their position among them.
    pub fn take_faults(&self, last: u32) -> Vec<Fault> {
        let mut faults = self.counts.faults();
        let columns = self.columns.clone().unwrap_or(0..usize::MAX);
        let is_own = |fault: &mut Fault| {
            fault.row <= last && fault.column.is_none_or(|column| columns.contains(&column))
        };
        let mut own: Vec<Fault> = faults.extract_if(.., is_own).collect();
        let first = columns.start;
        own.iter_mut().for_each(|fault| fault.column = fault.column.map(|at| at - first));
        own
    }

    /// The same for a table that has these columns of its sheet.
    fn within(self, columns: Option<Range<usize>>) -> Tally {
        Tally { columns, ..self }
    }

    fn fault(&self, row: u32, column: Option<usize>, what: Odd, raw: impl FnOnce() -> String) {
        let before = what.counter(&self.counts).fetch_add(1, Ordering::Relaxed);
        let is_listed = before < fault::MOST_LISTED;
        if is_listed && !self.counts.are_counted_only.load(Ordering::Relaxed) {
            let is_last_listed = before + 1 == fault::MOST_LISTED;
            self.counts.faults().push(Fault { row, column, what, is_last_listed, raw: raw() });
        }
    }

    fn note_open_end(&self, row: u32) {
        self.counts.open_end.store(u64::from(row), Ordering::Relaxed);
    }

    /// Whether the text ends with this row, and no end of line.
    fn has_open_end(&self, row: u32) -> bool {
        self.counts.open_end.load(Ordering::Relaxed) == u64::from(row)
    }

    fn count(&self, which: impl Fn(&Counts) -> &AtomicU64) {
        which(&self.counts).fetch_add(1, Ordering::Relaxed);
    }
}

/// The tables of the file at `path`, by content and never by extension.
///
/// A file whose tables have a header and nothing else is no error: the remarks say so.
///
/// # Errors
///
/// When nothing of it can be read: missing, empty, binary, damaged, protected by a password, or of a
/// kind that is not read. The message says which, the hint what to do.
pub fn open(path: &Path) -> Result<Vec<Table>> {
    open_as(path, &Declared::default())
}

/// What is declared of a file, and not found out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Declared<'a> {
    /// The file is a text of this fixed width, whatever it looks like.
    pub shape: Option<&'a FixedWidth>,
    /// What it is written in, if it is a text: `windows-1250`; empty for what its letters say. Byte order
    /// marks have the last word.
    pub encoding: &'a str,
}

/// What is wrong with the name of an encoding, and what to do; nothing of a good one or an empty one.
pub fn problem_of_encoding(name: &str) -> Option<(String, String)> {
    let known = name.is_empty() || encoding::is_known(name);
    let hint =
        "one of `UTF-8`, `windows-1252`, `windows-1250`, `ISO-8859-15`, `IBM850`, `macintosh`...";
    (!known).then(|| (format!("there is no encoding `{name}`"), hint.to_owned()))
}

/// As [`open`], by what is `declared` of the file.
pub fn open_as(path: &Path, declared: &Declared<'_>) -> Result<Vec<Table>> {
    if path.is_dir() {
        std::fs::read_dir(path).map_err(Error::io("read", path))?;
        return Err(refused(path, "it is a folder", "name the files in it"));
    }
    let bytes = archive::bytes(path)?;
    let Some(shape) = declared.shape else { return tables(path, bytes, declared.encoding) };
    let encoding = if shape.encoding.is_empty() { declared.encoding } else { &shape.encoding };
    Text::declared(bytes, encoding)
        .map_err(container::damaged)
        .and_then(|text| fixed::table(whole(text)?, shape))
        .map(|table| vec![table])
        .map_err(|refusal| refused(path, refusal.message, refusal.hint))
}

/// The tables in `bytes`, read as [`open`] reads a file; `path` only names them in errors.
///
/// # Errors
///
/// As [`open`].
pub fn open_bytes(path: &Path, bytes: Vec<u8>) -> Result<Vec<Table>> {
    tables(path, Bytes::from(bytes), "")
}

/// The text in `bytes`, in whatever encoding it was saved.
pub fn text_of(bytes: Vec<u8>) -> String {
    encoding::decode(bytes).text
}

/// The tables in `bytes`; `path` only names them in errors. Texts are in the `encoding`, if one is given.
fn tables(path: &Path, bytes: Bytes, encoding: &str) -> Result<Vec<Table>> {
    let found = match container::of(&bytes).map_err(Error::io("read", path))? {
        Container::Refused(refusal) => Err(refusal),
        Container::Text => text_tables(bytes, encoding),
        Container::Workbook(kind) => workbook::tables(kind, bytes),
        Container::Page(kind) => {
            let decoded = match kind {
                Page::Html if encoding.is_empty() => markup::decode(bytes),
                _ => Text::declared(bytes, encoding).and_then(Text::whole),
            };
            decoded.map_err(container::damaged).and_then(|decoded| match kind {
                Page::Html => html::tables(decoded, ""),
                Page::Sylk => sylk::sylk(decoded),
                Page::Dif => sylk::dif(decoded),
            })
        }
    };
    found.map_err(|refusal| refused(path, refusal.message, refusal.hint))
}

fn text_tables(bytes: Bytes, encoding: &str) -> Result<Vec<Table>, Refusal> {
    let text = Text::declared(bytes, encoding).map_err(container::damaged)?;
    let head = text.head().map_err(container::damaged)?;
    let table = match container::of_text(&head)? {
        container::TextKind::Delimited => match known_shape(&head) {
            Some(shape) => fixed::table(whole(text)?, shape)?,
            None => text::table(text)?,
        },
        container::TextKind::VCard => vcard::table(whole(text)?)?,
        container::TextKind::Json => json::table(whole(text)?)?,
        container::TextKind::Sage => sage::table(whole(text)?)?,
        container::TextKind::Iif => iif::table(whole(text)?)?,
        container::TextKind::FecXml => fec_xml::table(whole(text)?)?,
    };
    Ok(vec![table])
}

/// All of a text, for readers that look back and forth.
fn whole(text: Text) -> Result<encoding::Decoded, Refusal> {
    text.whole().map_err(container::damaged)
}

/// The shape of fixed width that the lines of a text have, of those that built-in mappings give.
fn known_shape(text: &str) -> Option<&'static FixedWidth> {
    let shapes = super::mapping::built_in().iter().filter_map(|m| m.fixed_width.as_ref());
    shapes.into_iter().find(|shape| shape.fits(text))
}

fn refused(path: &Path, message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Format { path: path.to_owned(), message: message.into(), hint: Some(hint.into()) }
}

/// Why a file cannot be read, before its path is known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    message: String,
    hint: String,
}

impl Refusal {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), hint: hint.into() }
    }
}

/// A row before it is known what it is.
#[derive(Debug, Clone)]
enum RawRow {
    /// Number and cells.
    Cells(u32, StringRecord),
    /// A row already known to be something else.
    Known(Row),
}

/// Tells what each raw row is, given where the header was found.
struct Classified<I> {
    raw: I,
    /// Position of the next raw row, from 0.
    position: usize,
    layout: header::Layout,
    tally: Tally,
}

impl<I: Iterator<Item = RawRow>> Iterator for Classified<I> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let raw = self.raw.next()?;
        let position = self.position;
        self.position += 1;
        Some(match raw {
            RawRow::Known(row) => row,
            RawRow::Cells(number, cells) => Row {
                number,
                content: self.layout.classify((position, number), cells, &self.tally),
            },
        })
    }
}

#[cfg(test)]
mod tests;
