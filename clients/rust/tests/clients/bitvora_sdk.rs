//! The published `bitvora` crate, unmodified: every method whose call Leyden serves. Its answers are strict: one
//! absent or null field and the crate fails.

use std::collections::HashMap;
use std::time::Duration;

use bitvora::{
    APIError, BitvoraClient, CreateLightningInvoiceData, CreateLightningInvoiceRequest,
    WithdrawData, WithdrawRequest,
};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::sandbox::Sandbox;

const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

fn metadata() -> HashMap<String, String> {
    HashMap::from([("userID", "1234"), ("7", "é \"x\"")].map(|(k, v)| (k.into(), v.into())))
}

async fn balance(client: &BitvoraClient) -> u32 {
    let answer = client.get_balance().await.expect("a balance");
    assert_eq!(answer.status, 200);
    answer.data.balance
}

async fn invoice(client: &BitvoraClient, amount: f64) -> CreateLightningInvoiceData {
    let request = CreateLightningInvoiceRequest {
        amount,
        currency: "sats".to_owned(),
        description: "order 7".to_owned(),
        expiry_seconds: 3_600,
        metadata: Some(metadata()),
    };
    let answer = client
        .create_lightning_invoice(request)
        .await
        .expect("an invoice");
    assert_eq!(answer.status, 201);
    answer.data
}

async fn withdraw(client: &BitvoraClient, amount: f64, destination: &str) -> WithdrawData {
    let request = WithdrawRequest {
        amount,
        currency: "sats".to_owned(),
        destination: destination.to_owned(),
        metadata: metadata(),
    };
    let answer = client.withdraw(request).await.expect("a withdrawal");
    assert_eq!(answer.status, 201);
    answer.data
}

/// Asks as a poller does, until the withdrawal is no longer pending.
async fn ended(client: &BitvoraClient, id: &str) -> WithdrawData {
    let poll = async {
        loop {
            let answer = client.get_withdrawal(id).await.expect("the withdrawal");
            assert_eq!(answer.status, 200);
            if answer.data.status != "pending" {
                return answer.data;
            }
            sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, poll).await.expect("it ends")
}

#[tokio::test]
async fn a_paid_invoice_is_a_deposit_that_every_call_shows() {
    let sandbox = Sandbox::start().await;
    let client = BitvoraClient::new(&sandbox.api_url, &sandbox.api_key);
    assert_eq!(balance(&client).await, 1_000_000);

    let invoice = invoice(&client, 2_100.0).await;
    assert_eq!((invoice.amount_sats, invoice.settled), (2_100, false));
    assert_eq!(
        (invoice.memo.as_str(), invoice.r_preimage.as_str()),
        ("order 7", "")
    );
    assert_eq!((invoice.r_hash.len(), invoice.node_id.len()), (64, 66));
    assert_eq!(invoice.metadata, Some(metadata()));
    sandbox.pay(&invoice.payment_request).await;
    let credited = async {
        while balance(&client).await != 1_002_100 {
            sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, credited).await.expect("it is credited");

    let list = client.get_transactions().await.expect("a list");
    assert_eq!((list.status, list.data.len()), (200, 2));
    let listed = list
        .data
        .iter()
        .find(|row| row.recipient == invoice.payment_request);
    let listed = listed.expect("the deposit is listed");
    assert_eq!(
        (listed.r#type.as_str(), listed.rail_type.as_str()),
        ("deposit", "lightning")
    );
    assert_eq!(
        (listed.amount_sats, listed.status.as_str()),
        (2_100, "settled")
    );

    let deposit = client
        .get_deposit(&listed.id)
        .await
        .expect("the deposit")
        .data;
    assert_eq!(
        (deposit.amount_sats, deposit.status.as_str()),
        (2_100, "settled")
    );
    assert_eq!(
        (deposit.network_type.as_str(), deposit.chain_tx_id),
        ("regtest", None)
    );
    assert_eq!(deposit.lightning_invoice_id, Some(invoice.id));
    assert_eq!(deposit.metadata, Some(metadata()));
    sandbox.end().await;
}

#[tokio::test]
async fn a_withdrawal_is_pending_and_then_settled_or_failed() {
    let sandbox = Sandbox::start().await;
    let client = BitvoraClient::new(&sandbox.api_url, &sandbox.api_key);
    for (behaviour, status, lnd, after) in [
        ("pay", "settled", "SUCCEEDED", 999_000),
        ("fail", "failed", "FAILED", 999_000),
    ] {
        let request = json!({ "amount_sats": 1_000, "behaviour": behaviour });
        let asked = sandbox.operator("/sandbox/invoice", &request).await;
        let bolt11 = asked["payment_request"].as_str().expect("an invoice");
        let created = withdraw(&client, 1_000.0, bolt11).await;
        assert_eq!(
            (created.status.as_str(), created.rail_type.as_str()),
            ("pending", "lightning")
        );
        assert_eq!(
            (created.amount_sats, created.recipient.as_str()),
            (1_000, bolt11)
        );

        let last = ended(&client, &created.id).await;
        assert_eq!((last.status.as_str(), last.amount_sats), (status, 1_000));
        assert_eq!(last.metadata, Some(metadata()));
        assert_eq!(
            (last.network_type.as_str(), last.chain_tx_id),
            ("regtest", None)
        );
        let payment = last.lightning_payment.expect("the payment");
        assert_eq!(
            (payment.status.as_str(), payment.value_sat.as_str()),
            (lnd, "1000")
        );
        assert_eq!(asked["payment_hash"], payment.payment_hash);
        assert_eq!(balance(&client).await, after);
    }
    sandbox.end().await;
}

#[tokio::test]
async fn what_is_refused_is_an_error_with_status_and_message() {
    let sandbox = Sandbox::start().await;
    let client = BitvoraClient::new(&sandbox.api_url, &sandbox.api_key);
    let stranger = BitvoraClient::new(&sandbox.api_url, "12|no-such-key");
    let request = |destination: &str| WithdrawRequest {
        amount: 21.0,
        currency: "sats".to_owned(),
        destination: destination.to_owned(),
        metadata: HashMap::new(),
    };
    let answers = [
        (stranger.get_balance().await.map(drop), 401),
        (client.withdraw(request("garbage")).await.map(drop), 400),
        (client.get_deposit("no-such-id").await.map(drop), 404),
        (client.get_withdrawal("no-such-id").await.map(drop), 404),
    ];
    for (answer, expected) in answers {
        let Err(APIError::BadRequest(status, body)) = answer else {
            panic!("{expected} was expected");
        };
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(
            (status.as_u16(), &body["status"]),
            (expected, &json!(expected))
        );
        assert!(
            body["message"].is_string() && body.get("data").is_none(),
            "{body}"
        );
    }
    assert_eq!(balance(&client).await, 1_000_000);
    sandbox.end().await;
}
