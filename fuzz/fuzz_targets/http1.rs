//! What `metron_wire::fuzzing` holds of `http1`, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metron_wire::fuzzing::run("http1", bytes));
