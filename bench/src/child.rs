//! A program under measurement: started on one core, waited for, and charged for all it used.

use std::ffi::OsStr;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use crate::cost::{self, Cost};

/// A command that runs on one core.
#[must_use]
pub fn on_core<S: AsRef<OsStr>>(core: u32, program: S) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

/// What a finished program printed and used.
#[derive(Debug)]
pub struct Finished {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed on stdout.
    pub stdout: String,
    /// What it used from start to end.
    pub cost: Cost,
}

/// Runs a command to its end.
///
/// # Errors
/// If it cannot be started or waited for.
pub fn run(command: &mut Command) -> io::Result<Finished> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let reader = child.stdout.take().map(|mut out| {
        std::thread::spawn(move || {
            let mut text = String::new();
            io::Read::read_to_string(&mut out, &mut text).map(|_| text)
        })
    });
    let cost = wait(&child)?;
    let code = child.wait()?.code();
    let stdout = reader
        .map_or(Ok(String::new()), |reader| reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))?;
    Ok(Finished { code, stdout, cost })
}

/// Waits until the child has ended, without collecting it: its account stays readable until then. Its memory does not, so that
/// is read while it runs.
fn wait(child: &Child) -> io::Result<Cost> {
    let pid =
        i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("no process id"))?;
    let mut peak_memory = 0;
    loop {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        if waitid(WaitId::Pid(pid), options)?.is_some() {
            let cpu =
                cost::processor_time(child.id()).ok_or_else(|| io::Error::other("procfs does not tell a cost"))?;
            return Ok(Cost { cpu, peak_memory });
        }
        peak_memory = peak_memory.max(cost::peak_memory(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(20));
    }
}
