//! What a column is filled from: `name`, `email[2]`, `address[billing|1].city`, `link.current.role`.

use crate::{
    model::{self, Kind, ValueKind},
    table::{Channel, GoldenConsent},
    value::text::nearest,
};

use super::mapping::RowsOf;

/// Where a cell's value comes from, read from the text of `from`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Path {
    /// `golden_id`, `parent_id`, `household_id`, `level`, `lifecycle`, `roles`, `crm_user`.
    Fact(Fact),
    /// `email[2]`: values of an attribute.
    Value { attribute: String, picks: Vec<Pick> },
    /// `address[billing].city`: a part of one of the addresses.
    Address { picks: Vec<Pick>, part: Part },
    /// `keys`, `keys[sage]`: the codes of the legacy systems, of all key spaces or of one.
    Keys(Option<String>),
    /// `consent.email`: the state that holds, or `unknown`.
    Consent(Channel),
    /// `do_not_contact.email`: `true` unless every contact point said yes.
    DoNotContact(Channel),
    /// `link.current.role`: of the person's present organisation.
    Current(&'static str),
    /// `key.key`, `link.since`...: a field of the row itself.
    Field(&'static str),
    /// `organisation.name`: of the organisation that the row points to.
    Of(End, Box<Path>),
    /// `first_name + last_name`: what is there of several, on one line.
    Sum(Vec<Path>),
}

/// What is known of a golden record beside its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    GoldenId,
    ParentId,
    HouseholdId,
    Level,
    Lifecycle,
    Roles,
    CrmUser,
}

/// The golden records that a row points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Person,
    Organisation,
    Child,
    Parent,
}

/// Which of several values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pick {
    /// The value at a position, from 0.
    At(usize),
    /// The first value with this label.
    Labelled(String),
    /// The first value with another label or none.
    NotLabelled(String),
    /// All values.
    All,
    /// All values that no other column of the row takes.
    Rest,
}

/// A part of an address, or a way of writing several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Number,
    Street,
    Complement,
    Postcode,
    City,
    Cedex,
    State,
    Country,
    /// Number and street.
    StreetLine,
    /// City and CEDEX.
    CityLine,
    /// Street line and complements, one below the other.
    Lines,
    /// One of these lines, from 0; the third holds all further ones.
    Line(usize),
    /// The whole address on one line.
    Whole,
}

const FACTS: [(&str, Fact); 7] = [
    ("golden_id", Fact::GoldenId),
    ("parent_id", Fact::ParentId),
    ("household_id", Fact::HouseholdId),
    ("level", Fact::Level),
    ("lifecycle", Fact::Lifecycle),
    ("roles", Fact::Roles),
    ("crm_user", Fact::CrmUser),
];

const PARTS: [(&str, Part); 15] = [
    ("number", Part::Number),
    ("street", Part::Street),
    ("complement", Part::Complement),
    ("postcode", Part::Postcode),
    ("city", Part::City),
    ("cedex", Part::Cedex),
    ("state", Part::State),
    ("country", Part::Country),
    ("street_line", Part::StreetLine),
    ("city_line", Part::CityLine),
    ("lines", Part::Lines),
    ("line1", Part::Line(0)),
    ("line2", Part::Line(1)),
    ("line3", Part::Line(2)),
    ("whole", Part::Whole),
];

const CURRENT: [&str; 4] = ["organisation_id", "role", "since", "until"];

/// Why a path makes no sense.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BadPath {
    /// What is wrong.
    pub(super) message: String,
    /// The nearest thing that would make sense.
    pub(super) hint: Option<String>,
}

/// Reads the alternatives of `from`, separated by `|` outside of brackets.
pub(super) fn parse_all(text: &str, rows: RowsOf) -> Result<Vec<Path>, BadPath> {
    let mut alternatives = vec![String::new()];
    let mut depth = 0;
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            '|' if depth == 0 => {
                alternatives.push(String::new());
                continue;
            }
            _ => {}
        }
        alternatives.last_mut().expect("it starts with one").push(c);
    }
    alternatives.iter().map(|one| sum(one, rows)).collect()
}

fn sum(text: &str, rows: RowsOf) -> Result<Path, BadPath> {
    let mut terms =
        text.split(" + ").map(|term| parse(term.trim(), rows)).collect::<Result<Vec<_>, _>>()?;
    Ok(if terms.len() == 1 { terms.remove(0) } else { Path::Sum(terms) })
}

/// Reads one path for a row of `rows`.
fn parse(text: &str, rows: RowsOf) -> Result<Path, BadPath> {
    match rows {
        RowsOf::Person => match text.split_once('.') {
            Some(("organisation", rest)) => of(End::Organisation, rest, Kind::Organisation),
            _ => golden(text, Kind::Person),
        },
        RowsOf::Organisation => match text.split_once('.') {
            Some(("parent", rest)) => of(End::Parent, rest, Kind::Organisation),
            _ => golden(text, Kind::Organisation),
        },
        RowsOf::Link => match text.split_once('.') {
            Some(("link", field)) => field_of(field, &LINK_FIELDS, text),
            Some(("person", rest)) => of(End::Person, rest, Kind::Person),
            Some(("organisation", rest)) => of(End::Organisation, rest, Kind::Organisation),
            _ => Err(unknown(text, text, LINK_FIELDS.map(|f| format!("link.{f}")))),
        },
        RowsOf::OrganisationLink => match text.split_once('.') {
            Some(("link", field)) => field_of(field, &ORGANISATION_LINK_FIELDS, text),
            Some(("child", rest)) => of(End::Child, rest, Kind::Organisation),
            Some(("parent", rest)) => of(End::Parent, rest, Kind::Organisation),
            _ => Err(unknown(text, text, ORGANISATION_LINK_FIELDS.map(|f| format!("link.{f}")))),
        },
        RowsOf::ContactPoint => plain("contact_point", text, &CONTACT_POINT_FIELDS),
        RowsOf::Consent => plain("consent", text, &CONSENT_FIELDS),
        RowsOf::Key => plain("key", text, &KEY_FIELDS),
        RowsOf::Household => plain("household", text, &HOUSEHOLD_FIELDS),
    }
}

pub(super) const LINK_FIELDS: [&str; 7] =
    ["id", "person_id", "organisation_id", "role", "current", "since", "until"];
pub(super) const ORGANISATION_LINK_FIELDS: [&str; 4] = ["id", "child_id", "parent_id", "type"];
pub(super) const CONTACT_POINT_FIELDS: [&str; 4] = ["value", "state", "channel", "golden_id"];
pub(super) const CONSENT_FIELDS: [&str; 11] = GoldenConsent::COLUMNS;
pub(super) const KEY_FIELDS: [&str; 4] = ["golden_id", "key_space", "key", "active"];
pub(super) const HOUSEHOLD_FIELDS: [&str; 2] = ["household_id", "golden_id"];

impl Path {
    /// The attributes whose values are written.
    pub(super) fn attributes(&self) -> Vec<&str> {
        match self {
            Path::Value { attribute, .. } => vec![attribute],
            Path::Address { .. } => vec!["address"],
            Path::Sum(terms) => terms.iter().flat_map(Path::attributes).collect(),
            _ => vec![],
        }
    }

    /// The value kind of what is written.
    pub(super) fn value_kind(&self) -> ValueKind {
        match self {
            Path::Value { attribute, .. } => model::value_kind(attribute),
            Path::DoNotContact(_) => ValueKind::Boolean,
            Path::Field("current" | "active" | "proved") => ValueKind::Boolean,
            Path::Field("since" | "until") | Path::Current("since" | "until") => ValueKind::Date,
            Path::Fact(Fact::GoldenId | Fact::ParentId | Fact::HouseholdId) | Path::Keys(_) => {
                ValueKind::Identifier
            }
            Path::Current("organisation_id") => ValueKind::Identifier,
            Path::Field("value") => ValueKind::Email,
            Path::Field(field) if field.ends_with("id") => ValueKind::Identifier,
            Path::Of(_, inner) => inner.value_kind(),
            _ => ValueKind::Text,
        }
    }

    /// Whether it takes what the other columns leave.
    pub(super) fn is_rest(&self) -> bool {
        match self {
            Path::Value { picks, .. } | Path::Address { picks, .. } => picks.contains(&Pick::Rest),
            _ => false,
        }
    }
}

fn golden(text: &str, kind: Kind) -> Result<Path, BadPath> {
    if let Some((_, fact)) = FACTS.iter().find(|(name, _)| *name == text) {
        return Ok(Path::Fact(*fact));
    }
    match text.split_once('.') {
        Some(("link", rest)) if kind == Kind::Person => {
            return match rest.strip_prefix("current.") {
                Some(field) => Ok(Path::Current(word(field, &CURRENT, text)?)),
                None => Err(unknown(text, rest, CURRENT.map(|f| format!("link.current.{f}")))),
            };
        }
        Some(("consent", channel)) => return Ok(Path::Consent(channel_of(channel, text)?)),
        Some(("do_not_contact", channel)) => {
            return Ok(Path::DoNotContact(channel_of(channel, text)?));
        }
        _ => {}
    }
    let (head, part) = match text.rsplit_once('.') {
        Some((head, part)) if !part.contains(']') => (head, Some(part)),
        _ => (text, None),
    };
    let (name, picks) = selector(head)?;
    if name == "keys" {
        return match picks.as_slice() {
            [] => Ok(Path::Keys(None)),
            [Pick::Labelled(space)] => Ok(Path::Keys(Some(space.clone()))),
            _ => Err(BadPath { message: format!("`{text}` names no key space"), hint: None }),
        };
    }
    check_attribute(name, kind, text)?;
    match (name, part) {
        ("address", part) => {
            let part = part.unwrap_or("whole");
            let known = PARTS.iter().find(|(known, _)| *known == part);
            let (_, part) =
                known.ok_or_else(|| unknown(text, part, PARTS.map(|(name, _)| name.to_owned())))?;
            Ok(Path::Address { picks, part: *part })
        }
        (_, Some(part)) => Err(BadPath {
            message: format!("`{name}` in `{text}` has no part `{part}`"),
            hint: Some("only `address` has parts".into()),
        }),
        (_, None) => Ok(Path::Value { attribute: name.to_owned(), picks }),
    }
}

fn check_attribute(name: &str, kind: Kind, text: &str) -> Result<(), BadPath> {
    let on = |a: &model::Attribute| a.on.contains(&kind) && !a.part;
    match model::attribute(name) {
        Some(a) if on(a) => Ok(()),
        Some(a) if a.part => Err(BadPath {
            message: format!("`{name}` is a part of an address"),
            hint: Some(
                "write `address.street_line`, `address.postcode`, `address.city_line`...".into(),
            ),
        }),
        Some(_) => Err(BadPath {
            message: format!("no {} has the attribute `{name}`", kind.as_str()),
            hint: None,
        }),
        None => {
            let names = model::attributes().iter().filter(|(_, a)| on(a)).map(|(n, _)| n.clone());
            let facts = FACTS.map(|(n, _)| n.to_owned());
            Err(unknown(text, name, names.chain(facts).collect::<Vec<_>>()))
        }
    }
}

/// Splits `email[work|1]` into the name and what to pick; no brackets pick the first value.
fn selector(text: &str) -> Result<(&str, Vec<Pick>), BadPath> {
    let bad = |message: &str| BadPath { message: format!("{message} in `{text}`"), hint: None };
    let Some((name, rest)) = text.split_once('[') else { return Ok((text, Vec::new())) };
    let inside = rest.strip_suffix(']').ok_or_else(|| bad("a bracket is not closed"))?;
    let pick = |word: &str| match word.trim() {
        "" => Err(bad("nothing to pick")),
        "*" => Ok(Pick::All),
        "rest" => Ok(Pick::Rest),
        word => match word.strip_prefix('-') {
            Some(label) => Ok(Pick::NotLabelled(label.to_owned())),
            None => match word.parse::<usize>() {
                Ok(0) => Err(bad("values are counted from 1")),
                Ok(position) => Ok(Pick::At(position - 1)),
                Err(_) => Ok(Pick::Labelled(word.to_owned())),
            },
        },
    };
    Ok((name, inside.split('|').map(pick).collect::<Result<_, _>>()?))
}

fn of(end: End, rest: &str, kind: Kind) -> Result<Path, BadPath> {
    Ok(Path::Of(end, Box::new(golden(rest, kind)?)))
}

fn plain(prefix: &str, text: &str, fields: &[&'static str]) -> Result<Path, BadPath> {
    match text.split_once('.') {
        Some((head, field)) if head == prefix => field_of(field, fields, text),
        _ => Err(unknown(text, text, fields.iter().map(|f| format!("{prefix}.{f}")))),
    }
}

fn field_of(field: &str, fields: &[&'static str], text: &str) -> Result<Path, BadPath> {
    Ok(Path::Field(word(field, fields, text)?))
}

fn word(field: &str, fields: &[&'static str], text: &str) -> Result<&'static str, BadPath> {
    let known = fields.iter().find(|known| **known == field);
    known.copied().ok_or_else(|| unknown(text, field, fields.iter().map(|f| (*f).to_owned())))
}

fn channel_of(word: &str, text: &str) -> Result<Channel, BadPath> {
    let known = Channel::ALL.into_iter().find(|c| c.as_str() == word);
    known.ok_or_else(|| unknown(text, word, Channel::ALL.map(|c| c.as_str().to_owned())))
}

fn unknown(text: &str, word: &str, choices: impl IntoIterator<Item = String>) -> BadPath {
    let choices: Vec<String> = choices.into_iter().collect();
    let near = nearest(word, choices.iter().map(String::as_str));
    BadPath {
        message: if text == word {
            format!("there is no `{text}`")
        } else {
            format!("there is no `{word}` in `{text}`")
        },
        hint: Some(match near {
            Some(near) => format!("the nearest is `{near}`"),
            None => format!("there are `{}`", choices.join("`, `")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(text: &str) -> Result<Vec<Path>, BadPath> {
        parse_all(text, RowsOf::Person)
    }

    #[test]
    fn a_path_names_an_attribute_and_which_of_its_values() {
        let value = |picks| vec![Path::Value { attribute: "email".into(), picks }];
        assert_eq!(person("email"), Ok(value(vec![])));
        assert_eq!(person("email[2]"), Ok(value(vec![Pick::At(1)])));
        let work = vec![Pick::Labelled("work".into()), Pick::NotLabelled("home".into())];
        assert_eq!(person("email[work|-home]"), Ok(value(work)));
        assert_eq!(person("email[rest]"), Ok(value(vec![Pick::Rest])));
        let billing = vec![Pick::Labelled("billing".into())];
        assert_eq!(
            person("address[billing].city"),
            Ok(vec![Path::Address { picks: billing, part: Part::City }])
        );
        assert_eq!(
            person("job_title | link.current.role").map(|paths| paths[1].clone()),
            Ok(Path::Current("role"))
        );
    }

    #[test]
    fn what_does_not_exist_is_named_with_what_is_nearest() {
        let error = |text| person(text).expect_err("a bad path");
        assert_eq!(error("emial").hint.as_deref(), Some("the nearest is `email`"));
        assert_eq!(error("address.cty").hint.as_deref(), Some("the nearest is `city`"));
        assert_eq!(error("siren").message, "no person has the attribute `siren`");
        assert_eq!(error("street").message, "`street` is a part of an address");
        assert_eq!(error("email[0]").message, "values are counted from 1 in `email[0]`");
        assert_eq!(error("email[1").message, "a bracket is not closed in `email[1`");
        assert!(error("link.role").hint.is_some());
        assert_eq!(error("consent.mail").hint.as_deref(), Some("the nearest is `email`"));
    }
}
