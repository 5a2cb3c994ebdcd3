//! The hub's commands, one file each: read the arguments, call the flow, answer by an event.
//!
//! A command that fails answers with an error event and completes normally.

pub(super) mod withdraw_lightning;
