//! How fast a delimited text is read, and how fast its values are brought to their one form: rows per
//! second of one core.
//!
//! `cargo bench --bench reading` prints one line per case and step. Data are made from a fixed seed, the
//! answer of each step is checked before its time is printed, and each time is the median of three.
//! Where the system tells it (Linux), the time is that of the processor, so that other programs do not
//! count.
//! `benches/peers/duckdb_reading.py` reads the same files with DuckDB in the same run; it needs a Python
//! with the package `duckdb`, named by `PEER_PYTHON`, and is skipped where there is none.

#![allow(clippy::print_stdout, reason = "a benchmark talks to people")]

use std::{
    fmt::Write,
    hint::black_box,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Instant,
};

use orpailleur::{
    ingest::{
        self, Source,
        plain::{self, Options, PlainTable},
        read::{self, Content},
        recognise::recognise,
    },
    normalize,
    progress::Progress,
    table::IdKey,
};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of each case, unless `BENCH_ROWS` says otherwise.
const ROWS: usize = 1_000_000;

/// What a case is called, the encoding as DuckDB calls it, and whether it is nasty: every cell quoted,
/// a line break in some, accents in windows-1252.
const CASES: &[(&str, &str, bool)] = &[("plain", "utf-8", false), ("nasty", "CP1252", true)];

fn main() {
    let rows = std::env::var("BENCH_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROWS);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    pool.install(|| {
        for &(name, encoding, nasty) in CASES {
            let file = folder.path().join(format!("{name}.csv"));
            std::fs::write(&file, customers(rows, nasty)).expect("written");
            let told = |step: &str, seconds: f64| {
                let per_second = rows as f64 / seconds;
                println!("{name:<6} {step:<22} {seconds:>7.2} s {per_second:>10.0} rows/s");
            };
            told("reading", median(|| read_all(&file, rows)));
            let mut steps = (Vec::new(), Vec::new());
            for _ in 0..3 {
                let (ingesting, normalizing) = read_and_normalize(&file, rows);
                steps.0.push(ingesting);
                steps.1.push(normalizing);
            }
            let (ingesting, normalizing) = (middle(steps.0), middle(steps.1));
            told("reading to records", ingesting);
            told("normalizing", normalizing);
            told("reading + normalizing", ingesting + normalizing);
            told("reading for dedupe", median(|| read_plain(&file, rows)));
            if let Some(seconds) = peer(&file, rows, encoding) {
                told("DuckDB read_csv", seconds);
            }
        }
    });
}

/// Seconds of one core: those of the processor, else those of the clock.
struct Stopwatch(Instant, Option<u64>);

impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch(Instant::now(), processor_ns())
    }

    fn seconds(&self) -> f64 {
        match (self.1, processor_ns()) {
            (Some(from), Some(to)) => (to - from) as f64 / 1e9,
            _ => self.0.elapsed().as_secs_f64(),
        }
    }
}

/// How long this thread has run, in nanoseconds; `None` where the system does not say.
fn processor_ns() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    told.split(' ').next()?.parse().ok()
}

fn median(mut step: impl FnMut() -> f64) -> f64 {
    middle((0..3).map(|_| step()).collect())
}

fn middle(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Opens the file and exhausts its rows.
fn read_all(file: &Path, rows: usize) -> f64 {
    let started = Stopwatch::start();
    let table = read::open(file).expect("it is read").pop().expect("a table");
    let (mut data, mut bytes) = (0, 0);
    for row in table.rows {
        if let Content::Data(cells) = black_box(row.content) {
            assert_eq!(cells.len(), 10);
            data += 1;
            bytes += cells.as_slice().len();
        }
    }
    let seconds = started.seconds();
    assert_eq!(data, rows);
    assert!(bytes > rows * 60);
    seconds
}

/// Reads the file as a source of records and normalizes them: seconds of each.
fn read_and_normalize(file: &Path, rows: usize) -> (f64, f64) {
    let table = read::open(file).expect("it is read").pop().expect("a table");
    let sample: Vec<_> = (table.rows)
        .filter_map(|row| match row.content {
            Content::Data(cells) => Some(cells),
            _ => None,
        })
        .take(1000)
        .collect();
    let found = recognise("customers.csv", "text", &table.header, &sample, &[]);
    let source = Source {
        name: "bench".into(),
        files: vec![(PathBuf::from(file), "customers.csv".into())],
        sheets: Vec::new(),
        mapping: Arc::clone(&found.first().expect("columns that are understood").mapping),
        key_space: "bench".into(),
        legal_entity: None,
        country: String::new(),
        rank: 0,
        dated: String::new(),
    };
    let quiet = Progress::hidden();
    let started = Stopwatch::start();
    let ingested = ingest::run(&[source], &IdKey([7; 32]), &quiet).expect("it is read").table;
    let ingesting = started.seconds();
    assert!(ingested.records.len() >= rows);

    let started = Stopwatch::start();
    let settings = normalize::Settings::default();
    let clean = normalize::run(&ingested, &settings, &quiet).expect("it is normalized").table;
    let normalizing = started.seconds();
    for (attribute, least) in [("email", rows), ("phone", rows / 2), ("address", rows)] {
        let filled = clean.records.columns.get(attribute).map_or(0, |column| column.filled());
        assert!(filled >= least, "{attribute}: {filled} of {rows}");
    }
    (ingesting, normalizing)
}

/// Reads the file as `dedupe` does: twice, and a row is a record.
fn read_plain(file: &Path, rows: usize) -> f64 {
    let table = PlainTable { path: file.to_owned(), file: "customers.csv".into() };
    let options = Options { id: Some("Code".into()), ..Options::default() };
    let started = Stopwatch::start();
    let (read, _) = plain::run(&[table], &options, &Progress::hidden()).expect("it is read");
    let seconds = started.seconds();
    assert_eq!(read.table.records.len(), rows);
    seconds
}

/// How long DuckDB takes for the same file; `None` where it is not installed.
fn peer(file: &Path, rows: usize, encoding: &str) -> Option<f64> {
    let python = std::env::var_os("PEER_PYTHON")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/duckdb_reading.py");
    let mut command = Command::new(python);
    command.arg(script).arg(file).arg(rows.to_string()).arg(encoding);
    let said = command.output().ok()?;
    match String::from_utf8_lossy(&said.stdout).trim().parse() {
        Ok(seconds) => Some(seconds),
        Err(_) => {
            println!("DuckDB did not read it: {}", String::from_utf8_lossy(&said.stderr).trim());
            None
        }
    }
}

/// A CSV file of invented customers, ten columns.
fn customers(rows: usize, nasty: bool) -> Vec<u8> {
    const FIRST: &[&str] = &["Jean", "Marie", "Hélène", "Paul", "Zoé", "Jérôme", "Anne", "Luc"];
    const LAST: &[&str] = &["Dupont", "Martin", "Lefèvre", "Roy", "Besançon", "Moreau", "Petit"];
    const STREETS: &[&str] = &["rue de la Paix", "avenue Foch", "place du Marché", "quai Perrache"];
    const CITIES: &[(&str, &str)] = &[
        ("75002", "Paris"),
        ("69002", "Lyon"),
        ("25000", "Besançon"),
        ("01000", "Bourg-en-Bresse"),
    ];
    let mut random = Random(7);
    let header = ["Code", "Civilité", "Prénom", "Nom", "Société", "Email", "Téléphone", "Adresse"];
    let mut text = header.join(";") + ";Code postal;Ville\n";
    for row in 0..rows {
        let first = random.of(FIRST);
        let last = format!("{}{}", random.of(LAST), ["", "-Roux", "eau", "ier"][random.below(4)]);
        let number = random.below(10_000);
        let firm = format!("{} {number} SARL", random.of(LAST));
        let email = format!("contact{}@firm{number}.fr", random.below(1000));
        let phone = format!("0{} {:02} {:02} 56 78", 1 + row % 5, number % 100, number / 100);
        let street = format!("{} {}", 1 + random.below(200), random.of(STREETS));
        let (postcode, city) = random.of(CITIES);
        let street = if nasty && row % 16 == 0 { format!("Bât. \"A\"\n{street}") } else { street };
        let civility = ["M.", "Mme"][row % 2];
        let code = format!("C{row:07}");
        let cells =
            [&*code, civility, first, &last, &firm, &email, &phone, &street, postcode, city];
        for (at, cell) in cells.into_iter().enumerate() {
            let end = if at == 9 { '\n' } else { ';' };
            let written = match nasty {
                true => write!(text, "\"{}\"{end}", cell.replace('"', "\"\"")),
                false => write!(text, "{cell}{end}"),
            };
            written.expect("a text takes all");
        }
    }
    match nasty {
        true => encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(),
        false => text.into_bytes(),
    }
}

/// A small generator: the same numbers everywhere (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}
