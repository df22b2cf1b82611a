//! Signing a statement with a key.

use super::{PAYLOAD, Statement, StatementError};
use crate::{SigningKey, sign_statement};

/// One line for a claims file.
pub fn sign(key: &SigningKey, statement: &Statement) -> Result<Vec<u8>, StatementError> {
    Ok(sign_payload(key, statement.to_bytes()?))
}

/// The same payload by one more signer, byte for byte.
pub fn sign_payload(key: &SigningKey, payload: Vec<u8>) -> Vec<u8> {
    sign_statement(key, PAYLOAD, payload).to_line().into_bytes()
}
