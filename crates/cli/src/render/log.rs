//! `modelward log`: what was decided, by whom, when, on which bytes.

use modelward_schema::DecisionRecord;

use super::paint::{Paint, columns, wrap};
use super::{RenderOptions, escape, words};

/// A table, newest as given; the reason takes what is left of the width.
pub fn text(records: &[DecisionRecord], options: &RenderOptions) -> String {
    let paint = Paint::new(options.colour);
    if records.is_empty() {
        return "no decisions on record; modelward gate PATH makes the first\n".to_owned();
    }
    let rows: Vec<[String; 7]> = records.iter().map(row).collect();
    let head = ["no", "when", "decision", "model", "for", "artifact", "by"];
    let mut widths = head.map(columns);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let used: usize = widths.iter().map(|width| width + 2).sum();
    let room = options.width.clamp(40, 200).saturating_sub(used);
    let line = |cells: &[String], style: &dyn Fn(usize, &str) -> String| {
        let mut line = String::new();
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let gap = width.saturating_sub(columns(cell)) + 2;
            line.push_str(&style(index, cell));
            line.push_str(&" ".repeat(gap));
        }
        line
    };
    let mut out = line(&head.map(str::to_owned), &|_, cell| paint.dim(cell));
    // Too narrow for a column of its own, the reason stands below its row.
    let beside = room >= 24;
    if beside {
        out.push_str(&paint.dim("reason"));
    }
    out = out.trim_end().to_owned() + "\n";
    for (record, cells) in records.iter().zip(&rows) {
        let text = line(cells, &|index, cell| match index {
            2 => paint.outcome(record.decision, cell),
            3 => paint.bold(cell),
            1 | 5 => paint.dim(cell),
            _ => cell.to_owned(),
        });
        let reason = escape::plain(&record.reason);
        let (indent, room) = if beside {
            (used, room)
        } else {
            (4, options.width.max(40) - 4)
        };
        out.push_str(if beside {
            text.as_str()
        } else {
            text.trim_end()
        });
        for (index, part) in wrap(&reason, room).iter().enumerate() {
            if index > 0 || !beside {
                out = out.trim_end().to_owned();
                out.push('\n');
                out.push_str(&" ".repeat(indent));
            }
            out.push_str(part);
        }
        out = out.trim_end().to_owned() + "\n";
    }
    out
}

/// A document per line.
pub fn json(records: &[DecisionRecord]) -> String {
    let mut out = String::new();
    for record in records {
        let text = serde_json::to_string(record).unwrap_or_else(|_| "{}".to_owned());
        out.push_str(&escape::json(&text));
        out.push('\n');
    }
    out
}

fn row(record: &DecisionRecord) -> [String; 7] {
    let model = match &record.version {
        Some(version) => format!("{}@{version}", record.name),
        None => record.name.clone(),
    };
    [
        record.number.to_string(),
        words::moment(&record.at),
        record.decision.as_str().to_owned(),
        model,
        record.stage.as_str().to_owned(),
        words::short(&record.artifact),
        record.actor.clone(),
    ]
    .map(|cell| escape::plain(&cell))
}

#[cfg(test)]
mod tests {
    use modelward_schema::{Decision, Stage};

    use super::*;

    fn record(number: i64, decision: Decision, reason: &str) -> DecisionRecord {
        DecisionRecord {
            number,
            name: "sentiment".to_owned(),
            version: Some("1.4.0".to_owned()),
            artifact: "sha256:9f3c41d2b7a05e88".to_owned(),
            stage: Stage::Production,
            decision,
            actor: "mika@example.org".to_owned(),
            reason: reason.to_owned(),
            at: "2026-11-25T10:00:00.123Z".to_owned(),
            report: "sha256:00".to_owned(),
            policy: "sha256:01".to_owned(),
        }
    }

    #[test]
    fn decisions_stand_in_a_table() {
        let records = [
            record(
                17,
                Decision::Deny,
                "pickle-calls-code, approval-missing, template-tests-message",
            ),
            record(9, Decision::Allow, "nothing against it"),
        ];
        insta::assert_snapshot!(text(
            &records,
            &RenderOptions {
                width: 140,
                ..Default::default()
            }
        ));
        insta::assert_snapshot!(text(
            &records,
            &RenderOptions {
                width: 80,
                ..Default::default()
            }
        ));
        assert_eq!(json(&records).lines().count(), 2);
    }

    #[test]
    fn an_empty_log_says_how_to_begin() {
        assert!(text(&[], &RenderOptions::default()).contains("modelward gate"));
        assert_eq!(json(&[]), "");
    }
}
