//! Load files: CSV as the target reads it, split into numbered parts on row borders.

use std::{
    fs,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::mapping::{FileRules, LineEnd, Quote};
use crate::{
    error::{Error, Result},
    store,
};

/// What was written to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its name.
    pub(super) file: String,
    /// Rows, header excluded.
    pub(super) rows: u64,
    /// Bytes, header included.
    pub(super) bytes: u64,
    /// SHA-256 in hexadecimal.
    pub(super) sha256: String,
}

/// A load file that goes on in a further part when it reaches a limit.
pub(super) struct Parts<'r> {
    folder: PathBuf,
    name: String,
    rules: &'r FileRules,
    max_rows: u64,
    max_bytes: u64,
    header: Vec<u8>,
    open: Option<Open>,
    done: Vec<Part>,
}

struct Open {
    file: BufWriter<fs::File>,
    path: PathBuf,
    part: Part,
    digest: Sha256,
}

impl<'r> Parts<'r> {
    /// A file `name` in `folder`; nothing is written before the first row or the end.
    pub(super) fn new<'h>(
        folder: &Path,
        name: &str,
        rules: &'r FileRules,
        (max_rows, max_bytes): (Option<u64>, Option<u64>),
        headers: impl Iterator<Item = &'h str>,
    ) -> Parts<'r> {
        let mut header = if rules.bom { b"\xef\xbb\xbf".to_vec() } else { Vec::new() };
        encode(headers, rules, &mut header);
        Parts {
            folder: folder.to_owned(),
            name: name.to_owned(),
            rules,
            max_rows: max_rows.unwrap_or(u64::MAX),
            max_bytes: max_bytes.unwrap_or(u64::MAX),
            header,
            open: None,
            done: Vec::new(),
        }
    }

    /// Writes one row. A row that is alone longer than a file may be gets a file of its own.
    pub(super) fn row<'c>(&mut self, cells: impl Iterator<Item = &'c str>) -> Result<()> {
        let mut bytes = Vec::new();
        encode(cells, self.rules, &mut bytes);
        let full = self.open.as_ref().is_some_and(|open| {
            let part = &open.part;
            part.rows > 0
                && (part.rows >= self.max_rows || part.bytes + bytes.len() as u64 > self.max_bytes)
        });
        if full {
            self.close()?;
        }
        if self.open.is_none() {
            self.start()?;
        }
        if let Some(open) = &mut self.open {
            open.write(&bytes)?;
            open.part.rows += 1;
        }
        Ok(())
    }

    /// The files written, in order; a file without rows has its header.
    pub(super) fn finish(mut self) -> Result<Vec<Part>> {
        if self.open.is_none() && self.done.is_empty() {
            self.start()?;
        }
        self.close()?;
        Ok(self.done)
    }

    fn start(&mut self) -> Result<()> {
        // The first part has the plain name until there is a second.
        let file = if self.done.is_empty() {
            self.name.clone()
        } else {
            self.numbered(self.done.len() + 1)
        };
        if let [only] = &mut self.done[..] {
            let numbered = numbered(&self.name, 1);
            let (from, to) = (self.folder.join(&only.file), self.folder.join(&numbered));
            fs::rename(&from, &to).map_err(Error::io("rename", from))?;
            only.file = numbered;
        }
        let path = self.folder.join(&file);
        let part = Part { file, rows: 0, bytes: 0, sha256: String::new() };
        let mut open = Open { file: store::create(&path)?, path, part, digest: Sha256::new() };
        open.write(&self.header)?;
        self.open = Some(open);
        Ok(())
    }

    fn numbered(&self, number: usize) -> String {
        numbered(&self.name, number)
    }

    fn close(&mut self) -> Result<()> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.file.flush().map_err(Error::io("write", &open.path))?;
        open.part.sha256 =
            open.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.done.push(open.part);
        Ok(())
    }
}

impl Open {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(Error::io("write", &self.path))?;
        self.digest.update(bytes);
        self.part.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// `accounts.csv` is `accounts.001.csv`, `accounts.002.csv`...
fn numbered(name: &str, number: usize) -> String {
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{number:03}.{extension}"),
        None => format!("{name}.{number:03}"),
    }
}

/// Appends one row. Our own, not the `csv` crate's: its writer cannot be asked how long a row is
/// before it is written, and a file must be closed before it is too long.
fn encode<'c>(cells: impl Iterator<Item = &'c str>, rules: &FileRules, out: &mut Vec<u8>) {
    let start = out.len();
    let mut columns = 0;
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(rules.delimiter as u8);
        }
        columns = at + 1;
        let special = |c: char| matches!(c, '"' | '\n' | '\r') || c == rules.delimiter;
        if rules.quote == Quote::Always || cell.contains(special) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    // A single empty cell would be a blank line, which readers skip.
    if columns == 1 && out.len() == start {
        out.extend_from_slice(b"\"\"");
    }
    out.extend_from_slice(match rules.line_end {
        LineEnd::Lf => b"\n",
        LineEnd::Crlf => b"\r\n",
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(
        rules: &FileRules,
        limits: (Option<u64>, Option<u64>),
        rows: &[&[&str]],
    ) -> Vec<(Part, String)> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut parts = Parts::new(folder.path(), "a.csv", rules, limits, ["x", "y"].into_iter());
        for row in rows {
            parts.row(row.iter().copied()).expect("written");
        }
        let parts = parts.finish().expect("written");
        let mut left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").flatten().collect();
        left.sort_by_key(fs::DirEntry::file_name);
        assert_eq!(left.len(), parts.len(), "no other file is left");
        let text = |part: &Part| store::read_text(&folder.path().join(&part.file)).expect("there");
        parts.iter().map(|part| (part.clone(), text(part))).collect()
    }

    #[test]
    fn one_part_has_the_plain_name_and_several_are_numbered() {
        let rules = FileRules::default();
        let names = |max_rows| -> Vec<String> {
            let parts = written(&rules, (max_rows, None), &[&["1", ""], &["2", ""], &["3", ""]]);
            parts
                .into_iter()
                .map(|(part, text)| format!("{} {}", part.file, text.escape_debug()))
                .collect()
        };
        assert_eq!(names(None), ["a.csv x,y\\n1,\\n2,\\n3,\\n"]);
        assert_eq!(names(Some(2)), ["a.001.csv x,y\\n1,\\n2,\\n", "a.002.csv x,y\\n3,\\n"]);
    }

    #[test]
    fn no_part_is_longer_than_the_limit_and_no_row_is_parted() {
        let rules = FileRules::default();
        // Header 4 bytes, each row 5: two rows make 14.
        let rows: [&[&str]; 4] = [&["é", "1"], &["é", "2"], &["é", "3"], &["é", "4"]];
        let parts = written(&rules, (None, Some(14)), &rows);
        assert_eq!(parts.len(), 2);
        for (part, text) in &parts {
            assert_eq!((part.bytes, part.rows), (14, 2));
            assert_eq!(text.len() as u64, part.bytes);
            assert!(text.starts_with("x,y\n") && text.ends_with('\n'));
        }
        // A row that no file can hold is not lost.
        let parts = written(&rules, (None, Some(8)), &[&["long enough", "1"], &["2", "3"]]);
        assert_eq!(parts.iter().map(|(part, _)| part.rows).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn a_file_without_rows_has_its_header() {
        let rules = FileRules {
            bom: true,
            line_end: LineEnd::Crlf,
            delimiter: ';',
            ..FileRules::default()
        };
        let parts = written(&rules, (None, None), &[]);
        assert_eq!(parts[0].1, "\u{feff}x;y\r\n");
    }

    #[test]
    fn only_what_needs_quotes_has_them() {
        let rules = FileRules::default();
        let row: [&[&str]; 1] = [&["a \"b\", c", " d"]];
        assert_eq!(written(&rules, (None, None), &row)[0].1, "x,y\n\"a \"\"b\"\", c\", d\n");
        let always = FileRules { quote: Quote::Always, ..FileRules::default() };
        assert_eq!(written(&always, (None, None), &[&["a", ""]])[0].1, "\"x\",\"y\"\n\"a\",\"\"\n");
    }

    proptest! {
        #[test]
        fn any_csv_reader_gets_the_same_cells(rows in proptest::collection::vec(proptest::collection::vec("[ab;,\"\n\ré ]{0,6}", 2), 0..6)) {
            let rules = FileRules { delimiter: ';', ..FileRules::default() };
            let mut bytes = Vec::new();
            for row in &rows {
                encode(row.iter().map(String::as_str), &rules, &mut bytes);
            }
            let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(b';').from_reader(&bytes[..]);
            let back: Vec<Vec<String>> = reader.records().map(|r| r.expect("a record").iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(back, rows);
        }
    }
}
