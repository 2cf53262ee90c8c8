//! JSON: an array of objects, one object per line, or one object that holds an array of objects and little
//! else (`{"total": 2, "data": [...]}`). Nested objects are flattened with `.`, arrays of plain values
//! joined.
//!
//! The objects are found once to name the columns, and read again row by row.

use std::{collections::HashMap, ops::Range, sync::Arc};

use csv::StringRecord;
use serde_json::Value;

use super::{
    Content, Format, Refusal, Row, Table, Tally, container, encoding::Decoded, header,
    sheet::MOST_COLUMNS,
};

/// What joins the values of an array in one cell.
const LIST_SEPARATOR: &str = ", ";

/// The table of a JSON file.
pub(super) fn table(decoded: Decoded) -> Result<Table, Refusal> {
    let Decoded { text, encoding, mut remarks } = decoded;
    let text = Arc::new(text);
    let rows_in = match Wrapper::of(&text) {
        Some(wrapper) => {
            remarks.extend(wrapper.remark());
            wrapper.array
        }
        None => 0..text.len(),
    };

    let (header, columns) = columns_of(Pieces::of(text.clone(), rows_in.clone()), &mut remarks)?;
    let tally = Tally::default();
    let counts = tally.clone();
    let width = header.len();
    let rows = Pieces::of(text, rows_in).map(move |(number, piece)| {
        let content = match piece {
            Piece::Object(object) => {
                Content::Data(cells((number, &object), &columns, width, &counts))
            }
            Piece::Structure => Content::Skipped("structure"),
            Piece::Blank => Content::Skipped("blank"),
            Piece::Bad(raw) => {
                Content::Bad { code: "bad_json", message: "the line is no JSON object".into(), raw }
            }
        };
        Row { number, content }
    });
    Ok(Table::of_records(Format::of("json", encoding, remarks), header, rows, tally))
}

/// The names of the columns in the order in which they come, and where each stands.
fn columns_of(
    pieces: Pieces,
    remarks: &mut Vec<String>,
) -> Result<(Vec<String>, HashMap<String, usize>), Refusal> {
    let mut header: Vec<String> = Vec::new();
    let mut columns: HashMap<String, usize> = HashMap::new();
    let (mut objects, mut bad) = (0u64, 0u64);
    for (_, piece) in pieces {
        match piece {
            Piece::Object(object) => {
                objects += 1;
                for (name, _) in flattened(&object) {
                    columns.entry(name).or_insert_with_key(|name| {
                        header.push(name.clone());
                        header.len() - 1
                    });
                }
                if header.len() > MOST_COLUMNS as usize {
                    return Err(container::too_wide());
                }
            }
            Piece::Bad(_) => bad += 1,
            Piece::Structure | Piece::Blank => {}
        }
    }
    match (objects, bad) {
        (0, 0) => remarks.push("there are no objects in it".into()),
        (0, _) => {
            return Err(Refusal::new(
                "it starts like JSON but holds no object",
                "export it again, as an array of objects or one object per line",
            ));
        }
        _ => {}
    }
    Ok((header, columns))
}

fn cells(
    (number, object): (u32, &Value),
    columns: &HashMap<String, usize>,
    width: usize,
    tally: &Tally,
) -> StringRecord {
    let mut cells = vec![String::new(); width];
    for (name, text) in flattened(object) {
        let text =
            header::unwrapped(&text, (number, columns.get(&name).copied()), tally).unwrap_or(text);
        if let Some(&column) = columns.get(&name) {
            cells[column] = text;
        }
    }
    StringRecord::from(cells)
}

/// Name and text of each plain value, in order: `address.city`, `tags`, `contacts.0.name`.
fn flattened(value: &Value) -> Vec<(String, String)> {
    fn visit(name: &str, value: &Value, into: &mut Vec<(String, String)>) {
        let inner =
            |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    visit(&inner(key), member, into);
                }
            }
            Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
                for (at, item) in items.iter().enumerate() {
                    visit(&inner(&at.to_string()), item, into);
                }
            }
            Value::Array(items) => {
                let texts: Vec<String> =
                    items.iter().map(plain).filter(|text| !text.is_empty()).collect();
                into.push((name.to_owned(), texts.join(LIST_SEPARATOR)));
            }
            value => into.push((name.to_owned(), plain(value))),
        }
    }
    let mut into = Vec::new();
    visit("", value, &mut into);
    into
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            // Programs write whole numbers with a fraction or an exponent; people look for digits.
            match number.as_f64() {
                Some(float) if number.is_f64() => super::workbook::number_text(float),
                _ => number.to_string(),
            }
        }
        other => other.to_string(),
    }
}

/// What stands on the lines of a JSON file.
enum Piece {
    Object(Value),
    /// A line with nothing but brackets and commas.
    Structure,
    Blank,
    /// A line that is no JSON, as read.
    Bad(String),
}

/// An object around the array that holds the rows.
struct Wrapper {
    /// Where the array stands in the text.
    array: Range<usize>,
    /// Its name: `data`, `response.items`.
    name: String,
    /// What else the object says, by name.
    besides: Vec<String>,
}

impl Wrapper {
    /// The wrapper, when the whole text is one object in which exactly one array of objects stands, one
    /// or two levels down.
    fn of(text: &str) -> Option<Wrapper> {
        let start = text.find(|c: char| !c.is_whitespace())?;
        let mut members = Vec::new();
        let end = scan_object(text, start, "", &mut members)?;
        if !text[end..].trim().is_empty() {
            return None;
        }
        let (arrays, besides): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|member| member.holds_objects);
        let [array] = <[Member; 1]>::try_from(arrays).ok()?;
        let besides = besides.into_iter().map(|member| member.name).collect();
        Some(Wrapper { array: array.value, name: array.name, besides })
    }

    fn remark(&self) -> Option<String> {
        let list = self.besides.join("`, `");
        let rows = &self.name;
        (!list.is_empty()).then(|| format!("the rows are `{rows}`; beside them it holds `{list}`"))
    }
}

/// A value of an object.
struct Member {
    /// Its name, after that of the object it stands in: `response.items`.
    name: String,
    value: Range<usize>,
    /// Whether it is an array of objects.
    holds_objects: bool,
}

/// The values of the object that starts at `at`, and of those in it; where the object ends. `None` when
/// it is damaged.
fn scan_object(text: &str, at: usize, within: &str, into: &mut Vec<Member>) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = skip_blanks(bytes, at);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at = skip_blanks(bytes, at + 1);
    while bytes.get(at) != Some(&b'}') {
        let key_end = skip_value(bytes, at)?;
        let key: String = serde_json::from_str(&text[at..key_end]).ok()?;
        let name = if within.is_empty() { key } else { format!("{within}.{key}") };
        at = skip_blanks(bytes, key_end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        let start = skip_blanks(bytes, at + 1);
        let end = match bytes.get(start)? {
            b'{' if within.is_empty() => scan_object(text, start, &name, into)?,
            first => {
                let holds_objects =
                    *first == b'[' && bytes.get(skip_blanks(bytes, start + 1)) == Some(&b'{');
                let end = skip_value(bytes, start)?;
                into.push(Member { name, value: start..end, holds_objects });
                end
            }
        };
        at = skip_blanks(bytes, end);
        match bytes.get(at)? {
            b',' => at = skip_blanks(bytes, at + 1),
            b'}' => {}
            _ => return None,
        }
    }
    Some(at + 1)
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the value that starts at `at` ends: brackets are counted, what stands in them is not judged.
fn skip_value(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += 1;
                loop {
                    match bytes.get(at)? {
                        b'"' => break,
                        b'\\' => at += 2,
                        _ => at += 1,
                    }
                }
                at += 1;
            }
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            // A number or a word.
            _ if depth == 0 => {
                let rest = &bytes[at..];
                let end =
                    |b: &u8| matches!(b, b',' | b'}' | b']' | b':') || b.is_ascii_whitespace();
                return Some(at + rest.iter().position(end)?).filter(|end| *end > at);
            }
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The pieces of a JSON text, each with the line it starts on.
struct Pieces {
    text: Arc<String>,
    /// Where the rows stand; all around them is structure.
    rows_in: Range<usize>,
    at: usize,
    line: u32,
    /// Whether something was given for the current line already.
    line_is_told: bool,
    /// Whether brackets were seen on the current line.
    structure: bool,
}

impl Pieces {
    fn of(text: Arc<String>, rows_in: Range<usize>) -> Pieces {
        Pieces { text, rows_in, at: 0, line: 1, line_is_told: false, structure: false }
    }

    /// Ends the current line; what it was when nothing stood on it but brackets.
    fn end_line(&mut self) -> Option<(u32, Piece)> {
        let told = std::mem::replace(&mut self.line_is_told, false);
        let structure = std::mem::replace(&mut self.structure, false);
        let piece = if structure { Piece::Structure } else { Piece::Blank };
        let number = self.line;
        self.line += 1;
        (!told).then_some((number, piece))
    }

    /// Reads the object that starts here. Lines it runs over belong to it.
    fn object(&mut self) -> (u32, Piece) {
        let rest = &self.text[self.at..];
        let line = self.line;
        let first_on_line = !self.line_is_told;
        self.line_is_told = true;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        match values.next() {
            Some(Ok(object)) if object.is_object() => {
                let taken = values.byte_offset();
                self.line += rest[..taken].matches('\n').count() as u32;
                self.at += taken;
                (line, Piece::Object(object))
            }
            _ => {
                let end = rest.find('\n').unwrap_or(rest.len());
                let raw = rest[..end].trim_end().to_owned();
                self.at += end;
                debug_assert!(first_on_line || !raw.is_empty());
                (line, Piece::Bad(raw))
            }
        }
    }
}

impl Iterator for Pieces {
    type Item = (u32, Piece);

    fn next(&mut self) -> Option<(u32, Piece)> {
        loop {
            match self.text.as_bytes().get(self.at) {
                None if self.line_is_told || self.structure => {
                    // The last line has no end of its own.
                    if let Some(piece) = self.end_line() {
                        return Some(piece);
                    }
                }
                None => return None,
                Some(b'\n') => {
                    self.at += 1;
                    if let Some(piece) = self.end_line() {
                        return Some(piece);
                    }
                }
                Some(b) if b.is_ascii_whitespace() => self.at += 1,
                Some(b'[' | b']' | b',') => {
                    self.at += 1;
                    self.structure = true;
                }
                Some(_) if !self.rows_in.contains(&self.at) => {
                    self.at += 1;
                    self.structure = true;
                }
                Some(_) => return Some(self.object()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Vec<String>) {
        let decoded = Decoded { text: text.into(), encoding: "UTF-8".into(), remarks: Vec::new() };
        let table = table(decoded).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let header = table.header.join("|");
        let rows = table.rows.map(|row| match row.content {
            Content::Data(cells) => {
                format!("{}: {}", row.number, cells.iter().collect::<Vec<_>>().join("|"))
            }
            Content::Skipped(reason) => format!("{} {reason}", row.number),
            Content::Bad { code, .. } => format!("{} {code}", row.number),
        });
        (header, rows.collect())
    }

    #[test]
    fn arrays_have_one_row_per_object_wherever_it_starts() {
        let (header, rows) =
            read("[\n{\"a\": 1, \"b\": \"x\"},\n{\n \"a\": 2.0,\n \"c\": true}\n\n]\n");
        assert_eq!(header, "a|b|c");
        assert_eq!(rows, ["1 structure", "2: 1|x|", "3: 2||true", "6 blank", "7 structure"]);
    }

    #[test]
    fn lines_that_are_no_json_are_bad_and_cost_nothing_else() {
        let (_, rows) = read("{\"a\": \"1\"}\n{\"a\": \noops\n{\"a\": \"2\"}");
        assert_eq!(rows, ["1: 1", "2 bad_json", "3 bad_json", "4: 2"]);
    }

    #[test]
    fn an_object_around_one_array_of_objects_is_no_row() {
        let (header, rows) =
            read("{\"total\": 2, \"a\": {\n\"data\": [{\"a\": 1},\n{\"a\": \"]\\\"\"}]\n}}\n");
        assert_eq!(header, "a");
        assert_eq!(rows, ["1 structure", "2: 1", "3: ]\"", "4 structure"]);
        let (header, rows) = read("{\"a\": [{\"x\": 1}], \"b\": [{\"x\": 2}]}");
        assert_eq!(
            (header.as_str(), rows.len()),
            ("a.0.x|b.0.x", 1),
            "which of them are the rows?"
        );
        let (header, rows) = read("{\"a\": [{\"x\": 1}]}\n{\"a\": [{\"x\": 2}]}");
        assert_eq!((header.as_str(), rows.len()), ("a.0.x", 2), "one object per line");
    }

    #[test]
    fn nested_objects_are_flattened_and_lists_joined() {
        let (header, rows) =
            read("[{\"p\": {\"n\": \"A\"}, \"t\": [\"x\", \"y\"], \"l\": [{\"k\": null}]}]");
        assert_eq!((header.as_str(), rows), ("p.n|t|l.0.k", vec!["1: A|x, y|".to_owned()]));
    }
}
