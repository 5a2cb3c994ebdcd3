//! Sends the outbox's events to the hub's connections, in order, each once.
//!
//! PostgreSQL numbers events before they are committed, so one can appear behind a later one. The pump reads
//! again from a little earlier and leaves out what it has sent. The pump begins with what happens after it started;
//! clients that were away say what they have seen ([`Returned`]), or read the list.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use payments::ids::ApiKeyId;
use signalr_server::{Clients, JsonText, Recipients};
use store::queries::event::{HubEvent, events_after, newest};
use store::{Signal, StoreError};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use wire::hercle::{DataFormat, EVENT_CHANNEL, Envelope};

use super::returning::{Returned, catch_up};
use super::session::{numbered, user_id};
use crate::app::App;
use crate::problem::chain;

/// How many events are read at once.
const BATCH: i64 = 500;
/// The longest wait: a wake-up only shortens it.
const POLL: Duration = Duration::from_secs(1);
/// How long an event may still appear behind a later one.
const LATENESS: Duration = Duration::from_secs(30);

/// What has been sent: everything up to `floor`, and what stands in `sent` above it, with when it was seen.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    floor: i64,
    sent: BTreeMap<i64, Instant>,
}

impl Cursor {
    fn from(floor: i64) -> Self {
        Self {
            floor,
            sent: BTreeMap::new(),
        }
    }

    pub(super) fn is_new(&self, seq: i64) -> bool {
        seq > self.floor && !self.sent.contains_key(&seq)
    }

    fn mark(&mut self, seq: i64, now: Instant) {
        self.sent.insert(seq, now);
        self.close_up();
    }

    fn close_up(&mut self) {
        while self.sent.remove(&(self.floor + 1)).is_some() {
            self.floor += 1;
        }
    }

    /// Gives up waiting for a gap that an event above has outlived: a rolled-back transaction leaves one for ever.
    fn forget_old_gaps(&mut self, now: Instant) {
        while let Some((first, seen)) = self.sent.first_key_value() {
            if now.duration_since(*seen) < LATENESS {
                return;
            }
            self.floor = first - 1;
            self.close_up();
        }
    }
}

/// Pumps until `stop`. Tells when it has `begun`: whoever is connected from then on hears everything; those who come
/// `back` hear first what they have missed.
pub async fn pump(
    app: App,
    clients: Clients,
    stop: CancellationToken,
    begun: watch::Sender<bool>,
    mut back: mpsc::UnboundedReceiver<Returned>,
) {
    let mut wakeups = app.store.subscribe(Signal::Events);
    let mut cursor = loop {
        match app.store.read_async(newest).await {
            Ok(floor) => break Cursor::from(floor),
            Err(error) => tracing::warn!(error = %chain(&error), "the outbox cannot be read"),
        }
        if stop
            .run_until_cancelled(tokio::time::sleep(POLL))
            .await
            .is_none()
        {
            return;
        }
    };
    begun.send_replace(true);
    let mut returned = Vec::new();
    loop {
        let sent = send_new(&app, &clients, &mut cursor).await;
        let caught_up = catch_up(&app, &clients, &cursor, &mut returned).await;
        match sent.and_then(|any| caught_up.map(|()| any || !returned.is_empty())) {
            Ok(true) => {
                if stop.is_cancelled() {
                    return;
                }
                continue;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(error = %chain(&error), "the outbox cannot be read"),
        }
        tokio::select! {
            _ = tokio::time::timeout(POLL, wakeups.next()) => {}
            Some(one) = back.recv() => returned.push(one),
            () = stop.cancelled() => return,
        }
        while let Ok(one) = back.try_recv() {
            returned.push(one);
        }
    }
}

/// Sends what is new; answers whether there was anything.
async fn send_new(app: &App, clients: &Clients, cursor: &mut Cursor) -> Result<bool, StoreError> {
    cursor.forget_old_gaps(Instant::now());
    let floor = cursor.floor;
    // What was sent above the floor is read again, and must not take the place of what is new.
    let limit = BATCH + i64::try_from(cursor.sent.len()).unwrap_or(0);
    let events = app
        .store
        .read_async(move |tx| events_after(tx, floor, limit))
        .await?;
    let mut any = false;
    for event in &events {
        if cursor.is_new(event.seq) {
            if let Some(key) = event.api_key_id {
                send(clients, key, event);
            }
            cursor.mark(event.seq, Instant::now());
            any = true;
        }
    }
    Ok(any)
}

fn send(clients: &Clients, key: ApiKeyId, event: &HubEvent) {
    for format in [DataFormat::Object, DataFormat::String] {
        send_to(clients.user(&user_id(key, format)), event, format, false);
        send_to(clients.group(&numbered(key, format)), event, format, true);
    }
}

/// Sends an event; with its number as a second argument to those who asked for it.
pub(super) fn send_to(to: Recipients<'_>, event: &HubEvent, format: DataFormat, with_number: bool) {
    let Ok(text) = std::str::from_utf8(&event.body) else {
        tracing::error!(seq = event.seq, "a stored hub event is not text");
        return;
    };
    let Some(body) = Envelope::stored(text, format) else {
        tracing::error!(seq = event.seq, "a stored hub event is not an envelope");
        return;
    };
    let body = JsonText(&body);
    let sent = if with_number {
        to.send(EVENT_CHANNEL, &(body, event.sequence))
    } else {
        to.send(EVENT_CHANNEL, &[body])
    };
    if let Err(error) = sent {
        tracing::error!(%error, "an event could not be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_appears_behind_a_later_one_is_sent_once() {
        let now = Instant::now();
        let mut cursor = Cursor::from(10);
        cursor.mark(12, now);
        assert!(cursor.is_new(11) && !cursor.is_new(12) && !cursor.is_new(10));
        cursor.mark(11, now);
        assert_eq!((cursor.floor, cursor.sent.len()), (12, 0));
        assert!(!cursor.is_new(11));
    }

    #[test]
    fn only_a_gap_that_is_old_is_given_up() {
        let now = Instant::now();
        let mut cursor = Cursor::from(0);
        cursor.mark(2, now);
        cursor.mark(5, now + LATENESS);
        cursor.forget_old_gaps(now);
        assert!(cursor.is_new(1));
        cursor.forget_old_gaps(now + LATENESS);
        assert_eq!((cursor.floor, cursor.sent.len()), (2, 1));
        assert!(!cursor.is_new(1) && cursor.is_new(3) && !cursor.is_new(5));
    }
}
