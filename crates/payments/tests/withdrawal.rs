//! What a withdrawal tells of itself.

use jiff::Timestamp;
use ledger::postings::withdrawal::{Amounts, UnusedReserve};
use money::Msat;
use payments::event::EventSubject;
use payments::ids::{AccountId, ApiKeyId, PostingId, WithdrawalId};
use payments::payment_hash::PaymentHash;
use payments::withdrawal::{Withdrawal, WithdrawalState};

fn msat(amount: i64) -> Msat {
    Msat::new(amount).expect("in range")
}

/// A withdrawal of 100 with a reserve of 20, for which the routing nodes took `fee_msat`.
fn withdrawal(fee_msat: Option<i64>, unused_reserve: UnusedReserve) -> Withdrawal {
    let now = Timestamp::UNIX_EPOCH;
    Withdrawal {
        id: WithdrawalId::from_bytes([3; 16]),
        account_id: AccountId::from_bytes([1; 16]),
        api_key_id: ApiKeyId::from_bytes([2; 16]),
        client_id: None,
        bolt11: String::new(),
        payment_hash: PaymentHash::from_bytes([1; 32]),
        destination: "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
            .parse()
            .expect("the generator point"),
        amounts: Amounts {
            amount_msat: msat(100),
            fee_reserve_msat: msat(20),
            platform_fee_msat: Msat::ZERO,
        },
        unused_reserve,
        metadata: None,
        state: WithdrawalState::Settled,
        fee_msat: fee_msat.map(msat),
        preimage: None,
        failure: None,
        hold_posting_id: PostingId::from_bytes([4; 16]),
        attempts: 1,
        next_attempt_at: now,
        resend_barred: false,
        routes_not_found: 0,
        waits_for_room: false,
        expires_at: now,
        created_at: now,
        updated_at: now,
    }
}

#[test]
fn the_customer_pays_what_the_route_took_and_never_more_than_was_held() {
    use UnusedReserve::{Kept, Returned};
    for (fee_msat, unused, charged) in [
        (None, Returned, 0),
        (None, Kept, 0),
        (Some(0), Returned, 0),
        (Some(7), Returned, 7),
        (Some(21), Returned, 20),
        (Some(7), Kept, 20),
    ] {
        let withdrawal = withdrawal(fee_msat, unused);
        let found = withdrawal.charged_routing_fee_msat();
        assert_eq!(found, msat(charged), "{fee_msat:?} {unused:?}");
    }
}

#[test]
fn an_event_is_of_the_withdrawal_and_of_its_account() {
    let subject = EventSubject::Withdrawal(Box::new(withdrawal(None, UnusedReserve::Kept)));
    assert_eq!(subject.id_bytes(), [3; 16]);
    assert_eq!(subject.account_id(), AccountId::from_bytes([1; 16]));
}
