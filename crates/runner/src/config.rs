//! Everything that decides what a run does, resolved: what `config.yaml` holds. Where it lies and what it is called is not
//! in here, so that a file repeats a run under another name.
//!
//! Flags, environment and files are laid over each other by the binary; here every value is settled and checked.

use std::path::PathBuf;

use metron_units::{Nanos, Rate, Share};
use serde::{Deserialize, Serialize};

use crate::class::ClassConfig;

/// A resolved run. Field names are the flags' names with `_` for `-`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The server's root, its `/v1`, the whole path of an endpoint, or `sim:...`. Query values may be `${VAR}`.
    pub url: String,
    /// Let the simulated engine run without waiting: time is what its model says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub virtual_time: bool,
    /// The model's name; asked of the server (`/v1/models`) if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The API dialect by its name, `auto`, or `custom:FILE`.
    pub endpoint: String,
    /// The variable that holds the API key, never the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    /// Extra headers, `Name: value`; a secret one's value is `${VAR}` in a file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<String>,

    /// Requests per second of an open loop. Exactly one of `rate` and `concurrency` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How arrivals are drawn, and how their rate changes: `poisson`, `gamma:0.5`, `onoff:2s,8s`, `steps:10s@5,20s@50`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<String>,
    /// The shape of gamma arrivals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burstiness: Option<f64>,
    /// Users of a closed loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// How long users of a closed loop wait between an answer and their next request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub think_time: Option<String>,
    /// An upper bound of requests in flight over an open loop; what waits is counted as waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u32>,
    /// Over which time the load grows to its full height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_up: Option<Nanos>,

    /// Measured requests; at least one of `requests` and `duration` is set, unless a trace ends the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Time of the measured phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Nanos>,
    /// Ends the run once every one of these figures is known well enough: `p99 ttft within 5%`; the limits above still hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_more")]
    pub until: Vec<String>,
    /// Warm-up by time; at most one of `warmup` and `warmup_requests` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup: Option<Nanos>,
    /// Warm-up by count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_requests: Option<u64>,

    /// A trace whose requests are sent: at its instants, unless `rate` or `concurrency` says when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<PathBuf>,
    /// How many times as fast as it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
    /// Whose answers the turns of a file's conversations go on from: `live` (the default) or `recorded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<String>,
    /// The format of the trace or dataset; told by its content if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_format: Option<String>,
    /// Field names of the format and those that stand in the file for them: `timestamp=ts`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace_columns: Vec<String>,
    /// In what the file's bare times count: `s`, `ms`, `us` or `ns`; what the format says if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_time_unit: Option<String>,
    /// How many tokens a block of hash ids has; what the format says if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_block: Option<u64>,
    /// How many requests are held back to be put in the order of their times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_window: Option<u64>,
    /// A file of prompts or conversations that are sent in its order, over and over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<PathBuf>,
    /// Both lengths of a request drawn together; outranks the two below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lengths: Option<String>,
    /// The beginnings that groups of prompts share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// `cold`: what prompts do not share by plan differs from its first words on. `warm`: all are beginnings of one text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_cache: Option<String>,
    /// The distribution of prompt lengths, in the language of CONTRACT.md.
    pub input_tokens: String,
    /// The distribution of answer lengths.
    pub output_tokens: String,
    /// The tokenizer's name or file; `auto` stands for the embedded default.
    pub tokenizer: String,
    /// What made prompts are of: `words` at random (the default), `corpus`, `ids`, or a text file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Tokens that the server adds to each prompt, by its chat template: made prompts are so much shorter. Measured before the
    /// run if not given and a tokenizer is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_tokens: Option<u64>,
    /// A JSON object that is merged over each request's body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Classes of a mix; empty if all requests are of one kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassConfig>,
    /// The turns of sessions; each request stands alone if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<String>,
    /// The share of users who leave their session after a turn that is not its last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abandon: Option<Share>,
    /// The header that names a request's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_header: Option<String>,
    /// Later turns are results of tools.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agent: bool,
    /// How users give up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancel: Vec<String>,
    /// How many images a prompt has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<String>,
    /// Their width and height.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<String>,
    /// How long a sound a prompt has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    /// Tools that the model may call: how many are made up, or a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<String>,
    /// A file with the JSON Schema that answers must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<PathBuf>,
    /// The seed of every draw.
    pub seed: u64,

    /// The deadline of the first token.
    pub ttft_deadline: Nanos,
    /// A prefill-profile.json that says how long the first token of a prompt may take; outranks `ttft_deadline`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefill_profile: Option<PathBuf>,
    /// What it may take beyond that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttft_slack: Option<Nanos>,
    /// The deadline of each later token.
    pub tbt_deadline: Nanos,
    /// The miss rate that the minimum TBT deadline may have.
    pub target_miss_rate: Share,
    /// Objectives, in the language of CONTRACT.md.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slo: Vec<String>,

    /// For the name, TCP and TLS.
    pub timeout_connect: Nanos,
    /// From dispatch to the first token.
    pub timeout_first_token: Nanos,
    /// From one token to the next.
    pub timeout_idle: Nanos,
    /// From dispatch to the end.
    pub timeout: Nanos,

    /// Sending threads; chosen by the load if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<u32>,
    /// Connections that are opened before the first request: how many, or `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prewarm: Option<String>,
    /// Which HTTP is spoken: `1.1`, `2`, or `auto` (2 where a TLS handshake settles on it), which is what is meant if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
    /// Accept any certificate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// A PEM file of further root certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Follow 307 and 308 to their new address.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub follow_redirects: bool,
    /// Ask for whole answers in place of streams.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_stream: bool,
    /// Where servers tell their own metrics (Prometheus text); `auto` is the measured server's `/metrics`. Query values may be
    /// `${VAR}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub server_metrics: Vec<String>,
    /// Where spans and histograms go (OTLP over HTTP); `auto` is what `OTEL_EXPORTER_OTLP_ENDPOINT` names, or this machine's
    /// collector. Query values may be `${VAR}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otlp: Option<String>,
    /// Keep prompts and answers in the rows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub save_text: bool,
}

/// A list, or the one text that stood in its place before there could be several.
fn one_or_more<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(String),
        More(Vec<String>),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::One(text) => vec![text],
        Either::More(texts) => texts,
    })
}
