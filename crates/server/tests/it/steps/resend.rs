//! B7: the same invoice again, through deaths, once the node has proven the earlier attempt dead.

use std::time::Duration;

use payments::ports::{PaymentFailure, Rail};
use payments::withdrawal::WithdrawalState;
use server::workers::{rail_events, resend};
use store::acts::dispatch::claim_due_withdrawals;
use store::acts::withdrawal::ReserveError;

use super::engine::{Engine, on_both_databases};

on_both_databases! {
    b7_the_same_invoice_is_paid_after_its_failure_is_acknowledged_and_final,
    b7_a_bar_outlives_the_process_and_a_failure_that_comes_back_meets_no_later_attempt,
    b7_what_found_no_route_is_sent_again_by_itself,
    b7_what_runs_out_behind_its_bar_is_given_back,
    b7_a_record_that_stays_in_the_way_keeps_no_other_payment,
    a_claim_whose_answer_was_lost_is_handed_over_by_who_made_it,
    a_claim_whose_answer_was_lost_is_found_however_the_clock_is_set,
}

fn b7_the_same_invoice_is_paid_after_its_failure_is_acknowledged_and_final(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let first = engine.reserve(&invoice);
    engine.dispatch();
    engine
        .rail
        .push(invoice.failed(PaymentFailure::RecipientRejected));
    let event = engine.rail.next_event(Duration::ZERO).expect("an event");
    rail_events::write_down(&engine.app, &event).expect("written");
    assert_eq!(engine.bars(), 1, "it is not acknowledged");
    engine.rail.let_failures_come_back(true);
    engine.take_events();
    assert_eq!(
        engine.bars(),
        1,
        "no channel manager that knows it is durable"
    );
    let refused = engine.try_reserve(&invoice);
    assert!(
        matches!(refused, Err(ReserveError::ResendBarred)),
        "{refused:?}"
    );

    engine.rail.let_failures_come_back(false);
    assert_eq!(engine.bars(), 0);
    let second = engine.reserve(&invoice);
    assert_eq!(engine.dispatch(), 1);
    engine.rail.push(invoice.succeeded(0));
    engine.take_events();
    assert_eq!(engine.state(first), WithdrawalState::Failed);
    assert_eq!(engine.state(second), WithdrawalState::Settled);
    assert_eq!(engine.moved(), (100_000, 0));
    assert_eq!(engine.halted(), None);
}

fn b7_a_bar_outlives_the_process_and_a_failure_that_comes_back_meets_no_later_attempt(
    engine: &mut Engine,
) {
    let invoice = engine.foreign_invoice(100);
    engine.reserve(&invoice);
    engine.dispatch();
    engine.rail.let_failures_come_back(true);
    engine
        .rail
        .push(invoice.failed(PaymentFailure::RecipientRejected));
    engine.take_events();
    engine.die();
    assert_eq!(engine.bars(), 1);
    // The crash brought it back.
    engine
        .rail
        .push(invoice.failed(PaymentFailure::RecipientRejected));
    engine.rail.let_failures_come_back(false);
    assert_eq!(engine.bars(), 1, "its event waits");
    assert!(engine.try_reserve(&invoice).is_err());
    engine.take_events();
    assert_eq!(engine.bars(), 0);
    let second = engine.reserve(&invoice);
    engine.dispatch();
    assert_eq!(engine.state(second), WithdrawalState::Dispatched);
    assert_eq!(engine.moved(), (0, 106_000));
    engine.rail.push(invoice.succeeded(0));
    engine.take_events();
    assert_eq!(engine.moved(), (100_000, 0));
}

fn b7_what_found_no_route_is_sent_again_by_itself(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let id = engine.reserve(&invoice);
    engine.dispatch();
    engine.rail.let_failures_come_back(true);
    engine
        .rail
        .push(invoice.failed(PaymentFailure::RouteNotFound));
    engine.take_events();
    engine.clock.advance_seconds(60);
    assert_eq!((engine.bars(), engine.dispatch()), (1, 0));
    engine.die();
    assert_eq!((engine.bars(), engine.dispatch()), (1, 0));
    engine.rail.let_failures_come_back(false);
    assert_eq!((engine.bars(), engine.dispatch()), (0, 1));
    engine.rail.push(invoice.succeeded(1_000));
    engine.take_events();
    assert_eq!(engine.state(id), WithdrawalState::Settled);
    assert_eq!(engine.rail.asked_for(invoice.payment_hash).len(), 2);
    assert_eq!(engine.moved(), (101_000, 0));
}

fn b7_what_runs_out_behind_its_bar_is_given_back(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let id = engine.reserve(&invoice);
    engine.dispatch();
    engine.rail.let_failures_come_back(true);
    engine
        .rail
        .push(invoice.failed(PaymentFailure::RouteNotFound));
    engine.take_events();
    assert_eq!(engine.bars(), 1);
    assert_eq!(engine.moved(), (0, 106_000));
    engine.clock.advance_seconds(3_600);
    assert_eq!(engine.bars(), 1);
    assert_eq!(engine.state(id), WithdrawalState::Failed);
    assert_eq!(engine.moved(), (0, 0));
    engine.rail.let_failures_come_back(false);
    assert_eq!(engine.bars(), 0);
}

fn b7_a_record_that_stays_in_the_way_keeps_no_other_payment(engine: &mut Engine) {
    let (stuck, free) = (engine.foreign_invoice(100), engine.foreign_invoice(100));
    let ids = [&stuck, &free].map(|invoice| engine.reserve(invoice));
    engine.dispatch();
    for invoice in [&stuck, &free] {
        engine
            .rail
            .push(invoice.failed(PaymentFailure::RouteNotFound));
    }
    engine.take_events();
    engine.rail.keep_in_the_way(stuck.payment_hash);
    engine.clock.advance_seconds(60);
    assert!(resend::lift_bars(&engine.app).is_err(), "it is told");
    assert_eq!(engine.dispatch(), 1);
    assert_eq!(
        ids.map(|id| engine.state(id)),
        [WithdrawalState::Reserved, WithdrawalState::Dispatched]
    );
    engine.rail.push(free.succeeded(0));
    engine.take_events();
    assert_eq!(engine.moved(), (100_000, 106_000));
}

fn a_claim_whose_answer_was_lost_is_handed_over_by_who_made_it(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let id = engine.reserve(&invoice);
    let (act, claim_id) = (engine.app.acting(), engine.app.ids.fresh());
    let taken = engine
        .app
        .store
        .write(move |tx| claim_due_withdrawals(tx, &act, claim_id, 10));
    assert_eq!(taken.expect("a claim").len(), 1);
    engine.claims.lose(claim_id);
    assert_eq!(engine.state(id), WithdrawalState::Dispatched);
    let found = engine.claim();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].id, found[0].attempts), (id, 1));
    assert_eq!(engine.claim(), [], "it is handed over once");

    // A claim of a process that died is nobody's: the proof at the next start ends it.
    engine.die();
    assert_eq!(engine.state(id), WithdrawalState::Reserved);
    assert_eq!(engine.dispatch(), 1);
    engine.rail.push(invoice.succeeded(0));
    engine.take_events();
    assert_eq!(engine.moved(), (100_000, 0));
}

fn a_claim_whose_answer_was_lost_is_found_however_the_clock_is_set(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let id = engine.reserve(&invoice);
    let (act, claim_id) = (engine.app.acting(), engine.app.ids.fresh());
    let taken = engine
        .app
        .store
        .write(move |tx| claim_due_withdrawals(tx, &act, claim_id, 10));
    assert_eq!(taken.expect("a claim").len(), 1);
    engine.claims.lose(claim_id);
    engine.clock.advance_seconds(30 * 86_400);
    let found = engine.claim();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, id);
}
