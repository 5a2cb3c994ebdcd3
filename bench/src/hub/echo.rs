//! Calls per second over 64 connections, one at a time and pipelined.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::HubError;
use super::peer::{Peer, Protocol};
use super::server::{Process, Served};
use crate::options::Options;
use crate::stats::median;
use crate::usage::Meter;
use crate::verdict::{Figure, Target, Verdicts};

const CONNECTIONS: usize = 64;
/// Calls that a connection has under way, when it has more than one.
const PIPELINED: usize = 16;
const TEXT: &str = "a text of thirty-two characters.";
/// Least share of the bare echo's rate.
const TARGET: f64 = 0.7;
const WARM_UP: Duration = Duration::from_millis(500);

/// What one run gave.
struct Run {
    rate: f64,
    /// The server's CPU time for each call, in microseconds.
    cpu_us: f64,
}

/// Measures both protocols, both ways.
pub async fn run(
    out: &mut impl Write,
    options: &Options,
    verdicts: &mut Verdicts,
) -> Result<(), HubError> {
    writeln!(
        out,
        "\nCalls of a hub's echo over {CONNECTIONS} WebSockets, beside a bare echo of the same bytes.\n\n\
         {:<12} {:>9} {:>3} {:>11} {:>11} {:>6} {:>22} {:>12}",
        "",
        "in flight",
        "run",
        "hub calls/s",
        "bare/s",
        "ratio",
        "server's CPU, hub/bare",
        "others' CPU"
    )?;
    for protocol in [Protocol::Json, Protocol::MessagePack] {
        for in_flight in [1, PIPELINED] {
            let mut rates = (Vec::new(), Vec::new());
            for round in 0..options.runs() {
                let bare = measure(Served::Bare, protocol, in_flight, options, verdicts).await?;
                let hub = measure(Served::Hub, protocol, in_flight, options, verdicts).await?;
                writeln!(
                    out,
                    "{:<12} {in_flight:>9} {:>3} {:>11.0} {:>11.0} {:>6.2} {:>22} {:>12}",
                    protocol.name(),
                    round + 1,
                    hub.0.rate,
                    bare.0.rate,
                    hub.0.rate / bare.0.rate,
                    format!("{:.1} / {:.1} us", hub.0.cpu_us, bare.0.cpu_us),
                    hub.1,
                )?;
                out.flush()?;
                rates.0.push(hub.0.rate);
                rates.1.push(bare.0.rate);
            }
            verdicts.add(Figure {
                what: format!("hub echo, {}, {in_flight} in flight", protocol.name()),
                unit: "/s",
                ours: median(&rates.0).unwrap_or_default(),
                rival_name: "bare axum WebSocket echo".to_owned(),
                rival: median(&rates.1).unwrap_or_default(),
                target: Some(Target::AtLeast(TARGET)),
            });
        }
    }
    Ok(())
}

async fn measure(
    served: Served,
    protocol: Protocol,
    in_flight: usize,
    options: &Options,
    verdicts: &mut Verdicts,
) -> Result<(Run, String), HubError> {
    let process = Process::start(served).await?;
    let connecting = (0..CONNECTIONS).map(|_| Peer::connect(&process.address, served, protocol));
    let peers = try_join_all(connecting).await?;
    let (done, over) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let clients: Vec<_> = peers
        .into_iter()
        .map(|peer| {
            let (done, over) = (Arc::clone(&done), Arc::clone(&over));
            tokio::spawn(call(peer, protocol, in_flight, done, over))
        })
        .collect();
    tokio::time::sleep(WARM_UP).await;
    let meter = Meter::start(process.id()?, &[std::process::id()]);
    let (begun, before) = (Instant::now(), done.load(Ordering::Relaxed));
    tokio::time::sleep(options.hub_seconds()).await;
    let calls = (done.load(Ordering::Relaxed) - before) as f64;
    let took = begun.elapsed().as_secs_f64();
    let spent = meter.read();
    over.store(true, Ordering::Relaxed);
    for client in clients {
        let ended = client.await;
        ended.map_err(|_| HubError::Surprise("a client broke down"))??;
    }
    verdicts.busy(spent.as_ref());
    let cpu = spent.map_or(f64::NAN, |spent| spent.cpu_seconds);
    let others = spent.map_or_else(
        || "-".to_owned(),
        |spent| format!("{:.0} %", spent.others_cpu * 100.0),
    );
    let run = Run {
        rate: calls / took,
        cpu_us: cpu * 1e6 / calls,
    };
    Ok((run, others))
}

/// Calls and waits for the answers, again and again.
async fn call(
    mut peer: Peer,
    protocol: Protocol,
    in_flight: usize,
    done: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
) -> Result<(), HubError> {
    let message = protocol.call(1, "Echo", None, TEXT);
    while !over.load(Ordering::Relaxed) {
        let messages = std::iter::repeat_n(message.clone(), in_flight);
        peer.send_all(messages).await?;
        for _ in 0..in_flight {
            let answer = peer.next().await?;
            let is_whole = answer
                .windows(TEXT.len())
                .any(|part| part == TEXT.as_bytes());
            if !is_whole {
                return Err(HubError::Surprise("an answer without its text"));
            }
        }
        done.fetch_add(in_flight as u64, Ordering::Relaxed);
    }
    Ok(())
}
