//! Text from hostile bytes, made safe to show.

/// At most `max` bytes of `text`, cut at a character, with what was cut told.
pub(crate) fn cap(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while end > 0 && !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    format!(
        "{}… ({} bytes)",
        text.get(..end).unwrap_or_default(),
        text.len()
    )
}

/// Printable text of bytes: control characters, bidirectional overrides and
/// invalid UTF-8 are escaped.
pub(crate) fn escape(bytes: &[u8], max: usize) -> String {
    let shown = bytes.get(..max).unwrap_or(bytes);
    let mut out = String::new();
    for chunk in shown.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_plain(character) {
                out.push(character);
            } else {
                out.extend(character.escape_default());
            }
        }
        for byte in chunk.invalid() {
            out.extend(byte.escape_ascii().map(char::from));
        }
    }
    if shown.len() < bytes.len() {
        out.push('…');
    }
    out
}

/// A member's name as one part of a path: control characters and the
/// container mark are escaped so that a path stays unambiguous.
pub(crate) fn path_part(name: &str) -> String {
    cap(&escape(name.as_bytes(), 1024).replace("!/", "\\x21/"), 1024)
}

fn is_plain(character: char) -> bool {
    !character.is_control()
        && !matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(escape(b"a\x1b[31m\n\xff", 64), "a\\u{1b}[31m\\n\\xff");
        assert_eq!(path_part("a!/b"), "a\\x21/b");
        assert_eq!(cap("häh", 2), "h… (4 bytes)");
    }
}
