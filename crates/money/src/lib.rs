//! Amounts of bitcoin as integers: checked arithmetic, and rounding that is named where it happens.
//!
//! Every amount in Leyden is a whole number of millisatoshi in an `i64`. This crate must never hold a
//! float, and must never wrap, saturate or round without being asked to by name.

mod basis_points;
mod msat;

pub use basis_points::BasisPoints;
pub use msat::{AmountError, MAX_MONEY_MSAT, MSAT_PER_SAT, Msat};
