//! Keyless signing: a certificate for ten minutes, a log entry, a timestamp.
//!
//! The only code of this crate that opens a socket, and only when called. It is
//! a thin use of `sigstore-sign`: an ephemeral P-256 key, a certificate from
//! Fulcio against the identity token, an entry in Rekor, a timestamp. What comes
//! back is verified against the trusted root before it is handed out, so a
//! service that answers nonsense cannot leave a bundle that nobody can verify.

use std::cell::RefCell;

use sigstore_sign::oidc::{
    AuthCallback, AuthMode, AuthOptions, HtmlTemplates, IdentityToken, OAuthClient, OAuthConfig,
    SecretString,
};
use sigstore_sign::tsa::TimestampClient;
use sigstore_sign::types::SignatureBytes;
use sigstore_sign::{SigningContext, SigningServices};

use crate::Refusal;

use super::root::Root;
use super::verify::{Expectations, Signer, verify_envelope};

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("the identity token is not usable: {0}")]
    Token(String),
    #[error(
        "there is no identity token; give --identity-token, set SIGSTORE_ID_TOKEN, or run where the CI system offers one"
    )]
    NoToken,
    #[error("the trust configuration does not say where to sign; it needs a signingConfig")]
    NoServices,
    #[error("the signing service failed: {0}")]
    Service(String),
    #[error("what the signing service returned does not verify: {0}")]
    Unverifiable(Refusal),
    #[error("the runtime could not be started: {0}")]
    Runtime(#[from] std::io::Error),
}

/// Where the identity token comes from.
pub enum Token<'a> {
    Given(String),
    /// The CI system's own (GitHub, GitLab, Buildkite …), asked for over the network.
    Ambient,
    /// The user logs in: shown the address to visit, they come back with a code.
    Login(&'a dyn Fn(&str) -> std::io::Result<String>),
}

impl std::fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Given(…)",
            Self::Ambient => "Ambient",
            Self::Login(_) => "Login",
        })
    }
}

/// The dialogue of [`Token::Login`]. The address is kept until the code is
/// asked for.
struct Dialogue<'a> {
    ask: &'a dyn Fn(&str) -> std::io::Result<String>,
    address: RefCell<String>,
}

impl HtmlTemplates for Dialogue<'_> {}

impl AuthCallback for Dialogue<'_> {
    fn auth_url_ready(&self, url: &str, _: AuthMode) {
        url.clone_into(&mut self.address.borrow_mut());
    }

    fn prompt_for_code(&self) -> std::io::Result<SecretString> {
        (self.ask)(&self.address.borrow()).map(SecretString::new)
    }
}

/// The instance to sign with: its services, and the root that must accept the
/// result.
#[derive(Debug)]
pub struct Instance {
    root: Root,
    services: SigningServices,
}

impl Instance {
    /// Signs with the services that `root` names.
    pub fn new(root: Root) -> Result<Self, SignError> {
        let config = root.services.as_ref().ok_or(SignError::NoServices)?;
        let services = SigningServices::from_signing_config(config)
            .map_err(|e| SignError::Service(e.to_string()))?;
        Ok(Self { root, services })
    }

    pub fn root(&self) -> &Root {
        &self.root
    }
}

/// Signs an in-toto statement and returns the bundle's JSON. The bytes signed
/// are the bytes given.
pub fn sign_statement(
    statement: &[u8],
    token: &Token<'_>,
    instance: &Instance,
) -> Result<Vec<u8>, SignError> {
    sign_statements(&[statement], token, instance)?
        .pop()
        .ok_or(SignError::NoServices)
}

/// Signs several statements with one token, each with a certificate of its own.
/// All are signed, or none is handed out; those that were sent stay in the log.
pub fn sign_statements(
    statements: &[&[u8]],
    token: &Token<'_>,
    instance: &Instance,
) -> Result<Vec<Vec<u8>>, SignError> {
    let bundles = runtime()?.block_on(async {
        let token = obtain(token, &instance.services).await?;
        if token.is_expired() {
            return Err(SignError::Token(format!(
                "it expired at {}",
                token.expiration()
            )));
        }
        let signer = SigningContext::new(instance.services.clone()).signer(token);
        let mut bundles = Vec::with_capacity(statements.len());
        for statement in statements {
            let bundle = signer
                .sign_raw_statement(statement)
                .await
                .map_err(|e| service(&e))?;
            bundles.push(bundle.to_json().map_err(|e| service(&e))?.into_bytes());
        }
        Ok(bundles)
    })?;
    for (bundle, statement) in bundles.iter().zip(statements) {
        check(bundle, statement, &instance.root)?;
    }
    Ok(bundles)
}

fn check(bundle: &[u8], statement: &[u8], root: &Root) -> Result<(), SignError> {
    let expectations = Expectations {
        signer: Signer::Anyone,
        root,
    };
    let verified = verify_envelope(bundle, &expectations).map_err(SignError::Unverifiable)?;
    if verified.payload.map(|(payload, _)| payload).as_deref() == Some(statement) {
        return Ok(());
    }
    Err(SignError::Unverifiable(Refusal::new(
        "artifact-mismatch",
        "another statement was signed",
    )))
}

/// Asks the timestamp authority at `url` for an RFC 3161 timestamp over a
/// signature, to be kept in its bundle. Who the authority is, and whether it is
/// trusted, is for the verifier to say.
pub fn request_timestamp(url: &str, signature: &[u8]) -> Result<Vec<u8>, SignError> {
    let client = TimestampClient::new(url).map_err(|e| service(&e))?;
    let token = runtime()?
        .block_on(client.timestamp_signature(&SignatureBytes::from_bytes(signature)))
        .map_err(|e| service(&e))?;
    Ok(token.as_bytes().to_vec())
}

/// Everything waits for one answer after another: one thread will do.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

async fn obtain(token: &Token<'_>, services: &SigningServices) -> Result<IdentityToken, SignError> {
    let refused = |e: sigstore_sign::oidc::Error| SignError::Token(e.to_string());
    match token {
        Token::Given(jwt) => IdentityToken::from_jwt(jwt.trim()).map_err(refused),
        Token::Ambient => IdentityToken::detect_ambient()
            .await
            .map_err(refused)?
            .ok_or(SignError::NoToken),
        Token::Login(ask) => {
            let provider = services.oidc_url().ok_or(SignError::NoServices)?;
            let dialogue = Dialogue {
                ask: *ask,
                address: RefCell::default(),
            };
            OAuthClient::new(OAuthConfig::dex(provider))
                .map_err(refused)?
                .authenticate_with_options(dialogue, AuthOptions::new().with_force_oob(true))
                .await
                .map_err(refused)
        }
    }
}

fn service(error: &dyn std::error::Error) -> SignError {
    SignError::Service(chain(error))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
