//! Dialects of a file: any text as the file, and any answer in the languages of a few files.

use std::sync::OnceLock;

use super::answers;
use crate::dialect::{Custom, Dialect};

/// A file is a dialect or is refused with words.
pub(super) fn file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(error) = Custom::check("file", text) {
        assert!(error.to_string().starts_with("file"), "{error}");
    }
}

/// One for each framing, and every kind of key.
const FILES: [&str; 4] = [
    "body: {ask: '{{prompt}}'}\ntext: piece\nfinish: over\nusage: {input: used.in, output: used.out}\nerror: fault",
    "framing: ndjson\nbody: {m: '{{messages}}'}\ntext: {path: delta, when: {type: t}}\nreasoning: {path: delta, when: {type: r}}\n\
     tool: ['calls[].name', 'calls[].arguments']\ntokens: ids\ndone: {path: type, equals: end}",
    "framing: json-array\nbody: {p: '{{prompt}}'}\ntext_so_far: 'parts[0].text'\ntokens: count\ndone: body",
    "body: {p: '{{prompt}}'}\ntext: ['[\"a.b\"].c', 'choices[].text']\nfinish: [{path: stop, when: {last: true}}, why]\ndone: {data: END}\nerror: e",
];

/// The second byte says which file.
pub(super) fn events(bytes: &[u8]) {
    static DIALECTS: OnceLock<Vec<Dialect>> = OnceLock::new();
    let dialects = DIALECTS.get_or_init(|| {
        FILES.iter().map(|text| Dialect::custom("file", text).expect("a file of our own making")).collect()
    });
    let [first, which, body @ ..] = bytes else { return };
    let bytes = [&[*first], body].concat();
    answers::of(dialects[usize::from(*which) % dialects.len()], &bytes);
}
