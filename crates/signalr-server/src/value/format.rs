//! In which form values are being written right now, on this thread.
//!
//! serde asks a type only whether its form is human-readable; MessagePack must answer yes, or
//! ids and addresses would become bytes that no other SignalR client reads. The few types that
//! look different in MessagePack ask here. Writing a value is synchronous, so a thread's flag
//! is enough.

use std::cell::Cell;

thread_local! {
    static MESSAGEPACK: Cell<bool> = const { Cell::new(false) };
}

/// Restores the flag, also when a `Serialize` panics.
struct Restore(bool);

impl Drop for Restore {
    fn drop(&mut self) {
        MESSAGEPACK.set(self.0);
    }
}

/// Runs `write`, during which values are written as MessagePack.
pub(super) fn as_messagepack<T>(write: impl FnOnce() -> T) -> T {
    within(true, write)
}

/// Runs `write`, during which values are written as JSON.
pub(super) fn as_json<T>(write: impl FnOnce() -> T) -> T {
    within(false, write)
}

fn within<T>(messagepack: bool, write: impl FnOnce() -> T) -> T {
    let _restore = Restore(MESSAGEPACK.replace(messagepack));
    write()
}

/// Whether a value is being written as MessagePack.
pub(super) fn is_messagepack() -> bool {
    MESSAGEPACK.get()
}
