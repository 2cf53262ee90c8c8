//! Plain tables, for `dedupe`: one row is one record, whatever its columns; a couple is two, of one household.
//!
//! Columns are understood by name and by content ([`super::columns`]). Those of the model keep their
//! attribute; a company column beside a person is the attribute `company`; street number and street
//! are one value, so are year, month and day of birth and the parts of a name (`fname_c1`,
//! `fname_c2`). Every other column is an attribute `x.<what it holds>.<header>`, where what it holds is
//! `code`, `date`, `number`, `category` or `text` (see [`crate::model::value_kind`]).
//!
//! Columns that number the rows or say where they come from are no evidence, and are left out. Columns of
//! consent are no evidence either: they become what was said about contacting the record, as do phrases
//! in notes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    path::PathBuf,
    sync::Arc,
};

use csv::StringRecord;

use super::{
    Metrics, TableFate, assemble,
    columns::{self, Sample, Understood},
    consent::{self, Rule, Said},
    country::Votes,
    couple, faults, kind as row_kind, mapping,
    read::{self, Content, SURPLUS_CELLS, Table},
    shape::{self, Quiet},
    unreadable_file, withhold,
};
use crate::{
    error::{Error, Result},
    model::{self, Kind, ValueKind},
    progress::Progress,
    store,
    table::{
        ConsentEvent, Couple, Draft, IdKey, Ingested, NO_COUNTRY, Place, RecordsBuilder, Reject,
        RowIssue, SensitiveCell, Severity, Skipped, Staged,
    },
    value::{
        organisation,
        person::{self, Named},
        text::{self, fold},
    },
};

/// A file whose tables are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainTable {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in outputs.
    pub file: String,
}

/// What is said beside the tables.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// The column whose value is the record key: never evidence.
    pub id: Option<String>,
    /// The column that names the source of each row: never evidence.
    pub source: Option<String>,
    /// What the rows speak of; guessed when not said.
    pub kind: Option<Kind>,
    /// ISO code of the country of phone numbers and addresses that name none; guessed when not said.
    pub country: Option<String>,
}

/// The name of the source when there is but one file and no source column: it stays when the file is
/// renamed, and so do the record ids.
const ONLY_SOURCE: &str = "table";

/// Reads all tables: one record per row of data. The key of their ids is that of the data, and given too.
///
/// Each file is read twice: what its columns hold is told by a sample of all its rows, and only then the first of
/// them can be a record.
///
/// # Errors
///
/// When no file can be read, when the id or the source column is in none of the tables, and when the
/// user interrupts. One unreadable file among others is a reject without a row.
pub fn run(
    tables: &[PlainTable],
    options: &Options,
    progress: &Progress,
) -> Result<(Staged<Ingested, Metrics>, IdKey)> {
    run_by(tables, options, progress, IdKey::derived)
}

/// `key_of` gives the key from the digests of all rows.
fn run_by(
    tables: &[PlainTable],
    options: &Options,
    progress: &Progress,
    key_of: impl FnOnce(Vec<[u8; 32]>) -> Result<IdKey>,
) -> Result<(Staged<Ingested, Metrics>, IdKey)> {
    progress.expect(2 * tables.len() as u64);
    let mut gathered = Gathered::default();
    let mut looks = look(tables, options, &mut gathered, progress)?;
    let kind = options.kind.unwrap_or_else(|| common_kind(&looks));
    for look in looks.iter_mut().filter(|_| options.kind.is_none()) {
        look.mixed = Mixed::of(look);
    }
    let home = options.country.clone().unwrap_or_else(|| common_country(&looks));
    for look in looks.iter_mut().filter(|_| options.country.is_none()) {
        look.country = look.votes.abroad(&home).map_or(String::new(), |a| a.setting().to_owned());
    }
    for (at, table) in tables.iter().enumerate() {
        let source = if tables.len() == 1 { ONLY_SOURCE } else { &source_name(&table.file) };
        let looks: Vec<&Look> = looks.iter().filter(|l| l.file == at).collect();
        if !looks.is_empty() {
            let opened = read::open(&table.path)?;
            let before = gathered.metrics.tables.len();
            for (look, opened) in looks.into_iter().zip(opened) {
                gathered.take(table, source, look, opened, kind, progress)?;
            }
            if gathered.metrics.tables[before..].iter().all(TableFate::is_void) {
                gathered.metrics.files_without_rows += 1;
                gathered.rejects.push(super::no_rows(source, &table.file));
            }
        }
        progress.advance(1);
    }
    let digests = gathered.builder.digests().chain(std::mem::take(&mut gathered.unread));
    let key = key_of(digests.collect())?;
    let (records, position) = gathered.builder.finish(&key);
    let at = |draft: u32| position[draft as usize];
    for event in &mut gathered.events {
        event.record = event.record.map(at);
    }
    for couple in &mut gathered.couples {
        let (a, b) = (at(couple.first), at(couple.second));
        (couple.first, couple.second) = (a.min(b), a.max(b));
    }
    gathered.couples.sort();
    gathered.events.sort();
    gathered.sensitive.sort();
    gathered.issues.sort();
    let ingested = Ingested {
        records,
        home,
        couples: gathered.couples,
        events: gathered.events,
        rejects: gathered.rejects,
        issues: gathered.issues,
        skipped: gathered.skipped,
        sensitive: gathered.sensitive,
        ..Ingested::default()
    };
    Ok((Staged { table: ingested, metrics: gathered.metrics }, key))
}

/// The file's name without its extension; its folders are there where they tell it from another.
fn source_name(file: &str) -> String {
    let extension = file
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'))
        .map_or(0, |(_, e)| e.len() + 1);
    file[..file.len() - extension].to_owned()
}

/// What a first reading of one table tells.
struct Look {
    /// Position of its file.
    file: usize,
    columns: Vec<Understood>,
    /// Some of its rows.
    sample: Vec<StringRecord>,
    rows: u64,
    /// Columns without a filled cell in any row, which the sample alone would not tell.
    blank: Vec<usize>,
    /// Columns that claim to number the rows, and whose values never come back.
    numbering: Vec<usize>,
    id: Option<usize>,
    source: Option<usize>,
    /// How each row tells its kind; none where all are of one.
    mixed: Option<Mixed>,
    /// What its cells tell of its country.
    votes: Votes,
    /// Its own country, as a [`Place`] has it.
    country: String,
}

/// Reads every table once, for a sample of its rows.
fn look(
    tables: &[PlainTable],
    options: &Options,
    gathered: &mut Gathered,
    progress: &Progress,
) -> Result<Vec<Look>> {
    let mut looks = Vec::new();
    let mut first_error = None;
    for (at, table) in tables.iter().enumerate() {
        match read::open(&table.path) {
            Ok(opened) => {
                for one in opened {
                    looks.push(look_at(at, one, options, progress)?);
                }
            }
            Err(error) => {
                gathered.unreadable(table, &error);
                first_error.get_or_insert(error);
            }
        }
        progress.advance(1);
    }
    if let (true, Some(error)) = (looks.is_empty(), first_error) {
        return Err(error);
    }
    for (name, found) in [
        (&options.id, looks.iter().any(|l| l.id.is_some())),
        (&options.source, looks.iter().any(|l| l.source.is_some())),
    ] {
        if let (Some(name), false) = (name, found) {
            return Err(missing_column(name, &looks));
        }
    }
    Ok(looks)
}

fn look_at(file: usize, table: Table, options: &Options, progress: &Progress) -> Result<Look> {
    let mut sample = Sample::default();
    let claims = (0..table.header.len()).filter(|&at| columns::numbers_rows(&table.header[at]));
    let mut numbering: Vec<(usize, HashSet<u64>)> = claims.map(|at| (at, HashSet::new())).collect();
    let mut blank: Vec<usize> = (0..table.header.len()).collect();
    table.tally.count_only();
    for row in table.rows {
        if let Content::Data(cells) = row.content {
            sample.add(&cells);
            blank.retain(|&at| cells.get(at).unwrap_or("").trim().is_empty());
            numbering.retain_mut(|(at, seen)| {
                let cell = cells.get(*at).unwrap_or("").trim();
                cell.is_empty() || seen.insert(columns::hash(cell))
            });
            if sample.seen() % 4096 == 0 {
                progress.check()?;
            }
        }
    }
    let rows = sample.seen();
    let sample = sample.rows();
    let position = |name: &Option<String>| {
        let name = name.as_ref()?;
        let exact = table.header.iter().position(|h| h == name);
        exact.or_else(|| mapping::position(&table.header, std::slice::from_ref(name)))
    };
    let (id, source) = (position(&options.id), position(&options.source));
    let columns = columns::understand(&table.header, &sample);
    let numbering = numbering.into_iter().map(|(at, _)| at).collect();
    let attributes: Vec<&str> = columns.iter().map(|c| c.attribute.as_str()).collect();
    let votes = Votes::of(&attributes, &table.header, &sample);
    let country = String::new();
    let mixed = None;
    Ok(Look { file, columns, sample, rows, blank, numbering, id, source, mixed, votes, country })
}

fn missing_column(name: &str, looks: &[Look]) -> Error {
    let headers: BTreeSet<&str> =
        looks.iter().flat_map(|l| &l.columns).map(|c| c.header.as_str()).collect();
    let hint = match text::nearest(name, headers.iter().copied()) {
        Some(header) => format!("the nearest column is `{header}`"),
        None => {
            // What is taken for a header may be the first row of data, and that is personal.
            let known: Vec<&str> =
                headers.into_iter().filter(|h| read::has_known_word(h)).collect();
            match known.is_empty() {
                true => "look whether the first row names the columns".into(),
                false => format!("the columns are `{}`", known.join("`, `")),
            }
        }
    };
    Error::NotFound { what: "column", name: name.to_owned(), hint: Some(hint) }
}

/// What most of the rows speak of.
fn common_kind(looks: &[Look]) -> Kind {
    let mut rows: BTreeMap<Kind, u64> = BTreeMap::new();
    for look in looks {
        *rows.entry(kind_of(look)).or_default() += look.rows;
    }
    let most = rows.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
    most.map_or(Kind::Other, |(kind, _)| kind)
}

/// The country that the cells of all tables tell, or [`NO_COUNTRY`].
fn common_country(looks: &[Look]) -> String {
    let mut votes = Votes::default();
    looks.iter().for_each(|look| votes.merge(&look.votes));
    votes.home().map_or(NO_COUNTRY.to_owned(), |guess| guess.country)
}

/// What the rows of one table speak of: persons when a column names them; organisations when there is
/// a name but no person's; else neither.
fn kind_of(look: &Look) -> Kind {
    let fill = |wanted: &[&str]| {
        let columns = look
            .columns
            .iter()
            .filter(|c| Some(c.index) != look.id && Some(c.index) != look.source);
        columns
            .filter(|c| wanted.contains(&c.attribute.as_str()))
            .map(|c| c.content.fill())
            .max()
            .unwrap_or(0)
    };
    let personal = fill(&["birth_date", "birth_year", "gender", "civility", "maiden_name"]) > 20;
    let organisation = fill(&["name", "siret", "siren", "legal_form", "naf"]);
    if fill(&["first_name", "last_name"]) > 0 {
        return Kind::Person;
    }
    if fill(&["full_name"]) > 0 {
        // A company with somebody to ask for is a company.
        return if organisation.max(fill(&["whole_name"])) >= 60 {
            Kind::Organisation
        } else {
            Kind::Person
        };
    }
    if fill(&["whole_name"]) > 0 {
        return if personal || names_are_persons(look) { Kind::Person } else { Kind::Organisation };
    }
    if organisation > 0 {
        return Kind::Organisation;
    }
    if personal || fill(&["email"]) > 0 { Kind::Person } else { Kind::Other }
}

/// Whether the whole names of a table are those of persons: most hold a known first name or a civility,
/// and few the words of an organisation.
fn names_are_persons(look: &Look) -> bool {
    let Some(column) = look.columns.iter().find(|c| c.attribute == "whole_name") else {
        return false;
    };
    let (mut all, mut persons, mut organisations) = (0u32, 0u32, 0u32);
    for row in &look.sample {
        let cell = row.get(column.index).unwrap_or("").trim();
        if cell.is_empty() {
            continue;
        }
        all += 1;
        if organisation::looks_like_organisation(cell) {
            organisations += 1;
            continue;
        }
        let folded = fold(cell);
        let words: Vec<&str> = folded.split(' ').collect();
        let plain = (2..=4).contains(&words.len())
            && !folded.contains(|c: char| c.is_ascii_digit())
            && !cell.contains('\'');
        let first = |word: &str| person::is_first_name(word) || person::civility(word).is_some();
        persons += u32::from(plain && (first(words[0]) || first(words[words.len() - 1])));
    }
    persons * 2 > all && organisations * 5 < all
}

/// How the rows of a table of companies and persons tell which they are, as far as its sample shows.
struct Mixed {
    /// The column that holds the name of either.
    name: usize,
    civility: Option<usize>,
    /// Columns of company numbers, of emails, of websites, and of what only persons have.
    numbers: Vec<usize>,
    emails: Vec<usize>,
    websites: Vec<usize>,
    personal: Vec<usize>,
    lexicon: row_kind::Lexicon,
}

impl Mixed {
    /// Of a table is told row by row whether it is of a person or a company where one column names both: at least one
    /// name in twenty is surely a person's, by a civility or as a couple, and one in twenty surely a company's. Names
    /// alone that merely look like the one or the other split no table: `Jean Georges` is a restaurant too.
    fn of(look: &Look) -> Option<Mixed> {
        const LEAST_SHARE: usize = 20;
        let filled = |c: &&Understood| !look.blank.contains(&c.index);
        let columns = |wanted: &[&str]| -> Vec<usize> {
            let found = look.columns.iter().filter(filled);
            found.filter(|c| wanted.contains(&c.attribute.as_str())).map(|c| c.index).collect()
        };
        if !columns(&["first_name", "last_name"]).is_empty() {
            return None;
        }
        let mut mixed = Mixed {
            name: *columns(&["whole_name"]).first()?,
            civility: columns(&["civility"]).first().copied(),
            numbers: columns(&["siren", "siret", "vat", "naf", "legal_form"]),
            emails: columns(&["email"]),
            websites: columns(&["website"]),
            personal: columns(&["birth_date", "birth_year", "gender"]),
            lexicon: row_kind::Lexicon::default(),
        };
        let (mut named, mut persons, mut companies) = (0, 0, 0);
        for row in &look.sample {
            let cell = |at: usize| row.get(at).unwrap_or("").trim();
            let name = cell(mixed.name);
            if !row_kind::is_name(name) {
                continue;
            }
            named += 1;
            match mixed.by_mark(cell) {
                Some(Kind::Person) => persons += 1,
                Some(_) => companies += 1,
                None => {}
            }
            match mixed.by_row(cell) {
                Some(Kind::Person) => {
                    mixed.lexicon.learn_person("", &row_kind::without_civility(name))
                }
                Some(_) => mixed.lexicon.learn_organisation(name),
                None => {}
            }
        }
        (persons.min(companies) * LEAST_SHARE >= named.max(1)).then_some(mixed)
    }

    /// The kind of a row.
    fn kind<'c>(&self, cell: impl Fn(usize) -> &'c str + Copy) -> Kind {
        self.by_row(cell).unwrap_or_else(|| self.lexicon.of(cell(self.name), "", "").0)
    }

    /// The kind by what is said of persons or of companies alone: a civility, several persons, a legal form.
    fn by_mark<'c>(&self, cell: impl Fn(usize) -> &'c str + Copy) -> Option<Kind> {
        let name = cell(self.name);
        let civility = self.civility.map_or("", cell);
        if person::two_civilities(civility).is_some() || person::several(name, false).is_some() {
            return Some(Kind::Person);
        }
        let evidence = row_kind::Evidence { name, civility, ..row_kind::Evidence::default() };
        let has_form = || !organisation::split_legal_form(name).1.is_empty();
        let is_marked = !civility.is_empty() || row_kind::begins_civil(name) || has_form();
        is_marked.then(|| row_kind::of_row(&evidence)).flatten()
    }

    /// The kind that the cells of the row tell.
    fn by_row<'c>(&self, cell: impl Fn(usize) -> &'c str + Copy) -> Option<Kind> {
        let is_filled = |columns: &[usize], kind: ValueKind| {
            columns.iter().any(|&at| !text::is_placeholder_of(kind, cell(at)))
        };
        self.by_mark(cell).or_else(|| {
            row_kind::of_row(&row_kind::Evidence {
                name: cell(self.name),
                civility: self.civility.map_or("", cell),
                has_company_number: is_filled(&self.numbers, ValueKind::Identifier),
                emails: self.emails.iter().map(|&at| cell(at)).filter(|c| !c.is_empty()).collect(),
                has_website: is_filled(&self.websites, ValueKind::Url),
                has_personal_data: is_filled(&self.personal, ValueKind::Text),
            })
        })
    }
}

/// What rows of one kind give.
struct Side {
    kind: Kind,
    outputs: Vec<Output>,
    /// The numbers of their attributes.
    attributes: Vec<u32>,
}

/// Where an attribute's value stands in a row.
enum Part {
    /// One cell.
    Cell(usize),
    /// Several cells, joined by a blank.
    Joined(Vec<usize>),
    /// Year, month and day.
    Date([Option<usize>; 3]),
}

/// One attribute of the records of a table.
struct Output {
    attribute: Arc<str>,
    column: String,
    label: String,
    part: Part,
}

/// Which attributes the records of a table get, and the columns that are no evidence.
fn outputs(look: &Look, kind: Kind) -> (Vec<Output>, Vec<String>) {
    let mut outputs: Vec<Output> = Vec::new();
    let mut left_out = Vec::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let date = |wanted: &str| look.columns.iter().find(|c| c.attribute == wanted).map(|c| c.index);
    let birth = [date("birth_year"), date("birth_month"), date("birth_day")];
    for column in &look.columns {
        if Some(column.index) == look.id
            || Some(column.index) == look.source
            || look.blank.contains(&column.index)
        {
            continue;
        }
        if !columns::consent_rules(column).is_empty() {
            continue;
        }
        // An id that comes back says something; one that never does says nothing.
        if column.attribute == "provenance" || look.numbering.contains(&column.index) {
            left_out.push(column.header.clone());
            continue;
        }
        if birth[0].is_some() && birth.contains(&Some(column.index)) {
            if taken.insert("birth_date".into()) {
                let names = birth.iter().flatten().map(|&at| look.columns[at].header.as_str());
                outputs.push(Output {
                    attribute: "birth_date".into(),
                    column: names.collect::<Vec<_>>().join(" + "),
                    label: String::new(),
                    part: Part::Date(birth),
                });
            }
            continue;
        }
        let attribute = attribute_for(column, kind, look);
        if attribute == "street_number" {
            continue;
        }
        let single = |name: &str| model::attribute(name).is_some_and(|a| !a.many && !a.part);
        if single(&attribute) && taken.contains(&attribute) {
            // A second column of one name: the parts of it when they are numbered, else something else.
            let same = outputs.iter_mut().find(|o| *o.attribute == *attribute);
            if let Some(output) = same.filter(|_| is_name_part(&attribute) && column.number > 0) {
                join(output, column, look);
            } else {
                outputs.push(other(column, &mut taken));
            }
            continue;
        }
        if !attribute.starts_with("x.") {
            taken.insert(attribute.clone());
            let number = (attribute == "street").then(|| number_beside(column, look)).flatten();
            let part =
                number.map_or(Part::Cell(column.index), |at| Part::Joined(vec![at, column.index]));
            let name = number.map_or(column.header.clone(), |at| {
                format!("{} + {}", look.columns[at].header, column.header)
            });
            outputs.push(Output {
                attribute: attribute.into(),
                column: name,
                label: column.label.clone(),
                part,
            });
        } else {
            outputs.push(other(column, &mut taken));
        }
    }
    (outputs, left_out)
}

/// The attribute that a column gives to records of this kind; `x.` for one that the kind has not.
fn attribute_for(column: &Understood, kind: Kind, look: &Look) -> String {
    let has = |wanted: &str| look.columns.iter().any(|c| c.attribute == wanted);
    let known = match (column.attribute.as_str(), kind) {
        ("whole_name", Kind::Person) if !has("last_name") && !has("full_name") => "full_name",
        // Whoever is asked for beside a name of either kind is somebody else.
        ("whole_name", Kind::Person) if look.mixed.is_some() => "full_name",
        ("full_name", Kind::Person) if look.mixed.is_some() => "",
        ("whole_name" | "name", Kind::Person) => "company",
        ("whole_name", _) => "name",
        // Beside its parts the full name would count twice.
        ("full_name", Kind::Person) if has("last_name") => "",
        ("street_number", _) if number_is_used(column, look) => "street_number",
        ("street_number", _) => "street_2",
        (known, _) => known,
    };
    let fits =
        |a: &model::Attribute| kind == Kind::Other || a.on.contains(&kind) || is_identifier(known);
    if known == "street_number" || model::attribute(known).is_some_and(fits) {
        known.to_owned()
    } else {
        "x.".to_owned()
    }
}

/// What the columns of a table say about consent.
struct Consents {
    rules: Vec<Rule>,
    /// Columns of free text.
    notes: Vec<usize>,
}

impl Consents {
    fn of(look: &Look, sides: &[Side], file: &str) -> Consents {
        let header: Vec<String> = look.columns.iter().map(|c| c.header.clone()).collect();
        let free = look
            .columns
            .iter()
            .filter(|c| Some(c.index) != look.id && Some(c.index) != look.source);
        let rules = free.flat_map(|column| {
            let rules = columns::consent_rules(column).into_iter();
            rules
                .filter_map(|rule| Rule::of_column(&rule, column.index, &header, file))
                .collect::<Vec<_>>()
        });
        let outputs = sides.iter().flat_map(|side| &side.outputs);
        let notes: BTreeSet<usize> = outputs
            .filter_map(|output| match output.part {
                Part::Cell(at) if assemble::is_free_text(&output.attribute) => Some(at),
                _ => None,
            })
            .collect();
        let mut rules: Vec<Rule> = rules.collect();
        rules.iter_mut().for_each(|rule| rule.learn_order(look.sample.iter()));
        Consents { rules, notes: notes.into_iter().collect() }
    }

    /// What one row says; of a quiet one the notes say nothing.
    fn read<'c>(&self, cell: impl Fn(usize) -> &'c str + Copy, is_quiet: bool) -> Vec<Said> {
        let mut said = Vec::new();
        let notes = self.notes.iter().filter(|_| !is_quiet);
        let noted = notes.flat_map(|&at| consent::of_note(cell(at), at));
        for new in self.rules.iter().flat_map(|rule| rule.read(cell)).chain(noted) {
            consent::add(&mut said, new);
        }
        said
    }
}

/// Identifiers are evidence whatever they are of.
fn is_identifier(attribute: &str) -> bool {
    matches!(attribute, "siren" | "siret" | "vat")
}

fn is_name_part(attribute: &str) -> bool {
    matches!(
        attribute,
        "first_name"
            | "middle_name"
            | "last_name"
            | "maiden_name"
            | "full_name"
            | "name"
            | "company"
    )
}

/// The number column of a street: the first of the same label.
fn number_beside(street: &Understood, look: &Look) -> Option<usize> {
    let mut numbers = look
        .columns
        .iter()
        .filter(|c| c.attribute == "street_number" && !look.blank.contains(&c.index));
    numbers.find(|c| c.label == street.label).map(|c| c.index)
}

fn number_is_used(number: &Understood, look: &Look) -> bool {
    let mut streets =
        look.columns.iter().filter(|c| c.attribute == "street" && !look.blank.contains(&c.index));
    streets.any(|street| number_beside(street, look) == Some(number.index))
}

/// Adds a numbered column to the value that its first part gives, in the order of the numbers.
fn join(output: &mut Output, column: &Understood, look: &Look) {
    let mut parts = match &output.part {
        Part::Cell(at) => vec![*at],
        Part::Joined(parts) => parts.clone(),
        Part::Date(_) => return,
    };
    parts.push(column.index);
    parts.sort_by_key(|&at| (look.columns[at].number, at));
    output.column =
        parts.iter().map(|&at| look.columns[at].header.as_str()).collect::<Vec<_>>().join(" + ");
    output.part = Part::Joined(parts);
}

/// A column that the model has no attribute for.
fn other(column: &Understood, taken: &mut BTreeSet<String>) -> Output {
    let folded = fold(&column.header).replace(' ', "_");
    let name = if folded.is_empty() { format!("column_{}", column.index + 1) } else { folded };
    let base = format!("x.{}.{name}", column.content.class().word());
    let mut attribute = base.clone();
    let mut times = 1;
    while !taken.insert(attribute.clone()) {
        times += 1;
        attribute = format!("{base}_{times}");
    }
    Output {
        attribute: attribute.into(),
        column: column.header.clone(),
        label: String::new(),
        part: Part::Cell(column.index),
    }
}

/// What was read so far.
#[derive(Default)]
struct Gathered {
    builder: RecordsBuilder,
    rejects: Vec<Reject>,
    skipped: Vec<Skipped>,
    issues: Vec<RowIssue>,
    events: Vec<ConsentEvent>,
    couples: Vec<Couple>,
    sensitive: Vec<SensitiveCell>,
    /// Digests of the files that cannot be read.
    unread: Vec<[u8; 32]>,
    metrics: Metrics,
}

impl Gathered {
    fn unreadable(&mut self, table: &PlainTable, error: &Error) {
        self.metrics.unreadable_files += 1;
        let (path, _) = read::holder(&table.path, "");
        self.unread.extend(store::content_digest(&path));
        let source = source_name(&table.file);
        self.rejects.push(unreadable_file(&source, &table.file, error));
    }

    /// Reads one table for its records.
    fn take(
        &mut self,
        table: &PlainTable,
        source: &str,
        look: &Look,
        opened: Table,
        kind: Kind,
        progress: &Progress,
    ) -> Result<()> {
        let scopes = withhold::plain_scopes(&look.columns, look.id);
        let header = opened.header.clone();
        let watch = withhold::Watch::new(scopes, header, &BTreeSet::new());
        let kinds = match look.mixed {
            Some(_) => vec![Kind::Organisation, Kind::Person],
            None => vec![kind],
        };
        let mut left_out = Vec::new();
        let sides = kinds.into_iter().map(|kind| {
            let outputs;
            (outputs, left_out) = self::outputs(look, kind);
            let attributes = outputs.iter().map(|o| self.builder.attribute(&o.attribute)).collect();
            Side { kind, outputs, attributes }
        });
        let sides: Vec<Side> = sides.collect();
        let consents = Consents::of(look, &sides, &table.file);
        let mut fate = TableFate {
            source: source.to_owned(),
            file: table.file.clone(),
            sheet: opened.sheet.clone(),
            hidden: opened.hidden,
            mapping: "plain".into(),
            unmapped_columns: left_out,
            ..TableFate::default()
        };
        let place = |source: &str| Place {
            source: source.to_owned(),
            file: table.file.clone(),
            sheet: opened.sheet.clone(),
            key_space: String::new(),
            rank: 0,
            country: look.country.clone(),
            dated: String::new(),
        };
        for column in look
            .columns
            .iter()
            .filter(|c| columns::looks_like_consent(c) && !look.blank.contains(&c.index))
        {
            self.rejects.push(Reject {
                column: column.header.clone(),
                row: None,
                suggestion: "call it after what it says: `Accord email`, `Ne pas appeler`, `Opposition`".into(),
                ..reject(
                    &place(source),
                    0,
                    "possible_objection",
                    Severity::Cell,
                    "the column seems to say who may be contacted; nothing tells by which means or in which sense".into(),
                    String::new(),
                )
            });
        }
        let mut places: HashMap<String, (u32, Vec<Vec<u32>>)> = HashMap::new();
        let mut joined = String::new();
        let mut quiet = Quiet::new(&opened.header, &watch, &consents.notes);
        let (mut rows, mut last) = (opened.rows, 0);
        let mut batch = shape::batch(&mut rows);
        while !batch.is_empty() {
            progress.check()?;
            // The next rows are read while these are looked at.
            let (looked, next) = rayon::join(|| quiet.look(batch), || shape::batch(&mut rows));
            batch = next;
            for row in looked {
                last = row.number;
                fate.rows += 1;
                let cells = match row.content {
                    Content::Data(cells) => cells,
                    Content::Skipped(reason) => {
                        *fate.skipped_rows.entry(reason.to_owned()).or_default() += 1;
                        self.skipped.push(Skipped {
                            source: source.to_owned(),
                            file: table.file.clone(),
                            sheet: opened.sheet.clone(),
                            row: Some(row.number),
                            reason: reason.to_owned(),
                        });
                        continue;
                    }
                    Content::Bad { code, message, raw } => {
                        fate.rejected_rows += 1;
                        self.rejects.push(reject(
                            &place(source),
                            row.number,
                            code,
                            Severity::Row,
                            message,
                            raw,
                        ));
                        continue;
                    }
                };
                let cell = |at: usize| cells.get(at).unwrap_or("").trim();
                let own = look.source.map(cell).filter(|s| !s.is_empty()).unwrap_or(source);
                if !places.contains_key(own) {
                    let place = self.builder.place(place(own));
                    let mut origins = |side: &Side| {
                        let origin = |o: &Output| self.builder.origin(place, &o.column, &o.label);
                        side.outputs.iter().map(origin).collect()
                    };
                    places
                        .insert(own.to_owned(), (place, sides.iter().map(&mut origins).collect()));
                }
                let (at, origins) = &places[own];
                let kind = look.mixed.as_ref().map(|mixed| mixed.kind(cell));
                let side = sides.iter().position(|side| Some(side.kind) == kind).unwrap_or(0);
                let (Side { kind, outputs, attributes }, origins) = (&sides[side], &origins[side]);
                let overflow: Vec<&str> = cells
                    .iter()
                    .skip(opened.header.len())
                    .filter(|c| !c.trim().is_empty())
                    .collect();
                if !overflow.is_empty() {
                    let message = format!(
                        "the row has more cells than the header's {}; they are left out",
                        opened.header.len()
                    );
                    self.rejects.push(reject(
                        &place(own),
                        row.number,
                        "ragged_row",
                        Severity::Cell,
                        message,
                        overflow.join(" | "),
                    ));
                }

                // Values that no single cell holds stand one after the other in `joined`.
                joined.clear();
                let mut ends = Vec::new();
                for output in outputs {
                    if put_together(&output.part, cell, &mut joined) {
                        ends.push(joined.len());
                    }
                }
                let mut ends = ends.into_iter();
                let mut start = 0;
                let columns = outputs.iter().zip(attributes).zip(origins);
                let values = columns.filter_map(|((output, attribute), origin)| {
                    let value = match output.part {
                        Part::Cell(at) => cell(at),
                        _ => {
                            let end = ends.next().unwrap_or(start);
                            &joined[std::mem::replace(&mut start, end)..end]
                        }
                    };
                    (!value.is_empty()).then_some(Given {
                        name: &output.attribute,
                        attribute: *attribute,
                        text: value,
                        origin: *origin,
                    })
                });
                let values: Vec<Given> = values.collect();
                let said = consents.read(cell, row.is_quiet);
                let column = |said: &Said| {
                    let header = said.column.and_then(|at| opened.header.get(at));
                    header.cloned().unwrap_or_default()
                };
                if !values.iter().any(Given::is_usable) {
                    let of_points = said.iter().filter(|said| !said.contact_point.is_empty());
                    self.events.extend(of_points.map(|said| {
                        let point = said.contact_point.clone();
                        said.event(None, point, (*at, row.number), column(said))
                    }));
                    self.rejects.push(nobody(&place(own), row.number, &values));
                    fate.rejected_rows += 1;
                    continue;
                }
                let head = Draft {
                    kind: Some(*kind),
                    place: *at,
                    row: row.number,
                    key: look.id.map(cell).unwrap_or("").to_owned(),
                    digest: row.digest,
                    values: Vec::new(),
                };
                let numbers = self.push(head, &values);
                for said in said {
                    let column = column(&said);
                    for number in numbers.clone() {
                        let point = said.contact_point.clone();
                        let place = (*at, row.number);
                        self.events.push(said.event(Some(number), point, place, column.clone()));
                    }
                }
                fate.record_rows += 1;
                fate.records += numbers.len() as u64;
            }
            let (rejects, issues) = faults::told(&opened.tally, last, &watch, &fate);
            self.rejects.extend(rejects);
            // What stands beyond the header is left out, and told as a reject.
            self.issues.extend(issues.into_iter().filter(|i| i.issue.code != SURPLUS_CELLS));
        }
        self.sensitive.extend(watch.withheld().cells(source, &table.file, &opened.sheet));
        self.metrics.tables.push(fate);
        Ok(())
    }

    /// Adds the record of a row, or those of a couple that it names; their numbers.
    fn push(&mut self, head: Draft, values: &[Given<'_>]) -> Range<u32> {
        let first = self.builder.len() as u32;
        let couple = (head.kind == Some(Kind::Person)).then(|| couple_of(values)).flatten();
        let Some(couple) = couple else {
            let lent = values.iter().map(|value| (value.attribute, value.text, value.origin));
            self.builder.push_lent(head, lent);
            return first..first + 1;
        };
        for nth in 0..couple.len() {
            let own = self.names_of(&couple[nth], values);
            let own = own.iter().map(|(attribute, text, origin)| (*attribute, *text, *origin));
            let theirs = |value: &&Given| couple::is_theirs(&couple, nth, value.name, value.text);
            let shared = values.iter().filter(theirs);
            let shared = shared.map(|value| (value.attribute, value.text, value.origin));
            let head = Draft { key: head.key.clone(), values: Vec::new(), ..head };
            self.builder.push_lent(head, own.chain(shared));
        }
        let end = first + couple.len() as u32;
        let pairs = (first + 1..end).map(|second| Couple { first: second - 1, second });
        self.couples.extend(pairs);
        first..end
    }

    /// The names of one of a couple, each with the column that it was read from.
    fn names_of<'v>(
        &mut self,
        person: &'v Named,
        values: &[Given<'_>],
    ) -> Vec<(u32, &'v str, u32)> {
        let parts = [
            ("civility", &person.civility, ["civility", "full_name", "first_name", "last_name"]),
            ("first_name", &person.first, ["first_name", "full_name", "last_name", "civility"]),
            ("last_name", &person.last, ["last_name", "full_name", "first_name", "civility"]),
        ];
        let given = parts.into_iter().filter(|(_, text, _)| !text.is_empty());
        let own = given.filter_map(|(attribute, text, columns)| {
            let column = |wanted: &&str| values.iter().find(|value| value.name == *wanted);
            let origin = columns.iter().find_map(column)?.origin;
            Some((self.builder.attribute(&attribute.into()), text.as_str(), origin))
        });
        own.collect()
    }
}

/// A value of a row.
struct Given<'r> {
    /// Its attribute, and the number that the builder knows it by.
    name: &'r str,
    attribute: u32,
    text: &'r str,
    origin: u32,
}

impl Given<'_> {
    /// Whether it says something: it does not stand for "no value".
    fn is_usable(&self) -> bool {
        !text::is_placeholder_of(model::value_kind(self.name), self.text)
    }
}

/// The persons that a row names together, if it names several.
fn couple_of(values: &[Given<'_>]) -> Option<Vec<Named>> {
    let text = |wanted: &str| {
        values.iter().find(|value| value.name == wanted).map_or("", |value| value.text)
    };
    couple::split(text("civility"), text("first_name"), text("last_name"), text("full_name"), true)
}

/// A row whose cells say nothing that could be used, as a reject: what they hold stands for "no value".
fn nobody(place: &Place, row: u32, values: &[Given<'_>]) -> Reject {
    let of = |kind: ValueKind| {
        let of_kind = values.iter().filter(move |value| model::value_kind(value.name) == kind);
        of_kind.map(|value| value.text).collect::<Vec<_>>()
    };
    let names = [of(ValueKind::PersonName), of(ValueKind::OrganisationName)].concat();
    let (code, message) = match row_kind::junk(&names, &of(ValueKind::Email)) {
        Some(row_kind::Junk::Test) => ("test_row", "the row is a test"),
        _ => ("no_name", "none of its cells says anything that could be used"),
    };
    let raw: Vec<&str> = values.iter().map(|value| value.text).collect();
    Reject {
        suggestion: "complete it in the source, or leave it out".into(),
        ..reject(place, row, code, Severity::Row, message.into(), raw.join(" | "))
    }
}

fn reject(
    place: &Place,
    row: u32,
    code: &str,
    severity: Severity,
    message: String,
    raw: String,
) -> Reject {
    Reject {
        source: place.source.clone(),
        file: place.file.clone(),
        sheet: place.sheet.clone(),
        row: Some(row),
        column: String::new(),
        code: code.to_owned(),
        severity,
        message,
        suggestion: "look for the delimiter inside a cell".into(),
        raw,
    }
}

/// Appends a value of several cells to `text`; false for one that is a cell of its own.
fn put_together<'c>(part: &Part, cell: impl Fn(usize) -> &'c str, text: &mut String) -> bool {
    match part {
        Part::Cell(_) => return false,
        Part::Joined(parts) => {
            let mut blank = "";
            for value in parts.iter().map(|&at| cell(at)).filter(|v| !v.is_empty()) {
                text.push_str(blank);
                text.push_str(value);
                blank = " ";
            }
        }
        Part::Date([year, month, day]) => {
            let number = |at: &Option<usize>| at.map(&cell).filter(|v| !v.is_empty());
            let part = |at: &Option<usize>| number(at).map(|v| format!("{v:0>2}"));
            match (number(year), part(month), part(day)) {
                (Some(year), Some(month), Some(day)) => {
                    text.push_str(&format!("{year}-{month}-{day}"))
                }
                (Some(year), Some(month), None) => text.push_str(&format!("{year}-{month}")),
                (Some(year), ..) => text.push_str(year),
                (None, Some(month), Some(day)) => text.push_str(&format!("--{month}-{day}")),
                _ => {}
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads one CSV text and writes each record as `kind key: attribute value, ...`, in the order of
    /// their rows.
    fn told(text: &str, options: &Options) -> Vec<String> {
        let staged = staged(&[("t.csv", text)], options).expect("it is read");
        let records = &staged.table.records;
        let mut lines: Vec<(u32, String)> = (0..records.len())
            .map(|i| {
                let values: Vec<String> = records
                    .columns
                    .iter()
                    .flat_map(|(a, c)| c.values(i).map(move |v| format!("{a} {v}")))
                    .collect();
                let line = format!(
                    "{} {}: {}",
                    records.kinds[i].as_str(),
                    records.keys[i],
                    values.join(", ")
                );
                (records.row[i], line)
            })
            .collect();
        lines.sort();
        lines.into_iter().map(|(_, line)| line).collect()
    }

    fn staged(files: &[(&str, &str)], options: &Options) -> Result<Staged<Ingested, Metrics>> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tables: Vec<PlainTable> = files
            .iter()
            .map(|(name, text)| {
                let path = folder.path().join(name);
                std::fs::write(&path, text).expect("written");
                PlainTable { path, file: (*name).to_owned() }
            })
            .collect();
        let key = |_| Ok(IdKey([1; 32]));
        run_by(&tables, options, &Progress::hidden(), key).map(|(staged, _)| staged)
    }

    fn id(name: &str) -> Options {
        Options { id: Some(name.into()), ..Options::default() }
    }

    #[test]
    fn names_dates_and_streets_of_several_columns_become_one_value() {
        assert_eq!(
            told(
                "rec_id,fname_c1,fname_c2,lname_c1,by,bm,bd\nr1,ANNA,UWE,WEISS,1971,2,31\nr2,KARL,,KUHN,1980,12,4\n",
                &id("rec_id"),
            ),
            [
                "person r1: birth_date 1971-02-31, first_name ANNA UWE, last_name WEISS",
                "person r2: birth_date 1980-12-04, first_name KARL, last_name KUHN",
            ]
        );
        assert_eq!(
            told(
                "rec_id,given_name,surname,street_number,address_1,suburb,postcode,soc_sec_id\n\
                 r1,luc,petit,12,high street,perth,6000,1234567\nr2,ann,roux,,low road,sydney,2000,7654321\n",
                &id("rec_id"),
            ),
            [
                "person r1: city perth, first_name luc, last_name petit, postcode 6000, street 12 high street, x.code.soc_sec_id 1234567",
                "person r2: city sydney, first_name ann, last_name roux, postcode 2000, street low road, x.code.soc_sec_id 7654321",
            ]
        );
    }

    #[test]
    fn a_table_of_names_without_persons_is_one_of_organisations() {
        let text = "id,name,address,city,cuisine\n1,chez panisse,3 high st.,berkeley,french\n2,the ivy,4 low road,london,english\n";
        assert_eq!(
            told(text, &id("id"))[0],
            "organisation 1: city berkeley, name chez panisse, street 3 high st., x.text.cuisine french"
        );
        // Without `--id` the numbering is no evidence either.
        assert!(!told(text, &Options::default())[0].contains("x.code"));
        let text = "name,phone\nJean Martin,0145454545\nMarie Durand,0612345678\n";
        assert_eq!(
            told(text, &Options::default())[0],
            "person : full_name Jean Martin, phone 0145454545"
        );
    }

    #[test]
    fn a_company_beside_a_person_is_an_attribute_of_the_person() {
        let text = "first_name,last_name,company,notes\nJean,Martin,Dupont SA,vu\n";
        assert_eq!(
            told(text, &Options::default()),
            ["person : company Dupont SA, first_name Jean, last_name Martin, notes vu"]
        );
    }

    #[test]
    fn a_couple_is_two_persons_whose_objection_binds_both() {
        let text = "id,civilite,nom,prenom,naissance,tel,mail,optin\n\
                    1,M et Mme,Martin,Jean et Claire,1960-04-03,04 78 12 34 56,jean.martin@free.fr,non\n\
                    2,Mme,Durand,Anne,,,,\n3,,Petit et Fils,Luc,,,,\n";
        assert_eq!(
            told(text, &id("id")),
            [
                "person 1: birth_date 1960-04-03, civility M, email jean.martin@free.fr, first_name Jean, \
                 last_name Martin, phone 04 78 12 34 56",
                "person 1: civility Mme, first_name Claire, last_name Martin, phone 04 78 12 34 56",
                "person 2: civility Mme, first_name Anne, last_name Durand",
                "person 3: first_name Luc, last_name Petit et Fils",
            ]
        );
        let staged = staged(&[("t.csv", text)], &id("id")).expect("it is read");
        let (table, fate) = (&staged.table, &staged.metrics.tables[0]);
        let rows = |record: u32| table.records.row[record as usize];
        let both = |couple: &Couple| [rows(couple.first), rows(couple.second)];
        assert_eq!(table.couples.iter().map(both).collect::<Vec<_>>(), [[2, 2]]);
        assert_eq!((fate.record_rows, fate.records), (3, 4));
        let bound: BTreeSet<u32> = table.events.iter().filter_map(|event| event.record).collect();
        assert_eq!(bound.into_iter().map(rows).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn a_row_that_says_nothing_is_no_record() {
        let text = "no,nom,prenom,mail,notes\n1,Durand,Anne,anne@free.fr,\n2,TEST,Test,test@test.fr,\n3,,,,\n\
                    4,N/A,-,,\n5,Test,Marie,,\n6,TEST,Test,test@test.fr,à rappeler\n";
        let staged = staged(&[("t.csv", text)], &Options::default()).expect("it is read");
        let rejects = staged.table.rejects.iter().map(|r| (r.row.unwrap_or(0), r.code.as_str()));
        let told: Vec<_> = rejects.collect();
        assert_eq!(told, [(3, "test_row"), (4, "no_name"), (5, "no_name")]);
        let fate = &staged.metrics.tables[0];
        assert_eq!((fate.rows, fate.record_rows, fate.rejected_rows), (7, 3, 3));
    }

    #[test]
    fn the_source_column_names_the_source_and_is_no_evidence() {
        let text = "source,first_name,last_name\na,Jean,Martin\nb,Jean,Martin\na,Ann,Lee\n";
        let options = Options { source: Some("source".into()), ..Options::default() };
        let staged = staged(&[("t.csv", text)], &options).expect("it is read");
        let records = &staged.table.records;
        let mut sources: Vec<(u32, &str)> =
            (0..3).map(|i| (records.row[i], records.place_of(i).source.as_str())).collect();
        sources.sort_unstable();
        assert_eq!(sources, [(2, "a"), (3, "b"), (4, "a")]);
        assert_eq!(records.columns.keys().collect::<Vec<_>>(), ["first_name", "last_name"]);
    }

    #[test]
    fn ids_of_objects_on_one_line_stay_when_one_is_added() {
        const FIRST: &str = r#"{"nom":"A","notes":"digicode 12A34"}"#;
        let ids = |text: &str| {
            let staged = staged(&[("t.json", text)], &Options::default()).expect("it is read");
            let records = staged.table.records;
            let id = |i| (records.first("name", i).map(str::to_owned), records.ids[i]);
            (0..records.len()).map(id).collect::<BTreeMap<_, _>>()
        };
        let two = ids(&format!(r#"[{FIRST},{{"nom":"C"}}]"#));
        let three = ids(&format!(r#"[{FIRST},{{"nom":"B"}},{{"nom":"C"}}]"#));
        assert_eq!((two.len(), three.len()), (2, 3));
        assert!(two.iter().all(|(name, id)| three[name] == *id), "{two:?} {three:?}");
    }

    #[test]
    fn every_row_has_one_fate_and_a_missing_column_is_named() {
        let text = "first_name,last_name\nJean,Martin\n\nAnn,Lee,oops\nMarc,\n";
        let staged = staged(&[("t.csv", text)], &Options::default()).expect("it is read");
        let fate = &staged.metrics.tables[0];
        let skipped: u64 = fate.skipped_rows.values().sum();
        assert_eq!(fate.rows, fate.record_rows + fate.rejected_rows + skipped);
        assert_eq!(staged.table.records.len(), 3);
        let error =
            super::tests::staged(&[("t.csv", text)], &id("last_nam")).expect_err("no such column");
        assert_eq!(error.to_string(), "there is no column `last_nam`");
        assert_eq!(error.hint().as_deref(), Some("the nearest column is `last_name`"));
        for (text, hint) in [
            (text, "the columns are `first_name`, `last_name`"),
            ("Jean;Martin\nAnn;Lee\n", "look whether the first row names the columns"),
        ] {
            let error = super::tests::staged(&[("t.csv", text)], &id("code")).expect_err("none");
            assert_eq!(error.hint().as_deref(), Some(hint));
        }
    }

    /// What each row says about consent: `row channel state since`.
    fn consents(text: &str) -> Vec<String> {
        let staged = staged(&[("t.csv", text)], &Options::default()).expect("it is read");
        let records = &staged.table.records;
        for event in &staged.table.events {
            let record = event.record.expect("each row is a record") as usize;
            assert_eq!(records.row[record], event.row, "an event stands on the record of its row");
        }
        let line = |e: &ConsentEvent| {
            format!("{} {} {} {}", e.row, e.channel.as_str(), e.state.as_str(), e.since)
                .trim_end()
                .to_owned()
        };
        let mut lines: Vec<String> = staged.table.events.iter().map(line).collect();
        lines.sort();
        lines
    }

    #[test]
    fn columns_of_consent_are_events_and_no_evidence() {
        for (header, cells, expected) in [
            ("Newsletter", ["oui", "non"], "2 email opt_in; 3 email opt_out"),
            ("Ne pas appeler", ["", "oui"], "3 phone opt_out"),
            ("Accepte newsletter", ["X", "N"], "2 email opt_in; 3 email opt_out"),
            ("Consentement emailing", ["Refusé", "Accepté"], "2 email opt_out; 3 email opt_in"),
            ("Bloctel", ["O", "N"], "2 phone opt_out"),
            ("Désabonné", ["non", "désinscrit le 12/03/2019"], "3 email opt_out 2019-03-12"),
            ("Désabonné le", ["", "12/03/2019"], "3 email opt_out 2019-03-12"),
            (
                "Désabonné le",
                ["03/04/2019", "05/31/2019"],
                "2 email opt_out 2019-03-04; 3 email opt_out 2019-05-31",
            ),
            ("optin", ["1", "non"], "2 email opt_in; 3 email opt_out"),
            ("EMAIL_BLACKLISTED", ["false", "true"], "3 email opt_out"),
            ("SMS opt-out", ["no", "yes"], "3 sms opt_out"),
            (
                "Ne pas contacter",
                ["", "x"],
                "3 email opt_out; 3 phone opt_out; 3 post opt_out; 3 sms opt_out",
            ),
            ("Refus des appels commerciaux", ["oui", "non"], "2 phone opt_out"),
            ("Notes", ["bon client", "ne plus appeler"], "3 phone opt_out"),
        ] {
            let text =
                format!("prenom;nom;{header}\nJean;Martin;{}\nAnn;Lee;{}\n", cells[0], cells[1]);
            assert_eq!(consents(&text).join("; "), expected, "{header}");
            let staged = staged(&[("t.csv", &text)], &Options::default()).expect("it is read");
            assert!(!staged.table.records.columns.keys().any(|a| a.starts_with("x.")), "{header}");
        }
    }

    /// A table of more rows than are sampled whose last columns are filled in the one row that the sample
    /// leaves out.
    fn sparse(header: &str, blank: &str, filled: &str) -> String {
        let word = |n: usize| -> String {
            n.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
        };
        let row = |n: usize, rest: &str| format!("{};Petit;{rest}\n", word(n));
        let rows = columns::SAMPLE_ROWS + 500;
        let hash = |n: usize| {
            let cells: Vec<String> = row(n, filled).trim().split(';').map(str::to_owned).collect();
            columns::hash(&cells.concat())
        };
        let last = (0..rows).max_by_key(|&n| hash(n)).expect("there are rows");
        let lines = (0..rows).map(|n| row(n, if n == last { filled } else { blank }));
        format!("prenom;nom;{header}\n{}", lines.collect::<String>())
    }

    #[test]
    fn a_column_that_the_sample_finds_empty_is_read() {
        let text = sparse("Interdit de solliciter", "", "x");
        let said: Vec<String> =
            consents(&text).iter().map(|l| l.split_once(' ').expect("a row").1.into()).collect();
        assert_eq!(said, ["email opt_out", "phone opt_out", "post opt_out", "sms opt_out"]);
        let text = sparse("Remarque libre;Vide", ";", "vu;");
        let staged = staged(&[("t.csv", &text)], &Options::default()).expect("it is read");
        let attributes: Vec<&str> =
            staged.table.records.columns.keys().map(|a| a.as_ref()).collect();
        assert_eq!(attributes, ["first_name", "last_name", "x.text.remarque_libre"]);
    }

    #[test]
    fn month_and_day_of_birth_stay_where_the_sample_finds_no_year() {
        let text = "fname,lname,by,bm,bd\nANNA,WEISS,,2,28\nKARL,KUHN,,12,4\n";
        assert_eq!(
            told(text, &Options::default())[0],
            "person : birth_date --02-28, first_name ANNA, last_name WEISS"
        );
    }

    #[test]
    fn a_column_that_seems_to_be_consent_and_is_not_clear_is_told() {
        let text = "prenom;nom;Traitement RGPD fiche\nJean;Martin;oui\nAnn;Lee;non\n";
        let staged = staged(&[("t.csv", text)], &Options::default()).expect("it is read");
        let reject = &staged.table.rejects[0];
        assert_eq!(
            (reject.code.as_str(), reject.column.as_str(), reject.row),
            ("possible_objection", "Traitement RGPD fiche", None)
        );
    }

    #[test]
    fn a_table_of_companies_and_persons_has_both() {
        let text = "Nom;Email\nMme Petit;\nM. Paul Durand;\nMr et Mme Roux;\nSARL Blanc;\nGarage Petit;\nAnne Durand;\n";
        assert_eq!(
            told(text, &Options::default()),
            [
                "person : full_name Mme Petit",
                "person : full_name M. Paul Durand",
                "person : civility Mme, last_name Roux",
                "person : civility Mr, last_name Roux",
                "organisation : name SARL Blanc",
                "organisation : name Garage Petit",
                "person : full_name Anne Durand",
            ]
        );
        let one = Options { kind: Some(Kind::Organisation), ..Options::default() };
        assert!(told(text, &one).iter().all(|line| line.starts_with("organisation")));
        let beside = "Client;Interlocuteur;Ville\nM. Paul Petit;;Nice\nSARL Blanc;Anne Roux;Lyon\n";
        assert_eq!(
            told(beside, &Options::default()),
            [
                "person : city Nice, full_name M. Paul Petit",
                "organisation : city Lyon, name SARL Blanc, x.text.interlocuteur Anne Roux",
            ]
        );
        // Names that look like those of persons are no sign that some are.
        let names = "name,city\nJean Georges,NY\nthe ivy,LA\nLe Bernardin,NY\n";
        assert!(told(names, &Options::default()).iter().all(|l| l.starts_with("organisation")));
    }

    #[test]
    fn an_unreadable_file_costs_only_itself() {
        let mut tables =
            vec![PlainTable { path: "/no/such/file.csv".into(), file: "file.csv".into() }];
        let missing = run(&tables, &Options::default(), &Progress::hidden());
        assert!(missing.is_err());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("t.csv");
        std::fs::write(&path, "first_name,last_name\nJean,Martin\n").expect("written");
        tables.push(PlainTable { path, file: "t.csv".into() });
        let (staged, _) =
            run(&tables, &Options::default(), &Progress::hidden()).expect("one is read");
        assert_eq!(
            (
                staged.table.records.len(),
                staged.table.rejects.len(),
                staged.metrics.unreadable_files
            ),
            (1, 1, 1)
        );
    }

    #[test]
    fn ids_stay_when_rows_are_shuffled_and_the_file_is_renamed() {
        let forth = "first_name,last_name\nJean,Martin\nAnn,Lee\nMarc,Petit\n";
        let back = "first_name,last_name\nMarc,Petit\nAnn,Lee\nJean,Martin\n";
        let ids = |name: &str, text: &str| {
            staged(&[(name, text)], &Options::default()).expect("it is read").table.records.ids
        };
        assert_eq!(ids("a.csv", forth), ids("b.csv", back));
    }
}
