//! Phone numbers.

use super::Invalid;

/// What a number is for, as far as its plan tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Line {
    Fixed,
    Mobile,
    Unknown,
}

/// The numbers of one cell in E.164, extension as `;ext=12`; `country` is the ISO 3166 code for
/// numbers written without one.
pub fn normalize(cell: &str, country: &str) -> Vec<Result<(String, Line), Invalid>> {
    let _ = country;
    vec![Ok((cell.to_owned(), Line::Unknown))]
}
