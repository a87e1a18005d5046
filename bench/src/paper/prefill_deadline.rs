//! What a prompt's length costs on an idle engine, and so what its deadline must allow: no constant fits both a short prompt and a
//! long one. The paper's figure 1.

use metron_report::plot::{Axis, Mark, Plot, Series};
use metron_runner::RunError;
use metron_units::Tokens;

use super::simulated::{LENGTHS, profile};
use super::{Found, Published, Table};

/// Today's host side, which fits the published curve.
const ENGINE: &str = "vllm?model=yi-34b&gpu=h100&tp=2&overhead=graph&max-model-len=65537";
/// The scheduling slack that is added to make a deadline of a curve.
const SLACK_S: f64 = 0.3;
const FIGURE: &str = "paper, figure 1";
const SIM: &str = "Etalon's documentation";

/// Seconds at each of [`LENGTHS`], read off the figure to 0.03 s, and how near ours must come.
const PUBLISHED: [(f64, Option<f64>); 9] = [
    (0.03, None),
    (0.04, None),
    (0.08, None),
    (0.13, Some(0.12)),
    (0.28, Some(0.12)),
    (0.57, Some(0.12)),
    (1.32, Some(0.12)),
    (4.04, None),
    (10.2, None),
];

pub(super) fn find() -> Result<Found, RunError> {
    let profile = profile(ENGINE, LENGTHS[8])?;
    let measured: Vec<(f64, f64)> =
        profile.points().iter().map(|point| (point.prompt_tokens as f64, point.ttft_s[0].1)).collect();
    let lengths = (0..=128).map(|k| (256.0 * 2f64.powf(f64::from(k) / 16.0)).round());
    let curve: Vec<(f64, f64)> =
        lengths.map(|n| (n, profile.extrapolate(Tokens::new(n as u64)).ttft.as_secs_f64())).collect();
    let error = profile.max_relative_error();
    let band = curve.iter().map(|&(n, s)| (n, s * (1.0 - error), s * (1.0 + error))).collect();
    let deadline = curve.iter().map(|&(n, s)| (n, s + SLACK_S)).collect();
    let published = LENGTHS.iter().zip(PUBLISHED).map(|(n, (s, _))| (*n as f64, s)).collect();
    let plot = Plot {
        caption: "TTFT of one prompt on an idle engine, Yi-34B on two H100, and the deadline that it makes".to_owned(),
        x: Axis::log("prompt, tokens").ticks(LENGTHS.map(|n| n as f64)).from(230.0).to(72_000.0),
        y: Axis::log("TTFT, s"),
        series: vec![
            Series::new("", Mark::Band(band)).like(0),
            Series::line("fitted", curve),
            Series::line("deadline: fitted + 0.3 s", deadline),
            Series::dots("measured", measured.clone()).like(0),
            Series::dots("published", published).faint(),
        ],
        references: Vec::new(),
    };
    let mut table = Table::default();
    for ((n, ours), (value, tolerance)) in measured.into_iter().zip(PUBLISHED) {
        let source = if tolerance.is_some() { SIM } else { FIGURE };
        table.add(format!("prompt of {n} tokens, s"), ours, Published { value, tolerance, source });
    }
    table.add("the fit's largest relative error, %", 100.0 * error, None);
    Ok(Found { plots: vec![("", plot)], table })
}
