//! Why a run stopped. A bad row never does: it becomes a [`crate::table::Reject`].

use std::{io, path::PathBuf};

/// The result of everything that can stop a run.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a migration stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`...
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is there but is not what it should be.
    #[error("`{}` cannot be used: {message}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with line and column where there is one.
        message: String,
        /// What the user can do.
        hint: Option<String>,
    },
    /// One or more settings make no sense; each is reported.
    #[error("{}:\n{}", counted(problems.len(), "problem"), bulleted(problems))]
    Settings {
        /// Every problem found, in file order.
        problems: Vec<Problem>,
    },
    /// An Arrow or Parquet table could not be built, read or written.
    #[error("could not handle the table `{table}`")]
    Table {
        /// The table's name.
        table: String,
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What was asked for does not exist: a record, a mapping, a run.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
        /// What the user can do.
        hint: Option<String>,
    },
    /// What was asked for makes no sense beside what is there.
    #[error("{message}")]
    Refused {
        /// Why: a lower-case phrase.
        message: String,
        /// What the user can do.
        hint: String,
    },
    /// The user interrupted the run.
    #[error("interrupted; the unfinished run was removed")]
    Interrupted,
}

/// One thing that is wrong in a settings or mapping file.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The file, with line and column where known: `orpailleur.toml:12:3`.
    pub place: String,
    /// What is wrong: a lower-case phrase.
    pub message: String,
    /// What the user can do: `the nearest key is ...`.
    pub hint: Option<String>,
}

impl Error {
    /// Wraps an I/O error with the path it happened on.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
        let path = path.into();
        move |source| Error::Io { action, path, source }
    }

    /// Wraps the error of a table library.
    pub fn table<E>(table: impl Into<String>) -> impl FnOnce(E) -> Error
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let table = table.into();
        move |source| Error::Table { table, source: Box::new(source) }
    }

    /// What is wrong with a file, without its path: for outputs, which name files in their own way
    /// and do not depend on the machine.
    pub fn reason(&self) -> String {
        match self {
            Error::Io { action, source, .. } if source.kind() == io::ErrorKind::NotFound => {
                format!("could not {action} it: it is not there")
            }
            Error::Io { action, source, .. } => format!("could not {action} it: {}", source.kind()),
            Error::Format { message, .. } => message.clone(),
            other => other.to_string(),
        }
    }

    /// What the user can do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Format { hint, .. } | Error::NotFound { hint, .. } => hint.clone(),
            Error::Refused { hint, .. } => Some(hint.clone()),
            Error::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("check who owns it and its permissions".into())
            }
            Error::Io { action: "read", source, .. }
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Some("look whether it was moved or renamed".into())
            }
            _ => None,
        }
    }
}

fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("one {noun}") } else { format!("{n} {noun}s") }
}

fn bulleted(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|p| match &p.hint {
        Some(hint) => format!("  {}: {}\n    hint: {hint}", p.place, p.message),
        None => format!("  {}: {}", p.place, p.message),
    });
    lines.collect::<Vec<_>>().join("\n")
}
