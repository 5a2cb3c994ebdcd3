//! The published contracts: request and response bodies, event names and the problem catalogue.
//!
//! This is the only crate that shapes JSON for clients, and the only one with floats. It must never
//! know a type of the domain: it takes strings, integers and maps, and the server converts by hand,
//! so that neither the frozen contracts nor the domain can shape the other.

pub mod admin;
pub mod bitvora;
pub mod decimal;
pub mod events;
mod fields;
pub mod hercle;
pub mod metadata;
pub mod number;
pub mod problem;
pub mod sandbox;
pub mod schema;
pub mod statement;
mod string_enum;
pub mod time;

pub use metadata::Metadata;
pub use problem::{Class, Problem};
pub use string_enum::UnknownName;
