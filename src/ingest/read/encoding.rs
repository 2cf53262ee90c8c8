//! From bytes to text: byte order marks, UTF-8 checked over the whole file, and for the rest the
//! single-byte code page whose letters make sense.
//!
//! A file is looked through once to learn how it is written, and then decoded piece by piece while it is
//! read, so that its size does not matter.

use std::{io, ops::Range};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, MACINTOSH, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{alphabet, bytes::Bytes};

/// A file's text, all of it.
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

/// How much is read and decoded at a time.
const CHUNK_BYTES: usize = 1 << 18;

/// A line that is longer than this is cut: a file without ends of lines is no table.
const MOST_LINE_BYTES: usize = 8 << 20;

/// Below this score for each character beyond ASCII, western letters make little sense, and another
/// alphabet is worth a thought. French comes to about 3, German and Spanish to 1.
const POOR_WESTERN_SCORE: i64 = 1;

/// Letters with accents for each ten without, at most, in a western language (Vietnamese apart); of
/// Greek and Cyrillic text most letters are beyond ASCII.
const MOST_ACCENTED_TENTHS: i64 = 5;

/// Decodes a whole file. Nothing is lost: what no encoding explains becomes U+FFFD, and is counted.
pub(super) fn decode(bytes: Vec<u8>) -> Decoded {
    let text = Text::of(Bytes::from(bytes)).and_then(Text::whole);
    text.expect("bytes in memory can be read")
}

/// A file of text: how it is written is known, and it is decoded while it is read.
#[derive(Debug, Clone)]
pub(super) struct Text {
    bytes: Bytes,
    how: How,
    /// Where the text starts, behind its byte order mark, and where it ends.
    within: Range<u64>,
    /// Whether it holds zero bytes, which mean nothing.
    drop_zeros: bool,
    /// Whether a part of it is lost: a block of zeros stands in its place.
    is_torn: bool,
    /// What was counted while UTF-8 was checked.
    signs: Option<Signs>,
    /// What it was written in: `UTF-8`, `windows-1252`, `IBM850`...
    pub(super) encoding: String,
    /// What was noticed.
    pub(super) remarks: Vec<String>,
}

/// How text is written.
#[derive(Debug, Clone, Copy)]
enum How {
    Utf8,
    /// UTF-8, but for some lines.
    Lines(CodePage),
    Page(CodePage),
    Wide(Wide),
}

impl Text {
    /// Looks through the whole file.
    pub(super) fn of(bytes: Bytes) -> io::Result<Text> {
        let written = written(&bytes)?;
        let head = bytes.part(0, written.min(4096))?;
        let ends_in_zeros = written < bytes.len();
        let mut text = match wide(&head) {
            Some(wide) => {
                // Zeros are half of its letters: those of the last one stay.
                let end = written.next_multiple_of(wide.unit_bytes()).min(bytes.len());
                let within = wide.mark_length(&head)..end;
                Text { encoding: wide.name().into(), ..Text::new(bytes, How::Wide(wide), within) }
            }
            None => Text::narrow(bytes, &head, written)?,
        };
        let signs = match text.signs.take() {
            Some(signs) => signs,
            None => text.count_signs()?,
        };
        text.is_torn = signs.zero_block;
        text.drop_zeros = signs.zeros > 0;
        if ends_in_zeros {
            text.remarks.push("the zeros that the file ends in were left out".into());
        }
        if signs.zeros > 0 {
            text.remarks.push("zero bytes were removed".into());
        }
        if signs.lost > 0 {
            let lost = signs.lost;
            text.remarks.push(format!("characters lost before or in this file (U+FFFD): {lost}"));
        }
        Ok(text)
    }

    /// A file whose encoding is declared, if there is a name and it [is known](is_known); but for one that
    /// says by a byte order mark that it is in another.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or was found to have lost a part.
    pub(super) fn declared(bytes: Bytes, name: &str) -> io::Result<Text> {
        let page = CodePage::named(name).filter(|page| page.name() != "UTF-8");
        let head = bytes.part(0, 4)?;
        let marked = [&b"\xEF\xBB\xBF"[..], b"\xFF\xFE", b"\xFE\xFF"];
        let is_marked = marked.iter().any(|mark| head.starts_with(mark));
        let Some(page) = page.filter(|_| !is_marked) else {
            let text = Text::of(bytes)?;
            let why = "a block of zeros stands in it, where data were lost";
            let torn = || io::Error::new(io::ErrorKind::InvalidData, why);
            return if text.is_torn { Err(torn()) } else { Ok(text) };
        };
        let within = 0..end_of_text(&bytes, written(&bytes)?)?;
        Ok(Text { encoding: page.name().into(), ..Text::new(bytes, How::Page(page), within) })
    }

    /// Whether all of it is UTF-8.
    pub(super) fn is_utf8(&self) -> bool {
        matches!(self.how, How::Utf8)
    }

    /// Whether the bytes are the text as they lie there, to the last one.
    pub(super) fn is_as_stored(&self) -> bool {
        self.is_utf8() && !self.drop_zeros && self.within == (0..self.bytes.len())
    }

    /// Text that is UTF-8 already.
    #[cfg(test)]
    pub(super) fn from_utf8(text: &str) -> Text {
        Text::of(Bytes::from(text.as_bytes().to_vec())).expect("bytes in memory can be read")
    }

    fn new(bytes: Bytes, how: How, within: Range<u64>) -> Text {
        let (encoding, remarks) = ("UTF-8".into(), Vec::new());
        let (drop_zeros, is_torn, signs) = (false, false, None);
        Text { bytes, how, within, drop_zeros, is_torn, signs, encoding, remarks }
    }

    fn narrow(bytes: Bytes, head: &[u8], written: u64) -> io::Result<Text> {
        let start = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let within = start..end_of_text(&bytes, written)?.max(start);
        let mut text = Text::new(bytes, How::Utf8, within);
        text.signs = text.check_utf8()?;
        if text.signs.is_some() {
            return Ok(text);
        }
        let lines = Lines::of(&text)?;
        let page = CodePage::guess(&lines.sample);
        if lines.utf8 >= lines.invalid {
            let n = lines.invalid;
            let lines = if n == 1 { "one line was".into() } else { format!("{n} lines were") };
            text.remarks.push(format!("{lines} not UTF-8 and read as {}", page.name()));
            text.how = How::Lines(page);
        } else {
            // Fewer lines of UTF-8 than of something else: single cells pasted in from elsewhere,
            // which are mangled accents like any other and repaired cell by cell.
            text.encoding = page.name().into();
            text.how = How::Page(page);
        }
        Ok(text)
    }

    /// The signs in a text that is UTF-8 to its end; none for any other.
    fn check_utf8(&self) -> io::Result<Option<Signs>> {
        let mut chunks = self.chunks();
        let mut chunk: Vec<u8> = Vec::new();
        let mut signs = Signs::default();
        while chunks.read_into(&mut chunk)? {
            let valid = match std::str::from_utf8(&chunk) {
                Ok(_) => chunk.len(),
                // A character that the next chunk completes.
                Err(error) if error.error_len().is_none() => error.valid_up_to(),
                Err(_) => return Ok(None),
            };
            signs.count(&chunk[..valid]);
            chunk.drain(..valid);
        }
        Ok(chunk.is_empty().then_some(signs))
    }

    /// Zero bytes and characters that were lost.
    fn count_signs(&self) -> io::Result<Signs> {
        let mut reader = self.reader();
        let mut signs = Signs::default();
        let mut text: Vec<u8> = Vec::new();
        // No piece of a text that is decoded ends within a character.
        while reader.read_into(&mut text)? {
            signs.count(&text);
            text.clear();
        }
        Ok(signs)
    }

    /// The bytes of the text, chunk by chunk.
    fn chunks(&self) -> Chunks {
        Chunks { bytes: self.bytes.clone(), within: self.within.clone() }
    }

    /// Decodes it from the start.
    pub(super) fn reader(&self) -> Reader {
        let decoding = match self.how {
            How::Utf8 => Decoding::Utf8,
            How::Lines(page) => Decoding::Lines { page, pending: Vec::new() },
            How::Page(page) => page.decoding(),
            How::Wide(wide) => wide.decoding(),
        };
        Reader { chunks: self.chunks(), decoding, drop_zeros: self.drop_zeros, ended: false }
    }

    /// The first mebibyte or so of it; a character that is cut in two is left out.
    pub(super) fn head(&self) -> io::Result<String> {
        let mut head = Vec::new();
        let mut reader = self.reader();
        while head.len() < SAMPLE_BYTES && reader.read_into(&mut head)? {}
        Ok(match String::from_utf8(head) {
            Ok(head) => head,
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let mut head = error.into_bytes();
                head.truncate(valid);
                String::from_utf8(head).expect("it is valid up to there")
            }
        })
    }

    /// All of it.
    pub(super) fn whole(self) -> io::Result<Decoded> {
        let mut reader = self.reader();
        let mut text = Vec::with_capacity((self.within.end - self.within.start) as usize);
        while reader.read_into(&mut text)? {}
        let text = String::from_utf8(text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok(Decoded { text, encoding: self.encoding, remarks: self.remarks })
    }
}

/// Counts that are worth a remark.
#[derive(Debug, Clone, Copy, Default)]
struct Signs {
    zeros: u64,
    lost: u64,
    /// Whether [`ZERO_BLOCK`] zeros or more stand in a row.
    zero_block: bool,
}

impl Signs {
    fn count(&mut self, text: &[u8]) {
        let zeros = memchr::memchr_iter(0, text).count();
        self.zeros += zeros as u64;
        self.zero_block |= zeros >= ZERO_BLOCK && zero_blocks(text).next().is_some();
        self.lost += memchr::memmem::find_iter(text, "\u{fffd}").count() as u64;
    }
}

/// So many zeros in a row are no slip of a program: part of a disk was never written, or is lost.
const ZERO_BLOCK: usize = 512;

/// Where zeros stand in a row that are lost data.
pub(super) fn zero_blocks(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at + memchr::memchr(0, &bytes[at..])?;
            at = bytes[start..].iter().position(|&b| b != 0).map_or(bytes.len(), |n| start + n);
            if at - start >= ZERO_BLOCK {
                return Some(start..at);
            }
        }
    })
}

/// Where the zeros begin that a file ends in when room was made for more than was written; its length where there
/// are none, or too few to be that.
fn written(bytes: &Bytes) -> io::Result<u64> {
    let mut end = bytes.len();
    while end > 0 {
        let start = end.saturating_sub(CHUNK_BYTES as u64);
        let chunk = bytes.part(start, end)?;
        if let Some(last) = chunk.iter().rposition(|&b| b != 0) {
            end = start + last as u64 + 1;
            break;
        }
        end = start;
    }
    let is_block = bytes.len() - end >= ZERO_BLOCK as u64;
    Ok(if is_block { end } else { bytes.len() })
}

/// Where the text ends: DOS programs end it with ^Z, and fill up the last block behind it.
fn end_of_text(bytes: &Bytes, written: u64) -> io::Result<u64> {
    let tail_at = written.saturating_sub(1 << 16);
    let tail = bytes.part(tail_at, written)?;
    let fill = |byte: &u8| matches!(byte, 0x1A | 0 | b'\r' | b'\n' | b' ');
    let end = tail.len() - tail.iter().rev().take_while(|byte| fill(byte)).count();
    let mark = memchr::memchr(0x1A, &tail[end..]);
    Ok(mark.map_or(written, |mark| tail_at + (end + mark) as u64))
}

/// The bytes of a text, chunk by chunk.
#[derive(Debug)]
struct Chunks {
    bytes: Bytes,
    within: Range<u64>,
}

impl Chunks {
    /// Adds the next chunk to `into`; `false` when there is none.
    fn read_into(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        let length = (self.within.end - self.within.start).min(CHUNK_BYTES as u64) as usize;
        let before = into.len();
        into.resize(before + length, 0);
        let read = self.bytes.read_at(self.within.start, &mut into[before..])?;
        into.truncate(before + read);
        self.within.start += read as u64;
        Ok(read > 0)
    }
}

/// Decodes a text from its start.
pub(super) struct Reader {
    chunks: Chunks,
    decoding: Decoding,
    drop_zeros: bool,
    ended: bool,
}

/// What decoding has to remember between two chunks.
enum Decoding {
    Utf8,
    Lines {
        page: CodePage,
        /// A line whose end is not read yet.
        pending: Vec<u8>,
    },
    Library(Box<Decoder>),
    /// The characters of 0x80 to 0xFF.
    Table(Vec<char>),
    Utf32 {
        code: fn([u8; 4]) -> u32,
        /// Bytes of a character that is not read to its end.
        pending: Vec<u8>,
    },
}

impl Reader {
    /// Adds the next piece of the text to `into` as UTF-8, which may end within a character; `false` when
    /// there is no more.
    pub(super) fn read_into(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        let before = into.len();
        while into.len() == before && !self.ended {
            self.read_chunk(into)?;
            if self.drop_zeros {
                let mut end = before;
                for at in before..into.len() {
                    into[end] = into[at];
                    end += usize::from(into[at] != 0);
                }
                into.truncate(end);
            }
        }
        Ok(into.len() > before)
    }

    fn read_chunk(&mut self, into: &mut Vec<u8>) -> io::Result<()> {
        if let Decoding::Utf8 = self.decoding {
            self.ended = !self.chunks.read_into(into)?;
            return Ok(());
        }
        let mut chunk = Vec::new();
        if let Decoding::Lines { pending, .. } | Decoding::Utf32 { pending, .. } =
            &mut self.decoding
        {
            std::mem::swap(&mut chunk, pending);
        }
        self.ended = !self.chunks.read_into(&mut chunk)?;
        match &mut self.decoding {
            Decoding::Utf8 => {}
            Decoding::Lines { page, pending } => {
                let end = memchr::memrchr2(b'\n', b'\r', &chunk).map_or(0, |at| at + 1);
                let whole = self.ended || chunk.len() > MOST_LINE_BYTES;
                pending.extend_from_slice(&chunk[if whole { chunk.len() } else { end }..]);
                for line in lines(&chunk[..chunk.len() - pending.len()]) {
                    match std::str::from_utf8(line) {
                        Ok(_) => into.extend_from_slice(line),
                        Err(_) => into.extend_from_slice(page.decode(line).as_bytes()),
                    }
                }
            }
            Decoding::Library(decoder) => {
                let most = decoder.max_utf8_buffer_length(chunk.len());
                let before = into.len();
                into.resize(before + most.unwrap_or(chunk.len() * 3 + 16), 0);
                let (.., written, _) =
                    decoder.decode_to_utf8(&chunk, &mut into[before..], self.ended);
                into.truncate(before + written);
            }
            Decoding::Table(table) => {
                let mut utf8 = [0; 4];
                for &byte in &chunk {
                    match byte {
                        0..=0x7F => into.push(byte),
                        _ => into.extend_from_slice(
                            table[byte as usize - 0x80].encode_utf8(&mut utf8).as_bytes(),
                        ),
                    }
                }
            }
            Decoding::Utf32 { code, pending } => {
                let (units, rest) = chunk.as_chunks::<4>();
                let mut utf8 = [0; 4];
                let known = units.iter().map(|&unit| char::from_u32(code(unit)));
                let cut = (self.ended && !rest.is_empty()).then_some(None);
                for c in known.chain(cut) {
                    let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
                    into.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
                }
                if !self.ended {
                    pending.extend_from_slice(rest);
                }
            }
        }
        Ok(())
    }
}

/// The lines of `bytes` with their ends, whichever these are; CR LF makes two, one of them empty.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split_inclusive(|b| matches!(b, b'\n' | b'\r'))
}

/// Whether there is an encoding of this name.
pub(super) fn is_known(name: &str) -> bool {
    CodePage::named(name).is_some()
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
    fn name(self) -> &'static str {
        match self {
            Wide::Utf16Le => "UTF-16LE",
            Wide::Utf16Be => "UTF-16BE",
            Wide::Utf32Le => "UTF-32LE",
            Wide::Utf32Be => "UTF-32BE",
        }
    }

    /// How many bytes a unit of it has.
    fn unit_bytes(self) -> u64 {
        match self {
            Wide::Utf16Le | Wide::Utf16Be => 2,
            Wide::Utf32Le | Wide::Utf32Be => 4,
        }
    }

    /// The length of the byte order mark, if there is one.
    fn mark_length(self, head: &[u8]) -> u64 {
        let mark: &[u8] = match self {
            Wide::Utf16Le => b"\xFF\xFE",
            Wide::Utf16Be => b"\xFE\xFF",
            Wide::Utf32Le => b"\xFF\xFE\0\0",
            Wide::Utf32Be => b"\0\0\xFE\xFF",
        };
        if head.starts_with(mark) { mark.len() as u64 } else { 0 }
    }

    fn decoding(self) -> Decoding {
        let library = |encoding: &'static Encoding| {
            Decoding::Library(Box::new(encoding.new_decoder_without_bom_handling()))
        };
        match self {
            Wide::Utf16Le => library(UTF_16LE),
            Wide::Utf16Be => library(UTF_16BE),
            Wide::Utf32Le => Decoding::Utf32 { code: u32::from_le_bytes, pending: Vec::new() },
            Wide::Utf32Be => Decoding::Utf32 { code: u32::from_be_bytes, pending: Vec::new() },
        }
    }
}

/// What lines are beyond ASCII.
#[derive(Default)]
struct Lines {
    /// Lines of valid UTF-8 that are not ASCII.
    utf8: usize,
    /// Lines that are not UTF-8.
    invalid: usize,
    /// The first of these, to choose a code page by.
    sample: Vec<u8>,
}

impl Lines {
    fn of(text: &Text) -> io::Result<Lines> {
        let mut found = Lines::default();
        let mut chunks = text.chunks();
        let mut pending = Vec::new();
        while chunks.read_into(&mut pending)? {
            let end = match memchr::memrchr2(b'\n', b'\r', &pending) {
                None if pending.len() > MOST_LINE_BYTES => pending.len(),
                end => end.map_or(0, |at| at + 1),
            };
            lines(&pending[..end]).for_each(|line| found.add(line));
            pending.drain(..end);
        }
        found.add(&pending);
        Ok(found)
    }

    fn add(&mut self, line: &[u8]) {
        if line.is_ascii() {
            return;
        }
        if std::str::from_utf8(line).is_ok() {
            self.utf8 += 1;
        } else {
            self.invalid += 1;
            if self.sample.len() < SAMPLE_BYTES {
                self.sample.extend_from_slice(line);
            }
        }
    }
}

/// A code page of one byte per character (or of several, for what chardetng alone knows).
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub(super) enum CodePage {
    Windows1252,
    Iso8859_15,
    Ibm850,
    Ibm858,
    Ibm437,
    Macintosh,
    Other(&'static Encoding),
}

/// Code page 850 from 0x80. Its later form, 858, has a euro sign in place of the dotless i.
const IBM850: &str = concat!(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»",
    "░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀",
    "ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}"
);

/// Code page 437 from 0x80: the small accents of 850, few capitals, more lines and Greek.
const IBM437: &str = concat!(
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»",
    "░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀",
    "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}"
);

impl CodePage {
    fn guess(sample: &[u8]) -> CodePage {
        let high = sample.iter().filter(|b| !b.is_ascii()).count() as i64;
        let western =
            [CodePage::Windows1252, CodePage::Ibm850, CodePage::Ibm437, CodePage::Macintosh];
        let (score, best) = western
            .into_iter()
            .map(|page| (page.score(sample), page))
            // The first of equals wins: windows-1252 is by far the commonest.
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .expect("there are candidates");
        if let Some(page) = alphabet::tell(sample, &best.table()) {
            return CodePage::Other(page);
        }
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
            // The dotless i is in no customer file of that code page.
            CodePage::Ibm850 if sample.contains(&0xD5) => CodePage::Ibm858,
            best => best,
        }
    }

    /// The code page that people call so.
    fn named(name: &str) -> Option<CodePage> {
        match name.to_ascii_lowercase().replace(['-', '_', ' '], "").as_str() {
            "ibm850" | "cp850" | "850" => Some(CodePage::Ibm850),
            "ibm858" | "cp858" | "858" | "cp00858" | "ibm00858" => Some(CodePage::Ibm858),
            "ibm437" | "cp437" | "437" => Some(CodePage::Ibm437),
            "iso885915" | "latin9" => Some(CodePage::Iso8859_15),
            "windows1252" | "cp1252" | "ansi" | "iso88591" | "latin1" => {
                Some(CodePage::Windows1252)
            }
            "macintosh" | "macroman" => Some(CodePage::Macintosh),
            _ => Encoding::for_label(name.as_bytes()).map(CodePage::Other),
        }
    }

    fn name(self) -> &'static str {
        match self {
            CodePage::Windows1252 => "windows-1252",
            CodePage::Iso8859_15 => "ISO-8859-15",
            CodePage::Ibm850 => "IBM850",
            CodePage::Ibm858 => "IBM858",
            CodePage::Ibm437 => "IBM437",
            CodePage::Macintosh => "macintosh",
            CodePage::Other(encoding) => encoding.name(),
        }
    }

    /// The encoding of the library; `None` for those it does not know.
    fn library(self) -> Option<&'static Encoding> {
        match self {
            CodePage::Windows1252 => Some(WINDOWS_1252),
            CodePage::Iso8859_15 => Some(encoding_rs::ISO_8859_15),
            CodePage::Macintosh => Some(MACINTOSH),
            CodePage::Other(encoding) => Some(encoding),
            CodePage::Ibm850 | CodePage::Ibm858 | CodePage::Ibm437 => None,
        }
    }

    fn decoding(self) -> Decoding {
        match self.library() {
            Some(encoding) => {
                Decoding::Library(Box::new(encoding.new_decoder_without_bom_handling()))
            }
            None => Decoding::Table(self.table()),
        }
    }

    fn decode(self, bytes: &[u8]) -> String {
        if let Some(encoding) = self.library() {
            return encoding.decode_without_bom_handling(bytes).0.into_owned();
        }
        let table = self.table();
        let decoded = |&b: &u8| if b.is_ascii() { char::from(b) } else { table[b as usize - 128] };
        bytes.iter().map(decoded).collect()
    }

    /// The characters of 0x80 to 0xFF.
    pub(super) fn table(self) -> Vec<char> {
        match self {
            CodePage::Ibm850 => IBM850.chars().collect(),
            CodePage::Ibm858 => IBM850.replace('ı', "€").chars().collect(),
            CodePage::Ibm437 => IBM437.chars().collect(),
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

    #[test]
    fn zeros_behind_the_text_are_left_out_and_zeros_within_it_are_lost_data() {
        let text = "Prénom;Ville\nZoé;Paris\n";
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let zeros = vec![0; 300_000];
        for bytes in [text.as_bytes(), &wide] {
            let decoded = decode([bytes, &zeros].concat());
            assert_eq!(decoded.text, text);
            assert_eq!(decoded.remarks, ["the zeros that the file ends in were left out"]);
            let torn = [bytes, &zeros[..4096], bytes].concat();
            assert!(Text::declared(Bytes::from(torn), "").is_err());
        }
        let few = [text.as_bytes(), &zeros[..100], text.as_bytes()].concat();
        assert_eq!(decode(few).text, format!("{text}{text}"));
        assert_eq!(decode(zeros).text, "");
    }

    #[test]
    fn a_declared_code_page_of_dos_is_read_by_its_own_letters() {
        let read = |name: &str| CodePage::named(name).map(|page| page.decode(b"\xD5\x9B"));
        let euro = Some("€ø".to_owned());
        assert_eq!([read("cp858"), read("IBM858")], [euro.clone(), euro]);
        assert_eq!(read("IBM850"), Some("ıø".into()));
        assert_eq!(read("cp437"), Some("╒¢".into()));
    }
}
