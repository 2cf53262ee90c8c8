//! Where golden cells come from, line by line: made in pieces, compressed while the next piece is made.

use std::{collections::BTreeMap, sync::Arc};

use arrow::{
    array::{ArrayRef, RecordBatch, StringBuilder},
    datatypes::{DataType, Field, Schema},
};

use super::{
    identity::Entity,
    pin, shown,
    survivorship::{Candidate, Rule, Survivor},
};
use crate::{
    error::Result,
    store::ParquetFile,
    table::{Lineage, Lineages, Records},
};

/// Lines of the lineage of some golden records.
#[derive(Default)]
pub(super) struct Lines {
    columns: [StringBuilder; 7],
    outcomes: BTreeMap<&'static str, u64>,
    pinned: Vec<(String, String)>,
}

impl Lines {
    /// Adds the line of one golden cell.
    pub(super) fn log(
        &mut self,
        entity: &Entity,
        attribute: &str,
        rule: Rule,
        survivor: &Survivor<'_>,
        records: &Records,
    ) {
        let id = |record: u32| records.ids[record as usize].to_string();
        let loser = |c: &Candidate<'_>| format!("{} ({})", shown(attribute, c.value), id(c.record));
        // The parts of a sum come first, each with a plus sign.
        let parts = survivor.parts.iter().map(|part| format!("+ {}", loser(part)));
        let losers: Vec<String> = parts.chain(survivor.losers.iter().map(loser)).collect();
        // What no row says is the steward's own word.
        let winner = match &survivor.pinned_by {
            Some(decision) if survivor.total.is_some() => decision.clone(),
            _ => id(survivor.winner.record),
        };
        let is_pinned = survivor.pinned_by.is_some();
        let outcome = survivor.outcome.as_str();
        self.push(Lineage {
            golden_id: &entity.id,
            attribute,
            value: &shown(attribute, survivor.value()),
            record_id: &winner,
            rule: if is_pinned { pin::RULE } else { rule.as_str() },
            outcome,
            losers: &losers.join(" | "),
        });
        *self.outcomes.entry(outcome).or_default() += 1;
        if is_pinned {
            self.pinned.push((entity.id.clone(), attribute.to_owned()));
        }
    }

    fn push(&mut self, line: Lineage<'_>) {
        let cells = [
            line.golden_id,
            line.attribute,
            line.value,
            line.record_id,
            line.rule,
            line.outcome,
            line.losers,
        ];
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.append_value(cell);
        }
    }
}

/// The lineage of all golden records, as it grows.
pub(super) struct Ledger {
    file: ParquetFile<Vec<u8>>,
    lineages: Lineages,
}

impl Ledger {
    /// An empty one.
    pub(super) fn new() -> Result<Ledger> {
        let file = ParquetFile::new("golden/lineage.parquet", Vec::new(), schema())?;
        Ok(Ledger { file, lineages: Lineages::default() })
    }

    /// Adds lines.
    pub(super) fn write(&mut self, mut lines: Lines) -> Result<()> {
        let columns = lines.columns.iter_mut().map(|c| Arc::new(c.finish()) as ArrayRef).collect();
        let batch = RecordBatch::try_new(schema(), columns);
        self.file.write(&batch.expect("every line has seven texts"))?;
        for (outcome, count) in lines.outcomes {
            *self.lineages.outcomes.entry(outcome).or_default() += count;
        }
        self.lineages.pinned.extend(lines.pinned);
        Ok(())
    }

    /// The whole.
    pub(super) fn finish(self) -> Result<Lineages> {
        Ok(Lineages { parquet: self.file.finish()?, ..self.lineages })
    }
}

fn schema() -> Arc<Schema> {
    let fields = Lineage::COLUMNS.map(|name| Field::new(name, DataType::Utf8, false));
    Arc::new(Schema::new(fields.to_vec()))
}
