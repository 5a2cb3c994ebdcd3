//! `kill -9` under load, again and again: no payment is lost, doubled or left in doubt.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::duration;
use crate::sandbox::{Sandbox, books_balance};

/// How many withdrawals are asked for between two kills.
const ROUND: usize = 12;
/// LDK takes no payment in the first two seconds after the receiver's start; half of the rounds wait for it.
const WARM_UP: Duration = Duration::from_millis(2_200);
/// How long what is in flight has to end by itself before blocks are mined.
const QUIET: Duration = Duration::from_secs(15);

/// What a round of load was.
#[derive(Debug, Default)]
struct Load {
    kills: u32,
    answered: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_withdrawal_ends_once_however_often_the_server_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let started = Instant::now();
    let mut load = Load::default();
    while started.elapsed() < duration() {
        kill_under_load(folder.path(), &mut load).await;
        assert!(books_balance(folder.path()), "after kill {}", load.kills);
    }
    let sandbox = Sandbox::start(folder.path());
    wait_until_all_ended(&sandbox).await;
    let withdrawals = sandbox.withdrawals().await;
    let settled = withdrawals
        .iter()
        .filter(|row| row["status"] == "settled")
        .count();
    eprintln!(
        "{load:?}, {} withdrawals, {settled} settled",
        withdrawals.len()
    );
    assert!(settled > 0, "something was paid at all");
    assert!(
        withdrawals.len() >= load.answered,
        "an answered withdrawal is never forgotten"
    );
    let recipients: BTreeSet<_> = withdrawals
        .iter()
        .map(|row| row["recipient"].to_string())
        .collect();
    assert_eq!(
        recipients.len(),
        withdrawals.len(),
        "no invoice is paid twice"
    );
    drop(sandbox);
    assert!(books_balance(folder.path()));
}

/// Asks for a round of withdrawals, and kills the server somewhere in it.
async fn kill_under_load(folder: &Path, load: &mut Load) {
    let sandbox = Sandbox::start(folder);
    let mut invoices = Vec::new();
    for number in 0..ROUND {
        invoices.push(
            sandbox
                .invoice(if number % 4 == 3 { "fail" } else { "pay" })
                .await,
        );
    }
    if load.kills.is_multiple_of(2) {
        tokio::time::sleep(WARM_UP).await;
    }
    // The kill falls at another moment of the work in each round.
    let until_kill = Duration::from_millis(u64::from(load.kills * 37 % 400));
    let all = join_all(invoices.iter().map(|invoice| withdraw(&sandbox, invoice)));
    let answers = tokio::time::timeout(until_kill, all)
        .await
        .unwrap_or_default();
    load.answered += answers.into_iter().filter(|answered| *answered).count();
    sandbox.kill();
    load.kills += 1;
}

async fn withdraw(sandbox: &Sandbox, invoice: &str) -> bool {
    let body = json!({ "destination": invoice, "amount": 100, "currency": "sats" });
    let path = "/v1/bitcoin/withdraw/confirm";
    sandbox
        .customer(reqwest::Method::POST, path, &body)
        .await
        .is_some()
}

/// A channel that a kill has closed resolves its payments on the chain, some only after their time locks.
async fn wait_until_all_ended(sandbox: &Sandbox) {
    let all_ended = async |sandbox: &Sandbox| {
        sandbox
            .withdrawals()
            .await
            .iter()
            .all(|row| row["status"] != "pending")
    };
    if tokio::time::timeout(QUIET, sandbox.until("ends", false, all_ended))
        .await
        .is_err()
    {
        sandbox
            .until("every withdrawal ends", true, all_ended)
            .await;
    }
}
