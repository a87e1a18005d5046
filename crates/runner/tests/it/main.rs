//! Whole runs over loopback: against the simulated engine, and against servers that behave badly. Counts and shapes are
//! asserted, never how fast this machine is.

mod bad_servers;
mod bench;
mod closed;
mod keeping;
mod open;
mod queues;
mod stopping;
mod virtual_time;
