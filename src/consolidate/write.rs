//! The files of `golden/` and the crosswalk.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, RecordBatch, StringArray, StringBuilder},
    datatypes::{DataType, Field, Schema},
};

use super::document::{self, Documents};
use crate::{
    error::{Error, Result},
    model::{self, Kind, Priority},
    store::{self, CsvFile},
    table::{
        Channel, Conflict, ConsentReview, Golden, GoldenConsent, GoldenRecords, GoldenRetention,
        Ingested, RecordId, Records,
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
        let batch = batch(kind, table)?;
        write_batch(&folder.join(format!("{name}.csv")), &batch)?;
        store::write_parquet(&folder.join(format!("{name}.parquet")), &batch)?;
    }
    store::write_batches(&folder.join("lineage.parquet"), golden.lineage.batches())?;
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
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by_cached_key(|&r| {
        let place = records.place_of(r);
        (place.file.as_str(), place.sheet.as_str(), records.row[r], records.kinds[r], r)
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
    store::write_csv(
        &folder.join("consents.csv"),
        &GoldenConsent::COLUMNS,
        golden.consents.iter().map(readable),
    )?;
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

/// The same of a review.
fn shown(line: &ConsentReview) -> ConsentReview {
    let mut line = line.clone();
    if line.channel == Channel::Post {
        line.contact_point = one_line(&line.contact_point);
    }
    line
}

/// A consent line with its postal address as people write it.
fn readable(line: &GoldenConsent) -> GoldenConsent {
    let mut line = line.clone();
    if line.channel == Channel::Post {
        line.contact_point = one_line(&line.contact_point);
    }
    line
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

/// The columns of a golden table, in order, each with its cells.
struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
    taken: BTreeSet<String>,
}

impl Columns {
    fn add<'v>(&mut self, name: &str, needed: bool, cells: impl Iterator<Item = &'v str>) {
        let mut builder = StringBuilder::new();
        let mut filled = needed;
        for cell in cells {
            filled |= !cell.is_empty();
            builder.append_value(cell);
        }
        if !filled {
            return;
        }
        // A plain table may have a column called as one of ours.
        let mut name = name.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        self.fields.push(Field::new(name, DataType::Utf8, false));
        self.arrays.push(Arc::new(builder.finish()));
    }
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

/// One golden table as it is written: golden id, the attributes in the order of the model, then what
/// consolidation found. Columns that hold nothing are left out unless a migration cannot do without.
fn batch(kind: Kind, table: &GoldenRecords) -> Result<RecordBatch> {
    let mut columns = Columns { fields: Vec::new(), arrays: Vec::new(), taken: BTreeSet::new() };
    columns.add("golden_id", true, table.ids.iter().map(String::as_str));
    let last: &[&str] = match kind {
        // What records say of their roles is told by `roles`.
        Kind::Person => &["owner", "role"],
        Kind::Organisation => &["owner", "role", "siren", "siret"],
        Kind::Other => &[],
    };
    let known = model::names_in_order().iter();
    let unknown = table.columns.keys().filter(|name| model::attribute(name).is_none());
    for name in known.chain(unknown).filter(|name| !last.contains(&name.as_str())) {
        add_attribute(&mut columns, kind, table, name);
    }
    let texts = |cells: &'_ [String]| cells.to_vec();
    let value = |name: &str| -> Vec<String> {
        (0..table.len()).map(|i| table.first(name, i).unwrap_or_default().to_owned()).collect()
    };
    let end: Vec<(&str, Vec<String>)> = match kind {
        Kind::Person => vec![
            ("household_id", texts(&table.household)),
            ("owner", value("owner")),
            ("lifecycle", texts(&table.lifecycle)),
            ("roles", texts(&table.roles)),
        ],
        Kind::Organisation => vec![
            ("owner", value("owner")),
            ("lifecycle", texts(&table.lifecycle)),
            ("roles", texts(&table.roles)),
            ("level", texts(&table.level)),
            ("siren", value("siren")),
            ("siret", value("siret")),
            ("parent_id", texts(&table.parent)),
        ],
        Kind::Other => Vec::new(),
    };
    for (name, cells) in end {
        columns.add(name, true, cells.iter().map(String::as_str));
    }
    let schema = Arc::new(Schema::new(columns.fields));
    RecordBatch::try_new(schema, columns.arrays).map_err(Error::table("golden records"))
}

/// Adds the columns of one attribute: one for each value that some golden record has.
fn add_attribute(columns: &mut Columns, kind: Kind, table: &GoldenRecords, name: &str) {
    let vital = model::attribute(name)
        .is_some_and(|a| a.priority == Priority::Vital && a.on.contains(&kind) && !a.part);
    let most = table.columns.get(name).map_or(0, |column| {
        (0..column.len()).map(|i| column.values(i).len()).max().unwrap_or_default()
    });
    for nth in 0..most.max(usize::from(vital)) {
        let suffix = if nth == 0 { String::new() } else { format!("_{}", nth + 1) };
        let value = |i: usize| table.values(name, i).nth(nth).unwrap_or_default();
        if name != "address" {
            columns.add(&format!("{name}{suffix}"), vital && nth == 0, (0..table.len()).map(value));
            continue;
        }
        let addresses: Vec<Address> = (0..table.len()).map(|i| Address::decode(value(i))).collect();
        for (part, needed, of) in ADDRESS_COLUMNS {
            let cells: Vec<String> = addresses.iter().map(of).collect();
            let needed = needed && vital && nth == 0;
            columns.add(&format!("{part}{suffix}"), needed, cells.iter().map(String::as_str));
        }
    }
}

fn write_batch(path: &Path, batch: &RecordBatch) -> Result<()> {
    let schema = batch.schema();
    let mut file = CsvFile::create(path, schema.fields().iter().map(|f| f.name()))?;
    let columns: Vec<&StringArray> =
        batch.columns().iter().filter_map(|c| c.as_any().downcast_ref()).collect();
    for row in 0..batch.num_rows() {
        file.row(columns.iter().map(|column| column.value(row)))?;
    }
    file.finish()
}

/// Writes `history.csv`: where each row of history hangs.
fn write_history(folder: &Path, golden: &Golden) -> Result<()> {
    store::write_csv(
        &folder.join("history.csv"),
        &["file", "sheet", "row", "kind", "key", "golden_id", "date", "amount", "currency"],
        &golden.history,
    )
}
