//! A scheduler that puts prompts first stops running answers while it computes them; one that cuts prompts into chunks makes every
//! gap a little longer instead. The paper's figures 3a and 3c.

use metron_metrics::RequestRecord;
use metron_metrics::quantile::of_sorted;
use metron_report::plot::{Axis, Plot, Series, cdf};
use metron_runner::RunError;
use metron_units::Nanos;

use super::motivation::{Motivation, both};
use super::simulated::gaps;
use super::{Found, Published, Setting, Table};

const TEXT: &str = "paper, text";
const FIGURE: &str = "paper, figure 3c";

pub(super) fn find(setting: &Setting) -> Result<Found, RunError> {
    let engines = both(setting)?;
    let all: Vec<Vec<f64>> = engines.iter().map(|engine| gaps(&engine.records)).collect();
    let spread = Plot {
        caption: "Gaps between tokens: the chunked engine's are longer in the middle, the other's in the tail"
            .to_owned(),
        x: Axis::log("time between tokens, s"),
        y: Axis::linear("gaps, %").to(100.0),
        series: engines.iter().zip(&all).map(|(engine, gaps)| Series::steps(engine.scheduler, cdf(gaps))).collect(),
        references: Vec::new(),
    };
    let worst = most_stalled(&engines[0].records);
    let stream = |engine: &Motivation| Series::steps(engine.scheduler, came(&engine.records[worst]));
    let timeline = Plot {
        caption: format!("Request {worst}, the most stalled of vllm, as its tokens came on both engines"),
        x: Axis::linear("since the first token, s"),
        y: Axis::linear("tokens"),
        series: engines.iter().map(stream).collect(),
        references: Vec::new(),
    };
    Ok(Found { plots: vec![("", spread), ("stream", timeline)], table: table(&all[0], &all[1]) })
}

fn longest_gap(record: &RequestRecord) -> Nanos {
    record.gaps().skip(1).max().unwrap_or_default()
}

fn most_stalled(records: &[RequestRecord]) -> usize {
    (0..records.len()).max_by_key(|&k| longest_gap(&records[k])).expect("requests were answered")
}

fn came(record: &RequestRecord) -> Vec<(f64, f64)> {
    let first = record.chunks.first().map_or(Nanos::ZERO, |chunk| chunk.arrived);
    let since = |at: Nanos| at.saturating_sub(first).as_secs_f64();
    record.chunks.iter().enumerate().map(|(k, chunk)| (since(chunk.arrived), (k + 1) as f64)).collect()
}

fn table(vllm: &[f64], sarathi: &[f64]) -> Table {
    let mut table = Table::default();
    let ms = |gaps: &[f64], p: f64| 1e3 * of_sorted(gaps, p).expect("answers have gaps");
    let within =
        |gaps: &[f64], ms: f64| 100.0 * gaps.partition_point(|gap| *gap <= ms / 1e3) as f64 / gaps.len() as f64;
    table.add("vllm: median TBT, ms", ms(vllm, 0.5), Published::shown(30.0, FIGURE));
    table.add("sarathi: median TBT, ms", ms(sarathi, 0.5), Published::shown(30.0, FIGURE));
    table.add("vllm: gaps within 45 ms, %", within(vllm, 45.0), Published::shown(98.0, FIGURE));
    table.add("sarathi: gaps within 36 ms, %", within(sarathi, 36.0), Published::shown(83.0, FIGURE));
    table.add("vllm: p90 TBT, ms", ms(vllm, 0.9), None);
    table.add("sarathi: p90 TBT, ms", ms(sarathi, 0.9), None);
    table.add("vllm: p99 TBT, ms", ms(vllm, 0.99), Published::shown(1000.0, TEXT));
    table.add("sarathi: p99 TBT, ms", ms(sarathi, 0.99), Published::shown(200.0, FIGURE));
    table.add("vllm: longest gap, s", ms(vllm, 1.0) / 1e3, Published::shown(12.0, FIGURE));
    table.add("sarathi: longest gap, s", ms(sarathi, 1.0) / 1e3, None);
    table
}
