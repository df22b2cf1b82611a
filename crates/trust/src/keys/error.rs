//! Why a key cannot be used.

/// Fits after the file's name and a colon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it is not PEM: there is no -----BEGIN … KEY----- block in it")]
    NotPem,
    #[error("it is a private key; the public key is wanted here")]
    Private,
    #[error("it is a public key; the private key is wanted here")]
    Public,
    #[error("it is a certificate; a key is wanted here")]
    Certificate,
    #[error(
        "it holds {0:?}, which is not known; use an ECDSA P-256, P-384 or P-521 key, or Ed25519"
    )]
    Label(String),
    #[error(
        "it is encrypted in OpenSSL's old form; convert it with `openssl pkcs8 -topk8 -in OLD -out NEW`"
    )]
    OldEncryption,
    #[error(
        "its algorithm {0} is not supported; use an ECDSA P-256, P-384 or P-521 key, or Ed25519"
    )]
    Algorithm(String),
    #[error("it is encrypted; give its password")]
    PasswordMissing,
    #[error("the password is wrong")]
    PasswordWrong,
    #[error("it is not encrypted, so a password is not expected")]
    PasswordUnexpected,
    #[error("it is damaged: {0}")]
    Malformed(String),
}
