//! The `mappings` command: which exports are recognised, which CRMs can be loaded, and what is wrong
//! with a mapping file.

use std::{fmt::Write, path::Path};

use crate::{
    document::nearest,
    emit::mapping::Target,
    error::{Error, Problem, Result},
    ingest::mapping::{Mapping, built_in, built_in_text},
    model::Lang,
    store,
};

/// The built-in mappings, one line each.
pub fn list(lang: Lang) -> String {
    let mut text = String::from("Sources, recognised by their header:\n");
    for mapping in built_in() {
        let label = match lang {
            Lang::Fr => &mapping.label.fr,
            Lang::En => &mapping.label.en,
        };
        let _ = writeln!(text, "  {:<24} {label}", mapping.name);
    }
    text.push_str("\nTargets, for `--target`:\n");
    for name in Target::names() {
        let _ = writeln!(text, "  {name}");
    }
    text.push_str("\n`orpailleur mappings show NAME` prints one as TOML.");
    text
}

/// The text of the built-in mapping called `name`, of a source or of a target.
pub fn show(name: &str) -> Result<&'static str> {
    let names = || built_in().iter().map(|m| m.name.as_str()).chain(Target::names());
    built_in_text(name).or_else(|| Target::builtin_text(name)).ok_or_else(|| Error::NotFound {
        what: "built-in mapping",
        name: name.to_owned(),
        hint: nearest(name, names()),
    })
}

/// Checks mapping files, of sources or of targets; fails with all that is wrong with all of them.
pub fn check(files: &[impl AsRef<Path>]) -> Result<()> {
    let mut problems: Vec<Problem> = Vec::new();
    for file in files {
        match check_one(file.as_ref()) {
            Err(Error::Settings { problems: found }) => problems.extend(found),
            Err(error) => problems.push(Problem {
                place: file.as_ref().display().to_string(),
                message: error.to_string(),
                hint: error.hint(),
            }),
            Ok(()) => {}
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Settings { problems }) }
}

fn check_one(file: &Path) -> Result<()> {
    let text = store::read_text(file)?;
    if is_target(&text) {
        let problems = Target::parse(&text, file)?.check();
        if problems.is_empty() { Ok(()) } else { Err(Error::Settings { problems }) }
    } else {
        Mapping::load(file).map(drop)
    }
}

/// Targets have objects; sources have none.
fn is_target(text: &str) -> bool {
    text.parse::<toml::Table>().is_ok_and(|table| table.contains_key("object"))
}
