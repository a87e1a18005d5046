//! What must hold of the reader of servers' metrics whatever bytes come; called by a program of `fuzz/` and, for the corpus that is
//! kept there, by a test.

use metron_units::Nanos;

use crate::server_metrics::exposition::{Sample, samples};
use crate::server_metrics::{Curves, meaning};

/// Runs the target of this name on one input: `exposition`.
///
/// # Panics
/// If something that must hold does not, and if there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    assert_eq!(target, "exposition", "no target `{target}`");
    let text = String::from_utf8_lossy(bytes);
    let whole: Vec<Sample<'_>> = samples(&text).collect();
    each_line_stands_alone(&text, &whole);
    for sample in &whole {
        is_read_again(sample);
        assert!(meaning::of(sample).is_none_or(|place| meaning::KNOWN[place].name == sample.name));
    }
    is_a_curve(&whole);
}

/// A line is a sample, a comment or malformed, whatever stands around it.
fn each_line_stands_alone(text: &str, whole: &[Sample<'_>]) {
    let alone: Vec<Sample<'_>> = text.lines().filter_map(|line| samples(line).next()).collect();
    assert_eq!(format!("{alone:?}"), format!("{whole:?}"));
    let mut all = samples(text);
    let read = all.by_ref().count() as u64;
    let said = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).count() as u64;
    assert_eq!(read + all.malformed(), said);
}

/// What was read, written as plainly as can be, says the same.
fn is_read_again(sample: &Sample<'_>) {
    let Sample { name, labels, value } = *sample;
    let line = format!("{name}{{{labels}}} {value:?}");
    let again = samples(&line).next().unwrap_or_else(|| panic!("{line}"));
    assert_eq!((again.name, again.labels), (name, labels));
    assert!(again.value == value || (again.value.is_nan() && value.is_nan()), "{line}");
    if let Some((label, _)) = labels.split_once('=') {
        let found = sample.label(label.trim());
        assert!(found.is_none_or(|found| labels.contains(found)), "{line}");
    }
}

/// Two scrapes give curves whose points are finite and in order.
fn is_a_curve(whole: &[Sample<'_>]) {
    let mut curves = Curves::default();
    for second in 1..=2 {
        curves.add(Nanos::new(second * 1_000_000_000), "http://localhost", whole.iter().copied());
    }
    for curve in curves.curves() {
        assert!(curve.mean().is_none_or(f64::is_finite), "{curve:?}");
        assert!(curve.max().is_none_or(f64::is_finite), "{curve:?}");
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    #[test]
    fn the_target_has_a_corpus_on_which_it_holds() {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
        assert!(fuzz.join("fuzz_targets/exposition.rs").exists());
        let inputs = std::fs::read_dir(fuzz.join("corpus/exposition")).unwrap();
        let mut inputs: Vec<PathBuf> = inputs.map(|input| input.unwrap().path()).collect();
        inputs.sort();
        assert!(!inputs.is_empty());
        for input in inputs {
            run("exposition", &std::fs::read(&input).unwrap());
        }
    }
}
