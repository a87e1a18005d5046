//! The course of runs whose every instant is known.

use metron_metrics::{Chunk, ErrorClass, Failure, Outcome};
use metron_units::{Nanos, Tokens};

use super::*;
use crate::samples;

fn plot_csv(course: &Course, name: &str) -> Option<String> {
    let plots = course.plots(&samples::ordinary(), &[]);
    plots.into_iter().find(|named| named.name == name).map(|named| named.plot.csv())
}

/// One request a second for 120 s, each in flight for two seconds; every tenth failed.
fn steady() -> Course {
    let mut course = Course::new(Nanos::from_secs(120));
    for id in 0..120 {
        let at = |ms: u64| Nanos::from_millis(1_000 * id + ms);
        let mut record = samples::request(id, 20);
        record.dispatched = Some(at(0));
        record.chunks = (0..10).map(|k| Chunk { arrived: at(100 + 20 * k), tokens: 1 }).collect();
        record.finished = Some(at(1_500));
        record.planned_input_tokens = Tokens::new(100 + id);
        if id % 10 == 9 {
            record.outcome = Outcome::Failed(Failure { class: ErrorClass::Http5xx, message: String::new() });
            record.chunks.clear();
        }
        course.see(&record);
    }
    course
}

#[test]
fn a_steady_run_is_a_level_line() {
    let course = steady();
    let over = &course.over_time;
    assert!(over.sent().iter().all(|(_, rate)| (*rate - 1.0).abs() < 1e-9), "{:?}", over.sent());
    let failed: f64 = over.failed()[..120].iter().map(|(_, rate)| rate).sum();
    assert_eq!(failed, 12.0);
    assert_eq!(over.in_flight()[60].1, 2.0, "one is over within the bin in which the next is sent");
    let tokens: f64 = over.tokens()[..120].iter().map(|(_, rate)| rate).sum();
    assert_eq!(tokens, 108.0 * 10.0);
}

#[test]
fn failures_have_no_wait_to_be_drawn() {
    let course = steady();
    assert_eq!((course.ttft.count(), course.tbt.count()), (108, 108 * 9));
    let heat = course.over_time.heat().expect("some were answered");
    assert_eq!(heat.counts.iter().flatten().sum::<u32>(), 108);
    assert_eq!((heat.rows.len(), heat.most), (1, 2), "all waited 100 ms, two a column");
}

#[test]
fn tokens_that_came_together_have_gaps_of_zero() {
    let mut course = Course::new(Nanos::from_secs(1));
    let mut record = samples::request(0, 20);
    record.chunks = vec![
        Chunk { arrived: Nanos::from_millis(110), tokens: 3 },
        Chunk { arrived: Nanos::from_millis(150), tokens: 1 },
    ];
    course.see(&record);
    assert_eq!((course.tbt.count(), course.tbt.quantile(0.5)), (3, Some(0.0)));
}

#[test]
fn every_plot_has_a_listed_name_and_only_what_a_run_has() {
    let course = steady();
    let plots = course.plots(&samples::ordinary(), &[]);
    let names: Vec<&str> = plots.iter().map(|named| named.name.as_str()).collect();
    assert!(names.iter().all(|name| NAMES.contains(name)), "{names:?}");
    assert!(names.contains(&"ttft-by-prompt") && !names.contains(&"server-power"), "{names:?}");
    let nothing = Course::new(Nanos::from_secs(1)).plots(&samples::all_failed(), &[]);
    assert!(nothing.iter().all(|named| !named.name.contains("cdf")), "{nothing:?}");
}

#[test]
fn a_run_of_one_length_has_no_plot_against_length() {
    let mut course = Course::new(Nanos::from_secs(1));
    (0..5).for_each(|id| course.see(&samples::request(id, 20)));
    assert_eq!(plot_csv(&course, "ttft-by-prompt"), None);
    assert!(plot_csv(&course, "cdf").expect("there are waits").contains("TTFT"));
}

#[test]
fn a_million_requests_take_the_room_of_a_thousand() {
    let mut course = Course::new(Nanos::from_secs(1));
    for id in 0..5_000 {
        let mut record = samples::request(0, 20);
        record.planned_input_tokens = Tokens::new(1 + id);
        course.see(&record);
    }
    assert!(course.by_prompt.dots().len() <= 1_001);
}
