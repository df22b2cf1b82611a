//! The blocks of a PEM file (RFC 7468), whatever text stands around them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// A labelled block. `headers` is set when it has RFC 1421 headers, as OpenSSL's
/// old encryption does; its bytes are then not decoded.
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) der: Option<Vec<u8>>,
    pub(crate) headers: bool,
}

/// All blocks in order; one that cannot be decoded has no bytes.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let mut out = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(label) = line
            .trim_end()
            .strip_prefix(BEGIN)
            .and_then(|rest| rest.strip_suffix(DASHES))
        else {
            continue;
        };
        let end = format!("-----END {label}-----");
        let mut body = String::new();
        let mut closed = false;
        let mut headers = false;
        for line in lines.by_ref() {
            let line = line.trim();
            if line == end {
                closed = true;
                break;
            }
            headers |= line.contains(':');
            body.push_str(line);
        }
        out.push(Block {
            label: label.to_owned(),
            der: (closed && !headers)
                .then(|| STANDARD.decode(&body).ok())
                .flatten(),
            headers,
        });
    }
    out
}

/// The canonical text: lines of 64 characters, one line break at the end.
pub(crate) fn encode(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut out = format!("{BEGIN}{label}{DASHES}\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out.push_str(&format!("-----END {label}{DASHES}\n"));
    out
}
