//! Which of two choices a rule puts first.

use std::cmp::Ordering;

use super::{Rule, choice::Choice, place::address_parts, spelling::casing};
use crate::{
    model::ValueKind,
    value::{address::Address, text},
};

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
        Rule::MostSpecific => specificity(kind, a.value()).cmp(&specificity(kind, b.value())),
        Rule::Longest => a.value().chars().count().cmp(&b.value().chars().count()),
        Rule::Shortest => b.value().chars().count().cmp(&a.value().chars().count()),
        Rule::BestCased => casing(kind, a.value()).cmp(&casing(kind, b.value())),
        Rule::Max => smaller().reverse(),
        Rule::Min => smaller(),
        Rule::AnyTrue => a.value().cmp(b.value()),
        Rule::AllTrue => b.value().cmp(a.value()),
        Rule::MostRestrictive if kind == ValueKind::Boolean => b.value().cmp(a.value()),
        Rule::MostRestrictive => smaller(),
        // The scores of their candidates say it, or the standing of their records.
        Rule::TrustDecay
        | Rule::MostCompleteRecord
        | Rule::HighestState
        | Rule::Conditional
        | Rule::UnanimousOrNull
        | Rule::UnanimousOrReview
        | Rule::FollowWinner
        | Rule::Group
        | Rule::FillBlanks
        | Rule::Concat
        | Rule::Union => Ordering::Equal,
        Rule::RankedList => {
            let arrives = |c: &Choice<'_>| kind != ValueKind::Address || is_deliverable(c.value());
            (b.is_shared.cmp(&a.is_shared))
                .then(arrives(a).cmp(&arrives(b)))
                .then(a.votes.cmp(&b.votes))
                .then(a.latest.cmp(b.latest))
        }
    }
}

/// How much a value says by itself: parts of an address or a date, words, and of these no initials first.
fn specificity(kind: ValueKind, value: &str) -> (usize, usize) {
    match kind {
        ValueKind::Address => address_parts(&Address::decode(value)),
        ValueKind::Date => (value.chars().filter(char::is_ascii_digit).count(), 0),
        _ => {
            let folded = text::fold(value);
            let words = folded.split(' ').filter(|word| !word.is_empty());
            (words.clone().filter(|word| word.len() > 1).count(), words.count())
        }
    }
}

/// Whether a letter can arrive: a town alone, however many know it, is no address.
fn is_deliverable(value: &str) -> bool {
    let address = Address::decode(value);
    !address.street.is_empty() || !address.complement.is_empty()
}

fn by_size(kind: ValueKind, a: &str, b: &str) -> Ordering {
    let amount = |text: &str| text.parse::<rust_decimal::Decimal>().ok();
    match kind {
        ValueKind::Money => amount(a).cmp(&amount(b)),
        _ => a.cmp(b),
    }
}
