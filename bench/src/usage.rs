//! What the measured process and the rest of the machine have used, from Linux's `/proc`; elsewhere it
//! is left out.

use std::fs;

/// The unit of `/proc/PID/stat` on every Linux that Rust runs on (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// What was used between two moments.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    /// User and system time of all threads of the measured process, in seconds.
    pub cpu_seconds: f64,
    /// Bytes that the measured process gave to the disk.
    pub written_bytes: u64,
    /// The share of the machine's CPU time that processes of others took, 0 to 1. A baseline that
    /// was measured beside a compiler is none.
    pub others_cpu: f64,
}

/// The counters at the beginning.
pub struct Meter {
    measured: u32,
    beside: Vec<u32>,
    began: Option<Counters>,
}

struct Counters {
    measured_ticks: u64,
    beside_ticks: u64,
    written_bytes: u64,
    busy_ticks: u64,
    all_ticks: u64,
}

impl Meter {
    /// Begins to measure the process `measured`; `beside` are ours too, and not measured.
    pub fn start(measured: u32, beside: &[u32]) -> Self {
        let beside = beside.to_vec();
        let began = Counters::read(measured, &beside);
        Self {
            measured,
            beside,
            began,
        }
    }

    /// What was used since; `None` where it cannot be read.
    pub fn read(&self) -> Option<Spent> {
        let began = self.began.as_ref()?;
        let now = Counters::read(self.measured, &self.beside)?;
        let ticks = now.measured_ticks.saturating_sub(began.measured_ticks);
        let ours = ticks + now.beside_ticks.saturating_sub(began.beside_ticks);
        let busy = now.busy_ticks.saturating_sub(began.busy_ticks);
        let all = now.all_ticks.saturating_sub(began.all_ticks).max(1);
        Some(Spent {
            cpu_seconds: ticks as f64 / TICKS_PER_SECOND,
            written_bytes: now.written_bytes.saturating_sub(began.written_bytes),
            others_cpu: busy.saturating_sub(ours) as f64 / all as f64,
        })
    }
}

impl Counters {
    fn read(measured: u32, beside: &[u32]) -> Option<Self> {
        let of = |pid: u32| process_ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?);
        let io = fs::read_to_string(format!("/proc/{measured}/io")).ok()?;
        let (busy_ticks, all_ticks) = machine_ticks(&fs::read_to_string("/proc/stat").ok()?)?;
        Some(Self {
            measured_ticks: of(measured)?,
            beside_ticks: beside.iter().map(|pid| of(*pid)).sum::<Option<u64>>()?,
            written_bytes: written(&io)?,
            busy_ticks,
            all_ticks,
        })
    }
}

/// The CPU time that the threads of this process with this name (at most 15 bytes) have used, in seconds: what a
/// machine that is busy with other things does not change. `None` where it cannot be read.
pub fn threads_cpu(name: &str) -> Option<f64> {
    let mut nanos = 0;
    for task in fs::read_dir("/proc/self/task").ok()? {
        let folder = task.ok()?.path();
        // A thread may end meanwhile.
        let Ok(comm) = fs::read_to_string(folder.join("comm")) else {
            continue;
        };
        if comm.trim_end() == name {
            nanos += on_cpu(&fs::read_to_string(folder.join("schedstat")).ok()?)?;
        }
    }
    Some(nanos as f64 / 1e9)
}

/// The CPU time of the thread that asks, in seconds.
pub fn this_thread_cpu() -> Option<f64> {
    let nanos = on_cpu(&fs::read_to_string("/proc/thread-self/schedstat").ok()?)?;
    Some(nanos as f64 / 1e9)
}

fn on_cpu(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15; the second one, the name, may hold spaces and is left out first.
fn process_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Busy and all ticks of all CPUs: user, nice, system, idle, iowait, irq, softirq, steal.
fn machine_ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line
        .split_whitespace()
        .take(8)
        .map(|field| field.parse().ok())
        .collect::<Option<_>>()?;
    let all: u64 = ticks.iter().sum();
    let waiting = ticks.get(3)? + ticks.get(4)?;
    Some((all - waiting, all))
}

fn written(io: &str) -> Option<u64> {
    let mut lines = io.lines();
    let line = lines.find_map(|line| line.strip_prefix("write_bytes:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_moves_no_field() {
        let stat = "42 (a ) b) S 1 2 3 4 5 6 7 8 9 10 111 222 13";
        assert_eq!(process_ticks(stat), Some(333));
    }

    #[test]
    fn the_bytes_that_reach_the_disk_are_read() {
        let io = "wchar: 9\nwrite_bytes: 4096\ncancelled_write_bytes: 1\n";
        assert_eq!(written(io), Some(4096));
    }

    #[test]
    fn waiting_is_not_being_busy_and_guests_are_counted_once() {
        let stat = "cpu  1 2 3 40 50 6 7 8 1 2\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(machine_ticks(stat), Some((27, 117)));
    }
}
