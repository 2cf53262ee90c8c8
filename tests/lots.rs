//! What a steward sets about who is loaded: retention, lots, owners, systems that live on.

use std::{collections::BTreeMap, fs, process::Stdio, time::Duration};

use crate::program::{Project, files, rows};

const CLIENTS: &str = "\
Code client;Raison sociale;SIRET;E-mail;Téléphone;Adresse;Code postal;Ville;Commercial;Dernière commande
C001;Garage Durand;73282932000074;info@garage-durand.example;01 42 68 53 00;12 rue de la Paix;75002;Paris;CL;03/05/2023
C002;Boulangerie Petit;;contact@boulangerie-petit.example;04 72 00 00 01;4 place Bellecour;69002;Lyon;Nadia Ferhat;14/11/2012
C003;Fleurs Moreau;;contact@fleurs-moreau.example;02 40 00 00 09;48 quai de la Fosse;44000;Nantes;GP;14/11/2023
";

const LEADS: &str = "\
Prénom;Nom;E-mail;Téléphone;Société;Commercial;Date de création;Message
Hélène;Durand;h.durand@garage-durand.example;06 12 34 56 01;Garage Durand;Nadia Ferhat;12/05/2024;Merci de rappeler
Jean;Lefort;jean.lefort@example.org;06 12 34 56 02;;CL;01/02/2015;Demande de devis
Odile;Besson;odile.besson@example.org;06 12 34 56 03;;CL;01/02/2024;Demande de devis
";

const INVOICES: &str = "\
N° facture;Date;Code client;Montant HT;Montant TTC
F1;03/05/2023;C001;100,00;120,00
F2;14/11/2012;C002;200,00;240,10
F3;14/11/2023;C999;300,00;360,05
";

fn project() -> Project {
    let project = Project::new();
    project.write("legacy/clients.csv", CLIENTS);
    project.write("legacy/leads.csv", LEADS);
    project.write("legacy/factures.csv", INVOICES);
    let said = project.call(&["init", "legacy"]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    set(&project, "as_of = \"", "as_of = \"2024-12-31\" # \"");
    project
}

fn set(project: &Project, old: &str, new: &str) {
    let settings = fs::read_to_string(project.path("orpailleur.toml")).expect("there");
    assert!(settings.contains(old), "{old}: {settings}");
    project.write("orpailleur.toml", settings.replacen(old, new, 1));
}

fn add(project: &Project, section: &str) {
    let settings = fs::read_to_string(project.path("orpailleur.toml")).expect("there");
    project.write("orpailleur.toml", format!("{settings}\n{section}"));
}

fn run(project: &Project) {
    let said = project.call(&["run", "--target", "csv"]);
    assert!(said.status < 2, "{}", said.stderr);
}

/// A column of the latest run's file by another one.
fn by(project: &Project, file: &str, key: &str, value: &str) -> BTreeMap<String, String> {
    let entry = |mut row: BTreeMap<String, String>| {
        (row.remove(key).expect("a column"), row.remove(value).expect("a column"))
    };
    rows(&project.result(file)).into_iter().map(entry).collect()
}

/// The golden ids of persons by first name, of organisations by name.
fn ids(project: &Project) -> BTreeMap<String, String> {
    let mut ids = by(project, "golden/persons.csv", "first_name", "golden_id");
    ids.extend(by(project, "golden/organisations.csv", "name", "golden_id"));
    ids
}

#[test]
fn who_is_past_the_period_is_listed_and_left_out_when_the_settings_say_so() {
    let project = project();
    add(&project, "[retention]\nforms = [\"leads\"]\n");
    run(&project);
    let ids = ids(&project);
    let lists = by(&project, "golden/retention.csv", "golden_id", "list");
    let list = |name: &str| lists[&ids[name]].as_str();
    assert_eq!(list("Jean"), "prospect_expired");
    assert_eq!(list("Odile"), "kept");
    assert_eq!(list("Garage Durand"), "kept");
    assert_eq!(list("Boulangerie Petit"), "customer_expired");
    assert!(project.result("load/csv/2-persons.csv").contains("Lefort"));
    set(&project, "[retention]\n", "[retention]\nexclude = [\"prospects\", \"customers\"]\n");
    run(&project);
    let left_out = by(&project, "golden/left_out.csv", "golden_id", "reason");
    assert_eq!(left_out, BTreeMap::from([(ids["Jean"].clone(), "prospect_expired".to_owned())]));
    assert!(!project.result("load/csv/2-persons.csv").contains("Lefort"));
    assert!(project.result("golden/persons.csv").contains("Lefort"), "it is golden all the same");
}

#[test]
fn a_lot_is_loaded_with_the_accounts_of_its_contacts_and_the_rest_is_listed() {
    let project = project();
    let scope = "[scope]\nfilter = [{ attribute = \"email\", is = [\"h.durand*\", \"contact@fleurs*\"] }]\n";
    add(&project, scope);
    run(&project);
    let ids = ids(&project);
    let left_out = by(&project, "golden/left_out.csv", "golden_id", "reason");
    let expected = ["Boulangerie Petit", "Jean", "Odile"];
    let expected = expected.map(|name| (ids[name].clone(), "out_of_scope".to_owned()));
    assert_eq!(left_out, BTreeMap::from(expected));
    assert!(project.result("load/csv/1-organisations.csv").contains("Garage Durand"));
}

#[test]
fn owners_are_loaded_once_they_are_filled_in_and_what_is_filled_in_stays() {
    let project = project();
    run(&project);
    let owners = fs::read_to_string(project.path("owners.csv")).expect("written by the run");
    assert!(owners.starts_with("label,count,crm_user,active,default\nCL,3,,yes,\n"), "{owners}");
    let filled = "label;count;crm_user;active;default\nCL;3;claire@nova.fr;;oui\n\
                  Nadia Ferhat;2;nadia@nova.fr;;\nGP;1;gilles@nova.fr;non;\n";
    project.write("owners.csv", filled);
    run(&project);
    let users = by(&project, "load/csv/1-organisations.csv", "name", "crm_user");
    assert_eq!(users["Garage Durand"], "nadia@nova.fr", "what is said last");
    assert_eq!(users["Boulangerie Petit"], "nadia@nova.fr");
    assert_eq!(users["Fleurs Moreau"], "claire@nova.fr", "Gilles is gone: the default");
    let kept = fs::read_to_string(project.path("owners.csv")).expect("there");
    assert!(kept.contains("CL") && kept.contains("claire@nova.fr"), "{kept}");
    // Two active users speak of one organisation.
    let conflicts = project.result("golden/conflicts.csv");
    let garage = &ids(&project)["Garage Durand"];
    assert!(
        conflicts
            .contains(&format!("{garage},organisation,owner,two_active_owners,claire@nova.fr"))
    );
    let explained = project.call(&["explain", garage]).stdout;
    assert!(
        explained.contains("owner: the records do not agree (two_active_owners)"),
        "{explained}"
    );
}

#[test]
fn what_is_wrong_in_a_system_that_lives_on_goes_back_and_its_history_adds_up() {
    let project = project();
    let faulty = CLIENTS.replace("info@garage-durand.example", "info(at)garage");
    project.write("legacy/clients.csv", faulty);
    set(&project, "name = \"clients\"\n", "name = \"clients\"\ncontinuity = \"live\"\n");
    run(&project);
    let fixes = project.result("fixes/clients.csv");
    assert!(fixes.contains("clients.csv,,2,C001,E-mail,bad_email"), "{fixes}");
    let sums = project.result("golden/history/sums.csv");
    assert!(sums.contains("invoice,,3,720.15,2,360.1,1,360.05,0,0"), "{sums}");
    let orphans = project.result("golden/history/orphans.csv");
    assert!(
        orphans.contains("invoice,factures,factures.csv,,4,C999,,2023-11-14,360.05,"),
        "{orphans}"
    );
}

#[test]
fn a_run_that_is_killed_leaves_the_last_one_intact_and_the_next_one_as_if_it_had_not_been() {
    let project = project();
    run(&project);
    let undisturbed = project.results();
    for pause_ms in [0, 3, 10, 25, 60, 120, 200, 300, 450] {
        let program = assert_cmd::Command::cargo_bin("orpailleur").expect("built with the tests");
        let mut child = std::process::Command::new(program.get_program())
            .current_dir(project.folder())
            .args(["run", "--target", "csv"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(Duration::from_millis(pause_ms));
        // It may be done already.
        let _ = child.kill();
        child.wait().expect("it ends");
        let verified = project.call(&["verify"]);
        assert_eq!(verified.status, 0, "after {pause_ms} ms: {}", verified.stdout);
        for entry in fs::read_dir(project.path("runs")).expect("there") {
            let path = entry.expect("readable").path();
            let name = path.display().to_string();
            let has_manifest = path.join("manifest.json").is_file();
            assert!(has_manifest || name.ends_with(".partial"), "{name} looks complete");
        }
    }
    run(&project);
    crate::program::assert_same(&undisturbed, &files(&project.path("runs/latest")));
}
