//! A million deliveries that wait for tomorrow, and what it costs to find the one that is due today.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use payments::ids::{AccountId, EndpointId};
use payments::ports::{Clock, SystemClock};
use payments::webhook::{SealedSecret, WebhookEndpoint};
use server::app::App;
use store::acts::account::create_account;
use store::acts::webhook::claim::{Quota, claim_deliveries};
use store::acts::webhook::endpoint::create_endpoint;
use store::testing::Database;
use store::{Store, StoreError, params};

use crate::is_long;

/// Events as text of 16 digits, which is as long as an id.
const EVENTS: [&str; 2] = [
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
     INSERT INTO event (account_id, id, account_seq, kind, subject_id, webhook_body, hub_body, created_at)
     SELECT $2, CAST(printf('%016d', i) AS BLOB), i, 'deposit.lightning.completed', CAST(printf('%016d', i) AS BLOB),
         CAST('{}' AS BLOB), CAST('{}' AS BLOB), $3 FROM n",
    "WITH RECURSIVE n (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < $1)
     INSERT INTO event (account_id, id, account_seq, kind, subject_id, webhook_body, hub_body, created_at)
     SELECT $2, convert_to(lpad(CAST(i AS TEXT), 16, '0'), 'UTF8'), i, 'deposit.lightning.completed',
         convert_to(lpad(CAST(i AS TEXT), 16, '0'), 'UTF8'), convert_to('{}', 'UTF8'), convert_to('{}', 'UTF8'), $3
     FROM n",
];
/// One in a hundred was delivered, and one of each endpoint is due; the others wait.
const DELIVERIES: &str =
    "INSERT INTO webhook_delivery (event_id, endpoint_id, seq, subject_id, ordered, state, next_at)
     SELECT v.id, e.id, v.seq, v.subject_id, 1,
         CASE WHEN v.account_seq % 100 = 1 THEN 'delivered' ELSE 'pending' END,
         CASE WHEN v.account_seq = 2 THEN CAST($1 AS BIGINT) ELSE CAST($2 AS BIGINT) END
     FROM event v JOIN webhook_endpoint e ON e.account_id = v.account_id";

#[test]
fn s32_what_is_due_is_found_among_a_million_that_wait_on_sqlite() {
    claims(&store::testing::sqlite());
}

#[test]
fn s32_what_is_due_is_found_among_a_million_that_wait_on_postgres() {
    if let Some(database) = store::testing::postgres() {
        claims(&database);
    }
}

fn claims(database: &Database) {
    let (each, store) = (if is_long() { 1_000 } else { 100 }, database.store());
    let app = App::new(
        store.clone(),
        payments::network::Network::Regtest,
        payments::fee_policy::FeePolicy::default(),
    );
    let now = SystemClock.now();
    let endpoints = fill(store, &app, each, now);
    let mut took = Vec::new();
    for id in endpoints {
        let quota = Quota {
            endpoint_id: id,
            most: 10,
            probe_after: None,
            per_second: None,
        };
        let (act, begun) = (app.acting(), Instant::now());
        let claimed = store.write(move |tx| claim_deliveries(tx, &act, 60_000, &[quota]));
        took.push(begun.elapsed());
        let claimed = claimed.map_err(|error: StoreError| error).expect("a claim");
        assert_eq!(claimed[0].1.len(), 1, "what waits is not claimed");
    }
    took.sort();
    let (p50, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    eprintln!(
        "{} deliveries wait: a claim takes {p50:?}, p99 {p99:?}",
        each * each
    );
    assert!(!is_long() || p99 < Duration::from_millis(5), "{p99:?}");
}

/// Writes `each` events to each of `each` endpoints.
fn fill(store: &Store, app: &App, each: usize, now: Timestamp) -> Vec<EndpointId> {
    let act = app.acting();
    let made = store.write(move |tx| {
        let account_id = create_account(tx, &act, "a customer")?.id;
        let mut ids = Vec::with_capacity(each);
        for _ in 0..each {
            let id: EndpointId = act.ids.fresh();
            let secret = SealedSecret::from_stored(String::new());
            let url = "https://example.com/".to_owned();
            create_endpoint(tx, &WebhookEndpoint::new(id, account_id, url, secret, now))?;
            ids.push(id);
        }
        Ok::<_, StoreError>((account_id, ids))
    });
    let (account_id, ids): (AccountId, _) = made.expect("endpoints");
    let events = EVENTS[usize::from(store.is_shared())];
    let count = i64::try_from(each).expect("a count");
    let (due, tomorrow) = (
        now.as_microsecond() - 1,
        now.as_microsecond() + 86_400_000_000,
    );
    let written = store.write(move |tx| {
        tx.execute(events, params![count, account_id.to_bytes(), due])?;
        tx.execute(DELIVERIES, params![due, tomorrow])
    });
    written
        .map_err(|error: StoreError| error)
        .expect("a backlog");
    ids
}
