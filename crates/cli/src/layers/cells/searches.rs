//! Cells that are searches over many runs: `capacity: {slo: ..., budget: 20m}` or `prefill: {prompt_tokens: 64..8192}` as a load.

use metron_runner::sweep::Measurement;

use super::super::file::{self, Value};
use super::super::matrix::{Matrix, Section};
use super::super::{Given, command_of, long};
use super::{checked, refused, settled};
use crate::failure::{Failure, Place, nearest};
use crate::flags::{CapacityFlags, PrefillFlags};
use crate::{run_config, searched};

/// What a search for the highest load is told; whatever a run is told stands beside it.
const OF_CAPACITY: [&str; 5] = ["slo", "search", "range", "precision", "budget"];
/// What a profile is told.
const OF_PREFILL: [&str; 4] = ["prompt_tokens", "precision", "samples", "most_lengths"];

/// A search for the highest load.
pub(super) fn capacity(matrix: &Matrix, own: (u64, &Value), sections: [&Section; 3]) -> Result<Measurement, Failure> {
    let own = settings::<CapacityFlags>(matrix, ("capacity", own), &OF_CAPACITY, "capacity: {slo: 'p99 ttft <= 1s'}")?;
    let [load, workload, target] = sections;
    // How long a run is says nothing of a probe. In the load itself it would be a mistake, and is refused.
    let of_a_probe = |settings: &[Given]| {
        let own = |given: &&Given| !searched::EACH_PROBES_OWN.contains(&given.flag.as_str());
        settings.iter().filter(own).cloned().collect::<Vec<Given>>()
    };
    let below = [&workload.settings, &target.settings, &matrix.defaults].map(|settings| of_a_probe(settings));
    let flags: CapacityFlags = settled([own, load.settings.clone()].into_iter().chain(below).collect())?;
    let search = searched::capacity(&flags)?;
    checked(&search.config)?;
    Ok(Measurement::Capacity(Box::new(search)))
}

/// A prefill profile.
pub(super) fn prefill(matrix: &Matrix, own: (u64, &Value), sections: [&Section; 3]) -> Result<Measurement, Failure> {
    let own = settings::<PrefillFlags>(matrix, ("prefill", own), &OF_PREFILL, "prefill: {prompt_tokens: 64..8192}")?;
    let [load, workload, target] = sections;
    let known: Vec<String> = command_of::<PrefillFlags>().get_arguments().map(long).collect();
    // A profile has a load and objectives of its own.
    let of_a_profile = |settings: &[Given]| {
        settings.iter().filter(|given| known.contains(&given.flag)).cloned().collect::<Vec<Given>>()
    };
    let below = [&load.settings, &workload.settings, &target.settings, &matrix.defaults];
    let below = below.map(|settings| of_a_profile(settings));
    let PrefillFlags { target, profile, workload, timeouts, .. } = settled([own].into_iter().chain(below).collect())?;
    let config = run_config::of_prefill(target, workload, timeouts)?;
    checked(&config)?;
    Ok(Measurement::Prefill(Box::new(config), searched::profile(&profile)))
}

/// The settings of a search in the mapping under `key`.
fn settings<F: clap::Args>(
    matrix: &Matrix,
    (key, (line, value)): (&str, (u64, &Value)),
    allowed: &[&str],
    example: &str,
) -> Result<Vec<Given>, Failure> {
    let Value::Mapping(mapping) = value else {
        return Err(refused(matrix, line, key, "must be a mapping of a search's settings", example));
    };
    let command = command_of::<F>();
    let mut settings = Vec::new();
    for (name, value) in mapping {
        if !allowed.contains(&name.as_str()) {
            let hint =
                nearest(name, allowed.iter().copied()).map_or_else(|| example.to_owned(), |near| format!("{near}:"));
            return Err(refused(matrix, line, key, &format!("unknown key `{name}`"), &hint));
        }
        let place = Place::File { path: matrix.path.clone(), line };
        settings.extend(file::setting(&command, name, written(value), place)?);
    }
    Ok(settings)
}

/// A value of a mapping as a setting is written.
fn written(value: &serde_json::Value) -> Value {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        serde_json::Value::Null => Value::Nothing,
        serde_json::Value::Array(items) => Value::List(items.iter().map(text).collect()),
        other => Value::Text(text(other)),
    }
}
