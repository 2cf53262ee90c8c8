//! One of the two runs that are compared, as it lies on disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    consolidate,
    decisions::{self, Told},
    error::{Error, Result},
    model::Kind,
    run::{self, Manifest},
    store,
    table::{GoldenConsent, RecordId, Records},
};

/// What one run made of its rows.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) manifest: Manifest,
    /// The clean records.
    pub(super) records: Records,
    /// For each record its golden id.
    pub(super) golden_of: Vec<String>,
    /// The golden records by id.
    pub(super) golden: BTreeMap<String, GoldenRecord>,
    /// The decisions that held, by record.
    decisions: BTreeMap<RecordId, Vec<Told>>,
    /// Their ids.
    pub(super) held: BTreeSet<String>,
}

/// A golden record: who is in it, and what is known of it.
#[derive(Debug, Default)]
pub(super) struct GoldenRecord {
    pub(super) kind: Option<Kind>,
    /// Positions of its records, ascending.
    pub(super) members: Vec<usize>,
    /// What is known of it, by what it is called: a column of the golden table, a consent, a link.
    pub(super) values: BTreeMap<String, String>,
}

impl Side {
    /// Reads the run in `folder`. A run that ended before values were chosen has golden records without any.
    pub(super) fn read(folder: &Path) -> Result<Side> {
        let manifest = run::manifest(folder)?;
        let clean = folder.join("tables/clean.parquet");
        let records = Records::from_batch(&store::read_parquet(&clean)?)?;
        let golden_of = consolidate::read_golden_ids(folder, &records)?;
        let mut side = Side {
            manifest,
            records,
            golden_of,
            golden: BTreeMap::new(),
            decisions: BTreeMap::new(),
            held: BTreeSet::new(),
        };
        side.add_decisions(decisions::read_told(folder)?);
        side.gather_members();
        side.add_values(folder)?;
        Ok(side)
    }

    /// What a record says, attribute by attribute.
    pub(super) fn values(&self, record: usize) -> BTreeSet<(&str, &str)> {
        let columns = self.records.columns.iter();
        columns
            .flat_map(|(name, column)| column.values(record).map(move |v| (name.as_str(), v)))
            .collect()
    }

    /// The decisions that held about a record.
    pub(super) fn decisions_of(&self, record: usize) -> impl Iterator<Item = &Told> {
        self.decisions.get(&self.records.ids[record]).into_iter().flatten()
    }

    fn add_decisions(&mut self, told: Vec<Told>) {
        for told in told.into_iter().filter(|told| told.bears()) {
            for id in told.record_ids() {
                self.decisions.entry(id).or_default().push(told.clone());
            }
            self.held.insert(told.decision_id);
        }
    }

    fn gather_members(&mut self) {
        for (record, id) in self.golden_of.iter().enumerate() {
            let golden = self.golden.entry(id.clone()).or_default();
            golden.kind = Some(self.records.kinds[record]);
            golden.members.push(record);
        }
    }

    fn add_values(&mut self, folder: &Path) -> Result<()> {
        for table in ["persons", "organisations", "records"] {
            each_row(&folder.join(format!("golden/{table}.csv")), |names, cells| {
                let filled = names.iter().zip(cells).skip(1).filter(|(_, cell)| !cell.is_empty());
                let values = filled.map(|(name, cell)| (name.to_owned(), cell.to_owned()));
                self.told(cells.get(0)).extend(values.collect::<Vec<_>>());
            })?;
        }
        each_row(&folder.join("golden/consents.csv"), |_, cells| {
            // golden_id, contact_point, channel, purpose, legal_entity, state
            let told = |at: usize| cells.get(at).unwrap_or_default();
            // Of most contact points nothing is known: that comes and goes with the contact point.
            if told(5) == GoldenConsent::UNKNOWN {
                return;
            }
            let name = [told(2), told(3), told(4), told(1)];
            let name: Vec<&str> = name.into_iter().filter(|part| !part.is_empty()).collect();
            let name = format!("consent {}", name.join(" "));
            self.told(cells.get(0)).insert(name, told(5).to_owned());
        })?;
        each_row(&folder.join("golden/links.csv"), |_, cells| {
            // person_id, organisation_id, role, current
            let told = |at: usize| cells.get(at).unwrap_or_default();
            let current = if told(3) == "true" { "current" } else { "former" };
            let name = format!("link {}", told(1));
            self.told(cells.get(0))
                .insert(name, format!("{current} {}", told(2)).trim().to_owned());
        })
    }

    /// Where to note what is known of a golden record.
    fn told(&mut self, id: Option<&str>) -> &mut BTreeMap<String, String> {
        &mut self.golden.entry(id.unwrap_or_default().to_owned()).or_default().values
    }
}

/// Hands each row of a CSV file of the run to `take`, with the header; none where the run has no such file.
fn each_row(
    path: &Path,
    mut take: impl FnMut(&csv::StringRecord, &csv::StringRecord),
) -> Result<()> {
    if !path.is_file() {
        return Ok(());
    }
    let wrong = |error: csv::Error| Error::Format {
        path: path.to_owned(),
        message: error.to_string(),
        hint: Some("it was changed after the run: `orpailleur verify` says what else".into()),
    };
    let mut reader = csv::Reader::from_reader(store::open(path)?);
    let names = reader.headers().map_err(wrong)?.clone();
    for cells in reader.records() {
        take(&names, &cells.map_err(wrong)?);
    }
    Ok(())
}
