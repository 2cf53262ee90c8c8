//! The pairs that wait for a human, both records side by side, as the page and the workbook show them.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Input;
use crate::{
    model::{self, Kind, ValueKind},
    table::{GoldenRecords, Records, Review},
    value::{address::Address, text::fold},
};

/// What a person looks at to tell two persons apart, in that order.
const OF_PERSONS: [&str; 12] = [
    "first_name",
    "last_name",
    "maiden_name",
    "company",
    "job_title",
    "birth_date",
    "email",
    "phone",
    "mobile",
    "address",
    "customer_code",
    "account_code",
];
/// The same for organisations.
const OF_ORGANISATIONS: [&str; 13] = [
    "name",
    "alias",
    "legal_form",
    "siren",
    "siret",
    "vat",
    "email",
    "phone",
    "website",
    "address",
    "customer_code",
    "account_code",
    "parent",
];
/// Most attributes shown of records that are neither.
const MOST_ATTRIBUTES: usize = 12;

/// One pair that waits.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Pair {
    pub(super) weight: i32,
    pub(super) reason: String,
    pub(super) left: Side,
    pub(super) right: Side,
    pub(super) lines: Vec<Line>,
}

/// One record of a pair.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Side {
    pub(super) record_id: String,
    pub(super) golden_id: String,
    pub(super) source: String,
    /// File and sheet.
    pub(super) place: String,
    pub(super) row: u32,
    pub(super) name: String,
}

/// One attribute of both records.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    pub(super) attribute: String,
    pub(super) left: String,
    pub(super) right: String,
    /// `same`, `similar` (but for case, accents or one of several values), `different` or `one_side`.
    pub(super) agreement: &'static str,
}

/// The reviews in the order of doubt: the likeliest matches first.
pub(super) fn sorted<'a>(input: &Input<'a>) -> Vec<&'a Review> {
    let mut reviews: Vec<&Review> = input.clusters.review.iter().collect();
    reviews.sort_by_key(|r| (std::cmp::Reverse(r.weight_centibits), r.left, r.right));
    reviews
}

/// The kind of the records of a pair.
pub(super) fn kind_of(input: &Input<'_>, review: &Review) -> Kind {
    input.clean.records.kinds.get(review.left as usize).copied().unwrap_or(Kind::Other)
}

/// Both records of `review` side by side.
pub(super) fn pair(input: &Input<'_>, review: &Review) -> Pair {
    let (records, kind) = (&input.clean.records, kind_of(input, review));
    let (left, right) = (review.left as usize, review.right as usize);
    let line = |attribute: &str| {
        let (a, b) = (shown(records, attribute, left), shown(records, attribute, right));
        let agreement = agreement(&a, &b)?;
        Some(Line {
            attribute: attribute.into(),
            left: a.join(", "),
            right: b.join(", "),
            agreement,
        })
    };
    Pair {
        weight: review.weight_centibits,
        reason: review.reason.clone(),
        left: side(input, left),
        right: side(input, right),
        lines: attributes(records, kind)
            .into_iter()
            .filter_map(line)
            .take(MOST_ATTRIBUTES)
            .collect(),
    }
}

/// The attributes that pairs of `kind` are shown by.
pub(super) fn attributes(records: &Records, kind: Kind) -> Vec<&str> {
    match kind {
        Kind::Person => OF_PERSONS.to_vec(),
        Kind::Organisation => OF_ORGANISATIONS.to_vec(),
        Kind::Other => records.columns.keys().map(String::as_str).take(MOST_ATTRIBUTES).collect(),
    }
}

fn side(input: &Input<'_>, record: usize) -> Side {
    let records = &input.clean.records;
    let place = records.place_of(record);
    let sheet = if place.sheet.is_empty() { String::new() } else { format!(" · {}", place.sheet) };
    Side {
        record_id: records.ids[record].to_string(),
        golden_id: input.golden.golden_of.get(record).cloned().unwrap_or_default(),
        source: place.source.clone(),
        place: format!("{}{sheet}", place.file),
        row: records.row[record],
        name: name(records.kinds[record], |attribute| records.first(attribute, record)),
    }
}

/// What a person would call the golden record.
pub(super) fn golden_name(golden: &GoldenRecords, at: usize, kind: Kind) -> String {
    name(kind, |attribute| golden.first(attribute, at))
}

fn name<'a>(kind: Kind, first: impl Fn(&str) -> Option<&'a str>) -> String {
    let person = || {
        let parts = [first("first_name"), first("last_name")];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let named = match kind {
        Kind::Person => person(),
        Kind::Organisation => first("name").unwrap_or_default().to_owned(),
        Kind::Other => [person(), first("name").or(first("title")).unwrap_or_default().to_owned()]
            .into_iter()
            .find(|n| !n.is_empty())
            .unwrap_or_default(),
    };
    if named.is_empty() { first("email").unwrap_or_default().to_owned() } else { named }
}

/// The values of an attribute as a person reads them.
pub(super) fn shown(records: &Records, attribute: &str, record: usize) -> Vec<String> {
    let is_address = model::value_kind(attribute) == ValueKind::Address
        && model::attribute(attribute).is_some_and(|a| !a.part);
    let readable = |value: &str| {
        if is_address { address_line(&Address::decode(value)) } else { value.to_owned() }
    };
    let mut seen = BTreeSet::new();
    let values = records.values(attribute, record).map(readable);
    values.filter(|v| !v.is_empty() && seen.insert(v.clone())).collect()
}

fn address_line(address: &Address) -> String {
    let joined = |parts: &[&str]| {
        parts.iter().filter(|p| !p.is_empty()).copied().collect::<Vec<_>>().join(" ")
    };
    let town = joined(&[&address.postcode, &address.city, &address.cedex]);
    let street = address.street_line();
    let lines = [&street, &address.complement, &town, &address.state, &address.country];
    lines.into_iter().filter(|l| !l.is_empty()).cloned().collect::<Vec<_>>().join(", ")
}

fn agreement(left: &[String], right: &[String]) -> Option<&'static str> {
    if left.is_empty() && right.is_empty() {
        return None;
    }
    if left.is_empty() || right.is_empty() {
        return Some("one_side");
    }
    if left == right {
        return Some("same");
    }
    let folded: BTreeSet<String> = left.iter().map(|v| fold(v)).collect();
    let meet = right.iter().any(|v| folded.contains(&fold(v)));
    Some(if meet { "similar" } else { "different" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreement_is_told_in_four_words() {
        let values = |text: &str| -> Vec<String> {
            text.split('|').filter(|v| !v.is_empty()).map(str::to_owned).collect()
        };
        let told = |a, b| agreement(&values(a), &values(b));
        assert_eq!(told("", ""), None);
        assert_eq!(told("a", ""), Some("one_side"));
        assert_eq!(told("Jean", "Jean"), Some("same"));
        assert_eq!(told("Hélène", "HELENE"), Some("similar"));
        assert_eq!(told("a|b", "b"), Some("similar"));
        assert_eq!(told("a", "b"), Some("different"));
    }
}
