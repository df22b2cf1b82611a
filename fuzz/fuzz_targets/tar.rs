//! Blocks whose first has a fitting checksum, so that they are a tar.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{Limits, read};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    // Every block that could be a header gets its checksum.
    for block in bytes.chunks_exact_mut(512) {
        if block[0] == 0 {
            continue;
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
    let facts = read("model.tar", &bytes, &Limits::default());
    assert!(facts.coverage.complete == facts.coverage.gaps.is_empty());
});
