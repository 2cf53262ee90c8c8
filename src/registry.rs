//! What a project remembers of its golden records from one run to the next: the folder `registry/`.
//!
//! `golden_ids.csv` has the golden id of every record ever seen, `keys.csv` that of every row with a key of its own
//! (so that an edited row is known again), and `events.jsonl` what became of golden ids that do not simply live on.
//! Rows and keys stand there as hashes: the folder holds no personal data.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    store,
    table::{IdKey, RecordId, Records},
};

/// The golden id of every record ever seen.
pub const GOLDEN_IDS: &str = "registry/golden_ids.csv";
/// The golden id of every row key ever seen.
pub const KEYS: &str = "registry/keys.csv";
/// What became of golden ids.
pub const EVENTS: &str = "registry/events.jsonl";

/// What earlier runs of a project left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    records: BTreeMap<RecordId, String>,
    /// By [`IdKey::of_row`].
    keys: BTreeMap<RecordId, String>,
    events: Vec<Event>,
}

/// Something that happened to a golden id in a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Event {
    /// The run.
    pub run: String,
    /// The golden id.
    pub golden_id: String,
    /// What happened.
    #[serde(flatten)]
    pub fate: Fate,
    /// The decisions of stewards that did it, by their ids; none where rows or rules did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<String>,
}

/// A decision as a reason of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The decision's id.
    pub decision: String,
    /// Whether it makes its records one, or else keeps those of different parts from each other.
    pub joins: bool,
    /// Its records: positions.
    pub parts: Vec<Vec<u32>>,
}

impl Reason {
    /// The golden ids that its records had, where it brought together what had several, or parted what had one.
    fn touched<'r>(&self, known: &[Option<&'r str>]) -> BTreeSet<&'r str> {
        let of_part = |part: &Vec<u32>| -> BTreeSet<&'r str> {
            part.iter().filter_map(|&record| known[record as usize]).collect()
        };
        let parts: Vec<BTreeSet<&str>> = self.parts.iter().map(of_part).collect();
        let all: BTreeSet<&str> = parts.iter().flatten().copied().collect();
        match self.joins {
            true => all,
            false => {
                let holders = |id: &str| parts.iter().filter(|part| part.contains(id)).count();
                all.into_iter().filter(|id| holders(id) > 1).collect()
            }
        }
    }
}

/// What can happen to a golden id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Fate {
    /// Its rows are in another golden record: most of them in this one.
    Merged {
        /// The golden id to use instead.
        into: String,
    },
    /// It lives on without some of its rows.
    Split {
        /// The golden ids of these.
        parts: Vec<String>,
    },
    /// None of its rows is there.
    Vanished,
    /// It lives again.
    Returned,
}

impl Registry {
    /// Reads the registry of the project in `folder`: empty where there is none.
    ///
    /// # Errors
    ///
    /// When a file is not what a run wrote: ids that were loaded once must not be minted anew in silence.
    pub fn read(folder: &Path) -> Result<Registry> {
        Ok(Registry {
            records: read_ids(&folder.join(GOLDEN_IDS))?,
            keys: read_ids(&folder.join(KEYS))?,
            events: read_events(&folder.join(EVENTS))?,
        })
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.keys.is_empty()
    }

    /// The files, by name relative to the project, as they are to be written.
    pub fn files(&self) -> Result<Vec<(&'static str, String)>> {
        let mut events = String::new();
        for event in &self.events {
            events += &serde_json::to_string(event).map_err(Error::table(EVENTS))?;
            events.push('\n');
        }
        let table = |name: &str, ids: &BTreeMap<RecordId, String>| {
            let lines = ids.iter().map(|(id, golden)| format!("{id},{golden}\n"));
            std::iter::once(format!("{name},golden_id\n")).chain(lines).collect::<String>()
        };
        let ids =
            [(GOLDEN_IDS, table("record_id", &self.records)), (KEYS, table("key", &self.keys))];
        Ok(ids.into_iter().chain((!events.is_empty()).then_some((EVENTS, events))).collect())
    }

    /// For each record the golden id that it had, or that an earlier state of its row had.
    pub fn known(&self, records: &Records, key: &IdKey) -> Vec<Option<&str>> {
        let keys = row_keys(records, key);
        let of_record = |id: &RecordId| self.records.get(id);
        let known = records.ids.iter().zip(&keys).map(|(id, key)| {
            of_record(id).or_else(|| self.keys.get(key.as_ref()?)).map(String::as_str)
        });
        known.collect()
    }

    /// Every golden id ever given.
    fn golden_ids(&self) -> BTreeSet<&str> {
        let of_events = self.events.iter().map(|event| &event.golden_id);
        self.records.values().chain(of_events).map(String::as_str).collect()
    }

    /// The registry after a run that gave the records these golden ids; `reasons` are the decisions that held in it.
    pub fn after(
        &self,
        run: &str,
        records: &Records,
        key: &IdKey,
        golden_of: &[String],
        reasons: &[Reason],
    ) -> Registry {
        let mut after = self.clone();
        let known = self.known(records, key);
        let mut events = self.events_of(run, &known, golden_of);
        for event in &mut events {
            let joins = match event.fate {
                Fate::Merged { .. } => true,
                Fate::Split { .. } => false,
                Fate::Vanished | Fate::Returned => continue,
            };
            let touched = |reason: &&Reason| {
                reason.joins == joins && reason.touched(&known).contains(event.golden_id.as_str())
            };
            event.decisions = reasons.iter().filter(touched).map(|r| r.decision.clone()).collect();
        }
        after.events.extend(events);
        after.records.extend(records.ids.iter().copied().zip(golden_of.iter().cloned()));
        let keyed = row_keys(records, key).into_iter().zip(golden_of);
        after.keys.extend(keyed.filter_map(|(key, golden)| Some((key?, golden.clone()))));
        after
    }

    /// What the run makes of the golden ids that were there before it.
    fn events_of(&self, run: &str, known: &[Option<&str>], golden_of: &[String]) -> Vec<Event> {
        let living: BTreeSet<&str> = golden_of.iter().map(String::as_str).collect();
        // Where the rows of each known id are now, and how many of them.
        let mut now: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
        for (&known, golden) in known.iter().zip(golden_of) {
            if let Some(known) = known {
                *now.entry(known).or_default().entry(golden).or_default() += 1;
            }
        }
        let last = self.last_fates();
        let nowhere = BTreeMap::new();
        let event = |id: &str| {
            let found = now.get(id).unwrap_or(&nowhere);
            let is_gone = matches!(last.get(id), Some(Fate::Merged { .. } | Fate::Vanished));
            if living.contains(id) {
                let parts = found.keys().filter(|part| **part != id);
                let parts: Vec<String> = parts.map(|part| (*part).to_owned()).collect();
                return match parts.is_empty() {
                    _ if is_gone => Some(Fate::Returned),
                    true => None,
                    false => Some(Fate::Split { parts }),
                };
            }
            // Of as many rows in two, the one with the smaller id.
            let most = found.iter().rev().max_by_key(|(_, rows)| **rows);
            match most {
                Some((into, _)) => Some(Fate::Merged { into: (*into).to_owned() }),
                None if is_gone => None,
                None => Some(Fate::Vanished),
            }
        };
        let told = self.golden_ids().into_iter().filter_map(|id| {
            let (run, golden_id, fate) = (run.to_owned(), id.to_owned(), event(id)?);
            Some(Event { run, golden_id, fate, decisions: Vec::new() })
        });
        told.collect()
    }

    fn last_fates(&self) -> HashMap<&str, &Fate> {
        let parted = |event: &&Event| !matches!(event.fate, Fate::Split { .. });
        let events = self.events.iter().filter(parted);
        events.map(|event| (event.golden_id.as_str(), &event.fate)).collect()
    }

    /// For each golden id that lives no more and whose rows are in another one, the living one; empty where
    /// that has vanished too.
    pub fn redirects(&self) -> BTreeMap<&str, &str> {
        let last = self.last_fates();
        let merged = self.golden_ids();
        let merged =
            merged.into_iter().filter(|id| matches!(last.get(id), Some(Fate::Merged { .. })));
        merged.map(|id| (id, living(id, &last))).collect()
    }
}

/// The golden id at the end of the way that `id` points to. The way ends: an id is merged into a living one, and one
/// that lives again points nowhere.
fn living<'r>(id: &'r str, last: &HashMap<&'r str, &'r Fate>) -> &'r str {
    let mut id = id;
    loop {
        match last.get(id) {
            Some(Fate::Merged { into }) => id = into,
            Some(Fate::Vanished) => return "",
            _ => return id,
        }
    }
}

impl IdKey {
    /// The hash by which a row with a key is known again: of its source, kind and key.
    pub fn of_row(&self, source: &str, kind: &str, key: &str) -> RecordId {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in ["row", source, kind, key] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        let mut id = [0; 10];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..10]);
        RecordId(id)
    }
}

/// The records of each of these row keys that stands on any: positions, ascending.
pub(crate) fn records_with(
    sought: &BTreeSet<RecordId>,
    records: &Records,
    key: &IdKey,
) -> BTreeMap<RecordId, Vec<u32>> {
    let mut found: BTreeMap<RecordId, Vec<u32>> = BTreeMap::new();
    if sought.is_empty() {
        return found;
    }
    for at in (0..records.len()).filter(|&at| !records.keys[at].is_empty()) {
        let source = &records.place_of(at).source;
        let of_row = key.of_row(source, records.kinds[at].as_str(), &records.keys[at]);
        if sought.contains(&of_row) {
            found.entry(of_row).or_default().push(at as u32);
        }
    }
    found
}

/// For each record the hash of its key; none where it has none or shares it with another of its source and kind.
pub(crate) fn row_keys(records: &Records, key: &IdKey) -> Vec<Option<RecordId>> {
    let name = |i: usize| {
        let key = Some(records.keys[i].as_str()).filter(|key| !key.is_empty());
        key.map(|key| (records.place_of(i).source.as_str(), records.kinds[i].as_str(), key))
    };
    let mut holders: HashMap<_, u32> = HashMap::new();
    for i in 0..records.len() {
        if let Some(name) = name(i) {
            *holders.entry(name).or_default() += 1;
        }
    }
    let alone = |i| name(i).filter(|name| holders[name] == 1);
    (0..records.len())
        .map(|i| alone(i).map(|(source, kind, of_row)| key.of_row(source, kind, of_row)))
        .collect()
}

/// A file of ids and golden ids; empty where it is not there.
fn read_ids(path: &Path) -> Result<BTreeMap<RecordId, String>> {
    let mut ids = BTreeMap::new();
    if !path.is_file() {
        return Ok(ids);
    }
    let mut reader = csv::Reader::from_reader(store::open(path)?);
    for (at, row) in reader.records().enumerate() {
        let entry = row.ok().and_then(|row| {
            let golden = row.get(1).filter(|id| !id.is_empty())?.to_owned();
            Some((RecordId::parse(row.get(0)?)?, golden))
        });
        let (id, golden) = entry.ok_or_else(|| damaged(path, at + 2, "an id and a golden id"))?;
        ids.insert(id, golden);
    }
    Ok(ids)
}

fn read_events(path: &Path) -> Result<Vec<Event>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = store::read_text(path)?;
    let event = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|_| damaged(path, at + 1, "an event"))
    };
    text.lines().enumerate().map(event).collect()
}

fn damaged(path: &Path, line: usize, what: &str) -> Error {
    Error::Format {
        path: path.to_owned(),
        message: format!("line {line} is not {what}"),
        hint: Some("restore it from a backup: golden ids that were loaded must stay".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Draft, Kind, Place, RecordsBuilder, row_digest};

    const KEY: IdKey = IdKey([7; 32]);

    /// One record per row, `key:content`; the key may be empty. Sorted by content.
    fn records(rows: &[&str]) -> (Records, Vec<String>) {
        let mut builder = RecordsBuilder::default();
        let place = builder.place(Place { source: "crm".into(), ..Place::default() });
        for (at, row) in rows.iter().enumerate() {
            let (key, content) = row.split_once(':').expect("key:content");
            builder.push(Draft {
                kind: Some(Kind::Person),
                place,
                row: at as u32 + 2,
                key: key.into(),
                digest: row_digest([("row", content)]),
                values: Vec::new(),
            });
        }
        let (records, positions) = builder.finish(&KEY);
        let mut contents = vec![String::new(); rows.len()];
        for (row, position) in rows.iter().zip(positions) {
            contents[position as usize] = row.split_once(':').expect("key:content").1.to_owned();
        }
        (records, contents)
    }

    /// A run in which each row `key:content` has the golden id behind `=`.
    fn run(registry: &Registry, number: u32, rows: &[(&str, &str)]) -> Registry {
        let (records, contents) = records(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
        let golden = contents.iter().map(|content| {
            let row = rows.iter().find(|row| row.0.ends_with(&format!(":{content}")));
            row.expect("one of them").1.to_owned()
        });
        registry.after(&number.to_string(), &records, &KEY, &golden.collect::<Vec<_>>(), &[])
    }

    fn told(registry: &Registry) -> Vec<String> {
        let told = registry.events.iter().map(|event| match &event.fate {
            Fate::Merged { into } => format!("{} {} into {into}", event.run, event.golden_id),
            Fate::Split { parts } => format!("{} {} split {parts:?}", event.run, event.golden_id),
            Fate::Vanished => format!("{} {} gone", event.run, event.golden_id),
            Fate::Returned => format!("{} {} back", event.run, event.golden_id),
        });
        told.collect()
    }

    #[test]
    fn every_golden_id_that_does_not_live_on_has_an_event() {
        let first = run(&Registry::default(), 1, &[(":a", "P1"), (":b", "P2"), (":c", "P3")]);
        assert_eq!(told(&first), [""; 0]);
        let second = run(&first, 2, &[(":a", "P1"), (":b", "P1")]);
        assert_eq!(told(&second), ["2 P2 into P1", "2 P3 gone"]);
        // The same again tells nothing new.
        let third = run(&second, 3, &[(":a", "P1"), (":b", "P1")]);
        assert_eq!(told(&third).len(), 2);
        let fourth = run(&third, 4, &[(":a", "P1"), (":b", "P4"), (":c", "P3")]);
        assert_eq!(told(&fourth)[2..], ["4 P1 split [\"P4\"]", "4 P3 back"]);
    }

    #[test]
    fn redirects_end_at_a_living_id() {
        let first = run(&Registry::default(), 1, &[(":a", "P1"), (":b", "P2"), (":c", "P3")]);
        let second = run(&first, 2, &[(":a", "P1"), (":b", "P2"), (":c", "P2")]);
        let third = run(&second, 3, &[(":a", "P1"), (":b", "P1"), (":c", "P1")]);
        assert_eq!(third.redirects(), BTreeMap::from([("P2", "P1"), ("P3", "P1")]));
        let fourth = run(&third, 4, &[(":d", "P4")]);
        assert_eq!(fourth.redirects(), BTreeMap::from([("P2", ""), ("P3", "")]));
    }

    #[test]
    fn an_edited_row_is_known_by_its_key_unless_two_have_it() {
        let first = run(&Registry::default(), 1, &[("7:a", "P1"), ("8:b", "P2"), (":c", "P3")]);
        let (now, contents) = records(&["7:A", "8:B", "8:BB", ":C"]);
        let known: BTreeMap<_, _> =
            contents.iter().map(String::as_str).zip(first.known(&now, &KEY)).collect();
        let expected = [("A", Some("P1")), ("B", None), ("BB", None), ("C", None)];
        assert_eq!(known, BTreeMap::from(expected));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let first = run(&Registry::default(), 1, &[("7:a", "P1"), ("8:b", "P2")]);
        let second = run(&first, 2, &[("7:a", "P1"), ("8:b", "P1")]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in second.files().expect("it is text") {
            store::write(&folder.path().join(name), text).expect("written");
        }
        assert_eq!(Registry::read(folder.path()).expect("read"), second);
        store::write(&folder.path().join(EVENTS), "{}\n").expect("written");
        let error = Registry::read(folder.path()).expect_err("it is no event");
        assert!(error.to_string().ends_with("line 1 is not an event"), "{error}");
    }
}
