//! What `metron_wire::fuzzing` holds of `custom_file`, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metron_wire::fuzzing::run("custom_file", bytes));
