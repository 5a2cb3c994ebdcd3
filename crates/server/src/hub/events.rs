//! Sends the outbox's events to the hub's connections, in order, each once.
//!
//! PostgreSQL numbers events before they are committed, so one can appear behind a later one. The pump reads
//! again from a little earlier and leaves out what it has sent. Clients that were away read the list; the pump
//! begins with what happens after it started.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;
use signalr_server::Clients;
use store::queries::event::{HubEvent, hub_events_after, newest};
use store::{Signal, StoreError};
use tokio_util::sync::CancellationToken;
use wire::hercle::{DataFormat, EVENT_CHANNEL, Envelope};

use super::session::user_id;
use crate::app::App;
use crate::problem::chain;

/// How many events are read at once.
const BATCH: i64 = 500;
/// The longest wait: a wake-up only shortens it.
const POLL: Duration = Duration::from_secs(1);
/// How far back an event may still appear behind a later one.
const LATENESS: SignedDuration = SignedDuration::from_secs(30);

/// What has been sent: everything up to `floor`, and `sent` above it.
#[derive(Debug, Default)]
struct Cursor {
    floor: i64,
    sent: BTreeSet<i64>,
}

impl Cursor {
    fn is_new(&self, seq: i64) -> bool {
        seq > self.floor && !self.sent.contains(&seq)
    }

    fn mark(&mut self, seq: i64) {
        self.sent.insert(seq);
        while self.sent.remove(&(self.floor + 1)) {
            self.floor += 1;
        }
    }

    /// Gives up waiting for gaps: a rolled-back transaction leaves one for ever.
    fn forget_gaps(&mut self) {
        if let Some(last) = self.sent.pop_last() {
            self.floor = last;
            self.sent.clear();
        }
    }
}

/// Pumps until `stop`.
pub async fn pump(app: App, clients: Clients, stop: CancellationToken) {
    let mut wakeups = app.store.subscribe(Signal::Events);
    let mut cursor = loop {
        match app
            .store
            .read_async(|tx| Ok::<_, StoreError>(newest(tx)?))
            .await
        {
            Ok(floor) => {
                break Cursor {
                    floor,
                    sent: BTreeSet::new(),
                };
            }
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
    loop {
        match send_new(&app, &clients, &mut cursor).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(error = %chain(&error), "the outbox cannot be read"),
        }
        let wake = tokio::time::timeout(POLL, wakeups.next());
        if stop.run_until_cancelled(wake).await.is_none() {
            return;
        }
    }
}

/// Sends what is new; answers whether there was anything.
async fn send_new(app: &App, clients: &Clients, cursor: &mut Cursor) -> Result<bool, StoreError> {
    let floor = cursor.floor;
    let since = app.clock.now() - LATENESS;
    let events = app
        .store
        .read_async(move |tx| hub_events_after(tx, floor, since, BATCH))
        .await?;
    let full = i64::try_from(events.len()).is_ok_and(|read| read == BATCH);
    let mut any = false;
    for event in events
        .iter()
        .filter(|event| cursor.is_new(event.seq))
        .collect::<Vec<_>>()
    {
        send(clients, event);
        cursor.mark(event.seq);
        any = true;
    }
    if full && !any || cursor.sent.len() > usize::try_from(BATCH).unwrap_or(usize::MAX) / 2 {
        cursor.forget_gaps();
    }
    Ok(any)
}

fn send(clients: &Clients, event: &HubEvent) {
    let Ok(text) = std::str::from_utf8(&event.body) else {
        tracing::error!(seq = event.seq, "a stored hub event is not text");
        return;
    };
    for format in [DataFormat::Object, DataFormat::String] {
        let Some(body) = Envelope::stored(text, format) else {
            tracing::error!(seq = event.seq, "a stored hub event is not an envelope");
            return;
        };
        let user = user_id(event.api_key_id, format);
        if let Err(error) = clients.user(&user).send(EVENT_CHANNEL, &[&body]) {
            tracing::error!(%error, "an event could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_appears_behind_a_later_one_is_sent_once() {
        let mut cursor = Cursor {
            floor: 10,
            sent: BTreeSet::new(),
        };
        cursor.mark(12);
        assert!(cursor.is_new(11) && !cursor.is_new(12) && !cursor.is_new(10));
        cursor.mark(11);
        assert_eq!((cursor.floor, cursor.sent.len()), (12, 0));
        assert!(!cursor.is_new(11));
    }

    #[test]
    fn a_gap_that_stays_is_given_up() {
        let mut cursor = Cursor {
            floor: 0,
            sent: BTreeSet::from([2, 3]),
        };
        cursor.forget_gaps();
        assert_eq!((cursor.floor, cursor.sent.len()), (3, 0));
    }
}
