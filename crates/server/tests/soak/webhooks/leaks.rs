//! Everything is logged, and nothing in it helps a stranger.

use std::fs::File;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::TestReceiver;

use crate::kills::drop_outside_the_runtime;
use crate::place::Place;
use crate::sandbox::Sandbox;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s37_no_secret_stands_in_the_log_however_much_is_logged() {
    let (place, receiver) = (Place::sqlite(), TestReceiver::start().await);
    let file = place.folder().join("everything.log");
    let sandbox = Sandbox::start_talking(&place, File::create(&file).expect("a file"));
    let body = json!({
        "url": receiver.url(), "events": ["*"], "headers": {"authorization": "Bearer of-the-customer"},
    });
    let call = async |path: String, body: Value| {
        let answer = sandbox.admin(Method::POST, &path, &body).await;
        answer.expect("the server answers")
    };
    let made = call("/admin/v1/webhooks".to_owned(), body).await;
    let text = |of: &Value, name: &str| of[name].as_str().expect("a text").to_owned();
    let path = format!("/admin/v1/webhooks/{}", text(&made, "id"));
    let rotated = call(format!("{path}/rotate"), json!({})).await;
    receiver.reply([500]);
    call(format!("{path}/test"), json!({})).await;
    let invoice = sandbox.invoice(1_000, "pay").await.expect("an invoice");
    let body = json!({"destination": invoice, "amount": 1_000, "currency": "sats"});
    let withdrawn = sandbox
        .customer(Method::POST, "/v1/bitcoin/withdraw/confirm", &body)
        .await;
    assert!(withdrawn.expect("the server answers")["data"]["id"].is_string());
    receiver.wait_for(2).await;
    let mut secrets = vec![
        sandbox.text("admin_token").to_owned(),
        sandbox.text("api_key").to_owned(),
        "of-the-customer".to_owned(),
    ];
    for of in [&made, &rotated] {
        secrets.extend(["secret", "standard_secret"].map(|name| text(of, name)));
    }
    for request in receiver.received() {
        let header = |name| request.header(name).to_owned();
        secrets.push(header("bitvora-signature"));
        secrets.extend(header("webhook-signature").split(' ').map(str::to_owned));
    }
    drop(sandbox);
    let log = std::fs::read(&file).expect("a log");
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("webhook created"), "it was logged at all");
    for secret in secrets {
        assert!(!log.contains(&secret), "{}…", &secret[..8]);
    }
    drop_outside_the_runtime(place).await;
}
