//! Every case and every capture, cut wherever bytes can be cut, and parsed in full beside.

use metron_conformance::{Case, cases};
use proptest::prelude::*;

use crate::answer::{Answer, Channel, End};
use crate::dialect::Dialect;
use crate::engines::{captures, spoken_in};
use crate::replay::{fixture, reads, text, unframed};

/// What must not depend on how the bytes were cut.
type Essence = (End, String, usize, Option<String>, crate::Usage, Option<u16>);

fn essence(answer: Answer) -> Essence {
    let Answer { end, text, chunks, finish_reason, usage, status, .. } = answer;
    (end, text, chunks.len(), finish_reason, usage, status)
}

fn spoken_in_case(case: &Case) -> Dialect {
    match &case.custom {
        Some(custom) => Dialect::custom(&case.name, &custom.to_string()).unwrap(),
        None => Dialect::from_name(&case.dialect).unwrap(),
    }
}

#[test]
fn every_case_gives_the_same_answer_wherever_its_bytes_are_cut() {
    for case in cases().iter().filter(|case| case.expect.outcome != "timeout_idle" && case.name != "huge-event") {
        let (name, bytes) = (&case.name, case.bytes());
        let dialect = spoken_in_case(case);
        let whole = essence(reads(dialect, &[&bytes]));
        for cut in 0..bytes.len() {
            let split = essence(reads(dialect, &[&bytes[..cut], &bytes[cut..]]));
            assert_eq!(split, whole, "{name} cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(essence(reads(dialect, &single)), whole, "{name} byte by byte");
    }
}

#[test]
fn every_capture_gives_the_same_answer_wherever_its_bytes_are_cut() {
    for name in captures() {
        let (dialect, bytes) = (spoken_in(&name), unframed(&fixture(&format!("captures/{name}"))));
        let whole = essence(reads(dialect, &[&bytes]));
        for cut in 0..bytes.len() {
            assert_eq!(essence(reads(dialect, &[&bytes[..cut], &bytes[cut..]])), whole, "{name} cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(essence(reads(dialect, &single)), whole, "{name} byte by byte");
    }
}

#[test]
fn a_body_that_begins_like_an_event_and_is_none_is_told_apart_wherever_it_is_cut() {
    for body in ["data", "dog\n", "evening", "e", "\n data:{\"choices\":[]}\n\n", "  data: x\n\n", "event"] {
        let bytes = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n{body}").into_bytes();
        let whole = essence(reads(Dialect::Chat, &[&bytes]));
        for cut in 0..bytes.len() {
            assert_eq!(essence(reads(Dialect::Chat, &[&bytes[..cut], &bytes[cut..]])), whole, "{body} cut at {cut}");
        }
    }
}

/// Texts and chunks by a whole JSON tree of each event.
fn reference(bytes: &[u8]) -> (Vec<String>, usize) {
    let (mut texts, mut chunks) = (vec![String::new(); 2], 0);
    let body = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    for block in body.split("\n\n") {
        let Some(data) = block.strip_prefix("data: ").filter(|data| *data != "[DONE]") else { continue };
        let event: serde_json::Value = serde_json::from_str(data).unwrap();
        let mut bears = false;
        for choice in event["choices"].as_array().into_iter().flatten() {
            let text = choice["text"].as_str().or(choice["delta"]["content"].as_str()).unwrap_or_default();
            texts[choice["index"].as_u64().unwrap() as usize].push_str(text);
            bears |= !text.is_empty();
        }
        chunks += usize::from(bears);
    }
    (texts, chunks)
}

#[test]
fn tokens_and_texts_are_those_of_a_full_parse() {
    for name in captures() {
        let bytes = fixture(&format!("captures/{name}"));
        let dialect = spoken_in(&name);
        if !matches!(dialect, Dialect::Chat | Dialect::Completions) {
            continue;
        }
        let answer = reads(dialect, &[&unframed(&bytes)]);
        if !answer.unstreamed && answer.status == Some(200) {
            let texts = vec![text(&answer, 0, Channel::Answer), text(&answer, 1, Channel::Answer)];
            assert_eq!((texts, answer.chunks.len()), reference(&bytes), "{name}");
        }
    }
}

proptest! {
    #[test]
    fn no_change_of_a_byte_makes_it_panic(case in 0usize..64, at in 0usize..4096, byte: u8, cut in 0usize..4096) {
        let cases = cases();
        let mut bytes = cases[case % cases.len()].bytes();
        let dialect = spoken_in_case(&cases[case % cases.len()]);
        let (at, cut) = (at % bytes.len(), cut % bytes.len());
        bytes[at] = byte;
        let whole = essence(reads(dialect, &[&bytes]));
        let split = essence(reads(dialect, &[&bytes[..cut], &bytes[cut..]]));
        // What the parser of heads makes of half a broken one may differ in its words, not in its kind.
        prop_assert_eq!(std::mem::discriminant(&whole.0), std::mem::discriminant(&split.0));
        prop_assert_eq!((whole.1, whole.2), (split.1, split.2));
    }
}
