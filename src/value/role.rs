//! What a party is to the company: told by a word, or by the class of accounts it is posted to.

use std::{collections::HashMap, sync::LazyLock};

use serde::Deserialize;

use super::{dictionary, text::fold};

/// What a party is to the company. One may be several things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Buys.
    Customer,
    /// Sells to it.
    Supplier,
    /// Brings business, or sells on.
    Partner,
    /// Works for it: no party of a CRM.
    Employee,
}

impl Role {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Customer => "customer",
            Role::Supplier => "supplier",
            Role::Partner => "partner",
            Role::Employee => "employee",
        }
    }
}

struct Lexicon {
    words: HashMap<String, Vec<Role>>,
    numbers: HashMap<String, Role>,
    customers: Vec<String>,
    suppliers: Vec<String>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Roles {
        customer: Vec<String>,
        supplier: Vec<String>,
        both: Vec<String>,
        partner: Vec<String>,
        employee: Vec<String>,
        numbered: HashMap<Role, Vec<String>>,
    }
    #[derive(Deserialize)]
    struct Ledger {
        customers: Roots,
        suppliers: Roots,
    }
    #[derive(Deserialize)]
    struct Roots {
        roots: Vec<String>,
    }
    let roles: Roles = dictionary::read(include_str!("../../mappings/dictionaries/roles.toml"));
    let ledger: Ledger = dictionary::read(include_str!("../../mappings/dictionaries/ledger.toml"));
    let lists = [
        (roles.customer, vec![Role::Customer]),
        (roles.supplier, vec![Role::Supplier]),
        (roles.both, vec![Role::Customer, Role::Supplier]),
        (roles.partner, vec![Role::Partner]),
        (roles.employee, vec![Role::Employee]),
    ];
    let words = lists
        .into_iter()
        .flat_map(|(words, roles)| words.into_iter().map(move |word| (word, roles.clone())));
    let numbers: Vec<(Role, Vec<String>)> = roles.numbered.into_iter().collect();
    let numbers =
        numbers.into_iter().flat_map(|(role, words)| words.into_iter().map(move |w| (w, role)));
    Lexicon {
        words: words.collect(),
        numbers: numbers.collect(),
        customers: ledger.customers.roots,
        suppliers: ledger.suppliers.roots,
    }
});

/// What a word says: `Fournisseur`; both roles of `Client/Fournisseur`, none of another word.
pub fn of_word(cell: &str) -> &'static [Role] {
    LEXICON.words.get(&fold(cell)).map_or(&[], Vec::as_slice)
}

/// What the number of a type says in systems that number their types as Sage does.
pub fn of_number(cell: &str) -> Option<Role> {
    LEXICON.numbers.get(cell.trim()).copied()
}

/// What an account of the French chart of accounts says of whom it is kept for: customers in class 41,
/// suppliers in class 40.
pub fn of_account(number: &str) -> Option<Role> {
    let number = number.trim();
    let starts = |roots: &[String]| roots.iter().any(|root| number.starts_with(root.as_str()));
    if starts(&LEXICON.suppliers) {
        Some(Role::Supplier)
    } else {
        starts(&LEXICON.customers).then_some(Role::Customer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_numbers_and_accounts_tell_the_role() {
        assert_eq!(of_word("Fournisseurs"), [Role::Supplier]);
        assert_eq!(of_word("CLIENT / FOURNISSEUR"), [Role::Customer, Role::Supplier]);
        assert_eq!(of_word("Grand compte"), []);
        assert_eq!(of_number("1"), Some(Role::Supplier));
        assert_eq!(of_account("40110000"), Some(Role::Supplier));
        assert_eq!(of_account("411DUPONT"), Some(Role::Customer));
        // Clients who paid in advance are customers; a supplier's advance account is a supplier's.
        assert_eq!(of_account("41910000"), Some(Role::Customer));
        assert_eq!(of_account("40910000"), Some(Role::Supplier));
        assert_eq!(of_account("44571000"), None);
    }
}
