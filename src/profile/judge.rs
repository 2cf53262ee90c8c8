//! Whether a cell can be what its column holds, and what is odd about it.

use rust_decimal::Decimal;

use crate::{
    ingest::columns::{self, Class},
    model::{self, ValueKind},
    value::{
        Issue, boolean,
        date::{self, Order},
        email, identifier,
        money::{self, DecimalMark},
        person, phone, text, url,
    },
};

/// What one column holds, so far as its cells can be judged by it.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    /// The attribute, or empty.
    pub(super) attribute: String,
    /// The kind of its values; none for a column without any.
    pub(super) kind: Option<ValueKind>,
    /// Order of day and month that its dates show.
    pub(super) order: Option<Order>,
    /// The decimal mark that its amounts show.
    pub(super) mark: Option<DecimalMark>,
    /// ISO code of the country whose numbers have no country code.
    pub(super) country: String,
    /// Nobody is born after this ISO date; empty when nothing tells.
    pub(super) as_of: String,
    /// Whether its postcodes mostly have five digits, so that one of four may have lost a zero.
    pub(super) five_digits: bool,
}

/// Whether a cell is a value of its column's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validity {
    /// It is.
    Valid,
    /// It stands for no value.
    Placeholder,
    /// It is not.
    Invalid,
}

/// What is found out about one cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    /// Whether it is a value of its column's kind.
    pub(super) validity: Validity,
    /// What is suspicious about it: codes in order.
    pub(super) codes: Vec<&'static str>,
    /// Its place in the order of dates or numbers.
    pub(super) measure: Option<Measure>,
}

/// A value that has an order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Measure {
    /// An amount.
    Number(Decimal),
    /// An ISO date that knows its year.
    Date(String),
}

impl Measure {
    /// What it is counted under: the year of a date; the digits before the mark of a number, negative
    /// for a negative one, 0 for none.
    pub(super) fn bucket(&self) -> i32 {
        match self {
            Measure::Date(iso) => iso.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0),
            Measure::Number(number) => {
                let whole = number.abs().trunc().mantissa().unsigned_abs();
                let digits = whole.checked_ilog10().map_or(0, |ten| ten as i32 + 1);
                if number.is_sign_negative() { -digits } else { digits }
            }
        }
    }

    /// As it is shown.
    pub(super) fn text(&self) -> String {
        match self {
            Measure::Number(number) => number.to_string(),
            Measure::Date(iso) => iso.clone(),
        }
    }
}

/// Dates of events lie between these years in any file of customers; programs write others for "none".
const PLAUSIBLE_YEARS: std::ops::RangeInclusive<i32> = 1900..=2100;

impl Judge {
    /// What there is to say of a filled cell.
    pub(super) fn verdict(&self, cell: &str) -> Verdict {
        let mut verdict = Verdict { validity: Validity::Valid, codes: Vec::new(), measure: None };
        let Some(kind) = self.kind else { return verdict };
        if self.says_nothing(kind, cell) {
            verdict.validity = Validity::Placeholder;
            verdict.codes.push("placeholder");
            return verdict;
        }
        defects(kind, cell, &mut verdict.codes);
        match self.read(kind, cell) {
            Ok(measure) => verdict.measure = measure,
            Err("placeholder") => {
                verdict.validity = Validity::Placeholder;
                verdict.codes.push("placeholder");
            }
            Err(code) => {
                verdict.validity = Validity::Invalid;
                if !verdict.codes.contains(&code) {
                    verdict.codes.push(code);
                }
            }
        }
        if is_of_another_column(kind, cell, verdict.validity) {
            verdict.validity = Validity::Invalid;
            verdict.codes = vec!["wrong_column"];
        }
        if self.has_lost_zero(kind, cell) {
            verdict.codes.push("lost_zero");
        } else if verdict.validity == Validity::Valid {
            verdict.codes.extend(self.issues(kind, cell).iter().map(|issue| issue.code));
        }
        if let Some(Measure::Date(iso)) = &verdict.measure {
            let birth = self.attribute == "birth_date" && !self.as_of.is_empty();
            let year = iso.get(..4).and_then(|year| year.parse().ok());
            let odd = year.is_some_and(|year: i32| !PLAUSIBLE_YEARS.contains(&year));
            if odd || birth && iso.as_str() > self.as_of.as_str() {
                verdict.codes.push("implausible_date");
                // One slip of the pen would be the first or last date of the column.
                verdict.measure = verdict.measure.filter(|_| !odd);
            }
        }
        verdict
    }

    /// What a run will tell of the value although it uses it.
    fn issues(&self, kind: ValueKind, cell: &str) -> Vec<Issue> {
        match kind {
            ValueKind::Email => {
                let addresses = email::normalize(cell).into_iter().flatten();
                addresses.flat_map(|address| email::issues(&address)).collect()
            }
            ValueKind::Date => {
                date::issues(cell, self.order.unwrap_or_default(), self.order.is_some())
            }
            ValueKind::Money => money::issues(cell, self.mark),
            ValueKind::Identifier => match identifier::normalize(&self.attribute, cell) {
                Ok(code) => identifier::issues(&self.attribute, cell, &code),
                Err(_) => Vec::new(),
            },
            ValueKind::PersonName if self.attribute == "full_name" => {
                person::split(cell).issues.into_iter().chain(person::doubts(cell)).collect()
            }
            ValueKind::PersonName => person::doubts(cell).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the cell has one digit less than its neighbours or than a number of its country.
    fn has_lost_zero(&self, kind: ValueKind, cell: &str) -> bool {
        let length = match kind {
            ValueKind::Address if self.five_digits => 4,
            ValueKind::Phone if self.country == "FR" && !cell.starts_with('0') => 9,
            _ => return false,
        };
        cell.len() == length && cell.bytes().all(|b| b.is_ascii_digit())
    }

    fn says_nothing(&self, kind: ValueKind, cell: &str) -> bool {
        match self.attribute.as_str() {
            "postcode" => text::is_postcode_placeholder(cell),
            _ => text::is_placeholder_of(kind, cell),
        }
    }

    /// The order of the value; or the code of what is wrong with it.
    fn read(&self, kind: ValueKind, cell: &str) -> Result<Option<Measure>, &'static str> {
        match kind {
            ValueKind::Email => all_are_valid(email::normalize(cell)),
            ValueKind::Phone => all_are_valid(phone::normalize(cell, &self.country)),
            ValueKind::Date => {
                let read = match self.attribute.as_str() {
                    "birth_date" => date::normalize_birth,
                    _ => date::normalize,
                };
                let iso =
                    read(cell, self.order.unwrap_or_default()).map_err(|invalid| invalid.code)?;
                if text::is_placeholder_of(kind, &iso) {
                    return Err("placeholder");
                }
                Ok((!iso.starts_with('-')).then_some(Measure::Date(iso)))
            }
            ValueKind::Identifier => {
                match identifier::normalize(&self.attribute, cell) {
                    // Half of what the column should hold, but nothing wrong.
                    Err(invalid) if invalid.code == "siren_only" => Ok(None),
                    Err(invalid) if invalid.code == "vat_only" => Err("wrong_column"),
                    read => read.map(|_| None).map_err(|invalid| invalid.code),
                }
            }
            ValueKind::Money => {
                let (amount, _) =
                    money::normalize_in(cell, self.mark).map_err(|invalid| invalid.code)?;
                Ok(amount.parse().ok().map(Measure::Number))
            }
            ValueKind::Boolean => boolean::parse(cell).map(|_| None).ok_or("bad_boolean"),
            ValueKind::Url => url::normalize(cell).map(|_| None).map_err(|invalid| invalid.code),
            ValueKind::PersonName => {
                person::check(cell).map(|_| None).map_err(|invalid| invalid.code)
            }
            ValueKind::OrganisationName => match cell.chars().any(char::is_alphanumeric) {
                true => Ok(None),
                false => Err("bad_name"),
            },
            ValueKind::Address | ValueKind::Text | ValueKind::Category => Ok(None),
        }
    }
}

fn all_are_valid<T>(
    found: Vec<Result<T, crate::value::Invalid>>,
) -> Result<Option<Measure>, &'static str> {
    if found.is_empty() {
        return Err("placeholder");
    }
    found
        .into_iter()
        .try_for_each(|one| one.map(drop).map_err(|invalid| invalid.code))
        .map(|()| None)
}

/// The kind of an attribute's values, or of the cells of a column without one.
pub(super) fn kind_of(attribute: &str, class: Class) -> Option<ValueKind> {
    if model::attribute(attribute).is_some() {
        return Some(model::value_kind(attribute));
    }
    let named = match attribute {
        // What the dictionary of columns knows beside the model.
        "whole_name" => Some(ValueKind::OrganisationName),
        "postcode_city" | "street_number" => Some(ValueKind::Address),
        _ if attribute.starts_with("consent_") => Some(ValueKind::Category),
        _ => None,
    };
    named.or(match class {
        Class::Empty => None,
        Class::Email => Some(ValueKind::Email),
        Class::Url => Some(ValueKind::Url),
        Class::Siret | Class::Siren | Class::Code => Some(ValueKind::Identifier),
        Class::Phone => Some(ValueKind::Phone),
        Class::Date => Some(ValueKind::Date),
        Class::Boolean => Some(ValueKind::Boolean),
        Class::Category => Some(ValueKind::Category),
        Class::Number => Some(ValueKind::Money),
        Class::Text => Some(ValueKind::Text),
    })
}

/// What is damaged in a cell whatever it means.
fn defects(kind: ValueKind, cell: &str, codes: &mut Vec<&'static str>) {
    let mut code = |is: bool, code| {
        if is {
            codes.push(code);
        }
    };
    let lost = is_scientific(cell) && kind != ValueKind::Money;
    code(lost, "lost_digits");
    if cell.is_ascii() {
        code(cell.bytes().any(is_control), "control_character");
    } else {
        let invisible =
            |c| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
        code(cell.chars().any(|c| c.is_control() && !"\t\r\n".contains(c)), "control_character");
        code(cell.contains(invisible), "invisible_character");
        code(is_mangled(cell), "mojibake");
    }
    let is_name =
        matches!(kind, ValueKind::PersonName | ValueKind::OrganisationName | ValueKind::Address);
    code(cell.contains('\u{fffd}') || is_name && has_hole(cell), "lost_character");
    code(cell.contains('&') && has_entity(cell), "html_entity");
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n')
}

/// `8,38E+13`: a spreadsheet's form of a long number. A plain `12E5` may be a code.
fn is_scientific(cell: &str) -> bool {
    let Some((mantissa, exponent)) = cell.split_once(['E', 'e']) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let decimal = mantissa.split_once(['.', ',']);
    let power = exponent.strip_prefix('+');
    (decimal.is_some_and(|(whole, rest)| whole.len() == 1 && digits(whole) && digits(rest))
        || power.is_some() && digits(mantissa))
        && digits(power.unwrap_or(exponent))
}

/// Accents of one encoding read as another: `Ã©`, `â€™`, `Â°`. Reading undoes what is provable; this is
/// what is left.
fn is_mangled(cell: &str) -> bool {
    let mut before = ' ';
    cell.chars().any(|c| {
        let second = matches!(c as u32, 0x80..=0xBF) || "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ".contains(c);
        let lead = std::mem::replace(&mut before, c);
        match lead {
            'Ã' | 'Å' => second && c != '\u{a0}' && c != '»',
            'Â' => matches!(c, '°' | '«' | '»' | '©' | '®' | '²' | '\u{a0}'),
            'â' => "€‚„†".contains(c),
            _ => false,
        }
    })
}

/// `Fran?ois`: a letter that some program could not write.
fn has_hole(cell: &str) -> bool {
    let mut before = (' ', ' ');
    cell.contains('?')
        && cell.chars().any(|c| {
            let (first, mark) = before;
            before = (mark, c);
            mark == '?' && first.is_alphabetic() && c.is_lowercase()
        })
}

/// `&amp;`, `&eacute;`, `&#233;`.
fn has_entity(cell: &str) -> bool {
    cell.split('&').skip(1).any(|rest| {
        let Some((name, _)) = rest.split_once(';') else { return false };
        let number = name.strip_prefix('#').unwrap_or(name);
        (2..=8).contains(&name.len()) && number.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Whether the cell is a value of a kind that stands in another column.
fn is_of_another_column(kind: ValueKind, cell: &str, validity: Validity) -> bool {
    let prose = matches!(kind, ValueKind::Text | ValueKind::Boolean | ValueKind::Money);
    if prose || validity == Validity::Placeholder || cell.len() > 80 {
        return false;
    }
    let unreadable = validity == Validity::Invalid;
    let linked = || cell.starts_with("http") || cell.starts_with("www.");
    match (columns::class_of(cell), kind) {
        (Class::Email, ValueKind::Email) => false,
        (Class::Email, _) => true,
        (Class::Url, ValueKind::Email) => unreadable,
        (Class::Url, ValueKind::Url) => false,
        (Class::Url, _) => linked(),
        (Class::Phone, ValueKind::Phone) => false,
        // `27613-3502` is a postcode.
        (Class::Phone, ValueKind::Address) => digits(cell) >= 10,
        (Class::Phone | Class::Siret, ValueKind::Identifier | ValueKind::Category) => false,
        (Class::Date, ValueKind::Date | ValueKind::Identifier | ValueKind::Category) => false,
        (Class::Phone | Class::Siret | Class::Date, ValueKind::OrganisationName) => true,
        (Class::Date, ValueKind::Address) => true,
        (Class::Phone | Class::Siret | Class::Date, _) => unreadable,
        _ => false,
    }
}

fn digits(cell: &str) -> usize {
    cell.bytes().filter(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(attribute: &str) -> Judge {
        Judge {
            attribute: attribute.into(),
            kind: kind_of(attribute, Class::Text),
            order: Some(Order::DayFirst),
            mark: None,
            country: "FR".into(),
            as_of: "2024-12-31".into(),
            five_digits: attribute == "postcode",
        }
    }

    /// `valid`, or what is wrong: codes joined by a blank.
    fn said(attribute: &str, cell: &str) -> String {
        let verdict = judge(attribute).verdict(cell);
        if verdict.codes.is_empty() {
            return format!("{:?}", verdict.validity).to_lowercase();
        }
        verdict.codes.join(" ")
    }

    #[test]
    fn cells_are_judged_by_the_kind_of_their_column() {
        for (attribute, cell, expected) in [
            ("email", "a.b@dupont-vins.fr", "valid"),
            ("email", "a.b@dupont-vins", "bad_email"),
            ("phone", "01 42 68 53 00", "valid"),
            ("phone", "12", "bad_phone"),
            ("siret", "73282932000074", "valid"),
            ("siret", "73282932000075", "bad_siret"),
            ("birth_date", "31/02/1980", "bad_date"),
            ("last_name", "N/A", "placeholder"),
            ("last_name", "Dupont", "valid"),
            ("name", "Booking.com", "valid"),
        ] {
            assert_eq!(said(attribute, cell), expected, "{attribute} {cell}");
        }
    }

    #[test]
    fn a_value_of_another_column_is_told() {
        for (attribute, cell) in [
            ("last_name", "a.b@dupont-vins.fr"),
            ("phone", "a.b@dupont-vins.fr"),
            ("name", "01 42 68 53 00"),
            ("city", "01 42 68 53 00"),
            ("email", "01 42 68 53 00"),
            ("website", "a.b@dupont-vins.fr"),
            ("last_name", "12/05/2020"),
        ] {
            assert_eq!(said(attribute, cell), "wrong_column", "{attribute} {cell}");
        }
        for (attribute, cell) in
            [("notes", "a.b@dupont-vins.fr"), ("street", "12/14 rue de la Paix")]
        {
            assert_eq!(said(attribute, cell), "valid", "{attribute} {cell}");
        }
    }

    #[test]
    fn damage_is_told() {
        for (attribute, cell, expected) in [
            ("siret", "8,38E+13", "lost_digits"),
            ("customer_code", "4.11E+11", "lost_digits"),
            ("customer_code", "12E5", "valid"),
            ("last_name", "HÃ©lÃ¨ne", "mojibake"),
            ("last_name", "Hélène", "valid"),
            ("last_name", "IRMÃ", "valid"),
            ("last_name", "Fran?ois", "lost_character"),
            ("last_name", "Fran\u{fffd}ois", "lost_character"),
            ("city", "Par\u{1}is", "control_character"),
            ("city", "Par\u{200b}is", "invisible_character"),
            ("name", "Durand &amp; fils", "html_entity"),
            ("name", "Durand & fils; suite", "valid"),
            ("postcode", "1000", "lost_zero"),
            ("postcode", "01000", "valid"),
            ("postcode", "27613-3502", "valid"),
            ("phone", "142685300", "lost_zero"),
        ] {
            assert_eq!(said(attribute, cell), expected, "{attribute} {cell}");
        }
    }

    #[test]
    fn dates_nobody_can_mean_are_told() {
        assert_eq!(said("created_at", "12/05/2150"), "implausible_date");
        assert_eq!(said("created_at", "2024-05-12"), "valid");
        assert_eq!(said("birth_date", "12/05/2025"), "implausible_date");
        assert_eq!(said("birth_date", "01/01/1900"), "placeholder");
    }

    #[test]
    fn numbers_are_counted_by_their_length() {
        for (amount, bucket) in [("0", 0), ("0.5", 0), ("9.99", 1), ("10", 2), ("-1234.5", -4)] {
            let number = Measure::Number(amount.parse().expect("a number"));
            assert_eq!(number.bucket(), bucket, "{amount}");
        }
    }
}
