//! Which values survive in one golden record, attribute by attribute.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use super::{
    Settings,
    amount::{self, Accounts},
    identity::{Entities, Entity},
    lineage::{Ledger, Lines},
    masked, owner, person_name, pin,
    scores::{Shares, score},
    survivorship::{
        AttributeRule, Candidate, Evidence, Outcome, Rule, Standings, Survivor, survive,
    },
    whole,
};
use crate::{
    decisions::Values,
    error::Result,
    model::{self, Kind},
    progress::Progress,
    table::{Column, ColumnBuilder, Conflict, Golden, GoldenRecords, Records},
    value::{email, person, text},
};

/// The surviving values of one golden record: attribute (by position) and values, best first.
pub(super) type Cells<'a> = Vec<(usize, Vec<Survivor<'a>>)>;

/// What values are chosen by.
#[derive(Clone, Copy)]
pub(super) struct Choosing<'c, 'a> {
    pub(super) records: &'a Records,
    pub(super) standings: &'c Standings<'a>,
    pub(super) settings: &'c Settings,
    pub(super) decided: &'c Values,
    /// The date that "now" is: ISO.
    pub(super) as_of: &'c str,
    /// What share of an attribute's values in a source is valid, where a rule asks.
    pub(super) shares: &'c Shares,
}

/// The attributes of one kind of record, by position, and what else their values are chosen by.
pub(super) struct Attributes<'k, 'a> {
    pub(super) columns: &'k [(&'a String, &'a Column)],
    pub(super) rules: &'k [AttributeRule],
    /// Addresses and numbers that several golden records hold.
    shared: &'k HashSet<&'a str>,
}

impl<'a> Attributes<'_, 'a> {
    /// The column of an attribute.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|(column, _)| *column == name)
    }

    /// What the records of a golden record say of an attribute; what was decided to be left out is.
    pub(super) fn candidates(
        &self,
        at: usize,
        entity: &Entity,
        decided: &Values,
    ) -> Vec<Candidate<'a>> {
        let (name, column) = self.columns[at];
        let held = |&record: &u32| {
            let held = column.entries(record as usize);
            let held = held.filter(move |(value, _)| !decided.leave_out(record, name, value));
            held.map(move |(value, origin)| Candidate { value, origin, record })
        };
        entity.members.iter().flat_map(held).collect()
    }
}

/// What survives of one golden record.
#[derive(Default)]
pub(super) struct Chosen<'a> {
    pub(super) cells: Cells<'a>,
    /// What records do not agree on, where the rule wants them to.
    pub(super) conflicts: Vec<(usize, Vec<Candidate<'a>>)>,
}

/// How many golden records are made before they are laid by, while the next are made.
const BATCH: usize = 1 << 15;
/// How many of them one thread makes at a time.
const PIECE: usize = 1 << 11;

/// Golden records as one thread makes them.
struct Piece {
    /// By attribute.
    columns: Vec<Column>,
    lines: Lines,
    conflicts: Vec<Conflict>,
}

impl Piece {
    fn new<'a>(
        entities: &[Entity],
        attributes: &Attributes<'_, 'a>,
        choosing: Choosing<'_, 'a>,
    ) -> Piece {
        let records = choosing.records;
        let name = |at: usize| attributes.columns[at].0;
        let rule = |at: usize| attributes.rules[at].rule;
        let mut columns: Vec<ColumnBuilder> =
            attributes.columns.iter().map(|_| ColumnBuilder::new()).collect();
        let (mut lines, mut conflicts) = (Lines::default(), Vec::new());
        for entity in entities {
            let chosen = choose(entity, attributes, choosing);
            for (at, candidates) in &chosen.conflicts {
                let lines = disagreeing(entity, name(*at), rule(*at), candidates, records);
                conflicts.extend(lines);
            }
            for (at, survivors) in &chosen.cells {
                for survivor in survivors {
                    columns[*at].value(survivor.value(), survivor.winner.origin);
                    lines.log(entity, name(*at), rule(*at), survivor, records);
                }
            }
            columns.iter_mut().for_each(ColumnBuilder::end_record);
        }
        let columns = columns.into_iter().map(ColumnBuilder::finish).collect();
        Piece { columns, lines, conflicts }
    }
}

/// Golden records of one kind as they grow, piece by piece.
struct Growing<'g> {
    /// By attribute, the pieces of its column.
    columns: Vec<Vec<Column>>,
    ledger: &'g mut Ledger,
    conflicts: &'g mut Vec<Conflict>,
}

impl Growing<'_> {
    fn lay_by(&mut self, pieces: Vec<Piece>) -> Result<()> {
        for piece in pieces {
            for (column, part) in self.columns.iter_mut().zip(piece.columns) {
                column.push(part);
            }
            self.conflicts.extend(piece.conflicts);
            self.ledger.write(piece.lines)?;
        }
        Ok(())
    }

    /// The column of each attribute.
    fn finish(self) -> impl Iterator<Item = Column> {
        self.columns.into_iter().map(|parts| {
            let parts: Vec<_> = parts.iter().map(|part| (Some(part), part.len())).collect();
            Column::joined(&parts)
        })
    }
}

/// Golden records with their values and lineage; the rest is still empty.
pub(super) fn survivors<'a>(
    entities: &Entities,
    choosing: Choosing<'_, 'a>,
    progress: &Progress,
) -> Result<Golden> {
    let Choosing { records, settings, .. } = choosing;
    let kept =
        |(name, _): &(&'a String, &'a Column)| !model::attribute(name).is_some_and(|a| a.part);
    let columns: Vec<(&String, &Column)> = records.columns.iter().filter(kept).collect();
    let mut golden = Golden::default();
    let mut ledger = Ledger::new()?;
    for of_kind in entities.list.chunk_by(|a, b| a.kind == b.kind) {
        let kind = of_kind[0].kind;
        let rules: Vec<AttributeRule> =
            columns.iter().map(|(name, _)| settings.rule(kind, name)).collect();
        let shared = shared_values(of_kind, records);
        let attributes = Attributes { columns: &columns, rules: &rules, shared: &shared };
        let mut growing = Growing {
            columns: vec![Vec::new(); columns.len()],
            ledger: &mut ledger,
            conflicts: &mut golden.conflicts,
        };
        let mut made: Vec<Piece> = Vec::new();
        for batch in of_kind.chunks(BATCH) {
            progress.check()?;
            let make = |piece: &[Entity]| Piece::new(piece, &attributes, choosing);
            let next = || batch.par_chunks(PIECE).map(make).collect();
            let laid_by;
            (laid_by, made) = rayon::join(|| growing.lay_by(made), next);
            laid_by?;
            progress.advance(batch.len() as u64);
        }
        growing.lay_by(made)?;
        let table = GoldenRecords {
            ids: of_kind.iter().map(|e| e.id.clone()).collect(),
            members: of_kind.iter().map(|e| e.members.clone()).collect(),
            columns: (columns.iter().zip(growing.finish()))
                .map(|((name, _), column)| ((*name).clone(), column))
                .filter(|(_, column)| column.filled() > 0)
                .collect(),
            level: vec![String::new(); of_kind.len()],
            lifecycle: vec![String::new(); of_kind.len()],
            roles: vec![String::new(); of_kind.len()],
            parent: vec![String::new(); of_kind.len()],
            household: vec![String::new(); of_kind.len()],
        };
        *table_of(&mut golden, kind) = table;
    }
    golden.lineage = ledger.finish()?;
    Ok(golden)
}

pub(super) fn table_of(golden: &mut Golden, kind: Kind) -> &mut GoldenRecords {
    match kind {
        Kind::Person => &mut golden.persons,
        Kind::Organisation => &mut golden.organisations,
        Kind::Other => &mut golden.others,
    }
}

/// The email addresses and numbers that more than one golden record of `entities` holds.
fn shared_values<'a>(entities: &[Entity], records: &'a Records) -> HashSet<&'a str> {
    let mut holder: HashMap<&str, u32> = HashMap::new();
    let mut shared = HashSet::new();
    for (at, entity) in (0u32..).zip(entities) {
        for &record in &entity.members {
            for attribute in ["email", "phone", "mobile", "fax"] {
                for value in records.values(attribute, record as usize) {
                    if *holder.entry(value).or_insert(at) != at {
                        shared.insert(value);
                    }
                }
            }
        }
    }
    shared
}

/// Chooses the values of one golden record.
fn choose<'a>(
    entity: &Entity,
    attributes: &Attributes<'_, 'a>,
    choosing: Choosing<'_, 'a>,
) -> Chosen<'a> {
    let Choosing { records, standings, decided, .. } = choosing;
    let mailboxes: Vec<String> = (entity.members.iter())
        .flat_map(|&record| records.values("email", record as usize))
        .map(|address| text::fold(email::mailbox(address)))
        .collect();
    let is_shared = |value: &str| attributes.shared.contains(value);
    let (mailboxes, is_shared) = (mailboxes.as_slice(), &is_shared);
    let evidence = Evidence { standings, mailboxes, is_shared, score: &|_, _| 0 };
    let mut chosen = Chosen::default();
    let mut accounts = None;
    let mut names = names(entity, attributes, decided, evidence);
    for (at, rule) in attributes.rules.iter().enumerate() {
        if let Some((_, survivor)) = names.iter_mut().find(|(part, _)| *part == at) {
            chosen.cells.extend(survivor.take().map(|survivor| (at, vec![survivor])));
            continue;
        }
        let mut candidates = attributes.candidates(at, entity, decided);
        if attributes.columns[at].0 == "owner" {
            owner::keep_best_told(&mut candidates, |cell| cell.origin, records);
        }
        if candidates.is_empty() || rule.rule.takes_from_one_record() {
            continue;
        }
        let survivors = if rule.rule == Rule::Sum && candidates.len() > 1 {
            let accounts = accounts.get_or_insert_with(|| Accounts::new(&entity.members, records));
            amount::total(&candidates, accounts, records, evidence)
        } else {
            let (name, _) = attributes.columns[at];
            let score = |record: u32, value: &str| score(rule, name, record, value, choosing);
            let evidence = Evidence { score: &score, ..evidence };
            by_rule(rule, name, &candidates, evidence)
        };
        match survivors.is_empty() {
            true => chosen.conflicts.push((at, candidates)),
            false => chosen.cells.push((at, survivors)),
        }
    }
    whole::choose(entity, attributes, choosing, evidence, &mut chosen);
    let cells = &mut chosen.cells;
    pin::apply(cells, entity, attributes, choosing, evidence);
    drop_mobiles_among_phones(cells, attributes.columns);
    keep_siret_of_siren(cells, entity, attributes, decided, evidence);
    keep_civility_of_first_name(cells, entity, attributes, decided, evidence);
    let is_filled = |at: &usize| chosen.cells.iter().any(|(filled, _)| filled == at);
    chosen.conflicts.retain(|(at, _)| !is_filled(at));
    chosen
}

/// What a rule that looks at one attribute alone makes of its candidates.
pub(super) fn by_rule<'a>(
    rule: &AttributeRule,
    name: &str,
    candidates: &[Candidate<'a>],
    evidence: Evidence<'_, 'a>,
) -> Vec<Survivor<'a>> {
    let kind = model::value_kind(name);
    if rule.rule != Rule::Concat || candidates.len() == 1 {
        return survive(kind, rule.among(), candidates, evidence);
    }
    let all = survive(kind, Rule::Union, candidates, evidence);
    let values: Vec<&str> = all.iter().map(Survivor::value).collect();
    let total = Some(values.join(&rule.separator)).filter(|_| all.len() > 1);
    let parts = match all.len() {
        1 => Vec::new(),
        _ => all.iter().map(|survivor| survivor.winner).collect(),
    };
    let losers = all.iter().flat_map(|survivor| survivor.losers.clone()).collect();
    vec![Survivor { total, parts, ..Survivor::of(all[0].winner, losers, Outcome::Decided) }]
}

/// A line for each value that the records of a golden record do not agree on.
fn disagreeing(
    entity: &Entity,
    attribute: &str,
    rule: Rule,
    candidates: &[Candidate<'_>],
    records: &Records,
) -> Vec<Conflict> {
    let mut holders: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for cell in candidates {
        let ids = holders.entry(cell.value).or_default();
        ids.push(records.ids[cell.record as usize].to_string());
    }
    let line = |(value, ids): (&str, Vec<String>)| Conflict {
        golden_id: entity.id.clone(),
        kind: entity.kind,
        attribute: attribute.to_owned(),
        rule: rule.as_str(),
        value: masked(attribute, value).into_owned(),
        records: ids.join(" "),
    };
    holders.into_iter().map(line).collect()
}

/// The first and the last name of a person, by the positions of their columns: they survive as one,
/// unless the settings have a rule of their own for either.
fn names<'a>(
    entity: &Entity,
    attributes: &Attributes<'_, 'a>,
    decided: &Values,
    evidence: Evidence<'_, 'a>,
) -> Vec<(usize, Option<Survivor<'a>>)> {
    let of = |name: &str| {
        let at = attributes.position(name)?;
        (attributes.rules[at].rule == Rule::default_for(name)).then_some(at)
    };
    let (Some(first), Some(last)) = (of("first_name"), of("last_name")) else { return Vec::new() };
    if entity.kind != Kind::Person {
        return Vec::new();
    }
    let cell = |at: usize, record: u32| {
        let (name, column) = attributes.columns[at];
        let mut held = column.entries(record as usize);
        let (value, origin) = held.find(|(value, _)| !decided.leave_out(record, name, value))?;
        Some(Candidate { value, origin, record })
    };
    let told = entity.members.iter().map(|&r| (cell(first, r), cell(last, r)));
    let name = person_name::survive_together(told, evidence);
    vec![(first, name.0), (last, name.1)]
}

/// A number that one source calls a mobile and another a phone stands once, as a mobile.
fn drop_mobiles_among_phones(cells: &mut Cells<'_>, columns: &[(&String, &Column)]) {
    let of = |cells: &Cells<'_>, name: &str| cells.iter().position(|c| columns[c.0].0 == name);
    let (Some(mobile), Some(phone)) = (of(cells, "mobile"), of(cells, "phone")) else { return };
    let mobiles: Vec<String> = cells[mobile].1.iter().map(|s| s.value().to_owned()).collect();
    cells[phone]
        .1
        .retain(|s| s.pinned_by.is_some() || !mobiles.iter().any(|mobile| mobile == s.value()));
    cells.retain(|(_, survivors)| !survivors.is_empty());
}

/// A SIRET begins with the SIREN of its legal unit: the two survive together or not at all.
fn keep_siret_of_siren<'a>(
    cells: &mut Cells<'a>,
    entity: &Entity,
    attributes: &Attributes<'_, 'a>,
    decided: &Values,
    evidence: Evidence<'_, 'a>,
) {
    let of = |name: &str| cells.iter().position(|c| attributes.columns[c.0].0 == name);
    let (Some(siren), Some(siret)) = (of("siren"), of("siret")) else { return };
    let number = cells[siren].1[0].value().to_owned();
    let best = &cells[siret].1[0];
    if best.pinned_by.is_some() || best.value().starts_with(&number) {
        return;
    }
    let at = cells[siret].0;
    let mut agreeing = attributes.candidates(at, entity, decided);
    agreeing.retain(|candidate| candidate.value.starts_with(&number));
    let survivors = by_rule(&attributes.rules[at], "siret", &agreeing, evidence);
    match agreeing.is_empty() || survivors.is_empty() {
        true => drop(cells.remove(siret)),
        false => cells[siret].1 = survivors,
    }
}

/// `M.` before a name that only women bear is the initial of somebody or the slip of a list: it survives only from a
/// record that bears that name too.
fn keep_civility_of_first_name<'a>(
    cells: &mut Cells<'a>,
    entity: &Entity,
    attributes: &Attributes<'_, 'a>,
    decided: &Values,
    evidence: Evidence<'_, 'a>,
) {
    let of = |name: &str| cells.iter().position(|c| attributes.columns[c.0].0 == name);
    let (Some(civility), Some(first)) = (of("civility"), of("first_name")) else { return };
    let name = text::fold(cells[first].1[0].value());
    let best = &cells[civility].1[0];
    let is_of_man = |civility: &str| person::gender_of(civility) == Some("m");
    if best.pinned_by.is_some() || !is_of_man(best.value()) || !person::is_woman(&name) {
        return;
    }
    let (at, names) = (cells[civility].0, attributes.columns[cells[first].0].1);
    let bears_it = |record: u32| names.values(record as usize).any(|own| text::fold(own) == name);
    let mut agreeing = attributes.candidates(at, entity, decided);
    agreeing.retain(|candidate| !is_of_man(candidate.value) || bears_it(candidate.record));
    let survivors = by_rule(&attributes.rules[at], "civility", &agreeing, evidence);
    match agreeing.is_empty() || survivors.is_empty() {
        true => drop(cells.remove(civility)),
        false => cells[civility].1 = survivors,
    }
}
