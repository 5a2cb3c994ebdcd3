//! Other people's Rust clients against the running binary. Each test has a sandbox of its own, which must end with
//! a clean stop and balanced books.

mod bitvora_sdk;
mod receiver;
mod sandbox;
mod signalr_client;
mod testhub;
mod webhook_verifiers;
