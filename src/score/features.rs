//! Which comparisons a table calls for: clean records -> comparisons over dictionary-encoded values.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use rayon::prelude::*;

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
    coded::{Coded, CodedRecords},
    model::Kind,
    table::Place,
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

/// Comparisons that one part of the records calls for.
type Found = Vec<Box<dyn Comparison>>;

/// The comparisons for `records` of `kind`, those without any value left out.
pub(super) fn comparisons(
    records: &CodedRecords<'_>,
    kind: Kind,
    evidence: &Evidence,
) -> Vec<Box<dyn Comparison>> {
    let table = Table { records, evidence, kind, relations: Relations::of(kind) };
    let of_kind: &[fn(&Table<'_>) -> Found] = match kind {
        Kind::Person => &[names, emails, companies],
        Kind::Organisation => &[own_names, emails, legal_numbers, people],
        Kind::Other => &[emails],
    };
    let of_all: &[fn(&Table<'_>) -> Found] =
        &[phones, addresses, key_space_codes, known_columns, other_columns];
    let parts: Vec<_> = of_kind.iter().chain(of_all).collect();
    let found: Vec<Found> = parts.into_par_iter().map(|part| part(&table)).collect();
    let mut comparisons: Found = found.into_iter().flatten().collect();
    comparisons.retain(|c| c.levels().len() > 1);
    comparisons.truncate(MOST_COMPARISONS);
    comparisons
}

struct Table<'a> {
    records: &'a CodedRecords<'a>,
    evidence: &'a Evidence,
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
    fn folded(&self, attributes: &[&str]) -> Coded {
        self.records.mapped(attributes, text::fold)
    }

    fn exact(&self, attributes: &[&str]) -> Coded {
        self.records.of(attributes)
    }

    fn given(&self, lists: &[Vec<String>]) -> Coded {
        Coded::new(self.records.len(), |member, add| {
            lists.get(member).into_iter().flatten().for_each(|text| add(text));
        })
    }
}

/// The comparison, unless no record has a value for it.
fn filled(fill: f64, comparison: impl Comparison + 'static) -> Option<Box<dyn Comparison>> {
    (fill > 0.0).then(|| Box::new(comparison) as _)
}

fn names(table: &Table<'_>) -> Found {
    let first = Arc::new(Values::new(table.folded(&["first_name"])));
    let last = Arc::new(Values::new(table.folded(&["last_name", "maiden_name"])));
    let (first_fill, last_fill) = (first.fill(), last.fill());
    let first_names = PersonNamePart::new("first name", false, first.clone(), last.clone());
    let last_names = PersonNamePart::new("last name", true, last, first);
    [filled(first_fill, first_names), filled(last_fill, last_names)].into_iter().flatten().collect()
}

fn emails(table: &Table<'_>) -> Found {
    let emails = table.exact(&["email"]);
    let from_name = made_of_names(table, &emails);
    let hosts = Values::new(hosts(table, &emails));
    let values = Values::new(emails);
    let (shared, household) = (table.relations.email, table.kind != Kind::Organisation);
    let domains = Sets { name: "web domain", shared, values: hosts };
    [
        filled(values.fill(), Emails::new(shared, values, &from_name, household)),
        filled(domains.values.fill(), domains),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Of each code of `emails` whether the local part is made of a name of somebody who has it.
fn made_of_names(table: &Table<'_>, emails: &Coded) -> Vec<bool> {
    let names = table.folded(&["first_name", "last_name", "maiden_name"]);
    let words = names.map(|name, add| name.split(' ').filter(|word| word.len() > 2).for_each(add));
    let locals = emails.texts.par_map(|email| text::fold(email.split('@').next().unwrap_or("")));
    let mut made_of_names = vec![false; locals.len()];
    for record in 0..emails.codes.len() {
        for &code in emails.codes.of(record) {
            let local = &locals[code as usize];
            let is_in = |&word: &u32| local.contains(words.texts.get(word));
            made_of_names[code as usize] |= words.codes.of(record).iter().any(is_in);
        }
    }
    made_of_names
}

/// Hosts of websites; of organisations also those of their email addresses and of their people's.
fn hosts(table: &Table<'_>, emails: &Coded) -> Coded {
    let websites = table.exact(&["website"]).map(|site, add| add(url::host(site)));
    if table.kind != Kind::Organisation {
        return websites;
    }
    let own = emails.map(|address, add| {
        let host = address.split_once('@').filter(|_| !email::is_freemail(address));
        host.into_iter().for_each(|(_, host)| add(host));
    });
    Coded::joined(&[&websites, &table.given(&table.evidence.hosts), &own])
}

fn own_names(table: &Table<'_>) -> Found {
    let shared = Shared { family: true, ..Shared::default() };
    organisation_names(table, "name", &["name", "alias"], shared, None)
}

fn companies(table: &Table<'_>) -> Found {
    let shared = Shared { place: true, ..Shared::default() };
    let employers = Values::new(table.given(&table.evidence.employers));
    let employers = Some(employers).filter(|employers| employers.distinct() > 0);
    organisation_names(table, "company", &["company"], shared, employers)
}

fn organisation_names(
    table: &Table<'_>,
    name: &'static str,
    attributes: &[&str],
    shared: Shared,
    clusters: Option<Values>,
) -> Found {
    let own_words = |name: &str| organisation::own_words(name).join(" ");
    let names = Values::new(table.records.mapped(attributes, own_words));
    let phrases = Phrases::new(&names, table.records.len());
    let fill = names.fill().max(clusters.as_ref().map_or(0.0, Values::fill));
    filled(fill, OrganisationNames { name, names, phrases, shared, clusters }).into_iter().collect()
}

fn people(table: &Table<'_>) -> Found {
    let people = People { values: Values::new(table.given(&table.evidence.people)) };
    filled(people.values.fill(), people).into_iter().collect()
}

fn legal_numbers(table: &Table<'_>) -> Found {
    let siret = Values::new(table.exact(&["siret"]));
    let siren = Values::new(table.exact(&["siren"]));
    let code_of: BTreeMap<&str, usize> = siren.texts().iter().zip(0..).collect();
    let mut known = vec![0u32; siren.distinct()];
    for text in siret.texts().iter() {
        let unit = text.get(..9).unwrap_or(text);
        if let Some(&code) = code_of.get(unit) {
            known[code] += 1;
        }
    }
    let several = known.into_iter().map(|sirets| sirets > 1).collect();
    let foreign = table.exact(&["vat"]).map(|number, add| {
        if !number.starts_with("FR") {
            add(number);
        }
    });
    let vat = Codes { name: "VAT number".into(), values: Values::new(foreign) };
    [filled(siren.fill(), LegalNumbers { siret, siren, several }), filled(vat.values.fill(), vat)]
        .into_iter()
        .flatten()
        .collect()
}

fn phones(table: &Table<'_>) -> Found {
    let number = |phone: &str, add: &mut dyn FnMut(&str)| {
        add(phone.split(';').next().unwrap_or(phone));
    };
    let values = Values::new(table.exact(&["mobile", "phone", "fax"]).map(number));
    let mobiles = table.exact(&["mobile"]).map(number);
    let known: HashSet<&str> = mobiles.texts.iter().collect();
    let mobile = values.texts().iter().map(|text| known.contains(text)).collect();
    filled(values.fill(), Phones::new(table.relations.phone, values, mobile)).into_iter().collect()
}

fn addresses(table: &Table<'_>) -> Found {
    let addresses = table.exact(&["address"]);
    let streets = addresses.map(|encoded, add| {
        let address = Address::decode(encoded);
        if !address.street.is_empty() {
            add(&format!("{}\u{1f}{}", text::fold(&address.number), address.street_core()));
        }
    });
    let towns = addresses.map(|encoded, add| {
        let Address { postcode, city, .. } = Address::decode(encoded);
        if !postcode.is_empty() || !city.is_empty() {
            add(&format!("{}\u{1f}{}", text::fold(&postcode), text::fold(&city)));
        }
    });
    let (streets, towns) = (Values::new(streets), Values::new(towns));
    let shared = table.relations.address;
    [
        filled(streets.fill(), Streets::new(shared, streets)),
        filled(towns.fill(), Towns::new(shared, towns)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn key_space_codes(table: &Table<'_>) -> Found {
    let values = Values::new(table.records.codes_in(Place::issuing_space));
    filled(values.fill(), KeySpaceCodes::new(values)).into_iter().collect()
}

/// Columns of the model that tell something of identity and need no comparison of their own kind.
fn known_columns(table: &Table<'_>) -> Found {
    if table.kind == Kind::Organisation {
        return Found::new();
    }
    let birth = Values::new(table.exact(&["birth_date"]));
    let gender = Values::new(genders(table));
    let generation = table.exact(&["suffix"]).firsts().map(|suffix, add| {
        person::generation_of(suffix).into_iter().for_each(add);
    });
    let generation = Generations { values: Values::new(generation) };
    let named = table.folded(&["first_name"]);
    let has_name =
        |record| named.codes.of(record).iter().any(|&code| named.texts.get(code).len() > 1);
    let is_named = (0..named.codes.len()).map(has_name).collect();
    [
        filled(birth.fill(), Dates::new("birth date".into(), birth)),
        filled(gender.fill(), Genders { values: gender, is_named }),
        filled(generation.values.fill(), generation),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a record is of a man or a woman: by its column, its civility, or its first name.
fn genders(table: &Table<'_>) -> Coded {
    let first_only = |attribute| table.exact(&[attribute]).firsts();
    // What else a column says, `9` or `Autre`, tells no two people apart.
    let own = first_only("gender").map(|gender, add| {
        if matches!(gender, "m" | "f") {
            add(gender);
        }
    });
    let of_civility = first_only("civility").map(|civility, add| {
        person::gender_of(civility).into_iter().for_each(add);
    });
    let told = Coded::joined(&[&own, &of_civility]).firsts();
    let names = table.folded(&["first_name"]).firsts();
    let by_name = genders_of_names(&told, &names);
    Coded::new(table.records.len(), |member, add| {
        let member = member as u32;
        let of_name = || by_name[*names.codes.of(member).first()? as usize];
        if let Some(gender) = told.codes.of(member).first().copied().or_else(of_name) {
            add(told.texts.get(gender));
        }
    })
}

/// Of each first name the code of the gender that all its bearers in this table have, if it has several.
fn genders_of_names(told: &Coded, names: &Coded) -> Vec<Option<u32>> {
    let mut seen: Vec<Option<(u32, u32)>> = vec![None; names.texts.len() as usize];
    let mut mixed = vec![false; seen.len()];
    for record in 0..names.codes.len() {
        let (&[name], &[gender]) = (names.codes.of(record), told.codes.of(record)) else {
            continue;
        };
        let (first, times) = seen[name as usize].get_or_insert((gender, 0));
        mixed[name as usize] |= *first != gender;
        *times += 1;
    }
    // One alone may be a slip of the keyboard.
    let sure = |(seen, mixed): (Option<(u32, u32)>, bool)| {
        seen.filter(|&(_, times)| times > 1 && !mixed).map(|(gender, _)| gender)
    };
    seen.into_iter().zip(mixed).map(sure).collect()
}

/// Columns of a plain table that the model does not know, named `x.<value kind>.<header>`.
fn other_columns(table: &Table<'_>) -> Found {
    let columns = table.records.records.columns.keys().filter(|name| name.starts_with("x."));
    columns.filter_map(|attribute| other_column(table, attribute)).collect()
}

fn other_column(table: &Table<'_>, attribute: &str) -> Option<Box<dyn Comparison>> {
    let values = Values::new(table.folded(&[attribute]));
    let (name, fill) = (attribute.to_owned(), values.fill());
    // One value for all tells nothing of any pair.
    if values.distinct() < 2 {
        return None;
    }
    match attribute.split('.').nth(1).unwrap_or("text") {
        "date" => filled(fill, Dates::new(name, Values::new(table.exact(&[attribute])))),
        _ if values.distinct() <= FEW_VALUES => filled(fill, Categories { name, values }),
        "code" | "number" => filled(fill, Codes { name, values }),
        _ => {
            let phrases = Phrases::new(&values, table.records.len());
            filled(fill, Texts { name, values, phrases })
        }
    }
}
