//! What the records of a block have in common: the pool of blocking rules by kind and value kind.
//!
//! A rule gives each record any number of keys; records of equal key form a block. Rules are meant to
//! fail independently: a wrong digit in the phone number costs the phone rule, not the name rule.
//!
//! What a value adds to a key is worked out once per different value, as a number; a key is made of such numbers.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use rayon::prelude::*;
use rphonetic::{DoubleMetaphone, Encoder};

use crate::{
    coded::{CodeLists, Coded, CodedRecords},
    lists::Lists,
    model::{self, Kind},
    table,
    value::{address::Address, email, organisation, text, url},
};

/// One rule of the pool.
pub(super) struct KeyRule<'f> {
    /// What the records of a block have in common.
    pub(super) name: String,
    /// What has to be right for two records to meet.
    pub(super) facet: String,
    keys: Box<AddKeys<'f>>,
}

/// Adds the keys of a record.
type AddKeys<'f> = dyn Fn(u32, &mut Vec<u64>) + Sync + 'f;

impl<'f> KeyRule<'f> {
    fn new(
        name: impl Into<String>,
        facet: impl Into<String>,
        keys: impl Fn(u32, &mut Vec<u64>) + Sync + 'f,
    ) -> KeyRule<'f> {
        KeyRule { name: name.into(), facet: facet.into(), keys: Box::new(keys) }
    }

    /// (key, record) of the records from 0 to `count`, sorted, each once.
    pub(super) fn sorted_keys(&self, count: usize) -> Vec<(u64, u32)> {
        const AT_ONCE: usize = 16_384;
        let mut keys: Vec<(u64, u32)> = (0..count as u32)
            .into_par_iter()
            .with_min_len(AT_ONCE)
            .fold(
                || (Vec::new(), Vec::new()),
                |(mut all, mut keys), record| {
                    keys.clear();
                    (self.keys)(record, &mut keys);
                    all.extend(keys.iter().map(|&key| (key, record)));
                    (all, keys)
                },
            )
            .map(|(all, _)| all)
            .flatten_iter()
            .collect();
        keys.par_sort_unstable();
        keys.dedup();
        keys
    }
}

/// A stable number for a text.
fn hash(text: &str) -> u64 {
    let add = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    scattered(text.bytes().fold(0xcbf2_9ce4_8422_2325, add))
}

/// The number of a text that has one: of more than `least` characters.
fn longer(least: usize, text: &str) -> Option<u64> {
    (text.len() > least).then(|| hash(text))
}

/// One key of several numbers, in their order.
fn key<const N: usize>(parts: [u64; N]) -> u64 {
    let add =
        |key: u64, part: u64| (key.rotate_left(23) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    scattered(parts.into_iter().fold(N as u64, add))
}

/// Multiplying leaves the low bits alone; they get their share of the high ones.
fn scattered(hash: u64) -> u64 {
    let mixed = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// For each record the numbers that its values give.
struct Marks {
    codes: Arc<CodeLists>,
    /// Of each code where its numbers end.
    ends: Vec<u32>,
    numbers: Vec<u64>,
}

impl Marks {
    fn new<I: IntoIterator<Item = u64> + Send>(
        coded: &Coded,
        tell: impl Fn(&str) -> I + Sync,
    ) -> Marks {
        let (mut numbers, mut ends) = (Vec::new(), Vec::new());
        for told in coded.texts.par_map(tell) {
            numbers.extend(told);
            ends.push(numbers.len() as u32);
        }
        Marks { codes: coded.codes.clone(), ends, numbers }
    }

    fn of(&self, record: u32) -> impl Iterator<Item = u64> + Clone {
        self.codes
            .of(record)
            .iter()
            .flat_map(|&code| {
                let start = code.checked_sub(1).map_or(0, |before| self.ends[before as usize]);
                &self.numbers[start as usize..self.ends[code as usize] as usize]
            })
            .copied()
    }

    fn first(&self, record: u32) -> Option<u64> {
        self.of(record).next()
    }
}

/// Everything a key is made of.
pub(super) struct Facets {
    first: FirstNames,
    last: LastNames,
    birth: Births,
    emails: Marks,
    /// Local parts of the addresses of persons.
    locals: Marks,
    hosts: [Marks; 2],
    phones: Marks,
    places: Places,
    /// Customer codes with their key space.
    codes: Marks,
    legal: Marks,
    /// The organisation's names, or a person's company.
    names: Names,
    people: Marks,
    /// Columns that the model does not know: whole values, and pairs of neighbouring words.
    others: Vec<[Marks; 2]>,
}

/// Folded first names, of each record the first.
struct FirstNames {
    whole: Marks,
    /// Without blanks.
    joined: Marks,
    initial: Marks,
    sound: Marks,
    start: Marks,
}

/// Folded last and maiden names without blanks; what is said of one name alone is of the first.
struct LastNames {
    whole: Marks,
    start: Marks,
    /// Those that are long enough to stand alone.
    alone: Marks,
    initial: Marks,
    sound: Marks,
    /// Sounds of more than one letter.
    longer_sound: Marks,
    longer_start: Marks,
}

struct Births {
    date: Marks,
    /// Year, and month with day.
    parts: Marks,
}

/// Addresses.
struct Places {
    codes: Arc<CodeLists>,
    of: Vec<Place>,
}

/// What an address adds to a key.
#[derive(Clone, Copy)]
struct Place {
    number: Option<u64>,
    /// The last word of the street.
    street: Option<u64>,
    postcode: Option<u64>,
    city: Option<u64>,
    /// Number and words that name the street.
    door: Option<u64>,
}

impl Place {
    fn of(encoded: &str) -> Place {
        let address = Address::decode(encoded);
        let [number, postcode, city] =
            [&address.number, &address.postcode, &address.city].map(|part| text::fold(part));
        let street = address.street_core();
        let named = !number.is_empty() && street.len() > 2;
        Place {
            street: longer(2, street.rsplit(' ').next().unwrap_or("")),
            door: named.then(|| key([hash(&number), hash(&street)])),
            number: longer(0, &number),
            postcode: longer(0, &postcode),
            city: longer(0, &city),
        }
    }

    /// Its postcode and its city, told apart.
    fn towns(self) -> impl Iterator<Item = u64> {
        [self.postcode.map(|p| key([1, p])), self.city.map(|c| key([2, c]))].into_iter().flatten()
    }
}

impl Places {
    fn of(&self, record: u32) -> impl Iterator<Item = Place> + Clone {
        self.codes.of(record).iter().map(|&code| self.of[code as usize])
    }
}

/// Names of organisations by their own words.
struct Names {
    codes: Arc<CodeLists>,
    /// Of each name its words, in order.
    words: Lists,
    vocabulary: Vec<Vocable>,
    /// Of each name.
    spelled: Vec<Spelled>,
}

/// A word of names.
struct Vocable {
    text: String,
    mark: u64,
    /// How many records have it.
    records: u32,
    sound: Option<u64>,
}

/// A name of an organisation.
struct Spelled {
    /// Its different words in any order.
    words: Option<u64>,
    /// The first letters of its words run together, where there are enough.
    start: Option<u64>,
    shorter_start: Option<u64>,
    initial: Option<u64>,
    acronym: Option<u64>,
    /// The name where it may be an acronym itself.
    as_acronym: Option<u64>,
}

impl Names {
    fn new(coded: &Coded) -> Names {
        let words_of = coded.texts.par_map(organisation::own_words);
        let mut records_of = vec![0u32; words_of.len()];
        for record in 0..coded.codes.len() {
            coded.codes.of(record).iter().for_each(|&code| records_of[code as usize] += 1);
        }
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut vocabulary: Vec<Vocable> = Vec::new();
        let mut words = Lists::default();
        for (name, records) in words_of.iter().zip(records_of) {
            words.push(name.iter().map(|word| {
                let number = *numbers.entry(word).or_insert(vocabulary.len() as u32);
                if number as usize == vocabulary.len() {
                    vocabulary.push(Vocable::new(word));
                }
                vocabulary[number as usize].records += records;
                number
            }));
        }
        let spelled = words_of.par_iter().map(|words| Spelled::of(words)).collect();
        Names { codes: coded.codes.clone(), words, vocabulary, spelled }
    }

    fn spelled(&self, record: u32) -> impl Iterator<Item = &Spelled> {
        self.codes.of(record).iter().map(|&code| &self.spelled[code as usize])
    }

    /// The words that are long enough to tell something.
    fn words(&self, record: u32) -> impl Iterator<Item = &Vocable> {
        let words = self.codes.of(record).iter().flat_map(|&code| self.words.of(code));
        words.map(|&word| &self.vocabulary[word as usize]).filter(|word| word.text.len() > 2)
    }

    /// The two rarest words, which tell a name best: "garage" alone would block half a trade.
    fn rare(&self, record: u32) -> impl Iterator<Item = &Vocable> {
        let mut words: Vec<&Vocable> = self.words(record).collect();
        words.sort_unstable_by_key(|word| (word.records, &word.text));
        words.dedup_by_key(|word| word.mark);
        words.into_iter().take(2)
    }
}

impl Vocable {
    fn new(word: &str) -> Vocable {
        let sound = (word.len() > 2 && word.is_ascii()).then(|| hash(&sound(word)));
        Vocable { text: word.to_owned(), mark: hash(word), records: 0, sound }
    }
}

impl Spelled {
    fn of(words: &[String]) -> Spelled {
        let mut different: Vec<&str> = words.iter().map(String::as_str).collect();
        different.sort_unstable();
        different.dedup();
        let joined = words.concat();
        let acronym: String = words.iter().map(|word| initial(word)).collect();
        let may_be_acronym = words.len() == 1 && (3..6).contains(&joined.len());
        Spelled {
            words: longer(0, &different.join(" ")),
            start: (joined.len() > 3).then(|| hash(start(&joined, 6))),
            shorter_start: longer(0, start(&joined, 5)),
            initial: longer(0, initial(&joined)),
            acronym: longer(2, &acronym),
            as_acronym: may_be_acronym.then(|| hash(&joined)),
        }
    }
}

fn sound(word: &str) -> String {
    if word.is_ascii() { DoubleMetaphone::default().encode(word) } else { String::new() }
}

fn initial(word: &str) -> &str {
    start(word, 1)
}

fn start(word: &str, letters: usize) -> &str {
    word.char_indices().nth(letters).map_or(word, |(end, _)| &word[..end])
}

/// The local part without its tag and the signs that people put in or leave out.
fn local_part(address: &str) -> Option<u64> {
    if email::is_role_mailbox(address) {
        return None;
    }
    let local = address.split(['@', '+']).next().unwrap_or("");
    longer(4, &local.replace(['.', '-', '_'], ""))
}

impl Facets {
    /// The facets of `records`; `people` holds for each the names of persons that its row names beside it.
    pub(super) fn new(records: &CodedRecords<'_>, people: &[Vec<String>]) -> Facets {
        let emails = records.of(&["email"]);
        let websites = records.of(&["website"]);
        let own_host = |address: &str| {
            let host = address.split_once('@').map(|(_, host)| host);
            host.filter(|_| !email::is_freemail(address)).and_then(|host| longer(2, host))
        };
        let numbers = records.of(&["phone", "mobile", "fax"]);
        let addresses = records.of(&["address"]);
        let named = Coded::new(records.len(), |member, add| {
            people.get(member).into_iter().flatten().for_each(|name| add(name));
        });
        Facets {
            first: FirstNames::new(&records.mapped(&["first_name"], text::fold).firsts()),
            last: LastNames::new(
                &records.mapped(&["last_name", "maiden_name"], |name| {
                    text::fold(name).replace(' ', "")
                }),
            ),
            birth: Births::new(&records.of(&["birth_date"]).firsts()),
            locals: Marks::new(&emails, local_part),
            hosts: [
                Marks::new(&websites, |site| longer(2, url::host(site))),
                Marks::new(&emails, own_host),
            ],
            emails: Marks::new(&emails, |address| longer(2, address)),
            phones: Marks::new(&numbers, |number| longer(2, bare_number(number))),
            places: Places {
                codes: addresses.codes.clone(),
                of: addresses.texts.par_map(Place::of),
            },
            codes: Marks::new(&records.codes_in(known_space), |code| Some(hash(code))),
            legal: Marks::new(&records.of(&["siren", "siret", "vat", "iban"]), |number| {
                longer(2, number)
            }),
            names: Names::new(&records.of(&["name", "alias", "company"])),
            people: Marks::new(&named, |name| longer(2, name)),
            others: others(records),
        }
    }
}

fn known_space(place: &table::Place) -> Option<&str> {
    (!place.is_of_unknown_entity()).then_some(place.key_space.as_str())
}

impl Facets {
    /// How many records there are.
    pub(super) fn records(&self) -> usize {
        self.places.codes.len() as usize
    }
}

/// A number without its extension.
fn bare_number(number: &str) -> &str {
    number.split(';').next().unwrap_or(number)
}

fn others(records: &CodedRecords<'_>) -> Vec<[Marks; 2]> {
    let unknown = |name: &&String| name.starts_with("x.") && model::attribute(name).is_none();
    let columns = records.records.columns.keys().filter(unknown);
    columns
        .map(|name| {
            let folded = records.mapped(&[name], text::fold);
            let neighbours = |value: &str| {
                let words: Vec<&str> = value.split(' ').collect();
                let pairs = words.windows(2).map(|pair| key([hash(pair[0]), hash(pair[1])]));
                pairs.collect::<Vec<u64>>()
            };
            [Marks::new(&folded, |value| longer(2, value)), Marks::new(&folded, neighbours)]
        })
        .collect()
}

impl FirstNames {
    fn new(folded: &Coded) -> FirstNames {
        FirstNames {
            whole: Marks::new(folded, |name| longer(1, name)),
            joined: Marks::new(folded, |name| longer(0, &name.replace(' ', ""))),
            initial: Marks::new(folded, |name| longer(0, initial(name))),
            sound: Marks::new(folded, |name| {
                longer(0, &sound(name.split(' ').next().unwrap_or("")))
            }),
            start: Marks::new(folded, |name| longer(0, start(name, 3))),
        }
    }
}

impl LastNames {
    fn new(folded: &Coded) -> LastNames {
        let firsts = folded.firsts();
        LastNames {
            whole: Marks::new(folded, |name| longer(0, name)),
            start: Marks::new(folded, |name| longer(0, start(name, 3))),
            alone: Marks::new(folded, |name| longer(2, name)),
            initial: Marks::new(&firsts, |name| longer(0, initial(name))),
            sound: Marks::new(&firsts, |name| longer(0, &sound(name))),
            longer_sound: Marks::new(&firsts, |name| longer(1, &sound(name))),
            longer_start: Marks::new(&firsts, |name| longer(0, start(name, 4))),
        }
    }
}

impl Births {
    fn new(dates: &Coded) -> Births {
        let parts = |date: &str| {
            // A birthday without its year starts with a dash and has no year to share.
            let parts = date.split_once('-').filter(|(year, _)| year.len() == 4);
            let keys = parts.map(|(year, day)| [key([1, hash(year)]), key([2, hash(day)])]);
            keys.into_iter().flatten()
        };
        Births { date: Marks::new(dates, |date| longer(6, date)), parts: Marks::new(dates, parts) }
    }
}

/// All rules of the pool for records of `kind`, most telling first.
pub(super) fn pool(kind: Kind, facets: &Facets) -> Vec<KeyRule<'_>> {
    let mut rules = vec![
        marked("same email", "email", &facets.emails),
        marked("same legal number", "code", &facets.legal),
        marked("same code in one key space", "code", &facets.codes),
        marked("same phone", "phone", &facets.phones),
    ];
    match kind {
        Kind::Person => rules.extend(person_rules(facets)),
        Kind::Organisation => rules.extend(organisation_rules(facets)),
        Kind::Other => {}
    }
    rules.extend(address_rules(kind, facets));
    for (at, [whole, neighbours]) in facets.others.iter().enumerate() {
        let (column, facet) = (at + 1, format!("column {}", at + 1));
        let name = format!("same value in unknown column {column}");
        rules.push(marked(name, &facet, whole));
        let name = format!("same two neighbouring words in unknown column {column}");
        rules.push(marked(name, &facet, neighbours));
    }
    rules
}

/// A rule whose keys are what the values say by themselves.
fn marked<'f>(name: impl Into<String>, facet: impl Into<String>, marks: &'f Marks) -> KeyRule<'f> {
    KeyRule::new(name, facet, |record, keys| keys.extend(marks.of(record)))
}

/// A rule that needs a name to be right.
fn name_rule<'f>(name: &str, keys: impl Fn(u32, &mut Vec<u64>) + Sync + 'f) -> KeyRule<'f> {
    KeyRule::new(name, "name", keys)
}

fn person_rules(facets: &Facets) -> Vec<KeyRule<'_>> {
    let Facets { first, last, birth, places, names, .. } = facets;
    let towns = |record| places.of(record).flat_map(Place::towns);
    vec![
        name_rule("same first and last name, in either order", |record, keys| {
            if let Some(first) = first.joined.first(record) {
                keys.extend(last.whole.of(record).map(|l| key([first.min(l), first.max(l)])));
            }
        }),
        name_rule("last name that sounds alike, same initial", |record, keys| {
            let first_initial = first.initial.first(record);
            if let (Some(sound), Some(initial)) = (last.longer_sound.first(record), first_initial) {
                keys.push(key([sound, initial]));
                let of_last = last.initial.first(record).unwrap_or(0);
                keys.push(key([first.sound.first(record).unwrap_or(0), of_last]));
            }
        }),
        marked("same local part of the email", "email", &facets.locals),
        marked("same birth date", "birth", &birth.date),
        name_rule("name that sounds alike, same birth year or month", |record, keys| {
            for sound in [&last.sound, &first.sound].into_iter().filter_map(|s| s.first(record)) {
                keys.extend(birth.parts.of(record).map(|part| key([sound, part])));
            }
        }),
        name_rule("last name that sounds alike, same postcode or city", move |record, keys| {
            if let Some(sound) = last.sound.first(record) {
                keys.extend(towns(record).map(|town| key([sound, town])));
            }
        }),
        name_rule("same first name, same postcode or city", move |record, keys| {
            if let Some(first) = first.whole.first(record) {
                keys.extend(towns(record).map(|town| key([first, town])));
            }
        }),
        name_rule("start of the last name and a word of the company", |record, keys| {
            for last in last.start.of(record) {
                keys.extend(names.words(record).map(|word| key([last, word.mark])));
            }
        }),
        marked("last name alone", "name", &last.alone),
    ]
}

fn organisation_rules(facets: &Facets) -> Vec<KeyRule<'_>> {
    let Facets { names, places, .. } = facets;
    vec![
        name_rule("same words in the name", |record, keys| {
            keys.extend(names.spelled(record).filter_map(|name| name.words));
        }),
        KeyRule::new("same web or email domain", "email", |record, keys| {
            keys.extend(facets.hosts.iter().flat_map(|hosts| hosts.of(record)));
        }),
        marked("same person named beside it", "people", &facets.people),
        name_rule("same rare word in the name", |record, keys| {
            keys.extend(names.rare(record).map(|word| word.mark));
        }),
        name_rule("same start of the name", |record, keys| {
            keys.extend(names.spelled(record).filter_map(|name| name.start));
        }),
        name_rule("same acronym", |record, keys| {
            let acronyms = |name: &Spelled| [name.acronym, name.as_acronym];
            keys.extend(names.spelled(record).flat_map(acronyms).flatten());
        }),
        name_rule("word that sounds alike, same postcode or city", |record, keys| {
            for sound in names.words(record).filter_map(|word| word.sound) {
                let places = places.of(record).flat_map(|place| [place.postcode, place.city]);
                keys.extend(places.flatten().map(|place| key([sound, place])));
            }
        }),
    ]
}

fn address_rules(kind: Kind, facets: &Facets) -> Vec<KeyRule<'_>> {
    let places = &facets.places;
    let placeless = placeless(places);
    let mut rules = vec![
        KeyRule::new("same number and street, same postcode or city", "address", |record, keys| {
            for place in places.of(record) {
                let Some(street) = place.street else { continue };
                let door = key([place.number.unwrap_or(0), street]);
                let towns = [place.postcode, place.city].into_iter().flatten();
                keys.extend(towns.map(|town| key([door, town])));
            }
        }),
        KeyRule::new(
            "same number and street, a place is missing",
            "address",
            move |record, keys| {
                let doors = places.of(record).filter_map(|place| place.door);
                keys.extend(doors.filter(|door| placeless.contains(door)));
            },
        ),
        name_rule("same number and street, same start of the name", |record, keys| {
            let of_name = facets.names.spelled(record).find_map(|name| name.initial);
            let Some(name) = facets.last.initial.first(record).or(of_name) else { return };
            let first = facets.first.initial.first(record).unwrap_or(0);
            for place in places.of(record) {
                if let (Some(number), Some(street)) = (place.number, place.street) {
                    keys.push(key([number, street, name]));
                    keys.push(key([number, street, 1, first]));
                }
            }
        }),
    ];
    if kind == Kind::Other {
        rules.push(KeyRule::new("same postcode and city", "address", |record, keys| {
            let towns = places.of(record).map(|place| [place.postcode, place.city]);
            keys.extend(towns.map(|town| key(town.map(|part| part.unwrap_or(0)))));
        }));
    }
    rules
}

/// The numbers and streets that some record gives without a town: only they are worth comparing across
/// towns.
fn placeless(places: &Places) -> HashSet<u64> {
    let nowhere = places.of.iter().filter(|place| place.postcode.is_none() && place.city.is_none());
    nowhere.filter_map(|place| place.door).collect()
}

/// Adds coarse second keys for a record of a block that is too large: several, so that a pair that
/// differs in one still meets in another.
pub(super) fn refinements(facets: &Facets, record: u32, keys: &mut Vec<u64>) {
    let names = facets.names.spelled(record).find_map(|name| name.shorter_start);
    let alone = [
        facets.first.start.first(record),
        facets.last.longer_start.first(record),
        names,
        facets.birth.date.first(record),
    ];
    let places = facets.places.of(record).flat_map(|place| {
        [place.postcode, place.street, place.number, place.city].into_iter().zip(4..)
    });
    for (part, what) in alone.into_iter().zip(0..).chain(places) {
        keys.extend(part.map(|part| key([what, part])));
    }
    keys.sort_unstable();
    keys.dedup();
}
