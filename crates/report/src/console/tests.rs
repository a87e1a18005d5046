//! Whole screens over hand-made summaries.

use super::*;
use crate::samples;

fn check(name: &str, summary: &Summary) {
    let shown = table(summary, Style::Plain);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    insta::assert_snapshot!(name, shown);
}

#[test]
fn an_ordinary_run_fits_a_terminal() {
    let shown = table(&samples::ordinary(), Style::Plain);
    let widest = shown.lines().max_by_key(|line| line.chars().count()).expect("lines");
    assert!(widest.chars().count() <= 80, "{widest}");
    check("ordinary", &samples::ordinary());
}

#[test]
fn a_run_in_which_everything_failed_shows_no_latency() {
    check("all_failed", &samples::all_failed());
}

#[test]
fn answers_that_were_not_streamed_have_no_gaps_and_the_table_says_so() {
    check("unstreamed", &samples::unstreamed());
}

#[test]
fn few_samples_feign_no_precision_and_hostile_text_drives_no_terminal() {
    check("short_and_hostile", &samples::short_and_hostile());
}

#[test]
fn a_recovered_run_was_not_observed() {
    check("recovered", &samples::recovered());
}

#[test]
fn classes_and_turns_have_rows_of_their_own() {
    let shown = table(&samples::parted(), Style::Plain);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    let widest = shown.lines().max_by_key(|line| line.chars().count()).expect("lines");
    assert!(widest.chars().count() <= 80, "{widest}");
    for words in ["Classes", "chat", "  missed     p99 ttft <= 150ms", "Sessions", "turn 1 ", "turn 32 on"] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    assert!(shown.contains("200 sessions: 180 complete, 14 abandoned, 6 cut"));
}

#[test]
fn colour_changes_no_word() {
    let coloured = table(&samples::short_and_hostile(), Style::Coloured);
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.split_once('m').expect("only colours are written").1;
    }
    plain.push_str(rest);
    assert_eq!(plain, table(&samples::short_and_hostile(), Style::Plain));
}

#[test]
fn the_names_of_the_samples_are_the_catalogue_s() {
    for name in samples::ordinary().metrics.keys() {
        assert!(metron_metrics::Metric::from_name(name).is_ok(), "{name}");
    }
}

#[test]
fn what_the_server_says_is_told_in_lines_that_do_not_wrap() {
    let mut summary = samples::ordinary();
    summary.server = Some(samples::server());
    insta::assert_snapshot!("server", table(&summary, Style::Plain));
}
