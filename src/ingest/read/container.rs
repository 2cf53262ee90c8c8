//! What a file is, by its first bytes and the names of its members.

use std::io::{self, BufReader};

use zip::ZipArchive;

use super::{
    Refusal, archive,
    bytes::Bytes,
    encoding,
    ole::{self, Ole},
    sheet::MOST_COLUMNS,
};

/// How a file is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// A workbook.
    Workbook(Workbook),
    /// Text that is decoded whole.
    Page(Page),
    /// Text of some other kind, still to be decoded.
    Text,
    /// Known not to be read, or not to be a table at all.
    Refused(Refusal),
}

/// Texts that are read whole before their first row is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// A page of HTML tables.
    Html,
    /// Microsoft's symbolic link format.
    Sylk,
    /// The data interchange format of VisiCalc.
    Dif,
}

/// The workbook formats that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workbook {
    /// Office Open XML, `.xlsx` and `.xlsm`.
    Xlsx,
    /// Its binary sister.
    Xlsb,
    /// BIFF5 to BIFF8 in an OLE2 file.
    Xls,
    /// OpenDocument.
    Ods,
    /// OpenDocument in one XML file.
    Fods,
    /// Excel's XML of 2003.
    SpreadsheetMl,
}

impl Workbook {
    /// The usual extension.
    pub(super) fn name(self) -> &'static str {
        match self {
            Workbook::Xlsx => "xlsx",
            Workbook::Xlsb => "xlsb",
            Workbook::Xls => "xls",
            Workbook::Ods => "ods",
            Workbook::Fods => "fods",
            Workbook::SpreadsheetMl => "xml",
        }
    }
}

/// What decoded text holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TextKind {
    /// Rows of cells with a delimiter.
    Delimited,
    /// vCards.
    VCard,
    /// A JSON array, or one object per line.
    Json,
    /// Flags and fields of Sage 100.
    Sage,
    /// Lists of QuickBooks.
    Iif,
    /// The XML form of the FEC.
    FecXml,
}

/// First bytes of a file by which it is told what it is.
const HEAD_BYTES: u64 = 1 << 16;

/// How much of a text is looked at to tell what it is: the root of an OpenDocument file alone takes four
/// thousand bytes to say that.
const START_BYTES: usize = 1 << 14;

/// No workbook of customers holds more once unpacked; beyond this a small file that unpacks without
/// end is likelier than data.
pub(super) const MOST_UNPACKED_BYTES: u64 = 4 << 30;

/// First bytes of files that people put among exports by mistake.
const NO_TABLES: &[(&[u8], &str)] = &[
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xFF\xD8\xFF", "a picture"),
    (b"GIF8", "a picture"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"MZ", "a program"),
    (b"\x7FELF", "a program"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"\0\x01\0\0Standard Jet DB", "an Access database"),
    (b"\0\x01\0\0Standard ACE DB", "an Access database"),
    (b"!BDN", "an Outlook data file (PST)"),
    (b"PAR1", "a Parquet file"),
];

const ARCHIVES: &[&[u8]] =
    &[b"\x1F\x8B", b"7z\xBC\xAF\x27\x1C", b"Rar!", b"BZh", b"\xFD7zXZ\0", b"\x28\xB5\x2F\xFD"];

/// What the file is.
pub(super) fn of(bytes: &Bytes) -> io::Result<Container> {
    let head = bytes.part(0, HEAD_BYTES)?;
    Ok(match head.as_slice() {
        [] => Container::Refused(empty()),
        head if head.starts_with(ole::MAGIC) => of_ole2(&bytes.whole()?),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => of_zip(bytes, &head),
        head => of_head(head),
    })
}

fn of_head(bytes: &[u8]) -> Container {
    let bears = |magic: &[u8]| {
        let is_a_word = magic.iter().all(u8::is_ascii_alphanumeric);
        // A header may well start with a column `PAR1` or `MZ_CODE`.
        bytes.starts_with(magic) && !(is_a_word && control_characters(bytes) == 0)
    };
    if ARCHIVES.iter().any(|magic| bears(magic)) {
        return Container::Refused(archive());
    }
    // BIFF2 to BIFF5 without OLE2: record BOF, its length, then version and kind of sheet.
    if let [0x09, 0x00 | 0x02 | 0x04 | 0x08, 4..=16, 0, ..] = bytes {
        return Container::Refused(Refusal::new(
            "it is a workbook of Excel 4 or older",
            "open it in a spreadsheet and save it as .xlsx",
        ));
    }
    if let Some((_, what)) = NO_TABLES.iter().find(|(magic, _)| bears(magic)) {
        return Container::Refused(no_table(what));
    }
    if is_ebcdic(bytes) {
        return Container::Refused(Refusal::new(
            "it is written in EBCDIC, as mainframes do",
            "have it sent again as text in UTF-8; a transfer as text, not as binary, converts it",
        ));
    }
    if is_binary(bytes) {
        return Container::Refused(no_table("a binary file"));
    }
    of_text_start(bytes).unwrap_or(Container::Text)
}

/// Texts that are no rows of cells, by how they start.
fn of_text_start(bytes: &[u8]) -> Option<Container> {
    let head = encoding::decode(bytes[..bytes.len().min(START_BYTES)].to_vec()).text;
    let start = head.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if start.starts_with('<') {
        return of_markup(&start.to_ascii_lowercase());
    }
    // A comma-separated file may start with a column `ID` too.
    if start.starts_with("ID;P") {
        return Some(Container::Page(Page::Sylk));
    }
    let mut lines = start.lines().map(str::trim_end);
    (lines.next() == Some("TABLE") && lines.next() == Some("0,1"))
        .then_some(Container::Page(Page::Dif))
}

/// What the decoded text is.
pub(super) fn of_text(text: &str) -> Result<TextKind, Refusal> {
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if start.trim_matches(['\0', '\u{1a}']).is_empty() {
        return Err(empty());
    }
    let begins =
        |what: &str| start.get(..what.len()).is_some_and(|head| head.eq_ignore_ascii_case(what));
    if begins("BEGIN:VCARD") {
        return Ok(TextKind::VCard);
    }
    if start.starts_with('<') {
        let head: String = start.chars().take(START_BYTES).collect::<String>().to_ascii_lowercase();
        return Ok(match super::fec_xml::is_fec(&head) {
            true => TextKind::FecXml,
            false => TextKind::Delimited,
        });
    }
    if begins("MIME-Version:") || begins("From: <Saved by") {
        return Err(saved_as("a web archive (MHT)"));
    }
    if super::sage::is_sage(start) {
        return Ok(TextKind::Sage);
    }
    if super::iif::is_iif(text) {
        return Ok(TextKind::Iif);
    }
    if let Some(what) = ledger_without_layout(start) {
        return Err(Refusal::new(
            format!("it is {what}, whose layout has no public description"),
            "export the FEC (fichier des écritures comptables) from the accounting software, and the list of customers as text with columns",
        ));
    }
    let mut solid = start.chars().filter(|c| !c.is_whitespace());
    match (solid.next(), solid.next()) {
        (Some('['), Some('{' | ']')) | (Some('{'), Some('"' | '}')) => Ok(TextKind::Json),
        _ => Ok(TextKind::Delimited),
    }
}

/// Accounting exchange files of fixed width that tell an account from a label, but not reliably more.
fn ledger_without_layout(start: &str) -> Option<&'static str> {
    let lines: Vec<&str> = start.lines().filter(|line| !line.trim().is_empty()).take(50).collect();
    let first = lines.first()?;
    if first.starts_with("***S5") || first.starts_with("***CAE") {
        return Some("a Cegid exchange file (TRA)");
    }
    // An account of eight characters, then a journal or a label: never a delimiter.
    let is_quadra = |line: &&str| {
        line.len() >= 40
            && line.starts_with(['M', 'C'])
            && !line.contains([';', '\t', '|'])
            && line.as_bytes()[1..9].iter().all(|b| b.is_ascii_alphanumeric() || *b == b' ')
            && line.as_bytes()[1..9].iter().any(u8::is_ascii_digit)
            && (!line.starts_with('M') || line.as_bytes()[14..20].iter().all(u8::is_ascii_digit))
    };
    let entries = lines.iter().any(|line| line.starts_with('M'));
    if entries && lines.len() >= 2 && lines.iter().all(is_quadra) {
        return Some("a Quadratus exchange file");
    }
    let is_ciel = |line: &&str| line.len() >= 100 && line.len() <= 107 && line.starts_with('L');
    (lines.len() >= 2 && lines.iter().all(is_ciel))
        .then_some("a Ciel exchange file of 107 characters")
}

fn of_markup(head: &str) -> Option<Container> {
    if super::fec_xml::is_fec(head) {
        return Some(Container::Text);
    }
    const TAGS: &[&str] =
        &["<html", "<table", "<!doctype html", "<meta", "<head", "<body", "<div", "<style"];
    if head.contains("urn:schemas-microsoft-com:office:spreadsheet") && head.contains("<workbook")
        || head.contains("progid=\"excel.sheet\"")
    {
        return Some(Container::Workbook(Workbook::SpreadsheetMl));
    }
    if head.contains("<office:document") && head.contains("office:mimetype=") {
        return Some(match head.contains("application/vnd.oasis.opendocument.spreadsheet") {
            true => Container::Workbook(Workbook::Fods),
            false => Container::Refused(no_table("an office document without sheets")),
        });
    }
    if TAGS.iter().any(|tag| head.contains(tag)) {
        return Some(Container::Page(Page::Html));
    }
    head.starts_with("<?xml").then(|| {
        Container::Refused(Refusal::new(
            "it is an XML file of a kind that is not read",
            "export the data as a workbook or as text with columns",
        ))
    })
}

fn of_ole2(bytes: &[u8]) -> Container {
    let Some(ole) = Ole::open(bytes) else {
        return Container::Refused(damaged("its list of contents is missing"));
    };
    let holds = |name: &str| ole.names().any(|held| held.eq_ignore_ascii_case(name));
    if holds("EncryptedPackage") {
        return Container::Refused(password());
    }
    const BOOKS: [&str; 2] = ["Workbook", "Book"];
    if BOOKS.into_iter().any(holds) && !ole.is_sound(&BOOKS) {
        return Container::Refused(damaged("its parts refer to each other in a circle"));
    }
    if BOOKS.into_iter().any(holds) {
        return Container::Workbook(Workbook::Xls);
    }
    let message = ole.names().any(|name| name.starts_with("__substg1.0_"));
    if message || holds("WordDocument") || holds("PowerPoint Document") {
        return Container::Refused(no_table("an Office document or message"));
    }
    Container::Refused(no_table("an OLE2 file without a workbook"))
}

fn of_zip(bytes: &Bytes, head: &[u8]) -> Container {
    let Some(members) = zip_members(bytes) else {
        return Container::Refused(damaged("its table of contents, at its end, is missing"));
    };
    if members.iter().all(|(member, _)| member.ends_with('/')) {
        return Container::Refused(empty());
    }
    let unpacked = members.iter().fold(0u64, |sum, (_, size)| sum.saturating_add(*size));
    let has = |name: &str| {
        members.iter().any(|(member, _)| {
            member.trim_start_matches('/').replace('\\', "/").eq_ignore_ascii_case(name)
        })
    };
    let kind = if has("xl/workbook.bin") {
        Workbook::Xlsb
    } else if has("xl/workbook.xml")
        || has("[Content_Types].xml") && has("xl/worksheets/sheet1.xml")
    {
        Workbook::Xlsx
    } else if contains(
        &head[..head.len().min(200)],
        b"application/vnd.oasis.opendocument.spreadsheet",
    ) {
        Workbook::Ods
    } else if has("Index/Document.iwa") || has("Index.zip") {
        return Container::Refused(saved_as("an Apple Numbers document"));
    } else if has("word/document.xml") || has("ppt/presentation.xml") || has("content.xml") {
        return Container::Refused(no_table("an office document without sheets"));
    } else {
        return Container::Refused(archive());
    };
    if unpacked > most_unpacked(bytes.len()) {
        return Container::Refused(too_large(unpacked));
    }
    Container::Workbook(kind)
}

/// Names and unpacked sizes of the members of a zip file, as it says.
///
/// `None` when there is no complete directory: a file cut short has lost it.
fn zip_members(bytes: &Bytes) -> Option<Vec<(String, u64)>> {
    let zip = ZipArchive::new(BufReader::new(bytes.cursor())).ok()?;
    let member = |at| {
        let entry = zip.by_index_data(at).ok()?;
        Some((String::from_utf8_lossy(entry.name_raw()).into_owned(), entry.size()))
    };
    (0..zip.len()).map(member).collect()
}

/// Whether nearly all bytes are what EBCDIC has for letters, digits, blanks and common marks, and hardly any
/// is a blank or an end of line of other encodings.
fn is_ebcdic(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(START_BYTES)];
    if head.len() < 40 || std::str::from_utf8(head).is_ok() {
        return false;
    }
    let count = |fits: fn(&u8) -> bool| head.iter().filter(|byte| fits(byte)).count();
    let letter = |b: &u8| matches!(b, 0x81..=0x89 | 0x91..=0x99 | 0xA2..=0xA9 | 0xC1..=0xC9 | 0xD1..=0xD9 | 0xE2..=0xE9 | 0xF0..=0xF9);
    // Blank, ends of line, `. ( + & * ) ; - / , % _ > ? : # @ ' = "`.
    let mark = |b: &u8| matches!(b, 0x40 | 0x0D | 0x15 | 0x25 | 0x4B..=0x50 | 0x5B..=0x61 | 0x6B..=0x6F | 0x7A..=0x7F);
    let foreign = |b: &u8| matches!(b, b' ' | b'\n' | b'\t');
    let (letters, marks) = (count(letter), count(mark));
    (letters + marks) * 100 >= head.len() * 95
        && letters * 2 >= head.len()
        && count(foreign) * 200 <= head.len()
}

/// Whether the bytes are no text in any encoding: control characters that no text has, beyond a few.
fn is_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(HEAD_BYTES as usize)];
    let written = head.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    if encoding::wide(&head[..written]).is_some() {
        return false;
    }
    let odd = control_characters(head);
    // What was never written says nothing of what was.
    let unwritten: usize = encoding::zero_blocks(head).map(|block| block.len()).sum();
    (odd - unwritten) * 50 > head.len() - unwritten
}

/// How many control characters there are that hardly any text has.
fn control_characters(bytes: &[u8]) -> usize {
    let is_usual = |b| matches!(b, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0x1A | 0x1B | 0x03);
    bytes.iter().filter(|&&b| b < 0x20 && !is_usual(b)).count()
}

pub(super) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The most that a workbook of so many packed bytes unpacks to.
pub(super) fn most_unpacked(packed: u64) -> u64 {
    archive::fair_size(packed).min(MOST_UNPACKED_BYTES)
}

/// Refuses what unpacks to so many bytes or more.
pub(super) fn too_large(unpacked: u64) -> Refusal {
    Refusal::new(
        format!("it unpacks to {} MiB, more than a workbook of its size should", unpacked >> 20),
        "save the sheets you need as .csv",
    )
}

/// Refuses what names more columns than a table has: rows written as columns, or no table at all.
pub(super) fn too_wide() -> Refusal {
    Refusal::new(
        format!("it names more than {MOST_COLUMNS} columns, more than any table has"),
        "export it again, with one row for each customer",
    )
}

fn empty() -> Refusal {
    Refusal::new("it is empty", "export it again, or remove it")
}

fn archive() -> Refusal {
    Refusal::new("it is an archive", "unpack it and name the files in it")
}

fn no_table(what: &str) -> Refusal {
    Refusal::new(
        format!("it is {what}, not a table"),
        "export the data as text with columns or as a workbook",
    )
}

fn saved_as(what: &str) -> Refusal {
    Refusal::new(
        format!("it is a spreadsheet saved as {what}"),
        "open it in a spreadsheet and save it as .xlsx",
    )
}

pub(super) fn password() -> Refusal {
    Refusal::new(
        "it is protected by a password",
        "open it in a spreadsheet and save it without password",
    )
}

pub(super) fn damaged(why: impl std::fmt::Display) -> Refusal {
    Refusal::new(
        format!("it is damaged or cut short: {why}"),
        "copy or export it again; a spreadsheet may be able to repair it",
    )
}
