//! The profile as plain text for a terminal.

use std::fmt::Write;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::{ColumnProfile, Profile, Suspicious, TableProfile};
use crate::{
    model::Lang,
    report::{html::attribute_label, texts::Texts},
};

/// Columns of a terminal that the text fits into.
const WIDTH: u16 = 100;
/// Longest value told in a line with others, in characters.
const LONGEST_VALUE: usize = 24;
/// Suspicious cells told of one sort.
const EXAMPLES: usize = 3;

/// The whole profile.
pub(super) fn text(profile: &Profile, lang: Lang) -> String {
    let texts = Texts(lang);
    let mut parts: Vec<String> =
        profile.tables.iter().map(|table| of_table(table, texts)).collect();
    if !profile.no_tables.is_empty() {
        let files = profile.no_tables.iter().map(|file| format!("`{}`", shown(file)));
        let files = files.collect::<Vec<_>>().join(", ");
        parts.push(texts.fill("profile.no_tables", &[("files", &files)]));
    }
    for file in &profile.unreadable {
        let mut line = format!("{}: {}", shown(&file.file), file.message);
        if !file.suggestion.is_empty() {
            let _ = write!(line, "\n  hint: {}", file.suggestion);
        }
        parts.push(line);
    }
    parts.join("\n\n")
}

fn of_table(table: &TableProfile, texts: Texts) -> String {
    let mut out = headline(table, texts);
    for fact in facts(table, texts) {
        wrapped(&fact, &mut out);
    }
    if table.columns.iter().all(|column| column.filled == 0) {
        return out;
    }
    let mut columns = plain_table(
        texts,
        &["column", "holds", "sure", "filled", "different", "valid", "frequent"],
    );
    for column in table.columns.iter().filter(|column| column.filled > 0) {
        columns.add_row(column_row(column, table.rows, texts));
    }
    arrange(&mut columns, &[(0, 20), (1, 22)], &[2, 3, 4, 5]);
    let _ = write!(out, "\n\n{}", trimmed(&columns));
    let shows_form =
        |column: &ColumnProfile| column.filled > 0 && frequent_values(column, texts).is_none();
    if table.columns.iter().any(shows_form) {
        wrapped(&texts.text("profile.form_legend"), &mut out);
    }
    let mut odd = plain_table(texts, &["problem", "column", "count", "where"]);
    let rows = suspicious_rows(table, texts);
    if !rows.is_empty() {
        rows.into_iter().for_each(|row| {
            odd.add_row(row);
        });
        arrange(&mut odd, &[(0, 30), (1, 18)], &[2]);
        let _ = write!(out, "\n\n{}", trimmed(&odd));
    }
    out
}

/// The file, what it is, and how much it holds.
pub(super) fn headline(table: &TableProfile, texts: Texts) -> String {
    let mut parts = vec![match table.sheet.as_str() {
        "" => shown(&table.file),
        sheet => format!("{}!{}", shown(&table.file), shown(sheet)),
    }];
    if table.hidden {
        parts.push(texts.text("profile.hidden"));
    }
    let format = &table.format;
    let delimiter = format.delimiter.map(|c| match c {
        '\t' => texts.text("profile.tab"),
        c => format!("`{c}`"),
    });
    let of_format = [format.container.clone(), format.encoding.clone()];
    let of_format: Vec<String> =
        of_format.into_iter().filter(|part| !part.is_empty()).chain(delimiter).collect();
    parts.push(of_format.join(", "));
    parts.push(texts.count("row", table.rows));
    parts.push(texts.count("column", table.columns.len() as u64));
    parts.join(" · ")
}

/// What else there is to say of the whole table.
pub(super) fn facts(table: &TableProfile, texts: Texts) -> Vec<String> {
    let mut facts = Vec::new();
    if !table.layout.is_empty() {
        let sure = texts.percent(table.confidence.into(), 100);
        facts.push(texts.fill("profile.layout", &[("layout", &table.layout), ("sure", &sure)]));
    }
    if table.repeated_rows > 0 {
        let n = texts.number(table.repeated_rows);
        facts.push(texts.form("profile.repeated", table.repeated_rows).replace("{n}", &n));
    }
    if !table.skipped.is_empty() {
        let said = |(reason, n): (&&str, &u64)| {
            format!("{} {}", texts.number(*n), texts.word("skipped", reason))
        };
        let reasons: Vec<String> = table.skipped.iter().map(said).collect();
        facts.push(texts.fill("profile.skipped", &[("reasons", &reasons.join(", "))]));
    }
    facts.extend(table.format.remarks.iter().map(|said| texts.remark(said)));
    let empty = table.columns.iter().filter(|column| column.filled == 0 && table.rows > 0);
    let empty: Vec<String> = empty.map(|column| format!("`{}`", shown(&column.column))).collect();
    if !empty.is_empty() {
        let text = texts.form("profile.empty", empty.len() as u64);
        let n = texts.number(empty.len() as u64);
        facts.push(text.replace("{n}", &n).replace("{columns}", &empty.join(", ")));
    }
    facts
}

fn column_row(column: &ColumnProfile, rows: u64, texts: Texts) -> Vec<String> {
    let name = match column.column.trim() {
        "" => format!("({})", column.position),
        name => shown(name),
    };
    let different = match column.distinct.exact {
        true => texts.number(column.distinct.count),
        false => format!("~{}", texts.number(column.distinct.count)),
    };
    vec![
        name,
        holds(column, texts),
        texts.percent(column.confidence.into(), 100),
        texts.percent(column.filled, rows),
        different,
        texts.percent(column.valid, column.filled),
        frequent(column, texts),
    ]
}

/// What a column seems to hold, in words.
pub(super) fn holds(column: &ColumnProfile, texts: Texts) -> String {
    match column.attribute.as_str() {
        "" => texts.word("value_kind", column.kind),
        attribute if attribute.starts_with("consent_") => texts.text("profile.consent"),
        attribute => match texts.find("profile_attribute", attribute) {
            Some(known) => known.to_owned(),
            // What a label explains in brackets would be too long here.
            None => match attribute_label(attribute, texts).split_once(" (") {
                Some((label, _)) => label.to_owned(),
                None => attribute_label(attribute, texts).replace('_', " "),
            },
        },
    }
}

/// The values that come back, or where none does the form that most have.
fn frequent(column: &ColumnProfile, texts: Texts) -> String {
    let form = || {
        let form = column.patterns.first()?;
        let n = texts.number(form.count);
        Some(texts.fill("profile.form", &[("form", &brief(&form.pattern)), ("n", &n)]))
    };
    frequent_values(column, texts).or_else(form).unwrap_or_default()
}

fn frequent_values(column: &ColumnProfile, texts: Texts) -> Option<String> {
    let back: Vec<String> = (column.top_values.iter().filter(|top| top.count > 1).take(2))
        .map(|top| format!("{} ({})", brief(&top.value), texts.number(top.count)))
        .collect();
    (!back.is_empty() && !column.is_key).then(|| back.join(", "))
}

fn suspicious_rows(table: &TableProfile, texts: Texts) -> Vec<Vec<String>> {
    let row = |column: &str, suspicious: &Suspicious| {
        let count = texts.number(suspicious.count);
        let places = suspicious.examples.iter().take(EXAMPLES);
        let places: Vec<String> = places
            .map(|example| match &example.first {
                Some(first) => format!("{} = {}", example.cell, first),
                None => format!("{} {}", example.cell, brief(&example.value)),
            })
            .collect();
        vec![
            problem(suspicious.code, texts),
            shown(column),
            if suspicious.exact { count } else { format!("~{count}") },
            places.join("\n"),
        ]
    };
    let of_columns = table.columns.iter().flat_map(|column| {
        column.suspicious.iter().map(move |suspicious| row(&column.column, suspicious))
    });
    table.rejected.iter().map(|rejected| row("", rejected)).chain(of_columns).collect()
}

/// What a code means.
pub(super) fn problem(code: &str, texts: Texts) -> String {
    let sections = ["suspicious", "reject_message", "issue"];
    let known = sections.iter().find_map(|section| texts.find(section, code));
    known.map_or_else(|| texts.word("suspicious", code), str::to_owned)
}

fn plain_table(texts: Texts, header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table.set_header(header.iter().map(|name| texts.text(&format!("profile.{name}"))));
    table
}

/// Limits the widths of some columns, and puts the numbers of others to the right.
fn arrange(table: &mut Table, widths: &[(usize, u16)], right: &[usize]) {
    for (at, width) in widths {
        if let Some(column) = table.column_mut(*at) {
            column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(*width)));
        }
    }
    for at in right {
        if let Some(column) = table.column_mut(*at) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn trimmed(table: &Table) -> String {
    let text = table.to_string();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Adds a fact below the headline, in lines that fit.
fn wrapped(fact: &str, out: &mut String) {
    let mut room = 0;
    for word in fact.split(' ') {
        let length = word.chars().count();
        if room <= length {
            out.push_str(if room == 0 { "\n " } else { "\n   " });
            room = usize::from(WIDTH) - 4;
        }
        let _ = write!(out, " {word}");
        room = room.saturating_sub(length + 1).max(1);
    }
}

/// The value in one short line.
fn brief(value: &str) -> String {
    let value = shown(value);
    match value.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}…", &value[..at]),
        None => value,
    }
}

/// The text without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '·' } else { c }).collect()
}
