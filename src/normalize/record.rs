//! One record at a time: its raw values in, its clean values out.
//!
//! Values repeat, so what a cell tells, what the cells of an address are together, and the parts of plain
//! addresses are each worked out once per chunk: [`Known`] is the only place that remembers.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    rc::Rc,
    sync::Arc,
};

use crate::{
    model::{self, Kind, ValueKind},
    table::{CellIssue, Column, ColumnBuilder, Records, Reject, Severity, ValueIssue},
    value::{
        Invalid, Issue,
        address::{self, Address, Parts, Plain},
        category::Vocabulary,
        identifier, text,
    },
};

use super::{
    Fill, Habits, Settings,
    cell::{self, Around, Told, Way},
};

/// What a count is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FillKey {
    pub(super) place: u32,
    pub(super) kind: Kind,
    pub(super) attribute: String,
}

/// The clean values of a range of records.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// How many records.
    pub(super) len: usize,
    /// Of each attribute that has values.
    pub(super) columns: BTreeMap<String, Column>,
    pub(super) rejects: Vec<Reject>,
    pub(super) fills: BTreeMap<FillKey, Fill>,
    /// Attribute and value without a common value, with the number of records.
    pub(super) unmapped: BTreeMap<(String, String), u64>,
    pub(super) issues: Vec<CellIssue>,
}

/// An attribute that records may have, raw or clean.
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) way: Way,
    /// The kind by which a usable raw value is told.
    kind: ValueKind,
    /// The raw values; none when only other attributes' cells give it.
    column: Option<&'a Column>,
    /// Whether the project's vocabulary speaks of it.
    pub(super) agreed: bool,
}

/// The attributes that are spoken of by name, whether or not there is a column of theirs.
const NAMED: [&str; 21] = [
    "address",
    "alias",
    "civility",
    "email",
    "first_name",
    "full_name",
    "gender",
    "last_name",
    "legal_form",
    "maiden_name",
    "middle_name",
    "mobile",
    "nickname",
    "phone",
    "postcode",
    "siren",
    "siret",
    "standing_since",
    "suffix",
    "title",
    "vat",
];

/// What is decided once for all records.
pub(super) struct Plan<'a> {
    raw: &'a Records,
    pub(super) country: &'a str,
    /// Of each origin.
    pub(super) habits: Vec<Habits>,
    /// In the order of their names.
    pub(super) attributes: Vec<Attribute<'a>>,
    /// Whether the numbers are of a plan that is not the country's: their digits are kept as written.
    pub(super) foreign_numbers: bool,
    pub(super) vocabulary: &'a Vocabulary,
}

impl<'a> Plan<'a> {
    pub(super) fn new(raw: &'a Records, settings: &'a Settings, habits: Vec<Habits>) -> Plan<'a> {
        let Settings { country, vocabulary } = settings;
        let mut names: Vec<&str> = raw.columns.keys().map(String::as_str).chain(NAMED).collect();
        names.sort_unstable();
        names.dedup();
        let attributes = names.into_iter().map(|name| Attribute {
            name,
            way: Way::of(name),
            kind: model::value_kind(name),
            column: raw.columns.get(name),
            agreed: vocabulary.wants(name),
        });
        let attributes = attributes.collect();
        let foreign_numbers = cell::has_foreign_numbers(raw, country);
        Plan { raw, country, habits, attributes, foreign_numbers, vocabulary }
    }

    /// Where the attribute stands among the plan's.
    pub(super) fn position(&self, name: &str) -> usize {
        let found = self.attributes.binary_search_by(|attribute| attribute.name.cmp(name));
        found.expect("it is a raw attribute or one of NAMED")
    }

    /// The clean values of the records in `range`.
    pub(super) fn clean(&self, range: Range<usize>) -> Chunk {
        let mut chunk = Chunk { len: range.len(), ..Chunk::default() };
        let mut known = Known::new(self);
        let mut columns: Vec<ColumnBuilder> = Vec::new();
        columns.resize_with(self.attributes.len(), ColumnBuilder::default);
        let mut fills: BTreeMap<(u32, Kind), Vec<Fill>> = BTreeMap::new();
        for i in range {
            let group = (self.raw.place[i], self.raw.kinds[i]);
            let fills =
                fills.entry(group).or_insert_with(|| vec![Fill::default(); self.attributes.len()]);
            let mut record = Record {
                plan: self,
                i,
                values: Vec::with_capacity(self.attributes.len()),
                address: None,
                rejects: &mut chunk.rejects,
                unmapped: &mut chunk.unmapped,
                issues: &mut chunk.issues,
                fills,
                known: &mut known,
            };
            record.read();
            record.count();
            for (at, value, origin) in record.values {
                columns[at].value(&value, origin);
            }
            columns.iter_mut().for_each(ColumnBuilder::end_record);
        }
        for (attribute, column) in self.attributes.iter().zip(columns) {
            let column = column.finish();
            if column.filled() > 0 {
                chunk.columns.insert(attribute.name.to_owned(), column);
            }
        }
        for ((place, kind), fills) in fills {
            for (attribute, fill) in self.attributes.iter().zip(fills) {
                if fill != Fill::default() {
                    let attribute = attribute.name.to_owned();
                    chunk.fills.insert(FillKey { place, kind, attribute }, fill);
                }
            }
        }
        chunk
    }
}

/// What the cells of one attribute tell, by their text and what surrounds them.
type Cells<'a> = HashMap<(&'a str, Around<'a>), Rc<[Told]>>;

/// What was worked out before.
struct Known<'a> {
    plan: &'a Plan<'a>,
    /// What cells tell, by position of the attribute.
    cells: Vec<Cells<'a>>,
    addresses: HashMap<Parts<'a>, Rc<Located>>,
    /// The halves of plain addresses.
    streets: HashMap<&'a str, Option<Address>>,
    places: HashMap<(&'a str, &'a str), Option<Address>>,
}

/// What the cells of an address are together.
struct Located {
    address: Address,
    encoded: Rc<str>,
    bad_postcode: bool,
    /// What a steward should know of its postcode.
    issue: Option<Arc<ValueIssue>>,
}

impl<'a> Known<'a> {
    fn new(plan: &'a Plan<'a>) -> Known<'a> {
        Known {
            plan,
            cells: plan.attributes.iter().map(|_| HashMap::new()).collect(),
            addresses: HashMap::new(),
            streets: HashMap::new(),
            places: HashMap::new(),
        }
    }

    fn told(&mut self, at: usize, cell: &'a str, around: Around<'a>) -> Rc<[Told]> {
        let told = self.cells[at].entry((cell, around));
        told.or_insert_with(|| self.plan.tell(at, cell, around).into()).clone()
    }

    fn located(&mut self, parts: &Parts<'a>) -> Rc<Located> {
        if let Some(located) = self.addresses.get(parts) {
            return located.clone();
        }
        let address = self
            .plain_address(parts)
            .unwrap_or_else(|| address::normalize(parts, self.plan.country));
        let written = text::clean(parts.postcode);
        let located = Rc::new(Located {
            encoded: if address.is_empty() { "".into() } else { address.encode().into() },
            bad_postcode: address.postcode.is_empty() && !text::is_postcode_placeholder(&written),
            issue: postcode_issue(&written, &address.postcode),
            address,
        });
        self.addresses.insert(parts.clone(), located.clone());
        located
    }

    /// An address whose street and whose town are each worked out apart: towns and streets repeat, their
    /// numbers do not.
    fn plain_address(&mut self, parts: &Parts<'a>) -> Option<Address> {
        let plain = Plain::of(parts, self.plan.country)?;
        let street = self.streets.entry(plain.street).or_insert_with(|| plain.read_street());
        let street = street.as_ref()?;
        let place = (plain.postcode, plain.city);
        let place = self.places.entry(place).or_insert_with(|| plain.read_place());
        Some(plain.join(street, place.as_ref()?))
    }
}

/// What a steward should know of a postcode that was read: that zeros at its start were lost.
fn postcode_issue(written: &str, postcode: &str) -> Option<Arc<ValueIssue>> {
    let zeros = postcode.strip_suffix(written).filter(|zeros| !zeros.is_empty())?;
    let is_lost = !written.is_empty() && zeros.bytes().all(|b| b == b'0');
    is_lost.then(|| {
        let issue = Issue::likely("zero_restored", "the zero at its start was lost");
        let (raw, value) = (written.to_owned(), postcode.to_owned());
        Arc::new(ValueIssue { issue, raw, value })
    })
}

fn part_of(address: &Address, attribute: &str) -> bool {
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
    plan: &'a Plan<'a>,
    i: usize,
    /// Position of the attribute, clean value, origin.
    values: Vec<(usize, Rc<str>, u32)>,
    /// The first of its addresses.
    address: Option<Rc<Located>>,
    rejects: &'p mut Vec<Reject>,
    unmapped: &'p mut BTreeMap<(String, String), u64>,
    issues: &'p mut Vec<CellIssue>,
    /// Of its place and kind, by position of the attribute.
    fills: &'p mut [Fill],
    known: &'p mut Known<'a>,
}

impl<'a> Record<'_, 'a> {
    fn read(&mut self) {
        let (plan, i) = (self.plan, self.i);
        let country = country_of(plan.raw, i, plan.country);
        for (at, attribute) in plan.attributes.iter().enumerate() {
            // The vocabulary may speak of a state or a country.
            let alone = attribute.way != Way::AddressPart || attribute.agreed;
            let cells = attribute.column.filter(|_| alone);
            for (value, origin) in cells.into_iter().flat_map(|column| column.entries(i)) {
                let has = |name: &str| self.has(plan.position(name));
                let around = Around::of(attribute.way, origin, country, has);
                let told = self.known.told(at, value, around);
                self.take(at, value, origin, &told);
            }
        }
        self.read_addresses();
        self.add_siren();
        self.values.sort_by_key(|(at, _, _)| *at);
    }

    /// Takes what a cell tells.
    fn take(&mut self, at: usize, raw: &str, origin: u32, told: &[Told]) {
        for told in told {
            match told {
                Told::Value { to, value, changed } => {
                    self.fills[at].changed += u64::from(*changed);
                    self.push(*to, value, origin);
                }
                Told::Beside { to, value } if !self.has(*to) => self.push(*to, value, origin),
                Told::Beside { .. } => {}
                Told::Placeholder => self.fills[at].placeholders += 1,
                Told::Invalid(invalid) => self.reject(at, raw, origin, invalid.clone()),
                Told::Unmapped(value) => {
                    let unmapped = (self.plan.attributes[at].name.to_owned(), value.clone());
                    *self.unmapped.entry(unmapped).or_default() += 1;
                }
                Told::Issue(of) => self.note(origin, of),
            }
        }
    }

    /// Whether the raw record has a usable value of the attribute.
    fn has(&self, at: usize) -> bool {
        let attribute = &self.plan.attributes[at];
        let mut values = attribute.column.into_iter().flat_map(|column| column.values(self.i));
        values.any(|value| !text::is_placeholder_of(attribute.kind, value))
    }

    fn push(&mut self, at: usize, value: &Rc<str>, origin: u32) {
        if value.is_empty() || self.values.iter().any(|(a, v, _)| *a == at && v == value) {
            return;
        }
        self.values.push((at, value.clone(), origin));
    }

    fn note(&mut self, origin: u32, of: &Arc<ValueIssue>) {
        self.issues.push(CellIssue { record: self.i as u32, origin, of: of.clone() });
    }

    fn reject(&mut self, at: usize, raw: &str, origin: u32, invalid: Invalid) {
        self.fills[at].invalid += 1;
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

    fn read_addresses(&mut self) {
        let plan = self.plan;
        let mut groups: Vec<(&'a str, Parts<'a>, u32)> = Vec::new();
        for attribute in plan.attributes.iter().filter(|a| a.way == Way::AddressPart) {
            let cells = attribute.column.into_iter().flat_map(|column| column.entries(self.i));
            for (value, origin) in cells {
                let label = plan.raw.origins.get(origin as usize).map_or("", |o| o.label.as_str());
                let group = groups
                    .iter_mut()
                    .find(|(l, parts, _)| *l == label && is_free(parts, attribute.name));
                match group {
                    Some((_, parts, _)) => *slot(parts, attribute.name) = value,
                    None => {
                        let mut parts = Parts::default();
                        *slot(&mut parts, attribute.name) = value;
                        groups.push((label, parts, origin));
                    }
                }
            }
        }
        let of_source = plan.raw.place_of(self.i).country.as_str();
        for (_, mut parts, origin) in groups {
            // A whole address in one cell may name its country itself.
            if parts.country.is_empty() && parts.address.is_empty() {
                parts.country = of_source;
            }
            let located = self.known.located(&parts);
            self.push(plan.position("address"), &located.encoded, origin);
            if located.bad_postcode {
                self.reject_postcode(parts.postcode, origin);
            }
            if let Some(of) = &located.issue {
                self.note(self.postcode_origin(parts.postcode).unwrap_or(origin), of);
            }
            if self.address.is_none() && !located.encoded.is_empty() {
                self.address = Some(located);
            }
        }
    }

    fn reject_postcode(&mut self, postcode: &str, origin: u32) {
        let at = self.plan.position("postcode");
        let own = self.postcode_origin(postcode);
        if self.plan.attributes[at].column.is_none() {
            return;
        }
        let invalid = Invalid {
            code: "bad_postcode",
            message: "it is not a postcode of its country".into(),
            suggestion: "look it up by the town".into(),
        };
        self.reject(at, postcode, own.unwrap_or(origin), invalid);
    }

    /// Where the postcode of the record stands.
    fn postcode_origin(&self, postcode: &str) -> Option<u32> {
        let column = self.plan.attributes[self.plan.position("postcode")].column?;
        column.entries(self.i).find(|(value, _)| *value == postcode).map(|(_, origin)| origin)
    }

    /// Adds the SIREN within a SIRET, else within a French VAT number, where no SIREN is written.
    fn add_siren(&mut self) {
        let siren = self.plan.position("siren");
        if self.values.iter().any(|(at, _, _)| *at == siren) {
            return;
        }
        for from in ["siret", "vat"] {
            let at = self.plan.position(from);
            let Some((_, value, origin)) = self.values.iter().find(|(a, _, _)| *a == at) else {
                continue;
            };
            // What looks like a SIREN at the start of a foreign VAT number is none.
            let french = from == "siret" || value.starts_with("FR");
            if let Some(found) = identifier::siren_of(value).filter(|_| french) {
                let (found, origin) = (found.into(), *origin);
                return self.push(siren, &found, origin);
            }
        }
    }

    /// Counts for each attribute whether the record has a raw and a clean value.
    fn count(&mut self) {
        let plan = self.plan;
        let given = |at: usize| self.values.iter().any(|(to, _, _)| *to == at);
        for (at, attribute) in plan.attributes.iter().enumerate() {
            let filled = attribute.column.is_some_and(|column| column.values(self.i).len() > 0);
            let valid = match attribute.way {
                _ if !filled => given(at),
                Way::AddressPart if attribute.name != "address" => {
                    self.address.as_ref().is_some_and(|a| part_of(&a.address, attribute.name))
                }
                // A number goes where its plan says.
                Way::Phone => self.values.iter().any(|v| plan.attributes[v.0].way == Way::Phone),
                Way::FullName => given(plan.position("last_name")),
                _ => given(at),
            };
            self.fills[at].filled += u64::from(filled || valid);
            self.fills[at].valid += u64::from(valid);
        }
    }
}

/// The country of a record's addresses where they name one and only one, else that of its source, else
/// `home`.
pub(super) fn country_of<'a>(raw: &'a Records, record: usize, home: &'a str) -> &'a str {
    let mut named = raw.values("country", record).filter_map(address::iso_country);
    match named.next() {
        Some(first) if named.all(|other| other == first) => first,
        _ => match raw.place_of(record).country.as_str() {
            "" => home,
            country => country,
        },
    }
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
