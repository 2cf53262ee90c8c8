//! The country that a source speaks of, where it is not the project's: its phone numbers without a country code
//! are dialled there.

use std::collections::BTreeMap;

use csv::StringRecord;

use super::mapping::Mapping;
use crate::value::{address, phone};

/// Countries whose numbering plans and postcodes are tried: the neighbours, whose lists come into a company's
/// files unmarked. Any other country is told by codes and names alone.
const TRIED: [&str; 11] = ["FR", "BE", "CH", "LU", "DE", "AT", "ES", "IT", "NL", "GB", "PT"];

/// Phone numbers that are tried: enough that one in ten shows.
const NUMBERS_TRIED: u32 = 300;

/// The fewest cells that tell a country, and the share of them that it must fit, in percent: by judgement.
const LEAST: u32 = 10;
const FITTING: u32 = 80;

/// The greatest share of the winner's cells that any other country may fit, in percent: by judgement.
const RUNNER_UP: u32 = 80;

/// How many cells fit which country: a number without a country code, or a postcode, may fit several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Votes {
    fitting: BTreeMap<String, u32>,
    cells: u32,
}

impl Votes {
    /// Counts what the cells of a table tell: names of countries, country codes of phone numbers and VAT
    /// numbers; numbers without a country code, and postcodes, by the plans they fit.
    pub fn of(mapping: &Mapping, header: &[String], rows: &[StringRecord]) -> Votes {
        let mut votes = Votes::default();
        let mut tried = 0;
        for (at, bound) in mapping.bind(header).iter().enumerate() {
            let Some(bound) = bound else { continue };
            let attribute = bound.rule.attribute.as_str();
            let filled = rows.iter().filter_map(|row| row.get(at)).map(str::trim);
            for cell in filled.filter(|cell| !cell.is_empty()) {
                match attribute {
                    "country" => votes.add(address::iso_country(cell)),
                    "vat" => votes.add(vat_country(cell)),
                    "postcode" => votes.add(TRIED.into_iter().filter(|c| address::fits(c, cell))),
                    "phone" | "mobile" if tried < NUMBERS_TRIED => {
                        tried += 1;
                        match phone::dialled_country(cell) {
                            Some(country) => votes.add([country.as_str()]),
                            None => votes.add(TRIED.into_iter().filter(|c| exists(cell, c))),
                        }
                    }
                    _ => {}
                }
            }
        }
        votes
    }

    /// Takes a cell into account that fits these countries; one that fits none tells nothing.
    fn add<'c>(&mut self, countries: impl IntoIterator<Item = &'c str>) {
        let mut tells = false;
        for country in countries {
            tells = true;
            *self.fitting.entry(country.to_owned()).or_default() += 1;
        }
        self.cells += u32::from(tells);
    }

    /// Adds what another table says.
    pub fn merge(&mut self, other: &Votes) {
        for (country, count) in &other.fitting {
            *self.fitting.entry(country.clone()).or_default() += count;
        }
        self.cells += other.cells;
    }

    /// The country other than `home` that nearly all cells fit, and no other country nearly as well; with how
    /// many cells fit it, and of how many.
    pub fn winner(&self, home: &str) -> Option<(&str, u32, u32)> {
        let (country, &count) = self.fitting.iter().max_by_key(|(_, count)| **count)?;
        let at_least = |part: u32, whole: u32, percent: u32| {
            u64::from(part) * 100 >= u64::from(whole) * u64::from(percent)
        };
        let rivals = self.fitting.iter().filter(|(other, _)| *other != country);
        let alone = rivals.into_iter().all(|(_, other)| !at_least(*other, count, RUNNER_UP));
        let sure = count >= LEAST && at_least(count, self.cells, FITTING) && alone;
        (sure && country != home).then_some((country, count, self.cells))
    }
}

/// Whether a cell holds numbers that exist in the country.
fn exists(cell: &str, country: &str) -> bool {
    let numbers = phone::normalize(cell, country);
    !numbers.is_empty() && numbers.iter().all(Result::is_ok)
}

/// The country of a VAT number, by the letters before it.
fn vat_country(cell: &str) -> Option<&'static str> {
    let letters: String = cell.trim().chars().take_while(char::is_ascii_alphabetic).collect();
    let country = match letters.to_uppercase().as_str() {
        "EL" => "GR".to_owned(),
        code if code.len() == 2 => code.to_owned(),
        // Swiss numbers begin with `CHE`.
        code if code.starts_with("CHE") => "CH".to_owned(),
        _ => return None,
    };
    address::iso_country(&country).filter(|iso| *iso == country)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(header: &str, rows: &str) -> Option<String> {
        let header: Vec<String> = header.split(';').map(str::to_owned).collect();
        let rows: Vec<StringRecord> = rows.lines().map(|l| l.split(';').collect()).collect();
        let columns = super::super::columns::understand(&header, &rows);
        let mapping = super::super::columns::mapping(&columns).expect("a customer table");
        Votes::of(&mapping, &header, &rows).winner("FR").map(|(country, ..)| country.to_owned())
    }

    fn table(row: impl Fn(u32) -> String) -> String {
        (0..30).map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_belgian_list_is_told_by_its_numbers() {
        let belgian = table(|n| format!("Peeters {n};02 513 89 {:02};1000", n + 10));
        assert_eq!(winner("Nom;Téléphone;Code postal", &belgian).as_deref(), Some("BE"));
        let coded = table(|n| format!("Peeters {n};+32 2 513 89 {:02}", n + 10));
        assert_eq!(winner("Nom;Téléphone", &coded).as_deref(), Some("BE"));
    }

    #[test]
    fn a_list_of_home_or_of_many_countries_has_none_of_its_own() {
        let french = table(|n| format!("Petit {n};02 40 11 12 {:02}", n + 10));
        assert_eq!(winner("Nom;Téléphone", &french), None);
        // Postcodes that lost their zero, as half of a column may have, are no other country's.
        let cut = table(|n| format!("Petit {n};02 40 11 12 {:02};1000", n + 10));
        assert_eq!(winner("Nom;Téléphone;Code postal", &cut), None);
        let mixed = table(|n| {
            let code = if n % 2 == 0 { "+32 2 513 89" } else { "+33 2 40 11 12" };
            format!("Petit {n};{code} {:02}", n + 10)
        });
        assert_eq!(winner("Nom;Téléphone", &mixed), None);
        assert_eq!(winner("Nom;Téléphone", "Peeters;02 513 89 10\nMertens;02 513 89 11"), None);
    }
}
