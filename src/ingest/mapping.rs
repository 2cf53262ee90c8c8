//! Mappings as data: how an export is recognised by its header, and which column is which attribute.
//!
//! A mapping is one TOML file of `mappings/sources/`:
//!
//! ```toml
//! base = "mailchimp"                     # a built-in mapping, of which this one says only what differs
//! label = { en = "Customers of the old shop", fr = "Clients de l'ancienne boutique" }
//! rows = "both"                          # person, organisation, both, decide, fec, history
//! id = ["Code client"]                   # the column whose value is the record key, if there is one
//! codes = true                           # the ids are customer codes: they live in a key space
//! encoding = "windows-1250"              # UTF-8, windows-1252, ISO-8859-15, IBM850, macintosh...; none: as found
//! owner = "none"                         # or "file_name": the file is named after its owner
//!
//! [recognise]
//! signature = ["Code client", "Nom|Raison sociale"]   # all must be there; `|` separates synonyms
//! file_name = ["clients*"]               # raises the confidence; with `only_file_name` it is needed
//! as_written = true                      # case and marks of the signature count: `EMAIL`, not `Email`
//!
//! [[columns]]
//! header = ["Tél. mobile", "Mobile Phone"]   # synonyms; `#` stands for a number: `E-mail # - Value`
//! nth = 1                                # of repeated headers, which one; 0 (the default) is any
//! attribute = "mobile"                   # of the model, or `extra.<anything>`; none: kept as an extra. Besides:
//!                                        # `street_number` joins the street, `particle` (`van der`) the last
//!                                        # name, `birth_year`, `birth_month` and
//!                                        # `birth_day` the birth date, `inactive` is the contrary of `active`,
//!                                        # `kind` says whether the row is a person or an organisation,
//!                                        # `collective_account` (40.. supplier, 41.. customer) the `role`, and
//!                                        # so do `is_customer` (yes, or the number 1 or 3) and `is_supplier` (yes,
//!                                        # or a number but 0)
//! on = ["person"]                        # default: the kinds the model says, the row's subject first
//! label = "work"                         # work, home, other, billing, delivery...
//! label_column = "E-mail # - Label"      # or the column that holds the label; `|` separates synonyms
//! contact = true                         # of one more person, a contact; with `#` one for each number
//! required = true                        # told when the column is not there
//! split = ":::"                          # the cell holds several values
//! empty = ["0/0/00"]                     # what stands for no value
//! omit = true                            # left out on purpose, even of the extras
//!
//! [[consents]]
//! column = ["EMAIL_BLACKLISTED"]         # the strictest of the filled ones; none: every row says it
//! file_name = []                         # only in files so named
//! channels = ["email"]                   # email, sms, phone, post
//! state = "opt_out"                      # of every filled cell; or by its words:
//! words = { yes = "opt_out" }            # `yes`: oui, x, 1, true...; `no`: non, n; `false`: 0, faux,
//!                                        # false; `objection`: refusé, désabonné, stop...; `permission`:
//!                                        # accepte, inscrit...; `date`: a date, since which it holds;
//!                                        # else the word that the cell is or begins with
//! contact_point = ["EMAIL"]              # whose value is meant; none: the person, whatever the point
//! since = ["UNSUB_TIME"]                 # the first filled of these columns
//! proof = ["OPTIN_TIME", "OPTIN_IP"]     # all filled: an opt-in is proved
//! purpose = "newsletter"
//!
//! [[private]]
//! column = ["Privé"]
//! values = ["Vrai", "True"]              # such rows are left out; of a list in a cell any one
//! kept = false                           # or true: they are kept, and told as confidential
//!
//! [history]                              # with rows = "history"
//! kind = "invoice"
//! key = ["Code client"]
//! key_attribute = "customer_code"        # customer_code, account_code, email
//! email = ["E-mail contact"]             # stands in where the key is empty
//! name = ["Nom client"]
//! date = ["Date"]
//! amount = ["Montant TTC"]
//! currency = ["Devise"]
//!
//! [fixed_width]                          # of a text without delimiters: which characters are a column
//! encoding = "IBM850"                    # as above
//! line = '^C[0-9]{5} '                   # a regular expression that each line fits; others are rejects
//! least = 40                             # characters of a line: shorter ones are rejects; none: all of them
//! columns = [{ name = "Code client", from = 1, width = 8 }]   # from 1; the names are the headers above
//!
//! [[tables]]                             # a further table of the same files: all of the above, but for
//! rows = "decide"                        # its own columns; of all, the one that knows most of the
//!                                        # header reads a table
//! ```
//!
//! Headers are compared without regard to case, accents, punctuation and blanks.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, LazyLock},
};

use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::read::{self, fixed::FixedWidth};
use crate::{
    error::{Error, Problem, Result},
    model::{self, Kind},
    store,
    table::{Channel, ConsentState},
    value::text::{fold, nearest},
};

/// One file of `mappings/sources/`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mapping {
    /// Its name: the file's without `.toml`.
    #[serde(skip)]
    pub name: String,
    /// The built-in mapping that this one completes: everything that it does not say itself.
    pub base: String,
    /// What people call this export.
    pub label: Label,
    /// How it is recognised.
    pub recognise: Signature,
    /// What a row yields.
    pub rows: Rows,
    /// Headers of the id column, the first one present counts.
    pub id: Vec<String>,
    /// Whether the ids are customer codes, which live in a key space.
    pub codes: bool,
    /// What texts are written in, where that is not to be found out: `windows-1250`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub encoding: String,
    /// Where a row's owner is found when no column says it.
    pub owner: Owner,
    /// Which column is which attribute.
    pub columns: Vec<ColumnRule>,
    /// What the columns (or the file's name) say about consent.
    pub consents: Vec<ConsentRule>,
    /// Which rows are private.
    pub private: Vec<PrivateRule>,
    /// Of a related table: where its key, date and amount stand.
    pub history: Option<HistoryRule>,
    /// Of a text without delimiters: where its columns stand.
    pub fixed_width: Option<FixedWidth>,
    /// Of further tables in the same files: how they are read.
    pub tables: Vec<Mapping>,
    /// Of a project's own file the headers that it names itself, synonyms together: each must stand in
    /// some file that the mapping reads, or somebody misspelt it.
    #[serde(skip)]
    pub own: Vec<Vec<String>>,
}

/// A label in the languages of the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Label {
    pub en: String,
    pub fr: String,
}

/// What makes an export recognisable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Signature {
    /// Headers that must all be there; synonyms separated by `|`.
    pub signature: Vec<String>,
    /// Headers that must not be there: those of a wider layout.
    pub without: Vec<String>,
    /// Patterns of the file's name without folders; `*` stands for anything, `#` for digits.
    pub file_name: Vec<String>,
    /// Whether one of the patterns must fit.
    pub only_file_name: bool,
    /// Whether the headers of the signature must be written exactly so.
    pub as_written: bool,
    /// The container it comes in, when only one is possible: `vcard`.
    pub container: String,
}

/// What a row yields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// One person; a company column is an attribute of the person, and an organisation besides.
    Person,
    /// One organisation, and the contact persons that its columns name.
    Organisation,
    /// A person, an organisation, or both, by which names are filled.
    #[default]
    Both,
    /// One customer whose name may be a person's or an organisation's: the evidence decides.
    Decide,
    /// Entries of a French accounting file: one customer per account.
    Fec,
    /// History of customers that other tables define.
    History,
}

/// Where a row's owner is found when no column says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Nowhere.
    #[default]
    None,
    /// The file is named after its owner: `c.lenoir.CSV`.
    FileName,
}

/// Which attribute a column holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnRule {
    /// Synonyms of its header; `#` stands for a number.
    pub header: Vec<String>,
    /// Of repeated headers which one, from 1; 0 is any.
    pub nth: usize,
    /// The attribute of the model; empty: known, but kept only as an extra.
    pub attribute: String,
    /// The records that get the value; empty: as the model says, the row's subject first.
    pub on: Vec<Kind>,
    /// What the column says of its value; the parts of one address carry the same label.
    pub label: String,
    /// The column whose cell is the label; `#` is the same number as in `header`.
    pub label_column: String,
    /// Whether it is about one more person than the row's own; each number of `#` is another one.
    pub contact: bool,
    /// Whether the column must be there: its absence is told for each table.
    pub required: bool,
    /// What separates several values in one cell; empty: there is one.
    pub split: String,
    /// Cells that stand for no value.
    pub empty: Vec<String>,
    /// Whether the column is left out, even of the extras: it says nothing, or must not be kept.
    pub omit: bool,
}

/// What a column, or a file's name, says about consent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentRule {
    /// Headers that say it, the strictest of the filled ones counts; empty: every row says it.
    pub column: Vec<String>,
    /// Patterns of the file's name to which the rule is limited; empty: all files.
    pub file_name: Vec<String>,
    /// The channels it is about.
    pub channels: Vec<Channel>,
    /// What every filled cell says.
    pub state: Option<ConsentState>,
    /// What the words in the cell say: the word itself or the first words of the cell; else `yes` in any
    /// form, `no` said in words, `false` for a box that is not ticked, `objection` and `permission` for
    /// words of refusal and consent, `date` for a date alone.
    pub words: BTreeMap<String, ConsentState>,
    /// Headers of the contact points it is about; empty: it is about the person or organisation.
    pub contact_point: Vec<String>,
    /// Headers of the date it was said on: the first filled counts.
    pub since: Vec<String>,
    /// Headers that prove an opt-in when all are filled.
    pub proof: Vec<String>,
    /// What for.
    pub purpose: String,
}

/// Which rows are private.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivateRule {
    /// Synonyms of the header.
    pub column: Vec<String>,
    /// Cells, or members of a list in a cell, that say so.
    pub values: Vec<String>,
    /// Whether the rows are kept all the same, and each is told: they are the company's, and confidential.
    pub kept: bool,
}

/// Where a related table has its key, date and amount: synonyms of headers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryRule {
    /// `invoice`, `quote`, `order`, `opportunity`, `activity`, `ticket`...
    pub kind: String,
    /// What refers to the customer.
    pub key: Vec<String>,
    /// The attribute that the key is of: `customer_code`, `account_code` or `email`.
    pub key_attribute: String,
    /// The email address that stands in where the key is empty.
    pub email: Vec<String>,
    /// The customer's name.
    pub name: Vec<String>,
    /// The date.
    pub date: Vec<String>,
    /// The amount.
    pub amount: Vec<String>,
    /// The currency.
    pub currency: Vec<String>,
}

/// Attributes that columns may have though records do not: they become part of others.
pub const COMPOSED: [&str; 11] = [
    "street_number",
    "particle",
    "birth_year",
    "birth_month",
    "birth_day",
    "inactive",
    "kind",
    "is_customer",
    "is_supplier",
    "collective_account",
    "payment_days",
];

impl Mapping {
    /// Reads a mapping; `place` names the file in problems, `name` is the mapping's.
    ///
    /// # Errors
    ///
    /// Every problem at once: syntax, unknown keys (with the nearest known one), unknown attributes,
    /// columns claimed twice.
    pub fn parse(name: &str, place: &str, text: &str) -> Result<Mapping, Vec<Problem>> {
        let table = DeTable::parse(text).map_err(|e| {
            vec![problem(place, text, e.span().map_or(0, |s| s.start), e.message())]
        })?;
        let mut problems = unknown_keys(place, text, table.get_ref());
        match toml::from_str::<Mapping>(text) {
            Ok(mut mapping) => {
                mapping.name = name.to_owned();
                mapping.tables.iter_mut().for_each(|table| table.name = name.to_owned());
                problems.extend(mapping.problems(place));
                if !problems.is_empty() {
                    return Err(problems);
                }
                let has_rows = table.get_ref().contains_key("rows");
                mapping.over_base(has_rows).map_err(|message| {
                    let hint = "`orpailleur mappings` lists the built-in ones".to_owned();
                    vec![Problem { place: place.to_owned(), message, hint: Some(hint) }]
                })
            }
            Err(error) => {
                // Serde stops at the first unknown key, which is already named with its hint.
                if !error.message().starts_with("unknown field") {
                    let at = error.span().map_or(0, |s| s.start);
                    problems.push(problem(place, text, at, error.message()));
                }
                Err(problems)
            }
        }
    }

    /// Reads a project's own mapping from a file, whose stem is its name.
    pub fn load(path: &Path) -> Result<Mapping> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = store::read_text(path)?;
        let mapping = Mapping::parse(&name, &path.display().to_string(), &text)
            .map_err(|problems| Error::Settings { problems })?;
        // Without what the base adds, which no file has all of.
        let written = toml::from_str::<Mapping>(&text).unwrap_or_default();
        Ok(Mapping { own: written.named_headers(), ..mapping })
    }

    /// The headers that the mapping names, synonyms together; of a copy of a built-in mapping only those
    /// that differ from it. Columns that are required of each file are not among them.
    fn named_headers(&self) -> Vec<Vec<String>> {
        let mut named = self.header_lists();
        let is_copied = |b: &&Arc<Mapping>| {
            !b.recognise.signature.is_empty() && b.recognise.signature == self.recognise.signature
        };
        if let Some(original) = built_in().iter().find(is_copied) {
            let known = original.header_lists();
            named.retain(|headers| !known.contains(headers));
        }
        named.extend(self.tables.iter().flat_map(Mapping::named_headers));
        named
    }

    /// The headers that the mapping itself names, without its further tables; synonyms together.
    fn header_lists(&self) -> Vec<Vec<String>> {
        let columns = self.columns.iter().filter(|rule| !rule.required).map(|rule| &rule.header);
        let consents = self.consents.iter().map(|rule| &rule.column);
        let private = self.private.iter().map(|rule| &rule.column);
        let history = self
            .history
            .iter()
            .flat_map(|h| [&h.key, &h.email, &h.name, &h.date, &h.amount, &h.currency]);
        let named = columns.chain([&self.id]).chain(consents).chain(private).chain(history);
        named.filter(|headers| !headers.is_empty()).cloned().collect()
    }

    /// The tables of the file at `path` as this mapping has them read.
    ///
    /// # Errors
    ///
    /// As [`read::open`].
    pub fn open(&self, path: &Path) -> Result<Vec<read::Table>> {
        let shape = self.fixed_width.as_ref();
        read::open_as(path, &read::Declared { shape, encoding: &self.encoding })
    }

    /// The mapping as the TOML that [`Mapping::parse`] reads, for a project's own file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a mapping has string keys only")
    }

    /// The mapping with what its base says and it does not; itself when it has no base.
    fn over_base(self, has_rows: bool) -> Result<Mapping, String> {
        if self.base.is_empty() {
            return Ok(self);
        }
        let Some(base) = named(&self.base) else {
            return Err(format!("there is no built-in mapping `{}`", self.base));
        };
        let mut whole = Mapping::clone(&base).with_columns(self.columns);
        whole.name = self.name;
        if self.label != Label::default() {
            whole.label = self.label;
        }
        if self.recognise != Signature::default() {
            whole.recognise = self.recognise;
        }
        whole.fixed_width = self.fixed_width.or(whole.fixed_width);
        if !self.encoding.is_empty() {
            whole.encoding = self.encoding;
        }
        if has_rows {
            // Rows of history and `[history]` go together, as was looked for before.
            (whole.rows, whole.history) = (self.rows, self.history);
        }
        if !self.id.is_empty() {
            whole.id = self.id;
            whole.codes = self.codes;
        }
        if self.owner != Owner::None {
            whole.owner = self.owner;
        }
        whole.consents.splice(0..0, self.consents);
        whole.private.splice(0..0, self.private);
        whole.tables.extend(self.tables);
        Ok(whole)
    }

    /// The mapping with further columns, which take their headers from the columns it has.
    pub fn with_columns(mut self, columns: Vec<ColumnRule>) -> Mapping {
        let taken: BTreeSet<String> =
            columns.iter().flat_map(|rule| &rule.header).map(|h| key(h)).collect();
        for rule in &mut self.columns {
            rule.header.retain(|h| !taken.contains(&key(h)));
        }
        self.columns.retain(|rule| !rule.header.is_empty());
        self.columns.splice(0..0, columns);
        self
    }

    /// What makes no sense, whatever the file it is applied to.
    fn problems(&self, place: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        for table in &self.tables {
            problems.extend(table.problems(place));
        }
        let mut tell = |message: String, hint: Option<String>| {
            problems.push(Problem { place: place.to_owned(), message, hint });
        };
        if let Some((message, hint)) = read::problem_of_encoding(&self.encoding) {
            tell(message, Some(hint));
        }
        let mut claimed = BTreeSet::new();
        for rule in &self.columns {
            if rule.header.iter().all(|h| key(h).is_empty()) {
                tell("a column has no header".into(), Some("write `header = [\"...\"]`".into()));
            }
            let own: BTreeSet<_> = rule.header.iter().map(|h| (key(h), rule.nth)).collect();
            for (header, nth) in own {
                if !claimed.insert((header.clone(), nth)) {
                    tell(
                        format!("the header `{header}` is claimed by two columns"),
                        Some("say with `nth` which of repeated headers is meant".into()),
                    );
                }
            }
            let attribute = rule.attribute.as_str();
            if !attribute.is_empty()
                && !attribute.starts_with("extra.")
                && !COMPOSED.contains(&attribute)
                && model::attribute(attribute).is_none()
            {
                let hint = nearest(attribute, model::attributes().keys().map(String::as_str))
                    .map(|n| format!("the nearest attribute is `{n}`"))
                    .or(Some("`extra.<name>` keeps a value under a name of your own".into()));
                tell(format!("there is no attribute `{attribute}`"), hint);
            }
        }
        for rule in &self.consents {
            let what = rule.column.first().map_or("every row", String::as_str);
            if rule.channels.is_empty() {
                tell(format!("the consent of `{what}` names no channel"), None);
            }
            if rule.state.is_none() == rule.words.is_empty() {
                tell(
                    format!("the consent of `{what}` needs either `state` or `words`"),
                    Some("`state` is what a filled cell says, `words` what its words say".into()),
                );
            }
        }
        for rule in &self.private {
            if rule.column.is_empty() || rule.values.is_empty() {
                tell("a private marker needs `column` and `values`".into(), None);
            }
        }
        for (message, hint) in self.fixed_width.iter().flat_map(FixedWidth::problems) {
            tell(message, hint);
        }
        if (self.rows == Rows::History) != self.history.is_some() {
            tell(
                "`rows = \"history\"` and `[history]` go together".into(),
                Some("leave out one, or add the other".into()),
            );
        }
        if let Some(history) = &self.history {
            if history.key.is_empty() {
                tell("history without `key` cannot be re-attached".into(), None);
            }
            let known = ["customer_code", "account_code", "email"];
            if !known.contains(&history.key_attribute.as_str()) {
                let hint = format!("one of `{}`", known.join("`, `"));
                tell(format!("`key_attribute` cannot be `{}`", history.key_attribute), Some(hint));
            }
        }
        problems
    }

    /// The mapping that reads a table with this header: itself, unless one of its further tables knows
    /// more of the header.
    pub fn of_table(&self, header: &[String]) -> &Mapping {
        let all = std::iter::once(self).chain(&self.tables);
        let known = all.map(|mapping| (mapping, mapping.known_columns(header)));
        let best = known.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(self, |(mapping, _)| mapping)
    }

    /// How many columns of the header the mapping speaks of.
    pub fn known_columns(&self, header: &[String]) -> usize {
        let others = self.spoken_of();
        let bound = self.bind(header);
        let known =
            header.iter().zip(&bound).filter(|(h, b)| b.is_some() || others.contains(&key(h)));
        known.count()
    }

    /// The keys of the headers that its rules beside the columns speak of.
    pub fn spoken_of(&self) -> BTreeSet<String> {
        let consents = self
            .consents
            .iter()
            .flat_map(|c| c.column.iter().chain(&c.since).chain(&c.proof).chain(&c.contact_point));
        let private = self.private.iter().flat_map(|p| &p.column);
        let history = self.history.iter().flat_map(|h| {
            let key = h.key.iter().chain(&h.email).chain(&h.name);
            key.chain(&h.date).chain(&h.amount).chain(&h.currency)
        });
        let named = consents.chain(private).chain(history).chain(&self.id);
        let signature = self.recognise.signature.iter().flat_map(|names| names.split('|'));
        named.map(String::as_str).chain(signature).map(key).collect()
    }

    /// What each column of `header` is: for each position the rule, or none.
    pub fn bind(&self, header: &[String]) -> Vec<Option<Bound<'_>>> {
        let keys: Vec<String> = header.iter().map(|h| key(h)).collect();
        let mut bound: Vec<Option<Bound<'_>>> = vec![None; header.len()];
        // Rules that name one of several columns come first, then exact headers, then patterns.
        let rank = |rule: &ColumnRule| (rule.nth == 0, rule.header.iter().any(|h| h.contains('#')));
        let mut rules: Vec<&ColumnRule> = self.columns.iter().collect();
        rules.sort_by_key(|rule| rank(rule));
        for rule in rules {
            let synonyms: Vec<String> = rule.header.iter().map(|h| key(h)).collect();
            let mut seen = 0;
            for (at, found) in keys.iter().enumerate() {
                let Some(number) = synonyms.iter().find_map(|s| fits(s, found)) else { continue };
                seen += 1;
                if bound[at].is_some() || (rule.nth > 0 && seen != rule.nth) {
                    continue;
                }
                let label_at = rule.label_column.split('|').find_map(|column| {
                    let wanted = key(column).replace('#', &number);
                    keys.iter().position(|k| *k == wanted && !wanted.is_empty())
                });
                bound[at] = Some(Bound { rule, number, label_at });
            }
        }
        bound
    }
    /// What a run takes each column of `header` for: an attribute, else what another rule reads there (`row_id`,
    /// `document`, `date`, `amount`, `currency`, `private`, `consent_email`...). None for a column that the mapping does not
    /// name; empty for one that it names and leaves as it is.
    pub fn meanings(&self, header: &[String]) -> Vec<Option<String>> {
        let bound = self.bind(header);
        let mut meanings: Vec<Option<String>> =
            bound.iter().map(|bound| Some(bound.as_ref()?.rule.attribute.clone())).collect();
        let mut read = |names: &[String], meaning: &str| {
            if let Some(at) = position(header, names)
                && meanings[at].as_ref().is_none_or(String::is_empty)
            {
                meanings[at] = Some(meaning.to_owned());
            }
        };
        for rule in &self.consents {
            let channel = rule.channels.first().map_or("all", |channel| channel.as_str());
            read(&rule.column, &format!("consent_{channel}"));
        }
        for rule in &self.private {
            read(&rule.column, "private");
        }
        if let Some(rule) = &self.history {
            let read_by = [
                (&rule.key, rule.key_attribute.as_str()),
                (&rule.email, "email"),
                (&rule.name, "name"),
                (&rule.date, "date"),
                (&rule.amount, "amount"),
                (&rule.currency, "currency"),
            ];
            for (names, meaning) in read_by {
                read(names, meaning);
            }
        }
        read(&self.id, if self.history.is_some() { "document" } else { "row_id" });
        meanings
    }
}

/// A column of a table and its rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound<'a> {
    /// The rule.
    pub rule: &'a ColumnRule,
    /// The number that `#` stands for; empty without.
    pub number: String,
    /// Position of the column that holds the label.
    pub label_at: Option<usize>,
}

/// The form in which headers are compared: [`fold`] without blanks, so that `E-mail` is `Email`; `#` is
/// kept.
pub fn key(header: &str) -> String {
    let parts: Vec<String> = header.split('#').map(|part| fold(part).replace(' ', "")).collect();
    parts.join("#")
}

/// Whether a folded header fits a folded synonym; gives the number that `#` stands for.
pub(super) fn fits(synonym: &str, header: &str) -> Option<String> {
    let Some((before, after)) = synonym.split_once('#') else {
        return (synonym == header && !header.is_empty()).then(String::new);
    };
    let number = header.strip_prefix(before)?.strip_suffix(after)?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| number.to_owned())
}

/// The position of the first of `names` that stands in `header`.
pub fn position(header: &[String], names: &[String]) -> Option<usize> {
    let keys: Vec<String> = header.iter().map(|h| key(h)).collect();
    names.iter().find_map(|name| {
        let wanted = key(name);
        keys.iter().position(|k| *k == wanted && !k.is_empty())
    })
}

/// Whether the file's name (its last part) fits a pattern: `*` is anything, `#` one or more digits.
pub fn file_name_fits(pattern: &str, file: &str) -> bool {
    fn go(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|n| go(rest, &text[n..])),
            Some(('#', rest)) => {
                let digits = text.iter().take_while(|c| c.is_ascii_digit()).count();
                (1..=digits).any(|n| go(rest, &text[n..]))
            }
            Some((c, rest)) => text.first().is_some_and(|t| t == c) && go(rest, &text[1..]),
        }
    }
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    // `Désabonnés.csv` is written with accents, and on some systems with those apart.
    let name: String =
        name.nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    go(&pattern, &name.chars().collect::<Vec<_>>())
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../mappings/sources/", $name, ".toml")))),*]
    };
}

/// The mapping files in the binary, narrower layouts first.
const BUILT_IN: &[(&str, &str)] = files! {
    "google" "outlook" "thunderbird" "vcard" "mailchimp" "brevo" "mailjet" "mailup" "constant-contact"
    "systeme-io" "activecampaign" "kit" "hubspot-companies" "hubspot" "salesforce-accounts"
    "salesforce-contacts" "sage" "sage-contacts" "ebp" "dolibarr" "dolibarr-contacts" "odoo" "xero"
    "quickbooks" "quickbooks-online" "indy" "abby" "fec" "ciel" "factures"
};

/// The built-in mappings, narrower layouts first.
pub fn built_in() -> &'static [Arc<Mapping>] {
    static MAPPINGS: LazyLock<Vec<Arc<Mapping>>> = LazyLock::new(|| {
        let parse = |&(name, text): &(&str, &str)| {
            let mapping = Mapping::parse(name, name, text);
            Arc::new(mapping.expect("the built-in mappings are checked by a test"))
        };
        BUILT_IN.iter().map(parse).collect()
    });
    &MAPPINGS
}

/// The built-in mapping called `name`.
pub fn named(name: &str) -> Option<Arc<Mapping>> {
    built_in().iter().find(|m| m.name == name).cloned()
}

/// The text of the built-in mapping file called `name`: what a project's own file can start from.
pub fn built_in_text(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// The known keys of each table of a mapping file; the empty path is the file itself.
const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "base",
            "label",
            "recognise",
            "rows",
            "id",
            "codes",
            "encoding",
            "owner",
            "columns",
            "consents",
            "private",
            "history",
            "fixed_width",
            "tables",
        ],
    ),
    ("label", &["en", "fr"]),
    (
        "recognise",
        &["signature", "without", "file_name", "only_file_name", "as_written", "container"],
    ),
    (
        "columns",
        &[
            "header",
            "nth",
            "attribute",
            "on",
            "label",
            "label_column",
            "contact",
            "required",
            "split",
            "empty",
            "omit",
        ],
    ),
    (
        "consents",
        &[
            "column",
            "file_name",
            "channels",
            "state",
            "words",
            "contact_point",
            "since",
            "proof",
            "purpose",
        ],
    ),
    ("private", &["column", "values", "kept"]),
    ("history", &["kind", "key", "key_attribute", "email", "name", "date", "amount", "currency"]),
    ("fixed_width", &["encoding", "line", "least", "columns"]),
    ("fixed_width.columns", &["name", "from", "width"]),
];

fn known_keys(path: &str) -> Option<&'static [&'static str]> {
    KEYS.iter().find(|(p, _)| *p == path).map(|(_, keys)| *keys)
}

fn unknown_keys(place: &str, text: &str, table: &DeTable<'_>) -> Vec<Problem> {
    fn walk(path: &str, table: &DeTable<'_>, tell: &mut impl FnMut(usize, &str, &[&str])) {
        let Some(known) = known_keys(path) else { return };
        for (name, value) in table {
            if !known.contains(&name.get_ref().as_ref()) {
                tell(name.span().start, name.get_ref(), known);
                continue;
            }
            let tables = match value.get_ref() {
                DeValue::Table(table) => vec![table],
                DeValue::Array(items) => {
                    items.iter().filter_map(|i| i.get_ref().as_table()).collect()
                }
                _ => Vec::new(),
            };
            for table in tables {
                let path = match (path, name.get_ref().as_ref()) {
                    // A further table is a mapping itself.
                    ("", "tables") => "",
                    ("fixed_width", "columns") => "fixed_width.columns",
                    (_, name) => name,
                };
                walk(path, table, tell);
            }
        }
    }
    let mut problems = Vec::new();
    walk("", table, &mut |at, name, known| {
        let mut found = problem(place, text, at, &format!("unknown key `{name}`"));
        found.hint = nearest(name, known.iter().copied())
            .map(|n| format!("the nearest key is `{n}`"))
            .or_else(|| Some(format!("known keys are `{}`", known.join("`, `"))));
        problems.push(found);
    });
    problems
}

/// A problem at a byte of the text, told by line and column.
fn problem(place: &str, text: &str, at: usize, message: &str) -> Problem {
    let before = text.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Problem {
        place: format!("{place}:{line}:{column}"),
        message: message.trim().replace('\n', "; "),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_with_a_base_keeps_every_table_of_its_own() {
        let parse = |text: &str| Mapping::parse("own", "own.toml", text).expect("a mapping");
        let own = parse(
            r#"base = "mailchimp"
               label = { en = "Ours" }
               recognise = { file_name = ["ours*"] }
               fixed_width = { columns = [{ name = "A", from = 1, width = 4 }] }"#,
        );
        assert_eq!(own.label.en, "Ours");
        assert_eq!(own.recognise.file_name, ["ours*"]);
        assert!(own.fixed_width.is_some());
        let base = named("mailchimp").expect("a built-in mapping");
        assert_eq!((&own.rows, &own.columns), (&base.rows, &base.columns));
        let history = parse(
            r#"base = "mailchimp"
               rows = "history"
               history = { key = ["Email Address"], key_attribute = "email" }"#,
        );
        assert_eq!(history.history.expect("its own").key, ["Email Address"]);
    }

    fn problems(text: &str) -> Vec<String> {
        let found = Mapping::parse("m", "m.toml", text).expect_err("it has problems");
        let hint = |p: &Problem| p.hint.clone().unwrap_or_default();
        found.iter().map(|p| format!("{} {} ({})", p.place, p.message, hint(p))).collect()
    }

    #[test]
    fn every_built_in_mapping_is_without_problems() {
        for (name, text) in BUILT_IN {
            if let Err(problems) = Mapping::parse(name, name, text) {
                panic!("{problems:#?}");
            }
        }
    }

    #[test]
    fn all_problems_are_told_at_once_with_the_nearest_word() {
        let found = problems(
            "rows = \"both\"\nidd = [\"x\"]\n[[columns]]\nheader = [\"A\"]\natribute = \"name\"\n",
        );
        assert_eq!(
            found,
            [
                "m.toml:2:1 unknown key `idd` (the nearest key is `id`)",
                "m.toml:5:1 unknown key `atribute` (the nearest key is `attribute`)",
            ]
        );
        let found = problems(
            "[[columns]]\nheader = [\"A\"]\nattribute = \"mobil\"\n[[columns]]\nheader = [\"a\"]\n",
        );
        assert_eq!(
            found,
            [
                "m.toml there is no attribute `mobil` (the nearest attribute is `mobile`)",
                "m.toml the header `a` is claimed by two columns (say with `nth` which of repeated headers is meant)",
            ]
        );
    }

    #[test]
    fn a_wrong_type_is_told_with_its_line() {
        assert!(problems("rows = 3\n")[0].starts_with("m.toml:1:8 "));
        assert!(problems("rows = \n")[0].starts_with("m.toml:1:"));
    }

    #[test]
    fn repeated_headers_and_numbered_ones_find_their_rules() {
        let text = r##"
            columns = [
              { header = ["Titre"], nth = 1, attribute = "civility" },
              { header = ["Titre"], nth = 2, attribute = "job_title" },
              { header = ["E-mail # - Value"], attribute = "email", label_column = "E-mail # - Label" },
              { header = ["Nom"], attribute = "last_name" },
            ]"##;
        let mapping = Mapping::parse("m", "m", text).expect("a mapping");
        let header = ["TITRE", "nom", "Titre", "Email", "E-Mail 2 - Value", "E-mail 2 - Label"]
            .map(String::from);
        let bound = mapping.bind(&header);
        let attributes: Vec<&str> =
            bound.iter().map(|b| b.as_ref().map_or("-", |b| b.rule.attribute.as_str())).collect();
        assert_eq!(attributes, ["civility", "last_name", "job_title", "-", "email", "-"]);
        let email = bound[4].as_ref().expect("bound");
        assert_eq!((email.number.as_str(), email.label_at), ("2", Some(5)));
    }

    #[test]
    fn a_mapping_reads_back_from_its_own_toml() {
        for mapping in built_in() {
            let text = mapping.to_toml();
            let back = Mapping::parse(&mapping.name, "own", &text).expect("what it wrote");
            assert_eq!(back, **mapping);
        }
    }

    #[test]
    fn file_names_fit_patterns() {
        assert!(file_name_fits("#fec#.txt", "compta/512345675FEC20241231.txt"));
        assert!(file_name_fits("#fec#.txt", "compta.zip!/512345675FEC20241231.txt.gz"));
        assert!(!file_name_fits("#fec#.txt", "compta/FEC20241231.txt"));
        assert!(file_name_fits("unsubscribed*", "x/unsubscribed_members_export_1.csv"));
        assert!(!file_name_fits("subscribed*", "x/unsubscribed_members_export_1.csv"));
    }

    #[test]
    fn further_tables_are_read_by_their_own_columns() {
        let text = "rows = 'organisation'\n[[columns]]\nheader = ['Code']\nattribute = 'customer_code'\n\
                    [[columns]]\nheader = ['Nom']\nattribute = 'name'\n\
                    [[tables]]\nrows = 'person'\n[[tables.columns]]\nheader = ['Nom']\nattribute = 'last_name'\n\
                    [[tables.columns]]\nheader = ['Prénom']\nattribute = 'first_name'\n";
        let mapping = Mapping::parse("m", "m.toml", text).expect("it makes sense");
        let rows = |header: &[&str]| {
            mapping.of_table(&header.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()).rows
        };
        assert_eq!(rows(&["Code", "Nom"]), Rows::Organisation);
        assert_eq!(rows(&["Nom", "Prénom"]), Rows::Person);
        assert_eq!(rows(&["Nom"]), Rows::Organisation);
        assert_eq!(Mapping::parse("m", "m.toml", &mapping.to_toml()), Ok(mapping));
        let wrong = text
            .replace("'first_name'", "'frist_name'")
            .replace("[[tables]]", "[[tables]]\nrow = 1");
        assert_eq!(problems(&wrong).len(), 1);
    }
}
