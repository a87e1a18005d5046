//! What a folder refuses, what it leaves untouched, and what it removes when told to.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::{FolderError, Overwrite, Privacy, RunFile, RunFolder, replace};

fn parent() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn create(path: &Path, overwrite: Overwrite) -> Result<RunFolder, FolderError> {
    RunFolder::create(path, overwrite, Privacy::AsUmask)
}

/// What lies in a folder, by name and content; links by their target.
fn holds(path: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(path).expect("listed").map(|entry| entry.expect("an entry"));
    let mut all: Vec<_> = entries
        .map(|entry| {
            let content = match fs::read_link(entry.path()) {
                Ok(target) => format!("-> {}", target.display()),
                Err(_) => fs::read_to_string(entry.path()).unwrap_or_default(),
            };
            (entry.file_name().to_string_lossy().into_owned(), content)
        })
        .collect();
    all.sort();
    all
}

/// Refused, with everything as it was.
fn check_refused(path: &Path, overwrite: Overwrite, says: &str) {
    let before = path.is_dir().then(|| holds(path));
    let error = create(path, overwrite).expect_err(says);
    assert!(error.to_string().contains(says), "{error}");
    assert!(!error.hint().is_empty(), "{error}");
    assert_eq!(path.is_dir().then(|| holds(path)), before, "{says}: something was changed");
}

#[test]
fn missing_parents_are_made() {
    let parent = parent();
    let path = parent.path().join("a/b/c");
    let folder = create(&path, Overwrite::Refuse).expect("created");
    folder.write(RunFile::Summary, b"{}").expect("written");
    assert_eq!(folder.close().expect("closed"), path);
    assert_eq!(holds(&path), [("summary.json".to_owned(), "{}".to_owned())]);
}

#[test]
fn a_folder_with_a_run_is_refused_unless_forced() {
    let parent = parent();
    for (name, content) in [
        ("summary.json", "{ \"schema\": \"metron.summary/1\" }"),
        ("config.yaml", "# metron run\nurl: x"),
        ("requests.parquet", "PAR1 metron.requests/1 PAR1"),
        ("report.html", "<title>metron</title>"),
    ] {
        let path = parent.path().join(name);
        fs::create_dir(&path).expect("made");
        fs::write(path.join(name), content).expect("written");
        fs::write(path.join("notes.txt"), "mine").expect("written");
        fs::write(path.join(".metron-0123456789abcdef.tmp"), "left behind").expect("written");
        check_refused(&path, Overwrite::Refuse, "holds a run already");
        let folder = create(&path, Overwrite::Replace).expect("forced");
        folder.close().expect("closed");
        assert_eq!(holds(&path), [("notes.txt".to_owned(), "mine".to_owned())], "only the run's files go");
    }
}

#[test]
fn an_unfinished_run_is_offered_for_recovery() {
    let parent = parent();
    // Killed before its first write: empty.
    fs::write(parent.path().join("journal.arrows"), "").expect("written");
    check_refused(parent.path(), Overwrite::Refuse, "holds a run that was not finished");
    let hint = create(parent.path(), Overwrite::Refuse).expect_err("refused").hint();
    assert!(hint.starts_with("metron recover "), "{hint}");
    create(parent.path(), Overwrite::Replace).expect("forced");
}

#[test]
fn force_does_not_remove_what_metron_did_not_write() {
    let parent = parent();
    fs::write(parent.path().join("summary.json"), "{ \"mine\": true }").expect("written");
    for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
        check_refused(parent.path(), overwrite, "was not written by metron");
    }
    fs::remove_file(parent.path().join("summary.json")).expect("removed");
    fs::create_dir(parent.path().join("report.html")).expect("made");
    check_refused(parent.path(), Overwrite::Replace, "it is a folder");
}

#[test]
fn a_link_planted_at_any_name_is_not_followed() {
    for target in ["dangling", "victim"] {
        for file in RunFile::ALL {
            let parent = parent();
            let victim = parent.path().join("victim");
            fs::write(&victim, "metron's? no, mine").expect("written");
            let path = parent.path().join("run");
            fs::create_dir(&path).expect("made");
            symlink(parent.path().join(target), path.join(file.name())).expect("linked");
            for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
                check_refused(&path, overwrite, "it is a symbolic link");
            }
            assert_eq!(fs::read_to_string(&victim).expect("there"), "metron's? no, mine");
            assert!(!parent.path().join("dangling").exists());
        }
    }
}

#[test]
fn a_link_planted_while_the_run_runs_is_replaced_and_not_followed() {
    let parent = parent();
    let path = parent.path().join("run");
    let folder = create(&path, Overwrite::Refuse).expect("created");
    let victim = parent.path().join("victim");
    fs::write(&victim, "mine").expect("written");
    symlink(&victim, path.join("summary.json")).expect("linked");
    folder.write(RunFile::Summary, b"{}").expect("written");
    assert_eq!(fs::read_to_string(&victim).expect("there"), "mine");
    assert!(fs::symlink_metadata(path.join("summary.json")).expect("there").is_file());
}

#[test]
fn a_link_planted_at_the_lock_is_not_followed() {
    let parent = parent();
    let path = parent.path().join("run");
    fs::create_dir(&path).expect("made");
    symlink(parent.path().join("dangling"), path.join(".metron.lock")).expect("linked");
    create(&path, Overwrite::Refuse).expect_err("refused");
    assert!(!parent.path().join("dangling").exists());
}

#[test]
fn what_is_no_folder_is_refused() {
    let parent = parent();
    let file = parent.path().join("file");
    fs::write(&file, "mine").expect("written");
    check_refused(&file, Overwrite::Replace, "is not a folder");
    let below = file.join("below");
    create(&below, Overwrite::Refuse).expect_err("a file in the way");
    let link = parent.path().join("link");
    fs::create_dir(parent.path().join("real")).expect("made");
    symlink(parent.path().join("real"), &link).expect("linked");
    check_refused(&link, Overwrite::Refuse, "is a symbolic link");
    create(&parent.path().join("x".repeat(300)), Overwrite::Refuse).expect_err("too long a name");
}

#[test]
fn two_runs_cannot_share_a_folder() {
    let parent = parent();
    let path = parent.path().join("run");
    let first = create(&path, Overwrite::Refuse).expect("created");
    let second = create(&path, Overwrite::Replace).expect_err("refused");
    assert!(matches!(second, FolderError::InUse { .. }), "{second}");
    first.close().expect("closed");
    create(&path, Overwrite::Refuse).expect("free again");
}

#[test]
fn the_lock_of_a_killed_run_holds_nobody_back() {
    let parent = parent();
    fs::write(parent.path().join(".metron.lock"), "").expect("written");
    create(parent.path(), Overwrite::Refuse).expect("nobody holds it");
}

#[test]
fn texts_are_the_owners_alone() {
    let parent = parent();
    let path = parent.path().join("a/run");
    let folder = RunFolder::create(&path, Overwrite::Refuse, Privacy::Private).expect("created");
    folder.write(RunFile::Summary, b"{}").expect("written");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join("summary.json"))), (0o700, 0o600));
    replace(&path, RunFile::Report, b"<p>metron").expect("written");
    assert_eq!(mode(&path.join("report.html")), 0o600, "a page written later is closed too");
}

#[test]
fn a_configuration_says_whose_it_is() {
    let parent = parent();
    let folder = create(parent.path(), Overwrite::Refuse).expect("created");
    folder.write(RunFile::Config, b"url: 'sim:'\n").expect("written");
    folder.close().expect("closed");
    check_refused(parent.path(), Overwrite::Refuse, "holds a run already");
}

#[test]
fn a_run_that_does_not_begin_leaves_no_trace() {
    let parent = parent();
    create(&parent.path().join("a/b"), Overwrite::Refuse).expect("created").abandon();
    assert_eq!(holds(parent.path()), []);
    let path = parent.path().join("mine");
    fs::create_dir(&path).expect("made");
    create(&path, Overwrite::Refuse).expect("created").abandon();
    assert_eq!(holds(&path), [], "a folder that was there stays, without our lock");
}

#[test]
fn a_page_can_be_written_again_through_a_link_to_its_folder() {
    let parent = parent();
    let path = parent.path().join("run");
    fs::create_dir(&path).expect("made");
    symlink(&path, parent.path().join("latest")).expect("linked");
    for page in ["<p>metron 1", "<p>metron 2"] {
        replace(&parent.path().join("latest"), RunFile::Report, page.as_bytes()).expect("written");
        assert_eq!(holds(&path), [("report.html".to_owned(), page.to_owned())]);
    }
}
