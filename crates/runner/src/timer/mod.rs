//! Waits for instants of the run's clock, to tens of microseconds. The runtime's own timers reach milliseconds.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use linux::Timer;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::Timer;

#[cfg(test)]
mod tests {
    use metron_units::Nanos;
    use metron_wire::Clock;

    use super::Timer;

    #[tokio::test]
    async fn an_instant_is_never_reached_early() {
        let clock = Clock::start();
        let mut timer = Timer::new(clock).expect("a timer");
        for k in 1..=50 {
            let at = Nanos::from_micros(200 * k);
            timer.until(at).await.expect("the kernel's timer works");
            assert!(clock.now() >= at);
        }
    }

    #[tokio::test]
    async fn an_instant_that_has_passed_is_not_waited_for() {
        let clock = Clock::start();
        let mut timer = Timer::new(clock).expect("a timer");
        timer.until(Nanos::ZERO).await.expect("nothing to wait for");
        assert!(clock.now() < Nanos::from_secs(5));
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_does_not_end_the_next_one() {
        let clock = Clock::start();
        let mut timer = Timer::new(clock).expect("a timer");
        tokio::select! {
            biased;
            waited = timer.until(Nanos::from_secs(3600)) => panic!("an hour has passed: {waited:?}"),
            () = tokio::task::yield_now() => {}
        }
        let at = clock.now() + Nanos::from_millis(5);
        timer.until(at).await.expect("the kernel's timer works");
        assert!(clock.now() >= at && clock.now() < Nanos::from_secs(1800));
    }
}
