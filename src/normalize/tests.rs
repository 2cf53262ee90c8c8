use std::sync::Arc;

use super::*;
use crate::table::{Channel, ConsentState, Draft, IdKey, Place, RecordsBuilder};

/// Records of one table; each is a kind and `attribute[@label]=value` parts.
fn ingested(rows: &[(Kind, &[&str])]) -> Ingested {
    ingested_from("", rows)
}

/// The same of a source of this country.
fn ingested_from(country: &str, rows: &[(Kind, &[&str])]) -> Ingested {
    let mut builder = RecordsBuilder::default();
    let place = builder.place(Place {
        source: "crm".into(),
        file: "crm.csv".into(),
        sheet: String::new(),
        key_space: String::new(),
        rank: 0,
        country: country.into(),
        dated: String::new(),
    });
    for (row, (kind, parts)) in rows.iter().enumerate() {
        let mut draft = Draft {
            kind: Some(*kind),
            place,
            row: row as u32 + 2,
            digest: [row as u8; 32],
            ..Draft::default()
        };
        for part in *parts {
            let (name, value) = part.split_once('=').expect("attribute=value");
            let (attribute, label) = name.split_once('@').unwrap_or((name, ""));
            let origin = builder.origin(place, attribute, label);
            draft.values.push((Arc::from(attribute), value.to_owned(), origin));
        }
        builder.push(draft);
    }
    let (records, _) = builder.finish(&IdKey([7; 32]));
    Ingested { records, ..Ingested::default() }
}

fn cleaned(ingested: &Ingested) -> Staged<Clean, Metrics> {
    run(ingested, &Settings::default(), &Progress::hidden()).expect("nothing stops it")
}

/// The clean values of the only record, as `attribute=value` sorted.
fn one(kind: Kind, parts: &[&str]) -> String {
    one_from("", kind, parts)
}

/// The same of a source of this country.
fn one_from(country: &str, kind: Kind, parts: &[&str]) -> String {
    let staged = cleaned(&ingested_from(country, &[(kind, parts)]));
    let mut shown: Vec<String> = staged
        .table
        .records
        .columns
        .iter()
        .flat_map(|(a, c)| c.values(0).map(move |v| format!("{a}={}", v.replace('\u{1f}', "|"))))
        .collect();
    shown.extend(staged.table.rejects.iter().map(|r| format!("!{}:{}", r.column, r.code)));
    shown.join("; ")
}

#[test]
fn a_mailbox_tells_the_order_that_words_leave_open() {
    let name = |name: &str| {
        one(Kind::Person, &[&format!("full_name={name}"), "email=paul.bernard@nova.fr"])
    };
    let right = "email=paul.bernard@nova.fr; first_name=Paul; last_name=Bernard";
    assert_eq!(name("Bernard Paul"), right);
    assert_eq!(name("Paul Bernard"), right);
    // Capitals say it already.
    assert_eq!(
        name("Bernard PAUL"),
        "email=paul.bernard@nova.fr; first_name=Bernard; last_name=Paul"
    );
}

#[test]
fn a_vat_number_in_the_column_of_another_number_is_taken() {
    let read = |cell: &str| one(Kind::Organisation, &[&format!("siret={cell}")]);
    assert_eq!(read("FR 83 404 833 048"), "siren=404833048; vat=FR83404833048");
    assert_eq!(read("FR 84 404 833 048"), "!siret:bad_siret");
}

#[test]
fn a_full_name_becomes_its_parts() {
    assert_eq!(
        one(Kind::Person, &["full_name=Mme DUPONT Anne-Marie"]),
        "civility=Mme; first_name=Anne-Marie; last_name=Dupont"
    );
    assert_eq!(
        one(Kind::Person, &["first_name=JEAN PIERRE", "last_name=DE LA TOUR", "civility=Monsieur"]),
        "civility=M.; first_name=Jean-Pierre; last_name=de La Tour"
    );
    assert_eq!(
        one(Kind::Person, &["last_name=CHARTIER JEANINE"]),
        "first_name=Jeanine; last_name=Chartier"
    );
    assert_eq!(one(Kind::Person, &["last_name=LE GOFF"]), "last_name=Le Goff");
}

#[test]
fn the_parts_of_one_address_are_joined_by_their_label() {
    assert_eq!(
        one(
            Kind::Person,
            &[
                "street@work=12 R. DES LILAS",
                "postcode@work=1000",
                "city@work=BOURG",
                "street@home=3 rue Foch",
                "postcode@home=75001",
                "city@home=Paris"
            ]
        ),
        "address=12|rue des Lilas||01000|Bourg|||FR; address=3|rue Foch||75001|Paris|||FR"
    );
}

#[test]
fn addresses_that_name_no_country_are_in_that_of_their_source() {
    let cases = [
        ("BE", "Rue Royale 12, 4900 Spa", "12|rue Royale||4900|Spa|||BE"),
        ("CH", "Rue Royale 12, 4900 Langenthal", "12|rue Royale||4900|Langenthal|||CH"),
        ("FR", "12 rue Royale 75008 Paris", "12|rue Royale||75008|Paris|||FR"),
        ("BE", "12 rue Royale, 75008 Paris, France", "12|rue Royale||75008|Paris|||FR"),
    ];
    for (country, whole, expected) in cases {
        let cell = format!("address={whole}");
        let shown = one_from(country, Kind::Person, &[&cell]);
        assert_eq!(shown, format!("address={expected}"), "{country} {whole}");
    }
    for (country, expected) in [
        ("", "address=12|rue Royale||04900|Spa|||FR"),
        ("BE", "address=12|rue Royale||4900|Spa|||BE"),
    ] {
        let cells = ["street=12 rue Royale", "postcode=4900", "city=Spa"];
        assert_eq!(one_from(country, Kind::Person, &cells), expected, "{country}");
    }
}

#[test]
fn an_objection_to_letters_names_the_address_as_its_record_does() {
    let cell = "Rue Royale 12, 4900 Spa";
    let written = format!("address={cell}");
    let mut ingested = ingested_from("BE", &[(Kind::Person, &[&written])]);
    ingested.events.push(ConsentEvent {
        record: Some(0),
        contact_point: cell.into(),
        channel: Channel::Post,
        purpose: String::new(),
        legal_entity: String::new(),
        state: ConsentState::OptOut,
        proved: false,
        since: String::new(),
        place: 0,
        row: 2,
        column: "note".into(),
    });
    let clean = cleaned(&ingested).table;
    let address = clean.records.values("address", 0).next();
    assert_eq!(Some(clean.events[0].contact_point.as_str()), address);
}

#[test]
fn a_swapped_postcode_is_put_right_and_told() {
    let told = cleaned(&ingested(&[(Kind::Person, &["postcode=Lyon", "city=69003"])]));
    let codes: Vec<&str> = told.table.issues.iter().map(|i| i.of.issue.code).collect();
    assert_eq!(codes, ["swapped_place"]);
    assert!(told.table.rejects.is_empty());
}

#[test]
fn numbers_go_where_their_plan_says() {
    assert_eq!(
        one(
            Kind::Person,
            &["phone=06 12 34 56 78 / 01 42 00 00 12", "mobile=0142000012", "fax=0142000013"]
        ),
        "fax=+33142000013; mobile=+33612345678; phone=+33142000012"
    );
    assert_eq!(
        one(Kind::Person, &["phone=a@b.fr", "email=0612345678"]),
        "email=a@b.fr; mobile=+33612345678"
    );
}

#[test]
fn an_organisation_gets_the_siren_within_its_other_numbers() {
    assert_eq!(
        one(Kind::Organisation, &["name=SARL Dupont", "siret=732 829 320 00074"]),
        "legal_form=SARL; name=Dupont; siren=732829320; siret=73282932000074"
    );
    assert_eq!(
        one(Kind::Organisation, &["vat=FR44732829320"]),
        "siren=732829320; vat=FR44732829320"
    );
    assert_eq!(one(Kind::Organisation, &["siret=732829320"]), "siren=732829320");
    assert_eq!(one(Kind::Organisation, &["siret=1,33218E+13"]), "!siret:lost_digits");
}

#[test]
fn what_cannot_be_used_is_rejected_and_what_says_nothing_is_counted() {
    let staged = cleaned(&ingested(&[
        (
            Kind::Person,
            &["email=a @b.fr", "phone=0000000000", "birth_date=01/01/1900", "first_name=Anne"],
        ),
        (Kind::Person, &["email=a@b.fr", "phone=123", "birth_date=31/05/1970"]),
    ]));
    let rejects: Vec<_> =
        staged.table.rejects.iter().map(|r| (r.row, r.code.as_str(), r.raw.as_str())).collect();
    assert_eq!(rejects, [(Some(2), "bad_email", "a @b.fr"), (Some(3), "bad_phone", "123")]);
    let fill = |attribute: &str| {
        staged.metrics.fills.iter().find(|f| f.attribute == attribute).cloned().expect("counted")
    };
    assert_eq!(
        Fill { changed: 0, ..fill("email") },
        Fill {
            source: "crm".into(),
            kind: "person".into(),
            attribute: "email".into(),
            records: 2,
            filled: 2,
            valid: 1,
            changed: 0,
            placeholders: 0,
            invalid: 1
        }
    );
    assert_eq!(
        (
            fill("phone").placeholders,
            fill("phone").invalid,
            fill("birth_date").placeholders,
            fill("birth_date").valid
        ),
        (1, 1, 1, 1)
    );
}

#[test]
fn the_order_of_dates_is_decided_by_their_column() {
    let staged = cleaned(&ingested(&[
        (Kind::Person, &["birth_date=05/04/1970"]),
        (Kind::Person, &["birth_date=05/31/1970"]),
    ]));
    let column = &staged.table.records.columns["birth_date"];
    let mut dates: Vec<&str> = (0..2).filter_map(|i| column.first(i)).collect();
    dates.sort_unstable();
    assert_eq!(dates, ["1970-05-04", "1970-05-31"]);
}

#[test]
fn contact_points_of_events_have_the_form_of_clean_values() {
    let mut ingested = ingested(&[(Kind::Person, &["email=a@b.fr"])]);
    let event = |channel, contact_point: &str| ConsentEvent {
        record: Some(0),
        contact_point: contact_point.into(),
        channel,
        purpose: String::new(),
        legal_entity: String::new(),
        state: ConsentState::OptOut,
        proved: false,
        since: String::new(),
        place: 0,
        row: 2,
        column: String::new(),
    };
    ingested.events = vec![
        event(Channel::Email, "A@B.fr; C@d.fr"),
        event(Channel::Phone, "06 12 34 56 78"),
        event(Channel::Email, "a @b.fr"),
    ];
    let points: Vec<String> =
        cleaned(&ingested).table.events.into_iter().map(|e| e.contact_point).collect();
    assert_eq!(points, ["a@b.fr", "c@d.fr", "+33612345678", "a @b.fr"]);
}

#[test]
fn clean_records_stay_as_they_are() {
    let first = cleaned(&ingested(&[
        (
            Kind::Person,
            &[
                "full_name=DUPONT Jean",
                "email=A@b.fr",
                "phone=0612345678",
                "street=12 R. DES LILAS",
                "postcode=75001",
                "city=PARIS",
                "x.date.rdv=31/05/2012",
                "extra.note= a  b ",
            ],
        ),
        (
            Kind::Organisation,
            &[
                "name=Ets Martin SARL",
                "siret=73282932000074",
                "balance=1 234,50 €",
                "active=Oui",
                "website=http://www.a.fr/",
            ],
        ),
    ]));
    let again = Ingested { records: first.table.records.clone(), ..Ingested::default() };
    let second = cleaned(&again);
    let values = |records: &Records| {
        let all = records.columns.iter().flat_map(|(a, c)| {
            (0..c.len()).map(move |i| format!("{a} {i} {:?}", c.values(i).collect::<Vec<_>>()))
        });
        all.collect::<Vec<_>>()
    };
    assert_eq!(values(&first.table.records), values(&second.table.records));
}

/// Cells of all sorts, the plain ones among them.
const CELLS: [&str; 38] = [
    "06 12 34 56 78",
    "06.12.34.56.78",
    "+33612345678",
    "0692 85 12 34",
    "01 42 00 00 12 / 06 12 34 56 78",
    "00 00 00 00 00",
    "0123456789",
    "3631",
    "a@b.fr",
    "A@b.fr",
    "noemail@noemail.com",
    "imceaex-a@b.fr",
    "a@b.fr; c@d.fr",
    "C0001",
    "c 0001",
    "0000",
    "X",
    "732829320",
    "123456782",
    "000000000",
    "73282932000074",
    "12345678200010",
    "Client fidèle",
    " deux  blancs ",
    "a\u{a0}b",
    "N/A",
    "néant",
    "xxx",
    "-",
    "?",
    "#N/A",
    "_x000D_",
    "Hélène",
    "e\u{301}te\u{301}",
    "1971-03-12",
    "1900-01-01",
    "1971-02-30",
    "0000-00-00",
];

#[test]
fn what_needs_no_reading_is_what_reading_gives() {
    let attributes = [
        "email",
        "phone",
        "mobile",
        "fax",
        "siren",
        "siret",
        "customer_code",
        "notes",
        "created_at",
        "birth_date",
    ];
    let cells = CELLS.map(|cell| attributes.map(|attribute| format!("{attribute}={cell}")));
    let parts: Vec<Vec<&str>> =
        cells.iter().map(|parts| parts.iter().map(String::as_str).collect()).collect();
    let rows: Vec<(Kind, &[&str])> =
        parts.iter().map(|parts| (Kind::Organisation, parts.as_slice())).collect();
    let ingested = ingested(&rows);
    let Settings { country, vocabulary } = Settings::default();
    let plan = Plan::new(&ingested.records, &country, &vocabulary, habits(&ingested.records));
    let mut plain = 0;
    for (attribute, column) in &ingested.records.columns {
        let at = plan.position(attribute);
        for (record, cell) in (0..column.len()).filter_map(|i| Some((i, column.first(i)?))) {
            let around = plan.around(at, record, 0);
            let told = plan.tell(at, cell, around);
            let said = |to: usize, value: &str| {
                let changed = value != cell;
                format!("{:?}", [cell::Told::Value { to, value: value.to_owned(), changed }])
            };
            let expected = match plan.plainly(at, cell, around) {
                None => continue,
                Some(cell::Plainly::AsWritten) => said(at, cell),
                Some(cell::Plainly::Number(to, number)) => said(to, number.as_str()),
            };
            assert_eq!(format!("{told:?}"), expected, "{attribute} {cell}");
            plain += 1;
        }
    }
    assert!(plain > 40, "{plain} cells were plain");
}

#[test]
fn records_are_put_together_alike_in_any_company() {
    let parts: &[&str] = &["first_name=ANNE", "last_name=LE GOFF", "phone=0612345678", "note=a"];
    let alone = cleaned(&ingested(&[(Kind::Person, parts)])).table.records;
    let many: Vec<(Kind, &[&str])> = (0..200).map(|_| (Kind::Person, parts)).collect();
    let many = cleaned(&ingested(&many)).table.records;
    assert_eq!(alone.columns.keys().collect::<Vec<_>>(), many.columns.keys().collect::<Vec<_>>());
    for (name, column) in &many.columns {
        for i in 0..many.len() {
            assert_eq!(column.first(i), alone.first(name, 0), "{name}");
        }
    }
}

#[test]
fn a_placeholder_beside_a_first_name_is_a_surname() {
    let person = |parts: &[&str]| one(Kind::Person, parts);
    assert_eq!(person(&["first_name=Anne", "last_name=Test"]), "first_name=Anne; last_name=Test");
    assert_eq!(person(&["first_name=Marie", "last_name=TOTO"]), "first_name=Marie; last_name=Toto");
    assert_eq!(
        person(&["first_name=Anne", "last_name=Inconnu"]),
        "first_name=Anne; last_name=Inconnu"
    );
    for nobody in [
        ["first_name=Test", "last_name=Test"],
        ["first_name=xxx", "last_name=toto"],
        ["first_name=N/A", "last_name=inconnu"],
    ] {
        assert_eq!(person(&nobody), "", "{nobody:?}");
        let staged = cleaned(&ingested(&[(Kind::Person, &nobody)]));
        let dropped: u64 = staged.metrics.fills.iter().map(|fill| fill.placeholders).sum();
        assert_eq!(dropped, 2, "what is dropped is counted");
    }
    assert_eq!(person(&["first_name=Anne", "last_name=xxx"]), "first_name=Anne");
}
