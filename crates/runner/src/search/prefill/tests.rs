//! Profiles of curves that are known: textbook ones, and the simulated engine's.

use metron_sim::schedule::{Arrival, Schedule};
use metron_units::{Nanos, Share, Tokens};

use super::*;

const LENGTHS: [u64; 12] = [64, 128, 256, 512, 1_024, 1_536, 2_048, 3_072, 4_096, 5_120, 6_144, 8_192];

/// The median of `samples` requests at each length, each slowed by an exponential share of `noise` on average.
fn points(truth: impl Fn(u64) -> f64, noise: f64, samples: u64, seed: u64) -> Vec<Point> {
    use metron_workload::random::{Stream, generator, unit};
    let point = |&prompt_tokens: &u64| {
        let mut rng = generator(seed, Stream::Engine, prompt_tokens);
        let mut seen: Vec<f64> =
            (0..samples).map(|_| truth(prompt_tokens) * (1.0 - noise * unit(&mut rng).ln())).collect();
        seen.sort_by(f64::total_cmp);
        let median = seen[seen.len() / 2];
        Point { prompt_tokens, ttft_s: vec![(0.5, median)], samples }
    };
    LENGTHS.iter().map(point).collect()
}

/// The time of one prompt alone on a simulated engine.
fn engine(prompt: u64) -> f64 {
    let spec = "sim:vllm-v1?model=llama-3-8b&gpu=h100".parse().unwrap();
    let (mut schedule, mut given) = (Schedule::new(&spec), Vec::new());
    let arrival =
        Arrival { request: 0, at: Nanos::ZERO, prompt: Tokens::new(prompt), output: Tokens::new(1), shared: None };
    schedule.arrive(arrival, &mut given);
    while let Some(at) = schedule.next() {
        schedule.advance(at, &mut given);
    }
    given[0].at.as_secs_f64()
}

#[track_caller]
fn check(kind: Kind, truth: impl Fn(u64) -> f64) {
    let profile = fit(points(&truth, 0.002, 31, 1)).unwrap();
    assert_eq!(profile.curve().kind(), kind);
    for n in (64..8_192).step_by(61) {
        let error = profile.at(Tokens::new(n)).unwrap().as_secs_f64() / truth(n) - 1.0;
        assert!(error.abs() < 0.02, "{kind:?} at {n}: {error}");
    }
}

#[test]
fn a_line_and_a_parabola_are_found_as_what_they_are() {
    check(Kind::Linear, |n| 0.02 + 1e-5 * n as f64);
    check(Kind::Quadratic, |n| 0.01 + 2e-5 * n as f64 + 3e-9 * (n as f64).powi(2));
}

#[test]
fn a_floor_that_ends_is_no_polynomial() {
    let truth = |n: u64| if n < 2_048 { 0.05 } else { 0.05 + 4e-5 * (n - 2_048) as f64 };
    check(Kind::Piecewise, truth);
}

#[test]
fn the_simulated_engine_s_curve_is_met_within_two_per_cent_and_lies_in_the_stated_band() {
    let (mut inside, mut all, mut worst) = (0, 0, Vec::new());
    let truth: Vec<(u64, f64)> = (64..=8_192).step_by(127).map(|n| (n, engine(n))).collect();
    let measured: Vec<f64> = LENGTHS.iter().map(|&n| engine(n)).collect();
    let known = |n: u64| measured[LENGTHS.iter().position(|&length| length == n).unwrap()];
    for seed in 0..40 {
        let profile = fit(points(known, 0.01, 15, seed)).unwrap();
        let mut errors: Vec<f64> = Vec::new();
        for &(n, seconds) in &truth {
            // The median of 1 + 0.01 E is what a client sees of an idle server.
            let error =
                profile.at(Tokens::new(n)).unwrap().as_secs_f64() / (seconds * (1.0 + 0.01 * 2.0_f64.ln())) - 1.0;
            inside += u32::from(error.abs() <= profile.max_relative_error());
            all += 1;
            errors.push(error.abs());
        }
        errors.sort_by(f64::total_cmp);
        worst.push(errors[errors.len() * 95 / 100]);
    }
    worst.sort_by(f64::total_cmp);
    assert!(worst[20] <= 0.02, "the error at 95 % of the lengths, median of 40 fits: {}", worst[20]);
    assert!(f64::from(inside) >= 0.95 * f64::from(all), "{inside} of {all} in the band");
}

#[test]
fn a_length_outside_is_refused_or_said_to_be_a_guess() {
    let profile = fit(points(|n| 0.02 + 1e-5 * n as f64, 0.0, 3, 0)).unwrap();
    let refused = profile.at(Tokens::new(16_384)).unwrap_err();
    assert_eq!((refused.least, refused.most), (64, 8_192));
    let guess = profile.extrapolate(Tokens::new(16_384));
    assert!(guess.extrapolated && (guess.ttft.as_secs_f64() - 0.183_84).abs() < 1e-4, "{guess:?}");
    assert!(!profile.extrapolate(Tokens::new(64)).extrapolated);
}

#[test]
fn too_few_lengths_or_no_time_give_no_profile() {
    let all = points(|n| n as f64, 0.0, 3, 0);
    assert_eq!(fit(all[..3].to_vec()), Err(FitError::TooFew(3)));
    let mut timeless = all;
    timeless[5].ttft_s = vec![(0.9, 1.0)];
    assert_eq!(fit(timeless), Err(FitError::NoTime(1_536)));
}

#[test]
fn noise_that_falls_is_pooled_into_a_curve_that_never_does() {
    let mut falling = points(|n| if n < 1_000 { 0.05 } else { 0.2 }, 0.0, 3, 0);
    falling[2].ttft_s = vec![(0.5, 0.04)];
    let profile = fit(falling).unwrap();
    let values: Vec<Nanos> = (64..8_192).map(|n| profile.at(Tokens::new(n)).unwrap()).collect();
    assert!(values.is_sorted());
}

/// What a server that takes `next` for its next answer is asked, until that is enough.
fn answered(most: u64, enough: &mut (dyn FnMut(&[f64]) -> bool + Send), mut next: impl FnMut() -> f64) -> Asked {
    let mut seconds = Vec::new();
    while (seconds.len() as u64) < most && !enough(&seconds) {
        seconds.push(next());
    }
    Asked { seconds, ..Asked::default() }
}

/// A server that becomes slower and faster again as one asks it, by up to a tenth.
struct Wandering {
    asked: f64,
    /// Requests from its fastest to its fastest again, over 2 pi.
    period: f64,
}

impl Ask for Wandering {
    type Error = std::convert::Infallible;

    fn ask(
        &mut self,
        tokens: u64,
        most: u64,
        enough: &mut (dyn FnMut(&[f64]) -> bool + Send),
    ) -> Result<Asked, Self::Error> {
        Ok(answered(most, enough, || {
            self.asked += 1.0;
            let slower = 1.05 + 0.05 * (self.asked / self.period).sin();
            slower * (0.001 + 4e-5 * tokens as f64 + 2e-8 * (tokens as f64).powi(2))
        }))
    }
}

#[test]
fn a_server_that_is_slower_for_a_while_is_not_taken_for_one_with_steps() {
    let precision = Share::of(2, 100).unwrap();
    let plan = Plan { least: 64, most: 1_500, precision, samples: 50, lengths: 256 };
    for period in [3.0, 4.0, 5.0, 6.0, 7.0, 8.0] {
        let measured = measure(&mut Wandering { asked: 0.0, period }, plan, &mut |_| {}).unwrap();
        let error = measured.profile.max_relative_error();
        assert!(measured.points.len() <= 24, "{} lengths at {period}", measured.points.len());
        assert!(error < 0.06, "off by {error} at {period}");
    }
}

/// The simulated engine, whose steps are real, how often it was asked, and the requests among which it is a tenth faster.
struct Stepped {
    asked: usize,
    requests: usize,
    faster: std::ops::Range<usize>,
}

impl Ask for Stepped {
    type Error = std::convert::Infallible;

    fn ask(
        &mut self,
        tokens: u64,
        most: u64,
        enough: &mut (dyn FnMut(&[f64]) -> bool + Send),
    ) -> Result<Asked, Self::Error> {
        self.asked += 1;
        let whole = engine(tokens);
        Ok(answered(most, enough, || {
            let share = if self.faster.contains(&self.requests) { 0.9 } else { 1.0 };
            self.requests += 1;
            share * whole
        }))
    }
}

#[test]
fn steps_of_a_server_that_stays_the_same_are_found_without_asking_each_length_twice() {
    let plan = Plan { least: 64, most: 1_024, precision: Share::of(2, 100).unwrap(), samples: 50, lengths: 256 };
    let measured = |faster| {
        let mut server = Stepped { asked: 0, requests: 0, faster };
        let measured = measure(&mut server, plan, &mut |_| {}).unwrap();
        (server.asked, measured.points.len(), measured.profile.max_relative_error())
    };
    let (asked, lengths, error) = measured(0..0);
    assert!(error <= 0.02, "{error}");
    assert!(asked * 10 <= lengths * 14, "{asked} times for {lengths} lengths");
    // One that no longer stays the same makes no steps that are none: it is believed only as long as it is seen to.
    for from in [200, 500, 800, 1_000] {
        let (_, most, _) = measured(from..from + 40);
        assert!(most <= lengths + 5, "{most} lengths of a server that was faster from request {from} on");
    }
}
