//! Files that are dialects, what comes of streams in them, and files that are none.

use serde_json::{Value, json};

use crate::answer::{Answer, Channel, End, FailureKind};
use crate::dialect::{Dialect, RequestShape};
use crate::replay::{events, reads, says, text};
use crate::{Endpoint, Header, Secret};

const HERON: &str = "
path: /v1/say
query: {alpha: '1'}
headers: {x-heron-version: '2'}
key: {header: x-heron-key}
body: {model: '{{model}}', ask: '{{prompt}}', most: '{{max_tokens}}'}
text: piece.text
reasoning: piece.thought
tool: ['calls[].name', 'calls[].arguments']
tokens: ids
usage: {input: used.prompt, output: used.answer, reasoning: used.thought}
finish: over
error: error
done: {path: kind, equals: bye}
";

fn custom(file: &str) -> Dialect {
    Dialect::custom("heron.yaml", file).unwrap_or_else(|error| panic!("{error}"))
}

fn said(answer: &Answer) -> [String; 3] {
    [Channel::Answer, Channel::Reasoning, Channel::Tool].map(|channel| text(answer, 0, channel))
}

#[test]
fn every_value_that_a_file_names_is_found_and_nothing_else() {
    let answer = events(
        custom(HERON),
        &[
            r#"{"kind":"hello","piece":{"text":""}}"#,
            r#"{"piece":{"thought":"r","other":"x"},"ids":[1]}"#,
            r#"{"piece":{"text":"a \u00e9"},"ids":[1,2],"text":"no"}"#,
            r#"{"calls":[{"name":"f"},{"arguments":"{}","name":"g"}],"ids":[3]}"#,
            r#"{"over":"limit","used":{"prompt":5,"answer":4,"thought":1}}"#,
            r#"{"kind":"bye"}"#,
            "no JSON behind the end",
        ],
    );
    assert_eq!((&answer.end, answer.chunks.len()), (&End::Complete, 3));
    assert_eq!(said(&answer), ["a \u{e9}", "r", "f{}g"]);
    let stated: Vec<_> = answer.chunks.iter().map(|chunk| chunk.stated_tokens).collect();
    assert_eq!(stated, [Some(1), Some(2), Some(1)]);
    assert_eq!((answer.usage.input, answer.usage.output, answer.usage.reasoning), (Some(5), Some(4), Some(1)));
    assert_eq!(answer.finish_reason.as_deref(), Some("limit"));
}

#[test]
fn an_error_fails_unless_it_says_that_there_is_none() {
    let of = |error: &str| {
        events(custom(HERON), &[&format!(r#"{{"piece":{{"text":"a"}},"error":{error}}}"#), r#"{"kind":"bye"}"#]).end
    };
    assert_eq!(of("null"), End::Complete);
    let failed = |message: &str| End::Failed { kind: FailureKind::StreamError, message: message.to_owned() };
    assert_eq!(of(r#"{"code":7,"message":"gone"}"#), failed("gone"));
    assert_eq!(of(r#""gone""#), failed("gone"));
}

/// Typed events, of which some repeat what others have said.
const TYPED: &str = "
body: {input: '{{messages}}'}
text: {path: delta, when: {type: text.delta}}
reasoning: {path: delta, when: {type: thought.delta}}
finish: {path: reason, when: {type: end}}
done: {path: type, equals: end}
";

#[test]
fn what_a_value_means_may_hang_on_another_wherever_it_stands() {
    let answer = events(
        custom(TYPED),
        &[
            r#"{"type":"thought.delta","delta":"r"}"#,
            r#"{"delta":"a","type":"text.delta"}"#,
            r#"{"delta":"b","type":"text.delta"}"#,
            r#"{"delta":"ab","type":"text.done"}"#,
            r#"{"type":"end","reason":"stop"}"#,
        ],
    );
    assert_eq!(
        (&answer.end, answer.chunks.len(), said(&answer)),
        (&End::Complete, 3, ["ab".into(), "r".into(), String::new()])
    );
    assert_eq!(answer.finish_reason.as_deref(), Some("stop"));
}

#[test]
fn a_text_that_ends_the_answer_is_no_text_like_the_one_before() {
    let file = "body: {p: '{{prompt}}'}\ntext: t\ndone: {path: t, equals: bye}\n";
    let answer = events(custom(file), &[r#"{"t":"a"}"#, r#"{"t":"b"}"#, r#"{"t":"bye"}"#, r#"{"t":"c"}"#]);
    assert_eq!((&answer.end, text(&answer, 0, Channel::Answer).as_str()), (&End::Complete, "abbye"));
}

#[test]
fn lines_and_arrays_are_parted_and_a_text_so_far_adds_what_is_new() {
    let base = "body: {p: '{{prompt}}'}\ntext_so_far: all\nfinish: over\n";
    let lines = says(
        custom(&format!("{base}framing: ndjson\n")),
        "application/x-ndjson",
        "{\"all\":\"a\"}\n{\"all\":\"ab\",\"over\":true}\n",
    );
    let array = says(
        custom(&format!("{base}framing: json-array\n")),
        "application/json",
        r#"[{"all":"a"},{"all":"ab","over":"stop"}]"#,
    );
    for answer in [lines, array] {
        assert_eq!(
            (&answer.end, answer.chunks.len(), answer.finish_reason.as_deref()),
            (&End::Complete, 2, Some("stop"))
        );
        assert_eq!(text(&answer, 0, Channel::Answer), "ab");
    }
}

#[test]
fn an_answer_ends_by_its_marker_or_with_its_body_as_the_file_says() {
    let base = "body: {p: '{{prompt}}'}\ntext: t\n";
    let ended = |done: &str, last: &str| events(custom(&format!("{base}{done}")), &[r#"{"t":"a"}"#, last]).end;
    assert_eq!(ended("done: {data: over and out}\n", "over and out"), End::Complete);
    assert_eq!(ended("", "[DONE]"), End::Complete, "known everywhere");
    assert_eq!(ended("done: body\n", r#"{"t":"b"}"#), End::Complete);
    assert!(matches!(ended("", r#"{"t":"b"}"#), End::Failed { kind: FailureKind::Truncated, .. }));
}

#[test]
fn streams_cut_at_every_byte_give_the_same_answer() {
    let body = "data: {\"piece\":{\"text\":\"a\"},\"ids\":[1]}\n\ndata: {\"piece\":{\"text\":\"b\"},\"ids\":[1,2]}\n\ndata: {\"kind\":\"bye\"}\n\n";
    let bytes = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n{body}").into_bytes();
    let dialect = custom(HERON);
    let essence = |answer: Answer| (answer.end, answer.text, answer.chunks.len(), answer.usage);
    let whole = essence(reads(dialect, &[&bytes]));
    assert_eq!(whole.0, End::Complete);
    for cut in 0..bytes.len() {
        assert_eq!(essence(reads(dialect, &[&bytes[..cut], &bytes[cut..]])), whole, "cut at {cut}");
    }
}

#[test]
fn a_request_goes_where_the_file_says_with_its_body_and_headers() {
    let dialect = custom(HERON);
    let endpoint = Endpoint::resolve("http://h/x", Some(dialect)).expect("an address");
    assert_eq!(endpoint.url(), "http://h/x/v1/say?alpha=1");
    let whole = Endpoint::resolve("http://h/v1/say", Some(dialect)).expect("an address");
    assert_eq!(whole.url(), "http://h/v1/say");
    let shape = RequestShape::text("m", "Hi", 8);
    let body: Value = serde_json::from_slice(&dialect.body(&shape)).expect("JSON");
    assert_eq!(body, json!({ "model": "m", "ask": "Hi", "most": 8 }));
    let key = Header::key(dialect, &Secret::new("sk-1".to_owned())).expect("a header");
    assert_eq!((key.name(), key.value()), ("x-heron-key", "sk-1"));
    assert_eq!(dialect.own_headers().collect::<Vec<_>>(), [("x-heron-version", "2")]);
    // Without a path the URL is taken as it stands; with the model's name in it, it needs one.
    let bare = custom("body: {p: '{{prompt}}'}\ntext: t\n");
    assert_eq!(
        Endpoint::resolve("http://h/any/where?x=1", Some(bare)).map(|e| e.url()),
        Ok("http://h/any/where?x=1".to_owned())
    );
    let named = custom("path: /models/{{model}}/say\nbody: {p: '{{prompt}}'}\ntext: t\n");
    let endpoint = Endpoint::resolve_for("http://h", Some(named), Some("a/b")).expect("an address");
    assert_eq!(endpoint.url(), "http://h/models/a%2Fb/say");
    assert!(Endpoint::resolve("http://h", Some(named)).is_err());
}

#[test]
fn json_is_yaml_too() {
    custom(r#"{"body": {"p": "{{prompt}}"}, "text": ["a", {"path": "b", "when": {"c": 1}}], "done": {"data": "x"}}"#);
}

/// Refuses a file, naming this place and these words.
#[track_caller]
fn refused(file: &str, place: &str, words: &str) {
    let error = Dialect::custom("heron.yaml", file).expect_err(file).to_string();
    assert!(error.starts_with(&format!("{place}: ")), "{error}");
    assert!(error.contains(words) && error.contains("\n  hint: "), "{words} in {error}");
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line() {
    let (body, text) = ("body: {p: '{{prompt}}'}\n", "text: t\n");
    refused(&format!("{body}{text}txet: u\n"), "heron.yaml, line 3", "txet");
    refused(&format!("{body}text: a..b\n"), "heron.yaml, line 2", "`a..b` is no path");
    refused(&format!("{text}body: {{p: '{{{{promt}}}}'}}\n"), "heron.yaml, line 2", "{{promt}}");
    refused(&format!("{text}body:\n  p: fixed\n"), "heron.yaml, line 2", "every request would be the same");
    refused(body, "heron.yaml", "no path leads to text");
    refused(text, "heron.yaml, line 1", "body");
    refused(&format!("{body}{text}framing: xml\n"), "heron.yaml, line 3", "xml");
    refused(&format!("{body}{text}done: soon\n"), "heron.yaml, line 3", "`soon`");
    refused(&format!("{body}{text}headers:\n  x-api-key: sk-1\n"), "heron.yaml, line 4", "secret");
    refused(&format!("{body}{text}key: {{header: x-team}}\n"), "heron.yaml, line 3", "x-team");
    refused(&format!("{body}{text}path: v1/say\n"), "heron.yaml, line 3", "slash");
    refused(&format!("{body}{text}path: /{{{{prompt}}}}\n"), "heron.yaml, line 3", "only {{model}}");
    refused("body: [1\n", "heron.yaml, line 1", "mapping");
    assert!(Dialect::custom("heron.yaml", "").is_err());
}
