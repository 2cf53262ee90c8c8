//! The rules, and which attribute has which.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IntoDeserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};

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
    /// The value of the record that is trusted most: the trust of its source, which halves with each half-life of the
    /// record's age.
    TrustDecay,
    /// The fullest value that agrees with what most sources say: `J.`, then `Jean`, then
    /// `Jean-Pierre`; of addresses the one with most parts.
    MostComplete,
    /// The value of the record that fills most attributes.
    MostCompleteRecord,
    /// The value that says most: `J.`, then `Jean`, then `Jean-Pierre`, whatever most sources say.
    MostSpecific,
    /// The value with most letters.
    Longest,
    /// The value with fewest letters.
    Shortest,
    /// The best written value: mixed case before capitals, accents before none.
    BestCased,
    /// The greatest amount, the latest date.
    Max,
    /// The smallest amount, the earliest date.
    Min,
    /// The one value that all say; none where two differ.
    UnanimousOrNull,
    /// The one value that all say; where two differ none until a steward pins one.
    UnanimousOrReview,
    /// What the record says that another attribute's value comes from.
    FollowWinner,
    /// What one record says of all attributes of a group: that which fills most of them.
    Group,
    /// The sum over the customer accounts that the records are about: the figure of one account, told
    /// by several systems, counts once. Of amounts that name no account the latest.
    Sum,
    /// Every value in one text, those of the best standing records first.
    Concat,
    /// Yes where one record says yes.
    AnyTrue,
    /// Yes where all records that say anything say yes.
    AllTrue,
    /// The value that allows least: no before yes, the smallest amount, the earliest date.
    MostRestrictive,
    /// The value that stands first in an order of states.
    HighestState,
    /// The value of the best standing record, and where it has none that of the next.
    FillBlanks,
    /// The values of records that another attribute names come first; among them another rule chooses.
    Conditional,
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
            Rule::TrustDecay => "trust_decay",
            Rule::MostComplete => "most_complete",
            Rule::MostCompleteRecord => "most_complete_record",
            Rule::MostSpecific => "most_specific",
            Rule::Longest => "longest",
            Rule::Shortest => "shortest",
            Rule::BestCased => "best_cased",
            Rule::Max => "max",
            Rule::Min => "min",
            Rule::UnanimousOrNull => "unanimous_or_null",
            Rule::UnanimousOrReview => "unanimous_or_review",
            Rule::FollowWinner => "follow_winner",
            Rule::Group => "group",
            Rule::Sum => "sum",
            Rule::Concat => "concat",
            Rule::AnyTrue => "any_true",
            Rule::AllTrue => "all_true",
            Rule::MostRestrictive => "most_restrictive",
            Rule::HighestState => "highest_state",
            Rule::FillBlanks => "fill_blanks",
            Rule::Conditional => "conditional",
            Rule::Union => "union",
            Rule::RankedList => "ranked_list",
        }
    }

    /// Whether every value survives, not the best one alone.
    pub fn keeps_all(self) -> bool {
        matches!(self, Rule::Union | Rule::RankedList)
    }

    /// Whether nothing survives where two values differ.
    pub fn wants_unanimity(self) -> bool {
        matches!(self, Rule::UnanimousOrNull | Rule::UnanimousOrReview)
    }

    /// Whether it goes by the dates of records.
    pub fn is_by_date(self) -> bool {
        matches!(self, Rule::MostRecent | Rule::Oldest | Rule::TrustDecay)
    }

    /// Whether it goes by the votes of sources.
    pub fn is_by_votes(self) -> bool {
        self == Rule::MostFrequent
    }

    /// Whether it takes what one record says together with another attribute.
    pub fn takes_from_one_record(self) -> bool {
        matches!(self, Rule::FollowWinner | Rule::Group)
    }

    /// Whether it can choose among the values that a condition lets through.
    fn can_be_nested(self) -> bool {
        use Rule::{Concat, Conditional, HighestState, Sum, TrustDecay};
        let needs_more = matches!(self, Concat | Conditional | HighestState | Sum | TrustDecay);
        !needs_more && !self.takes_from_one_record() && !self.wants_unanimity()
    }

    /// Whether the rule can rank values of this kind.
    pub(super) fn suits(self, kind: ValueKind) -> bool {
        use ValueKind::{Address, Boolean, Category, Date, Money, Text};
        match self {
            Rule::Max | Rule::Min => matches!(kind, Date | Money),
            Rule::Sum => kind == Money,
            Rule::MostRestrictive => matches!(kind, Boolean | Date | Money),
            Rule::AnyTrue | Rule::AllTrue => kind == Boolean,
            Rule::HighestState => matches!(kind, Category | Text | Boolean),
            Rule::Concat => kind != Address,
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
            "last_sale" | "last_contact" | "last_response" | "updated_at" => Rule::Max,
            "created_at" => Rule::Min,
            "iban" | "bic" | "bank_holder" => Rule::Group,
            "siret" | "company" | "job_title" | "department" | "language" | "owner" | "status"
            | "active" | "standing" | "standing_since" | "employees" | "parent"
            | "payment_terms" | "payment_mode" | "credit_limit" => Rule::MostRecent,
            "balance" | "sales_incl_tax" | "sales_excl_tax" => Rule::Sum,
            _ if model::attribute(attribute).is_some_and(|a| a.many) => Rule::Union,
            _ => Rule::MostFrequent,
        }
    }
}

/// The rules of one kind of record that differ from the defaults, by attribute.
pub type Rules = BTreeMap<String, AttributeRule>;

/// The rule of one attribute: a word, or a table with what the rule needs.
///
/// ```toml
/// person.job_title = "most_recent"
/// person.phone = { rule = "trust_decay", trust = { crm = 0.9, mailing = 0.3 }, half_life_days = 730 }
/// ```
// The remote makes of what is derived plain functions, which the implementations below call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct AttributeRule {
    /// How the value is chosen.
    pub rule: Rule,
    /// Of `trust_decay`: trust in sources by name, from 0 to 1. Default: 0.5 for each.
    #[serde(default)]
    pub trust: BTreeMap<String, f64>,
    /// Of `trust_decay`: days after which trust in a record is half. Default: 730.
    #[serde(default = "two_years")]
    pub half_life_days: u32,
    /// Of `follow_winner`: the attribute whose record is followed.
    #[serde(default)]
    pub of: String,
    /// Of `group`: the name that its attributes share.
    #[serde(default)]
    pub group: String,
    /// Of `highest_state`: the states, the highest first.
    #[serde(default)]
    pub order: Vec<String>,
    /// Of `conditional`: the attribute that is looked at.
    #[serde(default)]
    pub when: String,
    /// Of `conditional`: what it must say.
    #[serde(default)]
    pub is: Vec<String>,
    /// Of `conditional`: the rule among those that say it, and among the others. Of `group`: with a rule of
    /// unanimity nothing survives where two records contradict each other. Default: `most_recent`.
    #[serde(default = "most_recent")]
    pub then: Rule,
    /// Of `concat`: what stands between two values. Default: `; `.
    #[serde(default = "semicolon")]
    pub separator: String,
}

fn two_years() -> u32 {
    730
}

fn most_recent() -> Rule {
    Rule::MostRecent
}

fn semicolon() -> String {
    "; ".into()
}

impl From<Rule> for AttributeRule {
    fn from(rule: Rule) -> AttributeRule {
        AttributeRule {
            rule,
            trust: BTreeMap::new(),
            half_life_days: two_years(),
            of: String::new(),
            group: String::new(),
            order: Vec::new(),
            when: String::new(),
            is: Vec::new(),
            then: most_recent(),
            separator: semicolon(),
        }
    }
}

impl AttributeRule {
    /// The rule among equal scores: of `conditional` its `then`.
    pub(crate) fn among(&self) -> Rule {
        if self.rule == Rule::Conditional { self.then } else { self.rule }
    }

    /// The rule of an attribute that the settings do not name: see [`Rule::default_for`].
    pub fn default_for(attribute: &str) -> AttributeRule {
        let mut default = AttributeRule::from(Rule::default_for(attribute));
        if default.rule == Rule::Group {
            // An account number is never told with the bank of another, and of two nobody knows which is right.
            default.group = "bank".into();
            default.then = Rule::UnanimousOrNull;
        }
        default
    }
}

impl Serialize for AttributeRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self == AttributeRule::from(self.rule) {
            true => self.rule.serialize(serializer),
            false => AttributeRule::serialize(self, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AttributeRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AttributeRule, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = AttributeRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rule, or a table with `rule` and what it needs")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<AttributeRule, E> {
                Rule::deserialize(word.into_deserializer()).map(AttributeRule::from)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AttributeRule, A::Error> {
                AttributeRule::deserialize(MapAccessDeserializer::new(map))
            }
        }
        deserializer.deserialize_any(Written)
    }
}

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
    let problem = |(name, rule): (&String, &AttributeRule)| {
        let found =
            problem(name, rule.rule, kind).or_else(|| problem_of_options(rules, name, kind));
        let (message, hint) = found?;
        Some(RuleProblem { kind, attribute: name.clone(), message, hint })
    };
    rules.iter().filter_map(problem).collect()
}

fn problem(name: &str, rule: Rule, kind: Kind) -> Option<(String, Option<String>)> {
    // A plain table has columns of its own, and every source may have more than the model knows.
    if is_free(name, kind) {
        return None;
    }
    let Some(attribute) = known(name, kind) else {
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

fn is_free(name: &str, kind: Kind) -> bool {
    kind == Kind::Other || name.starts_with("extra.")
}

fn known(name: &str, kind: Kind) -> Option<&'static model::Attribute> {
    model::attribute(name).filter(|a| !a.part && a.on.contains(&kind))
}

/// What a rule lacks, or names that is not there.
fn problem_of_options(rules: &Rules, name: &str, kind: Kind) -> Option<(String, Option<String>)> {
    let options = &rules[name];
    let rule = options.rule;
    let needs = |what: &str, example: &str| {
        let message = format!("`{}` of `{name}` needs `{what}`", rule.as_str());
        Some((message, Some(format!("as in `{{ rule = \"{}\", {example} }}`", rule.as_str()))))
    };
    let unknown = |other: &str| !is_free(other, kind) && known(other, kind).is_none();
    let missing = |other: &str| {
        let message = format!("there is no attribute `{other}` of {}s", kind.as_str());
        Some((message, nearest(other, kind)))
    };
    match rule {
        Rule::FollowWinner if options.of.is_empty() => needs("of", "of = \"email\""),
        Rule::FollowWinner if options.of == name => {
            Some((format!("`{name}` cannot follow itself"), None))
        }
        Rule::FollowWinner if unknown(&options.of) => missing(&options.of),
        Rule::FollowWinner if takes_from_one_record(rules, &options.of) => {
            let message = format!("`{name}` follows `{}`, which follows another", options.of);
            Some((message, Some("follow an attribute that has a rule of its own".into())))
        }
        Rule::Group if options.group.is_empty() => needs("group", "group = \"bank\""),
        Rule::HighestState if options.order.is_empty() => {
            needs("order", "order = [\"customer\", \"prospect\"]")
        }
        Rule::Conditional if options.when.is_empty() || options.is.is_empty() => {
            needs("when` and `is", "when = \"active\", is = [\"true\"]")
        }
        Rule::Conditional if unknown(&options.when) => missing(&options.when),
        Rule::Conditional if !options.then.can_be_nested() => {
            let message = format!("`then` of `{name}` cannot be `{}`", options.then.as_str());
            Some((message, Some("the default is `most_recent`".into())))
        }
        Rule::TrustDecay if options.half_life_days == 0 => {
            Some((format!("`half_life_days` of `{name}` is 0"), Some("the default is 730".into())))
        }
        Rule::TrustDecay if options.trust.values().any(|t| !(0.0..=1.0).contains(t)) => {
            Some((format!("`trust` of `{name}` is not between 0 and 1"), None))
        }
        _ => None,
    }
}

fn takes_from_one_record(rules: &Rules, name: &str) -> bool {
    let set = rules.get(name).map(|rule| rule.rule);
    set.unwrap_or_else(|| Rule::default_for(name)).takes_from_one_record()
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
