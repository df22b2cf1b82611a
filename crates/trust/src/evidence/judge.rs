//! Which statements count.
//!
//! A line counts when its signature is by a key or identity of the trust root,
//! that signer may say this of this model, the key stood at the time, and
//! enough signers say the same. Everything else is kept and shown, refused, with
//! a stable code: evidence that does not count is not evidence that is not
//! there.

use std::collections::BTreeSet;

use jiff::Timestamp;
use modelward_schema::Standing;

use super::signer::{stands, who};
use super::{
    Accept, Approval, Exemption, Kind, Line, Operation, Provenance, Release, Revocation, Statement,
};
use crate::authority::{Allowance, Refused, TrustRoot, What};
use crate::{Bundle, hash_bytes, hex};

/// What statements are judged by.
#[derive(Clone, Copy)]
pub struct Judging<'a> {
    /// Absent when nobody named one: then nothing counts and nothing is refused.
    pub root: Option<&'a TrustRoot>,
    /// The artifact's digest, and its name for whoever verifies.
    pub digest: &'a str,
    pub model: &'a str,
    /// When our own log first held a payload, by its digest.
    pub logged: &'a dyn Fn(&str) -> Option<Timestamp>,
}

impl std::fmt::Debug for Judging<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judging")
            .field("digest", &self.digest)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// A line, read and judged.
#[derive(Debug, Clone)]
pub struct Judged {
    pub place: String,
    /// `sha256:` of the payload; absent when the line is no bundle.
    pub id: Option<String>,
    pub statement: Option<Statement>,
    /// By the trust root's name.
    pub signer: Option<String>,
    /// The key's hint, or the identity.
    pub key: Option<String>,
    /// When it existed at the latest, as another than the signer proves.
    pub time: Option<Timestamp>,
    /// Absent when it counts, or when there is no trust root.
    pub refused: Option<Refused>,
    pub standing: Standing,
}

impl Judged {
    pub fn counts(&self) -> bool {
        self.standing == Standing::Verified
    }

    /// Of a statement that counts: its predicate, when it is of that kind.
    pub fn says<P: super::Predicate>(&self) -> Option<(&Statement, P)> {
        let statement = self.statement.as_ref().filter(|_| self.counts())?;
        Some((statement, statement.read::<P>()?.ok()?))
    }

    fn refuse(&mut self, refused: Refused) {
        self.refused = Some(refused);
        self.standing = Standing::Refused;
    }
}

/// Judges every line by itself, then all of them together.
pub fn judge(lines: &[Line], judging: &Judging<'_>) -> Vec<Judged> {
    let mut out: Vec<Judged> = lines.iter().map(|line| one(line, judging)).collect();
    if let Some(root) = judging.root {
        withdraw(&mut out);
        thresholds(&mut out, root, judging);
        duties(&mut out, root);
    }
    out
}

fn one(line: &Line, judging: &Judging<'_>) -> Judged {
    let mut judged = Judged {
        place: line.place.clone(),
        id: None,
        statement: None,
        signer: None,
        key: None,
        time: None,
        refused: None,
        standing: Standing::Unjudged,
    };
    let bundle = match Bundle::parse(&line.bytes) {
        Ok(bundle) => bundle,
        Err(refusal) => {
            judged.refuse(Refused::new(refusal.reason, refusal.message));
            return judged;
        }
    };
    let id = format!("sha256:{}", hex(&hash_bytes(&bundle.envelope.payload)));
    judged.id = Some(id.clone());
    if let Err(refused) = check(line, &bundle, &id, judging, &mut judged) {
        judged.refuse(refused);
    } else if judging.root.is_some() {
        judged.standing = Standing::Verified;
    }
    judged
}

fn check(
    line: &Line,
    bundle: &Bundle,
    id: &str,
    judging: &Judging<'_>,
    judged: &mut Judged,
) -> Result<(), Refused> {
    if bundle.envelope.payload_type != super::PAYLOAD {
        return Err(Refused::new(
            "payload-type-unknown",
            format!("its payload is of type {:?}", bundle.envelope.payload_type),
        ));
    }
    // Two members of one name could say two things to two readers.
    crate::parse_strict(&bundle.envelope.payload)
        .map_err(|error| Refused::new("statement-malformed", error.to_string()))?;
    let statement = Statement::parse(&bundle.envelope.payload)
        .map_err(|error| Refused::new("statement-malformed", error.to_string()))?;
    let claim = claim_of(&statement);
    judged.statement = Some(statement.clone());
    let claim = claim?;
    let Some(root) = judging.root else {
        return Ok(());
    };
    let who = who(line, bundle, root)?;
    judged.signer = Some(who.signer.to_owned());
    judged.key = Some(who.key.clone());
    let logged = (judging.logged)(id);
    judged.time = who.times.iter().copied().chain(logged).min();
    if let Some(key) = who.trusted {
        stands(key, judged.time)?;
    }
    let what = what_of(&statement, &claim, judging);
    let Some(rule) = root.allowance(who.signer, &what) else {
        return Err(Refused::new(
            "signer-not-allowed",
            format!(
                "{} may not sign {} of {}{}",
                who.signer,
                what.word,
                what.model,
                detail(&claim)
            ),
        ));
    };
    if let Some(named) = claim.speaker.as_deref()
        && !same(named, who.signer)
    {
        return Err(Refused::new(
            "signer-not-who-it-names",
            format!("it names {named}, and {} signed it", who.signer),
        ));
    }
    if let (Some(tools), Some(Ok(provenance))) = (rule.tools(), statement.read::<Provenance>()) {
        known_tools(&provenance, tools)?;
    }
    Ok(())
}

/// What is wrong with a statement before anybody signs it.
pub fn fault_of(statement: &Statement) -> Option<String> {
    claim_of(statement).err().map(|refused| refused.message)
}

/// What the trust root has to know of a claim.
#[derive(Debug, Default)]
struct Claim {
    operation: Option<Operation>,
    role: Option<String>,
    /// Who is said to say it.
    speaker: Option<String>,
}

fn detail(claim: &Claim) -> String {
    match (claim.operation, &claim.role) {
        (Some(operation), _) => format!(" ({})", operation.word()),
        (None, Some(role)) => format!(" as {role}"),
        (None, None) => String::new(),
    }
}

fn claim_of(statement: &Statement) -> Result<Claim, Refused> {
    fn typed<P: super::Predicate>(statement: &Statement) -> Result<P, Refused> {
        let predicate = P::deserialize(&statement.predicate)
            .map_err(|error| Refused::new("predicate-malformed", error.to_string()))?;
        match predicate.faults().first() {
            Some(fault) => Err(Refused::new("statement-incomplete", format!("it {fault}"))),
            None => Ok(predicate),
        }
    }
    let spoken = |who: String| Claim {
        speaker: Some(who),
        ..Claim::default()
    };
    Ok(match statement.known() {
        None | Some(Kind::Signature | Kind::Rotation) => Claim::default(),
        Some(Kind::Provenance) => Claim {
            operation: typed::<Provenance>(statement)?.operation(),
            ..Claim::default()
        },
        Some(Kind::Approval) => {
            let approval = typed::<Approval>(statement)?;
            Claim {
                role: Some(approval.role),
                ..spoken(approval.by)
            }
        }
        Some(Kind::Exemption) => spoken(typed::<Exemption>(statement)?.approved_by),
        Some(Kind::Revocation) => spoken(typed::<Revocation>(statement)?.by),
        Some(Kind::Release) => spoken(typed::<Release>(statement)?.from),
        Some(Kind::Accept) => spoken(typed::<Accept>(statement)?.to),
        Some(Kind::Scan) => typed::<super::ScanReport>(statement).map(|_| Claim::default())?,
        Some(Kind::TestResult) => {
            typed::<super::TestResult>(statement).map(|_| Claim::default())?
        }
        Some(Kind::Verdict) => typed::<super::Verdict>(statement).map(|_| Claim::default())?,
        Some(Kind::Proof) => {
            typed::<super::ConversionProof>(statement).map(|_| Claim::default())?
        }
        Some(Kind::Tensors) => {
            typed::<super::TensorDigests>(statement).map(|_| Claim::default())?
        }
    })
}

fn what_of<'a>(statement: &'a Statement, claim: &'a Claim, judging: &Judging<'a>) -> What<'a> {
    let model = if statement.speaks_of(judging.digest) {
        judging.model
    } else {
        let mut names = statement.subject.iter();
        names
            .find_map(|subject| subject.name.as_deref())
            .unwrap_or_default()
    };
    What {
        word: statement.word(),
        uri: &statement.predicate_type,
        model,
        operation: claim.operation,
        role: claim.role.as_deref(),
    }
}

fn known_tools(provenance: &Provenance, allowed: &[String]) -> Result<(), Refused> {
    for tool in provenance.used_as("tool") {
        let digest = tool.sha256().unwrap_or_else(|| "no digest".to_owned());
        if !allowed.contains(&digest) {
            let name = tool.name.as_deref().unwrap_or("its tool");
            return Err(Refused::new(
                "tool-unexpected",
                format!("{name} is {digest}, which the trust root does not list"),
            ));
        }
    }
    Ok(())
}

/// What a revocation that counts names no longer does.
fn withdraw(all: &mut [Judged]) {
    let mut withdrawn: Vec<(String, String)> = Vec::new();
    for judged in all.iter() {
        if let Some((_, revocation)) = judged.says::<Revocation>() {
            for id in &revocation.statements {
                let why = format!("{} withdrew it: {}", revocation.by, revocation.reason);
                withdrawn.push((id.clone(), why));
            }
        }
    }
    for judged in all.iter_mut().filter(|judged| judged.counts()) {
        let found = withdrawn
            .iter()
            .find(|(id, _)| Some(id) == judged.id.as_ref());
        if let Some((_, why)) = found {
            judged.refuse(Refused::new("statement-withdrawn", why.clone()));
        }
    }
}

/// Whether enough signers say the same. Approvals say the same when they speak
/// of the same bytes, stage and role; everything else when it is the same
/// payload.
fn thresholds(all: &mut [Judged], root: &TrustRoot, judging: &Judging<'_>) {
    let mut said: Vec<(String, String)> = Vec::new();
    for judged in all.iter().filter(|judged| judged.counts()) {
        if let (Some(what), Some(signer)) = (same_as(judged), &judged.signer) {
            said.push((what, signer.to_lowercase()));
        }
    }
    for judged in all.iter_mut().filter(|judged| judged.counts()) {
        let (Some(statement), Some(signer)) = (&judged.statement, &judged.signer) else {
            continue;
        };
        let Ok(claim) = claim_of(statement) else {
            continue;
        };
        let what = what_of(statement, &claim, judging);
        let needed = root
            .allowance(signer, &what)
            .map_or(1, Allowance::threshold);
        let Some(key) = same_as(judged) else { continue };
        let signers: BTreeSet<&String> = said
            .iter()
            .filter(|(what, _)| *what == key)
            .map(|(_, signer)| signer)
            .collect();
        if signers.len() < needed {
            let message = format!("{} of {needed} signers say so", signers.len());
            judged.refuse(Refused::new("threshold-not-met", message));
        }
    }
}

fn same_as(judged: &Judged) -> Option<String> {
    if let Some((statement, approval)) = judged.says::<Approval>() {
        let digests: Vec<String> = statement.digests().collect();
        return Some(format!(
            "{} {} {} {}",
            digests.join(" "),
            approval.stage,
            approval.role,
            approval.manifest.unwrap_or_default()
        ));
    }
    judged.id.clone()
}

/// Nobody makes both claims of a pair about one model or what it came from.
/// The later line of the two is refused.
fn duties(all: &mut [Judged], root: &TrustRoot) {
    for [one, other] in &root.separate {
        let signers = |all: &[Judged], word: &str| -> BTreeSet<String> {
            all.iter()
                .filter(|judged| judged.counts())
                .filter(|judged| judged.statement.as_ref().is_some_and(|s| s.word() == word))
                .filter_map(|judged| judged.signer.clone())
                .collect()
        };
        let both: BTreeSet<String> = signers(all, one)
            .intersection(&signers(all, other))
            .cloned()
            .collect();
        for judged in all.iter_mut().filter(|judged| judged.counts()) {
            let is_other = judged.statement.as_ref().is_some_and(|s| s.word() == other);
            if let Some(signer) = judged
                .signer
                .clone()
                .filter(|s| both.contains(s) && is_other)
            {
                judged.refuse(Refused::new(
                    "duties-not-separate",
                    format!("{signer} signed {one} as well as {other}"),
                ));
            }
        }
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
