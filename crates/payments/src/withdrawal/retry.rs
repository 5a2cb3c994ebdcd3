//! What becomes of a withdrawal whose attempt did not reach the payee, when nothing of that attempt is under way.
//!
//! One pure function, which never decides whether something is under way: only the rail's proof does.

use jiff::{SignedDuration, Timestamp};

use super::{Withdrawal, WithdrawalFailure};

/// How often a route may be missing before the withdrawal fails: about half a minute of searching.
pub const MOST_ROUTES_NOT_FOUND: i64 = 18;
/// The waits between tries, the last one repeated.
const BACK_OFF_MS: [i64; 5] = [100, 250, 500, 1_000, 2_000];
/// The longest wait for room. The end of a payment under way shortens it.
const LONGEST_WAIT_FOR_ROOM_SECONDS: i64 = 15;

/// Why an attempt did not reach the payee. Nothing of it is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setback {
    /// The rail was not ready, or lost the payment before it sent anything.
    NotReady,
    /// No route was found.
    NoRoute,
    /// The channels are full of payments under way.
    NoRoom,
    /// Every way to the payee asks more than the reserve.
    FeeAboveLimit,
    /// The node refuses the invoice.
    InvalidInvoice,
    /// It was sent, and came back for this reason.
    CameBack(WithdrawalFailure),
}

impl Setback {
    /// Whether it counts towards [`MOST_ROUTES_NOT_FOUND`].
    pub const fn is_a_missing_route(self) -> bool {
        matches!(self, Self::NoRoute | Self::CameBack(_))
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again at this time, or as soon as it is safe after it.
    Again(Timestamp),
    /// It is over.
    GiveUp(WithdrawalFailure),
}

/// What to do after the latest attempt of `withdrawal`.
pub fn next(withdrawal: &Withdrawal, setback: Setback, now: Timestamp) -> Next {
    use WithdrawalFailure::{InvalidInvoice, NoRoute, TimedOut};
    let failure = match setback {
        Setback::InvalidInvoice => return Next::GiveUp(InvalidInvoice),
        Setback::FeeAboveLimit => return Next::GiveUp(NoRoute),
        Setback::CameBack(reason @ (NoRoute | TimedOut)) => reason,
        Setback::CameBack(reason) => return Next::GiveUp(reason),
        Setback::NotReady | Setback::NoRoute | Setback::NoRoom => NoRoute,
    };
    let missed = withdrawal.routes_not_found.saturating_add(1);
    let at = now
        .checked_add(wait(withdrawal.attempts, setback))
        .unwrap_or(Timestamp::MAX);
    let is_hopeless = setback.is_a_missing_route() && missed >= MOST_ROUTES_NOT_FOUND;
    if is_hopeless || at >= withdrawal.expires_at {
        Next::GiveUp(failure)
    } else {
        Next::Again(at)
    }
}

fn wait(attempts: i64, setback: Setback) -> SignedDuration {
    if setback == Setback::NoRoom {
        return SignedDuration::from_secs(attempts.clamp(1, LONGEST_WAIT_FOR_ROOM_SECONDS));
    }
    let made = usize::try_from(attempts).unwrap_or(1).saturating_sub(1);
    SignedDuration::from_millis(BACK_OFF_MS[made.min(BACK_OFF_MS.len() - 1)])
}

#[cfg(test)]
mod tests;
