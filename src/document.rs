//! TOML files that people write: every problem at once, each with line, column and the nearest known
//! key.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    error::{Error, Problem, Result},
    value::text,
};

/// A TOML file that knows where each of its values stands.
#[derive(Debug)]
pub struct Document<'a> {
    name: String,
    text: &'a str,
    root: Spanned<DeTable<'a>>,
}

/// One step on the way to a value.
#[derive(Debug, Clone, Copy)]
pub enum Step<'s> {
    /// Into a table.
    Key(&'s str),
    /// Into an array, from 0.
    At(usize),
}

/// A problem and the byte it stands at, which gives problems their order.
pub type Located = (usize, Problem);

impl<'a> Document<'a> {
    /// Parses `text`; `name` is what messages call the file.
    ///
    /// # Errors
    ///
    /// The first error of syntax: nothing after it can be trusted.
    pub fn parse(name: &str, text: &'a str) -> Result<Document<'a>> {
        match DeTable::parse(text) {
            Ok(root) => Ok(Document { name: name.to_owned(), text, root }),
            Err(error) => {
                let place = place(name, text, error.span().map_or(0, |s| s.start));
                let message = first_line(error.message());
                Err(Error::Settings { problems: vec![Problem { place, message, hint: None }] })
            }
        }
    }

    /// Reads the whole file as a `T`. What is wrong is reported and left out, so that the rest can
    /// still be read and checked; `None` when even that is impossible.
    pub fn read<T: DeserializeOwned>(&self) -> (Option<T>, Vec<Located>) {
        let mut root = self.root.clone();
        let mut problems = Vec::new();
        loop {
            let error = match T::deserialize(toml::de::Deserializer::from(root.clone())) {
                Ok(value) => return (Some(value), problems),
                Err(error) => error,
            };
            let span = error.span().unwrap_or(0..0);
            problems.push((span.start, self.problem_of(&error, span.start)));
            if !remove(root.get_mut(), &span) {
                return (None, problems);
            }
        }
    }

    /// The byte at which the value at the end of `steps` stands; of a missing one, that of the
    /// nearest table around it.
    pub fn offset(&self, steps: &[Step<'_>]) -> usize {
        let mut offset = self.root.span().start;
        let mut table = Some(self.root.get_ref());
        let mut array = None;
        for step in steps {
            let value = match step {
                Step::Key(key) => table.and_then(|t| t.get(*key)),
                Step::At(index) => array.and_then(|a: &toml::de::DeArray<'_>| a.get(*index)),
            };
            let Some(value) = value else { break };
            offset = value.span().start;
            table = value.get_ref().as_table();
            array = value.get_ref().as_array();
        }
        offset
    }

    /// A problem with the value at the end of `steps`.
    pub fn problem(
        &self,
        steps: &[Step<'_>],
        message: impl Into<String>,
        hint: Option<String>,
    ) -> Located {
        let offset = self.offset(steps);
        let place = place(&self.name, self.text, offset);
        (offset, Problem { place, message: message.into(), hint })
    }

    fn problem_of(&self, error: &toml::de::Error, offset: usize) -> Problem {
        let message = first_line(error.message());
        let hint = unknown_word(&message).and_then(|(word, known)| nearest(word, known));
        let message = match unknown_word(&message) {
            Some((word, _)) if message.starts_with("unknown field") => {
                format!("unknown key `{word}`")
            }
            _ => message,
        };
        Problem { place: place(&self.name, self.text, offset), message, hint }
    }
}

/// Reads `text`, the content of the file called `name`, as a `T`, or says everything that is wrong.
pub fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    match Document::parse(name, text)?.read() {
        (Some(value), problems) if problems.is_empty() => Ok(value),
        (_, problems) => Err(in_order(problems)),
    }
}

/// The problems as one error, in file order.
pub fn in_order(mut problems: Vec<Located>) -> Error {
    problems.sort_by_key(|(offset, _)| *offset);
    Error::Settings { problems: problems.into_iter().map(|(_, problem)| problem).collect() }
}

/// A hint that names the word of `known` that is nearest to `word`, or else all of them.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    match text::nearest(word, known.iter().copied()) {
        Some(near) => Some(format!("the nearest known one is `{near}`")),
        None if !known.is_empty() && known.len() <= 20 => {
            let all: Vec<_> = known.iter().map(|k| format!("`{k}`")).collect();
            Some(format!("known are {}", all.join(", ")))
        }
        None => None,
    }
}

/// The word that serde did not know, and those it would have known.
fn unknown_word(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message
        .strip_prefix("unknown field ")
        .or_else(|| message.strip_prefix("unknown variant "))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let word = quoted.next()?;
    Some((word, quoted.collect()))
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// `name:line:column`, both from 1, the column in characters.
fn place(name: &str, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{name}:{line}:{column}")
}

/// Takes out the entry whose key or value stands at `span`; whether there was one.
fn remove(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let found = table.iter().find(|(k, v)| k.span() == *span || stands_at(v, span));
    if let Some(key) = found.map(|(k, _)| k.clone()) {
        return table.remove(&key).is_some();
    }
    table.iter_mut().any(|(_, value)| remove_below(value.get_mut(), span))
}

fn remove_below(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => remove(table, span),
        DeValue::Array(items) => items.iter_mut().any(|item| remove_below(item.get_mut(), span)),
        _ => false,
    }
}

/// Whether the value, or one of the plain values of its list, is what stands at `span`.
fn stands_at(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let inner = |items: &toml::de::DeArray<'_>| {
        items.iter().any(|i| !i.get_ref().is_table() && i.span() == *span)
    };
    value.span() == *span || value.get_ref().as_array().is_some_and(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        name: String,
        limits: Limits,
        file: Vec<File>,
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Limits {
        most: u32,
    }

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct File {
        path: String,
        sheets: Vec<String>,
    }

    fn problems(text: &str) -> String {
        match read::<Settings>("a.toml", text) {
            Err(Error::Settings { problems }) => problems
                .into_iter()
                .map(|p| format!("{} {}; {}\n", p.place, p.message, p.hint.unwrap_or_default()))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_problems_are_found_at_once_in_file_order() {
        let text = "nane = 'x'\n[limits]\nmost = 'many'\nzzz = 1\n\n\
                    [[file]]\npath = 'a'\nsheet = ['b']\n[[file]]\nsheets = ['b', 3]\n";
        assert_eq!(
            problems(text),
            "a.toml:1:1 unknown key `nane`; the nearest known one is `name`\n\
             a.toml:3:8 invalid type: string \"many\", expected u32; \n\
             a.toml:4:1 unknown key `zzz`; known are `most`\n\
             a.toml:8:1 unknown key `sheet`; the nearest known one is `sheets`\n\
             a.toml:10:16 invalid type: integer `3`, expected a string; \n"
        );
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let shown = problems("name = 'x'\nlimits = [\n");
        assert!(shown.starts_with("a.toml:3:1 ") || shown.starts_with("a.toml:2:"), "{shown}");
    }

    #[test]
    fn values_are_found_by_their_path() {
        let text = "[[file]]\npath = 'a'\n[[file]]\npath = 'b'\n";
        let document = Document::parse("a.toml", text).expect("valid");
        let at = |steps: &[Step<'_>]| document.problem(steps, "", None).1.place;
        assert_eq!(at(&[Step::Key("file"), Step::At(1), Step::Key("path")]), "a.toml:4:8");
        assert_eq!(at(&[Step::Key("file"), Step::At(1), Step::Key("none")]), "a.toml:3:1");
    }
}
