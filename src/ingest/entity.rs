//! Which of the selling legal entities issued the customer code of a row, where a column names it.
//!
//! Two companies of one group sell by one system, or export into one file: `C00012` is one customer of the
//! first and another one of the second, and only `Société` beside the code says which is meant. Whether a
//! column does so is measured: the codes beside each of its values must be those of one key space. Its
//! header counts for nothing.

use std::collections::{BTreeMap, BTreeSet};

use csv::StringRecord;
use serde::{Deserialize, Serialize};

use super::{
    columns::{Class, Understood, hash},
    mapping,
};
use crate::{
    table::{History, HistoryRow, Place, RecordsBuilder},
    value::text::fold,
};

/// The `legal_entity` of a source: the column that names the company whose customer code a row has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LegalEntity {
    /// The header of the column.
    pub column: String,
    /// For each value of the column the key space of that company's codes. Case, accents and marks of a
    /// value do not count.
    pub key_spaces: BTreeMap<String, String>,
}

impl LegalEntity {
    /// Values that are written differently, are one all the same, and have different key spaces.
    pub fn contradictions(&self) -> Vec<(&str, &str)> {
        let mut first: BTreeMap<String, (&str, &str)> = BTreeMap::new();
        let mut found = Vec::new();
        for (value, space) in &self.key_spaces {
            let (known, of) = *first.entry(fold(value)).or_insert((value, space));
            if of != space {
                found.push((known, value.as_str()));
            }
        }
        found
    }
}

/// The place of each row of a table: rows of one key space share one.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    column: Option<usize>,
    header: String,
    of_value: BTreeMap<String, u32>,
    /// Of rows that name none of the entities.
    other: u32,
}

impl Places {
    /// Registers the places of a table with this header; `place` is that of rows without a named entity.
    pub(super) fn register(
        entity: Option<&LegalEntity>,
        header: &[String],
        mut place: Place,
        builder: &mut RecordsBuilder,
    ) -> Places {
        let Some(entity) = entity else {
            let (column, header, of_value) = (None, String::new(), BTreeMap::new());
            return Places { column, header, of_value, other: builder.place(place) };
        };
        let mut of_space: BTreeMap<&str, u32> = BTreeMap::new();
        let mut of_value = BTreeMap::new();
        for (value, space) in &entity.key_spaces {
            let at = *of_space.entry(space).or_insert_with(|| {
                builder.place(Place { key_space: space.clone(), ..place.clone() })
            });
            of_value.insert(fold(value), at);
        }
        if place.key_space.is_empty() {
            place.key_space = Place::unknown_key_space(&place.source);
        }
        let column = mapping::position(header, std::slice::from_ref(&entity.column));
        let header = column.map_or(&entity.column, |at| &header[at]).clone();
        Places { column, header, of_value, other: builder.place(place) }
    }

    /// The place of rows that name no entity: that of the table.
    pub(super) fn of_table(&self) -> u32 {
        self.other
    }

    /// The place of a row.
    pub(super) fn of<'c>(&self, cell: impl Fn(usize) -> Option<&'c str>) -> u32 {
        let named = self.column.and_then(cell).map(fold);
        named.and_then(|value| self.of_value.get(&value).copied()).unwrap_or(self.other)
    }

    /// The column that names the entity: its position and its header.
    pub(super) fn column(&self) -> Option<(usize, &str)> {
        Some((self.column?, &self.header))
    }

    /// A related table, apart by the places of its rows.
    pub(super) fn split(&self, history: History) -> Vec<History> {
        if self.column.is_none() {
            return vec![History { place: self.other, ..history }];
        }
        let mut rows: BTreeMap<u32, Vec<HistoryRow>> = BTreeMap::new();
        for row in history.rows {
            let place = self.of(|at| row.cells.get(at));
            rows.entry(place).or_default().push(row);
        }
        let part = |(place, rows)| History {
            kind: history.kind.clone(),
            header: history.header.clone(),
            place,
            rows,
        };
        rows.into_iter().map(part).collect()
    }
}

/// Customer codes, each with the words of the names it stands for.
pub type Codes = BTreeMap<String, BTreeSet<String>>;

/// The same, borrowed.
pub type CodesOf<'c> = BTreeMap<&'c str, BTreeSet<&'c str>>;

/// Most different values that a column of entities has: a group of companies, not a list of customers.
const MOST_ENTITIES: u32 = 20;

/// Codes that are kept for each value of a column: enough to see a share of one percent.
const SAMPLE_CODES: usize = 2_000;

/// Whether a column may name the entity, as far as it tells by itself: few values, neither dates nor
/// contact points.
pub fn may_name_entity(column: &Understood) -> bool {
    let few = (2..=MOST_ENTITIES).contains(&column.content.distinct);
    let no_name = [Class::Empty, Class::Email, Class::Url, Class::Phone, Class::Date];
    few && !no_name.contains(&column.content.class())
}

/// For each value of some columns the codes that stand beside it: a sample that does not depend on the
/// order of the rows.
#[derive(Debug, Clone, Default)]
pub struct CodesByValue {
    columns: BTreeMap<usize, BTreeMap<String, Sampled>>,
}

/// Codes with the words of their names, by the hash of the code.
type Sampled = BTreeMap<u64, (String, BTreeSet<String>)>;

impl CodesByValue {
    /// Takes a row into account: its `codes`, the `words` of its names, and the values of `columns`.
    pub fn add(
        &mut self,
        columns: &[usize],
        cells: &StringRecord,
        codes: &[&str],
        words: &BTreeSet<String>,
    ) {
        for &at in columns {
            let value = cells.get(at).unwrap_or("").trim();
            if value.is_empty() {
                continue;
            }
            let values = self.columns.entry(at).or_default();
            // The sample of rows had few values: a table that goes on with many names no entities.
            if values.len() > MOST_ENTITIES as usize && !values.contains_key(value) {
                continue;
            }
            let sampled = values.entry(value.to_owned()).or_default();
            for code in codes {
                let known = sampled.entry(hash(code)).or_default();
                (*code).clone_into(&mut known.0);
                known.1.extend(words.iter().cloned());
                if sampled.len() > SAMPLE_CODES {
                    sampled.pop_last();
                }
            }
        }
    }

    /// Adds what another table of the same header says.
    pub fn merge(&mut self, other: &CodesByValue) {
        for (at, values) in &other.columns {
            for (value, codes) in values {
                let own = self.columns.entry(*at).or_default().entry(value.clone()).or_default();
                for (hash, (code, words)) in codes {
                    let known = own.entry(*hash).or_default();
                    known.0.clone_from(code);
                    known.1.extend(words.iter().cloned());
                }
            }
        }
    }

    /// Keeps only some codes.
    pub fn retain(&mut self, keeps: impl Fn(&str) -> bool) {
        let values = self.columns.values_mut().flat_map(BTreeMap::values_mut);
        values.for_each(|codes| codes.retain(|_, (code, _)| keeps(code)));
    }

    /// The column that tells the key space, if one does: its position, and for each of its values the
    /// key space, as a position in `spaces`.
    ///
    /// `known` are values that tell it in other tables, folded, with their key space: of them fewer codes are
    /// proof enough.
    pub fn told_by(
        &self,
        spaces: &[CodesOf<'_>],
        known: &BTreeMap<String, usize>,
    ) -> Option<EntityColumn> {
        let tells =
            |(&at, values): (&usize, &BTreeMap<_, _>)| column_tells(at, values, spaces, known);
        // Of a column with more values only the first are kept: which, depends on the order of the rows.
        let few = self.columns.iter().filter(|(_, values)| values.len() <= MOST_ENTITIES as usize);
        let told = few.filter_map(tells);
        told.max_by_key(|told| (told.codes(), std::cmp::Reverse(told.column)))
    }
}

/// A column that tells of which key space a row's code is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityColumn {
    /// Its position.
    pub column: usize,
    /// Its values that are told, as written, in their order.
    pub values: Vec<EntityValue>,
    /// Its values that are not.
    pub untold: Vec<String>,
}

/// A value that stands for one key space, and what was measured to say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityValue {
    /// As written.
    pub value: String,
    /// The key space, as a position in what was compared.
    pub space: usize,
    /// Codes beside the value.
    pub codes: usize,
    /// Of them, those that stand in the key space, their names agreeing where both have one.
    pub shared: usize,
    /// Of these, those that speak for no other key space.
    pub alone: usize,
}

impl EntityColumn {
    fn codes(&self) -> usize {
        self.values.iter().map(|value| value.codes).sum()
    }
}

/// Whether the values of one column are each of one key space, and together of several.
fn column_tells(
    column: usize,
    values: &BTreeMap<String, Sampled>,
    spaces: &[CodesOf<'_>],
    known: &BTreeMap<String, usize>,
) -> Option<EntityColumn> {
    let mut told = EntityColumn { column, values: Vec::new(), untold: Vec::new() };
    let mut open: Vec<(&String, Common)> = Vec::new();
    for (value, codes) in values {
        let common = Common::of(codes, spaces);
        match common.space(known.get(&fold(value)).copied()) {
            Some(space) => told.values.push(common.told(value, space)),
            None => open.push((value, common)),
        }
    }
    let proved = told.values.clone();
    for (value, common) in open {
        match common.only_other(&proved) {
            Some(space) => told.values.push(common.told(value, space)),
            None => told.untold.push(value.clone()),
        }
    }
    told.values.sort_by(|a, b| a.value.cmp(&b.value));
    let untold: usize = told.untold.iter().map(|value| values[value].len()).sum();
    let several = told.values.iter().any(|value| value.space != told.values[0].space);
    // Nineteen codes in twenty must stand beside a value that is told.
    (several && untold * 20 <= told.codes() + untold).then_some(told)
}

/// What the codes beside one value have in common with those of each key space.
struct Common {
    /// Codes beside the value.
    codes: usize,
    /// For each key space those that stand in it, their names agreeing where both have one.
    shared: Vec<usize>,
    /// Of these, those that speak for no other key space.
    alone: Vec<usize>,
}

impl Common {
    fn of(codes: &Sampled, spaces: &[CodesOf<'_>]) -> Common {
        let mut shared = vec![0; spaces.len()];
        let mut alone = vec![0; spaces.len()];
        for (code, words) in codes.values() {
            let speaks = |space: &CodesOf<'_>| {
                space.get(code.as_str()).is_some_and(|known| {
                    known.is_empty()
                        || words.is_empty()
                        || words.iter().any(|word| known.contains(word.as_str()))
                })
            };
            let for_spaces: Vec<usize> =
                (0..spaces.len()).filter(|&at| speaks(&spaces[at])).collect();
            for_spaces.iter().for_each(|&at| shared[at] += 1);
            if let [only] = for_spaces[..] {
                alone[only] += 1;
            }
        }
        Common { codes: codes.len(), shared, alone }
    }

    /// The key space that the codes speak for.
    ///
    /// Only codes that speak for a single key space tell it; of these nine in ten must agree, and half of all
    /// codes must be known there: history also names customers who are gone.
    fn space(&self, known: Option<usize>) -> Option<usize> {
        // Two codes in one place may be chance, unless the value is known from elsewhere.
        const LEAST_ALONE: usize = 3;
        let Common { codes, shared, alone } = self;
        let best = (0..shared.len()).max_by_key(|&at| (alone[at], shared[at], usize::MAX - at))?;
        let telling: usize = alone.iter().sum();
        let best = known.filter(|&at| alone[at] == alone[best]).unwrap_or(best);
        let sure = (alone[best] >= LEAST_ALONE || known == Some(best))
            && alone[best] * 10 >= telling * 9
            && shared[best] * 2 >= *codes;
        sure.then_some(best)
    }

    /// The one key space that can have issued the codes when those of the `others`, which are proved, cannot: of
    /// their codes many stand nowhere else, and of these none does.
    fn only_other(&self, others: &[EntityValue]) -> Option<usize> {
        /// What chance may have done, at most.
        const BY_CHANCE: f64 = 0.01;
        /// Fewer codes prove nothing by what they are not.
        const LEAST_CODES: usize = 5;
        let cannot = |space: usize| {
            let of_space = || others.iter().filter(|other| other.space == space);
            let alone: usize = of_space().map(|other| other.alone).sum();
            let codes: usize = of_space().map(|other| other.codes).sum();
            // As if two more codes stood elsewhere: three of three prove less than thirty of thirty.
            let elsewhere = 1.0 - alone as f64 / (codes + 2) as f64;
            self.alone[space] == 0 && elsewhere.powi(self.codes as i32) < BY_CHANCE
        };
        let may = |&at: &usize| self.shared[at] * 2 >= self.codes && !cannot(at);
        let mut left = (0..self.shared.len()).filter(may);
        let (Some(space), None) = (left.next(), left.next()) else { return None };
        let known = self.codes >= LEAST_CODES && self.shared[space] * 10 >= self.codes * 9;
        (known && !others.is_empty()).then_some(space)
    }

    fn told(&self, value: &str, space: usize) -> EntityValue {
        EntityValue {
            value: value.to_owned(),
            space,
            codes: self.codes,
            shared: self.shared[space],
            alone: self.alone[space],
        }
    }
}

/// Whether codes are of several of these key spaces, so that none can be said to have issued them all: three
/// of them, and one in twenty, speak for another one only than the most do.
pub fn are_of_several(codes: &CodesOf<'_>, spaces: &[CodesOf<'_>]) -> bool {
    let mut alone = vec![0_usize; spaces.len()];
    for (code, words) in codes {
        let speaks = |space: &&CodesOf<'_>| {
            space.get(code).is_some_and(|known| {
                known.is_empty() || words.is_empty() || !words.is_disjoint(known)
            })
        };
        let mut found = spaces.iter().enumerate().filter(|(_, space)| speaks(space));
        if let (Some((at, _)), None) = (found.next(), found.next()) {
            alone[at] += 1;
        }
    }
    let most = alone.iter().max().copied().unwrap_or_default();
    let others = alone.iter().sum::<usize>() - most;
    others >= 3 && others * 20 >= most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes<'c>(notation: &'c str) -> CodesOf<'c> {
        let one = |word: &'c str| {
            let (code, name) = word.split_once('=').unwrap_or((word, ""));
            (code, name.split('+').filter(|n| !n.is_empty()).collect())
        };
        notation.split_whitespace().map(one).collect()
    }

    /// Rows `value value ... code[=name]`, one a line.
    fn table(rows: &str) -> CodesByValue {
        let mut table = CodesByValue::default();
        for row in rows.lines() {
            let mut cells: Vec<&str> = row.split_whitespace().collect();
            let (code, name) =
                cells.pop().map_or(("", ""), |c| c.split_once('=').unwrap_or((c, "")));
            let words = name.split('+').filter(|n| !n.is_empty()).map(str::to_owned).collect();
            let columns: Vec<usize> = (0..cells.len()).collect();
            table.add(&columns, &StringRecord::from(cells), &[code], &words);
        }
        table
    }

    /// `value=space` of other tables.
    fn known(values: &str) -> BTreeMap<String, usize> {
        let one = |word: &str| {
            let (value, space) = word.split_once('=').expect("value=space");
            (fold(value), space.parse().expect("a position"))
        };
        values.split_whitespace().map(one).collect()
    }

    fn told(rows: &str, spaces: &[&str]) -> String {
        told_with("", rows, spaces)
    }

    fn told_with(values: &str, rows: &str, spaces: &[&str]) -> String {
        let spaces: Vec<CodesOf<'_>> = spaces.iter().map(|s| codes(s)).collect();
        match table(rows).told_by(&spaces, &known(values)) {
            Some(told) => {
                let values = told.values.iter().map(|v| format!("{}={}", v.value, v.space));
                format!("{}: {}", told.column, values.collect::<Vec<_>>().join(" "))
            }
            None => "-".into(),
        }
    }

    const FIRST: &str = "c1 c2 c3 c4 c5 c6";
    const SECOND: &str = "c1 c2 d3 d4 d5 d6";

    #[test]
    fn the_column_whose_values_split_the_codes_names_the_entity() {
        let rows = "call A c1\nmail A c3\ncall A c4\nmail A c5\ncall B c2\nmail B d3\ncall B d4\nmail B d5";
        assert_eq!(told(rows, &[FIRST, SECOND]), "1: A=0 B=1");
    }

    #[test]
    fn a_column_of_many_values_names_nobody_in_whatever_order_its_rows_stand() {
        let telling = "A c3\nA c4\nA c5\nB d3\nB d4\nB d5";
        let others = (0..=MOST_ENTITIES).map(|n| format!("\nS{n} c6")).collect::<String>();
        assert_eq!(told(&format!("{telling}{others}"), &[FIRST, SECOND]), "-");
        assert_eq!(told(&format!("{}\n{telling}", others.trim()), &[FIRST, SECOND]), "-");
    }

    #[test]
    fn what_splits_nothing_names_nobody() {
        let mixed = "A c3\nA c4\nA d3\nA d4\nB c5\nB c6\nB d5\nB d6";
        assert_eq!(told(mixed, &[FIRST, SECOND]), "-");
        let of_one = "A c3\nA c4\nA c5\nB c6\nB c3\nB c4\nB c5";
        assert_eq!(told(of_one, &[FIRST, SECOND]), "-");
        // Codes that both have tell nothing.
        assert_eq!(told("A c1\nA c2\nB c1\nB c2", &[FIRST, SECOND]), "-");
    }

    #[test]
    fn a_value_known_from_another_table_needs_fewer_codes() {
        let few = "A c3\nA c4\nA c5\nB c1\nB d3";
        assert_eq!(told(few, &[FIRST, SECOND]), "-");
        assert_eq!(told_with("a=0 b=1", few, &[FIRST, SECOND]), "0: A=0 B=1");
        // But none that say the contrary.
        assert_eq!(told_with("a=1 b=0", few, &[FIRST, SECOND]), "-");
    }

    #[test]
    fn a_value_that_can_be_of_no_proved_entity_is_of_the_only_other_one() {
        let spaces = ["a1 a2 a3 a4 a5 a6 a7 a8 a9 s1 s2 s3 s4 s5", "s1 s2 s3 s4 s5 d1"];
        let first = (1..=9).map(|n| format!("A a{n}\n")).collect::<String>();
        let second = (1..=5).map(|n| format!("B s{n}\n")).collect::<String>();
        assert_eq!(told(&format!("{first}{second}B d1"), &spaces), "0: A=0 B=1");
        // A third one may have issued them as well.
        let [one, two] = spaces;
        assert_eq!(told(&format!("{first}{second}B d1"), &[one, two, two]), "-");
        // Too few codes may all be shared by chance.
        assert_eq!(told(&format!("{first}B s1\nB d1"), &spaces), "-");
    }

    #[test]
    fn names_tell_where_both_have_the_same_codes() {
        let spaces = ["c1=durand c2=petit c3=roux", "c1=mistral c2=levant c3=zephyr"];
        let rows = "A c1=durand\nA c2=petit\nA c3=roux\nB c1=mistral\nB c2=levant\nB c3=zephyr";
        assert_eq!(told(rows, &spaces), "0: A=0 B=1");
        let nameless = "A c1\nA c2\nA c3\nB c1\nB c2\nB c3";
        assert_eq!(told(nameless, &spaces), "-");
    }

    #[test]
    fn codes_of_several_spaces_are_told_from_those_of_one() {
        let spaces = [codes(FIRST), codes(SECOND)];
        assert!(are_of_several(&codes("c1 c3 c4 c5 d3 d4 d5"), &spaces));
        assert!(!are_of_several(&codes("c1 c2 c3 c4 c5"), &spaces));
        assert!(!are_of_several(&codes("c1 c2 x1 x2"), &spaces));
    }

    #[test]
    fn one_value_with_two_key_spaces_is_a_contradiction() {
        let told = |values: &[(&str, &str)]| {
            let key_spaces = values.iter().map(|(v, s)| ((*v).to_owned(), (*s).to_owned()));
            let entity =
                LegalEntity { column: "Société".into(), key_spaces: key_spaces.collect() };
            entity.contradictions().len()
        };
        assert_eq!(told(&[("MFP", "one"), ("mfp", "one"), ("MSV", "two")]), 0);
        assert_eq!(told(&[("MFP", "one"), ("M.F.P.", "one"), ("mfp", "two")]), 1);
    }

    #[test]
    fn rows_have_the_place_of_their_entity_and_no_other() {
        let entity = LegalEntity {
            column: "Société".into(),
            key_spaces: [("MFP", "one"), ("M.S.V.", "two"), ("mfp sa", "one")]
                .map(|(value, space)| (value.to_owned(), space.to_owned()))
                .into(),
        };
        let place = Place { source: "quotes".into(), ..Place::default() };
        let mut builder = RecordsBuilder::default();
        let header = ["Code".to_owned(), "SOCIETE".to_owned()];
        let places = Places::register(Some(&entity), &header, place, &mut builder);
        let space = |company: &'static str| {
            let at = places.of(|at| ["C1", company].get(at).copied());
            builder.places()[at as usize].key_space.clone()
        };
        assert_eq!(
            ["mfp", "MFP SA", "M S V", "", "XYZ"].map(space),
            ["one", "one", "two", "?quotes", "?quotes"]
        );
    }
}
