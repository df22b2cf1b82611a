//! `modelward scan`: facts and findings.

use std::time::{Duration, Instant};

use modelward_cli::render::{self, RenderOptions};
use modelward_engine::{Options, Progress, source};
use modelward_schema::Report;

use crate::args::{Common, Scan};
use crate::failure::{FINE, FOUND, Failure, UNDECIDED};
use crate::output;
use crate::progress::Bar;
use crate::settings;

pub(crate) fn run(args: &Scan, common: &Common) -> Result<u8, Failure> {
    let also = output::forms(&args.also)?;
    let cache = settings::digest_cache(common);
    let mut reports: Vec<(Report, Duration)> = Vec::with_capacity(args.paths.len());
    for path in &args.paths {
        let opened = source::open(path)?;
        let bar = Bar::over(&opened, common);
        let tell = |bytes| bar.advance(bytes);
        let options = Options {
            jobs: settings::jobs(common),
            identity: !args.no_identity,
            cache: cache.as_ref(),
            progress: Progress(Some(&tell)),
        };
        let began = Instant::now();
        let mut report = modelward_engine::scan(&opened, &options)?;
        bar.finish();
        if args.deep {
            let witnesses = modelward_engine::deep::prove(&opened, &mut report)?;
            super::inspect::keep(args.witness_dir.as_deref(), &witnesses)?;
        }
        reports.push((report, began.elapsed()));
    }
    settings::save(cache, common);
    let answers: Vec<render::Answer<'_>> = reports
        .iter()
        .map(|(report, elapsed)| render::Answer {
            elapsed: Some(*elapsed),
            ..report.into()
        })
        .collect();
    let look = RenderOptions {
        fail_on: args.fail_on,
        ..output::options(common)
    };
    output::write_also(&also, &answers, &look)?;
    output::answer(
        common,
        &render::render(output::format(common), &answers, &look),
    )?;
    Ok(code(args, &reports))
}

fn code(args: &Scan, reports: &[(Report, Duration)]) -> u8 {
    let found = |(report, _): &(Report, Duration)| {
        report.findings.iter().any(|f| f.severity >= args.fail_on)
    };
    if reports.iter().any(found) {
        FOUND
    } else if reports
        .iter()
        .any(|(report, _)| !report.facts.coverage.complete)
    {
        UNDECIDED
    } else {
        FINE
    }
}
