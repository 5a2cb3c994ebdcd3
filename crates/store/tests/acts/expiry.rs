//! Invoices whose time ran out: ended once each, and told once each.

use payments::deposit::DepositState;
use payments::invoice::InvoiceState;
use store::acts::deposit::Credited;
use store::acts::invoice::expire_due_invoices;
use store::queries::transaction::{Transaction, page};
use store::queries::{invoice, payment};

use crate::builders::sat;
use crate::harness::{World, on_both, together};

on_both! {
    an_invoice_ends_when_its_time_runs_out_and_not_before,
    an_ended_invoice_leaves_one_failed_deposit_and_one_event,
    two_workers_end_each_invoice_once,
    a_paid_invoice_never_ends,
    an_invoice_paid_and_ended_at_the_same_moment_is_credited_once,
}

impl World {
    /// Ends at most `limit` invoices.
    pub fn expire(&self, limit: i64) -> usize {
        self.write(move |tx, act| expire_due_invoices(tx, act, limit))
            .expect("an answer")
    }
}

fn due(world: &World) -> bool {
    let now = world.now();
    world.read(move |tx| invoice::is_any_due(tx, now))
}

fn an_invoice_ends_when_its_time_runs_out_and_not_before(world: &World) {
    let customer = world.customer();
    for _ in 0..3 {
        world.open_invoice(&customer);
    }
    world.pass(3_599);
    assert!(!due(world));
    assert_eq!(world.expire(10), 0);
    world.pass(1);
    assert!(due(world));
    assert_eq!(world.expire(2), 2);
    assert!(due(world));
    assert_eq!(world.expire(2), 1);
    assert!(!due(world));
    assert_eq!(world.expire(2), 0);
}

fn an_ended_invoice_leaves_one_failed_deposit_and_one_event(world: &World) {
    let customer = world.customer();
    let mut asking = world.invoice(&customer);
    asking.amount_msat = Some(sat(100));
    world.record(&asking);
    world.pass(3_600);
    assert_eq!(world.expire(10), 1);
    let (account, id) = (customer.account.id, asking.id);
    let ended = world.read(move |tx| payment::invoice(tx, account, id));
    let ended = ended.expect("it is there");
    assert_eq!(ended.state, InvoiceState::Expired);
    assert_eq!((ended.received_msat, ended.settled_at), (None, None));

    let transactions = world.read(move |tx| page(tx, account, None, 10));
    let [Transaction::Deposit(deposit)] = transactions.as_slice() else {
        panic!("one failed deposit: {transactions:?}");
    };
    assert_eq!(deposit.state, DepositState::Failed);
    assert_eq!(deposit.amount_msat, sat(100));
    assert_eq!(deposit.metadata, asking.metadata);
    assert_eq!(deposit.posting_id, None);
    let told = world.events(deposit.id.to_bytes());
    assert_eq!(told, ["deposit.lightning.failed"]);
    assert_eq!(world.balance(&customer), (0, 0));
}

fn two_workers_end_each_invoice_once(world: &World) {
    let customer = world.customer();
    for _ in 0..40 {
        world.open_invoice(&customer);
    }
    world.pass(3_600);
    let ended = together(4, |_| {
        let mut ended = 0;
        // Others may hold what is left; whoever holds it ends it.
        loop {
            match world.expire(3) {
                0 => return ended,
                more => ended += more,
            }
        }
    });
    assert_eq!(ended.iter().sum::<usize>(), 40);
    let ended = "SELECT COUNT(*) FROM invoice WHERE state = 'expired'";
    assert_eq!(world.count(ended), 40);
    let failed = "SELECT COUNT(DISTINCT invoice_id) FROM deposit WHERE state = 'failed'";
    assert_eq!(world.count(failed), 40);
    assert_eq!(world.count("SELECT COUNT(*) FROM deposit"), 40);
    assert_eq!(
        world.count("SELECT COUNT(DISTINCT subject_id) FROM event"),
        40
    );
    assert_eq!(world.count("SELECT COUNT(*) FROM event"), 40);
}

fn a_paid_invoice_never_ends(world: &World) {
    let customer = world.customer_with(100);
    world.pass(1_000_000);
    assert!(!due(world));
    assert_eq!(world.expire(10), 0);
    assert_eq!(world.balance(&customer), (100_000, 0));
}

fn an_invoice_paid_and_ended_at_the_same_moment_is_credited_once(world: &World) {
    let customer = world.customer();
    for credited in 1..=20 {
        let open = world.open_invoice(&customer);
        world.pass(3_600);
        let hash = open.payment_hash;
        let ended = together(4, |number| match number {
            0 | 1 => world.expire(10),
            _ => {
                world.credit(hash, sat(100));
                0
            }
        });
        assert_eq!(world.credit(hash, sat(100)), Credited::Before);
        assert_eq!(world.balance(&customer), (credited * 100_000, 0));
        let (account, id) = (customer.account.id, open.id);
        let found = world.read(move |tx| payment::invoice(tx, account, id));
        let found = found.expect("it is there");
        assert_eq!(found.state, InvoiceState::Settled);
        // Ended first and then paid, or paid and never ended.
        assert!(ended.iter().sum::<usize>() <= 1);
        let settled = "SELECT COUNT(*) FROM deposit WHERE state = 'settled'";
        assert_eq!(world.count(settled), credited);
    }
    let per_deposit = "SELECT COUNT(*) FROM deposit d
                       WHERE (SELECT COUNT(*) FROM event e WHERE e.subject_id = d.id) <> 1";
    assert_eq!(world.count(per_deposit), 0);
}
