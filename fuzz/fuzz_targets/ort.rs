//! Any bytes, read as what they are and as an ORT model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Limits, read};

fuzz_target!(|bytes: &[u8]| {
    let facts = read("model.ort", bytes, &Limits::default());
    assert_eq!(facts.coverage.complete, facts.coverage.gaps.is_empty());
    assert!(facts.files.iter().all(|file| !file.format.is_empty()));
});
