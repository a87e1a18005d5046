//! How a run stands as Prometheus text, for whoever watches it with the tools that watch the server. Counts since the run's
//! start; percentiles of the last seconds, for the eye. Knows no socket.

use std::fmt::Write as _;

use metron_results::event::Snapshot;
use metron_results::summary::Verdict;
use metron_units::Nanos;

/// The text of a scrape.
#[must_use]
pub fn prometheus(snapshot: &Snapshot) -> String {
    let mut text = Text::default();
    counts(&mut text, snapshot);
    lately(&mut text, snapshot);
    text.written
}

/// What was written so far.
#[derive(Default)]
struct Text {
    written: String,
}

impl Text {
    /// One metric with its samples, each with its labels; one without samples is left out.
    fn family(&mut self, name: &str, kind: &str, help: &str, samples: Vec<(String, f64)>) {
        if samples.is_empty() {
            return;
        }
        let head = format!("# HELP metron_{name} {help}\n# TYPE metron_{name} {kind}\n");
        self.written.push_str(&head);
        for (labels, value) in samples {
            writeln!(self.written, "metron_{name}{labels} {value}").expect("a String takes everything");
        }
    }
}

/// One sample without labels.
fn alone(value: f64) -> Vec<(String, f64)> {
    vec![(String::new(), value)]
}

fn maybe(value: Option<f64>) -> Vec<(String, f64)> {
    value.map(alone).unwrap_or_default()
}

/// Since the run's start.
fn counts(text: &mut Text, of: &Snapshot) {
    let outcomes = [("completed", of.completed), ("failed", of.failed), ("cancelled", of.cancelled)];
    let outcomes = outcomes.map(|(outcome, count)| (label("outcome", outcome), count as f64));
    let errors = of.errors.iter().map(|(class, count)| (label("class", class.name()), *count as f64));
    let planned = of.planned.map(|planned| planned as f64);
    text.family("elapsed_seconds", "gauge", "Time since the run's epoch.", alone(of.elapsed.as_secs_f64()));
    text.family("requests_planned", "gauge", "Requests of the plan, where a count bounds it.", maybe(planned));
    text.family("requests_dispatched_total", "counter", "Requests whose turn came.", alone(of.dispatched as f64));
    text.family("requests_total", "counter", "Requests that are over, by outcome.", outcomes.to_vec());
    text.family("errors_total", "counter", "Requests that failed, by class.", errors.collect());
    text.family("requests_in_flight", "gauge", "Requests that were sent and are not over.", alone(of.in_flight as f64));
    text.family("requests_waiting", "gauge", "Requests that --max-in-flight holds back.", alone(of.waiting as f64));
    let (input, output) = (of.input_tokens.get() as f64, of.output_tokens.get() as f64);
    text.family("input_tokens_total", "counter", "Prompt tokens of completed requests.", alone(input));
    text.family("output_tokens_total", "counter", "Output tokens of completed requests.", alone(output));
}

/// Of the last seconds.
fn lately(text: &mut Text, of: &Snapshot) {
    let recent = &of.recent;
    let (ttft, tbt) = (quantiles(recent.ttft_p50, recent.ttft_p99), quantiles(recent.tbt_p50, recent.tbt_p99));
    text.family("recent_ttft_seconds", "gauge", "Time to first token of the last 10 s.", ttft);
    text.family("recent_tbt_seconds", "gauge", "Time between tokens of the last 10 s.", tbt);
    let rate = maybe(recent.output_token_rate);
    text.family("recent_fluid_request_share", "gauge", "Fluid requests of the last 10 s.", maybe(recent.fluid_share));
    text.family("recent_output_tokens_per_second", "gauge", "Output tokens of the last 10 s.", rate);
    let verdict = of.instrument.as_ref().map(|so_far| match so_far.verdict {
        Verdict::Ok => 0.0,
        Verdict::Suspect => 1.0,
        Verdict::Bottleneck => 2.0,
    });
    text.family("instrument_verdict", "gauge", "The client so far: 0 ok, 1 suspect, 2 bottleneck.", maybe(verdict));
}

fn quantiles(p50: Option<Nanos>, p99: Option<Nanos>) -> Vec<(String, f64)> {
    let of = [("0.5", p50), ("0.99", p99)];
    of.into_iter().filter_map(|(at, time)| Some((label("quantile", at), time?.as_secs_f64()))).collect()
}

/// One label. Values are words of ours: no quote, no backslash, no line end.
fn label(name: &str, value: &str) -> String {
    format!("{{{name}=\"{value}\"}}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use metron_metrics::ErrorClass;
    use metron_results::event::Recent;
    use metron_results::server_metrics::exposition::samples;

    use super::*;

    #[test]
    fn every_line_is_a_sample_and_what_is_not_known_is_left_out() {
        let snapshot = Snapshot {
            completed: 7,
            failed: 2,
            errors: BTreeMap::from([(ErrorClass::Http5xx, 2)]),
            recent: Recent { ttft_p99: Some(Nanos::from_millis(160)), ..Recent::default() },
            ..Snapshot::default()
        };
        let text = prometheus(&snapshot);
        let mut read = samples(&text);
        let found: Vec<(String, f64)> =
            read.by_ref().map(|sample| (format!("{}{{{}}}", sample.name, sample.labels), sample.value)).collect();
        assert_eq!(read.malformed(), 0, "{text}");
        for (name, value) in [
            ("metron_requests_total{outcome=\"completed\"}", 7.0),
            ("metron_errors_total{class=\"http_5xx\"}", 2.0),
            ("metron_recent_ttft_seconds{quantile=\"0.99\"}", 0.16),
        ] {
            assert!(found.contains(&(name.to_owned(), value)), "{name} in {text}");
        }
        assert!(!text.contains("tbt") && !text.contains("planned"), "{text}");
    }
}
