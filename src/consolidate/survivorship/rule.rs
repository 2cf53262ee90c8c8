//! The rules, and which attribute has which.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    model::{self, Kind, ValueKind},
    value::text,
};

/// How the surviving value of an attribute is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The value of the source that stands first in `orpailleur.toml`.
    SourcePriority,
    /// The value of the record with the latest date.
    MostRecent,
    /// The value of the record with the earliest date.
    Oldest,
    /// The value that most sources agree on; a source has one vote, however often it repeats itself.
    MostFrequent,
    /// The fullest value that agrees with what most sources say: `J.`, then `Jean`, then
    /// `Jean-Pierre`; of addresses the one with most parts.
    MostComplete,
    /// The value with most letters.
    Longest,
    /// The best written value: mixed case before capitals, accents before none.
    BestCased,
    /// The greatest amount, the latest date.
    Max,
    /// The smallest amount, the earliest date.
    Min,
    /// The sum over the customer accounts that the records are about: the figure of one account, told
    /// by several systems, counts once. Of amounts that name no account the latest.
    Sum,
    /// The value that allows least: no before yes, the smallest amount, the earliest date.
    MostRestrictive,
    /// Every value, those of the best standing records first.
    Union,
    /// Every value, those that most sources know first, then the latest; an address or number that
    /// other golden records hold too comes last.
    RankedList,
}

impl Rule {
    /// The word used in settings and in the lineage.
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::SourcePriority => "source_priority",
            Rule::MostRecent => "most_recent",
            Rule::Oldest => "oldest",
            Rule::MostFrequent => "most_frequent",
            Rule::MostComplete => "most_complete",
            Rule::Longest => "longest",
            Rule::BestCased => "best_cased",
            Rule::Max => "max",
            Rule::Min => "min",
            Rule::Sum => "sum",
            Rule::MostRestrictive => "most_restrictive",
            Rule::Union => "union",
            Rule::RankedList => "ranked_list",
        }
    }

    /// Whether every value survives, not the best one alone.
    pub fn keeps_all(self) -> bool {
        matches!(self, Rule::Union | Rule::RankedList)
    }

    /// Whether the rule can rank values of this kind.
    pub(super) fn suits(self, kind: ValueKind) -> bool {
        use ValueKind::{Boolean, Date, Money};
        match self {
            Rule::Max | Rule::Min => matches!(kind, Date | Money),
            Rule::Sum => kind == Money,
            Rule::MostRestrictive => matches!(kind, Boolean | Date | Money),
            _ => true,
        }
    }

    /// The rule of an attribute that the settings do not name.
    ///
    /// What describes a person or an organisation lastingly (names, legal numbers) goes by votes, so
    /// that one bad export cannot spoil it; what changes with time (job, owner, amounts) goes by date;
    /// contact points and codes are all kept.
    pub fn default_for(attribute: &str) -> Rule {
        match attribute {
            "first_name" | "birth_date" => Rule::MostComplete,
            "email" | "phone" | "mobile" | "fax" | "address" => Rule::RankedList,
            "last_sale" | "last_contact" | "updated_at" => Rule::Max,
            "created_at" => Rule::Min,
            "siret" | "company" | "job_title" | "department" | "language" | "owner" | "status"
            | "active" | "standing" | "standing_since" | "employees" | "parent"
            | "payment_terms" | "payment_mode" | "bic" | "credit_limit" => Rule::MostRecent,
            "balance" | "sales_incl_tax" | "sales_excl_tax" => Rule::Sum,
            _ if model::attribute(attribute).is_some_and(|a| a.many) => Rule::Union,
            _ => Rule::MostFrequent,
        }
    }
}

/// The rules of one kind of record that differ from the defaults, by attribute.
pub type Rules = BTreeMap<String, Rule>;

/// A rule of the settings that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProblem {
    /// The kind of record it is for.
    pub kind: Kind,
    /// The attribute, as written.
    pub attribute: String,
    /// What is wrong: a lower-case phrase.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
}

/// What makes no sense in the rules of `kind`.
pub(crate) fn problems(rules: &Rules, kind: Kind) -> Vec<RuleProblem> {
    let problem = |(name, &rule): (&String, &Rule)| {
        let (message, hint) = problem(name, rule, kind)?;
        Some(RuleProblem { kind, attribute: name.clone(), message, hint })
    };
    rules.iter().filter_map(problem).collect()
}

fn problem(name: &str, rule: Rule, kind: Kind) -> Option<(String, Option<String>)> {
    // A plain table has columns of its own, and every source may have more than the model knows.
    if kind == Kind::Other || name.starts_with("extra.") {
        return None;
    }
    let attribute = model::attribute(name).filter(|a| !a.part && a.on.contains(&kind));
    let Some(attribute) = attribute else {
        let message = format!("there is no attribute `{name}` of {}s", kind.as_str());
        return Some((message, nearest(name, kind)));
    };
    if rule.suits(attribute.value_kind) {
        return None;
    }
    let message = format!("`{}` cannot rank the values of `{name}`", rule.as_str());
    let hint = format!("the default is `{}`", Rule::default_for(name).as_str());
    Some((message, Some(hint)))
}

fn nearest(name: &str, kind: Kind) -> Option<String> {
    // The parts of an address survive together.
    if model::attribute(name).is_some_and(|a| a.part) {
        return Some("the parts of an address survive as one: `address`".into());
    }
    let known = model::attributes().iter().filter(|(_, a)| a.on.contains(&kind) && !a.part);
    let near = text::nearest(name, known.map(|(known, _)| known.as_str()))?;
    Some(format!("the nearest known one is `{near}`"))
}
