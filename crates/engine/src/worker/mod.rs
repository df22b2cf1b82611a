//! The process that reads hostile bytes.
//!
//! The parent starts the same binary as `modelward worker`, sends one
//! [`Request`] on its standard input and reads one [`Message`] per line from
//! its standard output. The child confines itself before the first hostile
//! byte. When it dies, what it had finished is kept, what it had begun is tried
//! again alone, and what kills a child twice becomes a gap.

mod child;
#[cfg(debug_assertions)]
mod fault;
mod parent;
mod trial;

use std::path::PathBuf;

use modelward_schema::{Facts, Sandbox, Suspect};
use serde::{Deserialize, Serialize};

pub use child::main;
pub(crate) use parent::{read, read_with_graphs, try_graphs};

/// What the child is asked to do.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    /// What may be opened for reading: the artifact's root and the folders
    /// that its links end in.
    readable: Vec<PathBuf>,
    files: Vec<Job>,
    threads: usize,
    /// Give the graphs in full, not only what was made of them.
    #[serde(default)]
    whole_graphs: bool,
    /// Seconds of processor time.
    cpu: u64,
    /// Put the suspects of the files' graphs to the proof instead of reading.
    #[serde(default)]
    trial: Option<Trial>,
    /// Length of a blob that follows the request line, read as the one file.
    stdin: Option<u64>,
}

/// What is to be tried on the graphs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Trial {
    /// Run this witness (base64 of its bytes) instead of looking for one.
    replay: Option<String>,
}

/// What became of one graph's trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tried {
    /// The graph's file or member.
    pub(crate) path: String,
    /// How many graphs of that path came before it.
    pub(crate) nth: usize,
    pub(crate) suspects: Vec<Suspect>,
    /// Which suspect each witness proves, and the witness in base64.
    pub(crate) witnesses: Vec<(usize, String)>,
    /// The answer to a replay, or why there is none.
    pub(crate) replayed: Option<Result<serde_json::Value, String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Job {
    index: usize,
    path: String,
    place: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    /// What confines the child; the first line.
    Confined(Sandbox),
    /// A file is begun.
    Begin(usize),
    /// A file is done.
    Done(usize, Box<Facts>),
    /// A file's graphs were tried.
    Tried(usize, Vec<Tried>),
}
