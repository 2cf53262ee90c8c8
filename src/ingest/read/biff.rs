//! What calamine leaves out of an `.xls` file: passwords of all kinds, rows and columns that are
//! hidden, number formats that carry leading zeros, code pages of old Macs and of DOS. The workbook's
//! records are walked once, beside calamine, which reads the values.

use std::{borrow::Cow, collections::BTreeMap};

use encoding_rs::WINDOWS_1252;

use super::{
    Refusal,
    cell::padded_digits,
    container,
    encoding::CodePage,
    ole::{Ole, u16_at, u32_at},
    sheet::Facts,
};

/// Cells that the sheets of a workbook may span together: calamine lays all of them out, blank ones
/// included, and takes some 30 bytes for each.
const MOST_CELLS: u64 = 50_000_000;

/// What the records say of a workbook.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// The code page to read its text by, in place of the one it names.
    pub(super) code_page: Option<u16>,
    /// How text that was read as windows-1252 is to be read instead.
    letters: Option<Vec<char>>,
    /// In the order of the workbook.
    pub(super) sheets: Vec<Facts>,
}

impl Survey {
    /// Text as the workbook's own code page has it.
    pub(super) fn read<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.letters {
            Some(letters) if !text.is_ascii() => recoded(text, letters).into(),
            _ => text.into(),
        }
    }
}

/// Letters from 0x80 of code pages that calamine and [`CodePage`] do not know. Generated from the tables of Unicode
/// (VENDORS/APPLE and VENDORS/MICSFT).
const LETTERS: &[(u16, &str)] = &[
    // DOS, Central Europe.
    (
        852,
        concat!(
            "ÇüéâäůćçłëŐőîŹÄĆÉĹĺôöĽľŚśÖÜŤťŁ×čáíóúĄąŽžĘę¬źČş«»░▒▓│┤ÁÂĚŞ╣║╗╝Żż┐└┴┬├─┼Ăă╚╔╩╦╠═╬¤đĐĎËďŇÍÎě┘┌█▄ŢŮ▀",
            "ÓßÔŃńňŠšŔÚŕŰýÝţ´\u{ad}˝˛ˇ˘§÷¸°¨˙űŘř■\u{a0}"
        ),
    ),
    // Macintosh, Greece.
    (
        10006,
        concat!(
            "Ä¹²É³ÖÜ΅àâä΄¨çéèêë£™îï•½‰ôö¦€ùûü†ΓΔΘΛΞΠß®©ΣΪ§≠°·Α±≤≥¥ΒΕΖΗΙΚΜΦΫΨΩάΝ¬ΟΡ≈Τ«»…\u{a0}ΥΧΆΈœ–―“”‘’÷ΉΊΌΎέήίόΏύ",
            "αβψδεφγηιξκλμνοπώρστθωςχυζϊϋΐΰ\u{ad}"
        ),
    ),
    // Macintosh, Central Europe.
    (
        10029,
        concat!(
            "ÄĀāÉĄÖÜáąČäčĆćéŹźĎíďĒēĖóėôöõúĚěü†°Ę£§•¶ß®©™ę¨≠ģĮįĪ≤≥īĶ∂∑łĻļĽľĹĺŅņŃ¬√ńŇ∆«»…\u{a0}ňŐÕőŌ–—“”‘’÷◊ōŔŕŘ‹›řŖŗ",
            "Š‚„šŚśÁŤťÍŽžŪÓÔūŮÚůŰűŲųÝýķŻŁżĢˇ"
        ),
    ),
    // Macintosh, Turkey.
    (
        10081,
        concat!(
            "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸĞğİıŞş",
            "‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙ\u{f8a0}ˆ˜¯˘˙˚¸˝˛ˇ"
        ),
    ),
];

/// The letters from 0x80 of a code page that calamine does not know.
fn letters_of(page: u16) -> Option<Vec<char>> {
    match page {
        437 => Some(CodePage::Ibm437.table()),
        850 => Some(CodePage::Ibm850.table()),
        858 => Some(CodePage::Ibm858.table()),
        page => {
            let listed = LETTERS.iter().find(|(known, _)| *known == page);
            listed.map(|(_, letters)| letters.chars().collect())
        }
    }
}

/// Reads text that was taken for windows-1252, whose every byte is a letter, by other letters.
fn recoded(text: &str, letters: &[char]) -> String {
    let (bytes, _, lost) = WINDOWS_1252.encode(text);
    if lost {
        return text.to_owned();
    }
    let letter = |byte: u8| match byte.checked_sub(0x80) {
        Some(high) => letters.get(usize::from(high)).copied().unwrap_or('\u{fffd}'),
        None => char::from(byte),
    };
    bytes.iter().map(|&byte| letter(byte)).collect()
}

/// Walks the records of a workbook.
///
/// # Errors
///
/// When it is protected by a password, or would not fit into memory. What is damaged is left for
/// calamine to find.
pub(super) fn survey(bytes: &[u8]) -> Result<Survey, Refusal> {
    let stream = Ole::open(bytes)
        .and_then(|ole| ole.stream("Workbook").or_else(|| ole.stream("Book")))
        .unwrap_or_default();
    let globals = Globals::of(&stream);
    if globals.encrypted {
        return Err(container::password());
    }
    let (code_page, letters) = globals.code_page();
    let mut cells = 0;
    let mut sheets = Vec::new();
    for &start in &globals.sheets {
        let (facts, spanned) = sheet_survey(&stream, start, &globals.digits());
        cells += spanned;
        sheets.push(facts);
    }
    if cells > MOST_CELLS {
        return Err(Refusal::new(
            format!("its sheets span {cells} cells, more than can be held in this format"),
            "open it in a spreadsheet and save it as .xlsx",
        ));
    }
    Ok(Survey { code_page, letters, sheets })
}

const BOF: u16 = 0x0809;
const EOF: u16 = 0x000A;

/// The records of a substream, from its BOF to its EOF, those of substreams within it left out.
fn records(stream: &[u8], start: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut at = start;
    let mut depth = 0u32;
    std::iter::from_fn(move || {
        loop {
            let (kind, length) = (u16_at(stream, at)?, usize::from(u16_at(stream, at + 2)?));
            let data = stream.get(at + 4..at + 4 + length)?;
            at += 4 + length;
            match kind {
                BOF => {
                    depth += 1;
                    if depth == 1 {
                        return Some((kind, data));
                    }
                }
                EOF if depth <= 1 => return None,
                EOF => depth -= 1,
                _ if depth > 1 => {}
                _ => return Some((kind, data)),
            }
        }
    })
}

/// What the first substream says.
#[derive(Default)]
struct Globals {
    /// BIFF8, whose text is Unicode.
    unicode: bool,
    encrypted: bool,
    named_code_page: Option<u16>,
    /// Number formats by their number.
    formats: BTreeMap<u16, usize>,
    /// The number format of each cell format.
    cell_formats: Vec<u16>,
    /// Where the sheets start.
    sheets: Vec<usize>,
}

impl Globals {
    fn of(stream: &[u8]) -> Globals {
        let mut globals = Globals::default();
        for (kind, data) in records(stream, 0) {
            match kind {
                BOF => globals.unicode = u16_at(data, 0) == Some(0x0600),
                0x002F => globals.encrypted = true,
                0x0042 => globals.named_code_page = u16_at(data, 0),
                0x041E => globals.format(data),
                0x00E0 => globals.cell_formats.push(u16_at(data, 2).unwrap_or(0)),
                0x0085 => globals.sheets.extend(u32_at(data, 0).map(|at| at as usize)),
                _ => {}
            }
        }
        globals
    }

    fn format(&mut self, data: &[u8]) {
        let Some(number) = u16_at(data, 0) else { return };
        // Formats that matter here are of digits: one byte each, or two in wide text.
        let text = match (self.unicode, data.get(4)) {
            (true, Some(wide)) => {
                let wide = usize::from(wide & 1) + 1;
                data.get(5..).unwrap_or_default().iter().step_by(wide).copied().collect()
            }
            (true, None) => Vec::new(),
            (false, _) => data.get(3..).unwrap_or_default().to_vec(),
        };
        let text: String = text.into_iter().map(char::from).collect();
        self.formats.insert(number, padded_digits(&text));
    }

    /// For each cell format the digits that it always shows.
    fn digits(&self) -> Vec<usize> {
        let formats = self.cell_formats.iter();
        formats.map(|number| self.formats.get(number).copied().unwrap_or(0)).collect()
    }

    /// The code page to force on calamine, and the letters to put in place of its own.
    fn code_page(&self) -> (Option<u16>, Option<Vec<char>>) {
        match self.named_code_page {
            // Text of BIFF8 is Unicode, whatever page the program that wrote it names.
            _ if self.unicode => (Some(1200), None),
            // ASCII; the two old names of Mac Roman and of windows-1252.
            Some(367 | 32769) | None => (Some(1252), None),
            Some(32768) => (Some(10000), None),
            Some(page) => match letters_of(page) {
                Some(letters) => (Some(1252), Some(letters)),
                None => (None, None),
            },
        }
    }
}

/// A sheet, and how many cells it spans.
fn sheet_survey(stream: &[u8], start: usize, digits: &[usize]) -> (Facts, u64) {
    let mut facts = Facts::default();
    let mut end = (0u64, 0u64);
    let digits_of = |format: Option<u16>| {
        format.and_then(|format| digits.get(usize::from(format))).copied().unwrap_or(0)
    };
    for (kind, data) in records(stream, start) {
        let (first, second) = (u16_at(data, 0), u16_at(data, 2));
        let (Some(first), Some(second)) = (first, second) else { continue };
        let (row, column) = (u32::from(first), u32::from(second));
        match kind {
            // ROW: not shown when its height is zero.
            0x0208 if u16_at(data, 12).is_some_and(|flags| flags & 0x20 != 0) => {
                facts.hidden_rows.hide(row..row + 1);
            }
            // COLINFO: first and last column.
            0x007D if u16_at(data, 8).is_some_and(|flags| flags & 1 != 0) => {
                facts.hidden_columns.hide(row..column.min(0xFF) + 1);
            }
            // DIMENSIONS, for which calamine makes room: rows from and to, columns from and to.
            0x0200 => {
                let rows = match data.len() {
                    14.. => u32_at(data, 4).unwrap_or(0),
                    _ => column,
                };
                let columns = u16_at(data, if data.len() >= 14 { 10 } else { 6 }).unwrap_or(0);
                end = (end.0.max(rows.into()), end.1.max(columns.into()));
            }
            // NUMBER, RK, FORMULA.
            0x0203 | 0x027E | 0x0006 => {
                facts.digits.set(row, column, digits_of(u16_at(data, 4)));
            }
            // MULRK: a cell format and a value for each column.
            0x00BD => {
                let cells = data.len().saturating_sub(6) / 6;
                for (cell, column) in (0..cells).zip(column..) {
                    facts.digits.set(row, column, digits_of(u16_at(data, 4 + cell * 6)));
                }
            }
            _ => {}
        }
        // Cells of any kind: row and column.
        if matches!(kind, 0x0203..=0x0205 | 0x027E | 0x0006 | 0x00FD | 0x00D6 | 0x00BD) {
            let last = u16_at(data, data.len().saturating_sub(2)).unwrap_or(0);
            let column = if kind == 0x00BD { column.max(last.into()) } else { column };
            end = (end.0.max(u64::from(row) + 1), end.1.max(u64::from(column) + 1));
        }
    }
    (facts, end.0 * end.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        let mut record = kind.to_le_bytes().to_vec();
        record.extend((data.len() as u16).to_le_bytes());
        record.extend(data);
        record
    }

    #[test]
    fn code_pages_have_128_letters() {
        for (page, letters) in LETTERS {
            assert_eq!(letters.chars().count(), 128, "{page}");
        }
        let polish = letters_of(10029).expect("it is listed");
        // `Ładowność` in Mac Central Europe, taken for windows-1252.
        let taken = WINDOWS_1252.decode_without_bom_handling(b"\xFCadowno\xE6\x8D").0;
        assert_eq!(recoded(&taken, &polish), "Ładowność");
    }

    #[test]
    fn records_of_a_chart_within_a_sheet_are_none_of_the_sheet() {
        let mut stream = record(BOF, &[0, 6]);
        stream.extend(record(0x0203, &[1, 0, 2, 0]));
        stream.extend(record(BOF, &[0, 6]));
        stream.extend(record(0x0203, &[9, 0, 9, 0]));
        stream.extend(record(EOF, &[]));
        stream.extend(record(0x0204, &[3, 0, 4, 0]));
        stream.extend(record(EOF, &[]));
        stream.extend(record(0x0204, &[7, 0, 7, 0]));
        let kinds: Vec<u16> = records(&stream, 0).map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [BOF, 0x0203, 0x0204]);
    }

    #[test]
    fn a_workbook_that_says_it_is_huge_is_refused_before_room_is_made() {
        let (_, cells) = sheet_survey(
            &[
                record(BOF, &[0, 6]),
                record(0x0200, &[0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1, 0, 0]),
            ]
            .concat(),
            0,
            &[],
        );
        assert!(cells > MOST_CELLS);
    }
}
