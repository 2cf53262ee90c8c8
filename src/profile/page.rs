//! The profile as a page: one file, nothing from outside.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, Value, context, value::Serde};
use serde::Serialize;

use super::{ColumnProfile, Profile, TableProfile, show};
use crate::{
    error::{Error, Result},
    model::Lang,
    report::{
        PAGE_STYLE,
        chart::{self, Bar, Caption, Histogram},
        html::add_words,
        texts::Texts,
    },
};

/// Bars of a chart; beyond them years are counted by decades.
const MOST_BARS: usize = 30;

/// The whole page.
pub(super) fn page(profile: &Profile, title: &str, lang: Lang) -> Result<String> {
    let texts = Texts(lang);
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    add_words(&mut environment, texts);
    environment.add_function("problem", move |code: &str| show::problem(code, texts));
    environment
        .add_template("profile.html", include_str!("page.html"))
        .expect("the built-in page is checked by a test");
    let page = context! {
        lang => texts.code(),
        css => Value::from_safe_string(PAGE_STYLE.to_owned()),
        title,
        verdict => verdict(profile, texts),
        profile => Value::from(Serde(profile)),
        tables => Value::from(Serde(views(profile, texts))),
    };
    let template =
        environment.get_template("profile.html").map_err(Error::table("profile.html"))?;
    template.render(page).map_err(Error::table("profile.html"))
}

fn verdict(profile: &Profile, texts: Texts) -> String {
    let rows = profile.tables.iter().map(|table| table.rows).sum();
    let columns = profile.tables.iter().map(|table| table.columns.len() as u64).sum();
    let suspicious = profile.tables.iter().flat_map(|table| &table.columns);
    let cells = suspicious.flat_map(|column| &column.suspicious).map(|found| found.count).sum();
    texts.fill(
        "profile.verdict",
        &[
            ("tables", &texts.count("table", profile.tables.len() as u64)),
            ("rows", &texts.count("row", rows)),
            ("columns", &texts.count("column", columns)),
            ("cells", &texts.count("suspicious_cell", cells)),
        ],
    )
}

/// What the page shows of a table beside its numbers.
#[derive(Serialize)]
struct TableView {
    headline: String,
    facts: Vec<String>,
    columns: Vec<ColumnView>,
    /// Whether any column has something suspicious.
    suspicious: bool,
}

#[derive(Serialize)]
struct ColumnView {
    holds: String,
    chart: String,
}

fn views(profile: &Profile, texts: Texts) -> Vec<TableView> {
    let of_table = |table: &TableProfile| TableView {
        headline: show::headline(table, texts),
        facts: show::facts(table, texts),
        columns: (table.columns.iter())
            .map(|column| ColumnView {
                holds: show::holds(column, texts),
                chart: spread(column, texts),
            })
            .collect(),
        suspicious: !table.rejected.is_empty()
            || table.columns.iter().any(|column| !column.suspicious.is_empty()),
    };
    profile.tables.iter().map(of_table).collect()
}

/// How dates spread over the years, or numbers over their sizes; empty where there is one bar only.
fn spread(column: &ColumnProfile, texts: Texts) -> String {
    let is_date = column.kind == "date";
    let (bars, decades) = bars_of(&column.spread, is_date);
    if bars.len() < 2 {
        return String::new();
    }
    let count = bars.len();
    let bars: Vec<Bar> = (bars.into_iter().enumerate())
        .map(|(at, (bucket, value))| {
            let name = if is_date { bucket.to_string() } else { size(bucket) };
            // Labels that would touch are left out; pointing at a bar tells all.
            let labelled = at % count.div_ceil(6) == 0;
            Bar {
                label: if labelled { name.clone() } else { String::new() },
                hint: format!("{name}: {}", texts.number(value)),
                value,
                tone: "blue",
            }
        })
        .collect();
    let what = match (is_date, decades) {
        (true, false) => "profile.by_year",
        (true, true) => "profile.by_decade",
        (false, _) => "profile.by_size",
    };
    let caption = Caption { title: column.column.clone(), description: texts.text(what) };
    let drawn = chart::small_histogram(&Histogram { caption, bars, ..Histogram::default() }, texts);
    format!("{drawn}<figcaption>{}</figcaption>", chart::escape(&texts.text(what)))
}

/// The bars with the empty ones between them, and whether they are decades.
fn bars_of(spread: &BTreeMap<i32, u64>, is_date: bool) -> (Vec<(i32, u64)>, bool) {
    let range = |spread: &BTreeMap<i32, u64>| {
        Some((*spread.first_key_value()?.0, *spread.last_key_value()?.0))
    };
    let Some((first, last)) = range(spread) else { return (Vec::new(), false) };
    let decades = is_date && (last - first) as usize >= MOST_BARS;
    let width = if decades { 10 } else { 1 };
    let mut bars = BTreeMap::new();
    for (bucket, n) in spread {
        *bars.entry(bucket.div_euclid(width) * width).or_default() += n;
    }
    let Some((first, last)) = range(&bars) else { return (Vec::new(), false) };
    let filled = (first..=last).step_by(width as usize);
    (filled.map(|at| (at, bars.get(&at).copied().unwrap_or(0))).collect(), decades)
}

/// The smallest number of so many digits before the mark: `1`, `10`, `-1000`.
fn size(digits: i32) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    match digits.unsigned_abs() {
        0 => "0".into(),
        n => format!("{sign}1{}", "0".repeat(n as usize - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_shown_and_many_years_are_decades() {
        let spread = BTreeMap::from([(2001, 3), (2003, 1)]);
        assert_eq!(bars_of(&spread, true), (vec![(2001, 3), (2002, 0), (2003, 1)], false));
        let spread = BTreeMap::from([(1954, 3), (1959, 1), (1991, 2)]);
        let decades = vec![(1950, 4), (1960, 0), (1970, 0), (1980, 0), (1990, 2)];
        assert_eq!(bars_of(&spread, true), (decades, true));
        assert_eq!(bars_of(&BTreeMap::new(), true), (Vec::new(), false));
    }

    #[test]
    fn sizes_are_named_by_their_smallest_number() {
        assert_eq!([size(0), size(1), size(3), size(-2)], ["0", "1", "100", "-10"]);
    }
}
