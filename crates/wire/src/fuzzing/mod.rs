//! What must hold of each decoder whatever bytes come; called by the programs of `fuzz/` and, for the corpus that is kept there,
//! by a test.
//!
//! The first byte of an input says where the others are cut in two: what is found must not depend on it.

mod answers;
mod bodies;
mod custom;

use crate::dialect::Dialect;
use crate::json::Reader;

/// A target's name, and what it runs.
type Decoder = (&'static str, fn(&[u8]));

/// The decoders that have a target of their own beside the dialects, by the target's name.
const DECODERS: [Decoder; 9] = [
    ("sse", bodies::sse),
    ("http1", bodies::http1),
    ("content", bodies::content),
    ("lines", bodies::lines),
    ("array", bodies::array),
    ("event_stream", bodies::event_stream),
    ("json", json),
    ("custom_file", custom::file),
    ("custom_events", custom::events),
];

/// Runs the target of this name on one input: a decoder's, or `dialect_NAME` for each dialect.
///
/// # Panics
/// If something that must hold does not, and if there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    if let Some(name) = target.strip_prefix("dialect_") {
        let dialect = Dialect::from_name(&name.replace('_', "-")).unwrap_or_else(|| panic!("no dialect `{name}`"));
        return answers::of(dialect, bytes);
    }
    let (_, decoder) =
        DECODERS.iter().find(|(name, _)| *name == target).unwrap_or_else(|| panic!("no target `{target}`"));
    decoder(bytes);
}

/// What the first byte says, and the others cut where it says.
fn cut(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (head, tail) = rest.split_at(usize::from(first) * rest.len() / 255);
    Some((first, head, tail))
}

/// Whether the reader takes the text for JSON.
fn is_json(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader.skip().is_ok() && reader.end().is_ok()
}

fn json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let ours = is_json(text);
    // The reader bounds the nesting; serde_json bounds it as well, and refuses lone surrogates and numbers beyond a float.
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => assert!(ours || nests(text), "refused, and it is JSON: {text:?}"),
        Err(error) if ours => {
            let why = error.to_string();
            let known = ["surrogate", "hex escape", "number out of range", "recursion limit"];
            assert!(known.iter().any(|known| why.contains(known)), "accepted, and it is no JSON ({why}): {text:?}");
        }
        Err(_) => {}
    }
}

/// Whether the text may be nested deeper than the reader goes.
fn nests(text: &str) -> bool {
    text.bytes().filter(|byte| matches!(byte, b'[' | b'{')).count() > crate::limits::JSON_DEPTH
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(name)
    }

    /// The names of a folder's entries, in order.
    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_decoder_and_every_dialect_has_a_target_with_a_corpus_on_which_it_holds() {
        let of_dialects = Dialect::ALL.iter().map(|dialect| format!("dialect_{}", dialect.name().replace('-', "_")));
        let targets: Vec<String> = DECODERS.iter().map(|(name, _)| (*name).to_owned()).chain(of_dialects).collect();
        let programs = names(&folder("fuzz_targets"));
        for target in &targets {
            assert!(programs.contains(&format!("{target}.rs")), "fuzz/fuzz_targets/{target}.rs");
            let corpus = folder("corpus").join(target);
            let inputs = names(&corpus);
            assert!(!inputs.is_empty(), "{}", corpus.display());
            for input in inputs {
                run(target, &std::fs::read(corpus.join(input)).unwrap());
            }
        }
    }
}
