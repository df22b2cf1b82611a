//! Byte offsets to lines and columns.

use modelward_schema::{Location, Span};

use super::secret;
use crate::text;

/// Bytes between two remembered line counts.
const STRIDE: usize = 4096;

/// Finds lines in constant time whatever the order of questions, at the price
/// of four bytes per 4 KiB of text.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    path: &'a str,
    source: &'a [u8],
    /// Newlines before each multiple of [`STRIDE`].
    counts: Vec<u32>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(path: &'a str, source: &'a [u8]) -> Self {
        let mut total = 0_u32;
        let counts = source
            .chunks(STRIDE)
            .map(|chunk| {
                let before = total;
                total = total.saturating_add(newlines(chunk));
                before
            })
            .collect();
        Self {
            path,
            source,
            counts,
        }
    }

    /// The place of `len` bytes from `start`. A column further than one stride
    /// from its line's start is not counted; the span tells it.
    pub(crate) fn at(&self, start: usize, len: usize) -> Location {
        let block = start.checked_div(STRIDE).unwrap_or(0);
        let before = self
            .source
            .get(block.saturating_mul(STRIDE)..start)
            .unwrap_or_default();
        let counted = self.counts.get(block).copied().unwrap_or(0);
        let line = counted.saturating_add(newlines(before)).saturating_add(1);
        let near = self
            .source
            .get(start.saturating_sub(STRIDE)..start)
            .unwrap_or_default();
        let on_line = match memchr::memrchr(b'\n', near) {
            Some(newline) => near.get(newline.saturating_add(1)..),
            None => (near.len() < STRIDE).then_some(near),
        };
        let column = on_line.map(|text| {
            let characters = text.iter().filter(|byte| (**byte & 0xc0) != 0x80).count();
            u32::try_from(characters)
                .unwrap_or(u32::MAX)
                .saturating_add(1)
        });
        Location {
            path: self.path.to_owned(),
            span: Some(Span::new(
                u64::try_from(start).unwrap_or(u64::MAX),
                u64::try_from(len).unwrap_or(u64::MAX),
            )),
            line: Some(line),
            column,
            excerpt: None,
        }
    }

    /// [`Self::at`] with what stands there.
    pub(crate) fn shown(&self, start: usize, len: usize) -> Location {
        let end = start.saturating_add(len);
        let bytes = self.source.get(start..end).unwrap_or_default();
        let shown = text::escape(bytes, 160);
        self.at(start, len)
            .with_excerpt(secret::redact(&shown).into_owned())
    }
}

fn newlines(bytes: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let source = "a\nbé c\n".as_bytes();
        let lines = Lines::new("f", source);
        let at = lines.at(6, 1);
        assert_eq!((at.line, at.column), (Some(2), Some(4)));
        assert_eq!(lines.at(0, 1).line, Some(1));
        let long = ["x\n".repeat(5000), "y".to_owned()].concat();
        let lines = Lines::new("f", long.as_bytes());
        assert_eq!(lines.at(10_000, 1).line, Some(5001));
    }
}
