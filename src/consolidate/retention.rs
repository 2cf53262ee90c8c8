//! How long a person may still be kept: a clock that nothing but what the person did sets.
//!
//! A sale, a form, a click, a reply or a dated opt-in is an act of the person. A file's date, an opened email, a
//! payment, a call by the company, or the day on which somebody last touched the row is none. A golden record's clock
//! is the latest of its own rows': merging adds no act, and so never extends a clock.

use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};

use serde::{Deserialize, Serialize};

use crate::{
    table::{
        Clean, ConsentEvent, ConsentState, GoldenLink, GoldenRetention, History, HistoryRow, Place,
        Records,
    },
    value::{dictionary, text::fold},
};

use super::{
    identity::Entities,
    key::Orphan,
    lifecycle::{Life, Stage, cutoff, is_recent},
};

/// The `[retention]` section of `orpailleur.toml`.
///
/// ```toml
/// [retention]
/// prospect_years = 3
/// customer_years = 3
/// forms = ["website-leads"]
/// exclude = ["prospects", "customers"]
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Years for which a prospect is kept after the last thing it did. Default: 3.
    pub prospect_years: u32,
    /// Years for which a customer is kept after the end of the relation: its last act, or the last sale to an
    /// organisation it is in. Default: 3.
    pub customer_years: u32,
    /// Sources whose rows are forms that people filled in: the day on which such a row was made is an act of theirs.
    /// Default: none.
    pub forms: Vec<String>,
    /// Persons that are left out of the load package: those past the period of `prospects`, or of `customers`. Of whom
    /// no act is known is never left out by this. Default: nobody.
    pub exclude: Vec<Expired>,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { prospect_years: 3, customer_years: 3, forms: Vec::new(), exclude: Vec::new() }
    }
}

/// Whose period may be over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Expired {
    Prospects,
    Customers,
}

impl Expired {
    /// The word by which `golden/retention.csv` lists them.
    pub fn list(self) -> &'static str {
        match self {
            Expired::Prospects => "prospect_expired",
            Expired::Customers => "customer_expired",
        }
    }
}

/// The list of those whose period runs.
pub(crate) const KEPT: &str = "kept";
/// The list of those of whom no act is known.
pub const NO_EVIDENCE: &str = "no_evidence";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Evidence {
    sale: HashSet<String>,
    request: HashSet<String>,
    columns: HashSet<String>,
    words: HashSet<String>,
}

static EVIDENCE: LazyLock<Evidence> =
    LazyLock::new(|| dictionary::read(include_str!("../../mappings/dictionaries/evidence.toml")));

/// One act of a person, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Act<'a> {
    /// ISO date, perhaps a year or month alone.
    date: &'a str,
    /// `sale`, `request`, `form`, `response`, `opt_in`.
    what: &'static str,
    place: &'a Place,
    row: u32,
}

impl<'a> Act<'a> {
    /// The later is the greater; of one day the order of words, then of places, decides.
    fn order(&self) -> (&'a str, &'static str, &'a str, &'a str, &'a str, u32) {
        let Place { source, file, sheet, .. } = self.place;
        (self.date, self.what, source, file, sheet, self.row)
    }
}

/// The latest act of each golden record, and its latest sale, by position.
struct Clocks<'a> {
    as_of: &'a str,
    latest: BTreeMap<u32, Act<'a>>,
    /// ISO date, perhaps a year or month alone.
    sales: BTreeMap<u32, &'a str>,
}

impl<'a> Clocks<'a> {
    /// Notes an act; a date that is none, or lies after `as_of`, counts for nothing.
    fn note(&mut self, golden: u32, act: Act<'a>) {
        let day = act.date.get(..10).unwrap_or(act.date);
        let is_date = day.starts_with(|c: char| c.is_ascii_digit());
        if !is_date || !self.as_of.is_empty() && day > self.as_of {
            return;
        }
        let act = Act { date: day, ..act };
        if act.what == "sale" {
            let sale = self.sales.entry(golden).or_default();
            *sale = (*sale).max(day);
        }
        let latest = self.latest.entry(golden).or_insert(act);
        if act.order() > latest.order() {
            *latest = act;
        }
    }

    fn note_records(&mut self, records: &'a Records, entities: &Entities, forms: &[String]) {
        for record in 0..records.len() {
            let place = records.place_of(record);
            let is_form = forms.contains(&place.source);
            let acts = [
                ("last_sale", "sale"),
                ("last_response", "response"),
                ("created_at", if is_form { "form" } else { "" }),
            ];
            for (attribute, what) in acts.into_iter().filter(|(_, what)| !what.is_empty()) {
                let Some(column) = records.columns.get(attribute) else { continue };
                for date in column.values(record) {
                    let row = records.row[record];
                    self.note(entities.of_record[record], Act { date, what, place, row });
                }
            }
        }
    }

    fn note_history(
        &mut self,
        history: &'a [History],
        attached: &[Vec<Result<u32, Orphan>>],
        places: &'a [Place],
    ) {
        for (table, golden) in history.iter().zip(attached) {
            let place = &places[table.place as usize];
            let teller = table.header.iter().position(|h| EVIDENCE.columns.contains(&fold(h)));
            for (row, at) in table.rows.iter().zip(golden) {
                if let (Ok(at), Some(what)) = (at, act_of(&table.kind, row, teller)) {
                    let (date, row) = (row.date.as_str(), row.row);
                    self.note(*at, Act { date, what, place, row });
                }
            }
        }
    }

    /// A dated opt-in. One dated by the last change of its row was not necessarily given on that day.
    fn note_events(&mut self, clean: &'a Clean, entities: &Entities) {
        for event in &clean.events {
            let Some(record) = event.record else { continue };
            if event.state == ConsentState::OptIn && !is_of_last_change(event, &clean.records) {
                let place = &clean.records.places[event.place as usize];
                let act = Act { date: &event.since, what: "opt_in", place, row: event.row };
                self.note(entities.of_record[record as usize], act);
            }
        }
    }
}

/// What a row of history proves its customer to have done, if anything.
fn act_of(kind: &str, row: &HistoryRow, teller: Option<usize>) -> Option<&'static str> {
    if EVIDENCE.sale.contains(kind) {
        // A credit note gives money back.
        return (!row.amount.starts_with('-')).then_some("sale");
    }
    if EVIDENCE.request.contains(kind) {
        return Some("request");
    }
    let cell = teller.and_then(|at| row.cells.get(at)).filter(|_| kind == "activity")?;
    EVIDENCE.words.contains(&fold(cell)).then_some("response")
}

fn is_of_last_change(event: &ConsentEvent, records: &Records) -> bool {
    let day = |date: &str| date.get(..10).unwrap_or(date).to_owned();
    let dates = |attribute: &str| {
        let record = event.record.map(|record| record as usize);
        let dates = record.into_iter().flat_map(|record| records.values(attribute, record));
        dates.map(day).collect::<Vec<_>>()
    };
    let since = day(&event.since);
    !event.proved && dates("updated_at").contains(&since) && !dates("created_at").contains(&since)
}

/// Everything that sets the clocks.
pub(crate) struct Facts<'a> {
    pub(crate) entities: &'a Entities,
    pub(crate) clean: &'a Clean,
    pub(crate) history: &'a [History],
    /// For each row of history the golden record it hangs on.
    pub(crate) attached: &'a [Vec<Result<u32, Orphan>>],
    pub(crate) links: &'a [GoldenLink],
    pub(crate) lives: &'a [Life],
    pub(crate) as_of: &'a str,
}

/// A line for each golden record that is a prospect or a customer, in the order of the golden records.
pub(crate) fn lines(facts: &Facts<'_>, settings: &Retention) -> Vec<GoldenRetention> {
    let records = &facts.clean.records;
    let mut clocks = Clocks { as_of: facts.as_of, latest: BTreeMap::new(), sales: BTreeMap::new() };
    clocks.note_records(records, facts.entities, &settings.forms);
    clocks.note_history(facts.history, facts.attached, &records.places);
    clocks.note_events(facts.clean, facts.entities);

    let relations = relations(facts, &clocks);
    let prospects_until = cutoff(facts.as_of, settings.prospect_years);
    let customers_until = cutoff(facts.as_of, settings.customer_years);
    let line = |(at, (entity, life)): (u32, (&super::identity::Entity, &Life))| {
        if life.stage == Stage::None {
            return None;
        }
        let act = clocks.latest.get(&at);
        let relation = relations.get(&at).copied().unwrap_or_default();
        let is_customer = life.stage >= Stage::Inactive;
        let list = match act {
            None => NO_EVIDENCE,
            Some(act) if is_customer => match [act.date, relation].into_iter().max() {
                Some(end) if !is_recent(end, &customers_until) => Expired::Customers.list(),
                _ => KEPT,
            },
            Some(act) if !is_recent(act.date, &prospects_until) => Expired::Prospects.list(),
            Some(_) => KEPT,
        };
        let place = act.map(|act| act.place);
        let text = |of: fn(&Place) -> &String| place.map(of).cloned().unwrap_or_default();
        Some(GoldenRetention {
            golden_id: entity.id.clone(),
            kind: entity.kind,
            lifecycle: life.stage(),
            list,
            last_act: act.map_or("", |act| act.date).to_owned(),
            act: act.map_or("", |act| act.what),
            source: text(|p| &p.source),
            file: text(|p| &p.file),
            sheet: text(|p| &p.sheet),
            row: act.map(|act| act.row),
            organisation_sale: relation.to_owned(),
        })
    };
    (0..).zip(facts.entities.list.iter().zip(facts.lives)).filter_map(line).collect()
}

/// For each person, by position, the last sale to an organisation that it is in.
fn relations<'a>(facts: &Facts<'_>, clocks: &Clocks<'a>) -> BTreeMap<u32, &'a str> {
    let list = &facts.entities.list;
    let at: BTreeMap<&str, u32> = list.iter().map(|e| e.id.as_str()).zip(0..).collect();
    let mut relations: BTreeMap<u32, &str> = BTreeMap::new();
    for link in facts.links.iter().filter(|link| link.current != Some(false)) {
        let ends = (at.get(link.person_id.as_str()), at.get(link.organisation_id.as_str()));
        let (Some(person), Some(organisation)) = ends else { continue };
        let Some(sale) = clocks.sales.get(organisation) else { continue };
        let latest = relations.entry(*person).or_default();
        *latest = (*latest).max(sale);
    }
    relations
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        consolidate::{
            lifecycle,
            notation::{clusters, records},
        },
        table::Channel,
    };

    /// For each golden record its list, the date of its last act and what it was, in the order of records.
    fn listed(people: &str, cluster: &[u32], history: &str, opt_ins: &str) -> Vec<String> {
        listed_of(people, cluster, &[], history, opt_ins)
    }

    /// The same with `links` of persons to organisations.
    fn listed_of(
        people: &str,
        cluster: &[u32],
        links: &[(u32, u32)],
        history: &str,
        opt_ins: &str,
    ) -> Vec<String> {
        let clean = clean(people, opt_ins);
        let entities = Entities::of_first_run(&clean.records, &clusters(cluster));
        let (history, attached) = documents(history, &entities);
        let sales = lifecycle::last_sales(&history, &attached);
        let until = cutoff("2024-12-31", 3);
        let link = |&(person, organisation): &(u32, u32)| GoldenLink {
            person_id: entities.of(person).id.clone(),
            organisation_id: entities.of(organisation).id.clone(),
            role: String::new(),
            current: None,
            since: String::new(),
            until: String::new(),
        };
        let links: Vec<GoldenLink> = links.iter().map(link).collect();
        let lives = lifecycle::lives(&entities, &clean.records, &sales, &links, &until);
        let facts = Facts {
            entities: &entities,
            clean: &clean,
            history: &history,
            attached: &attached,
            links: &links,
            lives: &lives,
            as_of: "2024-12-31",
        };
        let settings = Retention { forms: vec!["f".into()], ..Retention::default() };
        let lines = lines(&facts, &settings);
        let mut first: Vec<u32> = cluster.to_vec();
        first.sort_unstable();
        first.dedup();
        let shown = first.into_iter().filter_map(|record| {
            let line = lines.iter().find(|l| l.golden_id == entities.of(record).id)?;
            let text = format!("{} {} {}", line.list, line.last_act, line.act);
            Some(text.trim_end().to_owned())
        });
        shown.collect()
    }

    /// `record date; ...`: opt-ins to the record's email address.
    fn clean(people: &str, opt_ins: &str) -> Clean {
        let event = |told: &str| {
            let (record, since) = told.split_once(' ').expect("record date");
            ConsentEvent {
                record: record.parse().ok(),
                contact_point: String::new(),
                channel: Channel::Email,
                purpose: String::new(),
                legal_entity: String::new(),
                state: ConsentState::OptIn,
                proved: false,
                since: since.to_owned(),
                place: 0,
                row: 1,
                column: String::new(),
            }
        };
        let told = opt_ins.split("; ").filter(|told| !told.is_empty());
        Clean { records: records(people), events: told.map(event).collect(), ..Clean::default() }
    }

    /// `record kind date amount [type]; ...`
    fn documents(
        notation: &str,
        entities: &Entities,
    ) -> (Vec<History>, Vec<Vec<Result<u32, Orphan>>>) {
        let told = notation.split("; ").filter(|told| !told.is_empty());
        let table = |told: &str| {
            let words: Vec<&str> = told.split(' ').collect();
            let record: usize = words[0].parse().expect("a record");
            let row = HistoryRow {
                row: 2,
                key: String::new(),
                key_attribute: Arc::from("customer_code"),
                key_column: None,
                name: String::new(),
                date: words[2].into(),
                amount: words[3].into(),
                currency: String::new(),
                cells: vec![words.get(4).map_or(String::new(), |w| w.replace('_', " "))].into(),
            };
            let header = vec!["Type".into()];
            let table = History { kind: words[1].into(), place: 0, header, rows: vec![row] };
            (table, vec![Ok(entities.of_record[record])])
        };
        told.map(table).unzip()
    }

    #[test]
    fn what_the_person_did_sets_the_clock_and_what_was_done_to_it_does_not() {
        let did = |people, history, opt_ins| listed(people, &[0], history, opt_ins);
        let known = "a/2024-06-01 P phone=+331 updated_at=2024-05-05 last_contact=2024-04-04 created_at=2024-03-03";
        assert_eq!(did(known, "", ""), ["no_evidence"]);
        assert_eq!(did(known, "0 payment 2024-02-02 12", ""), ["no_evidence"]);
        assert_eq!(did(known, "0 quote 2024-02-02 12", ""), ["no_evidence"]);
        assert_eq!(did(known, "0 activity 2024-02-02 0 appel", ""), ["no_evidence"]);
        assert_eq!(did(known, "0 invoice 2024-02-02 -12", ""), ["no_evidence"]);
        assert_eq!(did(known, "0 invoice 2024-02-02 12", ""), ["kept 2024-02-02 sale"]);
        assert_eq!(did(known, "0 ticket 2024-02-02 0", ""), ["kept 2024-02-02 request"]);
        assert_eq!(
            did(known, "0 activity 2024-02-02 0 Appel_entrant", ""),
            ["kept 2024-02-02 response"]
        );
        assert_eq!(did(known, "", "0 2024-02-02"), ["kept 2024-02-02 opt_in"]);
        assert_eq!(did(known, "", "0 2024-05-05"), ["no_evidence"], "the day of the last change");
        assert_eq!(
            did("f P phone=+331 created_at=2023-03-03", "", ""),
            ["kept 2023-03-03 form"],
            "its source is one of forms"
        );
        assert_eq!(
            did("a P phone=+331 last_response=2023-03-03", "", ""),
            ["kept 2023-03-03 response"]
        );
    }

    #[test]
    fn a_prospect_and_a_customer_past_their_period_are_on_two_lists() {
        let people =
            "a P phone=+331; a P phone=+332; a P phone=+333 customer_code=C1; a P phone=+334";
        assert_eq!(
            listed(people, &[0, 1, 2, 3], "2 invoice 2021-01-01 5", "0 2021-12-30; 1 2021-12-31"),
            [
                "prospect_expired 2021-12-30 opt_in",
                "kept 2021-12-31 opt_in",
                "customer_expired 2021-01-01 sale",
                "no_evidence"
            ]
        );
    }

    #[test]
    fn what_an_organisation_does_after_its_last_sale_does_not_undo_the_sale() {
        let people = "a P phone=+331; a O name=Nova";
        let kept =
            |history| listed_of(people, &[0, 1], &[(0, 1)], history, "0 2015-01-01").remove(0);
        assert_eq!(kept("1 invoice 2023-01-01 5"), "kept 2015-01-01 opt_in");
        assert_eq!(kept("1 invoice 2023-01-01 5; 1 ticket 2024-01-01 0"), "kept 2015-01-01 opt_in");
        assert_eq!(kept("1 invoice 2020-01-01 5"), "customer_expired 2015-01-01 opt_in");
    }

    #[test]
    fn a_date_after_now_is_a_slip_and_sets_no_clock() {
        assert_eq!(listed("a P phone=+331", &[0], "", "0 2030-01-01"), ["no_evidence"]);
    }

    proptest::proptest! {
        #[test]
        fn merging_extends_no_clock(days in proptest::collection::vec(0u32..28, 3)) {
            let people = "a P phone=+331; a P phone=+332; a P phone=+333";
            let opt_ins: Vec<String> = (0..).zip(&days)
                .filter(|(_, day)| **day > 0)
                .map(|(record, day): (u32, _)| format!("{record} 2020-01-{day:02}"))
                .collect();
            let apart = listed(people, &[0, 1, 2], "", &opt_ins.join("; "));
            let merged = listed(people, &[0, 0, 0], "", &opt_ins.join("; "));
            proptest::prop_assert!(apart.contains(&merged[0]), "{:?} of {:?}", merged, apart);
        }
    }
}
