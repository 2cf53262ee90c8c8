//! Targets as data: objects in load order, columns, lengths, pick lists, limits.
//!
//! One file of `mappings/targets/` says everything that is special about a CRM; nothing in the code
//! knows one by name. `mappings/targets/README.md` is the reference of its keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::{Path as FilePath, PathBuf},
};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{
    consent::DECEASED,
    path::{self, Path},
};
use crate::{
    error::{Error, Problem, Result},
    model::{Lang, ValueKind},
    table::{Channel, ConsentState},
    value::text::nearest,
};

/// The targets that are compiled in.
const BUILT_IN: [(&str, &str); 8] = [
    ("salesforce", include_str!("../../mappings/targets/salesforce.toml")),
    ("hubspot", include_str!("../../mappings/targets/hubspot.toml")),
    ("dynamics365", include_str!("../../mappings/targets/dynamics365.toml")),
    ("odoo", include_str!("../../mappings/targets/odoo.toml")),
    ("pipedrive", include_str!("../../mappings/targets/pipedrive.toml")),
    ("sap-c4c", include_str!("../../mappings/targets/sap-c4c.toml")),
    ("suitecrm", include_str!("../../mappings/targets/suitecrm.toml")),
    ("csv", include_str!("../../mappings/targets/csv.toml")),
];

/// One file of `mappings/targets/`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name: the file's without `.toml`.
    #[serde(skip)]
    pub name: String,
    /// The file it was read from.
    #[serde(skip)]
    pub path: PathBuf,
    /// What it was read from: problems are found in it by line.
    #[serde(skip)]
    text: String,
    /// The language of what marks missing values.
    #[serde(skip)]
    pub lang: Lang,
    /// What `LOAD.md` and the report call it.
    pub label: String,
    /// How its files are written.
    #[serde(default)]
    pub file: FileRules,
    /// What becomes of persons without a present organisation.
    #[serde(default)]
    pub orphans: Orphans,
    /// With `orphans = "placeholder"`: the name of the account that takes them.
    #[serde(default)]
    pub orphans_account: String,
    /// Pick lists: canonical value to the target's, by list name.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// What an integrator has to know.
    #[serde(default)]
    pub guide: Guide,
    /// The objects, in load order.
    #[serde(rename = "object")]
    pub objects: Vec<Object>,
}

/// How load files are written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileRules {
    /// Between cells.
    pub delimiter: char,
    /// After each row.
    pub line_end: LineEnd,
    /// Whether the file starts with a byte order mark.
    pub bom: bool,
    /// Which cells are quoted.
    pub quote: Quote,
    /// Most rows of one file, header excluded; more go to further numbered parts.
    pub max_rows: Option<u64>,
    /// Most bytes of one file, header included.
    pub max_bytes: Option<u64>,
    /// What a length counts.
    pub length_in: Measure,
    /// Between the lines of one cell.
    pub newline: String,
    /// Between several values in one cell.
    pub join: String,
    /// What is written for yes.
    #[serde(rename = "true")]
    pub yes: String,
    /// What is written for no.
    #[serde(rename = "false")]
    pub no: String,
    /// Form of dates: `%Y`, `%m`, `%d`.
    pub date: String,
    /// Form of date-times: besides `%H`, `%M`, `%S`.
    pub datetime: String,
    /// Decimal mark.
    pub decimal: char,
    /// What is written where there is no value.
    pub null: String,
    /// Whether columns without any value are written.
    pub empty_columns: EmptyColumns,
    /// Characters that no value may hold; each becomes a blank.
    pub forbidden: String,
    /// Values that mean something else to the target (`#N/A`), and what to write in their place.
    pub reserved: BTreeMap<String, String>,
    /// What stands before the extension of a phone number.
    pub phone_extension: String,
}

impl Default for FileRules {
    fn default() -> FileRules {
        FileRules {
            delimiter: ',',
            line_end: LineEnd::Lf,
            bom: false,
            quote: Quote::Needed,
            max_rows: None,
            max_bytes: None,
            length_in: Measure::Characters,
            newline: "\n".into(),
            join: "; ".into(),
            yes: "true".into(),
            no: "false".into(),
            date: "%Y-%m-%d".into(),
            datetime: "%Y-%m-%dT%H:%M:%S.000Z".into(),
            decimal: '.',
            null: String::new(),
            empty_columns: EmptyColumns::Keep,
            forbidden: String::new(),
            reserved: BTreeMap::new(),
            phone_extension: " x".into(),
        }
    }
}

/// What ends a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum LineEnd {
    Lf,
    Crlf,
}

/// Which cells are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quote {
    /// Those that hold the delimiter, a quote or a line end.
    Needed,
    /// All.
    Always,
}

/// What a length counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Unicode characters.
    Characters,
    /// UTF-16 units: an emoji counts two.
    Utf16,
    /// Bytes of UTF-8.
    Bytes,
}

/// Whether columns without any value are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum EmptyColumns {
    Keep,
    Omit,
}

/// What becomes of persons without a present organisation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orphans {
    /// They are loaded without one.
    #[default]
    Load,
    /// They hang on one marked account, made for them.
    Placeholder,
}

/// What an integrator has to know; each text is a paragraph of `LOAD.md`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guide {
    /// What to do before the load.
    pub before: Vec<String>,
    /// What to do after it.
    pub after: Vec<String>,
    /// Where the CRM says which rows it refused.
    pub errors: Vec<String>,
    /// What a second load of the same files does.
    pub again: Vec<String>,
    /// What persons without an organisation become.
    pub orphans: String,
}

/// What the rows of an object are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowsOf {
    /// One row per golden organisation.
    Organisation,
    /// One row per golden person.
    Person,
    /// One row per link between a person and an organisation.
    Link,
    /// One row per link between two organisations.
    OrganisationLink,
    /// One row per address or number of `channel` whose state is one of `states`.
    ContactPoint,
    /// One row per line of `golden/consents.csv`.
    Consent,
    /// One row per key of a legacy system.
    Key,
    /// One row per member of a household.
    Household,
}

/// The order of an object's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// By golden id.
    #[default]
    Id,
    /// Parents before their children, then by golden id.
    ParentsFirst,
    /// By the person's organisation, then by golden id: spares a CRM that locks accounts.
    Account,
}

/// Which links a file of links holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Links {
    /// All of them.
    #[default]
    All,
    /// Those that do not already stand in the person's own row.
    Secondary,
}

/// One object of the target and the file it is loaded from.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// What other objects and messages call it.
    pub name: Spanned<String>,
    /// The target's own name for it.
    pub object: String,
    /// The file, in `load/<target>/`.
    pub file: String,
    /// What its rows are made of.
    pub rows: RowsOf,
    /// The order of its rows.
    #[serde(default)]
    pub order: Order,
    /// A path that must have a value: other rows are not for this file.
    pub only_with: Option<String>,
    /// A path that must have a value for the target to take the row; other rows are left out and
    /// reported.
    pub needs: Option<String>,
    /// Which links, for `rows = "link"`.
    #[serde(default)]
    pub links: Links,
    /// Which channel, for `rows = "contact_point"`.
    pub channel: Option<Channel>,
    /// Which states, for `rows = "contact_point"`: words of the design, and `unknown`.
    #[serde(default)]
    pub states: Vec<String>,
    /// Headers of which at least one must be filled; other rows are left out and reported.
    #[serde(default)]
    pub at_least_one: Vec<String>,
    /// The header of the column that identifies a row for the target.
    pub key: Option<String>,
    /// Most rows of one file, where the object's limit differs.
    pub max_rows: Option<u64>,
    /// Most bytes of one file, where the object's limit differs.
    pub max_bytes: Option<u64>,
    /// How to load it: commands, with `{file}` for each file, or steps.
    #[serde(default)]
    pub load: Vec<String>,
    /// How to count what was loaded.
    #[serde(default)]
    pub count: String,
    /// The columns, in order.
    pub columns: Vec<Column>,
}

/// What marks a value that the target demands and that is not there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Placeholder {
    /// The same in each language.
    One(String),
    /// By the language of the project.
    Each {
        /// In English.
        en: String,
        /// In French.
        fr: String,
    },
}

impl Placeholder {
    /// The text in a language.
    pub fn text(&self, lang: Lang) -> &str {
        match (self, lang) {
            (Placeholder::One(text), _) => text,
            (Placeholder::Each { en, .. }, Lang::En) => en,
            (Placeholder::Each { fr, .. }, Lang::Fr) => fr,
        }
    }
}

/// One column of a load file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its header, as the target wants it.
    pub header: Spanned<String>,
    /// Where its values come from: a path, or several separated by `|`, of which the first with a value
    /// counts.
    pub from: Option<String>,
    /// The same value in every row, in place of `from`.
    pub constant: Option<String>,
    /// Most that the target takes.
    pub length: Option<usize>,
    /// What is done with longer values; without it names and texts are cut, and values that mean
    /// nothing once cut (addresses, numbers, codes) are left out.
    pub too_long: Option<TooLong>,
    /// Headers of further columns that take what does not fit, for `too_long = "wrap"`.
    #[serde(default)]
    pub wrap_to: Vec<String>,
    /// The column that takes the whole value, for `too_long = "move"`.
    pub move_to: Option<String>,
    /// What is written where the target demands a value and there is none.
    pub placeholder: Option<Placeholder>,
    /// Whether the target demands a value.
    #[serde(default)]
    pub required: bool,
    /// Whether the target makes one of all rows with the same value: those that share one are told.
    #[serde(default)]
    pub unique: bool,
    /// The name of the pick list that translates values.
    pub values: Option<String>,
    /// What is done with values that the pick list does not hold.
    #[serde(default)]
    pub unlisted: Unlisted,
    /// The form of the value; without it that of its value kind.
    pub form: Option<Form>,
    /// Written before every value.
    #[serde(default)]
    pub prefix: String,
    /// Whether the value is written in capitals or in small letters.
    pub case: Option<Case>,
    /// Between several values, where it differs from the file's.
    pub join: Option<String>,
    /// The object that must hold the golden id that is written here.
    pub reference: Option<String>,
    /// The type to give it in the CRM, for columns that are not standard: `Text(9)`.
    pub custom: Option<String>,
}

/// What is done with a value that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TooLong {
    /// It is cut on a word border.
    Cut,
    /// It is left out: cut, it would mean something else.
    Error,
    /// What does not fit goes to further columns, on word borders.
    Wrap,
    /// It is cut, and stands whole in another column.
    Move,
}

/// What is done with a value that the pick list does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unlisted {
    /// It is left out, and reported.
    #[default]
    Blank,
    /// It is written as it is.
    Keep,
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As it is.
    Text,
    /// A whole date.
    Date,
    /// A date with its time; midnight where none is known.
    Datetime,
    /// Yes or no.
    Boolean,
    /// A number.
    Decimal,
    /// A whole number.
    Integer,
    /// A phone number, its extension as the target wants it.
    Phone,
}

/// Capitals or small letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Case {
    Upper,
    Lower,
}

impl Object {
    /// The headers of its columns, those that values wrap to included.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().flat_map(|c| {
            std::iter::once(c.header.get_ref().as_str()).chain(c.wrap_to.iter().map(String::as_str))
        })
    }
}

impl Column {
    /// The paths of `from`; none for a constant.
    pub(super) fn paths(&self, rows: RowsOf) -> Result<Vec<Path>, path::BadPath> {
        self.from.as_ref().map_or(Ok(Vec::new()), |from| path::parse_all(from, rows))
    }

    /// What is done with a value that is too long.
    pub(super) fn policy(&self, paths: &[Path]) -> TooLong {
        self.too_long.unwrap_or_else(|| match paths.first().map(Path::value_kind) {
            Some(ValueKind::Email | ValueKind::Phone | ValueKind::Identifier | ValueKind::Url) => {
                TooLong::Error
            }
            _ => TooLong::Cut,
        })
    }
}

impl Target {
    /// The names of the targets that are compiled in.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The text of a target that is compiled in: what a project copies to change it.
    pub fn builtin_text(name: &str) -> Option<&'static str> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// The target of this name that is compiled in; fails with the nearest name as a hint.
    pub fn builtin(name: &str) -> Result<Target> {
        let text = Target::builtin_text(name).ok_or_else(|| Error::NotFound {
            what: "target",
            name: name.to_owned(),
            hint: Some(match nearest(name, Target::names()) {
                Some(near) => format!("the nearest is `{near}`"),
                None => format!("there are `{}`", Target::names().collect::<Vec<_>>().join("`, `")),
            }),
        })?;
        Target::parse(text, FilePath::new(&format!("mappings/targets/{name}.toml")))
    }

    /// Reads a target's TOML; `path` is where it stands, for messages and for its name.
    ///
    /// Fails on what TOML does not allow, and on keys that do not exist, with the nearest as a hint.
    /// What the keys say is checked by [`Target::check`].
    pub fn parse(text: &str, path: &FilePath) -> Result<Target> {
        let mut target: Target = toml::from_str(text).map_err(|error| Error::Settings {
            problems: vec![toml_problem(&error, text, path)],
        })?;
        target.name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        target.path = path.to_owned();
        target.text = text.to_owned();
        Ok(target)
    }

    /// All that makes no sense in it, in file order.
    pub fn check(&self) -> Vec<Problem> {
        let mut check = Check { target: self, problems: Vec::new() };
        check.file();
        for (position, object) in self.objects.iter().enumerate() {
            check.object(object, &self.objects[..position]);
        }
        check.problems
    }
}

/// Gathers the problems of one target.
struct Check<'t> {
    target: &'t Target,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn add(&mut self, at: Option<Range<usize>>, message: String, hint: Option<String>) {
        let place = match at {
            Some(span) => place_of(&self.target.path, &self.target.text, span.start),
            None => self.target.path.display().to_string(),
        };
        self.problems.push(Problem { place, message, hint });
    }

    fn file(&mut self) {
        let (target, rules) = (self.target, &self.target.file);
        if target.objects.is_empty() {
            self.add(None, "it has no object".into(), None);
        }
        if matches!(rules.delimiter, '"' | '\r' | '\n') || rules.delimiter.len_utf8() > 1 {
            self.add(
                None,
                "the delimiter must be one ASCII character, not a quote or line end".into(),
                None,
            );
        }
        for (key, limit) in [("max_rows", rules.max_rows), ("max_bytes", rules.max_bytes)] {
            if limit == Some(0) {
                self.add(None, format!("`{key}` is 0: no row would ever fit"), None);
            }
        }
        if target.orphans == Orphans::Placeholder && target.orphans_account.is_empty() {
            let hint = "say what the account is called: `orphans_account = \"...\"`".to_owned();
            self.add(
                None,
                "persons without organisation have no account to hang on".into(),
                Some(hint),
            );
        }
        let loses = rules.reserved.iter().find(|(from, to)| from == to || to.is_empty());
        if let Some((from, _)) = loses {
            self.add(
                None,
                format!("the reserved value `{from}` is replaced by itself or by nothing"),
                None,
            );
        }
    }

    fn object(&mut self, object: &Object, earlier: &[Object]) {
        let at = || Some(object.name.span());
        let name = object.name.get_ref();
        if earlier.iter().any(|e| e.name.get_ref() == name) {
            self.add(at(), format!("there are two objects called `{name}`"), None);
        }
        if earlier.iter().any(|e| e.file == object.file) {
            self.add(at(), format!("two objects write the file `{}`", object.file), None);
        }
        let is_plain = FilePath::new(&object.file).file_name() == Some(object.file.as_ref());
        if !is_plain || OWN_FILES.contains(&object.file.as_str()) {
            let hint = format!("not a path, and none of `{}`", OWN_FILES.join("`, `"));
            self.add(
                at(),
                format!("`{}` cannot be the name of a load file", object.file),
                Some(hint),
            );
        }
        if object.columns.is_empty() {
            self.add(at(), format!("`{name}` has no column"), None);
        }
        if object.max_rows == Some(0) || object.max_bytes == Some(0) {
            self.add(at(), format!("a limit of `{name}` is 0: no row would ever fit"), None);
        }
        for (key, text) in [("only_with", &object.only_with), ("needs", &object.needs)] {
            if let Some(Err(bad)) = text.as_ref().map(|text| path::parse_all(text, object.rows)) {
                self.add(at(), format!("`{key}` of `{name}`: {}", bad.message), bad.hint);
            }
        }
        self.selection(object);
        let headers: BTreeSet<&str> = object.headers().collect();
        let mentioned = object.at_least_one.iter().chain(&object.key);
        for header in mentioned.filter(|h| !headers.contains(h.as_str())) {
            let near = nearest(header, headers.iter().copied());
            let hint = near.map(|near| format!("the nearest is `{near}`"));
            self.add(at(), format!("`{name}` has no column `{header}`"), hint);
        }
        let mut seen = BTreeSet::new();
        for header in object.headers() {
            if !seen.insert(header) {
                self.add(at(), format!("`{name}` has two columns `{header}`"), None);
            }
        }
        for column in &object.columns {
            self.column(column, object, earlier, &headers);
        }
    }

    fn selection(&mut self, object: &Object) {
        let at = || Some(object.name.span());
        if object.rows == RowsOf::ContactPoint {
            if object.channel.is_none() {
                let hint = "add `channel = \"email\"`".to_owned();
                self.add(at(), "contact points need a channel".into(), Some(hint));
            }
            if object.states.is_empty() {
                let hint = format!("add `states = [...]` of `{}`", state_words().join("`, `"));
                self.add(at(), "contact points need states".into(), Some(hint));
            }
        }
        for state in object.states.iter().filter(|s| !state_words().contains(&s.as_str())) {
            let near = nearest(state, state_words());
            let hint = near.map(|near| format!("the nearest is `{near}`"));
            self.add(at(), format!("there is no consent state `{state}`"), hint);
        }
    }

    fn column(
        &mut self,
        column: &Column,
        object: &Object,
        earlier: &[Object],
        headers: &BTreeSet<&str>,
    ) {
        let at = || Some(column.header.span());
        let header = column.header.get_ref();
        if header.is_empty() || header.contains(['"', '\n', '\r']) {
            self.add(at(), "a header is one line without quotes".into(), None);
        }
        match (&column.from, &column.constant) {
            (Some(_), Some(_)) => {
                self.add(at(), format!("`{header}` has both `from` and `constant`"), None);
            }
            (None, None) => {
                let hint =
                    Some("add `from = \"an attribute\"` or `constant = \"a value\"`".to_owned());
                self.add(at(), format!("nothing says what `{header}` is filled with"), hint);
            }
            _ => {}
        }
        if let Err(bad) = column.paths(object.rows) {
            self.add(at(), format!("`{header}`: {}", bad.message), bad.hint);
        }
        if column.length == Some(0) {
            self.add(at(), format!("`{header}` has length 0"), Some("leave the column out".into()));
        }
        if column.required
            && column.placeholder.as_ref().is_none_or(|p| p.text(Lang::En).is_empty())
            && column.constant.is_none()
        {
            let hint =
                "add `placeholder = \"(inconnu)\"`, or `at_least_one` to the object".to_owned();
            self.add(
                at(),
                format!("nothing says what to write where the required `{header}` is empty"),
                Some(hint),
            );
        }
        if let Some(list) = column.values.as_ref().filter(|l| !self.target.values.contains_key(*l))
        {
            let near = nearest(list, self.target.values.keys().map(String::as_str));
            let hint = near.map(|near| format!("the nearest is `{near}`"));
            self.add(at(), format!("`{header}`: there is no `[values.{list}]`"), hint);
        }
        self.too_long(column, headers);
        if let Some(reference) = &column.reference {
            let earlier = earlier.iter().chain(std::iter::once(object));
            if !earlier.clone().any(|o| o.name.get_ref() == reference) {
                let near = nearest(reference, earlier.map(|o| o.name.get_ref().as_str()));
                let hint = near.map(|near| format!("the nearest is `{near}`"));
                self.add(
                    at(),
                    format!("`{header}`: no object `{reference}` is loaded before"),
                    hint,
                );
            }
        }
    }

    fn too_long(&mut self, column: &Column, headers: &BTreeSet<&str>) {
        let at = || Some(column.header.span());
        let header = column.header.get_ref();
        let wraps = column.too_long == Some(TooLong::Wrap);
        if wraps == column.wrap_to.is_empty() {
            self.add(
                at(),
                format!("`{header}`: `too_long = \"wrap\"` and `wrap_to` go together"),
                None,
            );
        }
        let moves = column.too_long == Some(TooLong::Move);
        if moves != column.move_to.is_some() {
            self.add(
                at(),
                format!("`{header}`: `too_long = \"move\"` and `move_to` go together"),
                None,
            );
        }
        if let Some(to) =
            column.move_to.as_ref().filter(|to| !headers.contains(to.as_str()) || *to == header)
        {
            let hint =
                nearest(to, headers.iter().copied()).map(|near| format!("the nearest is `{near}`"));
            self.add(at(), format!("`{header}`: there is no other column `{to}` to move to"), hint);
        }
        if column.too_long.is_some() && column.length.is_none() {
            self.add(at(), format!("`{header}` has `too_long` and no `length`"), None);
        }
    }
}

/// The files of a load package that are no load files.
pub(super) const OWN_FILES: [&str; 4] = ["LOAD.md", "files.csv", "misfits.csv", "suppression.csv"];

/// The words of consent states, `deceased` and `unknown` included.
fn state_words() -> [&'static str; 7] {
    let [pending, hard_bounce, opt_out, complaint] = [
        ConsentState::Pending,
        ConsentState::HardBounce,
        ConsentState::OptOut,
        ConsentState::Complaint,
    ]
    .map(ConsentState::as_str);
    [ConsentState::OptIn.as_str(), pending, hard_bounce, opt_out, complaint, DECEASED, "unknown"]
}

/// What the TOML reader says, with its place and, for an unknown key, the nearest known one.
fn toml_problem(error: &toml::de::Error, text: &str, path: &FilePath) -> Problem {
    let message = error.message();
    let place = match error.span() {
        Some(span) => place_of(path, text, span.start),
        None => path.display().to_string(),
    };
    let unknown =
        message.strip_prefix("unknown field ").or(message.strip_prefix("unknown variant "));
    let hint = unknown.and_then(|rest| {
        let (word, choices) = rest.split_once(", expected ")?;
        let choices = choices.split('`').skip(1).step_by(2);
        let near = nearest(word.trim_matches('`'), choices)?;
        Some(format!("the nearest is `{near}`"))
    });
    let message =
        message.replace("unknown field", "unknown key").replace("unknown variant", "unknown word");
    Problem { place, message, hint }
}

/// `file:line:column` of a byte of `text`.
fn place_of(path: &FilePath, text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    format!("{}:{line}:{column}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The problems of an object with these columns, as `line: message (hint)`.
    fn problems(columns: &str) -> Vec<String> {
        let text = format!(
            "label = \"X\"\n[[object]]\nname = \"contacts\"\nobject = \"C\"\nfile = \"c.csv\"\n\
             rows = \"person\"\ncolumns = [\n{columns}\n]\n"
        );
        let show = |p: Problem| {
            let line = p.place.split(':').nth(1).unwrap_or("").to_owned();
            format!(
                "{line}: {}{}",
                p.message,
                p.hint.map(|h| format!(" ({h})")).unwrap_or_default()
            )
        };
        match Target::parse(&text, FilePath::new("x.toml")) {
            Ok(target) => target.check().into_iter().map(show).collect(),
            Err(Error::Settings { problems }) => problems.into_iter().map(show).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_built_in_targets_have_no_problem() {
        for name in Target::names() {
            let target = Target::builtin(name).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(target.check(), [], "{name}");
            assert_eq!(target.name, name);
        }
    }

    #[test]
    fn an_unknown_key_is_an_error_with_the_nearest_as_a_hint() {
        assert_eq!(
            problems("{ header = \"Email\", form = \"date\", lenght = 8 }")[0].split(" (").last(),
            Some("the nearest is `length`)")
        );
        assert_eq!(
            problems("{ header = \"Email\", from = \"email\", length = 9, too_long = \"cutt\" }")
                [0],
            "8: unknown word `cutt`, expected one of `cut`, `error`, `wrap`, `move` (the nearest is `cut`)"
        );
    }

    #[test]
    fn all_problems_are_found_at_once_each_with_its_line() {
        let found = problems(concat!(
            "{ header = \"A\", from = \"emial\" },\n",
            "{ header = \"A\", from = \"email\", length = 0 },\n",
            "{ header = \"B\" },\n",
            "{ header = \"C\", from = \"civility\", values = \"salutation\" },\n",
            "{ header = \"D\", from = \"last_name\", required = true },\n",
            "{ header = \"E\", from = \"link.current.organisation_id\", reference = \"accounts\" },\n",
            "{ header = \"F\", from = \"job_title\", length = 5, too_long = \"wrap\" },",
        ));
        assert_eq!(
            found,
            [
                "3: `contacts` has two columns `A`",
                "8: `A`: there is no `emial` (the nearest is `email`)",
                "9: `A` has length 0 (leave the column out)",
                "10: nothing says what `B` is filled with (add `from = \"an attribute\"` or `constant = \"a value\"`)",
                "11: `C`: there is no `[values.salutation]`",
                "12: nothing says what to write where the required `D` is empty (add `placeholder = \"(inconnu)\"`, or `at_least_one` to the object)",
                "13: `E`: no object `accounts` is loaded before",
                "14: `F`: `too_long = \"wrap\"` and `wrap_to` go together",
            ]
        );
    }

    #[test]
    fn a_target_that_does_not_exist_is_named_with_the_nearest() {
        let error = Target::builtin("salesfroce").expect_err("there is none");
        assert_eq!(error.hint().as_deref(), Some("the nearest is `salesforce`"));
    }
}
