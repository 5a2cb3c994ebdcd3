//! The edges of HTTP: whatever is wrong with a request, the answer is JSON with a status and a message.

use axum::http::Method;
use serde_json::json;
use testkit::TestServer;

on_sqlite!(
    an_unknown_path_and_a_wrong_method_answer_in_json,
    a_body_that_cannot_be_read_is_refused_in_json,
    a_body_may_be_declared_in_several_ways,
    browsers_may_call_from_any_page,
    the_process_says_that_it_lives_and_is_ready,
);

const WITHDRAW: &str = "/v1/bitcoin/withdraw/confirm";

async fn an_unknown_path_and_a_wrong_method_answer_in_json(server: &mut TestServer) {
    let customer = server.customer(0).await;
    for path in [
        "/nowhere",
        "/v1",
        "/v1/",
        "/v1/transactions/",
        "/v2/transactions",
        "/%FF",
        "//",
        "/admin/v1/x",
    ] {
        let call = server.get(path).key(&customer.key);
        assert_eq!(
            call.send().await.problem(),
            (404, "not_found".to_owned()),
            "{path}"
        );
    }
    let wrong = [
        (Method::GET, WITHDRAW),
        (Method::DELETE, WITHDRAW),
        (Method::PUT, "/v1/transactions"),
        (Method::POST, "/v1/transactions/balance"),
        (Method::PATCH, "/admin/v1/accounts"),
        (Method::POST, "/healthz"),
    ];
    for (method, path) in wrong {
        let call = server.call(method, path).key(&customer.key);
        assert_eq!(
            call.send().await.problem(),
            (405, "method_not_allowed".to_owned()),
            "{path}"
        );
    }
}

async fn a_body_that_cannot_be_read_is_refused_in_json(server: &mut TestServer) {
    let customer = server.customer(1_000).await;
    let sound =
        json!({"destination": server.foreign_invoice(1).bolt11, "amount_sats": 1}).to_string();
    let json = Some("application/json");
    let cases: [(Option<&str>, Vec<u8>, u16, &str); 12] = [
        (json, Vec::new(), 400, "malformed_json"),
        (json, b"{".to_vec(), 400, "malformed_json"),
        (json, b"null".to_vec(), 400, "malformed_json"),
        (json, b"[]".to_vec(), 400, "malformed_json"),
        (json, vec![0xff, 0xfe], 400, "malformed_json"),
        (
            json,
            format!("{sound}x").into_bytes(),
            400,
            "malformed_json",
        ),
        (json, "[".repeat(60_000).into_bytes(), 400, "malformed_json"),
        (
            json,
            format!("{{\"a\":{}", "[".repeat(60_000)).into_bytes(),
            400,
            "malformed_json",
        ),
        (json, vec![b' '; 64 * 1024 + 1], 413, "body_too_large"),
        (
            Some("text/plain"),
            sound.clone().into_bytes(),
            415,
            "unsupported_media_type",
        ),
        (
            Some("application/x-www-form-urlencoded"),
            b"a=b".to_vec(),
            415,
            "unsupported_media_type",
        ),
        (
            Some("application/jsonp"),
            sound.clone().into_bytes(),
            415,
            "unsupported_media_type",
        ),
    ];
    for (kind, body, status, code) in cases {
        let start: String = String::from_utf8_lossy(&body).chars().take(20).collect();
        let call = server.post(WITHDRAW).key(&customer.key).body(body);
        let call = match kind {
            Some(kind) => call.header("content-type", kind),
            None => call,
        };
        assert_eq!(
            call.send().await.problem(),
            (status, code.to_owned()),
            "{kind:?} {start}"
        );
    }
    let twice = r#"{"destination":"x","amount_sats":1,"amount_sats":2}"#;
    let call = server.post(WITHDRAW).key(&customer.key).body(twice);
    assert_eq!(
        call.send().await.problem(),
        (400, "invalid_parameter".to_owned())
    );
    assert_eq!(server.balance_msat(&customer).await, 1_000_000);
}

async fn a_body_may_be_declared_in_several_ways(server: &mut TestServer) {
    let customer = server.customer(10_000).await;
    for kind in [
        None,
        Some("application/json; charset=utf-8"),
        Some("Application/JSON"),
        Some("application/vnd.api+json"),
    ] {
        let form = json!({"destination": server.foreign_invoice(1).bolt11, "amount_sats": 1});
        let call = server
            .post(WITHDRAW)
            .key(&customer.key)
            .body(form.to_string());
        let call = match kind {
            Some(kind) => call.header("content-type", kind),
            None => call,
        };
        call.send().await.data(201);
    }
}

async fn browsers_may_call_from_any_page(server: &mut TestServer) {
    let customer = server.customer(0).await;
    for path in [
        WITHDRAW,
        "/v1/transactions/balance",
        "/v1/bitcoin/deposit/lightning-invoice",
    ] {
        let call = server.call(Method::OPTIONS, path);
        let call = call.header("origin", "https://shop.example");
        let call = call.header("access-control-request-method", "POST");
        let wanted = "authorization,content-type,idempotency-key";
        let preflight = call
            .header("access-control-request-headers", wanted)
            .send()
            .await;
        assert!((200..300).contains(&preflight.status), "{preflight:?}");
        let allowed = |name: &str| {
            let value = preflight
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_ascii_lowercase()
        };
        assert_eq!(allowed("access-control-allow-origin"), "*");
        assert!(allowed("access-control-allow-methods").contains("post"));
        for header in wanted.split(',') {
            assert!(
                allowed("access-control-allow-headers").contains(header),
                "{header}"
            );
        }
    }
    // A page can read errors as well, whatever is wrong.
    let calls = [
        server.get("/v1/transactions/balance"),
        server.get("/v1/transactions/balance").key(&customer.key),
        server
            .get("/v1/bitcoin/withdraw/confirm")
            .key(&customer.key),
        server.get("/v1/nowhere").key(&customer.key),
    ];
    for call in calls {
        let answer = call.header("origin", "https://shop.example").send().await;
        let origin = answer.headers.get("access-control-allow-origin");
        assert_eq!(
            origin.map(|value| value.as_bytes()),
            Some(&b"*"[..]),
            "{answer:?}"
        );
    }
}

async fn the_process_says_that_it_lives_and_is_ready(server: &mut TestServer) {
    let alive = server.get("/healthz").send().await;
    assert_eq!((alive.status, alive.json()), (200, json!({"status": "ok"})));
    let ready = server.get("/readyz").send().await;
    assert_eq!(
        (ready.status, ready.json()),
        (200, json!({"status": "ready"}))
    );
}
