//! Plain text: blanks, comparison form, placeholders.

/// Trims, and makes every run of blanks (no-break and zero-width ones too) one space.
pub fn clean(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The form in which texts are compared: ASCII lower case letters and digits in words separated by
/// one space. `Hélène d'Œuvre` becomes `helene d oeuvre`.
pub fn fold(text: &str) -> String {
    let ascii = deunicode::deunicode(text);
    let mut folded = String::with_capacity(ascii.len());
    for c in ascii.chars() {
        if c.is_ascii_alphanumeric() {
            folded.push(c.to_ascii_lowercase());
        } else if !folded.is_empty() && !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// Whether the text stands for "no value": `N/A`, `xxx`, `néant`, `-`, `?`...
pub fn is_placeholder(text: &str) -> bool {
    let folded = fold(text);
    folded.is_empty() || matches!(folded.as_str(), "n a" | "na" | "nc" | "n c" | "neant" | "inconnu" | "null" | "none" | "xxx")
}
