//! `GET /v1/transactions`, `…/deposits/{id}` and `…/withdrawals/{id}`.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use payments::ids::{AccountId, DepositId, WithdrawalId};
use payments::network::Network;
use store::{StoreError, Tx, queries};
use wire::Problem;
use wire::bitvora::{PageQuery, Success, Transaction, TransactionFilter};

use super::HttpState;
use super::answer::json;
use super::auth::Customer;
use super::query::pairs;
use super::segment::Segment;
use crate::flows::pending::details;
use crate::present;
use crate::problem::ApiError;

/// What a request without a limit gets: existing clients send none and expect the list.
const DEFAULT_LIMIT: u16 = 1_000;

/// How many rows are read at once, and how many at most for one page: a page of a rare kind may be short, or empty, and
/// go on with its cursor.
const READ_AT_ONCE: i64 = 1_000;
const READ_AT_MOST: usize = 20_000;
/// An id is made a moment after the time of its row: how much later at most, in milliseconds.
const ID_LAG_MILLIS: i64 = 60_000;

/// A page of the account's transactions, newest first.
///
/// # Errors
/// [`ApiError`]; so for every handler.
pub async fn list(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    uri: Uri,
) -> Result<Response, ApiError> {
    let pairs = pairs(&uri);
    let named = || {
        pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    };
    let query = PageQuery::from_pairs(named())?;
    let filter = TransactionFilter::from_pairs(named())?;
    let before = query.cursor.as_deref().map(cursor).transpose()?;
    let limit = usize::from(query.limit.unwrap_or(DEFAULT_LIMIT));
    let (account, network) = (identity.account_id, state.app.network);
    let read = move |tx: &mut Tx<'_>| page(tx, account, network, &filter, before, limit);
    let (rows, next) = state.app.store.read_async(read).await?;
    let page = Success::ok("Transactions retrieved", rows);
    Ok(json(200, &page.with_next_cursor(next.map(hex::encode))))
}

/// Reads until `limit` rows pass the filter, there are no more, or enough were read; with the cursor to go on from.
fn page(
    tx: &mut Tx<'_>,
    account: AccountId,
    network: Network,
    filter: &TransactionFilter,
    cursor: Option<[u8; 16]>,
    limit: usize,
) -> Result<(Vec<Transaction>, Option<[u8; 16]>), StoreError> {
    let bound = filter.to.map(first_id_after);
    let mut before = match (cursor, bound) {
        (Some(cursor), Some(bound)) => Some(cursor.min(bound)),
        (one, other) => one.or(other),
    };
    let oldest = filter
        .from
        .map(|from| from.saturating_sub(ID_LAG_MILLIS * 1_000));
    let (mut rows, mut read) = (Vec::new(), 0);
    // One row more than the page holds shows whether there is another page.
    let at_once = i64::try_from(limit)
        .unwrap_or(READ_AT_ONCE)
        .min(READ_AT_ONCE)
        + 1;
    loop {
        let found = queries::transaction::page(tx, account, before, at_once)?;
        for one in &found {
            let (row, metadata) = (
                present::transaction(one, network),
                present::metadata_of(one),
            );
            if oldest.is_some_and(|oldest| row.created_at.unix_micros() < oldest) {
                return Ok((rows, None));
            }
            let passes = filter.takes(&row, &metadata);
            if (passes && rows.len() == limit) || read == READ_AT_MOST {
                return Ok((rows, before));
            }
            if passes {
                rows.push(row);
            }
            before = Some(one.id_bytes());
            read += 1;
        }
        if i64::try_from(found.len()).unwrap_or(0) < at_once {
            return Ok((rows, None));
        }
    }
}

/// An id above those of all rows that were made before `micros`.
fn first_id_after(micros: i64) -> [u8; 16] {
    let millis = micros.div_euclid(1_000).saturating_add(ID_LAG_MILLIS);
    let millis = u64::try_from(millis).unwrap_or(0).min((1 << 48) - 1);
    let mut id = [0xff; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}

fn cursor(text: &str) -> Result<[u8; 16], ApiError> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id).map_err(|_| Problem::InvalidParameter {
        name: "cursor".into(),
        why: "it must be the next_cursor of another page".into(),
    })?;
    Ok(id)
}

/// One deposit.
///
/// # Errors
/// [`ApiError`].
pub async fn deposit(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: DepositId = id.parse().map_err(|_| ApiError::not_found("deposit"))?;
    let account = identity.account_id;
    let network = state.app.network;
    let body = state
        .app
        .store
        .read_async(move |tx| {
            Ok::<_, StoreError>(match queries::payment::deposit(tx, account, id)? {
                Some(found) => Some(present::deposit(&found, network)),
                None => queries::onchain::deposit(tx, account, id)?
                    .map(|found| present::onchain_deposit(&found, network)),
            })
        })
        .await?
        .ok_or_else(|| ApiError::not_found("deposit"))?;
    Ok(json(200, &Success::ok("Deposit retrieved", body)))
}

/// One withdrawal, and why it is pending while it is.
///
/// # Errors
/// [`ApiError`].
pub async fn withdrawal(
    State(state): State<HttpState>,
    Customer(identity): Customer,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let id: WithdrawalId = id.parse().map_err(|_| ApiError::not_found("withdrawal"))?;
    let account = identity.account_id;
    let found = state
        .app
        .store
        .read_async(move |tx| {
            let found = queries::payment::withdrawal(tx, account, id)?;
            Ok::<_, StoreError>((found, queries::reconciliation::latest_verdict(tx)?))
        })
        .await?;
    let (found, verdict) = found;
    let found = found.ok_or_else(|| ApiError::not_found("withdrawal"))?;
    let body = details(&found, verdict.as_ref(), state.app.network);
    Ok(json(200, &Success::ok("Withdrawal retrieved", body)))
}
