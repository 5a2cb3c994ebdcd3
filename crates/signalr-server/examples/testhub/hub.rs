//! The hub's methods.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use signalr_server::{
    Binary, Caller, Hub, HubBuilder, HubException, HubOptions, NO_ARGUMENTS, Origins, Timestamp,
    Transport, Unauthorized, Upload, User, Value,
};

use crate::jwt;

/// The hubs of this server.
pub struct Hubs {
    pub main: Hub,
    pub no_websockets: Hub,
    pub authorized: Hub,
    pub echo: Hub,
}

impl Hubs {
    pub fn build() -> Self {
        let without = vec![Transport::ServerSentEvents, Transport::LongPolling];
        let no_websockets = HubOptions {
            transports: without,
            ..options()
        };
        let authorized = Hub::builder()
            .options(options())
            .origins(Origins::Any)
            .authenticate(|request| {
                let name = request.token().and_then(jwt::verify);
                async move { name.map(|name| Some(User::new(name))).ok_or(Unauthorized) }
            });
        Self {
            main: methods(Hub::builder().options(options())).build(),
            no_websockets: methods(Hub::builder().options(no_websockets)).build(),
            authorized: echo(authorized).build(),
            echo: Hub::builder()
                .origins(Origins::Any)
                .raw(|mut connection| async move {
                    while let Some(message) = connection.receive().await {
                        connection.send(message);
                    }
                })
                .build(),
        }
    }

    pub async fn shutdown(&self, deadline: Duration) {
        let each = [
            &self.main,
            &self.no_websockets,
            &self.authorized,
            &self.echo,
        ];
        futures_util::future::join_all(each.map(|hub| hub.shutdown(deadline))).await;
    }
}

fn options() -> HubOptions {
    HubOptions {
        detailed_errors: true,
        stateful_reconnect: true,
        ..HubOptions::default()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ComplexObject {
    byte_array: Binary,
    date_time: Timestamp,
    guid: String,
    int_array: Vec<i32>,
    string: String,
}

/// What `InvalidOperationException` is called there.
fn thrown(message: String) -> HubException {
    HubException::internal("InvalidOperationException", message)
}

fn unsent(error: signalr_server::EncodeError) -> HubException {
    HubException::internal("EncodeError", error.to_string())
}

/// Tells the client that its stream was dropped.
struct Cancelled(Caller);

impl Drop for Cancelled {
    fn drop(&mut self) {
        drop(self.0.send_to_caller("StreamCanceled", &NO_ARGUMENTS));
    }
}

fn cookie(caller: &Caller, name: &str) -> Option<String> {
    let cookies = caller.headers().get_all("cookie").into_iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split("; "))
        .filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

fn header(caller: &Caller, name: &str) -> Option<String> {
    let value = caller.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

fn echo(hub: HubBuilder) -> HubBuilder {
    hub.method("Echo", |_, (text,): (String,)| async move { Ok(text) })
}

fn methods(hub: HubBuilder) -> HubBuilder {
    let hub = echo(hub.origins(Origins::Any));
    about_the_connection(streams(hub))
        .method("ThrowException", |_, (message,): (String,)| async move {
            Err::<(), _>(thrown(message))
        })
        .method(
            "InvokeWithString",
            |caller, (text,): (String,)| async move {
                caller.send_to_caller("Message", &[text]).map_err(unsent)
            },
        )
        .method(
            "SendCustomObject",
            |caller, (object,): (Value,)| async move {
                let sent = caller.send_to_caller("CustomObject", &[object]);
                sent.map_err(unsent)
            },
        )
        .method(
            "EchoComplexObject",
            |_, (object,): (ComplexObject,)| async move { Ok(object) },
        )
        .method("SendComplexObject", |_, (): ()| async move {
            Ok(ComplexObject {
                byte_array: vec![1, 2, 3].into(),
                date_time: Timestamp {
                    seconds: 946_684_800,
                    nanoseconds: 0,
                },
                guid: "00010203-0405-0607-0706-050403020100".to_owned(),
                int_array: vec![1, 2, 3],
                string: "hello world".to_owned(),
            })
        })
}

fn about_the_connection(hub: HubBuilder) -> HubBuilder {
    hub.method("GetCallerConnectionId", |caller, (): ()| async move {
        Ok(caller.connection_id().to_owned())
    })
    .method("GetNumRedirects", |caller, (): ()| async move {
        let count = caller.query("numRedirects").and_then(|n| n.parse().ok());
        Ok(count.unwrap_or(0_i64))
    })
    .method("GetActiveTransportName", |caller, (): ()| async move {
        Ok(caller.transport().name())
    })
    .method("GetContentTypeHeader", |caller, (): ()| async move {
        Ok(header(&caller, "content-type"))
    })
    .method("GetHeader", |caller, (name,): (String,)| async move {
        Ok(header(&caller, &name))
    })
    .method("GetCookie", |caller, (name,): (String,)| async move {
        Ok(cookie(&caller, &name))
    })
}

fn streams(hub: HubBuilder) -> HubBuilder {
    hub.stream("Stream", |_, (): ()| async {
        Ok(stream::iter(["a", "b", "c"].map(Ok)))
    })
    .stream("EmptyStream", |_, (): ()| async {
        Ok(stream::empty::<Result<String, _>>())
    })
    .stream("InfiniteStream", |caller, (): ()| async move {
        let cancelled = Cancelled(caller);
        Ok(stream::once(async move {
            let _cancelled = cancelled;
            std::future::pending::<Result<String, _>>().await
        }))
    })
    .stream(
        "StreamThrowException",
        |_, (message,): (String,)| async move {
            Err::<stream::Empty<Result<String, _>>, _>(thrown(message))
        },
    )
    .upload(
        "StreamingConcat",
        |_, (): (), mut items: Upload<String>| async move {
            let mut whole = String::new();
            while let Some(item) = items.next().await {
                whole.push_str(&item?);
            }
            Ok(whole)
        },
    )
}
