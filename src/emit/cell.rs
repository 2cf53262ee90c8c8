//! One value in the form and length that the target takes.

use unicode_normalization::char::is_combining_mark;

use super::mapping::{Case, FileRules, Form, Measure};

/// A value in the target's form, or why it has none.
pub(super) type Formed = Result<String, Unformed>;

/// A value that the target's form has no room for: what kind of misfit, and what was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unformed {
    pub(super) problem: &'static str,
    pub(super) message: &'static str,
}

/// Brings a canonical value to the form that the target reads.
pub(super) fn form(value: &str, form: Form, rules: &FileRules) -> Formed {
    match form {
        Form::Text => Ok(value.to_owned()),
        Form::Boolean => match value {
            "true" => Ok(rules.yes.clone()),
            "false" => Ok(rules.no.clone()),
            _ => Err(Unformed {
                problem: "not_a_boolean",
                message: "left empty: neither yes nor no",
            }),
        },
        Form::Date => dated(value, &rules.date, None),
        Form::Datetime => dated(value, &rules.datetime, Some("00:00:00")),
        Form::Decimal => match value.parse::<rust_decimal::Decimal>() {
            Ok(_) => Ok(value.replace('.', &rules.decimal.to_string())),
            Err(_) => {
                Err(Unformed { problem: "not_a_number", message: "left empty: not a number" })
            }
        },
        Form::Integer => match value.parse::<i64>() {
            Ok(number) => Ok(number.to_string()),
            Err(_) => {
                Err(Unformed { problem: "not_a_number", message: "left empty: not a whole number" })
            }
        },
        Form::Phone => Ok(value.replace(";ext=", &rules.phone_extension)),
    }
}

/// An ISO date in the target's pattern. A date without day or year cannot be completed: that would be
/// inventing it.
fn dated(value: &str, pattern: &str, midnight: Option<&str>) -> Formed {
    let partial =
        Unformed { problem: "partial_date", message: "left empty: the date is not complete" };
    let (date, time) = value.split_once(['T', ' ']).unwrap_or((value, midnight.unwrap_or("")));
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return Err(partial) };
    if [year.len(), month.len(), day.len()] != [4, 2, 2] {
        return Err(partial);
    }
    let clock = |at: usize| time.get(3 * at..3 * at + 2).unwrap_or("00");
    let filled = pattern.replace("%Y", year).replace("%m", month).replace("%d", day);
    Ok(filled.replace("%H", clock(0)).replace("%M", clock(1)).replace("%S", clock(2)))
}

/// Capitals or small letters.
pub(super) fn in_case(value: String, case: Option<Case>) -> String {
    match case {
        Some(Case::Upper) => value.to_uppercase(),
        Some(Case::Lower) => value.to_lowercase(),
        None => value,
    }
}

/// The value without what the target forbids, and whether anything was replaced.
///
/// Control characters other than tab and line end are refused by most CRMs; each forbidden character
/// becomes a blank.
pub(super) fn allowed(value: &str, rules: &FileRules) -> (String, bool) {
    let bad =
        |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || rules.forbidden.contains(c);
    if !value.contains(bad) {
        return (value.to_owned(), false);
    }
    let blanked: String = value.chars().map(|c| if bad(c) { ' ' } else { c }).collect();
    (blanked.trim().to_owned(), true)
}

/// How long a value is for the target.
pub(super) fn measured(value: &str, measure: Measure) -> usize {
    match measure {
        Measure::Characters => value.chars().count(),
        Measure::Utf16 => value.chars().map(char::len_utf16).sum(),
        Measure::Bytes => value.len(),
    }
}

/// Splits a value into what fits and the rest, both without blanks at the border.
///
/// The border is between two words, unless that would leave more than half of the room empty; a
/// character is never parted from its accents.
pub(super) fn split(value: &str, length: usize, measure: Measure) -> (&str, &str) {
    if measured(value, measure) <= length {
        return (value, "");
    }
    let hard = hard_border(value, length, measure);
    let at_word = value[hard..].starts_with(char::is_whitespace);
    let border = if at_word {
        hard
    } else {
        let word = value[..hard].rfind(char::is_whitespace).unwrap_or(0);
        if measured(&value[..word], measure) * 2 >= length { word } else { hard }
    };
    (value[..border].trim_end(), value[border..].trim_start())
}

/// The greatest byte position at which a prefix fits and nothing that is read as one is cut.
fn hard_border(value: &str, length: usize, measure: Measure) -> usize {
    let joins = |c: char| is_combining_mark(c) || matches!(c, '\u{200d}' | '\u{fe0e}' | '\u{fe0f}');
    let (mut used, mut border, mut joined) = (0, 0, false);
    for (at, c) in value.char_indices() {
        if !joins(c) && !joined {
            border = at;
        }
        joined = c == '\u{200d}';
        used += match measure {
            Measure::Characters => 1,
            Measure::Utf16 => c.len_utf16(),
            Measure::Bytes => c.len_utf8(),
        };
        if used > length {
            return border;
        }
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_value_is_cut_between_two_words() {
        let split = |text, length| split(text, length, Measure::Characters);
        assert_eq!(split("Société des transports", 16), ("Société des", "transports"));
        assert_eq!(split("Société des transports", 11), ("Société des", "transports"));
        assert_eq!(split("Société", 7), ("Société", ""));
        // A word border would leave most of the room empty.
        assert_eq!(split("A anticonstitutionnellement", 12), ("A anticonsti", "tutionnellement"));
        assert_eq!(split("anticonstitutionnellement", 4), ("anti", "constitutionnellement"));
    }

    #[test]
    fn a_cut_never_parts_what_is_read_as_one_character() {
        assert_eq!(split("éééé", 5, Measure::Bytes), ("éé", "éé"));
        assert_eq!(split("ee\u{301}", 2, Measure::Characters), ("e", "e\u{301}"));
        assert_eq!(split("a👨\u{200d}👩", 3, Measure::Characters), ("a", "👨\u{200d}👩"));
        assert_eq!(split("😀😀", 3, Measure::Utf16), ("😀", "😀"));
    }

    #[test]
    fn dates_take_the_pattern_of_the_target_and_are_never_completed() {
        let rules = FileRules { date: "%d/%m/%Y".into(), ..FileRules::default() };
        assert_eq!(form("2012-05-31", Form::Date, &rules), Ok("31/05/2012".into()));
        assert_eq!(form("2012-05-31T12:30:00Z", Form::Date, &rules), Ok("31/05/2012".into()));
        assert_eq!(
            form("2012-05-31", Form::Datetime, &rules),
            Ok("2012-05-31T00:00:00.000Z".into())
        );
        let timed = form("2012-05-31T12:30:05Z", Form::Datetime, &rules);
        assert_eq!(timed, Ok("2012-05-31T12:30:05.000Z".into()));
        for partial in ["2012-05", "2012", "--05-31"] {
            assert_eq!(
                form(partial, Form::Date, &rules).map_err(|u| u.problem),
                Err("partial_date")
            );
        }
    }

    #[test]
    fn numbers_booleans_and_phones_take_the_form_of_the_target() {
        let rules = FileRules { decimal: ',', yes: "1".into(), ..FileRules::default() };
        assert_eq!(form("1234.50", Form::Decimal, &rules), Ok("1234,50".into()));
        assert_eq!(
            form("10 à 19", Form::Integer, &rules).map_err(|u| u.problem),
            Err("not_a_number")
        );
        assert_eq!(form("true", Form::Boolean, &rules), Ok("1".into()));
        assert_eq!(form("+33123456789;ext=12", Form::Phone, &rules), Ok("+33123456789 x12".into()));
    }

    #[test]
    fn forbidden_and_control_characters_become_blanks() {
        let rules = FileRules { forbidden: "<>|".into(), ..FileRules::default() };
        assert_eq!(allowed("a<b\u{7}c", &rules), ("a b c".into(), true));
        assert_eq!(allowed("a\nb", &rules), ("a\nb".into(), false));
    }

    proptest! {
        #[test]
        fn a_split_loses_nothing_but_blanks_and_fits(text in "[ a-zéà😀\u{301}]{0,40}", length in 1usize..20) {
            for measure in [Measure::Characters, Measure::Utf16, Measure::Bytes] {
                let (head, rest) = split(&text, length, measure);
                prop_assert!(measured(head, measure) <= length);
                let solid = |t: &str| t.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                prop_assert_eq!(solid(head) + &solid(rest), solid(&text));
            }
        }
    }
}
