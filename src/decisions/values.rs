//! What decisions say of values: which are pinned, ignored or blocked.

use std::collections::{BTreeMap, BTreeSet};

use super::{Decided, Decision, Fate, Status, Verdict};
use crate::table::{IdKey, Records};

/// What decisions say of the values of a run's records.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// By the first record of the cluster.
    pins: BTreeMap<u32, Vec<Pin>>,
    ignored: BTreeMap<u32, Vec<Ignored>>,
    /// By attribute.
    blocked: BTreeMap<String, BTreeSet<String>>,
}

/// The value that an attribute of a golden record has, whatever its rule.
#[derive(Debug, Clone)]
pub struct Pin {
    /// The decision's id.
    pub decision: String,
    /// The attribute.
    pub attribute: String,
    /// The value in its canonical form; of no other than the source's where there is none.
    pub value: Option<String>,
    /// The source whose value it is.
    pub source: Option<String>,
}

impl Pin {
    fn contradicts(&self, other: &Pin) -> bool {
        self.attribute == other.attribute
            && (&self.value, &self.source) != (&other.value, &other.source)
    }
}

/// What is left out of one record; nothing is left out of a record without attribute.
#[derive(Debug, Clone)]
struct Ignored {
    attribute: Option<String>,
    value: Option<String>,
}

impl Ignored {
    fn covers(&self, attribute: &str, value: &str) -> bool {
        self.attribute.as_deref().is_none_or(|a| a == attribute)
            && self.value.as_deref().is_none_or(|v| v == value)
    }
}

impl Values {
    /// Whether the value of this record does not survive.
    pub fn leave_out(&self, record: u32, attribute: &str, value: &str) -> bool {
        let mut ignored = self.ignored.get(&record).into_iter().flatten();
        ignored.any(|ignored| ignored.covers(attribute, value))
            || self.blocked.get(attribute).is_some_and(|blocked| blocked.contains(value))
    }

    /// The pins of the golden record whose first record this is.
    pub fn pins(&self, first: u32) -> &[Pin] {
        self.pins.get(&first).map_or(&[], Vec::as_slice)
    }
}

/// A hash of what these records say of an attribute: a pin `until` that changes.
pub fn said(records: &Records, positions: &[u32], attribute: &str, key: &IdKey) -> String {
    let values: BTreeSet<&str> =
        positions.iter().flat_map(|&at| records.values(attribute, at as usize)).collect();
    let values = serde_json::to_string(&values).expect("texts are JSON");
    key.of_row("said", attribute, &values).to_string()
}

impl Decided {
    /// Takes from the decisions what they say of values, once it is known which records are one: `clusters` has for
    /// each record the first of its cluster.
    pub fn settle(
        &mut self,
        decisions: &[Decision],
        records: &Records,
        clusters: &[u32],
        key: &IdKey,
    ) {
        let mut pins: Vec<(usize, u32, Pin)> = Vec::new();
        for (at, decision) in decisions.iter().enumerate() {
            let fate = &mut self.fates[at];
            match &decision.verdict {
                Verdict::Block { attribute, value } if fate.status == Status::Applied => {
                    fate.parts = vec![holders(records, attribute, value)];
                    if fate.parts[0].is_empty() {
                        fate.to(Status::Orphan, "no row says it");
                    }
                    let blocked = self.values.blocked.entry(attribute.clone()).or_default();
                    blocked.insert(value.clone());
                }
                Verdict::Ignore { attribute, value, .. } if fate.holds() => {
                    let ignored = Ignored { attribute: attribute.clone(), value: value.clone() };
                    tell_unsaid(fate, records, &ignored);
                    for record in fate.parts.iter().flatten() {
                        self.values.ignored.entry(*record).or_default().push(ignored.clone());
                    }
                }
                Verdict::Pin { attribute, value, source, until, .. } if fate.holds() => {
                    let positions: Vec<u32> = fate.records().collect();
                    let changed =
                        |until: &String| *until != said(records, &positions, attribute, key);
                    if until.as_ref().is_some_and(changed) {
                        fate.to(Status::Stale, "what its rows say has changed: it holds no more");
                        continue;
                    }
                    let (attribute, value) = (attribute.clone(), value.clone());
                    let source = source.clone();
                    let pin = Pin { decision: decision.id(), attribute, value, source };
                    pins.push((at, home(fate, clusters), pin));
                }
                _ => {}
            }
        }
        self.refuse_pins(decisions, &pins);
        for (at, first, pin) in pins {
            let all = self.values.pins.entry(first).or_default();
            let said_before = all.iter().any(|other| other.attribute == pin.attribute);
            if self.fates[at].status != Status::Contradicted && !said_before {
                all.push(pin);
            }
        }
    }

    /// Of two values for one attribute of one golden record neither holds; nor does one that is blocked.
    fn refuse_pins(&mut self, decisions: &[Decision], pins: &[(usize, u32, Pin)]) {
        let name = |at: usize| format!("{} (line {})", decisions[at].id(), at + 1);
        for (at, first, pin) in pins {
            let against = pins
                .iter()
                .filter(|(_, other_first, other)| first == other_first && pin.contradicts(other));
            let mut against: Vec<String> = against.map(|(other, ..)| name(*other)).collect();
            against.extend(decisions.iter().enumerate().filter_map(|(other, decision)| {
                let Verdict::Block { attribute, value } = &decision.verdict else { return None };
                let blocks = *attribute == pin.attribute && Some(value) == pin.value.as_ref();
                (blocks && self.fates[other].status != Status::Withdrawn).then(|| name(other))
            }));
            if !against.is_empty() {
                let why = format!("with {}", against.join(", "));
                self.fates[*at].to(Status::Contradicted, &why);
            }
        }
    }
}

/// The records that hold a value.
fn holders(records: &Records, attribute: &str, value: &str) -> Vec<u32> {
    let holds = |at: &u32| records.values(attribute, *at as usize).any(|held| held == value);
    (0..records.len() as u32).filter(holds).collect()
}

/// Notes where the records no longer say what is ignored.
fn tell_unsaid(fate: &mut Fate, records: &Records, ignored: &Ignored) {
    let Some(attribute) = &ignored.attribute else { return };
    let says = |record: u32| {
        records.values(attribute, record as usize).any(|value| ignored.covers(attribute, value))
    };
    if !fate.records().any(says) {
        fate.to(Status::Stale, "its rows no longer say it");
    }
}

/// The cluster with most of the records of a decision, by its first record; of equal ones the first.
fn home(fate: &mut Fate, clusters: &[u32]) -> u32 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for record in fate.parts.iter().flatten() {
        *counts.entry(clusters[*record as usize]).or_default() += 1;
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| **count).map(|(first, _)| *first);
    if counts.len() > 1 {
        fate.add(
            "its rows are in several golden records now: it holds for the one with most of them",
        );
    }
    most.expect("a decision that holds has records")
}
