//! The binary: arguments, exit codes.
use std::process::ExitCode;

fn main() -> ExitCode {
    // The worker path stays free of everything that costs start-up time.
    if std::env::args_os().nth(1).is_some_and(|arg| arg == "worker") {
        return ExitCode::from(modelward_engine::worker::main());
    }
    let path = std::env::args().nth(1).unwrap_or_default();
    let opened = modelward_engine::source::open(&path).expect("x");
    let report = modelward_engine::scan(&opened, modelward_engine::Options::default()).expect("y");
    println!("{}", serde_json::to_string_pretty(&report).expect("z"));
    ExitCode::SUCCESS
}
