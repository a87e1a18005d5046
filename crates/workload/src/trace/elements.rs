//! JSON read element by element: the members of one array, or objects one after another, however they are broken into
//! lines. Knows no record's meaning.

use std::io::BufRead;

use super::error::{Fault, TraceError};
use super::source::{LONGEST, Source};

/// Where the elements stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Where {
    /// The file is one array.
    Array,
    /// The file is one object, of which this key holds the array.
    Key(String),
    /// The file is objects one after another.
    Stream,
}

/// Gives the text of one element after another, holding no more than that.
pub(super) struct Elements {
    source: Source,
    stands: Where,
    begun: bool,
    over: bool,
    line: u64,
    column: u64,
}

/// An element's text and where it begins.
pub(super) struct Element {
    pub(super) text: Vec<u8>,
    pub(super) line: u64,
    pub(super) column: u64,
}

/// How far into a value its bytes have come.
#[derive(Debug, Default)]
pub(super) struct Scan {
    depth: u64,
    in_text: bool,
    escaped: bool,
}

impl Scan {
    /// Within an object, between two of its fields.
    fn inside() -> Self {
        Self { depth: 1, ..Self::default() }
    }

    /// Takes the next byte; `true` if the value ends with it.
    pub(super) fn ends_with(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_text => self.escaped = true,
            b'"' => self.in_text = !self.in_text,
            b'{' | b'[' if !self.in_text => self.depth += 1,
            b'}' | b']' if !self.in_text => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.depth == 0 && !self.in_text
    }

    /// Whether what comes next is a field of the outermost value.
    pub(super) fn is_at_top(&self) -> bool {
        self.depth == 1 && !self.in_text
    }
}

impl Elements {
    pub(super) fn new(source: Source, stands: Where) -> Self {
        Self { source, stands, begun: false, over: false, line: 1, column: 1 }
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next element; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Element>, TraceError> {
        if self.over {
            return Ok(None);
        }
        let read = self.element();
        if !matches!(read, Ok(Some(_))) {
            self.over = true;
        }
        read
    }

    fn element(&mut self) -> Result<Option<Element>, TraceError> {
        let first = !self.begun;
        self.begun = true;
        let next = match (&self.stands, first) {
            (Where::Stream, _) => self.skip_space()?,
            (Where::Array, true) => {
                self.expect(b'[', "the beginning of a JSON array")?;
                self.skip_space()?
            }
            (Where::Key(key), true) => {
                let key = key.clone();
                self.enter(&key)?;
                self.skip_space()?
            }
            (Where::Array | Where::Key(_), false) => match self.skip_space()? {
                Some(b',') => {
                    self.bump();
                    self.skip_space()?
                }
                end @ Some(b']') => end,
                other => return Err(self.fault(other, "`,` or `]` behind an element of the array")),
            },
        };
        match (next, &self.stands) {
            (None, Where::Stream) => Ok(None),
            (None, Where::Array | Where::Key(_)) => Err(self.fault(None, "the end of the array: the file is cut")),
            (Some(b']'), Where::Array | Where::Key(_)) => {
                self.bump();
                self.finish().map(|()| None)
            }
            (Some(b'{' | b'['), _) => self.value().map(Some),
            (other, _) => Err(self.fault(other, "a JSON object")),
        }
    }

    /// Goes to the first element of the array that `wanted` holds in the object that the file is.
    fn enter(&mut self, wanted: &str) -> Result<(), TraceError> {
        self.expect(b'{', "the beginning of a JSON object")?;
        loop {
            match self.skip_space()? {
                Some(b',') => self.bump(),
                Some(b'"') => {
                    let key = self.value()?.text;
                    self.expect(b':', "`:` behind a field's name")?;
                    let next = self.skip_space()?;
                    if key.get(1..key.len() - 1) == Some(wanted.as_bytes()) {
                        return self.expect(b'[', "a JSON array");
                    }
                    match next {
                        Some(b'{' | b'[' | b'"') => drop(self.value()?),
                        Some(_) => {
                            while !matches!(self.peek()?, None | Some(b',' | b'}')) {
                                self.bump();
                            }
                        }
                        None => return Err(self.fault(None, "a value")),
                    }
                }
                other => return Err(self.fault(other, &format!("a field called `{wanted}`"))),
            }
        }
    }

    /// What follows the last element: nothing but the end of the object around it. More would be requests unread.
    fn finish(&mut self) -> Result<(), TraceError> {
        if let Where::Key(_) = self.stands {
            let mut scan = Scan::inside();
            loop {
                match self.peek()? {
                    None => return Err(self.fault(None, "the end of the object: the file is cut")),
                    Some(byte) => {
                        self.bump();
                        if scan.ends_with(byte) {
                            break;
                        }
                    }
                }
            }
        }
        match self.skip_space()? {
            None => Ok(()),
            more => Err(self.fault(more, "the end of the file")),
        }
    }

    /// Copies one object, array or string, from its first byte to its last.
    fn value(&mut self) -> Result<Element, TraceError> {
        let (line, column) = (self.line, self.column);
        let (mut text, mut scan) = (Vec::new(), Scan::default());
        loop {
            let bytes = self.source.fill_buf().map_err(|source| TraceError::Unreadable { line: self.line, source })?;
            if bytes.is_empty() {
                break;
            }
            let end = bytes.iter().position(|&byte| scan.ends_with(byte));
            let taken = &bytes[..end.map_or(bytes.len(), |last| last + 1)];
            text.extend_from_slice(taken);
            let (count, lines) = (taken.len(), taken.iter().filter(|&&b| b == b'\n').count() as u64);
            self.line += lines;
            self.column = match taken.iter().rposition(|&b| b == b'\n') {
                Some(newline) => (count - newline) as u64,
                None => self.column + count as u64,
            };
            self.source.consume(count);
            if end.is_some() {
                return Ok(Element { text, line, column });
            }
            if text.len() > LONGEST {
                return Err(TraceError::TooLong { line, limit: LONGEST });
            }
        }
        let shown = Fault::shown(&String::from_utf8_lossy(&text[..text.len().min(256)]));
        let expected = "the end of this value: the file is cut".to_owned();
        Err(Fault { line, column, field: String::new(), value: Some(shown), expected }.into())
    }

    fn expect(&mut self, wanted: u8, expected: &str) -> Result<(), TraceError> {
        match self.skip_space()? {
            Some(byte) if byte == wanted => {
                self.bump();
                Ok(())
            }
            other => Err(self.fault(other, expected)),
        }
    }

    fn fault(&self, found: Option<u8>, expected: &str) -> TraceError {
        let value = found.map(|byte| Fault::shown(&char::from(byte).to_string()));
        let (line, column) = (self.line, self.column);
        // Nothing tells where the next element begins: the trace ends here.
        Fault { line, column, field: String::new(), value, expected: expected.to_owned() }.into()
    }

    fn skip_space(&mut self) -> Result<Option<u8>, TraceError> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.bump(),
                other => return Ok(other),
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, TraceError> {
        let line = self.line;
        self.source
            .fill_buf()
            .map(|bytes| bytes.first().copied())
            .map_err(|source| TraceError::Unreadable { line, source })
    }

    /// Takes the byte that was peeked at.
    fn bump(&mut self) {
        if self.source.fill_buf().is_ok_and(|bytes| bytes.first() == Some(&b'\n')) {
            self.line += 1;
            self.column = 0;
        }
        self.column += 1;
        self.source.consume(1);
    }
}
