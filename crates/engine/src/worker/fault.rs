//! Faults on demand, in debug builds only, so that tests can see what a crash
//! of the reading process does and what its confinement forbids. A file asks
//! for one by its content: `MODELWARD-FAULT abort`.

use modelward_schema::{Facts, Location, Metadata};

const MARK: &[u8] = b"MODELWARD-FAULT ";

/// Facts of the attempts, when the bytes ask for attempts; otherwise `None`,
/// unless the process is gone.
pub(super) fn on_demand(path: &str, bytes: &[u8]) -> Option<Facts> {
    let wanted = std::str::from_utf8(bytes.strip_prefix(MARK)?).ok()?.trim();
    match wanted {
        "abort" => std::process::abort(),
        "hang" => loop {
            std::hint::spin_loop();
        },
        "memory" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 16 << 20]);
            }
        }
        "attempts" => Some(attempts(path)),
        _ => None,
    }
}

/// Tries what a hijacked reader would try.
fn attempts(path: &str) -> Facts {
    let outcome = |result: std::io::Result<()>| match result {
        Ok(()) => "possible".to_owned(),
        Err(error) => format!("refused: {error}"),
    };
    let tried = [
        (
            "read /etc/hostname",
            outcome(std::fs::read("/etc/hostname").map(|_| ())),
        ),
        (
            "write",
            outcome(std::fs::write("/tmp/modelward-attempt", b"x")),
        ),
        (
            "run",
            outcome(std::process::Command::new("/bin/true").status().map(|_| ())),
        ),
        (
            "connect",
            outcome(std::net::TcpListener::bind("127.0.0.1:0").map(|_| ())),
        ),
    ];
    let mut facts = Facts::default();
    facts
        .metadata
        .extend(tried.into_iter().map(|(key, value)| Metadata {
            key: key.to_owned(),
            value,
            at: Location::file(path),
        }));
    facts
}
