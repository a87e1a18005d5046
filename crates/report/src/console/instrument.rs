//! How far the client itself can be trusted, in one line; reasons below it where it cannot.

use metron_results::Summary;
use metron_results::summary::{ClockSource, Instrument, Quantiles, Verdict};

use super::wrap;
use crate::style::Style;
use crate::{escape, figure, reading};

pub(super) fn lines(summary: &Summary, style: Style) -> Vec<String> {
    let heading = style.strong("Instrument");
    let Some(instrument) = &summary.instrument else {
        return vec![format!("{heading}  not observed")];
    };
    let verdict = match instrument.verdict {
        Verdict::Ok => style.good("ok"),
        Verdict::Suspect => style.doubtful("suspect"),
        Verdict::Bottleneck => style.bad("BOTTLENECK: these figures are not the server's"),
    };
    let mut lines = vec![format!("{heading}  {verdict}")];
    let connections = summary.connections.as_ref();
    let of_connections = [connections.and_then(reading::shared), connections.and_then(reading::opened_ahead)];
    let readings: Vec<String> = readings(instrument).into_iter().chain(of_connections.into_iter().flatten()).collect();
    lines.extend(wrap(&readings.join(", "), 2).into_iter().map(|line| style.faint(&line)));
    lines.extend(instrument.reasons.iter().flat_map(|reason| wrap(&escape::terminal(reason), 2)));
    lines
}

fn readings(instrument: &Instrument) -> Vec<String> {
    let clock = match instrument.clock {
        ClockSource::Kernel => "arrivals stamped by the kernel",
        ClockSource::User => "arrivals stamped after the read",
    };
    let p99 = |quantiles: &Option<Quantiles>| quantiles.and_then(|quantiles| quantiles.p99);
    let lag = |name: &str, quantiles| p99(quantiles).map(|seconds| format!("{name} p99 {}", figure::time(seconds)));
    let busiest = instrument.workers.iter().filter_map(|worker| worker.busy_share).reduce(f64::max);
    let busy = busiest.map(|share| {
        let share = figure::share(share);
        match instrument.workers.len() {
            1 => format!("1 worker, {share} busy"),
            n => format!("{n} workers, the busiest {share}"),
        }
    });
    let lags = [
        lag("dispatch lag", &instrument.dispatch_lag),
        lag("read lag", &instrument.read_lag),
        lag("engine lag", &instrument.sim_lag),
    ];
    let readings = lags.into_iter().chain([busy]);
    std::iter::once(clock.to_owned()).chain(readings.flatten()).collect()
}
