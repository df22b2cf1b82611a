//! Go's `text/template` as Ollama renders it: literal text and the fields and
//! functions its actions name.

use modelward_schema::{Location, Template, TemplateUse, UseKind};

use crate::text;

/// Go templates reach their input as `.Name`, which Jinja never does at the
/// start of an expression.
pub(super) fn is_go(source: &str) -> bool {
    let mut actions = source.split("{{").skip(1).map(|after| {
        let inner = after.trim_start_matches('-').trim_start();
        let keyword = ["if ", "range ", "with ", "and ", "or ", "eq ", "not "]
            .iter()
            .find_map(|word| inner.strip_prefix(word));
        let operand = keyword.unwrap_or(inner).trim_start_matches(['(', ' ']);
        operand.starts_with('.') || operand.starts_with("$.")
    });
    !source.contains("{%") && actions.any(|go| go)
}

pub(super) fn read(
    source: &str,
    place: &dyn Fn(usize, usize) -> Location,
    template: &mut Template,
) {
    let mut at = 0_usize;
    while let Some(rest) = source.get(at..).filter(|rest| !rest.is_empty()) {
        let open = rest.find("{{").unwrap_or(rest.len());
        let literal = rest.get(..open).unwrap_or_default();
        if !literal.trim().is_empty() && template.literals.len() < 200 {
            template.literals.push(TemplateUse {
                kind: UseKind::Text,
                what: text::cap(literal, 1024),
                under: None,
                at: place(at, at.saturating_add(open)),
            });
        }
        let action = rest.get(open..).unwrap_or_default();
        let close = action
            .find("}}")
            .map_or(action.len(), |close| close.saturating_add(2));
        let start = at.saturating_add(open);
        let end = start.saturating_add(close);
        for word in action
            .get(..close)
            .unwrap_or_default()
            .split(|character: char| {
                !(character.is_alphanumeric() || matches!(character, '.' | '_' | '$'))
            })
        {
            let (kind, what) = match word.strip_prefix('.') {
                Some(field) => (UseKind::Attribute, field),
                None => (UseKind::Call, word),
            };
            let known = template
                .uses
                .iter()
                .any(|use_| use_.kind == kind && use_.what == what);
            if !what.is_empty() && !known && template.uses.len() < 200 {
                template.uses.push(TemplateUse {
                    kind,
                    what: text::cap(what, 256),
                    under: None,
                    at: place(start, end),
                });
            }
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_engines_are_told_apart() {
        assert!(is_go("{{ if .System }}{{ .System }}{{ end }}"));
        assert!(is_go("{{- range .Messages }}x{{ end }}"));
        assert!(!is_go("{{ messages[0].content }}{% if a %}{% endif %}"));
        assert!(!is_go("{{ bos_token }}"));
    }
}
