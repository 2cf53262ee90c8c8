//! What the readers of HTML and XML share: the encoding a document names, its text, its attributes.
//!
//! Entities that a document declares itself are never expanded: a reference to one stays as written.

use std::{
    io::{BufReader, Cursor, Read},
    sync::Arc,
};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use zip::{ZipArchive, result::ZipError};

use super::{
    container::MOST_UNPACKED_BYTES,
    encoding::{self, Decoded},
};

/// How much of a document is searched for the name of its encoding; browsers look at less.
const HEAD_BYTES: usize = 4096;

/// Decodes a document: by its byte order mark, by the encoding it names where that is true, else as
/// any other text.
pub(super) fn decode(bytes: Vec<u8>) -> Decoded {
    if encoding::wide(&bytes).is_some() {
        return encoding::decode(bytes);
    }
    let named = named_encoding(&bytes[..bytes.len().min(HEAD_BYTES)]);
    let utf8 = std::str::from_utf8(&bytes).is_ok();
    match named {
        // No text beyond ASCII is UTF-8 by chance.
        Some(named) if !utf8 && named != UTF_8 => {
            let text = named.decode_without_bom_handling(&bytes).0.into_owned();
            Decoded { text, encoding: named.name().into(), remarks: Vec::new() }
        }
        Some(named) if named != UTF_8 && !bytes.is_ascii() => {
            let mut decoded = encoding::decode(bytes);
            decoded.remarks.push(format!("it says that it is {}, but is UTF-8", named.name()));
            decoded
        }
        _ => encoding::decode(bytes),
    }
}

/// `charset=` of a `meta` tag or `encoding=` of an XML declaration.
fn named_encoding(head: &[u8]) -> Option<&'static Encoding> {
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
    archive: &Arc<[u8]>,
    part: &str,
    visit: &mut dyn FnMut(&Event<'_>) -> Result<bool, String>,
) -> Result<(), String> {
    let said = |why: ZipError| why.to_string();
    let mut archive = ZipArchive::new(Cursor::new(archive.clone())).map_err(said)?;
    let plain = |name: &[u8]| {
        let name = String::from_utf8_lossy(name).replace('\\', "/");
        name.trim_start_matches('/').to_ascii_lowercase()
    };
    let wanted = plain(part.as_bytes());
    let at = archive.file_names_raw().position(|name| plain(name) == wanted);
    let part = archive.by_index(at.ok_or("a part is missing")?).map_err(said)?;
    let part = BufReader::with_capacity(1 << 16, part.take(MOST_UNPACKED_BYTES));
    let mut reader = tolerant(Reader::from_reader(part));
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
            let decoded = decode(text.to_vec());
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
