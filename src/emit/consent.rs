//! Whom the target may write to or call: unknown is no, and nobody who is deceased.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::{
    table::{Channel, ConsentState, Golden, GoldenRecords},
    value::standing::Standing,
};

/// The word for the state of whoever is deceased: no consent outlives its person, and no objection is made up.
pub(super) const DECEASED: &str = "deceased";

/// What a flag of the target says of one golden record in one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every contact point that counts said yes.
    May,
    /// An objection, a bounce, a yes that waits for confirmation...: this state.
    MayNot(ConsentState),
    /// Of at least one contact point that counts nothing is known.
    Unknown,
    /// The person is deceased, and objected to nothing.
    Deceased,
}

/// The consents of all golden records, found by id and by contact point.
#[derive(Debug, Default)]
pub(super) struct Consents<'a> {
    /// Per golden record and channel: contact point (or empty) and its strictest state, where one is known.
    of_golden: HashMap<(&'a str, Channel), BTreeMap<&'a str, Option<ConsentState>>>,
    /// Objections and bounces by contact point, whosever it is.
    refused: HashMap<(Channel, &'a str), ConsentState>,
    /// The ids of persons who are deceased.
    deceased: HashSet<&'a str>,
}

impl<'a> Consents<'a> {
    pub(super) fn new(golden: &'a Golden) -> Consents<'a> {
        let mut consents = Consents { deceased: deceased(&golden.persons), ..Consents::default() };
        // Of most contact points nobody said anything.
        for line in golden.consents.iter().filter(|line| line.said.is_some()) {
            let state = line.state();
            let points = consents.of_golden.entry((&line.golden_id, line.channel)).or_default();
            let known = points.entry(&line.contact_point).or_default();
            *known = (*known).max(state);
            if let Some(state) = state.filter(|s| *s >= ConsentState::HardBounce) {
                consents.refuse(line.channel, &line.contact_point, state);
            }
        }
        for line in &golden.consents {
            if let Some(objection) = consents.objection(&line.golden_id, line.channel) {
                consents.refuse(line.channel, &line.contact_point, objection);
            }
        }
        for records in [&golden.organisations, &golden.persons] {
            consents.refuse_all_of(records);
        }
        consents
    }

    /// An objection reaches every contact point of the golden record, and through a shared one whoever
    /// else has it: what is sent there would reach the one who objected.
    fn refuse_all_of(&mut self, records: &'a GoldenRecords) {
        for (i, id) in records.ids.iter().enumerate() {
            for channel in Channel::ALL {
                let Some(objection) = self.objection(id, channel) else { continue };
                for attribute in channel.attributes() {
                    let values =
                        records.columns.get(*attribute).into_iter().flat_map(|c| c.values(i));
                    values.for_each(|value| self.refuse(channel, value, objection));
                }
            }
        }
    }

    fn refuse(&mut self, channel: Channel, point: &'a str, state: ConsentState) {
        if !point.is_empty() {
            let refused = self.refused.entry((channel, point)).or_insert(state);
            *refused = (*refused).max(state);
        }
    }

    /// What a flag says of golden record `i` in `channel`.
    ///
    /// An objection anywhere in the channel reaches all of the golden record. Else the first contact
    /// point of each attribute counts: those are the ones that a CRM uses.
    pub(super) fn verdict(&self, golden: &GoldenRecords, i: usize, channel: Channel) -> Verdict {
        let id = golden.ids[i].as_str();
        if let Some(objection) = self.objection(id, channel) {
            return Verdict::MayNot(objection);
        }
        let firsts = channel.attributes().iter().filter_map(|a| golden.first(a, i));
        let mut states: Vec<Option<ConsentState>> =
            firsts.map(|point| self.state(id, channel, point)).collect();
        if states.is_empty() {
            states.push(self.general(id, channel));
        }
        match states.iter().copied().flatten().max() {
            Some(state) if state >= ConsentState::HardBounce => Verdict::MayNot(state),
            _ if self.is_deceased(id) => Verdict::Deceased,
            Some(state) if state > ConsentState::OptIn => Verdict::MayNot(state),
            Some(_) if states.iter().all(Option::is_some) => Verdict::May,
            _ => Verdict::Unknown,
        }
    }

    /// Whether a golden record is a person who is deceased.
    pub(super) fn is_deceased(&self, id: &str) -> bool {
        self.deceased.contains(id)
    }

    /// The state of one contact point of a golden record, objections to it elsewhere included.
    pub(super) fn state(&self, id: &str, channel: Channel, point: &str) -> Option<ConsentState> {
        let own = self.of_golden.get(&(id, channel)).and_then(|points| points.get(point).copied());
        let own = own.flatten().or_else(|| self.general(id, channel));
        own.max(self.refused.get(&(channel, point)).copied()).max(self.objection(id, channel))
    }

    /// The contact points of golden record `i` of which nothing is known, among those a flag speaks of.
    pub(super) fn unknown_points<'g>(
        &self,
        golden: &'g GoldenRecords,
        i: usize,
        channel: Channel,
    ) -> Vec<&'g str> {
        let id = golden.ids[i].as_str();
        let firsts = channel.attributes().iter().filter_map(|a| golden.first(a, i));
        firsts.filter(|point| self.state(id, channel, point).is_none()).collect()
    }

    /// What was said of the channel as a whole; a bounce speaks of its own contact point alone.
    fn general(&self, id: &str, channel: Channel) -> Option<ConsentState> {
        let said = self.of_golden.get(&(id, channel))?.get("").copied().flatten();
        said.filter(|state| *state != ConsentState::HardBounce)
    }

    fn objection(&self, id: &str, channel: Channel) -> Option<ConsentState> {
        let points = self.of_golden.get(&(id, channel))?;
        points.values().copied().flatten().filter(|state| state.is_objection()).max()
    }
}

fn deceased(persons: &GoldenRecords) -> HashSet<&str> {
    let is_deceased =
        |i: &usize| persons.first("standing", *i) == Some(Standing::Deceased.as_str());
    (0..persons.len()).filter(is_deceased).map(|i| persons.ids[i].as_str()).collect()
}

/// One address or number and what holds for it, whosever it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ContactPoint<'a> {
    /// The address or number.
    pub(super) value: &'a str,
    /// By which means.
    pub(super) channel: Channel,
    /// The strictest state, if any is known.
    pub(super) state: Option<ConsentState>,
    /// The first golden record that has it.
    pub(super) golden_id: &'a str,
    /// Whether all who have it are deceased.
    pub(super) deceased: bool,
}

impl ContactPoint<'_> {
    /// The word for its state.
    pub(super) fn state_word(&self) -> &'static str {
        state_word(self.state, self.deceased)
    }
}

/// Every contact point of a channel, once, sorted.
pub(super) fn contact_points<'a>(
    golden: &'a Golden,
    consents: &Consents<'a>,
    channel: Channel,
) -> Vec<ContactPoint<'a>> {
    let mut owners: BTreeMap<&'a str, BTreeSet<&'a str>> = BTreeMap::new();
    for records in [&golden.organisations, &golden.persons] {
        for (i, id) in records.ids.iter().enumerate() {
            for attribute in channel.attributes() {
                let values = records.columns.get(*attribute).into_iter().flat_map(|c| c.values(i));
                for value in values {
                    owners.entry(value).or_default().insert(id);
                }
            }
        }
    }
    for line in
        golden.consents.iter().filter(|l| l.channel == channel && !l.contact_point.is_empty())
    {
        owners.entry(&line.contact_point).or_default().insert(&line.golden_id);
    }
    let point = |(value, ids): (&'a str, BTreeSet<&'a str>)| ContactPoint {
        value,
        channel,
        state: ids.iter().filter_map(|id| consents.state(id, channel, value)).max(),
        golden_id: ids.first().copied().unwrap_or(""),
        deceased: ids.iter().all(|id| consents.is_deceased(id)),
    };
    owners.into_iter().map(point).collect()
}

/// The word for a state that may be unknown, of somebody who may be deceased: what was refused stays refused.
pub(super) fn state_word(state: Option<ConsentState>, deceased: bool) -> &'static str {
    match state {
        Some(state) if state >= ConsentState::HardBounce => state.as_str(),
        _ if deceased => DECEASED,
        state => state.map_or("unknown", ConsentState::as_str),
    }
}
