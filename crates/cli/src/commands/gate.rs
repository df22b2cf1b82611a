//! `modelward gate`: the verdict, on record.

use std::time::{Duration, Instant};

use modelward_cli::render;
use modelward_engine::gate::{Answer, Question, gate};
use modelward_engine::{policies, source, statements};
use modelward_registry::Registry;
use modelward_schema::Decision;
use modelward_trust::SigningKey;
use modelward_trust::evidence::{Resource, Statement};

use crate::args::{Common, Gate};
use crate::failure::{FINE, FOUND, Failure, UNDECIDED, usage};
use crate::output;
use crate::progress::Bar;
use crate::{settings, signing};

pub(crate) fn run(args: &Gate, common: &Common) -> Result<u8, Failure> {
    if args.manifest.is_some() && args.paths.len() > 1 {
        return usage("--manifest speaks of one artifact; gate the others by themselves");
    }
    let also = output::forms(&args.also)?;
    let policy = policies::load(common.policy.as_deref())?;
    let trust = args.trust.root(common)?;
    let key = if args.attest {
        Some(args.signing.key(common)?)
    } else {
        None
    };
    let place = settings::registry_place(common)?;
    let registry = if args.dry_run {
        Registry::open_existing(&place)?
    } else {
        Some(Registry::open(&place)?)
    };
    let cache = settings::digest_cache(common);
    let actor = settings::actor(&args.actor);
    let now = settings::now(common);
    let mut answers: Vec<(Answer, Duration)> = Vec::with_capacity(args.paths.len());
    for path in &args.paths {
        let opened = source::open(path)?;
        let bar = Bar::over(&opened, common);
        let tell = |bytes| bar.advance(bytes);
        let options = settings::reading(common, cache.as_ref(), Some(&tell));
        let question = Question {
            stage: args.stage,
            actor: &actor,
            now: &now,
            manifest: args.manifest.as_deref(),
            policy: &policy,
            trust: trust.as_ref(),
            registry: registry.as_ref(),
            deep: args.deep,
            record: !args.dry_run,
        };
        let began = Instant::now();
        let answer = gate(&opened, &options, &question)?;
        bar.finish();
        let elapsed = began.elapsed();
        if let Some(key) = &key {
            attest(key, &opened, &answer, registry.as_ref())?;
        }
        answers.push((answer, elapsed));
    }
    settings::save(cache, common);
    let place = settings::at_home(&place);
    let shown: Vec<render::Answer<'_>> = answers
        .iter()
        .map(|(answer, elapsed)| render::Answer {
            report: &answer.report,
            recorded: answer.record.as_ref().map(|record| render::Recorded {
                number: record.number,
                place: &place,
            }),
            elapsed: Some(*elapsed),
        })
        .collect();
    let look = output::options(common);
    output::write_also(&also, &shown, &look)?;
    let text = render::render(output::format(common), &shown, &look);
    output::answer(common, &text)?;
    Ok(code(&answers))
}

/// The verdict as a statement beside the model.
fn attest(
    key: &SigningKey,
    opened: &source::Opened,
    answer: &Answer,
    registry: Option<&Registry>,
) -> Result<(), Failure> {
    let given = &opened.source.given;
    let (Some(verdict), Some(digest), Some(root)) = (
        statements::verdict(&answer.report),
        &answer.report.artifact.digest,
        &opened.root,
    ) else {
        return usage(format!(
            "{given}: has no digest or no place for a statement, so its verdict cannot be attested"
        ));
    };
    let subject = Resource::named(&answer.report.artifact.name, digest);
    let statement = Statement::about(subject, &verdict)?;
    signing::put(key, &statement, root, registry)?;
    Ok(())
}

/// The gravest decision decides.
fn code(answers: &[(Answer, Duration)]) -> u8 {
    let decisions = || {
        answers
            .iter()
            .filter_map(|(a, _)| a.report.verdict.as_ref())
            .map(|v| v.decision)
    };
    if decisions().any(|decision| decision == Decision::Deny) {
        FOUND
    } else if decisions().any(|decision| decision == Decision::Hold) {
        UNDECIDED
    } else {
        FINE
    }
}
