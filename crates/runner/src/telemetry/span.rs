//! One request as a span: its names are those of OpenTelemetry's conventions for GenAI clients, and `metron.` where they have
//! none.

use metron_metrics::{Chunk, Deadlines, Outcome, Phase, RequestFigures, RequestRecord};
use metron_units::{Nanos, Share};
use serde_json::{Value, json};

use super::ids::{Ids, TraceKey};
use super::json::{attributes, text};

/// What the spans of a run have in common.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) key: TraceKey,
    /// The run's epoch, in nanoseconds since 1970.
    pub(crate) epoch_unix_ns: u64,
    pub(crate) run_id: String,
    pub(crate) run_name: String,
    pub(crate) model: String,
    /// The dialect's name.
    pub(crate) endpoint: &'static str,
    /// Whom it asks: host and port.
    pub(crate) server: (String, Option<u16>),
    /// Of the minimum TBT deadline.
    pub(crate) target_miss_rate: Share,
}

/// What is shown of a request: the record without its texts.
#[derive(Debug)]
pub(super) struct Seen {
    record: RequestRecord,
    /// When it was over.
    at: Nanos,
}

impl Seen {
    pub(super) fn of(record: &RequestRecord, at: Nanos) -> Self {
        let record = RequestRecord {
            chunks: record.chunks.clone(),
            outcome: record.outcome.clone(),
            class: record.class.clone(),
            finish_reason: record.finish_reason.clone(),
            texts: None,
            ..*record
        };
        Self { record, at }
    }

    /// Whether it counts towards figures.
    pub(super) fn is_measured(&self) -> bool {
        self.record.phase == Phase::Measured
    }

    /// From dispatch to the stream's end, in seconds.
    pub(super) fn duration(&self) -> Option<f64> {
        let (from, to) = self.record.dispatched.zip(self.record.finished)?;
        Some(to.saturating_sub(from).as_secs_f64())
    }

    /// From dispatch to the first token, in seconds; of streams only.
    pub(super) fn first(&self) -> Option<f64> {
        let first = self.record.chunks.first().filter(|_| self.is_stream())?;
        Some(first.arrived.saturating_sub(self.record.dispatched?).as_secs_f64())
    }

    /// From each chunk to the next, in seconds; of streams only.
    pub(super) fn gaps(&self) -> impl Iterator<Item = f64> {
        let chunks = if self.is_stream() { &self.record.chunks[..] } else { &[] };
        chunks.windows(2).map(|pair| pair[1].arrived.saturating_sub(pair[0].arrived).as_secs_f64())
    }

    /// Input and output tokens; of answers that came whole.
    pub(super) fn tokens(&self) -> Option<(u64, u64)> {
        let known = self.record.outcome == Outcome::Completed;
        known.then(|| (self.record.input_tokens.get(), self.record.output_tokens.get()))
    }

    /// The class of its failure.
    pub(super) fn error(&self) -> Option<&'static str> {
        match &self.record.outcome {
            Outcome::Failed(failure) => Some(failure.class.name()),
            Outcome::Completed | Outcome::Cancelled => None,
        }
    }

    fn is_stream(&self) -> bool {
        self.record.streamed && !self.record.is_tokenless()
    }
}

impl Scope {
    /// The attributes that spans and histograms share.
    pub(super) fn common(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("gen_ai.operation.name", self.operation().into()),
            ("gen_ai.provider.name", self.provider().into()),
            ("gen_ai.request.model", self.model.clone().into()),
            ("server.address", self.server.0.clone().into()),
            ("server.port", self.server.1.map_or(Value::Null, Value::from)),
        ]
    }

    /// The span of a request.
    pub(super) fn span(&self, seen: &Seen) -> Value {
        let Seen { record, at } = seen;
        let Ids { trace, span } = self.key.ids(record.id);
        let wall = |instant: Nanos| text(self.epoch_unix_ns.saturating_add(instant.get()));
        let start = record.dispatched.or(record.intended).unwrap_or(*at);
        let end = record.finished.unwrap_or(*at).max(start);
        let first = record.chunks.first();
        let events: Vec<Value> = first
            .map(|Chunk { arrived, .. }| json!({ "timeUnixNano": wall(*arrived), "name": "first_token" }))
            .into_iter()
            .collect();
        let status = match &record.outcome {
            Outcome::Completed => json!({ "code": 1 }),
            Outcome::Failed(failure) => json!({ "code": 2, "message": failure.message }),
            Outcome::Cancelled => json!({}),
        };
        json!({
            "traceId": trace,
            "spanId": span,
            "name": format!("{} {}", self.operation(), self.model),
            "kind": 3,
            "startTimeUnixNano": wall(start),
            "endTimeUnixNano": wall(end),
            "attributes": attributes(&self.of_request(seen)),
            "events": events,
            "status": status,
        })
    }

    fn of_request(&self, seen: &Seen) -> Vec<(&'static str, Value)> {
        let record = &seen.record;
        let figures = RequestFigures::of(record, self.target_miss_rate);
        let Deadlines { ttft, tbt } = record.deadlines;
        let tokens = seen.tokens();
        let mut named = self.common();
        named.extend([
            ("gen_ai.usage.input_tokens", json!(tokens.map(|(input, _)| input))),
            ("gen_ai.usage.output_tokens", json!(tokens.map(|(_, output)| output))),
            ("gen_ai.response.finish_reasons", json!(record.finish_reason.as_ref().map(|reason| [reason]))),
            ("gen_ai.response.time_to_first_chunk", json!(seen.first())),
            ("http.response.status_code", json!(record.status)),
            ("error.type", json!(seen.error())),
            ("metron.request.id", json!(record.id)),
            ("metron.phase", json!(if seen.is_measured() { "measured" } else { "warmup" })),
            ("metron.class", json!(record.class)),
            ("metron.session", json!(record.session)),
            ("metron.turn", json!(record.turn)),
            ("metron.attempt", json!(record.attempt)),
            ("metron.ttft_deadline", json!(ttft.as_secs_f64())),
            ("metron.tbt_deadline", json!(tbt.as_secs_f64())),
            ("metron.deadlines.missed", json!(figures.misses.map(|misses| misses.missed))),
            ("metron.deadlines.total", json!(figures.misses.map(|misses| misses.total))),
            ("metron.fluidity_index", json!(figures.fluidity_index)),
            ("metron.min_tbt_deadline", json!(figures.min_tbt_deadline.map(Nanos::as_secs_f64))),
        ]);
        named
    }

    /// The convention's name of what is asked for.
    fn operation(&self) -> &'static str {
        match self.endpoint {
            "completions" | "llamacpp" | "sglang" | "tgi" | "triton" | "ollama-generate" => "text_completion",
            "embeddings" => "embeddings",
            "rerank" => "rerank",
            "gemini" => "generate_content",
            _ => "chat",
        }
    }

    /// The convention's name of whose API it is: what is served behind it nobody knows.
    fn provider(&self) -> &'static str {
        match self.endpoint {
            "anthropic" => "anthropic",
            "gemini" => "gcp.gemini",
            "cohere" => "cohere",
            "bedrock" => "aws.bedrock",
            "sagemaker" => "aws.sagemaker",
            "azure" => "azure.ai.openai",
            "ollama" | "ollama-generate" => "ollama",
            "llamacpp" => "llama.cpp",
            "sglang" => "sglang",
            "tgi" => "tgi",
            "triton" => "triton",
            _ => "openai",
        }
    }
}
