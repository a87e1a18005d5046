//! Programs that measure metron itself. What they share: starting a program on a core, and reading what a process cost.

#![forbid(unsafe_code)]

pub mod child;
pub mod cost;
