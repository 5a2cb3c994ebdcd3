//! Every state, and what it says.

use ledger::postings::withdrawal::{Amounts, UnusedReserve};

use super::*;
use crate::ids::Id;
use crate::payment_hash::PaymentHash;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).expect("in range")
}

fn id<I: Id>() -> I {
    I::from_uuid(uuid::Uuid::from_bytes([1; 16]))
}

fn withdrawal(state: WithdrawalState, attempts: i64) -> Withdrawal {
    Withdrawal {
        id: id(),
        account_id: id(),
        api_key_id: id(),
        client_id: None,
        bolt11: String::new(),
        payment_hash: PaymentHash::from_bytes([1; 32]),
        destination: "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
            .parse()
            .expect("the generator point"),
        amounts: Amounts {
            amount_msat: Msat::ZERO,
            fee_reserve_msat: Msat::ZERO,
            platform_fee_msat: Msat::ZERO,
        },
        unused_reserve: UnusedReserve::Returned,
        metadata: None,
        state,
        fee_msat: None,
        preimage: None,
        failure: None,
        hold_posting_id: id(),
        attempts,
        resend_barred: false,
        routes_not_found: 0,
        waits_for_room: false,
        next_attempt_at: at(0),
        expires_at: at(3_600),
        created_at: at(0),
        updated_at: at(60),
    }
}

#[test]
fn every_state_says_why_and_until_when() {
    use WithdrawalState::{Dispatched, Failed, Reserved, Settled};
    let known = OnCommitment {
        amount_msat: Msat::ZERO,
        expires_height: 940,
        block_height: 900,
        as_of: at(120),
    };
    let ten_minutes = |blocks: i64| blocks * 600;
    let table = [
        (
            Reserved,
            0,
            None,
            Some((PendingReason::Queued, at(3_600), None)),
        ),
        (
            Reserved,
            2,
            None,
            Some((PendingReason::TriedAgain, at(3_600), None)),
        ),
        // What the node said of an earlier attempt is over.
        (
            Reserved,
            2,
            Some(&known),
            Some((PendingReason::TriedAgain, at(3_600), None)),
        ),
        (
            Dispatched,
            1,
            None,
            Some((
                PendingReason::WithTheNode,
                at(60 + ten_minutes(1_020)),
                None,
            )),
        ),
        (
            Dispatched,
            1,
            Some(&known),
            Some((
                PendingReason::InFlight,
                at(120 + ten_minutes(52)),
                Some(952),
            )),
        ),
        (Settled, 1, Some(&known), None),
        (Failed, 1, None, None),
    ];
    for (state, attempts, commitment, expected) in table {
        let found = pending(&withdrawal(state, attempts), commitment);
        let found = found.map(|why| (why.reason, why.resolves_by, why.resolves_by_height));
        assert_eq!(found, expected, "{state:?} {attempts}");
    }
}

#[test]
fn a_withdrawal_that_waits_says_for_what() {
    let mut waiting = withdrawal(WithdrawalState::Reserved, 1);
    waiting.waits_for_room = true;
    let reason = |withdrawal: &Withdrawal| pending(withdrawal, None).map(|why| why.reason);
    assert_eq!(reason(&waiting), Some(PendingReason::WaitsForRoom));
    waiting.waits_for_room = false;
    waiting.resend_barred = true;
    assert_eq!(reason(&waiting), Some(PendingReason::WaitsForProof));
}

#[test]
fn every_reason_has_a_name_of_its_own_and_words() {
    let names: std::collections::BTreeSet<_> = PendingReason::ALL
        .iter()
        .map(|reason| reason.name())
        .collect();
    assert_eq!(names.len(), PendingReason::ALL.len());
    for reason in PendingReason::ALL {
        assert!(reason.says().ends_with('.') && reason.after_restart().ends_with('.'));
    }
}
