//! What an operator does with webhooks: look, change, replace secrets, send again.

use axum::http::Method;
use serde_json::json;
use testkit::{TestReceiver, TestServer, Webhook};

use super::calls::{ask, get, post, until_state};
use super::signature::verify;

const DEPOSIT: &str = "deposit.lightning.completed";

on_both!(
    the_log_shows_every_attempt_and_a_redelivery_has_the_same_id_and_bytes,
    h3_s26_while_a_secret_is_replaced_both_sign_and_the_old_one_keeps_its_header_until_it_is_promoted,
    s36_two_replays_of_a_time_do_no_more_than_one,
    h5_the_events_of_an_account_are_numbered_without_gaps,
);
on_sqlite!(
    s13_an_endpoint_that_is_gone_is_disabled_with_its_reason_and_can_come_back,
    s14_an_endpoint_that_asks_for_a_pause_gets_it,
    s29_a_changed_url_is_used_by_the_next_attempt,
    s29_a_paused_endpoint_gets_what_was_kept_for_it,
    s30_a_damaged_secret_ends_its_deliveries_and_no_others,
    s37_the_log_and_the_list_show_no_secret,
    a_test_message_says_what_came_of_it,
    what_cannot_be_set_is_refused,
);

async fn the_log_shows_every_attempt_and_a_redelivery_has_the_same_id_and_bytes(
    server: &mut TestServer,
) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    receiver.reply([500]);
    server.fund(customer.account_id, 5).await;
    receiver.wait_for(1).await;
    server.until_next_delivery_within(6).await;
    server.clock.advance_seconds(6);
    receiver.wait_for(2).await;
    let newest = until_state(server, &webhook, "delivered").await;
    assert_eq!(
        (&newest["attempts"], &newest["last_status"]),
        (&json!(2), &json!(200))
    );
    let id = newest["id"].as_str().expect("an id").to_owned();
    assert_eq!(id, receiver.received()[0].header("webhook-id"));

    let path = format!("/{}/deliveries/{id}", webhook.id);
    let details = get(server, &path).await;
    let log = details["log"].as_array().expect("attempts");
    let seen: Vec<_> = log
        .iter()
        .map(|one| (one["outcome"].clone(), one["status"].clone()))
        .collect();
    assert_eq!(
        seen,
        [
            (json!("failed"), json!(500)),
            (json!("delivered"), json!(200))
        ]
    );
    assert!(
        log[0]["latency_us"]["total"]
            .as_i64()
            .is_some_and(|us| us > 0)
    );
    assert!(log[0]["latency_us"]["connect"].is_i64(), "{details}");

    // Sent again: the same id, the same bytes, a time of its own.
    server.clock.advance_seconds(60);
    post(server, &format!("{path}/redeliver"), None).await;
    let received = receiver.wait_for(3).await;
    assert_eq!(received[2].body, received[0].body);
    assert_eq!(received[2].header("webhook-id"), id);
    assert_ne!(
        received[2].header("webhook-timestamp"),
        received[1].header("webhook-timestamp")
    );
    verify(&webhook, &received[2]);
    until_state(server, &webhook, "delivered").await;
    let none = get(server, &format!("/{}/deliveries?state=dead", webhook.id)).await;
    assert_eq!(none, json!({"data": []}));
    let unknown = format!(
        "/{}/deliveries/msg_9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01",
        webhook.id
    );
    assert_eq!(ask(server, Method::GET, &unknown, None).await.status, 404);
    let unknown = ask(server, Method::POST, &format!("{unknown}/redeliver"), None).await;
    assert_eq!(unknown.status, 404);
}

async fn h3_s26_while_a_secret_is_replaced_both_sign_and_the_old_one_keeps_its_header_until_it_is_promoted(
    server: &mut TestServer,
) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let old = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    let body = json!({"keep_old_seconds": 3_600});
    let rotated = post(server, &format!("/{}/rotate", old.id), Some(body)).await;
    let text = |name: &str| rotated[name].as_str().expect("a secret").to_owned();
    let new = Webhook {
        id: old.id.clone(),
        secret: text("secret"),
        standard_secret: text("standard_secret"),
    };
    assert_ne!(old.secret, new.secret);
    let mixed = Webhook {
        standard_secret: new.standard_secret.clone(),
        ..old.clone()
    };
    server.fund(customer.account_id, 1).await;
    let first = receiver.wait_for(1).await.remove(0);
    let signatures = first.header("webhook-signature").split(' ').count();
    assert_eq!(signatures, 2);
    verify(&old, &first);
    verify(&mixed, &first);

    post(server, &format!("/{}/promote", old.id), None).await;
    server.fund(customer.account_id, 2).await;
    let second = receiver.wait_for(2).await.remove(1);
    verify(&new, &second);
    assert_eq!(second.header("webhook-signature").split(' ').count(), 2);

    server.clock.advance_seconds(3_600);
    server.fund(customer.account_id, 3).await;
    let third = receiver.wait_for(3).await.remove(2);
    verify(&new, &third);

    for _ in 0..10 {
        post(server, &format!("/{}/rotate", old.id), None).await;
    }
    let eleventh = ask(server, Method::POST, &format!("/{}/rotate", old.id), None).await;
    assert_eq!(eleventh.problem(), (400, "invalid_parameter".to_owned()));
}

async fn s36_two_replays_of_a_time_do_no_more_than_one(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    let from = server.now().to_string();
    let disabled = post(server, &format!("/{}/disable", webhook.id), None).await;
    assert_eq!(disabled["disabled_reason"], "operator");
    for sats in 1..=20 {
        server.fund(customer.account_id, sats).await;
    }
    let path = format!("/{}/replay", webhook.id);
    let range = json!({ "from": from });
    let refused = ask(server, Method::POST, &path, Some(range.clone())).await;
    assert_eq!(refused.problem(), (409, "webhook_disabled".to_owned()));
    post(server, &format!("/{}/resume", webhook.id), None).await;
    let (one, other) = futures_util::future::join(
        post(server, &path, Some(range.clone())),
        post(server, &path, Some(range.clone())),
    )
    .await;
    let counts =
        [&one["replayed"], &other["replayed"]].map(|count| count.as_u64().expect("a count"));
    assert_eq!(counts.iter().sum::<u64>(), 20, "{counts:?}");
    receiver.wait_for(20).await;
    until_state(server, &webhook, "delivered").await;
    let again = post(server, &path, Some(range)).await;
    assert_eq!(again["replayed"], 0, "what was taken is not sent again");
    server.restart().await;
    let ids: std::collections::BTreeSet<_> = receiver
        .received()
        .iter()
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!((receiver.received().len(), ids.len()), (20, 20));
}

async fn h5_the_events_of_an_account_are_numbered_without_gaps(server: &mut TestServer) {
    let (customer, other) = (server.customer(0).await, server.customer(0).await);
    for sats in 1..=5 {
        server.fund(customer.account_id, sats).await;
        server.fund(other.account_id, sats).await;
    }
    let read = async |after: i64| {
        let path = format!("/v1/events?after={after}&limit=2");
        let answer = server.get(&path).key(&customer.key).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = read(after).await;
        let events = page["data"].as_array().expect("events").clone();
        after = page["next_after"].as_i64().expect("a number");
        if events.is_empty() {
            break;
        }
        for event in events {
            let amount = event["body"]["data"]["amount_sats"].as_i64();
            seen.push((event["sequence"].as_i64(), amount));
        }
    }
    let expected: Vec<_> = (1..=5).map(|number| (Some(number), Some(number))).collect();
    assert_eq!(seen, expected);
    let wrong = server
        .get("/v1/events?after=x")
        .key(&customer.key)
        .send()
        .await;
    assert_eq!(wrong.problem(), (400, "invalid_parameter".to_owned()));
    assert_eq!(server.get("/v1/events").send().await.status, 401);
}

async fn s13_an_endpoint_that_is_gone_is_disabled_with_its_reason_and_can_come_back(
    server: &mut TestServer,
) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    receiver.reply([410]);
    server.fund(customer.account_id, 1).await;
    let newest = until_state(server, &webhook, "cancelled").await;
    assert_eq!(newest["last_status"], 410);
    let shown = get(server, &format!("/{}", webhook.id)).await;
    assert_eq!(
        (&shown["state"], &shown["disabled_reason"]),
        (&json!("disabled"), &json!("gone"))
    );
    post(server, &format!("/{}/resume", webhook.id), None).await;
    let id = newest["id"].as_str().expect("an id");
    post(
        server,
        &format!("/{}/deliveries/{id}/redeliver", webhook.id),
        None,
    )
    .await;
    until_state(server, &webhook, "delivered").await;
}

async fn s14_an_endpoint_that_asks_for_a_pause_gets_it(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    receiver.reply_with(429, &[("retry-after", "120")]);
    server.fund(customer.account_id, 1).await;
    receiver.wait_for(1).await;
    server.until_next_delivery_within(140).await;
    // Not only the one that was told so waits.
    server.fund(customer.account_id, 2).await;
    server.clock.advance_seconds(119);
    server.restart().await;
    assert_eq!(receiver.received().len(), 1);
    server.clock.advance_seconds(20);
    receiver.wait_for(3).await;
}

async fn s29_a_changed_url_is_used_by_the_next_attempt(server: &mut TestServer) {
    let (wrong, right) = (TestReceiver::start().await, TestReceiver::start().await);
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &wrong, &[DEPOSIT]).await;
    wrong.reply([404]);
    server.fund(customer.account_id, 1).await;
    wrong.wait_for(1).await;
    server.until_next_delivery_within(6).await;
    let change = json!({"url": right.url(), "description": "moved", "headers": {"x-key": "k"}});
    let path = format!("/{}", webhook.id);
    let changed = ask(server, Method::PATCH, &path, Some(change)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["headers"], json!(["x-key"]));
    assert_eq!(changed.json()["description"], "moved");
    server.clock.advance_seconds(6);
    let received = right.wait_for(1).await;
    verify(&webhook, &received[0]);
    assert_eq!(received[0].header("x-key"), "k");
    assert_eq!(wrong.received().len(), 1);
}

async fn s29_a_paused_endpoint_gets_what_was_kept_for_it(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    let paused = post(server, &format!("/{}/pause", webhook.id), None).await;
    assert_eq!(paused["state"], "paused");
    server.fund(customer.account_id, 1).await;
    let kept = until_state(server, &webhook, "pending").await;
    assert_eq!(kept["attempts"], 0);
    server.restart().await;
    assert_eq!(receiver.received().len(), 0);
    post(server, &format!("/{}/resume", webhook.id), None).await;
    receiver.wait_for(1).await;
}

async fn s30_a_damaged_secret_ends_its_deliveries_and_no_others(server: &mut TestServer) {
    let (damaged, sound) = (TestReceiver::start().await, TestReceiver::start().await);
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &damaged, &[DEPOSIT]).await;
    server.run_sql("UPDATE webhook_endpoint SET secret = 'short'");
    server.webhook(&customer, &sound, &[DEPOSIT]).await;
    for sats in 1..=3 {
        server.fund(customer.account_id, sats).await;
    }
    sound.wait_for(3).await;
    let newest = until_state(server, &webhook, "failed_permanent").await;
    assert_eq!(newest["last_error"], "secret");
    let dead = get(server, &format!("/{}/deliveries?state=dead", webhook.id)).await;
    assert!(dead["data"].as_array().is_some_and(|all| !all.is_empty()));
    assert_eq!(damaged.received().len(), 0);
}

async fn s37_the_log_and_the_list_show_no_secret(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let body = json!({
        "url": receiver.url(), "account_id": customer.account_id.to_string(),
        "headers": {"authorization": "Bearer of-the-customer"},
    });
    let made = post(server, "", Some(body)).await;
    let (id, secret) = (
        made["id"].as_str(),
        made["secret"].as_str().expect("a secret"),
    );
    let id = id.expect("an id");
    server.fund(customer.account_id, 1).await;
    let received = receiver.wait_for(1).await;
    assert_eq!(
        received[0].header("authorization"),
        "Bearer of-the-customer"
    );
    let event = received[0].header("webhook-id");
    let signature = received[0].header("bitvora-signature");
    for path in [
        String::new(),
        format!("/{id}"),
        format!("/{id}/deliveries"),
        format!("/{id}/deliveries/{event}"),
    ] {
        let text = get(server, &path).await.to_string();
        for hidden in [secret, signature, "of-the-customer", "whsec_"] {
            assert!(!text.contains(hidden), "{path}");
        }
    }
}

async fn a_test_message_says_what_came_of_it(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    let path = format!("/{}/test", webhook.id);
    let taken = post(server, &path, None).await;
    assert_eq!(
        (&taken["delivered"], &taken["status"]),
        (&json!(true), &json!(200))
    );
    let received = receiver.wait_for(1).await.remove(0);
    verify(&webhook, &received);
    assert_eq!(received.event(), "webhook.test");
    receiver.reply([418]);
    let refused = post(server, &path, None).await;
    assert_eq!(
        (&refused["delivered"], &refused["error"]),
        (&json!(false), &json!("status 418"))
    );
    let log = get(server, &format!("/{}/deliveries", webhook.id)).await;
    assert_eq!(log, json!({"data": []}), "it is no fact");
}

async fn what_cannot_be_set_is_refused(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let webhook = server.webhook(&customer, &receiver, &[DEPOSIT]).await;
    for (change, code) in [
        (json!({"url": "http://10.0.0.1/"}), "webhook_url_forbidden"),
        (json!({"headers": {"host": "x"}}), "invalid_parameter"),
        (
            json!({"headers": {"webhook-signature": "x"}}),
            "invalid_parameter",
        ),
        (json!({"headers": {"x": "a\r\nb: c"}}), "invalid_parameter"),
        (json!({"retry_seconds": [0]}), "invalid_parameter"),
        (json!({"retry_seconds": [86_401]}), "invalid_parameter"),
        (json!({"max_in_flight": 101}), "invalid_parameter"),
        (json!({"events": ["x.*"]}), "unknown_event"),
    ] {
        let path = format!("/{}", webhook.id);
        let refused = ask(server, Method::PATCH, &path, Some(change.clone())).await;
        assert_eq!(refused.problem(), (400, code.to_owned()), "{change}");
    }
    let shown = get(server, &format!("/{}", webhook.id)).await;
    assert_eq!(shown["url"], receiver.url());
    let path = format!("/{}", webhook.id);
    assert_eq!(ask(server, Method::DELETE, &path, None).await.status, 200);
    assert_eq!(ask(server, Method::GET, &path, None).await.status, 404);
    assert_eq!(get(server, "").await, json!([]));
}
