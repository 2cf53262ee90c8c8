//! Which of the values that a cluster's records hold survive in its golden record.
//!
//! The steps are the same for each attribute:
//!
//! 1. values that are the same thing written differently (`HELENE`, `Hélène`) make one *choice*;
//! 2. the attribute's [`Rule`] ranks the choices;
//! 3. where it cannot tell two apart, a person's name that one of the cluster's own mailboxes spells
//!    (`h.lefevre@` speaks for `Lefèvre` against `Lefvère`) comes first, then the standing of their
//!    records decides: source rank, date of the record, completeness of the record, record id. No two
//!    records stand equal;
//! 4. of the winning choice the best written spelling survives.
//!
//! Every cell remembers the record it comes from, what lost against it, and how it was decided.

mod choice;
mod place;
mod rank;
mod rule;
mod spelling;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use self::{
    choice::{choices_of, mark_former, mark_fullest},
    rank::rank,
};
use crate::{model::ValueKind, value::text};

pub(crate) use choice::extends;
pub(crate) use place::is_within;
pub(crate) use rule::problems;
pub use rule::{AttributeRule, Rule, RuleProblem, Rules};

/// How much a record is trusted where a rule cannot tell two values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing<'a> {
    /// Rank of the source in the settings; the smaller, the better.
    pub(crate) rank: u32,
    /// ISO date of the record, or empty.
    pub(crate) date: &'a str,
    /// How many attributes the record fills.
    pub(crate) filled: u32,
    /// A number for the source: equal for the records of one source.
    pub(crate) source: u32,
}

/// The standing of every record, by position.
pub(crate) type Standings<'a> = [Standing<'a>];

/// Orders records from best to worst: source rank, date, completeness, record id.
pub(crate) fn by_standing(standings: &Standings<'_>, a: u32, b: u32) -> Ordering {
    let (x, y) = (&standings[a as usize], &standings[b as usize]);
    (x.rank.cmp(&y.rank)).then(y.date.cmp(x.date)).then(y.filled.cmp(&x.filled)).then(a.cmp(&b))
}

/// What is known beyond the candidates themselves.
#[derive(Clone, Copy)]
pub(crate) struct Evidence<'e, 'a> {
    /// The standing of every record.
    pub(crate) standings: &'e Standings<'a>,
    /// The mailboxes of the cluster: what stands before `@`, folded.
    pub(crate) mailboxes: &'e [String],
    /// Whether other golden records hold the value as well: a switchboard, a family's number.
    pub(crate) is_shared: &'e (dyn Fn(&str) -> bool + Sync),
    /// What comes before the rule, of a record and a value: the greater, the better.
    pub(crate) score: &'e (dyn Fn(u32, &str) -> i64 + Sync),
}

impl Evidence<'_, '_> {
    /// How many letters of a name one of the mailboxes spells: all of it or none.
    pub(crate) fn attested(&self, name: &str) -> usize {
        /// Fewer letters stand in a longer name by chance (`roy` in `leroy`).
        const FEWEST_LETTERS: usize = 4;
        let folded = text::fold(name);
        let joined = folded.replace(' ', "");
        let spells = |mailbox: &String| {
            let mut words = mailbox.split(' ');
            folded.split(' ').all(|word| words.any(|w| w == word))
                || (joined.len() >= FEWEST_LETTERS && mailbox.replace(' ', "").contains(&joined))
        };
        if self.mailboxes.iter().any(spells) { joined.len() } else { 0 }
    }
}

/// One value of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Candidate<'a> {
    /// The clean value.
    pub(crate) value: &'a str,
    /// The column it came from.
    pub(crate) origin: u32,
    /// The record that holds it.
    pub(crate) record: u32,
}

/// How a golden value was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There was one value, or the rule chose.
    Decided,
    /// The rule found two values equally good; the standing of their records chose.
    Tied,
    /// The rule had nothing to go by (no date, say); the standing of the records chose.
    Defaulted,
}

impl Outcome {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Outcome::Decided => "decided",
            Outcome::Tied => "tied",
            Outcome::Defaulted => "defaulted",
        }
    }
}

/// One golden value.
#[derive(Debug, Clone)]
pub(crate) struct Survivor<'a> {
    pub(crate) winner: Candidate<'a>,
    /// What lost against it, each text once, best standing record first.
    pub(crate) losers: Vec<Candidate<'a>>,
    pub(crate) outcome: Outcome,
    /// What survives where it is the sum of several cells, the winner the first of them.
    pub(crate) total: Option<String>,
    /// The cells of the sum; empty where there is none.
    pub(crate) parts: Vec<Candidate<'a>>,
    /// The decision of a steward that chose it.
    pub(crate) pinned_by: Option<String>,
}

impl<'a> Survivor<'a> {
    /// A cell that survives as it is.
    pub(crate) fn of(
        winner: Candidate<'a>,
        losers: Vec<Candidate<'a>>,
        outcome: Outcome,
    ) -> Survivor<'a> {
        Survivor { winner, losers, outcome, total: None, parts: Vec::new(), pinned_by: None }
    }

    /// The golden value.
    pub(crate) fn value(&self) -> &str {
        self.total.as_deref().unwrap_or(self.winner.value)
    }
}

/// The surviving values of one attribute, best first: one, or all where the rule keeps all.
///
/// `candidates` are the values of one cluster's records, in the order of the records.
pub(crate) fn survive<'a>(
    kind: ValueKind,
    rule: Rule,
    candidates: &[Candidate<'a>],
    evidence: Evidence<'_, 'a>,
) -> Vec<Survivor<'a>> {
    let standings = evidence.standings;
    // Mostly all say the same: there is nothing to choose but the record that is named for it.
    if candidates.windows(2).all(|pair| pair[0].value == pair[1].value) {
        let best = candidates.iter().min_by(|a, b| by_standing(standings, a.record, b.record));
        let survivor = |winner: &Candidate<'a>| Survivor::of(*winner, Vec::new(), Outcome::Decided);
        return best.map(survivor).into_iter().collect();
    }
    let mut choices = choices_of(kind, candidates, evidence);
    if rule.wants_unanimity() && choices.len() > 1 {
        return Vec::new();
    }
    if rule == Rule::MostComplete && kind != ValueKind::Address {
        mark_fullest(&mut choices, kind, standings);
    }
    if kind == ValueKind::OrganisationName {
        mark_former(&mut choices);
    }
    for choice in &mut choices {
        match kind {
            ValueKind::PersonName => choice.attested = evidence.attested(choice.value()),
            ValueKind::Email | ValueKind::Phone => {
                choice.is_shared = (evidence.is_shared)(choice.value());
            }
            _ => {}
        }
    }
    choices.sort_by(|a, b| {
        (b.score.cmp(&a.score))
            .then_with(|| rank(rule, kind, b, a))
            .then(b.attested.cmp(&a.attested))
            .then_with(|| by_standing(standings, a.best, b.best))
    });
    if rule.keeps_all() {
        return choices.iter().map(|c| c.survivor(Outcome::Decided)).collect();
    }
    let Some(best) = choices.first() else { return Vec::new() };
    let outcome =
        match choices.get(1) {
            Some(second)
                if rule != Rule::FillBlanks
                    && best.score == second.score
                    && rank(rule, kind, best, second) == Ordering::Equal =>
            {
                if best.is_silent(rule) { Outcome::Defaulted } else { Outcome::Tied }
            }
            _ => Outcome::Decided,
        };
    let mut survivor = best.survivor(outcome);
    survivor.losers.extend(choices[1..].iter().flat_map(|c| &c.spellings).map(|s| s.holder));
    survivor
        .losers
        .sort_by(|a, b| by_standing(standings, a.record, b.record).then(a.value.cmp(b.value)));
    vec![survivor]
}
