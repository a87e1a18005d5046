//! What `metron_workload::fuzzing` holds of `trace_conversations`, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metron_workload::fuzzing::run("trace_conversations", bytes));
