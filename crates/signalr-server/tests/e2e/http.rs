//! Negotiation, authentication, paths and status codes.

use axum::Router;
use axum::routing::get;
use reqwest::Method;
use reqwest::header::HeaderValue;
use signalr_server::{HubOptions, Origins};

use super::support::{Server, guarded, methods};

async fn status_and_body(server: &Server, method: Method, path: &str) -> (u16, String) {
    let answer = server.request(method, path).send().await.unwrap();
    let (status, kind) = (
        answer.status().as_u16(),
        answer.headers().get("content-type").cloned(),
    );
    let body = answer.text().await.unwrap();
    if !body.is_empty() {
        assert_eq!(kind.unwrap(), "text/plain; charset=utf-8", "{path}");
    }
    (status, body)
}

#[tokio::test]
async fn only_the_token_opens_a_connection_of_version_one() {
    let server = Server::start(methods()).await;
    let negotiated = server.negotiate(1).await;
    let id = negotiated["connectionId"].as_str().unwrap();
    let token = negotiated["connectionToken"].as_str().unwrap();
    let refused = server
        .open(server.upgrade(&format!("/hub?id={id}")))
        .await
        .err();
    assert_eq!(
        refused,
        Some((404, "No Connection with that ID".to_owned()))
    );
    let mut client = server.connect_at(&format!("/hub?ID={token}")).await;
    let answer = client.call("Id", "[]").await;
    assert_eq!(
        answer,
        format!(r#"{{"type":3,"invocationId":"0","result":"{id}"}}"#)
    );
}

#[tokio::test]
async fn version_zero_has_one_id_for_both() {
    let server = Server::start(methods()).await;
    let negotiated = server.negotiate(0).await;
    assert_eq!(negotiated.get("connectionToken"), None);
    let id = negotiated["connectionId"].as_str().unwrap();
    let mut client = server.connect_at(&format!("/hub?id={id}")).await;
    let answer = client.call("Id", "[]").await;
    assert_eq!(
        answer,
        format!(r#"{{"type":3,"invocationId":"0","result":"{id}"}}"#)
    );
}

#[tokio::test]
async fn an_id_is_used_by_one_web_socket_and_only_once() {
    let server = Server::start(methods()).await;
    let negotiated = server.negotiate(1).await;
    let path = format!(
        "/hub?id={}",
        negotiated["connectionToken"].as_str().unwrap()
    );
    // Not an upgrade: refused, and the id is still good.
    let request = server
        .request(Method::GET, &path)
        .header("upgrade", "websocket");
    assert_eq!(request.send().await.unwrap().status(), 400);
    let mut first = server.connect_at(&path).await;
    assert_eq!(
        server.open(server.upgrade(&path)).await.err().unwrap().0,
        409
    );
    assert_eq!(status_and_body(&server, Method::POST, &path).await.0, 405);
    assert_eq!(status_and_body(&server, Method::DELETE, &path).await.0, 400);
    first.say(r#"{"type":7}"#).await;
    while first.next().await.is_some() {}
    while futures_util::StreamExt::next(&mut first.socket)
        .await
        .is_some_and(|m| m.is_ok())
    {}
    // The server forgets the id when it has seen the end of the socket.
    loop {
        match server.open(server.upgrade(&path)).await.err() {
            Some((409, _)) => tokio::task::yield_now().await,
            other => break assert_eq!(other.unwrap().0, 404),
        }
    }
}

#[tokio::test]
async fn refusals_have_the_documented_codes_and_texts() {
    let server = Server::start(methods()).await;
    let no_id = (400, "Connection ID required".to_owned());
    let unknown = (404, "No Connection with that ID".to_owned());
    for method in [Method::GET, Method::POST, Method::DELETE] {
        assert_eq!(
            status_and_body(&server, method.clone(), "/hub").await,
            no_id
        );
        assert_eq!(
            status_and_body(&server, method.clone(), "/hub?id=x").await,
            unknown
        );
    }
    for (method, path) in [
        (Method::PUT, "/hub"),
        (Method::HEAD, "/hub"),
        (Method::OPTIONS, "/hub"),
        (Method::GET, "/hub/negotiate"),
        (Method::OPTIONS, "/hub/negotiate"),
    ] {
        assert_eq!(
            status_and_body(&server, method, path).await.0,
            405,
            "{path}"
        );
    }
    assert_eq!(
        status_and_body(&server, Method::POST, "/hub/other").await.0,
        404
    );
}

#[tokio::test]
async fn transports_that_are_not_offered_are_refused_by_name() {
    let options = HubOptions {
        transports: Vec::new(),
        ..HubOptions::default()
    };
    let server = Server::start(methods().options(options)).await;
    let negotiated = server.negotiate(1).await;
    assert_eq!(negotiated["availableTransports"], serde_json::json!([]));
    let id = negotiated["connectionToken"].as_str().unwrap();
    let path = format!("/hub?id={id}");
    let text = |name| format!("{name} transport not supported by this end point type");
    let refused = server.open(server.upgrade(&path)).await.err();
    assert_eq!(refused, Some((404, text("WebSockets"))));
    let poll = status_and_body(&server, Method::GET, &path).await;
    assert_eq!(poll, (404, text("LongPolling")));
    let events = server.request(Method::GET, &path);
    let events = events.header("accept", "text/event-stream").send().await;
    let events = events.unwrap();
    assert_eq!(events.status(), 404);
    assert_eq!(events.text().await.unwrap(), text("ServerSentEvents"));
}

#[tokio::test]
async fn paths_match_in_any_letter_case_alone_merged_and_mounted() {
    let app = || Router::new().route("/x", get(|| async { "x" }));
    let fallback = || app().fallback(|| async { "fallback" });
    for kind in ["alone", "merged", "mounted"] {
        let hub = methods().build();
        let router = match kind {
            "alone" => hub.router("/Hub/v1"),
            "merged" => app().merge(hub.router("/Hub/v1")),
            _ => hub.mount("/Hub/v1", fallback()),
        };
        let server = Server::serve(hub, router).await;
        for path in ["/Hub/v1/negotiate", "/hub/V1/Negotiate?NEGOTIATEVERSION=1"] {
            let answer = server.request(Method::POST, path).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{kind} {path}");
        }
        server.connect_at("/HUB/V1").await;
        if kind != "alone" {
            assert_eq!(status_and_body(&server, Method::GET, "/x").await.1, "x");
        }
        let missing = status_and_body(&server, Method::GET, "/hub/v2").await;
        let expected = if kind == "mounted" {
            (200, "fallback")
        } else {
            (404, "")
        };
        assert_eq!((missing.0, missing.1.as_str()), expected);
    }
}

#[tokio::test]
async fn nobody_unauthorized_is_let_in() {
    let server = Server::start(guarded()).await;
    for path in [
        "/hub/negotiate?negotiateVersion=1",
        "/hub",
        "/hub?access_token=wrong",
    ] {
        let method = if path.contains("negotiate") {
            Method::POST
        } else {
            Method::GET
        };
        let refused = status_and_body(&server, method, path).await;
        assert_eq!(refused, (401, String::new()), "{path}");
    }
    for path in ["/hub", "/hub?access_token=wrong"] {
        let refused = server.open(server.upgrade(path)).await.err();
        assert_eq!(refused, Some((401, String::new())), "{path}");
    }
    server.connect_at("/hub?Access_Token=token-ann").await;
    let negotiate = server.request(Method::POST, "/hub/negotiate?negotiateVersion=1");
    let negotiated = negotiate
        .header("authorization", "Bearer token-ann")
        .send()
        .await
        .unwrap();
    let negotiated: serde_json::Value = negotiated.json().await.unwrap();
    // A negotiated token does not stand in for the access token.
    let path = format!(
        "/hub?id={}",
        negotiated["connectionToken"].as_str().unwrap()
    );
    let refused = server.open(server.upgrade(&path)).await.err();
    assert_eq!(refused, Some((401, String::new())));
    server
        .connect_at(&format!("{path}&access_token=token-ann"))
        .await;
}

#[tokio::test]
async fn web_pages_are_let_in_by_their_origin() {
    let good = "https://good.example";
    let origins = Origins::Only(vec![HeaderValue::from_static(good)]);
    let server = Server::start(guarded().origins(origins)).await;
    let preflight = server
        .request(Method::OPTIONS, "/HUB/negotiate")
        .header("origin", good)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "x-signalr-user-agent,authorization",
        );
    let answer = preflight.send().await.unwrap();
    assert!(answer.status().is_success());
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("access-control-allow-origin"), good);
    assert_eq!(header("access-control-allow-credentials"), "true");
    assert_eq!(header("access-control-allow-methods"), "GET,POST,DELETE");
    assert_eq!(
        header("access-control-allow-headers"),
        "x-requested-with,x-signalr-user-agent,authorization,content-type"
    );
    for (origin, status) in [(good, 101), ("https://bad.example", 403)] {
        let negotiate = server
            .request(Method::POST, "/hub/negotiate")
            .header("origin", origin);
        let refused = negotiate.send().await.unwrap();
        assert_eq!(refused.status(), 401);
        let echoed = refused.headers().get("access-control-allow-origin");
        assert_eq!(
            echoed.is_some_and(|echoed| echoed == origin),
            origin == good
        );
        let mut upgrade = server.upgrade("/hub?access_token=token-ann");
        upgrade
            .headers_mut()
            .insert("origin", HeaderValue::from_static(origin));
        let opened = server.open(upgrade).await;
        assert_eq!(opened.map_or_else(|(status, _)| status, |_| 101), status);
    }
}
