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
        columns,
        fec::FileName,
        mapping::{self, Mapping, Rows},
        read::{self, Content, Format},
        recognise::recognise,
    },
    model::{self, Lang, ValueKind},
    progress::Progress,
    run::{digests, files_below},
    store,
    table::row_digest,
    value::{date, text},
};

/// Rows that a layout is recognised by: those of the smallest digests, whatever their order.
const SAMPLE_ROWS: usize = 2_000;

/// A source that ends this long before the others tells how things once were: five years, by
/// judgement.
const STALE_DAYS: i64 = 5 * 365;

/// Below this a guess is called unsure.
const SURE: f64 = 0.6;

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
    /// One line per source.
    pub sources: Vec<SourceGuess>,
    /// What a person should look at.
    pub unsure: Vec<String>,
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
    /// How sure, from 0 to 1.
    pub confidence: f64,
    /// What the files are: `text, windows-1252, ;`.
    pub format: String,
    /// Rows of data.
    pub rows: u64,
    /// The key space; empty when it has no codes.
    pub key_space: String,
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
    let on_disk = candidate_files(folder, project)?;
    let files: Vec<(PathBuf, String)> =
        on_disk.iter().flat_map(|(path, name)| read::files(path, name)).collect();
    progress.expect(files.len() as u64);
    let mut guess =
        Guess { settings: settings.clone(), folder: folder.to_owned(), ..Guess::default() };
    let mut tables = Vec::new();
    let mut no_tables: Vec<&str> = Vec::new();
    for (path, name) in &files {
        progress.check()?;
        match survey_file(path, name) {
            Ok(found) if found.iter().all(|t| t.header.is_empty() || t.is_prose) => {
                no_tables.push(name)
            }
            Ok(found) => {
                if found.iter().all(|t| t.rows == 0) {
                    guess.unsure.push(format!("`{name}` has no row of data below its header"));
                }
                for sheet in found.iter().filter(|t| t.candidate.is_none() && t.rows > 0) {
                    guess.unsure.push(format!(
                        "{} ({}) is no table of customers and is left out",
                        sheet.place(),
                        rows(sheet.rows)
                    ));
                }
                tables.extend(found);
            }
            Err(error) => {
                let hint = error.hint().map(|h| format!(": {h}")).unwrap_or_default();
                guess.unsure.push(format!("`{name}` is left out, {}{hint}", error.reason()));
            }
        }
        progress.advance(1);
    }
    match no_tables.as_slice() {
        [] => {}
        [one] => guess.unsure.push(format!("`{one}` is no table and is left out")),
        some => guess.unsure.push(format!(
            "{} files that are no tables are left out: `{}`",
            some.len(),
            some.join("`, `")
        )),
    }
    guess.unsure.extend(copies(&on_disk));
    let groups = group(&tables);
    if groups.is_empty() {
        return Err(Error::Format {
            path: folder.to_owned(),
            message: "no file in it could be recognised".into(),
            hint: Some(match guess.unsure.as_slice() {
                [] => "it holds no file; name the folder of the exports".into(),
                reasons => reasons.join("; "),
            }),
        });
    }
    guess.as_of = latest_plausible(tables.iter().map(|t| &t.dates));
    match guess.as_of {
        Some(as_of) => guess.unsure.extend(later_dates(&groups, as_of)),
        None => guess.unsure.push(format!(
            "the data have no date: `as_of` is {NO_DATE}, by which nobody is inactive; write the day \
             of the exports in its place, as in `as_of = \"2024-12-31\"`"
        )),
    }
    guess.sources = sources(&groups, &tables, &mut guess.unsure, guess.as_of);
    write_project(&guess, project, lang)?;
    Ok(guess)
}

/// The files that may be exports: no hidden or lock files, nothing of the project itself.
pub(crate) fn candidate_files(folder: &Path, project: &Path) -> Result<Vec<(PathBuf, String)>> {
    let own = project.canonicalize().ok();
    let whole = folder.canonicalize().map_err(Error::io("read", folder))?;
    let mut files = files_below(&whole)?;
    files.retain(|(path, name)| {
        let hidden = name.split('/').any(|part| part.starts_with('.') || part.starts_with("~$"));
        let within =
            |own: &PathBuf| *own != whole && own.starts_with(&whole) && path.starts_with(own);
        let ours = own.as_ref().is_some_and(within)
            || name == SETTINGS
            || ["mappings/", "registry/", "runs/"]
                .iter()
                .any(|own_folder| own.as_ref() == Some(&whole) && name.starts_with(own_folder));
        !hidden && !ours
    });
    Ok(files)
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
    format: Format,
    header: Vec<String>,
    rows: u64,
    candidate: Option<(Arc<Mapping>, f64, bool)>,
    runner_up: Option<(String, f64)>,
    /// Dates of events, with how often each stands there. Dates of birth are none.
    dates: BTreeMap<Date, u64>,
    /// Customer codes, each with the words of the names it stands for.
    codes: BTreeMap<String, BTreeSet<String>>,
    /// For each column whether any of the sampled rows fills it.
    filled: Vec<bool>,
    /// Columns that seem to say who may be contacted, though not how.
    like_consent: Vec<String>,
    /// Whether its lines are text rather than rows of cells.
    is_prose: bool,
}

impl Survey {
    fn place(&self) -> String {
        match self.sheet.as_str() {
            "" => format!("`{}`", self.file),
            sheet => format!("`{}`, sheet `{sheet}`", self.file),
        }
    }
}

/// The latest plausible date of events in `files`; none when they have none or cannot be read.
pub fn latest_date(files: &[(PathBuf, String)]) -> Option<Date> {
    let files = files.iter().flat_map(|(path, name)| read::files(path, name));
    let surveys = files.filter_map(|(path, name)| survey_file(&path, &name).ok());
    let surveys: Vec<Survey> = surveys.flatten().collect();
    latest_plausible(surveys.iter().map(|survey| &survey.dates))
}

fn survey_file(path: &Path, name: &str) -> Result<Vec<Survey>> {
    let mut surveys = Vec::new();
    for table in read::open(path)? {
        let mut sample: BTreeMap<[u8; 32], StringRecord> = BTreeMap::new();
        let mut rows = 0;
        for row in table.rows {
            let Content::Data(cells) = row.content else { continue };
            rows += 1;
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
        let is_filled = |at| sample.iter().any(|r| r.get(at).is_some_and(|c| !c.trim().is_empty()));
        let is_prose = is_prose(&table.header, &sample);
        let filled = (0..table.header.len()).map(is_filled).collect();
        let understood = columns::understand(&table.header, &sample);
        let like_consent = understood.iter().filter(|c| columns::looks_like_consent(c));
        let like_consent = like_consent.map(|c| c.header.clone()).collect();
        let found = recognise(name, &table.format.container, &table.header, &sample, &[]);
        let mut found = found.into_iter();
        let candidate = found.next();
        let runner_up = found.next().map(|c| (c.mapping.name.clone(), c.confidence));
        surveys.push(Survey {
            file: name.to_owned(),
            sheet: table.sheet,
            format: table.format,
            header: table.header,
            rows,
            candidate: candidate.map(|c| (c.mapping, c.confidence, c.generic)),
            runner_up,
            dates: BTreeMap::new(),
            codes: BTreeMap::new(),
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
            if let Some((mapping, ..)) = survey.candidate.clone() {
                let wanted = Wanted::of(&mapping, &table.header);
                if wanted.dates.is_empty() && wanted.codes.is_empty() {
                    continue;
                }
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

/// Whether most lines have but one cell below a header that names no second column.
fn is_prose(header: &[String], sample: &[StringRecord]) -> bool {
    let cells = |row: &StringRecord| row.iter().filter(|cell| !cell.trim().is_empty()).count();
    let single = sample.iter().filter(|row| cells(row) < 2).count();
    let named = header.iter().filter(|name| !name.trim().is_empty()).count();
    !sample.is_empty() && single * 2 > sample.len() && (named < 2 || header[0] == "column 1")
}

/// The columns that tell of dates, codes and names.
struct Wanted {
    dates: Vec<usize>,
    codes: Vec<usize>,
    names: Vec<usize>,
}

impl Wanted {
    fn of(mapping: &Mapping, header: &[String]) -> Wanted {
        let mut wanted = Wanted { dates: Vec::new(), codes: Vec::new(), names: Vec::new() };
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
        for code in self.codes.iter().filter_map(filled) {
            survey.codes.entry(code.to_owned()).or_default().extend(words.iter().cloned());
        }
    }
}

fn is_code(attribute: &str) -> bool {
    matches!(attribute, "customer_code" | "account_code")
}

/// A date that is known to the day.
fn whole_date(cell: &str) -> Option<Date> {
    let iso = date::normalize(cell, date::Order::DayFirst).ok()?;
    iso.get(..10)?.parse().ok()
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
        let Some((mapping, _, generic)) = &table.candidate else { continue };
        let own = || group_key(table, mapping, *generic);
        let key = key_of_sheet.entry((&table.file, &table.sheet)).or_insert_with(own);
        groups.entry(key.clone()).or_default().push(table);
    }
    groups.into_values().collect()
}

/// The mapping that reads all tables of a group, and whether it is the project's own.
fn mapping_of(group: &Group<'_>) -> Option<(Arc<Mapping>, bool)> {
    let (first, _, generic) = group[0].candidate.as_ref()?;
    let mut others: Vec<Mapping> = Vec::new();
    let mut headers: BTreeSet<&[String]> = BTreeSet::new();
    for table in group {
        let Some((mapping, ..)) = &table.candidate else { continue };
        if headers.insert(&table.header) && mapping != first && !others.contains(mapping) {
            others.push(Mapping::clone(mapping));
        }
    }
    if others.is_empty() {
        return Some((first.clone(), *generic));
    }
    Some((Arc::new(Mapping { tables: others, ..Mapping::clone(first) }), true))
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
) -> Vec<SourceGuess> {
    let mut order: Vec<(&Group<'_>, Option<Date>)> =
        groups.iter().map(|group| (group, age(group, as_of))).collect();
    order.sort_by_key(|(group, dated)| {
        let stale = as_of.is_some_and(|as_of| dated.is_some_and(|d| d < before(as_of, STALE_DAYS)));
        let (trust, dated) = (trust(group, stale), std::cmp::Reverse(*dated));
        (trust, dated, group[0].file.clone(), group[0].sheet.clone())
    });
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut guesses = Vec::new();
    for (group, dated) in &order {
        let Some((mapping, generic)) = mapping_of(group) else { continue };
        let name = unique(source_name(group, groups), &mut taken);
        let confidence = group.iter().filter_map(|t| t.candidate.as_ref()).map(|c| c.1);
        let confidence = confidence.fold(1.0, f64::min);
        if confidence < SURE {
            unsure.push(format!(
                "{} is read as {} ({} %)",
                group[0].place(),
                what(&mapping, generic),
                percent(confidence)
            ));
        }
        if let Some((other, near)) = &group[0].runner_up
            && !generic
            && confidence - near < 0.05
        {
            unsure.push(format!("{} could as well be `{other}`", group[0].place()));
        }
        let mut files: Vec<String> = group.iter().map(|t| t.file.clone()).collect();
        files.sort();
        files.dedup();
        let unknown = unknown_columns(group);
        for table in group.iter() {
            for column in table.like_consent.iter().filter(|column| unknown.contains(column)) {
                unsure.push(format!(
                    "{}: the column `{column}` seems to say who may be contacted; say by which means in the \
                     mapping, under `[[consents]]`",
                    table.place()
                ));
            }
        }
        guesses.push(SourceGuess {
            sheets: sheets(group, tables),
            format: format_of(&group[0].format),
            rows: group.iter().map(|t| t.rows).sum(),
            unknown,
            mapping,
            generic,
            dated: *dated,
            key_space: String::new(),
            name,
            files,
            confidence,
        });
    }
    let groups: Vec<&Group<'_>> = order.iter().map(|(group, _)| *group).collect();
    for (at, of) in key_spaces(&groups, &guesses, unsure).into_iter().enumerate() {
        guesses[at].key_space = of.map(|of| guesses[of].name.clone()).unwrap_or_default();
    }
    guesses
}

/// Systems with customer codes are kept with care; what others wrote about customers, less so; what
/// has not been touched for years comes after all that; history has no values of its own.
fn trust(group: &Group<'_>, stale: bool) -> u8 {
    match &group[0].candidate {
        Some((mapping, ..)) if mapping.rows == Rows::History => 4,
        _ if stale => 3,
        Some(_) if group.iter().any(|t| !t.codes.is_empty()) => 0,
        Some((_, _, true)) => 1,
        _ => 2,
    }
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
    let Some((mapping, _, generic)) = &table.candidate else { return String::new() };
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
        let Some((mapping, ..)) = &table.candidate else { continue };
        if mapping.rows == Rows::Fec {
            continue;
        }
        let consents = mapping.consents.iter();
        let named: BTreeSet<String> = consents
            .flat_map(|c| c.column.iter().chain(&c.since).chain(&c.proof).chain(&c.contact_point))
            .chain(mapping.private.iter().flat_map(|p| &p.column))
            .chain(mapping.history.iter().flat_map(|h| {
                h.key.iter().chain(&h.name).chain(&h.date).chain(&h.amount).chain(&h.currency)
            }))
            .chain(&mapping.id)
            .chain(mapping.recognise.signature.iter())
            .flat_map(|names| names.split('|'))
            .map(mapping::key)
            .collect();
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

/// For each group the first one whose key space it shares; none for a group without codes.
///
/// Two groups share a key space when they share codes and the names behind them agree. Groups whose
/// equal codes stand for different names never come together, not even through a third.
fn key_spaces(
    groups: &[&Group<'_>],
    guesses: &[SourceGuess],
    unsure: &mut Vec<String>,
) -> Vec<Option<usize>> {
    let codes: Vec<BTreeMap<&str, BTreeSet<&str>>> = groups.iter().map(|g| codes_of(g)).collect();
    let mut joins = Vec::new();
    let mut apart = BTreeSet::new();
    for right in 0..codes.len() {
        for left in 0..right {
            match compare(&codes[left], &codes[right]) {
                Overlap::Same(agreeing) => joins.push((std::cmp::Reverse(agreeing), left, right)),
                Overlap::Different(shared) => {
                    apart.insert((left, right));
                    unsure.push(format!(
                        "`{}` and `{}` share {shared} codes that stand for different names: they \
                         have a key space each",
                        guesses[left].name, guesses[right].name
                    ));
                }
                Overlap::None => {}
            }
        }
    }
    joins.sort();
    let mut space: Vec<usize> = (0..codes.len()).collect();
    for (_, left, right) in joins {
        let (a, b) = (space[left], space[right]);
        let conflict = apart
            .iter()
            .any(|&(x, y)| (space[x], space[y]) == (a, b) || (space[x], space[y]) == (b, a));
        if !conflict {
            for of in &mut space {
                if *of == a || *of == b {
                    *of = a.min(b);
                }
            }
        }
    }
    space.into_iter().zip(&codes).map(|(of, codes)| (!codes.is_empty()).then_some(of)).collect()
}

fn codes_of<'t>(group: &Group<'t>) -> BTreeMap<&'t str, BTreeSet<&'t str>> {
    let mut codes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (code, words) in group.iter().flat_map(|t| &t.codes) {
        codes.entry(code).or_default().extend(words.iter().map(String::as_str));
    }
    codes
}

/// What the codes of two groups say of their key spaces.
#[derive(Debug, PartialEq)]
enum Overlap {
    None,
    /// That many codes stand for the same name.
    Same(usize),
    /// That many equal codes, most of them with different names.
    Different(usize),
}

fn compare(
    left: &BTreeMap<&str, BTreeSet<&str>>,
    right: &BTreeMap<&str, BTreeSet<&str>>,
) -> Overlap {
    let shared: Vec<_> =
        left.iter().filter_map(|(code, words)| Some((words, right.get(code)?))).collect();
    let named = shared.iter().filter(|(a, b)| !a.is_empty() && !b.is_empty()).count();
    let agreeing = shared.iter().filter(|(a, b)| !a.is_disjoint(b)).count();
    let smaller = left.len().min(right.len());
    if shared.is_empty() {
        Overlap::None
    } else if named == 0 {
        // Without names, codes must be mostly the same ones.
        if shared.len() * 2 >= smaller && shared.len() > 2 {
            Overlap::Same(shared.len())
        } else {
            Overlap::None
        }
    } else if agreeing * 2 >= named {
        Overlap::Same(agreeing)
    } else {
        Overlap::Different(shared.len())
    }
}

fn write_project(guess: &Guess, project: &Path, lang: Lang) -> Result<()> {
    store::create_folder(project)?;
    for source in guess.sources.iter().filter(|s| s.generic) {
        let path = project.join(format!("mappings/{}.toml", source.name));
        let head = format!(
            "# How the columns of `{}` are understood: made by `orpailleur init`, to be corrected.\n\n",
            source.files.join("`, `")
        );
        store::write(&path, head + &without_defaults(&source.mapping))?;
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
        config::write_key(&key_file, &config::derive_key(&files))?;
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
    written.parse().map(|table| prune(table).to_string()).unwrap_or(written)
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
    match guess.as_of {
        Some(date) => {
            line("# What \"now\" is: the latest plausible date in the data.");
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
        if self.generic { &self.name } else { &self.mapping.name }
    }

    fn comments(&self) -> Vec<String> {
        let mut comments = vec![format!(
            "{} ({} % sure): {}, {}.",
            capitalised(what(&self.mapping, self.generic)),
            percent(self.confidence),
            self.format,
            rows(self.rows)
        )];
        if self.generic {
            comments.push(format!("Its columns: `mappings/{}.toml`.", self.name));
        }
        if !self.unknown.is_empty() {
            let shown: Vec<String> = self.unknown.iter().map(|c| c.replace('\n', " ")).collect();
            comments.push(format!(
                "Columns without an attribute, kept as extras: {}.",
                shown.join(", ")
            ));
        }
        comments
    }
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.sources.iter().map(|s| s.name.chars().count()).max().unwrap_or(0);
        writeln!(f, "{} sources, the most trusted first:", self.sources.len())?;
        for source in &self.sources {
            writeln!(
                f,
                "  {:<width$}  {:>9} rows  {:>3} %  {}",
                source.name,
                source.rows,
                percent(source.confidence),
                what(&source.mapping, source.generic),
            )?;
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
        _ if generic => "table understood column by column",
        "" => &mapping.name,
        label => label,
    }
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

    fn codes<'a>(notation: &'a str) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
        let one = |word: &'a str| {
            let (code, name) = word.split_once('=').unwrap_or((word, ""));
            (code, name.split('+').filter(|n| !n.is_empty()).collect())
        };
        notation.split(' ').map(one).collect()
    }

    #[test]
    fn codes_are_shared_when_their_names_agree() {
        let overlap = |a, b| compare(&codes(a), &codes(b));
        assert_eq!(overlap("1=durand+sarl 2=petit", "1=durand 2=petit+jean 3=x"), Overlap::Same(2));
        assert_eq!(overlap("1=durand 2=petit", "1=martin 2=blanc"), Overlap::Different(2));
        assert_eq!(overlap("1=durand", "9=durand"), Overlap::None);
        assert_eq!(overlap("1 2 3 4", "1 2 3"), Overlap::Same(3));
        assert_eq!(overlap("1 2 3 4", "1 8 9"), Overlap::None);
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
    fn exports_may_lie_in_the_project_and_the_project_among_the_exports() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for file in
            ["legacy/a.csv", "legacy/~$a.xlsx", "runs/latest/crosswalk.csv", "orpailleur.toml"]
        {
            store::write(&root.path().join(file), "").expect("written");
        }
        let names = |folder: &str, project: &str| -> Vec<String> {
            let files = candidate_files(&root.path().join(folder), &root.path().join(project));
            files.expect("readable").into_iter().map(|(_, name)| name).collect()
        };
        assert_eq!(names("legacy", ""), ["a.csv"]);
        assert_eq!(names("", ""), ["legacy/a.csv"]);
        assert_eq!(names("", "runs"), ["legacy/a.csv"]);
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
}
