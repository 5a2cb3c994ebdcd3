//! The hub at `/ExecutionLiveServer/v1`, as a client on the wire sees it.

mod connections;
mod errors;
mod repeats;
mod returning;
mod withdrawals;

use serde_json::{Value, json};
use testkit::HubClient;

/// What every completion is, whatever became of the command.
pub(crate) fn completed() -> Value {
    json!({"type": 3})
}

pub(crate) const METHOD: &str = "WithdrawLightning";

/// The `data` of an event, whose envelope is checked: exactly six fields.
#[track_caller]
pub(crate) fn data(event: &Value, subject: &str, client_id: &str) -> Value {
    let mut rest = event.clone();
    let data = rest
        .as_object_mut()
        .and_then(|fields| fields.remove("data"));
    let expected = json!({
        "channel": "executionEvents", "topic": "execution", "subject": subject, "type": "message",
        "clientId": client_id,
    });
    assert_eq!(rest, expected, "{event}");
    data.expect("data")
}

/// The `data` of an error event, whose status and message are checked.
#[track_caller]
fn error(event: &Value, subject: &str, client_id: &str) -> Value {
    let data = data(event, subject, client_id);
    assert!(
        data["httpStatusCode"]
            .as_u64()
            .is_some_and(|status| status >= 400),
        "{data}"
    );
    assert!(
        data["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{data}"
    );
    data
}

pub(crate) const CREATED: &str = "execution.withdrawal.lightspark.created";
pub(crate) const COMPLETED: &str = "execution.withdrawal.lightspark.completed";
const FAILED: &str = "execution.withdrawal.lightspark.failed";
const ERROR: &str = "execution.withdrawal.lightspark.error";
const PRE_CHECKS: &str = "preChecksError";

/// Proves that nothing else was on its way to this connection: the answer to a wrong command is the next event.
async fn assert_nothing_more(client: &mut HubClient) {
    assert_eq!(client.invoke(METHOD, json!(["barrier"])).await, completed());
    error(&client.event().await, PRE_CHECKS, "barrier");
}
