//! Which of two choices a rule puts first.

use std::cmp::Ordering;

use super::{Rule, choice::Choice, place::address_parts, spelling::casing};
use crate::{model::ValueKind, value::address::Address};

/// Orders two choices by `rule`: `Greater` when `a` is the better one.
pub(super) fn rank(rule: Rule, kind: ValueKind, a: &Choice<'_>, b: &Choice<'_>) -> Ordering {
    let smaller = || by_size(kind, b.value(), a.value());
    match rule {
        Rule::SourcePriority => b.source_rank.cmp(&a.source_rank),
        Rule::MostRecent | Rule::Sum => a.latest.cmp(b.latest),
        Rule::Oldest => match (a.earliest, b.earliest) {
            ("", _) | (_, "") => a.earliest.is_empty().cmp(&b.earliest.is_empty()).reverse(),
            (x, y) => y.cmp(x),
        },
        Rule::MostFrequent => b.is_former.cmp(&a.is_former).then(a.votes.cmp(&b.votes)),
        Rule::MostComplete if kind == ValueKind::Address => {
            let parts = |c: &Choice<'_>| address_parts(&Address::decode(c.value()));
            parts(a).cmp(&parts(b)).then(a.votes.cmp(&b.votes))
        }
        Rule::MostComplete => a.fullness.cmp(&b.fullness).then(a.votes.cmp(&b.votes)),
        Rule::Longest => a.value().chars().count().cmp(&b.value().chars().count()),
        Rule::BestCased => casing(kind, a.value()).cmp(&casing(kind, b.value())),
        Rule::Max => smaller().reverse(),
        Rule::Min => smaller(),
        Rule::MostRestrictive if kind == ValueKind::Boolean => b.value().cmp(a.value()),
        Rule::MostRestrictive => smaller(),
        Rule::Union => Ordering::Equal,
        Rule::RankedList => {
            (b.is_shared.cmp(&a.is_shared)).then(a.votes.cmp(&b.votes)).then(a.latest.cmp(b.latest))
        }
    }
}

fn by_size(kind: ValueKind, a: &str, b: &str) -> Ordering {
    let amount = |text: &str| text.parse::<rust_decimal::Decimal>().ok();
    match kind {
        ValueKind::Money => amount(a).cmp(&amount(b)),
        _ => a.cmp(b),
    }
}
