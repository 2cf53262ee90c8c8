//! What some rules say of a value before values are compared: how far its record is trusted, how full it is.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{
    Settings,
    cells::Choosing,
    survivorship::{AttributeRule, Rule},
};
use crate::{model::Kind, table::Records, value::text};

/// By attribute and source, what share of the values that were read is valid.
pub(super) type Shares = BTreeMap<String, BTreeMap<String, f64>>;

/// Trust in a source of which the settings say nothing.
const USUAL_TRUST: f64 = 0.5;
/// How old a record without a date counts, in half-lives.
const UNDATED_HALF_LIVES: f64 = 2.0;
/// Steps of trust: less is no difference.
const STEPS: f64 = 10_000.0;

/// The valid shares of the attributes that a rule asks for.
pub(super) fn shares(raw: &Records, clean: &Records, settings: &Settings) -> Shares {
    let kinds = [Kind::Person, Kind::Organisation, Kind::Other];
    let rules = kinds.into_iter().flat_map(|kind| settings.rules(kind));
    let asked = rules.filter(|(_, rule)| rule.rule == Rule::TrustDecay);
    asked.map(|(name, _)| (name.clone(), shares_of(name, raw, clean))).collect()
}

fn shares_of(name: &str, raw: &Records, clean: &Records) -> BTreeMap<String, f64> {
    let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for record in 0..raw.len() {
        if raw.first(name, record).is_some() {
            let count = counts.entry(raw.place_of(record).source.as_str()).or_default();
            count.0 += 1;
            count.1 += u32::from(clean.first(name, record).is_some());
        }
    }
    let share = |(all, valid): (u32, u32)| f64::from(valid) / f64::from(all);
    counts.into_iter().map(|(source, count)| (source.to_owned(), share(count))).collect()
}

/// What comes before a rule, of a record and a value: the greater, the better.
pub(super) fn score(
    rule: &AttributeRule,
    attribute: &str,
    record: u32,
    value: &str,
    choosing: Choosing<'_, '_>,
) -> i64 {
    let standing = || &choosing.standings[record as usize];
    match rule.rule {
        Rule::MostCompleteRecord => i64::from(standing().filled),
        Rule::TrustDecay => trust(rule, attribute, record, choosing),
        Rule::HighestState => {
            let states = &rule.order;
            let at = states.iter().position(|state| text::fold(state) == text::fold(value));
            at.map_or(0, |at| (states.len() - at) as i64)
        }
        Rule::Conditional => {
            let mut said = choosing.records.values(&rule.when, record as usize);
            let wanted = |said: &str| rule.is.iter().any(|w| text::fold(w) == text::fold(said));
            i64::from(said.any(wanted))
        }
        _ => 0,
    }
}

fn trust(rule: &AttributeRule, attribute: &str, record: u32, choosing: Choosing<'_, '_>) -> i64 {
    let source = choosing.records.place_of(record as usize).source.as_str();
    let trust = rule.trust.get(source).copied().unwrap_or(USUAL_TRUST);
    let valid = choosing.shares.get(attribute).and_then(|shares| shares.get(source));
    let date = choosing.standings[record as usize].date;
    let half_lives = match (day(date), day(choosing.as_of)) {
        (Some(date), Some(now)) => {
            let days = now.since(date).map_or(0, |span| span.get_days()).max(0);
            f64::from(days) / f64::from(rule.half_life_days)
        }
        _ => UNDATED_HALF_LIVES,
    };
    let trust = trust * valid.copied().unwrap_or(1.0) * 0.5f64.powf(half_lives);
    (trust * STEPS).round() as i64
}

/// The day of an ISO date; of one without its day or month the middle of what it names.
fn day(date: &str) -> Option<Date> {
    match date.len() {
        4 => format!("{date}-07-01").parse().ok(),
        7 => format!("{date}-15").parse().ok(),
        _ => date.get(..10)?.parse().ok(),
    }
}
