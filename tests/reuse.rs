//! What did not change is not run again, and nobody can tell from the result.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::{
    program::{Project, assert_same, files},
    rehearsals::Rehearsals,
};

/// Runs the project: the run, and which stages it took over from which run.
fn run(project: &Project, arguments: &[&str]) -> (String, BTreeMap<String, String>) {
    let said = project.call(&[&["run", "--json"], arguments].concat());
    assert!(said.status < 2, "{}", said.stderr);
    let told: Value = serde_json::from_str(&said.stdout).expect("JSON");
    let manifest: Value = serde_json::from_str(&project.result("manifest.json")).expect("JSON");
    let reused = manifest.get("reused").cloned().unwrap_or_else(|| json!({}));
    let reused = serde_json::from_value(reused).expect("texts");
    (told["run"].as_str().expect("an id").to_owned(), reused)
}

fn of_matching(run: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("match".to_owned(), run.to_owned())])
}

fn project() -> Project {
    let rehearsals = Rehearsals::new();
    let names = ["Comptable", "Directrice", "Acheteuse", "Gérant", "Secrétaire", "Technicien"];
    let lines = names.map(|name| format!("{name},1,{name}\n")).concat();
    let values = format!("value,count,common\n{lines}");
    rehearsals.project.write("mappings/values/job_title.csv", values);
    rehearsals.project
}

/// What a run of all stages makes of the project as it is.
fn fresh(project: &Project) -> BTreeMap<String, Vec<u8>> {
    assert_eq!(run(project, &["--fresh"]).1, BTreeMap::new());
    project.results()
}

#[test]
fn the_same_again_is_taken_over_and_stays_when_the_run_it_came_from_is_deleted() {
    let project = project();
    let (first, reused) = run(&project, &[]);
    assert_eq!(reused, BTreeMap::new());
    let undisturbed = project.results();

    // The first run left a model and golden ids: all but matching depends on them.
    let (second, reused) = run(&project, &[]);
    assert_eq!(reused, of_matching(&first));
    assert_same(&undisturbed, &project.results());

    let (third, reused) = run(&project, &[]);
    let stages = ["consolidate", "emit", "ingest", "match", "normalize", "report"];
    let expected: BTreeMap<String, String> =
        stages.iter().map(|stage| ((*stage).to_owned(), second.clone())).collect();
    assert_eq!(reused, expected);
    assert_same(&undisturbed, &project.results());
    let said = project.call(&["run"]);
    assert!(said.stderr.contains("taken over") || said.stdout.contains("taken over"), "{said:?}");

    assert_same(&undisturbed, &fresh(&project));
    for gone in [first, second] {
        fs::remove_dir_all(project.path("runs").join(gone)).expect("removed");
    }
    assert_same(&undisturbed, &files(&project.path("runs").join(third)));
    assert_eq!(project.call(&["verify"]).status, 0);
}

#[test]
fn matching_is_taken_over_when_values_are_chosen_otherwise_and_nothing_when_a_row_changes() {
    let mut rehearsals = Rehearsals::new();
    let first = run(&rehearsals.project, &[]).0;
    let settings = fs::read_to_string(rehearsals.project.path("orpailleur.toml")).expect("there");
    let rule = "\n[survivorship]\nperson.first_name = \"source_priority\"\n";
    rehearsals.project.write("orpailleur.toml", settings + rule);
    let (second, reused) = run(&rehearsals.project, &[]);
    assert_eq!(reused, of_matching(&first));
    let taken_over = rehearsals.project.results();
    assert_same(&taken_over, &fresh(&rehearsals.project));

    rehearsals.contacts[0] = rehearsals.contacts[0].replace("Dijon", "Beaune");
    rehearsals.run("clients.csv");
    let manifest = rehearsals.project.result("manifest.json");
    assert!(!manifest.contains("\"reused\""), "{second}: {manifest}");
    assert_same(&rehearsals.project.results(), &fresh(&rehearsals.project));
}

#[test]
fn a_decision_a_file_beside_the_inputs_or_a_damaged_table_is_no_unchanged_input() {
    let project = project();
    let ids = [run(&project, &[]).0, run(&project, &[]).0];
    project.write("legacy/a note.txt", "nothing of interest");
    assert_eq!(run(&project, &[]).1, of_matching(&ids[1]));

    let said = project.call(&[
        "decide",
        "same",
        "clients.csv:2",
        "clients.csv:3",
        "--kind",
        "person",
        "--who",
        "Zoé",
        "--when",
        "2024-03-01",
    ]);
    assert_eq!(said.status, 0, "{}", said.stderr);
    assert_eq!(run(&project, &[]).1, BTreeMap::new());
    let decided = project.results();

    // Links to one file on disk: all runs that have it are damaged, and none is believed.
    let damaged = project.path("runs/latest/tables/clusters.parquet");
    fs::remove_file(&damaged).expect("removed");
    fs::write(&damaged, "damaged").expect("written");
    assert_eq!(run(&project, &[]).1, BTreeMap::new());
    assert_same(&decided, &project.results());
}

#[test]
fn what_a_killed_run_had_matched_is_taken_over() {
    let project = project();
    let first = run(&project, &[]).0;
    let undisturbed = project.results();
    // As if the first run had been killed while it made golden records.
    let (complete, partial) =
        (project.path(&format!("runs/{first}")), project.path(&format!("runs/{first}.partial")));
    let manifest: Value = serde_json::from_str(&project.result("manifest.json")).expect("JSON");
    fs::rename(&complete, &partial).expect("renamed");
    fs::remove_file(project.path("runs/latest")).expect("removed");
    fs::remove_file(partial.join("manifest.json")).expect("removed");
    let done = json!({ "fingerprints": manifest["fingerprints"], "outputs": manifest["outputs"] });
    fs::write(partial.join("done.json"), done.to_string()).expect("written");
    fs::remove_file(project.path("model.json")).expect("removed");
    for name in ["golden_ids.csv", "keys.csv"] {
        fs::remove_file(project.path("registry").join(name)).expect("removed");
    }
    let (_, reused) = run(&project, &[]);
    assert_eq!(reused, of_matching(&format!("{first}.partial")));
    assert_same(&undisturbed, &project.results());
}

#[test]
fn what_a_complete_run_left_is_kept_even_if_the_program_was_killed_before_it_could() {
    let project = project();
    let first = run(&project, &[]).0;
    let ids = fs::read_to_string(project.path("registry/golden_ids.csv")).expect("there");
    let keys = fs::read_to_string(project.path("registry/keys.csv")).expect("there");
    let forget = || {
        fs::remove_file(project.path("registry/golden_ids.csv")).expect("removed");
        project.write("registry/next/registry/golden_ids.csv", &ids);
        project.write("registry/next/run", &first);
    };
    forget();
    run(&project, &[]);
    assert_eq!(fs::read_to_string(project.path("registry/golden_ids.csv")).expect("kept"), ids);
    assert!(!project.path("registry/next").exists());

    // What a run left that was never complete is of no use.
    project.write("registry/next/registry/keys.csv", "key,golden_id\n");
    project.write("registry/next/run", "0099-00000000");
    run(&project, &[]);
    assert_eq!(fs::read_to_string(project.path("registry/keys.csv")).expect("kept"), keys);
}
