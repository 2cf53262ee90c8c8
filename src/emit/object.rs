//! The rows of one object: which there are, in which order, and the cells of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    cell::{self, Unformed},
    consent::ContactPoint,
    mapping::{Column, Form, Links, Object, Order, RowsOf, Target, TooLong, Unlisted},
    path::{self, BadPath, Path},
    source::{Row, Source, Taken},
};
use crate::{
    model::{Kind, ValueKind},
    value::text::fold,
};

/// The ids that each object's file holds so far.
pub(super) type Written = BTreeMap<String, std::collections::HashSet<String>>;

/// An object with its columns made ready.
#[derive(Debug)]
pub(super) struct Sheet<'t> {
    pub(super) object: &'t Object,
    target: &'t Target,
    columns: Vec<Prepared<'t>>,
    only_with: Vec<Path>,
    needs: Vec<Path>,
}

#[derive(Debug)]
struct Prepared<'t> {
    column: &'t Column,
    header: &'t str,
    paths: Vec<Path>,
    form: Form,
    policy: TooLong,
    list: Option<List<'t>>,
}

/// A pick list, found as written or else without case and accents.
#[derive(Debug)]
struct List<'t> {
    exact: &'t BTreeMap<String, String>,
    folded: HashMap<String, &'t str>,
}

/// One row ready to be written.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// The cells, one per header.
    pub(super) cells: Vec<String>,
    /// What did not fit: header, problem, what was done.
    pub(super) misfits: Vec<(String, &'static str, String)>,
    /// Why the row must not be written.
    pub(super) left_out: Option<String>,
}

impl<'t> Sheet<'t> {
    /// Fails on a path that makes no sense, which `Target::check` finds before.
    pub(super) fn new(object: &'t Object, target: &'t Target) -> Result<Sheet<'t>, BadPath> {
        let prepare = |column: &'t Column| {
            let paths = column.paths(object.rows)?;
            let list = column.values.as_ref().and_then(|name| target.values.get(name));
            Ok(Prepared {
                column,
                header: column.header.get_ref(),
                form: column.form.unwrap_or_else(|| form_of(&paths)),
                policy: column.policy(&paths),
                list: list.map(|exact| List {
                    exact,
                    folded: exact.iter().map(|(from, to)| (fold(from), to.as_str())).collect(),
                }),
                paths,
            })
        };
        let paths = |text: &Option<String>| {
            text.as_ref().map_or(Ok(Vec::new()), |text| path::parse_all(text, object.rows))
        };
        Ok(Sheet {
            object,
            target,
            columns: object.columns.iter().map(prepare).collect::<Result<_, _>>()?,
            only_with: paths(&object.only_with)?,
            needs: paths(&object.needs)?,
        })
    }

    /// The attributes that its columns write.
    pub(super) fn attributes(&self) -> BTreeSet<&str> {
        self.columns.iter().flat_map(|c| &c.paths).flat_map(Path::attributes).collect()
    }

    /// The channels that its flags speak of.
    pub(super) fn flags(&self) -> BTreeSet<crate::table::Channel> {
        let paths = self.columns.iter().flat_map(|c| &c.paths);
        let flag = |path: &Path| match path {
            Path::DoNotContact(channel) => Some(*channel),
            _ => None,
        };
        paths.filter_map(flag).collect()
    }

    /// Its rows, in the order they are written.
    pub(super) fn rows<'a>(
        &self,
        source: &Source<'a>,
        points: &'a [ContactPoint<'a>],
    ) -> Vec<Row<'a>> {
        let golden = source.golden;
        let mut rows: Vec<Row<'a>> = match self.object.rows {
            RowsOf::Organisation => self.organisations(source),
            RowsOf::Person => self.persons(source),
            RowsOf::Link => {
                let mut links: Vec<_> = golden.links.iter().collect();
                links.sort();
                links.retain(|link| match self.object.links {
                    Links::All => true,
                    Links::Secondary => source
                        .current(&link.person_id)
                        .is_none_or(|current| current.organisation_id != link.organisation_id),
                });
                links.into_iter().map(Row::Link).collect()
            }
            RowsOf::OrganisationLink => {
                sorted(&golden.organisation_links).map(Row::OrganisationLink).collect()
            }
            RowsOf::ContactPoint => {
                let wanted =
                    |p: &&ContactPoint<'_>| self.object.states.iter().any(|s| s == p.state_word());
                points.iter().filter(wanted).map(Row::ContactPoint).collect()
            }
            RowsOf::Consent => sorted(&golden.consents).map(Row::Consent).collect(),
            RowsOf::Key => sorted(&golden.keys).map(Row::Key).collect(),
            RowsOf::Household => sorted(&golden.households).map(Row::Household).collect(),
        };
        if !self.only_with.is_empty() {
            rows.retain(|row| has_any(source, *row, &self.only_with));
        }
        rows
    }

    fn organisations<'a>(&self, source: &Source<'a>) -> Vec<Row<'a>> {
        let records = source.records(Kind::Organisation);
        let mut order: Vec<usize> = (0..records.len()).collect();
        if self.object.order == Order::ParentsFirst {
            let depth: Vec<usize> = order.iter().map(|&i| depth_of(records, i)).collect();
            order.sort_by_key(|&i| (depth[i], i));
        }
        let extra = source
            .orphans_account
            .filter(|_| self.only_with.is_empty())
            .map(|_| Row::OrphansAccount);
        extra
            .into_iter()
            .chain(order.into_iter().map(|i| Row::Golden(Kind::Organisation, i)))
            .collect()
    }

    fn persons<'a>(&self, source: &Source<'a>) -> Vec<Row<'a>> {
        let records = source.records(Kind::Person);
        let mut order: Vec<usize> = (0..records.len()).collect();
        if self.object.order == Order::Account {
            let account = |i: usize| {
                source.current(&records.ids[i]).map_or("", |link| link.organisation_id.as_str())
            };
            order.sort_by_key(|&i| (account(i), i));
        }
        order.into_iter().map(|i| Row::Golden(Kind::Person, i)).collect()
    }

    /// The cells of one row. `written` tells which golden ids may be referred to.
    pub(super) fn build<'a>(&self, source: &Source<'a>, row: Row<'a>, written: &Written) -> Built {
        let mut built = Built::default();
        let raw = self.raw_cells(source, row, written, &mut built);
        self.fit(raw, &mut built);
        let is_filled = |header: &String| {
            self.object.headers().zip(&built.cells).any(|(h, cell)| h == header && !cell.is_empty())
        };
        if !self.object.at_least_one.is_empty() && !self.object.at_least_one.iter().any(is_filled) {
            let wanted = self.object.at_least_one.join(", ");
            built.left_out = Some(format!("none of {wanted}"));
        }
        if !self.needs.is_empty() && !has_any(source, row, &self.needs) {
            built.left_out = Some(format!("no `{}`", self.object.needs.as_deref().unwrap_or("")));
        }
        let null = &self.target.file.null;
        if !null.is_empty() {
            built
                .cells
                .iter_mut()
                .filter(|cell| cell.is_empty())
                .for_each(|cell| cell.clone_from(null));
        }
        built
    }

    /// Every column's value in the target's form, whatever its length.
    fn raw_cells<'a>(
        &self,
        source: &Source<'a>,
        row: Row<'a>,
        written: &Written,
        built: &mut Built,
    ) -> Vec<String> {
        let mut taken = Taken::new();
        let mut raw = vec![String::new(); self.columns.len()];
        let is_rest = |c: &Prepared<'_>| c.paths.iter().any(Path::is_rest);
        let (last, first): (Vec<usize>, Vec<usize>) =
            (0..self.columns.len()).partition(|&at| is_rest(&self.columns[at]));
        for at in first.into_iter().chain(last) {
            let column = &self.columns[at];
            let values = match &column.column.constant {
                Some(constant) => vec![constant.clone()],
                None => {
                    let found =
                        column.paths.iter().map(|path| source.values(row, path, &mut taken));
                    found.into_iter().find(|values| !values.is_empty()).unwrap_or_default()
                }
            };
            raw[at] = self.translated(column, values, written, built);
        }
        self.without_room(source, row, &taken, built);
        raw
    }

    /// Values in the target's words and form, joined.
    fn translated(
        &self,
        column: &Prepared<'_>,
        values: Vec<String>,
        written: &Written,
        built: &mut Built,
    ) -> String {
        let rules = &self.target.file;
        let mut misfit = |problem, message: String| {
            built.misfits.push((column.header.to_owned(), problem, message))
        };
        let mut done: Vec<String> = Vec::with_capacity(values.len());
        for value in values {
            if let Some(object) = &column.column.reference
                && !written.get(object).is_some_and(|ids| ids.contains(&value))
            {
                misfit("dangling_reference", format!("left empty: it is not in `{object}`"));
                continue;
            }
            let listed = match &column.list {
                None => value,
                Some(list) => match (list.find(&value), column.column.unlisted) {
                    (Some(target), _) => target.to_owned(),
                    (None, Unlisted::Keep) => value,
                    (None, Unlisted::Blank) => {
                        misfit(
                            "not_in_pick_list",
                            "left empty: the pick list does not hold it".into(),
                        );
                        continue;
                    }
                },
            };
            match cell::form(&listed, column.form, rules) {
                Ok(formed) => done.push(formed),
                Err(Unformed { problem, message }) => misfit(problem, message.into()),
            }
        }
        if done.is_empty() {
            return String::new();
        }
        let joined = done.join(column.column.join.as_deref().unwrap_or(&rules.join));
        let cased = cell::in_case(format!("{}{joined}", column.column.prefix), column.column.case);
        let (mut text, replaced) = cell::allowed(&cased, rules);
        if replaced {
            misfit(
                "forbidden_character",
                "the target does not take some characters: now blanks".into(),
            );
        }
        if let Some(other) = rules.reserved.get(&text) {
            misfit(
                "reserved_value",
                format!("the value means something else to the target: now `{other}`"),
            );
            text.clone_from(other);
        }
        if rules.newline == "\n" { text } else { text.replace('\n', &rules.newline) }
    }

    /// Brings the values into the lengths of the columns.
    fn fit(&self, mut raw: Vec<String>, built: &mut Built) {
        let measure = self.target.file.length_in;
        let too_long = |at: usize, raw: &[String]| {
            let length = self.columns[at].column.length;
            length.is_some_and(|length| cell::measured(&raw[at], measure) > length)
        };
        for at in 0..self.columns.len() {
            let column = &self.columns[at];
            if let Some(to) = column.column.move_to.as_ref().filter(|_| too_long(at, &raw))
                && let Some(to) = self.columns.iter().position(|c| c.header == to.as_str())
            {
                let note = format!("{}: {}", column.header, raw[at]);
                let newline =
                    if raw[to].is_empty() { "" } else { self.target.file.newline.as_str() };
                raw[to] = format!("{}{newline}{note}", raw[to]);
            }
        }
        for (at, column) in self.columns.iter().enumerate() {
            let mut cells = vec![std::mem::take(&mut raw[at])];
            let mut misfit =
                |problem, message| built.misfits.push((column.header.to_owned(), problem, message));
            if let Some(length) = column.column.length {
                let long = cell::measured(&cells[0], measure);
                if long > length {
                    let whole = std::mem::take(&mut cells[0]);
                    let (head, mut rest) = cell::split(&whole, length, measure);
                    match column.policy {
                        TooLong::Error => {
                            misfit("too_long", format!("left empty: {long} long, {length} fit"));
                        }
                        TooLong::Cut => {
                            cells[0] = head.to_owned();
                            misfit("cut", format!("{long} long, cut to {length}"));
                        }
                        TooLong::Move => {
                            cells[0] = head.to_owned();
                            let to = column.column.move_to.as_deref().unwrap_or("");
                            misfit(
                                "moved",
                                format!("{long} long, cut to {length}; whole in `{to}`"),
                            );
                        }
                        TooLong::Wrap => {
                            cells[0] = head.to_owned();
                            for _ in &column.column.wrap_to {
                                let (head, further) = cell::split(rest, length, measure);
                                cells.push(head.to_owned());
                                rest = further;
                            }
                            if !rest.is_empty() {
                                misfit(
                                    "cut",
                                    format!("{long} long, does not fit {} columns", cells.len()),
                                );
                            }
                        }
                    }
                }
            }
            if cells[0].is_empty() && column.column.required {
                let placeholder =
                    column.column.placeholder.as_ref().map_or("", |p| p.text(self.target.lang));
                cells[0] = placeholder.to_owned();
                misfit(
                    "missing_required",
                    format!("there is no value: written as `{placeholder}`"),
                );
            }
            cells.resize(1 + column.column.wrap_to.len(), String::new());
            built.cells.append(&mut cells);
        }
    }

    /// Reports the values of the row's golden record that no column takes.
    fn without_room(&self, source: &Source<'_>, row: Row<'_>, taken: &Taken, built: &mut Built) {
        let Row::Golden(kind, i) = row else { return };
        for attribute in self.attributes() {
            let values =
                source.records(kind).columns.get(attribute).map_or(0, |c| c.values(i).len());
            let left =
                (0..values).filter(|at| !taken.contains(&(attribute.to_owned(), *at))).count();
            if left > 0 {
                let plural = if left == 1 { "value" } else { "values" };
                built.misfits.push((
                    String::new(),
                    "no_room",
                    format!("{left} further {plural} of `{attribute}` have no column"),
                ));
            }
        }
    }
}

impl List<'_> {
    fn find(&self, value: &str) -> Option<&str> {
        let exact = self.exact.get(value).map(String::as_str);
        exact.or_else(|| self.folded.get(&fold(value)).copied())
    }
}

fn has_any<'a>(source: &Source<'a>, row: Row<'a>, paths: &[Path]) -> bool {
    paths.iter().any(|path| !source.values(row, path, &mut Taken::new()).is_empty())
}

fn form_of(paths: &[Path]) -> Form {
    match paths.first().map(Path::value_kind) {
        Some(ValueKind::Date) => Form::Date,
        Some(ValueKind::Boolean) => Form::Boolean,
        Some(ValueKind::Money) => Form::Decimal,
        Some(ValueKind::Phone) => Form::Phone,
        _ => Form::Text,
    }
}

fn sorted<T: Ord>(lines: &[T]) -> impl Iterator<Item = &T> {
    let mut sorted: Vec<&T> = lines.iter().collect();
    sorted.sort();
    sorted.into_iter()
}

/// How many ancestors an organisation has; a circle of parents counts once around.
fn depth_of(records: &crate::table::GoldenRecords, i: usize) -> usize {
    let mut seen = BTreeSet::from([i]);
    let mut at = i;
    while let Some(parent) =
        records.parent.get(at).filter(|p| !p.is_empty()).and_then(|p| records.find(p))
    {
        if !seen.insert(parent) {
            break;
        }
        at = parent;
    }
    seen.len() - 1
}
