//! `golden/history/`: what hangs on customers, whole, with the golden id in place of the old key.
//!
//! Each kind is a file: what every document has in common first (number, dates, amounts, state, owner, parent), then the
//! row as it was. What the settings leave out of these files is counted in `sums.csv` all the same, so that the money of
//! all rows is there to the cent; rows that hang on nobody are listed in `orphans.csv`, attached files in
//! `attachments.csv`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    io::Read,
    path::{Component, Path},
    sync::LazyLock,
};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    error::Result,
    store::{self, CsvFile},
    table::{Golden, History, HistoryRow, Ingested, Place},
    value::{
        date, dictionary,
        money::{self, DecimalMark},
        text::fold,
    },
};

use super::lifecycle::is_recent;

/// The `[history]` section of `orpailleur.toml`: what of the history leaves as rows. Every row is accounted for in
/// `golden/history.csv` and `golden/history/sums.csv`, whatever these say.
///
/// ```toml
/// [history]
/// since = "2020-01-01"
/// open_only = ["quote", "opportunity", "ticket"]
/// by_year = ["invoice", "fec_line"]
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Documents {
    /// ISO date: documents before it are left out; those without a date stay. Default: none is.
    pub since: String,
    /// Kinds of which documents whose state ends them are left out. Default: none.
    pub open_only: Vec<String>,
    /// Kinds of which a sum by golden record, year and currency leaves in place of the rows. Default: none.
    pub by_year: Vec<String>,
}

/// What all documents have in common; the first columns of a file of history.
const COMMON: [&str; 15] = [
    "golden_id",
    "source",
    "file",
    "sheet",
    "row",
    "number",
    "date",
    "due_date",
    "amount",
    "amount_excl_tax",
    "amount_incl_tax",
    "currency",
    "status",
    "owner",
    "parent",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dictionary {
    /// By kind of document.
    numbers: BTreeMap<String, Vec<String>>,
    /// By kind of document.
    called: BTreeMap<String, Vec<String>>,
    columns: BTreeMap<String, Vec<String>>,
    asked: Asked,
    address: Captions,
    closed: Closed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Captions {
    captions: HashSet<String>,
    /// Words for a state, which beside these captions is one of a country.
    states: HashSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    captions: HashSet<String>,
    yes: HashSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    words: HashSet<String>,
    unless: HashSet<String>,
}

static DICTIONARY: LazyLock<Dictionary> =
    LazyLock::new(|| dictionary::read(include_str!("../../mappings/dictionaries/documents.toml")));

/// Where a table of history has what.
struct Columns {
    number: Option<usize>,
    due_date: Option<usize>,
    amount_excl_tax: Option<usize>,
    amount_incl_tax: Option<usize>,
    status: Option<usize>,
    /// Whether the caption of `status` asks if the document is paid.
    asks: bool,
    owner: Option<usize>,
    parent: Option<usize>,
    attachment: Option<usize>,
    order: date::Order,
    mark: Option<DecimalMark>,
}

impl Columns {
    fn of(table: &History) -> Columns {
        let folded: Vec<String> = table.header.iter().map(|header| fold(header)).collect();
        let is_address = folded.iter().any(|header| DICTIONARY.address.captions.contains(header));
        let mut taken = BTreeSet::new();
        let mut first = |words: &mut dyn Iterator<Item = &String>| {
            let places = words.flat_map(|word| {
                (0..).zip(&folded).filter(move |(_, header)| *header == word).map(|(at, _)| at)
            });
            let mut free = places.filter(|at| !taken.contains(at));
            let found = free.next()?;
            taken.insert(found);
            Some(found)
        };
        let (own, others): (Vec<_>, Vec<_>) =
            DICTIONARY.numbers.iter().partition(|(kind, _)| **kind == table.kind);
        let words = |name: &str| DICTIONARY.columns.get(name).into_iter().flatten();
        let called = || DICTIONARY.called.get(&table.kind).into_iter().flatten();
        let own = own.into_iter().flat_map(|(_, words)| words);
        let number = first(&mut own.chain(words("number")).chain(called()));
        let others = others.into_iter().flat_map(|(_, words)| words);
        let mut column = |name: &str| match name {
            "parent" => {
                let is_other = |word: &&String| !called().any(|own| own == *word);
                first(&mut words(name).filter(is_other).chain(others.clone()))
            }
            // A place of a bill is no state of it.
            "status" if is_address => {
                first(&mut words(name).filter(|word| !DICTIONARY.address.states.contains(*word)))
            }
            _ => first(&mut words(name)),
        };
        let due_date = column("due_date");
        let (excl, incl) = (column("amount_excl_tax"), column("amount_incl_tax"));
        let cells = |at: Option<usize>| {
            let cell =
                move |row: &'_ HistoryRow| at.and_then(|at| row.cells.get(at)).map(str::to_owned);
            table.rows.iter().filter_map(cell).collect::<Vec<String>>()
        };
        let amounts = [cells(excl), cells(incl)].concat();
        let status = column("status");
        Columns {
            number,
            due_date,
            amount_excl_tax: excl,
            amount_incl_tax: incl,
            status,
            asks: status.is_some_and(|at| DICTIONARY.asked.captions.contains(&folded[at])),
            owner: column("owner"),
            parent: column("parent"),
            attachment: column("attachment"),
            order: date::order_of(cells(due_date).iter().map(String::as_str)),
            mark: money::mark_of(amounts.iter().map(String::as_str)),
        }
    }

    /// Whether a document's state does not end it. What is paid in part, or delivered and not paid, goes on.
    fn is_open(&self, row: &HistoryRow) -> bool {
        let told = cell(row, self.status);
        let state = fold(told);
        let Closed { words, unless } = &DICTIONARY.closed;
        if words.contains(&state) || self.asks && DICTIONARY.asked.yes.contains(&state) {
            return false;
        }
        let mut said = state.split(' ');
        let is_over = said.next().is_some_and(|first| words.contains(first));
        !is_over || is_in_part(told) || said.any(|word| unless.contains(word))
    }

    /// An amount as a decimal with a point; what cannot be read stays in the row as it was.
    fn amount(&self, row: &HistoryRow, at: Option<usize>) -> String {
        let amount = money::normalize_in(cell(row, at), self.mark);
        amount.map(|(amount, _)| amount).unwrap_or_default()
    }

    fn due(&self, row: &HistoryRow) -> String {
        date::normalize(cell(row, self.due_date), self.order).unwrap_or_default()
    }
}

/// Whether a state says which part is done: `Paid 50%`, not `Paid 100%`.
fn is_in_part(told: &str) -> bool {
    told.split_once('%').is_some_and(|(before, _)| {
        let number =
            before.trim_end().rsplit(|c: char| !(c.is_ascii_digit() || c == ',' || c == '.'));
        let number = number.into_iter().next().unwrap_or("").replace(',', ".");
        number.parse::<Decimal>().ok() != Some(Decimal::ONE_HUNDRED)
    })
}

fn cell(row: &HistoryRow, at: Option<usize>) -> &str {
    at.and_then(|at| row.cells.get(at)).unwrap_or_default().trim()
}

/// A row of history with the golden record it hangs on, or none.
struct Document<'a> {
    golden_id: &'a str,
    place: &'a Place,
    row: &'a HistoryRow,
    columns: &'a Columns,
    /// For each column of the file its position in the row.
    cells: &'a [Option<usize>],
}

impl Document<'_> {
    fn address(&self) -> (&str, &str, u32) {
        (&self.place.file, &self.place.sheet, self.row.row)
    }
}

/// Sums of the documents of one kind and currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Sums {
    rows: u64,
    amount: Decimal,
    attached_rows: u64,
    attached_amount: Decimal,
    orphan_rows: u64,
    orphan_amount: Decimal,
    left_out_rows: u64,
    left_out_amount: Decimal,
}

impl Sums {
    /// Every row is attached or an orphan; apart from that it leaves or is left out.
    fn add(&mut self, amount: Decimal, is_attached: bool, is_left_out: bool) {
        self.rows += 1;
        self.amount += amount;
        let (rows, sum) = match is_attached {
            true => (&mut self.attached_rows, &mut self.attached_amount),
            false => (&mut self.orphan_rows, &mut self.orphan_amount),
        };
        *rows += 1;
        *sum += amount;
        if is_left_out {
            self.left_out_rows += 1;
            self.left_out_amount += amount;
        }
    }
}

/// Writes `golden/history/`; `legacy` is the folder that attached files lie in.
pub(super) fn write(
    folder: &Path,
    golden: &Golden,
    ingested: &Ingested,
    settings: &Documents,
    legacy: Option<&Path>,
) -> Result<()> {
    let places = &ingested.records.places;
    let mut kinds: BTreeMap<&str, Vec<(&History, &[u32])>> = BTreeMap::new();
    for (table, lines) in ingested.history.iter().zip(&golden.history_at) {
        kinds.entry(&table.kind).or_default().push((table, lines));
    }
    let mut files = AttachedFiles { legacy, seen: HashMap::new() };
    let mut sums: BTreeMap<(String, String), Sums> = BTreeMap::new();
    let mut orphans = Vec::new();
    let mut attachments = Vec::new();
    for (kind, mut tables) in kinds {
        tables.sort_by_key(|(table, _)| {
            let place = &places[table.place as usize];
            (&place.file, &place.sheet)
        });
        let header = joined_header(&tables);
        let columns: Vec<Columns> = tables.iter().map(|(table, _)| Columns::of(table)).collect();
        let cells: Vec<Vec<Option<usize>>> =
            tables.iter().map(|(table, _)| positions(&header, &table.header)).collect();
        let mut documents = Vec::new();
        for (at, (table, lines)) in tables.iter().enumerate() {
            let place = &places[table.place as usize];
            documents.extend(table.rows.iter().zip(*lines).map(|(row, &line)| {
                let golden_id = golden.history[line as usize].golden_id.as_str();
                Document { golden_id, place, row, columns: &columns[at], cells: &cells[at] }
            }));
        }
        // Rows of one file have several places when they are of several legal entities.
        documents.sort_by(|a, b| a.address().cmp(&b.address()));
        let mut file = Rows::new(folder, kind, settings, &header)?;
        for document in &documents {
            let amount = document.row.amount.parse::<Decimal>().unwrap_or_default();
            let is_left_out = settings.leaves_out(kind, document);
            let key = (kind.to_owned(), document.row.currency.clone());
            let is_attached = !document.golden_id.is_empty();
            sums.entry(key).or_default().add(amount, is_attached, is_left_out);
            if !is_attached {
                orphans.push(orphan(kind, document));
            }
            attachments.extend(files.of(document));
            if !is_left_out {
                file.add(document, amount)?;
            }
        }
        file.finish()?;
    }
    write_sums(folder, sums)?;
    if !orphans.is_empty() {
        store::write_csv(&folder.join("orphans.csv"), &ORPHANS, orphans)?;
    }
    if !attachments.is_empty() {
        store::write_csv(&folder.join("attachments.csv"), &ATTACHMENTS, attachments)?;
    }
    Ok(())
}

impl Documents {
    fn leaves_out(&self, kind: &str, document: &Document<'_>) -> bool {
        let date = document.row.date.as_str();
        let is_old = !date.is_empty() && !is_recent(date, &self.since);
        is_old
            || self.open_only.iter().any(|k| k == kind) && !document.columns.is_open(document.row)
    }
}

/// The file of one kind: its rows, or their sums by year.
enum Rows {
    Whole(Box<CsvFile>),
    ByYear(std::path::PathBuf, BTreeMap<(String, String, String), (u64, Decimal)>),
}

impl Rows {
    fn new(folder: &Path, kind: &str, settings: &Documents, header: &[&str]) -> Result<Rows> {
        if settings.by_year.iter().any(|k| k == kind) {
            let path = folder.join(format!("{kind}_by_year.csv"));
            return Ok(Rows::ByYear(path, BTreeMap::new()));
        }
        let own = header.iter().map(|name| match COMMON.contains(name) {
            true => format!("{name} (source)"),
            false => (*name).to_owned(),
        });
        let header = COMMON.iter().map(|name| (*name).to_owned()).chain(own);
        let file = CsvFile::create(&folder.join(format!("{kind}.csv")), header)?;
        Ok(Rows::Whole(Box::new(file)))
    }

    fn add(&mut self, document: &Document<'_>, amount: Decimal) -> Result<()> {
        let Document { golden_id, place, row, columns, cells } = document;
        match self {
            Rows::Whole(file) => {
                let number = row.row.to_string();
                let (due, excl) = (columns.due(row), columns.amount(row, columns.amount_excl_tax));
                let incl = columns.amount(row, columns.amount_incl_tax);
                let common = [
                    golden_id,
                    place.source.as_str(),
                    &place.file,
                    &place.sheet,
                    &number,
                    cell(row, columns.number),
                    &row.date,
                    &due,
                    &row.amount,
                    &excl,
                    &incl,
                    &row.currency,
                    cell(row, columns.status),
                    cell(row, columns.owner),
                    cell(row, columns.parent),
                ];
                let own = cells.iter().map(|at| at.and_then(|at| row.cells.get(at)).unwrap_or(""));
                file.row(common.into_iter().chain(own))
            }
            Rows::ByYear(_, years) => {
                let year = row.date.get(..4).unwrap_or_default().to_owned();
                let key = ((*golden_id).to_owned(), year, row.currency.clone());
                let (rows, sum) = years.entry(key).or_default();
                *rows += 1;
                *sum += amount;
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Rows::Whole(file) => file.finish(),
            Rows::ByYear(path, years) => {
                let lines = years.into_iter().map(|((golden_id, year, currency), (rows, sum))| {
                    (golden_id, year, currency, rows, sum.to_string())
                });
                let header = ["golden_id", "year", "currency", "rows", "amount"];
                store::write_csv(&path, &header, lines)
            }
        }
    }
}

fn write_sums(folder: &Path, sums: BTreeMap<(String, String), Sums>) -> Result<()> {
    let header = [
        "kind",
        "currency",
        "rows",
        "amount",
        "attached_rows",
        "attached_amount",
        "orphan_rows",
        "orphan_amount",
        "left_out_rows",
        "left_out_amount",
    ];
    let lines = sums.into_iter().map(|((kind, currency), sums)| {
        (
            kind,
            currency,
            sums.rows,
            sums.amount.to_string(),
            sums.attached_rows,
            sums.attached_amount.to_string(),
            sums.orphan_rows,
            sums.orphan_amount.to_string(),
            sums.left_out_rows,
            sums.left_out_amount.to_string(),
        )
    });
    store::write_csv(&folder.join("sums.csv"), &header, lines)
}

const ORPHANS: [&str; 10] =
    ["kind", "source", "file", "sheet", "row", "key", "name", "date", "amount", "currency"];

type Orphan = (String, String, String, String, u32, String, String, String, String, String);

fn orphan(kind: &str, document: &Document<'_>) -> Orphan {
    let Document { place, row, .. } = document;
    (
        kind.to_owned(),
        place.source.clone(),
        place.file.clone(),
        place.sheet.clone(),
        row.row,
        row.key.clone(),
        row.name.clone(),
        row.date.clone(),
        row.amount.clone(),
        row.currency.clone(),
    )
}

const ATTACHMENTS: [&str; 8] =
    ["golden_id", "source", "file", "sheet", "row", "path", "status", "sha256"];

/// A file that a document names.
#[derive(Serialize)]
struct Attachment {
    golden_id: String,
    source: String,
    file: String,
    sheet: String,
    row: u32,
    path: String,
    /// `found`, `missing`, or `outside` of the folder of the exports, where nothing is looked for.
    status: &'static str,
    sha256: String,
}

/// The files that documents name. One that many name is looked up and read once.
struct AttachedFiles<'l> {
    /// The folder that they lie in.
    legacy: Option<&'l Path>,
    /// By the path as documents write it.
    seen: HashMap<String, (&'static str, String)>,
}

impl AttachedFiles<'_> {
    /// The files that a document names, several apart by `;` or `|`.
    fn of(&mut self, document: &Document<'_>) -> Vec<Attachment> {
        let named = cell(document.row, document.columns.attachment);
        let paths = named.split([';', '|']).map(str::trim).filter(|path| !path.is_empty());
        let attachment = |path: &str| {
            let found = self.seen.entry(path.to_owned());
            let (status, sha256) = found.or_insert_with(|| looked_up(path, self.legacy)).clone();
            Attachment {
                golden_id: document.golden_id.to_owned(),
                source: document.place.source.clone(),
                file: document.place.file.clone(),
                sheet: document.place.sheet.clone(),
                row: document.row.row,
                path: path.to_owned(),
                status,
                sha256,
            }
        };
        paths.map(attachment).collect()
    }
}

/// Whether an attached file is there, and the digest of its bytes. Only the folder of the exports is looked at.
fn looked_up(path: &str, legacy: Option<&Path>) -> (&'static str, String) {
    let relative = path.replace('\\', "/");
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let is_within = !relative.contains(':') && Path::new(&relative).components().all(plain);
    let Some(legacy) = legacy.filter(|_| is_within) else { return ("outside", String::new()) };
    let found = legacy.join(&relative);
    let inside = found.canonicalize().ok().zip(legacy.canonicalize().ok());
    match inside {
        Some((file, folder)) if !file.starts_with(&folder) => ("outside", String::new()),
        Some((file, _)) if file.is_file() => match sha256(&file) {
            Some(digest) => ("found", digest),
            None => ("missing", String::new()),
        },
        _ => ("missing", String::new()),
    }
}

fn sha256(path: &Path) -> Option<String> {
    let mut file = store::open(path).ok()?;
    let mut hasher = Sha256::new();
    let mut piece = [0; 1 << 14];
    loop {
        match file.read(&mut piece).ok()? {
            0 => break,
            read => hasher.update(&piece[..read]),
        }
    }
    Some(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The columns of all tables, each name as often as the table that has it most often.
fn joined_header<'h>(tables: &[(&'h History, &[u32])]) -> Vec<&'h str> {
    let mut joined: Vec<&str> = Vec::new();
    for (table, _) in tables {
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for name in &table.header {
            let nth = seen.entry(name).or_default();
            *nth += 1;
            if joined.iter().filter(|known| *known == name).count() < *nth {
                joined.push(name);
            }
        }
    }
    joined
}

/// For each column of `joined` its position in `header`; columns of one name in their order.
fn positions(joined: &[&str], header: &[String]) -> Vec<Option<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, name) in header.iter().enumerate().rev() {
        places.entry(name).or_default().push(at);
    }
    joined.iter().map(|name| places.get_mut(name)?.pop()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{GoldenHistory, Records};

    const INVOICES: &str = "N° pièce;Date;Code;Montant HT;Montant TTC;Échéance;Réglé;Commercial;Pièce jointe\n\
        F1;2019-01-05;C1;1 000,00;1200,10;05/02/2019;O;CL;a.pdf\n\
        F2;2023-01-05;C1;10,00;12,05;05/02/2023;N;CL;../secret.pdf\n\
        F3;2023-03-05;C9;20,00;24,20;05/04/2023;O;NF;b.pdf";

    fn row() -> HistoryRow {
        HistoryRow {
            row: 2,
            key: String::new(),
            key_attribute: "customer_code".into(),
            key_column: None,
            name: String::new(),
            date: String::new(),
            amount: String::new(),
            currency: String::new(),
            cells: Vec::<String>::new().into(),
        }
    }

    /// What is written of the invoices, by file.
    fn written(settings: &Documents) -> BTreeMap<String, String> {
        let mut lines =
            INVOICES.lines().map(|line| line.split(';').map(str::to_owned).collect::<Vec<_>>());
        let header = lines.next().expect("a header");
        let amounts = ["1200.10", "12.05", "24.20"];
        let row = |((at, cells), amount): ((u32, Vec<String>), &str)| HistoryRow {
            row: at,
            key: cells[2].clone(),
            key_attribute: "customer_code".into(),
            key_column: Some(2),
            name: String::new(),
            date: cells[1].clone(),
            amount: amount.into(),
            currency: "EUR".into(),
            cells: cells.into(),
        };
        let rows: Vec<HistoryRow> = (2..).zip(lines).zip(amounts).map(row).collect();
        let place = Place { source: "s".into(), file: "f.csv".into(), ..Place::default() };
        let golden = Golden {
            history: (rows.iter())
                .map(|row| GoldenHistory {
                    file: "f.csv".into(),
                    sheet: String::new(),
                    row: row.row,
                    kind: "invoice".into(),
                    key: row.key.clone(),
                    golden_id: if row.key == "C1" { "O1".into() } else { String::new() },
                    date: row.date.clone(),
                    amount: row.amount.clone(),
                    currency: row.currency.clone(),
                })
                .collect(),
            history_at: vec![(0..rows.len() as u32).collect()],
            ..Golden::default()
        };
        let ingested = Ingested {
            records: Records { places: vec![place], ..Records::default() },
            history: vec![History { kind: "invoice".into(), place: 0, header, rows }],
            ..Ingested::default()
        };
        let legacy = tempfile::tempdir().expect("a temporary folder");
        store::write(&legacy.path().join("a.pdf"), "x").expect("written");
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), &golden, &ingested, settings, Some(legacy.path())).expect("written");
        let files = std::fs::read_dir(folder.path()).expect("there");
        let files = files.map(|file| file.expect("there").path());
        let text = |path: std::path::PathBuf| {
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            (name, store::read_text(&path).expect("there"))
        };
        files.map(text).collect()
    }

    #[test]
    fn a_document_has_its_number_dates_amounts_and_golden_id() {
        let files = written(&Documents::default());
        let rows: Vec<&str> = files["invoice.csv"].lines().collect();
        assert!(rows[0].starts_with(&COMMON.join(",")), "{}", rows[0]);
        assert!(
            rows[1].starts_with(
                "O1,s,f.csv,,2,F1,2019-01-05,2019-02-05,1200.10,1000,1200.1,EUR,O,CL,,F1,"
            ),
            "{}",
            rows[1]
        );
        assert_eq!(
            files["sums.csv"].lines().nth(1),
            Some("invoice,EUR,3,1236.35,2,1212.15,1,24.20,0,0")
        );
        assert_eq!(
            files["orphans.csv"].lines().nth(1),
            Some("invoice,s,f.csv,,4,C9,,2023-03-05,24.20,EUR")
        );
        let attached: Vec<&str> = files["attachments.csv"].lines().skip(1).collect();
        assert!(attached[0].starts_with("O1,s,f.csv,,2,a.pdf,found,2d711642"), "{}", attached[0]);
        assert_eq!(attached[1], "O1,s,f.csv,,3,../secret.pdf,outside,");
        assert_eq!(attached[2], ",s,f.csv,,4,b.pdf,missing,");
    }

    /// The columns of a file of this kind with this header.
    fn columns(kind: &str, header: &str) -> Columns {
        let header = header.split(';').map(str::to_owned).collect();
        Columns::of(&History { kind: kind.into(), place: 0, header, rows: Vec::new() })
    }

    #[test]
    fn the_number_of_another_kind_is_that_of_the_parent() {
        let places = |kind, header| {
            let columns = columns(kind, header);
            (columns.number, columns.parent)
        };
        assert_eq!(places("invoice", "Numéro;N° commande;Client"), (Some(0), Some(1)));
        assert_eq!(places("invoice", "N° commande;N° facture"), (Some(1), Some(0)));
        assert_eq!(places("order", "N° devis;Id;N° commande"), (Some(2), Some(0)));
        assert_eq!(places("quote", "Référence;Montant"), (Some(0), None));
        assert_eq!(places("invoice", "Facture;Client"), (Some(0), None));
        assert_eq!(places("order", "Commande;Facture"), (Some(0), Some(1)));
        assert_eq!(places("invoice", "N° commande;Client"), (None, Some(0)));
    }

    #[test]
    fn the_state_of_an_address_is_none_of_a_document() {
        assert_eq!(columns("invoice", "Id;City;State;Zip").status, None);
        assert_eq!(columns("invoice", "Id;State;City;Status").status, Some(3));
        assert_eq!(columns("quote", "Id;State").status, Some(1));
        assert_eq!(columns("invoice", "Número;Ciudad;Estado").status, None);
        assert_eq!(columns("invoice", "Numero;Stato").status, Some(1));
    }

    #[test]
    fn what_is_done_in_part_is_open() {
        let is_open = |header: &str, state: &str| {
            let row = HistoryRow { cells: vec![state.to_owned()].into(), ..row() };
            columns("invoice", header).is_open(&row)
        };
        for over in
            ["Réglé", "Payée le 12/03", "Closed won", "LIVRÉ", "Paid 100%", "Réglée à 100,00 %"]
        {
            assert!(!is_open("Statut", over), "{over}");
        }
        for open in [
            "Réglé partiellement",
            "Livré, non payé",
            "Paid 50%",
            "Paid 99,5 %",
            "O",
            "oui",
            "yes",
            "",
        ] {
            assert!(is_open("Statut", open), "{open}");
        }
        assert!(!is_open("Réglé", "O") && is_open("Réglé", "N"));
    }

    #[test]
    fn a_year_alone_is_not_before_its_first_day() {
        let settings = Documents { since: "2020-01-01".into(), ..Documents::default() };
        let columns = columns("invoice", "Id");
        let is_left_out = |date: &str| {
            let row = HistoryRow { date: date.into(), ..row() };
            let place = &Place::default();
            let document =
                Document { golden_id: "", place, row: &row, columns: &columns, cells: &[] };
            settings.leaves_out("invoice", &document)
        };
        let dates = ["2020", "2020-01", "2019", "2019-12", "2019-12-31", ""];
        assert_eq!(dates.map(is_left_out), [false, false, true, true, true, false]);
    }

    #[test]
    fn what_the_settings_leave_out_is_counted_to_the_cent() {
        let settings = Documents { since: "2020-01-01".into(), ..Documents::default() };
        let files = written(&settings);
        assert_eq!(files["invoice.csv"].lines().count(), 3);
        assert!(files["sums.csv"].contains("invoice,EUR,3,1236.35,2,1212.15,1,24.20,1,1200.10"));
        let settings = Documents { open_only: vec!["invoice".into()], ..Documents::default() };
        assert_eq!(written(&settings)["invoice.csv"].lines().count(), 2, "one is not paid");
        let settings = Documents { by_year: vec!["invoice".into()], ..Documents::default() };
        assert_eq!(
            written(&settings)["invoice_by_year.csv"],
            "golden_id,year,currency,rows,amount\n,2023,EUR,1,24.20\nO1,2019,EUR,1,1200.10\nO1,2023,EUR,1,12.05\n"
        );
    }
}
