//! Writes what the chain says of one output that came to the wallet: seen, credited, disputed, or gone.
//!
//! Applying the same report again changes nothing. A coin at an address of nobody is booked to suspense, and one at
//! an address of the operator to its capital, when it is as deep as a deposit has to be. Our own change never comes
//! here.

use bitcoin::OutPoint;
use bitcoin::hashes::Hash;
use ledger::postings::onchain::{self as postings, Output, TakenBack};
use ledger::{AccountNumber, Posting};
use money::{AmountError, Msat};
use payments::event::{EventKind, EventSubject};
use payments::fee_policy::FeePolicy;
use payments::ids::{AccountId, DepositAddressId, DepositId, PostingId};
use payments::onchain::state::transition;
use payments::onchain::{DepositAddress, Input, OnchainDeposit, OnchainDepositState, Transition};

use crate::acts::posting::{PostError, lock, post};
use crate::acts::{ActContext, halt, outbox};
use crate::differences::Statement;
use crate::queries::onchain as queries;
use crate::rows::{micros, onchain as row};
use crate::{StoreError, Tx, for_update, params};

const LOCKED: Statement =
    for_update!("SELECT id FROM onchain_deposit WHERE txid = $1 AND vout = $2");

/// Why a report was not written.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// The amount makes no sense.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The books refused the posting: a fault of the program.
    #[error(transparent)]
    Post(#[from] PostError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the chain says of one output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Which.
    pub outpoint: OutPoint,
    /// The number of its address.
    pub index: u32,
    /// What it is worth.
    pub amount_msat: Msat,
    /// What its transaction spends.
    pub inputs: Vec<OutPoint>,
    /// Where its transaction stands.
    pub input: Input,
    /// The height of its block, when it is in one.
    pub height: Option<u32>,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// The deposit changed to this.
    Changed(Box<OnchainDeposit>),
    /// A credited deposit was taken back; this much of it the customer had spent.
    TakenBack(Box<OnchainDeposit>, Msat),
    /// A coin of the operator, or of nobody, was booked.
    Booked(&'static str),
    /// Nothing changed.
    Before,
}

/// Writes what the chain says of an output that the wallet sees.
///
/// # Errors
/// [`ObserveError`].
pub fn observe(
    tx: &mut Tx<'_>,
    act: &ActContext,
    fees: &FeePolicy,
    seen: &Sighting,
) -> Result<Observed, ObserveError> {
    let deposit = match locked(tx, seen.outpoint)? {
        Some(deposit) => deposit,
        None => match queries::address_by_index(tx, seen.index)? {
            Some(DepositAddress {
                account_id: Some(account_id),
                id,
                ..
            }) => match begin(tx, act, fees, seen, (account_id, id))? {
                Some(deposit) => return follow(tx, act, deposit, seen, true),
                None => return Ok(Observed::Before),
            },
            Some(_) => return book_coin(tx, act, seen, true),
            None => return book_coin(tx, act, seen, false),
        },
    };
    follow(tx, act, deposit, seen, false)
}

/// Writes what became of a deposit whose transaction the wallet does not see.
///
/// # Errors
/// [`ObserveError`].
pub fn lose_sight(
    tx: &mut Tx<'_>,
    act: &ActContext,
    outpoint: OutPoint,
    input: Input,
) -> Result<Observed, ObserveError> {
    let Some(deposit) = locked(tx, outpoint)? else {
        return Ok(Observed::Before);
    };
    let gone = Sighting {
        outpoint,
        index: 0,
        amount_msat: deposit.amount_msat,
        inputs: Vec::new(),
        input,
        height: None,
    };
    follow(tx, act, deposit, &gone, false)
}

/// The deposit of an output, its row locked until the transaction ends.
fn locked(tx: &mut Tx<'_>, outpoint: OutPoint) -> Result<Option<OnchainDeposit>, StoreError> {
    let key = params![outpoint.txid.to_byte_array(), i64::from(outpoint.vout)];
    tx.query_opt(LOCKED.on(tx.dialect()), key)?;
    queries::by_outpoint(tx, outpoint)
}

/// Writes a deposit that was not seen before, pending; `None` when another transaction was quicker, or there is nothing
/// to write.
fn begin(
    tx: &mut Tx<'_>,
    act: &ActContext,
    fees: &FeePolicy,
    seen: &Sighting,
    (account_id, address_id): (AccountId, DepositAddressId),
) -> Result<Option<OnchainDeposit>, ObserveError> {
    let Transition::To(state) = transition(None, seen.input) else {
        return Ok(None);
    };
    let id: DepositId = act.ids.fresh();
    let written = tx.execute(
        "INSERT INTO onchain_deposit (id, account_id, address_id, txid, vout, amount_msat, platform_fee_msat, state,
             inputs, block_height, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) ON CONFLICT (txid, vout) DO NOTHING",
        params![
            id.to_bytes(),
            account_id.to_bytes(),
            address_id.to_bytes(),
            seen.outpoint.txid.to_byte_array(),
            i64::from(seen.outpoint.vout),
            seen.amount_msat.get(),
            fees.deposit(seen.amount_msat)?.get(),
            state.name(),
            row::outpoint_bytes(&seen.inputs),
            seen.height.map(i64::from),
            micros(act.now)
        ],
    )?;
    if written == 0 {
        return Ok(None);
    }
    let deposit = queries::by_outpoint(tx, seen.outpoint)?;
    if let Some(deposit) = &deposit {
        tell(tx, act, deposit)?;
    }
    Ok(deposit)
}

/// Takes a deposit as far as the report leads it.
fn follow(
    tx: &mut Tx<'_>,
    act: &ActContext,
    mut deposit: OnchainDeposit,
    seen: &Sighting,
    mut changed: bool,
) -> Result<Observed, ObserveError> {
    let mut taken_back = None;
    while let Transition::To(state) = transition(Some(deposit.state), seen.input) {
        let earlier = deposit.state;
        deposit.state = state;
        deposit.updated_at = act.now;
        match (earlier.is_credited(), state.is_credited()) {
            (false, true) => credit(tx, act, &mut deposit)?,
            (true, false) => taken_back = Some(take_back(tx, act, &mut deposit)?),
            _ => {}
        }
        update(tx, &deposit, seen.height)?;
        // A dispute is nothing that the contract has a word for.
        if (earlier.is_credited(), state.is_credited()) != (true, true) {
            tell(tx, act, &deposit)?;
        }
        changed = true;
    }
    Ok(match (changed, taken_back) {
        (_, Some(loss_msat)) => Observed::TakenBack(Box::new(deposit), loss_msat),
        (true, None) => Observed::Changed(Box::new(deposit)),
        (false, None) => Observed::Before,
    })
}

fn credit(
    tx: &mut Tx<'_>,
    act: &ActContext,
    deposit: &mut OnchainDeposit,
) -> Result<(), ObserveError> {
    let customer = ledger_account(tx, deposit)?;
    let (amount_msat, fee_msat) = (deposit.amount_msat, deposit.platform_fee_msat);
    let posting = postings::settled(&output(deposit), customer, amount_msat, fee_msat)?;
    deposit.posting_id = Some(write(tx, act, &posting)?);
    deposit.credits += 1;
    Ok(())
}

/// Takes back what was credited, and answers what of it the customer has spent: the operator's loss, which stops the
/// movement of money until a person has looked.
fn take_back(
    tx: &mut Tx<'_>,
    act: &ActContext,
    deposit: &mut OnchainDeposit,
) -> Result<Msat, ObserveError> {
    let customer = ledger_account(tx, deposit)?;
    lock(tx, [customer].into())?;
    let balance = crate::queries::account::balance(tx, deposit.account_id)?;
    let available_msat = balance.map_or(Msat::ZERO, |balance| balance.available_msat);
    let credited_msat = deposit.credited_msat();
    let customer_msat = credited_msat.min(available_msat);
    let loss_msat = credited_msat.checked_sub(customer_msat)?;
    let taken = TakenBack {
        customer_msat,
        platform_fee_msat: deposit.platform_fee_msat,
        loss_msat,
    };
    let credited = Output {
        credits: deposit.credits.saturating_sub(1),
        ..output(deposit)
    };
    let posting = postings::reversed(&credited, customer, &taken);
    deposit.posting_id = Some(write(tx, act, &posting)?);
    if !loss_msat.is_zero() {
        halt::halt(
            tx,
            act,
            "a deposit was double-spent after its money was spent",
        )?;
    }
    Ok(loss_msat)
}

fn output(deposit: &OnchainDeposit) -> Output {
    Output {
        txid: deposit.outpoint.txid.to_byte_array(),
        vout: deposit.outpoint.vout,
        credits: deposit.credits,
    }
}

fn write(tx: &mut Tx<'_>, act: &ActContext, posting: &Posting) -> Result<PostingId, PostError> {
    let id: PostingId = act.ids.fresh();
    post(tx, act, id, posting)?;
    Ok(id)
}

fn ledger_account(tx: &mut Tx<'_>, deposit: &OnchainDeposit) -> Result<AccountNumber, StoreError> {
    crate::queries::account::ledger_account(tx, deposit.account_id)?.ok_or(
        StoreError::Inconsistent {
            what: "an on-chain deposit without an account",
        },
    )
}

fn update(
    tx: &mut Tx<'_>,
    deposit: &OnchainDeposit,
    height: Option<u32>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE onchain_deposit SET state = $1, credits = $2, posting_id = $3, block_height = $4, updated_at = $5
         WHERE id = $6",
        params![
            deposit.state.name(),
            i64::from(deposit.credits),
            deposit.posting_id.map(PostingId::to_bytes),
            height.map(i64::from),
            micros(deposit.updated_at),
            deposit.id.to_bytes()
        ],
    )?;
    Ok(())
}

fn tell(tx: &mut Tx<'_>, act: &ActContext, deposit: &OnchainDeposit) -> Result<(), StoreError> {
    let kind = match deposit.state {
        OnchainDepositState::Pending => EventKind::DepositOnchainPending,
        OnchainDepositState::Settled | OnchainDepositState::Disputed => {
            EventKind::DepositOnchainCompleted
        }
        OnchainDepositState::Failed => EventKind::DepositOnchainFailed,
    };
    let subject = EventSubject::OnchainDeposit(Box::new(deposit.clone()));
    outbox::tell(tx, act, kind, subject)
}

/// Books a coin that is no customer's, once, when it is deep enough.
fn book_coin(
    tx: &mut Tx<'_>,
    act: &ActContext,
    seen: &Sighting,
    is_operators: bool,
) -> Result<Observed, ObserveError> {
    if seen.input != Input::Confirmed {
        return Ok(Observed::Before);
    }
    let output = Output {
        txid: seen.outpoint.txid.to_byte_array(),
        vout: seen.outpoint.vout,
        credits: 0,
    };
    let (kind, posting) = if is_operators {
        ("capital", postings::funded(&output, seen.amount_msat))
    } else {
        ("suspended", postings::suspended(&output, seen.amount_msat))
    };
    let posting_id = match write(tx, act, &posting) {
        Ok(id) => id,
        Err(PostError::AlreadyBooked) => return Ok(Observed::Before),
        Err(error) => return Err(error.into()),
    };
    tx.execute(
        "INSERT INTO onchain_coin (txid, vout, kind, amount_msat, posting_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            output.txid,
            i64::from(output.vout),
            kind,
            seen.amount_msat.get(),
            posting_id.to_bytes(),
            micros(act.now)
        ],
    )?;
    Ok(Observed::Booked(kind))
}
