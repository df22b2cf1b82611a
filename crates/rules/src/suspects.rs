//! What the analysis of graphs found odd, for the rules that report it.

use modelward_schema::{Facts, Severity, Suspect, SuspectKind};

use crate::Findings;

/// Reports the suspects of the given kinds as they were graded; what an input
/// was found for that fires it is critical.
pub(crate) fn report(kinds: &[SuspectKind], facts: &Facts, out: &mut Findings) {
    let analyses = facts
        .graphs
        .iter()
        .filter_map(|graph| graph.analysis.as_ref());
    for suspect in analyses.flat_map(|analysis| &analysis.suspects) {
        if !kinds.contains(&suspect.kind) || suspect.severity == Severity::Info {
            continue;
        }
        let severity = match suspect.proof {
            Some(_) => Severity::Critical,
            None => suspect.severity,
        };
        out.graded(severity, suspect.confidence, &suspect.at, tell(suspect));
    }
}

fn tell(suspect: &Suspect) -> String {
    let mut text = suspect.message.clone();
    if !suspect.reasons.is_empty() {
        text.push_str(": ");
        text.push_str(&suspect.reasons.join(", "));
    }
    if suspect.proof.is_some() {
        text.push_str("; an input that fires it was found");
    }
    text
}
