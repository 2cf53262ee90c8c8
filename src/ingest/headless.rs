//! What the columns of a table without header are: told by their cells, and by what stands beside them.
//!
//! `Durand;Hélène;01000;Bourg-en-Bresse` names no column, and a person sees what each is all the same: first names are
//! in a dictionary, towns stand beside postcodes, last names beside first names, firms have legal forms.

use csv::StringRecord;

use super::columns::{Class, Understood};
use crate::value::{organisation, person, text::fold};

/// How sure the cells and the places of columns alone make: less than a name, and never called sure.
const CONFIDENCE: u8 = 50;

/// How sure that a code in front of a name is the customer's.
const CODE_CONFIDENCE: u8 = 45;

/// Fewer rows than this show no likeness between cells.
const FEWEST_ROWS: usize = 2;

/// Whether a table has no header: its columns are numbered, as the readers do where no row names them.
pub(super) fn is_headless(header: &[String]) -> bool {
    !header.is_empty()
        && header.iter().zip(1..).all(|(name, number)| *name == format!("column {number}"))
}

/// Gives columns that nothing names the attribute that their cells tell.
pub(super) fn settle(columns: &mut [Understood], rows: &[StringRecord]) {
    if rows.len() < FEWEST_ROWS {
        return;
    }
    let cells: Vec<Cells> = (0..columns.len()).map(|at| Cells::of(at, rows)).collect();
    let mut table = Unnamed { columns, cells };
    table.columns.iter_mut().for_each(|column| column.number = 0);
    table.find_places();
    table.find_persons();
    table.find_firms();
    table.find_code();
}

/// What the filled cells of a column are, as counts of them.
#[derive(Debug, Default)]
struct Cells {
    filled: u32,
    /// Words without a digit, few of them.
    words: u32,
    /// Four or five digits, five.
    postcodes: u32,
    five_digits: u32,
    first_names: u32,
    /// Two words or more, the first or last of which is a first name or a civility.
    whole_names: u32,
    firms: u32,
    /// A house number and words.
    streets: u32,
}

impl Cells {
    fn of(at: usize, rows: &[StringRecord]) -> Cells {
        let mut cells = Cells::default();
        for cell in rows.iter().filter_map(|row| row.get(at)).map(str::trim) {
            if !cell.is_empty() {
                cells.look(cell);
            }
        }
        cells
    }

    fn look(&mut self, cell: &str) {
        let folded = fold(cell);
        let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
        let has_digit = cell.contains(|c: char| c.is_ascii_digit());
        let is_number = cell.bytes().all(|b| b.is_ascii_digit());
        let is_first =
            |word: &&str| person::is_first_name(word) || person::civility(word).is_some();
        let is_text = !has_digit && !words.is_empty() && !cell.contains('@');
        let is_firm = is_text && organisation::looks_like_organisation(cell);
        let count = |is: bool, counter: &mut u32| *counter += u32::from(is);
        count(true, &mut self.filled);
        count(is_text && words.len() <= 6, &mut self.words);
        count(is_number && matches!(cell.len(), 4 | 5), &mut self.postcodes);
        count(is_number && cell.len() == 5, &mut self.five_digits);
        count(
            is_text && words.len() <= 3 && words.first().is_some_and(is_first_name),
            &mut self.first_names,
        );
        let is_whole = is_text
            && (2..=5).contains(&words.len())
            && !is_firm
            && [words.first(), words.last()].into_iter().flatten().any(is_first);
        count(is_whole, &mut self.whole_names);
        count(is_firm, &mut self.firms);
        let begins = cell.starts_with(|c: char| c.is_ascii_digit());
        count(begins && words.len() > 1 && cell.contains(char::is_alphabetic), &mut self.streets);
    }

    /// Whether at least `percent` of the filled cells are counted in `count`.
    fn mostly(&self, count: u32, percent: u32) -> bool {
        self.filled > 0 && count * 100 >= self.filled * percent
    }

    fn are_words(&self) -> bool {
        self.mostly(self.words, 80)
    }
}

fn is_first_name(word: &&str) -> bool {
    person::is_first_name(word)
}

/// Columns without names, and their cells.
struct Unnamed<'c> {
    columns: &'c mut [Understood],
    cells: Vec<Cells>,
}

impl Unnamed<'_> {
    fn is_open(&self, at: usize) -> bool {
        self.columns[at].attribute.is_empty()
    }

    /// The columns beside one, that on the left first.
    fn beside(&self, at: usize) -> impl Iterator<Item = usize> + use<> {
        let last = self.cells.len() - 1;
        [at.checked_sub(1), (at < last).then_some(at + 1)].into_iter().flatten()
    }

    /// The first open column of which `is` holds.
    fn find(&self, is: impl Fn(&Cells) -> bool) -> Option<usize> {
        (0..self.cells.len()).find(|&at| self.is_open(at) && is(&self.cells[at]))
    }

    fn give(&mut self, at: usize, attribute: &str, confidence: u8, reason: &str) {
        let column = &mut self.columns[at];
        attribute.clone_into(&mut column.attribute);
        column.confidence = confidence;
        column.reason = format!("the table has no header; {reason}");
    }

    /// Towns stand beside their postcodes, on the right of them nearly always; streets begin with a number.
    fn find_places(&mut self) {
        let are_postcodes = |c: &Cells| {
            c.mostly(c.postcodes, 90) && c.five_digits > 0 || c.mostly(c.postcodes, 100)
        };
        let postcode = (0..self.cells.len())
            .filter(|&at| self.is_open(at) && are_postcodes(&self.cells[at]))
            .find_map(|at| {
                let is_town = |town: &usize| self.is_open(*town) && self.cells[*town].are_words();
                let mut beside: Vec<usize> = self.beside(at).collect();
                beside.reverse();
                Some((at, beside.into_iter().find(is_town)?))
            });
        if let Some((postcode, town)) = postcode {
            self.give(postcode, "postcode", CONFIDENCE, "its cells have the form of postcodes");
            self.give(town, "city", CONFIDENCE, "it stands beside postcodes");
        }
        if let Some(street) = self.find(|c| c.mostly(c.streets, 60)) {
            self.give(street, "street", CONFIDENCE, "its cells are house numbers and words");
        }
    }

    fn find_persons(&mut self) {
        let firsts = |at: &usize| (self.cells[*at].first_names, std::cmp::Reverse(*at));
        let are_first = |at: &usize| {
            let c = &self.cells[*at];
            self.is_open(*at) && c.are_words() && c.mostly(c.first_names, 50)
        };
        let first = (0..self.cells.len()).filter(are_first).max_by_key(firsts);
        let is_whole = |c: &Cells| c.are_words() && c.mostly(c.whole_names, 50);
        if let Some(whole) = self.find(is_whole) {
            let civil_or_first = "most of its cells begin or end with a first name or a civility";
            self.give(whole, "full_name", CONFIDENCE, civil_or_first);
            return;
        }
        let Some(first) = first else { return };
        let is_last = |at: &usize| {
            let c = &self.cells[*at];
            self.is_open(*at) && c.are_words() && !c.mostly(c.firms, 20)
        };
        if let Some(last) = self.beside(first).find(is_last) {
            self.give(first, "first_name", CONFIDENCE, "most of its cells are first names");
            self.give(last, "last_name", CONFIDENCE, "it stands beside first names");
        }
    }

    /// A column of firms; where no column names a person, the first one of words that differ.
    fn find_firms(&mut self) {
        let has_person =
            self.columns.iter().any(|c| matches!(&*c.attribute, "last_name" | "full_name"));
        if let Some(firm) = self.find(|c| c.mostly(c.firms, 40)) {
            let attribute = if has_person { "name" } else { "whole_name" };
            self.give(firm, attribute, CONFIDENCE, "its cells have the words of firms");
        } else if !has_person {
            let differs = |at: &usize| {
                let content = &self.columns[*at].content;
                self.is_open(*at)
                    && self.cells[*at].are_words()
                    && content.distinct * 5 >= content.filled * 4
            };
            if let Some(name) = (0..self.cells.len()).find(differs) {
                self.give(
                    name,
                    "whole_name",
                    CONFIDENCE,
                    "it is the first column of words that differ",
                );
            }
        }
    }

    /// A code in front of all others that never comes back is the customer's.
    fn find_code(&mut self) {
        let Some(first) = self.columns.first() else { return };
        let content = &first.content;
        let is_code = first.attribute.is_empty()
            && content.class() == Class::Code
            && content.distinct == content.filled
            && content.filled == content.rows;
        if is_code {
            self.give(
                0,
                "customer_code",
                CODE_CONFIDENCE,
                "its values are codes, and none comes back",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns;
    use super::*;

    /// The attribute of each column of a table without header, blank for none.
    fn told(rows: &str) -> Vec<String> {
        let rows: Vec<StringRecord> =
            rows.lines().map(|line| line.split(';').collect::<Vec<_>>().into()).collect();
        let header: Vec<String> = (1..=rows[0].len()).map(|n| format!("column {n}")).collect();
        columns::understand(&header, &rows).into_iter().map(|column| column.attribute).collect()
    }

    #[test]
    fn persons_are_told_by_first_names_and_towns_by_postcodes() {
        let rows = "Durand;Hélène;01000;Bourg-en-Bresse;0474000000\nMartin;Luc;75002;Paris;01 42 68 53 00\n\
                    Petit;Anne;69003;Lyon;04 78 00 00 00";
        assert_eq!(told(rows), ["last_name", "first_name", "postcode", "city", "phone"]);
        let rows = "C0012;Jean;Roy;12 rue Haute;Lyon;69001;j@roy.fr\nC0040;Anne;Petit;3 quai Bas;Paris;75001;a@p.fr";
        let wanted =
            ["customer_code", "first_name", "last_name", "street", "city", "postcode", "email"];
        assert_eq!(told(rows), wanted);
        let rows = "M. Jean Roy;j@roy.fr\nMme Anne Petit;a@p.fr\nLe Goff Luc;l@g.fr";
        assert_eq!(told(rows), ["full_name", "email"]);
    }

    #[test]
    fn firms_are_told_by_their_words_or_by_differing() {
        let rows = "Dupont SARL;Lyon;0478000001\nGarage Martin;Lyon;0478000002\nRoy et fils;Paris;0140000003";
        assert_eq!(told(rows)[0], "whole_name");
        assert_eq!(
            told("Texum;0478000001\nOlbra;0478000002\nVinci;0140000003"),
            ["whole_name", "phone"]
        );
    }

    #[test]
    fn what_cells_do_not_tell_stays_open() {
        assert_eq!(told("12,5;8,0\n3,1;7,7"), ["", ""]);
        assert_eq!(told("rouge;oui\nrouge;non\nbleu;oui\nbleu;non\nrouge;oui"), ["", ""]);
        assert!(!is_headless(&["Nom".into(), "column 2".into()]));
    }
}
