//! Stateful reconnect over real sockets, byte by byte: what is replayed, what is refused, and when sending waits.

use std::time::{Duration, Instant};

use signalr_server::{HubBuilder, HubOptions};

use super::support::{Server, Wire, methods};

const ONE: &str = r#"{"type":3,"invocationId":"0","result":"one"}"#;

fn stateful() -> HubOptions {
    HubOptions {
        stateful_reconnect: true,
        detailed_errors: true,
        ..HubOptions::default()
    }
}

/// A hub and the path of one negotiated connection that may come back.
async fn negotiated(hub: HubBuilder) -> (Server, String) {
    let server = Server::start(hub).await;
    let path = "/hub/negotiate?negotiateVersion=1&useStatefulReconnect=true";
    let answer = server.request(reqwest::Method::POST, path).send().await;
    let answer: serde_json::Value = answer.unwrap().json().await.unwrap();
    assert_eq!(answer["useStatefulReconnect"], true);
    let path = format!("/hub?id={}", answer["connectionToken"].as_str().unwrap());
    (server, path)
}

async fn open(server: &Server, path: &str) -> Wire {
    server.open(server.upgrade(path)).await.unwrap()
}

async fn connected(server: &Server, path: &str, version: u8) -> Wire {
    let mut wire = open(server, path).await;
    let handshake = format!(r#"{{"protocol":"json","version":{version}}}"#);
    wire.say(&handshake).await;
    assert_eq!(wire.next().await.as_deref(), Some("{}"));
    wire
}

/// The next message that is neither a Ping nor an Ack.
async fn next(wire: &mut Wire) -> Option<String> {
    loop {
        let record = wire.next().await?;
        if record != r#"{"type":6}"# && !record.starts_with(r#"{"type":8"#) {
            return Some(record);
        }
    }
}

async fn echo(wire: &mut Wire, text: &str) {
    let call = format!(r#"{{"type":1,"invocationId":"0","target":"Echo","arguments":["{text}"]}}"#);
    wire.say(&call).await;
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_and_what_was_seen_is_not_served_again() {
    let (server, path) = negotiated(methods().options(stateful())).await;
    let mut wire = connected(&server, &path, 2).await;
    echo(&mut wire, "one").await;
    assert_eq!(next(&mut wire).await.as_deref(), Some(ONE));
    drop(wire);
    let mut wire = open(&server, &path).await;
    // Before its Sequence nothing counts; after it the repeated call is known.
    echo(&mut wire, "dropped").await;
    wire.say(r#"{"type":9,"sequenceId":1}"#).await;
    echo(&mut wire, "one").await;
    echo(&mut wire, "two").await;
    let sequence = r#"{"type":9,"sequenceId":1}"#;
    assert_eq!(next(&mut wire).await.as_deref(), Some(sequence));
    assert_eq!(next(&mut wire).await.as_deref(), Some(ONE));
    let two = next(&mut wire).await.unwrap();
    assert!(two.contains(r#""result":"two""#), "{two}");
    // Acknowledged: the next socket begins after it.
    wire.say(r#"{"type":8,"sequenceId":2}"#).await;
    echo(&mut wire, "three").await;
    assert!(next(&mut wire).await.unwrap().contains("three"));
    drop(wire);
    let mut wire = open(&server, &path).await;
    wire.say(r#"{"type":9,"sequenceId":4}"#).await;
    let sequence = r#"{"type":9,"sequenceId":3}"#;
    assert_eq!(next(&mut wire).await.as_deref(), Some(sequence));
    assert!(next(&mut wire).await.unwrap().contains("three"));
    assert_eq!(server.hub.clients().connection_count(), 1);
}

#[tokio::test]
async fn a_gap_in_the_sequence_ends_the_connection_with_its_text() {
    let (server, path) = negotiated(methods().options(stateful())).await;
    let mut wire = connected(&server, &path, 2).await;
    echo(&mut wire, "one").await;
    assert_eq!(next(&mut wire).await.as_deref(), Some(ONE));
    wire.say(r#"{"type":9,"sequenceId":3}"#).await;
    let close = concat!(
        r#"{"type":7,"error":"Connection closed with an error. InvalidDataException: "#,
        r#"Sequence ID greater than amount of messages we've received.","allowReconnect":true}"#
    );
    assert_eq!(next(&mut wire).await.as_deref(), Some(close));
    assert_eq!(next(&mut wire).await, None);
}

#[tokio::test]
async fn a_new_socket_takes_over_from_one_that_still_looks_alive() {
    let (server, path) = negotiated(methods().options(stateful())).await;
    let _old = connected(&server, &path, 2).await;
    let mut wire = open(&server, &path).await;
    wire.say(r#"{"type":9,"sequenceId":1}"#).await;
    let sequence = r#"{"type":9,"sequenceId":1}"#;
    assert_eq!(next(&mut wire).await.as_deref(), Some(sequence));
    echo(&mut wire, "one").await;
    assert_eq!(next(&mut wire).await.as_deref(), Some(ONE));
}

#[tokio::test]
async fn a_full_replay_buffer_holds_messages_back_until_the_client_acknowledges() {
    let options = HubOptions {
        stateful_reconnect_bytes: 200,
        keep_alive_interval: Duration::from_millis(50),
        ..stateful()
    };
    let (server, path) = negotiated(methods().options(options)).await;
    let mut wire = connected(&server, &path, 2).await;
    let text = "x".repeat(60);
    let clients = server.hub.clients();
    for number in 0..10 {
        assert_eq!(clients.all().send("m", &(number, &text)).unwrap(), 1);
    }
    let (mut seen, mut pings) = (0, 0);
    while seen < 10 {
        let record = wire.next().await.unwrap();
        if record == r#"{"type":6}"# {
            // The server has nothing to do but to ping, although messages wait.
            pings += usize::from(seen > 0);
            let ack = format!(r#"{{"type":8,"sequenceId":{seen}}}"#);
            wire.say(&ack).await;
            continue;
        }
        let begin = format!(r#"{{"type":1,"target":"m","arguments":[{seen},"#);
        assert!(record.starts_with(&begin), "{record}");
        seen += 1;
    }
    assert!(pings >= 3, "{pings}: two or three messages fit at a time");
}

#[tokio::test]
async fn after_a_handshake_without_it_coming_back_is_answered_with_204() {
    let (server, path) = negotiated(methods().options(stateful())).await;
    let mut wire = connected(&server, &path, 1).await;
    echo(&mut wire, "one").await;
    assert_eq!(next(&mut wire).await.as_deref(), Some(ONE));
    let refused = server.open(server.upgrade(&path)).await.err();
    assert_eq!(refused, Some((204, String::new())));
    echo(&mut wire, "one").await;
    assert_eq!(next(&mut wire).await.as_deref(), Some(ONE));
}

#[tokio::test]
async fn what_was_heard_is_acknowledged_at_most_once_a_second() {
    let (server, path) = negotiated(methods().options(stateful())).await;
    let (begun, mut wire) = (Instant::now(), connected(&server, &path, 2).await);
    for _ in 0..5 {
        echo(&mut wire, "one").await;
    }
    let mut acks = 0;
    loop {
        let record = wire.next().await.unwrap();
        if let Some(number) = record.strip_prefix(r#"{"type":8,"sequenceId":"#) {
            acks += 1;
            if number == "5}" {
                break;
            }
        }
    }
    assert!(acks <= begun.elapsed().as_secs(), "{acks}");
}

#[tokio::test]
async fn a_client_that_does_not_come_back_in_time_is_gone() {
    let options = HubOptions {
        disconnect_timeout: Duration::from_millis(300),
        ..stateful()
    };
    let (server, path) = negotiated(methods().options(options)).await;
    let mut wire = connected(&server, &path, 2).await;
    echo(&mut wire, "one").await;
    assert_eq!(next(&mut wire).await.as_deref(), Some(ONE));
    drop(wire);
    while server.hub.clients().connection_count() > 0 {
        tokio::task::yield_now().await;
    }
    loop {
        match server.open(server.upgrade(&path)).await.err() {
            // Its end is being told.
            Some((204, _)) | None => tokio::task::yield_now().await,
            refused => break assert_eq!(refused.unwrap().0, 404),
        }
    }
}
