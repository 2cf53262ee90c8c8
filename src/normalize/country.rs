//! The country of what a record's cells leave open: numbers to call and addresses that name none.
//!
//! The row speaks first: its country column, else what its postcode, town, country codes, VAT number and email domain
//! tell. Then comes the country of its source, then that of the project. Where the row speaks against these
//! without telling another for sure, there is no country: none is ever invented.

use std::{collections::HashMap, sync::Arc};

use crate::{
    model::{self, ValueKind},
    table::{Column, NO_COUNTRY, Records, ValueIssue},
    value::{
        Issue,
        address::{self, Parts},
        country, phone, text,
    },
};

/// The country of each record.
pub(super) struct Countries<'a> {
    /// The first is `home`, the second none.
    names: Vec<&'a str>,
    /// By record the position in `names` for numbers to call; empty where all records are at home.
    of: Vec<u16>,
    /// The same for its addresses, which may name their own.
    of_address: Vec<u16>,
    /// What a steward should know of records whose row speaks against its source, by record.
    doubts: HashMap<u32, Arc<ValueIssue>>,
}

/// The position of no country in [`Countries::names`].
const NOWHERE: u16 = 1;

impl<'a> Countries<'a> {
    /// `home` is the country of the project; empty where there is none.
    pub(super) fn new(raw: &'a Records, home: &'a str) -> Countries<'a> {
        let mut countries = Countries {
            names: vec![home, ""],
            of: Vec::new(),
            of_address: Vec::new(),
            doubts: HashMap::new(),
        };
        let mut reader = Reader::new(raw);
        let rows = reader.foreign_rows(home);
        let column = raw.columns.get("country");
        if column.is_none() && rows.is_empty() && raw.places.iter().all(|p| p.country.is_empty()) {
            return countries;
        }
        for record in 0..raw.len() {
            let source = home_of(raw, raw.place[record], home);
            let told = rows.get(&row_of(raw, record)).map_or(Told::Nothing, |s| s.told(source));
            let of_address = match told {
                Told::Nothing => countries.position(source),
                Told::Country(country, _) => countries.position(country),
                Told::Doubt(_) => NOWHERE,
            };
            let named = reader.named(record);
            let of = named.map_or(of_address, |named| countries.position(named));
            countries.of.push(of);
            countries.of_address.push(of_address);
            if let (Some(issue), None) = (told.issue(source), named) {
                countries.doubts.insert(record as u32, issue);
            }
        }
        countries
    }

    fn position(&mut self, name: &'a str) -> u16 {
        let known = self.names.iter().position(|known| *known == name);
        known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        }) as u16
    }

    /// The country of a record's numbers to call: see [`Countries::name`].
    pub(super) fn of(&self, record: usize) -> u16 {
        self.of.get(record).copied().unwrap_or(0)
    }

    /// ISO code of the country at a position; empty where nothing tells it.
    pub(super) fn name(&self, at: u16) -> &'a str {
        self.names[usize::from(at)]
    }

    /// The country of a record's addresses that name none; empty where nothing tells it.
    pub(super) fn of_address(&self, record: usize) -> &'a str {
        self.name(self.of_address.get(record).copied().unwrap_or(0))
    }

    /// What a steward should know of the country of a record's addresses.
    pub(super) fn doubt(&self, record: usize) -> Option<&Arc<ValueIssue>> {
        self.doubts.get(&(record as u32))
    }
}

/// The country of what names none in a place: that of its source, else `home`; empty where nothing tells it.
pub(super) fn home_of<'a>(raw: &'a Records, place: u32, home: &'a str) -> &'a str {
    match raw.places[place as usize].country.as_str() {
        "" => home,
        NO_COUNTRY => "",
        country => country,
    }
}

/// What a row says of its country, its source's being another one or silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Nothing that the source's would not explain.
    Nothing,
    /// Another one; whether a steward should look at it.
    Country(&'static str, bool),
    /// That it may well be this one, or not.
    Doubt(&'static str),
}

impl Told {
    fn issue(self, source: &str) -> Option<Arc<ValueIssue>> {
        let (issue, value) = match self {
            Told::Country(country, true) => {
                let message = "no country is written; the rest of the row tells it";
                (Issue::likely("country_told", message), country)
            }
            Told::Doubt(_) => {
                let message =
                    "no country is written, and the row speaks against that of its source";
                (Issue::doubtful("country_doubt", message), "")
            }
            _ => return None,
        };
        let (Told::Country(country, _) | Told::Doubt(country)) = self else { return None };
        let suggestion = match source {
            "" => format!("write the country: perhaps `{country}`"),
            source => format!("write the country: perhaps `{country}`, else `{source}`"),
        };
        let issue = Issue { suggestion, ..issue };
        Some(Arc::new(ValueIssue { issue, raw: String::new(), value: value.to_owned() }))
    }
}

/// Where a row stands: its place and number.
type Row = (u32, u32);

fn row_of(raw: &Records, record: usize) -> Row {
    (raw.place[record], raw.row[record])
}

/// What the cells of one row tell of its country. A row of several records shows its cells to all.
#[derive(Debug, Clone, Default)]
struct Signs<'a> {
    /// Countries that whole addresses name, and those that alone write a postcode so.
    places: Vec<&'static str>,
    /// Other postcodes.
    postcodes: Vec<&'a str>,
    /// The countries of large towns.
    towns: Vec<&'static str>,
    /// Those of numbers to call, by their country codes.
    dialled: Vec<&'static str>,
    /// Numbers to call without a country code.
    national: Vec<&'a str>,
    vats: Vec<&'static str>,
    /// Those of email and web domains: a weak hint, which people and firms choose.
    domains: Vec<&'static str>,
}

impl Signs<'_> {
    /// What they tell, `source` being the country of what tells none.
    fn told(&self, source: &str) -> Told {
        if let Some(told) = self.of_place(source) {
            return told;
        }
        let strong = different(self.dialled.iter().chain(&self.vats));
        let weak = different(self.domains.iter());
        let foreign = if strong.is_empty() { &weak } else { &strong };
        let Some(&first) = foreign.first() else { return Told::Nothing };
        if foreign.contains(&source) || self.looks_like(source, first) {
            return Told::Nothing;
        }
        let mut postcodes = self.postcodes.iter();
        let postcode_tells = !self.postcodes.is_empty()
            && postcodes.all(|code| address::has_form(first, code) && is_foreign(code, source));
        let at_source = |code: &&str| !is_foreign(code, source);
        if strong.is_empty() && !postcode_tells && self.postcodes.iter().any(at_source) {
            return Told::Nothing;
        }
        let kinds = [&self.dialled, &self.vats, &self.domains];
        let agreeing = kinds.iter().filter(|told| told.contains(&first)).count();
        let sure = agreeing > 1 && weak.iter().all(|domain| *domain == first);
        match foreign.len() == 1 && (postcode_tells || sure) {
            true => Told::Country(first, true),
            // Where no country is assumed there is nothing to doubt.
            false if source.is_empty() => Told::Nothing,
            false => Told::Doubt(first),
        }
    }

    /// What postcode and town tell, the postcode before the town.
    fn of_place(&self, source: &str) -> Option<Told> {
        let fits = |town: &&&str| self.postcodes.iter().all(|code| address::has_form(town, code));
        let of_towns = || different(self.towns.iter().filter(fits));
        let told = if self.places.is_empty() { of_towns() } else { different(self.places.iter()) };
        Some(match told[..] {
            [] => return None,
            [only] if only == source => Told::Nothing,
            [only] => Told::Country(only, false),
            [first, ..] => Told::Doubt(first),
        })
    }

    /// Whether a postcode or a number is written as the country writes them, and not as the `other` does.
    fn looks_like(&self, country: &str, other: &str) -> bool {
        let is_code =
            |code: &&str| address::has_form(country, code) && !address::has_form(other, code);
        self.postcodes.iter().any(is_code)
            || self.national.iter().any(|number| phone::is_national(number, country, other))
    }
}

/// Whether a postcode is surely not of the country; where none is assumed, whether one country alone writes it so.
fn is_foreign(code: &str, country: &str) -> bool {
    match country {
        "" => address::KNOWN_FORMS.iter().filter(|c| address::has_form(c, code)).count() == 1,
        _ => address::KNOWN_FORMS.contains(&country) && !address::has_form(country, code),
    }
}

fn different<'s>(told: impl Iterator<Item = &'s &'static str>) -> Vec<&'static str> {
    let mut told: Vec<&str> = told.copied().collect();
    told.sort_unstable();
    told.dedup();
    told
}

/// Cells of records, each different name, town and domain looked at once.
struct Reader<'a> {
    raw: &'a Records,
    /// The columns that tell something, with what they hold.
    columns: Vec<(Holds, &'a Column)>,
    countries: HashMap<&'a str, Option<&'static str>>,
    towns: HashMap<&'a str, Option<&'static str>>,
    domains: HashMap<&'a str, Option<&'static str>>,
}

/// What the cells of a column are, as far as they tell a country.
#[derive(Debug, Clone, Copy)]
enum Holds {
    Postcode,
    Town,
    /// A whole address, or postcode and town.
    Place,
    Number,
    Vat,
    Email,
    Url,
}

impl Holds {
    fn of(attribute: &str) -> Option<Holds> {
        match attribute {
            "postcode" => return Some(Holds::Postcode),
            "city" => return Some(Holds::Town),
            "address" | "postcode_city" => return Some(Holds::Place),
            "vat" => return Some(Holds::Vat),
            _ => {}
        }
        match model::value_kind(attribute) {
            ValueKind::Phone => Some(Holds::Number),
            ValueKind::Email => Some(Holds::Email),
            ValueKind::Url => Some(Holds::Url),
            _ => None,
        }
    }
}

impl<'a> Reader<'a> {
    fn new(raw: &'a Records) -> Reader<'a> {
        let columns = raw.columns.iter();
        let columns = columns.filter_map(|(name, column)| Some((Holds::of(name)?, column)));
        Reader {
            raw,
            columns: columns.collect(),
            countries: HashMap::new(),
            towns: HashMap::new(),
            domains: HashMap::new(),
        }
    }

    /// The country that the record's own cells name, if it is one and only one.
    fn named(&mut self, record: usize) -> Option<&'static str> {
        let cells = self.raw.values("country", record);
        let mut codes = cells.filter_map(|cell| {
            *self.countries.entry(cell).or_insert_with(|| address::iso_country(cell))
        });
        codes.next().filter(|first| codes.all(|other| other == *first))
    }

    /// The rows in which something tells another country than their source's, with all that they tell.
    fn foreign_rows(&mut self, home: &str) -> HashMap<Row, Signs<'a>> {
        let mut rows: HashMap<Row, Signs> = HashMap::new();
        for record in 0..self.raw.len() {
            if self.is_foreign(record, home_of(self.raw, self.raw.place[record], home)) {
                rows.insert(row_of(self.raw, record), Signs::default());
            }
        }
        if !rows.is_empty() {
            for record in 0..self.raw.len() {
                if let Some(signs) = rows.get_mut(&row_of(self.raw, record)) {
                    self.read(record, signs);
                }
            }
        }
        rows
    }

    /// Whether a cell tells another country than `source`.
    fn is_foreign(&mut self, record: usize, source: &str) -> bool {
        for at in 0..self.columns.len() {
            let (holds, column) = self.columns[at];
            for cell in column.values(record) {
                let told = match holds {
                    Holds::Postcode => country::of_postcode(cell),
                    Holds::Town => self.town(cell),
                    Holds::Place => place(cell),
                    // Nearly all numbers of a French file, and these need no reading.
                    Holds::Number if source == "FR" && phone::French::plainly(cell).is_some() => {
                        None
                    }
                    Holds::Number => dialled(cell),
                    Holds::Vat => country::of_vat(cell),
                    Holds::Email | Holds::Url => self.domain(holds, cell),
                };
                if told.is_some_and(|told| told != source) {
                    return true;
                }
            }
        }
        false
    }

    fn read(&mut self, record: usize, signs: &mut Signs<'a>) {
        for at in 0..self.columns.len() {
            let (holds, column) = self.columns[at];
            for cell in column.values(record) {
                match holds {
                    Holds::Postcode => match country::of_postcode(cell) {
                        Some(told) => signs.places.push(told),
                        None if text::is_postcode_placeholder(cell) => {}
                        None => signs.postcodes.push(cell.trim()),
                    },
                    Holds::Town => signs.towns.extend(self.town(cell)),
                    Holds::Place => signs.places.extend(place(cell)),
                    Holds::Number => match dialled(cell) {
                        Some(told) => signs.dialled.push(told),
                        None => signs.national.push(cell),
                    },
                    Holds::Vat => signs.vats.extend(country::of_vat(cell)),
                    Holds::Email | Holds::Url => signs.domains.extend(self.domain(holds, cell)),
                }
            }
        }
    }

    fn town(&mut self, cell: &'a str) -> Option<&'static str> {
        *self.towns.entry(cell).or_insert_with(|| country::of_town(cell))
    }

    fn domain(&mut self, holds: Holds, cell: &'a str) -> Option<&'static str> {
        let host = match holds {
            Holds::Email => cell.rsplit_once('@')?.1,
            _ => cell
                .split_once("://")
                .map_or(cell, |(_, rest)| rest)
                .split(['/', '?', ':'])
                .next()?,
        };
        let ending = host.trim_end().rsplit_once('.')?.1;
        let told = || country::of_domain(&ending.to_lowercase());
        *self.domains.entry(ending).or_insert_with(told)
    }
}

/// The country of a number that is written with its country code; that of an overseas department is France.
fn dialled(cell: &str) -> Option<&'static str> {
    let opening = cell.trim_start_matches([' ', '(']);
    if !opening.starts_with('+') && !opening.starts_with("00") {
        return None;
    }
    match phone::dialled_country(cell)?.as_str() {
        "BL" | "GF" | "GP" | "MF" | "MQ" | "PM" | "RE" | "YT" => Some("FR"),
        "GG" | "IM" | "JE" => Some("GB"),
        other => address::iso_country(other),
    }
}

/// The country that a whole address tells: named, or by the form of its postcode. Those with five digits in a row
/// are looked at no further: they are of countries that write them alike.
fn place(cell: &str) -> Option<&'static str> {
    let mut in_row = 0;
    let has_five = cell.bytes().any(|b| {
        in_row = if b.is_ascii_digit() { in_row + 1 } else { 0 };
        in_row == 5
    });
    if has_five {
        return None;
    }
    let read = address::normalize(&Parts { address: cell, ..Parts::default() }, "");
    address::iso_country(&read.country)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a row tells in a French project, or in one of another country: `columns` as `attribute=cell; ...`.
    fn told_in(source: &str, cells: &str) -> String {
        let mut drafts = crate::table::RecordsBuilder::default();
        let place = drafts.place(crate::table::Place::default());
        let values = cells.split("; ").filter_map(|cell| {
            let (attribute, value) = cell.split_once('=')?;
            let origin = drafts.origin(place, attribute, "");
            Some((drafts.attribute(&attribute.into()), value, origin))
        });
        let values: Vec<_> = values.collect();
        let draft = crate::table::Draft {
            kind: Some(model::Kind::Person),
            place,
            row: 2,
            key: String::new(),
            digest: [0; 32],
            values: Vec::new(),
        };
        drafts.push_lent(draft, values);
        let (raw, _) = drafts.finish(&crate::table::IdKey([1; 32]));
        let countries = Countries::new(&raw, source);
        let doubt = countries.doubt(0).map_or("", |of| of.issue.code);
        let called = countries.name(countries.of(0));
        format!("{} {called} {doubt}", countries.of_address(0)).trim().to_owned()
    }

    #[test]
    fn the_row_tells_the_country_or_leaves_it_open() {
        for (cells, told) in [
            ("street=12 rue Foch; postcode=75001; city=Paris", "FR FR"),
            ("street=5 High Street; city=Dublin; phone=+353 1 555 0100", " country_doubt"),
            (
                "street=5 High Street; city=Dublin; phone=+353 1 555 0100; email=sean@example.ie",
                "IE IE country_told",
            ),
            ("city=Dublin; email=sean@example.ie", " country_doubt"),
            (
                "street=Keizersgracht 10; postcode=1015 CN; city=Amsterdam; phone=020 624 1111",
                "NL NL",
            ),
            ("address=Keizersgracht 10, 1015 CN Amsterdam; phone=020 624 1111", "NL NL"),
            ("postcode=4900; city=Spa; phone=+32 87 79 53 53", "BE BE country_told"),
            ("postcode=4900; city=Spa; vat=BE0428759497", "BE BE country_told"),
            // A postcode of five digits is written in Germany too.
            ("postcode=67500; city=Haguenau; mobile=+49 1512 3456789", " country_doubt"),
            (
                "postcode=67500; city=Haguenau; mobile=+49 1512 3456789; phone=03 88 12 34 56",
                "FR FR",
            ),
            (
                "postcode=10115; city=Kleinstadt; phone=+49 30 9018200; vat=DE136695976",
                "DE DE country_told",
            ),
            ("postcode=10115; city=Berlin", "DE DE"),
            ("postcode=32250; city=Montréal", "FR FR"),
            // A postcode that another country does not write so, and home does.
            ("postcode=75002; city=Parigi; mobile=+353 86 123 4567", "FR FR"),
            ("postcode=35000; city=Rennes; email=a@firma.de", "FR FR"),
            ("postcode=35700; city=Bruz; email=a@firma.de", "FR FR"),
            ("city=Nantes; mobile=+44 7911 123456", "FR FR"),
            ("city=Pornic; mobile=+44 7911 123456", " country_doubt"),
            ("city=Saint-Denis; mobile=+262 692 85 12 34", "FR FR"),
            ("country=Irlande; city=Dublin; phone=01 555 0100", "FR IE"),
        ] {
            assert_eq!(told_in("FR", cells), told.trim(), "{cells}");
        }
        assert_eq!(told_in("BE", "postcode=75001; city=Paris; phone=+33 1 42 68 53 00"), "FR FR");
        assert_eq!(told_in("", "city=Dublin; phone=+353 1 555 0100"), "");
        // Of a country whose postcodes we do not know, a postcode speaks neither for nor against it.
        for (country, cells) in [
            ("MA", "postcode=20000; city=Casablanca; email=contact@x.fr"),
            ("DK", "postcode=2100; city=Kobenhavn; email=info@x.be"),
            ("SE", "postcode=11455; city=Stockholm; email=info@x.de"),
        ] {
            assert_eq!(told_in(country, cells), format!("{country} {country}"), "{cells}");
        }
        assert_eq!(told_in("", "postcode=35700; city=Bruz; email=a@firma.de"), "");
    }
}
