//! Which tool wrote a file, told by the names of its fields.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::ForeignError;
use super::input::Input;

/// The tools whose results are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Format {
    Metron,
    Lines,
    Vllm,
    Sglang,
    Etalon,
    AiperfRecords,
    AiperfRaw,
    InferencePerf,
    GuideLlm,
    GenaiBench,
    LlmPerf,
    HuggingFace,
}

impl Format {
    /// What a person calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metron => "metron requests.parquet",
            Self::Lines => "JSON lines of token times",
            Self::Vllm => "vLLM bench serve --save-detailed",
            Self::Sglang => "SGLang bench_serving --output-details",
            Self::Etalon => "Etalon request_level_metrics.json",
            Self::AiperfRecords => "AIPerf profile_export.jsonl",
            Self::AiperfRaw => "AIPerf profile_export_raw.jsonl",
            Self::InferencePerf => "inference-perf per_request_lifecycle_metrics.json",
            Self::GuideLlm => "GuideLLM benchmarks",
            Self::GenaiBench => "genai-bench results",
            Self::LlmPerf => "LLMPerf individual responses",
            Self::HuggingFace => "Hugging Face inference-benchmarker results",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value a line.
    Lines,
    /// One value, perhaps over many lines.
    Whole,
}

/// Tells a file's format. The input is at its start afterwards.
pub(super) fn detect(input: &mut Input) -> Result<(Format, Shape), ForeignError> {
    let path = input.path().to_owned();
    input.rewind()?;
    let Some((line, first)) = input.next_line()? else {
        return Err(ForeignError::whole(&path, "it is empty"));
    };
    let (keys, shape) = match serde_json::from_slice::<Keys>(first) {
        Ok(keys) => (keys, Shape::Lines),
        // A value over many lines; if it is none, the parser says where it ceases to be one.
        Err(error) if error.is_eof() => (input.whole_value::<Keys>()?, Shape::Whole),
        Err(error) => {
            return Err(ForeignError::of_json(&path, line, &error)
                .with_hint("JSON or Parquet is expected: a run's folder, JSON lines, or a tool's result file"));
        }
    };
    input.rewind()?;
    match of_keys(&keys) {
        Ok(format) => Ok((format, shape)),
        Err((reason, hint)) => Err(ForeignError::whole(&path, reason).with_hint(hint)),
    }
}

/// The fields of a value: an object's own, or those of an array's first object.
struct Keys {
    names: BTreeSet<String>,
    in_array: bool,
}

impl Keys {
    fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.names.contains(*name))
    }
}

type Refusal = (String, &'static str);

fn of_keys(keys: &Keys) -> Result<Format, Refusal> {
    if keys.in_array { of_array(keys) } else { of_object(keys) }
}

fn of_object(keys: &Keys) -> Result<Format, Refusal> {
    if keys.has(&["inter_token_ns"]) || keys.has(&["token_times_s"]) {
        Ok(Format::Lines)
    } else if keys.has(&["ttfts", "itls"]) {
        let sglang = ["total_output_tokens_retokenized", "accept_length", "sharegpt_output_len", "backend"];
        let vllm = ["start_times", "tokenizer_id", "endpoint_type"];
        let is_sglang = sglang.iter().any(|key| keys.has(&[key])) && !vllm.iter().any(|key| keys.has(&[key]));
        Ok(if is_sglang { Format::Sglang } else { Format::Vllm })
    } else if keys.has(&["ttft", "tbt"]) {
        Ok(Format::Etalon)
    } else if keys.has(&["metadata", "metrics"]) {
        Ok(Format::AiperfRecords)
    } else if keys.has(&["start_perf_ns", "responses"]) {
        Ok(Format::AiperfRaw)
    } else if keys.has(&["benchmarks"]) {
        Ok(Format::GuideLlm)
    } else if keys.has(&["individual_request_metrics"]) {
        Ok(Format::GenaiBench)
    } else if keys.has(&["results", "config"]) {
        Ok(Format::HuggingFace)
    } else {
        Err(unknown(keys))
    }
}

fn of_array(keys: &Keys) -> Result<Format, Refusal> {
    if keys.has(&["start_time", "end_time", "info"]) {
        Ok(Format::InferencePerf)
    } else if keys.has(&["ttft_s", "end_to_end_latency_s"]) {
        Ok(Format::LlmPerf)
    } else {
        Err(unknown(keys))
    }
}

fn unknown(keys: &Keys) -> Refusal {
    if keys.has(&["mean_ttft_ms"]) {
        let reason = "it holds a benchmark's summary without its requests".to_owned();
        return (reason, "vllm bench serve --save-result --save-detailed, or sglang.bench_serving --output-details");
    }
    if keys.has(&["schema", "metrics", "requests"]) {
        return ("it is a summary, and the token times are beside it".to_owned(), "name the run's folder");
    }
    if keys.has(&["request_latency"]) || keys.has(&["time_to_first_token"]) {
        let reason = "it holds AIPerf's summary without its requests".to_owned();
        return (reason, "score profile_export.jsonl, which lies beside it (aiperf profile --export-level records)");
    }
    let names: Vec<&str> = keys.names.iter().take(8).map(String::as_str).collect();
    let reason = format!("no known result file has the fields {}", names.join(", "));
    (reason, "JSON lines need `inter_token_ns`, or `token_times_s` and `sent_s`")
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object, or an array of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            names.insert(name);
        }
        Ok(Keys { names, in_array: false })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Keys, A::Error> {
        let first = seq.next_element::<Keys>()?;
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Keys { names: first.map(|keys| keys.names).unwrap_or_default(), in_array: true })
    }
}
