use std::time::Duration;

use modelward_schema::Report;

use super::*;
use crate::render::{Recorded, samples};

fn shown(report: &Report, options: &RenderOptions) -> String {
    let answer = Answer {
        report,
        recorded: report.verdict.as_ref().map(|_| Recorded {
            number: 17,
            place: "~/.local/share/modelward",
        }),
        elapsed: Some(Duration::from_millis(940)),
    };
    render(&[answer], options)
}

#[test]
fn a_denial() {
    insta::assert_snapshot!(shown(&samples::deny(), &RenderOptions::default()));
}

#[test]
fn a_denial_in_full_on_a_narrow_terminal() {
    let options = RenderOptions {
        width: 60,
        verbose: true,
        ..Default::default()
    };
    insta::assert_snapshot!(shown(&samples::deny(), &options));
}

#[test]
fn a_hold() {
    insta::assert_snapshot!(shown(&samples::hold(), &RenderOptions::default()));
}

#[test]
fn an_allowance_is_four_lines() {
    let text = shown(&samples::allow(), &RenderOptions::default());
    assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 4);
    insta::assert_snapshot!(text);
}

#[test]
fn a_scan() {
    insta::assert_snapshot!(shown(&samples::scan(), &RenderOptions::default()));
}

#[test]
fn a_scan_that_found_nothing() {
    insta::assert_snapshot!(shown(&samples::clean_scan(), &RenderOptions::default()));
}

#[test]
fn hostile_text_stays_text() {
    let text = shown(&samples::hostile(), &RenderOptions::default());
    assert!(!text.chars().any(|c| c != '\n' && c.is_control()));
    insta::assert_snapshot!(text);
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, report) in samples::all() {
        for width in [40, 80, 120] {
            for verbose in [false, true] {
                let options = RenderOptions {
                    width,
                    verbose,
                    ..Default::default()
                };
                let text = shown(&report, &options);
                // What is there to paste is never broken.
                for line in text
                    .lines()
                    .filter(|line| !line.contains("modelward ") && !line.contains("decision "))
                {
                    assert!(columns(line) <= width, "{name} at {width}: {line:?}");
                }
            }
        }
    }
}

#[test]
fn colour_changes_styles_only() {
    let options = RenderOptions {
        colour: true,
        ..Default::default()
    };
    let coloured = shown(&samples::deny(), &options);
    assert!(coloured.contains("\u{1b}["));
    let stripped = anstream::adapter::strip_str(&coloured).to_string();
    let plain = shown(&samples::deny(), &RenderOptions::default());
    // The band is padded when it has a colour.
    assert_eq!(stripped.replacen(" DENY ", "DENY", 1), plain);
}
