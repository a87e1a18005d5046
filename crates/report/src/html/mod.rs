//! `report.html`: a run on one page that opens offline, in light and dark. Its one script, which is in it, draws the charts; without
//! it their tables are there.
//!
//! Everything from outside is text to maud, which escapes it, or JSON that cannot end its element; a content security policy
//! forbids what slips through to do anything. The same figures as in summary.json, with the catalogue's sentences to explain them.

mod capacity;
mod charts;
mod compare;
mod engine;
mod figures;
mod heat;
mod parts;
mod plots;
mod prefill;
mod script;
mod sections;
mod server;
mod streams;
mod sweep;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use metron_metrics::RequestRecord;
use metron_results::Summary;
use metron_results::server_metrics::Curve;

use crate::course::{Course, EngineCourse, Named, acceptance};

pub use capacity::{capacity_plots, capacity_report};
pub use compare::{compare_plots, compare_report, difference_plots};
pub use prefill::{prefill_plots, prefill_report};
pub use streams::Worst;
pub use sweep::{sweep_plots, sweep_report};

const STYLE: &str = include_str!("style.css");

/// What the page shows besides the summary.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras<'a> {
    /// The run's config.yaml.
    pub config: Option<&'a str>,
    /// The requests whose tokens are drawn one by one; [`Worst`] chooses them.
    pub streams: &'a [RequestRecord],
    /// What the simulated engine did, where there was one.
    pub engine: Option<&'a EngineCourse>,
    /// What is drawn of all rows.
    pub course: Option<&'a Course>,
    /// What the servers said of themselves meanwhile.
    pub server: &'a [Curve],
}

/// The page.
#[must_use]
pub fn report(summary: &Summary, extras: Extras<'_>) -> String {
    let drawn = match extras.course {
        Some(course) => course.plots(summary, extras.server),
        None => acceptance(summary).map(|plot| Named::file("tbt-acceptance", plot)).into_iter().collect(),
    };
    let body = html! {
        (sections::head(summary))
        (sections::warnings(summary))
        (sections::objectives(summary))
        h2 { "How did it feel?" }
        (sections::tiles(summary))
        (plots::of_streams(extras.streams))
        (parts::of_run(summary))
        (figures::latencies(summary))
        (plots::spreads(&drawn))
        (plots::promises(&drawn))
        (plots::over_time(extras.course, &drawn))
        (engine::course(extras.engine))
        (server::section(summary.server.as_ref()))
        (figures::values(summary))
        (sections::requests(summary))
        (sections::instrument(summary))
        (sections::configuration(summary, extras.config))
    };
    page(&format!("metron: {}", summary.run.name), &body)
}

/// A page with this body, in the one look that all pages have.
fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(*script::POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(script::STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                (body)
                noscript { p.faint { "The charts are drawn by this page's script; below each caption the same stands as a table." } }
                script { (PreEscaped(script::SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// A text of several lines, each on a line of its own.
fn lines(text: &str) -> Markup {
    html! { @for (at, line) in text.lines().enumerate() { @if at > 0 { br; } (line.trim_start()) } }
}

#[cfg(test)]
mod tests;
