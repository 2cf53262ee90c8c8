//! `LOAD.md`: what an integrator does with a load package, in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::{
    Metrics,
    mapping::{LineEnd, Object, Orphans, Target},
};

/// The text of `LOAD.md`.
pub(super) fn write(target: &Target, metrics: &Metrics) -> String {
    let mut page = format!("# Loading into {}\n", target.label);
    files(&mut page, target, metrics);
    list(&mut page, "Before the load", &target.guide.before);
    custom_fields(&mut page, target);
    steps(&mut page, target, metrics);
    list(&mut page, "After the load", &target.guide.after);
    check(&mut page, target, metrics);
    list(&mut page, "Rows that the CRM refuses", &target.guide.errors);
    list(&mut page, "Loading a second time", &target.guide.again);
    orphans(&mut page, target, metrics);
    consent(&mut page, metrics);
    misfits(&mut page, metrics);
    history(&mut page, metrics);
    left_out(&mut page, metrics);
    page
}

/// Adds a line to the page.
macro_rules! line {
    ($page:expr, $($text:tt)*) => {
        writeln!($page, $($text)*).expect("a text takes any line")
    };
}

fn files(page: &mut String, target: &Target, metrics: &Metrics) {
    line!(page, "\nThe files, in the order in which they are loaded:\n");
    line!(page, "| | file | object | rows | bytes |\n|---:|---|---|---:|---:|");
    for (at, file) in metrics.files.iter().enumerate() {
        line!(
            page,
            "| {} | `{}` | {} | {} | {} |",
            at + 1,
            file.file,
            file.object,
            file.rows,
            file.bytes
        );
    }
    let rules = &target.file;
    let delimiter = match rules.delimiter {
        ',' => "comma".to_owned(),
        ';' => "semicolon".to_owned(),
        '\t' => "tab".to_owned(),
        other => format!("`{other}`"),
    };
    let end = match rules.line_end {
        LineEnd::Lf => "LF",
        LineEnd::Crlf => "CRLF",
    };
    let bom = if rules.bom { "with" } else { "without" };
    line!(
        page,
        "\nCSV in UTF-8 {bom} byte order mark, delimiter {delimiter}, line end {end}, quotes doubled. Values are exact: \
         do not open and save a file in a spreadsheet program, which drops leading zeros and long numbers. \
         `files.csv` has the SHA-256 of each file, `misfits.csv` every value that did not fit, `suppression.csv` the \
         contact points (as keyed hashes) that are known by an objection or a bounce alone and are in no other file."
    );
}

fn list(page: &mut String, title: &str, texts: &[String]) {
    if texts.is_empty() {
        return;
    }
    line!(page, "\n## {title}\n");
    for text in texts {
        line!(page, "- {text}");
    }
}

fn custom_fields(page: &mut String, target: &Target) {
    // One field of an object may stand in several files.
    let mut fields: BTreeMap<(usize, &str), (&str, &str, String)> = BTreeMap::new();
    for (at, object) in target.objects.iter().enumerate() {
        let first = target.objects.iter().position(|o| o.object == object.object).unwrap_or(at);
        for column in &object.columns {
            if let Some(custom) = &column.custom {
                let from =
                    column.from.clone().or_else(|| column.constant.clone()).unwrap_or_default();
                fields.entry((first, column.header.get_ref())).or_insert((
                    &object.object,
                    custom,
                    from,
                ));
            }
        }
    }
    if fields.is_empty() {
        return;
    }
    line!(page, "\n## Fields to create first\n");
    line!(page, "| object | field | type | holds |\n|---|---|---|---|");
    for ((_, field), (object, custom, from)) in &fields {
        line!(page, "| {object} | `{field}` | {custom} | `{}` |", from.replace('|', "\\|"));
    }
}

fn steps(page: &mut String, target: &Target, metrics: &Metrics) {
    line!(page, "\n## Steps");
    for (at, object) in target.objects.iter().enumerate() {
        let files = files_of(object, metrics);
        let rows: u64 = files.iter().map(|f| f.rows).sum();
        let key =
            object.key.as_ref().map(|key| format!(", identified by `{key}`")).unwrap_or_default();
        line!(page, "\n### {}. {}: {rows} rows{key}\n", at + 1, object.object);
        if rows == 0 {
            line!(page, "Nothing to load: the file holds its header alone.");
            continue;
        }
        let (commands, texts): (Vec<&String>, Vec<&String>) =
            object.load.iter().partition(|step| step.starts_with("$ "));
        for text in texts {
            line!(page, "{text}\n");
        }
        if !commands.is_empty() {
            line!(page, "```sh");
            for file in &files {
                for command in &commands {
                    line!(page, "{}", command[2..].replace("{file}", &file.file));
                }
            }
            line!(page, "```");
        }
        if files.len() > 1 {
            line!(page, "\nThe parts in the order of their numbers, one after the other.");
        }
    }
}

fn files_of<'m>(object: &Object, metrics: &'m Metrics) -> Vec<&'m super::FileMetrics> {
    let (stem, extension) = object.file.rsplit_once('.').unwrap_or((&object.file, ""));
    let is_part = |name: &str| {
        name == object.file
            || name.strip_prefix(stem).and_then(|rest| rest.strip_suffix(extension)).is_some_and(
                |middle| {
                    let digits = middle.trim_matches('.');
                    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
                },
            )
    };
    metrics.files.iter().filter(|f| is_part(&f.file)).collect()
}

fn check(page: &mut String, target: &Target, metrics: &Metrics) {
    line!(page, "\n## Check after the load\n");
    line!(page, "| object | rows sent | count in the CRM |\n|---|---:|---|");
    for object in &target.objects {
        let rows: u64 = files_of(object, metrics).iter().map(|f| f.rows).sum();
        let count = if object.count.is_empty() { "by hand" } else { object.count.as_str() };
        line!(
            page,
            "| {} (`{}`) | {rows} | {} |",
            object.object,
            object.file,
            count.replace('|', "\\|")
        );
    }
    let keys: Vec<String> = target
        .objects
        .iter()
        .filter_map(|o| Some(format!("`{}` of `{}`", o.key.as_ref()?, o.file)))
        .collect();
    if !keys.is_empty() {
        line!(
            page,
            "\nThen export the keys from the CRM, sort them, and compare them with the sorted {}: the two lists \
             must be equal, but for the rows that the CRM refused.",
            keys.join(", ")
        );
    }
}

fn orphans(page: &mut String, target: &Target, metrics: &Metrics) {
    line!(page, "\n## Persons without an organisation\n");
    match target.orphans {
        Orphans::Load => line!(
            page,
            "{} persons have no present organisation and are loaded without one (`orphans = \"load\"` in the mapping; \
             `\"placeholder\"` hangs them on one marked account).",
            metrics.orphans
        ),
        Orphans::Placeholder => line!(
            page,
            "{} persons have no present organisation and hang on the account `{}`, made for them \
             (`orphans = \"placeholder\"` in the mapping; `\"load\"` loads them without an account).",
            metrics.orphans,
            target.orphans_account
        ),
    }
    if !target.guide.orphans.is_empty() {
        line!(page, "\n{}", target.guide.orphans);
    }
}

fn consent(page: &mut String, metrics: &Metrics) {
    line!(page, "\n## Consent\n");
    line!(
        page,
        "Who objected in a channel is not to be contacted by any contact point of that channel. A flag allows contact \
         only where the contact points that the CRM uses are known to have agreed. **Unknown is written as do not contact**:"
    );
    line!(page, "\n| channel | contact points whose consent is unknown |\n|---|---:|");
    for (channel, count) in &metrics.unknown_as_no {
        line!(page, "| {channel} | {count} |");
    }
    if metrics.unknown_as_no.is_empty() {
        line!(page, "| none | 0 |");
    }
    if metrics.deceased > 0 {
        line!(
            page,
            "\nOf the persons {} are deceased: all their flags say do not contact, whatever they agreed to.",
            metrics.deceased
        );
    }
    line!(
        page,
        "\n{} contact points are known by an objection or a bounce alone. They are in no contact file; keep \
         `suppression.csv` where later imports are checked against it.",
        metrics.suppressed
    );
}

fn misfits(page: &mut String, metrics: &Metrics) {
    line!(page, "\n## What did not fit\n");
    let mut counts: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for misfit in &metrics.misfits {
        *counts.entry((&misfit.problem, &misfit.object, &misfit.column)).or_default() += 1;
    }
    if counts.is_empty() {
        line!(page, "Every value fits.");
        return;
    }
    line!(page, "| problem | object | column | cells |\n|---|---|---|---:|");
    for ((problem, object, column), count) in counts {
        line!(page, "| {problem} | {object} | {column} | {count} |");
    }
    line!(page, "\nEach is a line of `misfits.csv` with its golden id.");
}

fn history(page: &mut String, metrics: &Metrics) {
    line!(page, "\n## History\n");
    if metrics.history.is_empty() {
        line!(page, "The sources have no invoices, quotes, activities or the like.");
        return;
    }
    line!(
        page,
        "No load file has history: objects for it differ from one installation to the next. The whole rows stand in the \
         run's folder, each with the golden id of its customer first, by which the load files know them too: load them \
         into the objects that you choose once the customers are in, or keep them where they can be looked up."
    );
    line!(page, "\n| kind | file | rows | with their customer |\n|---|---|---:|---:|");
    for (kind, of) in &metrics.history {
        line!(page, "| {kind} | `golden/history/{kind}.csv` | {} | {} |", of.rows, of.attached);
    }
    line!(
        page,
        "\nRows without their customer name nobody of this run by a key or an address: `rejects.csv` says why."
    );
}

fn left_out(page: &mut String, metrics: &Metrics) {
    line!(page, "\n## What is not in these files\n");
    for (reason, count) in &metrics.left_out {
        let records = if *count == 1 { "record" } else { "records" };
        line!(page, "- {count} golden {records}: {reason}");
    }
    let (extra, known): (Vec<_>, Vec<_>) =
        metrics.unmapped.iter().partition(|(attribute, _)| attribute.contains(" extra."));
    for (attribute, count) in known {
        line!(page, "- {attribute}: {count} golden records have a value, and no column takes it");
    }
    // Columns of the sources whose text is kept as it stands are named together.
    let extra: BTreeSet<&str> = extra
        .into_iter()
        .filter_map(|(attribute, _)| attribute.split_once(" extra.").map(|(_, column)| column))
        .collect();
    let (unknown, understood): (Vec<&str>, Vec<&str>) =
        extra.into_iter().partition(|column| metrics.unknown_columns.contains(*column));
    if !unknown.is_empty() {
        let names = unknown.join("`, `");
        line!(page, "- columns of the sources outside the common vocabulary: `{names}`");
    }
    if !understood.is_empty() {
        line!(
            page,
            "- columns that were understood (a role, a consent, a name said twice), and whose own text no column takes: \
             `{}`",
            understood.join("`, `")
        );
    }
    if metrics.left_out.is_empty() && metrics.unmapped.is_empty() {
        line!(page, "Nothing is left out.");
    }
}
