//! Money that came in: credited once, in full, wherever it belongs.

use ledger::SystemAccount;
use money::BasisPoints;
use payments::deposit::{Deposit, DepositState};
use payments::fee_policy::FeePolicy;
use payments::invoice::{Invoice, InvoiceState};
use payments::suspense::SuspenseReason;
use store::acts::deposit::Credited;
use store::queries::payment;

use crate::builders::{Customer, msat, sat};
use crate::harness::{CAPITAL_MSAT, World, on_both, together};

on_both! {
    a_payment_is_credited_with_its_invoice_and_reads_back_whole,
    a_replayed_report_is_credited_once,
    eight_reports_at_once_are_credited_once,
    d4_what_came_is_credited_once_whatever_was_asked_for,
    money_for_no_invoice_goes_to_suspense_once,
    money_in_suspense_stays_there_when_its_invoice_appears,
    d8_a_late_payment_of_an_expired_invoice_is_credited,
    the_platform_takes_its_fee_rounded_up_and_no_millisatoshi_is_lost,
    a_platform_that_takes_all_leaves_nothing_owed,
    a_payment_of_nothing_books_nothing_and_is_taken,
}

fn deposited(credited: Credited) -> Deposit {
    match credited {
        Credited::Deposit(deposit) => *deposit,
        other => panic!("no deposit: {other:?}"),
    }
}

fn stored(world: &World, of: &Customer, invoice: &Invoice) -> Invoice {
    let (account, id) = (of.account.id, invoice.id);
    world
        .read(move |tx| payment::invoice(tx, account, id))
        .expect("it is there")
}

/// Deposits by state.
fn deposits(world: &World) -> [i64; 2] {
    [
        world.count("SELECT COUNT(*) FROM deposit WHERE state = 'settled'"),
        world.count("SELECT COUNT(*) FROM deposit WHERE state = 'failed'"),
    ]
}

fn a_payment_is_credited_with_its_invoice_and_reads_back_whole(world: &World) {
    let customer = world.customer();
    let invoice = world.open_invoice(&customer);
    assert_eq!(stored(world, &customer, &invoice), invoice);
    world.pass(7);
    let deposit = deposited(world.credit(invoice.payment_hash, msat(123_456)));
    assert_eq!(deposit.invoice_id, Some(invoice.id));
    assert_eq!(deposit.amount_msat, msat(123_456));
    assert_eq!(deposit.state, DepositState::Settled);
    let (account, id) = (customer.account.id, deposit.id);
    let found = world.read(move |tx| payment::deposit(tx, account, id));
    assert_eq!(found.as_ref(), Some(&deposit));
    let paid = Invoice {
        state: InvoiceState::Settled,
        received_msat: Some(msat(123_456)),
        settled_at: Some(world.now()),
        updated_at: world.now(),
        ..invoice.clone()
    };
    assert_eq!(stored(world, &customer, &invoice), paid);
    assert_eq!(world.balance(&customer), (123_456, 0));
    assert_eq!(world.events(id.to_bytes()), ["deposit.lightning.completed"]);
}

fn a_replayed_report_is_credited_once(world: &World) {
    let customer = world.customer();
    let hash = world.open_invoice(&customer).payment_hash;
    deposited(world.credit(hash, sat(100)));
    for _ in 0..3 {
        world.pass(60);
        assert_eq!(world.credit(hash, sat(100)), Credited::Before);
    }
    assert_eq!(world.balance(&customer), (100_000, 0));
    assert_eq!(deposits(world), [1, 0]);
    assert_eq!(world.count("SELECT COUNT(*) FROM event"), 1);
}

fn eight_reports_at_once_are_credited_once(world: &World) {
    let customer = world.customer();
    for credited in 1..=10 {
        let hash = world.open_invoice(&customer).payment_hash;
        let answers = together(8, |_| world.credit(hash, sat(100)));
        let before = answers.iter().filter(|answer| **answer == Credited::Before);
        assert_eq!(before.count(), 7);
        assert_eq!(world.balance(&customer), (credited * 100_000, 0));
        assert_eq!(deposits(world), [credited, 0]);
    }
}

fn d4_what_came_is_credited_once_whatever_was_asked_for(world: &World) {
    let customer = world.customer();
    for (asked, came) in [(100, 200), (100, 99), (100, 100)] {
        let mut invoice = world.invoice(&customer);
        invoice.amount_msat = Some(sat(asked));
        world.record(&invoice);
        let deposit = deposited(world.credit(invoice.payment_hash, sat(came)));
        assert_eq!(deposit.amount_msat, sat(came));
        let paid = stored(world, &customer, &invoice);
        assert_eq!(
            (paid.amount_msat, paid.received_msat),
            (Some(sat(asked)), Some(sat(came)))
        );
    }
    assert_eq!(world.balance(&customer), (399_000, 0));
}

fn money_for_no_invoice_goes_to_suspense_once(world: &World) {
    let hash = world.hash();
    let answers = together(8, |_| world.credit(hash, sat(100)));
    let suspended = |answer: &&Credited| **answer == Credited::Suspense(SuspenseReason::NoInvoice);
    assert_eq!(answers.iter().filter(suspended).count(), 1);
    assert_eq!(world.credit(hash, sat(100)), Credited::Before);
    assert_eq!(world.net(SystemAccount::Suspense), 100_000);
    assert_eq!(world.count("SELECT COUNT(*) FROM event"), 0);
    assert_eq!(deposits(world), [0, 0]);
}

fn money_in_suspense_stays_there_when_its_invoice_appears(world: &World) {
    let customer = world.customer();
    let invoice = world.invoice(&customer);
    assert_eq!(
        world.credit(invoice.payment_hash, sat(100)),
        Credited::Suspense(SuspenseReason::NoInvoice)
    );
    world.record(&invoice);
    assert_eq!(
        world.credit(invoice.payment_hash, sat(100)),
        Credited::Before
    );
    assert_eq!(world.balance(&customer), (0, 0));
    assert_eq!(world.net(SystemAccount::Suspense), 100_000);
    assert_eq!(stored(world, &customer, &invoice), invoice);
}

fn d8_a_late_payment_of_an_expired_invoice_is_credited(world: &World) {
    let customer = world.customer();
    let invoice = world.open_invoice(&customer);
    world.pass(3_600);
    assert_eq!(world.expire(10), 1);
    assert_eq!(deposits(world), [0, 1]);
    deposited(world.credit(invoice.payment_hash, sat(100)));
    assert_eq!(
        world.credit(invoice.payment_hash, sat(100)),
        Credited::Before
    );
    assert_eq!(world.balance(&customer), (100_000, 0));
    assert_eq!(deposits(world), [1, 1]);
    let paid = stored(world, &customer, &invoice);
    assert_eq!(paid.state, InvoiceState::Settled);
    assert_eq!(paid.received_msat, Some(sat(100)));
    assert_eq!(world.expire(10), 0);
}

fn taking(points: u16) -> FeePolicy {
    FeePolicy {
        deposit_fee: BasisPoints::new(points).expect("a share"),
        ..FeePolicy::default()
    }
}

fn the_platform_takes_its_fee_rounded_up_and_no_millisatoshi_is_lost(world: &World) {
    let customer = world.customer();
    let hash = world.open_invoice(&customer).payment_hash;
    // 1 % of 100,001 is 1,000.01.
    let deposit = deposited(world.credit_with(hash, msat(100_001), taking(100)));
    assert_eq!(deposit.platform_fee_msat, msat(1_001));
    assert_eq!(world.balance(&customer), (99_000, 0));
    assert_eq!(world.net(SystemAccount::PlatformFee), 1_001);
    let hash = world.open_invoice(&customer).payment_hash;
    deposited(world.credit_with(hash, msat(1), taking(0)));
    assert_eq!(world.balance(&customer), (99_001, 0));
    let float = CAPITAL_MSAT + 100_002;
    assert_eq!(world.net(SystemAccount::LightningFloat), -float);
}

fn a_platform_that_takes_all_leaves_nothing_owed(world: &World) {
    let customer = world.customer();
    let hash = world.open_invoice(&customer).payment_hash;
    // One percent of one millisatoshi, rounded up, is all of it.
    let deposit = deposited(world.credit_with(hash, msat(1), taking(100)));
    assert_eq!(deposit.platform_fee_msat, msat(1));
    assert_eq!(world.balance(&customer), (0, 0));
    assert_eq!(world.net(SystemAccount::PlatformFee), 1);
    assert_eq!(world.events(deposit.id.to_bytes()).len(), 1);
}

/// An error here would keep the node's event queue from moving on, for ever.
fn a_payment_of_nothing_books_nothing_and_is_taken(world: &World) {
    let customer = world.customer();
    let invoice = world.open_invoice(&customer);
    assert_eq!(
        world.credit(invoice.payment_hash, msat(0)),
        Credited::Before
    );
    assert_eq!(world.credit(world.hash(), msat(0)), Credited::Before);
    assert_eq!(stored(world, &customer, &invoice), invoice);
    assert_eq!(deposits(world), [0, 0]);
    assert_eq!(world.count("SELECT COUNT(*) FROM event"), 0);
    // The invoice can still be paid.
    deposited(world.credit(invoice.payment_hash, sat(1)));
    assert_eq!(world.balance(&customer), (1_000, 0));
}
