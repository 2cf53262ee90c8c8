//! Every stage, in order, on one screen.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, StringArray, UInt32Array},
    datatypes::{DataType, Field, Schema},
};

use crate::{
    config::Plan,
    consolidate::{self, Expired, Owners},
    decisions::{self, Decided, Decision, Status},
    emit,
    error::{Error, Result},
    fixes, ingest, init,
    matching::{self, Resolved},
    normalize, owners,
    registry::{self, Registry},
    report, reuse,
    run::{MANIFEST, MODEL, Run, Stage},
    score::Model,
    store,
    table::{
        Clean, Couple, Golden, IdKey, Ingested, IssueLine, Kind, Link, Records, Reject, Severity,
        Staged, issue_lines,
    },
};

/// What a complete run leaves to the next ones.
#[derive(Debug, Default)]
#[must_use = "without it the next run mints other golden ids"]
pub struct Legacy {
    /// What was learned, as the text of `model.json`; none when it is kept already.
    model: Option<String>,
    /// What is known of golden ids; none when it is kept already.
    registry: Option<Registry>,
    /// What the sources call owners, counted; none when it is kept already.
    owners: Option<Owners>,
}

/// Where what a run leaves to the next ones waits, from the project's folder, until the run is complete.
const NEXT: &str = "registry/next";
/// The file there that names the run: written last.
const OF_RUN: &str = "run";

/// Writes what a run leaves to the next ones to where it waits until the run is complete: ids that a run gave must be
/// known to the next one even if the program is killed in between.
pub fn prepare(plan: &Plan, run: &Run, legacy: &Legacy) -> Result<()> {
    let next = plan.folder.join(NEXT);
    store::remove_folder(&next)?;
    let model = legacy.model.as_ref().map(|model| (MODEL, model.clone()));
    let registry = legacy.registry.as_ref().map(Registry::files).transpose()?.unwrap_or_default();
    let files: Vec<(&str, String)> = model.into_iter().chain(registry).collect();
    if files.is_empty() {
        return Ok(());
    }
    for (name, text) in files {
        store::write(&next.join(name), text)?;
    }
    store::write_atomically(&next.join(OF_RUN), &run.manifest.run)
}

/// Keeps what a complete run leaves to the next ones.
pub fn keep(plan: &Plan, legacy: Legacy) -> Result<()> {
    if let Some(model) = legacy.model {
        store::write_atomically(&plan.folder.join(MODEL), model)?;
    }
    if let Some(counted) = legacy.owners {
        owners::write(&plan.folder.join(owners::OWNERS), &counted)?;
    }
    let registry = legacy.registry.as_ref().map(Registry::files).transpose()?.unwrap_or_default();
    for (name, text) in registry {
        store::write_atomically(&plan.folder.join(name), text)?;
    }
    store::remove_folder(&plan.folder.join(NEXT))
}

/// Keeps what a complete run left when the program was killed before it did: whether there was any. What a run left
/// that is not complete may be that of one that goes on: it stays, and is of no use to others.
pub fn recover(plan: &Plan) -> Result<bool> {
    let next = plan.folder.join(NEXT);
    let is_complete = std::fs::read_to_string(next.join(OF_RUN))
        .is_ok_and(|run| plan.runs.join(run).join(MANIFEST).is_file());
    if !is_complete {
        return Ok(false);
    }
    // Each file is there whole, new or as it was; when this is cut short, it is done again.
    for name in [MODEL, registry::GOLDEN_IDS, registry::KEYS, registry::EVENTS] {
        let (from, to) = (next.join(name), plan.folder.join(name));
        if from.is_file() {
            std::fs::rename(&from, &to).map_err(Error::io("write", &to))?;
        }
    }
    store::remove_folder(&next)?;
    Ok(true)
}

/// Runs every stage of `plan`, in order, into `run`; [`prepare`] and [`keep`] what it returns.
pub fn run(plan: &Plan, run: &mut Run) -> Result<Legacy> {
    let until = |stage: Stage| plan.until.is_some_and(|last| last <= stage);
    // Nothing is done twice.
    if reuse::whole_run(plan, run)? {
        return Ok(Legacy::default());
    }
    run.manifest.project = plan.name.clone();
    for (path, name) in &plan.rules {
        run.rule(path, name);
    }

    // One line per record, each knowing the file, sheet and row it came from.
    let (ingested, key) = run.stage("ingest", |progress| {
        let (ingested, key) = ingest(plan, progress)?;
        progress.worked_on(ingested.metrics.tables.iter().map(|table| table.rows).sum());
        Ok((ingested, key))
    })?;
    count_rows(run, &ingested.metrics);
    count_history(run, &ingested);
    count_files(run, &ingested);
    count_records(run, &ingested.table);
    refuse_unreadable(plan, &ingested)?;
    store::write_parquet(&run.path("tables/records.parquet"), &ingested.table.records.to_batch()?)?;
    write_skipped(run, &ingested.table)?;
    write_sensitive(run, &ingested.table)?;
    if until(Stage::Ingest) {
        write_rejects(run, &ingested.table.rejects)?;
        return Ok(Legacy::default());
    }

    // The same lines, every value in its one canonical form.
    let clean = run.stage("normalize", |progress| {
        progress.worked_on(ingested.table.records.len() as u64);
        normalize::run(&ingested.table, &plan.normalize, progress)
    })?;
    store::write_parquet(&run.path("tables/clean.parquet"), &clean.table.records.to_batch()?)?;
    store::write_parquet(&run.path("tables/links.parquet"), &links_batch(&ingested.table.links)?)?;
    let mut rejects = all_rejects(&ingested.table, &clean.table, &[]);
    write_rejects(run, &rejects)?;
    write_issues(run, &ingested.table, &clean.table)?;
    let as_of = match plan.as_of.as_str() {
        "" => init::latest_date(&clean.table),
        told => told.to_owned(),
    };
    run.manifest.as_of.clone_from(&as_of);
    if until(Stage::Normalize) {
        return Ok(Legacy::default());
    }

    // Every record in one cluster: blocked, scored in bits, gathered; organisations before persons.
    // What a steward decided holds, whatever the model says.
    let known = known_models(plan)?;
    let decisions = known_decisions(plan, run)?;
    let mut decided = Decided::new(&decisions, &clean.table.records, &key);
    let settings = matching_settings(plan);
    let inputs = reuse::Inputs::of(plan, run, &ingested.table.couples, &settings)?;
    let resolved = match reuse::matching(plan, run, &inputs, &known)? {
        Some(resolved) => resolved,
        None => {
            let resolved = run.stage("match", |progress| {
                let (records, ingested) = (&clean.table.records, &ingested.table);
                let rows = (ingested.links.as_slice(), ingested.couples.as_slice());
                matching::resolve(records, rows, &known, &decided, &settings, progress)
            })?;
            reuse::keep_matching(run, &inputs, &known, &resolved)?;
            resolved
        }
    };
    decided.tell_overruled(&resolved.overruled);
    decided.settle(&decisions, &clean.table.records, &resolved.clusters.cluster, &key);
    count_decisions(run, &decided);
    let model = write_models(plan, run, &known, &resolved)?;
    let registry = known_registry(plan)?;
    for name in [registry::GOLDEN_IDS, registry::KEYS, registry::EVENTS] {
        let path = plan.folder.join(name);
        if !registry.is_empty() && path.is_file() {
            run.rule(&path, name);
        }
    }
    run.count("review_pairs", resolved.clusters.review.len() as u64);
    if until(Stage::Cluster) {
        let records = &clean.table.records;
        let golden_of = consolidate::golden_ids(records, &resolved.clusters, &registry, &key);
        consolidate::write_crosswalk(&run.path("crosswalk.csv"), records, &golden_of)?;
        let path = run.path(decisions::TOLD);
        decisions::write(&path, &decisions, &decided, records, &golden_of)?;
        return Ok(Legacy { model, ..Legacy::default() });
    }

    // One golden record per cluster, each cell knowing where it comes from.
    let golden = run.stage("consolidate", |progress| {
        let input = consolidate::Input {
            ingested: &ingested.table,
            clean: &clean.table,
            clusters: &resolved.clusters,
            as_of: &as_of,
            registry: &registry,
            decided: &decided.values,
            retention: plan.plain.is_none().then_some(&plan.retention),
            scope: &plan.scope,
            live: &plan.live,
            owners: &plan.owners,
            key: &key,
        };
        progress.worked_on(clean.table.records.len() as u64);
        consolidate::run(input, &plan.survivorship, progress)
    })?;
    let (folder, legacy) = (run.path("golden"), plan.legacy.as_deref());
    consolidate::write(&folder, &golden.table, &ingested.table, &plan.history, legacy)?;
    let records = &clean.table.records;
    consolidate::write_crosswalk(&run.path("crosswalk.csv"), records, &golden.table.golden_of)?;
    let path = run.path(decisions::TOLD);
    decisions::write(&path, &decisions, &decided, records, &golden.table.golden_of)?;
    let after = {
        let (id, golden_of) = (&run.manifest.run, &golden.table.golden_of);
        registry.after(id, records, &key, golden_of, &decided.reasons(&decisions))
    };
    write_redirects(run, &after)?;
    count_golden(run, &golden.table);
    run.count("cells_for_review", golden.metrics.cells_for_review);
    run.count("consents_for_review", golden.metrics.consents_for_review);
    count_retention(run, &golden.metrics);
    let owners = write_owners(plan, run, records)?;
    if !golden.table.orphans.is_empty() {
        rejects = all_rejects(&ingested.table, &clean.table, &golden.table.orphans);
        write_rejects(run, &rejects)?;
    }

    // What is wrong in the systems that live on, to be put right there.
    let findings = fixes::Findings {
        records,
        issues: &clean.table.issues,
        row_issues: &ingested.table.issues,
        rejects: &rejects,
        links: &ingested.table.links,
        golden: &golden.table,
    };
    run.count("fixes", findings.write(&run.path("fixes"), &plan.live)?);

    // The load package of the target.
    let emitted = match &plan.target {
        Some(target) if !until(Stage::Consolidate) => {
            run.manifest.target = target.name.clone();
            let folder = run.path(&format!("load/{}", target.name));
            let unknown = unknown_columns(&ingested.metrics);
            Some(run.stage("emit", |p| {
                emit::run(
                    &golden.table.loadable(plan.scope.priority),
                    &records.origins,
                    target,
                    unknown,
                    &folder,
                    p,
                )
            })?)
        }
        _ => None,
    };
    if let Some(emitted) = &emitted {
        run.count("load_rows", emitted.files.iter().map(|f| f.rows).sum());
    }

    // The numbers of all the others, for people.
    if !until(Stage::Emit) {
        let folder = run.path("report");
        run.stage("report", |_| {
            let input = report::Input {
                title: &plan.name,
                as_of: &as_of,
                ingest: &ingested.metrics,
                normalize: &clean.metrics,
                matching: &resolved.metrics,
                consolidate: &golden.metrics,
                emit: emitted.as_ref(),
                ingested: &ingested.table,
                clean: &clean.table,
                clusters: &resolved.clusters,
                golden: &golden.table,
                rejects: &rejects,
            };
            report::run(input, plan.lang, &folder)
        })?;
    }
    let registry = Some(after).filter(|after| plan.plain.is_none() && *after != registry);
    Ok(Legacy { model, registry, owners })
}

fn ingest(
    plan: &Plan,
    progress: &crate::progress::Progress,
) -> Result<(Staged<Ingested, ingest::Metrics>, IdKey)> {
    let Some(plain) = &plan.plain else {
        let key = plan.key.expect("every project has a key or gets one of its data");
        let mut read = ingest::run_with(&plan.sources, &plan.privacy, &key, progress)?;
        plan.unread(&read.metrics)?.add_to(&mut read.table);
        return Ok((read, key));
    };
    let tables: Vec<_> = plain
        .files
        .iter()
        .flat_map(|(path, name)| ingest::read::files(path, name))
        .map(|(path, file)| ingest::plain::PlainTable { path, file })
        .collect();
    let options = ingest::plain::Options {
        id: plain.id.clone(),
        source: plain.source.clone(),
        kind: plain.kind,
        country: plain.country.clone(),
    };
    ingest::plain::run(&tables, &options, progress)
}

/// With `--strict`, a source that cannot be read stops the run.
fn refuse_unreadable(plan: &Plan, ingested: &Staged<Ingested, ingest::Metrics>) -> Result<()> {
    let unreadable = ingested.table.rejects.iter().find(|r| r.code == "unreadable_file");
    match unreadable {
        Some(reject) if plan.strict => Err(Error::Format {
            path: reject.file.clone().into(),
            message: reject.message.clone(),
            hint: Some("without `--strict` the other sources are run".into()),
        }),
        _ => Ok(()),
    }
}

fn count_rows(run: &mut Run, metrics: &ingest::Metrics) {
    let sum = |of: fn(&ingest::TableFate) -> u64| metrics.tables.iter().map(of).sum();
    run.count("rows", sum(|t| t.rows));
    run.count("record_rows", sum(|t| t.record_rows));
    run.count("records", sum(|t| t.records));
    run.count("history_rows", sum(|t| t.history_rows));
    run.count("rejected_rows", sum(|t| t.rejected_rows));
    run.count("skipped_rows", sum(|t| t.skipped_rows.values().sum()));
}

/// Every file found has one fate: read, left out on purpose, named by no source, or not to be read.
fn count_files(run: &mut Run, ingested: &Staged<Ingested, ingest::Metrics>) {
    let table = &ingested.table;
    let rejected = |code: &str| -> BTreeSet<&str> {
        let whole = table.rejects.iter().filter(|r| r.code == code && r.sheet.is_empty());
        whole.map(|r| r.file.as_str()).collect()
    };
    let (unreadable, unnamed) = (rejected("unreadable_file"), rejected("no_source"));
    let tables = ingested.metrics.tables.iter().map(|t| t.file.as_str());
    let read: BTreeSet<&str> =
        tables.chain(rejected("no_rows")).filter(|file| !unreadable.contains(file)).collect();
    let ignored = table.skipped.iter().filter(|s| s.row.is_none() && s.sheet.is_empty()).count();
    let sheets = table.rejects.iter().filter(|r| r.code == "no_source" && !r.sheet.is_empty());
    run.count("files", (read.len() + ignored + unnamed.len() + unreadable.len()) as u64);
    run.count("read_files", read.len() as u64);
    run.count("ignored_files", ignored as u64);
    run.count("files_without_source", unnamed.len() as u64);
    run.count("unreadable_files", unreadable.len() as u64);
    run.count("sheets_without_source", sheets.count() as u64);
    run.count("left_out_rows", table.left_out.iter().map(|left_out| left_out.rows).sum());
    run.count("cut_files", rejected("truncated_file").len() as u64);
    run.count("files_without_rows", rejected("no_rows").len() as u64);
}

fn count_records(run: &mut Run, table: &Ingested) {
    let records = &table.records;
    for (kind, name) in [
        (Kind::Person, "person_records"),
        (Kind::Organisation, "organisation_records"),
        (Kind::Other, "other_records"),
    ] {
        run.count(name, records.kinds.iter().filter(|k| **k == kind).count() as u64);
    }
    let row = |couple: &Couple| {
        let first = couple.first as usize;
        (records.place[first], records.row[first])
    };
    let rows: BTreeSet<(u32, u32)> = table.couples.iter().map(row).collect();
    run.count("couple_rows", rows.len() as u64);
}

/// The columns that no attribute takes in any table that has them.
fn unknown_columns(metrics: &ingest::Metrics) -> BTreeSet<String> {
    metrics.tables.iter().flat_map(|table| table.unmapped_columns.iter().cloned()).collect()
}

/// The first entry of an account is the row of its record and a line of history.
fn count_history(run: &mut Run, ingested: &Staged<Ingested, ingest::Metrics>) {
    let lines: u64 = ingested.table.history.iter().map(|h| h.rows.len() as u64).sum();
    let alone: u64 = ingested.metrics.tables.iter().map(|t| t.history_rows).sum();
    run.count("history", lines);
    run.count("history_alone", alone);
    run.count("history_of_records", lines.saturating_sub(alone));
}

fn count_golden(run: &mut Run, golden: &Golden) {
    let golden_records = golden.persons.len() + golden.organisations.len() + golden.others.len();
    run.count("golden", golden_records as u64);
    run.count("persons", golden.persons.len() as u64);
    run.count("organisations", golden.organisations.len() as u64);
    run.count("others", golden.others.len() as u64);
}

/// Writes what the sources call owners into the run, and gives it when the project says otherwise.
fn write_owners(plan: &Plan, run: &Run, records: &Records) -> Result<Option<Owners>> {
    let counted = plan.owners.counted(records);
    if plan.plain.is_some() || counted.0.is_empty() {
        return Ok(None);
    }
    owners::write(&run.path("golden/owners.csv"), &counted)?;
    Ok(Some(counted).filter(|counted| *counted != plan.owners))
}

fn count_retention(run: &mut Run, metrics: &consolidate::Metrics) {
    let expired = [Expired::Prospects, Expired::Customers].map(Expired::list);
    let counted = |list: &str| metrics.retention.get(list).copied().unwrap_or_default();
    run.count("past_retention", expired.into_iter().map(counted).sum());
    run.count("without_evidence", counted(consolidate::NO_EVIDENCE));
    run.count("withheld", metrics.withheld.values().sum());
    run.count("brought_in", metrics.brought_in);
    run.count("re_parented", metrics.re_parented);
    run.count("withheld_history", metrics.withheld_history);
}

fn all_rejects(ingested: &Ingested, clean: &Clean, orphans: &[Reject]) -> Vec<Reject> {
    let told = ingested.rejects.iter().chain(&clean.rejects).chain(orphans);
    let mut rejects: Vec<Reject> = told.cloned().collect();
    // By place first: a person reads them file by file.
    rejects.sort_by(|a, b| {
        let place = |r: &Reject| (r.source.clone(), r.file.clone(), r.sheet.clone(), r.row);
        (place(a), a).cmp(&(place(b), b))
    });
    rejects
}

fn write_rejects(run: &mut Run, rejects: &[Reject]) -> Result<()> {
    let cells = rejects.iter().filter(|r| r.severity == Severity::Cell).count();
    run.count("rejected_cells", cells as u64);
    for (code, name) in
        [("missing_column", "missing_columns"), ("possible_objection", "possible_objections")]
    {
        run.count(name, rejects.iter().filter(|r| r.code == code).count() as u64);
    }
    store::write_csv(&run.path("rejects.csv"), &Reject::COLUMNS, rejects)
}

/// The golden ids of earlier runs that live no more, each with the one to use instead: for a CRM that has
/// them already.
fn write_redirects(run: &Run, registry: &Registry) -> Result<()> {
    let redirects = registry.redirects();
    if redirects.is_empty() {
        return Ok(());
    }
    store::write_csv(&run.path("golden/redirects.csv"), &["golden_id", "now"], redirects)
}

/// What a steward should know of rows and values that were used, cell by cell.
fn write_issues(run: &mut Run, ingested: &Ingested, clean: &Clean) -> Result<()> {
    run.count("issues", (ingested.issues.len() + clean.issues.len()) as u64);
    let lines = issue_lines(ingested, clean);
    store::write_csv(&run.path("issues.csv"), &IssueLine::COLUMNS, lines)
}

fn write_skipped(run: &Run, ingested: &Ingested) -> Result<()> {
    let mut skipped: Vec<_> = ingested.skipped.iter().collect();
    skipped.sort_unstable();
    store::write_csv(
        &run.path("skipped.csv"),
        &["source", "file", "sheet", "row", "reason"],
        skipped,
    )
}

/// Where something sensitive stands, by cell: the values themselves are in no file of the run.
fn write_sensitive(run: &mut Run, ingested: &Ingested) -> Result<()> {
    run.count("sensitive_cells", ingested.sensitive.len() as u64);
    let header = ["source", "file", "sheet", "row", "column", "type"];
    store::write_csv(&run.path("sensitive.csv"), &header, &ingested.sensitive)
}

fn matching_settings(plan: &Plan) -> matching::Settings {
    matching::Settings {
        block: plan.block.clone(),
        score: plan.matching.clone(),
        link_only: plan.plain.as_ref().is_some_and(|plain| plain.link_only),
        one_to_one: plan.plain.as_ref().and_then(|plain| plain.one_to_one.then_some(true)),
    }
}

/// The models of earlier runs: none when they are to be trained again, or in `dedupe`.
fn known_models(plan: &Plan) -> Result<Vec<Model>> {
    let path = plan.folder.join(MODEL);
    if plan.retrain || plan.plain.is_some() || !path.is_file() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&store::read_text(&path)?).map_err(|error| Error::Format {
        path,
        message: error.to_string(),
        hint: Some("`--retrain` learns it again".into()),
    })
}

/// Writes what was learned into the run, and gives the text when the project does not have it yet.
fn write_models(
    plan: &Plan,
    run: &mut Run,
    known: &[Model],
    resolved: &Resolved,
) -> Result<Option<String>> {
    let mut json = serde_json::to_string_pretty(&resolved.models).map_err(Error::table(MODEL))?;
    json.push('\n');
    let path = run.path(MODEL);
    store::write(&path, &json)?;
    run.rule(&path, MODEL);
    let is_new = plan.plain.is_none() && known != resolved.models.as_slice();
    Ok(is_new.then_some(json))
}

/// What stewards decided; nothing in `dedupe`.
fn known_decisions(plan: &Plan, run: &mut Run) -> Result<Vec<Decision>> {
    let path = plan.folder.join(decisions::DECISIONS);
    if plan.plain.is_some() || !path.is_file() {
        return Ok(Vec::new());
    }
    run.rule(&path, decisions::DECISIONS);
    decisions::read(&plan.folder)
}

/// Every decision has one status.
fn count_decisions(run: &mut Run, decided: &Decided) {
    if decided.fates.is_empty() {
        return;
    }
    run.count("decisions", decided.fates.len() as u64);
    for status in Status::ALL {
        run.count(&format!("{}_decisions", status.as_str()), decided.count(status));
    }
    run.count("overruling_decisions", decided.overruling());
}

/// What earlier runs left; nothing in `dedupe`.
fn known_registry(plan: &Plan) -> Result<Registry> {
    match plan.plain {
        Some(_) => Ok(Registry::default()),
        None => Registry::read(&plan.folder),
    }
}

/// Which persons and organisations stand on one row: positions in `records.parquet`.
fn links_batch(links: &[Link]) -> Result<RecordBatch> {
    let numbers = |of: fn(&Link) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(links.iter().map(of)))
    };
    let roles = StringArray::from_iter_values(links.iter().map(|l| &l.role));
    let schema = Schema::new(vec![
        Field::new("person", DataType::UInt32, false),
        Field::new("organisation", DataType::UInt32, false),
        Field::new("role", DataType::Utf8, false),
    ]);
    let columns =
        vec![numbers(|l| l.person), numbers(|l| l.organisation), Arc::new(roles) as ArrayRef];
    RecordBatch::try_new(Arc::new(schema), columns).map_err(Error::table("links"))
}
