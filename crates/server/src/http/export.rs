//! `GET /v1/transactions/export`: the account's statement as JSON or CSV, whose balances are the ledger's.
//!
//! A part is read in one snapshot; the parts of a long statement join without a gap, because the numbers of the entries
//! decide, and no entry is ever changed.

use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use payments::ids::WithdrawalId;
use store::queries::account::ledger_account;
use store::queries::statement::{Entry, balance_after, entries, range};
use store::{StoreError, Tx};
use wire::Problem;
use wire::bitvora::time;
use wire::statement::{Statement, StatementEntry};

use super::HttpState;
use super::answer::json;
use super::auth::Customer;
use super::query::pairs;
use crate::present;
use crate::problem::ApiError;

/// The most entries of one part.
const PART: i64 = 10_000;

/// What is asked for.
#[derive(Default)]
struct Asked {
    is_csv: bool,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    after: Option<i64>,
}

fn asked(uri: &Uri) -> Result<Asked, Problem> {
    let mut asked = Asked::default();
    let invalid = |name: &'static str, why: &'static str| Problem::InvalidParameter {
        name: name.into(),
        why: why.into(),
    };
    let moment = |name, value: &str| {
        let parsed = Timestamp::from_microsecond(time(name, value)?);
        parsed.map_err(|_| invalid(name, "it must be a time"))
    };
    for (name, value) in pairs(uri) {
        match name.as_str() {
            "format" => {
                asked.is_csv = match value.as_str() {
                    "csv" => true,
                    "json" => false,
                    _ => return Err(invalid("format", "it must be csv or json")),
                }
            }
            "from" => asked.from = Some(moment("from", &value)?),
            "to" => asked.to = Some(moment("to", &value)?),
            "after" => {
                let number = value.parse().ok().filter(|number: &i64| *number >= 0);
                let why = "it must be the next_after of another part";
                asked.after = Some(number.ok_or_else(|| invalid("after", why))?);
            }
            _ => {}
        }
    }
    Ok(asked)
}

/// Part of the statement.
///
/// # Errors
/// [`ApiError`].
pub async fn get(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    uri: Uri,
) -> Result<Response, ApiError> {
    let asked = asked(&uri)?;
    let (account, is_csv) = (identity.account_id, asked.is_csv);
    let read = move |tx: &mut Tx<'_>| {
        let ledger = ledger_account(tx, account)?.ok_or(StoreError::Inconsistent {
            what: "a key without an account",
        })?;
        let (before, last) = range(tx, ledger, asked.from, asked.to)?;
        let after = asked.after.unwrap_or(before).max(before);
        let opening_msat = balance_after(tx, ledger, after)?;
        let found = entries(tx, ledger, after, last, PART + 1)?;
        Ok::<_, StoreError>((opening_msat, found))
    };
    let (opening_balance_msat, mut found) = state.app.store.read_async(read).await?;
    let part = usize::try_from(PART).unwrap_or(usize::MAX);
    let has_more = found.len() > part;
    found.truncate(part);
    let closing_balance_msat = found
        .last()
        .map_or(opening_balance_msat, |last| last.balance_msat);
    let next_after = found.last().map(|last| last.sequence).filter(|_| has_more);
    let statement = Statement {
        opening_balance_msat,
        closing_balance_msat,
        entries: found.iter().map(row).collect(),
        next_after,
    };
    if !is_csv {
        return Ok(json(200, &statement));
    }
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    let name = HeaderValue::from_static("attachment; filename=\"statement.csv\"");
    let mut response = statement.to_csv().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_DISPOSITION, name);
    if let Some(next) = next_after {
        headers.insert("x-next-after", HeaderValue::from(next));
    }
    Ok(response)
}

fn row(entry: &Entry) -> StatementEntry {
    let counter_account = match entry.counter.is_bounded() {
        true => "customer".to_owned(),
        false => entry.counter.to_string(),
    };
    StatementEntry {
        sequence: entry.sequence,
        booked_at: present::micros(entry.booked_at),
        kind: entry.code.clone(),
        counter_account,
        transaction_id: entry
            .transaction
            .map(|id| WithdrawalId::from_bytes(id).to_string()),
        amount_msat: entry.amount_msat,
        balance_msat: entry.balance_msat,
        description: entry.description.clone(),
        metadata: present::metadata(entry.metadata.as_ref()),
    }
}
