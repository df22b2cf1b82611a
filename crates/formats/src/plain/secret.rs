//! Credentials in text, by the formats their issuers document.
//!
//! Only formats with a fixed mark and a fixed alphabet count (AWS, GitHub,
//! GitLab, Google, Hugging Face, OpenAI-style, Slack, private keys), and values
//! that stand under a key which says so. The value itself never leaves this
//! module: facts carry its kind, its first four characters and its length.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::Lines;
use crate::Session;

struct Kind {
    name: &'static str,
    mark: &'static str,
    /// Characters after the mark, at least and at most.
    least: usize,
    most: usize,
    alphabet: fn(u8) -> bool,
}

const fn kind(
    name: &'static str,
    mark: &'static str,
    (least, most): (usize, usize),
    alphabet: fn(u8) -> bool,
) -> Kind {
    Kind {
        name,
        mark,
        least,
        most,
        alphabet,
    }
}

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn any(_: u8) -> bool {
    true
}

static KINDS: &[Kind] = &[
    kind("aws-access-key", "AKIA", (16, 16), upper),
    kind("aws-access-key", "ASIA", (16, 16), upper),
    kind("github-token", "ghp_", (36, 36), alnum),
    kind("github-token", "gho_", (36, 36), alnum),
    kind("github-token", "ghs_", (36, 36), alnum),
    kind("github-token", "ghu_", (36, 36), alnum),
    kind("github-token", "github_pat_", (60, 100), word),
    kind("gitlab-token", "glpat-", (20, 30), word),
    kind("google-api-key", "AIza", (35, 35), word),
    kind("hugging-face-token", "hf_", (30, 40), alnum),
    kind("model-api-key", "sk-ant-", (30, 120), word),
    kind("model-api-key", "sk-proj-", (30, 200), word),
    kind("model-api-key", "sk-", (48, 48), alnum),
    kind("slack-token", "xoxb-", (20, 100), word),
    kind("slack-token", "xoxp-", (20, 100), word),
    kind(
        "private-key",
        "-----BEGIN RSA PRIVATE KEY-----",
        (0, 0),
        any,
    ),
    kind("private-key", "-----BEGIN EC PRIVATE KEY-----", (0, 0), any),
    kind("private-key", "-----BEGIN PRIVATE KEY-----", (0, 0), any),
    kind(
        "private-key",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        (0, 0),
        any,
    ),
    kind(
        "private-key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        (0, 0),
        any,
    ),
];

static MARKS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(KINDS.iter().map(|kind| kind.mark)).ok());

/// Start and end of every credential in `text`, and what it is.
fn find(text: &[u8]) -> impl Iterator<Item = (usize, usize, &'static str)> + '_ {
    let marks = MARKS.as_ref();
    marks
        .into_iter()
        .flat_map(move |marks| marks.find_overlapping_iter(text))
        .filter_map(move |found| {
            let kind = KINDS.get(found.pattern().as_usize())?;
            let before = found.start().checked_sub(1).and_then(|at| text.get(at));
            if kind.most > 0 && before.is_some_and(|byte| word(*byte)) {
                return None;
            }
            let rest = text.get(found.end()..)?;
            let len = rest
                .iter()
                .take(kind.most.saturating_add(1))
                .position(|byte| !(kind.alphabet)(*byte))
                .unwrap_or(rest.len().min(kind.most.saturating_add(1)));
            let fits = len >= kind.least && len <= kind.most || kind.most == 0;
            let end = found.end().saturating_add(len.min(kind.most));
            fits.then_some((found.start(), end, kind.name))
        })
}

/// Says of each credential in the text that it is there.
pub(crate) fn scan(text: &[u8], lines: &Lines<'_>, session: &mut Session<'_>) {
    for (start, end, name) in find(text).take(1000) {
        let shown = mask(text.get(start..end).unwrap_or_default());
        let len = end.saturating_sub(start);
        session.metadata(format!("secret/{name}"), &shown, lines.at(start, len));
    }
}

/// A value that stands under a key such as `api_key`, when it looks drawn at
/// random. `None` when it does not.
pub(crate) fn under_key(key: &str, value: &str) -> Option<String> {
    if !(16..=200).contains(&value.len()) {
        return None;
    }
    let key = key.to_ascii_lowercase().replace('-', "_");
    let says_so = [
        "api_key",
        "apikey",
        "secret_access_key",
        "secret_key",
        "client_secret",
        "access_token",
        "auth_token",
        "private_key",
        "password",
        "hf_token",
        "passwd",
    ]
    .iter()
    .any(|name| key == *name || key.ends_with(&format!("_{name}")));
    let drawn = value
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'$' | b'<' | b'*'))
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !value.contains("://")
        && distinct(value) >= 10;
    (says_so && drawn).then(|| mask(value.as_bytes()))
}

fn distinct(value: &str) -> u32 {
    let mut seen = 0_u128;
    for byte in value.bytes().filter(u8::is_ascii) {
        seen |= 1_u128.checked_shl(u32::from(byte)).unwrap_or(0);
    }
    seen.count_ones()
}

fn mask(value: &[u8]) -> String {
    let head: String = value.iter().take(4).copied().map(char::from).collect();
    format!("{head}… ({} characters)", value.len())
}

/// `text` with every credential masked.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut done = 0_usize;
    for (start, end, _) in find(text.as_bytes()) {
        if start < done {
            continue;
        }
        out.push_str(text.get(done..start).unwrap_or_default());
        out.push_str(&mask(text.as_bytes().get(start..end).unwrap_or_default()));
        done = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        find(text.as_bytes()).map(|(_, _, name)| name).collect()
    }

    #[test]
    fn documented_formats_are_found_and_words_are_not() {
        let aws = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        let hub = format!("hf_{}", "a".repeat(34));
        assert_eq!(
            kinds(&format!("k={aws}\n\"{hub}\"")),
            ["aws-access-key", "hugging-face-token"]
        );
        assert_eq!(
            kinds("hf_hub_download AKIAIOSFODNN7EXAMPLEX sk-learn xoxb-"),
            [""; 0]
        );
        assert_eq!(kinds(&format!("x{hub}")), [""; 0]);
    }

    #[test]
    fn the_value_never_shows() {
        let token = format!("ghp_{}", "Ab1".repeat(12));
        let shown = redact(&format!("token {token} end")).into_owned();
        assert_eq!(shown, "token ghp_… (40 characters) end");
    }

    #[test]
    fn a_key_alone_is_not_enough() {
        assert!(under_key("aws_secret_access_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYKEY").is_some());
        assert!(under_key("api_key", "YOUR_API_KEY_GOES_HERE").is_none());
        assert!(under_key("api_key", "${API_KEY_FROM_ENV_1}").is_none());
        assert!(under_key("pad_token", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYKEY").is_none());
    }
}
