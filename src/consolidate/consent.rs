//! What each golden record's contact points may be used for: the strictest word that was said.
//!
//! - Said of the person: a complaint or an opt-out on any of its records reaches all its contact
//!   points of that channel.
//! - Said of the contact point: an objection to it or a bounce of it, on any row of any source, holds
//!   wherever else that contact point stands, and reaches no other contact point there.
//! - An opt-in counts for the contact point it was given for. Silence never becomes one.
//! - The two persons of a couple's row are both bound by an objection on it.
//!
//! Each line says which row decided. Where several rows say the same, that is the earliest dated one
//! for an objection, and the latest proved one for an opt-in.

use std::{
    borrow::Cow,
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use rayon::prelude::*;

use crate::{
    table::{
        Channel, Clean, ConsentEvent, ConsentReview, ConsentSaid, ConsentState, Couple,
        GoldenConsent, IdKey, Kind, Records,
    },
    value::address::Address,
};

use super::{
    identity::{Entities, Entity},
    survivorship::is_within,
};

/// What [`consents`] makes.
#[derive(Debug, Default)]
pub(crate) struct Consents {
    /// A line for each contact point and channel, in the order of the golden records.
    pub(crate) lines: Vec<GoldenConsent>,
    /// Opt-ins that are younger than the objection that holds, in the same order.
    pub(crate) reviews: Vec<ConsentReview>,
    /// Contact points under an objection or a bounce that no golden record holds, hashed; sorted.
    pub(crate) suppressed: Vec<(String, Channel, ConsentState)>,
    /// Objections that name neither a record nor a contact point, and so cannot be kept by anybody.
    pub(crate) lost_objections: u64,
}

/// The contact points that one record holds in a channel.
fn points_of(records: &Records, record: u32, channel: Channel) -> impl Iterator<Item = &str> {
    channel.attributes().iter().flat_map(move |a| records.values(a, record as usize))
}

/// Whether two values are one contact point: equal, or two spellings of one postal address.
fn same_point(channel: Channel, a: &str, b: &str) -> bool {
    a == b
        || channel == Channel::Post && {
            let (a, b) = (Address::decode(a), Address::decode(b));
            !a.street.is_empty() && !b.street.is_empty() && (is_within(&a, &b) || is_within(&b, &a))
        }
}

/// Events in the order in which they decide: the first of a list holds.
struct Docket<'a> {
    records: &'a Records,
    events: &'a [ConsentEvent],
    /// Events by the record they stand on, sorted.
    by_record: Vec<(u32, u32)>,
    /// The event that decides for a contact point, whoever has it: objections and bounces alone.
    by_point: HashMap<(Channel, Cow<'a, str>), u32>,
}

impl<'a> Docket<'a> {
    fn new(clean: &'a Clean, couples: &[Couple]) -> Docket<'a> {
        let records = &clean.records;
        let mut partners: BTreeSet<(u32, u32)> = BTreeSet::new();
        for couple in couples {
            partners.insert((couple.first, couple.second));
            partners.insert((couple.second, couple.first));
        }
        let mut docket = Docket {
            records,
            events: &clean.events,
            by_record: Vec::new(),
            by_point: HashMap::new(),
        };
        for (at, event) in (0u32..).zip(&clean.events) {
            if let Some(record) = event.record {
                docket.by_record.push((record, at));
                if event.state.is_objection() {
                    let bound = partners.range((record, 0)..=(record, u32::MAX));
                    docket.by_record.extend(bound.map(|&(_, partner)| (partner, at)));
                }
            }
            if event.state >= ConsentState::HardBounce {
                docket.note(at, event);
            }
        }
        docket.by_record.sort_unstable();
        docket
    }

    /// Enters an objection or a bounce for the contact points it speaks of: the one it names, else
    /// those of its row in that channel.
    fn note(&mut self, at: u32, event: &'a ConsentEvent) {
        let named = Some(event.contact_point.as_str()).filter(|p| !p.is_empty());
        let own = event.record.filter(|_| named.is_none()).into_iter();
        let records = self.records;
        let own = own.flat_map(|record| points_of(records, record, event.channel));
        for point in named.into_iter().chain(own) {
            let entry = (event.channel, event.channel.key(point));
            let decides = match self.by_point.get(&entry) {
                Some(&before) => self.order(at, before) == Ordering::Less,
                None => true,
            };
            if decides {
                self.by_point.insert(entry, at);
            }
        }
    }

    /// Orders two events: `Less` when `a` decides.
    fn order(&self, a: u32, b: u32) -> Ordering {
        let (x, y) = (&self.events[a as usize], &self.events[b as usize]);
        let date = |e: &ConsentEvent| e.since.clone();
        y.state
            .cmp(&x.state)
            .then_with(|| match x.state {
                ConsentState::OptIn | ConsentState::Pending => {
                    (Reverse(x.proved), Reverse(date(x)))
                        .cmp(&(Reverse(y.proved), Reverse(date(y))))
                }
                _ => (x.since.is_empty(), date(x)).cmp(&(y.since.is_empty(), date(y))),
            })
            // From here on only which of equal proofs is shown: by what does not change when rows
            // are shuffled, and by the row at last.
            .then_with(|| {
                let place = |e: &'a ConsentEvent| &self.records.places[e.place as usize];
                let id = |e: &ConsentEvent| e.record.map(|r| self.records.ids[r as usize]);
                let rest = |e: &'a ConsentEvent| {
                    let p = place(e);
                    (
                        p.rank,
                        &p.source,
                        id(e),
                        &e.contact_point,
                        &e.column,
                        &p.file,
                        &p.sheet,
                        e.row,
                    )
                };
                rest(x).cmp(&rest(y))
            })
            .then(a.cmp(&b))
    }

    fn first(&self, events: impl Iterator<Item = u32>) -> Option<u32> {
        events.min_by(|&a, &b| self.order(a, b))
    }

    /// The events on a record.
    fn on(&self, record: u32) -> impl Iterator<Item = u32> + '_ {
        let from = self.by_record.partition_point(|&(r, _)| r < record);
        self.by_record[from..].iter().take_while(move |(r, _)| *r == record).map(|&(_, at)| at)
    }

    /// The lines of one golden record, whose surviving postal addresses are `addresses`, and what of them is for review.
    fn lines(
        &self,
        entity: &Entity,
        addresses: &[&str],
    ) -> (Vec<GoldenConsent>, Vec<ConsentReview>) {
        let own: Vec<u32> = entity.members.iter().flat_map(|&record| self.on(record)).collect();
        let (mut lines, mut reviews) = (Vec::new(), Vec::new());
        let golden_id: Arc<str> = Arc::from(entity.id.as_str());
        let line = |channel, point: &str, decides: Option<u32>| GoldenConsent {
            golden_id: Arc::clone(&golden_id),
            contact_point: Box::from(point),
            channel,
            said: decides.map(|at| self.said(at)),
        };
        for channel in Channel::ALL {
            let own: Vec<u32> = own
                .iter()
                .copied()
                .filter(|&at| self.events[at as usize].channel == channel)
                .collect();
            let objection = self.first(
                own.iter().copied().filter(|&at| self.events[at as usize].state.is_objection()),
            );
            let mut points: BTreeSet<&str> = match channel {
                Channel::Post => addresses.iter().copied().collect(),
                _ => {
                    let held = |&record: &u32| points_of(self.records, record, channel);
                    entity.members.iter().flat_map(held).collect()
                }
            };
            for &at in &own {
                let named = self.events[at as usize].contact_point.as_str();
                if !named.is_empty() && !points.iter().any(|p| same_point(channel, p, named)) {
                    points.insert(named);
                }
            }
            for point in &points {
                let elsewhere = self.spellings(entity, channel, point).filter_map(|spelling| {
                    self.by_point.get(&(channel, channel.key(spelling))).copied()
                });
                let said = own.iter().copied().filter(|&at| self.speaks_of(at, point));
                let decides = self.first(said.clone().chain(objection).chain(elsewhere));
                reviews.extend(decides.and_then(|at| self.review(entity, point, at, said)));
                lines.push(line(channel, point, decides));
            }
            if points.is_empty()
                && let Some(decides) = self.first(own.iter().copied())
            {
                lines.push(line(channel, "", Some(decides)));
            }
        }
        (lines, reviews)
    }

    /// The latest opt-in for a contact point that is younger than the objection that decides. Nothing undoes an objection:
    /// one that is proved by date and wording is for a human to look at, another one is told.
    fn review(
        &self,
        entity: &Entity,
        point: &str,
        decides: u32,
        said: impl Iterator<Item = u32>,
    ) -> Option<ConsentReview> {
        fn day(date: &str) -> &str {
            date.get(..10).unwrap_or(date)
        }
        let objection = &self.events[decides as usize];
        if !objection.state.is_objection() || objection.since.is_empty() {
            return None;
        }
        let is_later = |&at: &u32| {
            let event = &self.events[at as usize];
            event.state == ConsentState::OptIn && day(&event.since) > day(&objection.since)
        };
        let opt_in = &self.events[self.first(said.filter(is_later))? as usize];
        let place = |event: &ConsentEvent| &self.records.places[event.place as usize];
        let proved = opt_in.proved && !place(opt_in).source.is_empty();
        Some(ConsentReview {
            golden_id: entity.id.clone(),
            contact_point: point.to_owned(),
            channel: objection.channel,
            state: objection.state.as_str(),
            since: objection.since.clone(),
            source: place(objection).source.clone(),
            file: place(objection).file.clone(),
            row: objection.row,
            opt_in_since: opt_in.since.clone(),
            opt_in_source: place(opt_in).source.clone(),
            opt_in_file: place(opt_in).file.clone(),
            opt_in_row: opt_in.row,
            verdict: if proved { ConsentReview::FOR_REVIEW } else { ConsentReview::NOT_PROVED },
        })
    }

    /// The ways in which the records write one contact point: an objection may stand on another
    /// spelling of an address than the one that survives.
    fn spellings<'p>(
        &'p self,
        entity: &'p Entity,
        channel: Channel,
        point: &'p str,
    ) -> impl Iterator<Item = &'p str> {
        let held = entity.members.iter().filter(move |_| channel == Channel::Post);
        let held = held.flat_map(move |&record| points_of(self.records, record, channel));
        std::iter::once(point).chain(held.filter(move |own| same_point(channel, own, point)))
    }

    /// Whether the event names this contact point, or names none and stands on a record that holds it.
    fn speaks_of(&self, at: u32, point: &str) -> bool {
        let event = &self.events[at as usize];
        if !event.contact_point.is_empty() {
            return same_point(event.channel, &event.contact_point, point);
        }
        event.record.is_some_and(|record| {
            points_of(self.records, record, event.channel)
                .any(|own| same_point(event.channel, own, point))
        })
    }

    /// The word that holds, said by this event.
    fn said(&self, at: u32) -> Box<ConsentSaid> {
        let event = &self.events[at as usize];
        let place = &self.records.places[event.place as usize];
        Box::new(ConsentSaid {
            purpose: event.purpose.clone(),
            legal_entity: event.legal_entity.clone(),
            state: event.state,
            proved: event.state == ConsentState::OptIn && event.proved,
            since: event.since.clone(),
            source: place.source.clone(),
            file: place.file.clone(),
            row: event.row,
        })
    }

    /// What must not be contacted and is held by no golden record.
    fn suppressed(&self, key_of_project: &IdKey) -> Vec<(String, Channel, ConsentState)> {
        let everybody = 0..self.records.len() as u32;
        let held: BTreeSet<(Channel, Cow<'_, str>)> = everybody
            .flat_map(|record| Channel::ALL.map(|channel| (record, channel)))
            .flat_map(|(record, channel)| {
                let points = points_of(self.records, record, channel);
                points.map(move |point| (channel, channel.key(point)))
            })
            .filter(|point| self.by_point.contains_key(point))
            .collect();
        let sorted: BTreeMap<_, _> = self.by_point.iter().collect();
        let unheld = sorted.into_iter().filter(|(point, _)| !held.contains(*point));
        let mut suppressed: Vec<_> = unheld
            .map(|((channel, point), &at)| {
                let hash = suppression_hash(key_of_project, *channel, point);
                (hash, *channel, self.events[at as usize].state)
            })
            .collect();
        suppressed.sort_unstable();
        suppressed
    }
}

/// The keyed hash by which a contact point stands on the suppression list: 64 hexadecimal digits.
///
/// `point` is canonical. Without the project's key the list tells nobody whom it names.
pub fn suppression_hash(key_of_project: &IdKey, channel: Channel, point: &str) -> String {
    let mut hasher = blake3::Hasher::new_keyed(&key_of_project.0);
    hasher.update(b"suppressed ").update(channel.as_str().as_bytes()).update(b" ");
    hasher.update(point.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// Golden records whose lines are made at once: they are held twice for a moment.
const BATCH: usize = 1 << 15;

/// The consent of all golden records; `addresses` gives the surviving postal addresses of each.
pub(crate) fn consents(
    entities: &Entities,
    clean: &Clean,
    couples: &[Couple],
    addresses: &[Vec<&str>],
    key_of_project: &IdKey,
) -> Consents {
    let docket = Docket::new(clean, couples);
    let (mut lines, mut reviews) = (Vec::new(), Vec::new());
    for (people, addresses) in entities.list.chunks(BATCH).zip(addresses.chunks(BATCH)) {
        let people = people.par_iter().zip(addresses).filter(|(e, _)| e.kind != Kind::Other);
        let made: Vec<(Vec<GoldenConsent>, Vec<ConsentReview>)> =
            people.map(|(e, held)| docket.lines(e, held)).collect();
        for (of_one, for_review) in made {
            lines.extend(of_one);
            reviews.extend(for_review);
        }
    }
    lines.shrink_to_fit();
    let lost = |e: &&ConsentEvent| {
        e.state.is_objection() && e.record.is_none() && e.contact_point.is_empty()
    };
    Consents {
        lines,
        reviews,
        suppressed: docket.suppressed(key_of_project),
        lost_objections: clean.events.iter().filter(lost).count() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consolidate::notation::{clusters, records};

    /// Lines `record: channel point state` (the record that minted the golden id), the consent of
    /// `people` in the notation of records, with events `record channel state [point]` where the
    /// record may be `-`.
    fn consent(people: &str, cluster: &[u32], events: &str) -> Vec<String> {
        shown(&all(people, cluster, events, &[]).0)
    }

    fn shown(consents: &Consents) -> Vec<String> {
        let line = |l: &GoldenConsent| {
            [&*l.golden_id, l.channel.as_str(), &l.contact_point, l.state_word()].join(" ")
        };
        consents.lines.iter().map(line).collect()
    }

    fn all(people: &str, cluster: &[u32], events: &str, couples: &[Couple]) -> (Consents, Clean) {
        let records = records(people);
        let event = |(row, line): (u32, &str)| {
            let words: Vec<&str> = line.split(' ').collect();
            let channel = Channel::ALL.into_iter().find(|c| c.as_str() == words[1]);
            let states = [
                ConsentState::OptIn,
                ConsentState::Pending,
                ConsentState::HardBounce,
                ConsentState::OptOut,
                ConsentState::Complaint,
            ];
            let (state, since) = words[2].split_once('/').unwrap_or((words[2], ""));
            ConsentEvent {
                record: words[0].parse().ok(),
                contact_point: words.get(3).copied().unwrap_or_default().to_owned(),
                channel: channel.expect("a channel"),
                purpose: String::new(),
                legal_entity: String::new(),
                state: states
                    .into_iter()
                    .find(|s| s.as_str() == state.trim_end_matches('!'))
                    .expect("a state"),
                // `opt_in!` is proved.
                proved: state.ends_with('!'),
                since: since.to_owned(),
                place: 0,
                row,
                column: String::new(),
            }
        };
        let events = (1..).zip(events.split("; ").filter(|e| !e.is_empty())).map(event).collect();
        let clean = Clean { records, events, ..Clean::default() };
        let entities = Entities::of_first_run(&clean.records, &clusters(cluster));
        let named: Vec<Entity> = entities
            .list
            .iter()
            .map(|e| Entity { id: format!("{}", e.members[0]), ..e.clone() })
            .collect();
        let addresses: Vec<Vec<&str>> = named
            .iter()
            .map(|e| {
                e.members
                    .iter()
                    .flat_map(|&r| points_of(&clean.records, r, Channel::Post))
                    .collect()
            })
            .collect();
        let entities = Entities { list: named, ..entities };
        let made = consents(&entities, &clean, couples, &addresses, &IdKey([7; 32]));
        drop(addresses);
        (made, clean)
    }

    #[test]
    fn silence_is_unknown() {
        assert_eq!(
            consent("a P email=x@y.fr mobile=+336", &[0], ""),
            ["0 email x@y.fr unknown", "0 sms +336 unknown", "0 phone +336 unknown"]
        );
    }

    #[test]
    fn an_objection_reaches_every_contact_point_of_the_person_in_that_channel() {
        assert_eq!(
            consent(
                "a P email=x@y.fr; b P email=z@y.fr mobile=+336",
                &[0, 0],
                "0 email opt_out x@y.fr; 1 email opt_in z@y.fr; 1 sms opt_in +336"
            ),
            [
                "0 email x@y.fr opt_out",
                "0 email z@y.fr opt_out",
                "0 sms +336 opt_in",
                "0 phone +336 unknown"
            ]
        );
    }

    #[test]
    fn a_bounce_reaches_its_own_address_only_and_undoes_no_opt_in_of_another() {
        assert_eq!(
            consent(
                "a P email=x@y.fr; b P email=z@y.fr",
                &[0, 0],
                "0 email hard_bounce x@y.fr; 0 email opt_in x@y.fr; 1 email opt_in z@y.fr"
            ),
            ["0 email x@y.fr hard_bounce", "0 email z@y.fr opt_in"]
        );
    }

    #[test]
    fn an_objection_holds_wherever_else_the_address_stands_and_reaches_nothing_else_there() {
        assert_eq!(
            consent(
                "a P email=x@y.fr; b P email=x@y.fr email=z@y.fr",
                &[0, 1],
                "0 email opt_out x@y.fr; 1 email opt_in z@y.fr"
            ),
            ["0 email x@y.fr opt_out", "1 email x@y.fr opt_out", "1 email z@y.fr opt_in"]
        );
    }

    #[test]
    fn an_objection_to_another_spelling_of_an_address_holds() {
        let address = |number: &str, street: &str| {
            let (number, street, city) =
                (number.to_owned(), street.to_owned(), "Nantes".to_owned());
            Address { number, street, city, ..Address::default() }.encode()
        };
        let (long, short) = (address("3", "rue-Haute"), address("", "rue-Haute"));
        let records =
            records(&format!("a P address={long}; b P address={short}; c P address={short}"));
        let event = ConsentEvent {
            record: Some(2),
            contact_point: String::new(),
            channel: Channel::Post,
            purpose: String::new(),
            legal_entity: String::new(),
            state: ConsentState::OptOut,
            proved: false,
            since: String::new(),
            place: 0,
            row: 1,
            column: String::new(),
        };
        let clean = Clean { records, events: vec![event], ..Clean::default() };
        let entities = Entities::of_first_run(&clean.records, &clusters(&[0, 0, 2]));
        let survivors: Vec<Vec<&str>> = entities
            .list
            .iter()
            .map(|e| if e.members.len() > 1 { vec![long.as_str()] } else { vec![short.as_str()] })
            .collect();
        let made = consents(&entities, &clean, &[], &survivors, &IdKey([7; 32]));
        assert!(
            made.lines.iter().all(|l| l.state() == Some(ConsentState::OptOut)),
            "{:?}",
            shown(&made)
        );
    }

    #[test]
    fn an_objection_of_a_rejected_row_holds() {
        assert_eq!(
            consent("a P email=x@y.fr email=z@y.fr", &[0], "- email complaint x@y.fr"),
            ["0 email x@y.fr complaint", "0 email z@y.fr unknown"]
        );
    }

    #[test]
    fn an_objection_without_a_contact_point_is_still_a_line() {
        assert_eq!(consent("a P last_name=X", &[0], "0 phone opt_out"), ["0 phone  opt_out"]);
    }

    #[test]
    fn an_objection_that_names_no_address_is_to_those_of_its_row() {
        assert_eq!(
            consent("a P email=x@y.fr; b P email=x@y.fr", &[0, 1], "0 email opt_out"),
            ["0 email x@y.fr opt_out", "1 email x@y.fr opt_out"]
        );
    }

    #[test]
    fn an_objection_binds_both_of_a_couple() {
        let couple = Couple { first: 0, second: 1 };
        let made =
            all("a P last_name=X; a P email=x@y.fr", &[0, 1], "0 email opt_out", &[couple]).0;
        assert_eq!(shown(&made), ["0 email  opt_out", "1 email x@y.fr opt_out"]);
    }

    #[test]
    fn the_line_that_is_shown_is_the_earliest_objection_and_the_latest_opt_in() {
        let rows = |events| {
            let made = all("a P email=x@y.fr", &[0], events, &[]).0;
            made.lines[0].said.as_ref().map(|said| said.row)
        };
        assert_eq!(
            rows("0 email opt_out; 0 email opt_out/2020-01-01; 0 email opt_out/2012-01-01"),
            Some(3)
        );
        assert_eq!(rows("0 email opt_in/2020-01-01; 0 email opt_in/2012-01-01"), Some(1));
    }

    #[test]
    fn an_opt_in_after_an_objection_undoes_nothing_and_is_for_review_when_it_is_proved() {
        let told = |events: &str| {
            let made = all("a P email=x@y.fr", &[0], events, &[]).0;
            let review = made.reviews.first();
            let review = review.map(|r| format!("{} {} {}", r.since, r.opt_in_since, r.verdict));
            (made.lines[0].state_word(), review.unwrap_or_default())
        };
        let objection = "0 email opt_out/2019-03-12; ";
        let held = |verdict: &str| ("opt_out", verdict.to_owned());
        assert_eq!(
            told(&format!("{objection}0 email opt_in!/2020-01-01")),
            held("2019-03-12 2020-01-01 for_review")
        );
        assert_eq!(
            told(&format!("{objection}0 email opt_in/2020-01-01")),
            held("2019-03-12 2020-01-01 not_proved")
        );
        assert_eq!(told(&format!("{objection}0 email opt_in!/2018-01-01")), held(""), "before it");
        assert_eq!(told(&format!("{objection}0 email opt_in!")), held(""), "without a date");
    }

    #[test]
    fn who_is_known_by_an_objection_alone_is_on_the_suppression_list() {
        let made =
            all("a P email=x@y.fr", &[0], "- email opt_out gone@y.fr; - email opt_in in@y.fr", &[])
                .0;
        let hash = suppression_hash(&IdKey([7; 32]), Channel::Email, "gone@y.fr");
        assert_eq!(made.suppressed, [(hash, Channel::Email, ConsentState::OptOut)]);
    }

    proptest::proptest! {
        #[test]
        fn no_order_of_events_undoes_an_objection(order in proptest::sample::subsequence(
            vec!["0 email opt_in x@y.fr", "1 email opt_in z@y.fr", "0 email hard_bounce x@y.fr",
                 "0 email pending x@y.fr", "- email opt_in x@y.fr"], 0..5), at in 0usize..5) {
            let mut events = order;
            events.insert(at.min(events.len()), "1 email opt_out z@y.fr");
            let lines = consent("a P email=x@y.fr; b P email=z@y.fr", &[0, 0], &events.join("; "));
            proptest::prop_assert_eq!(lines, ["0 email x@y.fr opt_out", "0 email z@y.fr opt_out"]);
        }
    }
}
