//! A first `modelward.yaml`: what the files tell filled in, what only people
//! know left empty, which the check then names line by line.

use std::fmt::Write;

use modelward_schema::MANIFEST_SCHEMA;

use crate::hints::{Hints, Told};
use crate::words::{
    CUSTOMER_DATA, DATA_CLASSES, EXPOSURES, INFLUENCES, ORIGINS, TRANSFORMATIONS, any_of,
};

/// The text of a manifest to edit.
pub fn draft(hints: &Hints) -> String {
    let mut out = Draft(String::new());
    out.line("# What the people responsible say about this model. Fill in what is empty, then");
    out.line("# modelward gate PATH checks it; values with a file beside them are that file's");
    out.line("# claim: see whether they are true.");
    out.line(&format!("schema: {MANIFEST_SCHEMA}"));
    out.told("name", hints.name.as_ref(), "the model's name");
    out.told(
        "version",
        hints.version.as_ref(),
        "in quotes, such as \"1.0.0\"",
    );
    out.line("");
    out.line("# Who answers for it: person or team, one of the two.");
    out.line("owner:");
    out.empty("  team", "the team's name, or person: with an address");
    out.line("");
    out.line("use_case:");
    out.empty("  id", "such as UC-12");
    if let Some(description) = &hints.description {
        out.line(&format!(
            "  # {} says: {}",
            description.from, description.value
        ));
    }
    for about in &hints.about {
        out.line(&format!("  # {} says: {}", about.from, about.value));
    }
    out.empty("  intended_use", "one sentence that can be defended later");
    out.line("  # Which decisions its output influences: any of");
    out.line(&format!("  # {}.", INFLUENCES.join(", ")));
    out.line("  influences: []");
    out.line("");
    out.line("# What the running model can do; the tier follows from it.");
    out.line("capabilities:");
    for (key, what) in [
        (
            "makes_decisions",
            "true or false: nobody looks before its output takes effect",
        ),
        (
            "reads_secrets",
            "true or false: it sees credentials or other secrets",
        ),
        (
            "calls_tools",
            "true or false: it calls tools, functions or other programs",
        ),
    ] {
        out.empty(&format!("  {key}"), what);
    }
    out.empty("  customer_data", &any_of(CUSTOMER_DATA));
    out.empty("  offline", "true or false: it runs without a network");
    out.line("");
    out.line("# The tier may be raised by hand above what the capabilities imply.");
    out.line("# tier: low, medium, high or critical");
    out.line("");
    out.line("tags:");
    out.empty("  data", &any_of(DATA_CLASSES));
    out.empty("  exposure", &any_of(EXPOSURES));
    out.empty(
        "  domain",
        "lower-case words and hyphens, such as finance or health",
    );
    out.source(hints);
    out.training(hints);
    out.parents(hints);
    out.line("");
    out.line("# Where it may run. High tiers need it.");
    out.line("# scope:");
    out.line("#   environments: [staging, production]");
    out.line("#   namespaces: []");
    out.line("#   hosts: []");
    out.line("");
    out.line("# What it is connected to: retrieval systems, agents, privileged APIs.");
    out.line("# connections:");
    out.line("#   - rag:handbook");
    out.line("");
    out.line("# The last day on which it may run.");
    out.line("# expires: 2027-06-30");
    out.0
}

struct Draft(String);

impl Draft {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn empty(&mut self, key: &str, what: &str) {
        self.line(&format!("{key}: # {what}"));
    }

    fn told(&mut self, key: &str, told: Option<&Told>, what: &str) {
        match told {
            Some(told) => self.line(&format!("{key}: {} # {}", scalar(&told.value), told.from)),
            None => self.empty(key, what),
        }
    }

    /// A key that may be left out stands as a comment when nothing is told.
    fn told_or_out(&mut self, key: &str, told: Option<&Told>, what: &str) {
        if told.is_some() {
            return self.told(key, told, what);
        }
        let indent = key.len().saturating_sub(key.trim_start().len());
        let (spaces, key) = key.split_at(indent);
        self.line(&format!("{spaces}# {key}: {what}"));
    }

    fn source(&mut self, hints: &Hints) {
        self.line("");
        self.line("source:");
        if hints
            .url
            .as_ref()
            .is_some_and(|url| url.value.contains("huggingface.co/"))
        {
            self.line(&format!("  kind: open-weights # {}", any_of(ORIGINS)));
        } else {
            self.empty("  kind", &any_of(ORIGINS));
        }
        self.told_or_out("  url", hints.url.as_ref(), "where it was got from");
        self.told_or_out(
            "  revision",
            hints.revision.as_ref(),
            "a commit, a release or a digest, in quotes",
        );
        let publisher = hints.publisher.as_ref().or(hints.authors.first());
        self.told_or_out("  publisher", publisher, "who published it");
        if let Some(license) = &hints.license {
            self.line(&format!(
                "  # {} says: license {}",
                license.from, license.value
            ));
        }
    }

    fn training(&mut self, hints: &Hints) {
        self.line("");
        self.line("# What it was trained on, with what, by whom. A model of your own needs it.");
        if hints.datasets.is_empty() && hints.training.is_none() {
            self.line("# training:");
            self.line("#   data:");
            self.line("#     - ref: a URL, a name@version, or a path");
            self.line("#   code:");
            self.line("#     ref: a repository or a path");
            self.line("#     revision: a commit");
            self.line("#   by: who trained it; their approval does not count");
            return;
        }
        self.line("training:");
        if !hints.datasets.is_empty() {
            self.line("  data:");
            for dataset in &hints.datasets {
                self.told("    - ref", Some(dataset), "");
            }
        }
        if let Some(training) = &hints.training {
            self.line("  code:");
            self.told("    ref", Some(training), "");
        }
        if let Some(created) = &hints.created {
            self.line(&format!(
                "  # {} says: made {}",
                created.from, created.value
            ));
        }
        self.line("  # by: who trained it; their approval does not count");
    }

    fn parents(&mut self, hints: &Hints) {
        self.line("");
        self.line("# The models it was made from. A transformation is one of");
        self.line(&format!("# {}.", TRANSFORMATIONS.join(", ")));
        if hints.parents.is_empty() {
            self.line("# parents:");
            self.line("#   - ref: hf:org/name@revision");
            self.line("#     transformation: fine-tune");
            return;
        }
        self.line("parents:");
        for (parent, transformation) in &hints.parents {
            self.told("  - ref", Some(parent), "");
            match transformation {
                Some(word) => self.line(&format!("    transformation: {word}")),
                None => self.empty("    transformation", "how it was made from it"),
            }
        }
    }
}

/// A scalar that every YAML reader takes for this text.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@'))
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if plain {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
