//! `/fee-estimates`: what a transaction should pay, by the number of blocks it may wait.
//!
//! A block here takes the whole mempool, so that the least fee that is relayed is always enough;
//! whoever is in a hurry is told twice that, so that software sees a slope. LDK does not start
//! without an answer.

use std::collections::BTreeMap;

use axum::Json;

/// The targets that Esplora answers for, in blocks.
const TARGETS: [u16; 28] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 144,
    504, 1008,
];

/// Sat/vB by target.
pub(super) async fn estimates() -> Json<BTreeMap<u16, f64>> {
    let rate = |target| if target < 6 { 2.0 } else { 1.0 };
    Json(
        TARGETS
            .into_iter()
            .map(|target| (target, rate(target)))
            .collect(),
    )
}
