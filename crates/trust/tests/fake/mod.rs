//! A Sigstore instance of one's own on a local port: an identity provider's
//! token, Fulcio, a certificate log, Rekor (v1 and v2) and a timestamp
//! authority, with keys made for the occasion. Enough to sign and verify as
//! with the real services, and to answer wrongly on request.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    unreachable_pub,
    missing_debug_implementations,
    reason = "a test fails by panicking, and not every test uses all of it"
)]

pub mod authority;
pub mod der;
pub mod log;
pub mod stamps;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use modelward_trust::{KeyKind, SigningKey, VerifyingKey, hash_bytes};
use serde_json::{Value, json};

use authority::{Authority, CODE_SIGNING, Holder};
use log::Log;
use stamps::Stamps;

pub const ISSUER: &str = "https://issuer.test";

/// How the instance errs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The certificate carries no promise of the certificate log.
    NoPromise,
    /// The certificate is for somebody else's key.
    OtherKey,
    /// The log says that the entry is from next year.
    Future,
    /// Fulcio answers 500.
    Down,
    /// Fulcio answers with something that is no certificate.
    Nonsense,
}

pub struct Fake {
    pub url: String,
    pub stamps: Arc<Stamps>,
    fulcio: Arc<Authority>,
    certificate_log: Arc<SigningKey>,
    log: Arc<Mutex<Log>>,
}

impl Fake {
    /// Serves until the process ends.
    pub fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self {
            url,
            stamps: Arc::new(Stamps::new()),
            fulcio: Arc::new(Authority::new("fulcio")),
            certificate_log: Arc::new(SigningKey::generate(KeyKind::P256).unwrap()),
            log: Arc::new(Mutex::new(Log::new())),
        };
        let (stamps, fulcio) = (Arc::clone(&fake.stamps), Arc::clone(&fake.fulcio));
        let (certificates, log) = (Arc::clone(&fake.certificate_log), Arc::clone(&fake.log));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (path, body) = request(&mut stream);
                let json = || serde_json::from_slice::<Value>(&body).unwrap();
                let now = Timestamp::now();
                let answer = match path.as_str() {
                    "/api/v2/signingCert" if fault == Fault::Down => {
                        respond(&mut stream, "500 Down", b"out of order");
                        continue;
                    }
                    "/api/v2/signingCert" => certificate(&fulcio, &certificates, &json(), fault)
                        .to_string()
                        .into_bytes(),
                    "/api/v1/log/entries" => {
                        let at = if fault == Fault::Future {
                            now + SignedDuration::from_hours(9000)
                        } else {
                            now
                        };
                        log.lock()
                            .unwrap()
                            .enter_v1(&json(), at)
                            .to_string()
                            .into_bytes()
                    }
                    "/api/v2/log/entries" => log
                        .lock()
                        .unwrap()
                        .enter_v2(&json())
                        .to_string()
                        .into_bytes(),
                    "/oidc/token" => {
                        assert!(String::from_utf8_lossy(&body).contains("code_verifier="));
                        json!({"id_token": token("login@example.test")})
                            .to_string()
                            .into_bytes()
                    }
                    "/timestamp" => stamps.answer(&body, now),
                    _ => {
                        respond(&mut stream, "404 Not Found", b"");
                        continue;
                    }
                };
                respond(&mut stream, "201 Created", &answer);
            }
        });
        fake
    }

    /// The client trust configuration: whom to believe and where to sign.
    pub fn trust_config(&self, rekor: u32) -> String {
        json!({
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": self.signing_config(rekor),
        })
        .to_string()
    }

    pub fn trusted_root(&self) -> Value {
        let since = json!({"start": "2020-01-01T00:00:00Z"});
        let log = |key: &VerifyingKey| {
            json!([{
                "baseUrl": self.url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(key.to_der()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": since,
                },
                "logId": {"keyId": STANDARD.encode(hash_bytes(key.to_der()))},
            }])
        };
        let chain = |certificates: &[&Vec<u8>]| {
            let list: Vec<Value> = certificates
                .iter()
                .map(|der| json!({"rawBytes": STANDARD.encode(der)}))
                .collect();
            json!([{
                "subject": {"organization": "test", "commonName": "test"},
                "uri": self.url,
                "certChain": {"certificates": list},
                "validFor": since,
            }])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": log(self.log.lock().unwrap().key.verifying_key()),
            "certificateAuthorities": chain(&[&self.fulcio.certificate]),
            "ctlogs": log(self.certificate_log.verifying_key()),
            "timestampAuthorities": chain(&[&self.stamps.certificate, &self.stamps.authority.certificate]),
        })
    }

    fn signing_config(&self, rekor: u32) -> Value {
        let service = |path: &str, version: u32| {
            json!([{
                "url": format!("{}{path}", self.url),
                "majorApiVersion": version,
                "validFor": {"start": "2020-01-01T00:00:00Z"},
                "operator": "test",
            }])
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service("", 1),
            "oidcUrls": service("/oidc", 1),
            "rekorTlogUrls": service("", rekor),
            "tsaUrls": service("/timestamp", 1),
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        })
    }
}

/// A token as an identity provider would give it; only the fake believes it.
pub fn token(subject: &str) -> String {
    let exp = (Timestamp::now() + SignedDuration::from_mins(5)).as_second();
    let mut claims = json!({"iss": ISSUER, "sub": subject, "aud": "sigstore", "exp": exp});
    if subject.contains('@') {
        claims["email"] = subject.into();
        claims["email_verified"] = true.into();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({"alg": "none"})), part(&claims))
}

fn certificate(fulcio: &Authority, log: &SigningKey, request: &Value, fault: Fault) -> Value {
    let text = |pointer: &str| request.pointer(pointer).unwrap().as_str().unwrap();
    let token = text("/credentials/oidcIdentityToken");
    let claims = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let identity = claims
        .get("email")
        .unwrap_or(&claims["sub"])
        .as_str()
        .unwrap();
    let key = VerifyingKey::from_pem(text("/publicKeyRequest/publicKey/content")).unwrap();
    let proof = STANDARD
        .decode(text("/publicKeyRequest/proofOfPossession"))
        .unwrap();
    key.verify(identity.as_bytes(), &proof).unwrap();
    let key = if fault == Fault::OtherKey {
        SigningKey::generate(KeyKind::P256)
            .unwrap()
            .verifying_key()
            .clone()
    } else {
        key
    };
    let now = Timestamp::now();
    let der = fulcio.issue(
        Timestamp::now().as_second().unsigned_abs(),
        &Holder {
            name: "",
            spki: key.to_der(),
            purpose: CODE_SIGNING,
            identity: Some((identity, ISSUER)),
            valid: (
                now - SignedDuration::from_mins(1),
                now + SignedDuration::from_mins(9),
            ),
        },
        (fault != Fault::NoPromise).then_some(log),
    );
    if fault == Fault::Nonsense {
        return json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": ["no"]}}});
    }
    json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": [pem(&der), pem(&fulcio.certificate)]}}})
}

pub fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap().to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (path, body)
}

fn respond(stream: &mut TcpStream, status: &str, body: &[u8]) {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    stream.flush().unwrap();
}
