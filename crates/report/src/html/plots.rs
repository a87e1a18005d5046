//! Which plots stand where on the page: how the worst streams came, how waits are spread, what could be promised, what happened
//! when.

use maud::{Markup, html};
use metron_metrics::RequestRecord;

use super::charts::{chart, charts};
use super::heat;
use crate::course::{Course, Named, plots_of_streams};

/// Those of `drawn` with these names, in this order.
fn named<'a>(drawn: &'a [Named], names: &'a [&str]) -> impl Iterator<Item = &'a Named> {
    names.iter().filter_map(|name| drawn.iter().find(|plot| plot.name == *name))
}

/// How waits are spread: all on axes of equal ratios, and folded up each on equal steps.
pub(super) fn spreads(drawn: &[Named]) -> Markup {
    let each = ["ttft-cdf", "tbt-cdf", "tpot-cdf", "e2e-cdf"];
    html! {
        (charts(named(drawn, &["cdf", "tail"])))
        @if named(drawn, &each).next().is_some() {
            details { summary { "Each on equal steps" } (charts(named(drawn, &each))) }
        }
    }
}

/// What deadlines could be promised.
pub(super) fn promises(drawn: &[Named]) -> Markup {
    let names = ["tbt-acceptance", "ttft-by-prompt"];
    html! {
        @if named(drawn, &names).next().is_some() {
            h2 { "What could be promised?" }
            (charts(named(drawn, &names)))
        }
    }
}

/// What happened when, ours and the servers' on one time axis.
pub(super) fn over_time(course: Option<&Course>, drawn: &[Named]) -> Markup {
    let names = ["rate", "in-flight", "tokens", "ttft-over-time", "server-requests", "server-shares", "server-power"];
    html! {
        @if let Some(course) = course {
            h2 { "Over time" }
            div.plots {
                @for plot in named(drawn, &names) { (chart(plot)) }
                @if let Some(of) = course.heat() { (heat::map(&of)) }
            }
        }
    }
}

/// How the least fluid requests came.
pub(super) fn of_streams(streams: &[RequestRecord]) -> Markup {
    let plots = plots_of_streams(streams);
    html! {
        @if !plots.is_empty() {
            h3 { "The least fluid requests" }
            p.faint {
                "Each token has a deadline of its own. One that comes early leaves its slack to the next; one that comes late is a miss for \
                 each period that it overran, and deadlines begin again with it."
            }
            (charts(&plots))
        }
    }
}
