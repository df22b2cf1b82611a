//! Where things stand in Rego text: the package, the rules and their lines.
//!
//! The evaluator does not tell which rule yielded a member of a set, so a
//! reason is led back to its rule by its code: the rule of that set whose text
//! holds the code as a string, else the only rule of that set whose code is
//! computed, else the first rule of that set. Rule heads are found at the
//! start of a line, where `opa fmt` puts them.

/// A top-level statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleText {
    pub name: String,
    /// 1-based.
    pub line: u32,
    /// Every string literal in it, with its line.
    pub strings: Vec<(String, u32)>,
    /// Every dotted word in it, with its line: `time.now_ns`.
    pub words: Vec<(String, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceMap {
    pub file: String,
    /// Dotted, as written: `modelward.user.names`.
    pub package: String,
    pub package_line: u32,
    pub rules: Vec<RuleText>,
}

enum Token {
    Word(String),
    Text(String),
    Other,
}

impl SourceMap {
    pub(crate) fn read(file: &str, text: &str) -> Self {
        let mut map = Self {
            file: file.to_owned(),
            package: String::new(),
            package_line: 1,
            rules: Vec::new(),
        };
        let mut expect_package = false;
        for (token, line, first) in tokens(text) {
            match token {
                Token::Word(word) if first && word == "package" => {
                    expect_package = true;
                    map.package_line = line;
                }
                Token::Word(word) if expect_package => {
                    map.package = word;
                    expect_package = false;
                }
                Token::Word(word) if first => map.rules.push(RuleText {
                    name: word,
                    line,
                    strings: Vec::new(),
                    words: Vec::new(),
                }),
                Token::Word(word) => {
                    if let Some(rule) = map.rules.last_mut() {
                        // `default x := …` is named by its second word.
                        if rule.name == "default" && rule.words.is_empty() {
                            rule.name.clone_from(&word);
                        }
                        rule.words.push((word, line));
                    }
                }
                Token::Text(text) => {
                    if let Some(rule) = map.rules.last_mut() {
                        rule.strings.push((text, line));
                    }
                }
                Token::Other => {}
            }
        }
        map
    }

    pub(crate) fn rules_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a RuleText> {
        self.rules.iter().filter(move |rule| rule.name == name)
    }
}

/// Splits text into words, strings and the rest, each with its line and
/// whether it stands at the very start of a line. Comments are dropped.
fn tokens(text: &str) -> Vec<(Token, u32, bool)> {
    let mut out = Vec::new();
    let mut line: u32 = 1;
    let mut start_of_line = true;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let first = start_of_line;
        start_of_line = false;
        let at = line;
        match c {
            '\n' => {
                line = line.saturating_add(1);
                start_of_line = true;
                rest = &rest[1..];
            }
            '#' => rest = rest.find('\n').map_or("", |end| &rest[end..]),
            '"' => {
                let (value, len) = quoted(rest);
                out.push((Token::Text(value), at, first));
                rest = &rest[len..];
            }
            '`' => {
                let len = rest[1..].find('`').map_or(rest.len(), |end| end + 2);
                let raw = rest[..len].trim_matches('`');
                line = line.saturating_add(u32::try_from(raw.matches('\n').count()).unwrap_or(0));
                out.push((Token::Text(raw.to_owned()), at, first));
                rest = &rest[len..];
            }
            c if is_word(c) => {
                let len = rest
                    .find(|c: char| !is_word(c) && c != '.')
                    .unwrap_or(rest.len());
                let word = rest[..len].trim_end_matches('.');
                out.push((Token::Word(word.to_owned()), at, first));
                rest = &rest[len..];
            }
            c => {
                if !c.is_whitespace() {
                    out.push((Token::Other, at, first));
                }
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A double-quoted string at the start of `text`: its content, without
/// resolving escapes, and its length with the quotes.
fn quoted(text: &str) -> (String, usize) {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (text[1..at].to_owned(), at + 1),
            '\n' => return (text[1..at].to_owned(), at),
            _ => escaped = false,
        }
    }
    (text.get(1..).unwrap_or("").to_owned(), text.len())
}

/// `file:line` of the rule that gave a reason with this code in this set.
pub(crate) fn place_of(sources: &[SourceMap], package: &str, set: &str, code: &str) -> String {
    let of_package = || sources.iter().filter(|source| source.package == package);
    let says = |rule: &RuleText| rule.strings.iter().any(|(text, _)| text == code);
    let place = |source: &SourceMap, line: u32| format!("{}:{line}", source.file);
    let heads =
        || of_package().flat_map(|source| source.rules_named(set).map(move |rule| (source, rule)));
    if let Some((source, rule)) = heads().find(|(_, rule)| says(rule)) {
        return place(source, rule.line);
    }
    // A helper set, such as `problems`, holds the code.
    for source in of_package() {
        if let Some(rule) = source.rules.iter().find(|rule| says(rule)) {
            return place(source, rule.line);
        }
    }
    // A finding's rule id: the rule that passes findings on.
    for source in of_package() {
        let passes = |rule: &&RuleText| rule.words.iter().any(|(word, _)| word == "input.findings");
        if let Some(rule) = source.rules.iter().find(passes) {
            return place(source, rule.line);
        }
    }
    heads()
        .next()
        .map(|(source, rule)| place(source, rule.line))
        .or_else(|| {
            of_package()
                .next()
                .map(|source| place(source, source.package_line))
        })
        .unwrap_or_else(|| package.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# deny contains nothing
package modelward.user.names

import data.modelward.tier

banned := {"evil"} # "not-this"

deny contains {"code": "name-banned", "message": m} if {
	input.artifact.name in banned
	m := "a \"quoted\" name"
}

default quiet := false

hold contains reason if {
	some f in input.findings
	reason := {"code": f.rule}
}
"#;

    #[test]
    fn a_reason_is_led_back_to_the_line_of_its_rule() {
        let map = SourceMap::read("names.rego", TEXT);
        assert_eq!(map.package, "modelward.user.names");
        assert_eq!(map.package_line, 2);
        assert!(map.rules_named("quiet").count() == 1);
        let sources = [map];
        let at = |set, code| place_of(&sources, "modelward.user.names", set, code);
        assert_eq!(at("deny", "name-banned"), "names.rego:8");
        assert_eq!(at("hold", "pickle-calls-code"), "names.rego:15");
        assert_eq!(at("deny", "unknown"), "names.rego:15");
    }

    #[test]
    fn broken_text_is_read_to_its_end() {
        for text in [
            "\"",
            "`",
            "package",
            "# x",
            "a\"\\",
            "é\"é",
            "x := `a\nb`\ny := 1",
        ] {
            SourceMap::read("x", text);
        }
    }
}
