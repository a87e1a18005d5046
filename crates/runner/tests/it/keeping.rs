//! A run's files: all of them, with no secret, and a disk that refuses ends the run with what there is.

use metron_results::folder::RunFile;
use metron_results::recover;
use metron_results::rows::read_rows;
use metron_runner::{RunConfig, RunError, Stop, Whose};

use crate::bench::{QUICK, config, into, run_with};

#[test]
fn the_folder_holds_a_runs_files_and_the_journal_goes_last() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let secret = RunConfig { header: vec!["x-api-key: sk-canary".to_owned()], ..config(QUICK) };
    let finished = run_with(&secret, into(&out), &Stop::new()).0.expect("the run comes to its end");
    assert!(out.join(RunFile::Journal.name()).exists(), "until the caller is done");
    assert_eq!(read_rows(&finished.rows_path().expect("rows")).expect("rows").count(), 10);
    finished.folder.expect("a folder").finish().expect("written");
    assert!(!out.join(RunFile::Journal.name()).exists());
    for file in [RunFile::Config, RunFile::Summary, RunFile::Rows] {
        let bytes = std::fs::read(out.join(file.name())).expect("the file is there");
        assert!(!bytes.windows(9).any(|window| window == b"sk-canary"), "{}", file.name());
    }
}

#[test]
fn the_summary_of_a_folder_is_that_of_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let finished = run_with(&config(QUICK), into(&out), &Stop::new()).0.expect("the run comes to its end");
    let written = std::fs::read_to_string(out.join(RunFile::Summary.name())).expect("a summary");
    assert_eq!(written, finished.summary.to_json());
}

#[test]
fn a_folder_that_holds_a_run_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let first = run_with(&config(QUICK), into(&out), &Stop::new()).0.expect("the run comes to its end");
    first.folder.expect("a folder").finish().expect("written");
    let error = run_with(&config(QUICK), into(&out), &Stop::new()).0.expect_err("a run is there");
    assert!(matches!(error, RunError::Folder(_)) && error.hint().contains("--force"), "{error:?}");
}

#[test]
fn a_setting_that_means_nothing_leaves_no_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let wrong = RunConfig { api_key_env: Some("METRON_TEST_NOT_SET".to_owned()), ..config(QUICK) };
    let error = run_with(&wrong, into(&out), &Stop::new()).0.expect_err("it is not set");
    assert_eq!(error.whose(), Whose::Users);
    assert!(!out.exists());
}

#[test]
fn a_folder_that_is_removed_in_the_middle_ends_the_run_and_its_requests_are_rescued() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("out");
    let (events, heard) = std::sync::mpsc::channel();
    let running = std::thread::spawn({
        let (options, config) = (into(&out), RunConfig { requests: Some(400), ..config(QUICK) });
        move || metron_runner::run(&config, options, &events, &Stop::new())
    });
    let progress =
        |event: &metron_results::event::RunEvent| matches!(event, metron_results::event::RunEvent::Progress(_));
    assert!(heard.iter().any(|event| progress(&event)), "the run was over too soon");
    std::fs::remove_dir_all(&out).expect("removed");
    let error = running.join().expect("no panic").expect_err("its rows cannot be put in place");
    let RunError::NotKept { rescued: Some(at), .. } = &error else { panic!("{error:?}") };
    assert!(error.hint().contains("metron recover"), "{}", error.hint());
    let recovered = recover(at).expect("the rescued journal is whole");
    assert!(recovered.summary.requests.completed > 0);
    std::fs::remove_dir_all(at).expect("removed");
}
