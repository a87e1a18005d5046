//! What `metron probe --json` prints: what an endpoint is and does, as far as a few requests show. Asks nothing itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The value of [`ProbeReport::schema`].
pub const SCHEMA: &str = "metron.probe/1";

/// What an endpoint is and does. Texts are the server's own where not said otherwise: not safe for a terminal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProbeReport {
    /// Always `metron.probe/1`.
    pub schema: String,
    /// The whole URL that requests went to, secrets left out.
    pub url: String,
    /// The API that is spoken there.
    pub endpoint: EndpointFound,
    /// The model that was asked.
    pub model: Option<String>,
    /// The models that the server lists; null if it lists none.
    pub models: Option<Vec<ModelFound>>,
    /// Prompt and answer together, in tokens, that the model that was asked takes; null if the server does not say.
    pub max_model_len: Option<u64>,
    /// The program that answers, as far as it can be told.
    pub software: SoftwareFound,
    /// How HTTP is spoken.
    pub http: HttpFound,
    /// The server's clock against this one; null if it tells no date.
    pub clock: Option<ClockOffset>,
    /// What one answer looked like.
    pub answer: AnswerFound,
    /// What to do about what was found, in metron's words.
    pub advice: Vec<String>,
}

/// Which API is spoken, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointFound {
    /// Its name, as `--endpoint` takes it.
    pub name: String,
    /// Who says so.
    pub told_by: ToldBy,
    /// Why, in metron's words.
    pub why: String,
}

/// Who says which API is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToldBy {
    /// The user: `--endpoint`.
    Flag,
    /// The URL.
    Url,
    /// The server, by what it answered when asked for its models and the like.
    Server,
    /// Nobody: it is the most common one.
    Nobody,
}

/// A model that the server lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelFound {
    /// Its name.
    pub id: String,
    /// Prompt and answer together, in tokens; null if the list does not say.
    pub max_model_len: Option<u64>,
}

/// The program that answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SoftwareFound {
    /// Its name: `vllm`, `sglang`, `llama.cpp`, `ollama`, ...; null if nothing tells it.
    pub name: Option<String>,
    /// Its version; null if it does not say.
    pub version: Option<String>,
    /// What tells it, in metron's words.
    pub told_by: Option<String>,
    /// The `Server` header, which may be a proxy's or a framework's.
    pub server_header: Option<String>,
    /// Signs of a proxy in between: the headers' names and values.
    pub proxies: Vec<String>,
}

/// How HTTP is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct HttpFound {
    /// The protocol of the answer, such as `HTTP/1.1`.
    pub version: Option<String>,
    /// Whether HTTP/2 would be spoken; null without TLS, where it cannot be asked.
    pub offers_http2: Option<bool>,
    /// Whether a second request went over the same connection; null if there was none.
    pub keeps_alive: Option<bool>,
    /// The encoding of a stream when all that are known are offered; null if it comes as it is.
    pub compression: Option<String>,
}

/// The server's clock less this one, in seconds: somewhere in between. A `Date` header has whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockOffset {
    /// At least.
    pub low_s: f64,
    /// At most.
    pub high_s: f64,
}

/// What one answer looked like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerFound {
    /// `completed`, or the class of its failure.
    pub outcome: String,
    /// What a failed one said.
    pub message: Option<String>,
    /// Whether it came as a stream.
    pub streamed: bool,
    /// Its finish reason.
    pub finish_reason: Option<String>,
    /// Events that bear tokens.
    pub chunks: u64,
    /// Output tokens, by the rule below.
    pub tokens: Option<u64>,
    /// The rule that counted them: `stream`, `usage`, `tokenizer`, `chunks`.
    pub counted_by: Option<String>,
    /// Seen tokens over chunks.
    pub tokens_per_chunk: Option<f64>,
    /// What the server says of its tokens.
    pub usage: UsageFound,
    /// Events before the first token that bear none (a role, a ping); null if no event came.
    pub events_before_first_token: Option<Leading>,
    /// Whether it reasoned aloud.
    pub reasoned: bool,
    /// Time to first token, in seconds. Of one request: a look, not a measurement.
    pub ttft_s: Option<f64>,
    /// From the first token to the last, in seconds.
    pub decode_s: Option<f64>,
    /// How its chunks arrived.
    pub arrivals: Arrivals,
}

/// Events before the first token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leading {
    /// Whether there are any.
    pub any: bool,
    /// From the first of them to the first token, in seconds.
    pub lead_s: f64,
}

/// What the server says of its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsageFound {
    /// Totals once.
    AtEnd,
    /// How many each chunk carries: a running total, or a list with one element each.
    PerChunk,
    /// Nothing.
    Missing,
}

/// How the chunks of an answer arrived.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Arrivals {
    /// The pattern.
    pub pattern: Pattern,
    /// Groups of chunks that arrived together, within a millisecond.
    pub groups: u64,
    /// The median time from one group to the next, in seconds; null with fewer than two.
    pub period_s: Option<f64>,
    /// Whether this client read so late that the pattern may be its own; false where the kernel gives no stamps to tell it by.
    #[serde(default)]
    pub read_late: bool,
}

/// The pattern of arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// One by one.
    Steady,
    /// Several at a time, with silence in between: something holds them back.
    Bursts,
    /// All at the end: something holds back the whole answer.
    AtOnce,
    /// Too few chunks, or too quick an answer, to tell.
    Unknown,
}
