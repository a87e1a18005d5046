//! What a prompt's length costs: TTFT on an idle server as a function of prompt tokens.
//!
//! [`fit()`] turns measured [`Point`]s into a [`Profile`], whose form is picked by cross-validation. The profile says how far it strays
//! from what was measured, and refuses a length outside what was measured unless asked to extrapolate. Nothing here sends a request.

mod curve;
mod fit;
mod forms;
mod profile;
#[cfg(test)]
mod tests;

pub use curve::{Curve, Kind};
pub use fit::{FitError, fit};
pub use profile::{Evaluated, OutsideValid, Point, Profile};
