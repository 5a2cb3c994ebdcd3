//! Keeps ldk-node away from other people's tokio runtimes.
//!
//! ldk-node's blocking calls adopt the runtime they are called in: its connections would live and
//! die with it, and a current-thread runtime panics. Every such call goes through
//! [`on_plain_thread`], which must never run its work inside a runtime.

use tokio::runtime::Handle;

/// Runs `work` on this thread when it is outside every runtime, and otherwise on a new one, waiting
/// for it.
pub(crate) fn on_plain_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if Handle::try_current().is_err() {
        return work();
    }
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(answer) => answer,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_asked_for_inside_a_runtime_runs_outside_of_it() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
        let outside =
            runtime.block_on(async { on_plain_thread(|| Handle::try_current().is_err()) });
        assert!(outside);
    }

    #[test]
    fn work_asked_for_on_a_plain_thread_stays_there() {
        let here = std::thread::current().id();
        assert_eq!(on_plain_thread(|| std::thread::current().id()), here);
    }
}
