//! The one task that writes to a client: whole batches, one flush each, and keep-alive pings.
//!
//! It decides nothing. When the transport fails or stops taking bytes it ends, and the
//! session notices.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until, timeout};

use super::outbox::Outbox;
use crate::options::HubOptions;
use crate::transport::{Broken, Frame, FrameSink};

/// Writes until the outbox is finished (then says farewell) or the transport fails.
pub(super) async fn write<S: FrameSink>(
    mut sink: S,
    outbox: Arc<Outbox>,
    options: Arc<HubOptions>,
) -> Result<(), Broken> {
    let mut ping_at = Instant::now() + options.keep_alive_interval;
    loop {
        tokio::select! {
            biased;
            batch = outbox.take() => {
                let Some(batch) = batch else {
                    return limited(&options, sink.close()).await;
                };
                send(&mut sink, batch, &outbox, &options).await?;
            }
            () = sleep_until(ping_at) => {
                if let Some(ping) = outbox.ping() {
                    limited(&options, sink.feed(ping)).await?;
                    limited(&options, sink.flush()).await?;
                }
            }
        }
        ping_at = Instant::now() + options.keep_alive_interval;
    }
}

async fn send<S: FrameSink>(
    sink: &mut S,
    batch: Vec<Frame>,
    outbox: &Outbox,
    options: &HubOptions,
) -> Result<(), Broken> {
    let frames = batch.len();
    let bytes = batch.iter().map(Frame::len).sum();
    for frame in batch {
        limited(options, sink.feed(frame)).await?;
    }
    limited(options, sink.flush()).await?;
    outbox.written(frames, bytes);
    Ok(())
}

/// A write that makes no progress for the send timeout is broken.
async fn limited(
    options: &HubOptions,
    write: impl Future<Output = Result<(), Broken>>,
) -> Result<(), Broken> {
    timeout(options.send_timeout, write)
        .await
        .unwrap_or(Err(Broken))
}
