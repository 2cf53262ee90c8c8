//! Values that a steward chose stand before those that a rule chooses.

use super::{
    Cells, Choosing, Entity,
    survivorship::{Candidate, Evidence, Outcome, Rule, Survivor, survive},
};
use crate::{decisions::Pin, model, table::Column};

/// What the lineage says of a value that was pinned.
pub(super) const RULE: &str = "pin";
/// The origin of a value that no column has.
const NO_ORIGIN: u32 = u32::MAX;

/// Puts the pinned values of one golden record in the place of the chosen ones; where all values survive, before them.
pub(super) fn apply<'a>(
    cells: &mut Cells<'a>,
    entity: &Entity,
    columns: &[(&'a String, &'a Column)],
    rules: &[Rule],
    choosing: Choosing<'_, 'a>,
    evidence: Evidence<'_, 'a>,
) {
    for pin in choosing.decided.pins(entity.members[0]) {
        let Some(at) = columns.iter().position(|(name, _)| **name == pin.attribute) else {
            continue;
        };
        let held = |&record: &u32| {
            let held = columns[at].1.entries(record as usize);
            held.map(move |(value, origin)| Candidate { value, origin, record })
        };
        let held: Vec<Candidate<'a>> = entity.members.iter().flat_map(held).collect();
        let Some(pinned) = pinned(pin, &held, entity, rules[at], choosing, evidence) else {
            continue;
        };
        let position = cells.iter().position(|(column, _)| *column == at);
        let chosen = position.map(|position| cells.remove(position).1).unwrap_or_default();
        cells.push((at, merged(pinned, chosen, &held, rules[at].keeps_all())));
        cells.sort_by_key(|(column, _)| *column);
    }
}

/// The value of a pin and the cell it comes from; none where its source has none.
fn pinned<'a>(
    pin: &Pin,
    held: &[Candidate<'a>],
    entity: &Entity,
    rule: Rule,
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
    if !fitting.is_empty() {
        let kind = model::value_kind(&pin.attribute);
        let best = survive(kind, rule, &fitting, evidence).into_iter().next()?;
        let survivor = Survivor::of(best.winner, Vec::new(), Outcome::Decided);
        return Some(Survivor { pinned_by: Some(pin.decision.clone()), ..survivor });
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
