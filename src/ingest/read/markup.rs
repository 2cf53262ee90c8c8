//! What the readers of HTML and XML share: the encoding a document names, its text, its attributes.
//!
//! Entities that a document declares itself are never expanded: a reference to one stays as written.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use zip::{ZipArchive, result::ZipError};

use super::{
    bytes::Bytes,
    container::MOST_UNPACKED_BYTES,
    encoding::{self, Decoded, Text},
};

/// How much of a document is searched for the name of its encoding; browsers look at less.
const HEAD_BYTES: u64 = 4096;

/// Decodes a document: by its byte order mark, by the encoding it names where that is true, else as
/// any other text.
pub(super) fn decode(bytes: Bytes) -> io::Result<Decoded> {
    let named = named_encoding(&bytes)?;
    let text = text_of(bytes, named)?;
    let is_utf8 = text.is_utf8();
    let mut decoded = text.whole()?;
    if let Some(named) = named
        && is_utf8
        && !decoded.text.is_ascii()
    {
        decoded.remarks.push(format!("it says that it is {}, but is UTF-8", named.name()));
    }
    Ok(decoded)
}

/// The document in UTF-8: as it lies there where it is that already, else decoded in memory.
pub(super) fn in_utf8(bytes: Bytes) -> io::Result<Bytes> {
    let named = named_encoding(&bytes)?;
    let text = text_of(bytes.clone(), named)?;
    if text.is_as_stored() {
        return Ok(bytes);
    }
    Ok(Bytes::from(text.whole()?.text.into_bytes()))
}

fn text_of(bytes: Bytes, named: Option<&'static Encoding>) -> io::Result<Text> {
    let text = Text::of(bytes.clone())?;
    match named {
        // No text beyond ASCII is UTF-8 by chance.
        Some(named) if !text.is_utf8() => Text::declared(bytes, named.name()),
        _ => Ok(text),
    }
}

/// The encoding that a document names, where that is neither UTF-8 nor told by the bytes themselves.
fn named_encoding(bytes: &Bytes) -> io::Result<Option<&'static Encoding>> {
    let head = bytes.part(0, HEAD_BYTES)?;
    Ok(match encoding::wide(&head) {
        Some(_) => None,
        None => encoding_in(&head).filter(|named| *named != UTF_8),
    })
}

/// `charset=` of a `meta` tag or `encoding=` of an XML declaration.
fn encoding_in(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let label = ["charset", "encoding"].iter().find_map(|key| {
        head.match_indices(key).find_map(|(at, key)| {
            let value = head[at + key.len()..].trim_start().strip_prefix('=')?.trim_start();
            let value = value.trim_start_matches(['"', '\'']);
            let end = value.find(|c: char| !c.is_ascii_alphanumeric() && !"-_:.+".contains(c));
            Some(value[..end.unwrap_or(value.len())].to_owned()).filter(|label| !label.is_empty())
        })
    })?;
    // A document whose bytes could be searched is not UTF-16, whatever it says.
    Encoding::for_label(label.as_bytes()).filter(|named| ![UTF_16LE, UTF_16BE].contains(named))
}

/// Makes a reader of XML put up with what spreadsheets and web applications write.
pub(super) fn tolerant<R>(mut reader: Reader<R>) -> Reader<R> {
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    config.expand_empty_elements = true;
    reader
}

/// Calls `visit` with the events of a part of a zip archive until it says `false`. Names of parts may be
/// written with other slashes and in another case.
pub(super) fn each_event(
    archive: &Bytes,
    part: &str,
    visit: &mut dyn FnMut(&Event<'_>) -> Result<bool, String>,
) -> Result<(), String> {
    with_part(archive, part, |part| each_event_of(BufReader::with_capacity(1 << 16, part), visit))
}

/// Reads a part of a zip archive as far as a workbook may unpack; see [`each_event`].
pub(super) fn with_part<T>(
    archive: &Bytes,
    part: &str,
    read: impl FnOnce(io::Take<&mut dyn Read>) -> Result<T, String>,
) -> Result<T, String> {
    let said = |why: ZipError| why.to_string();
    let mut archive = ZipArchive::new(BufReader::new(archive.cursor())).map_err(said)?;
    let plain = |name: &[u8]| {
        let name = String::from_utf8_lossy(name).replace('\\', "/");
        name.trim_start_matches('/').to_ascii_lowercase()
    };
    let wanted = plain(part.as_bytes());
    let at = archive.file_names_raw().position(|name| plain(name) == wanted);
    let mut part = archive.by_index(at.ok_or("a part is missing")?).map_err(said)?;
    let part: &mut dyn Read = &mut part;
    read(part.take(MOST_UNPACKED_BYTES))
}

/// Calls `visit` with the events of a document until it says `false`.
pub(super) fn each_event_of(
    document: impl BufRead,
    visit: &mut dyn FnMut(&Event<'_>) -> Result<bool, String>,
) -> Result<(), String> {
    let mut reader = tolerant(Reader::from_reader(document));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|why| why.to_string())?;
        if matches!(event, Event::Eof) || !visit(&event)? {
            return Ok(());
        }
    }
}

/// The value of an attribute, whatever its prefix.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)?;
    let value = found.normalized_value(XmlVersion::Implicit1_0);
    Some(value.map_or_else(|_| found.value.to_string(), |value| value.into_owned()))
}

/// Adds what an event says as text.
pub(super) fn push_text(event: &Event<'_>, text: &mut String) {
    match event {
        Event::Text(plain) => text.push_str(&plain.xml10_content()),
        Event::CData(plain) => text.push_str(&plain.xml10_content()),
        Event::GeneralRef(reference) => match reference.resolve_char_ref() {
            Ok(Some(char)) => text.push(char),
            _ => match resolve_predefined_entity(reference) {
                Some(resolved) => text.push_str(resolved),
                None => {
                    text.push('&');
                    text.push_str(reference);
                    text.push(';');
                }
            },
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_in_the_encoding_it_names_unless_that_is_untrue() {
        let says = |text: &[u8]| {
            let decoded = decode(Bytes::from(text.to_vec())).expect("it is in memory");
            (decoded.text, decoded.encoding)
        };
        let latin = b"<meta content=\"text/html; CHARSET=iso-8859-1\">Voil\xE0";
        assert!(says(latin).0.ends_with("Voilà"));
        let greek = b"<?xml version='1.0' encoding='windows-1253'?>\xE1";
        assert!(says(greek).0.ends_with('α'));
        let untrue = "<meta charset=iso-8859-1>Voilà".as_bytes();
        assert_eq!(says(untrue), ("<meta charset=iso-8859-1>Voilà".into(), "UTF-8".into()));
        assert!(says("<meta charset=unknown>Voilà".as_bytes()).0.ends_with("Voilà"));
    }

    #[test]
    fn declared_entities_are_not_expanded() {
        let xml = "<!DOCTYPE a [<!ENTITY b \"boom\">]><a>&b; &amp; &#233;</a>";
        let mut reader = tolerant(Reader::from_str(xml));
        let mut text = String::new();
        loop {
            match reader.read_event().expect("an event") {
                Event::Eof => break,
                event => push_text(&event, &mut text),
            }
        }
        assert_eq!(text, "&b; & é");
    }
}
