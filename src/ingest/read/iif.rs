//! QuickBooks IIF: blocks of tab-delimited lines, each led by the name of its list (`!CUST` names the
//! columns, `CUST` is a customer).
//!
//! Columns keep the names the file gives them. Beside them stand those that several columns make
//! together: [`CUSTOMER`], [`PARENT`], [`ACTIVE`], [`BILLING`] and [`DELIVERY`].

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use csv::StringRecord;

use super::{
    Content, Format, Refusal, Row, Table, Tally, container, encoding::Decoded, sheet::MOST_COLUMNS,
};

/// The name to go by: the company's, else what the list calls the customer, unless that is a person.
pub(super) const CUSTOMER: &str = "Customer";
/// Of a sub-customer or job `Parent:Job` the part before the last colon.
pub(super) const PARENT: &str = "Parent";
/// `No` for those that QuickBooks hides.
pub(super) const ACTIVE: &str = "Active";
/// The lines of the billing address, without those that repeat the name.
pub(super) const BILLING: &str = "Billing address";
/// The lines of the delivery address.
pub(super) const DELIVERY: &str = "Delivery address";

/// Whether decoded text has a list of customers in this format, or any of its lists.
pub(super) fn is_iif(text: &str) -> bool {
    const LISTS: [&str; 7] =
        ["!CUST\t", "!HDR\t", "!VEND\t", "!EMP\t", "!ACCNT\t", "!INVITEM\t", "!TRNS\t"];
    text.lines().take(50).any(|line| LISTS.iter().any(|list| line.starts_with(list)))
}

/// The table of customers.
pub(super) fn table(decoded: Decoded) -> Result<Table, Refusal> {
    let Decoded { text, encoding, mut remarks } = decoded;
    let header = header(&text);
    if header.len() > MOST_COLUMNS as usize {
        return Err(container::too_wide());
    }
    if header.is_empty() {
        return Err(Refusal::new(
            "it is a QuickBooks IIF file without a list of customers (!CUST)",
            "export the list of customers from QuickBooks",
        ));
    }
    let at = |name: &str| header.iter().position(|h| h == name);
    let address = |lines: &str| -> Vec<usize> {
        (1..=5).filter_map(|n| at(&format!("{lines}ADDR{n}"))).collect()
    };
    let own = Own {
        name: at("NAME"),
        company: at("COMPANYNAME"),
        person: ["FIRSTNAME", "LASTNAME"].into_iter().filter_map(at).collect(),
        hidden: at("HIDDEN"),
        billing: address("B"),
        delivery: address("S"),
    };
    let others = text.lines().filter(|line| is_of_other_list(line)).count();
    if others > 0 {
        remarks
            .push(format!("{others} lines of other lists (suppliers, employees...) are left out"));
    }
    let derived = [CUSTOMER, PARENT, ACTIVE, BILLING, DELIVERY].map(str::to_owned);
    let width = header.len();
    let place = header.iter().cloned().zip(0..).collect();
    let rows = Rows { text, at: 0, number: 0, columns: Vec::new(), place, width, own };
    let header: Vec<String> = header.into_iter().chain(derived).collect();
    Ok(Table::of_records(
        Format { delimiter: Some('\t'), ..Format::of("iif", encoding, remarks) },
        header,
        rows,
        Tally::default(),
    ))
}

/// The rows of a file, made one by one: each has the columns of all blocks.
struct Rows {
    text: String,
    /// Where the next line begins.
    at: usize,
    /// That of the line before it.
    number: u32,
    /// Where the cells of the block belong.
    columns: Vec<usize>,
    place: HashMap<String, usize>,
    width: usize,
    own: Own,
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let line = self.text[self.at..].lines().next()?;
        let rest = &self.text[self.at + line.len()..];
        let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        self.at += line.len() + end;
        self.number += 1;
        let cells = cells(line);
        let content = match cells.first().map(|list| list.trim()) {
            None | Some("") if cells.iter().all(|cell| cell.trim().is_empty()) => {
                Content::Skipped("blank")
            }
            Some("!CUST") => {
                let place = |cell: &Cow<'_, str>| self.place.get(&column(cell)).copied();
                let places = cells.iter().skip(1).map(place);
                self.columns = places.map(|at| at.unwrap_or(usize::MAX)).collect();
                Content::Skipped("header")
            }
            Some("CUST") => row(line, &cells[1..], &self.columns, self.width, &self.own),
            Some(list) if list.starts_with('!') => Content::Skipped("header"),
            Some("HDR") => Content::Skipped("structure"),
            _ => Content::Skipped("other_ledger"),
        };
        Some(Row { number: self.number, content })
    }
}

/// Whether a line is of suppliers, employees or another list than that of customers.
fn is_of_other_list(line: &str) -> bool {
    let list = line.split('\t').next().unwrap_or("").trim().trim_matches('"');
    !line.trim().is_empty() && !matches!(list, "CUST" | "HDR") && !list.starts_with('!')
}

/// The columns of all blocks of customers: a file put together from two may have two headers.
fn header(text: &str) -> Vec<String> {
    let (mut header, mut seen) = (Vec::new(), HashSet::new());
    for line in text.lines().filter(|line| line.starts_with("!CUST")) {
        let names = cells(line).into_iter().skip(1).map(|cell| column(&cell));
        header.extend(names.filter(|name| !name.is_empty() && seen.insert(name.clone())));
    }
    header
}

fn column(cell: &str) -> String {
    cell.trim().to_ascii_uppercase()
}

/// The cells of one line; quotes count where they are paired.
fn cells(line: &str) -> Vec<Cow<'_, str>> {
    let line = line.trim_end_matches('\r');
    line.split('\t')
        .map(|cell| match cell.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            Some(inner) if inner.contains("\"\"") => inner.replace("\"\"", "\"").into(),
            Some(inner) => inner.into(),
            None => cell.into(),
        })
        .collect()
}

/// Where the columns stand that make others.
struct Own {
    name: Option<usize>,
    company: Option<usize>,
    person: Vec<usize>,
    hidden: Option<usize>,
    billing: Vec<usize>,
    delivery: Vec<usize>,
}

fn row(line: &str, cells: &[Cow<'_, str>], columns: &[usize], width: usize, own: &Own) -> Content {
    if columns.is_empty() {
        return Content::Bad {
            code: "no_header",
            message: "no line `!CUST` above names the columns".into(),
            raw: line.to_owned(),
        };
    }
    if cells.iter().skip(columns.len()).any(|cell| !cell.trim().is_empty()) {
        return Content::Bad {
            code: "ragged_row",
            message: format!("the line has {} cells, the header {}", cells.len(), columns.len()),
            raw: line.to_owned(),
        };
    }
    let mut values = vec![String::new(); width];
    for (cell, &at) in cells.iter().zip(columns) {
        if let Some(value) = values.get_mut(at) {
            // A line break within a cell is written out.
            *value = cell.trim().replace("\\n", "\n");
        }
    }
    let cell = |at: Option<usize>| at.map_or("", |at| values[at].as_str());
    let (parent, name) = cell(own.name).rsplit_once(':').unwrap_or(("", cell(own.name)));
    let person: Vec<&str> = own.person.iter().map(|&at| values[at].as_str()).collect();
    let person = person.join(" ").trim().to_owned();
    let company = cell(own.company);
    let customer = match (company, person.as_str()) {
        ("", "") => name,
        ("", _) => "",
        (company, _) => company,
    };
    let hidden = cell(own.hidden);
    let active = match hidden.chars().next() {
        Some('Y' | 'y') => "No",
        Some(_) => "Yes",
        None => "",
    };
    let names = [name, cell(own.name), company, &person];
    let derived = [
        customer.trim().to_owned(),
        parent.trim().to_owned(),
        active.to_owned(),
        address(&values, &own.billing, &names),
        address(&values, &own.delivery, &names),
    ];
    values.extend(derived);
    Content::Data(StringRecord::from(values))
}

/// The filled lines of an address, without those at its head that are only the customer's name.
fn address(values: &[String], lines: &[usize], names: &[&str]) -> String {
    let lines = lines.iter().map(|&at| values[at].trim()).filter(|line| !line.is_empty());
    let is_name = |line: &&str| names.iter().any(|name| name.trim().eq_ignore_ascii_case(line));
    lines.skip_while(is_name).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{super::tests::told_rows, *};

    fn read(text: &str) -> Vec<String> {
        let decoded = Decoded { text: text.into(), encoding: String::new(), remarks: Vec::new() };
        let table = table(decoded).expect("it has customers");
        told_rows(table)
    }

    #[test]
    fn the_header_decides_the_order_and_other_lists_are_left_out() {
        let rows = read(
            "!HDR\tPROD\r\nHDR\tQuickBooks\r\n!VEND\tNAME\r\nVEND\tA supplier\r\n\
             !CUST\tNAME\tBADDR1\tBADDR2\tBADDR3\tCOMPANYNAME\tLASTNAME\tHIDDEN\r\n\
             CUST\tAcme\tAcme\t1 High St\t\"Dublin, D01\"\tAcme\tRoy\tN\r\n\
             CUST\tAcme:Kitchen\t\t\t\t\t\tY\r\n\
             CUST\tRoy, Ann\t\t\t\t\tRoy\r\n\
             CUST\ta\tb\tc\td\te\tf\tN\ttoo long\r\n",
        );
        assert_eq!(
            rows,
            [
                "1: header",
                "2: structure",
                "3: header",
                "4: other_ledger",
                "5: header",
                "6: NAME=Acme, BADDR1=Acme, BADDR2=1 High St, BADDR3=Dublin, D01, COMPANYNAME=Acme, \
                 LASTNAME=Roy, HIDDEN=N, Customer=Acme, Active=Yes, Billing address=1 High St\nDublin, D01",
                "7: NAME=Acme:Kitchen, HIDDEN=Y, Customer=Kitchen, Parent=Acme, Active=No",
                "8: NAME=Roy, Ann, LASTNAME=Roy",
                "9: bad ragged_row",
            ]
        );
    }

    #[test]
    fn a_file_without_customers_is_refused() {
        let decoded = Decoded {
            text: "!VEND\tNAME\nVEND\tA\n".into(),
            encoding: String::new(),
            remarks: Vec::new(),
        };
        assert!(table(decoded).is_err());
    }
}
