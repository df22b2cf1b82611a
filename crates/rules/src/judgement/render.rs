//! Calls as people read them, kept short.

use std::fmt::Write as _;

use modelward_schema::{Code, Term};

const LONGEST_TEXT: usize = 60;
const LONGEST_CALL: usize = 200;
const DEEPEST: u32 = 3;

/// `os.system("id")`.
pub(crate) fn call(code: &Code) -> String {
    let mut out = name(&code.target);
    out.push('(');
    let mut first = true;
    for arg in &code.args {
        separate(&mut out, &mut first);
        term(&mut out, arg, 0);
    }
    for (key, value) in &code.kwargs {
        separate(&mut out, &mut first);
        let _ = write!(out, "{}=", escape(key));
        term(&mut out, value, 0);
    }
    cut(&mut out, LONGEST_CALL);
    out.push(')');
    out
}

/// A name with everything that could disturb a terminal escaped.
pub(crate) fn name(name: &str) -> String {
    let mut out = escape(name);
    cut(&mut out, 120);
    out
}

fn escape(text: &str) -> String {
    text.chars()
        .take(512)
        .flat_map(|c| {
            let plain = c == ' ' || (!c.is_control() && !c.is_whitespace() && c.is_ascii());
            if plain || c.is_alphanumeric() {
                vec![c]
            } else {
                c.escape_default().collect()
            }
        })
        .collect()
}

fn term(out: &mut String, arg: &Term, depth: u32) {
    if out.len() > LONGEST_CALL || depth > DEEPEST {
        out.push('…');
        return;
    }
    match arg {
        Term::None => out.push_str("None"),
        Term::Bool(true) => out.push_str("True"),
        Term::Bool(false) => out.push_str("False"),
        Term::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Term::BigInt(size) => {
            let _ = write!(out, "<integer of {size} bytes>");
        }
        Term::Float(number) => {
            let _ = write!(out, "{number:?}");
        }
        Term::Str { text, len } => {
            let mut shown = escape(text).replace('"', "\\\"");
            let kept = shown.len();
            cut(&mut shown, LONGEST_TEXT);
            let more = if shown.len() < kept || *len > text.len() as u64 {
                format!(" ({len} bytes)")
            } else {
                String::new()
            };
            let _ = write!(out, "\"{shown}\"{more}");
        }
        Term::Bytes { len, .. } => {
            let _ = write!(out, "<{len} bytes>");
        }
        Term::Tuple { items, more } => sequence(out, '(', ')', items, *more, depth),
        Term::List { items, more } => sequence(out, '[', ']', items, *more, depth),
        Term::Set { items, more } => sequence(out, '{', '}', items, *more, depth),
        Term::Dict { items, more } => {
            out.push('{');
            let mut first = true;
            for (key, value) in items.iter().take(4) {
                separate(out, &mut first);
                term(out, key, depth + 1);
                out.push_str(": ");
                term(out, value, depth + 1);
            }
            if *more > 0 || items.len() > 4 {
                out.push_str(", …");
            }
            out.push('}');
        }
        Term::Global(global) => out.push_str(&name(global)),
        Term::Result { target, args } => {
            out.push_str(&name(target));
            sequence(out, '(', ')', args, 0, depth);
        }
        Term::Persistent => out.push_str("<stored object>"),
        Term::Unknown => out.push('…'),
    }
}

fn sequence(out: &mut String, open: char, close: char, items: &[Term], more: u64, depth: u32) {
    out.push(open);
    let mut first = true;
    for item in items.iter().take(6) {
        separate(out, &mut first);
        term(out, item, depth + 1);
    }
    if more > 0 || items.len() > 6 {
        out.push_str(", …");
    }
    out.push(close);
}

fn separate(out: &mut String, first: &mut bool) {
    if !std::mem::take(first) {
        out.push_str(", ");
    }
}

fn cut(text: &mut String, longest: usize) {
    if text.len() > longest {
        let end = (0..=longest)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_short_and_cannot_disturb_a_terminal() {
        let mut out = String::new();
        let text = format!("\u{1b}[2J\u{202e}{}", "x".repeat(500));
        term(
            &mut out,
            &Term::Str {
                len: text.len() as u64,
                text,
            },
            0,
        );
        assert!(out.starts_with("\"\\u{1b}[2J\\u{202e}xxx"), "{out}");
        assert!(out.ends_with("…\" (507 bytes)") && out.len() < 120, "{out}");
    }
}
