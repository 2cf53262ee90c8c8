//! Legal numbers that cannot be the customer's: the seller's own, typed where the customer's belongs,
//! and numbers that many unrelated names bear. Each is a reject, and no evidence of anything.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use crate::{
    table::{Column, ColumnBuilder, Records, Reject, Severity},
    value::{identifier, organisation},
};

/// The columns that hold a SIREN, whole or within.
const COLUMNS: [&str; 3] = ["siren", "siret", "vat"];

/// Names without a word in common from which a number is nobody's.
const UNRELATED_NAMES: usize = 3;

/// Takes such numbers out of `columns` and says where they stood.
pub(super) fn withdraw(columns: &mut BTreeMap<String, Column>, raw: &Records) -> Vec<Reject> {
    let own: BTreeSet<String> =
        raw.places.iter().filter_map(|p| identifier::seller_siren(&p.file)).collect();
    let shared = shared_by_unrelated_names(columns);
    let mut rejects = Vec::new();
    if own.is_empty() && shared.is_empty() {
        return rejects;
    }
    for name in COLUMNS {
        let Some(column) = columns.get(name) else { continue };
        let mut kept = ColumnBuilder::new();
        for i in 0..column.len() {
            for (value, origin) in column.entries(i) {
                let siren = siren_in(value);
                let found = if siren.is_some_and(|s| own.contains(s)) {
                    Some(("own_legal_number", "it is the seller's own number"))
                } else if siren.is_some_and(|s| shared.contains(s)) {
                    Some((
                        "shared_legal_number",
                        "names that have nothing in common bear this number",
                    ))
                } else {
                    None
                };
                match found {
                    None => kept.value(value, origin),
                    Some((code, message)) => {
                        rejects.push(reject(raw, i, origin, code, message, value))
                    }
                }
            }
            kept.end_record();
        }
        columns.insert(name.to_owned(), kept.finish());
    }
    rejects
}

fn siren_in(value: &str) -> Option<&str> {
    if value.len() == 9 { Some(value) } else { identifier::siren_of(value) }
}

/// SIRENs borne by at least three groups of names with no word in common, more groups than half of
/// the records: one company may have two or three names, not as many as it has records.
fn shared_by_unrelated_names(columns: &BTreeMap<String, Column>) -> BTreeSet<String> {
    let (Some(sirens), Some(names)) = (columns.get("siren"), columns.get("name")) else {
        return BTreeSet::new();
    };
    let mut records: HashMap<&str, usize> = HashMap::default();
    for siren in (0..sirens.len()).flat_map(|i| sirens.values(i)) {
        *records.entry(siren).or_default() += 1;
    }
    let mut bearers: BTreeMap<&str, Vec<BTreeSet<String>>> = BTreeMap::new();
    for i in 0..sirens.len() {
        for siren in sirens.values(i).filter(|siren| records[siren] >= UNRELATED_NAMES) {
            let words: BTreeSet<String> = names.values(i).flat_map(organisation::words).collect();
            if !words.is_empty() {
                bearers.entry(siren).or_default().push(words);
            }
        }
    }
    let nobodys = |names: &Vec<BTreeSet<String>>| {
        let groups = unrelated(names);
        groups >= UNRELATED_NAMES && groups * 2 > names.len()
    };
    bearers
        .iter()
        .filter(|(_, names)| nobodys(names))
        .map(|(siren, _)| (*siren).to_owned())
        .collect()
}

/// How many groups of names have no word in common: what is left of the names once those that share
/// a word are joined.
fn unrelated(names: &[BTreeSet<String>]) -> usize {
    let mut parents: Vec<usize> = (0..names.len()).collect();
    let mut bearer: HashMap<&str, usize> = HashMap::default();
    let mut groups = names.len();
    for (at, name) in names.iter().enumerate() {
        for word in name {
            let other = *bearer.entry(word).or_insert(at);
            let (a, b) = (root(&mut parents, at), root(&mut parents, other));
            if a != b {
                // The earlier one stays, so that a word that all bear leads there in one step.
                parents[a.max(b)] = a.min(b);
                groups -= 1;
            }
        }
    }
    groups
}

/// The first of the group that `at` belongs to; the way there is halved for those who ask next.
fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

fn reject(raw: &Records, i: usize, origin: u32, code: &str, message: &str, value: &str) -> Reject {
    let place = raw.place_of(i);
    Reject {
        source: place.source.clone(),
        file: place.file.clone(),
        sheet: place.sheet.clone(),
        row: Some(raw.row[i]),
        column: raw.origins.get(origin as usize).map(|o| o.column.clone()).unwrap_or_default(),
        code: code.to_owned(),
        severity: Severity::Cell,
        message: message.to_owned(),
        suggestion: "look the customer's own number up".to_owned(),
        raw: value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<BTreeSet<String>> {
        list.iter().map(|n| n.split(' ').map(str::to_owned).collect()).collect()
    }

    #[test]
    fn names_that_share_a_word_are_one_group_however_they_are_chained() {
        assert_eq!(unrelated(&names(&["garage du pont", "pont auto", "auto plus"])), 1);
        assert_eq!(unrelated(&names(&["garage", "boulangerie", "mairie"])), 3);
    }

    #[test]
    fn names_by_the_hundred_thousand_are_grouped_at_once() {
        let apart: Vec<String> = (0..100_000).map(|n| format!("client{n} rue{}", n / 2)).collect();
        let apart: Vec<&str> = apart.iter().map(String::as_str).collect();
        assert_eq!(unrelated(&names(&apart)), 50_000);
        let chained: Vec<String> = (0..100_000).map(|n| format!("w{n} w{}", n + 1)).collect();
        let chained: Vec<&str> = chained.iter().rev().map(String::as_str).collect();
        assert_eq!(unrelated(&names(&chained)), 1);
    }

    fn columns(rows: &[(&str, &str)]) -> BTreeMap<String, Column> {
        let column = |of: fn(&(&'static str, &'static str)) -> &'static str,
                      rows: Vec<(&'static str, &'static str)>| {
            let mut builder = ColumnBuilder::new();
            for row in &rows {
                builder.value(of(row), 0);
                builder.end_record();
            }
            builder.finish()
        };
        let rows: Vec<(&'static str, &'static str)> = rows
            .iter()
            .map(|(a, b)| {
                (
                    &*Box::leak((*a).to_owned().into_boxed_str()),
                    &*Box::leak((*b).to_owned().into_boxed_str()),
                )
            })
            .collect();
        BTreeMap::from([
            ("siren".to_owned(), column(|r| r.0, rows.clone())),
            ("name".to_owned(), column(|r| r.1, rows)),
        ])
    }

    #[test]
    fn a_number_that_unrelated_names_bear_is_nobodys() {
        let placeholder = [
            ("732829320", "Garage Lebrun"),
            ("732829320", "Mairie"),
            ("732829320", "Boulangerie Petit"),
        ];
        assert!(shared_by_unrelated_names(&columns(&placeholder)).contains("732829320"));
        let renamed = [
            ("732829320", "Garage Lebrun"),
            ("732829320", "Auto Plus"),
            ("732829320", "Garage Lebrun SARL"),
        ];
        assert!(shared_by_unrelated_names(&columns(&renamed)).is_empty());
    }
}
