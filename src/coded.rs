//! Values as numbers: of each column every different text once, and for each record the codes of its texts.
//!
//! What a text tells is worked out once per different text, and equal values are told by two numbers.

use std::{
    collections::BTreeMap,
    hash::BuildHasher,
    sync::{Arc, OnceLock},
};

use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;

use crate::{
    lists::Lists,
    table::{Column, Place, Records},
};

/// Texts end to end, numbered from 0.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    bytes: String,
    ends: Vec<u32>,
}

impl Texts {
    /// Adds a text and returns its number.
    pub(crate) fn push(&mut self, text: &str) -> u32 {
        self.bytes.push_str(text);
        let end = u32::try_from(self.bytes.len());
        self.ends.push(end.expect("a column has less than 4 GiB of different texts"));
        self.len() - 1
    }

    /// The text of a number.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    /// What `tell` says of each text, in the order of their numbers.
    pub(crate) fn par_map<T: Send>(&self, tell: impl Fn(&str) -> T + Sync) -> Vec<T> {
        (0..self.len()).into_par_iter().map(|number| tell(self.get(number))).collect()
    }

    /// All texts, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.len()).map(|number| self.get(number))
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Texts {
        let mut texts = Texts::default();
        for text in all {
            texts.push(text.as_ref());
        }
        texts
    }
}

/// Gives equal texts one number, in the order in which they are first met.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: Texts,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// The number of a text.
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        let hash = self.hasher.hash_one(text);
        if let Some(&known) = self.numbers.find(hash, |&number| self.texts.get(number) == text) {
            return known;
        }
        let new = self.texts.push(text);
        let (texts, hasher) = (&self.texts, &self.hasher);
        self.numbers.insert_unique(hash, new, |&number| hasher.hash_one(texts.get(number)));
        new
    }

    /// The different texts.
    pub(crate) fn finish(self) -> Texts {
        self.texts
    }
}

/// For each record a list of codes, mostly of one or none.
#[derive(Debug, Clone, Default)]
pub(crate) struct CodeLists {
    /// For each record its code; where it has none or several, [`NONE`], or [`SEVERAL`] and the number of its
    /// list.
    heads: Vec<u32>,
    /// The codes of records that have several.
    several: Lists,
}

/// The head of a record that has no value.
const NONE: u32 = u32::MAX;
/// The head of the first record that has several values.
const SEVERAL: u32 = 1 << 31;

impl CodeLists {
    /// Adds a record.
    pub(crate) fn push(&mut self, codes: &[u32]) {
        self.heads.push(match codes {
            [] => NONE,
            [code] => *code,
            several => {
                self.several.push(several.iter().copied());
                SEVERAL + self.several.len() - 1
            }
        });
    }

    /// The codes of one record.
    #[inline]
    pub(crate) fn of(&self, record: u32) -> &[u32] {
        let head = &self.heads[record as usize];
        match *head {
            code if code < SEVERAL => std::slice::from_ref(head),
            NONE => &[],
            several => self.several.of(several - SEVERAL),
        }
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> u32 {
        self.heads.len() as u32
    }

    /// How many records have a code.
    pub(crate) fn filled(&self) -> usize {
        self.heads.iter().filter(|&&head| head != NONE).count()
    }
}

/// For each record a list of texts, each different text with its code. No record has a text twice.
#[derive(Debug, Clone, Default)]
pub(crate) struct Coded {
    pub(crate) codes: Arc<CodeLists>,
    pub(crate) texts: Arc<Texts>,
}

impl Coded {
    /// The texts that `give` hands over for each of `records`; empty ones are left out.
    pub(crate) fn new(records: usize, mut give: impl FnMut(usize, &mut dyn FnMut(&str))) -> Coded {
        let mut interner = Interner::default();
        let mut lists = CodeLists::default();
        let mut codes = Vec::new();
        for record in 0..records {
            codes.clear();
            give(record, &mut |text| {
                if !text.is_empty() {
                    codes.push(interner.number(text));
                }
            });
            without_repeats(&mut codes);
            lists.push(&codes);
        }
        Coded { codes: Arc::new(lists), texts: Arc::new(interner.finish()) }
    }

    fn of_column(column: &Column, members: &[u32]) -> Coded {
        Coded::new(members.len(), |member, add| {
            column.values(members[member] as usize).for_each(add);
        })
    }

    /// The same with each text replaced by those that `tell` hands over for it.
    pub(crate) fn map(&self, tell: impl Fn(&str, &mut dyn FnMut(&str)) + Sync) -> Coded {
        const AT_ONCE: usize = 8192;
        let numbers: Vec<u32> = (0..self.texts.len()).collect();
        let told: Vec<(Texts, Vec<u32>)> = numbers
            .par_chunks(AT_ONCE)
            .map(|numbers| {
                let (mut told, mut ends) = (Texts::default(), Vec::with_capacity(numbers.len()));
                for &number in numbers {
                    tell(self.texts.get(number), &mut |text| {
                        if !text.is_empty() {
                            told.push(text);
                        }
                    });
                    ends.push(told.len());
                }
                (told, ends)
            })
            .collect();
        let mut interner = Interner::default();
        let mut new_codes = Lists::default();
        for (told, ends) in told {
            let mut from = 0;
            for end in ends {
                new_codes.push((from..end).map(|at| interner.number(told.get(at))));
                from = end;
            }
        }
        let texts = interner.finish();
        Coded { codes: Arc::new(recoded(&[(&self.codes, &new_codes)])), texts: Arc::new(texts) }
    }

    /// Of each record the texts of all `parts`, in their order.
    pub(crate) fn joined(parts: &[&Coded]) -> Coded {
        let mut interner = Interner::default();
        let translations: Vec<Lists> = parts
            .iter()
            .map(|part| {
                let mut translation = Lists::default();
                for text in part.texts.iter() {
                    translation.push([interner.number(text)]);
                }
                translation
            })
            .collect();
        let parts: Vec<_> = parts.iter().map(|part| &*part.codes).zip(&translations).collect();
        Coded { codes: Arc::new(recoded(&parts)), texts: Arc::new(interner.finish()) }
    }

    /// The first text of each record alone.
    pub(crate) fn firsts(&self) -> Coded {
        let mut firsts = CodeLists::default();
        for record in 0..self.codes.len() {
            let codes = self.codes.of(record);
            firsts.push(&codes[..codes.len().min(1)]);
        }
        Coded { codes: Arc::new(firsts), texts: self.texts.clone() }
    }
}

/// The lists of one or several columns with each code replaced by others.
fn recoded(parts: &[(&CodeLists, &Lists)]) -> CodeLists {
    let mut lists = CodeLists::default();
    let mut codes = Vec::new();
    let records = parts.first().map_or(0, |(old, _)| old.len());
    for record in 0..records {
        codes.clear();
        for (old, new) in parts {
            for &code in old.of(record) {
                codes.extend_from_slice(new.of(code));
            }
        }
        without_repeats(&mut codes);
        lists.push(&codes);
    }
    lists
}

/// Leaves the first of equal codes.
fn without_repeats(codes: &mut Vec<u32>) {
    if codes.len() > 1 {
        let mut kept = 0;
        for at in 0..codes.len() {
            if !codes[..kept].contains(&codes[at]) {
                codes[kept] = codes[at];
                kept += 1;
            }
        }
        codes.truncate(kept);
    }
}

/// The clean records of one kind, numbered from 0, their columns coded when first asked for.
pub struct CodedRecords<'r> {
    /// All records, of any kind.
    pub(crate) records: &'r Records,
    /// Positions of those that are meant.
    pub(crate) members: &'r [u32],
    columns: BTreeMap<&'r str, OnceLock<Coded>>,
}

impl<'r> CodedRecords<'r> {
    /// The records at `members`, positions in `records`.
    pub fn new(records: &'r Records, members: &'r [u32]) -> CodedRecords<'r> {
        let columns = records.columns.keys().map(|name| (name.as_str(), OnceLock::new()));
        CodedRecords { records, members, columns: columns.collect() }
    }

    /// How many records are meant.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The values of the attributes, one after the other.
    pub(crate) fn of(&self, attributes: &[&str]) -> Coded {
        let columns: Vec<&Coded> = attributes.iter().filter_map(|a| self.column(a)).collect();
        match columns.as_slice() {
            [] => Coded::new(self.len(), |_, _| ()),
            [one] => (*one).clone(),
            several => Coded::joined(several),
        }
    }

    /// The values of the attributes in the form that `form` gives them.
    pub(crate) fn mapped(
        &self,
        attributes: &[&str],
        form: impl Fn(&str) -> String + Sync,
    ) -> Coded {
        self.of(attributes).map(|text, add| add(&form(text)))
    }

    /// Customer codes as `key space\u{1f}code`; none of records whose key space `space` does not name. The same
    /// code of two legal entities that nobody could tell apart is nothing in common.
    pub(crate) fn codes_in<'s>(&'s self, space: impl Fn(&'s Place) -> Option<&'s str>) -> Coded {
        let codes = self.of(&["customer_code", "account_code"]);
        let mut coded = String::new();
        Coded::new(self.len(), |member, add| {
            let place = self.records.place_of(self.members[member] as usize);
            let Some(space) = space(place) else { return };
            for &code in codes.codes.of(member as u32) {
                coded.clear();
                coded.extend([space, "\u{1f}", codes.texts.get(code)]);
                add(&coded);
            }
        })
    }

    fn column(&self, attribute: &str) -> Option<&Coded> {
        let coded = self.columns.get(attribute)?;
        let column = &self.records.columns[attribute];
        Some(coded.get_or_init(|| Coded::of_column(column, self.members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(lists: &[&[&str]]) -> Coded {
        Coded::new(lists.len(), |record, add| lists[record].iter().for_each(|text| add(text)))
    }

    fn texts_of(coded: &Coded, record: u32) -> Vec<&str> {
        coded.codes.of(record).iter().map(|&code| coded.texts.get(code)).collect()
    }

    #[test]
    fn equal_texts_have_one_code_and_no_record_has_one_twice() {
        let coded = coded(&[&["b", "a", "b"], &[], &["", "a"]]);
        assert_eq!(coded.texts.len(), 2);
        assert_eq!(texts_of(&coded, 0), ["b", "a"]);
        assert_eq!(texts_of(&coded, 1), [""; 0]);
        assert_eq!(coded.codes.of(2), &coded.codes.of(0)[1..]);
        assert_eq!(coded.codes.filled(), 2);
    }

    #[test]
    fn a_text_may_become_none_or_several_and_two_may_become_one() {
        let coded = coded(&[&["a b", "A"], &["-"]]);
        let words = coded.map(|text, add| text.to_lowercase().split([' ', '-']).for_each(add));
        assert_eq!(texts_of(&words, 0), ["a", "b"]);
        assert!(words.codes.of(1).is_empty());
    }

    #[test]
    fn columns_are_joined_in_their_order() {
        let (one, two) = (coded(&[&["x"], &["y"]]), coded(&[&["z", "x"], &[]]));
        let joined = Coded::joined(&[&one, &two]);
        assert_eq!(texts_of(&joined, 0), ["x", "z"]);
        assert_eq!(texts_of(&joined, 1), ["y"]);
        assert_eq!(texts_of(&joined.firsts(), 0), ["x"]);
    }
}
