//! Where telemetry goes, and as whose: the flag, and the variables that OpenTelemetry's own programs know.

use std::sync::Arc;

use metron_wire::{Header, Secret, Target};
use serde_json::{Value, json};

use crate::RunConfig;
use crate::aside::{Aside, Named};
use crate::resolve::ConfigError;
use crate::variables::{Lookup, masked_url, percent_decoded};

const FLAG: &str = "otlp";
/// The word for the address that a variable names, or a collector on this machine.
const AUTO: &str = "auto";
const ADDRESS: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const SERVICE: &str = "OTEL_SERVICE_NAME";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
/// Where a collector listens for OTLP over HTTP.
const LOCAL: &str = "http://localhost:4318";

/// A collector of OTLP over HTTP, in JSON.
#[derive(Clone)]
pub(crate) struct Collector {
    /// Safe to show.
    pub(super) url: String,
    /// Before `/v1/traces` and `/v1/metrics`; without a slash at its end.
    pub(super) path: String,
    pub(super) target: Arc<Target>,
    /// Whose telemetry it is.
    pub(super) resource: Vec<(String, Value)>,
}

/// The collector that `--otlp` names; `None` if it names none.
///
/// # Errors
/// If it is no address, or a variable's headers or attributes are none.
pub(crate) fn collector(config: &RunConfig, variables: Lookup<'_>) -> Result<Option<Collector>, ConfigError> {
    let Some(named) = &config.otlp else { return Ok(None) };
    let set = |name: &str| variables(name).filter(|value| !value.trim().is_empty());
    let named = match named.as_str() {
        AUTO => set(ADDRESS).unwrap_or_else(|| LOCAL.to_owned()),
        named => named.to_owned(),
    };
    let headers = pairs(set(HEADERS).as_deref().unwrap_or_default(), HEADERS)?;
    let headers =
        headers.into_iter().map(|(name, value)| Header::new(&name, Secret::new(value)).map(Header::kept_secret));
    let headers: Result<Vec<Header>, _> = headers.collect();
    let headers = headers.map_err(|error| ConfigError::new(FLAG, format!("{HEADERS}: {error}"), ""))?;
    let aside = Aside::of(config, Named { flag: FLAG, url: &named, example: LOCAL, headers }, variables)?;
    let attributes = pairs(set(RESOURCE).as_deref().unwrap_or_default(), RESOURCE)?;
    let mut resource: Vec<(String, Value)> = attributes.into_iter().map(|(key, value)| (key, value.into())).collect();
    // The variable of the service's own outranks the list's.
    if let Some(service) = set(SERVICE) {
        resource.retain(|(key, _)| key != "service.name");
        resource.push(("service.name".to_owned(), service.into()));
    } else if !resource.iter().any(|(key, _)| key == "service.name") {
        resource.push(("service.name".to_owned(), json!("metron")));
    }
    resource.push(("service.version".to_owned(), json!(env!("CARGO_PKG_VERSION"))));
    let path = without_query(&aside.path).trim_end_matches('/').to_owned();
    Ok(Some(Collector { url: masked_url(&named), path, target: aside.target, resource }))
}

fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

/// `key=value,key=value`, each value percent-encoded, as OpenTelemetry's variables are.
fn pairs(text: &str, variable: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), percent_decoded(value.trim()))),
            // The part itself may be a secret.
            Some(_) | None => {
                let message = format!("{variable} holds what is no key=value");
                Err(ConfigError::new(FLAG, message, format!("export {variable}=key=value,key=value")))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aside::apart;

    #[test]
    fn variables_hold_pairs() {
        let read = pairs("a=1, b = x%20y,,c=", RESOURCE).expect("pairs");
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(read, [pair("a", "1"), pair("b", "x y"), pair("c", "")]);
        assert!(pairs("a", RESOURCE).is_err() && pairs("=b", RESOURCE).is_err());
    }

    #[test]
    fn a_path_of_the_collectors_own_is_kept() {
        for (url, path) in [("http://h:4318", ""), ("http://h/otlp/", "/otlp/"), ("https://h/a/b?c=d", "/a/b")] {
            assert_eq!(without_query(apart(url).1), path);
        }
    }
}
