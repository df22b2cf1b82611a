//! Licence words of model cards as SPDX expressions.

/// The SPDX expression that `text` is or plainly means (`apache-2.0`,
/// `MIT OR Apache-2.0`); absent for hub words that are no licence of SPDX
/// (`llama3`, `other`, `openrail`).
pub(crate) fn expression(text: &str) -> Option<String> {
    let text = text.trim();
    if let Ok(parsed) = spdx::Expression::parse(text) {
        return Some(parsed.to_string());
    }
    spdx::identifiers::LICENSES
        .iter()
        .find(|licence| licence.name.eq_ignore_ascii_case(text))
        .map(|licence| licence.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn hub_words_become_identifiers_or_nothing() {
        assert_eq!(expression("apache-2.0").as_deref(), Some("Apache-2.0"));
        assert_eq!(
            expression("MIT OR Apache-2.0").as_deref(),
            Some("MIT OR Apache-2.0")
        );
        assert_eq!(expression("mit").as_deref(), Some("MIT"));
        assert_eq!(expression("llama3"), None);
        assert_eq!(expression("other"), None);
    }
}
