//! The bytes of a file: line by line without holding more than one, or whole.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ForeignError;

/// The longest line, and the longest file that is one JSON value. A million tokens take about 10 MB.
const MAX_BYTES: u64 = 2 << 30;

/// What some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file being read.
#[derive(Debug)]
pub(super) struct Input {
    path: PathBuf,
    reader: BufReader<File>,
    line: u64,
    buffer: Vec<u8>,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Self, ForeignError> {
        let failed = |error| ForeignError::of_io(path, &error);
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(ForeignError::whole(path, "it is not a regular file"));
        }
        let reader = BufReader::with_capacity(1 << 18, file);
        Ok(Self { path: path.to_owned(), reader, line: 0, buffer: Vec::new() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_parquet(&mut self) -> Result<bool, ForeignError> {
        let head = self.reader.fill_buf().map_err(|error| ForeignError::of_io(&self.path, &error))?;
        Ok(head.starts_with(b"PAR1"))
    }

    /// Back to the start.
    pub(super) fn rewind(&mut self) -> Result<(), ForeignError> {
        self.line = 0;
        self.reader.seek(SeekFrom::Start(0)).map(drop).map_err(|error| ForeignError::of_io(&self.path, &error))
    }

    /// The next line that is not blank, and its number; `None` at the end.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, &[u8])>, ForeignError> {
        loop {
            self.buffer.clear();
            let mut bounded = (&mut self.reader).take(MAX_BYTES);
            let read = bounded.read_until(b'\n', &mut self.buffer);
            let read = read.map_err(|error| ForeignError::of_io(&self.path, &error))?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            if read as u64 == MAX_BYTES {
                return Err(ForeignError::at_line(&self.path, self.line, "the line is longer than 2 GiB"));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let skip = if self.line == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Ok(Some((self.line, &self.buffer[skip..])))
    }

    /// The next line as one value, and its number.
    pub(super) fn next_value<T: DeserializeOwned>(&mut self) -> Result<Option<(u64, T)>, ForeignError> {
        let path = self.path.clone();
        let Some((line, bytes)) = self.next_line()? else { return Ok(None) };
        let value = serde_json::from_slice(bytes).map_err(|error| ForeignError::of_json(&path, line, &error))?;
        Ok(Some((line, value)))
    }

    /// All of it.
    pub(super) fn whole(&mut self) -> Result<&[u8], ForeignError> {
        self.rewind()?;
        self.buffer.clear();
        let mut bounded = (&mut self.reader).take(MAX_BYTES);
        let read = bounded.read_to_end(&mut self.buffer).map_err(|error| ForeignError::of_io(&self.path, &error))?;
        if read as u64 == MAX_BYTES {
            return Err(ForeignError::whole(&self.path, "it is longer than 2 GiB"));
        }
        let skip = if self.buffer.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Ok(&self.buffer[skip..])
    }

    /// All of it as one value.
    pub(super) fn whole_value<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, ForeignError> {
        let path = self.path.clone();
        let bytes = self.whole()?;
        serde_json::from_slice(bytes).map_err(|error| ForeignError::of_json(&path, 1, &error))
    }
}
