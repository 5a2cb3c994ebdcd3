//! The use cases: checks, then one act, with calls to the node between acts and never inside them.
//!
//! A handler of REST and a command of the hub parse, call one of these, and map the answer: no rule stands twice.

pub mod deposit_address;
pub mod invoice;
pub mod pending;
pub mod withdraw;
