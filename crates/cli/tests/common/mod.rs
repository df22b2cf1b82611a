//! A machine of its own for each test: an empty environment, an own registry
//! and cache, copies of the examples.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

pub(crate) struct World {
    folder: tempfile::TempDir,
}

pub(crate) struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}\n{}\n{}", self.code, self.stdout, self.stderr)
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn registry(&self) -> PathBuf {
        self.folder.path().join("registry")
    }

    /// A copy of a folder under `examples/`, so that tests may change it.
    pub(crate) fn example(&self, name: &str) -> String {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../examples")
            .join(name);
        let to = self.folder.path().join(name);
        std::fs::create_dir_all(&to).expect("a folder");
        for entry in std::fs::read_dir(from)
            .expect("the example is there")
            .flatten()
        {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
        to.to_string_lossy().into_owned()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_modelward"))
            .args(args)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("MODELWARD_REGISTRY", self.registry())
            .current_dir(self.folder.path())
            .output()
            .expect("the binary runs");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Every document of a JSON answer: one, or one per line.
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .map(|value| value.unwrap_or_else(|error| panic!("{error}: {text}")))
        .collect()
}
