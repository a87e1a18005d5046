//! JSON texts in a body that is no event stream: one a line, or the elements of one array. It finds where each ends, however
//! the bytes were cut; it knows no socket and no field.

use crate::limits::EVENT_BYTES;

/// Why a body holds no further text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// A text longer than [`EVENT_BYTES`].
    #[error("a JSON text of more than {} MiB", EVENT_BYTES / (1024 * 1024))]
    Oversize,
    /// Something else where an object of the array, or what parts two of them, was to come.
    #[error("an array with something in it that is no object")]
    NoObject,
}

/// Finds JSON texts in a stream of bytes.
#[derive(Debug)]
pub(crate) struct Decoder {
    scan: Scan,
    /// The beginning of a text whose end has not come.
    kept: Vec<u8>,
    /// Whether `kept` is used up and only waits to be cleared.
    stale: bool,
}

#[derive(Debug)]
enum Scan {
    /// To the end of the line.
    Line,
    /// Before, between or behind the objects of an array.
    Between,
    /// Within an object: how deep, and where in a string.
    Object { depth: u32, string: Within },
    /// Behind the array.
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Nothing,
    String,
    Escape,
}

impl Decoder {
    /// For texts of one line each.
    pub(crate) fn lines() -> Self {
        Self { scan: Scan::Line, kept: Vec::new(), stale: false }
    }

    /// For the elements of an array.
    pub(crate) fn array() -> Self {
        Self { scan: Scan::Between, kept: Vec::new(), stale: false }
    }

    /// The next text, taken off the front of `input`; `None` once all of `input` is taken and no text is whole.
    pub(crate) fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<&'s [u8]>, Broken> {
        if std::mem::take(&mut self.stale) {
            self.kept.clear();
        }
        if self.kept.is_empty() {
            self.skip_to_text(input)?;
        }
        let end = self.scan.find(input);
        let (head, rest) = input.split_at(end.unwrap_or(input.len()));
        if self.kept.len() + head.len() > EVENT_BYTES {
            return Err(Broken::Oversize);
        }
        *input = rest;
        if end.is_some() && self.kept.is_empty() {
            return Ok(Some(head));
        }
        self.kept.extend_from_slice(head);
        self.stale = end.is_some();
        Ok(end.map(|_| &*self.kept))
    }

    /// The text that a clean end of the body leaves behind: a last line without its line end.
    pub(crate) fn finish(&mut self) -> Option<&[u8]> {
        let whole = matches!(self.scan, Scan::Line) && !self.stale && !self.kept.trim_ascii().is_empty();
        whole.then_some(&*self.kept)
    }

    /// Drops what stands between two texts.
    fn skip_to_text(&mut self, input: &mut &[u8]) -> Result<(), Broken> {
        while let Some(&byte) = input.first() {
            match (&self.scan, byte) {
                (_, b' ' | b'\t' | b'\r' | b'\n') | (Scan::Between, b',' | b'[') | (Scan::Closed, _) => {}
                (Scan::Between, b']') => self.scan = Scan::Closed,
                (Scan::Between, b'{') => {
                    self.scan = Scan::Object { depth: 0, string: Within::Nothing };
                    break;
                }
                (Scan::Between, _) => return Err(Broken::NoObject),
                (Scan::Line | Scan::Object { .. }, _) => break,
            }
            *input = &input[1..];
        }
        Ok(())
    }
}

impl Scan {
    /// One past the end of the text that ends within `input`, and the state for what follows; or the state after all of it.
    fn find(&mut self, input: &[u8]) -> Option<usize> {
        let Self::Object { depth, string } = self else {
            return memchr::memchr(b'\n', input).map(|at| at + 1).filter(|_| matches!(self, Self::Line));
        };
        for (at, byte) in input.iter().enumerate() {
            match (*string, byte) {
                (Within::Escape, _) => *string = Within::String,
                (Within::String, b'\\') => *string = Within::Escape,
                (Within::String, b'"') => *string = Within::Nothing,
                (Within::Nothing, b'"') => *string = Within::String,
                (Within::Nothing, b'{' | b'[') => *depth += 1,
                (Within::Nothing, b'}' | b']') => {
                    *depth -= 1;
                    if *depth == 0 {
                        *self = Self::Between;
                        return Some(at + 1);
                    }
                }
                (Within::String | Within::Nothing, _) => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The texts of `pieces`, without the blanks around them, and what a clean end leaves.
    fn texts(mut decoder: Decoder, pieces: &[&[u8]]) -> Result<Vec<String>, Broken> {
        let mut found = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        for piece in pieces {
            let mut input = *piece;
            while let Some(bytes) = decoder.next(&mut input)? {
                found.push(text(bytes));
            }
        }
        found.extend(decoder.finish().map(text));
        Ok(found)
    }

    fn check(decoder: fn() -> Decoder, body: &str, expected: &[&str]) {
        let body = body.as_bytes();
        for cut in 0..=body.len() {
            assert_eq!(texts(decoder(), &[&body[..cut], &body[cut..]]).unwrap(), expected, "{body:?} cut at {cut}");
        }
        let single: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(texts(decoder(), &single).unwrap(), expected, "{body:?} byte by byte");
    }

    #[test]
    fn lines_end_with_a_line_feed_or_the_body() {
        check(Decoder::lines, "{\"a\":1}\n{\"b\":2}\n", &["{\"a\":1}", "{\"b\":2}"]);
        check(Decoder::lines, "{}\r\n\r\n\n {\"b\":\"\u{2028}\"}", &["{}", "{\"b\":\"\u{2028}\"}"]);
        check(Decoder::lines, "", &[]);
    }

    #[test]
    fn elements_end_with_their_own_bracket() {
        check(
            Decoder::array,
            "[{\"a\":\"}]\\\"\"}\n,\r\n{\"b\":[{},[]]}]\n",
            &["{\"a\":\"}]\\\"\"}", "{\"b\":[{},[]]}"],
        );
        check(Decoder::array, "[{\"a\":1},{\"b\":", &["{\"a\":1}"]);
        check(Decoder::array, "[]", &[]);
        check(Decoder::array, "[{}] behind it", &["{}"]);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert_eq!(texts(Decoder::array(), &[b"[{},7]"]), Err(Broken::NoObject));
    }

    #[test]
    fn the_longest_text_passes_and_one_byte_more_does_not() {
        for (length, expected) in [(EVENT_BYTES, Ok(1)), (EVENT_BYTES + 1, Err(Broken::Oversize))] {
            let line = [vec![b'x'; length - 1], vec![b'\n']].concat();
            for cut in [0, 1_000, EVENT_BYTES - 1] {
                let found = texts(Decoder::lines(), &[&line[..cut], &line[cut..]]).map(|texts| texts.len());
                assert_eq!(found, expected, "{length} cut at {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_values_cut_anywhere_are_found_again(
            values in prop::collection::vec(any::<String>(), 0..8), cuts in prop::collection::vec(0usize..400, 0..5),
        ) {
            let objects: Vec<String> = values.iter().map(|text| serde_json::json!({"t": [text]}).to_string()).collect();
            for (decoder, body) in [
                (Decoder::lines(), objects.join("\n")),
                (Decoder::array(), format!("[{}]", objects.join(","))),
            ] {
                let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (body.len() + 1)).collect();
                cuts.extend([0, body.len()]);
                cuts.sort_unstable();
                let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &body.as_bytes()[cut[0]..cut[1]]).collect();
                let found = texts(decoder, &pieces).unwrap();
                let expected: Vec<&str> = objects.iter().map(|object| object.trim()).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
