//! vCards of all versions: one row per card, one column per property and kind of use.
//!
//! Columns are named after the properties: `N.family`, `FN`, `ORG`, `TEL.cell`, `ADR.work.city`; the
//! second of its kind in one card is `TEL.cell 2`. Properties that no mapping knows are columns too,
//! under their own name; pictures, sounds and keys are left out.

use std::collections::BTreeMap;

use calcard::{
    common::{IanaString, PartialDateTime},
    vcard::{
        VCard, VCardEntry, VCardParameter, VCardParameterName, VCardParameterValue, VCardProperty,
        VCardSex, VCardValue,
    },
};
use csv::StringRecord;

use super::{
    Content, Format, Refusal, Row, Table, Tally, container,
    encoding::Decoded,
    header,
    sheet::MOST_COLUMNS,
    vcard_lines::{self, Omitted},
};
use crate::value::text::fold;

/// Families of columns in the order of the table, each with the parts of its value.
const FAMILIES: &[(&str, &[&str])] = &[
    ("N", &["N.family", "N.given", "N.additional", "N.prefix", "N.suffix"]),
    ("FN", &["FN"]),
    ("ORG", &["ORG", "ORG.unit"]),
    ("TITLE", &["TITLE"]),
    ("ROLE", &["ROLE"]),
    ("NICKNAME", &["NICKNAME"]),
    ("TEL.cell", &["TEL.cell"]),
    ("TEL.work", &["TEL.work"]),
    ("TEL.home", &["TEL.home"]),
    ("TEL.fax", &["TEL.fax"]),
    ("TEL.other", &["TEL.other"]),
    ("EMAIL", &["EMAIL"]),
    ("ADR.work", ADDRESS),
    ("ADR.home", ADDRESS),
    ("ADR.other", ADDRESS),
    ("BDAY", &["BDAY"]),
    ("NOTE", &["NOTE"]),
    ("URL", &["URL"]),
    ("CATEGORIES", &["CATEGORIES"]),
    ("UID", &["UID"]),
    ("REV", &["REV"]),
    ("GENDER", &["GENDER"]),
    ("KIND", &["KIND"]),
    ("X-ABShowAs", &["X-ABShowAs"]),
];

/// The parts of an address; the last one is the whole of it, where the card has no parts.
const ADDRESS: &[&str] =
    &["street", "extended", "po_box", "city", "region", "postcode", "country", "label"];

/// In the property: post office box, extended address, street, city, region, postcode, country.
const ADDRESS_ORDER: [usize; 7] = [2, 1, 0, 3, 4, 5, 6];

/// Where a value stands: family, how many of that family the card had before, part.
type Place = (Family, usize, usize);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    /// Position in [`FAMILIES`].
    Known(usize),
    /// Any other property, by name.
    Other(String),
}

/// The table of a vCard file.
pub(super) fn table(decoded: Decoded) -> Result<Table, Refusal> {
    let Decoded { text, encoding, mut remarks } = decoded;
    // Old Macs end lines with CR alone, which the parser does not know.
    let text = if text.contains('\n') { text } else { text.replace('\r', "\n") };
    let tally = Tally::default();
    let mut omitted = Omitted::default();
    let cards: Vec<(u32, Result<Values, String>)> = blocks(&text)
        .into_iter()
        .map(|block| (block.line, block.values(&tally, &mut omitted)))
        .collect();
    remarks.extend(told(omitted));

    let mut columns: BTreeMap<Place, usize> = BTreeMap::new();
    for values in cards.iter().filter_map(|(_, card)| card.as_ref().ok()) {
        columns.extend(values.keys().map(|place| (place.clone(), 0)));
        if columns.len() > MOST_COLUMNS as usize {
            return Err(container::too_wide());
        }
    }
    let header: Vec<String> = columns.keys().map(column_name).collect();
    columns.values_mut().enumerate().for_each(|(at, position)| *position = at);

    // Rows are made one by one: each has all columns, and a card fills few of them.
    let rows = cards
        .into_iter()
        .map(move |(number, card)| Row { number, content: content(card, &columns) });
    Ok(Table::of_records(Format::of("vcard", encoding, remarks), header, rows, tally))
}

/// What is said of what was left out.
fn told(omitted: Omitted) -> impl Iterator<Item = String> {
    let told = [
        (omitted.media, "pictures, sounds and keys were left out"),
        (omitted.cards, "cards within a card (assistants) were left out"),
    ];
    told.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"))
}

fn content(card: Result<Values, String>, columns: &BTreeMap<Place, usize>) -> Content {
    match card {
        Ok(values) if values.is_empty() => Content::Skipped("blank"),
        Ok(values) if first(&values, "KIND", 0).eq_ignore_ascii_case("group") => {
            Content::Skipped("group")
        }
        Ok(values) => {
            let mut cells = vec![String::new(); columns.len()];
            for (place, value) in values {
                cells[columns[&place]] = value;
            }
            Content::Data(StringRecord::from(cells))
        }
        Err(raw) => {
            Content::Bad { code: "bad_vcard", message: "the lines are no vCard".into(), raw }
        }
    }
}

fn column_name((family, times, part): &Place) -> String {
    let base = match family {
        Family::Known(at) => {
            let (name, parts) = FAMILIES[*at];
            if name.starts_with("ADR.") {
                format!("{name}.{}", parts[*part])
            } else {
                parts[*part].to_owned()
            }
        }
        Family::Other(name) => name.clone(),
    };
    if *times == 0 { base } else { format!("{base} {}", times + 1) }
}

/// The values of one card.
type Values = BTreeMap<Place, String>;

/// Lines that belong together: a card, or what stands between two.
struct Block<'a> {
    /// The first line, from 1.
    line: u32,
    text: &'a str,
    is_card: bool,
}

/// Cuts the text at `BEGIN:VCARD` and `END:VCARD`. A card without end is closed by the next one.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut open: Option<(usize, u32, bool)> = None;
    let mut close = |open: &mut Option<(usize, u32, bool)>, end: usize| {
        if let Some((start, line, is_card)) = open.take() {
            let text = &text[start..end];
            if is_card || !text.trim().is_empty() {
                blocks.push(Block { line, text, is_card });
            }
        }
    };
    let (mut at, mut inner, mut after_agent) = (0, 0usize, false);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let number = number as u32 + 1;
        // A line that starts with a blank goes on with the one before, whatever it says.
        let word = line.trim_end();
        let end = at + line.len();
        if word.eq_ignore_ascii_case("BEGIN:VCARD") && after_agent {
            // The card of an assistant within a card of version 2.1.
            inner += 1;
        } else if word.eq_ignore_ascii_case("BEGIN:VCARD") {
            close(&mut open, at);
            open = Some((at, number, true));
            inner = 0;
        } else if word.eq_ignore_ascii_case("END:VCARD") && inner > 0 {
            inner -= 1;
        } else if word.eq_ignore_ascii_case("END:VCARD") && open.is_some() {
            close(&mut open, end);
        } else if open.is_none() && !word.is_empty() {
            open = Some((at, number, false));
        }
        after_agent = word.eq_ignore_ascii_case("AGENT:");
        at = end;
    }
    close(&mut open, text.len());
    blocks
}

impl Block<'_> {
    /// The card's values, or the lines when they are no card.
    fn values(&self, tally: &Tally, omitted: &mut Omitted) -> Result<Values, String> {
        if !self.is_card {
            return Err(self.text.to_owned());
        }
        let (mut text, left_out) = vcard_lines::plain(self.text);
        omitted.media += left_out.media;
        omitted.cards += left_out.cards;
        if !text.trim_end().to_ascii_uppercase().ends_with("END:VCARD") {
            text.push_str("END:VCARD\r\n");
        }
        match VCard::parse(text) {
            Ok(card) => {
                let mut values = values_of(&card, self.line, tally);
                settle_company(&mut values);
                Ok(values)
            }
            Err(_) => Err(self.text.to_owned()),
        }
    }
}

/// The place of the first value of a family of columns.
fn place(family: &str, part: usize) -> Place {
    let at = FAMILIES.iter().position(|(name, _)| *name == family);
    (Family::Known(at.expect("a family of the table")), 0, part)
}

fn first<'v>(values: &'v Values, family: &str, part: usize) -> &'v str {
    values.get(&place(family, part)).map_or("", String::as_str)
}

/// A company's card often repeats the company's name as that of its person: it names nobody else.
///
/// It is a company's when it says so, or when it has no name but one that is also its company's.
fn settle_company(values: &mut Values) {
    let kind = first(values, "KIND", 0).to_ascii_lowercase();
    let says_so = matches!(kind.as_str(), "org" | "organization" | "organisation")
        || first(values, "X-ABShowAs", 0).eq_ignore_ascii_case("COMPANY");
    let parts: Vec<&str> = (0..5).map(|part| first(values, "N", part)).collect();
    let name = [1, 2, 0].map(|part| fold(parts[part])).join(" ").trim().to_owned();
    let (shown, company) = (fold(first(values, "FN", 0)), fold(first(values, "ORG", 0)));
    if says_so && company.is_empty() && !shown.is_empty() {
        if let Some(shown) = values.remove(&place("FN", 0)) {
            values.insert(place("ORG", 0), shown);
        }
    } else if !company.is_empty() && shown == company && (says_so || name.is_empty()) {
        values.remove(&place("FN", 0));
    }
    if says_so && name == fold(first(values, "ORG", 0)) {
        (0..5).for_each(|part| drop(values.remove(&place("N", part))));
    }
}

fn values_of(card: &VCard, line: u32, tally: &Tally) -> Values {
    let (mut values, mut labels) = (Values::new(), Vec::new());
    let mut times: BTreeMap<Family, usize> = BTreeMap::new();
    // The preferred number or address of each kind comes first.
    let (preferred, others): (Vec<_>, Vec<_>) =
        card.entries.iter().partition(|entry| is_preferred(entry));
    for entry in preferred.into_iter().chain(others) {
        let Some(family) = family_of(entry, card) else { continue };
        if is_label(entry) {
            let text = joined(entry.values.iter().filter_map(text_of));
            let (family, ..) = place(&format!("ADR.{}", place_use(&uses(entry, card))), 0);
            labels.extend((!text.trim().is_empty()).then_some((family, text)));
            continue;
        }
        let parts: Vec<(usize, String)> = parts_of(entry)
            .into_iter()
            .map(|(part, text)| {
                (part, header::unwrapped(&text, (line, None), tally).unwrap_or(text))
            })
            .filter(|(_, text)| !text.trim().is_empty())
            .collect();
        if parts.is_empty() {
            continue;
        }
        let nth = times.entry(family.clone()).or_default();
        for (part, text) in parts {
            values.insert((family.clone(), *nth, part), text);
        }
        *nth += 1;
    }
    labels.into_iter().for_each(|(family, text)| settle_label(family, text, &mut values));
    values
}

/// A label is the address beside it as a letter has it; where the card has no address of that use, it is one.
fn settle_label(family: Family, text: String, values: &mut Values) {
    let has_address = values.keys().any(|(other, ..)| *other == family);
    if !has_address {
        values.insert((family, 0, ADDRESS.len() - 1), text);
        return;
    }
    let beside = Family::Other("LABEL".into());
    let nth = values.keys().filter(|(other, ..)| *other == beside).count();
    values.insert((beside, nth, 0), text);
}

fn is_label(entry: &VCardEntry) -> bool {
    matches!(&entry.name, VCardProperty::Other(name) if name.eq_ignore_ascii_case("LABEL"))
}

/// Which columns a property fills; `None` for what is no text.
fn family_of(entry: &VCardEntry, card: &VCard) -> Option<Family> {
    let known =
        |name: &str| FAMILIES.iter().position(|(family, _)| *family == name).map(Family::Known);
    match &entry.name {
        VCardProperty::Tel => known(&format!("TEL.{}", phone_use(&uses(entry, card)))),
        VCardProperty::Adr => known(&format!("ADR.{}", place_use(&uses(entry, card)))),
        VCardProperty::Begin
        | VCardProperty::End
        | VCardProperty::Version
        | VCardProperty::Prodid
        | VCardProperty::Photo
        | VCardProperty::Logo
        | VCardProperty::Sound
        | VCardProperty::Key
        | VCardProperty::Xml
        | VCardProperty::Clientpidmap => None,
        VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-ABShowAs") => {
            known("X-ABShowAs")
        }
        VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-ABLabel") => None,
        VCardProperty::Other(name) => Some(Family::Other(name.clone())),
        name => known(name.as_str()).or_else(|| Some(Family::Other(name.as_str().to_owned()))),
    }
}

/// What a property is for, in lower case: its types, and the label that Apple keeps beside it.
fn uses(entry: &VCardEntry, card: &VCard) -> Vec<String> {
    let mut uses: Vec<String> = entry.params.iter().flat_map(type_words).collect();
    if let Some(group) = &entry.group {
        let labels = card.entries.iter().filter(|other| {
            other.group.as_ref() == Some(group)
                && matches!(&other.name, VCardProperty::Other(name) if name.eq_ignore_ascii_case("X-ABLabel"))
        });
        uses.extend(
            labels.flat_map(|label| &label.values).filter_map(text_of).map(|label| {
                label.trim_start_matches("_$!<").trim_end_matches(">!$_").to_lowercase()
            }),
        );
    }
    uses
}

fn type_words(parameter: &VCardParameter) -> Vec<String> {
    // Version 2.1 has bare words, `TEL;WORK`, which may come as parameters without a value.
    let word = match (&parameter.name, &parameter.value) {
        (VCardParameterName::Type, VCardParameterValue::Type(kind)) => kind.as_str().to_owned(),
        (VCardParameterName::Type, VCardParameterValue::Text(text)) => text.clone(),
        (VCardParameterName::Other(name), VCardParameterValue::Null) => name.clone(),
        _ => return Vec::new(),
    };
    word.split(',').map(|word| word.trim().to_ascii_lowercase()).collect()
}

fn says(uses: &[String], words: &[&str]) -> bool {
    uses.iter().any(|used| words.iter().any(|word| used.contains(word)))
}

const HOME: &[&str] = &["home", "domicile", "maison", "privat", "casa", "thuis", "personnel"];
const WORK: &[&str] =
    &["work", "travail", "bureau", "geschäft", "arbeit", "lavoro", "trabajo", "werk", "main"];

fn phone_use(uses: &[String]) -> &'static str {
    match () {
        () if says(uses, &["fax"]) => "fax",
        () if says(uses, &["cell", "mobil", "portable", "iphone", "gsm"]) => "cell",
        () if says(uses, &["pager"]) => "other",
        () if says(uses, WORK) => "work",
        () if says(uses, HOME) => "home",
        () => "other",
    }
}

fn place_use(uses: &[String]) -> &'static str {
    match () {
        () if says(uses, WORK) => "work",
        () if says(uses, HOME) => "home",
        () => "other",
    }
}

fn is_preferred(entry: &VCardEntry) -> bool {
    entry.params.iter().any(|parameter| {
        matches!(
            (&parameter.name, &parameter.value),
            (VCardParameterName::Pref, VCardParameterValue::Integer(1) | VCardParameterValue::Null)
        ) || type_words(parameter).iter().any(|word| word == "pref")
    })
}

/// The texts of a property with the part of the family each belongs to.
fn parts_of(entry: &VCardEntry) -> Vec<(usize, String)> {
    let texts = || entry.values.iter().map(|value| text_of(value).unwrap_or_default());
    match &entry.name {
        VCardProperty::N => {
            // Several given or additional names are a list: `Philip,Paul`.
            let listed = |(part, text): (usize, String)| match part {
                1 | 2 => (part, text.split(',').map(str::trim).collect::<Vec<_>>().join(" ")),
                _ => (part, text),
            };
            texts().take(5).enumerate().map(listed).collect()
        }
        VCardProperty::Adr => {
            let mut parts: Vec<(usize, String)> = ADDRESS_ORDER.into_iter().zip(texts()).collect();
            if parts.iter().all(|(_, text)| text.trim().is_empty()) {
                parts.extend(label(entry).map(|text| (ADDRESS.len() - 1, text)));
            }
            parts.sort();
            parts
        }
        VCardProperty::Org => {
            let mut texts = texts();
            let name = texts.next().unwrap_or_default();
            let units: Vec<String> = texts.filter(|unit| !unit.trim().is_empty()).collect();
            vec![(0, name), (1, units.join(", "))]
        }
        VCardProperty::Categories | VCardProperty::Nickname => {
            vec![(0, texts().collect::<Vec<_>>().join(","))]
        }
        VCardProperty::Gender => vec![(0, texts().next().unwrap_or_default())],
        VCardProperty::Tel => vec![(0, without_scheme(&joined(texts()), "tel:"))],
        VCardProperty::Email => vec![(0, without_scheme(&joined(texts()), "mailto:"))],
        _ => vec![(0, joined(texts()))],
    }
}

/// The address as a letter has it, which version 4.0 keeps as a parameter.
fn label(entry: &VCardEntry) -> Option<String> {
    entry.params.iter().find_map(|parameter| match (&parameter.name, &parameter.value) {
        (VCardParameterName::Label, VCardParameterValue::Text(text)) => {
            Some(vcard_lines::parameter_text(text))
        }
        _ => None,
    })
}

fn joined(texts: impl Iterator<Item = String>) -> String {
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(";")
}

fn without_scheme(text: &str, scheme: &str) -> String {
    match text.get(..scheme.len()) {
        Some(head) if head.eq_ignore_ascii_case(scheme) => text[scheme.len()..].to_owned(),
        _ => text.to_owned(),
    }
}

fn text_of(value: &VCardValue) -> Option<String> {
    Some(match value {
        VCardValue::Text(text) => text.clone(),
        VCardValue::Integer(number) => number.to_string(),
        VCardValue::Float(number) => number.to_string(),
        VCardValue::Boolean(yes) => yes.to_string(),
        VCardValue::PartialDateTime(date) => iso(date),
        VCardValue::Sex(sex) => match sex {
            VCardSex::Male => "M",
            VCardSex::Female => "F",
            VCardSex::Other => "O",
            VCardSex::NoneOrNotApplicable => "N",
            VCardSex::Unknown => "U",
        }
        .to_owned(),
        VCardValue::Kind(kind) => kind.as_str().to_owned(),
        VCardValue::Component(parts) => parts.join(","),
        VCardValue::GramGender(gender) => gender.as_str().to_owned(),
        VCardValue::Binary(_) => return None,
    })
}

/// ISO, as far as it is known: `1975-03-14`, `--03-14`, `1975-03`, `2019-05-02T10:00:00`.
fn iso(date: &PartialDateTime) -> String {
    let day = match (date.year, date.month, date.day) {
        (Some(year), Some(month), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
        (Some(year), Some(month), None) => format!("{year:04}-{month:02}"),
        (Some(year), None, _) => format!("{year:04}"),
        (None, Some(month), Some(day)) => format!("--{month:02}-{day:02}"),
        (None, Some(month), None) => format!("--{month:02}"),
        (None, None, Some(day)) => format!("---{day:02}"),
        (None, None, None) => String::new(),
    };
    match (date.hour, date.minute) {
        (Some(hour), minute) if !day.is_empty() => {
            let (minute, second) = (minute.unwrap_or(0), date.second.unwrap_or(0));
            format!("{day}T{hour:02}:{minute:02}:{second:02}")
        }
        _ => day,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `line: column=value, ...` for each card.
    fn read(text: &str) -> Vec<String> {
        let decoded = Decoded { text: text.into(), encoding: "UTF-8".into(), remarks: Vec::new() };
        let table = table(decoded).expect("not too wide");
        let header = table.header;
        table
            .rows
            .map(|row| match row.content {
                Content::Data(cells) => {
                    let filled: Vec<String> = header
                        .iter()
                        .zip(&cells)
                        .filter(|(_, cell)| !cell.is_empty())
                        .map(|(name, cell)| format!("{name}={cell}"))
                        .collect();
                    format!("{}: {}", row.number, filled.join(", "))
                }
                other => format!("{}: {other:?}", row.number),
            })
            .collect()
    }

    #[test]
    fn versions_may_be_mixed_and_an_end_missing() {
        let text = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Lef=E8vre;Zo=E9;;Mme;\r\n\
            TEL;WORK;VOICE:01 02\r\nTEL;CELL:06 07\r\nBEGIN:VCARD\r\nVERSION:4.0\r\nFN:Jean Roy\r\nTEL;TYPE=\"work,voice\";VALUE=uri:tel:+33-1-02\r\n\
            EMAIL:mailto:a@b.fr\r\nBDAY:19750314\r\nEND:VCARD\r\n";
        assert_eq!(
            read(text),
            [
                "1: N.family=Lefèvre, N.given=Zoé, N.prefix=Mme, TEL.cell=06 07, TEL.work=01 02",
                "6: FN=Jean Roy, TEL.work=+33-1-02, EMAIL=a@b.fr, BDAY=1975-03-14",
            ]
        );
    }

    #[test]
    fn addresses_labels_and_repeats_have_columns_of_their_own() {
        let text = "BEGIN:VCARD\nVERSION:3.0\nORG:Acme;Sales;South\nX-ABShowAs:COMPANY\n\
            ADR;TYPE=WORK:BP 3;Bât. A;35\\, rue X;Lyon;;69001;France\n\
            item1.TEL:01\nitem1.X-ABLabel:_$!<Home>!$_\nTEL;TYPE=HOME,PREF:02\nEND:VCARD\n";
        assert_eq!(
            read(text),
            ["1: ORG=Acme, ORG.unit=Sales, South, TEL.home=02, TEL.home 2=01, \
              ADR.work.street=35, rue X, ADR.work.extended=Bât. A, ADR.work.po_box=BP 3, \
              ADR.work.city=Lyon, ADR.work.postcode=69001, ADR.work.country=France, X-ABShowAs=COMPANY"]
        );
    }

    #[test]
    fn a_label_is_an_address_only_where_the_card_has_none_of_its_use() {
        let card =
            |lines: &str| read(&format!("BEGIN:VCARD\nVERSION:3.0\nFN:A\n{lines}END:VCARD\n"));
        assert_eq!(
            card(
                "ADR;TYPE=HOME:;;42 Plantation St.;Baytown;LA;30314;USA\nLABEL;TYPE=HOME:42 Plantation St.\\nBaytown\n"
            ),
            [
                "1: FN=A, ADR.home.street=42 Plantation St., ADR.home.city=Baytown, ADR.home.region=LA, \
              ADR.home.postcode=30314, ADR.home.country=USA, LABEL=42 Plantation St.\nBaytown"
            ]
        );
        assert_eq!(
            card("LABEL;TYPE=WORK:3 rue Haute\\n69001 Lyon\n"),
            ["1: FN=A, ADR.work.label=3 rue Haute\n69001 Lyon"]
        );
    }

    #[test]
    fn several_additional_names_are_words_and_no_list() {
        let card = "BEGIN:VCARD\nVERSION:3.0\nN:Stevenson;John;Q.,Public;Dr.;\nEND:VCARD\n";
        assert_eq!(
            read(card),
            ["1: N.family=Stevenson, N.given=John, N.additional=Q. Public, N.prefix=Dr."]
        );
    }

    #[test]
    fn folded_lines_are_one_and_pictures_are_left_out() {
        let text = "BEGIN:VCARD\nVERSION:3.0\nNOTE:one\n  line\\nanother\nPHOTO;ENCODING=b;TYPE=JPEG:/9j/\n 4AAQ\n\nX-SKYPE:me\nEND:VCARD\n";
        assert_eq!(read(text), ["1: NOTE=one line\nanother, X-SKYPE=me"]);
    }
}
