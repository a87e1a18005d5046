//! Ends an engine's process group where metron cannot any more: it was killed, and nothing of its own ran on the way. A shell
//! waits at the end of a pipe; the system closes the pipe with the process that holds its other end.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use metron_units::Nanos;
use rustix::process::Pid;

/// A line means that all is well; the pipe's end, that nobody is left to stop the engine. The group may be gone at any time.
/// What ends metron from a terminal must not end who watches over it.
const SCRIPT: &str = "trap '' INT TERM HUP QUIT
read -r word && exit 0
kill -TERM \"-$1\" 2>/dev/null
left=$2
while [ \"$left\" -gt 0 ] && kill -0 \"-$1\" 2>/dev/null; do sleep 1; left=$((left - 1)); done
kill -KILL \"-$1\" 2>/dev/null";

/// Who ends the group of an engine should metron be killed.
#[derive(Debug)]
pub(super) struct Guard(Child);

impl Guard {
    /// Watches over a group. `None` where there is no shell: an engine outlives a killed metron there.
    pub(super) fn of(group: Pid, grace: Nanos) -> Option<Self> {
        let seconds = grace.as_secs_f64().ceil().to_string();
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "metron-guard", &group.as_raw_nonzero().to_string(), &seconds]);
        // Nobody waits for the output of a process that outlives metron.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        shell.spawn().ok().map(Self)
    }

    /// The group is gone: nothing is left to watch over.
    pub(super) fn dismiss(mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            // One that is gone needs no telling.
            let _gone = pipe.write_all(b"gone\n");
        }
        let _ended = self.0.wait();
    }
}
