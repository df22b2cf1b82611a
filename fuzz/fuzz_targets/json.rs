//! Any bytes, as the configuration and as the tokenizer configuration of a model, and as a notebook.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelward_formats::{read, Limits};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    for name in ["config.json", "tokenizer_config.json", "a.ipynb"] {
        let facts = read(name, bytes, &limits);
        assert!(facts.coverage.complete == facts.coverage.gaps.is_empty());
        assert!(facts == read(name, bytes, &limits));
    }
});
