//! Dates.

use jiff::civil;

use super::{Invalid, text};

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
    let (day, time) = split_time(&cleaned);
    let date = parse_day(day, order, pivot).ok_or_else(|| {
        Invalid::new("bad_date", "it is not a date of the calendar", "write it as year-month-day")
    })?;
    let whole = date.len() == 10 && !date.starts_with('-');
    match time {
        Some(time) if whole => Ok(format!("{date}{time}")),
        _ => Ok(date),
    }
}

/// The order of day and month that the dates of one column show.
pub fn order_of<'a>(column: impl IntoIterator<Item = &'a str>) -> Order {
    let (mut day_first, mut month_first) = (0u64, 0u64);
    for text in column {
        let (day, _) = split_time(text.trim());
        let fields: Vec<&str> = day.split(['/', '-', '.']).collect();
        let (Some(first), Some(second)) = (fields.first(), fields.get(1)) else { continue };
        if first.len() > 2 || second.len() > 2 || fields.len() > 3 {
            continue;
        }
        if let (Ok(first), Ok(second)) = (first.parse::<u8>(), second.parse::<u8>()) {
            day_first += u64::from(first > 12 && (1..=12).contains(&second));
            month_first += u64::from(second > 12 && (1..=12).contains(&first));
        }
    }
    if month_first > day_first { Order::MonthFirst } else { Order::DayFirst }
}

/// The text before the time, and the time as `T12:00:00` with its zone; none at midnight or when absent.
fn split_time(text: &str) -> (&str, Option<String>) {
    let Some(colon) = text.find(':') else { return (text, None) };
    let head = &text[..colon];
    let Some(at) = head.rfind([' ', 'T', 't', ',']) else { return (text, None) };
    let (day, written) = (text[..at].trim_end_matches([',', ' ']), text[at + 1..].trim());
    match parse_time(written) {
        Some(time) => (day.strip_suffix(" à").unwrap_or(day), time),
        None => (text, None),
    }
}

/// The canonical time; none inside for midnight without a zone.
fn parse_time(written: &str) -> Option<Option<String>> {
    let lower = written.to_ascii_lowercase();
    let (clock, afternoon) = match (lower.strip_suffix("pm"), lower.strip_suffix("am")) {
        (Some(clock), _) => (clock.trim().to_owned(), Some(true)),
        (_, Some(clock)) => (clock.trim().to_owned(), Some(false)),
        _ => (lower.clone(), None),
    };
    let clock = clock.strip_suffix("utc").map(|c| format!("{}z", c.trim())).unwrap_or(clock);
    let zone_at = clock.find(['z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone_at);
    let zone = match zone.trim() {
        "" => String::new(),
        "z" => "Z".to_owned(),
        offset => {
            let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
            let (hours, minutes) = (digits.get(..2)?, digits.get(2..4).unwrap_or("00"));
            if digits.len() > 4
                || hours.parse::<u8>().ok()? > 14
                || minutes.parse::<u8>().ok()? > 59
            {
                return None;
            }
            if (hours, minutes) == ("00", "00") {
                "Z".to_owned()
            } else {
                format!("{}{hours}:{minutes}", &offset[..1])
            }
        }
    };
    let mut fields = clock
        .trim()
        .split(':')
        .map(|field| field.split(['.', ',']).next().unwrap_or_default().trim());
    let number = |field: Option<&str>| field.map_or(Some(0), |f| f.parse::<i8>().ok());
    let (hour, minute, second) =
        (fields.next()?.parse::<i8>().ok()?, number(fields.next())?, number(fields.next())?);
    let hour = match afternoon {
        Some(true) if hour < 12 => hour + 12,
        Some(false) if hour == 12 => 0,
        _ => hour,
    };
    let time = civil::Time::new(hour, minute, second, 0).ok()?;
    let midnight = time == civil::Time::midnight() && zone.is_empty();
    Some(
        (!midnight).then(|| {
            format!("T{:02}:{:02}:{:02}{zone}", time.hour(), time.minute(), time.second())
        }),
    )
}

fn parse_day(text: &str, order: Order, pivot: i16) -> Option<String> {
    if let Some(yearless) = text.strip_prefix("--") {
        let (month, day) = yearless.split_once('-').or_else(|| {
            (yearless.len() == 4 && yearless.is_ascii()).then(|| yearless.split_at(2))
        })?;
        return month_day(month.parse().ok()?, day.parse().ok()?);
    }
    if text.chars().any(char::is_alphabetic) {
        return with_month_name(text, pivot);
    }
    let fields: Vec<&str> =
        text.split(['/', '-', '.', ' ', ',']).filter(|f| !f.is_empty()).collect();
    if !fields.iter().all(|f| f.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    match fields.as_slice() {
        [one] => from_digits(one),
        // A serial day with a part of a day: `39814.5`.
        [day, part] if day.len() == 5 && text.contains(['.', ',']) && !part.is_empty() => {
            from_digits(day)
        }
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

fn from_digits(digits: &str) -> Option<String> {
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    match digits.len() {
        4 => year_only(part(0, 4)?),
        5 => {
            // Serial day 1 is 1900-01-01, and the sheet believes in 1900-02-29.
            let days: i64 = digits.parse().ok()?;
            let date = civil::date(1899, 12, 30).checked_add(jiff::Span::new().days(days)).ok()?;
            (1900..=2100).contains(&date.year()).then(|| date.to_string())
        }
        6 => year_month(part(0, 4)?, part(4, 6)? as i8),
        8 => full(part(0, 4)?, part(4, 6)? as i8, part(6, 8)? as i8)
            .or_else(|| full(part(4, 8)?, part(2, 4)? as i8, part(0, 2)? as i8)),
        12 | 14 => full(part(0, 4)?, part(4, 6)? as i8, part(6, 8)? as i8),
        _ => None,
    }
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
    let folded = text::fold(text);
    let (mut month, mut numbers) = (None, Vec::new());
    for word in folded.split(' ') {
        let number = word
            .strip_suffix("er")
            .or_else(|| word.strip_suffix("st"))
            .or_else(|| word.strip_suffix("nd"))
            .or_else(|| word.strip_suffix("rd"))
            .or_else(|| word.strip_suffix("th"))
            .filter(|stem| !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_digit()))
            .unwrap_or(word);
        if number.bytes().all(|b| b.is_ascii_digit()) {
            numbers.push(number);
        } else if let Some(named) = month_named(word) {
            if month.replace(named).is_some() {
                return None;
            }
        } else if !matches!(word, "le" | "the" | "of" | "de" | "del" | "den" | "di" | "du")
            && !is_weekday(word)
        {
            return None;
        }
    }
    let month = month?;
    match numbers.as_slice() {
        [year] if year.len() == 4 => year_month(year.parse().ok()?, month),
        // `12 mars`, `mars 18`: without a whole year, a number is a day.
        [day] => month_day(month, day.parse().ok()?),
        [year, day] if year.len() == 4 => full(year.parse().ok()?, month, day.parse().ok()?),
        [day, year] => full(whole_year(year, pivot)?, month, day.parse().ok()?),
        _ => None,
    }
}

/// The month that a folded word names, in French, English, German, Spanish, Italian or Dutch, whole or cut.
fn month_named(word: &str) -> Option<i8> {
    Some(match word {
        "janvier" | "janv" | "jan" | "january" | "januar" | "jaenner" | "enero" | "ene"
        | "gennaio" | "gen" | "januari" => 1,
        "fevrier" | "fevr" | "fev" | "feb" | "february" | "februar" | "febrero" | "febbraio"
        | "februari" => 2,
        "mars" | "mar" | "march" | "marz" | "maerz" | "mrz" | "marzo" | "maart" | "mrt" => 3,
        "avril" | "avr" | "apr" | "april" | "abril" | "abr" | "aprile" => 4,
        "mai" | "may" | "mayo" | "maggio" | "mag" | "mei" => 5,
        "juin" | "jun" | "june" | "juni" | "junio" | "giugno" | "giu" => 6,
        "juillet" | "juil" | "jul" | "july" | "juli" | "julio" | "luglio" | "lug" => 7,
        "aout" | "aou" | "aug" | "august" | "agosto" | "ago" | "augustus" => 8,
        "septembre" | "sept" | "sep" | "september" | "septiembre" | "settembre" | "set" => 9,
        "octobre" | "oct" | "october" | "oktober" | "okt" | "octubre" | "ottobre" | "ott" => 10,
        "novembre" | "nov" | "november" | "noviembre" => 11,
        "decembre" | "dec" | "december" | "dezember" | "dez" | "diciembre" | "dic" | "dicembre" => {
            12
        }
        _ => return None,
    })
}

fn is_weekday(word: &str) -> bool {
    const WEEKDAYS: [&str; 30] = [
        "lundi",
        "mardi",
        "mercredi",
        "jeudi",
        "vendredi",
        "samedi",
        "dimanche",
        "lun",
        "mer",
        "jeu",
        "ven",
        "sam",
        "dim",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "montag",
        "mittwoch",
        "freitag",
    ];
    WEEKDAYS.contains(&word)
}

/// The years that a customer file can speak of, birth dates and "no end" included.
fn plausible(year: i16) -> bool {
    (1800..=2999).contains(&year) || matches!(year, 1 | 9999 | 1601 | 1753 | 4501)
}

fn full(year: i16, month: i8, day: i8) -> Option<String> {
    let date = civil::Date::new(year, month, day).ok()?;
    plausible(year).then(|| date.to_string())
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
                ("39814.5", "2009-01-01"),
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
