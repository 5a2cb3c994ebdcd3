//! A client of the hub: the JSON hub protocol over a WebSocket, as much of it as a withdrawal needs.
//!
//! SignalR's HubProtocol.md: a handshake, then records that end with 0x1E; type 1 is an invocation,
//! 3 a completion, 6 a ping, 7 a close.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::error::Elapsed;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// Small writes leave at once, as from every browser and from node: else they would wait 40 ms for the
/// acknowledgement of the one before.
const NO_NAGLE: bool = true;
const SEPARATOR: char = '\u{1e}';
const SUBJECT_PREFIX: &str = "execution.withdrawal.lightspark.";

/// What went wrong between the client and the hub.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    #[error("the key or the address is not fit for a request")]
    Address,
    #[error("the socket failed")]
    Socket(#[from] Box<SocketError>),
    #[error("a record is not JSON")]
    Json(#[from] serde_json::Error),
    #[error("the handshake was refused: {0}")]
    Handshake(String),
    #[error("the hub closed the connection: {0}")]
    Closed(String),
    #[error("no event came in time")]
    Silent(#[from] Elapsed),
    #[error("a command was refused: {0}")]
    Refused(String),
    #[error("an event names a command that was not given: {0}")]
    Stray(String),
    #[error("an event came twice for {0}")]
    Repeated(String),
    #[error("a completed event came without its created event")]
    NotCreated,
}

impl From<SocketError> for HubError {
    fn from(error: SocketError) -> Self {
        Self::Socket(Box::new(error))
    }
}

/// What an event says of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is reserved.
    Created,
    /// It is paid.
    Completed,
}

/// A record of the hub, as far as it is read.
#[derive(Deserialize)]
struct Record {
    r#type: Option<u8>,
    error: Option<String>,
    arguments: Option<Vec<Event>>,
}

#[derive(Deserialize)]
struct Event {
    subject: String,
    #[serde(rename = "clientId")]
    client_id: String,
    data: Value,
}

/// A connection after its handshake.
pub struct Hub {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    records: VecDeque<String>,
    invocations: u64,
}

impl Hub {
    /// Connects to `url` (http) with an API key.
    pub async fn connect(url: &str, api_key: &str) -> Result<Self, HubError> {
        let url = url.strip_prefix("http").ok_or(HubError::Address)?;
        let mut request = format!("ws{url}").into_client_request()?;
        let token = HeaderValue::from_str(&format!("Bearer {api_key}"));
        let token = token.map_err(|_| HubError::Address)?;
        request.headers_mut().insert(header::AUTHORIZATION, token);
        let (socket, _) = connect_async_with_config(request, None, NO_NAGLE).await?;
        let mut hub = Self {
            socket,
            records: VecDeque::new(),
            invocations: 0,
        };
        hub.say(&json!({"protocol": "json", "version": 1})).await?;
        let answer = hub.record().await?;
        if answer != "{}" {
            return Err(HubError::Handshake(answer));
        }
        Ok(hub)
    }

    /// Invokes `WithdrawLightning` and does not wait for its completion.
    pub async fn withdraw(&mut self, client_id: &str, invoice: &str) -> Result<(), HubError> {
        let record = json!({
            "type": 1,
            "invocationId": self.invocations.to_string(),
            "target": "WithdrawLightning",
            "arguments": [client_id, invoice],
        });
        self.invocations += 1;
        self.say(&record).await
    }

    /// The next event of a withdrawal and the command that it answers.
    pub async fn next(&mut self, patience: Duration) -> Result<(Told, String), HubError> {
        tokio::time::timeout(patience, self.next_event()).await?
    }

    /// Ends the connection.
    pub async fn close(&mut self) -> Result<(), HubError> {
        Ok(self.socket.close(None).await?)
    }

    async fn next_event(&mut self) -> Result<(Told, String), HubError> {
        loop {
            let text = self.record().await?;
            let record: Record = serde_json::from_str(&text)?;
            match (record.r#type, record.error) {
                (Some(1), _) => {
                    let event = record.arguments.and_then(|mut events| events.pop());
                    return told(event.ok_or(HubError::Refused(text))?);
                }
                (Some(7), error) => return Err(HubError::Closed(error.unwrap_or_default())),
                // The hub expects to hear from its clients within 30 s; its own pings come every 15.
                (Some(6), _) => self.say(&json!({"type": 6})).await?,
                (_, Some(error)) => return Err(HubError::Refused(error)),
                (_, None) => {}
            }
        }
    }

    async fn say(&mut self, record: &Value) -> Result<(), HubError> {
        let text = format!("{record}{SEPARATOR}");
        Ok(self.socket.send(Message::text(text)).await?)
    }

    async fn record(&mut self) -> Result<String, HubError> {
        loop {
            if let Some(record) = self.records.pop_front() {
                return Ok(record);
            }
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let records = text.split_terminator(SEPARATOR);
                    self.records.extend(records.map(str::to_owned));
                }
                Some(Ok(Message::Close(frame))) => {
                    let reason = frame.map(|frame| frame.to_string());
                    return Err(HubError::Closed(reason.unwrap_or_default()));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(HubError::Closed("without a word".to_owned())),
            }
        }
    }
}

fn told(event: Event) -> Result<(Told, String), HubError> {
    let told = match event.subject.strip_prefix(SUBJECT_PREFIX) {
        Some("created") => Told::Created,
        Some("completed") => Told::Completed,
        _ => {
            let what = format!("{}: {}", event.subject, event.data);
            return Err(HubError::Refused(what));
        }
    };
    Ok((told, event.client_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(subject: &str) -> Result<(Told, String), HubError> {
        told(Event {
            subject: format!("{SUBJECT_PREFIX}{subject}"),
            client_id: "a".to_owned(),
            data: Value::Null,
        })
    }

    #[test]
    fn a_failed_withdrawal_ends_the_run() {
        assert!(matches!(event("failed"), Err(HubError::Refused(_))));
        assert!(matches!(event("error"), Err(HubError::Refused(_))));
    }

    #[test]
    fn created_and_completed_are_told_apart() {
        assert!(matches!(event("created"), Ok((Told::Created, id)) if id == "a"));
        assert!(matches!(event("completed"), Ok((Told::Completed, id)) if id == "a"));
    }
}
