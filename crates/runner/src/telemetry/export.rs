//! The thread that sends: spans in batches, histograms now and then, and a count of what was not taken.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use metron_results::event::{RunEvent, Warning};
use metron_results::summary::TelemetryFigures;
use metron_units::Nanos;
use metron_wire::{Client, Clock};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::collector::Collector;
use super::instruments::Instruments;
use super::json::attributes;
use super::span::{Scope, Seen};
use crate::run::tell;

/// Spans of one message.
const BATCH: usize = 512;
/// A span waits no longer than that for its batch to fill.
const LINGER: Nanos = Nanos::from_secs(1);
/// How often histograms are sent.
const METRICS_EVERY: Nanos = Nanos::from_secs(10);
/// A run that is over waits no longer than that for a slow collector; one that refuses then is not asked again.
const AFTER_THE_END: Nanos = Nanos::from_secs(10);

/// What the thread owns.
pub(super) struct Export {
    collector: Collector,
    scope: Scope,
    client: Client,
    clock: Clock,
    runtime: Runtime,
    resource: Value,
    instruments: Instruments,
    spans: Vec<Value>,
    figures: TelemetryFigures,
    events: Sender<RunEvent>,
    /// Whether the collector's refusal was told.
    is_told: bool,
    /// Set once the run is over.
    ending: Arc<AtomicBool>,
    /// When nothing more is sent, once the run is over.
    until: Option<Nanos>,
}

impl Export {
    pub(super) fn new(
        collector: Collector,
        scope: Scope,
        events: Sender<RunEvent>,
        ending: Arc<AtomicBool>,
        runtime: Runtime,
    ) -> Self {
        let clock = Clock::start();
        let mut resource: Vec<(&str, Value)> =
            collector.resource.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        resource.push(("metron.run.id", scope.run_id.clone().into()));
        resource.push(("metron.run.name", scope.run_name.clone().into()));
        let resource = json!({ "attributes": attributes(&resource) });
        Self {
            client: Client::new(Arc::clone(&collector.target), clock),
            figures: TelemetryFigures { url: collector.url.clone(), spans: 0, lost: 0 },
            instruments: Instruments::new(),
            spans: Vec::new(),
            is_told: false,
            ending,
            until: None,
            collector,
            scope,
            clock,
            runtime,
            resource,
            events,
        }
    }

    /// Sends until nobody is left who could show anything.
    pub(super) fn run(mut self, shown: &Receiver<Seen>) -> TelemetryFigures {
        let (mut linger, mut metrics) = (self.clock.now() + LINGER, self.clock.now() + METRICS_EVERY);
        loop {
            match shown.recv_timeout(Duration::from(linger.saturating_sub(self.clock.now()))) {
                Ok(seen) => self.take(&seen),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = self.clock.now();
            if self.spans.len() >= BATCH || now >= linger {
                self.send_spans();
                linger = self.clock.now() + LINGER;
            }
            if now >= metrics {
                self.send_metrics();
                metrics = self.clock.now() + METRICS_EVERY;
            }
        }
        self.send_spans();
        self.send_metrics();
        self.figures
    }

    fn take(&mut self, seen: &Seen) {
        self.instruments.add(seen);
        self.spans.push(self.scope.span(seen));
    }

    fn send_spans(&mut self) {
        let spans = mem::take(&mut self.spans);
        if spans.is_empty() {
            return;
        }
        let count = spans.len() as u64;
        let scope = json!({ "name": "metron", "version": env!("CARGO_PKG_VERSION") });
        let message = json!({
            "resourceSpans": [{ "resource": self.resource, "scopeSpans": [{ "scope": scope, "spans": spans }] }]
        });
        if self.post("/v1/traces", &message) {
            self.figures.spans += count;
        } else {
            self.figures.lost += count;
        }
    }

    fn send_metrics(&mut self) {
        // Of the wall clock when the run began, as the spans are.
        let now = self.clock.started_at_unix_ns().saturating_add(self.clock.now().get());
        let metrics = self.instruments.metrics(&self.scope, now);
        if metrics.is_empty() {
            return;
        }
        let scope = json!({ "name": "metron", "version": env!("CARGO_PKG_VERSION") });
        let message = json!({
            "resourceMetrics": [{ "resource": self.resource, "scopeMetrics": [{ "scope": scope, "metrics": metrics }] }]
        });
        self.post("/v1/metrics", &message);
    }

    /// Whether the collector took it.
    fn post(&mut self, signal: &str, message: &Value) -> bool {
        let now = self.clock.now();
        if self.until.is_none() && self.ending.load(Ordering::Relaxed) {
            self.until = Some(now + AFTER_THE_END);
        }
        if self.until.is_some_and(|until| until <= now) {
            return false;
        }
        let path = format!("{}{signal}", self.collector.path);
        let refused = match self.runtime.block_on(self.client.post(&path, message.to_string().as_bytes())) {
            Ok(got) if (200..300).contains(&got.status) => return true,
            Ok(got) => format!("status {} to {path}", got.status),
            Err(error) => error.message,
        };
        self.until = self.until.map(|_| now);
        if !mem::replace(&mut self.is_told, true) {
            let url = self.collector.url.clone();
            tell(&self.events, RunEvent::Warning(Warning::Telemetry { url, message: refused }));
        }
        false
    }
}
