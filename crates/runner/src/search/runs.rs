//! Runs as what a search probes: each probe is a run at its load, over a network or in virtual time. Knows no verdict.
//!
//! ```
//! use metron_runner::search::capacity::{Budget, Settings, search};
//! use metron_runner::search::{Demand, Files, Load, LoadUnit, Runs, RunsSettings};
//! use metron_units::{Nanos, Share};
//! # let config = "url: sim:queue?servers=1&service=20ms&tokens=1&time=virtual\nendpoint: auto\ninput_tokens: '1'\noutput_tokens: '1'\n
//! # tokenizer: auto\nseed: 0\nttft_deadline: 300ms\ntbt_deadline: 30ms\ntarget_miss_rate: 10%\ntimeout_connect: 10s\n
//! # timeout_first_token: 60s\ntimeout_idle: 30s\ntimeout: 600s\n";
//! # let config: metron_runner::RunConfig = serde_saphyr::from_str(config)?;
//! // `config` is a run's configuration; its load, its length and its seed are each probe's own.
//! let demands = vec![Demand::of("p90 ttft <= 60ms".parse()?)?];
//! let (events, _unheard) = std::sync::mpsc::channel();
//! let stop = metron_runner::Stop::new();
//! let unit = LoadUnit::RequestsPerSecond;
//! let settings = RunsSettings { config, unit, demands: demands.clone(), files: Files::Nowhere, command: Vec::new() };
//! let mut runs = Runs::new(settings, &events, &stop)?;
//! let load = |load| Load::new(load).expect("above zero");
//! let budget = Budget { requests: 100_000, time: Nanos::MAX };
//! let precision = Share::new(0.2)?;
//! let settings = Settings { unit, start: load(10.0), least: load(1.0), most: load(100.0), precision, budget, seed: 1 };
//! let found = search(&mut runs, &demands, &settings, Vec::new(), &mut |_, _| {})?;
//! assert_eq!(runs.played().len(), found.probes.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod in_order;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::Sender;

use metron_metrics::{Outcome, Phase, RequestRecord};
use metron_results::event::{InFlight, RunEvent};
use metron_results::folder::Overwrite;
use metron_results::summary::{self, Target};
use metron_sim::Spec;
use metron_sim::spec::{Address, Time};
use metron_units::{Nanos, Rate, Share};
use metron_wire::Clock;

use super::demand::Demand;
use super::prober::{Ending, Load, LoadUnit, Observation, Played, Prober, Score, See, Wish};
use crate::error::NotKept;
use crate::resolve::{ConfigError, Resolved, Server};
use crate::stop::Asked;
use crate::{AllFailed, Finished, Options, Output, RunConfig, RunError, Stop, Witness, run, run_watched};
use in_order::InOrder;

/// Requests of the run that tells where a server is full.
const TO_FILL: u64 = 128;

/// So many failures and no answer are no overload.
const NOTHING_ANSWERED: u64 = 16;

/// What the probes have in common.
#[derive(Debug, Clone)]
pub struct RunsSettings {
    /// The configuration of each run, but for its load, its length, its seed and its objectives.
    pub config: RunConfig,
    /// What the load is counted in.
    pub unit: LoadUnit,
    /// The objectives, in the search's order.
    pub demands: Vec<Demand>,
    /// Where the runs' files go.
    pub files: Files,
    /// The command line, secrets left out, as each run's summary shows it.
    pub command: Vec<String>,
}

/// Where the files of a search's runs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Files {
    /// Nowhere: each run is forgotten but for what the search asks of it.
    Nowhere,
    /// Each run into a folder of its own in this one, by the number of its probe: `probe-001`, `probe-002`, ...
    In(PathBuf),
}

/// What is kept of a run besides what the search saw.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayedRun {
    /// Its folder, if it has one.
    pub folder: Option<PathBuf>,
    /// What each objective speaks of, over the whole run; `None` where that cannot be had.
    pub values: Vec<Option<f64>>,
    /// Whom it asked.
    pub target: Target,
    /// Requests that were answered in full.
    pub completed: u64,
    /// The failures, if there were nothing else.
    pub all_failed: Option<AllFailed>,
    /// Requests for which no connection could be had.
    pub refused: u64,
}

/// Plays loads as runs. One run at a time; `stop` ends the search, not a run alone.
#[derive(Debug)]
pub struct Runs<'a> {
    settings: RunsSettings,
    time: Time,
    spec: Option<Spec>,
    events: &'a Sender<RunEvent>,
    stop: &'a Stop,
    before: usize,
    played: Vec<PlayedRun>,
}

impl<'a> Runs<'a> {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// What the user has to mend in the configuration.
    pub fn new(settings: RunsSettings, events: &'a Sender<RunEvent>, stop: &'a Stop) -> Result<Self, ConfigError> {
        let lightest = Wish { load: Load::ONE, seed: settings.config.seed, most: 1, time: Nanos::MAX };
        let resolved = Resolved::of(&settings.config_of(lightest, None), &|name| std::env::var(name).ok())?;
        let spec = match resolved.server {
            Server::Simulated(spec) => Some(spec),
            Server::Network { .. } => None,
        };
        Ok(Self { settings, time: resolved.time, spec, events, stop, before: 0, played: Vec::new() })
    }

    /// The same, of a search that goes on after `probes`: the folders are numbered on from there.
    #[must_use]
    pub fn after(self, probes: usize) -> Self {
        Self { before: probes, ..self }
    }

    /// The runs so far, one for each probe that was played here.
    #[must_use]
    pub fn played(&self) -> &[PlayedRun] {
        &self.played
    }

    /// Whether the last run saw a server that was there no more.
    #[must_use]
    pub fn saw_it_go(&self) -> bool {
        self.played.last().is_some_and(|run| run.refused > 0)
    }

    /// The failures, if no request of any run was answered.
    #[must_use]
    pub fn never_answered(&self) -> Option<&AllFailed> {
        let last = self.played.last()?.all_failed.as_ref()?;
        self.played.iter().all(|run| run.completed == 0).then_some(last)
    }

    /// Whether nobody waits: a run takes no time but its own.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        self.time == Time::Virtual
    }

    /// Requests a second that a closed loop gets through: a first guess of where the server is full. Leaves no file.
    ///
    /// # Errors
    /// What keeps the run from being; an interruption; a server that answers nothing.
    pub fn saturation(&self) -> Result<f64, RunError> {
        let closed =
            RunsSettings { unit: LoadUnit::ConcurrentRequests, files: Files::Nowhere, ..self.settings.clone() };
        // A server may keep what it computed, and the first probe has the search's own seed. An engine in here begins anew.
        let own = self.settings.config.seed;
        let seed = if self.spec.is_some() { own } else { own.wrapping_sub(1) };
        let wish = Wish { load: Load::TO_FILL, seed, most: TO_FILL, time: Nanos::MAX };
        let config = closed.config_of(wish, self.spec.as_ref().map(|spec| (spec, self.time)));
        let options = Options { name: "saturation".to_owned(), command: Vec::new(), output: Output::None };
        let finished = run(&config, options, self.events, self.stop)?;
        if self.stop.asked() > Asked::Nothing {
            return Err(RunError::Interrupted);
        }
        if let Some(all) = finished.all_failed().filter(is_no_overload) {
            return Err(RunError::NothingAnswered(all));
        }
        let throughput = summary::value(&finished.summary.metrics, "request_throughput");
        Ok(throughput.map(|(rate, _)| rate).filter(|rate| *rate > 0.0).unwrap_or(1.0))
    }

    fn options(&self) -> Options {
        let name = format!("probe-{:03}", self.before + self.played.len() + 1);
        let output = match &self.settings.files {
            Files::Nowhere => Output::None,
            // A probe that was cut off left its folder behind, and is played again.
            Files::In(folder) => Output::Folder { path: folder.join(&name), overwrite: Overwrite::Replace },
        };
        Options { name, command: self.settings.command.clone(), output }
    }

    fn keep(&mut self, finished: Finished) -> Result<(), RunError> {
        let (summary, all_failed) = (&finished.summary, finished.all_failed());
        let (values, completed) = (summary.objectives.iter().map(|it| it.value).collect(), summary.requests.completed);
        let target = summary.run.target.clone();
        let refused = summary.requests.errors.get("connect").map_or(0, |error| error.count);
        let kept = finished.folder.map(metron_results::recorder::Settled::finish).transpose();
        let folder = kept.map_err(|source| RunError::NotKept { rescued: None, source: NotKept::Storage(source) })?;
        self.played.push(PlayedRun { folder, values, target, completed, all_failed, refused });
        Ok(())
    }
}

impl Prober for Runs<'_> {
    type Error = RunError;

    fn probe(&mut self, wish: Wish, see: &mut See<'_>) -> Result<Played, RunError> {
        let config = self.settings.config_of(wish, self.spec.as_ref().map(|spec| (spec, self.time)));
        let mut eye = Eye {
            demands: &self.settings.demands,
            target_miss_rate: config.target_miss_rate,
            order: InOrder::default(),
            see,
            enough: false,
        };
        let clock = Clock::start();
        let finished = match run_watched(&config, self.options(), self.events, self.stop, &mut eye) {
            Ok(finished) => finished,
            Err(RunError::Interrupted) => return Ok(Played { ending: Ending::Interrupted, took: Nanos::ZERO }),
            Err(error) => return Err(error),
        };
        // With requests that a missing one held back.
        let seen_enough = eye.rest();
        let took = match self.time {
            Time::Wall => clock.now(),
            Time::Virtual => {
                let seconds = finished.summary.run.duration_s.unwrap_or(0.0);
                Nanos::from_secs_f64(seconds).unwrap_or(Nanos::MAX)
            }
        };
        // It was over with its last request, but none came in the rest of its time.
        let by_itself = !seen_enough && !finished.interrupted;
        let took = if by_itself && is_cut_short(&config)? { took.max(wish.time) } else { took };
        let client_bound = finished.client_bound();
        self.keep(finished)?;
        // Of a search that goes on it is known that something was answered.
        if let Some(all) = self.never_answered().filter(|all| self.before == 0 && is_no_overload(all)) {
            return Err(RunError::NothingAnswered(all.clone()));
        }
        let ending = match self.stop.asked() {
            Asked::Drain | Asked::Now => Ending::Interrupted,
            Asked::Nothing if client_bound => Ending::ClientBound,
            Asked::Nothing => Ending::Enough,
        };
        Ok(Played { ending, took })
    }
}

/// Whether a run without an answer says that none would come at a lower load, either: whoever waited too long might be answered then.
fn is_no_overload(all: &AllFailed) -> bool {
    all.count >= NOTHING_ANSWERED && !all.class.starts_with("timeout")
}

impl RunsSettings {
    /// The run of a probe. A simulated engine that draws draws afresh: probes must not share their luck.
    fn config_of(&self, wish: Wish, simulated: Option<(&Spec, Time)>) -> RunConfig {
        let url = match simulated {
            Some((spec, time)) => Address { spec: spec.reseeded(wish.seed), time }.to_string(),
            None => self.config.url.clone(),
        };
        let base = RunConfig {
            url,
            requests: Some(wish.most),
            until: Vec::new(),
            duration: (wish.time < Nanos::MAX).then_some(wish.time),
            seed: wish.seed,
            slo: self.demands.iter().map(|demand| demand.objective().to_string()).collect(),
            ..self.config.clone()
        };
        match self.unit {
            LoadUnit::RequestsPerSecond => RunConfig {
                rate: Some(Rate::per_second(wish.load.get()).expect("a load is finite and above zero")),
                arrivals: base.arrivals.clone().or_else(|| Some("poisson".to_owned())),
                concurrency: None,
                ..base
            },
            LoadUnit::ConcurrentRequests => RunConfig {
                concurrency: Some(wish.load.get() as u32),
                rate: None,
                arrivals: None,
                burstiness: None,
                ..base
            },
        }
    }
}

/// Whether a run's plan would go on, had it more time. Of a closed loop it is no plan that tells: that goes on until its time is over.
fn is_cut_short(config: &RunConfig) -> Result<bool, ConfigError> {
    if config.duration.is_none() {
        return Ok(false);
    }
    let requests = |config: &RunConfig| Ok(Resolved::of(config, &|name| std::env::var(name).ok())?.whole_plan());
    let sent = requests(config)?.count();
    Ok(requests(&RunConfig { duration: None, ..config.clone() })?.nth(sent).is_some())
}

/// Looks at a run for a search.
struct Eye<'s, 'f> {
    demands: &'s [Demand],
    target_miss_rate: Share,
    order: InOrder<Option<Vec<Score>>>,
    see: &'s mut See<'f>,
    /// Whether nothing more is wanted.
    enough: bool,
}

impl Eye<'_, '_> {
    fn hand_over(&mut self) -> ControlFlow<InFlight> {
        while let Some(next) = self.order.next() {
            let Some(scores) = next.item else { continue };
            let said = (self.see)(&Observation { at: next.at, in_flight: next.in_flight, scores: &scores });
            self.enough |= said.is_break();
            said?;
        }
        ControlFlow::Continue(())
    }

    /// Hands over what is left, and whether enough was seen.
    fn rest(mut self) -> bool {
        self.order.end();
        let _nothing_more_comes = self.hand_over();
        self.enough
    }
}

impl Witness for Eye<'_, '_> {
    fn see(&mut self, record: &RequestRecord) -> ControlFlow<InFlight> {
        // What was dropped or only warmed up has no say.
        let counts = record.phase == Phase::Measured && record.outcome != Outcome::Cancelled;
        let scores = counts.then(|| self.demands.iter().map(|it| it.score(record, self.target_miss_rate)).collect());
        self.order.add(record, scores);
        self.hand_over()
    }
}
