//! Tools that a model may call, made up: names, words about them, and schemas of their arguments. Knows no API.

use rand::Rng;
use serde_json::{Map, Value, json};

use crate::random::{Stream, below, generator};

const VERBS: [&str; 8] = ["find", "list", "read", "create", "update", "cancel", "check", "compare"];
const THINGS: [&str; 8] = ["orders", "customers", "flights", "files", "prices", "tickets", "meetings", "devices"];
const FIELDS: [(&str, &str); 8] = [
    ("query", "What is looked for."),
    ("id", "The number of the record."),
    ("from", "The first day, as YYYY-MM-DD."),
    ("to", "The last day, as YYYY-MM-DD."),
    ("limit", "How many at most."),
    ("sort", "By which field the results are sorted."),
    ("region", "Where it is looked for."),
    ("verbose", "Whether all fields are told."),
];

/// A tool that does not exist.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeUpTool {
    /// What calls name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
}

/// So many tools, no two of one name: a function of the seed.
#[must_use]
pub fn tools(seed: u64, count: u64) -> Vec<MadeUpTool> {
    (0..count).map(|k| tool(k, &mut generator(seed, Stream::Tools, k))).collect()
}

fn tool<R: Rng + ?Sized>(k: u64, rng: &mut R) -> MadeUpTool {
    let verb = VERBS[below(rng, VERBS.len() as u64) as usize];
    let thing = THINGS[below(rng, THINGS.len() as u64) as usize];
    let first = below(rng, FIELDS.len() as u64) as usize;
    let count = 1 + below(rng, 4) as usize;
    let fields = (first..first + count).map(|place| FIELDS[place % FIELDS.len()]);
    let properties: Map<String, Value> = fields
        .clone()
        .map(|(name, about)| (name.to_owned(), json!({ "type": kind(name), "description": about })))
        .collect();
    let required: Vec<&str> = fields.take(1).map(|(name, _)| name).collect();
    MadeUpTool {
        name: format!("{verb}_{thing}_{k}"),
        description: format!("Use this to {verb} {thing}."),
        parameters: json!({ "type": "object", "properties": properties, "required": required }),
    }
}

fn kind(field: &str) -> &'static str {
    match field {
        "id" | "limit" => "integer",
        "verbose" => "boolean",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_those_of_the_seed_and_have_names_of_their_own() {
        let made = tools(3, 50);
        assert_eq!(made, tools(3, 50));
        assert_eq!(made[..5], tools(3, 5));
        assert_ne!(made, tools(4, 50));
        let names: std::collections::HashSet<&str> = made.iter().map(|tool| tool.name.as_str()).collect();
        assert_eq!(names.len(), 50);
        for tool in &made {
            let required = tool.parameters["required"][0].as_str().unwrap();
            assert!(tool.parameters["properties"][required].is_object(), "{tool:?}");
        }
    }
}
