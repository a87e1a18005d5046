//! What the book and ARCHITECTURE.md say of the program is what the program says of itself.

use std::path::{Path, PathBuf};

use metron_metrics::catalogue::{Better, CATALOGUE};

const BEGIN: &str = "<!-- catalogue: begin";
const END: &str = "<!-- catalogue: end -->";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/cli lies in the workspace").to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn table() -> String {
    let mut table = String::from("| name | unit | better | meaning |\n|---|---|---|---|\n");
    for entry in CATALOGUE {
        let better = match entry.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::Neither => "",
        };
        let (name, unit) = (entry.name, entry.unit.name());
        table.push_str(&format!("| `{name}` | {unit} | {better} | {} |\n", entry.sentence));
    }
    table
}

#[test]
fn the_book_holds_the_catalogue() {
    let path = root().join("docs/src/metrics.md");
    let page = read(&path);
    let begin = page[page.find(BEGIN).expect("the mark that begins it")..].find('\n').expect("a line");
    let begin = page.find(BEGIN).expect("found above") + begin + 1;
    let end = page.find(END).expect("the mark that ends it");
    if std::env::var_os("UPDATE_BOOK").is_some() {
        let page = format!("{}{}{}", &page[..begin], table(), &page[end..]);
        std::fs::write(&path, page).expect("the book can be written");
        return;
    }
    assert_eq!(&page[begin..end], table(), "UPDATE_BOOK=1 cargo test -p metron book writes it anew");
}

#[test]
fn every_direct_dependency_has_its_reason() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let reasons = text.split_once("## Libraries").expect("the chapter").1;
    let mut command = cargo_metadata::MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps().other_options(vec!["--offline".to_owned()]);
    let metadata = command.exec().expect("cargo metadata");
    let named: std::collections::BTreeSet<&str> =
        reasons.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).collect();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            let ours = dependency.path.is_some();
            assert!(ours || named.contains(dependency.name.as_str()), "{} of {}", dependency.name, package.name);
        }
    }
}
