//! TorchScript code: text that only PyTorch's own compiler reads. It can do
//! nothing but call operators, so only operators that reach outside are facts.
//! See <https://pytorch.org/docs/stable/jit_language_reference.html>.

use modelward_schema::{Action, Code, Location, Via};

use crate::Session;

/// Operators that map, write or read files, or talk to other processes, as the
/// serialized code spells them.
const OUTSIDE: [(&str, &str); 6] = [
    ("torch.from_file(", "aten::from_file"),
    ("ops.aten.from_file(", "aten::from_file"),
    ("torch.save(", "aten::save"),
    ("ops.aten.save(", "aten::save"),
    ("torch.load(", "aten::load"),
    ("ops.aten.load(", "aten::load"),
];

/// Operator libraries that ship with PyTorch and its domain packages.
const KNOWN: [&str; 14] = [
    "aten",
    "prim",
    "prims",
    "quantized",
    "prepacked",
    "torchvision",
    "image",
    "torchaudio",
    "sparse",
    "mkldnn",
    "onednn",
    "profiler",
    "_quantized",
    "torchtext",
];

const MOST: usize = 1000;

pub(super) fn read(session: &mut Session<'_>, path: &str, code: &[u8]) {
    let mut found = Vec::new();
    for (spelled, target) in OUTSIDE {
        for place in memchr::memmem::find_iter(code, spelled).take(MOST) {
            if starts_word(code, place) {
                found.push((place, (*target).to_owned(), spelled.len()));
            }
        }
    }
    for place in memchr::memmem::find_iter(code, "ops.").take(MOST) {
        let rest = code.get(place.saturating_add(4)..).unwrap_or_default();
        let len = rest
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')))
            .unwrap_or(rest.len());
        let name = String::from_utf8_lossy(rest.get(..len).unwrap_or_default());
        let Some((library, operator)) = name.split_once('.') else {
            continue;
        };
        if starts_word(code, place) && rest.get(len) == Some(&b'(') && !KNOWN.contains(&library) {
            found.push((
                place,
                format!("{library}::{operator}"),
                len.saturating_add(4),
            ));
        }
    }
    found.sort();
    for (place, target, len) in found {
        session.code(Code {
            via: Via::Torchscript,
            action: Action::Call,
            target,
            written: None,
            args: Vec::new(),
            kwargs: Vec::new(),
            computed: false,
            reached: true,
            count: 1,
            at: Location::bytes(
                path,
                u64::try_from(place).unwrap_or(u64::MAX),
                u64::try_from(len).unwrap_or(u64::MAX),
            ),
        });
    }
}

/// `torch.save(` is not the end of `mytorch.save(`.
fn starts_word(code: &[u8], place: usize) -> bool {
    place
        .checked_sub(1)
        .and_then(|before| code.get(before))
        .is_none_or(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')))
}
