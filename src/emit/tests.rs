//! What a golden table becomes in each target, seen from outside.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::table::{
    ColumnBuilder, ConsentSaid, ConsentState, GoldenConsent, GoldenKey, GoldenLink, GoldenRecords,
    OrganisationLink,
};

/// A golden table in a compact notation, and the origins of its values.
///
/// ```text
/// org o1 name=Dupont | address[billing]=12/rue de la Paix//75002/Paris///FR
/// org o2 name=Dupont Lyon | parent=o1
/// person p1 last_name=Martin | email=a@b.fr | email=c@d.fr
/// link p1 o1 current acheteur
/// consent p1 email a@b.fr opt_out
/// key o1 sage C001
/// suppressed 0123 email opt_out
/// ```
fn golden(text: &str) -> (Golden, Vec<Origin>) {
    let mut golden = Golden::default();
    let mut origins: Vec<Origin> = Vec::new();
    let (mut organisations, mut persons) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (what, rest) = line.split_once(' ').expect("a word and what it says");
        let words: Vec<&str> = rest.split(' ').collect();
        let word = |at: usize| words.get(at).copied().unwrap_or("").to_owned();
        match what {
            "org" => organisations.push(rest),
            "person" => persons.push(rest),
            "link" => golden.links.push(GoldenLink {
                person_id: word(0),
                organisation_id: word(1),
                current: match words.get(2) {
                    Some(&"current") => Some(true),
                    Some(&"former") => Some(false),
                    _ => None,
                },
                role: words.get(3..).unwrap_or_default().join(" "),
                since: String::new(),
                until: String::new(),
            }),
            "consent" => golden.consents.push(GoldenConsent {
                golden_id: word(0).into(),
                channel: Channel::ALL
                    .into_iter()
                    .find(|c| c.as_str() == word(1))
                    .expect("a channel"),
                contact_point: word(2).replace('-', "").into(),
                said: ConsentState::parse(&word(3)).map(ConsentSaid::bare),
            }),
            "key" => golden.keys.push(GoldenKey {
                golden_id: word(0),
                key_space: word(1),
                key: word(2),
                active: true,
            }),
            "suppressed" => golden.suppressed.push((
                word(0),
                Channel::ALL.into_iter().find(|c| c.as_str() == word(1)).expect("a channel"),
                ConsentState::parse(&word(2)).expect("a state"),
            )),
            other => panic!("`{other}` is no line of the notation"),
        }
    }
    golden.organisations = records(&organisations, &mut origins);
    golden.persons = records(&persons, &mut origins);
    for (child, parent) in golden.organisations.ids.iter().zip(&golden.organisations.parent) {
        if !parent.is_empty() {
            golden.organisation_links.push(OrganisationLink {
                child_id: child.clone(),
                parent_id: parent.clone(),
                link_type: "establishment_of".into(),
            });
        }
    }
    (golden, origins)
}

/// Attribute, value, origin.
type Value = (String, String, u32);

fn records(lines: &[&str], origins: &mut Vec<Origin>) -> GoldenRecords {
    let mut records = GoldenRecords::default();
    let mut rows: Vec<(&str, Vec<Value>)> = Vec::new();
    for line in lines {
        let (id, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut values = Vec::new();
        for pair in rest.split(" | ").filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').expect("attribute=value");
            let (name, label) = match name.split_once('[') {
                Some((name, label)) => (name, label.trim_end_matches(']')),
                None => (name, ""),
            };
            let origin = Origin { place: 0, column: String::new(), label: label.to_owned() };
            let at = origins.iter().position(|o| *o == origin).unwrap_or_else(|| {
                origins.push(origin);
                origins.len() - 1
            });
            let value =
                if name == "address" { value.replace('/', "\u{1f}") } else { value.to_owned() };
            values.push((name.to_owned(), value, at as u32));
        }
        rows.push((id, values));
    }
    rows.sort_by_key(|(id, _)| id.to_owned());
    let fact = |values: &[Value], name: &str| {
        values.iter().find(|(n, ..)| n == name).map(|(_, v, _)| v.clone()).unwrap_or_default()
    };
    const FACTS: [&str; 4] = ["parent", "level", "lifecycle", "roles"];
    let names: BTreeSet<&String> =
        rows.iter().flat_map(|(_, v)| v.iter().map(|(n, ..)| n)).collect();
    for name in names.into_iter().filter(|name| !FACTS.contains(&name.as_str())) {
        let mut column = ColumnBuilder::new();
        for (_, values) in &rows {
            values.iter().filter(|(n, ..)| n == name).for_each(|(_, v, o)| column.value(v, *o));
            column.end_record();
        }
        records.columns.insert(name.clone(), column.finish());
    }
    for (id, values) in &rows {
        records.ids.push((*id).to_owned());
        records.members.push(Vec::new());
        records.parent.push(fact(values, "parent"));
        records.level.push(fact(values, "level"));
        records.lifecycle.push(fact(values, "lifecycle"));
        records.roles.push(fact(values, "roles"));
        records.household.push(String::new());
    }
    records
}

/// What a package holds: the files by name, and the numbers.
struct Loaded {
    files: BTreeMap<String, String>,
    metrics: Metrics,
}

impl Loaded {
    /// The cells of a column, in the order of the rows.
    fn column(&self, file: &str, header: &str) -> Vec<String> {
        let mut reader =
            csv::Reader::from_reader(self.files[file].trim_start_matches('\u{feff}').as_bytes());
        let at = reader.headers().expect("a header").iter().position(|h| h == header);
        let at = at.unwrap_or_else(|| panic!("{file} has no column {header}"));
        reader.records().map(|r| r.expect("a record")[at].to_owned()).collect()
    }

    /// The misfits as `golden_id column problem`.
    fn misfits(&self) -> Vec<String> {
        let show = |m: &Misfit| format!("{} {} {}", m.golden_id, m.column, m.problem);
        self.metrics.misfits.iter().map(show).collect()
    }
}

fn load(target: &Target, (golden, origins): &(Golden, Vec<Origin>)) -> Loaded {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let metrics = run(golden, origins, target, BTreeSet::new(), folder.path(), &Progress::hidden())
        .unwrap_or_else(|error| panic!("{error}"));
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, store::read_text(&entry.path()).expect("text"));
    }
    Loaded { files, metrics }
}

fn into(name: &str, text: &str) -> Loaded {
    load(&Target::builtin(name).expect("built in"), &golden(text))
}

/// A target of one object with these columns.
fn target(rows: &str, rest: &str, columns: &str) -> Target {
    let text = format!(
        "label = \"X\"\n{rest}\n[[object]]\nname = \"x\"\nobject = \"X\"\nfile = \"x.csv\"\n\
         rows = \"{rows}\"\ncolumns = [{columns}]\n"
    );
    Target::parse(&text, Path::new("x.toml")).unwrap_or_else(|error| panic!("{error}"))
}

const ESTATE: &str = "
    org o1 name=Dupont & Fils | legal_form=SARL | siren=552100554 | siret=55210055400013 | \
        address=12 bis/rue de la Paix/Bâtiment B, BP 12/75002/Paris/CEDEX 2//FR | \
        address[delivery]=1/quai Ouest//69000/Lyon///FR | phone=+33123456789;ext=12 | \
        email=contact@dupont.fr | website=dupont.fr | roles=customer|supplier | level=legal_unit | balance=12.50
    org o0 name=Dupont Lyon | parent=o1 | level=establishment
    person p1 civility=Mme | first_name=Hélène | last_name=d'Œuvre | email=h@dupont.fr | email=h2@free.fr | \
        phone[home]=+33200000000 | mobile=+33600000001 | birth_date=1970-05 | created_at=2012-05-31
    person p2 first_name=Jean | email=jean@free.fr
    person p3 last_name=\"Le Grand\", Paul | email=paul@free.fr
    link p1 o1 current acheteuse
    link p1 o0 former stagiaire
    consent p1 email h@dupont.fr opt_in
    consent p1 phone +33600000001 opt_out
    consent p3 email paul@free.fr opt_out
    key o1 sage C001
    suppressed 99ff email opt_out
";

#[test]
fn each_target_gets_its_own_package() {
    for name in Target::names() {
        let loaded = into(name, ESTATE);
        let files = loaded.files.iter().map(|(file, text)| format!("--- {file}\n{text}"));
        insta::assert_snapshot!(name, files.collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn unknown_consent_is_written_as_do_not_contact_and_counted() {
    let loaded = into("salesforce", ESTATE);
    // By account: first p2 and p3, who have none.
    assert_eq!(loaded.column("3-contacts.csv", "Legacy_Id__c"), ["p2", "p3", "p1"]);
    assert_eq!(loaded.column("3-contacts.csv", "HasOptedOutOfEmail"), ["true", "true", "false"]);
    // p2: unknown; p3: an objection; contact@ of the organisation: unknown.
    assert_eq!(loaded.metrics.unknown_as_no.get("email"), Some(&2));
    assert_eq!(loaded.column("3-contacts.csv", "DoNotCall"), ["true", "true", "true"]);

    let loaded = into("hubspot", ESTATE);
    assert_eq!(loaded.column("4-opt-outs.csv", "Email"), ["paul@free.fr"]);
    assert_eq!(
        loaded.column("5-unknown-consent.csv", "Email"),
        ["contact@dupont.fr", "h2@free.fr", "jean@free.fr"]
    );
}

#[test]
fn nobody_who_is_deceased_may_be_contacted_and_no_objection_is_made_up() {
    let estate = "
        person p1 last_name=Petit | email=a@free.fr | email=home@free.fr | standing=deceased
        person p2 last_name=Petit | email=home@free.fr
        consent p1 email a@free.fr opt_in
        consent p1 email home@free.fr opt_in
        consent p2 email home@free.fr opt_in
    ";
    let loaded = into("salesforce", estate);
    assert_eq!(loaded.column("3-contacts.csv", "Legacy_Id__c"), ["p1", "p2"]);
    assert_eq!(loaded.column("3-contacts.csv", "HasOptedOutOfEmail"), ["true", "false"]);
    assert_eq!(loaded.column("3-contacts.csv", "Email_Consent__c"), ["deceased", "opt_in"]);
    assert_eq!(loaded.column("3-contacts.csv", "Standing__c"), ["deceased", ""]);
    assert_eq!(loaded.metrics.deceased, 1);

    // What the widow has agreed to is hers.
    let loaded = into("hubspot", estate);
    assert_eq!(loaded.column("4-opt-outs.csv", "Email"), ["a@free.fr"]);
    let loaded = into("csv", estate);
    assert_eq!(loaded.column("5-consents.csv", "state"), ["deceased", "deceased", "opt_in"]);

    let refused = into(
        "salesforce",
        "person p1 last_name=P | email=a@x.fr | standing=deceased\nconsent p1 email a@x.fr opt_out",
    );
    assert_eq!(refused.column("3-contacts.csv", "Email_Consent__c"), ["opt_out"]);
}

#[test]
fn an_objection_reaches_all_contact_points_and_wherever_they_stand() {
    let estate = "
        person p1 last_name=A | email=a@x.fr | email=b@x.fr
        person p2 last_name=B | email=c@x.fr
        consent p1 email b@x.fr complaint
        consent p1 email a@x.fr opt_in
        consent p2 email c@x.fr opt_in
        org o1 name=O | email=c@x.fr
        consent o1 email c@x.fr opt_out";
    let loaded = into("salesforce", estate);
    assert_eq!(loaded.column("3-contacts.csv", "HasOptedOutOfEmail"), ["true", "true"]);
    let loaded = into("odoo", estate);
    assert_eq!(loaded.column("4-mail-blacklist.csv", "email"), ["a@x.fr", "b@x.fr", "c@x.fr"]);
}

#[test]
fn a_yes_that_waits_and_a_bounce_are_no_yes() {
    let state = |state: &str| {
        let text = format!("person p1 last_name=A | email=a@x.fr\nconsent p1 email a@x.fr {state}");
        into("dynamics365", &text).column("2-contact.csv", "donotbulkemail").remove(0)
    };
    assert_eq!(
        ["opt_in", "pending", "hard_bounce", "opt_out", "unknown"].map(state),
        ["0", "1", "1", "1", "1"]
    );
}

#[test]
fn who_is_known_by_an_objection_alone_is_in_the_suppression_list() {
    for name in Target::names() {
        let loaded = into(name, ESTATE);
        assert_eq!(
            loaded.files["suppression.csv"], "channel,state,hash\nemail,opt_out,99ff\n",
            "{name}"
        );
        assert_eq!(loaded.metrics.suppressed, 1);
    }
}

#[test]
fn a_required_value_that_is_missing_is_a_marked_placeholder_and_counted() {
    let loaded = into("salesforce", ESTATE);
    assert_eq!(loaded.column("3-contacts.csv", "LastName")[0], "(unknown)");
    assert_eq!(loaded.metrics.placeholders.get("Contact.LastName"), Some(&1));
    assert!(loaded.misfits().contains(&"p2 LastName missing_required".to_owned()));
}

#[test]
fn who_has_nothing_that_the_target_asks_for_is_left_out_and_counted() {
    let loaded = into("hubspot", "person p1 phone=+33100000000\nperson p2 last_name=B");
    assert_eq!(loaded.column("2-contacts.csv", "legacy_id"), ["p2"]);
    let reason = "Contact: none of email, firstname, lastname".to_owned();
    assert_eq!(loaded.metrics.left_out, BTreeMap::from([(reason, 1)]));
    assert!(loaded.files["LOAD.md"].contains("1 golden record: Contact: none of email"));
}

#[test]
fn parents_stand_before_their_children() {
    let estate = "org a name=A | parent=b\norg b name=B | parent=c\norg c name=C\norg d name=D";
    let loaded = into("odoo", estate);
    assert_eq!(
        loaded.column("1-companies.csv", "id"),
        ["company_c", "company_d", "company_b", "company_a"]
    );
    assert_eq!(
        loaded.column("1-companies.csv", "parent_id/id"),
        ["", "", "company_c", "company_b"]
    );
    let loaded = into("salesforce", estate);
    assert_eq!(
        loaded.files["2-account-parents.csv"],
        "Legacy_Id__c,Parent.Legacy_Id__c\nb,c\na,b\n"
    );
}

#[test]
fn a_circle_of_parents_is_opened_and_reported() {
    let loaded = into("odoo", "org a name=A | parent=b\norg b name=B | parent=a");
    assert_eq!(loaded.column("1-companies.csv", "parent_id/id"), ["", "company_a"]);
    assert_eq!(loaded.misfits(), ["a parent_id/id dangling_reference"]);
}

#[test]
fn a_reference_to_what_is_not_loaded_is_left_empty_and_reported() {
    let loaded = into("salesforce", "person p1 last_name=A\nlink p1 gone current");
    assert_eq!(loaded.column("3-contacts.csv", "Account.Legacy_Id__c"), [""]);
    assert_eq!(loaded.misfits(), ["p1 Account.Legacy_Id__c dangling_reference"]);
}

#[test]
fn a_relation_that_the_target_would_refuse_is_left_out_and_reported() {
    let loaded = into("salesforce", "org o1 name=O\nperson p1 last_name=A\nlink p1 o1 former");
    assert!(loaded.column("4-account-contact-relations.csv", "Legacy_Id__c").is_empty());
    assert_eq!(loaded.misfits(), ["p1  left_out"]);
    assert!(loaded.metrics.left_out.is_empty(), "the person itself is loaded");
}

#[test]
fn a_person_without_organisation_can_hang_on_a_marked_account() {
    let text = Target::builtin_text("salesforce").expect("built in");
    let text = text.replace("orphans = \"load\"", "orphans = \"placeholder\"");
    let target = Target::parse(&text, Path::new("salesforce.toml")).expect("it parses");
    let loaded = load(
        &target,
        &golden("org o1 name=O\nperson p1 last_name=A\nperson p2 last_name=B\nlink p2 o1"),
    );
    assert_eq!(loaded.column("1-accounts.csv", "Name"), ["(sans organisation)", "O"]);
    assert_eq!(loaded.column("3-contacts.csv", "Account.Legacy_Id__c"), ["orphans", "o1"]);
    assert_eq!(loaded.metrics.orphans, 1);
    assert_eq!(
        into("salesforce", "person p1 last_name=A")
            .column("3-contacts.csv", "Account.Legacy_Id__c"),
        [""]
    );
}

#[test]
fn names_are_cut_on_a_word_border_and_codes_are_not_cut() {
    let columns = r#"{ header = "Name", from = "name", length = 12 },
        { header = "Siren", from = "siren", length = 5 },
        { header = "Mail", from = "email", length = 6 }"#;
    let target = target("organisation", "", &columns.replace('\n', ""));
    let loaded =
        load(&target, &golden("org o1 name=Société générale | siren=552100554 | email=é@x.fr"));
    assert_eq!(loaded.files["x.csv"], "Name,Siren,Mail\nSociété,,é@x.fr\n");
    assert_eq!(loaded.misfits(), ["o1 Name cut", "o1 Siren too_long"]);
}

#[test]
fn a_long_value_can_wrap_over_columns_or_move_to_the_notes() {
    let wrap = r#"{ header = "Name", from = "name", length = 12, too_long = "wrap", wrap_to = ["Name2"] }"#;
    let loaded = load(
        &target("organisation", "", wrap),
        &golden("org o1 name=Société générale des eaux et forêts"),
    );
    assert_eq!(loaded.files["x.csv"], "Name,Name2\nSociété,générale des\n");
    assert_eq!(loaded.misfits(), ["o1 Name cut"]);
    let moved = r#"{ header = "Name", from = "name", length = 12, too_long = "move", move_to = "Notes" }, { header = "Notes", from = "notes" }"#;
    let loaded =
        load(&target("organisation", "", moved), &golden("org o1 name=Société générale | notes=n"));
    assert_eq!(loaded.files["x.csv"], "Name,Notes\nSociété,\"n\nName: Société générale\"\n");
    assert_eq!(loaded.misfits(), ["o1 Name moved"]);
}

#[test]
fn a_value_that_means_something_else_to_the_target_is_changed() {
    let loaded = into("salesforce", "org o1 name=#N/A");
    assert_eq!(loaded.column("1-accounts.csv", "Name"), ["# N/A"]);
    assert_eq!(loaded.misfits(), ["o1 Name reserved_value"]);
}

#[test]
fn values_without_a_column_are_reported_and_attributes_without_one_counted() {
    let columns = r#"{ header = "Mail", from = "email" }"#;
    let loaded = load(
        &target("person", "", columns),
        &golden("person p1 email=a@x.fr | email=b@x.fr | last_name=A"),
    );
    assert_eq!(loaded.misfits(), ["p1  no_room"]);
    assert_eq!(loaded.metrics.unmapped, BTreeMap::from([("person last_name".to_owned(), 1)]));
}

#[test]
fn addresses_are_chosen_whole_by_their_label() {
    let columns = r#"{ header = "C", from = "address[billing|-delivery|1].city" }, { header = "P", from = "address[billing|-delivery|1].postcode" }"#;
    let only = |address: &str| {
        let loaded =
            load(&target("organisation", "", columns), &golden(&format!("org o1 {address}")));
        loaded.files["x.csv"].lines().nth(1).unwrap_or("").to_owned()
    };
    assert_eq!(only("address[delivery]=////Lyon/// | address[billing]=///75002////"), ",75002");
    assert_eq!(only("address[delivery]=////Lyon/// | address[work]=////Paris///"), "Paris,");
    assert_eq!(only("address[delivery]=////Lyon///"), "Lyon,");
}

#[test]
fn files_are_split_by_rows_in_numbered_parts_of_the_same_object() {
    let columns = r#"{ header = "Id", from = "golden_id" }"#;
    let loaded = load(
        &target("person", "[file]\nmax_rows = 2", columns),
        &golden("person a\nperson b\nperson c"),
    );
    assert_eq!(loaded.files["x.001.csv"], "Id\na\nb\n");
    assert_eq!(loaded.files["x.002.csv"], "Id\nc\n");
    assert!(loaded.files["LOAD.md"].contains("X: 3 rows"));
    let rows: u64 = loaded.metrics.files.iter().map(|f| f.rows).sum();
    assert_eq!(rows, 3);
}

#[test]
fn formulas_stay_as_they_are() {
    let loaded = into("salesforce", "org o1 name==SUM(A1)");
    assert_eq!(loaded.column("1-accounts.csv", "Name"), ["=SUM(A1)"]);
}

#[test]
fn a_target_that_makes_no_sense_writes_nothing() {
    let target = target("person", "", r#"{ header = "A", from = "emial" }"#);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inside = folder.path().join("load");
    let error =
        run(&Golden::default(), &[], &target, BTreeSet::new(), &inside, &Progress::hidden())
            .expect_err("a problem");
    assert!(error.to_string().contains("there is no `emial`"), "{error}");
    assert!(!inside.exists());
}

/// The folder of the CRM reference, where it stands beside the project.
fn reference() -> Option<std::path::PathBuf> {
    let ancestors = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    ancestors.map(|a| a.join("shared/reference/crm")).find(|folder| folder.is_dir())
}

#[test]
fn salesforce_columns_exist_and_hold_what_is_sent() {
    let Some(folder) = reference() else { return };
    let read = |file: &str| -> serde_json::Value {
        let text = store::read_text(&folder.join(file)).expect("the reference");
        serde_json::from_str(&text).expect("JSON")
    };
    let limits = read("crm-field-limits.json");
    let target = Target::builtin("salesforce").expect("built in");
    for object in
        target.objects.iter().filter(|o| ["Account", "Contact"].contains(&o.object.as_str()))
    {
        let schema = read(&format!("salesforce-{}.schema.json", object.object.to_lowercase()));
        for column in &object.columns {
            let header = column.header.get_ref().as_str();
            if header.ends_with("__c") || header == "CustomerPriority__c" {
                continue;
            }
            let property = &schema["properties"][header];
            assert!(property.is_object(), "{} has no field {header}", object.object);
            assert_ne!(property["readOnly"], true, "{header} is read-only");
            let known = limits["salesforce"][&object.object][header][1].as_u64();
            if let (Some(known), Some(length)) = (known, column.length) {
                assert!(length as u64 <= known, "{header}: {length} is more than {known}");
            }
            if let Some(known) = known {
                assert!(
                    column.length.is_some(),
                    "{header} takes {known} and the mapping says no length"
                );
            }
            let allowed: Vec<&str> = property["enum"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|v| v.as_str())
                .collect();
            if let Some(list) = column.values.as_ref().filter(|_| !allowed.is_empty()) {
                for word in target.values[list].values() {
                    assert!(allowed.contains(&word.as_str()), "{header} does not take {word}");
                }
            }
        }
        for required in limits["salesforce"][&object.object].as_object().into_iter().flatten() {
            let is_there =
                object.columns.iter().any(|c| c.header.get_ref() == required.0 && c.required);
            assert!(
                required.1[2] != true || is_there || object.only_with.is_some(),
                "{} is required",
                required.0
            );
        }
    }
}

#[test]
fn dataverse_columns_exist_and_hold_what_is_sent() {
    let Some(folder) = reference() else { return };
    let text = store::read_text(&folder.join("crm-field-limits.json")).expect("the reference");
    let limits: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let target = Target::builtin("dynamics365").expect("built in");
    for object in
        target.objects.iter().filter(|o| ["account", "contact"].contains(&o.object.as_str()))
    {
        let fields: BTreeMap<String, Option<u64>> = limits["dataverse"][&object.object]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, field)| (name.to_lowercase(), field[1].as_u64()))
            .collect();
        for column in &object.columns {
            if let Some(Some(known)) = fields.get(&column.header.get_ref().to_lowercase()) {
                let length = column.length.unwrap_or(usize::MAX) as u64;
                assert!(
                    length <= *known,
                    "{}: {length} is more than {known}",
                    column.header.get_ref()
                );
            }
        }
    }
}

/// Persons with up to three emails out of a few, each with any states.
fn some_persons() -> impl Strategy<Value = (Golden, Vec<Origin>)> {
    let states = prop::sample::select(vec![
        "opt_in",
        "pending",
        "hard_bounce",
        "opt_out",
        "complaint",
        "unknown",
    ]);
    let person = (
        prop::collection::vec(prop::sample::select(vec!["a@x", "b@x", "c@x", "d@x"]), 0..3),
        prop::collection::vec((prop::sample::select(vec!["a@x", "b@x", "e@x", "-"]), states), 0..4),
    );
    prop::collection::vec(person, 1..6).prop_map(|persons| {
        let mut text = String::new();
        for (at, (emails, consents)) in persons.iter().enumerate() {
            let emails: Vec<String> = emails.iter().map(|e| format!("email={e}")).collect();
            text += &format!("person p{at} {}\n", emails.join(" | "));
            for (point, state) in consents {
                text += &format!("consent p{at} email {point} {state}\n");
            }
        }
        golden(&text)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_opt_out_is_ever_lost(estate in some_persons()) {
        let contacts = load(&Target::builtin("salesforce").expect("built in"), &estate);
        let flags = contacts.column("3-contacts.csv", "HasOptedOutOfEmail");
        let ids = contacts.column("3-contacts.csv", "Legacy_Id__c");
        let lists = load(&Target::builtin("hubspot").expect("built in"), &estate);
        let out = lists.column("4-opt-outs.csv", "Email");
        let (golden, _) = &estate;
        for line in &golden.consents {
            if line.state().is_some_and(ConsentState::is_objection) {
                let at = ids.iter().position(|id| **id == *line.golden_id).expect("every person is there");
                prop_assert_eq!(&flags[at], "true");
                let i = golden.persons.find(&line.golden_id).expect("it is there");
                for email in golden.persons.values("email", i).chain([&*line.contact_point]) {
                    prop_assert!(email.is_empty() || out.iter().any(|e| e == email), "{} is not on the list", email);
                }
            }
        }
        // Who may be written to has said so, for the address that is used.
        for (id, flag) in ids.iter().zip(&flags) {
            if flag == "false" {
                let i = golden.persons.find(id).expect("it is there");
                let first = golden.persons.first("email", i).unwrap_or("");
                let said = |c: &&GoldenConsent| *c.golden_id == **id && c.state() == Some(ConsentState::OptIn)
                    && (*c.contact_point == *first || c.contact_point.is_empty());
                prop_assert!(golden.consents.iter().any(|c| said(&c)));
                prop_assert!(!out.iter().any(|e| !first.is_empty() && e == first));
            }
        }
    }

    #[test]
    fn every_golden_record_is_in_a_file_or_counted(estate in some_persons()) {
        for name in Target::names() {
            let target = Target::builtin(name).expect("built in");
            let loaded = load(&target, &estate);
            let persons = target.objects.iter().find(|o| o.rows == RowsOf::Person).expect("an object");
            let files = loaded.metrics.files.iter().filter(|f| f.file == persons.file);
            let kept: u64 = files.map(|f| f.rows).sum();
            let left: u64 = loaded.metrics.left_out.values().sum();
            prop_assert_eq!(kept + left, estate.0.persons.len() as u64, "{}", name);
        }
    }
}
