//! Golden ids: minted once, kept from run to run.
//!
//! A cluster none of whose records was seen before mints its id from its smallest record id. A cluster
//! with known records takes a golden id that those records had: where several clusters claim one id
//! (a split), the one that holds the record it was minted from keeps it, else the one with most of its
//! records; where one cluster has several ids (a merge), it takes the smallest, and the others retire.
//! A row that was edited since counts as known where its key says which row it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    registry::Registry,
    table::{Clusters, IdKey, Kind, Records},
};

/// One golden record before its values are chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entity {
    pub(crate) kind: Kind,
    /// Golden id.
    pub(crate) id: String,
    /// Positions of its records, ascending.
    pub(crate) members: Vec<u32>,
}

/// All golden records, persons first, then organisations, then others; each sorted by golden id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entities {
    pub(crate) list: Vec<Entity>,
    /// For each record the position of its golden record in `list`.
    pub(crate) of_record: Vec<u32>,
    /// Golden records whose id an earlier run minted.
    pub(crate) kept_ids: u64,
    /// Golden ids of earlier runs whose records now belong to another golden record.
    pub(crate) retired_ids: u64,
}

impl Entities {
    /// The golden record of a record.
    pub(crate) fn of(&self, record: u32) -> &Entity {
        &self.list[self.of_record[record as usize] as usize]
    }

    /// Golden ids where nothing is known of earlier ones.
    #[cfg(test)]
    pub(crate) fn of_first_run(records: &Records, clusters: &Clusters) -> Entities {
        Entities::new(records, clusters, &Registry::default(), &IdKey([7; 32]))
    }

    /// Gives every cluster its golden id.
    pub(crate) fn new(
        records: &Records,
        clusters: &Clusters,
        registry: &Registry,
        key: &IdKey,
    ) -> Entities {
        let groups = clusters.groups();
        let known = registry.known(records, key);
        let kept = kept_ids(records, &groups, &known);
        let living: BTreeSet<&str> = kept.values().copied().collect();
        let known = known.iter().flatten();
        let retired: BTreeSet<&str> = known.copied().filter(|id| !living.contains(id)).collect();
        // An id that lives no more is free for the record that it was minted from, and for no other.
        let mut taken: BTreeSet<String> = living.iter().map(|id| (*id).to_owned()).collect();
        let mut entities = Entities {
            kept_ids: kept.len() as u64,
            retired_ids: retired.len() as u64,
            ..Entities::default()
        };
        for (at, members) in groups.into_iter().enumerate() {
            let kind = records.kinds[members[0] as usize];
            let id = match kept.get(&at) {
                Some(id) => (*id).to_owned(),
                None => mint(kind, &members, records, &taken),
            };
            taken.insert(id.clone());
            entities.list.push(Entity { kind, id, members });
        }
        entities.list.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
        entities.of_record = vec![0; records.len()];
        for (at, entity) in entities.list.iter().enumerate() {
            for &record in &entity.members {
                entities.of_record[record as usize] = at as u32;
            }
        }
        entities
    }
}

/// For each cluster with records of earlier runs, by its position, the golden id it keeps; `known` has the golden
/// id that each record had.
fn kept_ids<'r>(
    records: &Records,
    groups: &[Vec<u32>],
    known: &[Option<&'r str>],
) -> BTreeMap<usize, &'r str> {
    // Golden id -> cluster -> (whether it holds the record that minted the id, how many of its records).
    let mut claims: BTreeMap<&str, BTreeMap<usize, (bool, u32)>> = BTreeMap::new();
    for (at, members) in groups.iter().enumerate() {
        let letter = letter(records.kinds[members[0] as usize]);
        for &record in members {
            // A record whose kind is now seen otherwise cannot keep the id of the other kind.
            let Some(id) = known[record as usize].filter(|id| id.starts_with(letter)) else {
                continue;
            };
            let claim = claims.entry(id).or_default().entry(at).or_default();
            claim.0 |= id[1..] == records.ids[record as usize].to_string();
            claim.1 += 1;
        }
    }
    let mut kept: BTreeMap<usize, &str> = BTreeMap::new();
    for (id, clusters) in claims {
        // Of equal claims the first cluster's, which holds the smallest record id.
        let best = clusters.into_iter().rev().max_by_key(|&(_, claim)| claim);
        if let Some((at, _)) = best {
            // Ids come in ascending order: the first is the smallest.
            kept.entry(at).or_insert(id);
        }
    }
    kept
}

fn letter(kind: Kind) -> char {
    match kind {
        Kind::Person => 'P',
        Kind::Organisation => 'O',
        Kind::Other => 'R',
    }
}

fn mint(kind: Kind, members: &[u32], records: &Records, taken: &BTreeSet<String>) -> String {
    let letter = letter(kind);
    let of = |record: u32| format!("{letter}{}", records.ids[record as usize]);
    // After a split the id of the smallest record may live on elsewhere: never used twice.
    let free = members.iter().map(|&r| of(r)).find(|id| !taken.contains(id));
    free.unwrap_or_else(|| {
        (2..)
            .map(|n| format!("{}-{n}", of(members[0])))
            .find(|id| !taken.contains(id))
            .expect("the ordinals do not end")
    })
}

/// The golden id of each record, without making golden records: for a run that ends at its clusters.
pub fn golden_ids(
    records: &Records,
    clusters: &Clusters,
    registry: &Registry,
    key: &IdKey,
) -> Vec<String> {
    let entities = Entities::new(records, clusters, registry, key);
    (0..records.len()).map(|r| entities.of(r as u32).id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consolidate::notation::{clusters, records},
        table::RecordId,
    };

    const FOUR: &str = "a P last_name=A; b P last_name=B; c P last_name=C; d P last_name=D";

    const KEY: IdKey = IdKey([7; 32]);

    /// Golden ids as the position of the record that minted them.
    fn ids(clusters: &Clusters, registry: &Registry) -> Vec<usize> {
        let records = records(FOUR);
        let golden = golden_ids(&records, clusters, registry, &KEY);
        let minted_by = |id: &String| RecordId::parse(&id[1..]).and_then(|id| records.find(id));
        golden.iter().map(|id| minted_by(id).unwrap_or(99)).collect()
    }

    /// What a run with these clusters leaves, of the records from `first` on.
    fn registry(clusters: &Clusters, first: usize) -> Registry {
        let records = records(FOUR);
        let golden = golden_ids(&records, clusters, &Registry::default(), &KEY);
        let mut known = records.clone();
        known.ids.drain(..first);
        known.keys.drain(..first);
        known.kinds.drain(..first);
        Registry::default().after("0001", &known, &KEY, &golden[first..], &[])
    }

    #[test]
    fn an_id_comes_from_the_smallest_record_of_its_cluster() {
        assert_eq!(ids(&clusters(&[0, 0, 2, 2]), &Registry::default()), [0, 0, 2, 2]);
    }

    #[test]
    fn a_cluster_that_grows_keeps_its_id() {
        let before = registry(&clusters(&[0, 1, 2, 3]), 1);
        assert_eq!(ids(&clusters(&[0, 0, 2, 3]), &before), [1, 1, 2, 3]);
    }

    #[test]
    fn of_merged_clusters_the_smallest_id_stays() {
        let before = registry(&clusters(&[0, 0, 2, 2]), 0);
        assert_eq!(ids(&clusters(&[0, 0, 0, 0]), &before), [0, 0, 0, 0]);
    }

    #[test]
    fn after_a_split_no_id_is_used_twice() {
        let before = registry(&clusters(&[0, 0, 0, 3]), 0);
        assert_eq!(ids(&clusters(&[0, 1, 1, 3]), &before), [0, 1, 1, 3]);
        // The record that minted the id is elsewhere: most records keep it, the others mint anew.
        let records = records(FOUR);
        let minted_before = vec![format!("P{}", "0".repeat(16)); 4];
        let before = Registry::default().after("0001", &records, &KEY, &minted_before, &[]);
        assert_eq!(ids(&clusters(&[0, 1, 1, 1]), &before), [0, 99, 99, 99]);
    }
}
