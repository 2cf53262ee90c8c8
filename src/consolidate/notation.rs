//! Small records for the tests of this stage, in a notation that fits on a line.

use crate::table::{
    Clean, Clusters, Draft, IdKey, Ingested, Kind, Place, Records, RecordsBuilder, row_digest,
};

/// Records of `source[/date][@key space] K attribute=value attribute=value; ...`, where K is P, O or R
/// and `_` stands for a blank in a value; `attribute[label]=value` for a column with a label.
///
/// A source's rank is its first letter's place in the alphabet, its file is `<source>.csv`. Ids rise in
/// the order written, so that the first record is at position 0.
pub(crate) fn records(notation: &str) -> Records {
    let mut salts: Vec<u32> = vec![0; notation.split("; ").count()];
    // An id is a hash of the row: salt each row until its id is the one that the order asks for.
    let width = (1u64 << 32) / (salts.len() as u64 + 1);
    for (at, salt) in salts.iter_mut().enumerate() {
        let wanted = width * at as u64..width * (at as u64 + 1);
        while !wanted.contains(&leading_bits(notation, at, *salt)) {
            *salt += 1;
        }
    }
    build(notation.split("; ").zip(salts).enumerate())
}

/// The first 32 bits of the id that the line gets with this salt.
fn leading_bits(notation: &str, at: usize, salt: u32) -> u64 {
    let line = notation.split("; ").nth(at).expect("counted");
    let id = build([(at, (line, salt))]).ids[0].0;
    u64::from(u32::from_be_bytes([id[0], id[1], id[2], id[3]]))
}

fn build<'a>(lines: impl IntoIterator<Item = (usize, (&'a str, u32))>) -> Records {
    let mut builder = RecordsBuilder::default();
    for (at, (line, salt)) in lines {
        let mut words = line.split(' ');
        let head = words.next().expect("a source");
        let kind = match words.next() {
            Some("P") => Kind::Person,
            Some("O") => Kind::Organisation,
            _ => Kind::Other,
        };
        let (head, key_space) = head.split_once('@').unwrap_or((head, ""));
        let (source, dated) = head.split_once('/').unwrap_or((head, ""));
        let place = builder.place(Place {
            source: source.into(),
            file: format!("{source}.csv"),
            sheet: String::new(),
            key_space: key_space.into(),
            rank: u32::from(source.as_bytes()[0] - b'a'),
            country: String::new(),
            dated: dated.into(),
        });
        let values = words
            .map(|word| {
                let (attribute, value) = word.split_once('=').expect("attribute=value");
                let (attribute, label) = attribute.split_once('[').unwrap_or((attribute, ""));
                let origin = builder.origin(place, attribute, label.trim_end_matches(']'));
                (attribute.into(), value.replace('_', " "), origin)
            })
            .collect();
        let digest = row_digest([("at", at.to_string().as_str()), ("salt", &salt.to_string())]);
        let row = at as u32 + 2;
        builder.push(Draft { kind: Some(kind), place, row, digest, values, ..Draft::default() });
    }
    builder.finish(&IdKey([7; 32])).0
}

/// The clusters in which record `i` belongs with record `first[i]`.
pub(crate) fn clusters(first: &[u32]) -> Clusters {
    Clusters { cluster: first.to_vec(), review: Vec::new() }
}

/// Raw and clean tables that hold the same values.
pub(crate) fn tables(records: &Records) -> (Ingested, Clean) {
    let ingested = Ingested { records: records.clone(), ..Ingested::default() };
    let clean = Clean { records: records.clone(), ..Clean::default() };
    (ingested, clean)
}
