//! The models, GPUs and overheads that are known by name, from `data/calibration.json`. Knows sizes and rates, not how they
//! make an iteration.

use std::sync::LazyLock;

use serde::Deserialize;

/// A model's shape.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    names: Vec<ModelName>,
    pub(super) layers: u64,
    pub(super) hidden: u64,
    pub(super) query_heads: u64,
    pub(super) kv_heads: u64,
    pub(super) head_size: u64,
    pub(super) ffn: u64,
    pub(super) vocabulary: u64,
    pub(super) mlp_matrices: u64,
    pub(super) experts: Option<Experts>,
    #[serde(default)]
    tied_head: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelName {
    name: String,
    max_model_len: u64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Experts {
    pub(super) active: u64,
    pub(super) total: u64,
}

impl Model {
    /// The model of this name; the second value is the longest prompt and answer together that go by the name.
    ///
    /// # Errors
    /// If no model has the name.
    pub fn named(name: &str) -> Result<(&'static Self, u64), UnknownName> {
        let all = || CATALOGUE.models.iter().flat_map(|model| model.names.iter().map(move |named| (model, named)));
        all()
            .find(|(_, named)| named.name == name)
            .map(|(model, named)| (model, named.max_model_len))
            .ok_or_else(|| UnknownName::new("model", name, models()))
    }

    /// Parameters; norms and biases, below 0.1 %, are left out.
    #[must_use]
    pub fn params(&self) -> u64 {
        let (h, d, f) = (self.hidden, self.head_size, self.ffn);
        let attention = h * (self.query_heads + 2 * self.kv_heads) * d + self.query_heads * d * h;
        let (total, router) = self.experts.map_or((1, 0), |experts| (experts.total, h * experts.total));
        let embeddings = if self.tied_head { 1 } else { 2 };
        self.layers * (attention + self.mlp_matrices * h * f * total + router) + embeddings * self.vocabulary * h
    }

    /// Bytes of KV that a token takes, all GPUs together.
    #[must_use]
    pub fn kv_bytes_per_token(&self) -> u64 {
        self.kv_bytes(self.kv_heads)
    }

    fn kv_bytes(&self, kv_heads: u64) -> u64 {
        4 * self.layers * kv_heads * self.head_size
    }

    /// Blocks of KV memory that fit beside the weights where `tp` GPUs share the model.
    ///
    /// # Errors
    /// If not one block fits.
    pub fn blocks(&self, gpu: &Gpu, tp: u64, block_size: u64) -> Result<u64, MemoryShortage> {
        // What an engine keeps for activations, and leaves to others.
        const RESERVE: f64 = 2.0 * 1_073_741_824.0;
        let weights = 2.0 * self.params() as f64 / tp as f64;
        let kv = self.kv_bytes((self.kv_heads / tp).max(1)) * block_size;
        let blocks = ((0.9 * gpu.memory_bytes as f64 - weights - RESERVE) / kv as f64).floor();
        if blocks < 1.0 {
            return Err(MemoryShortage {
                weights_gb: (weights / 1e9).round() as u64,
                memory_gb: gpu.memory_bytes / 1_000_000_000,
            });
        }
        Ok(blocks as u64)
    }
}

/// A model that leaves no room for KV.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{weights_gb} GB of weights a GPU leave no KV memory of {memory_gb} GB")]
pub struct MemoryShortage {
    weights_gb: u64,
    memory_gb: u64,
}

/// A GPU's rates, and what kernels reach of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    name: String,
    pub(super) flops: f64,
    pub(super) bytes_per_s: f64,
    memory_bytes: u64,
    pub(super) sms: f64,
    bus_gb_s: Bus,
    pub(super) gemm: Kernel,
    pub(super) elementwise: Streaming,
    pub(super) prefill_attention: PrefillAttention,
    pub(super) decode_attention: DecodeAttention,
    pub(super) experts: Kernel,
    all_reduce_us: AllReduceStart,
    link_gb_s: f64,
    assumed: Vec<String>,
    source: String,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bus {
    #[serde(rename = "2")]
    two: f64,
    #[serde(rename = "4")]
    four: f64,
    #[serde(rename = "8")]
    eight: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kernel {
    pub(super) start_us: f64,
    pub(super) compute: f64,
    pub(super) memory: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Streaming {
    pub(super) start_us: f64,
    pub(super) memory: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrefillAttention {
    pub(super) start_us: f64,
    pub(super) compute: f64,
    pub(super) extra_tokens: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecodeAttention {
    pub(super) start_us: f64,
    pub(super) memory: f64,
    pub(super) head_ns: f64,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllReduceStart {
    graph: f64,
    eager: f64,
}

impl Gpu {
    /// The GPU of this name.
    ///
    /// # Errors
    /// If no GPU has the name.
    pub fn named(name: &str) -> Result<&'static Self, UnknownName> {
        CATALOGUE.gpus.iter().find(|gpu| gpu.name == name).ok_or_else(|| UnknownName::new("gpu", name, gpus()))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of memory.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.memory_bytes
    }

    /// Which of its constants were assumed, by their names in the data file, and where the others are from. For help texts.
    #[must_use]
    pub fn provenance(&self) -> (&[String], &str) {
        (&self.assumed, &self.source)
    }

    /// Bytes per second of an all-reduce over `tp` GPUs.
    pub(super) fn bus(&self, tp: u64) -> Option<f64> {
        let gb_s = match tp {
            2 => self.bus_gb_s.two,
            4 => self.bus_gb_s.four,
            8 => self.bus_gb_s.eight,
            _ => return None,
        };
        Some(gb_s * 1e9)
    }

    pub(super) fn all_reduce_start_us(&self, launch: Launch) -> f64 {
        match launch {
            Launch::Graph => self.all_reduce_us.graph,
            Launch::Eager => self.all_reduce_us.eager,
        }
    }

    /// Nanoseconds that a token's `bytes` of KV take from instance to instance.
    pub(crate) fn transfer_ns(&self, bytes: u64) -> f64 {
        bytes as f64 / self.link_gb_s
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Launch {
    Graph,
    Eager,
}

/// Time outside the GPU's kernels.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overhead {
    name: String,
    pub(super) iteration_ms: f64,
    pub(super) sequence_us: f64,
    pub(super) launch_ms: f64,
    pub(super) all_reduce: Launch,
    meaning: String,
}

impl Overhead {
    /// The overhead of this name.
    ///
    /// # Errors
    /// If no overhead has the name.
    pub fn named(name: &str) -> Result<&'static Self, UnknownName> {
        let known = CATALOGUE.overheads.iter().find(|overhead| overhead.name == name);
        known.ok_or_else(|| UnknownName::new("overhead", name, overheads().map(|(name, _)| name)))
    }
}

/// The names of all models, in the data file's order.
pub fn models() -> impl Iterator<Item = &'static str> {
    CATALOGUE.models.iter().flat_map(|model| &model.names).map(|named| named.name.as_str())
}

/// The names of all GPUs, in the data file's order.
pub fn gpus() -> impl Iterator<Item = &'static str> {
    CATALOGUE.gpus.iter().map(|gpu| gpu.name.as_str())
}

/// The names of all overheads and what each stands for.
pub fn overheads() -> impl Iterator<Item = (&'static str, &'static str)> {
    CATALOGUE.overheads.iter().map(|overhead| (overhead.name.as_str(), overhead.meaning.as_str()))
}

/// A name that is in no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{name}` is unknown")]
pub struct UnknownName {
    /// What it was to name: `model`, `gpu` and the like.
    pub what: &'static str,
    name: String,
    /// The known name that is most alike.
    pub nearest: &'static str,
}

impl UnknownName {
    pub(crate) fn new(what: &'static str, name: &str, known: impl Iterator<Item = &'static str>) -> Self {
        let typed = name.to_lowercase();
        // Who stopped typing early meant what begins so; others made few mistakes.
        let unlike = |known: &&str| (!known.starts_with(&typed), strsim::damerau_levenshtein(&typed, known));
        let nearest = known.min_by_key(unlike);
        Self { what, name: name.to_owned(), nearest: nearest.expect("something is known") }
    }
}

#[derive(Deserialize)]
struct Catalogue {
    gpus: Vec<Gpu>,
    models: Vec<Model>,
    overheads: Vec<Overhead>,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../data/calibration.json"))
        .expect("the embedded file is tested to be read")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        for (name, nearest) in [("llama3-8b", "llama-3-8b"), ("Mixtral", "mixtral-8x7b"), ("qwen-72b", "qwen2.5-72b")] {
            assert_eq!(Model::named(name).map(|_| ()).unwrap_err().nearest, nearest);
        }
        assert_eq!(Gpu::named("A100-80").map(|_| ()).unwrap_err().nearest, "a100-40");
        assert_eq!(Overhead::named("graphs").map(|_| ()).unwrap_err().to_string(), "overhead `graphs` is unknown");
    }

    #[test]
    fn the_sums_of_parameters_match_the_published_totals() {
        let published = [
            ("llama-2-7b", 6.74, 512),
            ("llama-2-13b", 13.02, 800),
            ("llama-2-70b", 68.98, 320),
            ("llama-3-70b", 70.55, 320),
            ("llama-3.1-8b", 8.03, 128),
            ("llama-3.1-405b", 405.85, 504),
            ("mistral-7b", 7.24, 128),
            ("mixtral-8x7b", 46.70, 128),
            ("qwen2.5-7b", 7.62, 56),
            ("qwen2.5-32b", 32.76, 256),
            ("qwen2.5-72b", 72.70, 320),
            ("yi-34b", 34.39, 240),
            ("phi-2", 2.78, 320),
            ("phi-3-mini", 3.82, 384),
            ("falcon-180b", 178.5, 160),
            ("opt-13b", 12.84, 800),
        ];
        for (name, billions, kv_kib) in published {
            let (model, _) = Model::named(name).unwrap();
            let ours = model.params() as f64 / 1e9;
            assert!((ours - billions).abs() <= 0.0005 * billions + 0.005, "{name}: {ours} G for {billions} G");
            assert_eq!(model.kv_bytes_per_token(), kv_kib * 1024, "{name}");
        }
    }

    #[test]
    fn a_model_that_does_not_fit_says_what_fills_the_memory() {
        let (model, _) = Model::named("llama-3-70b").unwrap();
        let gpu = Gpu::named("h100").unwrap();
        let shortage = model.blocks(gpu, 1, 16).unwrap_err();
        assert_eq!(shortage.to_string(), "141 GB of weights a GPU leave no KV memory of 85 GB");
    }
}
