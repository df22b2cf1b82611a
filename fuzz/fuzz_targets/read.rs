//! Any bytes, read as whatever they are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Limits, read};

fuzz_target!(|bytes: &[u8]| {
    let facts = read("model.bin", bytes, &Limits::default());
    assert!(facts.coverage.complete == facts.coverage.gaps.is_empty());
});
