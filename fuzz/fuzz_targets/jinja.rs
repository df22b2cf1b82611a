//! Any bytes, as a chat template.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{read, Limits};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    for name in ["chat_template.jinja"] {
        let facts = read(name, bytes, &limits);
        assert!(facts.coverage.complete == facts.coverage.gaps.is_empty());
        assert!(facts == read(name, bytes, &limits));
    }
});
