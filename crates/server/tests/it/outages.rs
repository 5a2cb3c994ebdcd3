//! The disk is full, the database is slow or away: no new money is taken, and none is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use payments::payment_hash::PaymentHash;
use payments::ports::{PayAnswer, PaymentFailure, Rejection};
use serde_json::json;
use testkit::{CommitFate, CommitFaults, Customer, HeldFile, TestServer, until};

on_sqlite!(g2_a_full_disk_stops_new_money_and_loses_none);
on_postgres!(
    g2_a_database_that_is_locked_for_seconds_takes_each_payment_once,
    g2_an_answer_of_the_node_for_which_there_was_no_room_is_written_later,
);

/// A withdrawal is in flight and an invoice is open when the disk is full; both end at the node meanwhile.
async fn g2_a_full_disk_stops_new_money_and_loses_none(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    server.until_asked(&invoice, 1).await;
    let hash = own_invoice(server, &customer).await;

    // SQLite never sets this below the file's size, so every new page is one too many.
    server.run_sql("PRAGMA max_page_count = 1");
    // Whatever fits into the pages that are there is taken, and then nothing more is.
    let refused = until("a withdrawal that is refused", async || {
        let answer = server
            .withdraw(&customer, &server.foreign_invoice(1).bolt11, 1)
            .await;
        (answer.status != 201).then_some(answer)
    })
    .await;
    assert_eq!(refused.problem(), (503, "timeout".to_owned()));
    let held = server.balance_msat(&customer).await;
    server.rail.push(invoice.succeeded(1_000));
    server.rail.receive(hash, 50_000);
    let given = server.rail.given();
    until("events that are tried again", async || {
        (server.rail.given() > given + 1).then_some(())
    })
    .await;
    assert!(
        !server.rail.is_quiet(),
        "what is not written is not acknowledged"
    );

    server.run_sql("PRAGMA max_page_count = 1000000");
    server.until_quiet().await;
    let settled = server.until_withdrawal(&customer, &id, "settled").await;
    assert_eq!(settled["fee_sats"], json!(1));
    // Of the reserve of 6 sats one was spent, and 50 came in.
    assert_eq!(server.balance_msat(&customer).await, held + 5_000 + 50_000);
    let again = server.foreign_invoice(1);
    server.accepted_withdrawal(&customer, &again, 1).await;
}

async fn g2_a_database_that_is_locked_for_seconds_takes_each_payment_once(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let lock = server.lock_table("LOCK TABLE ledger_account IN ACCESS EXCLUSIVE MODE");
    let body = json!({"amount": 100, "currency": "sats", "destination": invoice.bolt11});
    let call = || {
        let call = server
            .post("/v1/bitcoin/withdraw/confirm")
            .key(&customer.key);
        call.header("Idempotency-Key", "k").json(&body).send()
    };
    let impatient = tokio::time::timeout(Duration::from_millis(300), call()).await;
    assert!(impatient.is_err(), "it waits for the database");
    drop(lock);
    let first = call().await.data(201);
    assert_eq!(call().await.data(201), first);
    server.until_asked(&invoice, 1).await;
    assert_eq!(server.balance_msat(&customer).await, 10_000_000 - 106_000);
}

async fn own_invoice(server: &TestServer, of: &Customer) -> PaymentHash {
    let request = json!({"amount": 50, "currency": "sats"});
    let call = server.post("/v1/bitcoin/deposit/lightning-invoice");
    let made = call.key(&of.key).json(&request).send().await.data(201);
    let hash = made["r_hash"].as_str().expect("a hash");
    hash.parse().expect("a hash")
}

/// While `begin` makes trouble, until what it answers is dropped, payments end at the node in every way.
async fn payments_outlive<T>(server: &mut TestServer, begin: impl FnOnce(&TestServer) -> T) {
    let customer = server.customer(10_000).await;
    let hash = own_invoice(server, &customer).await;
    let invoices: Vec<_> = (0..4).map(|_| server.foreign_invoice(100)).collect();
    let rejected = PayAnswer::Rejected(Rejection::InvalidInvoice);
    server.rail.script(invoices[3].payment_hash, [rejected]);
    let mut ids = Vec::new();
    for (number, invoice) in invoices.iter().enumerate() {
        // The last one is still with the node when the trouble begins.
        server.rail.hold_payments(number == 3);
        let id = server.accepted_withdrawal(&customer, invoice, 100).await;
        server.until_asked(invoice, 1).await;
        ids.push(id);
    }
    let late = server.foreign_invoice(100);
    let ask = || {
        let call = server.withdrawal_call(&customer, &late.bolt11, 100);
        call.header("Idempotency-Key", "late").send()
    };

    let trouble = begin(server);
    let rejected = PaymentFailure::RecipientRejected;
    server.rail.push(invoices[0].succeeded(1_000));
    server.rail.push(invoices[1].failed(rejected));
    server.rail.receive(hash, 50_000);
    server.rail.hold_payments(false);
    let given = server.rail.given();
    assert_eq!(ask().await.problem(), (503, "timeout".to_owned()));
    until("events that are tried again", async || {
        (server.rail.given() > given + 1).then_some(())
    })
    .await;
    drop(trouble);

    server.until_quiet().await;
    for (id, status) in ids.iter().zip(["settled", "failed", "pending", "failed"]) {
        server.until_withdrawal(&customer, id, status).await;
    }
    let first = until("a withdrawal that is taken", async || {
        let answer = ask().await;
        (answer.status == 201).then(|| answer.data(201))
    })
    .await;
    assert_eq!(ask().await.data(201), first);
    server.until_asked(&late, 1).await;
    for invoice in invoices.iter().chain([&late]) {
        let asked = server.rail.asked_for(invoice.payment_hash).len();
        assert_eq!(asked, 1, "nothing was sent twice");
    }
    // One was paid with a fee of 1 sat, two are held with 6 each, and 50 came in.
    let held = 2 * 106_000;
    let balance = server.balance_msat(&customer).await;
    assert_eq!(balance, 10_000_000 - 101_000 - held + 50_000);
    for invoice in [&invoices[2], &late] {
        server.rail.push(invoice.succeeded(0));
    }
    server.until_quiet().await;
    let balance = server.balance_msat(&customer).await;
    assert_eq!(balance, 10_000_000 - 101_000 - 200_000 + 50_000);
}

/// A disk whose commits fail in one way while it is broken.
struct Disk(AtomicBool, CommitFate);

impl CommitFaults for Disk {
    fn before_commit(&self) -> CommitFate {
        match self.0.load(Ordering::SeqCst) {
            true => self.1,
            false => CommitFate::Go,
        }
    }

    fn after_commit(&self) -> CommitFate {
        CommitFate::Go
    }
}

/// Breaks a disk until it is dropped.
struct Broken(Arc<Disk>);

impl Drop for Broken {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::SeqCst);
    }
}

fn on_a_disk_that(fails: CommitFate) {
    let database = testkit::sqlite();
    let disk = Arc::new(Disk(AtomicBool::new(false), fails));
    let file = database.file().expect("a file").to_owned();
    testkit::put_faults(&file, Some(disk.clone()));
    testkit::run(&database, async |server: &mut TestServer| {
        // Only now is the disk under it.
        server.restart().await;
        payments_outlive(server, |_| {
            disk.0.store(true, Ordering::SeqCst);
            Broken(disk.clone())
        })
        .await;
    });
    testkit::put_faults(&file, None);
}

#[test]
fn g2_payments_outlive_a_disk_that_does_not_sync_on_sqlite() {
    on_a_disk_that(CommitFate::FailToSync);
}

#[test]
fn g2_payments_outlive_a_disk_that_became_read_only_on_sqlite() {
    on_a_disk_that(CommitFate::FailReadOnly);
}

#[test]
fn g2_payments_outlive_a_file_that_another_program_holds_on_sqlite() {
    let database = testkit::sqlite();
    let file = database.file().expect("a file").to_owned();
    testkit::run(&database, async |server: &mut TestServer| {
        payments_outlive(server, |_| HeldFile::take(&file)).await;
    });
}

#[test]
fn g2_payments_outlive_a_database_that_is_gone_for_a_while_on_postgres() {
    struct Gone(Arc<testkit::Proxy>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.mend();
        }
    }
    let Some(database) = testkit::postgres() else {
        return;
    };
    testkit::run_behind_a_proxy(&database, async |server, proxy| {
        payments_outlive(server, |_| {
            proxy.cut();
            Gone(proxy)
        })
        .await;
    });
}

/// The server of the database has no room for what the books are told of a rejected payment.
async fn g2_an_answer_of_the_node_for_which_there_was_no_room_is_written_later(
    server: &mut TestServer,
) {
    let customer = server.customer(10_000).await;
    let invoice = server.foreign_invoice(100);
    let rejected = PayAnswer::Rejected(Rejection::InvalidInvoice);
    server.rail.script(invoice.payment_hash, [rejected]);
    server.run_sql("CREATE SEQUENCE tries");
    server.run_sql(
        "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$",
    );
    server.run_sql(
        "CREATE TRIGGER no_room BEFORE INSERT ON posting FOR EACH ROW
         WHEN (NEW.fact_kind = 'withdrawal_end') EXECUTE FUNCTION no_room()",
    );
    let id = server.accepted_withdrawal(&customer, &invoice, 100).await;
    until("two tries", async || {
        (server.count("SELECT last_value FROM tries").await > 1).then_some(())
    })
    .await;
    assert_eq!(server.balance_msat(&customer).await, 10_000_000 - 106_000);
    server.run_sql("DROP TRIGGER no_room ON posting");
    server.until_withdrawal(&customer, &id, "failed").await;
    assert_eq!(server.balance_msat(&customer).await, 10_000_000);
}
