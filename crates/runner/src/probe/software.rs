//! Which program answers: by its headers, by what it lists, and by what it says of itself when asked. The first that tells
//! is believed.

use metron_results::probe::SoftwareFound;
use metron_wire::{Client, HeadLines, Reply};
use serde_json::Value;

/// What is found, and the length that some programs tell only here.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) found: SoftwareFound,
    pub(super) max_model_len: Option<u64>,
}

/// Headers that a proxy leaves.
const PROXY_HEADERS: [&str; 7] =
    ["via", "x-cache", "cf-ray", "x-envoy-upstream-service-time", "x-served-by", "x-amz-cf-id", "x-kong-proxy-latency"];

/// Headers and the programs that set them; the header's value is the version where it looks like one.
const BY_HEADER: [(&str, &str); 5] = [
    ("x-litellm-version", "litellm"),
    ("x-envoy-upstream-service-time", "behind envoy"),
    ("openai-processing-ms", "openai"),
    ("x-compute-type", "tgi"),
    ("anthropic-ratelimit-requests-limit", "anthropic"),
];

/// How engines sign the models that they list. The simulated engine has its own signature: its metrics have vLLM's names.
const BY_OWNER: [(&str, &str); 6] = [
    ("vllm", "vllm"),
    ("sglang", "sglang"),
    ("llamacpp", "llama.cpp"),
    ("library", "ollama"),
    ("nvidia", "dynamo"),
    ("metron", "metron sim"),
];

/// Beginnings of the names of metrics, and whose they are.
const BY_METRIC: [(&str, &str); 8] = [
    ("vllm:", "vllm"),
    ("sglang:", "sglang"),
    ("llamacpp:", "llama.cpp"),
    ("dynamo_", "dynamo"),
    ("tgi_", "tgi"),
    ("nv_inference_", "triton"),
    ("litellm_", "litellm"),
    ("trtllm_", "tensorrt-llm"),
];

/// What is asked for, whose answer it is, and where in it the version stands.
struct Question {
    path: &'static str,
    name: &'static str,
    /// A field that only this program has.
    telling: &'static str,
    version: &'static str,
    length: Option<&'static str>,
}

const QUESTIONS: [Question; 6] = [
    Question {
        path: "/props",
        name: "llama.cpp",
        telling: "/default_generation_settings",
        version: "/build_info",
        length: Some("/default_generation_settings/n_ctx"),
    },
    Question {
        path: "/server_info",
        name: "sglang",
        telling: "/chunked_prefill_size",
        version: "/version",
        length: Some("/context_length"),
    },
    Question { path: "/api/version", name: "ollama", telling: "/version", version: "/version", length: None },
    Question {
        path: "/info",
        name: "tgi",
        telling: "/max_total_tokens",
        version: "/version",
        length: Some("/max_total_tokens"),
    },
    Question { path: "/v2", name: "triton", telling: "/extensions", version: "/version", length: None },
    // Last: others have a path of this name, too.
    Question { path: "/version", name: "", telling: "/version", version: "/version", length: None },
];

/// Looks at an answer's head and a list of models, then asks.
pub(super) async fn found(client: &Client, head: &HeadLines, listing: Option<&Reply>) -> Found {
    let mut found = Found {
        found: SoftwareFound {
            server_header: head.header("server").map(str::to_owned),
            proxies: PROXY_HEADERS.iter().filter_map(|name| Some(format!("{name}: {}", head.header(name)?))).collect(),
            ..SoftwareFound::default()
        },
        max_model_len: None,
    };
    by_header(head, &mut found.found);
    if let Some(listing) = listing.filter(|_| found.found.name.is_none()) {
        by_listing(listing, &mut found.found);
    }
    let base = client.target().endpoint().base_path().to_owned();
    if found.found.name.is_none()
        && let Some(metrics) = reply(client, &format!("{base}/metrics")).await
    {
        by_metrics(&metrics, &mut found.found);
    }
    for question in &QUESTIONS {
        let name = found.found.name.as_deref();
        // Whoever is known by name is asked for its version only.
        let may_be_it = name.is_none_or(|name| name == question.name) || question.name.is_empty();
        if found.found.version.is_none()
            && may_be_it
            && let Some(reply) = reply(client, &format!("{base}{}", question.path)).await
        {
            by_itself(&reply, question, &mut found);
        }
    }
    found
}

async fn reply(client: &Client, path: &str) -> Option<Reply> {
    client.get(path).await.ok().filter(|reply| reply.status == 200)
}

fn name(found: &mut SoftwareFound, name: &str, told_by: String) {
    if found.name.is_none() {
        found.name = Some(name.to_owned());
        found.told_by = Some(told_by);
    }
}

fn by_header(head: &HeadLines, found: &mut SoftwareFound) {
    for (header, program) in BY_HEADER {
        if let Some(value) = head.header(header) {
            name(found, program, format!("the header {header}"));
            if value.starts_with(|c: char| c.is_ascii_digit()) && value.contains('.') && header.ends_with("version") {
                found.version = Some(value.to_owned());
            }
        }
    }
    let server = head.header("server").unwrap_or_default().to_ascii_lowercase();
    for (word, program) in [("llama.cpp", "llama.cpp"), ("tgi", "tgi"), ("ollama", "ollama"), ("metron", "metron")] {
        if server.starts_with(word) {
            name(found, program, "the header server".to_owned());
        }
    }
}

/// Some engines sign the models that they list.
fn by_listing(listing: &Reply, found: &mut SoftwareFound) {
    let body: Value = serde_json::from_slice(&listing.body).unwrap_or_default();
    let owner = body.pointer("/data/0/owned_by").and_then(Value::as_str).unwrap_or_default();
    for (owned_by, program) in BY_OWNER {
        if owner == owned_by {
            name(found, program, format!("its models are owned by `{owned_by}`"));
        }
    }
}

fn by_metrics(metrics: &Reply, found: &mut SoftwareFound) {
    let text = String::from_utf8_lossy(&metrics.body);
    let mut names = text.lines().filter(|line| !line.starts_with('#'));
    let told = names.find_map(|line| BY_METRIC.iter().find(|(beginning, _)| line.starts_with(beginning)));
    if let Some((beginning, program)) = told {
        name(found, program, format!("its metrics are named {beginning}..."));
    }
}

fn by_itself(reply: &Reply, question: &Question, found: &mut Found) {
    let Ok(body) = serde_json::from_slice::<Value>(&reply.body) else { return };
    if body.pointer(question.telling).is_none() {
        return;
    }
    if !question.name.is_empty() {
        name(&mut found.found, question.name, format!("what it answers at {}", question.path));
    }
    found.found.version = body.pointer(question.version).and_then(Value::as_str).map(str::to_owned);
    found.max_model_len = question.length.and_then(|path| body.pointer(path)?.as_u64()).or(found.max_model_len);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(body: &str) -> Reply {
        Reply { status: 200, head: HeadLines::default(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn models_and_metrics_are_signed() {
        let mut found = SoftwareFound::default();
        by_listing(&answered(r#"{"data":[{"id":"m","owned_by":"vllm"}]}"#), &mut found);
        assert_eq!(found.name.as_deref(), Some("vllm"));
        let mut found = SoftwareFound::default();
        by_metrics(&answered("# HELP x\npython_gc 1\nsglang:num_running_reqs 0\n"), &mut found);
        assert_eq!(found.name.as_deref(), Some("sglang"));
        by_listing(&answered(r#"{"data":[{"id":"m","owned_by":"vllm"}]}"#), &mut found);
        assert_eq!(found.name.as_deref(), Some("sglang"), "the first that tells is believed");
    }

    /// What is guessed of the list of models that an engine answered with.
    fn guessed(engine: &str) -> Option<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/models");
        let answer = std::fs::read_to_string(format!("{folder}/{engine}.txt")).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let mut found = SoftwareFound::default();
        by_listing(&answered(body), &mut found);
        found.name
    }

    #[test]
    fn real_engines_are_known_by_their_lists_of_models() {
        for (engine, name) in [
            ("dynamo", Some("dynamo")),
            ("llamacpp", Some("llama.cpp")),
            ("sglang", Some("sglang")),
            ("vllm", Some("vllm")),
            ("metron-sim", Some("metron sim")),
            // The one is known by the headers of its answers, the other by nothing.
            ("litellm", None),
            ("llamacpppy", None),
        ] {
            assert_eq!(guessed(engine).as_deref(), name, "{engine}");
        }
    }

    #[test]
    fn a_program_that_is_asked_tells_its_version_and_length() {
        let mut found = Found::default();
        let props = r#"{"default_generation_settings":{"n_ctx":2048},"build_info":"b1-x"}"#;
        by_itself(&answered(props), &QUESTIONS[0], &mut found);
        assert_eq!((found.found.name.as_deref(), found.found.version.as_deref()), (Some("llama.cpp"), Some("b1-x")));
        assert_eq!(found.max_model_len, Some(2048));
        let mut other = Found::default();
        by_itself(&answered(r#"{"x":1}"#), &QUESTIONS[0], &mut other);
        assert_eq!(other.found, SoftwareFound::default());
    }
}
