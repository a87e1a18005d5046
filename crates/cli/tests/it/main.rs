//! Whole-program tests: the built binary against real servers, in folders of its own.

mod aws;
mod bad_input;
mod book;
mod calibrate;
mod capacity;
mod cases;
mod compare;
mod custom;
mod exit_codes;
mod faults;
mod help;
mod interrupt;
mod metron;
mod outward;
mod prefill;
mod probe;
mod run;
mod score;
mod secrets;
mod server;
mod sim;
mod sweep;
mod tidy;
mod traces;
mod unstreamed;
mod workload;
