//! Which comparisons a table calls for: clean records -> comparisons over dictionary-encoded values.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    compare::{
        Categories, Codes, Comparison, Dates, Emails, Genders, Generations, KeySpaceCodes,
        LegalNumbers, OrganisationNames, People, PersonNamePart, Phones, Sets, Shared, Streets,
        Texts, Towns,
    },
    model::MOST_COMPARISONS,
    values::{Phrases, Values},
};
use crate::{
    model::Kind,
    table::Records,
    value::{address::Address, email, organisation, person, text, url},
};

/// What other records say of each member: resolved before, or standing on the same row.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Of an organisation: the folded names of persons that its rows name beside it. Of a person: nothing.
    pub people: Vec<Vec<String>>,
    /// Of an organisation: the email hosts of those persons.
    pub hosts: Vec<Vec<String>>,
    /// Of a person: the clusters of the organisations on its row, as text.
    pub employers: Vec<Vec<String>>,
}

/// A column of a plain table counts as a category when it has at most this many values.
const FEW_VALUES: usize = 30;

/// The comparisons for the records of `kind` at `members`, those without any value left out.
pub(super) fn comparisons(
    records: &Records,
    kind: Kind,
    members: &[u32],
    evidence: &Evidence,
) -> Vec<Box<dyn Comparison>> {
    let table = Table { records, members, kind, relations: Relations::of(kind) };
    let mut comparisons: Vec<Box<dyn Comparison>> = Vec::new();
    match kind {
        Kind::Person => {
            names(&table, &mut comparisons);
            emails(&table, &[], &mut comparisons);
            let shared = Shared { place: true, ..Shared::default() };
            let employers = Some(table.given(&evidence.employers)).filter(|v| v.distinct() > 0);
            organisation_names(
                &table,
                "company",
                &["company"],
                shared,
                employers,
                &mut comparisons,
            );
        }
        Kind::Organisation => {
            let shared = Shared { family: true, ..Shared::default() };
            organisation_names(&table, "name", &["name", "alias"], shared, None, &mut comparisons);
            emails(&table, &evidence.hosts, &mut comparisons);
            legal_numbers(&table, &mut comparisons);
            let people = People { values: table.given(&evidence.people) };
            add(&mut comparisons, people.values.fill(), people);
        }
        Kind::Other => emails(&table, &[], &mut comparisons),
    }
    phones(&table, &mut comparisons);
    addresses(&table, &mut comparisons);
    key_space_codes(&table, &mut comparisons);
    known_columns(&table, kind, &mut comparisons);
    other_columns(&table, &mut comparisons);
    comparisons.retain(|c| c.levels().len() > 1);
    comparisons.truncate(MOST_COMPARISONS);
    comparisons
}

struct Table<'a> {
    records: &'a Records,
    members: &'a [u32],
    kind: Kind,
    relations: Relations,
}

/// What related records of one kind have in common, by comparison.
struct Relations {
    email: Shared,
    phone: Shared,
    address: Shared,
}

impl Relations {
    /// A household shares its landline and address, at times a mailbox; colleagues the host of their email,
    /// the switchboard and the address. A group of companies shares web and email hosts, and the phone
    /// number of its head office, and its sites lie near each other; neighbours in one building share address and
    /// switchboard.
    fn of(kind: Kind) -> Relations {
        let group = Shared { family: true, ..Shared::default() };
        let place = Shared { place: true, ..Shared::default() };
        let both = Shared { family: true, ..place };
        match kind {
            Kind::Organisation => {
                Relations { email: group, phone: both, address: Shared { near: true, ..place } }
            }
            _ => Relations { email: both, phone: both, address: both },
        }
    }
}

impl Table<'_> {
    fn values(&self, of: impl Fn(usize) -> Vec<String> + Sync) -> Values {
        Values::new(self.members.len(), |member| of(self.members[member] as usize))
    }

    fn folded(&self, attributes: &[&str]) -> Values {
        self.values(|i| {
            attributes.iter().flat_map(|a| self.records.values(a, i)).map(text::fold).collect()
        })
    }

    fn exact(&self, attributes: &[&str]) -> Values {
        self.values(|i| {
            attributes.iter().flat_map(|a| self.records.values(a, i)).map(str::to_owned).collect()
        })
    }

    fn given(&self, lists: &[Vec<String>]) -> Values {
        Values::new(self.members.len(), |member| lists.get(member).cloned().unwrap_or_default())
    }
}

/// Adds the comparison unless no record has a value for it.
fn add(
    comparisons: &mut Vec<Box<dyn Comparison>>,
    fill: f64,
    comparison: impl Comparison + 'static,
) {
    if fill > 0.0 {
        comparisons.push(Box::new(comparison));
    }
}

fn names(table: &Table<'_>, comparisons: &mut Vec<Box<dyn Comparison>>) {
    let first = Arc::new(table.folded(&["first_name"]));
    let last = Arc::new(table.folded(&["last_name", "maiden_name"]));
    let (first_fill, last_fill) = (first.fill(), last.fill());
    add(
        comparisons,
        first_fill,
        PersonNamePart::new("first name", false, first.clone(), last.clone()),
    );
    add(comparisons, last_fill, PersonNamePart::new("last name", true, last, first));
}

fn emails(table: &Table<'_>, hosts: &[Vec<String>], comparisons: &mut Vec<Box<dyn Comparison>>) {
    let values = table.exact(&["email"]);
    let mut from_name = vec![false; values.distinct()];
    for member in 0..table.members.len() {
        let record = table.members[member] as usize;
        let names: Vec<String> = ["first_name", "last_name", "maiden_name"]
            .iter()
            .flat_map(|a| table.records.values(a, record))
            .flat_map(|name| text::fold(name).split(' ').map(str::to_owned).collect::<Vec<_>>())
            .filter(|word| word.len() > 2)
            .collect();
        for &code in values.of(member as u32) {
            let local = text::fold(values.text(code).split('@').next().unwrap_or(""));
            from_name[code as usize] |= names.iter().any(|name| local.contains(name.as_str()));
        }
    }
    let (shared, household) = (table.relations.email, table.kind != Kind::Organisation);
    add(comparisons, values.fill(), Emails::new(shared, values, &from_name, household));
    let hosts = table.values_with(hosts);
    add(
        comparisons,
        hosts.fill(),
        Sets { name: "web domain", values: hosts, shared: table.relations.email },
    );
}

impl Table<'_> {
    /// Hosts of websites and of companies' email addresses, and those given beside.
    fn values_with(&self, hosts: &[Vec<String>]) -> Values {
        Values::new(self.members.len(), |member| {
            let record = self.members[member] as usize;
            let websites = self.records.values("website", record).map(|u| url::host(u).to_owned());
            let mut all: Vec<String> = websites.collect();
            if let Some(given) = hosts.get(member) {
                all.extend(given.iter().cloned());
                let own = self.records.values("email", record).filter(|e| !email::is_freemail(e));
                all.extend(own.filter_map(|e| e.split_once('@').map(|(_, host)| host.to_owned())));
            }
            all
        })
    }
}

fn organisation_names(
    table: &Table<'_>,
    name: &'static str,
    attributes: &[&str],
    shared: Shared,
    clusters: Option<Values>,
    comparisons: &mut Vec<Box<dyn Comparison>>,
) {
    let names = table.values(|i| {
        let values = attributes.iter().flat_map(|a| table.records.values(a, i));
        values.map(|v| organisation::own_words(v).join(" ")).collect()
    });
    let phrases = Phrases::new(&names, table.members.len());
    let fill = names.fill().max(clusters.as_ref().map_or(0.0, Values::fill));
    add(comparisons, fill, OrganisationNames { name, names, phrases, shared, clusters });
}

fn legal_numbers(table: &Table<'_>, comparisons: &mut Vec<Box<dyn Comparison>>) {
    let siret = table.exact(&["siret"]);
    let siren = table.exact(&["siren"]);
    let code_of: BTreeMap<&str, usize> = siren.texts().zip(0..).collect();
    let mut known: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); siren.distinct()];
    for text in siret.texts() {
        let unit = text.get(..9).unwrap_or(text);
        if let Some(&code) = code_of.get(unit) {
            known[code].insert(text);
        }
    }
    let several = known.iter().map(|sirets| sirets.len() > 1).collect();
    add(comparisons, siren.fill(), LegalNumbers { siret, siren, several });
    let vat = table.values(|i| {
        let foreign = table.records.values("vat", i).filter(|v| !v.starts_with("FR"));
        foreign.map(str::to_owned).collect()
    });
    add(comparisons, vat.fill(), Codes { name: "VAT number".into(), values: vat });
}

fn phones(table: &Table<'_>, comparisons: &mut Vec<Box<dyn Comparison>>) {
    let number = |phone: &str| phone.split(';').next().unwrap_or(phone).to_owned();
    let values = table.values(|i| {
        ["mobile", "phone", "fax"]
            .iter()
            .flat_map(|a| table.records.values(a, i))
            .map(number)
            .collect()
    });
    let mobiles = table.values(|i| table.records.values("mobile", i).map(number).collect());
    let known: std::collections::HashSet<&str> = mobiles.texts().collect();
    let mobile = values.texts().map(|text| known.contains(text)).collect();
    add(comparisons, values.fill(), Phones::new(table.relations.phone, values, mobile));
}

fn addresses(table: &Table<'_>, comparisons: &mut Vec<Box<dyn Comparison>>) {
    let of = |i: usize| table.records.values("address", i).map(Address::decode).collect::<Vec<_>>();
    let streets = table.values(|i| {
        let known = of(i).into_iter().filter(|a| !a.street.is_empty());
        known.map(|a| format!("{}\u{1f}{}", text::fold(&a.number), a.street_core())).collect()
    });
    add(comparisons, streets.fill(), Streets::new(table.relations.address, streets));
    let towns = table.values(|i| {
        let known = of(i).into_iter().filter(|a| !a.postcode.is_empty() || !a.city.is_empty());
        known.map(|a| format!("{}\u{1f}{}", text::fold(&a.postcode), text::fold(&a.city))).collect()
    });
    add(comparisons, towns.fill(), Towns::new(table.relations.address, towns));
}

fn key_space_codes(table: &Table<'_>, comparisons: &mut Vec<Box<dyn Comparison>>) {
    let values = table.values(|i| {
        let Some(space) = table.records.place_of(i).issuing_space() else { return Vec::new() };
        let codes =
            ["customer_code", "account_code"].iter().flat_map(|a| table.records.values(a, i));
        codes.map(|code| format!("{space}\u{1f}{code}")).collect()
    });
    add(comparisons, values.fill(), KeySpaceCodes::new(values));
}

/// Columns of the model that tell something of identity and need no comparison of their own kind.
fn known_columns(table: &Table<'_>, kind: Kind, comparisons: &mut Vec<Box<dyn Comparison>>) {
    if kind != Kind::Organisation {
        let birth = table.exact(&["birth_date"]);
        add(comparisons, birth.fill(), Dates::new("birth date".into(), birth));
        let of_name = genders_of_names(table);
        let gender = table.values(|i| gender(table.records, i, &of_name).into_iter().collect());
        let first = table.folded(&["first_name"]);
        add(comparisons, gender.fill(), Genders::new(gender, &first));
        let generation = table.values(|i| {
            let suffix = table.records.first("suffix", i).and_then(person::generation_of);
            suffix.map(str::to_owned).into_iter().collect()
        });
        add(comparisons, generation.fill(), Generations { values: generation });
    }
}

/// Whether a record is of a man or a woman: by its column, its civility, or its first name.
fn gender(records: &Records, record: usize, of_name: &BTreeMap<String, String>) -> Option<String> {
    told_gender(records, record).or_else(|| {
        let first = records.first("first_name", record)?;
        of_name.get(&text::fold(first)).cloned()
    })
}

fn told_gender(records: &Records, record: usize) -> Option<String> {
    // What else a column says, `9` or `Autre`, tells no two people apart.
    let is_told = |gender: &&str| matches!(*gender, "m" | "f");
    let told = records.first("gender", record).filter(is_told).map(str::to_owned);
    let civility = records.first("civility", record).and_then(person::gender_of);
    told.or_else(|| civility.map(str::to_owned))
}

/// First names that only men or only women of this table bear.
fn genders_of_names(table: &Table<'_>) -> BTreeMap<String, String> {
    let mut seen: BTreeMap<String, (String, u32)> = BTreeMap::new();
    for &member in table.members {
        let record = member as usize;
        let Some(first) = table.records.first("first_name", record) else { continue };
        let Some(gender) = told_gender(table.records, record) else { continue };
        let known = seen.entry(text::fold(first)).or_insert_with(|| (gender.clone(), 0));
        if known.0 == gender {
            known.1 += 1;
        } else {
            known.0.clear();
        }
    }
    // One alone may be a slip of the keyboard.
    let sure = seen.into_iter().filter(|(_, (gender, times))| !gender.is_empty() && *times > 1);
    sure.map(|(name, (gender, _))| (name, gender)).collect()
}

/// Columns of a plain table that the model does not know, named `x.<value kind>.<header>`.
fn other_columns(table: &Table<'_>, comparisons: &mut Vec<Box<dyn Comparison>>) {
    let columns = table.records.columns.keys().filter(|name| name.starts_with("x."));
    for attribute in columns {
        let values = table.folded(&[attribute]);
        let name = attribute.clone();
        let fill = values.fill();
        // One value for all tells nothing of any pair.
        if values.distinct() < 2 {
            continue;
        }
        match attribute.split('.').nth(1).unwrap_or("text") {
            "date" => add(comparisons, fill, Dates::new(name, table.exact(&[attribute]))),
            _ if values.distinct() <= FEW_VALUES => {
                add(comparisons, fill, Categories { name, values })
            }
            "code" | "number" => add(comparisons, fill, Codes { name, values }),
            _ => {
                let phrases = Phrases::new(&values, table.members.len());
                add(comparisons, fill, Texts { name, values, phrases });
            }
        }
    }
}
