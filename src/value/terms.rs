//! Payment terms: days, end of month, on receipt, in advance.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{dictionary, text};
use crate::model::Lang;

/// When an invoice is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Terms {
    /// Before delivery.
    InAdvance,
    /// At once.
    OnReceipt,
    /// So many days after the invoice; then the month's end, where `end_of_month`; then a day of the next month.
    Days {
        /// Days after the invoice; 0 for the end of its month.
        days: u16,
        /// Whether it is due at the end of the month in which those days end.
        end_of_month: bool,
        /// The day of the month after: `fin de mois le 10`.
        on_the: Option<u8>,
    },
    /// So many days after the end of the invoice's month: `fin de mois + 45 jours`.
    DaysAfterMonth {
        /// Days after the month's end.
        days: u16,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    days: Vec<String>,
    months: Vec<String>,
    end_of_month: Vec<String>,
    on_receipt: Vec<String>,
    in_advance: Vec<String>,
    fillers: Vec<String>,
    day_marks: Vec<String>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    let mut words: Words =
        dictionary::read(include_str!("../../mappings/dictionaries/payment_terms.toml"));
    for phrases in [&mut words.end_of_month, &mut words.on_receipt, &mut words.in_advance] {
        phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
    }
    words
});

/// The longest time that is a payment term: two years.
const LONGEST_DAYS: u16 = 730;

/// What a text says of when an invoice is due; none when it says anything else besides.
///
/// # Example
///
/// ```
/// # use orpailleur::{model::Lang, value::terms::read};
/// assert_eq!(read("45j FDM").unwrap().label(Lang::En), "45 days end of month");
/// ```
pub fn read(text: &str) -> Option<Terms> {
    let folded = text::fold(&text.replace('+', " "));
    let tokens: Vec<String> = split_numbers(&folded);
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let words = &*WORDS;
    let mut days: Option<u16> = None;
    let mut month_end_at = None;
    let mut days_at = None;
    let (mut receipt, mut advance) = (false, false);
    let mut on_the = None;
    let mut at = 0;
    while at < tokens.len() {
        let phrase = |list: &[String]| {
            list.iter().find_map(|phrase| {
                let phrase: Vec<&str> = phrase.split(' ').collect();
                tokens[at..].starts_with(&phrase).then_some(phrase.len())
            })
        };
        if let Some(taken) = phrase(&words.end_of_month) {
            month_end_at = Some(at);
            at += taken;
        } else if let Some(taken) = phrase(&words.in_advance) {
            advance = true;
            at += taken;
        } else if let Some(taken) = phrase(&words.on_receipt) {
            receipt = true;
            at += taken;
        } else if let Ok(number) = tokens[at].parse::<u16>() {
            let unit = tokens.get(at + 1).copied().unwrap_or("");
            let marked = at > 0 && words.day_marks.iter().any(|m| m == tokens[at - 1]);
            let is_days = words.days.iter().any(|w| w == unit);
            let is_months = words.months.iter().any(|w| w == unit);
            at += 1;
            if (marked || days.is_some()) && month_end_at.is_some() && !is_days {
                on_the = Some(u8::try_from(number).ok().filter(|day| (1..=31).contains(day))?);
            } else if days.is_some() {
                return None;
            } else {
                days = Some(number.checked_mul(if is_months { 30 } else { 1 })?);
                days_at = Some(at);
                at += usize::from(is_days || is_months);
            }
        } else if [&words.fillers, &words.day_marks]
            .iter()
            .any(|list| list.iter().any(|w| w == tokens[at]))
        {
            at += 1;
        } else {
            return None;
        }
    }
    let terms = match (days, month_end_at, receipt, advance) {
        (None, None, false, true) => Terms::InAdvance,
        (None | Some(0), None, true, false) | (Some(0), None, false, false) => Terms::OnReceipt,
        (Some(days), Some(end), false, false) if days_at < Some(end) || on_the.is_some() => {
            Terms::Days { days, end_of_month: true, on_the }
        }
        (Some(days), Some(_), false, false) => Terms::DaysAfterMonth { days },
        (Some(days), None, false, false) => Terms::Days { days, end_of_month: false, on_the },
        (None, Some(_), false, false) => Terms::Days { days: 0, end_of_month: true, on_the },
        _ => return None,
    };
    days.is_none_or(|days| days <= LONGEST_DAYS).then_some(terms)
}

/// Words, numbers apart from letters: `30j` is `30 j`.
fn split_numbers(folded: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for word in folded.split(' ').filter(|w| !w.is_empty()) {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && digits < word.len() {
            tokens.push(word[..digits].to_owned());
            tokens.push(word[digits..].to_owned());
        } else {
            tokens.push(word.to_owned());
        }
    }
    tokens
}

impl Terms {
    /// How it is written: `30 days end of month, the 10th`, `30 jours fin de mois le 10`.
    pub fn label(self, lang: Lang) -> String {
        let french = lang == Lang::Fr;
        match self {
            Terms::InAdvance if french => "paiement d'avance".into(),
            Terms::InAdvance => "in advance".into(),
            Terms::OnReceipt if french => "à réception".into(),
            Terms::OnReceipt => "on receipt".into(),
            Terms::DaysAfterMonth { days } if french => format!("fin de mois + {days} jours"),
            Terms::DaysAfterMonth { days } => format!("end of month + {days} days"),
            Terms::Days { days, end_of_month, on_the } => {
                let (unit, end, mark) = if french {
                    ("jours", "fin de mois", "le")
                } else {
                    ("days", "end of month", "the")
                };
                let mut parts = Vec::new();
                if days > 0 || !end_of_month {
                    parts.push(format!("{days} {unit}"));
                }
                if end_of_month {
                    parts.push(end.to_owned());
                }
                parts.extend(on_the.map(|day| format!("{mark} {day}")));
                parts.join(" ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn label(text: &str) -> String {
        read(text).map_or_else(|| "-".into(), |terms| terms.label(Lang::En))
    }

    #[test]
    fn terms_are_read_in_six_languages() {
        for (text, expected) in [
            ("30 jours fin de mois", "30 days end of month"),
            ("30j FDM", "30 days end of month"),
            ("45 J. fin de mois le 10", "45 days end of month the 10"),
            ("30 jours fin de mois 15", "30 days end of month the 15"),
            ("fin de mois + 45 jours", "end of month + 45 days"),
            ("60 jours date de facture", "60 days"),
            ("Comptant", "on receipt"),
            ("à réception de facture", "on receipt"),
            ("Net 30", "30 days"),
            ("30 days EOM", "30 days end of month"),
            ("Due on receipt", "on receipt"),
            ("14 Tage netto", "14 days"),
            ("30 días fin de mes", "30 days end of month"),
            ("60 gg f.m.", "60 days end of month"),
            ("30 dagen na factuurdatum", "30 days"),
            ("2 mois", "60 days"),
            ("fin de mois", "end of month"),
            ("30", "30 days"),
            ("0", "on receipt"),
            ("Vorkasse", "in advance"),
            ("virement", "-"),
            ("30 jours virement", "-"),
            ("30/60/90", "-"),
            ("", "-"),
            ("20241231", "-"),
        ] {
            assert_eq!(label(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(days in 1..731u16, end in proptest::bool::ANY, day in 1..32u8, on in proptest::bool::ANY) {
            let on_the = (on && end).then_some(day);
            for terms in [Terms::Days { days, end_of_month: end, on_the }, Terms::DaysAfterMonth { days }, Terms::OnReceipt, Terms::InAdvance] {
                for lang in [Lang::En, Lang::Fr] {
                    prop_assert_eq!(read(&terms.label(lang)), Some(terms));
                }
            }
        }
    }
}
