//! Files with one average per request, or per run: TTFT and TPOT are shown as what they are, deadlines are refused.
//!
//! Traps. LLMPerf's mean inter-token latency has TTFT inside. An average hides exactly what a deadline asks for.

use serde::Deserialize;

use super::input::Input;
use super::{ForeignError, ForeignRun, Format, Instants, Precedence};

/// What a file of averages has.
#[derive(Debug, Clone, PartialEq)]
pub struct Averages {
    /// Why deadlines cannot be scored.
    pub refusal: String,
    /// Its requests; empty if it has figures of the whole run alone.
    pub requests: Vec<PartialRequest>,
}

/// What a file of averages has of one request, in seconds. `None`: the file does not say.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PartialRequest {
    /// Time to first token.
    pub ttft_s: Option<f64>,
    /// Mean time per output token after the first.
    pub tpot_s: Option<f64>,
    /// From dispatch to the last token.
    pub e2e_latency_s: Option<f64>,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// Whether it failed; its times mean nothing then.
    pub failed: bool,
}

pub(super) fn read(input: &mut Input, format: Format) -> Result<ForeignRun, ForeignError> {
    let mut notes = Vec::new();
    let requests = match format {
        Format::GuideLlm => guidellm(input.whole_value()?),
        Format::GenaiBench => {
            let run: GenaiBench = input.whole_value()?;
            let unit = run.unit().map_err(|reason| ForeignError::whole(input.path(), reason))?;
            run.individual_request_metrics.iter().map(|request| request.partial(unit)).collect()
        }
        Format::LlmPerf => {
            notes.push(
                "LLMPerf's inter_token_latency_s is a mean with TTFT inside; TPOT is computed from its other fields"
                    .to_owned(),
            );
            input.whole_value::<Vec<LlmPerf>>()?.iter().map(LlmPerf::partial).collect()
        }
        Format::HuggingFace => Vec::new(),
        Format::Metron
        | Format::Lines
        | Format::Vllm
        | Format::Sglang
        | Format::Etalon
        | Format::AiperfRecords
        | Format::AiperfRaw
        | Format::InferencePerf => unreachable!("files with times are read elsewhere"),
    };
    let each = if format == Format::HuggingFace { "per run" } else { "per request" };
    let refusal = format!(
        "{format} hold averages {each}, and averages cannot be scored against deadlines: an answer that stalls for seconds \
         has the same average as one that flows"
    );
    Ok(ForeignRun {
        format,
        readings: Vec::new(),
        averages: Some(Averages { refusal, requests }),
        precedence: Precedence::CommandLine,
        instants: Instants::PerRequest,
        notes,
    })
}

/// A number of seconds that means one: finite and not negative.
fn seconds(value: Option<f64>, unit: f64) -> Option<f64> {
    value.map(|value| value * unit).filter(|value| value.is_finite() && *value >= 0.0)
}

/// (last token - first token) / (tokens - 1).
fn tpot(first_to_last: Option<f64>, tokens: Option<u64>) -> Option<f64> {
    match (first_to_last, tokens) {
        (Some(time), Some(tokens)) if tokens >= 2 && time >= 0.0 => Some(time / (tokens - 1) as f64),
        _ => None,
    }
}

#[derive(Debug, Deserialize)]
struct GuideLlm {
    benchmarks: Vec<Benchmark>,
}

#[derive(Debug, Deserialize)]
struct Benchmark {
    requests: ByOutcome,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ByOutcome {
    successful: Vec<GuideRequest>,
    errored: Vec<GuideRequest>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GuideRequest {
    info: GuideInfo,
    time_to_first_token_ms: Option<f64>,
    output_tokens: Option<u64>,
    prompt_tokens: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GuideInfo {
    timings: GuideTimings,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GuideTimings {
    request_start: Option<f64>,
    first_token_iteration: Option<f64>,
    last_token_iteration: Option<f64>,
}

fn guidellm(file: GuideLlm) -> Vec<PartialRequest> {
    let mut requests = Vec::new();
    for benchmark in file.benchmarks {
        requests.extend(benchmark.requests.successful.iter().map(GuideRequest::partial));
        let errored = benchmark.requests.errored.iter();
        requests.extend(errored.map(|request| PartialRequest { failed: true, ..request.partial() }));
    }
    requests
}

impl GuideRequest {
    fn partial(&self) -> PartialRequest {
        let times = &self.info.timings;
        let between = |from: Option<f64>, to: Option<f64>| seconds(from.zip(to).map(|(from, to)| to - from), 1.0);
        PartialRequest {
            ttft_s: seconds(self.time_to_first_token_ms, 1e-3)
                .or_else(|| between(times.request_start, times.first_token_iteration)),
            tpot_s: tpot(between(times.first_token_iteration, times.last_token_iteration), self.output_tokens),
            e2e_latency_s: between(times.request_start, times.last_token_iteration),
            input_tokens: self.prompt_tokens,
            output_tokens: self.output_tokens,
            failed: false,
        }
    }
}

#[derive(Debug, Deserialize)]
struct GenaiBench {
    individual_request_metrics: Vec<GenaiRequest>,
    #[serde(default, rename = "_time_unit")]
    time_unit: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GenaiRequest {
    ttft: Option<f64>,
    tpot: Option<f64>,
    e2e_latency: Option<f64>,
    num_input_tokens: Option<u64>,
    num_output_tokens: Option<u64>,
    error_code: Option<i64>,
}

impl GenaiBench {
    /// Seconds to its unit of time; it was the second before the file said so.
    fn unit(&self) -> Result<f64, String> {
        match self.time_unit.as_deref() {
            None | Some("s") => Ok(1.0),
            Some("ms") => Ok(1e-3),
            Some(other) => Err(format!("`_time_unit` is `{other}`: expected s or ms")),
        }
    }
}

impl GenaiRequest {
    fn partial(&self, unit: f64) -> PartialRequest {
        PartialRequest {
            ttft_s: seconds(self.ttft, unit),
            tpot_s: seconds(self.tpot, unit),
            e2e_latency_s: seconds(self.e2e_latency, unit),
            input_tokens: self.num_input_tokens,
            output_tokens: self.num_output_tokens,
            failed: self.error_code.is_some_and(|code| code != 0),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LlmPerf {
    ttft_s: Option<f64>,
    end_to_end_latency_s: Option<f64>,
    number_input_tokens: Option<u64>,
    number_output_tokens: Option<u64>,
    error_code: Option<i64>,
}

impl LlmPerf {
    fn partial(&self) -> PartialRequest {
        let (ttft_s, e2e_latency_s) = (seconds(self.ttft_s, 1.0), seconds(self.end_to_end_latency_s, 1.0));
        PartialRequest {
            ttft_s,
            tpot_s: tpot(ttft_s.zip(e2e_latency_s).map(|(ttft, e2e)| e2e - ttft), self.number_output_tokens),
            e2e_latency_s,
            input_tokens: self.number_input_tokens,
            output_tokens: self.number_output_tokens,
            failed: self.error_code.is_some(),
        }
    }
}
