//! Idempotency keys: one effect and one answer, to the byte, for each account and operation.

use store::acts::idempotency::{Claim, IdempotencyKey, find};
use store::acts::invoice::{RecordedInvoice, record_invoice};
use store::acts::withdrawal::{ReserveError, Reserved};

use crate::builders::{Customer, key};
use crate::harness::{World, on_both, together};

on_both! {
    a7_a_repeat_gets_the_first_answer_to_the_byte_and_changes_nothing,
    a_key_of_another_request_is_refused,
    a_key_matches_in_its_own_account_and_operation_alone,
    a7_twenty_posts_with_one_key_have_one_effect_and_one_answer,
    a7_twenty_different_requests_with_one_key_have_one_effect,
    a_refused_request_leaves_its_key_unused,
    an_invoice_is_written_once_for_its_key,
}

fn answer_of(reserved: Result<Reserved, ReserveError>) -> Vec<u8> {
    match reserved {
        Ok(Reserved::Now(_, answer) | Reserved::Earlier(_, answer) | Reserved::Replay(answer)) => {
            answer
        }
        Err(error) => panic!("refused: {error}"),
    }
}

fn look_up(world: &World, of: &Customer, key: &IdempotencyKey) -> Option<Claim> {
    let (account, key) = (of.account.id, key.clone());
    world.read(move |tx| find(tx, account, &key))
}

fn a7_a_repeat_gets_the_first_answer_to_the_byte_and_changes_nothing(world: &World) {
    let customer = world.customer_with(1_000);
    let mut request = world.request(&customer, 100);
    request.idempotency = Some(key("k", 1));
    assert_eq!(look_up(world, &customer, &key("k", 1)), None);
    let first = world.reserve(&request).expect("reserved");
    let Reserved::Now(_, bytes) = &first else {
        panic!("a replay of nothing: {first:?}");
    };
    let balance = world.balance(&customer);

    // Whatever is true by now, the answer is the first one.
    world.claim(1);
    world.settle(
        request.new.payment_hash,
        request.new.amounts.fee_reserve_msat,
    );
    world.halt();
    world.pass(1_000_000);
    for _ in 0..3 {
        let again = world.reserve(&request).expect("a replay");
        assert_eq!(again, Reserved::Replay(bytes.clone()));
    }
    let found = look_up(world, &customer, &key("k", 1));
    assert_eq!(found, Some(Claim::Replay(bytes.clone())));
    assert_eq!(world.count("SELECT COUNT(*) FROM withdrawal"), 1);
    assert_eq!(balance, (894_000, 106_000));
    assert_eq!(world.balance(&customer), (894_000, 0));
}

fn a_key_of_another_request_is_refused(world: &World) {
    let customer = world.customer_with(1_000);
    let mut request = world.request(&customer, 100);
    request.idempotency = Some(key("k", 1));
    world.reserved_by(&request);
    let mut other = world.request(&customer, 100);
    other.idempotency = Some(key("k", 2));
    let answer = world.reserve(&other);
    assert!(matches!(answer, Err(ReserveError::KeyReused)), "{answer:?}");
    let found = look_up(world, &customer, &key("k", 2));
    assert_eq!(found, Some(Claim::Reused));
    assert_eq!(world.balance(&customer), (894_000, 106_000));
}

fn a_key_matches_in_its_own_account_and_operation_alone(world: &World) {
    let (alice, bob) = (world.customer_with(1_000), world.customer_with(1_000));
    let other_scope = IdempotencyKey {
        scope: "invoice",
        ..key("k", 1)
    };
    for (customer, key) in [
        (&alice, key("k", 1)),
        (&bob, key("k", 1)),
        (&bob, other_scope),
    ] {
        let mut request = world.request(customer, 100);
        assert_eq!(look_up(world, customer, &key), None);
        request.idempotency = Some(key);
        world.reserved_by(&request);
    }
    assert_eq!(world.balance(&alice), (894_000, 106_000));
    assert_eq!(world.balance(&bob), (788_000, 212_000));
}

fn a7_twenty_posts_with_one_key_have_one_effect_and_one_answer(world: &World) {
    let customer = world.customer_with(10_000);
    let mut request = world.request(&customer, 100);
    request.idempotency = Some(key("k", 1));
    let answers = together(20, |_| world.reserve(&request));
    let now = |answer: &&Result<Reserved, _>| matches!(answer, Ok(Reserved::Now(..)));
    assert_eq!(answers.iter().filter(now).count(), 1);
    let answers: Vec<_> = answers.into_iter().map(answer_of).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(world.count("SELECT COUNT(*) FROM withdrawal"), 1);
    assert_eq!(world.balance(&customer), (9_894_000, 106_000));
}

fn a7_twenty_different_requests_with_one_key_have_one_effect(world: &World) {
    let customer = world.customer_with(10_000);
    let answers = together(20, |number| {
        let mut request = world.request(&customer, 100);
        let number = u8::try_from(number).expect("few");
        request.idempotency = Some(key("k", number));
        world.reserve(&request)
    });
    let (passed, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(passed.len(), 1);
    for refusal in refused {
        assert!(
            matches!(refusal, Err(ReserveError::KeyReused)),
            "{refusal:?}"
        );
    }
    assert_eq!(world.balance(&customer), (9_894_000, 106_000));
}

fn a_refused_request_leaves_its_key_unused(world: &World) {
    let customer = world.customer_with(100);
    let mut request = world.request(&customer, 100);
    request.idempotency = Some(key("k", 1));
    let answer = world.reserve(&request);
    assert!(
        matches!(answer, Err(ReserveError::InsufficientFunds { .. })),
        "{answer:?}"
    );
    assert_eq!(look_up(world, &customer, &key("k", 1)), None);
    world.deposited(&customer, 6);
    world.reserved_by(&request);
}

fn an_invoice_is_written_once_for_its_key(world: &World) {
    let customer = world.customer();
    let answers = together(8, |number| {
        let invoice = world.invoice(&customer);
        let answer = vec![u8::try_from(number).expect("few")];
        let given = answer.clone();
        let recorded = world
            .write(move |tx, act| record_invoice(tx, act, &invoice, Some((&key("i", 1), &answer))));
        (given, recorded.expect("an answer"))
    });
    let written = |answer: &&(_, RecordedInvoice)| answer.1 == RecordedInvoice::Written;
    let mut first = answers.iter().filter(written);
    let (bytes, _) = first.next().expect("one is written");
    assert_eq!(first.count(), 0);
    for (_, recorded) in answers.iter().filter(|answer| !written(answer)) {
        assert_eq!(*recorded, RecordedInvoice::Replay(bytes.clone()));
    }
    let invoice = world.invoice(&customer);
    let reused = world
        .write(move |tx, act| record_invoice(tx, act, &invoice, Some((&key("i", 2), &[]))))
        .expect("an answer");
    assert_eq!(reused, RecordedInvoice::KeyReused);
    assert_eq!(world.count("SELECT COUNT(*) FROM invoice"), 1);
}
