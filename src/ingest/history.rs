//! Related tables: invoices, quotes, orders, opportunities, activities, tickets.
//!
//! Their rows hang on customers that other tables define, by a code or by an email address. They are
//! kept whole; `consolidate` hangs them on the golden records.

use std::sync::{Arc, LazyLock};

use csv::StringRecord;
use serde::Deserialize;

use super::{
    columns::Understood,
    mapping::{self, HistoryRule, Label, Mapping, Rows},
    read::{Content, Row},
};
use crate::{
    error::Result,
    progress::Progress,
    table::{History, HistoryRow, Place, Reject, Severity, Skipped},
    value::{
        Invalid, date, dictionary,
        money::{self, DecimalMark},
        text::fold,
    },
};

/// What a related table gives.
#[derive(Debug)]
pub struct Related {
    /// Its rows, in their order.
    pub history: History,
    /// Rows that cannot be used, and cells without which a row was used.
    pub rejects: Vec<Reject>,
    /// Rows that are no data.
    pub skipped: Vec<Skipped>,
    /// Physical rows, header included.
    pub rows: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kinds {
    kind: Vec<Kind>,
}

/// The words that tell what a document is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    words: Vec<String>,
}

static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    let file: Kinds = dictionary::read(include_str!("../../mappings/dictionaries/history.toml"));
    file.kind
});

/// How a related table that fits no known layout is read; `None` when it is none.
///
/// A related table refers to customers by code or email, has a date, and says something of a document,
/// an amount or a subject. A table that also gives addresses or phones is one of customers, unless it
/// numbers documents with amounts and customers come back in it: invoices repeat the address.
pub fn mapping(file: &str, columns: &[Understood]) -> Option<Mapping> {
    let find =
        |wanted: &[&str]| wanted.iter().find_map(|w| columns.iter().find(|c| c.attribute == *w));
    let header = |found: Option<&Understood>| {
        found.map(|c| c.header.clone()).into_iter().collect::<Vec<_>>()
    };
    let contact = [
        "address",
        "street",
        "postcode",
        "postcode_city",
        "city",
        "phone",
        "mobile",
        "first_name",
        "birth_date",
        "siret",
    ];
    let code = find(&["customer_code", "account_code"]);
    let email = find(&["email"]);
    let key = code.or(email)?;
    let date = find(&["date", "created_at", "due_date"])?;
    let amount = find(&["amount", "amount_excl_tax"]);
    let document = find(&["document"]);
    if amount.is_none() && document.is_none() && find(&["subject"]).is_none() {
        return None;
    }
    let come_back = key.content.distinct < key.content.filled;
    if find(&contact).is_some() && !(amount.is_some() && document.is_some() && come_back) {
        return None;
    }
    let mut mapping = Mapping {
        name: "history".into(),
        label: Label { en: "History of customers".into(), fr: "Historique de clients".into() },
        rows: Rows::History,
        id: header(document),
        ..Mapping::default()
    };
    mapping.history = Some(HistoryRule {
        kind: kind(file, document.map_or("", |c| &c.header)).to_owned(),
        key: vec![key.header.clone()],
        key_attribute: key.attribute.clone(),
        email: if code.is_some() { header(email) } else { Vec::new() },
        // Fewer names than codes are not the customers': `Société` may be the seller's own.
        name: header(
            find(&["name", "whole_name", "full_name"])
                .filter(|name| name.content.distinct * 2 >= key.content.distinct),
        ),
        date: vec![date.header.clone()],
        amount: header(amount),
        currency: header(find(&["currency"])),
    });
    Some(mapping)
}

/// What the documents of a table are: told by the header of their number, else by the file's name.
fn kind(file: &str, document: &str) -> &'static str {
    let told = |text: &str| {
        let folded = fold(text);
        let is_told =
            |kind: &&Kind| folded.split(' ').any(|w| kind.words.iter().any(|word| word == w));
        KINDS.iter().find(is_told).map(|kind| kind.name.as_str())
    };
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    told(document).or_else(|| told(name)).unwrap_or("activity")
}

/// Reads a related table: `at` is its place, the `place`-th of the records.
///
/// A date or an amount that cannot be read is a reject of its cell; the row is kept. A row without a
/// key is kept too, and hangs on nobody.
///
/// # Errors
///
/// When the user interrupts.
pub fn read(
    header: &[String],
    rows: impl Iterator<Item = Row>,
    rule: &HistoryRule,
    (place, at): (u32, &Place),
    progress: &Progress,
) -> Result<Related> {
    let history =
        History { kind: rule.kind.clone(), place, header: header.to_vec(), rows: Vec::new() };
    let mut reading = Reading {
        columns: Columns::of(rule, header),
        header,
        at,
        related: Related { history, rejects: Vec::new(), skipped: Vec::new(), rows: 0 },
    };
    let data = reading.data(rows, progress)?;
    let dates = data.iter().filter_map(|(_, cells)| cells.get(reading.columns.date?));
    let order = date::order_of(dates);
    let amounts = data.iter().filter_map(|(_, cells)| cells.get(reading.columns.amount?));
    let mark = money::mark_of(amounts);
    let attributes = [rule.key_attribute.as_str(), "email"].map(Arc::<str>::from);
    for (number, cells) in data {
        let row = reading.row(number, cells, &attributes, (order, mark));
        reading.related.history.rows.push(row);
    }
    let mut related = reading.related;
    related.rejects.sort_by_key(|r| r.row);
    Ok(related)
}

/// A related table while it is read.
struct Reading<'a> {
    columns: Columns,
    header: &'a [String],
    at: &'a Place,
    related: Related,
}

impl Reading<'_> {
    /// The rows of data; what becomes of the others is noted.
    fn data(
        &mut self,
        rows: impl Iterator<Item = Row>,
        progress: &Progress,
    ) -> Result<Vec<(u32, StringRecord)>> {
        let mut data = Vec::new();
        for row in rows {
            self.related.rows += 1;
            if self.related.rows.is_multiple_of(4096) {
                progress.check()?;
            }
            match row.content {
                Content::Data(cells) => data.push((row.number, cells)),
                Content::Skipped(reason) => self.related.skipped.push(Skipped {
                    source: self.at.source.clone(),
                    file: self.at.file.clone(),
                    sheet: self.at.sheet.clone(),
                    row: Some(row.number),
                    reason: reason.to_owned(),
                }),
                Content::Bad { code, message, raw } => {
                    let why = Invalid { code, message, suggestion: String::new() };
                    self.reject(row.number, None, why, raw);
                }
            }
        }
        Ok(data)
    }

    /// A row whose key is of the first of `attributes`, or where it has none of the second, an email address.
    fn row(
        &mut self,
        number: u32,
        cells: StringRecord,
        [by_key, by_email]: &[Arc<str>; 2],
        (order, mark): (date::Order, Option<DecimalMark>),
    ) -> HistoryRow {
        let cell = |column: Option<usize>| column.and_then(|c| cells.get(c)).unwrap_or("").trim();
        let columns = self.columns;
        let mut day = String::new();
        if !cell(columns.date).is_empty() {
            match date::normalize(cell(columns.date), order) {
                Ok(date) => day = date,
                Err(why) => self.reject(number, columns.date, why, cell(columns.date).to_owned()),
            }
        }
        let (mut amount, mut currency) = (String::new(), cell(columns.currency).to_uppercase());
        if !cell(columns.amount).is_empty() {
            match money::normalize_in(cell(columns.amount), mark) {
                Ok((value, code)) => {
                    amount = value;
                    if currency.is_empty() {
                        currency = code;
                    }
                }
                Err(why) => {
                    self.reject(number, columns.amount, why, cell(columns.amount).to_owned());
                }
            }
        }
        let (column, attribute) = match (cell(columns.key), cell(columns.email)) {
            ("", email) if !email.is_empty() => (columns.email, by_email),
            _ => (columns.key, by_key),
        };
        HistoryRow {
            row: number,
            key: cell(column).to_owned(),
            key_attribute: attribute.clone(),
            key_column: column.map(|at| at as u32),
            name: cell(columns.name).to_owned(),
            date: day,
            amount,
            currency,
            cells,
        }
    }

    /// A row, or the cell of a column, that cannot be used.
    fn reject(&mut self, row: u32, column: Option<usize>, why: Invalid, raw: String) {
        self.related.rejects.push(Reject {
            source: self.at.source.clone(),
            file: self.at.file.clone(),
            sheet: self.at.sheet.clone(),
            row: Some(row),
            column: column.and_then(|c| self.header.get(c)).cloned().unwrap_or_default(),
            code: why.code.to_owned(),
            severity: if column.is_some() { Severity::Cell } else { Severity::Row },
            message: why.message,
            suggestion: why.suggestion,
            raw,
        });
    }
}

/// Positions of the columns that count.
#[derive(Clone, Copy)]
struct Columns {
    key: Option<usize>,
    email: Option<usize>,
    name: Option<usize>,
    date: Option<usize>,
    amount: Option<usize>,
    currency: Option<usize>,
}

impl Columns {
    fn of(rule: &HistoryRule, header: &[String]) -> Columns {
        let column = |names: &[String]| mapping::position(header, names);
        Columns {
            key: column(&rule.key),
            email: column(&rule.email),
            name: column(&rule.name),
            date: column(&rule.date),
            amount: column(&rule.amount),
            currency: column(&rule.currency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::columns::understand, *};

    fn table(text: &str) -> (Vec<String>, Vec<StringRecord>) {
        let mut lines = text.lines().map(|l| l.split(';').map(str::to_owned).collect::<Vec<_>>());
        (lines.next().unwrap_or_default(), lines.map(StringRecord::from).collect())
    }

    /// Kind, key, amount... of the mapping that a table gets, or `-`.
    fn told(file: &str, text: &str) -> String {
        let (header, rows) = table(text);
        let Some(mapping) = mapping(file, &understand(&header, &rows)) else { return "-".into() };
        let rule = mapping.history.expect("a related table has its rule");
        [
            rule.kind.as_str(),
            &rule.key.join(","),
            &rule.key_attribute,
            &rule.email.join(","),
            &rule.date.join(","),
            &rule.amount.join(","),
        ]
        .join(" | ")
    }

    #[test]
    fn related_tables_are_recognised_by_key_date_and_what_they_speak_of() {
        assert_eq!(
            told(
                "factures.csv",
                "N° pièce;Date;Code client;Nom client;Montant HT;TVA;Montant TTC\nFA1;04/01/2008;C1;Dupont;10,00;2,00;12,00",
            ),
            "invoice | Code client | customer_code |  | Date | Montant TTC"
        );
        assert_eq!(
            told(
                "x.csv",
                "N° devis;Date;Société;Code client;Montant HT;Statut\nD1;30/12/2019;MFP;C1;3,10;ok"
            ),
            "quote | Code client | customer_code |  | Date | Montant HT"
        );
        let (header, rows) = table(
            "N° devis;Date;Société;Code client\nD1;30/12/2019;MFP;C1\nD2;30/12/2019;MFP;C2\nD3;30/12/2019;MFP;C3",
        );
        let mapping = mapping("x.csv", &understand(&header, &rows)).expect("a related table");
        assert!(mapping.history.expect("its rule").name.is_empty());
        assert_eq!(
            told(
                "activites.csv",
                "Date;Type;Code client;E-mail contact;Objet\n21/04/2019;Appel;;a@b.fr;Point\n22/04/2019;Note;C1;;Suivi",
            ),
            "activity | Code client | customer_code | E-mail contact | Date | "
        );
        assert_eq!(
            told(
                "tickets.csv",
                "ticket_id;created_at;requester_email;subject\nT1;2019-12-01T07:24:00Z;a@b.fr;Produit",
            ),
            "ticket | requester_email | email |  | created_at | "
        );
        assert_eq!(
            told(
                "clients.csv",
                "Code client;Nom;Ville;Date;Montant\nC1;Dupont;Paris;04/01/2008;3,00"
            ),
            "-"
        );
        assert_eq!(
            told(
                "clients.csv",
                "Code client;Nom;Adresse;Date création\nC1;Dupont;3 rue Haute;04/01/2008"
            ),
            "-"
        );
    }

    /// Reads a related table of invoices.
    fn related(text: &str) -> Related {
        let (header, rows) = table(text);
        let rule = HistoryRule {
            kind: "order".into(),
            key: vec!["Code".into()],
            key_attribute: "customer_code".into(),
            email: vec!["Mail".into()],
            date: vec!["Date".into()],
            amount: vec!["Montant".into()],
            ..HistoryRule::default()
        };
        let place = Place {
            source: "s".into(),
            file: "f.csv".into(),
            sheet: String::new(),
            key_space: String::new(),
            rank: 0,
            country: String::new(),
            dated: String::new(),
        };
        let rows = rows
            .into_iter()
            .enumerate()
            .map(|(at, cells)| Row { number: at as u32 + 2, content: Content::Data(cells) });
        read(&header, rows, &rule, (0, &place), &Progress::hidden()).expect("not interrupted")
    }

    #[test]
    fn amounts_are_read_with_the_decimal_mark_of_their_column() {
        let related = related(
            "Date;Code;Mail;Montant\n2020-01-02;C1;;12,50\n2020-01-02;C1;;99,90\n2020-01-03;C2;;1.234",
        );
        let amounts: Vec<&str> = related.history.rows.iter().map(|r| r.amount.as_str()).collect();
        assert_eq!(amounts, ["12.5", "99.9", "1234"]);
    }

    #[test]
    fn every_row_is_kept_and_an_empty_code_leaves_the_email() {
        let related = related(
            "Date;Code;Mail;Montant\n2020-01-02;C1;a@b.fr;12.50\n2020-01-03;;c@d.fr;\n;;;1",
        );
        let told: Vec<_> = related
            .history
            .rows
            .iter()
            .map(|r| (r.row, r.key.as_str(), &*r.key_attribute, r.date.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (2, "C1", "customer_code", "2020-01-02"),
                (3, "c@d.fr", "email", "2020-01-03"),
                (4, "", "customer_code", "")
            ]
        );
        assert_eq!(related.rows, 3);
    }
}
