//! One module for each business event: a typed function that returns its posting.
//!
//! No accounting rule lives anywhere else; the database adds uniqueness and the row-local CHECK.

pub mod capital;
pub mod chain;
pub mod deposit;
pub mod onchain;
pub mod withdrawal;
