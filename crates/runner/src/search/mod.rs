//! Searches over many runs: the highest load that holds ([`capacity`]), and what a prompt's length costs ([`prefill`]).
//!
//! A search sees a server only through a [`Prober`], which plays one load and hands over what each request scored. So the
//! searches are pure: over sockets, over an engine in virtual time or over a textbook queue they take the same steps.

pub mod capacity;
pub mod demand;
mod kept;
pub mod prefill;
pub mod prober;
pub mod runs;

pub use demand::{Demand, NotSearchable};
pub use kept::{CapacitySearch, Kept, KeptError, OtherSearch, Surroundings};
pub use prober::{Ending, Load, LoadUnit, Observation, Played, Prober, Score, See, Wish};
pub use runs::{Files, Runs, RunsSettings};
