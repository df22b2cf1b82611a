//! What came of signing and of verifying.

use std::path::Path;
use std::time::Duration;

use modelward_engine::signing::TensorChanges;
use modelward_trust::Refusal;
use modelward_trust::oms::{Checked, Method, Signed as Opened};
use serde_json::{Value, json};

use super::paint::Paint;
use super::{RenderOptions, escape, words};

/// More names than this are counted.
const SHOWN: usize = 20;

/// A signature that was made.
#[derive(Debug)]
pub struct Signed<'a> {
    pub model: &'a Path,
    pub signature: &'a Path,
    /// Where the digests of the tensors are.
    pub claims: Option<&'a Path>,
    pub tensors: usize,
    /// `sha256:…`
    pub root: String,
    pub files: usize,
    pub bytes: u64,
    pub cached: usize,
    pub elapsed: Duration,
}

pub fn signed_text(signed: &Signed<'_>, options: &RenderOptions) -> String {
    let paint = Paint::new(options.colour);
    let mut out = format!(
        "\n  {}  {}  {}\n\n",
        paint.good("SIGNED"),
        paint.bold(&shown(signed.model)),
        paint.dim(&signed.root)
    );
    out.push_str(&format!("  signature  {}\n", shown(signed.signature)));
    if let Some(claims) = signed.claims {
        out.push_str(&format!(
            "  tensors    {} in {}\n",
            signed.tensors,
            shown(claims)
        ));
    }
    out.push_str(&format!(
        "  {}\n",
        paint.dim(&measured(
            signed.files,
            signed.bytes,
            signed.cached,
            signed.elapsed
        ))
    ));
    out
}

pub fn signed_json(signed: &Signed<'_>) -> String {
    document(&json!({
        "signed": true,
        "model": shown(signed.model),
        "signature": shown(signed.signature),
        "claims": signed.claims.map(shown),
        "root": signed.root,
        "files": signed.files,
        "bytes": signed.bytes,
        "cached": signed.cached,
        "tensors": signed.tensors,
    }))
}

/// A signature that is good, and the model held against it.
#[derive(Debug)]
pub struct Verified<'a> {
    pub model: &'a Path,
    pub signature: &'a Path,
    pub signed: &'a Opened,
    pub checked: &'a Checked,
    pub tensors: Option<&'a TensorChanges>,
    pub elapsed: Duration,
}

pub fn verified_text(verified: &Verified<'_>, options: &RenderOptions) -> String {
    let paint = Paint::new(options.colour);
    let checked = verified.checked;
    let word = if checked.is_verified() {
        paint.good("VERIFIED")
    } else {
        paint.bad("REFUSED")
    };
    let mut out = format!(
        "\n  {word}  {}  {}\n\n",
        paint.bold(&shown(verified.model)),
        paint.dim(&verified.signed.manifest.identity())
    );
    if !checked.is_verified() {
        differences(checked, paint, &mut out);
        out.push_str(&format!("\n  {}\n", summary(verified)));
    }
    let signed = verified.signed;
    out.push_str(&format!(
        "  signed     {} {}, {}\n",
        signed.bundle.material.method(),
        escape::plain(&signed.signer),
        signed.dialect
    ));
    for note in signed.notes.iter().chain(&checked.remarks) {
        out.push_str(&format!("  note       {}\n", escape::plain(note)));
    }
    if !checked.unsigned.is_empty() {
        list(
            "unsigned",
            &checked.unsigned,
            &|text| paint.dim(text),
            &mut out,
        );
    }
    for file in &checked.disagreeing {
        out.push_str(&format!(
            "  {}      {} is not what the digest cache had, though its times are the same\n",
            paint.warn("cache"),
            escape::plain(file)
        ));
    }
    out.push_str(&format!(
        "  {}\n",
        paint.dim(&measured(
            checked.files,
            checked.bytes,
            checked.cached,
            verified.elapsed
        ))
    ));
    out
}

fn differences(checked: &Checked, paint: Paint, out: &mut String) {
    let differences = &checked.differences;
    let bad = |text: &str| paint.bad(text);
    list("changed", &differences.changed, &bad, out);
    list("missing", &differences.missing, &bad, out);
    list("extra", &differences.extra, &bad, out);
    let renamed: Vec<String> = differences
        .renamed
        .iter()
        .map(|renamed| format!("{} is now {}", renamed.from, renamed.to))
        .collect();
    list("renamed", &renamed, &bad, out);
}

fn list(word: &str, names: &[String], style: &dyn Fn(&str) -> String, out: &mut String) {
    for name in names.iter().take(SHOWN) {
        out.push_str(&format!(
            "  {}{}\n",
            style(&format!("{word:<9}")) + "  ",
            escape::plain(name)
        ));
    }
    if let Some(more) = names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        out.push_str(&format!("             and {more} more\n"));
    }
}

/// `README.md only; 0 of 291 tensors differ`.
fn summary(verified: &Verified<'_>) -> String {
    let differences = &verified.checked.differences;
    let count = differences.changed.len()
        + differences.missing.len()
        + differences.extra.len()
        + differences.renamed.len();
    let what = match (differences.changed.as_slice(), count) {
        ([only], 1) => format!("{} only", escape::plain(only)),
        _ => format!("{} differ", words::count(count, "file")),
    };
    match verified.tensors {
        None => what,
        Some(tensors) => {
            let mut text = format!(
                "{what}; {} of {} differ",
                tensors.differing(),
                words::count(tensors.total, "tensor")
            );
            let named: Vec<String> = tensors
                .changed
                .iter()
                .chain(&tensors.missing)
                .take(SHOWN)
                .map(|name| escape::plain(name))
                .collect();
            if !named.is_empty() {
                text.push_str(&format!(": {}", named.join(", ")));
            }
            if tensors.differing() > SHOWN {
                text.push_str(", …");
            }
            if !tensors.extra.is_empty() {
                text.push_str(&format!(
                    "; {} new",
                    words::count(tensors.extra.len(), "tensor")
                ));
            }
            text
        }
    }
}

pub fn verified_json(verified: &Verified<'_>) -> String {
    let (signed, checked) = (verified.signed, verified.checked);
    let differences = &checked.differences;
    let renamed: Vec<Value> = differences
        .renamed
        .iter()
        .map(|renamed| json!({"from": renamed.from, "to": renamed.to}))
        .collect();
    let policy = &signed.manifest.serialization;
    document(&json!({
        "verified": checked.is_verified(),
        "reason": (!checked.is_verified()).then_some("files-differ"),
        "message": (!checked.is_verified()).then(|| summary(verified)),
        "model": shown(verified.model),
        "signature": shown(verified.signature),
        "root": signed.manifest.identity(),
        "method": signed.bundle.material.method(),
        "signer": signed.signer,
        "dialect": signed.dialect.as_str(),
        "notes": signed.notes,
        "remarks": checked.remarks,
        "serialization": {
            "method": match policy.method { Method::Files => "files", Method::Shards(_) => "shards" },
            "hash": policy.algorithm.as_str(),
            "allow_symlinks": policy.allow_symlinks,
            "ignore_paths": policy.ignore_paths,
        },
        "files": checked.files,
        "bytes": checked.bytes,
        "cached": checked.cached,
        "changed": differences.changed,
        "missing": differences.missing,
        "extra": differences.extra,
        "renamed": renamed,
        "unsigned": checked.unsigned,
        "cache_disagrees": checked.disagreeing,
        "tensors": verified.tensors.map(|tensors| json!({
            "total": tensors.total,
            "differing": tensors.differing(),
            "changed": tensors.changed,
            "missing": tensors.missing,
            "extra": tensors.extra,
        })),
    }))
}

pub fn refused_text(
    word: &str,
    model: &Path,
    refusal: &Refusal,
    options: &RenderOptions,
) -> String {
    let paint = Paint::new(options.colour);
    format!(
        "\n  {}  {}  {}\n\n  {}\n",
        paint.bad(word),
        paint.bold(&shown(model)),
        paint.code(refusal.reason),
        escape::plain(&refusal.message)
    )
}

pub fn refused_json(model: &Path, refusal: &Refusal) -> String {
    document(&json!({
        "verified": false,
        "reason": refusal.reason,
        "message": refusal.message,
        "model": shown(model),
    }))
}

fn document(value: &Value) -> String {
    escape::json(&format!("{value:#}\n"))
}

fn shown(path: &Path) -> String {
    escape::plain(&path.to_string_lossy())
}

fn measured(files: usize, bytes: u64, cached: usize, elapsed: Duration) -> String {
    let known = if cached == 0 {
        String::new()
    } else {
        format!(", {cached} of them unchanged since they were last read")
    };
    format!(
        "read {}, {}, in {}.{} s{known}",
        words::count(files, "file"),
        words::bytes(bytes),
        elapsed.as_secs(),
        elapsed.subsec_millis() / 100
    )
}
