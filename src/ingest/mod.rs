//! Reads source files: every physical row becomes record(s), history, a reject, or is skipped with a
//! reason.

pub mod read;
pub mod mapping;
pub mod recognise;
pub mod columns;
pub mod plain;
pub mod fec;
pub mod history;
pub mod entity;
pub mod country;
mod assemble;
mod shape;
mod kind;
mod name_boxes;
mod couple;
mod faults;
mod headless;
mod party;
mod privacy;
mod consent;
pub(crate) mod withhold;
pub mod values;

pub use consent::{FileStatus, of_file as consent_of_file};
pub use party::of_table as party_of_table;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use mapping::Rows;

use crate::{
    error::{Error, Result},
    model::Kind,
    progress::Progress,
    table::{
        ConsentEvent, Couple, Draft, History, IdKey, Ingested, Link, Place, RecordsBuilder, Reject,
        RowIssue, SensitiveCell, Severity, Skipped, Staged,
    },
    value::{organisation, sensitive::Sensitive, text::nearest},
};

/// One source of the plan: files of one legacy system that are read by one mapping.
#[derive(Debug, Clone)]
pub struct Source {
    /// Logical name, independent of the file name: part of every record id.
    pub name: String,
    /// Its files: absolute path, and the name used in outputs (relative to the source folder, `/`). Of
    /// an archive all files in it are read.
    pub files: Vec<(PathBuf, String)>,
    /// The sheets to read; empty for all.
    pub sheets: Vec<String>,
    /// How its columns are understood.
    pub mapping: Arc<mapping::Mapping>,
    /// The system and legal entity that issued its customer codes; empty when there are none.
    pub key_space: String,
    /// The column that names the legal entity whose code a row has, where the source has one.
    pub legal_entity: Option<entity::LegalEntity>,
    /// ISO code of the country that its phone numbers and addresses without one are in; empty: that of the
    /// project.
    pub country: String,
    /// Rank in `orpailleur.toml`, from 0: the smaller, the more trusted.
    pub rank: u32,
    /// Age of its rows without a date of their own: ISO date, or empty.
    pub dated: String,
}

/// What became of the rows of one table.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TableFate {
    /// Logical name of the source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// Whether the sheet is hidden.
    pub hidden: bool,
    /// The mapping it was read by.
    pub mapping: String,
    /// Physical rows, headers and blanks included.
    pub rows: u64,
    /// Rows that gave at least one record.
    pub record_rows: u64,
    /// Records they gave.
    pub records: u64,
    /// Rows that are history.
    pub history_rows: u64,
    /// Rows of which nothing was used.
    pub rejected_rows: u64,
    /// Rows that are no data or were left out, by reason.
    pub skipped_rows: BTreeMap<String, u64>,
    /// Columns that no attribute takes; their values are kept as extras.
    pub unmapped_columns: Vec<String>,
}

/// A record whose kind nothing tells: a default was taken, and a person should look.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DoubtfulKind {
    /// Logical name of the source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// The row.
    pub row: u32,
    /// The kind that was taken.
    pub kind: Kind,
}

/// The numbers of [`run`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// One line per table read.
    pub tables: Vec<TableFate>,
    /// Files that could not be read at all.
    pub unreadable_files: u64,
    /// Files that were read and have no row of data.
    pub files_without_rows: u64,
    /// Records whose kind waits for review, in order of their place.
    pub doubtful_kinds: Vec<DoubtfulKind>,
    /// Sheets with rows that no source reads, of files that one does, in order.
    pub unread_sheets: Vec<UnreadSheet>,
}

/// A sheet with rows that no source reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadSheet {
    /// The file.
    pub file: String,
    /// The sheet.
    pub sheet: String,
    /// Its rows of data.
    pub rows: u64,
}

/// The `[privacy]` section of `orpailleur.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Privacy {
    /// What is not withheld of the sensitive text in notes: `social_security`, `card_number`, `iban`,
    /// `door_code`, `password`, `health`. Default: nothing, all of it is withheld from every output.
    pub release: BTreeSet<Sensitive>,
}

/// Reads all `sources` by [`run_with`], with all that is sensitive withheld.
pub fn run(
    sources: &[Source],
    key: &IdKey,
    progress: &Progress,
) -> Result<Staged<Ingested, Metrics>> {
    run_with(sources, &Privacy::default(), key, progress)
}

/// Reads all `sources`. A file that cannot be read is a reject without a row, and costs nothing else.
pub fn run_with(
    sources: &[Source],
    privacy: &Privacy,
    key: &IdKey,
    progress: &Progress,
) -> Result<Staged<Ingested, Metrics>> {
    progress.expect(sources.iter().map(|s| s.files.len() as u64).sum());
    let mut gathered = Gathered { released: privacy.release.clone(), ..Gathered::default() };
    for source in sources {
        for (path, name) in &source.files {
            for (path, file) in read::files(path, name) {
                progress.check()?;
                match source.mapping.open(&path) {
                    Ok(tables) => gathered.tables(source, &file, tables, progress)?,
                    Err(error) => gathered.unreadable(source, &file, &error),
                }
            }
            progress.advance(1);
        }
        gathered.close_ledgers();
    }
    gathered.misspelt_columns(sources);
    Ok(gathered.finish(key))
}

/// What the tables have given so far, before records have ids.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Drafts in the order read. Links, couples and events name them by their number there.
    pub(crate) builder: RecordsBuilder,
    /// Drafts whose kind is open, with the one to take if nothing tells: their attributes are those of the
    /// mapping.
    open: Vec<(u32, Kind)>,
    /// Person and organisation of one row.
    pub(crate) links: Vec<Link>,
    /// Two persons of one row.
    pub(crate) couples: Vec<Couple>,
    /// What was said about consent.
    pub(crate) events: Vec<ConsentEvent>,
    /// Related tables.
    pub(crate) history: Vec<History>,
    /// Rows and files that cannot be used.
    pub(crate) rejects: Vec<Reject>,
    /// What was odd of rows that were used.
    issues: Vec<RowIssue>,
    /// Rows that are no data or were left out.
    pub(crate) skipped: Vec<Skipped>,
    /// Cells with something sensitive.
    sensitive: Vec<SensitiveCell>,
    /// What is not withheld.
    released: BTreeSet<Sensitive>,
    fates: Vec<TableFate>,
    /// Accounting files of the source being read: parts of one are put together at its end.
    ledgers: Vec<(fec::Books, TableFate)>,
    /// Suppliers of accounting files, who are records only where other rows name them.
    suppliers: Vec<Draft>,
    /// By project's own mapping the tables that it has read.
    read_by: BTreeMap<String, Vec<ReadTable>>,
    unreadable: u64,
    without_rows: u64,
    /// By file and name the sheets met, and the rows of those that no source reads.
    sheets: BTreeMap<(String, String), Option<u64>>,
}

/// Source, file, sheet and header of a table.
type ReadTable = (String, String, String, Vec<String>);

/// One table while it is read.
pub(crate) struct Reading<'a> {
    /// Where everything goes.
    pub(crate) gathered: &'a mut Gathered,
    /// How its columns are understood.
    pub(crate) mapping: Arc<mapping::Mapping>,
    /// The places of its rows, by the legal entity they name.
    pub(crate) places: entity::Places,
    /// What becomes of its rows.
    pub(crate) fate: TableFate,
}

impl Reading<'_> {
    /// A row that is no data or is left out.
    pub(crate) fn skip(&mut self, row: u32, reason: &str) {
        self.fate.rows += 1;
        *self.fate.skipped_rows.entry(reason.to_owned()).or_default() += 1;
        self.gathered.skipped.push(Skipped {
            source: self.fate.source.clone(),
            file: self.fate.file.clone(),
            sheet: self.fate.sheet.clone(),
            row: Some(row),
            reason: reason.to_owned(),
        });
    }

    /// A row of which nothing can be used.
    pub(crate) fn reject(
        &mut self,
        row: u32,
        code: &str,
        message: String,
        suggestion: &str,
        raw: String,
    ) {
        self.fate.rows += 1;
        self.fate.rejected_rows += 1;
        self.gathered.rejects.push(Reject {
            source: self.fate.source.clone(),
            file: self.fate.file.clone(),
            sheet: self.fate.sheet.clone(),
            row: Some(row),
            column: String::new(),
            code: code.to_owned(),
            severity: Severity::Row,
            message,
            suggestion: suggestion.to_owned(),
            raw,
        });
    }
}

impl Reading<'_> {
    /// A related table.
    fn history(
        &mut self,
        table: read::Table,
        watch: &withhold::Watch,
        progress: &Progress,
    ) -> Result<()> {
        let tally = table.tally.clone();
        let (table, _) = withhold::withhold(table, watch.clone());
        let rule = self.mapping.history.as_ref();
        let rule = rule.expect("a mapping of history has its rule: `Mapping::parse` checks it");
        let place = self.places.of_table();
        let at = (place, &self.gathered.builder.places()[place as usize]);
        let related = history::read(&table.header, table.rows, rule, at, progress)?;
        self.fate.history_rows = related.history.rows.len() as u64;
        for row in &related.history.rows {
            if &*row.key_attribute != "email" && !row.key.is_empty() {
                self.tell_unknown_entity(row.row, |at| row.cells.get(at));
            }
        }
        self.gathered.history.extend(self.places.split(related.history));
        self.fate.others(related.rows, &related.rejects, &related.skipped);
        self.gathered.rejects.extend(related.rejects);
        self.gathered.skipped.extend(related.skipped);
        self.tell_faults(&tally, u32::MAX, watch);
        Ok(())
    }

    /// Tells of what was odd of the rows up to `last`, and is not told yet.
    fn tell_faults(&mut self, tally: &read::Tally, last: u32, watch: &withhold::Watch) {
        self.gathered.tell_faults(tally, last, watch, &self.fate);
    }
}

impl Reading<'_> {
    /// Tells of a column that no rule takes and that seems to say who may be contacted: an objection may stand in it.
    pub(crate) fn tell_like_consent(&mut self, header: &str) {
        self.gathered.rejects.push(Reject {
            source: self.fate.source.clone(),
            file: self.fate.file.clone(),
            sheet: self.fate.sheet.clone(),
            row: None,
            column: header.to_owned(),
            code: "possible_objection".into(),
            severity: Severity::Cell,
            message: "the column seems to say who may be contacted; nothing tells by which means or in which sense"
                .into(),
            suggestion: "say it in the mapping of the source, under `[[consents]]`".into(),
            raw: String::new(),
        });
    }

    /// Tells of a row with a code whose legal entity nothing tells: the code stands for nobody.
    pub(crate) fn tell_unknown_entity<'c>(
        &mut self,
        row: u32,
        cell: impl Fn(usize) -> Option<&'c str>,
    ) {
        let place = self.places.of(&cell);
        if !self.gathered.builder.places()[place as usize].is_of_unknown_entity() {
            return;
        }
        let Some((at, header)) = self.places.column() else { return };
        self.gathered.rejects.push(Reject {
            source: self.fate.source.clone(),
            file: self.fate.file.clone(),
            sheet: self.fate.sheet.clone(),
            row: Some(row),
            column: header.to_owned(),
            code: "unknown_legal_entity".into(),
            severity: Severity::Cell,
            message:
                "the cell names no legal entity that the settings know: the code stands for nobody"
                    .into(),
            suggestion: "add the value to `legal_entity` in `orpailleur.toml`".into(),
            raw: cell(at).unwrap_or("").to_owned(),
        });
    }
}

impl Gathered {
    fn tables(
        &mut self,
        source: &Source,
        file: &str,
        tables: Vec<read::Table>,
        progress: &Progress,
    ) -> Result<()> {
        for sheet in source.sheets.iter().filter(|s| !tables.iter().any(|t| t.sheet == **s)) {
            let message = "there is no such sheet";
            self.incomplete(&source.name, (file, sheet), "", "missing_sheet", message);
        }
        let before = self.fates.len();
        // A sheet that is not there is told already; the others may be whole.
        let has_none = !source.sheets.is_empty()
            && !tables.iter().any(|table| source.sheets.contains(&table.sheet));
        for table in tables {
            let sheet = (file.to_owned(), table.sheet.clone());
            if !source.sheets.is_empty() && !source.sheets.contains(&table.sheet) {
                self.pass_by(sheet, table);
                continue;
            }
            self.sheets.insert(sheet, None);
            let mapping = match source.mapping.tables.as_slice() {
                [] => source.mapping.clone(),
                _ => Arc::new(source.mapping.of_table(&table.header).clone()),
            };
            for rule in mapping.columns.iter().filter(|rule| rule.required) {
                if mapping::position(&table.header, &rule.header).is_none() {
                    let column = rule.header.join(" | ");
                    let message = format!("there is no column `{column}`, which the settings name");
                    let place = (file, table.sheet.as_str());
                    self.incomplete(&source.name, place, &column, "missing_column", &message);
                }
            }
            if !source.mapping.own.is_empty() && !table.header.is_empty() {
                let place = (source.name.clone(), file.to_owned(), table.sheet.clone());
                let read = self.read_by.entry(source.mapping.name.clone()).or_default();
                read.push((place.0, place.1, place.2, table.header.clone()));
            }
            let entity = source.legal_entity.as_ref();
            if let Some(entity) = entity
                && mapping::position(&table.header, std::slice::from_ref(&entity.column)).is_none()
            {
                let column = &entity.column;
                let message =
                    format!("there is no column `{column}`, which names the legal entity");
                let place = (file, table.sheet.as_str());
                self.incomplete(&source.name, place, column, "missing_column", &message);
            }
            let place = Place {
                source: source.name.clone(),
                file: file.to_owned(),
                sheet: table.sheet.clone(),
                key_space: source.key_space.clone(),
                country: source.country.clone(),
                rank: source.rank,
                dated: source.dated.clone(),
            };
            let places = entity::Places::register(entity, &table.header, place, &mut self.builder);
            let place = places.of_table();
            let fate = TableFate {
                source: source.name.clone(),
                file: file.to_owned(),
                sheet: table.sheet.clone(),
                hidden: table.hidden,
                mapping: source.mapping.name.clone(),
                ..TableFate::default()
            };
            let scopes = withhold::scopes(&mapping, &table.header);
            let header = assemble::shown_header(&table.header);
            let watch = withhold::Watch::new(scopes, header, &self.released);
            let withheld = watch.withheld().clone();
            if mapping.rows == Rows::Fec {
                let (table, _) = withhold::withhold(table, watch.clone());
                let tally = table.tally;
                let books = fec::read(table.header, table.rows, place, &self.builder, progress)?;
                self.tell_faults(&tally, u32::MAX, &watch, &fate);
                self.sensitive.extend(withheld.cells(&fate.source, &fate.file, &fate.sheet));
                self.ledgers.push((books, fate));
                continue;
            }
            let mut reading = Reading { gathered: self, mapping: mapping.clone(), places, fate };
            match mapping.rows {
                Rows::History => reading.history(table, &watch, progress)?,
                _ => assemble::read(table, &watch, &mut reading, progress)?,
            }
            let fate = reading.fate;
            debug_assert!(fate.balances(), "every row of a table has exactly one fate: {fate:?}");
            self.sensitive.extend(withheld.cells(&fate.source, &fate.file, &fate.sheet));
            self.fates.push(fate);
        }
        let is_ledger = self.ledgers.last().is_some_and(|(_, fate)| fate.file == file);
        if !is_ledger && !has_none && self.fates[before..].iter().all(TableFate::is_void) {
            self.without_rows += 1;
            self.rejects.push(no_rows(&source.name, file));
        }
        Ok(())
    }

    /// Notes a sheet that this source does not read, if it has rows: another may, or nobody.
    fn pass_by(&mut self, sheet: (String, String), table: read::Table) {
        if self.sheets.contains_key(&sheet) {
            return;
        }
        let is_data = |row: &read::Row| matches!(row.content, read::Content::Data(_));
        let rows = table.rows.filter(is_data).count() as u64;
        if rows > 0 {
            self.sheets.insert(sheet, Some(rows));
        }
    }

    /// The customers of the accounting files of one source, and their entries as history.
    fn close_ledgers(&mut self) {
        let (books, fates): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.ledgers).into_iter().unzip();
        let mut parts: BTreeMap<u32, fec::PartFate> = BTreeMap::new();
        for books in fec::joined(books) {
            let ledger = books.finish(&mut self.builder);
            for draft in ledger.drafts {
                self.open.push((self.builder.push(draft), Kind::Person));
            }
            self.suppliers.extend(ledger.suppliers);
            parts.extend(ledger.parts.into_iter().map(|part| (part.history.place, part)));
        }
        // Places have the order in which the files were read, and so have their fates.
        for (mut fate, part) in fates.into_iter().zip(parts.into_values()) {
            fate.records = part.record_rows;
            fate.record_rows = part.record_rows;
            fate.history_rows = part.history_rows;
            fate.others(part.rows, &part.rejects, &part.skipped);
            if fate.is_void() {
                self.without_rows += 1;
                self.rejects.push(no_rows(&fate.source, &fate.file));
            }
            self.history.push(part.history);
            self.rejects.extend(part.rejects);
            self.skipped.extend(part.skipped);
            debug_assert!(fate.balances(), "every row of a ledger has exactly one fate: {fate:?}");
            self.fates.push(fate);
        }
    }

    fn tell_faults(
        &mut self,
        tally: &read::Tally,
        last: u32,
        watch: &withhold::Watch,
        fate: &TableFate,
    ) {
        let (rejects, issues) = faults::told(tally, last, watch, fate);
        self.rejects.extend(rejects);
        self.issues.extend(issues);
    }

    fn unreadable(&mut self, source: &Source, file: &str, error: &Error) {
        self.unreadable += 1;
        self.rejects.push(unreadable_file(&source.name, file, error));
    }

    /// Tells of each column that a project's own mapping names and no file read by it has. Of several
    /// files one may lack what another has.
    fn misspelt_columns(&mut self, sources: &[Source]) {
        for (mapping, tables) in std::mem::take(&mut self.read_by) {
            let Some(source) = sources.iter().find(|s| s.mapping.name == mapping) else { continue };
            let headers = || tables.iter().flat_map(|(.., header)| header);
            let is_there = |name: &String| {
                let wanted = mapping::key(name);
                headers().any(|header| mapping::fits(&wanted, &mapping::key(header)).is_some())
            };
            for names in source.mapping.own.iter().filter(|names| !names.iter().any(is_there)) {
                let (source, file, sheet, _) = &tables[0];
                let column = names.join(" | ");
                let near =
                    names.iter().find_map(|name| nearest(name, headers().map(String::as_str)));
                let near = near.map_or(String::new(), |near| format!("; the nearest is `{near}`"));
                let message = format!(
                    "there is no column `{column}`, which the mapping `{mapping}` names{near}"
                );
                self.incomplete(source, (file, sheet), &column, "missing_column", &message);
            }
        }
    }

    /// Tells that a file lacks something the settings name; the rest of it is read.
    fn incomplete(
        &mut self,
        source: &str,
        (file, sheet): (&str, &str),
        column: &str,
        code: &str,
        message: &str,
    ) {
        self.rejects.push(Reject {
            source: source.to_owned(),
            file: file.to_owned(),
            sheet: sheet.to_owned(),
            row: None,
            column: column.to_owned(),
            code: code.into(),
            severity: Severity::Cell,
            message: message.to_owned(),
            suggestion: "correct the source in `orpailleur.toml`, or its mapping".into(),
            raw: String::new(),
        });
    }

    /// Settles all kinds, gives the records their ids, and translates what names drafts.
    fn finish(mut self, key: &IdKey) -> Staged<Ingested, Metrics> {
        self.keep_known_suppliers();
        let doubtful = self.settle_all();
        let builder = &self.builder;
        let is_organisation = |at: u32| builder.draft(at).kind() == Some(Kind::Organisation);
        self.links.retain(|link| is_organisation(link.organisation));
        let (records, position) = self.builder.finish(key);
        let at = |draft: u32| position[draft as usize];
        for link in &mut self.links {
            (link.person, link.organisation) = (at(link.person), at(link.organisation));
        }
        for couple in &mut self.couples {
            let (a, b) = (at(couple.first), at(couple.second));
            (couple.first, couple.second) = (a.min(b), a.max(b));
        }
        for event in &mut self.events {
            event.record = event.record.map(at);
        }
        self.links.sort();
        self.couples.sort();
        self.events.sort();
        self.rejects.sort();
        self.issues.sort();
        self.skipped.sort();
        self.sensitive.sort();
        let unread = self
            .sheets
            .into_iter()
            .filter_map(|((file, sheet), rows)| Some(UnreadSheet { file, sheet, rows: rows? }));
        let metrics = Metrics {
            tables: self.fates,
            unreadable_files: self.unreadable,
            files_without_rows: self.without_rows,
            doubtful_kinds: doubtful,
            unread_sheets: unread.collect(),
        };
        let table = Ingested {
            records,
            home: String::new(),
            links: self.links,
            couples: self.couples,
            events: self.events,
            history: self.history,
            rejects: self.rejects,
            issues: self.issues,
            skipped: self.skipped,
            left_out: Vec::new(),
            sensitive: self.sensitive,
        };
        Staged { table, metrics }
    }

    /// Makes records of the suppliers in accounting files whom other rows name: they may be customers, or stand in a
    /// list of third parties. Of all the others, whom a CRM has no use for, the lines stay skipped.
    fn keep_known_suppliers(&mut self) {
        let suppliers = std::mem::take(&mut self.suppliers);
        if suppliers.is_empty() {
            return;
        }
        let is_name =
            |attribute: &str| matches!(attribute, "name" | "alias" | "full_name" | "company");
        let both = |name: &str| [Some(organisation::words(name).join(" ")), kind::person_key(name)];
        let drafts = (0..self.builder.len() as u32).map(|number| self.builder.draft(number));
        let names = drafts.flat_map(|draft| draft.values()).filter(|(name, _)| is_name(name));
        let known: HashSet<String> = names.flat_map(|(_, name)| both(name)).flatten().collect();
        let is_known = |draft: &Draft| {
            let mut names = draft.values.iter().filter(|(attribute, ..)| is_name(attribute));
            names.any(|(_, name, _)| both(name).iter().flatten().any(|name| known.contains(name)))
        };
        let kept: Vec<Draft> = suppliers.into_iter().filter(is_known).collect();
        // Lines of XML may share their row of the file: each supplier stands on one of them.
        let mut lines: BTreeMap<(String, String, String, u32), u32> = BTreeMap::new();
        for draft in &kept {
            let place = self.builder.places()[draft.place as usize].clone();
            *lines.entry((place.source, place.file, place.sheet, draft.row)).or_default() += 1;
        }
        self.skipped.retain(|line| {
            if line.reason != "supplier" {
                return true;
            }
            let line = line.clone();
            let at = (line.source, line.file, line.sheet, line.row.unwrap_or(0));
            match lines.get_mut(&at).filter(|left| **left > 0) {
                Some(left) => {
                    *left -= 1;
                    false
                }
                None => true,
            }
        });
        for draft in kept {
            let place = &self.builder.places()[draft.place as usize];
            let of_place = |fate: &&mut TableFate| {
                (&fate.source, &fate.file, &fate.sheet)
                    == (&place.source, &place.file, &place.sheet)
            };
            if let Some(fate) = self.fates.iter_mut().find(of_place) {
                fate.records += 1;
                fate.record_rows += 1;
                fate.skipped_rows.entry("supplier".into()).and_modify(|rows| *rows -= 1);
            }
            self.open.push((self.builder.push(draft), Kind::Organisation));
        }
    }

    /// Gives every open draft the kind that all sources together tell.
    fn settle_all(&mut self) -> Vec<DoubtfulKind> {
        if self.open.is_empty() {
            return Vec::new();
        }
        let lexicon = self.lexicon();
        let told = |&(number, likelier): &(u32, Kind)| {
            let draft = self.builder.draft(number);
            let place = draft.place();
            let name = draft.values().find(|(attribute, _)| *attribute == "name");
            let name = name.map_or("", |(_, text)| text);
            let (kind, sure) = lexicon.of(name, &place.key_space, draft.key());
            // A table with columns for both has a firm in the firm's column unless a person is known.
            if !sure && likelier == Kind::Organisation {
                return (number, Kind::Organisation, None);
            }
            let doubtful = || DoubtfulKind {
                source: place.source.clone(),
                file: place.file.clone(),
                sheet: place.sheet.clone(),
                row: draft.row(),
                kind,
            };
            (number, kind, (!sure).then(doubtful))
        };
        let settled: Vec<_> = self.open.par_iter().map(told).collect();
        let mut doubtful = BTreeSet::new();
        for (number, kind, doubt) in settled {
            self.settle(number, kind);
            doubtful.extend(doubt);
        }
        doubtful.into_iter().collect()
    }

    /// What the drafts whose kind is known teach about names and codes.
    fn lexicon(&self) -> kind::Lexicon {
        let mut lexicon = kind::Lexicon::default();
        for draft in (0..self.builder.len() as u32).map(|number| self.builder.draft(number)) {
            let Some(kind) = draft.kind() else { continue };
            match kind {
                Kind::Person => {
                    let (first, rest) = assemble::person_name(&draft);
                    lexicon.learn_person(&first, &rest);
                }
                _ => {
                    for (_, name) in draft.values().filter(|(attribute, _)| *attribute == "name") {
                        lexicon.learn_organisation(name);
                    }
                }
            }
            lexicon.learn_key(&draft.place().key_space, draft.key(), kind);
        }
        lexicon
    }
}

/// What is told of a file that cannot be read.
pub(crate) fn unreadable_file(source: &str, file: &str, error: &Error) -> Reject {
    Reject {
        source: source.to_owned(),
        file: file.to_owned(),
        sheet: String::new(),
        row: None,
        column: String::new(),
        code: "unreadable_file".into(),
        severity: Severity::Row,
        message: error.reason(),
        suggestion: error.hint().unwrap_or_default(),
        raw: String::new(),
    }
}

/// What is told of a file that names columns and has no row of data, or holds nothing at all.
pub(crate) fn no_rows(source: &str, file: &str) -> Reject {
    Reject {
        source: source.to_owned(),
        file: file.to_owned(),
        sheet: String::new(),
        row: None,
        column: String::new(),
        code: "no_rows".into(),
        severity: Severity::Row,
        message: "the file has no row of data".into(),
        suggestion: "look whether the export is whole, and export it again".into(),
        raw: String::new(),
    }
}

impl TableFate {
    /// Counts the rows of a table read by another module that gave nothing.
    fn others(&mut self, rows: u64, rejects: &[Reject], skipped: &[Skipped]) {
        self.rows = rows;
        self.rejected_rows = rejects.iter().filter(|r| r.severity == Severity::Row).count() as u64;
        for row in skipped {
            *self.skipped_rows.entry(row.reason.clone()).or_default() += 1;
        }
    }

    /// Whether the table has no row of data: titles, headers, blanks and what holds the table alone.
    pub fn is_void(&self) -> bool {
        let empty = ["blank", "title", "header", "repeat", "structure"];
        self.record_rows + self.history_rows + self.rejected_rows == 0
            && self.skipped_rows.keys().all(|reason| empty.contains(&reason.as_str()))
    }

    /// Whether every row has exactly one fate.
    pub fn balances(&self) -> bool {
        let skipped: u64 = self.skipped_rows.values().sum();
        self.rows == self.record_rows + self.history_rows + self.rejected_rows + skipped
    }
}

#[cfg(test)]
mod tests;
