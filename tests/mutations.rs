//! Damaged files: sound ones with bits flipped, pieces cut out, repeated, or taken from another.
//!
//! The same inputs each time. `fuzz/` looks further, guided by what each input reaches.

use std::{fs, path::Path};

use crate::whole_way;

/// How often each seed of ours is damaged, in another way each time, and how often each real export.
const TIMES: [u64; 2] = [24, 3];
/// Says how many times as often: `ORPAILLEUR_DAMAGES=100` looks an hour long.
const MORE: &str = "ORPAILLEUR_DAMAGES";
/// Larger files would take the time of many small ones.
const MOST_BYTES: u64 = 40_000;

#[test]
fn damaged_files_are_refused_or_read_with_one_fate_for_each_row() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = files(&here.join("fuzz/seeds"));
    let own = seeds.len();
    assert!(own >= 10, "the seeds in `fuzz/seeds` are missing");
    // Without the collection of real exports beside the tree, our own seeds do alone.
    seeds.extend(files(&here.join("../shared/samples")));
    let more = std::env::var(MORE).ok().and_then(|more| more.parse().ok()).unwrap_or(1);
    let times = TIMES.map(|times| times * more);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (at, (name, sound)) in seeds.iter().enumerate() {
        let path = folder.path().join(name);
        for time in 0..times[usize::from(at >= own)] {
            let mut chance = Chance(at as u64 * times[0] + time);
            let other = &seeds[chance.below(seeds.len())].1;
            let damaged = if time == 0 { sound.clone() } else { damage(sound, other, &mut chance) };
            fs::write(&path, &damaged).expect("written");
            let taken = std::panic::catch_unwind(|| whole_way::take(&path, name));
            assert!(taken.is_ok(), "{name}, damaged for the time {time}");
        }
        fs::remove_file(&path).expect("it is there");
    }
}

/// Names and contents of the files below a folder, if it is there.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    if !folder.is_dir() {
        return Vec::new();
    }
    let files = orpailleur::run::files_below(folder).expect("readable").into_iter();
    let small = |path: &Path| fs::metadata(path).is_ok_and(|told| told.len() <= MOST_BYTES);
    let name = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    files
        .filter(|(path, _)| small(path))
        .map(|(path, told)| (name(&told), fs::read(path).expect("readable")))
        .collect()
}

/// Numbers that look random and are the same each time (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Where a piece starts and ends.
    fn piece(&mut self, length: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 16 };
        (from, (from + self.below(most + 1)).min(length))
    }
}

/// One to four kinds of damage.
fn damage(sound: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    /// What parsers stumble over: quotes, ends, marks of encodings and of folding, great numbers.
    const NASTY: [&[u8]; 14] = [
        b"\"",
        b"\0",
        b"\r",
        b"\n\n",
        b"\xEF\xBB\xBF",
        b"\xFF\xFE",
        b"\x1A",
        b";;;;",
        b"\t",
        b"=\r\n",
        b"4294967296",
        b"\xC3",
        b"<![CDATA[",
        b"END:VCARD\r\n",
    ];
    let mut bytes = sound.to_vec();
    for _ in 0..=chance.below(4) {
        let (from, to) = chance.piece(bytes.len());
        match chance.below(6) {
            0 => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << chance.below(8);
                }
            }
            1 => bytes.truncate(from),
            2 => drop(bytes.drain(from..to)),
            3 => {
                let again = bytes[from..to].to_vec();
                bytes.splice(from..from, again);
            }
            4 => {
                let (start, end) = chance.piece(other.len());
                bytes.splice(from..to, other[start..end].iter().copied());
            }
            _ => drop(bytes.splice(from..from, NASTY[chance.below(NASTY.len())].iter().copied())),
        }
    }
    bytes
}
