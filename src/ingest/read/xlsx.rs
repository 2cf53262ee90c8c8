//! What calamine leaves out of an `.xlsx` file: rows and columns that are hidden, and formulas whose
//! value was never stored, as some libraries write them; and, in the same walk through a sheet, which of its
//! cells are merged. Calamine reads the values.

use std::{
    collections::BTreeMap,
    io::{self, BufReader, Read},
};

use calamine::Dimensions;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::{
    Refusal,
    bytes::Bytes,
    container,
    markup::{attribute, each_event},
    sheet::{Facts, MOST_COLUMNS, MOST_ROWS},
};

/// No byte of deflated data unpacks to more.
const MOST_DEFLATED_RATIO: u64 = 1032;

/// The parts of a workbook.
#[derive(Debug)]
pub(super) struct Parts {
    archive: Bytes,
    /// Part by name of sheet.
    sheets: BTreeMap<String, String>,
}

impl Parts {
    /// Finds the parts of the sheets.
    ///
    /// # Errors
    ///
    /// When what is read at once unpacks to more than it says.
    pub(super) fn of(archive: &Bytes) -> Result<Parts, Refusal> {
        refuse_bombs(archive)?;
        let targets = targets(archive, "xl/_rels/workbook.xml.rels");
        let mut sheets = BTreeMap::new();
        let _ = each_event(archive, "xl/workbook.xml", &mut |event| {
            if let Event::Start(start) = event
                && start.local_name().as_ref() == "sheet"
                && let (Some(name), Some(id)) = (attribute(start, "name"), attribute(start, "id"))
                && let Some(target) = targets.get(&id)
            {
                sheets.insert(name, target.clone());
            }
            Ok(true)
        });
        Ok(Parts { archive: archive.clone(), sheets })
    }

    /// What the part of a sheet says beside its cells. What cannot be read of it is not told.
    pub(super) fn facts(&self, sheet: &str) -> Facts {
        let mut survey = Survey::default();
        if let Some(part) = self.sheets.get(sheet) {
            let _ = each_event(&self.archive, part, &mut |event| Ok(survey.event(event)));
        }
        survey.facts
    }
}

/// The parts that the parts of a workbook are related to, by id.
pub(super) fn targets(archive: &Bytes, part: &str) -> BTreeMap<String, String> {
    let mut targets: BTreeMap<String, String> = BTreeMap::new();
    let _ = each_event(archive, part, &mut |event| {
        if let Event::Start(start) = event
            && let (Some(id), Some(target)) = (attribute(start, "Id"), attribute(start, "Target"))
        {
            let whole = target.starts_with(['/', '\\']) || target.starts_with("xl/");
            targets.insert(id, if whole { target } else { format!("xl/{target}") });
        }
        Ok(true)
    });
    targets
}

/// Counts what the parts that calamine reads at once really unpack to: what an archive says of its
/// members need not be true.
pub(super) fn refuse_bombs(archive: &Bytes) -> Result<(), Refusal> {
    let bound = container::most_unpacked(archive.len());
    let source = BufReader::new(archive.cursor());
    let mut archive = ZipArchive::new(source).map_err(container::damaged)?;
    for at in 0..archive.len() {
        let member = archive.by_index(at).map_err(container::damaged)?;
        let most = member.compressed_size().saturating_mul(MOST_DEFLATED_RATIO);
        if most <= bound || member.name_raw().windows(10).any(|name| name == b"worksheets") {
            continue;
        }
        let unpacked = io::copy(&mut member.take(bound + 1), &mut io::sink());
        if unpacked.map_err(container::damaged)? > bound {
            return Err(container::too_large(bound));
        }
    }
    Ok(())
}

/// What a walk through a sheet gathers.
#[derive(Default)]
struct Survey {
    facts: Facts,
    /// Rows begun so far, as files may leave out their numbers.
    next_row: u32,
    /// What is known of the cell that is being read.
    formula: bool,
    value: bool,
    text: bool,
    in_value: bool,
    /// Whether the cells are behind it.
    below: bool,
}

impl Survey {
    /// Takes in an event; `false` when no more are needed.
    fn event(&mut self, event: &Event<'_>) -> bool {
        if self.below {
            return self.event_below(event);
        }
        match event {
            Event::Start(start) => match start.local_name().as_ref() {
                "row" => {
                    let number = attribute(start, "r").and_then(|number| number.parse().ok());
                    let row = number.and_then(|number: u32| number.checked_sub(1));
                    let row = row.unwrap_or(self.next_row);
                    self.next_row = row.saturating_add(1);
                    if is_set(start, "hidden") {
                        self.facts.hidden_rows.hide(row..row.saturating_add(1));
                    }
                }
                "col" if is_set(start, "hidden") => {
                    let bound = |name: &str| attribute(start, name)?.parse::<u32>().ok();
                    if let (Some(first), Some(last)) = (bound("min"), bound("max")) {
                        let columns = first.saturating_sub(1)..last.min(MOST_COLUMNS);
                        self.facts.hidden_columns.hide(columns);
                    }
                }
                "c" => {
                    // A formula whose value is a text of no letters has one all the same.
                    // Most cells are of another type: seen before an attribute is taken apart.
                    let text = memchr::memmem::find(start.as_bytes(), b"str").is_some()
                        && attribute(start, "t").is_some_and(|kind| kind == "str");
                    (self.formula, self.value, self.text) = (false, false, text);
                }
                "f" => self.formula = true,
                "v" => {
                    self.in_value = true;
                    self.value |= self.text;
                }
                _ => {}
            },
            Event::End(end) => match end.local_name().as_ref() {
                "v" => self.in_value = false,
                "c" => self.facts.valueless += u64::from(self.formula && !self.value),
                "sheetData" => self.below = true,
                _ => {}
            },
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => self.value |= self.in_value,
            _ => {}
        }
        true
    }

    /// The same, of what stands below the cells.
    fn event_below(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Start(start) if start.local_name().as_ref() == "mergeCell" => {
                let merged = attribute(start, "ref").and_then(|cells| range(&cells));
                self.facts.merges.extend(merged);
                true
            }
            Event::End(end) => end.local_name().as_ref() != "mergeCells",
            _ => true,
        }
    }
}

/// `B2:D5`
fn range(cells: &str) -> Option<Dimensions> {
    let (start, end) = cells.split_once(':')?;
    Some(Dimensions::new(place(start)?, place(end)?))
}

/// Row and column of `B2`, from 0.
fn place(cell: &str) -> Option<(u32, u32)> {
    let (letters, digits) = cell.split_at(cell.find(|c: char| c.is_ascii_digit())?);
    let column = letters.bytes().try_fold(0u32, |column, letter| {
        let letter = u32::from(letter.to_ascii_uppercase().checked_sub(b'A')?);
        Some(column.checked_mul(26)?.checked_add(letter + 1)?)
            .filter(|&column| column <= MOST_COLUMNS)
    })?;
    let row = digits.parse::<u32>().ok()?.checked_sub(1).filter(|&row| row < MOST_ROWS)?;
    Some((row, column.checked_sub(1)?))
}

fn is_set(element: &BytesStart<'_>, name: &str) -> bool {
    attribute(element, name).is_some_and(|value| matches!(value.as_str(), "1" | "true"))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn archive(sheet: &str) -> Bytes {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for (name, content) in [
            (
                "xl/workbook.xml",
                "<workbook><sheets><sheet name=\"A &amp; B\" r:id=\"rId1\"/></sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                "<r><Relationship Id=\"rId1\" Target=\"worksheets/sheet1.xml\"/></r>",
            ),
            ("xl\\Worksheets\\sheet1.xml", sheet),
        ] {
            zip.start_file(name, options).expect("a part");
            zip.write_all(content.as_bytes()).expect("written");
        }
        Bytes::from(zip.finish().expect("an archive").into_inner())
    }

    #[test]
    fn what_is_hidden_and_what_has_no_value_is_told() {
        let sheet = "<worksheet><cols><col min=\"2\" max=\"3\" hidden=\"1\"/></cols><sheetData>\
            <row><c t=\"str\"><f>A</f><v>x</v></c><c><f>B</f><v/></c><c><f>C</f></c></row>\
            <row hidden=\"1\"/><row r=\"9\" hidden=\"true\"/></sheetData><mergeCells>\
            <mergeCell ref=\"B2:AA3\"/><mergeCell ref=\"?\"/></mergeCells></worksheet>";
        let facts = Parts::of(&archive(sheet)).expect("parts").facts("A & B");
        assert_eq!(facts.hidden_columns.iter().collect::<Vec<_>>(), [1, 2]);
        assert_eq!(facts.hidden_rows.iter().collect::<Vec<_>>(), [1, 8]);
        assert_eq!(facts.valueless, 2);
        assert_eq!(facts.merges, [Dimensions::new((1, 1), (2, 26))]);
    }
}
