//! The shape of a row: what each of its cells is, as far as the reading of the row hangs on it.
//!
//! Most rows of a table are like others: a name, an address, a number, nothing odd. So each different cell of a
//! column is judged once: blank, plain, a word that decides something, or odd. The first row of a shape is
//! understood with care; the others repeat what was understood of it with texts of their own. A row with an odd
//! cell is always understood by itself.

use std::{
    borrow::Cow,
    hash::BuildHasher,
    sync::{PoisonError, RwLock},
};

use csv::StringRecord;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use rayon::prelude::*;

use super::{
    assemble::{self, Layout, Understood, Use},
    consent::{self, Rule},
    kind,
    mapping::Rows,
    name_boxes, read,
    withhold::Watch,
};
use crate::{
    table::{RecordsBuilder, RowDigests, row_digest},
    value::{
        email, organisation, person, phone,
        sensitive::{self, Scope},
        standing, text,
    },
};

/// Most rows, and most bytes of text, that are understood at once.
const BATCH_ROWS: usize = 8192;
const BATCH_BYTES: usize = 8 << 20;

/// Most different cells of a column that are remembered, and most bytes of them.
const MOST_CELLS: usize = 1 << 17;
const MOST_TEXT: usize = 8 << 20;

/// Of a column of numbers or addresses hardly a cell comes again: after this many cells of which fewer than one in
/// [`FEWEST_REPEATS`] did, none is remembered.
const TRIED_CELLS: u32 = 1 << 14;
const FEWEST_REPEATS: u32 = 8;

/// Most kinds of cell of a column, and most shapes of a table; rows of others are understood by themselves.
const MOST_CLASSES: usize = 1 << 12;
const MOST_SHAPES: usize = 1 << 16;

/// The next rows of a table; none at its end.
pub(super) fn batch(rows: &mut dyn Iterator<Item = read::Row>) -> Vec<read::Row> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while batch.len() < BATCH_ROWS && bytes < BATCH_BYTES {
        let Some(row) = rows.next() else { break };
        if let read::Content::Data(cells) = &row.content {
            // Of a wide table blank cells weigh more than the filled ones.
            bytes += cells.as_slice().len() + cells.len() * size_of::<usize>();
        }
        batch.push(row);
    }
    batch
}

/// A row without what is sensitive.
pub(super) enum Row {
    Skipped(&'static str),
    Bad { code: &'static str, message: String, raw: String },
    Data { cells: StringRecord, digest: [u8; 32], how: How },
}

/// How a row was understood: as those of a shape that is known, or by itself.
pub(super) enum How {
    Known(u32),
    Alone(Box<Understood>),
}

/// The shapes of the rows of a table, and what rows of each give.
pub(super) struct Shapes<'l> {
    layout: &'l Layout<'l>,
    watch: &'l Watch,
    digests: RowDigests,
    columns: Vec<Column<'l>>,
    /// Whether the texts of each column decide on the reading of a row.
    are_telling: Vec<bool>,
    known: RwLock<Known>,
}

impl<'l> Shapes<'l> {
    pub(super) fn new(layout: &'l Layout<'l>, watch: &'l Watch) -> Shapes<'l> {
        let asks = (0..layout.uses.len()).map(|at| Asks::of(layout, watch, at));
        let (are_telling, columns) =
            asks.map(|asks| (asks.is_telling, Column::new(move |cell| asks.facts(cell)))).unzip();
        Shapes {
            columns,
            are_telling,
            digests: RowDigests::new(&layout.header),
            known: RwLock::default(),
            layout,
            watch,
        }
    }

    /// What the rows are, each with its number, in their order.
    pub(super) fn understand(&mut self, rows: Vec<read::Row>) -> Vec<(u32, Row)> {
        let classes = classes(&mut self.columns, &rows);
        let this = &*self;
        let understood = |shape: &mut Vec<u16>, (nth, row): (usize, read::Row)| {
            let content = match row.content {
                read::Content::Skipped(reason) => Row::Skipped(reason),
                read::Content::Bad { code, message, raw } => {
                    Row::Bad { code, message, raw: this.watch.raw(row.number, raw) }
                }
                read::Content::Data(cells) => {
                    shape.clear();
                    shape.extend(classes.iter().map(|column| column[nth]));
                    this.row(row.number, cells, shape)
                }
            };
            (row.number, content)
        };
        let rows = rows.into_par_iter().enumerate().with_min_len(256);
        rows.map_init(Vec::new, understood).collect()
    }

    fn row(&self, number: u32, cells: StringRecord, shape: &[u16]) -> Row {
        let digest = self.digests.of(&cells);
        let is_plain = cells.len() == shape.len() && !shape.contains(&ODD);
        if !is_plain {
            let cells = self.watch.cells(number, &cells).unwrap_or(cells);
            let how = How::Alone(Box::new(self.layout.understand(&cells)));
            return Row::Data { cells, digest, how };
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.find(shape);
        if let Some(at) = found.filter(|&at| known.given[at as usize].0.repeats_for(&cells)) {
            return Row::Data { cells, digest, how: How::Known(at) };
        }
        drop(known);
        let understood = self.layout.understand(&cells);
        let is_told = |column: usize| self.are_telling[column];
        if found.is_none() && understood.repeats_for(&cells) && understood.is_made_of(is_told) {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = known.add(shape, understood) {
                return Row::Data { cells, digest, how: How::Known(at) };
            }
            drop(known);
            let how = How::Alone(Box::new(self.layout.understand(&cells)));
            return Row::Data { cells, digest, how };
        }
        Row::Data { cells, digest, how: How::Alone(Box::new(understood)) }
    }

    /// What a row was understood to give, and attribute and origin of each of its values.
    pub(super) fn given<'s>(
        &'s mut self,
        how: &'s How,
        builder: &mut RecordsBuilder,
    ) -> (&'s Understood, Cow<'s, [(u32, u32)]>) {
        match how {
            How::Alone(understood) => (understood, understood.ids(self.layout, builder).into()),
            How::Known(at) => {
                let known = self.known.get_mut().unwrap_or_else(PoisonError::into_inner);
                let (understood, ids) = &mut known.given[*at as usize];
                let ids = ids.get_or_insert_with(|| understood.ids(self.layout, builder));
                (understood, Cow::Borrowed(ids))
            }
        }
    }

    /// The columns in which plain cells were seen.
    pub(super) fn filled(&self) -> Vec<bool> {
        self.columns.iter().map(|column| column.is_filled).collect()
    }
}

/// Tells the rows of a plain table that hold their values and nothing else from those that must be looked at.
pub(super) struct Quiet<'l> {
    watch: &'l Watch,
    header: Vec<String>,
    digests: RowDigests,
    columns: Vec<Column<'l>>,
}

/// A row of a plain table, without what is sensitive.
pub(super) struct QuietRow {
    pub(super) number: u32,
    pub(super) content: read::Content,
    /// Of the row as it was read.
    pub(super) digest: [u8; 32],
    /// Whether no note of it says anything.
    pub(super) is_quiet: bool,
}

impl<'l> Quiet<'l> {
    /// For rows under this header; `notes` are the columns of free text.
    pub(super) fn new(header: &[String], watch: &'l Watch, notes: &[usize]) -> Quiet<'l> {
        let column = |at: usize| {
            let (scope, is_note) = (watch.scope(at), notes.contains(&at));
            Column::new(move |cell| {
                let is_sensitive =
                    scope.is_some_and(|scope| !sensitive::find(cell, scope).is_empty());
                let speaks = is_note && !consent::in_note(cell.trim()).is_empty();
                (!is_sensitive && !speaks).then(Facts::default)
            })
        };
        Quiet {
            watch,
            header: header.to_vec(),
            digests: RowDigests::new(header),
            columns: (0..header.len()).map(column).collect(),
        }
    }

    /// The rows, in their order.
    pub(super) fn look(&mut self, rows: Vec<read::Row>) -> Vec<QuietRow> {
        let classes = classes(&mut self.columns, &rows);
        let this = &*self;
        let look = |(nth, row): (usize, read::Row)| {
            let read::Row { number, content } = row;
            let (mut digest, mut is_quiet) = ([0; 32], true);
            let content = match content {
                read::Content::Data(cells) => {
                    let fits = cells.len() <= this.header.len();
                    digest = match fits {
                        true => this.digests.of(&cells),
                        false => row_digest(this.header.iter().map(String::as_str).zip(&cells)),
                    };
                    is_quiet = fits && classes.iter().all(|column| column[nth] != ODD);
                    let withheld = if is_quiet { None } else { this.watch.cells(number, &cells) };
                    read::Content::Data(withheld.unwrap_or(cells))
                }
                read::Content::Bad { code, message, raw } => {
                    read::Content::Bad { code, message, raw: this.watch.raw(number, raw) }
                }
                skipped => skipped,
            };
            QuietRow { number, content, digest, is_quiet }
        };
        rows.into_par_iter().enumerate().with_min_len(256).map(look).collect()
    }
}

/// Attribute and origin of each value, once they have numbers.
type Written = Vec<(u32, u32)>;

/// What rows of the known shapes give, with attribute and origin of their values once they are written.
#[derive(Default)]
struct Known {
    at: HashTable<u32>,
    hasher: DefaultHashBuilder,
    shapes: Vec<Box<[u16]>>,
    given: Vec<(Understood, Option<Written>)>,
}

impl Known {
    fn find(&self, shape: &[u16]) -> Option<u32> {
        let hash = self.hasher.hash_one(shape);
        self.at.find(hash, |&at| *self.shapes[at as usize] == *shape).copied()
    }

    /// Remembers a shape; none where there are too many.
    fn add(&mut self, shape: &[u16], understood: Understood) -> Option<u32> {
        if let Some(known) = self.find(shape) {
            return Some(known);
        }
        if self.shapes.len() == MOST_SHAPES {
            return None;
        }
        let at = self.shapes.len() as u32;
        self.shapes.push(shape.into());
        self.given.push((understood, None));
        let (shapes, hasher) = (&self.shapes, &self.hasher);
        let hash = |&at: &u32| hasher.hash_one(&*shapes[at as usize]);
        self.at.insert_unique(hash(&at), at, hash);
        Some(at)
    }
}

/// The class of a blank cell, and that of an odd one.
const BLANK: u16 = 0;
const ODD: u16 = 1;

/// For each column the classes of its cells in these rows.
fn classes(columns: &mut [Column<'_>], rows: &[read::Row]) -> Vec<Vec<u16>> {
    let columns = columns.par_iter_mut().enumerate();
    columns.map(|(at, column)| column.classes(at, rows)).collect()
}

/// What is known of a filled cell; none of one that is odd.
type Judge<'l> = Box<dyn Fn(&str) -> Option<Facts> + Send + Sync + 'l>;

/// What the cells of a column are, each different one judged once.
struct Column<'l> {
    judge: Judge<'l>,
    /// Hash, place of the text in `texts`, and class.
    judged: HashTable<(u64, u32, u32, u16)>,
    texts: String,
    hasher: DefaultHashBuilder,
    classes: HashMap<Facts, u16>,
    is_filled: bool,
    /// Filled cells so far, and those of them that were known.
    seen: u32,
    known: u32,
}

impl<'l> Column<'l> {
    fn new(judge: impl Fn(&str) -> Option<Facts> + Send + Sync + 'l) -> Column<'l> {
        Column {
            judge: Box::new(judge),
            judged: HashTable::new(),
            texts: String::new(),
            hasher: DefaultHashBuilder::default(),
            classes: HashMap::new(),
            is_filled: false,
            seen: 0,
            known: 0,
        }
    }

    /// The classes of the column's cells in these rows; that of a row without cells is of no matter.
    fn classes(&mut self, at: usize, rows: &[read::Row]) -> Vec<u16> {
        let class = |row: &read::Row| match &row.content {
            read::Content::Data(cells) => self.class(cells.get(at).unwrap_or("")),
            _ => BLANK,
        };
        let classes: Vec<u16> = rows.iter().map(class).collect();
        self.is_filled |= classes.iter().any(|class| !matches!(*class, BLANK | ODD));
        classes
    }

    fn class(&mut self, cell: &str) -> u16 {
        if cell.is_empty() || cell.trim().is_empty() {
            return BLANK;
        }
        if !self.repeats() {
            return (self.judge)(cell).map_or(ODD, |facts| self.class_of(facts));
        }
        self.seen += 1;
        let hash = self.hasher.hash_one(cell);
        let texts = &self.texts;
        let is_it = |known: &(u64, u32, u32, u16)| {
            known.0 == hash && texts[known.1 as usize..known.2 as usize] == *cell
        };
        if let Some(known) = self.judged.find(hash, is_it) {
            self.known += 1;
            return known.3;
        }
        let class = (self.judge)(cell).map_or(ODD, |facts| self.class_of(facts));
        if self.judged.len() < MOST_CELLS && self.texts.len() + cell.len() < MOST_TEXT {
            let start = self.texts.len() as u32;
            self.texts.push_str(cell);
            let known = (hash, start, self.texts.len() as u32, class);
            self.judged.insert_unique(hash, known, |known| known.0);
        }
        class
    }

    /// Whether cells come again often enough for looking one up to pay.
    fn repeats(&self) -> bool {
        self.seen < TRIED_CELLS || self.known >= self.seen / FEWEST_REPEATS
    }

    fn class_of(&mut self, facts: Facts) -> u16 {
        let next = self.classes.len();
        match self.classes.get(&facts) {
            Some(class) => *class,
            None if next == MOST_CLASSES => ODD,
            None => *self.classes.entry(facts).or_insert(ODD + 1 + next as u16),
        }
    }
}

/// What is known of a cell that is not odd.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct Facts {
    marks: u16,
    /// What decides on the reading of the row.
    told: String,
}

/// A mailbox of a role; one at a provider of private mailboxes.
const ROLE: u16 = 1;
const FREEMAIL: u16 = 2;
/// A name of several words.
const SEVERAL_WORDS: u16 = 4;
/// A name whose first word is a civility; one of a firm with a legal form, with a digit or `&`, or with words
/// that tell an organisation.
const CIVILITY: u16 = 8;
const LEGAL_FORM: u16 = 16;
const SIGN: u16 = 32;
const FIRM_WORD: u16 = 64;
/// A way of the source to write nothing.
const NOTHING: u16 = 128;
/// A number that is a mobile's as it stands.
const MOBILE: u16 = 256;

/// What the reading of a row asks of the cells of one column.
struct Asks<'l> {
    usage: &'l Use,
    scope: Option<Scope>,
    rules: Vec<&'l Rule>,
    /// Whether the text itself decides.
    is_telling: bool,
    is_free_text: bool,
    /// Whether notes say that their card is private.
    may_be_private: bool,
    /// Whether the kind of the row's customer may be open.
    may_be_open: bool,
}

impl<'l> Asks<'l> {
    fn of(layout: &'l Layout<'l>, watch: &Watch, at: usize) -> Asks<'l> {
        let usage = &layout.uses[at];
        let attribute = &*usage.attribute;
        let decides = matches!(
            attribute,
            "kind"
                | "role"
                | "collective_account"
                | "inactive"
                | "is_customer"
                | "is_supplier"
                | "civility"
                | "category"
        );
        let is_label = layout.uses.iter().any(|other| other.label_at == Some(at));
        let is_mark = layout.marks.iter().any(|mark| mark.at == at);
        let is_entity = layout.places.column().is_some_and(|(column, _)| column == at);
        let rules = layout.rules.iter().filter(|rule| rule.asks(at)).collect();
        Asks {
            usage,
            scope: watch.scope(at),
            rules,
            is_telling: decides || is_label || is_mark || is_entity,
            is_free_text: assemble::is_free_text(attribute)
                || usage.label_at.is_some()
                // What they hold is kept as an extra.
                || decides && attribute != "civility",
            may_be_private: attribute == "notes"
                && !(layout.mapping.private.is_empty() && layout.marks.is_empty()),
            may_be_open: matches!(layout.mapping.rows, Rows::Both | Rows::Decide),
        }
    }

    /// All that the reading of a row asks of a filled cell; none of one that is odd: the more is odd, the slower,
    /// and never the worse.
    fn facts(&self, cell: &str) -> Option<Facts> {
        let is_sensitive = |scope| !sensitive::find(cell, scope).is_empty();
        if self.scope.is_some_and(is_sensitive) {
            return None;
        }
        let text = cell.trim();
        let mut facts = Facts::default();
        if self.is_telling {
            text.clone_into(&mut facts.told);
        }
        for rule in &self.rules {
            if rule.is_unclear(cell) {
                return None;
            }
            facts.told.push('\n');
            facts.told.push_str(rule.told_by(cell).map_or("", |state| state.as_str()));
        }
        let usage = self.usage;
        if usage.omit {
            return Some(facts);
        }
        if !usage.empty.is_empty() && usage.empty.contains(&text.to_lowercase()) {
            facts.marks |= NOTHING;
            return Some(facts);
        }
        let split = usage.split.as_str();
        let is_listed =
            !split.is_empty() && (text.contains(split) || assemble::unlist(text, split) != text);
        if usage.contact || is_listed || self.is_free_text && !self.says_nothing(text) {
            return None;
        }
        facts.marks = self.marks(&usage.attribute, text)?;
        Some(facts)
    }

    /// Whether free text says nothing of consent, of the end of a customer, and of who may see it.
    fn says_nothing(&self, text: &str) -> bool {
        consent::in_note(text).is_empty()
            && standing::find(text).is_empty()
            && !(self.may_be_private && consent::is_private_note(text))
    }

    /// What is asked of a value of an attribute.
    fn marks(&self, attribute: &str, text: &str) -> Option<u16> {
        let says = || assemble::says(attribute, text);
        match attribute {
            // They become part of another value.
            "street_number" | "particle" | "birth_year" | "birth_month" | "birth_day"
            | "payment_days" => None,
            // Beside a person it is where they work: then it is a name.
            "parent" if self.may_be_open => None,
            "civility" => person::two_civilities(text).is_none().then_some(0),
            "first_name" | "last_name" | "full_name" | "middle_name" | "maiden_name" => {
                self.marks_of_person(attribute, text)
            }
            "name" => self.marks_of_name(text),
            "nickname" => (kind::is_name(text) && !kind::may_be_junk(text)).then_some(0),
            "email" => self.marks_of_email(text),
            "phone" | "mobile" => {
                let plain = !text.contains('@')
                    && says()
                    && assemble::reaches(attribute, text)
                    && !(self.usage.may_hold_several_lines() && phone::apart(text).is_some());
                plain.then(|| if phone::is_mobile(text) { MOBILE } else { 0 })
            }
            "fax" => (!text.contains('@')).then_some(0),
            "address" | "street" | "postcode_city" | "po_box" => says().then_some(0),
            "siren" | "siret" | "vat" => (kind::is_name(text) && says()).then_some(0),
            "naf" | "legal_form" | "website" | "birth_date" | "gender" => {
                (!self.may_be_open || says()).then_some(0)
            }
            _ => Some(0),
        }
    }

    fn marks_of_person(&self, attribute: &str, text: &str) -> Option<u16> {
        let is_called = kind::is_name(text) && person::fault(text).is_none();
        // What stands in its box instead of a last name moves: see `name_boxes`.
        if attribute == "last_name" && name_boxes::is_no_last_name(text) {
            return None;
        }
        let is_first = attribute == "first_name";
        let names_one = || person::several(text, attribute != "last_name").is_none();
        let is_one_first =
            || person::first_names(text).is_none() && person::two_civilities(text).is_none();
        let is_no_firm =
            || !(name_boxes::is_form(text) || is_first && name_boxes::is_firm_word(text));
        let is_plain = is_called
            && assemble::says(attribute, text)
            && !kind::may_be_junk(text)
            && names_one()
            && (!is_first || is_one_first())
            && is_no_firm();
        is_plain.then(|| marks_of_words(text))
    }

    fn marks_of_name(&self, text: &str) -> Option<u16> {
        if !kind::is_name(text) || kind::may_be_junk(text) {
            return None;
        }
        if !self.may_be_open {
            return Some(0);
        }
        if person::several(&text::clean(text), false).is_some() {
            return None;
        }
        let has_form = !organisation::split_legal_form(text).1.is_empty();
        let has_sign = text.chars().any(|c| c == '&' || c.is_ascii_digit());
        let marks = [
            (LEGAL_FORM, has_form),
            (SIGN, has_sign),
            (FIRM_WORD, has_form || organisation::looks_like_organisation(text)),
        ];
        let of_firm = marks.iter().filter(|(_, is)| *is).map(|(mark, _)| mark).sum::<u16>();
        Some(marks_of_words(text) | of_firm)
    }

    fn marks_of_email(&self, text: &str) -> Option<u16> {
        let is_plain = email::is_plain(text);
        let is_address = kind::is_name(text)
            && assemble::says("email", text)
            && (is_plain
                || text.contains('@')
                    && !text.to_lowercase().starts_with("/o=")
                    && assemble::reaches("email", text));
        let address: Cow<'_, str> = match is_address.then_some(is_plain)? {
            true => text.into(),
            false => kind::address(text).into(),
        };
        let role = if email::is_role_mailbox(&address) { ROLE } else { 0 };
        let freemail = self.may_be_open && email::is_freemail(&address);
        Some(role | if freemail { FREEMAIL } else { 0 })
    }
}

fn marks_of_words(name: &str) -> u16 {
    let several = if name.contains(char::is_whitespace) { SEVERAL_WORDS } else { 0 };
    several | if kind::begins_civil(name) { CIVILITY } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*, sample::select};

    use super::{
        super::{Gathered, Reading, TableFate, entity::Places, mapping::Mapping},
        *,
    };
    use crate::table::Place;

    const COLUMNS: &str = r#"
        owner = "file_name"
        id = ["Code"]
        columns = [
          { header = ["Code"], attribute = "customer_code" },
          { header = ["Civilité"], attribute = "civility" },
          { header = ["Prénom"], attribute = "first_name" },
          { header = ["Nom"], attribute = "last_name" },
          { header = ["Nom complet"], attribute = "full_name" },
          { header = ["Société"], attribute = "name" },
          { header = ["Parent"], attribute = "parent" },
          { header = ["Fonction"], attribute = "job_title" },
          { header = ["Mail"], attribute = "email", split = ";" },
          { header = ["Tel"], attribute = "phone", label = "work", empty = ["0"] },
          { header = ["Tel 2"], attribute = "phone", label_column = "Type tel 2" },
          { header = ["Rue"], attribute = "street" },
          { header = ["N°"], attribute = "street_number" },
          { header = ["CP"], attribute = "postcode" },
          { header = ["SIRET"], attribute = "siret" },
          { header = ["Naissance"], attribute = "birth_date" },
          { header = ["Type"], attribute = "kind" },
          { header = ["Famille"], attribute = "category" },
          { header = ["Rôle"], attribute = "role" },
          { header = ["Inactif"], attribute = "inactive" },
          { header = ["Assistant"], attribute = "full_name", contact = true },
          { header = ["Notes"], attribute = "notes" },
        ]
        consents = [
          { column = ["Newsletter"], channels = ["email"], words = { yes = "opt_in", no = "opt_out" },
            contact_point = ["Mail"], since = ["Depuis"] },
        ]
        private = [{ column = ["Visibilité"], values = ["privé"] }]
    "#;

    /// For each column cells that are filled more or less often: mostly plain ones, and all that is odd.
    fn cells(header: &str) -> (u32, &'static [&'static str]) {
        match header {
            "Code" => (9, &["C1", "C2", "411DUPONT"]),
            "Civilité" => {
                (5, &["M.", "Mme", "M. et Mme", "SARL", "Directeur", "M./Mme", "Maître"])
            }
            "Prénom" => (
                6,
                &[
                    "Jean",
                    "Marie",
                    "Jean et Marie",
                    "Zoé",
                    "Jean Martin",
                    "Marie Laure",
                    "SARL",
                    "Garage",
                    "M. et Mme",
                    "test",
                    "12",
                    "jean.martin@x.fr",
                    "-",
                    "M",
                    "Jean-Pierre",
                ],
            ),
            "Nom" => (
                6,
                &[
                    "Martin",
                    "Dupont",
                    "de La Tour",
                    "M. et Mme Dupont",
                    "SARL Martin",
                    "SA",
                    "Test",
                    "Durand et Martin",
                    "TOTAL",
                    "divers",
                    "xxxx",
                    "Ortega y Gasset",
                    "3 rue Haute",
                ],
            ),
            "Nom complet" => {
                (2, &["Jean Martin", "Martin Jean", "M. et Mme Roy", "N/A", "Jean, Marie"])
            }
            "Société" => (
                6,
                &[
                    "Martin Jean",
                    "Jean Martin",
                    "Dupont",
                    "Mme Dupont",
                    "SARL Roy",
                    "Roy & Fils",
                    "Garage du Centre",
                    "CLIENTS DIVERS",
                    "Total",
                    "Société test",
                    "M. et Mme Roy",
                    "Mairie de Lyon",
                    "Roy 2",
                    "-",
                    "Zoé Martin",
                    "Jean",
                    "MARTIN  JEAN",
                ],
            ),
            "Parent" => (1, &["Acme", "Groupe Roy", "Martin Jean", "-"]),
            "Fonction" => (3, &["Directeur", "Gérante"]),
            "Mail" => (
                6,
                &[
                    "jean.martin@x.fr",
                    "contact@x.fr",
                    "j@gmail.com",
                    "jmartin@x.fr",
                    "a@test.fr",
                    "a@b.fr;c@d.fr",
                    "/o=Roy/cn=a@b",
                    "0140506070",
                    "noemail@x.fr",
                    "Jean <J@X.FR>",
                    "x",
                ],
            ),
            "Tel" => (6, &["0140506070", "01 40 50 60 71", "123", "0", "a@b.fr", "0000000000"]),
            "Tel 2" => (2, &["0612345678", "06 12 34 56 79 ne plus appeler", "12"]),
            "Type tel 2" => (5, &["Mobile", "Fax", "Pager", "home", "bureau"]),
            "Rue" => (6, &["3 rue Haute", "rue Basse", "x", "12 rue Haute digicode 12A34"]),
            "N°" => (1, &["3", "12 bis", "4.0"]),
            "CP" => (5, &["44000", "1000"]),
            "SIRET" => (2, &["73282932000074", "0", "N/A", "732829320"]),
            "Naissance" => (2, &["12/03/1970", "01/01/1900", "?"]),
            "Type" => (2, &["Particulier", "Company", "oui", "décédé", "?"]),
            "Famille" => (3, &["Gold", "Client", "Fournisseur", "Particulier", "ne plus appeler"]),
            "Rôle" => (2, &["Client", "Salarié", "Fournisseur", "1"]),
            "Inactif" => (2, &["oui", "non", "peut-être"]),
            "Assistant" => (1, &["Anne Roy", "-"]),
            "Notes" => (
                3,
                &[
                    "bon client",
                    "ne plus appeler",
                    "privé",
                    "décédé le 12/03/2019",
                    "digicode 12A34",
                    "en liquidation",
                    "STOP mailing",
                    "mot de passe : soleil",
                ],
            ),
            "Newsletter" => (4, &["oui", "non", "peut-être", "x", "désinscrit le 12/03/2019"]),
            "Depuis" => (2, &["12/03/2019", "2020"]),
            "Visibilité" => (1, &["privé", "public"]),
            _ => (2, &["divers", "ne pas contacter", "7", "  "]),
        }
    }

    const HEADER: [&str; 27] = [
        "Code",
        "Civilité",
        "Prénom",
        "Nom",
        "Nom complet",
        "Société",
        "Parent",
        "Fonction",
        "Mail",
        "Tel",
        "Tel 2",
        "Type tel 2",
        "Rue",
        "N°",
        "CP",
        "SIRET",
        "Naissance",
        "Type",
        "Famille",
        "Rôle",
        "Inactif",
        "Assistant",
        "Notes",
        "Newsletter",
        "Depuis",
        "Visibilité",
        "Autre",
    ];

    fn some_cell(header: &'static str) -> impl Strategy<Value = String> {
        let (filled, cells) = cells(header);
        prop_oneof![
            10 - filled.min(9) => Just(String::new()),
            filled => select(&cells[..cells.len().div_ceil(3)]).prop_map(str::to_owned),
            1 => select(cells).prop_map(str::to_owned),
            1 => select(cells).prop_map(|cell| format!(" {} ", cell.to_uppercase())),
        ]
    }

    /// A row, and others that differ from it in some cells.
    fn some_rows() -> impl Strategy<Value = Vec<Vec<String>>> {
        let row = || Vec::from(HEADER.map(some_cell));
        let others = vec((row(), vec(0..HEADER.len(), 0..4)), 0..10);
        (row(), others).prop_map(|(first, others)| {
            let other = |(cells, differ): (Vec<String>, Vec<usize>)| {
                let mut row = first.clone();
                let filled = differ.into_iter().filter(|&at| !first[at].is_empty());
                filled.for_each(|at| row[at].clone_from(&cells[at]));
                row
            };
            let others: Vec<Vec<String>> = others.into_iter().map(other).collect();
            std::iter::once(first.clone()).chain(others).collect()
        })
    }

    /// All that the rows give, each understood as its shape is, or each by itself; and how many repeated another.
    fn given(mapping: &str, rows: &[Vec<String>], alone: bool) -> (String, usize) {
        let mapping = std::sync::Arc::new(Mapping::parse("m", "m", mapping).expect("a mapping"));
        let header = HEADER.map(str::to_owned);
        let mut gathered = Gathered::default();
        let place = Place { source: "s".into(), file: "a.dupont.csv".into(), ..Place::default() };
        let places = Places::register(None, &header, place, &mut gathered.builder);
        let layout = Layout::new(&mapping, &header, ("a.dupont.csv", ""), &places);
        let scopes = super::super::withhold::scopes(&mapping, &header);
        let watch = Watch::new(scopes, header.to_vec(), &BTreeSet::new());
        let mut shapes = Shapes::new(&layout, &watch);
        let rows = rows.iter().enumerate().map(|(nth, cells)| read::Row {
            number: nth as u32 + 2,
            content: read::Content::Data(StringRecord::from(cells.clone())),
        });
        let mut reading = Reading {
            gathered: &mut gathered,
            mapping: mapping.clone(),
            places: places.clone(),
            fate: TableFate::default(),
        };
        let mut repeated = 0;
        for (number, row) in shapes.understand(rows.collect()) {
            let Row::Data { cells, digest, how } = row else { continue };
            let how = match how {
                How::Known(_) if alone => How::Alone(Box::new(layout.understand(&cells))),
                how => how,
            };
            repeated += usize::from(matches!(how, How::Known(_)));
            let row = assemble::Row { layout: &layout, number, cells: &cells, digest };
            row.write_as(&how, &mut shapes, &mut reading);
        }
        let fate = reading.fate;
        let builder = &gathered.builder;
        let drafts: Vec<String> = (0..builder.len() as u32)
            .map(|number| {
                let draft = builder.draft(number);
                let values: Vec<_> = draft.values().collect();
                format!("{:?} {} {} {values:?}", draft.kind(), draft.row(), draft.key())
            })
            .collect();
        let said = format!(
            "{drafts:#?}\n{:?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{fate:?}",
            gathered.open,
            gathered.links,
            gathered.couples,
            gathered.events,
            gathered.rejects,
            gathered.skipped,
        );
        (said, repeated)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_row_of_a_known_shape_gives_what_it_gives_alone(
            rows in vec(some_rows(), 1..20),
            kind in select(&["person", "organisation", "both", "decide"][..]),
        ) {
            let rows = rows.concat();
            let mapping = format!("rows = \"{kind}\"\n{COLUMNS}");
            prop_assert_eq!(given(&mapping, &rows, false).0, given(&mapping, &rows, true).0);
        }
    }

    #[test]
    fn rows_that_differ_in_their_texts_alone_are_of_one_shape() {
        let row = |first: &str, last: &str, mail: &str| {
            let cell = |header: &&str| match *header {
                "Prénom" => first.to_owned(),
                "Nom" => last.to_owned(),
                "Mail" => mail.to_owned(),
                "Société" => "Acme SARL".to_owned(),
                _ => String::new(),
            };
            HEADER.iter().map(cell).collect::<Vec<_>>()
        };
        let rows = [
            row("Jean", "Martin", "j@m.fr"),
            row("Zoé", "Dupont", "zoe.d@free.fr"),
            row("Anne", "Roy", "anne@roy.com"),
        ];
        for kind in ["person", "organisation", "both", "decide"] {
            let (_, repeated) = given(&format!("rows = \"{kind}\"\n{COLUMNS}"), &rows, false);
            assert!(repeated > 1, "{kind}: {repeated}");
        }
    }
}
