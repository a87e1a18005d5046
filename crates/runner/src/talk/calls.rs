//! The calls of tools within an answer's text of them. Knows no dialect.

use metron_wire::Call;
use serde::de::IgnoredAny;

/// The calls that `text` holds, which is names and arguments one behind the other, as they arrived; `None` if it holds none, or
/// names a tool that was not offered. Servers' own ids are not kept: a call's and its result's need only agree.
pub(super) fn calls(text: &str, tools: &[String], turn: u32) -> Option<Vec<Call>> {
    let mut calls = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        // The longest: one tool's name may begin another's.
        let name = tools.iter().filter(|name| rest.starts_with(name.as_str())).max_by_key(|name| name.len())?;
        let arguments = rest[name.len()..].trim_start();
        let mut values = serde_json::Deserializer::from_str(arguments).into_iter::<IgnoredAny>();
        let end = match values.next() {
            Some(Ok(_)) => values.byte_offset(),
            // A call without arguments, the last one; one that was cut off is none.
            None => 0,
            Some(Err(_)) => return None,
        };
        let given = if end == 0 { "{}" } else { &arguments[..end] };
        let id = format!("call_{turn}_{}", calls.len());
        calls.push(Call { id, name: name.clone(), arguments: given.to_owned() });
        rest = arguments[end..].trim_start();
    }
    (!calls.is_empty()).then_some(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<Vec<(String, String)>> {
        let tools = ["find", "find_orders", "list"].map(str::to_owned);
        let calls = calls(text, &tools, 3)?;
        assert!(calls.iter().enumerate().all(|(place, call)| call.id == format!("call_3_{place}")));
        Some(calls.into_iter().map(|call| (call.name, call.arguments)).collect())
    }

    fn call(name: &str, arguments: &str) -> (String, String) {
        (name.to_owned(), arguments.to_owned())
    }

    #[test]
    fn calls_are_told_apart_by_the_names_that_were_offered() {
        assert_eq!(found(r#"find_orders{"id": 1}"#), Some(vec![call("find_orders", r#"{"id": 1}"#)]));
        let two = r#"find{"q": "list{}"}list{}"#;
        assert_eq!(found(two), Some(vec![call("find", r#"{"q": "list{}"}"#), call("list", "{}")]));
        assert_eq!(found("list"), Some(vec![call("list", "{}")]));
    }

    #[test]
    fn what_is_no_call_is_none() {
        for text in ["", "  ", "unknown{}", r#"find{"q": "#, "find{} and so on"] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
