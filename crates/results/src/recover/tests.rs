//! A killed run is finished from its journal, once.

use std::fs;

use metron_metrics::{Phase, RequestRecord};

use super::{RecoverError, Recovery, recover};
use crate::RunFacts;
use crate::folder::{Overwrite, Privacy, RunFile, RunFolder};
use crate::recorder::Recorder;
use crate::rows::read_rows;
use crate::sample::{facts, record, refused};

/// A folder as a killed run leaves it.
fn killed(facts: RunFacts, records: &[RequestRecord], dispatched: u64) -> tempfile::TempDir {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = RunFolder::create(parent.path(), Overwrite::Refuse, Privacy::AsUmask).expect("created");
    let mut recorder = Recorder::begin(folder, facts).expect("begun");
    records.iter().for_each(|record| recorder.record(record).expect("recorded"));
    recorder.flush(dispatched).expect("flushed");
    parent
}

#[test]
fn what_is_not_in_the_journal_is_lost_and_counted() {
    let folder = killed(facts(10), &[record(3), record(0), refused(1)], 5);
    let recovered = recover(folder.path()).expect("recovered");
    assert_eq!(recovered.recovery, Recovery::FromJournal { rows: 3, in_flight: Some(2), damage: None });
    let requests = &recovered.summary.requests;
    assert_eq!((requests.planned, requests.dispatched, requests.lost), (10, 3, 7));
    assert_eq!((requests.completed, requests.failed), (2, 1));
    assert_eq!(recovered.summary.instrument, None);
    assert_eq!(recovered.summary.objectives[0].expression, "p99 ttft <= 500ms");
    assert!(!folder.path().join("journal.arrows").exists());
    assert_eq!(read_rows(&folder.path().join("requests.parquet")).expect("opens").count(), 3);
}

#[test]
fn a_run_that_time_bounds_loses_what_was_in_flight() {
    let facts = RunFacts { planned: None, ..facts(0) };
    let warmup = RequestRecord { phase: Phase::Warmup, ..record(0) };
    let folder = killed(facts, &[warmup, record(4)], 6);
    let requests = recover(folder.path()).expect("recovered").summary.requests;
    assert_eq!((requests.planned, requests.dispatched, requests.lost, requests.warmup), (5, 1, 4, 1));
}

#[test]
fn asked_again_it_finds_the_run_finished() {
    let folder = killed(facts(1), &[record(0)], 1);
    let first = recover(folder.path()).expect("recovered");
    let files = |name: &str| fs::read(folder.path().join(name)).expect(name);
    let before = (files("summary.json"), files("requests.parquet"));
    let again = recover(folder.path()).expect("recovered");
    assert_eq!((again.recovery, again.summary), (Recovery::AlreadyFinished, first.summary));
    assert_eq!((files("summary.json"), files("requests.parquet")), before);
}

#[test]
fn a_run_killed_after_its_last_file_keeps_its_own_summary() {
    let folder = killed(facts(1), &[record(0)], 1);
    let journal = fs::read(folder.path().join("journal.arrows")).expect("read");
    let mut own = recover(folder.path()).expect("recovered").summary;
    own.requests.resent = 77;
    fs::write(folder.path().join("summary.json"), own.to_json()).expect("written");
    fs::write(folder.path().join("journal.arrows"), journal).expect("written");
    let recovered = recover(folder.path()).expect("recovered");
    assert_eq!((recovered.recovery, recovered.summary), (Recovery::AlreadyFinished, own));
    assert!(!folder.path().join("journal.arrows").exists());
}

#[test]
fn a_run_that_is_still_running_is_left_alone() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = RunFolder::create(parent.path(), Overwrite::Refuse, Privacy::AsUmask).expect("created");
    let _recorder = Recorder::begin(folder, facts(1)).expect("begun");
    let error = recover(parent.path()).expect_err("running");
    assert!(error.to_string().ends_with("is being used by another metron"), "{error}");
    assert!(parent.path().join("journal.arrows").exists());
}

#[test]
fn a_folder_without_a_run_is_told_so_and_stays_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(recover(folder.path()), Err(RecoverError::NoRun { .. })));
    assert!(matches!(recover(&folder.path().join("nowhere")), Err(RecoverError::NoRun { .. })));
    fs::write(folder.path().join(RunFile::Journal.name()), "mine").expect("written");
    assert!(matches!(recover(folder.path()), Err(RecoverError::Journal(_))));
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    assert_eq!(fs::read_to_string(folder.path().join(RunFile::Journal.name())).expect("read"), "mine");
}

#[test]
fn a_link_to_a_run_is_the_run() {
    let folder = killed(facts(1), &[record(0)], 1);
    let link = tempfile::tempdir().expect("a folder");
    let link = link.path().join("latest");
    std::os::unix::fs::symlink(folder.path(), &link).expect("linked");
    assert_eq!(recover(&link).expect("recovered").summary.requests.completed, 1);
}

#[test]
fn recovered_texts_stay_the_owners() {
    use std::os::unix::fs::PermissionsExt;
    let folder = killed(RunFacts { save_text: true, ..facts(1) }, &[record(0)], 1);
    recover(folder.path()).expect("recovered");
    let mode = fs::metadata(folder.path().join("requests.parquet")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
