//! The page against a hostile server, and against the runs that lack figures.

use metron_metrics::{Chunk, Deadlines, Outcome, Phase, RequestRecord};
use metron_units::{Nanos, Tokens};

use super::*;
use crate::samples;

fn request(id: u64, gap_ms: u64) -> RequestRecord {
    let at = Nanos::from_millis;
    RequestRecord {
        id,
        phase: Phase::Measured,
        session: None,
        turn: None,
        class: None,
        attempt: 1,
        intended: None,
        dispatched: Some(at(10)),
        headers: Some(at(20)),
        finished: Some(at(10_000)),
        connect: None,
        status: Some(200),
        outcome: Outcome::Completed,
        finish_reason: None,
        streamed: true,
        unclean_end: false,
        planned_input_tokens: Tokens::new(1),
        input_tokens: Tokens::new(1),
        output_tokens: Tokens::new(50),
        unseen_tokens: Tokens::new(0),
        counted_by: None,
        count_mismatch: false,
        chunks: (0..50).map(|k| Chunk { arrived: at(110 + k * gap_ms), tokens: 1 }).collect(),
        first_answer_chunk: Some(0),
        shared_reads: 0,
        deadlines: Deadlines { ttft: at(300), tbt: at(30) },
        texts: None,
    }
}

#[test]
fn a_page_has_no_element_that_the_server_wrote() {
    let summary = samples::short_and_hostile();
    let page = report(&summary, Extras { config: Some(samples::HOSTILE), streams: &[], engine: None });
    assert!(!page.contains("<img") && !page.contains("</script"), "markup from outside");
    assert!(page.contains("&lt;/script&gt;"), "the text itself is shown");
    assert!(!page.contains("<script"), "the page needs no script");
}

#[test]
fn a_page_loads_nothing() {
    let page = report(&samples::ordinary(), Extras::default());
    assert!(page.contains("default-src 'none'"));
    for loading in ["src=", "href=", "url(", "@import"] {
        assert!(!page.contains(loading), "{loading}");
    }
}

#[test]
fn every_figure_of_the_summary_is_on_the_page() {
    for summary in [samples::ordinary(), samples::all_failed(), samples::unstreamed(), samples::recovered()] {
        let page = report(&summary, Extras::default());
        for name in summary.metrics.keys() {
            assert!(page.contains(name.as_str()), "{name}");
        }
        assert!(!page.contains("NaN") && !page.contains("inf<"), "a figure that cannot be had is a dash");
    }
}

#[test]
fn the_least_fluid_requests_are_drawn() {
    let mut worst = Worst::default();
    for (id, gap) in [(0, 10), (1, 100), (2, 40), (3, 10), (4, 80), (5, 60)] {
        worst.see(&request(id, gap));
    }
    let mut warmup = request(6, 500);
    warmup.phase = Phase::Warmup;
    worst.see(&warmup);
    let drawn = worst.requests();
    assert_eq!(drawn.iter().map(|request| request.id).collect::<Vec<_>>(), [1, 4, 5]);
    let page = report(&samples::ordinary(), Extras { config: None, streams: &drawn, engine: None });
    assert!(page.contains("Request 1: its tokens as they came"));
}
