//! The bank test: many customers pay each other through several processes at once, and no millisatoshi comes or goes.

use std::time::Instant;

use futures_util::future::join_all;
use payments::ports::{Entropy, SystemEntropy};

use super::cluster::{Account, Cluster, run};
use crate::duration;

const ACCOUNTS: usize = 6;
const TELLERS: usize = 8;
const FUNDS_SAT: i64 = 600_000;

#[test]
fn a5_two_processes_keep_the_sum_of_all_accounts() {
    run(async |cluster| bank(cluster, 2).await);
}

#[test]
fn a5_three_processes_keep_the_sum_of_all_accounts() {
    run(async |cluster| bank(cluster, 3).await);
}

async fn bank(cluster: &Cluster, count: usize) {
    let mut processes = vec![cluster.start("api,node,worker").await];
    processes[0].until_it_runs_the_node();
    for _ in 1..count {
        processes.push(cluster.start("api,worker").await);
    }
    let urls: Vec<&str> = processes
        .iter()
        .map(|process| process.url.as_str())
        .collect();
    let mut accounts = Vec::new();
    for number in 0..ACCOUNTS {
        let url = urls[number % count];
        accounts.push(cluster.account(url, &format!("customer {number}")).await);
    }
    cluster.fund(urls[0], &accounts[0], FUNDS_SAT).await;
    for account in &accounts[1..] {
        let share = FUNDS_SAT / 6;
        assert!(
            pay(
                cluster,
                (urls[0], urls[count - 1]),
                (&accounts[0], account),
                share
            )
            .await
        );
    }
    let (started, sum) = (Instant::now(), FUNDS_SAT * 1_000);
    assert_eq!(cluster.customers_msat().await, sum);

    let tellers = (0..TELLERS).map(|_| teller(cluster, &urls, &accounts, started));
    let (paid, ()) = tokio::join!(join_all(tellers), watch(cluster, started, sum));
    let paid: usize = paid.into_iter().sum();
    assert_eq!(cluster.customers_msat().await, sum);
    let mut balances = 0;
    for (number, account) in accounts.iter().enumerate() {
        let seen = join_all(urls.iter().map(|url| cluster.balance_sat(url, account))).await;
        assert!(
            seen.iter()
                .all(|balance| *balance == seen[0] && *balance >= 0),
            "{seen:?}"
        );
        balances += seen[number % count];
    }
    assert_eq!(balances, FUNDS_SAT, "nothing is held in the end");
    cluster.audit().await;
    eprintln!("{count} processes: {paid} payments between {ACCOUNTS} accounts");
    assert!(paid > 0);
}

/// Lets random customers pay each other, each step through a random process. Answers how often it was done.
async fn teller(cluster: &Cluster, urls: &[&str], accounts: &[Account], started: Instant) -> usize {
    let mut paid = 0;
    while started.elapsed() < duration() {
        let [payer, payee, first, second, amount] = draw();
        let (payer, payee) = (&accounts[payer % ACCOUNTS], &accounts[payee % ACCOUNTS]);
        let through = (urls[first % urls.len()], urls[second % urls.len()]);
        // Some ask for more than anybody has.
        let amount = i64::try_from(1 + amount * 400).expect("small");
        paid += usize::from(pay(cluster, through, (payer, payee), amount).await);
    }
    paid
}

fn draw() -> [usize; 5] {
    let mut bytes = [0; 5];
    SystemEntropy.fill(&mut bytes);
    bytes.map(usize::from)
}

/// The payee makes an invoice at one process, the payer pays it at the other.
async fn pay(
    cluster: &Cluster,
    (makes, pays): (&str, &str),
    (payer, payee): (&Account, &Account),
    sats: i64,
) -> bool {
    let invoice = cluster.invoice(makes, payee, sats).await;
    let invoice = invoice.expect("an invoice");
    let answer = cluster.withdraw(pays, payer, &invoice, sats).await;
    let (status, answer) = answer.expect("an answer");
    assert!(status < 500, "{answer}");
    status == 201
}

/// The sum and every invariant hold in each committed state.
async fn watch(cluster: &Cluster, started: Instant, sum: i64) {
    while started.elapsed() < duration() {
        assert_eq!(cluster.customers_msat().await, sum);
        cluster.audit().await;
    }
}
