//! What the records say: spellings of one value are one choice.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    Candidate, Evidence, Outcome, Rule, Standings, Survivor, by_standing,
    place::{address_support, join_places},
    spelling::better_written,
};
use crate::{
    model::ValueKind,
    value::{address::Address, organisation, text},
};

/// One thing that the records say, in all its spellings.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    /// Best spelling first.
    pub(super) spellings: Vec<Spelling<'a>>,
    /// Best score of a record that says it.
    pub(super) score: i64,
    /// Sources that say it.
    pub(super) votes: usize,
    /// Best rank among them.
    pub(super) source_rank: u32,
    /// Latest date of a record that says it, or empty.
    pub(super) latest: &'a str,
    /// Earliest one, or empty.
    pub(super) earliest: &'a str,
    /// Latest date since which two sources agree on it, or empty.
    pub(super) agreed: &'a str,
    /// Whether it is an organisation's name that later records agree to be another one.
    pub(super) is_former: bool,
    /// The record of the best standing that says it.
    pub(super) best: u32,
    /// For `most_complete`: how much fuller than what most say; negative when it contradicts it.
    pub(super) fullness: i32,
    /// Letters of a name that a mailbox of the cluster spells.
    pub(super) attested: usize,
    /// Whether other golden records hold the value as well.
    pub(super) is_shared: bool,
}

/// One way of writing a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spelling<'a> {
    /// The cell that survives if this spelling does.
    pub(super) holder: Candidate<'a>,
    /// Sources that write it so.
    pub(super) votes: usize,
    /// Of an address: sources that spell the street so, and the town.
    pub(super) support: (usize, usize),
}

impl<'a> Choice<'a> {
    pub(super) fn value(&self) -> &'a str {
        self.spellings[0].holder.value
    }

    pub(super) fn survivor(&self, outcome: Outcome) -> Survivor<'a> {
        let losers = self.spellings[1..].iter().map(|s| s.holder).collect();
        Survivor::of(self.spellings[0].holder, losers, outcome)
    }

    /// Whether the records do not say what `rule` asks for.
    pub(super) fn is_silent(&self, rule: Rule) -> bool {
        matches!(rule, Rule::MostRecent | Rule::Sum | Rule::Oldest) && self.latest.is_empty()
    }
}

pub(super) fn choices_of<'a>(
    kind: ValueKind,
    candidates: &[Candidate<'a>],
    evidence: Evidence<'_, 'a>,
) -> Vec<Choice<'a>> {
    let mut by_key: BTreeMap<Cow<'a, str>, Vec<Candidate<'a>>> = BTreeMap::new();
    for candidate in candidates {
        by_key.entry(key(kind, candidate.value)).or_default().push(*candidate);
    }
    let groups = match kind {
        ValueKind::Address => join_places(by_key.into_values().collect(), evidence.standings),
        ValueKind::OrganisationName => join_cut_names(by_key),
        _ => by_key.into_values().collect(),
    };
    groups.into_iter().map(|group| choice(kind, group, evidence)).collect()
}

/// The form in which two spellings of one value are equal.
fn key(kind: ValueKind, value: &str) -> Cow<'_, str> {
    let folded = match kind {
        ValueKind::PersonName | ValueKind::Text | ValueKind::Category => text::fold(value),
        ValueKind::OrganisationName => match organisation::words(value).join(" ") {
            words if words.is_empty() => text::fold(value),
            words => words,
        },
        ValueKind::Address => Address::decode(value).key(),
        _ => return Cow::Borrowed(value),
    };
    // A value in a script that does not fold is its own key.
    if folded.is_empty() { Cow::Borrowed(value) } else { Cow::Owned(folded) }
}

fn choice<'a>(
    kind: ValueKind,
    mut group: Vec<Candidate<'a>>,
    evidence: Evidence<'_, 'a>,
) -> Choice<'a> {
    let standings = evidence.standings;
    group.sort_by(|a, b| by_standing(standings, a.record, b.record).then(a.value.cmp(b.value)));
    let votes_of = |holders: &[Candidate<'a>]| {
        let mut sources: Vec<u32> =
            holders.iter().map(|c| standings[c.record as usize].source).collect();
        sources.sort_unstable();
        sources.dedup();
        sources.len()
    };
    let dates =
        || group.iter().map(|c| standings[c.record as usize].date).filter(|d| !d.is_empty());
    let mut choice = Choice {
        spellings: Vec::new(),
        score: group.iter().map(|c| (evidence.score)(c.record, c.value)).max().unwrap_or_default(),
        votes: votes_of(&group),
        source_rank: standings[group[0].record as usize].rank,
        latest: dates().max().unwrap_or_default(),
        earliest: dates().min().unwrap_or_default(),
        agreed: agreed_since(&group, standings),
        is_former: false,
        best: group[0].record,
        fullness: 0,
        attested: 0,
        is_shared: false,
    };
    // By text, and within a text in the order of standing.
    group.sort_by(|a, b| a.value.cmp(b.value));
    let support = address_support(kind, &group, standings);
    for holders in group.chunk_by(|a, b| a.value == b.value) {
        let support = support.get(holders[0].value).copied().unwrap_or_default();
        choice.spellings.push(Spelling { holder: holders[0], votes: votes_of(holders), support });
    }
    choice.spellings.sort_by(|a, b| {
        better_written(kind, b, a)
            .then_with(|| by_standing(standings, a.holder.record, b.holder.record))
    });
    choice
}

/// The latest date on which two of the sources still say the value, or empty.
fn agreed_since<'a>(group: &[Candidate<'a>], standings: &Standings<'a>) -> &'a str {
    let mut latest: BTreeMap<u32, &'a str> = BTreeMap::new();
    for cell in group {
        let standing = &standings[cell.record as usize];
        let date = latest.entry(standing.source).or_default();
        *date = (*date).max(standing.date);
    }
    let mut dates: Vec<&'a str> = latest.into_values().collect();
    dates.sort_unstable();
    dates.iter().rev().nth(1).copied().unwrap_or_default()
}

/// Marks the names that nobody has used since the year in which two sources agree on another one.
pub(super) fn mark_former(choices: &mut [Choice<'_>]) {
    fn year(date: &str) -> &str {
        date.get(..4).unwrap_or_default()
    }
    let agreed = choices.iter().map(|c| year(c.agreed)).max().unwrap_or_default().to_owned();
    for choice in choices {
        choice.is_former = !choice.latest.is_empty() && year(choice.latest) < agreed.as_str();
    }
}

/// Says of each choice how much fuller it is than what most sources say, if it agrees with that.
///
/// An initial is no majority: `J.` three times and `Jean` once is Jean. Nor is a part of a date: the
/// whole one survives `--02-29`, whatever that says.
pub(super) fn mark_fullest(choices: &mut [Choice<'_>], kind: ValueKind, standings: &Standings<'_>) {
    let words: Vec<Vec<String>> = choices
        .iter()
        .map(|c| text::fold(c.value()).split(' ').map(str::to_owned).collect())
        .collect();
    let full_words = |at: usize| words[at].iter().filter(|w| w.len() > 1).count();
    let majority = (0..choices.len()).min_by(|&a, &b| {
        let (x, y) = (&choices[a], &choices[b]);
        ((full_words(b) > 0).cmp(&(full_words(a) > 0)))
            .then(y.votes.cmp(&x.votes))
            .then(by_standing(standings, x.best, y.best))
    });
    let Some(majority) = majority else { return };
    for at in 0..choices.len() {
        let agrees =
            kind == ValueKind::Date || at == majority || extends(&words[at], &words[majority]);
        choices[at].fullness = if agrees { full_words(at) as i32 } else { -1 };
    }
}

/// Whether `fuller` says all that `short` does, an initial standing for a word: `Jean-Pierre` for
/// `Jean`, `J.`, `J.-P.` or `JP`.
pub(crate) fn extends(fuller: &[String], short: &[String]) -> bool {
    if let [joined] = short {
        let initials = fuller.iter().filter_map(|w| w.chars().next());
        if fuller.len() > 1 && joined.chars().eq(initials) {
            return true;
        }
    }
    short.len() <= fuller.len()
        && fuller
            .iter()
            .zip(short)
            .all(|(f, s)| f == s || (s.len() == 1 && f.starts_with(s.as_str())))
}

/// Names that an old system cut off at its column's width join the whole name, if there is just one.
fn join_cut_names<'a>(
    by_key: BTreeMap<Cow<'a, str>, Vec<Candidate<'a>>>,
) -> Vec<Vec<Candidate<'a>>> {
    /// The narrowest name column in use (24 letters and more in DOS ledgers); a shorter name that
    /// begins another one is a name of its own.
    const NARROWEST_COLUMN: usize = 24;
    let keys: Vec<&Cow<'a, str>> = by_key.keys().collect();
    // Sorted keys: what a key begins follows it at once.
    let whole_of = |at: usize| {
        let cut = keys[at];
        if cut.len() < NARROWEST_COLUMN {
            return at;
        }
        let longer = keys[at + 1..].iter().take_while(|k| k.starts_with(cut.as_ref())).count();
        // All of them must be one name, itself perhaps cut at several widths.
        let last = at + longer;
        let one_name = (at..last).all(|k| keys[last].starts_with(keys[k].as_ref()));
        if one_name { last } else { at }
    };
    let homes: Vec<usize> = (0..keys.len()).map(whole_of).collect();
    let mut groups: Vec<Vec<Candidate<'a>>> = vec![Vec::new(); homes.len()];
    for (home, candidates) in homes.into_iter().zip(by_key.into_values()) {
        groups[home].extend(candidates);
    }
    groups.retain(|g| !g.is_empty());
    groups
}
