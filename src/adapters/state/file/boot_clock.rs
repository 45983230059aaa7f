//! The clock that all processes of this machine share and nobody can set.

use std::time::Duration;

/// Time since the machine started, time asleep included.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn since_boot() -> Duration {
    read(rustix::time::ClockId::Boottime)
}

/// Time since the machine started. On macOS it includes time asleep.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(super) fn since_boot() -> Duration {
    read(rustix::time::ClockId::Monotonic)
}

#[cfg(unix)]
fn read(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

/// Elsewhere the time of day stands in: a clock that is set forward there lapses leases early.
#[cfg(not(unix))]
#[expect(
    clippy::disallowed_methods,
    reason = "no safe monotonic clock is shared by processes here"
)]
pub(super) fn since_boot() -> Duration {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
}

/// A mark of this run of the machine; empty where the system has none, and then a record from
/// before a restart is known only by a time in the future. Source: `random(4)`, boot_id.
pub(super) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_forward() {
        let first = since_boot();
        assert!(first > Duration::ZERO);
        assert!(since_boot() >= first);
    }
}
