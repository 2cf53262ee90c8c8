//! One record at a time: its raw values in, its clean values out.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use crate::{
    model::{self, Kind, ValueKind},
    table::{Column, Records, Reject, Severity},
    value::{
        Invalid,
        address::{self, Parts},
        boolean,
        category::Vocabulary,
        date, email, identifier, money, organisation, person,
        phone::{self, Line},
        standing, text, url,
    },
};

use super::{Fill, Habits, Settings};

/// One clean value.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) record: u32,
    pub(super) origin: u32,
    pub(super) value: String,
}

/// What a count is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FillKey {
    pub(super) place: u32,
    pub(super) kind: Kind,
    pub(super) attribute: String,
}

/// The clean values of a range of records, each attribute's in the order of records.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) columns: BTreeMap<String, Vec<Cell>>,
    pub(super) rejects: Vec<Reject>,
    pub(super) fills: BTreeMap<FillKey, Fill>,
    /// Attribute and value without a common value, with the number of records.
    pub(super) unmapped: BTreeMap<(String, String), u64>,
}

/// How the values of an attribute are normalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    FullName,
    FirstName,
    LastName,
    Name,
    Civility,
    Gender,
    OrganisationName,
    OtherOrganisationName,
    LegalForm,
    Standing,
    Email,
    Phone,
    AddressPart,
    Date,
    BirthDate,
    LooseDate,
    Identifier,
    Money,
    LooseNumber,
    Boolean,
    Url,
    Text,
}

impl Way {
    fn of(attribute: &str) -> Way {
        match attribute {
            "full_name" => Way::FullName,
            "first_name" => Way::FirstName,
            "last_name" => Way::LastName,
            "civility" => Way::Civility,
            "gender" => Way::Gender,
            "name" => Way::OrganisationName,
            "legal_form" => Way::LegalForm,
            "naf" => Way::Identifier,
            "standing" => Way::Standing,
            "birth_date" => Way::BirthDate,
            _ if attribute.starts_with("x.date.") => Way::LooseDate,
            _ if attribute.starts_with("x.number.") => Way::LooseNumber,
            _ if attribute.starts_with("x.code.") => Way::Identifier,
            _ => match model::value_kind(attribute) {
                ValueKind::PersonName => Way::Name,
                ValueKind::OrganisationName => Way::OtherOrganisationName,
                ValueKind::Email => Way::Email,
                ValueKind::Phone => Way::Phone,
                ValueKind::Address => Way::AddressPart,
                ValueKind::Date => Way::Date,
                ValueKind::Identifier => Way::Identifier,
                ValueKind::Money => Way::Money,
                ValueKind::Boolean => Way::Boolean,
                ValueKind::Url => Way::Url,
                ValueKind::Text | ValueKind::Category => Way::Text,
            },
        }
    }

    /// The kind by which its placeholders are known.
    fn kind(self) -> ValueKind {
        match self {
            Way::FullName | Way::FirstName | Way::LastName | Way::Name => ValueKind::PersonName,
            Way::OrganisationName | Way::OtherOrganisationName => ValueKind::OrganisationName,
            Way::Email => ValueKind::Email,
            Way::Phone => ValueKind::Phone,
            Way::AddressPart => ValueKind::Address,
            Way::Date | Way::BirthDate | Way::LooseDate => ValueKind::Date,
            Way::Identifier => ValueKind::Identifier,
            Way::Money | Way::LooseNumber => ValueKind::Money,
            Way::Boolean => ValueKind::Boolean,
            Way::Url => ValueKind::Url,
            Way::Civility | Way::Gender | Way::LegalForm | Way::Standing | Way::Text => {
                ValueKind::Text
            }
        }
    }
}

/// A raw column with the way of its attribute.
struct Source<'a> {
    attribute: &'a str,
    way: Way,
    column: &'a Column,
    /// Whether the project's vocabulary speaks of it.
    agreed: bool,
}

/// What is decided once for all records.
pub(super) struct Plan<'a> {
    raw: &'a Records,
    country: &'a str,
    /// Of each origin.
    habits: Vec<Habits>,
    sources: Vec<Source<'a>>,
    /// Whether the numbers are of a plan that is not the country's: their digits are kept as written.
    foreign_numbers: bool,
    vocabulary: &'a Vocabulary,
}

/// Cells that are tried to tell whose numbers a table holds.
const NUMBERS_TRIED: usize = 1000;

/// Whether most phone numbers cannot be read as the country's: a table of another country, or of
/// one area whose code everybody knows. Its numbers still tell records apart.
fn has_foreign_numbers(raw: &Records, country: &str) -> bool {
    let columns = ["phone", "mobile"].into_iter().filter_map(|name| raw.columns.get(name));
    let cells = columns.flat_map(|column| (0..column.len()).flat_map(|i| column.values(i)));
    let (mut tried, mut foreign) = (0, 0);
    for cell in cells.filter(|cell| is_local_number(cell)).take(NUMBERS_TRIED) {
        tried += 1;
        foreign += usize::from(phone::normalize(cell, country).iter().any(Result::is_err));
    }
    foreign * 2 > tried
}

/// Whether the cell holds as many digits as a number has without its area code, or more.
fn is_local_number(cell: &str) -> bool {
    (6..=15).contains(&cell.bytes().filter(u8::is_ascii_digit).count())
}

/// Values with their origin that one cell gave, by attribute; or what is wrong with it.
type Outcome = Result<Vec<(&'static str, String)>, Invalid>;

impl<'a> Plan<'a> {
    pub(super) fn new(raw: &'a Records, settings: &'a Settings, habits: Vec<Habits>) -> Plan<'a> {
        let Settings { country, vocabulary } = settings;
        let sources = raw
            .columns
            .iter()
            .map(|(attribute, column)| Source {
                attribute,
                way: Way::of(attribute),
                column,
                agreed: vocabulary.wants(attribute),
            })
            .collect();
        let foreign_numbers = has_foreign_numbers(raw, country);
        Plan { raw, country, habits, sources, foreign_numbers, vocabulary }
    }

    /// The clean values of the records in `range`.
    pub(super) fn clean(&self, range: Range<usize>) -> Chunk {
        let mut chunk = Chunk::default();
        let mut counts: Vec<BTreeMap<(u32, Kind), Fill>> =
            vec![BTreeMap::new(); self.sources.len()];
        let mut derived: BTreeMap<FillKey, Fill> = BTreeMap::new();
        // Names and categories repeat: each is normalized once per chunk.
        let mut known: Vec<HashMap<&str, Outcome>> = vec![HashMap::new(); self.sources.len()];
        for i in range {
            let mut record = Record {
                plan: self,
                i,
                values: Vec::new(),
                rejects: &mut chunk.rejects,
                unmapped: &mut chunk.unmapped,
                counts: &mut counts,
                known: &mut known,
            };
            record.read();
            let values = record.values;
            self.count(i, &values, &mut counts, &mut derived);
            for (attribute, value, origin) in values {
                let cell = Cell { record: i as u32, origin, value };
                match chunk.columns.get_mut(attribute) {
                    Some(cells) => cells.push(cell),
                    None => {
                        chunk.columns.insert(attribute.to_owned(), vec![cell]);
                    }
                }
            }
        }
        chunk.fills = derived;
        for (source, counts) in self.sources.iter().zip(counts) {
            for ((place, kind), fill) in counts {
                let key = FillKey { place, kind, attribute: source.attribute.to_owned() };
                super::add(chunk.fills.entry(key).or_default(), &fill);
            }
        }
        chunk
    }

    /// Counts for each attribute whether the record has a raw and a clean value.
    fn count(
        &self,
        i: usize,
        values: &[(&str, String, u32)],
        counts: &mut [BTreeMap<(u32, Kind), Fill>],
        derived: &mut BTreeMap<FillKey, Fill>,
    ) {
        let here = (self.raw.place[i], self.raw.kinds[i]);
        // Asked for once for each part of an address.
        let address = std::cell::LazyCell::new(|| {
            let whole = values.iter().find(|(a, _, _)| *a == "address");
            whole.map(|(_, v, _)| address::Address::decode(v))
        });
        for (source, counts) in self.sources.iter().zip(counts) {
            if source.column.values(i).len() == 0 {
                continue;
            }
            let fill = counts.entry(here).or_default();
            fill.filled += 1;
            let used = match source.way {
                Way::AddressPart if source.attribute != "address" => {
                    address.as_ref().is_some_and(|a| part_of(a, source.attribute))
                }
                // A number goes where its plan says.
                Way::Phone => values.iter().any(|(a, _, _)| Way::of(a) == Way::Phone),
                Way::FullName => values.iter().any(|(a, _, _)| *a == "last_name"),
                _ => values.iter().any(|(a, _, _)| *a == source.attribute),
            };
            fill.valid += u64::from(used);
        }
        for (at, (attribute, _, _)) in values.iter().enumerate() {
            let first = values[..at].iter().all(|(a, _, _)| a != attribute);
            let raw = self.raw.columns.get(*attribute).is_some_and(|c| c.values(i).len() > 0);
            if first && !raw {
                let key =
                    FillKey { place: here.0, kind: here.1, attribute: (*attribute).to_owned() };
                let fill = derived.entry(key).or_default();
                fill.filled += 1;
                fill.valid += 1;
            }
        }
    }
}

fn part_of(address: &address::Address, attribute: &str) -> bool {
    let part = match attribute {
        "street" => return !address.street.is_empty() || !address.complement.is_empty(),
        "street_2" | "street_3" | "po_box" => {
            return !address.complement.is_empty() || !address.street.is_empty();
        }
        "postcode" => &address.postcode,
        "city" => &address.city,
        "state" => &address.state,
        "country" => &address.country,
        _ => return true,
    };
    !part.is_empty()
}

/// One record while it is read.
struct Record<'p, 'a> {
    plan: &'p Plan<'a>,
    i: usize,
    /// Attribute, clean value, origin.
    values: Vec<(&'a str, String, u32)>,
    rejects: &'p mut Vec<Reject>,
    unmapped: &'p mut BTreeMap<(String, String), u64>,
    counts: &'p mut [BTreeMap<(u32, Kind), Fill>],
    known: &'p mut [HashMap<&'a str, Outcome>],
}

impl<'a> Record<'_, 'a> {
    fn read(&mut self) {
        let country = country_of(self.plan.raw, self.i, self.plan.country);
        for at in 0..self.plan.sources.len() {
            let source = &self.plan.sources[at];
            let column: &'a Column = source.column;
            for (value, origin) in column.entries(self.i) {
                let kind = source.way.kind();
                let says_nothing =
                    source.way != Way::AddressPart && text::is_placeholder_of(kind, value);
                if says_nothing && !self.is_surname(source.attribute, value) {
                    self.fill(at).placeholders += 1;
                    continue;
                }
                self.read_value(at, value, origin, country);
            }
        }
        self.read_addresses();
        self.add_siren();
        self.values.sort_by(|a, b| a.0.cmp(b.0));
    }

    fn fill(&mut self, at: usize) -> &mut Fill {
        let key = (self.plan.raw.place[self.i], self.plan.raw.kinds[self.i]);
        self.counts[at].entry(key).or_default()
    }

    fn read_value(&mut self, at: usize, value: &'a str, origin: u32, country: &str) {
        let source = &self.plan.sources[at];
        let attribute: &'a str = source.attribute;
        let column: &'a Column = source.column;
        let way = source.way;
        if source.agreed {
            match self.plan.vocabulary.common(attribute, value) {
                Some(common) => {
                    self.note_change(at, value, common);
                    self.push(attribute, common.to_owned(), origin);
                    return;
                }
                None => {
                    let unmapped = (attribute.to_owned(), text::clean(value));
                    *self.unmapped.entry(unmapped).or_default() += 1;
                }
            }
        }
        match way {
            Way::AddressPart => {}
            Way::Email if !value.contains('@') && self.is_phone(value) => {
                self.read_phone(at, "phone", value, origin, country)
            }
            Way::Email => self.read_email(at, attribute, value, origin),
            Way::Phone if value.contains('@') => self.read_email(at, "email", value, origin),
            Way::Phone => self.read_phone(at, attribute, value, origin, country),
            Way::Text => {
                let clean = text::clean(value);
                self.note_change(at, value, &clean);
                self.push(attribute, clean, origin);
            }
            Way::LastName => {
                let has_first = self.has("first_name") || self.has("full_name");
                match person::check(value) {
                    Err(invalid) => self.reject(at, value, origin, invalid),
                    Ok(_) => self.read_last_name(at, value, origin, has_first),
                }
            }
            _ => {
                let habits = self.plan.habits.get(origin as usize).copied().unwrap_or_default();
                // Where origins differ, so may the order of a date and the mark of decimals.
                let outcome = match self.known[at].get(value).filter(|_| !follows_habits(way)) {
                    Some(outcome) => outcome.clone(),
                    None => {
                        let outcome = one_cell(way, attribute, value, habits);
                        if !follows_habits(way) && column.len() > 1 {
                            self.known[at].insert(value, outcome.clone());
                        }
                        outcome
                    }
                };
                match outcome {
                    Err(invalid) if invalid.code == "siren_only" => {
                        if let Ok(siren) = identifier::normalize("siren", value) {
                            self.push("siren", siren, origin);
                        }
                    }
                    Err(invalid) => self.reject(at, value, origin, invalid),
                    Ok(found) => self.take(at, attribute, value, origin, found),
                }
            }
        }
    }

    /// Takes what a cell gave; an empty attribute is the column's own.
    fn take(
        &mut self,
        at: usize,
        attribute: &'a str,
        raw: &str,
        origin: u32,
        found: Vec<(&'static str, String)>,
    ) {
        if found.is_empty() {
            self.fill(at).placeholders += 1;
        }
        for (to, value) in found {
            if to.is_empty() {
                self.note_change(at, raw, &value);
                self.push(attribute, value, origin);
            } else if !self.has(to) && !value.is_empty() {
                // A column of its own says it better.
                self.push(to, value, origin);
            }
        }
    }

    /// Whether a word that mostly stands for no name is one here: the first name beside it is real.
    fn is_surname(&self, attribute: &str, value: &str) -> bool {
        matches!(attribute, "last_name" | "maiden_name")
            && text::may_be_last_name(value)
            && self.has("first_name")
    }

    /// Whether the raw record has a usable value of the attribute.
    fn has(&self, attribute: &str) -> bool {
        let kind = model::value_kind(attribute);
        self.plan.raw.values(attribute, self.i).any(|v| !text::is_placeholder_of(kind, v))
    }

    fn note_change(&mut self, at: usize, raw: &str, clean: &str) {
        if raw != clean {
            self.fill(at).changed += 1;
        }
    }

    fn push(&mut self, attribute: &'a str, value: String, origin: u32) {
        if value.is_empty() || self.values.iter().any(|(a, v, _)| *a == attribute && *v == value) {
            return;
        }
        self.values.push((attribute, value, origin));
    }

    fn reject(&mut self, at: usize, raw: &str, origin: u32, invalid: Invalid) {
        self.fill(at).invalid += 1;
        let records = self.plan.raw;
        let place = records.place_of(self.i);
        self.rejects.push(Reject {
            source: place.source.clone(),
            file: place.file.clone(),
            sheet: place.sheet.clone(),
            row: Some(records.row[self.i]),
            column: records
                .origins
                .get(origin as usize)
                .map(|o| o.column.clone())
                .unwrap_or_default(),
            code: invalid.code.to_owned(),
            severity: Severity::Cell,
            message: invalid.message,
            suggestion: invalid.suggestion,
            raw: raw.to_owned(),
        });
    }

    fn read_last_name(&mut self, at: usize, value: &str, origin: u32, has_first: bool) {
        let mut name = person::split_last(value);
        if !has_first && name.last.contains(' ') {
            // A column called "name" that holds both.
            let whole = person::split(value);
            if !whole.order_doubtful() && person::is_first_name(&text::fold(&whole.first)) {
                name = whole;
            }
        }
        let own = std::mem::take(&mut name.last);
        let found = std::iter::once(("", own)).chain(beside_own(name)).collect();
        self.take(at, "last_name", value, origin, found);
    }

    fn read_email(&mut self, at: usize, attribute: &'a str, cell: &str, origin: u32) {
        let mut found = false;
        let mut broken = Vec::new();
        for address in email::normalize(cell) {
            match address {
                Ok(address) if text::is_placeholder_of(ValueKind::Email, &address) => {
                    self.fill(at).placeholders += 1;
                }
                Ok(address) => {
                    if !found {
                        self.note_change(at, cell, &address);
                    }
                    found = true;
                    self.push(attribute, address, origin);
                }
                Err(invalid) => broken.push(invalid),
            }
        }
        for invalid in broken {
            self.reject(at, cell, origin, invalid);
        }
    }

    fn is_phone(&self, cell: &str) -> bool {
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        (9..=15).contains(&digits)
            && phone::normalize(cell, self.plan.country).iter().all(Result::is_ok)
    }

    fn read_phone(
        &mut self,
        at: usize,
        attribute: &'a str,
        cell: &str,
        origin: u32,
        country: &str,
    ) {
        let numbers = phones(cell, country, self.plan.country);
        for (nth, number) in numbers.into_iter().enumerate() {
            match number {
                Ok((number, line)) => {
                    if nth == 0 {
                        self.note_change(at, cell, &number);
                    }
                    let to = match (attribute, line) {
                        ("phone", Line::Mobile) => "mobile",
                        ("mobile", Line::Fixed) => "phone",
                        _ => attribute,
                    };
                    self.push(to, number, origin);
                }
                Err(_) if self.plan.foreign_numbers && is_local_number(cell) => {
                    let digits = cell.chars().filter(char::is_ascii_digit).collect();
                    self.push(attribute, digits, origin);
                }
                Err(invalid) => self.reject(at, cell, origin, invalid),
            }
        }
    }

    fn read_addresses(&mut self) {
        let records = self.plan.raw;
        let mut groups: Vec<(&'a str, Parts<'a>, u32)> = Vec::new();
        for source in self.plan.sources.iter().filter(|s| s.way == Way::AddressPart) {
            let (attribute, column): (&'a str, &'a Column) = (source.attribute, source.column);
            for (value, origin) in column.entries(self.i) {
                let label = records.origins.get(origin as usize).map_or("", |o| o.label.as_str());
                let group = groups
                    .iter_mut()
                    .find(|(l, parts, _)| *l == label && is_free(parts, attribute));
                match group {
                    Some((_, parts, _)) => *slot(parts, attribute) = value,
                    None => {
                        let mut parts = Parts::default();
                        *slot(&mut parts, attribute) = value;
                        groups.push((label, parts, origin));
                    }
                }
            }
        }
        for (_, parts, origin) in groups {
            let address = address::normalize(&parts, self.plan.country);
            if !address.is_empty() {
                self.push("address", address.encode(), origin);
            }
            let written = text::clean(parts.postcode);
            if address.postcode.is_empty() && !text::is_postcode_placeholder(&written) {
                let invalid = Invalid {
                    code: "bad_postcode",
                    message: "it is not a postcode of its country".into(),
                    suggestion: "look it up by the town".into(),
                };
                if let Some(at) = self.plan.sources.iter().position(|s| s.attribute == "postcode") {
                    let column: &'a Column = self.plan.sources[at].column;
                    let origin = column
                        .entries(self.i)
                        .find(|(v, _)| *v == parts.postcode)
                        .map_or(origin, |(_, o)| o);
                    self.reject(at, parts.postcode, origin, invalid);
                }
            }
        }
    }

    /// Adds the SIREN within a SIRET, else within a French VAT number, where no SIREN is written.
    fn add_siren(&mut self) {
        if self.values.iter().any(|(a, _, _)| *a == "siren") {
            return;
        }
        for from in ["siret", "vat"] {
            let found = self.values.iter().find(|(a, _, _)| *a == from);
            let siren = found
                .and_then(|(_, v, origin)| Some((identifier::siren_of(v)?.to_owned(), *origin)));
            // What looks like a SIREN at the start of a foreign VAT number is none.
            let french = from == "siret" || found.is_some_and(|(_, v, _)| v.starts_with("FR"));
            if let Some((siren, origin)) = siren.filter(|_| french) {
                self.push("siren", siren, origin);
                return;
            }
        }
    }
}

/// The country of a record's addresses where they name one and only one, else `home`.
pub(super) fn country_of<'a>(raw: &Records, record: usize, home: &'a str) -> &'a str {
    let mut named = raw.values("country", record).filter_map(address::iso_country);
    match named.next() {
        Some(first) if named.all(|other| other == first) => first,
        _ => home,
    }
}

/// The numbers of a cell of a record in `country`, in a company at `home`.
pub(super) fn phones(
    cell: &str,
    country: &str,
    home: &str,
) -> Vec<Result<(String, Line), Invalid>> {
    let numbers = phone::normalize(cell, country);
    if country != home && numbers.iter().any(Result::is_err) {
        // The customer moved abroad; the number may have stayed.
        let at_home = phone::normalize(cell, home);
        if at_home.iter().all(Result::is_ok) {
            return at_home;
        }
    }
    numbers
}

fn slot<'s, 'a>(parts: &'s mut Parts<'a>, attribute: &str) -> &'s mut &'a str {
    match attribute {
        "address" => &mut parts.address,
        "street" => &mut parts.street,
        "street_2" => &mut parts.street_2,
        "street_3" => &mut parts.street_3,
        "po_box" => &mut parts.po_box,
        "postcode" => &mut parts.postcode,
        "city" => &mut parts.city,
        "postcode_city" => &mut parts.postcode_city,
        "state" => &mut parts.state,
        _ => &mut parts.country,
    }
}

fn is_free(parts: &Parts<'_>, attribute: &str) -> bool {
    let mut copy = parts.clone();
    slot(&mut copy, attribute).is_empty()
}

/// Whether what a cell means depends on how the others of its column are written.
fn follows_habits(way: Way) -> bool {
    matches!(way, Way::Date | Way::BirthDate | Way::LooseDate | Way::Money | Way::LooseNumber)
}

/// What the cell of a name or civility tells beside its own part.
fn beside_own(name: person::PersonName) -> impl Iterator<Item = (&'static str, String)> {
    // A doctor's civility says nothing of what stood before it: `Frau Dr.`
    let gender = if name.gender_hidden { name.gender } else { String::new() };
    [
        ("civility", name.civility),
        ("title", name.title),
        ("gender", gender),
        ("first_name", name.first),
        ("middle_name", name.middle),
        ("maiden_name", name.maiden),
        ("suffix", name.suffix),
        ("nickname", name.nickname),
    ]
    .into_iter()
}

/// The clean values of a cell whose attribute gives one value, with what else it tells; an empty attribute
/// is the column's own.
fn one_cell(way: Way, attribute: &str, value: &str, habits: Habits) -> Outcome {
    let order = habits.order.unwrap_or_default();
    let own = |value: String| Ok(vec![("", value)]);
    match way {
        Way::FullName => {
            person::check(value)?;
            let name = person::split(value);
            let last = ("last_name", name.last.clone());
            Ok(std::iter::once(last).chain(beside_own(name)).collect())
        }
        Way::FirstName => {
            person::check(value)?;
            let mut name = person::split_first(value);
            let own = std::mem::take(&mut name.first);
            Ok(std::iter::once(("", own)).chain(beside_own(name)).collect())
        }
        Way::Name => own(person::check(value)?),
        Way::Civility => match person::form_of_address(value) {
            None => own(text::clean(value)),
            Some(mut name) => {
                let own = std::mem::take(&mut name.civility);
                Ok(std::iter::once(("", own)).chain(beside_own(name)).collect())
            }
        },
        Way::Gender => own(match text::fold(value).as_str() {
            "m" | "h" | "homme" | "male" | "masculin" | "man" | "mann" | "maennlich"
            | "mannlich" | "hombre" | "uomo" | "1" => "m".to_owned(),
            "f" | "femme" | "female" | "feminin" | "woman" | "frau" | "weiblich" | "mujer"
            | "donna" | "2" => "f".to_owned(),
            _ => text::clean(value),
        }),
        Way::OrganisationName => {
            let organisation::OrganisationName { name, form, aliases, .. } =
                organisation::read(value);
            if !name.chars().any(char::is_alphanumeric) {
                return Err(Invalid {
                    code: "bad_name",
                    message: "there is no letter in it".into(),
                    suggestion: "look whether the columns are shifted in this row".into(),
                });
            }
            let aliases = aliases.into_iter().map(|alias| ("alias", alias));
            Ok([("", name), ("legal_form", form)].into_iter().chain(aliases).collect())
        }
        Way::OtherOrganisationName => own(organisation::split_legal_form(value).0),
        Way::LegalForm => {
            own(organisation::legal_form(value).map_or_else(|| text::clean(value), str::to_owned))
        }
        Way::Standing => match standing::find(value).into_iter().next() {
            Some(said) => {
                Ok(vec![("", said.standing.as_str().to_owned()), ("standing_since", said.since)])
            }
            None => Err(Invalid {
                code: "bad_standing",
                message: "it tells of no death, liquidation or closure".into(),
                suggestion: "write deceased, in_liquidation or ceased".into(),
            }),
        },
        Way::Date | Way::BirthDate => {
            let read = if way == Way::BirthDate { date::normalize_birth } else { date::normalize };
            let date = read(value, order)?;
            // `01/01/1900` is known only once it is read.
            if text::is_placeholder_of(ValueKind::Date, &date) { Ok(Vec::new()) } else { own(date) }
        }
        Way::LooseDate => own(date::normalize(value, order).unwrap_or_else(|_| text::clean(value))),
        Way::Identifier if identifier::is_placeholder(attribute, value) => Ok(Vec::new()),
        Way::Identifier => own(identifier::normalize(attribute, value)?),
        Way::Money => own(money::normalize_in(value, habits.mark)?.0),
        Way::LooseNumber => own(money::normalize_in(value, habits.mark)
            .map_or_else(|_| text::clean(value), |(amount, _)| amount)),
        Way::Boolean => match boolean::parse(value) {
            Some(yes) => own(yes.to_string()),
            None => Err(Invalid {
                code: "bad_boolean",
                message: "it says neither yes nor no".into(),
                suggestion: String::new(),
            }),
        },
        Way::Url => own(url::normalize(value)?),
        Way::Email | Way::Phone | Way::LastName | Way::AddressPart | Way::Text => {
            own(text::clean(value))
        }
    }
}
