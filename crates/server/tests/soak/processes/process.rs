//! One `leyden serve` as a child process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use crate::sandbox::PATIENCE;

/// What it says, with the time at which it said so.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<(Instant, String)>>,
    changed: Condvar,
}

pub struct Process {
    child: Child,
    log: Arc<Log>,
    /// Where it serves.
    pub url: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            for (_, line) in self.log.lines.lock().expect("no panic").iter() {
                eprintln!("{}: {line}", self.child.id());
            }
        }
    }
}

impl Process {
    /// Starts one with these roles and crash points, and waits until it serves.
    pub fn start(config: &Path, roles: &str, crash_points: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_leyden"))
            .args([
                "--log",
                "warn,server=info,ldk_node=off",
                "serve",
                "--config",
            ])
            .arg(config)
            .args(["--roles", roles])
            .env("FAILPOINTS", crash_points)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let said = BufReader::new(child.stderr.take().expect("its words are piped"));
        let log = Arc::new(Log::default());
        let writing = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let mut lines = writing.lines.lock().expect("no panic");
                lines.push((Instant::now(), line));
                writing.changed.notify_all();
            }
        });
        let mut process = Self {
            child,
            log,
            url: String::new(),
        };
        let (_, line) = process.until_it_says("Leyden serves ");
        let url = line
            .split_once("Leyden serves ")
            .expect("it was looked for")
            .1;
        url.trim().clone_into(&mut process.url);
        process
    }

    /// Waits until it runs the node, and answers since when.
    pub fn until_it_runs_the_node(&self) -> Instant {
        self.until_it_says("this process runs the Lightning node").0
    }

    /// Waits until it has said that another runs the node.
    pub fn until_it_waits_for_the_node(&self) {
        self.until_it_says("another process runs the Lightning node");
    }

    /// Whether it has said so.
    pub fn has_said(&self, text: &str) -> bool {
        let lines = self.log.lines.lock().expect("no panic");
        lines.iter().any(|(_, line)| line.contains(text))
    }

    fn until_it_says(&self, text: &str) -> (Instant, String) {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.log.lines.lock().expect("no panic");
        loop {
            if let Some(found) = lines.iter().find(|(_, line)| line.contains(text)) {
                return found.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it never said {text:?}: {lines:#?}");
            lines = self
                .log
                .changed
                .wait_timeout(lines, left)
                .expect("no panic")
                .0;
        }
    }

    /// Lets it stand still, or go on, as a machine that is suspended does.
    pub fn stand_still(&self, still: bool) {
        let signal = if still { "-STOP" } else { "-CONT" };
        let id = self.child.id().to_string();
        let told = Command::new("kill").args([signal, &id]).status();
        assert!(told.expect("a signal").success());
    }

    /// Whether it has ended by itself.
    pub fn is_gone(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Kills it as a power cut would, and answers when.
    pub fn kill(mut self) -> Instant {
        let now = Instant::now();
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is gone");
        now
    }
}
