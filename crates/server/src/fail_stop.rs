//! Ends the process when the Lightning node has failed inside.
//!
//! LDK panics when it finds its own state wrong. On its runtime's threads tokio would swallow that, and a node would go
//! on that writes nothing any more. It must never touch a panic of a request, which is answered.

use rail_ldk::NODE_THREAD;

/// From now on a panic on a thread of the node ends the process, after it was told of.
pub fn arm() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tell(panic);
        if std::thread::current().name() == Some(NODE_THREAD) {
            tracing::error!(
                "ALERT: the Lightning node failed inside; the process ends, start it again"
            );
            std::process::abort();
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread::Builder;

    use super::*;

    const CHILD: &str = "LEYDEN_TEST_FAIL_STOP";

    fn panic_on(thread: &str) {
        let thread = Builder::new().name(thread.to_owned());
        let panicked = thread.spawn(|| panic!("as LDK does")).expect("a thread");
        assert!(panicked.join().is_err());
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the test runs itself as a child, which it tells by the environment"
    )]
    fn a_panic_of_the_node_ends_the_process_and_no_other_does() {
        if std::env::var_os(CHILD).is_some() {
            arm();
            panic_on("a request");
            panic_on("another request");
            panic_on(NODE_THREAD);
            std::process::exit(0);
        }
        let itself = std::env::current_exe().expect("a test binary");
        let name = "fail_stop::tests::a_panic_of_the_node_ends_the_process_and_no_other_does";
        let child = Command::new(itself)
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, "1")
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(said.contains("'another request'"), "{said}");
        assert!(!child.status.success(), "it went on: {said}");
    }
}
