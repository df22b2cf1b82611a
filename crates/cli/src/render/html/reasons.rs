//! What stands against the artifact, what is waived, and what would unblock it.

use modelward_schema::{Decision, Location, Report};

use super::super::points::{Point, exemption, groups, points, unweighed};
use super::super::{escape::markup, words};

/// Places shown per group, and those that can be unfolded; the report has
/// them all.
const PLACES: usize = 3;
const FOLDED: usize = 200;

pub(super) fn write(report: &Report, out: &mut String) {
    let (waived, standing): (Vec<_>, Vec<_>) = points(report)
        .into_iter()
        .partition(|point| point.waived_by.is_some());
    let title = if report.verdict.is_some() {
        "Reasons"
    } else {
        "Findings"
    };
    section(report, title, &standing, out);
    unblock(report, out);
    section(report, "Waived", &waived, out);
    section(
        report,
        "Found, not weighed by the policy",
        &unweighed(report),
        out,
    );
}

fn section(report: &Report, title: &str, points: &[Point<'_>], out: &mut String) {
    if points.is_empty() {
        return;
    }
    out.push_str(&format!(
        "<section><h2>{title}</h2>\n<ol class=\"points\">\n"
    ));
    for group in groups(points) {
        write_group(report, &group, out);
    }
    out.push_str("</ol></section>\n");
}

fn write_group(report: &Report, group: &[Point<'_>], out: &mut String) {
    let Some(first) = group.first() else { return };
    let severity = first.severity.as_str();
    let waived = if first.waived_by.is_some() {
        " waived"
    } else {
        ""
    };
    let label = if first.label() == severity {
        severity.to_owned()
    } else {
        format!("{}, {severity}", first.label())
    };
    let effect = match first.effect.filter(|_| first.waived_by.is_none()) {
        Some(modelward_schema::Effect::Deny) => "denies",
        Some(modelward_schema::Effect::Hold) => "holds",
        Some(modelward_schema::Effect::Warn) => "warns",
        None => "",
    };
    out.push_str(&format!(
        "<li class=\"point {severity}{waived}\"><header><span class=\"chip\">{label}</span>\
<span class=\"soft\">{effect}</span><code>{}</code></header><h3>{}</h3>",
        markup(first.code),
        markup(first.message)
    ));
    if group.len() > 1 {
        out.push_str(&format!(
            "<p class=\"soft\">and {} more like it</p>",
            group.len() - 1
        ));
    }
    let places: Vec<(&Location, &str)> = group
        .iter()
        .flat_map(|point| point.locations.iter().map(|at| (at, point.message)))
        .collect();
    let (shown, folded) = places.split_at(places.len().min(PLACES));
    list(shown, out);
    if !folded.is_empty() {
        out.push_str(&format!(
            "<details><summary>and {}</summary>",
            words::count(folded.len(), "more place")
        ));
        let (shown, left_out) = folded.split_at(folded.len().min(FOLDED));
        list(shown, out);
        if !left_out.is_empty() {
            out.push_str(&format!(
                "<p class=\"soft\">and {} more</p>",
                left_out.len()
            ));
        }
        out.push_str("</details>");
    }
    if !first.fix.is_empty() && first.waived_by.is_none() {
        let fix = markup(first.fix);
        let fix = if first.fix.starts_with("modelward ") {
            format!("<pre>{fix}</pre>")
        } else {
            format!("<span>{fix}</span>")
        };
        out.push_str(&format!("<div class=\"fix\"><b>fix</b>{fix}</div>"));
    }
    if let Some(id) = first.waived_by {
        waiver(report, id, out);
    }
    let mut ids: Vec<&str> = first.frameworks.iter().map(String::as_str).collect();
    ids.extend(first.policy);
    if !ids.is_empty() {
        out.push_str(&format!(
            "<p class=\"ids\">{}</p>",
            markup(&ids.join(" · "))
        ));
    }
    out.push_str("</li>\n");
}

fn list(places: &[(&Location, &str)], out: &mut String) {
    if places.is_empty() {
        return;
    }
    out.push_str("<ul class=\"places\">");
    for (at, message) in places {
        place(at, message, out);
    }
    out.push_str("</ul>");
}

fn place(at: &Location, message: &str, out: &mut String) {
    out.push_str(&format!(
        "<li><span class=\"mono\">{}</span>",
        markup(&words::path(at))
    ));
    if let Some(position) = words::position(at) {
        out.push_str(&format!("<span class=\"at mono\">{position}</span>"));
    }
    if let Some(excerpt) = at.excerpt.as_deref()
        && !excerpt.is_empty()
        && !message.contains(excerpt)
    {
        out.push_str(&format!(" <code>{}</code>", markup(excerpt)));
    }
    out.push_str("</li>");
}

fn waiver(report: &Report, id: &str, out: &mut String) {
    let text = match exemption(report, id) {
        Some(exemption) => format!(
            "{id}, asked for by {}, accepted by {} until {}: {}",
            exemption.requested_by,
            exemption.approved_by,
            words::day(&exemption.not_after),
            exemption.reason
        ),
        None => id.to_owned(),
    };
    out.push_str(&format!(
        "<div class=\"fix\"><b>exempt</b><span>{}</span></div>",
        markup(&text)
    ));
}

fn unblock(report: &Report, out: &mut String) {
    let Some(verdict) = &report.verdict else {
        return;
    };
    if verdict.decision == Decision::Allow || verdict.unblock.is_empty() {
        return;
    }
    out.push_str("<p class=\"panel unblock\">The smallest set that would unblock it: ");
    for code in &verdict.unblock {
        out.push_str(&format!("<code>{}</code>", markup(code)));
    }
    out.push_str("</p>\n");
}
