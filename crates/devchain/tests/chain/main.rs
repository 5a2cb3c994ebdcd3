//! The properties of the chain, one file for each side of it.
#![expect(clippy::unwrap_used, reason = "test")]

mod coins;
mod esplora;
mod faucet;
mod locks;
mod merkle;
mod mining;
mod rejects;
mod reorganisation;
mod replacement;
mod scripts;
mod supply;
