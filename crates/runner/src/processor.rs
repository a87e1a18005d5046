//! The processor time of the thread that asks, and how long it had to wait for a processor. Knows no other thread.

use metron_units::Nanos;
use rustix::time::{ClockId, clock_gettime};

/// Where Linux says how long the asking thread ran, waited while it could have run, and how often it was let run.
const SCHEDULER: &str = "/proc/thread-self/schedstat";

/// How much processor time the calling thread has taken since it began.
pub(crate) fn thread_time() -> Nanos {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    Nanos::new(part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec))
}

/// How long the calling thread could have run and did not, since it began: others had its processor, or a quota was used
/// up. Zero where the system does not say.
pub(crate) fn waited_time() -> Nanos {
    std::fs::read_to_string(SCHEDULER).ok().as_deref().and_then(waited).unwrap_or(Nanos::ZERO)
}

fn waited(schedstat: &str) -> Option<Nanos> {
    schedstat.split_whitespace().nth(1)?.parse().ok().map(Nanos::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_takes_processor_time_and_waiting_takes_next_to_none() {
        let before = thread_time();
        let mut x = 1_u64;
        for k in 0..5_000_000_u64 {
            x = std::hint::black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(k));
        }
        let worked = thread_time() - before;
        assert!(worked > Nanos::ZERO);
        let before = thread_time();
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(thread_time() - before < Nanos::from_millis(100));
    }

    #[test]
    fn the_time_of_waiting_is_the_second_number() {
        assert_eq!(waited("4503599 277000 12\n"), Some(Nanos::new(277_000)));
        assert_eq!(waited(""), None);
    }
}
