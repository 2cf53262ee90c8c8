//! The main job on the demo, measured against its truth.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use orpailleur::explain::{Explained, Verdict};

use crate::program::{Project, demo, rows};

fn f1(project: &Project) -> Vec<(String, f64, u64)> {
    let run = project.path("runs/latest");
    let truth = demo().join("truth/records.csv");
    let figures = orpailleur::evaluate::run(&run, &truth).expect("both are readable");
    figures.into_iter().map(|f| (f.kind, f.pairwise.f1, f.missing)).collect()
}

/// One run for all that is looked for in it: a run of the demo takes longer than all that is asked of it.
#[test]
fn the_demo_is_resolved_well_explained_and_verified() {
    let project = Project::of(&demo().join("legacy"));
    the_settings_are_those_that_init_writes(&project);
    let said = project.call(&["run", "--target", "salesforce"]);
    assert!(said.status < 2, "{}", said.stderr);
    let report = said.stdout.lines().last().expect("it prints the report's path");
    assert!(project.path(report).is_file(), "no report at {report}");
    for (kind, f1, _) in f1(&project) {
        assert!(f1 >= 0.85, "{kind}: F1 {f1}");
    }
    every_row_is_accounted_for(&project);
    a_chain_of_strong_pairs_joins_what_is_weak(&project);
    a_run_verifies_and_a_changed_file_is_found(&project);
}

fn every_row_is_accounted_for(project: &Project) {
    let mut accounted = BTreeSet::new();
    for file in ["crosswalk.csv", "rejects.csv", "skipped.csv"] {
        for row in rows(&project.result(file)) {
            accounted.insert((row["file"].clone(), row["sheet"].clone(), row["row"].clone()));
        }
    }
    let truth = std::fs::read_to_string(demo().join("truth/records.csv")).expect("there");
    let lost: Vec<_> = rows(&truth)
        .into_iter()
        .map(|row| (row["file"].clone(), row["sheet"].clone(), row["row"].clone()))
        .filter(|place| !accounted.contains(place))
        .collect();
    assert!(lost.is_empty(), "{} rows have no fate: {:?}", lost.len(), lost.first());
}

fn the_settings_are_those_that_init_writes(project: &Project) {
    let made = std::fs::read_to_string(project.path("orpailleur.toml")).expect("written");
    let kept = std::fs::read_to_string(demo().join("orpailleur.toml")).expect("there");
    // The project is called after its folder.
    let unnamed = |text: &str| -> Vec<String> {
        let lines = text.lines().skip_while(|line| !line.starts_with("name = ")).skip(1);
        lines.map(str::to_owned).collect()
    };
    assert_eq!(unnamed(&made), unnamed(&kept));
}

fn a_run_verifies_and_a_changed_file_is_found(project: &Project) {
    let said = project.call(&["verify"]);
    let files =
        format!("ok      files       {} files as the manifest says\n", project.results().len());
    assert_eq!(said.status, 0, "{}", said.stdout);
    assert!(said.stdout.starts_with(&files), "{}", said.stdout);
    project.write("runs/latest/golden/persons.csv", "changed");
    let said = project.call(&["verify"]);
    let changed = "FAILED  files       golden/persons.csv: changed\n";
    assert_eq!(said.status, 3);
    assert!(said.stdout.starts_with(changed), "{}", said.stdout);
}

#[test]
fn explain_tells_what_the_run_decided_and_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let table = "no,first name,last name,street,postcode,city,phone,email\n\
        1,Hélène,Durand,12 rue de la Paix,75002,Paris,01 42 68 53 00,h.durand@example.com\n\
        2,Helene,DURAND,12 r. de la Paix,75002,PARIS,0142685300,H.DURAND@example.com\n\
        3,Jean,Petit,4 place Bellecour,69002,Lyon,04 72 00 00 01,jean.petit@example.org\n";
    std::fs::write(folder.path().join("a.csv"), table).expect("written");
    let call = |arguments: &[&str]| crate::program::orpailleur(folder.path(), arguments);
    assert_eq!(call(&["dedupe", "a.csv", "--id", "no", "--out", "out"]).status, 0);
    let crosswalk =
        std::fs::read_to_string(folder.path().join("out/crosswalk.csv")).expect("there");
    let crosswalk = rows(&crosswalk);
    let id = |key: &str, column: &str| -> String {
        crosswalk.iter().find(|r| r["record_key"] == key).expect("in the crosswalk")[column].clone()
    };

    let (one, two, three) = (id("1", "record_id"), id("2", "record_id"), id("3", "record_id"));
    let together = call(&["explain", "--run", "out", &one, &two]);
    assert_eq!(together.status, 0, "{}", together.stderr);
    assert!(together.stdout.contains("are together in "), "{}", together.stdout);
    let apart = call(&["explain", "--run", "out", &one, &three]);
    assert!(apart.stdout.contains("are apart, in "), "{}", apart.stdout);

    let golden = call(&["explain", "--run", "out", &id("1", "golden_id")]);
    assert!(golden.stdout.contains("  a.csv:2  Hélène Durand\n"), "{}", golden.stdout);
    assert!(golden.stdout.contains("last_name: Durand\n  from a.csv:"), "{}", golden.stdout);
    let unknown = call(&["explain", "--run", "out", "nobody"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("crosswalk.csv"), "{}", unknown.stderr);

    // A record is known by its key and by its place as well.
    assert_eq!(call(&["explain", "--run", "out", "1", "a.csv:3"]).stdout, together.stdout);
    let record = call(&["explain", "--run", "out", "a.csv:3"]);
    assert!(record.stdout.contains("last name   DURAND"), "{}", record.stdout);
    let nearest = record.stdout.lines().skip_while(|l| !l.starts_with("Most like it")).nth(1);
    assert!(
        nearest.is_some_and(|l| l.contains("merge ") && l.contains("together")),
        "{}",
        record.stdout
    );
}

#[test]
fn explain_says_that_two_legal_numbers_keep_a_strong_pair_apart() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/explain_says_why");
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::copy(case.join("customers.csv"), folder.path().join("a.csv")).expect("copied");
    let call = |arguments: &[&str]| crate::program::orpailleur(folder.path(), arguments);
    let dedupe = ["dedupe", "a.csv", "--id", "code", "--kind", "organisation", "--out", "out"];
    assert!(call(&dedupe).status < 2);
    let said = call(&["explain", "--run", "out", "A1", "A3"]).stdout;
    assert!(said.contains("are apart, in ") && said.contains("in all: merge ("), "{said}");
    assert!(said.contains("two legal numbers, SIREN 552100554 and 732829320"), "{said}");
}

fn a_chain_of_strong_pairs_joins_what_is_weak(project: &Project) {
    let folder = project.path("runs/latest");
    let mut golden: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(&project.result("crosswalk.csv")) {
        golden.entry(row["golden_id"].clone()).or_default().push(row["record_id"].clone());
    }
    let largest = golden.values().max_by_key(|ids| ids.len()).expect("there are some");
    let mut chains = 0;
    for other in &largest[1..] {
        let said = orpailleur::explain::run(&folder, &largest[0], Some(other)).expect("a pair");
        let [Explained::Pair(pair)] = said.as_slice() else { panic!("one pair") };
        assert!(pair.together && pair.lines.known && pair.held_apart.is_none());
        let explanation = &pair.explanation;
        let reasons = explanation.reasons.iter().map(|r| r.bits + r.rarity_bits);
        let sum = explanation.prior_bits + reasons.sum::<f64>() + explanation.relation_bits;
        assert!((sum - explanation.weight_bits).abs() < 1e-6);
        if pair.verdict == Verdict::Merge {
            assert!(pair.chain.is_empty());
            continue;
        }
        chains += 1;
        let strong = |step: &orpailleur::explain::Step| step.weight_bits >= pair.lines.merge_bits;
        assert!(pair.chain.iter().all(strong), "{:?}", pair.chain);
        assert_eq!(pair.chain[0].left.record_id, largest[0]);
        assert_eq!(pair.chain[pair.chain.len() - 1].right.record_id, *other);
        assert!(pair.chain.windows(2).all(|two| two[0].right == two[1].left));
    }
    assert!(chains > 0, "a golden record of {} has weak pairs", largest.len());
}
