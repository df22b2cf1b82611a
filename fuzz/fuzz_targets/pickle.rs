//! Any bytes, read as what they are and as a loader's argument would be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Limits, read};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let facts = read("model.pkl", bytes, &limits);
    assert!(facts.coverage.complete == facts.coverage.gaps.is_empty());
});
