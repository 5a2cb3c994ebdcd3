//! The crate `signalr-client` against the conformance hub: calls, errors, streams, client methods and a killed server,
//! in both protocols over WebSockets, the one transport that it has.

use std::time::Duration;

use futures_util::StreamExt;
use signalr_client::{InvocationContext, SignalRClient};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::testhub::TestHub;

const PATIENCE: Duration = Duration::from_secs(30);

async fn connect(port: u16, is_binary: bool) -> SignalRClient {
    let connected = SignalRClient::connect_with("127.0.0.1", "testhub", |options| {
        options.with_port(i32::from(port));
        options.unsecure();
        if is_binary {
            options.with_messagepack_protocol();
        }
    });
    connected.await.expect("a connection")
}

async fn echo(client: &mut SignalRClient, text: &str) -> Result<String, String> {
    let invoke = client.invoke_with_args("Echo".to_owned(), |call| {
        call.argument(text.to_owned());
    });
    timeout(PATIENCE, invoke).await.expect("an answer in time")
}

async fn speaks(is_binary: bool) {
    let hub = TestHub::start(0).await;
    let mut client = connect(hub.port, is_binary).await;
    for text in ["hello", "hé\n\"", ""] {
        assert_eq!(echo(&mut client, text).await.as_deref(), Ok(text));
    }

    let (message, mut messages) = mpsc::unbounded_channel();
    let registered = client.register("Message".to_owned(), move |context: InvocationContext| {
        message
            .send(context.argument::<String>(0))
            .expect("the test listens");
    });
    let sent = client.send_with_args("InvokeWithString".to_owned(), |call| {
        call.argument("told".to_owned());
    });
    sent.await.expect("it is connected");
    let told = timeout(PATIENCE, messages.recv()).await;
    assert_eq!(told.expect("in time"), Some(Ok("told".to_owned())));
    drop(registered);

    let stream = client.enumerate::<String>("Stream".to_owned()).await;
    let items = timeout(PATIENCE, stream.collect::<Vec<_>>()).await;
    assert_eq!(items.expect("in time"), ["a", "b", "c"]);

    let failed = client.invoke_with_args::<String, _>("ThrowException".to_owned(), |call| {
        call.argument("why".to_owned());
    });
    let error = timeout(PATIENCE, failed).await.expect("in time");
    let text = "An unexpected error occurred invoking 'ThrowException' on the server. \
                InvalidOperationException: why";
    assert!(
        error.as_ref().is_err_and(|error| error.contains(text)),
        "{error:?}"
    );
    assert_eq!(
        echo(&mut client, "still here").await.as_deref(),
        Ok("still here")
    );
    client.disconnect();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_messages_streams_and_errors_in_json() {
    speaks(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_messages_streams_and_errors_in_messagepack() {
    speaks(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_followed_by_the_next_on_its_port() {
    let hub = TestHub::start(0).await;
    let port = hub.port;
    let mut client = connect(port, false).await;
    assert_eq!(echo(&mut client, "before").await.as_deref(), Ok("before"));
    hub.kill().await;
    let _next = TestHub::start(port).await;
    let mut client = connect(port, false).await;
    assert_eq!(echo(&mut client, "after").await.as_deref(), Ok("after"));
}
