//! The replayed quantizer against bytes of the real one: the vectors beside the
//! checkout (both kinds of build), and what `benches/lineage/oracle.py` wrote to
//! the folder named by `MODELWARD_GGML_ORACLE`.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::path::{Path, PathBuf};

use modelward_lineage::gguf::{
    arith::{Fused, Plain},
    block::Kind,
    quantizer::quantize_row,
};

fn floats(path: &Path) -> Vec<f32> {
    std::fs::read(path)
        .unwrap()
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect()
}

/// Blocks that differ, plain and fused.
fn differing(kind: Kind, x: &[f32], importance: Option<&[f32]>, want: &[u8]) -> (usize, usize) {
    let n = 1024;
    let row = n / kind.elements() * kind.bytes();
    let mut counts = (0, 0);
    for (x, want) in x.chunks_exact(n).zip(want.chunks_exact(row)) {
        let mut got = vec![0; row];
        assert!(quantize_row::<Plain>(kind, x, importance, &mut got));
        let differ = |got: &[u8]| {
            got.chunks_exact(kind.bytes())
                .zip(want.chunks_exact(kind.bytes()))
                .filter(|(a, b)| a != b)
                .count()
        };
        counts.0 += differ(&got);
        assert!(quantize_row::<Fused>(kind, x, importance, &mut got));
        counts.1 += differ(&got);
    }
    counts
}

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("MODELWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = root.join("vectors/gguf-quant");
    folder.is_dir().then_some(folder)
}

#[test]
fn every_quantized_byte_of_the_vectors_is_replayed() {
    let Some(folder) = shared() else {
        eprintln!("skipped: no vectors beside the checkout");
        return;
    };
    let x = floats(&folder.join("input.f32le.bin"));
    let w = floats(&folder.join("imatrix.f32le.bin"));
    let mut wrong = Vec::new();
    for name in [
        "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_K", "q3_K", "q4_K", "q5_K", "q6_K",
    ] {
        let kind = Kind::from_name(&name.to_lowercase()).unwrap();
        for weighted in [false, true] {
            for build in ["avx-nofma", "avx2fma"] {
                let file = format!("{name}{}.{build}.bin", if weighted { "_imat" } else { "" });
                let Ok(want) = std::fs::read(folder.join(&file)) else {
                    continue;
                };
                let (plain, fused) = differing(kind, &x, weighted.then_some(&w[..]), &want);
                eprintln!("{file}: plain {plain} fused {fused}");
                // Compilers fuse by their own rules: a few blocks of those
                // builds are explained by neither way.
                if (if build == "avx2fma" {
                    fused.saturating_sub(3)
                } else {
                    plain
                }) != 0
                {
                    wrong.push(file);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_quantized_byte_of_the_oracle_is_replayed() {
    let Some(folder) = std::env::var_os("MODELWARD_GGML_ORACLE").map(PathBuf::from) else {
        eprintln!("skipped: MODELWARD_GGML_ORACLE names no folder");
        return;
    };
    let x = floats(&folder.join("input.bin"));
    let w = floats(&folder.join("imatrix.bin"));
    let mut wrong = Vec::new();
    for kind in Kind::all() {
        for weighted in [false, true] {
            let name = format!("{}{}", kind.name(), if weighted { "_imat" } else { "" });
            let Ok(want) = std::fs::read(folder.join(format!("{name}.bin"))) else {
                continue;
            };
            if modelward_lineage::gguf::quantizer::replays(kind) {
                let (plain, fused) = differing(kind, &x, weighted.then_some(&w[..]), &want);
                eprintln!("{name}: plain {plain} fused {fused}");
                if plain != 0 {
                    wrong.push(name.clone());
                }
            }
            let values = floats(&folder.join(format!("{name}.f32")));
            let mut row = vec![0.0; kind.elements()];
            for (i, b) in want.chunks_exact(kind.bytes()).enumerate() {
                if !modelward_lineage::gguf::decode::decode_block(kind, b, &mut row) {
                    wrong.push(format!("{name} is not decoded"));
                    break;
                }
                if row
                    .iter()
                    .zip(&values[i * row.len()..])
                    .any(|(a, b)| a.to_bits() != b.to_bits() && !(*a == 0.0 && *b == 0.0))
                {
                    wrong.push(format!("{name} block {i}: {row:?}"));
                    break;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
