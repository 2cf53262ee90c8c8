//! HTML pages of tables, which web applications call `.xls`.
//!
//! The page is read token by token, so that its size costs little. Rows are counted from the top as a
//! spreadsheet shows them: one for each line of text outside tables, one for each row of a table.

use std::cell::RefCell;

use calamine::Dimensions;
use csv::StringRecord;
use html5ever::{
    Attribute,
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind,
    },
};

use super::{
    Content, RawRow, Refusal, Row, Table, Tally,
    cell::Value,
    encoding::Decoded,
    header::{self, Layout},
    sheet::{self, Facts, MOST_COLUMNS, Part, Sheet},
};

/// How much text the tokenizer gets at a time.
const FEED_BYTES: usize = 1 << 16;

/// Tables within tables that are told apart; what is nested deeper reads as one.
const DEEPEST_TABLE: usize = 32;

/// Blank cells that spans may make on one page.
const MOST_SPANNED_CELLS: usize = 20_000_000;

/// Columns and rows that one cell may span, as browsers have it.
const WIDEST_CELL: u32 = 1000;
const HIGHEST_CELL: u32 = 65_534;

/// The tables of a page; `name` is that of its sheet, where it has one.
pub(super) fn tables(page: Decoded, name: &str) -> Result<Vec<Table>, Refusal> {
    let blocks = blocks_of(&page.text);
    drop(page.text);
    let sheet = Sheet { name: name.to_owned(), ..Sheet::default() };
    let part = Part {
        container: "html",
        encoding: &page.encoding,
        sheet: &sheet,
        remarks: page.remarks,
        tally: Tally::default(),
        columns: None,
    };
    let mut tables = Vec::new();
    for stretch in stretches(blocks, &part.tally) {
        tables.extend(sheet::tables(&part, stretch.rows, &stretch.facts, stretch.first));
    }
    if tables.is_empty() {
        return Err(Refusal::new(
            "it is an HTML page without a table",
            "export the data as a workbook or as text with columns",
        ));
    }
    Ok(tables)
}

/// A piece of a page.
#[derive(Debug, PartialEq)]
enum Block {
    /// A line of text outside tables.
    Text(String),
    /// The rows of a table.
    Table(Vec<HtmlRow>),
}

#[derive(Debug, Default, PartialEq)]
struct HtmlRow {
    cells: Vec<HtmlCell>,
    hidden: bool,
}

#[derive(Debug, Default, PartialEq)]
struct HtmlCell {
    text: Flow,
    columns: u32,
    rows: u32,
    /// `th`: it names a column or a row.
    heads: bool,
    /// The number that Excel shows as the text.
    number: Option<f64>,
    /// What tables within the cell hold.
    nested: Vec<Block>,
}

impl HtmlRow {
    fn names_columns(&self) -> bool {
        if self.cells.iter().any(|cell| !cell.nested.is_empty()) {
            return false;
        }
        let heads = self.cells.iter().filter(|cell| cell.heads && !cell.text.finished().is_empty());
        let texts = self.cells.iter().map(|cell| cell.text.finished());
        heads.count() >= 2 || header::surely_names_columns(&texts.collect())
    }
}

/// Text as a browser lays it out: blanks collapsed, lines broken where tags say so.
#[derive(Debug, Default, PartialEq)]
struct Flow {
    text: String,
    blank: bool,
}

impl Flow {
    fn push(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_ascii_whitespace() {
                self.blank = true;
                continue;
            }
            if std::mem::take(&mut self.blank)
                && !self.text.is_empty()
                && !self.text.ends_with('\n')
            {
                self.text.push(' ');
            }
            self.text.push(if c == '\u{a0}' { ' ' } else { c });
        }
    }

    /// A line ends here, even if it is blank.
    fn end_line(&mut self) {
        self.blank = false;
        self.text.push('\n');
    }

    /// What follows stands on a line of its own.
    fn break_line(&mut self) {
        self.blank = false;
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    fn finished(&self) -> &str {
        self.text.trim()
    }
}

fn blocks_of(page: &str) -> Vec<Block> {
    let tokenizer = Tokenizer::new(Page::default(), TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = page;
    while !rest.is_empty() {
        let mut end = rest.len().min(FEED_BYTES);
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (now, later) = rest.split_at(end);
        queue.push_back(StrTendril::from_slice(now));
        // The only result beside `Done` is a script that asks to be run, which `Page` never lets happen.
        let _ = tokenizer.feed(&queue);
        rest = later;
    }
    tokenizer.end();
    tokenizer.sink.0.into_inner().finish()
}

/// What the tokens are gathered into.
#[derive(Default)]
struct Page(RefCell<Gathered>);

impl TokenSink for Page {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut gathered = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => gathered.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return gathered.start(&tag),
            Token::TagToken(tag) => gathered.end(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[derive(Default)]
struct Gathered {
    blocks: Vec<Block>,
    /// Text outside all tables.
    loose: Flow,
    /// Tables within each other, the outermost first.
    open: Vec<OpenTable>,
    /// Tables too deep to be told apart.
    ignored_tables: usize,
    /// The element whose text is none of the page's.
    unread: Option<String>,
}

#[derive(Default)]
struct OpenTable {
    rows: Vec<HtmlRow>,
    row: Option<HtmlRow>,
    cell: Option<HtmlCell>,
    /// Text and tables between its tags that are in none of its cells: captions.
    around: Vec<Block>,
    caption: Flow,
}

impl Gathered {
    fn flow(&mut self) -> &mut Flow {
        match self.open.last_mut() {
            Some(table) => table.cell.as_mut().map_or(&mut table.caption, |cell| &mut cell.text),
            None => &mut self.loose,
        }
    }

    fn text(&mut self, text: &str) {
        if self.unread.is_none() {
            self.flow().push(text);
        }
    }

    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        match name {
            "script" | "style" | "title" | "xmp" | "iframe" | "noframes" | "textarea" => {
                self.unread = Some(name.to_owned());
                return TokenSinkResult::RawData(match name {
                    "script" => RawKind::ScriptData,
                    "title" | "textarea" => RawKind::Rcdata,
                    _ => RawKind::Rawtext,
                });
            }
            "table" if self.open.len() < DEEPEST_TABLE => {
                if self.open.is_empty() {
                    self.flush_loose();
                }
                self.open.push(OpenTable::default());
            }
            "table" => self.ignored_tables += 1,
            "br" => self.flow().end_line(),
            _ if self.ignored_tables > 0 => self.flow().break_line(),
            "tr" | "thead" | "tbody" | "tfoot" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_row();
                    if name == "tr" {
                        let hidden = attribute(&tag.attrs, "style").is_some_and(is_not_displayed);
                        table.row = Some(HtmlRow { cells: Vec::new(), hidden });
                    }
                }
            }
            "td" | "th" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_cell();
                    table.cell = Some(HtmlCell { heads: name == "th", ..HtmlCell::of(&tag.attrs) });
                }
            }
            _ => self.breaks(name),
        }
        TokenSinkResult::Continue
    }

    fn end(&mut self, name: &str) {
        if self.unread.is_some() {
            if self.unread.as_deref() == Some(name) {
                self.unread = None;
            }
            return;
        }
        match name {
            "table" if self.ignored_tables > 0 => self.ignored_tables -= 1,
            "table" => self.end_table(),
            _ if self.ignored_tables > 0 => self.flow().break_line(),
            "td" | "th" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_cell();
                }
            }
            "tr" | "thead" | "tbody" | "tfoot" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_row();
                }
            }
            _ => self.breaks(name),
        }
    }

    /// Breaks the line where an element begins or ends that stands for itself.
    fn breaks(&mut self, name: &str) {
        const BLOCKS: &[&str] = &[
            "p",
            "div",
            "li",
            "ul",
            "ol",
            "dl",
            "dt",
            "dd",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "body",
            "center",
            "form",
            "section",
            "header",
            "footer",
            "caption",
            "blockquote",
            "pre",
        ];
        if BLOCKS.contains(&name) {
            self.flow().break_line();
        }
    }

    fn flush_loose(&mut self) {
        self.blocks.extend(lines_of(&std::mem::take(&mut self.loose)));
    }

    fn end_table(&mut self) {
        let Some(table) = self.open.pop() else { return };
        let blocks = table.finish();
        match self.open.last_mut() {
            Some(outer) => match &mut outer.cell {
                Some(cell) => cell.nested.extend(blocks),
                None => outer.around.extend(blocks),
            },
            None => self.blocks.extend(blocks),
        }
    }

    fn finish(mut self) -> Vec<Block> {
        while !self.open.is_empty() {
            self.end_table();
        }
        self.flush_loose();
        self.blocks
    }
}

impl OpenTable {
    fn end_cell(&mut self) {
        if let Some(cell) = self.cell.take() {
            self.row.get_or_insert_default().cells.push(cell);
        }
    }

    fn end_row(&mut self) {
        self.end_cell();
        self.rows.extend(self.row.take());
    }

    /// Tables within a table either are its data, or it is there to place them on the page. One that
    /// names its columns holds data; else the one with more rows does.
    fn finish(mut self) -> Vec<Block> {
        self.end_row();
        let mut blocks: Vec<Block> = lines_of(&self.caption).collect();
        blocks.append(&mut self.around);
        let cells = || self.rows.iter().flat_map(|row| &row.cells);
        let highest = cells().flat_map(|cell| &cell.nested).map(Block::height).max();
        if highest.is_some_and(|highest| highest >= self.rows.len())
            && !self.rows.iter().any(HtmlRow::names_columns)
        {
            for cell in self.rows.into_iter().flat_map(|row| row.cells) {
                blocks.extend(lines_of(&cell.text));
                blocks.extend(cell.nested);
            }
            return blocks;
        }
        if cells().next().is_some() {
            for cell in self.rows.iter_mut().flat_map(|row| &mut row.cells) {
                for block in std::mem::take(&mut cell.nested) {
                    block.flatten(&mut cell.text);
                }
            }
            blocks.push(Block::Table(self.rows));
        }
        blocks
    }
}

impl Block {
    /// Rows of a table; a line of text is none.
    fn height(&self) -> usize {
        match self {
            Block::Text(_) => 0,
            Block::Table(rows) => rows.len(),
        }
    }

    fn flatten(self, into: &mut Flow) {
        into.break_line();
        match self {
            Block::Text(text) => into.push(&text),
            Block::Table(rows) => {
                for row in rows {
                    for cell in row.cells {
                        into.push(cell.text.finished());
                        into.push(" ");
                    }
                    into.break_line();
                }
            }
        }
    }
}

impl HtmlCell {
    fn of(attributes: &[Attribute]) -> HtmlCell {
        let spanned = |name: &str, most: u32| {
            let spanned = attribute(attributes, name).and_then(leading_number).unwrap_or(1);
            spanned.clamp(1, most)
        };
        HtmlCell {
            columns: spanned("colspan", WIDEST_CELL),
            // 0 means all rows that are left.
            rows: match attribute(attributes, "rowspan").and_then(leading_number) {
                Some(0) => HIGHEST_CELL,
                _ => spanned("rowspan", HIGHEST_CELL),
            },
            number: attribute(attributes, "x:num").and_then(|number| number.trim().parse().ok()),
            ..HtmlCell::default()
        }
    }

    /// What the cell says. Excel shows long numbers cut short and keeps them beside.
    fn value(&self) -> Value<'_> {
        let shown = self.text.finished();
        match self.number {
            Some(number) if number.is_finite() && shown.contains("E+") => Value::Number(number),
            _ => Value::Text(shown),
        }
    }
}

fn attribute<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|given| &*given.name.local == name).map(|given| &*given.value)
}

/// `3` of `3'`, as browsers read it.
fn leading_number(text: &str) -> Option<u32> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

fn is_not_displayed(style: &str) -> bool {
    let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
    style.to_ascii_lowercase().contains("display:none")
}

fn lines_of(flow: &Flow) -> impl Iterator<Item = Block> {
    let lines: Vec<String> = flow
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    lines.into_iter().map(Block::Text)
}

/// A table of a page, the text above it, and the tables below that go on with it.
struct Stretch {
    /// The row before its first, from 1.
    first: u32,
    /// The rows that hold anything.
    rows: Vec<RawRow>,
    facts: Facts,
    /// Columns that its table fills.
    width: usize,
}

impl Stretch {
    fn last(&self) -> u32 {
        self.rows.last().map_or(self.first, sheet::number_of)
    }

    /// Whether `next` has no header of its own and the same columns: some pages show the rows in
    /// pieces, or the header apart from them.
    fn goes_on_in(&self, next: &Stretch) -> bool {
        let preview = sheet::preview_of(&next.rows, next.first);
        self.width == next.width && !Layout::find(&preview, &[]).has_header()
    }
}

fn stretches(blocks: Vec<Block>, tally: &Tally) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut number = 0;
    let mut text: Vec<RawRow> = Vec::new();
    let mut room = MOST_SPANNED_CELLS;
    for block in blocks {
        match block {
            Block::Text(_) => {
                number += 1;
                let content = Content::Skipped("title");
                text.push(RawRow::Known(Row { number, content }));
            }
            Block::Table(rows) => {
                let mut table = laid_out(&rows, number, tally, &mut room);
                number += rows.len() as u32;
                if table.rows.is_empty() {
                    continue;
                }
                match stretches.last_mut() {
                    Some(above) if above.goes_on_in(&table) => {
                        above.rows.append(&mut text);
                        above.rows.append(&mut table.rows);
                        above.facts.merges.append(&mut table.facts.merges);
                    }
                    above => {
                        table.first = above.map_or(0, |above| above.last());
                        table.rows.splice(..0, text.drain(..));
                        stretches.push(table);
                    }
                }
            }
        }
    }
    if let Some(last) = stretches.last_mut() {
        last.rows.append(&mut text);
    }
    stretches
}

/// The cells of a table in their columns, given the number of rows above it. The blank cells that its
/// spans make take up `room`; where there is none left, that is told and the rest left out.
fn laid_out(rows: &[HtmlRow], above: u32, tally: &Tally, room: &mut usize) -> Stretch {
    let mut table = Stretch { first: above, rows: Vec::new(), facts: Facts::default(), width: 0 };
    // For each column the rows below that a cell above still covers.
    let mut covered: Vec<u32> = Vec::new();
    for (row, number) in rows.iter().zip(above..) {
        let mut cells: Vec<String> = Vec::new();
        let mut column = 0usize;
        let before = covered.clone();
        for cell in &row.cells {
            while before.get(column).is_some_and(|&rows| rows > 0) {
                column += 1;
            }
            let end = column + cell.columns as usize;
            let spanned = column - cells.len().min(column);
            if end > MOST_COLUMNS as usize || spanned > *room {
                let why = "its cells span more columns than a sheet can have";
                table.rows.push(sheet::damaged_row(number + 1, why));
                return table;
            }
            *room -= spanned;
            if covered.len() < end {
                covered.resize(end, 0);
            }
            covered[column..end].fill(cell.rows);
            cells.resize(cells.len().max(column), String::new());
            cells.push(cell.value().text(0, (number + 1, column), tally).into_owned());
            if cell.columns > 1 {
                let merge = ((number, column as u32), (number, end as u32 - 1));
                table.facts.merges.push(Dimensions::new(merge.0, merge.1));
            }
            column = end;
        }
        covered.iter_mut().for_each(|rows| *rows = rows.saturating_sub(1));
        let cells = StringRecord::from(cells);
        table.width = table.width.max(header::span(&cells));
        if !header::is_blank(&cells) {
            if row.hidden {
                tally.count(|c| &c.hidden_rows);
            }
            table.rows.push(RawRow::Cells(number + 1, cells));
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Per table `header: kinds`, where a row of data is its cells and another its first letter.
    fn read(page: &str) -> Vec<String> {
        let page = Decoded { text: page.into(), encoding: "UTF-8".into(), remarks: Vec::new() };
        let tables = tables(page, "").expect("tables");
        let said = tables.into_iter().map(|table| {
            let rows: Vec<String> = table
                .rows
                .map(|row| match row.content {
                    Content::Data(cells) => {
                        format!("{}={}", row.number, cells.iter().collect::<Vec<_>>().join("|"))
                    }
                    Content::Skipped(why) => format!("{}{}", row.number, &why[..1]),
                    Content::Bad { code, .. } => code.into(),
                })
                .collect();
            format!("{}: {}", table.header.join("|"), rows.join(" "))
        });
        said.collect()
    }

    #[test]
    fn a_page_is_read_as_its_browser_shows_it() {
        let page = "<html><head><title>no</title><style>td{}</style></head><body>\
            <h1>Clients</h1><p>au 31/12</p><table><tr><th>Nom<th>Ville</tr>\
            <tr><td>&OElig;uvre &amp;\n  Fils<td>Paris<br>\n2e<tr><td>Roy&nbsp;<td>Lyon</table>fin";
        assert_eq!(read(page), ["Nom|Ville: 1t 2t 3h 4=Œuvre & Fils|Paris\n2e 5=Roy|Lyon 6t"]);
    }

    #[test]
    fn cells_span_rows_and_columns() {
        let page = "<table><tr><th rowspan=2>Nom<th colspan='2'>Adresse<th rowspan=2>Code</tr>\
            <tr><th>Rue<th>Ville</tr><tr><td>A<td>B<td>C<td>1</tr></table>";
        assert_eq!(read(page), ["Nom|Adresse / Rue|Adresse / Ville|Code: 1h 2h 3=A|B|C|1"]);
    }

    #[test]
    fn a_table_that_places_others_on_the_page_is_none() {
        let page = "<table><tr><td>Menu</td><td><table><tr><th>Nom<th>Ville</tr>\
            <tr><td>A<td>B</tr></table></td></tr></table>";
        assert_eq!(read(page), ["Nom|Ville: 1t 2h 3=A|B"]);
        let page = "<table><tr><th>Nom<th>Ville</tr><tr><td>A<td>\
            <table><tr><td>Paris<td>12</table></tr><tr><td>C<td>D</tr></table>";
        assert_eq!(read(page), ["Nom|Ville: 1h 2=A|Paris 12 3=C|D"]);
    }

    #[test]
    fn several_tables_are_read_one_by_one_and_pieces_of_one_together() {
        let page = "<table><tr><th>Nom<th>Ville</tr><tr><td>A<td>B</tr></table>\
            <p>Produits</p><table><tr><th>Code<th>Prix</tr><tr><td>1<td>2</tr></table>";
        assert_eq!(read(page), ["Nom|Ville: 1h 2=A|B", "Code|Prix: 3t 4h 5=1|2"]);
        let page = "<table><tr><th>Nom<th>Code</tr></table>\
            <table><tr><td>A<td>1</tr><tr><td>B<td>2</tr></table>";
        assert_eq!(read(page), ["Nom|Code: 1h 2=A|1 3=B|2"]);
    }

    #[test]
    fn long_numbers_that_excel_shortens_are_whole() {
        let page = "<table><tr><th>Nom<th>SIRET</tr>\
            <tr><td>A<td x:num=\"12345678900011\">1,23457E+13</tr></table>";
        assert_eq!(read(page), ["Nom|SIRET: 1h 2=A|12345678900011"]);
    }

    #[test]
    fn a_table_that_names_its_columns_is_no_layout() {
        let page = "<table><tr><th>Nom<th>Adresse<tr><td>Dupont<td>\
            <table><tr><td>1 rue<tr><td>Paris</table></table>";
        assert_eq!(read(page), ["Nom|Adresse: 1h 2=Dupont|1 rue\nParis"]);
    }

    #[test]
    fn spans_that_would_fill_the_memory_are_told_of() {
        let page = "<table><tr><td>a<td>b<tr><td colspan=1000><td colspan=1000><td>c</table>";
        let page = Decoded { text: page.into(), encoding: "UTF-8".into(), remarks: Vec::new() };
        let Some(Block::Table(rows)) = blocks_of(&page.text).pop() else { panic!("a table") };
        let table = laid_out(&rows, 0, &Tally::default(), &mut 1500);
        assert_eq!(table.rows.len(), 2);
        assert!(matches!(&table.rows[1], RawRow::Known(Row { number: 2, .. })));
    }
}
