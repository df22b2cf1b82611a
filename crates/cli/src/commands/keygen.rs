//! `modelward keygen`: a key to sign with.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use modelward_trust::{KeyKind, SigningKey};

use crate::args::Common;
use crate::failure::{FINE, Failure, usage};
use crate::output;

#[derive(Debug, Args)]
pub(crate) struct Keygen {
    /// The private key goes to FILE, the public one to FILE with .pub before its extension
    #[arg(value_name = "FILE", default_value = "model.key.pem")]
    pub(crate) file: PathBuf,
    /// Which kind; every verifier of model signatures knows the first three
    #[arg(long, value_name = "KIND", default_value = "p256")]
    pub(crate) kind: Kind,
    /// Write the key unencrypted, for machines that nobody sits at
    #[arg(long)]
    pub(crate) no_password: bool,
    /// File whose first line is the password
    #[arg(long, value_name = "FILE", conflicts_with = "no_password")]
    pub(crate) password_file: Option<PathBuf>,
    /// The password
    #[arg(
        long,
        value_name = "WORD",
        env = "MODELWARD_PASSWORD",
        hide_env_values = true
    )]
    pub(crate) password: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    P256,
    P384,
    P521,
    Ed25519,
}

impl From<Kind> for KeyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::P256 => Self::P256,
            Kind::P384 => Self::P384,
            Kind::P521 => Self::P521,
            Kind::Ed25519 => Self::Ed25519,
        }
    }
}

pub(crate) fn run(args: &Keygen, common: &Common) -> Result<u8, Failure> {
    let public = public_place(&args.file);
    for file in [&args.file, &public] {
        if file.exists() {
            return usage(format!(
                "{}: it is there already; a key is never overwritten",
                file.display()
            ));
        }
    }
    let password = password(args)?;
    let key = SigningKey::generate(args.kind.into())?;
    write_new(&args.file, &key.to_pem(password.as_deref())?, true)?;
    write_new(&public, &key.verifying_key().to_pem(), false)?;
    let text = format!(
        "{} private key in {}, public key in {}\nid {}\n",
        key.kind(),
        args.file.display(),
        public.display(),
        key.verifying_key().hint()
    );
    output::answer(common, &text)?;
    Ok(FINE)
}

fn password(args: &Keygen) -> Result<Option<String>, Failure> {
    if args.no_password {
        return Ok(None);
    }
    let given = match &args.password_file {
        Some(file) => match std::fs::read_to_string(file) {
            Ok(text) => Some(text.lines().next().unwrap_or_default().to_owned()),
            Err(error) => return usage(format!("{}: {error}", file.display())),
        },
        None => args.password.clone(),
    };
    if let Some(given) = given {
        return if given.is_empty() {
            usage("the password is empty; --no-password writes the key unencrypted")
        } else {
            Ok(Some(given))
        };
    }
    if !std::io::stdin().is_terminal() {
        return usage(
            "give a password by --password-file or in MODELWARD_PASSWORD, or say --no-password",
        );
    }
    let ask = |text: &str| rpassword::prompt_password(text);
    let first = ask("password for the new key (empty for none): ")?;
    if first.is_empty() {
        return Ok(None);
    }
    if ask("the same again: ")? != first {
        return usage("the two passwords are not the same");
    }
    Ok(Some(first))
}

/// `model.key.pem` → `model.key.pub.pem`.
fn public_place(private: &Path) -> PathBuf {
    let extension = private.extension().map_or_else(
        || "pub".to_owned(),
        |e| format!("pub.{}", e.to_string_lossy()),
    );
    private.with_extension(extension)
}

fn write_new(file: &Path, text: &str, secret: bool) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    let written = options
        .open(file)
        .and_then(|mut out| out.write_all(text.as_bytes()));
    written.or_else(|error| usage(format!("{}: {error}", file.display())))
}
