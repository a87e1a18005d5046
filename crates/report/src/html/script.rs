//! The page's script: uPlot and what draws the page's charts by it. The page's policy names its hash, so that no other runs.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

/// Whole, as it stands in the page.
pub(super) const SCRIPT: &str =
    concat!(include_str!("../../assets/uPlot.iife.min.js"), "\n", include_str!("../../assets/charts.js"));

/// What uPlot needs of a style.
pub(super) const STYLE: &str = include_str!("../../assets/uPlot.min.css");

/// Nothing is loaded from anywhere; only the page's own style applies, and only its own script runs.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(digest(&SHA256, SCRIPT.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
});

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_vendored_is_what_its_list_says() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let list = fs::read_to_string(folder.join("README.md")).unwrap();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if name == "README.md" || name == "charts.js" || name.ends_with(".LICENSE") {
                continue;
            }
            let sum = hex(digest(&SHA256, &fs::read(&path).unwrap()).as_ref());
            let row = list.lines().find(|line| line.starts_with(&format!("| `{name}`"))).expect(&name);
            assert!(row.ends_with(&format!("| `{sum}` |")), "{name} is {sum}");
            let licence = row.split('`').find(|part| part.ends_with(".LICENSE")).expect("a licence is named");
            assert!(folder.join(licence).exists(), "{licence}");
        }
    }

    #[test]
    fn the_script_is_small_and_does_not_end_itself() {
        assert!(SCRIPT.len() < 100_000, "{}", SCRIPT.len());
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--"));
    }
}
