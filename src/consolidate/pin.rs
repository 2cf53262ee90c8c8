//! Values that a steward chose stand before those that a rule chooses.

use super::{
    cells::{Attributes, Cells, Choosing, by_rule},
    identity::Entity,
    survivorship::{AttributeRule, Candidate, Evidence, Outcome, Rule, Survivor},
};
use crate::decisions::Pin;

/// What the lineage says of a value that was pinned.
pub(super) const RULE: &str = "pin";
/// The origin of a value that no column has.
const NO_ORIGIN: u32 = u32::MAX;

/// Puts the pinned values of one golden record in the place of the chosen ones; where all values survive, before them.
pub(super) fn apply<'a>(
    cells: &mut Cells<'a>,
    entity: &Entity,
    attributes: &Attributes<'_, 'a>,
    choosing: Choosing<'_, 'a>,
    evidence: Evidence<'_, 'a>,
) {
    for pin in choosing.decided.pins(entity.members[0]) {
        let Some(at) = attributes.position(&pin.attribute) else { continue };
        let (column, rule) = (attributes.columns[at].1, &attributes.rules[at]);
        let held = |&record: &u32| {
            let held = column.entries(record as usize);
            held.map(move |(value, origin)| Candidate { value, origin, record })
        };
        let held: Vec<Candidate<'a>> = entity.members.iter().flat_map(held).collect();
        let Some(pinned) = pinned(pin, &held, entity, rule, choosing, evidence) else {
            continue;
        };
        let position = cells.iter().position(|(column, _)| *column == at);
        let chosen = position.map(|position| cells.remove(position).1).unwrap_or_default();
        cells.push((at, merged(pinned, chosen, &held, rule.among().keeps_all())));
        cells.sort_by_key(|(column, _)| *column);
    }
}

/// The value of a pin and the cell it comes from; none where its source has none.
fn pinned<'a>(
    pin: &Pin,
    held: &[Candidate<'a>],
    entity: &Entity,
    rule: &AttributeRule,
    choosing: Choosing<'_, 'a>,
    evidence: Evidence<'_, 'a>,
) -> Option<Survivor<'a>> {
    let records = choosing.records;
    let of_source = |cell: &&Candidate<'a>| {
        pin.source.as_ref().is_none_or(|s| records.place_of(cell.record as usize).source == *s)
    };
    let of_value = |cell: &&Candidate<'a>| pin.value.as_deref().is_none_or(|v| v == cell.value);
    let fitting: Vec<Candidate<'a>> =
        held.iter().filter(of_source).filter(of_value).copied().collect();
    // Of several spellings or values of a source the rule's; what needs more than these, the best standing one's.
    let needs_more = rule.rule == Rule::Sum || rule.rule.takes_from_one_record();
    let fallback = AttributeRule::from(Rule::FillBlanks);
    let rule = if needs_more || rule.rule.wants_unanimity() { &fallback } else { rule };
    if let Some(best) = by_rule(rule, &pin.attribute, &fitting, evidence).into_iter().next() {
        let pinned_by = Some(pin.decision.clone());
        return Some(Survivor { pinned_by, losers: Vec::new(), outcome: Outcome::Decided, ..best });
    }
    // What no row says is the steward's own word.
    let winner = Candidate { value: "", origin: NO_ORIGIN, record: entity.members[0] };
    let survivor = Survivor::of(winner, Vec::new(), Outcome::Decided);
    let pinned_by = Some(pin.decision.clone());
    Some(Survivor { total: Some(pin.value.clone()?), pinned_by, ..survivor })
}

/// The pinned value, and the others behind it or lost against it.
fn merged<'a>(
    mut pinned: Survivor<'a>,
    chosen: Vec<Survivor<'a>>,
    held: &[Candidate<'a>],
    keeps_all: bool,
) -> Vec<Survivor<'a>> {
    if keeps_all {
        let others: Vec<Survivor<'a>> =
            chosen.into_iter().filter(|survivor| survivor.value() != pinned.value()).collect();
        return [pinned].into_iter().chain(others).collect();
    }
    let mut lost: Vec<Candidate<'a>> =
        held.iter().filter(|cell| cell.value != pinned.value()).copied().collect();
    lost.sort_by_key(|cell| (cell.value, cell.record));
    lost.dedup_by_key(|cell| cell.value);
    pinned.losers = lost;
    vec![pinned]
}
