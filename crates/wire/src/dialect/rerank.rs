//! Reranking, as Cohere, Jina, vLLM and others offer it: a query and documents in, their ranks out. Knows no SSE.

use serde_json::{Map, Value, json};

use super::embeddings::result;
use super::event::Frame;
use super::{RequestShape, object};
use crate::json::JsonError;
use crate::transcript::Transcript;

/// How many documents a prompt is cut into.
const DOCUMENTS: usize = 8;

// Body of a request.

/// The prompt's words are dealt out: as many to the query as to each document.
pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    let mut parts = cut(shape.prompt, DOCUMENTS + 1).into_iter();
    let query = parts.next().unwrap_or_default();
    object(json!({ "model": shape.model, "query": query, "documents": parts.collect::<Vec<_>>() }))
}

/// A text in `parts` of about as many bytes, cut before a blank where there is one. Where it is too short for so many, it has
/// fewer, but two at least: a query without documents is no request.
fn cut(text: &str, parts: usize) -> Vec<&str> {
    let (mut cuts, mut rest) = (Vec::new(), text);
    for left in (2..=parts).rev() {
        let aim = rest.ceil_char_boundary(rest.len().div_ceil(left));
        let end = rest[aim..].find(' ').map_or(aim, |blank| aim + blank);
        if end == 0 || end == rest.len() {
            continue;
        }
        let (part, behind) = rest.split_at(end);
        cuts.push(part);
        rest = behind;
    }
    cuts.push(rest);
    if cuts.len() == 1 {
        cuts.push(rest);
    }
    cuts
}

// Meaning of an answer.

/// Reads a whole answer.
pub(super) fn read(text: &str, into: &mut Transcript) -> Result<Frame, JsonError> {
    result(text, &["results", "data"], into)
}

// How it ends: with its body.

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::End;
    use crate::dialect::Dialect;
    use crate::replay::says;

    #[test]
    fn a_prompt_is_dealt_out_and_nothing_of_it_is_lost() {
        let text = (0..90).map(|k| format!("w{k}")).collect::<Vec<_>>().join(" ");
        let parts = cut(&text, 9);
        assert_eq!((parts.len(), parts.concat()), (9, text.clone()));
        assert!(parts.iter().all(|part| (25..60).contains(&part.len())), "{parts:?}");
        assert_eq!(cut("a", 9), ["a", "a"]);
        assert_eq!(cut("éé é", 9).concat(), "éé é");
    }

    #[test]
    fn a_request_has_a_query_and_documents() {
        let shape = RequestShape::text("m", "one two three", 8);
        let body = Value::Object(body(&shape));
        assert_eq!(body["query"], "one");
        let documents = body["documents"].as_array().expect("a list");
        assert!((1..=DOCUMENTS).contains(&documents.len()), "{body}");
    }

    #[test]
    fn ranks_are_one_result_without_a_token() {
        for body in [
            r#"{"results":[{"index":1,"relevance_score":0.9}],"usage":{"total_tokens":7}}"#,
            r#"[{"index":0,"score":0.5}]"#,
        ] {
            let answer = says(Dialect::Rerank, "application/json", body);
            assert_eq!((&answer.end, answer.tokenless, answer.chunks.len()), (&End::Complete, true, 1), "{body}");
        }
    }
}
