//! How an engine is described: every parameter changes something, and what is no engine is refused with what could be typed.

use std::collections::BTreeMap;
use std::io;

use metron_sim::engine::{
    ConfigError, Engine, EngineConfig, Event, Request, RequestId, SharedPrefix, parameters, run_virtual, schedulers,
};
use metron_units::{Nanos, Tokens};

const TABLE: &str = "prefill_tokens,decode_seqs,ns\n0,1,5000000\n100,0,6000000\n100,1,6100000\n";

fn read(path: &str) -> io::Result<String> {
    match path {
        "times.csv" => Ok(TABLE.to_owned()),
        "words.csv" => Ok("once upon a time".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn config(scheduler: &str, pairs: &[(&str, &str)]) -> Result<EngineConfig, ConfigError> {
    EngineConfig::from_pairs(scheduler, pairs.iter().copied(), read)
}

/// An engine whose memory, seats and budget are all short for the load of [`trace`].
fn short_of_everything(scheduler: &str) -> BTreeMap<&'static str, &'static str> {
    let mut pairs = BTreeMap::from([("blocks", "200"), ("max-model-len", "600"), ("max-num-seqs", "12")]);
    if scheduler == "vllm-v1" {
        pairs.insert("max-num-batched-tokens", "256");
    }
    pairs
}

fn trace(scheduler: &str, pairs: &BTreeMap<&str, &str>) -> Vec<Event> {
    let config = EngineConfig::from_pairs(scheduler, pairs, read).expect("an engine");
    let requests = (0..40).map(|id| Request {
        id: RequestId::new(id),
        arrival: Nanos::new(id * 10_000_000),
        prompt: Tokens::new(100 + 71 * id % 300),
        output: Tokens::new(50 + 37 * id % 200),
        shared: (id % 2 == 0).then_some(SharedPrefix { group: 1, tokens: Tokens::new(90) }),
    });
    let mut events = Vec::new();
    run_virtual(&mut Engine::new(config), requests, |event| events.push(*event));
    events
}

/// A value other than what [`short_of_everything`] has.
fn another_value(key: &str) -> &'static str {
    match key {
        "model" => "mistral-7b",
        "gpu" => "a100",
        "tp" => "2",
        "overhead" => "none",
        "cost" => "times.csv",
        "max-model-len" => "250",
        "max-num-seqs" => "2",
        "block-size" => "32",
        "blocks" => "100",
        "watermark-blocks" => "90",
        "max-num-batched-tokens" => "450",
        "chunk-size" => "64",
        "reserve-full-prompt" => "false",
        "long-prefill-token-threshold" => "48",
        "prefix-caching" => "true",
        "prefill-instances" | "decode-instances" => "2",
        "transfer-ns" => "7000000",
        "transfer-ns-per-token" => "0.5",
        _ => panic!("a new parameter needs a value here"),
    }
}

#[test]
fn every_parameter_of_every_scheduler_changes_what_the_engine_does() {
    for scheduler in schedulers() {
        let base = short_of_everything(scheduler);
        let before = trace(scheduler, &base);
        for parameter in parameters(scheduler).expect("a scheduler") {
            let mut pairs = base.clone();
            pairs.insert(parameter.name, another_value(parameter.name));
            assert_ne!(trace(scheduler, &pairs), before, "{scheduler}: {}", parameter.name);
        }
    }
}

#[test]
fn nothing_needs_to_be_named() {
    for scheduler in schedulers() {
        assert_eq!(config(scheduler, &[]).expect("defaults").max_model_len(), 8192, "{scheduler}");
    }
}

#[test]
fn a_config_tells_every_parameter_and_reads_back_to_itself() {
    for scheduler in schedulers() {
        for cost in ["", "linear:1000,2.5,3", "times.csv"] {
            let typed: Vec<_> = [("cost", cost), ("gpu", "a100"), ("max-num-seqs", "7")]
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect();
            let config = config(scheduler, &typed).expect("an engine");
            let mut told: Vec<&str> = config.pairs().map(|(key, _)| key).collect();
            told.sort_unstable();
            // One of the two says how long an iteration takes.
            let silent = if cost.is_empty() { "cost" } else { "overhead" };
            let mut known: Vec<&str> = parameters(scheduler).expect("a scheduler").map(|p| p.name).collect();
            known.retain(|name| *name != silent);
            known.sort_unstable();
            assert_eq!(told, known, "{scheduler}");
            let again = EngineConfig::from_pairs(config.scheduler(), config.pairs(), read).expect("the same engine");
            assert_eq!(again, config, "{scheduler}");
        }
    }
}

#[track_caller]
fn refused(scheduler: &str, pairs: &[(&str, &str)], message: &str, hint: Option<&str>) {
    let error = config(scheduler, pairs).expect_err(message);
    assert_eq!(error.to_string(), message);
    assert_eq!(error.hint().as_deref(), hint, "{message}");
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest() {
    refused("vlm", &[], "scheduler `vlm` is unknown", Some("vllm"));
    refused("vllm", &[("model", "llama3-8b")], "model `llama3-8b` is unknown", Some("llama-3-8b"));
    refused("vllm", &[("gpu", "H10")], "gpu `H10` is unknown", Some("h100"));
    refused("vllm", &[("overhead", "graphs")], "overhead `graphs` is unknown", Some("graph"));
    refused("vllm", &[("max_num_seqs", "4")], "`max_num_seqs` is no parameter of vllm", Some("max-num-seqs"));
    refused("sarathi", &[("chunksize", "4")], "`chunksize` is no parameter of sarathi", Some("chunk-size"));
}

#[test]
fn a_parameter_of_another_scheduler_is_refused() {
    let message = "`chunk-size` is no parameter of vllm";
    refused("vllm", &[("chunk-size", "256")], message, Some("block-size"));
}

#[test]
fn a_value_that_cannot_be_is_refused_with_one_that_can() {
    refused("vllm", &[("tp", "3")], "llama-3-8b cannot run: tp=3 is not 1, 2, 4 or 8", Some("tp=1"));
    refused("vllm", &[("tp", "0")], "tp `0` is not a whole number from 1 to 8", Some("tp=1"));
    refused("vllm", &[("tp", "16")], "tp `16` is not a whole number from 1 to 8", Some("tp=8"));
    let watermark = [("blocks", "10"), ("watermark-blocks", "10")];
    let message = "watermark-blocks `10` is not a whole number from 0 to 9";
    refused("vllm", &watermark, message, Some("watermark-blocks=9"));
    let message = "prefix-caching `on` is neither true nor false";
    refused("vllm-v1", &[("prefix-caching", "on")], message, Some("prefix-caching=true"));
    let message = "transfer-ns `-1` is not a number of nanoseconds, up to an hour";
    refused("disaggregated", &[("transfer-ns", "-1")], message, Some("transfer-ns=500000"));
    refused("vllm", &[("tp", "1"), ("tp", "2")], "`tp` is given twice", None);
}

#[test]
fn parts_that_do_not_fit_each_other_are_refused() {
    let message = "llama-3-70b does not fit h100 at tp=1: 141 GB of weights a GPU leave no KV memory of 85 GB";
    refused("vllm", &[("model", "llama-3-70b")], message, Some("tp=2"));
    let message = "qwen2.5-7b cannot run: 28 query heads cannot be shared equally by 8 GPUs";
    refused("vllm", &[("model", "qwen2.5-7b"), ("tp", "8")], message, Some("tp=1"));
    let message = "max-model-len `8192` is more than the 160 tokens of KV memory, so that nothing could ever run";
    refused("orca", &[("blocks", "10")], message, Some("max-model-len=160"));
    let message = "overhead `none` does nothing beside cost, which is the whole iteration";
    refused("vllm", &[("overhead", "none"), ("cost", "linear:1,2,3")], message, Some("cost=linear:1,2,3"));
}

#[test]
fn a_cost_that_cannot_be_read_says_where_and_why() {
    let message = "cost file `gone.csv` cannot be read: entity not found";
    refused("vllm", &[("cost", "gone.csv")], message, None);
    let message = "cost file `words.csv`: the first line is `once upon a time`, not `prefill_tokens,decode_seqs,ns`";
    refused("vllm", &[("cost", "words.csv")], message, None);
    let message = "linear cost `1,2` is not three numbers of nanoseconds, none below zero";
    refused("vllm", &[("cost", "linear:1,2")], message, Some("cost=linear:10000000,10000,1000000"));
}
