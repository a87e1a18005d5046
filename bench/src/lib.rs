//! Programs that measure metron itself. What they share: starting a program on a core, reading what a process cost, and runs
//! whose true figures are known.

#![forbid(unsafe_code)]

pub mod child;
pub mod cost;
pub mod coverage;
