//! The common vocabulary: which attributes exist, of which value kind, on which kind of record.
//!
//! The vocabulary itself is data: `mappings/model.toml`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use hashbrown::DefaultHashBuilder;
use serde::{Deserialize, Serialize};

/// What one record speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A natural person (CRM: contact).
    Person,
    /// A company, association, authority or other body (CRM: account).
    Organisation,
    /// Neither; only in `dedupe`.
    Other,
}

impl Kind {
    /// The word used in files: `person`, `organisation` or `other`.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Person => "person",
            Kind::Organisation => "organisation",
            Kind::Other => "other",
        }
    }

    /// The kind that [`Kind::as_str`] writes so.
    pub fn parse(word: &str) -> Option<Kind> {
        [Kind::Person, Kind::Organisation, Kind::Other].into_iter().find(|k| k.as_str() == word)
    }
}

/// The type of an attribute: how it is normalized, compared, survived and profiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum ValueKind {
    PersonName,
    OrganisationName,
    Email,
    Phone,
    Address,
    Date,
    Identifier,
    Money,
    Boolean,
    Url,
    Text,
    Category,
}

/// How much the absence of an attribute hurts a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Priority {
    Vital,
    Important,
    Optional,
}

/// One attribute of the canonical model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Its type.
    #[serde(rename = "value")]
    pub value_kind: ValueKind,
    /// The kinds of record that have it.
    pub on: Vec<Kind>,
    /// Whether a record may hold several values.
    #[serde(default)]
    pub many: bool,
    /// Whether it is a part of a postal address, which `normalize` joins to the attribute `address`.
    #[serde(default)]
    pub part: bool,
    /// How much its absence hurts.
    pub priority: Priority,
    /// English label.
    pub en: String,
    /// French label.
    pub fr: String,
}

impl Attribute {
    /// The label in `lang`, English unless French is asked for.
    pub fn label(&self, lang: Lang) -> &str {
        match lang {
            Lang::Fr => &self.fr,
            Lang::En => &self.en,
        }
    }
}

/// The language of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Lang {
    Fr,
    #[default]
    En,
}

/// The attributes of the canonical model by name, in the order of `mappings/model.toml`'s names.
pub fn attributes() -> &'static BTreeMap<String, Attribute> {
    static ATTRIBUTES: LazyLock<BTreeMap<String, Attribute>> = LazyLock::new(|| {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Model {
            attribute: BTreeMap<String, Attribute>,
        }
        let model: Model = toml::from_str(include_str!("../mappings/model.toml"))
            .expect("the built-in model is checked by a test");
        model.attribute
    });
    &ATTRIBUTES
}

/// The names of the attributes in the order of `mappings/model.toml`: the order of columns in files.
pub fn names_in_order() -> &'static [String] {
    static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let model: toml::Table = toml::from_str(include_str!("../mappings/model.toml"))
            .expect("the built-in model is checked by a test");
        let attributes = model.get("attribute").and_then(toml::Value::as_table);
        attributes.into_iter().flat_map(|table| table.keys().cloned()).collect()
    });
    &NAMES
}

/// The attribute called `name`, if the canonical model has it. Asked for every value that is read.
pub fn attribute(name: &str) -> Option<&'static Attribute> {
    static BY_NAME: LazyLock<HashMap<&str, &Attribute, DefaultHashBuilder>> = LazyLock::new(|| {
        attributes().iter().map(|(name, attribute)| (name.as_str(), attribute)).collect()
    });
    BY_NAME.get(name).copied()
}

/// The value kind of the attribute `name`.
///
/// Columns of a plain table that the model does not have are called `x.<what they hold>.<header>`, where
/// what they hold is `code`, `date`, `number`, `category` or `text`; anything else unknown is text.
pub fn value_kind(name: &str) -> ValueKind {
    if let Some(attribute) = attribute(name) {
        return attribute.value_kind;
    }
    match name.strip_prefix("x.").and_then(|rest| rest.split('.').next()) {
        Some("code") => ValueKind::Identifier,
        Some("date") => ValueKind::Date,
        Some("number") => ValueKind::Money,
        Some("category") => ValueKind::Category,
        _ => ValueKind::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_model_parses_and_knows_the_vital_attributes() {
        for name in ["last_name", "name", "email", "phone", "siren", "siret", "address"] {
            assert!(attribute(name).is_some(), "{name}");
        }
        assert_eq!(value_kind("siren"), ValueKind::Identifier);
        assert_eq!(value_kind("favourite colour"), ValueKind::Text);
        assert_eq!(value_kind("x.code.soc_sec_id"), ValueKind::Identifier);
        assert_eq!(names_in_order().len(), attributes().len());
        assert_eq!(names_in_order()[0], "civility");
    }
}
