//! Two merge patches as one. Knows no body.

use serde_json::{Map, Value};

/// Lays a JSON merge patch (RFC 7396) over another: merging the result is merging first `lower`, then `upper`.
pub(crate) fn laid_over(lower: &mut Map<String, Value>, upper: &Map<String, Value>) {
    for (name, value) in upper {
        match (lower.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(upper)) => laid_over(inner, upper),
            // A null stays one: it removes what the body has.
            (_, value) => {
                lower.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_patch_wins_field_by_field_and_a_null_stays() {
        let map = |json: &str| serde_json::from_str::<Map<String, Value>>(json).expect("an object");
        let mut patch = map(r#"{"a": 1, "b": {"c": 2, "d": 3}, "e": 4}"#);
        laid_over(&mut patch, &map(r#"{"a": null, "b": {"c": 5}, "e": {"f": 6}, "g": [7]}"#));
        assert_eq!(patch, map(r#"{"a": null, "b": {"c": 5, "d": 3}, "e": {"f": 6}, "g": [7]}"#));
    }
}
