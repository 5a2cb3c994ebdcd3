//! A round of payments in both directions at once.

use std::collections::BTreeSet;

use futures_util::future::{join_all, join3};
use reqwest::Method;
use serde_json::json;

use crate::sandbox::Sandbox;

/// What a withdrawal is about. It stands in a commitment as an output of its own: what is below the dust limit is lost
/// to the fee when a kill closes the channel, for the payee too who has shown the preimage, and is then refused again.
const WITHDRAWN_SAT: i64 = 500;
/// What a deposit is about: as much comes in as goes out.
const DEPOSITED_SAT: i64 = 1_400;

/// What was asked for, over all rounds.
#[derive(Debug, Default)]
pub struct Load {
    /// Withdrawals that were answered before their server died.
    pub answered: usize,
    /// Payments to us that the counterparty saw settled before its server died.
    pub received: usize,
    /// The invoices that their payee refuses.
    pub refusing: BTreeSet<String>,
}

/// Sends `count` withdrawals, of which every fourth comes back, and as many payments to invoices of ours.
pub async fn round(sandbox: &Sandbox, count: usize, load: &mut Load) {
    let invoices = (0..count).map(async |number| {
        let refused = number % 4 == 3;
        let behaviour = if refused { "fail" } else { "pay" };
        let invoice = sandbox.invoice(WITHDRAWN_SAT, behaviour).await?;
        Some((invoice, refused))
    });
    let invoices: Vec<_> = join_all(invoices).await.into_iter().flatten().collect();
    let refusing = invoices.iter().filter(|(_, refused)| *refused);
    load.refusing
        .extend(refusing.map(|(invoice, _)| invoice.clone()));
    let withdrawals = join_all(
        invoices
            .iter()
            .map(|(invoice, _)| withdraw(sandbox, invoice)),
    );
    let deposits = join_all((0..count / 3).map(|_| deposit(sandbox)));
    let (withdrawals, deposits, ()) = join3(withdrawals, deposits, pay_nobody(sandbox)).await;
    load.answered += withdrawals.into_iter().filter(|answered| *answered).count();
    load.received += deposits.into_iter().filter(|settled| *settled).count();
}

async fn withdraw(sandbox: &Sandbox, invoice: &str) -> bool {
    let body = json!({ "destination": invoice, "amount": WITHDRAWN_SAT, "currency": "sats" });
    let path = "/v1/bitcoin/withdraw/confirm";
    let answer = sandbox.customer(Method::POST, path, &body).await;
    answer.is_some_and(|answer| answer["data"]["id"].is_string())
}

async fn deposit(sandbox: &Sandbox) -> bool {
    let body = json!({ "amount": DEPOSITED_SAT, "currency": "sats", "expiry_seconds": 86_400 });
    let path = "/v1/bitcoin/deposit/lightning-invoice";
    let Some(invoice) = sandbox.customer(Method::POST, path, &body).await else {
        return false;
    };
    let payment_request = &invoice["data"]["payment_request"];
    let body = json!({ "payment_request": payment_request });
    let paid = sandbox.admin(Method::POST, "/sandbox/pay", &body).await;
    paid.is_some_and(|paid| paid["status"] == "settled")
}

/// Something that is refused belongs to every load.
async fn pay_nobody(sandbox: &Sandbox) {
    let body = json!({ "destination": "lnbcrt1nothing", "amount": 1, "currency": "sats" });
    let path = "/v1/bitcoin/withdraw/confirm";
    drop(sandbox.customer(Method::POST, path, &body).await);
}
