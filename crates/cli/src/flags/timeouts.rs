//! Flags that say how long a request may take before it is given up.

use clap::Args;
use metron_units::Nanos;

use super::number::above_zero;

/// When a request counts as failed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Timeouts")]
pub(crate) struct TimeoutFlags {
    /// To open a connection.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = above_zero)]
    pub(crate) timeout_connect: Nanos,
    /// From dispatch to the first token.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = above_zero)]
    pub(crate) timeout_first_token: Nanos,
    /// From one token to the next.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = above_zero)]
    pub(crate) timeout_idle: Nanos,
    /// From dispatch to the end.
    #[arg(long, value_name = "TIME", default_value = "600s", value_parser = above_zero)]
    pub(crate) timeout: Nanos,
}
