//! What `sign` and `verify` have in common where Sigstore is concerned: whose
//! token, which instance, whom to believe.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use modelward_trust::sigstore::{
    Expectations, Instance, PublicKey, Root, SignedBy, Signer, Token, sign_statements,
    verify_envelope,
};
use modelward_trust::{Bundle, Refusal};

use crate::failure::{Failure, usage};

/// Signing without a key.
#[derive(Debug, Args)]
pub(crate) struct Keyless {
    /// Sign with an identity instead of a key: needs the network and an identity token
    #[arg(long, conflicts_with_all = ["private_key", "signing_certificate"])]
    pub(crate) sigstore: bool,
    /// The identity token (a JWT) [default: SIGSTORE_ID_TOKEN, else the CI system's, else you are asked to log in]
    #[arg(long, alias = "identity_token", value_name = "TOKEN")]
    pub(crate) identity_token: Option<String>,
    /// Use the CI system's token, and fail where there is none
    #[arg(
        long,
        alias = "use_ambient_credentials",
        conflicts_with = "identity_token"
    )]
    pub(crate) use_ambient_credentials: bool,
    /// Taken for the sake of scripts: the code is always asked for here
    #[arg(long, alias = "oauth_force_oob", hide = true)]
    pub(crate) oauth_force_oob: bool,
    #[command(flatten)]
    pub(crate) instance: Which,
}

/// Which Sigstore instance.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Sigstore client trust configuration or trusted root, instead of the public instance's
    #[arg(long, alias = "trust_config", value_name = "FILE")]
    pub(crate) trust_config: Option<PathBuf>,
    /// The public staging instance, for tests
    #[arg(long, alias = "use_staging", conflicts_with = "trust_config")]
    pub(crate) use_staging: bool,
}

impl Which {
    /// The trusted root in `file`, else as the options say.
    pub(crate) fn root(&self, file: Option<&Path>) -> Result<Root, Failure> {
        let root = match file.or(self.trust_config.as_deref()) {
            Some(path) => Root::from_file(path),
            None if self.use_staging => Root::staging(),
            None => Root::public_good(),
        };
        root.map_err(|e| Failure::Usage(e.to_string()))
    }
}

/// Who must have signed.
#[derive(Debug, Args)]
pub(crate) struct Who {
    /// The identity that must have signed, exactly (an address, or the URL of a workflow)
    #[arg(long, value_name = "IDENTITY", requires = "identity_provider")]
    pub(crate) identity: Option<String>,
    /// URL of the provider that vouches for the identity, exactly
    #[arg(
        long,
        alias = "identity_provider",
        value_name = "URL",
        requires = "identity"
    )]
    pub(crate) identity_provider: Option<String>,
    #[command(flatten)]
    pub(crate) instance: Which,
}

impl Who {
    /// The identity, or the key in `key`.
    pub(crate) fn signer(&self, key: Option<&Path>) -> Result<Signer, Failure> {
        match (&self.identity, &self.identity_provider, key) {
            (Some(identity), Some(issuer), None) => Ok(Signer::Identity {
                identity: identity.clone(),
                issuer: issuer.clone(),
            }),
            (None, None, Some(path)) => {
                let wrong = |e: String| Failure::Usage(format!("{}: {e}", path.display()));
                let pem = std::fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
                let key = PublicKey::from_pem(&pem).map_err(|e| wrong(e.to_string()))?;
                Ok(Signer::Key(key))
            }
            (Some(_), _, Some(_)) => {
                usage("give either --public-key or --identity and --identity-provider, not both")
            }
            _ => usage(
                "who must have signed? give --identity and --identity-provider, or --public-key",
            ),
        }
    }
}

impl Who {
    pub(crate) fn is_named(&self) -> bool {
        self.identity.is_some()
    }

    /// Checks a model's bundle, and says who signed it.
    pub(crate) fn checker(&self) -> Result<Check, Failure> {
        let (signer, root) = (self.signer(None)?, self.instance.root(None)?);
        Ok(Box::new(move |bundle| {
            let expectations = Expectations {
                signer: signer.clone(),
                root: &root,
            };
            verify_envelope(bundle, &expectations).map(|verified| match verified.by {
                SignedBy::Identity { identity, issuer } => {
                    format!("{identity}, vouched for by {issuer}")
                }
                SignedBy::Key => "the holder of the given key".to_owned(),
            })
        }))
    }
}

/// From a bundle's bytes to who signed it.
pub(crate) type Check = Box<dyn Fn(&[u8]) -> Result<String, Refusal>>;

impl Keyless {
    /// Signs statements with one token. The only code of the program that opens a
    /// connection of its own accord.
    pub(crate) fn sign(&self, statements: &[&[u8]]) -> Result<Vec<Bundle>, Failure> {
        let instance =
            Instance::new(self.instance.root(None)?).map_err(|e| Failure::Usage(e.to_string()))?;
        let given = self
            .identity_token
            .clone()
            .or_else(|| std::env::var("SIGSTORE_ID_TOKEN").ok())
            .filter(|token| !token.is_empty() && !self.use_ambient_credentials);
        let token = match given {
            Some(token) => Token::Given(token),
            None if self.use_ambient_credentials || !on_terminal() => Token::Ambient,
            None => Token::Login(&ask_for_code),
        };
        let bundles = sign_statements(statements, &token, &instance)
            .map_err(|e| Failure::Usage(format!("nothing was signed: {e}")))?;
        let parsed: Result<Vec<Bundle>, Refusal> =
            bundles.iter().map(|bundle| Bundle::parse(bundle)).collect();
        Ok(parsed?)
    }
}

fn on_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn ask_for_code(address: &str) -> std::io::Result<String> {
    let mut err = anstream::stderr();
    writeln!(err, "Log in here, then paste the code:\n\n  {address}\n")?;
    write!(err, "code: ")?;
    err.flush()?;
    let mut code = String::new();
    std::io::stdin().lock().read_line(&mut code)?;
    Ok(code.trim().to_owned())
}
