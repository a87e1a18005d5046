//! The processor time of the thread that asks. Knows no other thread.

use metron_units::Nanos;
use rustix::time::{ClockId, clock_gettime};

/// How much processor time the calling thread has taken since it began.
pub(crate) fn thread_time() -> Nanos {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    Nanos::new(part(time.tv_sec) * 1_000_000_000 + part(time.tv_nsec))
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
}
