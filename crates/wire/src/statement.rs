//! The statement of an account, as JSON and as CSV: every change of its balance between two balances.
//!
//! A cell of the CSV that a customer or a stranger wrote must never be a formula to a spreadsheet.

use std::fmt::Write as _;

use serde::Serialize;

use crate::Metadata;
use crate::schema::describe;
use crate::time::Micros;

/// Part of a statement. `opening_balance_msat` and the amounts add up to `closing_balance_msat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// What the account had before the first entry, held or not.
    pub opening_balance_msat: i64,
    /// What it had after the last one.
    pub closing_balance_msat: i64,
    /// The changes, oldest first.
    pub entries: Vec<StatementEntry>,
    /// What to ask for next, while there is more.
    pub next_after: Option<i64>,
}

/// One change of the balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementEntry {
    /// Its number in the account's books.
    pub sequence: i64,
    /// When it was booked.
    pub booked_at: Micros,
    /// What was booked.
    pub kind: String,
    /// The account on the other side.
    pub counter_account: String,
    /// The deposit or the withdrawal that it belongs to; null for what belongs to none.
    pub transaction_id: Option<String>,
    /// What was booked, below zero when it went out.
    pub amount_msat: i64,
    /// What the account had after it.
    pub balance_msat: i64,
    /// The description of the invoice of a deposit.
    pub description: Option<String>,
    /// What the customer attached.
    pub metadata: Metadata,
}

impl Statement {
    /// The same as CSV (RFC 4180), with a row for each of the two balances.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut text = String::from(
            "sequence,booked_at,kind,counter_account,transaction_id,amount_msat,balance_msat,description,metadata\r\n",
        );
        let mut balance = |name: &str, msat: i64| {
            let written = write!(text, ",,{name},,,,{msat},,\r\n");
            written.expect("text takes text");
        };
        balance("opening balance", self.opening_balance_msat);
        for entry in &self.entries {
            let metadata = match entry.metadata.is_none() {
                true => String::new(),
                false => entry.metadata.to_json(),
            };
            let written = write!(
                text,
                "{},{},{},{},{},{},{},{},{}\r\n",
                entry.sequence,
                entry.booked_at,
                cell(&entry.kind),
                cell(&entry.counter_account),
                cell(entry.transaction_id.as_deref().unwrap_or_default()),
                entry.amount_msat,
                entry.balance_msat,
                cell(entry.description.as_deref().unwrap_or_default()),
                cell(&metadata),
            );
            written.expect("text takes text");
        }
        let closing = write!(
            text,
            ",,closing balance,,,,{},,\r\n",
            self.closing_balance_msat
        );
        closing.expect("text takes text");
        text
    }
}

/// A text as a cell: in quotes where it needs them, and never a formula (OWASP: CSV injection).
fn cell(text: &str) -> String {
    let is_formula = text
        .trim_start()
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
        || text.starts_with(['\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    if is_formula || text.contains([',', '"', '\r', '\n']) {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

describe! { Statement, "Statement", flat [],
    opening_balance_msat => "opening_balance_msat",
    closing_balance_msat => "closing_balance_msat",
    entries => "entries",
    next_after => "next_after",
}

describe! { StatementEntry, "StatementEntry", flat [],
    sequence => "sequence",
    booked_at => "booked_at",
    kind => "kind",
    counter_account => "counter_account",
    transaction_id => "transaction_id",
    amount_msat => "amount_msat",
    balance_msat => "balance_msat",
    description => "description",
    metadata => "metadata",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i7_no_cell_is_a_formula_or_breaks_out_of_its_row() {
        for (text, written) in [
            ("coffee", "coffee"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            (" =1", "\"' =1\""),
            ("\r\n=1", "\"'\r\n=1\""),
            ("a\r\n=1", "\"a\r\n=1\""),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }
}
