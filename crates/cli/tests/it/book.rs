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

#[test]
fn the_map_leads_to_what_is_there() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let places = between(&text, "## Where to look", "## The way of a request").split('`').skip(1).step_by(2);
    let missing: Vec<&str> = places.clone().filter(|place| !root().join(place).exists()).collect();
    assert!(missing.is_empty() && places.count() >= 15, "{missing:?}");
}

const DIALECTS: &str = "crates/wire/src/dialect";

/// How many lines are code: neither blank nor a comment, and in front of the tests.
fn lines_of_code(text: &str) -> usize {
    let product = text.split("#[cfg(test)]").next().unwrap_or_default().lines().map(str::trim);
    product.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// What stands between two marks of a page.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = page.split_once(from).unwrap_or_else(|| panic!("the page says `{from}`"));
    rest.split_once(to).unwrap_or_else(|| panic!("`{to}` behind `{from}`")).0
}

fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_guide_to_a_dialect_says_how_long_they_are() {
    let page = read(&root().join("docs/src/add-a-dialect.md"));
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for entry in
        std::fs::read_dir(root().join(DIALECTS)).expect("a folder").map(|entry| entry.expect("an entry").path())
    {
        let text = if entry.is_file() { read(&entry) } else { String::new() };
        // The part that the files of dialects alone have.
        if text.contains("\n// How it ends: ") {
            let name = entry.file_stem().expect("a name").to_string_lossy().into_owned();
            if lines_of_code(&text) < 60 { short.push(name) } else { long.push(name) }
        }
    }
    short.sort();
    long.sort();
    assert_eq!(quoted(between(&page, "under 60 lines:", "Longer")), short);
    assert_eq!(quoted(between(&page, "Longer", "## The file")), long);
    let example = lines_of_code(&read(&root().join("docs/src/examples/heron.rs")));
    let matches = between(&page, "## The matches", "## The tests").split("```").skip(1).step_by(2);
    let matches: usize = matches.map(|block| lines_of_code(block) - "rust,ignore".lines().count()).sum();
    assert!(page.contains(&format!("is {example} lines of code and {matches} in the matches")), "{example}, {matches}");
}

#[test]
fn the_guide_to_a_dialect_names_every_match_that_lists_them_all() {
    let page = read(&root().join("docs/src/add-a-dialect.md"));
    let guide = between(&page, "## The matches", "## The tests");
    let file = |name: &str| read(&root().join(DIALECTS).join(name));
    let text = file("mod.rs");
    let all: Vec<&str> = between(&text, "pub const ALL", "];")
        .split("Self::")
        .skip(1)
        .filter_map(|name| name.split(',').next())
        .collect();
    assert!(all.len() > 10, "{all:?}");
    let mut named = 0;
    for name in ["mod.rs", "place.rs", "attach.rs", "talk.rs"] {
        let text = file(name);
        for function in text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().split("fn ").skip(1) {
            let arms = function.split("Self::").skip(1).map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next());
            let arms: Vec<&str> = arms.flatten().collect();
            if all.iter().all(|dialect| arms.contains(dialect)) {
                let function = function.split('(').next().unwrap_or_default();
                assert!(guide.contains(function), "the guide does not speak of `{function}` in {name}");
                named += 1;
            }
        }
    }
    assert!(named >= 6, "{named} such matches");
}
