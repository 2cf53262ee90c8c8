//! Who is answerable for a customer in the CRM: what the legacy systems call owners, as users of the CRM.

use std::collections::{BTreeMap, BTreeSet};

use crate::table::{Conflict, FILE_NAME, Golden, GoldenRecords, Kind, Records};

/// One line of `owners.csv`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnerLabel {
    /// What the legacy systems call the owner: a name, initials, a mailbox, a file.
    pub label: String,
    /// How many rows say so.
    pub count: u64,
    /// The user of the CRM, in the form in which the CRM takes it; empty until somebody fills it.
    pub crm_user: String,
    /// Whether that user still works with customers.
    pub active: bool,
    /// Whether that user has the customers of everybody else.
    pub default: bool,
}

/// The lines of `owners.csv`, by label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners(pub BTreeMap<String, OwnerLabel>);

/// The rule by which two active owners of one golden record are a conflict.
pub(crate) const TWO_OWNERS: &str = "two_active_owners";

impl Owners {
    /// The columns of `owners.csv`.
    pub const COLUMNS: [&str; 5] = ["label", "count", "crm_user", "active", "default"];

    /// Whether somebody filled in a user of the CRM.
    pub fn is_filled(&self) -> bool {
        self.0.values().any(|line| !line.crm_user.is_empty())
    }

    /// The same labels and those that the records have besides, each counted anew by rows. What was filled in stays, also
    /// where no row has the label any more.
    pub fn counted(&self, records: &Records) -> Owners {
        let mut rows: BTreeMap<&str, BTreeSet<(u32, u32)>> = BTreeMap::new();
        for record in 0..records.len() {
            for label in records.values("owner", record) {
                rows.entry(label).or_default().insert((records.place[record], records.row[record]));
            }
        }
        let mut counted = self.clone();
        counted.0.values_mut().for_each(|line| line.count = 0);
        for (label, rows) in rows {
            let line = counted.0.entry(label.to_owned()).or_insert_with(|| OwnerLabel {
                label: label.to_owned(),
                active: true,
                ..OwnerLabel::default()
            });
            line.count = rows.len() as u64;
        }
        counted
    }

    /// The lines in the order of the file: the most frequent first.
    pub fn lines(&self) -> Vec<&OwnerLabel> {
        let mut lines: Vec<&OwnerLabel> = self.0.values().collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.count));
        lines
    }

    /// The user that a label stands for, if it is filled in and active.
    fn active_user(&self, label: &str) -> Option<&str> {
        let line = self.0.get(label).filter(|line| line.active)?;
        Some(line.crm_user.as_str()).filter(|user| !user.is_empty())
    }

    fn default_user(&self) -> Option<&str> {
        let mut defaults = self.0.values().filter(|line| line.default);
        defaults.find_map(|line| self.active_user(&line.label))
    }
}

/// Gives golden persons and organisations their user of the CRM, once one is filled in: that of the surviving owner; where
/// he is gone, the one active user that other records name; else the default one. Two active users are a conflict for a
/// steward, unless the owner is pinned.
pub(crate) fn assign(golden: &mut Golden, records: &Records, owners: &Owners) {
    if !owners.is_filled() {
        return;
    }
    let pinned = &golden.lineage.pinned;
    let is_pinned = |id: &str| pinned.contains(&(id.to_owned(), "owner".to_owned()));
    let mut users = BTreeMap::new();
    let mut conflicts = Vec::new();
    let tables = [(Kind::Person, &golden.persons), (Kind::Organisation, &golden.organisations)];
    for (kind, table) in tables {
        for (i, id) in table.ids.iter().enumerate() {
            let active = active_users(table, i, records, owners);
            let surviving = table.first("owner", i).and_then(|label| owners.active_user(label));
            let only =
                Some(&active).filter(|a| a.len() == 1).and_then(|a| a.keys().next().copied());
            if let Some(user) = surviving.or(only).or(owners.default_user()) {
                users.insert(id.clone(), user.to_owned());
            }
            if active.len() > 1 && !is_pinned(id) {
                conflicts.extend(active.iter().map(|(user, ids)| Conflict {
                    golden_id: id.clone(),
                    kind,
                    attribute: "owner".into(),
                    rule: TWO_OWNERS,
                    value: (*user).to_owned(),
                    records: ids.join(" "),
                }));
            }
        }
    }
    golden.crm_users = users;
    golden.conflicts.extend(conflicts);
    golden.conflicts.sort_by(|a, b| {
        (a.kind, &a.golden_id, &a.attribute).cmp(&(b.kind, &b.golden_id, &b.attribute))
    });
}

/// Leaves out owners that the name of a file alone tells, where a column tells one: whose mailbox a card lies in says
/// less than who is named on it.
pub(super) fn keep_best_told<T>(cells: &mut Vec<T>, origin: impl Fn(&T) -> u32, records: &Records) {
    let by_column = |cell: &T| {
        let origin = records.origins.get(origin(cell) as usize);
        origin.is_none_or(|origin| origin.column != FILE_NAME)
    };
    if cells.iter().any(by_column) {
        cells.retain(by_column);
    }
}

/// The active users that the records of a golden record name, each with the records that do.
fn active_users<'o>(
    table: &GoldenRecords,
    i: usize,
    records: &Records,
    owners: &'o Owners,
) -> BTreeMap<&'o str, Vec<String>> {
    let mut active: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let Some(column) = records.columns.get("owner") else { return active };
    let of_record = |&record: &u32| {
        column.entries(record as usize).map(move |(label, origin)| (label, origin, record))
    };
    let mut told: Vec<(&str, u32, u32)> = table.members[i].iter().flat_map(of_record).collect();
    keep_best_told(&mut told, |&(_, origin, _)| origin, records);
    for (label, _, record) in told {
        if let Some(user) = owners.active_user(label) {
            let named = active.entry(user).or_default();
            named.push(records.ids[record as usize].to_string());
        }
    }
    active
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consolidate::notation::records,
        table::{Column, ColumnBuilder},
    };

    fn owners(lines: &[(&str, &str, bool, bool)]) -> Owners {
        let line = |&(label, user, active, default): &(&str, &str, bool, bool)| OwnerLabel {
            label: label.into(),
            count: 0,
            crm_user: user.into(),
            active,
            default,
        };
        Owners(lines.iter().map(|told| (told.0.to_owned(), line(told))).collect())
    }

    fn column(value: Option<&str>) -> Column {
        let mut builder = ColumnBuilder::new();
        value.into_iter().for_each(|value| builder.value(value, 0));
        builder.end_record();
        builder.finish()
    }

    /// The user of one golden record of all these records, whose surviving owner is `owner`, and how many conflict.
    fn user(people: &str, owner: Option<&str>, owners: &Owners) -> (Option<String>, usize) {
        let records = records(people);
        let mut golden = Golden {
            persons: GoldenRecords {
                ids: vec!["P1".into()],
                members: vec![(0..records.len() as u32).collect()],
                columns: [("owner".to_owned(), column(owner))].into(),
                ..GoldenRecords::default()
            },
            ..Golden::default()
        };
        assign(&mut golden, &records, owners);
        (golden.crm_users.remove("P1"), golden.conflicts.len())
    }

    #[test]
    fn labels_of_one_user_are_no_conflict_and_two_active_users_are() {
        let users = owners(&[
            ("CL", "claire@x.fr", true, true),
            ("Lenoir", "claire@x.fr", true, false),
            ("NF", "nadia@x.fr", true, false),
            ("GP", "gilles@x.fr", false, false),
            ("new", "", true, false),
        ]);
        let claire = Some("claire@x.fr".to_owned());
        let nadia = Some("nadia@x.fr".to_owned());
        let all = "a P owner=CL; b P owner=Lenoir";
        assert_eq!(user(all, Some("Lenoir"), &users), (claire.clone(), 0));
        assert_eq!(user("a P owner=CL; b P owner=NF", Some("NF"), &users), (nadia.clone(), 2));
        assert_eq!(
            user("a P owner=GP; b P owner=NF", Some("GP"), &users),
            (nadia, 0),
            "he is gone"
        );
        assert_eq!(user("a P owner=GP", Some("GP"), &users), (claire.clone(), 0), "the default");
        assert_eq!(user("a P email=x@y.fr", None, &users), (claire, 0), "the default");
        assert_eq!(
            user("a P owner=CL", Some("CL"), &owners(&[("CL", "", true, false)])),
            (None, 0)
        );
        let left = owners(&[("CL", "claire@x.fr", false, true), ("NF", "n@x.fr", true, false)]);
        assert_eq!(user("a P email=x@y.fr", None, &left), (None, 0), "the default has left");
    }

    #[test]
    fn what_is_filled_in_stays_when_rows_are_counted_anew() {
        let before = owners(&[("CL", "claire@x.fr", false, true), ("gone", "x", true, false)]);
        let counted = before.counted(&records("a P owner=CL; b P owner=NF; b O owner=CL"));
        let shown: Vec<String> = (counted.lines().iter())
            .map(|l| format!("{} {} {} {} {}", l.label, l.count, l.crm_user, l.active, l.default))
            .collect();
        assert_eq!(
            shown,
            ["CL 2 claire@x.fr false true", "NF 1  true false", "gone 0 x true false"]
        );
    }
}
