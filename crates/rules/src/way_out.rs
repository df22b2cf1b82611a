//! How a path that a file names leaves the model's folder.

/// Percent signs are decoded this often: readers stack, each decoding once.
const MAX_DECODINGS: usize = 3;

/// The first way out that some reader would take; none for an honest relative
/// path. `path` is escaped text, as facts carry it.
pub(crate) fn find(path: &str) -> Option<&'static str> {
    if let Some(way) = plain(path) {
        return Some(way);
    }
    let mut decoded = path.to_owned();
    for _ in 0..MAX_DECODINGS {
        let next = decode(&decoded);
        if next == decoded {
            break;
        }
        if plain(&next).is_some() {
            return Some("leaves the folder once percent signs are decoded");
        }
        decoded = next;
    }
    let folded: String = path.chars().map(fold).collect();
    if folded != path && plain(&folded).is_some() {
        return Some("leaves the folder once its look-alike characters are normalised");
    }
    None
}

fn plain(path: &str) -> Option<&'static str> {
    let trimmed = path.trim();
    if trimmed.contains("_ORT_MEM_ADDR_") {
        return Some("is an address in the memory of the process");
    }
    if trimmed.contains("\\u{0}") || trimmed.contains('\0') {
        return Some("has a NUL in it, where some readers stop");
    }
    if has_scheme(trimmed) {
        return Some("is an address, not a file");
    }
    let path = trimmed.replace('\\', "/");
    if path.starts_with("//") {
        return Some("is on another machine");
    }
    let drive = path.as_bytes();
    if drive.get(1) == Some(&b':') && drive.first().is_some_and(u8::is_ascii_alphabetic) {
        return Some("is on a drive of its own");
    }
    if path.starts_with('/') {
        return Some("is absolute");
    }
    if path.starts_with('~') {
        return Some("is in somebody's home");
    }
    // `#` and `?` end a name for readers that take it for a URL.
    let climbs = path.split(['/', '#', '?']).any(|part| {
        let part = part.trim();
        part == ".." || (part.starts_with("..") && part.chars().all(|c| matches!(c, '.' | ' ')))
    });
    climbs.then_some("climbs out of the folder with `..`")
}

fn has_scheme(path: &str) -> bool {
    let scheme = path.split_once(':').filter(|(scheme, _)| {
        scheme.len() > 1
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    });
    match scheme {
        Some((name, rest)) => {
            rest.starts_with("//") || matches!(name.to_ascii_lowercase().as_str(), "file" | "data")
        }
        None => false,
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let coded = (*byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(coded.unwrap_or(*byte));
        at += if coded.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Full-width and other forms that Unicode normalisation makes dots and
/// slashes of.
fn fold(character: char) -> char {
    match character {
        '\u{ff0e}' | '\u{2024}' | '\u{fe52}' => '.',
        '\u{ff0f}' | '\u{2044}' | '\u{2215}' | '\u{29f8}' => '/',
        '\u{ff3c}' | '\u{fe68}' | '\u{29f5}' => '\\',
        other => other,
    }
}

/// The place in the artifact of what a file at `from` names by `path`.
pub(crate) fn resolve(from: &str, path: &str) -> String {
    let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    parts.extend(
        path.split(['/', '\\'])
            .filter(|part| !matches!(*part, "" | ".")),
    );
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_out_is_seen() {
        for path in [
            "../w.bin",
            "a/../../w.bin",
            "a\\..\\w.bin",
            "/etc/passwd",
            "\\\\host\\share\\w",
            "//host/w",
            "C:\\w.bin",
            "c:w.bin",
            "https://evil.example/w",
            "file:/etc/passwd",
            "~/.ssh/id_rsa",
            "w.bin#/../../x",
            "w.bin\\u{0}../x",
            "%2e%2e/w",
            "%252e%252e%252fw",
            "\u{ff0e}\u{ff0e}/w",
            ".. /w",
            "*/_ORT_MEM_ADDR_/*",
        ] {
            assert!(find(path).is_some(), "{path}");
        }
    }

    #[test]
    fn honest_names_stay_inside() {
        for path in [
            "model.onnx_data",
            "./weights/a..b.bin",
            "model-00001-of-00002.safetensors",
            "100%_done.bin",
            "onnx::MatMul_12",
            "...weights",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }

    #[test]
    fn names_resolve_beside_the_file_that_has_them() {
        assert_eq!(resolve("m/model.onnx", "./w.bin"), "m/w.bin");
        assert_eq!(resolve("model.onnx", "d\\w.bin"), "d/w.bin");
        assert_eq!(resolve("a.zip!/m.onnx", "w.bin"), "a.zip!/w.bin");
    }
}
