//! Which view follows a run: the live one where there is a terminal for it, lines where there is none, or the one that was
//! asked for.

use std::io::{IsTerminal as _, stderr};
use std::sync::mpsc::Receiver;

use metron_report::live::{self, Wish};
use metron_report::progress::{Detail, Progress};
use metron_results::event::RunEvent;
use metron_runner::Stop;

use crate::failure::Failure;
use crate::flags::{OutputFlags, ProgressView};
use crate::speak;

/// The view of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// A whole screen, with keys.
    Live,
    /// Line by line.
    Progress(Detail),
}

impl View {
    /// The view of a run that the flags ask for.
    ///
    /// # Errors
    /// If a live view is asked for where there is no terminal for it.
    pub(crate) fn of(output: &OutputFlags) -> Result<Self, Failure> {
        let asked = matches!(output.progress, ProgressView::Auto | ProgressView::Live) && !output.quiet;
        if asked && live::fits(std::env::var_os("TERM").as_deref()) {
            return Ok(Self::Live);
        }
        let (wide, high) = live::SMALLEST;
        let needed =
            format!("--progress live needs a terminal of {wide}x{high} or more in front of it, for stdin and stderr");
        detail(output, needed).map(Self::Progress)
    }

    /// The view of many runs, one after the other: lines or a bar.
    ///
    /// # Errors
    /// If a live view is asked for.
    pub(crate) fn by_lines(output: &OutputFlags) -> Result<Detail, Failure> {
        detail(output, "--progress live shows one run, and a search makes many".to_owned())
    }

    /// Follows the run until its events end; what is wished of it goes to `stop`. The most requests that were seen in flight at
    /// once.
    pub(crate) fn watch(self, events: &Receiver<RunEvent>, stop: &Stop) -> u64 {
        let style = speak::style_of_stderr();
        match self {
            Self::Live => {
                let wish = |wish| match wish {
                    Wish::Drain => stop.drain(),
                    Wish::Stop => stop.now(),
                };
                live::follow(events, style, wish, stderr())
            }
            Self::Progress(detail) => {
                let mut progress = Progress::new(detail, style, stderr());
                let mut most = 0;
                for event in events {
                    if let RunEvent::Progress(snapshot) = &event {
                        most = most.max(snapshot.in_flight);
                    }
                    progress.show(&event);
                }
                progress.end();
                most
            }
        }
    }
}

fn detail(output: &OutputFlags, why_not_live: String) -> Result<Detail, Failure> {
    if output.quiet {
        return Ok(Detail::Quiet);
    }
    match output.progress {
        ProgressView::Auto if stderr().is_terminal() => Ok(Detail::Bar),
        ProgressView::Auto | ProgressView::Lines => Ok(Detail::Lines),
        ProgressView::Live => Err(Failure::usage(why_not_live, "--progress auto")),
        ProgressView::Bar => Ok(Detail::Bar),
        ProgressView::None => Ok(Detail::Quiet),
    }
}
