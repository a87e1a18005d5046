//! The prefill profile as what first tokens are held to. Reads the profile's file.

use std::path::Path;
use std::sync::Arc;

use metron_workload::{Pattern, Plan, PlanConfig};

use super::ConfigError;
use crate::RunConfig;
use crate::held_to::HeldTo;
use crate::kind::Kinds;
use crate::search::prefill::Profile;

/// Requests of the plan whose lengths are looked at beforehand. Beyond them a profile's curve is followed on.
const LOOKED_AT: usize = 100_000;

/// The kinds, held to the configuration's profile where it names one: all requests but those of classes with a deadline of their own.
pub(super) fn within_profile(
    config: &RunConfig,
    kinds: Kinds,
    plan: &PlanConfig,
    pattern: &Pattern,
) -> Result<Kinds, ConfigError> {
    let Some(path) = &config.prefill_profile else {
        if config.ttft_slack.is_some() {
            let message = "it is the slack upon a prefill profile, and none is given";
            return Err(ConfigError::new("ttft-slack", message, "--ttft-deadline 300ms"));
        }
        return Ok(kinds);
    };
    let profile = Arc::new(profile(path)?);
    let plan = Plan::patterned(plan.clone(), pattern.clone());
    let mut lengths = plan.into_iter().flatten().take(LOOKED_AT).map(|request| request.input_tokens);
    if let Some(outside) = lengths.find_map(|tokens| profile.at(tokens).err()) {
        return Err(ConfigError::of("prefill-profile", &outside));
    }
    let slack = config.ttft_slack.unwrap_or_default();
    let held_to = |own: &HeldTo| HeldTo::profile(Arc::clone(&profile), slack, own.stated().tbt);
    let classes = kinds.classes.iter().zip(&config.classes).map(|((name, own), class)| {
        let held_to = if class.ttft_deadline.is_some() { own.clone() } else { held_to(own) };
        (Arc::clone(name), held_to)
    });
    Ok(Kinds { classes: classes.collect(), deadlines: held_to(&kinds.deadlines) })
}

/// Reads what metron prefill wrote.
///
/// # Errors
/// If it cannot be read, or holds no curve.
pub fn profile(path: &Path) -> Result<Profile, ConfigError> {
    let refused = |message: String| {
        let message = format!("`{}`: {message}", path.display());
        ConfigError::new("prefill-profile", message, "metron prefill --url ... writes one")
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(format!("cannot be read: {error}")))?;
    Profile::from_json(&text).map_err(|error| refused(error.to_string()))
}
