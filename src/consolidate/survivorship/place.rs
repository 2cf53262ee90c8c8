//! Postal addresses: which of them are one place, and which says most of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Candidate, Standings, by_standing};
use crate::{
    model::ValueKind,
    value::{address::Address, text},
};

/// For each address of one place how many sources spell its street and its town as it does.
pub(super) fn address_support<'a>(
    kind: ValueKind,
    group: &[Candidate<'a>],
    standings: &Standings<'_>,
) -> BTreeMap<&'a str, (usize, usize)> {
    if kind != ValueKind::Address {
        return BTreeMap::new();
    }
    let spelled = |cell: &Candidate<'a>| {
        let address = Address::decode(cell.value);
        (text::fold(&address.street), text::fold(&address.city))
    };
    let spelled: Vec<(String, String)> = group.iter().map(spelled).collect();
    let mut streets: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    let mut towns: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (cell, (street, town)) in group.iter().zip(&spelled) {
        let source = standings[cell.record as usize].source;
        streets.entry(street).or_default().insert(source);
        towns.entry(town).or_default().insert(source);
    }
    let support = |(street, town): &(String, String)| {
        (streets[street.as_str()].len(), towns[town.as_str()].len())
    };
    group.iter().zip(&spelled).map(|(cell, spelled)| (cell.value, support(spelled))).collect()
}

/// How many parts of an address are known, those first that a letter cannot arrive without.
pub(super) fn address_parts(a: &Address) -> (usize, usize) {
    let filled = |parts: &[&String]| parts.iter().filter(|p| !p.is_empty()).count();
    (
        filled(&[&a.number, &a.street, &a.postcode, &a.city]),
        filled(&[&a.complement, &a.cedex, &a.state, &a.country]),
    )
}

/// Addresses of one place join: the partial with the full one, the misspelt with the others.
pub(super) fn join_places<'a>(
    groups: Vec<Vec<Candidate<'a>>>,
    standings: &Standings<'_>,
) -> Vec<Vec<Candidate<'a>>> {
    let mut groups: Vec<(Address, Vec<Candidate<'a>>)> =
        groups.into_iter().map(|g| (Address::decode(g[0].value), g)).collect();
    groups.sort_by(|(a, x), (b, y)| {
        (address_parts(b).0.cmp(&address_parts(a).0))
            .then(y.len().cmp(&x.len()))
            .then(by_standing(standings, x[0].record, y[0].record))
            .then(x[0].value.cmp(y[0].value))
    });
    let mut joined: Vec<(Address, Vec<Candidate<'a>>)> = Vec::new();
    for (address, group) in groups {
        match joined.iter_mut().find(|(full, _)| is_within(&address, full)) {
            Some((_, home)) => home.extend(group),
            None => joined.push((address, group)),
        }
    }
    joined.into_iter().map(|(_, group)| group).collect()
}

/// Whether `part` is the same place as `full`, or says less of it.
pub(crate) fn is_within(part: &Address, full: &Address) -> bool {
    let same = |a: &str, b: &str| text::fold(a) == text::fold(b);
    let absent_or_same = |a: &str, b: &str| a.is_empty() || same(a, b);
    if !absent_or_same(&part.number, &full.number) {
        return false;
    }
    if part.street.is_empty() {
        return part.number.is_empty()
            && part.complement.is_empty()
            && absent_or_same(&part.postcode, &full.postcode)
            && absent_or_same(&part.city, &full.city);
    }
    let same_town = (!part.postcode.is_empty() && part.postcode == full.postcode)
        || (!part.city.is_empty() && same(&part.city, &full.city))
        || (part.postcode.is_empty() && part.city.is_empty());
    same_town && same_street(&part.street, &full.street)
}

/// Whether two streets of one town are the same but for a slip of the keyboard.
fn same_street(a: &str, b: &str) -> bool {
    /// One wrong letter in five: more is another street (`rue Foch`, `rue Hoche`).
    const LEAST_SIMILARITY: f64 = 0.8;
    let (a, b) = (text::fold(a), text::fold(b));
    a == b || strsim::normalized_damerau_levenshtein(&a, &b) > LEAST_SIMILARITY
}
