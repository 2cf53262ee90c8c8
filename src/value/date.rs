//! Dates.

use std::{cmp::Ordering, collections::BTreeMap, sync::LazyLock};

use jiff::civil;
use regex::Regex;
use serde::Deserialize;

use super::{
    Invalid, Issue,
    dictionary::{self, HashMap, HashSet, Words},
    text,
};

/// The order of day and month in dates written with numbers alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Order {
    #[default]
    DayFirst,
    MonthFirst,
}

/// Of a year of two digits, the last that is of this century: `30` is 2030, `31` is 1931.
const PIVOT: i16 = 30;

/// The same for birth dates, which lie in the past of people at work.
const BIRTH_PIVOT: i16 = 9;

/// The ISO form, as precise as what is written: `2012-05-31`, `2012-05`, `2012`, `--05-31`; with the
/// time where there is one (`2012-05-31T12:00:00Z`).
///
/// Where the order makes no date (`05/31/2012`) the other is taken. A number of five digits is a
/// spreadsheet's serial day. Midnight is no time.
pub fn normalize(text: &str, order: Order) -> Result<String, Invalid> {
    read(text, order, PIVOT)
}

/// A birth date: years of two digits lie in the past.
pub fn normalize_birth(text: &str, order: Order) -> Result<String, Invalid> {
    read(text, order, BIRTH_PIVOT)
}

fn read(text: &str, order: Order, pivot: i16) -> Result<String, Invalid> {
    let cleaned = text::clean(text);
    let unread = || {
        Invalid::new("bad_date", "it is not a date of the calendar", "write it as year-month-day")
    };
    if let Some(moment) = compact_moment(&cleaned) {
        return Ok(moment);
    }
    let (day, time) = split_time(&cleaned).ok_or_else(unread)?;
    if let Some(moment) = serial_moment(&day) {
        return Ok(moment);
    }
    let date = parse_day(&day, order, pivot).ok_or_else(unread)?;
    let whole = date.len() == 10 && !date.starts_with('-');
    Ok(if whole { date + &time } else { date })
}

/// What a steward should know of a date that was read: what was guessed. `is_order_shown` tells that other
/// dates of the column leave no doubt on the order of day and month.
pub fn issues(text: &str, order: Order, is_order_shown: bool) -> Vec<Issue> {
    if is_iso_day(text) {
        return Vec::new();
    }
    let cleaned = text::clean(text);
    let day = split_time(&cleaned).map_or(cleaned.clone(), |(day, _)| day);
    let fields = number_fields(&day);
    let mut issues = Vec::new();
    let named = day.chars().any(char::is_alphabetic);
    let last = fields.last().copied().unwrap_or_default();
    let numbers = fields.iter().filter(|f| f.bytes().all(|b| b.is_ascii_digit()));
    let year_first = numbers.clone().next().is_some_and(|first| first.len() == 4);
    // `mars-18` is a month of 2018, `mars 18` its eighteenth.
    let month_and_year = fields.len() == 2 && named && day.contains('-') && day.ends_with(last);
    let has_year = fields.len() >= 3 && numbers.count() >= 2 || month_and_year;
    if last.len() == 2 && last.bytes().all(|b| b.is_ascii_digit()) && !year_first && has_year {
        issues.push(Issue::likely("century_guessed", "its year has two digits"));
    }
    if let ([first, second, _], false) = (fields.as_slice(), named)
        && first.len() <= 2
        && let (Ok(first), Ok(second)) = (first.parse::<u8>(), second.parse::<u8>())
    {
        let (day, month) = if order == Order::DayFirst { (first, second) } else { (second, first) };
        if month > 12 && day <= 12 {
            issues.push(Issue::likely(
                "other_order",
                "day and month stand in another order than the column's",
            ));
        } else if first <= 12 && second <= 12 && first != second && !is_order_shown {
            issues.push(Issue::doubtful(
                "day_month_doubt",
                "day and month may be the other way round",
            ));
        }
    }
    if serial_moment(&day).is_some() {
        issues.push(Issue::likely("serial_day", "it is a spreadsheet's serial day"));
    }
    issues
}

/// Whether the text is written as `2012-05-31`, which leaves nothing to guess.
fn is_iso_day(text: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(fits)
}

/// Whether the text is a day of the calendar as [`normalize`] writes it, and nothing is to be told of it.
pub(crate) fn is_plain(text: &str) -> bool {
    let part = |from, to| number(text, from, to);
    let day = || calendar_day(part(0, 4)?, part(5, 7)? as i8, part(8, 10)? as i8);
    is_iso_day(text) && day().is_some()
}

/// The order of day and month that the dates of one column show.
pub fn order_of<'a>(column: impl IntoIterator<Item = &'a str>) -> Order {
    shown_order(column).unwrap_or_default()
}

/// The same; none where no date tells.
pub fn shown_order<'a>(column: impl IntoIterator<Item = &'a str>) -> Option<Order> {
    let (mut day_first, mut month_first) = (0u64, 0u64);
    for text in column {
        let day = text.trim().split([' ', 'T']).next().unwrap_or_default();
        let mut fields = day.split(['/', '-', '.']);
        let (Some(first), Some(second)) = (fields.next(), fields.next()) else { continue };
        if first.len() > 2 || second.len() > 2 || fields.nth(1).is_some() {
            continue;
        }
        if let (Ok(first), Ok(second)) = (first.parse::<u8>(), second.parse::<u8>()) {
            day_first += u64::from(first > 12 && (1..=12).contains(&second));
            month_first += u64::from(second > 12 && (1..=12).contains(&first));
        }
    }
    match day_first.cmp(&month_first) {
        Ordering::Greater => Some(Order::DayFirst),
        Ordering::Less => Some(Order::MonthFirst),
        Ordering::Equal => None,
    }
}

/// A time within a text: `12:30`, `12h30`, `1:05:09 p.m.`, `12:00:00.123 +02:00`.
static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)(?:^|[ ,]|\dT|à)\s*(?<hour>\d{1,2})[:h](?<minute>\d{2})(?::(?<second>\d{2})(?:[.,]\d+)?)?",
        r"(?:\s*(?<half>[ap])\.?m\.?)?\s*(?<zone>z|(?:utc|gmt)?\s*[+-]\d{2}(?::?\d{2})?|utc|gmt)?(?:$|[ ,])"
    ))
    .expect("the pattern is constant")
});

/// The text without its time, and the time as `T12:00:00` with its zone, empty at midnight or when absent. None
/// when the clock does not have it.
fn split_time(text: &str) -> Option<(String, String)> {
    let found = text.contains([':', 'h', 'H']).then(|| TIME.captures(text)).flatten();
    let Some(found) = found else { return Some((text.to_owned(), String::new())) };
    let number = |name: &str| found.name(name).map_or(Some(0), |m| m.as_str().parse::<i8>().ok());
    let hour = match (number("hour")?, found.name("half").map(|m| m.as_str())) {
        (12, Some("a" | "A")) => 0,
        (hour, Some("p" | "P")) if hour < 12 => hour + 12,
        (hour, _) => hour,
    };
    let zone = zone(found.name("zone").map_or("", |m| m.as_str()))?;
    let time = civil::Time::new(hour, number("minute")?, number("second")?, 0).ok()?;
    let start = found.name("hour").expect("the pattern has an hour").start();
    let whole = found.get(0).expect("the pattern matched");
    let before = text[..start].trim_end_matches([' ', ',', 'T', 't']);
    let before = before.strip_suffix(" à").unwrap_or(before);
    let day = format!("{before} {}", &text[whole.end()..]).trim().to_owned();
    let midnight = time == civil::Time::midnight() && zone.is_empty();
    let written = if midnight { String::new() } else { clock(time) + &zone };
    Some((day, written))
}

fn clock(time: civil::Time) -> String {
    format!("T{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}

/// The zone as `Z` or `+02:00`, empty where there is none.
fn zone(written: &str) -> Option<String> {
    let lower = written.to_ascii_lowercase();
    let offset = lower.trim_start_matches("utc").trim_start_matches("gmt").trim();
    if lower.is_empty() {
        return Some(String::new());
    }
    if matches!(offset, "" | "z") {
        return Some("Z".to_owned());
    }
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = (digits.get(..2)?, digits.get(2..4).unwrap_or("00"));
    if hours.parse::<u8>().ok()? > 14 || minutes.parse::<u8>().ok()? > 59 {
        return None;
    }
    Some(match (hours, minutes) {
        ("00", "00") => "Z".to_owned(),
        _ => format!("{}{hours}:{minutes}", &offset[..1]),
    })
}

/// Day and time without marks: `20120531123000`, `20120531T1230Z`.
fn compact_moment(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let (bare, zone) = upper.strip_suffix('Z').map_or((upper.as_str(), ""), |bare| (bare, "Z"));
    let digits = match bare.split_once('T') {
        Some((day, time)) if day.len() == 8 => format!("{day}{time}"),
        Some(_) => return None,
        None => bare.to_owned(),
    };
    if !matches!(digits.len(), 12 | 14) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let date =
        full(number(&digits, 0, 4)?, number(&digits, 4, 6)? as i8, number(&digits, 6, 8)? as i8)?;
    let part = |from: usize| number(&digits, from, from + 2).unwrap_or(0) as i8;
    let time = civil::Time::new(part(8), part(10), part(12), 0).ok()?;
    let midnight = time == civil::Time::midnight() && zone.is_empty();
    Some(if midnight { date } else { format!("{date}{}{zone}", clock(time)) })
}

fn number(digits: &str, from: usize, to: usize) -> Option<i16> {
    digits.get(from..to)?.parse().ok()
}

/// A spreadsheet's serial day of five digits, with a part of a day as its time: `41060.5`. Day 1 is 1900-01-01, and
/// the sheet believes in 1900-02-29. Sheets that count from 1904 tell so, and their cells come as dates.
fn serial_moment(text: &str) -> Option<String> {
    let (days, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if days.len() != 5 || !days.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let span = jiff::Span::new().days(days.parse::<i64>().ok()?);
    let date = civil::date(1899, 12, 30).checked_add(span).ok()?;
    if !(1900..=2100).contains(&date.year()) {
        return None;
    }
    // Parts of a day are written with up to ten digits; seconds need five.
    let scale = 10i64.pow(part.len().min(10) as u32);
    let seconds = match part.get(..part.len().min(10)) {
        None | Some("") => 0,
        Some(part) => (part.parse::<i64>().ok()? * 86_400 + scale / 2) / scale,
    };
    let time = civil::Time::midnight().wrapping_add(jiff::Span::new().seconds(seconds.min(86_399)));
    Some(if seconds == 0 { date.to_string() } else { format!("{date}{}", clock(time)) })
}

fn parse_day(text: &str, order: Order, pivot: i16) -> Option<String> {
    if let Some(yearless) = text.strip_prefix("--") {
        let (month, day) = yearless.split_once('-').or_else(|| {
            (yearless.len() == 4 && yearless.is_ascii()).then(|| yearless.split_at(2))
        })?;
        return month_day(month.parse().ok()?, day.parse().ok()?);
    }
    if let Some(date) = week_day(text) {
        return Some(date);
    }
    if text.chars().any(char::is_alphabetic) {
        return with_month_name(text, pivot);
    }
    let fields = number_fields(text);
    if !fields.iter().all(|f| f.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    match fields.as_slice() {
        [one] => from_digits(one, order),
        [year, day] if year.len() == 4 && day.len() == 3 => day_of_year(year, day),
        [year, month] if year.len() == 4 => year_month(year.parse().ok()?, month.parse().ok()?),
        [month, year] if year.len() == 4 => year_month(year.parse().ok()?, month.parse().ok()?),
        [first, second] => {
            let (first, second) = (first.parse().ok()?, second.parse().ok()?);
            let (day, month) =
                if order == Order::DayFirst { (first, second) } else { (second, first) };
            month_day(month, day).or_else(|| month_day(day, month))
        }
        [year, month, day] if year.len() == 4 => {
            full(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
        }
        [first, second, year] if year.len() <= 4 && first.len() <= 2 && second.len() <= 2 => {
            let year = whole_year(year, pivot)?;
            let (first, second) = (first.parse().ok()?, second.parse().ok()?);
            let (day, month) =
                if order == Order::DayFirst { (first, second) } else { (second, first) };
            full(year, month, day).or_else(|| full(year, day, month))
        }
        _ => None,
    }
}

/// The numbers of a date between its marks.
fn number_fields(text: &str) -> Vec<&str> {
    let marks = |c: char| matches!(c, '/' | '-' | '.' | ' ' | ',' | '\'' | '’');
    text.split(marks).filter(|field| !field.is_empty()).collect()
}

fn from_digits(digits: &str, order: Order) -> Option<String> {
    let part = |from: usize, to: usize| number(digits, from, to);
    match digits.len() {
        4 => year_only(part(0, 4)?),
        6 => year_month(part(0, 4)?, part(4, 6)? as i8),
        8 => full(part(0, 4)?, part(4, 6)? as i8, part(6, 8)? as i8).or_else(|| {
            let (year, first, second) = (part(4, 8)?, part(0, 2)? as i8, part(2, 4)? as i8);
            let (day, month) =
                if order == Order::DayFirst { (first, second) } else { (second, first) };
            full(year, month, day).or_else(|| full(year, day, month))
        }),
        _ => None,
    }
}

/// The day that ISO 8601 writes by its week: `2012-W22-4`.
fn week_day(text: &str) -> Option<String> {
    let (year, rest) = text.split_once(['w', 'W'])?;
    let year = year.strip_suffix('-').unwrap_or(year);
    let digits: String = rest.chars().filter(|c| *c != '-').collect();
    if year.len() != 4 || digits.len() != 3 {
        return None;
    }
    let weekday =
        jiff::civil::Weekday::from_monday_one_offset(number(&digits, 2, 3)? as i8).ok()?;
    let week = number(&digits, 0, 2)? as i8;
    let date = civil::ISOWeekDate::new(year.parse().ok()?, week, weekday).ok()?.date();
    plausible(date.year()).then(|| date.to_string())
}

fn day_of_year(year: &str, day: &str) -> Option<String> {
    let (year, day): (i16, i16) = (year.parse().ok()?, day.parse().ok()?);
    let date = civil::Date::new(year, 1, 1).ok()?.with().day_of_year(day).build().ok()?;
    plausible(year).then(|| date.to_string())
}

fn whole_year(text: &str, pivot: i16) -> Option<i16> {
    let year: i16 = text.parse().ok()?;
    match text.len() {
        4 => Some(year),
        2 => Some(if year <= pivot { 2000 + year } else { 1900 + year }),
        _ => None,
    }
}

fn with_month_name(text: &str, pivot: i16) -> Option<String> {
    let folded = text::fold(&apart(text));
    let (mut month, mut numbers) = (None, Vec::new());
    let (mut first_named, mut month_first) = ("", false);
    for word in folded.split(' ') {
        if word.bytes().all(|b| b.is_ascii_digit()) {
            numbers.push(word);
        } else if let Some(named) = NAMES.months.get(word) {
            // `mar.` is Tuesday too.
            if month.replace(*named).is_some_and(|_| first_named != "mar") {
                return None;
            }
            first_named = word;
            month_first = numbers.is_empty();
        } else if !NAMES.beside.contains(word) {
            return None;
        }
    }
    let month = month?;
    match numbers.as_slice() {
        [year] if year.len() == 4 => year_month(year.parse().ok()?, month),
        // A spreadsheet shows March 2018 as `mars-18`, and its eighteenth as `18-mars`.
        [year] if month_first && year.len() == 2 && text.contains('-') => {
            year_month(whole_year(year, pivot)?, month)
        }
        // `12 mars`, `March 18`: without a whole year, a number is a day.
        [day] => month_day(month, day.parse().ok()?),
        [year, day] if year.len() == 4 => full(year.parse().ok()?, month, day.parse().ok()?),
        [day, year] => full(whole_year(year, pivot)?, month, day.parse().ok()?),
        _ => None,
    }
}

/// The text with blanks where letters meet digits: `31MAY2012`, `1er`.
fn apart(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 4);
    let mut last = ' ';
    for c in text.chars() {
        if last.is_ascii_digit() && c.is_alphabetic() || last.is_alphabetic() && c.is_ascii_digit()
        {
            spaced.push(' ');
        }
        spaced.push(c);
        last = c;
    }
    spaced
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Calendar {
    months: BTreeMap<String, Words>,
    beside: Beside,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beside {
    words: Words,
}

struct Names {
    /// From a folded name to its month.
    months: HashMap<String, i8>,
    beside: HashSet<String>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let calendar: Calendar =
        dictionary::read(include_str!("../../mappings/dictionaries/calendar.toml"));
    let months = calendar.months.iter().flat_map(|(month, names)| {
        let month: i8 = month.parse().expect("the built-in calendar numbers its months");
        names.to_vec().into_iter().map(move |name| (name, month))
    });
    Names { months: months.collect(), beside: calendar.beside.words.to_set() }
});

/// The years that a customer file can speak of, birth dates and "no end" included.
fn plausible(year: i16) -> bool {
    (1800..=2999).contains(&year) || matches!(year, 1 | 9999 | 1601 | 1753 | 4501)
}

fn calendar_day(year: i16, month: i8, day: i8) -> Option<civil::Date> {
    let date = civil::Date::new(year, month, day).ok()?;
    plausible(year).then_some(date)
}

fn full(year: i16, month: i8, day: i8) -> Option<String> {
    Some(calendar_day(year, month, day)?.to_string())
}

fn year_month(year: i16, month: i8) -> Option<String> {
    ((1..=12).contains(&month) && plausible(year)).then(|| format!("{year:04}-{month:02}"))
}

fn year_only(year: i16) -> Option<String> {
    (1800..=2100).contains(&year).then(|| format!("{year:04}"))
}

/// A day without its year; 29 February is one.
fn month_day(month: i8, day: i8) -> Option<String> {
    civil::Date::new(2000, month, day).ok().map(|_| format!("--{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(cases: &[(&str, &str)], order: Order) {
        for (text, expected) in cases {
            let read = normalize(text, order).unwrap_or_else(|bad| format!("!{}", bad.code));
            assert_eq!(read, *expected, "{text}");
        }
    }

    #[test]
    fn dates_keep_the_precision_they_are_written_in() {
        read_all(
            &[
                ("31/05/2012", "2012-05-31"),
                ("31.05.12", "2012-05-31"),
                ("31-05-2012", "2012-05-31"),
                ("2012-05-31", "2012-05-31"),
                ("2012/5/31", "2012-05-31"),
                ("20120531", "2012-05-31"),
                ("31052012", "2012-05-31"),
                ("7 août 2015", "2015-08-07"),
                ("1er janvier 2015", "2015-01-01"),
                ("mars 2018", "2018-03"),
                ("03/2018", "2018-03"),
                ("2018-03", "2018-03"),
                ("2018", "2018"),
                ("39814", "2009-01-01"),
                ("12-Mar-18", "2018-03-12"),
                ("March 12, 2018", "2018-03-12"),
                ("lundi 12 mars 2018", "2018-03-12"),
                ("12. Mai 2018", "2018-05-12"),
                ("31/05/85", "1985-05-31"),
                ("05/31/2012", "2012-05-31"),
                ("04/05/2012", "2012-05-04"),
                ("--05-31", "--05-31"),
                ("31/05", "--05-31"),
                ("39814.5", "2009-01-01T12:00:00"),
            ],
            Order::DayFirst,
        );
        read_all(
            &[("04/05/2012", "2012-04-05"), ("05/31", "--05-31"), ("4/5/12", "2012-04-05")],
            Order::MonthFirst,
        );
    }

    #[test]
    fn times_stay_with_their_zone() {
        read_all(
            &[
                ("2012-05-31T12:00:00Z", "2012-05-31T12:00:00Z"),
                ("2012-05-31 12:30", "2012-05-31T12:30:00"),
                ("31-05-2012 08:05", "2012-05-31T08:05:00"),
                ("2012-05-31 00:00:00", "2012-05-31"),
                ("5/31/2012 1:05 PM", "2012-05-31T13:05:00"),
                ("2012-05-31T12:00:00.123+02:00", "2012-05-31T12:00:00+02:00"),
            ],
            Order::DayFirst,
        );
    }

    #[test]
    fn what_the_calendar_does_not_have_is_said() {
        for bad in [
            "31/02/2012",
            "32/01/2012",
            "hier",
            "2012-13-01",
            "0612345678",
            "12/2012/05",
            "99999",
            "",
        ] {
            assert!(normalize(bad, Order::DayFirst).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_column_shows_its_order() {
        assert_eq!(order_of(["01/02/2012", "31/05/2012", "03/04/2012"]), Order::DayFirst);
        assert_eq!(order_of(["01/02/2012", "05/31/2012"]), Order::MonthFirst);
        assert_eq!(order_of(["01/02/2012"]), Order::DayFirst);
        assert_eq!(order_of(["2012-05-31"]), Order::DayFirst);
    }

    #[test]
    fn people_are_born_in_the_past() {
        assert_eq!(normalize_birth("31/05/25", Order::DayFirst).as_deref(), Ok("1925-05-31"));
    }

    proptest! {
        #[test]
        fn a_plain_day_is_its_own_canonical_form(text in "[0-9]{4}-[0-1][0-9]-[0-3][0-9]|[0-9-]{8,11}|(19|20)[0-9]{2}-02-(28|29|30)") {
            for order in [Order::DayFirst, Order::MonthFirst] {
                if is_plain(&text) {
                    prop_assert_eq!(normalize(&text, order), Ok(text.clone()));
                    prop_assert_eq!(normalize_birth(&text, order), Ok(text.clone()));
                    prop_assert!(issues(&text, order, false).is_empty());
                }
            }
        }

        #[test]
        fn a_date_normalized_twice_is_the_same(
            text in "[0-9]{1,4}[/. -][0-9]{1,2}[/. -][0-9]{1,4}( [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?( PM)?)?|[0-9]{4,8}|[0-9]{1,2} (mars|May|août) [0-9]{2,4}|[0-9]{1,2}/[0-9]{1,4}",
            first in proptest::bool::ANY,
        ) {
            let order = if first { Order::DayFirst } else { Order::MonthFirst };
            if let Ok(once) = normalize(&text, order) {
                for again in [Order::DayFirst, Order::MonthFirst] {
                    prop_assert_eq!(normalize(&once, again), Ok(once.clone()));
                }
            }
        }
    }
}
