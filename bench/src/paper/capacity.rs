//! Which scheduler carries more requests depends on what is promised: under a tight deadline chunks cost as much as they save, under a
//! loose one they win, and a bound on the tail of the gaps alone says something else again. The paper's figure 6a, and the
//! Sarathi-Serve paper's capacities.
//!
//! Capacities here are found as both papers found theirs: by bisection over runs of one length and one seed. `metron capacity`
//! gives an interval instead; these figures have about the resolution of the published ones.

use metron_metrics::Objective;
use metron_report::plot::{Axis, Plot, Series};
use metron_runner::RunError;
use metron_runner::search::prefill::Profile;
use metron_units::Nanos;

use super::simulated::{Load, profile, summary};
use super::{Found, Lengths, Published, Setting, Table};

/// Neighbouring rates of a bisection when it ends.
const RESOLUTION: f64 = 1.04;
/// Rates that every engine here carries, and that none does.
const RANGE: (f64, f64) = (0.1, 12.8);

/// What is promised.
#[derive(Debug, Clone)]
pub(super) struct Promise {
    /// Objectives, in the language of `--slo`.
    pub(super) objectives: Vec<Objective>,
    /// What a prompt of each length is allowed, and each later token; the run's own deadlines if `None`.
    pub(super) deadlines: Option<(Profile, Nanos)>,
}

/// The slack that is added to a prompt's own time.
const SLACK: Nanos = Nanos::from_millis(300);

impl Promise {
    /// 99 % of requests keep nine tenths of their deadlines: each prompt its own time on the engine and [`SLACK`], each later
    /// token `tbt`.
    pub(super) fn fluid(load: &Load<'_>, tbt: Nanos) -> Result<Self, RunError> {
        let deadlines = Some((profile(load.engine, load.lengths.longest)?, tbt));
        Ok(Self { objectives: vec![objective("fluidity >= 0.9 for 99%")], deadlines })
    }

    /// Of all gaps 99 % within `tbt`, and half of the first tokens within `ttft`.
    pub(super) fn tail(tbt: Nanos, ttft: Nanos) -> Self {
        let objectives = vec![objective(&format!("p99 tbt <= {tbt}")), objective(&format!("p50 ttft <= {ttft}"))];
        Self { objectives, deadlines: None }
    }

    /// Whether a load keeps it.
    pub(super) fn holds(&self, load: &Load<'_>) -> Result<bool, RunError> {
        let mut records = load.run()?;
        if let Some((profile, tbt)) = &self.deadlines {
            for record in &mut records {
                record.deadlines.ttft = profile.extrapolate(record.planned_input_tokens).ttft.saturating_add(SLACK);
                record.deadlines.tbt = *tbt;
            }
        }
        let decided = summary(&records, self.objectives.clone()).objectives;
        Ok(decided.iter().all(|decision| decision.held == Some(true)))
    }

    /// The highest rate that keeps it; the lowest that does not is at most `resolution` times as high.
    pub(super) fn capacity(&self, load: &Load<'_>, resolution: f64) -> Result<f64, RunError> {
        let (mut held, mut missed) = RANGE;
        while missed / held > resolution {
            let rate = (held * missed).sqrt();
            if self.holds(&Load { rate, ..load.clone() })? { held = rate } else { missed = rate }
        }
        Ok(held)
    }
}

fn objective(text: &str) -> Objective {
    text.parse().expect("an objective of this file")
}

/// Llama-3-8B on one H100 with the host side of the summer of 2024, as in the paper's figure 6.
pub(super) const ETALON: &str = "model=llama-3-8b&gpu=h100&overhead=vllm-0.5";

/// An engine of the Sarathi-Serve paper with its bound on gaps.
pub(super) struct Served {
    pub(super) name: &'static str,
    pub(super) hardware: &'static str,
    pub(super) chunk: u64,
    pub(super) tbt: Nanos,
    pub(super) ttft: Nanos,
    pub(super) on_arxiv: bool,
    /// Sarathi-Serve's capacity over vLLM's, as published.
    pub(super) times: Published,
}

const YI: &str = "model=yi-34b&gpu=a100-pcie&tp=2&overhead=eager";
const MISTRAL: &str = "model=mistral-7b&gpu=a100-pcie&overhead=eager";
const SARATHI: &str = "Sarathi-Serve paper";

/// The capacities of the Sarathi-Serve paper: strict bounds are five iterations of 32 decodes, loose ones twenty-five.
pub(super) fn served() -> [Served; 5] {
    let held = |times| Published::held(times, 0.4, SARATHI);
    // Up to so much, over both bounds.
    let at_most = Published::shown(2.6, SARATHI);
    let (ms, s) = (Nanos::from_millis, Nanos::from_secs);
    let row = |name, hardware, chunk, tbt, ttft, on_arxiv, times| Served {
        name,
        hardware,
        chunk,
        tbt,
        ttft,
        on_arxiv,
        times,
    };
    [
        row("Yi-34B, ShareGPT, p99 TBT 0.2 s", YI, 512, ms(200), ms(2_400), false, held(3.7)),
        row("Mistral-7B, ShareGPT, p99 TBT 0.1 s", MISTRAL, 512, ms(100), ms(2_200), false, held(3.5)),
        row("Yi-34B, ShareGPT, p99 TBT 1 s", YI, 2_048, s(1), s(4), false, held(1.65)),
        row("Mistral-7B, arXiv, p99 TBT 0.1 s", MISTRAL, 512, ms(100), s(4), true, at_most),
        row("Mistral-7B, arXiv, p99 TBT 0.5 s", MISTRAL, 2_048, ms(500), s(4), true, at_most),
    ]
}

pub(super) fn find(setting: &Setting) -> Result<Found, RunError> {
    // Half as many requests a probe as in the other runs: the tolerances were found with 200 to 500.
    let setting = &Setting { requests: setting.requests.div_ceil(2), ..setting.clone() };
    let mut table = Table::default();
    let plots = vec![("", etalon(setting, &mut table)?), ("tail", sarathi(setting, &mut table)?)];
    Ok(Found { plots, table })
}

/// The published capacities of vllm and sarathi, and how near ours must come.
pub(super) const FIGURE_6A: [(&str, [f64; 2], f64); 2] =
    [("ShareGPT", [4.01, 2.84], 0.25), ("arXiv", [0.60, 0.62], 0.50)];
const FIGURE: &str = "paper, figure 6a";
/// An interactive deadline, as published, and that of the paper's low-priority class.
const DEADLINES_MS: [u64; 2] = [30, 100];
const SCHEDULERS: [&str; 2] = ["vllm", "sarathi"];

fn etalon(setting: &Setting, table: &mut Table) -> Result<Plot, RunError> {
    let (mut ours, mut published) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    let mut names = Vec::new();
    for (lengths, (trace, figures, tolerance)) in [&setting.sharegpt, &setting.arxiv].into_iter().zip(FIGURE_6A) {
        for tbt in DEADLINES_MS {
            let place = names.len() as f64;
            names.push(format!("{trace}, {tbt} ms"));
            for (k, scheduler) in SCHEDULERS.into_iter().enumerate() {
                let engine = engine(scheduler, ETALON, lengths);
                let load = load(setting, &engine, lengths);
                let capacity = Promise::fluid(&load, Nanos::from_millis(tbt))?.capacity(&load, RESOLUTION)?;
                let was = (tbt == DEADLINES_MS[0]).then(|| Published::held(figures[k], tolerance, FIGURE));
                table.add(format!("{scheduler}, {trace}, TBT deadline {tbt} ms: capacity, requests/s"), capacity, was);
                ours[k].push((place, capacity));
                published[k].extend(was.map(|was| (place, was.value)));
            }
        }
    }
    let [vllm, sarathi] = ours;
    let [vllm_published, sarathi_published] = published;
    Ok(Plot {
        caption: "Capacity under the fluidity-index, Llama-3-8B on one H100, by trace and TBT deadline".to_owned(),
        x: Axis::categories("", names),
        y: Axis::linear("capacity, requests/s"),
        series: vec![
            Series::bars("vllm", vllm),
            Series::bars("vllm, published", vllm_published).faint(),
            Series::bars("sarathi", sarathi),
            Series::bars("sarathi, published", sarathi_published).faint(),
        ],
        references: Vec::new(),
    })
}

fn sarathi(setting: &Setting, table: &mut Table) -> Result<Plot, RunError> {
    let (mut vllm, mut sarathi, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for served in served() {
        let place = names.len() as f64;
        let [prompts_first, chunked] = served.capacities(setting)?;
        names.push(served.name);
        vllm.push((place, prompts_first));
        sarathi.push((place, chunked));
        table.add(format!("{}: sarathi over vllm, times", served.name), chunked / prompts_first, served.times);
    }
    Ok(Plot {
        caption: "Capacity under a bound on the tail of the gaps and on the median first token".to_owned(),
        x: Axis::categories("", names),
        y: Axis::linear("capacity, requests/s"),
        series: vec![Series::bars("vllm", vllm), Series::bars("sarathi", sarathi)],
        references: Vec::new(),
    })
}

impl Served {
    /// The lengths, and the addresses of vllm and of sarathi.
    pub(super) fn engines<'s>(&self, setting: &'s Setting) -> (&'s Lengths, [String; 2]) {
        let lengths = if self.on_arxiv { &setting.arxiv } else { &setting.sharegpt };
        let chunked = format!("{}&chunk-size={}", engine("sarathi", self.hardware, lengths), self.chunk);
        (lengths, [engine("vllm", self.hardware, lengths), chunked])
    }

    /// The bound on gaps and first tokens.
    pub(super) fn promise(&self) -> Promise {
        Promise::tail(self.tbt, self.ttft)
    }

    /// Of vllm and of sarathi.
    fn capacities(&self, setting: &Setting) -> Result<[f64; 2], RunError> {
        let (lengths, [vllm, sarathi]) = self.engines(setting);
        let capacity = |engine: &str| self.promise().capacity(&load(setting, engine, lengths), RESOLUTION);
        Ok([capacity(&vllm)?, capacity(&sarathi)?])
    }
}

/// An engine that takes what the trace holds, as the papers set theirs: 8,192 tokens for chats, 16,384 for summaries.
pub(super) fn engine(scheduler: &str, hardware: &str, lengths: &Lengths) -> String {
    format!("{scheduler}?{hardware}&max-model-len={}", lengths.longest)
}

pub(super) fn load<'a>(setting: &Setting, engine: &'a str, lengths: &'a Lengths) -> Load<'a> {
    Load { engine, rate: 1.0, requests: setting.requests, seed: setting.seed, lengths }
}
