//! Fills books with payments, half of them in and half of them out, and with invoices that nobody pays.

use money::Msat;
use payments::payment_hash::PaymentPreimage;
use store::Tx;
use store::acts::dispatch::claim_due_withdrawals;
use store::acts::invoice::record_invoice;
use store::acts::outcome::settle_withdrawal;
use store::acts::withdrawal::reserve_withdrawal;

use crate::books::{Books, BooksError, Customer, deposit, request};

/// Payments in one transaction.
const BATCH: usize = 5_000;
/// What every payment in brings.
const AMOUNT_SAT: i64 = 10;

/// Fills new books with so many payments and as many unpaid invoices, and answers the customer of all of them.
pub fn fill(books: &Books, payments: usize) -> Result<Customer, BooksError> {
    let customer = books.customer(false)?;
    let mut done = 0;
    while done < payments {
        let count = BATCH.min(payments - done);
        let these = books.clone();
        books
            .store
            .write(move |tx| batch(tx, &these, &customer, done, count))?;
        done += count;
    }
    Ok(customer)
}

fn batch(
    tx: &mut Tx<'_>,
    books: &Books,
    customer: &Customer,
    first: usize,
    count: usize,
) -> Result<(), BooksError> {
    let amount_msat = Msat::from_sat(AMOUNT_SAT).unwrap_or(Msat::ZERO);
    let act = books.acting();
    let mut sent = Vec::new();
    for number in first..first + count {
        if number % 2 == 0 {
            deposit(tx, &act, &books.invoice(customer), amount_msat)?;
        } else {
            let request = request(customer, format!("filling-{number}"));
            reserve_withdrawal(tx, &act, &request, &|_, event| event.hub.clone())?;
            sent.push(request.new.payment_hash);
        }
        record_invoice(tx, &act, &books.invoice(customer), None)?;
    }
    let limit = i64::try_from(sent.len()).unwrap_or(i64::MAX);
    claim_due_withdrawals(tx, &act, act.ids.fresh(), limit)?;
    for hash in &sent {
        let preimage = Some(PaymentPreimage::from_bytes(*hash.as_bytes()));
        settle_withdrawal(tx, &act, hash, preimage, Msat::ZERO)?;
    }
    Ok(())
}
