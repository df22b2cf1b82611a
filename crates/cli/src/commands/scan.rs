//! `modelward scan`: facts and findings.

use modelward_engine::{Options, Progress, source};
use modelward_schema::Report;

use crate::args::{Common, Scan};
use crate::failure::{FINE, FOUND, Failure, UNDECIDED};
use crate::output::{self, Look};
use crate::progress::Bar;
use crate::settings;

pub(crate) fn run(args: &Scan, common: &Common) -> Result<u8, Failure> {
    let look = Look::of(common)?;
    let cache = settings::digest_cache(common);
    let mut reports = Vec::with_capacity(args.paths.len());
    for path in &args.paths {
        let opened = source::open(path)?;
        let bar = Bar::new(opened.files.iter().map(|file| file.stamp.size).sum(), common.quiet);
        let options = Options {
            jobs: settings::jobs(common),
            identity: !args.no_identity,
            cache: cache.as_ref(),
            progress: Progress(Some(&|bytes| bar.advance(bytes))),
        };
        let report = modelward_engine::scan(&opened, &options)?;
        bar.finish();
        reports.push(report);
    }
    if let Some(Err(error)) = cache.map(|cache| cache.save()) {
        output::remark(common, &format!("the digest cache could not be written: {error}"));
    }
    output::answer(common, &look.reports(&reports))?;
    Ok(code(args, &reports))
}

fn code(args: &Scan, reports: &[Report]) -> u8 {
    let found = |report: &Report| report.findings.iter().any(|f| f.severity >= args.fail_on);
    if reports.iter().any(found) {
        FOUND
    } else if reports.iter().any(|report| !report.facts.coverage.complete) {
        UNDECIDED
    } else {
        FINE
    }
}
