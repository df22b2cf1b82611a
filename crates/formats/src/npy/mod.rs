//! NumPy arrays (`.npy`, versions 1 to 3).
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>
//!
//! The header is a Python literal: it is parsed, never evaluated. Arrays of
//! objects are a pickle behind the header.

mod dtype;
mod literal;
#[cfg(test)]
mod tests;

use modelward_schema::{Span, Tensor, Why};

use self::dtype::Dtype;
use self::literal::Literal;
use crate::reader::{Reader, Truncated};
use crate::{Fit, Format, Input, Member, Session};

pub(crate) static FORMAT: Format = Format {
    name: "npy",
    identify,
    read,
};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy itself refuses longer headers from untrusted files.
const LONG: usize = 10_000;

fn identify(input: &Input<'_>) -> Fit {
    if input.bytes.starts_with(MAGIC) {
        Fit::Yes
    } else {
        Fit::No
    }
}

/// What the header says.
struct Header {
    dtype: Dtype,
    shape: Vec<u64>,
    /// The first dimension runs fastest.
    column_first: bool,
}

impl Header {
    /// Absent when the last dimension runs fastest.
    fn strides(&self) -> Option<Vec<u64>> {
        let mut step = Some(1_u64);
        (self.column_first && self.shape.len() > 1)
            .then(|| {
                self.shape
                    .iter()
                    .map(|dim| {
                        let here = step;
                        step = step.and_then(|step| step.checked_mul((*dim).max(1)));
                        here
                    })
                    .collect()
            })
            .flatten()
    }
}

fn read(input: &Input<'_>, session: &mut Session<'_>) {
    let Ok((text, data)) = frame(input, session) else {
        session.anomaly("npy-truncated", "its header is cut off", input.whole());
        session.gap(Why::Truncated, "its header is cut off", input.whole());
        return;
    };
    let rest = Reader::at(input.bytes, data).map_or(&[][..], |reader| reader.rest());
    let start = data.saturating_sub(u64::try_from(text.len()).unwrap_or(0));
    if text.len() > LONG {
        session.anomaly(
            "npy-header-long",
            format!("its header has {} bytes", text.len()),
            input.at(start, data.saturating_sub(start)),
        );
    }
    if let Some(header) = header(input, session, text, start) {
        read_data(input, session, &header, data, rest);
    } else {
        session.gap(
            Why::Malformed,
            "its header does not tell what its data are",
            input.whole(),
        );
        look_into(input, session, data, rest);
    }
}

/// The header's text, and where the data begin.
fn frame<'a>(input: &Input<'a>, session: &mut Session<'_>) -> Result<(&'a [u8], u64), Truncated> {
    let mut reader = Reader::new(input.bytes);
    reader.skip(6)?;
    let [major, minor] = reader.array()?;
    if !(1..=3).contains(&major) || minor != 0 {
        session.anomaly(
            "npy-version-unknown",
            format!("version {major}.{minor} does not exist"),
            input.at(6, 2),
        );
    }
    let len = if major == 1 {
        u64::from(reader.u16_le()?)
    } else {
        u64::from(reader.u32_le()?)
    };
    let text = reader.take(len)?;
    Ok((text, reader.position()))
}

fn header(input: &Input<'_>, session: &mut Session<'_>, text: &[u8], start: u64) -> Option<Header> {
    let len = u64::try_from(text.len()).unwrap_or(u64::MAX);
    let at = input
        .at(start, len)
        .with_excerpt(crate::text::escape(text.trim_ascii_end(), 128));
    let fields = match literal::parse(text) {
        Ok(Literal::Dict(fields)) => fields,
        Ok(_) => {
            session.anomaly("npy-header-malformed", "its header is no dictionary", at);
            return None;
        }
        Err(broken) if broken.is_code => {
            session.anomaly(
                "npy-header-holds-code",
                "its header is an expression, which readers that evaluate it would run",
                at,
            );
            return None;
        }
        Err(broken) => {
            session.anomaly(
                "npy-header-malformed",
                format!("its header is no literal from byte {} on", broken.at),
                at,
            );
            return None;
        }
    };
    let mut found = [None, None, None];
    for (key, value) in &fields {
        let place = match key {
            Literal::Text(key) if key == "descr" => 0,
            Literal::Text(key) if key == "shape" => 1,
            Literal::Text(key) if key == "fortran_order" => 2,
            _ => {
                session.anomaly(
                    "npy-header-malformed",
                    "its header has another key",
                    at.clone(),
                );
                continue;
            }
        };
        if let Some(slot) = found.get_mut(place)
            && slot.replace(value).is_some()
        {
            session.anomaly(
                "npy-header-malformed",
                "its header has a key twice",
                at.clone(),
            );
        }
    }
    let [descr, shape, order] = found;
    let dtype = descr.and_then(dtype::read);
    let shape = shape.and_then(dtype::dimensions);
    if !matches!(order, Some(Literal::Bool(_))) {
        session.anomaly(
            "npy-header-malformed",
            "its header does not tell the order of its dimensions",
            at.clone(),
        );
    }
    if dtype.is_none() || shape.is_none() {
        session.anomaly(
            "npy-header-malformed",
            "its header does not tell what its data are",
            at,
        );
    }
    Some(Header {
        dtype: dtype?,
        shape: shape?,
        column_first: matches!(order, Some(Literal::Bool(true))),
    })
}

fn read_data(
    input: &Input<'_>,
    session: &mut Session<'_>,
    header: &Header,
    data: u64,
    rest: &[u8],
) {
    let there = u64::try_from(rest.len()).unwrap_or(u64::MAX);
    // A member's folders are part of its array's name.
    let name = input
        .path
        .rsplit_once("!/")
        .map_or_else(|| input.name(), |(_, member)| member);
    session.tensor(Tensor {
        name: name.strip_suffix(".npy").unwrap_or(name).to_owned(),
        dtype: header.dtype.name.clone(),
        shape: header.shape.clone(),
        at: input.at(data, there),
        strides: header.strides(),
        big_endian: header.dtype.big_endian,
        ..Tensor::default()
    });
    if header.dtype.is_object {
        session.child(
            input,
            Member {
                name: "data.pkl",
                bytes: rest,
                span: Some(Span::new(data, there)),
                reached: true,
                inside: FORMAT.name,
            },
        );
        return;
    }
    let elements = header
        .shape
        .iter()
        .try_fold(1_u64, |n, d| n.checked_mul(*d));
    let Some(size) = header
        .dtype
        .size
        .zip(elements)
        .and_then(|(s, n)| s.checked_mul(n))
    else {
        session.anomaly(
            "npy-size-overflows",
            format!("no memory holds an array of shape {:?}", header.shape),
            input.whole(),
        );
        look_into(input, session, data, rest);
        return;
    };
    if size > there {
        session.differs(
            "npy-size-differs",
            "its shape asks for more bytes than there are",
            input.whole(),
            [("shape", size.to_string()), ("file", there.to_string())],
        );
        session.gap(Why::Truncated, "its data break off", input.whole());
    }
    let split = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
    let (numbers, behind) = rest.split_at(split);
    look_into(input, session, data, numbers);
    if behind.is_empty() {
        return;
    }
    let start = data.saturating_add(size);
    let len = there.saturating_sub(size);
    let known = session.hidden(input, "(trailing bytes)", behind, Span::new(start, len));
    // `numpy.save` into an open file puts one array behind the other.
    let (id, what) = match (known, behind.starts_with(MAGIC)) {
        (_, true) => ("npy-several-arrays", "are another array"),
        (true, false) => ("npy-hidden-content", "are a file of their own"),
        (false, false) => ("npy-trailing-bytes", "are not part of it"),
    };
    session.anomaly(
        id,
        format!("{len} bytes behind the array {what}"),
        input.at(start, len),
    );
}

/// Numbers that are a file of another kind are hidden, not read.
fn look_into(input: &Input<'_>, session: &mut Session<'_>, start: u64, bytes: &[u8]) {
    let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if session.hidden(input, "(data)", bytes, Span::new(start, len)) {
        session.anomaly(
            "npy-hidden-content",
            "its numbers are a file of their own",
            input.at(start, len),
        );
    }
}
