//! What stands in the tables, read with SQL of the auditor's own and in one snapshot.

use std::collections::BTreeMap;

use store::{Row, StoreError, Tx};

/// A transfer.
#[derive(Debug, Clone)]
pub(super) struct Transfer {
    pub(super) posting: [u8; 16],
    pub(super) kind: String,
    pub(super) debit: i64,
    pub(super) credit: i64,
    pub(super) amount_msat: i128,
    pub(super) pending: Option<[u8; 16]>,
}

/// A posting.
#[derive(Debug, Clone)]
pub(super) struct Posting {
    pub(super) code: String,
    pub(super) fact: Vec<u8>,
}

/// A bounded account's counters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counters {
    pub(super) dr_pending: i128,
    pub(super) dr_posted: i128,
    pub(super) cr_pending: i128,
    pub(super) cr_posted: i128,
}

/// A withdrawal.
#[derive(Debug, Clone)]
pub(super) struct Withdrawal {
    pub(super) id: [u8; 16],
    pub(super) account: [u8; 16],
    pub(super) client_id: String,
    pub(super) hash: [u8; 32],
    pub(super) amount_msat: i128,
    pub(super) reserve_msat: i128,
    pub(super) platform_fee_msat: i128,
    pub(super) keeps_reserve: bool,
    pub(super) state: String,
    pub(super) fee_msat: Option<i128>,
    pub(super) attempts: i64,
    pub(super) hold: [u8; 16],
}

impl Withdrawal {
    pub(super) fn is_live(&self) -> bool {
        matches!(
            self.state.as_str(),
            "unapproved" | "reserved" | "dispatched"
        )
    }
}

/// An invoice with its deposits.
#[derive(Debug, Clone)]
pub(super) struct Invoice {
    pub(super) account: [u8; 16],
    pub(super) state: String,
    pub(super) received_msat: Option<i128>,
    /// The settled one's id and amount.
    pub(super) settled: Option<([u8; 16], i128)>,
    pub(super) failed: Option<[u8; 16]>,
}

/// Money in suspense, and the deposit by which it was assigned.
#[derive(Debug, Clone)]
pub(super) struct Suspended {
    pub(super) amount_msat: i128,
    pub(super) posting: [u8; 16],
    /// The deposit's id, account and amount.
    pub(super) assigned: Option<([u8; 16], [u8; 16], i128)>,
}

/// An event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) account: [u8; 16],
    pub(super) kind: String,
    pub(super) subject: [u8; 16],
    pub(super) deliveries: i64,
}

/// Everything.
#[derive(Debug, Clone, Default)]
pub(super) struct Books {
    pub(super) transfers: BTreeMap<[u8; 16], Transfer>,
    pub(super) postings: BTreeMap<[u8; 16], Posting>,
    pub(super) counters: BTreeMap<i64, Counters>,
    pub(super) withdrawals: Vec<Withdrawal>,
    pub(super) invoices: BTreeMap<[u8; 32], Invoice>,
    pub(super) suspended: BTreeMap<[u8; 16], Suspended>,
    pub(super) events: Vec<Event>,
    /// By account, scope and key.
    pub(super) answers: BTreeMap<([u8; 16], String, String), Vec<u8>>,
    pub(super) halt: Option<String>,
    pub(super) set_aside: i64,
}

fn wide(row: &Row, column: usize) -> Result<i128, StoreError> {
    row.int(column).map(i128::from)
}

impl Books {
    pub(super) fn read(tx: &mut Tx<'_>) -> Result<Self, StoreError> {
        let mut books = Self::default();
        books.read_ledger(tx)?;
        books.read_withdrawals(tx)?;
        books.read_invoices(tx)?;
        books.read_suspense(tx)?;
        let sql = "SELECT e.account_id, e.kind, e.subject_id,
                (SELECT COUNT(*) FROM webhook_delivery d WHERE d.event_id = e.id) FROM event e ORDER BY e.seq";
        for row in tx.query(sql, &[])? {
            books.events.push(Event {
                account: row.bytes16(0)?,
                kind: row.text(1)?.to_owned(),
                subject: row.bytes16(2)?,
                deliveries: row.int(3)?,
            });
        }
        for row in tx.query(
            "SELECT account_id, scope, key, response FROM idempotency",
            &[],
        )? {
            let key = (
                row.bytes16(0)?,
                row.text(1)?.to_owned(),
                row.text(2)?.to_owned(),
            );
            books.answers.insert(key, row.bytes(3)?.to_vec());
        }
        let halt = tx.query_opt("SELECT reason FROM halt WHERE reason IS NOT NULL", &[])?;
        books.halt = halt.map(|row| row.text(0).map(str::to_owned)).transpose()?;
        let set_aside = tx.query_opt("SELECT COUNT(*) FROM rail_report", &[])?;
        books.set_aside = set_aside.map_or(Ok(0), |row| row.int(0))?;
        Ok(books)
    }

    fn read_ledger(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for row in tx.query("SELECT id, code, fact_id FROM posting", &[])? {
            let posting = Posting {
                code: row.text(1)?.to_owned(),
                fact: row.bytes(2)?.to_vec(),
            };
            self.postings.insert(row.bytes16(0)?, posting);
        }
        let sql =
            "SELECT id, posting_id, kind, debit, credit, amount_msat, pending_id FROM transfer";
        for row in tx.query(sql, &[])? {
            let transfer = Transfer {
                posting: row.bytes16(1)?,
                kind: row.text(2)?.to_owned(),
                debit: row.int(3)?,
                credit: row.int(4)?,
                amount_msat: wide(&row, 5)?,
                pending: row.opt_bytes16(6)?,
            };
            self.transfers.insert(row.bytes16(0)?, transfer);
        }
        let sql = "SELECT number, dr_pending, dr_posted, cr_pending, cr_posted FROM ledger_account WHERE bounded = 1";
        for row in tx.query(sql, &[])? {
            let counters = Counters {
                dr_pending: wide(&row, 1)?,
                dr_posted: wide(&row, 2)?,
                cr_pending: wide(&row, 3)?,
                cr_posted: wide(&row, 4)?,
            };
            self.counters.insert(row.int(0)?, counters);
        }
        Ok(())
    }

    fn read_withdrawals(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let sql = "SELECT id, account_id, client_id, payment_hash, amount_msat, fee_reserve_msat, platform_fee_msat,
                state, fee_msat, attempts, hold_posting_id, keeps_reserve FROM withdrawal ORDER BY created_at, id";
        for row in tx.query(sql, &[])? {
            self.withdrawals.push(Withdrawal {
                id: row.bytes16(0)?,
                account: row.bytes16(1)?,
                client_id: row.opt_text(2)?.unwrap_or_default().to_owned(),
                hash: row.bytes32(3)?,
                amount_msat: wide(&row, 4)?,
                reserve_msat: wide(&row, 5)?,
                platform_fee_msat: wide(&row, 6)?,
                state: row.text(7)?.to_owned(),
                fee_msat: row.opt_int(8)?.map(i128::from),
                attempts: row.int(9)?,
                hold: row.bytes16(10)?,
                keeps_reserve: row.bool(11)?,
            });
        }
        Ok(())
    }

    fn read_invoices(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let sql = "SELECT i.payment_hash, i.account_id, i.state, i.received_msat, s.id, s.amount_msat, f.id
            FROM invoice i LEFT JOIN deposit s ON s.invoice_id = i.id AND s.state = 'settled' AND s.suspended_id IS NULL
            LEFT JOIN deposit f ON f.invoice_id = i.id AND f.state = 'failed'";
        for row in tx.query(sql, &[])? {
            let settled = row
                .opt_bytes16(4)?
                .map(|id| Ok::<_, StoreError>((id, wide(&row, 5)?)));
            let invoice = Invoice {
                account: row.bytes16(1)?,
                state: row.text(2)?.to_owned(),
                received_msat: row.opt_int(3)?.map(i128::from),
                settled: settled.transpose()?,
                failed: row.opt_bytes16(6)?,
            };
            self.invoices.insert(row.bytes32(0)?, invoice);
        }
        Ok(())
    }

    fn read_suspense(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let sql = "SELECT s.id, s.amount_msat, s.posting_id, d.id, d.account_id, d.amount_msat
            FROM suspense_item s LEFT JOIN deposit d ON d.suspended_id = s.id";
        for row in tx.query(sql, &[])? {
            let assigned = row
                .opt_bytes16(3)?
                .map(|id| Ok::<_, StoreError>((id, row.bytes16(4)?, wide(&row, 5)?)));
            let item = Suspended {
                amount_msat: wide(&row, 1)?,
                posting: row.bytes16(2)?,
                assigned: assigned.transpose()?,
            };
            self.suspended.insert(row.bytes16(0)?, item);
        }
        Ok(())
    }
}
