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
#[derive(Debug, Clone, PartialEq)]
pub struct EngineConfig {
    scheduler: SchedulerName,
    settled: Vec<(&'static str, String)>,
    rules: Rules,
    memory: MemorySize,
    caching: PrefixCaching,
    max_model_len: u64,
    cost: Cost,
}

#[derive(Debug, Clone, Copy, PartialEq)]
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
        let mut pairs = Pairs::read(scheduler, pairs)?;
        let hardware = Hardware::read(&mut pairs)?;
        let cost = hardware.cost(&mut pairs, read)?;
        let max_model_len = pairs.whole("max-model-len", 1..=MOST_TOKENS, hardware.max_model_len)?;
        let memory = hardware.memory(&mut pairs)?;
        let mut open = Open { pairs: &mut pairs, hardware: &hardware, memory, max_model_len };
        let rules = open.rules(scheduler)?;
        let caching = open.caching(scheduler)?;
        Ok(Self { scheduler, settled: pairs.into_settled(), rules, memory, caching, max_model_len, cost })
    }

    /// The scheduler's name.
    #[must_use]
    pub fn scheduler(&self) -> &'static str {
        self.scheduler.name()
    }

    /// Every parameter with its value, defaults included: [`EngineConfig::from_pairs`] makes the same engine of them.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.settled.iter().map(|(key, value)| (*key, value.as_str()))
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

    /// The tokens of a block, where prompts' full blocks are found again by what they hold.
    #[must_use]
    pub fn cached_block_size(&self) -> Option<u64> {
        (self.caching == PrefixCaching::On).then_some(u64::from(self.memory.block_size))
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
}

impl Hardware {
    fn read(pairs: &mut Pairs) -> Result<Self, ConfigError> {
        let model_name = pairs.text("model", "llama-3-8b");
        let (model, max_model_len) = Model::named(&model_name)?;
        let gpu = Gpu::named(&pairs.text("gpu", "h100"))?;
        let tp = pairs.whole("tp", 1..=8, 1)?;
        Ok(Self { model_name, model, max_model_len, gpu, tp })
    }

    fn memory(&self, pairs: &mut Pairs) -> Result<MemorySize, ConfigError> {
        let block_size = pairs.whole("block-size", 1..=1 << 20, 16)?;
        let blocks = pairs.whole_or("blocks", 1..=MOST_BLOCKS, || {
            self.model.blocks(self.gpu, self.tp, block_size).map(|blocks| blocks.min(MOST_BLOCKS)).map_err(|source| {
                let (model, gpu) = (self.model_name.clone(), self.gpu.name().to_owned());
                ConfigError::Memory { model, gpu, tp: self.tp, source }
            })
        })?;
        let narrow = |number| u32::try_from(number).expect("both ranges end below 2^32");
        Ok(MemorySize { blocks: narrow(blocks), block_size: narrow(block_size) })
    }

    fn cost(&self, pairs: &mut Pairs, read: impl FnOnce(&str) -> io::Result<String>) -> Result<Cost, ConfigError> {
        let named = Overhead::named(&pairs.typed("overhead").unwrap_or_else(|| "graph".to_owned()))?;
        let roofline = Roofline::new(self.model, self.gpu, self.tp, named)
            .map_err(|source| ConfigError::TensorParallel { model: self.model_name.clone(), source })?;
        let Some(text) = pairs.typed("cost") else {
            pairs.text("overhead", "graph");
            return Ok(Cost::Roofline(Box::new(roofline)));
        };
        if let Some(overhead) = pairs.typed("overhead") {
            let reason = "does nothing beside cost, which is the whole iteration".to_owned();
            return Err(refuse("overhead", &overhead, reason, format!("cost={text}")));
        }
        pairs.settle("cost", &text);
        if let Some(numbers) = text.strip_prefix("linear:") {
            return Ok(Cost::Linear(numbers.parse()?));
        }
        match read(&text) {
            Err(source) => Err(ConfigError::CostFile { path: text, source }),
            Ok(contents) => {
                contents.parse().map(Cost::Table).map_err(|source| ConfigError::Table { path: text, source })
            }
        }
    }

    /// Where vLLM v1 takes its larger defaults.
    fn is_large(&self) -> bool {
        self.gpu.memory_bytes() >= 70 << 30 && !self.gpu.name().starts_with("a100")
    }
}

/// What the schedulers' parameters are resolved from.
struct Open<'a> {
    pairs: &'a mut Pairs,
    hardware: &'a Hardware,
    memory: MemorySize,
    max_model_len: u64,
}

impl Open<'_> {
    fn rules(&mut self, scheduler: SchedulerName) -> Result<Rules, ConfigError> {
        Ok(Rules::Single(match scheduler {
            SchedulerName::Static => Scheduler::Static(Static(self.reservation()?)),
            SchedulerName::Orca => Scheduler::Orca(Orca(self.reservation()?)),
            SchedulerName::Vllm => Scheduler::Vllm(self.vllm()?),
            SchedulerName::VllmV1 => Scheduler::VllmV1(self.vllm_v1()?),
            SchedulerName::Sarathi => Scheduler::Sarathi(self.sarathi()?),
            SchedulerName::Disaggregated => return self.disaggregated().map(Rules::Pools),
        }))
    }

    fn caching(&mut self, scheduler: SchedulerName) -> Result<PrefixCaching, ConfigError> {
        if scheduler == SchedulerName::VllmV1 {
            return self.pairs.either("prefix-caching", PrefixCaching::On, PrefixCaching::Off, "false");
        }
        Ok(PrefixCaching::Off)
    }

    fn reservation(&mut self) -> Result<Reservation, ConfigError> {
        let room = u64::from(self.memory.blocks) * u64::from(self.memory.block_size);
        if self.max_model_len > room {
            let reason = format!("is more than the {room} tokens of KV memory, so that nothing could ever run");
            let value = self.max_model_len.to_string();
            return Err(refuse("max-model-len", &value, reason, format!("max-model-len={room}")));
        }
        Ok(Reservation { max_num_seqs: self.max_num_seqs(128)?, max_model_len: self.max_model_len })
    }

    fn vllm(&mut self) -> Result<Vllm, ConfigError> {
        Ok(Vllm {
            max_num_seqs: self.max_num_seqs(128)?,
            max_model_len: self.max_model_len,
            max_num_batched_tokens: self.max_num_batched_tokens(self.max_model_len.max(2048))?,
            watermark_blocks: self.watermark_blocks(self.one_percent())?,
        })
    }

    fn vllm_v1(&mut self) -> Result<VllmV1, ConfigError> {
        let (seqs, tokens) = if self.hardware.is_large() { (1024, 8192) } else { (256, 2048) };
        let (whole, first) = (AdmissionNeeds::WholePrompt, AdmissionNeeds::FirstChunk);
        let admission_needs = self.pairs.either("reserve-full-prompt", whole, first, "true")?;
        let threshold = self.pairs.whole("long-prefill-token-threshold", 0..=MOST_TOKENS, 0)?;
        Ok(VllmV1 {
            max_num_seqs: self.max_num_seqs(seqs)?,
            max_model_len: self.max_model_len,
            max_num_batched_tokens: self.max_num_batched_tokens(tokens)?,
            watermark_blocks: self.watermark_blocks(0)?,
            admission_needs,
            long_prefill_token_threshold: if threshold == 0 { u64::MAX } else { threshold },
        })
    }

    fn sarathi(&mut self) -> Result<Sarathi, ConfigError> {
        Ok(Sarathi {
            max_num_seqs: self.max_num_seqs(128)?,
            max_model_len: self.max_model_len,
            chunk_size: self.pairs.whole("chunk-size", 1..=MOST_TOKENS, 512)?,
            watermark_blocks: self.watermark_blocks(self.one_percent())?,
        })
    }

    fn disaggregated(&mut self) -> Result<Disaggregated, ConfigError> {
        let link = self.hardware.gpu.transfer_ns(self.hardware.model.kv_bytes_per_token());
        Ok(Disaggregated {
            max_num_seqs: self.max_num_seqs(128)?,
            max_model_len: self.max_model_len,
            max_num_batched_tokens: self.max_num_batched_tokens(self.max_model_len.max(2048))?,
            watermark_blocks: self.watermark_blocks(self.one_percent())?,
            prefill_instances: self.pairs.whole("prefill-instances", 1..=MOST_INSTANCES, 1)?,
            decode_instances: self.pairs.whole("decode-instances", 1..=MOST_INSTANCES, 1)?,
            transfer_ns: self.pairs.ns("transfer-ns", 500_000.0)?,
            transfer_ns_per_token: self.pairs.ns("transfer-ns-per-token", link)?,
        })
    }

    fn max_num_seqs(&mut self, default: u64) -> Result<u64, ConfigError> {
        self.pairs.whole("max-num-seqs", 1..=MOST_SEQUENCES, default)
    }

    fn max_num_batched_tokens(&mut self, default: u64) -> Result<u64, ConfigError> {
        self.pairs.whole("max-num-batched-tokens", 1..=MOST_TOKENS, default)
    }

    fn one_percent(&self) -> u64 {
        u64::from(self.memory.blocks) / 100
    }

    /// At most all blocks but one, or nothing could ever run.
    fn watermark_blocks(&mut self, default: u64) -> Result<u64, ConfigError> {
        let most = u64::from(self.memory.blocks) - 1;
        self.pairs.whole("watermark-blocks", 0..=most, default)
    }
}
