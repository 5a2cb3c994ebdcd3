//! The bodies, held against the texts of the contract.

use serde::Serialize;

use super::*;
use crate::Metadata;
use crate::number::Sats;
use crate::time::Micros;

mod requests;
mod webhooks;

/// 2024-08-29T16:30:03.868147Z.
const AT: Micros = Micros::from_unix_micros(1_724_949_003_868_147);
const ID: &str = "9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01";
const COMPANY: &str = "5f0e3c1e-8f52-4a0e-8f7a-3f7f0b6f2c10";
const LEDGER: &str = "0c1f7e2e-3b1b-4d63-8c33-0f3c7f6f1a22";
const INVOICE: &str = "22222222-2222-4222-8222-222222222222";

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("bodies serialise")
}

fn user(id: &str) -> Metadata {
    Metadata::from_pairs([("userID".to_owned(), id.to_owned())])
}

fn deposit() -> Deposit {
    Deposit {
        id: ID.to_owned(),
        company_id: COMPANY.to_owned(),
        ledger_tx_id: LEDGER.to_owned(),
        recipient: "lntbs1u1example".to_owned(),
        amount_sats: 100,
        fee_sats: Sats::from_msat(500),
        chain_tx_id: None,
        rail_type: RailType::Lightning,
        network_type: NetworkType::Signet,
        status: TransactionStatus::Settled,
        metadata: Metadata::none(),
        lightning_invoice_id: Some(INVOICE.to_owned()),
        created_at: AT,
        updated_at: AT,
    }
}

fn withdrawal() -> Withdrawal {
    Withdrawal {
        id: "7a0c3c55-50f6-4d6c-9a42-2c1f0d9f7c33".to_owned(),
        company_id: COMPANY.to_owned(),
        ledger_tx_id: LEDGER.to_owned(),
        amount_sats: 21,
        recipient: "someone@example.com".to_owned(),
        fee_sats: Sats::from_msat(105),
        network_type: NetworkType::Signet,
        rail_type: RailType::Lightning,
        status: TransactionStatus::Pending,
        lightning_payment: None,
        chain_tx_id: None,
        metadata: user("1234"),
        created_at: AT,
        updated_at: AT,
    }
}

#[test]
fn a_balance_is_whole_sats_within_a_u32_and_exact_in_the_extension() {
    for (msat, data) in [
        (
            150_000_999,
            r#"{"balance":150000,"balance_msat":150000999}"#,
        ),
        (0, r#"{"balance":0,"balance_msat":0}"#),
        (-1, r#"{"balance":0,"balance_msat":-1}"#),
        (
            5_000_000_000_000,
            r#"{"balance":4294967295,"balance_msat":5000000000000}"#,
        ),
    ] {
        let body = json(&Success::ok("Balance retrieved", Balance::from_msat(msat)));
        let expected = format!(r#"{{"status":200,"message":"Balance retrieved","data":{data}}}"#);
        assert_eq!(body, expected);
    }
}

#[test]
fn a_transaction_list_is_an_array_with_the_documented_rows() {
    let row = Transaction {
        id: ID.to_owned(),
        company_id: COMPANY.to_owned(),
        amount_sats: 100,
        recipient: "lntbs1u1example".to_owned(),
        rail_type: RailType::Lightning,
        network_type: NetworkType::Signet,
        kind: TransactionType::Deposit,
        fee_microsats: 500_000,
        status: TransactionStatus::Settled,
        created_at: AT,
        updated_at: AT,
    };
    assert_eq!(
        json(&Success::ok("Transactions retrieved", vec![row])),
        r#"{"status":200,"message":"Transactions retrieved","data":[{"id":"9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01","company_id":"5f0e3c1e-8f52-4a0e-8f7a-3f7f0b6f2c10","amount_sats":100,"recipient":"lntbs1u1example","rail_type":"lightning","network_type":"signet","type":"deposit","fee_microsats":500000,"status":"settled","created_at":"2024-08-29T16:30:03.868147Z","updated_at":"2024-08-29T16:30:03.868147Z"}]}"#
    );
}

#[test]
fn an_empty_list_is_an_array_and_a_cursor_stands_beside_the_data() {
    let empty = Success::ok("Transactions retrieved", Vec::<Transaction>::new());
    assert_eq!(
        json(&empty),
        r#"{"status":200,"message":"Transactions retrieved","data":[]}"#
    );
    assert_eq!(
        json(&empty.with_next_cursor(Some("c2".to_owned()))),
        r#"{"status":200,"message":"Transactions retrieved","data":[],"next_cursor":"c2"}"#
    );
}

#[test]
fn a_deposit_has_every_member_of_the_contract_null_or_not() {
    assert_eq!(
        json(&Success::ok("Deposit retrieved", deposit())),
        r#"{"status":200,"message":"Deposit retrieved","data":{"id":"9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01","company_id":"5f0e3c1e-8f52-4a0e-8f7a-3f7f0b6f2c10","ledger_tx_id":"0c1f7e2e-3b1b-4d63-8c33-0f3c7f6f1a22","recipient":"lntbs1u1example","amount_sats":100,"fee_sats":0.5,"chain_tx_id":null,"rail_type":"lightning","network_type":"signet","status":"settled","metadata":null,"lightning_invoice_id":"22222222-2222-4222-8222-222222222222","created_at":"2024-08-29T16:30:03.868147Z","updated_at":"2024-08-29T16:30:03.868147Z"}}"#
    );
}

#[test]
fn a_withdrawal_has_every_member_of_the_contract_null_or_not() {
    assert_eq!(
        json(&Success::created("Withdrawal created", withdrawal())),
        r#"{"status":201,"message":"Withdrawal created","data":{"id":"7a0c3c55-50f6-4d6c-9a42-2c1f0d9f7c33","company_id":"5f0e3c1e-8f52-4a0e-8f7a-3f7f0b6f2c10","ledger_tx_id":"0c1f7e2e-3b1b-4d63-8c33-0f3c7f6f1a22","amount_sats":21,"recipient":"someone@example.com","fee_sats":0.105,"network_type":"signet","rail_type":"lightning","status":"pending","lightning_payment":null,"chain_tx_id":null,"metadata":{"userID":"1234"},"created_at":"2024-08-29T16:30:03.868147Z","updated_at":"2024-08-29T16:30:03.868147Z"}}"#
    );
}

#[test]
fn a_settled_lightning_payment_is_fourteen_strings_and_an_empty_array() {
    let outcome = PaymentOutcome::Succeeded {
        preimage: "aa",
        fee_msat: 1_500,
    };
    let payment = LightningPayment::new("bb".into(), "lnbc1".into(), 21_000, AT, outcome);
    assert_eq!(
        json(&payment),
        r#"{"payment_hash":"bb","value":"21","creation_date":"1724949003","fee":"1","payment_preimage":"aa","value_sat":"21","value_msat":"21000","payment_request":"lnbc1","status":"SUCCEEDED","fee_sat":"1","fee_msat":"1500","creation_time_ns":"1724949003868147000","payment_index":"1","failure_reason":"FAILURE_REASON_NONE","htlcs":[]}"#
    );
}

#[test]
fn a_failed_payment_shows_its_reason_and_no_preimage() {
    let outcome = PaymentOutcome::Failed {
        reason: "FAILURE_REASON_NO_ROUTE",
    };
    let payment = LightningPayment::new("bb".into(), "lnbc1".into(), 21_000, AT, outcome);
    let value = serde_json::to_value(&payment).expect("serialises");
    assert_eq!(value["status"], "FAILED");
    assert_eq!(value["failure_reason"], "FAILURE_REASON_NO_ROUTE");
    assert_eq!(value["payment_preimage"], "");
}

#[test]
fn an_estimate_has_numbers_without_a_useless_fraction() {
    let estimate = |fee_msat, permille| {
        Estimate::new(
            "someone@example.com".to_owned(),
            RecipientType::LightningAddress,
            11_650,
            Sats::from_msat(fee_msat),
            permille,
        )
    };
    assert_eq!(
        json(&Success::ok(
            "Bitcoin withdrawal estimate fetched successfully",
            estimate(58_250, 1_000)
        )),
        r#"{"status":200,"message":"Bitcoin withdrawal estimate fetched successfully","data":{"recipient":"someone@example.com","recipient_type":"lightning_address","amount_sats":11650,"bitvora_fee_sats":58.25,"success_probability":1}}"#
    );
    assert!(
        json(&estimate(0, 950)).ends_with(r#""bitvora_fee_sats":0,"success_probability":0.95}"#)
    );
}

fn invoice() -> Invoice {
    Invoice {
        id: INVOICE.to_owned(),
        company_id: COMPANY.to_owned(),
        node_id: "02aa".to_owned(),
        memo: "order 7".to_owned(),
        r_preimage: "11".repeat(32),
        r_hash: "0".repeat(64),
        amount_sats: 1_000,
        state: InvoiceState::Open,
        settled_at: None,
        payment_request: "lntbs10u1example".to_owned(),
        description_hash: String::new(),
        expiry_seconds: 3_600,
        metadata: user("abc123"),
        lightning_address_id: None,
        created_at: AT,
        updated_at: AT,
    }
}

#[test]
fn an_open_invoice_has_the_documented_form_and_hides_its_preimage() {
    assert_eq!(
        json(&Success::created(
            "Lightning invoice created successfully",
            invoice()
        )),
        r#"{"status":201,"message":"Lightning invoice created successfully","data":{"id":"22222222-2222-4222-8222-222222222222","company_id":"5f0e3c1e-8f52-4a0e-8f7a-3f7f0b6f2c10","node_id":"02aa","memo":"order 7","r_preimage":"","r_hash":"0000000000000000000000000000000000000000000000000000000000000000","value":1000,"amount_sats":1000,"settled":false,"creation_date":"2024-08-29T16:30:03.868147Z","settle_date":"","payment_request":"lntbs10u1example","description_hash":"","expiry":"3600","state":"OPEN","metadata":{"userID":"abc123"},"lightning_address_id":null,"created_at":"2024-08-29T16:30:03.868147Z","updated_at":"2024-08-29T16:30:03.868147Z"}}"#
    );
}

#[test]
fn the_preimage_is_shown_in_the_settled_state_and_in_no_other() {
    for state in InvoiceState::all() {
        let body = json(&Invoice {
            state: *state,
            settled_at: Some(AT),
            ..invoice()
        });
        let settled = *state == InvoiceState::Settled;
        assert_eq!(body.contains(&"11".repeat(32)), settled, "{state}");
        assert!(body.contains(&format!(r#""settled":{settled}"#)));
        assert!(body.contains(r#""settle_date":"2024-08-29T16:30:03.868147Z""#));
    }
}

#[test]
fn addresses_have_the_documented_form() {
    let address = LightningAddress {
        id: "3d4b0f8e-1c0d-4b8c-9a6c-5a1e2f7d9b44".to_owned(),
        company_id: COMPANY.to_owned(),
        handle: "sillyzebu667".to_owned(),
        domain: "signet.bitvora.me".to_owned(),
        address: "sillyzebu667@signet.bitvora.me".to_owned(),
        metadata: Metadata::none(),
        created_at: AT,
        updated_at: AT,
        last_used_at: None,
        deleted_at: None,
    };
    assert_eq!(
        json(&address),
        r#"{"id":"3d4b0f8e-1c0d-4b8c-9a6c-5a1e2f7d9b44","company_id":"5f0e3c1e-8f52-4a0e-8f7a-3f7f0b6f2c10","handle":"sillyzebu667","domain":"signet.bitvora.me","address":"sillyzebu667@signet.bitvora.me","metadata":null,"created_at":"2024-08-29T16:30:03.868147Z","updated_at":"2024-08-29T16:30:03.868147Z","last_used_at":null,"deleted_at":null}"#
    );
    let onchain = OnChainAddress {
        id: "c1f1d9b0-9a0b-4f6e-8d0a-6b2f3e4d5c55".to_owned(),
        company_id: COMPANY.to_owned(),
        address: "tb1qexample".to_owned(),
        metadata: Metadata::none(),
        created_at: AT,
        updated_at: AT,
    };
    assert_eq!(
        json(&onchain),
        r#"{"id":"c1f1d9b0-9a0b-4f6e-8d0a-6b2f3e4d5c55","company_id":"5f0e3c1e-8f52-4a0e-8f7a-3f7f0b6f2c10","address":"tb1qexample","metadata":null,"created_at":"2024-08-29T16:30:03.868147Z","updated_at":"2024-08-29T16:30:03.868147Z"}"#
    );
}
