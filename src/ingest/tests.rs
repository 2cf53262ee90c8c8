//! The whole stage on a legacy estate whose truth is known: `fixtures/demo`, or the corpus that the
//! variable `ORPAILLEUR_CORPUS` names (then with what is wrong, row by row, on stderr).

#![allow(clippy::print_stderr, reason = "what is wrong with a corpus is read by a person")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use csv::StringRecord;

use super::*;

/// `a/b.csv`, sheet, row.
type At = (String, String, u32);

struct Estate {
    legacy: PathBuf,
    truth: PathBuf,
}

fn estate() -> Estate {
    match std::env::var_os("ORPAILLEUR_CORPUS") {
        Some(corpus) => {
            let legacy = PathBuf::from(corpus);
            Estate { truth: legacy.join("truth"), legacy }
        }
        None => {
            let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
            Estate { legacy: demo.join("legacy"), truth: demo.join("truth") }
        }
    }
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// One source per table, recognised as `init` does, the ledgers of one company in one key space.
fn sources(legacy: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    files_below(legacy, &mut files);
    let mut sources = Vec::new();
    for path in files.into_iter().filter(|p| !p.components().any(|c| c.as_os_str() == "truth")) {
        let name = path.strip_prefix(legacy).expect("below").to_string_lossy().replace('\\', "/");
        for table in read::open(&path).expect("the estate is readable") {
            let data = |row: read::Row| match row.content {
                read::Content::Data(cells) => Some(cells),
                _ => None,
            };
            let rows: Vec<StringRecord> = table.rows.filter_map(data).collect();
            let found =
                recognise::recognise(&name, &table.format.container, &table.header, &rows, &[]);
            let Some(best) = found.into_iter().next() else {
                eprintln!("{name} {} is not recognised", table.sheet);
                continue;
            };
            if std::env::var_os("ORPAILLEUR_CORPUS").is_some() {
                eprintln!(
                    "{name} {} is {} ({:.2}) {:?}",
                    table.sheet, best.mapping.name, best.confidence, best.mapping.rows
                );
            }
            sources.push(Source {
                name: format!("{name} {}", table.sheet).trim().to_owned(),
                files: vec![(path.clone(), name.clone())],
                sheets: if table.sheet.is_empty() { Vec::new() } else { vec![table.sheet] },
                mapping: best.mapping,
                key_space: if name.starts_with("accounting/")
                    && !name.contains("523456788")
                    && !name.contains("tiers_2")
                {
                    "books".into()
                } else {
                    name.clone()
                },
                legal_entity: None,
                country: String::new(),
                rank: sources.len() as u32,
                dated: String::new(),
            });
        }
    }
    sources
}

fn lines(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).expect("the truth is there");
    reader.deserialize().map(|line| line.expect("a line")).collect()
}

fn at(line: &BTreeMap<String, String>) -> At {
    (line["file"].clone(), line["sheet"].clone(), line["row"].parse().expect("a row"))
}

/// Shares of all mentions, as the corpus' own score has them.
#[derive(Debug, Default)]
struct Shares {
    mentions: u64,
    wrong_kind: u64,
    invented: u64,
    rejected: u64,
    unaccounted: u64,
    junk_taken: u64,
    private_taken: u64,
}

#[test]
fn every_mention_of_the_estate_becomes_a_record_of_its_kind() {
    let estate = estate();
    let sources = sources(&estate.legacy);
    let staged = run(&sources, &IdKey([7; 32]), &Progress::hidden()).expect("it runs");
    for fate in &staged.metrics.tables {
        assert!(fate.balances(), "{fate:?}");
    }
    let verbose = std::env::var_os("ORPAILLEUR_CORPUS").is_some();
    let ingested = &staged.table;
    let private: BTreeSet<String> = lines(&estate.truth.join("entities.csv"))
        .into_iter()
        .filter(|e| e.get("private").is_some_and(|p| p == "1"))
        .map(|e| e["entity_id"].clone())
        .collect();
    let mut truth: BTreeMap<At, [i64; 2]> = BTreeMap::new();
    let mut may_lack: BTreeMap<At, i64> = BTreeMap::new();
    let mut plain: BTreeSet<String> = BTreeSet::new();
    let read: BTreeSet<String> = staged.metrics.tables.iter().map(|t| t.file.clone()).collect();
    for line in
        lines(&estate.truth.join("records.csv")).into_iter().filter(|l| read.contains(&l["file"]))
    {
        if line["sheet"].is_empty() {
            plain.insert(line["file"].clone());
        }
        let kind = usize::from(line["kind"] == "organisation");
        truth.entry(at(&line)).or_default()[kind] += 1;
        *may_lack.entry(at(&line)).or_default() += i64::from(private.contains(&line["entity_id"]));
    }
    let place = |at: u32, row: u32| -> At {
        let place = &ingested.records.places[at as usize];
        let sheet = if plain.contains(&place.file) { String::new() } else { place.sheet.clone() };
        (place.file.clone(), sheet, row)
    };
    let mut have: BTreeMap<At, [i64; 2]> = BTreeMap::new();
    for i in 0..ingested.records.len() {
        let kind = usize::from(ingested.records.kinds[i] == Kind::Organisation);
        have.entry(place(ingested.records.place[i], ingested.records.row[i])).or_default()[kind] +=
            1;
    }
    let left_out: BTreeSet<(String, u32)> = ingested
        .rejects
        .iter()
        .filter_map(|r| Some((r.file.clone(), r.row?)))
        .chain(ingested.skipped.iter().filter_map(|s| Some((s.file.clone(), s.row?))))
        .collect();
    let junk: BTreeSet<At> = lines(&estate.truth.join("junk.csv")).iter().map(at).collect();

    let mut shares = Shares {
        mentions: truth.values().map(|n| (n[0] + n[1]) as u64).sum(),
        ..Shares::default()
    };
    let mut per_file: BTreeMap<(String, &str), u64> = BTreeMap::new();
    let rows: BTreeSet<&At> = truth.keys().chain(have.keys()).collect();
    for row in rows {
        let want = truth.get(row).copied().unwrap_or_default();
        let got = have.get(row).copied().unwrap_or_default();
        let lack: i64 = (0..2).map(|k| (want[k] - got[k]).max(0)).sum();
        let over: i64 = (0..2).map(|k| (got[k] - want[k]).max(0)).sum();
        let wrong = lack.min(over);
        let rest = (lack - wrong - may_lack.get(row).copied().unwrap_or(0)).max(0);
        let is_junk = junk.contains(row);
        let invented = if is_junk { 0 } else { over - wrong };
        let left = left_out.contains(&(row.0.clone(), row.2));
        shares.wrong_kind += wrong as u64;
        shares.invented += invented as u64;
        shares.junk_taken += u64::from(is_junk && got != [0, 0]);
        *(if left { &mut shares.rejected } else { &mut shares.unaccounted }) += rest as u64;
        let private_row = may_lack.get(row).copied().unwrap_or(0) > 0;
        shares.private_taken += u64::from(private_row && got[0] > 0);
        for (what, n) in [
            ("wrong", wrong),
            ("invented", invented),
            ("lost", rest),
            ("junk", i64::from(is_junk && got != [0, 0])),
            ("private", i64::from(private_row && got[0] > 0)),
        ] {
            if n > 0 {
                *per_file.entry((row.0.clone(), what)).or_default() += n as u64;
                if verbose {
                    eprintln!("{what}: {row:?} want {want:?} got {got:?}");
                }
            }
        }
    }
    if verbose {
        eprintln!("{per_file:#?}");
        for fate in &staged.metrics.tables {
            eprintln!(
                "{} {}: {} rows, {} records, unmapped {:?}, skipped {:?}, rejected {}",
                fate.file,
                fate.sheet,
                fate.rows,
                fate.records,
                fate.unmapped_columns,
                fate.skipped_rows,
                fate.rejected_rows
            );
        }
        for reject in &ingested.rejects {
            eprintln!(
                "reject {} {} {:?} {} {} {}",
                reject.file, reject.sheet, reject.row, reject.column, reject.code, reject.raw
            );
        }
        eprintln!("doubtful {}", staged.metrics.doubtful_kinds.len());
    }
    eprintln!("{shares:?}");
    let share = |n: u64| n as f64 / shares.mentions as f64;
    assert!(share(shares.wrong_kind) <= 0.02, "{shares:?}");
    assert!(share(shares.invented) <= 0.01, "{shares:?}");
    assert!(share(shares.rejected) <= 0.01, "{shares:?}");
    assert_eq!(shares.unaccounted, 0, "{shares:?}");
    consent(&estate, ingested, &place, verbose);
}

/// Every objection of the truth is an event of its row, and no event says what the truth does not.
fn consent(estate: &Estate, ingested: &Ingested, place: &impl Fn(u32, u32) -> At, verbose: bool) {
    let mut told: BTreeSet<(At, String, String)> = BTreeSet::new();
    for event in &ingested.events {
        told.insert((
            place(event.place, event.row),
            event.channel.as_str().into(),
            event.state.as_str().into(),
        ));
    }
    let mut truth: BTreeSet<(At, String, String)> = BTreeSet::new();
    let read: BTreeSet<String> = ingested.records.places.iter().map(|t| t.file.clone()).collect();
    for line in lines(&estate.truth.join("consent_events.csv"))
        .into_iter()
        .filter(|l| read.contains(&l["file"]))
    {
        truth.insert((at(&line), line["channel"].clone(), line["event"].clone()));
    }
    let missing: Vec<_> = truth.difference(&told).collect();
    let more: Vec<_> = told.difference(&truth).collect();
    eprintln!("consent: {} events, {} missing, {} more", truth.len(), missing.len(), more.len());
    if verbose {
        eprintln!("missing {missing:#?}\nmore {:#?}", more.iter().take(30).collect::<Vec<_>>());
    }
    let objection = |e: &&&(At, String, String)| matches!(e.2.as_str(), "opt_out" | "complaint");
    assert_eq!(missing.iter().filter(objection).count(), 0, "{missing:?}");
    assert!(missing.len() * 20 <= truth.len(), "{missing:?}");
}
