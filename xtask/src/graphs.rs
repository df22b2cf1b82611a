//! `cargo xtask corpus graphs`
use anyhow::Result;
use modelward_graphs::{Flat, analyse};
use modelward_schema::Severity;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn dump(args: &[String]) -> Result<ExitCode> {
    let (verbose, paths): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|a| a.starts_with('-'));
    for path in paths {
        let bytes = std::fs::read(Path::new(path))?;
        let facts = modelward_formats::read(path, &bytes, &modelward_formats::Limits::default());
        for a in facts.anomalies.iter().take(5) {
            println!("  ANOMALY {} {}", a.id, a.message);
        }
        let mut worst = Severity::Info;
        let mut lines = Vec::new();
        let t = std::time::Instant::now();
        let mut n = 0;
        for wiring in &facts.wirings {
            let flat = Flat::build(wiring);
            let analysis = analyse(&flat);
            n += analysis.operators;
            for s in &analysis.suspects {
                worst = worst.max(s.severity);
                lines.push(format!(
                    "    {:?} {:?} sig={} ({}) -> {} [{}] arg {} main={} alt={:?} reads={:?} {:?}",
                    s.severity,
                    s.kind,
                    s.signal.as_ref().map_or("", |x| &x.name),
                    s.signal.as_ref().map_or("", |x| &x.operator),
                    s.merge.as_ref().map_or("", |x| &x.name),
                    s.merge.as_ref().map_or("", |x| &x.operator),
                    s.operand,
                    s.main.as_ref().map_or("", |x| &x.name),
                    s.alternative,
                    s.reads,
                    s.reasons
                ));
            }
        }
        println!("{:?} {} ops {} {:?}", worst, path, n, t.elapsed());
        if !verbose.is_empty() {
            for l in lines.iter().take(6) {
                println!("{l}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
