//! Yes and no.

/// What the text says, if it says yes or no: `Oui`, `O`, `1`, `X`, `Vrai`...
pub fn parse(text: &str) -> Option<bool> {
    match super::text::fold(text).as_str() {
        "oui" | "yes" | "true" | "1" => Some(true),
        "non" | "no" | "false" | "0" => Some(false),
        _ => None,
    }
}
