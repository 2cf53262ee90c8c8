//! Which decisions cannot hold together.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// For each decision of a contradiction the decisions that make it: one that keeps apart, and the fewest that bring
/// together all the same.
///
/// `same` has the records that a decision makes one, `apart` the parts that one keeps from each other, each with the
/// number of the decision.
pub(super) fn contradictions(
    same: &[(usize, Vec<u32>)],
    apart: &[(usize, Vec<Vec<u32>>)],
) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut of_record: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, (_, records)) in same.iter().enumerate() {
        for &record in records {
            of_record.entry(record).or_default().push(at);
        }
    }
    let mut contradictions: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (decision, parts) in apart {
        for (at, part) in parts.iter().enumerate() {
            let others: BTreeSet<u32> = parts[at + 1..].iter().flatten().copied().collect();
            let Some(chain) = chain(part, &others, same, &of_record) else { continue };
            let together: BTreeSet<usize> =
                chain.iter().map(|&at| same[at].0).chain([*decision]).collect();
            for &one in &together {
                contradictions.entry(one).or_default().extend(&together);
            }
        }
    }
    contradictions
}

/// The fewest of `same` that make one of `from` and one of `to` the same; none where nothing does.
fn chain(
    from: &[u32],
    to: &BTreeSet<u32>,
    same: &[(usize, Vec<u32>)],
    of_record: &BTreeMap<u32, Vec<usize>>,
) -> Option<BTreeSet<usize>> {
    // For each record reached the decision and the record that led there.
    let mut reached: BTreeMap<u32, Option<(usize, u32)>> =
        from.iter().map(|&record| (record, None)).collect();
    let mut open: VecDeque<u32> = from.iter().copied().collect();
    while let Some(record) = open.pop_front() {
        if to.contains(&record) {
            let mut chain = BTreeSet::new();
            let mut at = record;
            while let Some((decision, before)) = reached[&at] {
                chain.insert(decision);
                at = before;
            }
            return Some(chain);
        }
        for &decision in of_record.get(&record).into_iter().flatten() {
            for &next in &same[decision].1 {
                reached.entry(next).or_insert_with(|| {
                    open.push_back(next);
                    Some((decision, record))
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_contradiction_is_told_with_the_fewest_decisions_that_make_it() {
        let same =
            [(0, vec![0, 1]), (1, vec![1, 2]), (2, vec![2, 3]), (3, vec![1, 3]), (5, vec![7, 8])];
        let apart = [(4, vec![vec![0], vec![3]]), (6, vec![vec![7], vec![9]])];
        let told = contradictions(&same, &apart);
        let all = BTreeSet::from([0, 3, 4]);
        assert_eq!(told.keys().copied().collect::<BTreeSet<_>>(), all);
        assert!(told.values().all(|with| *with == all));
    }

    #[test]
    fn a_row_in_two_parts_contradicts_itself() {
        let told = contradictions(&[], &[(0, vec![vec![1, 2], vec![2, 3]])]);
        assert_eq!(told, BTreeMap::from([(0, BTreeSet::from([0]))]));
    }

    proptest! {
        /// A decision that keeps two apart is contradicted when, and only when, the others bring them together.
        #[test]
        fn no_contradiction_is_missed_and_none_invented(
            same in proptest::collection::vec((0u32..8, 0u32..8), 0..8),
            (a, b) in (0u32..8, 0u32..8),
        ) {
            prop_assume!(a != b);
            let mut group: Vec<u32> = (0..8).collect();
            for &(x, y) in &same {
                let (from, to) = (group[x as usize], group[y as usize]);
                group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
            }
            let same: Vec<_> = same.iter().enumerate().map(|(i, &(x, y))| (i, vec![x, y])).collect();
            let told = contradictions(&same, &[(99, vec![vec![a], vec![b]])]);
            prop_assert_eq!(told.contains_key(&99), group[a as usize] == group[b as usize]);
        }
    }
}
