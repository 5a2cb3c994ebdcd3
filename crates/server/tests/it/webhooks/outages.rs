//! The database goes away while webhooks are under way: none is lost, and no person has to do anything.

use std::time::Duration;

use serde_json::json;
use testkit::{HeldFile, TestReceiver, TestServer, until};

use super::calls::{until_count, webhook};

const EVENTS: usize = 40;

/// Begins trouble with deliveries under way, ends it once the API has said that nothing goes, and looks what came.
/// `lost` is how many answers of the database may be lost with the connection.
async fn deliveries_outlive<T>(
    server: &mut TestServer,
    lost: usize,
    begin: impl FnOnce(&TestServer) -> T,
) {
    let receiver = TestReceiver::start().await;
    receiver.answer_after(Duration::from_millis(20));
    let customer = server.customer(0).await;
    webhook(server, &customer, &receiver.url(), json!({})).await;
    for _ in 0..EVENTS {
        server.fund(customer.account_id, 1).await;
    }
    receiver.wait_for(2).await;
    let trouble = begin(server);
    let body = json!({"amount": 50, "currency": "sats"});
    let ask = || {
        let call = server.post("/v1/bitcoin/deposit/lightning-invoice");
        call.key(&customer.key).json(&body).send()
    };
    let refused = ask().await;
    assert!(refused.status >= 500, "it fails closed: {refused:?}");
    drop(trouble);
    let delivered = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'";
    until("the database is back", async || {
        (ask().await.status == 201).then_some(())
    })
    .await;
    // A claim whose answer was lost is made again once its lease has run out.
    server.run_sql("UPDATE webhook_delivery SET lease_until = 0 WHERE state = 'leased'");
    until_count(server, delivered, i64::try_from(EVENTS).expect("few")).await;
    let ids: std::collections::BTreeSet<_> = receiver
        .received()
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.len(), EVENTS);
    let received = receiver.received().len();
    assert!(
        received <= EVENTS + lost,
        "what was sent is written down late: {received}"
    );
}

#[test]
fn s33_deliveries_outlive_a_file_that_another_program_holds_on_sqlite() {
    let database = testkit::sqlite();
    let file = database.file().expect("a file").to_owned();
    testkit::run(&database, async |server: &mut TestServer| {
        deliveries_outlive(server, 0, |_| HeldFile::take(&file)).await;
    });
}

#[test]
fn s33_deliveries_outlive_a_database_that_is_gone_for_a_while_on_postgres() {
    let Some(database) = testkit::postgres() else {
        return;
    };
    testkit::run_behind_a_proxy(&database, async |server, proxy| {
        // As many as are under way at once, and what is claimed ahead of them.
        deliveries_outlive(server, EVENTS, |_| {
            proxy.cut();
            Mended(proxy)
        })
        .await;
    });
}

/// Mends the connection when it is dropped.
struct Mended(std::sync::Arc<testkit::Proxy>);

impl Drop for Mended {
    fn drop(&mut self) {
        self.0.mend();
    }
}
