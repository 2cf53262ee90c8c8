//! CSV files that a run writes and people fill in: read as they may leave them, saved by Excel in its code page, with
//! semicolons, other columns beside.

use std::path::Path;

use csv::StringRecord;

use crate::{
    error::{Error, Result},
    ingest::read::text_of,
};

/// The header and the rows of such a file.
#[derive(Debug)]
pub(crate) struct FilledIn {
    header: StringRecord,
    /// With the number of the line that each begins on.
    rows: Vec<(u64, StringRecord)>,
}

impl FilledIn {
    /// Reads the file at `path`, whose columns should be `columns`, in any order.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is no CSV, or lacks one of the `needed` columns.
    pub(crate) fn read(path: &Path, columns: &[&str], needed: &[&str]) -> Result<FilledIn> {
        let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
        let content = text_of(bytes);
        let first = content.lines().next().unwrap_or("");
        let delimiter = [b';', b'\t', b','].into_iter().find(|d| first.as_bytes().contains(d));
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter.unwrap_or(b','))
            .flexible(true)
            .from_reader(content.as_bytes());
        let wrong = |message: String| Error::Format {
            path: path.to_owned(),
            message,
            hint: Some(format!("its columns are `{}`", columns.join("`, `"))),
        };
        let header = reader.headers().map_err(|error| wrong(error.to_string()))?.clone();
        let mut rows = Vec::new();
        for row in reader.records() {
            let row = row.map_err(|error| wrong(error.to_string()))?;
            rows.push((line_of(&row, &content), row));
        }
        let file = FilledIn { header, rows };
        match needed.iter().all(|name| file.column(name).is_some()) {
            true => Ok(file),
            false => Err(wrong("it lacks a column".into())),
        }
    }

    /// The names of its columns, as written.
    pub(crate) fn header(&self) -> &StringRecord {
        &self.header
    }

    /// Where the column of this name stands.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h.trim().eq_ignore_ascii_case(name))
    }

    /// The rows with the number of the line that each begins on, from 1.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (u64, FilledRow<'_>)> {
        self.rows.iter().map(|(line, row)| (*line, FilledRow(row)))
    }
}

/// The line that a row begins on: its position is that of the blank lines before it.
fn line_of(row: &StringRecord, content: &str) -> u64 {
    row.position().map_or(0, |position| {
        let after = content.bytes().skip(position.byte() as usize);
        let blank = after.take_while(|byte| matches!(byte, b'\r' | b'\n'));
        position.line() + blank.filter(|byte| *byte == b'\n').count() as u64
    })
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FilledRow<'f>(&'f StringRecord);

impl<'f> FilledRow<'f> {
    /// The cell of a column, without blanks around it; empty where there is none.
    pub(crate) fn cell(self, column: Option<usize>) -> &'f str {
        column.and_then(|at| self.0.get(at)).unwrap_or("").trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Vec<(u64, String)>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.csv");
        std::fs::write(&path, text).expect("written");
        let file = FilledIn::read(&path, &["label", "user"], &["label"])?;
        let label = file.column("label");
        Ok(file.rows().map(|(line, row)| (line, row.cell(label).to_owned())).collect())
    }

    #[test]
    fn rows_are_told_by_the_line_they_begin_on() {
        let rows = file("Label ;note\nA;\"two\nlines\"\n\nB;\n").expect("it has the column");
        assert_eq!(rows, [(2, "A".to_owned()), (5, "B".to_owned())]);
    }

    #[test]
    fn a_file_without_a_needed_column_is_refused() {
        let error = file("user,note\nA,B\n").expect_err("it has no label");
        assert!(error.to_string().contains("lacks a column"), "{error}");
    }
}
