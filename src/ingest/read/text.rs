//! Text with delimiters: which delimiter and quotes it uses, and its rows, read lazily.

use std::sync::Arc;

use csv::StringRecord;
use csv_core::{ReadRecordResult, ReaderBuilder};

use super::{
    Classified, Content, Format, RawRow, Refusal, Row, Table, Tally,
    encoding::Decoded,
    header::{self, Layout},
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
pub(super) fn table(decoded: Decoded) -> Result<Table, Refusal> {
    let Decoded { text, encoding, mut remarks } = decoded;
    let text: Arc<str> = text.into();
    let start = Start::of(&text);
    let (dialect, usual_width) = match start.separator {
        Some(delimiter) => {
            let dialect = Dialect { delimiter, backslash: uses_backslash(&text) };
            (dialect, evenness(&text, start.at, dialect).1)
        }
        None => sniff(&text, start.at),
    };
    let tally = Tally::default();
    // What is found while looking ahead must not be counted twice.
    let mut ahead = Records::new(text.clone(), start.at, start.line, dialect, Tally::default());
    ahead.width = Some(usual_width);
    let (lines, preview): (Vec<u32>, Vec<StringRecord>) =
        ahead.take(header::PREVIEW_ROWS).map(|record| (record.line, record.cells)).unzip();
    let layout = Layout::find(&preview, &[]);
    let mut records = Records::new(text, start.at, start.line, dialect, tally.clone());
    records.width = Some(layout.header.len());

    let header_row = layout.last_line().map_or(0, |at| lines[at]);
    if !layout.has_header() {
        remarks.push("no header was found: the columns are numbered".into());
    } else if preview.iter().skip(layout.last_line().map_or(0, |at| at + 1)).all(header::is_blank) {
        remarks.push("there are no rows below the header".into());
    }
    let format = Format {
        container: "text".into(),
        encoding,
        delimiter: (dialect.delimiter != NO_DELIMITER).then_some(char::from(dialect.delimiter)),
        remarks,
    };
    let raw = records.map(|record| RawRow::Cells(record.line, record.cells));
    let (names, groups) = (layout.header.clone(), layout.groups.clone());
    let rows = Classified { raw, position: 0, layout, tally: tally.clone() };
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
fn sniff(text: &Arc<str>, at: usize) -> (Dialect, usize) {
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
fn evenness(text: &Arc<str>, at: usize, dialect: Dialect) -> (u64, usize) {
    let records = Records::new(text.clone(), at, 1, dialect, Tally::default());
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

/// The records of a text, in order; blank lines are records of one blank cell.
struct Records {
    text: Arc<str>,
    at: usize,
    line: u32,
    dialect: Dialect,
    /// Cells of the header, once it is known.
    width: Option<usize>,
    tally: Tally,
    parser: Parser,
}

/// The parser of one record and its buffers.
struct Parser {
    quoted: csv_core::Reader,
    literal: csv_core::Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl Records {
    fn new(text: Arc<str>, at: usize, line: u32, dialect: Dialect, tally: Tally) -> Records {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(dialect.delimiter);
        if dialect.backslash {
            builder.escape(Some(b'\\')).double_quote(false);
        }
        let quoted = builder.build();
        let literal = builder.quoting(false).build();
        let parser = Parser { quoted, literal, output: vec![0; 4096], ends: vec![0; 128] };
        Records { text, at, line, dialect, width: None, tally, parser }
    }

    /// Whether the record read from `slice` swallowed what follows it.
    fn is_unclosed(&mut self, slice: &[u8], lines: u32, cells: usize, at_end: bool) -> bool {
        // The usual case, and cheap: one line that has its end.
        if lines == 1 && !at_end && slice.len() < MOST_RECORD_BYTES {
            return false;
        }
        if slice.len() >= MOST_RECORD_BYTES || at_end && has_open_quote(slice, self.dialect) {
            return true;
        }
        match self.width {
            // While the delimiter is being chosen one odd record does not matter.
            None => false,
            Some(width) if lines > 1 && cells != width => {
                // A quote closed by chance, lines below: the first line alone is then whole.
                lines > MOST_LINES || self.parser.read_line(first_line(slice)).len() == width
            }
            Some(_) => false,
        }
    }
}

impl Iterator for Records {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let text = self.text.clone();
        let rest = text.as_bytes().get(self.at..).filter(|rest| !rest.is_empty())?;
        let line = self.line;
        let terminator = terminator_length(rest);
        if terminator > 0 {
            self.at += terminator;
            self.line += 1;
            return Some(Record { line, cells: StringRecord::from(vec![""]) });
        }
        let window = &rest[..rest.len().min(MOST_RECORD_BYTES)];
        let (mut consumed, mut cells) = self.parser.read_record(window);
        // The parser stops between the two bytes of CR LF.
        if rest[..consumed].ends_with(b"\r") && rest.get(consumed) == Some(&b'\n') {
            consumed += 1;
        }
        let mut lines = count_lines(&rest[..consumed]);
        let at_end = consumed == rest.len();
        if self.is_unclosed(&rest[..consumed], lines, cells.len(), at_end) {
            let whole = first_line(rest);
            cells = self.parser.read_line(whole);
            consumed = whole.len() + terminator_length(&rest[whole.len()..]);
            lines = 1;
            self.tally.count(|c| &c.stray_quotes);
        }
        self.at += consumed;
        self.line += lines;
        Some(Record { line, cells: unwrapped(cells, &self.tally) })
    }
}

impl Parser {
    /// Reads one record and returns the bytes it took.
    fn read_record(&mut self, input: &[u8]) -> (usize, StringRecord) {
        self.quoted.reset();
        read(&mut self.quoted, input, &mut self.output, &mut self.ends)
    }

    /// Reads one line in which quotes mean nothing.
    fn read_line(&mut self, line: &[u8]) -> StringRecord {
        self.literal.reset();
        read(&mut self.literal, line, &mut self.output, &mut self.ends).1
    }
}

fn read(
    reader: &mut csv_core::Reader,
    input: &[u8],
    output: &mut Vec<u8>,
    ends: &mut Vec<usize>,
) -> (usize, StringRecord) {
    let (mut taken, mut written, mut cells) = (0, 0, 0);
    loop {
        let (result, read, wrote, ended) =
            reader.read_record(&input[taken..], &mut output[written..], &mut ends[cells..]);
        taken += read;
        written += wrote;
        cells += ended;
        match result {
            // At the end of the input the parser wants to be told so by an empty slice.
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => output.resize(output.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::Record | ReadRecordResult::End => break,
        }
    }
    let mut record = StringRecord::with_capacity(written, cells);
    let mut start = 0;
    for &end in &ends[..cells] {
        // Cells are cut at ASCII bytes; only a window that ends within a character can break one.
        record.push_field(&String::from_utf8_lossy(&output[start..end]));
        start = end;
    }
    (taken, record)
}

/// The cells without what exports wrap them in; the record itself when there is nothing to do.
fn unwrapped(cells: StringRecord, tally: &Tally) -> StringRecord {
    let wrapped = |cell: &str| {
        !cell.is_ascii() || cell.starts_with(['=', '\'', '#']) || cell.contains("_x00")
    };
    if !cells.iter().any(wrapped) {
        return cells;
    }
    let better: Vec<Option<String>> =
        cells.iter().map(|cell| header::unwrapped(cell, tally)).collect();
    if better.iter().all(Option::is_none) {
        return cells;
    }
    let mut record = StringRecord::with_capacity(cells.as_slice().len(), cells.len());
    for (cell, better) in cells.iter().zip(&better) {
        record.push_field(better.as_deref().unwrap_or(cell));
    }
    record
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
        let decoded = Decoded { text: text.into(), encoding: "UTF-8".into(), remarks: Vec::new() };
        table(decoded).unwrap_or_else(|refusal| panic!("{refusal:?}"))
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

    #[test]
    fn a_quote_closed_by_chance_costs_its_own_line_only() {
        let rows = read("Nom;Ville;Note\n\"A;Paris;1\nB;Lyon;\"x\"\nC;Brest;3\n");
        assert_eq!(rows, ["1 header", "2: \"A|Paris|1", "3: B|Lyon|x", "4: C|Brest|3"]);
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
            let decoded = Decoded { text: text.clone(), encoding: String::new(), remarks: Vec::new() };
            let rows: Vec<Row> = match table(decoded) {
                Ok(table) => table.rows.collect(),
                Err(_) => return Ok(()),
            };
            proptest::prop_assert!(rows.windows(2).all(|w| w[0].number < w[1].number));
            proptest::prop_assert_eq!(rows.is_empty(), text.is_empty());
        }
    }
}
