//! What must not get into a record.

/// Variables whose values say how numbers come out and nothing else.
pub(super) const TOLD: [&str; 14] = [
    "CUDA_VISIBLE_DEVICES",
    "CUBLAS_WORKSPACE_CONFIG",
    "HF_HUB_OFFLINE",
    "LANG",
    "MKL_NUM_THREADS",
    "NVIDIA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "PYTHONHASHSEED",
    "PYTORCH_CUDA_ALLOC_CONF",
    "SLURM_JOB_ID",
    "SOURCE_DATE_EPOCH",
    "TF_DETERMINISTIC_OPS",
    "TRANSFORMERS_OFFLINE",
    "TZ",
];

const HIDDEN: &str = "[not recorded]";

/// Words of names whose values are nobody's business.
const WORDS: [&str; 12] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "credential",
    "auth",
    "apikey",
    "api-key",
    "private-key",
    "access-key",
    "session",
];

/// By the name of a variable or option.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase().replace('_', "-");
    // `tokenizer` and `max-tokens` are not secret, `hf-token` is.
    let name = name
        .replace("tokenizer", "")
        .replace("tokens", "")
        .replace("author", "");
    WORDS.iter().any(|word| name.contains(word)) || name.ends_with("-key") || name == "key"
}

/// The command's words, the values of secret options and passwords in addresses
/// left out.
pub(super) fn without(argv: &[String]) -> Vec<String> {
    let mut out = Vec::with_capacity(argv.len());
    let mut hide = false;
    for word in argv {
        if std::mem::take(&mut hide) && !word.starts_with('-') {
            out.push(HIDDEN.to_owned());
            continue;
        }
        match word.split_once('=') {
            Some((name, _)) if is_secret(name) => out.push(format!("{name}={HIDDEN}")),
            _ => {
                hide = word.starts_with('-') && is_secret(word);
                out.push(address(word));
            }
        }
    }
    out
}

/// `https://user:password@host` → `https://host`.
pub(super) fn address(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "HF_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "--api-key",
            "DB_PASSWORD",
            "--token",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "PATH",
            "--tokenizer",
            "--max-tokens",
            "KEYMAP",
            "LANG",
            "--model",
            "AUTHOR",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn the_values_of_secret_options_are_left_out() {
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let told = without(&words(
            "x --token abc --hf-token=def --quiet https://u:p@host/a -o out",
        ));
        assert_eq!(
            told.join(" "),
            "x --token [not recorded] --hf-token=[not recorded] --quiet https://host/a -o out"
        );
    }
}
