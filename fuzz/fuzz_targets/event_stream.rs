//! What `metron_wire::fuzzing` holds of `event_stream`, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metron_wire::fuzzing::run("event_stream", bytes));
