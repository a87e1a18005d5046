//! An engine with a scheduler and a cost model, as an address. Knows no request; its settings are the engine's own.

use std::fmt;

use super::SpecError;
use crate::engine::EngineConfig;

/// An engine whose answers depend on what else runs: `sim:SCHEDULER?model=llama-3-8b&gpu=h100&...`.
///
/// An answer has as many tokens as its request allows, up to the model's length.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    /// The engine, every parameter settled.
    pub config: EngineConfig,
}

impl Scheduled {
    /// Reads the settings of the scheduler `name`, its `own` among all of the address; a file that `cost=` names is read here
    /// and now.
    pub(super) fn read(name: &str, own: &str, settings: &str) -> Result<Self, SpecError> {
        let pairs = own.split('&').filter(|setting| !setting.is_empty());
        let pairs = pairs.map(|setting| setting.split_once('=').unwrap_or((setting, "")));
        let config = EngineConfig::from_pairs(name, pairs, |path| std::fs::read_to_string(path));
        let config = config.map_err(|refused| SpecError::engine(refused, name, settings))?;
        Ok(Self { config })
    }

    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (key, value)) in self.config.pairs().enumerate() {
            let and = if place == 0 { "" } else { "&" };
            write!(f, "{and}{key}={value}")?;
        }
        Ok(())
    }
}
