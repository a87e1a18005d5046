//! An engine's description: from keys and values to one in which nothing is open and everything fits. Opens no file.

mod error;
mod pairs;
mod parameters;

pub use error::ConfigError;
pub use parameters::{Parameter, parameters, schedulers};

use std::io;

use super::Layout;
use super::cost::{Cost, Gpu, Model, Overhead, Roofline};
use super::instance::Instance;
use super::layout::{Pools, Single};
use super::memory::{Memory, MemorySize, PrefixCaching};
use super::scheduler::{AdmissionNeeds, Disaggregated, Orca, Reservation, Sarathi, Scheduler, Static, Vllm, VllmV1};
use pairs::{Pairs, refuse};
use parameters::SchedulerName;

/// Longer than any sequence: products of two lengths stay exact.
const MOST_TOKENS: u64 = 100_000_000;
/// More blocks than any GPU has; each costs the simulator some bytes.
const MOST_BLOCKS: u64 = 1 << 24;
const MOST_SEQUENCES: u64 = 1 << 24;
const MOST_INSTANCES: u64 = 1_024;

/// All that an engine is made from.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    rules: Rules,
    memory: MemorySize,
    caching: PrefixCaching,
    max_model_len: u64,
    cost: Cost,
}

#[derive(Debug, Clone, Copy)]
enum Rules {
    Single(Scheduler),
    Pools(Disaggregated),
}

impl EngineConfig {
    /// The engine of this scheduler with parameters as in [`parameters`]; what is left out has its default.
    /// `read` gives the text of a `cost=` file.
    ///
    /// # Errors
    /// If a name or key is unknown, a value is none, or the parts do not fit each other.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(
        scheduler: &str,
        pairs: impl IntoIterator<Item = (K, V)>,
        read: impl FnOnce(&str) -> io::Result<String>,
    ) -> Result<Self, ConfigError> {
        let scheduler = SchedulerName::from_name(scheduler)?;
        let pairs = Pairs::read(scheduler, pairs)?;
        let hardware = Hardware::read(&pairs)?;
        let max_model_len = pairs.whole("max-model-len", 1..=MOST_TOKENS)?.unwrap_or(hardware.max_model_len);
        let memory = hardware.memory(&pairs)?;
        let open = Open { pairs: &pairs, hardware: &hardware, memory, max_model_len };
        let rules = open.rules(scheduler)?;
        let caching = match pairs.yes("prefix-caching")? {
            Some(true) => PrefixCaching::On,
            Some(false) | None => PrefixCaching::Off,
        };
        let cost = hardware.cost(&pairs, read)?;
        Ok(Self { rules, memory, caching, max_model_len, cost })
    }

    /// The most tokens of prompt and answer together.
    #[must_use]
    pub fn max_model_len(&self) -> u64 {
        self.max_model_len
    }

    /// Blocks of KV memory of an instance, and the tokens of each.
    #[must_use]
    pub fn blocks(&self) -> (u64, u64) {
        (u64::from(self.memory.blocks), u64::from(self.memory.block_size))
    }

    /// How long its iterations take.
    #[must_use]
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    pub(super) fn into_parts(self) -> (Cost, Layout) {
        let instance = |number| Instance::new(number, Memory::new(self.memory, self.caching));
        let without_memory =
            |number| Instance::new(number, Memory::new(MemorySize { blocks: 0, ..self.memory }, PrefixCaching::Off));
        let layout = match self.rules {
            Rules::Single(scheduler) => Layout::Single(Box::new(Single::new(scheduler, instance(0)))),
            Rules::Pools(rules) => {
                let (prefill, decode) = (rules.prefill_instances as usize, rules.decode_instances as usize);
                let prefills = (0..prefill).map(without_memory).collect();
                let decodes = (prefill..prefill + decode).map(instance).collect();
                Layout::Pools(Box::new(Pools::new(rules, prefills, decodes)))
            }
        };
        (self.cost, layout)
    }
}

/// The model and what it runs on.
struct Hardware {
    model_name: String,
    model: &'static Model,
    max_model_len: u64,
    gpu: &'static Gpu,
    tp: u64,
    roofline: Roofline,
}

impl Hardware {
    fn read(pairs: &Pairs) -> Result<Self, ConfigError> {
        let model_name = pairs.text("model").unwrap_or("llama-3-8b").to_owned();
        let (model, max_model_len) = Model::named(&model_name)?;
        let gpu = Gpu::named(pairs.text("gpu").unwrap_or("h100"))?;
        let overhead = Overhead::named(pairs.text("overhead").unwrap_or("graph"))?;
        let tp = pairs.whole("tp", 1..=8)?.unwrap_or(1);
        let roofline = Roofline::new(model, gpu, tp, overhead)
            .map_err(|source| ConfigError::TensorParallel { model: model_name.clone(), source })?;
        Ok(Self { model_name, model, max_model_len, gpu, tp, roofline })
    }

    fn memory(&self, pairs: &Pairs) -> Result<MemorySize, ConfigError> {
        let block_size = pairs.whole("block-size", 1..=1 << 20)?.unwrap_or(16);
        let blocks = match pairs.whole("blocks", 1..=MOST_BLOCKS)? {
            Some(blocks) => blocks,
            None => self.model.blocks(self.gpu, self.tp, block_size).map_err(|source| ConfigError::Memory {
                model: self.model_name.clone(),
                gpu: self.gpu.name().to_owned(),
                tp: self.tp,
                source,
            })?,
        };
        let narrow = |number: u64| u32::try_from(number.min(MOST_BLOCKS)).expect("2^24 fits 32 bits");
        Ok(MemorySize { blocks: narrow(blocks), block_size: narrow(block_size) })
    }

    fn cost(&self, pairs: &Pairs, read: impl FnOnce(&str) -> io::Result<String>) -> Result<Cost, ConfigError> {
        let Some(text) = pairs.text("cost") else { return Ok(Cost::Roofline(Box::new(self.roofline.clone()))) };
        if let Some(overhead) = pairs.text("overhead") {
            let reason = "does nothing beside cost, which is the whole iteration".to_owned();
            return Err(refuse("overhead", overhead, reason, format!("cost={text}")));
        }
        if let Some(numbers) = text.strip_prefix("linear:") {
            return Ok(Cost::Linear(numbers.parse()?));
        }
        let contents = read(text).map_err(|source| ConfigError::CostFile { path: text.to_owned(), source })?;
        contents.parse().map(Cost::Table).map_err(|source| ConfigError::Table { path: text.to_owned(), source })
    }

    /// Where vLLM v1 takes its larger defaults.
    fn is_large(&self) -> bool {
        self.gpu.memory_bytes() >= 70 << 30 && !self.gpu.name().starts_with("a100")
    }
}

/// What the schedulers' parameters are resolved from.
struct Open<'a> {
    pairs: &'a Pairs,
    hardware: &'a Hardware,
    memory: MemorySize,
    max_model_len: u64,
}

impl Open<'_> {
    fn rules(&self, scheduler: SchedulerName) -> Result<Rules, ConfigError> {
        Ok(Rules::Single(match scheduler {
            SchedulerName::Static => Scheduler::Static(Static(self.reservation()?)),
            SchedulerName::Orca => Scheduler::Orca(Orca(self.reservation()?)),
            SchedulerName::Vllm => Scheduler::Vllm(self.vllm()?),
            SchedulerName::VllmV1 => Scheduler::VllmV1(self.vllm_v1()?),
            SchedulerName::Sarathi => Scheduler::Sarathi(self.sarathi()?),
            SchedulerName::Disaggregated => return self.disaggregated().map(Rules::Pools),
        }))
    }

    fn reservation(&self) -> Result<Reservation, ConfigError> {
        let room = u64::from(self.memory.blocks) * u64::from(self.memory.block_size);
        if self.max_model_len > room {
            let reason = format!("is more than the {room} tokens of KV memory, so that nothing could ever run");
            let value = self.max_model_len.to_string();
            return Err(refuse("max-model-len", &value, reason, format!("max-model-len={room}")));
        }
        Ok(Reservation { max_num_seqs: self.max_num_seqs(128)?, max_model_len: self.max_model_len })
    }

    fn vllm(&self) -> Result<Vllm, ConfigError> {
        Ok(Vllm {
            max_num_seqs: self.max_num_seqs(128)?,
            max_model_len: self.max_model_len,
            max_num_batched_tokens: self.max_num_batched_tokens(self.max_model_len.max(2048))?,
            watermark_blocks: self.watermark_blocks(self.one_percent())?,
        })
    }

    fn vllm_v1(&self) -> Result<VllmV1, ConfigError> {
        let (seqs, tokens) = if self.hardware.is_large() { (1024, 8192) } else { (256, 2048) };
        let admission_needs = match self.pairs.yes("reserve-full-prompt")? {
            Some(true) | None => AdmissionNeeds::WholePrompt,
            Some(false) => AdmissionNeeds::FirstChunk,
        };
        let threshold = self.pairs.whole("long-prefill-token-threshold", 0..=MOST_TOKENS)?;
        Ok(VllmV1 {
            max_num_seqs: self.max_num_seqs(seqs)?,
            max_model_len: self.max_model_len,
            max_num_batched_tokens: self.max_num_batched_tokens(tokens)?,
            watermark_blocks: self.watermark_blocks(0)?,
            admission_needs,
            long_prefill_token_threshold: threshold.filter(|&tokens| tokens > 0).unwrap_or(u64::MAX),
        })
    }

    fn sarathi(&self) -> Result<Sarathi, ConfigError> {
        Ok(Sarathi {
            max_num_seqs: self.max_num_seqs(128)?,
            max_model_len: self.max_model_len,
            chunk_size: self.pairs.whole("chunk-size", 1..=MOST_TOKENS)?.unwrap_or(512),
            watermark_blocks: self.watermark_blocks(self.one_percent())?,
        })
    }

    fn disaggregated(&self) -> Result<Disaggregated, ConfigError> {
        let instances = |key| self.pairs.whole(key, 1..=MOST_INSTANCES).map(|count| count.unwrap_or(1));
        let link = self.hardware.gpu.transfer_ns(self.hardware.model.kv_bytes_per_token());
        Ok(Disaggregated {
            max_num_seqs: self.max_num_seqs(128)?,
            max_model_len: self.max_model_len,
            max_num_batched_tokens: self.max_num_batched_tokens(self.max_model_len.max(2048))?,
            watermark_blocks: self.watermark_blocks(self.one_percent())?,
            prefill_instances: instances("prefill-instances")?,
            decode_instances: instances("decode-instances")?,
            transfer_ns: self.pairs.ns("transfer-ns")?.unwrap_or(500_000.0),
            transfer_ns_per_token: self.pairs.ns("transfer-ns-per-token")?.unwrap_or(link),
        })
    }

    fn max_num_seqs(&self, default: u64) -> Result<u64, ConfigError> {
        Ok(self.pairs.whole("max-num-seqs", 1..=MOST_SEQUENCES)?.unwrap_or(default))
    }

    fn max_num_batched_tokens(&self, default: u64) -> Result<u64, ConfigError> {
        Ok(self.pairs.whole("max-num-batched-tokens", 1..=MOST_TOKENS)?.unwrap_or(default))
    }

    fn one_percent(&self) -> u64 {
        u64::from(self.memory.blocks) / 100
    }

    /// At most all blocks but one, or nothing could ever run.
    fn watermark_blocks(&self, default: u64) -> Result<u64, ConfigError> {
        let most = u64::from(self.memory.blocks) - 1;
        Ok(self.pairs.whole("watermark-blocks", 0..=most)?.unwrap_or(default))
    }
}
