//! `modelward identity`: digests of files and tensors.

use modelward_lineage::Fingerprint;
use modelward_schema::{Gap, Graph, TrackedFile};
use serde_json::json;

use super::paint::Paint;
use super::{RenderOptions, escape, words};

/// Rows that are shown without `--verbose`.
const ROWS: usize = 20;

/// What names an artifact.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    pub name: &'a str,
    /// The OMS root digest; absent when a file could not be read.
    pub root: Option<&'a str>,
    pub files: &'a [TrackedFile],
    /// Absent when only files were asked for.
    pub tensors: Option<&'a Fingerprint>,
    pub graphs: &'a [Graph],
    pub gaps: &'a [Gap],
}

pub fn json(shown: &Shown<'_>) -> String {
    let document = json!({
        "schema": "modelward.identity/1",
        "name": shown.name,
        "digest": shown.root,
        "fingerprint": shown.tensors.and_then(|tensors| tensors.fingerprint.as_deref()),
        "graphs": shown.graphs.iter().map(|graph| json!({
            "path": graph.at.path,
            "framework": graph.framework,
            "fingerprint": graph.fingerprint,
        })).collect::<Vec<_>>(),
        "files": shown.files,
        "tensors": shown.tensors.map(|tensors| &tensors.tensors),
        "unread": shown.tensors.map(|tensors| &tensors.unread),
        "gaps": shown.gaps,
    });
    let text = serde_json::to_string_pretty(&document).unwrap_or_else(|_| "{}".to_owned());
    escape::json(&text) + "\n"
}

pub fn text(shown: &Shown<'_>, options: &RenderOptions) -> String {
    let paint = Paint::new(options.colour);
    let most = if options.verbose { usize::MAX } else { ROWS };
    let absent = "not known: not everything could be read";
    let mut out = format!("\n  {}\n", paint.bold(&escape::plain(shown.name)));
    out.push_str(&format!(
        "  digest       {}\n",
        shown.root.unwrap_or(absent)
    ));
    if let Some(tensors) = shown.tensors {
        let print = match &tensors.fingerprint {
            Some(print) => print.as_str(),
            None if tensors.tensors.is_empty() => "none: no tensor was found",
            None => absent,
        };
        out.push_str(&format!("  fingerprint  {print}\n"));
    }
    for graph in shown.graphs.iter().take(most) {
        out.push_str(&format!(
            "  structure    {}  {}\n",
            graph.fingerprint.as_deref().unwrap_or(absent),
            escape::plain(&graph.at.path)
        ));
    }
    out.push('\n');
    for file in shown.files.iter().take(most) {
        let digest = file.digest.as_deref().unwrap_or("unreadable");
        let size = words::bytes(file.size);
        out.push_str(&format!(
            "  {digest}  {size:>9}  {}\n",
            escape::plain(&file.path)
        ));
    }
    more(&mut out, shown.files.len(), most, "files", paint);
    if let Some(tensors) = shown.tensors.filter(|tensors| !tensors.tensors.is_empty()) {
        out.push('\n');
        for tensor in tensors.tensors.iter().take(most) {
            let digest = tensor.data.as_deref().unwrap_or("unreadable");
            out.push_str(&format!(
                "  {digest}  {:>9}  {} {:?}\n",
                tensor.dtype,
                escape::plain(&tensor.name),
                tensor.shape
            ));
        }
        more(&mut out, tensors.tensors.len(), most, "tensors", paint);
        for why in tensors.unread.iter().take(most) {
            out.push_str(&paint.warn(&format!("  not read: {}\n", escape::plain(why))));
        }
    }
    for gap in shown.gaps.iter().take(most) {
        out.push_str(&paint.warn(&format!(
            "  not read: {} {}\n",
            escape::plain(&gap.at.path),
            escape::plain(&gap.message)
        )));
    }
    out
}

fn more(out: &mut String, count: usize, most: usize, what: &str, paint: Paint) {
    if count > most {
        out.push_str(&paint.dim(&format!(
            "  and {} more {what}; --verbose shows all\n",
            count - most
        )));
    }
}
