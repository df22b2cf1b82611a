//! Telling a face how far a long reading is.

/// Called with the bytes done since the last call, from several threads.
#[derive(Clone, Copy, Default)]
pub struct Progress<'a>(pub Option<&'a (dyn Fn(u64) + Sync)>);

impl Progress<'_> {
    pub(crate) fn advance(self, bytes: u64) {
        if let Some(tell) = self.0 {
            tell(bytes);
        }
    }
}

impl std::fmt::Debug for Progress<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}
