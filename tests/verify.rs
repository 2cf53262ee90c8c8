//! Tampering with a finished run, each kind of which `verify` finds: a changed file, a changed file whose digest in the
//! manifest was changed along, a changed manifest, a run taken out of the chain.

use std::fs;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::program::Project;

const CLIENTS: &str = "\
Code client;Raison sociale;SIRET;E-mail;Téléphone;Adresse;Code postal;Ville
C001;Garage Durand;73282932000074;info@garage-durand.example;01 42 68 53 00;12 rue de la Paix;75002;Paris
C002;Boulangerie Petit;;contact@boulangerie-petit.example;04 72 00 00 01;4 place Bellecour;69002;Lyon

C003;Fleurs Moreau;;contact@fleurs-moreau.example;02 40 00 00 09;48 quai de la Fosse;44000;Nantes
";

const LEADS: &str = "\
Prénom;Nom;E-mail;Téléphone;Société
Hélène;Durand;h.durand@garage-durand.example;06 12 34 56 01;Garage Durand
Jean;Lefort;jean.lefort@example.org;06 12 34 56 02;
";

const INVOICES: &str = "\
N° facture;Date;Code client;Montant HT;Montant TTC
F1;03/05/2023;C001;100,00;120,00
F2;14/11/2012;C002;200,00;240,10
";

fn project() -> Project {
    let project = Project::new();
    project.write("legacy/clients.csv", CLIENTS);
    project.write("legacy/leads.csv", LEADS);
    project.write("legacy/factures.csv", INVOICES);
    let said = project.call(&["init", "legacy"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    run(&project);
    project
}

/// Runs the project: the name of the run.
fn run(project: &Project) -> String {
    let said = project.call(&["run", "--json"]);
    assert!(said.status < 2, "{}", said.stderr);
    let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
    told["run"].as_str().expect("an id").to_owned()
}

/// The problems that `verify` finds, each behind the name of its check.
fn problems(project: &Project, arguments: &[&str]) -> Vec<String> {
    let said = project.call(&[&["verify", "--json"], arguments].concat());
    let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let mut problems = Vec::new();
    for check in told["checks"].as_array().expect("checks") {
        let name = check["name"].as_str().expect("a name");
        for problem in check["problems"].as_array().expect("problems") {
            problems.push(format!("{name}: {}", problem.as_str().expect("a text")));
        }
    }
    assert_eq!(said.status, if problems.is_empty() { 0 } else { 3 }, "{problems:?}");
    problems
}

/// Changes a file of the latest run, its manifest included, as somebody would who knows how digests are made.
fn forge(project: &Project, file: &str, old: &str, new: &str) {
    let before = project.result(file);
    assert!(before.contains(old), "{file} has no {old}: {before}");
    let after = before.replacen(old, new, 1);
    project.write(&format!("runs/latest/{file}"), &after);
    let mut manifest: Value = serde_json::from_str(&project.result("manifest.json")).expect("JSON");
    let outputs = manifest["outputs"].as_array_mut().expect("outputs");
    let output = outputs.iter_mut().find(|output| output["file"] == file).expect("an output");
    let digest = Sha256::digest(after.as_bytes());
    output["sha256"] = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into();
    output["bytes"] = after.len().into();
    let text = serde_json::to_string_pretty(&manifest).expect("JSON") + "\n";
    project.write("runs/latest/manifest.json", text);
}

#[test]
fn an_untouched_run_holds_and_says_what_was_looked_at() {
    let project = project();
    let said = project.call(&["verify"]);
    let lines: Vec<&str> = said.stdout.lines().collect();
    let names: Vec<&str> = lines.iter().filter_map(|line| line.split_whitespace().nth(1)).collect();
    let expected =
        ["files", "rows", "records", "golden", "references", "lineage", "money", "chain"];
    assert_eq!((said.status, names), (0, expected.to_vec()), "{}", said.stdout);
    assert!(lines.iter().all(|line| line.starts_with("ok ")), "{}", said.stdout);
    assert!(said.stdout.contains("2 rows of history, their sums to the cent"), "{}", said.stdout);
}

#[test]
fn a_file_that_was_changed_removed_or_added_is_named() {
    let project = project();
    let links = project.result("golden/links.csv");
    project.write("runs/latest/golden/links.csv", links + "x");
    fs::remove_file(project.path("runs/latest/issues.csv")).expect("removed");
    project.write("runs/latest/golden/more.csv", "x");
    let found = problems(&project, &[]);
    for expected in [
        "files: golden/links.csv: changed",
        "files: issues.csv: missing",
        "files: golden/more.csv: not part of the run",
    ] {
        assert!(found.iter().any(|problem| problem == expected), "{expected}: {found:?}");
    }
}

#[test]
fn a_forged_file_is_found_by_what_the_others_say() {
    let cases = [
        ("golden/organisations.csv", "Fleurs Moreau", "Fleurs Morel", "lineage: "),
        ("golden/persons.csv", "+33612345602", "+33612345699", "lineage: "),
        ("golden/history.csv", ",120,", ",130,", "money: invoice"),
        ("golden/history/sums.csv", "360.1,", "360.2,", "money: invoice"),
        ("golden/links.csv", "P", "Q", "references: golden/links.csv: golden record Q"),
        ("golden/keys.csv", "\nO", "\nX", "references: golden/keys.csv: golden record X"),
        ("crosswalk.csv", "clients,clients.csv,,2", "clients,clients.csv,,3", "rows: "),
    ];
    for (file, old, new, expected) in cases {
        let project = project();
        forge(&project, file, old, new);
        let found = problems(&project, &[]);
        let is_found = found.iter().any(|problem| problem.starts_with(expected));
        assert!(is_found, "{file}: {found:?}");
    }
}

#[test]
fn a_record_that_is_gone_or_stands_in_another_golden_record_is_found() {
    let project = project();
    let crosswalk = project.result("crosswalk.csv");
    let lines: Vec<&str> = crosswalk.lines().collect();
    forge(&project, "crosswalk.csv", &format!("{}\n", lines[1]), "");
    let found = problems(&project, &[]);
    let id = lines[1].split(',').nth(6).expect("a record id");
    let gone = format!("records: record {id}: not in `crosswalk.csv`");
    assert!(found.contains(&gone), "{found:?}");

    let project = self::project();
    let [one, other] = [lines[1], lines[2]].map(|line| line.rsplit_once(',').expect("columns").1);
    forge(&project, "crosswalk.csv", one, other);
    let found = problems(&project, &[]);
    assert!(found.iter().any(|problem| problem.starts_with("lineage: ")), "{found:?}");
}

#[test]
fn a_skipped_row_or_a_count_that_was_changed_breaks_the_sum_of_the_rows() {
    let project = project();
    forge(
        &project,
        "skipped.csv",
        "clients.csv,,4,blank\n",
        "clients.csv,,4,blank\n,x.csv,,9,blank\n",
    );
    let found = problems(&project, &[]);
    assert!(found.iter().any(|p| p.starts_with("rows: rows in `skipped.csv`")), "{found:?}");

    let project = self::project();
    let manifest = project.result("manifest.json");
    project.write("runs/latest/manifest.json", manifest.replace("\"rows\": ", "\"rows\": 1"));
    let found = problems(&project, &[]);
    assert!(found.iter().any(|p| p.starts_with("rows: rows with a fate")), "{found:?}");
}

#[test]
fn the_chain_tells_of_a_changed_manifest_and_of_a_run_that_was_taken_out() {
    let project = project();
    let first = fs::read_link(project.path("runs/latest")).expect("a link").display().to_string();
    let (second, third) = (run(&project), run(&project));
    assert_eq!(problems(&project, &[]), [""; 0]);

    // What each file says is true, and yet the first run is not what it was.
    let path = format!("runs/{first}/manifest.json");
    let manifest = fs::read_to_string(project.path(&path)).expect("there");
    project.write(&path, manifest.replace("\"started\": \"20", "\"started\": \"19"));
    let changed = format!("chain: {first}: its manifest is not the one that {second} followed");
    assert_eq!(problems(&project, &[]), std::slice::from_ref(&changed));
    assert_eq!(problems(&project, &["--run", &first]), [changed]);

    // Old runs may be deleted, none between two others.
    fs::remove_dir_all(project.path(&format!("runs/{first}"))).expect("removed");
    assert_eq!(problems(&project, &[]), [""; 0]);
    project.write(&path, manifest);
    fs::remove_dir_all(project.path(&format!("runs/{second}"))).expect("removed");
    let missing = format!("chain: {third}: {second}, the run before it, is missing");
    assert_eq!(problems(&project, &[]), [missing]);
}
