//! The XML form of the FEC: journals hold entries, entries hold lines (`ligne`).
//!
//! A line becomes one row with what its journal and its entry say, under the names of the columns of
//! the text form. It stands on the line of the file on which its element starts.

use csv::StringRecord;
use quick_xml::{Reader, events::Event};

use super::{Content, Format, Refusal, Row, Table, Tally, container, encoding::Decoded};

/// What the XML form calls otherwise than the text form.
const OTHER_NAMES: &[(&str, &str)] =
    &[("CompteAuxNum", "CompAuxNum"), ("CompteAuxLib", "CompAuxLib")];

/// The columns of the text form, and those of cash accounting.
const COLUMNS: &[&str] = &[
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "Montant",
    "Sens",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
    "DateRglt",
    "ModeRglt",
    "NatOp",
    "IdClient",
];

/// Whether the head of a markup text is that of an accounting file.
pub(super) fn is_fec(head: &str) -> bool {
    head.contains("<comptabilite")
}

/// The table of all lines.
pub(super) fn table(decoded: Decoded) -> Result<Table, Refusal> {
    let Decoded { text, encoding, remarks } = decoded;
    let lines = lines(&text).map_err(container::damaged)?;
    let filled: Vec<usize> = (0..COLUMNS.len())
        .filter(|&at| lines.iter().any(|(_, cells)| !cells[at].is_empty()))
        .collect();
    let header: Vec<String> = filled.iter().map(|&at| COLUMNS[at].to_owned()).collect();
    let row = |(number, cells): (u32, Vec<String>)| {
        let cells: StringRecord = filled.iter().map(|&at| cells[at].as_str()).collect();
        Row { number, content: Content::Data(cells) }
    };
    let rows: Vec<Row> = lines.into_iter().map(row).collect();
    Ok(Table::of_records(Format::of("fec_xml", encoding, remarks), header, rows, Tally::default()))
}

/// An element that is open: its name, and how many values were known before it.
struct Open {
    name: String,
    known: usize,
    /// The line of the file it starts on.
    line: u32,
}

/// Line of the file and cells of each `ligne`. What an entry says behind its lines counts for them too.
fn lines(text: &str) -> Result<Vec<(u32, Vec<String>)>, String> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Open> = Vec::new();
    // The values of the elements that are open now, by column.
    let mut known: Vec<(usize, String)> = Vec::new();
    let mut value = String::new();
    let mut lines: Vec<(u32, Vec<String>)> = Vec::new();
    let mut first_of_entry = 0;
    let (mut counted, mut line) = (0usize, 1u32);
    loop {
        let before = reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|error| error.to_string())?;
        line += text.as_bytes()[counted..before].iter().filter(|b| **b == b'\n').count() as u32;
        counted = before;
        match event {
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                if name == "ecriture" {
                    first_of_entry = lines.len();
                }
                open.push(Open { name, known: known.len(), line });
                value.clear();
            }
            Event::Text(text) => value.push_str(&text),
            Event::CData(text) => value.push_str(&text),
            Event::GeneralRef(entity) => value.push_str(&character(&entity)),
            Event::End(_) => {
                let Some(element) = open.pop() else { continue };
                match element.name.as_str() {
                    "ligne" => {
                        lines.push((element.line, cells(&known)));
                        known.truncate(element.known);
                    }
                    "ecriture" => {
                        let entry = cells(&known);
                        for (_, line) in &mut lines[first_of_entry..] {
                            fill(line, &entry);
                        }
                        known.truncate(element.known);
                    }
                    "journal" | "exercice" | "comptabilite" => known.truncate(element.known),
                    name => {
                        if let Some(at) = column(name) {
                            known.push((at, value.trim().to_owned()));
                        }
                    }
                }
                value.clear();
            }
            Event::Eof if open.is_empty() => return Ok(lines),
            Event::Eof => return Err("it ends within an element".into()),
            _ => {}
        }
    }
}

fn column(name: &str) -> Option<usize> {
    let name = OTHER_NAMES.iter().find(|(other, _)| *other == name).map_or(name, |(_, name)| name);
    COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(name))
}

fn cells(known: &[(usize, String)]) -> Vec<String> {
    let mut cells = vec![String::new(); COLUMNS.len()];
    for (at, value) in known {
        cells[*at].clone_from(value);
    }
    cells
}

/// Fills the blank cells of a line with those of its entry.
fn fill(line: &mut [String], entry: &[String]) {
    for (cell, value) in line.iter_mut().zip(entry) {
        if cell.is_empty() {
            cell.clone_from(value);
        }
    }
}

/// The character that `&name;` or `&#233;` stands for. Entities that a document defines itself are not
/// expanded.
fn character(entity: &quick_xml::events::BytesRef<'_>) -> String {
    if let Ok(Some(character)) = entity.resolve_char_ref() {
        return character.to_string();
    }
    match &**entity {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => "",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<comptabilite><exercice><DateCloture>2024-12-31</DateCloture>
<journal><JournalCode>VE</JournalCode><JournalLib>Ventes</JournalLib>
<ecriture><EcritureNum>1</EcritureNum><EcritureDate>2024-01-15</EcritureDate>
<ligne><CompteNum>41100000</CompteNum><CompteLib>Clients</CompteLib>
<CompteAuxNum>C1</CompteAuxNum><CompteAuxLib>Dupont &amp; Fils</CompteAuxLib><Debit>12,00</Debit><Credit>0,00</Credit></ligne>
<ligne><CompteNum>70700000</CompteNum><CompteLib>Ventes</CompteLib><Debit>0,00</Debit><Credit>12,00</Credit></ligne>
<ValidDate>2024-01-31</ValidDate></ecriture></journal></exercice></comptabilite>"#;

    fn read(text: &str) -> Result<Table, Refusal> {
        table(Decoded { text: text.into(), encoding: String::new(), remarks: Vec::new() })
    }

    #[test]
    fn lines_carry_what_their_journal_and_entry_say() {
        let table = read(FILE).expect("it is read");
        let rows: Vec<String> = table
            .rows
            .map(|row| match row.content {
                Content::Data(cells) => {
                    format!("{} {}", row.number, cells.iter().collect::<Vec<_>>().join("|"))
                }
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            rows,
            [
                "5 VE|Ventes|1|2024-01-15|41100000|Clients|C1|Dupont & Fils|12,00|0,00|2024-01-31",
                "7 VE|Ventes|1|2024-01-15|70700000|Ventes|||0,00|12,00|2024-01-31",
            ]
        );
    }

    #[test]
    fn a_file_cut_short_is_refused() {
        assert!(read(&FILE[..FILE.len() - 40]).is_err());
    }
}
