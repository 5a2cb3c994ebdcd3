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

#[tokio::test]
async fn a_delivery_is_accepted_by_both_verifiers_and_a_changed_one_by_neither() {
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

    let standard = standardwebhooks::Webhook::new(&secret("standard_secret")).expect("a secret");
    standard
        .verify(&body, &headers)
        .expect("the delivery is accepted");
    standard
        .verify(&changed, &headers)
        .expect_err("the changed one is not");

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
