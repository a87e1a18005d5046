//! What the metrics of engines and exporters mean to someone who looks at users' waits: a table of names, each with where it
//! comes from. What it does not list is kept all the same, and shown by whoever reads `server.parquet`.

use super::exposition::Sample;

/// What a metric says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// Requests that the engine is working on.
    Running,
    /// Requests that wait for their turn.
    Waiting,
    /// Share of the KV cache that is in use.
    KvCache,
    /// Requests that lost their place, counted since the server's start.
    Preemptions,
    /// Prompt tokens (or blocks) looked up in the prefix cache, counted.
    PrefixQueries,
    /// Those that were found there, counted.
    PrefixHits,
    /// Share found there, as the server averages it.
    PrefixHitRate,
    /// Share of the time for which a GPU did anything.
    GpuUse,
    /// Watts that are drawn.
    Power,
    /// Joules that were drawn, counted.
    Energy,
    /// Seconds for which a processor had nothing to do, counted.
    CpuIdle,
}

impl Meaning {
    /// How several series of one name, or several servers, are one figure.
    pub(super) const fn together(self) -> Together {
        match self {
            Self::Running
            | Self::Waiting
            | Self::Preemptions
            | Self::PrefixQueries
            | Self::PrefixHits
            | Self::Power
            | Self::Energy => Together::Sum,
            Self::KvCache | Self::PrefixHitRate | Self::GpuUse | Self::CpuIdle => Together::Mean,
        }
    }
}

/// How several values are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Together {
    /// Added up.
    Sum,
    /// Their mean.
    Mean,
}

/// A metric whose meaning is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// Who has it.
    pub family: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The label and value that it takes besides.
    pub label: Option<(&'static str, &'static str)>,
    /// What it says.
    pub meaning: Meaning,
    /// By what its value is multiplied: shares are of 1, energy is in joules.
    pub scale: f64,
}

const fn known(family: &'static str, name: &'static str, meaning: Meaning, scale: f64) -> Known {
    Known { family, name, label: None, meaning, scale }
}

const fn labelled(
    family: &'static str,
    name: &'static str,
    label: (&'static str, &'static str),
    meaning: Meaning,
) -> Known {
    Known { family, name, label: Some(label), meaning, scale: 1.0 }
}

const VLLM: &str = "vLLM";
const SGLANG: &str = "SGLang";
const TGI: &str = "TGI";
const TENSORRT: &str = "TensorRT-LLM";
const LLAMACPP: &str = "llama.cpp";
const DYNAMO: &str = "Dynamo";
const DCGM: &str = "DCGM exporter";
const NODE: &str = "node exporter";

/// Every metric whose meaning is known. Where one server has several of one meaning, the first stands: an engine's own before
/// a front end's, a newer name before an older one.
///
/// Sources: vLLM `vllm/v1/metrics/loggers.py`; SGLang `python/sglang/srt/observability/metrics_collector.py`; TGI
/// `docs/source/reference/metrics.md`; TensorRT-LLM `tensorrt_llm/metrics/collector.py` and Triton's backend
/// `docs/model_config.md` (`nv_trt_llm_*`); llama.cpp `tools/server/README.md`; Dynamo `lib/runtime/src/metrics/prometheus_names.rs`;
/// DCGM exporter `etc/default-counters.csv`; node exporter `collector/{cpu,rapl}_linux.go`.
pub const KNOWN: [Known; 36] = [
    known(VLLM, "vllm:num_requests_running", Meaning::Running, 1.0),
    known(VLLM, "vllm:num_requests_waiting", Meaning::Waiting, 1.0),
    known(VLLM, "vllm:kv_cache_usage_perc", Meaning::KvCache, 1.0),
    known(VLLM, "vllm:gpu_cache_usage_perc", Meaning::KvCache, 1.0),
    known(VLLM, "vllm:num_preemptions_total", Meaning::Preemptions, 1.0),
    known(VLLM, "vllm:prefix_cache_queries_total", Meaning::PrefixQueries, 1.0),
    known(VLLM, "vllm:prefix_cache_hits_total", Meaning::PrefixHits, 1.0),
    known(VLLM, "vllm:gpu_prefix_cache_queries_total", Meaning::PrefixQueries, 1.0),
    known(VLLM, "vllm:gpu_prefix_cache_hits_total", Meaning::PrefixHits, 1.0),
    known(SGLANG, "sglang:num_running_reqs", Meaning::Running, 1.0),
    known(SGLANG, "sglang:num_queue_reqs", Meaning::Waiting, 1.0),
    known(SGLANG, "sglang:token_usage", Meaning::KvCache, 1.0),
    known(SGLANG, "sglang:num_retracted_requests_total", Meaning::Preemptions, 1.0),
    known(SGLANG, "sglang:cache_hit_rate", Meaning::PrefixHitRate, 1.0),
    known(TGI, "tgi_batch_current_size", Meaning::Running, 1.0),
    known(TGI, "tgi_queue_size", Meaning::Waiting, 1.0),
    known(TENSORRT, "trtllm_num_requests_running", Meaning::Running, 1.0),
    known(TENSORRT, "trtllm_num_requests_waiting", Meaning::Waiting, 1.0),
    known(TENSORRT, "trtllm_kv_cache_utilization", Meaning::KvCache, 1.0),
    known(TENSORRT, "trtllm_kv_cache_hit_rate", Meaning::PrefixHitRate, 1.0),
    labelled(TENSORRT, "nv_trt_llm_request_metrics", ("request_type", "scheduled"), Meaning::Running),
    labelled(TENSORRT, "nv_trt_llm_request_metrics", ("request_type", "waiting"), Meaning::Waiting),
    labelled(TENSORRT, "nv_trt_llm_kv_cache_block_metrics", ("kv_cache_block_type", "fraction"), Meaning::KvCache),
    known(LLAMACPP, "llamacpp:requests_processing", Meaning::Running, 1.0),
    known(LLAMACPP, "llamacpp:requests_deferred", Meaning::Waiting, 1.0),
    known(LLAMACPP, "llamacpp:kv_cache_usage_ratio", Meaning::KvCache, 1.0),
    known(DYNAMO, "dynamo_component_inflight_requests", Meaning::Running, 1.0),
    known(DYNAMO, "dynamo_frontend_inflight_requests", Meaning::Running, 1.0),
    known(DYNAMO, "dynamo_frontend_queued_requests", Meaning::Waiting, 1.0),
    known(DYNAMO, "dynamo_component_kvstats_gpu_cache_usage_percent", Meaning::KvCache, 1.0),
    known(DYNAMO, "dynamo_component_kvstats_gpu_prefix_cache_hit_rate", Meaning::PrefixHitRate, 1.0),
    known(DCGM, "DCGM_FI_DEV_GPU_UTIL", Meaning::GpuUse, 0.01),
    known(DCGM, "DCGM_FI_DEV_POWER_USAGE", Meaning::Power, 1.0),
    known(DCGM, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", Meaning::Energy, 0.001),
    labelled(NODE, "node_cpu_seconds_total", ("mode", "idle"), Meaning::CpuIdle),
    known(NODE, "node_rapl_package_joules_total", Meaning::Energy, 1.0),
];

/// The place in [`KNOWN`] of what a sample is; `None` if its meaning is not known.
#[must_use]
pub fn of(sample: &Sample<'_>) -> Option<usize> {
    KNOWN.iter().position(|known| {
        known.name == sample.name && known.label.is_none_or(|(label, value)| sample.label(label) == Some(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_metrics::exposition::samples;

    #[test]
    fn a_name_is_listed_once() {
        for (k, one) in KNOWN.iter().enumerate() {
            let same = KNOWN.iter().position(|other| (other.name, other.label) == (one.name, one.label));
            assert_eq!(same, Some(k), "{}", one.name);
        }
    }

    #[test]
    fn a_label_tells_what_a_shared_name_means() {
        let found = |line: &str| of(&samples(line).next().expect("a sample")).map(|k| KNOWN[k].meaning);
        assert_eq!(found("nv_trt_llm_request_metrics{model=\"m\",request_type=\"waiting\"} 2"), Some(Meaning::Waiting));
        assert_eq!(found("nv_trt_llm_request_metrics{request_type=\"max\",model=\"m\"} 512"), None);
        assert_eq!(found("node_cpu_seconds_total{cpu=\"0\",mode=\"user\"} 2"), None);
    }
}
