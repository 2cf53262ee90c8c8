//! Makes golden records of clusters: survivorship, consent, links, keys, lineage, history.
//!
//! Each cluster becomes one golden record with a golden id that it keeps from run to run
//! ([`identity`]). Its values are chosen attribute by attribute ([`survivorship`]), what it may be
//! contacted for is the strictest thing ever said ([`consent`]), and what hung on its records hangs
//! on it: persons in organisations and homes ([`relation`]), codes and history ([`key`]), its life as
//! a customer ([`lifecycle`]). [`write`](mod@write) puts it all on disk.

mod amount;
mod cells;
mod consent;
mod document;
mod identity;
mod key;
mod lifecycle;
mod lineage;
#[cfg(test)]
mod notation;
mod owner;
mod person_name;
mod pin;
mod relation;
mod retention;
mod scope;
mod scores;
mod survivorship;
mod whole;
mod withheld;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    decisions::Values,
    error::Result,
    model::Kind,
    progress::Progress,
    registry::Registry,
    table::{Clean, Clusters, ConsentReview, Golden, GoldenRecords, Ingested, Records, Staged},
};

use cells::{Choosing, survivors, table_of};
use identity::{Entities, Entity};
use lifecycle::Life;
use relation::LegalNumbers;
use scores::Shares;
use survivorship::Standing;

pub use consent::suppression_hash;
pub use document::Documents;
pub use identity::golden_ids;
pub use owner::{OwnerLabel, Owners};
pub use retention::{Expired, NO_EVIDENCE, Retention};
pub use scope::{Filter, Scope};
pub use survivorship::{AttributeRule, Rule, RuleProblem, Rules};
pub use write::{read_golden_ids, write, write_crosswalk};

/// The `[survivorship]` section of `orpailleur.toml`.
///
/// ```toml
/// [survivorship]
/// inactive_after_years = 3
/// person.job_title = "most_recent"
/// organisation.name = "source_priority"
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Settings {
    /// Years without a sale after which a customer is inactive. Default: 3.
    pub inactive_after_years: u32,
    /// Rules of persons by attribute, where they differ from [`Rule::default_for`].
    pub person: Rules,
    /// Rules of organisations by attribute.
    pub organisation: Rules,
    /// Rules of the golden records of `dedupe` that are neither, by column.
    pub other: Rules,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            inactive_after_years: 3,
            person: Rules::new(),
            organisation: Rules::new(),
            other: Rules::new(),
        }
    }
}

impl Settings {
    /// Every rule that makes no sense.
    pub fn problems(&self) -> Vec<RuleProblem> {
        let kinds = [Kind::Person, Kind::Organisation, Kind::Other];
        let of = |kind| survivorship::problems(self.rules(kind), kind);
        kinds.into_iter().flat_map(of).collect()
    }

    /// Whether a rule asks for what data may lack: see [`Settings::problems_of_data`].
    pub fn asks_of_data(&self) -> bool {
        let kinds = [Kind::Person, Kind::Organisation, Kind::Other];
        let mut rules = kinds.into_iter().flat_map(|kind| self.rules(kind).values());
        rules.any(|rule| rule.among().is_by_date() || rule.among().is_by_votes())
    }

    /// Every rule that the records give nothing to go by: a rule by dates where most records that say anything have
    /// none, a rule by votes where one source alone says anything.
    pub fn problems_of_data(&self, records: &Records, as_of: &str) -> Vec<RuleProblem> {
        let standings = standings(records, as_of);
        let kinds = [Kind::Person, Kind::Organisation, Kind::Other];
        let rules = kinds.into_iter().flat_map(|kind| {
            self.rules(kind).iter().map(move |(name, rule)| (kind, name, rule.among()))
        });
        let problem = |(kind, attribute, rule): (Kind, &String, Rule)| {
            let says =
                |&r: &usize| records.kinds[r] == kind && records.first(attribute, r).is_some();
            let standings: Vec<&Standing<'_>> =
                (0..records.len()).filter(says).map(|r| &standings[r]).collect();
            let undated = standings.iter().filter(|standing| standing.date.is_empty()).count();
            let sources: BTreeSet<u32> = standings.iter().map(|s| s.source).collect();
            let (message, hint) = if rule.is_by_date() && undated * 2 > standings.len() {
                let all = standings.len();
                let message =
                    format!("{undated} of {all} records with a `{attribute}` have no date");
                (message, "`dated` dates the rows of a source; or choose another rule")
            } else if rule.is_by_votes() && sources.len() == 1 {
                let message =
                    format!("one source alone has a `{attribute}`, and a source has one vote");
                (message, "choose a rule by date, or `most_complete`")
            } else {
                return None;
            };
            let message = format!("`{}` has nothing to go by: {message}", rule.as_str());
            Some(RuleProblem {
                kind,
                attribute: attribute.clone(),
                message,
                hint: Some(hint.into()),
            })
        };
        rules.filter_map(problem).collect()
    }

    fn rules(&self, kind: Kind) -> &Rules {
        match kind {
            Kind::Person => &self.person,
            Kind::Organisation => &self.organisation,
            Kind::Other => &self.other,
        }
    }

    /// The rule of an attribute.
    pub fn rule(&self, kind: Kind, attribute: &str) -> AttributeRule {
        let set = self.rules(kind).get(attribute).cloned();
        set.unwrap_or_else(|| AttributeRule::default_for(attribute))
    }
}

/// The numbers of [`run`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Golden persons.
    pub persons: u64,
    /// Golden organisations.
    pub organisations: u64,
    /// Golden records that are neither.
    pub others: u64,
    /// Golden records whose id an earlier run minted.
    pub kept_ids: u64,
    /// Golden ids of earlier runs that now stand for nothing, their records merged into others.
    pub retired_ids: u64,
    /// Golden cells.
    pub cells: u64,
    /// Golden cells by outcome: `decided`, `tied`, `defaulted`.
    pub outcomes: BTreeMap<String, u64>,
    /// Cells that are empty until a steward says which of several values is right: `unanimous_or_review`.
    pub cells_for_review: u64,
    /// Golden records by lifecycle.
    pub lifecycles: BTreeMap<String, u64>,
    /// Prospects and customers by list of retention: `kept`, `no_evidence`...
    pub retention: BTreeMap<String, u64>,
    /// Golden records that stay out of the load package, by reason.
    pub withheld: BTreeMap<String, u64>,
    /// Organisations outside the scope that are loaded because a person of it is in them.
    pub brought_in: u64,
    /// Persons who are loaded without an organisation that they are in, because it is left out.
    pub re_parented: u64,
    /// Rows of history that hang on golden records that are left out.
    pub withheld_history: u64,
    /// Consent events by channel and state, as read: `email opt_out`.
    pub events: BTreeMap<String, u64>,
    /// Contact points by channel and state, after consolidation.
    pub consents: BTreeMap<String, u64>,
    /// Objections that name neither a record nor a contact point.
    pub lost_objections: u64,
    /// Proved opt-ins that are younger than the objection that holds.
    pub consents_for_review: u64,
    /// Contact points on the suppression list.
    pub suppressed: u64,
    /// History rows by kind.
    pub history_rows: BTreeMap<String, u64>,
    /// Of them, those that hang on no golden record.
    pub history_orphans: BTreeMap<String, u64>,
}

/// Everything that [`run`] works on.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Raw records with links, couples and history.
    pub ingested: &'a Ingested,
    /// Clean records and consent events.
    pub clean: &'a Clean,
    /// One cluster per record.
    pub clusters: &'a Clusters,
    /// The date that "now" is: ISO.
    pub as_of: &'a str,
    /// Golden ids minted by earlier runs.
    pub registry: &'a Registry,
    /// What stewards decided about values.
    pub decided: &'a Values,
    /// How long prospects and customers are kept; none in `dedupe`, which keeps everybody.
    pub retention: Option<&'a Retention>,
    /// What is loaded.
    pub scope: &'a Scope,
    /// Names of the sources that live on beside the CRM.
    pub live: &'a BTreeSet<String>,
    /// The users of the CRM behind what the legacy systems call owners.
    pub owners: &'a Owners,
    /// The project's secret key, for the hashes of row keys and of the suppression list.
    pub key: &'a crate::table::IdKey,
}

/// Makes one golden record of each cluster.
pub fn run(
    input: Input<'_>,
    settings: &Settings,
    progress: &Progress,
) -> Result<Staged<Golden, Metrics>> {
    let Input { ingested, clean, .. } = input;
    let records = &clean.records;

    // One golden record per cluster, with its id.
    let entities = Entities::new(records, input.clusters, input.registry, input.key);
    progress.expect(entities.list.len() as u64);

    // The surviving values of each, and where they come from.
    let standings = standings(records, input.as_of);
    let shares = scores::shares(&ingested.records, records, settings);
    let choosing = Choosing {
        records,
        standings: &standings,
        settings,
        decided: input.decided,
        as_of: input.as_of,
        shares: &shares,
    };
    let mut golden = survivors(&entities, choosing, progress)?;

    // Persons in organisations, organisations in legal units, couples in homes.
    golden.links = relation::links(&entities, &ingested.links, records, &standings);
    golden.households = relation::households(&entities, &ingested.couples);
    let mut index = key::KeyIndex::new(&entities, records, !ingested.history.is_empty());
    if key::names_alone(&ingested.history) {
        index.learn_names(records);
    }
    let parents = parents(&mut golden, &entities, records);
    golden.organisation_links = {
        let tables = (&ingested.records, records);
        relation::organisation_links(&entities, &parents, tables, &ingested.links, &index)
    };
    progress.check()?;

    // Who answers for them.
    owner::assign(&mut golden, records, input.owners);

    // Codes, and the history that hangs on them.
    golden.keys = key::keys(&entities, records, input.live);
    let attached = key::attach(&ingested.history, &records.places, &index);
    (golden.history, golden.history_at) =
        key::lines(&ingested.history, &records.places, &attached, &entities);
    golden.orphans = key::orphans(&ingested.history, &records.places, &attached);
    progress.check()?;

    // Who still buys.
    let last_sales = lifecycle::last_sales(&ingested.history, &attached);
    let cutoff = lifecycle::cutoff(input.as_of, settings.inactive_after_years);
    let lives = lifecycle::lives(&entities, records, &last_sales, &golden.links, &cutoff);

    complete(&mut golden, &lives);

    // How long they may be kept.
    let facts = retention::Facts {
        entities: &entities,
        clean,
        history: &ingested.history,
        attached: &attached,
        links: &golden.links,
        lives: &lives,
        as_of: input.as_of,
    };
    if let Some(settings) = input.retention {
        golden.retention = retention::lines(&facts, settings);
    }
    progress.check()?;

    // What each contact point may be used for.
    let addresses = surviving_addresses(&golden, &entities);
    let consents = consent::consents(&entities, clean, &ingested.couples, &addresses, input.key);
    golden.consents = consents.lines;
    golden.consent_reviews = consents.reviews;
    golden.suppressed = consents.suppressed;

    // Who stays out of the load, and is suppressed all the same.
    let mut brought_in = 0;
    if let Some(settings) = input.retention {
        golden.withheld = withheld::withheld(&golden, &facts, settings);
        brought_in = scope::apply(&mut golden, records, input.scope);
        golden.suppressed = withheld::suppressed(&golden, input.key);
    }

    golden.golden_of = (0..records.len()).map(|r| entities.of(r as u32).id.clone()).collect();
    let metrics = Metrics {
        kept_ids: entities.kept_ids,
        retired_ids: entities.retired_ids,
        lost_objections: consents.lost_objections,
        brought_in,
        ..Metrics::of(&golden, clean)
    };
    Ok(Staged { table: golden, metrics })
}

/// The golden values that each of these groups of records of one kind would have, by attribute, as people read them:
/// what a steward sees before a decision is written.
pub fn outlook(
    records: &Records,
    groups: &[Vec<u32>],
    as_of: &str,
    settings: &Settings,
) -> Result<Vec<BTreeMap<String, Vec<String>>>> {
    let entity = |members: &Vec<u32>| Entity {
        kind: members.first().map_or(Kind::Other, |&first| records.kinds[first as usize]),
        id: String::new(),
        members: members.clone(),
    };
    let standings = standings(records, as_of);
    let mut values = Vec::new();
    for group in groups {
        let entities = Entities { list: vec![entity(group)], ..Entities::default() };
        let progress = Progress::hidden();
        let decided = &Values::default();
        let (standings, shares) = (standings.as_slice(), &Shares::default());
        let choosing = Choosing { records, standings, settings, decided, as_of, shares };
        let mut golden = survivors(&entities, choosing, &progress)?;
        let table = table_of(&mut golden, entities.list[0].kind);
        let told = table.columns.iter().map(|(name, column)| {
            let values = column.values(0).map(|value| shown(name, value).into_owned());
            (name.clone(), values.collect())
        });
        values.push(told.collect());
    }
    Ok(values)
}

/// How much each record is trusted, and how old it is.
///
/// A record's date is that of its last change, else of its last contact or creation, else that of its
/// table; a date after `as_of` is a slip and counts for nothing.
fn standings<'a>(records: &'a Records, as_of: &str) -> Vec<Standing<'a>> {
    let sources: BTreeMap<&str, u32> = {
        let mut names: Vec<&str> = records.places.iter().map(|p| p.source.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().zip(0..).collect()
    };
    let plausible = |date: &&str| {
        let day = date.get(..10).unwrap_or(date);
        date.starts_with(|c: char| c.is_ascii_digit()) && (as_of.is_empty() || day <= as_of)
    };
    let standing = |r: usize| {
        let place = records.place_of(r);
        let dates = |attributes: &[&str]| {
            let first = attributes.iter().filter_map(|a| records.columns.get(*a)?.first(r));
            first.filter(plausible).max()
        };
        let date = dates(&["updated_at"])
            .or_else(|| dates(&["created_at", "last_contact"]))
            .or_else(|| Some(place.dated.as_str()).filter(plausible))
            .unwrap_or_default();
        Standing {
            rank: place.rank,
            date,
            filled: records.columns.values().filter(|c| c.first(r).is_some()).count() as u32,
            source: sources[place.source.as_str()],
        }
    };
    (0..records.len()).into_par_iter().map(standing).collect()
}

/// A value as it may stand before anybody's eyes: of an IBAN the country, the check digits and the end.
pub fn masked<'v>(attribute: &str, value: &'v str) -> std::borrow::Cow<'v, str> {
    let characters = value.chars().count();
    if attribute != "iban" || characters < 12 {
        return shown(attribute, value);
    }
    let start: String = value.chars().take(4).collect();
    let end: String = value.chars().skip(characters - 3).collect();
    format!("{start}…{end}").into()
}

/// A canonical value as people read it: an address on one line.
pub fn shown<'v>(attribute: &str, value: &'v str) -> std::borrow::Cow<'v, str> {
    if attribute == "address" { write::one_line(value).into() } else { value.into() }
}

/// Sets the level and parent of each golden organisation; returns the parents by position.
fn parents(golden: &mut Golden, entities: &Entities, records: &Records) -> BTreeMap<u32, u32> {
    let organisations = &mut golden.organisations;
    let first = entities.list.partition_point(|e| e.kind < Kind::Organisation);
    let numbers: Vec<LegalNumbers<'_>> = (0..entities.list.len())
        .map(|at| match at.checked_sub(first).filter(|&i| i < organisations.len()) {
            Some(i) => LegalNumbers {
                siren: organisations
                    .columns
                    .get("siren")
                    .and_then(|c| c.first(i))
                    .unwrap_or_default(),
                siret: organisations
                    .columns
                    .get("siret")
                    .and_then(|c| c.first(i))
                    .unwrap_or_default(),
            },
            None => LegalNumbers::default(),
        })
        .collect();
    let names: Vec<Vec<String>> = (entities.list.par_iter().zip(&numbers))
        .map(|(entity, number)| match number.siren {
            "" => Vec::new(),
            _ => relation::name_words(entity, records),
        })
        .collect();
    let parents = relation::parents(entities, &numbers, &names);
    let levels: Vec<String> =
        numbers[first..].iter().take(organisations.len()).map(|n| n.level().to_owned()).collect();
    organisations.level = levels;
    for (&child, &parent) in &parents {
        organisations.parent[child as usize - first] = entities.list[parent as usize].id.clone();
    }
    parents
}

/// The surviving postal addresses of each golden record, by position in `entities`.
fn surviving_addresses<'g>(golden: &'g Golden, entities: &Entities) -> Vec<Vec<&'g str>> {
    let tables = [&golden.persons, &golden.organisations, &golden.others];
    let of = |table: &'g GoldenRecords| {
        (0..table.len()).map(move |i| table.values("address", i).collect::<Vec<_>>())
    };
    let addresses: Vec<Vec<&str>> = tables.into_iter().flat_map(of).collect();
    debug_assert_eq!(addresses.len(), entities.list.len());
    addresses
}

/// Fills lifecycle, roles and household of all golden records.
fn complete(golden: &mut Golden, lives: &[Life]) {
    let home: BTreeMap<&str, &str> =
        golden.households.iter().map(|(home, id)| (id.as_str(), home.as_str())).collect();
    let people = &mut golden.persons;
    for (id, household) in people.ids.iter().zip(&mut people.household) {
        if let Some(home) = home.get(id.as_str()) {
            (*home).clone_into(household);
        }
    }
    let mut lives = lives.iter();
    for table in [&mut golden.persons, &mut golden.organisations] {
        for (i, life) in (0..table.len()).zip(&mut lives) {
            table.lifecycle[i] = life.stage().to_owned();
            table.roles[i] = life.roles();
        }
    }
}

fn cells_for_review(golden: &Golden) -> u64 {
    let rules = [Rule::UnanimousOrReview.as_str(), owner::TWO_OWNERS];
    let waiting = golden.conflicts.iter().filter(|conflict| rules.contains(&conflict.rule));
    waiting.map(|c| (&c.golden_id, &c.attribute)).collect::<BTreeSet<_>>().len() as u64
}

impl Metrics {
    fn of(golden: &Golden, clean: &Clean) -> Metrics {
        let mut metrics = Metrics {
            persons: golden.persons.len() as u64,
            organisations: golden.organisations.len() as u64,
            others: golden.others.len() as u64,
            cells: golden.lineage.len() as u64,
            suppressed: golden.suppressed.len() as u64,
            cells_for_review: cells_for_review(golden),
            consents_for_review: (golden.consent_reviews.iter())
                .filter(|review| review.verdict == ConsentReview::FOR_REVIEW)
                .count() as u64,
            outcomes: (golden.lineage.outcomes.iter())
                .map(|(outcome, count)| ((*outcome).to_owned(), *count))
                .collect(),
            ..Metrics::default()
        };
        let add = |counts: &mut BTreeMap<String, u64>, word: &str| match counts.get_mut(word) {
            Some(count) => *count += 1,
            None => drop(counts.insert(word.to_owned(), 1)),
        };
        for stage in golden.persons.lifecycle.iter().chain(&golden.organisations.lifecycle) {
            add(&mut metrics.lifecycles, stage);
        }
        for line in &golden.retention {
            add(&mut metrics.retention, line.list);
        }
        for reason in golden.withheld.values() {
            add(&mut metrics.withheld, reason);
        }
        let is_left_out = |id: &String| golden.withheld.contains_key(id);
        let re_parented = golden.links.iter().filter(|link| {
            link.current != Some(false)
                && is_left_out(&link.organisation_id)
                && !is_left_out(&link.person_id)
        });
        metrics.re_parented =
            re_parented.map(|l| &l.person_id).collect::<BTreeSet<_>>().len() as u64;
        metrics.withheld_history =
            golden.history.iter().filter(|row| is_left_out(&row.golden_id)).count() as u64;
        for event in &clean.events {
            let word = format!("{} {}", event.channel.as_str(), event.state.as_str());
            add(&mut metrics.events, &word);
        }
        for line in &golden.consents {
            add(&mut metrics.consents, &format!("{} {}", line.channel.as_str(), line.state_word()));
        }
        for line in &golden.history {
            add(&mut metrics.history_rows, &line.kind);
            if line.golden_id.is_empty() {
                add(&mut metrics.history_orphans, &line.kind);
            }
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{HistoryRow, IdKey, Lineage};
    use notation::{clusters, records, tables};

    const PEOPLE: &str = "\
        a/2010-01-01@L1 P last_name=DUPONT first_name=J. email=x@y.fr account_code=C1; \
        b/2012-01-01 P last_name=Dupont first_name=Hélène job_title=DAF mobile=+336 email=h@y.fr; \
        c/2030-01-01 P last_name=Dupond first_name=HELENE job_title=PDG phone=+336; \
        a/2010-01-01 O name=Mistral siren=552100554 siret=55210055400013; \
        b O name=Mistral siren=552100554";

    fn consolidated(
        ingested: &Ingested,
        clean: &Clean,
        cluster: &[u32],
        settings: &Settings,
    ) -> Staged<Golden, Metrics> {
        let input = Input {
            ingested,
            clean,
            clusters: &clusters(cluster),
            as_of: "2024-12-31",
            registry: &Registry::default(),
            decided: &Values::default(),
            retention: Some(&Retention::default()),
            scope: &Scope::default(),
            live: &BTreeSet::new(),
            owners: &Owners::default(),
            key: &IdKey([7; 32]),
        };
        run(input, settings, &Progress::hidden()).expect("it runs")
    }

    fn ran(notation: &str, cluster: &[u32]) -> (Records, Staged<Golden, Metrics>) {
        let records = records(notation);
        let (mut ingested, clean) = tables(&records);
        let row = HistoryRow {
            row: 2,
            key: "C1".into(),
            key_attribute: "account_code".into(),
            key_column: Some(0),
            name: "Dupont H.".into(),
            date: "2008-01-04".into(),
            amount: "12.50".into(),
            currency: "EUR".into(),
            cells: vec!["C1"].into(),
        };
        let header = vec!["Code".into()];
        ingested.history = vec![crate::table::History {
            kind: "invoice".into(),
            place: 0,
            header,
            rows: vec![row],
        }];
        let staged = consolidated(&ingested, &clean, cluster, &Settings::default());
        (records, staged)
    }

    /// `golden/lineage.parquet` as a run writes it.
    fn lineage(golden: &Golden) -> arrow::array::RecordBatch {
        let folder = tempfile::tempdir().expect("a folder");
        let nothing = Documents::default();
        write(folder.path(), golden, &Ingested::default(), &nothing, None).expect("written");
        crate::store::read_parquet(&folder.path().join("lineage.parquet")).expect("read")
    }

    /// What survives of records that are all one, by these settings.
    fn survived(notation: &str, settings: &str) -> Golden {
        let records = records(notation);
        let (ingested, clean) = tables(&records);
        let settings: Settings = toml::from_str(settings).expect(settings);
        assert_eq!(settings.problems(), [], "{settings:?}");
        consolidated(&ingested, &clean, &vec![0; records.len()], &settings).table
    }

    #[test]
    fn every_rule_does_what_its_example_in_the_documentation_says() {
        let page = include_str!("../../docs/survivorship.md");
        let examples: Vec<&str> = page.lines().filter(|line| line.contains("` gives `")).collect();
        assert_eq!(examples.len(), 27, "one for each rule");
        let mut wrong = Vec::new();
        for example in examples {
            let cells: Vec<&str> = example.trim_matches(['|', ' ']).split(" | ").collect();
            let rule = cells[0].trim_matches('`');
            let rule = match rule.starts_with('{') {
                true => rule.to_owned(),
                false => format!("\"{rule}\""),
            };
            let (notation, wanted) = cells[cells.len() - 1].split_once("` gives `").expect("both");
            let (notation, wanted) = (notation.trim_matches('`'), wanted.trim_matches('`'));
            let mut words = notation.split(' ').skip(1);
            let kind = if words.next() == Some("P") { "person" } else { "organisation" };
            let (attribute, _) = words.next().and_then(|w| w.split_once('=')).expect("a value");
            let golden = survived(notation, &format!("{kind}.{attribute} = {rule}"));
            let table = if kind == "person" { &golden.persons } else { &golden.organisations };
            let found: Vec<&str> = table.values(attribute, 0).collect();
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
            if found != wanted {
                wrong.push(format!("{example}: {found}"));
            }
        }
        assert_eq!(wrong, [""; 0]);
    }

    #[test]
    fn a_rule_that_the_data_give_nothing_to_go_by_is_told() {
        let told = |notation: &str, rule: &str| -> Vec<String> {
            let settings: Settings =
                toml::from_str(&format!("person.job_title = \"{rule}\"")).expect(rule);
            assert!(settings.asks_of_data());
            let problems = settings.problems_of_data(&records(notation), "2024-12-31");
            problems.into_iter().map(|problem| problem.message).collect()
        };
        let cells =
            "a P job_title=DAF; a P job_title=PDG; b/2020-01-01 P job_title=DAF; c P company=X";
        assert_eq!(
            told(cells, "most_recent"),
            ["`most_recent` has nothing to go by: 2 of 3 records with a `job_title` have no date"]
        );
        assert_eq!(told(cells, "most_frequent"), [""; 0]);
        let cells = "a/2020-01-01 P job_title=DAF; a P job_title=PDG; b P company=X";
        assert_eq!(told(cells, "oldest"), [""; 0]);
        assert_eq!(
            told(cells, "most_frequent"),
            [
                "`most_frequent` has nothing to go by: one source alone has a `job_title`, and a source has one vote"
            ]
        );
    }

    #[test]
    fn an_account_number_stays_with_its_bank_and_two_cancel_out() {
        let bank = |cells: &str| {
            let golden = survived(cells, "");
            let value = |name| golden.organisations.first(name, 0).unwrap_or("-").to_owned();
            (format!("{} {}", value("iban"), value("bic")), golden.conflicts.len())
        };
        assert_eq!(bank("a O iban=FR1; b O iban=FR1 bic=AGRI"), ("FR1 AGRI".into(), 0));
        assert_eq!(bank("a O iban=FR1; b O iban=FR2 bic=AGRI"), ("- -".into(), 3));
        assert_eq!(bank("a O iban=FR1; b O bic=AGRI"), ("FR1 -".into(), 0));
    }

    #[test]
    fn what_records_disagree_on_is_listed_and_waits_for_a_steward() {
        let cells =
            "a P birth_date=1975-03-14; b P birth_date=1976-03-14; c P birth_date=1976-03-14";
        let golden = survived(cells, "person.birth_date = \"unanimous_or_review\"");
        let told: Vec<_> =
            golden.conflicts.iter().map(|c| (c.attribute.as_str(), &*c.value)).collect();
        assert_eq!(told, [("birth_date", "1975-03-14"), ("birth_date", "1976-03-14")]);
        assert_eq!(golden.conflicts[1].records.split(' ').count(), 2);
        assert_eq!(cells_for_review(&golden), 1);
        let batch = lineage(&golden);
        let mut lines = Lineage::of_batch(&batch).expect("lines");
        assert!(lines.all(|line| line.attribute != "birth_date"));
    }

    #[test]
    fn a_cluster_becomes_one_golden_record_with_the_best_of_each() {
        let (_, Staged { table: golden, metrics }) = ran(PEOPLE, &[0, 0, 0, 3, 4]);
        let persons = &golden.persons;
        assert_eq!(persons.len(), 1);
        let value = |name| persons.values(name, 0).collect::<Vec<_>>().join(", ");
        assert_eq!(value("last_name"), "Dupont");
        assert_eq!(value("first_name"), "Hélène");
        assert_eq!(value("email"), "h@y.fr, x@y.fr");
        // A table dated after the as-of date is of no date.
        assert_eq!(value("job_title"), "DAF");
        assert_eq!((value("mobile"), value("phone")), ("+336".into(), String::new()));
        assert_eq!(persons.lifecycle, ["inactive"]);
        assert_eq!(persons.roles, ["customer"]);
        assert_eq!(golden.history[0].golden_id, persons.ids[0]);
        assert_eq!(golden.organisations.level, ["establishment", "legal_unit"]);
        assert_eq!(golden.organisations.parent, [golden.organisations.ids[1].as_str(), ""]);
        assert_eq!(golden.organisation_links.len(), 1);
        assert_eq!(metrics.persons + metrics.organisations, 3);
        assert_eq!(metrics.history_orphans.values().sum::<u64>(), 0);
    }

    #[test]
    fn a_golden_record_of_several_accounts_has_the_money_of_all() {
        let people = "a/2024-01-01@k O name=Mistral customer_code=C1 balance=10.10; \
                      a/2024-01-01@k O name=Mistral customer_code=C2 balance=20.20; \
                      b/2023-01-01@k O name=Mistral customer_code=C2 balance=20.00";
        let (records, Staged { table: golden, .. }) = ran(people, &[0, 0, 0]);
        assert_eq!(golden.organisations.first("balance", 0), Some("30.3"));
        let batch = lineage(&golden);
        let mut lines = Lineage::of_batch(&batch).expect("lines");
        let line = lines.find(|l| l.attribute == "balance").expect("a line");
        let id = |r: usize| records.ids[r].to_string();
        assert_eq!((line.value, line.rule), ("30.3", "sum"));
        assert_eq!(
            line.losers,
            format!("+ 10.10 ({}) | + 20.20 ({}) | 20.00 ({})", id(0), id(1), id(2))
        );
    }

    #[test]
    fn a_record_without_name_and_contact_point_is_no_trouble() {
        let people =
            "a P job_title=DAF; a O balance=1.00; a P first_name=Anne; b P last_name=Petit";
        let (_, Staged { table: golden, .. }) = ran(people, &[0, 1, 2, 2]);
        assert_eq!((golden.persons.len(), golden.organisations.len()), (2, 1));
    }

    #[test]
    fn first_and_last_name_are_of_one_record() {
        let people = "a P first_name=Louis last_name=Durand; b P first_name=Anne last_name=Petit; \
                      c P first_name=Petit last_name=Anne; d P first_name=A. last_name=PETIT";
        let (_, Staged { table: golden, .. }) = ran(people, &[0, 0, 0, 0]);
        let value = |name| golden.persons.first(name, 0).unwrap_or_default();
        assert_eq!((value("first_name"), value("last_name")), ("Anne", "Petit"));
    }

    #[test]
    fn no_civility_of_a_man_survives_beside_the_name_of_a_woman_that_it_was_not_said_of() {
        let civility = |people: &str| {
            let (_, Staged { table: golden, .. }) = ran(people, &[0, 0]);
            golden.persons.first("civility", 0).unwrap_or_default().to_owned()
        };
        let named = "b P first_name=Monique last_name=Delmas";
        assert_eq!(civility(&format!("a P civility=M. last_name=Delmas; {named}")), "");
        assert_eq!(civility(&format!("a P civility=Mme last_name=Delmas; {named}")), "Mme");
        assert_eq!(
            civility(&format!("a P civility=M. last_name=Delmas; {named} civility=M.")),
            "M."
        );
        let both = "a P civility=M. last_name=Delmas; b P civility=Mme last_name=Delmas first_name=Monique";
        assert_eq!(civility(both), "Mme");
    }

    #[test]
    fn every_golden_cell_is_traced_to_the_record_that_holds_it() {
        let (records, Staged { table: golden, metrics }) = ran(PEOPLE, &[0, 0, 0, 3, 4]);
        assert_eq!(metrics.cells, golden.lineage.len() as u64);
        let batch = lineage(&golden);
        let lines: Vec<Lineage<'_>> = Lineage::of_batch(&batch).expect("lines").collect();
        assert_eq!(lines.len(), golden.lineage.len());
        for line in &lines {
            let id = crate::table::RecordId::parse(line.record_id).expect("an id");
            let record = records.find(id).expect("a record");
            assert!(records.values(line.attribute, record).any(|v| v == line.value), "{line:?}");
            assert_eq!(golden.golden_of[record], line.golden_id);
        }
        let name = lines.iter().find(|l| l.attribute == "last_name").expect("a name");
        let id = |r: usize| records.ids[r].to_string();
        assert_eq!(name.losers, format!("DUPONT ({}) | Dupond ({})", id(0), id(2)));
    }

    #[test]
    fn the_files_have_the_columns_that_users_rely_on() {
        let records = records(PEOPLE);
        let (ingested, _) = tables(&records);
        let (_, Staged { table: golden, .. }) = ran(PEOPLE, &[0, 0, 0, 3, 4]);
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &golden, &ingested, &Documents::default(), None).expect("written");
        write_crosswalk(&folder.path().join("crosswalk.csv"), &records, &golden.golden_of)
            .expect("written");
        let header = |name: &str| {
            let text = std::fs::read_to_string(folder.path().join(name)).expect(name);
            text.lines().next().expect("a header").to_owned()
        };
        assert_eq!(
            header("persons.csv"),
            "golden_id,first_name,last_name,job_title,account_code,email,email_2,phone,mobile,street,\
             postcode,city,household_id,owner,lifecycle,roles"
        );
        assert_eq!(
            header("organisations.csv"),
            "golden_id,name,email,phone,street,postcode,city,owner,lifecycle,roles,level,siren,siret,\
             parent_id"
        );
        assert_eq!(
            header("crosswalk.csv"),
            "source,file,sheet,row,kind,record_key,record_id,golden_id"
        );
        assert_eq!(
            header("consents.csv"),
            "golden_id,contact_point,channel,purpose,legal_entity,state,proved,since,source,file,row"
        );
        assert!(!folder.path().join("records.csv").exists());
    }

    #[test]
    fn settings_are_words_of_toml_and_unknown_ones_are_refused() {
        let settings: Settings =
            toml::from_str("inactive_after_years = 5\nperson.job_title = \"longest\"")
                .expect("fine");
        assert_eq!(settings.rule(Kind::Person, "job_title").rule, Rule::Longest);
        assert_eq!(settings.rule(Kind::Organisation, "name").rule, Rule::MostFrequent);
        assert!(settings.problems().is_empty());
        assert!(toml::from_str::<Settings>("person.job_title = \"newest\"").is_err());
        assert!(toml::from_str::<Settings>("persons.job_title = \"longest\"").is_err());
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]

        /// Nothing is invented and nothing is lost: golden values are values of their own records,
        /// and each record has one golden record.
        #[test]
        fn a_golden_value_was_said_by_one_of_its_records(cluster in proptest::collection::vec(0u32..3, 3)) {
            let mut first: Vec<u32> = (0..3).map(|r| {
                (0..=r).find(|&b| cluster[b as usize] == cluster[r as usize]).unwrap_or(r)
            }).collect();
            first.extend([3, 4]);
            let (records, Staged { table: golden, .. }) = ran(PEOPLE, &first);
            let members: usize = [&golden.persons, &golden.organisations].iter()
                .flat_map(|t| &t.members).map(Vec::len).sum();
            proptest::prop_assert_eq!(members, records.len());
            for table in [&golden.persons, &golden.organisations] {
                for (name, column) in &table.columns {
                    for i in 0..table.len() {
                        for value in column.values(i) {
                            let said = |&r: &u32| records.values(name, r as usize).any(|v| v == value);
                            proptest::prop_assert!(table.members[i].iter().any(said));
                        }
                    }
                }
            }
        }
    }
}
