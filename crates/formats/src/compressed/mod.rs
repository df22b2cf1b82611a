//! What every single-stream compression has in common: one child, whose name
//! is the file's without its last extension.
