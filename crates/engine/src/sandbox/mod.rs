//! Confinement of the process that reads hostile bytes. On Linux: Landlock
//! (only the artifact can be opened, only for reading), seccomp (no new
//! programs, no network, no writing opens) and resource limits. Elsewhere the
//! child process alone; the report says which were in force.

#[cfg(target_os = "linux")]
mod linux;

use std::path::PathBuf;

use modelward_schema::Sandbox;

/// Memory that the child may allocate, in bytes; mapped files do not count.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "no limit there yet")
)]
pub(crate) const MEMORY: u64 = 512 << 20;

/// Running a graph needs room for its tensors.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "no limit there yet")
)]
pub(crate) const TRIAL_MEMORY: u64 = 2 << 30;

/// Confines this process for good. `readable` are files and folders that stay
/// open for reading, `cpu` is in seconds, `memory` in bytes.
pub(crate) fn confine(readable: &[PathBuf], cpu: u64, memory: u64) -> Sandbox {
    #[cfg(target_os = "linux")]
    return linux::confine(readable, cpu, memory);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (readable, cpu, memory);
        Sandbox {
            process: true,
            ..Sandbox::default()
        }
    }
}
