//! What every target does with its input.

#[path = "../../tests/whole_way.rs"]
mod whole_way;

use std::{
    fs, panic,
    path::PathBuf,
    sync::{Mutex, OnceLock},
};

/// One input in so many goes the whole way to clean records; the others are only read, which is much
/// faster and where most of what can go wrong is.
const WHOLE_WAYS: u8 = 64;

/// Reads `data` as a file called `name`, or takes it the whole way to clean records: the bytes decide which.
pub fn take(name: &str, data: &[u8]) {
    expect_panics();
    let path = file(name);
    fs::write(&path, data).expect("there is room for one input");
    let sum = data.iter().fold(0u8, |sum, &byte| sum.rotate_left(3) ^ byte);
    let taken = panic::catch_unwind(|| {
        for (path, name) in orpailleur::ingest::read::files(&path, name) {
            match sum % WHOLE_WAYS {
                0 => whole_way::take(&path, &name),
                _ => drop(whole_way::read_only(&path, &name)),
            }
        }
    });
    if taken.is_err() {
        let said = SAID.lock().map(|said| said.clone()).unwrap_or_default();
        eprintln!("{said}");
        std::process::abort();
    }
}

/// What the last panic said.
static SAID: Mutex<String> = Mutex::new(String::new());

/// The reader of workbooks catches panics of the library that it wraps; the fuzzer's own hook would end
/// the process before that.
fn expect_panics() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        panic::set_hook(Box::new(|told| {
            let trace = std::backtrace::Backtrace::force_capture();
            if let Ok(mut said) = SAID.lock() {
                *said = format!("{told}\n{trace}");
            }
        }));
    });
}

/// A file of this process in memory: the way of a file begins on disk.
fn file(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = parent.join(format!("orpailleur-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder of our own");
        folder
    });
    folder.join(name)
}

/// `data` as it is when it begins like `start`, else below `start`: few inputs would find it by chance.
pub fn below(start: &str, data: &[u8]) -> Vec<u8> {
    let known = start.len().min(6);
    match data.starts_with(&start.as_bytes()[..known]) {
        true => data.to_owned(),
        false => [start.as_bytes(), data].concat(),
    }
}
