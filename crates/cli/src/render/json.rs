//! The report itself. One answer is one indented document; several are JSON
//! Lines, a document per line, so that a reader need not hold them all.
//! Members stand in the order of the schema, which never depends on a run.

use super::{Answer, escape};

pub(super) fn render(answers: &[Answer<'_>]) -> String {
    let mut out = String::new();
    for answer in answers {
        let text = if answers.len() == 1 {
            serde_json::to_string_pretty(answer.report)
        } else {
            serde_json::to_string(answer.report)
        };
        // The report is plain data with text keys; this cannot fail, and if it
        // did, an object is still what a reader expects.
        out.push_str(&escape::json(&text.unwrap_or_else(|_| "{}".to_owned())));
        out.push('\n');
    }
    out
}
