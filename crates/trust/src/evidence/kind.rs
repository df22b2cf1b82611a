//! Which statements there are, each with the URI that names its predicate.
//!
//! Where the field has a predicate it is used as it is: SLSA provenance and
//! verification summary, in-toto test result, the OMS signature. The others
//! are ours, under `https://modelward.dev/`, versioned in the URI: a member may
//! be added to a version, its meaning never changes.

/// A statement's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Signature,
    Provenance,
    Scan,
    TestResult,
    Verdict,
    Release,
    Accept,
    Rotation,
    Approval,
    Exemption,
    Revocation,
    Proof,
    Tensors,
}

impl Kind {
    pub const ALL: [Self; 13] = [
        Self::Signature,
        Self::Provenance,
        Self::Scan,
        Self::TestResult,
        Self::Verdict,
        Self::Release,
        Self::Accept,
        Self::Rotation,
        Self::Approval,
        Self::Exemption,
        Self::Revocation,
        Self::Proof,
        Self::Tensors,
    ];

    /// The word for it on the command line, in trust roots and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Provenance => "provenance",
            Self::Scan => "scan",
            Self::TestResult => "test-result",
            Self::Verdict => "verdict",
            Self::Release => "release",
            Self::Accept => "accept",
            Self::Rotation => "rotation",
            Self::Approval => "approval",
            Self::Exemption => "exemption",
            Self::Revocation => "revocation",
            Self::Proof => "conversion-proof",
            Self::Tensors => "tensor-digests",
        }
    }

    /// The `predicateType` it is written with.
    pub fn uri(self) -> &'static str {
        match self {
            Self::Signature => "https://model_signing/signature/v1.0",
            Self::Provenance => "https://slsa.dev/provenance/v1",
            Self::Scan => "https://modelward.dev/scan-report/v1",
            Self::TestResult => "https://in-toto.io/attestation/test-result/v0.1",
            Self::Verdict => "https://slsa.dev/verification_summary/v1",
            Self::Release => "https://modelward.dev/custody-release/v1",
            Self::Accept => "https://modelward.dev/custody-accept/v1",
            Self::Rotation => "https://modelward.dev/key-rotation/v1",
            Self::Approval => "https://modelward.dev/approval/v1",
            Self::Exemption => "https://modelward.dev/exemption/v1",
            Self::Revocation => "https://modelward.dev/revocation/v1",
            Self::Proof => "https://modelward.dev/conversion-proof/v1",
            Self::Tensors => "https://modelward.dev/tensor-digests/v1",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// By the URI it was written with; a later minor version of an OMS
    /// signature is one too (its VERSIONING.md).
    pub fn of_uri(uri: &str) -> Option<Self> {
        let oms = uri
            .strip_prefix("https://model_signing/signature/v1.")
            .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()));
        if oms || uri == "https://model_signing/Digests/v0.1" {
            return Some(Self::Signature);
        }
        Self::ALL.into_iter().find(|kind| kind.uri() == uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_uris_name_one_kind_each() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_word(kind.word()), Some(kind));
            assert_eq!(Kind::of_uri(kind.uri()), Some(kind));
        }
        assert_eq!(
            Kind::of_uri("https://model_signing/signature/v1.7"),
            Some(Kind::Signature)
        );
        assert_eq!(Kind::of_uri("https://model_signing/signature/v2.0"), None);
    }
}
