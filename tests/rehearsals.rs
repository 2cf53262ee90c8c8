//! Rehearsals of one migration: between two of them somebody changes the exports or the settings, and the test
//! knows what. Ids of what nobody touched stay, and `diff` tells each change with its cause.

use std::{collections::BTreeMap, fs};

use serde_json::Value;

use crate::program::{Project, rows};

const CLIENTS: &str = "N° client;Nom;Prénom;E-mail;Téléphone;Adresse;Code postal;Ville";
const CONTACTS: &str = "Nom;Prénom;E-mail;Portable;Ville";

/// Customers who have nothing in common, each with a key.
fn clients() -> Vec<String> {
    let people = [
        ("Durand", "Hélène", "12 rue de la Paix;75002;Paris"),
        ("Petit", "Jean", "3 place Bellecour;69002;Lyon"),
        ("Moreau", "Louise", "48 quai de la Fosse;44000;Nantes"),
        ("Le Gall", "Yann", "7 rue de Siam;29200;Brest"),
        ("Schmitt", "Odile", "21 rue du Dôme;67000;Strasbourg"),
        ("Garcia", "Pablo", "5 allée Jean Jaurès;31000;Toulouse"),
        ("Marchetti", "Lucia", "16 cours Napoléon;20000;Ajaccio"),
        ("Lambert", "Roland", "90 rue Faidherbe;59800;Lille"),
    ];
    let line = |(at, (last, first, address)): (usize, &(&str, &str, &str))| {
        let email = format!("{}.{}@example{at}.fr", first.to_lowercase(), last.to_lowercase());
        let email = email.replace(['é', 'è'], "e").replace(' ', "");
        format!(
            "C{:04};{last};{first};{email};01 42 {:02} 53 {:02};{address}",
            at + 1,
            60 + at,
            10 + at
        )
    };
    people.iter().enumerate().map(line).collect()
}

fn contacts() -> Vec<String> {
    let lines = [
        "Besson;Agnès;agnes.besson@example.org;06 12 34 56 01;Dijon",
        "Caron;Émile;emile.caron@example.net;06 22 34 56 02;Rouen",
        "Vidal;Inès;ines.vidal@example.com;06 32 34 56 03;Nîmes",
        "Hoarau;Gilles;gilles.hoarau@example.re;06 42 34 56 04;Pau",
    ];
    lines.map(String::from).to_vec()
}

/// The exports of one rehearsal.
pub(crate) struct Rehearsals {
    pub(crate) project: Project,
    pub(crate) clients: Vec<String>,
    pub(crate) contacts: Vec<String>,
    runs: Vec<String>,
}

impl Rehearsals {
    pub(crate) fn new() -> Rehearsals {
        let project = Project::new();
        let runs = Vec::new();
        let rehearsals = Rehearsals { project, clients: clients(), contacts: contacts(), runs };
        rehearsals.write("clients.csv", CLIENTS, &rehearsals.clients);
        rehearsals.write("contacts.csv", CONTACTS, &rehearsals.contacts);
        let said = rehearsals.project.call(&["init", "legacy"]);
        assert_eq!(said.status, 0, "{}", said.stderr);
        rehearsals
    }

    fn write(&self, file: &str, header: &str, lines: &[String]) {
        let text = format!("{header}\n{}\n", lines.join("\n"));
        self.project.write(&format!("legacy/{file}"), text);
    }

    /// Replaces a text of the settings, which must be there.
    fn set(&self, old: &str, new: &str) {
        let settings = fs::read_to_string(self.project.path("orpailleur.toml")).expect("there");
        assert!(settings.contains(old), "{old}: {settings}");
        self.project.write("orpailleur.toml", settings.replace(old, new));
    }

    /// Runs the project on the exports as they are now: golden id by first name.
    pub(crate) fn run(&mut self, clients_file: &str) -> BTreeMap<String, String> {
        self.write(clients_file, CLIENTS, &self.clients);
        self.write("contacts.csv", CONTACTS, &self.contacts);
        let said = self.project.call(&["run", "--json"]);
        assert!(said.status < 2, "{}", said.stderr);
        let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
        self.runs.push(told["run"].as_str().expect("an id").to_owned());
        let persons = fs::read_to_string(self.project.path("runs/latest/golden/persons.csv"));
        let persons = rows(&persons.expect("written"));
        let entry = |mut row: BTreeMap<String, String>| {
            (
                row.remove("first_name").expect("a column"),
                row.remove("golden_id").expect("a column"),
            )
        };
        persons.into_iter().map(entry).collect()
    }

    /// What changed since the run before: `class: causes`, one per golden record.
    pub(crate) fn changes(&self) -> Vec<String> {
        let [.., before, after] = self.runs.as_slice() else { panic!("two runs") };
        let said = self.project.call(&["diff", before, after, "--json"]);
        assert_eq!(said.status, 0, "{}", said.stderr);
        let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
        let change = |change: &Value| {
            let cause = |cause: &Value| {
                let part = |name: &str| cause[name].as_str().expect("a text").to_owned();
                format!("{} {}", part("what"), part("which")).trim().to_owned()
            };
            let causes = change["causes"].as_array().expect("causes").iter().map(cause);
            let causes = causes.collect::<Vec<_>>().join(", ");
            format!("{}: {causes}", change["class"].as_str().expect("a class"))
        };
        told["changes"].as_array().expect("changes").iter().map(change).collect()
    }
}

#[test]
fn ids_of_what_nobody_touched_stay_and_every_change_has_its_cause() {
    let mut now = Rehearsals::new();
    let first = now.run("clients.csv");
    assert_eq!(first.len(), 12, "{first:?}");
    let same_but = |ids: &BTreeMap<String, String>, touched: &[&str]| {
        let untouched = first.iter().filter(|(name, _)| !touched.contains(&name.as_str()));
        for (name, id) in untouched {
            assert_eq!(ids.get(name), Some(id), "{name}");
        }
    };

    // The same again.
    same_but(&now.run("clients.csv"), &[]);
    assert_eq!(now.changes(), [""; 0]);

    // A new customer.
    now.clients.push(
        "C0009;Nguyen;Mai;mai.nguyen@example9.fr;01 42 99 53 99;2 rue Foch;57000;Metz".into(),
    );
    let ids = now.run("clients.csv");
    same_but(&ids, &[]);
    assert_eq!(now.changes(), ["created: row clients.csv:10 added"]);
    let mai = ids["Mai"].clone();

    // Another order of rows, and another name of the file.
    now.clients.reverse();
    fs::remove_file(now.project.path("legacy/clients.csv")).expect("removed");
    now.set("clients.csv", "clients du 12 mars.csv");
    let ids = now.run("clients du 12 mars.csv");
    same_but(&ids, &[]);
    assert_eq!(ids["Mai"], mai);
    assert_eq!(now.changes(), [""; 0]);

    // A customer with a key has another phone number.
    let at = now.clients.iter().position(|line| line.contains("Schmitt")).expect("there");
    now.clients[at] = now.clients[at].replace("01 42 64 53 14", "03 88 11 22 33");
    same_but(&now.run("clients du 12 mars.csv"), &[]);
    let row = at + 2;
    assert_eq!(now.changes(), [format!("value_changed: row clients du 12 mars.csv:{row} edited")]);

    // A contact without a key moved: what is left of the row says who it is, in `diff` alone.
    now.contacts[2] = now.contacts[2].replace("Nîmes", "Alès");
    same_but(&now.run("clients du 12 mars.csv"), &["Inès"]);
    assert_eq!(now.changes(), ["value_changed: row contacts.csv:4 edited"]);

    // Another row of the same contact, and then without it again.
    now.contacts.push("CARON;Emile;emile.caron@example.net;06 22 34 56 02;ROUEN".into());
    same_but(&now.run("clients du 12 mars.csv"), &["Émile", "Inès"]);
    assert_eq!(now.changes(), ["grew: row contacts.csv:6 added"]);
    now.contacts.pop();
    same_but(&now.run("clients du 12 mars.csv"), &["Inès"]);
    assert_eq!(now.changes(), ["shrank: row contacts.csv:6 removed"]);

    // A customer less.
    now.clients.retain(|line| !line.contains("Mai"));
    same_but(&now.run("clients du 12 mars.csv"), &["Inès"]);
    assert_eq!(now.changes(), ["vanished: row clients du 12 mars.csv:2 removed"]);

    // The customer is back under the id that was loaded.
    now.clients.push(
        "C0009;Nguyen;Mai;mai.nguyen@example9.fr;01 42 99 53 99;2 rue Foch;57000;Metz".into(),
    );
    assert_eq!(now.run("clients du 12 mars.csv")["Mai"], mai);
    assert_eq!(now.changes(), ["created: row clients du 12 mars.csv:10 added"]);

    // A customer is found to be another one, and is not after all.
    let apart =
        "C0010;Martin;Zoé;zoe.martin@example10.fr;04 91 00 00 10;1 rue Haxo;13001;Marseille";
    now.clients.push(apart.into());
    let zoe = now.run("clients du 12 mars.csv")["Zoé"].clone();
    let pablo = now.clients.iter().find(|line| line.contains("Pablo")).expect("there");
    let same = format!("C0010{}", pablo.strip_prefix("C0006").expect("its key"));
    *now.clients.last_mut().expect("pushed") = same;
    same_but(&now.run("clients du 12 mars.csv"), &["Inès", "Pablo"]);
    assert_eq!(now.changes(), ["merged: row clients du 12 mars.csv:11 edited"]);
    let redirects = now.project.result("golden/redirects.csv");
    let (gone, into) = match zoe.as_str() < first["Pablo"].as_str() {
        true => (first["Pablo"].as_str(), zoe.as_str()),
        false => (zoe.as_str(), first["Pablo"].as_str()),
    };
    assert_eq!(redirects, format!("golden_id,now\n{gone},{into}\n"));
    *now.clients.last_mut().expect("pushed") = apart.into();
    same_but(&now.run("clients du 12 mars.csv"), &["Inès"]);
    assert_eq!(now.changes(), ["split: row clients du 12 mars.csv:11 edited"]);

    let events = fs::read_to_string(now.project.path("registry/events.jsonl")).expect("there");
    let told = |event: &str| events.lines().filter(|line| line.contains(event)).count();
    assert_eq!((told("\"vanished\""), told("\"returned\"")), (2, 2), "{events}");
    assert_eq!(told("\"merged\""), 1, "{events}");
}

#[test]
fn a_change_of_the_settings_is_named_as_the_cause() {
    let mut now = Rehearsals::new();
    now.clients[0] = now.clients[0].replace("Hélène", "H.");
    now.contacts.push("Durand;Hélène;helene.durand@example0.fr;06 11 22 33 44;Paris".into());
    assert!(now.run("clients.csv").contains_key("Hélène"));
    let settings = fs::read_to_string(now.project.path("orpailleur.toml")).expect("there");
    let rule = "\n[survivorship]\nperson.first_name = \"source_priority\"\n";
    now.project.write("orpailleur.toml", settings + rule);
    assert!(now.run("clients.csv").contains_key("H."));
    assert_eq!(now.changes(), ["value_changed: settings orpailleur.toml"]);
}

#[test]
fn a_change_of_a_mapping_is_named_as_the_cause_of_what_its_rows_say_now() {
    let mut now = Rehearsals::new();
    let first = now.run("clients.csv");
    let mapping = fs::read_to_string(now.project.path("mappings/clients.toml")).expect("there");
    assert!(mapping.contains("\"phone\""), "{mapping}");
    now.project.write("mappings/clients.toml", mapping.replace("\"phone\"", "\"fax\""));
    assert_eq!(now.run("clients.csv"), first);
    let changes = now.changes();
    assert_eq!(changes.len(), 8, "{changes:?}");
    let cause = "value_changed: mapping mappings/clients.toml";
    assert!(changes.iter().all(|change| change == cause), "{changes:?}");
}

#[test]
fn a_change_of_the_program_is_named_as_the_cause_where_nothing_else_differs() {
    let mut now = Rehearsals::new();
    now.run("clients.csv");
    now.run("clients.csv");
    // As if an older program had made the earlier run, and had chosen another value.
    let before = now.project.path(&format!("runs/{}", now.runs[0]));
    let edit = |file: &str, old: &str, new: &str| {
        let text = fs::read_to_string(before.join(file)).expect("there");
        assert!(text.contains(old), "{file}: {text}");
        fs::remove_file(before.join(file)).expect("removed");
        fs::write(before.join(file), text.replace(old, new)).expect("written");
    };
    edit("golden/persons.csv", "Odile", "Odyle");
    let now_is = format!("orpailleur {}", env!("CARGO_PKG_VERSION"));
    edit("manifest.json", &format!("\"{now_is}\""), "\"orpailleur 0.0.9\"");
    // The model and the golden ids were not known before the first run: that is no cause.
    let expected = format!("value_changed: program orpailleur 0.0.9 → {now_is}");
    assert_eq!(now.changes(), [expected]);
}

#[test]
fn ten_rehearsals_of_random_edits_keep_the_ids_of_untouched_rows_and_tell_each_change_by_its_row() {
    let mut now = Rehearsals::new();
    let mut ids = now.run("clients.csv");
    // Chance that is always the same.
    let mut seed = 7u64;
    let mut chance = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    for rehearsal in 0..10 {
        let mut touched = Vec::new();
        let mut name_of = |line: &str, column: usize| {
            touched.push(line.split(';').nth(column).expect("a first name").to_owned());
        };
        // One customer is edited, one removed or one added; the rows are shuffled, the file has another name.
        let at = chance(now.clients.len());
        name_of(&now.clients[at], 2);
        let (head, town) = now.clients[at].rsplit_once(';').expect("columns");
        now.clients[at] = format!("{head};{town}-sur-Mer");
        let expected = match rehearsal % 2 {
            0 => {
                let new =
                    ["Aubert;Alix", "Bazin;Brice", "Carlier;Cléa", "Delmas;Damien", "Evrard;Elsa"];
                let (name, number) = (new[rehearsal / 2], 20 + rehearsal);
                now.clients.push(format!(
                    "C{number:04};{name};x{number}@example{number}.fr;01 47 {number} 53 {number};{number} rue Haxo;13001;Marseille"
                ));
                "created"
            }
            _ => {
                let gone = (at + 1 + chance(now.clients.len() - 1)) % now.clients.len();
                name_of(&now.clients[gone], 2);
                now.clients.remove(gone);
                "vanished"
            }
        };
        let turn = chance(now.clients.len());
        now.clients.rotate_left(turn);
        now.contacts.reverse();
        let name = format!("clients {rehearsal}.csv");
        let last = match rehearsal {
            0 => "clients.csv".to_owned(),
            _ => format!("clients {}.csv", rehearsal - 1),
        };
        fs::remove_file(now.project.path(&format!("legacy/{last}"))).expect("removed");
        now.set(&last, &name);
        let after = now.run(&name);
        for (person, id) in ids.iter().filter(|(person, _)| !touched.contains(person)) {
            assert_eq!(after.get(person), Some(id), "rehearsal {rehearsal}: {person}");
        }
        let changes = now.changes();
        assert_eq!(changes.len(), 2, "rehearsal {rehearsal}: {changes:?}");
        let told = |class: &str, file: &str, what: &str| {
            let start = format!("{class}: row {file}:");
            changes.iter().any(|change| change.starts_with(&start) && change.ends_with(what))
        };
        assert!(told("value_changed", &name, " edited"), "rehearsal {rehearsal}: {changes:?}");
        let is_told = match expected {
            "created" => told("created", &name, " added"),
            _ => told("vanished", &last, " removed"),
        };
        assert!(is_told, "rehearsal {rehearsal}: {changes:?}");
        ids = after;
    }
}
