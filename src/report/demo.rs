//! A small estate made up for the tests: every section of the report has something to show.

use std::{collections::BTreeMap, path::Path};

use csv::StringRecord;

use super::{Input, Matching};
use crate::{
    consolidate, emit, ingest, normalize, store,
    table::{
        Channel, Clean, Clusters, Column, ColumnBuilder, ConsentEvent, ConsentSaid, ConsentState,
        Draft, Golden, GoldenConsent, GoldenHistory, GoldenLink, GoldenRecords, History,
        HistoryRow, IdKey, Ingested, Kind, Place, Records, RecordsBuilder, Reject, Review,
        Severity, Skipped, row_digest,
    },
    value::address::Address,
};

/// Source, file, sheet, every how manieth entity it knows.
const TABLES: [(&str, &str, &str, usize); 7] = [
    ("crm", "sales/Fichier clients.xlsx", "Clients", 2),
    ("crm", "sales/Fichier clients.xlsx", "Prospects", 5),
    ("outlook-marie", "outlook/m.durand.CSV", "", 3),
    ("outlook-paul", "outlook/p.lenoir.CSV", "", 4),
    ("mailchimp", "emailing/mailchimp/subscribed_members_export_8a1f.csv", "", 2),
    ("sage", "accounting/sage_tiers.csv", "", 3),
    ("website", "website/contacts.vcf", "", 6),
];
const FIRST: [&str; 12] = [
    "Jean-Pierre",
    "Hélène",
    "Karim",
    "Sophie",
    "Luc",
    "Anaïs",
    "Marie",
    "Paul",
    "Inès",
    "Thomas",
    "Françoise",
    "Noé",
];
const LAST: [&str; 14] = [
    "Dupont",
    "Le Goff",
    "Benali",
    "Martin",
    "d'Arcy",
    "Lefèvre",
    "Moreau",
    "Garnier",
    "Petit",
    "Rousseau",
    "Nguyen",
    "Schmitt",
    "Fontaine",
    "de La Tour",
];
const NAMES: [&str; 10] = [
    "Boulangerie Martin",
    "Transports Le Goff",
    "Ateliers du Nord",
    "Garage Central",
    "Menuiserie Petit",
    "Pharmacie de la Gare",
    "Vignobles Garnier",
    "Électricité Moderne",
    "Imprimerie Fontaine",
    "<script>alert('or')</script> & Fils",
];

/// Everything a report is made of.
#[derive(Debug, Clone, Default)]
pub(super) struct Demo {
    title: String,
    pub(super) ingest: ingest::Metrics,
    normalize: normalize::Metrics,
    matching: Vec<Matching>,
    consolidate: consolidate::Metrics,
    pub(super) emit: emit::Metrics,
    ingested: Ingested,
    clean: Clean,
    clusters: Clusters,
    pub(super) golden: Golden,
    rejects: Vec<Reject>,
    plain: bool,
}

impl Demo {
    /// An estate of seven tables.
    pub(super) fn new() -> Demo {
        let mut demo = Demo { title: "Établissements Rivière".into(), ..Demo::default() };
        let entity_of = demo.read(300);
        demo.clean();
        demo.consolidate(&entity_of);
        demo.ask();
        demo.measure();
        demo.load();
        demo
    }

    /// The same without consent, history and load, as `dedupe` makes it.
    pub(super) fn plain() -> Demo {
        let mut demo = Demo::new();
        demo.plain = true;
        demo.clean.events.clear();
        demo.golden.consents.clear();
        demo
    }

    /// A run over nothing.
    pub(super) fn empty() -> Demo {
        Demo { plain: true, ..Demo::default() }
    }

    pub(super) fn input(&self) -> Input<'_> {
        Input {
            title: &self.title,
            as_of: "2024-12-31",
            ingest: &self.ingest,
            normalize: &self.normalize,
            matching: &self.matching,
            consolidate: &self.consolidate,
            emit: (!self.plain).then_some(&self.emit),
            ingested: &self.ingested,
            clean: &self.clean,
            clusters: &self.clusters,
            golden: &self.golden,
            rejects: &self.rejects,
        }
    }

    pub(super) fn write_tables(&self, folder: &Path) {
        for (name, records) in [("records", &self.ingested.records), ("clean", &self.clean.records)]
        {
            let batch = records.to_batch().expect("a batch");
            store::write_parquet(&folder.join(format!("{name}.parquet")), &batch).expect("written");
        }
    }

    /// Reads `entities` persons and organisations from every table that knows them; the number of its
    /// entity for each record.
    fn read(&mut self, entities: usize) -> Vec<usize> {
        let mut builder = RecordsBuilder::default();
        let mut entity_of = Vec::new();
        for (rank, (source, file, sheet, every)) in TABLES.into_iter().enumerate() {
            let place = builder.place(Place {
                source: source.into(),
                file: file.into(),
                sheet: sheet.into(),
                key_space: String::new(),
                rank: rank as u32,
                country: String::new(),
                dated: String::new(),
            });
            let (mut row, mut blanks, mut rejected) = (1, 0, 0);
            for entity in (0..entities).filter(|e| (e * 7 + rank) % every == 0) {
                // Some stand there twice.
                for copy in 0..1 + usize::from(entity % 11 == 0) {
                    row += 1;
                    let draft = draft(&mut builder, place, row, entity, rank, copy);
                    builder.push(draft);
                    entity_of.push(entity);
                }
                if entity % 50 == 3 {
                    row += 1;
                    blanks += 1;
                    self.skip(source, file, sheet, row, "blank");
                }
                if entity % 97 == 5 {
                    row += 1;
                    rejected += 1;
                    self.reject(place as usize, row, Severity::Row);
                }
            }
            self.skip(source, file, sheet, 1, "header");
            let records = u64::from(row) - 1 - blanks - rejected;
            self.ingest.tables.push(ingest::TableFate {
                source: source.into(),
                file: file.into(),
                sheet: sheet.into(),
                hidden: sheet == "Prospects",
                mapping: if rank < 2 { "generic" } else { source }.into(),
                rows: u64::from(row),
                record_rows: records,
                records,
                rejected_rows: rejected,
                skipped_rows: BTreeMap::from([("header".into(), 1), ("blank".into(), blanks)]),
                unmapped_columns: if rank == 2 {
                    vec!["Kilométrage".into(), "Renvoi".into()]
                } else {
                    vec![]
                },
                ..ingest::TableFate::default()
            });
        }
        self.history(&mut builder);
        let (records, positions) = builder.finish(&IdKey([7; 32]));
        let mut entity_at = vec![0; records.len()];
        for (number, &position) in positions.iter().enumerate() {
            entity_at[position as usize] = entity_of[number];
        }
        self.ingested.records = records;
        entity_at
    }

    fn history(&mut self, builder: &mut RecordsBuilder) {
        let place = builder.place(Place {
            source: "sage".into(),
            file: "accounting/factures.csv".into(),
            sheet: String::new(),
            key_space: "sage".into(),
            rank: 7,
            country: String::new(),
            dated: String::new(),
        });
        let row = |n: u32| HistoryRow {
            row: n + 2,
            key: format!("C{n:04}"),
            key_attribute: "customer_code".into(),
            key_column: None,
            name: String::new(),
            date: "2023-05-04".into(),
            amount: format!("{}.{:02}", n * 37, n % 100),
            currency: "EUR".into(),
            cells: StringRecord::new(),
        };
        let rows: Vec<HistoryRow> = (0..420).map(row).collect();
        for row in &rows {
            self.golden.history.push(GoldenHistory {
                file: "accounting/factures.csv".into(),
                sheet: String::new(),
                row: row.row,
                kind: "invoice".into(),
                key: row.key.clone(),
                golden_id: if row.row % 60 == 0 { String::new() } else { "x".into() },
                date: row.date.clone(),
                amount: row.amount.clone(),
                currency: row.currency.clone(),
            });
        }
        self.ingested.history.push(History {
            kind: "invoice".into(),
            place,
            header: Vec::new(),
            rows,
        });
        self.skip("sage", "accounting/factures.csv", "", 1, "header");
        self.ingest.tables.push(ingest::TableFate {
            source: "sage".into(),
            file: "accounting/factures.csv".into(),
            mapping: "invoices".into(),
            rows: 421,
            history_rows: 420,
            skipped_rows: BTreeMap::from([("header".into(), 1)]),
            ..ingest::TableFate::default()
        });
    }

    fn skip(&mut self, source: &str, file: &str, sheet: &str, row: u32, reason: &str) {
        self.ingested.skipped.push(Skipped {
            source: source.into(),
            file: file.into(),
            sheet: sheet.into(),
            row: Some(row),
            reason: reason.into(),
        });
    }

    fn reject(&mut self, table: usize, row: u32, severity: Severity) {
        let (source, file, sheet, _) = TABLES[table];
        let whole = severity == Severity::Row;
        self.rejects.push(Reject {
            source: source.into(),
            file: file.into(),
            sheet: sheet.into(),
            row: Some(row),
            column: if whole { "" } else { "E-mail" }.into(),
            code: if whole { "ragged_row" } else { "bad_email" }.into(),
            severity,
            message: if whole {
                "the row has more cells than the header"
            } else {
                "the address has no @"
            }
            .into(),
            suggestion: "look at the separators of this row".into(),
            raw: "=HYPERLINK(\"x\");Dupont;;".into(),
        });
    }

    /// Cleans by lowering emails, and finds one in nineteen unusable.
    fn clean(&mut self) {
        let raw = &self.ingested.records;
        let mut columns: BTreeMap<String, Column> = BTreeMap::new();
        let mut bad = Vec::new();
        for (name, column) in &raw.columns {
            let mut builder = ColumnBuilder::new();
            let mut fills: BTreeMap<(String, Kind), normalize::Fill> = BTreeMap::new();
            for i in 0..raw.len() {
                let (source, kind) = (raw.place_of(i).source.clone(), raw.kinds[i]);
                let fill = fills.entry((source.clone(), kind)).or_insert_with(|| normalize::Fill {
                    source,
                    kind: kind.as_str().into(),
                    attribute: name.clone(),
                    ..normalize::Fill::default()
                });
                fill.records += 1;
                for (value, origin) in column.entries(i).take(1) {
                    fill.filled += 1;
                    if name == "email" && i % 19 == 0 {
                        fill.invalid += 1;
                        bad.push((raw.place[i] as usize, raw.row[i]));
                    } else {
                        fill.valid += 1;
                        let clean =
                            if name == "email" { value.to_lowercase() } else { value.to_owned() };
                        fill.changed += u64::from(clean != value);
                        builder.value(&clean, origin);
                    }
                }
                builder.end_record();
            }
            columns.insert(name.clone(), builder.finish());
            self.normalize.fills.extend(fills.into_values());
        }
        self.clean.records = raw.with_columns(columns);
        for (table, row) in bad {
            self.reject(table, row, Severity::Cell);
        }
        self.rejects.sort();
    }

    fn consolidate(&mut self, entity_of: &[usize]) {
        let records = &self.clean.records;
        let mut first: BTreeMap<(usize, Kind), u32> = BTreeMap::new();
        for (i, &entity) in entity_of.iter().enumerate() {
            let head = *first.entry((entity, records.kinds[i])).or_insert(i as u32);
            self.clusters.cluster.push(head);
        }
        self.golden.golden_of = vec![String::new(); records.len()];
        for kind in [Kind::Person, Kind::Organisation] {
            let golden = golden_of_kind(records, &self.clusters, kind);
            for (id, members) in golden.ids.iter().zip(&golden.members) {
                for &member in members {
                    self.golden.golden_of[member as usize].clone_from(id);
                }
            }
            match kind {
                Kind::Person => self.golden.persons = golden,
                _ => self.golden.organisations = golden,
            }
        }
        let pairs = self.golden.persons.ids.iter().zip(&self.golden.organisations.ids);
        self.golden.links = pairs
            .map(|(person, organisation)| GoldenLink {
                person_id: person.clone(),
                organisation_id: organisation.clone(),
                role: "contact".into(),
                current: Some(true),
                since: String::new(),
                until: String::new(),
            })
            .collect();
        for left in (0..records.len() as u32 - 1).step_by(9) {
            let right = left + 1 + left % 7;
            if right < records.len() as u32
                && records.kinds[left as usize] == records.kinds[right as usize]
                && self.clusters.cluster[left as usize] != self.clusters.cluster[right as usize]
            {
                let reason = ["doubtful", "contradiction", "reused_code"][left as usize % 3];
                self.clusters.review.push(Review {
                    left,
                    right,
                    weight_centibits: 600 - (left as i32 * 13) % 700,
                    reason: reason.into(),
                });
            }
        }
    }

    /// Says of every third email that its owner wants no mail, of others that he does.
    fn ask(&mut self) {
        let records = &self.clean.records;
        let mut states: BTreeMap<(&str, String), ConsentState> = BTreeMap::new();
        for i in 0..records.len() {
            let (Some(email), id) = (records.first("email", i), &self.golden.golden_of[i]) else {
                continue;
            };
            let source = records.place_of(i).source.as_str();
            let state = match (source, i % 13) {
                ("mailchimp", 0..4) => ConsentState::OptOut,
                ("mailchimp", 4) => ConsentState::HardBounce,
                ("mailchimp", _) => ConsentState::OptIn,
                ("crm", 2) => ConsentState::Complaint,
                ("website", 5) => ConsentState::Pending,
                _ => continue,
            };
            self.clean.events.push(ConsentEvent {
                record: Some(i as u32),
                contact_point: email.into(),
                channel: Channel::Email,
                purpose: String::new(),
                legal_entity: String::new(),
                state,
                proved: false,
                since: "2022-03-01".into(),
                place: records.place[i],
                row: records.row[i],
                column: "STATUS".into(),
            });
            let known = states.entry((id, email.to_owned())).or_insert(state);
            *known = state.max(*known);
        }
        self.clean.events.push(ConsentEvent {
            record: None,
            contact_point: "nobody@example.org".into(),
            state: ConsentState::OptOut,
            ..self.clean.events[0].clone()
        });
        self.golden.suppressed = vec![("h".into(), Channel::Email, ConsentState::OptOut)];
        // An objection holds for the address and for the one who objected: to a fixed point, since the
        // made-up addresses are shared.
        loop {
            let known: Vec<_> =
                states.iter().map(|((id, e), s)| ((*id).to_owned(), e.clone(), *s)).collect();
            let mut changed = false;
            for ((id, email), state) in &mut states {
                let reach = |(i, e, s): &&(String, String, ConsentState)| {
                    (i == id || e == email) && s.is_objection()
                };
                let strictest = known.iter().filter(reach).map(|(_, _, s)| *s).max();
                changed |= strictest > Some(*state);
                *state = strictest.map_or(*state, |s| s.max(*state));
            }
            if !changed {
                break;
            }
        }
        let mut consents = Vec::new();
        for golden in [&self.golden.persons, &self.golden.organisations] {
            for (i, id) in golden.ids.iter().enumerate() {
                for (channel, point) in [
                    (Channel::Email, golden.first("email", i)),
                    (Channel::Phone, golden.first("phone", i)),
                ] {
                    let Some(point) = point else { continue };
                    let known =
                        states.iter().find(|((g, e), _)| g == id && e == point).map(|(_, s)| *s);
                    let reach = |((g, e), s): &((&str, String), ConsentState)| {
                        (*g == id || e == point) && s.is_objection()
                    };
                    let other = states
                        .iter()
                        .map(|(k, s)| (k.clone(), *s))
                        .filter(|x| reach(x))
                        .map(|x| x.1)
                        .max();
                    let state = match (channel, known) {
                        (Channel::Email, Some(s)) => Some(other.map_or(s, |o| o.max(s))),
                        (Channel::Email, None) => other,
                        _ => None,
                    };
                    consents.push(GoldenConsent {
                        golden_id: id.as_str().into(),
                        contact_point: point.into(),
                        channel,
                        said: state.map(ConsentSaid::bare),
                    });
                }
            }
        }
        // Who objected and has no surviving address still shows it.
        for event in self.clean.events.iter().filter(|e| e.state.is_objection()) {
            let Some(record) = event.record else { continue };
            let id = &self.golden.golden_of[record as usize];
            if !consents.iter().any(|c| *c.golden_id == **id && c.channel == event.channel) {
                let mut line = consents[0].clone();
                line.golden_id = id.as_str().into();
                line.contact_point = event.contact_point.as_str().into();
                line.channel = event.channel;
                line.said = Some(ConsentSaid::bare(event.state));
                consents.push(line);
            }
        }
        self.golden.consents = consents;
    }

    fn measure(&mut self) {
        for (kind, merge_bits) in [("organisation", 6.64), ("person", 6.64)] {
            let records =
                self.clean.records.kinds.iter().filter(|k| k.as_str() == kind).count() as u64;
            let weights: BTreeMap<i64, u64> = (-28..42)
                .map(|bits: i64| {
                    let apart = 1900.0 * (-((bits + 14) as f64 / 6.0).powi(2)).exp();
                    let alike = 60.0 * (-((bits - 22) as f64 / 8.0).powi(2)).exp();
                    (bits, (apart + alike) as u64)
                })
                .filter(|(_, n)| *n > 0)
                .collect();
            self.matching.push(Matching {
                kind: kind.into(),
                records,
                rules: vec![
                    ("email, exact".into(), 1423),
                    ("phone, exact".into(), 987),
                    ("last name, phonetic + postcode".into(), 12031),
                    ("first letter of the first name + last name".into(), 2210),
                ],
                rules_left_out: vec![("last name alone".into(), 48211)],
                alone: 0,
                uncovered: 0,
                possible_pairs: records * records.saturating_sub(1) / 2,
                candidate_pairs: weights.values().sum(),
                weights,
                merged_pairs: 5120,
                review_pairs: 240,
                expected_false_merges: 31.4,
                expected_review_matches: 118.2,
                expected_missed: 24.7,
                blocking_loss: Some(0.0134),
                merge_bits,
                review_bits: -0.5,
                cluster: Default::default(),
            });
        }
    }

    fn load(&mut self) {
        let (persons, organisations) =
            (self.golden.persons.len() as u64, self.golden.organisations.len() as u64);
        let file = |file: &str, object: &str, rows, bytes| emit::FileMetrics {
            file: file.into(),
            object: object.into(),
            rows,
            bytes,
        };
        let misfit = |column: &str, problem: &str| emit::Misfit {
            golden_id: self.golden.persons.ids[0].clone(),
            object: "Contact".into(),
            column: column.into(),
            problem: problem.into(),
            message: "cut to 40 characters".into(),
        };
        self.emit = emit::Metrics {
            target: "salesforce".into(),
            files: vec![
                file("1-Account.csv", "Account", organisations, 48_213),
                file("2-Contact.csv", "Contact", persons - 4, 102_930),
            ],
            loaded: persons + organisations - 4,
            left_out: BTreeMap::from([("no_name".into(), 4)]),
            unknown_as_no: BTreeMap::from([("email".into(), 31), ("phone".into(), 87)]),
            deceased: 2,
            misfits: vec![
                misfit("FirstName", "cut"),
                misfit("FirstName", "cut"),
                misfit("LastName", "missing_required"),
            ],
            ..emit::Metrics::default()
        };
    }
}

fn draft(
    builder: &mut RecordsBuilder,
    place: u32,
    row: u32,
    entity: usize,
    rank: usize,
    copy: usize,
) -> Draft {
    let organisation = entity.is_multiple_of(3);
    let mut values = Vec::new();
    let mut put = |attribute: &str, column: &str, value: String| {
        if !value.is_empty() {
            values.push((attribute.into(), value, builder.origin(place, column, "work")));
        }
    };
    let (first, last) = (FIRST[entity % FIRST.len()], LAST[entity * 5 % LAST.len()]);
    if organisation {
        put(
            "name",
            "Société",
            format!("{} {}", NAMES[entity / 3 % NAMES.len()], ["", "SARL", "S.A."][rank % 3]),
        );
        if rank < 2 || rank == 5 {
            put("siren", "SIREN", format!("5{:08}", entity * 97));
        }
    } else {
        put("first_name", "Prénom", if rank == 3 { first.to_uppercase() } else { first.into() });
        put("last_name", "Nom", if rank == 5 { last.to_uppercase() } else { last.into() });
    }
    if !(entity + rank).is_multiple_of(4) {
        let user = last.to_lowercase().replace([' ', '\''], "");
        put(
            "email",
            "E-mail",
            format!("{user}.{entity}@Example{}.fr", if copy == 0 { "" } else { "-pro" }),
        );
    }
    if (entity * rank) % 3 != 1 {
        put("phone", "Téléphone", format!("+331400{:05}", entity * 31));
    }
    if rank.is_multiple_of(2) {
        let address = Address {
            number: format!("{}", entity % 90 + 1),
            street: "rue de la Paix".into(),
            postcode: format!("{:05}", 35000 + entity % 40 * 10),
            city: "Rennes".into(),
            country: "FR".into(),
            ..Address::default()
        };
        put("address", "Adresse", address.encode());
    }
    let digest = row_digest([("n", format!("{entity} {rank} {copy}").as_str())]);
    Draft {
        kind: Some(if organisation { Kind::Organisation } else { Kind::Person }),
        place,
        row,
        key: String::new(),
        digest,
        values,
    }
}

fn golden_of_kind(records: &Records, clusters: &Clusters, kind: Kind) -> GoldenRecords {
    let mut golden = GoldenRecords::default();
    let mut groups: Vec<(String, Vec<u32>)> = clusters
        .groups()
        .into_iter()
        .filter(|group| records.kinds[group[0] as usize] == kind)
        .map(|group| (format!("g{}", records.ids[group[0] as usize]), group))
        .collect();
    groups.sort();
    for name in records.columns.keys() {
        let mut builder = ColumnBuilder::new();
        for (_, group) in &groups {
            let survivor =
                group.iter().find_map(|&r| records.columns[name].entries(r as usize).next());
            if let Some((value, origin)) = survivor {
                builder.value(value, origin);
            }
            builder.end_record();
        }
        golden.columns.insert(name.clone(), builder.finish());
    }
    (golden.ids, golden.members) = groups.into_iter().unzip();
    golden
}
