//! A report in every form it is shown in: one file per form, each a pure
//! function from answers to text.
//!
//! Several answers at once are one document wherever the form has room for
//! that (SARIF runs, JUnit suites, one HTML page); JSON becomes JSON Lines.
//! Text of an artifact is escaped for every form in `escape`, although
//! the report holds it escaped already.
#![allow(
    clippy::format_push_string,
    reason = "these modules make text; `write!` would have a Result to ignore on every line"
)]

pub mod blob;
pub mod diff;
pub mod evidence;
pub mod explain;
pub mod graph;
pub mod history;
pub mod identity;
pub mod log;
pub mod passport;
pub mod proof;
pub mod signature;

mod escape;
mod fingerprint;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod markdown;
mod paint;
mod points;
mod sarif;
mod text;
mod words;

#[cfg(test)]
mod samples;

use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use modelward_schema::{Report, Severity};

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people, at a terminal
    #[default]
    Text,
    /// The report itself, one document; JSON Lines for several artifacts
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// One test case per rule and requirement
    Junit,
    /// Annotations of a GitHub workflow
    Github,
    /// Code quality report of GitLab
    Gitlab,
    /// For a pull request or an issue
    Markdown,
    /// One self-contained page
    Html,
    /// A drawing (graph, lineage, diff)
    Svg,
    /// A drawing as Mermaid text (graph, lineage)
    Mermaid,
    /// A drawing as Graphviz text (graph)
    Dot,
    /// CycloneDX 1.6 (bom)
    #[value(name = "cyclonedx-1.6")]
    CycloneDx16,
    /// CycloneDX 1.7 (bom)
    #[value(name = "cyclonedx-1.7")]
    CycloneDx17,
    /// SPDX 3.0.1 (bom)
    #[value(name = "spdx-3.0.1")]
    Spdx301,
}

impl Format {
    /// The forms that every verb which judges can take.
    pub fn is_report(self) -> bool {
        !self.is_drawing() && !self.is_bill()
    }

    pub fn is_drawing(self) -> bool {
        matches!(self, Self::Svg | Self::Mermaid | Self::Dot)
    }

    pub fn is_bill(self) -> bool {
        matches!(self, Self::CycloneDx16 | Self::CycloneDx17 | Self::Spdx301)
    }

    /// The form that a file's name asks for.
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let ending = |end: &str| name.ends_with(end);
        if ending(".sarif") || ending(".sarif.json") {
            Some(Self::Sarif)
        } else if ending("codequality.json") || ending("code-quality-report.json") {
            Some(Self::Gitlab)
        } else if ending(".json") || ending(".jsonl") {
            Some(Self::Json)
        } else if ending(".xml") {
            Some(Self::Junit)
        } else if ending(".md") {
            Some(Self::Markdown)
        } else if ending(".html") || ending(".htm") {
            Some(Self::Html)
        } else if ending(".txt") {
            Some(Self::Text)
        } else if ending(".svg") {
            Some(Self::Svg)
        } else if ending(".mmd") {
            Some(Self::Mermaid)
        } else if ending(".dot") || ending(".gv") {
            Some(Self::Dot)
        } else {
            None
        }
    }
}

/// How the answer is to look.
#[derive(Debug, Clone, Copy)]
pub struct RenderOptions {
    /// Terminal styles in text.
    pub colour: bool,
    /// Columns of the terminal; text is wrapped to it.
    pub width: usize,
    /// Tell low and info points, every place and every folded point.
    pub verbose: bool,
    /// From which severity a scan, which has no verdict, counts as failed.
    pub fail_on: Severity,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            colour: false,
            width: 100,
            verbose: false,
            fail_on: Severity::High,
        }
    }
}

/// A report and what belongs to this one run, not to the document.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub report: &'a Report,
    pub recorded: Option<Recorded<'a>>,
    pub elapsed: Option<Duration>,
}

/// Where the decision was recorded.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    pub number: i64,
    /// The registry's folder, as people would write it.
    pub place: &'a str,
}

impl<'a> From<&'a Report> for Answer<'a> {
    fn from(report: &'a Report) -> Self {
        Self {
            report,
            recorded: None,
            elapsed: None,
        }
    }
}

/// The answers in the asked form, ending in a newline.
pub fn render(format: Format, answers: &[Answer<'_>], options: &RenderOptions) -> String {
    match format {
        Format::Text => text::render(answers, options),
        Format::Json => json::render(answers),
        Format::Sarif => sarif::render(answers),
        Format::Junit => junit::render(answers, options),
        Format::Github => github::render(answers, options),
        Format::Gitlab => gitlab::render(answers),
        Format::Markdown => markdown::render(answers, options),
        Format::Html => html::render(answers, options),
        // Drawings and bills have verbs of their own, which refuse reports.
        Format::Svg
        | Format::Mermaid
        | Format::Dot
        | Format::CycloneDx16
        | Format::CycloneDx17
        | Format::Spdx301 => text::render(answers, options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_chooses_the_form() {
        let of = |name: &str| Format::of_path(Path::new(name));
        assert_eq!(of("out/report.SARIF"), Some(Format::Sarif));
        assert_eq!(of("gl-codequality.json"), Some(Format::Gitlab));
        assert_eq!(of("report.json"), Some(Format::Json));
        assert_eq!(of("junit.xml"), Some(Format::Junit));
        assert_eq!(of("report"), None);
    }
}
