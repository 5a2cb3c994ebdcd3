//! The audit's verdict, for people and for programs.

use serde::Serialize;
use store::queries::audit::Audit;

/// The verdict on the books as JSON.
#[derive(Debug, Serialize)]
pub struct Report {
    holds: bool,
    transfers: u64,
    checks: Vec<CheckReport>,
    balances_msat: std::collections::BTreeMap<String, i64>,
}

#[derive(Debug, Serialize)]
struct CheckReport {
    invariant: &'static str,
    says: &'static str,
    holds: bool,
    broken_by: Vec<String>,
}

impl Report {
    /// The verdict of an audit.
    #[must_use]
    pub fn of(audit: &Audit) -> Self {
        Self {
            holds: audit.holds(),
            transfers: audit.totals.transfers,
            checks: audit
                .checks
                .iter()
                .map(|check| CheckReport {
                    invariant: check.invariant,
                    says: check.says,
                    holds: check.broken_by.is_empty(),
                    broken_by: check.broken_by.clone(),
                })
                .collect(),
            balances_msat: audit
                .totals
                .net_credit_msat
                .iter()
                .map(|(number, net)| (account_name(*number), *net))
                .collect(),
        }
    }

    /// The verdict in lines for a terminal.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for check in &self.checks {
            let mark = if check.holds { "ok  " } else { "FAIL" };
            lines.push(format!("{mark} {:<4} {}", check.invariant, check.says));
            lines.extend(
                check
                    .broken_by
                    .iter()
                    .map(|what| format!("          {what}")),
            );
        }
        for (account, net) in &self.balances_msat {
            lines.push(format!("     {account:<24} {net:>20} msat"));
        }
        let verdict = if self.holds {
            "The books balance"
        } else {
            "THE BOOKS ARE BROKEN"
        };
        lines.push(format!("{verdict}: {} transfers checked.", self.transfers));
        lines
    }
}

fn account_name(number: i64) -> String {
    ledger::AccountNumber::stored(number).map_or_else(
        || format!("unknown {number}"),
        |account| account.to_string(),
    )
}
