//! The whole policy as a table.

use bitcoin::secp256k1::PublicKey;
use ledger::postings::withdrawal::{Amounts, UnusedReserve};
use money::Msat;

use super::*;
use crate::ids::{AccountId, ApiKeyId, PostingId, WithdrawalId};
use crate::payment_hash::PaymentHash;
use crate::withdrawal::WithdrawalState;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).expect("a time")
}

/// A withdrawal whose invoice runs out in a minute.
fn dispatched(attempts: i64, routes_not_found: i64) -> Withdrawal {
    let destination: PublicKey =
        "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
            .parse()
            .expect("the generator point");
    Withdrawal {
        id: WithdrawalId::from_bytes([1; 16]),
        account_id: AccountId::from_bytes([2; 16]),
        api_key_id: ApiKeyId::from_bytes([3; 16]),
        client_id: None,
        bolt11: String::new(),
        payment_hash: PaymentHash::from_bytes([4; 32]),
        destination,
        amounts: Amounts {
            amount_msat: Msat::ZERO,
            fee_reserve_msat: Msat::ZERO,
            platform_fee_msat: Msat::ZERO,
        },
        unused_reserve: UnusedReserve::Returned,
        metadata: None,
        state: WithdrawalState::Dispatched,
        fee_msat: None,
        preimage: None,
        failure: None,
        hold_posting_id: PostingId::from_bytes([5; 16]),
        attempts,
        next_attempt_at: NOW,
        resend_barred: false,
        routes_not_found,
        waits_for_room: false,
        expires_at: at(60_000),
        created_at: NOW,
        updated_at: NOW,
    }
}

#[test]
fn every_setback_leads_where_the_table_says() {
    use WithdrawalFailure::*;
    let again = |millis| Next::Again(at(millis));
    let table = [
        (1, 0, Setback::NotReady, again(100)),
        (2, 0, Setback::NoRoute, again(250)),
        (9, 8, Setback::NoRoute, again(2_000)),
        (18, 16, Setback::NoRoute, again(2_000)),
        (18, 17, Setback::NoRoute, Next::GiveUp(NoRoute)),
        // Waiting for room or for the node is not searching.
        (500, 17, Setback::NotReady, again(2_000)),
        (1, 17, Setback::NoRoom, again(1_000)),
        (500, 0, Setback::NoRoom, again(15_000)),
        (1, 0, Setback::InvalidInvoice, Next::GiveUp(InvalidInvoice)),
        (1, 0, Setback::FeeAboveLimit, Next::GiveUp(NoRoute)),
        (1, 0, Setback::CameBack(NoRoute), again(100)),
        (3, 2, Setback::CameBack(TimedOut), again(500)),
        (18, 17, Setback::CameBack(TimedOut), Next::GiveUp(TimedOut)),
        (
            1,
            0,
            Setback::CameBack(RecipientRejected),
            Next::GiveUp(RecipientRejected),
        ),
        (
            1,
            0,
            Setback::CameBack(InvoiceExpired),
            Next::GiveUp(InvoiceExpired),
        ),
        (
            1,
            0,
            Setback::CameBack(Unexpected),
            Next::GiveUp(Unexpected),
        ),
    ];
    for (attempts, missed, setback, expected) in table {
        let found = next(&dispatched(attempts, missed), setback, NOW);
        assert_eq!(found, expected, "{attempts} {missed} {setback:?}");
    }
}

#[test]
fn nothing_is_tried_again_when_its_invoice_has_run_out() {
    let withdrawal = dispatched(2, 0);
    let just_before = at(60_000 - 251);
    assert!(matches!(
        next(&withdrawal, Setback::NoRoute, just_before),
        Next::Again(_)
    ));
    for late in [at(60_000 - 250), at(60_000), at(90_000)] {
        let expected = Next::GiveUp(WithdrawalFailure::NoRoute);
        for setback in [Setback::NoRoute, Setback::NoRoom, Setback::NotReady] {
            assert_eq!(next(&withdrawal, setback, late), expected, "{setback:?}");
        }
        let timed_out = Setback::CameBack(WithdrawalFailure::TimedOut);
        let expected = Next::GiveUp(WithdrawalFailure::TimedOut);
        assert_eq!(next(&withdrawal, timed_out, late), expected);
    }
}
