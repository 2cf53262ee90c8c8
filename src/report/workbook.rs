//! The annexes that a steward opens in a spreadsheet: one sheet per list.
//!
//! A spreadsheet runs what starts like a formula, also after the sheet was saved as CSV and opened
//! again: free text that does is written with an apostrophe before it.

use std::path::Path;

use rust_xlsxwriter::{
    Color, DataValidation, DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet,
    XlsxError,
};

use super::{
    Input,
    figures::{Figures, Quality, RejectPlace, golden_kinds},
    html::attribute_label,
    pairs,
    texts::Texts,
};
use crate::{
    error::{Error, Result},
    model::Lang,
    store,
    table::{IssueLine, Kind, Reject, Severity, issue_lines},
    value::Certainty,
};

/// Rows of a list at most: a sheet holds 1,048,576.
const MOST_ROWS: usize = 1_000_000;
/// Characters of a cell at most, as the format has it.
const MOST_CHARACTERS: usize = 32_767;
/// Widest column, in characters.
const WIDEST: usize = 60;

/// Writes the workbook.
pub(super) fn write(input: &Input<'_>, figures: &Figures, texts: Texts, path: &Path) -> Result<()> {
    let table = || path.display().to_string();
    let bytes = build(input, figures, texts).map_err(Error::table(table()))?;
    store::write(path, bytes)
}

/// What stands in one cell.
enum Cell {
    Text(String),
    Number(u64),
    Decimal(f64),
    Empty,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) }
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Cell {
        text.as_str().into()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
    }
}

impl From<u64> for Cell {
    fn from(n: u64) -> Cell {
        Cell::Number(n)
    }
}

impl From<Option<u64>> for Cell {
    fn from(n: Option<u64>) -> Cell {
        n.map_or(Cell::Empty, Cell::Number)
    }
}

/// One list: a header that stays in sight and can be filtered by, then rows.
struct Sheet<'a> {
    sheet: &'a mut Worksheet,
    texts: Texts,
    widths: Vec<usize>,
    rows: usize,
}

impl<'a> Sheet<'a> {
    fn new(
        workbook: &'a mut Workbook,
        name: &str,
        header: &[String],
        texts: Texts,
    ) -> Result<Sheet<'a>, XlsxError> {
        let bold = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_background_color(Color::RGB(0xF1_E3_C2));
        let sheet = workbook.add_worksheet();
        sheet.set_name(texts.text(&format!("sheet.{name}")))?;
        sheet.set_freeze_panes(1, 0)?;
        for (column, title) in header.iter().enumerate() {
            sheet.write_string_with_format(0, column as u16, title, &bold)?;
        }
        let widths = header.iter().map(|title| title.chars().count().clamp(8, 24)).collect();
        Ok(Sheet { sheet, texts, widths, rows: 0 })
    }

    fn row(&mut self, cells: Vec<Cell>) -> Result<(), XlsxError> {
        self.rows += 1;
        if self.rows > MOST_ROWS {
            if self.rows == MOST_ROWS + 1 {
                self.sheet.write_string(self.rows as u32, 0, self.texts.text("sheet.cut"))?;
            }
            return Ok(());
        }
        for (column, cell) in cells.into_iter().enumerate() {
            let (row, at) = (self.rows as u32, column as u16);
            match cell {
                Cell::Text(text) => {
                    let text = harmless(&text);
                    if let Some(width) = self.widths.get_mut(column) {
                        *width = (*width).max(text.chars().count().min(WIDEST));
                    }
                    self.sheet.write_string(row, at, text)?;
                }
                Cell::Number(n) => {
                    self.sheet.write_number(row, at, n as f64)?;
                }
                Cell::Decimal(n) => {
                    self.sheet.write_number(row, at, n)?;
                }
                Cell::Empty => {}
            }
        }
        Ok(())
    }

    /// Offers these words for the cells of a column, and refuses others.
    fn offer(&mut self, column: u16, words: &[String]) -> Result<(), XlsxError> {
        let list = DataValidation::new().allow_list_strings(words)?;
        let rows = self.rows.min(MOST_ROWS) as u32;
        self.sheet.add_data_validation(1, column, rows, column, &list)?;
        Ok(())
    }

    fn finish(self) -> Result<(), XlsxError> {
        for (column, width) in self.widths.iter().enumerate() {
            self.sheet.set_column_width(column as u16, (*width + 2) as f64)?;
        }
        let (rows, columns) = (self.rows.min(MOST_ROWS), self.widths.len());
        if rows > 0 && columns > 0 {
            self.sheet.autofilter(0, 0, rows as u32, columns as u16 - 1)?;
        }
        Ok(())
    }
}

/// The text as a cell may hold it: no longer than allowed, and no formula.
///
/// A number with its sign, as a phone number is, is no formula and stays as it is.
pub(crate) fn harmless(text: &str) -> String {
    let signed_number = || {
        let (number, extension) = text[1..].split_once(";ext=").unwrap_or((&text[1..], ""));
        !number.is_empty()
            && number.chars().all(|c| c.is_ascii_digit() || " .()".contains(c))
            && extension.chars().all(|c| c.is_ascii_digit())
    };
    let formula = match text.chars().next() {
        Some('=' | '@' | '\t' | '\r' | '\n') => true,
        Some('+' | '-') => !signed_number(),
        _ => false,
    };
    let mark = if formula { "'" } else { "" };
    // What XML cannot hold would make the whole workbook unreadable.
    let sayable = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    mark.chars().chain(text.chars().filter(sayable)).take(MOST_CHARACTERS).collect()
}

fn build(input: &Input<'_>, figures: &Figures, texts: Texts) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // The date of the data, not of the day: the same run gives the same bytes.
    let date = ExcelDateTime::parse_from_str(input.as_of)
        .or_else(|_| ExcelDateTime::from_ymd(2000, 1, 1))?;
    let properties = DocProperties::new()
        .set_title(input.title)
        .set_author("orpailleur")
        .set_creation_datetime(&date);
    workbook.set_properties(&properties);
    let book = &mut workbook;
    reconciliation(book, figures, texts)?;
    files(book, figures, texts)?;
    quality(book, figures, texts)?;
    duplicates(book, figures, texts)?;
    clusters(book, input, figures, texts)?;
    for kind in [Kind::Organisation, Kind::Person, Kind::Other] {
        review(book, input, kind, texts)?;
    }
    rejects(book, input, figures, texts)?;
    issues(book, input, figures, texts)?;
    content(book, input, figures, texts)?;
    consent(book, figures, texts)?;
    load(book, input, figures, texts)?;
    workbook.save_to_buffer()
}

/// The titles of columns, by the keys of their words.
fn header(keys: &[&str], texts: Texts) -> Vec<String> {
    keys.iter().map(|key| texts.text(&format!("header.{key}"))).collect()
}

fn held(holds: bool, texts: Texts) -> Cell {
    texts.text(if holds { "page.holds" } else { "page.fails" }).into()
}

fn reconciliation(book: &mut Workbook, figures: &Figures, texts: Texts) -> Result<(), XlsxError> {
    let header = header(&["check", "left", "right", "result"], texts);
    let mut sheet = Sheet::new(book, "reconciliation", &header, texts)?;
    for identity in &figures.identities {
        let words = [
            texts.text(&format!("identity.{}", identity.key)),
            texts.text(&format!("identity.{}_parts", identity.key)),
        ];
        let sum: u64 = identity.right.iter().sum();
        let words = words.join(": ");
        sheet.row(vec![
            words.into(),
            identity.left.into(),
            sum.into(),
            held(identity.holds, texts),
        ])?;
    }
    sheet.finish()
}

fn files(book: &mut Workbook, figures: &Figures, texts: Texts) -> Result<(), XlsxError> {
    let keys = [
        "file",
        "sheet",
        "source",
        "mapping",
        "rows",
        "record_rows",
        "history_rows",
        "rejected_rows",
        "skipped_rows",
        "skipped",
        "result",
        "records",
        "unmapped",
    ];
    let mut sheet = Sheet::new(book, "files", &header(&keys, texts), texts)?;
    for table in &figures.tables {
        let reasons = table.skipped.iter().filter(|(_, n)| **n > 0);
        let skipped: Vec<String> =
            reasons.map(|(reason, n)| format!("{} {n}", texts.word("skipped", reason))).collect();
        sheet.row(vec![
            (&table.file).into(),
            (&table.sheet).into(),
            (&table.source).into(),
            (&table.mapping).into(),
            table.rows.into(),
            table.record_rows.into(),
            table.history_rows.into(),
            table.rejected_rows.into(),
            table.skipped_rows.into(),
            skipped.join(", ").into(),
            held(table.holds, texts),
            table.records.into(),
            table.unmapped_columns.join(", ").into(),
        ])?;
    }
    sheet.finish()
}

fn quality(book: &mut Workbook, figures: &Figures, texts: Texts) -> Result<(), XlsxError> {
    let keys = [
        "kind",
        "attribute",
        "priority",
        "source",
        "records",
        "filled",
        "valid",
        "changed",
        "placeholders",
        "invalid",
        "distinct_raw",
        "distinct_clean",
        "golden_records",
        "golden_filled",
    ];
    let mut sheet = Sheet::new(book, "quality", &header(&keys, texts), texts)?;
    for attribute in &figures.attributes {
        let priority = attribute
            .priority
            .map_or(String::new(), |p| texts.word("priority", &format!("{p:?}").to_lowercase()));
        let line = |source: &str, quality: &Quality, golden: Option<[u64; 2]>| -> Vec<Cell> {
            vec![
                texts.word("kind", &attribute.kind).into(),
                attribute_label(&attribute.attribute, texts).into(),
                priority.as_str().into(),
                source.into(),
                quality.records.into(),
                quality.filled.into(),
                quality.valid.into(),
                quality.changed.into(),
                quality.placeholders.into(),
                quality.invalid.into(),
                quality.distinct_raw.into(),
                quality.distinct_clean.into(),
                golden.map(|g| g[0]).into(),
                golden.map(|g| g[1]).into(),
            ]
        };
        let golden = Some([attribute.golden_records, attribute.golden_filled]);
        sheet.row(line(&texts.text("header.all_sources"), &attribute.total, golden))?;
        for (source, quality) in &attribute.sources {
            sheet.row(line(source, quality, None))?;
        }
    }
    sheet.finish()
}

fn duplicates(book: &mut Workbook, figures: &Figures, texts: Texts) -> Result<(), XlsxError> {
    let keys = ["kind", "source", "other_source", "shared", "records", "golden", "only_here"];
    let mut sheet = Sheet::new(book, "duplicates", &header(&keys, texts), texts)?;
    for kind in &figures.duplicates {
        for (source, shared) in kind.sources.iter().zip(&kind.shared) {
            for (other, &n) in kind.sources.iter().zip(shared) {
                let own = |n: u64| (source.source == other.source).then_some(n);
                sheet.row(vec![
                    texts.word("kind", &kind.kind).into(),
                    (&source.source).into(),
                    (&other.source).into(),
                    n.into(),
                    own(source.records).into(),
                    own(source.golden).into(),
                    own(source.only_here).into(),
                ])?;
            }
        }
    }
    sheet.finish()
}

fn clusters(
    book: &mut Workbook,
    input: &Input<'_>,
    figures: &Figures,
    texts: Texts,
) -> Result<(), XlsxError> {
    let keys = ["golden_id", "kind", "name", "records", "reasons", "sources"];
    let mut sheet = Sheet::new(book, "clusters", &header(&keys, texts), texts)?;
    let kinds = golden_kinds(input);
    for cluster in &figures.clusters {
        let golden = kinds.iter().find(|(kind, _)| *kind == cluster.of);
        let name = golden.map(|(kind, g)| pairs::golden_name(g, cluster.at, *kind));
        let reasons: Vec<String> =
            cluster.reasons.iter().map(|r| texts.word("cluster", r)).collect();
        let sources: Vec<String> =
            cluster.sources.iter().map(|(s, n)| format!("{s} {n}")).collect();
        sheet.row(vec![
            (&cluster.golden_id).into(),
            texts.word("kind", &cluster.kind).into(),
            name.unwrap_or_default().into(),
            cluster.records.into(),
            reasons.join(", ").into(),
            sources.join(", ").into(),
        ])?;
    }
    sheet.finish()
}

/// One line per pair, the values of both records beside each other.
fn review(
    book: &mut Workbook,
    input: &Input<'_>,
    kind: Kind,
    texts: Texts,
) -> Result<(), XlsxError> {
    let reviews: Vec<_> =
        pairs::sorted(input).into_iter().filter(|r| pairs::kind_of(input, r) == kind).collect();
    if reviews.is_empty() {
        return Ok(());
    }
    let records = &input.clean.records;
    let attributes: Vec<&str> = pairs::attributes(records, kind)
        .into_iter()
        .filter(|a| records.columns.get(*a).is_some_and(|c| c.filled() > 0))
        .collect();
    // `orpailleur decide review` reads what a steward writes into two of them.
    let mut titles = header(&["pair", "weight", "reason", "decision", "comment"], texts);
    let labels = ["source", "place", "row", "golden_id", "record_id"]
        .map(|k| texts.text(&format!("header.{k}")));
    let of_values = attributes.iter().map(|a| attribute_label(a, texts));
    for label in labels.into_iter().chain(of_values) {
        titles.extend([format!("{label} A"), format!("{label} B")]);
    }
    let mut sheet = Sheet::new(book, &format!("review_{}", kind.as_str()), &titles, texts)?;
    for (number, review) in reviews.into_iter().enumerate() {
        let pair = pairs::pair(input, review);
        let weight = f64::from(pair.weight) / 100.0;
        let reason = texts.word("review_reason", &pair.reason);
        let mut cells = vec![Cell::Number(number as u64 + 1), Cell::Decimal(weight), reason.into()];
        cells.extend([Cell::Empty, Cell::Empty]);
        let (a, b) = (&pair.left, &pair.right);
        cells.extend([
            (&a.source).into(),
            (&b.source).into(),
            (&a.place).into(),
            (&b.place).into(),
        ]);
        cells.extend([Cell::Number(a.row.into()), Cell::Number(b.row.into())]);
        cells.extend([(&a.golden_id).into(), (&b.golden_id).into()]);
        cells.extend([(&a.record_id).into(), (&b.record_id).into()]);
        for attribute in &attributes {
            for record in [review.left, review.right] {
                cells.push(pairs::shown(records, attribute, record as usize).join(", ").into());
            }
        }
        sheet.row(cells)?;
    }
    sheet.offer(3, &["same", "not_same"].map(|word| texts.text(&format!("decision.{word}"))))?;
    sheet.finish()
}

fn rejects(
    book: &mut Workbook,
    input: &Input<'_>,
    figures: &Figures,
    texts: Texts,
) -> Result<(), XlsxError> {
    let severity = |severity: Severity| match severity {
        Severity::Row => texts.text("rejects.row"),
        Severity::Cell => texts.text("rejects.cell"),
    };
    let keys = ["code", "severity", "count", "files", "message", "suggestion", "example"];
    let mut sheet = Sheet::new(book, "reject_codes", &header(&keys, texts), texts)?;
    for code in &figures.rejects {
        sheet.row(vec![
            (&code.code).into(),
            severity(code.severity).into(),
            code.count.into(),
            code.files.into(),
            texts.reject_message(&code.code, &code.message).into(),
            texts.reject_suggestion(&code.code, &code.suggestion).into(),
            place(&code.example, texts).into(),
        ])?;
    }
    sheet.finish()?;
    // The stages speak English, each reject in its own words; other languages have those of its code.
    let message = |reject: &Reject| match texts.0 {
        Lang::En => reject.message.clone(),
        Lang::Fr => texts.reject_message(&reject.code, &reject.message),
    };
    let suggestion = |reject: &Reject| match texts.0 {
        Lang::En => reject.suggestion.clone(),
        Lang::Fr => texts.reject_suggestion(&reject.code, &reject.suggestion),
    };
    let mut sheet = Sheet::new(book, "rejects", &header(&Reject::COLUMNS, texts), texts)?;
    for reject in input.rejects {
        sheet.row(vec![
            (&reject.source).into(),
            (&reject.file).into(),
            (&reject.sheet).into(),
            reject.row.map(u64::from).into(),
            (&reject.column).into(),
            (&reject.code).into(),
            severity(reject.severity).into(),
            message(reject).into(),
            suggestion(reject).into(),
            (&reject.raw).into(),
        ])?;
    }
    sheet.finish()
}

/// What notes and categories say: one sheet each, where there is anything.
/// Where a cell stands, in one line.
fn place(place: &RejectPlace, texts: Texts) -> String {
    let row = place.row.map(|row| format!("{} {row}", texts.text("page.row"))).unwrap_or_default();
    let parts = [&place.file, &place.sheet, &row, &place.column];
    parts.into_iter().filter(|t| !t.is_empty()).cloned().collect::<Vec<_>>().join(" · ")
}

/// Values that were used and of which a steward should know something.
fn issues(
    book: &mut Workbook,
    input: &Input<'_>,
    figures: &Figures,
    texts: Texts,
) -> Result<(), XlsxError> {
    if figures.issues.is_empty() {
        return Ok(());
    }
    let certainty = |certainty: Certainty| texts.word("certainty", certainty.as_str());
    let keys = ["code", "certainty", "count", "files", "message", "example"];
    let mut sheet = Sheet::new(book, "issue_codes", &header(&keys, texts), texts)?;
    for code in &figures.issues {
        sheet.row(vec![
            code.code.into(),
            certainty(code.certainty).into(),
            code.count.into(),
            code.files.into(),
            texts.word("issue", code.code).into(),
            place(&code.example, texts).into(),
        ])?;
    }
    sheet.finish()?;
    let mut keys = IssueLine::COLUMNS;
    // Beside the cell as read, a value says that it is the one that was taken.
    keys[keys.len() - 1] = "taken";
    let mut sheet = Sheet::new(book, "issues", &header(&keys, texts), texts)?;
    for line in issue_lines(input.ingested, input.clean) {
        sheet.row(vec![
            line.source.into(),
            line.file.into(),
            line.sheet.into(),
            u64::from(line.row).into(),
            line.column.into(),
            line.code.into(),
            certainty(line.certainty).into(),
            texts.word("issue", line.code).into(),
            texts.remark(line.suggestion).into(),
            line.raw.into(),
            line.value.into(),
        ])?;
    }
    sheet.finish()
}

fn content(
    book: &mut Workbook,
    input: &Input<'_>,
    figures: &Figures,
    texts: Texts,
) -> Result<(), XlsxError> {
    if !figures.standings.is_empty() {
        let keys = ["standing", "since", "kind", "golden_id", "file", "sheet", "row", "column"];
        let mut sheet = Sheet::new(book, "standings", &header(&keys, texts), texts)?;
        for line in &figures.standings {
            sheet.row(vec![
                texts.word("standing", &line.standing).into(),
                (&line.since).into(),
                texts.word("kind", &line.kind).into(),
                (&line.golden_id).into(),
                (&line.place.file).into(),
                (&line.place.sheet).into(),
                line.place.row.map(u64::from).into(),
                (&line.place.column).into(),
            ])?;
        }
        sheet.finish()?;
    }
    if !input.ingested.sensitive.is_empty() {
        let keys = ["source", "file", "sheet", "row", "column", "type"];
        let mut sheet = Sheet::new(book, "sensitive", &header(&keys, texts), texts)?;
        for cell in &input.ingested.sensitive {
            sheet.row(vec![
                (&cell.source).into(),
                (&cell.file).into(),
                (&cell.sheet).into(),
                u64::from(cell.row).into(),
                (&cell.column).into(),
                texts.word("sensitive", cell.what.as_str()).into(),
            ])?;
        }
        sheet.finish()?;
    }
    if input.normalize.unmapped.is_empty() {
        return Ok(());
    }
    let keys = ["attribute", "value", "records"];
    let mut sheet = Sheet::new(book, "unmapped", &header(&keys, texts), texts)?;
    for value in &input.normalize.unmapped {
        sheet.row(vec![
            attribute_label(&value.attribute, texts).into(),
            (&value.value).into(),
            value.records.into(),
        ])?;
    }
    sheet.finish()
}

fn consent(book: &mut Workbook, figures: &Figures, texts: Texts) -> Result<(), XlsxError> {
    let Some(consent) = &figures.consent else { return Ok(()) };
    let header_before = header(&["source", "channel", "state", "events"], texts);
    let mut sheet = Sheet::new(book, "consent_before", &header_before, texts)?;
    for (source, channel, state, n) in &consent.events {
        let words = [texts.word("channel", channel), texts.word("state", state)];
        let [channel, state] = words.map(Cell::from);
        sheet.row(vec![source.into(), channel, state, (*n).into()])?;
    }
    sheet.finish()?;
    let header_after = header(&["channel", "state", "contact_points"], texts);
    let mut sheet = Sheet::new(book, "consent_after", &header_after, texts)?;
    for (channel, states) in &consent.golden {
        for (state, n) in states {
            let words = [texts.word("channel", channel), texts.word("state", state)];
            let [channel, state] = words.map(Cell::from);
            sheet.row(vec![channel, state, (*n).into()])?;
        }
    }
    sheet.finish()
}

fn load(
    book: &mut Workbook,
    input: &Input<'_>,
    figures: &Figures,
    texts: Texts,
) -> Result<(), XlsxError> {
    let (Some(load), Some(emit)) = (&figures.load, input.emit) else { return Ok(()) };
    let mut sheet =
        Sheet::new(book, "load", &header(&["file", "object", "rows", "bytes"], texts), texts)?;
    for file in &load.files {
        sheet.row(vec![
            (&file.file).into(),
            (&file.object).into(),
            file.rows.into(),
            file.bytes.into(),
        ])?;
    }
    sheet.finish()?;
    let keys = ["golden_id", "object", "column", "problem", "done"];
    let mut sheet = Sheet::new(book, "misfits", &header(&keys, texts), texts)?;
    for misfit in &emit.misfits {
        sheet.row(vec![
            (&misfit.golden_id).into(),
            (&misfit.object).into(),
            (&misfit.column).into(),
            texts.word("misfit", &misfit.problem).into(),
            texts.remark(&misfit.message).into(),
        ])?;
    }
    sheet.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_would_run_as_a_formula_is_neutralised() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("+33140001550", "+33140001550"),
            ("+33140001550;ext=12", "+33140001550;ext=12"),
            ("-12.50", "-12.50"),
            ("Dupont", "Dupont"),
            ("a\u{0}b", "ab"),
            ("", ""),
        ] {
            assert_eq!(harmless(text), cell);
        }
    }

    #[test]
    fn a_cell_is_cut_where_the_format_ends() {
        assert_eq!(harmless(&"é".repeat(40_000)).chars().count(), MOST_CHARACTERS);
    }
}
