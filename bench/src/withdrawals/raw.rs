//! What one withdrawal wrote, table by table: found in our database, and written again by the rival.

/// A table, and how to find what each withdrawal wrote there, withdrawal by withdrawal.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its rows `x` of every withdrawal `w`, in the order of the withdrawals. PostgreSQL and SQLite read it alike.
    pub rows: &'static str,
    /// How many rows each withdrawal has there.
    pub each: usize,
}

const fn table(name: &'static str, each: usize, rows: &'static str) -> Table {
    Table { name, rows, each }
}

/// In the order in which they may be written. Each withdrawal holds its amount and a fee reserve: two legs.
pub const TABLES: [Table; 7] = [
    table(
        "idempotency",
        1,
        "SELECT x.* FROM withdrawal w JOIN idempotency x ON x.account_id = w.account_id AND x.key = w.client_id \
         ORDER BY w.id",
    ),
    table(
        "posting",
        1,
        "SELECT x.* FROM withdrawal w JOIN posting x ON x.id = w.hold_posting_id ORDER BY w.id",
    ),
    table(
        "transfer",
        2,
        "SELECT x.* FROM withdrawal w JOIN transfer x ON x.posting_id = w.hold_posting_id ORDER BY w.id, x.leg",
    ),
    table(
        "entry",
        2,
        "SELECT x.* FROM withdrawal w JOIN transfer t ON t.posting_id = w.hold_posting_id \
         JOIN entry x ON x.transfer_id = t.id ORDER BY w.id, t.leg",
    ),
    table(
        "withdrawal",
        1,
        "SELECT x.* FROM withdrawal x ORDER BY x.id",
    ),
    table(
        "event",
        1,
        "SELECT x.* FROM withdrawal w JOIN event x ON x.subject_id = w.id ORDER BY w.id",
    ),
    table(
        "webhook_delivery",
        1,
        "SELECT x.* FROM withdrawal w JOIN event v ON v.subject_id = w.id \
         JOIN webhook_delivery x ON x.event_id = v.id ORDER BY w.id",
    ),
];

/// The account and the pending change of every statement line, in the order of the table `entry`.
pub const MOVES: &str = "SELECT x.account, -x.pending_msat FROM withdrawal w \
     JOIN transfer t ON t.posting_id = w.hold_posting_id JOIN entry x ON x.transfer_id = t.id ORDER BY w.id, t.leg";

/// Moves the counters of an account for one of them.
pub const MOVE: &str = "UPDATE ledger_account SET dr_pending = dr_pending + $1, entry_seq = entry_seq + 1 \
     WHERE number = $2";

/// All that a run wrote.
pub struct Rows<C> {
    /// The rows of each table of [`TABLES`], in its order.
    pub tables: Vec<Vec<Vec<C>>>,
    /// See [`MOVES`].
    pub moves: Vec<[i64; 2]>,
}

impl<C> Rows<C> {
    /// How many withdrawals there are, if the tables hold what they should for each.
    pub fn withdrawals(&self) -> Option<usize> {
        let count = self.moves.len() / 2;
        let each = TABLES.iter().map(|table| table.each);
        let fits = each
            .zip(&self.tables)
            .all(|(each, rows)| rows.len() == count * each);
        (fits && count > 0).then_some(count)
    }

    /// `INSERT` with as many values as the rows of this table have.
    pub fn insert(&self, table: usize, overriding: &str) -> String {
        let columns = self.tables[table].first().map_or(0, Vec::len);
        let values: Vec<String> = (1..=columns).map(|number| format!("${number}")).collect();
        let name = TABLES[table].name;
        format!(
            "INSERT INTO {name} {overriding} VALUES ({})",
            values.join(", ")
        )
    }
}
