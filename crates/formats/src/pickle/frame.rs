//! Frames: what they say about the stream and where the unpicklers differ.
//!
//! The one in C wants the frame's bytes to exist and then ignores its end. The
//! one in Python reads a value that crosses the end as truncated and refuses a
//! frame within a frame, but takes a frame that is longer than the file.

use super::opcode::{Arg, FRAME, Op};

/// Bytes that honest picklers leave outside of frames: fewer than four at the
/// end of a stream, and constants too large for a frame.
const UNFRAMED: usize = 16;
const LARGE: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Frames {
    end: Option<usize>,
    any: bool,
    unframed: usize,
    /// The first lie and where.
    pub(super) lie: Option<(usize, &'static str)>,
}

impl Frames {
    pub(super) fn step(&mut self, op: &Op<'_>, at: usize, len: usize) {
        if let Some(end) = self.end {
            if at >= end {
                self.end = None;
                self.unframed = 0;
            } else if op.code == FRAME {
                self.lie(at, "a frame begins before the one before it ends");
            } else if op.end > end {
                self.lie(at, "an instruction crosses the end of its frame");
                self.end = None;
            }
        }
        if op.code == FRAME {
            let Arg::Number(size) = op.arg else { return };
            let end = usize::try_from(size)
                .ok()
                .and_then(|size| op.end.checked_add(size))
                .unwrap_or(usize::MAX);
            if end > len {
                self.lie(at, "a frame is longer than the file");
            } else if size == 0 {
                self.lie(at, "a frame is empty");
            }
            self.any = true;
            self.unframed = 0;
            self.end = Some(end);
        } else if self.any && self.end.is_none() && op.end.saturating_sub(at) < LARGE {
            self.unframed = self.unframed.saturating_add(op.end.saturating_sub(at));
            if self.unframed > UNFRAMED {
                self.lie(at, "a frame ends before its contents do");
            }
        }
    }

    /// The stream is left for raw bytes or another stream, or come back to.
    pub(super) fn leave(&mut self) {
        self.any = false;
        self.end = None;
    }

    fn lie(&mut self, at: usize, what: &'static str) {
        if self.lie.is_none() {
            self.lie = Some((at, what));
        }
    }
}
