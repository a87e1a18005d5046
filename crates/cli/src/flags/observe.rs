//! Flags that say what is observed besides the requests.

use clap::Args;

/// What is watched meanwhile.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Observation")]
pub(crate) struct ObserveFlags {
    /// Keep a server's own metrics (Prometheus text, once a second); auto is the measured server's /metrics. May be given again.
    #[arg(long, value_name = "URL")]
    pub(crate) server_metrics: Vec<String>,
    /// Send a span for each request and the GenAI histograms to an OpenTelemetry collector (OTLP over HTTP, JSON), and the server
    /// the traceparent; auto is OTEL_EXPORTER_OTLP_ENDPOINT, or http://localhost:4318.
    #[arg(long, value_name = "URL")]
    pub(crate) otlp: Option<String>,
    /// Show how the run stands as Prometheus text at http://127.0.0.1:P/metrics while it runs.
    #[arg(long, value_name = "P", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) metrics_port: Option<u16>,
}
