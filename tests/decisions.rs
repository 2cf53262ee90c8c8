//! What stewards decide holds in every later run, shows in everything that tells of runs, and contradicts nothing in
//! silence.

use std::fs;

use crate::{
    program::{Project, Said, rows},
    rehearsals::Rehearsals,
};

/// Two rows of one person whom nothing tells apart, beside the customers of the rehearsals.
fn with_agnes_twice() -> Rehearsals {
    let mut now = Rehearsals::new();
    now.contacts[0] = now.contacts[0].replace("example.org", "laposte.net");
    now.clients.push(
        "C0020;Besson;Agnès;agnes.besson@laposte.net;06 12 34 56 01;8 rue Vannerie;21000;Dijon"
            .into(),
    );
    now
}

fn decide(project: &Project, arguments: &[&str]) -> Said {
    let by = ["--who", "marie", "--when", "2024-03-12"];
    project.call(&[arguments, &by].concat())
}

/// The id of the decision that was just written.
fn written(said: &Said) -> String {
    assert_eq!(said.status, 0, "{}", said.stderr);
    let line = said.stdout.lines().find(|line| line.starts_with('D')).expect("a decision");
    line.split(':').next().expect("an id").to_owned()
}

/// Status of each decision in the latest run.
fn statuses(project: &Project) -> Vec<String> {
    let lines = rows(&project.result("decisions.csv")).into_iter();
    lines.map(|line| format!("{} {}", line["decision"], line["status"])).collect()
}

#[test]
fn what_is_decided_to_be_one_is_one_until_it_is_withdrawn() {
    let mut now = Rehearsals::new();
    let first = now.run("clients.csv");
    let said = decide(&now.project, &["decide", "same", "clients.csv:2", "contacts.csv:2"]);
    let id = written(&said);
    // Saying it again changes nothing.
    let again = decide(&now.project, &["decide", "same", "contacts.csv:2", "clients.csv:2"]);
    assert!(again.stdout.contains("decided before"), "{}", again.stdout);

    assert_eq!(now.run("clients.csv").len(), first.len() - 1);
    assert_eq!(statuses(&now.project), ["same applied"]);
    assert_eq!(now.changes(), [format!("merged: decision {id}: same (marie, 2024-03-12)")]);
    let events = fs::read_to_string(now.project.path("registry/events.jsonl")).expect("there");
    assert!(events.contains(&format!("\"decisions\":[\"{id}\"]")), "{events}");
    let golden = rows(&now.project.result("crosswalk.csv"))
        .into_iter()
        .find(|row| row["file"] == "clients.csv" && row["row"] == "2")
        .expect("there")["golden_id"]
        .clone();
    let said = now.project.call(&["explain", &golden]);
    assert!(said.stdout.contains(&format!("decided, {id}: same")), "{}", said.stdout);
    let said = now.project.call(&["explain", "clients.csv:2", "contacts.csv:2"]);
    assert!(said.stdout.contains("one by decision"), "{}", said.stdout);

    // It is known by its key: an edit and another order of rows are nothing to it.
    now.clients[0] = now.clients[0].replace("12 rue de la Paix", "14 rue de la Paix");
    now.clients.reverse();
    assert_eq!(now.run("clients.csv").len(), first.len() - 1);
    assert_eq!(statuses(&now.project), ["same applied"]);
    assert_eq!(now.project.call(&["check"]).status, 0);

    written(&decide(&now.project, &["decide", "withdraw", &id]));
    assert_eq!(now.run("clients.csv").len(), first.len());
    assert_eq!(statuses(&now.project), ["same withdrawn", "withdraw applied"]);
    assert_eq!(
        now.changes(),
        [format!("split: decision {id}: same (marie, 2024-03-12), which holds no more")]
    );
}

#[test]
fn what_was_taken_out_of_a_golden_record_does_not_come_back() {
    let mut now = with_agnes_twice();
    let first = now.run("clients.csv");
    assert_eq!(first.len(), 12, "two rows are one: {first:?}");
    let said = now.project.call(&["unmerge", &first["Agnès"], "contacts.csv:2"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert!(said.stdout.contains("what leaves: nothing"), "{}", said.stdout);
    assert!(!now.project.path("decisions.jsonl").exists());
    let said = decide(&now.project, &["unmerge", &first["Agnès"], "contacts.csv:2", "--yes"]);
    let id = written(&said);

    let golden = |now: &Rehearsals| rows(&now.project.result("golden/persons.csv")).len();
    now.run("clients.csv");
    assert_eq!(golden(&now), 13);
    assert_eq!(now.changes(), [format!("split: decision {id}: split (marie, 2024-03-12)")]);
    let report = now.project.result("report/report.json");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert!(report["matching"][0]["cluster"]["review"].as_object().expect("counts").is_empty());
    let said = now.project.call(&["explain", "clients.csv:10", "contacts.csv:2"]);
    assert!(said.stdout.contains(&format!("held apart: by decision, {id}")), "{}", said.stdout);

    // A third row that is both brings them together no more.
    now.contacts.push("Besson;Agnès;agnes.besson@laposte.net;06 12 34 56 01;Dijon-Nord".into());
    now.run("clients.csv");
    assert_eq!(golden(&now), 13);

    // To say the contrary is refused, with the decision to withdraw first.
    let said = decide(&now.project, &["decide", "same", "clients.csv:10", "contacts.csv:2"]);
    assert_eq!(said.status, 2);
    assert!(said.stderr.contains(&format!("with {id} (line 1)")), "{}", said.stderr);

    // A row that is gone makes it say nothing.
    now.clients.retain(|line| !line.contains("Besson"));
    now.run("clients.csv");
    assert_eq!(statuses(&now.project), ["split orphan"]);
    let said = now.project.call(&["check"]);
    assert_eq!(said.status, 3);
    assert!(said.stderr.contains("decisions.jsonl:1: `split`"), "{}", said.stderr);
}

#[test]
fn decisions_that_contradict_each_other_are_told_and_keep_apart() {
    let mut now = with_agnes_twice();
    now.run("clients.csv");
    written(&decide(&now.project, &["decide", "same", "clients.csv:10", "contacts.csv:2"]));
    let line = fs::read_to_string(now.project.path("decisions.jsonl")).expect("written");
    let contrary = line.replace("\"same\"", "\"not_same\"");
    now.project.write("decisions.jsonl", line + &contrary);
    now.run("clients.csv");
    assert_eq!(statuses(&now.project), ["same contradicted", "not_same contradicted"]);
    assert_eq!(rows(&now.project.result("golden/persons.csv")).len(), 13);
    let said = now.project.call(&["check"]);
    assert_eq!(said.status, 3);
    assert!(said.stderr.contains("decisions.jsonl:2: `not same`"), "{}", said.stderr);
}

#[test]
fn a_list_of_pairs_that_was_filled_in_is_decided() {
    let mut now = with_agnes_twice();
    now.run("clients.csv");
    let ids: Vec<String> = rows(&now.project.result("crosswalk.csv"))
        .into_iter()
        .filter(|row| row["golden_id"].starts_with('P'))
        .map(|row| row["record_id"].clone())
        .collect();
    let list = |word: &str| {
        format!(
            "Paire;Décision;Commentaire;Fiche A;Fiche B\n1;Distinct;père et fils;{0};{1}\n2;;;{0};{2}\n3;{word};;{1};{2}\n",
            ids[0], ids[1], ids[2]
        )
    };
    now.project.write("filled.csv", list("peut-être"));
    let said = decide(&now.project, &["decide", "review", "filled.csv"]);
    assert_eq!(said.status, 2);
    assert!(
        said.stderr.contains("filled.csv:4` in the column `Décision` is not understood"),
        "{}",
        said.stderr
    );
    assert!(!now.project.path("decisions.jsonl").exists());
    now.project.write("filled.csv", list("identique"));
    assert_eq!(decide(&now.project, &["decide", "review", "filled.csv"]).status, 0);
    let text = fs::read_to_string(now.project.path("decisions.jsonl")).expect("written");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("not_same") && lines[0].contains("père et fils"), "{text}");
    assert!(lines[1].contains("\"same\""), "{text}");
}

#[test]
fn the_pairs_worth_a_minute_are_written_filled_in_read_and_learned_from() {
    let mut now = with_agnes_twice();
    now.run("clients.csv");
    let said = now.project.call(&["label", "--pairs", "5"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    let text = fs::read_to_string(now.project.path("labels.csv")).expect("written");
    let pairs = text.lines().count() - 1;
    assert!((1..=5).contains(&pairs), "{text}");
    // What may be filled in is not written over.
    let again = now.project.call(&["label"]);
    assert_eq!(again.status, 2);
    assert!(again.stderr.contains("is there already"), "{}", again.stderr);

    let (header, lines) = text.split_once('\n').expect("a header");
    let word = if header.starts_with("Decision") { "not same" } else { "distinct" };
    let first = lines.lines().next().expect("a pair");
    assert!(first.starts_with(','), "the decision is empty: {first}");
    now.project.write("labels.csv", format!("{header}\n{word}{first}\n"));
    written(&decide(&now.project, &["decide", "review", "labels.csv"]));
    let model = || fs::read_to_string(now.project.path("model.json")).expect("there");
    let before = model();
    let said = now.project.call(&["run", "--until", "cluster", "--retrain"]);
    assert!(said.status < 2, "{}", said.stderr);
    assert_ne!(model(), before, "the model learns from what was decided");
    let asked = now.project.call(&["label", "--json"]);
    let id = first.split(',').find(|cell| cell.len() == 16).expect("a record id").to_owned();
    let both =
        |line: &str| first.split(',').filter(|cell| cell.len() == 16).all(|id| line.contains(id));
    assert!(
        !asked.stdout.split("\"kind\"").any(both),
        "{id} is asked about again: {}",
        asked.stdout
    );
}

#[test]
fn a_pinned_value_survives_and_an_ignored_or_blocked_one_does_not() {
    let mut now = with_agnes_twice();
    let first = now.run("clients.csv");
    let value = |now: &Rehearsals, column: &str| {
        let persons = rows(&now.project.result("golden/persons.csv"));
        let agnes = persons.into_iter().find(|row| row["golden_id"] == first["Agnès"]);
        agnes.expect("there")[column].clone()
    };
    assert_eq!(value(&now, "city"), "Dijon");
    let agnes = first["Agnès"].as_str();
    // A number that no row says, as a person writes it.
    let pin = written(&decide(&now.project, &["decide", "pin", agnes, "mobile", "07 11 22 33 44"]));
    written(&decide(&now.project, &["decide", "ignore", "contacts.csv:2", "last_name"]));
    written(&decide(&now.project, &["decide", "block", "email", "AGNES.BESSON@laposte.net"]));
    now.run("clients.csv");
    assert_eq!(value(&now, "mobile"), "+33711223344");
    assert_eq!(value(&now, "last_name"), "Besson");
    let golden = now.project.result("golden/persons.csv");
    assert!(!golden.contains("agnes.besson@laposte.net"), "{golden}");
    assert_eq!(statuses(&now.project), ["pin applied", "ignore applied", "block applied"]);
    let said = now.project.call(&["explain", agnes]);
    assert!(said.stdout.contains(&format!("from {pin} (pin, decided)")), "{}", said.stdout);
    // The address is still under whatever was said of it.
    assert!(now.project.result("golden/consents.csv").contains("agnes.besson@laposte.net"));

    // A second value for the same attribute is refused; written by hand, neither holds.
    let said = decide(&now.project, &["decide", "pin", agnes, "mobile", "07 55 66 77 88"]);
    assert_eq!(said.status, 2, "{}", said.stdout);
    let text = fs::read_to_string(now.project.path("decisions.jsonl")).expect("written");
    let other = text.lines().next().expect("a line").replace("+33711223344", "+33755667788");
    now.project.write("decisions.jsonl", text + &other + "\n");
    now.run("clients.csv");
    assert_eq!(value(&now, "mobile"), "+33612345601");
    assert_eq!(statuses(&now.project)[0], "pin contradicted");
}

#[test]
fn a_pin_until_change_ends_when_its_rows_say_something_else() {
    let mut now = with_agnes_twice();
    let first = now.run("clients.csv");
    let pin =
        ["decide", "pin", first["Agnès"].as_str(), "mobile", "07 11 22 33 44", "--until-change"];
    written(&decide(&now.project, &pin));
    now.run("clients.csv");
    assert!(now.project.result("golden/persons.csv").contains("+33711223344"));
    let at = now.clients.len() - 1;
    now.clients[at] = now.clients[at].replace("06 12 34 56 01", "06 12 34 56 99");
    now.run("clients.csv");
    assert_eq!(statuses(&now.project), ["pin stale"]);
    assert!(!now.project.result("golden/persons.csv").contains("+33711223344"));
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_written() {
    let mut now = with_agnes_twice();
    let first = now.run("clients.csv");
    let agnes = first["Agnès"].as_str();
    for (arguments, why) in [
        (vec!["decide", "same", "clients.csv:2", "clients.csv:2"], "always one"),
        (vec!["decide", "not-same", agnes, "contacts.csv:2"], "apart from itself"),
        (vec!["decide", "pin", agnes, "colour", "red"], "no attribute `colour`"),
        (vec!["decide", "pin", agnes, "email", "none"], "no value of `email`"),
        (vec!["decide", "pin", agnes, "email", "--source", "nowhere"], "no source `nowhere`"),
        (vec!["decide", "withdraw", "D0000"], "no single decision"),
        (vec!["unmerge", agnes, "clients.csv:2"], "is not in"),
        (vec!["unmerge", agnes, agnes], "would leave"),
    ] {
        let said = decide(&now.project, &arguments);
        assert_eq!(said.status, 2, "{arguments:?}");
        assert!(said.stderr.contains(why), "{arguments:?}: {}", said.stderr);
    }
    assert!(!now.project.path("decisions.jsonl").exists());
}
