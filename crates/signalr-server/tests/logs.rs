//! What this crate logs names no token, id, argument or text of a client.
#![expect(clippy::unwrap_used, reason = "test")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use signalr_server::{Arguments, Completion, Hub, HubException, User};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_hold_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter("signalr_server=trace")
        .with_writer(move || writer.clone())
        .init();
    let hub = Hub::builder()
        .authenticate(|_| async { Ok(Some(User::new("secret-user"))) })
        .method("Take", |_, arguments: Arguments| async move {
            let (_,): (u8,) = arguments.decode()?;
            Ok(Completion::void())
        })
        .method("Fail", |_, _: ()| async {
            Err::<(), _>(HubException::new("secret-error"))
        })
        .build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = hub.router("/hub");
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let client = reqwest::Client::builder()
        .timeout(std::time::Duration::from_secs(20))
        .build()
        .unwrap();
    let url = format!("http://{address}/hub/negotiate?negotiateVersion=1");
    let negotiated = client.post(url).send().await.unwrap();
    let negotiated: serde_json::Value = negotiated.json().await.unwrap();
    let token = negotiated["connectionToken"].as_str().unwrap();
    let id = negotiated["connectionId"].as_str().unwrap();
    let url = format!("ws://{address}/hub?id={token}&access_token=secret-token");
    let (mut socket, _) = connect_async(url).await.unwrap();
    for record in [
        r#"{"protocol":"json","version":1}"#,
        r#"{"type":1,"invocationId":"0","target":"Take","arguments":["secret-argument"]}"#,
        r#"{"type":1,"invocationId":"0","target":"Fail","arguments":[]}"#,
        r#"{"type":1,"invocationId":"0","target":"secret-method","arguments":[]}"#,
        r#"{"type":7,"error":"secret-close"}"#,
    ] {
        socket
            .send(Message::text(format!("{record}\u{1e}")))
            .await
            .unwrap();
    }
    while socket.next().await.is_some_and(|message| message.is_ok()) {}
    assert!(hub.shutdown(std::time::Duration::from_secs(10)).await);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("disconnected"), "{log}");
    for secret in ["secret", token, id] {
        assert!(!log.contains(secret), "{secret} is in: {log}");
    }
}
