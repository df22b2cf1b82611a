//! Which samples count: those in formats that have a reader.

use super::csv::Row;

/// Formats without a reader of their own yet. Their files are measured too and
/// listed apart.
const OUTSIDE: &[&str] = &[
    "bst",
    "elf",
    "engine",
    "h5",
    "hdf5",
    "keras",
    "keras_metadata",
    "lightgbm",
    "mlmodel",
    "msgpack",
    "openvino",
    "pdmodel",
    "pmml",
    "pte",
    "sh",
    "ubj",
    "xml",
];

/// Techniques of such formats whose files carry another format's name.
const OUTSIDE_TECHNIQUES: &[&str] = &[
    "benign:executorch",
    "benign:ggml",
    "exe:renamed",
    "keras:",
    "mxnet:",
    "skops:loader-confusion",
    "tf:keras-lambda",
    "tf:keras-metadata",
];

/// Techniques that are in scope whatever the file is called.
const INSIDE_TECHNIQUES: &[&str] = &["container:"];

pub(crate) fn counts(row: &Row) -> bool {
    let starts = |list: &[&str]| list.iter().any(|start| row.technique.starts_with(start));
    starts(INSIDE_TECHNIQUES)
        || !(OUTSIDE.contains(&row.format.as_str()) || starts(OUTSIDE_TECHNIQUES))
}
