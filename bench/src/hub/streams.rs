//! Items per second of a stream to one client, and of one to each of 64.

use std::io::Write;
use std::time::Instant;

use futures_util::future::try_join_all;
use tokio::time::timeout;

use super::peer::{Peer, Protocol};
use super::server::{Process, Served};
use super::{HubError, PATIENCE};
use crate::options::Options;
use crate::stats::median;

const TEXT: &str = "a text of thirty-two characters.";

/// Measures both protocols.
pub async fn run(
    out: &mut impl Write,
    options: &Options,
    verdicts: &mut crate::verdict::Verdicts,
) -> Result<(), HubError> {
    let items = options.stream_items();
    writeln!(out, "\nItems of {items} a run, streamed to clients.\n")?;
    for protocol in [Protocol::Json, Protocol::MessagePack] {
        for clients in [1, 64] {
            let mut rates = Vec::new();
            for _ in 0..options.runs() {
                let process = Process::start(Served::Hub).await?;
                let each = items / clients;
                let running = (0..clients).map(|_| stream(&process, protocol, each));
                let begun = Instant::now();
                timeout(PATIENCE, try_join_all(running)).await??;
                rates.push(f64::from(each * clients) / begun.elapsed().as_secs_f64());
            }
            let rate = median(&rates).unwrap_or_default();
            let name = protocol.name();
            writeln!(out, "{name:<12} {clients:>3} clients {rate:>10.0} items/s")?;
            verdicts.add(crate::verdict::Figure {
                what: format!("stream items, {name}, {clients} clients"),
                unit: "/s",
                ours: rate,
                rival_name: "itself".to_owned(),
                rival: rate,
                target: None,
            });
        }
    }
    Ok(())
}

async fn stream(process: &Process, protocol: Protocol, items: u32) -> Result<(), HubError> {
    let mut peer = Peer::connect(&process.address, Served::Hub, protocol).await?;
    peer.send_all([protocol.call(4, "Count", Some(items), TEXT)])
        .await?;
    // The items and the completion.
    for _ in 0..=items {
        peer.next().await?;
    }
    Ok(())
}
