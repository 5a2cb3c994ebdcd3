//! A hub on a free port, and a client that speaks the wire format by hand.

use std::collections::VecDeque;
use std::time::Duration;

use axum::Router;
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method, RequestBuilder};
use signalr_server::{Arguments, Completion, Hub, HubBuilder, HubException, Unauthorized, User};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than anything here takes; a wait this long is a failure.
const PATIENCE: Duration = Duration::from_secs(20);

/// A hub being served at `/hub`.
pub struct Server {
    pub hub: Hub,
    address: String,
}

impl Server {
    pub async fn start(hub: HubBuilder) -> Self {
        let hub = hub.build();
        let router = hub.router("/Hub");
        Self::serve(hub, router).await
    }

    pub async fn serve(hub: Hub, router: Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { hub, address }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let client = Client::builder().timeout(PATIENCE).build().unwrap();
        client.request(method, format!("http://{}{path}", self.address))
    }

    /// The answer to a negotiation of that version.
    pub async fn negotiate(&self, version: u8) -> serde_json::Value {
        let path = format!("/hub/negotiate?negotiateVersion={version}");
        let answer = self.request(Method::POST, &path).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub fn upgrade(&self, path: &str) -> Request {
        format!("ws://{}{path}", self.address)
            .into_client_request()
            .unwrap()
    }

    /// A socket without a handshake, or the status and body of the refusal.
    pub async fn open(&self, request: Request) -> Result<Wire, (u16, String)> {
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Wire {
                socket,
                records: VecDeque::new(),
                partial: String::new(),
            }),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
                let body = answer.body().clone().unwrap_or_default();
                Err((answer.status().as_u16(), String::from_utf8(body).unwrap()))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// A client after its handshake, without negotiation.
    pub async fn connect(&self) -> Wire {
        self.connect_at("/hub").await
    }

    pub async fn connect_at(&self, path: &str) -> Wire {
        let mut wire = self.open(self.upgrade(path)).await.unwrap();
        wire.shake_hands().await;
        wire
    }
}

/// A client's end of a WebSocket.
pub struct Wire {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    records: VecDeque<String>,
    partial: String,
}

impl Wire {
    pub async fn shake_hands(&mut self) {
        self.say(r#"{"protocol":"json","version":1}"#).await;
        assert_eq!(self.next().await.as_deref(), Some("{}"));
    }

    /// Sends one hub message in one frame.
    pub async fn say(&mut self, record: &str) {
        self.send(format!("{record}\u{1e}")).await;
    }

    /// Sends a text frame as it is.
    pub async fn send(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Calls a method and returns the whole answer. `Type` comes last, as from JavaScript.
    pub async fn call(&mut self, target: &str, arguments: &str) -> String {
        self.say(&format!(
            r#"{{"arguments":{arguments},"invocationId":"0","target":"{target}","type":1}}"#
        ))
        .await;
        self.next().await.unwrap()
    }

    /// The next hub message; `None` when the server has closed with code 1000.
    pub async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(record) = self.records.pop_front() {
                return Some(record);
            }
            let message = timeout(PATIENCE, self.socket.next()).await.unwrap();
            match message.unwrap().unwrap() {
                Message::Text(text) => {
                    self.partial.push_str(&text);
                    assert!(
                        text.ends_with('\u{1e}'),
                        "a message is never split over frames"
                    );
                    let whole = std::mem::take(&mut self.partial);
                    self.records
                        .extend(whole.split_terminator('\u{1e}').map(str::to_owned));
                }
                Message::Close(frame) => {
                    assert_eq!(u16::from(frame.unwrap().code), 1000);
                    return None;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A hub with the methods that these tests call.
pub fn methods() -> HubBuilder {
    Hub::builder()
        .method("Echo", |_, arguments: Arguments| async move {
            let (text,): (String,) = arguments.decode()?;
            Ok(Completion::value(text))
        })
        .method("Nothing", |_, _: ()| async { Ok(Completion::void()) })
        .method("Null", |_, _: ()| async {
            Ok(Completion::value(None::<u8>))
        })
        .method("Query", |caller, arguments: Arguments| async move {
            let (name,): (String,) = arguments.decode()?;
            Ok(Completion::value(caller.query(&name).map(str::to_owned)))
        })
        .method("Id", |caller, _: ()| async move {
            Ok(Completion::value(caller.connection_id().to_owned()))
        })
        .method("Fail", |_, _: ()| async {
            Err::<(), _>(HubException::new("because"))
        })
        .method("Break", |_, _: ()| async {
            Err::<(), _>(HubException::internal(
                "InvalidOperationException",
                "secret",
            ))
        })
        .method::<(), (), _, _>("Panic", |_, _: ()| async {
            panic!("a panic that the test wants")
        })
        .method("Count", |caller, arguments: Arguments| async move {
            let (to,): (u32,) = arguments.decode()?;
            for number in 0..to {
                caller
                    .send_to_caller("number", &[number])
                    .map_err(|error| HubException::new(error.to_string()))?;
                tokio::task::yield_now().await;
            }
            Ok(Completion::void())
        })
}

/// The same, for users whose token is `token-<user>`.
pub fn guarded() -> HubBuilder {
    methods().authenticate(|request| {
        let user = request
            .token()
            .and_then(|token| token.strip_prefix("token-"))
            .map(|name| User::new(name).with_claims(name.len()));
        async move { user.map(Some).ok_or(Unauthorized) }
    })
}
