//! What a scalar says once its lines are folded and its escapes read.

use super::MAX_SCALAR;

/// Line breaks within a quoted scalar are spaces.
pub(super) fn fold(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len().min(MAX_SCALAR));
    for (at, line) in raw.split('\n').enumerate() {
        if at > 0 {
            out.truncate(out.trim_end().len());
            out.push(' ');
            out.push_str(line.trim_start());
        } else {
            out.push_str(line);
        }
    }
    out
}

/// Escapes of a double-quoted scalar.
pub(super) fn unescape(raw: &str) -> String {
    let folded = fold(raw);
    let mut out = String::with_capacity(folded.len());
    let mut rest = folded.as_str();
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut characters = after.chars();
        let first = characters.next();
        let digits: usize = match first {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            _ => 0,
        };
        let coded = after
            .get(1..digits.saturating_add(1))
            .filter(|_| digits > 0)
            .and_then(|hex| char::from_u32(u32::from_str_radix(hex, 16).ok()?));
        if let Some(character) = coded {
            out.push(character);
            rest = after.get(digits.saturating_add(1)..).unwrap_or_default();
            continue;
        }
        out.extend(first.map(|first| match first {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '0' => '\0',
            'e' => '\u{1b}',
            other => other,
        }));
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}
