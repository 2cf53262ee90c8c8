//! The country of what names none: of the phone numbers, addresses and postcodes of a table.
//!
//! Nothing is assumed. Each cell that tells a country votes: some name one, some fit the plans of several. The
//! language of the headers decides between countries that the cells fit equally well. Where nothing tells, there
//! is no country, and values are kept as written.

use std::collections::{BTreeMap, BTreeSet};

use csv::StringRecord;

use super::columns;
use crate::{
    table::NO_COUNTRY,
    value::{
        address::{self, Parts},
        country, phone,
    },
};

/// Countries whose numbering plans and postcodes are tried: the neighbours, whose lists come into a company's
/// files unmarked, and the United States, whose postcodes have five digits too. Any other country is told by what
/// names it.
const TRIED: [&str; 12] = ["FR", "BE", "CH", "LU", "DE", "AT", "ES", "IT", "NL", "GB", "PT", "US"];

/// Phone numbers that are tried: enough that one in ten shows.
const NUMBERS_TRIED: u32 = 300;

/// The fewest cells that tell the country of a table, and the share of all that it must fit, in percent: by
/// judgement.
const LEAST: u32 = 10;
const FITTING: u32 = 80;

/// The fewest where all cells of a table agree; one is enough where its headers are in a language of the country.
const LEAST_AGREED: u32 = 3;

/// The share of the cells of all tables that the home of a company fits at least, in percent: it may have many
/// customers abroad.
const AT_HOME: u32 = 50;

/// A country that more than this share of the winner's cells fit is its rival, in percent: by judgement.
const RUNNER_UP: u32 = 80;

/// A table of which no more than this share of the cells fit the home country is not of it, in percent.
const STRANGE: u32 = 20;

/// What tells a country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    Number,
    Postcode,
    Name,
    Code,
    Vat,
    Town,
    State,
    Domain,
}

impl Evidence {
    /// What so many of them are called.
    fn named(self, count: u32) -> String {
        let (one, more) = match self {
            Evidence::Number => ("phone number", "phone numbers"),
            Evidence::Postcode => ("postcode", "postcodes"),
            Evidence::Name => ("name of the country", "names of the country"),
            Evidence::Code => ("country code of a number", "country codes of numbers"),
            Evidence::Vat => ("VAT number", "VAT numbers"),
            Evidence::Town => ("town", "towns"),
            Evidence::State => ("state", "states"),
            Evidence::Domain => ("email domain", "email domains"),
        };
        format!("{count} {}", if count == 1 { one } else { more })
    }
}

/// How many cells fit which country.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Votes {
    fitting: BTreeMap<String, BTreeMap<Evidence, u32>>,
    /// Cells that fit any.
    cells: u32,
    /// Languages of headers.
    languages: BTreeSet<&'static str>,
}

/// A country, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Cells that fit it.
    pub fitting: u32,
    /// Cells that fit any country.
    pub cells: u32,
    /// What told it, as a phrase: `30 postcodes, 12 email domains, headers in fr`.
    pub evidence: String,
}

impl Guess {
    /// Share of the telling cells that fit it, in percent.
    pub fn percent(&self) -> u32 {
        self.fitting * 100 / self.cells.max(1)
    }
}

/// What holds for a source whose cells do not tell that it is at home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Abroad {
    /// In another country.
    In(Guess),
    /// In any but the home country: so many cells, of so many, fit that.
    Elsewhere(u32, u32),
}

impl Abroad {
    /// As the settings of the source write it.
    pub fn setting(&self) -> &str {
        match self {
            Abroad::In(guess) => &guess.country,
            Abroad::Elsewhere(..) => NO_COUNTRY,
        }
    }
}

impl Votes {
    /// Counts what the cells of a table tell; `attributes` says of each column what it holds, or nothing.
    pub fn of(attributes: &[&str], header: &[String], rows: &[StringRecord]) -> Votes {
        let mut votes = Votes::default();
        votes.languages.extend(columns::language(header));
        let mut numbers = 0;
        let has_place = attributes.iter().any(|a| matches!(*a, "postcode" | "postcode_city"));
        for (at, attribute) in attributes.iter().enumerate() {
            // Where no column is the place's, the street's may hold whole addresses.
            let attribute =
                if *attribute == "street" && !has_place { "address" } else { attribute };
            let filled = rows.iter().filter_map(|row| row.get(at)).map(str::trim);
            for cell in filled.filter(|cell| !cell.is_empty()) {
                if matches!(attribute, "phone" | "mobile") {
                    numbers += 1;
                    if numbers > NUMBERS_TRIED {
                        break;
                    }
                }
                votes.read(attribute, cell);
            }
        }
        votes
    }

    fn read(&mut self, attribute: &str, cell: &str) {
        match attribute {
            "country" => self.add(Evidence::Name, address::iso_country(cell)),
            "vat" => self.add(Evidence::Vat, country::of_vat(cell)),
            "state" => self.add(Evidence::State, country::of_state(cell)),
            "city" => self.add(Evidence::Town, country::of_town(cell)),
            "postcode" => self.postcode(cell),
            "email" => self.add(Evidence::Domain, country::of_email(cell)),
            "phone" | "mobile" => match phone::dialled_country(cell) {
                Some(country) => self.add(Evidence::Code, [country.as_str()]),
                None if phone::is_national(cell, "FR", "") => self.add(Evidence::Number, ["FR"]),
                None => self.add(Evidence::Number, TRIED.into_iter().filter(|c| exists(cell, c))),
            },
            "address" | "postcode_city" => {
                let read = match attribute {
                    "address" => Parts { address: cell, ..Parts::default() },
                    _ => Parts { postcode_city: cell, ..Parts::default() },
                };
                let read = address::normalize(&read, "");
                match read.country.as_str() {
                    "" => {
                        self.postcode(&read.postcode);
                        self.add(Evidence::Town, country::of_town(&read.city));
                    }
                    country => self.add(Evidence::Name, [country]),
                }
            }
            _ => {}
        }
    }

    fn postcode(&mut self, written: &str) {
        let fits = |country: &&str| address::has_form(country, written);
        self.add(Evidence::Postcode, TRIED.into_iter().filter(fits));
    }

    /// Takes a cell into account that fits these countries; one that fits none tells nothing.
    fn add<'c>(&mut self, by: Evidence, countries: impl IntoIterator<Item = &'c str>) {
        let mut tells = false;
        for country in countries {
            tells = true;
            *self.fitting.entry(country.to_owned()).or_default().entry(by).or_default() += 1;
        }
        self.cells += u32::from(tells);
    }

    /// Adds what another table says.
    pub fn merge(&mut self, other: &Votes) {
        for (country, counts) in &other.fitting {
            let of = self.fitting.entry(country.clone()).or_default();
            counts.iter().for_each(|(by, count)| *of.entry(*by).or_default() += count);
        }
        self.cells += other.cells;
        self.languages.extend(&other.languages);
    }

    /// Whether any cell tells a country.
    pub fn tells(&self) -> bool {
        self.cells > 0
    }

    /// How many cells fit the country.
    fn fit(&self, country: &str) -> u32 {
        self.fitting.get(country).map_or(0, |counts| counts.values().sum())
    }

    /// Whether the headers are in a language of the country.
    fn speaks(&self, country: &str) -> bool {
        self.languages.iter().any(|language| country::is_spoken(language, country))
    }

    /// The country that most cells fit, at least `share` percent of them, and no other nearly as many; of several
    /// the only one that speaks the language of the headers.
    fn first(&self, share: u32) -> Option<Guess> {
        let most = self.fitting.keys().map(|country| self.fit(country)).max()?;
        let near = |country: &&String| is_share(self.fit(country), most, RUNNER_UP);
        let rivals: Vec<&String> = self.fitting.keys().filter(near).collect();
        let country = match rivals.as_slice() {
            [alone] => alone,
            several => {
                let mut speaking = several.iter().filter(|country| self.speaks(country));
                let only = speaking.next()?;
                if speaking.next().is_some() {
                    return None;
                }
                only
            }
        };
        let fitting = self.fit(country);
        is_share(fitting, self.cells, share).then(|| Guess {
            country: (*country).clone(),
            fitting,
            cells: self.cells,
            evidence: self.evidence(country),
        })
    }

    /// The country of a table: nearly all of many cells tell it, or all of a few.
    pub fn country(&self) -> Option<Guess> {
        self.first(FITTING).filter(|guess| {
            let agreed = if self.speaks(&guess.country) { 1 } else { LEAST_AGREED };
            guess.fitting >= LEAST || guess.fitting == guess.cells && guess.fitting >= agreed
        })
    }

    /// The country of a company, told by the cells of all its tables.
    pub fn home(&self) -> Option<Guess> {
        let home = self.first(AT_HOME).filter(|guess| guess.fitting >= LEAST);
        home.or_else(|| self.country())
    }

    /// What a source that belongs to a company at `home` says of its own country; none where it says nothing else.
    pub fn abroad(&self, home: &str) -> Option<Abroad> {
        if let Some(guess) = self.first(FITTING).filter(|guess| guess.fitting >= LEAST) {
            return (guess.country != home).then_some(Abroad::In(guess));
        }
        let fitting = self.fit(home);
        let strange = self.cells >= LEAST && fitting * 100 <= self.cells * STRANGE;
        strange.then_some(Abroad::Elsewhere(fitting, self.cells))
    }

    fn evidence(&self, country: &str) -> String {
        let counts = self.fitting.get(country).into_iter().flatten();
        let mut told: Vec<String> = counts.map(|(by, count)| by.named(*count)).collect();
        let spoken = |language: &&&str| country::is_spoken(language, country);
        let languages: Vec<&str> = self.languages.iter().filter(spoken).copied().collect();
        if !languages.is_empty() {
            told.push(format!("headers in {}", languages.join(", ")));
        }
        told.join(", ")
    }
}

fn is_share(part: u32, whole: u32, percent: u32) -> bool {
    u64::from(part) * 100 >= u64::from(whole) * u64::from(percent)
}

/// Whether a cell holds numbers that exist in the country.
fn exists(cell: &str, country: &str) -> bool {
    let numbers = phone::normalize(cell, country);
    !numbers.is_empty() && numbers.iter().all(Result::is_ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn votes(header: &str, rows: &str) -> Votes {
        let header: Vec<String> = header.split(';').map(str::to_owned).collect();
        let rows: Vec<StringRecord> = rows.lines().map(|l| l.split(';').collect()).collect();
        let understood = columns::understand(&header, &rows);
        let attributes: Vec<&str> = understood.iter().map(|c| c.attribute.as_str()).collect();
        Votes::of(&attributes, &header, &rows)
    }

    fn country(header: &str, rows: &str) -> String {
        votes(header, rows).country().map_or("none".into(), |guess| guess.country)
    }

    fn abroad(header: &str, rows: &str) -> String {
        match votes(header, rows).abroad("FR") {
            None => "at home".into(),
            Some(Abroad::In(guess)) => guess.country,
            Some(Abroad::Elsewhere(..)) => "elsewhere".into(),
        }
    }

    fn table(row: impl Fn(u32) -> String) -> String {
        (0..30).map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_belgian_list_is_told_by_its_numbers() {
        let belgian = table(|n| format!("Peeters {n};02 513 89 {:02};1000", n + 10));
        assert_eq!(abroad("Nom;Téléphone;Code postal", &belgian), "BE");
        let coded = table(|n| format!("Peeters {n};+32 2 513 89 {:02}", n + 10));
        assert_eq!(abroad("Nom;Téléphone", &coded), "BE");
        let whole = table(|n| format!("Peeters {n};Rue Haute {n}, 5000 Namur", n = n + 1));
        assert_eq!(abroad("Nom;Adresse", &whole), "BE");
    }

    #[test]
    fn a_list_of_home_or_of_many_countries_has_none_of_its_own() {
        let french = table(|n| format!("Petit {n};02 40 11 12 {:02}", n + 10));
        assert_eq!(abroad("Nom;Téléphone", &french), "at home");
        // Postcodes that lost their zero, as half of a column may have, are no other country's.
        let cut = table(|n| format!("Petit {n};02 40 11 12 {:02};1000", n + 10));
        assert_eq!(abroad("Nom;Téléphone;Code postal", &cut), "at home");
        let mixed = table(|n| {
            let code = if n % 2 == 0 { "+32 2 513 89" } else { "+33 2 40 11 12" };
            format!("Petit {n};{code} {:02}", n + 10)
        });
        assert_eq!(abroad("Nom;Téléphone", &mixed), "at home");
        let few = "Peeters;02 513 89 10\nMertens;02 513 89 11";
        assert_eq!(abroad("Nom;Téléphone", few), "at home");
    }

    #[test]
    fn a_list_that_does_not_look_like_home_is_elsewhere() {
        let four_digits = table(|n| format!("Petit {n};{}", 1000 + 37 * n));
        assert_eq!(abroad("Nom;Code postal", &four_digits), "elsewhere");
    }

    #[test]
    fn what_names_a_country_tells_it() {
        for (header, cell, expected) in [
            ("name;country", "USA", "US"),
            ("name;state", "nsw", "AU"),
            ("name;state;zip", "NY;10013", "US"),
            ("name;email", "a@example.be", "BE"),
            ("name;city;zip", "Dresden;01067", "DE"),
            ("name;city;zip", "Marseille;13001", "FR"),
            ("name;phone", "+44 20 7946 0018", "GB"),
        ] {
            let rows = table(|n| format!("Miller {n};{cell}"));
            assert_eq!(country(header, &rows), expected, "{header} {cell}");
        }
    }

    #[test]
    fn nothing_is_assumed() {
        let rows = table(|n| format!("Miller {n};{}", 2000 + 41 * n));
        assert_eq!(country("name;postcode", &rows), "none");
        let rows = table(|n| format!("Miller {n};{}", 20000 + 41 * n));
        assert_eq!(country("name;postcode", &rows), "none");
        let rows = table(|n| format!("Miller {n};a{n}@example.com;{n}"));
        assert_eq!(country("name;email;number", &rows), "none");
        assert_eq!(country("name;postcode", "Miller;2000\nSmith;2010\nJones;"), "none");
    }

    #[test]
    fn the_language_of_the_headers_decides_between_equals() {
        let five = table(|n| format!("Petit {n};{}", 20000 + 41 * n));
        assert_eq!(country("Nom;Code postal;Ville", &five), "FR");
        assert_eq!(country("Name;Postleitzahl;Ort", &five), "DE");
        assert_eq!(country("Nombre;Código postal;Población", &five), "ES");
        assert_eq!(country("Nome;CAP;Comune", &five), "IT");
        assert_eq!(country("Nom;Code postal;Téléphone", "Petit;75001;\nMartin;69003;"), "FR");
    }

    #[test]
    fn a_company_has_its_home_although_half_of_its_customers_live_abroad() {
        let mut all = votes("Nom;Téléphone", &table(|n| format!("Petit {n};02 40 11 12 {n:02}")));
        let coded = table(|n| format!("Peeters {n};+32 2 513 89 {:02}", n + 10));
        let belgian =
            votes("Nom;Téléphone", &coded.lines().take(20).collect::<Vec<_>>().join("\n"));
        all.merge(&belgian);
        assert_eq!(all.home().map(|guess| guess.country).as_deref(), Some("FR"));
        assert_eq!(Votes::default().home(), None);
    }
}
