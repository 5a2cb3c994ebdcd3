//! Reserving a withdrawal: one for each payment hash, never more than there is, refused in order.

use std::sync::mpsc;

use ledger::SystemAccount;
use money::Msat;
use payments::withdrawal::{Withdrawal, WithdrawalState};
use store::acts::outcome::{Outcome, book_unasked_payment};
use store::acts::withdrawal::{ReserveError, ReserveWithdrawal, Reserved};
use store::queries::payment;
use store::{Store, StoreError, params};

use crate::builders::{key, msat, sat};
use crate::harness::{World, on_both, together};

on_both! {
    a_reserved_withdrawal_holds_amount_and_all_fees_and_reads_back_whole,
    a1_parallel_withdrawals_of_one_balance_pass_exactly_as_far_as_it_goes,
    a_balance_can_be_reserved_to_the_last_millisatoshi,
    a2_b9_a_repeat_is_answered_with_the_first_payment_and_another_is_refused,
    b9_a_payment_is_told_of_before_its_invoice_is_called_expired,
    a2_one_hash_submitted_by_fifty_threads_of_two_wallets_is_reserved_once,
    a2_one_invoice_submitted_fifty_times_by_one_wallet_is_one_payment,
    b7_a_hash_whose_failure_may_come_back_is_refused,
    b7_a_hash_that_was_never_sent_may_be_reserved_again,
    b7_a_hash_that_failed_while_a_request_waited_is_refused,
    b9_what_was_paid_after_its_failure_is_never_paid_again,
    b9_what_the_node_paid_unasked_is_never_paid_again,
    an_expired_invoice_is_refused,
    nothing_is_held_while_money_is_halted,
    the_checks_are_made_in_their_order,
}

/// How many rows a reservation writes, of each kind.
fn rows(world: &World) -> [i64; 5] {
    [
        world.count("SELECT COUNT(*) FROM withdrawal"),
        world.count("SELECT COUNT(*) FROM posting"),
        world.count("SELECT COUNT(*) FROM transfer"),
        world.count("SELECT COUNT(*) FROM event"),
        world.count("SELECT COUNT(*) FROM idempotency"),
    ]
}

fn a_reserved_withdrawal_holds_amount_and_all_fees_and_reads_back_whole(world: &World) {
    let customer = world.customer_with(1_000);
    let mut request = world.request(&customer, 100);
    request.new.amounts.platform_fee_msat = msat(1_501);
    let withdrawal = world.reserved_by(&request);
    assert_eq!(world.balance(&customer), (892_499, 107_501));
    assert_eq!(withdrawal.state, WithdrawalState::Reserved);
    assert_eq!(withdrawal.amounts, request.new.amounts);
    let (account, id) = (customer.account.id, withdrawal.id);
    let stored = world.read(move |tx| payment::withdrawal(tx, account, id));
    assert_eq!(stored.as_ref(), Some(&withdrawal));
    assert_eq!(
        world.events(id.to_bytes()),
        ["withdrawal.lightning.pending"]
    );
}

fn a1_parallel_withdrawals_of_one_balance_pass_exactly_as_far_as_it_goes(world: &World) {
    let customer = world.customer_with(1_000);
    // Each takes 100 sat and a reserve of 6: nine fit.
    let answers = together(50, |_| world.reserve(&world.request(&customer, 100)));
    let (passed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((passed.len(), refused.len()), (9, 41));
    for refusal in refused {
        assert!(
            matches!(
                refusal,
                Err(ReserveError::InsufficientFunds { available_msat, required_msat })
                    if required_msat == sat(106) && available_msat < required_msat
            ),
            "{refusal:?}"
        );
    }
    assert_eq!(world.balance(&customer), (46_000, 954_000));
    assert_eq!(world.count("SELECT COUNT(*) FROM withdrawal"), 9);
    assert_eq!(
        world.count("SELECT COUNT(*) FROM event WHERE kind = 'withdrawal.lightning.pending'"),
        9
    );
}

fn a_balance_can_be_reserved_to_the_last_millisatoshi(world: &World) {
    let customer = world.customer_with(106);
    let mut request = world.request(&customer, 100);
    request.new.amounts.amount_msat = msat(100_001);
    let refused = world.reserve(&request);
    assert!(
        matches!(
            refused,
            Err(ReserveError::InsufficientFunds { available_msat, required_msat })
                if available_msat == sat(106) && required_msat == msat(106_001)
        ),
        "{refused:?}"
    );
    request.new.amounts.amount_msat = msat(100_000);
    world.reserved_by(&request);
    assert_eq!(world.balance(&customer), (0, 106_000));
}

fn duplicate_of(answer: Result<Reserved, ReserveError>) -> WithdrawalState {
    match answer {
        Err(ReserveError::Duplicate { state }) => state,
        other => panic!("no duplicate: {other:?}"),
    }
}

fn first_of(answer: Result<Reserved, ReserveError>) -> Withdrawal {
    match answer {
        Ok(Reserved::Earlier(first, _)) => *first,
        other => panic!("not the first payment: {other:?}"),
    }
}

fn a2_b9_a_repeat_is_answered_with_the_first_payment_and_another_is_refused(world: &World) {
    let (customer, other) = (world.customer_with(1_000), world.customer_with(1_000));
    let request = world.request(&customer, 100);
    let elsewhere = ReserveWithdrawal {
        new: request.new.clone(),
        ..world.request(&other, 100)
    };
    let first = world.reserved_by(&request);
    let hash = request.new.payment_hash;
    for expected in [WithdrawalState::Reserved, WithdrawalState::Dispatched] {
        let before = rows(world);
        let again = first_of(world.reserve(&request));
        assert_eq!((again.id, again.state), (first.id, expected));
        assert_eq!(duplicate_of(world.reserve(&elsewhere)), expected);
        assert_eq!(rows(world), before);
        world.claim(1);
    }
    // Another amount, or another text with the same hash, is no repeat.
    let (mut more, mut forged) = (request.clone(), request.clone());
    more.new.amounts.amount_msat = msat(100_001);
    forged.new.bolt11 = "lnbcrt1other".to_owned();
    for other in [&more, &forged] {
        let dispatched = WithdrawalState::Dispatched;
        assert_eq!(duplicate_of(world.reserve(other)), dispatched);
    }
    world.settle(hash, Msat::ZERO);
    let settled = WithdrawalState::Settled;
    assert_eq!(first_of(world.reserve(&request)).state, settled);
    assert_eq!(duplicate_of(world.reserve(&elsewhere)), settled);
    assert_eq!(world.balance(&other), (1_000_000, 0));
}

/// A repeat is answered whatever is true by now; its own key then answers with the same.
fn b9_a_payment_is_told_of_before_its_invoice_is_called_expired(world: &World) {
    let customer = world.customer_with(1_000);
    let mut request = world.request(&customer, 100);
    let first = world.reserved_by(&request);
    world.claim(1);
    world.pass(1_000_000);
    world.halt();
    request.idempotency = Some(key("later", 1));
    let answer = match world.reserve(&request) {
        Ok(Reserved::Earlier(again, answer)) if again.id == first.id => answer,
        other => panic!("not the first payment: {other:?}"),
    };
    world.settle(request.new.payment_hash, Msat::ZERO);
    let replay = world.reserve(&request).expect("a replay");
    assert_eq!(replay, Reserved::Replay(answer));
}

fn a2_one_invoice_submitted_fifty_times_by_one_wallet_is_one_payment(world: &World) {
    let customer = world.customer_with(10_000);
    let request = world.request(&customer, 100);
    let answers = together(50, |_| world.reserve(&request));
    let (mut made, mut ids) = (0, std::collections::BTreeSet::new());
    for answer in answers {
        match answer {
            Ok(Reserved::Now(withdrawal, _)) => {
                made += 1;
                ids.insert(withdrawal.id);
            }
            other => {
                ids.insert(first_of(other).id);
            }
        }
    }
    assert_eq!((made, ids.len()), (1, 1));
    assert_eq!(world.balance(&customer), (9_894_000, 106_000));
    assert_eq!(world.count("SELECT COUNT(*) FROM withdrawal"), 1);
}

fn a2_one_hash_submitted_by_fifty_threads_of_two_wallets_is_reserved_once(world: &World) {
    let customers = [world.customer_with(10_000), world.customer_with(10_000)];
    let new = world.request(&customers[0], 100).new;
    let answers = together(50, |number| {
        world.reserve(&ReserveWithdrawal {
            new: new.clone(),
            ..world.request(&customers[number % 2], 100)
        })
    });
    let (passed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let made = passed
        .iter()
        .filter(|answer| matches!(answer, Ok(Reserved::Now(..))));
    assert_eq!((made.count(), passed.len()), (1, 25));
    for refusal in refused {
        assert_eq!(duplicate_of(refusal), WithdrawalState::Reserved);
    }
    let held = customers.map(|customer| world.balance(&customer).1);
    assert_eq!(held.iter().sum::<i64>(), 106_000);
    assert_eq!(world.count("SELECT COUNT(*) FROM withdrawal"), 1);
}

fn b7_a_hash_whose_failure_may_come_back_is_refused(world: &World) {
    let customer = world.customer_with(1_000);
    let request = world.request(&customer, 100);
    world.reserved_by(&request);
    assert_eq!(world.claim(1).len(), 1);
    world.fail(request.new.payment_hash);
    let answer = world.reserve(&request);
    assert!(
        matches!(answer, Err(ReserveError::ResendBarred)),
        "{answer:?}"
    );
    assert_eq!(world.balance(&customer), (1_000_000, 0));
}

fn b7_a_hash_that_was_never_sent_may_be_reserved_again(world: &World) {
    let customer = world.customer_with(1_000);
    let request = world.request(&customer, 100);
    let hash = request.new.payment_hash;
    // The clocks of two machines differ: the second attempt may bear the earlier time.
    for _ in 0..8 {
        let reserved = world.reserved_by(&request);
        world.claim(1);
        world.give_up(reserved.id);
        world.pass(-60);
    }
    let last = world.reserved_by(&request);
    assert_eq!(world.balance(&customer), (894_000, 106_000));
    world.pass(3_000);
    assert_eq!(world.claim(10).len(), 1);
    match world.settle(hash, msat(1)) {
        Outcome::Applied(settled) => assert_eq!(settled.id, last.id),
        other => panic!("an old attempt hides the new one: {other:?}"),
    }
    assert_eq!(world.halted(), None);
}

fn b9_what_was_paid_after_its_failure_is_never_paid_again(world: &World) {
    let (customer, other) = (world.customer_with(1_000), world.customer_with(1_000));
    let request = world.request(&customer, 100);
    let hash = request.new.payment_hash;
    world.reserved_by(&request);
    world.claim(1);
    world.fail(hash);
    assert_eq!(world.lift_bars(), 1);
    // The bar may be lifted before the success comes, or after it.
    assert!(matches!(
        world.settle(hash, msat(7)),
        Outcome::Contradiction(_)
    ));
    world.resume();
    let loss_msat = world.net(SystemAccount::OperatorLoss);
    for of in [&customer, &other] {
        let again = ReserveWithdrawal {
            new: request.new.clone(),
            ..world.request(of, 100)
        };
        assert_eq!(
            duplicate_of(world.reserve(&again)),
            WithdrawalState::Settled
        );
        assert_eq!(world.balance(of), (1_000_000, 0));
    }
    assert_eq!(world.net(SystemAccount::OperatorLoss), loss_msat);
}

fn b9_what_the_node_paid_unasked_is_never_paid_again(world: &World) {
    let customer = world.customer_with(1_000);
    let request = world.request(&customer, 100);
    let hash = request.new.payment_hash;
    let booked = world.write(move |tx, act| book_unasked_payment(tx, act, &hash, msat(100_007)));
    assert_eq!(booked.ok(), Some(true));
    world.resume();
    assert_eq!(
        duplicate_of(world.reserve(&request)),
        WithdrawalState::Settled
    );
    assert_eq!(world.balance(&customer), (1_000_000, 0));
}

/// Waits until one of this database's transactions waits for another.
fn until_one_waits(store: &Store) {
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
                   AND application_name = current_setting('application_name')";
    let count = || store.read(|tx| -> Result<_, StoreError> { tx.query(waiting, &[])?[0].int(0) });
    while count().expect("a query") == 0 {
        std::thread::yield_now();
    }
}

/// The request has looked for an earlier attempt and waits for its account's row; meanwhile
/// another account's attempt at the hash is sent and comes back.
fn b7_a_hash_that_failed_while_a_request_waited_is_refused(world: &World) {
    if world.is_sqlite() {
        // One writer: nothing can happen between a look and the insert. The plain order must hold.
        return b7_a_hash_whose_failure_may_come_back_is_refused(world);
    }
    let (alice, bob) = (world.customer_with(1_000), world.customer_with(1_000));
    let new = world.request(&alice, 100).new;
    let [of_alice, of_bob] = [&alice, &bob].map(|customer| ReserveWithdrawal {
        new: new.clone(),
        ..world.request(customer, 100)
    });
    let (locked, is_locked) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let row = bob.account.ledger_account.get();
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| {
            let lock = "UPDATE ledger_account SET entry_seq = entry_seq WHERE number = $1";
            world.write(move |tx, _| -> Result<(), StoreError> {
                tx.execute(lock, params![row])?;
                locked.send(()).expect("the case waits");
                released.recv().expect("the case releases");
                Ok(())
            })
        });
        is_locked.recv().expect("the row is locked");
        let waiting = scope.spawn(|| world.reserve(&of_bob));
        until_one_waits(world.store());
        world.reserved_by(&of_alice);
        assert_eq!(world.claim(1).len(), 1);
        world.fail(new.payment_hash);
        release.send(()).expect("the holder waits");
        holder.join().expect("no panic").expect("the lock");
        let answer = waiting.join().expect("no panic");
        assert!(
            matches!(answer, Err(ReserveError::ResendBarred)),
            "{answer:?}"
        );
    });
    assert_eq!(world.balance(&bob), (1_000_000, 0));
}

fn an_expired_invoice_is_refused(world: &World) {
    let customer = world.customer_with(1_000);
    let request = world.request(&customer, 100);
    let before = rows(world);
    world.pass(3_600);
    let answer = world.reserve(&request);
    assert!(matches!(answer, Err(ReserveError::Expired)), "{answer:?}");
    assert_eq!(rows(world), before);
    world.pass(-1);
    world.reserved_by(&request);
}

fn nothing_is_held_while_money_is_halted(world: &World) {
    let customer = world.customer_with(1_000);
    let mut request = world.request(&customer, 100);
    request.idempotency = Some(key("k", 1));
    world.halt();
    let before = rows(world);
    let answer = world.reserve(&request);
    assert!(matches!(answer, Err(ReserveError::Halted)), "{answer:?}");
    assert_eq!(rows(world), before);
    assert_eq!(world.balance(&customer), (1_000_000, 0));
    // A refusal uses no key up.
    world.resume();
    world.reserved_by(&request);
}

/// Everything is wrong with one request; taking one thing away at a time shows the next.
fn the_checks_are_made_in_their_order(world: &World) {
    let customer = world.customer_with(250);
    let first = world.request(&customer, 100);
    let mut keyed = world.request(&customer, 100);
    keyed.idempotency = Some(key("k", 1));
    world.reserved_by(&first);
    world.reserved_by(&keyed);
    let mut request = first.clone();
    request.idempotency = Some(key("k", 2));
    request.new.expires_at = world.now();
    world.halt();

    let answer = world.reserve(&request);
    assert!(matches!(answer, Err(ReserveError::KeyReused)), "{answer:?}");
    assert!(matches!(world.reserve(&keyed), Ok(Reserved::Replay(_))));
    request.idempotency = None;
    assert_eq!(
        first_of(world.reserve(&request)).payment_hash,
        first.new.payment_hash
    );
    let mut elsewhere = request.clone();
    elsewhere.account_id = world.customer().account.id;
    let answer = world.reserve(&elsewhere);
    assert!(matches!(answer, Err(ReserveError::Halted)), "{answer:?}");
    world.resume();
    let reserved = WithdrawalState::Reserved;
    assert_eq!(duplicate_of(world.reserve(&elsewhere)), reserved);
    request.new.payment_hash = world.hash();
    let answer = world.reserve(&request);
    assert!(matches!(answer, Err(ReserveError::Expired)), "{answer:?}");
    request.new.expires_at = world.later(1);
    let answer = world.reserve(&request);
    assert!(
        matches!(answer, Err(ReserveError::InsufficientFunds { .. })),
        "{answer:?}"
    );
    assert_eq!(world.claim(10).len(), 2);
    world.fail(first.new.payment_hash);
    world.reserved_by(&request);
}
