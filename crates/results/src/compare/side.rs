//! One run of a comparison: read row by row, reduced to its figures drawn again, and what its files tell beside them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use metron_metrics::comparison::{Drawing, Estimate, Redrawn};
use metron_metrics::interval::bootstrap::SEED;
use metron_metrics::objective::Objective;
use metron_metrics::{CountedBy, Metric, Phase, RequestRecord, Summariser, SummaryOptions};
use serde_json::Value;

use super::{CompareOptions, ComparedRun, percentiles};
use crate::folder::RunFile;
use crate::foreign::{self, ForeignError, ForeignRequest, Format, Instants, Precedence};
use crate::rows::read_rows;
use crate::score::{NoDeadline, is_rate_of_the_run};
use crate::summary::SCHEMA;
use crate::version::understood;

/// The distributions of a run as curves: *(share, value)* from the least value to the greatest, by the metric's name.
pub type Curves = BTreeMap<String, Vec<(f64, f64)>>;

/// One run.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) run: ComparedRun,
    pub(super) redrawn: Redrawn,
    pub(super) curves: Curves,
    pub(super) pairing: Pairing,
    /// The settings in config.yaml, each as it is written there; empty without that file.
    pub(super) settings: BTreeMap<String, String>,
    /// Whether the command line holds every run to one TTFT deadline and to one TBT deadline.
    pub(super) deadlines_given: (bool, bool),
    /// The instrument's verdict and the load, where a summary says so.
    pub(super) instrument: Option<String>,
    pub(super) counted_by: Option<CountedBy>,
    /// What a reader should know of the file.
    pub(super) notes: Vec<String>,
    plan: Vec<Planned>,
}

/// Whether a run's requests stand beside the baseline's one by one, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pairing {
    pub(super) paired: bool,
    pub(super) reason: String,
}

/// A request as its plan had it: its id, whether its instant is known, and everything else in one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Planned {
    id: u64,
    timed: bool,
    rest: u64,
}

impl Planned {
    fn of(record: &RequestRecord) -> Self {
        // Never written down: only equality counts, within one process.
        let mut hasher = DefaultHasher::new();
        let RequestRecord { planned_input_tokens, intended, session, turn, class, .. } = record;
        (planned_input_tokens.get(), intended.map(metron_units::Nanos::get), session, turn, class).hash(&mut hasher);
        Self { id: record.id, timed: intended.is_some(), rest: hasher.finish() }
    }
}

/// Takes a run's requests in.
struct Taking<'a> {
    options: &'a CompareOptions,
    summariser: Summariser,
    plan: Vec<Planned>,
}

impl Taking<'_> {
    fn take(&mut self, mut request: ForeignRequest, precedence: Precedence) -> Result<(), NoDeadline> {
        request.record.deadlines = self.options.score.deadlines(&request, precedence)?;
        if request.record.phase == Phase::Measured {
            self.plan.push(Planned::of(&request.record));
        }
        self.summariser.add(&request.record);
        Ok(())
    }
}

impl Side {
    /// Reads a run; `beside` is the baseline, and which of the others this one is.
    pub(super) fn read(
        path: &Path,
        options: &CompareOptions,
        beside: Option<(&Self, usize)>,
    ) -> Result<Self, ForeignError> {
        let told = Told::of(path)?;
        let objectives = beside.map_or_else(|| told.objectives(), |(baseline, _)| baseline.objectives());
        let summary = SummaryOptions { target_miss_rate: options.score.target_miss_rate, objectives };
        let mut taking = Taking { options, summariser: Summariser::new(summary), plan: Vec::new() };
        let (format, instants, notes) = read_into(path, &mut taking)?;
        let Taking { summariser, plan, .. } = taking;
        let counts = summariser.counts().clone();
        let pairing = beside.map_or_else(Pairing::default, |(baseline, _)| pairing(&baseline.plan, &plan));
        let seed = match beside {
            Some((_, place)) if !pairing.paired => SEED.wrapping_add(1 + place as u64),
            Some(_) | None => SEED,
        };
        let drawing = Drawing { seed, percentiles: percentiles(&options.bounds) };
        let (_, mut redrawn) = summariser.finish_redrawn(&drawing);
        if instants == Instants::PerRequest {
            let of_run = |metric: &Metric| is_rate_of_the_run(metric.name());
            let rates = redrawn.estimates.iter_mut().filter(|((metric, _), _)| of_run(metric));
            rates.for_each(|(_, estimate)| *estimate = Estimate::default());
        }
        let curves = std::mem::take(&mut redrawn.curves);
        let most = counts.counted_by.iter().max_by_key(|(_, count)| **count);
        Ok(Self {
            run: ComparedRun {
                path: path.display().to_string(),
                format: format.name().to_owned(),
                completed: counts.completed,
                failed: counts.failed,
                ..told.run
            },
            redrawn,
            curves: curves.into_iter().map(|(metric, curve)| (metric.name().to_owned(), curve)).collect(),
            pairing,
            settings: told.settings,
            deadlines_given: (options.score.ttft_deadline.is_some(), options.score.tbt_deadline.is_some()),
            instrument: told.instrument,
            counted_by: most.map(|(rule, _)| *rule),
            notes,
            plan,
        })
    }

    fn objectives(&self) -> Vec<Objective> {
        objectives(&self.settings)
    }
}

/// Hands every request of a file to `taking`: our own rows one by one, another tool's file after it was read.
fn read_into(path: &Path, taking: &mut Taking<'_>) -> Result<(Format, Instants, Vec<String>), ForeignError> {
    let no_deadline = |error: NoDeadline| ForeignError::whole(path, error.to_string());
    if let Some(rows) = foreign::own_rows(path)? {
        let unreadable = |error| ForeignError::of_rows(&rows, &error);
        for record in read_rows(&rows).map_err(unreadable)? {
            taking.take(foreign::of_own(record.map_err(unreadable)?), Precedence::CommandLine).map_err(no_deadline)?;
        }
        return Ok((Format::Metron, Instants::Shared, Vec::new()));
    }
    let run = foreign::read(path)?;
    let (precedence, instants, format) = (run.precedence, run.instants, run.format);
    let Some(reading) = run.readings.into_iter().next() else {
        let reason = run.averages.map_or_else(|| "it holds no times".to_owned(), |averages| averages.refusal);
        return Err(ForeignError::whole(path, reason).with_hint("compare files with a time for each token or chunk"));
    };
    reading.requests.into_iter().try_for_each(|request| taking.take(request, precedence)).map_err(no_deadline)?;
    Ok((format, instants, run.notes))
}

/// Whether two runs sent one plan.
fn pairing(baseline: &[Planned], other: &[Planned]) -> Pairing {
    let apart = |reason: String| Pairing { paired: false, reason };
    if baseline.len() != other.len() {
        return apart(format!("the runs hold {} and {} requests", baseline.len(), other.len()));
    }
    match baseline.iter().zip(other).find(|(a, b)| a != b) {
        Some((a, b)) if a.timed != b.timed => {
            let which = if a.timed { "run" } else { "baseline" };
            let id = a.id;
            apart(format!(
                "the {which} does not say when it was to send request {id}: a closed loop, or rows without `intended_ns`"
            ))
        }
        Some((a, _)) => {
            let id = a.id;
            apart(format!("the plans differ, from request {id} on, in its length or its instant"))
        }
        None => Pairing { paired: true, reason: "the runs sent one plan: the same requests, one by one".to_owned() },
    }
}

/// What a folder tells of its run besides the rows. Every field may be missing: an older metron did not write it, or it is no
/// folder at all.
#[derive(Debug, Default)]
struct Told {
    run: ComparedRun,
    settings: BTreeMap<String, String>,
    instrument: Option<String>,
}

impl Told {
    fn of(path: &Path) -> Result<Self, ForeignError> {
        let mut told = Self::default();
        if !path.is_dir() {
            return Ok(told);
        }
        let file = path.join(RunFile::Summary.name());
        if let Ok(text) = std::fs::read_to_string(&file) {
            let summary: Value = serde_json::from_str(&text)
                .map_err(|error| ForeignError::whole(&file, format!("it is no summary of a run: {error}")))?;
            told.take_summary(&file, &summary)?;
        }
        let file = path.join(RunFile::Config.name());
        if let Ok(text) = std::fs::read_to_string(&file) {
            let settings: BTreeMap<String, Value> = serde_saphyr::from_str(&text)
                .map_err(|error| ForeignError::whole(&file, format!("it is no configuration of a run: {error}")))?;
            told.settings = settings.into_iter().map(|(key, value)| (key, written(&value))).collect();
        }
        Ok(told)
    }

    fn take_summary(&mut self, file: &Path, summary: &Value) -> Result<(), ForeignError> {
        let text = |place: &str| summary.pointer(place).and_then(Value::as_str).map(str::to_owned);
        if let Some(schema) = text("/schema") {
            understood(&schema, SCHEMA).map_err(|newer| ForeignError::whole(file, newer.to_string()))?;
        }
        self.run = ComparedRun {
            name: text("/run/name"),
            started_at: text("/run/started_at"),
            metron_version: text("/run/metron_version"),
            url: text("/run/target/url"),
            model: text("/run/target/model"),
            ..ComparedRun::default()
        };
        self.instrument = text("/instrument/verdict");
        Ok(())
    }

    fn objectives(&self) -> Vec<Objective> {
        objectives(&self.settings)
    }
}

/// The objectives that a run's goodput counts by.
fn objectives(settings: &BTreeMap<String, String>) -> Vec<Objective> {
    let stated = settings.get("slo").and_then(|slo| serde_json::from_str::<Vec<String>>(slo).ok()).unwrap_or_default();
    stated.iter().filter_map(|expression| expression.parse().ok()).collect()
}

/// A setting as it is shown.
fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
