//! Every layout that is known is recognised from its header alone: `layouts.toml` has one header per layout and
//! language. Its columns may stand in any order, and a third of them may be missing.

use std::collections::{BTreeMap, BTreeSet};

use orpailleur::ingest::{
    mapping::key,
    recognise::{Candidate, recognise},
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    layout: Vec<Layout>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layout {
    name: String,
    /// The mapping that must be found.
    mapping: String,
    /// `header = attribute label`; without an attribute the column is not checked.
    header: Vec<String>,
    /// Columns without which the layout is no longer there.
    #[serde(default)]
    keep: Vec<String>,
}

impl Layout {
    /// The columns: header, and what the mapping must make of it.
    fn columns(&self) -> Vec<(&str, &str)> {
        self.header.iter().map(|c| c.split_once(" = ").unwrap_or((c, ""))).collect()
    }
}

fn layouts() -> Vec<Layout> {
    let file: File = toml::from_str(include_str!("layouts.toml")).expect("it parses");
    file.layout
}

/// Numbers that are the same on every machine (a linear congruence, Knuth's constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// The columns in another order, a third of them gone. Of columns with one name none goes, and they keep their order:
/// it is all that tells them apart.
fn altered(layout: &Layout, seed: u64) -> Vec<(&str, &str)> {
    let mut numbers = Numbers(seed);
    let all = layout.columns();
    let times = |name: &str| all.iter().filter(|(h, _)| *h == name).count();
    let keeps = |name: &str| layout.keep.iter().any(|k| k == name) || times(name) > 1;
    let mut columns: Vec<(usize, (&str, &str))> = all.iter().copied().enumerate().collect();
    for at in (1..columns.len()).rev() {
        columns.swap(at, numbers.below(at + 1));
    }
    let mut to_drop = columns.len() / 3;
    columns.retain(|(_, (name, _))| {
        let drops = to_drop > 0 && !keeps(name);
        to_drop -= usize::from(drops);
        !drops
    });
    for at in (1..columns.len()).rev() {
        columns.swap(at, numbers.below(at + 1));
    }
    // Columns with one name: the places they have got, in their old order.
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    columns.iter().enumerate().for_each(|(at, (_, (h, _)))| places.entry(h).or_default().push(at));
    for places in places.into_values() {
        let mut same: Vec<_> = places.iter().map(|&at| columns[at]).collect();
        same.sort_by_key(|(before, _)| *before);
        places.iter().zip(same).for_each(|(&at, column)| columns[at] = column);
    }
    columns.into_iter().map(|(_, column)| column).collect()
}

fn recognised(columns: &[(&str, &str)]) -> Vec<Candidate> {
    let header: Vec<String> = columns.iter().map(|(h, _)| (*h).to_owned()).collect();
    recognise("export.csv", "text", &header, &[], &[])
}

/// What is wrong with what a header was taken for.
fn wrong(layout: &Layout, columns: &[(&str, &str)]) -> Vec<String> {
    let found = recognised(columns);
    let Some(best) = found.first() else { return vec!["not recognised".to_owned()] };
    if best.mapping.name != layout.mapping {
        return vec![format!("taken for `{}` ({:.2})", best.mapping.name, best.confidence)];
    }
    let header: Vec<String> = columns.iter().map(|(h, _)| (*h).to_owned()).collect();
    let bound = best.mapping.bind(&header);
    let told = |at: usize| match &bound[at] {
        Some(b) => format!("{} {}", b.rule.attribute, b.rule.label).trim().to_owned(),
        None => String::new(),
    };
    let differs = |at: &usize| !columns[*at].1.is_empty() && told(*at) != columns[*at].1;
    let tell =
        |at: usize| format!("`{}` is `{}`, not `{}`", columns[at].0, told(at), columns[at].1);
    (0..columns.len()).filter(differs).map(tell).collect()
}

#[test]
fn every_layout_is_recognised_in_each_of_its_languages() {
    let mut told = BTreeSet::new();
    for layout in layouts() {
        for problem in wrong(&layout, &layout.columns()) {
            told.insert(format!("{}: {problem}", layout.name));
        }
    }
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn a_layout_is_recognised_with_its_columns_moved_and_a_third_of_them_missing() {
    const SEEDS: u64 = 8;
    let mut told: BTreeMap<String, u32> = BTreeMap::new();
    for layout in layouts() {
        for seed in 1..=SEEDS {
            for problem in wrong(&layout, &altered(&layout, seed)) {
                *told.entry(format!("{}: {problem}", layout.name)).or_default() += 1;
            }
        }
    }
    assert!(told.is_empty(), "{told:#?}");
}

#[test]
fn the_runner_up_is_less_sure() {
    for layout in layouts() {
        let found = recognised(&layout.columns());
        let sure: Vec<f64> = found.iter().map(|c| c.confidence).collect();
        let text = format!("{}: {sure:?}", layout.name);
        assert!(sure.is_sorted_by(|a, b| a >= b), "{text}");
        assert!(sure[0] > 0.6 && sure.iter().all(|s| (0.0..=1.0).contains(s)), "{text}");
    }
}

#[test]
fn a_home_made_table_is_no_known_layout() {
    for header in [
        "Nom;Prénom;Société;Adresse;CP;Ville;Tél;E-mail;Notes",
        "Name;Company;Email;Phone;City;Country;Notes;Status",
        "First Name;Last Name;Email;Phone;Company;Job Title;Website",
        "Vorname;Nachname;Firma;Straße;PLZ;Ort;Telefon;E-Mail",
        "Nombre;Apellidos;Empresa;Dirección;CP;Población;Teléfono;Email",
        "Nome;Cognome;Azienda;Indirizzo;CAP;Città;Telefono;Email",
        "Voornaam;Achternaam;Bedrijf;Straat;Postcode;Plaats;Telefoon;E-mail",
        "Email;Created Time;Modified Time;First Name;Last Name",
    ] {
        let columns: Vec<(&str, &str)> = header.split(';').map(|h| (h, "")).collect();
        let found = recognised(&columns);
        assert!(found.first().is_some_and(|best| best.generic), "{header}: {found:#?}");
        assert!(columns.iter().all(|(h, _)| !key(h).is_empty()));
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    table: Vec<Table>,
}

/// A table of no known layout.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    /// `header = attribute`: several right answers are separated by `|`, `-` is an extra; without any the column is not
    /// checked.
    header: Vec<String>,
    /// Cells separated by `;`.
    rows: Vec<String>,
}

/// What the best guess makes of each column: an attribute, `id`, `consent`, or `-`.
fn understood(header: &[String], rows: &[csv::StringRecord]) -> Vec<String> {
    let found = recognise("export.csv", "text", header, rows, &[]);
    let Some(best) = found.first() else { return vec!["-".to_owned(); header.len()] };
    let mapping = &best.mapping;
    let keys = |names: &[String], wanted: &str| names.iter().any(|n| key(n) == key(wanted));
    let told = |(at, bound): (usize, &Option<_>)| -> String {
        let bound: &Option<orpailleur::ingest::mapping::Bound<'_>> = bound;
        match bound {
            Some(b) if !b.rule.attribute.is_empty() => b.rule.attribute.clone(),
            _ if mapping.consents.iter().any(|c| keys(&c.column, &header[at])) => "consent".into(),
            _ if keys(&mapping.id, &header[at]) => "id".into(),
            _ => "-".into(),
        }
    };
    mapping.bind(header).iter().enumerate().map(told).collect()
}

#[test]
fn tables_of_no_known_layout_are_understood_in_six_languages() {
    let file: Tables = toml::from_str(include_str!("tables.toml")).expect("it parses");
    let (mut checked, mut told) = (0, Vec::new());
    for table in file.table {
        let split = |c: &String| match c.split_once(" = ") {
            Some((header, right)) => (header.to_owned(), right.to_owned()),
            None => (c.clone(), String::new()),
        };
        let (header, right): (Vec<String>, Vec<String>) = table.header.iter().map(split).unzip();
        let rows: Vec<csv::StringRecord> =
            table.rows.iter().map(|row| row.split(';').collect()).collect();
        for (at, found) in understood(&header, &rows).into_iter().enumerate() {
            if right[at].is_empty() {
                continue;
            }
            checked += 1;
            if !right[at].split('|').any(|r| r == found) {
                told.push(format!(
                    "{}: `{}` is `{found}`, not `{}`",
                    table.name, header[at], right[at]
                ));
            }
        }
    }
    assert!(told.is_empty(), "{} of {checked}: {told:#?}", told.len());
}
