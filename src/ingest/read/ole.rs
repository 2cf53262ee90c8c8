//! OLE2 compound files: the small file system that Office files were before 2007.

/// What every such file starts with.
pub(super) const MAGIC: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Sectors of this number and above have a meaning of their own: end of chain, free...
const FIRST_SPECIAL: u32 = 0xFFFF_FFFA;

/// Streams shorter than this lie in the stream of small sectors.
const SMALL_STREAM_BYTES: usize = 4096;
const SMALL_SECTOR_BYTES: usize = 64;

const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;

/// The directory of a compound file. What a file cut short has lost is left out.
pub(super) struct Ole<'a> {
    bytes: &'a [u8],
    sector_bytes: usize,
    /// For each sector the next one of its chain.
    next: Vec<u32>,
    next_small: Vec<u32>,
    entries: Vec<Entry>,
}

struct Entry {
    name: String,
    start: u32,
    length: usize,
}

impl<'a> Ole<'a> {
    /// The file's directory; `None` when the start of the file is damaged.
    pub(super) fn open(bytes: &'a [u8]) -> Option<Ole<'a>> {
        let power = u16_at(bytes, 30)?;
        let sector_bytes = matches!(power, 9 | 12).then(|| 1usize << power)?;
        let mut ole = Ole {
            bytes,
            sector_bytes,
            next: Vec::new(),
            next_small: Vec::new(),
            entries: Vec::new(),
        };
        ole.next = ole.sector_table()?;
        let directory = ole.chain(u32_at(bytes, 48)?, usize::MAX);
        ole.entries = directory.chunks_exact(ENTRY_BYTES).filter_map(Entry::of).collect();
        let small = ole.chain(u32_at(bytes, 60)?, usize::MAX);
        ole.next_small = words(&small).collect();
        (!ole.entries.is_empty()).then_some(ole)
    }

    /// Names of the streams and folders.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// The content of a stream, whatever the case of its name.
    pub(super) fn stream(&self, name: &str) -> Option<Vec<u8>> {
        let entry = self.entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))?;
        if entry.length >= SMALL_STREAM_BYTES {
            return Some(self.chain(entry.start, entry.length));
        }
        // The first entry is the root, whose stream holds all small sectors.
        let root = self.entries.first()?;
        let small = self.chain(root.start, root.length);
        let sectors = links(entry.start, &self.next_small);
        let mut stream: Vec<u8> = sectors
            .filter_map(|sector| {
                let at = sector as usize * SMALL_SECTOR_BYTES;
                small.get(at..(at + SMALL_SECTOR_BYTES).min(small.len()))
            })
            .flatten()
            .copied()
            .collect();
        stream.truncate(entry.length);
        Some(stream)
    }

    /// Whether the chains that lead to a stream of these names end. A reader that follows one that
    /// bites its own tail would never stop.
    pub(super) fn is_sound(&self, names: &[&str]) -> bool {
        let at = |place| u32_at(self.bytes, place).unwrap_or(FIRST_SPECIAL);
        let named = |entry: &&Entry| names.iter().any(|name| entry.name.eq_ignore_ascii_case(name));
        let root = self.entries.first().map_or(FIRST_SPECIAL, |root| root.start);
        [at(48), at(60), root].into_iter().all(|start| ends(start, &self.next))
            && self.entries.iter().filter(named).all(|entry| {
                let is_small = entry.length < SMALL_STREAM_BYTES;
                ends(entry.start, if is_small { &self.next_small } else { &self.next })
            })
    }

    /// The table of chains, itself spread over the file: its first 109 sectors are named in the
    /// header, the others in a chain of their own.
    fn sector_table(&self) -> Option<Vec<u32>> {
        let mut named: Vec<u32> = words(self.bytes.get(76..HEADER_BYTES)?).collect();
        let mut more = u32_at(self.bytes, 68)?;
        // No chain is longer than the file has sectors.
        let mut left = self.bytes.len() / self.sector_bytes + 1;
        while more < FIRST_SPECIAL && left > 0 {
            named.extend(words(self.sector(more)?));
            more = named.pop()?;
            left -= 1;
        }
        named.retain(|&sector| sector < FIRST_SPECIAL);
        named.truncate(self.bytes.len() / self.sector_bytes + 1);
        let mut next: Vec<u32> =
            named.iter().filter_map(|&sector| self.sector(sector)).flat_map(words).collect();
        // What it says of sectors beyond the end of the file would only make chains longer.
        next.truncate(self.bytes.len() / self.sector_bytes + 1);
        Some(next)
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        let at = (number as usize).checked_add(1)?.checked_mul(self.sector_bytes)?;
        let end = at.checked_add(self.sector_bytes)?.min(self.bytes.len());
        self.bytes.get(at..end)
    }

    fn chain(&self, start: u32, length: usize) -> Vec<u8> {
        let mut content = Vec::new();
        for sector in links(start, &self.next) {
            let Some(sector) = self.sector(sector) else { break };
            content.extend_from_slice(sector);
            if content.len() >= length {
                content.truncate(length);
                break;
            }
        }
        content
    }
}

/// The sectors of a chain, in order. One that bites its own tail ends after as many as there are.
fn links(start: u32, next: &[u32]) -> impl Iterator<Item = u32> {
    let following = |&sector: &u32| next.get(sector as usize).copied();
    std::iter::successors(Some(start), following)
        .take_while(|&sector| sector < FIRST_SPECIAL)
        .take(next.len())
}

/// Whether a chain ends before it comes back to where it was.
fn ends(start: u32, next: &[u32]) -> bool {
    let last = links(start, next).last();
    // A link beyond the end of the file ends a chain too.
    let goes_on = |after: u32| after < FIRST_SPECIAL && (after as usize) < next.len();
    last.and_then(|last| next.get(last as usize)).is_none_or(|&after| !goes_on(after))
}

impl Entry {
    fn of(entry: &[u8]) -> Option<Entry> {
        let name_bytes = usize::from(u16_at(entry, 64)?).min(64);
        let units = entry.get(..name_bytes)?.as_chunks::<2>().0.iter();
        let units: Vec<u16> = units.map(|&unit| u16::from_le_bytes(unit)).collect();
        let name = String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned();
        let (start, length) = (u32_at(entry, 116)?, u32_at(entry, 120)? as usize);
        (!name.is_empty()).then_some(Entry { name, start, length })
    }
}

/// The number of two bytes at a place.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The number of four bytes at a place.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_that_bites_its_own_tail_ends() {
        assert_eq!(links(0, &[1, 2, 0]).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(links(0, &[1, 7, 0]).collect::<Vec<_>>(), [0, 1, 7]);
    }

    #[test]
    fn a_chain_is_told_from_a_circle() {
        const END: u32 = 0xFFFF_FFFE;
        assert!(ends(0, &[1, 2, END]) && ends(2, &[END, END, END]) && ends(END, &[0]));
        assert!(ends(0, &[7]), "beyond the end of the file");
        assert!(!ends(0, &[1, 2, 0]) && !ends(0, &[1, 1, END]) && !ends(0, &[0]));
    }

    #[test]
    fn what_is_no_compound_file_is_none() {
        for length in [0, 8, 512, 1024] {
            let mut bytes = MAGIC.to_vec();
            bytes.resize(length.max(8), 0xFF);
            assert!(Ole::open(&bytes).is_none());
        }
    }
}
