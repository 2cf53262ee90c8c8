//! A disk that is full and a folder that cannot be written: no earlier run is damaged, and the error names the file.

#![cfg(unix)]

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, process::Command};

use crate::{
    program::{Project, assert_same, files},
    rehearsals::Rehearsals,
};

/// A project with a complete run, and the files of that run.
fn project() -> (Project, BTreeMap<String, Vec<u8>>) {
    let project = Rehearsals::new().project;
    let said = project.call(&["run"]);
    assert!(said.status < 2, "{}", said.stderr);
    let undisturbed = project.results();
    (project, undisturbed)
}

/// The earlier run is whole, and nothing looks complete that is not.
fn assert_undamaged(project: &Project, undisturbed: &BTreeMap<String, Vec<u8>>, after: &str) {
    let verified = project.call(&["verify"]);
    assert_eq!(verified.status, 0, "{after}: {}", verified.stdout);
    assert_same(undisturbed, &project.results());
    for entry in fs::read_dir(project.path("runs")).expect("there") {
        let path = entry.expect("readable").path();
        assert!(path.join("manifest.json").is_file(), "{after}: {}", path.display());
    }
}

#[test]
fn a_full_disk_ends_the_run_with_the_name_of_the_file_and_damages_nothing() {
    let (project, undisturbed) = project();
    let registry = files(&project.path("registry"));
    let program = assert_cmd::Command::cargo_bin("orpailleur").expect("built with the tests");
    let program = program.get_program().to_string_lossy().into_owned();
    // No file may be longer than so many blocks: writing more fails as it does on a full disk.
    for blocks in [0, 1, 4, 16, 40] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{program}' run --fresh");
        let said = Command::new("sh")
            .args(["-c", &script])
            .current_dir(project.folder())
            .env_remove("RUST_LOG")
            .output()
            .expect("it starts");
        let told = String::from_utf8_lossy(&said.stderr);
        assert_eq!(said.status.code(), Some(2), "{blocks} blocks: {told}");
        assert!(told.contains("could not") && told.contains("runs/"), "{blocks} blocks: {told}");
        assert_undamaged(&project, &undisturbed, &format!("{blocks} blocks"));
        assert_eq!(files(&project.path("registry")), registry, "{blocks} blocks");
    }
    assert!(project.call(&["run", "--fresh"]).status < 2);
    assert_same(&undisturbed, &project.results());
}

#[test]
fn a_folder_that_cannot_be_written_ends_the_run_with_its_name() {
    let (project, undisturbed) = project();
    let runs = project.path("runs");
    let permit = |mode| fs::set_permissions(&runs, fs::Permissions::from_mode(mode));
    permit(0o500).expect("ours");
    if fs::write(runs.join("probe"), "").is_ok() {
        eprintln!("skipped: this user may write everywhere");
        fs::remove_file(runs.join("probe")).expect("removed");
        permit(0o700).expect("ours");
        return;
    }
    let said = project.call(&["run", "--fresh"]);
    permit(0o700).expect("ours");
    assert_eq!(said.status, 2, "{}", said.stderr);
    assert!(said.stderr.contains("could not create") && said.stderr.contains("runs"), "{said:?}");
    assert_undamaged(&project, &undisturbed, "read-only");
}
