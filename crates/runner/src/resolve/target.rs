//! The settings that say which server is asked, and how it is reached. Opens nothing but the file of certificates.

use metron_sim::Spec;
use metron_sim::spec::{Address, SCHEME, Time};
use metron_units::Nanos;
use metron_wire::{
    Dialect, Endpoint, Header, Redirects, Secret, Target, TargetError, TargetSettings, Timeouts, TlsSettings, Verify,
};

use super::ConfigError;
use crate::RunConfig;
use crate::variables::{Lookup, NotSet, expand, percent_encoded};

/// The first contact waits no longer than this for a sign of life, however patient the run is.
pub(crate) const FIRST_CONTACT: Nanos = Nanos::from_secs(10);

/// Whom to measure.
#[derive(Debug, Clone, PartialEq)]
pub enum Server {
    /// A server on the network.
    Network {
        /// Its URL, variables put in: it may hold secrets.
        url: String,
    },
    /// The simulated engine, within this process.
    Simulated(Spec),
}

impl Server {
    /// Whom to measure, and in whose time: that of a server is the wall clock's.
    pub(super) fn of(
        config: &RunConfig,
        dialect: Option<Dialect>,
        variables: Lookup<'_>,
    ) -> Result<(Self, Time), ConfigError> {
        if config.url.starts_with(SCHEME) {
            if let Some(dialect) = dialect.filter(|dialect| !matches!(dialect, Dialect::Chat | Dialect::Completions)) {
                let message = format!("the simulated engine speaks chat and completions, not `{}`", dialect.name());
                return Err(ConfigError::new("endpoint", message, "--endpoint chat"));
            }
            let address: Address = config.url.parse().map_err(|error: metron_sim::spec::SpecError| {
                let hint = error.hint().map_or_else(String::new, |hint| format!("--url '{hint}'"));
                ConfigError::new("url", error.to_string(), hint)
            })?;
            let time = if config.virtual_time { Time::Virtual } else { address.time };
            if let (Time::Virtual, Some(fault)) = (time, address.spec.faults.only_over_a_socket()) {
                let message = format!("the fault `{fault}` holds bytes back, and in virtual time there are none");
                return Err(ConfigError::new("url", message, "take it out, or leave virtual time out"));
            }
            return Ok((Self::Simulated(address.spec), time));
        }
        if config.virtual_time {
            let message = "only the simulated engine runs in virtual time";
            return Err(ConfigError::new("virtual-time", message, "--url sim:"));
        }
        let url = expand(&config.url, variables, percent_encoded).map_err(|error| not_set("url", &error))?;
        Endpoint::resolve_for(&url, dialect, config.model.as_deref())
            .map_err(|error| ConfigError::of("url", &error))?;
        Ok((Self::Network { url }, Time::Wall))
    }
}

fn not_set(flag: &'static str, error: &NotSet) -> ConfigError {
    ConfigError::new(flag, error.to_string(), format!("export {}=...", error.name))
}

/// Whether a shell could set a variable of this name.
fn is_variable(name: &str) -> bool {
    let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    word && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// The headers of every request, variables put in.
pub(super) fn headers(config: &RunConfig, dialect: Dialect, variables: Lookup<'_>) -> Result<Vec<Header>, ConfigError> {
    let mut headers = Vec::new();
    if let Some(name) = &config.api_key_env {
        if !is_variable(name) {
            return Err(ConfigError::new(
                "api-key-env",
                format!("no variable can be called `{name}`"),
                "--api-key-env API_KEY",
            ));
        }
        let key = variables(name).filter(|key| !key.trim().is_empty());
        let key = key.ok_or_else(|| not_set("api-key-env", &NotSet { name: name.clone() }))?;
        let header = Header::key(dialect, &Secret::new(key));
        headers.push(header.map_err(|error| ConfigError::of("api-key-env", &error))?);
    }
    for line in &config.header {
        let line = expand(line, variables, str::to_owned).map_err(|error| not_set("header", &error))?;
        headers.push(Header::parse(&line).map_err(|error| ConfigError::of("header", &error))?);
    }
    Ok(headers)
}

pub(super) fn timeouts(config: &RunConfig) -> Timeouts {
    Timeouts {
        connect: config.timeout_connect,
        first_token: config.timeout_first_token,
        idle: config.timeout_idle,
        total: config.timeout,
    }
}

/// Everything that requests to `url` have in common.
pub(crate) fn target(
    config: &RunConfig,
    url: &str,
    dialect: Option<Dialect>,
    variables: Lookup<'_>,
    timeouts: Timeouts,
) -> Result<Target, ConfigError> {
    let verify = if config.insecure { Verify::Insecure } else { Verify::Yes };
    let redirects = if config.follow_redirects { Redirects::Followed } else { Redirects::Reported };
    let endpoint = Endpoint::resolve_for(url, dialect, config.model.as_deref());
    let endpoint = endpoint.map_err(|error| ConfigError::of("url", &error))?;
    let settings = TargetSettings {
        headers: headers(config, endpoint.dialect(), variables)?,
        endpoint,
        tls: TlsSettings { ca: config.ca.clone(), verify },
        timeouts,
        redirects,
    };
    Target::new(settings).map_err(|error| match &error {
        TargetError::Ca { .. } => ConfigError::of("ca", &error),
        TargetError::Name(_) => ConfigError::of("url", &error),
        TargetError::Tls(cause) => ConfigError::new("url", format!("{error}: {cause}"), ""),
    })
}
