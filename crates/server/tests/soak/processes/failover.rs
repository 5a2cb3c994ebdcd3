//! `kill -9` of the process that runs the node, with payments in flight: another takes it over, and every payment ends
//! as the other side of the channel says it did. A kill that closes the channel is followed by its reopening.

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
/// The least number of failovers: by a kill, by one that closes the channel, and by one after that.
const LEAST: usize = 3;
/// Every so many rounds the process dies by itself between the writes of monitor and manager, from the second on: the
/// channel is closed then.
const CLOSING_EVERY: usize = 4;
/// How many steps of the channel a process survives that is to die so: more than one round takes.
const STEPS: usize = 300;
/// How long a closed channel may take until another one is usable, with blocks mined all the time.
const REOPENED_WITHIN: Duration = Duration::from_secs(180);
/// Blocks that are mined at once meanwhile. More would be new to our node when it sends through the new channel.
const BLOCKS: u32 = 6;

#[test]
fn g1_g4_the_node_is_taken_over_within_fifteen_seconds_of_a_kill() {
    run(failovers);
}

async fn failovers(cluster: &Cluster) {
    let mut holder = cluster.start("api,node,worker").await;
    holder.until_it_runs_the_node();
    let mut other = standby(cluster, 2).await;
    // G4: a second node with the same key does not start.
    other.until_it_waits_for_the_node();
    let account = cluster.account(&other.url, "the customer").await;
    cluster.fund(&other.url, &account, FUNDS_SAT).await;

    let (started, mut invoices, mut rounds, mut closed) = (Instant::now(), Vec::new(), 0, 0);
    while rounds < LEAST || started.elapsed() < duration() {
        rounds += 1;
        assert!(!other.has_said("this process runs the Lightning node"));
        let asked = failover(cluster, holder, &other, &account, rounds).await;
        let is_closed = !cluster.economy.is_channel_open();
        assert!(
            is_closed || !closes_the_channel(rounds),
            "it dies between two writes"
        );
        invoices.extend(asked.into_iter().map(|invoice| (invoice, is_closed)));
        cluster.audit().await;
        if is_closed {
            closed += 1;
            until_reopened(cluster, &other, rounds).await;
        }
        holder = std::mem::replace(&mut other, standby(cluster, rounds + 2).await);
    }
    // The last standby runs no node.
    let settled = every_end_is_the_other_sides(cluster, &holder.url, &account, &invoices).await;
    cluster.audit().await;
    assert_eq!(cluster.crashed_channels().await, (closed, closed));
    eprintln!(
        "{rounds} failovers, {closed} channels closed and reopened, {} withdrawals, {settled} settled",
        invoices.len()
    );
}

const fn closes_the_channel(round: usize) -> bool {
    round % CLOSING_EVERY == 2
}

/// The process that runs the node in `round`.
async fn standby(cluster: &Cluster, round: usize) -> Process {
    let crash_points = match closes_the_channel(round) {
        true => format!("node_state.monitor_updated={STEPS}*off->return"),
        false => String::new(),
    };
    cluster.start_with("api,node,worker", crash_points).await
}

/// Mines until the process that took over has opened another channel, which both sides can use.
async fn until_reopened(cluster: &Cluster, other: &Process, round: usize) {
    let since = Instant::now();
    while !cluster.economy.has_channel() {
        let waited = since.elapsed();
        assert!(
            waited < REOPENED_WITHIN,
            "nothing is reopened: {:?}",
            cluster.verdict(&other.url).await
        );
        tokio::task::block_in_place(|| cluster.economy.mine(BLOCKS));
        // The reconciler books what comes home: it is asked to look now.
        cluster.verdict(&other.url).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    eprintln!(
        "the channel was closed by kill {round}, and reopened after {:?}",
        since.elapsed()
    );
    until("the books to know of it", async || {
        let (closed, reopened) = cluster.crashed_channels().await;
        (closed == reopened).then_some(())
    })
    .await;
}

/// Ends `holder` while payments are held, sent and asked for.
async fn failover(
    cluster: &Cluster,
    holder: Process,
    other: &Process,
    account: &Account,
    round: usize,
) -> Vec<Invoice> {
    let economy = &cluster.economy;
    until("the channel", async || economy.has_channel().then_some(())).await;
    let held = invoices(HELD, || economy.held_invoice());
    assert!(withdraw(cluster, &other.url, account, &held).await);
    until("every held payment", async || {
        held.iter().all(|one| economy.holds(one)).then_some(())
    })
    .await;
    let (mut asked, killed_at) = match closes_the_channel(round) {
        true => dies_by_itself(cluster, holder, other, account).await,
        false => is_killed(cluster, holder, other, account, round).await,
    };

    let runs_at = tokio::task::block_in_place(|| other.until_it_runs_the_node());
    let after = invoices(1, || economy.invoice());
    assert!(withdraw(cluster, &other.url, account, &after).await);
    until(
        "a payment after the failover, or the end of the channel",
        async || (economy.was_paid(&after[0].hash) || !economy.is_channel_open()).then_some(()),
    )
    .await;
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
    asked.extend(held.into_iter().chain(after));
    asked
}

fn invoices(count: usize, make: impl Fn() -> Invoice) -> Vec<Invoice> {
    tokio::task::block_in_place(|| (0..count).map(|_| make()).collect())
}

/// Asks for all of them at once, and answers whether all were taken.
async fn withdraw(cluster: &Cluster, url: &str, account: &Account, invoices: &[Invoice]) -> bool {
    let asking = invoices.iter().map(async |invoice| {
        let answer = cluster.withdraw(url, account, &invoice.bolt11, INVOICE_SAT);
        answer.await.is_some_and(|(status, _)| status == 201)
    });
    join_all(asking).await.into_iter().all(|taken| taken)
}

/// A power cut while a round is being asked for. Answers what was asked for, and when it was.
async fn is_killed(
    cluster: &Cluster,
    holder: Process,
    other: &Process,
    account: &Account,
    round: usize,
) -> (Vec<Invoice>, Instant) {
    // The kill falls at another moment of the work in each round.
    let until_kill = Duration::from_millis(u64::try_from(round * 37 % 300).expect("small"));
    let sent = invoices(SENT, || cluster.economy.invoice());
    let killing = async {
        tokio::time::sleep(until_kill).await;
        tokio::task::block_in_place(|| holder.kill())
    };
    let asking = withdraw(cluster, &other.url, account, &sent);
    let (accepted, killed_at) = tokio::join!(asking, killing);
    assert!(accepted, "the other process takes everything");
    (sent, killed_at)
}

/// Asks for payments until the process dies at its crash point.
async fn dies_by_itself(
    cluster: &Cluster,
    mut holder: Process,
    other: &Process,
    account: &Account,
) -> (Vec<Invoice>, Instant) {
    let mut asked = Vec::new();
    until("the process to die at its crash point", async || {
        let sent = invoices(SENT, || cluster.economy.invoice());
        assert!(withdraw(cluster, &other.url, account, &sent).await);
        asked.extend(sent);
        holder.is_gone().then_some(())
    })
    .await;
    (asked, Instant::now())
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
