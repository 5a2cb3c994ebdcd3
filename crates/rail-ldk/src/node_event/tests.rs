//! Every event of the node, in the words of the domain.

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use ldk_node::UserChannelId;
use lightning::events::ClosureReason;
use lightning::ln::channelmanager::PaymentId;
use lightning::types::payment::{PaymentHash as LdkHash, PaymentPreimage as LdkPreimage};

use super::*;

const ID: PaymentId = PaymentId([1; 32]);
const HASH: LdkHash = LdkHash([1; 32]);

fn our_hash() -> PaymentHash {
    PaymentHash::from_bytes([1; 32])
}

fn amount(msat: i64) -> Msat {
    Msat::new(msat).expect("in range")
}

fn peer() -> PublicKey {
    let key = SecretKey::from_slice(&[7; 32]).expect("a key");
    PublicKey::from_secret_key(&Secp256k1::new(), &key)
}

fn funding() -> OutPoint {
    OutPoint {
        txid: bitcoin::Txid::all_zeros(),
        vout: 3,
    }
}

fn rail(event: Event) -> RailEvent {
    RailEvent::from(NodeEvent::from(event))
}

fn text(event: Event) -> String {
    match rail(event) {
        RailEvent::Other(text) => text,
        other => panic!("{other:?} moves money"),
    }
}

#[test]
fn a_success_carries_hash_preimage_and_fee() {
    let event = Event::PaymentSuccessful {
        payment_id: Some(ID),
        payment_hash: HASH,
        payment_preimage: Some(LdkPreimage([2; 32])),
        fee_paid_msat: Some(1_001),
    };
    let expected = RailEvent::PaymentSucceeded {
        payment_hash: our_hash(),
        preimage: Some(PaymentPreimage::from_bytes([2; 32])),
        fee_msat: Some(amount(1_001)),
    };
    assert_eq!(rail(event), expected);
}

#[test]
fn a_success_without_preimage_and_fee_invents_neither() {
    let event = Event::PaymentSuccessful {
        payment_id: None,
        payment_hash: HASH,
        payment_preimage: None,
        fee_paid_msat: None,
    };
    let expected = RailEvent::PaymentSucceeded {
        payment_hash: our_hash(),
        preimage: None,
        fee_msat: None,
    };
    assert_eq!(rail(event), expected);
}

#[test]
fn every_reason_of_ldk_has_its_failure() {
    use PaymentFailureReason as Ldk;
    let table = [
        (
            Some(Ldk::RecipientRejected),
            PaymentFailure::RecipientRejected,
        ),
        (
            Some(Ldk::InvoiceRequestRejected),
            PaymentFailure::RecipientRejected,
        ),
        (Some(Ldk::RouteNotFound), PaymentFailure::RouteNotFound),
        (
            Some(Ldk::BlindedPathCreationFailed),
            PaymentFailure::RouteNotFound,
        ),
        (
            Some(Ldk::RetriesExhausted),
            PaymentFailure::RetriesExhausted,
        ),
        (Some(Ldk::PaymentExpired), PaymentFailure::Expired),
        (Some(Ldk::InvoiceRequestExpired), PaymentFailure::Expired),
        (Some(Ldk::UserAbandoned), PaymentFailure::Unexpected),
        (Some(Ldk::UnexpectedError), PaymentFailure::Unexpected),
        (
            Some(Ldk::UnknownRequiredFeatures),
            PaymentFailure::Unexpected,
        ),
        (None, PaymentFailure::Unexpected),
    ];
    for (reason, expected) in table {
        let event = Event::PaymentFailed {
            payment_id: Some(ID),
            payment_hash: Some(HASH),
            reason,
        };
        let expected = RailEvent::PaymentFailed {
            payment_hash: our_hash(),
            reason: expected,
        };
        assert_eq!(rail(event), expected, "{reason:?}");
    }
}

#[test]
fn a_failure_without_a_hash_fails_no_payment() {
    let reason = Some(PaymentFailureReason::InvoiceRequestExpired);
    let event = Event::PaymentFailed {
        payment_id: Some(ID),
        payment_hash: None,
        reason,
    };
    assert!(text(event).contains("Expired"));
}

#[test]
fn a_receipt_carries_the_amount_that_came() {
    let event = Event::PaymentReceived {
        payment_id: Some(ID),
        payment_hash: HASH,
        amount_msat: 12_345,
        custom_records: Vec::new(),
    };
    let expected = RailEvent::PaymentReceived {
        payment_hash: our_hash(),
        amount_msat: amount(12_345),
    };
    assert_eq!(rail(event), expected);
}

#[test]
fn a_held_payment_is_for_the_counterparty_and_credits_nothing_on_the_rail() {
    let event = Event::PaymentClaimable {
        payment_id: ID,
        payment_hash: HASH,
        claimable_amount_msat: 5_000,
        claim_deadline: Some(144),
        custom_records: Vec::new(),
    };
    let expected = NodeEvent::PaymentClaimable {
        payment_hash: our_hash(),
        amount_msat: amount(5_000),
        claim_deadline_height: Some(144),
    };
    assert_eq!(NodeEvent::from(event.clone()), expected);
    assert!(text(event).contains("waits to be claimed"));
}

#[test]
fn a_forward_credits_nothing_on_the_rail() {
    let event = Event::PaymentForwarded {
        prev_channel_id: ChannelId([1; 32]),
        next_channel_id: ChannelId([2; 32]),
        prev_user_channel_id: None,
        next_user_channel_id: None,
        prev_node_id: None,
        next_node_id: None,
        total_fee_earned_msat: Some(1_000),
        skimmed_fee_msat: None,
        claim_from_onchain_tx: false,
        outbound_amount_forwarded_msat: Some(50_000),
    };
    let text = text(event);
    assert!(
        text.contains("50000 msat") && text.contains("1000 msat"),
        "{text}"
    );
}

#[test]
fn every_event_of_a_channel_is_told_in_words() {
    let (channel_id, user_channel_id) = (ChannelId([9; 32]), UserChannelId(1));
    let counterparty_node_id = peer();
    let pending = Event::ChannelPending {
        channel_id,
        user_channel_id,
        former_temporary_channel_id: channel_id,
        counterparty_node_id,
        funding_txo: funding(),
    };
    let ready = Event::ChannelReady {
        channel_id,
        user_channel_id,
        counterparty_node_id: None,
        funding_txo: Some(funding()),
    };
    let closed = Event::ChannelClosed {
        channel_id,
        user_channel_id,
        counterparty_node_id: Some(counterparty_node_id),
        reason: Some(ClosureReason::OutdatedChannelManager),
    };
    let spliced = Event::SplicePending {
        channel_id,
        user_channel_id,
        counterparty_node_id,
        new_funding_txo: funding(),
    };
    let unspliced = Event::SpliceFailed {
        channel_id,
        user_channel_id,
        counterparty_node_id,
        abandoned_funding_txo: None,
    };
    let told = RailEvent::ChannelClosed {
        channel_id: channel_id.0,
        peer: Some(counterparty_node_id),
        by_crash: true,
        reason: ClosureReason::OutdatedChannelManager.to_string(),
    };
    assert_eq!(rail(closed), told);
    // A peer that words its reason like ours makes no crash of it.
    let worded = Event::ChannelClosed {
        channel_id,
        user_channel_id,
        counterparty_node_id: Some(counterparty_node_id),
        reason: Some(ClosureReason::ProcessingError {
            err: ClosureReason::OutdatedChannelManager.to_string(),
        }),
    };
    assert!(matches!(
        rail(worded),
        RailEvent::ChannelClosed {
            by_crash: false,
            ..
        }
    ));
    let table = [
        (pending, "waits for the confirmation"),
        (ready, "is ready"),
        (spliced, "is being spliced"),
        (unspliced, "was not spliced"),
    ];
    for (event, words) in table {
        let text = text(event);
        assert!(text.contains(words), "{text}");
        assert!(text.contains(&"09".repeat(32)), "{text}");
    }
}
