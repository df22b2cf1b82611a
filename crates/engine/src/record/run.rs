//! Running the command as if nobody looked: its streams are ours, signals sent
//! to us reach it, and its end is ours.

use std::process::{Command, ExitStatus};

use super::RecordError;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// As a shell tells it: 128 and the signal's number when one ended it.
    pub code: i32,
}

/// Runs and waits.
pub fn run(argv: &[String]) -> Result<Ended, RecordError> {
    let (program, args) = argv
        .split_first()
        .ok_or_else(|| RecordError("there is no command to run; name it after --".to_owned()))?;
    let failed = |error: std::io::Error| RecordError(format!("{program}: cannot be run: {error}"));
    let mut command = Command::new(program);
    command.args(args);
    let status = wait(&mut command).map_err(failed)?;
    Ok(Ended { code: code(status) })
}

#[cfg(unix)]
fn wait(command: &mut Command) -> std::io::Result<ExitStatus> {
    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::Signals;

    // Caught from before the start: a signal in between must not leave the
    // command running alone.
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2])?;
    let handle = signals.handle();
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let passing = std::thread::spawn(move || {
        for signal in signals.forever() {
            // From the keyboard it reaches the whole group already; twice is
            // what an impatient user does, and does no harm.
            if let (Some(pid), Some(signal)) = (pid, Signal::from_named_raw(signal)) {
                let _ = kill_process(pid, signal);
            }
        }
    });
    let status = child.wait();
    handle.close();
    let _ = passing.join();
    status
}

#[cfg(not(unix))]
fn wait(command: &mut Command) -> std::io::Result<ExitStatus> {
    command.status()
}

#[cfg(unix)]
fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| signal.saturating_add(128)))
        .unwrap_or(1)
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}
