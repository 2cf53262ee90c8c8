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

use std::{
    borrow::Cow,
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Serialize};

use crate::{
    model::{self, Kind, ValueKind},
    value::{address::Address, organisation, text},
};

/// How the surviving value of an attribute is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The value of the source that stands first in `orpailleur.toml`.
    SourcePriority,
    /// The value of the record with the latest date.
    MostRecent,
    /// The value of the record with the earliest date.
    Oldest,
    /// The value that most sources agree on; a source has one vote, however often it repeats itself.
    MostFrequent,
    /// The fullest value that agrees with what most sources say: `J.`, then `Jean`, then
    /// `Jean-Pierre`; of addresses the one with most parts.
    MostComplete,
    /// The value with most letters.
    Longest,
    /// The best written value: mixed case before capitals, accents before none.
    BestCased,
    /// The greatest amount, the latest date.
    Max,
    /// The smallest amount, the earliest date.
    Min,
    /// The sum over the customer accounts that the records are about: the figure of one account, told
    /// by several systems, counts once. Of amounts that name no account the latest.
    Sum,
    /// The value that allows least: no before yes, the smallest amount, the earliest date.
    MostRestrictive,
    /// Every value, those of the best standing records first.
    Union,
    /// Every value, those that most sources know first, then the latest; an address or number that
    /// other golden records hold too comes last.
    RankedList,
}

impl Rule {
    /// The word used in settings and in the lineage.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::SourcePriority => "source_priority",
            Rule::MostRecent => "most_recent",
            Rule::Oldest => "oldest",
            Rule::MostFrequent => "most_frequent",
            Rule::MostComplete => "most_complete",
            Rule::Longest => "longest",
            Rule::BestCased => "best_cased",
            Rule::Max => "max",
            Rule::Min => "min",
            Rule::Sum => "sum",
            Rule::MostRestrictive => "most_restrictive",
            Rule::Union => "union",
            Rule::RankedList => "ranked_list",
        }
    }

    /// Whether every value survives, not the best one alone.
    pub fn keeps_all(self) -> bool {
        matches!(self, Rule::Union | Rule::RankedList)
    }

    /// Whether the rule can rank values of this kind.
    fn suits(self, kind: ValueKind) -> bool {
        use ValueKind::{Boolean, Date, Money};
        match self {
            Rule::Max | Rule::Min => matches!(kind, Date | Money),
            Rule::Sum => kind == Money,
            Rule::MostRestrictive => matches!(kind, Boolean | Date | Money),
            _ => true,
        }
    }

    /// The rule of an attribute that the settings do not name.
    ///
    /// What describes a person or an organisation lastingly (names, legal numbers) goes by votes, so
    /// that one bad export cannot spoil it; what changes with time (job, owner, amounts) goes by date;
    /// contact points and codes are all kept.
    pub fn default_for(attribute: &str) -> Rule {
        match attribute {
            "first_name" | "birth_date" => Rule::MostComplete,
            "email" | "phone" | "mobile" | "fax" | "address" => Rule::RankedList,
            "last_sale" | "last_contact" | "updated_at" => Rule::Max,
            "created_at" => Rule::Min,
            "siret" | "company" | "job_title" | "department" | "language" | "owner" | "status"
            | "active" | "standing" | "standing_since" | "employees" | "parent"
            | "payment_terms" | "payment_mode" | "bic" | "credit_limit" => Rule::MostRecent,
            "balance" | "sales_incl_tax" | "sales_excl_tax" => Rule::Sum,
            _ if model::attribute(attribute).is_some_and(|a| a.many) => Rule::Union,
            _ => Rule::MostFrequent,
        }
    }
}

/// The rules of one kind of record that differ from the defaults, by attribute.
pub type Rules = BTreeMap<String, Rule>;

/// A rule of the settings that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// The kind of record it is for.
    pub kind: Kind,
    /// The attribute, as written.
    pub attribute: String,
    /// What is wrong: a lower-case phrase.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
}

/// What makes no sense in the rules of `kind`.
pub(crate) fn problems(rules: &Rules, kind: Kind) -> Vec<RuleProblem> {
    let problem = |(name, &rule): (&String, &Rule)| {
        let (message, hint) = problem(name, rule, kind)?;
        Some(RuleProblem { kind, attribute: name.clone(), message, hint })
    };
    rules.iter().filter_map(problem).collect()
}

fn problem(name: &str, rule: Rule, kind: Kind) -> Option<(String, Option<String>)> {
    // A plain table has columns of its own, and every source may have more than the model knows.
    if kind == Kind::Other || name.starts_with("extra.") {
        return None;
    }
    let attribute = model::attribute(name).filter(|a| !a.part && a.on.contains(&kind));
    let Some(attribute) = attribute else {
        let message = format!("there is no attribute `{name}` of {}s", kind.as_str());
        return Some((message, nearest(name, kind)));
    };
    if rule.suits(attribute.value_kind) {
        return None;
    }
    let message = format!("`{}` cannot rank the values of `{name}`", rule.as_str());
    let hint = format!("the default is `{}`", Rule::default_for(name).as_str());
    Some((message, Some(hint)))
}

fn nearest(name: &str, kind: Kind) -> Option<String> {
    // The parts of an address survive together.
    if model::attribute(name).is_some_and(|a| a.part) {
        return Some("the parts of an address survive as one: `address`".into());
    }
    let known = model::attributes().iter().filter(|(_, a)| a.on.contains(&kind) && !a.part);
    let near = text::nearest(name, known.map(|(known, _)| known.as_str()))?;
    Some(format!("the nearest known one is `{near}`"))
}

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
}

impl<'a> Survivor<'a> {
    /// A cell that survives as it is.
    pub(crate) fn of(
        winner: Candidate<'a>,
        losers: Vec<Candidate<'a>>,
        outcome: Outcome,
    ) -> Survivor<'a> {
        Survivor { winner, losers, outcome, total: None, parts: Vec::new() }
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
    if let [winner] = candidates {
        return vec![Survivor::of(*winner, Vec::new(), Outcome::Decided)];
    }
    let mut choices = choices_of(kind, candidates, standings);
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
        (rank(rule, kind, b, a))
            .then(b.attested.cmp(&a.attested))
            .then_with(|| by_standing(standings, a.best, b.best))
    });
    if rule.keeps_all() {
        return choices.iter().map(|c| c.survivor(Outcome::Decided)).collect();
    }
    let Some(best) = choices.first() else { return Vec::new() };
    let outcome = match choices.get(1) {
        Some(second) if rank(rule, kind, best, second) == Ordering::Equal => {
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

/// One thing that the records say, in all its spellings.
#[derive(Debug)]
struct Choice<'a> {
    /// Best spelling first.
    spellings: Vec<Spelling<'a>>,
    /// Sources that say it.
    votes: usize,
    /// Best rank among them.
    source_rank: u32,
    /// Latest date of a record that says it, or empty.
    latest: &'a str,
    /// Earliest one, or empty.
    earliest: &'a str,
    /// Latest date since which two sources agree on it, or empty.
    agreed: &'a str,
    /// Whether it is an organisation's name that later records agree to be another one.
    is_former: bool,
    /// The record of the best standing that says it.
    best: u32,
    /// For `most_complete`: how much fuller than what most say; negative when it contradicts it.
    fullness: i32,
    /// Letters of a name that a mailbox of the cluster spells.
    attested: usize,
    /// Whether other golden records hold the value as well.
    is_shared: bool,
}

/// One way of writing a value.
#[derive(Debug, Clone, Copy)]
struct Spelling<'a> {
    /// The cell that survives if this spelling does.
    holder: Candidate<'a>,
    /// Sources that write it so.
    votes: usize,
    /// Of an address: sources that spell the street so, and the town.
    support: (usize, usize),
}

impl<'a> Choice<'a> {
    fn value(&self) -> &'a str {
        self.spellings[0].holder.value
    }

    fn survivor(&self, outcome: Outcome) -> Survivor<'a> {
        let losers = self.spellings[1..].iter().map(|s| s.holder).collect();
        Survivor::of(self.spellings[0].holder, losers, outcome)
    }

    /// Whether the records do not say what `rule` asks for.
    fn is_silent(&self, rule: Rule) -> bool {
        matches!(rule, Rule::MostRecent | Rule::Sum | Rule::Oldest) && self.latest.is_empty()
    }
}

fn choices_of<'a>(
    kind: ValueKind,
    candidates: &[Candidate<'a>],
    standings: &Standings<'a>,
) -> Vec<Choice<'a>> {
    let mut by_key: BTreeMap<Cow<'a, str>, Vec<Candidate<'a>>> = BTreeMap::new();
    for candidate in candidates {
        by_key.entry(key(kind, candidate.value)).or_default().push(*candidate);
    }
    let groups = match kind {
        ValueKind::Address => join_places(by_key.into_values().collect(), standings),
        ValueKind::OrganisationName => join_cut_names(by_key),
        _ => by_key.into_values().collect(),
    };
    groups.into_iter().map(|group| choice(kind, group, standings)).collect()
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
    standings: &Standings<'a>,
) -> Choice<'a> {
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
fn mark_former(choices: &mut [Choice<'_>]) {
    fn year(date: &str) -> &str {
        date.get(..4).unwrap_or_default()
    }
    let agreed = choices.iter().map(|c| year(c.agreed)).max().unwrap_or_default().to_owned();
    for choice in choices {
        choice.is_former = !choice.latest.is_empty() && year(choice.latest) < agreed.as_str();
    }
}

/// For each address of one place how many sources spell its street and its town as it does.
fn address_support<'a>(
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

/// Orders two spellings of one value: `Greater` when `a` is the better one.
fn better_written(kind: ValueKind, a: &Spelling<'_>, b: &Spelling<'_>) -> Ordering {
    let (x, y) = (a.holder.value, b.holder.value);
    match kind {
        ValueKind::Address => {
            let (p, q) = (address_parts(&Address::decode(x)), address_parts(&Address::decode(y)));
            // A slip of the keyboard does not survive for the building that is told with it.
            (p.0.cmp(&q.0))
                .then(a.support.cmp(&b.support))
                .then(p.1.cmp(&q.1))
                .then(a.votes.cmp(&b.votes))
                .then(casing(kind, x).cmp(&casing(kind, y)))
        }
        _ => casing(kind, x).cmp(&casing(kind, y)).then(a.votes.cmp(&b.votes)),
    }
}

/// How well a value is written: mixed case before capitals, words spelled out before those written
/// short in an organisation's name, fewer words in capitals, accents before none.
fn casing(kind: ValueKind, value: &str) -> (bool, Reverse<usize>, u8, bool) {
    let short_words = match kind {
        ValueKind::OrganisationName => organisation::short_words(value),
        _ => 0,
    };
    let lower = value.chars().any(char::is_lowercase);
    let upper = value.chars().any(char::is_uppercase);
    let case = match (lower, upper) {
        (true, true) if value.split([' ', '-', '\'']).any(is_shouted) => 1,
        (true, true) => 2,
        // A job title may well be in lower case; a name is in neither.
        (true, false) if kind == ValueKind::Text => 1,
        _ => 0,
    };
    (
        case > 0,
        Reverse(short_words),
        case,
        value.chars().any(|c| !c.is_ascii() && c.is_alphabetic()),
    )
}

/// A word in capitals that is too long for an acronym.
fn is_shouted(word: &str) -> bool {
    /// `URSSAF` is an acronym.
    const LONGEST_ACRONYM: usize = 6;
    word.chars().count() > LONGEST_ACRONYM && !word.chars().any(char::is_lowercase)
}

/// How many parts of an address are known, those first that a letter cannot arrive without.
fn address_parts(a: &Address) -> (usize, usize) {
    let filled = |parts: &[&String]| parts.iter().filter(|p| !p.is_empty()).count();
    (
        filled(&[&a.number, &a.street, &a.postcode, &a.city]),
        filled(&[&a.complement, &a.cedex, &a.state, &a.country]),
    )
}

/// Orders two choices by `rule`: `Greater` when `a` is the better one.
fn rank(rule: Rule, kind: ValueKind, a: &Choice<'_>, b: &Choice<'_>) -> Ordering {
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

/// Says of each choice how much fuller it is than what most sources say, if it agrees with that.
///
/// An initial is no majority: `J.` three times and `Jean` once is Jean. Nor is a part of a date: the
/// whole one survives `--02-29`, whatever that says.
fn mark_fullest(choices: &mut [Choice<'_>], kind: ValueKind, standings: &Standings<'_>) {
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

/// Addresses of one place join: the partial with the full one, the misspelt with the others.
fn join_places<'a>(
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Survivors of `source/date value; ...`: the source is one letter whose order is its rank.
    fn survivors(kind: ValueKind, rule: Rule, cells: &str) -> String {
        let cells: Vec<(u32, &str, &str)> = cells
            .split("; ")
            .map(|cell| {
                let (head, value) = cell.split_once(' ').expect("source and value");
                let (source, date) = head.split_once('/').unwrap_or((head, ""));
                (u32::from(source.as_bytes()[0]), date, value)
            })
            .collect();
        let standings: Vec<Standing<'_>> = cells
            .iter()
            .map(|&(source, date, _)| Standing { rank: source, date, filled: 1, source })
            .collect();
        let candidates: Vec<Candidate<'_>> = cells
            .iter()
            .enumerate()
            .map(|(at, &(.., value))| Candidate { value, origin: 0, record: at as u32 })
            .collect();
        let evidence = Evidence {
            standings: &standings,
            mailboxes: &["h lefevre75".to_owned()],
            is_shared: &|value| value == "+33100",
        };
        let survivors = survive(kind, rule, &candidates, evidence);
        let shown = survivors.iter().map(|s| match s.outcome {
            Outcome::Decided => s.winner.value.to_owned(),
            other => format!("{} ({})", s.winner.value, other.as_str()),
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    fn names(rule: Rule, cells: &str) -> String {
        survivors(ValueKind::PersonName, rule, cells)
    }

    #[test]
    fn each_rule_has_its_winner() {
        let cells = "a/2010 Petit; b/2020 Durand; c/2015 Durand; c/2005 Martinez";
        assert_eq!(names(Rule::SourcePriority, cells), "Petit");
        assert_eq!(names(Rule::MostRecent, cells), "Durand");
        assert_eq!(names(Rule::Oldest, cells), "Martinez");
        assert_eq!(names(Rule::MostFrequent, cells), "Durand");
        assert_eq!(names(Rule::Longest, cells), "Martinez");
        assert_eq!(names(Rule::Union, cells), "Petit, Durand, Martinez");
        assert_eq!(names(Rule::RankedList, cells), "Durand, Petit, Martinez");
    }

    #[test]
    fn a_source_that_repeats_itself_has_one_vote() {
        assert_eq!(
            names(Rule::MostFrequent, "b Durant; b Durant; b Durant; c Durand; d Durand"),
            "Durand"
        );
    }

    #[test]
    fn accents_and_mixed_case_win_within_the_most_frequent_name() {
        assert_eq!(names(Rule::MostFrequent, "a HELENE; b HELENE; c Hélène; d Irène"), "Hélène");
        assert_eq!(names(Rule::BestCased, "a DUPONT; b Dupond"), "Dupond");
    }

    #[test]
    fn the_fullest_first_name_must_agree_with_the_majority() {
        let fullest = |cells| names(Rule::MostComplete, cells);
        assert_eq!(fullest("a J.; b Jean; c Jean-Pierre"), "Jean-Pierre");
        assert_eq!(fullest("a J.; b J.; c Jean"), "Jean");
        assert_eq!(fullest("a JP; b Jean-Pierre"), "Jean-Pierre");
        assert_eq!(fullest("a Paul; b Paul; c Jean-Pierre"), "Paul");
    }

    #[test]
    fn a_whole_date_survives_a_part_of_one() {
        let fullest = |cells| survivors(ValueKind::Date, Rule::MostComplete, cells);
        assert_eq!(fullest("a --02-29; b --02-29; c 1975-03-14"), "1975-03-14");
        assert_eq!(fullest("a 1975; b 1975-03; c 1975-03-14"), "1975-03-14");
        assert_eq!(fullest("a 1975-03-14; b 1976-03-14; c 1976-03-14"), "1976-03-14");
    }

    #[test]
    fn between_two_equal_names_the_mailbox_speaks() {
        assert_eq!(names(Rule::MostFrequent, "a Lefvère; b Lefèvre"), "Lefèvre (tied)");
        assert_eq!(names(Rule::MostFrequent, "a Lefev; b Lefèvre"), "Lefèvre (tied)");
        assert_eq!(names(Rule::MostFrequent, "a Petit; c Petit; b Lefèvre"), "Petit");
    }

    #[test]
    fn a_number_of_many_comes_after_ones_own() {
        let numbers = survivors(ValueKind::Phone, Rule::RankedList, "a +33100; b +33100; c +33755");
        assert_eq!(numbers, "+33755, +33100");
    }

    #[test]
    fn a_tie_is_told_from_a_rule_without_evidence() {
        assert_eq!(names(Rule::MostFrequent, "b Durand; a Petit"), "Petit (tied)");
        assert_eq!(names(Rule::MostRecent, "b Durand; a Petit"), "Petit (defaulted)");
        assert_eq!(names(Rule::MostRecent, "b/2010 Durand; a Petit"), "Durand");
    }

    #[test]
    fn the_most_restrictive_value_allows_least() {
        let strict = |kind, cells| survivors(kind, Rule::MostRestrictive, cells);
        assert_eq!(strict(ValueKind::Boolean, "a true; b false"), "false");
        assert_eq!(strict(ValueKind::Money, "a 1000.00; b 200.00"), "200.00");
        assert_eq!(survivors(ValueKind::Money, Rule::Max, "a 1000.00; b 200.00"), "1000.00");
        assert_eq!(survivors(ValueKind::Date, Rule::Max, "a 2010-05; b 2011-01-01"), "2011-01-01");
    }

    #[test]
    fn an_address_survives_whole_and_takes_partial_and_misspelt_ones_with_it() {
        let address = |line: &str| {
            let mut parts = line.split('/').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            let (number, street, postcode, city) = (next(), next(), next(), next());
            Address { number, street, postcode, city, ..Address::default() }.encode()
        };
        let cells = format!(
            "a {}; b {}; c {}; d {}",
            address("//44000/Nantes"),
            address("12/rue de la Paix/44000/Nantes"),
            address("12/rue de la Pais/44000/Nantes"),
            address("3/avenue Foch/35000/Rennes"),
        );
        let kept = survivors(ValueKind::Address, Rule::RankedList, &cells);
        assert_eq!(
            kept,
            [address("12/rue de la Paix/44000/Nantes"), address("3/avenue Foch/35000/Rennes")]
                .join(", ")
        );
    }

    #[test]
    fn a_name_cut_at_the_width_of_its_column_votes_for_the_whole_one() {
        let cells =
            "a COMPAGNIE GENERALE DE TRAVAUX; b Compagnie Générale de Travaux Publics; c Autre";
        let name = survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
        assert_eq!(name, "Compagnie Générale de Travaux Publics");
    }

    #[test]
    fn the_street_and_the_town_are_spelled_as_most_sources_spell_them() {
        let address = |street: &str, city: &str, complement: &str| {
            let [number, postcode] = ["12", "44000"].map(str::to_owned);
            let [street, city, complement] = [street, city, complement].map(str::to_owned);
            Address { number, street, postcode, city, complement, ..Address::default() }.encode()
        };
        let cells = format!(
            "a {}; b {}; c {}; d {}",
            address("rue de la Pais", "Nantes", "Bâtiment B"),
            address("rue de la Paix", "Nante", "Bâtiment B"),
            address("rue de la Paix", "Nantes", ""),
            address("RUE DE LA PAIX", "NANTES", ""),
        );
        let kept = survivors(ValueKind::Address, Rule::RankedList, &cells);
        assert_eq!(kept, address("rue de la Paix", "Nantes", ""));
    }

    #[test]
    fn a_spelling_in_capitals_survives_where_there_is_no_other_alone() {
        let name = |cells| survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
        assert_eq!(
            name("a GARAGE DU CENTRE; b GARAGE DU CENTRE; c Garage du Centre"),
            "Garage du Centre"
        );
        assert_eq!(name("a Transports MARCHAND; b Transports Marchand"), "Transports Marchand");
        assert_eq!(name("a MARCHAND"), "MARCHAND");
        let job = |cells| survivors(ValueKind::Text, Rule::MostRecent, cells);
        assert_eq!(job("a/2020 GERANT; b/2010 gérant"), "gérant");
        assert_eq!(job("a/2020 DIRECTEUR; b/2010 Directeur"), "Directeur");
    }

    #[test]
    fn a_word_spelled_out_survives_its_abbreviation() {
        let cells = "a Const. Ray; b Const. Ray; c Constructions Ray";
        let name = survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
        assert_eq!(name, "Constructions Ray");
        let cells =
            "a Sté Régionale de TP; b STE REGIONALE DE TP; c Société Régionale de Travaux Publics";
        let name = survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
        assert_eq!(name, "Société Régionale de Travaux Publics");
    }

    #[test]
    fn a_former_name_loses_where_newer_records_agree() {
        let name = |cells: &str| survivors(ValueKind::OrganisationName, Rule::MostFrequent, cells);
        let old = "a/2009 Durand; b/2011 Durand; c/2012 Durand";
        assert_eq!(name(&format!("{old}; d/2023-05-01 Nova; e/2024 Nova")), "Nova");
        // One record may err, and what has no date is no news.
        assert_eq!(name(&format!("{old}; d/2023-05-01 Nova")), "Durand");
        assert_eq!(name(&format!("{old}; d Nova; e Nova")), "Durand");
        assert_eq!(
            name("a/2010 Durand & Fils; b/2010 Nova; c/2011 Durand et Fils"),
            "Durand & Fils"
        );
    }

    #[test]
    fn settings_that_make_no_sense_come_with_the_nearest_name() {
        let rules = Rules::from([
            ("frist_name".to_owned(), Rule::Longest),
            ("siret".to_owned(), Rule::MostFrequent),
            ("last_name".to_owned(), Rule::Max),
            ("city".to_owned(), Rule::Longest),
            ("extra.Remise".to_owned(), Rule::Longest),
            ("email".to_owned(), Rule::Union),
        ]);
        let problems = problems(&rules, Kind::Person);
        let said: Vec<String> = problems
            .iter()
            .map(|p| format!("{}; {}", p.message, p.hint.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(
            said,
            [
                "there is no attribute `city` of persons; the parts of an address survive as one: `address`",
                "there is no attribute `frist_name` of persons; the nearest known one is `first_name`",
                "`max` cannot rank the values of `last_name`; the default is `most_frequent`",
                "there is no attribute `siret` of persons; ",
            ]
        );
    }
}
