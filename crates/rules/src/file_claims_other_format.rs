#![doc = include_str!("file_claims_other_format.md")]

use modelward_schema::{Confidence, Facts, FileFact, Location, Severity};

use crate::{Findings, Rule};

pub(crate) static RULE: Rule = Rule {
    id: "file-claims-other-format",
    title: "a file is not what its name says",
    severity: Severity::Medium,
    frameworks: &["CWE-646", "AML.T0076", "LLM03:2025", "DE.CM-09"],
    fix: "give it the name of what it is, or get the file that the name promises",
    page: include_str!("file_claims_other_format.md"),
    check,
};

/// Extensions that promise a format, and the formats that keep the promise.
/// `.bin`, `.ckpt`, `.model` and the like promise nothing.
static PROMISES: &[(&[&str], &[&str])] = &[
    (&["safetensors"], &["safetensors"]),
    (&["onnx"], &["onnx", "onnx-tensor", "protobuf"]),
    (&["gguf"], &["gguf"]),
    (&["ggml"], &["ggml", "ggmf", "ggjt", "gguf"]),
    (&["h5", "hdf5"], &["hdf5"]),
    (&["keras"], &["keras", "hdf5"]),
    (&["tflite"], &["tflite"]),
    (&["pte"], &["executorch"]),
    (&["npy"], &["npy"]),
    (&["npz"], &["npz", "zip"]),
    (&["json"], &["json", "text", "jinja"]),
    (
        &["txt", "md", "rst", "csv", "tsv", "log", "yaml", "yml", "toml", "ini", "cfg", "jinja", "j2"],
        &["text", "json", "yaml", "jinja", "python", "xml", "lightgbm", "script"],
    ),
    (&["py"], &["python", "text", "script"]),
    (&["xml", "pmml"], &["xml", "text"]),
    (&["jpg", "jpeg"], IMAGES),
    (&["png", "gif", "webp"], IMAGES),
    (&["pdf"], &["pdf"]),
    (&["gz", "tgz", "z"], &["gzip", "zlib", "bzip2", "xz", "lzma", "lz4"]),
    (&["pt", "pth", "ckpt"], TORCH),
];

static IMAGES: &[&str] = &["jpeg", "png", "gif", "webp", "tiff"];
static TORCH: &[&str] = &[
    "pickle", "pytorch-zip", "pytorch-tar", "torchscript", "pt2", "zip", "tar", "safetensors",
    "gzip", "hdf5", "keras", "text", "npy", "npz", "mobile-torch", "executorch", "script",
];

/// Formats whose loaders run what they hold, or may.
static RISKY: &[&str] = &[
    "pickle", "pytorch-zip", "pytorch-tar", "torchscript", "npy", "npz", "zip", "tar", "sevenzip",
    "rar", "gzip", "zlib", "bzip2", "xz", "lzma", "zstd", "lz4", "python", "yaml",
];

fn check(facts: &Facts, out: &mut Findings) {
    for file in &facts.files {
        if let Some(severity) = judge(file) {
            let claimed = file.claimed.as_deref().unwrap_or_default();
            out.graded(
                severity,
                Confidence::High,
                &Location::file(&file.path),
                format!("its name ends in .{claimed} and its content is {}", file.format),
            );
        }
    }
}

fn judge(file: &FileFact) -> Option<Severity> {
    let claimed = file.claimed.as_deref()?;
    let (_, kept) = PROMISES.iter().find(|(names, _)| names.contains(&claimed))?;
    let is_kept = kept.contains(&file.format.as_str())
        || file.also.iter().any(|also| kept.contains(&also.as_str()))
        || matches!(file.format.as_str(), "unknown" | "empty");
    let is_risky = RISKY.contains(&file.format.as_str());
    match (is_kept, is_risky) {
        (true, _) => None,
        (false, true) => Some(Severity::Medium),
        (false, false) => Some(Severity::Low),
    }
}
