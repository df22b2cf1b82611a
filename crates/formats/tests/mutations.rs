//! Seeded mutations of every format: no panic, the same answer twice, within
//! the budget. Seeds are made here; labelled files are added when they lie
//! beside the checkout (`$MODELWARD_SHARED`, else `../shared`).
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod build;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use build::{deflate, gzip, npy, safetensors, store, tar, zip, zlib};
use modelward_formats::{Limits, read};

/// How long each of the two tests may mutate.
const TIME: Duration = Duration::from_secs(8);
/// What one small mutant may take, in a debug build on a busy machine.
const SLOW: Duration = Duration::from_secs(5);
/// Larger files say nothing new and cost time.
const LARGE: usize = 64 << 10;

/// xorshift64*: small, and the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Values at which lengths, counts and offsets break.
const EDGES: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0x1_0000_0000,
    u64::MAX >> 1,
    u64::MAX,
];

fn mutate(bytes: &mut Vec<u8>, others: &[Vec<u8>], chance: &mut Chance) {
    for _ in 0..=chance.below(4) {
        if bytes.is_empty() {
            return;
        }
        let place = chance.below(bytes.len());
        match chance.below(8) {
            0 => bytes[place] ^= 1 << chance.below(8),
            1 => bytes[place] = u8::try_from(chance.next() & 0xff).unwrap(),
            2 => bytes.truncate(place),
            3 => {
                let value = EDGES[chance.below(EDGES.len())];
                let width = [1, 2, 4, 8][chance.below(4)];
                let end = (place + width).min(bytes.len());
                let written = if chance.below(4) == 0 {
                    value.to_be_bytes().to_vec()
                } else {
                    value.to_le_bytes().to_vec()
                };
                bytes[place..end].copy_from_slice(&written[..end - place]);
            }
            4 => {
                let end = (place + 1 + chance.below(32)).min(bytes.len());
                bytes.drain(place..end);
            }
            5 => {
                let end = (place + 1 + chance.below(64)).min(bytes.len());
                let piece = bytes[place..end].to_vec();
                let at = chance.below(bytes.len());
                bytes.splice(at..at, piece);
            }
            6 => {
                let other = &others[chance.below(others.len())];
                let from = chance.below(other.len());
                let end = (from + 1 + chance.below(256)).min(other.len());
                bytes.splice(place..place, other[from..end].iter().copied());
            }
            _ => {
                let byte = bytes[place];
                let run = chance.below(64);
                bytes.splice(place..place, std::iter::repeat_n(byte, run));
            }
        }
    }
}

fn check(name: &str, bytes: &[u8], limits: &Limits) {
    let begun = Instant::now();
    let first = read(name, bytes, limits);
    let took = begun.elapsed();
    assert!(took < SLOW, "{name} took {took:?}: {}", keep(name, bytes));
    assert_eq!(first.coverage.complete, first.coverage.gaps.is_empty());
    for list in [
        first.files.len(),
        first.code.len(),
        first.tensors.len(),
        first.anomalies.len(),
        first.coverage.gaps.len(),
    ] {
        assert!(list <= limits.facts, "{name}: {}", keep(name, bytes));
    }
    let second = read(name, bytes, limits);
    assert!(first == second, "{name}: {}", keep(name, bytes));
}

/// Writes what failed where it can be looked at.
fn keep(name: &str, bytes: &[u8]) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    let path = std::env::temp_dir().join(format!("mutant-{name}"));
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// Mutates in turn until the time is up; returns how many mutants there were.
fn run(seeds: &[(String, Vec<u8>)], start: u64) -> u64 {
    let limits = Limits {
        expanded_bytes: 4 << 20,
        live_bytes: 16 << 20,
        facts: 5_000,
        members: 5_000,
        ..Limits::default()
    };
    let others: Vec<Vec<u8>> = seeds.iter().map(|(_, bytes)| bytes.clone()).collect();
    let mut chance = Chance(start);
    let begun = Instant::now();
    let mut done = 0;
    for (name, bytes) in seeds {
        check(name, bytes, &limits);
    }
    while begun.elapsed() < TIME {
        let (name, bytes) = &seeds[chance.below(seeds.len())];
        let mut mutant = bytes.clone();
        mutate(&mut mutant, &others, &mut chance);
        let outcome = std::panic::catch_unwind(|| check(name, &mutant, &limits));
        if let Err(panic) = outcome {
            eprintln!("the mutant lies at {}", keep(name, &mutant));
            std::panic::resume_unwind(panic);
        }
        done += 1;
    }
    done
}

const PICKLE: &[u8] = b"\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R}\x94(K\x01\x88u.";
const ARRAY: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n";
const OBJECTS: &str =
    "{'descr': [('a', '|O'), ('b', '<i2', (2,))], 'fortran_order': False, 'shape': (1,)}";

fn own() -> Vec<(String, Vec<u8>)> {
    let torch = zip(&[
        store("m/data.pkl", PICKLE),
        store("m/data/0", &[1; 40]),
        deflate(
            "m/code/a.py",
            b"def f(self):\n  return torch.save(self, 'x')\n",
        ),
        store("m/version", b"3\n"),
    ]);
    let tensors = safetensors(
        r#"{"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
        &[0; 8],
    );
    let mut gguf = b"GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec();
    gguf.extend(b"\x01\0\0\0\0\0\0\0a\x08\0\0\0\x02\0\0\0\0\0\0\0hi");
    gguf.extend(b"\x01\0\0\0\0\0\0\0w\x01\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    gguf.resize(gguf.len().next_multiple_of(32) + 16, 0);
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;".to_vec();
    let xml = b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"f\">]><a>&x;</a>".to_vec();
    let json = br#"{"auto_map":{"AutoModel":"m.M"},"a":[1,2.5,null,"\u00e9"],"chat_template":"{% for m in messages %}{{ m.content }}{% endfor %}"}"#;
    let yaml = b"a: !!python/object/apply:os.system [id]\nb: &x {c: [1, 2]}\nd: *x\n".to_vec();
    let python =
        b"import os\nclass A:\n    def f(self):\n        return os.system('id')\n".to_vec();
    let onnx =
        b"\x08\x07:\x16\n\x10\n\x01x\x12\x01y\"\x04Relu:\x02ai\x12\x01gB\x04\n\0\x10\x11".to_vec();
    let graph = b"\x0a\x10\x0a\x01x\x12\x0bPlaceholder\
        \x0a\x22\x0a\x01w\x12\x05Const*\x16\x0a\x05value\x12\x0d\x42\x0b\x08\x01\x12\x02\x12\x00\x2a\x03\0\0\0\
        \x0a\x11\x0a\x01y\x12\x06MatMul\x1a\x01x\x1a\x01w\x0a\x13\x0a\x01e\x12\x08ReadFile\x1a\x01x\x1a\x01y"
        .to_vec();
    let saved = [
        &b"\x08\x01\x12\x70\x0a\x07\x22\x05serve\x12\x65"[..],
        &graph,
    ]
    .concat();
    [
        (
            "m.tflite",
            include_bytes!("../src/tflite/small.tflite").to_vec(),
        ),
        ("graph.pb", graph),
        ("saved_model.pb", saved),
        ("torch.pt", torch.clone()),
        ("m.pkl", PICKLE.to_vec()),
        ("old.pkl", b"cposix\nsystem\n(S'id'\ntR.".to_vec()),
        ("m.tar", tar(&[("a.pkl", PICKLE), ("b.pt", &torch)])),
        ("m.tar.gz", gzip(&tar(&[("a.pkl", PICKLE)]))),
        ("m.joblib", zlib(PICKLE)),
        ("m.npy", npy(ARRAY, &[0; 16])),
        ("o.npy", npy(OBJECTS, PICKLE)),
        ("m.npz", zip(&[deflate("a.npy", &npy(ARRAY, &[0; 16]))])),
        (
            "nested.zip",
            zip(&[store("a.zip", &torch), deflate("b.gz", &gzip(&torch))]),
        ),
        ("m.safetensors", tensors),
        ("m.gguf", gguf),
        ("m.onnx", onnx),
        ("m.gif", gif),
        ("m.xml", xml),
        ("config.json", json.to_vec()),
        ("m.yaml", yaml),
        ("m.py", python),
        (
            "t.jinja",
            b"{{ ''.__class__.__mro__[1].__subclasses__() }}".to_vec(),
        ),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .collect()
}

#[test]
fn mutants_of_small_files_are_answered() {
    let done = run(&own(), 0x5eed_0001);
    assert!(done > 100, "only {done} mutants in {TIME:?}");
}

#[test]
fn mutants_of_labelled_files_are_answered() {
    let Some(folder) = labelled() else {
        println!("skipped: no labelled files beside the checkout");
        return;
    };
    let mut paths = Vec::new();
    list(&folder, &mut paths);
    paths.sort();
    let seeds: Vec<_> = paths
        .iter()
        .filter_map(|path| {
            let bytes = std::fs::read(path).ok()?;
            let name = path.strip_prefix(&folder).ok()?.to_str()?.to_owned();
            (!bytes.is_empty() && bytes.len() <= LARGE).then_some((name, bytes))
        })
        .collect();
    assert!(!seeds.is_empty());
    run(&seeds, 0x5eed_0002);
}

fn labelled() -> Option<PathBuf> {
    let shared = std::env::var_os("MODELWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = shared.join("corpus/files");
    folder.is_dir().then_some(folder)
}

fn list(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, out);
        } else {
            out.push(path);
        }
    }
}
