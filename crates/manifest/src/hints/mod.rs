//! What a model's own files tell about it, to pre-fill a manifest. All of it is
//! hostile text: capped, one line, and only ever offered for a person to check.

mod card;
mod config;
mod kitfile;
mod mlmodel;

use modelward_schema::{Artifact, Facts, ReferenceKind};

const MAX_TEXT: usize = 200;
const MAX_LIST: usize = 20;

/// A text file of the artifact by its path.
#[derive(Debug, Clone, Copy)]
pub struct TextFile<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// A value and the file that told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub value: String,
    pub from: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hints {
    pub name: Option<Told>,
    pub version: Option<Told>,
    pub license: Option<Told>,
    pub publisher: Option<Told>,
    pub authors: Vec<Told>,
    pub description: Option<Told>,
    /// Where it was got from.
    pub url: Option<Told>,
    pub revision: Option<Told>,
    /// What it does: a pipeline tag, a framework, an architecture.
    pub about: Vec<Told>,
    /// Models it was made from, each with a transformation if it is told.
    pub parents: Vec<(Told, Option<&'static str>)>,
    pub datasets: Vec<Told>,
    /// The training run or code.
    pub training: Option<Told>,
    pub created: Option<Told>,
}

/// The names that [`Hints::gather`] reads; others are passed over.
pub fn is_telling(path: &str) -> bool {
    matches!(
        base(path),
        "Kitfile" | "MLmodel" | "README.md" | "config.json" | "adapter_config.json"
    )
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Hints {
    /// The first file to tell something is believed: the user's own packaging
    /// before the card, the card before the weights.
    pub fn gather(files: &[TextFile<'_>], facts: &Facts, artifact: &Artifact) -> Self {
        let mut hints = Self::default();
        for (name, read) in [
            ("Kitfile", kitfile::read as fn(&mut Self, TextFile<'_>)),
            ("MLmodel", mlmodel::read),
            ("README.md", card::read),
            ("adapter_config.json", config::read_adapter),
            ("config.json", config::read),
        ] {
            for file in files.iter().filter(|file| base(file.name) == name) {
                read(&mut hints, *file);
            }
        }
        hints.ask_facts(facts);
        hints.ask_source(artifact);
        hints
    }

    fn ask_source(&mut self, artifact: &Artifact) {
        let cache = "the cache it lies in";
        if let Some(repo) = &artifact.source.repo {
            // The cache knows; a card only claims.
            self.url = told(&format!("https://huggingface.co/{repo}"), cache);
            if let Some((publisher, name)) = repo.split_once('/') {
                self.publisher = told(publisher, cache);
                set(&mut self.name, name, cache);
            }
        }
        if let Some(revision) = &artifact.source.revision {
            self.revision = told(revision, cache);
        }
    }

    fn ask_facts(&mut self, facts: &Facts) {
        for metadata in &facts.metadata {
            let (value, from) = (metadata.value.as_str(), metadata.at.path.as_str());
            match metadata.key.as_str() {
                "general.name" | "modelspec.title" => set(&mut self.name, value, from),
                "general.version" => set(&mut self.version, value, from),
                "general.license" | "modelspec.license" => set(&mut self.license, value, from),
                "general.organization" => set(&mut self.publisher, value, from),
                "general.author" | "modelspec.author" => add(&mut self.authors, value, from),
                "general.description" | "modelspec.description" => {
                    set(&mut self.description, value, from);
                }
                "general.source.url" | "general.repo_url" | "general.url" => {
                    set(&mut self.url, value, from);
                }
                "general.architecture" | "modelspec.architecture" => {
                    add(&mut self.about, value, from);
                }
                "modelspec.date" => set(&mut self.created, value, from),
                key if key.starts_with("general.base_model.") && key.ends_with(".repo_url") => {
                    self.parent(value, None, from);
                }
                key if key.starts_with("general.dataset.") && key.ends_with(".repo_url") => {
                    add(&mut self.datasets, value, from);
                }
                _ => {}
            }
        }
        for reference in &facts.references {
            match reference.kind {
                ReferenceKind::BaseModel => self.parent(&reference.value, None, &reference.at.path),
                ReferenceKind::Dataset => {
                    add(&mut self.datasets, &reference.value, &reference.at.path);
                }
                _ => {}
            }
        }
    }

    /// A parent as `hf:org/name` when it is a repository's id or address.
    fn parent(&mut self, value: &str, transformation: Option<&'static str>, from: &str) {
        let id = value.trim().trim_start_matches("https://huggingface.co/");
        let value = if is_repo_id(id) {
            format!("hf:{id}")
        } else {
            value.to_owned()
        };
        let Some(told) = told(&value, from) else {
            return;
        };
        let known = self
            .parents
            .iter_mut()
            .find(|(known, _)| known.value == told.value);
        if let Some((_, known)) = known {
            *known = known.or(transformation);
        } else if self.parents.len() < MAX_LIST {
            self.parents.push((told, transformation));
        }
    }
}

/// `org/name` of a hub.
fn is_repo_id(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    text.split_once('/')
        .is_some_and(|(org, name)| part(org) && part(name))
}

/// One line of printable text, capped; nothing when nothing is left.
fn told(value: &str, from: &str) -> Option<Told> {
    let clean = |text: &str, cap: usize| {
        let mut kept = String::new();
        let mut more = false;
        for word in text.split_whitespace() {
            let word: String = word
                .chars()
                .filter(|c| !c.is_control() && !is_hidden(*c))
                .collect();
            if kept.chars().count().saturating_add(word.chars().count()) >= cap {
                more = true;
                break;
            }
            if !kept.is_empty() && !word.is_empty() {
                kept.push(' ');
            }
            kept.push_str(&word);
        }
        if more {
            kept.push('…');
        }
        kept
    };
    let value = clean(value, MAX_TEXT);
    (!value.is_empty() && value != "…").then(|| Told {
        value,
        from: clean(from, MAX_TEXT),
    })
}

/// Marks that turn or hide text around them.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn set(slot: &mut Option<Told>, value: &str, from: &str) {
    if slot.is_none() {
        *slot = told(value, from);
    }
}

fn add(list: &mut Vec<Told>, value: &str, from: &str) {
    let Some(told) = told(value, from) else {
        return;
    };
    if list.len() < MAX_LIST && !list.iter().any(|known| known.value == told.value) {
        list.push(told);
    }
}
