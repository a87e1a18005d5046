//! The simulated engine as a process of its own, so that it can have a core of its own and its cost is not the client's.

use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// `metron sim`, until it is stopped.
#[derive(Debug)]
pub struct Engine {
    process: Child,
    address: String,
}

impl Engine {
    /// Starts `command` (the metron binary, or a program that starts it) as the engine `spec` on a free port. `log`: where
    /// it notes what it sent.
    ///
    /// # Errors
    /// If it cannot be started, or ends before it has named its address.
    pub fn start(mut command: Command, spec: &str, log: Option<&Path>) -> io::Result<Self> {
        command.args(["sim", spec, "--port", "0"]);
        if let Some(log) = log {
            command.arg("--log").arg(log);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn()?;
        let mut first = String::new();
        let read = process.stdout.take().map(|out| BufReader::new(out).read_line(&mut first));
        let address = first.trim().strip_prefix("http://").map(str::to_owned);
        match (read, address) {
            (Some(Ok(_)), Some(address)) => Ok(Self { process, address }),
            _ => {
                let _gone = process.kill();
                let ended = process.wait()?;
                Err(io::Error::other(format!("the simulated engine did not name its address ({ended})")))
            }
        }
    }

    /// Where it listens: address and port.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends it as Ctrl-C does, so that its log is whole.
    ///
    /// # Errors
    /// If it cannot be reached, or fails at its end.
    pub fn stop(mut self) -> io::Result<()> {
        let pid = i32::try_from(self.process.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no process id"))?;
        rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
        let ended = self.process.wait()?;
        if ended.success() { Ok(()) } else { Err(io::Error::other(format!("the simulated engine ended with {ended}"))) }
    }
}

/// An engine that nobody stopped is not left behind.
impl Drop for Engine {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _collected = self.process.wait();
    }
}
