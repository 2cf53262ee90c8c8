//! The `profile` command: what is in files or in a project, column by column, before anything is made
//! of it.
//!
//! Every file is read twice: once for a sample of rows that tells what each column holds, and once to
//! count and judge all of them. Memory does not grow with the rows: beyond a bound numbers of different
//! values become estimates, and say so. Nothing depends on the order of rows but the places of examples.

mod column;
mod frequencies;
mod judge;
mod page;
mod pattern;
mod show;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use csv::StringRecord;
use rayon::prelude::*;
use serde::Serialize;

use self::{column::Column, frequencies::Repeats, judge::Judge};
use crate::{
    config::{Overrides, Plan, SETTINGS},
    error::{Error, Result},
    ingest::{
        columns::{self, Class, Sample, Understood, hash},
        mapping::{Mapping, Rows, position},
        read::{self, Content, Format, Table},
        recognise::recognise,
        withhold,
    },
    init,
    legacy::{self, Ignore},
    model::{Lang, ValueKind},
    normalize,
    progress::Progress,
    store,
    value::{
        date, money,
        sensitive::{self, Scope},
    },
};

/// One file to look at.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Where it is.
    pub path: PathBuf,
    /// What outputs call it.
    pub name: String,
    /// The sheets to look at; empty for all.
    pub sheets: Vec<String>,
    /// The mapping that the project reads it by; none when it is to be recognised.
    pub mapping: Option<Arc<Mapping>>,
    /// ISO code of the country whose phone numbers have no country code.
    pub country: String,
    /// The ISO date that "now" is, or empty.
    pub as_of: String,
}

impl Subject {
    /// Its tables, read as a run reads them.
    fn open(&self) -> Result<Vec<Table>> {
        match &self.mapping {
            Some(mapping) => mapping.open(&self.path),
            None => read::open(&self.path),
        }
    }
}

/// What is in some files: the content of `--json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// One entry per table, in the order of files and sheets.
    pub tables: Vec<TableProfile>,
    /// Files that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// Files whose lines are text rather than rows of cells.
    pub no_tables: Vec<String>,
}

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unreadable {
    /// Its name.
    pub file: String,
    /// Why.
    pub message: String,
    /// What to do, or empty.
    pub suggestion: String,
}

/// What is in one table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableProfile {
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// Whether the sheet is hidden.
    pub hidden: bool,
    /// Container, encoding, delimiter, and what reading them showed.
    pub format: Format,
    /// The layout it has: the name of a mapping, or empty.
    pub layout: String,
    /// How sure that is, from 0 to 100.
    pub confidence: u8,
    /// The row its header ends on, from 1; 0 without header.
    pub header_row: u32,
    /// Rows of data.
    pub rows: u64,
    /// Rows of data that are exact copies of one before.
    pub repeated_rows: u64,
    /// Rows that are no data, by reason: `blank`, `title`, `total`...
    pub skipped: BTreeMap<&'static str, u64>,
    /// Rows that cannot be used, by code, with the first of each.
    pub rejected: Vec<Suspicious>,
    /// Its columns in their order.
    pub columns: Vec<ColumnProfile>,
}

/// What is in one column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnProfile {
    /// Its header as written.
    pub column: String,
    /// Its number in the table, from 1.
    pub position: u64,
    /// In a workbook its letter, else empty.
    pub letter: String,
    /// The attribute it seems to hold, or empty.
    pub attribute: String,
    /// The kind of its values: a value kind (`email`, `person_name`...), `number`, or `empty`.
    pub kind: &'static str,
    /// How sure that is, from 0 to 100.
    pub confidence: u8,
    /// Why it seems so.
    pub reason: String,
    /// Rows whose cell is filled.
    pub filled: u64,
    /// Filled cells that are values of that kind.
    pub valid: u64,
    /// Filled cells that stand for no value: `N/A`, `xxx`.
    pub placeholders: u64,
    /// Filled cells that are no values of that kind.
    pub invalid: u64,
    /// Whether it seems to name the rows.
    pub is_key: bool,
    /// How many different values it has.
    pub distinct: Distinct,
    /// The most frequent values. Where `distinct` is an estimate, those of a sample of rows, with
    /// exact counts.
    pub top_values: Vec<Counted>,
    /// The most frequent forms: `9` a digit, `A` a capital, `aaa` small letters.
    pub patterns: Vec<Pattern>,
    /// The first of the shortest values.
    pub shortest: Option<Found>,
    /// The first of the longest values.
    pub longest: Option<Found>,
    /// The earliest date or smallest number, in its canonical form.
    pub least: Option<Found>,
    /// The latest date or greatest number, in its canonical form.
    pub greatest: Option<Found>,
    /// Of dates how many there are in each year; of numbers, how many have so many digits before the
    /// mark, negative ones counted below zero.
    pub spread: BTreeMap<i32, u64>,
    /// What is suspicious, the most frequent first.
    pub suspicious: Vec<Suspicious>,
}

/// How many different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Distinct {
    /// How many.
    pub count: u64,
    /// Whether they were counted; else they are estimated, to about one percent.
    pub exact: bool,
}

/// A value and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The value.
    pub value: String,
    /// How often.
    pub count: u64,
}

/// A form of values and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pattern {
    /// The form.
    pub pattern: String,
    /// How often.
    pub count: u64,
}

/// A value at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The value.
    pub value: String,
    /// Its length in characters.
    pub length: u64,
    /// Where: `Clients!D17`, `clients.csv:12`.
    pub cell: String,
}

/// Cells or rows that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suspicious {
    /// What is suspicious: a code.
    pub code: &'static str,
    /// How many there are.
    pub count: u64,
    /// Whether they were counted; else they are estimated.
    pub exact: bool,
    /// The first ones.
    pub examples: Vec<Occurrence>,
}

/// A suspicious cell or row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Occurrence {
    /// Where: `Clients!D17`, `clients.csv:12`.
    pub cell: String,
    /// The row.
    pub row: u32,
    /// What stands there.
    pub value: String,
    /// Of a key that came before: where it stood first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
}

impl Profile {
    /// Whether there is something that a run could not use: a file, or a row.
    pub fn remains(&self) -> bool {
        !self.unreadable.is_empty() || self.tables.iter().any(|table| !table.rejected.is_empty())
    }

    /// As plain text for a terminal, at most 100 columns wide.
    pub fn to_text(&self, lang: Lang) -> String {
        show::text(self, lang)
    }

    /// Writes the profile as a page, readable by its owner only: to `out` when it names an `.html` file,
    /// else to `profile.html` in the folder `out`. Returns the path of the page.
    pub fn write_page(&self, title: &str, lang: Lang, out: &Path) -> Result<PathBuf> {
        let is_page = out.extension().is_some_and(|e| e.eq_ignore_ascii_case("html"));
        let path = if is_page { out.to_owned() } else { out.join("profile.html") };
        store::write(&path, page::page(self, title, lang)?)?;
        Ok(path)
    }
}

/// The files that `asked` means: a project's sources, the files below a folder, or files.
///
/// # Errors
///
/// When a project's settings make no sense, or a folder cannot be read.
pub fn subjects(asked: &[(PathBuf, String)], overrides: &Overrides) -> Result<Vec<Subject>> {
    let country = normalize::Settings::default().country;
    let as_of = overrides.as_of.clone().unwrap_or_default();
    let plain = |path: PathBuf, name: String| Subject {
        path,
        name,
        sheets: Vec::new(),
        mapping: None,
        country: country.clone(),
        as_of: as_of.clone(),
    };
    let mut subjects = Vec::new();
    for (path, name) in asked {
        if path.join(SETTINGS).is_file() {
            subjects.extend(of_project(&Plan::load(path, overrides)?));
        } else {
            let on_disk = match path.is_dir() {
                true => legacy::files(path, path, &Ignore::usual())?.candidates,
                false => vec![(path.clone(), name.clone())],
            };
            let files = on_disk.iter().flat_map(|(path, name)| read::files(path, name));
            subjects.extend(files.map(|(path, name)| plain(path, name)));
        }
    }
    Ok(subjects)
}

fn of_project(plan: &Plan) -> Vec<Subject> {
    let of_source = |source: &crate::ingest::Source| -> Vec<Subject> {
        let subject = |(path, name): (PathBuf, String)| Subject {
            path,
            name,
            sheets: source.sheets.clone(),
            mapping: Some(source.mapping.clone()),
            country: plan.normalize.country.clone(),
            as_of: plan.as_of.clone(),
        };
        let files = source.files.iter().flat_map(|(path, name)| read::files(path, name));
        files.map(subject).collect()
    };
    let mut subjects: Vec<Subject> = plan.sources.iter().flat_map(of_source).collect();
    subjects.sort_by(|a, b| (&a.name, &a.sheets).cmp(&(&b.name, &b.sheets)));
    subjects
}

/// Looks at all `subjects`. A file that cannot be read is told, and costs nothing else.
///
/// # Errors
///
/// When none of them can be read, or the user interrupts.
pub fn run(subjects: &[Subject], progress: &Progress) -> Result<Profile> {
    progress.expect(subjects.len() as u64);
    let mut profile = Profile { tables: Vec::new(), unreadable: Vec::new(), no_tables: Vec::new() };
    let mut first_error = None;
    for subject in subjects {
        progress.check()?;
        match of_file(subject, progress) {
            Ok(tables) if tables.is_empty() => profile.no_tables.push(subject.name.clone()),
            Ok(tables) => profile.tables.extend(tables),
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                profile.unreadable.push(Unreadable {
                    file: subject.name.clone(),
                    message: error.reason(),
                    suggestion: error.hint().unwrap_or_default(),
                });
                first_error = first_error.or(Some(error));
            }
        }
        progress.advance(1);
    }
    match first_error {
        Some(error) if profile.tables.is_empty() && profile.no_tables.is_empty() => Err(error),
        _ => Ok(profile),
    }
}

fn of_file(subject: &Subject, progress: &Progress) -> Result<Vec<TableProfile>> {
    let wanted = |table: &Table| subject.sheets.is_empty() || subject.sheets.contains(&table.sheet);
    let mut counters: Vec<Counter<'_>> = Vec::new();
    for table in subject.open()?.into_iter().filter(wanted) {
        counters.push(Counter::of(subject, table, progress)?);
    }
    if counters.iter().all(|counter| counter.is_prose) {
        return Ok(Vec::new());
    }
    // What the columns hold is known only now: a second look at the rows.
    let tables = subject.open()?.into_iter().filter(wanted);
    counters
        .into_iter()
        .zip(tables)
        .map(|(counter, table)| counter.count(table, progress))
        .collect()
}

/// What a column seems to hold.
#[derive(Debug, Clone)]
struct Guess {
    header: String,
    position: usize,
    attribute: String,
    value_kind: Option<ValueKind>,
    kind: &'static str,
    confidence: u8,
    reason: String,
    is_key: bool,
    /// What is looked for in its cells that must not be shown; nothing in codes.
    scope: Option<Scope>,
}

/// A table between the two looks at it.
struct Counter<'s> {
    subject: &'s Subject,
    layout: String,
    confidence: u8,
    is_prose: bool,
    columns: Vec<Column>,
}

/// Suspicious cells and rows that are told of each sort: the first ones.
const EXAMPLES: usize = 5;
/// Longer values are cut where they are told, in characters.
const LONGEST_SHOWN: usize = 120;

/// Rows that are counted at once, each column by itself: enough to be worth a thread.
const BATCH: usize = 4096;

impl Counter<'_> {
    /// Takes the first look at a table: what its columns seem to hold.
    fn of<'s>(subject: &'s Subject, table: Table, progress: &Progress) -> Result<Counter<'s>> {
        let mut sample = Sample::default();
        table.tally.count_only();
        for (n, row) in table.rows.enumerate() {
            if n % BATCH == 0 {
                progress.check()?;
            }
            if let Content::Data(cells) = row.content {
                sample.add(&cells);
            }
        }
        let sample = sample.rows();
        let header = &table.header;
        let understood = columns::understand(header, &sample);
        let (mapping, confidence, generic) = match &subject.mapping {
            Some(mapping) => (Some(mapping.clone()), 1.0, false),
            None => {
                let found = recognise(&subject.name, &table.format.container, header, &sample, &[]);
                match found.into_iter().next() {
                    Some(best) => (Some(best.mapping), best.confidence, best.generic),
                    None => (None, 0.0, true),
                }
            }
        };
        let percent = (confidence * 100.0).round() as u8;
        let layout = mapping.as_ref().filter(|_| !generic).map(|mapping| mapping.name.clone());
        let mapping = mapping.map(|mapping| mapping.of_table(header).clone());
        let known = mapping.as_ref().map(|mapping| Known {
            mapping,
            generic,
            percent,
            is_project: subject.mapping.is_some(),
        });
        let guesses = guesses(known, understood);
        // A list of email addresses has one column, as text has.
        let is_prose = guesses.iter().all(|guess| guess.attribute.is_empty())
            && init::is_prose(header, &sample);
        let columns = guesses
            .into_iter()
            .map(|guess| {
                let at = guess.position;
                let cells = sample.iter().map(move |row| row.get(at).unwrap_or(""));
                let judge = judge_of(&guess, subject, cells.clone());
                Column::new(guess, judge, cells)
            })
            .collect();
        Ok(Counter {
            subject,
            layout: layout.unwrap_or_default(),
            confidence: percent,
            is_prose,
            columns,
        })
    }

    /// Takes the second look: counts and judges every cell.
    fn count(mut self, table: Table, progress: &Progress) -> Result<TableProfile> {
        let mut rows = Lines::default();
        let mut batch: Vec<(u32, StringRecord)> = Vec::with_capacity(BATCH);
        let mut open = table.rows;
        table.tally.count_only();
        loop {
            batch.extend(open.by_ref().filter_map(|row| rows.take(row)).take(BATCH));
            if batch.is_empty() {
                break;
            }
            progress.check()?;
            self.columns.par_iter_mut().enumerate().for_each(|(at, column)| {
                for (row, cells) in &batch {
                    column.add(*row, cells.get(at).unwrap_or(""));
                }
            });
            batch.clear();
        }
        let mut format = table.format;
        format.remarks.extend(table.tally.remarks());
        let file = self.subject.name.as_str();
        let is_sheet = !table.sheet.is_empty() && !is_text(&format.container);
        let first_column = format.first_column;
        let place = Place { file, sheet: &table.sheet, is_sheet, first_column };
        let rejected = (rows.rejected.into_iter())
            .map(|(code, (count, examples))| {
                let told =
                    |(row, value)| Occurrence { cell: place.row(row), row, value, first: None };
                let examples = examples.into_iter().map(told).collect();
                Suspicious { code, count, exact: true, examples }
            })
            .collect();
        Ok(TableProfile {
            columns: self.columns.into_iter().map(|column| column.finish(&place)).collect(),
            rejected,
            file: file.to_owned(),
            hidden: table.hidden,
            layout: self.layout,
            confidence: self.confidence,
            header_row: table.header_row,
            rows: rows.data,
            repeated_rows: rows.repeats.again(),
            skipped: rows.skipped,
            sheet: table.sheet,
            format,
        })
    }
}

/// How many rows, and number and raw text of the first ones.
type Rejected = (u64, Vec<(u32, String)>);

/// The rows of a table while they are counted.
#[derive(Default)]
struct Lines {
    data: u64,
    repeats: Repeats,
    skipped: BTreeMap<&'static str, u64>,
    /// By code: how many, and the row and raw text of the first.
    rejected: BTreeMap<&'static str, Rejected>,
}

impl Lines {
    /// The cells of a row of data; anything else is counted.
    fn take(&mut self, row: read::Row) -> Option<(u32, StringRecord)> {
        match row.content {
            Content::Data(cells) => {
                self.data += 1;
                self.repeats.add(row_hash(&cells), row.number);
                return Some((row.number, cells));
            }
            Content::Skipped(reason) => *self.skipped.entry(reason).or_default() += 1,
            Content::Bad { code, raw, .. } => {
                let (count, examples) = self.rejected.entry(code).or_default();
                *count += 1;
                if examples.len() < EXAMPLES {
                    examples.push((row.number, told(&raw, Some(Scope::Prose))));
                }
            }
        }
        None
    }
}

/// The value as it may be shown: without what is sensitive, and cut where it is too long.
fn told(value: &str, scope: Option<Scope>) -> String {
    let value = match scope {
        Some(scope) => sensitive::withhold(value, scope, &BTreeSet::new()).0,
        None => value.into(),
    };
    match value.char_indices().nth(LONGEST_SHOWN) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value.into_owned(),
    }
}

fn row_hash(cells: &StringRecord) -> u64 {
    cells.iter().fold(0, |sum: u64, cell| {
        sum.rotate_left(5).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ hash(cell)
    })
}

/// The mapping that fits a table.
#[derive(Clone, Copy)]
struct Known<'m> {
    mapping: &'m Mapping,
    /// Whether it was made column by column.
    generic: bool,
    /// How sure it is.
    percent: u8,
    /// Whether the project reads the table by it: what it does not name is no more than an extra.
    is_project: bool,
}

impl Known<'_> {
    /// The attribute of a column with its confidence and the reason, where the layout says it.
    fn says(&self, meaning: Option<&String>) -> Option<(String, u8, String)> {
        let layout = &self.mapping.name;
        match meaning {
            _ if self.generic => None,
            Some(attribute) if !attribute.is_empty() => {
                Some((attribute.clone(), self.percent, format!("the layout `{layout}` says it")))
            }
            None if !self.is_project => None,
            _ => Some((String::new(), self.percent, format!("an extra of the layout `{layout}`"))),
        }
    }
}

/// What each column seems to hold: what a known layout says, else what its name and cells tell.
fn guesses(known: Option<Known<'_>>, understood: Vec<Understood>) -> Vec<Guess> {
    let header: Vec<String> = understood.iter().map(|column| column.header.clone()).collect();
    let mapping = known.map(|known| known.mapping);
    let meanings = mapping.map(|mapping| mapping.meanings(&header)).unwrap_or_default();
    let id = mapping.and_then(|mapping| position(&header, &mapping.id));
    let is_related = mapping.is_some_and(|m| matches!(m.rows, Rows::Fec | Rows::History));
    let guess = |column: Understood| {
        let at = column.index;
        let class = column.content.class();
        let said = known.and_then(|known| known.says(meanings.get(at)?.as_ref()));
        let (attribute, confidence, reason) =
            said.unwrap_or((column.attribute, column.confidence, column.reason));
        let value_kind = judge::kind_of(&attribute, class);
        let is_key = !is_related && is_key(&attribute, id == Some(at), class, &column.content);
        let is_code = is_key || attribute.is_empty() && class != Class::Text;
        let scope = if is_code { None } else { withhold::of_attribute(&attribute, &column.header) };
        Guess {
            is_key,
            scope,
            header: column.header,
            position: at,
            kind: kind_word(value_kind, class),
            confidence: if class == Class::Empty && attribute.is_empty() {
                100
            } else {
                confidence
            },
            attribute,
            value_kind,
            reason,
        }
    };
    understood.into_iter().map(guess).collect()
}

/// Whether the values of a column name its rows: it is called so, or its cells are codes; and hardly one
/// comes twice, or it refers to something that another table names.
fn is_key(attribute: &str, is_id: bool, class: Class, content: &columns::Content) -> bool {
    const FEW: u32 = 20;
    let called =
        is_id || matches!(attribute, "customer_code" | "account_code" | "siret" | "row_id");
    let nearly_all = u64::from(content.distinct) * 10 >= u64::from(content.filled) * 9;
    let codes = attribute.is_empty() && class == Class::Code && content.filled >= FEW;
    content.filled > 1 && nearly_all && (called || codes)
        || is_id && u64::from(content.distinct) * 2 >= u64::from(content.filled)
}

fn kind_word(kind: Option<ValueKind>, class: Class) -> &'static str {
    match kind {
        None => "empty",
        Some(ValueKind::Money) if class == Class::Number => "number",
        Some(ValueKind::PersonName) => "person_name",
        Some(ValueKind::OrganisationName) => "organisation_name",
        Some(ValueKind::Email) => "email",
        Some(ValueKind::Phone) => "phone",
        Some(ValueKind::Address) => "address",
        Some(ValueKind::Date) => "date",
        Some(ValueKind::Identifier) => "identifier",
        Some(ValueKind::Money) => "money",
        Some(ValueKind::Boolean) => "boolean",
        Some(ValueKind::Url) => "url",
        Some(ValueKind::Text) => "text",
        Some(ValueKind::Category) => "category",
    }
}

fn judge_of<'c>(
    guess: &Guess,
    subject: &Subject,
    cells: impl Iterator<Item = &'c str> + Clone,
) -> Judge {
    let digits = |cell: &&str| !cell.is_empty() && cell.bytes().all(|b| b.is_ascii_digit());
    let of_five = cells.clone().map(str::trim).filter(digits).filter(|c| c.len() == 5).count();
    let of_digits = cells.clone().map(str::trim).filter(digits).count();
    Judge {
        attribute: guess.attribute.clone(),
        kind: guess.value_kind,
        order: date::shown_order(cells.clone()),
        mark: money::mark_of(cells),
        country: subject.country.clone(),
        as_of: subject.as_of.clone(),
        five_digits: guess.attribute == "postcode" && of_five * 10 >= of_digits * 8,
    }
}

/// Where the cells of a table are.
struct Place<'a> {
    file: &'a str,
    sheet: &'a str,
    /// Whether its columns have letters.
    is_sheet: bool,
    /// The sheet's column that is the table's first, from 0.
    first_column: usize,
}

impl Place<'_> {
    /// A cell as a person looks it up: `Clients!D17`, or `clients.csv:12`, which needs the column's name.
    fn cell(&self, column: usize, row: u32) -> String {
        match self.is_sheet {
            true => format!("{}!{}{row}", quoted(self.sheet), self.letters(column)),
            false => self.row(row),
        }
    }

    /// The letters of a column of the table; none of a text's.
    fn letters(&self, column: usize) -> String {
        match self.is_sheet {
            true => read::column_letters(self.first_column + column),
            false => String::new(),
        }
    }

    fn row(&self, row: u32) -> String {
        match self.sheet {
            "" => format!("{}:{row}", self.file),
            sheet if self.is_sheet => format!("{}!{row}:{row}", quoted(sheet)),
            sheet => format!("{}!{sheet}:{row}", self.file),
        }
    }
}

/// The sheet's name as spreadsheets write it in a reference.
fn quoted(sheet: &str) -> String {
    match sheet.chars().all(|c| c.is_alphanumeric() || c == '_') {
        true => sheet.to_owned(),
        false => format!("'{}'", sheet.replace('\'', "''")),
    }
}

/// Whether people look up the container's rows by line.
fn is_text(container: &str) -> bool {
    !matches!(container, "xlsx" | "xlsb" | "xls" | "ods" | "fods" | "xml" | "html")
}

#[cfg(test)]
mod tests;
