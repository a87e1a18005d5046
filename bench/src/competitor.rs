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

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// `vllm-rs bench serve`, the binary in vLLM's wheel.
    VllmRs,
    /// `sglang-bench`, a Python extension in SGLang's wheel: the folder that holds it.
    Sglang,
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
    /// The 99th percentile of gaps between tokens, in seconds.
    pub gap_p99_s: f64,
}

impl FromStr for Competitor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').ok_or("expected NAME=PATH")?;
        let kind = match name {
            "vllm-rs" => Kind::VllmRs,
            "sglang" => Kind::Sglang,
            _ => return Err(format!("`{name}` is not known; known are vllm-rs and sglang")),
        };
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
        match self.kind {
            Kind::VllmRs => "vllm-rs",
            Kind::Sglang => "sglang",
        }
    }

    /// Runs it on the client's core: a closed loop of so many streams against `address`, with one worker thread where it can be
    /// told. `folder` takes its files.
    ///
    /// # Errors
    /// If it cannot be started, or leaves no result.
    pub fn run(
        &self,
        folder: &Path,
        address: &str,
        streams: u64,
        requests: u64,
        tokens: u64,
    ) -> io::Result<(Figures, Cost)> {
        let (tokenizer, result) = (folder.join("tokenizer"), folder.join("result.json"));
        write_tokenizer(&tokenizer)?;
        // SGLang appends.
        if result.exists() {
            std::fs::remove_file(&result)?;
        }
        let mut command = self.command();
        command.args(["--base-url", &format!("http://{address}"), "--model", "bench", "--disable-tqdm", "--tokenizer"]);
        command.arg(&tokenizer).args(["--random-input-len", "16", "--random-output-len", &tokens.to_string()]);
        command.args(["--num-prompts", &requests.to_string(), "--max-concurrency", &streams.to_string()]);
        match self.kind {
            Kind::VllmRs => command.args(["--save-result", "--result-filename"]).arg(&result),
            Kind::Sglang => command.arg("--output-file").arg(&result),
        };
        let finished = child::run(&mut command)?;
        let said = std::fs::read_to_string(&result).map_err(|error| {
            io::Error::other(format!("{} ended with {:?} and left no result: {error}", self.name(), finished.code))
        })?;
        let said: Value = serde_json::from_str(&said).map_err(io::Error::other)?;
        let number = |name: &str| {
            let value = said[name].as_f64();
            value.ok_or_else(|| io::Error::other(format!("{} does not say `{name}`", self.name())))
        };
        let figures = Figures {
            completed: said["completed"].as_u64().unwrap_or(0),
            tokens_per_s: number("output_throughput")?,
            ttft_p99_s: number("p99_ttft_ms")? / 1e3,
            gap_p99_s: number("p99_itl_ms")? / 1e3,
        };
        Ok((figures, finished.cost))
    }

    /// What starts it, with the flags that are its own.
    fn command(&self) -> Command {
        match self.kind {
            Kind::VllmRs => {
                let mut command = on_core(CLIENT_CORE, &self.path);
                command.args(["bench", "serve", "--backend", "openai-chat", "--endpoint", "/v1/chat/completions"]);
                command.args(["--dataset-name", "random", "--ignore-eos"]);
                command
            }
            Kind::Sglang => {
                let mut command = on_core(CLIENT_CORE, "python3");
                let start = "import sys; sys.path.insert(0, sys.argv.pop(1)); import _bench; \
                             _bench.run_argv(['sglang-bench'] + sys.argv[1:])";
                command.args(["-c", start]).arg(&self.path).args(["--backend", "sglang-oai-chat"]);
                command.args(["--dataset-name", "random-ids", "--random-range-ratio", "1.0"]);
                command.args(["--worker-threads", "1", "--warmup-requests", "0"]);
                command
            }
        }
    }
}

/// A tokenizer of a few words: both want one, and neither's prompts matter here.
fn write_tokenizer(folder: &Path) -> io::Result<()> {
    let words: serde_json::Map<String, Value> =
        (0..3_000u32).map(|id| (if id == 0 { "[UNK]".to_owned() } else { format!("w{id}") }, id.into())).collect();
    let tokenizer = serde_json::json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": { "type": "Whitespace" }, "post_processor": null, "decoder": null,
        "model": { "type": "WordLevel", "vocab": words, "unk_token": "[UNK]" },
    });
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join("tokenizer.json"), tokenizer.to_string())
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
