//! Every difference by its table, and books that follow a node by a property.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::ports::{ChannelFunds, ClosingFunds, NodeFunds, NodePayment, NodePayments};

const HASH: PaymentHash = PaymentHash::from_bytes([7; 32]);

fn msat(amount: i64) -> Msat {
    Msat::new(amount).expect("in range")
}

fn record(state: NodePaymentState, amount: i64, fee: Option<i64>) -> NodePayment {
    NodePayment {
        payment_hash: HASH,
        state,
        amount_msat: Some(msat(amount)),
        fee_msat: fee.map(msat),
        preimage: None,
    }
}

fn sent(record: NodePayment) -> NodePayments {
    NodePayments {
        sent: vec![record],
        ..NodePayments::default()
    }
}

fn received(record: NodePayment) -> NodePayments {
    NodePayments {
        received: vec![record],
        ..NodePayments::default()
    }
}

fn booked_sent(state: WithdrawalState, amount: Option<i64>) -> BookedPayment {
    BookedPayment {
        sent: BookedSent {
            withdrawal: Some(state),
            booked_msat: amount.map(msat),
            is_proven: false,
        },
        is_recent: true,
        ..BookedPayment::default()
    }
}

fn booked_received(amounts: &[i64]) -> BookedPayment {
    BookedPayment {
        received_msat: amounts.iter().map(|amount| msat(*amount)).collect(),
        is_recent: true,
        ..BookedPayment::default()
    }
}

fn names(node: &NodePayments, booked: BookedPayment) -> Vec<&'static str> {
    let found = compare(node, &BTreeMap::from([(HASH, booked)]));
    found.iter().map(Difference::name).collect()
}

type Row = (NodePayments, BookedPayment, &'static [&'static str]);

fn out(state: NodePaymentState) -> NodePayments {
    sent(record(state, 100, Some(1)))
}

fn into(state: NodePaymentState) -> NodePayments {
    received(record(state, 100, None))
}

fn old(payment: BookedPayment) -> BookedPayment {
    BookedPayment {
        is_recent: false,
        ..payment
    }
}

fn settled(amount: i64) -> BookedPayment {
    booked_sent(WithdrawalState::Settled, Some(amount))
}

fn dispatched() -> BookedPayment {
    booked_sent(WithdrawalState::Dispatched, None)
}

fn check(table: &[Row]) {
    for (node, books, expected) in table {
        assert_eq!(names(node, books.clone()), *expected, "{node:?} {books:?}");
    }
}

#[test]
fn both_sides_that_say_the_same_make_no_difference() {
    use NodePaymentState::{Failed, Pending, Succeeded};
    let failed = booked_sent(WithdrawalState::Failed, None);
    check(&[
        (out(Succeeded), settled(101), &[]),
        (out(Pending), dispatched(), &[]),
        (out(Failed), failed, &[]),
        (into(Succeeded), booked_received(&[100]), &[]),
        (into(Pending), BookedPayment::default(), &[]),
    ]);
}

#[test]
fn d7_an_invoice_that_was_paid_twice_is_no_difference_once_both_are_booked() {
    let paid = || into(NodePaymentState::Succeeded);
    check(&[
        (paid(), booked_received(&[40, 100]), &[]),
        (paid(), booked_received(&[100, 40]), &[]),
        (
            paid(),
            booked_received(&[40]),
            &["received_booked_otherwise"],
        ),
    ]);
}

#[test]
fn what_the_books_lack_or_say_otherwise_is_named() {
    use NodePaymentState::Succeeded;
    check(&[
        (
            out(Succeeded),
            BookedPayment::default(),
            &["sent_not_booked"],
        ),
        (out(Succeeded), dispatched(), &["sent_not_booked"]),
        (
            into(Succeeded),
            BookedPayment::default(),
            &["received_not_booked"],
        ),
        (out(Succeeded), settled(100), &["sent_booked_otherwise"]),
        (
            into(Succeeded),
            booked_received(&[101]),
            &["received_booked_otherwise"],
        ),
    ]);
}

#[test]
fn what_the_node_lacks_is_named_while_it_must_know_it() {
    use NodePaymentState::{Failed, Pending};
    let none = NodePayments::default;
    check(&[
        (out(Pending), settled(101), &["booked_not_sent"]),
        (out(Failed), settled(101), &["booked_not_sent"]),
        (none(), settled(101), &["booked_not_sent"]),
        (
            into(Pending),
            booked_received(&[100]),
            &["booked_not_received"],
        ),
        (none(), booked_received(&[100]), &["booked_not_received"]),
        // An old record may be gone, and one that is there counts.
        (none(), old(settled(101)), &[]),
        (none(), old(booked_received(&[100])), &[]),
        (out(Failed), old(settled(101)), &["booked_not_sent"]),
    ]);
}

#[test]
fn a_preimage_proves_what_no_record_tells() {
    let mut proven = settled(101);
    proven.sent.is_proven = true;
    check(&[
        (NodePayments::default(), proven.clone(), &[]),
        (out(NodePaymentState::Pending), proven, &[]),
    ]);
}

#[test]
fn a_record_without_an_amount_is_compared_by_its_end_alone() {
    let bare = NodePayment {
        amount_msat: None,
        fee_msat: None,
        ..record(NodePaymentState::Succeeded, 0, None)
    };
    assert_eq!(names(&received(bare), booked_received(&[5])), [""; 0]);
    assert_eq!(
        names(&sent(bare), booked_sent(WithdrawalState::Settled, Some(5))),
        [""; 0]
    );
    assert_eq!(
        names(&sent(bare), BookedPayment::default()),
        ["sent_not_booked"]
    );
}

#[test]
fn a_difference_counts_when_it_was_there_at_enough_looks_in_a_row() {
    let difference = Difference::ReceivedNotBooked {
        payment_hash: HASH,
        node_msat: Some(msat(1)),
    };
    let mut suspicions = Suspicions::default();
    for _ in 0..3 {
        for look in 1..LOOKS {
            let judged = suspicions.look(vec![difference]);
            assert_eq!(judged.on_its_way, [difference], "look {look}");
            assert!(judged.unexplained.is_empty(), "look {look}");
        }
        // It is gone for one look, and begins anew.
        assert_eq!(suspicions.look(Vec::new()), Judged::default());
    }
    for _ in 1..LOOKS {
        suspicions.look(vec![difference]);
    }
    assert_eq!(suspicions.look(vec![difference]).unexplained, [difference]);
    assert_eq!(suspicions.look(vec![difference]).unexplained, [difference]);
}

#[test]
fn a_total_that_turns_from_short_to_over_is_another_difference() {
    let total = |books_msat| Difference::Total {
        books_msat,
        node_min_msat: 10,
        node_max_msat: 10,
    };
    assert_eq!(total(9).key(), DifferenceKey("total", None));
    assert_eq!(total(11).key(), DifferenceKey("total_short", None));
    assert_eq!(total(11).key(), total(12).key());
}

fn channel(own: i64, in_flight: i64) -> ChannelFunds {
    ChannelFunds {
        channel_id: [1; 32],
        funding: None,
        is_outbound: false,
        is_announced: false,
        own_min_msat: msat(own),
        own_max_msat: msat(own),
        in_flight_msat: msat(in_flight),
    }
}

fn float(float_msat: i64) -> BookedTotals {
    BookedTotals {
        float_msat,
        wallet_msat: 0,
    }
}

#[test]
fn with_nothing_in_flight_the_totals_agree_to_the_millisatoshi() {
    let funds = NodeFunds {
        channels: vec![channel(500, 0), channel(7, 0)],
        ..NodeFunds::default()
    };
    let fits = |books| compare_totals(&Totals::of(float(books), &funds, &[])).is_none();
    assert!(fits(507) && !fits(506) && !fits(508));
}

#[test]
fn what_is_in_flight_may_be_ours_or_not_and_no_more_than_that() {
    let funds = NodeFunds {
        channels: vec![channel(500, 100)],
        closing: vec![ClosingFunds {
            channel_id: [2; 32],
            certain_msat: msat(1_000),
            possible_msat: msat(50),
        }],
        sweeping_msat: msat(10),
        wallet_msat: msat(3),
        ..NodeFunds::default()
    };
    let fits = |books| compare_totals(&Totals::of(float(books), &funds, &[])).is_none();
    assert!(!fits(1_502) && fits(1_503) && fits(1_663) && !fits(1_664));
}

#[test]
fn a_payment_that_is_not_booked_yet_explains_its_part_of_the_total() {
    let funds = NodeFunds {
        channels: vec![channel(900, 0)],
        ..NodeFunds::default()
    };
    let paid = compare(
        &sent(record(NodePaymentState::Succeeded, 99, Some(1))),
        &BTreeMap::new(),
    );
    assert!(compare_totals(&Totals::of(float(1_000), &funds, &paid)).is_none());
    let came = compare(
        &received(record(NodePaymentState::Succeeded, 100, None)),
        &BTreeMap::new(),
    );
    assert!(compare_totals(&Totals::of(float(800), &funds, &came)).is_none());
    assert!(compare_totals(&Totals::of(float(800), &funds, &[])).is_some());
}

proptest! {
    /// However payments end, books that follow the node agree with it; a millisatoshi taken away is found.
    #[test]
    fn books_that_follow_the_node_agree_and_any_other_amount_is_found(
        ends in prop::collection::vec((1_i64..1_000, 0_i64..10, any::<bool>(), any::<bool>()), 0..20),
        stolen in 1_i64..1_000,
    ) {
        let mut own = 100_000;
        let mut books = 100_000;
        let mut node = NodePayments::default();
        let mut booked = BTreeMap::new();
        for (number, (amount, fee, outbound, applied)) in ends.into_iter().enumerate() {
            let hash = PaymentHash::from_bytes([u8::try_from(number).expect("few"); 32]);
            let record = NodePayment {
                payment_hash: hash,
                ..record(NodePaymentState::Succeeded, amount, outbound.then_some(fee))
            };
            let change = if outbound { -(amount + fee) } else { amount };
            own += change;
            if outbound { node.sent.push(record) } else { node.received.push(record) }
            let payment = match (applied, outbound) {
                (false, _) => BookedPayment::default(),
                (true, true) => booked_sent(WithdrawalState::Settled, Some(amount + fee)),
                (true, false) => booked_received(&[amount]),
            };
            books += if applied { change } else { 0 };
            booked.insert(hash, payment);
        }
        let differences = compare(&node, &booked);
        let funds = NodeFunds { channels: vec![channel(own, 0)], ..NodeFunds::default() };
        prop_assert_eq!(compare_totals(&Totals::of(float(books), &funds, &differences)), None);
        let short = Totals::of(float(books + stolen), &funds, &differences);
        prop_assert!(compare_totals(&short).is_some());
        let over = Totals::of(float(books - stolen), &funds, &differences);
        prop_assert!(compare_totals(&over).is_some());
    }
}
