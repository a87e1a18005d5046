//! One run, from its configuration to its summary: what is looked at, in which order, before it may begin.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use metron_results::event::{RunEvent, Warning};
use metron_results::folder::{Overwrite, Privacy, RunFolder};
use metron_results::probe::ToldBy;
use metron_results::summary::Stopped;
use metron_sim::spec::Time;
use metron_sim::{Spec, server};
use metron_units::Nanos;
use metron_wire::{Dialect, Target, Timeouts};
use metron_workload::{Load, Prompts};

use crate::RunConfig;
use crate::error::RunError;
use crate::finished::Finished;
use crate::in_process::InProcess;
use crate::preflight::{
    Descriptors, Found, Template, contact, ensure_descriptors, ensure_most_descriptors, ensure_ports, template,
};
use crate::prepared::Prepared;
use crate::probe::{Identified, identify};
use crate::resolve::{ConfigError, FIRST_CONTACT, Resolved, Server, run_target, target};
use crate::scrape::sources;
use crate::settle::Naming;
use crate::simulated::Simulated;
use crate::stop::{Asked, Stop};
use crate::telemetry::collector;
use crate::until::Watching;
use crate::witness::Witness;

/// What a run is told besides its configuration.
#[derive(Debug, Clone)]
pub struct Options {
    /// What it is called.
    pub name: String,
    /// The command line, secrets left out (see [`crate::variables`]).
    pub command: Vec<String>,
    /// Where its files go.
    pub output: Output,
}

/// Where a run's files go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Into a folder of its own.
    Folder {
        /// The folder; made if it is missing.
        path: PathBuf,
        /// What to do if a run is in it.
        overwrite: Overwrite,
    },
    /// Nowhere: the rows are kept in memory until the summary is made.
    None,
}

/// Runs. Blocks until the run is over.
///
/// `events` hears how it goes; nobody has to listen. `stop` ends it early: what was measured until then is the result.
///
/// # Errors
/// If it cannot begin, if what it measures cannot be kept, or on a fault of metron's own. Failures of requests are no errors.
pub fn run(config: &RunConfig, options: Options, events: &Sender<RunEvent>, stop: &Stop) -> Result<Finished, RunError> {
    conduct(config, options, events, stop, None)
}

/// As [`run()`], with someone who sees each request as it ends and may end the run. That is no interruption.
///
/// # Errors
/// As for [`run()`].
pub fn run_watched(
    config: &RunConfig,
    options: Options,
    events: &Sender<RunEvent>,
    stop: &Stop,
    witness: &mut dyn Witness,
) -> Result<Finished, RunError> {
    conduct(config, options, events, stop, Some(witness))
}

fn conduct(
    config: &RunConfig,
    options: Options,
    events: &Sender<RunEvent>,
    stop: &Stop,
    witness: Option<&mut dyn Witness>,
) -> Result<Finished, RunError> {
    let variables = |name: &str| std::env::var(name).ok();
    let resolved = Resolved::of(config, &variables)?;
    // Who watches a run of a search ends it by a rule of its own.
    if resolved.until.is_empty() || witness.is_some() {
        return begin(config, &resolved, options, events, stop, witness);
    }
    let mut watching = Watching::new(resolved.until.clone(), config.target_miss_rate);
    let mut finished = begin(config, &resolved, options, events, stop, Some(&mut watching))?;
    let otherwise = if finished.interrupted { Stopped::Interrupt } else { Stopped::Length };
    finished.summary.until = watching.told(&finished.summary, otherwise);
    if let Some(folder) = &finished.folder {
        let written = folder.write_summary(&finished.summary);
        written.map_err(|source| RunError::NotKept { rescued: None, source: source.into() })?;
    }
    Ok(finished)
}

fn begin(
    config: &RunConfig,
    resolved: &Resolved,
    options: Options,
    events: &Sender<RunEvent>,
    stop: &Stop,
    witness: Option<&mut dyn Witness>,
) -> Result<Finished, RunError> {
    let variables = |name: &str| std::env::var(name).ok();
    if let (Server::Simulated(spec), Time::Virtual) = (&resolved.server, resolved.time) {
        if !config.server_metrics.is_empty() {
            let message = "in virtual time there is no server to ask";
            return Err(ConfigError::new("server-metrics", message, "leave out --virtual-time").into());
        }
        if config.otlp.is_some() {
            let message = "in virtual time nothing happens at an instant that a trace could show";
            return Err(ConfigError::new("otlp", message, "leave out --virtual-time").into());
        }
        let folder = make_folder(config, &options.output)?;
        return Simulated { config, resolved, spec, options, events, stop }.conduct(folder, witness);
    }
    let (url, engine) = match &resolved.server {
        Server::Network { url } => (url.clone(), None),
        Server::Simulated(spec) => {
            let engine = InProcess::start(spec)?;
            (engine.url(), Some(engine))
        }
    };
    let scraped = sources(config, &url, &variables)?;
    let collector = collector(config, &variables)?;
    let timeouts = first_contact_timeouts(config);
    let first = |dialect| self::target(config, &url, dialect, &variables, timeouts).map(Arc::new);
    limits(config, resolved, events)?;
    let (mut dialect, mut found) = (resolved.dialect, None);
    // Where a model is named nothing is asked: then nothing is sent before the first request but a greeting.
    if dialect.is_none() && config.model.is_none() && matches!(resolved.server, Server::Network { .. }) {
        (dialect, found) = discover(first(None)?, events, stop)?;
    }
    let target = Arc::new(run_target(config, &url, dialect, &variables)?);
    let found = match found {
        Some(found) => found,
        None => meet(first(dialect)?, config.model.as_deref(), stop)?,
    };
    let folder = make_folder(config, &options.output)?;
    warn_beforehand(config, resolved, events);
    let template_tokens = template_tokens(config, resolved, first(dialect)?, &found.model, events, stop)?;
    let config = &RunConfig { template_tokens, ..config.clone() };
    let run = Prepared { config, resolved, target, scraped, collector, model: found.model, options, events, stop };
    run.conduct(folder, engine, witness)
}

fn make_folder(config: &RunConfig, output: &Output) -> Result<Option<RunFolder>, RunError> {
    match output {
        Output::Folder { path, overwrite } => {
            let privacy = if config.save_text { Privacy::Private } else { Privacy::AsUmask };
            Ok(Some(RunFolder::create(path, *overwrite, privacy)?))
        }
        Output::None => Ok(None),
    }
}

/// Starts a simulated engine on a free port of loopback.
pub(crate) fn simulator(spec: &Spec, options: server::Options) -> Result<server::Server, server::StartError> {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    server::Server::start(spec, any_port, options)
}

fn first_contact_timeouts(config: &RunConfig) -> Timeouts {
    let patient = |timeout: Nanos| timeout.min(FIRST_CONTACT);
    Timeouts {
        connect: config.timeout_connect,
        first_token: patient(config.timeout_first_token),
        idle: patient(config.timeout_idle),
        total: patient(config.timeout),
    }
}

/// Refuses what this host cannot do, where that is certain.
fn limits(config: &RunConfig, resolved: &Resolved, events: &Sender<RunEvent>) -> Result<(), RunError> {
    // Of an unbounded open loop only that is certain which is opened ahead.
    let opened_ahead = (resolved.prewarm > 0).then_some(u64::from(resolved.prewarm));
    let Some(connections) = resolved.connections(config).or(opened_ahead) else {
        ensure_most_descriptors();
        return Ok(());
    };
    let ends = match resolved.server {
        Server::Network { .. } => 1,
        // The engine's ends are in this process too.
        Server::Simulated(_) => 2,
    };
    if let Descriptors::Raised { from, to } = ensure_descriptors(connections, ends)? {
        tell(events, RunEvent::Warning(Warning::DescriptorsRaised { from, to }));
    }
    // A bound of requests in flight need not be reached; users are.
    match resolved.plan.load {
        Load::Closed { .. } => ensure_ports(connections)?,
        Load::Open { .. } => {
            ensure_ports(resolved.prewarm.into())?;
            if config.max_in_flight.is_none() {
                ensure_most_descriptors();
            }
        }
    }
    Ok(())
}

fn meet(probe: Arc<Target>, model: Option<&str>, stop: &Stop) -> Result<Found, RunError> {
    unless_stopped(stop, contact(probe, model))?.map_err(RunError::from)
}

/// Finds the dialect that the server speaks, and a model if it lists any on the way. Says which it is and why where the user
/// would not know.
fn discover(
    probe: Arc<Target>,
    events: &Sender<RunEvent>,
    stop: &Stop,
) -> Result<(Option<Dialect>, Option<Found>), RunError> {
    // A server that cannot be reached is told of by the first contact, which comes next.
    let Ok(identified) = unless_stopped(stop, identify(&probe))? else { return Ok((None, None)) };
    let Identified { dialect, told_by, why, models } = identified;
    if matches!(told_by, ToldBy::Server | ToldBy::Nobody) {
        tell(events, RunEvent::Identified { endpoint: dialect.name().to_owned(), why });
    }
    let found = models.first().map(|model| Found { model: model.clone(), of: Some(models.len()) });
    Ok((Some(dialect), found))
}

/// What the server adds to each prompt: as the configuration says, or measured where the model's own tokenizer is named.
fn template_tokens(
    config: &RunConfig,
    resolved: &Resolved,
    target: Arc<Target>,
    model: &str,
    events: &Sender<RunEvent>,
    stop: &Stop,
) -> Result<Option<u64>, RunError> {
    let is_known = config.template_tokens.is_some() || resolved.naming == Naming::Assumed;
    if is_known || matches!(resolved.server, Server::Simulated(_)) {
        return Ok(config.template_tokens);
    }
    // A conversation goes as text, whatever its prompts are made of.
    let prompts = match resolved.pattern.has_sessions() {
        true => Prompts::new(&resolved.tokenizer, config.seed).map_err(RunError::Prompt)?,
        false => resolved.prompts(config.seed)?,
    };
    match unless_stopped(stop, template(target, model, &prompts))? {
        Template::Adds(tokens) => {
            tell(events, RunEvent::TemplateMeasured { tokens });
            Ok(Some(tokens))
        }
        Template::Unsteady => {
            tell(events, RunEvent::Warning(Warning::OtherTokenizer));
            Ok(None)
        }
        Template::Unsaid => Ok(None),
    }
}

/// What comes of a future, unless the run is told to end before that.
pub(crate) fn unless_stopped<T>(stop: &Stop, future: impl Future<Output = T>) -> Result<T, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = stop.reaches(Asked::Drain) => Err(RunError::Interrupted),
            done = future => Ok(done),
        }
    })
}

fn warn_beforehand(config: &RunConfig, resolved: &Resolved, events: &Sender<RunEvent>) {
    if config.insecure {
        tell(events, RunEvent::Warning(Warning::Insecure));
    }
    // The simulated engine has no model, so no tokenizer is the wrong one.
    if resolved.naming == Naming::Assumed && matches!(resolved.server, Server::Network { .. }) {
        let name = resolved.tokenizer.name().to_owned();
        tell(events, RunEvent::Warning(Warning::TokenizerAssumed { name }));
    }
}

pub(crate) fn tell(events: &Sender<RunEvent>, event: RunEvent) {
    // Nobody has to listen.
    let _ = events.send(event);
}
