//! The one canonical form of each value kind: pure functions from text to text, used by the stages.
//!
//! | kind              | canonical form                                        | module        |
//! |-------------------|-------------------------------------------------------|---------------|
//! | person name       | `Jean-Pierre`, `de La Tour`; civility `M.`, `Mme`...    | [`person`]    |
//! | organisation name | as written without its legal form; form `SARL`        | [`organisation`] |
//! | email             | lower case, one address                               | [`email`]     |
//! | phone             | E.164, extension as `;ext=12`                         | [`phone`]     |
//! | address           | fields joined by U+001F, see [`address::Address`]     | [`address`]   |
//! | date              | ISO, partial where that is all there is: `2012-05`    | [`date`]      |
//! | identifier        | digits and capitals without blanks                    | [`identifier`] |
//! | money             | decimal with a point                                  | [`money`]     |
//! | boolean           | `true`, `false`                                       | [`boolean`]   |
//! | url               | host without `www.`, then the path                    | [`url`]       |
//! | text, category    | trimmed, blanks collapsed                             | [`text`]      |
//!
//! | end of a customer | `deceased`, `in_liquidation`, `ceased`                      | [`standing`]  |
//!
//! What must not stand in free text is told by [`sensitive`].
//!
//! Every `normalize` is idempotent: given its own output it returns it unchanged.

pub(crate) mod dictionary;
pub(crate) mod phrase;
mod vat;

pub mod text;
pub mod person;
pub mod organisation;
pub mod email;
pub mod phone;
pub mod address;
pub mod country;
pub mod date;
pub mod identifier;
pub mod money;
pub mod boolean;
pub mod url;
pub mod standing;
pub mod role;
pub mod sensitive;
pub mod terms;
pub mod category;

use serde::Serialize;

/// A value that could not be brought to its canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// A stable snake-case word, the reject's code: `bad_email`.
    pub code: &'static str,
    /// What is wrong, without the value itself.
    pub message: String,
    /// What the steward can do, or empty.
    pub suggestion: String,
}

impl Invalid {
    pub(crate) fn new(
        code: &'static str,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) -> Invalid {
        Invalid { code, message: message.into(), suggestion: suggestion.into() }
    }
}

/// What was wrong with a value that could be used all the same, or what a steward should know of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Issue {
    /// A stable snake-case word: `zero_restored`, `day_month_doubt`.
    pub code: &'static str,
    /// What was wrong, without the value itself.
    pub message: &'static str,
    /// How sure the canonical form is.
    pub certainty: Certainty,
    /// What the steward can do, or empty.
    pub suggestion: String,
}

/// How sure a repair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// A check digit or the standard leaves no other reading.
    Proved,
    /// Another reading is possible and much rarer.
    Likely,
    /// As likely wrong as right: the value is kept as written, or read as its column is.
    Doubtful,
}

impl Certainty {
    /// As outputs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Certainty::Proved => "proved",
            Certainty::Likely => "likely",
            Certainty::Doubtful => "doubtful",
        }
    }
}

impl Issue {
    /// An issue whose repair, if there was one, is proved.
    pub(crate) const fn known(code: &'static str, message: &'static str) -> Issue {
        Issue { code, message, certainty: Certainty::Proved, suggestion: String::new() }
    }

    /// A repair that is most likely right.
    pub(crate) const fn likely(code: &'static str, message: &'static str) -> Issue {
        Issue { code, message, certainty: Certainty::Likely, suggestion: String::new() }
    }

    /// A reading that may as well be wrong.
    pub(crate) const fn doubtful(code: &'static str, message: &'static str) -> Issue {
        Issue { code, message, certainty: Certainty::Doubtful, suggestion: String::new() }
    }
}
