//! How fast records are matched: block, training, score and cluster together.
//!
//! `cargo bench` prints one line per case: records, candidate pairs, seconds, pairs per second. Data
//! are made from a fixed seed; the answer of each case is checked before its time is printed.

#![allow(clippy::print_stdout, reason = "a benchmark talks to people")]

use std::time::Instant;

use orpailleur::{
    decisions::Decided,
    matching,
    model::Kind,
    progress::Progress,
    table::{Draft, IdKey, Place, Records, RecordsBuilder, row_digest},
};

/// Name, records, distinct last names.
const CASES: &[(&str, u32, u64)] =
    &[("few_duplicates", 20_000, 4_000), ("one_huge_block", 5_000, 1)];

/// One row in this many repeats an earlier person, with a slip in the first name.
const ONE_IN: u64 = 5;

fn main() {
    for &(name, count, last_names) in CASES {
        let records = persons(count, last_names, 7);
        let started = Instant::now();
        let (settings, quiet) = (matching::Settings::default(), Progress::hidden());
        let resolved =
            matching::resolve(&records, (&[], &[]), &[], &Decided::default(), &settings, &quiet)
                .expect("matching data in memory cannot fail");
        let seconds = started.elapsed().as_secs_f64();
        let metrics = &resolved.metrics[0];
        let expected = u64::from(count) - u64::from(count) / ONE_IN;
        let clusters = metrics.cluster.clusters;
        assert!(
            clusters.abs_diff(expected) * 50 < expected,
            "{name}: {clusters} clusters where about {expected} are right"
        );
        let pairs = metrics.candidate_pairs;
        println!(
            "{name:<16} {count:>7} records {pairs:>9} pairs {seconds:>7.2} s {:>10.0} pairs/s",
            pairs as f64 / seconds
        );
    }
}

/// Invented persons: name, email, phone and birth date, every fifth a copy of an earlier one.
fn persons(count: u32, last_names: u64, seed: u64) -> Records {
    let mut random = Random(seed);
    let mut builder = RecordsBuilder::default();
    let place = builder.place(Place {
        source: "bench".into(),
        file: "bench.csv".into(),
        sheet: String::new(),
        key_space: String::new(),
        rank: 0,
        country: String::new(),
        dated: String::new(),
    });
    let origin = builder.origin(place, "value", "");
    let mut originals: Vec<[String; 5]> = Vec::new();
    for row in 0..count {
        let is_copy = u64::from(row) % ONE_IN == ONE_IN - 1;
        let mut person = if is_copy {
            originals[random.below(originals.len() as u64) as usize].clone()
        } else {
            [
                word(random.below(3_000), 3),
                word(random.below(last_names) + 10_000, 4),
                format!("{}@example.org", word(random.next(), 6)),
                format!("+336{:08}", random.below(100_000_000)),
                format!(
                    "19{:02}-{:02}-{:02}",
                    random.below(60) + 40,
                    random.below(12) + 1,
                    random.below(28) + 1
                ),
            ]
        };
        if is_copy {
            person[0].push('e');
        } else {
            originals.push(person.clone());
        }
        let names = ["first_name", "last_name", "email", "mobile", "birth_date"];
        let key = row.to_string();
        builder.push(Draft {
            kind: Some(Kind::Person),
            place,
            row: row + 2,
            digest: row_digest([("row", key.as_str())]),
            values: names.into_iter().zip(person).map(|(a, v)| (a.into(), v, origin)).collect(),
            key,
        });
    }
    builder.finish(&IdKey([7; 32])).0
}

/// A pronounceable word of `syllables` syllables that tells the number.
fn word(mut number: u64, syllables: usize) -> String {
    let mut text = String::new();
    for _ in 0..syllables {
        text.push(char::from(b"bcdfglmnprstvz"[(number % 14) as usize]));
        number /= 14;
        text.push(char::from(b"aeiou"[(number % 5) as usize]));
        number /= 5;
    }
    text
}

/// A small generator with a fixed sequence (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
