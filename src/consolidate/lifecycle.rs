//! Where a golden record stands in its life as a customer, and what it is to the company.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    table::{GoldenLink, History, Kind, Records},
    value::role::{self, Role},
};

use super::{
    identity::{Entities, Entity},
    key::Orphan,
};

/// A lifecycle and the roles beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Life {
    /// `suspect`, `prospect`, `customer`, `inactive`, or none; the later in [`Stage`]'s order, the stronger.
    pub(crate) stage: Stage,
    pub(crate) customer: bool,
    pub(crate) supplier: bool,
    pub(crate) partner: bool,
}

/// From a mere address to a customer; the greater says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Stage {
    /// Sells to the company, and nothing says that it may buy.
    None,
    /// Nothing but a mailbox is known.
    #[default]
    Suspect,
    Prospect,
    Inactive,
    Customer,
}

impl Life {
    pub(crate) fn stage(self) -> &'static str {
        match self.stage {
            Stage::None => "",
            Stage::Suspect => "suspect",
            Stage::Prospect => "prospect",
            Stage::Inactive => "inactive",
            Stage::Customer => "customer",
        }
    }

    pub(crate) fn roles(self) -> String {
        let roles =
            [(self.customer, "customer"), (self.supplier, "supplier"), (self.partner, "partner")];
        let held: Vec<&str> = roles.iter().filter(|(held, _)| *held).map(|(_, r)| *r).collect();
        held.join("|")
    }
}

/// The latest sale in the history of golden records, by position; empty when the sale has no date.
pub(crate) fn last_sales<'a>(
    history: &'a [History],
    attached: &[Vec<Result<u32, Orphan>>],
) -> HashMap<u32, &'a str> {
    let mut last: HashMap<u32, &str> = HashMap::new();
    for (table, golden) in history.iter().zip(attached) {
        // Lines of an accounting export are payments and opening entries too: there the sale is told
        // by the record's own `last_sale`.
        if !matches!(table.kind.as_str(), "invoice" | "order") {
            continue;
        }
        for (row, at) in table.rows.iter().zip(golden) {
            let Ok(at) = at else { continue };
            let date = last.entry(*at).or_default();
            *date = (*date).max(row.date.as_str());
        }
    }
    last
}

/// The earliest date, in ISO form, at which a sale still makes an active customer.
pub(crate) fn cutoff(as_of: &str, years: u32) -> String {
    let year = as_of.get(..4).and_then(|y| y.parse::<u32>().ok()).unwrap_or_default();
    format!("{:04}{}", year.saturating_sub(years), as_of.get(4..).unwrap_or_default())
}

/// Whether a date, perhaps a year or month alone, may lie at `cutoff` or after it.
pub(super) fn is_recent(date: &str, cutoff: &str) -> bool {
    let precise = date.len().min(cutoff.len());
    date.get(..precise) >= cutoff.get(..precise)
}

/// The lives of all golden records, by position.
///
/// Who says so, holds an account of customers (not of suppliers, 40 in the French chart of accounts, where the
/// key space has accounts of customers, 41, too), a customer code or a sale is a customer: inactive when its last
/// known sale lies before `cutoff`. Of the others, who can be reached by email or mobile alone is a suspect; the
/// rest are prospects. Suppliers who are no customers have no such life. A person without a life of its own has
/// that of its organisations.
pub(crate) fn lives(
    entities: &Entities,
    records: &Records,
    last_sales: &HashMap<u32, &str>,
    links: &[GoldenLink],
    cutoff: &str,
) -> Vec<Life> {
    let charts = Charts::of(records);
    let own = |(at, entity): (usize, &Entity)| {
        life(entity, (records, &charts), last_sales.get(&(at as u32)).copied(), cutoff)
    };
    let mut lives: Vec<Life> = entities.list.iter().enumerate().map(own).collect();
    let at: BTreeMap<&str, usize> =
        entities.list.iter().enumerate().map(|(at, e)| (e.id.as_str(), at)).collect();
    let mut of_organisations: BTreeMap<usize, Stage> = BTreeMap::new();
    for link in links.iter().filter(|link| link.current != Some(false)) {
        let ends = (at.get(link.person_id.as_str()), at.get(link.organisation_id.as_str()));
        let (Some(&person), Some(&organisation)) = ends else { continue };
        let stage = lives[organisation].stage;
        let best = of_organisations.entry(person).or_insert(stage);
        *best = (*best).max(stage);
    }
    for (person, stage) in of_organisations {
        // Who works for suppliers alone is known because of them.
        lives[person].stage = match stage {
            Stage::None if lives[person].stage < Stage::Inactive => Stage::None,
            stage => lives[person].stage.max(stage),
        };
    }
    lives
}

fn life(
    entity: &Entity,
    (records, charts): (&Records, &Charts<'_>),
    sale: Option<&str>,
    cutoff: &str,
) -> Life {
    let members = || entity.members.iter().map(|&record| record as usize);
    let says = |record: usize, role: Role| charts.says(records, record, role);
    let sales = members().flat_map(|r| records.values("last_sale", r)).chain(sale);
    let last_sale = sales.max();
    let supplier = members().any(|r| says(r, Role::Supplier));
    let partner = members().any(|r| records.values("role", r).any(|role| role == "partner"));
    // A supplier's code or account is no customer's.
    let has_code = |r: usize| {
        let code = records.first("customer_code", r).is_some();
        (code || records.first("account_code", r).is_some()) && !says(r, Role::Supplier)
    };
    let customer = last_sale.is_some() || members().any(|r| has_code(r) || says(r, Role::Customer));
    let stage = match last_sale {
        Some(date) if !date.is_empty() && !is_recent(date, cutoff) => Stage::Inactive,
        _ if customer => Stage::Customer,
        _ if supplier => Stage::None,
        _ if known_by_more_than_a_mailbox(entity, records) => Stage::Prospect,
        _ => Stage::Suspect,
    };
    Life { stage, customer, supplier, partner }
}

/// The key spaces whose account codes are numbers of the French chart of accounts: some are of class 41. Elsewhere
/// `4010023` is the number of a customer.
struct Charts<'a>(BTreeSet<&'a str>);

impl<'a> Charts<'a> {
    fn of(records: &'a Records) -> Charts<'a> {
        let has_customers = |&record: &usize| {
            let mut codes = records.values("account_code", record);
            codes.any(|code| role::of_account(code) == Some(Role::Customer))
        };
        let found = (0..records.len()).filter(has_customers);
        Charts(found.map(|record| space_of(records, record)).collect())
    }

    /// Whether a record says that it has this role, in words or by the account it is posted to.
    fn says(&self, records: &Records, record: usize, role: Role) -> bool {
        records.values("role", record).any(|said| said == role.as_str())
            || self.0.contains(space_of(records, record))
                && (records.values("account_code", record))
                    .any(|code| role::of_account(code) == Some(role))
    }
}

/// The key space of a record; of a source without one the source.
fn space_of(records: &Records, record: usize) -> &str {
    let place = records.place_of(record);
    if place.key_space.is_empty() { &place.source } else { &place.key_space }
}

fn known_by_more_than_a_mailbox(entity: &Entity, records: &Records) -> bool {
    let telling = ["phone", "address", "siren", "siret", "customer_code", "account_code"];
    entity.kind == Kind::Other
        || (entity.members.iter())
            .any(|&r| telling.iter().any(|a| records.first(a, r as usize).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consolidate::notation::{clusters, records};

    /// Stage and roles of each record, with `sales` of records at dates and links of persons.
    fn lived(people: &str, sales: &[(u32, &str)], links: &[(u32, u32)]) -> Vec<String> {
        let records = records(people);
        let first: Vec<u32> = (0..records.len() as u32).collect();
        let entities = Entities::of_first_run(&records, &clusters(&first));
        let sales = sales.iter().map(|&(r, date)| (entities.of_record[r as usize], date)).collect();
        let links: Vec<GoldenLink> = links
            .iter()
            .map(|&(person, organisation)| GoldenLink {
                person_id: entities.of(person).id.clone(),
                organisation_id: entities.of(organisation).id.clone(),
                role: String::new(),
                current: None,
                since: String::new(),
                until: String::new(),
            })
            .collect();
        let lives = lives(&entities, &records, &sales, &links, &cutoff("2024-12-31", 3));
        let shown = first.iter().map(|&r| {
            let life = lives[entities.of_record[r as usize] as usize];
            format!("{} {}", life.stage(), life.roles()).trim_end().to_owned()
        });
        shown.collect()
    }

    #[test]
    fn the_last_sale_tells_a_customer_from_a_lost_one() {
        let people = "a O account_code=411C1; a O name=B last_sale=2021-12-30; a O name=C; a O name=D last_sale=2021";
        assert_eq!(
            lived(people, &[(0, "2010-01-01"), (2, "2022-01-01")], &[]),
            ["inactive customer", "inactive customer", "customer customer", "customer customer"]
        );
    }

    #[test]
    fn a_supplier_is_a_customer_only_by_what_another_record_says() {
        let people = "a O customer_code=F1 role=supplier; a O customer_code=C2 role=customer; a O email=x@y.fr role=partner";
        assert_eq!(lived(people, &[], &[]), [" supplier", "customer customer", "suspect partner"]);
    }

    #[test]
    fn a_mailbox_alone_is_a_suspect_and_an_address_a_prospect() {
        let people =
            "a P email=x@y.fr; a P email=x@y.fr phone=+331; a P email=p@y.fr; a O account_code=C1";
        assert_eq!(
            lived(people, &[], &[(2, 3)]),
            ["suspect", "prospect", "customer", "customer customer"]
        );
    }

    #[test]
    fn an_account_of_class_40_is_a_suppliers_where_customers_have_class_41() {
        let people = "a@k O account_code=401F; a@k O account_code=411C; a@l O account_code=4010023";
        assert_eq!(
            lived(people, &[], &[]),
            [" supplier", "customer customer", "customer customer"]
        );
    }

    #[test]
    fn who_works_for_suppliers_alone_is_no_prospect() {
        let people = "a P phone=+331; a P phone=+332; a P phone=+333; a O name=F role=supplier; a O customer_code=C1";
        assert_eq!(
            lived(people, &[], &[(0, 3), (1, 3), (1, 4)]),
            ["", "customer", "prospect", " supplier", "customer customer"]
        );
    }
}
