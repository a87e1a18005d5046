//! CSV read row by row under the names of its header. Knows no format.

use std::io::{self, Read};

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::error::{Fault, TraceError};
use super::record::{Record, Renamed};
use super::source::{LONGEST, Source};

/// A table, with one row in memory.
pub(super) struct Table {
    reader: csv::Reader<Metered>,
    header: Vec<String>,
    row: ByteRecord,
}

/// Ends the reading of a row that has no end: an open quote must not draw the whole file into memory.
struct Metered {
    source: Source,
    left: usize,
    /// Whether a quote was opened that is not closed yet.
    is_quoted: bool,
    is_over: bool,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "a row without end"));
        }
        let most = buffer.len().min(self.left);
        let read = self.source.read(&mut buffer[..most])?;
        self.left -= read;
        self.is_over |= read == 0 && !buffer.is_empty();
        self.is_quoted ^= buffer[..read].iter().filter(|&&b| b == b'"').count() % 2 == 1;
        Ok(read)
    }
}

impl Table {
    /// Reads the header.
    pub(super) fn new(source: Source, head: &[u8]) -> Result<Self, TraceError> {
        let metered = Metered { source, left: LONGEST, is_quoted: false, is_over: false };
        let mut reader = ReaderBuilder::new().delimiter(delimiter(head)).from_reader(metered);
        let header = reader.headers().map_err(|error| refused(error, 1))?;
        let header = header.iter().map(|name| name.trim().to_owned()).collect();
        Ok(Self { reader, header, row: ByteRecord::new() })
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Goes to the next row; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool, TraceError> {
        let line = self.reader.position().line();
        self.reader.get_mut().left = LONGEST;
        let is_row = self.reader.read_byte_record(&mut self.row).map_err(|error| refused(error, line))?;
        // The reader takes the end of the file for the quote's end, and so half a cell for a whole one.
        let metered = self.reader.get_ref();
        if is_row && metered.is_over && metered.is_quoted {
            return Err(TraceError::Row(self.cut_short()));
        }
        Ok(is_row)
    }

    /// The file ends within the quotes of the row's last cell.
    fn cut_short(&self) -> Fault {
        let last = self.row.len();
        Fault {
            line: self.row.position().map_or(1, csv::Position::line),
            column: last as u64,
            field: last.checked_sub(1).and_then(|at| self.header.get(at)).cloned().unwrap_or_default(),
            value: self.row.iter().next_back().map(|cell| Fault::shown(&String::from_utf8_lossy(cell))),
            expected: "a quote that is closed before the file ends".to_owned(),
        }
    }

    /// The row to which [`advance`](Self::advance) went.
    pub(super) fn record<'a>(&'a self, renamed: &'a Renamed) -> Result<Record<'a>, Fault> {
        let line = self.row.position().map_or(1, csv::Position::line);
        let mut cells = Vec::with_capacity(self.header.len());
        for (column, (name, bytes)) in (1..).zip(self.header.iter().zip(&self.row)) {
            let text = std::str::from_utf8(bytes).map_err(|_| {
                let value = Some(Fault::shown(&String::from_utf8_lossy(bytes)));
                Fault { line, column, field: name.clone(), value, expected: "UTF-8".to_owned() }
            })?;
            cells.push((name.as_str(), text));
        }
        Ok(Record::from_csv(cells.into_iter(), line, renamed))
    }
}

/// What stands between the names of the header: a comma, unless there is none and another mark is.
fn delimiter(head: &[u8]) -> u8 {
    let header = head.trim_ascii_start().split(|&b| b == b'\n').next().unwrap_or(head);
    let count = |mark| header.iter().filter(|&&b| b == mark).count();
    [b',', b';', b'\t'].into_iter().find(|&mark| count(mark) > 0).unwrap_or(b',')
}

fn refused(error: csv::Error, line: u64) -> TraceError {
    let line = error.position().map_or(line, csv::Position::line);
    let fault = |value: Option<String>, expected: String| {
        TraceError::Row(Fault { line, column: 1, field: String::new(), value, expected })
    };
    match error.into_kind() {
        ErrorKind::Io(cause) if cause.kind() == io::ErrorKind::FileTooLarge => {
            TraceError::TooLong { line, limit: LONGEST }
        }
        ErrorKind::Io(source) => TraceError::Unreadable { line, source },
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            fault(Some(format!("{len} fields")), format!("{expected_len} fields, as the header has"))
        }
        ErrorKind::Utf8 { .. } => fault(None, "UTF-8".to_owned()),
        other => fault(None, format!("a row of CSV: {other:?}")),
    }
}
