//! [`HubClient`]: a SignalR client that speaks the JSON hub protocol by hand, as far as these tests need it.

use std::collections::VecDeque;

use axum::http::Method;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::patience::PATIENCE;
use crate::rest::Answer;
use crate::server::TestServer;

/// The path of the hub, as its contract writes it.
const PATH: &str = "/ExecutionLiveServer/v1";
/// What ends every message of the protocol.
const END: char = '\u{1e}';

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One connection to the hub.
pub struct HubClient {
    socket: Socket,
    records: VecDeque<Value>,
    events: VecDeque<(Value, Option<i64>)>,
    calls: u64,
}

impl HubClient {
    /// Negotiates with the key as a header and connects with the key in the query, as browsers do.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn connect(server: &TestServer, key: &str) -> Self {
        Self::connect_with(server, key, "").await
    }

    /// The same with more in the query, for example `&data=string`.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn connect_with(server: &TestServer, key: &str, query: &str) -> Self {
        let negotiated = Self::negotiate(server, Some(key)).await;
        assert_eq!(negotiated.status, 200, "{negotiated:?}");
        let negotiated: Value = serde_json::from_slice(&negotiated.body).expect("JSON");
        let id = negotiated["connectionToken"].as_str().expect("a token");
        let key = key.replace('|', "%7C");
        let query = format!("?id={id}&access_token={key}{query}");
        let socket = Self::upgrade(server, &query).await;
        Self::shake_hands(socket.unwrap_or_else(|status| panic!("refused with {status}"))).await
    }

    /// Connects to any server at `address`, a host and a port, without a negotiation.
    ///
    /// # Panics
    /// When the server refuses.
    pub async fn connect_to(address: &str, key: &str) -> Self {
        let key = key.replace('|', "%7C");
        let url = format!("ws://{address}{PATH}?access_token={key}");
        let (socket, _) = connect_async(url).await.expect("a connection");
        Self::shake_hands(socket).await
    }

    async fn shake_hands(socket: Socket) -> Self {
        let mut client = Self {
            socket,
            records: VecDeque::new(),
            events: VecDeque::new(),
            calls: 0,
        };
        client.say(r#"{"protocol":"json","version":1}"#).await;
        assert_eq!(
            client.record().await,
            json!({}),
            "the answer to the handshake"
        );
        client
    }

    /// The answer to a negotiation.
    pub async fn negotiate(server: &TestServer, key: Option<&str>) -> Answer {
        let path = format!("{PATH}/negotiate?negotiateVersion=1");
        let call = server.call(Method::POST, &path);
        let call = match key {
            Some(key) => call.key(key),
            None => call,
        };
        call.send().await
    }

    /// Asks for a WebSocket with `query`; answers the status of a refusal.
    ///
    /// # Errors
    /// The status.
    ///
    /// # Panics
    /// When there is no connection at all.
    pub async fn upgrade(server: &TestServer, query: &str) -> Result<Socket, u16> {
        let url = format!("ws://{}{PATH}{query}", server.address());
        match connect_async(url).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Calls a method and gives back its completion, without the invocation id. Events that come first are kept.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn invoke(&mut self, target: &str, arguments: Value) -> Value {
        self.send(target, arguments).await;
        let id = Value::from(self.calls.to_string());
        loop {
            let mut record = self.record().await;
            if record["type"] == 3 && record["invocationId"] == id {
                if let Some(fields) = record.as_object_mut() {
                    fields.remove("invocationId");
                }
                return record;
            }
            self.keep(record);
        }
    }

    /// Calls a method without waiting for its completion.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send(&mut self, target: &str, arguments: Value) {
        self.calls += 1;
        let id = self.calls.to_string();
        let call = json!({"type": 1, "invocationId": id, "target": target, "arguments": arguments});
        self.say(&call.to_string()).await;
    }

    /// Waits until the connection is gone, whatever comes before.
    ///
    /// # Panics
    /// When it is not in time.
    pub async fn gone(mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = timeout_at(deadline, self.socket.next()).await;
            match message.expect("the end in time") {
                Some(Ok(message)) if !message.is_close() => {}
                _ => return,
            }
        }
    }

    /// The next event: the one argument of `executionEvents`.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn event(&mut self) -> Value {
        loop {
            if let Some((event, number)) = self.events.pop_front() {
                assert_eq!(number, None, "nobody asked for numbers");
                return event;
            }
            let record = self.record().await;
            self.keep(record);
        }
    }

    /// The next event and its number, on a connection that said what it has seen.
    ///
    /// # Panics
    /// When none comes in time, or without a number.
    pub async fn numbered_event(&mut self) -> (Value, i64) {
        while self.events.is_empty() {
            let record = self.record().await;
            self.keep(record);
        }
        let (event, number) = self.events.pop_front().expect("an event is there");
        (event, number.expect("a number"))
    }

    fn keep(&mut self, mut record: Value) {
        if record["type"] == 1 {
            assert_eq!(record["target"], "executionEvents", "{record}");
            let arguments = record["arguments"].as_array_mut().expect("arguments");
            let number = match arguments.len() {
                1 => None,
                2 => Some(arguments[1].as_i64().expect("a number")),
                more => panic!("an event with {more} arguments"),
            };
            self.events.push_back((arguments[0].take(), number));
        }
    }

    async fn say(&mut self, record: &str) {
        let message = Message::text(format!("{record}{END}"));
        self.socket.send(message).await.expect("an open connection");
    }

    /// The next message that is no ping. Pings come for ever, so they do not lengthen the wait.
    async fn record(&mut self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(record) = self.records.pop_front() {
                if record["type"] != 6 {
                    return record;
                }
                continue;
            }
            let message = timeout_at(deadline, self.socket.next())
                .await
                .expect("a message in time");
            let message = message.expect("an open connection").expect("a sound frame");
            if let Message::Text(text) = message {
                let records = text.split_terminator(END);
                let parsed = records.map(|record| serde_json::from_str(record).expect("JSON"));
                self.records.extend(parsed);
            } else {
                assert!(!message.is_close(), "the server closed the connection");
            }
        }
    }
}
