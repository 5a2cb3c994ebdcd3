//! A client of either server: a WebSocket, and the bytes of calls in both protocols.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::HubError;
use super::server::Served;

const SEPARATOR: u8 = 0x1e;
const BUFFER_BYTES: usize = 4096;

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Text.
    Json,
    /// Bytes.
    MessagePack,
}

impl Protocol {
    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::MessagePack => "MessagePack",
        }
    }

    /// A call of type 1 or a stream call of type 4 with the id `1`; `count` comes before `text` if there is one.
    pub fn call(self, kind: u8, target: &str, count: Option<u32>, text: &str) -> Message {
        match self {
            Self::Json => {
                let count = count.map(|count| format!("{count},")).unwrap_or_default();
                Message::text(format!(
                    "{{\"arguments\":[{count}\"{text}\"],\"invocationId\":\"1\",\"target\":\"{target}\",\
                     \"type\":{kind}}}\u{1e}"
                ))
            }
            Self::MessagePack => {
                let mut body = vec![0x96, kind, 0x80, 0xa1, b'1'];
                body.push(0xa0 | target.len() as u8);
                body.extend_from_slice(target.as_bytes());
                body.push(0x91 + u8::from(count.is_some()));
                if let Some(count) = count {
                    body.push(0xce);
                    body.extend_from_slice(&count.to_be_bytes());
                }
                body.extend_from_slice(&[0xda]);
                body.extend_from_slice(&(text.len() as u16).to_be_bytes());
                body.extend_from_slice(text.as_bytes());
                body.push(0x90);
                let mut message = Vec::new();
                let mut length = body.len();
                while length > 0x7f {
                    message.push((length & 0x7f) as u8 | 0x80);
                    length >>= 7;
                }
                message.push(length as u8);
                message.extend_from_slice(&body);
                Message::binary(message)
            }
        }
    }
}

/// A connection.
pub struct Peer {
    socket: WebSocketStream<TcpStream>,
}

impl Peer {
    /// Connects, and shakes hands with a hub.
    pub async fn connect(
        address: &str,
        served: Served,
        protocol: Protocol,
    ) -> Result<Self, HubError> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES);
        let url = format!("ws://{address}/hub");
        let (socket, _) = client_async_with_config(url, tcp, Some(config)).await?;
        let mut peer = Self { socket };
        if served == Served::Hub {
            let name = protocol.name().to_lowercase();
            let hello = format!("{{\"protocol\":\"{name}\",\"version\":1}}\u{1e}");
            peer.send_all([Message::text(hello)]).await?;
            if peer.next().await?[..] != [b'{', b'}', SEPARATOR] {
                return Err(HubError::Surprise("the handshake was refused"));
            }
        }
        Ok(peer)
    }

    /// Sends messages together.
    pub async fn send_all(
        &mut self,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<(), HubError> {
        for message in messages {
            self.socket.feed(message).await?;
        }
        self.socket.flush().await?;
        Ok(())
    }

    /// The next message.
    pub async fn next(&mut self) -> Result<Bytes, HubError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text.into()),
                Some(Ok(Message::Binary(bytes))) => return Ok(bytes),
                Some(Ok(Message::Close(_))) | None => {
                    return Err(HubError::Surprise("the server closed the connection"));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }
}
