//! What `metron_results::fuzzing` holds of `exposition`, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metron_results::fuzzing::run("exposition", bytes));
