//! Which plots there are of a run, each by its name: for the page, and for `metron plot`.

use metron_results::Summary;
use metron_results::server_metrics::Curve;

use super::Course;
use super::log_bins::LogBins;
use crate::plot::{Axis, Plot, Reference, Series};

/// A plot by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// What `metron plot` calls it.
    pub name: String,
    /// The plot.
    pub plot: Plot,
    of: Of,
}

/// What a plot is drawn of, as `metron plot` is asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Folder,
    Runs,
}

impl Named {
    /// One of a folder.
    pub(crate) fn file(name: impl Into<String>, plot: Plot) -> Self {
        Self { name: name.into(), plot, of: Of::Folder }
    }

    /// One of several runs.
    pub(crate) fn of_runs(name: impl Into<String>, plot: Plot) -> Self {
        Self { name: name.into(), plot, of: Of::Runs }
    }

    /// How to have it as a file.
    pub(crate) fn command(&self) -> String {
        let name = &self.name;
        match self.of {
            Of::Folder => format!("metron plot DIR {name} --out {name}.svg"),
            Of::Runs => format!("metron plot BASELINE {name} --against RUN --out {name}.svg"),
        }
    }
}

/// The time axis that all plots over a run's time share.
pub(super) const SINCE_START: &str = "seconds since the start";

/// Every name that a plot of a run may have; a run without what it takes lacks it.
pub const NAMES: [&str; 25] = [
    "stream-1",
    "slack-1",
    "stream-2",
    "slack-2",
    "stream-3",
    "slack-3",
    "cdf",
    "tail",
    "ttft-cdf",
    "tbt-cdf",
    "tpot-cdf",
    "e2e-cdf",
    "tbt-acceptance",
    "ttft-by-prompt",
    "rate",
    "in-flight",
    "tokens",
    "ttft-over-time",
    "engine-batch",
    "engine-waiting",
    "engine-tokens",
    "engine-memory",
    "server-requests",
    "server-shares",
    "server-power",
];

impl Course {
    /// The plots of the run with this summary, and of what its servers said meanwhile.
    #[must_use]
    pub fn plots(&self, summary: &Summary, server: &[Curve]) -> Vec<Named> {
        let mut plots = Vec::new();
        let mut add = |name: &'static str, plot: Option<Plot>| plots.extend(plot.map(|plot| Named::file(name, plot)));
        add("cdf", self.cdf());
        add("tail", self.tail());
        for (name, label, bins) in [
            ("ttft-cdf", "TTFT", &self.ttft),
            ("tbt-cdf", "TBT", &self.tbt),
            ("tpot-cdf", "TPOT", &self.tpot),
            ("e2e-cdf", "E2E", &self.e2e),
        ] {
            add(name, linear_cdf(label, bins, deadline(summary, label)));
        }
        add("tbt-acceptance", acceptance(summary));
        add("ttft-by-prompt", self.ttft_by_prompt(summary));
        add("rate", self.rate(summary));
        add("in-flight", self.in_flight(server));
        add("tokens", self.tokens());
        add("ttft-over-time", self.ttft_over_time());
        add("server-requests", server_requests(server));
        add("server-shares", server_shares(server));
        add("server-power", server_power(server));
        plots
    }

    fn spreads(&self) -> impl Iterator<Item = (&'static str, &LogBins)> {
        let all = [("TTFT", &self.ttft), ("TBT", &self.tbt), ("TPOT", &self.tpot), ("E2E", &self.e2e)];
        all.into_iter().filter(|(_, bins)| bins.count() > 0)
    }

    /// An axis of equal ratios that begins where the waits do: the few gaps of a burst would stretch it to the microsecond.
    fn waits(&self) -> Axis {
        let axis = Axis::log("seconds");
        let low = self.spreads().filter_map(|(_, bins)| bins.quantile(0.05)).filter(|low| *low > 0.0);
        low.reduce(f64::min).map_or_else(|| axis.clone(), |low| axis.clone().from_below(low / 2.0))
    }

    /// All four on one axis of equal ratios.
    fn cdf(&self) -> Option<Plot> {
        let series = self
            .spreads()
            .map(|(name, bins)| Series::steps(name, percent(bins.shares())).of_metric(metric_of(name)))
            .collect();
        some(Plot {
            caption: "How waits are spread: the share of requests (TBT: of gaps) that took no longer".to_owned(),
            x: self.waits(),
            y: Axis::linear("no longer, %").to(100.0),
            series,
            references: Vec::new(),
        })
    }

    /// What took longer, down to one in a million.
    fn tail(&self) -> Option<Plot> {
        let longer =
            |bins: &LogBins| bins.shares().into_iter().map(|(at, share)| (at, (1.0 - share) * 100.0)).collect();
        let series =
            self.spreads().map(|(name, bins)| Series::steps(name, longer(bins)).of_metric(metric_of(name))).collect();
        some(Plot {
            caption: "The tail: the share that took longer, both axes in equal ratios".to_owned(),
            x: self.waits(),
            y: Axis::log("longer, %").to(100.0),
            series,
            references: Vec::new(),
        })
    }

    fn ttft_by_prompt(&self, summary: &Summary) -> Option<Plot> {
        if !self.by_prompt.varies() {
            return None;
        }
        let profiled = summary.deadlines.prefill_profile.is_some();
        let deadline = if profiled { "deadline: prefill profile and slack" } else { "deadline" };
        some(Plot {
            caption: "The first token's wait against the prompt's length: some requests, and the median of all"
                .to_owned(),
            x: Axis::linear("prompt, tokens"),
            y: Axis::linear("TTFT, s"),
            series: vec![
                Series::dots("a request", self.by_prompt.dots()).of_metric("ttft"),
                Series::line("median", self.by_prompt.medians()).of_metric("ttft"),
                Series::line(deadline, self.by_prompt.deadlines()).faint(),
            ],
            references: Vec::new(),
        })
    }

    fn rate(&self, summary: &Summary) -> Option<Plot> {
        let over = &self.over_time;
        let mut series = vec![Series::steps("sent", over.sent()), Series::steps("answered", over.completed())];
        if over.any_failed() {
            series.push(Series::steps("failed", over.failed()));
        }
        let asked = match &summary.run.load {
            metron_results::summary::Load::Open { rate, .. } => *rate,
            metron_results::summary::Load::Closed { .. } => None,
        };
        some(Plot {
            caption: "Requests per second: sent, answered, failed".to_owned(),
            x: Axis::linear(SINCE_START),
            y: Axis::linear("requests/s"),
            series,
            references: asked.map(|rate| Reference::y("asked", rate)).into_iter().collect(),
        })
    }

    fn in_flight(&self, server: &[Curve]) -> Option<Plot> {
        let mut series = vec![Series::steps("in flight, by us", self.over_time.in_flight())];
        for (name, label) in [("running", "running, by the server"), ("waiting", "waiting, by the server")] {
            series.extend(curve(server, name).map(|curve| Series::line(label, curve_points(curve))));
        }
        some(Plot {
            caption: "Requests in flight, and what the server says of them".to_owned(),
            x: Axis::linear(SINCE_START),
            y: Axis::linear("requests"),
            series,
            references: Vec::new(),
        })
    }

    fn tokens(&self) -> Option<Plot> {
        some(Plot {
            caption: "Output tokens per second, as they came".to_owned(),
            x: Axis::linear(SINCE_START),
            y: Axis::linear("tokens/s"),
            series: vec![Series::steps("output tokens", self.over_time.tokens()).of_metric("output_token_throughput")],
            references: Vec::new(),
        })
    }

    fn ttft_over_time(&self) -> Option<Plot> {
        let (p50, p99) = (self.over_time.ttft(0.5), self.over_time.ttft(0.99));
        if p50.iter().all(|(_, value)| value.is_nan()) {
            return None;
        }
        some(Plot {
            caption: "The first token's wait of the requests sent at each time".to_owned(),
            x: Axis::linear(SINCE_START),
            y: Axis::log("TTFT, s"),
            series: vec![Series::line("p50", p50).of_metric("ttft"), Series::line("p99", p99).of_metric("ttft")],
            references: Vec::new(),
        })
    }
}

/// The catalogue's name of what the plots name shortly.
fn metric_of(label: &str) -> &'static str {
    match label {
        "TTFT" => "ttft",
        "TBT" => "tbt",
        "TPOT" => "tpot",
        _ => "e2e_latency",
    }
}

/// A plot of nothing is no plot.
fn some(plot: Plot) -> Option<Plot> {
    (!plot.series.is_empty()).then_some(plot)
}

fn percent(shares: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    shares.into_iter().map(|(at, share)| (at, share * 100.0)).collect()
}

fn deadline(summary: &Summary, label: &str) -> Option<f64> {
    match label {
        "TTFT" => summary.deadlines.ttft_deadline_s,
        "TBT" => Some(summary.deadlines.tbt_deadline_s),
        _ => None,
    }
}

/// One of them on an axis of equal steps, with its deadline.
fn linear_cdf(label: &str, bins: &LogBins, deadline: Option<f64>) -> Option<Plot> {
    // Beyond this the axis would belong to the few slowest: the tail is drawn elsewhere.
    let end = bins.quantile(0.995)?.max(deadline.unwrap_or(0.0)) * 1.1;
    (end > 0.0).then(|| Plot {
        caption: format!("{label} on equal steps, up to where 99.5 % lie"),
        x: Axis::linear(format!("{label}, ms")).from(0.0).to(end * 1e3),
        y: Axis::linear("no longer, %").to(100.0),
        series: vec![
            Series::steps(label, percent(bins.shares()).into_iter().map(|(s, share)| (s * 1e3, share)).collect())
                .of_metric(metric_of(label)),
        ],
        references: deadline.map(|seconds| Reference::x("deadline", seconds * 1e3)).into_iter().collect(),
    })
}

/// The miss rate of nearly all requests under every deadline between tokens.
pub(crate) fn acceptance(summary: &Summary) -> Option<Plot> {
    let curve = summary.tbt_acceptance_curve.as_ref()?;
    let points: Vec<(f64, f64)> =
        curve.iter().filter_map(|(deadline, share)| share.map(|share| (deadline * 1e3, share * 100.0))).collect();
    let last = points.last()?.0;
    Some(Plot {
        caption: "What could be promised: the deadlines missed (p99 over requests) under each TBT deadline".to_owned(),
        x: Axis::linear("TBT deadline, ms").to(last),
        y: Axis::linear("missed, %").to(100.0),
        series: vec![Series::line("p99 of the miss rate", points).of_metric("deadline_miss_rate")],
        references: vec![
            Reference::x("the run's deadline", summary.deadlines.tbt_deadline_s * 1e3),
            Reference::y("target", summary.deadlines.target_miss_rate * 100.0),
        ],
    })
}

/// As many points as a line is drawn with.
const POINTS: usize = 400;

/// The curve's points in seconds, thinned to what is seen.
fn curve_points(curve: &Curve) -> Vec<(f64, f64)> {
    let every = curve.points.len().div_ceil(POINTS).max(1);
    curve.points.iter().step_by(every).map(|&(at, value)| (at.as_secs_f64(), value)).collect()
}

fn curve<'a>(server: &'a [Curve], name: &str) -> Option<&'a Curve> {
    server.iter().find(|curve| curve.name == name)
}

fn of_server(server: &[Curve], names: &[&str], caption: &str, y: Axis, scale: f64) -> Option<Plot> {
    let scaled = |curve: &Curve| curve_points(curve).into_iter().map(|(at, value)| (at, value * scale)).collect();
    let series =
        names.iter().filter_map(|name| curve(server, name)).map(|curve| Series::line(curve.label, scaled(curve)));
    some(Plot {
        caption: caption.to_owned(),
        x: Axis::linear(SINCE_START),
        y,
        series: series.collect(),
        references: Vec::new(),
    })
}

fn server_requests(server: &[Curve]) -> Option<Plot> {
    let names = ["running", "waiting", "preemptions"];
    of_server(server, &names, "The server's requests, by its own count", Axis::linear("requests"), 1.0)
}

fn server_shares(server: &[Curve]) -> Option<Plot> {
    let names = ["kv_cache", "prefix_hits", "gpu_use", "cpu_use"];
    of_server(server, &names, "What the server had in use, by its own count", Axis::linear("%").to(100.0), 100.0)
}

fn server_power(server: &[Curve]) -> Option<Plot> {
    of_server(server, &["power"], "Power drawn", Axis::linear("W"), 1.0)
}
