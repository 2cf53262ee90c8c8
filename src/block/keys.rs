//! What the records of a block have in common: the pool of blocking rules by kind and value kind.
//!
//! A rule gives each record any number of keys; records of equal key form a block. Rules are meant to
//! fail independently: a wrong digit in the phone number costs the phone rule, not the name rule.

use std::{
    collections::{HashMap, HashSet},
    hash::Hasher,
};

use rayon::prelude::*;
use rphonetic::{DoubleMetaphone, Encoder};

use crate::{
    model::{self, Kind},
    table::Records,
    value::{address::Address, email, organisation, text, url},
};

/// The keys of all records under one rule.
pub(super) struct Keyed {
    /// What the records of a block have in common.
    pub(super) name: String,
    /// What has to be right for two records to meet.
    pub(super) facet: String,
    /// (key, record) in any order.
    pub(super) keys: Vec<(u64, u32)>,
}

/// Everything a key is made of, for one record, in comparison form.
#[derive(Debug, Default)]
pub(super) struct Facets {
    first: String,
    last: Vec<String>,
    sounds_last: String,
    sounds_first: String,
    birth: String,
    emails: Vec<String>,
    hosts: Vec<String>,
    phones: Vec<String>,
    /// (number, words that name the street, postcode, city) of each address.
    places: Vec<(String, String, String, String)>,
    codes: Vec<String>,
    legal: Vec<String>,
    /// Words of the organisation's names, or of a person's company.
    words: Vec<String>,
    /// All words of the name run together.
    joined: String,
    people: Vec<String>,
    /// Columns that the model does not know: (column number, folded value).
    others: Vec<(usize, String)>,
}

/// A stable 64-bit hash of the parts.
pub(super) fn key(parts: &[&str]) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    for part in parts {
        hasher.write(part.as_bytes());
        hasher.write_u8(0x1f);
    }
    // FNV mixes its high bits badly; one multiply-xorshift round mends it.
    let mixed = (hasher.0 ^ (hasher.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// The facets of the records at `members`.
pub(super) fn facets(records: &Records, members: &[u32], people: &[Vec<String>]) -> Vec<Facets> {
    let others: Vec<&String> = records
        .columns
        .keys()
        .filter(|name| name.starts_with("x.") && model::attribute(name).is_none())
        .collect();
    members
        .par_iter()
        .enumerate()
        .map(|(local, &record)| {
            let mut facets = of_record(records, record as usize, &others);
            facets.people = people.get(local).cloned().unwrap_or_default();
            facets
        })
        .collect()
}

fn of_record(records: &Records, i: usize, others: &[&String]) -> Facets {
    let folded = |attribute: &str| records.first(attribute, i).map(text::fold).unwrap_or_default();
    let metaphone = DoubleMetaphone::default();
    let sound = |word: &str| if word.is_ascii() { metaphone.encode(word) } else { String::new() };
    let all_folded = |attributes: &[&str]| -> Vec<String> {
        attributes
            .iter()
            .flat_map(|a| records.values(a, i))
            .map(text::fold)
            .filter(|v| !v.is_empty())
            .collect()
    };
    let first = folded("first_name");
    let mut last: Vec<String> = all_folded(&["last_name", "maiden_name"]);
    last.iter_mut().for_each(|name| name.retain(|c| c != ' '));
    let emails: Vec<String> = records.values("email", i).map(str::to_owned).collect();
    let mut hosts: Vec<String> =
        records.values("website", i).map(|u| url::host(u).to_owned()).collect();
    hosts.extend(
        emails
            .iter()
            .filter(|e| !email::is_freemail(e))
            .filter_map(|e| e.split_once('@').map(|(_, host)| host.to_owned())),
    );
    let names = ["name", "alias", "company"];
    let words: Vec<String> =
        names.iter().flat_map(|a| records.values(a, i)).flat_map(organisation::own_words).collect();
    let place = records.place_of(i);
    let key_space = &place.key_space;
    // The same code of two legal entities nobody could tell apart is nothing in common.
    let coded =
        if place.is_of_unknown_entity() { &[][..] } else { &["customer_code", "account_code"] };
    let codes = coded
        .iter()
        .flat_map(|a| records.values(a, i))
        .map(|code| format!("{key_space}\u{1f}{code}"));
    let places = records.values("address", i).map(|encoded| {
        let address = Address::decode(encoded);
        (
            text::fold(&address.number),
            address.street_core(),
            text::fold(&address.postcode),
            text::fold(&address.city),
        )
    });
    Facets {
        sounds_last: last.first().map(|l| sound(l)).unwrap_or_default(),
        sounds_first: sound(first.split(' ').next().unwrap_or("")),
        birth: records.first("birth_date", i).unwrap_or("").to_owned(),
        phones: ["phone", "mobile", "fax"]
            .iter()
            .flat_map(|a| records.values(a, i))
            .map(|p| p.split(';').next().unwrap_or(p).to_owned())
            .collect(),
        places: places.collect(),
        codes: codes.collect(),
        legal: ["siren", "siret", "vat", "iban"]
            .iter()
            .flat_map(|a| records.values(a, i))
            .map(str::to_owned)
            .collect(),
        joined: words.concat(),
        others: others
            .iter()
            .enumerate()
            .flat_map(|(n, name)| records.values(name, i).map(move |v| (n, text::fold(v))))
            .filter(|(_, v)| !v.is_empty())
            .collect(),
        people: Vec::new(),
        first,
        last,
        emails,
        hosts,
        words,
    }
}

/// All rules of the pool for records of `kind`, most telling first.
pub(super) fn pool(kind: Kind, facets: &[Facets]) -> Vec<Keyed> {
    let mut rules = vec![
        rule("same email", "email", facets, |f, keys| each(&f.emails, keys)),
        rule("same legal number", "code", facets, |f, keys| each(&f.legal, keys)),
        rule("same code in one key space", "code", facets, |f, keys| each(&f.codes, keys)),
        rule("same phone", "phone", facets, |f, keys| each(&f.phones, keys)),
    ];
    match kind {
        Kind::Person => rules.extend(person_rules(facets)),
        Kind::Organisation => rules.extend(organisation_rules(facets)),
        Kind::Other => {}
    }
    rules.extend(address_rules(kind, facets));
    rules.extend(other_rules(facets));
    rules
}

/// A rule that needs a name to be right.
fn name_rule(name: &str, facets: &[Facets], of: impl Fn(&Facets, &mut Vec<u64>) + Sync) -> Keyed {
    rule(name, "name", facets, of)
}

fn rule(
    name: &str,
    facet: &str,
    facets: &[Facets],
    of: impl Fn(&Facets, &mut Vec<u64>) + Sync,
) -> Keyed {
    let keys = facets
        .par_iter()
        .enumerate()
        .flat_map_iter(|(record, facets)| {
            let mut keys = Vec::new();
            of(facets, &mut keys);
            keys.into_iter().map(move |key| (key, record as u32))
        })
        .collect();
    Keyed { name: name.to_owned(), facet: facet.to_owned(), keys }
}

fn each(values: &[String], keys: &mut Vec<u64>) {
    keys.extend(values.iter().filter(|v| v.len() > 2).map(|v| key(&[v])));
}

fn initial(word: &str) -> &str {
    word.get(..1).unwrap_or("")
}

fn start(word: &str, letters: usize) -> &str {
    word.get(..letters).unwrap_or(word)
}

fn person_rules(facets: &[Facets]) -> Vec<Keyed> {
    vec![
        name_rule("same first and last name, in either order", facets, |f, keys| {
            for last in &f.last {
                let first = f.first.replace(' ', "");
                if !first.is_empty() {
                    let (a, b) = if first < *last { (&first, last) } else { (last, &first) };
                    keys.push(key(&[a, b]));
                }
            }
        }),
        name_rule("last name that sounds alike, same initial", facets, |f, keys| {
            if f.sounds_last.len() > 1 && !f.first.is_empty() {
                keys.push(key(&[&f.sounds_last, initial(&f.first)]));
                keys.push(key(&[&f.sounds_first, f.last.first().map_or("", |l| initial(l))]));
            }
        }),
        rule("same local part of the email", "email", facets, |f, keys| {
            for address in f.emails.iter().filter(|e| !email::is_role_mailbox(e)) {
                let local: String = address
                    .split('@')
                    .next()
                    .unwrap_or("")
                    .split('+')
                    .next()
                    .unwrap_or("")
                    .replace(['.', '-', '_'], "");
                if local.len() > 4 {
                    keys.push(key(&[&local]));
                }
            }
        }),
        rule("same birth date", "birth", facets, |f, keys| {
            if f.birth.len() >= 7 {
                keys.push(key(&[&f.birth]));
            }
        }),
        name_rule("name that sounds alike, same birth year or month", facets, |f, keys| {
            for sound in [&f.sounds_last, &f.sounds_first] {
                // A birthday without its year starts with a dash and has no year to share.
                let parts = f.birth.split_once('-').filter(|(year, _)| year.len() == 4);
                if let Some((year, month_and_day)) = parts.filter(|_| !sound.is_empty()) {
                    keys.push(key(&[sound, "year", year]));
                    keys.push(key(&[sound, "month", month_and_day]));
                }
            }
        }),
        name_rule("last name that sounds alike, same postcode or city", facets, |f, keys| {
            for (_, _, postcode, city) in &f.places {
                for (what, place) in [("postcode", postcode), ("city", city)] {
                    if !place.is_empty() && !f.sounds_last.is_empty() {
                        keys.push(key(&[what, &f.sounds_last, place]));
                    }
                }
            }
        }),
        name_rule("same first name, same postcode or city", facets, |f, keys| {
            for (_, _, postcode, city) in &f.places {
                for (what, place) in [("postcode", postcode), ("city", city)] {
                    if !place.is_empty() && f.first.len() > 1 {
                        keys.push(key(&[what, &f.first, place]));
                    }
                }
            }
        }),
        name_rule("start of the last name and a word of the company", facets, |f, keys| {
            for last in &f.last {
                for word in f.words.iter().filter(|w| w.len() > 2) {
                    keys.push(key(&[start(last, 3), word]));
                }
            }
        }),
        name_rule("last name alone", facets, |f, keys| {
            keys.extend(f.last.iter().filter(|l| l.len() > 2).map(|l| key(&[l])));
        }),
    ]
}

fn organisation_rules(facets: &[Facets]) -> Vec<Keyed> {
    let frequency = word_frequency(facets);
    // The two rarest words of a name tell it best; "garage" alone would block half a trade.
    let rare = |f: &Facets| -> Vec<String> {
        let mut words: Vec<&String> = f.words.iter().filter(|w| w.len() > 2).collect();
        words.sort_by_key(|w| (frequency.get(w.as_str()).copied().unwrap_or(0), (*w).clone()));
        words.dedup();
        words.into_iter().take(2).cloned().collect()
    };
    vec![
        name_rule("same words in the name", facets, |f, keys| {
            let mut words: Vec<&str> = f.words.iter().map(String::as_str).collect();
            words.sort_unstable();
            words.dedup();
            if !words.is_empty() {
                keys.push(key(&words));
            }
        }),
        rule("same web or email domain", "email", facets, |f, keys| each(&f.hosts, keys)),
        rule("same person named beside it", "people", facets, |f, keys| each(&f.people, keys)),
        name_rule("same rare word in the name", facets, |f, keys| each(&rare(f), keys)),
        name_rule("same start of the name", facets, |f, keys| {
            if f.joined.len() > 3 {
                keys.push(key(&[start(&f.joined, 6)]));
            }
        }),
        name_rule("same acronym", facets, |f, keys| {
            let acronym: String = f.words.iter().map(|w| initial(w)).collect();
            if acronym.len() > 2 {
                keys.push(key(&[&acronym]));
            }
            if f.words.len() == 1 && (3..6).contains(&f.joined.len()) {
                keys.push(key(&[&f.joined]));
            }
        }),
        name_rule("word that sounds alike, same postcode or city", facets, |f, keys| {
            let metaphone = DoubleMetaphone::default();
            for word in f.words.iter().filter(|w| w.len() > 2 && w.is_ascii()) {
                for (_, _, postcode, city) in &f.places {
                    for place in [postcode, city].into_iter().filter(|p| !p.is_empty()) {
                        keys.push(key(&[&metaphone.encode(word), place]));
                    }
                }
            }
        }),
    ]
}

fn word_frequency(facets: &[Facets]) -> HashMap<&str, u32> {
    let mut frequency = HashMap::new();
    for word in facets.iter().flat_map(|f| &f.words) {
        *frequency.entry(word.as_str()).or_insert(0) += 1;
    }
    frequency
}

fn last_word(text: &str) -> &str {
    text.rsplit(' ').next().unwrap_or("")
}

/// Number and street of each address, and whether it says in which town they are.
fn doors(facets: &Facets) -> impl Iterator<Item = (u64, bool)> + '_ {
    let numbered = facets.places.iter().filter(|p| !p.0.is_empty() && p.1.len() > 2);
    numbered.map(|(number, street, postcode, city)| {
        (key(&[number, street]), !(postcode.is_empty() && city.is_empty()))
    })
}

/// The numbers and streets that some record gives without a town: only they are worth comparing across
/// towns.
fn placeless(facets: &[Facets]) -> HashSet<u64> {
    let doors = facets.iter().flat_map(doors);
    doors.filter(|(_, placed)| !placed).map(|(door, _)| door).collect()
}

fn address_rules(kind: Kind, facets: &[Facets]) -> Vec<Keyed> {
    let mut rules = vec![rule(
        "same number and street, same postcode or city",
        "address",
        facets,
        |f, keys| {
            for (number, street, postcode, city) in &f.places {
                let street = last_word(street);
                for place in [postcode, city].into_iter().filter(|p| !p.is_empty()) {
                    if street.len() > 2 {
                        keys.push(key(&[number, street, place]));
                    }
                }
            }
        },
    )];
    let placeless = placeless(facets);
    rules.push(rule("same number and street, a place is missing", "address", facets, |f, keys| {
        keys.extend(doors(f).map(|(door, _)| door).filter(|door| placeless.contains(door)));
    }));
    rules.push(name_rule("same number and street, same start of the name", facets, |f, keys| {
        for (number, street, _, _) in &f.places {
            let street = last_word(street);
            let name = f.last.first().map_or(f.joined.as_str(), String::as_str);
            if street.len() > 2 && !number.is_empty() && !name.is_empty() {
                keys.push(key(&[number, street, initial(name)]));
                keys.push(key(&[number, street, "first", initial(&f.first)]));
            }
        }
    }));
    if kind == Kind::Other {
        rules.push(rule("same postcode and city", "address", facets, |f, keys| {
            keys.extend(f.places.iter().map(|(_, _, p, c)| key(&[p, c])));
        }));
    }
    rules
}

fn other_rules(facets: &[Facets]) -> Vec<Keyed> {
    let columns = facets.iter().flat_map(|f| f.others.iter().map(|o| o.0 + 1)).max().unwrap_or(0);
    (0..columns)
        .flat_map(|column| {
            let of = move |f: &'_ Facets| {
                f.others
                    .iter()
                    .filter(move |o| o.0 == column)
                    .map(|o| o.1.clone())
                    .collect::<Vec<_>>()
            };
            let facet = format!("column {}", column + 1);
            let whole = rule(
                &format!("same value in unknown column {}", column + 1),
                &facet,
                facets,
                move |f, keys| {
                    each(&of(f), keys);
                },
            );
            let words = rule(
                &format!("same two neighbouring words in unknown column {}", column + 1),
                &facet,
                facets,
                move |f, keys| {
                    for value in of(f) {
                        let words: Vec<&str> = value.split(' ').collect();
                        keys.extend(words.windows(2).map(key));
                    }
                },
            );
            [whole, words]
        })
        .collect()
}

/// A coarse second key for the records of blocks that are too large: several, so that a pair that
/// differs in one still meets in another.
pub(super) fn refinements(facets: &Facets) -> Vec<u64> {
    let mut keys = Vec::new();
    let mut add = |what: &str, value: &str| {
        if !value.is_empty() {
            keys.push(key(&[what, value]));
        }
    };
    add("first", start(&facets.first, 3));
    add("last", facets.last.first().map_or("", |l| start(l, 4)));
    add("name", start(&facets.joined, 5));
    add("birth", &facets.birth);
    for (number, street, postcode, city) in &facets.places {
        add("postcode", postcode);
        add("street", last_word(street));
        add("number", number);
        add("city", city);
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}
