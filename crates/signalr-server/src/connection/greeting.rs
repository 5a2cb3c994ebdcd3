//! The handshake: what the client wants to speak, or why it cannot.

use tokio::time::timeout;

use crate::hub::{Core, Stage};
use crate::protocol::{Handshake, HandshakeError, RecordError, Records, parse_handshake};
use crate::transport::{FrameSource, Inbound, Transport};

const FAILED: &str = "An unexpected error occurred during connection handshake.";
const CANCELED: &str = "Handshake was canceled.";

/// Reads the client's handshake. The error is the text of the refusal, if the client is still
/// there to read it.
pub(super) async fn shake_hands<R: FrameSource>(
    core: &Core,
    transport: Transport,
    source: &mut R,
    records: &mut Records,
) -> Result<Handshake, Option<String>> {
    let mut stage = core.stage.subscribe();
    let accepted = tokio::select! {
        biased;
        result = timeout(core.options.handshake_timeout, read(core, source, records)) => {
            result.unwrap_or_else(|_| Err(Some(CANCELED.to_owned())))?
        }
        _ = stage.wait_for(|stage| *stage > Stage::Open) => return Err(Some(CANCELED.to_owned())),
    };
    if accepted.protocol.is_binary() && !transport.is_binary() {
        return Err(Some(format!(
            "Cannot use the '{}' protocol on the current transport. The transport does not \
             support 'Binary' transfer format.",
            accepted.protocol.name()
        )));
    }
    records.set_framing(accepted.protocol.framing());
    Ok(accepted)
}

async fn read<R: FrameSource>(
    core: &Core,
    source: &mut R,
    records: &mut Records,
) -> Result<Handshake, Option<String>> {
    let malformed = |detail: String| {
        Some(if core.options.detailed_errors {
            format!("{FAILED} InvalidDataException: {detail}")
        } else {
            FAILED.to_owned()
        })
    };
    let limit = core.options.maximum_message_bytes;
    loop {
        match records.next_record() {
            Ok(Some(record)) => {
                return parse_handshake(record).map_err(|error| match error {
                    HandshakeError::Malformed => malformed(error.to_string()),
                    _ => Some(error.to_string()),
                });
            }
            Ok(None) => {}
            Err(error) => return Err(malformed(error.to_string())),
        }
        match source.next().await {
            Inbound::Data(bytes) | Inbound::Text(bytes) => records.push(&bytes),
            Inbound::TooLong => {
                return Err(malformed(RecordError::Oversize { limit }.to_string()));
            }
            Inbound::Closed | Inbound::Lost => return Err(None),
        }
    }
}
