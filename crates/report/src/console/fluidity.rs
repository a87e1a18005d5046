//! What users felt: the share of deadlines that were kept, request by request, and the token rate that can be promised.

use metron_results::Summary;

use super::columns::Columns;
use super::{interval, section};
use crate::figure;
use crate::reading::{self, Metrics};
use crate::style::Style;

/// The sample that a p99 over requests takes to exist at all (METRICS.md, *Uncertainty*).
const REQUESTS_FOR_A_TOKEN_RATE: u64 = 100;

/// The section of a run.
pub(super) fn lines(summary: &Summary, style: Style) -> Vec<String> {
    let rows = rows(&summary.metrics, summary.deadlines.target_miss_rate);
    if rows.is_empty() { rows } else { section(&format!("Fluidity  {}", deadlines(summary)), rows, style) }
}

/// The figures; `target_miss_rate` is what a fluid request may miss.
pub(super) fn rows(metrics: &Metrics, target_miss_rate: f64) -> Vec<String> {
    let mut rows = Columns::default();
    if let Some(index) = reading::distribution(metrics, "fluidity_index") {
        let quantiles = &index.quantiles;
        let parts = [("mean", quantiles.mean), ("p1", quantiles.p1), ("p10", quantiles.p10), ("p50", quantiles.p50)];
        let parts: Vec<String> =
            parts.iter().filter_map(|(name, value)| value.map(|value| format!("{name} {value:.3}"))).collect();
        rows.push_with_text(["fluidity-index".to_owned()], parts.join("   "));
        let ends = [("mean", index.ci95.mean), ("p50", index.ci95.p50)];
        let ends: Vec<String> = ends
            .iter()
            .filter_map(|(name, ends)| ends.map(|ends| format!("{name} {}", interval(ends, |of| format!("{of:.3}")))))
            .collect();
        if !ends.is_empty() {
            rows.push_with_text(["  95 % CI".to_owned()], ends.join("   "));
        }
    }
    if let Some((share, ci95)) = reading::value(metrics, "fluid_request_share") {
        let interval = ci95.map_or_else(String::new, |ends| format!(" {}", interval(ends, figure::share)));
        // Ten decimals are enough to lose the float's last digits and to keep whatever share was set.
        let fluid = format!("{:.10}", 1.0 - target_miss_rate);
        let fluid = fluid.trim_end_matches('0').trim_end_matches('.');
        let text = format!("{}{interval} of requests have {fluid} or more", figure::share(share));
        rows.push_with_text(["fluid requests".to_owned()], text);
    }
    if let Some((share, ci95)) = reading::value(metrics, "deadline_miss_rate") {
        let interval = ci95.map_or_else(String::new, |ends| format!(" {}", interval(ends, figure::share)));
        rows.push_with_text(["deadlines missed".to_owned()], format!("{}{interval}", figure::share(share)));
    }
    if let Some(index) = reading::distribution(metrics, "fluidity_index") {
        rows.push_with_text(["fluid token rate".to_owned()], token_rate(metrics, index.quantiles.count));
    }
    rows.lines()
}

fn deadlines(summary: &Summary) -> String {
    let settings = &summary.deadlines;
    let later = figure::setting(settings.tbt_deadline_s);
    match (settings.ttft_deadline_s, &settings.prefill_profile) {
        (Some(first), _) => format!("(first token within {}, each later one within {later})", figure::setting(first)),
        (None, Some(_)) => format!("(first token by the prefill profile, each later one within {later})"),
        (None, None) => format!("(each token within {later})"),
    }
}

fn token_rate(metrics: &Metrics, requests: u64) -> String {
    match reading::value(metrics, "fluid_token_generation_rate") {
        Some((0.0, _)) => "0 tokens/s: no rate can be promised to 99 % of requests".to_owned(),
        Some((rate, ci95)) => {
            let interval = ci95.map_or_else(String::new, |ends| format!(" {}", interval(ends, figure::number)));
            format!("{} tokens/s{interval} for 99 % of requests", figure::number(rate))
        }
        None if requests >= REQUESTS_FOR_A_TOKEN_RATE => "none can be had".to_owned(),
        None => format!("at least {REQUESTS_FOR_A_TOKEN_RATE} requests are needed to promise one"),
    }
}
