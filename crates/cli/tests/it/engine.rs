//! `metron sim` in a process of its own, on a free port of this machine, for as long as a test holds it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::metron::{Ended, Folder};

/// The engine.
pub(crate) struct Engine {
    child: Option<Child>,
    url: String,
}

impl Engine {
    /// Starts `metron sim` in `folder` with `arguments`, and waits until it answers.
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let mut command = folder.command(["sim", "--port", "0"].iter().chain(arguments));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut url).expect("the first line is the address");
        Self { child: Some(child), url: url.trim().to_owned() }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Ctrl-C, and what it left.
    #[track_caller]
    pub(crate) fn interrupted(mut self) -> Ended {
        let child = self.child.take().expect("it is ended once");
        kill_process(Pid::from_child(&child), Signal::INT).expect("it still runs");
        Ended::of(child.wait_with_output().expect("it ends"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(child) = &mut self.child else { return };
        let _a_test_failed_already = child.kill();
        let _it_is_over = child.wait();
    }
}
