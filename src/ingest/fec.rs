//! The FEC (*fichier des écritures comptables*): customers, their figures and their entries out of a
//! French company's accounting file.
//!
//! A FEC has one line per entry line and no list of customers: a customer is an account `411...`, told
//! by the auxiliary account (`CompAuxNum`) or, without one, by the general account itself. All lines
//! of one account give one record, which stands on the account's first line; every line of a
//! customer account, the first one included, is history. For the sum of fates the first line counts
//! as a record. Nothing depends on the order of lines but the row that a record stands on.
//!
//! The columns are those of article A47 A-1 of the *Livre des procédures fiscales*.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use csv::StringRecord;
use rust_decimal::Decimal;

use super::read::{Content, Row};
use crate::{
    error::Result,
    progress::Progress,
    table::{Draft, History, HistoryRow, RecordsBuilder, Reject, Severity, Skipped, row_digest},
    value::identifier,
    value::text::fold,
};

/// What the name of a FEC file says: `<SIREN>FEC<closing date>`, whatever stands around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// The seller's SIREN: the default key space of the account codes.
    pub siren: String,
    /// Last day of the financial year, as an ISO date.
    pub closing: String,
}

impl FileName {
    /// Reads a file's name (or path); a SIRET in place of the SIREN gives its SIREN.
    pub fn parse(file: &str) -> Option<FileName> {
        let (siren, closing) = identifier::fec_name(file)?;
        Some(FileName { siren, closing: iso_date(&closing)? })
    }
}

/// Whether the columns are those of a FEC, in any variant.
pub fn is_fec(header: &[String]) -> bool {
    Columns::find(header).is_some()
}

/// What a FEC holds of customers.
#[derive(Debug)]
pub struct Ledger {
    /// One draft per customer, its kind not decided: the label of the account stands in `name`, its
    /// other spellings in `alias`. Sorted by row.
    pub drafts: Vec<Draft>,
    /// All lines of customer accounts, sorted by row.
    pub history: History,
    /// Lines that cannot be used, and entries that do not balance (severity `cell`: their lines are
    /// used all the same).
    pub rejects: Vec<Reject>,
    /// Lines of other accounts (`other_ledger`), of collective accounts and catch-all customers
    /// (`collective_account`), and what is no line.
    pub skipped: Vec<Skipped>,
    /// Physical rows, header included.
    pub rows: u64,
    /// Lines of customer accounts that no record stands on.
    pub history_rows: u64,
    /// Last day of the financial year, as an ISO date: the file name's, else the last entry's.
    pub closing: String,
}

/// Positions of the columns.
struct Columns {
    journal: usize,
    journal_label: Option<usize>,
    entry: usize,
    date: usize,
    account: usize,
    account_label: Option<usize>,
    auxiliary: Option<usize>,
    auxiliary_label: Option<usize>,
    piece: Option<usize>,
    amount: AmountColumns,
}

enum AmountColumns {
    DebitCredit(usize, usize),
    AmountSide(usize, usize),
}

impl Columns {
    fn find(header: &[String]) -> Option<Columns> {
        let names: Vec<String> =
            header.iter().map(|h| fold(h.trim_matches('\0')).replace(' ', "")).collect();
        let at = |wanted: &[&str]| names.iter().position(|n| wanted.contains(&n.as_str()));
        let amount = match (at(&["debit"]), at(&["credit"]), at(&["montant"]), at(&["sens"])) {
            (Some(debit), Some(credit), ..) => AmountColumns::DebitCredit(debit, credit),
            (_, _, Some(amount), Some(side)) => AmountColumns::AmountSide(amount, side),
            _ => return None,
        };
        Some(Columns {
            journal: at(&["journalcode", "codejournal"])?,
            journal_label: at(&["journallib", "libellejournal"]),
            entry: at(&["ecriturenum", "numecriture"])?,
            date: at(&["ecrituredate", "dateecriture"])?,
            account: at(&["comptenum", "numcompte"])?,
            account_label: at(&["comptelib", "libellecompte"]),
            auxiliary: at(&["compauxnum", "compteauxnum", "comptauxnum"]),
            auxiliary_label: at(&["compauxlib", "compteauxlib", "comptauxlib"]),
            piece: at(&["pieceref"]),
            amount,
        })
    }
}

/// One line, read.
struct Line<'a> {
    journal: &'a str,
    journal_label: &'a str,
    entry: &'a str,
    date: String,
    account: &'a str,
    account_label: &'a str,
    auxiliary: &'a str,
    auxiliary_label: &'a str,
    piece: &'a str,
    /// Debit less credit.
    amount: Decimal,
}

/// Why a line cannot be used.
struct Unusable {
    column: usize,
    code: &'static str,
    message: String,
    suggestion: &'static str,
    raw: String,
}

impl Columns {
    fn line<'a>(&self, header: &[String], cells: &'a StringRecord) -> Result<Line<'a>, Unusable> {
        if let Some(long) = cells.iter().skip(header.len()).position(|c| !c.trim().is_empty()) {
            return Err(Unusable {
                column: header.len().saturating_sub(1),
                code: "ragged_row",
                message: format!(
                    "the line has {} cells, the header {}",
                    header.len() + long + 1,
                    header.len()
                ),
                suggestion: "look for the delimiter inside a label",
                raw: cells.iter().collect::<Vec<_>>().join("|"),
            });
        }
        let cell = |at: usize| clean(cells.get(at).unwrap_or(""));
        let other = |at: Option<usize>| at.map_or("", cell);
        let bad = |column: usize, code, message: &str, suggestion| Unusable {
            column,
            code,
            message: message.to_owned(),
            suggestion,
            raw: cells.get(column).unwrap_or("").to_owned(),
        };
        let account = cell(self.account);
        if !account.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(bad(
                self.account,
                "bad_account",
                "an account number starts with a digit",
                "look whether cells of the line are shifted",
            ));
        }
        let date = iso_date(cell(self.date)).ok_or_else(|| {
            bad(self.date, "bad_date", "this is no date", "write dates as YYYYMMDD")
        })?;
        let number = |column: usize| {
            amount(cell(column)).ok_or_else(|| {
                bad(column, "bad_amount", "this is no amount", "write amounts as 1234,56")
            })
        };
        let amount = match self.amount {
            AmountColumns::DebitCredit(debit, credit) => {
                if cell(debit).is_empty() && cell(credit).is_empty() {
                    return Err(bad(
                        debit,
                        "bad_amount",
                        "neither debit nor credit is filled",
                        "look whether the line was cut",
                    ));
                }
                number(debit)? - number(credit)?
            }
            AmountColumns::AmountSide(value, side) => {
                if cell(value).is_empty() {
                    return Err(bad(
                        value,
                        "bad_amount",
                        "there is no amount",
                        "look whether the line was cut",
                    ));
                }
                match fold(cell(side)).as_str() {
                    "d" | "debit" | "1" if !cell(side).starts_with('-') => number(value)?,
                    "c" | "credit" | "1" => -number(value)?,
                    _ => {
                        return Err(bad(
                            side,
                            "bad_side",
                            "the side is neither debit nor credit",
                            "write D or C",
                        ));
                    }
                }
            }
        };
        Ok(Line {
            journal: cell(self.journal),
            journal_label: other(self.journal_label),
            entry: cell(self.entry),
            date,
            account,
            account_label: other(self.account_label),
            auxiliary: other(self.auxiliary),
            auxiliary_label: other(self.auxiliary_label),
            piece: other(self.piece),
            amount,
        })
    }
}

fn clean(cell: &str) -> &str {
    cell.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\0' | '\u{feff}' | '\u{3}'))
}

/// The ISO date of `20241231`, `2024-12-31`, `31/12/2024` or `31.12.2024`.
fn iso_date(text: &str) -> Option<String> {
    let day = text.split(['T', ' ']).next()?;
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    let (year, month, day) = match parts.as_slice() {
        [whole] if whole.len() == 8 && whole.is_ascii() => (&whole[..4], &whole[4..6], &whole[6..]),
        [year, month, day] if year.len() == 4 => (*year, *month, *day),
        [day, month, year] if year.len() == 4 => (*year, *month, *day),
        _ => return None,
    };
    let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    Some(date.ok()?.to_string())
}

/// The greatest amount of one line that is taken for one.
const MOST_AMOUNT: u64 = 1_000_000_000_000;

/// The amount, to the cent; blank is zero. A FEC has no thousands mark, but blanks and zeros are met.
fn amount(text: &str) -> Option<Decimal> {
    let mut plain = String::with_capacity(text.len());
    let mut negative = false;
    for c in text.chars() {
        match c {
            '0'..='9' => plain.push(c),
            ',' | '.' => plain.push('.'),
            '-' | '(' => negative = true,
            '+' | ')' | ' ' | '\u{a0}' | '\u{202f}' | '€' => {}
            _ => return None,
        }
    }
    if plain.is_empty() {
        return (!negative).then_some(Decimal::ZERO);
    }
    // Where both marks stand, only the last is the decimal one.
    while plain.matches('.').count() > 1 {
        let first = plain.find('.')?;
        plain.remove(first);
    }
    let mut value: Decimal = plain.trim_end_matches('.').parse().ok()?;
    value = value.round_dp(2);
    // No account holds a thousand billion; sums of such slips would overflow.
    if value > Decimal::from(MOST_AMOUNT) {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// The roots of customer accounts: customers, bills, doubtful customers, sales not yet invoiced,
/// advances. Some packages use 410 and 412 beside 411.
const ROOTS: [&str; 7] = ["4191", "410", "411", "412", "413", "416", "418"];

/// The part of a customer account's number that is the customer's own: empty for a collective account.
fn own_part(account: &str) -> Option<&str> {
    let root = ROOTS.iter().find(|root| account.starts_with(**root))?;
    let own = &account[root.len()..];
    Some(if own.bytes().all(|b| b == b'0') { "" } else { own })
}

/// Whether the label is that of an account for customers nobody knows by name.
fn is_catch_all(label: &str) -> bool {
    let folded = fold(label);
    let words: Vec<&str> = folded
        .split(' ')
        .filter(|w| {
            !matches!(*w, "de" | "en" | "a" | "et" | "compte" | "autres" | "vente" | "ventes")
        })
        .collect();
    const CUSTOMER: [&str; 5] = ["client", "clients", "clt", "clts", "cli"];
    const NOBODY: [&str; 13] = [
        "divers",
        "diverse",
        "comptoir",
        "passage",
        "occasionnels",
        "occasionnel",
        "collectif",
        "douteux",
        "particuliers",
        "internet",
        "caisse",
        "magasin",
        "anonyme",
    ];
    !words.is_empty() && words.iter().all(|w| CUSTOMER.contains(w) || NOBODY.contains(w))
}

/// The label without the word that says it is a customer's.
fn customer_name(label: &str) -> &str {
    let mut rest = label.trim();
    for words in [["client", "clients", "clt", "cli"].as_slice(), &["douteux", "douteuse"]] {
        let word = rest.split([' ', ':', '-']).next().unwrap_or("");
        if !words.contains(&fold(word).as_str()) {
            break;
        }
        rest = rest[word.len()..].trim_start_matches([' ', ':', '-', '/']);
    }
    rest
}

/// What a journal is for, as far as its label and code say.
fn is_sales_journal(code: &str, label: &str) -> Option<bool> {
    let label = fold(label);
    let says = |stems: &[&str]| label.split(' ').any(|w| stems.iter().any(|s| w.starts_with(s)));
    if says(&[
        "achat", "fourn", "banq", "caiss", "nouv", "ouvert", "report", "tresor", "paie", "salaire",
        "encaiss", "reglem", "virem",
    ]) {
        return Some(false);
    }
    if says(&["vente", "vte", "factur", "sales"]) {
        return Some(true);
    }
    if says(&["diverse", "od"]) {
        return Some(false);
    }
    match fold(code).as_str() {
        "ve" | "vt" | "vte" | "ven" | "vtes" | "vente" | "ventes" | "fac" | "fv" | "vl"
        | "vte1" | "ve1" => Some(true),
        "an" | "ran" | "anc" | "anv" | "bq" | "bqe" | "ca" | "cai" | "od" | "ac" | "ach" | "ha" => {
            Some(false)
        }
        _ => None,
    }
}

/// One entry: lines of one journal, number and date that balance.
#[derive(Default)]
struct Entry {
    first_row: u32,
    lines: u32,
    difference: Decimal,
    /// Account, piece, amount of each line of a customer.
    customers: Vec<(usize, String, Decimal)>,
    /// Piece and amount of each line of the accounts 70.
    revenue: Vec<(String, Decimal)>,
    /// Money received or paid in the entry itself.
    treasury: Decimal,
}

/// One customer while the file is read.
#[derive(Default)]
struct Account {
    code: String,
    /// The general account's number, of the account 411 if there is one.
    number: String,
    auxiliary: bool,
    first_row: u32,
    /// How often each spelling of the name occurs, and when last.
    names: BTreeMap<String, (u32, String)>,
    collective: bool,
    balance: Decimal,
    sales_incl_tax: Decimal,
    /// None once an entry's revenue cannot be told to be this customer's.
    sales_excl_tax: Option<Decimal>,
    last_sale: String,
}

/// Reads a FEC: `place` is that of the file in `builder`, `rows` are those of the file, header included.
///
/// # Errors
///
/// When the user interrupts; bad lines are rejects. A `header` that is no FEC's ([`is_fec`]) gives no
/// line at all: every row is a reject.
pub fn read(
    header: &[String],
    rows: impl Iterator<Item = Row>,
    place: u32,
    builder: &mut RecordsBuilder,
    progress: &Progress,
) -> Result<Ledger> {
    let at = builder.places()[place as usize].clone();
    let mut reader = Reader {
        header,
        source: at.source,
        file: at.file,
        sheet: at.sheet,
        accounts: Vec::new(),
        account_of: HashMap::new(),
        with_auxiliary: BTreeSet::new(),
        entries: BTreeMap::new(),
        journals: BTreeMap::new(),
        history: Vec::new(),
        rejects: Vec::new(),
        skipped: Vec::new(),
        latest: String::new(),
    };
    let columns = Columns::find(header);
    let mut count = 0;
    for row in rows {
        count += 1;
        if count % 4096 == 0 {
            progress.check()?;
        }
        match row.content {
            Content::Skipped(reason) => reader.skip(row.number, reason),
            Content::Bad { code, message, raw } => {
                reader.reject(row.number, "", code, message, "", raw)
            }
            Content::Data(cells) => match columns.as_ref() {
                Some(columns) => match columns.line(header, &cells) {
                    Ok(line) => reader.line(row.number, &line, &cells),
                    Err(why) => {
                        let column = header.get(why.column).cloned().unwrap_or_default();
                        reader.reject(
                            row.number,
                            &column,
                            why.code,
                            why.message,
                            why.suggestion,
                            why.raw,
                        );
                    }
                },
                None => {
                    let raw = cells.iter().collect::<Vec<_>>().join("|");
                    reader.reject(
                        row.number,
                        "",
                        "no_fec",
                        "the columns of a FEC are missing".into(),
                        "",
                        raw,
                    );
                }
            },
        }
    }
    let closing =
        FileName::parse(&reader.file).map_or_else(|| reader.latest.clone(), |name| name.closing);
    Ok(reader.finish(place, closing, count, builder))
}

struct Reader<'a> {
    header: &'a [String],
    source: String,
    file: String,
    sheet: String,
    accounts: Vec<Account>,
    account_of: HashMap<String, usize>,
    /// General accounts that carry auxiliary ones: without one, a line of theirs is nobody's.
    with_auxiliary: BTreeSet<String>,
    entries: BTreeMap<(String, String, String), Entry>,
    /// Code of each journal, with what its label says of sales.
    journals: BTreeMap<String, Option<bool>>,
    history: Vec<(usize, HistoryRow)>,
    rejects: Vec<Reject>,
    skipped: Vec<Skipped>,
    latest: String,
}

impl Reader<'_> {
    fn skip(&mut self, row: u32, reason: &str) {
        self.skipped.push(Skipped {
            source: self.source.clone(),
            file: self.file.clone(),
            sheet: self.sheet.clone(),
            row,
            reason: reason.to_owned(),
        });
    }

    fn reject(
        &mut self,
        row: u32,
        column: &str,
        code: &str,
        message: String,
        suggestion: &str,
        raw: String,
    ) {
        self.rejects.push(Reject {
            source: self.source.clone(),
            file: self.file.clone(),
            sheet: self.sheet.clone(),
            row: Some(row),
            column: column.to_owned(),
            code: code.to_owned(),
            severity: if code == "unbalanced_entry" { Severity::Cell } else { Severity::Row },
            message,
            suggestion: suggestion.to_owned(),
            raw,
        });
    }

    fn line(&mut self, row: u32, line: &Line<'_>, cells: &StringRecord) {
        if line.date > self.latest {
            self.latest.clone_from(&line.date);
        }
        if !self.journals.contains_key(line.journal) {
            self.journals.insert(line.journal.to_owned(), None);
        }
        if let Some(says @ None) = self.journals.get_mut(line.journal) {
            *says = is_sales_journal(line.journal, line.journal_label);
        }
        let entry = (line.journal.to_owned(), line.entry.to_owned(), line.date.clone());
        let customer = own_part(line.account).map(|own| self.account(row, own, line));
        let entry = self.entries.entry(entry).or_default();
        if entry.lines == 0 || row < entry.first_row {
            entry.first_row = row;
        }
        entry.lines += 1;
        entry.difference += line.amount;
        if let Some(account) = customer {
            entry.customers.push((account, line.piece.to_owned(), line.amount));
        } else if line.account.starts_with("70") {
            entry.revenue.push((line.piece.to_owned(), line.amount));
        } else if line.account.starts_with('5') {
            entry.treasury += line.amount;
        }
        let Some(account) = customer else { return self.skip(row, "other_ledger") };
        let name = if line.auxiliary_label.is_empty() {
            customer_name(line.account_label)
        } else {
            line.auxiliary_label
        };
        self.history.push((
            account,
            HistoryRow {
                row,
                key: self.accounts[account].code.clone(),
                key_attribute: key_attribute(&self.accounts[account]).into(),
                name: name.to_owned(),
                date: line.date.clone(),
                amount: line.amount.to_string(),
                currency: "EUR".into(),
                cells: cells.iter().map(str::to_owned).collect(),
            },
        ));
    }

    /// The customer that a line is of.
    fn account(&mut self, row: u32, own: &str, line: &Line<'_>) -> usize {
        let auxiliary = !line.auxiliary.is_empty();
        if auxiliary {
            self.with_auxiliary.insert(line.account.to_owned());
        }
        // Without auxiliary accounts 411C0003 and, doubtful now, 416C0003 are one customer.
        let key = if auxiliary { format!("x{}", line.auxiliary) } else { format!("g{own}") };
        let at = *self.account_of.entry(key).or_insert_with(|| {
            self.accounts.push(Account {
                code: if auxiliary { line.auxiliary.to_owned() } else { line.account.to_owned() },
                auxiliary,
                number: line.account.to_owned(),
                first_row: row,
                collective: !auxiliary && own.is_empty(),
                sales_excl_tax: Some(Decimal::ZERO),
                ..Account::default()
            });
            self.accounts.len() - 1
        });
        let account = &mut self.accounts[at];
        account.first_row = account.first_row.min(row);
        account.balance += line.amount;
        let rank = |number: &str| (!number.starts_with("411"), number.to_owned());
        if rank(line.account) < rank(&account.number) {
            line.account.clone_into(&mut account.number);
            if !auxiliary {
                line.account.clone_into(&mut account.code);
            }
        }
        let name = match (line.auxiliary_label, auxiliary) {
            ("", false) => customer_name(line.account_label),
            // The general account's label is no customer's name, unless the account is theirs.
            ("", true) if own.is_empty() => "",
            ("", true) => customer_name(line.account_label),
            (label, _) => label,
        };
        if !name.is_empty() {
            let (times, last) = account.names.entry(name.to_owned()).or_default();
            *times += 1;
            if line.date > *last {
                last.clone_from(&line.date);
            }
        }
        at
    }

    fn finish(
        mut self,
        place: u32,
        closing: String,
        rows: u64,
        builder: &mut RecordsBuilder,
    ) -> Ledger {
        self.find_collective_accounts();
        self.add_up_sales();
        self.tell_unbalanced_entries();

        let mut drafts = Vec::new();
        let mut first_rows = BTreeSet::new();
        for account in self.accounts.iter().filter(|a| !a.collective) {
            first_rows.insert(account.first_row);
            drafts.push(draft(account, place, &closing, self.header, builder));
        }
        drafts.sort_by_key(|d| d.row);
        let mut lines = Vec::with_capacity(self.history.len());
        for (account, mut line) in std::mem::take(&mut self.history) {
            let account = &self.accounts[account];
            if account.collective {
                self.skip(line.row, "collective_account");
                continue;
            }
            // The number may have been found to be another one since.
            line.key.clone_from(&account.code);
            lines.push(line);
        }
        lines.sort_by_key(|l| l.row);
        self.skipped.sort_by_key(|s| s.row);
        self.rejects.sort_by_key(|r| r.row);
        Ledger {
            history_rows: (lines.len() - first_rows.len()) as u64,
            drafts,
            history: History {
                kind: "fec_line".into(),
                place,
                header: self.header.to_vec(),
                rows: lines,
            },
            rejects: self.rejects,
            skipped: self.skipped,
            rows,
            closing,
        }
    }

    /// An account without an auxiliary one is collective when others of its number have one, or when
    /// its label is a catch-all; so is an auxiliary account for customers nobody knows.
    fn find_collective_accounts(&mut self) {
        for account in &mut self.accounts {
            let carries = !account.auxiliary && self.with_auxiliary.contains(&account.number);
            let nobody = !account.names.is_empty() && account.names.keys().all(|n| is_catch_all(n));
            account.collective |= carries || nobody;
        }
    }

    /// Whether each journal is one of sales: its label or code says it; where no journal of the file
    /// says so, one whose entries mostly hold customers and revenue.
    fn sales_journals(&self) -> BTreeSet<String> {
        let told: BTreeSet<String> = self
            .journals
            .iter()
            .filter(|(_, says)| **says == Some(true))
            .map(|(j, _)| j.clone())
            .collect();
        if !told.is_empty() {
            return told;
        }
        let mut counts: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for ((journal, ..), entry) in &self.entries {
            let (all, sales) = counts.entry(journal).or_default();
            *all += 1;
            *sales += u32::from(!entry.customers.is_empty() && !entry.revenue.is_empty());
        }
        let silent = |journal: &str| self.journals.get(journal).is_some_and(Option::is_none);
        let mostly = counts
            .into_iter()
            .filter(|(journal, (all, sales))| silent(journal) && sales * 2 > *all);
        mostly.map(|(journal, _)| journal.to_owned()).collect()
    }

    fn add_up_sales(&mut self) {
        let journals = self.sales_journals();
        for ((journal, _, date), entry) in &self.entries {
            if !journals.contains(journal) {
                continue;
            }
            let alone =
                |lines: &[(usize, String, Decimal)]| lines.iter().all(|l| l.0 == lines[0].0);
            let one_customer = !entry.customers.is_empty() && alone(&entry.customers);
            let mut net: BTreeMap<usize, Decimal> = BTreeMap::new();
            for (account, _, amount) in &entry.customers {
                *net.entry(*account).or_default() += *amount;
            }
            for (&at, &amount) in &net {
                let account = &mut self.accounts[at];
                // An invoice paid in its own entry leaves nothing on the account; it is a sale.
                let sale = if one_customer { amount + entry.treasury } else { amount };
                account.sales_incl_tax += sale;
                if sale > Decimal::ZERO && *date > account.last_sale {
                    account.last_sale.clone_from(date);
                }
                let revenue = if one_customer {
                    Some(entry.revenue.iter().map(|(_, amount)| *amount).sum())
                } else {
                    revenue_by_piece(entry, at)
                };
                account.sales_excl_tax =
                    account.sales_excl_tax.zip(revenue).map(|(all, one)| all - one);
            }
        }
    }

    fn tell_unbalanced_entries(&mut self) {
        let unbalanced: Vec<(u32, String, Decimal)> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.difference.is_zero())
            .map(|((journal, number, _), entry)| {
                (entry.first_row, format!("{journal} {number}"), entry.difference)
            })
            .collect();
        let column = self
            .header
            .iter()
            .find(|h| matches!(fold(h).as_str(), "debit" | "montant"))
            .cloned()
            .unwrap_or_default();
        for (row, entry, difference) in unbalanced {
            let message = format!(
                "the lines of entry `{entry}` do not balance: debit less credit is {difference}"
            );
            let suggestion = "its lines are used; look for a missing or rejected line of the entry";
            self.reject(
                row,
                &column,
                "unbalanced_entry",
                message,
                suggestion,
                difference.to_string(),
            );
        }
    }
}

/// The revenue of one customer in an entry of several, when piece references tell it.
fn revenue_by_piece(entry: &Entry, account: usize) -> Option<Decimal> {
    let mut sum = Decimal::ZERO;
    let pieces: BTreeSet<&str> =
        entry.customers.iter().filter(|c| c.0 == account).map(|c| c.1.as_str()).collect();
    for piece in pieces {
        let shared = entry.customers.iter().any(|c| c.1 == piece && c.0 != account);
        if piece.is_empty() || shared {
            return None;
        }
        sum += entry.revenue.iter().filter(|r| r.0 == piece).map(|r| r.1).sum::<Decimal>();
    }
    Some(sum)
}

/// An auxiliary account is the customer's code in the other files of the package too; a general one is
/// what they call the account.
fn key_attribute(account: &Account) -> &'static str {
    if account.auxiliary { "customer_code" } else { "account_code" }
}

fn draft(
    account: &Account,
    place: u32,
    closing: &str,
    header: &[String],
    builder: &mut RecordsBuilder,
) -> Draft {
    let column = |wanted: &[&str]| {
        let found = header.iter().find(|h| wanted.contains(&fold(h).replace(' ', "").as_str()));
        found.cloned().unwrap_or_else(|| wanted[0].to_owned())
    };
    let auxiliary_number = column(&["compauxnum", "compteauxnum", "comptauxnum"]);
    let auxiliary_label = column(&["compauxlib", "compteauxlib", "comptauxlib"]);
    let (number, label) = if account.auxiliary {
        (auxiliary_number, auxiliary_label)
    } else {
        (column(&["comptenum", "numcompte"]), column(&["comptelib", "libellecompte"]))
    };
    let amounts = column(&["debit", "montant"]);
    let date = column(&["ecrituredate", "dateecriture"]);

    // The most frequent spelling is the name, of two the later one.
    let mut names: Vec<(&String, &(u32, String))> = account.names.iter().collect();
    names.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));

    let mut values: Vec<(Arc<str>, String, u32)> = Vec::new();
    let mut value = |attribute: &str, value: String, column: &str, label: &str| {
        if !value.is_empty() {
            values.push((attribute.into(), value, builder.origin(place, column, label)));
        }
    };
    for (at, (name, _)) in names.iter().enumerate() {
        value(if at == 0 { "name" } else { "alias" }, (*name).clone(), &label, "");
    }
    value(key_attribute(account), account.code.clone(), &number, "");
    if account.auxiliary && account.code.starts_with("411") {
        value("account_code", account.code.clone(), &number, "");
    }
    value("balance", money(account.balance), &amounts, closing);
    value("sales_incl_tax", money(account.sales_incl_tax), &amounts, closing);
    if let Some(sales) = account.sales_excl_tax {
        value("sales_excl_tax", money(sales), &amounts, closing);
    }
    value("last_sale", account.last_sale.clone(), &date, closing);

    // Of the account as a whole, so that the id stays when lines change places.
    let mut content: Vec<(&str, &str)> = vec![("account", &account.code), ("closing", closing)];
    content.extend(names.iter().map(|(name, _)| ("name", name.as_str())));
    Draft {
        kind: None,
        place,
        row: account.first_row,
        key: account.code.clone(),
        digest: row_digest(content),
        values,
    }
}

fn money(value: Decimal) -> String {
    format!("{value:.2}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::table::Place;

    const HEADER: &str = "JournalCode|JournalLib|EcritureNum|EcritureDate|CompteNum|CompteLib|CompAuxNum|CompAuxLib|PieceRef|EcritureLib|Debit|Credit";

    fn ledger_of(file: &str, text: &str, delimiter: char) -> (Ledger, RecordsBuilder) {
        let mut builder = RecordsBuilder::default();
        let place = builder.place(Place {
            source: "fec".into(),
            file: file.into(),
            sheet: String::new(),
            key_space: String::new(),
            rank: 0,
            dated: String::new(),
        });
        let mut lines = text.lines();
        let cells = |line: &str| line.split(delimiter).map(str::to_owned).collect::<Vec<_>>();
        let header = cells(lines.next().unwrap_or(""));
        let rows = lines.enumerate().map(|(at, line)| Row {
            number: at as u32 + 2,
            content: Content::Data(StringRecord::from(cells(line))),
        });
        let ledger =
            read(&header, rows, place, &mut builder, &Progress::hidden()).expect("not interrupted");
        (ledger, builder)
    }

    /// Reads lines under [`HEADER`] and writes each customer as `row code name; attribute value ...`.
    fn customers(lines: &[&str]) -> Vec<String> {
        let text = format!("{HEADER}\n{}", lines.join("\n"));
        told(&ledger_of("512345675FEC20241231.txt", &text, '|').0)
    }

    fn told(ledger: &Ledger) -> Vec<String> {
        let one = |d: &Draft| {
            let skip = ["account_code", "customer_code"];
            let values: Vec<String> = d
                .values
                .iter()
                .filter(|v| !skip.contains(&&*v.0))
                .map(|v| format!("{} {}", v.0, v.1))
                .collect();
            format!("{} {}: {}", d.row, d.key, values.join(", "))
        };
        ledger.drafts.iter().map(one).collect()
    }

    #[test]
    fn sales_are_invoices_less_credit_notes_and_nothing_else() {
        assert_eq!(
            customers(&[
                "AN|A nouveaux|1|20240101|41100000|Clients|C1|Dupont SA|AN|Report|100,00|0,00",
                "AN|A nouveaux|1|20240101|11000000|Report|||AN|Report|0,00|100,00",
                "VE|Ventes|2|20240115|41100000|Clients|C1|Dupont SA|F1|Facture|120,00|0,00",
                "VE|Ventes|2|20240115|70700000|Ventes|||F1|Facture|0,00|100,00",
                "VE|Ventes|2|20240115|44571000|TVA|||F1|Facture|0,00|20,00",
                "VE|Ventes|3|20240301|41100000|Clients|C1|DUPONT|A1|Avoir|0,00|12,00",
                "VE|Ventes|3|20240301|70700000|Ventes|||A1|Avoir|10,00|0,00",
                "VE|Ventes|3|20240301|44571000|TVA|||A1|Avoir|2,00|0,00",
                "BQ|Banque|4|20240401|41100000|Clients|C1|Dupont SA|R|Reglement|0,00|50,00",
                "BQ|Banque|4|20240401|51200000|Banque|||R|Reglement|50,00|0,00",
                "OD|Operations diverses|5|20241231|41600000|Douteux|C1|Dupont SA|O|Transfert|30,00|0,00",
                "OD|Operations diverses|5|20241231|41100000|Clients|C1|Dupont SA|O|Transfert|0,00|30,00",
            ]),
            [
                "2 C1: name Dupont SA, alias DUPONT, balance 158.00, sales_incl_tax 108.00, sales_excl_tax 90.00, last_sale 2024-01-15"
            ]
        );
    }

    #[test]
    fn a_collective_account_is_no_customer() {
        let text = format!(
            "{HEADER}\n{}",
            [
                "VE|Ventes|1|20240115|41100000|Clients|C1|Dupont SA|F1|x|10,00|0,00",
                "VE|Ventes|1|20240115|70700000|Ventes|||F1|x|0,00|10,00",
                "VE|Ventes|2|20240115|41100000|Clients|||F2|x|10,00|0,00",
                "VE|Ventes|2|20240115|70700000|Ventes|||F2|x|0,00|10,00",
                "VE|Ventes|3|20240115|41100000|Clients|C9|Clients divers|F3|x|10,00|0,00",
                "VE|Ventes|3|20240115|70700000|Ventes|||F3|x|0,00|10,00",
            ]
            .join("\n")
        );
        let (ledger, _) = ledger_of("x.txt", &text, '|');
        assert_eq!(ledger.drafts.len(), 1);
        let reasons: Vec<_> = ledger.skipped.iter().map(|s| (s.row, s.reason.as_str())).collect();
        assert_eq!(
            reasons,
            [
                (3, "other_ledger"),
                (4, "collective_account"),
                (5, "other_ledger"),
                (6, "collective_account"),
                (7, "other_ledger")
            ]
        );
        assert_eq!(ledger.closing, "2024-01-15");
    }

    #[test]
    fn without_auxiliary_accounts_the_general_one_is_the_customer() {
        assert_eq!(
            customers(&[
                "VE|Ventes|1|20240115|411MARTIN|Client MARTIN SARL|||F1|x|12,00|0,00",
                "VE|Ventes|1|20240115|70700000|Ventes|||F1|x|0,00|12,00",
                "OD|OD|2|20240201|416MARTIN|Clients douteux MARTIN SARL|||O|x|12,00|0,00",
                "OD|OD|2|20240201|411MARTIN|Client MARTIN SARL|||O|x|0,00|12,00",
            ]),
            [
                "2 411MARTIN: name MARTIN SARL, balance 12.00, sales_incl_tax 12.00, sales_excl_tax 12.00, last_sale 2024-01-15"
            ]
        );
    }

    #[test]
    fn an_entry_of_several_customers_is_split_by_piece_or_its_revenue_is_unknown() {
        assert_eq!(
            customers(&[
                "VE|Ventes|1|20240115|41100000|Clients|C1|Dupont|F1|x|12,00|0,00",
                "VE|Ventes|1|20240115|41100000|Clients|C2|Durand|F2|x|24,00|0,00",
                "VE|Ventes|1|20240115|70700000|Ventes|||F1|x|0,00|10,00",
                "VE|Ventes|1|20240115|70700000|Ventes|||F2|x|0,00|20,00",
                "VE|Ventes|1|20240115|44571000|TVA|||F2|x|0,00|6,00",
                "VE|Ventes|2|20240116|41100000|Clients|C2|Durand||x|12,00|0,00",
                "VE|Ventes|2|20240116|41100000|Clients|C3|Duval||x|12,00|0,00",
                "VE|Ventes|2|20240116|70700000|Ventes||||x|0,00|24,00",
            ]),
            [
                "2 C1: name Dupont, balance 12.00, sales_incl_tax 12.00, sales_excl_tax 10.00, last_sale 2024-01-15",
                "3 C2: name Durand, balance 36.00, sales_incl_tax 36.00, last_sale 2024-01-16",
                "8 C3: name Duval, balance 12.00, sales_incl_tax 12.00, last_sale 2024-01-16",
            ]
        );
    }

    #[test]
    fn bad_lines_are_rejected_with_line_and_column_and_the_others_still_count() {
        let text = format!(
            "{HEADER}\n{}",
            [
                "VE|Ventes|1|20240115|41100000|Clients|C1|Dupont|F1|x|12,00|0,00|extra",
                "VE|Ventes|2|20241315|41100000|Clients|C1|Dupont|F1|x|12,00|0,00",
                "VE|Ventes|3|20240115|41100000|Clients|C1|Dupont|F1|x|douze|0,00",
                "VE|Ventes|4|20240115|41100000|Clients|C1|Dupont|F1",
                "VE|Ventes|5|20240115|41100000|Clients|C1|Dupont|F1|x|1 234.50|",
            ]
            .join("\n")
        );
        let (ledger, _) = ledger_of("x.txt", &text, '|');
        let rejects: Vec<_> = ledger
            .rejects
            .iter()
            .map(|r| (r.row.unwrap_or(0), r.column.as_str(), r.code.as_str()))
            .collect();
        assert_eq!(
            rejects,
            [
                (2, "Credit", "ragged_row"),
                (3, "EcritureDate", "bad_date"),
                (4, "Debit", "bad_amount"),
                (5, "Debit", "bad_amount"),
                (6, "Debit", "unbalanced_entry"),
            ]
        );
        assert_eq!(
            told(&ledger),
            [
                "6 C1: name Dupont, balance 1234.50, sales_incl_tax 1234.50, sales_excl_tax 0.00, last_sale 2024-01-15"
            ]
        );
    }

    #[test]
    fn the_file_name_gives_siren_and_closing_date() {
        let told = |name: &str| FileName::parse(name).map(|n| format!("{} {}", n.siren, n.closing));
        assert_eq!(
            told("compta/512345675FEC20241231.txt").as_deref(),
            Some("512345675 2024-12-31")
        );
        assert_eq!(
            told("export_51234567500012fec20230630_v2.csv").as_deref(),
            Some("512345675 2023-06-30")
        );
        assert_eq!(told("fec.txt"), None);
        assert_eq!(told("512345675FEC20241331.txt"), None);
    }

    #[test]
    fn amounts_of_all_writings_are_read_to_the_cent() {
        for (text, value) in [
            ("1520,40", "1520.40"),
            (" 000000000001437,12", "1437.12"),
            ("-12.5", "-12.5"),
            ("1.234,56", "1234.56"),
            ("(88,00)", "-88.00"),
            ("88,00-", "-88.00"),
            ("", "0"),
            ("1\u{a0}234", "1234"),
        ] {
            assert_eq!(amount(text), Some(value.parse().expect("a decimal")), "{text}");
        }
        for text in ["douze", "-", "12h", "7922816251426433759354395033,00"] {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn lines_in_another_order_give_the_same_customers() {
        let lines = [
            "VE|Ventes|1|20240115|41100000|Clients|C1|Dupont|F1|x|12,00|0,00",
            "VE|Ventes|1|20240115|70700000|Ventes|||F1|x|0,00|12,00",
            "VE|Ventes|2|20240116|41100000|Clients|C1|DUPONT|F2|x|24,00|0,00",
            "VE|Ventes|2|20240116|70700000|Ventes|||F2|x|0,00|24,00",
        ];
        let of = |lines: &[&str]| {
            let text = format!("{HEADER}\n{}", lines.join("\n"));
            let (ledger, _) = ledger_of("x.txt", &text, '|');
            ledger.drafts.into_iter().map(|d| (d.digest, d.values)).collect::<Vec<_>>()
        };
        let backwards: Vec<&str> = lines.iter().rev().copied().collect();
        assert_eq!(of(&lines), of(&backwards));
    }

    /// The shared samples, where the checkout has them beside it; else says that it skips.
    fn sample(name: &str) -> Option<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/fec").join(name);
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: no {}", path.display());
            return None;
        };
        Some(encoding_rs::WINDOWS_1252.decode(&bytes).0.into_owned())
    }

    #[test]
    fn real_variants_give_the_same_customers() {
        for (name, delimiter) in [("123456789FEC20241231.txt", '\t'), ("fec-montant-sens.txt", '|')]
        {
            let Some(text) = sample(name) else { continue };
            let (ledger, _) = ledger_of(name, &text, delimiter);
            let codes: Vec<&str> = ledger.drafts.iter().map(|d| d.key.as_str()).collect();
            assert_eq!(codes, ["C0001", "C0002", "C0003"], "{name}");
            let first = &told(&ledger)[0];
            assert!(first.contains("balance 1520.40, sales_incl_tax 1200.00, sales_excl_tax 1000.00, last_sale 2024-01-15"), "{first}");
            assert!(ledger.rejects.is_empty(), "{:?}", ledger.rejects);
            assert_eq!(
                ledger.rows,
                ledger.drafts.len() as u64 + ledger.history_rows + ledger.skipped.len() as u64
            );
        }
        if let Some(text) = sample("fec-no-auxiliary-cp1252.txt") {
            let (ledger, _) = ledger_of("x", &text, '\t');
            let codes: Vec<&str> = ledger.drafts.iter().map(|d| d.key.as_str()).collect();
            assert_eq!(codes, ["411C0001", "411C0002", "411C0003"]);
        }
    }
}
