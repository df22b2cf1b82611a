//! What a model card says: the front matter of a `README.md` and the beginning
//! of the sections that a bill of materials has fields for.
//!
//! Follows the Hugging Face model card metadata (`datasets`, `language`,
//! `model-index`…) and the section names of its annotated card template.

use modelward_schema::Location;

use super::{Level, Settings, dotted};
use crate::plain::{Lines, secret};
use crate::{Input, Session, text};

/// Values told per card.
const MAX_VALUES: u32 = 200;
/// Bytes kept of one value or section.
const MAX_TEXT: usize = 1024;

/// Words in a heading, and the name the section gets.
const SECTIONS: [(&str, &str); 10] = [
    ("out-of-scope", "out-of-scope"),
    ("limitation", "limitations"),
    ("intended use", "uses"),
    ("direct use", "uses"),
    ("ethical", "ethics"),
    ("bias", "ethics"),
    ("training data", "training-data"),
    ("training procedure", "training"),
    ("evaluation", "evaluation"),
    ("environmental", "environment"),
];

pub(super) fn is_card(file: &str) -> bool {
    file.eq_ignore_ascii_case("readme.md")
}

impl Settings<'_> {
    pub(super) fn card(
        &mut self,
        way: &[Level<'_>],
        value: &str,
        at: &dyn Fn() -> Location,
        session: &mut Session<'_>,
    ) {
        if !is_card(self.file) || self.card >= MAX_VALUES || value.is_empty() {
            return;
        }
        self.card = self.card.saturating_add(1);
        let shown = text::cap(&secret::redact(value), MAX_TEXT);
        session.metadata(format!("card.{}", dotted(way)), &shown, at());
    }
}

/// Tells the first lines of each known section.
pub(crate) fn read_sections(input: &Input<'_>, lines: &Lines<'_>, session: &mut Session<'_>) {
    if !is_card(input.name()) {
        return;
    }
    let mut section: Option<(&str, usize, Vec<u8>)> = None;
    let mut start = 0_usize;
    for line in input.bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"#") {
            tell(section.take(), lines, session);
            let heading = String::from_utf8_lossy(line).to_ascii_lowercase();
            section = SECTIONS
                .iter()
                .find(|(word, _)| heading.contains(word))
                .map(|(_, name)| (*name, start, Vec::new()));
        } else if let Some((_, _, body)) = &mut section
            && body.len() < MAX_TEXT
        {
            body.extend_from_slice(line);
        }
        start = start.saturating_add(line.len());
    }
    tell(section, lines, session);
}

fn tell(section: Option<(&str, usize, Vec<u8>)>, lines: &Lines<'_>, session: &mut Session<'_>) {
    let Some((name, start, body)) = section else {
        return;
    };
    let body = String::from_utf8_lossy(&body);
    let body = body.trim();
    // The template's own placeholder says nothing.
    if body.is_empty() || body.starts_with("[More Information Needed]") {
        return;
    }
    session.metadata(
        format!("card.section/{name}"),
        &text::cap(&secret::redact(body), MAX_TEXT),
        lines.at(start, 1),
    );
}

#[cfg(test)]
mod tests {
    use crate::{Limits, read};

    #[test]
    fn a_card_is_told_by_its_keys_and_sections() {
        let card = "---\nlanguage: [en, de]\nmodel-index:\n- results:\n  - metrics:\n    - type: acc\n      value: 0.5\n---\n# T\n## Bias, Risks, and Limitations\nEnglish only.\n## Other\nx\n";
        let facts = read("README.md", card.as_bytes(), &Limits::default());
        let told = |key: &str| {
            facts
                .metadata
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| entry.value.as_str())
        };
        assert_eq!(told("card.language[1]"), Some("de"));
        let scores = facts.metadata.iter().filter(|entry| {
            entry.key.starts_with("card.model-index") && entry.key.ends_with("value")
        });
        assert_eq!(
            scores.map(|entry| &entry.value).collect::<Vec<_>>(),
            ["0.5"]
        );
        assert_eq!(told("card.section/limitations"), Some("English only."));
        assert_eq!(told("card.section/uses"), None);
    }

    #[test]
    fn sizes_are_told_of_a_configuration() {
        let facts = read(
            "config.json",
            br#"{"hidden_size": 64, "text_config": {"num_hidden_layers": 2}, "x": 1}"#,
            &Limits::default(),
        );
        let keys: Vec<&str> = facts.metadata.iter().map(|m| m.key.as_str()).collect();
        assert_eq!(keys, ["hidden_size", "text_config.num_hidden_layers"]);
    }
}
