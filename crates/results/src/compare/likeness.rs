//! In what two runs are unlike that bears on their figures, so that a difference is not booked to the server. Says it; judges
//! nothing.

use std::collections::BTreeSet;

use metron_metrics::Metric;
use metron_metrics::comparison::Aspect;

use super::Unlike;
use super::side::Side;

/// Settings that may differ between runs that are compared: what is compared, how it is reached, what is kept, what is asked
/// of the figures afterwards. Whatever is not named here is told, settings of a newer metron too.
const MAY_DIFFER: [&str; 16] = [
    "url",
    "virtual_time",
    "api_key_env",
    "header",
    "ca",
    "insecure",
    "follow_redirects",
    "timeout_connect",
    "workers",
    "prewarm",
    "http",
    "save_text",
    "seed",
    "slo",
    // Told from the summary, which knows it where the configuration does not.
    "model",
    "target_miss_rate",
];

/// The settings in which the runs are unlike.
pub(super) fn unlike(baseline: &Side, side: &Side) -> Vec<Unlike> {
    let mut unlike = Vec::new();
    let mut compare = |setting: &str, baseline: Option<&String>, value: Option<&String>| {
        if baseline != value {
            unlike.push(Unlike { setting: setting.to_owned(), baseline: baseline.cloned(), value: value.cloned() });
        }
    };
    if baseline.run.model.is_some() && side.run.model.is_some() {
        compare("model", baseline.run.model.as_ref(), side.run.model.as_ref());
    }
    if !baseline.settings.is_empty() && !side.settings.is_empty() {
        let keys: BTreeSet<&String> = baseline.settings.keys().chain(side.settings.keys()).collect();
        let held = |key: &str| match key {
            "ttft_deadline" => side.deadlines_given.0,
            "tbt_deadline" => side.deadlines_given.1,
            key => MAY_DIFFER.contains(&key),
        };
        for key in keys.into_iter().filter(|key| !held(key)) {
            compare(key, baseline.settings.get(key), side.settings.get(key));
        }
    }
    unlike
}

/// Mean lengths that are farther apart than this are told, whatever the settings say.
const LENGTHS_APART: f64 = 0.02;

/// What else makes the comparison doubtful.
pub(super) fn warnings(baseline: &Side, side: &Side) -> Vec<String> {
    let mut warnings = Vec::new();
    for (whose, one) in [("the baseline", baseline), ("this run", side)] {
        match one.instrument.as_deref() {
            Some("bottleneck") => {
                warnings.push(format!("the client was the bottleneck of {whose}: its figures are not the server's"))
            }
            Some("suspect") => {
                warnings.push(format!("the client may have been the bottleneck of {whose}"));
            }
            _ => {}
        }
        warnings.extend(one.notes.iter().map(|note| format!("{whose}: {note}")));
    }
    if let (Some(a), Some(b)) = (baseline.counted_by, side.counted_by)
        && a != b
    {
        let (a, b) = (a.name(), b.name());
        warnings.push(format!("tokens were counted by {a} in the baseline and by {b} in this run"));
    }
    for (metric, what) in [(Metric::InputTokens, "prompts"), (Metric::OutputTokens, "answers")] {
        let mean = |side: &Side| side.redrawn.estimates.get(&(metric, Aspect::Mean)).and_then(|mean| mean.value);
        if let (Some(a), Some(b)) = (mean(baseline), mean(side))
            && (b - a).abs() > LENGTHS_APART * a.max(b)
        {
            warnings.push(format!("{what} had {a:.0} tokens in the mean in the baseline and {b:.0} in this run"));
        }
    }
    let failed = |side: &Side| side.run.failed as f64 / (side.run.failed + side.run.completed).max(1) as f64;
    if failed(baseline) != failed(side) {
        warnings.push(format!(
            "latencies are those of successful requests, and {} of {} failed in the baseline, {} of {} in this run",
            baseline.run.failed,
            baseline.run.failed + baseline.run.completed,
            side.run.failed,
            side.run.failed + side.run.completed
        ));
    }
    warnings
}
