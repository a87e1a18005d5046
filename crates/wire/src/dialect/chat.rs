use super::RequestShape;
use serde_json::{Map, Value, json};
pub(super) fn body(shape: &RequestShape<'_>) -> Map<String, Value> {
    let Value::Object(body) = json!({
        "model": shape.model,
        "messages": [{ "role": "user", "content": shape.prompt }],
        "max_tokens": shape.max_tokens,
        "stream": true,
        "stream_options": { "include_usage": true },
    }) else {
        unreachable!("the literal is an object")
    };
    body
}
