//! What a prompt's length costs: TTFT on an idle server as a function of prompt tokens.
//!
//! [`fit()`] turns measured [`Point`]s into a [`Profile`], whose form is picked by cross-validation. The profile says how far it strays
//! from what was measured, and refuses a length outside what was measured unless asked to extrapolate. [`measure()`] chooses the lengths
//! and repeats each until its median is known; [`ByRuns`] is whom it asks.

mod again;
mod by_runs;
mod curve;
mod file;
mod fit;
mod forms;
mod gaps;
mod measure;
mod profile;
#[cfg(test)]
mod tests;

pub use by_runs::{ByRuns, with_new_prompts};
pub use curve::{Curve, Kind};
pub use file::NoProfile;
pub use fit::{FitError, fit};
pub use measure::{Ask, Asked, MeasureError, Measured, Plan, measure};
pub use profile::{Evaluated, OutsideValid, Point, Profile};
