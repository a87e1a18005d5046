//! The page against a hostile server, and against the runs that lack figures.

use metron_metrics::Phase;
use metron_units::Nanos;

use super::*;
use crate::course::Course;
use crate::samples::{self, request};

#[test]
fn a_page_has_no_element_that_the_server_wrote() {
    let summary = samples::short_and_hostile();
    let page = report(&summary, Extras { config: Some(samples::HOSTILE), ..Extras::default() });
    assert!(!page.contains("<img"), "markup from outside");
    assert_eq!(page.matches("<script").count(), page.matches("</script").count(), "none was ended from outside");
    assert!(page.contains("&lt;/script&gt;"), "the text itself is shown");
}

#[test]
fn a_page_loads_nothing() {
    let page = report(&samples::ordinary(), Extras::default());
    assert!(page.contains("default-src 'none'"));
    let (before, _) = page.rsplit_once("<script>").expect("there is one script, at the end");
    for loading in ["src=", "href=", "url(", "@import", "<script>"] {
        assert!(!before.contains(loading), "{loading}");
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
    let page = report(&samples::ordinary(), Extras { streams: &drawn, ..Extras::default() });
    assert!(page.contains("Request 1: its tokens against their deadlines"));
}

#[test]
fn what_a_person_asks_first_stands_first() {
    let mut course = Course::new(Nanos::from_secs(10));
    let drawn = [request(0, 100)];
    for id in 0..40 {
        course.see(&request(id, 20 + id));
    }
    let extras = Extras { config: Some("seed: 0"), streams: &drawn, course: Some(&course), ..Extras::default() };
    let page = report(&samples::ordinary(), extras);
    let places = [
        "Did it hold?",
        "How did it feel?",
        "Distributions",
        "What could be promised",
        "Over time",
        "Instrument",
        "Configuration",
    ];
    let places = places.map(|word| page.find(word).unwrap_or_else(|| panic!("{word} is on the page")));
    assert!(places.is_sorted(), "{places:?}");
    assert!(!page.contains("NaN"), "what is not known is left out");
    assert_eq!(page.matches("<figure").count(), page.matches("As a table").count(), "each plot has a table");
}

#[test]
fn what_the_server_says_is_on_the_page_in_words() {
    let mut summary = samples::ordinary();
    summary.server = Some(samples::server());
    let page = report(&summary, Extras::default());
    for words in ["What the server says", "vLLM", "KV cache in use", "0.42 J per output token", "1 failed"] {
        assert!(page.contains(words), "{words}");
    }
}
