//! `modelward replay`: the same document, judged again.

use modelward_cli::render::Format;
use modelward_engine::{policies, replay};

use crate::args::{Common, Replay};
use crate::failure::{FINE, FOUND, Failure, usage};
use crate::output;
use crate::settings;

pub(crate) fn run(args: &Replay, common: &Common) -> Result<u8, Failure> {
    let registry = settings::existing_registry(common)?;
    let policy = policies::load(common.policy.as_deref())?;
    let Some(replay) = replay::replay(&registry, args.decision, &policy)? else {
        return usage(format!(
            "there is no decision {}; modelward log lists what there is",
            args.decision
        ));
    };
    let same = replay.same();
    if output::format(common) == Format::Json {
        let document = serde_json::json!({
            "decision": replay.record, "same": same,
            "before": replay.before, "again": replay.again,
        });
        output::answer(common, &format!("{document:#}\n"))?;
    } else {
        output::answer(common, &text(&replay))?;
    }
    Ok(if same { FINE } else { FOUND })
}

fn text(replay: &replay::Replay) -> String {
    let (before, again) = (&replay.before, &replay.again);
    let mut out = format!(
        "decision {}  {}{}  {}  judged as of {}\n",
        replay.record.number,
        replay.record.name,
        replay
            .record
            .version
            .as_deref()
            .map(|v| format!("@{v}"))
            .unwrap_or_default(),
        replay.record.artifact,
        before.now,
    );
    if replay.same() {
        out.push_str(&format!(
            "the verdict is the same: {}\n",
            again.decision.as_str()
        ));
        return out;
    }
    if replay.other_policy() {
        out.push_str("the policy is another one than then\n");
    }
    out.push_str(&format!(
        "{} then, {} now\n",
        before.decision.as_str(),
        again.decision.as_str()
    ));
    for reason in before
        .reasons
        .iter()
        .filter(|reason| !again.reasons.contains(reason))
    {
        out.push_str(&format!("  gone  {}  {}\n", reason.code, reason.message));
    }
    for reason in again
        .reasons
        .iter()
        .filter(|reason| !before.reasons.contains(reason))
    {
        out.push_str(&format!("  new   {}  {}\n", reason.code, reason.message));
    }
    out
}
