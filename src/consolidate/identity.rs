//! Golden ids: minted once, kept from run to run.
//!
//! A cluster none of whose records was seen before mints its id from its smallest record id. A cluster
//! with known records takes a golden id that those records had: where several clusters claim one id
//! (a split), the one that holds the record it was minted from keeps it, else the one with most of its
//! records; where one cluster has several ids (a merge), it takes the smallest, and the others retire.

use std::collections::{BTreeMap, BTreeSet};

use crate::table::{Clusters, Kind, RecordId, Records};

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

    /// Gives every cluster its golden id.
    pub(crate) fn new(
        records: &Records,
        clusters: &Clusters,
        registry: &BTreeMap<RecordId, String>,
    ) -> Entities {
        let groups = clusters.groups();
        let kept = kept_ids(records, &groups, registry);
        let living: BTreeSet<&String> = kept.values().copied().collect();
        let known = records.ids.iter().filter_map(|id| registry.get(id));
        let retired: BTreeSet<&String> = known.filter(|id| !living.contains(id)).collect();
        let mut taken: BTreeSet<String> = registry.values().cloned().collect();
        let mut entities = Entities {
            kept_ids: kept.len() as u64,
            retired_ids: retired.len() as u64,
            ..Entities::default()
        };
        for (at, members) in groups.into_iter().enumerate() {
            let kind = records.kinds[members[0] as usize];
            let id = match kept.get(&at) {
                Some(id) => (*id).clone(),
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

/// For each cluster with records of earlier runs, by its position, the golden id it keeps.
fn kept_ids<'r>(
    records: &Records,
    groups: &[Vec<u32>],
    registry: &'r BTreeMap<RecordId, String>,
) -> BTreeMap<usize, &'r String> {
    // Golden id -> cluster -> (whether it holds the record that minted the id, how many of its records).
    let mut claims: BTreeMap<&String, BTreeMap<usize, (bool, u32)>> = BTreeMap::new();
    if registry.is_empty() {
        return BTreeMap::new();
    }
    for (at, members) in groups.iter().enumerate() {
        let letter = letter(records.kinds[members[0] as usize]);
        for &record in members {
            let record_id = records.ids[record as usize];
            let Some(id) = registry.get(&record_id) else { continue };
            // A record whose kind is now seen otherwise cannot keep the id of the other kind.
            if !id.starts_with(letter) {
                continue;
            }
            let claim = claims.entry(id).or_default().entry(at).or_default();
            claim.0 |= id[1..] == record_id.to_string();
            claim.1 += 1;
        }
    }
    let mut kept: BTreeMap<usize, &String> = BTreeMap::new();
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

/// The registry after a run: the golden id of every record ever seen.
pub fn registry_after(
    before: &BTreeMap<RecordId, String>,
    records: &Records,
    golden_of: &[String],
) -> BTreeMap<RecordId, String> {
    let mut after = before.clone();
    after.extend(records.ids.iter().copied().zip(golden_of.iter().cloned()));
    after
}

/// The golden id of each record, without making golden records: for a run that ends at its clusters.
pub fn golden_ids(
    records: &Records,
    clusters: &Clusters,
    registry: &BTreeMap<RecordId, String>,
) -> Vec<String> {
    let entities = Entities::new(records, clusters, registry);
    (0..records.len()).map(|r| entities.of(r as u32).id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consolidate::notation::{clusters, records};

    const FOUR: &str = "a P last_name=A; b P last_name=B; c P last_name=C; d P last_name=D";

    /// Golden ids as the position of the record that minted them.
    fn ids(clusters: &Clusters, registry: &BTreeMap<RecordId, String>) -> Vec<usize> {
        let records = records(FOUR);
        let golden = golden_ids(&records, clusters, registry);
        let minted_by = |id: &String| RecordId::parse(&id[1..]).and_then(|id| records.find(id));
        golden.iter().map(|id| minted_by(id).unwrap_or(99)).collect()
    }

    fn registry(clusters: &Clusters) -> BTreeMap<RecordId, String> {
        let records = records(FOUR);
        let golden = golden_ids(&records, clusters, &BTreeMap::new());
        registry_after(&BTreeMap::new(), &records, &golden)
    }

    #[test]
    fn an_id_comes_from_the_smallest_record_of_its_cluster() {
        assert_eq!(ids(&clusters(&[0, 0, 2, 2]), &BTreeMap::new()), [0, 0, 2, 2]);
    }

    #[test]
    fn a_cluster_that_grows_keeps_its_id() {
        let before = registry(&clusters(&[0, 1, 2, 3]));
        let known: BTreeMap<_, _> = before.into_iter().skip(1).collect();
        assert_eq!(ids(&clusters(&[0, 0, 2, 3]), &known), [1, 1, 2, 3]);
    }

    #[test]
    fn of_merged_clusters_the_smallest_id_stays() {
        let before = registry(&clusters(&[0, 0, 2, 2]));
        assert_eq!(ids(&clusters(&[0, 0, 0, 0]), &before), [0, 0, 0, 0]);
    }

    #[test]
    fn after_a_split_no_id_is_used_twice() {
        let before = registry(&clusters(&[0, 0, 0, 3]));
        assert_eq!(ids(&clusters(&[0, 1, 1, 3]), &before), [0, 1, 1, 3]);
        // The record that minted the id is gone: most records keep it, the others mint anew.
        let gone: BTreeMap<_, _> =
            before.into_keys().map(|record| (record, format!("P{}", "0".repeat(16)))).collect();
        let after = ids(&clusters(&[0, 1, 1, 1]), &gone);
        assert_eq!(after, [0, 99, 99, 99]);
    }
}
