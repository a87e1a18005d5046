//! Which path means what. Knows no body.

use super::ask::Dialect;
use super::refusal::{Refusal, Status};
use crate::words::DEFAULT_MODEL;

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// An answer of the engine.
    Answer(Dialect),
    /// How the engine stands, for Prometheus.
    Metrics,
    /// A page that is the same every time.
    Page(String),
}

/// Finds what `method` on `path` is for.
pub(super) fn find(method: &str, path: &str) -> Result<Route, Refusal> {
    let (allowed, route) = match path {
        "/v1/chat/completions" => ("POST", Route::Answer(Dialect::Chat)),
        "/v1/completions" => ("POST", Route::Answer(Dialect::Completions)),
        "/v1/models" => ("GET", Route::Page(models())),
        "/metrics" => ("GET", Route::Metrics),
        "/health" => ("GET", Route::Page(r#"{"status":"ok"}"#.to_owned())),
        "/version" => ("GET", Route::Page(format!(r#"{{"version":"{}"}}"#, env!("CARGO_PKG_VERSION")))),
        _ => return Err(Refusal::new(Status::NotFound, format!("there is nothing at `{path}`"))),
    };
    if method != allowed {
        return Err(Refusal::new(Status::MethodNotAllowed(allowed), format!("`{path}` takes {allowed}, not {method}")));
    }
    Ok(route)
}

/// One model is listed; any name is answered as if it existed.
fn models() -> String {
    format!(
        r#"{{"object":"list","data":[{{"id":"{DEFAULT_MODEL}","object":"model","created":0,"owned_by":"metron"}}]}}"#
    )
}
