//! Which golden records stay out of the load package, and why: they are golden records all the same.
//!
//! The contact points of whoever is withheld stay on the suppression list where they must not be used, so that an
//! objection outlives the one who is not loaded.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use crate::table::{
    Channel, ConsentState, Golden, GoldenConsent, GoldenLink, IdKey, Kind, Records,
};

use super::{
    consent::suppression_hash,
    identity::{Entities, Entity},
    lifecycle::{Life, Stage},
    retention::{Expired, Facts, Retention},
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
    facts: &Facts<'_>,
    retention: &Retention,
) -> BTreeMap<String, &'static str> {
    let (entities, lives) = (facts.entities, facts.lives);
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
    for id in unreachable(golden, facts) {
        withheld.entry(id.to_owned()).or_insert(SUPPRESSED);
    }
    for id in of_left_out(golden, entities, lives, &withheld) {
        withheld.entry(id).or_insert(ORGANISATION_LEFT_OUT);
    }
    withheld
}

/// Persons in no organisation who are known by contact points alone, each under an objection or a bounce.
fn unreachable<'g>(golden: &'g Golden, facts: &Facts<'_>) -> impl Iterator<Item = &'g str> {
    let linked: BTreeSet<&str> = golden.links.iter().map(|link| link.person_id.as_str()).collect();
    let with_history: BTreeSet<u32> =
        facts.attached.iter().flatten().filter_map(|at| at.as_ref().ok().copied()).collect();
    let told: BTreeSet<&str> = telling(&facts.clean.records);
    let is_suspect = |(at, (entity, life)): &(u32, (&Entity, &Life))| {
        entity.kind == Kind::Person
            && life.stage == Stage::Suspect
            && !linked.contains(entity.id.as_str())
            && !with_history.contains(at)
            && !is_told_of(entity, &told, &facts.clean.records)
    };
    let people = (0..).zip(facts.entities.list.iter().zip(facts.lives));
    let suspects: BTreeSet<String> =
        people.filter(is_suspect).map(|(_, (entity, _))| entity.id.clone()).collect();
    let lines = golden.consents.chunk_by(|a, b| a.golden_id == b.golden_id);
    let all_refused = |lines: &&[GoldenConsent]| lines.iter().all(GoldenConsent::is_refused);
    lines
        .filter(move |lines| suspects.contains(&*lines[0].golden_id))
        .filter(all_refused)
        .map(|lines| &*lines[0].golden_id)
}

/// The attributes that say something of a person: all but contact points, and the days on which its row was made and
/// changed.
fn telling(records: &Records) -> BTreeSet<&str> {
    let points: BTreeSet<&str> =
        Channel::ALL.into_iter().flat_map(Channel::attributes).copied().collect();
    let is_bare = |attribute: &str| {
        points.contains(attribute) || matches!(attribute, "created_at" | "updated_at")
    };
    records.columns.keys().map(String::as_str).filter(|attribute| !is_bare(attribute)).collect()
}

fn is_told_of(entity: &Entity, telling: &BTreeSet<&str>, records: &Records) -> bool {
    let says = |&record: &u32| telling.iter().any(|a| records.first(a, record as usize).is_some());
    entity.members.iter().any(says)
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
    let follows = |(entity, life): &(&Entity, &Life)| {
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
    let is_loaded = |line: &&GoldenConsent| !golden.withheld.contains_key(&*line.golden_id);
    let loaded: BTreeSet<(Channel, String)> = match golden.withheld.is_empty() {
        true => BTreeSet::new(),
        false => golden.consents.iter().filter(is_loaded).map(point).collect(),
    };
    let mut strictest: BTreeMap<(Channel, String), ConsentState> = BTreeMap::new();
    for line in golden.consents.iter().filter(|line| !is_loaded(line) && line.is_refused()) {
        let point = point(line);
        if line.contact_point.is_empty() || loaded.contains(&point) {
            continue;
        }
        if let Some(state) = line.state() {
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
    use crate::table::ConsentSaid;
    use crate::{
        consolidate::{
            key::Orphan,
            lifecycle,
            notation::{clusters, records},
        },
        table::{Clean, GoldenRetention},
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
        reasons_with(people, links, states, expired, exclude, &[])
    }

    /// The same where history hangs on the records `attached`.
    fn reasons_with(
        people: &str,
        links: &[(u32, u32)],
        states: &[(u32, &str)],
        expired: &[(u32, Expired)],
        exclude: &[Expired],
        attached: &[u32],
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
            golden_id: id(record).into(),
            contact_point: format!("{record}@x.fr").into(),
            channel: Channel::Email,
            said: ConsentState::parse(state).map(ConsentSaid::bare),
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
        let attached: Vec<Result<u32, Orphan>> =
            attached.iter().map(|&record| Ok(entities.of_record[record as usize])).collect();
        let facts = Facts {
            entities: &entities,
            clean: &Clean { records: records.clone(), ..Clean::default() },
            history: &[],
            attached: &[attached],
            links: &golden.links,
            lives: &lives,
            as_of: "2024-12-31",
        };
        let withheld = withheld(&golden, &facts, &settings);
        golden.withheld = withheld;
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
    fn who_is_known_by_more_than_contact_points_is_loaded_under_its_objection() {
        let people = "a P email=0@x.fr last_name=Durand first_name=Léa birth_date=1980-01-01; \
            a P email=1@x.fr job_title=Gérante; a P email=2@x.fr notes=allergique; a P email=3@x.fr; \
            a P email=4@x.fr created_at=2020-01-01";
        let states: Vec<(u32, &str)> = (0..5).map(|record| (record, "opt_out")).collect();
        let (told, listed) = reasons_with(people, &[], &states, &[], &[], &[3]);
        assert_eq!((told, listed), (vec!["4 suppressed".to_owned()], 1), "3 has a ticket");
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
