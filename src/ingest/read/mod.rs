//! Containers: from a file's bytes to tables of text cells, whatever its extension says.

use std::path::Path;

use csv::StringRecord;

use crate::error::Result;

/// One table of a file: a text file, a sheet, the cards of a vCard file.
pub struct Table {
    /// The sheet's name; empty for what has no sheets. Inside an archive the member's path.
    pub sheet: String,
    /// Whether the sheet is hidden in its workbook.
    pub hidden: bool,
    /// What was found out: container, encoding, delimiter... for `init` and the report.
    pub format: Format,
    /// The columns as written; ragged rows may be longer.
    pub header: Vec<String>,
    /// The row the header stands on, from 1.
    pub header_row: u32,
    /// Rows from the first to the last of the table, header included, in order.
    pub rows: Box<dyn Iterator<Item = Row> + Send>,
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
    /// Cells in the order of the header, as text; dates ISO, numbers without exponent.
    Data(StringRecord),
    /// No data: `header`, `title`, `blank`, `total`, `repeat`, `structure`.
    Skipped(&'static str),
    /// Cannot be used.
    Bad {
        /// The reject's code: `ragged_row`, `bad_encoding`...
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
    /// `text`, `xlsx`, `xls`, `xlsb`, `ods`, `vcard`, `json`.
    pub container: String,
    /// Of text: `UTF-8`, `windows-1252`...
    pub encoding: String,
    /// Of delimited text: the delimiter.
    pub delimiter: Option<char>,
    /// What is worth saying: `invalid UTF-8 on 2 lines was read as windows-1252`.
    pub remarks: Vec<String>,
}

/// The tables of the file at `path`, by content and never by extension.
///
/// # Errors
///
/// When nothing of it can be read: missing, empty, binary, damaged, protected by a password.
pub fn open(path: &Path) -> Result<Vec<Table>> {
    crate::store::open(path)?;
    Ok(Vec::new())
}
