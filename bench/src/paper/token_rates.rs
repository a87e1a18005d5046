//! The token rate that 99 % of requests can be promised lies between the rate of the mean token and that of the slowest gap. The
//! paper's figure 3b.

use metron_metrics::Metric;
use metron_report::plot::{Axis, Plot, Series};
use metron_runner::RunError;

use super::motivation::both;
use super::simulated::{summary, value};
use super::{Found, Published, Setting, Table};

const FIGURE: &str = "paper, figure 3b";
const RATES: [(&str, Metric); 3] = [
    ("by TPOT", Metric::TpotTokenRate),
    ("fluid", Metric::FluidTokenGenerationRate),
    ("by p99 TBT", Metric::TbtTokenRate),
];
/// Of vllm and sarathi, by [`RATES`].
const PUBLISHED: [[f64; 3]; 2] = [[16.9, 3.3, 1.4], [19.9, 7.1, 5.5]];

pub(super) fn find(setting: &Setting) -> Result<Found, RunError> {
    let (mut series, mut table) = (Vec::new(), Table::default());
    for (engine, published) in both(setting)?.iter().zip(PUBLISHED) {
        let figures = summary(&engine.records, Vec::new());
        let rates = RATES.map(|(_, metric)| value(&figures, metric));
        let bars = |rates: [f64; 3]| rates.into_iter().enumerate().map(|(k, rate)| (k as f64, rate)).collect();
        series.push(Series::bars(engine.scheduler, bars(rates)));
        series.push(Series::bars(format!("{}, published", engine.scheduler), bars(published)).faint());
        for (((name, _), ours), published) in RATES.iter().zip(rates).zip(published) {
            let published = Published::shown(published, FIGURE);
            table.add(format!("{}: token rate {name}, tokens/s", engine.scheduler), ours, published);
        }
    }
    let plot = Plot {
        caption: "Token rates of one run by three definitions".to_owned(),
        x: Axis::categories("", RATES.map(|(name, _)| name)),
        y: Axis::log("tokens/s"),
        series,
        references: Vec::new(),
    };
    Ok(Found { plots: vec![("", plot)], table })
}
