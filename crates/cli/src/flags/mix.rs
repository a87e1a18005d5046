//! Flags that say who asks: classes, sessions, and who gives up.

use clap::Args;
use metron_runner::ClassConfig;
use metron_units::Share;
use metron_workload::{Cancellation, Count, Dist};

/// Who asks.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Users")]
pub(crate) struct MixFlags {
    /// A class of a mix, with what differs from the run: 'chat: 70%, input_tokens=512, slo=p99 ttft <= 500ms'. May be given
    /// again; a --config file has a list `classes`.
    #[arg(long, value_name = "CLASS")]
    pub(crate) class: Vec<ClassConfig>,
    /// Sessions of so many turns: each holds what was said before, the server's own answers included. Then --rate is of
    /// sessions and --concurrency of users in one each; --think-time lies between the turns.
    #[arg(long, value_name = "DIST")]
    pub(crate) turns: Option<Dist<Count>>,
    /// The share of users who leave their session after a turn that is not its last.
    #[arg(long, value_name = "SHARE")]
    pub(crate) abandon: Option<Share>,
    /// Send the session's name in this header, so that a router can keep its turns on one server.
    #[arg(long, value_name = "NAME")]
    pub(crate) session_header: Option<String>,
    /// Later turns are the results of tools, as in an agent's loop: of the calls that the answer makes, or of one made up.
    #[arg(long)]
    pub(crate) agent: bool,
    /// Users who give up: '10% after 2s', '5% after uniform:10..40 tokens'. May be given again.
    #[arg(long, value_name = "RULE")]
    pub(crate) cancel: Vec<Cancellation>,
}
