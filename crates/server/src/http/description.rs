//! `/hub.json`: what the hub can be asked, for the tester and for whoever writes a client.

use axum::extract::State;
use axum::response::Response;
use wire::hercle::{DataFormat, Envelope, Subject, WithdrawalCreated, hub_description};

use super::HttpState;
use super::answer::json;
use crate::hub;

/// Any withdrawal.
const PAYMENT: &str = "01a1ff55-d38d-7ebe-a466-4f9de681152b";
/// Any node.
const NODE: &str = "02a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2";

/// Describes the hub.
pub async fn hub(State(_state): State<HttpState>) -> Response {
    let data = WithdrawalCreated::new(PAYMENT.to_owned(), 100_000_000, NODE.to_owned());
    let client_id = "my-withdrawal-123".to_owned();
    let created = Envelope::new(
        Subject::WithdrawalCreated,
        client_id,
        &data,
        DataFormat::Object,
    );
    json(200, &hub_description(hub::PATH, created.to_raw_value()))
}
