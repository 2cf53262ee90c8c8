//! The bytes of one file, wherever they lie: read from any place, as often as needed.

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

use crate::{
    error::{Error, Result},
    store,
};

/// Up to here what is unpacked is held in memory, beyond in a temporary file without a name.
const MOST_IN_MEMORY: usize = 64 << 20;

/// A file's content. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Bytes(Arc<Stored>);

#[derive(Debug)]
enum Stored {
    Memory(Vec<u8>),
    /// With its length when it was opened: what is written behind that later is not read.
    Disk(File, u64),
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes(Arc::new(Stored::Memory(bytes)))
    }
}

impl Bytes {
    /// The file at `path`, which is not read yet. A pipe is read whole, as what is unpacked: it can be read
    /// but once.
    pub(super) fn open(path: &Path) -> Result<Bytes> {
        let file = store::open(path)?;
        match file.metadata() {
            Ok(about) if about.is_file() => Ok(Bytes(Arc::new(Stored::Disk(file, about.len())))),
            _ => {
                let read = Bytes::unpacked(file, u64::MAX).map_err(Error::io("read", path))?;
                Ok(read.expect("nothing is longer than that"))
            }
        }
    }

    /// All that `reader` gives, but no more than `most` bytes: of more, none.
    pub(super) fn unpacked(mut reader: impl Read, most: u64) -> io::Result<Option<Bytes>> {
        let mut memory = Vec::new();
        let mut disk: Option<(File, u64)> = None;
        let mut chunk = vec![0; 1 << 16];
        loop {
            let read = reader.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            let piece = &chunk[..read];
            match &mut disk {
                Some((file, length)) => {
                    file.write_all(piece)?;
                    *length += read as u64;
                }
                None if memory.len() + read > MOST_IN_MEMORY => {
                    let mut file = tempfile::tempfile()?;
                    file.write_all(&memory)?;
                    file.write_all(piece)?;
                    disk = Some((file, (memory.len() + read) as u64));
                    memory = Vec::new();
                }
                None => memory.extend_from_slice(piece),
            }
            if disk.as_ref().map_or(memory.len() as u64, |(_, length)| *length) > most {
                return Ok(None);
            }
        }
        Ok(Some(match disk {
            Some((file, length)) => Bytes(Arc::new(Stored::Disk(file, length))),
            None => Bytes::from(memory),
        }))
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        match &*self.0 {
            Stored::Memory(bytes) => bytes.len() as u64,
            Stored::Disk(_, length) => *length,
        }
    }

    /// Fills the start of `into` with what stands from `at` on, and says how much that is: none at
    /// the end.
    pub(super) fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        match &*self.0 {
            Stored::Memory(bytes) => {
                let rest = bytes.get(at as usize..).unwrap_or_default();
                let length = rest.len().min(into.len());
                into[..length].copy_from_slice(&rest[..length]);
                Ok(length)
            }
            Stored::Disk(file, length) => {
                let most = length.saturating_sub(at).min(into.len() as u64) as usize;
                read_file_at(file, at, &mut into[..most])
            }
        }
    }

    /// What stands from `from` to `to`, or to the end.
    pub(super) fn part(&self, from: u64, to: u64) -> io::Result<Vec<u8>> {
        let mut part = vec![0; to.min(self.len()).saturating_sub(from) as usize];
        let mut filled = 0;
        while filled < part.len() {
            match self.read_at(from + filled as u64, &mut part[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        part.truncate(filled);
        Ok(part)
    }

    /// All of them, in memory. Those that are there already are not copied.
    pub(super) fn whole(&self) -> io::Result<Cow<'_, [u8]>> {
        match &*self.0 {
            Stored::Memory(bytes) => Ok(Cow::Borrowed(bytes)),
            Stored::Disk(_, length) => self.part(0, *length).map(Cow::Owned),
        }
    }

    /// A reader from the start.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor { bytes: self.clone(), at: 0 }
    }
}

#[cfg(unix)]
fn read_file_at(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

#[cfg(windows)]
fn read_file_at(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}

/// Reads and seeks in [`Bytes`], independently of other readers of them.
#[derive(Debug)]
pub(super) struct Cursor {
    bytes: Bytes,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read_at(self.at, into)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Cursor {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.bytes.len().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_is_bounded_and_the_same_in_memory_and_on_disk() {
        assert!(Bytes::unpacked(&b"abcdef"[..], 5).expect("no disk is needed").is_none());
        let long = vec![b'x'; MOST_IN_MEMORY + 10];
        let bytes = Bytes::unpacked(&long[..], u64::MAX).expect("written").expect("allowed");
        assert!(matches!(*bytes.0, Stored::Disk(..)));
        assert_eq!(bytes.part(5, 8).expect("read"), b"xxx");
        assert_eq!(*bytes.whole().expect("read"), long);
    }
}
