//! What most cases do over REST: withdraw, look at a withdrawal until it stands as expected, read the balance.

use serde_json::{Value, json};

use super::{Customer, TestServer};
use crate::invoice::{ForeignInvoice, InvoiceSpec};
use crate::patience::until;
use crate::rest::{Answer, Call};

impl TestServer {
    /// An invoice of another node for `sats`, which can be paid for an hour.
    #[must_use]
    pub fn foreign_invoice(&self, sats: u64) -> ForeignInvoice {
        InvoiceSpec::new(sats * 1_000, self.now()).sign()
    }

    /// The call that asks for a withdrawal of `sats` to `destination`.
    #[must_use]
    pub fn withdrawal_call(&self, customer: &Customer, destination: &str, sats: u64) -> Call {
        let request = json!({"amount": sats, "currency": "sats", "destination": destination});
        let call = self.post("/v1/bitcoin/withdraw/confirm");
        call.key(&customer.key).json(&request)
    }

    /// Asks for a withdrawal.
    pub async fn withdraw(&self, customer: &Customer, destination: &str, sats: u64) -> Answer {
        self.withdrawal_call(customer, destination, sats)
            .send()
            .await
    }

    /// Asks for a withdrawal that must be accepted, and gives back its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn accepted_withdrawal(
        &self,
        customer: &Customer,
        invoice: &ForeignInvoice,
        sats: u64,
    ) -> String {
        let answer = self.withdraw(customer, &invoice.bolt11, sats).await;
        answer.data(201)["id"].as_str().expect("an id").to_owned()
    }

    /// A withdrawal as its owner sees it.
    ///
    /// # Panics
    /// When there is none.
    pub async fn withdrawal(&self, customer: &Customer, id: &str) -> Value {
        let call = self.get(&format!("/v1/transactions/withdrawals/{id}"));
        call.key(&customer.key).send().await.data(200)
    }

    /// Waits until a withdrawal has this status.
    pub async fn until_withdrawal(&self, customer: &Customer, id: &str, status: &str) -> Value {
        until(&format!("a withdrawal that is {status}"), async || {
            let found = self.withdrawal(customer, id).await;
            (found["status"] == status).then_some(found)
        })
        .await
    }

    /// Waits until the node was asked to pay `invoice` `times` times, and the answer was written down if it is one
    /// that changes something.
    pub async fn until_asked(&self, invoice: &ForeignInvoice, times: usize) {
        until(&format!("call {times} to pay"), async || {
            (self.rail.asked_for(invoice.payment_hash).len() >= times).then_some(())
        })
        .await;
    }

    /// Waits until every event of the node was written down and acknowledged.
    pub async fn until_quiet(&self) {
        until("acknowledged events", async || {
            self.rail.is_quiet().then_some(())
        })
        .await;
    }

    /// What a customer can spend, in millisatoshis.
    ///
    /// # Panics
    /// When the answer has none.
    pub async fn balance_msat(&self, customer: &Customer) -> i64 {
        let call = self.get("/v1/transactions/balance").key(&customer.key);
        let balance = call.send().await.data(200);
        balance["balance_msat"].as_i64().expect("an exact balance")
    }
}
