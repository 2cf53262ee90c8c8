//! What a value becomes, against lists of what it should: other libraries' answers, public rules.
//!
//! The lists are `tests/values/*`; each says where it comes from.

use std::{collections::BTreeSet, fmt::Write};

use orpailleur::{
    model::ValueKind,
    value::{
        address::{self, Address, Parts},
        date::{self, Order},
        email, identifier,
        money::{self, DecimalMark},
        phone::{self, Line},
        sensitive::{self, Scope, Sensitive},
        text,
    },
};

/// How many of the entries came out right, and those that did not.
#[derive(Default)]
struct Tally {
    right: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn note(&mut self, written: &str, read: &str, expected: &str) {
        if read == expected {
            self.right += 1;
        } else {
            self.wrong.push(format!("{written}\n      read {read}\n  expected {expected}"));
        }
    }

    fn assert_all(self, what: &str) {
        let all = self.right + self.wrong.len();
        let mut said = format!("{what}: {} of {all} right\n", self.right);
        for wrong in &self.wrong {
            let _ = writeln!(said, "{wrong}");
        }
        assert!(self.wrong.is_empty(), "{said}");
    }
}

/// The lines of a tab-separated list without its comments and header.
fn rows(list: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    lines.skip(1).map(|line| line.split('\t').collect())
}

/// A cell as the list writes it: `\n`, `\r`, `\\` and `\u00a0` are escapes.
fn unescaped(written: &str) -> String {
    let mut text = String::new();
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('r')) => text.push('\r'),
            ('\\', Some('u')) => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).expect("four hexadecimal digits");
                text.push(char::from_u32(code).expect("a character"));
            }
            ('\\', Some(other)) => text.push(other),
            _ => text.push(c),
        }
    }
    text
}

/// A French number is taken by its length: parts of the plan that no operator uses yet stay readable when
/// they are opened.
fn is_french_by_length(read: &str) -> bool {
    read.strip_prefix("+33").is_some_and(|national| national.len() == 9)
}

#[test]
fn phone_numbers_are_what_another_library_reads() {
    let mut tally = Tally::default();
    for row in rows(include_str!("values/phones.tsv")) {
        let [country, written, e164, line] = row[..] else { panic!("{row:?}") };
        let read = match phone::normalize(written, country).as_slice() {
            [Ok((number, _))] if e164 == "!" && is_french_by_length(number) => "!".to_owned(),
            [Ok((number, Line::Fixed))] => format!("{number} fixed"),
            [Ok((number, Line::Mobile))] => format!("{number} mobile"),
            [Ok((number, Line::Unknown))] => format!("{number} unknown"),
            [Err(_)] => "!".to_owned(),
            more => format!("{more:?}"),
        };
        tally.note(&format!("{country} {written}"), &read, format!("{e164} {line}").trim());
    }
    tally.assert_all("phones");
}

#[test]
fn identifiers_are_what_another_library_says() {
    let mut tally = Tally::default();
    for row in rows(include_str!("values/identifiers.tsv")) {
        let [attribute, written, answer] = row[..] else { panic!("{row:?}") };
        let read = match attribute {
            "nir" if is_withheld_number(written) => written.to_owned(),
            "nir" => "!".to_owned(),
            _ => identifier::normalize(attribute, written).unwrap_or_else(|_| "!".to_owned()),
        };
        if attribute == "iban" && IBANS_NOT_KNOWN.contains(&&written[..2]) {
            continue;
        }
        tally.note(&format!("{attribute} {written}"), &read, &canonical(attribute, answer));
    }
    tally.assert_all("identifiers");
}

/// Whether the text is found to be a social security number where it stands in a note.
fn is_withheld_number(text: &str) -> bool {
    let (_, found) = sensitive::withhold(text, Scope::Prose, &BTreeSet::new());
    found == [Sensitive::SocialSecurity]
}

#[test]
fn of_notes_what_is_sensitive_is_withheld_and_nothing_else() {
    let mut tally = Tally::default();
    let notes = include_str!("values/notes.txt").lines();
    for note in notes.filter(|line| !line.starts_with('#')) {
        let (mut written, mut expected) = (String::new(), String::new());
        for (at, piece) in note.split(['{', '}']).enumerate() {
            let held = (at % 2 == 1).then(|| piece.split_once(':').expect("a kind and a text"));
            written += held.map_or(piece, |(_, text)| text);
            let marker = |name: &str| {
                let kind = Sensitive::ALL.into_iter().find(|kind| kind.as_str() == name);
                kind.expect("a kind").marker()
            };
            expected += held.map_or(piece, |(kind, _)| marker(kind));
        }
        let (left, _) = sensitive::withhold(&written, Scope::Prose, &BTreeSet::new());
        tally.note(&written, &left, &expected);
    }
    tally.assert_all("notes");
}

/// Countries whose account numbers the library that we use does not know, or knows by an older rule.
const IBANS_NOT_KNOWN: [&str; 2] = ["HN", "PK"];

/// The other library's answer in the one form that we give equal numbers.
fn canonical(attribute: &str, answer: &str) -> String {
    match attribute {
        // The language of the ending says nothing of the number.
        "vat" if answer.starts_with("CHE") => answer[..12].to_owned(),
        "vat" => answer.strip_suffix("MVA").unwrap_or(answer).to_owned(),
        // The head office, with or without its three letters.
        "bic" if answer.len() == 11 => answer.strip_suffix("XXX").unwrap_or(answer).to_owned(),
        _ => answer.to_owned(),
    }
}

#[test]
fn emails_follow_the_rules_of_their_syntax() {
    let mut tally = Tally::default();
    for row in rows(include_str!("values/emails.tsv")) {
        let (written, expected) = (unescaped(row[0]), unescaped(row[1]));
        let read: Vec<String> = email::normalize(&written)
            .into_iter()
            .map(|r| r.unwrap_or_else(|bad| format!("!{}", bad.code)))
            .collect();
        tally.note(row[0], &read.join(" "), &expected);
    }
    tally.assert_all("emails");
}

#[test]
fn email_flags_and_suspicions_are_told() {
    let mut tally = Tally::default();
    for row in rows(include_str!("values/email_flags.tsv")) {
        let address = row[0];
        let flags = [
            ("role", email::is_role_mailbox(address)),
            ("free", email::is_freemail(address)),
            ("disposable", email::is_disposable(address)),
        ];
        let flags: Vec<&str> = flags.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect();
        let meant = email::suspected_domain(address).unwrap_or_default();
        let expected = format!("{} > {}", row[1], row.get(2).unwrap_or(&""));
        tally.note(address, &format!("{} > {meant}", flags.join(" ")), &expected);
    }
    tally.assert_all("email flags");
}

/// `number|street|complement|postcode|city|cedex|country`
fn shown(a: &Address) -> [&str; 7] {
    [&a.number, &a.street, &a.complement, &a.postcode, &a.city, &a.cedex, &a.country]
}

/// Reads a list of addresses, each as its section says, and compares the parts that the section speaks of.
fn addresses(list: &str) -> Tally {
    let mut tally = Tally::default();
    let mut section = "";
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
            continue;
        }
        let (written, expected) = line.split_once("=>").expect("a line has an arrow");
        let text = unescaped(written.trim_end());
        let cells: Vec<&str> = text.split('|').map(|c| c.trim_matches(' ')).collect();
        let cell = |at: usize| cells.get(at).copied().unwrap_or("");
        let parts = match section {
            "[street]" => {
                Parts { street: &text, postcode: "69003", city: "Lyon", ..Parts::default() }
            }
            "[place]" => {
                Parts { postcode: cell(0), city: cell(1), country: cell(2), ..Parts::default() }
            }
            "[whole]" => Parts { address: &text, ..Parts::default() },
            _ => Parts {
                street: cell(0),
                street_2: cell(1),
                street_3: cell(2),
                po_box: cell(3),
                postcode: cell(4),
                city: cell(5),
                country: cell(6),
                ..Parts::default()
            },
        };
        let address = address::normalize(&parts, "FR");
        let again = Parts { address: &address.encode(), ..Parts::default() };
        assert_eq!(address::normalize(&again, "FR"), address, "{written}");
        if expected.trim() == "?" {
            continue;
        }
        let (speaks_of, has_country) = match section {
            "[street]" => (0..3, false),
            "[place]" => (3..7, true),
            _ => (0..7, true),
        };
        let mut expected: Vec<&str> = expected.split('|').map(str::trim).collect();
        expected.resize(speaks_of.len(), "");
        if has_country
            && expected.last() == Some(&"")
            && expected.iter().any(|part| !part.is_empty())
        {
            *expected.last_mut().expect("it was resized") = "FR";
        }
        if expected.last() == Some(&"-") {
            *expected.last_mut().expect("it was resized") = "";
        }
        tally.note(written.trim(), &shown(&address)[speaks_of].join("|"), &expected.join("|"));
    }
    tally
}

#[test]
fn french_addresses_have_the_parts_of_the_rules() {
    addresses(include_str!("values/addresses_fr.txt")).assert_all("French addresses");
}

#[test]
fn the_neighbours_addresses_have_the_parts_of_their_rules() {
    addresses(include_str!("values/addresses_neighbours.txt")).assert_all("neighbours' addresses");
}

#[test]
fn dates_have_the_form_of_the_calendar() {
    let mut tally = Tally::default();
    for row in rows(include_str!("values/dates.tsv")) {
        let written = row[0];
        let order = if row[1] == "mdy" { Order::MonthFirst } else { Order::DayFirst };
        let is_none = |text: &str| text::is_placeholder_of(ValueKind::Date, text);
        let read = match date::normalize(written, order) {
            _ if is_none(written) => "-".to_owned(),
            Ok(date) if is_none(&date) => "-".to_owned(),
            Ok(date) => date,
            Err(_) => "!".to_owned(),
        };
        let issues: Vec<&str> = match read.as_str() {
            "-" | "!" => Vec::new(),
            _ => date::issues(written, order, false).iter().map(|issue| issue.code).collect(),
        };
        let expected = format!("{} {}", row[2], row.get(3).unwrap_or(&""));
        tally.note(written, format!("{read} {}", issues.join(" ")).trim(), expected.trim());
    }
    tally.assert_all("dates");
}

#[test]
fn amounts_are_the_decimals_that_are_meant() {
    let mut tally = Tally::default();
    for row in rows(include_str!("values/amounts.tsv")) {
        let written = unescaped(row[0]);
        let mark = match row[1] {
            "," => Some(DecimalMark::Comma),
            "." => Some(DecimalMark::Point),
            _ => None,
        };
        let read = money::normalize_in(&written, mark)
            .map_or_else(|_| "!".to_owned(), |(amount, currency)| format!("{amount} {currency}"));
        let expected = format!("{} {}", row[2], row.get(3).unwrap_or(&""));
        tally.note(row[0], read.trim(), expected.trim());
    }
    tally.assert_all("amounts");
}
