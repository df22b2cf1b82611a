//! One line on a terminal while hashing takes long.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use modelward_engine::source::Opened;

use crate::args::Common;

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);

pub(crate) struct Bar {
    total: u64,
    done: AtomicU64,
    began: Instant,
    shown: Mutex<Option<ProgressBar>>,
    wanted: bool,
    /// What is being done: `hashing`.
    work: &'static str,
}

impl Bar {
    /// For `total` bytes.
    pub(crate) fn new(total: u64, quiet: bool) -> Self {
        Self::named("hashing", total, quiet)
    }

    /// For the bytes of an artifact.
    pub(crate) fn over(opened: &Opened, common: &Common) -> Self {
        let size = opened.files.iter().map(|file| file.stamp.size).sum();
        Self::new(size, common.quiet)
    }

    /// For `total` bytes of other work than hashing.
    pub(crate) fn named(work: &'static str, total: u64, quiet: bool) -> Self {
        Self {
            work,
            total,
            done: AtomicU64::new(0),
            began: Instant::now(),
            shown: Mutex::new(None),
            wanted: !quiet && std::io::stderr().is_terminal(),
        }
    }

    pub(crate) fn advance(&self, bytes: u64) {
        let done = self
            .done
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes);
        if !self.wanted || self.began.elapsed() < PATIENCE {
            return;
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = shown.get_or_insert_with(|| {
            let style = ProgressStyle::with_template(
                "  {msg} {bar:30} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left",
            );
            let bar = ProgressBar::new(self.total);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_message(self.work);
            bar
        });
        bar.set_position(done);
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = self
            .shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            bar.finish_and_clear();
        }
    }
}
