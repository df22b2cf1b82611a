//! A certificate authority that issues what Fulcio and a timestamp authority
//! have: identity and issuer, a certificate log's promise, one purpose.

use jiff::{SignedDuration, Timestamp};
use modelward_trust::{KeyKind, SigningKey, hash_bytes};

use super::der::{bits, int, octets, oid, seq, serial, set, tlv, utc_time};

pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
pub const TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";

pub struct Authority {
    pub key: SigningKey,
    pub name: Vec<u8>,
    /// Its own certificate, DER.
    pub certificate: Vec<u8>,
}

/// What a certificate is for, and who its holder is.
pub struct Holder<'a> {
    pub name: &'a str,
    pub spki: &'a [u8],
    pub purpose: &'a str,
    pub identity: Option<(&'a str, &'a str)>,
    pub valid: (Timestamp, Timestamp),
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = SigningKey::generate(KeyKind::P256).unwrap();
        let name = common_name(name);
        let now = Timestamp::now();
        let extensions = [
            extension("2.5.29.19", true, &seq(&[&tlv(1, &[0xff])])),
            extension("2.5.29.15", true, &tlv(3, &[1, 6])),
            extension(
                "2.5.29.14",
                false,
                &octets(&key_id(key.verifying_key().to_der())),
            ),
        ];
        let body = certificate_body(
            &name,
            &name,
            key.verifying_key().to_der(),
            (
                now - SignedDuration::from_hours(24),
                now + SignedDuration::from_hours(24),
            ),
            1,
            &extensions.concat(),
        );
        let certificate = signed(&key, &body);
        Self {
            key,
            name,
            certificate,
        }
    }

    /// A certificate, with the promise of `log` inside if it is to have one.
    pub fn issue(&self, number: u64, holder: &Holder<'_>, log: Option<&SigningKey>) -> Vec<u8> {
        let mut extensions = vec![
            extension("2.5.29.15", true, &tlv(3, &[7, 0x80])),
            extension(
                "2.5.29.37",
                holder.purpose == TIME_STAMPING,
                &seq(&[&oid(holder.purpose)]),
            ),
            extension("2.5.29.14", false, &octets(&key_id(holder.spki))),
            extension(
                "2.5.29.35",
                false,
                &seq(&[&tlv(0x80, &key_id(self.key.verifying_key().to_der()))]),
            ),
        ];
        if let Some((identity, issuer)) = holder.identity {
            let tag = if identity.contains("://") { 0x86 } else { 0x81 };
            extensions.push(extension(
                "2.5.29.17",
                true,
                &seq(&[&tlv(tag, identity.as_bytes())]),
            ));
            // Old readers want the bare text.
            extensions.push(extension("1.3.6.1.4.1.57264.1.1", false, issuer.as_bytes()));
            extensions.push(extension(
                "1.3.6.1.4.1.57264.1.8",
                false,
                &tlv(0x0c, issuer.as_bytes()),
            ));
        }
        let subject = common_name(holder.name);
        let body = |extensions: &[Vec<u8>]| {
            certificate_body(
                &self.name,
                &subject,
                holder.spki,
                holder.valid,
                number,
                &extensions.concat(),
            )
        };
        if let Some(log) = log {
            let promise = self.promise(log, &body(&extensions));
            extensions.push(extension(
                "1.3.6.1.4.1.11129.2.4.2",
                false,
                &octets(&promise),
            ));
        }
        signed(&self.key, &body(&extensions))
    }

    /// RFC 6962, §3.2 and §3.3: a list of one timestamp over the certificate
    /// without it.
    fn promise(&self, log: &SigningKey, body: &[u8]) -> Vec<u8> {
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap();
        let mut message = vec![0, 0];
        message.extend(now.to_be_bytes());
        message.extend([0, 1]);
        message.extend(hash_bytes(self.key.verifying_key().to_der()));
        message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
        message.extend(body);
        message.extend([0, 0]);
        let signature = log.sign(&message);
        let mut promise = vec![0];
        promise.extend(hash_bytes(log.verifying_key().to_der()));
        promise.extend(now.to_be_bytes());
        promise.extend([0, 0, 4, 3]);
        promise.extend(prefixed(&signature));
        prefixed(&prefixed(&promise))
    }
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}

fn key_id(spki: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(&hash_bytes(spki)[..20]);
    out
}

fn common_name(name: &str) -> Vec<u8> {
    if name.is_empty() {
        return seq(&[]);
    }
    let attribute = seq(&[&oid("2.5.4.3"), &tlv(0x0c, name.as_bytes())]);
    seq(&[&set(&[&attribute])])
}

fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical {
        tlv(1, &[0xff])
    } else {
        Vec::new()
    };
    seq(&[&oid(id), &critical, &octets(value)])
}

fn certificate_body(
    issuer: &[u8],
    subject: &[u8],
    spki: &[u8],
    (from, to): (Timestamp, Timestamp),
    number: u64,
    extensions: &[u8],
) -> Vec<u8> {
    seq(&[
        &tlv(0xa0, &int(2)),
        &serial(number),
        &seq(&[&oid(ECDSA_SHA256)]),
        issuer,
        &seq(&[&utc_time(from), &utc_time(to)]),
        subject,
        spki,
        &tlv(0xa3, &tlv(0x30, extensions)),
    ])
}

fn signed(key: &SigningKey, body: &[u8]) -> Vec<u8> {
    seq(&[body, &seq(&[&oid(ECDSA_SHA256)]), &bits(&key.sign(body))])
}
