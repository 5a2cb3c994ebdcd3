//! Wake-ups between processes: PostgreSQL's LISTEN and NOTIFY.
//!
//! They only shorten waits, so every trouble here is harmless: whoever waits also looks by itself. A notice is sent
//! after the commit that it tells of, by a connection of its own, because inside of it a lock of the whole database
//! would stand between that commit and all others. A database that knows neither (CockroachDB) is told so in one line
//! of the log.
//!
//! Texts for other processes ([`Store::tell_others`](crate::Store::tell_others)) travel on the same connections. One
//! that is too long for a notice is a row, which the notice names.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

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
/// What follows the name of the channel for signals in that for texts.
const OF_TEXTS: &str = "_texts";
/// A notice has less than 8000 bytes.
const MOST_IN_A_NOTICE: usize = 7_900;
/// What the payload of a text begins with: the text, or the number of its row.
const INLINE: char = '=';
const REFERENCE: char = '#';
/// The notice leaves with the commit of its row.
const NOTIFY_ROW: &str = "
    WITH message AS (
        INSERT INTO hub_message (body, created_at)
        VALUES ($1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)) RETURNING id)
    SELECT pg_notify($2, '#' || id) FROM message";
const ROW: &str = "SELECT body FROM hub_message WHERE id = $1";
/// How long a row stays, and how often old ones are looked for.
const KEPT: Duration = Duration::from_secs(60);
const PRUNE: &str = "
    DELETE FROM hub_message
    WHERE created_at < CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) - $1";
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
        let (notify, notify_row) = (client.prepare(NOTIFY)?, client.prepare(NOTIFY_ROW)?);
        let of_texts = format!("{channel}{OF_TEXTS}");
        loop {
            let (signals, texts) = self.bells.next_to_tell().ok_or(Ended::Closed)?;
            if signals != SignalSet::default() {
                client.execute(&notify, &[&channel, &signals.to_text()])?;
            }
            // What is left of them when the connection breaks is lost.
            for text in texts {
                if text.len() < MOST_IN_A_NOTICE {
                    client.execute(&notify, &[&of_texts, &format!("{INLINE}{text}")])?;
                } else {
                    client.execute(&notify_row, &[&text, &of_texts])?;
                }
            }
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
        let of_texts = format!("{channel}{OF_TEXTS}");
        client.batch_execute(&format!("LISTEN {channel}; LISTEN {of_texts}"))?;
        let mut pruned_at: Option<Instant> = None;
        if self.has_heard.replace(true) {
            // Nobody knows what was told while the connection was lost.
            self.bells.ring_here(SignalSet::all());
        }
        loop {
            if let Some(id) = self.hear_some(&mut client, &of_texts)?
                && let Some(row) = client.query_opt(ROW, &[&id])?
            {
                self.bells.hear(row.try_get(0)?);
            }
            if pruned_at.is_none_or(|at| at.elapsed() > KEPT) {
                client.execute(PRUNE, &[&(KEPT.as_millis() as i64)])?;
                pruned_at = Some(Instant::now());
            }
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
    /// Hears what comes within a look, or up to a text that is a row: its number.
    fn hear_some(
        &self,
        client: &mut Client,
        of_texts: &str,
    ) -> Result<Option<i64>, postgres::Error> {
        let begun = Instant::now();
        let mut notices = client.notifications();
        let mut notices = notices.timeout_iter(LOOK);
        while begun.elapsed() < LOOK
            && let Some(notice) = notices.next()?
        {
            let payload = notice.payload();
            if notice.process_id() == self.own.load(Ordering::Relaxed) {
                continue;
            } else if notice.channel() != of_texts {
                self.bells.ring_here(SignalSet::from_text(payload));
            } else if let Some(text) = payload.strip_prefix(INLINE) {
                self.bells.hear(text);
            } else if let Some(id) = payload.strip_prefix(REFERENCE) {
                return Ok(id.parse().ok());
            }
        }
        Ok(None)
    }
}

fn connect(address: &Address) -> Result<(Client, String, i32), postgres::Error> {
    let mut client = address.connect()?;
    let row = client.query_one(CHANNEL, &[])?;
    let (channel, process) = (row.try_get(0)?, row.try_get(1)?);
    Ok((client, channel, process))
}
