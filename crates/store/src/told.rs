//! Texts that processes on one database tell each other: at most once, in order, and without waiting.
//!
//! For what is worth nothing later, as messages to clients that are connected now. What must not be lost is a row.

use std::sync::Arc;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// How many texts wait for a listener that is slow. More, and the oldest are lost.
pub(crate) const MOST_HEARD: usize = 4096;
/// How many bytes wait while they cannot be told. More, and the newest are lost.
const MOST_UNTOLD_BYTES: usize = 16 * 1024 * 1024;

/// Texts that wait to be told.
#[derive(Debug, Default)]
pub(crate) struct Untold {
    texts: Vec<String>,
    bytes: usize,
    lost: u64,
}

impl Untold {
    pub(crate) const fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    pub(crate) fn add(&mut self, text: String) {
        if self.bytes + text.len() > MOST_UNTOLD_BYTES {
            self.lost += 1;
            return;
        }
        self.bytes += text.len();
        self.texts.push(text);
    }

    pub(crate) fn take(&mut self) -> Vec<String> {
        if self.lost > 0 {
            tracing::warn!(
                lost = self.lost,
                "other processes could not be told in time"
            );
        }
        std::mem::take(self).texts
    }
}

/// What other processes tell, from the moment of [`Store::hear_others`](crate::Store::hear_others) on.
#[derive(Debug)]
pub struct Heard(broadcast::Receiver<Arc<str>>);

impl Heard {
    pub(crate) const fn new(texts: broadcast::Receiver<Arc<str>>) -> Self {
        Self(texts)
    }

    /// The next text. `None` when the store is closed. Dropping the future loses none.
    pub async fn next(&mut self) -> Option<Arc<str>> {
        loop {
            match self.0.recv().await {
                Ok(text) => return Some(text),
                Err(RecvError::Closed) => return None,
                Err(RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "what other processes told was not read in time");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded() {
        let mut untold = Untold::default();
        for _ in 0..20 {
            untold.add("x".repeat(1024 * 1024));
        }
        assert_eq!((untold.texts.len(), untold.lost), (16, 4));
        assert_eq!(untold.take().len(), 16);
        assert_eq!((untold.is_empty(), untold.lost), (true, 0));
    }
}
