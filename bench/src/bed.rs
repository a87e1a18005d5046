//! The bed on which clients are measured: the simulated engine on one core, a closed loop of metron's on another.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use metron_runner::calibration::{ENGINE, Engine, TOKENS};

use crate::child::on_core;

/// The engine's core.
pub const ENGINE_CORE: u32 = 0;
/// The client's core.
pub const CLIENT_CORE: u32 = 1;

/// What makes a client print its summary as JSON and nothing else.
pub const SUMMARY_ALONE: [&str; 2] = ["--quiet", "--json"];

/// The metron binary that was built with the running program.
///
/// # Errors
/// If it is not known where that lies.
pub fn metron_beside_us() -> io::Result<PathBuf> {
    std::env::current_exe().map(|path| path.with_file_name("metron"))
}

/// The simulated engine as a process on its core. `log`: where it notes what it sent.
///
/// # Errors
/// If it cannot be started.
pub fn engine(metron: &Path, log: Option<&Path>) -> io::Result<Engine> {
    Engine::start(on_core(ENGINE_CORE, metron), ENGINE, log)
}

/// Makes of `metron`, a command that starts it, a closed loop of so many streams with one worker against `address`, which leaves its
/// files in `output`. What it shows is the caller's to say: [`SUMMARY_ALONE`] or a view.
#[must_use]
pub fn client(mut metron: Command, address: &str, streams: u64, requests: u64, output: &Path) -> Command {
    metron.args(["run", "--url", &format!("http://{address}"), "--endpoint", "chat", "--model", "bench"]);
    metron.args(["--workers", "1", "--force", "--timeout-first-token", "60s"]);
    metron.args(["--concurrency", &streams.to_string(), "--requests", &requests.to_string()]);
    metron.args(["--input-tokens", "16", "--output-tokens", &TOKENS.to_string()]).arg("--output").arg(output);
    metron
}
