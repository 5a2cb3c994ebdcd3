//! `kill -9` of the process that runs the node, with payments in flight: another takes it over, and every payment ends
//! as the other side of the channel says it did.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::cluster::{Account, Cluster, run, until};
use super::economy::{INVOICE_SAT, Invoice};
use super::process::Process;
use crate::duration;

/// How long a failover may take, from the kill to a node that runs with its doubts resolved.
const LIMIT: Duration = Duration::from_secs(15);
/// How long what is in flight has to end by itself before blocks are mined.
const QUIET: Duration = Duration::from_secs(15);
const FUNDS_SAT: i64 = 500_000;
/// Payments of each kind in a round.
const HELD: usize = 6;
const SENT: usize = 12;
/// The least number of failovers, and so the node comes back to where it was.
const LEAST: usize = 2;

#[test]
fn g1_g4_the_node_is_taken_over_within_fifteen_seconds_of_a_kill() {
    run(failovers);
}

async fn failovers(cluster: &Cluster) {
    let mut holder = cluster.start("api,node,worker").await;
    holder.until_it_runs_the_node();
    let mut other = cluster.start("api,node,worker").await;
    // G4: a second node with the same key does not start.
    other.until_it_waits_for_the_node();
    let account = cluster.account(&other.url, "the customer").await;
    cluster.fund(&other.url, &account, FUNDS_SAT).await;

    let (started, mut invoices, mut rounds) = (Instant::now(), Vec::new(), 0);
    while rounds < LEAST || started.elapsed() < duration() {
        rounds += 1;
        assert!(!other.has_said("this process runs the Lightning node"));
        let asked = failover(cluster, holder, &other, &account, rounds).await;
        let closed = !cluster.economy.is_channel_open();
        invoices.extend(asked.into_iter().map(|invoice| (invoice, closed)));
        cluster.audit().await;
        if closed {
            eprintln!("the channel was closed by kill {rounds}");
            break;
        }
        holder = std::mem::replace(&mut other, cluster.start("api,node,worker").await);
    }
    let settled = every_end_is_the_other_sides(cluster, &other.url, &account, &invoices).await;
    cluster.audit().await;
    eprintln!(
        "{rounds} failovers, {} withdrawals, {settled} settled",
        invoices.len()
    );
}

/// Kills `holder` while payments are held, sent and asked for.
async fn failover(
    cluster: &Cluster,
    holder: Process,
    other: &Process,
    account: &Account,
    round: usize,
) -> Vec<Invoice> {
    let economy = &cluster.economy;
    until("the channel", async || economy.has_channel().then_some(())).await;
    let make = |count: usize, make: &dyn Fn() -> Invoice| {
        tokio::task::block_in_place(|| (0..count).map(|_| make()).collect::<Vec<_>>())
    };
    let held = make(HELD, &|| economy.held_invoice());
    let sent = make(SENT, &|| economy.invoice());
    let withdraw = async |url: &str, invoice: &Invoice| {
        let answer = cluster.withdraw(url, account, &invoice.bolt11, INVOICE_SAT);
        answer.await.is_some_and(|(status, _)| status == 201)
    };
    for invoice in &held {
        assert!(withdraw(&other.url, invoice).await);
    }
    until("every held payment", async || {
        held.iter().all(|one| economy.holds(one)).then_some(())
    })
    .await;
    // The kill falls at another moment of the work in each round.
    let until_kill = Duration::from_millis(u64::try_from(round * 37 % 300).expect("small"));
    let asking = join_all(sent.iter().map(|invoice| withdraw(&other.url, invoice)));
    let killing = async {
        tokio::time::sleep(until_kill).await;
        tokio::task::block_in_place(|| holder.kill())
    };
    let (accepted, killed_at) = tokio::join!(asking, killing);
    assert!(
        accepted.iter().all(|accepted| *accepted),
        "the other process takes everything"
    );

    let runs_at = tokio::task::block_in_place(|| other.until_it_runs_the_node());
    let after = make(1, &|| economy.invoice());
    let asked = withdraw(&other.url, &after[0]).await;
    assert!(asked);
    if economy.is_channel_open() {
        until(
            "a payment after the failover, or the end of the channel",
            async || (economy.was_paid(&after[0].hash) || !economy.is_channel_open()).then_some(()),
        )
        .await;
    }
    let took = runs_at.duration_since(killed_at);
    eprintln!(
        "failover {round}: the node ran after {took:?}, and the next payment was there after {:?}",
        killed_at.elapsed()
    );
    assert!(took < LIMIT, "{took:?}");
    // What is held in a closed channel cannot be taken any more: it is too small for an output.
    let takes = |number: usize| !number.is_multiple_of(3) && economy.is_channel_open();
    for (number, invoice) in held.iter().enumerate() {
        tokio::task::block_in_place(|| economy.release(invoice, takes(number)));
    }
    held.into_iter().chain(sent).chain(after).collect()
}

/// Waits for the ends, and compares them with what the payee has. Answers how many were settled.
///
/// A payment that the payee took while the channel was closing never gets back as an output: it is too small for one.
/// The payee, who is the peer of the channel, has lost it then, and our side has not paid it.
async fn every_end_is_the_other_sides(
    cluster: &Cluster,
    url: &str,
    account: &Account,
    invoices: &[(Invoice, bool)],
) -> usize {
    let quiet_until = Instant::now() + QUIET;
    let ended = until("every withdrawal ends", async || {
        let rows = cluster.withdrawals(url, account).await;
        let pending = rows.iter().any(|(_, status)| status == "pending");
        if pending && Instant::now() > quiet_until {
            // A channel that the kill has closed resolves its payments on the chain.
            tokio::task::block_in_place(|| cluster.economy.mine(10));
        }
        (!pending).then_some(rows)
    })
    .await;
    assert_eq!(ended.len(), invoices.len(), "each was taken once");
    let mut settled = 0;
    for (invoice, closed) in invoices {
        let row = ended.iter().find(|(bolt11, _)| *bolt11 == invoice.bolt11);
        let (_, status) = row.expect("what was taken is never forgotten");
        until("the payee to say the same", async || {
            let paid = cluster.economy.was_paid(&invoice.hash);
            let is_lost = *closed && paid && status != "settled";
            (is_lost || (status == "settled") == paid).then_some(())
        })
        .await;
        settled += usize::from(status == "settled");
    }
    settled
}
