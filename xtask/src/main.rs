//! `cargo xtask TASK`: chores of the repository.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer reads the terminal"
)]

mod corpus;
mod docs;
mod picture;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask TASK

  corpus    measure detection and false alarms on labelled files
            --folder DIR     a folder with a MANIFEST.csv; default: corpus/files of
                             $MODELWARD_SHARED, else of ../shared
            --match TEXT     only rows whose path, technique or format contains TEXT
            --verbose        list every miss and every false alarm with its findings
            --facts          with --verbose: list the code, anomalies and gaps too
            --bless          write the figures down as the new baseline
  corpus graphs   measure what is found in computation graphs, planted and honest
            --folder DIR     any folder of graphs, without a baseline
            --verbose        list what was found
            --bless          write the figures down as the new baseline
  docs      write the book's pages and table of rules, and list them in its summary
            --check          only say whether they are up to date
  picture   draw the picture in README.md from what the main command prints";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = args
        .split_first()
        .map_or(("", &[][..]), |(t, r)| (t.as_str(), r));
    let outcome = match task {
        "corpus" => corpus::run(rest),
        "docs" => docs::run(rest),
        "picture" => picture::run(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(64);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
