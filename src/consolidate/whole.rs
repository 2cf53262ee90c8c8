//! Attributes that one record says together: what goes with a winner, and groups.

use std::collections::BTreeMap;

use super::{
    cells::{Attributes, Choosing, Chosen, by_rule},
    identity::Entity,
    survivorship::{AttributeRule, Candidate, Evidence, Outcome, Rule, Survivor, by_standing},
};
use crate::{model, value::text::fold};

/// Chooses the values of what follows another attribute, and of groups.
pub(super) fn choose<'a>(
    entity: &Entity,
    attributes: &Attributes<'_, 'a>,
    choosing: Choosing<'_, 'a>,
    evidence: Evidence<'_, 'a>,
    chosen: &mut Chosen<'a>,
) {
    let candidates = |at: usize| attributes.candidates(at, entity, choosing.decided);
    let mut groups: BTreeMap<&str, Vec<(usize, Vec<Candidate<'a>>)>> = BTreeMap::new();
    for (at, rule) in attributes.rules.iter().enumerate() {
        match rule.rule {
            Rule::FollowWinner => {
                let candidates = candidates(at);
                let name = attributes.columns[at].0;
                let leader = attributes.position(&rule.of);
                let leader = chosen.cells.iter().find(|(column, _)| Some(*column) == leader);
                let survivors = match leader.and_then(|(_, leaders)| leaders.first()) {
                    Some(leader) => {
                        of_record(name, &candidates, leader.winner.record, Outcome::Decided)
                    }
                    None if candidates.is_empty() => Vec::new(),
                    // There is nothing to follow.
                    None => {
                        by_rule(&AttributeRule::from(Rule::FillBlanks), name, &candidates, evidence)
                    }
                };
                chosen.cells.extend(Some((at, survivors)).filter(|(_, s)| !s.is_empty()));
            }
            Rule::Group => groups.entry(&rule.group).or_default().push((at, candidates(at))),
            _ => {}
        }
    }
    for group in groups.into_values() {
        let rule = attributes.rules[group[0].0].then;
        choose_group(entity, attributes, rule, group, evidence, chosen);
    }
    chosen.cells.sort_by_key(|(at, _)| *at);
}

/// The values of the record that says most of a group; of several the best standing one. Where `rule` wants
/// unanimity, none if two records contradict each other.
fn choose_group<'a>(
    entity: &Entity,
    attributes: &Attributes<'_, 'a>,
    rule: Rule,
    group: Vec<(usize, Vec<Candidate<'a>>)>,
    evidence: Evidence<'_, 'a>,
    chosen: &mut Chosen<'a>,
) {
    let said = |record: u32| -> Vec<Vec<&'a str>> {
        let of = |candidates: &Vec<Candidate<'a>>| {
            let mine = candidates.iter().filter(|c| c.record == record);
            mine.map(|c| c.value).collect()
        };
        group.iter().map(|(_, candidates)| of(candidates)).collect()
    };
    let filled = |said: &[Vec<&str>]| said.iter().filter(|values| !values.is_empty()).count();
    let mut records: Vec<(u32, Vec<Vec<&str>>)> =
        entity.members.iter().map(|&record| (record, said(record))).collect();
    records.retain(|(_, said)| filled(said) > 0);
    records.sort_by(|(a, x), (b, y)| {
        filled(y).cmp(&filled(x)).then_with(|| by_standing(evidence.standings, *a, *b))
    });
    let Some((winner, best)) = records.first() else { return };
    let contradict = records.iter().any(|(_, said)| contradicts(best, said));
    if rule.wants_unanimity() && contradict {
        chosen.conflicts.extend(group.into_iter().filter(|(_, candidates)| !candidates.is_empty()));
        return;
    }
    let tied = records[1..].iter().any(|(_, said)| filled(said) == filled(best) && said != best);
    let outcome = if tied { Outcome::Tied } else { Outcome::Decided };
    for (at, candidates) in &group {
        let survivors = of_record(attributes.columns[*at].0, candidates, *winner, outcome);
        chosen.cells.extend(Some((*at, survivors)).filter(|(_, s)| !s.is_empty()));
    }
}

/// Whether two records say different things of one attribute of a group; case and accents are no difference.
fn contradicts(one: &[Vec<&str>], other: &[Vec<&str>]) -> bool {
    let differ = |(a, b): (&Vec<&str>, &Vec<&str>)| {
        let same = |value: &&str| b.contains(value) || b.iter().any(|o| fold(o) == fold(value));
        !a.is_empty() && !b.is_empty() && !a.iter().any(same)
    };
    one.iter().zip(other).any(differ)
}

/// What one record says of an attribute, all of it where an attribute may have several values; nothing where it says
/// nothing: what another record says belongs to something else.
fn of_record<'a>(
    name: &str,
    candidates: &[Candidate<'a>],
    record: u32,
    outcome: Outcome,
) -> Vec<Survivor<'a>> {
    let mut mine: Vec<Candidate<'a>> =
        candidates.iter().filter(|c| c.record == record).copied().collect();
    if !model::attribute(name).is_some_and(|attribute| attribute.many) {
        mine.truncate(1);
    }
    let mut losers: Vec<Candidate<'a>> =
        candidates.iter().filter(|c| !mine.iter().any(|m| m.value == c.value)).copied().collect();
    losers.sort_by_key(|c| (c.value, c.record));
    losers.dedup_by_key(|c| c.value);
    let survivor = |(at, winner): (usize, Candidate<'a>)| {
        let losers = if at == 0 { std::mem::take(&mut losers) } else { Vec::new() };
        Survivor::of(winner, losers, outcome)
    };
    mine.into_iter().enumerate().map(survivor).collect()
}
