//! Yes and no.

/// What the text says, if it says yes or no: `Oui`, `O`, `1`, `X`, `Vrai`, `-1` (Access)...
pub fn parse(text: &str) -> Option<bool> {
    if text.len() > 16 {
        return None;
    }
    if text.trim() == "-1" {
        return Some(true);
    }
    match super::text::fold(text).as_str() {
        "oui" | "o" | "yes" | "y" | "vrai" | "v" | "true" | "t" | "1" | "x" | "on" | "ok"
        | "ja" | "j" | "si" | "s" | "sim" | "wahr" | "vero" | "verdadero" | "waar" | "actif"
        | "active" | "checked" | "coche" | "accepte" | "1 0" => Some(true),
        "non" | "n" | "no" | "faux" | "f" | "false" | "0" | "off" | "ko" | "nein" | "nee"
        | "nao" | "falsch" | "falso" | "onwaar" | "inactif" | "inactive" | "unchecked"
        | "refuse" | "0 0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_are_read_in_their_usual_forms() {
        for yes in ["Oui", "O", "1", "X", "VRAI", "-1", "true", "Yes", "1.0"] {
            assert_eq!(parse(yes), Some(true), "{yes}");
        }
        for no in ["Non", "N", "0", "FAUX", "False", "no"] {
            assert_eq!(parse(no), Some(false), "{no}");
        }
        assert_eq!(parse("peut-être"), None);
    }
}
