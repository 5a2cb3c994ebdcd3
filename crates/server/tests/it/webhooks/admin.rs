//! `/admin/v1/webhooks`.

use axum::http::Method;
use serde_json::{Value, json};
use testkit::{ADMIN_TOKEN, Answer, TestReceiver, TestServer};
use webhooks::EgressPolicy;

const PATH: &str = "/admin/v1/webhooks";

on_sqlite!(
    a_secret_is_shown_once,
    s8_addresses_of_our_own_network_are_refused_with_the_reason,
    s8_the_sandbox_still_refuses_its_own_listener,
    a_request_that_makes_no_sense_is_refused,
    a_switched_off_webhook_gets_nothing_more,
    secrets_are_sealed_in_the_database,
);

#[test]
fn s8_the_port_of_the_database_is_refused_on_postgres() {
    let Some(database) = testkit::postgres() else {
        return;
    };
    let addresses = database.config().server_addresses();
    testkit::run(&database, async |server: &mut TestServer| {
        server.customer(0).await;
        for (host, port) in addresses {
            let url = format!("http://{host}:{port}/");
            let refused = create(server, &json!({ "url": url })).await;
            assert!(host == "localhost" || refused.status == 400, "{refused:?}");
        }
    });
}

async fn create(server: &TestServer, body: &Value) -> Answer {
    server.post(PATH).key(ADMIN_TOKEN).json(body).send().await
}

async fn a_secret_is_shown_once(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let body = json!({
        "url": "https://example.com/hook?a=b#fragment", "events": ["deposit.lightning.completed"],
    });
    let made = create(server, &body).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    let secret = made["secret"].as_str().expect("a secret");
    assert!(secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(made["url"], "https://example.com/hook?a=b");
    assert_eq!(made["account_id"], customer.account_id.to_string());
    let other = create(server, &json!({"url": "https://example.com/other"}))
        .await
        .json();
    assert_ne!(other["secret"], made["secret"]);
    assert!(
        other["events"].as_array().is_some_and(|all| all.len() > 5),
        "all of them: {other}"
    );

    let listed = server.get(PATH).key(ADMIN_TOKEN).send().await;
    let text = String::from_utf8(listed.body.to_vec()).expect("UTF-8");
    assert!(!text.contains("secret") && !text.contains(secret), "{text}");
    let ids: Vec<_> = listed
        .json()
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&made["id"]) && ids.contains(&other["id"]));
}

async fn s8_addresses_of_our_own_network_are_refused_with_the_reason(server: &mut TestServer) {
    server.settings.egress = EgressPolicy::public();
    server.restart().await;
    server.customer(0).await;
    let urls = [
        "https://127.0.0.1/hook",
        "https://localhost/hook",
        "https://[::1]/hook",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://172.16.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://[fd00::1]/",
        "https://0.0.0.0/",
    ];
    for url in urls {
        let refused = create(server, &json!({ "url": url })).await;
        assert_eq!(
            refused.problem(),
            (400, "webhook_url_forbidden".to_owned()),
            "{url}"
        );
        assert!(
            refused.message().contains("must not be called"),
            "{}",
            refused.message()
        );
    }
    for (url, why) in [
        ("http://example.com/", "https"),
        ("ftp://example.com/", "https"),
        ("https://user:password@example.com/", "user name"),
        ("nonsense", "not a valid URL"),
        ("https://example.com:0/", "port"),
    ] {
        let refused = create(server, &json!({ "url": url })).await;
        assert_eq!(
            refused.problem(),
            (400, "webhook_url_forbidden".to_owned()),
            "{url}"
        );
        let message = refused.message();
        assert!(
            message.contains(why) && !message.contains("password@"),
            "{message}"
        );
    }
    assert_eq!(
        server.get(PATH).key(ADMIN_TOKEN).send().await.json(),
        json!([])
    );
}

async fn s8_the_sandbox_still_refuses_its_own_listener(server: &mut TestServer) {
    server.customer(0).await;
    let own = format!("http://{}/admin/v1/keys", server.address());
    let refused = create(server, &json!({ "url": own })).await;
    assert_eq!(refused.problem(), (400, "webhook_url_forbidden".to_owned()));
    assert_eq!(
        create(server, &json!({"url": "http://127.0.0.1:9/hook"}))
            .await
            .status,
        201
    );
}

async fn a_request_that_makes_no_sense_is_refused(server: &mut TestServer) {
    server.customer(0).await;
    let url = "https://example.com/";
    let cases = [
        (json!({}), 400, "missing_parameter"),
        (json!({"url": 7}), 400, "invalid_parameter"),
        (json!({"url": url, "events": []}), 400, "invalid_parameter"),
        (
            json!({"url": url, "events": ["deposit.chain.completed"]}),
            400,
            "unknown_event",
        ),
        (json!({"url": url, "account_id": "x"}), 404, "not_found"),
    ];
    for (body, status, code) in cases {
        assert_eq!(
            create(server, &body).await.problem(),
            (status, code.to_owned()),
            "{body}"
        );
    }
    for id in ["9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01", "x", "%FF"] {
        let call = server
            .call(Method::DELETE, &format!("{PATH}/{id}"))
            .key(ADMIN_TOKEN);
        assert_eq!(
            call.send().await.problem(),
            (404, "not_found".to_owned()),
            "{id}"
        );
    }
}

async fn a_switched_off_webhook_gets_nothing_more(server: &mut TestServer) {
    let (off, on) = (TestReceiver::start().await, TestReceiver::start().await);
    let customer = server.customer(0).await;
    let events = ["deposit.lightning.completed"];
    let first = server.webhook(&customer, &off, &events).await;
    server.webhook(&customer, &on, &events).await;
    off.reply([500]);
    server.fund(customer.account_id, 1).await;
    off.wait_for(1).await;
    on.wait_for(1).await;
    let call = server
        .post(&format!("{PATH}/{}/disable", first.id))
        .key(ADMIN_TOKEN);
    let disabled = call.send().await;
    assert_eq!(
        (disabled.status, &disabled.json()["disabled"]),
        (200, &json!(true))
    );
    // Neither what waited for its next attempt nor what happens from now on.
    server.clock.advance_seconds(60);
    server.fund(customer.account_id, 2).await;
    on.wait_for(2).await;
    server.restart().await;
    server.fund(customer.account_id, 3).await;
    on.wait_for(3).await;
    assert_eq!(off.received().len(), 1);
    let listed = server.get(PATH).key(ADMIN_TOKEN).send().await.json();
    let shown = listed
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["id"] == first.id);
    assert_eq!(shown.expect("it stays in the list")["disabled"], true);
}

async fn secrets_are_sealed_in_the_database(server: &mut TestServer) {
    let receiver = TestReceiver::start().await;
    let customer = server.customer(0).await;
    let hook = server.webhook(&customer, &receiver, &["*"]).await;
    let rotate = server.post(&format!("{PATH}/{}/rotate", hook.id));
    assert_eq!(rotate.key(ADMIN_TOKEN).send().await.status, 200);
    for sql in [
        "SELECT COUNT(*) FROM webhook_endpoint WHERE secret NOT LIKE 'v1.%' OR LENGTH(secret) < 100",
        "SELECT COUNT(*) FROM webhook_old_secret WHERE secret NOT LIKE 'v1.%' OR LENGTH(secret) < 100",
        "SELECT COUNT(*) FROM webhook_endpoint e JOIN webhook_old_secret s ON s.secret = e.secret",
    ] {
        assert_eq!(server.count(sql).await, 0, "{sql}");
    }
    let kept = "SELECT COUNT(*) FROM webhook_old_secret";
    assert_eq!(server.count(kept).await, 1);
}
