//! People who administer: their passwords and sessions, and the log of what everybody did.

use axum::http::Method;
use serde_json::{Value, json};
use testkit::{ADMIN_TOKEN, Answer, TestServer};

on_both!(
    a_person_comes_in_administers_and_leaves,
    a_person_acts_for_an_account_until_it_is_closed,
);
on_sqlite!(
    guesses_are_slowed_down_and_say_nothing,
    a_forged_request_of_another_site_does_nothing,
    every_act_is_in_the_log_without_its_secrets,
    what_is_no_name_or_password_is_refused,
);

const PASSWORD: &str = "correct horse battery";

async fn person(server: &TestServer, name: &str) {
    let form = json!({"name": name, "password": PASSWORD});
    let call = server.post("/admin/v1/users").key(ADMIN_TOKEN);
    assert_eq!(call.json(&form).send().await.status, 201);
}

async fn sign_in(server: &TestServer, name: &str, password: &str) -> Answer {
    let form = json!({"name": name, "password": password});
    server.post("/admin/v1/session").json(&form).send().await
}

/// The cookie and the token against forged requests.
async fn session(server: &TestServer, name: &str) -> (String, String) {
    let begun = sign_in(server, name, PASSWORD).await;
    assert_eq!(begun.status, 201);
    let set = begun.headers["set-cookie"].to_str().expect("a text");
    assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
    let cookie = set.split(';').next().expect("a cookie").to_owned();
    let body = begun.json();
    let csrf = body["csrf_token"].as_str().expect("a token").to_owned();
    (cookie, csrf)
}

async fn log(server: &TestServer) -> Vec<Value> {
    let call = server.get("/admin/v1/acts").key(ADMIN_TOKEN);
    let rows = call.send().await.data(200);
    rows.as_array().expect("rows").clone()
}

async fn a_person_comes_in_administers_and_leaves(server: &mut TestServer) {
    person(server, "ann").await;
    let (cookie, csrf) = session(server, "ann").await;
    let call = |method, path: &str| server.call(method, path).header("cookie", &cookie);
    let mine = call(Method::GET, "/admin/v1/session").send().await.json();
    assert_eq!(
        (&mine["name"], &mine["csrf_token"]),
        (&json!("ann"), &json!(csrf))
    );
    assert_eq!(
        call(Method::GET, "/admin/v1/accounts").send().await.status,
        200
    );
    let make = call(Method::POST, "/admin/v1/accounts").header("x-csrf-token", &csrf);
    assert_eq!(make.json(&json!({"name": "Shop"})).send().await.status, 201);
    // A session is for the console; a payment needs a key.
    let balance = call(Method::GET, "/v1/transactions/balance").send().await;
    assert_eq!(balance.status, 401);
    server.restart().await;
    let call = |method, path: &str| server.call(method, path).header("cookie", &cookie);
    assert_eq!(
        call(Method::GET, "/admin/v1/accounts").send().await.status,
        200
    );
    let leave = call(Method::DELETE, "/admin/v1/session").header("x-csrf-token", &csrf);
    let left = leave.send().await;
    assert_eq!(left.status, 200);
    assert!(
        left.headers["set-cookie"]
            .to_str()
            .expect("a text")
            .contains("Max-Age=0")
    );
    let gone = call(Method::GET, "/admin/v1/accounts").send().await;
    assert_eq!(gone.problem(), (401, "invalid_login".to_owned()));
    // Sessions end by themselves, with a new password, and with the person.
    let (cookie, _) = session(server, "ann").await;
    server.clock.advance_seconds(12 * 3_600);
    let call = |path: &str| server.get(path).header("cookie", &cookie);
    assert_eq!(call("/admin/v1/accounts").send().await.status, 401);
    let (cookie, _) = session(server, "ann").await;
    let other = json!({"password": "another long password"});
    let change = server.call(Method::PUT, "/admin/v1/users/ann/password");
    assert_eq!(
        change.key(ADMIN_TOKEN).json(&other).send().await.status,
        200
    );
    let call = |path: &str| server.get(path).header("cookie", &cookie);
    assert_eq!(call("/admin/v1/accounts").send().await.status, 401);
    let begun = sign_in(server, "ann", "another long password").await;
    assert_eq!(begun.status, 201);
    let remove = server.call(Method::DELETE, "/admin/v1/users/ann");
    assert_eq!(remove.key(ADMIN_TOKEN).send().await.json(), json!([]));
    let refused = sign_in(server, "ann", "another long password").await;
    assert_eq!(refused.status, 401);
}

async fn guesses_are_slowed_down_and_say_nothing(server: &mut TestServer) {
    person(server, "ann").await;
    let unknown = sign_in(server, "bob", PASSWORD).await;
    for _ in 0..4 {
        let wrong = sign_in(server, "ann", "wrong wrong wrong").await;
        assert_eq!((wrong.status, &wrong.body), (401, &unknown.body));
    }
    assert_eq!(sign_in(server, "ann", "wrong again and").await.status, 401);
    let locked = sign_in(server, "ann", PASSWORD).await;
    assert_eq!(locked.problem(), (429, "rate_limited".to_owned()));
    let seconds: i64 = locked.headers["retry-after"]
        .to_str()
        .expect("a text")
        .parse()
        .expect("seconds");
    assert!((1..=16).contains(&seconds), "{seconds}");
    server.clock.advance_seconds(seconds);
    assert_eq!(sign_in(server, "ann", PASSWORD).await.status, 201);
}

async fn a_forged_request_of_another_site_does_nothing(server: &mut TestServer) {
    person(server, "ann").await;
    let (cookie, csrf) = session(server, "ann").await;
    let (_, of_another) = session(server, "ann").await;
    let forge = |token: Option<&str>| {
        let call = server.post("/admin/v1/accounts").header("cookie", &cookie);
        let call = call.json(&json!({"name": "forged"}));
        match token {
            Some(token) => call.header("x-csrf-token", token),
            None => call,
        }
    };
    for token in [None, Some(""), Some("0"), Some(of_another.as_str())] {
        let refused = forge(token).send().await;
        assert_eq!(refused.problem(), (403, "csrf_token_required".to_owned()));
    }
    let leave = server.call(Method::DELETE, "/admin/v1/session");
    let refused = leave.header("cookie", &cookie).send().await;
    assert_eq!(refused.problem(), (403, "csrf_token_required".to_owned()));
    // A page of another site may not even ask whether it could send the token.
    let preflight = server.call(Method::OPTIONS, "/admin/v1/accounts");
    let preflight = preflight
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-csrf-token");
    let answer = preflight.send().await;
    assert_eq!(answer.headers.get("access-control-allow-credentials"), None);
    let allowed = answer.headers.get("access-control-allow-headers");
    let allowed = allowed
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    assert!(!allowed.contains("csrf"), "{allowed}");
    assert_eq!(forge(Some(csrf.as_str())).send().await.status, 201);
}

async fn every_act_is_in_the_log_without_its_secrets(server: &mut TestServer) {
    let customer = server.customer(0).await;
    // Rows of the same moment have no order.
    let pass = || server.clock.advance_seconds(1);
    person(server, "ann").await;
    pass();
    sign_in(server, "ann", "wrong wrong wrong").await;
    pass();
    let (cookie, csrf) = session(server, "ann").await;
    pass();
    let make = server.post("/admin/v1/keys").header("cookie", &cookie);
    let make = make.header("x-csrf-token", &csrf);
    let form = json!({"name": "till", "account_id": customer.account_id.to_string()});
    let key = make.json(&form).send().await.json()["key"].clone();
    pass();
    let hook = json!({"url": "http://127.0.0.1:9/", "headers": {"x-token": "s3cret"}});
    let call = server.post("/v1/webhooks").key(&customer.key).json(&hook);
    assert_eq!(call.send().await.status, 201);
    pass();
    let refused = server.post("/admin/v1/accounts").key(ADMIN_TOKEN);
    assert_eq!(refused.json(&json!({"name": 7})).send().await.status, 400);
    server
        .get("/admin/v1/accounts")
        .key(ADMIN_TOKEN)
        .send()
        .await;
    let stranger = server.post("/admin/v1/accounts").key("nobody").send().await;
    assert_eq!(stranger.status, 401);
    let log = log(server).await;
    let seen: Vec<_> = log
        .iter()
        .map(|row| {
            (
                row["actor"].clone(),
                row["path"].clone(),
                row["status"].clone(),
            )
        })
        .collect();
    let number = customer.key.split_once('|').expect("a key").0;
    let expected = [
        ("admin token".to_owned(), "/admin/v1/accounts", 400),
        (format!("key {number}"), "/v1/webhooks", 201),
        ("user ann".to_owned(), "/admin/v1/keys", 201),
        ("user ann".to_owned(), "/admin/v1/session", 201),
        ("user ann".to_owned(), "/admin/v1/session", 401),
        ("admin token".to_owned(), "/admin/v1/users", 201),
    ];
    let expected = expected.map(|(who, path, status)| (json!(who), json!(path), json!(status)));
    assert_eq!(seen, expected);
    let text = json!(log).to_string();
    assert_eq!(log[0]["address"], "127.0.0.1");
    for secret in [
        PASSWORD,
        "wrong wrong",
        "s3cret",
        key.as_str().expect("a key"),
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    the_rest_is_behind_a_cursor(server, &log).await;
}

async fn the_rest_is_behind_a_cursor(server: &TestServer, log: &[Value]) {
    let page = server
        .get("/admin/v1/acts?limit=2")
        .key(ADMIN_TOKEN)
        .send()
        .await;
    let next = page.json()["next_cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    let path = format!("/admin/v1/acts?limit=2&cursor={next}");
    let rest = server.get(&path).key(ADMIN_TOKEN).send().await.data(200);
    assert_eq!(rest[0]["id"], log[2]["id"]);
}

async fn what_is_no_name_or_password_is_refused(server: &mut TestServer) {
    person(server, "ann").await;
    for (form, status) in [
        (json!({"name": "ann", "password": PASSWORD}), 409),
        (json!({"name": "", "password": PASSWORD}), 400),
        (json!({"name": "a b", "password": PASSWORD}), 400),
        (json!({"name": "bob", "password": "short"}), 400),
        (json!({"name": "bob", "password": "x".repeat(257)}), 400),
        (json!({"name": "bob"}), 400),
    ] {
        let call = server.post("/admin/v1/users").key(ADMIN_TOKEN);
        assert_eq!(call.json(&form).send().await.problem().0, status, "{form}");
    }
    for path in ["/admin/v1/users/nobody", "/admin/v1/users/%00"] {
        let call = server.call(Method::DELETE, path).key(ADMIN_TOKEN);
        assert_eq!(call.send().await.status, 404, "{path}");
    }
}

async fn a_person_acts_for_an_account_until_it_is_closed(server: &mut TestServer) {
    person(server, "ann").await;
    let (cookie, csrf) = session(server, "ann").await;
    let customer = server.customer(0).await;
    let account = customer.account_id.to_string();
    let balance = || {
        let call = server.get("/v1/transactions/balance");
        call.header("cookie", &cookie)
    };
    let acting = balance().header("x-leyden-account", &account).send().await;
    assert_eq!(acting.data(200)["balance"], 0);
    assert_eq!(balance().send().await.status, 401, "it acts for nobody");
    let strange = balance().header("x-leyden-account", "nobody");
    assert_eq!(strange.send().await.status, 404);
    let invoice = || {
        let call = server.post("/v1/bitcoin/deposit/lightning-invoice");
        call.header("cookie", &cookie)
            .header("x-leyden-account", &account)
            .json(&json!({"amount": 1, "currency": "sats", "description": "x"}))
    };
    assert_eq!(invoice().send().await.status, 403, "a forged request");
    let made = invoice().header("x-csrf-token", &csrf).send().await;
    assert_eq!(made.status, 201);
    let close = server.post(&format!("/admin/v1/accounts/{account}/close"));
    assert_eq!(close.key(ADMIN_TOKEN).send().await.status, 200);
    let refused = invoice().header("x-csrf-token", &csrf).send().await;
    assert_eq!(refused.problem(), (409, "account_closed".to_owned()));
}
