//! The lines of one vCard, made plain before they are parsed: unfolded by the rules of their version,
//! quoted-printable text decoded, and without pictures, sounds and keys.
//!
//! Version 2.1 folds where a blank stands and keeps it, the later ones fold anywhere and add one.

use encoding_rs::{Encoding, WINDOWS_1252};

/// What was left out of a card.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Omitted {
    /// Pictures, logos, sounds and keys.
    pub(super) media: u64,
    /// Cards within the card: assistants.
    pub(super) cards: u64,
}

/// A card whose lines are whole, and in plain text of version 3.0 and later.
pub(super) fn plain(card: &str) -> (String, Omitted) {
    let is_old = !card.lines().any(|line| {
        let line = line.trim().to_ascii_uppercase();
        line.starts_with("VERSION:") && !line.starts_with("VERSION:2")
    });
    let mut plain = String::with_capacity(card.len().min(1 << 16));
    let mut omitted = Omitted::default();
    let mut reading = Reading::default();
    let mut depth = 0u32;
    for line in card.split('\n') {
        let line = line.trim_end_matches('\r');
        let is_folded = line.starts_with([' ', '\t']);
        let word = line.trim().to_ascii_uppercase();
        if !is_folded && word == "BEGIN:VCARD" {
            depth += 1;
            omitted.cards += u64::from(depth == 2);
        }
        if depth > 1 {
            depth -= u32::from(!is_folded && word == "END:VCARD");
            continue;
        }
        if reading.is_media && (is_folded || line.is_empty() || !line.contains(':')) {
            continue;
        }
        if reading.is_quoted && reading.line.ends_with('=') {
            reading.line.pop();
            reading.line.push_str(line);
        } else if is_folded && !reading.is_media {
            let rest = if is_old { line } else { &line[1..] };
            reading.line.push_str(rest);
        } else {
            omitted.cards += u64::from(reading.finish(&mut plain));
            reading = Reading::of(line);
            omitted.media += u64::from(reading.is_media);
        }
    }
    omitted.cards += u64::from(reading.finish(&mut plain));
    (plain, omitted)
}

/// A property while its lines come.
#[derive(Default)]
struct Reading {
    line: String,
    is_media: bool,
    is_quoted: bool,
}

impl Reading {
    fn of(line: &str) -> Reading {
        let head = head(line).map_or("", |(head, _)| head);
        let mut parts = head.split(';');
        let name = parts.next().unwrap_or("").trim().to_ascii_uppercase();
        let name = name.rsplit('.').next().unwrap_or("");
        let is_media = matches!(name, "PHOTO" | "LOGO" | "SOUND" | "KEY");
        let is_quoted = !is_media && parts.any(is_quoted_printable);
        let line = if is_media { String::new() } else { line.to_owned() };
        Reading { line, is_media, is_quoted }
    }

    /// Writes the property, unless it is a picture; says whether it is an assistant's card instead.
    fn finish(self, plain: &mut String) -> bool {
        if self.is_media || self.line.is_empty() {
            return false;
        }
        let folded = self.line.get(..200).unwrap_or(&self.line).to_ascii_uppercase();
        if folded.starts_with("AGENT") && folded.contains(":BEGIN:VCARD") {
            return true;
        }
        match head(&self.line).filter(|_| self.is_quoted) {
            Some((head, value)) => decode(head, value, plain),
            None => plain.push_str(&self.line),
        }
        plain.push_str("\r\n");
        false
    }
}

/// What stands before and behind the colon that ends the parameters.
fn head(line: &str) -> Option<(&str, &str)> {
    let mut in_quotes = false;
    let colon = line.bytes().position(|b| {
        in_quotes ^= b == b'"';
        b == b':' && !in_quotes
    })?;
    Some((&line[..colon], &line[colon + 1..]))
}

fn is_quoted_printable(parameter: &str) -> bool {
    let value = parameter.rsplit('=').next().unwrap_or("").trim();
    value.eq_ignore_ascii_case("QUOTED-PRINTABLE") || value.eq_ignore_ascii_case("QUOTED")
}

/// Writes a property of quoted-printable text as plain text, its ends of line escaped.
fn decode(head: &str, value: &str, plain: &mut String) {
    let charset = |parameter: &&str| parameter.trim().to_ascii_uppercase().starts_with("CHARSET=");
    let declared = head.split(';').find(charset).and_then(|parameter| {
        Encoding::for_label(parameter.split_once('=')?.1.trim_matches('"').trim().as_bytes())
    });
    let kept = head.split(';').filter(|p| !is_quoted_printable(p) && !charset(p));
    plain.push_str(&kept.collect::<Vec<_>>().join(";"));
    plain.push(':');
    // Some writers escape even the end of line that a soft break hides.
    let bytes = bytes(&value.replace("=\\n", ""));
    let text = match (String::from_utf8(bytes), declared) {
        // Many writers declare nothing, or ISO-8859-1 and write UTF-8.
        (Ok(text), _) => text,
        (Err(error), Some(encoding)) => {
            encoding.decode_without_bom_handling(error.as_bytes()).0.into_owned()
        }
        (Err(error), None) => {
            WINDOWS_1252.decode_without_bom_handling(error.as_bytes()).0.into_owned()
        }
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    plain.push_str(&text.trim_end_matches('\n').replace('\n', "\\n"));
}

/// The bytes that `=E9` and its like stand for; what is no code stays as it is.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| first == b'=').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16))
        });
        match code {
            Some(Ok(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    bytes
}

/// The text of a parameter in which `^n` is an end of line, `^'` a quote and `^^` a circumflex (RFC 6868).
pub(super) fn parameter_text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let meant = match (c, characters.peek()) {
            ('^', Some('n')) => '\n',
            ('^', Some('\'')) => '"',
            ('^', Some('^')) => '^',
            _ => {
                plain.push(c);
                continue;
            }
        };
        characters.next();
        plain.push(meant);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(card: &str) -> Vec<String> {
        plain(card).0.lines().map(str::to_owned).collect()
    }

    #[test]
    fn version_2_1_keeps_the_blank_it_folds_at() {
        assert_eq!(lines("VERSION:2.1\r\nNOTE:one\r\n two"), ["VERSION:2.1", "NOTE:one two"]);
        assert_eq!(lines("VERSION:3.0\nNOTE:o\n ne\n\ttwo"), ["VERSION:3.0", "NOTE:onetwo"]);
    }

    #[test]
    fn quoted_printable_is_decoded_by_its_charset_or_by_its_letters() {
        assert_eq!(
            lines(
                "N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Lef=E8vre;Zo=E9\n\
                 ADR;HOME;QUOTED-PRINTABLE:;;1 rue=0D=0Ade l'=C9=\nglise\n\
                 FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=C3=89=\n=C3=A9\nTEL:1"
            ),
            ["N:Lefèvre;Zoé", "ADR;HOME:;;1 rue\\nde l'Église", "FN:Éé", "TEL:1"]
        );
    }

    #[test]
    fn pictures_and_cards_within_the_card_are_left_out_wherever_their_lines_start() {
        let card = "BEGIN:VCARD\nPHOTO;BASE64:\n  AAAA\n\n\nFN:A\nKEY;ENCODING=b:BBBB\nCCCC==\n\nAGENT:\n\
                    BEGIN:VCARD\nFN:B\nEND:VCARD\nTEL:1\nEND:VCARD\n";
        let (text, omitted) = plain(card);
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            ["BEGIN:VCARD", "FN:A", "AGENT:", "TEL:1", "END:VCARD"]
        );
        assert_eq!(omitted, Omitted { media: 2, cards: 1 });
    }

    #[test]
    fn parameters_have_escapes_of_their_own() {
        assert_eq!(parameter_text("1 High St^nDublin ^'D^' ^^ ^x"), "1 High St\nDublin \"D\" ^ ^x");
    }
}
