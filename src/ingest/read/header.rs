//! Where a table begins: titles above the header, headers of one or two lines, and which rows below
//! it are no data.

use std::{collections::HashSet, ops::RangeInclusive, sync::LazyLock};

use csv::StringRecord;
use unicode_normalization::UnicodeNormalization;

use super::{Content, Odd, Tally, mojibake};
use crate::value::{identifier, text::fold};

/// What stands between the two lines of a header in [`Table::header`](super::Table::header).
pub const GROUP_SEPARATOR: &str = " / ";

/// Rows among which the header is looked for, and by which it is judged.
pub(super) const PREVIEW_ROWS: usize = 60;

/// Non-blank rows that may stand above a header; letterheads are shorter.
const MOST_ROWS_ABOVE: usize = 30;

static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("header_words.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
});

/// A header cell in the form by which headers are compared, apart from case and accents: composed
/// (NFC), trimmed, inner blanks of any kind made one space, `’` made `'`, without a leading `*` or a
/// trailing `*` or `:`.
///
/// ```
/// # use orpailleur::ingest::read::normal_header;
/// assert_eq!(normal_header(" *N°\u{a0}d’identification :"), "N° d'identification");
/// ```
pub fn normal_header(cell: &str) -> String {
    let composed: String = cell
        .nfc()
        .map(|c| match c {
            '’' | '‘' | '\u{2bc}' => '\'',
            c => c,
        })
        .collect();
    let clean = crate::value::text::clean(&composed);
    let unmarked = clean.trim_start_matches('*').trim_end_matches(['*', ':', ' ']).trim();
    unmarked.to_owned()
}

/// What is known of a table's shape.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Column names.
    pub(super) header: Vec<String>,
    /// The upper line's name of each column, or empty.
    pub(super) groups: Vec<String>,
    /// Position of the header's first line among the raw rows, from 0.
    first: usize,
    /// Lines of the header: 0, 1 or 2.
    lines: usize,
    /// The header's lines folded, to recognise them when they come again.
    repeats: Vec<Vec<String>>,
    /// A ledger file whose lines have 18 cells or more, or are broken.
    ledger: Option<Ledger>,
    /// Whether rows end at their last filled cell, so that a short one means nothing.
    pub(super) sparse: bool,
}

/// A cell that spans several columns: row among the raw rows, columns, all from 0.
#[derive(Debug, Clone)]
pub(super) struct Merge {
    pub(super) row: usize,
    pub(super) columns: RangeInclusive<usize>,
}

impl Layout {
    /// Finds the header among the first raw rows.
    pub(super) fn find(preview: &[StringRecord], merges: &[Merge]) -> Layout {
        let width = preview.iter().map(span).max().unwrap_or(0);
        let Some(at) = header_position(preview) else {
            let first = preview.iter().position(|row| !is_blank(row)).unwrap_or(0);
            return Layout {
                header: (1..=width).map(|n| format!("column {n}")).collect(),
                groups: vec![String::new(); width],
                first,
                lines: 0,
                repeats: Vec::new(),
                ledger: None,
                sparse: false,
            };
        };
        let row = |i: usize| preview.get(i);
        let above =
            at.checked_sub(1).and_then(row).filter(|upper| is_group_line(upper, &preview[at]));
        let below = row(at + 1)
            .filter(|lower| above.is_none() && is_refining_line(&preview[at], lower, at, merges));
        let (first, upper, lower) = match (above, below) {
            (Some(upper), _) => (at - 1, Some(upper), &preview[at]),
            (None, Some(lower)) => (at, Some(&preview[at]), lower),
            (None, None) => (at, None, &preview[at]),
        };
        let width = span(lower).max(upper.map_or(0, span));
        let groups = match upper {
            Some(upper) => spread(upper, lower, first, merges, width),
            None => vec![String::new(); width],
        };
        let header: Vec<String> = (0..width)
            .map(|c| {
                let own = displayed(lower.get(c).unwrap_or(""));
                let alone = displayed(upper.and_then(|u| u.get(c)).unwrap_or(""));
                match (groups[c].as_str(), own.as_str()) {
                    ("", "") => alone,
                    ("", _) => own,
                    (group, _) => format!("{group}{GROUP_SEPARATOR}{own}"),
                }
            })
            .collect();
        Layout {
            first,
            lines: 1 + usize::from(upper.is_some()),
            repeats: upper.into_iter().chain([lower]).map(folded).collect(),
            ledger: Ledger::of(&header),
            header,
            groups,
            sparse: false,
        }
    }

    /// Whether a header was found.
    pub(super) fn has_header(&self) -> bool {
        self.lines > 0
    }

    /// Position of the header's last line among the raw rows.
    pub(super) fn last_line(&self) -> Option<usize> {
        (self.lines > 0).then(|| self.first + self.lines - 1)
    }

    /// Position of the first raw row below the header; 0 without one.
    pub(super) fn below(&self) -> usize {
        self.last_line().map_or(0, |at| at + 1)
    }

    /// What the raw row at `position`, which has this number, is.
    pub(super) fn classify(
        &self,
        (position, number): (usize, u32),
        mut cells: StringRecord,
        tally: &Tally,
    ) -> Content {
        if is_blank(&cells) {
            return Content::Skipped("blank");
        }
        if position < self.first {
            return Content::Skipped("title");
        }
        if position < self.first + self.lines {
            return Content::Skipped("header");
        }
        if self.repeats(&cells) {
            return Content::Skipped("repeat");
        }
        if is_total(&cells, &self.header) {
            return Content::Skipped("total");
        }
        let read = cells.len();
        if let Some(ledger) = &self.ledger {
            match ledger.align(&cells, self.header.len()) {
                Aligned::AsRead => {}
                Aligned::Joined(joined) => {
                    tally.count(|c| &c.realigned_rows);
                    cells = joined;
                }
                Aligned::Not => {
                    return Content::Bad {
                        code: "ragged_row",
                        message: format!(
                            "the line has {read} cells where the header has {}",
                            self.header.len()
                        ),
                        raw: cells.iter().collect::<Vec<_>>().join("\t"),
                    };
                }
            }
        }
        self.fit(&mut cells, number, tally);
        Content::Data(cells)
    }

    /// Pads a short row, and cuts what is blank beyond the header.
    fn fit(&self, cells: &mut StringRecord, number: u32, tally: &Tally) {
        let width = self.header.len();
        let filled = span(cells).max(width);
        let raw = || cells.iter().collect::<Vec<_>>().join("\t");
        if filled > width {
            tally.fault(number, None, Odd::Long, raw);
        }
        if cells.len() < width && self.has_header() && !self.sparse {
            let cut = tally.has_open_end(number);
            tally.fault(number, None, if cut { Odd::CutOff } else { Odd::Short }, raw);
        }
        cells.truncate(filled);
        while cells.len() < width {
            cells.push_field("");
        }
    }

    fn repeats(&self, cells: &StringRecord) -> bool {
        self.repeats.iter().any(|line| {
            let filled = line.iter().filter(|cell| !cell.is_empty()).count();
            span(cells) <= line.len()
                && filled > 0
                && cells.iter().zip(line).all(|(cell, header)| {
                    // Most cells differ in their first letter, which is cheaper to see.
                    let differs =
                        |b: &u8| header.as_bytes().first() != Some(&b.to_ascii_lowercase());
                    let first = cell.as_bytes().first().filter(|b| b.is_ascii_alphanumeric());
                    !first.is_some_and(differs) && fold(cell) == *header
                })
        })
    }
}

/// How many cells a row has up to its last filled one.
pub(super) fn span(row: &StringRecord) -> usize {
    (0..row.len()).rev().find(|&c| !is_blank_cell(&row[c])).map_or(0, |last| last + 1)
}

/// Whether all cells are blank.
pub(super) fn is_blank(row: &StringRecord) -> bool {
    row.iter().all(is_blank_cell)
}

fn is_blank_cell(cell: &str) -> bool {
    cell.chars().all(|c| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'))
}

fn filled(row: &StringRecord) -> impl Iterator<Item = (usize, &str)> + Clone {
    row.iter().enumerate().filter(|(_, cell)| !is_blank_cell(cell))
}

fn folded(row: &StringRecord) -> Vec<String> {
    row.iter().map(fold).collect()
}

/// A header cell as shown: blanks collapsed, otherwise as written.
fn displayed(cell: &str) -> String {
    let clean = crate::value::text::clean(cell);
    mojibake::repair(&clean).unwrap_or(clean)
}

/// Position of the row that names the columns, or `None` when no row looks as if it did.
fn header_position(preview: &[StringRecord]) -> Option<usize> {
    let widest = preview.iter().map(|row| filled(row).count()).max()?;
    let mut candidates = preview
        .iter()
        .enumerate()
        .filter(|(_, row)| !is_blank(row))
        .take(MOST_ROWS_ABOVE)
        .filter(|(at, row)| names_columns(row, widest) && stands_below_titles(preview, *at))
        .map(|(at, _)| at);
    let first = candidates.next()?;
    // The first such row, unless it speaks no word of headers and a later one no other.
    let at = match known_words(&preview[first]) {
        0 => candidates.find(|&at| surely_names_columns(&preview[at])).unwrap_or(first),
        _ => first,
    };
    let names_none = known_words(&preview[at]) == 0;
    let holds_values = || filled(&preview[at]).any(|(_, cell)| is_value(cell));
    let is_data = names_none && (holds_values() || recurs_below(&preview[at], &preview[at + 1..]));
    (!is_data).then_some(at)
}

/// Whether all rows above could be titles: they hold less than this one. Otherwise they are data, and
/// this one is at most a row of data that looks like a header.
fn stands_below_titles(preview: &[StringRecord], at: usize) -> bool {
    let cells = filled(&preview[at]).count();
    let known = known_words(&preview[at]) * 2 >= cells;
    preview[..at]
        .iter()
        .map(|row| filled(row).count())
        .all(|above| above == 0 || above < cells && (above * 2 <= cells || known))
}

/// Whether the cells could be the names of columns: most columns have one, they are words, and they
/// differ.
fn names_columns(row: &StringRecord, widest: usize) -> bool {
    let cells = filled(row).count();
    let words = filled(row).filter(|(_, cell)| is_wordy(cell)).count();
    let distinct: HashSet<String> = filled(row).map(|(_, cell)| fold(cell)).collect();
    cells * 2 > widest && words * 10 >= cells * 7 && distinct.len() * 10 >= cells * 6
}

/// Whether a cell is words rather than an address, a number or a date.
fn is_wordy(cell: &str) -> bool {
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    // `N°`, `#` and the like name columns too.
    let sign = matches!(cell.trim(), "#" | "№" | "%" | "€");
    (letters > digits || sign)
        && !cell.contains('@')
        && !cell.contains("://")
        && !cell.starts_with("www.")
        && cell.chars().count() <= 80
}

/// Whether a cell is what only a row of data holds: an email or web address, a date, a long number.
fn is_value(cell: &str) -> bool {
    let cell = cell.trim();
    let is_number =
        |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let is_date = ['/', '-', '.']
        .iter()
        .any(|&mark| cell.split(mark).count() == 3 && cell.split(mark).all(is_number));
    is_date
        || cell.contains('@')
        || cell.contains("://")
        || cell.starts_with("www.")
        || cell.bytes().filter(u8::is_ascii_digit).count() >= 7
}

fn known_words(row: &StringRecord) -> usize {
    filled(row).filter(|(_, cell)| has_known_word(cell)).count()
}

/// Whether a cell has a word that headers use, and is no value such as `contact@dupont.fr`.
pub fn has_known_word(cell: &str) -> bool {
    // `FirstName` and `first_name` are two words each; folding parts only the second.
    let parted: String =
        cell.chars().flat_map(|c| c.is_uppercase().then_some(' ').into_iter().chain([c])).collect();
    let known = [fold(cell), fold(&parted)]
        .iter()
        .flat_map(|text| text.split(' '))
        .any(|word| WORDS.contains(word.trim_end_matches(|c: char| c.is_ascii_digit())));
    known && !is_value(cell)
}

/// Whether a row cannot be anything but names of columns: all its cells are words, and most are made
/// of words that headers use and of no other.
pub(super) fn surely_names_columns(row: &StringRecord) -> bool {
    let cells = filled(row).count();
    let sure = filled(row)
        .filter(|(_, cell)| {
            let folded = fold(cell);
            !folded.is_empty()
                && folded.split(' ').all(|word| word.len() == 1 || WORDS.contains(word))
        })
        .count();
    cells >= 2 && sure * 4 >= cells * 3 && filled(row).all(|(_, cell)| is_wordy(cell))
}

/// Whether a cell of `row` comes again below in its own column, in a row that is not the same row
/// again: values do that, names of columns do not.
fn recurs_below(row: &StringRecord, below: &[StringRecord]) -> bool {
    let cells = filled(row).count();
    below.iter().any(|other| {
        let same = filled(row).filter(|&(c, cell)| other.get(c) == Some(cell)).count();
        same > 0 && same * 2 < cells
    })
}

/// Whether `upper` groups the columns that `header` names: some words over several columns each.
fn is_group_line(upper: &StringRecord, header: &StringRecord) -> bool {
    let cells: Vec<usize> = filled(upper).map(|(column, _)| column).collect();
    let gaps = cells.windows(2).filter(|pair| pair[1] > pair[0] + 1).count();
    let last_spans = cells.last().is_some_and(|&last| last + 1 < span(header));
    cells.len() >= 2
        && cells.len() * 2 <= filled(header).count()
        && span(upper) <= span(header)
        && gaps + usize::from(last_spans) >= 1
        && filled(upper).all(|(_, cell)| is_wordy(cell))
}

/// Whether `lower` names the parts of some columns of `header`: all its cells stand under a cell that
/// spans several columns.
fn is_refining_line(
    header: &StringRecord,
    lower: &StringRecord,
    at: usize,
    merges: &[Merge],
) -> bool {
    let spans: Vec<&Merge> = merges
        .iter()
        .filter(|merge| merge.row == at && merge.columns.start() < merge.columns.end())
        .collect();
    let under_span = |column: usize| {
        if spans.is_empty() {
            let blank = |c: usize| header.get(c).is_none_or(is_blank_cell);
            blank(column) || blank(column + 1) && column + 1 < span(lower).max(span(header))
        } else {
            spans.iter().any(|merge| merge.columns.contains(&column))
        }
    };
    let cells = filled(lower).count();
    cells >= 2
        && cells < span(header)
        && filled(lower).all(|(column, cell)| is_wordy(cell) && under_span(column))
        && (!spans.is_empty() || known_words(lower) * 2 >= cells && has_gap(header))
}

fn has_gap(row: &StringRecord) -> bool {
    row.iter().take(span(row)).any(is_blank_cell)
}

/// The upper line's cells, each repeated over the columns it spans and the lower line names.
fn spread(
    upper: &StringRecord,
    lower: &StringRecord,
    row: usize,
    merges: &[Merge],
    width: usize,
) -> Vec<String> {
    let mut groups = vec![String::new(); width];
    let starts: Vec<usize> = filled(upper).map(|(column, _)| column).collect();
    let in_row: Vec<&Merge> = merges.iter().filter(|merge| merge.row == row).collect();
    for (i, &start) in starts.iter().enumerate() {
        let end = match in_row.iter().find(|merge| *merge.columns.start() == start) {
            Some(merge) => *merge.columns.end(),
            None if !in_row.is_empty() => start,
            None => starts.get(i + 1).map_or(width, |&next| next) - 1,
        };
        let below = lower.iter().zip(&mut groups).take(end + 1).skip(start);
        for (_, group) in below.filter(|(cell, _)| !is_blank_cell(cell)) {
            *group = displayed(&upper[start]);
        }
    }
    groups
}

/// Whether a row sums up or closes the rows above: it starts with such a word, and holds nothing
/// else but figures. A customer called `Total` has an address, a phone number, a SIREN, or digits in a column
/// whose header says that they are a code or postcode.
fn is_total(cells: &StringRecord, header: &[String]) -> bool {
    let mut cells = filled(cells);
    let Some((_, first)) = cells.next() else { return false };
    let label = fold(first);
    if is_count(&label) || is_page_line(&label) {
        return cells.next().is_none();
    }
    // Nearly every row of data is told by its first cell.
    is_total_label(&label)
        && (label.contains(' ') || label != "nb" || cells.clone().next().is_some())
        && cells.all(|(at, cell)| is_figure(cell) && !is_code(cell, header.get(at)))
}

/// Whether digits are no figure: a valid SIREN or SIRET, or what stands under the header of a code.
fn is_code(cell: &str, header: Option<&String>) -> bool {
    const WORDS: [&str; 9] =
        ["code", "cp", "postal", "postcode", "zip", "plz", "cap", "siren", "siret"];
    let digits: String = cell.chars().filter(|c| !c.is_whitespace()).collect();
    let named = |header: &String| fold(header).split(' ').any(|word| WORDS.contains(&word));
    identifier::is_siren(&digits)
        || identifier::is_siret(&digits)
        || header.is_some_and(named) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// `total`, `sous-total`, `total général`, `total clients`, `Summe`...
fn is_total_label(label: &str) -> bool {
    const WORDS: &[&str] = &[
        "total",
        "totaux",
        "subtotal",
        "totals",
        "somme",
        "sum",
        "summe",
        "gesamt",
        "gesamtsumme",
        "suma",
        "totale",
        "totaal",
        "nb",
        "nombre",
        "moyenne",
        "cumul",
    ];
    const QUALIFIERS: &[&str] = &[
        "sous",
        "sub",
        "grand",
        "general",
        "generale",
        "global",
        "ht",
        "ttc",
        "excl",
        "incl",
        "tva",
        "du",
        "de",
        "des",
        "la",
        "le",
        "page",
        "mois",
        "annee",
        "client",
        "clients",
        "fiches",
        "lignes",
        "contacts",
        "debit",
        "credit",
        "solde",
        "a",
        "reporter",
        "report",
        "eur",
        "euros",
        "overall",
        "amount",
        "customers",
        "rows",
        "records",
    ];
    let mut named = false;
    let known = label.split(' ').all(|word| {
        let total = WORDS.contains(&word);
        named |= total;
        total || QUALIFIERS.contains(&word) || word.bytes().all(|b| b.is_ascii_digit())
    });
    named && known
}

/// An amount or a count, with a unit perhaps. What starts with a zero or a plus is none: a phone number, a code.
/// Of other digits only [`is_code`] tells.
fn is_figure(cell: &str) -> bool {
    let cell = cell.trim();
    let folded = fold(cell);
    if is_count(&folded) || is_total_label(&folded) {
        return true;
    }
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let leading_zero = cell.len() > 1
        && cell.starts_with('0')
        && !matches!(cell.as_bytes().get(1), Some(b',' | b'.' | b' '));
    digits > 0
        && !leading_zero
        && !cell.starts_with('+')
        && cell.chars().all(|c| {
            c.is_ascii_digit()
                || c.is_whitespace()
                || matches!(c, '.' | ',' | '-' | '(' | ')' | '€' | '$' | '%' | '\'' | '’')
        })
}

/// `410 clients`
fn is_count(folded: &str) -> bool {
    let Some((number, what)) = folded.split_once(' ') else { return false };
    number.bytes().all(|b| b.is_ascii_digit())
        && matches!(
            what,
            "client"
                | "clients"
                | "contact"
                | "contacts"
                | "ligne"
                | "lignes"
                | "fiche"
                | "fiches"
                | "enregistrements"
                | "societes"
                | "prospects"
                | "rows"
                | "records"
                | "customers"
                | "entries"
                | "kunden"
                | "clientes"
                | "clienti"
                | "klanten"
        )
}

/// `page 3`, `page 3 / 12`, `édité le 12/03/2019`
fn is_page_line(folded: &str) -> bool {
    let mut words = folded.split(' ');
    let number = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
    let counted = |word: &str| matches!(word, "sur" | "of" | "a" | "h") || number(word);
    match (words.next(), words.next()) {
        (Some("page" | "seite" | "pagina"), Some(first)) => number(first) && words.all(counted),
        (Some("edite" | "imprime" | "genere" | "exporte" | "extrait"), Some("le")) => {
            words.all(counted)
        }
        (Some("printed" | "generated" | "exported"), Some("on")) => words.all(counted),
        _ => false,
    }
}

/// The French ledger file (FEC): no quotes, so that a tab within a label breaks its line. Columns are
/// positions of the header.
#[derive(Debug, Clone)]
struct Ledger {
    labels: Vec<usize>,
    dates: Vec<usize>,
    accounts: Vec<usize>,
    amounts: Vec<usize>,
    /// Columns up to here are needed: what comes after may be left out at the end of a line.
    needed: usize,
}

enum Aligned {
    AsRead,
    Joined(StringRecord),
    Not,
}

impl Ledger {
    fn of(header: &[String]) -> Option<Ledger> {
        let names: Vec<String> = header.iter().map(|cell| fold(cell)).collect();
        let at = |wanted: &[&str]| -> Vec<usize> {
            wanted.iter().filter_map(|name| names.iter().position(|n| n == name)).collect()
        };
        let signature = at(&["journalcode", "ecriturenum", "comptenum", "ecriturelib"]);
        let valid = at(&["validdate"]);
        (signature.len() == 4 && !valid.is_empty()).then(|| Ledger {
            labels: at(&["journallib", "comptelib", "compauxlib", "pieceref", "ecriturelib"]),
            dates: at(&["ecrituredate", "piecedate", "validdate"]),
            accounts: at(&["comptenum"]),
            amounts: at(&["debit", "credit", "montant"]),
            needed: valid[0] + 1,
        })
    }

    /// A line of another length is used only where it is certain which cell is which: blanks or
    /// optional columns missing at the end, or cells too many that make sense once joined into
    /// exactly one of the labels.
    fn align(&self, cells: &StringRecord, width: usize) -> Aligned {
        let sensible_as_read = cells.len() >= self.needed && self.makes_sense(cells, width);
        if cells.len() == width || sensible_as_read {
            return Aligned::AsRead;
        }
        let Some(surplus) = cells.len().checked_sub(width).filter(|&surplus| surplus > 0) else {
            return Aligned::Not;
        };
        let mut fitting = self.labels.iter().filter_map(|&label| {
            let joined = join(cells, label, surplus)?;
            self.makes_sense(&joined, width).then_some(joined)
        });
        match (fitting.next(), fitting.next()) {
            (Some(joined), None) => Aligned::Joined(joined),
            _ => Aligned::Not,
        }
    }

    fn makes_sense(&self, cells: &StringRecord, width: usize) -> bool {
        let cell = |column: usize| cells.get(column).unwrap_or("").trim();
        let is_date = |text: &str| {
            (8..=10).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b'.'))
        };
        let is_amount = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_digit() || matches!(b, b',' | b'.' | b'-' | b'+' | b' '))
        };
        span(cells) <= width
            && self.dates.iter().all(|&c| cell(c).is_empty() || is_date(cell(c)))
            && self
                .accounts
                .iter()
                .all(|&c| cell(c).starts_with(|first: char| first.is_ascii_digit()))
            && self.amounts.iter().all(|&c| is_amount(cell(c)))
            && self.dates.first().is_some_and(|&c| is_date(cell(c)))
    }
}

/// The cells with `surplus + 1` of them, from `at`, made one.
fn join(cells: &StringRecord, at: usize, surplus: usize) -> Option<StringRecord> {
    let end = at + surplus;
    (end < cells.len()).then(|| {
        let joined = cells.iter().skip(at).take(surplus + 1).collect::<Vec<_>>().join(" ");
        let mut record = StringRecord::new();
        cells.iter().take(at).for_each(|cell| record.push_field(cell));
        record.push_field(&joined);
        cells.iter().skip(end + 1).for_each(|cell| record.push_field(cell));
        record
    })
}

/// A cell of text without what exports wrap it in: `="00123"`, `'00123`, `_x000D_`, mangled accents. It stands in
/// this row and column, for what is told of it.
pub(super) fn unwrapped(
    cell: &str,
    (row, column): (u32, Option<usize>),
    tally: &Tally,
) -> Option<String> {
    let mut better: Option<String> = None;
    if let Some(inner) = cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        better = Some(inner.replace("\"\"", "\""));
    } else if let Some(forced) = cell.strip_prefix('\'') {
        // Names may start with an apostrophe ('t Hooft); forced text is a number or a formula.
        if forced.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '=' | '@')) {
            better = Some(forced.to_owned());
        }
    } else if cell.starts_with('#') && is_error(cell) {
        tally.fault(row, column, Odd::ErrorCell, || cell.trim().to_owned());
        return Some(String::new());
    }
    let now = better.as_deref().unwrap_or(cell);
    if is_shortened(now) {
        tally.count(|c| &c.shortened_numbers);
    }
    if now.contains("_x00") {
        let plain = now.replace("_x000D_", "").replace("_x000A_", "\n").replace("_x0009_", "\t");
        better = Some(plain);
    }
    let now = better.as_deref().unwrap_or(cell);
    if !now.is_ascii()
        && let Some(repaired) = mojibake::repair(now)
    {
        tally.count(|c| &c.mojibake_cells);
        better = Some(repaired);
    }
    better
}

/// Whether a text is what a spreadsheet shows of a long number: `1,23457E+13`.
fn is_shortened(cell: &str) -> bool {
    let Some((digits, exponent)) = cell.trim().split_once("E+") else { return false };
    let digit = |b: u8| b.is_ascii_digit();
    digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|b| digit(b) || matches!(b, b',' | b'.'))
        && (1..=3).contains(&exponent.len())
        && exponent.bytes().all(digit)
}

/// What spreadsheets show in place of a value they could not compute.
fn is_error(cell: &str) -> bool {
    matches!(
        cell.trim(),
        "#N/A"
            | "#N/D"
            | "#NV"
            | "#REF!"
            | "#BEZUG!"
            | "#VALUE!"
            | "#VALEUR!"
            | "#WERT!"
            | "#DIV/0!"
            | "#NAME?"
            | "#NOM?"
            | "#NUM!"
            | "#NOMBRE!"
            | "#ZAHL!"
            | "#NULL!"
            | "#NUL!"
            | "#SPILL!"
            | "#CALC!"
            | "#GETTING_DATA"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<StringRecord> {
        text.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>().into()).collect()
    }

    /// Header and, per row, what it is: `d` for data, else the first letter of the reason.
    fn laid_out(text: &str) -> (String, String) {
        let rows = rows(text);
        let layout = Layout::find(&rows, &[]);
        let kinds = rows
            .into_iter()
            .enumerate()
            .map(|(at, row)| match layout.classify((at, 0), row, &Tally::default()) {
                Content::Data(_) => 'd',
                Content::Bad { .. } => '!',
                Content::Skipped(reason) => reason.chars().next().expect("a word"),
            })
            .collect();
        (layout.header.join(","), kinds)
    }

    fn says(text: &str, header: &str, kinds: &str) {
        assert_eq!(laid_out(text), (header.to_owned(), kinds.to_owned()), "{text}");
    }

    #[test]
    fn the_first_row_names_the_columns() {
        says("Nom|Ville\nDupont|Paris\nMartin|Lyon", "Nom,Ville", "hdd");
        says("fname_c1|lname_c1|by\nCARSTEN|MEIER|1949", "fname_c1,lname_c1,by", "hd");
    }

    #[test]
    fn titles_and_blank_rows_stand_above_the_header() {
        says(
            "Fichier clients||\nÉdité le|12/03/2019|\n||\nNom|Ville|Tél\nDupont|Paris|01",
            "Nom,Ville,Tél",
            "ttbhd",
        );
    }

    #[test]
    fn a_header_of_two_lines_is_joined() {
        says(
            "Liste|||\nSOCIÉTÉ||CONTACT|\nNom|Ville|Nom|Mail\nA|B|C|d@e.fr",
            "SOCIÉTÉ / Nom,SOCIÉTÉ / Ville,CONTACT / Nom,CONTACT / Mail",
            "thhd",
        );
        says(
            "Nom|Adresse||Code\n|Rue|Ville|\nA|B|C|1",
            "Nom,Adresse / Rue,Adresse / Ville,Code",
            "hhd",
        );
    }

    #[test]
    fn rows_as_full_as_the_header_are_no_titles() {
        let files = "file|sheet|n\nc.xlsx|Clients|1\nd.xlsx|Clients|2\nNom|Clients|x";
        assert_eq!(laid_out(files).1, "hddd");
        says("1\n1.5\nab\n2", "column 1", "dddd");
    }

    #[test]
    fn a_table_without_header_has_numbered_columns() {
        says("a@b.fr\nc@d.fr", "column 1", "dd");
        says("Paris|Dupont|1\nParis|Martin|2\nLyon|Roy|3", "column 1,column 2,column 3", "ddd");
    }

    #[test]
    fn totals_are_no_customers_but_a_customer_may_be_called_total() {
        let table = "Nom|Adresse|CA\nTotal Energies|2 place Coupole|12\nTotal|La Défense|3\n";
        for total in ["Total||15", "TOTAL GÉNÉRAL||15,00", "Sous-total||3", "Total|2 clients|15"]
        {
            says(&format!("{table}{total}"), "Nom,Adresse,CA", "hddt");
        }
        says(&format!("{table}2 clients||\nPage 1 / 2||"), "Nom,Adresse,CA", "hddtt");
        says(&format!("{table}Total||0145678912"), "Nom,Adresse,CA", "hddd");
    }

    #[test]
    fn a_customer_called_total_may_have_a_siren_or_a_postcode_and_no_more() {
        says("Nom|SIREN|CP\nDupont|732829320|75001\nTotal|542051180|92400", "Nom,SIREN,CP", "hdd");
        says("Nom|Numéro\nDupont|12\nTotal|542051180", "Nom,Numéro", "hdd");
        says("Nom|Code postal|CA\nDupont|75001|3\nTotal|92400|15", "Nom,Code postal,CA", "hdd");
        says("Nom|Code postal|CA\nDupont|75001|3\nTotal||15", "Nom,Code postal,CA", "hdt");
    }

    #[test]
    fn a_first_row_that_holds_values_and_no_known_name_is_data() {
        for rows in [
            "Jean|Martin|Lyon|jean@x.fr\nAnn|Lee|Paris|ann@y.fr",
            "Jean|Martin|Lyon|contact@x.fr\nAnn|Lee|Paris|ann@y.fr",
            "Jean|Martin|Lyon|06 12 34 56 78\nAnn|Lee|Paris|0611223344",
            "Jean|Martin|Lyon|12/03/1970\nAnn|Lee|Paris|01/04/1980",
            "Jean|Martin|Lyon|www.martin.fr\nAnn|Lee|Paris|www.lee.fr",
        ] {
            says(rows, "column 1,column 2,column 3,column 4", "dd");
        }
        says("fnm|lnm|xyz|mlx\nAnn|Lee|Paris|ann@y.fr", "fnm,lnm,xyz,mlx", "hd");
    }

    #[test]
    fn a_repeated_header_is_skipped() {
        says("Nom|Ville\nA|B\nNOM|Ville\nC|D", "Nom,Ville", "hdrd");
    }

    #[test]
    fn short_rows_are_padded_and_long_ones_keep_their_overflow() {
        let table = rows("Nom|Ville|Tél\nA\nA|B|C|D\nA|B|C||");
        let layout = Layout::find(&table, &[]);
        let tally = Tally::default();
        let data = |at: usize| match layout.classify((at, at as u32 + 1), table[at].clone(), &tally)
        {
            Content::Data(cells) => cells.iter().collect::<Vec<_>>().join("|"),
            other => panic!("{other:?}"),
        };
        assert_eq!([data(1), data(2), data(3)], ["A||", "A|B|C|D", "A|B|C"]);
        let said =
            ["one row has more cells than the header", "one row has fewer cells than the header"];
        assert_eq!(tally.remarks(), said);
    }

    #[test]
    fn a_ledger_line_is_realigned_only_where_that_is_certain() {
        let header = "JournalCode|JournalLib|EcritureNum|EcritureDate|CompteNum|CompteLib|CompAuxNum|CompAuxLib|PieceRef|PieceDate|EcritureLib|Debit|Credit|EcritureLet|DateLet|ValidDate|Montantdevise|Idevise";
        let whole = "VE|Ventes|1|20240101|411|Clients|C1|MARTIN|F1|20240101|Facture|10,00|0,00|||20240101||";
        let label = "VE|Ventes|1|20240101|411|Clients|C1|MARTIN|F1|20240101|Fac|ture|10,00|0,00|||20240101||";
        let short =
            "VE|Ventes|1|20240101|411|Clients|C1|MARTIN|F1|20240101|Facture|10,00|0,00|||20240101";
        let broken = "VE|Ventes|1|20240101";
        let table = [header, whole, label, short, broken].join("\n");
        assert_eq!(laid_out(&table).1, "hddd!");
    }

    #[test]
    fn cells_are_unwrapped() {
        let tally = Tally::default();
        let plain =
            |cell: &str| unwrapped(cell, (1, None), &tally).unwrap_or_else(|| cell.to_owned());
        assert_eq!(plain("=\"00123\""), "00123");
        assert_eq!(plain("'00123"), "00123");
        assert_eq!(plain("'t Hooft"), "'t Hooft");
        assert_eq!(plain("#N/A"), "");
        assert_eq!(plain("a_x000D_\nb"), "a\nb");
        assert_eq!(plain("HÃ©lÃ¨ne"), "Hélène");
        assert_eq!((tally.error_cells(), tally.mojibake_cells()), (1, 1));
    }
}
