//! What was read, what was not and why, what confined the reading, and where
//! the decision is kept.

use super::super::paint::wrap;
use super::super::{escape::plain, words};
use super::Page;

/// Gaps told per reason when not verbose.
const GAPS: usize = 3;

impl Page<'_> {
    pub(super) fn coverage(&mut self) {
        let report = self.answer.report;
        let gaps = &report.facts.coverage.gaps;
        let mut text = format!("read {}", words::extent(report));
        if let Some(elapsed) = self.answer.elapsed {
            text.push_str(&format!(" in {}", words::seconds(elapsed)));
        }
        text.push_str(if gaps.is_empty() {
            "; nothing left unread"
        } else {
            "; not everything:"
        });
        for line in wrap(&text, self.width.saturating_sub(2)) {
            self.line(&format!("  {line}"));
        }
        let mut kinds: Vec<_> = gaps.iter().map(|gap| gap.why).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let of_kind: Vec<_> = gaps.iter().filter(|gap| gap.why == kind).collect();
            let kept = if self.options.verbose {
                usize::MAX
            } else {
                GAPS
            };
            let room = self.width.saturating_sub(22);
            for (index, gap) in of_kind.iter().take(kept).enumerate() {
                let mut text = plain(&words::path(&gap.at));
                if let Some(position) = words::position(&gap.at) {
                    text.push_str(&format!("  {position}"));
                }
                text.push_str(&format!("   {}", plain(&gap.message)));
                for (row, line) in wrap(&text, room).iter().enumerate() {
                    let label = if index == 0 && row == 0 {
                        words::why(kind)
                    } else {
                        ""
                    };
                    let label = self.paint.warn(&format!("{label:<18}"));
                    self.line(&format!("    {label}{line}"));
                }
            }
            let more = of_kind.len().saturating_sub(kept);
            if more > 0 {
                let line = self.paint.dim(&format!("and {more} more"));
                self.line(&format!("{:22}{line}", ""));
            }
        }
    }

    pub(super) fn footer(&mut self) {
        if let Some(text) = words::unconfined(self.answer.report) {
            for line in wrap(&format!("sandbox {text}"), self.width.saturating_sub(2)) {
                let line = self.paint.warn(&line);
                self.line(&format!("  {line}"));
            }
        }
        if let Some(recorded) = self.answer.recorded {
            let text = format!("decision {} in {}", recorded.number, plain(recorded.place));
            let line = self.paint.dim(&text);
            self.line(&format!("  {line}"));
        }
    }
}
