//! The way of a file from its bytes to clean records, for inputs that nobody wrote: whatever they are, a
//! refusal or rows, each with one fate.

use std::{path::Path, sync::Arc};

use csv::StringRecord;
use orpailleur::{
    ingest::{self, Source, columns::Sample, mapping::Mapping, read, recognise::recognise},
    normalize,
    progress::Progress,
    table::IdKey,
};

/// Takes the file at `path`, called `name`, the whole way. A refusal is fine.
///
/// # Panics
///
/// When the program does, or when a row is lost or counted twice.
pub(crate) fn take(path: &Path, name: &str) {
    let Some((rows, mapping)) = read_only(path, name) else { return };
    let Some(mapping) = mapping() else { return };
    let source = Source {
        name: "anything".into(),
        files: vec![(path.to_owned(), name.to_owned())],
        sheets: Vec::new(),
        mapping,
        key_space: "anything".into(),
        legal_entity: None,
        country: String::new(),
        rank: 0,
        dated: String::new(),
    };
    let progress = Progress::hidden();
    let read = ingest::run(&[source], &IdKey([7; 32]), &progress).expect("a reject stops nothing");
    for fate in &read.metrics.tables {
        assert!(fate.balances(), "{fate:?}");
    }
    let with_fate: u64 = read.metrics.tables.iter().map(|fate| fate.rows).sum();
    assert_eq!(with_fate, rows, "every row has one fate");
    let clean = normalize::run(&read.table, &normalize::Settings::default(), &progress);
    clean.expect("a value that makes no sense stops nothing");
}

/// Reads every row of the file at `path`: how many there are, and what finds the mapping of its tables;
/// none when it is refused.
pub(crate) fn read_only(
    path: &Path,
    name: &str,
) -> Option<(u64, impl FnOnce() -> Option<Arc<Mapping>>)> {
    let mut rows = 0;
    let mut samples = Vec::new();
    for table in read::open(path).ok()? {
        // Several objects of JSON or elements of XML may stand on one line.
        let apart = !["json", "fec_xml"].contains(&table.format.container.as_str());
        let (count, sample) = every_row(&table.header, table.rows, apart);
        rows += count;
        samples.push((table.format.container, table.header, sample));
    }
    let name = name.to_owned();
    let mapping = move || {
        let best = |(container, header, sample): &(String, Vec<String>, Vec<StringRecord>)| {
            recognise(&name, container, header, sample, &[]).into_iter().next()
        };
        samples.iter().find_map(best).map(|best| best.mapping)
    };
    Some((rows, mapping))
}

/// How many rows there are, and some of them; `apart` says that no two have one number.
fn every_row(
    header: &[String],
    rows: impl Iterator<Item = read::Row>,
    apart: bool,
) -> (u64, Vec<StringRecord>) {
    let (mut count, mut last) = (0, 0);
    let mut sample = Sample::default();
    for row in rows {
        assert!(row.number >= last + u32::from(apart), "row {} follows row {last}", row.number);
        (count, last) = (count + 1, row.number);
        if let read::Content::Data(cells) = row.content {
            assert!(cells.len() >= header.len(), "a row has no fewer cells than the header");
            sample.add(&cells);
        }
    }
    (count, sample.rows())
}
