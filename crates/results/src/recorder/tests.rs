//! A run on a disk that fails at any one call: what lies there afterwards is whole or absent, and the error says where.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metron_metrics::RequestRecord;

use super::{Recorder, SettleError};
use crate::folder::{FolderError, Overwrite, Privacy, RunFile, RunFolder, take_storage};
use crate::recover::{Recovery, recover};
use crate::rows::read_rows;
use crate::sample::{facts, record, refused};
use crate::storage::failing::{Failing, Fails};
use crate::storage::{Disk, StorageError};
use crate::summary::{Ending, Summary, Tally};

const PLANNED: u64 = 6;

/// The requests in the order in which they end.
fn ended() -> Vec<RequestRecord> {
    vec![record(2), record(0), refused(1), record(5), record(4), record(3)]
}

fn in_order() -> Vec<RequestRecord> {
    let mut records = ended();
    records.sort_by_key(|record| record.id);
    records
}

#[derive(Debug)]
enum Failed {
    Folder(FolderError),
    Storage(StorageError),
    Settle(SettleError),
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Flushed(usize);

/// A whole run; `flushed` says how many requests were surely handed over.
fn run(storage: Arc<Failing>, flushed: &mut Flushed) -> Result<(), Failed> {
    let folder = take_storage(storage, Overwrite::Refuse).map_err(Failed::Folder)?;
    let mut recorder = Recorder::begin(folder, facts(PLANNED)).map_err(Failed::Storage)?;
    recorder.write(RunFile::Config, b"url: 'sim:'\n").map_err(Failed::Storage)?;
    for (k, two) in ended().chunks(2).enumerate() {
        for record in two {
            recorder.record(record).map_err(Failed::Storage)?;
        }
        recorder.flush(2 * k as u64 + 2).map_err(Failed::Storage)?;
        flushed.0 = 2 * k + 2;
    }
    let mut tally = Tally::new(facts(PLANNED)).expect("objectives");
    let settled = recorder
        .settle(PLANNED, |record, figures| tally.add_figured(record, figures))
        .map_err(|(error, _)| Failed::Settle(error))?;
    let summary = tally.close(Ending::default()).expect("balanced");
    settled.write_summary(&summary).map_err(Failed::Storage)?;
    settled.write(RunFile::Report, b"<title>metron</title>").map_err(Failed::Storage)?;
    settled.finish().map(drop).map_err(Failed::Storage)
}

fn read_back(folder: &Path) -> Vec<RequestRecord> {
    let rows = read_rows(&folder.join("requests.parquet")).expect("opens");
    rows.collect::<Result<_, _>>().expect("reads")
}

/// Every file that is there under its own name is whole.
fn check_whole(folder: &Path, k: usize) {
    let path = |file: RunFile| folder.join(file.name());
    if path(RunFile::Rows).exists() {
        assert_eq!(read_back(folder), in_order(), "call {k}");
    }
    if let Ok(text) = fs::read_to_string(path(RunFile::Summary)) {
        assert_eq!(Summary::from_json(&text).expect("whole").requests.dispatched, PLANNED, "call {k}");
    }
    if let Ok(text) = fs::read_to_string(path(RunFile::Config)) {
        assert!(text.ends_with("sim:'\n"), "call {k}: {text}");
    }
    if let Ok(text) = fs::read_to_string(path(RunFile::Report)) {
        assert!(text.ends_with("</title>"), "call {k}: {text}");
    }
}

/// What recover makes of it holds every request that was flushed.
fn check_recover(folder: &Path, flushed: Flushed, k: usize) {
    let journal = folder.join(RunFile::Journal.name());
    if !journal.exists() {
        assert!(flushed.0 == 0 || folder.join(RunFile::Summary.name()).exists(), "call {k}: nothing left of the run");
        return;
    }
    let recovered = match recover(folder) {
        Ok(recovered) => recovered,
        // The head itself was torn: no request had been recorded.
        Err(error) => return assert_eq!(flushed.0, 0, "call {k}: {error}"),
    };
    let rows = read_back(folder);
    assert!(rows.len() >= flushed.0, "call {k}: {} of {} rows", rows.len(), flushed.0);
    let expected = in_order();
    assert!(rows.iter().all(|row| expected.contains(row)), "call {k}: a row was invented");
    assert_eq!(recovered.summary.requests.dispatched as usize, rows.len(), "call {k}");
    assert_eq!(recovered.summary.requests.planned, PLANNED, "call {k}");
    let again = recover(folder).expect("idempotent");
    assert_eq!((again.recovery, again.summary), (Recovery::AlreadyFinished, recovered.summary), "call {k}");
    assert!(!journal.exists(), "call {k}");
}

fn check_error(failed: &Failed, folder: &Path, k: usize) {
    let (text, hint) = match failed {
        Failed::Folder(error) => (error.to_string(), error.hint()),
        Failed::Storage(error) | Failed::Settle(SettleError::Storage(error)) => (error.to_string(), error.hint()),
        Failed::Settle(error) => (error.to_string(), error.hint()),
    };
    assert!(text.contains(&*folder.to_string_lossy()), "call {k}: no path in: {text}");
    assert!(!hint.is_empty(), "call {k}: {text}");
}

fn torture(fails: Fails, kind: ErrorKind) {
    for k in 0.. {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::open(folder.path(), Privacy::AsUmask).expect("opens");
        let storage = Arc::new(Failing::new(disk, k, fails, kind));
        let mut flushed = Flushed::default();
        let ran = run(Arc::clone(&storage), &mut flushed);
        check_whole(folder.path(), k);
        match ran {
            Ok(()) if storage.calls() <= k => {
                assert!(k > 40, "a run makes more calls than {k}");
                assert!(!folder.path().join("journal.arrows").exists());
                assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 4, "four files and no more");
                return;
            }
            // A call that cleans up may fail in silence: nothing depends on it.
            Ok(()) => {}
            Err(failed) => {
                check_error(&failed, folder.path(), k);
                let refused = matches!(failed, Failed::Folder(_));
                let left = RunFile::ALL.into_iter().filter(|file| folder.path().join(file.name()).exists());
                assert!(!refused || left.count() == 0, "call {k}: a refusal left files behind");
            }
        }
        check_recover(folder.path(), flushed, k);
        assert!(k < 1_000, "the run never ends");
    }
}

#[test]
fn a_call_that_fails_once_costs_no_whole_file_wherever_it_is() {
    torture(Fails::Once, ErrorKind::Other);
}

#[test]
fn a_disk_that_is_full_from_any_call_on_leaves_what_was_recorded() {
    torture(Fails::FromThereOn, ErrorKind::StorageFull);
}

#[test]
fn a_full_disk_is_named_with_the_bytes_and_the_way_out() {
    let error =
        StorageError::new(crate::storage::Action::Write, "/x/run/journal.arrows", ErrorKind::StorageFull.into());
    let error = error.of_bytes(4096);
    assert_eq!(error.to_string(), "cannot write `/x/run/journal.arrows` (4096 bytes)");
    assert!(error.hint().contains("metron recover '/x/run'"), "{}", error.hint());
}

#[test]
fn a_run_whose_folder_was_removed_can_be_brought_to_safety() {
    let parent = tempfile::tempdir().expect("a folder");
    let path = parent.path().join("run");
    let folder = RunFolder::create(&path, Overwrite::Refuse, Privacy::AsUmask).expect("created");
    let mut recorder = Recorder::begin(folder, facts(PLANNED)).expect("begun");
    ended().iter().for_each(|record| recorder.record(record).expect("recorded"));
    fs::remove_dir_all(&path).expect("removed");
    let (error, unsettled) = recorder.settle(PLANNED, |_, _| ()).expect_err("the folder is gone");
    assert!(matches!(&error, SettleError::Storage(error) if error.source.kind() == ErrorKind::NotFound), "{error}");
    let rescued: PathBuf = unsettled.rescue(parent.path(), "rescued").expect("rescued");
    recover(&rescued).expect("recovered");
    assert_eq!(read_back(&rescued), in_order());
}

#[test]
fn what_a_full_disk_refused_can_be_brought_to_safety() {
    let mut refused_somewhere = 0;
    for k in 0..120 {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("run");
        fs::create_dir(&path).expect("made");
        let disk = Disk::open(&path, Privacy::AsUmask).expect("opens");
        let storage = Arc::new(Failing::new(disk, k, Fails::FromThereOn, ErrorKind::StorageFull));
        let Ok(folder) = take_storage(storage, Overwrite::Refuse) else { continue };
        let Ok(mut recorder) = Recorder::begin(folder, facts(PLANNED)) else { continue };
        let mut refused = 0;
        for record in ended() {
            recorder.record(&record).expect("kept in memory until it is flushed");
            refused += usize::from(recorder.flush(PLANNED).is_err());
        }
        let rescued = recorder.give_up().rescue(parent.path(), "rescued").expect("rescued");
        recover(&rescued).expect("recovered");
        assert_eq!(read_back(&rescued), in_order(), "call {k}, {refused} refusals");
        refused_somewhere += usize::from(refused > 0);
    }
    assert!(refused_somewhere > 10, "the disk was full at only {refused_somewhere} places");
}
