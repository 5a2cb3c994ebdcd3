//! [`TracingLog`]: ldk-node's log, written with tracing under the target `ldk_node`.
//!
//! It must never let a payment preimage through.

use ldk_node::logger::{LogLevel, LogRecord, LogWriter};

/// The bridge from ldk-node's log records to tracing events.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct TracingLog;

/// A macro, because tracing wants the level of an event to be constant.
macro_rules! emit {
    ($level:ident, $record:ident, $text:expr) => {
        tracing::event!(
            target: "ldk_node",
            tracing::Level::$level,
            module = $record.module_path,
            line = $record.line,
            "{}",
            $text
        )
    };
}

impl LogWriter for TracingLog {
    fn log<'a>(&self, record: LogRecord<'a>) {
        match record.level {
            LogLevel::Gossip | LogLevel::Trace => {
                if tracing::enabled!(target: "ldk_node", tracing::Level::TRACE) {
                    let text = record.args.to_string();
                    // LDK 0.2.7 traces the preimage of a payment that is claimed twice.
                    if !text.contains("payment_preimage") {
                        emit!(TRACE, record, text);
                    }
                }
            }
            LogLevel::Debug => emit!(DEBUG, record, record.args),
            LogLevel::Info => emit!(INFO, record, record.args),
            LogLevel::Warn => emit!(WARN, record, record.args),
            LogLevel::Error => emit!(ERROR, record, record.args),
        }
    }
}
