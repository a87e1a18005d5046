//! An engine as a process of ours: started in a process group of its own, so that all of it can be ended, whatever it starts
//! itself, and is ended even where metron is killed; its words kept in a file. Knows no request.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use metron_units::Nanos;
use metron_wire::Clock;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

use super::EngineCommand;
use super::guard::Guard;
use crate::stop::{Asked, Stop};

/// How often an ending engine is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// How long a group may take to vanish after SIGKILL: what is left then is a process that the system itself cannot end.
const AFTER_KILL: Nanos = Nanos::from_secs(2);

/// What is left of an engine's grace once the end has been asked for twice.
const HURRIED: Nanos = Nanos::from_secs(1);

/// An engine that was started. On drop it is stopped: on Ctrl-C, on an error, on a fault of ours.
#[derive(Debug)]
pub(super) struct Engine {
    leader: Child,
    guard: Option<Guard>,
    grace: Nanos,
    stop: Stop,
    stopped: bool,
}

impl Engine {
    /// Starts it; what it says goes behind what the file `log` holds. Who asks `stop` for the end twice does not wait for the
    /// engine's grace.
    pub(super) fn start(command: &EngineCommand, log: &Path, stop: &Stop) -> io::Result<Self> {
        if let Some(folder) = log.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let out = OpenOptions::new().create(true).append(true).open(log)?;
        let (program, arguments) =
            command.argv.split_first().ok_or_else(|| io::Error::other("the command has no program"))?;
        let mut process = Command::new(program);
        process.args(arguments).envs(&command.env).process_group(0).stdin(Stdio::null());
        process.stdout(out.try_clone()?).stderr(out);
        if let Some(cwd) = &command.cwd {
            process.current_dir(cwd);
        }
        let leader = process.spawn()?;
        let guard = Guard::of(Pid::from_child(&leader), command.stop_grace);
        Ok(Self { leader, guard, grace: command.stop_grace, stop: stop.clone(), stopped: false })
    }

    /// How it ended, if it did.
    pub(super) fn exited(&mut self) -> Option<ExitStatus> {
        self.leader.try_wait().ok().flatten()
    }

    /// Ends its whole group: SIGTERM, then, after its grace, SIGKILL.
    pub(super) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        let group = Pid::from_child(&self.leader);
        for (signal, patience, hurried) in [(Signal::TERM, self.grace, HURRIED), (Signal::KILL, AFTER_KILL, AFTER_KILL)]
        {
            // Nobody left to hear it is what is wanted.
            let _gone = kill_process_group(group, signal);
            if self.is_gone_within(group, patience, hurried) {
                break;
            }
        }
        if let Some(guard) = self.guard.take() {
            guard.dismiss();
        }
    }

    fn is_gone_within(&mut self, group: Pid, patience: Nanos, hurried: Nanos) -> bool {
        let clock = Clock::start();
        let start = clock.now();
        loop {
            // The leader stays in its group as a zombie until it is waited for.
            let leader_gone = !matches!(self.leader.try_wait(), Ok(None));
            if leader_gone && test_kill_process_group(group).is_err() {
                return true;
            }
            let patience = if self.stop.asked() == Asked::Now { patience.min(hurried) } else { patience };
            if clock.now().saturating_sub(start) >= patience {
                return false;
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end();
    }
}

/// How many of a log's last lines are shown, and how much of its end is searched for them.
const LINES: usize = 5;
const SEARCHED: u64 = 16 * 1024;

/// How long a log is; 0 where there is none.
pub(super) fn length(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |metadata| metadata.len())
}

/// The last lines of a log that hold anything, of what lies behind its first `before` bytes; none if it cannot be read.
pub(super) fn last_lines(log: &Path, before: u64) -> Vec<String> {
    let tail = || -> io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(SEARCHED).max(before)))?;
        let mut bytes = Vec::new();
        file.take(SEARCHED).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = tail().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn shell(script: &str) -> EngineCommand {
        EngineCommand {
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            env: BTreeMap::from([("WORD".to_owned(), "ready".to_owned())]),
            cwd: Some(std::env::temp_dir()),
            health: "http://127.0.0.1:1/health".to_owned(),
            start_timeout: Nanos::from_secs(5),
            stop_grace: Nanos::from_millis(50),
        }
    }

    /// Starts a script and waits until it has said `ready`.
    fn started(script: &str, log: &Path) -> Engine {
        started_for(script, log, &Stop::new())
    }

    fn started_for(script: &str, log: &Path, stop: &Stop) -> Engine {
        let mut engine = Engine::start(&shell(script), log, stop).expect("a shell");
        while !last_lines(log, 0).iter().any(|line| line == "ready") {
            assert!(engine.exited().is_none(), "{:?}", last_lines(log, 0));
            std::thread::yield_now();
        }
        engine
    }

    fn is_there(group: Pid) -> bool {
        test_kill_process_group(group).is_ok()
    }

    #[test]
    fn stopping_ends_what_the_engine_started_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = started("sleep 1000 & echo $WORD; wait", &folder.path().join("t/engine.log"));
        let group = Pid::from_child(&engine.leader);
        assert!(is_there(group));
        engine.stop();
        assert!(!is_there(group), "a child of the engine is left");
    }

    #[test]
    fn an_engine_that_will_not_go_is_killed_and_dropping_it_is_stopping_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine =
            started("trap '' TERM; echo $WORD; while :; do sleep 1000; done", &folder.path().join("engine.log"));
        let group = Pid::from_child(&engine.leader);
        drop(engine);
        assert!(!is_there(group), "it ignores SIGTERM, and nothing ignores SIGKILL");
    }

    #[test]
    fn who_asks_twice_does_not_wait_for_the_grace() {
        let folder = tempfile::tempdir().expect("a folder");
        let stop = Stop::new();
        let script = "trap '' TERM; echo $WORD; while :; do sleep 1000; done";
        let mut engine = started_for(script, &folder.path().join("engine.log"), &stop);
        // A grace that no test outlives.
        engine.grace = Nanos::from_secs(1_000_000);
        let group = Pid::from_child(&engine.leader);
        stop.now();
        engine.stop();
        assert!(!is_there(group));
    }

    #[test]
    fn the_log_s_last_lines_are_those_that_say_something() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("engine.log");
        assert_eq!((last_lines(&log, 0), length(&log)), (Vec::new(), 0));
        std::fs::write(&log, "1\n2\n\n3\n4\n  \n5\n6").expect("written");
        assert_eq!(last_lines(&log, 0), ["2", "3", "4", "5", "6"]);
        assert_eq!(last_lines(&log, 7), ["4", "5", "6"], "what an engine before it said is not its own");
        assert_eq!(last_lines(&log, length(&log)), [""; 0]);
    }
}
