//! safetensors: a length, a JSON header, and tensors without a gap.
//!
//! Follows the format section of the safetensors README and the checks of its
//! own reader (`validate` in `tensor.rs`). That reader refuses at the first
//! fault; here each fault is a fact and reading goes on. Only the header and
//! the first bytes of each tensor are touched.

mod dtype;
mod header;
mod layout;
#[cfg(test)]
mod tests;

use modelward_schema::Why;

use crate::{Fit, Format, Input, Reader, Session};

pub(crate) static FORMAT: Format = Format {
    name: "safetensors",
    identify,
    read,
};

/// The longest header that the format's own reader accepts.
const MAX_HEADER: u64 = 100_000_000;

fn identify(input: &Input<'_>) -> Fit {
    let mut reader = Reader::new(input.bytes);
    let named = input.extension().as_deref() == Some("safetensors");
    let otherwise = if named && !input.is_empty() {
        Fit::Maybe
    } else {
        Fit::No
    };
    let Ok(len) = reader.u64_le() else {
        return otherwise;
    };
    let header = reader.rest();
    let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
    let Some(first) = header
        .iter()
        .take(64)
        .find(|byte| !byte.is_ascii_whitespace())
    else {
        return otherwise;
    };
    if *first == b'{' && len <= reader.remaining() && len >= 2 {
        Fit::Yes
    } else {
        otherwise
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let mut reader = Reader::new(input.bytes);
    let Ok(len) = reader.u64_le() else {
        session.anomaly(
            "safetensors-too-short",
            "the file is shorter than the length of its header",
            input.whole(),
        );
        session.gap(Why::Truncated, "the header is missing", input.whole());
        return;
    };
    if len > MAX_HEADER {
        session.anomaly(
            "safetensors-header-too-long",
            format!("the header is said to be {len} bytes long, more than any reader accepts"),
            input.at(0, 8),
        );
    }
    let Ok(text) = reader.take(len) else {
        session.differs(
            "safetensors-header-beyond-file",
            format!("the header of {len} bytes reaches beyond the end of the file"),
            input.at(0, 8),
            [
                ("header", len.to_string()),
                ("file", reader.remaining().to_string()),
            ],
        );
        session.gap(
            Why::Truncated,
            "the header reaches beyond the end of the file",
            input.whole(),
        );
        return;
    };
    let entries = header::read(input, text, session);
    layout::check(input, reader.position(), reader.rest(), entries, session);
}
