//! A configuration's words become what they mean: a plan, a target, a tokenizer. All that is the user's to mend is found here,
//! before anything is opened but the files that the configuration names. Sends nothing.

mod carried;
mod deadlines;
mod error;
mod load;
mod pattern;
mod prewarm;
mod target;
mod text;
mod trace;
mod users;
mod words;

use metron_sim::Spec;
use metron_sim::spec::{Address, Time};
use metron_wire::{Dialect, Feature, RequestShape, Target, Timeouts};
use metron_workload::{Load, Pattern, Plan, PlanConfig, Prompts, Tokenizer};
use serde_json::{Map, Value};

use crate::RunConfig;
use crate::error::RunError;
use crate::kind::Kinds;
use crate::script::{Shaping, TraceFile, laid_over};
use crate::settle::Naming;
use crate::until::{Until, UntilError};
use crate::variables::Lookup;
pub use carried::Carried;
pub use deadlines::profile;
pub use error::ConfigError;
use pattern::Planned;
pub use prewarm::BY_LOAD as PREWARM_BY_LOAD;
pub use target::Server;
pub(crate) use target::{FIRST_CONTACT, Reach, network_url, target};
use text::TextSource;
pub use users::ClassShape;
pub(crate) use words::dialect as named_dialect;
pub use words::{endpoints, tokenizer};

/// What a configuration means.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Whom to measure.
    pub server: Server,
    /// In whose time.
    pub time: Time,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// The dialect that was named; `None` where the URL tells it.
    pub dialect: Option<Dialect>,
    /// The dialect in which requests are written.
    pub spoken: Dialect,
    /// What is sent, and when.
    pub plan: PlanConfig,
    /// What made prompts are of.
    pub(crate) text: TextSource,
    /// What the plan has beyond that: a trace, a rate that changes, what prompts share.
    pub pattern: Pattern,
    /// The file that says what is sent, where it says more than lengths.
    pub(crate) script: Option<TraceFile>,
    /// Counts tokens, and makes prompts.
    pub tokenizer: Tokenizer,
    /// Whether it is the model's own.
    pub naming: Naming,
    /// Laid over each request's body.
    pub extra: Option<Map<String, Value>>,
    /// What requests are, and what they are held to.
    pub(crate) kinds: Kinds,
    /// When the run is known well enough.
    pub(crate) until: Vec<Until>,
    /// What the classes of a mix have of their own, in their order.
    pub(crate) classes: Vec<ClassShape>,
    /// What requests carry besides their prompts.
    pub(crate) carried: Carried,
    /// Sending threads.
    pub workers: u32,
    /// Connections that are opened before the first request, over all workers.
    pub prewarm: u32,
}

impl Resolved {
    /// Reads a configuration. `variables` gives the values of `${NAME}`s: only whether they are set is looked at here.
    ///
    /// # Errors
    /// What the user has to mend, with the flag and what could be typed instead.
    pub fn of(config: &RunConfig, variables: Lookup<'_>) -> Result<Self, ConfigError> {
        let dialect = words::dialect(&config.endpoint)?;
        let (server, time) = Server::of(config, dialect, variables)?;
        words::objectives(&config.slo)?;
        let (tokenizer, naming) = words::tokenizer(&config.tokenizer)?;
        let extra = config.body.as_deref().map(words::body).transpose()?;
        let users::Classes { mix, kinds, shapes: classes } = users::classes(config, &tokenizer)?;
        let Planned { plan, pattern, script } = pattern::planned(config, mix, &tokenizer)?;
        let spoken = server.dialect(config, dialect);
        let text = text::text(config.text.as_deref(), spoken, &tokenizer)?;
        let carried = carried::carried(config, spoken, pattern.replay.as_ref())?;
        if pattern.has_sessions() {
            if !spoken.can(Feature::Turns) {
                let flag = if config.trace.is_some() { "trace" } else { "dataset" };
                let message =
                    format!("requests of the dialect `{}` cannot carry {}", spoken.name(), Feature::Turns.name());
                return Err(ConfigError::new(flag, message, "--answers recorded"));
            }
            leaves_a_place(spoken, extra.as_ref(), &classes)?;
            text.goes_on()?;
        }
        let workers = load::workers(config, &plan.load)?;
        let prewarm = prewarm::connections(config, &plan.load, &plan.output_tokens, time)?;
        target::headers(config.api_key_env.as_deref(), &config.header, dialect.unwrap_or(Dialect::Chat), variables)?;
        users::headers(&config.classes, variables)?;
        let until = config.until.iter().map(|rule| rule.parse()).collect::<Result<_, UntilError>>();
        let until = until.map_err(|error| ConfigError::of("until", &error))?;
        let kinds = deadlines::within_profile(config, kinds, &plan, &pattern)?;
        let kinds = kinds.with_those_of(&Plan::patterned(plan.clone(), pattern.clone()).expect("it was made once"));
        let timeouts = target::timeouts(config);
        Ok(Self {
            server,
            time,
            timeouts,
            dialect,
            spoken,
            text,
            plan,
            pattern,
            script,
            tokenizer,
            naming,
            extra,
            kinds,
            until,
            classes,
            carried,
            workers,
            prewarm,
        })
    }

    /// What makes the prompts of a run.
    pub(crate) fn prompts(&self, seed: u64) -> Result<Prompts, RunError> {
        self.text.prompts(&self.tokenizer, seed).map_err(RunError::Prompt)
    }

    /// The run's plan, from its first request on.
    #[must_use]
    pub fn whole_plan(&self) -> Plan {
        Plan::patterned(self.plan.clone(), self.pattern.clone()).expect("it was made once when it was resolved")
    }

    /// What decides the form of the requests for `model`.
    /// `extra` is laid over each body.
    pub(crate) fn shaping(&self, config: &RunConfig, model: String, extra: Option<Map<String, Value>>) -> Shaping {
        let class = |class: &ClassShape| {
            let mut over = extra.clone().unwrap_or_default();
            laid_over(&mut over, &class.extra);
            ClassShape { extra: over, ..class.clone() }
        };
        Shaping {
            model,
            kinds: self.kinds.clone(),
            classes: self.classes.iter().map(class).collect(),
            extra,
            carried: self.carried.clone(),
            session_header: config.session_header.clone(),
            agent: config.agent,
            tracing: None,
        }
    }

    /// The address of a simulated engine as files show it, every setting said.
    #[must_use]
    pub fn simulated_url(&self, spec: &Spec) -> String {
        Address { spec: spec.clone(), time: self.time }.to_string()
    }

    /// The most connections at once, if that is known beforehand.
    #[must_use]
    pub fn connections(&self, config: &RunConfig) -> Option<u64> {
        match self.plan.load {
            Load::Closed { concurrency } => Some(concurrency.into()),
            Load::Open { .. } => config.max_in_flight.map(u64::from),
        }
    }
}

/// Refuses what is laid over bodies in the place of the conversation.
fn leaves_a_place(
    dialect: Dialect,
    extra: Option<&Map<String, Value>>,
    classes: &[ClassShape],
) -> Result<(), ConfigError> {
    let over = extra.into_iter().map(|extra| ("body", extra));
    let classes = classes.iter().map(|class| ("class", &class.extra));
    for (flag, extra) in over.chain(classes) {
        let shape = RequestShape { extra: Some(extra), ..RequestShape::text("", "", 1) };
        if dialect.envelope(&shape).is_none() {
            let message = "the body says the messages itself, which the turns of a session would fill";
            return Err(ConfigError::new(flag, message, "leave --turns out"));
        }
    }
    Ok(())
}

/// The target of a run against the server at `url`.
///
/// # Errors
/// As [`Resolved::of`], or if a file of certificates cannot be used.
pub(crate) fn run_target(
    config: &RunConfig,
    url: &str,
    dialect: Option<Dialect>,
    variables: Lookup<'_>,
) -> Result<Target, ConfigError> {
    let target = target(config, url, dialect, variables, target::timeouts(config))?;
    Ok(target.varied(users::headers(&config.classes, variables)?))
}

#[cfg(test)]
mod tests;
