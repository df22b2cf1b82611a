//! `modelward verify --blob`: what a Sigstore bundle proves about one file.

use serde::Serialize;

use super::paint::Paint;
use super::{RenderOptions, escape};

/// The answer, for one file.
#[derive(Debug, Clone, Serialize)]
pub struct Blob {
    pub verified: bool,
    pub file: String,
    pub signature: String,
    /// Who is proven to have signed; absent when refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// Proven times at which the signature existed, RFC 3339, earliest first.
    pub times: Vec<String>,
    /// Whether the signature is proven to be in a transparency log.
    pub logged: bool,
    /// Why not, by name and in words; absent when verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Signer {
    Identity { identity: String, issuer: String },
    Key,
}

/// The document, indented.
pub fn json(blob: &Blob) -> String {
    let text = serde_json::to_string_pretty(blob).unwrap_or_else(|_| "{}".to_owned());
    escape::json(&text) + "\n"
}

pub fn text(blob: &Blob, options: &RenderOptions) -> String {
    let paint = Paint::new(options.colour);
    let file = escape::plain(&blob.file);
    if let Some(reason) = &blob.reason {
        let message = blob.message.as_deref().unwrap_or_default();
        return format!(
            "\n  {}  {}  {}\n\n  {}\n",
            paint.bad("REFUSED"),
            paint.bold(&file),
            paint.code(reason),
            escape::plain(message)
        );
    }
    let mut out = format!("\n  {}  {}\n\n", paint.good("VERIFIED"), paint.bold(&file));
    let mut row = |name: &str, value: &str| {
        out.push_str(&format!(
            "  {}  {}\n",
            paint.dim(&format!("{name:<9}")),
            escape::plain(value)
        ));
    };
    match &blob.signer {
        Some(Signer::Identity { identity, issuer }) => {
            row("signed by", identity);
            row("vouched", &format!("by {issuer}"));
        }
        _ => row("signed by", "the holder of the given key"),
    }
    match blob.times.as_slice() {
        [] => row("when", "nobody vouches for a time"),
        [first, ..] => row("when", &format!("at or before {first}")),
    }
    row(
        "logged",
        if blob.logged {
            "yes, inclusion in the transparency log is proven"
        } else {
            "no"
        },
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified() -> Blob {
        Blob {
            verified: true,
            file: "a.txt".to_owned(),
            signature: "a.json".to_owned(),
            signer: Some(Signer::Identity {
                identity: "dev@example.test\u{1b}[2J".to_owned(),
                issuer: "https://issuer.test".to_owned(),
            }),
            times: vec!["2026-01-02T03:04:05Z".to_owned()],
            logged: true,
            reason: None,
            message: None,
        }
    }

    #[test]
    fn a_signer_cannot_draw_on_the_terminal() {
        let text = text(&verified(), &RenderOptions::default());
        assert!(text.contains("VERIFIED  a.txt") && text.contains("2026-01-02"));
        assert!(!text.contains('\u{1b}') && !json(&verified()).contains('\u{1b}'));
    }

    #[test]
    fn a_refusal_says_its_reason() {
        let blob = Blob {
            verified: false,
            signer: None,
            reason: Some("issuer-mismatch".to_owned()),
            message: Some("another issuer".to_owned()),
            ..verified()
        };
        let text = text(&blob, &RenderOptions::default());
        assert!(text.contains("REFUSED  a.txt") && text.contains("issuer-mismatch"));
    }
}
