//! What goes live first: a lot of the migration, closed so that no contact stands without its account.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    model::{Kind, Priority},
    table::{Golden, GoldenRecords, Records},
    value::text::fold,
};

/// The `[scope]` section of `orpailleur.toml`: what is loaded. The rest is made all the same, and listed in
/// `golden/left_out.csv` as `out_of_scope`. A person in scope brings the organisations it is in, and these their parents.
///
/// ```toml
/// [scope]
/// kinds = ["organisation", "person"]
/// sources = ["sage", "crm"]
/// priority = "important"
/// filter = [{ attribute = "lifecycle", is = ["customer"] }, { attribute = "postcode", is = ["44*", "49*"] }]
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// Kinds that are loaded. Default: all.
    pub kinds: Vec<Kind>,
    /// Golden records are loaded that have a record of one of these sources. Default: of any.
    pub sources: Vec<String>,
    /// What golden records must say, all of it. Default: nothing.
    pub filter: Vec<Filter>,
    /// Attributes are loaded that are at least so important in the model: `vital`, `important`, `optional`. Default: all.
    pub priority: Option<Priority>,
}

/// What a golden record must say to be loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// An attribute, `lifecycle` or `roles`; of an address its parts, `postcode`, `city`, `country`.
    pub attribute: String,
    /// One of its values must be one of these, case and accents aside; `44*` stands for all that begin so.
    pub is: Vec<String>,
}

/// Whoever is outside the scope.
const OUT_OF_SCOPE: &str = "out_of_scope";

impl Filter {
    /// What is no attribute of the model and can be asked for all the same.
    pub const FACTS: [&str; 2] = ["lifecycle", "roles"];

    fn lets_pass(&self, table: &GoldenRecords, i: usize) -> bool {
        self.values(table, i).iter().any(|value| {
            let value = fold(value);
            self.is.iter().any(|wanted| match wanted.strip_suffix('*') {
                Some(start) => value.starts_with(&fold(start)),
                None => value == fold(wanted),
            })
        })
    }

    fn values(&self, table: &GoldenRecords, i: usize) -> Vec<String> {
        use crate::value::address::Address;
        let part: fn(&Address) -> &String = match self.attribute.as_str() {
            "lifecycle" => return vec![table.lifecycle[i].clone()],
            "roles" => return table.roles[i].split('|').map(str::to_owned).collect(),
            "postcode" => |a| &a.postcode,
            "city" => |a| &a.city,
            "country" => |a| &a.country,
            attribute => return table.values(attribute, i).map(str::to_owned).collect(),
        };
        table.values("address", i).map(|value| part(&Address::decode(value)).clone()).collect()
    }
}

impl Scope {
    fn holds(&self, kind: Kind, table: &GoldenRecords, i: usize, records: &Records) -> bool {
        let is_of_source = || {
            let mut members = table.members[i].iter();
            members.any(|&r| self.sources.contains(&records.place_of(r as usize).source))
        };
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && (self.sources.is_empty() || is_of_source())
            && self.filter.iter().all(|filter| filter.lets_pass(table, i))
    }
}

/// Withholds what is outside the scope, but for the organisations that persons in it are in; returns how many of these
/// there are.
pub(crate) fn apply(golden: &mut Golden, records: &Records, scope: &Scope) -> u64 {
    let mut outside: BTreeSet<&str> = BTreeSet::new();
    let tables = [(Kind::Person, &golden.persons), (Kind::Organisation, &golden.organisations)];
    for (kind, table) in tables {
        let out = (0..table.len()).filter(|&i| !scope.holds(kind, table, i, records));
        outside.extend(out.map(|i| table.ids[i].as_str()));
    }
    if outside.is_empty() {
        return 0;
    }
    let is_loaded = |id: &str| !outside.contains(id) && !golden.withheld.contains_key(id);
    let of_persons = golden.links.iter().filter(|link| link.current != Some(false));
    let mut wanted: Vec<&str> = of_persons
        .filter(|link| is_loaded(&link.person_id))
        .map(|link| link.organisation_id.as_str())
        .collect();
    let parents: BTreeMap<&str, &str> = {
        let organisations = &golden.organisations;
        organisations.ids.iter().zip(&organisations.parent).map(|(id, of)| (&**id, &**of)).collect()
    };
    wanted.extend(golden.organisations.ids.iter().map(String::as_str).filter(|id| is_loaded(id)));
    let mut brought: BTreeSet<&str> = BTreeSet::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    while let Some(id) = wanted.pop() {
        // What is withheld is not loaded, and brings nothing.
        if golden.withheld.contains_key(id) || !seen.insert(id) {
            continue;
        }
        if outside.contains(id) {
            brought.insert(id);
        }
        wanted.extend(parents.get(id).copied().filter(|parent| !parent.is_empty()));
    }
    let out: Vec<String> =
        outside.iter().filter(|id| !brought.contains(**id)).map(|id| (*id).to_owned()).collect();
    let count = brought.len() as u64;
    for id in out {
        golden.withheld.entry(id).or_insert(OUT_OF_SCOPE);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, ColumnBuilder, GoldenLink};

    fn column(values: &[&str]) -> Column {
        let mut builder = ColumnBuilder::new();
        for value in values {
            builder.value(value, 0);
            builder.end_record();
        }
        builder.finish()
    }

    fn table(ids: &[&str], segments: &[&str], parents: &[&str]) -> GoldenRecords {
        let texts = |of: &[&str]| of.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        GoldenRecords {
            ids: texts(ids),
            members: vec![Vec::new(); ids.len()],
            columns: [("segment".to_owned(), column(segments))].into(),
            lifecycle: vec!["customer".into(); ids.len()],
            roles: vec![String::new(); ids.len()],
            parent: texts(parents),
            ..GoldenRecords::default()
        }
    }

    /// P1 works for O1, a part of O2; P2 for O3.
    fn left_out(scope: &str) -> (Vec<String>, u64) {
        let link = |(person, organisation): (&str, &str)| GoldenLink {
            person_id: person.into(),
            organisation_id: organisation.into(),
            role: String::new(),
            current: None,
            since: String::new(),
            until: String::new(),
        };
        let mut golden = Golden {
            persons: table(&["P1", "P2"], &["PME", "ETI"], &["", ""]),
            organisations: table(&["O1", "O2", "O3"], &["x", "y", "ÉTI"], &["O2", "", ""]),
            links: [("P1", "O1"), ("P2", "O3")].map(link).to_vec(),
            ..Golden::default()
        };
        let scope: Scope = toml::from_str(scope).expect("a scope");
        let brought = apply(&mut golden, &Records::default(), &scope);
        (golden.withheld.into_keys().collect(), brought)
    }

    #[test]
    fn a_person_in_scope_brings_its_organisation_and_that_one_its_parent() {
        let nobody: Vec<String> = Vec::new();
        assert_eq!(left_out(""), (nobody.clone(), 0));
        assert_eq!(left_out("kinds = ['person']"), (nobody, 3));
        let pme = "filter = [{ attribute = 'segment', is = ['pm*'] }]";
        assert_eq!(left_out(pme), (vec!["O3".into(), "P2".into()], 2));
        let eti = "filter = [{ attribute = 'segment', is = ['eti'] }]";
        assert_eq!(left_out(eti), (vec!["O1".into(), "O2".into(), "P1".into()], 0));
    }
}
