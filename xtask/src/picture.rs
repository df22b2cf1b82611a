//! The picture in README.md: what the main command prints, as SVG.

use std::path::Path;
use std::process::Command;

use anstyle_svg::Term;
use anyhow::{Context, ensure};

const TO: &str = "docs/src/images/verdict.svg";
const SUBJECTS: [&str; 3] = [
    "examples/digits-safetensors",
    "examples/digits-torch",
    "examples/attacked-forest",
];

/// Runs the debug binary in a home folder of its own, so that the registry's
/// place and the decision's number are those of a first run.
pub(crate) fn run() -> anyhow::Result<std::process::ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let home = std::env::temp_dir().join(format!("modelward-picture-{}", std::process::id()));
    let output = Command::new("cargo")
        .args([
            "run",
            "--release",
            "--quiet",
            "--package",
            "modelward",
            "--",
            "gate",
        ])
        .args(SUBJECTS)
        .args(["--color", "always", "--as", "ada@example.org"])
        .current_dir(&root)
        .env("XDG_DATA_HOME", home.join(".local/share"))
        .env("XDG_CACHE_HOME", home.join(".cache"))
        .env_remove("MODELWARD_REGISTRY")
        .output()
        .context("failed to run the binary")?;
    let _ = std::fs::remove_dir_all(&home);
    ensure!(
        output.status.code() == Some(1),
        "the binary ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let answer = String::from_utf8(output.stdout)?;
    let answer = answer.replace(&home.to_string_lossy().into_owned(), "~");
    let text = format!(
        "\u{1b}[1m$ modelward gate {}\u{1b}[0m\n{answer}",
        SUBJECTS.join(" ")
    );
    let svg = Term::new().min_width_px(900).render_svg(text.trim_end());
    let to = root.join(TO);
    std::fs::create_dir_all(to.parent().context("a folder")?)?;
    std::fs::write(&to, svg).with_context(|| format!("failed to write {TO}"))?;
    println!("wrote {TO}");
    Ok(std::process::ExitCode::SUCCESS)
}
