//! One cell at a time: all that it tells by itself, whatever stands in the other cells of its record.

use std::sync::Arc;

use crate::{
    model::{self, ValueKind},
    table::{Records, ValueIssue},
    value::{
        Invalid, Issue, boolean, date, email, identifier, money, organisation, person,
        phone::{self, Line},
        standing, text, url,
    },
};

use super::{Habits, record::Plan};

/// How the values of an attribute are normalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
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
    Note,
}

impl Way {
    pub(super) fn of(attribute: &str) -> Way {
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
            "notes" => Way::Note,
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
            Way::Civility
            | Way::Gender
            | Way::LegalForm
            | Way::Standing
            | Way::Text
            | Way::Note => ValueKind::Text,
        }
    }
}

/// One thing that a cell tells. Attributes are positions in [`Plan::attributes`].
#[derive(Debug)]
pub(super) enum Told<T> {
    /// A clean value.
    Value { to: usize, value: T, changed: bool },
    /// A clean value for an attribute whose own column, where it has a value, says it better.
    Beside { to: usize, value: T },
    /// It stands for "no value".
    Placeholder,
    /// It cannot be used.
    Invalid(Invalid),
    /// The project's vocabulary has no common value for it.
    Unmapped(T),
    /// It can be used, and a steward should know something of it.
    Issue(Arc<ValueIssue>),
}

/// What decides on the meaning of a cell besides its attribute and text; what does not matter to its way is
/// left at its default, so that cells share what they tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Around {
    /// The origin, whose habits tell how dates and amounts are written.
    origin: u32,
    /// The country of the row, for numbers to call: see [`Plan::country_called`].
    country: u16,
    /// Whether a first name stands beside a last name, and whether one may stand in a full name.
    first_name: bool,
    full_name: bool,
    /// Whether a mailbox of the record spells the two words of a full name the other way round.
    mailbox_reverses: bool,
}

impl Plan<'_> {
    /// What matters to a cell of a record.
    pub(super) fn around(&self, at: usize, record: usize, origin: u32) -> Around {
        let nothing = Around::default();
        match self.attributes[at].way {
            Way::LastName | Way::Name => Around {
                first_name: self.has(record, self.named.first_name),
                full_name: self.has(record, self.named.full_name),
                ..nothing
            },
            Way::FullName => {
                Around { mailbox_reverses: self.mailbox_reverses(record, at), ..nothing }
            }
            Way::Email | Way::Phone => Around { country: self.countries.of(record), ..nothing },
            way if follows_habits(way) => Around { origin, ..nothing },
            _ => nothing,
        }
    }
}

impl Plan<'_> {
    /// Whether a mailbox of a record spells a full name of two words the other way round: `Bernard Paul`,
    /// `paul.bernard@`.
    fn mailbox_reverses(&self, record: usize, at: usize) -> bool {
        let values = |at: usize| {
            self.attributes[at].column.into_iter().flat_map(move |column| column.values(record))
        };
        let mailboxes =
            || values(self.named.email).map(|cell| cell.split('@').next().unwrap_or(""));
        let reverses = |name: &str| {
            let (a, b) = name.trim().split_once(' ')?;
            let reverses = |mailbox: &str| {
                let (first, last) = mailbox.trim().split_once(['.', '_', '-'])?;
                let spells = |part: &str, word: &str| text::fold(part) == text::fold(word);
                (spells(first, b) && spells(last, a)).then_some(())
            };
            mailboxes().find_map(reverses)
        };
        values(at).any(|name| reverses(name).is_some())
    }
}

/// A cell that needs no reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plainly {
    /// It is its own clean value, tells nothing else, and there is nothing to know of it.
    AsWritten,
    /// A number to call: all that it tells is this number, for the attribute at this position.
    Number(usize, phone::French),
}

impl Plan<'_> {
    /// What a plain cell is, without reading it; [`Plan::tell`] says the same at greater length.
    pub(super) fn plainly(&self, at: usize, cell: &str, around: Around) -> Option<Plainly> {
        let attribute = &self.attributes[at];
        let as_written = match attribute.way {
            _ if attribute.agreed => false,
            Way::Text | Way::Note => text::is_tidy(cell),
            Way::Email => email::is_plain(cell) && email::issues(cell).is_empty(),
            Way::Identifier => identifier::is_plain(attribute.name, cell),
            Way::Date | Way::BirthDate => date::is_plain(cell),
            Way::Phone if self.country_called(around) == "FR" => {
                let number = phone::French::plainly(cell)?;
                let placeholder = text::is_placeholder_of(ValueKind::Phone, cell);
                let to = self.place_of(at, number.line());
                return (!placeholder).then_some(Plainly::Number(to, number));
            }
            _ => false,
        };
        let says = as_written && !text::is_placeholder_of(attribute.way.kind(), cell);
        says.then_some(Plainly::AsWritten)
    }

    /// The attribute that a number of the one at `at` goes to.
    fn place_of(&self, at: usize, line: Line) -> usize {
        match line {
            Line::Mobile if at == self.named.phone => self.named.mobile,
            Line::Fixed if at == self.named.mobile => self.named.phone,
            _ => at,
        }
    }

    fn country_called(&self, around: Around) -> &str {
        self.countries.name(around.country)
    }
}

/// What a cell gives while it is read.
#[derive(Debug, Default)]
struct Found {
    /// Attribute and value; an empty attribute is the column's own.
    values: Vec<(&'static str, String)>,
    /// What a steward should know of the column's own value.
    issues: Vec<Issue>,
}

impl Found {
    /// A value of the column's own attribute, with what there is to know of it.
    fn own(value: String, issues: Vec<Issue>) -> Found {
        Found { values: vec![("", value)], issues }
    }
}

impl Plan<'_> {
    /// All that a cell of the attribute at `at` tells, in order.
    pub(super) fn tell(&self, at: usize, cell: &str, around: Around) -> Vec<Told<String>> {
        let mut teller = Teller { plan: self, at, cell, told: Vec::new() };
        teller.tell(around);
        teller.told
    }
}

/// One cell while it is read.
struct Teller<'p> {
    plan: &'p Plan<'p>,
    at: usize,
    cell: &'p str,
    told: Vec<Told<String>>,
}

impl Teller<'_> {
    fn tell(&mut self, around: Around) {
        let attribute = &self.plan.attributes[self.at];
        let (name, way, cell) = (attribute.name, attribute.way, self.cell);
        let says_nothing = way != Way::AddressPart && text::is_placeholder_of(way.kind(), cell);
        if says_nothing && !is_surname(name, cell, around) {
            self.told.push(Told::Placeholder);
            return;
        }
        if attribute.agreed {
            match self.plan.vocabulary.common(name, cell) {
                Some(common) => return self.own(common.to_owned()),
                None => self.told.push(Told::Unmapped(text::clean(cell))),
            }
        }
        match way {
            Way::AddressPart => {}
            Way::Email if !cell.contains('@') && self.is_phone() => {
                self.phones(self.plan.named.phone, around)
            }
            Way::Email => self.emails(self.at),
            Way::Phone if cell.contains('@') => self.emails(self.plan.named.email),
            Way::Phone => self.phones(self.at, around),
            Way::LastName => match person::fault(cell) {
                Some(invalid) => self.told.push(Told::Invalid(invalid)),
                None => self.take(last_name(cell, around.first_name || around.full_name)),
            },
            Way::FullName => match full_name(cell, around.mailbox_reverses) {
                Err(invalid) => self.told.push(Told::Invalid(invalid)),
                Ok(found) => self.take(found),
            },
            _ => {
                let habits = self.plan.habits.get(around.origin as usize);
                match one_cell(way, name, cell, habits.copied().unwrap_or_default()) {
                    Err(invalid) if invalid.code == "siren_only" => {
                        if let Ok(siren) = identifier::normalize("siren", cell) {
                            self.value(self.plan.named.siren, siren, false);
                        }
                    }
                    Err(invalid) if invalid.code == "vat_only" => self.french_vat(),
                    Err(invalid) => self.told.push(Told::Invalid(invalid)),
                    Ok(found) => self.take(found),
                }
            }
        }
    }

    /// Takes the French VAT number that stands in the column of another number.
    fn french_vat(&mut self) {
        let digits: String = self.cell.chars().filter(char::is_ascii_digit).collect();
        let number = format!("FR{digits}");
        let message =
            "a VAT number stands in the column of another number; it is taken as what it is";
        self.issues(&number, vec![Issue::known("wrong_column", message)]);
        self.value(self.plan.named.vat, number, false);
    }

    /// Adds a value of the cell's own attribute.
    fn own(&mut self, value: String) {
        let changed = value != self.cell;
        self.value(self.at, value, changed);
    }

    fn value(&mut self, to: usize, value: String, changed: bool) {
        self.told.push(Told::Value { to, value, changed });
    }

    /// Adds what a steward should know of the value that the cell gave.
    fn issues(&mut self, value: &str, issues: Vec<Issue>) {
        let (raw, value) = (self.cell, value);
        self.told.extend(issues.into_iter().map(|issue| {
            let of = ValueIssue { issue, raw: raw.to_owned(), value: value.to_owned() };
            Told::Issue(Arc::new(of))
        }));
    }

    fn take(&mut self, found: Found) {
        if let Some((_, value)) = found.values.first() {
            self.issues(value, found.issues);
        } else {
            self.told.push(Told::Placeholder);
        }
        for (to, value) in found.values {
            if to.is_empty() {
                self.own(value);
            } else if !value.is_empty() {
                let to = self.plan.position(to);
                self.told.push(Told::Beside { to, value });
            }
        }
    }

    fn emails(&mut self, to: usize) {
        let mut found = false;
        for address in email::normalize(self.cell) {
            match address {
                Ok(address) if text::is_placeholder_of(ValueKind::Email, &address) => {
                    self.told.push(Told::Placeholder);
                }
                Ok(address) => {
                    let changed = !found && address != self.cell;
                    found = true;
                    self.issues(&address, email::issues(&address));
                    self.value(to, address, changed);
                }
                Err(invalid) => self.told.push(Told::Invalid(invalid)),
            }
        }
    }

    fn is_phone(&self) -> bool {
        let digits = self.cell.bytes().filter(u8::is_ascii_digit).count();
        (9..=15).contains(&digits)
            && phone::normalize(self.cell, self.plan.country).iter().all(Result::is_ok)
    }

    fn phones(&mut self, to: usize, around: Around) {
        let country = self.plan.country_called(around);
        for (nth, number) in phones(self.cell, country, self.plan.country).into_iter().enumerate() {
            match number {
                Ok((number, line)) => {
                    let to = self.plan.place_of(to, line);
                    let changed = nth == 0 && number != self.cell;
                    self.issues(&number, phone::issues(self.cell, &number));
                    self.value(to, number, changed);
                }
                Err(_) if self.plan.foreign_numbers && is_local_number(self.cell) => {
                    self.value(to, as_dialled(self.cell), false);
                }
                Err(invalid) => self.told.push(Told::Invalid(invalid)),
            }
        }
    }
}

/// Whether a word that mostly stands for no name is one here: the first name beside it is real.
fn is_surname(attribute: &str, cell: &str, around: Around) -> bool {
    matches!(attribute, "last_name" | "maiden_name")
        && around.first_name
        && text::may_be_last_name(cell)
}

fn last_name(cell: &str, has_first: bool) -> Found {
    let mut name = person::split_last(cell);
    if !has_first && name.last.contains(' ') {
        // A column called "name" that holds both.
        let whole = person::split(cell);
        if !whole.order_doubtful() && person::is_first_name(&text::fold(&whole.first)) {
            name = whole;
        }
    }
    let own = std::mem::take(&mut name.last);
    named(own, name, cell)
}

/// A name cell taken apart: what goes to the column's own attribute, and the rest of the name.
fn named(own: String, mut name: person::PersonName, cell: &str) -> Found {
    let mut issues = std::mem::take(&mut name.issues);
    issues.extend(person::doubts(cell));
    Found { values: std::iter::once(("", own)).chain(beside_own(name)).collect(), issues }
}

/// Cells that are tried to tell whose numbers a table holds.
const NUMBERS_TRIED: usize = 1000;

/// Whether most phone numbers cannot be read as the country's: a table of another country, or of
/// one area whose code everybody knows. Its numbers still tell records apart.
pub(super) fn has_foreign_numbers(raw: &Records, country: &str) -> bool {
    let columns = ["phone", "mobile"].into_iter().filter_map(|name| raw.columns.get(name));
    let cells = columns.flat_map(|column| (0..column.len()).flat_map(|i| column.values(i)));
    let (mut tried, mut foreign) = (0, 0);
    for cell in cells.filter(|cell| is_local_number(cell)).take(NUMBERS_TRIED) {
        tried += 1;
        foreign += usize::from(phone::normalize(cell, country).iter().any(Result::is_err));
    }
    foreign * 2 > tried
}

/// The digits of a number that no plan knows, with the mark of a country code where one is written.
fn as_dialled(cell: &str) -> String {
    let digits = cell.chars().filter(char::is_ascii_digit);
    let has_code = cell.trim_start_matches([' ', '(']).starts_with('+');
    has_code.then_some('+').into_iter().chain(digits).collect()
}

/// Whether the cell holds as many digits as a number has without its area code, or more.
fn is_local_number(cell: &str) -> bool {
    (6..=15).contains(&cell.bytes().filter(u8::is_ascii_digit).count())
}

/// The numbers of a cell of a record in `country`, in a company at `home`.
pub(super) fn phones(
    cell: &str,
    country: &str,
    home: &str,
) -> Vec<Result<(String, Line), Invalid>> {
    let numbers = phone::normalize(cell, country);
    let is_bad = || numbers.iter().any(Result::is_err);
    // The customer moved abroad; the number may have stayed.
    match country != home && is_bad() && phone::is_national(cell, home, country) {
        true => phone::normalize(cell, home),
        false => numbers,
    }
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
fn one_cell(way: Way, attribute: &str, value: &str, habits: Habits) -> Result<Found, Invalid> {
    let own = |value: String| Ok(Found::own(value, Vec::new()));
    match way {
        Way::FirstName => first_name(value),
        Way::Name => own(person::check(value)?),
        Way::Civility => Ok(civility(value)),
        Way::Gender => own(person::gender(value).map_or_else(|| text::clean(value), str::to_owned)),
        Way::OrganisationName => organisation_name(value),
        Way::OtherOrganisationName => own(organisation::split_legal_form(value).0),
        Way::LegalForm => {
            own(organisation::legal_form(value).map_or_else(|| text::clean(value), str::to_owned))
        }
        Way::Standing => standing_of(value),
        Way::Date | Way::BirthDate => date_of(way, value, habits),
        Way::LooseDate => own(date::normalize(value, habits.order.unwrap_or_default())
            .unwrap_or_else(|_| text::clean(value))),
        Way::Identifier => code(attribute, value),
        Way::Money => {
            let amount = money::normalize_in(value, habits.mark)?.0;
            Ok(Found::own(amount, money::issues(value, habits.mark)))
        }
        Way::LooseNumber => own(money::normalize_in(value, habits.mark)
            .map_or_else(|_| text::clean(value), |(amount, _)| amount)),
        Way::Boolean => own(answer(value)?.to_string()),
        Way::Url => own(url::normalize(value)?),
        Way::Note => own(text::clean_lines(value)),
        Way::FullName | Way::Email | Way::Phone | Way::LastName | Way::AddressPart | Way::Text => {
            own(text::clean(value))
        }
    }
}

/// `reverses` says that the mailbox has the first name behind: it tells where the words alone leave the order open.
fn full_name(value: &str, reverses: bool) -> Result<Found, Invalid> {
    person::fault(value).map_or(Ok(()), Err)?;
    let mut name = person::split(value);
    if reverses && name.order_doubtful() {
        name.swap();
    }
    let last = name.last.clone();
    let mut found = named(last, name, value);
    found.values[0].0 = "last_name";
    Ok(found)
}

fn first_name(value: &str) -> Result<Found, Invalid> {
    person::fault(value).map_or(Ok(()), Err)?;
    let mut name = person::split_first(value);
    let own = std::mem::take(&mut name.first);
    Ok(part_of_name(own, name))
}

fn civility(value: &str) -> Found {
    match person::form_of_address(value) {
        None => Found::own(text::clean(value), Vec::new()),
        Some(mut name) => {
            let own = std::mem::take(&mut name.civility);
            part_of_name(own, name)
        }
    }
}

/// A cell of one part of a name: that part, and the others that it holds.
fn part_of_name(own: String, mut name: person::PersonName) -> Found {
    let issues = std::mem::take(&mut name.issues);
    Found { values: std::iter::once(("", own)).chain(beside_own(name)).collect(), issues }
}

fn organisation_name(value: &str) -> Result<Found, Invalid> {
    let organisation::OrganisationName { name, form, aliases, issues, .. } =
        organisation::read(value);
    if !name.chars().any(char::is_alphanumeric) {
        return Err(Invalid {
            code: "bad_name",
            message: "there is no letter in it".into(),
            suggestion: "look whether the columns are shifted in this row".into(),
        });
    }
    let aliases = aliases.into_iter().map(|alias| ("alias", alias));
    let values = [("", name), ("legal_form", form)].into_iter().chain(aliases).collect();
    Ok(Found { values, issues })
}

/// The end of a customer that a cell tells, and since when.
fn standing_of(value: &str) -> Result<Found, Invalid> {
    let Some(said) = standing::find(value).into_iter().next() else {
        return Err(Invalid {
            code: "bad_standing",
            message: "it tells of no death, liquidation or closure".into(),
            suggestion: "write deceased, in_liquidation or ceased".into(),
        });
    };
    let standing = said.standing.as_str().to_owned();
    let values = vec![("", standing), ("standing_since", said.since)];
    Ok(Found { values, issues: Vec::new() })
}

fn date_of(way: Way, value: &str, habits: Habits) -> Result<Found, Invalid> {
    let order = habits.order.unwrap_or_default();
    let read = if way == Way::BirthDate { date::normalize_birth } else { date::normalize };
    let date = read(value, order)?;
    // `01/01/1900` is known only once it is read.
    if text::is_placeholder_of(ValueKind::Date, &date) {
        return Ok(Found::default());
    }
    Ok(Found::own(date, date::issues(value, order, habits.order.is_some())))
}

fn code(attribute: &str, value: &str) -> Result<Found, Invalid> {
    if identifier::is_placeholder(attribute, value) {
        return Ok(Found::default());
    }
    let code = identifier::normalize(attribute, value)?;
    let issues = identifier::issues(attribute, value, &code);
    Ok(Found::own(code, issues))
}

fn answer(value: &str) -> Result<bool, Invalid> {
    boolean::parse(value).ok_or_else(|| Invalid {
        code: "bad_boolean",
        message: "it says neither yes nor no".into(),
        suggestion: String::new(),
    })
}
