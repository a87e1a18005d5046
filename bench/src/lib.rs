//! Programs that measure metron itself, and one that regenerates the findings it is built on ([`paper`]). What they share: starting a
//! program on a core, reading what a process cost, and runs whose true figures are known.

#![forbid(unsafe_code)]

pub mod bed;
pub mod child;
pub mod competitor;
pub mod cost;
pub mod coverage;
pub mod paper;
