//! Which record of the later run is which of the earlier one.
//!
//! A row that did not change keeps its record id, wherever it moved. A row that was edited has a new one: it is
//! known again by its key, and without a key by what it still says.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::side::Side;
use crate::model::Kind;

/// A value that more records than this say tells none of them apart.
const MOST_SHARED: usize = 20;

/// What became of the records between two runs.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// For each record of the later run its position in the earlier one; none where it is new.
    pub(super) before: Vec<Option<usize>>,
    /// For each record of the earlier run its position in the later one; none where it is gone.
    pub(super) after: Vec<Option<usize>>,
    /// For each record of the later run, whether its row was edited.
    pub(super) edited: Vec<bool>,
}

impl Rows {
    /// Compares the records of two runs.
    pub(super) fn of(before: &Side, after: &Side) -> Rows {
        let mut rows = Rows {
            before: after.records.ids.iter().map(|&id| before.records.find(id)).collect(),
            after: before.records.ids.iter().map(|&id| after.records.find(id)).collect(),
            edited: vec![false; after.records.len()],
        };
        rows.know_by_key(before, after);
        rows.know_by_values(before, after);
        rows
    }

    fn gone(&self) -> Vec<usize> {
        (0..self.after.len()).filter(|&record| self.after[record].is_none()).collect()
    }

    fn added(&self) -> Vec<usize> {
        (0..self.before.len()).filter(|&record| self.before[record].is_none()).collect()
    }

    fn pair(&mut self, before: usize, after: usize) {
        self.after[before] = Some(after);
        self.before[after] = Some(before);
        self.edited[after] = true;
    }

    /// A key that names one record of its source and kind in either run names the same one.
    fn know_by_key(&mut self, before: &Side, after: &Side) {
        let gone = by_key(before, self.gone());
        for (key, records) in by_key(after, self.added()) {
            if let ([now], Some([then])) = (records.as_slice(), gone.get(&key).map(Vec::as_slice)) {
                self.pair(*then, *now);
            }
        }
    }

    /// Of the records left over in one source, those are one that share most of what they say: more than half
    /// of what either says, the most alike first.
    fn know_by_values(&mut self, before: &Side, after: &Side) {
        let (gone, new) = (self.gone(), self.added());
        let mut holders: HashMap<(&str, Kind, &str, &str), Vec<usize>> = HashMap::new();
        for &then in &gone {
            for (attribute, value) in before.values(then) {
                let (source, kind) = group(before, then);
                holders.entry((source, kind, attribute, value)).or_default().push(then);
            }
        }
        let mut alike: Vec<(usize, usize, usize)> = Vec::new();
        for &now in &new {
            let said = after.values(now);
            let (source, kind) = group(after, now);
            let mut shared: BTreeSet<usize> = BTreeSet::new();
            for &(attribute, value) in &said {
                let found = holders.get(&(source, kind, attribute, value));
                shared
                    .extend(found.filter(|found| found.len() <= MOST_SHARED).into_iter().flatten());
            }
            alike.extend(shared.into_iter().filter_map(|then| {
                let once = before.values(then);
                let common = once.intersection(&said).count();
                (2 * common > once.len().max(said.len())).then_some((common, then, now))
            }));
        }
        alike.sort_by_key(|&(common, then, now)| (std::cmp::Reverse(common), then, now));
        for (_, then, now) in alike {
            if self.after[then].is_none() && self.before[now].is_none() {
                self.pair(then, now);
            }
        }
    }
}

fn group(side: &Side, record: usize) -> (&str, Kind) {
    (&side.records.place_of(record).source, side.records.kinds[record])
}

/// Records with a key, by source, kind and key.
fn by_key(side: &Side, records: Vec<usize>) -> BTreeMap<(&str, Kind, &str), Vec<usize>> {
    let mut by_key: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for record in records {
        let key = side.records.keys[record].as_str();
        if !key.is_empty() {
            let (source, kind) = group(side, record);
            by_key.entry((source, kind, key)).or_default().push(record);
        }
    }
    by_key
}
