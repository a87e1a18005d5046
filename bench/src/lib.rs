//! Programs that measure metron itself. What they share: how a process's own cost is read.

#![forbid(unsafe_code)]

pub mod cost;
