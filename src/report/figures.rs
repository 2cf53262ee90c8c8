//! Everything the report says in numbers: counted here once, shown by the page and the workbook, and
//! written to `report.json` as it is.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Input, Matching, profile::Profile};
use crate::{
    model::{self, Kind, Priority},
    table::{
        Channel, ConsentEvent, ConsentState, GoldenConsent, GoldenRecords, Place, Records,
        Severity, issue_lines,
    },
    value::{Certainty, address::Address, text::fold},
};

/// The version of `report.json`: it grows when a key changes its meaning or goes.
const FORMAT: u32 = 1;

/// Clusters that are listed in the workbook: more than a person looks at.
const CLUSTERS_LISTED: usize = 500;

/// Lost objections whose place is shown; there should be none.
const LOST_SHOWN: usize = 20;

/// All numbers of one report.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figures {
    /// Version of these keys.
    pub(super) format: u32,
    /// Version of the program.
    pub(super) program: &'static str,
    /// Name of the project.
    pub(super) title: String,
    /// The date that "now" was.
    pub(super) as_of: String,
    /// The numbers at the top.
    pub(super) totals: Totals,
    /// What must be equal, and whether it is.
    pub(super) identities: Vec<Identity>,
    /// What became of the rows of each table.
    pub(super) tables: Vec<Table>,
    /// Related tables, by kind.
    pub(super) history: Vec<HistoryKind>,
    /// How filled and valid each attribute is.
    pub(super) attributes: Vec<AttributeQuality>,
    /// Duplicates per kind.
    pub(super) duplicates: Vec<Duplicates>,
    /// How pairs were found and weighed, per kind.
    pub(super) matching: Vec<Matching>,
    /// The clusters worth a look, largest first.
    pub(super) clusters: Vec<Cluster>,
    /// Pairs that wait for a human, by reason.
    pub(super) review: BTreeMap<String, u64>,
    /// Rejects by code.
    pub(super) rejects: Vec<RejectCode>,
    /// Issues of values that were used by code, the least certain first.
    pub(super) issues: Vec<IssueCode>,
    /// Files and sheets left out on purpose, in order.
    pub(super) ignored: Vec<Ignored>,
    /// The rows of data in them.
    pub(super) ignored_rows: u64,
    /// Deaths, liquidations and closures that cells tell of, in order of their place.
    pub(super) standings: Vec<StandingLine>,
    /// Cells with sensitive text, by type.
    pub(super) sensitive: BTreeMap<&'static str, u64>,
    /// Values of categories without a common value, by attribute.
    pub(super) unmapped: Vec<UnmappedAttribute>,
    /// Consent before and after; none where no source speaks of it.
    pub(super) consent: Option<Consent>,
    /// The load package; none when no target is chosen.
    pub(super) load: Option<Load>,
}

/// The numbers at the top.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Totals {
    pub(super) sources: u64,
    pub(super) files: u64,
    pub(super) unreadable_files: u64,
    /// Files and sheets that no source names.
    pub(super) unnamed_files: u64,
    pub(super) tables: u64,
    pub(super) rows: u64,
    pub(super) record_rows: u64,
    pub(super) history_rows: u64,
    pub(super) rejected_rows: u64,
    pub(super) skipped_rows: u64,
    /// Cells that could not be used, of rows that were.
    pub(super) rejected_cells: u64,
    pub(super) records: u64,
    pub(super) records_by_kind: BTreeMap<String, u64>,
    pub(super) golden: u64,
    pub(super) golden_by_kind: BTreeMap<String, u64>,
    /// Records that were merged into another: records less golden records.
    pub(super) merged: u64,
    pub(super) review_pairs: u64,
    /// Golden records that a pair waiting for review touches.
    pub(super) golden_in_review: u64,
    pub(super) links: u64,
    pub(super) households: u64,
    pub(super) lineage_cells: u64,
}

/// Two counts that must be equal: the right one is a sum of parts.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Identity {
    /// A stable word.
    pub(super) key: &'static str,
    /// What was there.
    pub(super) left: u64,
    /// What became of it, part by part.
    pub(super) right: Vec<u64>,
    /// Whether it holds, in each detail and not in sum alone.
    pub(super) holds: bool,
}

impl Identity {
    fn new(key: &'static str, left: u64, right: &[u64]) -> Identity {
        Identity { key, left, right: right.to_vec(), holds: left == right.iter().sum::<u64>() }
    }

    fn and(mut self, detail: bool) -> Identity {
        self.holds &= detail;
        self
    }
}

/// What became of the rows of one file or sheet.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Table {
    pub(super) source: String,
    pub(super) file: String,
    pub(super) sheet: String,
    pub(super) hidden: bool,
    pub(super) mapping: String,
    pub(super) rows: u64,
    pub(super) record_rows: u64,
    pub(super) records: u64,
    pub(super) history_rows: u64,
    pub(super) rejected_rows: u64,
    pub(super) skipped_rows: u64,
    pub(super) skipped: BTreeMap<String, u64>,
    pub(super) unmapped_columns: Vec<String>,
    pub(super) holds: bool,
}

/// What became of one kind of related rows.
#[derive(Debug, Clone, Serialize)]
pub(super) struct HistoryKind {
    /// `invoice`, `fec_line`...
    pub(super) kind: String,
    /// Rows read, those among them that gave a record too.
    pub(super) rows: u64,
    /// Rows that hang on a golden record.
    pub(super) attached: u64,
    /// Rows whose customer was not found.
    pub(super) orphans: u64,
    /// Sums by currency: read, then written. Decimal texts, exact.
    pub(super) amounts: BTreeMap<String, [String; 2]>,
}

/// How filled one attribute of one kind of record is, from raw to golden.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AttributeQuality {
    pub(super) kind: String,
    pub(super) attribute: String,
    pub(super) priority: Option<Priority>,
    /// All sources together.
    pub(super) total: Quality,
    /// By source: those that have records of the kind.
    pub(super) sources: BTreeMap<String, Quality>,
    /// Golden records of the kind.
    pub(super) golden_records: u64,
    /// Golden records with a value.
    pub(super) golden_filled: u64,
}

/// How filled an attribute is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Quality {
    pub(super) records: u64,
    /// Records with a raw value.
    pub(super) filled: u64,
    /// Records with a clean value.
    pub(super) valid: u64,
    /// Values that normalizing changed.
    pub(super) changed: u64,
    /// Values that stood for "no value".
    pub(super) placeholders: u64,
    /// Values that could not be used.
    pub(super) invalid: u64,
    /// Different raw values, where the tables were kept.
    pub(super) distinct_raw: Option<u64>,
    /// Different clean values.
    pub(super) distinct_clean: Option<u64>,
}

impl Quality {
    fn add(&mut self, other: &Quality) {
        self.records += other.records;
        self.filled += other.filled;
        self.valid += other.valid;
        self.changed += other.changed;
        self.placeholders += other.placeholders;
        self.invalid += other.invalid;
    }
}

/// Duplicates of one kind, within and between sources.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Duplicates {
    pub(super) kind: String,
    pub(super) records: u64,
    pub(super) golden: u64,
    /// Golden records with several records of one source.
    pub(super) within_a_source: u64,
    /// Golden records that several sources know.
    pub(super) between_sources: u64,
    /// Golden records by number of records.
    pub(super) sizes: BTreeMap<u64, u64>,
    pub(super) sources: Vec<SourceOverlap>,
    /// For each pair of `sources` the golden records that both know; on the diagonal those that one
    /// source holds several times.
    pub(super) shared: Vec<Vec<u64>>,
}

/// What one source brings.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SourceOverlap {
    pub(super) source: String,
    pub(super) records: u64,
    /// Golden records that it knows.
    pub(super) golden: u64,
    /// Golden records that no other source knows.
    pub(super) only_here: u64,
}

/// One cluster worth a look. Names are left to the page and the workbook.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Cluster {
    pub(super) golden_id: String,
    pub(super) kind: String,
    pub(super) records: u64,
    pub(super) sources: BTreeMap<String, u64>,
    /// Why to look: stable words, the most telling first.
    pub(super) reasons: Vec<&'static str>,
    #[serde(skip)]
    pub(super) at: usize,
    #[serde(skip)]
    pub(super) of: Kind,
}

/// All rejects of one code.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RejectCode {
    pub(super) code: String,
    pub(super) severity: Severity,
    pub(super) count: u64,
    pub(super) files: u64,
    pub(super) message: String,
    pub(super) suggestion: String,
    /// One place where it happened.
    pub(super) example: RejectPlace,
}

/// All issues of one code: values that were used, and of which a steward should know something.
#[derive(Debug, Clone, Serialize)]
pub(super) struct IssueCode {
    pub(super) code: &'static str,
    /// How sure the values are.
    pub(super) certainty: Certainty,
    pub(super) count: u64,
    pub(super) files: u64,
    pub(super) message: &'static str,
    /// One place where it happened.
    pub(super) example: RejectPlace,
}

/// A file or sheet that `ignore` leaves out.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ignored {
    pub(super) name: String,
    /// Its rows of data; 0 of what is no table.
    pub(super) rows: u64,
}

/// Where a reject stands.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RejectPlace {
    pub(super) file: String,
    pub(super) sheet: String,
    pub(super) row: Option<u32>,
    pub(super) column: String,
}

/// A record that has come to an end, as a cell tells.
#[derive(Debug, Clone, Serialize)]
pub(super) struct StandingLine {
    /// `deceased`, `in_liquidation`, `ceased`.
    pub(super) standing: String,
    /// Since when: a date, perhaps a year alone, or empty.
    pub(super) since: String,
    pub(super) kind: String,
    pub(super) golden_id: String,
    /// The cell.
    pub(super) place: RejectPlace,
}

/// What an attribute holds besides its common values.
#[derive(Debug, Clone, Serialize)]
pub(super) struct UnmappedAttribute {
    pub(super) attribute: String,
    /// Different values.
    pub(super) values: u64,
    /// Values on records.
    pub(super) records: u64,
    /// The most frequent of them, each with its records.
    pub(super) most: Vec<(String, u64)>,
}

/// Consent before and after.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Consent {
    /// Events by source, channel and state.
    pub(super) events: Vec<(String, String, String, u64)>,
    /// Contact points of golden records by channel and state, `unknown` among them.
    pub(super) golden: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Events that are an objection.
    pub(super) objections: u64,
    /// Of them, found again on the golden record of the one who objected.
    pub(super) objections_on_golden: u64,
    /// Of them, on rows that gave no record, and found again on every contact point they name.
    pub(super) objections_on_contact_point: u64,
    /// Of them, known by nothing else: on the suppression list.
    pub(super) objections_suppressed: u64,
    /// Of them, found nowhere: must be none.
    pub(super) objections_lost: u64,
    /// Where the first lost ones stand.
    pub(super) lost: Vec<RejectPlace>,
    /// Golden contact points that stand under an objection made elsewhere for the same address, and
    /// do not show it: must be none.
    pub(super) contact_points_contradicting: u64,
    /// Lines of the suppression list.
    pub(super) suppressed: u64,
}

/// The load package.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Load {
    pub(super) target: String,
    pub(super) files: Vec<crate::emit::FileMetrics>,
    /// Golden records that stand in a load file.
    pub(super) loaded: u64,
    /// Golden records that stand in none, by reason.
    pub(super) left_out: BTreeMap<String, u64>,
    pub(super) unknown_as_no: BTreeMap<String, u64>,
    /// Deceased persons in a load file, written as do not contact.
    pub(super) deceased: u64,
    /// Values that did not fit, by problem, object and column.
    pub(super) misfits: Vec<(String, String, String, u64)>,
}

impl Figures {
    /// Counts everything the report says.
    pub(super) fn of(input: &Input<'_>, profile: &Profile) -> Figures {
        let tables = tables(input);
        let history = history(input);
        let consent = consent(input);
        let totals = totals(input, &tables);
        let load = load(input);
        let identities =
            identities(input, &tables, &totals, &history, consent.as_ref(), load.as_ref());
        Figures {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION"),
            title: input.title.to_owned(),
            as_of: input.as_of.to_owned(),
            totals,
            identities,
            tables,
            history,
            attributes: attributes(input, profile),
            duplicates: duplicates(input),
            matching: input.matching.iter().filter(|m| m.records > 0).cloned().collect(),
            clusters: clusters(input),
            review: tally(input.clusters.review.iter().map(|r| r.reason.clone())),
            rejects: rejects(input),
            issues: issues(input),
            ignored: ignored(input),
            ignored_rows: input.ingested.left_out.iter().map(|left_out| left_out.rows).sum(),
            standings: standings(input),
            sensitive: sensitive(input),
            unmapped: unmapped(input),
            consent,
            load,
        }
    }

    /// How many identities hold.
    pub(super) fn holding(&self) -> u64 {
        self.identities.iter().filter(|i| i.holds).count() as u64
    }
}

/// The golden records of each kind that has some.
pub(super) fn golden_kinds<'a>(input: &Input<'a>) -> Vec<(Kind, &'a GoldenRecords)> {
    let golden = input.golden;
    let kinds = [
        (Kind::Organisation, &golden.organisations),
        (Kind::Person, &golden.persons),
        (Kind::Other, &golden.others),
    ];
    kinds.into_iter().filter(|(_, golden)| !golden.is_empty()).collect()
}

fn tally<K: Ord>(keys: impl IntoIterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_insert(0) += 1;
    }
    counts
}

fn tables(input: &Input<'_>) -> Vec<Table> {
    let table = |fate: &crate::ingest::TableFate| {
        let skipped_rows = fate.skipped_rows.values().sum();
        let used = fate.record_rows + fate.history_rows + fate.rejected_rows + skipped_rows;
        Table {
            source: fate.source.clone(),
            file: fate.file.clone(),
            sheet: fate.sheet.clone(),
            hidden: fate.hidden,
            mapping: fate.mapping.clone(),
            rows: fate.rows,
            record_rows: fate.record_rows,
            records: fate.records,
            history_rows: fate.history_rows,
            rejected_rows: fate.rejected_rows,
            skipped_rows,
            skipped: fate.skipped_rows.clone(),
            unmapped_columns: fate.unmapped_columns.clone(),
            holds: used == fate.rows,
        }
    };
    let mut tables: Vec<Table> = input.ingest.tables.iter().map(table).collect();
    tables.sort_by(|a, b| (&a.file, &a.sheet, &a.source).cmp(&(&b.file, &b.sheet, &b.source)));
    tables
}

fn totals(input: &Input<'_>, tables: &[Table]) -> Totals {
    let sum = |of: fn(&Table) -> u64| tables.iter().map(of).sum::<u64>();
    let records = &input.ingested.records;
    let golden_by_kind: BTreeMap<String, u64> = golden_kinds(input)
        .into_iter()
        .map(|(kind, golden)| (kind.as_str().to_owned(), golden.len() as u64))
        .collect();
    let golden: u64 = golden_by_kind.values().sum();
    let review = &input.clusters.review;
    let in_review: BTreeSet<&str> = review
        .iter()
        .flat_map(|r| [r.left, r.right])
        .filter_map(|i| input.golden.golden_of.get(i as usize).map(String::as_str))
        .collect();
    Totals {
        sources: tables.iter().map(|t| &t.source).collect::<BTreeSet<_>>().len() as u64,
        files: tables.iter().map(|t| &t.file).collect::<BTreeSet<_>>().len() as u64,
        unreadable_files: whole_rejects(input, "unreadable_file"),
        unnamed_files: whole_rejects(input, "no_source"),
        tables: tables.len() as u64,
        rows: sum(|t| t.rows),
        record_rows: sum(|t| t.record_rows),
        history_rows: sum(|t| t.history_rows),
        rejected_rows: sum(|t| t.rejected_rows),
        skipped_rows: sum(|t| t.skipped_rows),
        rejected_cells: input.rejects.iter().filter(|r| r.severity == Severity::Cell).count()
            as u64,
        records: records.len() as u64,
        records_by_kind: tally(records.kinds.iter().map(|k| k.as_str().to_owned())),
        golden,
        golden_by_kind,
        merged: (records.len() as u64).saturating_sub(golden),
        review_pairs: review.len() as u64,
        golden_in_review: in_review.len() as u64,
        links: input.golden.links.len() as u64,
        households: tally(input.golden.households.iter().map(|(id, _)| id)).len() as u64,
        lineage_cells: input.golden.lineage.len() as u64,
    }
}

fn identities(
    input: &Input<'_>,
    tables: &[Table],
    totals: &Totals,
    history: &[HistoryKind],
    consent: Option<&Consent>,
    load: Option<&Load>,
) -> Vec<Identity> {
    let mut identities = vec![
        Identity::new(
            "rows",
            totals.rows,
            &[totals.record_rows, totals.history_rows, totals.rejected_rows, totals.skipped_rows],
        )
        .and(tables.iter().all(|t| t.holds)),
        Identity::new("rejected", totals.rejected_rows, &[rejected_rows(input)]),
        Identity::new("skipped", totals.skipped_rows, &[skipped_rows(input)]),
        Identity::new("records", tables.iter().map(|t| t.records).sum(), &[totals.records]),
        crosswalk(input),
        cluster_sizes(input),
        Identity::new("golden", input.clusters.groups().len() as u64, &[totals.golden]),
        members(input),
    ];
    if !history.is_empty() {
        let sum = |of: fn(&HistoryKind) -> u64| history.iter().map(of).sum::<u64>();
        let [attached, orphans] = [sum(|h| h.attached), sum(|h| h.orphans)];
        // A row that gives a record may be history as well: the first entry of an account is both.
        let lines = sum(|h| h.rows);
        let all_there = lines >= totals.history_rows;
        identities.push(Identity::new("history", lines, &[attached, orphans]).and(all_there));
        let sums: Vec<_> = history.iter().flat_map(|h| h.amounts.values()).collect();
        let equal = sums.iter().filter(|[read, written]| read == written).count() as u64;
        identities.push(Identity::new("amounts", sums.len() as u64, &[equal]));
    }
    if let Some(consent) = consent {
        let found = [
            consent.objections_on_golden,
            consent.objections_on_contact_point,
            consent.objections_suppressed,
        ];
        identities.push(
            Identity::new("objections", consent.objections, &found)
                .and(consent.contact_points_contradicting == 0),
        );
    }
    if let Some(load) = load {
        let left_out = load.left_out.values().sum::<u64>();
        identities.push(Identity::new("load", totals.golden, &[load.loaded, left_out]));
    }
    identities
}

/// Different files and sheets that the list of rejects names by a code.
fn whole_rejects(input: &Input<'_>, code: &str) -> u64 {
    let whole = input.rejects.iter().filter(|r| r.code == code);
    whole.map(|r| (&r.file, &r.sheet)).collect::<BTreeSet<_>>().len() as u64
}

/// Different rows that the list of rejects names as wholly rejected.
fn rejected_rows(input: &Input<'_>) -> u64 {
    let whole = input.rejects.iter().filter(|r| r.severity == Severity::Row && r.row.is_some());
    whole.map(|r| (&r.file, &r.sheet, r.row)).collect::<BTreeSet<_>>().len() as u64
}

/// Rows that the list of what was skipped names.
fn skipped_rows(input: &Input<'_>) -> u64 {
    input.ingested.skipped.iter().filter(|line| line.row.is_some()).count() as u64
}

/// Every record has one golden id, of a golden record that is there.
fn crosswalk(input: &Input<'_>) -> Identity {
    let known: HashSet<&String> =
        golden_kinds(input).into_iter().flat_map(|(_, golden)| &golden.ids).collect();
    let lines = input.golden.golden_of.iter().filter(|id| known.contains(id)).count() as u64;
    Identity::new("crosswalk", input.ingested.records.len() as u64, &[lines])
}

/// Every record is in one cluster, whose first record says so too.
fn cluster_sizes(input: &Input<'_>) -> Identity {
    let cluster = &input.clusters.cluster;
    let sound = |&first: &u32| cluster.get(first as usize) == Some(&first);
    let sizes: u64 = cluster.iter().filter(|first| sound(first)).count() as u64;
    Identity::new("clusters", input.ingested.records.len() as u64, &[sizes])
}

/// Every record is a member of exactly one golden record: the one that the crosswalk names.
fn members(input: &Input<'_>) -> Identity {
    let golden_of = &input.golden.golden_of;
    let mut members = 0u64;
    let mut agree = true;
    for (_, golden) in golden_kinds(input) {
        for (id, records) in golden.ids.iter().zip(&golden.members) {
            members += records.len() as u64;
            agree &= records.iter().all(|&r| golden_of.get(r as usize) == Some(id));
        }
    }
    Identity::new("members", golden_of.len() as u64, &[members]).and(agree)
}

fn history(input: &Input<'_>) -> Vec<HistoryKind> {
    /// By currency: what was read, and what was written.
    type Sums = BTreeMap<String, [Decimal; 2]>;
    fn money(sums: &mut Sums, currency: &str, amount: &str, side: usize) {
        if let Ok(amount) = amount.parse::<Decimal>() {
            sums.entry(currency.to_owned()).or_default()[side] += amount;
        }
    }
    let mut kinds: BTreeMap<&str, ([u64; 3], Sums)> = BTreeMap::new();
    for table in &input.ingested.history {
        let (counts, sums) = kinds.entry(&table.kind).or_default();
        counts[0] += table.rows.len() as u64;
        for row in &table.rows {
            money(sums, &row.currency, &row.amount, 0);
        }
    }
    for row in &input.golden.history {
        let (counts, sums) = kinds.entry(&row.kind).or_default();
        counts[if row.golden_id.is_empty() { 2 } else { 1 }] += 1;
        money(sums, &row.currency, &row.amount, 1);
    }
    let kind = |(kind, ([rows, attached, orphans], sums)): (&str, ([u64; 3], Sums))| {
        let text = |d: Decimal| format!("{:.2}", d);
        let amounts = sums.into_iter().map(|(c, both)| (c, both.map(text))).collect();
        HistoryKind { kind: kind.to_owned(), rows, attached, orphans, amounts }
    };
    kinds.into_iter().map(kind).collect()
}

fn attributes(input: &Input<'_>, profile: &Profile) -> Vec<AttributeQuality> {
    let records = &input.ingested.records;
    let of_source: BTreeMap<(String, String), u64> = tally(
        (0..records.len())
            .map(|i| (records.kinds[i].as_str().to_owned(), records.place_of(i).source.clone())),
    );
    let mut qualities: BTreeMap<(String, String), AttributeQuality> = BTreeMap::new();
    for fill in input.normalize.fills.iter().filter(|f| f.filled > 0 || f.valid > 0) {
        let quality = quality_of(&mut qualities, &fill.kind, &fill.attribute);
        let numbers = Quality {
            records: fill.records,
            filled: fill.filled,
            valid: fill.valid,
            changed: fill.changed,
            placeholders: fill.placeholders,
            invalid: fill.invalid,
            ..profile.of(&fill.source, &fill.kind, &fill.attribute)
        };
        quality.sources.entry(fill.source.clone()).or_default().add(&numbers);
        let distinct = quality.sources.entry(fill.source.clone()).or_default();
        (distinct.distinct_raw, distinct.distinct_clean) =
            (numbers.distinct_raw, numbers.distinct_clean);
    }
    for (kind, golden) in golden_kinds(input) {
        for (attribute, column) in &golden.columns {
            let filled = column.filled() as u64;
            if filled > 0 {
                quality_of(&mut qualities, kind.as_str(), attribute).golden_filled = filled;
            }
        }
    }
    let golden: BTreeMap<&str, u64> =
        golden_kinds(input).into_iter().map(|(k, g)| (k.as_str(), g.len() as u64)).collect();
    for quality in qualities.values_mut() {
        quality.golden_records = golden.get(quality.kind.as_str()).copied().unwrap_or(0);
        // A source without the column has records all the same: they count as empty.
        for ((_, source), &n) in of_source.iter().filter(|((kind, _), _)| *kind == quality.kind) {
            quality.sources.entry(source.clone()).or_default().records = n;
        }
        for numbers in quality.sources.values() {
            quality.total.add(numbers);
        }
        let all = profile.of_all(&quality.kind, &quality.attribute);
        quality.total.distinct_raw = all.distinct_raw;
        quality.total.distinct_clean = all.distinct_clean;
    }
    let mut qualities: Vec<_> = qualities.into_values().collect();
    qualities.sort_by_key(|q| {
        let priority = q.priority.unwrap_or(Priority::Optional);
        (q.kind.clone(), priority, model::value_kind(&q.attribute), q.attribute.clone())
    });
    qualities
}

fn quality_of<'a>(
    qualities: &'a mut BTreeMap<(String, String), AttributeQuality>,
    kind: &str,
    attribute: &str,
) -> &'a mut AttributeQuality {
    qualities.entry((kind.to_owned(), attribute.to_owned())).or_insert_with(|| AttributeQuality {
        kind: kind.to_owned(),
        attribute: attribute.to_owned(),
        priority: model::attribute(attribute).map(|a| a.priority),
        total: Quality::default(),
        sources: BTreeMap::new(),
        golden_records: 0,
        golden_filled: 0,
    })
}

fn duplicates(input: &Input<'_>) -> Vec<Duplicates> {
    let records = &input.ingested.records;
    golden_kinds(input).into_iter().map(|(kind, golden)| overlap(records, kind, golden)).collect()
}

fn overlap(records: &Records, kind: Kind, golden: &GoldenRecords) -> Duplicates {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for i in (0..records.len()).filter(|&i| records.kinds[i] == kind) {
        names.insert(&records.place_of(i).source, 0);
    }
    for (at, position) in names.values_mut().enumerate() {
        *position = at;
    }
    let mut sources: Vec<SourceOverlap> = names
        .keys()
        .map(|s| SourceOverlap { source: (*s).to_owned(), records: 0, golden: 0, only_here: 0 })
        .collect();
    let mut shared = vec![vec![0; sources.len()]; sources.len()];
    let (mut within, mut between) = (0, 0);
    for members in &golden.members {
        let by_source = tally(
            members.iter().filter_map(|&r| names.get(records.place_of(r as usize).source.as_str())),
        );
        for (&a, &n) in &by_source {
            sources[*a].records += n;
            sources[*a].golden += 1;
            sources[*a].only_here += u64::from(by_source.len() == 1);
            for &b in by_source.keys() {
                shared[*a][*b] += u64::from(a != b || n > 1);
            }
        }
        within += u64::from(by_source.values().any(|&n| n > 1));
        between += u64::from(by_source.len() > 1);
    }
    Duplicates {
        kind: kind.as_str().to_owned(),
        records: golden.members.iter().map(|m| m.len() as u64).sum(),
        golden: golden.len() as u64,
        within_a_source: within,
        between_sources: between,
        sizes: tally(golden.members.iter().map(|m| m.len() as u64)),
        sources,
        shared,
    }
}

/// Clusters with a reason to look, and the largest ones; largest first.
fn clusters(input: &Input<'_>) -> Vec<Cluster> {
    let waiting: BTreeSet<u32> =
        input.clusters.review.iter().flat_map(|r| [r.left, r.right]).collect();
    let mut found = Vec::new();
    for (of, golden) in golden_kinds(input) {
        for (at, members) in golden.members.iter().enumerate().filter(|(_, m)| m.len() > 1) {
            let records = &input.clean.records;
            let sources =
                tally(members.iter().map(|&r| records.place_of(r as usize).source.clone()));
            let mut reasons = reasons(records, of, members);
            if sources.values().any(|&n| n >= 4) {
                reasons.push("many_of_one_source");
            }
            if members.iter().any(|r| waiting.contains(r)) {
                reasons.push("waits_for_review");
            }
            found.push(Cluster {
                golden_id: golden.ids[at].clone(),
                kind: of.as_str().to_owned(),
                records: members.len() as u64,
                sources,
                reasons,
                at,
                of,
            });
        }
    }
    found.sort_by(|a, b| {
        (b.records, b.reasons.len(), &a.golden_id).cmp(&(a.records, a.reasons.len(), &b.golden_id))
    });
    found.truncate(CLUSTERS_LISTED);
    found
}

/// What within a cluster does not look like one entity, the most telling first.
fn reasons(records: &Records, kind: Kind, members: &[u32]) -> Vec<&'static str> {
    let different = |attribute: &str, form: fn(&str) -> String| {
        let values = members.iter().flat_map(|&r| records.values(attribute, r as usize));
        values.map(form).filter(|v| !v.is_empty()).collect::<BTreeSet<_>>().len()
    };
    let city = |address: &str| Address::decode(address).postcode;
    let siren = |siret: &str| siret.chars().take(9).collect();
    let mut reasons = Vec::new();
    let mut say = |reason, when: bool| {
        if when {
            reasons.push(reason);
        }
    };
    match kind {
        Kind::Person => {
            say("several_birth_dates", different("birth_date", str::to_owned) > 1);
            say("several_names", different("last_name", fold) > 2);
            say("several_first_names", different("first_name", fold) > 3);
        }
        Kind::Organisation => {
            let sirens = different("siren", str::to_owned).max(different("siret", siren));
            say("several_sirens", sirens > 1);
            say("several_establishments", different("siret", str::to_owned) > 1);
            say("several_names", different("name", fold) > 3);
        }
        Kind::Other => {}
    }
    say("several_towns", different("address", city) > 2);
    reasons
}

fn rejects(input: &Input<'_>) -> Vec<RejectCode> {
    let mut codes: BTreeMap<(Severity, &str), (RejectCode, BTreeSet<&str>)> = BTreeMap::new();
    for reject in input.rejects {
        let first = || {
            let example = RejectPlace {
                file: reject.file.clone(),
                sheet: reject.sheet.clone(),
                row: reject.row,
                column: reject.column.clone(),
            };
            let code = RejectCode {
                code: reject.code.clone(),
                severity: reject.severity,
                count: 0,
                files: 0,
                message: reject.message.clone(),
                suggestion: reject.suggestion.clone(),
                example,
            };
            (code, BTreeSet::new())
        };
        let (code, files) = codes.entry((reject.severity, &reject.code)).or_insert_with(first);
        code.count += 1;
        files.insert(&reject.file);
    }
    let mut codes: Vec<RejectCode> = codes
        .into_values()
        .map(|(code, files)| RejectCode { files: files.len() as u64, ..code })
        .collect();
    codes.sort_by(|a, b| (a.severity, b.count, &a.code).cmp(&(b.severity, a.count, &b.code)));
    codes
}

fn issues(input: &Input<'_>) -> Vec<IssueCode> {
    type Key<'a> = (Reverse<Certainty>, &'a str);
    let mut codes: BTreeMap<Key<'_>, (IssueCode, BTreeSet<&str>)> = BTreeMap::new();
    for line in issue_lines(input.ingested, input.clean) {
        let first = || IssueCode {
            code: line.code,
            certainty: line.certainty,
            count: 0,
            files: 0,
            message: line.message,
            example: RejectPlace {
                file: line.file.to_owned(),
                sheet: line.sheet.to_owned(),
                row: Some(line.row),
                column: line.column.to_owned(),
            },
        };
        let key = (Reverse(line.certainty), line.code);
        let (code, files) = codes.entry(key).or_insert_with(|| (first(), BTreeSet::new()));
        code.count += 1;
        files.insert(line.file);
    }
    let mut codes: Vec<IssueCode> = codes
        .into_values()
        .map(|(code, files)| IssueCode { files: files.len() as u64, ..code })
        .collect();
    codes.sort_by_key(|code| (Reverse(code.certainty), Reverse(code.count), code.code));
    codes
}

/// The files and sheets that `ignore` leaves out.
fn ignored(input: &Input<'_>) -> Vec<Ignored> {
    let ingested = input.ingested;
    let rows: BTreeMap<(&str, &str), u64> =
        ingested.left_out.iter().map(|l| ((l.file.as_str(), l.sheet.as_str()), l.rows)).collect();
    let whole = ingested.skipped.iter().filter(|line| line.row.is_none());
    whole
        .map(|line| Ignored {
            name: match line.sheet.as_str() {
                "" => line.file.clone(),
                sheet => format!("{} · {sheet}", line.file),
            },
            rows: rows.get(&(line.file.as_str(), line.sheet.as_str())).copied().unwrap_or(0),
        })
        .collect()
}

fn standings(input: &Input<'_>) -> Vec<StandingLine> {
    let records = &input.clean.records;
    let Some(column) = records.columns.get("standing") else { return Vec::new() };
    let line = |i: usize| {
        let place = records.place_of(i);
        column.entries(i).map(move |(standing, origin)| StandingLine {
            standing: standing.to_owned(),
            since: records.first("standing_since", i).unwrap_or_default().to_owned(),
            kind: records.kinds[i].as_str().to_owned(),
            golden_id: input.golden.golden_of.get(i).cloned().unwrap_or_default(),
            place: RejectPlace {
                file: place.file.clone(),
                sheet: place.sheet.clone(),
                row: Some(records.row[i]),
                column: records.origins[origin as usize].column.clone(),
            },
        })
    };
    let mut lines: Vec<StandingLine> = (0..records.len()).flat_map(line).collect();
    lines.sort_by(|a, b| {
        let key = |l: &StandingLine| {
            let place = &l.place;
            (place.file.clone(), place.sheet.clone(), place.row, l.kind.clone(), l.standing.clone())
        };
        key(a).cmp(&key(b))
    });
    lines
}

fn sensitive(input: &Input<'_>) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for cell in &input.ingested.sensitive {
        *counts.entry(cell.what.as_str()).or_default() += 1;
    }
    counts
}

/// Values shown of one attribute without a common value; the workbook has all.
const UNMAPPED_SHOWN: usize = 12;

fn unmapped(input: &Input<'_>) -> Vec<UnmappedAttribute> {
    let mut attributes: BTreeMap<&str, UnmappedAttribute> = BTreeMap::new();
    for value in &input.normalize.unmapped {
        let of = attributes.entry(&value.attribute).or_insert_with(|| UnmappedAttribute {
            attribute: value.attribute.clone(),
            values: 0,
            records: 0,
            most: Vec::new(),
        });
        of.values += 1;
        of.records += value.records;
        if of.most.len() < UNMAPPED_SHOWN {
            of.most.push((value.value.clone(), value.records));
        }
    }
    attributes.into_values().collect()
}

/// Follows every objection from the cell that says it to the golden record of the one who objected.
fn consent(input: &Input<'_>) -> Option<Consent> {
    let (events, consents) = (&input.clean.events, &input.golden.consents);
    if events.is_empty() && consents.is_empty() {
        return None;
    }
    let places = &input.clean.records.places;
    let event_kinds = tally(events.iter().map(|e| {
        let source = places.get(e.place as usize).map_or("", |p| p.source.as_str());
        (source.to_owned(), e.channel, Reverse(e.state))
    }));
    let mut golden: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    let mut of_golden: HashMap<(&str, Channel), Vec<&GoldenConsent>> = HashMap::new();
    let mut of_point: HashMap<(Cow<'_, str>, Channel), Vec<&GoldenConsent>> = HashMap::new();
    // Lines are looked up by what objections speak of, and by nothing else.
    for event in events.iter().filter(|e| e.state.is_objection()) {
        let golden_id = event.record.and_then(|r| input.golden.golden_of.get(r as usize));
        if let Some(id) = golden_id {
            of_golden.insert((id, event.channel), Vec::new());
        }
        of_point.insert((event.channel.key(&event.contact_point), event.channel), Vec::new());
    }
    for line in consents {
        let states = golden.entry(line.channel.as_str()).or_default();
        *states.entry(line.state_word()).or_insert(0) += 1;
        if let Some(lines) = of_golden.get_mut(&(&*line.golden_id, line.channel)) {
            lines.push(line);
        }
        if line.contact_point.is_empty() || of_point.is_empty() {
            continue;
        }
        let key = (line.channel.key(&line.contact_point), line.channel);
        if let Some(lines) = of_point.get_mut(&key) {
            lines.push(line);
        }
    }

    let mut consent = Consent {
        events: event_kinds
            .into_iter()
            .map(|((source, channel, state), n)| {
                (source, channel.as_str().to_owned(), state.0.as_str().to_owned(), n)
            })
            .collect(),
        golden,
        objections: 0,
        objections_on_golden: 0,
        objections_on_contact_point: 0,
        objections_suppressed: 0,
        objections_lost: 0,
        lost: Vec::new(),
        contact_points_contradicting: 0,
        suppressed: input.golden.suppressed.len() as u64,
    };
    let holders = holders(input);
    let mut contradicting: BTreeSet<(&str, &str, Channel)> = BTreeSet::new();
    let mut only_objection: BTreeSet<(Cow<'_, str>, Channel)> = BTreeSet::new();
    for event in events.iter().filter(|e| e.state.is_objection()) {
        consent.objections += 1;
        let point = event.channel.key(&event.contact_point);
        let same_point = match event.contact_point.as_str() {
            "" => &[][..],
            _ => of_point.get(&(point.clone(), event.channel)).map_or(&[][..], Vec::as_slice),
        };
        for line in same_point.iter().filter(|line| concerns(line, event)) {
            if !is_as_strict(line.state(), event.state) {
                contradicting.insert((&line.golden_id, &line.contact_point, line.channel));
            }
        }
        let golden_id = event.record.and_then(|r| input.golden.golden_of.get(r as usize));
        let on_golden = golden_id
            .and_then(|id| of_golden.get(&(id.as_str(), event.channel)))
            .map_or(&[][..], Vec::as_slice);
        let said_of_nobody = event.record.is_none() && event.contact_point.is_empty();
        if shows(on_golden, event) {
            consent.objections_on_golden += 1;
        } else if event.record.is_some() || said_of_nobody {
            consent.lose(event, places);
        } else if shows(same_point, event) || same_point.is_empty() && holders.contains(&point) {
            // A golden record may hold an address that did not survive: it is in no load file.
            consent.objections_on_contact_point += 1;
        } else if same_point.is_empty() {
            // The list is of keyed hashes, so that it can be counted but not looked into.
            only_objection.insert((point, event.channel));
            consent.objections_suppressed += 1;
        } else {
            consent.lose(event, places);
        }
    }
    let listed =
        input.golden.suppressed.iter().filter(|(_, _, state)| state.is_objection()).count();
    if only_objection.len() > listed {
        let missing = (only_objection.len() - listed) as u64;
        consent.objections_suppressed = consent.objections_suppressed.saturating_sub(missing);
        consent.objections_lost += missing;
    }
    consent.contact_points_contradicting = contradicting.len() as u64;
    Some(consent)
}

impl Consent {
    fn lose(&mut self, event: &ConsentEvent, places: &[Place]) {
        self.objections_lost += 1;
        if self.lost.len() < LOST_SHOWN {
            let place = places.get(event.place as usize);
            self.lost.push(RejectPlace {
                file: place.map_or_else(String::new, |p| p.file.clone()),
                sheet: place.map_or_else(String::new, |p| p.sheet.clone()),
                row: Some(event.row),
                column: event.column.clone(),
            });
        }
    }
}

/// The contact points named by objections without a record that some record holds all the same.
fn holders<'a>(input: &Input<'a>) -> BTreeSet<Cow<'a, str>> {
    let events = input.clean.events.iter();
    let named: BTreeSet<Cow<'_, str>> = events
        .filter(|e| e.state.is_objection() && e.record.is_none() && !e.contact_point.is_empty())
        .map(|e| e.channel.key(&e.contact_point))
        .collect();
    if named.is_empty() {
        return named;
    }
    let records = &input.clean.records;
    let mut held = BTreeSet::new();
    for channel in [Channel::Email, Channel::Phone, Channel::Post] {
        for column in channel.attributes().iter().filter_map(|a| records.columns.get(*a)) {
            let values = (0..column.len()).flat_map(|i| column.values(i));
            held.extend(values.map(|value| channel.key(value)).filter(|key| named.contains(key)));
        }
    }
    held
}

/// Whether the line speaks of the purpose and to the legal entity that the event does.
fn concerns(line: &GoldenConsent, event: &ConsentEvent) -> bool {
    let meet = |a: &str, b: &str| a.is_empty() || b.is_empty() || a == b;
    line.said.as_ref().is_none_or(|said| {
        meet(&said.purpose, &event.purpose) && meet(&said.legal_entity, &event.legal_entity)
    })
}

/// Whether each line that concerns the objection shows it. A line carries the purpose of the event that
/// decides, so that where none is of this purpose all have to show it.
fn shows(lines: &[&GoldenConsent], objection: &ConsentEvent) -> bool {
    let strict = |line: &&GoldenConsent| is_as_strict(line.state(), objection.state);
    let mut concerned = lines.iter().copied().filter(|l| concerns(l, objection)).peekable();
    match concerned.peek() {
        Some(_) => concerned.all(|line| strict(&line)),
        None => !lines.is_empty() && lines.iter().all(strict),
    }
}

/// Whether what holds is the objection that was made, or a stricter one.
fn is_as_strict(state: Option<ConsentState>, objection: ConsentState) -> bool {
    state.is_some_and(|state| state.is_objection() && state >= objection)
}

fn load(input: &Input<'_>) -> Option<Load> {
    let emit = input.emit?;
    let misfits =
        tally(emit.misfits.iter().map(|m| (m.problem.clone(), m.object.clone(), m.column.clone())));
    Some(Load {
        target: emit.target.clone(),
        files: emit.files.clone(),
        loaded: emit.loaded,
        left_out: emit.left_out.clone(),
        unknown_as_no: emit.unknown_as_no.clone(),
        deceased: emit.deceased,
        misfits: misfits.into_iter().map(|((p, o, c), n)| (p, o, c, n)).collect(),
    })
}
