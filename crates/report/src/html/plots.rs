//! Which plots stand where on the page: how the worst streams came, how waits are spread, what could be promised, what happened
//! when.

use maud::{Markup, html};
use metron_metrics::RequestRecord;
use metron_metrics::deadlines::timeline;

use super::charts::chart;
use super::heat;
use crate::course::{Course, Named};
use crate::figure::TimeUnit;
use crate::plot::{Axis, Plot, Reference, Series};

/// Those of `drawn` with these names, in this order.
fn named<'a>(drawn: &'a [Named], names: &'a [&str]) -> impl Iterator<Item = &'a Plot> {
    names.iter().filter_map(|name| drawn.iter().find(|plot| plot.name == *name)).map(|named| &named.plot)
}

fn charts<'a>(plots: impl Iterator<Item = &'a Plot>) -> Markup {
    html! { div.plots { @for plot in plots { (chart(plot)) } } }
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

/// Plots of single requests: each token against its own deadline, and the slack that was in hand when it came.
pub(super) fn of_streams(streams: &[RequestRecord]) -> Markup {
    let plots: Vec<Plot> = streams.iter().filter_map(stream).flatten().collect();
    html! {
        @if !plots.is_empty() {
            h3 { "The least fluid requests" }
            p.faint {
                "Each token has a deadline of its own. One that comes early leaves its slack to the next; one that comes late is a miss for \
                 each period that it overran, and deadlines begin again with it."
            }
            (charts(plots.iter()))
        }
    }
}

fn stream(request: &RequestRecord) -> Option<[Plot; 2]> {
    let tokens = timeline(request.gaps(), request.deadlines);
    let last = tokens.iter().map(|token| token.came.max(token.due)).max()?.as_secs_f64();
    let unit = TimeUnit::fitting(last);
    let at = |instant: metron_units::Nanos| unit.of(instant.as_secs_f64());
    let counted = |of: fn(&metron_metrics::deadlines::Due) -> metron_units::Nanos| -> Vec<(f64, f64)> {
        tokens.iter().enumerate().map(|(k, token)| (at(of(token)), (k + 1) as f64)).collect()
    };
    let late = tokens.iter().enumerate().filter(|(_, token)| token.missed > 0);
    let late: Vec<(f64, f64)> = late.map(|(k, token)| (at(token.came), (k + 1) as f64)).collect();
    let missed: u64 = tokens.iter().map(|token| token.missed).sum();
    let slack = tokens.iter().map(|token| (at(token.came), token.slack_ns() as f64 / 1e6)).collect();
    let x = || Axis::linear(format!("{} since dispatch", unit.name()));
    let mut series = vec![
        Series::steps("came", counted(|token| token.came)),
        Series::steps("due", counted(|token| token.due)).faint(),
    ];
    if !late.is_empty() {
        series.push(Series::dots("late", late));
    }
    Some([
        Plot {
            caption: format!("Request {}: its tokens against their deadlines, {missed} missed", request.id),
            x: x(),
            y: Axis::linear("tokens"),
            series,
            references: Vec::new(),
        },
        Plot {
            caption: format!("Request {}: the slack in hand as each token came; below zero it was late", request.id),
            x: x(),
            y: Axis::linear("slack, ms"),
            series: vec![Series::line("slack", slack)],
            references: vec![Reference::y("late below", 0.0)],
        },
    ])
}
