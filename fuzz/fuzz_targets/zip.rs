//! Bytes behind a local header, so that they are a zip whatever follows; what
//! its members hold is read too.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Limits, read};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        expanded_bytes: 4 << 20,
        ..Limits::default()
    };
    let bytes = if bytes.starts_with(b"PK") {
        bytes.to_vec()
    } else {
        [b"PK\x03\x04", bytes].concat()
    };
    let facts = read("model.pt", &bytes, &limits);
    assert!(facts.coverage.complete == facts.coverage.gaps.is_empty());
});
