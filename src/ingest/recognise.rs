//! Which known layout a table has, told by its header and never by its extension.
//!
//! A layout is known by its signature, or, where some of that is missing, by headers that no other
//! layout has and no home-made table would use. Columns that it does not know are understood one by one
//! all the same.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, LazyLock},
};

use csv::StringRecord;

use super::{
    columns::{self, Understood},
    fec, history,
    mapping::{self, ColumnRule, Mapping, Rows, file_name_fits, key},
};

/// A layout that a table may have.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The mapping that reads it, further columns included.
    pub mapping: Arc<Mapping>,
    /// How sure it is, from 0 to 1: all of the signature is there (or enough that is the layout's alone), and
    /// this is how much of the table's columns it explains.
    pub confidence: f64,
    /// Whether the columns were understood one by one, no known layout fitting.
    pub generic: bool,
    /// Columns that the known layout does not have: understood by themselves.
    pub further: Vec<ColumnRule>,
}

/// The layouts that fit a table, best first; the second is the runner-up.
///
/// `own` are the project's mappings, which win over built-in ones. `container` is that of
/// [`super::read::Format`], `rows` a few rows of data. Empty when the table is none of customers or
/// of their history.
pub fn recognise(
    file: &str,
    container: &str,
    header: &[String],
    rows: &[StringRecord],
    own: &[Arc<Mapping>],
) -> Vec<Candidate> {
    let understood = columns::understand(header, rows);
    let keys: Vec<String> = header.iter().map(|h| key(h)).collect();
    let alone = Telling::of(&keys);
    let mut found: Vec<(bool, Candidate)> = Vec::new();
    let known = own.iter().map(|m| (true, m)).chain(mapping::built_in().iter().map(|m| (false, m)));
    for (is_own, mapping) in known {
        let telling = if is_own { 0 } else { alone.headers_of(&mapping.name) };
        if let Some(confidence) = fit(mapping, file, container, (header, &keys), telling) {
            let further = further(mapping, header, &understood);
            let whole = match further.is_empty() {
                true => mapping.clone(),
                false => Arc::new(Mapping::clone(mapping).with_columns(further.clone())),
            };
            found.push((is_own, Candidate { mapping: whole, confidence, generic: false, further }));
        }
    }
    found.sort_by(|(a_own, a), (b_own, b)| {
        b_own.cmp(a_own).then(b.confidence.total_cmp(&a.confidence))
    });
    let mut found: Vec<Candidate> = found.into_iter().map(|(_, candidate)| candidate).collect();
    found.extend(generic(file, header, &understood));
    found
}

/// The table read column by column: related to customers, or one of them. Surer than this no table
/// is whose layout is not known.
fn generic(file: &str, header: &[String], understood: &[Understood]) -> Vec<Candidate> {
    const SUREST: f64 = 0.8;
    let told = understood.iter().filter(|c| !c.attribute.is_empty() && c.content.filled > 0);
    let sum: u32 = told.map(|c| u32::from(c.confidence)).sum();
    let columns = understood.iter().filter(|c| c.content.filled > 0).count().max(1);
    let confidence = SUREST * (f64::from(sum) / 100.0 / columns as f64).min(1.0);
    let candidate = |mapping, generic| Candidate {
        mapping,
        confidence: if generic { confidence } else { SUREST },
        generic,
        further: Vec::new(),
    };
    let known_fec = fec::is_fec(header).then(|| mapping::named("fec")).flatten();
    match known_fec {
        // Of a FEC some columns are called differently than the law says.
        Some(mapping) => vec![candidate(mapping, false)],
        None => history::mapping(file, understood)
            .into_iter()
            .chain(columns::mapping(understood))
            .map(|mapping| candidate(Arc::new(mapping), true))
            .collect(),
    }
}

/// Headers that belong to one layout alone: what is left of it when its user has dropped columns.
struct Telling<'a>(BTreeMap<&'a str, usize>);

impl Telling<'_> {
    /// For each family of layouts how many of the headers no other family has.
    ///
    /// A name that the dictionary of columns knows tells nothing: home-made tables use it too.
    fn of(keys: &[String]) -> Telling<'static> {
        let mut families: BTreeMap<&str, usize> = BTreeMap::new();
        let distinct: BTreeSet<&String> = keys.iter().filter(|k| !k.is_empty()).collect();
        for key in distinct {
            let mut owners = LAYOUTS.with_header(key);
            if let (Some(family), None) = (owners.next(), owners.next())
                && !columns::is_plain(key)
            {
                *families.entry(family).or_default() += 1;
            }
        }
        Telling(families)
    }

    fn headers_of(&self, mapping: &str) -> usize {
        self.0.get(family(mapping)).copied().unwrap_or(0)
    }
}

/// Layouts of one system share their captions: `hubspot` and `hubspot-companies` are one family.
fn family(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}

/// The families that know a header: by its key, or by a pattern with a number in it.
struct Layouts {
    exact: HashMap<String, BTreeSet<&'static str>>,
    numbered: Vec<(String, &'static str)>,
}

static LAYOUTS: LazyLock<Layouts> = LazyLock::new(|| {
    let mut layouts = Layouts { exact: HashMap::new(), numbered: Vec::new() };
    for layout in mapping::built_in() {
        let of_signature = layout.recognise.signature.iter().flat_map(|s| s.split('|'));
        let of_columns = layout.columns.iter().flat_map(|c| &c.header).map(String::as_str);
        for header in of_columns.chain(of_signature) {
            let (key, family) = (key(header), family(&layout.name));
            match key.contains('#') {
                true => layouts.numbered.push((key, family)),
                false => drop(layouts.exact.entry(key).or_default().insert(family)),
            }
        }
    }
    layouts
});

impl Layouts {
    fn with_header(&self, key: &str) -> impl Iterator<Item = &'static str> {
        let exact = self.exact.get(key).into_iter().flatten().copied();
        let fits = |(pattern, _): &&(String, &str)| mapping::fits(pattern, key).is_some();
        let numbered = self.numbered.iter().filter(fits).map(|(_, family)| *family);
        exact.chain(numbered).collect::<BTreeSet<_>>().into_iter()
    }
}

/// How well a mapping fits, from 0 to 1; `None` when neither its signature is there nor enough else that is
/// its alone.
fn fit(
    mapping: &Mapping,
    file: &str,
    container: &str,
    (header, keys): (&[String], &[String]),
    telling: usize,
) -> Option<f64> {
    // Without the signature, this many headers of its own must be there, and this share of all explained: by
    // judgement, as many as a home-made table never has by chance.
    const TELLING: usize = 3;
    const EXPLAINED: f64 = 0.6;
    let signature = &mapping.recognise;
    if signature.signature.is_empty() && signature.container.is_empty() {
        return None;
    }
    if !signature.container.is_empty() && signature.container != container {
        return None;
    }
    let there = |wanted: &str| match signature.as_written {
        true => header.iter().any(|h| h.trim() == wanted.trim()),
        false => keys.contains(&key(wanted)),
    };
    let any = |group: &String| group.split('|').any(there);
    if signature.without.iter().any(any) {
        return None;
    }
    let named = signature.file_name.iter().any(|pattern| file_name_fits(pattern, file));
    if signature.only_file_name && !named {
        return None;
    }
    let whole = signature.signature.iter().all(any);
    let customers = !matches!(mapping.rows, Rows::Fec | Rows::History);
    let told_without = customers && telling >= TELLING;
    if !whole && !told_without {
        return None;
    }
    let filled = keys.iter().filter(|k| !k.is_empty()).count().max(1);
    let explained = mapping.known_columns(header) as f64 / filled as f64;
    if !whole && explained < EXPLAINED {
        return None;
    }
    // A name that fits is worth as much as a tenth of the columns, and so is a signature that is whole.
    let bonus = if named { 0.1 } else { 0.0 };
    let base = if whole { 0.5 } else { 0.4 };
    Some((base + 0.5 * explained + bonus).min(1.0))
}

/// Columns with values that a known layout says nothing of, where their names tell what they are.
fn further(mapping: &Mapping, header: &[String], understood: &[Understood]) -> Vec<ColumnRule> {
    // Below this a guess may be wrong: better an extra than a wrong value in a layout that is known.
    const SURE: u8 = 75;
    if matches!(mapping.rows, Rows::Fec | Rows::History) {
        return Vec::new();
    }
    let bound = mapping.bind(header);
    let spoken = mapping.spoken_of();
    let mut taken: BTreeSet<(&str, &str)> = bound
        .iter()
        .flatten()
        .map(|b| (b.rule.attribute.as_str(), b.rule.label.as_str()))
        .collect();
    let mut rules = Vec::new();
    for column in understood {
        let is_known = bound[column.index].is_some() || spoken.contains(&key(&column.header));
        if is_known || column.content.filled == 0 || column.confidence < SURE {
            continue;
        }
        let Some(rule) = columns::rule(column, understood) else { continue };
        let claim = (column.attribute.as_str(), column.label.as_str());
        if !taken.contains(&claim) || columns::many(&column.attribute) {
            taken.insert(claim);
            rules.push(rule);
        }
    }
    rules
}
