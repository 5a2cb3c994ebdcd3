//! What happens after a withdrawal is reserved, step by step: the workers' own steps, driven by the case, so that a
//! process can die between any two of them and start again through the real recovery.

mod engine;
mod outbound;
mod records;
mod reopening;
mod resend;
