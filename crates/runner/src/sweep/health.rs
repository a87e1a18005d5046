//! Waiting until an engine is ready: its health URL is asked until it answers well, or the engine ends, or its time is over.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use metron_units::Nanos;
use metron_wire::{Client, Clock, Endpoint, Http, Redirects, Target, TargetSettings, Timeouts, TlsSettings, Verify};

use super::EngineCommand;
use super::engine::Engine;
use crate::stop::{Asked, Stop};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(50);

/// After an engine's grace: until one that was killed is gone.
const PAUSE_AFTER_GRACE: Nanos = Nanos::from_millis(500);

/// How long one question may take.
const PATIENCE: Nanos = Nanos::from_secs(5);

/// Why an engine is not ready.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotReady {
    #[error(
        "something answers at {health} before the engine is started: another engine has this port; end it, or give the target \
         another port"
    )]
    Taken { health: String },
    #[error("the engine ended before it was ready ({0})")]
    Ended(ExitStatus),
    #[error("the engine was not ready after {after}: {health}: {said}")]
    TimedOut { after: Nanos, health: String, said: String },
    #[error("interrupted while the engine started")]
    Interrupted,
    #[error("the health URL `{health}` cannot be asked: {reason}")]
    BadUrl { health: String, reason: String },
    #[error("the system refuses what waiting needs: {0}")]
    System(#[from] io::Error),
}

/// Sees to it that nobody answers at the health URL of an engine that is yet to be started: it would be measured in its place.
/// The engine of a sweep that was killed a moment ago may take its grace to end.
pub(super) fn ensure_free(command: &EngineCommand, stop: &Stop) -> Result<(), NotReady> {
    let patience = command.stop_grace.saturating_add(PAUSE_AFTER_GRACE);
    let (client, path) = client_of(command, PATIENCE)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clock = Clock::start();
    let start = clock.now();
    runtime.block_on(async {
        loop {
            tokio::select! {
                biased;
                _ = stop.reaches(Asked::Drain) => return Err(NotReady::Interrupted),
                got = client.get(&path) => if got.is_err() { return Ok(()) },
            }
            if clock.now().saturating_sub(start) >= patience {
                return Err(NotReady::Taken { health: command.health.clone() });
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

/// Waits until the engine's health URL answers with a status of 200 to 299.
pub(super) fn wait(engine: &mut Engine, command: &EngineCommand, stop: &Stop) -> Result<(), NotReady> {
    // One that says nothing is asked no longer than it may take to start.
    let (client, path) = client_of(command, PATIENCE.min(command.start_timeout))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clock = Clock::start();
    let start = clock.now();
    runtime.block_on(async {
        loop {
            if let Some(status) = engine.exited() {
                return Err(NotReady::Ended(status));
            }
            let asked = tokio::select! {
                biased;
                _ = stop.reaches(Asked::Drain) => return Err(NotReady::Interrupted),
                got = client.get(&path) => got,
            };
            let said = match asked {
                Ok(got) if (200..300).contains(&got.status) => return Ok(()),
                Ok(got) => format!("status {}", got.status),
                Err(error) => error.to_string(),
            };
            if clock.now().saturating_sub(start) >= command.start_timeout {
                let health = command.health.clone();
                return Err(NotReady::TimedOut { after: command.start_timeout, health, said });
            }
            tokio::time::sleep(PAUSE).await;
        }
    })
}

fn client_of(command: &EngineCommand, patience: Nanos) -> Result<(Client, String), NotReady> {
    client(&command.health, patience).map_err(|reason| NotReady::BadUrl { health: command.health.clone(), reason })
}

/// A client of the URL's origin, and the path to ask for. An engine that was started a moment ago on this machine has whatever
/// certificate it made itself.
fn client(health: &str, patience: Nanos) -> Result<(Client, String), String> {
    let (origin, path) = parts(health).ok_or_else(|| "it is no http:// or https:// URL".to_owned())?;
    let timeouts = Timeouts { connect: patience, first_token: patience, idle: patience, total: patience };
    let settings = TargetSettings {
        endpoint: Endpoint::resolve_for(origin, None, None).map_err(|error| error.to_string())?,
        headers: Vec::new(),
        tls: TlsSettings { ca: None, verify: Verify::Insecure },
        timeouts,
        redirects: Redirects::Reported,
        http: Http::One,
    };
    let target = Target::new(settings).map_err(|error| error.to_string())?;
    Ok((Client::new(Arc::new(target), Clock::start()), path.to_owned()))
}

/// `http://host:port` and `/path`.
fn parts(url: &str) -> Option<(&str, &str)> {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    let scheme = url.len() - rest.len();
    let end = rest.find('/').map_or(url.len(), |slash| scheme + slash);
    let (origin, path) = url.split_at(end);
    (end > scheme).then_some((origin, if path.is_empty() { "/" } else { path }))
}

/// Whether a health URL can be asked.
///
/// # Errors
/// Why it cannot.
pub fn check_url(health: &str) -> Result<(), String> {
    client(health, PATIENCE).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_origin_and_a_path() {
        for (url, expected) in [
            ("http://h:1/health?deep=1", Some(("http://h:1", "/health?deep=1"))),
            ("https://h", Some(("https://h", "/"))),
            ("h:1/health", None),
            ("http:///x", None),
        ] {
            assert_eq!(parts(url), expected, "{url}");
        }
        assert!(check_url("http://127.0.0.1:8000/health").is_ok());
        assert!(check_url("127.0.0.1:8000/health").is_err());
    }
}
