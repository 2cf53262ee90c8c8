//! The money of a golden record that gathers several customer accounts: a sum over the accounts.
//!
//! An account is a code within its key space. What several systems tell of one account (ledger, billing
//! software) is one figure told twice: the ledger's counts, else that of the best standing record. What one column of
//! one source tells of different accounts adds up, and so do ledgers of one financial year. Other figures may tell
//! the same money again, or that of another year: they are parts of no sum.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::{model::ValueKind, table::Records};

use super::{
    key::code_key,
    survivorship::{Candidate, Evidence, Outcome, Rule, Standings, Survivor, by_standing, survive},
};

/// A key space and a code in it.
type Account<'a> = (&'a str, String);

/// The accounts that the records of one golden record are about.
pub(crate) struct Accounts<'a> {
    /// By record; a record without a code has none.
    of: BTreeMap<u32, Account<'a>>,
}

impl<'a> Accounts<'a> {
    /// Reads the codes of `members`.
    pub(crate) fn new(members: &[u32], records: &'a Records) -> Accounts<'a> {
        let codes = |attribute: &'static str, record: u32| {
            records.values(attribute, record as usize).map(code_key).filter(|code| !code.is_empty())
        };
        let declared = |record: u32| records.place_of(record as usize).key_space.as_str();
        // A code of a table that says nothing of its key space is that of the one that does.
        let mut spaces: BTreeMap<String, &'a str> = BTreeMap::new();
        for &record in members.iter().filter(|&&r| !declared(r).is_empty()) {
            for code in codes("customer_code", record).chain(codes("account_code", record)) {
                let space = spaces.entry(code).or_insert(declared(record));
                *space = (*space).min(declared(record));
            }
        }
        let space_of = |record: u32, code: &str| match declared(record) {
            "" => spaces.get(code).copied().unwrap_or_default(),
            space => space,
        };
        // The general account stands for the customer code beside it, unless it stands beside several
        // (a collective account).
        let mut customers: BTreeMap<Account<'a>, BTreeSet<String>> = BTreeMap::new();
        for &record in members {
            let Some(customer) = codes("customer_code", record).next() else { continue };
            for account in codes("account_code", record) {
                let account = (space_of(record, &customer), account);
                customers.entry(account).or_default().insert(customer.clone());
            }
        }
        let account_of = |record: u32| -> Option<Account<'a>> {
            if let Some(code) = codes("customer_code", record).next() {
                return Some((space_of(record, &code), code));
            }
            let code = codes("account_code", record).next()?;
            let account = (space_of(record, &code), code);
            let customer =
                customers.get(&account).filter(|c| c.len() == 1).and_then(BTreeSet::first);
            Some(match customer {
                Some(customer) => (account.0, customer.clone()),
                None => account,
            })
        };
        let of = members.iter().filter_map(|&r| Some((r, account_of(r)?))).collect();
        Accounts { of }
    }
}

/// The sum of `candidates` over the accounts they are about, exact.
///
/// Where ledgers speak, what counts is their latest financial year, in all key spaces; else the column of the best
/// standing record, that of the latest year where headers name it. Figures that name no account are no parts of a
/// sum: where there are no others, the latest one survives.
pub(crate) fn total<'a>(
    candidates: &[Candidate<'a>],
    accounts: &Accounts<'_>,
    records: &Records,
    evidence: Evidence<'_, 'a>,
) -> Vec<Survivor<'a>> {
    let mut figures: Vec<Figure<'_, 'a>> = candidates
        .iter()
        .filter_map(|cell| {
            let account = accounts.of.get(&cell.record)?;
            let amount = cell.value.parse().ok()?;
            let measure = Measure::of(cell, records);
            Some(Figure { cell: *cell, account, amount, measure })
        })
        .collect();
    figures.sort_by(|a, b| a.compare(b, evidence.standings));
    let Some(first) = figures.first() else {
        return survive(ValueKind::Money, Rule::MostRecent, candidates, evidence);
    };
    let (best, space) = (first.measure, first.account.0);
    // Best figures come first: the first one of an account is its own.
    let mut told: BTreeSet<&Account<'_>> = BTreeSet::new();
    let mut parts: Vec<&Figure<'_, 'a>> = Vec::new();
    for figure in &figures {
        let is_told_apart = figure.account.0 == space || best.is_of_ledger();
        if figure.measure.adds_to(best) && is_told_apart && told.insert(figure.account) {
            parts.push(figure);
        }
    }
    let sum = parts.iter().try_fold(Decimal::ZERO, |sum, part| sum.checked_add(part.amount));
    let Some(sum) = sum else {
        return survive(ValueKind::Money, Rule::MostRecent, candidates, evidence);
    };
    let cells: Vec<Candidate<'a>> = parts.iter().map(|part| part.cell).collect();
    // The same figure told again did not lose.
    let values: BTreeSet<&str> = cells.iter().map(|part| part.value).collect();
    let mut losers: Vec<Candidate<'a>> =
        candidates.iter().filter(|cell| !values.contains(cell.value)).copied().collect();
    losers.sort_by(|a, b| {
        by_standing(evidence.standings, a.record, b.record).then(a.value.cmp(b.value))
    });
    let winner = cells[0];
    let (total, parts) = match cells.len() {
        1 => (None, Vec::new()),
        _ => (Some(canonical(sum)), cells),
    };
    vec![Survivor { total, parts, ..Survivor::of(winner, losers, Outcome::Decided) }]
}

/// The one way of writing an amount, as clean values are written.
fn canonical(amount: Decimal) -> String {
    let amount = if amount.is_zero() { Decimal::ZERO } else { amount.normalize() };
    amount.to_string()
}

/// One amount of one account.
struct Figure<'f, 'a> {
    cell: Candidate<'a>,
    account: &'f Account<'f>,
    amount: Decimal,
    measure: Measure<'f>,
}

impl Figure<'_, '_> {
    /// Orders figures from best to worst: ledgers first, the latest year first, then by standing.
    fn compare(&self, other: &Self, standings: &Standings<'_>) -> std::cmp::Ordering {
        (other.measure.closing.cmp(self.measure.closing))
            .then(other.measure.year.cmp(&self.measure.year))
            .then(by_standing(standings, self.cell.record, other.cell.record))
            .then(self.cell.value.cmp(other.cell.value))
    }
}

/// What a figure measures: figures of one measure are of different money when their accounts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Measure<'r> {
    source: &'r str,
    column: &'r str,
    /// The end of the financial year that a ledger adds up; empty for what other systems say.
    closing: &'r str,
    /// The year that the header names, as in `CA 2023`.
    year: Option<u16>,
}

impl<'r> Measure<'r> {
    fn of(cell: &Candidate<'_>, records: &'r Records) -> Measure<'r> {
        let origin = records.origins.get(cell.origin as usize);
        let label = origin.map_or("", |origin| origin.label.as_str());
        let is_date = label.len() == 10 && label.starts_with(|c: char| c.is_ascii_digit());
        let column = origin.map_or("", |origin| origin.column.as_str());
        Measure {
            source: &records.place_of(cell.record as usize).source,
            column,
            closing: if is_date { label } else { "" },
            year: year_in(column),
        }
    }

    fn is_of_ledger(self) -> bool {
        !self.closing.is_empty()
    }

    /// Whether a figure of another account is other money of the same kind and time.
    fn adds_to(self, other: Measure<'_>) -> bool {
        self.closing == other.closing && (self.is_of_ledger() || self == other)
    }
}

/// The last year of four digits that a header holds.
fn year_in(column: &str) -> Option<u16> {
    let numbers = column.split(|c: char| !c.is_ascii_digit()).filter(|word| word.len() == 4);
    numbers.filter_map(|word| word.parse().ok()).filter(|year| (1980..2100).contains(year)).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consolidate::{notation::records, survivorship::Standing};

    /// The balance of all records together: `sum = part + part; loser`.
    fn balance(notation: &str) -> String {
        let records = records(notation);
        let standings: Vec<Standing<'_>> = (0..records.len())
            .map(|r| {
                let place = records.place_of(r);
                Standing { rank: place.rank, date: &place.dated, filled: 1, source: place.rank }
            })
            .collect();
        let members: Vec<u32> = (0..records.len() as u32).collect();
        let column = &records.columns["balance"];
        let cells = members.iter().flat_map(|&record| {
            let cell = move |(value, origin)| Candidate { value, origin, record };
            column.entries(record as usize).map(cell)
        });
        let cells: Vec<Candidate<'_>> = cells.collect();
        let evidence = Evidence {
            standings: &standings,
            mailboxes: &[],
            is_shared: &|_| false,
            score: &|_, _| 0,
        };
        let found = total(&cells, &Accounts::new(&members, &records), &records, evidence);
        let list = |cells: &[Candidate<'_>], mark| {
            cells.iter().map(|c| c.value).collect::<Vec<_>>().join(mark)
        };
        let survivor = &found[0];
        let parts = list(&survivor.parts, " + ");
        let losers = list(&survivor.losers, ", ");
        format!("{} = {parts}; {losers}", survivor.value())
    }

    #[test]
    fn the_money_of_several_accounts_adds_up_exactly() {
        let of = "a@k O customer_code=C1 balance=0.10; a@k O customer_code=C2 balance=0.20; \
                  a@k O customer_code=C3 balance=-0.05";
        assert_eq!(balance(of), "0.25 = 0.10 + 0.20 + -0.05; ");
    }

    #[test]
    fn one_account_counts_once_however_often_it_is_told() {
        let twice = "a@k O customer_code=C1 balance=10.00; a@k O customer_code=c-1 balance=10.00";
        assert_eq!(balance(twice), "10.00 = ; ");
        let systems = "b@k O customer_code=C1 account_code=411C1 balance=11.00; \
                       a@k O account_code=411C1 balance=10.00; a@k O customer_code=C2 balance=5.00";
        assert_eq!(balance(systems), "15 = 10.00 + 5.00; 11.00");
    }

    #[test]
    fn a_collective_account_does_not_make_one_of_several() {
        let of = "a@k O customer_code=C1 account_code=411000 balance=10.00; \
                  a@k O customer_code=C2 account_code=411000 balance=20.00";
        assert_eq!(balance(of), "30 = 10.00 + 20.00; ");
    }

    #[test]
    fn a_former_system_with_codes_of_its_own_is_not_added() {
        let of = "a@k O customer_code=C1 balance=10.00; b@old O customer_code=77 balance=99.00";
        assert_eq!(balance(of), "10.00 = ; 99.00");
        assert_eq!(balance("a/2020 O balance=3.00; b/2024 O balance=4.00"), "4.00 = ; 3.00");
    }

    #[test]
    fn figures_of_other_systems_and_years_are_not_added() {
        let systems = "a@k O customer_code=C1 balance=10.00; c@k O customer_code=C2 balance=5.00";
        assert_eq!(balance(systems), "10.00 = ; 5.00");
        // The ledger holds all accounts of its year; what billing software says of a code of its own is in it.
        let ledger =
            "b@k O customer_code=C1 balance[2024-12-31]=0; a@k O customer_code=CL4 balance=24.00";
        assert_eq!(balance(ledger), "0 = ; 24.00");
        let years = |column: &str| year_in(column);
        assert_eq!(
            ["SUIVI / CA 2018", "CA 2022/2023", "CA", "No 1234"].map(years),
            [Some(2018), Some(2023), None, None]
        );
    }

    #[test]
    fn the_latest_year_of_the_ledger_counts_before_other_systems() {
        let of = "a@k O customer_code=C1 balance=10.00; b@k O customer_code=C1 balance[2024-12-31]=12.00; \
                  b@k O customer_code=C2 balance[2023-12-31]=7.00; b@k O customer_code=C3 balance[2024-12-31]=1.00";
        assert_eq!(balance(of), "13 = 12.00 + 1.00; 10.00, 7.00");
        let entities = "b@k O customer_code=C1 balance[2024-12-31]=12.00; \
                        c@l O customer_code=C1 balance[2024-12-31]=5.00";
        assert_eq!(balance(entities), "17 = 12.00 + 5.00; ");
    }
}
