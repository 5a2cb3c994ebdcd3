//! Which of the node's own records go, and which stay.

use jiff::SignedDuration;
use payments::payment_hash::PaymentHash;
use payments::ports::{Clock, Direction, PaymentFailure, RailRecord};
use server::workers::node_records::forget_final;

use super::engine::{Engine, on_both_databases};

on_both_databases! {
    only_records_of_payments_whose_books_are_final_are_removed,
    d7_the_record_of_a_paid_invoice_stays_while_it_could_be_paid_again,
    records_go_in_batches,
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn keep(engine: &Engine, payment_hash: PaymentHash, direction: Direction) {
    engine.rail.keep_record(RailRecord {
        payment_hash,
        direction,
        updated_at: engine.clock.now(),
    });
}

fn kept(engine: &Engine) -> Vec<PaymentHash> {
    let records = engine.rail.kept_records();
    records.iter().map(|record| record.payment_hash).collect()
}

fn only_records_of_payments_whose_books_are_final_are_removed(engine: &mut Engine) {
    let invoices: Vec<_> = (0..5).map(|_| engine.foreign_invoice(10)).collect();
    let [paid, lost, barred, flying, stranger] = &invoices[..] else {
        panic!("five");
    };
    for invoice in [paid, lost, barred, flying] {
        engine.reserve(invoice);
    }
    engine.dispatch();
    engine.rail.push(paid.succeeded(0));
    engine
        .rail
        .push(lost.failed(PaymentFailure::RecipientRejected));
    engine.take_events();
    assert_eq!(engine.bars(), 0);
    engine.rail.let_failures_come_back(true);
    engine
        .rail
        .push(barred.failed(PaymentFailure::RecipientRejected));
    engine.take_events();
    for invoice in &invoices {
        keep(engine, invoice.payment_hash, Direction::Outbound);
    }
    engine.clock.advance(DAY);
    assert_eq!(
        forget_final(&engine.app, DAY, 100).expect("removed"),
        0,
        "not a day yet"
    );
    engine.clock.advance_seconds(1);
    assert_eq!(forget_final(&engine.app, DAY, 100).expect("removed"), 2);
    let stay = [barred, flying, stranger].map(|invoice| invoice.payment_hash);
    assert_eq!(kept(engine), stay);
}

fn d7_the_record_of_a_paid_invoice_stays_while_it_could_be_paid_again(engine: &mut Engine) {
    let (paid, open, unknown) = (
        engine.asked_invoice(3 * 86_400),
        engine.asked_invoice(9 * 86_400),
        engine.foreign_invoice(1),
    );
    engine.rail.receive(paid.payment_hash, 5_000);
    engine.take_events();
    let all = [paid.payment_hash, open.payment_hash, unknown.payment_hash];
    for hash in all {
        keep(engine, hash, Direction::Inbound);
    }
    // Paid long ago; but its invoice runs out in a day, and only a day after that nobody can pay it.
    for _ in 0..4 {
        assert_eq!(
            forget_final(&engine.app, SignedDuration::ZERO, 100).expect("removed"),
            0
        );
        engine.clock.advance(DAY);
    }
    engine.clock.advance_seconds(1);
    assert_eq!(
        forget_final(&engine.app, SignedDuration::ZERO, 100).expect("removed"),
        1
    );
    assert_eq!(kept(engine), all[1..]);
}

fn records_go_in_batches(engine: &mut Engine) {
    for _ in 0..5 {
        let invoice = engine.foreign_invoice(10);
        engine.reserve(&invoice);
        engine.dispatch();
        engine.rail.push(invoice.succeeded(0));
        keep(engine, invoice.payment_hash, Direction::Outbound);
    }
    engine.take_events();
    engine.clock.advance(DAY + DAY);
    let removed: Vec<_> = (0..4)
        .map(|_| forget_final(&engine.app, DAY, 2).expect("removed"))
        .collect();
    assert_eq!(removed, [2, 2, 1, 0]);
}
