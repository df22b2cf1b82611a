//! Where packages come from: pip's options and direct addresses.

use modelward_schema::{Location, ReferenceKind};

use crate::plain::secret;
use crate::{Session, text};

/// Options of `pip install` and of requirements files that name a place.
const OPTIONS: [&str; 6] = [
    "--index-url",
    "--extra-index-url",
    "--find-links",
    "--trusted-host",
    "-i",
    "-f",
];

/// Tells of the place that a requirement line names, if it names one.
pub(crate) fn read_requirement(line: &str, at: &dyn Fn() -> Location, session: &mut Session<'_>) {
    let line = line.trim();
    let option = OPTIONS.iter().find_map(|option| {
        let rest = line.strip_prefix(option)?;
        let value = rest.trim_start_matches([' ', '=', '\t']);
        (value.len() < rest.len()).then_some((*option, value))
    });
    let (kind, place) = match option {
        Some(("--trusted-host", host)) => ("trusted-host", host),
        Some((_, place)) => ("index", place),
        None => match direct(line) {
            Some(place) => ("direct", place),
            None => return package(line, at, session),
        },
    };
    let place = place.split_whitespace().next().unwrap_or_default();
    let place = secret::redact(place);
    session.metadata(
        format!("dependency/{kind}"),
        &text::escape(place.as_bytes(), 512),
        at(),
    );
    session.reference(ReferenceKind::Url, &place, at());
}

/// `name==1.2`, `name[extra]>=1,<2 ; python_version < "3.12"`: told as written,
/// without comment and marker.
fn package(line: &str, at: &dyn Fn() -> Location, session: &mut Session<'_>) {
    let line = line.split(['#', ';']).next().unwrap_or_default().trim();
    let named = line.starts_with(|first: char| first.is_ascii_alphanumeric());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.[],<>=!~* +".contains(&byte);
    if named && line.len() <= 200 && line.bytes().all(plain) {
        session.metadata("requirement", line, at());
    }
}

/// `name @ https://…`, `git+https://…`.
fn direct(line: &str) -> Option<&str> {
    let place = match line.split_once(" @ ") {
        Some((_, place)) => place.trim(),
        None => line.trim_start_matches("-e ").trim_start(),
    };
    ["git+", "hg+", "svn+", "http://", "https://", "file://"]
        .iter()
        .any(|scheme| place.starts_with(scheme))
        .then_some(place)
}

#[cfg(test)]
mod tests {
    use modelward_schema::Facts;

    use crate::{Limits, read};

    fn facts(name: &str, text: &str) -> Facts {
        read(name, text.as_bytes(), &Limits::default())
    }

    #[test]
    fn places_of_packages_are_told() {
        let facts = facts(
            "requirements.txt",
            "torch==2.0\n--extra-index-url https://p.example/simple\nx @ https://e.example/x.whl\n-r more.txt\n",
        );
        let keys: Vec<&str> = facts
            .metadata
            .iter()
            .map(|entry| entry.key.as_str())
            .filter(|key| key.starts_with("dependency/"))
            .collect();
        assert_eq!(keys, ["dependency/index", "dependency/direct"]);
        assert_eq!(facts.metadata[1].key, "requirement");
        assert_eq!(facts.metadata[1].value, "torch==2.0");
        assert_eq!(facts.references[0].at.line, Some(2));
    }

    #[test]
    fn an_environment_file_tells_them_too() {
        let facts = facts(
            "conda.yaml",
            "dependencies:\n- pip:\n  - --index-url http://p.example/simple\n  - torch\n",
        );
        assert_eq!(facts.files[0].format, "yaml");
        assert_eq!(facts.metadata[0].value, "http://p.example/simple");
        assert_eq!(facts.metadata[1].value, "torch");
    }
}
