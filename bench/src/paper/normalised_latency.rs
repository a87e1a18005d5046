//! Normalised latency (end-to-end time over tokens) hides that requests wait: two engines whose delays lie tens of seconds apart
//! differ by a fraction of a second in it. The paper's figure 2.

use metron_metrics::quantile::of_sorted;
use metron_report::plot::{Axis, Plot, Reference, Series, cdf};
use metron_runner::RunError;

use super::motivation::{Motivation, both};
use super::simulated::{delays, figures, sorted};
use super::{Found, Published, Setting, Table};

const TEXT: &str = "paper, text";
const FIGURE: &str = "paper, figure 2";

pub(super) fn find(setting: &Setting) -> Result<Found, RunError> {
    let engines = both(setting)?;
    let delay = |engine: &Motivation| delays(&engine.records, &engine.profile);
    let normalised =
        |engine: &Motivation| sorted(engine.records.iter().filter_map(|record| figures(record).normalized_latency));
    let lines = |sample: &dyn Fn(&Motivation) -> Vec<f64>| {
        engines.iter().map(|engine| Series::steps(engine.scheduler, cdf(&sample(engine)))).collect()
    };
    let delayed = Plot {
        caption: "Scheduling delay: how long requests waited beyond what their prompt alone takes".to_owned(),
        x: Axis::linear("scheduling delay, s"),
        y: Axis::linear("requests, %").to(100.0),
        series: lines(&delay),
        references: vec![Reference::x("25 s", 25.0)],
    };
    let latency = Plot {
        caption: "Normalised latency of the same requests".to_owned(),
        x: Axis::linear("normalised latency, s a token"),
        y: Axis::linear("requests, %").to(100.0),
        series: lines(&normalised),
        references: Vec::new(),
    };
    let [vllm, sarathi] = &engines;
    let table = table([&delay(vllm), &delay(sarathi)], [&normalised(vllm), &normalised(sarathi)]);
    Ok(Found { plots: vec![("", delayed), ("latency", latency)], table })
}

fn table([vllm, sarathi]: [&[f64]; 2], [vllm_latency, sarathi_latency]: [&[f64]; 2]) -> Table {
    let mut table = Table::default();
    let over =
        |delays: &[f64]| 100.0 * delays.iter().filter(|delay| **delay > 25.0).count() as f64 / delays.len() as f64;
    let at = |sample: &[f64], p: f64| of_sorted(sample, p).expect("requests were answered");
    table.add("vllm: requests that wait over 25 s, %", over(vllm), Published::shown(60.0, TEXT));
    table.add("sarathi: requests that wait over 25 s, %", over(sarathi), None);
    table.add("vllm: median delay, s", at(vllm, 0.5), None);
    table.add("sarathi: median delay, s", at(sarathi, 0.5), None);
    table.add("vllm: longest delay, s", at(vllm, 1.0), Published::shown(46.0, FIGURE));
    table.add("sarathi: longest delay, s", at(sarathi, 1.0), Published::shown(16.4, FIGURE));
    table.add("vllm: median normalised latency, s", at(vllm_latency, 0.5), Published::shown(0.25, FIGURE));
    table.add("sarathi: median normalised latency, s", at(sarathi_latency, 0.5), Published::shown(0.17, FIGURE));
    table.add("vllm: longest normalised latency, s", at(vllm_latency, 1.0), Published::shown(1.24, FIGURE));
    table.add("sarathi: longest normalised latency, s", at(sarathi_latency, 1.0), Published::shown(0.60, FIGURE));
    table
}
