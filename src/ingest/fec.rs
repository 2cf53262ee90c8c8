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
    sync::{Arc, LazyLock},
};

use csv::StringRecord;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;

use super::read::{Content, Row};
use crate::{
    error::Result,
    progress::Progress,
    table::{Draft, History, HistoryRow, RecordsBuilder, Reject, Severity, Skipped, row_digest},
    value::{
        dictionary::{self, Words},
        identifier, money,
        role::{self, Role},
        text::fold,
    },
};

/// What the name of a FEC file says: `<SIREN>FEC<closing date>`, whatever stands around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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

/// What a FEC holds of customers: one file, or the parts of one that was split.
#[derive(Debug)]
pub struct Ledger {
    /// One draft per customer, its kind not decided: the label of the account stands in `name`, its
    /// other spellings in `alias`. Sorted by part and row.
    pub drafts: Vec<Draft>,
    /// One draft per supplier, as those of customers. Their lines are skipped all the same: whether a supplier is
    /// anybody for a CRM, other rows tell.
    pub suppliers: Vec<Draft>,
    /// What became of the rows of each part.
    pub parts: Vec<PartFate>,
    /// Last day of the financial year, as an ISO date: the file name's, else the last entry's.
    pub closing: String,
}

/// What became of the rows of one file.
#[derive(Debug)]
pub struct PartFate {
    /// All lines of customer accounts, sorted by row.
    pub history: History,
    /// Lines that cannot be used; and what breaks the rules of the FEC and is used all the same
    /// (severity `cell`).
    pub rejects: Vec<Reject>,
    /// Lines of suppliers (`supplier`) and of other accounts (`other_ledger`), of collective accounts and
    /// catch-all customers (`collective_account`), and what is no line.
    pub skipped: Vec<Skipped>,
    /// Physical rows, header included.
    pub rows: u64,
    /// Lines that a record stands on.
    pub record_rows: u64,
    /// Lines of customer accounts that no record stands on.
    pub history_rows: u64,
}

/// The words of accounting.
struct Lexicon {
    columns: BTreeMap<String, Vec<String>>,
    roots: Vec<String>,
    alone: BTreeSet<String>,
    classes: BTreeSet<String>,
    others: BTreeSet<String>,
    between: BTreeSet<String>,
    journals: BTreeMap<String, Vec<String>>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        columns: BTreeMap<String, Vec<String>>,
        customers: BTreeMap<String, Words>,
        nobody: BTreeMap<String, Words>,
        journals: BTreeMap<String, Words>,
    }
    let file: File = dictionary::read(include_str!("../../mappings/dictionaries/ledger.toml"));
    let nobody = |list: &str| file.nobody.get(list).map(Words::to_vec).unwrap_or_default();
    Lexicon {
        columns: file.columns,
        roots: file.customers.get("roots").map(Words::to_vec).unwrap_or_default(),
        alone: nobody("alone").into_iter().collect(),
        classes: nobody("classes").into_iter().collect(),
        others: nobody("others").into_iter().collect(),
        between: nobody("between").into_iter().collect(),
        journals: file
            .journals
            .iter()
            .map(|(list, words)| (list.clone(), words.to_vec()))
            .collect(),
    }
});

impl Lexicon {
    fn journals(&self, list: &str) -> &[String] {
        self.journals.get(list).map_or(&[], Vec::as_slice)
    }
}

/// Positions of the columns.
#[derive(Debug)]
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
    foreign_amount: Option<usize>,
    currency: Option<usize>,
    amount: AmountColumns,
    /// Those of the law that a line must fill.
    obligatory: Vec<usize>,
    /// Those of the law that the file does not have.
    missing: Vec<&'static str>,
}

#[derive(Debug)]
enum AmountColumns {
    DebitCredit(usize, usize),
    AmountSide(usize, usize),
}

/// The columns of the law that lines must fill, by their names in the dictionary and in the law.
const OBLIGATORY: [(&str, &str); 10] = [
    ("journal", "JournalCode"),
    ("journal_label", "JournalLib"),
    ("entry", "EcritureNum"),
    ("date", "EcritureDate"),
    ("account", "CompteNum"),
    ("account_label", "CompteLib"),
    ("piece", "PieceRef"),
    ("piece_date", "PieceDate"),
    ("label", "EcritureLib"),
    ("validated", "ValidDate"),
];

/// Those that may be blank. Debit and credit, or amount and side, are needed to be a FEC at all.
const OPTIONAL: [(&str, &str); 6] = [
    ("auxiliary", "CompAuxNum"),
    ("auxiliary_label", "CompAuxLib"),
    ("lettering", "EcritureLet"),
    ("lettering_date", "DateLet"),
    ("foreign_amount", "Montantdevise"),
    ("currency", "Idevise"),
];

/// With fewer columns of the law a table was not meant to be a FEC: entries in another layout.
const LEAST_OFFICIAL: usize = 13;

impl Columns {
    fn find(header: &[String]) -> Option<Columns> {
        let names: Vec<String> =
            header.iter().map(|h| fold(h.trim_matches('\0')).replace(' ', "")).collect();
        let at = |column: &str| {
            let wanted = LEXICON.columns.get(column)?;
            wanted.iter().find_map(|wanted| names.iter().position(|name| name == wanted))
        };
        let amount = match (at("debit"), at("credit"), at("amount"), at("side")) {
            (Some(debit), Some(credit), ..) => AmountColumns::DebitCredit(debit, credit),
            (_, _, Some(amount), Some(side)) => AmountColumns::AmountSide(amount, side),
            _ => return None,
        };
        let official = OBLIGATORY.iter().chain(&OPTIONAL);
        let missing: Vec<&str> =
            official.clone().filter(|(name, _)| at(name).is_none()).map(|(_, law)| *law).collect();
        let meant = official.count() - missing.len() + 2 >= LEAST_OFFICIAL;
        Some(Columns {
            journal: at("journal")?,
            journal_label: at("journal_label"),
            entry: at("entry")?,
            date: at("date")?,
            account: at("account")?,
            account_label: at("account_label"),
            auxiliary: at("auxiliary"),
            auxiliary_label: at("auxiliary_label"),
            piece: at("piece"),
            foreign_amount: at("foreign_amount"),
            currency: at("currency"),
            amount,
            obligatory: OBLIGATORY
                .iter()
                .filter(|_| meant)
                .filter_map(|(name, _)| at(name))
                .collect(),
            missing: if meant { missing } else { Vec::new() },
        })
    }

    /// The column of amounts that sums are said to come from.
    fn amounts(&self) -> usize {
        match self.amount {
            AmountColumns::DebitCredit(at, _) | AmountColumns::AmountSide(at, _) => at,
        }
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
    /// The same in the currency of the transaction, where that is told: currency and amount.
    foreign: Option<(String, Decimal)>,
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
        let amount = self.amount(cells).map_err(|(column, code, message, suggestion)| {
            bad(column, code, message, suggestion)
        })?;
        let piece = Some(other(self.piece)).filter(|piece| *piece != "-").unwrap_or("");
        Ok(Line {
            journal: cell(self.journal),
            journal_label: other(self.journal_label),
            entry: cell(self.entry),
            date,
            account,
            account_label: other(self.account_label),
            auxiliary: other(self.auxiliary),
            auxiliary_label: other(self.auxiliary_label),
            piece,
            amount,
            foreign: foreign(other(self.currency), other(self.foreign_amount), amount),
        })
    }

    /// Debit less credit; else the column, the code, what is wrong and what to do.
    fn amount(
        &self,
        cells: &StringRecord,
    ) -> Result<Decimal, (usize, &'static str, &'static str, &'static str)> {
        let cell = |at: usize| clean(cells.get(at).unwrap_or(""));
        let number = |column: usize| {
            amount(cell(column)).ok_or((
                column,
                "bad_amount",
                "this is no amount",
                "write amounts as 1234,56",
            ))
        };
        let cut = "look whether the line was cut";
        match self.amount {
            AmountColumns::DebitCredit(debit, credit) => {
                if cell(debit).is_empty() && cell(credit).is_empty() {
                    let message = "neither debit nor credit is filled";
                    return Err((debit, "bad_amount", message, cut));
                }
                Ok(number(debit)? - number(credit)?)
            }
            AmountColumns::AmountSide(value, side) => {
                if cell(value).is_empty() {
                    return Err((value, "bad_amount", "there is no amount", cut));
                }
                match (fold(cell(side)).as_str(), cell(side).starts_with('-')) {
                    ("d" | "debit", _) | ("1", false) => number(value),
                    ("c" | "credit", _) | ("1", true) => Ok(-number(value)?),
                    _ => Err((
                        side,
                        "bad_side",
                        "the side is neither debit nor credit",
                        "write D or C",
                    )),
                }
            }
        }
    }
}

/// The amount of a transaction in a currency that is not the ledger's, on the side of `amount`.
fn foreign(currency: &str, value: &str, amount: Decimal) -> Option<(String, Decimal)> {
    let code = currency.to_ascii_uppercase();
    let is_code = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    // A dinar has three decimals.
    let value = rounded(exact_amount(value)?, MOST_DECIMALS).abs();
    (is_code && code != "EUR" && !value.is_zero())
        .then(|| (code, if amount < Decimal::ZERO { -value } else { value }))
}

fn clean(cell: &str) -> &str {
    cell.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\0' | '\u{feff}' | '\u{3}'))
}

/// The ISO date of `20241231`, `31122024`, `2024-12-31`, `31/12/2024`, `31.12.24`, and of the number of
/// days that a spreadsheet makes of a date.
fn iso_date(text: &str) -> Option<String> {
    let day = text.split(['T', ' ']).next()?;
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    match parts.as_slice() {
        [whole] if whole.len() == 8 && whole.is_ascii() => {
            // No month is called 19 or 20: one of both readings is no date.
            civil(&whole[..4], &whole[4..6], &whole[6..])
                .or_else(|| civil(&whole[4..], &whole[2..4], &whole[..2]))
        }
        [whole] if whole.len() == 5 => days_since_1900(whole.parse().ok()?),
        [year, month, day] if year.len() == 4 => civil(year, month, day),
        [day, month, year] if year.len() == 4 => civil(year, month, day),
        [day, month, year] if year.len() == 2 => civil(&format!("20{year}"), month, day),
        _ => None,
    }
}

fn civil(year: &str, month: &str, day: &str) -> Option<String> {
    let year: i16 = year.parse().ok()?;
    let date = jiff::civil::Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()?;
    (1900..=2199).contains(&year).then(|| date.to_string())
}

fn days_since_1900(days: i32) -> Option<String> {
    let start = jiff::civil::date(1899, 12, 30);
    start.checked_add(jiff::Span::new().try_days(days).ok()?).ok().map(|date| date.to_string())
}

/// The greatest amount of one line that is taken for one.
const MOST_AMOUNT: u64 = 1_000_000_000_000;

/// The amount in the currency of the ledger, to the cent.
fn amount(text: &str) -> Option<Decimal> {
    Some(rounded(exact_amount(text)?, 2))
}

/// No currency has more decimals; what stands behind them is noise of binary fractions.
const MOST_DECIMALS: u32 = 4;

fn rounded(amount: Decimal, decimals: u32) -> Decimal {
    amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
}

/// The amount as written; blank is zero, and so is the lone dash of a spreadsheet. A FEC has no
/// thousands mark, but blanks and points are met. A sign stands before or behind: `2024-01-15` in a
/// shifted row is no amount.
fn exact_amount(text: &str) -> Option<Decimal> {
    let is_around = |c: char| c.is_whitespace() || c == '€';
    let text = text.trim_matches(is_around);
    let signed = |mark: char| text.strip_prefix(mark).or_else(|| text.strip_suffix(mark));
    let in_brackets = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let (negative, digits) = match in_brackets.or_else(|| signed('-')) {
        Some(rest) => (true, rest),
        None => (false, signed('+').unwrap_or(text)),
    };
    let mut plain = String::with_capacity(digits.len());
    for c in digits.chars() {
        match c {
            '0'..='9' => plain.push(c),
            ',' | '.' => plain.push(c),
            c if is_around(c) => {}
            _ => return None,
        }
    }
    if plain.is_empty() {
        return Some(Decimal::ZERO);
    }
    let value: Decimal = with_decimal_point(&plain)?.parse().ok()?;
    // No account holds a thousand billion; sums of such slips would overflow.
    if value > Decimal::from(MOST_AMOUNT) {
        return None;
    }
    Some(if negative { -value } else { value })
}

/// Digits with their marks as a plain decimal. A lone mark is the decimal one, whichever it is: that is
/// what the official form says of the comma, and what programs write with a point. Any other mark
/// stands between thousands: `1.234.567`, `1.234,56`.
fn with_decimal_point(written: &str) -> Option<String> {
    let Some(last) = written.rfind([',', '.']) else { return Some(written.to_owned()) };
    let (whole, decimals) = (&written[..last], &written[last + 1..]);
    let digits = |text: &str| text.replace([',', '.'], "");
    let Some(grouping) = whole.chars().find(|c| matches!(c, ',' | '.')) else {
        return Some(if decimals.is_empty() {
            whole.into()
        } else {
            format!("{whole}.{decimals}")
        });
    };
    if written[last..].starts_with(grouping) {
        return money::groups_thousands(written, grouping).then(|| digits(written));
    }
    money::groups_thousands(whole, grouping).then(|| format!("{}.{decimals}", digits(whole)))
}

/// The part of a customer account's number that is the customer's own: empty for a collective account.
fn own_part(account: &str) -> Option<&str> {
    let root = LEXICON.roots.iter().find(|root| account.starts_with(root.as_str()))?;
    let own = &account[root.len()..];
    Some(if own.bytes().all(|b| b == b'0') { "" } else { own })
}

/// Whether the label is that of an account for customers nobody knows by name, or of none at all.
fn is_catch_all(label: &str) -> bool {
    let folded = fold(label);
    let words: Vec<&str> =
        folded.split(' ').filter(|word| !LEXICON.between.contains(*word)).collect();
    let is_alone = |word: &&str| LEXICON.alone.contains(*word);
    let is_class = |word: &&str| LEXICON.classes.contains(*word);
    let is_other = |word: &&str| LEXICON.others.contains(*word);
    let all = words.iter().all(|w| is_alone(w) || is_class(w) || is_other(w));
    // `France Services` is a company, `Clients France` is not.
    !words.is_empty() && all && (words.iter().any(is_class) || words.iter().all(is_alone))
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
    let says = |list: &str| {
        let stems = LEXICON.journals(list);
        label.split(' ').any(|word| stems.iter().any(|stem| word.starts_with(stem.as_str())))
    };
    if says("others") {
        return Some(false);
    }
    if says("sales") {
        return Some(true);
    }
    if says("miscellaneous") {
        return Some(false);
    }
    let code = fold(code);
    let is = |list: &str| LEXICON.journals(list).contains(&code);
    match () {
        () if is("sales_codes") => Some(true),
        () if is("other_codes") => Some(false),
        () => None,
    }
}

/// Where a line stands: which part of the file, and the row in it.
type At = (usize, u32);

/// A customer in the file: the auxiliary account, or the own part of the general one.
type Key = Arc<str>;

/// One entry: lines of one journal, number and date that balance.
#[derive(Default)]
struct Entry {
    first: Option<At>,
    difference: Decimal,
    /// Account, piece, amount of each line of a customer.
    customers: Vec<(Key, String, Decimal)>,
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
    first: At,
    /// How often each spelling of the name occurs, and when last.
    names: BTreeMap<String, (u32, String)>,
    collective: bool,
    balance: Decimal,
    /// Balances in the currencies of the transactions.
    foreign: BTreeMap<String, Decimal>,
    sales_incl_tax: Decimal,
    /// None once an entry's revenue cannot be told to be this customer's.
    sales_excl_tax: Option<Decimal>,
    last_sale: String,
}

impl Account {
    /// What the same account says in another part of the file.
    fn add(&mut self, other: Account) {
        self.first = self.first.min(other.first);
        self.balance += other.balance;
        self.collective &= other.collective;
        self.take_number(&other.number);
        for (currency, amount) in other.foreign {
            *self.foreign.entry(currency).or_default() += amount;
        }
        for (name, (times, last)) in other.names {
            let known = self.names.entry(name).or_default();
            known.0 += times;
            if last > known.1 {
                known.1 = last;
            }
        }
    }

    fn take_name(&mut self, name: &str, date: &str) {
        let (times, last) = match self.names.get_mut(name) {
            Some(known) => known,
            None => self.names.entry(name.to_owned()).or_default(),
        };
        *times += 1;
        if date > last.as_str() {
            date.clone_into(last);
        }
    }

    /// The spellings of the name: the most frequent one is the name, of two the later one.
    fn spellings(&self) -> Vec<&String> {
        let mut names: Vec<(&String, &(u32, String))> = self.names.iter().collect();
        names.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        names.into_iter().map(|(name, _)| name).collect()
    }

    /// The number of the account 411, where there is one, is the customer's.
    fn take_number(&mut self, number: &str) {
        let rank = |number: &str| (!number.starts_with("411"), number.to_owned());
        if rank(number) < rank(&self.number) {
            number.clone_into(&mut self.number);
            if !self.auxiliary {
                number.clone_into(&mut self.code);
            }
        }
    }
}

/// One file while it is read.
struct Part {
    source: String,
    file: String,
    sheet: String,
    place: u32,
    header: Vec<String>,
    columns: Option<Columns>,
    history: Vec<(Key, HistoryRow)>,
    rejects: Vec<Reject>,
    skipped: Vec<Skipped>,
    rows: u64,
    /// Of each obligatory column how many lines leave it blank, and the first of them.
    blanks: BTreeMap<usize, (u64, u32)>,
    /// Lines dated outside the financial year that the file's name tells, and the first of them.
    outside: Option<(u64, u32)>,
}

/// The entries of a file, or of the parts of one that was split.
pub struct Books {
    parts: Vec<Part>,
    accounts: HashMap<Key, Account>,
    /// By code the suppliers, of whom but the names count.
    suppliers: BTreeMap<String, Account>,
    /// General accounts that carry auxiliary ones: without one, a line of theirs is nobody's.
    with_auxiliary: BTreeSet<String>,
    entries: BTreeMap<(String, String, String), Entry>,
    /// Code of each journal, with what its label says of sales.
    journals: BTreeMap<String, Option<bool>>,
    name: Option<FileName>,
    latest: String,
}

/// Reads a FEC: `place` is that of the file in `builder`, `rows` are those of the file, header included.
///
/// # Errors
///
/// When the user interrupts; bad lines are rejects. A `header` that is no FEC's ([`is_fec`]) gives no
/// line at all: every row is a reject.
pub fn read(
    header: Vec<String>,
    rows: impl Iterator<Item = Row>,
    place: u32,
    builder: &RecordsBuilder,
    progress: &Progress,
) -> Result<Books> {
    let mut books = Books::new(header, place, builder);
    // The columns are borrowed by each line that changes the rest.
    let columns = books.parts[0].columns.take();
    for row in rows {
        books.parts[0].rows += 1;
        if books.parts[0].rows.is_multiple_of(4096) {
            progress.check()?;
        }
        books.row(row, columns.as_ref());
    }
    books.parts[0].columns = columns;
    Ok(books)
}

/// The files of one source, those of one financial year and seller together where they are parts of
/// one file. A second copy of the same entries is none, and stays alone.
pub fn joined(files: Vec<Books>) -> Vec<Books> {
    let mut joined: Vec<Books> = Vec::new();
    for books in files {
        let goes_on = |earlier: &&mut Books| {
            earlier.name.is_some() && earlier.name == books.name && !earlier.repeats(&books)
        };
        match joined.iter_mut().find(goes_on) {
            Some(earlier) => earlier.add(books),
            None => joined.push(books),
        }
    }
    joined
}

impl Part {
    fn skip(&mut self, row: u32, reason: &str) {
        self.skipped.push(Skipped {
            source: self.source.clone(),
            file: self.file.clone(),
            sheet: self.sheet.clone(),
            row: Some(row),
            reason: reason.to_owned(),
        });
    }

    fn reject(&mut self, row: u32, why: Unusable) {
        let column = self.header.get(why.column).cloned().unwrap_or_default();
        self.tell(
            Some(row),
            column,
            why.code,
            Severity::Row,
            (why.message, why.suggestion),
            why.raw,
        );
    }

    fn tell(
        &mut self,
        row: Option<u32>,
        column: String,
        code: &str,
        severity: Severity,
        (message, suggestion): (String, &str),
        raw: String,
    ) {
        self.rejects.push(Reject {
            source: self.source.clone(),
            file: self.file.clone(),
            sheet: self.sheet.clone(),
            row,
            column,
            code: code.to_owned(),
            severity,
            message,
            suggestion: suggestion.to_owned(),
            raw,
        });
    }

    /// What the official rules ask for and the file does not have; it is read all the same.
    fn tell_breaches(&mut self) {
        let Some(columns) = &self.columns else { return };
        let missing = columns.missing.join("`, `");
        let date = self.header.get(columns.date).cloned().unwrap_or_default();
        if !missing.is_empty() {
            let message = format!("columns that a FEC must have are missing: `{missing}`");
            let suggestion = "export the FEC again if the tax office is to have it";
            let told = (message, suggestion);
            self.tell(None, String::new(), "fec_columns", Severity::Cell, told, String::new());
        }
        for (at, (lines, first)) in std::mem::take(&mut self.blanks) {
            let message =
                format!("lines that leave this column blank, which a FEC must fill: {lines}");
            let column = self.header.get(at).cloned().unwrap_or_default();
            let told = (message, "its lines are used");
            self.tell(Some(first), column, "fec_blank", Severity::Cell, told, String::new());
        }
        if let Some((lines, first)) = self.outside {
            let message = format!(
                "lines dated outside the financial year that the file is named after: {lines}"
            );
            let told = (message, "its lines are used; look whether the file is named rightly");
            self.tell(Some(first), date, "fec_year", Severity::Cell, told, String::new());
        }
    }
}

impl Books {
    fn new(header: Vec<String>, place: u32, builder: &RecordsBuilder) -> Books {
        let at = builder.places()[place as usize].clone();
        let name = FileName::parse(&at.file);
        let part = Part {
            source: at.source,
            file: at.file,
            sheet: at.sheet,
            place,
            columns: Columns::find(&header),
            header,
            history: Vec::new(),
            rejects: Vec::new(),
            skipped: Vec::new(),
            rows: 0,
            blanks: BTreeMap::new(),
            outside: None,
        };
        Books {
            parts: vec![part],
            accounts: HashMap::new(),
            suppliers: BTreeMap::new(),
            with_auxiliary: BTreeSet::new(),
            entries: BTreeMap::new(),
            journals: BTreeMap::new(),
            name,
            latest: String::new(),
        }
    }

    fn row(&mut self, row: Row, columns: Option<&Columns>) {
        let part = &mut self.parts[0];
        match (row.content, columns) {
            (Content::Skipped(reason), _) => part.skip(row.number, reason),
            (Content::Bad { code, message, raw }, _) => {
                let told = (message, "");
                part.tell(Some(row.number), String::new(), code, Severity::Row, told, raw);
            }
            (Content::Data(cells), Some(columns)) => match columns.line(&part.header, &cells) {
                Ok(line) => {
                    self.look_for_breaches(row.number, &line, &cells, columns);
                    self.line(row.number, &line, &cells);
                }
                Err(why) => part.reject(row.number, why),
            },
            (Content::Data(cells), None) => {
                let told = ("the columns of a FEC are missing".to_owned(), "");
                let raw = cells.iter().collect::<Vec<_>>().join("|");
                part.tell(Some(row.number), String::new(), "no_fec", Severity::Row, told, raw);
            }
        }
    }

    fn look_for_breaches(
        &mut self,
        row: u32,
        line: &Line<'_>,
        cells: &StringRecord,
        columns: &Columns,
    ) {
        let part = &mut self.parts[0];
        for &at in &columns.obligatory {
            if clean(cells.get(at).unwrap_or("")).is_empty() {
                part.blanks.entry(at).or_insert((0, row)).0 += 1;
            }
        }
        // A financial year has 24 months at most.
        let year =
            |date: &str| date.get(..4).and_then(|year| year.parse::<i32>().ok()).unwrap_or(0);
        let is_outside = self.name.as_ref().is_some_and(|name| {
            let since = format!("{:04}{}", year(&name.closing) - 2, &name.closing[4..]);
            line.date > name.closing || line.date <= since
        });
        if is_outside {
            part.outside.get_or_insert((0, row)).0 += 1;
        }
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
        entry.first = Some(entry.first.map_or((0, row), |first| first.min((0, row))));
        entry.difference += line.amount;
        if let Some(account) = &customer {
            entry.customers.push((account.clone(), line.piece.to_owned(), line.amount));
        } else if line.account.starts_with("70") {
            entry.revenue.push((line.piece.to_owned(), line.amount));
        } else if line.account.starts_with('5') {
            entry.treasury += line.amount;
        }
        let Some(account) = customer else {
            let is_supplier = role::of_account(line.account) == Some(Role::Supplier);
            let reason = if is_supplier { "supplier" } else { "other_ledger" };
            if is_supplier {
                self.supplier(row, line);
            }
            return self.parts[0].skip(row, reason);
        };
        let name = if line.auxiliary_label.is_empty() {
            customer_name(line.account_label)
        } else {
            line.auxiliary_label
        };
        self.parts[0].history.push((
            account,
            HistoryRow {
                row,
                // Known when all lines are read: the number may be found to be another one.
                key: String::new(),
                key_attribute: "".into(),
                key_column: None,
                name: name.to_owned(),
                date: line.date.clone(),
                amount: line.amount.to_string(),
                currency: "EUR".into(),
                cells: cells.clone(),
            },
        ));
    }

    /// Notes the supplier that a line is of, where it is named.
    fn supplier(&mut self, row: u32, line: &Line<'_>) {
        let auxiliary = !line.auxiliary.is_empty();
        let (code, name) = match auxiliary {
            true => (line.auxiliary, line.auxiliary_label),
            false => (line.account, line.account_label),
        };
        if name.is_empty() {
            return;
        }
        let new =
            || Account { code: code.to_owned(), auxiliary, first: (0, row), ..Account::default() };
        let account = match self.suppliers.get_mut(code) {
            Some(account) => account,
            None => self.suppliers.entry(code.to_owned()).or_insert_with(new),
        };
        account.first = account.first.min((0, row));
        account.take_name(name, &line.date);
    }

    /// The customer that a line is of.
    fn account(&mut self, row: u32, own: &str, line: &Line<'_>) -> Key {
        let auxiliary = !line.auxiliary.is_empty();
        if auxiliary && !self.with_auxiliary.contains(line.account) {
            self.with_auxiliary.insert(line.account.to_owned());
        }
        // Without auxiliary accounts 411C0003 and, doubtful now, 416C0003 are one customer.
        let key = if auxiliary { format!("x{}", line.auxiliary) } else { format!("g{own}") };
        let key = match self.accounts.get_key_value(key.as_str()) {
            Some((key, _)) => key.clone(),
            None => Key::from(key),
        };
        let account = self.accounts.entry(key.clone()).or_insert_with(|| Account {
            code: if auxiliary { line.auxiliary.to_owned() } else { line.account.to_owned() },
            auxiliary,
            number: line.account.to_owned(),
            first: (0, row),
            collective: !auxiliary && own.is_empty(),
            sales_excl_tax: Some(Decimal::ZERO),
            ..Account::default()
        });
        account.first = account.first.min((0, row));
        account.balance += line.amount;
        if let Some((currency, amount)) = &line.foreign {
            *account.foreign.entry(currency.clone()).or_default() += *amount;
        }
        account.take_number(line.account);
        let name = match (line.auxiliary_label, auxiliary) {
            ("", false) => customer_name(line.account_label),
            // The general account's label is no customer's name, unless the account is theirs.
            ("", true) if own.is_empty() => "",
            ("", true) => customer_name(line.account_label),
            (label, _) => label,
        };
        if !name.is_empty() {
            account.take_name(name, &line.date);
        }
        key
    }

    /// Whether most entries of `other` are here already: the same file again, and no part of it.
    fn repeats(&self, other: &Books) -> bool {
        let known = other.entries.keys().filter(|entry| self.entries.contains_key(*entry)).count();
        known * 2 > other.entries.len()
    }

    /// Goes on with the next part of the file.
    fn add(&mut self, other: Books) {
        let before = self.parts.len();
        let moved = |(part, row): At| (part + before, row);
        self.parts.extend(other.parts);
        self.with_auxiliary.extend(other.with_auxiliary);
        for (journal, says) in other.journals {
            let known = self.journals.entry(journal).or_default();
            *known = known.or(says);
        }
        if other.latest > self.latest {
            self.latest = other.latest;
        }
        let mut accounts: Vec<(Key, Account)> = other.accounts.into_iter().collect();
        accounts.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, mut account) in accounts {
            account.first = moved(account.first);
            match self.accounts.get_mut(&key) {
                Some(known) => known.add(account),
                None => drop(self.accounts.insert(key, account)),
            }
        }
        for (code, mut account) in other.suppliers {
            account.first = moved(account.first);
            match self.suppliers.get_mut(&code) {
                Some(known) => known.add(account),
                None => drop(self.suppliers.insert(code, account)),
            }
        }
        for (key, entry) in other.entries {
            let known = self.entries.entry(key).or_default();
            known.first = known.first.or(entry.first.map(moved));
            known.difference += entry.difference;
            known.customers.extend(entry.customers);
            known.revenue.extend(entry.revenue);
            known.treasury += entry.treasury;
        }
    }

    /// The customers with their figures, and what became of all lines.
    pub fn finish(mut self, builder: &mut RecordsBuilder) -> Ledger {
        let closing =
            self.name.as_ref().map_or_else(|| self.latest.clone(), |name| name.closing.clone());
        self.find_collective_accounts();
        self.add_up_sales();
        self.tell_unbalanced_entries();
        self.parts.iter_mut().for_each(Part::tell_breaches);

        let mut customers: Vec<(&Key, &Account)> =
            self.accounts.iter().filter(|(_, account)| !account.collective).collect();
        customers.sort_by(|a, b| (a.1.first, a.0).cmp(&(b.1.first, b.0)));
        let mut drafts = Vec::with_capacity(customers.len());
        // Each customer has a first line of its own, but lines of XML may share their row of the file.
        let mut first_lines = vec![0; self.parts.len()];
        for (_, account) in customers {
            first_lines[account.first.0] += 1;
            drafts.push(draft(account, &self.parts[account.first.0], &closing, builder));
        }
        let supplier =
            |account: &Account| supplier_draft(account, &self.parts[account.first.0], builder);
        let suppliers = self.suppliers.values().map(supplier).collect();
        let accounts = &self.accounts;
        let fate = |(at, part): (usize, Part)| part.fate(accounts, first_lines[at]);
        let parts = self.parts.into_iter().enumerate().map(fate).collect();
        Ledger { drafts, suppliers, parts, closing }
    }

    /// An account without an auxiliary one is collective when others of its number have one, or when
    /// its label is a catch-all; so is an auxiliary account for customers nobody knows.
    fn find_collective_accounts(&mut self) {
        #[allow(clippy::iter_over_hash_type, reason = "each account is looked at alone")]
        for account in self.accounts.values_mut() {
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
            let one_customer = entry.customers.windows(2).all(|pair| pair[0].0 == pair[1].0);
            let by_piece = (!one_customer).then(|| RevenueByPiece::of(entry));
            let mut net: BTreeMap<&Key, Decimal> = BTreeMap::new();
            for (account, _, amount) in &entry.customers {
                *net.entry(account).or_default() += *amount;
            }
            for (key, amount) in net {
                let Some(account) = self.accounts.get_mut(key) else { continue };
                // An invoice paid in its own entry leaves nothing on the account; it is a sale.
                let sale = if one_customer { amount + entry.treasury } else { amount };
                account.sales_incl_tax += sale;
                if sale > Decimal::ZERO && *date > account.last_sale {
                    account.last_sale.clone_from(date);
                }
                let revenue = match &by_piece {
                    Some(by_piece) => by_piece.of_customer(key),
                    None => Some(entry.revenue.iter().map(|(_, amount)| *amount).sum()),
                };
                account.sales_excl_tax =
                    account.sales_excl_tax.zip(revenue).map(|(all, one)| all - one);
            }
        }
    }

    /// Entries whose debit is not their credit; one that only stands under several dates is balanced.
    fn tell_unbalanced_entries(&mut self) {
        let mut by_number: BTreeMap<(&str, &str), Decimal> = BTreeMap::new();
        for ((journal, number, _), entry) in &self.entries {
            *by_number.entry((journal, number)).or_default() += entry.difference;
        }
        let unbalanced: Vec<(At, String, Decimal)> = self
            .entries
            .iter()
            .filter(|((journal, number, _), entry)| {
                let whole = by_number.get(&(journal.as_str(), number.as_str()));
                !entry.difference.is_zero() && whole.is_some_and(|whole| !whole.is_zero())
            })
            .filter_map(|((journal, number, _), entry)| {
                Some((entry.first?, format!("{journal} {number}"), entry.difference))
            })
            .collect();
        // A file of customer accounts alone has no balanced entry: that is said once.
        let mostly =
            unbalanced.len() > MOST_UNBALANCED && unbalanced.len() * 2 > self.entries.len();
        let all = self.entries.len();
        let suggestion = "its lines are used; look for a missing or rejected line of the entry";
        let told = if mostly { 1 } else { unbalanced.len() };
        for ((part, row), entry, difference) in unbalanced.iter().take(told) {
            let part = &mut self.parts[*part];
            let column =
                part.columns.as_ref().and_then(|columns| part.header.get(columns.amounts()));
            let column = column.cloned().unwrap_or_default();
            let message = if mostly {
                format!(
                    "{} of {all} entries do not balance: the file is an extract",
                    unbalanced.len()
                )
            } else {
                format!(
                    "the lines of entry `{entry}` do not balance: debit less credit is {difference}"
                )
            };
            let (told, raw) = ((message, suggestion), difference.to_string());
            part.tell(Some(*row), column, "unbalanced_entry", Severity::Cell, told, raw);
        }
    }
}

/// More unbalanced entries than this are told one by one only where most entries balance.
const MOST_UNBALANCED: usize = 20;

impl Part {
    /// The columns of an account's code and of its name.
    fn number_and_label(&self, account: &Account) -> (&str, &str) {
        let columns = self.columns.as_ref().expect("a file with accounts has the columns of a FEC");
        let column =
            |at: Option<usize>| at.and_then(|at| self.header.get(at)).map_or("", String::as_str);
        match account.auxiliary {
            true => (column(columns.auxiliary), column(columns.auxiliary_label)),
            false => (column(Some(columns.account)), column(columns.account_label)),
        }
    }

    fn fate(mut self, accounts: &HashMap<Key, Account>, record_rows: u64) -> PartFate {
        let mut lines = Vec::with_capacity(self.history.len());
        let columns = self.columns.as_ref();
        let columns = [columns.map(|of| of.account), columns.and_then(|of| of.auxiliary)];
        let attributes = KEY_ATTRIBUTES.map(Arc::<str>::from);
        for (key, mut line) in std::mem::take(&mut self.history) {
            let account = &accounts[&key];
            if account.collective {
                self.skip(line.row, "collective_account");
                continue;
            }
            line.key.clone_from(&account.code);
            let auxiliary = usize::from(account.auxiliary);
            line.key_attribute = attributes[auxiliary].clone();
            line.key_column = columns[auxiliary].map(|at| at as u32);
            lines.push(line);
        }
        lines.sort_by_key(|l| l.row);
        self.skipped.sort_by_key(|s| s.row);
        self.rejects.sort_by_key(|r| r.row);
        PartFate {
            record_rows,
            history_rows: lines.len() as u64 - record_rows,
            history: History {
                kind: "fec_line".into(),
                place: self.place,
                header: self.header,
                rows: lines,
            },
            rejects: self.rejects,
            skipped: self.skipped,
            rows: self.rows,
        }
    }
}

/// Which revenue of an entry belongs to which of its customers, where piece references tell it.
struct RevenueByPiece<'a> {
    /// The pieces on the lines of each customer.
    pieces: HashMap<&'a Key, BTreeSet<&'a str>>,
    /// The customer of a piece; none where several share it.
    customer: HashMap<&'a str, Option<&'a Key>>,
    revenue: HashMap<&'a str, Decimal>,
}

impl<'a> RevenueByPiece<'a> {
    fn of(entry: &'a Entry) -> RevenueByPiece<'a> {
        let mut by_piece = RevenueByPiece {
            pieces: HashMap::default(),
            customer: HashMap::default(),
            revenue: HashMap::default(),
        };
        for (account, piece, _) in &entry.customers {
            by_piece.pieces.entry(account).or_default().insert(piece);
            let customer = by_piece.customer.entry(piece).or_insert(Some(account));
            *customer = customer.filter(|known| *known == account);
        }
        for (piece, amount) in &entry.revenue {
            *by_piece.revenue.entry(piece).or_default() += *amount;
        }
        by_piece
    }

    fn of_customer(&self, account: &Key) -> Option<Decimal> {
        let mut sum = Decimal::ZERO;
        for piece in self.pieces.get(account)? {
            if piece.is_empty() || self.customer.get(piece).is_none_or(Option::is_none) {
                return None;
            }
            sum += self.revenue.get(piece).copied().unwrap_or_default();
        }
        Some(sum)
    }
}

/// A general account is what the other files of the package call the account; an auxiliary one is the
/// customer's code there too.
const KEY_ATTRIBUTES: [&str; 2] = ["account_code", "customer_code"];

fn key_attribute(account: &Account) -> &'static str {
    KEY_ATTRIBUTES[usize::from(account.auxiliary)]
}

fn draft(account: &Account, part: &Part, closing: &str, builder: &mut RecordsBuilder) -> Draft {
    let columns = part.columns.as_ref().expect("a file with customers has the columns of a FEC");
    let column =
        |at: Option<usize>| at.and_then(|at| part.header.get(at)).map_or("", String::as_str);
    let (number, label) = part.number_and_label(account);
    let amounts = column(Some(columns.amounts()));

    let names = account.spellings();
    let mut values: Vec<(Arc<str>, String, u32)> = Vec::new();
    let mut value = |attribute: &str, value: String, column: &str, label: &str| {
        if !value.is_empty() {
            values.push((attribute.into(), value, builder.origin(part.place, column, label)));
        }
    };
    for (at, name) in names.iter().enumerate() {
        value(if at == 0 { "name" } else { "alias" }, (*name).clone(), label, "");
    }
    value(key_attribute(account), account.code.clone(), number, "");
    if account.auxiliary && account.code.starts_with("411") {
        value("account_code", account.code.clone(), number, "");
    }
    value("balance", money(account.balance), amounts, closing);
    for (currency, balance) in &account.foreign {
        let amounts = column(columns.foreign_amount);
        value(&format!("extra.balance in {currency}"), money(*balance), amounts, closing);
    }
    value("sales_incl_tax", money(account.sales_incl_tax), amounts, closing);
    if let Some(sales) = account.sales_excl_tax {
        value("sales_excl_tax", money(sales), amounts, closing);
    }
    value("last_sale", account.last_sale.clone(), column(Some(columns.date)), closing);

    of_account("account", account, part, values)
}

/// What a supplier's account says of whom it is kept for.
fn supplier_draft(account: &Account, part: &Part, builder: &mut RecordsBuilder) -> Draft {
    let (number, label) = part.number_and_label(account);
    let names = account.spellings();
    let mut values: Vec<(Arc<str>, String, u32)> = Vec::new();
    let mut value = |attribute: &str, value: &str, column: &str| {
        let origin = builder.origin(part.place, column, "");
        values.push((attribute.into(), value.to_owned(), origin));
    };
    for (at, name) in names.iter().enumerate() {
        value(if at == 0 { "name" } else { "alias" }, name, label);
    }
    value("supplier_code", &account.code, number);
    value("role", Role::Supplier.as_str(), number);
    of_account("supplier", account, part, values)
}

/// The draft of an account that is one of `what`.
fn of_account(
    what: &str,
    account: &Account,
    part: &Part,
    values: Vec<(Arc<str>, String, u32)>,
) -> Draft {
    // Of the account as a whole, so that the id stays when lines change places; without the year, so
    // that an account of the same names is the same customer in the next one.
    let names = account.spellings();
    let mut content: Vec<(&str, &str)> = vec![(what, &account.code)];
    content.extend(names.iter().map(|name| ("name", name.as_str())));
    Draft {
        kind: None,
        place: part.place,
        row: account.first.1,
        key: account.code.clone(),
        digest: row_digest(content),
        values,
    }
}

/// With two decimals, or more where the currency has them.
fn money(value: Decimal) -> String {
    let decimals = value.normalize().scale().max(2) as usize;
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::table::Place;

    const HEADER: &str = "JournalCode|JournalLib|EcritureNum|EcritureDate|CompteNum|CompteLib|CompAuxNum|CompAuxLib|PieceRef|EcritureLib|Debit|Credit";

    fn books_of(file: &str, text: &str, delimiter: char, builder: &mut RecordsBuilder) -> Books {
        let place = builder.place(Place {
            source: "fec".into(),
            file: file.into(),
            sheet: String::new(),
            key_space: String::new(),
            rank: 0,
            country: String::new(),
            dated: String::new(),
        });
        let mut lines = text.lines();
        let cells = |line: &str| line.split(delimiter).map(str::to_owned).collect::<Vec<_>>();
        let header = cells(lines.next().unwrap_or(""));
        let rows = lines.enumerate().map(|(at, line)| Row {
            number: at as u32 + 2,
            content: Content::Data(StringRecord::from(cells(line))),
        });
        read(header, rows, place, builder, &Progress::hidden()).expect("not interrupted")
    }

    fn ledger_of(file: &str, text: &str, delimiter: char) -> Ledger {
        let mut builder = RecordsBuilder::default();
        books_of(file, text, delimiter, &mut builder).finish(&mut builder)
    }

    /// Several files of one source, as `file` and lines under [`HEADER`].
    fn ledgers_of(files: &[(&str, &[&str])]) -> Vec<Ledger> {
        let mut builder = RecordsBuilder::default();
        let text = |lines: &[&str]| format!("{HEADER}\n{}", lines.join("\n"));
        let books = files
            .iter()
            .map(|(file, lines)| books_of(file, &text(lines), '|', &mut builder))
            .collect();
        joined(books).into_iter().map(|books| books.finish(&mut builder)).collect()
    }

    /// Reads lines under [`HEADER`] and writes each customer as `row code name; attribute value ...`.
    fn customers(lines: &[&str]) -> Vec<String> {
        let text = format!("{HEADER}\n{}", lines.join("\n"));
        told(&ledger_of("512345675FEC20241231.txt", &text, '|'))
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
    fn an_entry_of_a_whole_month_is_told_apart_by_its_pieces_at_once() {
        let sales = |n: u32| {
            [
                format!("VE|Ventes|1|20240131|41100000|Clients|C{n}|Client {n}|F{n}|x|12,00|0,00"),
                format!("VE|Ventes|1|20240131|70700000|Ventes|||F{n}|x|0,00|10,00"),
                format!("VE|Ventes|1|20240131|44571000|TVA|||F{n}|x|0,00|2,00"),
            ]
        };
        let mut lines: Vec<String> = (0..30_000).flat_map(sales).collect();
        // A piece of two customers tells neither's revenue.
        lines.push("VE|Ventes|1|20240131|41100000|Clients|D|Dupont|F7|x|0,00|0,00".into());
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let told = customers(&lines);
        assert_eq!(told.len(), 30_001);
        let excl_tax = |n: usize| told[n].contains("sales_excl_tax 10.00");
        assert!(excl_tax(6) && !excl_tax(7) && excl_tax(29_999), "{}", told[7]);
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
        let ledger = ledger_of("x.txt", &text, '|');
        assert_eq!(ledger.drafts.len(), 1);
        let reasons: Vec<_> = ledger.parts[0]
            .skipped
            .iter()
            .map(|s| (s.row.unwrap_or(0), s.reason.as_str()))
            .collect();
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
        let ledger = ledger_of("x.txt", &text, '|');
        let rejects: Vec<_> = ledger.parts[0]
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
            ("-\u{a0}88,00 €", "-88.00"),
            ("0,125", "0.13"),
            ("", "0"),
            (" - ", "0"),
            ("1\u{a0}234", "1234"),
            ("1.234.567", "1234567"),
            ("1,234,567", "1234567"),
            ("-1.234.567,8", "-1234567.8"),
            ("1,234,567.89", "1234567.89"),
            ("1234567.", "1234567"),
            ("1.234", "1.23"),
            (".5", "0.5"),
        ] {
            assert_eq!(amount(text), Some(value.parse().expect("a decimal")), "{text}");
        }
        let none = ["douze", "2024-01-15", "5-3", "--", "12h", "7922816251426433759354395033,00"];
        let odd_groups =
            ["1.23.456", "12.34.56", "1..5", "1.234.56,7", "1.2,4.567", "1.2,4,5", "."];
        for text in none.into_iter().chain(odd_groups) {
            assert_eq!(amount(text), None, "{text}");
        }
    }

    #[test]
    fn an_amount_in_a_currency_of_three_decimals_keeps_them() {
        let text = format!(
            "{HEADER}|Montantdevise|Idevise\n\
             VE|Ventes|1|20240115|41100000|Clients|C1|Dupont|F1|x|12,00|0,00|41,345|TND\n\
             VE|Ventes|1|20240115|70700000|Ventes|||F1|x|0,00|12,00|41,345|TND"
        );
        let told = told(&ledger_of("x.txt", &text, '|'));
        assert!(told[0].contains("41.345"), "{told:?}");
        let foreign =
            |text| foreign("USD", text, Decimal::ONE).map(|(_, amount)| amount.to_string());
        assert_eq!(foreign("12,300000000000001").as_deref(), Some("12.3000"));
        assert_eq!(foreign("2024-01-15"), None);
    }

    #[test]
    fn lines_of_one_row_of_the_file_are_counted_one_by_one() {
        let line = |customer: &str| {
            format!(
                "VE|Ventes|1|20240115|41100000|Clients|{customer}|{customer} SA|F1|x|12,00|0,00"
            )
        };
        let text: Vec<String> = ["C1", "C2", "C3", "C1"].map(line).into();
        let rows = text
            .iter()
            .map(|line| Row { number: 1, content: Content::Data(line.split('|').collect()) });
        let rows: Vec<Row> = rows.collect();
        let mut builder = RecordsBuilder::default();
        let place = builder.place(Place {
            source: "fec".into(),
            file: "a.xml".into(),
            sheet: String::new(),
            key_space: String::new(),
            rank: 0,
            country: String::new(),
            dated: String::new(),
        });
        let header = HEADER.split('|').map(str::to_owned).collect();
        let books = read(header, rows.into_iter(), place, &builder, &Progress::hidden());
        let ledger = books.expect("not interrupted").finish(&mut builder);
        let part = &ledger.parts[0];
        assert_eq!((part.rows, part.record_rows, part.history_rows), (4, 3, 1));
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
            let ledger = ledger_of("x.txt", &text, '|');
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
            let ledger = ledger_of(name, &text, delimiter);
            let codes: Vec<&str> = ledger.drafts.iter().map(|d| d.key.as_str()).collect();
            assert_eq!(codes, ["C0001", "C0002", "C0003"], "{name}");
            let first = &told(&ledger)[0];
            assert!(first.contains("balance 1520.40, sales_incl_tax 1200.00, sales_excl_tax 1000.00, last_sale 2024-01-15"), "{first}");
            let part = &ledger.parts[0];
            assert!(part.rejects.is_empty(), "{:?}", part.rejects);
            assert_eq!(part.rows, part.record_rows + part.history_rows + part.skipped.len() as u64);
        }
        if let Some(text) = sample("fec-no-auxiliary-cp1252.txt") {
            let ledger = ledger_of("x", &text, '\t');
            let codes: Vec<&str> = ledger.drafts.iter().map(|d| d.key.as_str()).collect();
            assert_eq!(codes, ["411C0001", "411C0002", "411C0003"]);
        }
    }

    #[test]
    fn the_parts_of_one_file_are_one_ledger_and_a_copy_of_it_is_not() {
        let first = [
            "VE|Ventes|1|20240115|41100000|Clients|C1|Dupont|F1|x|12,00|0,00",
            "VE|Ventes|1|20240115|70700000|Ventes|||F1|x|0,00|12,00",
            "VE|Ventes|2|20240116|41100000|Clients|C1|Dupont|F2|x|24,00|0,00",
        ];
        let second = [
            "VE|Ventes|2|20240116|70700000|Ventes|||F2|x|0,00|24,00",
            "VE|Ventes|3|20240117|41100000|Clients|C1|Dupont|F3|x|1,00|0,00",
            "VE|Ventes|3|20240117|70700000|Ventes|||F3|x|0,00|1,00",
        ];
        let files = [
            ("512345675FEC20241231_1.txt", first.as_slice()),
            ("512345675FEC20241231_2.txt", second.as_slice()),
            ("copie/512345675FEC20241231_1.txt", first.as_slice()),
            ("512345675FEC20231231.txt", first.as_slice()),
        ];
        let ledgers = ledgers_of(&files);
        let told: Vec<String> = ledgers.iter().flat_map(told).collect();
        let one = "2 C1: name Dupont, balance 36.00, sales_incl_tax 36.00, sales_excl_tax 12.00, last_sale 2024-01-16";
        assert_eq!(
            told,
            [
                "2 C1: name Dupont, balance 37.00, sales_incl_tax 37.00, sales_excl_tax 37.00, last_sale 2024-01-17",
                one,
                one
            ]
        );
        let codes =
            |part: &PartFate| part.rejects.iter().map(|r| r.code.clone()).collect::<Vec<_>>();
        assert!(codes(&ledgers[0].parts[0]).is_empty() && codes(&ledgers[0].parts[1]).is_empty());
        assert_eq!(codes(&ledgers[2].parts[0]), ["fec_year", "unbalanced_entry"]);
        // The year is no part of who the customer is.
        assert_eq!(ledgers[1].drafts[0].digest, ledgers[2].drafts[0].digest);
    }

    #[test]
    fn what_the_law_asks_for_and_is_not_there_is_told_and_read() {
        let text = "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\tCompAuxLib\tPieceRef\tPieceDate\tEcritureLib\tDebit\tCredit\tValidDate\n\
            VE\tVentes\t1\t15012024\t41100000\tClients\tC1\tDupont\t-\t20240115\t\t12,00\t-\t\n\
            VE\tVentes\t1\t15/01/24\t70700000\tVentes\t\t\tF1\t20240115\tx\t\t12.00\t20240131";
        let ledger = ledger_of("512345675FEC20241231.txt", text, '\t');
        let part = &ledger.parts[0];
        let rejects: Vec<_> =
            part.rejects.iter().map(|r| (r.row, r.column.as_str(), r.code.as_str())).collect();
        assert_eq!(
            rejects,
            [
                (None, "", "fec_columns"),
                (Some(2), "EcritureLib", "fec_blank"),
                (Some(2), "ValidDate", "fec_blank")
            ]
        );
        assert!(part.rejects.iter().all(|r| r.severity == Severity::Cell));
        assert!(
            part.rejects[0]
                .message
                .contains("`EcritureLet`, `DateLet`, `Montantdevise`, `Idevise`")
        );
        assert_eq!(part.rows, 2);
        assert_eq!(
            told(&ledger),
            [
                "2 C1: name Dupont, balance 12.00, sales_incl_tax 12.00, sales_excl_tax 12.00, last_sale 2024-01-15"
            ]
        );
    }

    #[test]
    fn dates_of_all_writings_are_read() {
        for (text, date) in [
            ("20241231", "2024-12-31"),
            ("31122024", "2024-12-31"),
            ("12122012", "2012-12-12"),
            ("2024-12-31 00:00:00", "2024-12-31"),
            ("31/12/2024", "2024-12-31"),
            ("31.12.24", "2024-12-31"),
            ("45657", "2024-12-31"),
        ] {
            assert_eq!(iso_date(text).as_deref(), Some(date), "{text}");
        }
        for text in ["20241301", "99999999", "", "2024", "hier"] {
            assert_eq!(iso_date(text), None, "{text}");
        }
    }

    #[test]
    fn labels_of_the_chart_of_accounts_are_nobody() {
        for label in [
            "Clients",
            "Clients - Ventes de biens ou de prestations de services",
            "Clients - Factures à établir",
            "Clients - Effets à recevoir",
            "Clients divers",
            "Clients créditeurs - avances et acomptes reçus sur commandes",
        ] {
            assert!(is_catch_all(label), "{label}");
        }
        for label in [
            "Clients Dupont",
            "France Services",
            "Comptoir des Alpes",
            "Export Conseil SARL",
            "Martin",
        ] {
            assert!(!is_catch_all(label), "{label}");
        }
    }

    /// A ledger of `n` invoices, payments and credit notes over a few accounts and currencies, and the
    /// balance of each account by currency, in cents, kept beside it.
    fn generated(n: u64) -> (String, BTreeMap<(String, String), i64>) {
        let header = "JournalCode\tJournalLib\tEcritureNum\tEcritureDate\tCompteNum\tCompteLib\tCompAuxNum\tCompAuxLib\tPieceRef\tPieceDate\tEcritureLib\tDebit\tCredit\tEcritureLet\tDateLet\tValidDate\tMontantdevise\tIdevise";
        let cents = |cents: i64| format!("{},{:02}", cents / 100, cents % 100);
        let (mut lines, mut truth) = (vec![header.to_owned()], BTreeMap::new());
        let mut state = 88_172_645_463_325_252_u64;
        let mut next = |most: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % most
        };
        for entry in 1..=n {
            let (account, amount) = (format!("C{}", next(7)), next(5_000_000) as i64 + 1);
            let is_invoice = next(3) > 0;
            let (debit, credit) = if is_invoice { (amount, 0) } else { (0, amount) };
            let (journal, other) =
                if is_invoice { ("VE\tVentes", "70700000") } else { ("BQ\tBanque", "51200000") };
            let (currency, foreign) =
                [("", 0), ("EUR", amount), ("USD", amount * 11 / 10 + 1)][next(3) as usize];
            let in_currency = if foreign > 0 { cents(foreign) } else { String::new() };
            lines.push(format!("{journal}\t{entry}\t20240115\t41100000\tClients\t{account}\tNom {account}\tP{entry}\t20240115\tx\t{}\t{}\t\t\t20240115\t{in_currency}\t{currency}", cents(debit), cents(credit)));
            lines.push(format!("{journal}\t{entry}\t20240115\t{other}\tx\t\t\tP{entry}\t20240115\tx\t{}\t{}\t\t\t20240115\t\t", cents(credit), cents(debit)));
            *truth.entry((account.clone(), "EUR".to_owned())).or_default() += debit - credit;
            if currency == "USD" {
                let sign = if is_invoice { 1 } else { -1 };
                *truth.entry((account, "USD".to_owned())).or_default() += sign * foreign;
            }
        }
        (lines.join("\n"), truth)
    }

    #[test]
    fn sums_by_account_and_currency_are_the_truth_to_the_cent() {
        let (text, truth) = generated(2000);
        let ledger = ledger_of("512345675FEC20241231.txt", &text, '\t');
        assert!(ledger.parts[0].rejects.is_empty(), "{:?}", ledger.parts[0].rejects.first());
        let mut found: BTreeMap<(String, String), i64> = BTreeMap::new();
        for draft in &ledger.drafts {
            for (attribute, value, _) in &draft.values {
                let currency = match &**attribute {
                    "balance" => "EUR",
                    other => match other.strip_prefix("extra.balance in ") {
                        Some(currency) => currency,
                        None => continue,
                    },
                };
                let cents = value.replace('.', "").parse().expect("two decimals");
                found.insert((draft.key.clone(), currency.to_owned()), cents);
            }
        }
        assert_eq!(found, truth);
        let lines = &ledger.parts[0].history.rows;
        let sum: Decimal =
            lines.iter().map(|l| l.amount.parse::<Decimal>().expect("an amount")).sum();
        let all: i64 = truth.iter().filter(|((_, c), _)| c == "EUR").map(|(_, cents)| cents).sum();
        assert_eq!(sum, Decimal::new(all, 2));
    }
}
