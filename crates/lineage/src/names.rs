//! Patterns of tensor names in claims and configurations.

/// A whole name, the beginning of one up to a dot, its end after a dot, or a
/// pattern with `*`.
pub(crate) fn matches(name: &str, pattern: &str) -> bool {
    let pattern = pattern
        .trim_start_matches('^')
        .trim_end_matches('$')
        .replace(".*", "*")
        .replace("\\.", ".");
    if pattern.contains('*') {
        return glob(name, &pattern);
    }
    let bare = pattern.trim_end_matches('.');
    name == bare
        || name
            .strip_prefix(bare)
            .is_some_and(|rest| rest.starts_with('.'))
        || name
            .strip_suffix(bare)
            .is_some_and(|rest| rest.ends_with('.'))
        || name.contains(&format!(".{bare}."))
}

pub(crate) fn matches_any(name: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| matches(name, pattern))
}

fn glob(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_mean_what_people_write() {
        let name = "model.layers.3.self_attn.q_proj.weight";
        for pattern in [
            "model.layers.3",
            "model.layers.3.",
            name,
            "q_proj.weight",
            "q_proj",
            "model.*.weight",
            "*q_proj*",
            r"^model\.layers\.3\..*",
        ] {
            assert!(matches(name, pattern), "{pattern}");
        }
        for pattern in ["model.layers.30", "layers.4", "proj", "k_proj", "*.bias"] {
            assert!(!matches(name, pattern), "{pattern}");
        }
    }
}
