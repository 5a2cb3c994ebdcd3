//! A connection that is made when it is needed and made again when it was lost.

use std::time::Duration;

use crate::Cause;
use crate::postgresql::failure::cause_of;
use crate::postgresql::{Address, Session};

/// The waits between the tries of a connection that worked until now: a restart of the database
/// takes about that long.
const PAUSES_MS: [u64; 4] = [50, 200, 500, 1000];

/// A connection to one address.
pub(crate) struct Connection {
    address: Address,
    session: Option<Session>,
    /// Whether the last try to connect failed: then the next ask gets one try only, and fails fast.
    down: bool,
}

impl Connection {
    pub(crate) fn new(address: Address) -> Self {
        Self {
            address,
            session: None,
            down: false,
        }
    }

    /// The open session, or a new one.
    pub(crate) fn session(&mut self) -> Result<&mut Session, Cause> {
        match self.session.take().filter(|session| !session.is_closed()) {
            Some(session) => Ok(self.session.insert(session)),
            None => {
                let session = self.connect()?;
                Ok(self.session.insert(session))
            }
        }
    }

    /// Forgets a session that was lost, or whose state is not known.
    pub(crate) fn discard(&mut self) {
        self.session = None;
    }

    fn connect(&mut self) -> Result<Session, Cause> {
        let mut pauses = PAUSES_MS
            .iter()
            .take(if self.down { 0 } else { PAUSES_MS.len() });
        loop {
            match self.address.connect().and_then(Session::new) {
                Ok(session) => {
                    self.down = false;
                    return Ok(session);
                }
                Err(error) => match pauses.next() {
                    Some(pause) => std::thread::sleep(Duration::from_millis(*pause)),
                    None => {
                        self.down = true;
                        return Err(cause_of(&error));
                    }
                },
            }
        }
    }
}
