//! A small hub to try SignalR clients on: `cargo run --example echo [ADDRESS]`.
//!
//! It serves `/hub` on `127.0.0.1:5000`, lets everybody in, and stops on Ctrl-C after it has
//! told every client to reconnect. In a browser or Node:
//!
//! ```js
//! const hub = new HubConnectionBuilder().withUrl("http://127.0.0.1:5000/hub").build();
//! hub.on("Message", text => console.log(text));
//! await hub.start();
//! await hub.invoke("Echo", "hello");
//! ```
use std::time::Duration;

use signalr_server::{Arguments, Completion, Hub, HubException, Origins};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let hub = Hub::builder()
        .origins(Origins::Any)
        .method("Echo", |_caller, arguments: Arguments| async move {
            let (text,): (String,) = arguments.decode()?;
            Ok(Completion::value(text))
        })
        // Sends to the caller, and answers with nothing.
        .method(
            "InvokeWithString",
            |caller, arguments: Arguments| async move {
                let (text,): (String,) = arguments.decode()?;
                caller
                    .send_to_caller("Message", &[text])
                    .map_err(|error| HubException::internal("EncodeError", error.to_string()))?;
                Ok(Completion::void())
            },
        )
        // Sends to everybody, and answers with how many that were.
        .method("Broadcast", |caller, arguments: Arguments| async move {
            let (text,): (String,) = arguments.decode()?;
            let receivers = caller
                .clients()
                .all()
                .send("Message", &[text])
                .map_err(|error| HubException::internal("EncodeError", error.to_string()))?;
            Ok(Completion::value(receivers))
        })
        .method("GetCallerConnectionId", |caller, _: ()| async move {
            Ok(Completion::value(caller.connection_id().to_owned()))
        })
        .method("GetQuery", |caller, arguments: Arguments| async move {
            let (name,): (String,) = arguments.decode()?;
            Ok(Completion::value(caller.query(&name).map(str::to_owned)))
        })
        .method("Fail", |_caller, arguments: Arguments| async move {
            let (text,): (String,) = arguments.decode()?;
            Err::<(), _>(HubException::new(text))
        })
        .build();

    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:5000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    tokio::select! {
        result = axum::serve(listener, hub.router("/hub")) => result,
        signal = tokio::signal::ctrl_c() => {
            hub.shutdown(Duration::from_secs(10)).await;
            signal
        }
    }
}
