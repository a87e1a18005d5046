//! How the engine stands and what it has done, under vLLM's names and in vLLM's buckets, so that whatever reads a vLLM server's
//! `/metrics` can be tried on it. Knows no socket: instants are those at which tokens were due.
//!
//! What an engine has no notion of is left out: `fixed` and `queue` have no KV memory and no iterations.

mod courses;
mod histogram;
mod page;

use metron_units::{Nanos, Tokens};

use crate::engine::MemoryUse;
use crate::schedule::{Given, Inside, Standing, What};
use crate::spec::{Kind, Spec};
use crate::words::DEFAULT_MODEL;
pub(super) use courses::Asked;
use courses::{Courses, Step};
use histogram::Histogram;
pub(super) use page::CONTENT_TYPE;
use page::{Family, Page};

use super::answer::Finish;

const TO_FIRST_TOKEN: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];
const BETWEEN_TOKENS: [f64; 19] =
    [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0];
const OF_REQUESTS: [f64; 21] = [
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
];
const OF_ITERATIONS: [u64; 13] = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];

/// The longest text of an engine that has no limit of its own, for the buckets.
const UNLIMITED: u64 = 1_000_000;

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    courses: Courses,
    engine: Option<OfScheduler>,
    prompt_tokens: u64,
    generation_tokens: u64,
    stopped: u64,
    at_length: u64,
    aborted: u64,
    refused: u64,
    to_first_token: Histogram,
    between_tokens: Histogram,
    per_token: Histogram,
    e2e: Histogram,
    queued: Histogram,
    inference: Histogram,
    prefill: Histogram,
    decode: Histogram,
    prompts: Histogram,
    answers: Histogram,
}

/// What only an engine with a scheduler has.
#[derive(Debug)]
struct OfScheduler {
    blocks: u64,
    block_size: u64,
    caches_prefixes: bool,
    prefix_queries: u64,
    prefix_hits: u64,
    preemptions: u64,
    iterations: Histogram,
}

impl Metrics {
    pub(super) fn new(spec: &Spec) -> Self {
        let longest = spec.longest_prompt().map_or(UNLIMITED, Tokens::get);
        let of_requests = || Histogram::of_seconds(&OF_REQUESTS);
        Self {
            courses: Courses::default(),
            engine: OfScheduler::of(spec),
            prompt_tokens: 0,
            generation_tokens: 0,
            stopped: 0,
            at_length: 0,
            aborted: 0,
            refused: 0,
            to_first_token: Histogram::of_seconds(&TO_FIRST_TOKEN),
            between_tokens: Histogram::of_seconds(&BETWEEN_TOKENS),
            per_token: Histogram::of_seconds(&BETWEEN_TOKENS),
            e2e: of_requests(),
            queued: of_requests(),
            inference: of_requests(),
            prefill: of_requests(),
            decode: of_requests(),
            prompts: Histogram::of_tokens(one_two_five(longest)),
            answers: Histogram::of_tokens(one_two_five(longest)),
        }
    }

    /// A request was taken up.
    pub(super) fn arrived(&mut self, request: u64, asked: Asked) {
        self.courses.begin(request, asked);
    }

    /// Its client has gone, or it was cut short.
    pub(super) fn gone(&mut self, request: u64) {
        self.aborted += u64::from(self.courses.end(request).is_some());
    }

    /// Something went on inside the engine.
    pub(super) fn inside(&mut self, inside: &Inside) {
        match *inside {
            Inside::Admitted { request, at, cached } => {
                let first_time = self.courses.admitted(request, at, cached);
                if let (Some(engine), Some(prompt)) = (&mut self.engine, first_time)
                    && engine.caches_prefixes
                {
                    engine.prefix_queries += prompt.get();
                    engine.prefix_hits += cached.get();
                }
            }
            Inside::Preempted => self.engine.iter_mut().for_each(|engine| engine.preemptions += 1),
            Inside::Iteration(iteration) => {
                let tokens = Tokens::new(iteration.prefill.get() + iteration.decoding);
                self.engine.iter_mut().for_each(|engine| engine.iterations.tokens(tokens));
            }
        }
    }

    /// Tokens of a request's prompt that the prefix cache had when it was first let in; `None` where there is no such cache, or
    /// no such request in flight.
    pub(super) fn cached(&self, request: u64) -> Option<Tokens> {
        self.engine.as_ref().filter(|engine| engine.caches_prefixes).and_then(|_| self.courses.cached(request))
    }

    /// A request was given something.
    pub(super) fn given(&mut self, given: &Given) {
        match given.what {
            What::Token { index, last } => {
                match self.courses.token(given.request, given.at) {
                    Some(Step::First { since_arrival, prompt }) => {
                        self.prompt_tokens += prompt.get();
                        self.to_first_token.time(since_arrival);
                    }
                    Some(Step::Next { since_last }) => self.between_tokens.time(since_last),
                    // It was cut short, and its engine does not know yet.
                    None => return,
                }
                self.generation_tokens += 1;
                if last {
                    self.finished(given.request, Tokens::new(index + 1));
                }
            }
            What::Refused(_) => self.refused += u64::from(self.courses.end(given.request).is_some()),
        }
    }

    fn finished(&mut self, request: u64, given: Tokens) {
        let Some(course) = self.courses.end(request) else { return };
        let asked = course.asked;
        match Finish::of(given, asked.output, asked.most) {
            Finish::Stop => self.stopped += 1,
            Finish::Length => self.at_length += 1,
        }
        let first = course.first.unwrap_or(course.last);
        let admitted = course.admitted.unwrap_or(asked.arrived);
        let decode = course.last.saturating_sub(first);
        self.e2e.time(course.last.saturating_sub(asked.arrived));
        self.queued.time(admitted.saturating_sub(asked.arrived));
        self.inference.time(course.last.saturating_sub(admitted));
        self.prefill.time(first.saturating_sub(admitted));
        self.decode.time(decode);
        if given.get() > 1 {
            self.per_token.time(Nanos::new(decode.get() / (given.get() - 1)));
        }
        self.prompts.tokens(asked.prompt);
        self.answers.tokens(given);
    }

    /// The page, with the engine as it stands.
    pub(super) fn page(&self, standing: &Standing) -> String {
        let mut page = Page::new(DEFAULT_MODEL);
        let family = |name, help| Family { name, help };
        page.gauge(family("vllm:num_requests_running", "Requests that are computed."), standing.running as f64);
        page.gauge(family("vllm:num_requests_waiting", "Requests that wait."), standing.waiting as f64);
        if let Some(engine) = &self.engine {
            engine.write(standing.memory.as_deref().unwrap_or_default(), &mut page);
        }
        page.counter(family("vllm:prompt_tokens_total", "Prompt tokens whose prefill is done."), self.prompt_tokens);
        page.counter(family("vllm:generation_tokens_total", "Tokens given."), self.generation_tokens);
        page.counters(
            family("vllm:request_success_total", "Requests that ended, by the reason."),
            "finished_reason",
            &[("stop", self.stopped), ("length", self.at_length), ("abort", self.aborted), ("error", self.refused)],
        );
        for (name, help, histogram) in self.histograms() {
            page.histogram(family(name, help), histogram);
        }
        page.into_text()
    }

    fn histograms(&self) -> [(&'static str, &'static str, &Histogram); 11] {
        [
            ("vllm:time_to_first_token_seconds", "From arrival to the first token.", &self.to_first_token),
            ("vllm:inter_token_latency_seconds", "From one token to the next.", &self.between_tokens),
            ("vllm:time_per_output_token_seconds", "The same under its older name.", &self.between_tokens),
            ("vllm:request_time_per_output_token_seconds", "Mean gap of each finished request.", &self.per_token),
            ("vllm:e2e_request_latency_seconds", "From arrival to the last token.", &self.e2e),
            ("vllm:request_queue_time_seconds", "From arrival to the first scheduling.", &self.queued),
            ("vllm:request_inference_time_seconds", "From the first scheduling to the last token.", &self.inference),
            ("vllm:request_prefill_time_seconds", "From the first scheduling to the first token.", &self.prefill),
            ("vllm:request_decode_time_seconds", "From the first token to the last.", &self.decode),
            ("vllm:request_prompt_tokens", "Prompt tokens of each finished request.", &self.prompts),
            ("vllm:request_generation_tokens", "Tokens given to each finished request.", &self.answers),
        ]
    }
}

impl OfScheduler {
    fn of(spec: &Spec) -> Option<Self> {
        let Kind::Scheduled(scheduled) = &spec.kind else { return None };
        let (blocks, block_size) = scheduled.config.blocks();
        Some(Self {
            blocks,
            block_size,
            caches_prefixes: scheduled.config.cached_block_size().is_some(),
            prefix_queries: 0,
            prefix_hits: 0,
            preemptions: 0,
            iterations: Histogram::of_tokens(OF_ITERATIONS.to_vec()),
        })
    }

    fn write(&self, memory: &[MemoryUse], page: &mut Page) {
        let family = |name, help| Family { name, help };
        let blocks: u64 = memory.iter().map(|memory| memory.blocks).sum();
        let free: u64 = memory.iter().map(|memory| memory.free).sum();
        let usage = if blocks == 0 { 0.0 } else { (blocks - free) as f64 / blocks as f64 };
        page.gauge(family("vllm:kv_cache_usage_perc", "Share of the KV blocks in use; 1 is all."), usage);
        page.gauge(family("vllm:gpu_cache_usage_perc", "The same under its older name."), usage);
        let caching = if self.caches_prefixes { "True" } else { "False" };
        page.told(
            family("vllm:cache_config_info", "The KV memory of an instance."),
            &[
                ("block_size", self.block_size.to_string()),
                ("num_gpu_blocks", self.blocks.to_string()),
                ("enable_prefix_caching", caching.to_owned()),
            ],
        );
        page.counter(family("vllm:num_preemptions_total", "Preemptions."), self.preemptions);
        let looked_up = "Prompt tokens looked up in the prefix cache, once a request.";
        page.counter(family("vllm:prefix_cache_queries_total", looked_up), self.prefix_queries);
        page.counter(family("vllm:prefix_cache_hits_total", "Prompt tokens found there."), self.prefix_hits);
        page.counter(family("vllm:gpu_prefix_cache_queries_total", "Queries, older name."), self.prefix_queries);
        page.counter(family("vllm:gpu_prefix_cache_hits_total", "Hits, older name."), self.prefix_hits);
        page.histogram(family("vllm:iteration_tokens_total", "Tokens that an iteration computes."), &self.iterations);
    }
}

/// 1, 2, 5, 10, 20, 50, ... up to `most`.
fn one_two_five(most: u64) -> Vec<u64> {
    let powers = std::iter::successors(Some(1_u64), |power| power.checked_mul(10));
    powers
        .flat_map(|power| [1, 2, 5].map(|times| power.saturating_mul(times)))
        .take_while(|&bound| bound <= most)
        .collect()
}
