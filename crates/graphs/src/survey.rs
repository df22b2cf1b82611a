//! The full graphs of some facts, judged.

use modelward_schema::{Facts, Gap, Graph, Location, Why};

use crate::{Flat, analyse};

/// Analyses every graph of the facts and leaves what was found at its summary,
/// with what is malformed as anomalies and what was cut as a gap.
pub fn survey(facts: &mut Facts) {
    let wirings = std::mem::take(&mut facts.wirings);
    for wiring in &wirings {
        let flat = Flat::build(wiring);
        let analysis = analyse(&flat);
        let fingerprint = crate::fingerprint(&flat);
        facts.anomalies.extend(flat.anomalies.iter().cloned());
        if flat.cut {
            facts.coverage.gaps.push(Gap {
                why: Why::Limit,
                message: "a part of the graph was not analysed".to_owned(),
                at: Location::file(wiring.at.path.clone()),
            });
            facts.coverage.complete = false;
        }
        let summary = facts.graphs.iter_mut().find(|graph| {
            graph.analysis.is_none()
                && graph.framework == wiring.framework
                && graph.at.path == wiring.at.path
        });
        match summary {
            Some(graph) => {
                graph.analysis = Some(Box::new(analysis));
                graph.fingerprint = fingerprint;
            }
            None => facts.graphs.push(Graph {
                framework: wiring.framework.clone(),
                nodes: u64::try_from(wiring.nodes.len()).unwrap_or(u64::MAX),
                at: wiring.at.clone(),
                analysis: Some(Box::new(analysis)),
                fingerprint,
                ..Graph::default()
            }),
        }
    }
    facts.wirings = wirings;
}
