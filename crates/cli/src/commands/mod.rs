//! One file per verb.

mod scan;

use crate::args::{Cli, Command};
use crate::failure::Failure;

/// Does what was asked and says how it ended.
pub(crate) fn run(cli: Cli) -> Result<u8, Failure> {
    let Cli { command, common } = cli;
    match command {
        Command::Scan(args) => scan::run(&args, &common),
        _ => crate::failure::usage("not there yet"),
    }
}
