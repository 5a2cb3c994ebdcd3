//! Why a connection ended, and what the client is told about it.

use crate::error::CLOSED_WITH_ERROR;

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client closed in an orderly way, perhaps with an error of its own.
    Closed {
        /// What the client gave as its error.
        error: Option<String>,
    },
    /// The transport broke, or took no bytes within the send timeout.
    TransportLost,
    /// The client sent nothing within the client timeout.
    ClientTimeout,
    /// The client sent something that is no message, or a message that is too large.
    ProtocolViolation {
        /// What is wrong with it.
        detail: String,
    },
    /// The client did not read fast enough and its queue overflowed.
    SlowClient,
    /// The application ended it: [`Caller::abort`](crate::Caller::abort).
    Aborted,
    /// The connect callback refused it.
    Refused {
        /// The text for the client.
        text: String,
    },
    /// The hub shut down.
    Shutdown,
}

/// The members of a Close message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Farewell {
    pub(crate) error: Option<String>,
    pub(crate) allow_reconnect: bool,
}

impl DisconnectReason {
    /// The reason alone, for logs: texts of clients and applications may hold secrets.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::TransportLost => "transport lost",
            Self::ClientTimeout => "client timeout",
            Self::ProtocolViolation { .. } => "protocol violation",
            Self::SlowClient => "slow client",
            Self::Aborted => "aborted",
            Self::Refused { .. } => "refused",
            Self::Shutdown => "shutdown",
        }
    }

    /// What the Close message says, following .NET: reconnecting is allowed unless the
    /// application or the client itself wanted the end. `None`: there is nobody to tell.
    pub(crate) fn farewell(&self, detailed: bool) -> Option<Farewell> {
        let failed = |detail: &str| {
            Some(Farewell {
                error: Some(if detailed {
                    format!("{CLOSED_WITH_ERROR} {detail}")
                } else {
                    CLOSED_WITH_ERROR.to_owned()
                }),
                allow_reconnect: true,
            })
        };
        match self {
            Self::TransportLost => None,
            Self::Closed { .. } | Self::Aborted => Some(Farewell {
                error: None,
                allow_reconnect: false,
            }),
            Self::Shutdown => Some(Farewell {
                error: None,
                allow_reconnect: true,
            }),
            Self::Refused { text } => Some(Farewell {
                error: Some(text.clone()),
                allow_reconnect: false,
            }),
            Self::ClientTimeout => failed(
                "OperationCanceledException: Client hasn't sent a message/ping within the \
                 configured ClientTimeoutInterval.",
            ),
            Self::ProtocolViolation { detail } => {
                failed(&format!("InvalidDataException: {detail}"))
            }
            Self::SlowClient => failed("IOException: The client does not read fast enough."),
        }
    }
}
