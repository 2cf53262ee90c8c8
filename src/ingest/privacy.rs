//! How address books mark a card as its owner's own business, or as the company's and to be kept within.

use std::sync::LazyLock;

use serde::Deserialize;

use super::mapping::PrivateRule;
use crate::value::{dictionary, text::fold};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Marks {
    sensitivity: Sensitivity,
    ticked: Ticked,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sensitivity {
    columns: Vec<String>,
    private: Vec<String>,
    confidential: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ticked {
    columns: Vec<String>,
    private: Vec<String>,
}

static MARKS: LazyLock<Marks> =
    LazyLock::new(|| dictionary::read(include_str!("../../mappings/dictionaries/privacy.toml")));

/// What a column so called says of its rows; nothing for any other column.
pub(super) fn rules(header: &str) -> Vec<PrivateRule> {
    let Marks { sensitivity, ticked } = &*MARKS;
    let name = fold(header);
    let rule = |values: &[String], kept| PrivateRule {
        column: vec![header.to_owned()],
        values: values.to_vec(),
        kept,
    };
    if sensitivity.columns.contains(&name) {
        vec![rule(&sensitivity.private, false), rule(&sensitivity.confidential, true)]
    } else if ticked.columns.contains(&name) {
        vec![rule(&ticked.private, false)]
    } else {
        Vec::new()
    }
}
