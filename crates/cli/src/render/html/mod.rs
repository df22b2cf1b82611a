//! One self-contained page: no script, no request, nothing but text, tables
//! and a picture that has a table beside it. The policy in its head lets a
//! browser apply this style sheet and do nothing else, so that even text that
//! escaped its escape would stay inert.

mod contents;
mod reasons;
mod squarify;
mod treemap;

use modelward_schema::{Decision, FacetState, Report};
use sha2::{Digest as _, Sha256};

use super::points::{points, tally};
use super::{Answer, RenderOptions, escape::markup, words};

const STYLE: &str = include_str!("style.css");

pub(super) fn render(answers: &[Answer<'_>], options: &RenderOptions) -> String {
    let title = match answers {
        [only] => format!(
            "{} {}",
            headline(only.report, options).1,
            words::name(only.report)
        ),
        many => format!("Modelward: {}", words::count(many.len(), "artifact")),
    };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
<meta name=\"color-scheme\" content=\"light dark\">\n\
<meta name=\"referrer\" content=\"no-referrer\">\n\
<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        base64(&Sha256::digest(STYLE)),
        markup(&title)
    );
    for (number, answer) in answers.iter().enumerate() {
        out.push_str("<article>\n");
        band(answer, options, &mut out);
        facets(answer.report, &mut out);
        reasons::write(answer.report, &mut out);
        contents::write(answer.report, number, &mut out);
        footer(answer, &mut out);
        out.push_str("</article>\n");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// The look of the band and its word.
fn headline(report: &Report, options: &RenderOptions) -> (&'static str, String) {
    if let Some(verdict) = &report.verdict {
        let word = verdict.decision.as_str();
        return (word, word.to_uppercase());
    }
    let points = points(report);
    if points.iter().any(|point| point.stops(options.fail_on)) {
        (Decision::Deny.as_str(), "FOUND".to_owned())
    } else if !points.is_empty() {
        (Decision::Hold.as_str(), "FOUND".to_owned())
    } else if report.facts.coverage.complete {
        (Decision::Allow.as_str(), "NOTHING FOUND".to_owned())
    } else {
        (Decision::Hold.as_str(), "NOT ALL READ".to_owned())
    }
}

fn band(answer: &Answer<'_>, options: &RenderOptions, out: &mut String) {
    let report = answer.report;
    let (look, word) = headline(report, options);
    let artifact = &report.artifact;
    let version = artifact
        .version
        .as_deref()
        .or_else(|| {
            report
                .manifest
                .as_ref()
                .map(|manifest| manifest.version.as_str())
        })
        .unwrap_or_default();
    out.push_str(&format!(
        "<header class=\"band {look}\"><p class=\"word\">{word}</p><div class=\"what\">\
<h1>{} <span>{}</span></h1>\n<dl class=\"pairs\">",
        markup(&artifact.name),
        markup(version)
    ));
    let mut pair = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&format!(
                "<div><dt>{name}</dt><dd>{}</dd></div>",
                markup(value)
            ));
        }
    };
    if let Some(verdict) = &report.verdict {
        pair("for", verdict.stage.as_str());
        pair("tier", verdict.tier.as_str());
        pair("judged", &words::moment(&verdict.now));
        let digest = words::short(&verdict.policy.digest);
        pair("policy", &format!("{} {digest}", verdict.policy.name));
    } else {
        pair("found", &tally(&points(report)));
    }
    if let Some(context) = &report.context {
        pair("asked by", &context.actor);
    }
    if let Some(recorded) = answer.recorded {
        pair(
            "decision",
            &format!("{} in {}", recorded.number, recorded.place),
        );
    }
    let source = &artifact.source;
    pair("from", &source.given);
    pair("repository", source.repo.as_deref().unwrap_or_default());
    pair("revision", source.revision.as_deref().unwrap_or_default());
    out.push_str("</dl>\n<p class=\"pairs mono soft\">");
    out.push_str(&markup(
        artifact
            .digest
            .as_deref()
            .unwrap_or("no digest was computed"),
    ));
    out.push_str("</p></div></header>\n");
}

fn facets(report: &Report, out: &mut String) {
    let Some(verdict) = &report.verdict else {
        return;
    };
    out.push_str("<ul class=\"facets\">\n");
    for facet in &verdict.facets {
        let (class, word) = match facet.state {
            FacetState::Shown => ("shown", "shown"),
            FacetState::Partial => ("partial", "partly shown"),
            FacetState::Missing => ("missing", "not shown"),
        };
        let note = if facet.note.is_empty() {
            word
        } else {
            &facet.note
        };
        out.push_str(&format!(
            "<li class=\"{class}\"><span class=\"mark\" aria-hidden=\"true\">{}</span><b>{}</b><span class=\"soft\">{}</span></li>\n",
            words::mark(facet.state),
            markup(&facet.name),
            markup(note)
        ));
    }
    out.push_str("</ul>\n");
}

fn footer(answer: &Answer<'_>, out: &mut String) {
    let report = answer.report;
    out.push_str("<footer>");
    let confined = words::unconfined(report).unwrap_or_else(|| {
        "in force: a child process under landlock, seccomp and rlimits".to_owned()
    });
    out.push_str(&format!(
        "<p>Sandbox {}.</p><p>{} {}, {}.</p></footer>\n",
        markup(&confined),
        markup(&report.tool.name),
        markup(&report.tool.version),
        markup(&report.schema)
    ));
}

/// Standard base64 (RFC 4648), as Content-Security-Policy wants its hashes.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0_u32;
        for index in 0..3 {
            bits = bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0));
        }
        for index in 0..4 {
            if index > chunk.len() {
                out.push('=');
            } else {
                let letter = (bits >> (18 - 6 * index)) & 63;
                out.push(char::from(ALPHABET[usize::try_from(letter).unwrap_or(0)]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
