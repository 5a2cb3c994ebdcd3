//! The webhook bodies: the documented sample byte for byte, and stability for any content.

use proptest::prelude::*;

use super::super::*;
use super::{deposit, user, withdrawal};
use crate::Metadata;
use crate::number::Sats;

/// The sample of the contract, 418 bytes.
const SAMPLE: &str = r#"{"event":"deposit.lightning.completed","data":{"amount_sats":100,"chain_tx_id":null,"created_at":"2024-08-29T16:30:03.868147Z","fee_sats":0.5,"id":"11111111-1111-4111-8111-111111111111","lightning_invoice_id":"22222222-2222-4222-8222-222222222222","metadata":{"userID":"abc123"},"network_type":"signet","rail_type":"lightning","recipient":"lntbs1example","status":"settled","updated_at":"2024-08-29T16:30:03.868147Z"}}"#;

#[test]
fn a_deposit_event_is_the_documented_sample_to_the_byte() {
    let sample = Deposit {
        id: "11111111-1111-4111-8111-111111111111".to_owned(),
        recipient: "lntbs1example".to_owned(),
        metadata: user("abc123"),
        ..deposit()
    };
    let body = deposit_event(EventName::DepositLightningCompleted, &sample);
    assert_eq!(body.len(), 418);
    assert_eq!(String::from_utf8(body).as_deref(), Ok(SAMPLE));
}

#[test]
fn a_withdrawal_event_holds_the_whole_withdrawal_in_alphabetical_order() {
    let body = withdrawal_event(EventName::WithdrawalLightningPending, &withdrawal());
    assert_eq!(
        String::from_utf8(body).as_deref(),
        Ok(
            r#"{"event":"withdrawal.lightning.pending","data":{"amount_sats":21,"chain_tx_id":null,"company_id":"5f0e3c1e-8f52-4a0e-8f7a-3f7f0b6f2c10","created_at":"2024-08-29T16:30:03.868147Z","fee_sats":0.105,"id":"7a0c3c55-50f6-4d6c-9a42-2c1f0d9f7c33","ledger_tx_id":"0c1f7e2e-3b1b-4d63-8c33-0f3c7f6f1a22","lightning_payment":null,"metadata":{"userID":"1234"},"network_type":"signet","rail_type":"lightning","recipient":"someone@example.com","status":"pending","updated_at":"2024-08-29T16:30:03.868147Z"}}"#
        )
    );
}

#[test]
fn the_eleven_events_are_there_and_no_other_name_is_read() {
    let names: Vec<_> = EventName::all()
        .iter()
        .map(|event| event.as_str())
        .collect();
    assert_eq!(names.len(), 11);
    for name in &names {
        assert_eq!(
            EventName::from_request(name).map(EventName::as_str),
            Ok(*name)
        );
    }
    for name in [
        "deposit.lightning.pending",
        "withdrawal.chain.failed",
        "",
        "*",
    ] {
        let problem = EventName::from_request(name).expect_err(name);
        assert_eq!(problem.code(), "unknown_event");
    }
}

#[test]
fn every_state_has_its_own_event_except_a_pending_lightning_deposit() {
    let mut seen = Vec::new();
    for kind in TransactionType::all() {
        for rail in RailType::all() {
            for status in TransactionStatus::all() {
                let Some(event) = EventName::of(*kind, *rail, *status) else {
                    assert_eq!(
                        (kind.as_str(), rail.as_str(), status.as_str()),
                        ("deposit", "lightning", "pending")
                    );
                    continue;
                };
                assert!(event.as_str().starts_with(&format!("{kind}.{rail}.")));
                seen.push(event);
            }
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, EventName::all());
}

/// The first byte of `needle` as a JavaScript engine would not write it, if there is one.
fn needless_escape(body: &str) -> Option<&str> {
    ["\\/", "\\u007f", "\\u2028", "\\u003c", "\\u00e9"]
        .into_iter()
        .find(|bad| body.contains(bad))
}

proptest! {
    #[test]
    fn any_deposit_event_is_compact_unescaped_and_the_same_after_it_was_parsed_again(
        amount_sats in 0..2_100_000_000_000_000_u64,
        fee_msat in 0..1_000_000_000_000_i64,
        pairs in proptest::collection::vec(("[0-9a-z</é\u{2028}]{0,4}", "\\PC*"), 0..6),
    ) {
        let deposit = Deposit {
            amount_sats,
            fee_sats: Sats::from_msat(fee_msat),
            metadata: Metadata::from_pairs(pairs),
            ..deposit()
        };
        let body = deposit_event(EventName::DepositLightningCompleted, &deposit);
        let text = String::from_utf8(body).expect("UTF-8");
        let escaped_backslashes_aside = text.replace("\\\\", "");
        prop_assert_eq!(needless_escape(&escaped_backslashes_aside), None);

        // What JavaScript does to the only two places where order or form may change: the keys of
        // metadata and the number of the fee.
        let parsed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let fee = parsed["data"]["fee_sats"].as_f64().expect("a number");
        let again = Deposit {
            metadata: Metadata::from_json(&deposit.metadata.to_json()).expect("own text"),
            ..deposit.clone()
        };
        let body_again = deposit_event(EventName::DepositLightningCompleted, &again);
        let fee_as_javascript_writes_it = format!(r#""fee_sats":{fee},"#);
        prop_assert!(text.contains(&fee_as_javascript_writes_it));
        prop_assert_eq!(text.into_bytes(), body_again);
    }
}
