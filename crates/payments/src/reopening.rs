//! What becomes of a channel that was closed because our own stored state was stale after a crash: one is opened to
//! the same peer, once, with what came back.
//!
//! [`next`] is one pure function over what the books and the node say. It never lets a second one be opened while the
//! first may be under way: an intent (`Asked`) ends only by what the node's channels show.

use bitcoin::secp256k1::PublicKey;
use jiff::{SignedDuration, Timestamp};

use crate::ports::{ChannelRequest, ChannelStatus, NodeStatus};

/// What ldk-node keeps in the wallet for each anchor channel, in satoshi.
pub const ANCHOR_RESERVE_SAT: u64 = 25_000;
/// The smallest channel that is opened, in satoshi. LDK opens from 1,000 on; what the reserves of both sides leave of
/// less than this carries hardly a payment, and LND takes nothing smaller.
pub const LEAST_CHANNEL_SAT: u64 = 20_000;
/// What is left for the fee of the opening transaction: a share of what came back, within these bounds, in satoshi.
const FEE_MARGIN_SAT: std::ops::RangeInclusive<u64> = 5_000..=100_000;
const FEE_MARGIN_SHARE: u64 = 50;
/// The waits between tries, the last one repeated, in seconds.
const BACK_OFF_SECONDS: [i64; 6] = [5, 15, 60, 300, 900, 3_600];

/// Where a reopening stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// No channel is being opened for it.
    Wanted {
        /// Not before this time.
        due_at: Timestamp,
        /// Whether all that the closed channel gave back is in the wallet for good, and booked.
        is_settled: bool,
    },
    /// The node was asked, or is about to be.
    Asked {
        /// The node's own name for what it opens; `None` when its answer is not known.
        name: Option<u128>,
    },
}

/// A channel that a crash has closed, and for which another is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopening {
    /// The closed channel.
    pub channel_id: [u8; 32],
    /// Its other side.
    pub peer: PublicKey,
    /// Whether it was announced.
    pub is_announced: bool,
    /// What the node said is ours in it, in satoshi; `None` when nobody looked in time.
    pub returned_sat: Option<u64>,
    /// How often the node was asked.
    pub attempts: i64,
    /// Where it stands.
    pub stage: Stage,
    /// The channels with the peer that the books knew before the node was asked, or that other reopenings opened.
    pub others: Vec<[u8; 32]>,
    /// A channel with the peer that was funded after the node was asked, and closed again since.
    pub closed_again: Option<[u8; 32]>,
    /// The channels that the books know, of any peer.
    pub known: Vec<[u8; 32]>,
}

/// Why nothing is opened for a closed channel, ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveUp {
    /// The configuration says so.
    Policy,
    /// Nobody knows what came back.
    Unknown,
    /// What came back is too little for a channel.
    TooLittle,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The closed channel's money is on its way to the wallet.
    Money,
    /// The time of the next try.
    Due,
    /// Coins of the wallet that may be spent.
    Coins,
    /// The address of the peer: nobody has told the node where it is.
    Peer,
    /// The blocks on the funding of the new channel.
    Blocks,
    /// A closing channel that nobody knows: it may be the one that was asked for.
    Unknown,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, yet.
    Wait(Waiting),
    /// Write the intent, then ask the node for this channel.
    Open(ChannelRequest),
    /// It is open.
    Opened([u8; 32]),
    /// What was asked for came to nothing, and nothing of it is under way: try again after this time.
    Again(Timestamp),
    /// Nothing will be opened.
    GiveUp(GiveUp),
}

/// What to do about `reopening`, by what the node says at `now`. `is_wanted` is the operator's policy.
pub fn next(reopening: &Reopening, node: &NodeStatus, is_wanted: bool, now: Timestamp) -> Step {
    match reopening.stage {
        Stage::Wanted { .. } if !is_wanted => Step::GiveUp(GiveUp::Policy),
        Stage::Wanted {
            is_settled: false, ..
        } => Step::Wait(Waiting::Money),
        Stage::Wanted { due_at, .. } if due_at > now => Step::Wait(Waiting::Due),
        Stage::Wanted { .. } => open(reopening, node),
        Stage::Asked { name } => look(reopening, name, node, now),
    }
}

fn open(reopening: &Reopening, node: &NodeStatus) -> Step {
    let Some(returned_sat) = reopening.returned_sat else {
        return Step::GiveUp(GiveUp::Unknown);
    };
    let margin_sat = fee_margin_sat(returned_sat);
    let most_sat = returned_sat.saturating_sub(margin_sat);
    if most_sat < LEAST_CHANNEL_SAT + ANCHOR_RESERVE_SAT {
        return Step::GiveUp(GiveUp::TooLittle);
    }
    // What else is in the wallet may stand for the reserve, and is not put into the channel.
    let spendable_sat = node.wallet.spendable_sat;
    let room_sat = spendable_sat.saturating_sub(ANCHOR_RESERVE_SAT + margin_sat);
    let amount_sat = most_sat.min(room_sat);
    let peer = node.peers.iter().find(|p| p.node_id == reopening.peer);
    match peer {
        None => Step::Wait(Waiting::Peer),
        Some(_) if amount_sat < LEAST_CHANNEL_SAT => Step::Wait(Waiting::Coins),
        Some(peer) => Step::Open(ChannelRequest {
            peer: reopening.peer,
            address: peer.address.clone(),
            amount_sat,
            is_announced: reopening.is_announced,
        }),
    }
}

fn look(reopening: &Reopening, name: Option<u128>, node: &NodeStatus, now: Timestamp) -> Step {
    let is_it = |channel: &&ChannelStatus| {
        let is_new = || {
            channel.is_outbound
                && channel.peer == reopening.peer
                && !reopening.others.contains(&channel.channel_id)
        };
        name.map_or_else(is_new, |name| channel.name == name)
    };
    if let Some(channel) = node.channels.iter().find(is_it) {
        // A channel whose funding is not confirmed may still vanish.
        return if channel.is_ready {
            Step::Opened(channel.channel_id)
        } else {
            Step::Wait(Waiting::Blocks)
        };
    }
    if let Some(channel_id) = reopening.closed_again {
        return Step::Opened(channel_id);
    }
    let is_unknown = |channel_id| !reopening.known.contains(channel_id);
    if node.closing.iter().any(is_unknown) {
        // It may be what was asked for, closed before anybody has seen it.
        return Step::Wait(Waiting::Unknown);
    }
    let made = usize::try_from(reopening.attempts).unwrap_or(1).max(1) - 1;
    let wait = BACK_OFF_SECONDS[made.min(BACK_OFF_SECONDS.len() - 1)];
    let due_at = now.checked_add(SignedDuration::from_secs(wait));
    Step::Again(due_at.unwrap_or(Timestamp::MAX))
}

fn fee_margin_sat(returned_sat: u64) -> u64 {
    (returned_sat / FEE_MARGIN_SHARE).clamp(*FEE_MARGIN_SAT.start(), *FEE_MARGIN_SAT.end())
}

#[cfg(test)]
mod tests;
