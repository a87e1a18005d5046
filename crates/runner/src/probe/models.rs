//! A server's list of its models, in whatever shape it gives one. Asks for nothing.

use metron_results::probe::ModelFound;
use serde_json::Value;

/// The models of a list; `None` if it is no list.
pub(crate) fn list(body: &[u8]) -> Option<Vec<ModelFound>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let list = ["data", "models"].iter().find_map(|key| body.get(key)?.as_array()).or_else(|| body.as_array())?;
    Some(list.iter().filter_map(model).filter(|model| !model.id.is_empty()).collect())
}

/// The models' names; `None` if it is no list.
pub(crate) fn names(body: &[u8]) -> Option<Vec<String>> {
    list(body).map(|models| models.into_iter().map(|model| model.id).collect())
}

fn model(entry: &Value) -> Option<ModelFound> {
    let id = match entry {
        Value::String(name) => name.clone(),
        entry => ["id", "name", "model"].iter().find_map(|key| entry.get(key)?.as_str())?.to_owned(),
    };
    let length = [
        "/max_model_len",
        "/context_length",
        "/max_context_length",
        "/context_window",
        "/inputTokenLimit",
        "/meta/n_ctx",
        "/meta/n_ctx_train",
    ];
    let max_model_len = length.iter().find_map(|path| entry.pointer(path)?.as_u64());
    Some(ModelFound { id, max_model_len })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, models: &[(&str, Option<u64>)]) {
        let found = list(body.as_bytes()).expect(body);
        let found: Vec<_> = found.iter().map(|model| (model.id.as_str(), model.max_model_len)).collect();
        assert_eq!(found, models, "{body}");
    }

    #[test]
    fn lists_of_every_shape_are_read() {
        check(
            r#"{"object":"list","data":[{"id":"a/b","max_model_len":2048},{"id":"c"}]}"#,
            &[("a/b", Some(2048)), ("c", None)],
        );
        check(r#"{"models":[{"name":"llama","model":"x"}]}"#, &[("llama", None)]);
        check(r#"{"data":[{"id":"g","meta":{"n_ctx_train":8192}}]}"#, &[("g", Some(8192))]);
        check(r#"[{"id":"only"}]"#, &[("only", None)]);
        check(r#"["named",""]"#, &[("named", None)]);
        assert_eq!(list(b"<html>"), None);
        assert_eq!(list(b"{\"error\":1}"), None);
    }
}
