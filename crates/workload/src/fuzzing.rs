//! What must hold of each reader of traces whatever bytes come; called by the programs of `fuzz/` and, for the corpus that is kept
//! there, by a test.
//!
//! The first byte of an input says in pieces of how many bytes the others come: what is read must not depend on it.

use std::io::{self, Cursor, Read};

use crate::plan::{Reading, Replay};
use crate::trace::write::convert;
use crate::trace::{Content, Trace, TraceError, TraceFormat, TraceOptions, TraceRequest};

/// Runs the target of this name on one input: `trace`, which tells the format by the content, or `trace_NAME` for a format.
///
/// # Panics
/// If something that must hold does not, and if there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    let named = target.strip_prefix("trace_").map(|name| name.replace('_', "-"));
    let format = named.map(|name| TraceFormat::from_name(&name).unwrap_or_else(|| panic!("no target `{target}`")));
    assert!(format.is_some() || target == "trace", "no target `{target}`");
    let Some((&first, bytes)) = bytes.split_first() else { return };
    let whole = read(bytes.to_vec(), usize::MAX, format);
    assert_eq!(told(&whole), told(&read(bytes.to_vec(), usize::from(first).max(1), format)), "read in pieces");
    let Ok(rows) = whole else { return };
    in_order(&rows);
    ends_after_what_cannot_be_read_on(&rows);
    if rows.iter().all(Result::is_ok) {
        replays(bytes, format);
        converts(bytes, format);
    }
}

type Rows = Vec<Result<TraceRequest, TraceError>>;

fn read(bytes: Vec<u8>, piece: usize, format: Option<TraceFormat>) -> Result<Rows, TraceError> {
    Trace::read(InPieces { bytes: Cursor::new(bytes), piece }, options(format)).map(Iterator::collect)
}

fn options(format: Option<TraceFormat>) -> TraceOptions {
    TraceOptions { format, ..TraceOptions::default() }
}

/// Bytes that come a few at a time.
struct InPieces {
    bytes: Cursor<Vec<u8>>,
    piece: usize,
}

impl Read for InPieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.piece);
        self.bytes.read(&mut into[..most])
    }
}

/// What was read, as a text that can be compared.
fn told(read: &Result<Rows, TraceError>) -> Result<Vec<String>, String> {
    let row = |row: &Result<TraceRequest, TraceError>| match row {
        Ok(request) => format!("{request:?}"),
        Err(error) => format!("{error:?}"),
    };
    read.as_ref().map(|rows| rows.iter().map(row).collect()).map_err(|error| format!("{error:?}"))
}

fn in_order(rows: &Rows) {
    let instants: Vec<_> = rows.iter().flatten().filter_map(|request| request.at).collect();
    assert!(instants.is_sorted(), "{instants:?}");
}

fn ends_after_what_cannot_be_read_on(rows: &Rows) {
    let stops = rows.iter().position(|row| row.as_ref().is_err_and(|error| !error.goes_on()));
    assert!(stops.is_none_or(|at| at + 1 == rows.len()), "{rows:?}");
}

/// A trace without a fault is a plan, or is refused in words.
fn replays(bytes: &[u8], format: Option<TraceFormat>) {
    let trace = Trace::read(Cursor::new(bytes.to_vec()), options(format)).expect("it was read");
    match Replay::read(trace, Reading::default()) {
        Ok(replay) => assert!(!replay.is_empty()),
        Err(refused) => assert!(!refused.to_string().is_empty()),
    }
}

/// What is written as metron's own format is read again as it was.
fn converts(bytes: &[u8], format: Option<TraceFormat>) {
    let trace = |bytes: Vec<u8>, format| Trace::read(Cursor::new(bytes), options(format)).expect("it was read");
    let mut written = Vec::new();
    // What the format cannot hold is refused in words.
    let Ok(converted) = convert(trace(bytes.to_vec(), format), TraceFormat::Metron, &mut written) else { return };
    assert_eq!(converted.faults.count, 0);
    if converted.written == 0 {
        return;
    }
    let before: Vec<_> = trace(bytes.to_vec(), format).flatten().map(|request| kept(&request)).collect();
    let after = trace(written.clone(), Some(TraceFormat::Metron));
    let after: Vec<_> = after.map(|row| row.map(|request| kept(&request)).map_err(|error| error.to_string())).collect();
    let expected: Vec<_> = before.into_iter().map(Ok).collect();
    assert_eq!(after, expected, "{}", String::from_utf8_lossy(&written));
}

/// What metron's format keeps of every request.
fn kept(request: &TraceRequest) -> String {
    let TraceRequest { at, input_tokens, output_tokens, session, turn, class, content, .. } = request;
    let prompt = if let Content::Prompt(prompt) = content { Some(prompt) } else { None };
    format!("{at:?} {input_tokens:?} {output_tokens:?} {session:?} {turn:?} {class:?} {prompt:?}")
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(name)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the corpus lies in files; what is tested opens none")]
    fn every_format_has_a_target_with_a_corpus_on_which_it_holds() {
        let of_formats = TraceFormat::ALL.iter().map(|format| format!("trace_{}", format.name().replace('-', "_")));
        for target in of_formats.chain(["trace".to_owned()]) {
            assert!(folder("fuzz_targets").join(format!("{target}.rs")).exists(), "fuzz/fuzz_targets/{target}.rs");
            let corpus = folder("corpus").join(&target);
            let inputs = std::fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
            let mut inputs: Vec<PathBuf> = inputs.map(|input| input.unwrap().path()).collect();
            inputs.sort();
            assert!(!inputs.is_empty(), "{}", corpus.display());
            for input in inputs {
                run(&target, &std::fs::read(&input).unwrap());
            }
        }
    }
}
