//! Servers that are asked or told something beside the requests (exporters of metrics, collectors of telemetry): where one lies, and
//! how it is reached. Knows no request of the run.

use std::sync::Arc;

use metron_units::Nanos;
use metron_wire::{Endpoint, Header, Http, Redirects, Target, TargetSettings, Timeouts, TlsSettings, Verify};

use crate::RunConfig;
use crate::resolve::ConfigError;
use crate::variables::{Lookup, expand, percent_encoded};

/// How long each is waited for.
const PATIENCE: Nanos = Nanos::from_secs(5);

/// What a server beside the run is told by.
pub(crate) struct Named<'a> {
    /// The flag that names it.
    pub(crate) flag: &'static str,
    /// Its address; query values may be `${VAR}`.
    pub(crate) url: &'a str,
    /// An address that could be typed instead.
    pub(crate) example: &'static str,
    /// Sent with whatever is asked.
    pub(crate) headers: Vec<Header>,
}

/// A server beside the run.
#[derive(Clone)]
pub(crate) struct Aside {
    /// What comes after scheme and authority, query included: it may hold secrets.
    pub(crate) path: String,
    pub(crate) target: Arc<Target>,
}

impl Aside {
    /// # Errors
    /// If the address is none, or one of its variables is not set.
    pub(crate) fn of(config: &RunConfig, named: Named<'_>, variables: Lookup<'_>) -> Result<Self, ConfigError> {
        let Named { flag, url, example, headers } = named;
        let url = expand(url, variables, percent_encoded)
            .map_err(|error| ConfigError::new(flag, error.to_string(), format!("export {}=...", error.name)))?;
        // Of the whole address, so that a secret in its query is known as one and shown nowhere.
        let endpoint = Endpoint::resolve(&url, None).map_err(|error| {
            // A resolver's own hint speaks of --url.
            let text = error.to_string();
            ConfigError::new(flag, text.lines().next().unwrap_or_default(), format!("--{flag} {example}"))
        })?;
        let verify = if config.insecure { Verify::Insecure } else { Verify::Yes };
        let target = Target::new(TargetSettings {
            endpoint,
            headers,
            tls: TlsSettings { ca: config.ca.clone(), verify },
            timeouts: Timeouts { connect: PATIENCE, first_token: PATIENCE, idle: PATIENCE, total: PATIENCE },
            redirects: Redirects::Reported,
            http: Http::One,
        });
        let target = target.map_err(|error| ConfigError::new(flag, error.to_string(), ""))?;
        let (_, path) = apart(&url);
        Ok(Self { path: path.to_owned(), target: Arc::new(target) })
    }
}

/// Scheme and authority, and the path with its query.
pub(crate) fn apart(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    url.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart_at_its_path() {
        assert_eq!(apart("http://h:8000/metrics?a=b"), ("http://h:8000", "/metrics?a=b"));
        assert_eq!(apart("http://h:8000"), ("http://h:8000", ""));
        assert_eq!(apart("https://h?x"), ("https://h", "?x"));
        assert_eq!(apart("localhost:9400/metrics"), ("localhost:9400", "/metrics"));
    }
}
