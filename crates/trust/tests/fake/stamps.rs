//! A timestamp authority, RFC 3161.

use jiff::{SignedDuration, Timestamp};
use modelward_trust::{KeyKind, SigningKey, hash_bytes};

use super::authority::{Authority, Holder, TIME_STAMPING};
use super::der::{children, int, octets, oid, seq, serial, set, time, tlv};

pub struct Stamps {
    pub authority: Authority,
    pub certificate: Vec<u8>,
    key: SigningKey,
}

const NUMBER: u64 = 77;

impl Stamps {
    pub fn new() -> Self {
        let authority = Authority::new("time root");
        let key = SigningKey::generate(KeyKind::P256).unwrap();
        let now = Timestamp::now();
        let certificate = authority.issue(
            NUMBER,
            &Holder {
                name: "time",
                spki: key.verifying_key().to_der(),
                purpose: TIME_STAMPING,
                identity: None,
                valid: (
                    now - SignedDuration::from_hours(1),
                    now + SignedDuration::from_hours(1),
                ),
            },
            None,
        );
        Self {
            authority,
            certificate,
            key,
        }
    }

    /// The answer to a request: the hash and the nonce come back with a time.
    pub fn answer(&self, request: &[u8], at: Timestamp) -> Vec<u8> {
        let parts = children(request);
        let nonce = parts[2..].iter().find(|part| part[0] == 2);
        self.stamp(parts[1], nonce.copied().unwrap_or_default(), at)
    }

    /// A timestamp over a signature, unasked.
    pub fn over(&self, signature: &[u8], at: Timestamp) -> Vec<u8> {
        let sha256 = seq(&[&oid("2.16.840.1.101.3.4.2.1")]);
        self.stamp(&seq(&[&sha256, &octets(&hash_bytes(signature))]), &[], at)
    }

    fn stamp(&self, imprint: &[u8], nonce: &[u8], at: Timestamp) -> Vec<u8> {
        let info = seq(&[
            &int(1),
            &oid("1.3.6.1.4.1.57264.2"),
            imprint,
            &serial(1),
            &time(at),
            nonce,
        ]);
        let sha256 = seq(&[&oid("2.16.840.1.101.3.4.2.1")]);
        let kind = oid("1.2.840.113549.1.9.16.1.4");
        let attributes = set(&[
            &seq(&[&oid("1.2.840.113549.1.9.3"), &set(&[&kind])]),
            &seq(&[
                &oid("1.2.840.113549.1.9.4"),
                &set(&[&octets(&hash_bytes(&info))]),
            ]),
        ]);
        let mut implicit = attributes.clone();
        implicit[0] = 0xa0;
        let signer = seq(&[
            &int(1),
            &seq(&[&self.authority.name, &serial(NUMBER)]),
            &sha256,
            &implicit,
            &seq(&[&oid("1.2.840.10045.4.3.2")]),
            &octets(&self.key.sign(&attributes)),
        ]);
        let data = seq(&[
            &int(3),
            &set(&[&sha256]),
            &seq(&[&kind, &tlv(0xa0, &octets(&info))]),
            &set(&[&signer]),
        ]);
        let token = seq(&[&oid("1.2.840.113549.1.7.2"), &tlv(0xa0, &data)]);
        seq(&[&seq(&[&int(0)]), &token])
    }
}
