//! Server-sent events: finds the events in bytes, however the bytes were cut. It knows no socket, no clock and no JSON.
//!
//! Lines end with LF, CR LF or CR (WHATWG HTML, *Server-sent events*); U+2028, U+2029 and U+0085 end none. An event whose bytes
//! lie whole in the input is borrowed from it; only what is cut by the input's end is kept aside.
//!
//! One rule is ours: a blank line that ends with CR in a stream of CR LF lines ends with the LF that is still to come, so that
//! the event is not over before its last byte is here.

use crate::limits::EVENT_BYTES;

/// One block of lines up to a blank one, if it says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// The last `event` field.
    pub(crate) name: Option<&'a [u8]>,
    /// The `data` fields, joined by LF; or the `error` field, whose name then stands as the event's. `None` if there is no such field: by the standard that is no event at all, but a name
    /// alone is how one frontend reports an error.
    pub(crate) data: Option<&'a [u8]>,
    /// The last comment, without its colon.
    pub(crate) comment: Option<&'a [u8]>,
}

/// An event longer than [`EVENT_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than {} MiB", EVENT_BYTES / (1024 * 1024))]
pub(crate) struct Oversize;

/// Finds events in a stream of bytes.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    scan: Scan,
    /// The beginning of an event whose end has not come.
    kept: Vec<u8>,
    /// Whether `kept` is used up and only waits to be cleared.
    stale: bool,
    /// Where several data lines are joined.
    joined: Vec<u8>,
    /// Whether a byte order mark has been looked for.
    begun: bool,
}

/// Where a scan for the end of an event stands between two inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scan {
    /// The next byte begins a line.
    line_start: bool,
    /// What ended the line before.
    ended_by: Ending,
    /// A blank line has ended with CR, in a stream of CR LF lines: an LF would belong to it.
    blank_cr: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Nothing,
    Lf,
    /// With an LF to come, or alone: the next byte tells.
    Cr,
    CrLf,
}

impl Default for Scan {
    fn default() -> Self {
        Self { line_start: true, ended_by: Ending::Nothing, blank_cr: false }
    }
}

impl Decoder {
    /// The next event, taken off the front of `input`; `None` once all of `input` is taken and no event is whole.
    pub(crate) fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8]) -> Result<Option<Event<'s>>, Oversize> {
        loop {
            if std::mem::take(&mut self.stale) {
                self.kept.clear();
            }
            let Some(end) = self.scan.find(input) else {
                self.keep(input)?;
                *input = &[];
                return Ok(None);
            };
            let (head, rest) = input.split_at(end);
            if !self.kept.is_empty() {
                self.keep(head)?;
                self.stale = true;
            } else if head.len() > EVENT_BYTES {
                return Err(Oversize);
            }
            *input = rest;
            if says_anything(if self.stale { &self.kept } else { head }) {
                let block = if self.stale { &self.kept } else { head };
                return Ok(Some(parse(strip_mark(block, &mut self.begun), &mut self.joined)));
            }
            self.begun = true;
        }
    }

    /// The event that a clean end of the stream leaves behind: one of whole lines, of which only the blank one is missing.
    pub(crate) fn finish(&mut self) -> Option<Event<'_>> {
        let whole = !self.stale && self.scan.line_start && says_anything(&self.kept);
        whole.then(|| parse(strip_mark(&self.kept, &mut self.begun), &mut self.joined))
    }

    /// Reads a byte of the memory that the next event needs.
    pub(crate) fn touch(&self) -> usize {
        self.kept.len() + usize::from(self.begun)
    }

    /// Forgets everything but the buffers.
    pub(crate) fn reset(&mut self) {
        self.kept.clear();
        (self.scan, self.stale, self.begun) = (Scan::default(), false, false);
        // A buffer that one huge event has grown would otherwise stay for good.
        self.kept.shrink_to(64 * 1024);
        self.joined.shrink_to(64 * 1024);
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Oversize> {
        if self.kept.len() + bytes.len() > EVENT_BYTES {
            return Err(Oversize);
        }
        self.kept.extend_from_slice(bytes);
        Ok(())
    }
}

impl Scan {
    /// One past the end of the event that ends within `input`, and the state for what follows; or the state after all of it.
    fn find(&mut self, input: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < input.len() {
            if std::mem::take(&mut self.blank_cr) {
                *self = Self::default();
                return Some(at + usize::from(input[at] == b'\n'));
            }
            match input[at] {
                b'\n' if self.ended_by == Ending::Cr => self.ended_by = Ending::CrLf,
                b'\n' if self.line_start => {
                    *self = Self::default();
                    return Some(at + 1);
                }
                b'\r' if self.line_start && self.ended_by == Ending::CrLf => self.blank_cr = true,
                b'\r' if self.line_start => {
                    // Alone so far; an LF behind it is an empty line of its own to us, which says nothing.
                    *self = Self::default();
                    return Some(at + 1);
                }
                _ => {
                    let Some(length) = memchr::memchr2(b'\n', b'\r', &input[at..]) else {
                        (self.line_start, self.ended_by) = (false, Ending::Nothing);
                        return None;
                    };
                    at += length;
                    self.line_start = true;
                    self.ended_by = if input[at] == b'\n' { Ending::Lf } else { Ending::Cr };
                }
            }
            at += 1;
        }
        None
    }
}

/// Whether a block is more than line ends.
fn says_anything(block: &[u8]) -> bool {
    block.iter().any(|b| !matches!(b, b'\r' | b'\n'))
}

/// The stream's first block without its byte order mark.
fn strip_mark<'a>(block: &'a [u8], begun: &mut bool) -> &'a [u8] {
    match std::mem::replace(begun, true) {
        true => block,
        false => block.strip_prefix(b"\xef\xbb\xbf").unwrap_or(block),
    }
}

/// Reads the fields of a block.
fn parse<'a>(block: &'a [u8], joined: &'a mut Vec<u8>) -> Event<'a> {
    let mut event = Event { name: None, data: None, comment: None };
    let mut several = false;
    let mut rest = block;
    while !rest.is_empty() {
        let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = &rest[..length];
        rest = rest.get(length + 1..).unwrap_or_default();
        if line.is_empty() {
            continue;
        }
        let colon = memchr::memchr(b':', line);
        let (field, value) = colon.map_or((line, &line[line.len()..]), |at| (&line[..at], &line[at + 1..]));
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => match event.data {
                None => event.data = Some(value),
                Some(first) => {
                    if !std::mem::replace(&mut several, true) {
                        joined.clear();
                        joined.extend_from_slice(first);
                    }
                    joined.push(b'\n');
                    joined.extend_from_slice(value);
                }
            },
            b"event" => event.name = Some(value),
            // No field of the standard's: how llama.cpp reports an error in a stream.
            b"error" => (event.name, event.data) = (Some(field), Some(value)),
            b"" => event.comment = Some(value),
            _ => {}
        }
    }
    if several {
        event.data = Some(joined);
    }
    event
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Owned = (Option<String>, Option<String>);

    /// The events of `pieces`, and after which piece each was whole.
    fn events(pieces: &[&[u8]]) -> Vec<(Owned, usize)> {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for (k, piece) in pieces.iter().enumerate() {
            let mut input = *piece;
            while let Some(event) = decoder.next(&mut input).expect("no oversize") {
                found.push(((event.name.map(text), event.data.map(text)), k));
            }
        }
        found
    }

    fn check(stream: &str, data: &[&str]) {
        let found: Vec<String> = events(&[stream.as_bytes()]).into_iter().filter_map(|((_, data), _)| data).collect();
        assert_eq!(found, data, "{stream:?}");
    }

    #[test]
    fn all_three_line_ends_end_lines() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        check("data: a\r\rdata: b\r\r", &["a", "b"]);
        check("data: a\ndata: b\r\ndata: c\r\r\n", &["a\nb\nc"]);
    }

    #[test]
    fn separators_of_unicode_end_no_line() {
        check("data: a\u{2028}b\u{2029}c\u{85}d\u{b}e\n\n", &["a\u{2028}b\u{2029}c\u{85}d\u{b}e"]);
    }

    #[test]
    fn one_blank_behind_the_colon_is_dropped() {
        check("data:a\n\ndata:  b\n\ndata:\n\ndata\n\n", &["a", " b", "", ""]);
    }

    #[test]
    fn comments_and_unknown_fields_are_no_data() {
        check(": hi\n\n:\n: x\ndata: a\nid: 3\nretry: 1\ndatax: no\n\n", &["a"]);
        let error = events(&[b"event: error\n: worker gone\n\n"]);
        assert_eq!(error, [((Some("error".to_owned()), None), 0)]);
    }

    #[test]
    fn a_byte_order_mark_is_dropped_once() {
        check("\u{feff}data: a\n\n\u{feff}data: b\n\ndata: c\n\n", &["a", "c"]);
    }

    #[test]
    fn an_unfinished_event_is_none() {
        check("data: a\n", &[]);
        check("data: a\n\ndata: b", &["a"]);
    }

    #[test]
    fn a_clean_end_stands_for_the_blank_line_but_not_for_a_line_end() {
        let left = |stream: &str| {
            let mut decoder = Decoder::default();
            let mut input = stream.as_bytes();
            while decoder.next(&mut input).expect("no oversize").is_some() {}
            decoder.finish().and_then(|event| event.data.map(<[u8]>::to_vec))
        };
        assert_eq!(left("data: a\n\ndata: b\n"), Some(b"b".to_vec()));
        assert_eq!(left("data: a\n\ndata: b\r\n\r"), Some(b"b".to_vec()));
        assert_eq!(left("data: a\n\ndata: b"), None);
        assert_eq!(left("data: a\n\n"), None);
    }

    #[test]
    fn an_event_of_crlf_lines_is_over_with_its_last_byte() {
        let pieces: [&[u8]; 4] = [b"data: a\r", b"\n\r", b"\n", b"data: b\r\n\r\n"];
        let whole_after: Vec<usize> = events(&pieces).into_iter().map(|(_, k)| k).collect();
        assert_eq!(whole_after, [2, 3]);
        // In a stream of bare CRs nothing is waited for.
        assert_eq!(events(&[b"data: a\r\r"]).len(), 1);
    }

    #[test]
    fn the_longest_event_passes_and_one_byte_more_does_not() {
        let stream = |length: usize| [b"data: ".as_slice(), &vec![b'x'; length - 8], b"\n\n"].concat();
        let run = |stream: Vec<u8>, cut: usize| -> Result<usize, Oversize> {
            let mut decoder = Decoder::default();
            let mut count = 0;
            for mut piece in [&stream[..cut], &stream[cut..]] {
                while decoder.next(&mut piece)?.is_some() {
                    count += 1;
                }
            }
            Ok(count)
        };
        for cut in [0, 1_000, EVENT_BYTES - 1] {
            assert_eq!(run(stream(EVENT_BYTES), cut), Ok(1));
            assert_eq!(run(stream(EVENT_BYTES + 1), cut), Err(Oversize));
        }
    }

    fn fixtures() -> Vec<(String, Vec<u8>)> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/captures");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
            .collect();
        found.sort();
        found
    }

    #[test]
    fn recorded_streams_split_at_every_byte_give_the_same_events() {
        let fixtures = fixtures();
        assert!(fixtures.len() > 10);
        for (path, bytes) in fixtures {
            for line_end in ["\n", "\r\n", "\r"] {
                let stream = String::from_utf8_lossy(&bytes).replace("\r\n", "\n").replace('\n', line_end);
                let stream = stream.as_bytes();
                let whole: Vec<Owned> = events(&[stream]).into_iter().map(|(event, _)| event).collect();
                for cut in 0..stream.len() {
                    let split = events(&[&stream[..cut], &stream[cut..]]);
                    assert!(split.iter().map(|(event, _)| event).eq(&whole), "{path} cut at {cut}");
                }
                let single: Vec<&[u8]> = stream.chunks(1).collect();
                assert!(events(&single).iter().map(|(event, _)| event).eq(&whole), "{path} byte by byte");
            }
        }
    }

    /// The standard's rules, applied to the whole text at once.
    fn reference(stream: &str) -> Vec<Owned> {
        let text = stream.strip_prefix('\u{feff}').unwrap_or(stream).replace("\r\n", "\n").replace('\r', "\n");
        let mut events = Vec::new();
        let mut lines: Vec<&str> = text.split('\n').collect();
        lines.pop();
        let (mut name, mut data): Owned = (None, None);
        for line in lines {
            if line.is_empty() {
                if name.is_some() || data.is_some() {
                    events.push((name.take(), data.take()));
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match field {
                "data" => data = Some(data.map_or(value.clone(), |before| format!("{before}\n{value}"))),
                "event" => name = Some(value),
                _ => {}
            }
        }
        events
    }

    proptest! {
        #[test]
        fn any_text_cut_anywhere_gives_the_events_of_the_standard(
            parts in prop::collection::vec(prop::sample::select(
                vec!["data", ":", " ", "\n", "\r", "\r\n", "\n\n", "\r\n\r\n", "a", "event", "x: y", "\u{2028}", "\u{feff}", "data: b\n\n"]
            ), 0..40),
            cuts in prop::collection::vec(0usize..200, 0..6),
        ) {
            // A CR at the very end may be waiting for its LF: let the stream go on.
            let stream = parts.concat() + "z";
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream.as_bytes()[cut[0]..cut[1]]).collect();
            let found: Vec<Owned> =
                events(&pieces).into_iter().map(|(event, _)| event).filter(|e| e.0.is_some() || e.1.is_some()).collect();
            // A mark that is a line's only content is a field name to us and a blank line to the standard.
            if !stream.starts_with('\u{feff}') || !stream["\u{feff}".len()..].starts_with(['\n', '\r']) {
                prop_assert_eq!(found, reference(&stream));
            }
        }
    }
}
