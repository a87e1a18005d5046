//! Flags that say how much is sent, when, and for how long.

use std::path::Path;

use clap::Args;
use metron_runner::Until;
use metron_runner::resolve::PREWARM_BY_LOAD;
use metron_units::{Nanos, Rate};
use metron_workload::{Curve, Dist, Process};

use super::number::{above_zero, at_least_one, whole};

/// How requests are released.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct LoadFlags {
    /// Requests per second, whatever the server does (open loop).
    #[arg(long, value_name = "R")]
    pub(crate) rate: Option<Rate>,
    /// How arrivals are drawn (poisson, constant, gamma:0.5, weibull:0.7, jitter:0.2, onoff:2s,8s) or how their rate changes
    /// (steps:10s@5,20s@50, ramp:10s@5..50, diurnal:24h,0.6, cycle:, curve:). [default with --rate: poisson]
    #[arg(long, value_name = "PROCESS")]
    pub(crate) arrivals: Option<String>,
    /// The shape of gamma arrivals: 1 is Poisson, below 1 burstier. The same as --arrivals gamma:B.
    #[arg(long, value_name = "B", value_parser = burstiness)]
    pub(crate) burstiness: Option<f64>,
    /// Users who each wait for an answer before they ask again (closed loop). [default without --rate: 8]
    #[arg(long, value_name = "N", value_parser = at_least_one::<u32>)]
    pub(crate) concurrency: Option<u32>,
    /// How long each user waits between an answer and the next request.
    #[arg(long, value_name = "DIST")]
    pub(crate) think_time: Option<Dist<Nanos>>,
    /// At most so many requests in flight with --rate; what waits is counted as waiting.
    #[arg(long, value_name = "N", value_parser = at_least_one::<u32>)]
    pub(crate) max_in_flight: Option<u32>,
    /// Let the load grow to its full height over this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) ramp_up: Option<Nanos>,
    /// Measured requests. [default without --duration and --trace: 100]
    #[arg(long, value_name = "N", value_parser = at_least_one::<u64>)]
    pub(crate) requests: Option<u64>,
    /// Stop sending after this time; what is in flight is awaited.
    #[arg(long, value_name = "TIME", value_parser = above_zero)]
    pub(crate) duration: Option<Nanos>,
    /// Stop once a figure is known well enough, e.g. 'p99 ttft within 5%' (half its 95 % interval); --requests and --duration
    /// bound it. May be given several times: all must be. [default of --requests then: 100000]
    #[arg(long, value_name = "RULE")]
    pub(crate) until: Vec<Until>,
    /// Send for this time first, without counting it.
    #[arg(long, value_name = "TIME")]
    pub(crate) warmup: Option<Nanos>,
    /// Send so many requests first, without counting them.
    #[arg(long, value_name = "N", value_parser = whole::<u64>)]
    pub(crate) warmup_requests: Option<u64>,
    /// Sending threads; chosen by the load if not given.
    #[arg(long, value_name = "N", value_parser = at_least_one::<u32>)]
    pub(crate) workers: Option<u32>,
    /// Open so many connections before the first request, so that none waits for one. [without N: one for each user or
    /// --max-in-flight, or as many as the rate needs if tokens come just in time for their deadlines]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = PREWARM_BY_LOAD)]
    pub(crate) prewarm: Option<String>,
}

impl LoadFlags {
    /// Whether requests have instants of their own, those of a trace included.
    pub(crate) fn is_open(&self, trace: Option<&Path>) -> bool {
        let own_rate = |text: &String| text.parse::<Process>().ok()?.curve.as_ref().and_then(Curve::rate);
        let by_itself = trace.is_some() || self.arrivals.as_ref().and_then(own_rate).is_some();
        self.rate.is_some() || (by_itself && self.concurrency.is_none())
    }
}

fn burstiness(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(shape) if shape.is_finite() && shape > 0.0 => Ok(shape),
        Ok(_) | Err(_) => Err(format!("burstiness `{text}` is no number above zero")),
    }
}
