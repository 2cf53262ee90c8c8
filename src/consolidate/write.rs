//! The files of `golden/` and the crosswalk.

use std::{
    collections::{BTreeSet, HashMap},
    io::Write,
    ops::Range,
    path::Path,
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use rayon::prelude::*;

use super::document::{self, Documents};
use crate::{
    error::{Error, Result},
    model::{self, Kind, Priority},
    store::{self, CsvFile, ParquetFile},
    table::{
        Channel, Column, Conflict, ConsentReview, Golden, GoldenConsent, GoldenRecords,
        GoldenRetention, Ingested, Place, RecordId, Records,
    },
    value::address::Address,
};

/// Writes every file of `golden/` into `folder`; `ingested` gives the whole rows of the history, and `legacy` is the
/// folder that attached files lie in.
pub fn write(
    folder: &Path,
    golden: &Golden,
    ingested: &Ingested,
    documents: &Documents,
    legacy: Option<&Path>,
) -> Result<()> {
    let tables = [
        ("persons", Kind::Person, &golden.persons),
        ("organisations", Kind::Organisation, &golden.organisations),
        ("records", Kind::Other, &golden.others),
    ];
    for (name, kind, table) in tables {
        // A table of records that are neither exists in `dedupe` alone, and is alone there.
        if table.is_empty() && (kind == Kind::Other) == golden.others.is_empty() {
            continue;
        }
        write_table(folder, name, kind, table)?;
    }
    store::write(&folder.join("lineage.parquet"), &golden.lineage.parquet)?;
    if !golden.conflicts.is_empty() {
        let path = folder.join("conflicts.csv");
        store::write_csv(&path, &Conflict::COLUMNS, &golden.conflicts)?;
    }
    if !golden.retention.is_empty() {
        let path = folder.join("retention.csv");
        store::write_csv(&path, &GoldenRetention::COLUMNS, &golden.retention)?;
    }
    if !golden.withheld.is_empty() {
        let path = folder.join("left_out.csv");
        store::write_csv(&path, &["golden_id", "reason"], &golden.withheld)?;
    }
    write_relations(folder, golden)?;
    write_history(folder, golden)?;
    if ingested.history.is_empty() {
        return Ok(());
    }
    document::write(&folder.join("history"), golden, ingested, documents, legacy)
}

/// Writes `crosswalk.csv`: one line per record, by file, sheet and row.
pub fn write_crosswalk(path: &Path, records: &Records, golden_of: &[String]) -> Result<()> {
    let header = ["source", "file", "sheet", "row", "kind", "record_key", "record_id", "golden_id"];
    // Places are few and rows are many: files and sheets are put in order once.
    let names = |place: &Place| (place.file.clone(), place.sheet.clone());
    let sheets: BTreeSet<(String, String)> = records.places.iter().map(names).collect();
    let sheets: Vec<(String, String)> = sheets.into_iter().collect();
    let rank = |place: &Place| sheets.binary_search(&names(place)).unwrap_or_default();
    let ranks: Vec<usize> = records.places.iter().map(rank).collect();
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.par_sort_unstable_by_key(|&r| {
        (ranks[records.place[r] as usize], records.row[r], records.kinds[r], r)
    });
    let mut file = CsvFile::create(path, header)?;
    for r in order {
        let place = records.place_of(r);
        file.row([
            place.source.as_str(),
            &place.file,
            &place.sheet,
            &records.row[r].to_string(),
            records.kinds[r].as_str(),
            &records.keys[r],
            &records.ids[r].to_string(),
            &golden_of[r],
        ])?;
    }
    file.finish()
}

/// For each record its golden id, as the crosswalk of the run in `folder` says; empty for one that it lacks.
pub fn read_golden_ids(folder: &Path, records: &Records) -> Result<Vec<String>> {
    let path = folder.join("crosswalk.csv");
    let wrong = |error: csv::Error| Error::Format {
        path: path.clone(),
        message: error.to_string(),
        hint: None,
    };
    let mut golden = vec![String::new(); records.len()];
    let mut reader = csv::Reader::from_reader(store::open(&path)?);
    for row in reader.deserialize::<HashMap<String, String>>() {
        let row = row.map_err(wrong)?;
        let id = row.get("record_id").and_then(|id| RecordId::parse(id));
        if let (Some(at), Some(golden_id)) =
            (id.and_then(|id| records.find(id)), row.get("golden_id"))
        {
            golden[at] = golden_id.clone();
        }
    }
    Ok(golden)
}

fn write_relations(folder: &Path, golden: &Golden) -> Result<()> {
    store::write_csv(
        &folder.join("links.csv"),
        &["person_id", "organisation_id", "role", "current", "since", "until"],
        &golden.links,
    )?;
    // Establishments name their legal unit in `parent_id`: links of their own are worth a file once
    // they say more than that.
    if golden.organisation_links.iter().any(|link| link.link_type != "establishment_of") {
        store::write_csv(
            &folder.join("organisation_links.csv"),
            &["child_id", "parent_id", "type"],
            &golden.organisation_links,
        )?;
    }
    if !golden.households.is_empty() {
        store::write_csv(
            &folder.join("households.csv"),
            &["household_id", "golden_id"],
            &golden.households,
        )?;
    }
    store::write_csv(
        &folder.join("keys.csv"),
        &["golden_id", "key_space", "key", "active"],
        &golden.keys,
    )?;
    write_consents(&folder.join("consents.csv"), &golden.consents)?;
    if !golden.consent_reviews.is_empty() {
        let path = folder.join("consent_reviews.csv");
        store::write_csv(&path, &ConsentReview::COLUMNS, golden.consent_reviews.iter().map(shown))?;
    }
    let states = golden.suppressed.iter();
    store::write_csv(
        &folder.join("suppressed.csv"),
        &["hash", "channel", "state"],
        states.map(|(hash, channel, state)| (hash, channel.as_str(), state.as_str())),
    )
}

/// A review with its postal address as people write it.
fn shown(line: &ConsentReview) -> ConsentReview {
    let mut line = line.clone();
    if line.channel == Channel::Post {
        line.contact_point = one_line(&line.contact_point);
    }
    line
}

/// Writes `consents.csv`, postal addresses as people write them.
fn write_consents(path: &Path, lines: &[GoldenConsent]) -> Result<()> {
    let mut file = CsvFile::create(path, GoldenConsent::COLUMNS)?;
    for line in lines {
        let mut cells = line.cells();
        if line.channel == Channel::Post {
            cells[1] = one_line(&line.contact_point).into();
        }
        file.row(cells.iter().map(|cell| cell.as_bytes()))?;
    }
    file.finish()
}

/// A canonical address on one line: street, complement, postcode and city, state, country.
pub(super) fn one_line(address: &str) -> String {
    let a = Address::decode(address);
    let town = [a.postcode.as_str(), &town(&a)].join(" ");
    let parts = [&a.street_line(), &a.complement, town.trim(), &a.state, &a.country];
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(", ")
}

fn town(address: &Address) -> String {
    [address.city.as_str(), &address.cedex].join(" ").trim().to_owned()
}

/// What stands in some columns of a golden table.
enum Cells<'t> {
    Texts(&'t [String]),
    /// The nth value of each golden record.
    Values(Option<&'t Column>, usize),
    /// Parts of the nth address of each golden record, a column each.
    Addresses(Option<&'t Column>, usize, Vec<Part>),
}

impl Cells<'_> {
    /// The cells of these golden records, column by column.
    fn arrays(&self, rows: Range<usize>) -> Vec<ArrayRef> {
        match self {
            Cells::Texts(texts) => vec![array(texts[rows].iter())],
            Cells::Values(column, nth) => vec![array(rows.map(|i| nth_value(*column, i, *nth)))],
            Cells::Addresses(column, nth, parts) => {
                let address = |i| Address::decode(nth_value(*column, i, *nth));
                let addresses: Vec<Address> = rows.map(address).collect();
                parts.iter().map(|part| array(addresses.iter().map(part))).collect()
            }
        }
    }
}

fn nth_value(column: Option<&Column>, i: usize, nth: usize) -> &str {
    column.and_then(|column| column.values(i).nth(nth)).unwrap_or_default()
}

fn array<T: AsRef<str>>(cells: impl Iterator<Item = T>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(cells))
}

/// The columns of a golden table as it is written, in order: golden id, the attributes in the order of the model, then
/// what consolidation found. Columns that hold nothing are left out unless a migration cannot do without.
struct Layout<'t> {
    fields: Vec<Field>,
    cells: Vec<Cells<'t>>,
    taken: BTreeSet<String>,
}

impl<'t> Layout<'t> {
    fn new(kind: Kind, table: &'t GoldenRecords) -> Layout<'t> {
        let mut layout = Layout { fields: Vec::new(), cells: Vec::new(), taken: BTreeSet::new() };
        layout.add("golden_id", Cells::Texts(&table.ids));
        let last: &[&str] = match kind {
            // What records say of their roles is told by `roles`.
            Kind::Person => &["owner", "role"],
            Kind::Organisation => &["owner", "role", "siren", "siret"],
            Kind::Other => &[],
        };
        let known = model::names_in_order().iter();
        let unknown = table.columns.keys().filter(|name| model::attribute(name).is_none());
        for name in known.chain(unknown).filter(|name| !last.contains(&name.as_str())) {
            layout.add_attribute(kind, table, name);
        }
        let first = |name: &str| Cells::Values(table.columns.get(name), 0);
        let of_both = [
            ("owner", first("owner")),
            ("lifecycle", Cells::Texts(&table.lifecycle)),
            ("roles", Cells::Texts(&table.roles)),
        ];
        match kind {
            Kind::Person => {
                layout.add("household_id", Cells::Texts(&table.household));
                of_both.into_iter().for_each(|(name, cells)| layout.add(name, cells));
            }
            Kind::Organisation => {
                of_both.into_iter().for_each(|(name, cells)| layout.add(name, cells));
                layout.add("level", Cells::Texts(&table.level));
                layout.add("siren", first("siren"));
                layout.add("siret", first("siret"));
                layout.add("parent_id", Cells::Texts(&table.parent));
            }
            Kind::Other => {}
        }
        layout
    }

    fn add(&mut self, name: &str, cells: Cells<'t>) {
        self.name(name);
        self.cells.push(cells);
    }

    fn name(&mut self, name: &str) {
        // A plain table may have a column called as one of ours.
        let mut name = name.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        self.fields.push(Field::new(name, DataType::Utf8, false));
    }

    /// Adds the columns of one attribute: one for each value that some golden record has.
    fn add_attribute(&mut self, kind: Kind, table: &'t GoldenRecords, name: &str) {
        let vital = model::attribute(name)
            .is_some_and(|a| a.priority == Priority::Vital && a.on.contains(&kind) && !a.part);
        let column = table.columns.get(name);
        let most = column.map_or(0, |column| {
            (0..column.len()).map(|i| column.values(i).len()).max().unwrap_or_default()
        });
        for nth in 0..most.max(usize::from(vital)) {
            let suffix = if nth == 0 { String::new() } else { format!("_{}", nth + 1) };
            if name != "address" {
                self.add(&format!("{name}{suffix}"), Cells::Values(column, nth));
                continue;
            }
            let filled = filled_parts(column, nth, table.len());
            let parts = ADDRESS_COLUMNS
                .iter()
                .zip(filled)
                .filter(|((_, needed, _), filled)| *filled || (*needed && vital && nth == 0));
            let (names, parts): (Vec<&str>, Vec<Part>) =
                parts.map(|((name, _, part), _)| (*name, *part)).unzip();
            names.iter().for_each(|part| self.name(&format!("{part}{suffix}")));
            self.cells.push(Cells::Addresses(column, nth, parts));
        }
    }

    fn batch(&self, schema: &SchemaRef, rows: Range<usize>) -> Result<RecordBatch> {
        let arrays = self.cells.par_iter().flat_map(|cells| cells.arrays(rows.clone())).collect();
        RecordBatch::try_new(Arc::clone(schema), arrays).map_err(Error::table("golden records"))
    }
}

/// Which parts of the nth address some golden record has.
fn filled_parts(column: Option<&Column>, nth: usize, rows: usize) -> [bool; 6] {
    let filled = |i| {
        let address = Address::decode(nth_value(column, i, nth));
        ADDRESS_COLUMNS.map(|(_, _, part)| !part(&address).is_empty())
    };
    let either = |a: [bool; 6], b: [bool; 6]| std::array::from_fn(|at| a[at] || b[at]);
    (0..rows).into_par_iter().map(filled).reduce(|| [false; 6], either)
}

/// How a cell is made of an address.
type Part = fn(&Address) -> String;

/// The parts of an address that have columns of their own; the flag says which are always there.
const ADDRESS_COLUMNS: [(&str, bool, Part); 6] = [
    ("street", true, Address::street_line),
    ("complement", false, |a| a.complement.clone()),
    ("postcode", true, |a| a.postcode.clone()),
    ("city", true, town),
    ("state", false, |a| a.state.clone()),
    ("country", false, |a| a.country.clone()),
];

/// Golden records that are laid out as text at once.
const ROWS_AT_ONCE: usize = 1 << 15;

/// Writes one golden table as CSV and as Parquet, piece by piece.
fn write_table(folder: &Path, name: &str, kind: Kind, table: &GoldenRecords) -> Result<()> {
    let mut layout = Layout::new(kind, table);
    let schema: SchemaRef = Arc::new(Schema::new(std::mem::take(&mut layout.fields)));
    let csv = folder.join(format!("{name}.csv"));
    let mut csv = CsvFile::create(&csv, schema.fields().iter().map(|field| field.name()))?;
    let path = folder.join(format!("{name}.parquet"));
    let target = store::create(&path)?;
    let mut parquet = ParquetFile::new(&path.display().to_string(), target, Arc::clone(&schema))?;
    for start in (0..table.len()).step_by(ROWS_AT_ONCE) {
        let batch = layout.batch(&schema, start..table.len().min(start + ROWS_AT_ONCE))?;
        let (rows, columns) =
            rayon::join(|| write_rows(&mut csv, &batch), || parquet.write(&batch));
        rows.and(columns)?;
    }
    csv.finish()?;
    parquet.finish()?.flush().map_err(Error::io("write", path))
}

fn write_rows(file: &mut CsvFile, batch: &RecordBatch) -> Result<()> {
    let columns: Vec<&StringArray> =
        batch.columns().iter().filter_map(|c| c.as_any().downcast_ref()).collect();
    for row in 0..batch.num_rows() {
        file.row(columns.iter().map(|column| column.value(row)))?;
    }
    Ok(())
}

/// Writes `history.csv`: where each row of history hangs.
fn write_history(folder: &Path, golden: &Golden) -> Result<()> {
    store::write_csv(
        &folder.join("history.csv"),
        &["file", "sheet", "row", "kind", "key", "golden_id", "date", "amount", "currency"],
        &golden.history,
    )
}
