//! Bytes that are cut into messages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalr_server::fuzzing::records(bytes));
