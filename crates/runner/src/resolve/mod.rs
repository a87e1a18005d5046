//! A configuration's words become what they mean: a plan, a target, a tokenizer. All that is the user's to mend is found here,
//! before anything is opened but the files that the configuration names. Sends nothing.

mod error;
mod load;
mod pattern;
mod target;
mod trace;
mod words;

use metron_metrics::Deadlines;
use metron_sim::Spec;
use metron_sim::spec::{Address, Time};
use metron_wire::{Dialect, Target, Timeouts};
use metron_workload::{Load, Pattern, Plan, PlanConfig, Tokenizer};
use serde_json::{Map, Value};

use crate::RunConfig;
use crate::script::TraceFile;
use crate::settle::Naming;
use crate::variables::Lookup;
pub use error::ConfigError;
use pattern::Planned;
pub use target::Server;
pub(crate) use target::{FIRST_CONTACT, Reach, network_url, target};
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
    /// What is sent, and when.
    pub plan: PlanConfig,
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
    /// What every request is held to.
    pub deadlines: Deadlines,
    /// Sending threads.
    pub workers: u32,
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
        let Planned { plan, pattern, script } = pattern::planned(config, &tokenizer)?;
        let extra = config.body.as_deref().map(words::body).transpose()?;
        let workers = load::workers(config, &plan.load)?;
        target::headers(config.api_key_env.as_deref(), &config.header, dialect.unwrap_or(Dialect::Chat), variables)?;
        let deadlines = Deadlines { ttft: config.ttft_deadline, tbt: config.tbt_deadline };
        let timeouts = target::timeouts(config);
        Ok(Self {
            server,
            time,
            timeouts,
            dialect,
            plan,
            pattern,
            script,
            tokenizer,
            naming,
            extra,
            deadlines,
            workers,
        })
    }

    /// The run's plan, from its first request on.
    #[must_use]
    pub fn whole_plan(&self) -> Plan {
        Plan::patterned(self.plan.clone(), self.pattern.clone()).expect("it was made once when it was resolved")
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
    target(config, url, dialect, variables, target::timeouts(config))
}

#[cfg(test)]
mod tests;
