//! Keeps sensitive text out of the run: it is withheld where rows enter, before any of them is understood.
//!
//! Every table passes here on its way from the reader to the code that makes records, history or rejects of
//! its rows, so that nothing behind it can write what must not be written. What was found is listed by cell.
//! A row's digest is taken before (see [`super::shape`]), so that record ids stay when something is released.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use csv::StringRecord;

use super::{
    columns::{self, Understood},
    consent, mapping,
    mapping::{Mapping, Rows},
    read::{Content, Row, Table},
};
use crate::{
    model::{self, ValueKind},
    table::SensitiveCell,
    value::{
        sensitive::{self, Scope, Sensitive},
        standing,
        text::fold,
    },
};

/// What is withheld of one table; complete once its rows are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Withheld(Arc<Mutex<Findings>>);

#[derive(Debug, Default)]
struct Findings {
    /// Row, column, what.
    cells: Vec<(u32, String, Sensitive)>,
}

impl Withheld {
    fn findings(&self) -> MutexGuard<'_, Findings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cells in which something was found.
    pub(super) fn cells(&self, source: &str, file: &str, sheet: &str) -> Vec<SensitiveCell> {
        let cell = |(row, column, what): &(u32, String, Sensitive)| SensitiveCell {
            source: source.to_owned(),
            file: file.to_owned(),
            sheet: sheet.to_owned(),
            row: *row,
            column: column.clone(),
            what: *what,
        };
        self.findings().cells.iter().map(cell).collect()
    }
}

/// The table without what is sensitive in its rows.
pub(super) fn withhold(mut table: Table, watch: Watch) -> (Table, Withheld) {
    let withheld = watch.withheld.clone();
    let rows = std::mem::replace(&mut table.rows, Box::new(std::iter::empty()));
    table.rows = Box::new(rows.map(move |row| watch.row(row)));
    (table, withheld)
}

/// What is looked for in the columns of a table that a mapping reads.
pub(super) fn scopes(mapping: &Mapping, header: &[String]) -> Vec<Option<Scope>> {
    if mapping.rows == Rows::Fec {
        return header.iter().map(|name| of_ledger(name)).collect();
    }
    let bound = mapping.bind(header);
    let id = mapping::position(header, &mapping.id);
    let of_history = mapping.history.iter().flat_map(|rule| {
        let columns = [&rule.key, &rule.email, &rule.date, &rule.amount, &rule.currency];
        columns.into_iter().filter_map(|names| mapping::position(header, names))
    });
    let plain: BTreeSet<usize> = of_history.chain(id).collect();
    let scope = |(at, name): (usize, &String)| match &bound[at] {
        _ if plain.contains(&at) => None,
        Some(bound) => of_attribute(&bound.rule.attribute, name),
        None => of_attribute("", name),
    };
    header.iter().enumerate().map(scope).collect()
}

/// What is looked for in the columns of a plain table: codes are evidence there, and stay.
pub(super) fn plain_scopes(columns: &[Understood], id: Option<usize>) -> Vec<Option<Scope>> {
    let scope = |column: &Understood| {
        let texts = matches!(column.content.class(), columns::Class::Text);
        match column.attribute.as_str() {
            _ if id == Some(column.index) => None,
            "" if !texts => None,
            attribute => of_attribute(attribute, &column.header),
        }
    };
    columns.iter().map(scope).collect()
}

/// What is looked for in a column of an attribute, by its header where it is free text.
pub(crate) fn of_attribute(attribute: &str, header: &str) -> Option<Scope> {
    let free = if sensitive::is_bank_column(header) { Scope::Bank } else { Scope::Prose };
    match attribute {
        "customer_code" | "account_code" | "iban" | "bic" => None,
        _ => match model::attribute(attribute).map(|a| a.value_kind) {
            None | Some(ValueKind::Text | ValueKind::Category) => Some(free),
            Some(_) => Some(Scope::Field),
        },
    }
}

/// Of an accounting file only labels are written freely; the names of accounts are names.
fn of_ledger(header: &str) -> Option<Scope> {
    match fold(header).as_str() {
        "ecriturelib" => Some(Scope::Prose),
        "compauxlib" | "comptelib" => Some(Scope::Field),
        _ => None,
    }
}

/// Looks through the rows of one table.
#[derive(Clone)]
pub(super) struct Watch {
    scopes: Vec<Option<Scope>>,
    header: Vec<String>,
    released: BTreeSet<Sensitive>,
    withheld: Withheld,
}

impl Watch {
    /// Looks for all that is sensitive but what is `released`. `scopes` say what is looked for in each column;
    /// `header` names the columns as outputs do.
    pub(super) fn new(
        scopes: Vec<Option<Scope>>,
        header: Vec<String>,
        released: &BTreeSet<Sensitive>,
    ) -> Watch {
        let (released, withheld) = (released.clone(), Withheld::default());
        Watch { scopes, header, released, withheld }
    }

    /// What was found so far.
    pub(super) fn withheld(&self) -> &Withheld {
        &self.withheld
    }

    /// What is looked for in a column. What stands beyond the header is of no known kind.
    pub(super) fn scope(&self, column: usize) -> Option<Scope> {
        self.scopes.get(column).copied().unwrap_or(Some(Scope::Prose))
    }

    fn row(&self, row: Row) -> Row {
        let number = row.number;
        let content = match row.content {
            Content::Data(cells) => Content::Data(self.cells(number, &cells).unwrap_or(cells)),
            Content::Bad { code, message, raw } => {
                Content::Bad { code, message, raw: self.raw(number, raw) }
            }
            skipped => skipped,
        };
        Row { number, content }
    }

    /// A row that could not be taken apart, without what is sensitive.
    pub(super) fn raw(&self, row: u32, raw: String) -> String {
        match self.cell(&raw, Scope::Prose) {
            Some((text, found)) => {
                self.note(row, "", &found);
                text
            }
            None => raw,
        }
    }

    /// A row that was taken apart, or a cell of it, without what is sensitive, which is told of its cells.
    pub(super) fn shown(&self, raw: String) -> String {
        self.cell(&raw, Scope::Prose).map_or(raw, |(text, _)| text)
    }

    /// What outputs call a column.
    pub(super) fn column(&self, at: usize) -> String {
        self.header.get(at).cloned().unwrap_or_else(|| format!("column {}", at + 1))
    }

    /// The cells without what is sensitive; none when there is nothing.
    pub(super) fn cells(&self, row: u32, cells: &StringRecord) -> Option<StringRecord> {
        let found: Vec<(usize, String, Vec<Sensitive>)> = cells
            .iter()
            .enumerate()
            .filter_map(|(at, cell)| {
                let (text, found) = self.cell(cell, self.scope(at)?)?;
                Some((at, text, found))
            })
            .collect();
        if found.is_empty() {
            return None;
        }
        let mut texts: Vec<&str> = cells.iter().collect();
        for (at, text, found) in &found {
            self.note(row, &self.column(*at), found);
            texts[*at] = text;
        }
        Some(StringRecord::from(texts))
    }

    /// A cell without what is sensitive, and what that was; none when there is nothing.
    fn cell(&self, cell: &str, scope: Scope) -> Option<(String, Vec<Sensitive>)> {
        let (text, found) = sensitive::withhold(cell, scope, &self.released);
        if found.is_empty() {
            return None;
        }
        // A sentence about somebody's health, or behind a password, may say more than that: no objection is
        // forgotten with it.
        let counts = what_counts(cell);
        let narrow = what_counts(&text) != counts;
        let text = match narrow {
            true => {
                let keeps = |left: &str| what_counts(left) == counts;
                sensitive::withhold_words(cell, &self.released, keeps)
            }
            false => text.into_owned(),
        };
        Some((text, found))
    }

    fn note(&self, row: u32, column: &str, found: &[Sensitive]) {
        let cells = found.iter().map(|what| (row, column.to_owned(), *what));
        self.withheld.findings().cells.extend(cells);
    }
}

/// What a note says that must not be lost: objections, and the end of a customer.
fn what_counts(note: &str) -> impl PartialEq + use<> {
    let ends: Vec<_> = standing::find(note).into_iter().map(|s| (s.standing, s.since)).collect();
    (consent::in_note(note), ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(scopes: &[Option<Scope>], released: &[Sensitive]) -> Watch {
        Watch {
            scopes: scopes.to_vec(),
            header: vec!["Nom".into(), "Notes".into()],
            released: released.iter().copied().collect(),
            withheld: Withheld::default(),
        }
    }

    const BOTH: [Option<Scope>; 2] = [Some(Scope::Field), Some(Scope::Prose)];

    fn row(cells: &[&str]) -> Row {
        Row { number: 7, content: Content::Data(StringRecord::from(cells.to_vec())) }
    }

    fn texts(row: Row) -> Vec<String> {
        match row.content {
            Content::Data(cells) => cells.iter().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn an_objection_behind_a_password_is_kept() {
        let watch = watch(&BOTH, &[]);
        let note = "Mot de passe : soleil ne plus envoyer de mail";
        let left = texts(watch.row(row(&["Dupont", note])));
        assert!(
            !left[1].contains("soleil") && left[1].contains("ne plus envoyer de mail"),
            "{left:?}"
        );
    }

    #[test]
    fn what_is_found_is_listed_by_cell_and_never_by_value() {
        let watch = watch(&BOTH, &[]);
        let cells = watch.row(row(&["Dupont", "VIP, digicode 12A34", "mdp : Rex2019"]));
        assert_eq!(
            texts(cells),
            ["Dupont", "VIP, digicode [withheld: door code]", "mdp : [withheld: password]"]
        );
        let listed: Vec<String> = watch
            .withheld
            .cells("s", "a.csv", "")
            .iter()
            .map(|c| format!("{} {} {}", c.row, c.column, c.what.as_str()))
            .collect();
        assert_eq!(listed, ["7 Notes door_code", "7 column 3 password"]);
    }

    #[test]
    fn a_row_without_findings_is_the_same() {
        let watch = watch(&BOTH, &[]);
        assert_eq!(
            texts(watch.row(row(&["Dupont", "rappeler lundi"]))),
            ["Dupont", "rappeler lundi"]
        );
    }

    #[test]
    fn an_objection_is_not_forgotten_with_an_illness() {
        let watch = watch(&BOTH, &[]);
        let cells = texts(watch.row(row(&["", "hospitalisée ne plus appeler"])));
        assert_eq!(cells[1], "[withheld: health] ne plus appeler");
        let cells =
            texts(watch.row(row(&["", "hospitalisée pour un cancer du sein ne plus appeler"])));
        assert_eq!(cells[1], "[withheld: health] ne plus appeler");
    }

    #[test]
    fn an_unreadable_row_is_withheld_too() {
        let watch = watch(&BOTH, &[]);
        let bad = Content::Bad {
            code: "ragged_row",
            message: String::new(),
            raw: "Dupont;digicode 12A34".into(),
        };
        match watch.row(Row { number: 3, content: bad }).content {
            Content::Bad { raw, .. } => assert_eq!(raw, "Dupont;digicode [withheld: door code]"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_of_codes_and_accounts_stay() {
        let mapping = Mapping::parse(
            "m",
            "m",
            r#"rows = "organisation"
               columns = [{ header = ["Code"], attribute = "customer_code" }, { header = ["Nom"], attribute = "name" },
                          { header = ["IBAN"], attribute = "iban" }, { header = ["Notes"], attribute = "notes" }]"#,
        )
        .expect("a mapping");
        let header = ["Code", "Nom", "IBAN", "Notes", "RIB 2", "Divers"].map(str::to_owned);
        assert_eq!(
            scopes(&mapping, &header),
            [
                None,
                Some(Scope::Field),
                None,
                Some(Scope::Prose),
                Some(Scope::Bank),
                Some(Scope::Prose)
            ]
        );
    }
}
