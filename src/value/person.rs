//! Person names: civilities, order, particles, compound first names.

/// The parts of a person's name, each in canonical form, empty when absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// `M.`, `Mme`, `Dr`, `Pr`, `Me`.
    pub civility: String,
    /// `Jean-Pierre`.
    pub first: String,
    /// Further first names.
    pub middle: String,
    /// `de La Tour`.
    pub last: String,
    /// Name before marriage.
    pub maiden: String,
    /// Whether first and last may stand in each other's place.
    pub order_doubtful: bool,
}

/// Splits a name written in one cell.
pub fn split(full: &str) -> PersonName {
    let cleaned = super::text::clean(full);
    let (first, last) = cleaned.split_once(' ').unwrap_or(("", &cleaned));
    PersonName { first: first.into(), last: last.into(), ..PersonName::default() }
}

/// One name part (first or last name) with its case and blanks set right.
pub fn normalize(part: &str) -> String {
    super::text::clean(part)
}

/// The canonical civility that the text is, if it is one: `Monsieur` is `M.`.
pub fn civility(text: &str) -> Option<&'static str> {
    match super::text::fold(text).as_str() {
        "m" | "mr" | "monsieur" => Some("M."),
        "mme" | "mlle" | "madame" | "mademoiselle" | "mrs" | "ms" => Some("Mme"),
        "dr" | "docteur" => Some("Dr"),
        "pr" | "professeur" => Some("Pr"),
        "me" | "maitre" => Some("Me"),
        _ => None,
    }
}
