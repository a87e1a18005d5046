//! The settings that say which server is asked, and how it is reached. Opens nothing but the file of certificates.

use std::path::Path;

use metron_sim::Spec;
use metron_sim::spec::{Address, SCHEME, Time};
use metron_units::Nanos;
use metron_wire::{
    Dialect, Endpoint, Header, Http, Redirects, Secret, Signing, Target, TargetError, TargetSettings, Timeouts,
    TlsSettings, Verify,
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
            if http(config)? == Http::Two {
                let message = "the simulated engine speaks HTTP/1.1 alone";
                return Err(ConfigError::new("http", message, "--http 1.1"));
            }
            if config.no_stream && time == Time::Virtual {
                let message = "the simulated engine gives whole answers over its socket alone, not in virtual time";
                return Err(ConfigError::new("no-stream", message, "--no-stream without --virtual-time"));
            }
            return Ok((Self::Simulated(address.spec), time));
        }
        if config.virtual_time {
            let message = "only the simulated engine runs in virtual time";
            return Err(ConfigError::new("virtual-time", message, "--url sim:"));
        }
        if config.no_stream && matches!(dialect, Some(Dialect::Custom(_))) {
            let message = "whether a dialect of your own streams is said by the body in its file";
            return Err(ConfigError::new(
                "no-stream",
                message,
                "body: {stream: false, ...} in the file, without --no-stream",
            ));
        }
        http(config)?;
        let url = network_url(&config.url, variables)?;
        Endpoint::resolve_for(&url, dialect, config.model.as_deref())
            .map_err(|error| ConfigError::of("url", &error))?;
        Ok((Self::Network { url }, Time::Wall))
    }
}

/// The URL of a server, variables put in: it may hold secrets.
pub(crate) fn network_url(url: &str, variables: Lookup<'_>) -> Result<String, ConfigError> {
    expand(url, variables, percent_encoded).map_err(|error| not_set("url", &error))
}

impl Server {
    /// Which dialect it is asked in, if `named` is the one that was named.
    pub(super) fn dialect(&self, config: &RunConfig, named: Option<Dialect>) -> Dialect {
        match self {
            Self::Simulated(_) => named.unwrap_or(Dialect::Chat),
            Self::Network { url } => Endpoint::resolve_for(url, named, config.model.as_deref())
                .map_or(named.unwrap_or(Dialect::Chat), |endpoint| endpoint.dialect()),
        }
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

/// What decides how a server is reached, whatever is then asked of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach<'a> {
    pub(crate) url: &'a str,
    pub(crate) dialect: Option<Dialect>,
    pub(crate) model: Option<&'a str>,
    pub(crate) api_key_env: Option<&'a str>,
    pub(crate) header: &'a [String],
    pub(crate) verify: Verify,
    pub(crate) ca: Option<&'a Path>,
    pub(crate) redirects: Redirects,
    pub(crate) timeouts: Timeouts,
    pub(crate) http: Http,
}

/// The headers of every request, variables put in.
pub(super) fn headers(
    api_key_env: Option<&str>,
    lines: &[String],
    dialect: Dialect,
    variables: Lookup<'_>,
) -> Result<Vec<Header>, ConfigError> {
    let mut headers = Vec::new();
    if let Some(name) = api_key_env {
        if !is_variable(name) {
            return Err(ConfigError::new(
                "api-key-env",
                format!("no variable can be called `{name}`"),
                "--api-key-env API_KEY",
            ));
        }
        let key = variables(name).filter(|key| !key.trim().is_empty());
        let key = key.ok_or_else(|| not_set("api-key-env", &NotSet { name: name.to_owned() }))?;
        let header = Header::key(dialect, &Secret::new(key));
        headers.push(header.map_err(|error| ConfigError::of("api-key-env", &error))?);
    }
    for line in lines {
        headers.push(header(line, "header", variables)?);
    }
    Ok(headers)
}

/// Which HTTP is spoken.
fn http(config: &RunConfig) -> Result<Http, ConfigError> {
    let said = config.http.as_deref().map(str::parse).transpose();
    Ok(said.map_err(|error| ConfigError::new("http", format!("{error}"), "--http auto"))?.unwrap_or_default())
}

/// A header as `flag` has it, variables put in.
pub(super) fn header(line: &str, flag: &'static str, variables: Lookup<'_>) -> Result<Header, ConfigError> {
    let expanded = expand(line, variables, str::to_owned).map_err(|error| not_set(flag, &error))?;
    let header = Header::parse(&expanded).map_err(|error| ConfigError::of(flag, &error))?;
    // What is told by a variable is kept out of files for a reason, whatever the header is called.
    Ok(if expanded == line { header } else { header.kept_secret() })
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
    let reach = Reach {
        url,
        dialect,
        model: config.model.as_deref(),
        api_key_env: config.api_key_env.as_deref(),
        header: &config.header,
        verify: if config.insecure { Verify::Insecure } else { Verify::Yes },
        ca: config.ca.as_deref(),
        redirects: if config.follow_redirects { Redirects::Followed } else { Redirects::Reported },
        timeouts,
        http: http(config)?,
    };
    reach.target(variables, |endpoint| if config.no_stream { endpoint.unstreamed() } else { endpoint })
}

impl Reach<'_> {
    /// Everything that requests have in common; `asked` chooses among the ways in which the endpoint can be asked.
    pub(crate) fn target(
        &self,
        variables: Lookup<'_>,
        asked: impl FnOnce(Endpoint) -> Endpoint,
    ) -> Result<Target, ConfigError> {
        let endpoint = Endpoint::resolve_for(self.url, self.dialect, self.model);
        let endpoint = asked(endpoint.map_err(|error| ConfigError::of("url", &error))?);
        let settings = TargetSettings {
            headers: headers(self.api_key_env, self.header, endpoint.dialect(), variables)?,
            endpoint,
            tls: TlsSettings { ca: self.ca.map(Path::to_owned), verify: self.verify },
            timeouts: self.timeouts,
            redirects: self.redirects,
            http: self.http,
        };
        let signing = match self.api_key_env.is_some() || settings.headers.iter().any(is_authorization) {
            true => None,
            false => signing(&settings.endpoint, variables)?,
        };
        let target = Target::new(settings).map_err(|error| match &error {
            TargetError::Ca { .. } => ConfigError::of("ca", &error),
            TargetError::Name(_) => ConfigError::of("url", &error),
            TargetError::Tls(cause) => ConfigError::new("url", format!("{error}: {cause}"), ""),
        })?;
        Ok(match signing {
            Some(signing) => target.signed(signing),
            None => target,
        })
    }
}

fn is_authorization(header: &Header) -> bool {
    header.name().eq_ignore_ascii_case("authorization")
}

/// Who signs requests to this endpoint, by the variables that AWS's own tools read; `None` if nobody has to.
fn signing(endpoint: &Endpoint, variables: Lookup<'_>) -> Result<Option<Signing>, ConfigError> {
    let Some(service) = endpoint.dialect().signed_service() else { return Ok(None) };
    let set = |name: &str| variables(name).filter(|value| !value.trim().is_empty());
    let wanted = |name: &'static str| {
        set(name).ok_or_else(|| {
            let name_of = endpoint.dialect().name();
            let message = format!("requests of `{name_of}` are signed, and the variable `{name}` is not set");
            ConfigError::new("endpoint", message, format!("export {name}=..., or --api-key-env VAR for a bearer key"))
        })
    };
    let region = endpoint.aws_region().map(str::to_owned);
    let region = region.or_else(|| set("AWS_REGION")).or_else(|| set("AWS_DEFAULT_REGION"));
    Ok(Some(Signing {
        access_key: wanted("AWS_ACCESS_KEY_ID")?,
        secret_key: Secret::new(wanted("AWS_SECRET_ACCESS_KEY")?),
        session_token: set("AWS_SESSION_TOKEN").map(Secret::new),
        region: region.map_or_else(|| wanted("AWS_REGION"), Ok)?,
        service,
    }))
}
