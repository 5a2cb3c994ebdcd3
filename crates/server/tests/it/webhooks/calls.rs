//! The calls of an operator, as the cases make them.

use axum::http::Method;
use serde_json::{Value, json};
use testkit::{ADMIN_TOKEN, Answer, Customer, TestServer, Webhook, until};

const PATH: &str = "/admin/v1/webhooks";

pub(super) async fn ask(
    server: &TestServer,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let mut call = server
        .call(method, &format!("{PATH}{path}"))
        .key(ADMIN_TOKEN);
    if let Some(body) = &body {
        call = call.json(body);
    }
    call.send().await
}

pub(super) async fn get(server: &TestServer, path: &str) -> Value {
    let answer = ask(server, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.json()
}

pub(super) async fn post(server: &TestServer, path: &str, body: Option<Value>) -> Value {
    let answer = ask(server, Method::POST, path, body).await;
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.json()
}

/// Waits until the newest delivery of a webhook is in this state.
pub(super) async fn until_state(server: &TestServer, webhook: &Webhook, state: &str) -> Value {
    until(&format!("a delivery that is {state}"), async || {
        let page = get(server, &format!("/{}/deliveries", webhook.id)).await;
        let newest = page["data"][0].clone();
        (newest["state"] == state).then_some(newest)
    })
    .await
}

/// A webhook of `customer` for deposits, at `url` and with `settings` beside that.
pub(super) async fn webhook(
    server: &TestServer,
    customer: &Customer,
    url: &str,
    settings: Value,
) -> Webhook {
    let mut body = json!({
        "url": url, "events": ["deposit.lightning.completed"],
        "account_id": customer.account_id.to_string(),
    });
    for (name, value) in settings.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let made = post(server, "", Some(body)).await;
    let text = |name: &str| made[name].as_str().expect("a made webhook").to_owned();
    Webhook {
        id: text("id"),
        secret: text("secret"),
        standard_secret: text("standard_secret"),
    }
}

/// So many webhooks of `customer`, at the same URL: some at a time, so that they share commits.
pub(super) async fn many(server: &TestServer, customer: &Customer, url: &str, count: usize) {
    let mut left = count;
    while left > 0 {
        let some = left.min(50);
        let made = (0..some).map(|_| webhook(server, customer, url, json!({})));
        futures_util::future::join_all(made).await;
        left -= some;
    }
}

/// Waits until so many rows are counted.
pub(super) async fn until_count(server: &TestServer, sql: &'static str, count: i64) {
    until(&format!("{count} from {sql}"), async || {
        (server.count(sql).await == count).then_some(())
    })
    .await;
}
