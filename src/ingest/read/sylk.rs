//! Two old text formats of spreadsheets: SYLK (`.slk`) and DIF. One record or value per line, no
//! expansion of anything.

use std::collections::BTreeMap;

use calamine::{ExcelDateTime, ExcelDateTimeType};
use csv::StringRecord;

use super::{
    RawRow, Refusal, Table, Tally,
    cell::{Value, is_date, padded_digits},
    container,
    encoding::Decoded,
    sheet::{self, Facts, MOST_COLUMNS, MOST_ROWS, Part, RowBuilder, Sheet},
    workbook::HELD_CELLS,
};

/// What a cell of these formats can hold.
#[derive(Debug, Clone, PartialEq)]
enum Held {
    Text(String),
    Number(f64),
    Truth(bool),
    /// As it is written, or nothing.
    Error(String),
}

/// Cells by row and column, from 0, with the number of their format.
type Cells = BTreeMap<(u32, u32), (Held, usize)>;

/// The tables of a SYLK file.
pub(super) fn sylk(text: Decoded) -> Result<Vec<Table>, Refusal> {
    let mut sylk = Sylk::default();
    for line in text.text.lines() {
        sylk.record(line);
    }
    let Sylk { cells, formats, calendar_1904, .. } = sylk;
    tables("sylk", &text, cells, |number, format| {
        let format = formats.get(format).map_or("", String::as_str);
        if is_date(format) {
            let kind = ExcelDateTimeType::DateTime;
            return (Value::Moment(ExcelDateTime::new(number, kind, calendar_1904)), 0);
        }
        (Value::Number(number), padded_digits(format))
    })
}

fn tables(
    container: &'static str,
    text: &Decoded,
    cells: Cells,
    numeric: impl Fn(f64, usize) -> (Value<'static>, usize),
) -> Result<Vec<Table>, Refusal> {
    let (sheet, facts) = (Sheet::default(), Facts::default());
    let part = Part {
        container,
        encoding: &text.encoding,
        sheet: &sheet,
        remarks: text.remarks.clone(),
        tally: Tally::default(),
        columns: None,
    };
    if cells_with_blanks(&cells) > HELD_CELLS as u64 {
        return Err(Refusal::new(
            "its cells stand too far apart: nearly all of the table would be blank",
            "open it in a spreadsheet and save it as .xlsx",
        ));
    }
    let mut held: Vec<RawRow> = Vec::new();
    let mut visit = |(row, cells): (u32, StringRecord)| {
        held.push(RawRow::Cells(row + 1, cells));
        true
    };
    let mut rows = RowBuilder::new(&part.tally, &facts, &mut visit);
    for ((row, column), (value, format)) in &cells {
        let (value, digits) = match value {
            Held::Text(text) => (Value::Text(text), 0),
            Held::Number(number) => numeric(*number, *format),
            Held::Truth(truth) => (Value::Truth(*truth), 0),
            Held::Error(shown) => (Value::Error(shown), 0),
        };
        if !rows.cell(*row, *column, value, digits) {
            break;
        }
    }
    rows.end();
    let beyond = rows.checked();
    if let Err(why) = beyond {
        let below = held.last().map_or(1, |row| sheet::number_of(row) + 1);
        held.push(sheet::damaged_row(below, &why));
    }
    if held.is_empty() {
        return Err(container::damaged("it holds no cell"));
    }
    Ok(sheet::tables(&part, held, &facts, 0))
}

/// How many cells the rows have up to their last filled one.
fn cells_with_blanks(cells: &Cells) -> u64 {
    let width = |column: u32| u64::from(column.min(MOST_COLUMNS - 1)) + 1;
    // The keys are in order: the last of a row is its rightmost.
    let widths: BTreeMap<u32, u64> = cells.keys().map(|at| (at.0, width(at.1))).collect();
    widths.values().sum()
}

/// The state that the records of a SYLK file change.
#[derive(Default)]
struct Sylk {
    row: u32,
    column: u32,
    cells: Cells,
    /// Number formats in the order of their `P` records.
    formats: Vec<String>,
    /// The format that the last `F` record set, and for which cell.
    format: Option<((u32, u32), usize)>,
    calendar_1904: bool,
}

impl Sylk {
    fn record(&mut self, line: &str) {
        let line = line.trim_end_matches('\r');
        let mut fields = fields(line).into_iter();
        let kind = fields.next().unwrap_or_default();
        let fields: Vec<String> = fields.collect();
        match kind.as_str() {
            "P" => {
                if let Some(format) = fields.iter().find_map(|field| field.strip_prefix('P')) {
                    self.formats.push(format.to_owned());
                }
            }
            "O" => {
                let base = fields.iter().find_map(|field| field.strip_prefix('V'));
                // The day before the calendar begins: 4 is 1904, 0 is 1900.
                self.calendar_1904 |= base.is_some_and(|base| base.trim() == "4");
            }
            "F" => {
                self.place(&fields);
                let format = fields.iter().find_map(|field| field.strip_prefix('P')?.parse().ok());
                if let Some(format) = format {
                    self.format = Some(((self.row, self.column), format));
                }
            }
            "C" => self.cell(&fields),
            _ => {}
        }
    }

    fn place(&mut self, fields: &[String]) {
        for field in fields {
            let number = |rest: &str| rest.parse::<u32>().ok()?.checked_sub(1);
            if let Some(column) = field.strip_prefix('X').and_then(number) {
                self.column = column.min(MOST_COLUMNS);
            }
            if let Some(row) = field.strip_prefix('Y').and_then(number) {
                self.row = row.min(MOST_ROWS);
            }
        }
    }

    fn cell(&mut self, fields: &[String]) {
        self.place(fields);
        let at = (self.row, self.column);
        let Some(value) = fields.iter().find_map(|field| field.strip_prefix('K')) else { return };
        let value = match value {
            "TRUE" => Held::Truth(true),
            "FALSE" => Held::Truth(false),
            error if error.starts_with('#') => Held::Error(error.to_owned()),
            text => match text.strip_prefix('"') {
                Some(quoted) => Held::Text(quoted.strip_suffix('"').unwrap_or(quoted).to_owned()),
                None => match text.trim().parse::<f64>() {
                    Ok(number) if number.is_finite() => Held::Number(number),
                    _ => Held::Text(text.to_owned()),
                },
            },
        };
        let format = self.format.filter(|(place, _)| *place == at).map_or(0, |(_, format)| format);
        self.cells.insert(at, (value, format));
    }
}

/// The fields of a record: parted by `;`, which is doubled where it is text. `ESC` starts the old way
/// of writing letters beyond ASCII; an `ESC` and the sign for a line break is `\u{1b} :`.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            ';' if chars.next_if_eq(&';').is_some() => fields[last].push(';'),
            ';' => fields.push(String::new()),
            '\u{1b}' => match escaped(&mut chars) {
                Some(c) => fields[last].push(c),
                None => fields[last].push('\u{fffd}'),
            },
            c => fields[last].push(c),
        }
    }
    fields
}

/// What follows `ESC`: two signs whose low halves make a byte (`ESC " 0`), or `N`, an accent and its
/// letter (`ESC N B e`).
fn escaped(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let first = chars.next()?;
    if first == 'N' {
        let accent = chars.next()?;
        let mark = match accent {
            'A' => '\u{300}',
            'B' => '\u{301}',
            'C' => '\u{302}',
            'D' => '\u{303}',
            'H' => '\u{308}',
            'J' => '\u{30a}',
            'K' => '\u{327}',
            'a' => return Some('Æ'),
            'q' => return Some('æ'),
            'i' => return Some('Ø'),
            'y' => return Some('ø'),
            'j' => return Some('Œ'),
            'z' => return Some('œ'),
            '{' => return Some('ß'),
            '\'' => return Some('§'),
            '0' => return Some('°'),
            _ => return None,
        };
        return unicode_normalization::char::compose(chars.next()?, mark);
    }
    let second = chars.next()?;
    let byte = (u32::from(first) & 0x0F) << 4 | (u32::from(second) & 0x0F);
    match byte {
        0x0A | 0x0D => Some('\n'),
        byte => {
            let byte = [u8::try_from(byte).ok()?];
            encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte).0.chars().next()
        }
    }
}

/// The tables of a DIF file: after `DATA`, each value is a line `type,number` and a line of text.
pub(super) fn dif(text: Decoded) -> Result<Vec<Table>, Refusal> {
    let mut cells = Cells::new();
    let mut lines = text.text.lines().map(|line| line.trim_end_matches('\r'));
    lines.by_ref().find(|line| *line == "DATA");
    // The two lines that belong to `DATA`.
    lines.by_ref().take(2).for_each(drop);
    let (mut row, mut column) = (None, 0);
    while let (Some(kind), Some(said)) = (lines.next(), lines.next()) {
        let (kind, number) = kind.split_once(',').unwrap_or((kind, ""));
        let value = match (kind.trim(), said.trim()) {
            ("-1", "BOT") => {
                row = Some(row.map_or(0, |row: u32| row + 1).min(MOST_ROWS));
                column = 0;
                continue;
            }
            ("-1", _) => break,
            ("0", "V") => match number.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => Held::Number(number),
                _ => Held::Text(number.to_owned()),
            },
            ("0", "TRUE") => Held::Truth(true),
            ("0", "FALSE") => Held::Truth(false),
            ("0", shown) => Held::Error(shown.to_owned()),
            (_, said) => {
                let inner = said.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                Held::Text(inner.map_or_else(|| said.to_owned(), |text| text.replace("\"\"", "\"")))
            }
        };
        cells.insert((row.unwrap_or(0), column), (value, 0));
        column = (column + 1).min(MOST_COLUMNS);
    }
    tables("dif", &text, cells, |number, _| (Value::Number(number), 0))
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;

    fn decoded(text: &str) -> Decoded {
        Decoded { text: text.into(), encoding: "UTF-8".into(), remarks: Vec::new() }
    }

    fn said(tables: Result<Vec<Table>, Refusal>) -> String {
        let table = tables.expect("tables").pop().expect("a table");
        let rows = table.rows.filter_map(|row| match row.content {
            Content::Data(cells) => Some(cells.iter().collect::<Vec<_>>().join("|")),
            _ => None,
        });
        let rows: Vec<String> = rows.collect();
        format!("{}: {}", table.header.join("|"), rows.join(" / "))
    }

    #[test]
    fn records_of_sylk_make_rows() {
        let text = "ID;PWXL;N;E\nP;PGeneral\nP;P00000\nP;Pdd/mm/yyyy\n\
            C;Y1;X1;K\"Nom\"\nC;X2;K\"CP\"\nC;X3;K\"Date\"\nC;Y2;X1;K\"A;;B \u{1b}NBe\"\n\
            F;P1;X2\nC;K1600\nF;P2;X3\nC;K43536\nE\n";
        assert_eq!(said(sylk(decoded(text))), "Nom|CP|Date: A;B é|01600|2019-03-12");
    }

    #[test]
    fn cells_at_the_far_end_of_every_row_are_refused() {
        let mut text = "ID;PWXL;N;E\n".to_owned();
        (1..2_000).for_each(|row| text.push_str(&format!("C;Y{row};X16384;K1\n")));
        let refusal = sylk(decoded(&text)).err().expect("more blanks than are held");
        assert!(refusal.message.contains("too far apart"), "{}", refusal.message);
    }

    #[test]
    fn values_of_dif_make_rows() {
        let text = "TABLE\n0,1\n\"EXCEL\"\nVECTORS\n0,2\n\"\"\nDATA\n0,0\n\"\"\n-1,0\nBOT\n\
            1,0\n\"Nom\"\n1,0\n\"Solde\"\n-1,0\nBOT\n1,0\n\"A \"\"B\"\"\"\n0,12.5\nV\n-1,0\nEOD\n";
        assert_eq!(said(dif(decoded(text))), "Nom|Solde: A \"B\"|12.5");
    }

    #[test]
    fn rows_beyond_the_end_of_a_sheet_are_told() {
        let text = "ID;PWXL;N;E\nC;Y1;X1;K\"Nom\"\nC;Y2;X1;K\"A\"\n\
            C;Y2000000;X1;K\"B\"\nC;Y2000001;X1;K\"C\"\nE\n";
        let table = sylk(decoded(text)).expect("tables").pop().expect("a table");
        let last = table.rows.last().expect("rows").content;
        assert!(matches!(last, Content::Bad { code: "damaged", .. }), "{last:?}");
    }
}
