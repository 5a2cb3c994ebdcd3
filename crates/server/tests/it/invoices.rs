//! Lightning invoices of ours, from the request to the deposit.

mod deposits;
mod requests;
