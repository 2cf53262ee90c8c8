//! The form of a text: its letters and digits generalised, all else as it stands.

/// Longest form that is told; beyond it an ellipsis.
const LONGEST: usize = 40;

/// Writes the form of `text` into `form`: each digit is `9`; a capital is `A`, several `AAA`, small
/// letters are `aaa` however many; blanks are one blank.
///
/// `06 12 34 56 78` has the form `99 99 99 99 99`, `Jean-Paul` the form `Aaaa-Aaaa`: the length of a word
/// tells nothing, that of a number does.
pub(super) fn write(text: &str, form: &mut String) {
    form.clear();
    let (mut run, mut length) = (Sign::Start, 0);
    for c in text.chars() {
        let sign = Sign::of(c);
        let again = sign == run;
        run = sign;
        match sign {
            Sign::Blank | Sign::Lower if again => continue,
            Sign::Upper if again && form.ends_with("AAA") => continue,
            Sign::Upper if again => form.push_str("AA"),
            Sign::Upper => form.push('A'),
            Sign::Lower => form.push_str("aaa"),
            Sign::Digit => form.push('9'),
            Sign::Blank => form.push(' '),
            Sign::Control => form.push('\u{fffd}'),
            Sign::Other(c) => form.push(c),
            Sign::Start => {}
        }
        length += 1;
        if length == LONGEST {
            form.push('…');
            return;
        }
    }
}

/// What a character counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Start,
    Upper,
    Lower,
    Digit,
    Blank,
    Control,
    Other(char),
}

impl Sign {
    fn of(c: char) -> Sign {
        match c {
            '0'..='9' => Sign::Digit,
            'a'..='z' => Sign::Lower,
            'A'..='Z' => Sign::Upper,
            _ if c.is_whitespace() => Sign::Blank,
            _ if c.is_control() => Sign::Control,
            _ if c.is_uppercase() => Sign::Upper,
            _ if c.is_alphabetic() => Sign::Lower,
            _ => Sign::Other(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> String {
        let mut form = String::from("left over");
        write(text, &mut form);
        form
    }

    #[test]
    fn numbers_keep_their_length_and_words_do_not() {
        for (text, expected) in [
            ("06 12 34 56 78", "99 99 99 99 99"),
            ("Jean-Paul", "Aaaa-Aaaa"),
            ("Léa-Éléonore", "Aaaa-Aaaa"),
            ("DUPONT", "AAA"),
            ("D'Arc", "A'Aaaa"),
            ("McDonald", "AaaaAaaa"),
            ("info@exemple.fr", "aaa@aaa.aaa"),
            ("FR 12 345678901", "AAA 99 999999999"),
            ("a  \u{a0} b", "aaa aaa"),
            ("", ""),
        ] {
            assert_eq!(form(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_long_ends_in_an_ellipsis() {
        assert_eq!(form(&"1".repeat(60)).chars().count(), LONGEST + 1);
        assert!(form(&"1;".repeat(60)).ends_with('…'));
    }
}
