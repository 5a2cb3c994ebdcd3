//! Ten thousand connections: what each costs while nothing happens, and how long a broadcast to all takes.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::peer::{Peer, Protocol};
use super::server::{Process, Served};
use super::{HubError, PATIENCE};
use crate::options::Options;
use crate::stats::percentile;
use crate::verdict::{Figure, Target, Verdicts};

/// How much more than a bare connection one of the hub may hold, in bytes.
const MORE_BYTES: f64 = 10_000.0;
/// How long a broadcast may take.
const BROADCAST: Duration = Duration::from_millis(100);
const BROADCAST_BYTES: usize = 1024;
/// Connections that are opened at once.
const OPENING: usize = 64;

/// Connections, and what they hold of the server's memory.
struct Crowd {
    process: Process,
    peers: Vec<Peer>,
    bytes_each: f64,
}

/// Measures memory on both sides, and broadcasts on ours.
pub async fn run(
    out: &mut impl Write,
    options: &Options,
    verdicts: &mut Verdicts,
) -> Result<(), HubError> {
    let count = options.hub_crowd();
    writeln!(
        out,
        "\n{count} idle connections, and broadcasts of {BROADCAST_BYTES} bytes to all of them.\n"
    )?;
    let bare = crowd(Served::Bare, count).await?.bytes_each;
    let hub = crowd(Served::Hub, count).await?;
    writeln!(
        out,
        "memory of a connection: {:.0} bytes, bare {bare:.0}",
        hub.bytes_each
    )?;
    verdicts.add(Figure {
        what: format!("memory of one of {count} idle connections"),
        unit: "B",
        ours: hub.bytes_each,
        rival_name: "bare echo's and 10 kB".to_owned(),
        rival: bare + MORE_BYTES,
        target: Some(Target::AtMost(1.0)),
    });
    let times = broadcasts(hub, options.broadcasts()).await?;
    let (p50, most) = (percentile(&times, 50), percentile(&times, 100));
    writeln!(
        out,
        "broadcast, from the call to the last arrival: p50 {:.1} ms, most {:.1} ms of {}",
        p50.as_secs_f64() * 1e3,
        most.as_secs_f64() * 1e3,
        times.len()
    )?;
    verdicts.add(Figure {
        what: format!("p50 of a broadcast of 1 KiB to {count}"),
        unit: "ms",
        ours: p50.as_secs_f64() * 1e3,
        rival_name: "the aim".to_owned(),
        rival: BROADCAST.as_secs_f64() * 1e3,
        target: Some(Target::AtMost(1.0)),
    });
    Ok(())
}

async fn crowd(served: Served, count: usize) -> Result<Crowd, HubError> {
    let process = Process::start(served).await?;
    // What a server has before its first connection is not theirs.
    let first = Peer::connect(&process.address, served, Protocol::Json).await?;
    let before = process.resident_bytes()?;
    let address = process.address.clone();
    let opening = stream::iter(0..count)
        .map(|_| Peer::connect(&address, served, Protocol::Json))
        .buffer_unordered(OPENING);
    let opened: Vec<_> = timeout(PATIENCE, opening.collect()).await?;
    let mut peers = opened.into_iter().collect::<Result<Vec<_>, _>>()?;
    peers.push(first);
    let bytes = process.resident_bytes()?.saturating_sub(before);
    Ok(Crowd {
        process,
        peers,
        bytes_each: bytes as f64 / count as f64,
    })
}

/// Every connection tells of each message that comes; the times from a call to the last of them.
async fn broadcasts(crowd: Crowd, count: usize) -> Result<Vec<Duration>, HubError> {
    let (arrived, mut arrivals) = unbounded_channel();
    let connected = crowd.peers.len();
    let mut reading = tokio::task::JoinSet::new();
    for peer in crowd.peers {
        reading.spawn(read(peer, arrived.clone()));
    }
    let mut caller = Peer::connect(&crowd.process.address, Served::Hub, Protocol::Json).await?;
    let text: Arc<str> = "x".repeat(BROADCAST_BYTES).into();
    let mut times = Vec::new();
    for _ in 0..count {
        let begun = Instant::now();
        let call = Protocol::Json.call(1, "Broadcast", None, &text);
        caller.send_all([call]).await?;
        timeout(PATIENCE, all(&mut arrivals, connected)).await??;
        times.push(begun.elapsed());
        // Its own copy, and the answer.
        caller.next().await?;
        caller.next().await?;
    }
    Ok(times)
}

async fn all(arrivals: &mut UnboundedReceiver<usize>, count: usize) -> Result<(), HubError> {
    for _ in 0..count {
        let bytes = arrivals.recv().await;
        if bytes.is_none_or(|bytes| bytes < BROADCAST_BYTES) {
            return Err(HubError::Surprise("a message that is no broadcast"));
        }
    }
    Ok(())
}

async fn read(mut peer: Peer, arrived: UnboundedSender<usize>) {
    while let Ok(message) = peer.next().await {
        if arrived.send(message.len()).is_err() {
            return;
        }
    }
}
