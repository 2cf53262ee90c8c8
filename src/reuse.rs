//! What of an earlier run still holds: a stage whose inputs did not change is taken over, not run again.
//!
//! A fingerprint is the digest of everything that a result depends on: the program itself, the content of what was read,
//! settings, mappings, decisions. Equal fingerprints give equal bytes, so the files of the earlier run are linked into
//! the new one, which stays complete when the earlier one is deleted. Two results are taken over:
//!
//! - a whole run, when nothing at all differs;
//! - what matching found, by far the dearest stage, when records, decisions, model and matching settings are the same,
//!   whatever else differs. It is taken from a run that was killed, too.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, LazyLock},
};

use arrow::{
    array::{ArrayRef, Int32Array, RecordBatch, StringArray, UInt32Array},
    datatypes::{DataType, Field, Schema},
};
use serde::{Deserialize, Serialize};

use crate::{
    cluster::{Said, Zone},
    config::Plan,
    decisions,
    error::{Error, Result},
    matching::{self, Resolved},
    registry,
    report::Matching,
    run::{self, Done, MODEL, PAIRS, Run},
    score::Model,
    store,
    table::{Couple, Pair, Review},
    value::category::Vocabulary,
};

/// The clusters of the records, by position in `clean.parquet`.
const CLUSTERS: &str = "tables/clusters.parquet";
/// What else matching found.
const MATCHING: &str = "tables/matching.json";
/// All that matching hands on.
const TABLES: [&str; 3] = [CLUSTERS, MATCHING, PAIRS];

/// Name of the fingerprint of a whole run in its manifest.
const WHOLE: &str = "run";
/// Name of the stage of matching, and of its fingerprint with the models that it learned.
const MATCH: &str = "match";
/// Name of the fingerprint of matching with the models that were known before: the result is the same.
const MATCH_BEFORE: &str = "match_before";

/// The digest of what a result depends on, part by part.
struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    /// Begins with the program: another build may give another result. None where it cannot read itself.
    fn begin() -> Option<Fingerprint> {
        let program = PROGRAM.as_deref()?;
        let mut hasher = blake3::Hasher::new_derive_key("orpailleur 2026 fingerprint of a result");
        hasher.update(program.as_bytes());
        Some(Fingerprint(hasher))
    }

    fn text(&mut self, part: &str) {
        self.0.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }

    fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

/// The digest of the program; none where it cannot read itself.
static PROGRAM: LazyLock<Option<String>> = LazyLock::new(|| {
    Some(content(&std::env::current_exe().ok()?)).filter(|digest| !digest.is_empty())
});

/// The digest of a file's content; empty where it cannot be read.
fn content(path: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    let read = fs::File::open(path).and_then(|file| hasher.update_reader(file).map(drop));
    read.map_or_else(|_| String::new(), |()| hasher.finalize().to_hex().to_string())
}

/// Takes over the latest run as a whole where nothing differs: whether it did. The fingerprint stands in the manifest
/// for the next run.
pub fn whole_run(plan: &Plan, run: &mut Run) -> Result<bool> {
    let Some(mut fingerprint) = Fingerprint::begin().filter(|_| plan.plain.is_none()) else {
        return Ok(false);
    };
    // Settings and mappings as they are understood, options of the command line among them. What the project calls
    // values is in no order; its files are among the rules.
    let mut result = Plan { fresh: false, retrain: false, ..plan.clone() };
    result.normalize.vocabulary = Vocabulary::default();
    fingerprint.text(&format!("{result:?}"));
    for (path, name) in &plan.rules {
        fingerprint.text(name);
        fingerprint.text(&content(path));
    }
    let kept =
        [MODEL, decisions::DECISIONS, registry::GOLDEN_IDS, registry::KEYS, registry::EVENTS];
    for name in kept {
        fingerprint.text(name);
        fingerprint.text(&content(&plan.folder.join(name)));
    }
    // All that lies beside the inputs: what no source names is told, and documents name attached files.
    let beside = plan.legacy.as_deref().map(run::files_below).transpose()?.unwrap_or_default();
    let runs = plan.runs.canonicalize().unwrap_or_else(|_| plan.runs.clone());
    let beside = beside
        .into_iter()
        .filter(|(path, _)| !path.canonicalize().is_ok_and(|path| path.starts_with(&runs)));
    for digest in run::digests(&plan.inputs().into_iter().chain(beside).collect::<Vec<_>>()) {
        fingerprint.text(&digest.file);
        fingerprint.text(digest.sha256.as_deref().unwrap_or_default());
    }
    run.manifest.fingerprints.insert(WHOLE.into(), fingerprint.finish());
    let Some((folder, last)) = run.last().filter(|_| may_reuse(plan)) else { return Ok(false) };
    if last.fingerprints.get(WHOLE) != run.manifest.fingerprints.get(WHOLE) {
        return Ok(false);
    }
    // What was changed after the run is not passed on.
    if !run::differences(&folder, &last)?.is_empty() {
        return Ok(false);
    }
    for output in &last.outputs {
        take_over(&folder, &output.file, run)?;
    }
    let stages =
        last.stages.iter().filter(|stage| stage.part_of.is_none() && stage.stage != "total");
    let stages = stages.map(|stage| stage.stage.clone()).chain(last.reused.keys().cloned());
    run.manifest.reused = stages.map(|stage| (stage, last.run.clone())).collect();
    run.manifest.fingerprints.extend(last.fingerprints);
    run.manifest.project = last.project;
    run.manifest.as_of = last.as_of;
    run.manifest.target = last.target;
    run.manifest.until = last.until;
    run.manifest.rules = last.rules;
    run.manifest.counts = last.counts;
    Ok(true)
}

/// A table of plain files has no earlier run; who asks for training or for a fresh run gets it.
fn may_reuse(plan: &Plan) -> bool {
    plan.plain.is_none() && !plan.retrain && !plan.fresh
}

/// Gives `run` a file of another run: the same file on disk where that can be, else a copy.
fn take_over(from: &Path, file: &str, run: &Run) -> Result<()> {
    let (from, to) = (from.join(file), run.path(file));
    if let Some(folder) = to.parent() {
        store::create_folder(folder)?;
    }
    if fs::hard_link(&from, &to).is_err() {
        fs::copy(&from, &to).map_err(Error::io("write", &to))?;
    }
    Ok(())
}

/// What matching depends on, but for the models.
pub struct Inputs(Option<Fingerprint>);

impl Inputs {
    /// Of a run whose tables up to `clean.parquet` are written.
    pub fn of(
        plan: &Plan,
        run: &Run,
        couples: &[Couple],
        settings: &matching::Settings,
    ) -> Result<Inputs> {
        let mut fingerprint = Fingerprint::begin().filter(|_| plan.plain.is_none());
        if let Some(fingerprint) = &mut fingerprint {
            for table in ["tables/clean.parquet", "tables/links.parquet"] {
                fingerprint.text(&content(&run.path(table)));
            }
            fingerprint.text(&serde_json::to_string(couples).map_err(Error::table("couples"))?);
            fingerprint.text(&content(&plan.folder.join(decisions::DECISIONS)));
            fingerprint.text(&format!("{:?} {settings:?}", plan.key));
        }
        Ok(Inputs(fingerprint))
    }

    /// With these models, or with none when they are to be trained.
    fn with(&self, models: &[Model]) -> Result<Option<String>> {
        let json = serde_json::to_string(models).map_err(Error::table(MODEL))?;
        Ok(self.0.as_ref().map(|fingerprint| {
            let mut whole = Fingerprint(fingerprint.0.clone());
            whole.text(&json);
            whole.finish()
        }))
    }
}

/// `tables/matching.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    models: Vec<Model>,
    metrics: Vec<Matching>,
    review: Vec<Review>,
    overruled: Vec<(usize, String)>,
}

/// What an earlier run, complete or killed, found in the same records with the `known` models, its tables linked into
/// `run`; none where there is no such run.
pub fn matching(
    plan: &Plan,
    run: &mut Run,
    inputs: &Inputs,
    known: &[Model],
) -> Result<Option<Resolved>> {
    let Some(fingerprint) = inputs.with(known)?.filter(|_| may_reuse(plan)) else {
        return Ok(None);
    };
    for (name, folder, done) in run.others()? {
        let is_same =
            [MATCH, MATCH_BEFORE].map(|name| done.fingerprints.get(name) == Some(&fingerprint));
        if !is_same.contains(&true) || !is_whole(&folder, &done) {
            continue;
        }
        let Some(resolved) = read(&folder) else { continue };
        for file in TABLES {
            take_over(&folder, file, run)?;
        }
        run.manifest.reused.insert(MATCH.into(), name);
        note(run, inputs, known, &resolved)?;
        return Ok(Some(resolved));
    }
    Ok(None)
}

/// Keeps what matching found for later runs.
pub fn keep_matching(
    run: &mut Run,
    inputs: &Inputs,
    known: &[Model],
    resolved: &Resolved,
) -> Result<()> {
    store::write_parquet(&run.path(PAIRS), &pairs_batch(&resolved.pairs)?)?;
    store::write_parquet(&run.path(CLUSTERS), &clusters_batch(&resolved.clusters.cluster)?)?;
    let kept = Kept {
        models: resolved.models.clone(),
        metrics: resolved.metrics.clone(),
        review: resolved.clusters.review.clone(),
        overruled: resolved.overruled.clone(),
    };
    let json = serde_json::to_string(&kept).map_err(Error::table(MATCHING))?;
    store::write(&run.path(MATCHING), json)?;
    note(run, inputs, known, resolved)
}

/// Notes what the tables of matching were made from, for the manifest and for the run after one that is killed.
fn note(run: &mut Run, inputs: &Inputs, known: &[Model], resolved: &Resolved) -> Result<()> {
    let names = [(MATCH, inputs.with(&resolved.models)?), (MATCH_BEFORE, inputs.with(known)?)];
    let named = names.into_iter().filter_map(|(name, digest)| Some((name.to_owned(), digest?)));
    let fingerprints: BTreeMap<String, String> = named.collect();
    run.manifest.fingerprints.extend(fingerprints.clone());
    let files = TABLES.map(|name| (run.path(name), name.to_owned()));
    run.note(Done { fingerprints, outputs: run::digests(&files) })
}

/// Whether the tables of matching are as they were written.
fn is_whole(folder: &Path, done: &Done) -> bool {
    let files = TABLES.map(|name| (folder.join(name), name.to_owned()));
    run::digests(&files).iter().all(|now| now.sha256.is_some() && done.outputs.contains(now))
}

/// What matching found in the run in `folder`.
fn read(folder: &Path) -> Option<Resolved> {
    let kept: Kept = serde_json::from_str(&store::read_text(&folder.join(MATCHING)).ok()?).ok()?;
    let table = |name: &str| store::read_parquet(&folder.join(name)).ok();
    let mut resolved = Resolved {
        metrics: kept.metrics,
        models: kept.models,
        pairs: pairs_of(&table(PAIRS)?)?,
        overruled: kept.overruled,
        ..Resolved::default()
    };
    resolved.clusters.cluster = numbers(&table(CLUSTERS)?, "cluster")?;
    resolved.clusters.review = kept.review;
    Some(resolved)
}

fn clusters_batch(clusters: &[u32]) -> Result<RecordBatch> {
    let schema = Schema::new(vec![Field::new("cluster", DataType::UInt32, false)]);
    let column = Arc::new(UInt32Array::from(clusters.to_vec())) as ArrayRef;
    RecordBatch::try_new(Arc::new(schema), vec![column]).map_err(Error::table("clusters"))
}

/// The pairs that came into question: positions of their records, what is said of them, and their zone.
fn pairs_batch(pairs: &[Said]) -> Result<RecordBatch> {
    let numbers = |of: fn(&Said) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(pairs.iter().map(of)))
    };
    let weights = Int32Array::from_iter_values(pairs.iter().map(|s| s.pair.weight_centibits));
    let zones = StringArray::from_iter_values(pairs.iter().map(|said| said.zone.as_str()));
    let schema = Schema::new(vec![
        Field::new("left", DataType::UInt32, false),
        Field::new("right", DataType::UInt32, false),
        Field::new("weight_centibits", DataType::Int32, false),
        Field::new("zone", DataType::Utf8, false),
    ]);
    let columns = vec![
        numbers(|said| said.pair.left),
        numbers(|said| said.pair.right),
        Arc::new(weights) as ArrayRef,
        Arc::new(zones),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).map_err(Error::table("pairs"))
}

/// Reads what [`pairs_batch`] makes.
fn pairs_of(batch: &RecordBatch) -> Option<Vec<Said>> {
    let (left, right) = (numbers(batch, "left")?, numbers(batch, "right")?);
    let weights: &Int32Array = batch.column_by_name("weight_centibits")?.as_any().downcast_ref()?;
    let zones: &StringArray = batch.column_by_name("zone")?.as_any().downcast_ref()?;
    let said = left.into_iter().zip(right).zip(weights.values()).zip(zones);
    said.map(|(((left, right), &weight_centibits), zone)| {
        let zone = [Zone::Separate, Zone::Review, Zone::Merged]
            .into_iter()
            .find(|known| Some(known.as_str()) == zone)?;
        Some(Said { pair: Pair { left, right, weight_centibits }, zone })
    })
    .collect()
}

fn numbers(batch: &RecordBatch, column: &str) -> Option<Vec<u32>> {
    let numbers: &UInt32Array = batch.column_by_name(column)?.as_any().downcast_ref()?;
    Some(numbers.values().to_vec())
}
