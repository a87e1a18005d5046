//! House rules that fail the build: which room may know which, how a file opens, where `unsafe` may stand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::DependencyKind;

/// The arrows between the rooms, and no others. Everything may use `units`.
const ARROWS: [(&str, &[&str]); 9] = [
    ("metron-units", &[]),
    ("metron-metrics", &["metron-units"]),
    ("metron-workload", &["metron-units"]),
    ("metron-wire", &["metron-units"]),
    ("metron-sim", &["metron-units", "metron-workload"]),
    ("metron-results", &["metron-units", "metron-metrics"]),
    (
        "metron-runner",
        &["metron-units", "metron-wire", "metron-sim", "metron-workload", "metron-results", "metron-metrics"],
    ),
    ("metron-report", &["metron-units", "metron-results", "metron-metrics"]),
    (
        "metron",
        &[
            "metron-units",
            "metron-metrics",
            "metron-workload",
            "metron-wire",
            "metron-sim",
            "metron-results",
            "metron-runner",
            "metron-report",
        ],
    ),
];

fn metadata() -> cargo_metadata::Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut command = cargo_metadata::MetadataCommand::new();
    command
        .manifest_path(manifest)
        .no_deps()
        .other_options(vec!["--offline".to_owned()])
        .exec()
        .expect("cargo metadata")
}

#[test]
fn rooms_know_only_the_rooms_they_may() {
    let metadata = metadata();
    let rooms: BTreeSet<&str> = ARROWS.iter().map(|(room, _)| *room).collect();
    for package in metadata.workspace_packages() {
        let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == package.name.as_str()) else {
            // Programs beside the rooms (benches, fuzzing) may look at whatever they measure; no room may look at them.
            continue;
        };
        for dependency in &package.dependencies {
            let known = rooms.contains(dependency.name.as_str());
            let allowed = allowed.contains(&dependency.name.as_str());
            assert!(!known || allowed, "{} must not know {}", package.name, dependency.name);
            // The conformance set knows no room, so tests of any room may be held against it.
            let tested = dependency.name == "metron-conformance" && dependency.kind == DependencyKind::Development;
            let outside = dependency.path.is_none();
            assert!(known || tested || outside, "{} uses {}, which is no room", package.name, dependency.name);
        }
    }
    let standing: BTreeSet<&str> = metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    assert!(rooms.is_subset(&standing), "a room is missing: {:?}", rooms.difference(&standing));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/cli lies in the workspace").to_owned()
}

/// Every Rust file of the rooms.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 50, "the rooms hold more files than {}", files.len());
    files
}

#[test]
fn every_file_says_at_its_top_what_it_holds() {
    for file in sources() {
        let text = std::fs::read_to_string(&file).expect("readable");
        assert!(text.starts_with("//! "), "{} does not open with `//!`", file.display());
    }
}

#[test]
fn no_file_is_named_for_what_it_does_not_say() {
    for file in sources() {
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name");
        let vague = ["utils", "util", "helpers", "common", "imp", "types", "misc"];
        assert!(!vague.contains(&name), "{}", file.display());
    }
}

#[test]
fn unsafe_code_is_forbidden_everywhere_but_where_the_system_is_called() {
    for (room, _) in ARROWS {
        let folder = root().join("crates").join(match room {
            "metron" => "cli",
            room => room.strip_prefix("metron-").expect("a room's name"),
        });
        let opening =
            ["src/lib.rs", "src/main.rs"].map(|file| folder.join(file)).into_iter().find(|file| file.exists());
        let text = std::fs::read_to_string(opening.expect("a crate has a root")).expect("readable");
        let forbidden = text.contains("#![forbid(unsafe_code)]");
        assert_eq!(forbidden, room != "metron-wire", "{room}");
    }
}

#[test]
fn nothing_tells_where_it_was_built() {
    for file in sources() {
        let text = std::fs::read_to_string(&file).expect("readable");
        let line =
            text.lines().find(|line| ["\"/home/", "\"/root/", "\"/Users/"].iter().any(|path| line.contains(path)));
        // This file names what it looks for.
        assert!(line.is_none() || file.ends_with("tidy.rs"), "{}: {line:?}", file.display());
    }
}
