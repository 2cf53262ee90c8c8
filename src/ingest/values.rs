//! Which values the category columns of the sources hold, and how often: what a common vocabulary is made of.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use super::{
    mapping::{Mapping, Rows},
    read::{self, Content, Table},
    withhold,
};
use crate::{progress::Progress, value::text};

/// For each attribute its values with how often each stands in the sources, as written but for blanks.
pub type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// Counts the values of `attributes` in the tables of these files, each with its name, the sheets to read
/// (empty for all) and its mapping. Files that cannot be read count for nothing: others tell.
pub fn count<'s>(
    files: impl IntoIterator<Item = (PathBuf, String, &'s [String], &'s Mapping)>,
    attributes: &[&str],
    progress: &Progress,
) -> crate::error::Result<Counts> {
    let mut counts = Counts::new();
    for (path, name, sheets, mapping) in files {
        for (path, _) in read::files(&path, &name) {
            progress.check()?;
            for table in mapping.open(&path).into_iter().flatten() {
                if sheets.is_empty() || sheets.contains(&table.sheet) {
                    count_table(table, mapping, attributes, &mut counts);
                }
            }
        }
    }
    Ok(counts)
}

fn count_table(table: Table, mapping: &Mapping, attributes: &[&str], counts: &mut Counts) {
    let mapping = match mapping.tables.as_slice() {
        [] => mapping,
        _ => mapping.of_table(&table.header),
    };
    if matches!(mapping.rows, Rows::Fec | Rows::History) {
        return;
    }
    let bound = mapping.bind(&table.header);
    let wanted: Vec<(usize, &str)> = bound
        .iter()
        .enumerate()
        .filter_map(|(at, bound)| Some((at, bound.as_ref()?.rule.attribute.as_str())))
        .filter(|(_, attribute)| attributes.contains(attribute))
        .collect();
    if wanted.is_empty() {
        return;
    }
    let scopes = withhold::scopes(mapping, &table.header);
    let header = table.header.clone();
    let (table, _) =
        withhold::withhold(table, withhold::Watch::new(scopes, header, &BTreeSet::new()));
    table.tally.count_only();
    for row in table.rows {
        let Content::Data(cells) = row.content else { continue };
        for (at, attribute) in &wanted {
            let value = text::clean(cells.get(*at).unwrap_or(""));
            if !value.is_empty() && !text::is_placeholder(&value) {
                let values = counts.entry((*attribute).to_owned()).or_default();
                *values.entry(value).or_default() += 1;
            }
        }
    }
}
