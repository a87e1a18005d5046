//! Other load generators: how each is started on the same load, and where it says what it measured. `bench/competitors` fetches them
//! in the versions that this was written for.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use serde_json::Value;

use crate::bed::CLIENT_CORE;
use crate::child::{self, on_core};
use crate::cost::Cost;

/// A load generator beside metron.
#[derive(Debug, Clone)]
pub struct Competitor {
    kind: Kind,
    /// What is started.
    path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `vllm-rs bench serve`, the binary in vLLM's wheel.
    VllmRs,
    /// `sglang-bench`, a Python extension in SGLang's wheel: the folder that holds it.
    Sglang,
    /// The request function of `vllm bench serve`: a Python environment, with that file beside it.
    VllmPython,
    /// AIPerf's Python environment.
    Aiperf,
    /// GuideLLM's Python environment.
    Guidellm,
}

/// Their names, on the command line and in tables.
const KINDS: [(&str, Kind); 5] = [
    ("vllm-rs", Kind::VllmRs),
    ("sglang", Kind::Sglang),
    ("vllm-python", Kind::VllmPython),
    ("aiperf", Kind::Aiperf),
    ("guidellm", Kind::Guidellm),
];

/// What is asked of a load generator: a closed loop.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// The server's `HOST:PORT`.
    pub address: &'a str,
    /// Requests in flight.
    pub streams: u64,
    /// Requests in all.
    pub requests: u64,
    /// Output tokens of each.
    pub tokens: u64,
}

/// What a load generator says of a run.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Requests that it counts as answered.
    pub completed: u64,
    /// Output tokens a second.
    pub tokens_per_s: f64,
    /// The 99th percentile of TTFT, in seconds.
    pub ttft_p99_s: f64,
    /// The 99th percentile of gaps between tokens, in seconds; `None` where it says none.
    pub gap_p99_s: Option<f64>,
}

impl FromStr for Competitor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').ok_or("expected NAME=PATH")?;
        let known = KINDS.map(|(name, _)| name).join(", ");
        let kind =
            KINDS.iter().find(|kind| kind.0 == name).ok_or(format!("`{name}` is not known; known are {known}"))?.1;
        let path = PathBuf::from(path);
        if !path.exists() {
            return Err(format!("there is no {}; `bench/competitors FOLDER` fetches it", path.display()));
        }
        Ok(Self { kind, path })
    }
}

impl Competitor {
    /// Its name on the command line and in tables.
    #[must_use]
    pub fn name(&self) -> &'static str {
        KINDS.iter().find(|kind| kind.1 == self.kind).map_or("", |kind| kind.0)
    }

    /// Runs it on the client's core, with one worker thread where it can be told. `folder` takes its files.
    ///
    /// # Errors
    /// If it cannot be started, or leaves no result.
    pub fn run(&self, folder: &Path, load: Load<'_>) -> io::Result<(Figures, Cost)> {
        let (tokenizer, result) = (folder.join("tokenizer"), folder.join("result"));
        write_tokenizer(&tokenizer)?;
        // SGLang appends, and what another has left must not be read for this one's.
        if result.exists() {
            std::fs::remove_dir_all(&result)?;
        }
        std::fs::create_dir(&result)?;
        let finished = child::run(&mut self.command(load, &tokenizer, &result))?;
        let said = self.read(&result).map_err(|error| {
            io::Error::other(format!("{} ended with {:?} and left no result: {error}", self.name(), finished.code))
        })?;
        let number = |path: &str| {
            let value = said.pointer(path).and_then(Value::as_f64);
            value.ok_or_else(|| io::Error::other(format!("{} does not say `{path}`", self.name())))
        };
        let figures = match self.kind {
            Kind::VllmRs | Kind::Sglang | Kind::VllmPython => Figures {
                completed: number("/completed")? as u64,
                tokens_per_s: number("/output_throughput")?,
                ttft_p99_s: number("/p99_ttft_ms")? / 1e3,
                gap_p99_s: Some(number("/p99_itl_ms")? / 1e3),
            },
            Kind::Aiperf => Figures {
                completed: number("/request_count/avg")? as u64,
                tokens_per_s: number("/output_token_throughput/avg")?,
                ttft_p99_s: number("/time_to_first_token/p99")? / 1e3,
                gap_p99_s: Some(number("/inter_chunk_latency/p99")? / 1e3),
            },
            Kind::Guidellm => Figures {
                completed: number("/benchmarks/0/metrics/request_totals/successful")? as u64,
                tokens_per_s: number("/benchmarks/0/metrics/output_tokens_per_second/successful/mean")?,
                ttft_p99_s: number("/benchmarks/0/metrics/time_to_first_token_ms/successful/percentiles/p99")? / 1e3,
                // Of each request it keeps the mean alone.
                gap_p99_s: None,
            },
        };
        Ok((figures, finished.cost))
    }

    /// What starts it; its files go to `result`.
    fn command(&self, load: Load<'_>, tokenizer: &Path, result: &Path) -> Command {
        let (url, tokens) = (format!("http://{}", load.address), load.tokens.to_string());
        let (streams, requests) = (load.streams.to_string(), load.requests.to_string());
        let program = |name: &str| on_core(CLIENT_CORE, self.path.join("bin").join(name));
        let mut command = match self.kind {
            Kind::VllmRs => {
                let mut command = on_core(CLIENT_CORE, &self.path);
                command.args(["bench", "serve", "--backend", "openai-chat", "--endpoint", "/v1/chat/completions"]);
                command.args(["--dataset-name", "random", "--ignore-eos", "--save-result", "--result-filename"]);
                command
            }
            Kind::Sglang => {
                let mut command = on_core(CLIENT_CORE, "python3");
                let start = "import sys; sys.path.insert(0, sys.argv.pop(1)); import _bench; \
                             _bench.run_argv(['sglang-bench'] + sys.argv[1:])";
                command.args(["-c", start]).arg(&self.path).args(["--backend", "sglang-oai-chat"]);
                command.args(["--dataset-name", "random-ids", "--random-range-ratio", "1.0"]);
                command.args(["--worker-threads", "1", "--warmup-requests", "0", "--output-file"]);
                command
            }
            Kind::VllmPython => {
                let mut command = program("python");
                command
                    .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/vllm_python.py"))
                    .arg(&self.path)
                    .arg("--output-file");
                command
            }
            Kind::Aiperf => {
                let mut command = program("aiperf");
                command.args(["profile", "--model", "bench", "--url", &url, "--endpoint-type", "chat", "--streaming"]);
                command.args([
                    "--concurrency",
                    &streams,
                    "--request-count",
                    &requests,
                    "--isl",
                    "16",
                    "--osl",
                    &tokens,
                ]);
                command.args(["--extra-inputs", "ignore_eos:true", "--ui", "none", "--tokenizer"]).arg(tokenizer);
                command.arg("--artifact-dir").arg(result);
                return command;
            }
            Kind::Guidellm => {
                let mut command = program("guidellm");
                command.args(["run", "--disable-console"]);
                let json = result.join(GUIDELLM);
                command.args(guidellm_flags(&url, load, tokenizer, &json));
                return command;
            }
        };
        command.arg(result.join(RESULT)).args([
            "--base-url",
            &url,
            "--model",
            "bench",
            "--disable-tqdm",
            "--tokenizer",
        ]);
        command.arg(tokenizer).args(["--random-input-len", "16", "--random-output-len", &tokens]);
        command.args(["--num-prompts", &requests, "--max-concurrency", &streams]);
        command
    }

    /// The file that it left in `result`.
    fn read(&self, result: &Path) -> io::Result<Value> {
        let name = match self.kind {
            Kind::VllmRs | Kind::Sglang | Kind::VllmPython => RESULT,
            Kind::Aiperf => "profile_export_aiperf.json",
            Kind::Guidellm => GUIDELLM,
        };
        serde_json::from_slice(&std::fs::read(result.join(name))?).map_err(io::Error::other)
    }
}

/// GuideLLM's flags: each names a kind and its settings.
fn guidellm_flags(url: &str, load: Load<'_>, tokenizer: &Path, json: &Path) -> Vec<String> {
    let Load { streams, requests, tokens, .. } = load;
    let flags = [
        ("--backend", format!("openai_http,target={url},model=bench")),
        ("--profile", format!("concurrent,streams={streams}")),
        ("--constraint", format!("max_requests,count={requests}")),
        ("--tokenizer", format!("huggingface_auto,model={}", tokenizer.display())),
        ("--data", format!("synthetic_text,prompt_tokens=16,output_tokens={tokens}")),
        ("--output", format!("json,path={}", json.display())),
    ];
    flags.into_iter().flat_map(|(flag, kind)| [flag.to_owned(), format!("kind={kind}")]).collect()
}

/// What the result of those is called that take a file's name.
const RESULT: &str = "result.json";
const GUIDELLM: &str = "guidellm.json";

/// A tokenizer of a few words: nearly all want one, and nobody's prompts matter here.
fn write_tokenizer(folder: &Path) -> io::Result<()> {
    let words: serde_json::Map<String, Value> =
        (0..3_000u32).map(|id| (if id == 0 { "[UNK]".to_owned() } else { format!("w{id}") }, id.into())).collect();
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": { "type": "Whitespace" }, "post_processor": null, "decoder": null,
        "model": { "type": "WordLevel", "vocab": words, "unk_token": "[UNK]" },
    });
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string())?;
    let class = serde_json::json!({ "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]" });
    std::fs::write(folder.join("tokenizer_config.json"), class.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_or_not_there_is_refused() {
        for text in ["vllm-rs", "wrk=/", "sglang=/no/such/folder"] {
            assert!(text.parse::<Competitor>().is_err(), "{text}");
        }
        assert_eq!("sglang=/".parse::<Competitor>().map(|it| it.name()), Ok("sglang"));
    }
}
