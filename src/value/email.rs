//! Email addresses.

use super::Invalid;

/// The addresses of one cell, in canonical form.
pub fn normalize(cell: &str) -> Vec<Result<String, Invalid>> {
    vec![Ok(cell.trim().to_lowercase())]
}

/// Whether the mailbox is a role's (`contact@`, `accueil@`...), not a person's.
pub fn is_role_mailbox(email: &str) -> bool {
    matches!(email.split('@').next(), Some("contact" | "info" | "accueil"))
}

/// Whether the address is at a provider of private mailboxes (`gmail.com`, `orange.fr`...).
pub fn is_freemail(email: &str) -> bool {
    matches!(email.split('@').nth(1), Some("gmail.com" | "orange.fr"))
}
