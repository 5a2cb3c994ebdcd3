//! Connections without a hub protocol.

use futures_util::{SinkExt as _, StreamExt as _};
use signalr_server::Hub;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::support::Server;

async fn echo() -> Server {
    let hub = Hub::builder().raw(|mut connection| async move {
        while let Some(message) = connection.receive().await {
            connection.send(message);
        }
    });
    Server::start(hub).await
}

#[tokio::test]
async fn bytes_and_text_come_back_as_they_were() {
    let server = echo().await;
    let mut wire = server.open(server.upgrade("/hub")).await.unwrap();
    for message in [
        Message::text("Hello, World!"),
        Message::binary(vec![0, 30, 255]),
        Message::binary(vec![7; 70_000]),
    ] {
        wire.socket.send(message.clone()).await.unwrap();
        assert_eq!(wire.socket.next().await.unwrap().unwrap(), message);
    }
}

#[tokio::test]
async fn whoever_closes_hears_1000_with_and_without_a_code_of_his_own() {
    let server = echo().await;
    let own = CloseFrame {
        code: 1000.into(),
        reason: "enough".into(),
    };
    for close in [None, Some(own)] {
        let mut wire = server.open(server.upgrade("/hub")).await.unwrap();
        wire.socket.send(Message::text("x")).await.unwrap();
        assert_eq!(
            wire.socket.next().await.unwrap().unwrap(),
            Message::text("x")
        );
        wire.socket.close(close).await.unwrap();
        let answer = wire.socket.next().await.unwrap().unwrap();
        let Message::Close(Some(frame)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(u16::from(frame.code), 1000);
        assert!(wire.socket.next().await.is_none(), "a clean end");
    }
}
