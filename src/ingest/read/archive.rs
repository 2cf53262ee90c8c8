//! Archives: the files in a `.zip` are files of their own, called `exports.zip!/clients.csv`; what is
//! packed in a `.gz` is one file.
//!
//! Nothing is unpacked under its own name: a member is held in memory or in a nameless temporary file, so
//! that no name in an archive can reach anywhere. Names that try are refused all the same, for they tell
//! that somebody made the archive for another purpose. How much is unpacked is bounded by what is really
//! produced, not by what the archive says.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use flate2::bufread::GzDecoder;
use zip::{ZipArchive, read::ZipFileEntry, result::ZipError};

use super::{
    Refusal,
    bytes::{Bytes, Cursor},
    container, refused,
};
use crate::error::Result;

/// What stands between the path of an archive and that of a file in it.
pub const SEPARATOR: &str = "!/";

/// Tables unpack to 3 to 20 times their size, wide ones with empty columns to 100; DEFLATE can be made
/// to produce 1032 times its input.
const MOST_RATIO: u64 = 250;

/// So much may always be unpacked: small files of blanks pack well.
const ALWAYS_ALLOWED_BYTES: u64 = 32 << 20;

/// No archive of exports holds more, all files together.
const MOST_BYTES: u64 = 64 << 30;

/// No archive of exports holds more files.
const MOST_MEMBERS: usize = 10_000;

type Zip = ZipArchive<BufReader<Cursor>>;

/// The file at `path`, or when it is an archive the files in it, in the order of their names: each
/// with the path that [`open`](super::open) takes, and `name` or what it is called in the archive.
///
/// Archives in an archive are entered once. What nobody exports is left out: folders, and what
/// systems add (`__MACOSX`, `.DS_Store`, `Thumbs.db`). A file that cannot be used is listed
/// nevertheless, and refused when it is opened; so is an archive that is damaged.
pub fn files(path: &Path, name: &str) -> Vec<(PathBuf, String)> {
    let members = bytes(path).ok().and_then(|bytes| members(&bytes, true)).unwrap_or_default();
    if members.is_empty() {
        return vec![(path.to_owned(), name.to_owned())];
    }
    let whole = |member: &String| {
        let mut inner = path.as_os_str().to_owned();
        inner.push(SEPARATOR);
        inner.push(member);
        (PathBuf::from(inner), format!("{name}{SEPARATOR}{member}"))
    };
    members.iter().map(whole).collect()
}

/// The file on disk that holds what is at `path`, with its name: of a file in an archive the archive.
pub fn holder(path: &Path, name: &str) -> (PathBuf, String) {
    match split(path) {
        Some((archive, _)) => {
            let name = name.split_once(SEPARATOR).map_or(name, |(archive, _)| archive);
            (archive, name.to_owned())
        }
        None => (path.to_owned(), name.to_owned()),
    }
}

/// The content of the file at `path`, unpacked if it is packed.
pub(super) fn bytes(path: &Path) -> Result<Bytes> {
    let told = |refusal: Refusal| refused(path, refusal.message, refusal.hint);
    let bytes = match split(path) {
        None => Bytes::open(path)?,
        Some((archive, member)) => {
            let key = |inner: &str| Unpacked::key(&archive, inner);
            let bytes = Bytes::open(&archive)?;
            // The archive itself may be packed: `exports.zip.gz`.
            let whole = remembered(key(""), || gunzipped(bytes)).map_err(told)?;
            let unpack = |name: &str, unpack: &mut dyn FnMut() -> Result<Bytes, Refusal>| {
                remembered(key(name), unpack)
            };
            member_of(&whole, &member, Some(&unpack)).map_err(told)?
        }
    };
    gunzipped(bytes).map_err(told)
}

/// Archives that were unpacked last: the files of an archive in an archive are read one after the other, and each
/// would unpack the inner one again.
static UNPACKED: Mutex<Vec<(Unpacked, Bytes)>> = Mutex::new(Vec::new());

/// Archives that are remembered: a packed one, and one in it.
const MOST_REMEMBERED: usize = 2;

/// Which archive was unpacked: that of the same name may have changed since.
#[derive(Debug, PartialEq, Eq)]
struct Unpacked {
    archive: PathBuf,
    inner: String,
    length: u64,
    modified: Option<SystemTime>,
}

impl Unpacked {
    /// None where the file cannot be told from another of its name.
    fn key(archive: &Path, inner: &str) -> Option<Unpacked> {
        let file = std::fs::metadata(archive).ok()?;
        let modified = file.modified().ok();
        Some(Unpacked {
            archive: archive.to_owned(),
            inner: inner.to_owned(),
            length: file.len(),
            modified,
        })
    }
}

/// What `unpack` gives, or has given before for the same archive.
fn remembered(
    key: Option<Unpacked>,
    unpack: impl FnOnce() -> Result<Bytes, Refusal>,
) -> Result<Bytes, Refusal> {
    let lock = || UNPACKED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(key) = key else { return unpack() };
    if let Some((_, bytes)) = lock().iter().find(|(known, _)| *known == key) {
        return Ok(bytes.clone());
    }
    let bytes = unpack()?;
    let mut unpacked = lock();
    unpacked.truncate(MOST_REMEMBERED - 1);
    unpacked.insert(0, (key, bytes.clone()));
    Ok(bytes)
}

/// The archive on disk and what stands behind it; `None` for a file that is one itself.
fn split(path: &Path) -> Option<(PathBuf, String)> {
    let text = path.to_str()?;
    if !text.contains(SEPARATOR) || path.is_file() {
        return None;
    }
    let splits = text.match_indices(SEPARATOR).map(|(at, _)| text.split_at(at));
    splits
        .map(|(archive, rest)| (PathBuf::from(archive), rest[SEPARATOR.len()..].to_owned()))
        .find(|(archive, _)| archive.is_file())
}

/// The names of the files in a zip archive, in order; `None` when it is none, or cannot be used.
fn members(bytes: &Bytes, enter: bool) -> Option<Vec<String>> {
    if !is_zip(bytes) {
        return None;
    }
    let mut zip = open_zip(bytes).ok()?;
    let mut found = Vec::new();
    for at in 0..zip.len() {
        let entry = zip.by_index_data(at).ok()?;
        let name = name_of(&entry);
        if entry.is_dir() || is_junk(&name) {
            continue;
        }
        let usable = refusal_of(&entry, &name).is_none();
        let inner = (enter && usable).then(|| inner_members(&mut zip, at)).flatten();
        match inner {
            Some(inner) if !inner.is_empty() => {
                found.extend(inner.iter().map(|inner| format!("{name}{SEPARATOR}{inner}")));
            }
            _ => found.push(name),
        }
    }
    found.sort();
    Some(found)
}

/// The names of the files in a member that is an archive itself.
fn inner_members(zip: &mut Zip, at: usize) -> Option<Vec<String>> {
    let mut magic = [0; 4];
    zip.by_index(at).ok()?.read_exact(&mut magic).ok()?;
    if !magic.starts_with(b"PK") {
        return None;
    }
    members(&unpacked(zip, at).ok()?, false)
}

/// Gives an inner archive, by its name and the way to unpack it.
type Enter<'e> =
    &'e dyn Fn(&str, &mut dyn FnMut() -> Result<Bytes, Refusal>) -> Result<Bytes, Refusal>;

/// The content of the member called `member`, which may be in a member that is an archive itself where `enter` says
/// how to get that.
fn member_of(bytes: &Bytes, member: &str, enter: Option<Enter<'_>>) -> Result<Bytes, Refusal> {
    if !is_zip(bytes) {
        return Err(damaged("it is no zip archive"));
    }
    let mut zip = open_zip(bytes)?;
    let find = |zip: &Zip, wanted: &str| {
        (0..zip.len()).find(|&at| zip.by_index_data(at).is_ok_and(|e| name_of(&e) == wanted))
    };
    if let Some(at) = find(&zip, member) {
        return unpacked(&mut zip, at);
    }
    for (end, _) in member.match_indices(SEPARATOR) {
        if let (Some(enter), Some(at)) = (enter, find(&zip, &member[..end])) {
            let inner = enter(&member[..end], &mut || unpacked(&mut zip, at))?;
            return member_of(&inner, &member[end + SEPARATOR.len()..], None);
        }
    }
    Err(Refusal::new("there is no such file in the archive", "look at the names in the archive"))
}

fn is_zip(bytes: &Bytes) -> bool {
    bytes.part(0, 4).is_ok_and(|head| head == b"PK\x03\x04" || head == b"PK\x05\x06")
}

/// Opens an archive of files. One that is a document (a workbook is a zip archive too) is refused.
fn open_zip(bytes: &Bytes) -> Result<Zip, Refusal> {
    let mut zip = ZipArchive::new(BufReader::new(bytes.cursor())).map_err(|e| of_zip_error(&e))?;
    let unpacked: u64 = (0..zip.len())
        .filter_map(|at| zip.by_index_data(at).ok().map(|entry| entry.size()))
        .fold(0, u64::saturating_add);
    let names = zip.file_names().filter_map(|name| name.ok());
    if names.into_iter().any(|name| is_of_document(&name)) {
        return Err(Refusal::new("it is a document, not an archive", "name the document itself"));
    }
    if zip.len() > MOST_MEMBERS || unpacked > MOST_BYTES {
        return Err(bomb());
    }
    // Members that share their bytes unpack to any multiple of the archive.
    if zip.has_overlapping_files().map_err(|e| of_zip_error(&e))? {
        return Err(bomb());
    }
    if zip.has_duplicate_names() {
        return Err(Refusal::new(
            "two of the files in it have the same name",
            "unpack it, and name the files one by one",
        ));
    }
    Ok(zip)
}

/// Members by which office programs make a document of a zip archive.
fn is_of_document(member: &str) -> bool {
    let member = member.trim_start_matches('/').replace('\\', "/").to_ascii_lowercase();
    matches!(
        member.as_str(),
        "[content_types].xml" | "mimetype" | "xl/workbook.xml" | "xl/workbook.bin" | "content.xml"
    ) || matches!(member.as_str(), "index/document.iwa" | "index.zip")
}

/// The name as the archive's maker meant it: with `/` between folders.
fn name_of(entry: &ZipFileEntry<'_>) -> String {
    let name = entry.name().map(|name| name.into_owned());
    let name = name.unwrap_or_else(|_| String::from_utf8_lossy(entry.name_raw()).into_owned());
    name.replace('\\', "/")
}

/// What systems add to archives.
fn is_junk(name: &str) -> bool {
    name.split('/').any(|part| {
        part.eq_ignore_ascii_case("__MACOSX")
            || part.eq_ignore_ascii_case("Thumbs.db")
            || part.eq_ignore_ascii_case("desktop.ini")
            || part.starts_with("~$")
            || part.starts_with('.') && part != "." && part != ".."
    })
}

/// Why a member is not unpacked, whatever it holds.
fn refusal_of(entry: &ZipFileEntry<'_>, name: &str) -> Option<Refusal> {
    let escapes = name.starts_with('/')
        || name.split('/').any(|part| part == "..")
        || name.as_bytes().get(1) == Some(&b':')
        || name.contains(|c: char| c.is_control());
    if escapes || entry.is_symlink() {
        return Some(Refusal::new(
            "its name in the archive leads out of the archive",
            "ask who made the archive; if you trust it, unpack it and name the file",
        ));
    }
    entry.encrypted().then(|| {
        Refusal::new(
            "it is protected by a password",
            "unpack the archive with its password, and name the files in it",
        )
    })
}

fn unpacked(zip: &mut Zip, at: usize) -> Result<Bytes, Refusal> {
    let entry = zip.by_index_data(at).map_err(|e| of_zip_error(&e))?;
    if let Some(refusal) = refusal_of(&entry, &name_of(&entry)) {
        return Err(refusal);
    }
    let (packed, size) = (entry.compressed_size(), entry.size());
    let member = zip.by_index(at).map_err(|e| of_zip_error(&e))?;
    bounded(member, packed, size.min(MOST_BYTES))
}

/// The most that honest data of so many packed bytes unpacks to.
pub(super) fn fair_size(packed: u64) -> u64 {
    packed.saturating_mul(MOST_RATIO).max(ALWAYS_ALLOWED_BYTES)
}

/// All that `reader` gives of `packed` bytes, unless that is more than honest data would give.
fn bounded(reader: impl Read, packed: u64, most: u64) -> Result<Bytes, Refusal> {
    match Bytes::unpacked(reader, fair_size(packed).min(most)) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(bomb()),
        Err(error) => Err(damaged(error)),
    }
}

/// What a file packed by gzip holds; any other as it is.
fn gunzipped(bytes: Bytes) -> Result<Bytes, Refusal> {
    if bytes.part(0, 3).is_ok_and(|head| head != b"\x1F\x8B\x08") {
        return Ok(bytes);
    }
    let members = Members(Some(GzDecoder::new(BufReader::new(bytes.cursor()))));
    let inner = bounded(members, bytes.len(), MOST_BYTES)?;
    if inner.part(257, 262).is_ok_and(|magic| magic == b"ustar") {
        return Err(Refusal::new("it is an archive (tar)", "unpack it and name the files in it"));
    }
    Ok(inner)
}

/// What the members of a gzip file hold, one behind the other. Zeros behind the last fill up its block.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let read = member.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let Some(member) = self.0.take() else { break };
            let mut behind = member.into_inner();
            if behind.fill_buf()?.first() == Some(&0x1F) {
                self.0 = Some(GzDecoder::new(behind));
            } else if !is_all_zeros(behind)? {
                let why = "what follows the packed file is none";
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        Ok(0)
    }
}

fn is_all_zeros(mut reader: impl BufRead) -> io::Result<bool> {
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() || chunk.iter().any(|&b| b != 0) {
            return Ok(chunk.is_empty());
        }
        let length = chunk.len();
        reader.consume(length);
    }
}

fn of_zip_error(error: &ZipError) -> Refusal {
    match error {
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            Refusal::new(
                "it is packed in a way that is not read",
                "unpack it, or pack it again as a plain zip file",
            )
        }
        error => damaged(error),
    }
}

fn damaged(why: impl std::fmt::Display) -> Refusal {
    let hint = "copy or export it again, or unpack it and name the files in it";
    Refusal { hint: hint.into(), ..container::damaged(why) }
}

fn bomb() -> Refusal {
    Refusal::new(
        "it unpacks to far more than its size allows for",
        "if you trust it, unpack it and name the files in it",
    )
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    /// A zip archive of files with their content.
    fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in members {
            writer.start_file(*name, SimpleFileOptions::default()).expect("a name");
            writer.write_all(content).expect("memory");
        }
        writer.finish().expect("memory").into_inner()
    }

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(content).expect("memory");
        writer.finish().expect("memory")
    }

    /// The files that `a.zip` is when it holds `content`: their names, with their content or refusal.
    fn found(content: &[u8]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.zip");
        std::fs::write(&path, content).expect("written");
        let told = |(path, name): (PathBuf, String)| match bytes(&path) {
            Ok(bytes) => {
                let text = bytes.part(0, 40).expect("it is in memory");
                format!("{name}: {}", String::from_utf8_lossy(&text))
            }
            Err(error) => format!("{name} ! {}", error.reason()),
        };
        files(&path, "a.zip").into_iter().map(told).collect()
    }

    #[test]
    fn members_are_files_in_the_order_of_their_names() {
        let junk = ("__MACOSX/._a.csv", &b"x"[..]);
        let archive = zipped(&[("d/b.csv", b"B"), ("a.csv", b"A"), junk, ("d/.DS_Store", b"x")]);
        assert_eq!(found(&archive), ["a.zip!/a.csv: A", "a.zip!/d/b.csv: B"]);
    }

    #[test]
    fn archives_in_an_archive_are_entered_once() {
        let innermost = zipped(&[("c.csv", b"C")]);
        let inner = zipped(&[("b.csv", b"B"), ("z.zip", &innermost)]);
        let archive = zipped(&[("a.csv.gz", &packed(b"A")), ("i.zip", &inner)]);
        let found = found(&archive);
        assert_eq!(found[..2], ["a.zip!/a.csv.gz: A", "a.zip!/i.zip!/b.csv: B"]);
        assert!(found[2].starts_with("a.zip!/i.zip!/z.zip: PK"), "left to be refused: {found:?}");
    }

    #[test]
    fn names_that_lead_out_of_the_archive_are_refused() {
        for name in ["../a.csv", "/etc/a.csv", "C:/a.csv", "d/../../a.csv", "..\\a.csv"] {
            let found = found(&zipped(&[(name, b"A"), ("b.csv", b"B")]));
            assert_eq!(found.len(), 2, "{name}");
            assert!(found.iter().any(|f| f.ends_with("leads out of the archive")), "{found:?}");
            assert!(found.contains(&"a.zip!/b.csv: B".to_owned()), "{found:?}");
        }
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default();
        writer.add_symlink("a.csv", "/etc/passwd", options).expect("memory");
        let link = writer.finish().expect("memory").into_inner();
        assert!(found(&link)[0].ends_with("leads out of the archive"));
    }

    #[test]
    fn zeros_behind_a_packed_file_fill_its_block_and_anything_else_is_refused() {
        let behind = |rest: &[u8]| found(&[&packed(b"A")[..], rest].concat());
        assert_eq!(behind(&[0; 70_000]), ["a.zip: A"]);
        assert_eq!(behind(&packed(b"B")), ["a.zip: AB"]);
        for junk in [&b"junk"[..], b"\0\0junk", b"\x1Fjunk"] {
            assert!(behind(junk)[0].starts_with("a.zip ! it is damaged or cut short"), "{junk:?}");
        }
    }

    #[test]
    fn a_damaged_member_costs_nothing_else() {
        let mut archive = zipped(&[("a.csv", b"Nom;Ville\nA;B\n"), ("b.csv", b"B")]);
        let at = archive.windows(5).position(|w| w == b"a.csv").expect("its header") + 5;
        archive[at] ^= 0x55;
        let found = found(&archive);
        assert!(found[0].starts_with("a.zip!/a.csv ! it is damaged or cut short"), "{found:?}");
        assert_eq!(found[1], "a.zip!/b.csv: B");
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_produces() {
        let zeros = vec![0; ALWAYS_ALLOWED_BYTES as usize + 1];
        let refusal = "it unpacks to far more than its size allows for";
        assert_eq!(found(&zipped(&[("a.csv", &zeros)])), [format!("a.zip!/a.csv ! {refusal}")]);
        assert_eq!(found(&packed(&zeros)), [format!("a.zip ! {refusal}")]);
        // It says that it is small.
        let mut liar = zipped(&[("a.csv", &zeros[..100_000])]);
        let directory = liar.windows(4).rposition(|w| w == b"PK\x01\x02").expect("there");
        liar[directory + 24..directory + 28].copy_from_slice(&10u32.to_le_bytes());
        assert!(found(&liar)[0].starts_with("a.zip!/a.csv ! it is damaged or cut short"));
    }

    #[test]
    fn what_is_packed_by_gzip_is_one_file() {
        assert_eq!(found(&packed(b"Nom\nA\n")), ["a.zip: Nom\nA\n"]);
        let mut cut = packed(b"Nom\nA\n");
        cut.truncate(cut.len() - 4);
        assert!(found(&cut)[0].starts_with("a.zip ! it is damaged or cut short"));
    }

    #[test]
    fn a_workbook_is_no_archive() {
        let workbook = zipped(&[("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x")]);
        assert_eq!(found(&workbook).len(), 1);
    }

    #[test]
    fn a_path_names_its_holder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.zip");
        std::fs::write(&path, "x").expect("written");
        let member = folder.path().join("a.zip!/d/b.csv");
        assert_eq!(holder(&member, "x/a.zip!/d/b.csv"), (path.clone(), "x/a.zip".to_owned()));
        assert_eq!(holder(&path, "x/a.zip"), (path, "x/a.zip".to_owned()));
    }

    #[test]
    fn an_archive_packed_by_gzip_is_opened_as_it_is_listed() {
        let archive = zipped(&[("a.csv", b"A"), ("b.csv", b"B")]);
        assert_eq!(found(&packed(&archive)), ["a.zip!/a.csv: A", "a.zip!/b.csv: B"]);
    }
}
