//! Calls the program and looks at what it left.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

/// What a call printed, and its exit status.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Calls the program in `folder`.
pub(crate) fn orpailleur<S: AsRef<std::ffi::OsStr>>(folder: &Path, arguments: &[S]) -> Said {
    let mut command =
        assert_cmd::Command::cargo_bin("orpailleur").expect("it is built with the tests");
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG");
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    Said {
        status: status.code().expect("it ends by itself"),
        stdout: String::from_utf8(stdout).expect("it prints UTF-8"),
        stderr: String::from_utf8(stderr).expect("it prints UTF-8"),
    }
}

/// A project in a temporary folder, with `legacy/` beside its settings.
pub(crate) struct Project {
    parent: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new() -> Project {
        let project = Project { parent: tempfile::tempdir().expect("a temporary folder") };
        fs::create_dir_all(project.path("legacy")).expect("made");
        project
    }

    /// The project's folder, of the same name for all: reports are called after it.
    pub(crate) fn folder(&self) -> PathBuf {
        self.parent.path().join("project")
    }

    /// A project of the exports below `legacy`, as `init` makes it.
    pub(crate) fn of(legacy: &Path) -> Project {
        let project = Project::new();
        copy(legacy, &project.path("legacy"));
        let said = project.call(&["init", "legacy"]);
        assert_eq!(said.status, 0, "{}", said.stderr);
        project
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder().join(file)
    }

    pub(crate) fn write(&self, file: &str, content: impl AsRef<[u8]>) -> &Project {
        let path = self.path(file);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("made");
        fs::write(path, content).expect("written");
        self
    }

    pub(crate) fn call(&self, arguments: &[&str]) -> Said {
        orpailleur(&self.folder(), arguments)
    }

    /// A file of the latest run.
    pub(crate) fn result(&self, file: &str) -> String {
        let path = self.path("runs/latest").join(file);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The files of the latest run but its manifest.
    pub(crate) fn results(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.path("runs/latest"))
    }
}

/// All files below `folder` but the manifest, by name.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(inner) = open.pop() {
        for entry in fs::read_dir(&inner).unwrap_or_else(|e| panic!("{}: {e}", inner.display())) {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below it").display().to_string();
                found.insert(name, fs::read(&path).expect("readable"));
            }
        }
    }
    found.remove("manifest.json");
    found
}

/// Copies a folder and all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    for (name, content) in files(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().expect("it has a folder")).expect("made");
        fs::write(path, content).expect("written");
    }
}

/// Fails with the names of the files that are not the same in both.
pub(crate) fn assert_same(left: &BTreeMap<String, Vec<u8>>, right: &BTreeMap<String, Vec<u8>>) {
    let names: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let differing: Vec<_> = names.into_iter().filter(|n| left.get(*n) != right.get(*n)).collect();
    assert!(differing.is_empty(), "these files differ: {differing:?}");
    assert!(left.len() > 5, "a run has more files than {:?}", left.keys());
}

/// The rows of a CSV file, each by its column names.
pub(crate) fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .expect("our own CSV reads back")
}

/// The demo of the repository.
pub(crate) fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo")
}
