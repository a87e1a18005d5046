//! The parts that OTLP's JSON is made of: 64-bit numbers are texts, attributes a list of keys and typed values.

use serde_json::{Value, json};

/// A 64-bit number.
pub(super) fn text(number: u64) -> Value {
    Value::String(number.to_string())
}

/// Attributes; one whose value is null is left out.
pub(super) fn attributes(named: &[(&str, Value)]) -> Value {
    let known = named.iter().filter(|(_, value)| !value.is_null());
    known.map(|(key, value)| json!({ "key": key, "value": typed(value) })).collect()
}

fn typed(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::String(value) => json!({ "stringValue": value }),
        Value::Array(values) => json!({ "arrayValue": { "values": values.iter().map(typed).collect::<Vec<_>>() } }),
        other => json!({ "stringValue": other.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_types() {
        let named = [("a", json!(1)), ("b", json!(0.5)), ("c", json!("x")), ("d", Value::Null), ("e", json!(["y"]))];
        let expected = json!([
            { "key": "a", "value": { "intValue": "1" } },
            { "key": "b", "value": { "doubleValue": 0.5 } },
            { "key": "c", "value": { "stringValue": "x" } },
            { "key": "e", "value": { "arrayValue": { "values": [{ "stringValue": "y" }] } } },
        ]);
        assert_eq!(attributes(&named), expected);
    }
}
