//! Which known layout a table has, told by its header and never by its extension.

use std::sync::Arc;

use csv::StringRecord;

use super::{
    columns, fec, history,
    mapping::{self, Mapping, file_name_fits, key},
};

/// A layout that a table may have.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The mapping that reads it.
    pub mapping: Arc<Mapping>,
    /// How sure it is, from 0 to 1: all of the signature is there (or it would be no candidate), and
    /// this is how much of the table's columns it explains.
    pub confidence: f64,
    /// Whether the columns were understood one by one, no known layout fitting.
    pub generic: bool,
}

/// The layouts that fit a table, best first; the second is the runner-up.
///
/// `own` are the project's mappings, which win over built-in ones. `container` is that of
/// [`super::read::Format`], `rows` a few rows of data. Empty when the table is none of customers or
/// of their history.
pub fn recognise(
    file: &str,
    container: &str,
    header: &[String],
    rows: &[StringRecord],
    own: &[Arc<Mapping>],
) -> Vec<Candidate> {
    let mut found: Vec<(bool, Candidate)> = Vec::new();
    let known = own.iter().map(|m| (true, m)).chain(mapping::built_in().iter().map(|m| (false, m)));
    for (is_own, mapping) in known {
        if let Some(confidence) = fit(mapping, file, container, header) {
            let candidate = Candidate { mapping: mapping.clone(), confidence, generic: false };
            found.push((is_own, candidate));
        }
    }
    found.sort_by(|(a_own, a), (b_own, b)| {
        b_own.cmp(a_own).then(b.confidence.total_cmp(&a.confidence))
    });
    let mut found: Vec<Candidate> = found.into_iter().map(|(_, candidate)| candidate).collect();
    found.extend(generic(file, header, rows));
    found
}

/// The table read column by column: related to customers, or one of them. Surer than this no table
/// is whose layout is not known.
fn generic(file: &str, header: &[String], rows: &[StringRecord]) -> Vec<Candidate> {
    const SUREST: f64 = 0.8;
    let understood = columns::understand(header, rows);
    let told = understood.iter().filter(|c| !c.attribute.is_empty());
    let sum: u32 = told.map(|c| u32::from(c.confidence)).sum();
    let columns = understood.iter().filter(|c| c.content.filled > 0).count().max(1);
    let confidence = SUREST * (f64::from(sum) / 100.0 / columns as f64).min(1.0);
    let candidate = |mapping| Candidate { mapping: Arc::new(mapping), confidence, generic: true };
    let known_fec = fec::is_fec(header).then(|| mapping::named("fec")).flatten();
    match known_fec {
        // Of a FEC some columns are called differently than the law says.
        Some(mapping) => vec![Candidate { mapping, confidence: SUREST, generic: false }],
        None => history::mapping(file, &understood)
            .into_iter()
            .chain(columns::mapping(&understood))
            .map(candidate)
            .collect(),
    }
}

/// How well a mapping fits, from 0 to 1; `None` when its signature is not all there.
fn fit(mapping: &Mapping, file: &str, container: &str, header: &[String]) -> Option<f64> {
    let signature = &mapping.recognise;
    if signature.signature.is_empty() && signature.container.is_empty() {
        return None;
    }
    if !signature.container.is_empty() && signature.container != container {
        return None;
    }
    let keys: Vec<String> = header.iter().map(|h| key(h)).collect();
    let there = |wanted: &String| wanted.split('|').any(|w| keys.contains(&key(w)));
    if !signature.signature.iter().all(there) || signature.without.iter().any(there) {
        return None;
    }
    let named = signature.file_name.iter().any(|pattern| file_name_fits(pattern, file));
    if signature.only_file_name && !named {
        return None;
    }
    let filled = keys.iter().filter(|k| !k.is_empty()).count().max(1);
    let explained = mapping.known_columns(header);
    // A name that fits is worth as much as a tenth of the columns.
    let bonus = if named { 0.1 } else { 0.0 };
    Some((0.5 + 0.5 * explained as f64 / filled as f64 + bonus).min(1.0))
}
