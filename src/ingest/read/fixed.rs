//! Text without delimiters, whose columns have a place and a width of their own: declared in a mapping,
//! or told by the shape of its lines where a built-in mapping gives that.

use csv::StringRecord;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{Content, Format, Refusal, Row, Table, Tally, encoding::Decoded};

/// Lines by which a shape is judged.
const JUDGED_LINES: usize = 200;

/// Where each column of a text stands: `[fixed_width]` of a mapping.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FixedWidth {
    /// The code page; empty: told by the content.
    pub encoding: String,
    /// A regular expression that the lines fit: how the layout is recognised without being named.
    /// Once it is named, lines that do not fit are rejects. Empty: any line fits.
    pub line: String,
    /// Characters that a line has at least; shorter ones are rejects. 0: up to the end of the last
    /// column. Say less where the program that wrote the file leaves out blanks at the end.
    pub least: usize,
    /// The columns.
    pub columns: Vec<FixedColumn>,
}

/// One column of a text of fixed width.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FixedColumn {
    /// The header that the rules of the mapping know it by.
    pub name: String,
    /// Its first character, from 1.
    pub from: usize,
    /// How many characters.
    pub width: usize,
}

impl FixedWidth {
    /// What makes no sense in it, each with what to do.
    pub fn problems(&self) -> Vec<(String, Option<String>)> {
        let mut problems = Vec::new();
        if self.columns.is_empty() {
            problems.push(("`[fixed_width]` has no columns".into(), None));
        }
        for column in &self.columns {
            if column.name.trim().is_empty() || column.from == 0 || column.width == 0 {
                problems.push((
                    format!("the fixed column `{}` is not whole", column.name),
                    Some("give it `name`, `from` (from 1) and `width`".into()),
                ));
            }
        }
        let encoding = super::problem_of_encoding(&self.encoding);
        problems.extend(encoding.map(|(message, hint)| (message, Some(hint))));
        if let Err(error) = Regex::new(&self.line) {
            let said = error.to_string().lines().last().unwrap_or_default().to_owned();
            problems.push((format!("`line` is no regular expression: {said}"), None));
        }
        problems
    }

    /// Whether a text is of this shape: most of its first lines fit [`FixedWidth::line`].
    pub(super) fn fits(&self, text: &str) -> bool {
        let Some(line) = self.pattern() else { return false };
        let lines = text.lines().filter(|line| !line.trim().is_empty()).take(JUDGED_LINES);
        let (fitting, all) = lines
            .fold((0, 0), |(fitting, all), l| (fitting + usize::from(line.is_match(l)), all + 1));
        all > 0 && fitting * 10 >= all * 9
    }

    fn pattern(&self) -> Option<Regex> {
        if self.line.is_empty() { None } else { Regex::new(&self.line).ok() }
    }

    fn least(&self) -> usize {
        let end = |column: &FixedColumn| column.from.saturating_sub(1) + column.width;
        match self.least {
            0 => self.columns.iter().map(end).max().unwrap_or(0),
            least => least,
        }
    }
}

/// The table of a text of this shape.
pub(super) fn table(decoded: Decoded, shape: &FixedWidth) -> Result<Table, Refusal> {
    let Decoded { text, encoding, remarks } = decoded;
    if text.trim().is_empty() {
        return Err(Refusal::new("it is empty", "export it again, or remove it"));
    }
    let header: Vec<String> = shape.columns.iter().map(|column| column.name.clone()).collect();
    let lines = Lines { text, at: 0, number: 0 };
    let shape =
        Shape { pattern: shape.pattern(), least: shape.least(), columns: shape.columns.clone() };
    Ok(Table {
        sheet: String::new(),
        hidden: false,
        format: Format::of("fixed_width", encoding, remarks),
        groups: vec![String::new(); header.len()],
        header,
        header_row: 0,
        rows: Box::new(
            lines.map(move |(number, line)| Row { number, content: shape.content(&line) }),
        ),
        tally: Tally::default(),
    })
}

/// The lines of a text with their numbers, from 1.
struct Lines {
    text: String,
    at: usize,
    number: u32,
}

impl Iterator for Lines {
    type Item = (u32, String);

    fn next(&mut self) -> Option<(u32, String)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let line = rest[..end].trim_end_matches(['\n', '\r']).to_owned();
        self.at += end;
        self.number += 1;
        Some((self.number, line))
    }
}

/// [`FixedWidth`], ready to cut lines.
struct Shape {
    pattern: Option<Regex>,
    least: usize,
    columns: Vec<FixedColumn>,
}

impl Shape {
    fn content(&self, line: &str) -> Content {
        if line.trim().is_empty() {
            return Content::Skipped("blank");
        }
        let characters: Vec<char> = line.chars().collect();
        if characters.len() < self.least {
            return Content::Bad {
                code: "short_row",
                message: format!(
                    "the line has {} characters, the mapping wants {}",
                    characters.len(),
                    self.least
                ),
                raw: line.to_owned(),
            };
        }
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(line)) {
            return Content::Bad {
                code: "other_shape",
                message: "the line is not of the shape that the mapping gives".into(),
                raw: line.to_owned(),
            };
        }
        let cell = |column: &FixedColumn| -> String {
            let from = column.from.saturating_sub(1);
            let cut: String = characters.iter().skip(from).take(column.width).collect();
            cut.trim().to_owned()
        };
        Content::Data(StringRecord::from(self.columns.iter().map(cell).collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> FixedWidth {
        let column = |name: &str, from, width| FixedColumn { name: name.into(), from, width };
        FixedWidth {
            columns: vec![column("Code", 1, 4), column("Nom", 5, 6)],
            ..FixedWidth::default()
        }
    }

    fn read(text: &str, shape: &FixedWidth) -> Vec<String> {
        let decoded = Decoded { text: text.into(), encoding: String::new(), remarks: Vec::new() };
        let rows = table(decoded, shape).expect("it is read").rows;
        let told = |row: Row| match row.content {
            Content::Data(cells) => {
                format!("{} {}", row.number, cells.iter().collect::<Vec<_>>().join("|"))
            }
            Content::Skipped(reason) => format!("{} {reason}", row.number),
            Content::Bad { code, .. } => format!("{} {code}", row.number),
        };
        rows.map(told).collect()
    }

    #[test]
    fn columns_are_cut_by_characters_and_short_lines_are_rejects() {
        let text = "C1  Lefèvre \r\n\r\nC2  Roy\r\nC3  Müllers and more";
        assert_eq!(read(text, &shape()), ["1 C1|Lefèvr", "2 blank", "3 short_row", "4 C3|Müller"]);
        let shape = FixedWidth { least: 5, ..shape() };
        assert_eq!(read(text, &shape)[2], "3 C2|Roy");
    }

    #[test]
    fn a_shape_is_told_by_nine_lines_in_ten() {
        let shape = FixedWidth { line: r"^C\d".into(), ..shape() };
        assert!(shape.fits("C1\nC2\nC3\nC4\nC5\nC6\nC7\nC8\nC9\nTotal\n"));
        assert!(!shape.fits("C1\nTotal\n") && !shape.fits(""));
    }

    #[test]
    fn every_problem_is_told() {
        let shape = FixedWidth {
            encoding: "ebcdic".into(),
            line: "(".into(),
            columns: vec![FixedColumn::default()],
            ..FixedWidth::default()
        };
        assert_eq!(shape.problems().len(), 3);
    }
}
