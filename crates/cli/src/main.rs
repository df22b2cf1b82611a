//! The binary: what was typed → the engine → the screen and an exit code.

mod args;
mod commands;
mod config;
mod failure;
mod output;
mod progress;
mod settings;
mod signing;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // The worker stays free of everything that costs start-up time.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|first| first == "worker")
    {
        return ExitCode::from(modelward_engine::worker::main());
    }
    let cli = match args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() {
                failure::USAGE
            } else {
                0
            });
        }
    };
    match commands::run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::complain(&failure);
            ExitCode::from(failure.code())
        }
    }
}
