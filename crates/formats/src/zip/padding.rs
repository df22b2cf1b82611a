//! What stands in a zip beside its members: the filling that aligns PyTorch's
//! storages (`caffe2/serialize/inline_container.cc`, `getPadding`: an extra
//! field `FB` of `Z`), and the archive's comment.

use super::directory::End;
use super::local::Local;
use crate::{Input, Session, text};

/// The extra field that PyTorch fills up to the alignment, as it is stored.
const FILLING: [u8; 2] = *b"FB";

/// Filling that is not what fills is told: nothing reads it, so it holds
/// whatever someone put there.
pub(super) fn check(input: &Input<'_>, session: &mut Session<'_>, locals: &[Option<Local<'_>>]) {
    for local in locals.iter().flatten() {
        let mut rest = local.extra;
        while let Some(([a, b, low, high], content)) = rest.split_first_chunk::<4>() {
            let len = usize::from(u16::from_le_bytes([*low, *high])).min(content.len());
            let (content, behind) = content.split_at(len);
            let plain =
                content.iter().all(|byte| *byte == b'Z') || content.iter().all(|byte| *byte == 0);
            if [*a, *b] == FILLING && !plain {
                let len = u64::try_from(local.extra.len()).unwrap_or(0);
                session.anomaly(
                    "zip-padding-used",
                    format!(
                        "the filling before `{}` holds something",
                        text::escape(local.name, 128)
                    ),
                    input.at(local.data.saturating_sub(len), len),
                );
            }
            rest = behind;
        }
    }
}

/// The comment as metadata.
pub(super) fn tell_comment(input: &Input<'_>, session: &mut Session<'_>, end: &End<'_>) {
    if !end.comment.is_empty() {
        let len = u64::try_from(end.comment.len()).unwrap_or(0);
        let at = input.at(end.at.saturating_add(22), len);
        session.metadata("zip.comment", &text::escape(end.comment, 4096), at);
    }
}
