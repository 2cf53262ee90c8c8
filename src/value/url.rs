//! Web addresses.

use super::Invalid;

/// Host without `www.`, then the path if there is one.
pub fn normalize(text: &str) -> Result<String, Invalid> {
    Ok(text.trim().to_lowercase())
}

/// The host of a canonical URL.
pub fn host(url: &str) -> &str {
    url.split('/').next().unwrap_or(url)
}
