//! The schedulers and parameters there are, by name: help texts and the parser read the same list. Knows no values.

use std::fmt;

use super::super::cost::UnknownName;
use super::ConfigError;

/// The schedulers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SchedulerName {
    Static,
    Orca,
    Vllm,
    VllmV1,
    Sarathi,
    Disaggregated,
}

use SchedulerName::{Disaggregated, Orca, Sarathi, Static, Vllm, VllmV1};

const ALL: &[SchedulerName] = &[VllmV1, Vllm, Sarathi, Orca, Static, Disaggregated];

impl SchedulerName {
    pub(super) fn from_name(name: &str) -> Result<Self, ConfigError> {
        let known = ALL.iter().copied().find(|scheduler| scheduler.name() == name);
        known.ok_or_else(|| UnknownName::new("scheduler", name, schedulers()).into())
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Static => "static",
            Orca => "orca",
            Vllm => "vllm",
            VllmV1 => "vllm-v1",
            Sarathi => "sarathi",
            Disaggregated => "disaggregated",
        }
    }
}

impl fmt::Display for SchedulerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One parameter of an engine.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// As it is typed.
    pub name: &'static str,
    /// What it is when it is left out, in words.
    pub default: &'static str,
    /// What it does.
    pub meaning: &'static str,
    of: &'static [SchedulerName],
}

const fn parameter(
    name: &'static str,
    of: &'static [SchedulerName],
    default: &'static str,
    meaning: &'static str,
) -> Parameter {
    Parameter { name, default, meaning, of }
}

const PARAMETERS: &[Parameter] = &[
    parameter("model", ALL, "llama-3-8b", "the model"),
    parameter("gpu", ALL, "h100", "the GPU"),
    parameter("tp", ALL, "1", "GPUs that share the model: 1, 2, 4 or 8"),
    parameter("overhead", ALL, "graph", "time outside the GPU's kernels: none, graph, vllm-0.5 or eager"),
    parameter("cost", ALL, "model on gpu", "`linear:a,b,c` in ns, or a CSV file of measured iterations"),
    parameter("max-model-len", ALL, "the model's", "tokens of prompt and answer together"),
    parameter("max-num-seqs", ALL, "128; vllm-v1: 1024 on large GPUs, else 256", "sequences that run at once"),
    parameter("block-size", ALL, "16", "tokens of a block of KV memory"),
    parameter("blocks", ALL, "what fits beside the weights", "blocks of KV memory of an instance"),
    parameter(
        "watermark-blocks",
        &[Vllm, VllmV1, Sarathi, Disaggregated],
        "1 % of blocks; vllm-v1: 0",
        "blocks that stay free when a request is let in",
    ),
    parameter(
        "max-num-batched-tokens",
        &[Vllm, VllmV1, Disaggregated],
        "the larger of max-model-len and 2048; vllm-v1: 8192 on large GPUs, else 2048",
        "tokens of an iteration",
    ),
    parameter("chunk-size", &[Sarathi], "512", "tokens of an iteration, decodes included"),
    parameter("reserve-full-prompt", &[VllmV1], "true", "let a request in only if its whole prompt fits the memory"),
    parameter("long-prefill-token-threshold", &[VllmV1], "0, none", "the most tokens of one prompt in an iteration"),
    parameter("prefix-caching", &[VllmV1], "false", "find blocks that were computed before"),
    parameter("prefill-instances", &[Disaggregated], "1", "instances that compute prompts"),
    parameter("decode-instances", &[Disaggregated], "1", "instances that decode"),
    parameter("transfer-ns", &[Disaggregated], "500000", "time before KV arrives at a decode instance, ns"),
    parameter("transfer-ns-per-token", &[Disaggregated], "the GPU's link", "the same for each token of KV, ns"),
];

/// The names of all schedulers, the default first.
pub fn schedulers() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|scheduler| scheduler.name())
}

/// The parameters of a scheduler, for help texts and for whoever sorts an engine's keys from others.
///
/// # Errors
/// If no scheduler has the name.
pub fn parameters(scheduler: &str) -> Result<impl Iterator<Item = &'static Parameter>, ConfigError> {
    SchedulerName::from_name(scheduler).map(parameters_of)
}

pub(super) fn parameters_of(scheduler: SchedulerName) -> impl Iterator<Item = &'static Parameter> {
    PARAMETERS.iter().filter(move |parameter| parameter.of.contains(&scheduler))
}
