//! The on-chain rail in the books: its wallet, the addresses it gives out, and the coins that come to them.
//!
//! What is written here follows from what the chain says at a look, as a whole: an act that could not be committed is
//! made up for by the next look. Nothing here asks the chain.

pub mod address;
pub mod deposit;
pub mod wallet;
