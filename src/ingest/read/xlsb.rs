//! What calamine leaves out of an `.xlsb` file: rows and columns that are hidden, merged cells, and number
//! formats that carry leading zeros. The records of a sheet are walked once, beside calamine, which reads
//! the values.

use std::{
    collections::BTreeMap,
    io::{self, BufReader, Read},
};

use calamine::Dimensions;

use super::{
    Refusal,
    bytes::Bytes,
    cell::padded_digits,
    markup::with_part,
    ole::{u16_at, u32_at},
    sheet::{Facts, MOST_COLUMNS, MOST_ROWS},
    xlsx,
};

/// The parts of a workbook.
#[derive(Debug)]
pub(super) struct Parts {
    archive: Bytes,
    /// Part by name of sheet.
    sheets: BTreeMap<String, String>,
    /// For each cell format the digits that it always shows.
    digits: Vec<usize>,
}

impl Parts {
    /// Finds the parts of the sheets.
    ///
    /// # Errors
    ///
    /// When what is read at once unpacks to more than it says.
    pub(super) fn of(archive: &Bytes) -> Result<Parts, Refusal> {
        xlsx::refuse_bombs(archive)?;
        let targets = xlsx::targets(archive, "xl/_rels/workbook.bin.rels");
        let mut sheets = BTreeMap::new();
        // What cannot be read is left for calamine to find.
        let _ = each_record(archive, "xl/workbook.bin", &mut |kind, data| {
            if kind == BUNDLE_SHEET
                && let Some((id, end)) = wide_text(data, 8)
                && let Some((name, _)) = wide_text(data, end)
                && let Some(target) = targets.get(&id)
            {
                sheets.insert(name, target.clone());
            }
            true
        });
        Ok(Parts { archive: archive.clone(), sheets, digits: cell_formats(archive) })
    }

    /// What the part of a sheet says beside its cells. What cannot be read of it is not told.
    pub(super) fn facts(&self, sheet: &str) -> Facts {
        let mut survey = Survey { digits: &self.digits, row: 0, facts: Facts::default() };
        if let Some(part) = self.sheets.get(sheet) {
            let _ = each_record(&self.archive, part, &mut |kind, data| {
                let _ = survey.record(kind, data);
                kind != END_MERGES
            });
        }
        survey.facts
    }
}

const ROW: u32 = 0x00;
const CELL_RK: u32 = 0x02;
const CELL_REAL: u32 = 0x05;
const FORMULA_NUMBER: u32 = 0x09;
const FORMAT: u32 = 0x2C;
const CELL_FORMAT: u32 = 0x2F;
const COLUMNS: u32 = 0x3C;
const BUNDLE_SHEET: u32 = 0x9C;
const MERGE: u32 = 0xB0;
const END_MERGES: u32 = 0xB2;
const BEGIN_CELL_FORMATS: u32 = 0x269;
const END_CELL_FORMATS: u32 = 0x26A;

/// What a walk through a sheet gathers.
struct Survey<'a> {
    digits: &'a [usize],
    row: u32,
    facts: Facts,
}

impl Survey<'_> {
    /// Takes in a record; none of one that is too short.
    fn record(&mut self, kind: u32, data: &[u8]) -> Option<()> {
        match kind {
            ROW => {
                self.row = u32_at(data, 0)?.min(MOST_ROWS);
                // Of no height.
                if data.get(11)? & 0x10 != 0 {
                    self.facts.hidden_rows.hide(self.row..self.row + 1);
                }
            }
            COLUMNS if u16_at(data, 16)? & 1 != 0 => {
                let (first, last) = (u32_at(data, 0)?, u32_at(data, 4)?);
                self.facts.hidden_columns.hide(first..last.min(MOST_COLUMNS - 1) + 1);
            }
            MERGE => {
                let at = |place| u32_at(data, place).filter(|&at| at < MOST_ROWS);
                let (top, bottom, left, right) = (at(0)?, at(4)?, at(8)?, at(12)?);
                if top <= bottom && left <= right {
                    self.facts.merges.push(Dimensions::new((top, left), (bottom, right)));
                }
            }
            CELL_RK | CELL_REAL | FORMULA_NUMBER => {
                let format = (u32_at(data, 4)? & 0xFF_FFFF) as usize;
                let digits = self.digits.get(format).copied().unwrap_or(0);
                self.facts.digits.set(self.row, u32_at(data, 0)?, digits);
            }
            _ => {}
        }
        Some(())
    }
}

/// For each cell format the digits that it always shows.
fn cell_formats(archive: &Bytes) -> Vec<usize> {
    let mut formats: BTreeMap<u16, usize> = BTreeMap::new();
    let mut digits = Vec::new();
    let mut of_cells = false;
    let _ = each_record(archive, "xl/styles.bin", &mut |kind, data| {
        match kind {
            FORMAT => {
                let text = wide_text(data, 2).map(|(text, _)| text).unwrap_or_default();
                formats.extend(u16_at(data, 0).map(|number| (number, padded_digits(&text))));
            }
            BEGIN_CELL_FORMATS => of_cells = true,
            CELL_FORMAT if of_cells => {
                let format = u16_at(data, 2).and_then(|number| formats.get(&number));
                digits.push(format.copied().unwrap_or(0));
            }
            _ => {}
        }
        kind != END_CELL_FORMATS
    });
    digits
}

/// Text of two bytes per letter with its length before it, from `at` on, and where it ends.
fn wide_text(data: &[u8], at: usize) -> Option<(String, usize)> {
    let start = at + 4;
    let end = start.checked_add((u32_at(data, at)? as usize).checked_mul(2)?)?;
    let (units, _) = data.get(start..end)?.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|&unit| u16::from_le_bytes(unit)).collect();
    Some((String::from_utf16_lossy(&units), end))
}

/// Calls `visit` with kind and content of each record of a part until it says `false`.
fn each_record(
    archive: &Bytes,
    part: &str,
    visit: &mut dyn FnMut(u32, &[u8]) -> bool,
) -> Result<(), String> {
    with_part(archive, part, |part| {
        let mut part = BufReader::with_capacity(1 << 16, part);
        let mut data = Vec::new();
        loop {
            let Some(kind) = number(&mut part, 2).map_err(|why| why.to_string())? else {
                return Ok(());
            };
            let length = number(&mut part, 4).map_err(|why| why.to_string())?.unwrap_or(0);
            data.clear();
            let read = part.by_ref().take(length.into()).read_to_end(&mut data);
            read.map_err(|why| why.to_string())?;
            if !visit(kind, &data) {
                return Ok(());
            }
        }
    })
}

/// A number of up to `most` bytes, each of which gives seven bits and says whether another follows; none at
/// the end.
fn number(part: &mut impl Read, most: u32) -> io::Result<Option<u32>> {
    let mut number = 0;
    for at in 0..most {
        let mut byte = [0];
        if part.read(&mut byte)? == 0 {
            return Ok(None);
        }
        number |= u32::from(byte[0] & 0x7F) << (7 * at);
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    Ok(Some(number))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn record(kind: u32, data: &[&[u8]]) -> Vec<u8> {
        let data = data.concat();
        let mut record = match kind {
            0..0x80 => vec![kind as u8],
            _ => vec![kind as u8 | 0x80, (kind >> 7) as u8],
        };
        record.push(data.len() as u8);
        record.extend(data);
        record
    }

    fn wide(text: &str) -> Vec<u8> {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        [(text.len() as u32).to_le_bytes().to_vec(), units].concat()
    }

    fn four(number: u32) -> [u8; 4] {
        number.to_le_bytes()
    }

    fn archive(sheet: &[u8]) -> Bytes {
        let styles = [
            record(FORMAT, &[&[164, 0], &wide("00000")]),
            record(CELL_FORMAT, &[&[0, 0, 164, 0]]),
            record(BEGIN_CELL_FORMATS, &[]),
            record(CELL_FORMAT, &[&[0, 0, 0, 0]]),
            record(CELL_FORMAT, &[&[0, 0, 164, 0]]),
            record(END_CELL_FORMATS, &[]),
        ];
        let book = record(BUNDLE_SHEET, &[&[0; 8], &wide("rId1"), &wide("Clients")]);
        let relations = "<r><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.bin\"/></r>";
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in [
            ("xl/workbook.bin", book.as_slice()),
            ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
            ("xl/styles.bin", &styles.concat()),
            ("xl/worksheets/sheet1.bin", sheet),
        ] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("a part");
            zip.write_all(content).expect("written");
        }
        Bytes::from(zip.finish().expect("an archive").into_inner())
    }

    #[test]
    fn what_is_hidden_merged_or_padded_is_told() {
        let row = |number, hidden: u8| {
            record(ROW, &[&four(number), &four(0), &[0, 0, 0, if hidden > 0 { 0x10 } else { 0 }]])
        };
        let cell = |column, format| record(CELL_RK, &[&four(column), &four(format), &four(0)]);
        let sheet = [
            record(COLUMNS, &[&four(1), &four(2), &four(0), &four(0), &[1, 0]]),
            row(0, 0),
            cell(0, 1),
            cell(3, 0),
            row(4, 1),
            cell(0, 0),
            record(MERGE, &[&four(0), &four(0), &four(0), &four(2)]),
            record(END_MERGES, &[]),
        ];
        let parts = Parts::of(&archive(&sheet.concat())).expect("parts");
        let facts = parts.facts("Clients");
        assert_eq!(facts.hidden_columns.iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(facts.hidden_rows.iter().collect::<Vec<_>>(), [4]);
        assert_eq!(facts.merges, [Dimensions::new((0, 0), (0, 2))]);
        let digits =
            [(0, 0), (3, 0), (4, 0), (0, 3)].map(|(row, column)| facts.digits.at(row, column));
        assert_eq!(digits, [5, 5, 0, 0]);
    }

    #[test]
    fn a_part_cut_short_tells_what_it_can() {
        let mut sheet = record(COLUMNS, &[&four(1), &four(1), &four(0), &four(0), &[1, 0]]);
        sheet.extend([ROW as u8, 200, 1, 0]);
        let parts = Parts::of(&archive(&sheet)).expect("parts");
        assert_eq!(parts.facts("Clients").hidden_columns.iter().collect::<Vec<_>>(), [1]);
    }
}
