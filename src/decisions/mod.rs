//! What stewards decided: `decisions.jsonl`, said again on every run.
//!
//! A decision names rows by the hash of their content, and by that of their key where they have one: it holds
//! whatever the order of rows and the names of files, and for a row with a key after an edit too. Lines are only
//! ever added; one that no longer holds is withdrawn by a later one. What became of each in a run is told
//! ([`Decided`]), and nothing is resolved in silence.

mod contradiction;
mod decided;
mod tell;
mod values;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    registry, store,
    table::{IdKey, RecordId, Records},
};

pub use decided::{Decided, Fate, Joined, Status};
pub use tell::{COLUMNS, Told, read_told, write};
pub use values::{Pin, Values, said};

/// The file of a project's decisions.
pub const DECISIONS: &str = "decisions.jsonl";
/// The file of a run that tells what became of them.
pub const TOLD: &str = "decisions.csv";

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Who decided.
    #[serde(default)]
    pub who: String,
    /// When: ISO date.
    #[serde(default)]
    pub when: String,
    /// Why.
    #[serde(default)]
    pub comment: String,
    /// What shows it: a document, a ticket, a link.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
}

/// What can be decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// All of the records are one entity.
    Same {
        /// The records.
        records: Vec<RowName>,
    },
    /// No two of the records are one entity.
    NotSame {
        /// The records.
        records: Vec<RowName>,
    },
    /// No record of one part is one entity with a record of another; within a part nothing is said.
    Split {
        /// The parts.
        parts: Vec<Vec<RowName>>,
    },
    /// An attribute of the golden record that holds the records has this value, or that of this source.
    Pin {
        /// The records.
        records: Vec<RowName>,
        /// The attribute.
        attribute: String,
        /// The value in its canonical form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
        /// The source whose value survives.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        /// It holds as long as the records [say](said) this of the attribute.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    },
    /// What the records say survives nowhere.
    Ignore {
        /// The records.
        records: Vec<RowName>,
        /// What they say of this attribute alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attribute: Option<String>,
        /// This value alone, in its canonical form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<String>,
    },
    /// A value survives nowhere, whoever says it.
    Block {
        /// The attribute.
        attribute: String,
        /// The value in its canonical form.
        value: String,
    },
    /// An earlier decision holds no more.
    Withdraw {
        /// Its [id](Decision::id).
        id: String,
    },
}

impl Verdict {
    /// The word for it in files.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Same { .. } => "same",
            Verdict::NotSame { .. } => "not_same",
            Verdict::Split { .. } => "split",
            Verdict::Pin { .. } => "pin",
            Verdict::Ignore { .. } => "ignore",
            Verdict::Block { .. } => "block",
            Verdict::Withdraw { .. } => "withdraw",
        }
    }
}

/// A row by what it is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowName {
    /// The record's id: a hash of its row.
    pub record: String,
    /// The hash of its key: see [`IdKey::of_row`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl RowName {
    /// The names of these records.
    pub fn of(records: &Records, key: &IdKey, positions: &[u32]) -> Vec<RowName> {
        let keys = registry::row_keys(records, key);
        let name = |&at: &u32| RowName {
            record: records.ids[at as usize].to_string(),
            key: keys[at as usize].map(|key| key.to_string()),
        };
        positions.iter().map(name).collect()
    }
}

impl Decision {
    /// What the decision is called in messages and in events: a hash of what it says, whoever says it.
    pub fn id(&self) -> String {
        let said = serde_json::to_string(&self.verdict).expect("a verdict is text and lists");
        let mut id = [0; 10];
        id.copy_from_slice(&blake3::hash(said.as_bytes()).as_bytes()[..10]);
        format!("D{}", &RecordId(id).to_string()[..8])
    }
}

/// Reads the decisions of the project in `folder`: none where it has no such file.
///
/// # Errors
///
/// When a line is no decision: what a steward said must not be passed over.
pub fn read(folder: &Path) -> Result<Vec<Decision>> {
    let path = folder.join(DECISIONS);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = store::read_text(&path)?;
    let decision = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| Error::Format {
            path: path.clone(),
            message: format!("line {} is no decision: {}", at + 1, without_place(&error)),
            hint: Some(
                "`orpailleur decide` writes them; correct the line or restore the file".into(),
            ),
        })
    };
    text.lines().enumerate().map(decision).collect()
}

/// What is wrong with a line, without the line and column within it that say nothing to a person.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// Adds decisions to those of the project in `folder`: the file is there with all of them or as it was.
pub fn append(folder: &Path, decisions: &[Decision]) -> Result<()> {
    let path = folder.join(DECISIONS);
    let mut text = if path.is_file() { store::read_text(&path)? } else { String::new() };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for decision in decisions {
        text += &serde_json::to_string(decision).map_err(Error::table(DECISIONS))?;
        text.push('\n');
    }
    store::write_atomically(&path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"decision":"split","parts":[[{"record":"g3pmwncv6taerqf4"}],[{"record":"7ja0tarsyrey9z4c","key":"0000000000000000"}]],"who":"marie","when":"2024-03-12","comment":"father and son"}"#;

    #[test]
    fn a_decision_reads_as_it_was_written() {
        let decision: Decision = serde_json::from_str(LINE).expect("a decision");
        assert_eq!(serde_json::to_string(&decision).expect("written"), LINE);
    }

    #[test]
    fn a_decision_is_called_after_what_it_says_and_not_after_who_says_it() {
        let decision: Decision = serde_json::from_str(LINE).expect("a decision");
        let other = Decision { who: "jean".into(), comment: String::new(), ..decision.clone() };
        assert_eq!(decision.id(), other.id());
        assert_eq!(decision.id().len(), 9);
    }

    #[test]
    fn decisions_are_added_to_those_that_are_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let decision: Decision = serde_json::from_str(LINE).expect("a decision");
        assert_eq!(read(folder.path()).expect("nothing"), []);
        store::write(&folder.path().join(DECISIONS), LINE).expect("written");
        append(folder.path(), std::slice::from_ref(&decision)).expect("added");
        assert_eq!(read(folder.path()).expect("two"), [decision.clone(), decision]);
    }

    #[test]
    fn what_is_no_decision_is_refused_with_its_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (wrong, why) in [
            (r#"{"decision":"perhaps"}"#, "unknown variant `perhaps`"),
            (r#"{"decision":"same","records":[],"color":"red"}"#, "unknown field `color`"),
            ("{", "EOF while parsing"),
            ("", "EOF while parsing"),
        ] {
            let text = format!("{LINE}\n{wrong}\n{LINE}\n");
            store::write(&folder.path().join(DECISIONS), text).expect("written");
            let error = read(folder.path()).expect_err(wrong).to_string();
            assert!(error.contains("line 2 is no decision") && error.contains(why), "{error}");
        }
    }
}
