//! The golden table seen from one row of a load file: the values that a path finds there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    consent::{self, Consents, ContactPoint, DECEASED, Verdict},
    path::{End, Fact, Part, Path, Pick},
};
use crate::{
    model::Kind,
    table::{
        Channel, Golden, GoldenConsent, GoldenKey, GoldenLink, GoldenRecords, OrganisationLink,
        Origin,
    },
    value::address::Address,
};

/// The id of the account that takes persons without an organisation.
pub(super) const ORPHANS_ID: &str = "orphans";

/// What one row of a load file speaks of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'a> {
    /// Golden person or organisation `.1`.
    Golden(Kind, usize),
    /// The account made for persons without an organisation.
    OrphansAccount,
    Link(&'a GoldenLink),
    OrganisationLink(&'a OrganisationLink),
    ContactPoint(&'a ContactPoint<'a>),
    Consent(&'a GoldenConsent),
    Key(&'a GoldenKey),
    Household(&'a (String, String)),
}

/// The values of a golden record that the columns of its row have taken: attribute and position.
pub(super) type Taken = BTreeSet<(String, usize)>;

/// The golden table with what is needed to look things up in it.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) golden: &'a Golden,
    origins: &'a [Origin],
    pub(super) consents: Consents<'a>,
    /// By person: the link to the present organisation.
    current: HashMap<&'a str, &'a GoldenLink>,
    /// By golden id.
    keys: HashMap<&'a str, Vec<&'a GoldenKey>>,
    /// The name of the account for persons without an organisation, if one is made.
    pub(super) orphans_account: Option<&'a str>,
}

impl<'a> Source<'a> {
    pub(super) fn new(
        golden: &'a Golden,
        origins: &'a [Origin],
        orphans_account: Option<&'a str>,
    ) -> Source<'a> {
        let mut current: HashMap<&str, &GoldenLink> = HashMap::new();
        for link in golden.links.iter().filter(|link| link.current != Some(false)) {
            let best = current.entry(&link.person_id).or_insert(link);
            // Known to be current, then seen last, then the smaller id.
            let rank = |l: &'a GoldenLink| {
                (l.current.is_some(), &l.until, &l.since, std::cmp::Reverse(&l.organisation_id))
            };
            if rank(link) > rank(best) {
                *best = link;
            }
        }
        let mut keys: HashMap<&str, Vec<&GoldenKey>> = HashMap::new();
        for key in &golden.keys {
            keys.entry(&key.golden_id).or_default().push(key);
        }
        let consents = Consents::new(golden);
        Source { golden, origins, consents, current, keys, orphans_account }
    }

    /// The golden records of a kind.
    pub(super) fn records(&self, kind: Kind) -> &'a GoldenRecords {
        match kind {
            Kind::Person => &self.golden.persons,
            Kind::Organisation => &self.golden.organisations,
            Kind::Other => &self.golden.others,
        }
    }

    /// The link to the present organisation of a person.
    pub(super) fn current(&self, person_id: &str) -> Option<&'a GoldenLink> {
        self.current.get(person_id).copied()
    }

    /// The golden id that misfits of the row are filed under.
    pub(super) fn id_of(&self, row: Row<'a>) -> &'a str {
        match row {
            Row::Golden(kind, i) => &self.records(kind).ids[i],
            Row::OrphansAccount => ORPHANS_ID,
            Row::Link(link) => &link.person_id,
            Row::OrganisationLink(link) => &link.child_id,
            Row::ContactPoint(point) => point.golden_id,
            Row::Consent(consent) => &consent.golden_id,
            Row::Key(key) => &key.golden_id,
            Row::Household((_, golden_id)) => golden_id,
        }
    }

    /// The values that `path` finds for `row`: none, one, or several to be joined.
    ///
    /// What it takes of the row's own golden record is noted in `taken`.
    pub(super) fn values(&self, row: Row<'a>, path: &Path, taken: &mut Taken) -> Vec<String> {
        let one = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
        match (row, path) {
            (row, Path::Sum(terms)) => {
                let terms = terms.iter().flat_map(|term| self.values(row, term, taken));
                one(&terms.collect::<Vec<_>>().join(" "))
            }
            (Row::Golden(kind, i), path) => self.golden_values(kind, i, path, taken),
            (Row::OrphansAccount, Path::Fact(Fact::GoldenId)) => one(ORPHANS_ID),
            (Row::OrphansAccount, Path::Value { attribute, .. }) if attribute == "name" => {
                one(self.orphans_account.unwrap_or(""))
            }
            (Row::OrphansAccount, Path::DoNotContact(_)) => one("true"),
            (Row::OrphansAccount, _) => vec![],
            (row, Path::Of(end, inner)) => {
                let (kind, id) = match (row, end) {
                    (Row::Link(link), End::Person) => (Kind::Person, &link.person_id),
                    (Row::Link(link), _) => (Kind::Organisation, &link.organisation_id),
                    (Row::OrganisationLink(link), End::Child) => {
                        (Kind::Organisation, &link.child_id)
                    }
                    (Row::OrganisationLink(link), _) => (Kind::Organisation, &link.parent_id),
                    _ => return vec![],
                };
                self.values_of(kind, id, inner)
            }
            (Row::Consent(c), Path::Field("state")) => {
                one(consent::state_word(c.state(), self.consents.is_deceased(&c.golden_id)))
            }
            (row, Path::Field(field)) => one(&field_of(row, field)),
            _ => vec![],
        }
    }

    fn values_of(&self, kind: Kind, id: &str, path: &Path) -> Vec<String> {
        match self.records(kind).find(id) {
            Some(i) => self.golden_values(kind, i, path, &mut Taken::new()),
            None => vec![],
        }
    }

    fn golden_values(&self, kind: Kind, i: usize, path: &Path, taken: &mut Taken) -> Vec<String> {
        let records = self.records(kind);
        let id = records.ids[i].as_str();
        let one = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
        let fact = |column: &[String]| one(column.get(i).map_or("", String::as_str));
        match path {
            Path::Fact(Fact::GoldenId) => one(id),
            Path::Fact(Fact::ParentId) => fact(&records.parent),
            Path::Fact(Fact::HouseholdId) => fact(&records.household),
            Path::Fact(Fact::Level) => fact(&records.level),
            Path::Fact(Fact::Lifecycle) => fact(&records.lifecycle),
            Path::Fact(Fact::CrmUser) => {
                one(self.golden.crm_users.get(id).map_or("", String::as_str))
            }
            Path::Fact(Fact::Roles) => {
                let roles = records.roles.get(i).map_or("", String::as_str);
                roles.split('|').filter(|role| !role.is_empty()).map(str::to_owned).collect()
            }
            Path::Value { attribute, picks } => {
                let chosen = self.pick(records, attribute, i, picks, taken);
                chosen.into_iter().map(|(_, value)| value.to_owned()).collect()
            }
            Path::Address { picks, part } => {
                let chosen = self.pick(records, "address", i, picks, taken);
                let parts =
                    chosen.into_iter().map(|(_, text)| part_of(&Address::decode(text), *part));
                parts.filter(|text| !text.is_empty()).collect()
            }
            Path::Keys(space) => {
                let keys = self.keys.get(id).into_iter().flatten();
                let wanted = keys.filter(|k| space.as_ref().is_none_or(|s| *s == k.key_space));
                let labelled = wanted.map(|k| match space {
                    Some(_) => k.key.clone(),
                    None => format!("{}:{}", k.key_space, k.key),
                });
                labelled.collect::<BTreeSet<_>>().into_iter().collect()
            }
            Path::Consent(channel) => one(match self.consents.verdict(records, i, *channel) {
                Verdict::May => "opt_in",
                Verdict::MayNot(state) => state.as_str(),
                Verdict::Unknown => "unknown",
                Verdict::Deceased => DECEASED,
            }),
            Path::DoNotContact(channel) => {
                let may = self.consents.verdict(records, i, *channel) == Verdict::May;
                one(if may { "false" } else { "true" })
            }
            Path::Current(field) => match (self.current(id), *field, self.orphans_account) {
                (Some(link), "organisation_id", _) => one(&link.organisation_id),
                (Some(link), "role", _) => one(&link.role),
                (Some(link), "since", _) => one(&link.since),
                (Some(link), "until", _) => one(&link.until),
                (None, "organisation_id", Some(_)) => one(ORPHANS_ID),
                _ => vec![],
            },
            Path::Of(End::Organisation, inner) => match self.current(id) {
                Some(link) => self.values_of(Kind::Organisation, &link.organisation_id, inner),
                None => vec![],
            },
            Path::Of(_, inner) => match records.parent.get(i) {
                Some(parent) => self.values_of(Kind::Organisation, parent, inner),
                None => vec![],
            },
            Path::Field(_) | Path::Sum(_) => vec![],
        }
    }

    /// The values of an attribute that `picks` choose: the first alternative that finds any.
    fn pick(
        &self,
        records: &'a GoldenRecords,
        attribute: &str,
        i: usize,
        picks: &[Pick],
        taken: &mut Taken,
    ) -> Vec<(usize, &'a str)> {
        let Some(column) = records.columns.get(attribute) else { return vec![] };
        let entries: Vec<(usize, (&str, u32))> = column.entries(i).enumerate().collect();
        let label =
            |origin: u32| self.origins.get(origin as usize).map_or("", |o| o.label.as_str());
        let first = |wanted: &dyn Fn(usize, u32) -> bool| {
            let found = entries.iter().find(|(at, (_, origin))| wanted(*at, *origin));
            found.map(|(at, (value, _))| (*at, *value)).into_iter().collect::<Vec<_>>()
        };
        let all = || entries.iter().map(|(at, (value, _))| (*at, *value));
        let by = |pick: &Pick| match pick {
            Pick::At(position) => first(&|at, _| at == *position),
            Pick::Labelled(word) => first(&|_, origin| label(origin) == word),
            Pick::NotLabelled(word) => first(&|_, origin| label(origin) != word),
            Pick::All => all().collect(),
            Pick::Rest => {
                all().filter(|(at, _)| !taken.contains(&(attribute.to_owned(), *at))).collect()
            }
        };
        let default = [Pick::At(0)];
        let picks = if picks.is_empty() { &default[..] } else { picks };
        let chosen = picks.iter().map(by).find(|found| !found.is_empty()).unwrap_or_default();
        taken.extend(chosen.iter().map(|(at, _)| (attribute.to_owned(), *at)));
        chosen
    }

    /// How many golden records have a value of each attribute.
    pub(super) fn filled(&self) -> BTreeMap<(Kind, &'a str), u64> {
        let mut filled = BTreeMap::new();
        for kind in [Kind::Organisation, Kind::Person] {
            for (attribute, column) in &self.records(kind).columns {
                filled.insert((kind, attribute.as_str()), column.filled() as u64);
            }
        }
        filled
    }
}

fn field_of(row: Row<'_>, field: &str) -> String {
    let yes_no = |b: bool| if b { "true" } else { "false" }.to_owned();
    match (row, field) {
        (Row::Link(l), "id") => format!("{}-{}", l.person_id, l.organisation_id),
        (Row::Link(l), "person_id") => l.person_id.clone(),
        (Row::Link(l), "organisation_id") => l.organisation_id.clone(),
        (Row::Link(l), "role") => l.role.clone(),
        (Row::Link(l), "current") => l.current.map(yes_no).unwrap_or_default(),
        (Row::Link(l), "since") => l.since.clone(),
        (Row::Link(l), "until") => l.until.clone(),
        (Row::OrganisationLink(l), "id") => {
            format!("{}-{}-{}", l.child_id, l.parent_id, l.link_type)
        }
        (Row::OrganisationLink(l), "child_id") => l.child_id.clone(),
        (Row::OrganisationLink(l), "parent_id") => l.parent_id.clone(),
        (Row::OrganisationLink(l), "type") => l.link_type.clone(),
        (Row::ContactPoint(p), "value") => p.value.to_owned(),
        (Row::ContactPoint(p), "state") => p.state_word().to_owned(),
        (Row::ContactPoint(p), "channel") => p.channel.as_str().to_owned(),
        (Row::ContactPoint(p), "golden_id") => p.golden_id.to_owned(),
        (Row::Consent(c), "contact_point") if c.channel == Channel::Post => {
            part_of(&Address::decode(&c.contact_point), Part::Whole)
        }
        (Row::Consent(c), field) => {
            let at = GoldenConsent::COLUMNS.iter().position(|column| *column == field);
            at.map(|at| c.cells()[at].to_string()).unwrap_or_default()
        }
        (Row::Key(k), "golden_id") => k.golden_id.clone(),
        (Row::Key(k), "key_space") => k.key_space.clone(),
        (Row::Key(k), "key") => k.key.clone(),
        (Row::Key(k), "active") => yes_no(k.active),
        (Row::Household((household, _)), "household_id") => household.clone(),
        (Row::Household((_, golden)), "golden_id") => golden.clone(),
        _ => String::new(),
    }
}

fn part_of(address: &Address, part: Part) -> String {
    let city_line = || [address.city.as_str(), &address.cedex].join(" ").trim().to_owned();
    match part {
        Part::Number => address.number.clone(),
        Part::Street => address.street.clone(),
        Part::Complement => address.complement.clone(),
        Part::Postcode => address.postcode.clone(),
        Part::City => address.city.clone(),
        Part::Cedex => address.cedex.clone(),
        Part::State => address.state.clone(),
        Part::Country => address.country.clone(),
        Part::StreetLine => address.street_line(),
        Part::CityLine => city_line(),
        Part::Lines => lines_of(address).join("\n"),
        Part::Line(2) => lines_of(address).get(2..).unwrap_or_default().join(", "),
        Part::Line(n) => lines_of(address).get(n).cloned().unwrap_or_default(),
        Part::Whole => {
            let place = [address.postcode.as_str(), &city_line()].join(" ").trim().to_owned();
            let mut parts = lines_of(address);
            parts.extend([place, address.state.clone(), address.country.clone()]);
            parts.retain(|part| !part.is_empty());
            parts.join(", ")
        }
    }
}

/// The lines above postcode and city: number and street, then each complement.
fn lines_of(address: &Address) -> Vec<String> {
    let complements = address.complement.split(", ").map(str::to_owned);
    let lines = std::iter::once(address.street_line()).chain(complements);
    lines.filter(|line| !line.is_empty()).collect()
}
