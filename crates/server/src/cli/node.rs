//! `leyden node`: the Lightning node in its operator's hands, through the running server.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::CliError;
use super::accounts::show;
use super::admin_client::{ServerArgs, call};

/// What to do with the node.
#[derive(Debug, Subcommand)]
pub(super) enum NodeCommand {
    /// Show the node: its key, its on-chain wallet, channels and peers.
    Status {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make an on-chain address for funding the node. What comes there is the operator's money; never give it to a
    /// customer.
    Address {
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Connect to a peer, now and after every restart.
    Connect {
        /// The peer.
        #[arg(value_name = "PUBKEY@HOST:PORT")]
        peer: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Open a channel from the node's on-chain wallet. It can be used when its funding has some confirmations. The
    /// wallet must hold the channel, the chain's fee, and 25,000 sat that are kept in reserve.
    #[command(
        after_help = "Before you repeat one that failed, look whether it is being opened: leyden node status"
    )]
    Open {
        /// The peer.
        #[arg(value_name = "PUBKEY@HOST:PORT")]
        peer: String,
        /// The size of the channel, in satoshi.
        amount_sats: u64,
        /// Announce it, so that it forwards payments of others. The node must have an alias and listen.
        #[arg(long)]
        announced: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Close a channel, together with its peer: what is ours is in the wallet after some confirmations.
    Close {
        /// The channel's id, as `leyden node status` shows it.
        #[arg(value_name = "CHANNEL")]
        channel_id: String,
        /// Close it alone, for a peer that does not answer: what is ours comes after a delay of a day or more, and
        /// fees are higher.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

pub(super) async fn node(command: NodeCommand) -> Result<ExitCode, CliError> {
    let answer = match command {
        NodeCommand::Status { server } => call(&server, "GET", "/node", None).await?,
        NodeCommand::Address { server } => call(&server, "POST", "/node/address", None).await?,
        NodeCommand::Connect { peer, server } => {
            let body = json!({ "peer": peer });
            call(&server, "POST", "/node/peers", Some(&body)).await?
        }
        NodeCommand::Open {
            peer,
            amount_sats,
            announced,
            server,
        } => {
            let body = json!({ "peer": peer, "amount_sats": amount_sats, "announced": announced });
            call(&server, "POST", "/node/channels", Some(&body)).await?
        }
        NodeCommand::Close {
            channel_id,
            force,
            server,
        } => {
            let (path, body) = (
                format!("/node/channels/{channel_id}/close"),
                json!({ "force": force }),
            );
            call(&server, "POST", &path, Some(&body)).await?
        }
    };
    show(&answer)
}
