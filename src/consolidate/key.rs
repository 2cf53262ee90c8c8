//! The codes by which the legacy systems call their customers, and the history that hangs on them.
//!
//! A code means something only within its key space: the system and legal entity that issued it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use strsim::osa_distance;

use crate::{
    table::{
        GoldenHistory, GoldenKey, History, HistoryRow, Kind, Place, Records, Reject, Severity,
    },
    value::{email, organisation, person, text},
};

use super::identity::Entities;

/// The attributes that hold codes.
const CODES: [&str; 2] = ["customer_code", "account_code"];

/// The key space of a table: the source itself where none is declared.
fn key_space(place: &Place) -> &str {
    if place.key_space.is_empty() { &place.source } else { &place.key_space }
}

/// Whether somebody said which key space the codes of the table are of.
fn is_declared(place: &Place) -> bool {
    !place.key_space.is_empty() && place.key_space != place.source
}

/// A code as two ledgers of one system would write it: letters and digits, in capitals.
pub(super) fn code_key(code: &str) -> String {
    let kept = code.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_uppercase).collect()
}

/// Every code of every record, once for each golden record, sorted; of sources that live on (`live`) the declared ids of
/// their rows besides, whose key space is the source. A key is active unless the records that hold it all say otherwise.
pub(crate) fn keys(
    entities: &Entities,
    records: &Records,
    live: &BTreeSet<String>,
) -> Vec<GoldenKey> {
    let mut active: BTreeMap<(&str, &str, &str), bool> = BTreeMap::new();
    for record in 0..records.len() {
        let place = records.place_of(record);
        let golden = entities.of(record as u32);
        let in_use = records.first("active", record) != Some("false");
        let codes = CODES.iter().flat_map(|code| records.values(code, record));
        for code in codes {
            *active.entry((&golden.id, key_space(place), code)).or_default() |= in_use;
        }
        let id = records.keys[record].as_str();
        let is_code = active.contains_key(&(golden.id.as_str(), key_space(place), id));
        if !id.is_empty() && !is_code && live.contains(&place.source) {
            *active.entry((&golden.id, &place.source, id)).or_default() |= in_use;
        }
    }
    let key = |((golden_id, key_space, key), active): ((&str, &str, &str), bool)| GoldenKey {
        golden_id: golden_id.to_owned(),
        key_space: key_space.to_owned(),
        key: key.to_owned(),
        active,
    };
    active.into_iter().map(key).collect()
}

/// Finds golden records by code, by email address or by name; positions in [`Entities::list`].
pub(crate) struct KeyIndex<'a> {
    entities: &'a Entities,
    /// Key space, code: golden records with the number of their records that hold it.
    by_code: HashMap<(&'a str, String), BTreeMap<u32, u32>>,
    /// Code: the key spaces that have it.
    spaces: HashMap<String, BTreeSet<&'a str>>,
    /// Email address: the same.
    by_email: HashMap<&'a str, BTreeMap<u32, u32>>,
    /// Key space, name in the form names are compared in: golden organisations.
    by_name: HashMap<(&'a str, String), BTreeSet<u32>>,
    /// For each golden record with a code or an email address the words it is called by, sorted.
    words: HashMap<u32, Vec<String>>,
    /// Name in the form names are compared in: the one golden record of that name, none where several have it.
    by_name_alone: HashMap<String, Option<u32>>,
}

impl<'a> KeyIndex<'a> {
    /// Indexes the codes and names of clean `records`, and with `history` the addresses too.
    pub(crate) fn new(entities: &'a Entities, records: &'a Records, history: bool) -> KeyIndex<'a> {
        let mut index = KeyIndex {
            entities,
            by_code: HashMap::new(),
            spaces: HashMap::new(),
            by_email: HashMap::new(),
            by_name: HashMap::new(),
            words: HashMap::new(),
            by_name_alone: HashMap::new(),
        };
        for record in 0..records.len() {
            let golden = entities.of_record[record];
            let space = key_space(records.place_of(record));
            let mut has_code = false;
            // What stands for nobody finds nobody.
            let is_known = !records.place_of(record).is_of_unknown_entity();
            let codes = CODES.iter().filter(|_| is_known);
            for code in codes.flat_map(|code| records.values(code, record)) {
                has_code = true;
                let code = code_key(code);
                index.spaces.entry(code.clone()).or_default().insert(space);
                *index.by_code.entry((space, code)).or_default().entry(golden).or_default() += 1;
            }
            for address in records.values("email", record).filter(|_| history) {
                *index.by_email.entry(address).or_default().entry(golden).or_default() += 1;
            }
            if has_code && records.kinds[record] == Kind::Organisation {
                for name in records.values("name", record) {
                    let name = organisation::words(name).join(" ");
                    index.by_name.entry((space, name)).or_default().insert(golden);
                }
            }
        }
        if !history {
            return index;
        }
        let keyed: BTreeSet<u32> = (index.by_code.par_iter())
            .flat_map_iter(|(_, found)| found.keys().copied())
            .chain(index.by_email.par_iter().flat_map_iter(|(_, found)| found.keys().copied()))
            .collect();
        let keyed: Vec<u32> = keyed.into_iter().collect();
        let words =
            |&at: &u32| (at, super::relation::name_words(&entities.list[at as usize], records));
        index.words = keyed.par_iter().map(words).collect();
        index
    }

    /// Indexes the names of all golden records, for rows of history that name their customer and have no key of it.
    pub(crate) fn learn_names(&mut self, records: &Records) {
        for record in 0..records.len() {
            let golden = self.entities.of_record[record];
            let names: BTreeSet<String> = match records.kinds[record] {
                Kind::Person => person_name_of(records, record).into_iter().collect(),
                _ => (["name", "alias"].into_iter())
                    .flat_map(|attribute| records.values(attribute, record))
                    .map(|name| organisation::words(name).join(" "))
                    .collect(),
            };
            for name in names.into_iter().filter(|name| name.len() >= SHORTEST_NAME) {
                let holder = self.by_name_alone.entry(name).or_insert(Some(golden));
                *holder = holder.filter(|&other| other == golden);
            }
        }
    }

    /// The golden record that alone is called so, read as the name of an organisation and as that of a person.
    fn called_alone(&self, name: &str) -> Option<u32> {
        let read = person::split(name);
        let whole = [organisation::words(name).join(" "), person_key(&read.first, &read.last)];
        let holders = whole.iter().filter_map(|name| self.by_name_alone.get(name)).copied();
        let holders: BTreeSet<u32> = holders.collect::<Option<_>>()?;
        only(holders.into_iter())
    }

    /// The organisation that a `parent` cell of a row of `place` speaks of.
    pub(crate) fn payer(&self, cell: &str, place: &Place) -> Option<u32> {
        let space = key_space(place);
        let by_code = self.by_code.get(&(space, code_key(cell)));
        let organisation = |at: &u32| self.entities.list[*at as usize].kind == Kind::Organisation;
        if let Some(found) = by_code {
            return only(found.keys().copied().filter(organisation));
        }
        let name = organisation::words(cell).join(" ");
        only(self.by_name.get(&(space, name))?.iter().copied())
    }

    /// The golden record that a history row of `place` hangs on.
    ///
    /// The row's own name decides among several, and refuses one that it shares no word with. Where neither
    /// key space nor name tells which of several customers a code means, it hangs on nobody. A row without a key hangs on
    /// the one golden record of all that has its name.
    fn customer<'s>(&'s self, row: &HistoryRow, place: &'s Place) -> Result<u32, Orphan> {
        if row.key.is_empty() {
            return self.called_alone(&row.name).ok_or(Orphan::NoKey);
        }
        let by_email = &*row.key_attribute == "email";
        let found: Vec<&BTreeMap<u32, u32>> = if by_email {
            let address = email::normalize(&row.key).into_iter().flatten().next();
            let address = address.unwrap_or_else(|| row.key.trim().to_lowercase());
            self.by_email.get(address.as_str()).into_iter().collect()
        } else {
            self.with_code(&code_key(&row.key), place)
        };
        let several_spaces = found.len() > 1;
        let mut candidates: BTreeMap<u32, u32> = BTreeMap::new();
        for (&golden, &records) in found.into_iter().flatten() {
            *candidates.entry(golden).or_default() += records;
        }
        if candidates.is_empty() {
            return Err(Orphan::UnknownKey);
        }
        let called = called(&row.name);
        let words = |at: u32| self.words.get(&at).map_or(&[][..], Vec::as_slice);
        let common =
            |at: u32| called.iter().filter(|word| words(at).binary_search(word).is_ok()).count();
        let fits = |&(at, _, common): &(u32, u32, usize)| {
            called.is_empty() || common > 0 || words(at).is_empty()
        };
        let mut fitting: Vec<(u32, u32, usize)> =
            candidates.into_iter().map(|(at, records)| (at, records, common(at))).collect();
        match fitting.iter().any(fits) {
            true => fitting.retain(fits),
            false => fitting.retain(|&(at, ..)| is_misspelled(&called, words(at))),
        }
        // An account is rather an organisation, a mailbox rather a person.
        let best = fitting.iter().max_by_key(|&&(at, records, common)| {
            let organisation = self.entities.list[at as usize].kind == Kind::Organisation;
            (common, organisation != by_email, records, std::cmp::Reverse(at))
        });
        let &(at, _, common) = best.ok_or(Orphan::OtherName)?;
        let as_good = fitting.iter().filter(|(_, _, other)| *other == common).count();
        if several_spaces && as_good > 1 { Err(Orphan::SeveralKeySpaces) } else { Ok(at) }
    }

    /// The golden records with this code in the key space of `place`; where the table declares none
    /// and has no customers of its own, in any key space.
    fn with_code<'s>(&'s self, code: &str, place: &'s Place) -> Vec<&'s BTreeMap<u32, u32>> {
        let own = self.by_code.get(&(key_space(place), code.to_owned()));
        if own.is_some() || is_declared(place) {
            return own.into_iter().collect();
        }
        let spaces = self.spaces.get(code).into_iter().flatten();
        spaces.filter_map(|space| self.by_code.get(&(*space, code.to_owned()))).collect()
    }
}

/// Why a row of history hangs on nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Orphan {
    /// It names no customer.
    NoKey,
    /// No customer has its code or email address.
    UnknownKey,
    /// The customers with its code or email address are called otherwise.
    OtherName,
    /// Its code is one of several key spaces, and it does not say of which.
    SeveralKeySpaces,
}

impl Orphan {
    /// The code of the reject, what is wrong, and what can be done.
    fn told(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Orphan::NoKey => (
                "no_key",
                "no code or email address names a customer, nor a name that one alone has",
                "complete it in the source, or leave it",
            ),
            Orphan::UnknownKey => (
                "unknown_key",
                "no customer has this code or email address",
                "add the export of the customers that it is of, or look at `key_space`",
            ),
            Orphan::OtherName => (
                "key_of_another_name",
                "the customers with this code or email address are called otherwise",
                "correct the code, or look at `key_space`",
            ),
            Orphan::SeveralKeySpaces => (
                "key_of_several",
                "several key spaces have this code for different customers",
                "write the `key_space` of the source, or its `legal_entity`",
            ),
        }
    }
}

/// Letters of a name at least by which a golden record is found: less may be anybody's.
const SHORTEST_NAME: usize = 4;

/// The name of a record of a person in the form in which whole names are compared; none where a part of it is missing.
fn person_name_of(records: &Records, record: usize) -> Option<String> {
    let part = |attribute| records.first(attribute, record);
    let (first, last) = part("first_name").zip(part("last_name"))?;
    Some(person_key(first, last)).filter(|name| !name.is_empty())
}

/// First and last name in either order; empty where one is missing or an initial.
fn person_key(first: &str, last: &str) -> String {
    let (first, last) = (text::fold(first), text::fold(last));
    if first.len() < 2 || last.len() < 2 {
        return String::new();
    }
    let mut words: Vec<&str> = first.split(' ').chain(last.split(' ')).collect();
    words.sort_unstable();
    words.join(" ")
}

/// Whether some row names its customer and has no key of it.
pub(crate) fn names_alone(history: &[History]) -> bool {
    history
        .iter()
        .flat_map(|table| &table.rows)
        .any(|row| row.key.is_empty() && !row.name.is_empty())
}

/// The words of a customer's name in a history row, of whichever kind it is.
fn called(name: &str) -> Vec<String> {
    let mut words = organisation::words(name);
    words.extend(text::fold(name).split(' ').map(str::to_owned));
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    words.dedup();
    words
}

/// Whether two names that share no word are one with a slip in each: `BERNARD ANISSA` and `BERNARF ANNISSA`. With one
/// code they are hardly two customers.
fn is_misspelled(called: &[String], known: &[String]) -> bool {
    /// Words that are long enough to be known again with a letter wrong.
    const LONG: usize = 5;
    let mut long = called.iter().filter(|word| word.len() >= LONG).peekable();
    let is_known = |word: &String| {
        known.iter().any(|other| other.len() >= LONG && osa_distance(word, other) == 1)
    };
    long.peek().is_some() && long.all(is_known)
}

fn only(mut found: impl Iterator<Item = u32>) -> Option<u32> {
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Every history row with the golden record it hangs on, in the order of the tables and their rows:
/// for each table of `history` the positions in [`Entities::list`].
pub(crate) fn attach(
    history: &[History],
    places: &[Place],
    index: &KeyIndex<'_>,
) -> Vec<Vec<Result<u32, Orphan>>> {
    let table = |h: &History| {
        let place = &places[h.place as usize];
        h.rows.par_iter().map(|row| index.customer(row, place)).collect()
    };
    history.iter().map(table).collect()
}

/// Rows of one table that hang on nobody for the same reason and key: the first of them, its header of the
/// key's column, and all of them.
struct Orphans<'a> {
    row: u32,
    column: &'a str,
    rows: Vec<u32>,
}

impl Orphans<'_> {
    /// What became of them.
    fn fate(&self) -> String {
        /// So many rows are named; all stand in `golden/history.csv`, without a golden record.
        const NAMED: usize = 10;
        let mut others: Vec<u32> =
            self.rows.iter().copied().filter(|row| *row != self.row).collect();
        others.sort_unstable();
        let mut named: Vec<String> = others.iter().take(NAMED).map(u32::to_string).collect();
        if others.len() > NAMED {
            named.push("...".into());
        }
        let named = named.join(", ");
        match others.len() {
            0 => "the row hangs on nobody".into(),
            1 => format!("this row and another one ({named}) hang on nobody"),
            others => format!("this row and {others} others ({named}) hang on nobody"),
        }
    }
}

/// A reject for each key of a table whose rows of history hang on nobody, at the first of them, sorted; of a row
/// whose legal entity nothing tells that is told already. A missing table of customers would else give a reject
/// for each of a million invoices.
pub(crate) fn orphans(
    history: &[History],
    places: &[Place],
    attached: &[Vec<Result<u32, Orphan>>],
) -> Vec<Reject> {
    let mut told: BTreeMap<(&str, &str, &str, Orphan, &str), Orphans<'_>> = BTreeMap::new();
    for (table, found) in history.iter().zip(attached) {
        let place = &places[table.place as usize];
        for (row, orphan) in table.rows.iter().zip(found) {
            let Err(orphan) = orphan else { continue };
            let has_code = !row.key.is_empty() && &*row.key_attribute != "email";
            if has_code && place.is_of_unknown_entity() {
                continue;
            }
            let column = row.key_column.and_then(|at| table.header.get(at as usize));
            let column = column.map_or("", String::as_str);
            let key = (&*place.source, &*place.file, &*place.sheet, *orphan, &*row.key);
            let first = Orphans { row: row.row, column, rows: Vec::new() };
            let orphans = told.entry(key).or_insert(first);
            orphans.rows.push(row.row);
            if row.row < orphans.row {
                (orphans.row, orphans.column) = (row.row, column);
            }
        }
    }
    let reject = |((source, file, sheet, orphan, key), rows): (_, Orphans<'_>)| {
        let (source, file, sheet): (&str, &str, &str) = (source, file, sheet);
        let (orphan, key): (Orphan, &str) = (orphan, key);
        let (code, message, suggestion) = orphan.told();
        Reject {
            source: source.to_owned(),
            file: file.to_owned(),
            sheet: sheet.to_owned(),
            row: Some(rows.row),
            column: rows.column.to_owned(),
            code: code.to_owned(),
            severity: Severity::Cell,
            message: format!("{message}: {}", rows.fate()),
            suggestion: suggestion.to_owned(),
            raw: key.to_owned(),
        }
    };
    let mut rejects: Vec<Reject> = told.into_iter().map(reject).collect();
    rejects.sort_unstable();
    rejects
}

/// The lines of `golden/history.csv`: one for each row, sorted by file, sheet and row; and for each table and row the
/// position of its line.
pub(crate) fn lines(
    history: &[History],
    places: &[Place],
    attached: &[Vec<Result<u32, Orphan>>],
    entities: &Entities,
) -> (Vec<GoldenHistory>, Vec<Vec<u32>>) {
    let mut lines = Vec::new();
    for (table_at, (table, golden)) in history.iter().zip(attached).enumerate() {
        let place = &places[table.place as usize];
        let line = |(row_at, (row, at)): (usize, (&HistoryRow, &Result<u32, Orphan>))| {
            let golden_id =
                at.map_or_else(|_| String::new(), |at| entities.list[at as usize].id.clone());
            let line = GoldenHistory {
                file: place.file.clone(),
                sheet: place.sheet.clone(),
                row: row.row,
                kind: table.kind.clone(),
                key: row.key.clone(),
                golden_id,
                date: row.date.clone(),
                amount: row.amount.clone(),
                currency: row.currency.clone(),
            };
            (line, table_at, row_at)
        };
        lines.extend(table.rows.iter().zip(golden).enumerate().map(line));
    }
    lines.sort_unstable();
    let mut at: Vec<Vec<u32>> = history.iter().map(|table| vec![0; table.rows.len()]).collect();
    for (position, (_, table, row)) in (0..).zip(&lines) {
        at[*table][*row] = position;
    }
    (lines.into_iter().map(|(line, ..)| line).collect(), at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consolidate::notation::{clusters, records};

    /// For each row `key space attribute key name` the first record of the golden record it hangs on.
    fn attached(people: &str, cluster: &[u32], rows: &str) -> Vec<String> {
        let records = records(people);
        let entities = Entities::of_first_run(&records, &clusters(cluster));
        let mut index = KeyIndex::new(&entities, &records, true);
        index.learn_names(&records);
        let row = |line: &str| {
            let words: Vec<String> = line.split(' ').map(|w| w.replace('_', " ")).collect();
            let place = place(words[0].trim_matches('-'));
            let mut row = history_row(2, &words[2], &words[1]);
            row.name = words.get(3).cloned().unwrap_or_default();
            let found = index.customer(&row, &place);
            found.map_or_else(orphan_mark, |at| entities.list[at as usize].members[0].to_string())
        };
        rows.split("; ").map(row).collect()
    }

    fn place(key_space: &str) -> Place {
        Place {
            source: "history".into(),
            file: "h.csv".into(),
            key_space: key_space.to_owned(),
            ..Place::default()
        }
    }

    fn history_row(row: u32, key: &str, attribute: &str) -> HistoryRow {
        HistoryRow {
            row,
            key: key.to_owned(),
            key_attribute: attribute.into(),
            key_column: Some(1),
            name: String::new(),
            date: String::new(),
            amount: String::new(),
            currency: String::new(),
            cells: vec![key, key].into(),
        }
    }

    fn orphan_mark(orphan: Orphan) -> String {
        match orphan {
            Orphan::SeveralKeySpaces => "?".into(),
            _ => "-".into(),
        }
    }

    #[test]
    fn a_code_of_several_key_spaces_stands_for_nobody_unless_the_name_tells() {
        let people = "a@L1 O name=Mistral account_code=C1; b@L2 O name=Dupont account_code=C1; \
                      b@L2 O name=Levant account_code=C2";
        let rows = "- account_code C1; - account_code C1 Dupont; - account_code C2; - account_code C1 Petit";
        assert_eq!(attached(people, &[0, 1, 2], rows), ["?", "1", "2", "-"]);
        // One customer of both companies under one code.
        let both = "a@L1 O name=Mistral account_code=C1; b@L2 O name=Mistral account_code=C1";
        assert_eq!(attached(both, &[0, 0], "- account_code C1"), ["0"]);
    }

    #[test]
    fn a_code_counts_in_its_own_key_space() {
        let people = "a@L1 O name=Mistral account_code=C1; b@L2 O name=Dupont account_code=C1";
        let rows =
            "L1 account_code C1; L2 account_code C1; L3 account_code C1; L1 customer_code c-1";
        assert_eq!(attached(people, &[0, 1], rows), ["0", "1", "-", "0"]);
    }

    #[test]
    fn the_name_chooses_among_several_and_refuses_a_stranger() {
        let people = "a@L1 O name=Mistral account_code=C1; b@L1 O name=Dupont account_code=C1";
        let rows =
            "L1 account_code C1 DUPONT_SARL; L1 account_code C1 Martin; L1 account_code C1 Mistral";
        assert_eq!(attached(people, &[0, 1], rows), ["1", "-", "0"]);
    }

    #[test]
    fn a_table_without_a_key_space_is_matched_where_the_code_and_the_name_agree() {
        let people = "a@L1 O name=Mistral account_code=C1; b@L2 O name=Dupont account_code=C1";
        let rows = "- account_code C1 Dupont; - account_code C2 Dupont";
        assert_eq!(attached(people, &[0, 1], rows), ["1", "-"]);
    }

    #[test]
    fn a_row_without_a_key_hangs_on_the_one_golden_record_of_its_name() {
        let index_of = |people: &str, cluster: &[u32], name: &str| {
            let records = records(people);
            let entities = Entities::of_first_run(&records, &clusters(cluster));
            let mut index = KeyIndex::new(&entities, &records, true);
            index.learn_names(&records);
            let mut row = history_row(2, "", "customer_code");
            row.name = name.to_owned();
            let found = index.customer(&row, &place("L9"));
            found.map_or_else(orphan_mark, |at| entities.list[at as usize].members[0].to_string())
        };
        let people = "a O name=Laurent_et_Fils; b O name=LAURENT_ET_FILS_SA; a P first_name=François last_name=Gibert; \
                      a O name=Levant; b O name=Levant; a P first_name=Anne last_name=Roy; a O name=Anne_Roy";
        let found = |name: &str| index_of(people, &[0, 0, 2, 3, 4, 5, 6], name);
        assert_eq!([found("SA Laurent et Fils"), found("M. GIBERT François")], ["0", "2"]);
        // The name of two, that of a person and of an organisation, a part of a name, and none.
        let unknown = ["Levant", "Anne Roy", "Gibert", ""].map(found);
        assert_eq!(unknown, ["-", "-", "-", "-"]);
    }

    #[test]
    fn a_slip_in_each_word_of_a_name_is_no_other_customer() {
        let words = |name: &str| called(name);
        let is_one = |one: &str, other: &str| is_misspelled(&words(one), &words(other));
        assert!(is_one("BERNARD ANISSA", "BERNARF ANNISSA"));
        assert!(!is_one("BERNARD ANISSA", "BERNARF SYLVIE"));
        assert!(!is_one("DUPONT", "DURAND") && !is_one("ROY", "ROI") && !is_one("", "DUPONT"));
    }

    #[test]
    fn a_mailbox_is_rather_a_person_and_an_account_an_organisation() {
        let people = "a@L1 O name=Mistral email=x@y.fr account_code=C1; a@L1 P last_name=Petit email=x@y.fr account_code=C1";
        assert_eq!(attached(people, &[0, 1], "L1 email X@y.fr; L1 account_code C1"), ["1", "0"]);
    }

    #[test]
    fn a_key_is_inactive_when_every_record_of_it_says_so() {
        let records = records(
            "a@L1 O account_code=C1 active=false; a O customer_code=C2; a@L1 O account_code=C1 active=true",
        );
        let entities = Entities::of_first_run(&records, &clusters(&[0, 1, 0]));
        let shown: Vec<String> = keys(&entities, &records, &BTreeSet::new())
            .iter()
            .map(|k| format!("{} {} {}", k.key_space, k.key, k.active))
            .collect();
        assert_eq!(shown, ["L1 C1 true", "a C2 true"]);
    }

    #[test]
    fn the_rows_of_one_key_are_told_once_at_the_first_of_them() {
        let keys = ["C9", "", "C9", "C8", "C9", ""];
        let rows = keys.iter().zip(2..).map(|(key, row)| history_row(row, key, "account_code"));
        let table = History {
            kind: "invoice".into(),
            place: 0,
            header: vec!["N°".into(), "Client".into()],
            rows: rows.collect(),
        };
        let found =
            keys.map(|key| Err(if key.is_empty() { Orphan::NoKey } else { Orphan::UnknownKey }));
        let told: Vec<String> = orphans(&[table], &[place("L1")], &[found.to_vec()])
            .iter()
            .map(|r| format!("{} {} {} {}", r.row.unwrap_or(0), r.column, r.code, r.message))
            .collect();
        assert_eq!(
            told,
            [
                "2 Client unknown_key no customer has this code or email address: this row and 2 others (4, 6) hang on nobody",
                "3 Client no_key no code or email address names a customer, nor a name that one alone has: this row and another one (7) hang on nobody",
                "5 Client unknown_key no customer has this code or email address: the row hangs on nobody",
            ]
        );
    }
}
