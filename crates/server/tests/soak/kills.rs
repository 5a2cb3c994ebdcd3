//! `kill -9` under load, again and again: no payment is lost, doubled or left in doubt.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::duration;
use crate::sandbox::{Sandbox, books_balance};

/// How many withdrawals are asked for between two kills.
const ROUND: usize = 12;
/// LDK takes no payment in the first two seconds after the receiver's start; half of the rounds wait for it.
const WARM_UP: Duration = Duration::from_millis(2_200);
/// How long what is in flight has to end by itself before blocks are mined.
const QUIET: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_withdrawal_ends_once_however_often_the_server_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let started = Instant::now();
    let mut kills = 0u32;
    let mut asked = 0usize;
    while started.elapsed() < duration() {
        let sandbox = Sandbox::start(folder.path());
        let mut invoices = Vec::new();
        for number in 0..ROUND {
            invoices.push(
                sandbox
                    .invoice(if number % 4 == 3 { "fail" } else { "pay" })
                    .await,
            );
        }
        if kills.is_multiple_of(2) {
            tokio::time::sleep(WARM_UP).await;
        }
        // The kill falls at another moment of the work in each round.
        let until_kill = Duration::from_millis(u64::from(kills * 37 % 400));
        let requests = invoices.iter().map(|invoice| {
            let body = json!({ "destination": invoice, "amount": 100, "currency": "sats" });
            let sandbox = &sandbox;
            async move {
                let path = "/v1/bitcoin/withdraw/confirm";
                sandbox
                    .customer(reqwest::Method::POST, path, &body)
                    .await
                    .is_some()
            }
        });
        let all = futures_util::future::join_all(requests);
        let cut = tokio::time::timeout(until_kill, all).await;
        asked += cut.map_or(0, |answers| {
            answers.into_iter().filter(|answered| *answered).count()
        });
        sandbox.kill();
        kills += 1;
        assert!(books_balance(folder.path()), "after kill {kills}");
    }
    let sandbox = Sandbox::start(folder.path());
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
        // A channel that a kill has closed resolves its payments on the chain, some only after their time locks.
        sandbox
            .until("every withdrawal ends", true, all_ended)
            .await;
    }
    let withdrawals = sandbox.withdrawals().await;
    let settled = withdrawals
        .iter()
        .filter(|row| row["status"] == "settled")
        .count();
    eprintln!(
        "{kills} kills, {} withdrawals ({asked} answered before their kill), {settled} settled",
        withdrawals.len()
    );
    assert!(settled > 0, "something was paid at all");
    assert!(
        withdrawals.len() >= asked,
        "an answered withdrawal is never forgotten"
    );
    let recipients: std::collections::BTreeSet<_> = withdrawals
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
