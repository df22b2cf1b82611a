//! `cargo xtask TASK`: chores of the repository.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer reads the terminal"
)]

mod corpus;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask TASK

  corpus    measure detection and false alarms on labelled files
            --folder DIR     a folder with a MANIFEST.csv; default: corpus/files of
                             $MODELWARD_SHARED, else of ../shared
            --match TEXT     only rows whose path, technique or format contains TEXT
            --verbose        list every miss and every false alarm with its findings
            --facts          with --verbose: list the code, anomalies and gaps too
            --bless          write the figures down as the new baseline";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some("corpus") {
        eprintln!("{USAGE}");
        return ExitCode::from(64);
    }
    corpus::run(&args.collect::<Vec<_>>()).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}
