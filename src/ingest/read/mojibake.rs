//! Mangled accents: UTF-8 that was once read as windows-1252 (`Ã©` for `é`), or one code page that was
//! read as another (`SociÈtÈ`), undone where that is provably what happened.

use std::{borrow::Cow, collections::BTreeMap, sync::LazyLock};

use super::encoding::CodePage;

/// The text with its accents restored, or `None` when it is not provably mangled.
///
/// Proof of UTF-8: every character has a windows-1252 byte, these bytes are valid UTF-8, and what they
/// spell are letters and punctuation of western languages. Text mangled several times is undone as
/// often. For proof of a mistaken code page see [`Mistake`].
pub(super) fn repair(text: &str) -> Option<String> {
    if !text.chars().any(may_be_mangled) {
        return None;
    }
    let mut repaired: Option<String> = None;
    for _ in 0..3 {
        match repair_once(repaired.as_deref().unwrap_or(text)) {
            Some(better) => repaired = Some(better),
            None => break,
        }
    }
    repaired.or_else(|| repair_code_page(text))
}

/// Whether a character may be a sign of mangled text: those that lead bytes C2..C5 and E2 of UTF-8 are
/// in windows-1252 (all characters that [`plausible`] accepts start with one of these), and the proofs
/// of [`MISTAKES`]. Most cells with accents have none, and cost no more than this.
fn may_be_mangled(c: char) -> bool {
    matches!(c, 'Â' | 'Ã' | 'Ä' | 'Å' | 'â' | 'ï')
        || matches!(c, '‚' | 'Š' | 'Ú' | 'Þ' | 'È' | 'Ë' | 'Ž' | '\u{8f}')
}

/// Whether letters were lost before the text came here: U+FFFD, or `?` between two letters where no
/// question can be.
pub(super) fn is_lost(cell: &str) -> bool {
    if cell.contains('\u{fffd}') {
        return true;
    }
    let is_link = || cell.contains("://") || cell.contains('=') || cell.contains("www.");
    let marks = memchr::memchr_iter(b'?', cell.as_bytes());
    let mut within = marks.filter(|&at| {
        let before = cell[..at].chars().next_back();
        let after = cell[at + 1..].chars().next();
        before.is_some_and(char::is_alphabetic) && after.is_some_and(char::is_lowercase)
    });
    within.next().is_some() && !is_link()
}

/// One code page read as another, which turns small letters with accents into signs that no word has
/// between small letters. Such a sign proves it, where every other character beyond ASCII then makes
/// sense too.
struct Mistake {
    /// What a character should have been, for all that are beyond ASCII.
    meant: BTreeMap<char, char>,
    /// The characters that prove it between small letters.
    proof: &'static [char],
}

static MISTAKES: LazyLock<[Mistake; 4]> = LazyLock::new(|| {
    let mistake = |was: CodePage, read_as: CodePage, proof: &'static [char]| {
        let meant = read_as.table().into_iter().zip(was.table());
        Mistake { meant: meant.collect(), proof }
    };
    use CodePage::{Ibm850, Macintosh, Windows1252};
    [
        // é and è of the first, as the second shows them.
        mistake(Ibm850, Windows1252, &['‚', 'Š']),
        mistake(Windows1252, Ibm850, &['Ú', 'Þ']),
        mistake(Windows1252, Macintosh, &['È', 'Ë']),
        mistake(Macintosh, Windows1252, &['Ž', '\u{8f}']),
    ]
});

/// The text as exactly one of the [`MISTAKES`] explains it.
fn repair_code_page(text: &str) -> Option<String> {
    let mut repaired = MISTAKES.iter().filter_map(|mistake| mistake.undone(text));
    let first = repaired.next()?;
    repaired.all(|other| other == first).then_some(first)
}

impl Mistake {
    fn undone(&self, text: &str) -> Option<String> {
        if !text.contains(self.proof) {
            return None;
        }
        let mut proven = false;
        let mut before = ' ';
        let mut characters = text.chars().peekable();
        let mut undone = String::with_capacity(text.len());
        while let Some(c) = characters.next() {
            let after = characters.peek().copied().unwrap_or(' ');
            proven |= before.is_ascii_lowercase()
                && after.is_ascii_lowercase()
                && self.proof.contains(&c);
            let meant = match c.is_ascii() {
                true => c,
                false => *self.meant.get(&c)?,
            };
            // A capital within small letters would be no better than what is there.
            let capital = meant.is_uppercase() && before.is_lowercase();
            if !meant.is_ascii() && (capital || !plausible(meant)) {
                return None;
            }
            undone.push(meant);
            before = meant;
        }
        proven.then_some(undone)
    }
}

fn repair_once(text: &str) -> Option<String> {
    if !text.contains(['Â', 'Ã', 'Ä', 'Å', 'â', 'ï']) {
        return None;
    }
    let bytes: Vec<u8> = text.chars().map(byte_of).collect::<Option<_>>()?;
    let decoded = match String::from_utf8(bytes) {
        Ok(decoded) => decoded,
        Err(error) => restore_blanks(error.into_bytes())?,
    };
    let decoded = decoded.replace('\u{feff}', "");
    let fine = decoded.chars().all(|c| c.is_ascii() || plausible(c));
    (fine && decoded != text).then_some(decoded)
}

/// `à` is C3 A0, and A0, a no-break space, is often made a plain space on the way. That is undone
/// only where other characters of the same text prove the mangling.
fn restore_blanks(mut bytes: Vec<u8>) -> Option<String> {
    let proven = bytes.windows(2).any(|w| matches!(w, [0xC3, 0x80..=0xBF]));
    if !proven {
        return None;
    }
    for at in 1..bytes.len() {
        let blank_follows = bytes.get(at + 1).is_none_or(|&next| next == b' ');
        if bytes[at - 1] == 0xC3 && bytes[at] == b' ' && blank_follows {
            bytes[at] = 0xA0;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The windows-1252 byte of a character. The control characters from U+0080 pass as their own code:
/// lenient decoders make them of bytes that have no character there, ISO-8859-1 of all these bytes.
fn byte_of(c: char) -> Option<u8> {
    match c as u32 {
        code @ (0..=0x7F | 0xA0..=0xFF) => Some(code as u8),
        code @ 0x80..=0x9F => Some(code as u8),
        _ => {
            let mut utf8 = [0u8; 4];
            let (bytes, _, unmappable) = encoding_rs::WINDOWS_1252.encode(c.encode_utf8(&mut utf8));
            match (bytes, unmappable) {
                (Cow::Owned(bytes), false) if bytes.len() == 1 => Some(bytes[0]),
                (Cow::Borrowed(bytes), false) if bytes.len() == 1 => Some(bytes[0]),
                _ => None,
            }
        }
    }
}

/// Latin letters with accents, and the punctuation that office programs insert.
fn plausible(c: char) -> bool {
    matches!(c, '\u{a0}'..='\u{17f}' | '\u{2010}'..='\u{2044}' | '€' | '™')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mangled(text: &str) -> String {
        encoding_rs::WINDOWS_1252.decode_without_bom_handling(text.as_bytes()).0.into_owned()
    }

    #[test]
    fn mangled_accents_are_restored() {
        for text in ["À RELANCER", "Hélène Lefèvre", "Cœur d’Alsace – 12 €", "n° 5", "Ø"]
        {
            assert_eq!(repair(&mangled(text)).as_deref(), Some(text));
        }
    }

    #[test]
    fn text_mangled_twice_is_restored() {
        assert_eq!(repair(&mangled(&mangled("Bénédicte"))).as_deref(), Some("Bénédicte"));
    }

    #[test]
    fn a_lost_no_break_space_is_restored_beside_proof() {
        assert_eq!(repair("prÃªt Ã  porter").as_deref(), Some("prêt à porter"));
        assert_eq!(repair("prÃªt Ã porter"), None, "which blank it was is lost");
        assert_eq!(repair("Ã  porter"), None, "nothing else proves it");
        assert_eq!(repair("SÃ©lection Ã\u{a0} part").as_deref(), Some("Sélection à part"));
    }

    #[test]
    fn a_code_page_read_as_another_is_undone_where_a_sign_within_a_word_proves_it() {
        for (mangled, text) in [
            ("Soci‚t‚ G‚n‚rale", "Société Générale"),
            ("MoliŠre … Orl‚ans", "Molière à Orléans"),
            ("SociÚtÚ franþaise", "Société française"),
            ("SociÈtÈ PrÈnom", "Société Prénom"),
            ("SociŽtŽ", "Société"),
        ] {
            assert_eq!(repair(mangled).as_deref(), Some(text));
        }
    }

    #[test]
    fn every_proof_is_looked_for() {
        let mut proofs = MISTAKES.iter().flat_map(|mistake| mistake.proof);
        assert!(proofs.all(|&c| may_be_mangled(c)));
    }

    #[test]
    fn lost_letters_are_told_from_questions() {
        for text in ["H?l?ne", "Soci\u{fffd}t\u{fffd}"] {
            assert!(is_lost(text), "{text}");
        }
        for text in ["Quoi ?", "Vraiment?", "http://x.fr/a?b", "a?b=c", "?", "oui?Non"] {
            assert!(!is_lost(text), "{text}");
        }
    }

    #[test]
    fn healthy_text_is_left_alone() {
        for text in [
            "Hélène",
            "NESCAFÉ®",
            "IRMÃ DO CÉU",
            "« CAFÉ »",
            "Âge",
            "Åse",
            "plain",
            "Ä",
            "Škoda",
            "Živnostenská banka",
            "Paris‚ France",
            "‚Haus‘",
            "PERCHÈ",
            "caffÈ",
            "Þórður",
            "Úlfur",
        ] {
            assert_eq!(repair(text), None, "{text}");
        }
    }
}
