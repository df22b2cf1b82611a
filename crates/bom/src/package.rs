//! Names of packages: requirement lines and package URLs.

/// A package that the model's files ask for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Requirement {
    /// Normalised as PEP 503 has it.
    pub(crate) name: String,
    /// Exact only when pinned by `==`.
    pub(crate) version: Option<String>,
    /// The constraint as written, when it is not a pin.
    pub(crate) constraint: Option<String>,
}

impl Requirement {
    /// `name[extra]==1.0`.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let end = line
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        if name.is_empty() {
            return None;
        }
        let rest = match rest.trim_start().strip_prefix('[') {
            Some(extras) => extras.split_once(']')?.1,
            None => rest,
        }
        .trim();
        let pinned = rest
            .strip_prefix("===")
            .or_else(|| rest.strip_prefix("=="))
            .map(str::trim)
            .filter(|version| !version.is_empty() && !version.contains(['*', ',', ' ']));
        Some(Self {
            name: normalise(name),
            version: pinned.map(str::to_owned),
            constraint: (pinned.is_none() && !rest.is_empty()).then(|| rest.to_owned()),
        })
    }

    pub(crate) fn purl(&self) -> String {
        match &self.version {
            Some(version) => format!("pkg:pypi/{}@{}", self.name, encode(version)),
            None => format!("pkg:pypi/{}", self.name),
        }
    }
}

fn normalise(name: &str) -> String {
    let mut out = String::new();
    for part in name.split(['-', '_', '.']).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push('-');
        }
        out.push_str(&part.to_ascii_lowercase());
    }
    out
}

/// `pkg:huggingface/org/name@revision` for a hub's repository, else
/// `pkg:generic/name@version`.
pub(crate) fn model_purl(repo: Option<&str>, name: &str, version: Option<&str>) -> String {
    let version = version.map_or_else(String::new, |version| format!("@{}", encode(version)));
    match repo {
        Some(repo) => {
            let parts: Vec<String> = repo.split('/').map(encode).collect();
            format!("pkg:huggingface/{}{version}", parts.join("/"))
        }
        None => format!("pkg:generic/{}{version}", encode(name)),
    }
}

/// Percent-encoding of a part of a package URL.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_a_version_and_a_range_is_not() {
        let pinned = Requirement::parse("Torch_Vision==0.2.1").expect("a requirement");
        assert_eq!(pinned.purl(), "pkg:pypi/torch-vision@0.2.1");
        let range = Requirement::parse("transformers[sentencepiece]>=4.4,<5").expect("one");
        assert_eq!(range.version, None);
        assert_eq!(range.constraint.as_deref(), Some(">=4.4,<5"));
        assert_eq!(Requirement::parse("==1"), None);
    }

    #[test]
    fn names_are_encoded() {
        assert_eq!(
            model_purl(Some("acme/tiny model"), "x", Some("1")),
            "pkg:huggingface/acme/tiny%20model@1"
        );
    }
}
