//! Peers that mean harm: what they cost is bounded, and the others do not notice.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use signalr_server::{DisconnectReason, HubOptions};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::unbounded_channel;
use tokio_tungstenite::tungstenite::Message;

use super::support::{Server, methods};

#[tokio::test]
async fn a_client_that_never_reads_is_disconnected_and_the_others_do_not_notice() {
    let (end, mut ends) = unbounded_channel();
    let options = HubOptions {
        close_timeout: Duration::from_millis(200),
        ..HubOptions::default()
    };
    let hub = methods()
        .options(options)
        .on_disconnected(move |_, reason| {
            let end = end.clone();
            async move { end.send(reason).unwrap() }
        });
    let server = Server::start(hub).await;
    let mut reader = server.connect().await;
    reader.call("Nothing", "[]").await;
    let mut deaf = server.connect().await;
    deaf.call("Nothing", "[]").await;
    let clients = server.hub.clients();
    let payload = "x".repeat(16 * 1024);
    let mut rounds = 0;
    // Until the kernel's buffers and the queue are full.
    while clients.connection_count() == 2 {
        clients.all().send("m", &[&payload]).unwrap();
        assert!(reader.next().await.unwrap().contains("xxx"));
        rounds += 1;
        assert!(rounds < 10_000, "the queue is bounded");
    }
    assert_eq!(ends.recv().await, Some(DisconnectReason::SlowClient));
    assert!(reader.call("Echo", r#"["on"]"#).await.contains("on"));
    drop(deaf);
}

#[tokio::test]
async fn a_slow_handshake_is_cut_off_however_often_a_byte_comes() {
    let options = HubOptions {
        handshake_timeout: Duration::from_millis(300),
        ..HubOptions::default()
    };
    let server = Server::start(methods().options(options)).await;
    let wire = server.open(server.upgrade("/hub")).await.unwrap();
    // Spaces are no handshake, however many come; they stay below the size limit.
    let (mut say, mut hear) = wire.socket.split();
    let drip = async {
        for _ in 0..1000 {
            if say.send(Message::text(" ")).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        std::future::pending::<()>().await;
    };
    let refused = tokio::select! {
        message = hear.next() => message.unwrap().unwrap(),
        () = drip => unreachable!("it never ends"),
    };
    let expected = "{\"error\":\"Handshake was canceled.\"}\u{1e}";
    assert_eq!(refused.into_text().unwrap().as_str(), expected);
    assert_eq!(server.hub.clients().connection_count(), 0);
}

#[tokio::test]
async fn bombs_and_floods_of_ids_end_only_their_own_connection() {
    let server = Server::start(methods()).await;
    let mut good = server.connect().await;
    // Thousands of ids that name nothing cost nothing.
    for id in 0..5000 {
        let kind = [2, 3, 5][id % 3];
        good.say(&format!(
            r#"{{"type":{kind},"invocationId":"{id}","item":1}}"#
        ))
        .await;
    }
    let streams: Vec<String> = (0..2000).map(|id| format!("\"{id}\"")).collect();
    good.say(&format!(
        r#"{{"type":1,"target":"Echo","arguments":["x"],"streamIds":[{}]}}"#,
        streams.join(",")
    ))
    .await;
    assert!(good.call("Echo", r#"["on"]"#).await.contains("on"));
    // A list of four billion elements, and a length beyond the limit.
    for bomb in [
        &[
            12, 0x96, 1, 0x80, 0xc0, 0xa1, b'm', 0xdd, 0xff, 0xff, 0xff, 0xff, 0x90,
        ][..],
        &[0xff, 0xff, 0xff, 0xff, 0x07],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        let mut wire = server.open(server.upgrade("/hub")).await.unwrap();
        wire.send("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}".to_owned())
            .await;
        let bomb = Message::binary(bomb.to_vec());
        wire.socket.send(bomb).await.unwrap();
        let mut last = Vec::new();
        while let Some(Ok(Message::Binary(bytes))) = wire.socket.next().await {
            last.extend_from_slice(&bytes);
        }
        let text = String::from_utf8_lossy(&last);
        assert!(text.contains("Connection closed with an error."), "{text}");
    }
    assert!(good.call("Echo", r#"["on"]"#).await.contains("on"));
}

#[tokio::test]
async fn a_post_that_breaks_off_ends_its_connection() {
    let server = Server::start(methods()).await;
    let negotiated = server.negotiate(1).await;
    let token = negotiated["connectionToken"].as_str().unwrap();
    let mut socket = TcpStream::connect(server.address()).await.unwrap();
    let head =
        format!("POST /hub?id={token} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{{\"pro");
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // Whatever the answer is, it comes.
    drop(socket.read_to_end(&mut answer).await);
    let path = format!("/hub?id={token}");
    let poll = || async {
        let request = server.request(reqwest::Method::GET, &path);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(poll().await, 200);
    while poll().await == 200 {}
    assert_eq!(server.hub.clients().connection_count(), 0);
}

#[tokio::test]
async fn half_a_request_costs_nobody_anything() {
    let server = Server::start(methods()).await;
    let mut halves = Vec::new();
    for head in [
        "GET /hub HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n",
        "POST /hub/negotiate HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12",
        "G",
    ] {
        for _ in 0..100 {
            let mut socket = TcpStream::connect(server.address()).await.unwrap();
            socket.write_all(head.as_bytes()).await.unwrap();
            halves.push(socket);
        }
    }
    // An upgrade whose handshake never comes, half-open: the client's side says nothing more.
    for _ in 0..100 {
        let wire = server.open(server.upgrade("/hub")).await.unwrap();
        halves.push(match wire.socket.into_inner() {
            tokio_tungstenite::MaybeTlsStream::Plain(tcp) => tcp,
            _ => unreachable!("no TLS here"),
        });
    }
    let mut good = server.connect().await;
    assert!(good.call("Echo", r#"["on"]"#).await.contains("on"));
    assert_eq!(server.hub.clients().connection_count(), 1);
    drop(halves);
}

#[tokio::test]
async fn two_thousand_idle_connections_leave_the_hub_quick() {
    let server = Server::start(methods()).await;
    let mut idle = Vec::new();
    for _ in 0..2000 {
        idle.push(server.connect().await);
    }
    assert_eq!(server.hub.clients().connection_count(), 2000);
    let sent = server.hub.clients().all().send("m", &["x"]).unwrap();
    assert_eq!(sent, 2000);
    for wire in &mut idle {
        assert!(wire.next().await.unwrap().contains("\"m\""));
    }
}
