//! Every place where text of an artifact could be taken for something else
//! (a terminal sequence, markup, a link, a workflow command) has its escape
//! here. Text in a report is escaped already; this is the second lock.

use std::fmt::Write as _;

/// A character that moves, hides or reorders what a reader sees.
fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// One line of printable text.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_active(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// JSON text with active characters inside its strings as `\u` escapes: the
/// same document, harmless on a terminal. Newlines between members stay.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for character in text.chars() {
        if character != '\n' && is_active(character) {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// Text or attribute value of HTML and XML.
pub(super) fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in plain(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// Text in Markdown, also in a cell of a table: no markup, no link, no mention.
pub(super) fn markdown(text: &str) -> String {
    let text = plain(text);
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A forge notifies people and links issues; a space that has no
            // width keeps it from doing so and reads the same.
            '@' | '#' => {
                out.push(character);
                out.push_str("&#8203;");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '!' | '|' | '~' | '$' | ':' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    // The other form that becomes a link by itself.
    out.replace("www.", "www\\.")
}

/// A code span in Markdown, also in a cell of a table.
pub(super) fn code(text: &str) -> String {
    let text = plain(text).replace('|', "\\|");
    let (mut longest, mut run) = (0, 0);
    for character in text.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The message of a GitHub workflow command; lines are joined by `%0A`.
pub(super) fn command(lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| plain(line).replace('%', "%25"))
        .collect::<Vec<_>>()
        .join("%0A")
}

/// The value of a property of a GitHub workflow command.
pub(super) fn property(text: &str) -> String {
    plain(text)
        .replace('%', "%25")
        .replace(':', "%3A")
        .replace(',', "%2C")
}

/// A path as a relative or `file:` URI reference (RFC 3986).
pub(super) fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_active_survives() {
        let hostile = "a\u{1b}]0;x\u{7}\u{202e}b\u{e0041}\r\n\u{9b}31m\u{2028}";
        for text in [
            plain(hostile),
            json(&serde_json::to_string(hostile).expect("text is JSON")),
            markup(hostile),
            markdown(hostile),
            code(hostile),
            command(&[hostile]),
            property(hostile),
            uri(hostile),
        ] {
            assert!(!text.chars().any(is_active), "{text:?}");
        }
    }

    #[test]
    fn escaped_json_is_the_same_document() {
        let hostile = "a\u{7f}\u{202e}\u{e0041}\u{1b}";
        let text = json(&serde_json::to_string(hostile).expect("text is JSON"));
        assert_eq!(
            serde_json::from_str::<String>(&text).expect("still JSON"),
            hostile
        );
    }

    #[test]
    fn markup_and_commands_stay_text() {
        assert_eq!(
            markup("<a href='x'>&\""),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;"
        );
        assert_eq!(
            markdown("[x](http://y) @all #1 |"),
            "\\[x\\]\\(http\\://y\\) @&#8203;all #&#8203;1 \\|"
        );
        assert_eq!(code("a`b|c"), "``a`b\\|c``");
        assert_eq!(command(&["50%", "a\nb"]), "50%25%0Aa\\nb");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
        assert_eq!(uri("a b/ü#?.pt"), "a%20b/%C3%BC%23%3F.pt");
        assert_eq!(uri("/tmp/x"), "file:///tmp/x");
    }
}
