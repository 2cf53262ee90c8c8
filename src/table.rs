//! The nouns that all stages share: records, links, consent events, history, rejects, clusters.
//!
//! What is large is columnar: a [`Records`] is a set of Arrow arrays, one line per record, and
//! [`Records::to_batch`] gives the record batch that is stored or handed on. Records are sorted by
//! id, so that the position of a record has the order of its id and is stable whatever the order of
//! files and rows.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
    fmt,
    fs::File,
    hash::BuildHasher,
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    ops::Range,
    sync::Arc,
};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, ListArray, RecordBatch, StringArray, StringBuilder, StructArray,
        UInt32Array,
    },
    buffer::OffsetBuffer,
    compute::concat,
    datatypes::{DataType, Field, Fields, Schema},
};
use csv::StringRecord;
use hashbrown::{DefaultHashBuilder, HashTable};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use crate::model::Kind;
use crate::{
    error::{Error, Result},
    model::{self, Priority},
    value::{Certainty, Issue, address::Address, sensitive::Sensitive},
};

/// What a stage returns: the table for the next one, and the numbers for the report.
#[derive(Debug, Clone)]
pub struct Staged<T, M> {
    /// The table.
    pub table: T,
    /// The numbers.
    pub metrics: M,
}

/// The identity of a record: a keyed hash of its source and raw content, 80 bits.
///
/// Written as 16 characters of base 32, whose order is that of the bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 10]);

const BASE32: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut wide = [0u8; 16];
        wide[6..].copy_from_slice(&self.0);
        let bits = u128::from_be_bytes(wide);
        let mut text = [0u8; 16];
        for (i, digit) in text.iter_mut().enumerate() {
            *digit = BASE32[(bits >> (75 - 5 * i)) as usize & 31];
        }
        f.write_str(std::str::from_utf8(&text).expect("base 32 digits are ASCII"))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl RecordId {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<RecordId> {
        if text.len() != 16 {
            return None;
        }
        let mut bits = 0u128;
        for byte in text.bytes() {
            bits = bits << 5 | BASE32.iter().position(|&d| d == byte)? as u128;
        }
        let mut id = [0u8; 10];
        id.copy_from_slice(&bits.to_be_bytes()[6..]);
        Some(RecordId(id))
    }
}

/// Digests that are sorted at once: 32 MiB of them. Where there are more, each sorted piece waits in a temporary file.
const DIGESTS_SORTED: usize = 1 << 20;

/// The project's secret key, which makes record ids unguessable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdKey(pub [u8; 32]);

impl IdKey {
    /// The key of data that have none yet: derived from the digests of all rows, whatever their order. Nobody
    /// can guess it who does not have the whole of the data. Memory does not grow with the rows.
    ///
    /// # Errors
    ///
    /// When the folder of temporary files has no room.
    pub fn derived(digests: impl IntoIterator<Item = [u8; 32]>) -> Result<IdKey> {
        IdKey::merged(digests, DIGESTS_SORTED).map_err(Error::io("use", std::env::temp_dir()))
    }

    fn merged(digests: impl IntoIterator<Item = [u8; 32]>, at_once: usize) -> io::Result<IdKey> {
        let mut digests = digests.into_iter();
        let mut pieces: Vec<Sorted> = Vec::new();
        loop {
            let mut piece: Vec<[u8; 32]> = digests.by_ref().take(at_once).collect();
            piece.sort_unstable();
            let is_last = piece.len() < at_once;
            pieces.push(if is_last { Sorted::Held(piece.into_iter()) } else { spilled(&piece)? });
            if is_last {
                break;
            }
        }
        let mut hasher = blake3::Hasher::new_derive_key("orpailleur 2026 record id key");
        let mut next: BinaryHeap<Reverse<([u8; 32], usize)>> = BinaryHeap::new();
        for (at, piece) in pieces.iter_mut().enumerate() {
            next.extend(piece.next()?.map(|digest| Reverse((digest, at))));
        }
        while let Some(Reverse((digest, at))) = next.pop() {
            hasher.update(&digest);
            next.extend(pieces[at].next()?.map(|later| Reverse((later, at))));
        }
        Ok(IdKey(*hasher.finalize().as_bytes()))
    }
}

/// Digests in order.
enum Sorted {
    Held(std::vec::IntoIter<[u8; 32]>),
    Waiting(BufReader<File>),
}

impl Sorted {
    fn next(&mut self) -> io::Result<Option<[u8; 32]>> {
        match self {
            Sorted::Held(digests) => Ok(digests.next()),
            Sorted::Waiting(file) => {
                if file.fill_buf()?.is_empty() {
                    return Ok(None);
                }
                let mut digest = [0; 32];
                file.read_exact(&mut digest)?;
                Ok(Some(digest))
            }
        }
    }
}

/// Digests put away in a file that nobody else sees.
fn spilled(digests: &[[u8; 32]]) -> io::Result<Sorted> {
    let mut file = BufWriter::new(tempfile::tempfile()?);
    digests.iter().try_for_each(|digest| file.write_all(digest))?;
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(Sorted::Waiting(BufReader::new(file)))
}

/// Stands for the country of phone numbers and addresses that name none, where nothing tells it: they are kept as
/// written.
pub const NO_COUNTRY: &str = "none";

/// One table that was read: a file, or a sheet of a workbook.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Logical name of the legacy system, independent of the file name.
    pub source: String,
    /// Relative to the source folder, with `/`; inside an archive `a.zip!/b.csv`.
    pub file: String,
    /// The sheet's name; empty for what has no sheets.
    pub sheet: String,
    /// The system and legal entity that issued the customer codes; empty when there are none.
    pub key_space: String,
    /// ISO code of the country of what names none, or [`NO_COUNTRY`]; empty: that of the project.
    pub country: String,
    /// The rank of the source in `orpailleur.toml`, from 0: the smaller, the more trusted.
    pub rank: u32,
    /// What the row's age is when it has no date of its own: ISO date, or empty.
    pub dated: String,
}

impl Place {
    /// The key space of codes of which nothing tells the legal entity that issued them: that of no other
    /// source, and of no named key space.
    pub fn unknown_key_space(source: &str) -> String {
        format!("?{source}")
    }

    /// The key space whose codes speak for one customer each; none where nobody said which issued them.
    pub fn issuing_space(&self) -> Option<&str> {
        let known = !self.key_space.is_empty() && !self.is_of_unknown_entity();
        known.then_some(self.key_space.as_str())
    }

    /// Whether nothing tells which legal entity issued the codes.
    pub fn is_of_unknown_entity(&self) -> bool {
        self.key_space.starts_with('?')
    }
}

/// Stands for the column of a value that the name of its file tells: the owner of a mailbox.
pub const FILE_NAME: &str = "file name";

/// Where a row stands, as a name that commands take: `file:row` or `file!sheet:row`.
pub fn address(file: &str, sheet: &str, row: u32) -> String {
    match sheet {
        "" => format!("{file}:{row}"),
        sheet => format!("{file}!{sheet}:{row}"),
    }
}

/// The column a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Position in [`Records::places`].
    pub place: u32,
    /// The column's header as written (or the property, for what has no columns).
    pub column: String,
    /// What the column says of its value: `work`, `home`, `other`, `billing`, `delivery`... or empty.
    /// The parts of one address carry the same label.
    pub label: String,
}

/// The values of one attribute: for each record a list, mostly of one or none.
#[derive(Debug, Clone)]
pub struct Column {
    offsets: OffsetBuffer<i32>,
    values: StringArray,
    origins: UInt32Array,
}

impl Column {
    /// The values of record `i`, in order.
    pub fn values(&self, i: usize) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.range(i).map(|at| self.values.value(at))
    }

    /// The values of record `i` with the position of their origin in [`Records::origins`].
    pub fn entries(&self, i: usize) -> impl ExactSizeIterator<Item = (&str, u32)> + Clone {
        self.range(i).map(|at| (self.values.value(at), self.origins.value(at)))
    }

    /// The first value of record `i`.
    pub fn first(&self, i: usize) -> Option<&str> {
        self.range(i).next().map(|at| self.values.value(at))
    }

    /// How many records the column covers.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether the column covers no record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many records have at least one value.
    pub fn filled(&self) -> usize {
        self.offsets.windows(2).filter(|w| w[0] < w[1]).count()
    }

    /// Where the values of record `i` stand among all values: see [`Column::entry`].
    pub fn range(&self, i: usize) -> Range<usize> {
        self.offsets[i] as usize..self.offsets[i + 1] as usize
    }

    /// The value at a position among all values, with the position of its origin in [`Records::origins`].
    pub fn entry(&self, at: usize) -> (&str, u32) {
        (self.values.value(at), self.origins.value(at))
    }

    /// How many values the column holds, of all records together.
    pub fn entry_count(&self) -> usize {
        self.values.len()
    }

    /// The values of these records alone, in this order.
    pub fn only(&self, records: &[usize]) -> Column {
        let mut builder = ColumnBuilder::new();
        for &record in records {
            self.entries(record).for_each(|(value, origin)| builder.value(value, origin));
            builder.end_record();
        }
        builder.finish()
    }

    /// Columns of one attribute, each with the number of records it covers, as one; `None` covers records
    /// without a value.
    pub fn joined(parts: &[(Option<&Column>, usize)]) -> Column {
        let mut offsets: Vec<i32> =
            Vec::with_capacity(parts.iter().map(|part| part.1).sum::<usize>() + 1);
        offsets.push(0);
        let mut origins: Vec<u32> = Vec::new();
        for (column, records) in parts {
            let base = offsets[offsets.len() - 1];
            match column {
                None => offsets.resize(offsets.len() + records, base),
                Some(column) => {
                    let ends = column.offsets[1..].iter();
                    let end = |end: &i32| base.checked_add(*end).expect("fewer than 2^31 values");
                    offsets.extend(ends.map(end));
                    origins.extend_from_slice(column.origins.values());
                }
            }
        }
        let texts: Vec<&dyn Array> =
            parts.iter().filter_map(|(column, _)| Some(&column.as_ref()?.values as _)).collect();
        let values = match texts.as_slice() {
            [] => StringArray::from(Vec::<&str>::new()),
            texts => concat(texts).expect("fewer than 2^31 bytes of text").as_string().clone(),
        };
        Column {
            offsets: OffsetBuffer::new(offsets.into()),
            values,
            origins: UInt32Array::from(origins),
        }
    }

    fn item_fields() -> Fields {
        Fields::from(vec![
            Field::new("value", DataType::Utf8, false),
            Field::new("origin", DataType::UInt32, false),
        ])
    }

    fn data_type() -> DataType {
        let item = Field::new("item", DataType::Struct(Self::item_fields()), false);
        DataType::List(Arc::new(item))
    }

    fn to_array(&self) -> ArrayRef {
        let columns: Vec<ArrayRef> =
            vec![Arc::new(self.values.clone()), Arc::new(self.origins.clone())];
        let items = StructArray::new(Self::item_fields(), columns, None);
        let item = Arc::new(Field::new("item", items.data_type().clone(), false));
        Arc::new(ListArray::new(item, self.offsets.clone(), Arc::new(items), None))
    }

    fn from_array(array: &ArrayRef) -> Option<Column> {
        let list = array.as_any().downcast_ref::<ListArray>()?;
        let items = list.values().as_any().downcast_ref::<StructArray>()?;
        Some(Column {
            offsets: list.offsets().clone(),
            values: items.column(0).as_any().downcast_ref::<StringArray>()?.clone(),
            origins: items.column(1).as_any().downcast_ref::<UInt32Array>()?.clone(),
        })
    }
}

/// Builds a [`Column`] record by record.
#[derive(Debug)]
pub struct ColumnBuilder {
    offsets: Vec<i32>,
    values: StringBuilder,
    origins: Vec<u32>,
}

impl Default for ColumnBuilder {
    fn default() -> ColumnBuilder {
        ColumnBuilder { offsets: vec![0], values: StringBuilder::new(), origins: Vec::new() }
    }
}

impl ColumnBuilder {
    /// An empty column.
    pub fn new() -> ColumnBuilder {
        ColumnBuilder::default()
    }

    /// Adds a value to the current record.
    pub fn value(&mut self, value: &str, origin: u32) {
        self.values.append_value(value);
        self.origins.push(origin);
    }

    /// Ends the current record; the next value belongs to the next one.
    pub fn end_record(&mut self) {
        self.offsets.push(i32::try_from(self.origins.len()).expect("fewer than 2^31 values"));
    }

    /// Ends the current record and those after it, which have no value, until `records` are ended.
    pub fn end_records(&mut self, records: usize) {
        let end = i32::try_from(self.origins.len()).expect("fewer than 2^31 values");
        self.offsets.resize(self.offsets.len().max(records + 1), end);
    }

    /// How many records are ended.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether no record is ended yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The finished column.
    pub fn finish(mut self) -> Column {
        Column {
            offsets: OffsetBuffer::new(self.offsets.into()),
            values: self.values.finish(),
            origins: UInt32Array::from(self.origins),
        }
    }
}

/// Records, one line each, sorted by id: raw as read, or clean as normalized.
///
/// A raw and a clean table have the same lines in the same order; only the values of their columns
/// differ. `clean` values are in the one canonical form of their value kind (see [`crate::value`]).
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// The tables that were read.
    pub places: Vec<Place>,
    /// The columns that values came from.
    pub origins: Vec<Origin>,
    /// Ids in ascending order.
    pub ids: Vec<RecordId>,
    /// What each record speaks of.
    pub kinds: Vec<Kind>,
    /// Position in `places`.
    pub place: Vec<u32>,
    /// Row as a person would look it up, from 1.
    pub row: Vec<u32>,
    /// The declared id column's value, else empty.
    pub keys: Vec<String>,
    /// The values, by attribute.
    pub columns: BTreeMap<String, Column>,
}

impl Records {
    /// How many records.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The first value of `attribute` of record `i`.
    pub fn first(&self, attribute: &str, i: usize) -> Option<&str> {
        self.columns.get(attribute)?.first(i)
    }

    /// All values of `attribute` of record `i`.
    pub fn values<'a>(
        &'a self,
        attribute: &str,
        i: usize,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        self.columns.get(attribute).into_iter().flat_map(move |c| c.values(i))
    }

    /// The place that record `i` was read from.
    pub fn place_of(&self, i: usize) -> &Place {
        &self.places[self.place[i] as usize]
    }

    /// Where record `i` stands, as people write it: see [`address`].
    pub fn address_of(&self, i: usize) -> String {
        let place = self.place_of(i);
        address(&place.file, &place.sheet, self.row[i])
    }

    /// The position of the record with this id.
    pub fn find(&self, id: RecordId) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// The same lines with other columns: how `normalize` makes clean records from raw ones.
    pub fn with_columns(&self, columns: BTreeMap<String, Column>) -> Records {
        debug_assert!(columns.values().all(|c| c.len() == self.len()));
        Records { columns, ..self.shell() }
    }

    fn shell(&self) -> Records {
        Records {
            places: self.places.clone(),
            origins: self.origins.clone(),
            ids: self.ids.clone(),
            kinds: self.kinds.clone(),
            place: self.place.clone(),
            row: self.row.clone(),
            keys: self.keys.clone(),
            columns: BTreeMap::new(),
        }
    }

    /// As an Arrow record batch: `record_id, kind, place, row, record_key`, then a list of
    /// `{value, origin}` per attribute. Places and origins are JSON in the schema's metadata.
    pub fn to_batch(&self) -> Result<RecordBatch> {
        let ids: StringArray = self.ids.iter().map(|id| Some(id.to_string())).collect();
        let kinds: StringArray = self.kinds.iter().map(|k| Some(k.as_str())).collect();
        let mut fields = vec![
            Field::new("record_id", DataType::Utf8, false),
            Field::new("kind", DataType::Utf8, false),
            Field::new("place", DataType::UInt32, false),
            Field::new("row", DataType::UInt32, false),
            Field::new("record_key", DataType::Utf8, false),
        ];
        let mut arrays: Vec<ArrayRef> = vec![
            Arc::new(ids),
            Arc::new(kinds),
            Arc::new(UInt32Array::from(self.place.clone())),
            Arc::new(UInt32Array::from(self.row.clone())),
            Arc::new(StringArray::from_iter_values(&self.keys)),
        ];
        for (name, column) in &self.columns {
            fields.push(Field::new(name, Column::data_type(), false));
            arrays.push(column.to_array());
        }
        let json = |x: serde_json::Result<String>| x.map_err(Error::table("records"));
        let metadata = HashMap::from([
            ("places".to_owned(), json(serde_json::to_string(&self.places))?),
            ("origins".to_owned(), json(serde_json::to_string(&self.origins))?),
        ]);
        let schema = Schema::new(fields).with_metadata(metadata);
        RecordBatch::try_new(Arc::new(schema), arrays).map_err(Error::table("records"))
    }

    /// Reads what [`Records::to_batch`] makes.
    pub fn from_batch(batch: &RecordBatch) -> Result<Records> {
        Self::read_batch(batch).ok_or_else(|| Error::Format {
            path: "records.parquet".into(),
            message: "it is not a table of records of this version".into(),
            hint: Some("run the project again".into()),
        })
    }

    fn read_batch(batch: &RecordBatch) -> Option<Records> {
        fn column<'a, A: 'static>(batch: &'a RecordBatch, name: &str) -> Option<&'a A> {
            batch.column_by_name(name)?.as_any().downcast_ref::<A>()
        }
        let schema = batch.schema();
        let text = |name| column::<StringArray>(batch, name);
        let mut records = Records {
            places: serde_json::from_str(schema.metadata().get("places")?).ok()?,
            origins: serde_json::from_str(schema.metadata().get("origins")?).ok()?,
            ids: text("record_id")?.iter().map(|t| RecordId::parse(t?)).collect::<Option<_>>()?,
            kinds: text("kind")?.iter().map(|t| Kind::parse(t?)).collect::<Option<_>>()?,
            place: column::<UInt32Array>(batch, "place")?.values().to_vec(),
            row: column::<UInt32Array>(batch, "row")?.values().to_vec(),
            keys: text("record_key")?.iter().map(|t| Some(t?.to_owned())).collect::<Option<_>>()?,
            columns: BTreeMap::new(),
        };
        for (field, array) in schema.fields().iter().zip(batch.columns()).skip(5) {
            records.columns.insert(field.name().clone(), Column::from_array(array)?);
        }
        Some(records)
    }
}

/// One record before it has an id.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// What it speaks of.
    pub kind: Option<Kind>,
    /// Position of its place, from [`RecordsBuilder::place`].
    pub place: u32,
    /// Row as a person would look it up, from 1.
    pub row: u32,
    /// The declared id column's value, else empty.
    pub key: String,
    /// Digest of the whole physical row it stands on: see [`row_digest`].
    pub digest: [u8; 32],
    /// Attribute, raw value, origin (from [`RecordsBuilder::origin`]). Blank values are left out.
    pub values: Vec<(Arc<str>, String, u32)>,
}

/// The digest of a physical row: of its filled cells with their headers, whatever the columns' order.
pub fn row_digest<'a>(cells: impl IntoIterator<Item = (&'a str, &'a str)>) -> [u8; 32] {
    let mut filled: Vec<_> = cells.into_iter().filter(|(_, v)| !v.is_empty()).collect();
    filled.sort_unstable();
    let mut bytes = Vec::with_capacity(512);
    for (header, value) in filled {
        measured(header, &mut bytes);
        measured(value, &mut bytes);
    }
    *blake3::hash(&bytes).as_bytes()
}

/// The digests of the rows of one header, as [`row_digest`] gives them: the header is sorted once.
#[derive(Debug)]
pub struct RowDigests {
    header: Vec<String>,
    /// Columns by their header; none where some are called the same, and the cells must be sorted.
    order: Option<Vec<usize>>,
}

impl RowDigests {
    /// For rows under this header.
    pub fn new(header: &[String]) -> RowDigests {
        let mut order: Vec<usize> = (0..header.len()).collect();
        order.sort_by_key(|&at| &header[at]);
        let differ = order.windows(2).all(|pair| header[pair[0]] != header[pair[1]]);
        RowDigests { header: header.to_vec(), order: differ.then_some(order) }
    }

    /// The digest of a row; cells beyond the header have an empty one.
    pub fn of(&self, cells: &StringRecord) -> [u8; 32] {
        let name = |at: usize| self.header.get(at).map_or("", String::as_str);
        let Some(order) = self.order.as_ref().filter(|order| cells.len() <= order.len()) else {
            return row_digest(cells.iter().enumerate().map(|(at, cell)| (name(at), cell)));
        };
        let mut bytes = Vec::with_capacity(512);
        for &at in order {
            if let Some(cell) = cells.get(at).filter(|cell| !cell.is_empty()) {
                measured(name(at), &mut bytes);
                measured(cell, &mut bytes);
            }
        }
        *blake3::hash(&bytes).as_bytes()
    }
}

/// Adds a text behind its length, so that two texts cannot be mistaken for two others.
fn measured(text: &str, onto: &mut Vec<u8>) {
    onto.extend_from_slice(&(text.len() as u64).to_le_bytes());
    onto.extend_from_slice(text.as_bytes());
}

/// Gathers drafts and gives them their ids.
///
/// Values are kept end to end in one text, not one by one: a million rows of ten cells would
/// otherwise cost ten million allocations.
#[derive(Debug, Default)]
pub struct RecordsBuilder {
    places: Vec<Place>,
    origins: Vec<Origin>,
    /// Positions in `origins`, by what stands there.
    origin_at: HashTable<u32>,
    attributes: Vec<Arc<str>>,
    attribute_of: HashMap<Arc<str>, u32, DefaultHashBuilder>,
    hasher: DefaultHashBuilder,
    heads: Vec<Head>,
    items: Vec<Item>,
    text: String,
}

/// A draft without its values.
#[derive(Debug)]
struct Head {
    digest: [u8; 32],
    key: String,
    place: u32,
    row: u32,
    kind: Option<Kind>,
    /// Position after its last value in [`RecordsBuilder::items`].
    end: usize,
}

/// A draft that was added to a [`RecordsBuilder`].
#[derive(Debug, Clone, Copy)]
pub struct Drafted<'b> {
    builder: &'b RecordsBuilder,
    number: usize,
}

impl<'b> Drafted<'b> {
    /// What it speaks of, once that is known.
    pub fn kind(&self) -> Option<Kind> {
        self.builder.heads[self.number].kind
    }

    /// The table it was read from.
    pub fn place(&self) -> &'b Place {
        &self.builder.places[self.builder.heads[self.number].place as usize]
    }

    /// Row as a person would look it up, from 1.
    pub fn row(&self) -> u32 {
        self.builder.heads[self.number].row
    }

    /// The declared id column's value, else empty.
    pub fn key(&self) -> &'b str {
        &self.builder.heads[self.number].key
    }

    /// Attribute and raw value, in order.
    pub fn values(&self) -> impl Iterator<Item = (&'b str, &'b str)> + use<'b> {
        let builder = self.builder;
        let values = builder.values_of(self.number);
        values.map(|(attribute, text, _)| (&*builder.attributes[attribute as usize], text))
    }
}

/// One value: it ends at `end` in [`RecordsBuilder::text`], where the next one begins.
#[derive(Debug)]
struct Item {
    attribute: u32,
    origin: u32,
    end: usize,
}

impl RecordsBuilder {
    /// Registers a table and returns its position.
    pub fn place(&mut self, place: Place) -> u32 {
        self.places.push(place);
        self.places.len() as u32 - 1
    }

    /// The tables registered so far.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Registers a column, once, and returns its position.
    pub fn origin(&mut self, place: u32, column: &str, label: &str) -> u32 {
        let hash_of = |of: (u32, &str, &str)| self.hasher.hash_one(of);
        fn told(origin: &Origin) -> (u32, &str, &str) {
            (origin.place, &origin.column, &origin.label)
        }
        let wanted = (place, column, label);
        let known = |at: &u32| told(&self.origins[*at as usize]) == wanted;
        if let Some(&at) = self.origin_at.find(hash_of(wanted), known) {
            return at;
        }
        let at = self.origins.len() as u32;
        self.origins.push(Origin { place, column: column.to_owned(), label: label.to_owned() });
        let origins = &self.origins;
        let rehash = |at: &u32| hash_of(told(&origins[*at as usize]));
        self.origin_at.insert_unique(hash_of(wanted), at, rehash);
        at
    }

    /// Registers an attribute, once, and returns its position.
    pub fn attribute(&mut self, name: &Arc<str>) -> u32 {
        if let Some(&known) = self.attribute_of.get(name) {
            return known;
        }
        self.attributes.push(name.clone());
        let new = self.attributes.len() as u32 - 1;
        self.attribute_of.insert(name.clone(), new);
        new
    }

    /// Adds a record and returns its draft number, which [`RecordsBuilder::finish`] translates.
    pub fn push(&mut self, mut draft: Draft) -> u32 {
        let values = std::mem::take(&mut draft.values);
        let attributes: Vec<u32> = values.iter().map(|(name, ..)| self.attribute(name)).collect();
        let texts = values.iter().map(|(_, text, origin)| (text.as_str(), *origin));
        self.push_lent(draft, attributes.into_iter().zip(texts).map(|(at, (t, o))| (at, t, o)))
    }

    /// Like [`RecordsBuilder::push`], for values that need no text of their own: attribute (from
    /// [`RecordsBuilder::attribute`]), raw value, origin. Those of `draft` itself are left out.
    pub fn push_lent<'v>(
        &mut self,
        draft: Draft,
        values: impl IntoIterator<Item = (u32, &'v str, u32)>,
    ) -> u32 {
        for (attribute, value, origin) in values {
            self.text.push_str(value);
            self.items.push(Item { attribute, origin, end: self.text.len() });
        }
        self.heads.push(Head {
            digest: draft.digest,
            key: draft.key,
            place: draft.place,
            row: draft.row,
            kind: draft.kind,
            end: self.items.len(),
        });
        self.heads.len() as u32 - 1
    }

    /// The draft of this number.
    pub fn draft(&self, number: u32) -> Drafted<'_> {
        Drafted { builder: self, number: number as usize }
    }

    /// Gives a draft its kind; `suited` gives an attribute of it another name, where one suits the kind.
    pub fn settle(
        &mut self,
        number: u32,
        kind: Kind,
        suited: impl Fn(&str, &str) -> Option<Arc<str>>,
    ) {
        let renamed: Vec<(usize, Arc<str>)> = (self.items_of(number as usize))
            .filter_map(|at| {
                let name = &self.attributes[self.items[at].attribute as usize];
                Some((at, suited(name, self.text_of(at))?))
            })
            .collect();
        for (at, name) in renamed {
            self.items[at].attribute = self.attribute(&name);
        }
        self.heads[number as usize].kind = Some(kind);
    }

    fn items_of(&self, number: usize) -> Range<usize> {
        let start = if number == 0 { 0 } else { self.heads[number - 1].end };
        start..self.heads[number].end
    }

    fn text_of(&self, item: usize) -> &str {
        let from = if item == 0 { 0 } else { self.items[item - 1].end };
        &self.text[from..self.items[item].end]
    }

    /// The values of a draft: attribute, text, origin.
    fn values_of(&self, number: usize) -> impl Iterator<Item = (u32, &str, u32)> {
        self.items_of(number).map(|at| {
            let item = &self.items[at];
            (item.attribute, self.text_of(at), item.origin)
        })
    }

    /// The digests of the rows that the drafts stand on.
    pub fn digests(&self) -> impl Iterator<Item = [u8; 32]> {
        self.heads.iter().map(|head| head.digest)
    }

    /// How many records were added.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether no record was added.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The records, sorted by id, and for each draft number its position among them.
    ///
    /// An id is a keyed hash of source, kind, key and the whole row, with an ordinal among exact
    /// copies of the row; where these differ in nothing but their place, it does not matter which is
    /// which.
    pub fn finish(mut self, key: &IdKey) -> (Records, Vec<u32>) {
        let drafts = self.heads.par_iter().enumerate();
        let mut content: Vec<([u8; 32], u32)> = drafts
            .map_init(Vec::new, |bytes, (number, draft)| {
                bytes.clear();
                measured(&self.places[draft.place as usize].source, bytes);
                measured(draft.kind.map_or("", Kind::as_str), bytes);
                measured(&draft.key, bytes);
                bytes.extend_from_slice(&draft.digest);
                (*blake3::keyed_hash(&key.0, bytes).as_bytes(), number as u32)
            })
            .collect();
        content.par_sort_unstable_by(|a, b| {
            let dated = |n: u32| &self.places[self.heads[n as usize].place as usize].dated;
            // Copies of a row have the same values; an account in two years has not.
            let told = |n: u32| {
                self.values_of(n as usize)
                    .map(|(_, value, origin)| (&self.origins[origin as usize].label, value))
            };
            a.0.cmp(&b.0).then_with(|| {
                dated(a.1)
                    .cmp(dated(b.1))
                    .then_with(|| told(a.1).cmp(told(b.1)))
                    .then(a.1.cmp(&b.1))
            })
        });
        let mut order: Vec<(RecordId, u32)> = content
            .par_chunk_by(|a, b| a.0 == b.0)
            .flat_map_iter(|copies| copies.iter().enumerate())
            .map(|(ordinal, (hash, number))| {
                let mut bytes = [0; 40];
                bytes[..32].copy_from_slice(hash);
                bytes[32..].copy_from_slice(&(ordinal as u64).to_le_bytes());
                let mut id = [0u8; 10];
                id.copy_from_slice(&blake3::keyed_hash(&key.0, &bytes).as_bytes()[..10]);
                (RecordId(id), *number)
            })
            .collect();
        drop(content);
        order.par_sort_unstable();

        let mut positions = vec![0u32; order.len()];
        let mut records = Records {
            places: std::mem::take(&mut self.places),
            origins: std::mem::take(&mut self.origins),
            ..Records::default()
        };
        let mut builders: Vec<ColumnBuilder> =
            self.attributes.iter().map(|_| ColumnBuilder::new()).collect();
        for (position, (id, number)) in order.into_iter().enumerate() {
            let number = number as usize;
            positions[number] = position as u32;
            records.keys.push(std::mem::take(&mut self.heads[number].key));
            let head = &self.heads[number];
            records.ids.push(id);
            records.kinds.push(head.kind.unwrap_or(Kind::Other));
            records.place.push(head.place);
            records.row.push(head.row);
            for (attribute, value, origin) in self.values_of(number) {
                let builder = &mut builders[attribute as usize];
                builder.end_records(position);
                builder.value(value, origin);
            }
        }
        for (attribute, mut builder) in self.attributes.iter().zip(builders) {
            // Registered, but no value has it, or has it any more.
            if builder.origins.is_empty() {
                continue;
            }
            builder.end_records(positions.len());
            records.columns.insert(attribute.to_string(), builder.finish());
        }
        (records, positions)
    }
}

/// A person and an organisation that a row names together; positions in [`Records`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Link {
    /// The person's record.
    pub person: u32,
    /// The organisation's record.
    pub organisation: u32,
    /// What the row says of it: a job title, `contact`... or empty.
    pub role: String,
}

/// Two persons of one home that a row names together (`M. et Mme Dupont`); positions in [`Records`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Couple {
    /// The first person's record.
    pub first: u32,
    /// The second person's record.
    pub second: u32,
}

/// By which means a contact point is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Channel {
    Email,
    Sms,
    Phone,
    Post,
}

impl Channel {
    /// All channels, in the order of reports.
    pub const ALL: [Channel; 4] = [Channel::Email, Channel::Sms, Channel::Phone, Channel::Post];

    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Sms => "sms",
            Channel::Phone => "phone",
            Channel::Post => "post",
        }
    }

    /// The attributes whose values are the contact points of the channel.
    pub fn attributes(self) -> &'static [&'static str] {
        match self {
            Channel::Email => &["email"],
            Channel::Sms => &["mobile"],
            Channel::Phone => &["phone", "mobile"],
            Channel::Post => &["address"],
        }
    }

    /// A canonical contact point in the form in which two spellings of it are equal.
    pub fn key(self, point: &str) -> Cow<'_, str> {
        match self {
            Channel::Post => Cow::Owned(Address::decode(point).key()),
            _ => Cow::Borrowed(point),
        }
    }
}

/// What is known of a contact point; the greater, the stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum ConsentState {
    OptIn,
    Pending,
    HardBounce,
    OptOut,
    Complaint,
}

impl ConsentState {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            ConsentState::OptIn => "opt_in",
            ConsentState::Pending => "pending",
            ConsentState::HardBounce => "hard_bounce",
            ConsentState::OptOut => "opt_out",
            ConsentState::Complaint => "complaint",
        }
    }

    /// Reads what [`ConsentState::as_str`] gives; none for `unknown`, which is no state.
    pub fn parse(word: &str) -> Option<ConsentState> {
        use ConsentState::{Complaint, HardBounce, OptIn, OptOut, Pending};
        [OptIn, Pending, HardBounce, OptOut, Complaint].into_iter().find(|s| s.as_str() == word)
    }

    /// Whether the person said no: it then reaches all contact points of the channel.
    pub fn is_objection(self) -> bool {
        self >= ConsentState::OptOut
    }
}

/// One thing a source says about consent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConsentEvent {
    /// The record it stands on; none when its row was rejected or left out: then it speaks for its
    /// contact point alone.
    pub record: Option<u32>,
    /// The contact point as written in the row (an address, a number); empty when the row speaks of
    /// the channel in general. `normalize` brings it to the form of clean values.
    pub contact_point: String,
    /// By which means.
    pub channel: Channel,
    /// What for (`marketing`, `newsletter`...); empty when not said.
    pub purpose: String,
    /// The seller's legal entity it was said to; empty when there is one or it is not said.
    pub legal_entity: String,
    /// What was said.
    pub state: ConsentState,
    /// Of an opt-in: whether date and wording are known.
    pub proved: bool,
    /// ISO date or date-time; empty when unknown.
    pub since: String,
    /// Position in [`Records::places`].
    pub place: u32,
    /// Row as a person would look it up.
    pub row: u32,
    /// The column that says it.
    pub column: String,
}

/// A related table (invoices, FEC lines, quotes...) whose rows hang on a customer.
#[derive(Debug, Clone)]
pub struct History {
    /// `invoice`, `fec_line`, `quote`, `order`, `opportunity`, `activity`, `ticket`...
    pub kind: String,
    /// Position in [`Records::places`].
    pub place: u32,
    /// The table's columns as written.
    pub header: Vec<String>,
    /// Its rows.
    pub rows: Vec<HistoryRow>,
}

/// One row of a related table.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// Row as a person would look it up.
    pub row: u32,
    /// What it refers to its customer by: a code of the place's key space, or an email address.
    pub key: String,
    /// The attribute that holds the key: `customer_code`, `account_code` or `email`.
    pub key_attribute: Arc<str>,
    /// Position of the key's column in [`History::header`], where the table has one.
    pub key_column: Option<u32>,
    /// The customer's name as written, if any: a code re-used for another name is not trusted.
    pub name: String,
    /// ISO date, or empty.
    pub date: String,
    /// Decimal with a point, or empty.
    pub amount: String,
    /// Currency code, or empty.
    pub currency: String,
    /// All cells, as written.
    pub cells: StringRecord,
}

/// Whether nothing of the row was used, or all but the cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Severity {
    Row,
    Cell,
}

/// A row or cell that cannot be used, kept unchanged: one line of `rejects.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reject {
    /// Logical name of the source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// The row; none for a file that could not be read.
    pub row: Option<u32>,
    /// The column's header, or empty.
    pub column: String,
    /// A stable snake-case word: `bad_email`, `ragged_row`, `no_name`...
    pub code: String,
    /// Row or cell.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What the steward can do, or empty.
    pub suggestion: String,
    /// The value or row as read.
    pub raw: String,
}

impl Reject {
    /// The columns of `rejects.csv`.
    pub const COLUMNS: [&str; 10] = [
        "source",
        "file",
        "sheet",
        "row",
        "column",
        "code",
        "severity",
        "message",
        "suggestion",
        "raw",
    ];
}

/// A cell whose value was used and of which a steward should know something: one line of `issues.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellIssue {
    /// The record that shows the cell: a position.
    pub record: u32,
    /// Position of the cell's origin.
    pub origin: u32,
    /// What there is to know, shared by cells with one text.
    pub of: Arc<ValueIssue>,
}

/// What there is to know of a value, whatever cell it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueIssue {
    /// What was wrong, and how sure the repair is.
    pub issue: Issue,
    /// The cell as read.
    pub raw: String,
    /// The value that was taken.
    pub value: String,
}

/// What a steward should know of a row, or a cell of it, as it was read: one line of `issues.csv`. The row was used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowIssue {
    /// Logical name of the source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// The row.
    pub row: u32,
    /// The column's header, or empty.
    pub column: String,
    /// What there is to know.
    pub issue: Issue,
    /// The row or cell as read.
    pub raw: String,
}

impl RowIssue {
    /// The line of `issues.csv`: nothing of the cell was taken for a value.
    pub fn line(&self) -> IssueLine<'_> {
        IssueLine {
            source: &self.source,
            file: &self.file,
            sheet: &self.sheet,
            row: self.row,
            column: &self.column,
            code: self.issue.code,
            certainty: self.issue.certainty,
            message: self.issue.message,
            suggestion: &self.issue.suggestion,
            raw: &self.raw,
            value: "",
        }
    }
}

/// An issue at its place, with the columns of `issues.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct IssueLine<'a> {
    /// Logical name of the source.
    pub source: &'a str,
    /// The file.
    pub file: &'a str,
    /// The sheet, or empty.
    pub sheet: &'a str,
    /// The row.
    pub row: u32,
    /// The column's header.
    pub column: &'a str,
    /// A stable snake-case word: `zero_restored`, `day_month_doubt`.
    pub code: &'static str,
    /// How sure the value is.
    pub certainty: Certainty,
    /// What was wrong.
    pub message: &'static str,
    /// What the steward can do, or empty.
    pub suggestion: &'a str,
    /// The cell as read.
    pub raw: &'a str,
    /// The value that was taken.
    pub value: &'a str,
}

impl IssueLine<'_> {
    /// The columns of `issues.csv`.
    pub const COLUMNS: [&'static str; 11] = [
        "source",
        "file",
        "sheet",
        "row",
        "column",
        "code",
        "certainty",
        "message",
        "suggestion",
        "raw",
        "value",
    ];
}

/// The lines of `issues.csv`, in order: what was odd of rows as they were `read`, and what there is to know of the
/// values that `clean` took.
pub fn issue_lines<'a>(
    read: &'a Ingested,
    clean: &'a Clean,
) -> impl Iterator<Item = IssueLine<'a>> {
    let mut of_rows = read.issues.iter().map(RowIssue::line).peekable();
    let mut of_cells = clean.issues.iter().map(|issue| issue.line(&clean.records)).peekable();
    std::iter::from_fn(move || match (of_rows.peek(), of_cells.peek()) {
        (Some(row), Some(cell)) if row <= cell => of_rows.next(),
        (_, Some(_)) => of_cells.next(),
        (_, None) => of_rows.next(),
    })
}

impl CellIssue {
    /// The issue with the place of its cell in `records`.
    pub fn line<'a>(&'a self, records: &'a Records) -> IssueLine<'a> {
        let place = records.place_of(self.record as usize);
        let ValueIssue { issue, raw, value } = &*self.of;
        IssueLine {
            source: &place.source,
            file: &place.file,
            sheet: &place.sheet,
            row: records.row[self.record as usize],
            column: records.origins.get(self.origin as usize).map_or("", |o| o.column.as_str()),
            code: issue.code,
            certainty: issue.certainty,
            message: issue.message,
            suggestion: &issue.suggestion,
            raw,
            value,
        }
    }
}

/// A row that is no data, or a row, sheet or file that was left out on purpose: one line of `skipped.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skipped {
    /// Logical name of the source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// The row; none for a whole file or sheet.
    pub row: Option<u32>,
    /// `header`, `title`, `blank`, `total`, `repeat`, `other_ledger`, `private`, `structure`, `ignored`...
    pub reason: String,
}

/// A cell in which something sensitive was found: one line of `sensitive.csv`. Never its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SensitiveCell {
    /// Logical name of the source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// The row.
    pub row: u32,
    /// The column's header; empty for a row that could not be taken apart.
    pub column: String,
    /// What was found.
    #[serde(rename = "type")]
    pub what: Sensitive,
}

/// Everything that `ingest` hands on.
#[derive(Debug, Clone, Default)]
pub struct Ingested {
    /// One line per record, values as read.
    pub records: Records,
    /// ISO code of the country of what names none, or [`NO_COUNTRY`], where the data told it; empty: as the
    /// settings say.
    pub home: String,
    /// Persons and organisations named by one row.
    pub links: Vec<Link>,
    /// Couples named by one row.
    pub couples: Vec<Couple>,
    /// What the rows say about consent.
    pub events: Vec<ConsentEvent>,
    /// Related tables.
    pub history: Vec<History>,
    /// Rows and files that cannot be used.
    pub rejects: Vec<Reject>,
    /// What was odd of rows that were used, in order of their place.
    pub issues: Vec<RowIssue>,
    /// Rows that are no data or were left out.
    pub skipped: Vec<Skipped>,
    /// Files and sheets with rows that are left out on purpose, in order.
    pub left_out: Vec<LeftOut>,
    /// Cells with something sensitive, in order of their place.
    pub sensitive: Vec<SensitiveCell>,
}

/// A file or sheet with rows that is left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// Its rows of data.
    pub rows: u64,
}

/// Everything that `normalize` hands on.
#[derive(Debug, Clone, Default)]
pub struct Clean {
    /// The same lines as the raw records, every value in canonical form.
    pub records: Records,
    /// The consent events, their contact points in canonical form.
    pub events: Vec<ConsentEvent>,
    /// Cells that could not be used.
    pub rejects: Vec<Reject>,
    /// Cells that were used and of which a steward should know something, in the order of their places; of a
    /// row that gave several records each cell once.
    pub issues: Vec<CellIssue>,
}

/// One candidate pair that scored above the review line; positions in [`Records`], left < right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The record with the smaller id.
    pub left: u32,
    /// The record with the greater id.
    pub right: u32,
    /// Match weight in hundredths of a bit, prior included: above zero, a match is likelier than not.
    pub weight_centibits: i32,
}

/// Every record in exactly one cluster.
#[derive(Debug, Clone, Default)]
pub struct Clusters {
    /// For each record the position of the first (smallest id) record of its cluster.
    pub cluster: Vec<u32>,
    /// Pairs that a human should look at.
    pub review: Vec<Review>,
}

/// A pair that waits for a human.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Review {
    /// The record with the smaller id.
    pub left: u32,
    /// The record with the greater id.
    pub right: u32,
    /// Match weight in hundredths of a bit.
    pub weight_centibits: i32,
    /// Why it waits: `doubtful`, `contradiction`, `weak_bridge`, `reused_code`...
    pub reason: String,
}

impl Clusters {
    /// The clusters as lists of record positions, each sorted, in order of their first record.
    pub fn groups(&self) -> Vec<Vec<u32>> {
        let mut at: HashMap<u32, usize> = HashMap::new();
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for (record, &first) in self.cluster.iter().enumerate() {
            let group = *at.entry(first).or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
            groups[group].push(record as u32);
        }
        groups
    }
}

/// The golden records of one kind, sorted by golden id.
#[derive(Debug, Clone, Default)]
pub struct GoldenRecords {
    /// Golden ids, ascending.
    pub ids: Vec<String>,
    /// For each golden record the positions of its records in [`Records`], ascending.
    pub members: Vec<Vec<u32>>,
    /// Surviving values by attribute, in canonical form, best first; the origin of a value is that of
    /// the winner cell. Addresses are whole values of `address` ([`crate::value::address::Address`]).
    pub columns: BTreeMap<String, Column>,
    /// Organisations: `establishment` when a SIRET is known, `legal_unit` when a SIREN alone is, else
    /// empty; persons: empty.
    pub level: Vec<String>,
    /// `suspect`, `prospect`, `customer`, `inactive`, or empty.
    pub lifecycle: Vec<String>,
    /// `customer`, `supplier`, `partner`, joined by `|`.
    pub roles: Vec<String>,
    /// Golden id of the parent organisation, or empty.
    pub parent: Vec<String>,
    /// Household id of a person, or empty.
    pub household: Vec<String>,
}

impl GoldenRecords {
    /// How many golden records.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The first value of `attribute` of golden record `i`.
    pub fn first(&self, attribute: &str, i: usize) -> Option<&str> {
        self.columns.get(attribute)?.first(i)
    }

    /// All values of `attribute` of golden record `i`, best first.
    pub fn values<'a>(
        &'a self,
        attribute: &str,
        i: usize,
    ) -> impl Iterator<Item = &'a str> + use<'a> {
        self.columns.get(attribute).into_iter().flat_map(move |c| c.values(i))
    }

    /// The golden records of which `is_kept` says yes to the id; a parent that is none of them is cleared.
    fn only(&self, is_kept: impl Fn(&str) -> bool, least: Option<Priority>) -> GoldenRecords {
        let kept: Vec<usize> = (0..self.len()).filter(|&i| is_kept(&self.ids[i])).collect();
        let texts = |column: &[String]| -> Vec<String> {
            kept.iter().filter_map(|&i| column.get(i).cloned()).collect()
        };
        let mut parent = texts(&self.parent);
        parent.iter_mut().filter(|id| !is_kept(id)).for_each(String::clear);
        let is_asked = |name: &str| {
            let priority = model::attribute(name).map_or(Priority::Optional, |a| a.priority);
            least.is_none_or(|least| priority <= least)
        };
        let columns = self.columns.iter().filter(|(name, _)| is_asked(name));
        let columns = columns.map(|(name, column)| (name.clone(), column.only(&kept)));
        GoldenRecords {
            ids: texts(&self.ids),
            members: kept.iter().filter_map(|&i| self.members.get(i).cloned()).collect(),
            columns: columns.collect(),
            level: texts(&self.level),
            lifecycle: texts(&self.lifecycle),
            roles: texts(&self.roles),
            parent,
            household: texts(&self.household),
        }
    }

    /// The position of the golden record with this id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.ids.binary_search_by(|probe| probe.as_str().cmp(id)).ok()
    }
}

/// One line of `golden/links.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GoldenLink {
    /// Golden id of the person.
    pub person_id: String,
    /// Golden id of the organisation.
    pub organisation_id: String,
    /// What the person is there, or empty.
    pub role: String,
    /// Whether the person still is there; `None` when unknown.
    pub current: Option<bool>,
    /// First date it was seen, or empty.
    pub since: String,
    /// Last date, or empty.
    pub until: String,
}

/// One line of `golden/organisation_links.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OrganisationLink {
    /// Golden id.
    pub child_id: String,
    /// Golden id.
    pub parent_id: String,
    /// `establishment_of`, `subsidiary_of`, `billed_to`, `successor_of`.
    #[serde(rename = "type")]
    pub link_type: String,
}

/// One line of `golden/consents.csv`. There are several for each golden record: what most lack is apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoldenConsent {
    /// Golden id.
    pub golden_id: Arc<str>,
    /// The address or number in canonical form; empty when the golden record has none in the channel.
    pub contact_point: Box<str>,
    /// By which means.
    pub channel: Channel,
    /// The word that holds; none where nobody said anything.
    pub said: Option<Box<ConsentSaid>>,
}

/// The word that holds for a contact point.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConsentSaid {
    /// What for, or empty.
    pub purpose: String,
    /// The seller's legal entity, or empty.
    pub legal_entity: String,
    /// What holds.
    pub state: ConsentState,
    /// Of an opt-in: whether date and wording are known.
    pub proved: bool,
    /// ISO date of the event that decides, or empty.
    pub since: String,
    /// Source of the event that decides.
    pub source: String,
    /// Its file.
    pub file: String,
    /// Its row.
    pub row: u32,
}

impl ConsentSaid {
    /// A state without a date, said nowhere.
    #[cfg(test)]
    pub(crate) fn bare(state: ConsentState) -> Box<ConsentSaid> {
        let nothing = String::new;
        Box::new(ConsentSaid {
            purpose: nothing(),
            legal_entity: nothing(),
            state,
            proved: false,
            since: nothing(),
            source: nothing(),
            file: nothing(),
            row: 0,
        })
    }
}

impl GoldenConsent {
    /// What is said of a contact point of which nobody said anything.
    pub const UNKNOWN: &str = "unknown";

    /// What holds, if somebody said something.
    pub fn state(&self) -> Option<ConsentState> {
        self.said.as_ref().map(|said| said.state)
    }

    /// The word for what holds.
    pub fn state_word(&self) -> &'static str {
        self.state().map_or(Self::UNKNOWN, ConsentState::as_str)
    }

    /// Whether nobody may be contacted there: an objection, or nothing arrives.
    pub fn is_refused(&self) -> bool {
        self.state() >= Some(ConsentState::HardBounce)
    }

    /// The cells of its line, in the order of [`GoldenConsent::COLUMNS`].
    pub fn cells(&self) -> [Cow<'_, str>; 11] {
        let said = self.said.as_deref();
        let text = |of: fn(&ConsentSaid) -> &str| Cow::Borrowed(said.map_or("", of));
        let proved = said.is_some_and(|said| said.proved);
        [
            Cow::Borrowed(&self.golden_id),
            Cow::Borrowed(&self.contact_point),
            Cow::Borrowed(self.channel.as_str()),
            text(|said| &said.purpose),
            text(|said| &said.legal_entity),
            Cow::Borrowed(self.state_word()),
            Cow::Borrowed(if proved { "true" } else { "false" }),
            text(|said| &said.since),
            text(|said| &said.source),
            text(|said| &said.file),
            said.map_or(Cow::Borrowed(""), |said| Cow::Owned(said.row.to_string())),
        ]
    }

    /// The columns of `golden/consents.csv`.
    pub const COLUMNS: [&str; 11] = [
        "golden_id",
        "contact_point",
        "channel",
        "purpose",
        "legal_entity",
        "state",
        "proved",
        "since",
        "source",
        "file",
        "row",
    ];
}

/// An opt-in that is younger than the objection that holds: one line of `golden/consent_reviews.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ConsentReview {
    /// Golden id.
    pub golden_id: String,
    /// The address or number in canonical form.
    pub contact_point: String,
    /// By which means.
    pub channel: Channel,
    /// What holds: `opt_out` or `complaint`.
    pub state: &'static str,
    /// ISO date of the objection.
    pub since: String,
    /// Its source.
    pub source: String,
    /// Its file.
    pub file: String,
    /// Its row.
    pub row: u32,
    /// ISO date of the opt-in.
    pub opt_in_since: String,
    /// Its source.
    pub opt_in_source: String,
    /// Its file.
    pub opt_in_file: String,
    /// Its row.
    pub opt_in_row: u32,
    /// `for_review` where date and wording of the opt-in are known, else `not_proved`.
    pub verdict: &'static str,
}

impl ConsentReview {
    /// The columns of `golden/consent_reviews.csv`.
    pub const COLUMNS: [&str; 13] = [
        "golden_id",
        "contact_point",
        "channel",
        "state",
        "since",
        "source",
        "file",
        "row",
        "opt_in_since",
        "opt_in_source",
        "opt_in_file",
        "opt_in_row",
        "verdict",
    ];
    /// The verdict of a proved opt-in.
    pub const FOR_REVIEW: &str = "for_review";
    /// The verdict of any other.
    pub const NOT_PROVED: &str = "not_proved";
}

/// One line of `golden/keys.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GoldenKey {
    /// Golden id.
    pub golden_id: String,
    /// The system and legal entity that issued the key.
    pub key_space: String,
    /// The key.
    pub key: String,
    /// Whether it is still in use there.
    pub active: bool,
}

/// One line of `golden/history.csv`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GoldenHistory {
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// The row.
    pub row: u32,
    /// `invoice`, `fec_line`...
    pub kind: String,
    /// What the row refers to its customer by.
    pub key: String,
    /// The golden record it hangs on; empty when none was found.
    pub golden_id: String,
    /// ISO date, or empty.
    pub date: String,
    /// Decimal, or empty.
    pub amount: String,
    /// Currency code, or empty.
    pub currency: String,
}

/// Where one golden cell comes from: one line of `golden/lineage.parquet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lineage<'a> {
    /// Golden id.
    pub golden_id: &'a str,
    /// The attribute.
    pub attribute: &'a str,
    /// The surviving value.
    pub value: &'a str,
    /// The winner's record id.
    pub record_id: &'a str,
    /// The survivorship rule that decided.
    pub rule: &'a str,
    /// `decided`, `tied` or `defaulted`.
    pub outcome: &'a str,
    /// The values that lost, with their record ids: `value (record_id)`, joined by ` | `.
    pub losers: &'a str,
}

impl Lineage<'_> {
    /// The columns of `golden/lineage.parquet`, all of text.
    pub const COLUMNS: [&'static str; 7] =
        ["golden_id", "attribute", "value", "record_id", "rule", "outcome", "losers"];

    /// The lines of what was read of that file.
    ///
    /// # Errors
    ///
    /// When it is a file of another version.
    pub fn of_batch(batch: &RecordBatch) -> Result<impl Iterator<Item = Lineage<'_>>> {
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let columns = batch.columns().iter().map(|column| column.as_any().downcast_ref());
        let columns: Option<Vec<&StringArray>> =
            columns.take_while(|_| names.clone().eq(Self::COLUMNS)).collect();
        let columns = columns.filter(|columns| columns.len() == Self::COLUMNS.len());
        let columns = columns.ok_or_else(|| Error::Format {
            path: "lineage.parquet".into(),
            message: "it is not a lineage of this version".into(),
            hint: Some("run the project again".into()),
        })?;
        Ok((0..batch.num_rows()).map(move |at| Lineage {
            golden_id: columns[0].value(at),
            attribute: columns[1].value(at),
            value: columns[2].value(at),
            record_id: columns[3].value(at),
            rule: columns[4].value(at),
            outcome: columns[5].value(at),
            losers: columns[6].value(at),
        }))
    }
}

/// Where every golden cell comes from: compressed as it is made, there are several times as many lines as records.
#[derive(Debug, Clone, Default)]
pub struct Lineages {
    /// `golden/lineage.parquet`, whose lines are [`Lineage`]s; empty when nothing was consolidated.
    pub parquet: Vec<u8>,
    /// How many golden cells were chosen in which way: a word of [`Lineage::outcome`].
    pub outcomes: BTreeMap<&'static str, u64>,
    /// The cells that a steward pinned: golden id and attribute.
    pub pinned: BTreeSet<(String, String)>,
}

impl Lineages {
    /// How many golden cells.
    pub fn len(&self) -> usize {
        self.outcomes.values().sum::<u64>() as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How long a prospect or customer may still be kept: one line of `golden/retention.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoldenRetention {
    /// Golden id.
    pub golden_id: String,
    /// What it speaks of.
    pub kind: Kind,
    /// `suspect`, `prospect`, `customer`, `inactive`.
    pub lifecycle: &'static str,
    /// `kept`, `prospect_expired`, `customer_expired`, or `no_evidence`.
    pub list: &'static str,
    /// ISO date of the last thing that it did itself; empty when nothing is known.
    pub last_act: String,
    /// `sale`, `request`, `form`, `response`, `opt_in`, or empty.
    pub act: &'static str,
    /// Source of the act.
    pub source: String,
    /// Its file.
    pub file: String,
    /// Its sheet, or empty.
    pub sheet: String,
    /// Its row.
    pub row: Option<u32>,
    /// Of a person, ISO date of the last sale to an organisation that it is in, or empty.
    pub organisation_sale: String,
}

impl GoldenRetention {
    /// The columns of `golden/retention.csv`.
    pub const COLUMNS: [&str; 11] = [
        "golden_id",
        "kind",
        "lifecycle",
        "list",
        "last_act",
        "act",
        "source",
        "file",
        "sheet",
        "row",
        "organisation_sale",
    ];
}

/// Everything that `consolidate` hands on.
#[derive(Debug, Clone, Default)]
pub struct Golden {
    /// Golden persons.
    pub persons: GoldenRecords,
    /// Golden organisations.
    pub organisations: GoldenRecords,
    /// Golden records of `dedupe` that are neither.
    pub others: GoldenRecords,
    /// For each record of [`Records`] its golden id.
    pub golden_of: Vec<String>,
    /// Persons in organisations.
    pub links: Vec<GoldenLink>,
    /// Organisations and their parents.
    pub organisation_links: Vec<OrganisationLink>,
    /// Household id, golden id.
    pub households: Vec<(String, String)>,
    /// Keys of the legacy systems.
    pub keys: Vec<GoldenKey>,
    /// Consent per contact point.
    pub consents: Vec<GoldenConsent>,
    /// History rows, re-attached.
    pub history: Vec<GoldenHistory>,
    /// For each table of history and each of its rows, in the order of [`Ingested::history`], the position in `history`.
    pub history_at: Vec<Vec<u32>>,
    /// Why rows of history hang on nobody, one cell each.
    pub orphans: Vec<Reject>,
    /// Where each golden cell comes from.
    pub lineage: Lineages,
    /// Opt-ins that are younger than the objection that holds.
    pub consent_reviews: Vec<ConsentReview>,
    /// Values that records do not agree on, where a rule wants them to.
    pub conflicts: Vec<Conflict>,
    /// Contact points known only by an objection or a bounce: keyed hash, channel, state.
    pub suppressed: Vec<(String, Channel, ConsentState)>,
    /// How long prospects and customers may still be kept.
    pub retention: Vec<GoldenRetention>,
    /// The user of the CRM who answers for a golden record, by golden id; none until somebody filled in `owners.csv`.
    pub crm_users: BTreeMap<String, String>,
    /// Golden records that stay out of the load package, by golden id, and why.
    pub withheld: BTreeMap<String, &'static str>,
}

impl Golden {
    /// What is loaded: all but the golden records that are withheld, and what hangs on them. A link to a withheld
    /// organisation is gone, and so is a withheld parent; rows of history that hung on a withheld golden record hang
    /// on nobody. What only an auditor asks for (lineage, crosswalk, conflicts) is not in it.
    ///
    /// With `least`, of the attributes only those at least so important.
    pub fn loadable(&self, least: Option<Priority>) -> Cow<'_, Golden> {
        if self.withheld.is_empty() && least.is_none() {
            return Cow::Borrowed(self);
        }
        let is_kept = |id: &str| !self.withheld.contains_key(id);
        let mut history = self.history.clone();
        for row in history.iter_mut().filter(|row| !is_kept(&row.golden_id)) {
            row.golden_id.clear();
        }
        let links = self.links.iter();
        let relations = self.organisation_links.iter();
        Cow::Owned(Golden {
            persons: self.persons.only(is_kept, least),
            organisations: self.organisations.only(is_kept, least),
            others: self.others.only(is_kept, least),
            links: links
                .filter(|l| is_kept(&l.person_id) && is_kept(&l.organisation_id))
                .cloned()
                .collect(),
            organisation_links: relations
                .filter(|l| is_kept(&l.child_id) && is_kept(&l.parent_id))
                .cloned()
                .collect(),
            households: self.households.iter().filter(|(_, id)| is_kept(id)).cloned().collect(),
            keys: self.keys.iter().filter(|key| is_kept(&key.golden_id)).cloned().collect(),
            consents: self.consents.iter().filter(|c| is_kept(&c.golden_id)).cloned().collect(),
            history,
            suppressed: self.suppressed.clone(),
            crm_users: self.crm_users.clone(),
            withheld: self.withheld.clone(),
            ..Golden::default()
        })
    }
}

/// One of the values that the records of a golden record do not agree on, so that none survives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The golden record.
    pub golden_id: String,
    /// What it speaks of.
    pub kind: Kind,
    /// The attribute.
    pub attribute: String,
    /// The rule that wants unanimity.
    pub rule: &'static str,
    /// The value, as people read it.
    pub value: String,
    /// The ids of the records that say it, apart by blanks.
    pub records: String,
}

impl Conflict {
    /// The columns of the file, in order.
    pub const COLUMNS: [&str; 6] = ["golden_id", "kind", "attribute", "rule", "value", "records"];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some_records(order: &[usize]) -> Records {
        let mut builder = RecordsBuilder::default();
        let place = builder.place(Place {
            source: "crm".into(),
            file: "a.csv".into(),
            sheet: String::new(),
            key_space: String::new(),
            rank: 0,
            country: String::new(),
            dated: String::new(),
        });
        let origin = builder.origin(place, "Nom", "");
        for &n in order {
            let name = format!("name {n}");
            builder.push(Draft {
                kind: Some(Kind::Person),
                place,
                row: n as u32 + 2,
                digest: row_digest([("Nom", name.as_str())]),
                values: vec![("last_name".into(), name, origin)],
                ..Draft::default()
            });
        }
        builder.finish(&IdKey([7; 32])).0
    }

    #[test]
    fn a_key_is_the_same_whatever_is_sorted_at_once() {
        let digests: Vec<[u8; 32]> = (0..100u8).map(|n| [n.wrapping_mul(37) % 50; 32]).collect();
        let key = |at_once| IdKey::merged(digests.iter().copied(), at_once).expect("there is room");
        for at_once in [1, 7, 50, 100] {
            assert_eq!(key(at_once), key(1000), "{at_once}");
        }
        let reversed = IdKey::merged(digests.iter().rev().copied(), 9).expect("there is room");
        assert_eq!(reversed, key(1000));
    }

    #[test]
    fn ids_do_not_depend_on_the_order_of_rows() {
        let (a, b) = (some_records(&[0, 1, 2, 3]), some_records(&[3, 1, 0, 2]));
        assert_eq!(a.ids, b.ids);
        let names = |r: &Records| -> Vec<String> {
            (0..4).map(|i| r.first("last_name", i).unwrap_or("").to_owned()).collect()
        };
        assert_eq!(names(&a), names(&b));
        assert!(a.ids.is_sorted());
    }

    #[test]
    fn exact_copies_get_different_ids() {
        let records = some_records(&[1, 1, 1]);
        assert!(records.ids.windows(2).all(|w| w[0] < w[1]));
    }

    #[test]
    fn an_id_reads_back_and_sorts_like_its_text() {
        let records = some_records(&[0, 1, 2, 3, 4, 5]);
        let texts: Vec<_> = records.ids.iter().map(ToString::to_string).collect();
        assert!(texts.is_sorted());
        for (id, text) in records.ids.iter().zip(&texts) {
            assert_eq!(RecordId::parse(text), Some(*id));
        }
        assert_eq!(RecordId::parse("not an id"), None);
    }

    #[test]
    fn columns_of_parts_are_one_column() {
        let part = |records: &[&[&str]]| {
            let mut builder = ColumnBuilder::new();
            for values in records {
                values.iter().for_each(|value| builder.value(value, value.len() as u32));
                builder.end_record();
            }
            builder.finish()
        };
        let (first, second) = (part(&[&["a", "bb"], &[]]), part(&[&["ccc"]]));
        let joined = Column::joined(&[(Some(&first), 2), (None, 3), (Some(&second), 1)]);
        let values: Vec<Vec<(&str, u32)>> =
            (0..joined.len()).map(|i| joined.entries(i).collect()).collect();
        let none = Vec::new;
        assert_eq!(
            values,
            [vec![("a", 1), ("bb", 2)], none(), none(), none(), none(), vec![("ccc", 3)]]
        );
        assert_eq!(Column::joined(&[(None, 2)]).len(), 2);
    }

    #[test]
    fn a_batch_reads_back() {
        let records = some_records(&[0, 1, 2]);
        let back = Records::from_batch(&records.to_batch().expect("a batch")).expect("records");
        assert_eq!(back.ids, records.ids);
        assert_eq!(back.first("last_name", 1), records.first("last_name", 1));
        assert_eq!(back.origins, records.origins);
    }
}
