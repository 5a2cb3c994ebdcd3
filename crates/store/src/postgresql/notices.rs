//! Wake-ups between processes: PostgreSQL's LISTEN and NOTIFY.
//!
//! They only shorten waits, so every trouble here is harmless: whoever waits also looks by itself. A notice is sent
//! after the commit that it tells of, by a connection of its own, because inside of it a lock of the whole database
//! would stand between that commit and all others. A database that knows neither (CockroachDB) is told so in one line
//! of the log.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;

use crate::OpenError;
use crate::postgresql::Address;
use crate::postgresql::failure::cause_of;
use crate::signal::{Bells, SignalSet};
use crate::threads::spawn;

/// How long one look for a notice waits, before the end of the store is looked for.
const LOOK: Duration = Duration::from_millis(250);
/// How long to wait before a lost connection is made again.
const PAUSE: Duration = Duration::from_secs(1);

/// A channel for each schema, because channels belong to the whole database.
const CHANNEL: &str = "SELECT 'leyden_' || md5(current_schema()), pg_backend_pid()";
const NOTIFY: &str = "SELECT pg_notify($1, $2)";
/// A notice that is lost with the server is no loss, and nobody has to wait for its disk.
const NOT_DURABLE: &str = "SET synchronous_commit = off";

/// Why a connection for notices ended.
enum Ended {
    /// The store is closed.
    Closed,
    /// The connection is gone.
    Lost(postgres::Error),
    /// The database knows no notices.
    Unknown(postgres::Error),
}

impl From<postgres::Error> for Ended {
    fn from(error: postgres::Error) -> Self {
        let unknown = error.code().is_some_and(|code| {
            ["0A", "42"]
                .iter()
                .any(|class| code.code().starts_with(class))
        });
        if unknown {
            Self::Unknown(error)
        } else {
            Self::Lost(error)
        }
    }
}

/// Starts the thread that tells others and the one that hears them. They end by themselves soon after the bells are
/// closed: nothing has to wait for them.
pub(crate) fn start(address: &Address, bells: &Arc<Bells>) -> Result<(), OpenError> {
    // The server's name for the connection that tells, so that nobody hears himself.
    let own = Arc::new(AtomicI32::new(0));
    let teller = Teller {
        address: address.clone(),
        bells: Arc::clone(bells),
        own: Arc::clone(&own),
    };
    let hearer = Hearer {
        address: address.clone(),
        bells: Arc::clone(bells),
        own,
        has_heard: Cell::new(false),
    };
    spawn("store-notify", move || {
        again("tell", &teller.bells, || teller.tell())
    })
    .map_err(OpenError::Thread)?;
    spawn("store-listen", move || {
        again("hear", &hearer.bells, || hearer.hear())
    })
    .map_err(OpenError::Thread)?;
    Ok(())
}

/// Makes the connection again until the store is closed, or the database proves not to know notices.
fn again(what: &str, bells: &Bells, run: impl Fn() -> Result<(), Ended>) {
    let mut told = false;
    while let Err(ended) = run() {
        match ended {
            Ended::Closed => return,
            Ended::Unknown(error) => {
                let error = cause_of(&error);
                tracing::info!(what, %error, "the database knows no notices: other processes are polled");
                return bells.stop_telling();
            }
            Ended::Lost(error) => {
                if !told {
                    tracing::debug!(what, error = %cause_of(&error), "no notices for now");
                    told = true;
                }
            }
        }
        if bells.is_closed_within(PAUSE) {
            return;
        }
    }
}

struct Teller {
    address: Address,
    bells: Arc<Bells>,
    own: Arc<AtomicI32>,
}

impl Teller {
    fn tell(&self) -> Result<(), Ended> {
        let (mut client, channel, process) = connect(&self.address)?;
        self.own.store(process, Ordering::Relaxed);
        client.batch_execute(NOT_DURABLE)?;
        let statement = client.prepare(NOTIFY)?;
        loop {
            let signals = self.bells.next_to_tell().ok_or(Ended::Closed)?;
            client.execute(&statement, &[&channel, &signals.to_text()])?;
        }
    }
}

struct Hearer {
    address: Address,
    bells: Arc<Bells>,
    own: Arc<AtomicI32>,
    /// Whether this is not its first connection. Before that one, whoever waits has just looked.
    has_heard: Cell<bool>,
}

impl Hearer {
    fn hear(&self) -> Result<(), Ended> {
        let (mut client, channel, _) = connect(&self.address)?;
        client.batch_execute(&format!("LISTEN {channel}"))?;
        if self.has_heard.replace(true) {
            // Nobody knows what was told while the connection was lost.
            self.bells.ring_here(SignalSet::all());
        }
        loop {
            self.hear_some(&mut client)?;
            if self.bells.is_closed_within(Duration::ZERO) {
                return Err(Ended::Closed);
            }
            if client.is_closed() {
                // Its error comes with the next statement.
                client.batch_execute("SELECT 1")?;
            }
        }
    }
}

impl Hearer {
    fn hear_some(&self, client: &mut Client) -> Result<(), postgres::Error> {
        let mut notices = client.notifications();
        let mut notices = notices.timeout_iter(LOOK);
        while let Some(notice) = notices.next()? {
            if notice.process_id() != self.own.load(Ordering::Relaxed) {
                self.bells.ring_here(SignalSet::from_text(notice.payload()));
            }
        }
        Ok(())
    }
}

fn connect(address: &Address) -> Result<(Client, String, i32), postgres::Error> {
    let mut client = address.connect()?;
    let row = client.query_one(CHANNEL, &[])?;
    let (channel, process) = (row.try_get(0)?, row.try_get(1)?);
    Ok((client, channel, process))
}
