//! Flags that say which server is asked, and how it is reached.

use std::path::PathBuf;

use clap::Args;

/// Whom to measure.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetFlags {
    /// The server's root, its /v1, or the whole path; `sim:` is the simulated engine.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Run the simulated engine in virtual time: nothing is waited for, and two runs are the same to the byte.
    #[arg(long)]
    pub(crate) virtual_time: bool,
    #[command(flatten)]
    pub(crate) server: ServerFlags,
    /// The version of HTTP. [default: auto, which is 2 where an https server offers it, else 1.1; 2 over http:// asks nobody]
    #[arg(long, value_name = "V", value_parser = ["1.1", "2", "auto"])]
    pub(crate) http: Option<String>,
    /// Follow redirects (307, 308) instead of counting them as errors.
    #[arg(long)]
    pub(crate) follow_redirects: bool,
    /// Ask for whole answers in place of streams: latency and throughput, and nothing of single tokens.
    #[arg(long)]
    pub(crate) no_stream: bool,
}

/// What a server is asked for, and with whose right.
#[derive(Debug, Args)]
pub(crate) struct ServerFlags {
    /// The model's name; asked of the server if not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    #[arg(long, value_name = "API", default_value = "auto", help = endpoint_help())]
    pub(crate) endpoint: String,
    /// The variable that holds the API key (never the key itself).
    #[arg(long, value_name = "VAR")]
    pub(crate) api_key_env: Option<String>,
    /// A further request header; secrets as `Name: ${VAR}`. May be given again.
    #[arg(long, value_name = "'K: V'")]
    pub(crate) header: Vec<String>,
    /// Accept any certificate.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// A PEM file of further root certificates.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

/// With the names that the crate of the dialects knows.
fn endpoint_help() -> String {
    format!(
        "The API, or auto: the URL's, else what the server itself tells, else chat. One of {}",
        metron_runner::resolve::endpoints()
    )
}
