//! The conformance hub: what the official TypeScript functional tests expect of a server.
//!
//! `cargo run -p signalr-server --example testhub -- --listen 127.0.0.1:0 [--https]` prints
//! `listening on http://…` when it is ready, and `listening on https://…` with `--https`, whose
//! certificate `--certificate FILE` writes for clients to trust. On Ctrl-C it tells every client to
//! reconnect, and ends.
#![expect(clippy::print_stdout, reason = "tests read the address from there")]

#[path = "testhub/endpoints.rs"]
mod endpoints;
#[path = "testhub/hub.rs"]
mod hub;
#[path = "testhub/jwt.rs"]
mod jwt;
#[path = "testhub/tls.rs"]
mod tls;

use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut listen = "127.0.0.1:0".to_owned();
    let mut https = false;
    let mut certificate = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--listen" => listen = arguments.next().ok_or("--listen HOST:PORT")?,
            "--https" => https = true,
            "--certificate" => certificate = Some(arguments.next().ok_or("--certificate FILE")?),
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    let hubs = hub::Hubs::build();
    let app = endpoints::router(&hubs);
    let listener = TcpListener::bind(&listen).await?;
    let address = listener.local_addr()?;
    if https {
        let secure = TcpListener::bind((address.ip(), 0)).await?;
        let secure_address = secure.local_addr()?;
        let (secure, pem) = tls::Tls::new(secure)?;
        if let Some(file) = certificate {
            std::fs::write(file, pem)?;
        }
        let app = app.clone();
        tokio::spawn(async move { axum::serve(secure, app).await });
        println!("listening on https://{secure_address}");
    }
    println!("listening on http://{address}");
    // Small frames leave at once.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    tokio::select! {
        result = axum::serve(listener, app) => result?,
        signal = tokio::signal::ctrl_c() => signal?,
    }
    hubs.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
