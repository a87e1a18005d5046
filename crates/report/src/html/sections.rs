//! The parts of the page that are words: what was run, what was found, what failed, how far the client can be trusted.

use maud::{Markup, html};
use metron_results::Summary;
use metron_results::summary::{ClockSource, Load, Objective, Quantiles, Verdict};

use super::figures::sentence;
use crate::{figure, reading};

/// Characters of an address that a heading shows.
const HEADING: usize = 60;

pub(super) fn head(summary: &Summary) -> Markup {
    let run = &summary.run;
    html! {
        header {
            h1 title=(run.target.url) { (reading::short_url(&run.target.url, HEADING)) }
            p {
                (run.target.endpoint)
                @if let Some(model) = &run.target.model { ", model " b { (model) } }
                ": " (load(&run.load))
                @if let Some(seconds) = run.duration_s { ", " (figure::setting(seconds)) }
            }
            p.faint { (run.name) " · " (run.started_at) " · metron " (run.metron_version) " · seed " (run.seed) }
        }
    }
}

fn load(load: &Load) -> String {
    match load {
        Load::Closed { concurrency, .. } => figure::count(u64::from(*concurrency), "user"),
        Load::Open { rate, arrivals, max_in_flight, .. } => {
            let rate = rate.map_or_else(String::new, |rate| format!("{rate} requests/s, "));
            let bound = max_in_flight.map_or_else(String::new, |most| format!(", at most {most} in flight"));
            format!("{rate}{arrivals} arrivals{bound}")
        }
    }
}

/// What must be known before the figures are believed.
pub(super) fn warnings(summary: &Summary) -> Markup {
    let verdict = summary.instrument.as_ref().map_or(Verdict::Ok, |instrument| instrument.verdict);
    html! {
        @match verdict {
            Verdict::Bottleneck => p.warning.bad { "This client was the bottleneck: these figures are not the server's." },
            Verdict::Suspect => p.warning { "This client may have been the bottleneck; see the instrument below." },
            Verdict::Ok => {}
        }
        @for note in reading::notes(summary) {
            p.warning { (note.to_string()) }
        }
    }
}

/// The figures that matter first.
pub(super) fn tiles(summary: &Summary) -> Markup {
    let percentile = |name: &str, q: fn(&Quantiles) -> Option<f64>| {
        reading::distribution(&summary.metrics, name)
            .and_then(|distribution| q(&distribution.quantiles))
            .map(figure::time)
    };
    let value =
        |name: &str, show: fn(f64) -> String| reading::value(&summary.metrics, name).map(|(value, _)| show(value));
    let rate = |value: f64| format!("{} tokens/s", figure::number(value));
    let tiles = [
        ("fluid requests", "fluid_request_share", value("fluid_request_share", figure::share)),
        ("fluid token rate", "fluid_token_generation_rate", value("fluid_token_generation_rate", rate)),
        ("TTFT, median", "ttft", percentile("ttft", |q| q.p50)),
        ("TBT, p99", "tbt", percentile("tbt", |q| q.p99)),
        ("output", "output_token_throughput", value("output_token_throughput", rate)),
        ("errors", "error_rate", value("error_rate", figure::share)),
    ];
    html! {
        div.tiles {
            @for (label, name, figure) in tiles {
                div.tile title=(sentence(name)) { span.faint { (label) } b { (figure.as_deref().unwrap_or("–")) } }
            }
        }
    }
}

pub(super) fn objectives(summary: &Summary) -> Markup {
    html! {
        h2 { "Did it hold?" }
        @if summary.objectives.is_empty() {
            p { "No objective was stated. One is judged by " code { "--slo 'p99 ttft <= 500ms'" } "." }
        } @else {
            (objective_table(&summary.objectives))
        }
    }
}

/// Objectives and their verdicts.
pub(super) fn objective_table(objectives: &[Objective]) -> Markup {
    html! {
        div.scroll {
            table {
                tr { th { "objective" } th { "verdict" } th { "figure" } th { "met by" } th { "of" } }
                @for objective in objectives { (one_objective(objective)) }
            }
        }
    }
}

fn one_objective(objective: &Objective) -> Markup {
    let (class, verdict) = match objective.held {
        Some(true) => ("good", "held"),
        Some(false) => ("bad", "missed"),
        None => ("doubtful", "undecided"),
    };
    html! {
        tr {
            td { code { (objective.expression) } }
            td class=(class) { (verdict) }
            td { (objective.value.map_or_else(|| "–".to_owned(), |value| figure::in_unit(value, &objective.unit))) }
            td { (optional(objective.met)) }
            td { (optional(objective.of)) }
        }
    }
}

fn optional(count: Option<u64>) -> String {
    count.map_or_else(|| "–".to_owned(), |count| count.to_string())
}

/// What became of the requests, and why some failed.
pub(super) fn requests(summary: &Summary) -> Markup {
    let requests = &summary.requests;
    let counts = [
        ("planned", requests.planned),
        ("dispatched", requests.dispatched),
        ("completed", requests.completed),
        ("failed", requests.failed),
        ("cancelled", requests.cancelled),
        ("not sent", requests.not_sent),
        ("lost", requests.lost),
        ("warm-up", requests.warmup),
        ("sent twice", requests.resent),
        ("unclean end", requests.unclean_end),
    ];
    let tokens = &summary.tokens;
    html! {
        h2 { "Requests" }
        div.scroll {
            table {
                tr { @for (label, _) in counts { th { (label) } } }
                tr { @for (_, count) in counts { td { (count) } } }
            }
        }
        p {
            (tokens.input) " tokens in, " (tokens.output) " out"
            @if tokens.unseen > 0 { " (" (tokens.unseen) " of them never shown)" }
            @if let Some(rules) = reading::counted_by(tokens) { "; counted by " (rules) }
            "."
        }
        @if !requests.errors.is_empty() {
            div.scroll {
                table {
                    tr { th { "error" } th { "count" } th.text { "one of them" } }
                    @for (class, error) in &requests.errors {
                        tr { td.bad { (class) } td { (error.count) } td.text { (error.example) } }
                    }
                }
            }
        }
    }
}

pub(super) fn instrument(summary: &Summary) -> Markup {
    html! {
        h2 { "Instrument" }
        @match &summary.instrument {
            None => p { "The client was not observed in this run." },
            Some(instrument) => {
                @let (class, verdict) = match instrument.verdict {
                    Verdict::Ok => ("good", "ok: no sign that this client was the bottleneck"),
                    Verdict::Suspect => ("doubtful", "suspect: the figures may hold some of the client's own delay"),
                    Verdict::Bottleneck => ("bad", "bottleneck: these figures are not the server's"),
                };
                p class=(class) { (verdict) }
                @for reason in &instrument.reasons { p { (reason) } }
                p { "Arrivals were stamped " (match instrument.clock {
                    ClockSource::Kernel => "by the kernel.",
                    ClockSource::User => "by this program, after its read returned.",
                }) }
                div.scroll {
                    table {
                        tr { th { "" } th { "p50" } th { "p99" } th { "max" } }
                        (lag("dispatch lag", instrument.dispatch_lag))
                        (lag("read lag", instrument.read_lag))
                        (lag("engine lag", instrument.sim_lag))
                    }
                }
                p {
                    @if let Some(share) = instrument.shared_read_share {
                        (figure::share(share)) " of the chunks came in one read with another of their stream. "
                    }
                    "Workers: "
                    @for (k, worker) in instrument.workers.iter().enumerate() {
                        @if k > 0 { ", " }
                        (worker.busy_share.map_or_else(|| "–".to_owned(), figure::share))
                    }
                    " busy."
                }
                @if let Some(shared) = summary.connections.as_ref().and_then(reading::shared) { p { (shared) "." } }
                @if let Some(opened) = summary.connections.as_ref().and_then(reading::opened_ahead) { p { (opened) "." } }
            }
        }
    }
}

fn lag(label: &str, quantiles: Option<Quantiles>) -> Markup {
    let show = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), figure::time);
    html! {
        @if let Some(quantiles) = quantiles {
            tr { td { (label) } td { (show(quantiles.p50)) } td { (show(quantiles.p99)) } td { (show(quantiles.max)) } }
        }
    }
}

/// How to do it again.
pub(super) fn configuration(summary: &Summary, config: Option<&str>) -> Markup {
    let host = &summary.run.host;
    html! {
        h2 { "Configuration" }
        @if !summary.run.command.is_empty() { pre { (summary.run.command.join(" ")) } }
        @if let Some(config) = config { pre { (config) } }
        p.faint {
            (host.os)
            @if let Some(kernel) = &host.kernel { " " (kernel) }
            @if let Some(cpu) = &host.cpu { ", " (cpu) }
            ", " (figure::count(u64::from(host.cores), "core")) ", run " (summary.run.id)
        }
    }
}
