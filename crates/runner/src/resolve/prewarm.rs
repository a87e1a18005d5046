//! How many connections are opened ahead of the first request. Opens none.

use metron_sim::spec::Time;
use metron_workload::{Dist, Load};

use super::ConfigError;
use crate::RunConfig;

/// What the flag means without a number.
pub const BY_LOAD: &str = "auto";
/// No load is thought to need more of itself: whoever wants more says how many.
const MOST_BY_LOAD: f64 = 4_096.0;

/// How many connections are opened ahead: as many as are asked for and the load can use at once.
///
/// Of an open loop that nothing bounds nobody knows how many requests will be in flight. If tokens come just in time for their
/// deadlines there are as many as arrive in the time of one such answer (Little's law).
pub(super) fn connections(
    config: &RunConfig,
    load: &Load,
    output_tokens: &Dist,
    time: Time,
) -> Result<u32, ConfigError> {
    let Some(asked) = config.prewarm.as_deref() else { return Ok(0) };
    if time == Time::Virtual {
        let message = "in virtual time there are no connections to open";
        return Err(ConfigError::new("prewarm", message, "leave out --virtual-time"));
    }
    let most = match load {
        Load::Closed { concurrency } => Some(*concurrency),
        Load::Open { .. } => config.max_in_flight,
    };
    let number = match (asked, load, most) {
        (BY_LOAD, Load::Closed { concurrency }, _) => *concurrency,
        (BY_LOAD, Load::Open { .. }, Some(most)) => most,
        (BY_LOAD, Load::Open { rate, .. }, None) => {
            let answer = config.ttft_deadline.as_secs_f64() + output_tokens.mean() * config.tbt_deadline.as_secs_f64();
            (rate.get() * answer).ceil().clamp(1.0, MOST_BY_LOAD) as u32
        }
        (number, ..) => number.parse().ok().filter(|&number| number > 0).ok_or_else(|| {
            ConfigError::new(
                "prewarm",
                format!("`{number}` is neither a number of connections nor auto"),
                "--prewarm 64",
            )
        })?,
    };
    Ok(most.map_or(number, |most| number.min(most)))
}

#[cfg(test)]
mod tests {
    use metron_units::Rate;
    use metron_workload::Arrivals;

    use super::*;

    fn open(rate: f64) -> Load {
        Load::Open { rate: Rate::per_second(rate).expect("a rate"), arrivals: Arrivals::Poisson }
    }

    #[track_caller]
    fn check(asked: &str, load: Load, most: Option<u32>, expected: u32) {
        let config =
            RunConfig { prewarm: Some(asked.to_owned()), max_in_flight: most, ..super::super::tests::config() };
        let output = "100".parse().expect("a length");
        assert_eq!(connections(&config, &load, &output, Time::Wall).expect("sound"), expected, "{asked} of {load:?}");
    }

    #[test]
    fn users_each_have_a_connection_and_no_more() {
        check("auto", Load::Closed { concurrency: 48 }, None, 48);
        check("6", Load::Closed { concurrency: 48 }, None, 6);
        check("64", Load::Closed { concurrency: 48 }, None, 48);
    }

    #[test]
    fn an_open_loop_has_what_answers_just_in_time_would_need() {
        // 300 ms and 100 gaps of 30 ms.
        check("auto", open(10.0), None, 33);
        check("auto", open(0.01), None, 1);
        check("auto", open(100_000.0), None, 4_096);
        check("auto", open(10.0), Some(20), 20);
        check("5000", open(10.0), None, 5_000);
        check("50", open(10.0), Some(20), 20);
    }
}
