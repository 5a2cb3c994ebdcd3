//! Messages to one, some or all clients.

use reqwest::header::HeaderValue;
use serde::ser::{Error, Serializer};

use super::support::{Server, Wire, guarded, methods};

async fn user(server: &Server, token: &str) -> Wire {
    let mut request = server.upgrade("/hub");
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    request.headers_mut().insert("authorization", bearer);
    let mut wire = server.open(request).await.unwrap();
    wire.shake_hands().await;
    wire.call("Nothing", "[]").await;
    wire
}

/// Proves that nothing else is queued: the answer to a call comes next.
async fn nothing_more(wire: &mut Wire) {
    assert_eq!(
        wire.call("Nothing", "[]").await,
        r#"{"type":3,"invocationId":"0"}"#
    );
}

#[tokio::test]
async fn a_message_to_a_user_reaches_every_connection_of_it_and_no_other() {
    let server = Server::start(guarded()).await;
    let mut ann = user(&server, "token-ann").await;
    let mut ann_too = user(&server, "token-ann").await;
    let mut bob = user(&server, "token-bob").await;
    let clients = server.hub.clients();
    assert_eq!(clients.connection_count(), 3);
    let payload = serde_json::json!({"amount": 5});
    assert_eq!(clients.user("ann").send("event", &[&payload]).unwrap(), 2);
    assert_eq!(clients.user("Ann").send("event", &[&payload]).unwrap(), 0);
    for wire in [&mut ann, &mut ann_too] {
        let expected = r#"{"type":1,"target":"event","arguments":[{"amount":5}]}"#;
        assert_eq!(wire.next().await.as_deref(), Some(expected));
    }
    nothing_more(&mut bob).await;
}

#[tokio::test]
async fn a_message_to_a_connection_reaches_it_alone() {
    let server = Server::start(methods()).await;
    let mut one = server.connect().await;
    let mut two = server.connect().await;
    let id: serde_json::Value = serde_json::from_str(&one.call("Id", "[]").await).unwrap();
    nothing_more(&mut two).await;
    let clients = server.hub.clients();
    let id = id["result"].as_str().unwrap();
    assert_eq!(clients.connection(id).send("m", &(1, "a")).unwrap(), 1);
    assert_eq!(clients.connection("other").send("m", &(1, "a")).unwrap(), 0);
    let expected = r#"{"type":1,"target":"m","arguments":[1,"a"]}"#;
    assert_eq!(one.next().await.as_deref(), Some(expected));
    nothing_more(&mut two).await;
}

#[tokio::test]
async fn a_broadcast_is_serialized_once_and_arrives_in_order() {
    use std::sync::atomic::{AtomicU32, Ordering};
    struct Counted<'a>(&'a AtomicU32);
    impl serde::Serialize for Counted<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_u32(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }
    let server = Server::start(methods()).await;
    let mut wires = Vec::new();
    for _ in 0..4 {
        let mut wire = server.connect().await;
        nothing_more(&mut wire).await;
        wires.push(wire);
    }
    let (count, clients) = (AtomicU32::new(0), server.hub.clients());
    for _ in 0..100 {
        assert_eq!(clients.all().send("n", &[Counted(&count)]).unwrap(), 4);
    }
    for wire in &mut wires {
        for number in 0..100 {
            let expected = format!(r#"{{"type":1,"target":"n","arguments":[{number}]}}"#);
            assert_eq!(wire.next().await, Some(expected));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_serialized_is_sent_to_nobody() {
    struct Broken;
    impl serde::Serialize for Broken {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("broken"))
        }
    }
    let server = Server::start(methods()).await;
    let mut wire = server.connect().await;
    nothing_more(&mut wire).await;
    assert!(server.hub.clients().all().send("m", &[Broken]).is_err());
    nothing_more(&mut wire).await;
}
