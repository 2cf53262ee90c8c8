//! What one cell of a sheet holds, as text: dates ISO, numbers with the digits people see.

use std::borrow::Cow;

use calamine::{CellErrorType, Data, DataRef, ExcelDateTime};

use super::{Odd, Tally, header};

/// What a cell holds, whichever format it came from.
pub(super) enum Value<'a> {
    Nothing,
    Text(&'a str),
    Whole(i64),
    Number(f64),
    Truth(bool),
    Moment(ExcelDateTime),
    /// As the spreadsheet shows it: `#N/A`.
    Error(&'a str),
}

impl<'a> From<&'a DataRef<'_>> for Value<'a> {
    fn from(cell: &'a DataRef<'_>) -> Value<'a> {
        match cell {
            DataRef::Empty => Value::Nothing,
            DataRef::Int(number) => Value::Whole(*number),
            DataRef::Float(number) => Value::Number(*number),
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                Value::Text(text)
            }
            DataRef::SharedString(text) => Value::Text(text),
            DataRef::Bool(truth) => Value::Truth(*truth),
            DataRef::DateTime(moment) => Value::Moment(*moment),
            DataRef::Error(error) => Value::Error(shown(error)),
        }
    }
}

impl<'a> From<&'a Data> for Value<'a> {
    fn from(cell: &'a Data) -> Value<'a> {
        match cell {
            Data::Empty => Value::Nothing,
            Data::Int(number) => Value::Whole(*number),
            Data::Float(number) => Value::Number(*number),
            Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => {
                Value::Text(text)
            }
            Data::Bool(truth) => Value::Truth(*truth),
            Data::DateTime(moment) => Value::Moment(*moment),
            Data::Error(error) => Value::Error(shown(error)),
        }
    }
}

/// What a spreadsheet shows of an error.
fn shown(error: &CellErrorType) -> &'static str {
    match error {
        CellErrorType::Div0 => "#DIV/0!",
        CellErrorType::NA => "#N/A",
        CellErrorType::Name => "#NAME?",
        CellErrorType::Null => "#NULL!",
        CellErrorType::Num => "#NUM!",
        CellErrorType::Ref => "#REF!",
        CellErrorType::Value => "#VALUE!",
        CellErrorType::GettingData => "#GETTING_DATA",
    }
}

impl<'a> Value<'a> {
    /// The cell of this row and column as text; `digits` is how many its number format always shows.
    pub(super) fn text(
        &self,
        digits: usize,
        (row, column): (u32, usize),
        tally: &Tally,
    ) -> Cow<'a, str> {
        match self {
            Value::Nothing => "".into(),
            Value::Text(text) => {
                let text = text.strip_suffix("T00:00:00").unwrap_or(text);
                let text = header::unwrapped(text, (row, Some(column)), tally)
                    .map_or(Cow::Borrowed(text), Cow::Owned);
                // What a person typed as one line break.
                if text.contains('\r') { text.replace("\r\n", "\n").into() } else { text }
            }
            Value::Whole(number) => padded(number.to_string(), digits).into(),
            Value::Number(number) => padded(number_text(*number), digits).into(),
            Value::Truth(truth) => truth.to_string().into(),
            Value::Moment(moment) => moment_text(*moment).into(),
            Value::Error(shown) => {
                tally.fault(row, Some(column), Odd::ErrorCell, || (*shown).to_owned());
                "".into()
            }
        }
    }
}

/// A number as people read it: no exponent, no `.0`, and the 15 digits that spreadsheets show, which
/// drops the noise of sums (`0.1 + 0.2`).
pub(super) fn number_text(number: f64) -> String {
    let shown: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    // Whole numbers up to 2^53 are exact, and identifiers may need all their digits.
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    let text = if exact { number.to_string() } else { shown.to_string() };
    if text == "-0" { "0".into() } else { text }
}

fn padded(digits: String, width: usize) -> String {
    if digits.len() < width && digits.bytes().all(|b| b.is_ascii_digit()) {
        format!("{digits:0>width$}")
    } else {
        digits
    }
}

/// The characters of a number format that are its own, of the part for positive numbers: without text in quotes,
/// what stands in brackets, and single characters that are shown as they are.
fn signs(format: &str) -> impl Iterator<Item = char> {
    let mut chars = format.chars();
    std::iter::from_fn(move || {
        loop {
            match chars.next()? {
                ';' => return None,
                '"' => drop(chars.by_ref().find(|&c| c == '"')),
                '[' => drop(chars.by_ref().find(|&c| c == ']')),
                '\\' | '_' | '*' => drop(chars.next()),
                c => return Some(c),
            }
        }
    })
}

/// How many digits a number format always shows, for formats that are nothing but digits and signs
/// between them: 5 for `00000`, 10 for `0#" "##" "##" "##" "##`, 0 for all others.
pub(super) fn padded_digits(format: &str) -> usize {
    let mut digits = 0;
    for sign in signs(format) {
        match sign {
            '0' => digits += 1,
            // Behind the first 0 all places are shown.
            '#' | '?' if digits > 0 => digits += 1,
            '#' | '?' | ' ' | '-' | '\u{a0}' | '\u{202f}' | '(' | ')' | '+' => {}
            _ => return 0,
        }
    }
    if digits >= 2 { digits } else { 0 }
}

/// Whether a number format shows a date or a time.
pub(super) fn is_date(format: &str) -> bool {
    signs(format).any(|sign| matches!(sign.to_ascii_lowercase(), 'd' | 'm' | 'y' | 'h' | 's'))
}

/// ISO: `2019-03-12`, `2019-03-12T08:30:00`, `08:30:00`; a span of time as `26:30:00`.
fn moment_text(moment: ExcelDateTime) -> String {
    let value = moment.as_f64();
    // Beyond the year 9999 or before the calendar: no date, whatever the cell's format says.
    if !(0.0..2_958_466.0).contains(&value) {
        return number_text(value);
    }
    if moment.is_duration() {
        let seconds = (value * 86_400.0).round() as u64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    match () {
        () if value > 0.0 && value < 1.0 => time,
        () if (hour, minute, second) == (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        () => format!("{year:04}-{month:02}-{day:02}T{time}"),
    }
}

/// A date, time or both that a file writes as text: without the fractions of a second and the
/// midnight that all dates carry, and without the first day of the calendar that all times do.
pub(super) fn plain_moment(text: &str) -> String {
    let text = text.trim();
    let seconds = match text.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(|b| b.is_ascii_digit()) => whole,
        _ => text,
    };
    match seconds.split_once('T') {
        Some((date, "00:00:00")) => date.to_owned(),
        Some(("1899-12-30" | "1899-12-31" | "1904-01-01", time)) => time.to_owned(),
        _ => seconds.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        let cases = [
            (12345678900011.0, "12345678900011"),
            (1.0, "1"),
            (75756.44, "75756.44"),
            (0.1 + 0.2, "0.3"),
            (-0.0, "0"),
            (1e21, "1000000000000000000000"),
            (4378945.920000001, "4378945.92"),
        ];
        for (number, text) in cases {
            assert_eq!(number_text(number), text);
        }
    }

    #[test]
    fn formats_of_dates_are_told_from_others() {
        for format in ["dd/mm/yyyy", "[$-40C]d mmm yyyy", "yyyy\\-mm\\-dd;;@", "h:mm"] {
            assert!(is_date(format), "{format}");
        }
        for format in ["General", "00000", "#,##0.00\\ \"de\"", "[Red]0", "@"] {
            assert!(!is_date(format), "{format}");
        }
    }

    #[test]
    fn moments_written_as_text_are_plain() {
        assert_eq!(plain_moment("2019-03-12T00:00:00.000"), "2019-03-12");
        assert_eq!(plain_moment("1899-12-31T08:30:00.000"), "08:30:00");
        assert_eq!(plain_moment("2019-03-12T08:30:00"), "2019-03-12T08:30:00");
    }

    #[test]
    fn formats_of_digits_carry_leading_zeros() {
        assert_eq!(padded_digits("00000"), 5);
        assert_eq!(padded_digits("0#\" \"##\" \"##\" \"##\" \"##"), 10);
        assert_eq!(padded_digits("00\\ 00\\ 00\\ 00\\ 00"), 10);
        for other in ["General", "0", "0.00", "#,##0", "0%", "dd/mm/yyyy", "@", "0E+00"] {
            assert_eq!(padded_digits(other), 0, "{other}");
        }
        assert_eq!(padded("1600".into(), 5), "01600");
    }
}
