//! What all parties of one table are to the company, where neither a column nor a cell says it: a list of
//! suppliers is called so.

use super::mapping::{Mapping, Rows};
use crate::value::{
    role::{self, Role},
    text::fold,
};

/// What every row of a table is, by the name of the column that holds the names, of the sheet or of the file;
/// `None` when they say nothing, or name customers too.
pub fn of_table(mapping: &Mapping, header: &[String], file: &str, sheet: &str) -> Option<Role> {
    if matches!(mapping.rows, Rows::Fec | Rows::History) {
        return None;
    }
    let bound = mapping.bind(header);
    let is_name = |at: &usize| {
        let attribute = bound[*at].as_ref().map(|bound| bound.rule.attribute.as_str());
        matches!(attribute, Some("name" | "full_name"))
    };
    let columns = (0..header.len()).filter(is_name).map(|at| header[at].as_str());
    let file = file.rsplit(['/', '!']).next().unwrap_or(file);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    columns.chain([sheet, stem]).find_map(of_name)
}

/// The role that a name speaks of, and of no other: `Fournisseurs 2023`.
fn of_name(name: &str) -> Option<Role> {
    // Short forms such as `four` and `frs` are words of other things too.
    const LEAST_LETTERS: usize = 6;
    let folded = fold(name);
    let words = folded
        .split(' ')
        .flat_map(|word| role::of_word(word).iter().map(move |role| (word.chars().count(), *role)));
    let said: Vec<(usize, Role)> = words.collect();
    let is_supplier =
        |(letters, role): &(usize, Role)| *role == Role::Supplier && *letters >= LEAST_LETTERS;
    (!said.is_empty() && said.iter().all(is_supplier)).then_some(Role::Supplier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_suppliers_is_told_by_what_it_is_called() {
        let mapping = "rows = 'organisation'\ncolumns = [{ header = ['Nom', 'Nom fournisseur'], attribute = 'name' }]";
        let mapping = Mapping::parse("m", "m", mapping).expect("a mapping");
        let told =
            |column: &str, file, sheet| of_table(&mapping, &[column.to_owned()], file, sheet);
        let supplier = Some(Role::Supplier);
        assert_eq!(told("Nom", "compta/Fournisseurs 2023.xlsx", ""), supplier);
        assert_eq!(told("Nom", "tiers.xlsx", "Lieferanten"), supplier);
        assert_eq!(told("Nom fournisseur", "liste.csv", ""), supplier);
        for (file, sheet) in [
            ("clients-fournisseurs.csv", ""),
            ("four.csv", ""),
            ("fournisseurs/liste.csv", "Clients"),
        ] {
            assert_eq!(told("Nom", file, sheet), None, "{file} {sheet}");
        }
    }
}
