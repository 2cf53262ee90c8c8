//! One record at a time: what its cells tell, put together to its clean values.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
    sync::Arc,
};

use crate::{
    model::{self, Kind, ValueKind},
    table::{CellIssue, Column, ColumnBuilder, Records, Reject, Severity, ValueIssue},
    value::{Invalid, Issue, category::Vocabulary, identifier, text},
};

use super::{
    Habits,
    address::{Group, Present, Slot, Whole, gather},
    cell::{self, Plainly, Told, Way},
    country::Countries,
    known::{AS_WRITTEN, Known, NUMBER},
};

/// What became of the values of one attribute, in numbers of records or values: see [`super::Fill`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) filled: u64,
    pub(super) valid: u64,
    pub(super) changed: u64,
    pub(super) placeholders: u64,
    pub(super) invalid: u64,
}

impl Tally {
    pub(super) fn add(&mut self, more: &Tally) {
        self.filled += more.filled;
        self.valid += more.valid;
        self.changed += more.changed;
        self.placeholders += more.placeholders;
        self.invalid += more.invalid;
    }
}

/// Of each place and kind of records the tallies by position of the attribute.
pub(super) type Tallies = Vec<((u32, Kind), Vec<Tally>)>;

/// The clean values of a range of records.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// How many records.
    pub(super) len: usize,
    /// By position of the attribute; none where there is no value.
    pub(super) columns: Vec<Option<Column>>,
    pub(super) rejects: Vec<Reject>,
    pub(super) tallies: Tallies,
    /// Position of the attribute and value without a common value, with the number of records.
    pub(super) unmapped: BTreeMap<(usize, String), u64>,
    pub(super) issues: Vec<CellIssue>,
}

/// An attribute that records may have, raw or clean.
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) way: Way,
    /// The kind by which a usable raw value is told.
    kind: ValueKind,
    /// The raw values; none when only other attributes' cells give it.
    pub(super) column: Option<&'a Column>,
    /// Whether the project's vocabulary speaks of it.
    pub(super) agreed: bool,
    /// Of the cell of an address, which one.
    slot: Option<Slot>,
}

impl<'a> Attribute<'a> {
    fn read_alone(&self) -> Option<&'a Column> {
        self.column.filter(|_| self.way != Way::AddressPart || self.agreed)
    }
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

/// Where the attributes stand that are spoken of for every record.
pub(super) struct Named {
    pub(super) address: usize,
    pub(super) email: usize,
    pub(super) first_name: usize,
    pub(super) full_name: usize,
    pub(super) last_name: usize,
    pub(super) mobile: usize,
    pub(super) phone: usize,
    pub(super) postcode: usize,
    pub(super) siren: usize,
    pub(super) siret: usize,
    pub(super) vat: usize,
}

impl Named {
    fn among(attributes: &[Attribute<'_>]) -> Named {
        let at = |name| position(attributes, name);
        Named {
            address: at("address"),
            email: at("email"),
            first_name: at("first_name"),
            full_name: at("full_name"),
            last_name: at("last_name"),
            mobile: at("mobile"),
            phone: at("phone"),
            postcode: at("postcode"),
            siren: at("siren"),
            siret: at("siret"),
            vat: at("vat"),
        }
    }
}

fn position(attributes: &[Attribute<'_>], name: &str) -> usize {
    let found = attributes.binary_search_by(|attribute| attribute.name.cmp(name));
    found.expect("it is a raw attribute or one of NAMED")
}

/// What is decided once for all records.
pub(super) struct Plan<'a> {
    raw: &'a Records,
    pub(super) country: &'a str,
    /// Of each origin.
    pub(super) habits: Vec<Habits>,
    /// In the order of their names.
    pub(super) attributes: Vec<Attribute<'a>>,
    /// Positions of the attributes that have raw values.
    columned: Vec<usize>,
    /// Of them, those whose cells are read one by one, with their values: see [`Plan::column_read_alone`].
    alone: Vec<(usize, &'a Column)>,
    /// Those that are the cells of addresses.
    located: Vec<(Slot, &'a Column)>,
    pub(super) named: Named,
    pub(super) countries: Countries<'a>,
    /// By origin a number for its label.
    labels: Vec<u32>,
    /// Whether the numbers are of a plan that is not the country's: their digits are kept as written.
    pub(super) foreign_numbers: bool,
    pub(super) vocabulary: &'a Vocabulary,
}

impl<'a> Plan<'a> {
    /// `country` is that of what names none; empty where nothing tells it.
    pub(super) fn new(
        raw: &'a Records,
        country: &'a str,
        vocabulary: &'a Vocabulary,
        habits: Vec<Habits>,
    ) -> Plan<'a> {
        let mut names: Vec<&str> = raw.columns.keys().map(String::as_str).chain(NAMED).collect();
        names.sort_unstable();
        names.dedup();
        let attribute = |name| {
            let way = Way::of(name);
            Attribute {
                name,
                way,
                kind: model::value_kind(name),
                column: raw.columns.get(name),
                agreed: vocabulary.wants(name),
                slot: (way == Way::AddressPart).then(|| Slot::of(name)),
            }
        };
        let attributes: Vec<Attribute<'a>> = names.into_iter().map(attribute).collect();
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let labels = raw.origins.iter().map(|origin| {
            let next = numbers.len() as u32;
            *numbers.entry(&origin.label).or_insert(next)
        });
        let all = || attributes.iter().enumerate();
        Plan {
            raw,
            country,
            habits,
            labels: labels.collect(),
            named: Named::among(&attributes),
            columned: all().filter(|(_, a)| a.column.is_some()).map(|(at, _)| at).collect(),
            located: all().filter_map(|(_, a)| Some((a.slot?, a.column?))).collect(),
            alone: all().filter_map(|(at, a)| Some((at, a.read_alone()?))).collect(),
            attributes,
            countries: Countries::new(raw, country),
            foreign_numbers: cell::has_foreign_numbers(raw, country),
            vocabulary,
        }
    }

    /// How many records there are.
    pub(super) fn records(&self) -> usize {
        self.raw.len()
    }

    /// Where the attribute stands among the plan's.
    pub(super) fn position(&self, name: &str) -> usize {
        position(&self.attributes, name)
    }

    /// The raw values of the attribute, if its cells are read one by one. The parts of an address are read
    /// together; but the vocabulary may speak of a state or a country.
    pub(super) fn column_read_alone(&self, at: usize) -> Option<&'a Column> {
        self.attributes[at].read_alone()
    }

    /// How many attributes have such raw values.
    pub(super) fn read_alone(&self) -> usize {
        self.alone.len()
    }

    /// Whether the raw record has a usable value of the attribute.
    pub(super) fn has(&self, record: usize, at: usize) -> bool {
        let attribute = &self.attributes[at];
        let mut values = attribute.column.into_iter().flat_map(|column| column.values(record));
        values.any(|value| !text::is_placeholder_of(attribute.kind, value))
    }

    /// The country of the record's addresses that name none.
    pub(super) fn home_of(&self, record: usize) -> &'a str {
        self.countries.of_address(record)
    }

    /// Puts the cells of a record's addresses into `groups`, one for each address.
    pub(super) fn addresses(&self, record: usize, groups: &mut Vec<Group<'a>>) {
        groups.clear();
        for &(slot, column) in &self.located {
            for (value, origin) in column.entries(record) {
                let label = self.labels.get(origin as usize).copied().unwrap_or(0);
                gather(groups, slot, label, value, origin);
            }
        }
    }

    /// The clean values of the records in `range`.
    pub(super) fn clean(&self, known: &Known<'a>, range: Range<usize>) -> Chunk {
        let mut builders: Vec<ColumnBuilder> = Vec::new();
        builders.resize_with(self.attributes.len(), ColumnBuilder::default);
        let mut assembly = Assembly {
            plan: self,
            known,
            chunk: Chunk { len: range.len(), ..Chunk::default() },
            record: range.start,
            group: 0,
            values: Vec::new(),
            text: String::new(),
            groups: Vec::new(),
            whole: Whole::default(),
            placeholders: HashMap::new(),
            located: None,
        };
        for (nth, record) in range.clone().enumerate() {
            assembly.read(record);
            assembly.count();
            for value in &assembly.values {
                builders[value.to].end_records(nth);
                builders[value.to].value(&assembly.text[value.text.clone()], value.origin);
            }
        }
        let finished = |mut builder: ColumnBuilder| {
            builder.end_records(range.len());
            let column = builder.finish();
            (column.entry_count() > 0).then_some(column)
        };
        Chunk { columns: builders.into_iter().map(finished).collect(), ..assembly.chunk }
    }
}

/// Counts an attribute that has a clean value and no raw one; of several values the first is counted.
fn count_given(tally: &mut Tally, is_first: bool) {
    tally.filled += u64::from(is_first);
    tally.valid += u64::from(is_first);
}

/// A clean value of the record in hand.
struct Given {
    /// Position of its attribute.
    to: usize,
    origin: u32,
    /// Where it stands in [`Assembly::text`].
    text: Range<usize>,
}

/// Records while they are put together, one after the other.
struct Assembly<'k, 'a> {
    plan: &'k Plan<'a>,
    known: &'k Known<'a>,
    chunk: Chunk,
    /// The record in hand.
    record: usize,
    /// Position of its tallies.
    group: usize,
    values: Vec<Given>,
    /// Its clean values, end to end.
    text: String,
    groups: Vec<Group<'a>>,
    /// Which parts the first of its addresses has.
    located: Option<Present>,
    /// Addresses of earlier records.
    whole: Whole<'a>,
    /// The placeholders met, each told by one text.
    placeholders: HashMap<&'a str, Arc<ValueIssue>>,
}

impl<'a> Assembly<'_, 'a> {
    fn read(&mut self, record: usize) {
        let plan = self.plan;
        self.record = record;
        self.group = self.group_of(record);
        self.values.clear();
        self.text.clear();
        self.located = None;
        for &(at, column) in &plan.alone {
            for entry in column.range(record) {
                self.cell(at, column, entry);
            }
        }
        self.read_addresses();
        self.add_siren();
        self.values.sort_by_key(|value| value.to);
    }

    /// Takes what a cell tells.
    fn cell(&mut self, at: usize, column: &'a Column, entry: usize) {
        let (plan, known) = (self.plan, self.known);
        let (raw, origin) = column.entry(entry);
        let code = match known.cells[at].code(entry) {
            AS_WRITTEN => return self.push(at, raw, origin),
            NUMBER => {
                let around = plan.around(at, self.record, origin);
                if let Some(Plainly::Number(to, number)) = plan.plainly(at, raw, around) {
                    self.tally(at).changed += u64::from(number.as_str() != raw);
                    self.push(to, number.as_str(), origin);
                }
                return;
            }
            code => code,
        };
        for told in known.cells[at].told(code) {
            match told {
                Told::Value { to, value, changed } => {
                    self.tally(at).changed += u64::from(changed);
                    self.push(to, value, origin);
                }
                Told::Beside { to, value } if !plan.has(self.record, to) => {
                    self.push(to, value, origin)
                }
                Told::Beside { .. } => {}
                Told::Placeholder => {
                    self.tally(at).placeholders += 1;
                    let of = self.placeholder(raw);
                    self.note(origin, of);
                }
                Told::Invalid(invalid) => self.reject(at, raw, origin, invalid),
                Told::Unmapped(value) => {
                    *self.chunk.unmapped.entry((at, value.to_owned())).or_default() += 1;
                }
                Told::Issue(of) => self.note(origin, of),
            }
        }
    }

    /// The position of the record's tallies; mostly those of the one before.
    fn group_of(&mut self, record: usize) -> usize {
        let key = (self.plan.raw.place[record], self.plan.raw.kinds[record]);
        let tallies = &mut self.chunk.tallies;
        if tallies.get(self.group).is_some_and(|(last, _)| *last == key) {
            return self.group;
        }
        tallies.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            tallies.push((key, vec![Tally::default(); self.plan.attributes.len()]));
            tallies.len() - 1
        })
    }

    fn tally(&mut self, at: usize) -> &mut Tally {
        &mut self.chunk.tallies[self.group].1[at]
    }

    fn push(&mut self, to: usize, value: &str, origin: u32) {
        if value.is_empty() || self.holds(to, value) {
            return;
        }
        let start = self.text.len();
        self.text.push_str(value);
        self.values.push(Given { to, origin, text: start..self.text.len() });
    }

    fn holds(&self, to: usize, value: &str) -> bool {
        self.values.iter().any(|given| given.to == to && self.text[given.text.clone()] == *value)
    }

    /// The first clean value of an attribute so far, with its origin.
    fn first(&self, at: usize) -> Option<(&str, u32)> {
        let given = self.values.iter().find(|given| given.to == at)?;
        Some((&self.text[given.text.clone()], given.origin))
    }

    /// What is told of a cell that holds nothing but a way of writing nothing.
    fn placeholder(&mut self, raw: &'a str) -> Arc<ValueIssue> {
        let told = || {
            let issue = Issue::known("placeholder", "it is a way of writing nothing: no value");
            Arc::new(ValueIssue { issue, raw: raw.to_owned(), value: String::new() })
        };
        self.placeholders.entry(raw).or_insert_with(told).clone()
    }

    fn note(&mut self, origin: u32, of: Arc<ValueIssue>) {
        self.chunk.issues.push(CellIssue { record: self.record as u32, origin, of });
    }

    fn reject(&mut self, at: usize, raw: &str, origin: u32, invalid: Invalid) {
        self.tally(at).invalid += 1;
        let records = self.plan.raw;
        let place = records.place_of(self.record);
        self.chunk.rejects.push(Reject {
            source: place.source.clone(),
            file: place.file.clone(),
            sheet: place.sheet.clone(),
            row: Some(records.row[self.record]),
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
        let (plan, known) = (self.plan, self.known);
        let mut groups = std::mem::take(&mut self.groups);
        plan.addresses(self.record, &mut groups);
        let home = plan.home_of(self.record);
        for group in &groups {
            let start = self.text.len();
            let located = known.halves.locate(&group.parts, home, &mut self.whole, &mut self.text);
            let to = plan.named.address;
            let is_new = located.len > 0 && !self.holds(to, &self.text[start..]);
            if is_new {
                let text = start..self.text.len();
                self.values.push(Given { to, origin: group.origin, text });
            } else {
                self.text.truncate(start);
            }
            if located.bad_postcode {
                self.reject_postcode(group.parts.postcode, group.origin);
            }
            if let Some(doubt) = plan.countries.doubt(self.record).filter(|_| located.len > 0) {
                self.note(group.origin, doubt.clone());
            }
            if let Some(of) = located.issue {
                self.note(self.postcode_origin(group.parts.postcode).unwrap_or(group.origin), of);
            }
            if self.located.is_none() && located.len > 0 {
                self.located = Some(located.present);
            }
        }
        self.groups = groups;
    }

    fn reject_postcode(&mut self, postcode: &str, origin: u32) {
        let at = self.plan.named.postcode;
        if self.plan.attributes[at].column.is_none() {
            return;
        }
        let origin = self.postcode_origin(postcode).unwrap_or(origin);
        let invalid = Invalid {
            code: "bad_postcode",
            message: "it is not a postcode of its country".into(),
            suggestion: "look it up by the town".into(),
        };
        self.reject(at, postcode, origin, invalid);
    }

    /// Where the postcode of the record stands.
    fn postcode_origin(&self, postcode: &str) -> Option<u32> {
        let column = self.plan.attributes[self.plan.named.postcode].column?;
        let own = column.entries(self.record).find(|(value, _)| *value == postcode);
        own.map(|(_, origin)| origin)
    }

    /// Adds the SIREN within a SIRET, else within a French VAT number, where no SIREN is written.
    fn add_siren(&mut self) {
        let named = &self.plan.named;
        if self.first(named.siren).is_some() {
            return;
        }
        for from in [named.siret, named.vat] {
            let Some((value, origin)) = self.first(from) else { continue };
            // What looks like a SIREN at the start of a foreign VAT number is none.
            let french = from == named.siret || value.starts_with("FR");
            if let Some(siren) = identifier::siren_of(value).filter(|_| french) {
                let siren = siren.to_owned();
                return self.push(named.siren, &siren, origin);
            }
        }
    }

    /// Counts for each attribute whether the record has a raw and a clean value.
    fn count(&mut self) {
        let plan = self.plan;
        let has_number = self.values.iter().any(|v| plan.attributes[v.to].way == Way::Phone);
        let has_last_name = self.first(plan.named.last_name).is_some();
        // Both are in the order of the attributes.
        let mut values = self.values.iter().map(|value| value.to).peekable();
        let tallies = &mut self.chunk.tallies[self.group].1;
        let mut last = usize::MAX;
        for &at in &plan.columned {
            // What only other attributes' cells give.
            while let Some(before) = values.next_if(|&to| to < at) {
                count_given(&mut tallies[before], before != last);
                last = before;
            }
            let mut given = false;
            while values.next_if_eq(&at).is_some() {
                given = true;
            }
            let (attribute, tally) = (&plan.attributes[at], &mut tallies[at]);
            let filled =
                attribute.column.is_some_and(|column| !column.range(self.record).is_empty());
            let valid = match (attribute.way, attribute.slot) {
                _ if !filled => given,
                (_, Some(slot)) if at != plan.named.address => {
                    self.located.is_some_and(|present| slot.is_in(present))
                }
                // A number goes where its plan says.
                (Way::Phone, _) => has_number,
                (Way::FullName, _) => has_last_name,
                _ => given,
            };
            tally.filled += u64::from(filled || valid);
            tally.valid += u64::from(valid);
        }
        for behind in values {
            count_given(&mut tallies[behind], behind != last);
            last = behind;
        }
    }
}
