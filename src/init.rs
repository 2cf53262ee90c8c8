//! The `init` command: looks at every file of a folder, recognises it, and writes `orpailleur.toml`.
//!
//! Every guess is written down with how sure it is, and what was measured to make it. Nothing
//! depends on the order of rows, and nothing on the day.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use csv::StringRecord;
use jiff::civil::Date;

use crate::{
    config::{self, SETTINGS},
    error::{Error, Result},
    ingest::{
        FileStatus,
        columns::{self, Understood, hash},
        consent_of_file,
        country::{self, Abroad, Votes},
        entity::{self, CodesByValue, CodesOf, EntityColumn, LegalEntity},
        fec::FileName,
        mapping::{self, ColumnRule, Mapping, Rows},
        party_of_table,
        read::{self, Content, Format},
        recognise::{Candidate, recognise},
        values,
    },
    legacy::{self, Ignore},
    model::{self, Lang, ValueKind},
    progress::Progress,
    run::digests,
    store,
    table::{Channel, Clean, NO_COUNTRY, row_digest},
    value::{category, date, email, text},
    vocabulary,
};

/// Rows that a layout is recognised by: those of the smallest digests, whatever their order.
const SAMPLE_ROWS: usize = 2_000;

/// A source that ends this long before the others tells how things once were: five years, by
/// judgement.
const STALE_DAYS: i64 = 5 * 365;

/// Entries that end this long before the closing date of their file may be those of an open year.
const QUARTER_DAYS: i64 = 92;

/// Below this a guess is called unsure.
const SURE: f64 = 0.6;

/// How many other sources are named with what a source's codes have in common with theirs.
const MOST_OVERLAPS: usize = 4;

/// What `as_of` is where the data have no date: with it nothing is old, and so nobody inactive.
const NO_DATE: &str = "1970-01-01";

/// What was guessed, to be printed; the same stands in the settings as comments.
#[derive(Debug, Clone, Default)]
pub struct Guess {
    /// The settings file that was written.
    pub settings: PathBuf,
    /// The folder of the exports.
    pub folder: PathBuf,
    /// The latest plausible date in the data; none when it has no date.
    pub as_of: Option<Date>,
    /// The country of phone numbers and addresses that name none; none where nothing tells it.
    pub home: Option<country::Guess>,
    /// What became of the files found.
    pub files: FileCounts,
    /// What is left out on purpose besides what usually is: patterns with the reason.
    pub ignored: Vec<(String, String)>,
    /// The files and sheets with rows that are left out: where, how many rows, and why.
    pub left_out: Vec<(String, u64, &'static str)>,
    /// One line per source.
    pub sources: Vec<SourceGuess>,
    /// What a person should look at.
    pub unsure: Vec<String>,
}

/// What became of the files found; an archive counts by its files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// Files of sources.
    pub in_sources: usize,
    /// Files left out on purpose; a folder that is left out whole counts once.
    pub ignored: usize,
    /// Files that cannot be read or are empty: a run will tell of them too.
    pub unusable: usize,
}

/// What was guessed of one source.
#[derive(Debug, Clone, Default)]
pub struct SourceGuess {
    /// Its logical name.
    pub name: String,
    /// Its files.
    pub files: Vec<String>,
    /// Its sheets; empty for all.
    pub sheets: Vec<String>,
    /// The mapping that reads it.
    pub mapping: Arc<Mapping>,
    /// Whether no known layout fits, and the mapping was made column by column.
    pub generic: bool,
    /// The mapping that the project writes for itself; none where a built-in one says all.
    pub own: Option<Mapping>,
    /// How sure, from 0 to 1.
    pub confidence: f64,
    /// What else it could be, and how sure that would be.
    pub runner_up: Option<(String, f64)>,
    /// For each column, by the key of its header and its number among equals, how sure its attribute is (in percent)
    /// and why.
    pub reasons: BTreeMap<(String, usize), (u8, String)>,
    /// What the files are: `text, windows-1252, ;`.
    pub format: String,
    /// Rows of data.
    pub rows: u64,
    /// Whether its sheets are hidden in their workbook.
    pub hidden: bool,
    /// The key space; empty when it has no codes.
    pub key_space: String,
    /// What its codes have in common with those of other sources.
    pub overlaps: Vec<String>,
    /// The column that names the legal entity whose code a row has, and what was measured to say so.
    pub legal_entity: Option<(LegalEntity, Vec<String>)>,
    /// What its cells say of a country of its own; none: it is at home.
    pub abroad: Option<Abroad>,
    /// Age of rows without a date; none when nothing tells.
    pub dated: Option<Date>,
    /// Columns that no attribute takes.
    pub unknown: Vec<String>,
}

/// Looks at all files below `folder` and makes a project of them in `project`.
///
/// # Errors
///
/// When the project has settings already (unless `force`), when `folder` has no file that can be
/// used, or when something cannot be written. A file that cannot be read is no error: it is told.
pub fn run(
    folder: &Path,
    project: &Path,
    force: bool,
    lang: Lang,
    progress: &Progress,
) -> Result<Guess> {
    let settings = project.join(SETTINGS);
    if settings.exists() && !force {
        return Err(Error::Format {
            path: settings,
            message: "it is there already".into(),
            hint: Some("name another folder with `--project`, or replace it with `--force`".into()),
        });
    }
    let found = legacy::files(folder, project, &Ignore::usual())?;
    let files: Vec<(PathBuf, String)> =
        found.candidates.iter().flat_map(|(path, name)| read::files(path, name)).collect();
    progress.expect(files.len() as u64);
    let mut guess =
        Guess { settings: settings.clone(), folder: folder.to_owned(), ..Guess::default() };
    let tables = guess.survey(&files, progress)?;
    guess.unsure.extend(copies(&found.candidates));
    let groups = group(&tables);
    if groups.is_empty() {
        return Err(Error::Format {
            path: folder.to_owned(),
            message: "no file in it could be recognised".into(),
            hint: Some(guess.why_nothing(files.is_empty())),
        });
    }
    let dated: Vec<_> = tables.iter().map(|table| (table.file.as_str(), &table.dates)).collect();
    guess.as_of = end_of_data(&dated);
    match guess.as_of {
        Some(as_of) => guess.unsure.extend(later_dates(&groups, as_of)),
        None => guess.unsure.push(format!(
            "the data have no date: `as_of` is {NO_DATE}, by which nobody is inactive; write the day \
             of the exports in its place, as in `as_of = \"2024-12-31\"`"
        )),
    }
    let votes = all_votes(&groups);
    guess.home = votes.home();
    let home = guess.country().to_owned();
    guess.sources = sources(&groups, &tables, &mut guess.unsure, guess.as_of, &home);
    if guess.home.is_none() && votes.tells() {
        let unsure = no_common_country(&guess.sources);
        guess.unsure.insert(0, unsure);
    }
    guess.count_files(&files, &found.ignored);
    let counts = category_values(&guess, &files, progress)?;
    let values = vocabulary::propose(&counts, project, lang)?;
    guess.unsure.extend(values.open().filter(|(_, open, _)| *open > 0).map(
        |(attribute, open, all)| {
            format!("{open} of {all} values of `{attribute}` have no common value yet: `mappings/values/{attribute}.csv`")
        },
    ));
    write_project(&guess, project, lang)?;
    values.write(project)?;
    Ok(guess)
}

/// What is said where no country is that of all sources.
fn no_common_country(sources: &[SourceGuess]) -> String {
    let countries: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| Some(source.abroad.as_ref()?.setting()))
        .filter(|country| *country != NO_COUNTRY)
        .collect();
    let why = match countries.len() {
        0 => "nothing tells the country of phone numbers and addresses that name none: they"
            .to_owned(),
        _ => format!(
            "the sources are of different countries ({}, each where its cells tell one): phone numbers and addresses \
             of the others that name none",
            countries.into_iter().collect::<Vec<_>>().join(", ")
        ),
    };
    format!(
        "{why} are kept as written; write it in `[normalize]`, as in `country = \"BE\"`, where it is one"
    )
}

impl Guess {
    /// The home country as the settings write it.
    fn country(&self) -> &str {
        self.home.as_ref().map_or(NO_COUNTRY, |home| &home.country)
    }

    /// Why no source was found.
    fn why_nothing(&self, has_no_file: bool) -> String {
        const MOST: usize = 5;
        let left_out = self
            .left_out
            .iter()
            .map(|(place, rows, why)| format!("{place}: {}, {why}", self::rows(*rows)));
        let mut reasons: Vec<String> = self.unsure.iter().cloned().chain(left_out).collect();
        let more = reasons.len().saturating_sub(MOST);
        reasons.truncate(MOST);
        if more > 0 {
            reasons.push(format!("{more} more such reasons"));
        }
        match reasons.is_empty() {
            true if has_no_file => "it holds no file; name the folder of the exports".into(),
            true => "none of its files is a table of customers".into(),
            false => reasons.join("; "),
        }
    }

    /// Looks at each file; notes what is to be told of it, and what of it is left out on purpose.
    fn survey(&mut self, files: &[(PathBuf, String)], progress: &Progress) -> Result<Vec<Survey>> {
        let mut tables = Vec::new();
        let mut no_tables: Vec<&str> = Vec::new();
        for (path, name) in files {
            progress.check()?;
            match legacy::nameable(path, name).and_then(|()| survey_file(path, name)) {
                Ok(_) if is_empty(path) => {
                    self.files.unusable += 1;
                    self.unsure.push(format!("`{name}` is empty: `run` will tell it again"));
                }
                Ok(found) if found.iter().all(|t| t.header.is_empty() || t.is_prose) => {
                    self.ignored.push((legacy::pattern_of(name), "no table".to_owned()));
                    no_tables.push(name);
                }
                Ok(found) => {
                    self.tell_of_sheets(name, &found);
                    tables.extend(found);
                }
                Err(error) => {
                    self.files.unusable += 1;
                    let hint = error.hint().map(|h| format!(": {h}")).unwrap_or_default();
                    let name = name.replace(char::is_control, "\u{fffd}");
                    self.unsure.push(format!(
                        "`{name}` cannot be read, {}{hint}; `run` will tell it again",
                        error.reason()
                    ));
                }
            }
            progress.advance(1);
        }
        match no_tables.as_slice() {
            [] => {}
            [one] => self.unsure.push(format!("`{one}` is no table and is left out")),
            some => self.unsure.push(format!(
                "{} files that are no tables are left out: `{}`",
                some.len(),
                some.join("`, `")
            )),
        }
        Ok(tables)
    }

    /// Notes which sheets of a file are left out, and which of those that are read nobody sees.
    fn tell_of_sheets(&mut self, name: &str, found: &[Survey]) {
        if found.iter().all(|t| t.rows == 0) {
            self.unsure.push(format!("`{name}` has no row of data below its header"));
            self.files.unusable += usize::from(found.iter().all(|t| t.candidate.is_none()));
        }
        for sheet in found.iter().filter(|t| t.candidate.is_none() && t.rows > 0) {
            let why =
                columns::lacking(&sheet.understood).unwrap_or("its columns are not understood");
            self.left_out.push((sheet.place(), sheet.rows, why));
            let is_read = |t: &Survey| t.sheet == sheet.sheet && t.candidate.is_some();
            // A workbook of which no sheet is read is left out as a whole.
            let pattern = match found.iter().any(|t| t.candidate.is_some()) {
                true => legacy::pattern_of(&legacy::sheet_name(name, &sheet.sheet)),
                false => legacy::pattern_of(name),
            };
            let ignored = (pattern, format!("{}: {why}", rows(sheet.rows)));
            if !found.iter().any(is_read) && !self.ignored.contains(&ignored) {
                self.ignored.push(ignored);
            }
        }
        for sheet in found.iter().filter(|t| t.hidden && t.candidate.is_some()) {
            self.unsure.push(format!("{} is read as the others are", sheet.place()));
        }
    }

    fn count_files(&mut self, files: &[(PathBuf, String)], ignored: &[String]) {
        let used: BTreeSet<&String> = self.sources.iter().flat_map(|s| &s.files).collect();
        self.files.in_sources = used.len();
        let used = used.len() + self.files.unusable;
        self.files.ignored = files.len().saturating_sub(used) + ignored.len();
    }
}

/// Whether there is nothing in the file.
fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() == 0)
}

/// The values of category columns in the sources.
fn category_values(
    guess: &Guess,
    files: &[(PathBuf, String)],
    progress: &Progress,
) -> Result<values::Counts> {
    let path = |name: &String| files.iter().find(|(_, n)| n == name).map(|(path, _)| path.clone());
    let sources = guess.sources.iter().flat_map(|source| {
        let file = move |name: &String| {
            let mapping = source.own.as_ref().unwrap_or(&source.mapping);
            Some((path(name)?, name.clone(), source.sheets.as_slice(), mapping))
        };
        source.files.iter().filter_map(file)
    });
    values::count(sources, &category::ATTRIBUTES, progress)
}

/// Files that hold the same bytes: most likely one of them should go.
fn copies(files: &[(PathBuf, String)]) -> Vec<String> {
    let mut same: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for digest in digests(files).into_iter().filter(|digest| digest.bytes > Some(0)) {
        same.entry(digest.sha256.unwrap_or_default()).or_default().push(digest.file);
    }
    let groups = same.into_values().filter(|names| names.len() > 1);
    groups.map(|names| format!("`{}` are copies of one file", names.join("`, `"))).collect()
}

/// What one table is.
#[derive(Debug)]
struct Survey {
    file: String,
    sheet: String,
    /// Whether the sheet is hidden in its workbook.
    hidden: bool,
    format: Format,
    header: Vec<String>,
    rows: u64,
    candidate: Option<Candidate>,
    runner_up: Option<Candidate>,
    /// What each column is by itself, and why.
    understood: Vec<Understood>,
    /// Dates of events, with how often each stands there. Dates of birth are none.
    dates: BTreeMap<Date, u64>,
    /// Its customer codes.
    codes: Codes,
    /// The same for each value of the columns that may name a legal entity.
    codes_by_value: CodesByValue,
    /// How many cells speak for which country.
    countries: Votes,
    /// For each column whether any row fills it.
    filled: Vec<bool>,
    /// Columns that seem to say who may be contacted, though not how.
    like_consent: Vec<String>,
    /// Whether its lines are text rather than rows of cells.
    is_prose: bool,
}

impl Survey {
    /// What the name of its file says of its rows.
    fn status(&self) -> Option<FileStatus> {
        consent_of_file(&self.candidate.as_ref()?.mapping, &self.header, &self.file)
    }

    fn place(&self) -> String {
        match self.sheet.as_str() {
            "" => format!("`{}`", self.file),
            sheet if self.hidden => format!("`{}`, hidden sheet `{sheet}`", self.file),
            sheet => format!("`{}`, sheet `{sheet}`", self.file),
        }
    }
}

/// The latest plausible date of events in clean records: what `as_of` is where nobody says it.
pub fn latest_date(clean: &Clean) -> String {
    let records = &clean.records;
    let mut dates: Vec<BTreeMap<Date, u64>> = vec![BTreeMap::new(); records.places.len()];
    let mut add = |place: u32, text: &str| {
        if let Some(date) = text.get(..10).and_then(|day| day.parse().ok()) {
            *dates[place as usize].entry(date).or_default() += 1;
        }
    };
    for (attribute, column) in &records.columns {
        let is_known = model::attribute(attribute).is_some();
        if is_known && model::value_kind(attribute) == ValueKind::Date && attribute != "birth_date"
        {
            for record in 0..records.len() {
                column.values(record).for_each(|text| add(records.place[record], text));
            }
        }
    }
    clean.events.iter().for_each(|event| add(event.place, &event.since));
    let files = records.places.iter().map(|place| place.file.as_str());
    let dated: Vec<_> = files.zip(&dates).collect();
    end_of_data(&dated).map_or(NO_DATE.to_owned(), |date| date.to_string())
}

fn survey_file(path: &Path, name: &str) -> Result<Vec<Survey>> {
    let mut surveys = Vec::new();
    for table in read::open(path)? {
        let mut sample: BTreeMap<[u8; 32], StringRecord> = BTreeMap::new();
        let mut rows = 0;
        let mut blank: BTreeSet<usize> = (0..table.header.len()).collect();
        table.tally.count_only();
        for row in table.rows {
            let Content::Data(cells) = row.content else { continue };
            rows += 1;
            blank.retain(|&at| cells.get(at).is_none_or(|cell| cell.trim().is_empty()));
            let digest = row_digest(table.header.iter().map(String::as_str).zip(&cells));
            if sample.len() < SAMPLE_ROWS || sample.last_key_value().is_some_and(|l| digest < *l.0)
            {
                sample.insert(digest, cells);
            }
            if sample.len() > SAMPLE_ROWS {
                sample.pop_last();
            }
        }
        let sample: Vec<StringRecord> = sample.into_values().collect();
        let is_prose = is_prose(&table.header, &sample);
        let filled = (0..table.header.len()).map(|at| !blank.contains(&at)).collect();
        let understood = columns::understand(&table.header, &sample);
        let like_consent = understood
            .iter()
            .filter(|c| columns::looks_like_consent(c) && !blank.contains(&c.index));
        let like_consent = like_consent.map(|c| c.header.clone()).collect();
        let found = recognise(name, &table.format.container, &table.header, &sample, &[]);
        let mut found = found.into_iter();
        let candidate = found.next();
        let runner_up = found.next();
        let countries = candidate
            .as_ref()
            .map(|candidate| countries(&candidate.mapping, &table.header, &sample));
        surveys.push(Survey {
            file: name.to_owned(),
            sheet: table.sheet,
            hidden: table.hidden,
            format: table.format,
            header: table.header,
            rows,
            candidate,
            runner_up,
            understood,
            dates: BTreeMap::new(),
            codes: Codes::default(),
            codes_by_value: CodesByValue::default(),
            countries: countries.unwrap_or_default(),
            filled,
            like_consent,
            is_prose,
        });
    }
    // A sheet without rows beside others is left alone; of a file without any the run will tell.
    if surveys.iter().any(|survey| survey.rows > 0) {
        surveys.iter_mut().filter(|s| s.rows == 0).for_each(|survey| survey.candidate = None);
    }
    // Which columns hold dates and codes is known only now: a second look at the rows.
    if surveys.iter().any(|s| s.candidate.is_some()) {
        for (survey, table) in surveys.iter_mut().zip(read::open(path)?) {
            if let Some(candidate) = survey.candidate.clone() {
                let mut wanted = Wanted::of(&candidate.mapping, &table.header);
                wanted.entities = entity_columns(survey, &wanted);
                if wanted.dates.is_empty() && wanted.codes.is_empty() {
                    continue;
                }
                table.tally.count_only();
                for row in table.rows {
                    if let Content::Data(cells) = row.content {
                        wanted.look(&cells, survey);
                    }
                }
            }
        }
    }
    Ok(surveys)
}

/// Whether most lines have but one cell below a header that names no second column, and do not list whom to
/// reach: a list of those who object has often no more than their addresses.
pub(crate) fn is_prose(header: &[String], sample: &[StringRecord]) -> bool {
    if sample.iter().filter(|row| row.iter().any(is_contact_point)).count() * 2 > sample.len() {
        return false;
    }
    let cells = |row: &StringRecord| row.iter().filter(|cell| !cell.trim().is_empty()).count();
    let single = sample.iter().filter(|row| cells(row) < 2).count();
    let named = header.iter().filter(|name| !name.trim().is_empty()).count();
    !sample.is_empty() && single * 2 > sample.len() && (named < 2 || header[0] == "column 1")
}

/// Whether a cell is an email address or a phone number and nothing else.
fn is_contact_point(cell: &str) -> bool {
    let cell = cell.trim();
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let of_number =
        |b: u8| b.is_ascii_digit() || matches!(b, b' ' | b'+' | b'.' | b'-' | b'(' | b')');
    let is_number = (9..=15).contains(&digits) && cell.bytes().all(of_number);
    is_number
        || cell.contains('@')
            && !cell.contains(' ')
            && email::normalize(cell).iter().all(Result::is_ok)
}

/// The columns that tell of dates, codes and names.
struct Wanted {
    dates: Vec<usize>,
    codes: Vec<usize>,
    names: Vec<usize>,
    /// Columns that may name the legal entity that issued the code.
    entities: Vec<usize>,
}

/// The columns that may name the legal entity whose code a row has.
fn entity_columns(survey: &Survey, wanted: &Wanted) -> Vec<usize> {
    // An accounting file is of one company by law.
    let is_fec = survey.candidate.as_ref().is_some_and(|c| c.mapping.rows == Rows::Fec);
    if wanted.codes.is_empty() || is_fec {
        return Vec::new();
    }
    let other = |at: &usize| !wanted.codes.contains(at) && !wanted.dates.contains(at);
    let may = survey.understood.iter().filter(|column| entity::may_name_entity(column));
    may.map(|column| column.index).filter(other).collect()
}

impl Wanted {
    fn of(mapping: &Mapping, header: &[String]) -> Wanted {
        let mut wanted = Wanted {
            dates: Vec::new(),
            codes: Vec::new(),
            names: Vec::new(),
            entities: Vec::new(),
        };
        let at = |names: &[String]| mapping::position(header, names);
        for (position, bound) in mapping.bind(header).iter().enumerate() {
            let Some(bound) = bound else { continue };
            let attribute = bound.rule.attribute.as_str();
            if model::attribute(attribute).is_none() {
                continue;
            }
            match model::value_kind(attribute) {
                ValueKind::Date if attribute != "birth_date" => wanted.dates.push(position),
                ValueKind::PersonName | ValueKind::OrganisationName => wanted.names.push(position),
                ValueKind::Identifier if is_code(attribute) => wanted.codes.push(position),
                _ => {}
            }
        }
        if mapping.codes {
            wanted.codes.extend(at(&mapping.id));
        }
        for consent in &mapping.consents {
            wanted.dates.extend(at(&consent.since));
        }
        if let Some(history) = &mapping.history {
            wanted.dates.extend(at(&history.date));
            wanted.names.extend(at(&history.name));
            if is_code(&history.key_attribute) {
                wanted.codes.extend(at(&history.key));
            }
        }
        if mapping.rows == Rows::Fec {
            let one = |name: &str| at(&[name.to_owned()]);
            wanted.dates.extend(one("EcritureDate"));
            wanted.codes.extend(one("CompAuxNum"));
            wanted.names.extend(one("CompAuxLib"));
        }
        for columns in [&mut wanted.dates, &mut wanted.codes, &mut wanted.names] {
            columns.sort_unstable();
            columns.dedup();
        }
        wanted
    }

    fn look(&self, cells: &StringRecord, survey: &mut Survey) {
        let filled = |&at: &usize| cells.get(at).map(str::trim).filter(|cell| !cell.is_empty());
        for cell in self.dates.iter().filter_map(filled) {
            if let Some(date) = whole_date(cell) {
                *survey.dates.entry(date).or_default() += 1;
            }
        }
        let words: BTreeSet<String> = self
            .names
            .iter()
            .filter_map(filled)
            .flat_map(|name| text::fold(name).split(' ').map(str::to_owned).collect::<Vec<_>>())
            .filter(|word| word.len() > 2)
            .collect();
        let codes: Vec<&str> = self.codes.iter().filter_map(filled).collect();
        survey.codes_by_value.add(&self.entities, cells, &codes, &words);
        codes.iter().for_each(|code| survey.codes.add(code, &words));
    }
}

/// Customer codes that are kept of one table, which take some 200 MB: a table of millions need not fit into memory
/// to tell whose codes it has.
const MOST_CODES: usize = 1 << 18;

/// Customer codes, each with the words of the names it stands for.
///
/// Beyond [`MOST_CODES`] one in two is kept, then one in four...: those whose hash ends on so many zeros, so that of
/// every table the same ones are, whatever the order of its rows.
#[derive(Debug, Default)]
struct Codes {
    words: BTreeMap<String, BTreeSet<String>>,
    /// One code in `1 << level` is kept.
    level: u32,
}

impl Codes {
    fn add(&mut self, code: &str, words: &BTreeSet<String>) {
        if !is_kept(code, self.level) {
            return;
        }
        match self.words.get_mut(code) {
            Some(known) => known.extend(words.iter().cloned()),
            None => drop(self.words.insert(code.to_owned(), words.clone())),
        }
        while self.words.len() > MOST_CODES {
            self.level += 1;
            self.words.retain(|code, _| is_kept(code, self.level));
        }
    }
}

/// Whether a code is one of those that are kept at this level.
fn is_kept(code: &str, level: u32) -> bool {
    level == 0 || hash(code).trailing_zeros() >= level
}

fn is_code(attribute: &str) -> bool {
    matches!(attribute, "customer_code" | "account_code")
}

/// A date that is known to the day.
fn whole_date(cell: &str) -> Option<Date> {
    let iso = date::normalize(cell, date::Order::DayFirst).ok()?;
    iso.get(..10)?.parse().ok()
}

/// The latest date that anything tells: up to which the rows reach, on which an accounting file closes whose entries
/// come near, and the day in the name of a file.
///
/// For each table the name of its file and its dates.
fn end_of_data(tables: &[(&str, &BTreeMap<Date, u64>)]) -> Option<Date> {
    let latest = latest_plausible(tables.iter().map(|(_, dates)| *dates));
    let named = tables.iter().filter_map(|(file, dates)| match FileName::parse(file) {
        // The year may be open still.
        Some(told) => {
            let closing: Date = told.closing.parse().ok()?;
            let end = end_of(dates)?;
            (before(closing, QUARTER_DAYS) <= end).then_some(closing)
        }
        None => {
            day_in_name(file).filter(|day| latest.is_none_or(|latest| before(*day, 365) <= latest))
        }
    });
    named.chain(latest).max()
}

/// The latest date up to which the data reach, slips of the pen aside.
///
/// Exports of a migration are made at about the same time: an end that no other source comes near
/// gives way to one of the year before it that several sources share.
fn latest_plausible<'t>(tables: impl IntoIterator<Item = &'t BTreeMap<Date, u64>>) -> Option<Date> {
    let mut ends: Vec<Date> = tables.into_iter().filter_map(end_of).collect();
    ends.sort_unstable();
    let latest = ends.last().copied()?;
    let shared = ends.windows(2).rev().find(|pair| before(pair[1], 60) <= pair[0]).map(|p| p[1]);
    Some(shared.filter(|date| *date >= before(latest, 365)).unwrap_or(latest))
}

/// The date up to which one table reaches.
///
/// Nineteen dates in twenty are taken as they are; from there on the table goes on only as long as
/// it has half as many dates a month as in the year before. What stands further in the future is a
/// slip, as are dates of other centuries.
fn end_of(dates: &BTreeMap<Date, u64>) -> Option<Date> {
    let within = |from: Date, to: Date| dates.range(from..=to).map(|(_, n)| n).sum::<u64>();
    let (first, last) = (Date::constant(1970, 1, 1), Date::constant(2099, 12, 31));
    let total = within(first, last);
    let mut seen = 0;
    let mut plausible = dates.range(first..=last);
    let sure = plausible.by_ref().find_map(|(date, n)| {
        seen += n;
        (seen * 20 >= total * 19).then_some(*date)
    })?;
    // One date a month is no going on, but where there are hardly more at all.
    let least = if total < 20 { 1 } else { 2 };
    let a_month = (within(before(sure, 360), sure) / 24).max(least);
    let goes_on = plausible
        .map_while(|(date, _)| (within(before(*date, 30), *date) >= a_month).then_some(*date));
    Some(goes_on.last().unwrap_or(sure))
}

fn before(date: Date, days: i64) -> Date {
    date.saturating_sub(jiff::Span::new().days(days))
}

/// The date that a file's name tells: `clients 2009.xls`, `export_20240630.csv`.
fn date_in_name(file: &str, as_of: Option<Date>) -> Option<Date> {
    let stem = file.rsplit('/').next().unwrap_or(file);
    let runs = stem.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    let dated = |run: &str| -> Option<Date> {
        let (year, month, day) = match run.len() {
            4 => (run, "12", "31"),
            8 => (run.get(..4)?, run.get(4..6)?, run.get(6..)?),
            _ => return None,
        };
        let date = format!("{year}-{month}-{day}").parse::<Date>().ok()?;
        let latest = as_of.map_or(2100, |d| d.year());
        (1980..=latest).contains(&date.year()).then_some(date)
    };
    runs.filter_map(dated).max().map(|date| as_of.map_or(date, |as_of| date.min(as_of)))
}

/// The day that a file's name tells: `export_20240630.csv`, `clients 2024-06-30.xlsx`, `base 30.06.2024.csv`.
fn day_in_name(file: &str) -> Option<Date> {
    let stem = file.rsplit('/').next().unwrap_or(file);
    let runs = stem.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    let runs: Vec<&str> = runs.collect();
    let day = |year: &str, month: &str, day: &str| {
        let date = format!("{year}-{month}-{day}").parse::<Date>().ok()?;
        (1980..=2099).contains(&date.year()).then_some(date)
    };
    let whole = runs.iter().filter(|run| run.len() == 8);
    let whole = whole.filter_map(|run| day(run.get(..4)?, run.get(4..6)?, run.get(6..)?));
    let parts = runs.windows(3).filter_map(|part| match [0, 1, 2].map(|at| part[at].len()) {
        [4, 2, 2] => day(part[0], part[1], part[2]),
        [2, 2, 4] => day(part[2], part[1], part[0]),
        _ => None,
    });
    whole.chain(parts).max()
}

/// One remark for each source with dates of events later than `as_of`.
fn later_dates(groups: &[Group<'_>], as_of: Date) -> Vec<String> {
    let last = Date::constant(2099, 12, 31);
    let mut remarks = Vec::new();
    for group in groups {
        let mut later: BTreeMap<Date, u64> = BTreeMap::new();
        for (date, n) in group.iter().flat_map(|table| &table.dates) {
            if *date > as_of && *date <= last {
                *later.entry(*date).or_default() += n;
            }
        }
        if let Some((latest, _)) = later.last_key_value() {
            let count: u64 = later.values().sum();
            let dates = if count == 1 { "1 date".to_owned() } else { format!("{count} dates") };
            remarks.push(format!(
                "{} has {dates} after {as_of}, up to {latest}: where they are right, write a later `as_of`",
                group[0].place()
            ));
        }
    }
    remarks
}

/// Tables that are one source.
type Group<'t> = Vec<&'t Survey>;

/// Gathers the tables that one legacy system has written in one layout. Tables of one sheet are never
/// apart: settings name sheets, not tables.
fn group(tables: &[Survey]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<Vec<String>, Group<'_>> = BTreeMap::new();
    let mut key_of_sheet: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for table in tables {
        let Some(candidate) = &table.candidate else { continue };
        let own = || group_key(table, &candidate.mapping, candidate.generic);
        let key = key_of_sheet.entry((&table.file, &table.sheet)).or_insert_with(own);
        groups.entry(key.clone()).or_default().push(table);
    }
    groups.into_values().collect()
}

/// The mapping that reads all tables of a group, and the part of it that the project writes for itself.
fn mapping_of(group: &Group<'_>) -> Option<(Arc<Mapping>, Option<Mapping>)> {
    let first = group[0].candidate.as_ref()?;
    let candidates = || group.iter().filter_map(|table| table.candidate.as_ref());
    let known = |c: &Candidate| !c.generic && c.mapping.name == first.mapping.name;
    if candidates().all(known) {
        let mut further: Vec<ColumnRule> = Vec::new();
        for rule in candidates().flat_map(|c| &c.further) {
            if !further.iter().any(|f| f.header == rule.header && f.nth == rule.nth) {
                further.push(rule.clone());
            }
        }
        if further.is_empty() {
            return Some((first.mapping.clone(), None));
        }
        let base = first.mapping.name.clone();
        let own = Mapping { base, columns: further.clone(), ..Mapping::default() };
        let whole = Mapping::clone(&first.mapping).with_columns(further);
        return Some((Arc::new(whole), Some(own)));
    }
    let mut others: Vec<Mapping> = Vec::new();
    let mut headers: BTreeSet<&[String]> = BTreeSet::new();
    for table in group {
        let Some(candidate) = &table.candidate else { continue };
        let mapping = &candidate.mapping;
        if headers.insert(&table.header) && *mapping != first.mapping && !others.contains(mapping) {
            others.push(Mapping::clone(mapping));
        }
    }
    let whole = Mapping { tables: others, ..Mapping::clone(&first.mapping) };
    Some((Arc::new(whole.clone()), Some(whole)))
}

fn group_key(table: &Survey, mapping: &Mapping, generic: bool) -> Vec<String> {
    let (folder, name) = table.file.rsplit_once('/').unwrap_or(("", &table.file));
    let by_status = mapping.consents.iter().any(|c| !c.file_name.is_empty());
    if generic {
        // A mapping made of one header reads the tables with that header.
        let mut key = vec![table.file.clone()];
        key.extend(table.header.iter().map(|h| mapping::key(h)));
        key
    } else if mapping.rows == Rows::Fec {
        vec![mapping.name.clone(), siren_of(name).unwrap_or_else(|| table.file.clone())]
    } else if by_status {
        // The name of each file says what became of its rows, and ends with what they share.
        let shared = stem(name).rsplit('_').next().unwrap_or_default();
        vec![mapping.name.clone(), folder.to_owned(), shared.to_owned()]
    } else {
        vec![mapping.name.clone(), table.file.clone()]
    }
}

/// The seller's SIREN that the name of an accounting file tells.
fn siren_of(name: &str) -> Option<String> {
    FileName::parse(name).map(|told| told.siren)
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The sources, the most trusted first.
fn sources(
    groups: &[Group<'_>],
    tables: &[Survey],
    unsure: &mut Vec<String>,
    as_of: Option<Date>,
    home: &str,
) -> Vec<SourceGuess> {
    let mut order: Vec<(&Group<'_>, Option<Date>)> =
        groups.iter().map(|group| (group, age(group, as_of))).collect();
    order.sort_by_key(|(group, dated)| {
        let stale = as_of.is_some_and(|as_of| dated.is_some_and(|d| d < before(as_of, STALE_DAYS)));
        let (trust, dated) = (trust(group, stale), std::cmp::Reverse(*dated));
        (trust, dated, group[0].file.clone(), group[0].sheet.clone())
    });
    hidden_last(&mut order);
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut guesses = Vec::new();
    for (group, dated) in &order {
        let Some((mapping, own)) = mapping_of(group) else { continue };
        let generic = group[0].candidate.as_ref().is_some_and(|c| c.generic);
        let name = unique(source_name(group, groups), &mut taken);
        let confidence = group.iter().filter_map(|t| t.candidate.as_ref()).map(|c| c.confidence);
        let confidence = confidence.fold(1.0, f64::min);
        let runner_up = group[0].runner_up.as_ref().filter(|c| c.mapping.name != mapping.name);
        let runner_up = runner_up.map(|c| (what(&c.mapping, c.generic).to_owned(), c.confidence));
        let mut files: Vec<String> = group.iter().map(|t| t.file.clone()).collect();
        files.sort();
        files.dedup();
        let guess = SourceGuess {
            sheets: sheets(group, tables),
            format: format_of(&group[0].format),
            rows: group.iter().map(|t| t.rows).sum(),
            hidden: is_hidden(group),
            unknown: unknown_columns(group),
            reasons: reasons(group),
            mapping,
            generic,
            own,
            runner_up,
            dated: *dated,
            key_space: String::new(),
            overlaps: Vec::new(),
            legal_entity: None,
            abroad: votes_of(group).abroad(home),
            name,
            files,
            confidence,
        };
        unsure.extend(unsure_of(group, &guess));
        guesses.push(guess);
    }
    let groups: Vec<&Group<'_>> = order.iter().map(|(group, _)| *group).collect();
    let found = key_spaces(&groups, &guesses, unsure);
    for (at, found) in found.into_iter().enumerate() {
        guesses[at].key_space = found.space.map(|of| guesses[of].name.clone()).unwrap_or_default();
        guesses[at].overlaps = found.overlaps;
        if let Some(column) = found.entity {
            let header = groups[at][0].header[column.column].clone();
            guesses[at].legal_entity = Some(legal_entity(header, &column, &guesses));
        }
    }
    guesses
}

/// What a person should look at in the guess made of a group.
fn unsure_of(group: &Group<'_>, guess: &SourceGuess) -> Vec<String> {
    let mut unsure = Vec::new();
    let place = group[0].place();
    if guess.confidence < SURE {
        let layout = what(&guess.mapping, guess.generic);
        unsure.push(format!("{place} is read as {layout} ({} %)", percent(guess.confidence)));
    }
    if let Some((other, near)) = &guess.runner_up
        && !guess.generic
        && guess.confidence - near < 0.05
    {
        unsure.push(format!("{place} could as well be `{other}`"));
    }
    for table in group.iter() {
        if let Some(FileStatus { state, channels }) = table.status() {
            let points = match channels.first() {
                Some(Channel::Phone | Channel::Sms) => "phone number",
                Some(Channel::Post) => "postal address",
                Some(Channel::Email) | None => "email address",
            };
            unsure.push(format!(
                "{}: by the name of the file every {points} in it is `{}`; rename the file where that is wrong",
                table.place(),
                state.as_str()
            ));
        }
    }
    for table in group.iter() {
        let mapping = &guess.mapping;
        if party_of_table(mapping, &table.header, &table.file, &table.sheet).is_some() {
            unsure.push(format!(
                "{}: by its name all in it are suppliers, but for rows that say otherwise; rename it where that is wrong",
                table.place()
            ));
        }
        for column in table.like_consent.iter().filter(|column| guess.unknown.contains(column)) {
            unsure.push(format!(
                "{}: the column `{column}` seems to say who may be contacted; say by which means in the \
                 mapping, under `[[consents]]`",
                table.place()
            ));
        }
    }
    unsure
}

/// Puts each hidden sheet behind the last open one of its workbook: what somebody has hidden is trusted less than
/// what lies beside it.
fn hidden_last(order: &mut Vec<(&Group<'_>, Option<Date>)>) {
    let (hidden, open): (Vec<_>, Vec<_>) =
        std::mem::take(order).into_iter().enumerate().partition(|(_, (group, _))| is_hidden(group));
    let mut placed: Vec<(usize, bool, _)> =
        open.into_iter().map(|(at, of)| (at, false, of)).collect();
    for (at, of) in hidden {
        let beside =
            placed.iter().filter(|(_, hidden, (g, _))| !hidden && g[0].file == of.0[0].file);
        let last = beside.map(|(at, ..)| *at).max().unwrap_or(at);
        placed.push((last.max(at), true, of));
    }
    placed.sort_by_key(|(at, hidden, _)| (*at, *hidden));
    order.extend(placed.into_iter().map(|(.., of)| of));
}

/// Whether all that a group reads is hidden in its workbook.
fn is_hidden(group: &Group<'_>) -> bool {
    group.iter().all(|table| table.hidden)
}

/// How sure the attribute of each column is, and why; of tables that share a column the first tells.
fn reasons(group: &Group<'_>) -> BTreeMap<(String, usize), (u8, String)> {
    let mut reasons = BTreeMap::new();
    for table in group {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for column in &table.understood {
            let key = mapping::key(&column.header);
            let nth = seen.entry(key.clone()).or_default();
            *nth += 1;
            let reason = (column.confidence, column.reason.clone());
            reasons.entry((key, *nth)).or_insert(reason);
        }
    }
    reasons
}

/// What the cells of a table tell of its country.
fn countries(mapping: &Mapping, header: &[String], rows: &[StringRecord]) -> Votes {
    let bound = mapping.bind(header);
    let attributes: Vec<&str> =
        bound.iter().map(|b| b.as_ref().map_or("", |b| b.rule.attribute.as_str())).collect();
    Votes::of(&attributes, header, rows)
}

/// What all cells of a group tell of its country.
fn votes_of(group: &Group<'_>) -> Votes {
    let mut votes = Votes::default();
    group.iter().for_each(|table| votes.merge(&table.countries));
    votes
}

/// What the cells of all groups tell of the company's country.
fn all_votes(groups: &[Group<'_>]) -> Votes {
    let mut votes = Votes::default();
    groups.iter().for_each(|group| votes.merge(&votes_of(group)));
    votes
}

/// Systems with customer codes are kept with care; what others wrote about customers, less so; what
/// has not been touched for years comes after all that; history has no values of its own.
fn trust(group: &Group<'_>, stale: bool) -> u8 {
    match &group[0].candidate {
        Some(candidate) if candidate.mapping.rows == Rows::History => 4,
        _ if stale => 3,
        Some(candidate) if group.iter().any(|t| has_codes(t, candidate.generic)) => 0,
        Some(candidate) if candidate.generic => 1,
        _ => 2,
    }
}

/// Whether a table has customer codes: of one understood column by column they must be surely so.
fn has_codes(table: &Survey, generic: bool) -> bool {
    !table.codes.words.is_empty()
        && (!generic || table.understood.iter().any(columns::is_sure_code))
}

/// When the group was exported: what a file's name says, else the latest date in it.
fn age(group: &Group<'_>, as_of: Option<Date>) -> Option<Date> {
    let named = group.iter().filter_map(|t| date_in_name(&t.file, as_of)).max();
    let latest = || latest_plausible(group.iter().map(|t| &t.dates));
    named.or_else(latest).map(|date| as_of.map_or(date, |as_of| date.min(as_of)))
}

/// The sheets to name: none when the file has no other with rows.
fn sheets(group: &Group<'_>, tables: &[Survey]) -> Vec<String> {
    let files: BTreeSet<&str> = group.iter().map(|t| t.file.as_str()).collect();
    let own: BTreeSet<&str> = group.iter().map(|t| t.sheet.as_str()).collect();
    let mut others = tables.iter().filter(|t| t.rows > 0 && files.contains(t.file.as_str()));
    let named = group.iter().any(|t| !t.sheet.is_empty());
    if !named || others.all(|t| own.contains(t.sheet.as_str())) {
        return Vec::new();
    }
    let mut sheets: Vec<String> = group.iter().map(|t| t.sheet.clone()).collect();
    sheets.dedup();
    sheets
}

fn source_name(group: &Group<'_>, groups: &[Group<'_>]) -> String {
    let table = group[0];
    let file = table.file.rsplit('/').next().unwrap_or_default();
    let Some(Candidate { mapping, generic, .. }) = &table.candidate else { return String::new() };
    let name = slug(stem(file));
    if let (Rows::Fec, Some(siren)) = (mapping.rows, siren_of(file)) {
        return format!("fec-{siren}");
    }
    let family = mapping.name.split('-').next().unwrap_or_default();
    if group.iter().any(|t| t.file != table.file) {
        return family.to_owned();
    }
    let name = match (generic, name.contains(family)) {
        (false, false) => format!("{family}-{name}"),
        _ => name,
    };
    let split = groups.iter().any(|g| g[0].file == table.file && g[0].sheet != table.sheet);
    if split && !table.sheet.is_empty() { format!("{name}-{}", slug(&table.sheet)) } else { name }
}

fn unique(name: String, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|n| format!("{name}-{n}"));
    let free = std::iter::once(name.clone()).chain(numbered).find(|n| !taken.contains(n));
    let free = free.expect("numbers never run out");
    taken.insert(free.clone());
    free
}

fn slug(text: &str) -> String {
    text::fold(text).replace(' ', "-")
}

/// Columns with values that the mapping says nothing about.
fn unknown_columns(group: &Group<'_>) -> Vec<String> {
    let mut unknown = BTreeSet::new();
    for table in group {
        let Some(Candidate { mapping, .. }) = &table.candidate else { continue };
        if mapping.rows == Rows::Fec {
            continue;
        }
        let named = mapping.spoken_of();
        let columns = table.header.iter().zip(mapping.bind(&table.header)).zip(&table.filled);
        for ((header, bound), filled) in columns {
            let taken = bound.is_some_and(|b| !b.rule.attribute.is_empty())
                || named.contains(&mapping::key(header))
                || mapping.rows != Rows::History && columns::is_consent(header);
            if *filled && !taken && !header.trim().is_empty() {
                unknown.insert(header.clone());
            }
        }
    }
    unknown.into_iter().collect()
}

/// What is found of the codes of one group.
#[derive(Debug, Clone, Default)]
struct KeySpace {
    /// The first group whose key space it shares; none without codes, or where a column tells row by row.
    space: Option<usize>,
    /// What was measured to say so.
    overlaps: Vec<String>,
    /// The column that tells it row by row; the key spaces are positions of groups.
    entity: Option<EntityColumn>,
}

/// The key spaces of all groups.
///
/// Two groups share a key space when they share codes and the names behind them agree. Groups whose
/// equal codes stand for different names never come together, not even through a third. Of a group with
/// the codes of several key spaces a column may tell which row is of which; where none does, it shares
/// none of them.
fn key_spaces(
    groups: &[&Group<'_>],
    guesses: &[SourceGuess],
    unsure: &mut Vec<String>,
) -> Vec<KeySpace> {
    // What is compared must be the same sample of each.
    let level = groups.iter().flat_map(|g| g.iter()).map(|table| table.codes.level).max();
    let level = level.unwrap_or(0);
    if level > 0 {
        unsure.push(format!(
            "there are so many customer codes that one in {} was compared to tell key spaces apart",
            1_u64 << level
        ));
    }
    let codes: Vec<CodesOf<'_>> = groups.iter().map(|g| codes_of(g, level)).collect();
    let measured = Measured::of(&codes);
    let is_history = |at: usize| {
        groups[at][0].candidate.as_ref().is_some_and(|c| c.mapping.rows == Rows::History)
    };
    let refers = |at: usize| is_history(at) && is_nameless(&codes[at]);
    let mut mixed: BTreeMap<usize, Option<EntityColumn>> = BTreeMap::new();
    // What the values of one table tell helps to read those of another: a second look knows the first.
    for look in 0..2 {
        let known = known_values(&mixed);
        let open: Vec<usize> = (0..groups.len())
            .filter(|at| !codes[*at].is_empty() && !mixed.contains_key(at))
            .filter(|&at| groups[at].iter().all(|table| table.header == groups[at][0].header))
            .collect();
        for at in open {
            // Whose codes these are is said by tables of customers, not by what else refers to them; but that
            // may show that two systems have one key space, where it names the customers.
            let space = measured.spaces(&|other| other == at || refers(other));
            let (of, issued) =
                issued_codes(&space, &codes, &|other| other != at && !is_history(other));
            let mut by_value = CodesByValue::default();
            groups[at].iter().for_each(|table| by_value.merge(&table.codes_by_value));
            by_value.retain(|code| is_kept(code, level));
            let in_issued = |group: usize| of.iter().position(|first| *first == space[group]);
            let known = known
                .iter()
                .filter_map(|(v, group)| Some((v.clone(), in_issued(*group)?)))
                .collect();
            if let Some(mut column) = by_value.told_by(&issued, &known) {
                column.values.iter_mut().for_each(|value| value.space = of[value.space]);
                mixed.insert(at, Some(column));
            } else if look > 0 && refers(at) && entity::are_of_several(&codes[at], &issued) {
                unsure.push(format!(
                    "the codes of `{}` are of several key spaces, and no column tells which: those that several \
                     have stand for nobody until `key_space` or `legal_entity` says it",
                    guesses[at].name
                ));
                mixed.insert(at, None);
            }
        }
    }
    let space = measured.spaces(&|at| mixed.contains_key(&at));
    unsure.extend(told_apart(&measured.apart, &space, guesses));
    let found = |at: usize| {
        let entity = mixed.get(&at).cloned().flatten().map(|mut column| {
            column.values.iter_mut().for_each(|value| value.space = space[value.space]);
            column
        });
        let own = !codes[at].is_empty() && entity.is_none();
        KeySpace {
            space: own.then_some(space[at]),
            overlaps: measured.told(at, &codes, guesses),
            entity,
        }
    };
    let found: Vec<KeySpace> = (0..groups.len()).map(found).collect();
    for (at, found) in found.iter().enumerate() {
        if let Some(column) = &found.entity {
            let untold = match column.untold.as_slice() {
                [] => String::new(),
                values => format!("; rows with `{}` hang on nobody", values.join("`, `")),
            };
            unsure.push(format!(
                "`{}`: the column `{}` tells of which legal entity the code of a row is{untold}",
                guesses[at].name,
                one_line(&groups[at][0].header[column.column])
            ));
        }
    }
    found
}

/// The values that tell the legal entity in some table, folded, each with a group of its key space; none
/// that two tables take for different ones.
fn known_values(mixed: &BTreeMap<usize, Option<EntityColumn>>) -> BTreeMap<String, usize> {
    let mut known: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for value in mixed.values().flatten().flat_map(|column| &column.values) {
        known.entry(text::fold(&value.value)).or_default().insert(value.space);
    }
    let one = |(value, spaces): (String, BTreeSet<usize>)| match spaces.first() {
        Some(space) if spaces.len() == 1 => Some((value, *space)),
        _ => None,
    };
    known.into_iter().filter_map(one).collect()
}

/// Whether no code stands beside a name.
fn is_nameless(codes: &CodesOf<'_>) -> bool {
    codes.values().all(BTreeSet::is_empty)
}

/// The codes of each key space, of the groups that `counts`, with the first group of each.
fn issued_codes<'c>(
    space: &[usize],
    codes: &[CodesOf<'c>],
    counts: &impl Fn(usize) -> bool,
) -> (Vec<usize>, Vec<CodesOf<'c>>) {
    let mut issued: BTreeMap<usize, CodesOf<'c>> = BTreeMap::new();
    for at in (0..codes.len()).filter(|&at| counts(at) && !codes[at].is_empty()) {
        let of_space = issued.entry(space[at]).or_default();
        for (code, words) in &codes[at] {
            of_space.entry(code).or_default().extend(words);
        }
    }
    issued.into_iter().unzip()
}

/// What the codes of every two groups have in common.
struct Measured {
    /// For each group its overlaps that say something, with the other group.
    overlaps: Vec<Vec<(Overlap, usize)>>,
    /// Pairs of groups of one key space, the weightiest first.
    joins: Vec<(std::cmp::Reverse<usize>, usize, usize)>,
    /// Pairs of groups that share codes for different names.
    apart: BTreeMap<(usize, usize), Overlap>,
}

impl Measured {
    fn of(codes: &[CodesOf<'_>]) -> Measured {
        let mut measured = Measured {
            overlaps: vec![Vec::new(); codes.len()],
            joins: Vec::new(),
            apart: BTreeMap::new(),
        };
        for right in 0..codes.len() {
            for left in 0..right {
                let overlap = Overlap::of(&codes[left], &codes[right]);
                match overlap.verdict() {
                    Verdict::Same => {
                        measured.joins.push((std::cmp::Reverse(overlap.weight()), left, right));
                    }
                    Verdict::Different => drop(measured.apart.insert((left, right), overlap)),
                    Verdict::Unknown => continue,
                }
                measured.overlaps[right].push((overlap, left));
                measured.overlaps[left].push((overlap, right));
            }
        }
        measured.joins.sort();
        measured
    }

    /// For each group the first one of its key space, when those `left_out` join none.
    fn spaces(&self, left_out: &impl Fn(usize) -> bool) -> Vec<usize> {
        let mut space: Vec<usize> = (0..self.overlaps.len()).collect();
        let joins = self.joins.iter().filter(|(_, a, b)| !left_out(*a) && !left_out(*b));
        for &(_, left, right) in joins {
            let (a, b) = (space[left], space[right]);
            let conflict = self
                .apart
                .keys()
                .any(|&(x, y)| (space[x], space[y]) == (a, b) || (space[x], space[y]) == (b, a));
            if !conflict {
                for of in &mut space {
                    if *of == a || *of == b {
                        *of = a.min(b);
                    }
                }
            }
        }
        space
    }

    /// What was measured of one group, the largest overlaps first.
    fn told(&self, at: usize, codes: &[CodesOf<'_>], guesses: &[SourceGuess]) -> Vec<String> {
        let mut found = self.overlaps[at].clone();
        found.sort_by_key(|(overlap, other)| (std::cmp::Reverse(overlap.shared), *other));
        let tell = |(overlap, other): &(Overlap, usize)| {
            overlap.told(&guesses[*other].name, codes[at].len())
        };
        found.iter().take(MOST_OVERLAPS).map(tell).collect()
    }
}

/// The setting that an entity column gives, and what was measured to say so.
fn legal_entity(
    header: String,
    column: &EntityColumn,
    guesses: &[SourceGuess],
) -> (LegalEntity, Vec<String>) {
    let space = |of: usize| guesses[of].name.clone();
    let key_spaces =
        column.values.iter().map(|value| (value.value.clone(), space(value.space))).collect();
    let told = column.values.iter().map(|value| {
        format!(
            "Of the {} codes of `{}` {} stand in `{}`, {} of them nowhere else.",
            value.codes,
            one_line(&value.value),
            value.shared,
            space(value.space),
            value.alone
        )
    });
    let lead =
        format!("The column `{}` names the legal entity that issued a code:", one_line(&header));
    let told = std::iter::once(lead).chain(told).collect();
    (LegalEntity { column: header, key_spaces }, told)
}

/// Of each two key spaces that share codes for different names the sources that show it best.
fn told_apart(
    apart: &BTreeMap<(usize, usize), Overlap>,
    space: &[usize],
    guesses: &[SourceGuess],
) -> Vec<String> {
    let mut best: BTreeMap<(usize, usize), (usize, (usize, usize))> = BTreeMap::new();
    for (&(left, right), overlap) in apart {
        let spaces = (space[left].min(space[right]), space[left].max(space[right]));
        let known = best.entry(spaces).or_insert((overlap.shared, (left, right)));
        if overlap.shared > known.0 {
            *known = (overlap.shared, (left, right));
        }
    }
    let tell = |(_, (left, right)): &(usize, (usize, usize))| {
        let Overlap { shared, named, agreeing, .. } = apart[&(*left, *right)];
        format!(
            "`{}` and `{}` share {shared} codes, and of {named} with a name on both sides {agreeing} stand for the same \
             name: they have a key space each",
            guesses[*left].name, guesses[*right].name
        )
    };
    best.values().map(tell).collect()
}

/// The codes of a group that are kept at this level.
fn codes_of<'t>(group: &Group<'t>, level: u32) -> CodesOf<'t> {
    let mut codes: CodesOf<'t> = BTreeMap::new();
    let all = group.iter().flat_map(|table| &table.codes.words);
    for (code, words) in all.filter(|(code, _)| is_kept(code, level)) {
        codes.entry(code).or_default().extend(words.iter().map(String::as_str));
    }
    codes
}

/// What the codes of two groups have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Overlap {
    /// Codes of the group that has fewer.
    smaller: usize,
    /// Codes that stand in both.
    shared: usize,
    /// Of these, those with a name on both sides.
    named: usize,
    /// Of these, those whose names have a word in common.
    agreeing: usize,
}

/// What an overlap says of two key spaces.
#[derive(Debug, PartialEq)]
enum Verdict {
    Unknown,
    Same,
    Different,
}

impl Overlap {
    fn of(
        left: &BTreeMap<&str, BTreeSet<&str>>,
        right: &BTreeMap<&str, BTreeSet<&str>>,
    ) -> Overlap {
        let shared: Vec<_> =
            left.iter().filter_map(|(code, words)| Some((words, right.get(code)?))).collect();
        Overlap {
            smaller: left.len().min(right.len()),
            shared: shared.len(),
            named: shared.iter().filter(|(a, b)| !a.is_empty() && !b.is_empty()).count(),
            agreeing: shared.iter().filter(|(a, b)| !a.is_disjoint(b)).count(),
        }
    }

    fn verdict(&self) -> Verdict {
        if self.shared == 0 {
            Verdict::Unknown
        } else if self.named == 0 {
            // Without names, codes must be mostly the same ones.
            let mostly = self.shared * 2 >= self.smaller && self.shared > 2;
            if mostly { Verdict::Same } else { Verdict::Unknown }
        } else if self.agreeing * 2 >= self.named {
            Verdict::Same
        } else {
            Verdict::Different
        }
    }

    /// How much it says for one key space: names count, codes alone where there is no name.
    fn weight(&self) -> usize {
        if self.named == 0 { self.shared } else { self.agreeing }
    }

    /// What was measured, as seen from a source with so many codes.
    fn told(&self, other: &str, codes: usize) -> String {
        let names = match self.named {
            0 => "there are no names to compare".to_owned(),
            named => format!("of {named} with a name on both sides {} agree", self.agreeing),
        };
        format!("Of its {codes} codes {} stand in `{other}`: {names}.", self.shared)
    }
}

fn write_project(guess: &Guess, project: &Path, lang: Lang) -> Result<()> {
    store::create_folder(project)?;
    for source in &guess.sources {
        if let Some(own) = &source.own {
            let path = project.join(format!("mappings/{}.toml", source.name));
            store::write(&path, source.mapping_text(own))?;
        }
    }
    let legacy = relative(project, &guess.folder)?;
    store::write_atomically(&guess.settings, settings(guess, project, &legacy, lang))?;
    let ignore = project.join(".gitignore");
    if !ignore.exists() {
        store::write(&ignore, "/runs/\n/registry/key\n")?;
    }
    let key_file = project.join(config::About::default().key_file);
    if !key_file.exists() {
        let files: Vec<(PathBuf, String)> = guess
            .sources
            .iter()
            .flat_map(|s| &s.files)
            .map(|file| (guess.folder.join(file), file.clone()))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        config::write_key(&key_file, &config::derive_key(&files)?)?;
    }
    Ok(())
}

/// The mapping as TOML, without what is at its default: the values that are empty.
fn without_defaults(mapping: &Mapping) -> String {
    fn is_empty(value: &toml::Value) -> bool {
        match value {
            toml::Value::String(text) => text.is_empty(),
            toml::Value::Boolean(yes) => !yes,
            toml::Value::Integer(n) => *n == 0,
            toml::Value::Array(items) => items.is_empty(),
            toml::Value::Table(table) => table.is_empty(),
            _ => false,
        }
    }
    // What a mapping with a base leaves unsaid is as in the base.
    let unsaid = |key: &str| key == "rows" && !mapping.base.is_empty();
    fn prune(table: toml::Table) -> toml::Table {
        let pruned = table.into_iter().map(|(key, value)| match value {
            toml::Value::Table(inner) => (key, prune(inner).into()),
            toml::Value::Array(items) => {
                let prune_item = |item| match item {
                    toml::Value::Table(inner) => prune(inner).into(),
                    other => other,
                };
                (key, items.into_iter().map(prune_item).collect::<Vec<_>>().into())
            }
            other => (key, other),
        });
        pruned.filter(|(_, value)| !is_empty(value)).collect()
    }
    let written = mapping.to_toml();
    let table = written.parse().map(prune);
    let said =
        table.map(|t| t.into_iter().filter(|(key, _)| !unsaid(key)).collect::<toml::Table>());
    said.map(|table| table.to_string()).unwrap_or(written)
}

/// `orpailleur.toml`, with each guess explained.
fn settings(guess: &Guess, project: &Path, legacy: &str, lang: Lang) -> String {
    let mut text = String::new();
    let mut line = |written: &str| {
        text.push_str(written);
        text.push('\n');
    };
    line(
        "# Made by `orpailleur init`. Each guess says how sure it is: correct what is wrong, then",
    );
    line("# `orpailleur check` and `orpailleur run`. Every setting has a default.");
    line("");
    line("[project]");
    line(&format!("name = {}", quoted(&config::folder_name(project))));
    line("# The folder of the exports, from here.");
    line(&format!("legacy = {}", quoted(legacy)));
    line(
        "# What in it is left out on purpose, which skipped.csv lists: patterns, each with its reason. Any other file",
    );
    line("# that no source names is a reject.");
    line("ignore = [");
    for (glob, why) in legacy::usually_ignored() {
        line(&format!("    {}, # {why}", quoted(glob)));
    }
    for (glob, why) in &guess.ignored {
        line(&format!("    {}, # {why}", quoted(glob)));
    }
    line("]");
    match guess.as_of {
        Some(date) => {
            line(
                "# What \"now\" is: the latest plausible date in the data, or in the name of a file.",
            );
            line(&format!("as_of = \"{date}\""));
        }
        None => {
            line(
                "# What \"now\" is. The data have no date: write the day of the exports. By this one nobody",
            );
            line("# is inactive.");
            line(&format!("as_of = \"{NO_DATE}\""));
        }
    }
    line("# The CRM to load: `orpailleur mappings` lists them.");
    line(&format!("target = {}", quoted(&config::About::default().target)));
    line("# The language of the report: en or fr.");
    line(&format!("lang = \"{}\"", if lang == Lang::Fr { "fr" } else { "en" }));
    line("");
    line("[normalize]");
    match &guess.home {
        Some(home) => line(&format!(
            "# The country of phone numbers and addresses that name none: {} % of {} cells that tell one fit it ({}).",
            home.percent(),
            home.cells,
            home.evidence
        )),
        None => {
            line(
                "# The country of phone numbers and addresses that name none. Nothing tells it: they are",
            );
            line("# kept as written. Write its ISO code, as in `country = \"BE\"`.");
        }
    }
    line(&format!("country = {}", quoted(guess.country())));
    line("");
    line("# The sources, the most trusted first. `name` is part of every record id: it stays when");
    line(
        "# files are renamed. `dated` is the age of rows without a date of their own. Sources with",
    );
    line("# the same `key_space` share customer codes.");
    for source in &guess.sources {
        line("");
        for said in source.comments() {
            line(&format!("# {said}"));
        }
        line("[[source]]");
        line(&format!("name = {}", quoted(&source.name)));
        line(&format!("files = {}", list(&source.files)));
        if !source.sheets.is_empty() {
            line(&format!("sheets = {}", list(&source.sheets)));
        }
        line(&format!("mapping = {}", quoted(source.mapping_name())));
        if !source.key_space.is_empty() {
            line(&format!("key_space = {}", quoted(&source.key_space)));
        }
        if let Some((entity, _)) = &source.legal_entity {
            let spaces = entity.key_spaces.iter();
            let spaces: Vec<String> = spaces
                .map(|(value, space)| format!("{} = {}", quoted(value), quoted(space)))
                .collect();
            line(&format!(
                "legal_entity = {{ column = {}, key_spaces = {{ {} }} }}",
                quoted(&entity.column),
                spaces.join(", ")
            ));
        }
        if let Some(abroad) = &source.abroad {
            line(&format!("country = {}", quoted(abroad.setting())));
        }
        if let Some(date) = source.dated {
            line(&format!("dated = \"{date}\""));
        }
    }
    if !guess.unsure.is_empty() {
        line("");
        line("# To look at:");
        for unsure in &guess.unsure {
            line(&format!("# - {}", unsure.replace('\n', " ")));
        }
    }
    text
}

impl SourceGuess {
    fn mapping_name(&self) -> &str {
        if self.own.is_some() { &self.name } else { &self.mapping.name }
    }

    /// The project's own mapping as a file, each of its columns with how sure it is and why.
    fn mapping_text(&self, own: &Mapping) -> String {
        let mut text = format!(
            "# How the columns of `{}` are understood: made by `orpailleur init`, to be corrected. Above each stands how\n\
             # sure it is and why.\n",
            self.files.join("`, `")
        );
        for column in &self.unknown {
            let _ = writeln!(text, "# No attribute, kept as an extra: {}", one_line(column));
        }
        text.push('\n');
        for block in without_defaults(own).split_inclusive("\n\n") {
            if let Some((sure, why)) = self.reason_of(block) {
                let _ = writeln!(text, "# {sure} %: {why}");
            }
            text.push_str(block);
        }
        text
    }

    /// Why a block of a mapping file, a column or a consent, says what it says.
    fn reason_of(&self, block: &str) -> Option<&(u8, String)> {
        let (name, body) = block.trim().split_once('\n')?;
        if !name.ends_with("columns]]") && !name.ends_with("consents]]") {
            return None;
        }
        let table: toml::Table = body.parse().ok()?;
        let header = table.get("header").or_else(|| table.get("column"))?.get(0)?.as_str()?;
        let nth = table.get("nth").and_then(toml::Value::as_integer).unwrap_or(1);
        self.reasons.get(&(mapping::key(header), usize::try_from(nth).ok()?))
    }

    fn comments(&self) -> Vec<String> {
        let mut comments = vec![format!(
            "{} ({} % sure{}): {}, {}.",
            capitalised(what(&self.mapping, self.generic)),
            percent(self.confidence),
            self.other().map(|other| format!("; {other}")).unwrap_or_default(),
            if self.hidden { format!("{}, hidden", self.format) } else { self.format.clone() },
            rows(self.rows)
        )];
        match &self.own {
            Some(own) if !own.base.is_empty() => {
                let names: Vec<String> =
                    own.columns.iter().flat_map(|rule| &rule.header).map(|h| one_line(h)).collect();
                comments.push(format!(
                    "Columns of its own, in `mappings/{}.toml`: {}.",
                    self.name,
                    names.join(", ")
                ));
            }
            Some(_) => comments.push(format!("Its columns: `mappings/{}.toml`.", self.name)),
            None => {}
        }
        let entity = self.legal_entity.iter().flat_map(|(_, told)| told);
        comments.extend(self.overlaps.iter().chain(entity).cloned());
        match &self.abroad {
            Some(Abroad::In(guess)) => comments.push(format!(
                "Of {} cells that tell a country {} tell {} ({}): there its phone numbers and addresses without \
                 one are.",
                guess.cells, guess.fitting, guess.country, guess.evidence
            )),
            Some(Abroad::Elsewhere(fitting, all)) => comments.push(format!(
                "Of {all} cells that tell a country {fitting} fit the project's, and they agree on no other: its \
                 phone numbers and addresses without one are kept as written."
            )),
            None => {}
        }
        if !self.unknown.is_empty() {
            let shown: Vec<String> = self.unknown.iter().map(|c| one_line(c)).collect();
            comments.push(format!(
                "Columns without an attribute, kept as extras: {}.",
                shown.join(", ")
            ));
        }
        comments
    }

    /// The runner-up, as shown behind the guess.
    fn other(&self) -> Option<String> {
        let (other, confidence) = self.runner_up.as_ref()?;
        Some(format!("else {other}, {} %", percent(*confidence)))
    }
}

/// A sum: `5 files = 3 of sources + 2 left out on purpose`.
impl fmt::Display for FileCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.in_sources, "of sources"),
            (self.ignored, "left out on purpose"),
            (self.unusable, "unreadable or empty"),
        ];
        let all: usize = parts.iter().map(|(n, _)| n).sum();
        let told = parts.iter().filter(|(n, _)| *n > 0);
        let told: Vec<String> = told.map(|(n, what)| format!("{n} {what}")).collect();
        write!(f, "{all} file{} = {}", if all == 1 { "" } else { "s" }, told.join(" + "))
    }
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.files)?;
        let width = self.sources.iter().map(|s| s.name.chars().count()).max().unwrap_or(0).max(8);
        match self.sources.len() {
            1 => writeln!(f, "1 source:")?,
            n => writeln!(f, "{n} sources, the most trusted first:")?,
        }
        for source in &self.sources {
            writeln!(
                f,
                "  {:<width$}  {:>9} rows  {:>3} %  {}{}{}",
                source.name,
                source.rows,
                percent(source.confidence),
                what(&source.mapping, source.generic),
                if source.hidden { ", hidden" } else { "" },
                source.other().map(|other| format!("  ({other})")).unwrap_or_default(),
            )?;
        }
        if self.sources.len() > 1 {
            let rows: u64 = self.sources.iter().map(|source| source.rows).sum();
            writeln!(f, "  {:<width$}  {rows:>9} rows", "together")?;
        }
        let spaces: BTreeSet<&str> =
            self.sources.iter().map(|s| s.key_space.as_str()).filter(|s| !s.is_empty()).collect();
        for space in spaces {
            let sharing = self.sources.iter().filter(|s| s.key_space == space);
            let names: Vec<&str> = sharing.map(|s| s.name.as_str()).collect();
            if names.len() > 1 {
                writeln!(f, "Sharing customer codes: {}", names.join(", "))?;
            }
        }
        if let Some(date) = self.as_of {
            writeln!(f, "The data end on {date}")?;
        }
        if !self.left_out.is_empty() {
            let all: u64 = self.left_out.iter().map(|(_, rows, _)| rows).sum();
            writeln!(f, "Left out, {}: where they are of customers, write a mapping", rows(all))?;
            for (place, n, why) in &self.left_out {
                writeln!(f, "  - {place} ({}): {why}", rows(*n))?;
            }
        }
        if !self.unsure.is_empty() {
            writeln!(f, "To look at:")?;
            for unsure in &self.unsure {
                writeln!(f, "  - {unsure}")?;
            }
        }
        write!(f, "Wrote {}", self.settings.display())
    }
}

fn what(mapping: &Mapping, generic: bool) -> &str {
    match mapping.label.en.as_str() {
        _ if generic && mapping.rows == Rows::History => "history understood column by column",
        _ if generic => "table understood column by column",
        "" => &mapping.name,
        label => label,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

fn rows(n: u64) -> String {
    if n == 1 { "1 row".into() } else { format!("{n} rows") }
}

fn percent(share: f64) -> u32 {
    (share * 100.0).round() as u32
}

fn format_of(format: &Format) -> String {
    let delimiter = match format.delimiter {
        Some('\t') => "tab".to_owned(),
        Some(c) => format!("`{c}`"),
        None => String::new(),
    };
    let parts = [format.container.clone(), format.encoding.clone(), delimiter];
    parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(", ")
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|t| quoted(t)).collect();
    let mut text = String::new();
    let _ = write!(text, "[{}]", quoted.join(", "));
    text
}

/// The way from the folder `from` to the folder `to`, with `/`; absolute when they share no root.
fn relative(from: &Path, to: &Path) -> Result<String> {
    let whole = |path: &Path| path.canonicalize().map_err(Error::io("read", path));
    let (from, to) = (whole(from)?, whole(to)?);
    let from: Vec<Component<'_>> = from.components().collect();
    let to: Vec<Component<'_>> = to.components().collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return Ok(to.iter().collect::<PathBuf>().to_string_lossy().into_owned());
    }
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    let down = to[shared..].iter().map(|c| c.as_os_str().to_string_lossy().into_owned());
    let way: Vec<String> = up.chain(down).collect();
    Ok(if way.is_empty() { ".".into() } else { way.join("/") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().expect("a date")
    }

    /// One source a line, its dates apart by blanks.
    fn latest(sources: &str) -> Option<String> {
        let counts: Vec<BTreeMap<Date, u64>> = sources
            .lines()
            .map(|dates| dates.split_whitespace().map(|d| (day(d), 1)).collect())
            .collect();
        latest_plausible(&counts).map(|date| date.to_string())
    }

    #[test]
    fn a_date_alone_in_the_future_is_not_now() {
        let many = (1..=28).map(|d| format!("2024-02-{d:02} ")).collect::<String>();
        assert_eq!(latest(&format!("{many} 2042-01-01")).as_deref(), Some("2024-02-28"));
        assert_eq!(latest("2024-01-01").as_deref(), Some("2024-01-01"));
        assert_eq!(latest("1900-01-01 9999-12-31"), None);
        assert_eq!(latest(""), None);
    }

    #[test]
    fn sources_that_end_together_outweigh_one_that_ends_a_little_later() {
        assert_eq!(latest("2024-12-20\n2024-12-31\n2025-06-01").as_deref(), Some("2024-12-31"));
        assert_eq!(latest("2009-01-01\n2009-01-02\n2024-12-31").as_deref(), Some("2024-12-31"));
    }

    #[test]
    fn a_file_name_tells_its_age() {
        let told = |file| date_in_name(file, Some(day("2024-06-30"))).map(|d| d.to_string());
        assert_eq!(told("sales/clients 2009.xls").as_deref(), Some("2009-12-31"));
        assert_eq!(told("512345675FEC20231231.txt").as_deref(), Some("2023-12-31"));
        assert_eq!(told("export 2024.csv").as_deref(), Some("2024-06-30"));
        assert_eq!(told("lot 4711.csv"), None);
        assert_eq!(told("2009/clients.csv"), None);
    }

    #[test]
    fn the_day_in_a_files_name_is_one_of_the_data() {
        let told = |file| day_in_name(file).map(|d| d.to_string());
        assert_eq!(told("a/export_20240630.csv").as_deref(), Some("2024-06-30"));
        assert_eq!(told("clients 2024-06-30.xlsx").as_deref(), Some("2024-06-30"));
        assert_eq!(told("base 30.06.2024.csv").as_deref(), Some("2024-06-30"));
        assert_eq!(told("clients 2009.xls"), None);
        let fec = |until: &str| {
            format!(
                "JournalCode|JournalLib|EcritureNum|EcritureDate|CompteNum|CompteLib|CompAuxNum|CompAuxLib|PieceRef|PieceDate|\
                 EcritureLib|Debit|Credit|EcritureLet|DateLet|ValidDate|Montantdevise|Idevise\n\
                 VE|Ventes|1|{until}|411000|Clients|C1|Dupont SA|F1|{until}|Facture|120,00|0,00|||{until}||\n\
                 VE|Ventes|1|{until}|707000|Ventes|||F1|{until}|Facture|0,00|120,00|||{until}||\n"
            )
        };
        let as_of = |name, until| guessed(&[(name, fec(until).as_str())]).1.as_of;
        assert_eq!(as_of("512345675FEC20241231.txt", "20241115"), Some(day("2024-12-31")));
        // The year is open still.
        assert_eq!(as_of("512345675FEC20241231.txt", "20240615"), Some(day("2024-06-15")));
    }

    fn codes<'a>(notation: &'a str) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let one = |word: &'a str| {
            let (code, name) = word.split_once('=').unwrap_or((word, ""));
            (code, name.split('+').filter(|n| !n.is_empty()).collect())
        };
        notation.split(' ').map(one).collect()
    }

    #[test]
    fn codes_are_shared_when_their_names_agree() {
        let verdict = |a, b| Overlap::of(&codes(a), &codes(b)).verdict();
        assert_eq!(verdict("1=durand+sarl 2=petit", "1=durand 2=petit+jean 3=x"), Verdict::Same);
        assert_eq!(verdict("1=durand 2=petit", "1=martin 2=blanc"), Verdict::Different);
        assert_eq!(verdict("1=durand", "9=durand"), Verdict::Unknown);
        assert_eq!(verdict("1 2 3 4", "1 2 3"), Verdict::Same);
        assert_eq!(verdict("1 2 3 4", "1 8 9"), Verdict::Unknown);
        assert_eq!(
            Overlap::of(&codes("1=durand 2=petit"), &codes("1=durand 2=roux 3")).told("books", 2),
            "Of its 2 codes 2 stand in `books`: of 2 with a name on both sides 1 agree."
        );
    }

    #[test]
    fn the_way_between_two_folders_is_relative() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let folder = |name: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(&path).expect("made");
            path
        };
        let way = |a, b| relative(&folder(a), &folder(b)).expect("both are there");
        assert_eq!(way("project", "exports/old"), "../exports/old");
        assert_eq!(way("project", "project/legacy"), "legacy");
        assert_eq!(way("project", "project"), ".");
    }

    #[test]
    fn settings_are_never_replaced_unasked() {
        let project = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(project.path().join(SETTINGS), "").expect("written");
        let error = run(project.path(), project.path(), false, Lang::En, &Progress::hidden());
        assert!(error.expect_err("it is there").hint().is_some_and(|h| h.contains("--force")));
    }

    /// What `init` says of files with this content.
    fn guessed(files: &[(&str, &str)]) -> (String, Guess) {
        let root = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            store::write(&root.path().join("legacy").join(name), *text).expect("written");
        }
        let project = root.path().join("project");
        let guess =
            run(&root.path().join("legacy"), &project, false, Lang::En, &Progress::hidden())
                .expect("it is understood");
        (std::fs::read_to_string(project.join(SETTINGS)).expect("written"), guess)
    }

    #[test]
    fn what_a_person_should_look_at_is_told() {
        let customers = "Code client;Nom;Prénom;Email;Modifié le;Traitement RGPD\n\
                         C1;Martin;Jean;j@m.fr;2024-12-29;oui\nC2;Petit;Anne;a@p.fr;2024-12-28;non\n";
        let (settings, guess) = guessed(&[
            ("clients.csv", customers),
            ("vide.csv", "Code client;Nom;Prénom;Email\n"),
            ("README.md", "# Exports\n\nFrom the old system, by Jean.\n\nThe end.\n"),
            ("PROVENANCE.md", "# Where from\n\nThe old system.\nThe new one.\n"),
        ]);
        let told = guess.unsure.join("\n");
        assert!(
            told.contains("2 files that are no tables are left out: `PROVENANCE.md`, `README.md`"),
            "{told}"
        );
        assert!(told.contains("`vide.csv` has no row of data"), "{told}");
        assert!(
            told.contains("the column `Traitement RGPD` seems to say who may be contacted"),
            "{told}"
        );
        assert!(settings.contains("as_of = \"2024-12-29\""), "{settings}");
        let (settings, guess) =
            guessed(&[("clients.csv", "Nom;Prénom;Email\nMartin;Jean;j@m.fr\n")]);
        assert!(settings.contains("as_of = \"1970-01-01\""), "{settings}");
        assert!(
            guess.unsure.iter().any(|told| told.contains("nobody is inactive")),
            "{:?}",
            guess.unsure
        );
    }

    #[test]
    fn a_file_that_is_no_table_of_customers_is_left_out_as_a_whole() {
        let prices = "Article;Prix\nVis;1,20\nClou;0,40\n";
        let clients = "Nom;Prénom;Email\nMartin;Jean;j@m.fr\n";
        let (_, guess) = guessed(&[("clients.csv", clients), ("tarifs.csv", prices)]);
        let left_out: Vec<&str> =
            guess.ignored.iter().map(|(pattern, _)| pattern.as_str()).collect();
        assert_eq!(left_out, ["tarifs.csv"]);
    }

    #[test]
    fn a_list_of_addresses_alone_is_a_source() {
        let clients = "Nom;Prénom;Email\nMartin;Jean;j@m.fr\n";
        for list in ["Email\nj@m.fr\nk@m.fr\n", "j@m.fr\nk@m.fr\nl@m.fr\n"] {
            let (settings, guess) = guessed(&[("clients.csv", clients), ("desabonnes.csv", list)]);
            assert!(settings.contains("files = [\"desabonnes.csv\"]"), "{settings}");
            assert!(guess.ignored.is_empty(), "{:?}", guess.ignored);
        }
    }

    #[test]
    fn dates_after_now_are_told() {
        let mut text = String::from("Code client;Nom;Prénom;Email;Modifié le\n");
        for n in 1..=28 {
            let _ = writeln!(text, "C{n};Martin;Jean;j{n}@m.fr;2024-12-{n:02}");
        }
        text.push_str("C29;Petit;Anne;a@p.fr;2026-03-01\n");
        let (_, guess) = guessed(&[("clients.csv", &text)]);
        assert_eq!(guess.as_of, Some(day("2024-12-28")));
        let told = guess.unsure.join("\n");
        assert!(
            told.contains("`clients.csv` has 1 date after 2024-12-28, up to 2026-03-01"),
            "{told}"
        );
    }

    #[test]
    fn tables_of_one_sheet_are_one_source() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let sample = here
            .map(|a| a.join("shared/samples/excel/messy-clients-fr.xlsx"))
            .find(|file| file.exists());
        // Without the sample workbooks there is nothing to read.
        let Some(sample) = sample else { return };
        let root = tempfile::tempdir().expect("a temporary folder");
        let legacy = root.path().join("legacy");
        store::create_folder(&legacy).expect("made");
        std::fs::copy(&sample, legacy.join("clients.xlsx")).expect("copied");
        let guess = run(&legacy, root.path(), false, Lang::En, &Progress::hidden())
            .expect("it is understood");
        let sources: Vec<(&str, usize)> =
            guess.sources.iter().map(|s| (s.name.as_str(), s.mapping.tables.len())).collect();
        assert_eq!(sources, [("clients", 1)]);
        // The sheet that is left out is not read either.
        assert_eq!(guess.sources[0].sheets, ["Clients"]);
        config::Plan::load(root.path(), &config::Overrides::default())
            .expect("`run` takes it as it is");
    }

    #[test]
    fn of_very_many_codes_the_same_are_kept_whatever_the_order() {
        let words = BTreeSet::new();
        let kept = |numbers: &mut dyn Iterator<Item = usize>| {
            let mut codes = Codes::default();
            numbers.for_each(|n| codes.add(&format!("C{n}"), &words));
            (codes.level, codes.words.into_keys().collect::<Vec<_>>())
        };
        let (level, codes) = kept(&mut (0..MOST_CODES + 9));
        assert_eq!(level, 1);
        assert!(codes.len().abs_diff(MOST_CODES / 2) < MOST_CODES / 50);
        assert!((level, codes) == kept(&mut (0..MOST_CODES + 9).rev()));
    }
}
