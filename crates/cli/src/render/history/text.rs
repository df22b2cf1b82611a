//! The history as lines: origins above, the artifact below.

use std::collections::BTreeSet;

use super::super::RenderOptions;
use super::super::escape::plain;
use super::super::paint::Paint;
use super::{Edge, History, operation, short};

/// Steps drawn from the artifact back; a history that is deeper says so.
const MAX_DEPTH: usize = 40;

pub fn text(history: &History, options: &RenderOptions) -> String {
    let paint = Paint::new(options.colour);
    let mut drawing = Drawing {
        history,
        paint,
        drawn: BTreeSet::new(),
    };
    let mut out = String::new();
    for line in drawing.block(0, 0) {
        out.push_str(&format!("  {line}\n"));
    }
    out.push('\n');
    out.push_str(&match history.completeness {
        Some(100) if history.missing.is_empty() => {
            format!(
                "  {}  every step is signed and told\n",
                paint.good("complete")
            )
        }
        Some(percent) => format!(
            "  {}  {percent} of 100: steps that are signed and tell how they came to be\n",
            paint.warn("incomplete")
        ),
        None => format!(
            "  {}  nothing says whose word counts; name a trust root by --trust-root FILE\n",
            paint.warn("unjudged")
        ),
    });
    let problems = history.missing.iter().chain(&history.custody.problems);
    for problem in problems {
        out.push_str(&format!(
            "  missing     {}  {}\n",
            plain(&problem.message),
            paint.code(&problem.code)
        ));
        if !problem.fix.is_empty() {
            out.push_str(&format!("              fix  {}\n", plain(&problem.fix)));
        }
    }
    if !history.custody.holders.is_empty() {
        let holders: Vec<String> = history
            .custody
            .holders
            .iter()
            .map(|holder| match &holder.since {
                Some(since) => format!("{} since {}", plain(&holder.who), day(since)),
                None => plain(&holder.who),
            })
            .collect();
        out.push_str(&format!("  custody     {}\n", holders.join(" → ")));
    }
    out
}

struct Drawing<'h> {
    history: &'h History,
    paint: Paint,
    drawn: BTreeSet<usize>,
}

impl Drawing<'_> {
    /// What led to the node, and the node as the last line.
    fn block(&mut self, node: usize, depth: usize) -> Vec<String> {
        let repeated = !self.drawn.insert(node);
        let edges: Vec<Edge> = self.history.steps_into(node).cloned().collect();
        let mut out = Vec::new();
        if repeated && !edges.is_empty() {
            out.push(self.paint.dim("⋮ as above"));
        } else if depth >= MAX_DEPTH && !edges.is_empty() {
            out.push(self.paint.dim("⋮ more steps than are drawn"));
        } else if let [edge] = edges.as_slice() {
            out.extend(self.block(edge.from, depth + 1));
            out.push(format!("│ {}", self.step(edge)));
        } else {
            for edge in &edges {
                let mut lines = self.block(edge.from, depth + 1);
                let last = lines.pop().unwrap_or_default();
                out.extend(lines.into_iter().map(|line| format!("│   {line}")));
                out.push(format!("├── {last}"));
                out.push(format!("│     {}", self.step(edge)));
            }
        }
        out.push(self.node(node));
        out
    }

    fn step(&self, edge: &Edge) -> String {
        let grade = match edge.grade.as_str() {
            "refuted" => self.paint.bad(&edge.grade),
            "claimed" => self.paint.warn(&edge.grade),
            grade => self.paint.good(grade),
        };
        let mut line = format!("{}  {grade}", plain(operation(edge)));
        if edge.recomputed {
            line.push_str("  recomputed now");
        }
        let by = self.history.nodes.get(edge.to).and_then(|node| {
            let by = node.recorded_by.as_deref()?;
            Some(format!("recorded by {}", plain(by)))
        });
        if let Some(by) = by.filter(|_| edge.is_recorded()) {
            line.push_str(&format!("  {by}"));
        } else if !edge.recomputed {
            line.push_str(match edge.role.as_str() {
                "manifest" => "  said by the manifest",
                "named" => "  named by the model's files",
                _ => "",
            });
        }
        if let Some(because) = &edge.because {
            line.push_str(&format!("  {}", plain(because)));
        }
        line
    }

    fn node(&self, index: usize) -> String {
        let Some(node) = self.history.nodes.get(index) else {
            return String::new();
        };
        let mark = if node.here { "◆" } else { "●" };
        let mut line = format!("{mark} {}", self.paint.bold(&plain(&node.name)));
        match &node.digest {
            Some(digest) => line.push_str(&format!("  {}", plain(&short(digest)))),
            None => line.push_str("  by name only"),
        }
        if self.history.steps_into(index).next().is_none()
            && let Some(operation) = &node.operation
        {
            line.push_str(&format!("  {}", plain(operation)));
        }
        if let Some(at) = &node.at {
            line.push_str(&format!("  {}", day(at)));
        }
        if node.signed_by.is_empty() {
            line.push_str(&format!("  {}", self.paint.warn("not signed")));
        } else {
            line.push_str(&format!(
                "  signed by {}",
                plain(&node.signed_by.join(", "))
            ));
        }
        line
    }
}

fn day(time: &str) -> String {
    plain(time.split('T').next().unwrap_or(time))
}
