//! A transparency log: Rekor's two interfaces over one growing Merkle tree.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use modelward_trust::{KeyKind, SigningKey, hash_bytes, hex};
use serde_json::{Value, json};

pub const ORIGIN: &str = "log.test";

pub struct Log {
    pub key: SigningKey,
    leaves: Vec<[u8; 32]>,
}

impl Log {
    /// A log that others have used before.
    pub fn new() -> Self {
        Self {
            key: SigningKey::generate(KeyKind::P256).unwrap(),
            leaves: (0..5u8).map(|n| leaf(&[n])).collect(),
        }
    }

    pub fn id(&self) -> [u8; 32] {
        hash_bytes(self.key.verifying_key().to_der())
    }

    /// `POST /api/v1/log/entries` with a DSSE envelope.
    pub fn enter_v1(&mut self, request: &Value, at: Timestamp) -> Value {
        assert_eq!(request["kind"], "dsse");
        let proposed = &request["spec"]["proposedContent"];
        let text = proposed["envelope"].as_str().unwrap();
        let envelope: Value = serde_json::from_str(text).unwrap();
        let payload = STANDARD
            .decode(envelope["payload"].as_str().unwrap())
            .unwrap();
        let body = json!({
            "apiVersion": "0.0.1", "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": hex(&hash_bytes(text.as_bytes()))},
                "payloadHash": {"algorithm": "sha256", "value": hex(&hash_bytes(&payload))},
                "signatures": [{
                    "signature": envelope["signatures"][0]["sig"],
                    "verifier": canonical(proposed["verifiers"][0].as_str().unwrap()),
                }],
            },
        })
        .to_string();
        let (index, root, path, note) = self.enter(body.as_bytes());
        let body = STANDARD.encode(body);
        let promise = format!(
            r#"{{"body":"{body}","integratedTime":{},"logID":"{}","logIndex":{index}}}"#,
            at.as_second(),
            hex(&self.id()),
        );
        json!({"f00d": {
            "body": body,
            "integratedTime": at.as_second(),
            "logID": hex(&self.id()),
            "logIndex": index,
            "verification": {
                "signedEntryTimestamp": STANDARD.encode(self.key.sign(promise.as_bytes())),
                "inclusionProof": {
                    "checkpoint": note,
                    "hashes": path.iter().map(|h| hex(h)).collect::<Vec<_>>(),
                    "logIndex": index,
                    "rootHash": hex(&root),
                    "treeSize": self.leaves.len(),
                },
            },
        }})
    }

    /// `POST /api/v2/log/entries`.
    pub fn enter_v2(&mut self, request: &Value) -> Value {
        let request = &request["hashedRekordRequestV002"];
        let body = json!({
            "apiVersion": "0.0.2", "kind": "hashedrekord",
            "spec": {"hashedRekordV002": {
                "data": {"algorithm": "SHA2_256", "digest": request["digest"]},
                "signature": request["signature"],
            }},
        })
        .to_string();
        let (index, root, path, note) = self.enter(body.as_bytes());
        json!({
            "logIndex": index.to_string(),
            "logId": {"keyId": STANDARD.encode(self.id())},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "canonicalizedBody": STANDARD.encode(body),
            "inclusionProof": {
                "logIndex": index.to_string(),
                "rootHash": STANDARD.encode(root),
                "treeSize": self.leaves.len().to_string(),
                "hashes": path.iter().map(|h| STANDARD.encode(h)).collect::<Vec<_>>(),
                "checkpoint": {"envelope": note},
            },
        })
    }

    fn enter(&mut self, body: &[u8]) -> (usize, [u8; 32], Vec<[u8; 32]>, String) {
        let index = self.leaves.len();
        self.leaves.push(leaf(body));
        let root = tree(&self.leaves);
        let text = format!(
            "{ORIGIN}\n{}\n{}\n",
            self.leaves.len(),
            STANDARD.encode(root)
        );
        let signature = [&self.id()[..4], &self.key.sign(text.as_bytes())].concat();
        let note = format!("{text}\n— {ORIGIN} {}\n", STANDARD.encode(signature));
        (index, root, path(index, &self.leaves), note)
    }
}

/// The certificate's PEM as every reader would write it, as Rekor does.
fn canonical(verifier: &str) -> String {
    let text = String::from_utf8(STANDARD.decode(verifier).unwrap()).unwrap();
    let body: String = text.lines().filter(|l| !l.starts_with("--")).collect();
    STANDARD.encode(super::pem(&STANDARD.decode(body).unwrap()))
}

fn leaf(bytes: &[u8]) -> [u8; 32] {
    hash_bytes(&[&[0], bytes].concat())
}

/// RFC 6962, §2.1.
fn tree(leaves: &[[u8; 32]]) -> [u8; 32] {
    if let [one] = leaves {
        return *one;
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    hash_bytes(&[&[1][..], &tree(left), &tree(right)].concat())
}

fn path(index: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut out, other) = if index < left.len() {
        (path(index, left), right)
    } else {
        (path(index - left.len(), right), left)
    };
    out.push(tree(other));
    out
}
