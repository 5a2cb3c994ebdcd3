//! Answers that are lost, rows that are damaged, attempts that fail in every way, and a stop with much under way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use server::roles::{Role, Roles};
use testkit::{TestReceiver, TestServer, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use webhooks::EgressPolicy;

use super::calls::{ask, get, post, until_count, until_state, webhook};
use super::signature::verify;

const DEPOSIT: &str = "deposit.lightning.completed";

on_both!(
    s17_one_delivery_that_cannot_be_recorded_repeats_none_of_the_others,
    s19_an_answer_that_is_lost_is_followed_by_the_same_message_with_a_newer_time,
    s31_every_way_to_fail_counts_and_comes_to_an_end,
    s34_a_stop_ends_what_is_under_way_and_leaves_the_rest_for_the_next_start,
);
on_sqlite!(
    s29_a_webhook_deleted_between_attempts_gets_no_more,
    s30_a_damaged_url_ends_its_deliveries_and_no_others,
    s37_what_the_endpoint_answered_is_shown_as_text_alone,
);

const STATES: [&str; 2] = [
    "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'delivered'",
    "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'leased'",
];

async fn s17_one_delivery_that_cannot_be_recorded_repeats_none_of_the_others(
    server: &mut TestServer,
) {
    const ENDPOINTS: usize = 60;
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let made = (0..ENDPOINTS).map(|number| {
        let own = json!({"headers": {"x-number": number.to_string()}});
        let (server, customer, url) = (&*server, &customer, receiver.url());
        async move { webhook(server, customer, &url, own).await }
    });
    futures_util::future::join_all(made).await;
    server.run_sql("UPDATE webhook_endpoint SET state = 'paused'");
    server.fund(customer.account_id, 1).await;
    // The database refuses the record of one of them: such an attempt is there already.
    server.run_sql(
        "INSERT INTO webhook_attempt (event_id, endpoint_id, number, started_at, outcome, total_us, response_excerpt)
         SELECT event_id, endpoint_id, 1, 0, 'unknown', 0, event_id FROM webhook_delivery
         ORDER BY endpoint_id LIMIT 1",
    );
    server.run_sql("UPDATE webhook_endpoint SET state = 'active'");
    receiver.wait_for(ENDPOINTS).await;
    let others = i64::try_from(ENDPOINTS).expect("few") - 1;
    until_count(server, STATES[0], others).await;
    assert_eq!(server.count(STATES[1]).await, 1, "its lease is left");
    // Its lease runs out, or its process dies: it is sent once more, and the others are not.
    server.run_sql("UPDATE webhook_delivery SET lease_until = 0 WHERE state = 'leased'");
    server.restart().await;
    until_count(server, STATES[0], others + 1).await;
    let mut requests: BTreeMap<String, usize> = BTreeMap::new();
    for request in receiver.received() {
        *requests
            .entry(request.header("x-number").to_owned())
            .or_default() += 1;
    }
    assert_eq!(requests.len(), ENDPOINTS);
    let repeated = requests.values().filter(|count| **count > 1).count();
    assert!(
        repeated <= 1 && receiver.received().len() <= ENDPOINTS + 1,
        "{requests:?}"
    );
}

/// The head and the body of each request that came.
type Requests = Arc<Mutex<Vec<(String, String)>>>;

/// Somebody who takes requests, and closes the first connection instead of an answer.
async fn forgetful() -> (Requests, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
    let requests = Requests::default();
    let desk = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move {
                while let Some(request) = read(&mut connection).await {
                    let count = {
                        let mut desk = desk.lock().expect("no panic");
                        desk.push(request);
                        desk.len()
                    };
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                    if count == 1 || connection.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (requests, url)
}

async fn read(connection: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = field(head, "content-length").parse().expect("a length");
            if body.len() >= length {
                return Some((head.to_owned(), body.to_owned()));
            }
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn field(head: &str, name: &str) -> String {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    let found = fields.find(|(each, _)| each.eq_ignore_ascii_case(name));
    found.expect("a header").1.to_owned()
}

async fn s19_an_answer_that_is_lost_is_followed_by_the_same_message_with_a_newer_time(
    server: &mut TestServer,
) {
    let (requests, url) = forgetful().await;
    let customer = server.customer(0).await;
    let hook = webhook(server, &customer, &url, json!({})).await;
    server.fund(customer.account_id, 21).await;
    let came = async |count: usize| {
        until("a request", async || {
            let requests = requests.lock().expect("no panic").clone();
            (requests.len() >= count).then_some(requests)
        })
        .await
    };
    came(1).await;
    server.until_next_delivery_within(6).await;
    server.clock.advance_seconds(6);
    let came = came(2).await;
    let delivered = until_state(server, &hook, "delivered").await;
    assert_eq!(delivered["attempts"], 2);
    let [(first, body), (again, same)] = &came[..] else {
        panic!("{came:?}");
    };
    assert_eq!(body, same);
    assert_eq!(field(first, "webhook-id"), field(again, "webhook-id"));
    let time = |head| field(head, "webhook-timestamp").parse::<i64>();
    assert_eq!(
        time(again).expect("seconds") - time(first).expect("seconds"),
        6
    );
    assert_ne!(
        field(first, "webhook-signature"),
        field(again, "webhook-signature")
    );
}

async fn s31_every_way_to_fail_counts_and_comes_to_an_end(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let own = json!({"retry_seconds": [1, 1]});
    // Nobody listens; no TLS is spoken; a refusal; and an address that may be called no more.
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let nobody = format!("http://{}/", free.local_addr().expect("bound"));
    drop(free);
    let (plain, refusing, barred) = (
        TestReceiver::start().await,
        TestReceiver::start().await,
        TestReceiver::start().await,
    );
    refusing.always(403);
    let tls = plain.url().replace("http:", "https:");
    for url in [&nobody, &tls, &refusing.url(), &barred.url()] {
        webhook(server, &customer, url, own.clone()).await;
    }
    let address = barred.url().replace("http://", "").replace("/hook", "");
    server.settings.egress = EgressPolicy::sandbox().forbid(address.parse().expect("an address"));
    server.restart().await;
    server.fund(customer.account_id, 1).await;
    let ended = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'exhausted' AND attempts = 3 AND tries = 3";
    until("every schedule at its end", async || {
        server.clock.advance_seconds(2);
        (server.count(ended).await == 4).then_some(())
    })
    .await;
    let attempts = "SELECT COUNT(*) FROM webhook_attempt";
    assert_eq!(server.count(attempts).await, 12);
    let mut errors = Vec::new();
    for one in get(server, "").await.as_array().expect("a list") {
        let id = one["id"].as_str().expect("an id");
        let log = get(server, &format!("/{id}/deliveries?state=dead")).await;
        errors.push(
            log["data"][0]["last_error"]
                .as_str()
                .unwrap_or("none")
                .to_owned(),
        );
    }
    errors.sort();
    assert_eq!(errors, ["blocked_address", "connect", "status 403", "tls"]);
    assert_eq!((refusing.received().len(), barred.received().len()), (3, 0));
}

async fn s34_a_stop_ends_what_is_under_way_and_leaves_the_rest_for_the_next_start(
    server: &mut TestServer,
) {
    const EVENTS: usize = 100;
    let receiver = TestReceiver::start().await;
    receiver.answer_after(Duration::from_millis(60));
    let customer = server.customer(0).await;
    webhook(
        server,
        &customer,
        &receiver.url(),
        json!({"max_in_flight": 100}),
    )
    .await;
    for _ in 0..EVENTS {
        server.fund(customer.account_id, 1).await;
    }
    receiver.wait_for(4).await;
    // Whoever delivers stops, and nobody follows.
    server.settings.roles = Roles::only(&[Role::Api, Role::Node]);
    server.restart().await;
    let sent = receiver.received().len();
    assert_eq!(server.count(STATES[1]).await, 0, "no lease is left behind");
    let taken = server.count(STATES[0]).await;
    assert_eq!(
        usize::try_from(taken).expect("a count"),
        sent,
        "each is written down"
    );
    server.settings.roles = Roles::all();
    server.restart().await;
    let ids: std::collections::BTreeSet<_> = receiver
        .wait_for(EVENTS)
        .await
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!((ids.len(), receiver.received().len()), (EVENTS, EVENTS));
}

async fn s29_a_webhook_deleted_between_attempts_gets_no_more(server: &mut TestServer) {
    let (deleted, other) = (TestReceiver::start().await, TestReceiver::start().await);
    let customer = server.customer(0).await;
    let hook = server.webhook(&customer, &deleted, &[DEPOSIT]).await;
    server.webhook(&customer, &other, &[DEPOSIT]).await;
    deleted.always(500);
    server.fund(customer.account_id, 1).await;
    deleted.wait_for(1).await;
    server.until_next_delivery_within(6).await;
    let gone = ask(server, Method::DELETE, &format!("/{}", hook.id), None).await;
    assert_eq!(gone.status, 200);
    server.clock.advance_seconds(600);
    server.fund(customer.account_id, 2).await;
    other.wait_for(2).await;
    let cancelled = "SELECT COUNT(*) FROM webhook_delivery WHERE state = 'cancelled'";
    assert_eq!(server.count(cancelled).await, 1);
    assert_eq!(deleted.received().len(), 1);
}

async fn s30_a_damaged_url_ends_its_deliveries_and_no_others(server: &mut TestServer) {
    let sound = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let damaged = webhook(server, &customer, "http://127.0.0.1:9/", json!({})).await;
    server.run_sql("UPDATE webhook_endpoint SET url = 'nonsense'");
    server.webhook(&customer, &sound, &[DEPOSIT]).await;
    server.fund(customer.account_id, 1).await;
    sound.wait_for(1).await;
    let newest = until_state(server, &damaged, "failed_permanent").await;
    assert_eq!(
        (&newest["last_error"], &newest["attempts"]),
        (&json!("url"), &json!(1))
    );
    // Mended, it can be sent after all.
    let change = json!({"url": sound.url()});
    let path = format!("/{}", damaged.id);
    assert_eq!(
        ask(server, Method::PATCH, &path, Some(change)).await.status,
        200
    );
    let id = newest["id"].as_str().expect("an id");
    post(server, &format!("{path}/deliveries/{id}/redeliver"), None).await;
    let received = sound.wait_for(2).await;
    verify(&damaged, &received[1]);
}

async fn s37_what_the_endpoint_answered_is_shown_as_text_alone(server: &mut TestServer) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            read(&mut connection).await;
            let said = b"HTTP/1.1 500 No\r\ncontent-length: 31\r\n\r\n<script>alert(1)</script>\x00\xff\x1b[m\n";
            drop(connection.write_all(said).await);
        }
    });
    let customer = server.customer(0).await;
    let hook = webhook(server, &customer, &url, json!({"retry_seconds": []})).await;
    server.fund(customer.account_id, 1).await;
    let ended = until_state(server, &hook, "exhausted").await;
    let id = ended["id"].as_str().expect("an id");
    let path = format!("/{}/deliveries/{id}", hook.id);
    let answer = ask(server, Method::GET, &path, None).await;
    // It is JSON, and says so: a browser that is shown it runs nothing.
    let shown = answer.json()["log"][0]["response"].clone();
    assert!(
        shown
            .as_str()
            .is_some_and(|text| text.starts_with("<script>")),
        "{shown}"
    );
    assert!(
        !answer.body.iter().any(|byte| byte.is_ascii_control()),
        "no byte of a terminal's"
    );
}
