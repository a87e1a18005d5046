//! What `metron_wire::fuzzing` holds of `dialect_azure`, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metron_wire::fuzzing::run("dialect_azure", bytes));
