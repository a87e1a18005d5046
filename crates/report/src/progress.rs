//! Follows a run by its events, on stderr: a bar on a terminal, a sparse line elsewhere, nothing where quiet is asked.
//!
//! Reads no clock: time is what the events say. A reader of stderr that went away stops nothing.

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use metron_results::event::{InFlight, RunEvent, RunPhase, Snapshot, Warning};
use metron_units::Nanos;

use crate::style::Style;
use crate::{escape, figure};

/// Between two lines where there is no bar.
const BETWEEN_LINES: Nanos = Nanos::from_secs(10);

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// A bar that is drawn over and over: for a terminal.
    Bar,
    /// A line now and then: for a log.
    Lines,
    /// Nothing.
    Quiet,
}

/// The view of one run.
#[derive(Debug)]
pub struct Progress<W: Write> {
    view: View<W>,
    style: Style,
    phase: RunPhase,
}

#[derive(Debug)]
enum View<W> {
    Bar(ProgressBar),
    Lines { out: W, next: Nanos },
    Quiet,
}

impl<W: Write> Progress<W> {
    /// A view that writes lines to `out`; a bar draws on stderr itself.
    pub fn new(detail: Detail, style: Style, out: W) -> Self {
        let view = match detail {
            Detail::Bar => View::Bar(bar()),
            Detail::Lines => View::Lines { out, next: BETWEEN_LINES },
            Detail::Quiet => View::Quiet,
        };
        Self { view, style, phase: RunPhase::Connecting }
    }

    /// Shows one more event.
    pub fn show(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Identified { endpoint, why } => self.say(&identified(endpoint, why)),
            RunEvent::TemplateMeasured { tokens } => self.say(&template(*tokens)),
            RunEvent::Started { .. } => {}
            RunEvent::PhaseBegan { phase, .. } => self.phase = *phase,
            RunEvent::Progress(snapshot) => self.advance(snapshot),
            RunEvent::Warning(warning) => self.say(&self.warning(warning)),
            RunEvent::Interrupted { in_flight, .. } => self.say(interruption(*in_flight)),
            RunEvent::Finished(_) => self.end(),
        }
    }

    /// Takes the bar away, so that what follows stands on a clean line. Idempotent.
    pub fn end(&mut self) {
        if let View::Bar(bar) = &self.view {
            bar.finish_and_clear();
        }
    }

    fn warning(&self, warning: &Warning) -> String {
        format!("{} {}", self.style.doubtful("warning:"), escape::terminal(&warning.to_string()))
    }

    fn say(&mut self, line: &str) {
        match &mut self.view {
            View::Bar(bar) => bar.println(line),
            View::Lines { out, .. } => {
                let _nobody_reads = writeln!(out, "{line}");
            }
            View::Quiet => {}
        }
    }

    fn advance(&mut self, snapshot: &Snapshot) {
        let text = describe(self.phase, snapshot);
        match &mut self.view {
            View::Bar(bar) => {
                let (done, of) = extent(snapshot);
                bar.set_length(of);
                bar.set_position(done);
                bar.set_message(text);
            }
            View::Lines { out, next } if snapshot.elapsed >= *next => {
                *next = snapshot.elapsed.saturating_add(BETWEEN_LINES);
                let _nobody_reads = writeln!(out, "{}: {text}", snapshot.elapsed);
            }
            View::Lines { .. } | View::Quiet => {}
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:14} {wide_msg}").expect("the template is well-formed");
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    bar.set_style(style.progress_chars("━╸ "));
    bar
}

/// What is said of an API that was found out, safe for a terminal.
pub(crate) fn identified(endpoint: &str, why: &str) -> String {
    let (endpoint, why) = (escape::terminal(endpoint), escape::terminal(why));
    format!("the API is {endpoint}: {why}; pin it with --endpoint {endpoint}")
}

/// What is said of a template whose tokens were counted.
pub(crate) fn template(tokens: impl std::fmt::Display) -> String {
    format!(
        "the server adds {tokens} tokens to each prompt, which is made so much shorter; pin it with --template-tokens {tokens}"
    )
}

/// What is said of an end that was asked for.
pub(crate) const fn interruption(in_flight: InFlight) -> &'static str {
    match in_flight {
        InFlight::Awaited => "interrupted: sending has stopped, what is in flight is awaited; Ctrl-C again ends it now",
        InFlight::Dropped => "interrupted: writing what is there",
    }
}

/// How far the run is, and how far it goes: by count, or by time where no count bounds it.
pub(crate) fn extent(snapshot: &Snapshot) -> (u64, u64) {
    let done = snapshot.completed + snapshot.failed + snapshot.cancelled;
    match (snapshot.planned, snapshot.ends_at) {
        (Some(planned), _) => (done.min(planned), planned),
        (None, Some(end)) => (snapshot.elapsed.min(end).get(), end.get()),
        (None, None) => (0, 1),
    }
}

/// How it stands, in a line.
fn describe(phase: RunPhase, snapshot: &Snapshot) -> String {
    let mut parts = Vec::new();
    match phase {
        RunPhase::Connecting => parts.push("connecting".to_owned()),
        RunPhase::Warmup => parts.push("warm-up".to_owned()),
        RunPhase::Draining => parts.push("draining".to_owned()),
        RunPhase::Settling => parts.push("computing".to_owned()),
        RunPhase::Measured => {}
    }
    parts.push(match snapshot.planned {
        Some(planned) => format!("{}/{planned} requests", snapshot.completed + snapshot.failed),
        None => figure::count(snapshot.completed + snapshot.failed, "request"),
    });
    if snapshot.failed > 0 {
        parts.push(format!("{} failed", snapshot.failed));
    }
    parts.push(format!("{} in flight", snapshot.in_flight));
    if snapshot.waiting > 0 {
        parts.push(format!("{} waiting", snapshot.waiting));
    }
    let recent = &snapshot.recent;
    parts.extend(recent.output_token_rate.map(|rate| format!("{rate:.0} tokens/s")));
    parts.extend(recent.ttft_p50.map(|ttft| format!("TTFT {ttft}")));
    parts.extend(recent.tbt_p99.map(|tbt| format!("TBT p99 {tbt}")));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(detail: Detail, events: &[RunEvent]) -> String {
        let mut out = Vec::new();
        let mut progress = Progress::new(detail, Style::Plain, &mut out);
        for event in events {
            progress.show(event);
        }
        drop(progress);
        String::from_utf8(out).expect("text")
    }

    fn after(seconds: u64, completed: u64) -> RunEvent {
        RunEvent::Progress(Box::new(Snapshot {
            elapsed: Nanos::from_secs(seconds),
            planned: Some(100),
            completed,
            in_flight: 8,
            ..Snapshot::default()
        }))
    }

    fn measured() -> RunEvent {
        RunEvent::PhaseBegan { phase: RunPhase::Measured, at: Nanos::ZERO }
    }

    #[test]
    fn without_a_terminal_a_line_comes_now_and_then() {
        let events = [measured(), after(1, 1), after(9, 9), after(10, 10), after(11, 11), after(21, 30)];
        assert_eq!(
            lines(Detail::Lines, &events),
            "10 s: 10/100 requests, 8 in flight\n21 s: 30/100 requests, 8 in flight\n"
        );
    }

    #[test]
    fn warnings_come_at_once_and_are_safe() {
        let example = "\x1b[2J".to_owned();
        let warning = Warning::Failing { class: metron_metrics::ErrorClass::Http5xx, example };
        let shown = lines(Detail::Lines, &[RunEvent::Warning(warning)]);
        assert!(shown.starts_with("warning: ") && shown.contains("\\x1b[2J") && !shown.contains('\x1b'), "{shown}");
    }

    #[test]
    fn quiet_is_quiet() {
        let events = [measured(), after(60, 1), RunEvent::Warning(Warning::Insecure)];
        assert_eq!(lines(Detail::Quiet, &events), "");
    }

    #[test]
    fn a_run_bounded_by_time_is_as_far_as_its_time() {
        let snapshot =
            Snapshot { elapsed: Nanos::from_secs(15), ends_at: Some(Nanos::from_secs(60)), ..Snapshot::default() };
        assert_eq!(extent(&snapshot), (15_000_000_000, 60_000_000_000));
    }
}
