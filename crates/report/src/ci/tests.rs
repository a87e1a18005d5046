//! What build servers read, of an ordinary run, a failed one, and a hostile server.

use super::{github, junit};
use crate::samples;

#[test]
fn objectives_are_tests() {
    insta::assert_snapshot!(junit(&samples::ordinary()));
}

#[test]
fn a_run_that_nobody_answered_fails() {
    let xml = junit(&samples::all_failed());
    assert!(xml.contains("failures=\"2\"") && xml.contains("all 100 failed, most with connect"), "{xml}");
}

#[test]
fn what_is_undecided_is_skipped() {
    let xml = junit(&samples::unstreamed());
    assert!(xml.contains("skipped=\"1\"") && xml.contains("<skipped message=\"undecided: unknown\"/>"), "{xml}");
}

#[test]
fn a_hostile_server_writes_no_markup() {
    let (xml, markdown) = (junit(&samples::short_and_hostile()), github(&samples::short_and_hostile()));
    for text in [&xml, &markdown] {
        assert!(!text.contains("<img") && !text.contains('\x1b'), "{text}");
    }
}

#[test]
fn a_jobs_summary_says_verdicts_first() {
    insta::assert_snapshot!(github(&samples::ordinary()));
}
