//! Paths of certificates, good and bad.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use modelward_trust::oms::{CertificateTrust, Signed, Signer, Trust, check_signer};
use modelward_trust::{KeyKind, Refusal, SigningKey};

use crate::der::{bits, int, octets, oid, seq, serial, set, tlv, utc_time};
use crate::world::World;

const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";

struct Holder {
    name: &'static str,
    key: SigningKey,
}

fn holder(name: &'static str) -> Holder {
    Holder {
        name,
        key: SigningKey::generate(KeyKind::P256).unwrap(),
    }
}

fn name(text: &str) -> Vec<u8> {
    let attribute = seq(&[&oid("2.5.4.3"), &tlv(0x0c, text.as_bytes())]);
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

fn hours(from: i64, to: i64) -> (Timestamp, Timestamp) {
    let now = Timestamp::now();
    (
        now + SignedDuration::from_hours(from),
        now + SignedDuration::from_hours(to),
    )
}

fn issue(
    issuer: &Holder,
    subject: &Holder,
    (from, to): (Timestamp, Timestamp),
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let body = seq(&[
        &tlv(0xa0, &int(2)),
        &serial(7),
        &seq(&[&oid(ECDSA_SHA256)]),
        &name(issuer.name),
        &seq(&[&utc_time(from), &utc_time(to)]),
        &name(subject.name),
        subject.key.verifying_key().to_der(),
        &tlv(0xa3, &tlv(0x30, &extensions.concat())),
    ]);
    let signature = bits(&issuer.key.sign(&body));
    seq(&[&body, &seq(&[&oid(ECDSA_SHA256)]), &signature])
}

fn authority() -> Vec<Vec<u8>> {
    vec![
        extension("2.5.29.19", true, &seq(&[&tlv(1, &[0xff])])),
        extension("2.5.29.15", true, &tlv(3, &[1, 6])),
    ]
}

fn signing() -> Vec<Vec<u8>> {
    vec![
        extension("2.5.29.15", true, &tlv(3, &[7, 0x80])),
        extension("2.5.29.37", false, &seq(&[&oid("1.3.6.1.5.5.7.3.3")])),
    ]
}

struct Chain {
    root: Vec<u8>,
    middle: Vec<u8>,
    leaf: Vec<u8>,
    key: SigningKey,
}

struct Plan {
    valid: (Timestamp, Timestamp),
    middle_valid: (Timestamp, Timestamp),
    leaf: Vec<Vec<u8>>,
    middle: Vec<Vec<u8>>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            valid: hours(-2, 2),
            middle_valid: hours(-2, 2),
            leaf: signing(),
            middle: authority(),
        }
    }
}

fn chain(plan: &Plan) -> Chain {
    let (root, middle, leaf) = (holder("root"), holder("middle"), holder("leaf"));
    Chain {
        root: issue(&root, &root, hours(-3, 3), &authority()),
        middle: issue(&root, &middle, plan.middle_valid, &plan.middle),
        leaf: issue(&middle, &leaf, plan.valid, &plan.leaf),
        key: leaf.key,
    }
}

fn judge(
    world: &World,
    chain: Chain,
    given: &[Vec<u8>],
    at: SystemTime,
) -> Result<Signed, Refusal> {
    let payload = world.prepare().unwrap().manifest.to_statement();
    let signer = Signer::Certificate(chain.key, vec![chain.leaf, chain.middle]);
    let bundle = signer.sign(payload).to_line();
    let trust = CertificateTrust::new(given, at).unwrap();
    Signed::open(bundle.as_bytes(), Trust::Certificates(&trust))
}

fn reason(plan: &Plan) -> &'static str {
    let world = World::new(&["w"]);
    let chain = chain(plan);
    let given = [chain.root.clone()];
    judge(&world, chain, &given, SystemTime::now())
        .map_or_else(|refusal| refusal.reason, |_| "good")
}

#[test]
fn a_path_to_a_given_root_is_believed_and_names_the_signer() {
    let world = World::new(&["w"]);
    let whole = chain(&Plan::default());
    let given = [whole.root.clone()];
    let signed = judge(&world, whole, &given, SystemTime::now()).unwrap();
    assert_eq!(signed.signer, "CN=leaf");
    assert_eq!(reason(&Plan::default()), "good");
}

#[test]
fn another_root_is_not_believed_even_with_the_same_name() {
    let world = World::new(&["w"]);
    let other = chain(&Plan::default()).root;
    let refusal = judge(&world, chain(&Plan::default()), &[other], SystemTime::now()).unwrap_err();
    assert_eq!(refusal.reason, "certificate-untrusted");
    let refusal = judge(&world, chain(&Plan::default()), &[], SystemTime::now()).unwrap_err();
    assert_eq!(refusal.reason, "certificate-untrusted");
}

#[test]
fn a_given_certificate_that_is_no_root_is_enough_when_it_is_all_that_is_given() {
    let world = World::new(&["w"]);
    let whole = chain(&Plan::default());
    let given = [whole.middle.clone()];
    assert!(judge(&world, whole, &given, SystemTime::now()).is_ok());
    let whole = chain(&Plan::default());
    let given = [whole.middle.clone(), chain(&Plan::default()).root];
    assert!(judge(&world, whole, &given, SystemTime::now()).is_err());
}

#[test]
fn time_is_the_verifiers_and_not_the_certificates() {
    let old = || Plan {
        valid: hours(-2, -1),
        ..Plan::default()
    };
    assert_eq!(reason(&old()), "certificate-expired");
    let world = World::new(&["w"]);
    let whole = chain(&old());
    let given = [whole.root.clone()];
    let then = SystemTime::now() - std::time::Duration::from_mins(90);
    assert!(judge(&world, whole, &given, then).is_ok());
    let plan = Plan {
        valid: hours(1, 2),
        ..Plan::default()
    };
    assert_eq!(reason(&plan), "certificate-not-yet-valid");
    let plan = Plan {
        middle_valid: hours(-2, -1),
        ..Plan::default()
    };
    assert_eq!(reason(&plan), "certificate-expired");
}

#[test]
fn each_certificate_does_only_what_it_is_for() {
    let leaf = |leaf| Plan {
        leaf,
        ..Plan::default()
    };
    let middle = |middle| Plan {
        middle,
        ..Plan::default()
    };
    assert_eq!(reason(&leaf(Vec::new())), "certificate-usage");
    let web = extension("2.5.29.37", false, &seq(&[&oid("1.3.6.1.5.5.7.3.1")]));
    assert_eq!(reason(&leaf(vec![web])), "certificate-usage");
    let agreement = extension("2.5.29.15", true, &tlv(3, &[3, 0x08]));
    assert_eq!(reason(&leaf(vec![agreement])), "certificate-usage");
    let names = extension("2.5.29.30", true, &seq(&[]));
    let mut more = signing();
    more.push(names.clone());
    assert_eq!(reason(&leaf(more)), "certificate-extension");
    assert_eq!(reason(&middle(signing())), "certificate-not-authority");
    assert_eq!(reason(&middle(Vec::new())), "certificate-not-authority");
    let mut more = authority();
    more.push(names);
    assert_eq!(reason(&middle(more)), "certificate-extension");
}

#[test]
fn a_certificate_without_room_below_it_issues_no_authority() {
    let (root, middle, leaf) = (holder("root"), holder("middle"), holder("leaf"));
    let narrow = extension("2.5.29.19", true, &seq(&[&tlv(1, &[0xff]), &int(0)]));
    let root_certificate = issue(&root, &root, hours(-2, 2), &[narrow]);
    let whole = Chain {
        root: root_certificate.clone(),
        middle: issue(&root, &middle, hours(-2, 2), &authority()),
        leaf: issue(&middle, &leaf, hours(-2, 2), &signing()),
        key: leaf.key,
    };
    let world = World::new(&["w"]);
    let refusal = judge(&world, whole, &[root_certificate], SystemTime::now()).unwrap_err();
    assert_eq!(refusal.reason, "certificate-not-authority");
}

#[test]
fn nobody_signs_with_a_certificate_of_another_key() {
    let whole = chain(&Plan::default());
    let check =
        |key: &SigningKey| check_signer(&whole.leaf, key.verifying_key(), SystemTime::now());
    assert!(check(&whole.key).is_ok());
    let other = SigningKey::generate(KeyKind::P256).unwrap();
    assert_eq!(check(&other).unwrap_err().reason, "certificate-mismatch");
}

#[test]
fn a_bundle_of_another_method_is_refused() {
    let world = World::new(&["w"]);
    let bundle = world.sign();
    let trust = CertificateTrust::new(&[chain(&Plan::default()).root], SystemTime::now()).unwrap();
    let refusal = Signed::open(&bundle, Trust::Certificates(&trust)).unwrap_err();
    assert_eq!(refusal.reason, "method-mismatch");
}

#[test]
fn many_certificates_cost_little() {
    let world = World::new(&["w"]);
    let same = holder("same");
    let all: Vec<Vec<u8>> = (0..15)
        .map(|hour| issue(&same, &same, hours(-2 - hour, 2), &authority()))
        .collect();
    let leaf = holder("leaf");
    let mut bundle = vec![issue(&same, &leaf, hours(-2, 2), &signing())];
    bundle.extend(all);
    let payload = world.prepare().unwrap().manifest.to_statement();
    let line = Signer::Certificate(leaf.key, bundle)
        .sign(payload)
        .to_line();
    let trust = CertificateTrust::new(&[chain(&Plan::default()).root], SystemTime::now()).unwrap();
    let began = std::time::Instant::now();
    let refusal = Signed::open(line.as_bytes(), Trust::Certificates(&trust)).unwrap_err();
    assert_eq!(refusal.reason, "certificate-untrusted");
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
}
