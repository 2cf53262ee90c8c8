//! Text with delimiters: which delimiter and quotes it uses, and its rows, read lazily.

use std::io;

use csv::StringRecord;
use csv_core::{ReadRecordResult, ReaderBuilder};

use super::{
    Classified, Content, Format, Odd, RawRow, Refusal, Row, Table, Tally, container,
    encoding::{Reader, Text},
    header::{self, Layout},
    mojibake,
    sheet::MOST_COLUMNS,
};

/// Delimiters that exports use, the likeliest first.
const DELIMITERS: [u8; 4] = [b';', b',', b'\t', b'|'];

/// A delimiter no text contains, for tables of one column.
const NO_DELIMITER: u8 = 0x1F;

/// Records by which a dialect is judged.
const SNIFFED_RECORDS: usize = 60;

/// A record with more lines than this and the wrong number of cells has a quote that was never closed.
const MOST_LINES: u32 = 50;

/// No cell is longer: beyond, a quote was never closed.
const MOST_RECORD_BYTES: usize = 8 << 20;

/// How cells are delimited and quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    delimiter: u8,
    /// `\"` rather than `""` stands for a quote within quotes.
    backslash: bool,
}

/// The table of a delimited text file.
pub(super) fn table(text: Text) -> Result<Table, Refusal> {
    let head = text.head().map_err(container::damaged)?;
    let start = Start::of(&head);
    let (dialect, usual_width) = match start.separator {
        Some(delimiter) => {
            let dialect = Dialect { delimiter, backslash: uses_backslash(&head) };
            (dialect, evenness(&head, start.at, dialect).1)
        }
        None => sniff(&head, start.at),
    };
    let tally = Tally::default();
    // What is found while looking ahead must not be counted twice.
    let mut ahead = Records::new(Window::of(&text), &start, dialect, Tally::default());
    ahead.width = Some(usual_width);
    let known = |record: Record| match record.is_too_wide() {
        true => (record.line, StringRecord::new()),
        false => (record.line, record.cells),
    };
    let (lines, preview): (Vec<u32>, Vec<StringRecord>) =
        ahead.take(header::PREVIEW_ROWS).map(known).unzip();
    let mut layout = Layout::find(&preview, &[]);
    layout.sparse = ends_at_last_filled(&preview[layout.below().min(preview.len())..], &layout);
    let mut records = Records::new(Window::of(&text), &start, dialect, tally.clone());
    records.width = Some(layout.header.len());

    let mut remarks = text.remarks;
    let header_row = layout.last_line().map_or(0, |at| lines[at]);
    if !layout.has_header() {
        remarks.push("no header was found: the columns are numbered".into());
    } else if preview.iter().skip(layout.below()).all(header::is_blank) {
        remarks.push("there are no rows below the header".into());
    }
    let format = Format {
        container: "text".into(),
        encoding: text.encoding,
        delimiter: (dialect.delimiter != NO_DELIMITER).then_some(char::from(dialect.delimiter)),
        remarks,
        ..Format::default()
    };
    let (names, groups) = (layout.header.clone(), layout.groups.clone());
    let rows = Classified { raw: RawRows(records), position: 0, layout, tally: tally.clone() };
    let separator_line =
        start.separator.map(|_| Row { number: 1, content: Content::Skipped("structure") });
    Ok(Table {
        sheet: String::new(),
        hidden: false,
        format,
        header: names,
        groups,
        header_row,
        rows: Box::new(separator_line.into_iter().chain(rows)),
        tally,
    })
}

/// Short rows from which on they may be the rule of a file, and not a fault of single ones.
const USUAL_SHORT_ROWS: usize = 5;

/// Whether the program that wrote these rows left out blank cells at their end, so that a short one means nothing:
/// many are short, and none ends with a blank cell.
fn ends_at_last_filled(rows: &[StringRecord], layout: &Layout) -> bool {
    let filled = || rows.iter().filter(|row| !header::is_blank(row));
    let short = filled().filter(|row| row.len() < layout.header.len()).count();
    let ends_blank = |row: &StringRecord| header::span(row) < row.len();
    short >= USUAL_SHORT_ROWS && short * 5 >= filled().count() && !filled().any(ends_blank)
}

/// The rows of a file; where the system fails to read on, the last says so.
struct RawRows(Records);

impl Iterator for RawRows {
    type Item = RawRow;

    fn next(&mut self) -> Option<RawRow> {
        if let Some(record) = self.0.next() {
            return Some(record.into_raw());
        }
        let error = self.0.window.failed.take()?;
        let content = Content::Bad {
            code: "damaged",
            message: format!("the file cannot be read from here on: {error}"),
            raw: String::new(),
        };
        Some(RawRow::Known(Row { number: self.0.line, content }))
    }
}

/// Where the records start, after a line that only names the delimiter (`sep=;`), which Excel hides.
struct Start {
    at: usize,
    line: u32,
    separator: Option<u8>,
}

impl Start {
    fn of(text: &str) -> Start {
        let line = text.split(['\r', '\n']).next().unwrap_or("");
        let named = line.trim_matches('"');
        let separator = match named.get(..4).zip(named.as_bytes().get(4..)) {
            Some((sep, [delimiter])) if sep.eq_ignore_ascii_case("sep=") => Some(*delimiter),
            Some((sep, [])) if sep.eq_ignore_ascii_case("sep=") => Some(b'\t'),
            _ => None,
        };
        match separator.filter(u8::is_ascii) {
            Some(delimiter) => {
                let at = line.len() + terminator_length(&text.as_bytes()[line.len()..]);
                Start { at, line: 2, separator: Some(delimiter) }
            }
            None => Start { at: 0, line: 1, separator: None },
        }
    }
}

/// Chooses the delimiter that cuts most records into the same number of cells, and says that number.
fn sniff(text: &str, at: usize) -> (Dialect, usize) {
    let backslash = uses_backslash(text);
    DELIMITERS
        .into_iter()
        .map(|delimiter| Dialect { delimiter, backslash })
        .map(|dialect| (evenness(text, at, dialect), dialect))
        .filter(|((score, _), _)| *score > 0)
        // The first of equals wins.
        .reduce(|best, next| if next.0.0 > best.0.0 { next } else { best })
        .map_or((Dialect { delimiter: NO_DELIMITER, backslash }, 1), |((_, width), dialect)| {
            (dialect, width)
        })
}

/// How evenly a dialect cuts the first records, from 0 (not at all) to 1000: the share of records that
/// have the commonest number of cells, less where that number is small, because a comma in each amount
/// is even too. With it that number of cells.
fn evenness(text: &str, at: usize, dialect: Dialect) -> (u64, usize) {
    let start = Start { at, line: 1, separator: None };
    let records = Records::new(Window::over(text), &start, dialect, Tally::default());
    let widths: Vec<u64> = records
        .filter(|record| !header::is_blank(&record.cells))
        .take(SNIFFED_RECORDS)
        .map(|record| record.cells.len() as u64)
        .collect();
    let times = |width: u64| widths.iter().filter(|&&w| w == width).count() as u64;
    let Some(common) = widths.iter().copied().max_by_key(|&width| (times(width), width)) else {
        return (0, 1);
    };
    let score = 1000 * times(common) / widths.len() as u64 * (common - 1) / common;
    (score, common as usize)
}

fn uses_backslash(text: &str) -> bool {
    let mut end = text.len().min(1 << 20);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // A path at the end of a cell, `"C:\"`, is no escape.
    let escape = |pattern: &str| text[..end].contains(pattern);
    let ends_cell =
        ["\\\";", "\\\",", "\\\"\t", "\\\"|", "\\\"\r", "\\\"\n"].iter().any(|p| escape(p));
    escape("\\\"") && !escape("\"\"") && !ends_cell
}

/// One record of the text.
struct Record {
    /// The physical line it starts on, from 1.
    line: u32,
    cells: StringRecord,
}

impl Record {
    /// Whether it has more cells than any table has columns: a line of millions of delimiters is no row.
    fn is_too_wide(&self) -> bool {
        self.cells.len() > MOST_COLUMNS as usize
    }

    fn into_raw(self) -> RawRow {
        if !self.is_too_wide() {
            return RawRow::Cells(self.line, self.cells);
        }
        let cells = self.cells.len();
        let content = Content::Bad {
            code: "ragged_row",
            message: format!("the line has {cells} cells, more than any table has columns"),
            raw: self.cells.iter().collect::<Vec<_>>().join("\t"),
        };
        RawRow::Known(Row { number: self.line, content })
    }
}

/// What of a text is decoded and not yet read.
struct Window {
    /// Gives more of the text; none at its end.
    reader: Option<Reader>,
    buffer: Vec<u8>,
    /// Where in the buffer reading goes on.
    at: usize,
    /// Why the text ends before its end.
    failed: Option<io::Error>,
}

impl Window {
    fn of(text: &Text) -> Window {
        Window { reader: Some(text.reader()), buffer: Vec::new(), at: 0, failed: None }
    }

    /// A window as large as the text.
    fn over(text: &str) -> Window {
        Window { reader: None, buffer: text.as_bytes().to_vec(), at: 0, failed: None }
    }

    fn rest(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    /// Whether there is no more than [`Window::rest`].
    fn at_end(&self) -> bool {
        self.reader.is_none()
    }

    /// Reads on, until `length` bytes are there or the text ends.
    fn widen(&mut self, length: usize) {
        self.buffer.drain(..self.at);
        self.at = 0;
        while let Some(reader) = self.reader.as_mut().filter(|_| self.buffer.len() < length) {
            match reader.read_into(&mut self.buffer) {
                Ok(true) => {}
                Ok(false) => self.reader = None,
                Err(error) => {
                    self.failed = Some(error);
                    self.reader = None;
                }
            }
        }
    }

    /// The length of the first line without its end, which is there too: all that is left where there
    /// is no end.
    fn first_line(&mut self) -> usize {
        let mut seen = 0;
        loop {
            let rest = self.rest();
            match memchr::memchr2(b'\n', b'\r', &rest[seen..]) {
                // The LF of a CR LF may not be there yet.
                Some(at) if seen + at + 1 < rest.len() || self.at_end() => return seen + at,
                None if self.at_end() => return rest.len(),
                None if rest.len() >= MOST_RECORD_BYTES => return rest.len(),
                Some(at) => seen += at,
                None => seen = rest.len(),
            }
            self.widen(self.rest().len() + 1);
        }
    }
}

/// The records of a text, in order; blank lines are records of one blank cell.
struct Records {
    window: Window,
    line: u32,
    dialect: Dialect,
    /// Cells of the header, once it is known.
    width: Option<usize>,
    tally: Tally,
    parser: Parser,
}

/// The parser of records with quotes, and its buffers.
struct Parser {
    quoted: csv_core::Reader,
    delimiter: u8,
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    fn new(mut window: Window, start: &Start, dialect: Dialect, tally: Tally) -> Records {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(dialect.delimiter);
        if dialect.backslash {
            builder.escape(Some(b'\\')).double_quote(false);
        }
        let parser = Parser {
            quoted: builder.build(),
            delimiter: dialect.delimiter,
            output: vec![0; 4096],
            ends: vec![0; 128],
        };
        window.widen(start.at);
        window.at = start.at.min(window.buffer.len());
        Records { window, line: start.line, dialect, width: None, tally, parser }
    }

    /// Reads the record that starts here and has quotes in its first line, which ends at `line_end`.
    fn with_quotes(&mut self, line_end: usize) -> StringRecord {
        let line_length = line_end + terminator_length(&self.window.rest()[line_end..]);
        let (consumed, lines, cells) = self.quoted_record(line_length).unwrap_or_else(|| {
            let line = &self.window.rest()[..line_end];
            let raw = || String::from_utf8_lossy(line).into_owned();
            self.tally.fault(self.line, None, Odd::OpenQuote, raw);
            (line_length, 1, self.parser.read_line(line))
        });
        let record = &self.window.rest()[..consumed];
        self.note_end(record);
        let cells = unwrapped(cells, record, self.line, &self.tally);
        self.window.at += consumed;
        self.line += lines;
        cells
    }

    /// The bytes, lines and cells of the record that starts here; none when a quote of it is never closed.
    /// `line_length` is that of its first line with its end.
    fn quoted_record(&mut self, line_length: usize) -> Option<(usize, u32, StringRecord)> {
        let (mut consumed, mut cells) = loop {
            let rest = self.window.rest();
            let input = &rest[..rest.len().min(MOST_RECORD_BYTES)];
            let (consumed, cells) = self.parser.read_record(input, line_length, self.width)?;
            let runs_on = consumed == rest.len() && rest.len() < MOST_RECORD_BYTES;
            if !runs_on || self.window.at_end() {
                break (consumed, cells);
            }
            // Twice as much, so that a long record is not read again for each piece of it.
            self.window.widen(rest.len() * 2);
        };
        let rest = self.window.rest();
        // The parser stops between the two bytes of CR LF.
        if rest[..consumed].ends_with(b"\r") && rest.get(consumed) == Some(&b'\n') {
            consumed += 1;
        }
        let at_end = consumed == rest.len();
        let one_line = consumed <= line_length;
        let lines = if one_line { 1 } else { count_lines(&rest[..consumed]) };
        if !self.is_unclosed(consumed, lines, cells.len(), at_end) {
            return Some((consumed, lines, cells));
        }
        if !(at_end && self.is_cut_off(consumed, cells.len())) {
            return None;
        }
        let raw = || String::from_utf8_lossy(&self.window.rest()[..consumed]).into_owned();
        self.tally.fault(self.line, None, Odd::CutOff, raw);
        // Nothing else is odd of it: the cells behind the cut are gone with it.
        let missing = self.width.unwrap_or(0).saturating_sub(cells.len());
        (0..missing).for_each(|_| cells.push_field(""));
        Some((consumed, lines, cells))
    }

    /// Whether the last `length` bytes of the text, in which a quote is open, are one record that the end of the
    /// file cuts off: none of the lines below its first is a record by itself.
    fn is_cut_off(&mut self, length: usize, cells: usize) -> bool {
        let record = &self.window.rest()[..length];
        let Some(width) = self.width.filter(|&width| cells <= width && length < MOST_RECORD_BYTES)
        else {
            return false;
        };
        let below = &record[first_line(record).len()..];
        let mut lines = below.split(|b| matches!(b, b'\r' | b'\n')).filter(|line| !line.is_empty());
        let is_record = |line: &[u8]| self.parser.read_line(line).len() == width;
        // A whole last line may as well have a quote too many.
        !below.is_empty() && lines.clone().next().is_some() && !lines.any(is_record)
            || below.is_empty()
    }

    /// Notes a record with which the text ends, and no end of line.
    fn note_end(&self, record: &[u8]) {
        let is_last = record.len() == self.window.rest().len() && self.window.at_end();
        if is_last && !record.ends_with(b"\n") && !record.ends_with(b"\r") {
            self.tally.note_open_end(self.line);
        }
    }

    /// Whether the record read from the next `length` bytes swallowed what follows it.
    fn is_unclosed(&mut self, length: usize, lines: u32, cells: usize, at_end: bool) -> bool {
        // The usual case, and cheap: one line that has its end.
        if lines == 1 && !at_end && length < MOST_RECORD_BYTES {
            return false;
        }
        let record = &self.window.rest()[..length];
        if length >= MOST_RECORD_BYTES || at_end && has_open_quote(record, self.dialect) {
            return true;
        }
        match self.width {
            // While the delimiter is being chosen one odd record does not matter.
            None => false,
            Some(width) if lines > 1 && cells != width => {
                // A quote closed by chance, lines below: the first line alone is then whole.
                lines > MOST_LINES || self.parser.read_line(first_line(record)).len() == width
            }
            Some(_) => false,
        }
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let line = self.line;
        let end = self.window.first_line();
        let rest = self.window.rest();
        if rest.is_empty() {
            return None;
        }
        let text = &rest[..end];
        if memchr::memchr(b'"', text).is_some() {
            return Some(Record { line, cells: self.with_quotes(end) });
        }
        let cells = unwrapped(self.parser.read_line(text), text, line, &self.tally);
        if end == rest.len() {
            self.note_end(text);
        }
        self.window.at += end + terminator_length(&rest[end..]);
        self.line += 1;
        Some(Record { line, cells })
    }
}

impl Parser {
    /// Reads one record and returns the bytes it took; none once it has more lines than [`MOST_LINES`]
    /// and more cells than `width`, for then a quote was never closed, wherever the record may end.
    ///
    /// That is looked at behind the first line, then each time twice as far: where every line has a
    /// quote too many, each would otherwise be read together with megabytes of those below it.
    fn read_record(
        &mut self,
        input: &[u8],
        first_line: usize,
        width: Option<usize>,
    ) -> Option<(usize, StringRecord)> {
        self.quoted.reset();
        let (mut taken, mut written, mut cells) = (0, 0, 0);
        let mut end = first_line.min(input.len());
        loop {
            if taken == end && end < input.len() {
                // The cell that is being read is one more.
                let too_wide = width.is_some_and(|width| cells >= width);
                if too_wide && count_lines(&input[..taken]) > MOST_LINES {
                    return None;
                }
                end = (end * 2).min(input.len());
            }
            let (result, read, wrote, ended) = self.quoted.read_record(
                &input[taken..end],
                &mut self.output[written..],
                &mut self.ends[cells..],
            );
            taken += read;
            written += wrote;
            cells += ended;
            match result {
                // At the end of the input the parser wants to be told so by an empty slice.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => break,
            }
        }
        Some((taken, record(&self.output[..written], self.ends[..cells].iter().copied(), 0)))
    }

    /// Reads one line in which quotes mean nothing.
    fn read_line(&mut self, line: &[u8]) -> StringRecord {
        self.ends.clear();
        self.ends.extend(memchr::memchr_iter(self.delimiter, line));
        self.ends.push(line.len());
        let read = record(line, self.ends.iter().copied(), 1);
        // The other way of reading wants room.
        self.ends.resize(self.ends.len().max(128), 0);
        read
    }
}

/// The cells of `text` that end at `ends`, each `gap` bytes before the next.
fn record(text: &[u8], ends: impl ExactSizeIterator<Item = usize>, gap: usize) -> StringRecord {
    let mut record = StringRecord::with_capacity(text.len(), ends.len());
    let whole = std::str::from_utf8(text);
    let mut start = 0;
    for end in ends {
        // Cells are cut at ASCII bytes; only a window that ends within a character can break one.
        match whole.ok().and_then(|whole| whole.get(start..end)) {
            Some(cell) => record.push_field(cell),
            None => record.push_field(&String::from_utf8_lossy(&text[start..end])),
        }
        start = end + gap;
    }
    record
}

/// The cells without what exports wrap them in; the record itself when there is nothing to do. `text`
/// is what they were read from, on this line.
fn unwrapped(cells: StringRecord, text: &[u8], line: u32, tally: &Tally) -> StringRecord {
    let ascii = text.is_ascii();
    let escaped = memchr::memchr(b'_', text).is_some_and(|at| contains_escape(&text[at..]));
    let marked = memchr::memchr3(b'=', b'\'', b'#', text).is_some();
    if memchr::memchr(b'?', text).is_some() || !ascii && memchr::memchr(0xEF, text).is_some() {
        let lost = cells.iter().filter(|cell| mojibake::is_lost(cell)).count();
        (0..lost).for_each(|_| tally.count(|c| &c.lost_cells));
    }
    if ascii && !escaped && !marked {
        return cells;
    }
    let better = |at: usize, cell: &str| {
        let wrapped = !cell.is_ascii()
            || marked && cell.starts_with(['=', '\'', '#'])
            || escaped && cell.contains("_x00");
        wrapped.then(|| header::unwrapped(cell, (line, Some(at)), tally)).flatten()
    };
    let first = cells.iter().enumerate().find_map(|(at, cell)| Some((at, better(at, cell)?)));
    let Some((first, first_better)) = first else { return cells };
    let mut record = StringRecord::with_capacity(cells.as_slice().len(), cells.len());
    cells.iter().take(first).for_each(|cell| record.push_field(cell));
    record.push_field(&first_better);
    for (at, cell) in cells.iter().enumerate().skip(first + 1) {
        record.push_field(better(at, cell).as_deref().unwrap_or(cell));
    }
    record
}

/// Whether a character is written as workbooks write those that XML has not: `_x000D_`.
fn contains_escape(text: &[u8]) -> bool {
    text.windows(4).any(|window| window == b"_x00")
}

fn terminator_length(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

/// Everything before the first end of line.
fn first_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len());
    &bytes[..end]
}

/// Physical lines of a record, at least one. CR LF is one end of line, and so is either alone.
fn count_lines(record: &[u8]) -> u32 {
    let ends = record
        .iter()
        .enumerate()
        .filter(|&(at, b)| match b {
            b'\n' => true,
            b'\r' => record.get(at + 1) != Some(&b'\n'),
            _ => false,
        })
        .count() as u32;
    ends.max(1) + u32::from(ends > 0 && !record.ends_with(b"\n") && !record.ends_with(b"\r"))
}

/// Whether the quotes of a record do not pair up.
fn has_open_quote(record: &[u8], dialect: Dialect) -> bool {
    let quotes = record
        .iter()
        .enumerate()
        .filter(|&(at, b)| *b == b'"' && !(dialect.backslash && at > 0 && record[at - 1] == b'\\'))
        .count();
    quotes % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table_of(text: &str) -> Table {
        table(Text::from_utf8(text)).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    /// `row: cell|cell` for data, `row reason` for the rest.
    fn read(text: &str) -> Vec<String> {
        table_of(text).rows.map(shown).collect()
    }

    fn shown(row: Row) -> String {
        match row.content {
            Content::Data(cells) => {
                format!("{}: {}", row.number, cells.iter().collect::<Vec<_>>().join("|"))
            }
            Content::Skipped(reason) => format!("{} {reason}", row.number),
            Content::Bad { code, .. } => format!("{} {code}", row.number),
        }
    }

    #[test]
    fn delimiters_are_told_by_how_evenly_they_cut() {
        for delimiter in [';', ',', '\t', '|'] {
            let text = "Nom;Ville;Note\nDupont;Paris;\"a, b; c\"\nRoy;Lyon;1.5\n"
                .replace(';', &delimiter.to_string());
            assert_eq!(table_of(&text).format.delimiter, Some(delimiter));
        }
        let amounts = "Nom;Solde\nA;1,5\nB;2,5\nC;3,5\n";
        assert_eq!(table_of(amounts).format.delimiter, Some(';'));
        assert_eq!(table_of("Email\na@b.fr\nc@d.fr\n").format.delimiter, None);
    }

    #[test]
    fn a_sep_line_is_honoured_and_is_a_row() {
        assert_eq!(read("sep=|\nNom|Ville\nA;B|C\n"), ["1 structure", "2 header", "3: A;B|C"]);
    }

    #[test]
    fn rows_are_numbered_by_the_line_they_start_on() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "Nom;Note\nA;\"l1\nl2\"\n\nB;x\n".replace('\n', end);
            let note = format!("2: A|l1{end}l2");
            assert_eq!(read(&text), ["1 header", &note, "4 blank", "5: B|x"]);
        }
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(read("Nom;Note\nA;x"), ["1 header", "2: A|x"]);
        assert_eq!(read("Nom;Note\nA;\"x\ny\""), ["1 header", "2: A|x\ny"]);
    }

    #[test]
    fn quotes_are_doubled_or_escaped() {
        assert_eq!(
            read("Nom;Note\nA;\"il dit \"\"oui\"\"\"\n"),
            ["1 header", "2: A|il dit \"oui\""]
        );
        assert_eq!(
            read("Nom;Note\nA;\"il dit \\\"oui\\\" a\"\n"),
            ["1 header", "2: A|il dit \"oui\" a"]
        );
    }

    #[test]
    fn a_quote_within_a_cell_is_itself() {
        assert_eq!(read("Nom;Note\nCafé \"Le Port\";x\n"), ["1 header", "2: Café \"Le Port\"|x"]);
    }

    #[test]
    fn an_unclosed_quote_costs_its_own_line_only() {
        let table = table_of("Nom;Note\nA;1\nB;\"2\nC;3\n");
        let tally = table.tally.clone();
        let rows: Vec<String> = table.rows.map(shown).collect();
        assert_eq!(rows, ["1 header", "2: A|1", "3: B|\"2", "4: C|3"]);
        assert_eq!(tally.remarks(), ["one line has a quote that is never closed, taken literally"]);
    }

    /// What is odd of the rows of a text: `row: what raw`.
    fn faults(text: &str) -> Vec<String> {
        let table = table_of(text);
        let tally = table.tally.clone();
        table.rows.for_each(drop);
        let told = tally.take_faults(u32::MAX).into_iter();
        told.map(|fault| format!("{}: {:?} {}", fault.row, fault.what, fault.raw)).collect()
    }

    #[test]
    fn each_odd_row_is_told() {
        assert_eq!(
            faults("Nom;Note;Ville\nA;1;X\nB\nC;2;Y;Z\nD;3;\n"),
            ["3: Short B", "4: Long C\t2\tY\tZ"]
        );
        assert_eq!(faults("Nom;Note\nA;1\nB;\"2\nC;3\n"), ["3: OpenQuote B;\"2"]);
        assert_eq!(faults("Nom;Note\nA;#N/A\nB;x\n"), ["2: ErrorCell #N/A"]);
        assert_eq!(faults("Nom;Note\n\"A\";\"l1\nl2\"\nB;x"), [] as [&str; 0]);
    }

    #[test]
    fn a_text_that_ends_within_a_row_is_cut_off() {
        assert_eq!(
            read("Nom;Ville;Note\nA;X;1\nB;Y;\"il d"),
            ["1 header", "2: A|X|1", "3: B|Y|il d"]
        );
        assert_eq!(faults("Nom;Ville;Note\nA;X;1\nB;Y;\"il d"), ["3: CutOff B;Y;\"il d"]);
        assert_eq!(faults("Nom;Ville;Note\nA;X;1\nB;Y"), ["3: CutOff B\tY"]);
        assert_eq!(faults("Nom;Ville;Note\nA;X;1\nB;\"Y"), ["3: CutOff B;\"Y"]);
        // Within a cell of several lines.
        let text = "Nom;Ville;Note\nA;X;1\nB;Y;\"il dit\noui et";
        assert_eq!(read(text), ["1 header", "2: A|X|1", "3: B|Y|il dit\noui et"]);
        assert_eq!(faults(text), ["3: CutOff B;Y;\"il dit\noui et"]);
        // A quote too many in the last line.
        assert_eq!(faults("Nom;Ville;Note\nA;X;1\nB;Y;\"2\n"), ["3: OpenQuote B;Y;\"2"]);
        assert_eq!(faults("Nom;Ville;Note\nA;X;1\nB;Y;2"), [] as [&str; 0]);
    }

    #[test]
    fn where_rows_end_at_their_last_filled_cell_a_short_one_is_none() {
        let rows = "A;1\nB;2;Lyon\nC\nD;4\nE;5;Brest\nF;6\nG\n";
        assert_eq!(faults(&format!("Nom;Note;Ville\n{rows}")), [] as [&str; 0]);
        assert_eq!(faults(&format!("Nom;Note;Ville\n{rows}H;8;\n")).len(), 5);
    }

    #[test]
    fn a_quote_closed_by_chance_costs_its_own_line_only() {
        let rows = read("Nom;Ville;Note\n\"A;Paris;1\nB;Lyon;\"x\"\nC;Brest;3\n");
        assert_eq!(rows, ["1 header", "2: \"A|Paris|1", "3: B|Lyon|x", "4: C|Brest|3"]);
    }

    #[test]
    fn a_stray_quote_in_every_line_costs_the_reading_of_that_line_only() {
        let rows = read(&format!("Nom;Note\n{}", "1\";\"2\n".repeat(100_000)));
        assert_eq!(rows.len(), 100_001);
        // At the end of the text there is nothing below that would tell the quote from one of a cell.
        assert!(rows[1..100_000].iter().all(|row| row.ends_with(": 1\"|\"2")), "{:?}", &rows[..5]);
    }

    #[test]
    fn a_long_note_is_no_unclosed_quote() {
        let note = "line\n".repeat(80);
        let rows = read(&format!("Nom;Note\nA;\"{note}\"\nB;2\n"));
        assert_eq!(rows[2], "83: B|2");
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn text_forced_for_a_spreadsheet_is_unwrapped() {
        assert_eq!(
            read("Code;CP\n=\"007\";'01000\n\"=\"\"008\"\"\";x\n"),
            ["1 header", "2: 007|01000", "3: 008|x"]
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_loss_of_lines(text in "[a;\"\r\n,é ]{0,60}") {
            let rows: Vec<Row> = match table(Text::from_utf8(&text)) {
                Ok(table) => table.rows.collect(),
                Err(_) => return Ok(()),
            };
            proptest::prop_assert!(rows.windows(2).all(|w| w[0].number < w[1].number));
            proptest::prop_assert_eq!(rows.is_empty(), text.is_empty());
        }
    }
}
