//! From bytes to text: byte order marks, UTF-8 checked over the whole file, and for the rest the
//! single-byte code page whose letters make sense.

use std::ops::Range;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, MACINTOSH, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A file's text.
#[derive(Debug)]
pub(super) struct Decoded {
    /// All of it, without byte order mark and without what follows a DOS end-of-file mark.
    pub(super) text: String,
    /// What it was written in: `UTF-8`, `windows-1252`, `IBM850`...
    pub(super) encoding: String,
    /// What was noticed.
    pub(super) remarks: Vec<String>,
}

/// How much of a file is looked at to choose among code pages.
const SAMPLE_BYTES: usize = 1 << 20;

/// Below this score for each character beyond ASCII, western letters make little sense, and another
/// alphabet is worth a thought. French comes to about 3, German and Spanish to 1.
const POOR_WESTERN_SCORE: i64 = 1;

/// Letters with accents for each ten without, at most, in a western language (Vietnamese apart); of
/// Greek and Cyrillic text most letters are beyond ASCII.
const MOST_ACCENTED_TENTHS: i64 = 5;

/// Decodes a whole file. Nothing is lost: what no encoding explains becomes U+FFFD, and is counted.
pub(super) fn decode(bytes: Vec<u8>) -> Decoded {
    let mut decoded = match wide(&bytes) {
        Some(wide) => wide.decode(&bytes),
        None => decode_narrow(bytes),
    };
    clean_up(&mut decoded);
    decoded
}

/// An encoding of two or four bytes per character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wide {
    Utf16Le,
    Utf16Be,
    Utf32Le,
    Utf32Be,
}

/// The wide encoding of `bytes`, by byte order mark or by where the zero bytes stand.
pub(super) fn wide(bytes: &[u8]) -> Option<Wide> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] => return Some(Wide::Utf32Le),
        [0, 0, 0xFE, 0xFF, ..] => return Some(Wide::Utf32Be),
        [0xFF, 0xFE, ..] => return Some(Wide::Utf16Le),
        [0xFE, 0xFF, ..] => return Some(Wide::Utf16Be),
        _ => {}
    }
    // Without a mark: in western text half of the bytes of UTF-16 are zero, all on one side.
    let head = &bytes[..bytes.len().min(4096) & !3];
    if head.len() < 4 {
        return None;
    }
    let mut zeros = [0usize; 4];
    for (at, _) in head.iter().enumerate().filter(|(_, b)| **b == 0) {
        zeros[at % 4] += 1;
    }
    let quarter = head.len() / 4;
    let many = |at: usize| zeros[at] * 10 >= quarter * 7;
    let none = |at: usize| zeros[at] * 20 <= quarter;
    match () {
        () if none(0) && many(1) && many(2) && many(3) => Some(Wide::Utf32Le),
        () if many(0) && many(1) && many(2) && none(3) => Some(Wide::Utf32Be),
        () if none(0) && none(2) && many(1) && many(3) => Some(Wide::Utf16Le),
        () if many(0) && many(2) && none(1) && none(3) => Some(Wide::Utf16Be),
        () => None,
    }
}

impl Wide {
    fn decode(self, bytes: &[u8]) -> Decoded {
        let (text, encoding) = match self {
            Wide::Utf16Le => (UTF_16LE.decode_with_bom_removal(bytes).0.into_owned(), "UTF-16LE"),
            Wide::Utf16Be => (UTF_16BE.decode_with_bom_removal(bytes).0.into_owned(), "UTF-16BE"),
            Wide::Utf32Le => (utf32(bytes, u32::from_le_bytes), "UTF-32LE"),
            Wide::Utf32Be => (utf32(bytes, u32::from_be_bytes), "UTF-32BE"),
        };
        Decoded { text, encoding: encoding.into(), remarks: Vec::new() }
    }
}

fn utf32(bytes: &[u8], code: fn([u8; 4]) -> u32) -> String {
    let (units, rest) = bytes.as_chunks::<4>();
    let mut text: String =
        units.iter().map(|&unit| char::from_u32(code(unit)).unwrap_or('\u{fffd}')).collect();
    if !rest.is_empty() {
        text.push('\u{fffd}');
    }
    text
}

fn decode_narrow(bytes: Vec<u8>) -> Decoded {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => {
            return Decoded { text, encoding: "UTF-8".into(), remarks: Vec::new() };
        }
        Err(error) => error.into_bytes(),
    };
    let lines = Lines::of(&bytes);
    let page = CodePage::guess(&lines.sample);
    if lines.utf8 >= lines.invalid {
        return decode_by_line(&bytes, page, lines.invalid);
    }
    // Fewer lines of UTF-8 than of something else: single cells pasted in from elsewhere, which
    // are mangled accents like any other and repaired cell by cell.
    Decoded { text: page.decode(&bytes), encoding: page.name().into(), remarks: Vec::new() }
}

/// What lines are beyond ASCII.
struct Lines {
    /// Lines of valid UTF-8 that are not ASCII.
    utf8: usize,
    /// Lines that are not UTF-8.
    invalid: usize,
    /// The first of these, to choose a code page by.
    sample: Vec<u8>,
}

impl Lines {
    fn of(bytes: &[u8]) -> Lines {
        let mut lines = Lines { utf8: 0, invalid: 0, sample: Vec::new() };
        for line in bytes.split_inclusive(|&b| b == b'\n') {
            if line.is_ascii() {
                continue;
            }
            if std::str::from_utf8(line).is_ok() {
                lines.utf8 += 1;
            } else {
                lines.invalid += 1;
                if lines.sample.len() < SAMPLE_BYTES {
                    lines.sample.extend_from_slice(line);
                }
            }
        }
        lines
    }
}

fn decode_by_line(bytes: &[u8], page: CodePage, invalid: usize) -> Decoded {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 16);
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        match std::str::from_utf8(line) {
            Ok(line) => text.push_str(line),
            Err(_) => text.push_str(&page.decode(line)),
        }
    }
    let lines = if invalid == 1 { "one line was".into() } else { format!("{invalid} lines were") };
    Decoded {
        text,
        encoding: "UTF-8".into(),
        remarks: vec![format!("{lines} not UTF-8 and read as {}", page.name())],
    }
}

fn clean_up(decoded: &mut Decoded) {
    if decoded.text.starts_with('\u{feff}') {
        decoded.text.drain(..'\u{feff}'.len_utf8());
    }
    // DOS programs end a text with ^Z, and fill up the last block behind it.
    let end = decoded.text.trim_end_matches(['\u{1a}', '\0', '\r', '\n', ' ']).len();
    if let Some(mark) = decoded.text[end..].find('\u{1a}') {
        decoded.text.truncate(end + mark);
    }
    if decoded.text.contains('\0') {
        decoded.text.retain(|c| c != '\0');
        decoded.remarks.push("zero bytes were removed".into());
    }
    let lost = decoded.text.matches('\u{fffd}').count();
    if lost > 0 {
        decoded.remarks.push(format!("characters lost before or in this file (U+FFFD): {lost}"));
    }
}

/// A code page of one byte per character (or of several, for what chardetng alone knows).
#[derive(Debug, Clone, Copy)]
enum CodePage {
    Windows1252,
    Iso8859_15,
    Ibm850,
    Macintosh,
    Other(&'static Encoding),
}

/// Code page 850 from 0x80, with the euro sign of its later form (858) in place of the dotless i,
/// which no customer file in that code page has.
const IBM850: &str = concat!(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»",
    "░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈ€ÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}"
);

impl CodePage {
    fn guess(sample: &[u8]) -> CodePage {
        let high = sample.iter().filter(|b| !b.is_ascii()).count() as i64;
        let western = [CodePage::Windows1252, CodePage::Ibm850, CodePage::Macintosh];
        let (score, best) = western
            .into_iter()
            .map(|page| (page.score(sample), page))
            // The first of equals wins: windows-1252 is by far the commonest.
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .expect("there are candidates");
        let plain = sample.iter().filter(|b| b.is_ascii_alphabetic()).count() as i64;
        if score < POOR_WESTERN_SCORE * high || high > plain * MOST_ACCENTED_TENTHS / 10 {
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            detector.feed(sample, true);
            let other = detector.guess(None, Utf8Detection::Deny);
            if other != WINDOWS_1252 {
                return CodePage::Other(other);
            }
        }
        match best {
            CodePage::Windows1252 if is_iso_8859_15(sample) => CodePage::Iso8859_15,
            best => best,
        }
    }

    fn name(self) -> &'static str {
        match self {
            CodePage::Windows1252 => "windows-1252",
            CodePage::Iso8859_15 => "ISO-8859-15",
            CodePage::Ibm850 => "IBM850",
            CodePage::Macintosh => "macintosh",
            CodePage::Other(encoding) => encoding.name(),
        }
    }

    fn decode(self, bytes: &[u8]) -> String {
        let encoding = match self {
            CodePage::Windows1252 => WINDOWS_1252,
            CodePage::Iso8859_15 => encoding_rs::ISO_8859_15,
            CodePage::Macintosh => MACINTOSH,
            CodePage::Other(encoding) => encoding,
            CodePage::Ibm850 => {
                let table = self.table();
                return bytes
                    .iter()
                    .map(|&b| if b.is_ascii() { char::from(b) } else { table[b as usize - 128] })
                    .collect();
            }
        };
        encoding.decode_without_bom_handling(bytes).0.into_owned()
    }

    /// The characters of 0x80 to 0xFF.
    fn table(self) -> Vec<char> {
        match self {
            CodePage::Ibm850 => IBM850.chars().collect(),
            page => (0x80..=0xFF)
                .map(|b| page.decode(&[b]).chars().next().unwrap_or('\u{fffd}'))
                .collect(),
        }
    }

    /// How much sense the letters make, read in this code page.
    fn score(self, sample: &[u8]) -> i64 {
        let table = self.table();
        let is_letter = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphabetic() || *b >= 0x80);
        let mut score = 0;
        for (at, &byte) in sample.iter().enumerate().filter(|(_, b)| **b >= 0x80) {
            let around: Range<Option<&u8>> =
                at.checked_sub(1).and_then(|before| sample.get(before))..sample.get(at + 1);
            let in_word = is_letter(around.start) && is_letter(around.end);
            score += plausibility(table[byte as usize - 128], around, in_word);
        }
        score
    }
}

/// How likely a character is at its place in western text. The scale is rough: a letter that French
/// is full of against a sign that no word contains.
fn plausibility(c: char, around: Range<Option<&u8>>, in_word: bool) -> i64 {
    let after_lower = around.start.is_some_and(u8::is_ascii_lowercase);
    let among_upper = around.start.is_some_and(u8::is_ascii_uppercase)
        && around.end.is_some_and(u8::is_ascii_uppercase);
    match c {
        '\u{80}'..='\u{9f}' | '\u{fffd}' => -8,
        _ if c.is_uppercase() && after_lower => -3,
        _ if c.is_lowercase() && among_upper => -3,
        'é' | 'É' => 4,
        'è' | 'à' | 'ç' | 'ê' | 'È' | 'À' | 'Ç' | 'Ê' | 'ü' | 'ö' | 'ä' | 'ß' | 'ñ' | 'ó' => {
            3
        }
        'í' | 'á' | 'ô' | 'î' | 'û' | 'â' | 'ë' | 'ï' | 'œ' | 'ù' | 'Ü' | 'Ö' | 'Ä' | 'Ñ' => {
            2
        }
        'Ô' | 'Î' | 'Â' | 'Û' | 'Ë' | 'Ï' | 'Œ' | 'ú' | 'ò' | 'ì' | 'ã' | 'õ' | 'å' | 'ø' | 'æ' => {
            1
        }
        _ if c.is_alphabetic() => 0,
        '’' => 1,
        _ if in_word => -4,
        '°' | '€' | '«' | '»' | '–' | '—' | '…' | '“' | '”' | '‘' | '§' | '²' | '•' | '\u{a0}' => {
            1
        }
        '─'..='▟' => -4,
        _ => -1,
    }
}

/// Whether text that could be either shows signs of ISO-8859-15: nothing in the range that only
/// windows-1252 has, and the letters or the euro sign that replaced fractions and `¤`.
fn is_iso_8859_15(sample: &[u8]) -> bool {
    let windows_only = sample.iter().any(|b| matches!(b, 0x80..=0x9F));
    !windows_only
        && sample.iter().enumerate().any(|(at, b)| {
            let before = at.checked_sub(1).map_or(b' ', |before| sample[before]);
            // Behind another byte beyond ASCII it may be half of a mangled accent.
            let starts_word =
                before.is_ascii() && sample.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
            match b {
                0xA4 => before.is_ascii(),
                0xBC | 0xBD | 0xA6 | 0xA8 | 0xB4 | 0xB8 | 0xBE => starts_word,
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRENCH: &str = "Société;Prénom\r\nPRÉCITECH;Hélène Lefèvre à Besançon, n° 5, l'hôtel\r\n";

    fn encoded(text: &str, page: CodePage) -> Vec<u8> {
        let table = page.table();
        text.chars()
            .map(|c| match table.iter().position(|&t| t == c) {
                Some(at) => at as u8 + 128,
                None => u8::try_from(c).expect("an ASCII character"),
            })
            .collect()
    }

    fn assert_decodes(bytes: Vec<u8>, text: &str, encoding: &str) {
        let decoded = decode(bytes);
        assert_eq!((decoded.text.as_str(), decoded.encoding.as_str()), (text, encoding));
    }

    #[test]
    fn the_code_page_is_told_by_its_letters() {
        for page in [CodePage::Windows1252, CodePage::Ibm850, CodePage::Macintosh] {
            assert_decodes(encoded(FRENCH, page), FRENCH, page.name());
        }
        let text = "CompteLib\nŒuvres de l'été\n12 €\n";
        assert_decodes(encoded(text, CodePage::Iso8859_15), text, "ISO-8859-15");
    }

    #[test]
    fn capitals_and_few_letters_are_enough() {
        for page in [CodePage::Windows1252, CodePage::Ibm850, CodePage::Macintosh] {
            for text in ["Prénom", "SOCIÉTÉ GÉNÉRALE", "Müller", "Besançon", "Peña"] {
                assert_decodes(encoded(text, page), text, page.name());
            }
        }
    }

    #[test]
    fn byte_order_marks_are_honoured_and_dropped() {
        assert_decodes(b"\xEF\xBB\xBFa;\xC3\xA9".to_vec(), "a;é", "UTF-8");
        assert_decodes(b"\xFF\xFEa\0\t\0\xE9\0".to_vec(), "a\té", "UTF-16LE");
        assert_decodes(b"\xFE\xFF\0a\0\t\0\xE9".to_vec(), "a\té", "UTF-16BE");
        assert_decodes(b"\xFF\xFE\0\0a\0\0\0\xE9\0\0\0".to_vec(), "aé", "UTF-32LE");
        assert_decodes(b"\0\0\xFE\xFF\0\0\0a\0\0\0\xE9".to_vec(), "aé", "UTF-32BE");
    }

    #[test]
    fn utf_16_without_mark_is_told_by_its_zero_bytes() {
        let text = "Nom;Ville\r\nHélène;Orléans\r\n";
        let little = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_decodes(little, text, "UTF-16LE");
        assert_decodes(big, text, "UTF-16BE");
    }

    #[test]
    fn a_few_lines_of_another_encoding_are_decoded_by_line() {
        let mut bytes = "Prénom\nHélène\nJérôme\nZoé\n".as_bytes().to_vec();
        bytes.extend_from_slice(b"Andr\xE9\n");
        let decoded = decode(bytes);
        assert_eq!(decoded.text, "Prénom\nHélène\nJérôme\nZoé\nAndré\n");
        assert_eq!(decoded.remarks, ["one line was not UTF-8 and read as windows-1252"]);
    }

    #[test]
    fn the_end_of_file_mark_of_dos_ends_the_text() {
        assert_decodes(b"a\nb\n\x1A".to_vec(), "a\nb\n", "UTF-8");
        assert_decodes(b"a\nb\x1A\x1A\0\0".to_vec(), "a\nb", "UTF-8");
        assert_decodes(b"a\x1Ab\n".to_vec(), "a\u{1a}b\n", "UTF-8");
    }
}
