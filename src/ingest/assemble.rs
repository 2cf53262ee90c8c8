//! From the rows of one table to drafts of records, linked, with what they say about consent.
//!
//! A row may speak of a person, an organisation, both, a couple, and contacts besides. A value goes to
//! the record its column names, else where a value of its kind belongs: an address to both, an email
//! to the person, a customer code to the organisation.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
};

use csv::StringRecord;
use serde::Deserialize;

use super::{
    Gathered, Reading, columns,
    consent::{self, Rule, Said},
    couple,
    entity::Places,
    kind::{self, Evidence, Junk},
    mapping::{self, ConsentRule, Mapping, Owner, PrivateRule, Rows},
    name_boxes::{self, Before, Held},
    party, privacy,
    read::{self, Table},
    shape::{self, How, Shapes},
    withhold::Watch,
};
use crate::{
    error::Result,
    model::{self, Kind, ValueKind},
    progress::Progress,
    table::{Channel, Couple, Draft, Drafted, FILE_NAME, Link, RecordsBuilder, Reject, Severity},
    value::{
        boolean, date, dictionary, email, organisation, person, phone,
        role::{self, Role},
        standing::{self, Standing},
        text::{clean, fold, is_placeholder_of},
    },
};

/// Reads all rows of a table by the mapping of its source: many at once, each of its shape.
///
/// # Errors
///
/// When the user interrupts.
pub(super) fn read(
    table: Table,
    watch: &Watch,
    reading: &mut Reading<'_>,
    progress: &Progress,
) -> Result<()> {
    let (mapping, places) = (reading.mapping.clone(), reading.places.clone());
    let mut layout =
        Layout::new(&mapping, &table.header, (&reading.fate.file, &reading.fate.sheet), &places);
    let mut filled = vec![false; table.header.len()];
    let (mut rows, mut last) = (table.rows, 0);
    let mut batch = shape::batch(&mut rows);
    layout.learn_orders(&batch);
    let like_consent = layout.like_consent(&batch);
    let mut shapes = Shapes::new(&layout, watch);
    while !batch.is_empty() {
        progress.check()?;
        // The next rows are read while these are understood.
        let (understood, next) =
            rayon::join(|| shapes.understand(batch), || shape::batch(&mut rows));
        for (number, row) in understood {
            last = number;
            match row {
                shape::Row::Skipped(reason) => reading.skip(number, reason),
                shape::Row::Bad { code, message, raw } => {
                    reading.reject(number, code, message, "", raw)
                }
                shape::Row::Data { cells, digest, how } => {
                    if matches!(how, How::Alone(_)) {
                        note_filled(&cells, &mut filled);
                    }
                    let row = Row { layout: &layout, number, cells: &cells, digest };
                    row.write_as(&how, &mut shapes, reading);
                }
            }
        }
        reading.tell_faults(&table.tally, last, watch);
        batch = next;
    }
    filled.iter_mut().zip(shapes.filled()).for_each(|(filled, plain)| *filled |= plain);
    reading.fate.unmapped_columns = layout.unmapped(&filled);
    for at in like_consent.into_iter().filter(|&at| filled[at]) {
        reading.tell_like_consent(&layout.header[at]);
    }
    Ok(())
}

/// The cells of a row that holds data.
fn data(row: &read::Row) -> Option<&StringRecord> {
    match &row.content {
        read::Content::Data(cells) => Some(cells),
        _ => None,
    }
}

fn note_filled(cells: &StringRecord, filled: &mut [bool]) {
    for (filled, cell) in filled.iter_mut().zip(cells) {
        *filled |= !cell.trim().is_empty();
    }
}

/// What a column is used for.
#[derive(Debug)]
pub(super) struct Use {
    /// The attribute, or `extra.<header>`.
    pub(super) attribute: Arc<str>,
    /// Whether a rule speaks of it.
    pub(super) known: bool,
    pub(super) on: Vec<Kind>,
    pub(super) label: String,
    pub(super) label_at: Option<usize>,
    pub(super) number: String,
    pub(super) contact: bool,
    pub(super) split: String,
    pub(super) empty: BTreeSet<String>,
    pub(super) omit: bool,
}

impl Use {
    /// Whether numbers of one cell may belong to the row's person and to its organisation.
    pub(super) fn may_hold_several_lines(&self) -> bool {
        &*self.attribute == "phone" && self.on.is_empty()
    }
}

/// A mapping, applied to the header of one table.
pub(super) struct Layout<'a> {
    pub(super) mapping: &'a Mapping,
    pub(super) places: &'a Places,
    /// Headers as shown: repeated ones are numbered, empty ones named after their position.
    pub(super) header: Vec<String>,
    pub(super) uses: Vec<Use>,
    id_at: Option<usize>,
    pub(super) marks: Vec<Mark>,
    pub(super) rules: Vec<Rule>,
    owner: String,
    /// What a row is to the company that does not say it.
    role: Option<Role>,
    has_job_title: bool,
}

/// A column that marks rows as private or confidential.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) at: usize,
    words: BTreeSet<String>,
    /// Whether a marked row is kept, and told.
    kept: bool,
}

impl Mark {
    fn of(rule: &PrivateRule, at: usize) -> Mark {
        Mark { at, words: rule.values.iter().map(|v| fold(v)).collect(), kept: rule.kept }
    }

    fn is_on(&self, cell: &str) -> bool {
        self.words.contains(&fold(cell))
            || cell.split([';', ',']).any(|part| self.words.contains(&fold(part)))
    }
}

/// One value on its way to a record.
#[derive(Debug, Clone)]
struct Value {
    attribute: Arc<str>,
    text: String,
    column: usize,
    label: String,
    on: Vec<Kind>,
    /// Of a further person, which one; else none.
    contact: Option<String>,
}

impl Value {
    fn is(&self, attribute: &str) -> bool {
        &*self.attribute == attribute
    }

    /// An attribute that reaches somebody.
    fn is_contact_point(&self) -> bool {
        matches!(
            &*self.attribute,
            "email" | "phone" | "mobile" | "address" | "street" | "postcode_city" | "po_box"
        )
    }
}

/// Whether a value is more than a way to write nothing: `01/01/1900`, `00 00 00 00 00`.
pub(super) fn says(attribute: &str, text: &str) -> bool {
    let kind = model::value_kind(attribute);
    match kind {
        ValueKind::Date => {
            let date = date::normalize(text, date::Order::DayFirst).unwrap_or_default();
            !is_placeholder_of(kind, &date)
        }
        _ => !is_placeholder_of(kind, text),
    }
}

/// Whether a contact point can be one: an address with a mailbox, a number of some country.
pub(super) fn reaches(attribute: &str, text: &str) -> bool {
    // National numbers have nine digits at least nearly everywhere, the leading zero included.
    const SURE_DIGITS: usize = 9;
    match attribute {
        "email" => email::is_plain(text) || email::normalize(text).iter().any(Result::is_ok),
        "phone" | "mobile" => {
            text.bytes().filter(u8::is_ascii_digit).count() >= SURE_DIGITS
                || phone::normalize(text, "FR").iter().any(Result::is_ok)
        }
        _ => true,
    }
}

/// The records a row gives, before their values.
#[derive(Debug, Default)]
struct Cast {
    person: bool,
    organisation: bool,
    /// The kind of the only record is open; the kind that is likelier for this kind of table.
    open: Option<Kind>,
    /// Whether the organisation's name was compared with the person's.
    compared: bool,
}

/// Where a value goes that no rule places.
enum Placing {
    Both,
    PersonFirst,
    OrganisationFirst,
}

fn placing(attribute: &str, label: &str) -> Placing {
    if model::attribute(attribute).is_some_and(|a| a.part) || attribute == "address" {
        return if label == "home" { Placing::PersonFirst } else { Placing::Both };
    }
    match attribute {
        "owner" | "category" | "role" | "segment" | "origin" | "status" | "active"
        | "created_at" | "updated_at" | "last_contact" => Placing::Both,
        "phone" if label.is_empty() || label == "work" => Placing::Both,
        "phone" if label == "main" => Placing::OrganisationFirst,
        "customer_code" | "account_code" | "website" | "fax" | "payment_terms" | "payment_mode"
        | "currency" | "credit_limit" | "balance" | "sales_incl_tax" | "sales_excl_tax"
        | "last_sale" | "iban" | "bic" | "bank_holder" => Placing::OrganisationFirst,
        _ => Placing::PersonFirst,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    label: BTreeMap<String, Vec<String>>,
    mobile: Vec<String>,
    fax: Vec<String>,
    pager: Vec<String>,
    nobody: Vec<String>,
}

static LABELS: LazyLock<Labels> =
    LazyLock::new(|| dictionary::read(include_str!("../../mappings/dictionaries/labels.toml")));

/// The label that a cell of a label column means.
fn label_of(cell: &str) -> String {
    let folded = fold(cell);
    let is_one = |words: &[String]| folded.split(' ').any(|w| words.iter().any(|word| word == w));
    match LABELS.label.iter().find(|(_, words)| is_one(words)) {
        Some((label, _)) => label.clone(),
        None if folded.is_empty() || folded == "mobile" => String::new(),
        None => "other".to_owned(),
    }
}

impl<'a> Layout<'a> {
    pub(super) fn new(
        mapping: &'a Mapping,
        header: &[String],
        (file, sheet): (&str, &str),
        places: &'a Places,
    ) -> Layout<'a> {
        let shown = shown_header(header);
        let bound = mapping.bind(header);
        let speaks = spoken_of(mapping);
        let uses: Vec<Use> = bound
            .iter()
            .enumerate()
            .map(|(at, bound)| {
                let extra = || format!("extra.{}", shown[at]);
                match bound {
                    Some(bound) => Use {
                        attribute: match bound.rule.attribute.as_str() {
                            "" => extra().into(),
                            attribute => attribute.into(),
                        },
                        known: true,
                        on: bound.rule.on.clone(),
                        label: bound.rule.label.clone(),
                        label_at: bound.label_at,
                        number: bound.number.clone(),
                        contact: bound.rule.contact,
                        split: bound.rule.split.trim().to_owned(),
                        empty: bound.rule.empty.iter().map(|e| e.trim().to_lowercase()).collect(),
                        omit: bound.rule.omit,
                    },
                    None => Use {
                        attribute: extra().into(),
                        known: speaks.contains(&mapping::key(&header[at])),
                        on: Vec::new(),
                        label: String::new(),
                        label_at: None,
                        number: String::new(),
                        contact: false,
                        split: String::new(),
                        empty: BTreeSet::new(),
                        omit: false,
                    },
                }
            })
            .collect();
        let told = mapping
            .private
            .iter()
            .filter_map(|rule| Some(Mark::of(rule, mapping::position(header, &rule.column)?)));
        let mut marks: Vec<Mark> = told.collect();
        // No private card is read because a layout has no rule for its column.
        for at in (0..header.len()).filter(|&at| !uses[at].known) {
            marks.extend(privacy::rules(&header[at]).iter().map(|rule| Mark::of(rule, at)));
        }
        // No objection is overlooked because a layout has no rule for its column.
        let silent = (0..header.len()).filter(|&at| !uses[at].known);
        let found = silent.filter_map(|at| Some((at, columns::consent_named(&header[at])?)));
        let found: Vec<(usize, Vec<ConsentRule>)> = found.collect();
        let mut rules: Vec<Rule> =
            mapping.consents.iter().filter_map(|r| Rule::bind(r, header, file)).collect();
        for (at, own) in &found {
            rules.extend(own.iter().filter_map(|rule| Rule::of_column(rule, *at, header, file)));
        }
        // Nor because only the name of the file says it, as in what emailing tools write.
        if let Some(status) = consent::of_file(mapping, header, file) {
            let columns = |wanted: &str| -> Vec<usize> {
                (0..uses.len()).filter(|&at| &*uses[at].attribute == wanted).collect()
            };
            rules.push(Rule::of_file(status, columns("email"), columns("created_at")));
        }
        let mut layout = Layout {
            mapping,
            places,
            id_at: mapping::position(header, &mapping.id),
            marks,
            rules,
            owner: owner_of(mapping, file),
            role: party::of_table(mapping, header, file, sheet),
            has_job_title: uses.iter().any(|u| &*u.attribute == "job_title"),
            header: shown,
            uses,
        };
        layout.codes_are_an_attribute();
        layout
    }

    /// The first rows of the table tell the order of day and month in its dates of consent.
    fn learn_orders(&mut self, first: &[read::Row]) {
        self.rules.iter_mut().for_each(|rule| rule.learn_order(first.iter().filter_map(data)));
    }

    /// The columns that no rule takes and that seem to say who may be contacted, by their names and their cells in
    /// the first rows of the table.
    fn like_consent(&self, first: &[read::Row]) -> Vec<usize> {
        let is_asked = |at: usize| self.rules.iter().any(|rule| rule.asks(at));
        let seems = |at: &usize| {
            let rows = first.iter().filter_map(data);
            !self.uses[*at].known
                && !is_asked(*at)
                && columns::may_be_consent(*at, &self.header[*at], rows)
        };
        (0..self.header.len()).filter(seems).collect()
    }

    /// The id column of a system that issues codes holds customer codes, whatever else is mapped.
    fn codes_are_an_attribute(&mut self) {
        let mapped = self.uses.iter().any(|u| &*u.attribute == "customer_code");
        if let (true, false, Some(at)) = (self.mapping.codes, mapped, self.id_at)
            && self.uses[at].attribute.starts_with("extra.")
        {
            self.uses[at].attribute = "customer_code".into();
            self.uses[at].known = true;
        }
    }

    fn unmapped(&self, filled: &[bool]) -> Vec<String> {
        let unknown = |at: &usize| filled[*at] && !self.uses[*at].known;
        (0..filled.len()).filter(unknown).map(|at| self.header[at].clone()).collect()
    }

    /// What a row gives: records, or why it is nobody. Rows of one [`shape`] give the same.
    pub(super) fn understand(&self, cells: &StringRecord) -> Understood {
        let cell = |at: usize| cells.get(at).unwrap_or("");
        let mut values = self.values(cells);
        let told = self.compose(&mut values);
        mend(&mut values, self.has_job_title);
        values.extend(standings(&values));
        self.nameless_contacts_are_extras(&mut values);
        let said = self.said(&values, cell);
        let place = self.places.of(|at| cells.get(at));
        let nobody = |why: Nobody, marked: Marked| {
            let said = said_of_points(&said, &values);
            Understood { place, marked, outcome: Outcome::Nobody { why, said } }
        };

        if self.is_private(&values, cell) {
            return nobody(Nobody::Skipped("private"), Marked::default());
        }
        let unclear: BTreeSet<usize> =
            self.rules.iter().flat_map(|rule| rule.unclear(cell)).collect();
        let is_confidential = |mark: &&Mark| mark.kept && mark.is_on(cell(mark.at));
        let confidential = self.marks.iter().filter(is_confidential).map(|mark| mark.at).collect();
        let marked = Marked { unclear: unclear.into_iter().collect(), confidential };
        if is_employee(&values) {
            return nobody(Nobody::Skipped("other_ledger"), marked);
        }
        let names: Vec<&str> = values
            .iter()
            .filter(|v| is_whole_or_part_name(&v.attribute))
            .map(|v| v.text.as_str())
            .collect();
        let emails: Vec<&str> =
            values.iter().filter(|v| v.is("email")).map(|v| v.text.as_str()).collect();
        // A customer called `Total` has an address, a code or a phone number.
        let reached = || values.iter().any(Value::is_contact_point);
        let is_sure = |junk: &Junk| match junk {
            Junk::Total | Junk::Continuation => !reached(),
            Junk::Test | Junk::CatchAll => true,
        };
        let junk = kind::junk(&names, &emails).filter(is_sure);
        if let Some(junk) = junk {
            return nobody(Nobody::of(junk), marked);
        }
        let cast = self.cast(&values, told);
        if !cast.person && !cast.organisation && cast.open.is_none() {
            let why = Nobody::Rejected {
                code: "no_name",
                message: "the row has neither a name nor a contact point that can be used",
                suggestion: "complete it in the source, or leave it out",
            };
            return nobody(why, marked);
        }
        let given = Giving { layout: self, cells, values, told }.records(&cast, said);
        Understood { place, marked, outcome: Outcome::Records(given) }
    }

    /// The filled values of a row, in the order of its columns.
    fn values(&self, cells: &StringRecord) -> Vec<Value> {
        let mut values = Vec::new();
        // Two addresses of one label are told apart by a number.
        let mut sets: BTreeMap<(String, String), String> = BTreeMap::new();
        for (at, cell) in cells.iter().enumerate() {
            let text = cell.trim();
            if text.is_empty() {
                continue;
            }
            let Some(usage) = self.uses.get(at) else {
                let attribute = format!("extra.column {}", at + 1).into();
                values.push(Value {
                    attribute,
                    text: text.to_owned(),
                    column: at,
                    label: String::new(),
                    on: Vec::new(),
                    contact: None,
                });
                continue;
            };
            let stands_for_nothing =
                |text: &str| !usage.empty.is_empty() && usage.empty.contains(&text.to_lowercase());
            if usage.omit || stands_for_nothing(text) {
                continue;
            }
            let label_cell = usage.label_at.map_or("", |l| cells.get(l).unwrap_or(""));
            let parts: Vec<&str> = match usage.split.as_str() {
                "" => vec![text],
                separator => text.split(separator).map(str::trim).collect(),
            };
            for (nth, part) in parts.iter().enumerate().filter(|(_, p)| !p.is_empty()) {
                if stands_for_nothing(part) {
                    continue;
                }
                let mut label = match usage.label_at {
                    Some(_) => label_of(label_cell),
                    None => usage.label.clone(),
                };
                let mut attribute = usage.attribute.clone();
                if usage.label_at.is_some() && &*attribute == "phone" {
                    attribute = phone_attribute(label_cell);
                }
                if is_address(&attribute) && (nth > 0 || !usage.number.is_empty()) {
                    label = set_label(&mut sets, label, &usage.number, nth);
                }
                let on = usage.on.clone();
                let contact = usage.contact.then(|| usage.number.clone());
                let text = unlist(part, &usage.split);
                // The mobile of a cell is in a person's pocket, the number beside it may be the company's.
                let apart = if usage.may_hold_several_lines() { phone::apart(&text) } else { None };
                let texts = apart.map_or(vec![text], Vec::from);
                values.extend(texts.into_iter().map(|text| Value {
                    attribute: attribute.clone(),
                    text,
                    column: at,
                    label: label.clone(),
                    on: on.clone(),
                    contact: contact.clone(),
                }));
            }
        }
        if !self.owner.is_empty() && !values.iter().any(|v| v.is("owner")) && !values.is_empty() {
            values.push(Value {
                attribute: "owner".into(),
                text: self.owner.clone(),
                column: usize::MAX,
                label: "mailbox".into(),
                on: vec![Kind::Person, Kind::Organisation],
                contact: None,
            });
        }
        values
    }

    /// Values that stand in columns of their own become part of what they belong to. Gives the kind that a
    /// column says the row's customer is of.
    fn compose(&self, values: &mut Vec<Value>) -> Option<Kind> {
        let extra = |value: &Value| -> Arc<str> {
            format!("extra.{}", self.column_name(Some(value.column))).into()
        };
        join_house_numbers(values);
        join_particle(values);
        join_birth_date(values);
        join_payment_days(values);
        let mut told: Vec<Kind> = Vec::new();
        let mut roles: Vec<(Role, Value)> = Vec::new();
        let codes: Vec<Value> = values.iter().filter(|v| v.is("customer_code")).cloned().collect();
        for value in values.iter_mut() {
            match &*value.attribute {
                "kind" => {
                    told.extend(kind::of_kind_cell(&value.text));
                    value.attribute = extra(value);
                }
                "category" => {
                    told.extend(kind::of_word(&value.text));
                    // A group or tag `Salarié` is a trade as often as one's own staff.
                    let said = role::of_word(&value.text).iter().copied();
                    let party = said.filter(|role| *role != Role::Employee);
                    roles.extend(party.map(|role| (role, value.clone())));
                }
                "role" => {
                    let numbered = role::of_number(&value.text);
                    let said = role::of_word(&value.text).iter().copied().chain(numbered);
                    roles.extend(said.map(|role| (role, value.clone())));
                    value.attribute = extra(value);
                }
                "collective_account" => {
                    roles.extend(role::of_account(&value.text).map(|role| (role, value.clone())));
                    value.attribute = extra(value);
                }
                "is_customer" | "is_supplier" => {
                    roles.extend(ticked_role(value).map(|role| (role, value.clone())));
                    value.attribute = extra(value);
                }
                "supplier_code" => {
                    roles.push((Role::Supplier, value.clone()));
                    // Who has a code of either kind is both.
                    let code = codes.iter().map(|code| (Role::Customer, code.clone()));
                    roles.extend(code);
                }
                "inactive" => match boolean::parse(&value.text) {
                    Some(yes) => {
                        value.attribute = "active".into();
                        value.text = if yes { "non" } else { "oui" }.to_owned();
                    }
                    None => value.attribute = extra(value),
                },
                "birth_year" | "birth_month" | "birth_day" | "payment_days" => {
                    value.attribute = extra(value)
                }
                _ => {}
            }
        }
        if let (Some(role), true, Some(first)) = (self.role, roles.is_empty(), values.first()) {
            roles.push((
                role,
                Value { column: usize::MAX, label: String::new(), on: Vec::new(), ..first.clone() },
            ));
        }
        roles.sort_by_key(|(role, _)| *role);
        roles.dedup_by_key(|(role, _)| *role);
        values.extend(roles.into_iter().map(|(role, said)| Value {
            attribute: "role".into(),
            text: role.as_str().to_owned(),
            ..said
        }));
        if matches!(self.mapping.rows, Rows::Person | Rows::Both) {
            told.extend(self.read_name_boxes(values));
        }
        let kind = told.first().copied().filter(|first| told.iter().all(|kind| kind == first));
        if kind == Some(Kind::Person) && self.mapping.rows == Rows::Decide {
            employ(values);
        }
        kind
    }

    /// Gives what stands in the boxes for first and last name the attributes of what it is. Gives the kind of
    /// the row where they hold a firm.
    fn read_name_boxes(&self, values: &mut Vec<Value>) -> Option<Kind> {
        let own = |values: &[Value], wanted: &str| {
            values
                .iter()
                .position(|v| v.is(wanted) && v.contact.is_none() && kind::is_name(&v.text))
        };
        let (first, last) = (own(values, "first_name"), own(values, "last_name"));
        let text = |at: Option<usize>| at.map_or("", |at| values[at].text.as_str());
        let emails: Vec<&str> =
            values.iter().filter(|v| v.is("email")).map(|v| v.text.as_str()).collect();
        let held = name_boxes::held(text(first), text(last), &emails);
        let firm = own(values, "name").map(|at| values[at].text.as_str());
        let has_firm = firm.is_some();
        // A first name cut short is a legal form as often (`SA`, `Ste`), and `France` a word of firms: what names
        // no other firm than the row's own is a person beside it.
        let is_civil =
            values.iter().any(|v| v.is("civility") && person::civility(&v.text).is_some());
        let is_beside_firm = |name: &str| {
            first.is_some() && last.is_some() && firm.is_some_and(|firm| !repeats(firm, name))
        };
        let at = first.or(last)?;
        match held {
            Held::AsNamed => None,
            Held::Firm(name) if is_civil || is_beside_firm(&name) => None,
            Held::Swapped(before) => {
                let before = match before {
                    Before::Civility if own(values, "civility").is_none() => "civility",
                    _ => "first_name",
                };
                for (at, attribute) in [(first, "last_name"), (last, before)] {
                    at.into_iter().for_each(|at| values[at].attribute = attribute.into());
                }
                None
            }
            Held::WholeName if own(values, "full_name").is_some() => None,
            Held::WholeName => {
                values[at].attribute = "full_name".into();
                None
            }
            Held::Firm(name) => {
                // The firm has a box of its own, and says there what it is called.
                values[at].attribute = match has_firm {
                    true => format!("extra.{}", self.column_name(Some(values[at].column))).into(),
                    false => "name".into(),
                };
                values[at].text = name;
                if let (Some(_), Some(last)) = (first, last) {
                    values.remove(last);
                }
                (!has_firm).then_some(Kind::Organisation)
            }
        }
    }

    fn is_private<'c>(&self, values: &[Value], cell: impl Fn(usize) -> &'c str) -> bool {
        let marked = self.marks.iter().any(|mark| !mark.kept && mark.is_on(cell(mark.at)));
        let noted = || values.iter().any(|v| v.is("notes") && consent::is_private_note(&v.text));
        let may = !self.mapping.private.is_empty() || !self.marks.is_empty();
        marked || (may && noted())
    }

    /// What columns and file name say.
    fn ruled<'c>(&self, cell: impl Fn(usize) -> &'c str + Copy) -> Vec<Said> {
        let mut said = Vec::new();
        for new in self.rules.iter().flat_map(|rule| rule.read(cell)) {
            consent::add(&mut said, new);
        }
        said
    }

    /// What columns, file name and notes say.
    fn said<'c>(&self, values: &[Value], cell: impl Fn(usize) -> &'c str + Copy) -> Vec<Said> {
        let mut said = self.ruled(cell);
        for value in values.iter().filter(|v| is_free_text(&v.attribute)) {
            for new in consent::of_note(&value.text, value.column) {
                consent::add(&mut said, new);
            }
        }
        said
    }

    /// An assistant's number without the assistant's name is kept with the row's own record.
    fn nameless_contacts_are_extras(&self, values: &mut [Value]) {
        let named: BTreeSet<String> = values
            .iter()
            .filter(|v| is_whole_or_part_name(&v.attribute) && kind::is_name(&v.text))
            .filter_map(|v| v.contact.clone())
            .collect();
        for value in values {
            if value.contact.take_if(|contact| !named.contains(contact)).is_some() {
                value.attribute = format!("extra.{}", self.column_name(Some(value.column))).into();
            }
        }
    }

    fn column_name(&self, at: Option<usize>) -> String {
        at.and_then(|at| self.header.get(at)).cloned().unwrap_or_default()
    }

    /// Which records the row gives.
    fn cast(&self, values: &[Value], told: Option<Kind>) -> Cast {
        let own: Vec<&Value> = values.iter().filter(|v| v.contact.is_none()).collect();
        let named = |attributes: &[&str]| {
            own.iter().any(|v| attributes.contains(&&*v.attribute) && kind::is_name(&v.text))
        };
        let is_called = |v: &&Value| {
            let part = matches!(
                &*v.attribute,
                "first_name" | "last_name" | "full_name" | "middle_name" | "maiden_name"
            );
            part && kind::is_name(&v.text) && person::fault(&v.text).is_none()
        };
        let person =
            own.iter().any(is_called) || self.mapping.rows != Rows::Decide && named(&["nickname"]);
        let organisation = named(&["name"]);
        let number = named(&["siren", "siret", "vat"]);
        let emails: Vec<&&Value> =
            own.iter().filter(|v| v.is("email") && kind::is_name(&v.text)).collect();
        let is_role = |v: &Value| kind::is_role_mailbox(&v.text);
        let role_mailbox = !emails.is_empty() && emails.iter().all(|v| is_role(v));
        let own_mailbox = emails.iter().any(|v| !is_role(v) && v.on != [Kind::Organisation]);
        let is_reached = |v: &&&Value| {
            v.is_contact_point() && says(&v.attribute, &v.text) && reaches(&v.attribute, &v.text)
        };
        let reached = own.iter().find(is_reached).is_some();
        let only_organisation = Cast { organisation: true, ..Cast::default() };
        let only_person = Cast { person: true, ..Cast::default() };
        let both = Cast { person: true, organisation: true, ..Cast::default() };
        let open = |likelier: Kind| Cast { open: Some(likelier), ..Cast::default() };
        // A company number says that there is a firm of that name besides.
        let compared = matches!(self.mapping.rows, Rows::Decide | Rows::Both)
            && organisation
            && person
            && !number;
        let cast = match (self.mapping.rows, organisation, person) {
            (Rows::Organisation, true, _) => Cast { person, ..only_organisation },
            (Rows::Organisation, false, _) => match (number || reached, person) {
                (false, false) => Cast::default(),
                (_, person) => Cast { person, organisation: number || !person, ..Cast::default() },
            },
            // Many tables repeat the name of a private person in the company's column. A company number says that
            // there is a firm of that name besides, as does what is said of somebody at work: a sole trader.
            (_, true, true)
                if compared
                    && names_agree(|wanted| joined_parts(&own, wanted))
                    && !is_at_work(&own) =>
            {
                only_person
            }
            (_, true, true) => both,
            (Rows::Person, true, false) if own_mailbox && told != Some(Kind::Organisation) => both,
            (Rows::Person, true, false) => only_organisation,
            (Rows::Both, true, false) => open(Kind::Organisation),
            (_, true, false) => open(Kind::Person),
            (_, false, true) if number => both,
            (_, false, true) => only_person,
            (_, false, false) if number || role_mailbox => only_organisation,
            (Rows::Decide, false, false) if reached && !own_mailbox => open(Kind::Organisation),
            (_, false, false) if reached => only_person,
            _ => Cast::default(),
        };
        Cast { compared, ..cast }
    }

    /// Whether a name of several words stands in the box of a first or last name, and nothing in the other.
    fn has_lone_name(&self, cells: &StringRecord) -> bool {
        let filled = |wanted: &str| -> Vec<&str> {
            let columns = (0..self.uses.len()).filter(|&at| &*self.uses[at].attribute == wanted);
            let texts = columns.map(|at| cells.get(at).unwrap_or("").trim());
            texts.filter(|text| !text.is_empty()).collect()
        };
        let (first, last) = (filled("first_name"), filled("last_name"));
        let has_several = |text: &&str| text.contains(char::is_whitespace);
        (first.is_empty() || last.is_empty()) && first.iter().chain(&last).any(has_several)
    }
}

/// Whether the row is an account of the staff: neither customer nor supplier.
fn is_employee(values: &[Value]) -> bool {
    let mut roles = values.iter().filter(|v| v.is("role")).peekable();
    roles.peek().is_some() && roles.all(|v| v.text == Role::Employee.as_str())
}

/// What a column that says yes or no, or a number, says of one role.
fn ticked_role(value: &Value) -> Option<Role> {
    let number = value.text.parse::<u32>().ok();
    let says = |numbers: fn(u32) -> bool| match number {
        Some(number) => numbers(number),
        None => boolean::parse(&value.text) == Some(true),
    };
    match &*value.attribute {
        // Dolibarr writes 2 for a prospect, and 3 for a prospect who buys.
        "is_customer" => says(|number| matches!(number, 1 | 3)).then_some(Role::Customer),
        _ => says(|number| number > 0).then_some(Role::Supplier),
    }
}

/// A house number in a column of its own stands before or behind the street, as the columns do.
fn join_house_numbers(values: &mut Vec<Value>) {
    for value in values.iter_mut().filter(|v| v.is("street_number")) {
        // The digits of a workbook's number cell.
        if let Some(whole) = value.text.strip_suffix(".0") {
            value.text = whole.to_owned();
        }
    }
    let numbers: Vec<Value> = values.iter().filter(|v| v.is("street_number")).cloned().collect();
    for number in numbers {
        let of_street = |v: &&mut Value| {
            v.is("street") && v.label == number.label && v.contact == number.contact
        };
        let at = values.iter().position(|v| v.is("street_number") && v.column == number.column);
        match values.iter_mut().find(of_street) {
            Some(street) => {
                street.text = match number.column < street.column {
                    true => format!("{} {}", number.text, street.text),
                    false => format!("{} {}", street.text, number.text),
                };
                at.map(|at| values.remove(at));
            }
            None => at.into_iter().for_each(|at| values[at].attribute = "street".into()),
        }
    }
}

/// `van der` in a column of its own is the beginning of the last name.
fn join_particle(values: &mut Vec<Value>) {
    let Some(at) = values.iter().position(|v| v.is("particle")) else { return };
    let of_row = |v: &&mut Value| v.is("last_name") && v.contact.is_none();
    let particle = values[at].text.clone();
    if let Some(name) = values.iter_mut().find(of_row) {
        name.text = format!("{particle} {}", name.text);
        values.remove(at);
    } else {
        values[at].attribute = "last_name".into();
    }
}

/// Year, month and day of birth in three columns are one date, known as far as they are filled.
fn join_birth_date(values: &mut Vec<Value>) {
    let part = |values: &[Value], name: &str| values.iter().find(|v| v.is(name)).cloned();
    if part(values, "birth_date").is_some() {
        return;
    }
    let Some(year) = part(values, "birth_year") else { return };
    let padded = |part: &Value| match part.text.parse::<u32>() {
        Ok(number) => format!("{number:02}"),
        Err(_) => part.text.clone(),
    };
    let month = part(values, "birth_month").map(|v| padded(&v));
    let day = part(values, "birth_day").filter(|_| month.is_some()).map(|v| padded(&v));
    // `12 mars 1971` where the month is a word, else `1971-03-12`.
    let is_word = month.as_ref().is_some_and(|m| m.contains(char::is_alphabetic));
    let mut parts: Vec<String> = [Some(padded(&year)), month, day].into_iter().flatten().collect();
    if is_word {
        parts.reverse();
    }
    let mark = if is_word { " " } else { "-" };
    values.retain(|v| !matches!(&*v.attribute, "birth_month" | "birth_day"));
    for value in values.iter_mut().filter(|v| v.is("birth_year")) {
        value.attribute = "birth_date".into();
        value.text = parts.join(mark);
    }
}

/// A number of days and what it is counted from are one term of payment: `30` and `Days After`.
fn join_payment_days(values: &mut Vec<Value>) {
    let Some(at) = values.iter().position(|v| v.is("payment_days")) else { return };
    let days = values[at].text.clone();
    if let Some(term) = values.iter_mut().find(|v| v.is("payment_terms")) {
        term.text = format!("{days} {}", term.text);
        values.remove(at);
    }
}

/// A person with a parent company works there: what is an organisation's group for others.
fn employ(values: &mut [Value]) {
    if !values.iter().any(|v| v.is("parent")) {
        return;
    }
    for value in values {
        let right = match &*value.attribute {
            "name" => "full_name",
            "parent" => "name",
            _ => continue,
        };
        value.attribute = right.into();
    }
}

/// What the values of a row reach somebody by in a channel; an address is written on one line.
fn contact_points(values: &[Value], channel: Channel) -> Vec<String> {
    let wanted: &[&str] = match channel {
        Channel::Email => &["email"],
        Channel::Phone | Channel::Sms => &["phone", "mobile"],
        Channel::Post => return postal_addresses(values),
    };
    values.iter().filter(|v| wanted.contains(&&*v.attribute)).map(|v| v.text.clone()).collect()
}

/// The addresses of a row, one for each label, as a letter would have them.
fn postal_addresses(values: &[Value]) -> Vec<String> {
    let labels: BTreeSet<&str> =
        values.iter().filter(|v| is_address(&v.attribute)).map(|v| v.label.as_str()).collect();
    let address = |label: &str| {
        let joined = |attributes: &[&str], mark: &str| {
            let wanted = |name: &&str| {
                values.iter().filter(|v| v.label == label && v.is(name)).collect::<Vec<_>>()
            };
            let parts = attributes.iter().flat_map(wanted).map(|v| v.text.as_str());
            parts.collect::<Vec<_>>().join(mark)
        };
        let lines = [
            joined(&["address", "street", "street_2", "street_3", "po_box"], ", "),
            joined(&["postcode", "city", "postcode_city"], " "),
            joined(&["state", "country"], ", "),
        ];
        lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ")
    };
    labels.into_iter().map(address).collect()
}

/// Whether a firm's name says all that another one does, legal forms aside.
fn repeats(firm: &str, name: &str) -> bool {
    let firm = organisation::words(firm);
    organisation::words(name).iter().all(|word| firm.contains(word))
}

/// Whether the row tells of somebody at work: a function, a website, a switchboard, a mailbox at a domain that
/// is nobody's private one.
fn is_at_work(values: &[&Value]) -> bool {
    values.iter().any(|value| match &*value.attribute {
        "job_title" | "website" => says(&value.attribute, &value.text),
        "phone" => value.label == "main" && says(&value.attribute, &value.text),
        "email" => {
            let address = kind::address(&value.text);
            !email::domain(&address).is_empty() && !email::is_freemail(&address)
        }
        _ => false,
    })
}

/// The texts of the values of some attributes, in their order.
fn joined_parts(values: &[&Value], wanted: &[&str]) -> String {
    let parts = values.iter().filter(|v| wanted.contains(&&*v.attribute)).map(|v| v.text.as_str());
    parts.collect::<Vec<_>>().join(" ")
}

/// Whether the name in the organisation's column is that of the row's person: many tables repeat it. `part`
/// gives the texts of some attributes, joined.
fn names_agree(part: impl Fn(&[&str]) -> String) -> bool {
    // `Mlle Viguier` beside `Viguier` and `Mylène`.
    let name = part(&["name"]);
    let bare = kind::without_civility(&name);
    if bare != clean(&name) {
        let person = fold(&part(&["full_name", "first_name", "last_name"]));
        let person: BTreeSet<&str> = person.split(' ').collect();
        return fold(&bare).split(' ').all(|word| person.contains(word));
    }
    let firm = kind::person_key(&name);
    let whole = kind::person_key(&part(&["full_name"]));
    let split = kind::person_key(&part(&["first_name", "last_name"]));
    firm.is_some() && (firm == whole || firm == split)
}

/// What a row gives. Where its texts are those of its cells as they stand, rows of the same shape give theirs.
#[derive(Debug)]
pub(super) struct Understood {
    place: u32,
    marked: Marked,
    outcome: Outcome,
}

/// Columns of whose cells the steward is told.
#[derive(Debug, Default)]
struct Marked {
    /// Their answer about consent is neither yes nor no: nothing is taken from it.
    unclear: Vec<usize>,
    /// They say that the row is the company's and confidential: not everybody may see it in the CRM.
    confidential: Vec<usize>,
}

#[derive(Debug)]
enum Outcome {
    Records(Given),
    /// What the row says of consent speaks for its contact points.
    Nobody {
        why: Nobody,
        said: Vec<Said>,
    },
}

/// Why a row gives no record.
#[derive(Debug)]
enum Nobody {
    Skipped(&'static str),
    Rejected { code: &'static str, message: &'static str, suggestion: &'static str },
}

impl Nobody {
    fn of(junk: Junk) -> Nobody {
        let (code, message) = match junk {
            Junk::Total => return Nobody::Skipped("total"),
            Junk::Continuation => {
                ("continued_row", "the row goes on with the one above, and names nobody of its own")
            }
            Junk::Test => ("test_row", "the row is a test"),
            Junk::CatchAll => {
                ("catch_all", "the account gathers customers without one of their own")
            }
        };
        Nobody::Rejected { code, message, suggestion: "" }
    }
}

/// Records of one row; each is known by its position among them.
#[derive(Debug)]
struct Given {
    records: Vec<GivenRecord>,
    /// The row's own records, then those of its contacts: what the row says is said of the first.
    in_order: Vec<usize>,
    /// The one of the row's organisation, or of its customer of open kind.
    organisation: Option<usize>,
    /// How many of the first are a couple, of whom all is said together.
    together: usize,
    couples: Vec<(usize, usize)>,
    /// Person, organisation, role.
    links: Vec<(usize, usize, Text)>,
    /// Column and text of what tells of the end of one of two persons.
    doubtful_standings: Vec<(usize, String)>,
    /// What is said about consent, and of which record; of none: of the contact point alone.
    said: Vec<(Option<usize>, Said)>,
    has_code: bool,
    repeats: Repeats,
}

#[derive(Debug)]
struct GivenRecord {
    kind: Option<Kind>,
    /// While the kind is open, the one to take if nothing tells.
    likelier: Option<Kind>,
    values: Vec<GivenValue>,
}

#[derive(Debug)]
struct GivenValue {
    attribute: Arc<str>,
    text: Text,
    column: usize,
    label: String,
}

/// A text of a row: that of a cell, or one made of several or of a part of one.
#[derive(Debug)]
enum Text {
    Cell(usize),
    Own(String),
}

impl Text {
    fn of<'r>(&'r self, cells: &'r StringRecord) -> &'r str {
        match self {
            Text::Cell(at) => cells.get(*at).unwrap_or("").trim(),
            Text::Own(text) => text,
        }
    }
}

/// Whether rows of the same shape give the same.
#[derive(Debug)]
enum Repeats {
    Always,
    /// As long as what hangs on several cells together is answered with no.
    Unless(Together),
    Never,
}

/// What hangs on several cells together, and not only on what each of them is: columns by attribute.
#[derive(Debug, Default)]
struct Together {
    /// Whether the person's name is the organisation's.
    names: Vec<(Arc<str>, usize)>,
    /// Whether one of them begins with a civility, which does not count.
    is_civil: bool,
    /// Whether a mailbox is named after the name.
    mailboxes: Vec<usize>,
    name: Option<usize>,
}

impl Together {
    /// Whether the names may be one: those of another number of letters are not.
    fn may_agree<'c>(&self, text: impl Fn(usize) -> &'c str) -> bool {
        let count = |wanted: &[&str]| -> Option<usize> {
            let parts = self.names.iter().filter(|(name, _)| wanted.contains(&&**name));
            parts.map(|(_, at)| letters(text(*at))).sum()
        };
        match (count(&["name"]), count(&["full_name"]), count(&["first_name", "last_name"])) {
            (Some(firm), Some(whole), Some(split)) if !self.is_civil => {
                firm == whole || firm == split
            }
            _ => true,
        }
    }

    fn is_said_of(&self, cells: &StringRecord) -> bool {
        let text = |at: usize| cells.get(at).unwrap_or("").trim();
        let agree = || {
            names_agree(|wanted| {
                let parts = self.names.iter().filter(|(name, _)| wanted.contains(&&**name));
                parts.map(|(_, at)| text(*at)).collect::<Vec<_>>().join(" ")
            })
        };
        let is_mailbox =
            |name: &str, at: &usize| kind::is_mailbox_of(&kind::address(text(*at)), name);
        !self.names.is_empty() && self.may_agree(text) && agree()
            || self.name.is_some_and(|name| {
                self.mailboxes.iter().any(|mailbox| is_mailbox(text(name), mailbox))
            })
    }
}

/// How many letters and digits the folded form of a name has; none where counting does not tell.
fn letters(name: &str) -> Option<usize> {
    let mut count = 0;
    for c in name.chars() {
        match c {
            ' ' | '\'' | '-' | '.' | ',' | '&' => {}
            // Two letters each, or none.
            'Æ' | 'æ' | 'ß' | 'Þ' | 'þ' | 'Ð' | 'ð' | '×' | '÷' => return None,
            'a'..='z' | 'A'..='Z' | '0'..='9' | 'À'..='ÿ' => count += 1,
            _ => return None,
        }
    }
    Some(count)
}

impl Understood {
    /// Whether all texts are those of cells, or such as hang on columns alone that are `telling`.
    pub(super) fn is_made_of(&self, telling: impl Fn(usize) -> bool) -> bool {
        let Outcome::Records(given) = &self.outcome else { return false };
        let is_cell = |value: &GivenValue| match value.text {
            Text::Cell(_) => true,
            // The owner may be named by the file; what a role is told by decides, or is a column's being filled.
            Text::Own(_) => {
                value.column == usize::MAX || &*value.attribute == "role" || telling(value.column)
            }
        };
        given.records.iter().flat_map(|record| &record.values).all(is_cell)
    }

    /// Whether a row whose cells are of the same shape as those of the row that was understood gives the same.
    pub(super) fn repeats_for(&self, cells: &StringRecord) -> bool {
        match &self.outcome {
            Outcome::Nobody { .. } => false,
            Outcome::Records(given) => match &given.repeats {
                Repeats::Always => true,
                Repeats::Unless(together) => !together.is_said_of(cells),
                Repeats::Never => false,
            },
        }
    }

    /// Attribute and origin of each value of each record, in order.
    pub(super) fn ids(&self, layout: &Layout<'_>, builder: &mut RecordsBuilder) -> Vec<(u32, u32)> {
        let Outcome::Records(given) = &self.outcome else { return Vec::new() };
        let values = given.records.iter().flat_map(|record| &record.values);
        let id = |value: &GivenValue| {
            let column = match layout.header.get(value.column) {
                Some(header) => header.as_str(),
                None if &*value.attribute == "owner" => FILE_NAME,
                None => "",
            };
            let origin = builder.origin(self.place, column, &value.label);
            (builder.attribute(&value.attribute), origin)
        };
        values.map(id).collect()
    }
}

/// Works out what the values of a row give.
struct Giving<'a> {
    layout: &'a Layout<'a>,
    cells: &'a StringRecord,
    values: Vec<Value>,
    /// The kind of the row's customer, where a column is there to say it.
    told: Option<Kind>,
}

impl Giving<'_> {
    fn records(mut self, cast: &Cast, said: Vec<Said>) -> Given {
        let has_code =
            (self.values.iter()).any(|v| matches!(&*v.attribute, "customer_code" | "account_code"));
        let repeats = self.repeats(cast);
        if cast.person && !cast.organisation {
            self.repeated_name_is_an_extra();
        }
        let couple = self.couple(cast);
        let doubtful_standings = match &couple {
            // Which of two persons has died a note about both does not say: a human does.
            Some(_) => {
                let standings = self.values.extract_if(.., |v| v.is("standing"));
                standings.map(|v| (v.column, v.text)).collect()
            }
            None => Vec::new(),
        };
        let together = couple.as_ref().map_or(0, Vec::len);
        let mut repeats = if together > 0 { Repeats::Never } else { repeats };
        let mut records: Vec<GivenRecord> = Vec::new();
        let mut organisation: Option<usize> = None;
        match (&couple, cast.open) {
            (Some(couple), _) => {
                records.extend((0..couple.len()).map(|nth| self.half(couple, nth)));
            }
            (None, Some(likelier)) => {
                let values = self.own(|_| true);
                let told = self.told.or_else(|| kind::of_row(&evidence(&values)));
                let open = told.is_none().then_some(likelier);
                records.push(self.record(told, open, &values));
                // A contact is one of an organisation; should the record turn out a person, the link goes.
                organisation = Some(0);
            }
            (None, None) if cast.person => {
                let values = self.own(|v| goes_to(v, Kind::Person, cast));
                let mut person = self.record(Some(Kind::Person), None, &values);
                if cast.organisation && person.values.iter().any(|v| &*v.attribute == "full_name") {
                    self.works_there(&mut person);
                    repeats = Repeats::Never;
                }
                records.push(person);
            }
            (None, None) => {}
        }
        let own_persons = if cast.open.is_some() && couple.is_none() { 0 } else { records.len() };
        let mut in_order: Vec<usize> = (0..records.len()).collect();
        let couples = (1..together).map(|second| (second - 1, second)).collect();
        if cast.organisation {
            let values = self.own(|v| goes_to(v, Kind::Organisation, cast));
            organisation = Some(records.len());
            in_order.push(records.len());
            records.push(self.record(Some(Kind::Organisation), None, &values));
        }
        // The row's own records come before those of its contacts: what it says is said of them.
        let first_contact = records.len();
        records.extend(self.contacts());
        let contacts = first_contact..records.len();
        in_order.extend(contacts.clone());
        let mut links = Vec::new();
        if let Some(organisation) = organisation {
            for (nth, person) in (0..own_persons).chain(contacts).enumerate() {
                let is_own = nth == 0 && own_persons > 0;
                let role = if is_own { self.role() } else { Text::Own("contact".to_owned()) };
                links.push((person, organisation, role));
            }
        }
        let mut given = Given {
            records,
            in_order,
            organisation,
            together,
            couples,
            links,
            doubtful_standings,
            said: Vec::new(),
            has_code,
            repeats,
        };
        for said in said {
            if given.is_reached_through(&said) {
                let own: Vec<Value> = self.own(|_| true).into_iter().cloned().collect();
                let points = contact_points(&own, said.channel);
                let through = |contact_point| (None, Said { contact_point, ..said.clone() });
                given.said.extend(points.into_iter().map(through));
                given.repeats = Repeats::Never;
            }
            given.said.extend(given.said_of_records(said, self.cells));
        }
        given
    }

    /// A person whom the row does not name is not called as the company beside: `Hôtel de France` is where they
    /// are to be found. A first name in it, or a mailbox of that name, is their own.
    fn works_there(&self, person: &mut GivenRecord) {
        let emails: Vec<&str> =
            self.values.iter().filter(|v| v.is("email")).map(|v| v.text.as_str()).collect();
        let is_own = |name: &str| {
            emails.iter().any(|email| kind::is_mailbox_of(email, name))
                || !organisation::looks_like_organisation(name)
                    && name.split_whitespace().count() > 1
                    && name.split_whitespace().any(kind::is_first_name)
        };
        for value in &mut person.values {
            let text = value.text.of(self.cells);
            let is_company = self.values.iter().any(|v| v.is("name") && v.text == text);
            if &*value.attribute == "full_name" && is_company && !is_own(text) {
                value.attribute = "company".into();
            }
        }
    }

    /// The values that are not of a further person.
    fn own(&self, belongs: impl Fn(&Value) -> bool) -> Vec<&Value> {
        self.values.iter().filter(|v| v.contact.is_none() && belongs(v)).collect()
    }

    /// Whether another row of the shape of this one gives the same.
    fn repeats(&self, cast: &Cast) -> Repeats {
        let cell_of = |value: &Value| match self.text(value) {
            Text::Cell(at) => Some(at),
            Text::Own(_) => None,
        };
        let mut together = Together::default();
        if cast.compared {
            let is_name = |v: &&Value| is_own_name(&v.attribute) || v.is("name");
            for value in self.own(|_| true).into_iter().filter(is_name) {
                let Some(at) = cell_of(value) else { return Repeats::Never };
                together.names.push((value.attribute.clone(), at));
                together.is_civil |= kind::begins_civil(&value.text);
            }
        }
        if cast.open.is_some() {
            let mailboxes = self.values.iter().filter(|v| v.is("email")).map(cell_of);
            let Some(mailboxes) = mailboxes.collect() else { return Repeats::Never };
            together.mailboxes = mailboxes;
            together.name = self.values.iter().find(|v| v.is("name")).and_then(cell_of);
        }
        if together.is_said_of(self.cells) || self.layout.has_lone_name(self.cells) {
            Repeats::Never
        } else if together.names.is_empty() && together.mailboxes.is_empty() {
            Repeats::Always
        } else {
            Repeats::Unless(together)
        }
    }

    /// The organisation's column only repeats the person: it is no company.
    fn repeated_name_is_an_extra(&mut self) {
        let has_name = self.values.iter().any(|v| is_own_name(&v.attribute));
        for value in &mut self.values {
            if value.is("name") && has_name {
                value.attribute =
                    format!("extra.{}", self.layout.column_name(Some(value.column))).into();
            }
        }
    }

    fn first(&self, attribute: &str) -> String {
        let own = self.values.iter().find(|v| v.is(attribute) && v.contact.is_none());
        own.map(|v| v.text.clone()).unwrap_or_default()
    }

    /// What the row's person is in the organisation.
    fn role(&self) -> Text {
        let title = self.values.iter().find(|v| v.is("job_title") && v.contact.is_none());
        title.map_or(Text::Own(String::new()), |title| self.text(title))
    }

    fn couple(&self, cast: &Cast) -> Option<Vec<person::Named>> {
        if cast.open.is_some() {
            return couple::split(&self.first("civility"), "", "", &self.first("name"), false);
        }
        if !cast.person {
            return None;
        }
        let (first, last) = (self.first("first_name"), self.first("last_name"));
        couple::split(&self.first("civility"), &first, &last, &self.first("full_name"), true)
    }

    /// One of the persons of a couple: the whole row with a name of their own, but for what is another's.
    fn half(&self, couple: &[person::Named], nth: usize) -> GivenRecord {
        let half = &couple[nth];
        let column_of = |wanted: &[&str]| {
            let at = |w: &&str| self.values.iter().find(|v| v.is(w)).map(|v| v.column);
            wanted.iter().find_map(at).unwrap_or(usize::MAX)
        };
        let mut values: Vec<Value> = Vec::new();
        let parts = [
            (
                "civility",
                &half.civility,
                column_of(&["civility", "full_name", "first_name", "name", "last_name"]),
            ),
            (
                "first_name",
                &half.first,
                column_of(&["first_name", "full_name", "name", "last_name"]),
            ),
            ("last_name", &half.last, column_of(&["last_name", "full_name", "name"])),
        ];
        for (attribute, text, column) in parts {
            if !text.is_empty() {
                let text = text.clone();
                let attribute = attribute.into();
                values.push(Value {
                    attribute,
                    text,
                    column,
                    label: String::new(),
                    on: Vec::new(),
                    contact: None,
                });
            }
        }
        let theirs = |v: &Value| couple::is_theirs(couple, nth, &v.attribute, &v.text);
        values.extend(self.own(theirs).into_iter().cloned());
        self.record(Some(Kind::Person), None, &values.iter().collect::<Vec<_>>())
    }

    /// The further persons that the columns of the row name.
    fn contacts(&self) -> Vec<GivenRecord> {
        let mut contacts: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for value in &self.values {
            if let Some(contact) = &value.contact {
                contacts.entry(contact).or_default().push(value);
            }
        }
        contacts
            .into_values()
            .map(|values| self.record(Some(Kind::Person), None, &values))
            .collect()
    }

    /// A record of these values. Of an open kind they keep the names they have as read.
    fn record(&self, kind: Option<Kind>, likelier: Option<Kind>, values: &[&Value]) -> GivenRecord {
        let named = values.iter().any(|value| is_own_name(&value.attribute));
        let given = |value: &&Value| {
            let suited = kind.and_then(|kind| suited(kind, named, &value.attribute, &value.text));
            GivenValue {
                attribute: suited.unwrap_or_else(|| value.attribute.clone()),
                text: self.text(value),
                column: value.column,
                label: value.label.clone(),
            }
        };
        GivenRecord { kind, likelier, values: values.iter().map(given).collect() }
    }

    fn text(&self, value: &Value) -> Text {
        match self.cells.get(value.column) {
            Some(cell) if cell.trim() == value.text => Text::Cell(value.column),
            _ => Text::Own(value.text.clone()),
        }
    }
}

impl Given {
    /// Whether what is said of the row's subject reaches them by the organisation's contact points alone: of
    /// these it is said too, and the organisation's others stay open.
    fn is_reached_through(&self, said: &Said) -> bool {
        let reached = |at: usize| self.records[at].is_reached(said.channel);
        let subject = self.in_order.first();
        self.together == 0
            && said.contact_point.is_empty()
            && subject.is_some_and(|&subject| {
                let through = self.organisation.filter(|&at| at != subject);
                through.is_some_and(|at| reached(at) && !reached(subject))
            })
    }

    /// What the row says about consent, said of the person, else of the organisation.
    fn said_of_records(&self, said: Said, cells: &StringRecord) -> Vec<(Option<usize>, Said)> {
        let Some(&subject) = self.in_order.first() else { return Vec::new() };
        if self.together > 0 {
            let couple = self.in_order.iter().take(self.together);
            return couple.map(|&at| (Some(at), said.clone())).collect();
        }
        let holds = |&&at: &&usize| self.records[at].holds(&said.contact_point, cells);
        let holder = match said.contact_point.as_str() {
            "" => subject,
            _ => self.in_order.iter().find(holds).copied().unwrap_or(subject),
        };
        vec![(Some(holder), said)]
    }
}

impl GivenRecord {
    /// Whether it has this very value.
    fn holds(&self, text: &str, cells: &StringRecord) -> bool {
        self.values.iter().any(|value| value.text.of(cells) == text)
    }

    /// Whether it has a contact point of the channel.
    fn is_reached(&self, channel: Channel) -> bool {
        self.values.iter().any(|value| match channel {
            Channel::Post => is_address(&value.attribute),
            // Which of the numbers are mobile is not known yet.
            Channel::Sms | Channel::Phone => matches!(&*value.attribute, "phone" | "mobile"),
            Channel::Email => &*value.attribute == "email",
        })
    }
}

/// A row of data that was understood.
pub(super) struct Row<'a> {
    pub(super) layout: &'a Layout<'a>,
    pub(super) number: u32,
    pub(super) cells: &'a StringRecord,
    pub(super) digest: [u8; 32],
}

impl Row<'_> {
    fn cell(&self, at: usize) -> &str {
        self.cells.get(at).unwrap_or("")
    }

    /// Adds what the row was understood to give to what was gathered.
    pub(super) fn write_as(&self, how: &How, shapes: &mut Shapes<'_>, reading: &mut Reading<'_>) {
        let (understood, ids) = shapes.given(how, &mut reading.gathered.builder);
        self.write(understood, &ids, matches!(how, How::Known(_)), reading);
    }

    /// `ids` are those of the values. What is `repeated` was understood for another row of its shape.
    fn write(
        &self,
        understood: &Understood,
        ids: &[(u32, u32)],
        repeated: bool,
        reading: &mut Reading<'_>,
    ) {
        for &at in &understood.marked.confidential {
            self.tell_cell(
                at,
                "confidential",
                "the card is marked confidential; it is kept",
                "limit in the CRM who may see it",
                self.cell(at),
                reading,
            );
        }
        for &at in &understood.marked.unclear {
            self.tell_cell(
                at,
                "unclear_consent",
                "it answers neither yes nor no: consent stays unknown",
                "ask the customer, and write yes or no",
                self.cell(at),
                reading,
            );
        }
        match &understood.outcome {
            Outcome::Nobody { why, said } => {
                for said in said {
                    self.event(said, None, understood.place, reading);
                }
                match why {
                    Nobody::Skipped(reason) => reading.skip(self.number, reason),
                    Nobody::Rejected { code, message, suggestion } => {
                        let raw = joined(self.cells);
                        reading.reject(self.number, code, (*message).to_owned(), suggestion, raw);
                    }
                }
            }
            Outcome::Records(given) => {
                self.write_records(given, understood.place, ids, reading);
                let first = (reading.gathered.builder.len() - given.records.len()) as u32;
                let mut event = |(holder, said): &(Option<usize>, Said)| {
                    let record = holder.map(|at| first + at as u32);
                    self.event(said, record, understood.place, reading);
                };
                if repeated && !given.said.is_empty() {
                    // Nothing but a rule speaks in rows that repeat others: no note does.
                    let said = self.layout.ruled(|at| self.cell(at));
                    let said = said.into_iter();
                    said.flat_map(|said| given.said_of_records(said, self.cells))
                        .for_each(|said| event(&said));
                } else {
                    given.said.iter().for_each(event);
                }
            }
        }
    }

    fn write_records(
        &self,
        given: &Given,
        place: u32,
        mut ids: &[(u32, u32)],
        reading: &mut Reading<'_>,
    ) {
        if given.has_code {
            reading.tell_unknown_entity(self.number, |at| self.cells.get(at));
        }
        for (column, text) in &given.doubtful_standings {
            self.tell_cell(
                *column,
                "doubtful_standing",
                "the row names two persons and tells of the end of one",
                "say which of the two: give each a row of their own",
                text,
                reading,
            );
        }
        let key = self.layout.id_at.map_or("", |at| self.cell(at)).trim();
        let gathered = &mut *reading.gathered;
        let first = gathered.builder.len() as u32;
        for record in &given.records {
            let (own, others) = ids.split_at(record.values.len());
            ids = others;
            let draft = Draft {
                kind: record.kind,
                place,
                row: self.number,
                key: key.to_owned(),
                digest: self.digest,
                values: Vec::new(),
            };
            let values = record.values.iter().zip(own).map(|(value, (attribute, origin))| {
                (*attribute, value.text.of(self.cells), *origin)
            });
            let number = gathered.builder.push_lent(draft, values);
            gathered.open.extend(record.likelier.map(|likelier| (number, likelier)));
        }
        let number = |at: usize| first + at as u32;
        let couple = |&(a, b): &(usize, usize)| Couple { first: number(a), second: number(b) };
        gathered.couples.extend(given.couples.iter().map(couple));
        let link = |(person, organisation, role): &(usize, usize, Text)| Link {
            person: number(*person),
            organisation: number(*organisation),
            role: role.of(self.cells).to_owned(),
        };
        gathered.links.extend(given.links.iter().map(link));
        reading.fate.rows += 1;
        reading.fate.record_rows += 1;
        reading.fate.records += given.records.len() as u64;
    }

    fn event(&self, said: &Said, record: Option<u32>, place: u32, reading: &mut Reading<'_>) {
        let point = said.contact_point.clone();
        let column = self.layout.column_name(said.column);
        let event = said.event(record, point, (place, self.number), column);
        reading.gathered.events.push(event);
    }

    /// Tells of a cell; the rest of the row is used.
    fn tell_cell(
        &self,
        at: usize,
        code: &str,
        message: &str,
        suggestion: &str,
        raw: &str,
        reading: &mut Reading<'_>,
    ) {
        reading.gathered.rejects.push(Reject {
            source: reading.fate.source.clone(),
            file: reading.fate.file.clone(),
            sheet: reading.fate.sheet.clone(),
            row: Some(self.number),
            column: self.layout.column_name(Some(at)),
            code: code.into(),
            severity: Severity::Cell,
            message: message.into(),
            suggestion: suggestion.into(),
            raw: raw.to_owned(),
        });
    }
}

/// What a row that gives no record says: it speaks for the contact points of the row.
fn said_of_points(said: &[Said], values: &[Value]) -> Vec<Said> {
    let of_points = said.iter().flat_map(|said| {
        let points = match said.contact_point.as_str() {
            "" => contact_points(values, said.channel),
            point => vec![point.to_owned()],
        };
        points.into_iter().map(|contact_point| Said { contact_point, ..said.clone() })
    });
    of_points.collect()
}

/// Whether a value of the row belongs to its record of this kind.
fn goes_to(value: &Value, kind: Kind, cast: &Cast) -> bool {
    if value.contact.is_some() {
        return false;
    }
    let alone = !(cast.person && cast.organisation);
    if alone {
        return true;
    }
    // The company's name is besides what the person says of where they work.
    if value.is("name") {
        return true;
    }
    if !value.on.is_empty() {
        return value.on.contains(&kind);
    }
    match model::attribute(&value.attribute) {
        Some(attribute) if attribute.on.len() == 1 => attribute.on[0] == kind,
        None => kind == Kind::Person,
        Some(_) if value.is("email") => {
            kind == Kind::Person || email::is_role_mailbox(&self::kind::address(&value.text))
        }
        // A mobile is in a person's pocket, whatever the company beside.
        Some(_) if value.is("phone") && value.label != "main" && phone::is_mobile(&value.text) => {
            kind == Kind::Person
        }
        Some(_) => match placing(&value.attribute, &value.label) {
            Placing::Both => true,
            Placing::PersonFirst => kind == Kind::Person,
            Placing::OrganisationFirst => kind == Kind::Organisation,
        },
    }
}

/// Whether an attribute is the name of a person's own.
pub(super) fn is_own_name(attribute: &str) -> bool {
    matches!(attribute, "full_name" | "last_name" | "first_name")
}

/// The attribute that a record of this kind has in place of one that a column names; `named` says whether it
/// has a person's own name besides.
pub(super) fn suited(kind: Kind, named: bool, attribute: &str, text: &str) -> Option<Arc<str>> {
    match (kind, attribute) {
        (Kind::Person, "name") if named => Some("company".into()),
        (Kind::Person, "name") => Some("full_name".into()),
        (Kind::Organisation, "civility") if organisation::legal_form(text).is_some() => {
            Some("legal_form".into())
        }
        (Kind::Organisation, "company") => Some("name".into()),
        _ => model::attribute(attribute)
            .filter(|known| !known.part && !known.on.contains(&kind))
            .map(|_| format!("extra.{attribute}").into()),
    }
}

/// What a draft of open kind says of it.
fn evidence<'v>(values: &[&'v Value]) -> Evidence<'v> {
    let first =
        |attribute: &str| values.iter().find(|v| v.is(attribute)).map_or("", |v| v.text.as_str());
    let filled = |attributes: &[&str]| {
        values.iter().any(|v| attributes.contains(&&*v.attribute) && says(&v.attribute, &v.text))
    };
    Evidence {
        name: first("name"),
        civility: first("civility"),
        has_company_number: filled(&["siren", "siret", "vat", "naf", "legal_form"]),
        emails: values.iter().filter(|v| v.is("email")).map(|v| v.text.as_str()).collect(),
        has_website: filled(&["website"]),
        has_personal_data: filled(&["birth_date", "first_name", "gender"]),
    }
}

/// Sets right what stands in the wrong column beyond doubt.
fn mend(values: &mut [Value], has_job_title: bool) {
    for value in values {
        let digits = value.text.bytes().filter(u8::is_ascii_digit).count();
        let letters = value.text.chars().filter(|c| c.is_alphabetic()).count();
        let right = match &*value.attribute {
            "phone" | "mobile" | "fax" if value.text.contains('@') && digits < letters => {
                Some("email")
            }
            "email" if !value.text.contains('@') && digits >= 9 && letters == 0 => Some("phone"),
            // A title that is no civility is a job title, where no column is for that.
            "civility"
                if !has_job_title
                    && value.text.chars().count() > 5
                    && person::two_civilities(&value.text).is_none()
                    && kind::of_civility(&value.text).is_none() =>
            {
                Some("job_title")
            }
            "email" if value.text.to_lowercase().starts_with("/o=") => {
                Some("extra.exchange address")
            }
            _ => None,
        };
        if let Some(right) = right {
            value.attribute = right.into();
        }
    }
}

fn is_whole_or_part_name(attribute: &str) -> bool {
    matches!(attribute, "first_name" | "last_name" | "full_name" | "name" | "nickname")
}

fn is_address(attribute: &str) -> bool {
    attribute == "address" || model::attribute(attribute).is_some_and(|a| a.part)
}

/// What people write freely, objections included.
pub(super) fn is_free_text(attribute: &str) -> bool {
    const FREE: [&str; 3] = ["extra.", "x.text.", "x.category."];
    matches!(attribute, "notes" | "status" | "category" | "segment" | "origin")
        || FREE.iter().any(|prefix| attribute.starts_with(prefix))
}

/// What free text says of the end of a customer, as values of their own: a death of the person, a liquidation
/// of the organisation. Of a liquidation and a closure the closure is the later.
fn standings(values: &[Value]) -> Vec<Value> {
    let mut found: BTreeMap<Kind, (Standing, Value)> = BTreeMap::new();
    for value in values.iter().filter(|v| is_free_text(&v.attribute)) {
        for said in standing::find(&value.text) {
            let kind = match said.standing {
                Standing::Deceased => Kind::Person,
                Standing::InLiquidation | Standing::Ceased => Kind::Organisation,
            };
            let text = value.text[said.at].to_owned();
            let new = Value { attribute: "standing".into(), text, on: vec![kind], ..value.clone() };
            match found.get(&kind) {
                Some((known, _)) if *known >= said.standing => {}
                _ => {
                    found.insert(kind, (said.standing, new));
                }
            }
        }
    }
    found.into_values().map(|(_, value)| value).collect()
}

/// The phone attribute that a label means.
fn phone_attribute(label: &str) -> Arc<str> {
    let folded = fold(label);
    let has = |words: &[String]| folded.split(' ').any(|w| words.iter().any(|word| word == w));
    if has(&LABELS.fax) {
        "fax".into()
    } else if has(&LABELS.mobile) {
        "mobile".into()
    } else if has(&LABELS.pager) {
        "extra.pager".into()
    } else {
        "phone".into()
    }
}

/// The label of one of several addresses: `home`, then `home 2`.
fn set_label(
    sets: &mut BTreeMap<(String, String), String>,
    label: String,
    number: &str,
    nth: usize,
) -> String {
    let set = format!("{number}/{nth}");
    if let Some(known) = sets.get(&(label.clone(), set.clone())) {
        return known.clone();
    }
    let before = sets.keys().filter(|(l, _)| *l == label).count();
    let own = match before {
        0 => label.clone(),
        n => format!("{label} {}", n + 1).trim().to_owned(),
    };
    sets.insert((label, set), own.clone());
    own
}

/// A member of a list without the quotes around it.
pub(super) fn unlist(part: &str, split: &str) -> String {
    if split.is_empty() { part.to_owned() } else { part.trim_matches(['"', ' ']).to_owned() }
}

/// Headers that the rules beside the columns speak of.
fn spoken_of(mapping: &Mapping) -> BTreeSet<String> {
    let consents = mapping
        .consents
        .iter()
        .flat_map(|c| c.column.iter().chain(&c.since).chain(&c.proof).chain(&c.contact_point));
    let private = mapping.private.iter().flat_map(|p| &p.column);
    consents.chain(private).chain(&mapping.id).map(|h| mapping::key(h)).collect()
}

/// Headers as shown: `Titre (2)` for the second, `column 5` for one without a name.
pub(super) fn shown_header(header: &[String]) -> Vec<String> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let shown = header.iter().enumerate().map(|(at, name)| {
        let name = match clean(name) {
            empty if empty.is_empty() => format!("column {}", at + 1),
            name => name,
        };
        let seen = times.entry(name.clone()).or_default();
        *seen += 1;
        if *seen > 1 { format!("{name} ({seen})") } else { name }
    });
    shown.collect()
}

/// The owner after whom the file is named; a shared mailbox has none.
fn owner_of(mapping: &Mapping, file: &str) -> String {
    if mapping.owner != Owner::FileName {
        return String::new();
    }
    let name = file.rsplit(['/', '!']).next().unwrap_or(file);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    // `contacts.csv`, `export outlook 2019.csv` name no person.
    let words = fold(stem);
    let is_nobody = |w: &str| LABELS.nobody.iter().any(|nobody| nobody == w);
    let nobody = words.split(' ').any(|w| is_nobody(w) || w.bytes().any(|b| b.is_ascii_digit()));
    let shared = email::is_role_mailbox(&format!("{stem}@example.com"));
    let words: Vec<&str> = words.split(' ').collect();
    // One name may be anybody's; of several words one is a first name or its initial.
    let is_first = |word: &&str| word.len() == 1 || kind::is_first_name(word);
    let is_person = words.len() == 1 || words.len() <= 4 && words.iter().any(is_first);
    if nobody || shared || !is_person { String::new() } else { stem.to_owned() }
}

/// A row as text, for the rejects.
fn joined(cells: &StringRecord) -> String {
    let filled: Vec<&str> = cells.iter().collect();
    filled.join(";").trim_end_matches(';').to_owned()
}

impl Gathered {
    /// Gives a draft of open kind its kind.
    pub(super) fn settle(&mut self, number: u32, kind: Kind) {
        let named = self.builder.draft(number).values().any(|(name, _)| is_own_name(name));
        self.builder.settle(number, kind, |attribute, text| suited(kind, named, attribute, text));
    }
}

/// The parts of a person's name in a draft: first name, and all else.
pub(super) fn person_name(draft: &Drafted<'_>) -> (String, String) {
    let of = |wanted: &[&str]| {
        let parts = draft.values().filter(|(name, _)| wanted.contains(name));
        parts.map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    };
    let first = of(&["first_name"]);
    match of(&["last_name"]) {
        last if last.is_empty() => {
            let split = person::split(&of(&["full_name"]));
            (if first.is_empty() { split.first } else { first }, split.last)
        }
        last => (first, last),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{IdKey, Ingested, Progress, Source, read, recognise, run};
    use super::*;

    /// Reads a table and writes each record as `row kind attribute=value ...`, then each event as
    /// `row channel state contact point` with `!` where it stands on no record, then what is left out.
    fn told(mapping: &str, table: &str) -> Vec<String> {
        let table = staged(mapping, table);
        let records = &table.records;
        let mut lines: Vec<String> = (0..records.len())
            .map(|i| {
                let values = records
                    .columns
                    .iter()
                    .flat_map(|(a, c)| c.values(i).map(move |v| format!("{a}={v}")));
                let values = values.collect::<Vec<_>>().join(" ");
                format!("{} {} {values}", records.row[i], records.kinds[i].as_str())
            })
            .collect();
        lines.extend(table.events.iter().map(|e| {
            let nobody = if e.record.is_none() { "!" } else { "" };
            let told = [e.channel.as_str(), e.state.as_str(), &e.contact_point].join(" ");
            format!("{} {nobody}{told}", e.row).trim_end().to_owned()
        }));
        lines.extend(table.rejects.iter().map(|r| format!("{} {}", r.row.unwrap_or(0), r.code)));
        lines.extend(
            table
                .skipped
                .iter()
                .filter(|s| s.reason != "header")
                .map(|s| format!("{} {}", s.row.unwrap_or(0), s.reason)),
        );
        lines.sort();
        lines
    }

    fn staged(mapping: &str, table: &str) -> Ingested {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("t.csv");
        std::fs::write(&path, table).expect("written");
        let source = Source {
            name: "s".into(),
            files: vec![(path, "t.csv".into())],
            sheets: Vec::new(),
            mapping: Arc::new(Mapping::parse("m", "m", mapping).expect("a mapping")),
            key_space: String::new(),
            legal_entity: None,
            country: String::new(),
            rank: 0,
            dated: String::new(),
        };
        run(&[source], &IdKey([7; 32]), &Progress::hidden()).expect("read").table
    }

    /// Row and kind of each record, in order.
    fn kinds(mapping: &str, table: &str) -> Vec<String> {
        let first_two = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        told(mapping, table).iter().map(first_two).collect()
    }

    const PERSONS: &str = r#"
        rows = "person"
        columns = [
          { header = ["Nom"], attribute = "last_name" }, { header = ["Mail"], attribute = "email" },
          { header = ["Rue"], attribute = "street" }, { header = ["Ville"], attribute = "city" },
          { header = ["CP"], attribute = "postcode" }, { header = ["Notes"], attribute = "notes" },
        ]
        private = [{ column = ["Notes"], values = ["privé"] }]
    "#;

    #[test]
    fn an_objection_on_a_row_that_is_nobody_holds_for_its_contact_points() {
        assert_eq!(
            told(
                PERSONS,
                "Nom;Mail;Rue;Ville;CP;Notes\ntest test;a@b.fr;;;;STOP mailing\nDupont;;3 rue Haute;Nantes;44000;privé; \n"
            ),
            ["2 !email opt_out a@b.fr", "2 test_row", "3 private"]
        );
        let note = "Nom;Mail;Rue;Ville;CP;Notes\ntest test;;3 rue Haute;Nantes;44000;NPAI\n";
        assert_eq!(
            told(PERSONS, note),
            ["2 !post hard_bounce 3 rue Haute, 44000 Nantes", "2 test_row"]
        );
    }

    #[test]
    fn a_customer_called_total_is_no_sum() {
        let rows = r#"
            rows = "organisation"
            columns = [{ header = ["Client"], attribute = "name" }, { header = ["Tel"], attribute = "phone" }, { header = ["Solde"], attribute = "balance" }]
        "#;
        assert_eq!(
            told(
                rows,
                "Client;Tel;Solde\nTotal;0140506070;3,00\nDupont;0140506071;4,00\nTotal;;7,00\n"
            ),
            [
                "2 organisation balance=3,00 name=Total phone=0140506070",
                "3 organisation balance=4,00 name=Dupont phone=0140506071",
                "4 total"
            ]
        );
    }

    #[test]
    fn the_number_of_a_nameless_contact_is_kept() {
        let rows = r#"
            rows = "person"
            columns = [
              { header = ["Nom"], attribute = "last_name" },
              { header = ["Assistant"], attribute = "full_name", contact = true },
              { header = ["Tel assistant"], attribute = "phone", contact = true },
            ]
        "#;
        assert_eq!(
            told(
                rows,
                "Nom;Assistant;Tel assistant\nDupont;;0140506070\nPetit;Anne Roy;0140506071\n"
            ),
            [
                "2 person extra.Tel assistant=0140506070 last_name=Dupont",
                "3 person full_name=Anne Roy phone=0140506071",
                "3 person last_name=Petit"
            ]
        );
    }

    #[test]
    fn parts_in_columns_of_their_own_are_joined() {
        let rows = r#"
            rows = "person"
            columns = [
              { header = ["Voornaam"], attribute = "first_name" }, { header = ["Tussenvoegsel"], attribute = "particle" },
              { header = ["Achternaam"], attribute = "last_name" }, { header = ["Straat"], attribute = "street" },
              { header = ["Huisnummer"], attribute = "street_number" }, { header = ["Jaar"], attribute = "birth_year" },
              { header = ["Maand"], attribute = "birth_month" }, { header = ["Dag"], attribute = "birth_day" },
              { header = ["Inactief"], attribute = "inactive" },
            ]
        "#;
        let table = "Voornaam;Tussenvoegsel;Achternaam;Straat;Huisnummer;Jaar;Maand;Dag;Inactief\n\
                     Jan;van der;Berg;Dorpsstraat;12;1970;5;3;ja\nAnna;;Smit;;7;1982;;;\n";
        assert_eq!(
            told(rows, table),
            [
                "2 person active=non birth_date=1970-05-03 first_name=Jan last_name=van der Berg street=Dorpsstraat 12",
                "3 person birth_date=1982 first_name=Anna last_name=Smit street=7"
            ]
        );
        let numbers_first = "columns = [{ header = ['Nom'], attribute = 'name' }, { header = ['N° voie'], attribute = 'street_number' }, \
                             { header = ['Voie'], attribute = 'street' }]";
        let rows = format!("rows = 'organisation'\n{numbers_first}");
        assert_eq!(
            told(&rows, "Nom;N° voie;Voie\nDupont;12 bis;rue Haute\n"),
            ["2 organisation name=Dupont street=12 bis rue Haute"]
        );
    }

    #[test]
    fn a_mobile_is_the_persons_and_not_the_companys() {
        let rows = r#"
            rows = "both"
            columns = [
              { header = ["Société"], attribute = "name" }, { header = ["Nom"], attribute = "last_name" },
              { header = ["Tél"], attribute = "phone" },
            ]
        "#;
        // The second row is of the same shape but for its number.
        let table = "Société;Nom;Tél\nMistral SARL;Durand;01 40 50 60 70\nZéphyr SARL;Petit;06 12 34 56 78\n\
                     Levant SARL;;06 12 34 56 79\n\
                     Ponant SARL;Roche;01 40 50 60 71 / 06 12 34 56 80\n";
        assert_eq!(
            told(rows, table),
            [
                "2 organisation name=Mistral SARL phone=01 40 50 60 70",
                "2 person company=Mistral SARL last_name=Durand phone=01 40 50 60 70",
                "3 organisation name=Zéphyr SARL",
                "3 person company=Zéphyr SARL last_name=Petit phone=06 12 34 56 78",
                "4 organisation name=Levant SARL phone=06 12 34 56 79",
                "5 organisation name=Ponant SARL phone=01 40 50 60 71",
                "5 person company=Ponant SARL last_name=Roche phone=01 40 50 60 71 phone=06 12 34 56 80",
            ]
        );
    }

    #[test]
    fn a_sole_trader_with_a_company_number_is_a_person_and_a_firm() {
        let rows = r#"
            rows = "both"
            columns = [
              { header = ["Société"], attribute = "name" }, { header = ["Nom"], attribute = "last_name" },
              { header = ["Prénom"], attribute = "first_name" }, { header = ["SIRET"], attribute = "siret" },
            ]
        "#;
        let table = "Société;Nom;Prénom;SIRET\nHamon Christian;HAMON;Christian;73282932000074\nHamon Christian;HAMON;Christian;\n";
        assert_eq!(kinds(rows, table), ["2 organisation", "2 person", "3 person"]);
    }

    #[test]
    fn a_sole_trader_at_work_is_a_person_and_a_firm() {
        let rows = r#"
            rows = "both"
            columns = [
              { header = ["Société"], attribute = "name" }, { header = ["Nom"], attribute = "last_name" },
              { header = ["Prénom"], attribute = "first_name" }, { header = ["Mail"], attribute = "email" },
              { header = ["Fonction"], attribute = "job_title" },
            ]
        "#;
        let table = "Société;Nom;Prénom;Mail;Fonction\n\
                     Hamon Christian;HAMON;Christian;c.hamon@hamon-toitures.fr;\n\
                     Hamon Christian;HAMON;Christian;chamon@orange.fr;Gérant\n\
                     Hamon Christian;HAMON;Christian;chamon@orange.fr;\n";
        assert_eq!(
            kinds(rows, table),
            ["2 organisation", "2 person", "3 organisation", "3 person", "4 person"]
        );
    }

    #[test]
    fn a_first_name_that_firms_have_too_is_a_person_beside_the_firm() {
        let rows = r#"
            rows = "both"
            columns = [
              { header = ["Titre"], attribute = "civility" }, { header = ["Prénom"], attribute = "first_name" },
              { header = ["Nom"], attribute = "last_name" }, { header = ["Société"], attribute = "name" },
            ]
        "#;
        let table = "Titre;Prénom;Nom;Société\n\
                     Mr;SA;RIGOT-VALENTIN;Société Industrielle\n\
                     M.;Ste;MAILLARD;Auto-Ecole Henriet SARL\n\
                     ;France;Charra;Froid France\n\
                     MME;France;Dumont;\n\
                     ;Garage;Kerivel;Garage Kerivel SARL\n";
        assert_eq!(
            kinds(rows, table),
            [
                "2 organisation",
                "2 person",
                "3 organisation",
                "3 person",
                "4 organisation",
                "4 person",
                "5 person",
                "6 organisation"
            ]
        );
    }

    #[test]
    fn a_column_of_kinds_decides() {
        let rows = r#"
            rows = "decide"
            columns = [
              { header = ["Name"], attribute = "name" }, { header = ["Type"], attribute = "kind" },
              { header = ["Company"], attribute = "parent" }, { header = ["Phone"], attribute = "phone" },
            ]
        "#;
        let table = "Name;Type;Company;Phone\nPetit Louis;Company;;0140506070\nMercure;Individual;Acme;0140506071\n";
        assert_eq!(
            told(rows, table),
            [
                "2 organisation extra.Type=Company name=Petit Louis phone=0140506070",
                "3 organisation name=Acme phone=0140506071",
                "3 person company=Acme extra.Type=Individual full_name=Mercure phone=0140506071",
            ]
        );
    }

    #[test]
    fn a_file_named_like_a_status_closes_its_addresses() {
        let table = ingested("désabonnés.csv", "Email;Date d'ajout\na@b.fr;2024-01-02\n");
        let told: Vec<_> = (table.events.iter())
            .map(|e| {
                (e.channel.as_str(), e.state.as_str(), e.contact_point.as_str(), e.since.as_str())
            })
            .collect();
        assert_eq!(told, [("email", "opt_out", "a@b.fr", "2024-01-02")]);
        // A layout that knows some names of files knows not this one.
        let mailchimp = "Email Address,First Name,LEID,EUID\na@b.fr,Ann,1,x1\n";
        assert_eq!(ingested("désabonnés.csv", mailchimp).events.len(), 1);
        assert_eq!(ingested("unsubscribed_members.csv", mailchimp).events.len(), 1);
        // Addresses alone, without a header.
        let table = ingested("hardBounces.csv", "a@b.fr\nc@d.fr\ne@f.fr\n");
        assert_eq!(table.events.len(), 3, "{:?}", table.events);
        assert!(ingested("clients.csv", "Email\na@b.fr\n").events.is_empty());
    }

    #[test]
    fn a_list_without_emails_is_about_what_its_columns_reach() {
        let told = |name: &str, text: &str| -> Vec<String> {
            let events = ingested(name, text).events;
            let word = |e: &crate::table::ConsentEvent| {
                format!("{} {}", e.channel.as_str(), e.state.as_str())
            };
            let mut told: Vec<String> = events.iter().map(word).collect();
            told.sort();
            told
        };
        let phones = "Nom;Téléphone\nDurand;01 40 50 60 70\n";
        assert_eq!(told("opposition_bloctel.csv", phones), ["phone opt_out", "sms opt_out"]);
        let letters = "Nom;Adresse;Code postal;Ville\nDurand;3 rue Haute;44000;Nantes\n";
        assert_eq!(told("NPAI.csv", letters), ["post hard_bounce"]);
        // No letter comes back from a telephone.
        assert_eq!(told("NPAI.csv", phones), [""; 0]);
    }

    #[test]
    fn an_objection_reaches_the_number_of_the_firm_where_the_person_has_none() {
        let rows = r#"
            rows = "both"
            columns = [
              { header = ["Nom"], attribute = "last_name" }, { header = ["Firme"], attribute = "name" },
              { header = ["Standard"], attribute = "phone", label = "main" }, { header = ["Notes"], attribute = "notes" },
            ]
        "#;
        let lines =
            told(rows, "Nom;Firme;Standard;Notes\nDupont;Mistral SA;0140506070;ne plus appeler\n");
        // Of the person, and of this number of the firm alone.
        for said in ["2 phone opt_out", "2 !phone opt_out 0140506070"] {
            assert_eq!(lines.iter().filter(|l| l.as_str() == said).count(), 1, "{lines:?}");
        }
    }

    /// A file read as `init` and `run` would read it.
    fn ingested(name: &str, text: &str) -> Ingested {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        let table = read::open(&path).expect("it is read").into_iter().next().expect("a table");
        let rows: Vec<csv::StringRecord> = table
            .rows
            .filter_map(|row| match row.content {
                read::Content::Data(cells) => Some(cells),
                _ => None,
            })
            .collect();
        let found = recognise::recognise(name, &table.format.container, &table.header, &rows, &[]);
        let mapping =
            found.into_iter().next().map_or_else(|| Mapping::default().into(), |best| best.mapping);
        let source = Source {
            name: "source".into(),
            files: vec![(path, name.to_owned())],
            sheets: Vec::new(),
            mapping,
            key_space: String::new(),
            legal_entity: None,
            country: String::new(),
            rank: 0,
            dated: String::new(),
        };
        run(&[source], &IdKey([1; 32]), &Progress::hidden()).expect("it runs").table
    }

    #[test]
    fn days_and_what_they_are_counted_from_are_one_term_of_payment() {
        let header = "*ContactName,AccountNumber,EmailAddress,FirstName,LastName,POAttentionTo,\
                      POAddressLine1,SAAttentionTo,DueDateBillDay,DueDateBillTerm,DueDateSalesDay,\
                      DueDateSalesTerm,SalesAccount,PurchasesAccount";
        let text = format!(
            "{header}\nSample Ltd,S1,j@s.example,John,Roy,,1 High Street,,,,30,Days After,,\n"
        );
        let table = ingested("contacts.csv", &text);
        let terms = table.records.columns.iter().find(|(a, _)| &***a == "payment_terms");
        let terms =
            terms.map(|(_, column)| column.values(0).chain(column.values(1)).collect::<Vec<_>>());
        assert_eq!(terms.unwrap_or_default(), ["30 Days After"]);
    }

    #[test]
    fn a_file_is_named_after_its_owner_where_its_name_is_that_of_a_person() {
        let mapping = Mapping { owner: Owner::FileName, ..Mapping::default() };
        let owner = |file: &str| owner_of(&mapping, file);
        assert_eq!(owner("outlook/c.lenoir.CSV"), "c.lenoir");
        assert_eq!(owner("marie.csv"), "marie");
        assert_eq!(owner("Jean Le Goff.csv"), "Jean Le Goff");
        assert_eq!(owner("roundcubemail__tb_plain.csv"), "");
        assert_eq!(owner("accueil.csv"), "");
    }

    #[test]
    fn each_row_of_a_broken_form_is_told_by_its_place() {
        let table = ingested(
            "clients.csv",
            "Nom;Ville;Téléphone;Email\nDupont SARL;Lyon;0472000001;a@dupont.fr\nMartin SA;Paris\n\
             Roy SAS;#N/A;0472000003;c@roy.fr;trop\n\"Petit SARL;Nice;0472000004;d@petit.fr\n\
             Bon SA;Brest;0472000005;e@bon.fr\nLong SA;Brest;0472000006;\"f@lon",
        );
        let told: Vec<_> =
            table.issues.iter().map(|i| (i.row, i.issue.code, i.column.as_str())).collect();
        let expected = [
            (3, "missing_cells", ""),
            (4, "surplus_cells", ""),
            (4, "error_cell", "Ville"),
            (5, "unclosed_quote", ""),
        ];
        assert_eq!(told, expected);
        assert_eq!(table.issues[2].raw, "#N/A");
        let lost: Vec<_> = table.rejects.iter().map(|r| (r.row, r.code.as_str())).collect();
        assert_eq!(lost, [(Some(7), "truncated_file")]);
        assert_eq!(table.records.row.len(), 6);
    }

    #[test]
    fn a_private_card_is_left_out_and_a_confidential_one_kept_and_told() {
        let short = "Nom,Prénom,Adresse de messagerie,Critère de diffusion\n\
                     Martin,Jean,j@m.fr,Privé\nPetit,Anne,a@p.fr,Confidentiel\nRoy,Paul,p@r.fr,Normale\n";
        let whole = short.replace("Adresse de messagerie", "Adresse de messagerie,Rue (bureau)");
        let whole = whole.replace(".fr,", ".fr,3 rue Haute,");
        for text in [short.to_owned(), whole] {
            let table = ingested("jean.csv", &text);
            let rows: Vec<u32> = table.records.row.to_vec();
            assert_eq!(rows.iter().collect::<BTreeSet<_>>(), BTreeSet::from([&3, &4]), "{text}");
            let skipped: Vec<_> = table.skipped.iter().filter(|s| s.reason == "private").collect();
            assert_eq!((skipped.len(), skipped[0].row), (1, Some(2)));
            let told: Vec<_> = table.rejects.iter().map(|r| (r.row, r.code.as_str())).collect();
            assert_eq!(told, [(Some(3), "confidential")]);
        }
        // A sector is no private card.
        let sector = "Nom;Prénom;Email;Privé\nMartin;Jean;j@m.fr;Oui\nPetit;Anne;a@p.fr;Non\n";
        assert_eq!(ingested("a.csv", sector).records.len(), 2);
    }

    #[test]
    fn a_list_of_suppliers_is_of_suppliers() {
        let suppliers = |table: &Ingested| {
            let records = &table.records;
            let roles = |i: usize| records.values("role", i).collect::<Vec<_>>().join("+");
            let code = |i: usize| records.first("supplier_code", i).unwrap_or("").to_owned();
            (0..records.len()).map(|i| format!("{} {}", roles(i), code(i))).collect::<BTreeSet<_>>()
        };
        let told = |name: &str, text: &str| {
            suppliers(&ingested(name, text)).into_iter().collect::<Vec<_>>().join("; ")
        };
        let table =
            "Code fournisseur;Raison sociale;Ville\nF1;Dupont SA;Lyon\nF2;Martin SARL;Metz\n";
        assert_eq!(told("liste.csv", table), "supplier F1; supplier F2");
        let table = "Code;Raison sociale;Ville\nF1;Dupont SA;Lyon\nF2;Martin SARL;Metz\n";
        assert_eq!(told("fournisseurs.csv", table), "supplier ");
        assert_eq!(told("liste.csv", table), " ");
        let table = "Fournisseur;Adresse;CP;Ville\nDupont SA;3 rue Haute;69001;Lyon\nMartin SARL;4 rue Basse;57000;Metz\n";
        assert_eq!(told("liste.csv", table), "supplier ");
        let table =
            "Code client;Code fournisseur;Raison sociale\nC1;;Dupont SA\nC2;F2;Martin SARL\n";
        assert_eq!(told("tiers.csv", table), " ; customer+supplier F2");
        let table = "Raison sociale;Ville;Client;Fournisseur\nDupont SA;Lyon;oui;non\nMartin SARL;Metz;oui;oui\nPetit SA;Metz;non;oui\n";
        assert_eq!(told("tiers.csv", table), "customer ; customer+supplier ; supplier ");
    }

    #[test]
    fn a_card_with_neither_name_nor_contact_point_is_a_reject() {
        let card = |lines: &str| {
            let table = ingested("a.vcf", &format!("BEGIN:VCARD\nVERSION:3.0\n{lines}END:VCARD\n"));
            (table.records.len(), table.rejects.iter().map(|r| r.code.clone()).collect::<Vec<_>>())
        };
        assert_eq!(card("FN:bug 195\nTEL;TYPE=cell:67545678\n"), (0, vec!["no_name".to_owned()]));
        assert_eq!(card("FN:bug 195\nTEL;TYPE=cell:0612345678\n"), (1, Vec::new()));
        assert_eq!(card("FN:Jean Martin\nTEL;TYPE=cell:67545678\n"), (1, Vec::new()));
        assert_eq!(card("FN:195\nEMAIL:a@b.fr\n"), (1, Vec::new()));
    }

    #[test]
    fn a_column_of_consent_speaks_though_its_layout_does_not_know_it() {
        let text = "Code,Nom,Prénom,Email,Accord partenaire\n1,Martin,Jean,j@m.fr,x\n";
        assert!(ingested("a.csv", text).events.is_empty());
        let card = "BEGIN:VCARD\nVERSION:3.0\nFN:Jean Martin\nEMAIL:j@m.fr\nX-NEPASAPPELER:oui\nEND:VCARD\n";
        assert!(
            ingested("a.vcf", card)
                .events
                .iter()
                .all(|event| event.column.contains("NEPASAPPELER"))
        );
        let text = "First Name,Last Name,E-mail Address,Company,Business Phone,Home Phone,Mobile Phone,Ne pas appeler\n\
                    Jean,Martin,j@m.fr,,,,,oui\nAnn,Lee,a@l.fr,,,,,non\n";
        let events = ingested("contacts.csv", text).events;
        assert_eq!(
            events
                .iter()
                .map(|e| (e.row, e.channel.as_str(), e.state.as_str()))
                .collect::<Vec<_>>(),
            [(2, "phone", "opt_out")]
        );
    }

    #[test]
    fn dates_of_consent_are_read_in_the_order_that_their_column_shows() {
        let mapping = format!(
            "{PERSONS}\n[[consents]]\ncolumn = [\"Stop\"]\nchannels = [\"email\"]\n\
             words = {{ yes = \"opt_out\" }}\nsince = [\"Since\"]\n"
        );
        let since = |table: &str| {
            let mut events: Vec<(u32, String)> = staged(&mapping, table)
                .events
                .into_iter()
                .map(|event| (event.row, event.since))
                .collect();
            events.sort();
            events.into_iter().map(|(_, since)| since).collect::<Vec<_>>()
        };
        let head = "Nom;Mail;Stop;Since\nDupont;a@b.fr;x;03/04/2019\nRoy;c@d.fr;x;";
        assert_eq!(since(&format!("{head}05/31/2019\n")), ["2019-03-04", "2019-05-31"]);
        assert_eq!(since(&format!("{head}31/05/2019\n")), ["2019-04-03", "2019-05-31"]);
    }

    #[test]
    fn words_of_objection_are_heard_in_a_column_that_the_layout_does_not_know() {
        let lines =
            told(PERSONS, "Nom;Mail;Interdit de solliciter\nDupont;a@b.fr;oui\nRoy;c@d.fr;\n");
        let events: Vec<&String> = lines.iter().filter(|l| l.contains("opt_")).collect();
        assert_eq!(
            events,
            ["2 email opt_out", "2 phone opt_out", "2 post opt_out", "2 sms opt_out"]
        );
    }

    #[test]
    fn an_answer_that_is_neither_yes_nor_no_is_told_and_never_an_opt_in() {
        let text = "Code;Nom;Prénom;Email;Newsletter\n1;Martin;Jean;j@m.fr;peut-être\n\
                    2;Petit;Anne;a@p.fr;?\n3;Roy;Paul;p@r.fr;à voir\n4;Lee;Ann;a@l.fr;oui\n\
                    5;Bo;Max;m@b.fr;\n6;Ba;Lou;l@b.fr;-\n7;Ka;Jo;j@k.fr;non\n8;Du;Al;a@d.fr;oui ?\n";
        let table = ingested("a.csv", text);
        let told: Vec<(Option<u32>, &str)> =
            table.rejects.iter().map(|r| (r.row, r.code.as_str())).collect();
        let unclear = |row| (Some(row), "unclear_consent");
        assert_eq!(told, [unclear(2), unclear(3), unclear(4), unclear(9)]);
        let mut events: Vec<(u32, &str)> =
            table.events.iter().map(|e| (e.row, e.state.as_str())).collect();
        events.sort_unstable();
        assert_eq!(events, [(5, "opt_in"), (8, "opt_out")]);
    }

    #[test]
    fn a_header_alone_is_told() {
        let table = ingested("a.csv", "Nom;Prénom;Email\n");
        assert_eq!((table.records.len(), table.rejects.len()), (0, 1));
        assert_eq!((table.rejects[0].code.as_str(), table.rejects[0].row), ("no_rows", None));
        let below_separator = told(PERSONS, "sep=;\nNom;Mail\n");
        assert_eq!(below_separator, ["0 no_rows", "1 structure"]);
    }
}
