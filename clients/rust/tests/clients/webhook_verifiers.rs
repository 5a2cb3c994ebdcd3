//! One real delivery, given to the verifiers of `payments-rs` and `standardwebhooks`.
#![expect(
    deprecated,
    reason = "payments-rs marks its Bitvora part so since the hosted service is gone"
)]

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::StreamExt;
use http::HeaderMap;
use payments_rs::lightning::{BitvoraNode, InvoiceUpdate, LightningNode};
use payments_rs::webhook::{WEBHOOK_BRIDGE, WebhookMessage};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::receiver::Receiver;
use crate::sandbox::Sandbox;

fn message(headers: &HeaderMap, body: &Bytes) -> WebhookMessage {
    let text = |value: &http::HeaderValue| value.to_str().expect("text").to_owned();
    let headers: HashMap<_, _> = headers
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)))
        .collect();
    WebhookMessage {
        endpoint: "/hook".to_owned(),
        body: body.to_vec(),
        headers,
    }
}

/// What `payments-rs` makes of a delivery.
async fn update(node: &BitvoraNode, delivery: WebhookMessage) -> InvoiceUpdate {
    let mut updates = node.subscribe_invoices(None).await.expect("a stream");
    WEBHOOK_BRIDGE.send(delivery);
    timeout(Duration::from_secs(5), updates.next())
        .await
        .expect("in time")
        .expect("an update")
}

/// What the library of Standard Webhooks says: to the delivery, to a changed one, to another tenant's secret, and
/// to what was recorded six minutes ago and signed then.
fn assert_standard(
    standard: &standardwebhooks::Webhook,
    foreign: &str,
    headers: &HeaderMap,
    (body, changed): (&Bytes, &Bytes),
) {
    standard
        .verify(body, headers)
        .expect("the delivery is accepted");
    standard
        .verify(changed, headers)
        .expect_err("the changed one is not");
    let other = standardwebhooks::Webhook::from_bytes(foreign.as_bytes().to_vec());
    other
        .expect("a secret")
        .verify(body, headers)
        .expect_err("it is not the other's");
    let then = std::time::SystemTime::now() - Duration::from_secs(360);
    let then = then.duration_since(std::time::UNIX_EPOCH).expect("later");
    let then = i64::try_from(then.as_secs()).expect("seconds");
    let id = headers["webhook-id"].to_str().expect("text");
    let signed = standard.sign(id, then, body).expect("a signature");
    let mut stale = headers.clone();
    stale.insert("webhook-timestamp", then.into());
    stale.insert("webhook-signature", signed.parse().expect("text"));
    standard.verify(body, &stale).expect_err("it is too old");
}

#[tokio::test]
async fn s27_a_delivery_is_accepted_by_both_verifiers_and_a_forged_one_by_neither() {
    let sandbox = Sandbox::start().await;
    let mut receiver = Receiver::start().await;
    let request = json!({ "url": receiver.url, "events": ["deposit.lightning.completed"] });
    let hook = sandbox.operator("/admin/v1/webhooks", &request).await;
    let secret = |name: &str| hook[name].as_str().expect("a secret").to_owned();

    let client = bitvora::BitvoraClient::new(&sandbox.api_url, &sandbox.api_key);
    let request = bitvora::CreateLightningInvoiceRequest {
        amount: 1_500.0,
        currency: "sats".to_owned(),
        description: "order 8".to_owned(),
        expiry_seconds: 3_600,
        metadata: None,
    };
    let invoice = client
        .create_lightning_invoice(request)
        .await
        .expect("an invoice")
        .data;
    sandbox.pay(&invoice.payment_request).await;
    let (headers, body) = receiver.next().await;
    let parsed: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(parsed["data"]["lightning_invoice_id"], invoice.id);
    let changed = Bytes::from(
        body.iter()
            .map(|&byte| if byte == b'5' { b'6' } else { byte })
            .collect::<Vec<u8>>(),
    );
    assert_ne!(changed, body);

    let foreign = "f0".repeat(32);
    let standard = standardwebhooks::Webhook::new(&secret("standard_secret")).expect("a secret");
    assert_standard(&standard, &foreign, &headers, (&body, &changed));

    let other = BitvoraNode::new("unused", &foreign, "/hook").expect("a node");
    let refused = update(&other, message(&headers, &body)).await;
    assert!(matches!(refused, InvoiceUpdate::Error(_)), "{refused:?}");
    let node = BitvoraNode::new("unused", &secret("secret"), "/hook").expect("a node");
    match update(&node, message(&headers, &body)).await {
        InvoiceUpdate::Settled {
            payment_hash,
            external_id,
            ..
        } => {
            assert_eq!(payment_hash, invoice.r_hash);
            assert_eq!(external_id, Some(invoice.id));
        }
        other => panic!("{other:?}"),
    }
    let refused = update(&node, message(&headers, &changed)).await;
    assert!(matches!(refused, InvoiceUpdate::Error(_)), "{refused:?}");
    sandbox.end().await;
}
