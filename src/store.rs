//! Files on disk: opened with errors that name them, readable by their owner only, written whole.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
};
use serde::Serialize;

use crate::error::{Error, Result};

/// Opens a file for reading.
pub fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(Error::io("read", path))
}

/// The whole content of a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(Error::io("read", path))
}

/// The digest of a file's bytes; none of one that cannot be read.
pub fn content_digest(path: &Path) -> Option<[u8; 32]> {
    read(path).ok().map(|bytes| *blake3::hash(&bytes).as_bytes())
}

/// The whole content of a UTF-8 file.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::io("read", path))
}

/// Creates a folder and its parents, each new one readable by its owner only.
pub fn create_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::io("create", path))
}

/// Removes a folder with all that is in it; one that is not there is no trouble.
pub fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(e)),
        _ => Ok(()),
    }
}

/// Creates (or empties) a file readable by its owner only, and its folder.
pub fn create(path: &Path) -> Result<BufWriter<File>> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(Error::io("write", path))?;
    Ok(BufWriter::with_capacity(1 << 16, file))
}

/// Writes a whole file.
pub fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let mut file = create(path)?;
    file.write_all(content.as_ref()).and_then(|()| file.flush()).map_err(Error::io("write", path))
}

/// Writes a file so that it is there whole or not at all.
pub fn write_atomically(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    write(&partial, content)?;
    fs::rename(&partial, path).map_err(Error::io("write", path))
}

/// A CSV file as the design wants it: UTF-8, comma, `\n`, quoted where needed.
pub struct CsvFile {
    path: PathBuf,
    writer: csv::Writer<BufWriter<File>>,
}

impl CsvFile {
    /// Creates the file and writes its header.
    pub fn create<I>(path: &Path, header: I) -> Result<CsvFile>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let writer = csv::WriterBuilder::new().from_writer(create(path)?);
        let mut file = CsvFile { path: path.to_owned(), writer };
        file.row(header)?;
        Ok(file)
    }

    /// Writes one row.
    pub fn row<I>(&mut self, cells: I) -> Result<()>
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let path = &self.path;
        self.writer.write_record(cells).map_err(|e| csv_error(path, e))
    }

    /// Flushes what is buffered.
    pub fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(Error::io("write", self.path))
    }
}

/// Writes a CSV file with one row per value, its header the names of the fields.
pub fn write_csv<T: Serialize>(
    path: &Path,
    header: &[&str],
    rows: impl IntoIterator<Item = T>,
) -> Result<()> {
    csv_into(create(path)?, path, header, rows)
}

/// Writes a CSV file as [`write_csv`] does, so that it is there whole or not at all.
pub fn write_csv_atomically<T: Serialize>(
    path: &Path,
    header: &[&str],
    rows: impl IntoIterator<Item = T>,
) -> Result<()> {
    let mut content = Vec::new();
    csv_into(&mut content, path, header, rows)?;
    write_atomically(path, content)
}

fn csv_into<T: Serialize>(
    file: impl Write,
    path: &Path,
    header: &[&str],
    rows: impl IntoIterator<Item = T>,
) -> Result<()> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(file);
    writer.write_record(header).map_err(|e| csv_error(path, e))?;
    for row in rows {
        writer.serialize(row).map_err(|e| csv_error(path, e))?;
    }
    writer.flush().map_err(Error::io("write", path))
}

fn csv_error(path: &Path, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(source) => Error::Io { action: "write", path: path.to_owned(), source },
        other => Error::Format { path: path.to_owned(), message: format!("{other:?}"), hint: None },
    }
}

/// A Parquet file made in pieces, with nothing in it that changes from day to day.
pub struct ParquetFile<W: Write + Send> {
    name: String,
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetFile<W> {
    /// Begins a file; `name` is what errors call it.
    pub fn new(name: &str, target: W, schema: SchemaRef) -> Result<ParquetFile<W>> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by("orpailleur".to_owned())
            // Tables are read whole: least and greatest values would cost a look at every text, and tell them to who
            // reads no more than the end of the file.
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let writer = ArrowWriter::try_new(target, schema, Some(properties));
        Ok(ParquetFile { name: name.to_owned(), writer: writer.map_err(Error::table(name))? })
    }

    /// Adds the lines of a batch.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch).map_err(Error::table(&self.name))
    }

    /// Ends the file and gives back what it was written to, not flushed.
    pub fn finish(self) -> Result<W> {
        self.writer.into_inner().map_err(Error::table(self.name))
    }
}

/// Writes one record batch as a Parquet file.
pub fn write_parquet(path: &Path, batch: &RecordBatch) -> Result<()> {
    let name = path.display().to_string();
    let mut file = ParquetFile::new(&name, create(path)?, batch.schema())?;
    file.write(batch)?;
    file.finish()?.flush().map_err(Error::io("write", path))
}

/// Reads a whole Parquet file as one record batch.
pub fn read_parquet(path: &Path) -> Result<RecordBatch> {
    let name = || path.display().to_string();
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(open(path)?).map_err(Error::table(name()))?;
    // The metadata of the schema is lost from the batches themselves.
    let schema = builder.schema().clone();
    let reader = builder.build().map_err(Error::table(name()))?;
    let batches: Vec<RecordBatch> =
        reader.collect::<Result<_, _>>().map_err(Error::table(name()))?;
    let whole =
        arrow::compute::concat_batches(&schema_without_metadata(&batches, &schema), &batches)
            .map_err(Error::table(name()))?;
    whole.with_schema(schema).map_err(Error::table(name()))
}

fn schema_without_metadata(batches: &[RecordBatch], schema: &SchemaRef) -> SchemaRef {
    batches.first().map_or_else(|| schema.clone(), RecordBatch::schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_readable_by_their_owner_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("new/secret.csv");
        write(&path, "x").expect("written");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |p: &Path| fs::metadata(p).expect("there").permissions().mode() & 0o777;
            assert_eq!(mode(&path), 0o600);
            assert_eq!(mode(path.parent().expect("a folder")), 0o700);
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = open(Path::new("/no/such/file.csv")).expect_err("it is not there");
        assert_eq!(error.to_string(), "could not read `/no/such/file.csv`");
    }
}
