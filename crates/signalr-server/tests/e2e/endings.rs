//! How connections end.

use std::time::Duration;

use futures_util::StreamExt;
use signalr_server::{DisconnectReason, HubBuilder, HubOptions};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::support::{Server, methods};

const CLOSED: &str =
    r#"{"type":7,"error":"Connection closed with an error.","allowReconnect":true}"#;

fn watched(hub: HubBuilder) -> (HubBuilder, UnboundedReceiver<DisconnectReason>) {
    let (end, ends) = unbounded_channel();
    let hub = hub.on_disconnected(move |_, reason| {
        let end = end.clone();
        async move { end.send(reason).unwrap() }
    });
    (hub, ends)
}

#[tokio::test]
async fn an_oversize_message_gets_a_hub_close_and_code_1000() {
    // The largest message that is accepted, one more, and far more than the socket takes.
    let server = Server::start(methods()).await;
    let around = r#"{"type":1,"invocationId":"0","target":"Echo","arguments":[""]}"#.len() + 1;
    let text = |bytes: usize| format!(r#"["{}"]"#, "x".repeat(bytes - around));
    let mut client = server.connect().await;
    assert!(client.call("Echo", &text(32_768)).await.contains("result"));
    assert_eq!(client.call("Echo", &text(32_769)).await, CLOSED);
    assert_eq!(client.next().await, None);
    let mut client = server.connect().await;
    assert_eq!(client.call("Echo", &text(1_000_000)).await, CLOSED);
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn detailed_errors_say_how_large_a_message_may_be() {
    let options = HubOptions {
        detailed_errors: true,
        maximum_message_bytes: 100,
        ..HubOptions::default()
    };
    let server = Server::start(methods().options(options)).await;
    let mut client = server.connect().await;
    let close = client
        .call("Echo", &format!("[\"{}\"]", "x".repeat(100)))
        .await;
    let text = "Connection closed with an error. InvalidDataException: \
                The maximum message size of 100B was exceeded. \
                The message size can be configured in AddHubOptions.";
    let expected = format!(r#"{{"type":7,"error":"{text}","allowReconnect":true}}"#);
    assert_eq!(close, expected);
}

#[tokio::test]
async fn what_cannot_be_parsed_ends_the_connection() {
    let (hub, mut ends) = watched(methods());
    let server = Server::start(hub).await;
    for text in ["nonsense", "{}", r#"{"type":1,"target":"Echo"}"#] {
        let mut client = server.connect().await;
        client.say(text).await;
        assert_eq!(client.next().await.as_deref(), Some(CLOSED));
        assert_eq!(client.next().await, None);
        let reason = ends.recv().await.unwrap();
        assert!(
            matches!(reason, DisconnectReason::ProtocolViolation { .. }),
            "{reason:?}"
        );
    }
}

#[tokio::test]
async fn a_client_that_closes_is_no_error() {
    let (hub, mut ends) = watched(methods());
    let server = Server::start(hub).await;

    let mut client = server.connect().await;
    client.say(r#"{"type":7}"#).await;
    assert_eq!(client.next().await.as_deref(), Some(r#"{"type":7}"#));
    assert_eq!(client.next().await, None);
    assert_eq!(
        ends.recv().await,
        Some(DisconnectReason::Closed { error: None })
    );

    let mut client = server.connect().await;
    client.say(r#"{"type":7,"error":"mine"}"#).await;
    let error = Some("mine".to_owned());
    assert_eq!(ends.recv().await, Some(DisconnectReason::Closed { error }));

    let mut client = server.connect().await;
    client.socket.close(None).await.unwrap();
    assert_eq!(
        ends.recv().await,
        Some(DisconnectReason::Closed { error: None })
    );

    drop(server.connect().await);
    assert_eq!(ends.recv().await, Some(DisconnectReason::TransportLost));
    assert_eq!(server.hub.clients().connection_count(), 0);
}

#[tokio::test]
async fn a_silent_client_is_told_to_reconnect() {
    let options = HubOptions {
        client_timeout: Duration::from_millis(100),
        keep_alive_interval: Duration::from_millis(30),
        ..HubOptions::default()
    };
    let (hub, mut ends) = watched(methods().options(options));
    let server = Server::start(hub).await;
    let mut client = server.connect().await;
    client.say(r#"{"type":6}"#).await;
    let mut pings = 0;
    loop {
        match client.next().await.unwrap().as_str() {
            r#"{"type":6}"# => pings += 1,
            close => {
                assert_eq!(close, CLOSED);
                break;
            }
        }
    }
    assert!(pings >= 1);
    assert_eq!(client.next().await, None);
    assert_eq!(ends.recv().await, Some(DisconnectReason::ClientTimeout));
}

#[tokio::test]
async fn an_aborted_client_is_not_told_to_reconnect() {
    let hub = methods().method("Leave", |caller, _: ()| async move {
        caller.abort();
        caller.disconnected().await;
        Ok(signalr_server::Completion::void())
    });
    let server = Server::start(hub).await;
    let mut client = server.connect().await;
    assert_eq!(client.call("Leave", "[]").await, r#"{"type":7}"#);
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn a_shutdown_tells_everybody_to_reconnect_and_lets_nobody_in() {
    let (hub, mut ends) = watched(methods());
    let server = Server::start(hub).await;
    let mut wires = Vec::new();
    for _ in 0..5 {
        wires.push(server.connect().await);
    }
    let hub = server.hub.clone();
    let shutdown = tokio::spawn(async move { hub.shutdown(Duration::from_secs(10)).await });
    for wire in &mut wires {
        let close = r#"{"type":7,"allowReconnect":true}"#;
        assert_eq!(wire.next().await.as_deref(), Some(close));
        assert_eq!(wire.next().await, None);
        // Sends the client's side of the close.
        assert!(wire.socket.next().await.is_none_or(|end| end.is_err()));
        assert_eq!(ends.recv().await, Some(DisconnectReason::Shutdown));
    }
    assert!(shutdown.await.unwrap(), "everybody left in an orderly way");
    assert_eq!(
        server.open(server.upgrade("/hub")).await.err().unwrap().0,
        503
    );
    let negotiate = server.request(reqwest::Method::POST, "/hub/negotiate");
    assert_eq!(negotiate.send().await.unwrap().status(), 503);
}

#[tokio::test]
async fn a_client_that_stops_reading_is_disconnected() {
    let options = HubOptions {
        send_queue_bytes: 256 * 1024,
        close_timeout: Duration::from_millis(100),
        ..HubOptions::default()
    };
    let (hub, mut ends) = watched(methods().options(options));
    let server = Server::start(hub).await;
    let mut client = server.connect().await;
    // Answered, so the connect callback is over and the client is listed.
    client.call("Nothing", "[]").await;
    let payload = "x".repeat(16 * 1024);
    let clients = server.hub.clients();
    while clients.all().send("m", &[&payload]).unwrap() == 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ends.recv().await, Some(DisconnectReason::SlowClient));
    assert_eq!(clients.connection_count(), 0);
    // The socket is given up as well, with or without a farewell.
    while client
        .socket
        .next()
        .await
        .is_some_and(|message| message.is_ok())
    {}
}
