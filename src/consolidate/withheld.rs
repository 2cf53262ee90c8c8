//! Which golden records stay out of the load package, and why: they are golden records all the same.
//!
//! The contact points of whoever is withheld stay on the suppression list where they must not be used, so that an
//! objection outlives the one who is not loaded.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use crate::table::{Channel, ConsentState, Golden, GoldenConsent, GoldenLink, IdKey, Kind};

use super::{
    consent::suppression_hash,
    identity::Entities,
    lifecycle::{Life, Stage},
    retention::{Expired, Retention},
};

/// A prospect whose period is over.
const PROSPECT_EXPIRED: &str = "prospect_expired";
/// A customer whose relation ended longer ago than the period.
const CUSTOMER_EXPIRED: &str = "customer_expired";
/// A person of whom nothing is known but contact points that must not be used.
const SUPPRESSED: &str = "suppressed";
/// An organisation that sells to the company and buys nothing.
const SUPPLIER: &str = "supplier";
/// A person of whom nothing is known but that it works for organisations that are left out.
const ORGANISATION_LEFT_OUT: &str = "organisation_left_out";

/// The golden records that are not loaded, by golden id, each with its first reason.
pub(crate) fn withheld(
    golden: &Golden,
    entities: &Entities,
    lives: &[Life],
    retention: &Retention,
) -> BTreeMap<String, &'static str> {
    let mut withheld: BTreeMap<String, &'static str> = BTreeMap::new();
    for (entity, life) in entities.list.iter().zip(lives) {
        if entity.kind == Kind::Organisation && life.stage == Stage::None && life.supplier {
            withheld.insert(entity.id.clone(), SUPPLIER);
        }
    }
    for line in golden.retention.iter().filter(|line| line.kind == Kind::Person) {
        let reason = match line.list {
            list if list == Expired::Prospects.list() => (Expired::Prospects, PROSPECT_EXPIRED),
            list if list == Expired::Customers.list() => (Expired::Customers, CUSTOMER_EXPIRED),
            _ => continue,
        };
        if retention.exclude.contains(&reason.0) {
            withheld.entry(line.golden_id.clone()).or_insert(reason.1);
        }
    }
    for id in unreachable(golden, entities, lives) {
        withheld.entry(id.to_owned()).or_insert(SUPPRESSED);
    }
    for id in of_left_out(golden, entities, lives, &withheld) {
        withheld.entry(id).or_insert(ORGANISATION_LEFT_OUT);
    }
    withheld
}

/// Persons in no organisation who are known by contact points alone, each under an objection or a bounce.
fn unreachable<'g>(
    golden: &'g Golden,
    entities: &Entities,
    lives: &[Life],
) -> impl Iterator<Item = &'g str> {
    let linked: BTreeSet<&str> = golden.links.iter().map(|link| link.person_id.as_str()).collect();
    let suspects = entities.list.iter().zip(lives);
    let suspects: BTreeSet<&str> = suspects
        .filter(|(entity, life)| entity.kind == Kind::Person && life.stage == Stage::Suspect)
        .map(|(entity, _)| entity.id.as_str())
        .filter(|id| !linked.contains(id))
        .collect();
    let lines = golden.consents.chunk_by(|a, b| a.golden_id == b.golden_id);
    let all_refused = |lines: &&[GoldenConsent]| lines.iter().all(is_refused);
    lines
        .filter(move |lines| suspects.contains(lines[0].golden_id.as_str()))
        .filter(all_refused)
        .map(|lines| lines[0].golden_id.as_str())
}

fn is_refused(line: &GoldenConsent) -> bool {
    ConsentState::parse(&line.state).is_some_and(|state| state >= ConsentState::HardBounce)
}

/// Persons without a life of their own whose organisations are all left out. Whoever has one, or is in another
/// organisation too, stays.
fn of_left_out(
    golden: &Golden,
    entities: &Entities,
    lives: &[Life],
    withheld: &BTreeMap<String, &'static str>,
) -> Vec<String> {
    let mut organisations: BTreeMap<&str, Vec<&GoldenLink>> = BTreeMap::new();
    for link in &golden.links {
        organisations.entry(&link.person_id).or_default().push(link);
    }
    let people = entities.list.iter().zip(lives).filter(|(entity, _)| entity.kind == Kind::Person);
    let follows = |(entity, life): &(&super::identity::Entity, &Life)| {
        let of = organisations.get(entity.id.as_str());
        life.stage == Stage::None
            && of.is_some_and(|links| {
                links.iter().all(|link| withheld.contains_key(&link.organisation_id))
            })
    };
    people.filter(follows).map(|(entity, _)| entity.id.clone()).collect()
}

/// The suppression list: what no golden record holds, and what none that is loaded holds.
pub(crate) fn suppressed(golden: &Golden, key: &IdKey) -> Vec<(String, Channel, ConsentState)> {
    let point = |line: &'_ GoldenConsent| -> (Channel, String) {
        let key: Cow<'_, str> = line.channel.key(&line.contact_point);
        (line.channel, key.into_owned())
    };
    let is_loaded = |line: &&GoldenConsent| !golden.withheld.contains_key(&line.golden_id);
    let loaded: BTreeSet<(Channel, String)> = match golden.withheld.is_empty() {
        true => BTreeSet::new(),
        false => golden.consents.iter().filter(is_loaded).map(point).collect(),
    };
    let mut strictest: BTreeMap<(Channel, String), ConsentState> = BTreeMap::new();
    for line in golden.consents.iter().filter(|line| !is_loaded(line) && is_refused(line)) {
        let point = point(line);
        if line.contact_point.is_empty() || loaded.contains(&point) {
            continue;
        }
        if let Some(state) = ConsentState::parse(&line.state) {
            let known = strictest.entry(point).or_insert(state);
            *known = (*known).max(state);
        }
    }
    let hashed = strictest
        .into_iter()
        .map(|((channel, point), state)| (suppression_hash(key, channel, &point), channel, state));
    let mut suppressed: Vec<_> = golden.suppressed.iter().cloned().chain(hashed).collect();
    suppressed.sort_unstable();
    suppressed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consolidate::{
            lifecycle,
            notation::{clusters, records},
        },
        table::GoldenRetention,
    };

    /// The reasons of the records that are withheld, by position; `links` of persons to organisations, `states` by
    /// record of its email address `<record>@x.fr`.
    fn reasons(
        people: &str,
        links: &[(u32, u32)],
        states: &[(u32, &str)],
        expired: &[(u32, Expired)],
        exclude: &[Expired],
    ) -> (Vec<String>, usize) {
        let records = records(people);
        let first: Vec<u32> = (0..records.len() as u32).collect();
        let entities = Entities::of_first_run(&records, &clusters(&first));
        let id = |record: u32| entities.of(record).id.clone();
        let link = |&(person, organisation): &(u32, u32)| GoldenLink {
            person_id: id(person),
            organisation_id: id(organisation),
            role: String::new(),
            current: None,
            since: String::new(),
            until: String::new(),
        };
        let consent = |&(record, state): &(u32, &str)| GoldenConsent {
            golden_id: id(record),
            contact_point: format!("{record}@x.fr"),
            channel: Channel::Email,
            purpose: String::new(),
            legal_entity: String::new(),
            state: state.into(),
            proved: false,
            since: String::new(),
            source: String::new(),
            file: String::new(),
            row: None,
        };
        let retention = |&(record, expired): &(u32, Expired)| GoldenRetention {
            golden_id: id(record),
            kind: Kind::Person,
            lifecycle: "",
            list: expired.list(),
            last_act: String::new(),
            act: "",
            source: String::new(),
            file: String::new(),
            sheet: String::new(),
            row: None,
            organisation_sale: String::new(),
        };
        let mut golden = Golden {
            links: links.iter().map(link).collect(),
            consents: states.iter().map(consent).collect(),
            retention: expired.iter().map(retention).collect(),
            ..Golden::default()
        };
        golden.consents.sort();
        let sales = std::collections::HashMap::new();
        let until = lifecycle::cutoff("2024-12-31", 3);
        let lives = lifecycle::lives(&entities, &records, &sales, &golden.links, &until);
        let settings = Retention { exclude: exclude.to_vec(), ..Retention::default() };
        golden.withheld = withheld(&golden, &entities, &lives, &settings);
        let told = first.iter().filter_map(|&record| {
            Some(format!("{record} {}", golden.withheld.get(&entities.of(record).id)?))
        });
        let told = told.collect();
        let listed = suppressed(&golden, &IdKey([7; 32])).len();
        (told, listed)
    }

    #[test]
    fn who_is_known_by_objections_alone_is_suppressed_and_not_loaded() {
        let people = "a P email=0@x.fr; a P email=1@x.fr; a P email=2@x.fr; a O name=Nova; a P email=4@x.fr phone=+331";
        let states = [(0, "opt_out"), (1, "unknown"), (2, "hard_bounce"), (4, "opt_out")];
        assert_eq!(
            reasons(people, &[(2, 3)], &states, &[], &[]),
            (vec!["0 suppressed".to_owned()], 1)
        );
    }

    #[test]
    fn a_supplier_that_buys_nothing_is_left_out_with_who_is_known_by_it_alone() {
        let people = "a O name=F role=supplier; a O name=G role=supplier role=customer; a P last_name=X; \
            a P last_name=Y; a P last_name=Z customer_code=C2";
        let links = [(2, 0), (3, 0), (3, 1), (4, 0)];
        assert_eq!(
            reasons(people, &links, &[], &[], &[]).0,
            ["0 supplier", "2 organisation_left_out"]
        );
    }

    #[test]
    fn who_is_past_its_period_is_left_out_when_the_settings_say_so() {
        let people = "a P phone=+331; a P phone=+332 customer_code=C1";
        let expired = [(0, Expired::Prospects), (1, Expired::Customers)];
        assert!(reasons(people, &[], &[], &expired, &[]).0.is_empty());
        assert_eq!(
            reasons(people, &[], &[], &expired, &[Expired::Prospects]).0,
            ["0 prospect_expired"]
        );
    }
}
