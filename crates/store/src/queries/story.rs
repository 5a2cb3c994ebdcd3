//! What happened to one deposit or withdrawal: its events, its entries in the books, and who was told.

use jiff::Timestamp;
use ledger::AccountNumber;
use money::Msat;
use payments::ids::{AccountId, EndpointId, EventId};

use crate::{Row, StoreError, Tx, params};

/// The most events, entries and deliveries that are looked up. A payment has a handful of each.
const MOST: i64 = 200;

/// An event about it.
#[derive(Debug, Clone)]
pub struct StoryEvent {
    /// Its number in the account.
    pub sequence: i64,
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub created_at: Timestamp,
    /// The body of its webhooks.
    pub body: Vec<u8>,
}

/// A transfer of the books.
#[derive(Debug, Clone, Copy)]
pub struct StoryEntry {
    /// From.
    pub debit: AccountNumber,
    /// To.
    pub credit: AccountNumber,
    /// How much.
    pub amount_msat: Msat,
    /// Whether it is a hold, or the end of one that gave everything back.
    pub kind: EntryKind,
    /// When it was booked.
    pub created_at: Timestamp,
}

/// What a transfer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// Moves money.
    Moved,
    /// Holds it.
    Held,
    /// Gives a hold back.
    GivenBack,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone)]
pub struct StoryDelivery {
    /// The event.
    pub event: EventId,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Where that is.
    pub url: String,
    /// How it stands.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
}

/// Everything about the object `subject` of `account`.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// Its events, oldest first.
    pub events: Vec<StoryEvent>,
    /// Its entries, oldest first.
    pub entries: Vec<StoryEntry>,
    /// Who was told.
    pub deliveries: Vec<StoryDelivery>,
}

/// The story of a deposit or withdrawal; empty for one that is not the account's.
///
/// # Errors
/// The database's.
pub fn story(tx: &mut Tx<'_>, account: AccountId, subject: [u8; 16]) -> Result<Story, StoreError> {
    let own = params![account.to_bytes(), subject, MOST];
    let events = tx.query(
        "SELECT account_seq, id, created_at, webhook_body FROM event
         WHERE account_id = $1 AND subject_id = $2 ORDER BY seq LIMIT $3",
        own,
    )?;
    let deliveries = tx.query(
        "SELECT d.event_id, d.endpoint_id, w.url, d.state, d.attempts
         FROM event e JOIN webhook_delivery d ON d.event_id = e.id
         JOIN webhook_endpoint w ON w.id = d.endpoint_id
         WHERE e.account_id = $1 AND e.subject_id = $2 ORDER BY e.seq LIMIT $3",
        own,
    )?;
    // A withdrawal's hold, and whatever ended it; a deposit's one posting.
    let entries = tx.query(
        "SELECT t.debit, t.credit, t.amount_msat, t.kind, p.created_at
         FROM transfer t JOIN posting p ON p.id = t.posting_id
         WHERE t.posting_id IN (
             SELECT hold_posting_id FROM withdrawal WHERE account_id = $1 AND id = $2
             UNION SELECT posting_id FROM deposit WHERE account_id = $1 AND id = $2
             UNION SELECT ending.posting_id FROM withdrawal w
                 JOIN transfer held ON held.posting_id = w.hold_posting_id
                 JOIN transfer ending ON ending.pending_id = held.id
                 WHERE w.account_id = $1 AND w.id = $2
         ) ORDER BY p.created_at, t.posting_id, t.leg LIMIT $3",
        own,
    )?;
    Ok(Story {
        events: events.iter().map(event).collect::<Result<_, _>>()?,
        entries: entries.iter().map(entry).collect::<Result<_, _>>()?,
        deliveries: deliveries.iter().map(delivery).collect::<Result<_, _>>()?,
    })
}

fn event(row: &Row) -> Result<StoryEvent, StoreError> {
    Ok(StoryEvent {
        sequence: row.int(0)?,
        id: EventId::from_bytes(row.bytes16(1)?),
        created_at: crate::rows::time(row, 2)?,
        body: row.bytes(3)?.to_vec(),
    })
}

fn entry(row: &Row) -> Result<StoryEntry, StoreError> {
    let kind = match row.text(3)? {
        "pending" => EntryKind::Held,
        "void" => EntryKind::GivenBack,
        _ => EntryKind::Moved,
    };
    Ok(StoryEntry {
        debit: crate::rows::ledger_account(row, 0)?,
        credit: crate::rows::ledger_account(row, 1)?,
        amount_msat: crate::rows::msat(row, 2)?,
        kind,
        created_at: crate::rows::time(row, 4)?,
    })
}

fn delivery(row: &Row) -> Result<StoryDelivery, StoreError> {
    Ok(StoryDelivery {
        event: EventId::from_bytes(row.bytes16(0)?),
        endpoint: EndpointId::from_bytes(row.bytes16(1)?),
        url: row.text(2)?.to_owned(),
        state: row.text(3)?.to_owned(),
        attempts: row.int(4)?,
    })
}
