//! Group B: a death at every step, an unknown end, a payment of the node's own, and time that jumps.

use std::time::Duration;

use money::Msat;
use payments::ports::{PayAnswer, PaymentFailure, Rail, RailEvent, RailPayment, Rejection};
use payments::withdrawal::WithdrawalState;
use server::workers::{dispatcher, rail_events};
use testkit::FakeRail;
use tokio_util::sync::CancellationToken;

use super::engine::{Engine, on_both_databases};

on_both_databases! {
    b4_a_death_before_the_claim_loses_nothing,
    b4_a_death_between_the_claim_and_the_call_is_proven_unsent_and_sent_once,
    b4_a_death_after_the_node_took_it_leaves_it_in_doubt_until_its_event,
    b4_a_death_before_the_answer_is_written_changes_nothing,
    b4_a_death_before_a_rejection_is_written_is_proven_unsent,
    b4_a_death_between_the_event_and_its_acknowledgement_books_once,
    b5_what_the_node_knows_nothing_of_is_sent_again_only_on_proof,
    b5_a_record_of_a_payment_that_nothing_else_knows_settles_it,
    b6_a_payment_of_the_nodes_own_is_the_operators_loss_booked_once,
    b6_a_payment_of_the_nodes_own_without_an_amount_waits_for_a_person,
    b8_an_end_long_after_the_invoice_is_booked,
    b12_a_payment_in_parts_is_booked_once_with_one_fee,
    g9_an_inbound_claim_that_is_told_again_after_a_death_is_credited_once,
    g10_a_clock_that_jumps_a_day_either_way_moves_no_money,
    a_channel_that_cannot_be_written_down_halts_and_keeps_no_payment_waiting,
    a_call_to_the_node_that_panics_ends_the_dispatcher,
}

const HOLD_MSAT: i64 = 106_000;

fn in_flight(engine: &Engine, invoice: &testkit::ForeignInvoice) -> payments::ids::WithdrawalId {
    let id = engine.reserve(invoice);
    assert_eq!(engine.dispatch(), 1);
    assert_eq!(engine.state(id), WithdrawalState::Dispatched);
    id
}

fn asked(rail: &FakeRail, invoice: &testkit::ForeignInvoice) -> usize {
    rail.asked_for(invoice.payment_hash).len()
}

fn b4_a_death_before_the_claim_loses_nothing(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    engine.die();
    let id = engine.reserve(&invoice);
    engine.die();
    assert_eq!(engine.moved(), (0, HOLD_MSAT));
    assert_eq!(engine.dispatch(), 1);
    engine.rail.push(invoice.succeeded(1_000));
    engine.take_events();
    assert_eq!(engine.state(id), WithdrawalState::Settled);
    assert_eq!(
        (engine.moved(), asked(&engine.rail, &invoice)),
        ((101_000, 0), 1)
    );
}

fn b4_a_death_between_the_claim_and_the_call_is_proven_unsent_and_sent_once(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let id = engine.reserve(&invoice);
    assert_eq!(engine.claim().len(), 1);
    engine.die();
    assert_eq!(engine.state(id), WithdrawalState::Reserved);
    assert_eq!(engine.dispatch(), 1);
    engine.rail.push(invoice.succeeded(1_000));
    engine.take_events();
    assert_eq!(
        (engine.moved(), asked(&engine.rail, &invoice)),
        ((101_000, 0), 1)
    );
}

fn b4_a_death_after_the_node_took_it_leaves_it_in_doubt_until_its_event(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let id = engine.reserve(&invoice);
    let claimed = engine.claim();
    let _lost = dispatcher::hand_over(&engine.app, &claimed[0]);
    for _ in 0..3 {
        engine.die();
        assert_eq!(engine.state(id), WithdrawalState::Dispatched);
        assert_eq!(engine.dispatch(), 0);
    }
    assert_eq!(
        (engine.moved(), asked(&engine.rail, &invoice)),
        ((0, HOLD_MSAT), 1)
    );
    engine.rail.push(invoice.succeeded(0));
    engine.take_events();
    assert_eq!(engine.moved(), (100_000, 0));
}

fn b4_a_death_before_the_answer_is_written_changes_nothing(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let fee_msat = Msat::from_unsigned(2_000).expect("in range");
    let preimage = invoice.preimage;
    let paid = PayAnswer::Paid { preimage, fee_msat };
    engine.rail.script(invoice.payment_hash, [paid]);
    let id = engine.reserve(&invoice);
    let claimed = engine.claim();
    let _lost = dispatcher::hand_over(&engine.app, &claimed[0]);
    let record = RailPayment::Succeeded {
        preimage: Some(preimage),
        fee_msat: Some(fee_msat),
        amount_msat: None,
    };
    engine.rail.record(invoice.payment_hash, record);
    engine.die();
    assert_eq!(
        engine.state(id),
        WithdrawalState::Settled,
        "the node's record tells"
    );
    engine.rail.push(invoice.succeeded(2_000));
    engine.take_events();
    assert_eq!(
        (engine.moved(), asked(&engine.rail, &invoice)),
        ((102_000, 0), 1)
    );
}

fn b4_a_death_before_a_rejection_is_written_is_proven_unsent(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let rejected = PayAnswer::Rejected(Rejection::NoRoute);
    engine
        .rail
        .script(invoice.payment_hash, [rejected, PayAnswer::Unknown]);
    let id = engine.reserve(&invoice);
    let claimed = engine.claim();
    let _lost = dispatcher::hand_over(&engine.app, &claimed[0]);
    // What ldk-node writes beside its refusal proves nothing.
    engine
        .rail
        .record(invoice.payment_hash, RailPayment::Failed);
    engine.die();
    assert_eq!(engine.state(id), WithdrawalState::Reserved);
    assert_eq!(engine.dispatch(), 1);
    engine.rail.push(invoice.succeeded(0));
    engine.take_events();
    assert_eq!(
        (engine.moved(), asked(&engine.rail, &invoice)),
        ((100_000, 0), 2)
    );
}

fn b4_a_death_between_the_event_and_its_acknowledgement_books_once(engine: &mut Engine) {
    let (paid, lost) = (engine.foreign_invoice(100), engine.foreign_invoice(100));
    in_flight(engine, &paid);
    in_flight(engine, &lost);
    engine.rail.push(paid.succeeded(1_000));
    engine
        .rail
        .push(lost.failed(PaymentFailure::RecipientRejected));
    for _ in 0..2 {
        let event = engine.rail.next_event(Duration::ZERO).expect("an event");
        rail_events::write_down(&engine.app, &event).expect("written");
        engine.die();
        // It was not acknowledged, so it comes again.
        assert_eq!(engine.rail.next_event(Duration::ZERO), Some(event));
        assert!(rail_events::take_one(&engine.app, Duration::ZERO).expect("written"));
    }
    assert_eq!(engine.moved(), (101_000, 0));
    assert_eq!(
        engine.count("SELECT COUNT(*) FROM event WHERE kind LIKE 'withdrawal%'"),
        4
    );
    assert_eq!(engine.halted(), None);
}

fn b5_what_the_node_knows_nothing_of_is_sent_again_only_on_proof(engine: &mut Engine) {
    let (forgotten, kept) = (engine.foreign_invoice(100), engine.foreign_invoice(100));
    let (phantom, waiting) = (in_flight(engine, &forgotten), in_flight(engine, &kept));
    for invoice in [&forgotten, &kept] {
        engine
            .rail
            .record(invoice.payment_hash, RailPayment::Pending);
    }
    engine.rail.lose_sending(forgotten.payment_hash);
    engine.die();
    assert_eq!(engine.state(phantom), WithdrawalState::Reserved);
    assert_eq!(engine.state(waiting), WithdrawalState::Dispatched);
    // The phantom record would have made the next try a duplicate for ever.
    assert_eq!(
        engine.rail.payment(&forgotten.payment_hash),
        RailPayment::NotFound
    );
    assert_eq!(
        engine.rail.payment(&kept.payment_hash),
        RailPayment::Pending
    );
    assert_eq!(engine.dispatch(), 1);
    for invoice in [&forgotten, &kept] {
        engine.rail.push(invoice.succeeded(0));
    }
    engine.take_events();
    assert_eq!(engine.moved(), (200_000, 0));
    assert_eq!(asked(&engine.rail, &kept), 1);
}

fn b5_a_record_of_a_payment_that_nothing_else_knows_settles_it(engine: &mut Engine) {
    let (told, untold) = (engine.foreign_invoice(100), engine.foreign_invoice(100));
    let ids = [&told, &untold].map(|invoice| in_flight(engine, invoice));
    for (invoice, fee_msat) in [(&told, Some(Msat::ZERO)), (&untold, None)] {
        let record = RailPayment::Succeeded {
            preimage: Some(invoice.preimage),
            fee_msat,
            amount_msat: None,
        };
        engine.rail.record(invoice.payment_hash, record);
        engine.rail.lose_sending(invoice.payment_hash);
    }
    engine.die();
    assert_eq!(engine.state(ids[0]), WithdrawalState::Settled);
    // Sent for a fee that nobody tells: it stays held, and a person is called.
    assert_eq!(engine.state(ids[1]), WithdrawalState::Dispatched);
    assert!(engine.halted().is_some());
    assert_eq!(engine.moved(), (100_000, HOLD_MSAT));
}

fn b6_a_payment_of_the_nodes_own_is_the_operators_loss_booked_once(engine: &mut Engine) {
    let stranger = engine.foreign_invoice(7);
    let record = RailPayment::Succeeded {
        preimage: Some(stranger.preimage),
        fee_msat: Some(Msat::from_unsigned(3).expect("in range")),
        amount_msat: Some(Msat::from_unsigned(7_000).expect("in range")),
    };
    engine.rail.record(stranger.payment_hash, record);
    engine.rail.push(stranger.succeeded(3));
    let event = engine.rail.next_event(Duration::ZERO).expect("an event");
    rail_events::write_down(&engine.app, &event).expect("written");
    engine.die();
    engine.take_events();
    assert!(engine.halted().is_some());
    let booked = "SELECT CAST(SUM(t.amount_msat) AS BIGINT) FROM transfer t JOIN posting p ON p.id = t.posting_id
                  WHERE p.code = 'payment_unasked' AND t.debit = 6 AND t.credit = 1";
    assert_eq!(engine.count(booked), 7_003);
    assert_eq!(engine.moved(), (0, 0), "no customer bears it");
}

fn b6_a_payment_of_the_nodes_own_without_an_amount_waits_for_a_person(engine: &mut Engine) {
    let stranger = engine.foreign_invoice(7);
    engine.rail.lose_acknowledgements(2);
    engine.rail.push(stranger.succeeded(3));
    engine.take_events();
    assert!(engine.halted().is_some());
    assert_eq!(engine.count("SELECT COUNT(*) FROM rail_report"), 1);
}

fn b8_an_end_long_after_the_invoice_is_booked(engine: &mut Engine) {
    let (paid, lost) = (engine.foreign_invoice(100), engine.foreign_invoice(100));
    in_flight(engine, &paid);
    in_flight(engine, &lost);
    engine.clock.advance_seconds(7 * 86_400);
    engine.die();
    assert_eq!((engine.dispatch(), engine.bars()), (0, 0));
    assert_eq!(engine.moved(), (0, 2 * HOLD_MSAT), "no timer gives it back");
    engine.rail.push(paid.succeeded(1_000));
    engine
        .rail
        .push(lost.failed(PaymentFailure::RetriesExhausted));
    engine.take_events();
    assert_eq!(engine.moved(), (101_000, 0));
}

fn b12_a_payment_in_parts_is_booked_once_with_one_fee(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let id = in_flight(engine, &invoice);
    // The node tells of the whole payment alone, whatever its parts did; and it may tell twice.
    for _ in 0..2 {
        engine.rail.push(invoice.succeeded(3_210));
    }
    engine.take_events();
    engine.die();
    engine.rail.push(invoice.succeeded(3_210));
    engine.take_events();
    assert_eq!(engine.moved(), (103_210, 0));
    assert_eq!(engine.withdrawal(id).fee_msat.map(Msat::get), Some(3_210));
}

fn g9_an_inbound_claim_that_is_told_again_after_a_death_is_credited_once(engine: &mut Engine) {
    let invoice = engine.asked_invoice(3_600);
    let (spent, _) = engine.moved();
    engine.rail.receive(invoice.payment_hash, 5_000);
    for _ in 0..2 {
        let event = engine.rail.next_event(Duration::ZERO).expect("an event");
        rail_events::write_down(&engine.app, &event).expect("written");
        engine.die();
    }
    engine.take_events();
    engine.rail.receive(invoice.payment_hash, 5_000);
    engine.take_events();
    assert_eq!(engine.moved(), (spent - 5_000, 0));
    assert_eq!(engine.halted(), None);
}

fn g10_a_clock_that_jumps_a_day_either_way_moves_no_money(engine: &mut Engine) {
    const DAY: i64 = 86_400;
    let (flying, waiting) = (engine.foreign_invoice(100), engine.foreign_invoice(100));
    let in_doubt = in_flight(engine, &flying);
    engine.clock.advance_seconds(-DAY);
    let id = engine.reserve(&waiting);
    engine.clock.advance_seconds(-1);
    assert_eq!(engine.dispatch(), 0, "what is due later is not due yet");
    engine.clock.advance_seconds(DAY + 1);
    engine.die();
    assert_eq!(engine.state(in_doubt), WithdrawalState::Dispatched);
    assert_eq!(engine.dispatch(), 1);
    engine.clock.advance_seconds(DAY);
    engine.die();
    assert_eq!((engine.dispatch(), engine.bars()), (0, 0));
    assert_eq!(engine.moved(), (0, 2 * HOLD_MSAT));
    engine.clock.advance_seconds(-2 * DAY);
    engine.rail.push(flying.succeeded(0));
    engine
        .rail
        .push(waiting.failed(PaymentFailure::RecipientRejected));
    engine.take_events();
    assert_eq!(engine.moved(), (100_000, 0));
    assert_eq!(engine.state(id), WithdrawalState::Failed);
}

fn a_channel_that_cannot_be_written_down_halts_and_keeps_no_payment_waiting(engine: &mut Engine) {
    let invoice = engine.foreign_invoice(100);
    let id = in_flight(engine, &invoice);
    // Whatever the fault is, it does not pass.
    engine.run_sql("ALTER TABLE channel RENAME TO channel_away");
    engine.rail.push(RailEvent::ChannelClosed {
        channel_id: [7; 32],
        peer: None,
        by_crash: false,
        reason: "the peer".to_owned(),
    });
    engine.rail.push(invoice.succeeded(0));
    engine.take_events();
    assert!(engine.halted().is_some());
    assert_eq!(engine.state(id), WithdrawalState::Settled);
    engine.run_sql("ALTER TABLE channel_away RENAME TO channel");
}

fn a_call_to_the_node_that_panics_ends_the_dispatcher(engine: &mut Engine) {
    let id = engine.reserve(&engine.foreign_invoice(100));
    engine.rail.break_calls();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (app, stop) = (engine.app.clone(), CancellationToken::new());
    let ended = runtime.block_on(async { tokio::spawn(dispatcher::run(app, stop)).await });
    assert!(ended.is_err_and(|error| error.is_panic()));
    // What the call did is not known.
    assert_eq!(engine.state(id), WithdrawalState::Dispatched);
    assert_eq!(engine.moved(), (0, HOLD_MSAT));
}
