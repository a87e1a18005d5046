//! The page of a prefill profile: TTFT over prompt length as it was measured, the curve through it, and every length as a row.

use maud::{Markup, html};
use metron_results::prefill_profile::{Curve, Point, PrefillProfileFile};

use super::charts::charts;
use super::page;
use crate::course::Named;
use crate::plot::{Axis, Plot, Series};
use crate::{figure, reading};

/// Points that a curve is drawn with.
const POINTS: u32 = 120;

/// The page.
#[must_use]
pub fn prefill_report(file: &PrefillProfileFile) -> String {
    let url = file.target.as_ref().map(|target| reading::short_url(&target.url, 60));
    let requests: u64 = file.points.iter().map(|point| point.samples).sum();
    let body = html! {
        header {
            h1 { "Prefill profile" @if let Some(url) = &url { " of " (url) } }
            p {
                "TTFT over prompt length, "
                @match &file.background { Some(load) => { "beside a load of " (load) }, None => "on an idle server" }
                ": " (figure::count(requests, "request")) ", prompts of " (file.valid[0]) " to " (file.valid[1]) " tokens."
            }
            p.faint { "The curve misses no measured median by more than " (figure::share(file.fit.max_relative_error)) "." }
        }
        (charts(&prefill_plots(file)))
        h2 { "Lengths" }
        div.scroll {
            table {
                tr { @for head in ["prompt tokens", "median", "95 % interval", "p90", "max", "requests", "outliers", "failed"] { th { (head) } } }
                @for point in &file.points { (row(point)) }
            }
        }
    };
    page("metron: prefill profile", &body)
}

fn row(point: &Point) -> Markup {
    let time = |name: &str| point.ttft_s.get(name).copied().map_or_else(|| "–".to_owned(), figure::time);
    let ends = point.median_ci95.map(|[low, high]| format!("{} to {}", figure::time(low), figure::time(high)));
    html! {
        tr {
            td { (point.prompt_tokens) }
            td { (time("p50")) }
            td { (ends.as_deref().unwrap_or("–")) }
            td { (time("p90")) }
            td { (time("max")) }
            td { (point.samples) }
            td { (point.outliers) }
            td { (point.failed) }
        }
    }
}

/// The plots of a profile, by names for `metron plot`: `prefill-profile`.
#[must_use]
pub fn prefill_plots(file: &PrefillProfileFile) -> Vec<Named> {
    let tokens = |point: &Point| point.prompt_tokens as f64;
    let medians = file.points.iter().filter_map(|point| Some((tokens(point), *point.ttft_s.get("p50")?))).collect();
    let ends = file.points.iter().filter_map(|point| point.median_ci95.map(|[low, high]| (tokens(point), low, high)));
    let quartiles = file
        .points
        .iter()
        .filter_map(|point| Some((tokens(point), *point.ttft_s.get("p25")?, *point.ttft_s.get("p75")?)));
    let series = vec![
        Series::dots("median", medians).of_metric("ttft"),
        Series::line("the curve", curve(&file.fit.curve, file.valid)),
        Series::new("", crate::plot::Mark::Band(quartiles.collect())).like(0),
        Series::new("", crate::plot::Mark::Spans(ends.collect())).like(0),
    ];
    let plot = Plot {
        caption: "The first token's wait over the prompt's length: medians with their 95 % intervals, the middle half of all, the curve"
            .to_owned(),
        x: Axis::log("prompt, tokens"),
        y: Axis::log("TTFT, s"),
        series,
        references: Vec::new(),
    };
    vec![Named::file("prefill-profile", plot)]
}

/// The curve over the lengths that it is `valid` for, denser where they are short.
pub(super) fn curve(curve: &Curve, valid: [u64; 2]) -> Vec<(f64, f64)> {
    let [least, most] = valid.map(|tokens| tokens.max(1) as f64);
    let at = |n: f64| match curve {
        Curve::Linear([a, b]) => Some(a + b * n),
        Curve::Quadratic([a, b, c]) => Some(a + b * n + c * n * n),
        Curve::Piecewise(_) => None,
    };
    if let Curve::Piecewise(knots) = curve {
        return knots.clone();
    }
    let lengths = (0..=POINTS).map(|k| least * (most / least).powf(f64::from(k) / f64::from(POINTS)));
    lengths.filter_map(|n| Some((n, at(n)?))).collect()
}
